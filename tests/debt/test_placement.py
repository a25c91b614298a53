"""Accounts handed to a recovery agency: built, released by another, sent as one file, stopped, recalled and paid."""

import csv
import io
from datetime import timedelta

import pytest

from cases.accounts.models import AccountFlag
from cases.debt import batches, limitation, looking
from cases.debt.batches import BatchRefused
from cases.debt.models import Placement, PlacementBatch
from cases.kernel import edits, holds, outbox, transitions
from cases.kernel.background import jobrun
from cases.kernel.exchange import batchformat, files
from cases.kernel.models import (
    BatchFile,
    Case,
    Clock,
    Letter,
    OutboxMessage,
    Release,
    ReleasedItem,
    RoleGrant,
    Task,
    User,
)
from cases.kernel.timing import sweeps
from cases.ledger import api as ledger
from cases.ledger.models import LedgerEvent
from cases.ledger.reads import Reader
from tests import placements
from tests.accounts import portfolio
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db


def told(kind: str) -> list[dict[str, str]]:
    """Return the rows of every file of a kind that was promised."""
    reader = Reader(actor="tests", verb="read", purpose="tests")
    found = []
    for message in OutboxMessage.objects.filter(kind=kind).order_by("pk"):
        lines = outbox.open_body(message, reader=reader, at=AT)
        file = BatchFile.objects.filter(message=message).first()
        whole = lines if file is None else b"".join(files.open_parts(file, lines, reader=reader, at=AT))
        found += list(csv.DictReader(io.StringIO(batchformat.read(whole).body.decode())))
    return found


def state(case: Case) -> str:
    return Case.objects.get(pk=case.pk).state


def test_a_batch_is_built_released_by_another_and_leaves_as_one_file(people):
    rows = [portfolio.row(0), portfolio.row(1), portfolio.row(4, flags="complaint:2026-02-10")]
    batch = placements.built(people, *rows)
    assert batch.reference == "PL-2026-001"
    lines = batches.lines_of(batch)
    assert [(row.case.state, row.stopped_by) for row in lines] == [
        ("in_batch", []),
        ("in_batch", []),
        ("excluded", ["complaint"]),
    ]
    digest = batch.digest
    for actor in (people[placements.ANALYST], placements.other_manager(people)):
        with pytest.raises(Exception, match="Somebody else|may not|not allowed|role"):
            placements.release(batch, digest=digest, actor=actor, at=AT)
    with pytest.raises(BatchRefused, match="changed while you were reading"):
        placements.release(batch, digest="0" * 64, actor=people[placements.MANAGER], at=AT)
    assert (BatchFile.objects.count(), Release.objects.count()) == (0, 0)

    file = placements.release(batch, digest=digest, actor=people[placements.MANAGER], at=AT)
    assert (file.row_count, file.total_pence) == (2, 10001)
    (first, second) = told("dca_place")
    assert first == {
        "reference": lines[0].case.reference,
        "amount_pence": "5000",
        "names": "Ada Oyelaran-Augh; Second Holder",
        "phone": "07700 900000",
        "email": "holder0@example.org",
        "line_1": "0 Example Terrace",
        "line_2": "",
        "town": "Swansea",
        "postcode": "SA1 0ZZ",
        "phone_date": "2026-03-01",
        "address_date": "2026-03-01",
    }
    assert second["amount_pence"] == "5001"
    assert set(ReleasedItem.objects.values_list("category", flat=True)) == {
        "identity",
        "address",
        "contact",
        "financial",
    }
    assert not Letter.objects.exists()  # nobody is told before the file has left
    with pytest.raises(BatchRefused, match="released already"):
        placements.release(batch, digest=digest, actor=people[placements.MANAGER], at=AT)

    batches.sent(file, "delivered", AT)
    assert [row.case.state for row in batches.lines_of(batch)] == ["sent", "sent", "excluded"]
    assert Letter.objects.filter(template="placement_n6").values("case").distinct().count() == 2


def test_what_stops_an_account_between_building_and_release_takes_it_out(people):
    batch = placements.built(people, portfolio.row(0), portfolio.row(1))
    case = placements.case_of(batch)
    holds.enter(case.pk, "dispute", actor=people[placements.ANALYST], at=AT, source="customer")
    file = placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    assert (state(case), file.row_count) == ("excluded", 1)
    assert Placement.objects.get(pk=case.pk).stopped_by == ["hold_dispute"]


