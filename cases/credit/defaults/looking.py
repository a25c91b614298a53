"""Each day: which accounts came into arrears, and what billing's word means for every open case. Runs as a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction

from cases.credit.defaults import effects, gate, guards, letters, opening, plans, report, telling
from cases.credit.defaults.models import Default
from cases.kernel import calendars, locks, record, tasks, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.background import jobs
from cases.kernel.models import Case, Clock, Letter

__all__ = ["LOOK", "WAITING", "letter_due", "look", "period_over", "take_back"]

LOOK = "look_at_arrears"
# Where a letter or a message about a default may wait to leave.
WAITING = ("notice_ready", "approved")
Found = list[str]


def _is_clear(_row: Default, found: Found, _today: date) -> bool:
    return not found


def _held_by(found: Found) -> Found:
    """Return those of the stops that are holds or disputes."""
    return [code for code in found if code in gate.STOPS_FILING]


def _is_paid(row: Default, _found: Found, _today: date) -> bool:
    return guards.is_paid(row) and not guards.is_disputed(row.case)


def _has_fallen(row: Default, _found: Found, _today: date) -> bool:
    return guards.has_fallen(row)


def _may_end(row: Default, found: Found, today: date) -> bool:
    return not found and guards.is_over(row, today=today)


def _must_skip(row: Default, found: Found, today: date) -> bool:
    """Once for each set of reasons: the record is not repeated every day."""
    return bool(_held_by(found)) and _held_by(found) != row.skipped_for and guards.is_over(row, today=today)


def _is_missed(row: Default, _found: Found, today: date) -> bool:
    return plans.why_over(row, today=today) is not None


# What billing's word and time may move, from each state, the first that applies.
_MOVES: Mapping[str, tuple[tuple[str, Callable[[Default, Found, date], bool]], ...]] = {
    "arrears": (("cure", _is_paid), ("flag", _is_clear)),
    "notice_ready": (("cure", _is_paid),),
    "notice_sent": (
        ("cure", _is_paid),
        ("void_notice", _has_fallen),
        ("notice_over", _may_end),
        ("skip", _must_skip),
    ),
    "arranged": (("cure", _is_paid), ("break_arrangement", _is_missed)),
    "due": (("cure", _is_paid), ("void_notice", _has_fallen)),
}


@transaction.atomic
def look(case_id: int, *, at: datetime) -> Case:
    """Keep what billing and the gate say of a case today, and make the move that follows, if one does. Locks the case;
    each step is an act of its own."""
    case = locks.case_for_update(case_id)
    found = _note(case, at=at)
    row, today, actor = Default.objects.get(pk=case_id), calendars.london_date(at), _actor(case)
    if case.state == "approved":
        return _look_at_approved(case, row, found, at=at)
    for move, applies in _MOVES.get(case.state, ()):
        if applies(row, found, today):
            return transitions.apply(case_id, move, actor=actor, at=at)
    if case.state == "notice_ready":
        _look_at_letters(case, row, found, at=at)
    return case


@transaction.atomic
def take_back(case_id: int, *, at: datetime) -> bool:
    """Take back what has not left where a hold or a dispute stops a default now, on whatever case it is entered, or
    billing's flag; say whether one does. Locks the case, opens the account: two access rows. The day's look does what
    else follows."""
    case = locks.case_for_update(case_id)
    if case.state not in WAITING:
        return False
    found = gate.judge(case.default, by=_actor(case).label, at=at)
    if not _held_by(found):
        return False
    _stop(case, found, at=at)
    return True


def _stop(case: Case, found: Found, *, at: datetime) -> None:
    """Take back what has not left, in an act of its own; nothing where all has."""
    letters_wait = letters.of_notice(case.default).filter(state="due").exists()
    if letters_wait or (case.state == "approved" and guards.something_waits(case)):
        with record.act(case, "default.looked_at", actor=_actor(case), at=at, detail={"stopped_by": found}):
            effects.stop(case, found, at=at)


def letter_due(letter: Letter, *, at: datetime) -> bool:
    """Say whether a notice that is about to be written was taken back, since something stops a default now."""
    return letter.template == letters.NOTICE and take_back(letter.case_id, at=at)


def _actor(case: Case) -> Actor:
    return system("arrears", source=case.source)


def _note(case: Case, *, at: datetime) -> Found:
    """Write down what has changed since it was looked at last; nothing where nothing has."""
    row = case.default
    account, found = guards.account_of(row), gate.judge(row, by=_actor(case).label, at=at)
    values: dict[str, Any] = {
        "payments_behind": account.payments_behind or 0,
        "arrears_pence": account.balance_pence,
        "first_missed_date": account.oldest_unpaid_date or row.first_missed_date,
        "stopped_by": found,
    }
    is_changed = any(getattr(row, name) != value for name, value in values.items())
    if is_changed or case.topic != report.topic_of(row):
        with record.act(case, "default.looked_at", actor=_actor(case), at=at, detail={"stopped_by": found}):
            effects.keep(row, values)
            case.amount_pence, case.topic = account.balance_pence, report.topic_of(row)
            case.save(update_fields=["amount_pence", "topic"])
    return found


def _look_at_letters(case: Case, row: Default, found: Found, *, at: datetime) -> None:
    """Take back the notice where a hold stops it now, ask for it again once none does, and for its issue once it is in
    the post."""
    if _held_by(found):
        _stop(case, found, at=at)
    if letters.of_notice(row).exclude(state="withdrawn").exists():
        ask_to_issue(case, at=at)
    elif not found:
        with record.act(case, "default.notice_asked_again", actor=_actor(case), at=at):
            effects.ask_notice(case, by=_actor(case).label, at=at)


def ask_to_issue(case: Case, *, at: datetime) -> None:
    """Ask for the notice to be entered as served once all of it is in the post, as often as once."""
    row = Default.objects.get(pk=case.pk)
    if letters.is_posted(row) is None or case.tasks.filter(kind=effects.ISSUE, closed_at=None).exists():
        return
    with record.act(case, "default.notice_posted", actor=_actor(case), at=at):
        tasks.raise_task(effects.ISSUE, case=case, at=at)


def _look_at_approved(case: Case, row: Default, found: Found, *, at: datetime) -> Case:
    """Before the agencies have it: what is paid or held meanwhile is taken back, also where the hold has ended since
    and only some have it; what all have taken is filed."""
    is_held = _held_by(found) or guards.was_taken_back(case)
    ground = "paid" if guards.is_paid(row) else "held" if is_held else ""
    if ground:
        return transitions.apply(case.pk, "withdraw", actor=_actor(case), at=at, inputs={"ground": ground})
    if guards.is_taken_everywhere(case):
        return transitions.apply(case.pk, "file", actor=_actor(case), at=at)
    _ask_about_given_up(case, at=at)
    return case


def _ask_about_given_up(case: Case, *, at: datetime) -> None:
    """Let somebody look at an agency whose message was given up, once: without it the default is never on file."""
    given_up = [code for code, state in guards.last_told(case).items() if state == "skipped"]
    if given_up and not case.tasks.filter(kind=telling.REFUSED, closed_at=None).exists():
        with record.act(case, "default.given_up", actor=_actor(case), at=at, detail={"agencies": given_up}):
            for code in given_up:
                tasks.raise_task(telling.REFUSED, case=case, at=at, agency=code, codes=["given_up"])


def period_over(case: Case, clock: Clock, *, at: datetime) -> None:
    """The 28 days of a notice are over: it is due, or why not is on record."""
    with record.act(case, "clock.met", actor=_actor(case), at=at, detail={"rule": clock.rule}):
        clock.state, clock.ended_at = "met", at
        clock.save(update_fields=["state", "ended_at"])
    look(case.pk, at=at)


def _do(_job: jobs.Job, subject: str, at: datetime) -> None:
    what, _, number = subject.partition(":")
    case_id = opening.open_arrears(int(number), at=at).pk if what == "account" else int(number)
    look(case_id, at=at)


JOB = jobs.Kind(
    code=LOOK,
    label="Look at accounts in arrears",
    rows=lambda _job: opening.subjects(),
    do=_do,
    desk="default",
    is_daily=True,
    reasons={
        "not_in_arrears": "No payment is behind any more",
        "unexpected_error": "Something unforeseen; the log has it",
    },
    names=lambda _actor, subjects: {each: each.split(":")[0].capitalize() for each in subjects},
)
jobs.declare(JOB)
