"""Placements with a recovery agency at every state, made by the verbs that collections and the agency use."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

from django.db import transaction
from django.db.models import Count, Sum

from cases.accounts import storing, uploads
from cases.accounts.models import Account
from cases.agencies.directory import TERMS
from cases.debt import batches, callbacks, messages, opening
from cases.debt.models import Placement, PlacementBatch
from cases.kernel import actors, record, transitions, verdicts
from cases.kernel.actors import Actor
from cases.kernel.background import jobrun
from cases.kernel.casetypes import Content
from cases.kernel.exchange import agencies, files
from cases.kernel.models import Agency, BatchFile, Case
from cases.kernel.timing import sweeps
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.reads import Reader
from tests.accounts import portfolio
from tests.factories import AT
from tests.keptstories import story

KIND, CODE = "debt_placement", "drama-recoveries"
ANALYST, MANAGER = "r.penhale", "c.adebayo"
_numbers = count()


@story
def enter() -> Actor:
    """Enter the recovery agency, which takes files, in the register, once; return it."""
    if not Agency.objects.filter(code=CODE).exists():
        plan = agencies.ChannelPlan(
            direction="out",
            transport="sftp",
            address="sftp://drama-recoveries@127.0.0.1:9/in",
            allowed_cidrs=("127.0.0.0/8",),
            retry_profile="file",
            answers_folder="/out",
        )
        listing = agencies.Listing(
            code=CODE, kind="dca", display_name="Drama Recoveries", terms=TERMS, channels=(plan,)
        )
        agencies.register(listing, actor=actors.system("tests"), at=AT - timedelta(days=3))
    return actors.agency(Agency.objects.get(code=CODE))


@story
def accounts(people: dict[str, Actor], *rows: dict[str, str], at: Any = AT) -> list[str]:
    """Take in accounts as billing tells of them; return their numbers."""
    uploads.take([portfolio.file(list(rows))], actor=people[ANALYST], at=at)
    jobrun.work(clock=lambda: at, seconds=60)
    return [row["account"] for row in rows]


@story
def built(people: dict[str, Actor], *rows: dict[str, str], at: Any = AT) -> PlacementBatch:
    enter()
    own = portfolio.row(0, account=f"81{next(_numbers):08d}")
    numbers = accounts(people, *(rows or (own,)), at=at)
    return build(numbers, actor=people[ANALYST], at=at)[0]


def build(numbers: list[str], *, actor: Actor, at: Any, agency_code: str = CODE) -> tuple[PlacementBatch, list[Case]]:
    """Build a batch and wait for the work; return it and the cases of its accounts."""
    batch = batches.build(numbers, agency_code=agency_code, actor=actor, at=at)
    jobrun.work(clock=lambda: at, seconds=60)
    batch.refresh_from_db()
    return batch, [line.case for line in batches.lines_of(batch)]


def release(batch: PlacementBatch, *, digest: str, actor: Actor, at: Any) -> BatchFile | None:
    """Release a batch and wait for the work; return its first file, if there is one."""
    batches.release(batch, digest=digest, actor=actor, at=at)
    jobrun.work(clock=lambda: at, seconds=60)
    first = Placement.objects.filter(batch=batch, file_uid__isnull=False).exclude(case__state="excluded").first()
    return BatchFile.objects.get(uid=first.file_uid) if first is not None else None


def file_of(case: Case) -> BatchFile:
    """Return the file in which an account leaves."""
    return BatchFile.objects.get(uid=Placement.objects.get(pk=case.pk).file_uid)


def case_of(batch: PlacementBatch, place: int = 0) -> Case:
    return batches.lines_of(batch)[place].case


def _batch_of(case: Case) -> PlacementBatch:
    return PlacementBatch.objects.get(lines__case=case)


@story
def selected(people: dict[str, Actor]) -> Case:
    """A placement that the gate has not answered for: it was reopened after an exclusion."""
    case = excluded(people)
    return reopened(case, people)


def reopened(case: Case, people: dict[str, Actor]) -> Case:
    transitions.apply(case.pk, "reopen", actor=people[ANALYST], at=AT, reason="Tried.")
    verdicts.decide(case.approvals.get(closed_at=None).uid, "agreed", actor=people[MANAGER], at=AT)
    return Case.objects.get(pk=case.pk)


def noted(case: Case, *stopped: str) -> Case:
    """Let the gate say something else of a placement."""
    row = Placement.objects.select_related("case").get(pk=case.pk)
    opening.note(row.case, list(stopped), actor=actors.system("gate"), at=AT)
    return Case.objects.get(pk=case.pk)


@story
def cleared(people: dict[str, Actor]) -> Case:
    return noted(selected(people))


@story
def gated(people: dict[str, Actor]) -> Case:
    return transitions.apply(cleared(people).pk, "pass_gate", actor=actors.system("gate"), at=AT)


@story
def gated_for_a_batch(people: dict[str, Actor]) -> Case:
    """One that was opened again and that the next batch of its account takes in."""
    case = gated(people)
    row = Placement.objects.get(pk=case.pk)
    with record.act(case, "tests.batched", actor=actors.system("tests"), at=AT):
        row.batch = PlacementBatch.objects.filter(released_at=None).latest("pk")
        row.save(update_fields=["batch"])
    return case


@story
def gated_and_stopped(people: dict[str, Actor]) -> Case:
    return noted(gated(people), "complaint")


@story
def in_batch_and_stopped(people: dict[str, Actor]) -> Case:
    return noted(in_batch(people), "complaint")


@story
def with_file(people: dict[str, Actor]) -> Case:
    """An account in a batch whose file is promised, as in the middle of its release."""
    case = in_batch(people)
    batch = _batch_of(case)
    with ledger.action(batch.uid, "batch.promised", actor="tests", at=AT):
        rows = messages.place(batches.lines_of(batch), actor=people[MANAGER], at=AT)
        file = files.promise(CODE, "dca_place", messages.written(rows), at=AT)
        Placement.objects.filter(batch=batch).update(file_uid=file.uid)
    return case


@story
def excluded(people: dict[str, Actor]) -> Case:
    stopped = portfolio.row(0, account=f"81{next(_numbers):08d}", flags="complaint:2026-02-10")
    return case_of(built(people, stopped))


@story
def in_batch(people: dict[str, Actor]) -> Case:
    return case_of(built(people))


@story
def released(people: dict[str, Actor]) -> Case:
    batch = built(people)
    release(batch, digest=batch.digest, actor=people[MANAGER], at=AT)
    return case_of(batch)


@story
def released_and_stopped(people: dict[str, Actor]) -> Case:
    """An account whose file waits, with a complaint since."""
    return noted(released(people), "complaint")


@story
def given_up(people: dict[str, Actor]) -> Case:
    """An account that its agency gave up by itself."""
    return said(active(people), "placement.ceased")


@story
def transferred(people: dict[str, Actor]) -> Case:
    return transitions.apply(given_up(people).pk, "transfer_tier", actor=people[MANAGER], at=AT)


@story
def sent(people: dict[str, Actor]) -> Case:
    case = released(people)
    with transaction.atomic():
        batches.sent(BatchFile.objects.get(uid=case.placement.file_uid), "delivered", AT)
    return Case.objects.get(pk=case.pk)


def said(case: Case, kind: str, *, at: Any = AT, **data: Any) -> Case:
    """Let the agency say something of a case. What it keeps of what it collected is 18 % and VAT, if nothing else is
    said."""
    if kind == "placement.remitted":
        data = {**remittance(data.get("amount_pence", 5000)), **data}
    content = Content(
        type=kind,
        agency_code=CODE,
        agency_kind="dca",
        agency_reference="",
        agency_sequence=None,
        occurred_at=at,
        data={**callbacks.EXAMPLES[kind], **data},
        message=None,
        callback_uid=None,
    )
    callbacks.CALLBACKS[kind](Case.objects.get(pk=case.pk), content, actor=enter(), at=at)
    return Case.objects.get(pk=case.pk)


def remittance(pence: int) -> dict[str, int]:
    """Return what an agency says of an amount it collected: 18 % for itself, and VAT of 20 % on that."""
    commission = (2 * pence * 18 + 100) // 200
    vat = (2 * commission * 20 + 100) // 200
    return {
        "amount_pence": pence,
        "commission_pence": commission,
        "vat_pence": vat,
        "net_pence": pence - commission - vat,
    }


@story
def active(people: dict[str, Actor]) -> Case:
    return said(sent(people), "placement.answered")


@story
def recall_requested(people: dict[str, Actor]) -> Case:
    case = active(people)
    return transitions.apply(case.pk, "recall", actor=people[ANALYST], at=AT, reason="Tried.")


@story
def recall_late(people: dict[str, Actor]) -> Case:
    """An account whose recall its agency has not confirmed in time."""
    case = recall_requested(people)
    for clock in case.clocks.filter(state="running"):  # those of its own: others go on in other cases of a test
        sweeps._end(clock.pk, case.pk, now=AT + timedelta(days=4))
    return Case.objects.get(pk=case.pk)


@story
def rejected(people: dict[str, Actor]) -> Case:
    return said(sent(people), "placement.answered", outcome="rejected")


@story
def recalled(people: dict[str, Actor]) -> Case:
    return said(recall_requested(people), "placement.ceased")


@story
def paid(people: dict[str, Actor]) -> Case:
    return said(active(people), "placement.remitted")


@story
def settled(people: dict[str, Actor]) -> Case:
    return said(active(people), "placement.remitted", amount_pence=4500, is_settlement=True)


@story
def returned(people: dict[str, Actor]) -> Case:
    return said(active(people), "placement.returned")


@story
def insolvent(people: dict[str, Actor]) -> Case:
    return said(active(people), "placement.insolvent")


@story
def deceased(people: dict[str, Actor]) -> Case:
    return said(active(people), "placement.deceased")


def other_manager(people: dict[str, Actor]) -> Actor:
    """A manager of the desk who also holds the analyst's role."""
    both = frozenset({"collections_analyst", "collections_manager"})
    return replace(people[ANALYST], roles=both)


STATES = (
    *("selected", "gated", "in_batch", "released", "sent", "active", "recall_requested", "excluded", "rejected"),
    *("recalled", "paid", "settled", "returned", "insolvent", "deceased", "transferred"),
)


def account_of(number: str) -> Account:
    """Return the account of a number that billing has told us of."""
    account = storing.find(number)
    assert account is not None
    return account


def number_of(placement: Placement) -> str:
    """Return the number of an account that is placed."""
    reader = Reader(actor="tests", verb="read", purpose="tests")
    (values,) = sealing.open_rows([placement.account], ["number"], reader=reader, at=AT)
    return values["number"] or ""


def by_state(batch: PlacementBatch) -> dict[str, tuple[int, int]]:
    """Return how many accounts of a batch stand in each state, and what is owed on them in pence."""
    rows = Placement.objects.filter(batch=batch).values_list("case__state").order_by()
    counted = rows.annotate(count=Count("pk"), owed=Sum("balance_pence"))
    return {state: (number, owed) for state, number, owed in counted}
