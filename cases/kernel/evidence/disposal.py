"""Erases the documents of cases whose time is over, by itself. What they were stays: number, kind, size, hash, dates.

The day is the case's own: its kind's retention class counts it from the act that closed the case. A hold that keeps
anything from being disposed of, one of a restricted case too, keeps the documents until it is lifted. Those of a
merged case stay as long as the case it was merged into needs them: while that is open, to be kept, or held.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from cases.kernel import calendars, casetypes, holds, locks, record, tasks
from cases.kernel.actors import system
from cases.kernel.evidence import custody
from cases.kernel.models import Case, Evidence, Task, Team
from cases.ledger import api as ledger

__all__ = ["dispose_beside", "dispose_due", "is_needed_beyond", "one_by_one", "team_of_kind"]

MOST = 200
PILE = "document"
REASON = "retention_over"
NOT_ERASED = "not_erased"
ACTOR = system("disposal")
tasks.declare(
    {NOT_ERASED: "Something whose time is over could not be erased: have whoever runs the office look into the log"}
)
log = logging.getLogger(__name__)


def dispose_due(*, now: datetime, most: int = MOST) -> int:
    """Erase the documents of closed cases that were to be kept until before today, in London, and are not held.

    Each case is one transaction that locks it and writes one event with the numbers and hashes of what it erased; a
    worker that is killed leaves the rest to the next round. A fault of one is `one_by_one`'s. Returns how many
    documents were erased. Raises OperationalError while the database is away.
    """
    documents = Evidence.objects.filter(case=OuterRef("pk"), blob__key__destroyed_at=None)
    due = Case.objects.filter(
        Exists(documents),
        is_closed=True,
        dispose_after_date__lt=calendars.london_date(now),
        key__destroyed_at=None,
    )
    rows = due.order_by("dispose_after_date", "pk").values_list("pk", "kind")
    erased = one_by_one(PILE, rows, lambda pk, _kind: _dispose(pk, now=now), team_of_kind, now=now, most=most)
    if erased:
        log.info("documents_disposed", extra={"count": erased})
    return erased


def dispose_beside(*, now: datetime) -> int:
    """Have every kind erase what it keeps beside its cases and whose time is over; a fault of one stops no other and is
    a task of its team, until erasing goes well again. Returns how much. Raises OperationalError while the database is
    away."""
    erased = 0
    for casetype in casetypes.all_types():
        if casetype.erase_beside is None:
            continue
        try:
            erased += casetype.erase_beside(now)
        except OperationalError:  # no kind is to blame, and the next round begins anew
            raise
        except Exception:
            log.exception("not_erased", extra={"kind": casetype.code})
            _ask_to_look(casetype.code, team=casetype.team, now=now)
        else:
            _ask_no_more(casetype.code, now=now)
    return erased


def one_by_one(
    pile: str,
    rows: Iterable[tuple[Any, ...]],
    erase: Callable[..., int],
    belongs: Callable[..., Mapping[str, str]],
    *,
    now: datetime,
    most: int | None = None,
) -> int:
    """Erase each of some rows, whose first value is its id, and no further once `most` went: `erase(*row)` does one in
    a transaction of its own and returns how much. A fault of one stops no other, and is a task until a round goes well:
    `belongs(*row)` says what the row belongs to, and the code of the team that answers for it. Returns how much went.
    Raises OperationalError while the database is away: no row is to blame, and the next round begins anew."""
    erased = 0
    failed: dict[str, str] = {}
    for row in rows:
        try:
            erased += erase(*row)
        except OperationalError:
            raise
        except Exception:
            log.exception("not_erased", extra={"pile": pile, "row": row[0]})
            failed.update(belongs(*row))
        if most is not None and erased >= most:
            break
    _note_round(pile, failed, now=now)
    return erased


def team_of_kind(_pk: Any, kind: str, *_more: Any) -> dict[str, str]:
    """Return the kind of case to which a row belongs, with the code of its team: of `one_by_one`."""
    return {kind: casetypes.get(kind).team}


def _note_round(pile: str, failed: Mapping[str, str], *, now: datetime) -> None:
    """Have the teams look into what of a pile could not be erased in a round, by what it belongs to and the code of the
    team; what fails no more is asked no more. Locks those teams, each in a transaction of its own."""
    known = Task.objects.filter(case=None, kind=NOT_ERASED, closed_at=None, detail__of__startswith=f"{pile}:")
    for of in set(known.values_list("detail__of", flat=True)) - {f"{pile}:{each}" for each in failed}:
        _ask_no_more(of, now=now)
    for each, team in sorted(failed.items()):
        _ask_to_look(f"{pile}:{each}", team=team, now=now)


def _asked(of: str) -> QuerySet[Task]:
    return Task.objects.filter(case=None, kind=NOT_ERASED, closed_at=None, detail__of=of)


@transaction.atomic
def _ask_to_look(of: str, *, team: str, now: datetime) -> None:
    """Raise the task about what could not be erased, unless it is open, by an event on its team's own stream: of a
    restricted kind nobody else knows of one. Locks the team."""
    desk = Team.objects.select_for_update().filter(code=team).first()
    if desk is None or _asked(of).exists():
        return
    with ledger.action(desk.uid, "disposal.failed", actor=ACTOR.label, at=now, detail={"of": of}):
        tasks.raise_task(NOT_ERASED, case=None, team=desk, at=now, of=of)


@transaction.atomic
def _ask_no_more(of: str, *, now: datetime) -> None:
    task = _asked(of).select_related("team").first()
    if task is None or task.team is None:
        return
    with ledger.action(task.team.uid, "disposal.goes_on", actor=ACTOR.label, at=now, detail={"of": of}):
        tasks.close_office(NOT_ERASED, actor=ACTOR, at=now, of=of)


def _dispose(case_id: int, *, now: datetime) -> int:
    """Erase one case's documents; none where it was reopened meanwhile, or a hold or a case it leads to keeps them."""
    try:
        with transaction.atomic():
            case = locks.case_for_update(case_id)
            until = case.dispose_after_date
            if not case.is_closed or until is None or until >= calendars.london_date(now):
                return 0
            if is_needed_beyond(case, now=now):
                return 0
            rows = Evidence.objects.select_related("blob__key").filter(case=case, blob__key__destroyed_at=None)
            documents = list(rows.order_by("number"))
            if not documents:  # another worker was first
                return 0
            detail = {"hashes": [row.sha256 for row in documents], "kept_until": until}
            with record.act(case, "case.documents_disposed", actor=ACTOR, at=now, detail=detail):
                return custody.erase(case, documents, actor=ACTOR, at=now, reason=REASON)
    except custody.Preserved:
        return 0


def is_needed_beyond(case: Case, *, now: datetime) -> bool:
    """Say whether a case that this one was merged into, at any remove, is open, still to be kept, or held."""
    today, met, other = calendars.london_date(now), {case.pk}, case.merged_into
    while other is not None and other.pk not in met:
        until = other.dispose_after_date
        if not other.is_closed or until is None or until >= today or holds.blocks(other, "dispose", at=now):
            return True
        met.add(other.pk)
        other = other.merged_into
    return False