def test_an_account_is_in_one_open_placement_at_a_time(people):
    first = placements.built(people, portfolio.row(0))
    placements.release(first, digest=first.digest, actor=people[placements.MANAGER], at=AT)
    batch, (again,) = placements.build(
        [portfolio.row(0)["account"]], agency_code=placements.CODE, actor=people[placements.ANALYST], at=AT
    )
    assert (again.state, Placement.objects.get(pk=again.pk).stopped_by) == ("excluded", ["placed_already"])
    assert PlacementBatch.objects.count() == 2


@pytest.mark.parametrize(("end", "stopped"), [("rejected", ""), ("rejected", "complaint"), ("excluded", "")])
def test_a_placement_that_was_opened_again_goes_with_the_next_batch_of_its_account_or_is_excluded(people, end, stopped):
    case = placements.reopened(getattr(placements, end)(people), people)
    row = Placement.objects.select_related("account").get(pk=case.pk)
    assert (case.state, row.batch, row.file_uid) == ("selected", None, None)
    number, analyst = placements.number_of(row), people[placements.ANALYST]
    flags = f"{stopped}:2026-11-14" if stopped else ""
    told_now = portfolio.row(0, account=number, as_of="2026-11-15", balance_pence="4900", flags=flags)
    placements.accounts(people, told_now, at=AT + timedelta(days=1))
    batch, cases = placements.build([number], agency_code=placements.CODE, actor=analyst, at=AT + timedelta(days=1))
    row.refresh_from_db()
    if stopped:
        assert (state(case), row.stopped_by) == ("excluded", ["complaint"])
        return
    assert ([each.pk for each in cases], state(case), row.batch, row.balance_pence) == (
        [case.pk],
        "in_batch",
        batch,
        4900,
    )
    file = placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT + timedelta(days=1))
    row.refresh_from_db()
    assert (state(case), row.file_uid, file.row_count) == ("released", file.uid, 1)


def test_a_hold_is_passed_on_at_once_without_its_kind_and_its_end_by_night(people):
    case = placements.active(people)
    hold = holds.enter(case.pk, "vulnerable", actor=people[placements.ANALYST], at=AT, source="customer")
    assert told("dca_hold") == [{"reference": case.reference}]
    placements.said(case, "placement.reported", code="call", at=AT + timedelta(hours=1))
    assert Task.objects.filter(kind="placement_complaint", case=case).count() == 1

    transitions.apply(
        case.pk, "release_hold", actor=people[placements.ANALYST], at=AT, reason="Over.", inputs={"hold": hold.pk}
    )
    sweeps.end_due_clocks(now=AT + timedelta(days=1, hours=16))
    assert told("dca_release") == [{"reference": case.reference}]
    assert Clock.objects.filter(case=case, rule="placement_gate", state="running").count() == 1


def test_a_recall_is_confirmed_or_rung_about(people):
    case = placements.recall_requested(people)
    assert told("dca_recall") == [{"reference": case.reference, "reason": "recalled"}]
    sweeps.end_due_clocks(now=AT + timedelta(days=4))
    assert Task.objects.filter(kind="placement_recall_late", case=case, closed_at=None).count() == 1
    placements.said(case, "placement.ceased")
    assert state(case) == "recalled"
    assert not Task.objects.filter(kind="placement_recall_late", closed_at=None).exists()
    assert Letter.objects.filter(template="placement_n8", case=case).count() == 1


def test_payments_add_up_and_a_settlement_below_authority_waits_for_a_manager(people):
    case = placements.active(people)
    part = {"amount_pence": 1000, "commission_pence": 180, "vat_pence": 36}
    placements.said(case, "placement.remitted", **part)
    assert state(case) == "active"
    placements.said(case, "placement.remitted", amount_pence=2000, is_settlement=True)
    assert (state(case), case.approvals.filter(closed_at=None, mode="before").count()) == ("active", 1)
    placements.said(case, "placement.remitted", amount_pence=4000, commission_pence=720, vat_pence=144)
    row = Placement.objects.get(pk=case.pk)
    assert (state(case), row.collected_pence, row.commission_pence, row.vat_pence) == ("paid", 5000, 900, 180)


