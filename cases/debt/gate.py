"""What stops an account from being handed to a recovery agency: every exclusion a named rule that explains itself.

The gate is asked when a batch is built, when it is released and every night. A hidden hold reads as a policy hold does,
and says nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cases.accounts.models import Account
from cases.debt import heard, limitation, title
from cases.debt.limitation import limit
from cases.debt.moratorium import fees
from cases.debt.moratorium.models import MoratoriumDebt
from cases.kernel import accountholds, calendars, formats, holdkinds, holds
from cases.kernel.finding import terms
from cases.kernel.models import Hold
from cases.ledger import sealing
from cases.ledger.reads import Reader

__all__ = [
    "NEARLY_OVER",
    "RULES",
    "WARNINGS",
    "Candidate",
    "Finding",
    "Rule",
    "candidates",
    "codes_of_holds",
    "judge",
    "outlasting",
    "warn",
]

PLACE = "place"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What the gate knows of one account on one day: its columns, open flags, kinds of hold, births of its holders, and
    after how many years without a payment its debt is out of time.

    `holds` are kinds of hold that stop placing; a quiet or hidden one is `policy`, whichever it is. `said` is what
    agencies that had the account said of it and billing has not noted; `owed_pence` what is owed without charges that
    billing takes back and without what agencies collected and billing has not booked, or none for the whole balance.
    """

    account: Account
    today: date
    years: int
    flags: frozenset[str] = frozenset()
    holds: frozenset[str] = frozenset()
    births: tuple[date, ...] = ()
    is_placed: bool = False
    is_sold: bool = False
    is_promised: bool = False
    said: frozenset[str] = frozenset()
    owed_pence: int | None = None

    @property
    def owed(self) -> int:
        """Return what is owed today, in whole pence."""
        return self.account.balance_pence if self.owed_pence is None else self.owed_pence

    @property
    def period(self) -> limitation.Period | None:
        """Return until when the debt can be enforced, or none where nobody says since when it is owed."""
        return limitation.of_account(self.account, years={self.account.jurisdiction: self.years})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One exclusion: its code, the sentence that explains it, and whether it applies."""

    code: str
    sentence: str
    applies: Callable[[Candidate], bool]
    words: Callable[[Candidate], str] | None = None


@dataclass(frozen=True)
class Finding:
    """A rule that stops an account, or warns of it, and why in words."""

    code: str
    sentence: str


def _held(kind: str) -> Callable[[Candidate], bool]:
    return lambda candidate: kind in candidate.holds


def _flagged(*codes: str) -> Callable[[Candidate], bool]:
    return lambda candidate: not candidate.flags.isdisjoint(codes)


def _known(code: str, *flags: str) -> Callable[[Candidate], bool]:
    """Billing flags it, or an agency that had the account said so."""
    return lambda candidate: code in candidate.said or not candidate.flags.isdisjoint(flags)


def _is_small(candidate: Candidate) -> bool:
    return candidate.owed < limit("minimum_balance")


def _is_young(candidate: Candidate) -> bool:
    billed = candidate.account.final_bill_date
    return billed is None or candidate.today < billed + timedelta(days=limit("days_since_final_bill"))


def _is_undated(candidate: Candidate) -> bool:
    return candidate.period is None


def _is_out_of_time(candidate: Candidate) -> bool:
    is_over = candidate.period is not None and candidate.period.is_over(candidate.today)
    return is_over or "out_of_time" in candidate.said


def _is_near_its_end(candidate: Candidate) -> bool:
    return candidate.period is not None and candidate.period.is_near(candidate.today)


def _period_in_words(candidate: Candidate) -> str:
    if "out_of_time" in candidate.said or candidate.period is None:
        return "The debt is out of time."
    return candidate.period.in_words(candidate.today)


def _is_of_a_minor(candidate: Candidate) -> bool:
    young = any(formats.is_under_18(born, on=candidate.today) for born in candidate.births)
    return young or "minor" in candidate.flags | candidate.said


def _is_placed(candidate: Candidate) -> bool:
    return candidate.is_placed


def _is_sold(candidate: Candidate) -> bool:
    return candidate.is_sold


def _is_promised(candidate: Candidate) -> bool:
    return candidate.is_promised


# Kinds of hold in the words of the gate; what is quiet has one sentence for all.
_HOLDS = tuple(
    Rule(
        code=f"hold_{kind.code}",
        sentence=f"A hold stops it: {kind.label.lower()}.",
        applies=_held(kind.code),
    )
    for kind in holdkinds.KINDS.values()
    if not kind.is_quiet and PLACE in kind.blocks
)
RULES: tuple[Rule, ...] = (
    Rule(code="policy_hold", sentence=holds.SENTENCE, applies=_held(accountholds.QUIET)),
    *_HOLDS,
    Rule(code="hold_other", sentence="A hold stops placing it.", applies=_held("other")),
    Rule(code="balance_too_small", sentence="Less is owed than is worth placing.", applies=_is_small),
    Rule(code="bill_too_recent", sentence="The final bill is too recent, or there was none yet.", applies=_is_young),
    Rule(code="complaint", sentence="A complaint is open.", applies=_known("complaint", "complaint")),
    Rule(code="dispute", sentence="The bill is in dispute.", applies=_known("dispute", "dispute")),
    Rule(code="adr", sentence="The ombudsman has a complaint about it.", applies=_flagged("adr")),
    Rule(
        code="arrangement",
        sentence="The customer pays by arrangement.",
        applies=_flagged("payment_arrangement", "debt_plan"),
    ),
    Rule(code="promise", sentence="The customer has promised to pay.", applies=_flagged("promise")),
    Rule(code="due_date_unknown", sentence="It is not known since when it is owed.", applies=_is_undated),
    Rule(
        code="out_of_time",
        sentence="The debt is out of time.",
        applies=_is_out_of_time,
        words=_period_in_words,
    ),
    Rule(
        code="deceased",
        sentence="The customer has died, and no estate is known.",
        applies=_known("deceased", "deceased"),
    ),
    Rule(
        code="insolvent",
        sentence="The customer is insolvent.",
        applies=_known("insolvent", "bankruptcy", "iva", "debt_relief_order", "sequestration", "protected_trust_deed"),
    ),
    Rule(
        code="fraud_victim",
        sentence="The customer is a victim of fraud.",
        applies=_known("fraud_victim", "fraud_victim"),
    ),
    Rule(code="vulnerable", sentence="The customer needs support first.", applies=_known("vulnerable", "vulnerable")),
    Rule(code="minor", sentence="A holder is under 18.", applies=_is_of_a_minor),
    Rule(
        code="gone_away",
        sentence="The customer has left the address: trace them first.",
        applies=_known("gone_away", "gone_away"),
    ),
    Rule(code="confined", sentence="The customer is in prison or hospital.", applies=_flagged("prison", "hospital")),
    Rule(
        code="moratorium",
        sentence="A moratorium protects the debt, and nobody has said yet that it is held.",
        applies=_known("moratorium"),
    ),
    Rule(
        code="settled",
        sentence="It was settled with an agency for less: billing has still to write the rest off.",
        applies=_known("settled"),
    ),
    Rule(
        code="not_proved",
        sentence="It came back because what is owed is in question, and billing has not looked at it.",
        applies=_known("not_proved"),
    ),
    Rule(
        code="collected",
        sentence="It came back from a buyer, and what that collected meanwhile is not booked yet.",
        applies=_known("collected"),
    ),
    Rule(code="sold", sentence="The debt is sold: it is not ours to collect.", applies=_is_sold),
    Rule(code="in_sale", sentence="A buyer has agreed to take the debt over.", applies=_is_promised),
    Rule(code="placed_already", sentence="An agency has it already.", applies=_is_placed),
)
NEARLY_OVER = "The debt is nearly out of time."
WARNINGS: tuple[Rule, ...] = (
    Rule(
        code="nearly_out_of_time",
        sentence=NEARLY_OVER,
        applies=_is_near_its_end,
        words=_period_in_words,
    ),
)


def _found(rules: Iterable[Rule], candidate: Candidate) -> list[Finding]:
    return [
        Finding(rule.code, rule.words(candidate) if rule.words else rule.sentence)
        for rule in rules
        if rule.applies(candidate)
    ]


def codes_of_holds(kinds: Iterable[str]) -> list[str]:
    """Return the codes of the rules that holds of these kinds stop placing by, as they may be said."""
    hidden = {accountholds.QUIET: "policy_hold", accountholds.OTHER: "hold_other"}
    told = sorted({accountholds.as_told(kind, PLACE) for kind in kinds})
    return [hidden.get(each, f"hold_{each}") for each in told]


def judge(candidate: Candidate) -> list[Finding]:
    """Return every rule that stops an account, in the order of the table; nothing when it may be placed."""
    return _found(RULES, candidate)


def warn(candidate: Candidate) -> list[Finding]:
    """Return what does not stop an account and should be known."""
    return _found(WARNINGS, candidate)


def candidates(
    accounts: Sequence[Account],
    *,
    reader: Reader,
    at: datetime,
    placed: Collection[int] = (),
    own: Collection[int] = (),
    block: str = PLACE,
) -> list[Candidate]:
    """Return what the gate knows of accounts whose `holders` and `flags` were fetched with them, in order.

    `placed` are the ids of those that an agency has, `own` those placements that are asked about: what their own agency
    said or collected is no news. `block` is what a hold has to stop. Opens numbers and dates of
    birth: two access rows. The number of statements does not depend on the number of accounts.
    """
    today = calendars.london_date(at)
    numbers = [each["number"] or "" for each in sealing.open_rows(accounts, ["number"], reader=reader, at=at)]
    people = [holder for account in accounts for holder in account.holders.all() if holder.ended_date is None]
    opened = sealing.open_rows(people, ["date_of_birth"], reader=reader, at=at)
    births: dict[int, list[date]] = {}
    for holder, values in zip(people, opened, strict=True):
        if born := terms.born(values["date_of_birth"] or ""):
            births.setdefault(holder.account_id, []).append(date.fromisoformat(born))
    ids = [account.pk for account in accounts]
    held = accountholds.blocking(dict(zip(ids, numbers, strict=True)), block, at=at)
    sold, promised = title.buyers(ids), title.promised(ids)
    said, owed = heard.known(accounts, but=own), fees.owed(accounts, but=own)
    years = limitation.years_on(today, [account.jurisdiction for account in accounts])
    return [
        Candidate(
            account=account,
            today=today,
            years=years[account.jurisdiction],
            flags=frozenset(flag.code for flag in account.flags.all() if flag.ended_date is None),
            holds=held[account.pk],
            births=tuple(births.get(account.pk, ())),
            is_placed=account.pk in placed,
            is_sold=account.pk in sold,
            is_promised=account.pk in promised,
            said=said.get(account.pk, frozenset()),
            owed_pence=owed[account.pk],
        )
        for account in accounts
    ]


def outlasting(accounts: Collection[int], *, block: str, at: datetime) -> dict[int, frozenset[str]]:
    """Return, by account, the kinds of hold that stand on placements of it which are over: what somebody entered ends
    when somebody releases it, not when the agency gives the account back. One query."""
    rows = Hold.objects.filter(
        holds.in_force(at),
        case__placement__account__in=list(accounts),
        case__is_closed=True,
        case__is_erased=False,
        blocks__contains=[block],
    ).exclude(case__state__in=["void", "merged"])
    found: dict[int, frozenset[str]] = {}
    for account_id, kind, is_restricted in rows.values_list(
        "case__placement__account_id", "kind", "case__is_restricted"
    ):
        told = accountholds.QUIET if is_restricted else accountholds.as_told(kind, block)
        found[account_id] = found.get(account_id, frozenset()) | {told}
    return found


def protected(accounts: Collection[int], *, block: str, at: datetime) -> dict[int, frozenset[str]]:
    """Return, by account, the kinds of hold of moratoria that protect its debt now. One query."""
    debts = MoratoriumDebt.objects.filter(
        holds.in_force_at("case__holds__", at),
        account__in=list(accounts),
        standing="protected",
        effective_date__lte=calendars.london_date(at),
        case__holds__blocks__contains=[block],
    )
    found: dict[int, frozenset[str]] = {}
    for account_id, kind in debts.values_list("account_id", "case__holds__kind"):
        found[account_id] = found.get(account_id, frozenset()) | {accountholds.as_told(kind, block)}
    return found
