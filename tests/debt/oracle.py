"""Which accounts may be handed to a recovery agency, read from the design a second time. Imports nothing of `cases`."""

from dataclasses import dataclass, field
from datetime import date, timedelta

FLAGS = {
    *("complaint", "dispute", "adr", "payment_arrangement", "promise", "deceased", "fraud_victim", "vulnerable"),
    *("bankruptcy", "iva", "debt_relief_order", "sequestration", "protected_trust_deed"),
    *("minor", "gone_away", "prison", "hospital", "debt_plan"),
}
HOLDS = {
    *("dispute", "complaint", "breathing_space", "mental_health_crisis", "scottish_moratorium", "insolvency"),
    *("deceased", "vulnerable", "fraud_victim"),
}
YEARS = {"eaw": 6, "nir": 6, "sct": 5}


@dataclass
class History:
    """What is true of one account on the day of its release."""

    jurisdiction: str
    balance_pence: int
    final_bill: date
    oldest_unpaid: date
    born: date
    flags: set[str] = field(default_factory=set)
    holds: set[str] = field(default_factory=set)


def may_leave(one: History, *, today: date) -> bool:
    """Say whether nothing of the design's list stops it."""
    is_flagged = bool(one.flags & FLAGS) or bool(one.holds & HOLDS)
    is_small, is_young = one.balance_pence < 1000, today - one.final_bill < timedelta(days=30)
    last = one.oldest_unpaid.replace(year=one.oldest_unpaid.year + YEARS[one.jurisdiction])
    is_minor = one.born.replace(year=one.born.year + 18) > today
    return not (is_flagged or is_small or is_young or today > last or is_minor)
