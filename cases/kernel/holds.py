"""What stops an act on a case. Nobody learns from the answer which hold it was, or whose."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import BigIntegerField, Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Now

from cases.kernel import calendars, casetypes, edits, holdkinds, locks, record, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError
from cases.kernel.exchange import unposted
from cases.kernel.models import Case, CaseParty, Hold, Task
from cases.kernel.prepared import Prepared
from cases.kernel.restricted import quietholds
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = [
    "SENTENCE",
    "active",
    "ask_for_reviews",
    "blocked",
    "blocks",
    "carry",
    "enter",
    "is_held",
    "keeps",
    "listed",
    "place",
]

SENTENCE = "A policy hold stops this."
BATCH = 200
# From how far ahead or back somebody may enter a hold: one of a wrong year would stop nothing.
SOONEST, EARLIEST = timedelta(days=31), timedelta(days=3653)


class HoldRefused(CaseError):
    """The hold cannot be entered as asked."""


def in_force(at: datetime | None = None) -> Q:
    """Return the condition of a hold in force at a moment, or now by the database's clock."""
    return in_force_at("", at)


def in_force_at(path: str, at: datetime | None = None) -> Q:
    """Return the same condition of holds at the end of a path such as `case__holds__`."""
    moment = at or Now()
    ends = Q(**{f"{path}ends_at": None}) | Q(**{f"{path}ends_at__gt": moment})
    return Q(ends, **{f"{path}released_at": None, f"{path}began_at__lte": moment})


def active(case: Case | int, *, at: datetime | None = None) -> QuerySet[Hold]:
    """Return the holds of a case, or of the one with this key, that are in force."""
    return Hold.objects.filter(in_force(at), case_id=case if isinstance(case, int) else case.pk)


def blocked(case: Case, *, at: datetime) -> frozenset[str]:
    """Return every act that a hold of the case itself blocks at a moment. Quiet ones do not count. One query."""
    return frozenset(act for (blocks,) in _BLOCKS.rows(case=case.pk, at=at) for act in json.loads(blocks))


_BLOCKS = Prepared(
    lambda case, at: active(case, at=at).values_list("blocks"), case=-(10**15) - 1, at=datetime(1900, 1, 1, tzinfo=UTC)
)


def is_held(at: datetime) -> Exists:
    """Return the condition of a case on which some hold is in force, for lists. Quiet ones do not count."""
    return Exists(Hold.objects.filter(in_force(at), case=OuterRef("pk")))


def blocks(
    subject: Case | str, block: str, *, at: datetime | None = None, person: CaseParty | None = None
) -> str | None:
    """Return the sentence why a block stops a case or, by its reference, a customer account; None when nothing does.

    Of an act towards one `person` of the case, a hold for another person stops nothing. What an open case of another
    kind needs is not disposed of, whatever that is, nor what came from it. Two queries, one more for `dispose`, and one
    of each kind that may need cases.
    """
    if isinstance(subject, Case):
        held = active(subject, at=at).filter(blocks__contains=[block])
        stopped = (held if person is None else held.filter(Q(party=None) | Q(party=person))).exists()
        quiet = quietholds.blocked(case_uid=subject.uid)
        if block == "dispose" and not stopped:
            needed = {subject.pk: subject.uid, **{pk: uid for _, pk, uid in quietholds.origins([subject.pk])}}
            stopped = any(casetype.needs(needed) for casetype in casetypes.all_types())
    else:
        stopped, quiet = False, quietholds.blocked(account=subject)
    return SENTENCE if stopped or block in quiet else None


def keeps(case: Case, *, at: datetime | None = None) -> bool:
    """Say whether a hold keeps anything of a case from being erased: one on it, or on one it was merged into, at any
    remove. Two queries for each of them."""
    met: set[int] = set()
    other: Case | None = case
    while other is not None and other.pk not in met:
        if blocks(other, "dispose", at=at):
            return True
        met.add(other.pk)
        other = other.merged_into
    return False


