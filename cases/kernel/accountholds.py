"""May money leave an account? One of the firm's own systems asks, and learns yes or no, never why.

A hidden hold, a customer who died, a colleague's own account: the answer, its time and its trace are the same.
"""

from __future__ import annotations

from datetime import datetime

from cases.kernel import holds, policy
from cases.kernel.actors import Actor
from cases.kernel.finding import index, terms
from cases.kernel.models import Hold, SearchEntry
from cases.kernel.restricted import quietholds
from cases.ledger import keys, reads

__all__ = ["ACT", "ACTS", "is_held"]

ACT = "ask_policy_hold"
# What can be asked about, and the ordinary holds that stop it as well: money is not paid out to the dead, to an
# insolvent customer, to whoever took over a victim's account, or to a colleague without somebody looking first. A quiet
# hold says what it stops in itself.
ACTS: dict[str, frozenset[str]] = {
    "pay_out": frozenset({"deceased", "insolvency", "fraud_victim", "staff_account", "data_protection"}),
}


def is_held(account: str, act: str, *, actor: Actor, at: datetime, request_id: str = "") -> bool:
    """Say whether a hold stops an act on a customer account. Three statements, whatever there is.

    The question goes on record without its answer and without the account. Raises NotAllowed; KeyError for an act that
    is not in ACTS.
    """
    policy.require(actor, ACT)
    kinds = ACTS[act]
    quiet = act in quietholds.blocked(account=account)
    plain = _is_plainly_held(account, kinds, at=at)
    reads.record_read(
        reads.Reader(actor=actor.label, verb="ask", purpose="policy_hold", fields=(act,), request_id=request_id),
        at=at,
        result_count=1,
    )
    return quiet or plain


def _is_plainly_held(account: str, kinds: frozenset[str], *, at: datetime) -> bool:
    """Say whether an open case of the office that names the account has an ordinary hold of these kinds in force."""
    value = terms.account(account)
    tokens = [index.Blinder(index.OFFICE, each).token("account", value) for each in keys.index_versions()]
    named = SearchEntry.objects.filter(space=index.OFFICE, note=None, tokens__overlap=tokens).values("case_id")
    held = Hold.objects.filter(holds.in_force(at), kind__in=kinds, case__in=named, case__is_closed=False)
    return held.exists()
