"""What the pages of one case show, in few queries. Sealed values are named here, never opened but one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    CharField,
    Count,
    ExpressionWrapper,
    Func,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import JSONObject

from cases.kernel import casetypes, conflicts, policy
from cases.kernel.actors import Actor
from cases.kernel.casetypes import CaseType
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.finding import joining
from cases.kernel.holds import in_force
from cases.kernel.linking import links
from cases.kernel.models import (
    Approval,
    AuditReport,
    Case,
    CaseAddress,
    CaseParty,
    Clock,
    Evidence,
    Hold,
    OutboxMessage,
    Task,
)
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS
from cases.kernel.prepared import Prepared, have
from cases.ledger import sealing
from cases.ledger.sealed import SealedTextField

__all__ = ["REVEAL_REASONS", "CaseFile", "SealedItem", "Subject", "case_file", "facts_of", "reveal", "revealing"]

REVEAL_REASONS: Mapping[str, str] = {
    "verify_identity": "Verify who somebody is",
    "compare_evidence": "Compare with evidence",
    "prepare_filing": "Prepare what is filed",
    "answer_agency": "Answer an agency",
    "quality_check": "Check the quality of the work",
}


# A case with more people, a sale of thousands of debts, lists none of them: neither is anything of them read.
MOST_PEOPLE = 200


class NothingSealed(CaseError):
    """The case holds no such value."""

    def __init__(self) -> None:
        super().__init__("This case holds no such value.")


class RevealReasonMissing(CaseError):
    """Nobody reads a personal value without a purpose from the list."""

    def __init__(self) -> None:
        super().__init__("Choose why you need to see this.")


@dataclass(frozen=True, kw_only=True)
class SealedItem:
    """One sealed value that a case holds. `code` finds it again: person-2-phone, address-1-town, facts-narrative."""

    code: str
    field: str


@dataclass(frozen=True, kw_only=True)
class Address:
    """One address of a person, masked."""

    number: int
    kind: str
    is_detached: bool
    source: str
    items: tuple[SealedItem, ...]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One person of the case, masked."""

    number: int
    role: str
    is_innocent: bool
    is_detached: bool
    is_erased: bool
    source: str
    items: tuple[SealedItem, ...]
    addresses: tuple[Address, ...]


@dataclass(frozen=True, kw_only=True)
class CaseFile:
    """A case with everything its pages list beside the story. The lists are plain values, not rows. `people_count` is
    how many people it has; `subjects` are none where they are more than MOST_PEOPLE."""

    case: Case
    people_count: int
    subjects: tuple[Subject, ...]
    clocks: tuple[Mapping[str, Any], ...]
    tasks: tuple[Mapping[str, Any], ...]
    approvals: tuple[Mapping[str, Any], ...]
    reports: tuple[Mapping[str, Any], ...]
    holds: tuple[str, ...]
    document_count: int
    message_count: int
    pair_count: int
    links: tuple[Mapping[str, Any], ...]


def _present(names: tuple[str, ...]) -> dict[str, Any]:
    return {
        f"has_{name}": ExpressionWrapper(Q(**{f"{name}__isnull": False}), output_field=BooleanField()) for name in names
    }


def _listed(rows: QuerySet[Any], **columns: Any) -> ArraySubquery:
    return ArraySubquery(rows.values(listed=JSONObject(**columns)))


def _parts() -> dict[str, Any]:
    mine = {"case": OuterRef("pk")}
    places = CaseAddress.objects.filter(party__case=OuterRef("pk"), party__number__lte=MOST_PEOPLE)
    places = places.annotate(**_present(ADDRESS_FIELDS)).order_by("pk")
    place_columns = ("id", "party_id", "kind", "is_detached", "source")
    return {
        "places_": _listed(places, **_same(place_columns), **_same(_present(ADDRESS_FIELDS))),
        "clocks_": _listed(
            Clock.objects.filter(**mine).order_by("due_at"),
            **_same(("rule", "state", "started_at", "due_at", "ended_at", "explanation")),
            party="party__number",
        ),
        "tasks_": _listed(
            Task.objects.filter(closed_at=None, **mine).order_by("opened_at"),
            **_same(("id", "kind", "detail", "opened_at", "due_at")),
        ),
        "approvals_": _listed(
            Approval.objects.filter(closed_at=None, **mine).order_by("opened_at"),
            **_same(("id", "uid", "key_id", "act", "maker_id", "needs", "mode", "opened_at", "due_at")),
            maker="maker__display_name",
            typed=Func("typed", Value("base64"), function="encode", output_field=CharField()),
        ),
        "reports_": _listed(
            AuditReport.objects.filter(**mine).order_by("-requested_at")[:5],
            **_same(("uid", "state", "level", "requested_at", "pages", "erased_at")),
            asker="requested_by__display_name",
        ),
        "holds_": _listed(Hold.objects.filter(in_force(), **mine)[:9], kind="kind"),
        "people_": ArraySubquery(CaseParty.objects.filter(**mine).order_by("-number").values("number")[:1]),
        "messages_": _counted(OutboxMessage.objects.filter(**mine)),
    }