def test_what_a_person_has_looked_at_and_closed_is_asked_for_again_only_when_something_is_new(people):
    case = placements.active(people)
    account = case.placement.account
    open_ones = Task.objects.filter(case=case, kind="placement_stopped_at_agency", closed_at=None)

    def night(day: int, *flags: str) -> int:
        at = AT + timedelta(days=day)
        with ledger.action(account.uid, "test.told", actor="tests", at=at):
            for known in account.flags.filter(ended_date=None).exclude(code__in=flags):
                known.ended_date = at.date()
                known.save()
            for code in set(flags) - set(account.flags.filter(ended_date=None).values_list("code", flat=True)):
                AccountFlag.objects.create(account=account, code=code, source="tests", began_date=at.date())
        looking.look(Case.objects.get(pk=case.pk), at=at)
        return open_ones.count()

    def seen(day: int) -> None:
        at = AT + timedelta(days=day)
        edits.close_task(
            case.pk, open_ones.get().pk, actor=people[placements.MANAGER], at=at, reason="The agency keeps it."
        )

    assert night(1, "promise") == 1
    seen(1)
    assert [night(2, "promise"), night(3, "promise")] == [0, 0]
    assert night(4, "promise", "payment_arrangement") == 1
    seen(4)
    assert [night(5, "promise", "payment_arrangement"), night(6, "promise")] == [0, 0]
    assert night(7, "promise", "payment_arrangement") == 1  # it had ceased, and is back


def test_a_batch_of_many_is_built_and_released_part_by_part_and_a_late_hold_changes_one_file(people, monkeypatch):
    for name, size in (("batch_part", 2), ("batch_file", 3)):
        monkeypatch.setitem(limitation._limits(), name, size)
    rows = [portfolio.row(number) for number in (0, 1, 2, 3, 5, 6, 7)]
    placements.enter()
    numbers = placements.accounts(people, *rows)
    batch = batches.build(numbers, agency_code=placements.CODE, actor=people[placements.ANALYST], at=AT)
    manager = people[placements.MANAGER]
    with nothing_written(), pytest.raises(BatchRefused, match="still being built"):
        batches.release(batch, digest=batches.digest_of(batch), actor=manager, at=AT)
    assert jobrun.work(clock=lambda: AT, seconds=60) == 4
    assert batches.work_of(batch).state == "done"
    batch.refresh_from_db()
    assert placements.by_state(batch) == {"in_batch": (7, sum(int(row["balance_pence"]) for row in rows))}

    batches.release(batch, digest=batch.digest, actor=manager, at=AT)
    assert (batch.digest, BatchFile.objects.filter(kind="dca_place").count()) == (batches.digest_of(batch), 0)
    assert jobrun.work(clock=lambda: AT, seconds=60) == 3
    files = BatchFile.objects.filter(kind="dca_place").order_by("pk")
    assert [file.row_count for file in files] == [3, 3, 1]
    assert sum(file.total_pence for file in files) == sum(int(row["balance_pence"]) for row in rows)
    assert sorted(each["reference"] for each in told("dca_place")) == [
        line.case.reference for line in batches.lines_of(batch)
    ]
    handed = LedgerEvent.objects.get(stream=batch.uid, action="batch.handed_over").content()["detail"]
    assert (handed["accounts"], handed["files"]) == (7, 3)

    case = placements.case_of(batch, 4)  # in the second file
    holds.enter(case.pk, "dispute", actor=people[placements.ANALYST], at=AT, source="customer")
    sweeps.end_due_clocks(now=AT + timedelta(minutes=2))
    sizes = [(file.row_count, file.message.state) for file in files.select_related("message").all()]
    assert sizes == [(3, "pending"), (3, "withdrawn"), (1, "pending"), (2, "pending")]
    assert (state(case), placements.by_state(batch)["released"][0]) == ("excluded", 6)


def test_a_part_of_which_everybody_is_stopped_is_taken_out_and_makes_no_file(people):
    batch = placements.built(people, portfolio.row(0))
    batches.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    case = placements.case_of(batch)
    holds.enter(case.pk, "dispute", actor=people[placements.ANALYST], at=AT, source="customer")
    assert state(case) == "in_batch"

    jobrun.work(clock=lambda: AT, seconds=60)
    assert batches.work_of(batch).state == "done"
    assert (state(case), BatchFile.objects.count(), batches.waiting(batch).count()) == ("excluded", 0, 0)


def test_whoever_lost_the_role_hands_nothing_over(people):
    batch = placements.built(people, portfolio.row(0))
    batches.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    user = User.objects.get(username=placements.MANAGER)
    with ledger.action(user.uid, "tests.removed", actor="tests", at=AT):
        for held in RoleGrant.objects.filter(user=user, revoked_at=None):
            held.revoked_at = AT
            held.save()
    jobrun.work(clock=lambda: AT, seconds=60)
    job = batches.work_of(batch)
    assert (job.failed, BatchFile.objects.count()) == (1, 0)
    assert state(placements.case_of(batch)) == "in_batch"
