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


# What keeps an account out of a sale. A promise and a lost address do not: the buyer waits, or traces.
KEEPS_OUT = (FLAGS - {"promise", "gone_away"}) | {"fraud_suspect", "judgment", "forces"}
COMPLAINTS = {"complaint", "adr"}


@dataclass
class Offered:
    """What is true of one account that stands in a pool. `ended` are flags that are over, with the day."""

    jurisdiction: str
    balance_pence: int
    final_bill: date | None
    oldest_unpaid: date
    born: date | None
    street: str = "1 Example Terrace"
    flags: set[str] = field(default_factory=set)
    ended: dict[str, date] = field(default_factory=dict)
    is_held_quietly: bool = False


def may_be_sold(one: Offered, *, today: date) -> bool:
    """Say whether nothing of the design's second list stops it."""
    lately = {flag for flag, day in one.ended.items() if today - day < timedelta(days=30)}
    is_known = one.born is not None and bool(one.street)
    if one.is_held_quietly or one.flags & KEEPS_OUT or lately & COMPLAINTS or not is_known or one.final_bill is None:
        return False
    last = one.oldest_unpaid.replace(year=one.oldest_unpaid.year + YEARS[one.jurisdiction])
    is_minor = one.born.replace(year=one.born.year + 18) > today
    return one.balance_pence >= 2500 and today <= last and not is_minor
