"""Batches of accounts for one agency: built by an analyst, released by a manager, sent as one file.

The gate is asked when a batch is built and again when it is released. Whoever it stops is taken out by a named rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from cases.accounts import storing
from cases.accounts.models import Account
from cases.accounts.people import people_of
from cases.debt import opening, rules, takeout
from cases.debt.limitation import limit
from cases.debt.models import Placement, PlacementBatch
from cases.kernel import calendars, intake, policy, record, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agreements
from cases.kernel.models import Agency, BatchFile, Case
from cases.kernel.releases import ReleaseRefused
from cases.ledger import api as ledger
from cases.ledger.reads import Reader

__all__ = ["BatchRefused", "agencies", "build", "digest_of", "lines_of", "release", "sent"]

KIND = "debt_placement"


class BatchRefused(CaseError):
    """The batch cannot be built or released as asked; the message is fit to show."""


def agencies() -> list[Agency]:
    """Return the recovery agencies in the register. One query."""
    return list(Agency.objects.filter(kind="dca", is_active=True).order_by("display_name"))


def lines_of(batch: PlacementBatch) -> list[Placement]:
    """Return the accounts of a batch, those that were stopped too, in the order of their references. One query."""
    rows = Placement.objects.filter(batch=batch).select_related("case__key", "case__team", "account")
    return list(rows.order_by("case__reference"))


def digest_of(lines: Sequence[Placement]) -> str:
    """Return the hash of sorted lines: which account, at how much."""
    text = "\n".join(sorted(f"{row.case.reference},{row.account_id},{row.balance_pence}" for row in lines))
    return hashlib.sha256(text.encode()).hexdigest()


@transaction.atomic
def build(
    numbers: Sequence[str],
    *,
    agency_code: str,
    actor: Actor,
    at: datetime,
    commission_rate: int = 1800,
    request: ledger.RequestInfo | None = None,
) -> tuple[PlacementBatch, list[Case]]:
    """Choose accounts by number, ask the gate, and put those that pass in a new batch; return it and every case, also
    of those that were stopped. One transaction; one event for each move. Raises NotAllowed, BatchRefused."""
    policy.require(actor, rules.BUILD, kind=KIND)
    if actor.user_id is None:
        raise BatchRefused("A batch is built by a person.")
    accounts = _accounts(numbers)
    agency = next((each for each in agencies() if each.code == agency_code), None)
    if agency is None:
        raise BatchRefused("Choose a recovery agency of the register.")
    batch = PlacementBatch(
        reference=_next_reference(at=at),
        agency=agency,
        commission_rate=commission_rate,
        built_at=at,
        built_by_id=actor.user_id,
    )
    detail: dict[str, object] = {"reference": batch.reference, "agency": agency.code}
    with ledger.action(
        batch.uid, "batch.built", actor=actor.label, at=at, detail=detail, source=actor.source, request=request
    ):
        batch.save(force_insert=True)
        waiting = _take_in(accounts, batch, at=at)
        taken = {row.account_id for row in waiting}
        chosen = [account for account in accounts if account.pk not in taken]
        cases = [row.case for row in waiting] + opening.select(chosen, batch=batch, actor=actor, at=at)
        for case in (each for each in cases if each.state == "gated"):
            transitions.apply(case.pk, "batch", actor=actor, at=at, inputs={"batch": str(batch.uid)})
        batch.digest = digest_of([row for row in lines_of(batch) if row.case.state == "in_batch"])
        batch.save(update_fields=["digest"])
    return batch, cases


def _take_in(accounts: Sequence[Account], batch: PlacementBatch, *, at: datetime) -> list[Placement]:
    """Put the accounts of which a placement waits for a batch into this one, with the gate asked again; return them."""
    rows = Placement.objects.select_for_update(of=("self",)).filter(account__in=accounts, batch=None)
    waiting = list(rows.filter(case__state="gated").select_related("case__key", "case__team").order_by("pk"))
    gate_keeper = system("gate")
    found = opening.look_again(waiting, actor=gate_keeper, at=at) if waiting else []
    for row, stopped in zip(waiting, found, strict=True):
        kept = Placement.objects.get(pk=row.pk)
        with record.act(row.case, "placement.batched", actor=gate_keeper, at=at):
            kept.batch = batch
            kept.save(update_fields=["batch"])
        if stopped:
            row.case = transitions.apply(row.pk, "exclude", actor=gate_keeper, at=at)
    return waiting


def _accounts(numbers: Sequence[str]) -> list[Account]:
    """Return the accounts of these numbers, each once. Raises BatchRefused for one that billing has not told us of."""
    most = limit("batch_at_most")
    if not numbers or len(numbers) > most:
        raise BatchRefused(f"Name at least one account and at most {most}, one on each line.")
    found = storing.find_each(numbers)
    unknown = [number for number, account in zip(numbers, found, strict=True) if account is None]
    if unknown:
        raise BatchRefused(f"Billing has not told us of these accounts: {', '.join(unknown[:5])}.")
    ids = list(dict.fromkeys(account.pk for account in found if account is not None))
    return list(Account.objects.filter(pk__in=ids).order_by("pk").prefetch_related("holders", "flags"))


def _next_reference(*, at: datetime) -> str:
    number = int(intake.next_reference("PL", at=at).rsplit("-", 1)[1])
    return f"PL-{calendars.london_date(at).year}-{number:03d}"


@transaction.atomic
def release(
    batch: PlacementBatch,
    *,
    digest: str,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> BatchFile | None:
    """Ask the gate again, take out whom it stops, and promise the rest to the agency as one file, each line released.

    The person who built it may not. `digest` is that of the lines as they were shown. Locks the batch. Returns None
    where nobody is left. Raises NotAllowed, BatchRefused, ReleaseRefused, NoChannel; nothing is then written.
    """
    policy.require(actor, rules.RELEASE, kind=KIND)
    batch = PlacementBatch.objects.select_for_update().get(pk=batch.pk)
    if batch.released_at is not None:
        raise BatchRefused("This batch is released already.")
    if actor.user_id == batch.built_by_id:
        raise BatchRefused("Somebody else than whoever built it releases a batch.")
    lines = [row for row in lines_of(batch) if row.case.state == "in_batch"]
    if digest_of(lines) != digest:
        raise BatchRefused("The batch changed while you were reading it. Look at it again.")
    if sentence := agreements.too_close(batch.agency, actor, at=at):
        raise ReleaseRefused(sentence)
    with ledger.action(
        batch.uid, "batch.released", actor=actor.label, at=at, source=actor.source, request=request
    ) as action:
        left = _still_clear(lines, at=at)
        file = _promise(batch, left, actor=actor, at=at) if left else None
        action.detail.update({"reference": batch.reference, "accounts": len(left), "taken_out": len(lines) - len(left)})
        batch.released_at, batch.released_by_id = at, actor.user_id
        batch.digest = digest_of(left)
        batch.save(update_fields=["released_at", "released_by", "digest"])
    return file


def _still_clear(lines: Sequence[Placement], *, at: datetime) -> list[Placement]:
    """Return the lines that nothing stops now; exclude the others."""
    gate_keeper = system("gate")
    found = opening.look_again(lines, actor=gate_keeper, at=at)
    for row, stopped in zip(lines, found, strict=True):
        if stopped:
            transitions.apply(row.pk, "exclude", actor=gate_keeper, at=at)
    clear = [row.pk for row, stopped in zip(lines, found, strict=True) if not stopped]
    rows = Placement.objects.filter(pk__in=clear).select_related("case__key", "case__team", "account")
    return list(rows.order_by("case__reference"))


def _promise(batch: PlacementBatch, lines: Sequence[Placement], *, actor: Actor, at: datetime) -> BatchFile:
    file, rows = takeout.promise(batch, lines, dedupe=f"batch:{batch.uid}", actor=actor, at=at)
    accounts = Account.objects.filter(pk__in=[line.account_id for line in lines]).prefetch_related("holders")
    reader = Reader(actor=actor.label, verb="release", purpose="recover_debts")
    people = people_of(list(accounts), reader=reader, at=at)
    for line, row in zip(lines, rows, strict=True):
        told = {"row": row, "people": opening.digest_of(people[line.account_id])}
        transitions.apply(line.pk, "release", actor=actor, at=at, inputs=told)
    return file


def sent(file: BatchFile, became: str, at: datetime) -> None:
    """The file of a batch has left, or has been answered: every line that was released is with the agency."""
    if became not in {"delivered", "answered"}:
        return
    lines = Placement.objects.filter(batch__file_uid=file.uid, case__state="released").order_by("pk")
    for case_id in list(lines.values_list("pk", flat=True)):
        transitions.apply(case_id, "send", actor=system("delivery"), at=at)
