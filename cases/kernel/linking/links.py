"""Typed links between cases: made, removed, listed for one reader, who sees none to a case they may not see.

A case of a compartment is linked with what is outside one way: it shows the link, while the other case is neither
locked, nor written to, nor told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject

from cases.kernel import casetypes, conflicts, locks, policy, record, tasks
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.models import Case, CaseLink
from cases.ledger import api as ledger
from cases.ledger import reads, sealing

__all__ = [
    "KINDS",
    "LinkKind",
    "LinkRefused",
    "Listed",
    "join",
    "join_one_way",
    "listed",
    "make",
    "on_record",
    "read",
    "remove",
    "shown",
]

LINK = "link"
BACK = "link_from"
SHOWN = 9


class LinkRefused(CaseError):
    """The two cases cannot be linked like this, or this link not removed."""


@dataclass(frozen=True, kw_only=True)
class LinkKind:
    """One type of link, as the case it starts from reads it, and as the other one does."""

    code: str
    label: str
    back: str
    is_by_hand: bool = True


KINDS: Mapping[str, LinkKind] = {
    kind.code: kind
    for kind in (
        LinkKind(code="related", label="Related to", back="Related to"),
        LinkKind(code="same_incident", label="Same incident as", back="Same incident as"),
        LinkKind(code="arose_from", label="Arose from", back="Led to"),
        LinkKind(code="split_from", label="Split from", back="Split into", is_by_hand=False),
    )
}


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One link as one of its cases reads it."""

    link: CaseLink
    label: str
    other: Case
    is_one_way: bool
    may_remove: bool


def is_one_way(case: Case, other: Case) -> bool:
    """Say whether only `case` may show a link with `other`: it is restricted, and the other is not of its team."""
    return case.is_restricted and not (other.is_restricted and other.team_id == case.team_id)


def make(
    case_id: int,
    kind: str,
    reference: str,
    *,
    actor: Actor,
    at: datetime,
    reason: str = "",
    request: ledger.RequestInfo | None = None,
) -> CaseLink:
    """Link a case with the one of a reference. Locks both, in order, and writes one event in each; of a one-way link
    only the restricted case is locked and told. Where the actor may not link the other case, its team gets a task.

    Raises NotVisible, NotAllowed, LinkRefused; nothing is then written.
    """
    if kind not in KINDS or not KINDS[kind].is_by_hand:
        raise LinkRefused("Choose what kind of link it is.")
    seen = policy.visible_to(actor)
    own = seen.filter(pk=case_id).first()
    if own is None:
        raise NotVisible
    other = seen.filter(reference__iexact=reference.strip().replace("\0", "")).first()
    if other is None:
        raise LinkRefused("You see no case with that reference.")
    if other.pk == own.pk:
        raise LinkRefused("A case is not linked with itself.")
    with transaction.atomic():
        if is_one_way(own, other):
            case = locks.case_for_update(own.pk)
            _require(actor, case)
            return _make_one_way(case, other, kind, actor=actor, at=at, reason=reason, request=request)
        if other.is_restricted and not own.is_restricted:
            raise LinkRefused("Enter this link on the restricted case: this one shows nothing of it.")
        case, other = _both(own.pk, other.pk)
        _require(actor, case)
        _refuse_twice(case, other, kind)
        with _told(other, "link.made", kind, actor=actor, at=at, request=request, end=BACK):
            if not policy.can(actor, LINK, case=other).is_allowed:
                tasks.raise_task("link_review", case=other, at=at, link=kind)
        with _told(case, "link.made", kind, actor=actor, at=at, reason=reason, request=request):
            return join(case, other, kind, actor=actor, at=at)


def _require(actor: Actor, case: Case) -> None:
    policy.require(actor, LINK, case=case)
    if refusal := conflicts.why_not(actor, case):
        raise LinkRefused(refusal)


def join(case: Case, other: Case, kind: str, *, actor: Actor, at: datetime) -> CaseLink:
    """Write the row of a link between two cases of one sight, inside the current ledger action."""
    return CaseLink.objects.create(
        case=case, other=other, kind=kind, key=case.key, made_at=at, made_by_id=actor.user_id
    )


