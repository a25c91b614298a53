"""What holds stop on a customer account, whichever case they were entered on.

May money leave it? One of the firm's own systems asks, and learns yes or no, never why: a hidden hold, a customer who
died, a colleague's own account: the answer, its time and its trace are the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import or_

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, Q, QuerySet, Value

from cases.kernel import casetypes, holdkinds, holds, policy
from cases.kernel.actors import Actor
from cases.kernel.finding import index, terms
from cases.kernel.models import Case, Hold, SearchEntry, Team
from cases.kernel.restricted import quietholds
from cases.ledger import keys, reads

__all__ = ["ACT", "ACTS", "OTHER", "QUIET", "as_told", "beside", "blocking", "entered", "entered_each", "is_held"]

QUIET, OTHER = "policy", "other"
# What holds numbers of accounts, by the names of their runs.
_ACCOUNTS = frozenset({*index.FACTS, *(name for name, kind in index.VALUES.items() if kind == "account")})
ACT = "ask_policy_hold"
# What can be asked about, and the ordinary holds that stop it as well: money is not paid out to the dead, to an
# insolvent customer, to whoever took over a victim's account, or to a colleague without somebody looking first. A quiet
# hold says what it stops in itself.
ACTS: dict[str, frozenset[str]] = {
    "pay_out": frozenset({"deceased", "insolvency", "fraud_victim", "staff_account", *holdkinds.STOPS_USE}),
}


def is_held(account: str, act: str, *, actor: Actor, at: datetime, request_id: str = "") -> bool:
    """Say whether a hold stops an act on a customer account. Five statements, whatever there is.

    A quiet hold of a case, of any team, stops the accounts that the case names. The question goes on record without its
    answer and without the account. Raises NotAllowed; KeyError for an act that is not in ACTS.
    """
    policy.require(actor, ACT)
    kinds = ACTS[act]
    naming = _naming(_tokens([terms.account(account)])).values_list("case__uid", flat=True)
    quiet = act in quietholds.blocked(account=account, case_uids=list(naming))
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


def blocking(accounts: Mapping[int, str], block: str, *, at: datetime) -> dict[int, frozenset[str]]:
    """Return, by account, the kinds of hold that stop a block on it: those of `entered`, those of cases that know it by
    more than its number, and `policy` where a hidden one does. `accounts` are numbers by id. The number of queries does
    not depend on the number of accounts."""
    numbers = list(accounts.values())
    named, hidden = entered(numbers, block, at=at), quietholds.blocked_each(numbers)
    protected = [each.protects(list(accounts), block=block, at=at) for each in casetypes.all_types()]
    return {
        pk: named[terms.account(number)].union(
            {QUIET} if block in hidden[number] else (), *(found.get(pk, frozenset()) for found in protected)
        )
        for pk, number in accounts.items()
    }


def entered(numbers: Collection[str], block: str, *, at: datetime) -> dict[str, frozenset[str]]:
    """Return, by account number in comparable form, the kinds of hold on open cases naming it that stop a block.

    Those of the office are told by their kind; one of a kind that does not usually stop this is `other`; a quiet one,
    or one of a restricted team, is `policy` and nothing else. Three queries, whatever the number.
    """
    return entered_each(numbers, [block], at=at)[block]


def entered_each(
    numbers: Collection[str], blocks: Sequence[str], *, at: datetime
) -> dict[str, dict[str, frozenset[str]]]:
    """Return for each of several blocks what `entered` does. Three queries, whatever the number of either."""
    written = [terms.account(number) for number in numbers]
    cases = _named_on(dict.fromkeys(written))
    held = Hold.objects.filter(holds.in_force(at), case__in=list(cases), case__is_closed=False)
    found: dict[str, dict[str, set[str]]] = {block: {number: set() for number in written} for block in blocks}
    stops = reduce(or_, (Q(blocks__contains=[block]) for block in blocks))
    stopping = held.filter(stops).values_list("case_id", "kind", "case__is_restricted", "blocks")
    for case_id, kind, is_restricted, stopped in stopping:
        for block in found.keys() & set(stopped):
            for number in cases[case_id]:
                found[block][number].add(QUIET if is_restricted else as_told(kind, block))
    return {block: {number: frozenset(kinds) for number, kinds in each.items()} for block, each in found.items()}


def _named_on(written: Iterable[str]) -> dict[int, set[str]]:
    """Return the cases that name accounts, of the office and of restricted teams, each with those it names."""
    tokens = _tokens(written)
    cases: dict[int, set[str]] = {}
    for case_id, found in _naming(tokens).values_list("case_id", "tokens"):
        cases.setdefault(case_id, set()).update(tokens[each] for each in found if each in tokens)
    return cases


def _tokens(written: Iterable[str]) -> dict[int, str]:
    """Return by its token, of the office and of each restricted team, each account in comparable form. One query."""
    restricted = Team.objects.filter(is_restricted=True).order_by("pk").values_list("pk", flat=True)
    spaces = [index.OFFICE, *(f"team:{team_id}" for team_id in restricted)]
    blinders = [index.Blinder(space, version) for space in spaces for version in keys.index_versions()]
    return {blinder.token("account", number): number for number in written for blinder in blinders}


def beside(case: Case) -> set[int]:
    """Return the ids of other cases of the office that name an account which this one names. Two queries."""
    rows = SearchEntry.objects.filter(case=case, note=None, space=index.OFFICE)
    runs = [index.runs_of(row) for row in rows]
    tokens = {token for each in runs for name in _ACCOUNTS & each.keys() for token in each[name]}
    named = _naming(tokens).filter(space=index.OFFICE).exclude(case=case)
    return set(named.values_list("case_id", flat=True)) if tokens else set()


def _naming(tokens: Iterable[int]) -> QuerySet[SearchEntry]:
    # One value: Django would write each token of a list down as an expression of its own.
    sought = Value(list(tokens), output_field=ArrayField(BigIntegerField()))
    return SearchEntry.objects.filter(note=None, tokens__overlap=sought)


def as_told(kind: str, block: str) -> str:
    """Return the kind of a hold as it may be said."""
    known = holdkinds.KINDS.get(kind)
    if known is None or known.is_quiet:
        return QUIET
    return kind if block in known.blocks else OTHER