def _same(names: Any) -> dict[str, str]:
    return {name: name for name in names}


def _counted(rows: QuerySet[Any]) -> ArraySubquery:
    return ArraySubquery(rows.order_by().values("case_id").annotate(counted=Count("pk")).values("counted"))


PARTS = ("places_", "clocks_", "tasks_", "approvals_", "reports_", "holds_", "people_", "messages_", "onward_", "back_")
MOMENTS = frozenset({"started_at", "due_at", "opened_at", "requested_at"})


def _read(rows: list[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Turn the moments that JSON carries as text back into aware datetimes."""
    return tuple(
        {name: datetime.fromisoformat(value) if name in MOMENTS and value else value for name, value in row.items()}
        for row in rows
    )


def _numbered(places: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Number the addresses within their case: a row's own number would tell how many others there are."""
    return [{**place, "number": number} for number, place in enumerate(places, start=1)]


def _address(place: Mapping[str, Any]) -> Address:
    held = [name for name in ADDRESS_FIELDS if place[f"has_{name}"]]
    items = tuple(SealedItem(code=f"address-{place['number']}-{name}", field=name) for name in held)
    return Address(
        number=place["number"],
        kind=place["kind"],
        is_detached=place["is_detached"],
        source=place["source"],
        items=items,
    )


def _held_by(person: CaseParty) -> tuple[SealedItem, ...]:
    held = [name for name in PERSON_FIELDS if getattr(person, name) is not None]
    return tuple(SealedItem(code=f"person-{person.number}-{name}", field=name) for name in held)


def _subjects(people: Iterable[CaseParty], places: list[Mapping[str, Any]]) -> tuple[Subject, ...]:
    of_person: dict[int, list[Mapping[str, Any]]] = {}
    for place in places:
        of_person.setdefault(place["party_id"], []).append(place)
    return tuple(
        Subject(
            number=person.number,
            role=person.role,
            is_innocent=person.is_innocent,
            is_detached=person.is_detached,
            is_erased=person.is_erased,
            source=person.source,
            items=_held_by(person),
            addresses=tuple(map(_address, of_person.get(person.pk, ()))),
        )
        for person in sorted(people, key=lambda person: person.number)
    )


def _facts_names() -> list[str]:
    """The reverse accessors of every kind's facts row, so that whichever the case has comes with it."""
    return [_accessor(casetype) for casetype in casetypes.all_types()]


def _accessor(casetype: CaseType) -> str:
    relation: Any = casetype.facts._meta.get_field("case").remote_field
    return str(relation.get_accessor_name())


def facts_of(case: Case) -> Model:
    """Return the facts row of a case; no query when case_file brought the case."""
    row: Model = getattr(case, _accessor(casetypes.get(case.kind)))
    return row


@lru_cache(maxsize=256)
def _file(actor: Actor, facts: tuple[str, ...], _edition: int) -> Prepared:
    """Return the query of one case with its parts, kept for whoever has the same rights under the same table."""
    rows = policy.visible_to(actor).select_related("team", "assignee", "key", "merged_into", *facts)
    rows = rows.annotate(**_parts(), **links.shown(actor), pairs_=joining.counted(actor))
    return Prepared(lambda uid: rows.filter(uid=uid), uid=UUID(int=1))


_PEOPLE = Prepared(lambda case: CaseParty.objects.filter(case=case, number__lte=MOST_PEOPLE), case=-(10**15) - 1)
_DOCUMENTS = Prepared(lambda case: Evidence.objects.filter(case=case), case=-(10**15) - 1)


def case_file(actor: Actor, uid: UUID) -> CaseFile:
    """Return a case the actor may see with all that its pages list: facts, people and documents are on the row.
    Three queries. Raises NotVisible."""
    found = _file(actor, tuple(_facts_names()), policy.edition()).objects(uid=uid)
    if not found:
        raise NotVisible
    (case,) = found
    have(case, "parties", _PEOPLE.objects(case=case.pk))
    have(case, "evidence", _DOCUMENTS.objects(case=case.pk))
    parts = {name: getattr(case, name) for name in PARTS}
    count = sum(parts["people_"])
    return CaseFile(
        case=case,
        people_count=count,
        subjects=_subjects(case.parties.all(), _numbered(parts["places_"])) if count <= MOST_PEOPLE else (),
        clocks=_read(parts["clocks_"]),
        tasks=_read(parts["tasks_"]),
        approvals=_read(parts["approvals_"]),
        reports=_read(parts["reports_"]),
        holds=tuple(each["kind"] for each in parts["holds_"]),
        document_count=len(case.evidence.all()),
        message_count=sum(parts["messages_"]),
        pair_count=case.pairs_,
        links=links.read(parts["onward_"], parts["back_"]),
    )


def sealed_facts(facts: Model) -> tuple[SealedItem, ...]:
    """Return the sealed values that a facts row holds."""
    return tuple(
        SealedItem(code=f"facts-{column.name}", field=column.name)
        for column in facts._meta.concrete_fields
        if isinstance(column, SealedTextField) and getattr(facts, column.name) is not None
    )


def _facts_row(case: Case, _number: str) -> Model | None:
    return casetypes.get(case.kind).facts._default_manager.filter(pk=case.pk).first()


def _person_row(case: Case, number: str) -> Model | None:
    return case.parties.filter(number=int(number)).first()


def _address_row(case: Case, number: str) -> Model | None:
    places = CaseAddress.objects.filter(party__case=case).order_by("pk")
    return places[int(number) - 1 : int(number)].first() if int(number) > 0 else None


ROWS = {"facts": _facts_row, "person": _person_row, "address": _address_row}


def _find(case: Case, code: str) -> tuple[Model, str]:
    """Return the row and the field behind a code. Raises NothingSealed for anything this case does not hold."""
    group, _, rest = code.partition("-")
    number, _, name = rest.partition("-") if group != "facts" else ("", "", rest)
    if group not in ROWS or not (number.isdecimal() or group == "facts") or len(number) > 12:
        raise NothingSealed
    row = ROWS[group](case, number)
    names = {} if row is None else {column.name: column for column in row._meta.concrete_fields}
    if row is None or not isinstance(names.get(name), SealedTextField) or getattr(row, name) is None:
        raise NothingSealed
    return row, name


def has_sealed(case: Case, code: str) -> str:
    """Return the field name behind a code. Raises NothingSealed."""
    return _find(case, code)[1]


def revealing(case: Case, *, purpose: str, actor: Actor, request_id: str = "") -> sealing.Reader:
    """Return who reads personal values of a case in clear, and why; the caller says which. Where the way in says why,
    that counts and not what was chosen. Raises NotAllowed, RevealReasonMissing."""
    decision = policy.require(actor, "reveal", case=case)
    if refusal := conflicts.why_not(actor, case):
        raise NotAllowed(refusal)
    if purpose not in REVEAL_REASONS:
        raise RevealReasonMissing
    return sealing.Reader(
        actor=actor.label,
        verb="reveal",
        purpose=decision.purpose or purpose,
        streams=(case.uid,),
        request_id=request_id,
        break_glass=decision.purpose == policy.BREAK_GLASS,
    )


def reveal(case: Case, code: str, *, purpose: str, actor: Actor, at: datetime, request_id: str = "") -> str:
    """Return one sealed value in clear and write who asked and why, first. Raises NotAllowed, NothingSealed,
    RevealReasonMissing; nothing is then written."""
    reader = revealing(case, purpose=purpose, actor=actor, request_id=request_id)
    row, name = _find(case, code)
    return sealing.open_rows([row], (name,), reader=replace(reader, fields=(code,)), at=at)[0][name] or ""