def listed(case: Case) -> list[Hold]:
    """Return every hold of a case, those in force first, with who entered and released it. One query."""
    rows = case.holds.select_related("entered_by", "released_by", "evidence", "party")
    return list(rows.order_by("released_at", "-began_at", "-pk"))


def enter(
    case_id: int,
    kind: str,
    *,
    actor: Actor,
    at: datetime,
    source: str,
    reason: str = "",
    reference: str = "",
    blocks: Sequence[str] | None = None,
    began_at: datetime | None = None,
    received_at: datetime | None = None,
    ends_at: datetime | None = None,
    review_at: datetime | None = None,
    document: int | None = None,
    person: int | None = None,
    uid: UUID | None = None,
    request: ledger.RequestInfo | None = None,
) -> Hold:
    """Hold a case: locks it, writes the hold, what it blocks and one ledger event. Several may overlap. `uid` is that
    of the form it came by: IntegrityError where it is there already.

    It begins at most ten years before `at` or 31 days after. Without a review date it is looked at again after the
    kind's own period. The reference it has elsewhere is sealed.
    Raises NotAllowed, HoldRefused.
    """
    known = holdkinds.KINDS.get(kind)
    if known is None or source not in holdkinds.SOURCES or set(blocks or ()) - set(holdkinds.BLOCKS):
        raise HoldRefused("Choose what kind of hold it is, who asked for it and what it stops.")
    began_at = began_at or at
    if not at - EARLIEST <= began_at <= at + SOONEST:
        raise HoldRefused("It holds from a day of the last ten years, or at most 31 days ahead. Compare the year.")
    if ends_at is not None and ends_at <= began_at:
        raise HoldRefused("It must end after it begins.")
    with edits.change(
        case_id, actor=actor, at=at, act="hold", verb="hold.entered", shapes=False, reason=reason, request=request
    ) as edit:
        case = edit.case
        return place(
            case,
            kind,
            actor=actor,
            at=at,
            source=source,
            reference=reference,
            blocks=sorted(known.blocks if blocks is None else blocks),
            began_at=began_at,
            received_at=received_at or at,
            ends_at=ends_at,
            review_at=review_at or at + timedelta(days=known.review_days),
            party=_of_case(case.parties, person),
            evidence=_of_case(case.evidence, document),
            **({"uid": uid} if uid else {}),
        )


def place(case: Case, kind: str, *, actor: Actor, at: datetime, source: str, reference: str = "", **more: Any) -> Hold:
    """Write a hold of a locked case inside the current ledger action, as somebody's act brings it. What is not said of
    it is as its kind has it: it begins now and is looked at again after the kind's own period. One on contact also
    keeps the letters that are printed and not on their way."""
    known = holdkinds.KINDS[kind]
    usual = {
        "entered_by_id": actor.user_id,
        "blocks": sorted(known.blocks),
        "began_at": at,
        "received_at": at,
        "review_at": at + timedelta(days=known.review_days),
    }
    hold = Hold(case=case, kind=kind, source=source, key=case.key, **{**usual, **more})
    sealing.seal(hold, {"reference": reference.strip() or None}, key=case.key)
    hold.save(force_insert=True)
    ledger.current().detail["hold"] = _said(kind)
    if "contact" in hold.blocks:
        unposted.take_back(case, at=at, party=hold.party)
    if follow := casetypes.get(case.kind).reacts.get("hold_began"):
        follow(case, hold, at=at)
    if not (known.is_quiet or case.is_restricted or case.is_closed):
        casetypes.tell("hold_elsewhere", case, hold, at=at)
    return hold


def _said(kind: str) -> str:
    """Return what an event calls a hold of this kind."""
    return "policy" if holdkinds.KINDS[kind].is_quiet else kind


