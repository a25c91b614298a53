"""What must be true before a moratorium moves. Each guard reads the context and returns why not, or None."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from cases.debt.moratorium import codes, effects, opening, periods, searching
from cases.debt.moratorium.models import Moratorium
from cases.kernel import calendars
from cases.kernel.finding.matching import ASKED
from cases.kernel.models import Clock

__all__ = ["charge_is_inside", "ground_is_given", "is_matched", "is_over", "is_sold", "is_within_review", "names_debt"]


def is_matched(context: Any) -> str | None:
    """The system applies what is certain; a person says which accounts are the debtor's."""
    debts = list(searching.debts_of(context.case))
    if context.actor.kind != "staff":
        return None if searching.is_certain(debts) else "It is not certain who is meant: a person says so."
    wanted = {str(number) for number in context.inputs.get("debts") or ()}
    known = {str(debt.number) for debt in debts if debt.account_id}
    return None if wanted and wanted <= known else "Choose the accounts that are the debtor's among those listed."


def is_sold(context: Any) -> str | None:
    """A notice is passed on, and nothing is applied, where every debt of it was sold and nothing else is owed to us."""
    is_sold = searching.is_sold(list(searching.debts_of(context.case)))
    return None if is_sold else "No buyer owns these debts, or another one is owed to us."


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return None


def names_debt(context: Any) -> str | None:
    """A debt to be added is one of our accounts, not protected yet, with the day from which it is."""
    inputs = context.inputs
    account = effects.account_named(inputs)
    if account is None:
        return "Billing has not told us of this account."
    if searching.debts_of(context.case).filter(account=account, standing="protected").exists():
        return "This debt is protected already."
    found = searching.likeliest(context.case, account, at=context.at)
    if found is None or found.score.points < ASKED:
        return "Nobody who holds this account is the debtor."
    day, start = _day(inputs.get("effective_date")), Moratorium.objects.get(pk=context.case.pk).start_date
    if day is None or day < start:
        return "Say from which day it is protected; not from before the moratorium began."
    if day > calendars.london_date(context.at) + timedelta(days=opening.SOONEST):
        return "No notice says so long before. Compare the year, or ask the register."
    return None


def is_within_review(context: Any) -> str | None:
    """A review is asked for within 20 days of the start, or of the day an added debt took effect."""
    running = Clock.objects.filter(case=context.case, rule=periods.REVIEW, ended_at=None, due_at__gt=context.at)
    return None if running.exists() else "The days in which a review can be asked for are over, or there are none."


def ground_is_given(context: Any) -> str | None:
    inputs = context.inputs
    if inputs.get("ground") not in dict(codes.GROUNDS):
        return "Choose the ground on which a review is asked for."
    return None if str(inputs.get("particulars") or "").strip() else "Say what the ground rests on."


def is_over(context: Any) -> str | None:
    """Time alone ends a moratorium whose last day is over; any other ends when we are notified, with the day named. A
    day that is far from any that is known is for people: a wrong year would hold the debt for ever, or never."""
    facts, today = Moratorium.objects.get(pk=context.case.pk), calendars.london_date(context.at)
    if context.actor.kind == "system":
        if facts.regime == codes.OPEN_ENDED or facts.last_date is None:
            return "This moratorium ends only when we are notified of its end."
        return None if today > facts.last_date else "The last protected day is not over."
    named = context.inputs.get("ends_date")
    day = _day(named) if named else today
    if day is None or day < facts.start_date:
        return "Name the last protected day, not before the start."
    latest = max(facts.last_date or today, today) + timedelta(days=opening.SOONEST)
    return "The day that is named is long after the end that is known: ask the register." if day > latest else None


def charge_is_inside(context: Any) -> str | None:
    """Only a charge of a protected debt, for a day inside the period, is taken back by itself."""
    inputs, facts = context.inputs, Moratorium.objects.get(pk=context.case.pk)
    debt = searching.debts_of(context.case).filter(number=int(inputs.get("debt") or 0), standing="protected").first()
    day = _day(inputs.get("posted_date"))
    if debt is None or debt.effective_date is None or debt.is_joint or day is None:
        return "No protected debt of one holder has this charge."
    if day < debt.effective_date or (facts.last_date is not None and day > facts.last_date):
        return "The charge is for a day outside the period."
    return None if int(inputs.get("amount_pence") or 0) > 0 else "There is nothing to take back."
