"""What must be true before a default moves. Each guard reads the context and returns why not, or None."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from cases.accounts import bureaus
from cases.accounts.models import Account
from cases.credit.defaults import codes, gate, holders, letters, periods, plans
from cases.credit.defaults.models import Default
from cases.kernel import calendars, money
from cases.kernel.evidence import scanning
from cases.kernel.models import Case, Clock, Evidence, OutboxMessage

__all__ = [
    "DISPUTED",
    "account_of",
    "has_fallen",
    "is_disputed",
    "is_over",
    "is_paid",
    "is_taken_everywhere",
    "last_told",
    "paid_since_notice",
    "something_waits",
    "was_taken_back",
]

DISPUTED = "default_disputed"
EARLIEST_MONTHS, ON_FILE_MONTHS = 3, 72


def account_of(row: Default) -> Account:
    """Return the account as billing tells of it now."""
    return Account.objects.get(pk=row.account_id)


def is_paid(row: Default) -> bool:
    """Say whether billing tells that no payment is behind."""
    return account_of(row).payments_behind == 0


def has_fallen(row: Default) -> bool:
    """Say whether less is owed than the notice names: what came due after it does not count."""
    return row.notice_pence is not None and account_of(row).balance_pence < row.notice_pence


def paid_since_notice(row: Default) -> dict[str, Any] | None:
    """Return what was paid of a default since its notice named what is owed, as billing tells of it: its newest
    payment, or else that less is owed on the account than is left of the default. None where nothing was."""
    account, asked = account_of(row), row.notice_asked_at
    day, pence = account.last_payment_date, account.last_payment_pence
    if row.default_date is None or asked is None:
        return None
    if day is not None and pence and day >= row.default_date and day > calendars.london_date(asked):
        return {"paid": day.isoformat(), "amount_pence": pence}
    return {"balance_pence": account.balance_pence} if account.balance_pence < row.left_pence else None


def is_over(row: Default, *, today: date) -> bool:
    """Say whether the period after service of the notice that stands has passed: on their last day a default may be
    dated."""
    clock = Clock.objects.filter(case=row.case_id, rule=periods.NOTICE).exclude(state="cancelled").order_by("pk").last()
    return row.served_date is not None and clock is not None and clock.due_date <= today


def last_told(case: Case) -> dict[str, str]:
    """Return how what each agency that takes part was told last of the default stands, by its code. One query."""
    told = OutboxMessage.objects.filter(case=case, kind=bureaus.CRA_CORRECT.code).order_by("pk")
    told = told.filter(channel__agency__is_active=True)
    return dict(told.values_list("channel__agency__code", "state"))


def is_taken_everywhere(case: Case) -> bool:
    """Say whether every agency has taken what it was told last of the default. One query."""
    last = last_told(case)
    return bool(last) and set(last.values()) <= {"delivered", "acknowledged"}


def was_taken_back(case: Case) -> bool:
    """Say whether a hold had what some agency was to be told taken back, whether or not it stands yet. One query."""
    return "withdrawn" in last_told(case).values()


def something_waits(case: Case) -> bool:
    """Say whether something that an agency is to be told of the default has not left. One query."""
    return not {"pending", "dead", "unknown"}.isdisjoint(last_told(case).values())


def _stops(context: Any, among: Iterable[str] | None = None) -> list[str]:
    found = gate.judge(context.case.default, by=context.actor.label, at=context.at)
    return found if among is None else [code for code in found if code in among]


def gate_is_clear(context: Any) -> str | None:
    return gate.words(_stops(context)) or None


def nothing_holds_it(context: Any) -> str | None:
    return gate.words(_stops(context, gate.STOPS_FILING)) or None


def something_holds_it(context: Any) -> str | None:
    return None if _stops(context, gate.STOPS_FILING) else "No hold and no dispute stops it."


def is_still_owed(context: Any) -> str | None:
    row = context.case.default
    if (row.notice_pence or 0) <= 0:
        return "The notice names nothing that is owed."
    return "It is paid, or less is owed than the notice said." if is_paid(row) or has_fallen(row) else None


def notice_is_posted(context: Any) -> str | None:
    if letters.came_back(context.case.default):
        return "A letter of the notice came back: it served nobody."
    if letters.is_posted(context.case.default) is None:
        return "The post house has not said yet that the notice is in the post."
    return None


def everybody_has_notice(context: Any) -> str | None:
    if holders.without_notice(context.case.default, by=context.actor.label, at=context.at):
        return "Somebody holds the account who was not sent the notice: it no longer counts."
    return None


def is_disputed(case: Case) -> bool:
    """Say whether a dispute that an agency passed on waits for its answer. One query."""
    return case.tasks.filter(kind=DISPUTED, closed_at=None).exists()


def no_dispute_waits(context: Any) -> str | None:
    return "A dispute that an agency passed on waits for its answer." if is_disputed(context.case) else None


def arrears_are_paid(context: Any) -> str | None:
    return None if is_paid(context.case.default) else "A payment is still behind."


def plan_is_recorded(context: Any) -> str | None:
    pence, until = context.inputs.get("plan_pence"), context.inputs.get("plan_until_date")
    if not isinstance(pence, int) or pence <= 0:
        return "Say how much is paid each month."
    if not isinstance(until, date) or until <= calendars.london_date(context.at):
        return "Say until which later day the arrangement runs."
    return None


def instalment_is_missed(context: Any) -> str | None:
    over = plans.why_over(context.case.default, today=calendars.london_date(context.at))
    return None if over else "No instalment is missed, and the arrangement runs."


def notice_no_longer_counts(context: Any) -> str | None:
    """A machine sees that less is owed; a person may also say that a dispute was upheld."""
    ground = context.inputs.get("ground") or "amount_changed"
    if ground not in dict(codes.VOIDED_FOR):
        return "Choose why the notice no longer counts."
    if ground == "amount_changed" and not has_fallen(context.case.default):
        return "What is owed is not less than the notice says."
    if ground == "came_back" and not letters.came_back(context.case.default):
        return "No letter of the notice came back."
    if ground == "holder_joined" and everybody_has_notice(context) is None:
        return "Everybody who holds the account was sent the notice."
    return None


def notice_period_is_over(context: Any) -> str | None:
    today = calendars.london_date(context.at)
    return None if is_over(context.case.default, today=today) else "The period of the notice is not over."


def default_date_is_right(context: Any) -> str | None:
    """Between three and six months after the first missed payment the default is of the day of approval; after that, of
    an earlier day within them."""
    row, day, today = context.case.default, context.inputs.get("default_date"), calendars.london_date(context.at)
    first = row.first_missed_date
    if first is None:
        return "It is not known when the first payment was missed."
    earliest, latest = (calendars.add_months(first, months) for months in (EARLIEST_MONTHS, gate.LATEST_MONTHS))
    if today < earliest:
        return f"The first payment was missed less than three months ago; no default before {earliest:%-d %B %Y}."
    if not isinstance(day, date):
        return "Say the date of the default."
    wrong = (
        (day > today, "The date of the default lies in the future."),
        (
            today > latest and day > latest,
            f"The first payment was missed more than six months ago: date the default by {latest:%-d %B %Y}.",
        ),
        (day < earliest, f"A default is not dated before {earliest:%-d %B %Y}."),
        (calendars.add_months(day, ON_FILE_MONTHS) <= today, "Its six years on file would be over."),
        (today <= latest and day < _over_on(row), "A default is not dated before the notice is over."),
    )
    return next((sentence for is_so, sentence in wrong if is_so), None)


def _over_on(row: Default) -> date:
    clock = Clock.objects.filter(case=row.case_id, rule=periods.NOTICE).exclude(state="cancelled").order_by("pk").last()
    return clock.due_date if clock is not None else date.max


def is_the_only_default(context: Any) -> str | None:
    row = context.case.default
    others = Default.objects.filter(account=row.account_id, default_date__isnull=False).exclude(pk=row.pk)
    other = others.values_list("case__reference", flat=True).first()
    return f"The account has a default already: {other}." if other else None


def agencies_have_taken_it(context: Any) -> str | None:
    return None if is_taken_everywhere(context.case) else "Not every agency has taken it yet."


def has_ground_to_withdraw(context: Any) -> str | None:
    ground = context.inputs.get("ground")
    if ground not in dict(codes.WITHDRAWN_FOR):
        return "Choose why it is taken back."
    if ground == "paid" and not is_paid(context.case.default):
        return "A payment is still behind."
    return None


def is_part_payment(context: Any) -> str | None:
    row, pence = context.case.default, context.inputs.get("amount_pence")
    if not isinstance(pence, int) or pence <= 0:
        return "Say how much was paid."
    return None if pence < row.left_pence else "That is all that is left: record that it is paid in full."


def is_paid_in_full(context: Any) -> str | None:
    row, pence = context.case.default, context.inputs.get("amount_pence")
    if not isinstance(pence, int) or pence <= 0:
        return "Say how much was paid."
    if pence != row.left_pence:
        return f"{money.pounds(row.left_pence)} is left of the default."
    return _paid_on(context)


def is_settlement(context: Any) -> str | None:
    """Less than is left was paid, and accepted for all of it."""
    return is_part_payment(context) or _paid_on(context)


def _paid_on(context: Any) -> str | None:
    row, day = context.case.default, context.inputs.get("satisfied_date")
    if not isinstance(day, date) or day > calendars.london_date(context.at) or day < row.default_date:
        return "Say on which day it was paid: after the default, and not in the future."
    return None


def has_evidence(context: Any) -> str | None:
    number = str(context.inputs.get("evidence") or "")
    found = number.isdecimal() and Evidence.objects.filter(case=context.case, number=int(number)).first()
    if not found:
        return "Name the document of the case that shows it."
    return scanning.why_not(found)


def date_moves_no_later(context: Any) -> str | None:
    row, day, pence = context.case.default, context.inputs.get("default_date"), context.inputs.get("default_pence")
    if not isinstance(day, date) or not isinstance(pence, int) or pence <= 0:
        return "Say the date and the balance of the default as they should be."
    if day > row.default_date:
        return "The date of a default never moves later."
    if row.first_missed_date is not None and day < row.first_missed_date:
        return f"No payment was missed before {row.first_missed_date:%-d %B %Y}."
    if calendars.add_months(day, ON_FILE_MONTHS) <= calendars.london_date(context.at):
        return "Its six years on file would be over: take the default off."
    if (day, pence) == (row.default_date, row.default_pence):
        return "That is what the agencies have already."
    if row.satisfied_date is None and pence <= row.paid_pence:
        return "So much is paid already: record that it is paid in full."
    if row.satisfied_date is not None and pence > row.default_pence:
        return "It is on file as paid in full, and nothing more is owed of it: its balance is not made higher."
    return None


def time_on_file_is_over(context: Any) -> str | None:
    clock = Clock.objects.filter(case=context.case, rule=periods.ON_FILE).order_by("pk").last()
    is_over = clock is not None and clock.due_date <= calendars.london_date(context.at)
    return None if is_over else "Its time on file is not over."
