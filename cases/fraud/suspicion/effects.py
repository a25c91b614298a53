"""What follows when a report moves. Each effect writes inside the transition's transaction and ledger event."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q

from cases.fraud.suspicion import codes, guards, messages, periods
from cases.kernel import calendars, clocks, tasks
from cases.kernel.models import Case
from cases.kernel.restricted import quietholds
from cases.ledger import api as ledger
from cases.ledger import sealing

NOT_TAKEN = "suspicion_report_not_taken"


def send_report(context: Any) -> None:
    """Promise the report to the unit, and note who sent it: the officer, or a deputy of theirs."""
    report, actor = context.case.suspicion_report, context.actor
    messages.send(context.case, actor=actor, at=context.at)
    report.submitted_date = calendars.london_date(context.at)
    report.submitted_by_id = actor.user_id
    report.is_by_deputy = context.case.team_id not in actor.lead_team_ids
    report.save(update_fields=["submitted_date", "submitted_by", "is_by_deputy"])
    ledger.current().detail["as"] = "deputy" if report.is_by_deputy else "nominated_officer"
    clocks.meet(context.case, periods.TRIAGE, at=context.at)
    clocks.start(context.case, periods.UNIT_ANSWER, started_at=context.at)


def wait_for_the_defence(context: Any) -> None:
    """While a defence is sought, money stays where it is: the accounts of the report and of its people, and the case it
    came from with every account that it names, are held quietly.

    What an earlier version of the report held is let go. The notice period begins only once the unit has the report.
    """
    quietholds.lift(context.case, at=context.at)
    report = context.case.suspicion_report
    if report.reason_code not in codes.DEFENCES:
        return
    quietholds.place(context.case, _held(context), blocks=codes.BLOCKS, at=context.at)


def _held(context: Any) -> list[bytes]:
    report = context.case.suspicion_report
    reader = sealing.Reader(actor=context.actor.label, verb="hold", purpose="policy_hold", streams=(context.case.uid,))
    opened = sealing.open_rows([report], ("account_reference",), reader=reader, at=context.at)[0]["account_reference"]
    named = messages.accounts(opened)
    if people := list(guards.with_account(context.case)):
        rows = sealing.open_rows(people, ("account_reference",), reader=reader, at=context.at)
        named += [str(row["account_reference"]) for row in rows]
    tokens = [quietholds.account_token(each) for each in named if each.upper() != codes.UNKNOWN]
    return list(dict.fromkeys([*tokens, *([bytes(report.about_token)] if report.about_token else [])]))


def start_notice_period(case: Case, *, disclosed_at: datetime) -> None:
    """Start the seven working days of a report that seeks a defence, once each time it is submitted, inside the current
    ledger action.

    They start with the first working day after the London day on which the unit had the report, as days are counted
    where it was reported from: POCA 2002 s.335(5) and (7).
    """
    report, submitted = case.suspicion_report, case.clocks.filter(rule=periods.UNIT_ANSWER).latest("started_at")
    begun = case.clocks.filter(Q(ended_at=None) | Q(started_at__gte=submitted.started_at), rule=periods.NOTICE)
    if report.reason_code in codes.DEFENCES and not begun.exists():
        clocks.start(case, periods.NOTICE, started_at=disclosed_at, jurisdiction=report.submitted_from)


def take_back(context: Any) -> None:
    """The unit did not take the report: it is corrected, within the time that a referral has. Payouts go on waiting."""
    clocks.end(context.case, periods.UNIT_ANSWER, at=context.at, state="cancelled")
    tasks.close_all(context.case, NOT_TAKEN, actor=context.actor, at=context.at)
    clocks.start(context.case, periods.TRIAGE, started_at=context.at)


def note_the_units_reference(context: Any) -> None:
    start_notice_period(context.case, disclosed_at=_reached_us(context))
    report = context.case.suspicion_report
    report.unit_reference = str(context.inputs.get("agency_reference", ""))[:80]
    report.save(update_fields=["unit_reference"])
    clocks.meet(context.case, periods.UNIT_ANSWER, at=context.at)


def start_moratorium(context: Any) -> None:
    """Count from the day on which the refusal reached us: POCA 2002 s.335(6)."""
    _end_waiting(context)
    reported_from = context.case.suspicion_report.submitted_from
    clocks.start(context.case, periods.MORATORIUM, started_at=_reached_us(context), jurisdiction=reported_from)


def _reached_us(context: Any) -> datetime:
    """Return when the unit's word reached us: as it was kept, or by the day that the officer says."""
    day, kept = context.inputs.get("received_date"), context.inputs.get("received_at")
    moment: datetime = calendars.end_of_day(day) if day else kept or context.at
    return min(moment, context.at)


def lift_hold(context: Any) -> None:
    _end_waiting(context)
    clocks.meet(context.case, periods.MORATORIUM, at=context.at)
    quietholds.lift(context.case, at=context.at)


def _end_waiting(context: Any) -> None:
    for rule in (periods.NOTICE, periods.UNIT_ANSWER):
        clocks.meet(context.case, rule, at=context.at)


def end_everything(context: Any) -> None:
    for rule in (periods.TRIAGE, periods.NOTICE, periods.UNIT_ANSWER, periods.MORATORIUM):
        clocks.end(context.case, rule, at=context.at, state="cancelled")
    quietholds.lift(context.case, at=context.at)
