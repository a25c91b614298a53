"""What keeps an account out of a sale: every exclusion a named rule that explains itself (domain rules 5B.3).

Where a rule is that of the gate for recovery agencies, it is the same rule. A hidden hold reads as a policy hold does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from django.db.models import Q

from cases.accounts.models import Account
from cases.debt import gate, heard
from cases.debt.limitation import limit
from cases.debt.sale.models import TAKEN, DebtSale, DebtSaleAccount
from cases.kernel import calendars
from cases.kernel.models import Hold, Task
from cases.ledger.reads import Reader

__all__ = ["RULES", "SENTENCES", "Rule", "Sellable", "in_words", "judge", "sellables"]

SELL = "sell"


@dataclass(frozen=True, kw_only=True)
class Sellable(gate.Candidate):
    """What is known of one account that may be sold: as the gate knows it, and what a sale asks beside.

    `ended_lately` are flags that ended, complaints of ours and of agencies among them,
    less than the days that a closed complaint keeps an account out.
    """

    is_elsewhere: bool = False
    is_named: bool = True
    ended_lately: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One exclusion: its code, the sentence that explains it, and whether it applies."""

    code: str
    sentence: str
    applies: Callable[[Sellable], bool]


def _flagged(code: str) -> Callable[[Sellable], bool]:
    return lambda one: code in one.flags


def _is_small(one: Sellable) -> bool:
    return one.owed < limit("sale_minimum_balance")


def _is_live(one: Sellable) -> bool:
    return one.account.final_bill_date is None


def _had_complaint(one: Sellable) -> bool:
    return not one.ended_lately.isdisjoint({"complaint", "adr"})


# The rules of the gate that a sale does not ask: an agency may have it, and it is recalled; whoever left the address is
# traced by the buyer; a small balance and a live service have rules of their own here.
_OF_AGENCIES = {"balance_too_small", "bill_too_recent", "promise", "gone_away", "placed_already", "hold_other"} | {
    "sold",
    "in_sale",
}
_OF_BOTH = tuple(
    Rule(code=rule.code, sentence=rule.sentence, applies=rule.applies)
    for rule in gate.RULES
    if rule.code not in _OF_AGENCIES
)
RULES: tuple[Rule, ...] = (
    *_OF_BOTH,
    Rule(code="hold_other", sentence="A hold stops selling it.", applies=lambda one: "other" in one.holds),
    Rule(
        code="fraud_suspect",
        sentence="Fraud is suspected, and under review.",
        applies=_flagged("fraud_suspect"),
    ),
    Rule(code="complaint_closed", sentence="A complaint was closed within the last 30 days.", applies=_had_complaint),
    Rule(
        code="too_little_owed",
        sentence="Less is owed than is worth selling, or it is in credit.",
        applies=_is_small,
    ),
    Rule(code="service_live", sentence="The service is still live: there was no final bill.", applies=_is_live),
    Rule(
        code="judgment",
        sentence="A court has given judgment: it belongs in a pool of its own.",
        applies=_flagged("judgment"),
    ),
    Rule(code="forces", sentence="The customer is on operations with the Forces.", applies=_flagged("forces")),
    Rule(
        code="not_ours",
        sentence="It stands in another sale, or was sold before.",
        applies=lambda one: one.is_elsewhere,
    ),
    Rule(
        code="nobody_named",
        sentence="No date of birth or no address of a holder is known.",
        applies=lambda one: not one.is_named,
    ),
)
SENTENCES = {rule.code: rule.sentence for rule in RULES}


def judge(one: Sellable) -> list[str]:
    """Return the codes of every rule that keeps an account out, in the order of the table."""
    return [rule.code for rule in RULES if rule.applies(one)]


def in_words(stopped_by: Collection[str]) -> str:
    """Return why an account is kept out."""
    return " ".join(SENTENCES.get(code, code) for code in stopped_by)


def sellables(accounts: Sequence[Account], *, sale: DebtSale, reader: Reader, at: datetime) -> list[Sellable]:
    """Return what is known of accounts whose `holders` and `flags` were fetched with them, in order. Opens numbers and
    dates of birth: two access rows. The number of statements does not depend on the number of accounts."""
    since = calendars.london_date(at) - timedelta(days=limit("sale_days_after_complaint"))
    others = DebtSaleAccount.objects.filter(account__in=accounts, state__in=TAKEN).exclude(sale=sale)
    elsewhere = set(others.values_list("account_id", flat=True))
    known = gate.candidates(accounts, reader=reader, at=at, block=SELL)
    complained = _complaints_ended(accounts, since=since, at=at)
    return [
        Sellable(
            **{each.name: getattr(one, each.name) for each in fields(gate.Candidate)},
            is_elsewhere=one.account.pk in elsewhere,
            is_named=bool(one.births) and _has_home(one.account),
            ended_lately=frozenset(
                flag.code for flag in one.account.flags.all() if flag.ended_date is not None and flag.ended_date > since
            )
            | (frozenset({"complaint"}) if one.account.pk in complained else frozenset()),
        )
        for one in known
    ]


def _complaints_ended(accounts: Sequence[Account], *, since: date, at: datetime) -> set[int]:
    """Return the ids of accounts of which a complaint ended after a day that we held a placement for, or that an agency
    heard. Two queries."""
    ids, moment = [account.pk for account in accounts], calendars.start_of_day(since + timedelta(days=1))
    over = Q(released_at__gte=moment) | Q(released_at=None, ends_at__gte=moment, ends_at__lte=at)
    held = Hold.objects.filter(over, kind="complaint", case__placement__account__in=ids)
    heard_of = Task.objects.filter(kind=heard.COMPLAINT, detail__account__in=ids, closed_at__gte=moment)
    return {
        *held.values_list("case__placement__account", flat=True),
        *heard_of.values_list("detail__account", flat=True),
    }


def _has_home(account: Account) -> bool:
    return any(each.line_1 is not None and each.ended_date is None for each in account.holders.all())