def join_one_way(case: Case, other: Case, kind: str, *, actor: Actor, at: datetime) -> CaseLink:
    """Write a link that `case` alone shows, inside the current ledger action on it: the other case is named under its
    key, and neither locked, nor written to, nor told."""
    row = CaseLink(case=case, kind=kind, key=case.key, made_at=at, made_by_id=actor.user_id)
    sealing.seal(row, {"outside": str(other.uid)}, key=case.key)
    row.save(force_insert=True)
    return row


def _both(first_id: int, second_id: int) -> tuple[Case, Case]:
    """Lock two cases in the order of their ids; return them as asked."""
    found = {case_id: locks.case_for_update(case_id) for case_id in sorted((first_id, second_id))}
    return found[first_id], found[second_id]


def _refuse_twice(case: Case, other: Case, kind: str) -> None:
    there = Q(case=case, other=other) if KINDS[kind].label != KINDS[kind].back else Q()
    there = there or Q(case=case, other=other) | Q(case=other, other=case)
    if CaseLink.objects.filter(there, kind=kind, removed_at=None).exists():
        raise LinkRefused("These two cases are linked like this already.")


@contextmanager
def _told(
    case: Case,
    verb: str,
    kind: str,
    *,
    actor: Actor,
    at: datetime,
    reason: str = "",
    request: ledger.RequestInfo | None = None,
    end: str = "link",
) -> Iterator[None]:
    """Tell one case of a link, by its kind, and at which end of it the case stands; an event names no other case."""
    with record.act(case, verb, actor=actor, at=at, reason=reason, request=request, detail={end: kind}):
        yield


def _make_one_way(
    case: Case, other: Case, kind: str, *, actor: Actor, at: datetime, reason: str, request: ledger.RequestInfo | None
) -> CaseLink:
    reader = sealing.Reader(actor=actor.label, verb="view", purpose=LINK, streams=(case.uid,), fields=("links",))
    rows = list(_live(case).filter(kind=kind, other=None))
    if str(other.uid) in _outside(rows, case, reader=reader, at=at).values():
        raise LinkRefused("These two cases are linked like this already.")
    with _told(case, "link.made", kind, actor=actor, at=at, reason=reason, request=request):
        return join_one_way(case, other, kind, actor=actor, at=at)


def _live(case: Case) -> QuerySet[CaseLink]:
    return CaseLink.objects.filter(case=case, removed_at=None)


def _outside(rows: list[CaseLink], case: Case, *, reader: sealing.Reader, at: datetime) -> dict[int, str | None]:
    """Open which cases one-way links name, by the link's id. Writes the reader's access row if there are any."""
    opened = sealing.open_rows(rows, ("outside",), reader=reader, at=at, loaded=(case.key,)) if rows else []
    return {row.pk: each["outside"] for row, each in zip(rows, opened, strict=True)}


def remove(
    case_id: int,
    link_uid: UUID,
    *,
    actor: Actor,
    at: datetime,
    reason: str,
    request: ledger.RequestInfo | None = None,
) -> None:
    """Remove a link of a case, from either of its two. Locks and tells both cases; of a one-way link the restricted one
    alone. Raises NotVisible when the case has no such link that the actor may see, NotAllowed, LinkRefused."""
    seen = policy.visible_to(actor)
    mine = Q(case=case_id) & (Q(other=None) | Q(other__in=seen)) | Q(other=case_id, case__in=seen)
    known = CaseLink.objects.filter(mine, uid=link_uid, removed_at=None).first()
    if known is None or not seen.filter(pk=case_id).exists():
        raise NotVisible
    if not KINDS[known.kind].is_by_hand:
        raise LinkRefused("This link says how a case came to be. It stays.")
    if not reason.strip():
        raise LinkRefused("Give a reason.")
    with transaction.atomic():
        held = {pk: locks.case_for_update(pk) for pk in sorted({known.case_id, known.other_id or known.case_id})}
        _require(actor, held[case_id])
        row = CaseLink.objects.filter(pk=known.pk, removed_at=None).first()
        if row is None:
            raise LinkRefused("Somebody removed this link already.")
        said = {pk: reason.strip() if pk == case_id else "" for pk in held}
        if row.other_id is not None:
            other = held[row.other_id]
            with _told(
                other, "link.removed", row.kind, actor=actor, at=at, reason=said[other.pk], request=request, end=BACK
            ):
                pass
        case = held[row.case_id]
        with _told(case, "link.removed", row.kind, actor=actor, at=at, reason=said[case.pk], request=request):
            row.removed_at, row.removed_by_id = at, actor.user_id
            row.save(update_fields=["removed_at", "removed_by"])
            if row.other_id is not None:
                casetypes.tell("link_removed", case, held[row.other_id], at=at)