def to_carry(case: Case, other: Case, people: Mapping[int, CaseParty | None], *, at: datetime) -> list[Hold]:
    """Return the holds of a case, in force or to come, that `carry` would place on another: what holds that one as far
    already is left out. Two queries."""
    lasts = Q(ends_at=None) | Q(ends_at__gt=at)
    mine, theirs = (list(each.holds.filter(lasts, released_at=None).order_by("pk")) for each in (case, other))
    wanted = [hold for hold in mine if hold.party_id is None or hold.party_id in people]
    return [hold for hold in wanted if not any(_covers(there, hold, people) for there in theirs)]


def _covers(there: Hold, hold: Hold, people: Mapping[int, CaseParty | None]) -> bool:
    """Say whether a hold stops all that another would, for as long and for the same person."""
    person = people[hold.party_id] if hold.party_id is not None else None
    is_for_them = there.party_id is None or (person is not None and there.party_id == person.pk)
    is_as_long = there.ends_at is None or (hold.ends_at is not None and there.ends_at >= hold.ends_at)
    is_as_much = set(hold.blocks) <= set(there.blocks)
    return there.kind == hold.kind and is_for_them and is_as_much and is_as_long and there.began_at <= hold.began_at


def carry(
    case: Case, other: Case, people: Mapping[int, CaseParty | None], *, actor: Actor, at: datetime, purpose: str
) -> list[Hold]:
    """Let what holds a case hold another that part or all of it goes to, inside the current ledger action on that one.

    `people` says who the people of the case are there, by key; None, where nobody there is known to be them, lets their
    hold stop the whole case. A hold for somebody else stays. Who entered it, when and until when stay as they are; its
    document does not go along. Opens the references of what goes, which the access log keeps.
    """
    found = to_carry(case, other, people, at=at)
    if not found:
        return []
    reader = sealing.Reader(actor=actor.label, verb="view", purpose=purpose, streams=(case.uid,))
    opened = sealing.open_rows(found, ("reference",), reader=reader, at=at)
    placed = [
        place(
            other,
            hold.kind,
            actor=actor,
            at=at,
            source=hold.source,
            reference=values["reference"] or "",
            blocks=hold.blocks,
            began_at=hold.began_at,
            received_at=hold.received_at,
            ends_at=hold.ends_at,
            review_at=hold.review_at,
            entered_by_id=hold.entered_by_id,
            party=people[hold.party_id] if hold.party_id is not None else None,
        )
        for hold, values in zip(found, opened, strict=True)
    ]
    detail = ledger.current().detail
    detail["holds"] = [_said(hold.kind) for hold in placed]
    del detail["hold"]
    return placed


def _of_case(rows: Any, number: int | None) -> Any:
    found = rows.filter(number=number).first() if number is not None else None
    if number is not None and found is None:
        raise HoldRefused("The case has no such person or document.")
    return found


def ask_for_reviews(*, now: datetime) -> int:
    """Raise a task for every hold whose review date has passed, once for each date; of a closed case where the hold
    alone keeps it from being erased by now, or holds of its kind outlast it. Returns how many, at most a batch; each in
    its own transaction with its case locked."""
    about = Cast(KeyTextTransform("hold", "detail"), BigIntegerField())
    asked = Task.objects.annotate(about=about).filter(
        kind="hold_review", case=OuterRef("case_id"), about=OuterRef("pk")
    )
    is_over = Q(case__is_erased=False, case__dispose_after_date__lt=calendars.london_date(now))
    outlasting = [casetype.code for casetype in casetypes.all_types() if casetype.holds_outlast]
    still = Q(in_force(now), case__kind__in=outlasting, case__is_erased=False)
    matters = Q(case__is_closed=False) | still | (is_over & Q(in_force(now), blocks__contains=["dispose"]))
    due = Hold.objects.filter(~Exists(asked), matters, released_at=None, review_at__lt=now)
    found = list(due.order_by("review_at").values_list("pk", "case_id")[:BATCH])
    for hold_id, case_id in found:
        with transaction.atomic():
            case = locks.case_for_update(case_id)
            with record.act(case, "hold.review_due", actor=system("holds", source=case.source), at=now):
                tasks.raise_task("hold_review", case=case, at=now, hold=hold_id)
    return len(found)
