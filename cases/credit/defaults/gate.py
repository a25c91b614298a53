"""What stops a notice of intention or a default: every stop a named rule that explains itself.

A hold or an open dispute stops it at every step until an agency has it. A hidden hold reads as a policy hold does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from cases.accounts.models import Account
from cases.credit.defaults import letters, opening, standing
from cases.credit.defaults.models import Default
from cases.kernel import accountholds, calendars, formats, holdkinds, holds
from cases.kernel.finding import terms
from cases.ledger import sealing
from cases.ledger.reads import Reader

__all__ = ["BLOCK", "DISPUTES", "LATEST_MONTHS", "RULES", "STOPS_FILING", "judge", "words"]

BLOCK = "cra_default"
MISSED = 3
# A default is dated at most so long after the first missed payment.
LATEST_MONTHS = 6


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What the gate knows of one account on one day. `holds` are kinds of hold that stop a default."""

    account: Account
    today: date
    first_missed: date | None
    flags: frozenset[str]
    holds: frozenset[str]
    births: tuple[date, ...]
    has_address: bool
    came_back: bool
    is_decided: bool


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One stop. `is_hold`: a hold or a dispute, which stops a default at every step."""

    code: str
    sentence: str
    applies: Callable[[Candidate], bool]
    is_hold: bool = False


def _held(kind: str) -> Callable[[Candidate], bool]:
    return lambda candidate: kind in candidate.holds


def _flagged(code: str) -> Callable[[Candidate], bool]:
    return lambda candidate: code in candidate.flags


def _is_too_few(candidate: Candidate) -> bool:
    return (candidate.account.payments_behind or 0) < MISSED


def _is_of_a_minor(candidate: Candidate) -> bool:
    young = any(formats.is_under_18(born, on=candidate.today) for born in candidate.births)
    return young or "minor" in candidate.flags


def _is_too_old(candidate: Candidate) -> bool:
    """Say whether the six years of any default that could come of it are over."""
    first = candidate.first_missed
    return first is not None and standing.is_over(calendars.add_months(first, LATEST_MONTHS), today=candidate.today)


RULES: tuple[Rule, ...] = (
    Rule(code="policy_hold", sentence=holds.SENTENCE, applies=_held(accountholds.QUIET), is_hold=True),
    *(
        Rule(
            code=f"hold_{kind.code}",
            sentence=f"A hold stops it: {kind.label.lower()}.",
            applies=_held(kind.code),
            is_hold=True,
        )
        for kind in holdkinds.KINDS.values()
        if not kind.is_quiet and BLOCK in kind.blocks
    ),
    Rule(code="hold_other", sentence="A hold stops a default.", applies=_held(accountholds.OTHER), is_hold=True),
    Rule(code="dispute", sentence="The bill is in dispute.", applies=_flagged("dispute"), is_hold=True),
    Rule(code="complaint", sentence="A complaint is open.", applies=_flagged("complaint"), is_hold=True),
    Rule(code="adr", sentence="The ombudsman has a complaint about it.", applies=_flagged("adr"), is_hold=True),
    Rule(code="fraud_victim", sentence="The customer is a victim of fraud.", applies=_flagged("fraud_victim")),
    Rule(code="deceased", sentence="The customer has died.", applies=_flagged("deceased")),
    Rule(code="arrangement", sentence="The customer pays by arrangement.", applies=_flagged("payment_arrangement")),
    Rule(code="too_few", sentence="Fewer than three payments are behind.", applies=_is_too_few),
    Rule(
        code="nothing_owed",
        sentence="Nothing is owed on the account.",
        applies=lambda candidate: candidate.account.balance_pence <= 0,
    ),
    Rule(
        code="first_missed_unknown",
        sentence="It is not known when the first payment was missed.",
        applies=lambda candidate: candidate.first_missed is None,
    ),
    Rule(
        code="too_old",
        sentence="The six years on file of a default would be over.",
        applies=_is_too_old,
    ),
    Rule(
        code="has_default",
        sentence="Billing tells of a default of the account already.",
        applies=lambda candidate: candidate.account.default_date is not None,
    ),
    Rule(code="minor", sentence="A holder is under 18.", applies=_is_of_a_minor),
    Rule(code="gone_away", sentence="The customer has left the address.", applies=_flagged("gone_away")),
    Rule(
        code="address_unknown",
        sentence="Not every holder's address is known.",
        applies=lambda candidate: not candidate.has_address,
    ),
    Rule(
        code="came_back",
        sentence="The notice came back: it reached nobody.",
        applies=lambda candidate: candidate.came_back,
    ),
    Rule(
        code="decided_before",
        sentence="A case of the same arrears was taken off or void, or the account's default had its six years.",
        applies=lambda candidate: candidate.is_decided,
    ),
)
DISPUTES = frozenset({"hold_dispute", "hold_complaint", "dispute", "complaint", "adr"})
STOPS_FILING = frozenset(rule.code for rule in RULES if rule.is_hold)
_SENTENCES = {rule.code: rule.sentence for rule in RULES}


def words(found: list[str]) -> str:
    """Return why no default comes of it now."""
    return " ".join(_SENTENCES.get(code, code) for code in found)


def judge(row: Default, *, by: str, at: datetime) -> list[str]:
    """Return the codes of every rule that stops a default now, in the order of the table.

    Reads the account as billing tells of it today and opens its number and the dates of birth: two access rows.
    """
    account = Account.objects.prefetch_related("holders", "flags").get(pk=row.account_id)
    reader = Reader(actor=by, verb="check", purpose="credit_default")
    (opened,) = sealing.open_rows([account], ["number"], reader=reader, at=at)
    number = opened["number"] or ""
    people = [holder for holder in account.holders.all() if holder.ended_date is None]
    born = sealing.open_rows(people, ["date_of_birth"], reader=reader, at=at) if people else []
    births = [terms.born(values["date_of_birth"] or "") for values in born]
    candidate = Candidate(
        account=account,
        today=calendars.london_date(at),
        first_missed=account.oldest_unpaid_date or row.first_missed_date,
        flags=frozenset(flag.code for flag in account.flags.all() if flag.ended_date is None),
        holds=accountholds.blocking({account.pk: number}, BLOCK, at=at)[account.pk],
        births=tuple(date.fromisoformat(birth) for birth in births if birth),
        has_address=bool(people) and all(each.line_1 is not None and each.postcode is not None for each in people),
        came_back=letters.came_back(row),
        is_decided=opening.is_decided(row),
    )
    return [rule.code for rule in RULES if rule.applies(candidate)]
