"""Letters about a default: the notice of intention (N4) and what became of it (N5)."""

from __future__ import annotations

from datetime import date, datetime

from django.db.models import QuerySet

from cases.credit.defaults.models import Default
from cases.credit.defaults.periods import NOTICE as NOTICE_RULE
from cases.credit.defaults.periods import ON_FILE
from cases.kernel import tasks
from cases.kernel.exchange import letters
from cases.kernel.models import Case, CaseParty, Letter
from cases.kernel.timing import places

__all__ = [
    "BY_HAND",
    "CORRECTED",
    "FILED",
    "LETTERS",
    "NOTICE",
    "PLAN_OVER",
    "REMOVED",
    "SATISFIED",
    "SETTLED",
    "WITHDRAWN",
    "of_notice",
    "write",
]

BY_HAND = "default_write_by_hand"
tasks.declare({BY_HAND: "Tell somebody who holds the account of it by hand: no letter can go to them"})
NOTICE, WITHDRAWN, PLAN_OVER = "default_n4", "default_n4_withdrawn", "default_n4_plan_over"
FILED, SATISFIED, SETTLED, CORRECTED, REMOVED = (
    f"default_n5_{code}" for code in ("filed", "satisfied", "settled", "corrected", "removed")
)
# What a later wording may name: a notice of intention says how much, since when and what to pay (SCOR guide).
_MAY_NAME = {
    "product_words": "Product of the account",
    "notice_words": "What is owed, in pounds",
    "payments_behind": "How many monthly payments are behind",
    "first_missed_date": "Day on which the first of them was due",
    "default_words": "Balance of the default, in pounds",
    "default_date": "Date of the default",
    "paid_words": "What was paid of the default, in pounds",
    "satisfied_date": "Day on which it was paid or settled",
    "notice_length": "How long the notice runs, as its rule has it",
    "served_after": "How long after posting it counts as received, as its rule has it",
    "on_file_for": "How long a default stays on file, as its rule has it",
}
_OF_RULES = {
    "notice_length": f"rules.{NOTICE_RULE}.length",
    "served_after": f"rules.{NOTICE_RULE}.served",
    "on_file_for": f"rules.{ON_FILE}.length",
}
_DEFAULT = ("product_words", "default_words", "default_date")
_NAMED = {
    NOTICE: ("product_words", "notice_words", "payments_behind", "first_missed_date", *_OF_RULES),
    WITHDRAWN: ("product_words", "notice_length"),
    PLAN_OVER: ("product_words", "notice_length"),
    FILED: (*_DEFAULT, "on_file_for"),
    CORRECTED: _DEFAULT,
    SATISFIED: (*_DEFAULT, "satisfied_date", "on_file_for"),
    SETTLED: (*_DEFAULT, "paid_words", "satisfied_date", "on_file_for"),
}
LETTERS = tuple(
    letters.Template(
        code=code,
        version=1,
        label=label,
        template=f"cases/credit/letters/{code}.html",
        effective_from=date(2026, 1, 1),
        extra={name: _MAY_NAME[name] for name in _NAMED.get(code, ("product_words",))},
        extra_at=_OF_RULES,
        rules=(NOTICE_RULE, ON_FILE),
    )
    for code, label in (
        (NOTICE, "We intend to record a default"),
        (WITHDRAWN, "Our notice about a default no longer counts"),
        (PLAN_OVER, "An arrangement about arrears has ended"),
        (FILED, "A default was recorded"),
        (SATISFIED, "A default was paid"),
        (SETTLED, "A default was settled for less"),
        (CORRECTED, "A default was corrected"),
        (REMOVED, "A default was taken off"),
    )
)


def write(case: Case, template: str, *, at: datetime) -> list[Letter]:
    """Ask for a letter to every holder, inside the current ledger action; somebody writes by hand to whomever none
    reaches."""
    found = []
    for party in CaseParty.objects.filter(case=case, is_detached=False).order_by("number"):
        if party.surname is not None and places.is_reached(party):
            found.append(letters.request(case, party, template=template, at=at))
        else:
            tasks.raise_task(BY_HAND, case=case, at=at, letter=template, person=party.number)
    return found


def of_notice(row: Default) -> QuerySet[Letter]:
    """Return the letters of the notice that was asked for last; none where none was."""
    mine = Letter.objects.filter(case=row.case_id, template=NOTICE)
    return mine.none() if row.notice_asked_at is None else mine.filter(requested_at=row.notice_asked_at)


def came_back(row: Default) -> bool:
    """Say whether a letter of the notice came back to us: it served nobody. One query."""
    return of_notice(row).filter(state="returned").exists()


def is_posted(row: Default) -> date | None:
    """Return the day on which the last of the notice's letters was put in the post, or None while one is not: the post
    house's word is the proof."""
    days = list(of_notice(row).exclude(state="withdrawn").values_list("dispatched_date", flat=True))
    return max(day for day in days if day) if days and all(days) else None