def listed(case: Case, actor: Actor, *, reader: sealing.Reader, at: datetime) -> list[Listed]:
    """Return the live links of a case whose other case the actor may see, newest first. Writes the reader's one access
    row. Three queries at most beside it."""
    rows = CaseLink.objects.filter(Q(case=case) | Q(other=case), removed_at=None).order_by("-made_at", "-pk")
    return _listed(rows, case, actor, reader=reader, at=at)


def on_record(case: Case, actor: Actor, *, reader: sealing.Reader, at: datetime) -> list[Listed]:
    """Return every link a case has had, removed ones too, oldest first, as a paper may name them that whoever sees the
    case may read: to cases the actor may see and whose readers are those of this case; of a case of a compartment also
    to those outside that it names. A case outside that was joined one way to another kind is not named: its readers are
    others. Writes the reader's access row."""
    rows = CaseLink.objects.filter(Q(case=case) | Q(other=case)).order_by("made_at", "pk")
    found = _listed(rows, case, actor, reader=reader, at=at)
    same = (case.kind, case.team_id, case.is_restricted)
    return [
        each
        for each in found
        if (each.is_one_way and case.is_restricted)
        or (each.other.kind, each.other.team_id, each.other.is_restricted) == same
    ]


def _listed(
    rows: QuerySet[CaseLink], case: Case, actor: Actor, *, reader: sealing.Reader, at: datetime
) -> list[Listed]:
    seen = policy.visible_to(actor).select_related("team")
    found = list(rows.select_related("made_by", "removed_by"))
    one_way = [row for row in found if row.other_id is None]
    named = _outside(one_way, case, reader=reader, at=at)
    if not one_way:
        reads.record_read(reader, at=at, result_count=len(found))
    ids = {row.other_id if row.case_id == case.pk else row.case_id for row in found} - {None}
    uids = [uid for uid in named.values() if uid and not isinstance(uid, sealing.Erased)]
    others = list(seen.filter(Q(pk__in=ids) | Q(uid__in=uids)))
    by_id, by_uid = {each.pk: each for each in others}, {str(each.uid): each for each in others}
    may = policy.can(actor, LINK, case=case).is_allowed
    made = []
    for row in found:
        is_mine = row.case_id == case.pk
        other = by_uid.get(named.get(row.pk) or "") or by_id.get((row.other_id if is_mine else row.case_id) or 0)
        if other is not None:
            kind = KINDS[row.kind]
            made.append(
                Listed(
                    link=row,
                    label=kind.label if is_mine else kind.back,
                    other=other,
                    is_one_way=row.other_id is None,
                    may_remove=may and kind.is_by_hand,
                )
            )
    return made


def shown(actor: Actor) -> dict[str, Any]:
    """Return what an outer query of cases takes along: the live links of each, to cases the actor may see, at most nine
    each way. One-way links stay sealed and are not among them."""
    seen, live = policy.visible_to(actor), CaseLink.objects.filter(removed_at=None).order_by("-pk")
    onward = live.filter(case=OuterRef("pk"), other__in=seen)[:SHOWN]
    back = live.filter(other=OuterRef("pk"), case__in=seen)[:SHOWN]
    return {
        "onward_": ArraySubquery(onward.values(listed=_named("other"))),
        "back_": ArraySubquery(back.values(listed=_named("case"))),
    }


def _named(side: str) -> JSONObject:
    return JSONObject(kind="kind", uid=f"{side}__uid", reference=f"{side}__reference")


def read(onward: Iterable[Mapping[str, Any]], back: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return what `shown` brought as one list: label, uid and reference of each."""
    return (
        *({**each, "label": KINDS[each["kind"]].label} for each in onward),
        *({**each, "label": KINDS[each["kind"]].back} for each in back),
    )
