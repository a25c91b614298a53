"""Erases what the system piles up by itself once its time is over: what messages said, and what was replied to them.

The schedule says how long (retention.py). It goes case by case, each in a transaction of its own that locks the case
and writes one event: what went, its hash, the class and the versions by which. What somebody still needs stays: see
`_bodies`. So does all of a case that a hold keeps, or that was merged into one that is held.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from cases.kernel import calendars, casetypes, failpoints, holds, locks, outbox, record, releases, retention
from cases.kernel.actors import system
from cases.kernel.evidence import custody, disposal
from cases.kernel.exchange import agencies, chase
from cases.kernel.models import Agency, BatchFile, Case, DeliveryAttempt, Hold, OutboxMessage, Release, Task
from cases.kernel.restricted import quietholds
from cases.ledger import api as ledger

__all__ = ["PILES", "Pile", "due_of", "erase_due"]

MOST = 1000
PAGE = 500
BATCH = 200
DISPOSE, REASON = "dispose", "retention_over"
ACTOR = system("disposal")
# What a message may have come to that is never sent again.
ENDED = ("delivered", "acknowledged", "refused", "withdrawn", "superseded", "skipped")
# What was told of one account while a file was under way may be said once more when that has arrived.
_UNDER_WAY = Q(state__in=["pending", "sending", "unknown", "dead"])
_JUST_THERE = timedelta(days=7)
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Pile:
    """What one class of the schedule erases. `rows(now)` gives what is left and nobody needs, each with its `over_at`,
    the moment of its trigger, and the `owner` that is its case or None. `erase(rows, at)` runs in the act of one case,
    or of one row of none, and returns what that says beside the class. `name(row)` is what an open task that is `about`
    it calls it. Of a row of no case `told` gives the cases it tells of and `agency` whose it is. `drop(case)` empties
    what of an erased case nobody can open any more."""

    code: str
    verb: str
    about: str
    rows: Callable[[datetime], QuerySet[Any]]
    name: Callable[[Any], str]
    erase: Callable[[Sequence[Any], datetime], dict[str, list[str]]]
    drop: Callable[[int], int]
    told: Callable[[Any], QuerySet[Case]]
    agency: Callable[[Any], Agency]


def erase_due(*, now: datetime, most: int = MOST) -> int:
    """Erase of each pile what was to be kept until before today, in London: in one round no further case once `most` of
    it went. A fault of one case is `disposal.one_by_one`'s. A killed worker leaves the rest to the next round. Returns
    how much. Raises OperationalError while the database is away."""
    return sum(_erase_pile(pile, now=now, most=most) for pile in PILES)


def _erase_pile(pile: Pile, *, now: datetime, most: int) -> int:
    due = due_of(pile.code, pile.rows(now), now=now)
    rows = ((row, owner) for owner, row in _owners(due, now=now))

    def erase(row: int, owner: int | None) -> int:
        of_owner, count = due.filter(owner=owner) if owner else due.filter(pk=row), 0
        while more := _erase(pile, of_owner, owner, now=now):
            count += more
        return count

    def belongs(row: int, owner: int | None) -> dict[str, str]:
        return _belongs_to(pile, due, owner, row)

    erased = disposal.one_by_one(pile.code, rows, erase, belongs, now=now, most=most)
    if erased:
        log.info("pile_erased", extra={"pile": pile.code, "count": erased})
    return erased


def _belongs_to(pile: Pile, due: QuerySet[Any], owner: int | None, row: int) -> dict[str, str]:
    """Return the kind of case, or the agency, to which a row belongs, with the code of the team that answers for it."""
    if owner is not None:
        kind = Case.objects.values_list("kind", flat=True).get(pk=owner)
        return {kind: casetypes.get(kind).team}
    agency = pile.agency(due.get(pk=row))
    desk = agencies.desk_of(agency)
    return {agency.code: desk.code if desk else ""}


def due_of(code: str, rows: QuerySet[Any], *, now: datetime) -> QuerySet[Any]:
    """Return which of these rows of a class are kept no more, by the version of the schedule of the London day of
    `over_at`, the moment of the trigger. Two queries."""
    oldest = rows.order_by("over_at", "pk").values_list("over_at", flat=True).first()
    if oldest is None:
        return rows.none()
    stretches = retention.days_over(code, first=calendars.london_date(oldest), today=calendars.london_date(now))
    is_over = Q()
    for first, last in stretches:
        is_over |= Q(over_at__gte=calendars.start_of_day(first), over_at__lt=_after(last))
    return rows.filter(is_over) if stretches else rows.none()


def _after(day: date) -> datetime:
    return calendars.start_of_day(day + timedelta(days=1))


def _owners(due: QuerySet[Any], *, now: datetime) -> Iterator[tuple[int | None, int]]:
    """Yield each case of which something is due and no hold known to all keeps it, once, with a row of it, oldest
    first; and each row of no case. One query for each page."""
    held = Hold.objects.filter(holds.in_force(now), case=OuterRef("owner"), blocks__contains=[DISPOSE])
    rows = due.filter(~Exists(held)).order_by("over_at", "pk").values_list("over_at", "pk", "owner")
    seen: set[int] = set()
    page = list(rows[:PAGE])
    while page:
        for _, pk, owner in page:
            if owner not in seen:
                yield owner, pk
            if owner is not None:
                seen.add(owner)
        moment, last, _ = page[-1]
        page = list(rows.filter(Q(over_at__gt=moment) | Q(over_at=moment, pk__gt=last))[:PAGE])


def _erase(pile: Pile, due: QuerySet[Any], owner: int | None, *, now: datetime) -> int:
    """Erase a batch of one case, or one row of no case, in one act; none where another worker was first, it is held or
    somebody is asked about it. Returns how many."""
    try:
        with transaction.atomic():
            case = locks.case_for_update(owner) if owner is not None else None
            rows = list(due.select_for_update(of=("self",)).order_by("pk")[:BATCH])
            rows = _unasked(pile, case, rows)
            if not rows or _is_held(pile, case, rows, at=now):
                return 0
            detail = {"class": pile.code, "versions": _versions(pile, rows)}
            with _act(pile, case, rows[0], at=now) as act:
                act.detail.update({**detail, **pile.erase(rows, now)})
            failpoints.reach("inside_erase")
            return len(rows)
    except locks.CaseErased:  # its key is gone, and with it what these were sealed under
        return pile.drop(owner or 0)


def _unasked(pile: Pile, case: Case | None, rows: Sequence[Any]) -> list[Any]:
    """Leave out that about which a task is open."""
    names, path = [pile.name(row) for row in rows], f"detail__{pile.about}"
    open_ones = Task.objects.filter(case=case, closed_at=None, **{f"{path}__in": names})
    asked = set(open_ones.values_list(path, flat=True))
    return [row for row, name in zip(rows, names, strict=True) if name not in asked]


def _is_held(pile: Pile, case: Case | None, rows: Sequence[Any], *, at: datetime) -> bool:
    """Say whether a hold keeps a case, or of a file of many cases any of these."""
    if case is None:
        told = dict(pile.told(rows[0]).values_list("pk", "uid"))
        return bool(told) and _is_any_held(told, at=at)
    return holds.keeps(case, at=at)


def _is_any_held(cases: dict[int, Any], *, at: datetime) -> bool:
    held = Hold.objects.filter(holds.in_force(at), case__in=cases, blocks__contains=[DISPOSE])
    if held.exists() or DISPOSE in quietholds.blocked(case_uids=cases.values()):
        return True
    needed = {**cases, **{pk: uid for _, pk, uid in quietholds.origins(cases)}}
    return any(casetype.needs(needed) for casetype in casetypes.all_types())


def _versions(pile: Pile, rows: Iterable[Any]) -> list[int]:
    """Return by which versions of the schedule these rows are over."""
    rules = retention.versions(pile.code)[pile.code]
    return sorted({retention.of_day(rules, calendars.london_date(row.over_at)).version for row in rows})


def _act(pile: Pile, case: Case | None, row: Any, *, at: datetime) -> AbstractContextManager[ledger.Action]:
    if case is not None:
        return record.act(case, pile.verb, actor=ACTOR, at=at)
    return ledger.action(pile.agency(row).uid, pile.verb, actor=ACTOR.label, at=at)


# --- what messages said -------------------------------------------------------------------------------------------
def _bodies(now: datetime) -> QuerySet[OutboxMessage]:
    """Return the messages whose words are still there and needed by nobody: they have ended, their case has taken note,
    no answer is owed, nothing is said again from them, and no file to the same agency is under way since before them.
    """
    staying = [kind.code for kind in releases.KINDS.values() if kind.body_stays]
    rows = OutboxMessage.objects.annotate(over_at=Coalesce("acknowledged_at", "settled_at"), owner=F("case_id"))
    rows = rows.filter(sealed_body__isnull=False, settled_at__isnull=False, state__in=ENDED)
    for agency, since in _files_under_way(now):
        rows = rows.exclude(channel__agency=agency, created_at__gte=since)
    return (
        rows.exclude(chase.is_owed())
        .exclude(kind__in=staying)
        .select_related("key", "channel__agency")
        .defer("sealed_body")
    )


def _files_under_way(now: datetime) -> list[tuple[int, datetime]]:
    """Return the agencies to which files are under way, or have just arrived, each with when the oldest was made."""
    just_there = Q(state__in=["delivered", "acknowledged"], delivered_at__gt=now - _JUST_THERE)
    sent = OutboxMessage.objects.filter(_UNDER_WAY | just_there, file__isnull=False)
    since = sent.order_by().values("channel__agency").annotate(since=Min("created_at"))
    return list(since.values_list("channel__agency", "since"))


def _forget(rows: Sequence[OutboxMessage], at: datetime) -> dict[str, list[str]]:
    files = {file.message_id: file for file in _stored(BatchFile.objects.filter(message__in=[row.pk for row in rows]))}
    for row in rows:
        outbox.forget(row, actor=ACTOR.label, reason=REASON, at=at)
        if row.pk in files:
            _erase_stored(files[row.pk], at=at)
    return {"messages": [str(row.public_id) for row in rows], "hashes": [row.body_sha256 for row in rows]}


def _stored(files: QuerySet[BatchFile]) -> QuerySet[BatchFile]:
    return files.select_related("rows__key", "carried__key").defer("sealed_bytes", "rows__sealed", "carried__sealed")


def _erase_stored(file: BatchFile, *, at: datetime) -> None:
    """Erase what the store has of a file that is forgotten; the rows, with the last of the files that have them."""
    others = BatchFile.objects.filter(rows=file.rows_id, message__sealed_body__isnull=False)
    kept = [file.carried, None if file.rows_id is None or others.exists() else file.rows]
    for blob in filter(None, kept):
        custody.erase_blob(blob, actor=ACTOR, at=at, reason=REASON)


def _drop_bodies(case_id: int) -> int:
    return OutboxMessage.objects.filter(case=case_id, sealed_body__isnull=False).update(sealed_body=None)


# --- what was replied to them -------------------------------------------------------------------------------------
def _excerpts(_now: datetime) -> QuerySet[DeliveryAttempt]:
    """Return the tries of which the beginning of the reply is still there, and whose outcome their case has noted."""
    rows = DeliveryAttempt.objects.annotate(over_at=F("ended_at"), owner=F("message__case_id"))
    rows = rows.filter(sealed_excerpt__isnull=False, message__settled_at__isnull=False)
    return rows.select_related("message__channel__agency").defer("sealed_excerpt", "message__sealed_body")


def _empty(rows: Sequence[DeliveryAttempt], _at: datetime) -> dict[str, list[str]]:
    DeliveryAttempt.objects.filter(pk__in=[row.pk for row in rows]).update(sealed_excerpt=None)
    return {
        "tries": [f"{row.message.public_id}/{row.number}" for row in rows],
        "hashes": [row.response_sha256 for row in rows],
    }


def _drop_excerpts(case_id: int) -> int:
    left = DeliveryAttempt.objects.filter(message__case=case_id, sealed_excerpt__isnull=False)
    return left.update(sealed_excerpt=None)


def _told(message: OutboxMessage) -> QuerySet[Case]:
    return Case.objects.filter(pk__in=Release.objects.filter(message=message).values("case"))


PILES = (
    Pile(
        code="excerpt",
        verb="case.replies_erased",
        about="message",
        rows=_excerpts,
        name=lambda row: str(row.message.public_id),
        erase=_empty,
        drop=_drop_excerpts,
        told=lambda row: _told(row.message),
        agency=lambda row: row.message.channel.agency,
    ),
    Pile(
        code="message_body",
        verb="case.messages_erased",
        about="message",
        rows=_bodies,
        name=lambda row: str(row.public_id),
        erase=_forget,
        drop=_drop_bodies,
        told=_told,
        agency=lambda row: row.channel.agency,
    ),
)
