"""How an account becomes a placement, and what the gate says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cases.accounts.models import Account
from cases.accounts.people import people_of
from cases.debt import codes, gate
from cases.debt.models import Placement, PlacementBatch
from cases.debt.moratorium import fees
from cases.kernel import intake, record, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.models import Case
from cases.ledger import sealing
from cases.ledger.canonical import canon
from cases.ledger.reads import Reader

__all__ = ["digest_of", "look_again", "note", "next_tier", "open_facts", "select"]


def next_tier(old: Case, *, at: datetime) -> Case:
    """Choose the account of a placement that its agency gave up anew, inside the act on that: a placement of the next
    tier, past the gate or excluded by a rule, that waits for a batch."""
    actor = system("placement", source=old.source)
    before = old.placement
    account = Account.objects.filter(pk=before.account_id).prefetch_related("holders", "flags").get()
    reader = Reader(actor=actor.label, verb="select", purpose="placement")
    (values,) = sealing.open_rows([account], ["number"], reader=reader, at=at)
    people = people_of([account], reader=reader, at=at)[account.pk]
    facts = {"account": account, "account_reference": values["number"] or "", "tier": before.tier + 1}
    facts["people"] = digest_of(people)
    candidates = gate.candidates([account], reader=reader, at=at, placed=placed([account], but=[old.pk]))
    case = intake.open_arising("debt_placement", actor=actor, at=at, facts=facts, people=people)
    note(case, [each.code for each in gate.judge(candidates[0])], actor=actor, at=at)
    return _pass_or_exclude(case, at=at)


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new placement, inside the current ledger action."""
    account = facts["account"]
    row = Placement(
        case=case,
        key=case.key,
        account=account,
        balance_pence=fees.owed([account])[account.pk],
        batch=facts.get("batch"),
        tier=facts.get("tier", 1),
        told_digest=facts.get("people", ""),
    )
    sealing.seal(row, {"account_reference": facts["account_reference"]}, key=case.key)
    row.save(force_insert=True)


def digest_of(people: Sequence[Mapping[str, Any]]) -> str:
    """Return the keyed hash of the people of an account, of whom its case tells and an agency is told."""
    told = [[each["values"], [dict(home) for home in each["addresses"]]] for each in people]
    return sealing.keyed_hash("placement_people", canon(told)).hex()


def select(accounts: Sequence[Account], *, batch: PlacementBatch, actor: Actor, at: datetime) -> list[Case]:
    """Open a placement for each account of a new batch, ask the gate, and let each pass or be excluded by a rule.

    `holders` and `flags` were fetched with them. Locks the accounts, so that no two people choose one at once. Raises
    NotAllowed, IntakeRefused.
    """
    list(Account.objects.select_for_update().filter(pk__in=[each.pk for each in accounts]).order_by("pk"))
    reader = Reader(actor=actor.label, verb="select", purpose="placement")
    numbers = [each["number"] or "" for each in sealing.open_rows(accounts, ["number"], reader=reader, at=at)]
    people = people_of(accounts, reader=reader, at=at)
    candidates = gate.candidates(accounts, reader=reader, at=at, placed=placed(accounts))
    cases = []
    for account, number, candidate in zip(accounts, numbers, candidates, strict=True):
        facts = {"account": account, "account_reference": number, "batch": batch}
        facts["people"] = digest_of(people[account.pk])
        case = intake.open_case("debt_placement", actor=actor, at=at, facts=facts, people=people[account.pk])
        note(case, [each.code for each in gate.judge(candidate)], actor=actor, at=at)
        cases.append(_pass_or_exclude(case, at=at))
    return cases


def placed(accounts: Sequence[Account], *, but: Sequence[int] = ()) -> set[int]:
    """Return the ids of those that stand in another open placement. One query."""
    rows = Placement.objects.filter(account__in=accounts, case__is_closed=False).exclude(pk__in=but)
    return set(rows.filter(case__state__in=codes.OUT).values_list("account_id", flat=True))


def look_again(placements: Sequence[Placement], *, actor: Actor, at: datetime) -> list[list[str]]:
    """Ask the gate about placements again and keep what it says; return the codes of what stops each, in order.

    Each is an act on its case. The balance is what is owed on the account today.
    """
    accounts = list(
        Account.objects.filter(pk__in=[row.account_id for row in placements]).prefetch_related("holders", "flags")
    )
    reader = Reader(actor=actor.label, verb="check", purpose="placement")
    own = [row.pk for row in placements]
    known = gate.candidates(accounts, reader=reader, at=at, placed=placed(accounts, but=own), own=own)
    candidates = {each.account.pk: each for each in known}
    owed = fees.owed(accounts, but=own)
    found = []
    for row in placements:
        stopped = [each.code for each in gate.judge(candidates[row.account_id])]
        note(row.case, stopped, actor=actor, at=at, balance=owed[row.account_id])
        found.append(stopped)
    return found


def note(case: Case, stopped: list[str], *, actor: Actor, at: datetime, balance: int | None = None) -> None:
    """Keep what the gate says of a placement, as one act. It changes nothing that anybody approves."""
    with record.act(case, "placement.checked", actor=actor, at=at, detail={"stopped_by": stopped}):
        row = Placement.objects.select_for_update().get(pk=case.pk)
        row.stopped_by, row.gate_at = stopped, at
        if balance is not None and case.state in ("selected", "gated", "in_batch"):
            row.balance_pence = balance
        row.save(update_fields=["stopped_by", "gate_at", "balance_pence"])


def _pass_or_exclude(case: Case, *, at: datetime) -> Case:
    move = "exclude" if Placement.objects.get(pk=case.pk).stopped_by else "pass_gate"
    return transitions.apply(case.pk, move, actor=system("gate", source=case.source), at=at)
