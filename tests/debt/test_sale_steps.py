"""A sale from the tape without names to completion: who does what with whom, and what may not have changed."""

import csv
import hashlib
import io
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.accounts import storing
from cases.debt.sale import bids, erasing, looking, prices, report, tapes
from cases.debt.sale.models import DebtSaleAccount, SaleTape
from cases.kernel import holds, outbox, record, verdicts
from cases.kernel.exchange import batchformat, files
from cases.kernel.models import BatchFile, Case, Letter, OutboxMessage, Release, ReleasedItem
from cases.kernel.restricted import quietholds
from cases.kernel.timing import sweeps
from cases.kernel.transitions import TransitionRefused
from cases.ledger import api as ledger
from cases.ledger.models import DataKey, LedgerEvent
from cases.ledger.reads import Reader
from cases.ledger.verify import verify_stream
from tests import factories, placements, sales
from tests.accounts import portfolio
from tests.debt.test_placement import told
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.sales import LATER
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
READER = Reader(actor="tests", verb="read", purpose="tests")


def pool(people, *rows) -> Case:
    sales.enter()
    sales.take_in(people, *rows)
    case = sales.looked(sales.pool_of(people), people)
    return sales.moved(case, "run_exclusions", people[sales.MANAGER])


def refused(case: Case, name: str, by, why: str, *, at=AT, **inputs) -> None:
    with nothing_written(counted=1), pytest.raises(TransitionRefused, match=why):
        sales.moved(case, name, by, at=at, **inputs)


def test_bidders_see_a_tape_without_names_once_the_data_protection_officer_agrees(people):
    case = pool(
        people, portfolio.row(1, balance_pence="64000"), portfolio.row(10), portfolio.row(3, flags="iva:2026-02-10")
    )
    manager = people[sales.MANAGER]
    refused(case, "publish", manager, "tape was not made", bidders=[sales.BUYER])
    case = sales.taped(case, people)
    refused(case, "publish", manager, "Choose the buyers", bidders=["sandbox-bank"])
    case = sales.moved(case, "publish", manager, bidders=[sales.BUYER])
    page = client_of(sales.PROTECTION).get(f"/cases/{case.uid}/").text
    assert ("Drama Purchase" in page, sales.BUYER in page) == (True, False)
    assert (case.state, told("bid_tape")) == ("exclusions_run", [])
    case = sales.agreed_to(case, people, sales.PROTECTION)
    assert case.state == "bidding"
    (first, second) = told("bid_tape")
    lines = {row.number: row for row in DebtSaleAccount.objects.filter(sale=case.pk)}
    assert first == {
        "line": lines[1].uid.hex,
        "district": "SA1",
        "jurisdiction": "eaw",
        "product": "broadband",
        "owed_band": "500-750",
        "fees_band": "0",
        "closed_month": "2025-11",
        "unpaid_since_month": "2025-09",
        "last_payment_month": "",
        "default_month": "2026-02",
        "holders": "1",
        "has_birth": "yes",
        "has_phone": "yes",
        "has_email": "yes",
        "was_placed": "no",
    }
    assert (second["holders"], second["owed_band"]) == ("2", "50-100")
    release = Release.objects.get(case=case, message_kind="bid_tape")
    assert set(release.items.values_list("category", "subject_count")) == {
        ("financial", 3),
        ("address", 3),
        ("contact", 3),
    }
    page = client_of(sales.PROTECTION).get(f"/debt/sales/{case.uid}/tapes/").text
    assert "500-750" in page
    assert all(text not in page for text in ("8000000001", "SA1 0ZZ", "Example Terrace", "holder1@"))


def test_thirty_days_later_the_bid_tape_is_erased_with_every_message_that_took_it(people):
    case = sales.taped(sales.with_bid_tape(people), people)  # the first was withdrawn
    case = sales.moved(case, "publish", people[sales.MANAGER], bidders=[sales.BUYER])
    case = sales.agreed_to(case, people, sales.PROTECTION)
    message = OutboxMessage.objects.get(case=case, kind="bid_tape")
    OutboxMessage.objects.filter(pk=message.pk).update(state="sending", lease=uuid4())
    assert erasing.erase_due(AT + timedelta(days=30)) == 0
    assert erasing.erase_due(AT + timedelta(days=31)) == 1  # the withdrawn one: the other is just being sent
    assert outbox.open_body(message, reader=READER, at=AT)
    OutboxMessage.objects.filter(pk=message.pk).update(state="delivered", lease=None, attempts=1)

    hold = holds.enter(case.pk, "legal", actor=people[sales.MANAGER], at=AT, source="court", reason="Notice of claim.")
    with nothing_written():
        assert erasing.erase_due(AT + timedelta(days=31)) == 0
    with record.act(case, "tests.lift", actor=people[sales.MANAGER], at=AT):
        hold.released_at = AT
        hold.save(update_fields=["released_at"])
    assert erasing.erase_due(AT + timedelta(days=31)) == 1

    tape, message = SaleTape.objects.get(sale=case.pk, is_withdrawn=False), OutboxMessage.objects.get(pk=message.pk)
    assert (tape.parts.count(), tape.row_count, bool(tape.sha256)) == (0, 1, True)
    file = BatchFile.objects.select_related("key").get(message=message)
    assert (DataKey.objects.get(pk=tape.key_id).wrapped, file.key.wrapped, file.key_id) == (None, None, message.key_id)
    assert (outbox.open_body(message, reader=READER, at=AT), message.state) == (None, "delivered")
    assert message.body_sha256 == file.sha256
    event = LedgerEvent.objects.filter(stream=case.uid, action="debt_sale.tape_erased").latest("seq")
    assert event.content()["detail"] == {"tape": 2, "messages": [str(message.public_id)]}
    with nothing_written():
        assert erasing.erase_due(AT + timedelta(days=32)) == 0
    assert client_of(sales.MANAGER).get(f"/debt/sales/{case.uid}/tapes/").status_code == 200


def test_an_offer_that_still_waits_when_the_tape_is_erased_is_taken_back(people):
    case = sales.bidding(people)
    erasing.erase_due(AT + timedelta(days=31))
    message = OutboxMessage.objects.get(case=case, kind="bid_tape")
    assert (message.state, message.sealed_body) == ("withdrawn", None)


def test_a_line_that_would_show_who_it_is_about_stops_the_tape(people):
    case = pool(people, portfolio.row(1, holder_1_town="SA1"))
    case = sales.taped(case, people)
    assert SaleTape.objects.get(sale=case.pk).made_at is None
    refused(case, "publish", people[sales.MANAGER], "not finished", bidders=[sales.BUYER])


def test_only_who_was_given_the_tape_bids_and_a_buyer_is_looked_at_before_it_is_preferred(people):
    case = sales.with_bid_tape(people)
    manager = people[sales.MANAGER]
    with pytest.raises(bids.BidRefused, match="out for bids"):
        bids.note(case, sales.BUYER, 950, AT.date(), actor=manager, at=AT)
    case = sales.agreed_to(sales.moved(case, "publish", manager, bidders=[sales.BUYER]), people, sales.PROTECTION)
    placements.enter()
    for agency, rate, day, why in (
        (placements.CODE, 950, AT.date(), "given the bid tape"),
        (sales.BUYER, 0, AT.date(), "how many pence"),
        (sales.BUYER, 950, AT.date() + timedelta(days=1), "after today"),
    ):
        with nothing_written(), pytest.raises(bids.BidRefused, match=why):
            bids.note(case, agency, rate, day, actor=manager, at=AT)
    bids.note(case, sales.BUYER, 950, AT.date(), actor=manager, at=AT)
    refused(case, "prefer", manager, "Choose the bid", bid="2", **sales.SHOWN)
    refused(case, "prefer", manager, "on no list of sanctions", bid="1", **{**sales.SHOWN, "is_not_sanctioned": False})
    refused(case, "prefer", manager, "hold any more", bid="1", **{**sales.SHOWN, "diligence_until": date(2026, 1, 1)})
    # No credit of this pool is regulated: no permission is asked for.
    case = sales.moved(case, "prefer", manager, bid="1", **{**sales.SHOWN, "has_permission": False})
    assert (case.debt_sale.price_rate, case.debt_sale.purchaser.code) == (950, sales.BUYER)
    counsel = people[sales.COUNSEL]
    refused(case, "sign", counsel, "follows the agreement", **{**sales.SIGNED, "cut_off_date": date(2026, 1, 1)})
    refused(case, "sign", counsel, "hold until the completion", **{**sales.SIGNED, "completion_date": date(2028, 1, 1)})
    refused(case, "sign", counsel, "for how many days", **{**sales.SIGNED, "put_back_days": 0})
    for days in (None, 0, 21):
        refused(case, "sign", counsel, "within how many working days", **{**sales.SIGNED, "pass_on_days": days})
    refused(case, "sign", people[sales.FINANCE], "legal counsel", **sales.SIGNED)


def test_three_people_approve_exactly_this_tape_and_it_is_completed_for_its_price(people):
    case = sales.final_tape(people)
    manager, finance, protection = (people[name] for name in (sales.MANAGER, sales.FINANCE, sales.PROTECTION))
    tape = SaleTape.objects.get(sale=case.pk, kind="final")
    body = tapes.whole(tape, reader=READER, at=AT)
    (line,) = csv.DictReader(io.StringIO(body.decode()))
    row = DebtSaleAccount.objects.get(sale=case.pk)
    assert (line["reference"], line["amount_pence"]) == (f"{case.reference}/1", str(row.balance_pence))
    assert (line["holder_1_surname"], line["holder_1_postcode"]) == ("Oyelaran-Augh", "SA1 0ZZ")
    listed = tapes.manifest(tape, reader=READER, at=AT).decode().splitlines()
    text = body.decode().splitlines(keepends=True)[1]
    assert listed == [
        "lines,1",
        f"total_pence,{row.balance_pence}",
        "line,sha256",
        f"1,{hashlib.sha256(text.encode()).hexdigest()}",
    ]

    case = sales.moved(case, "approve", manager)
    waiting = case.approvals.get(closed_at=None)
    asked = f"£{prices.total(case.debt_sale) / 100:,.2f}"
    assert ("Price in all, as they stand", asked) in report.facts_view(Case.objects.get(pk=case.pk))
    assert asked in client_of(sales.FINANCE).get(f"/cases/{case.uid}/").text
    with nothing_written(counted=1), pytest.raises(TransitionRefused):
        verdicts.decide(waiting.uid, "agreed", actor=manager, at=AT)
    case = sales.agreed_to(case, people, sales.FINANCE)
    assert case.state == "final_tape"
    case = sales.agreed_to(case, people, sales.PROTECTION)
    assert case.state == "approved"

    price = prices.total(case.debt_sale)
    funds = {"funds_pence": price, "funds_date": AT.date()}
    refused(case, "complete", finance, "last look was before", at=LATER, **funds)
    case = sales.looked(case, people, at=LATER)
    refused(case, "complete", finance, "The price is", at=LATER, **{**funds, "funds_pence": price - 1})
    refused(case, "complete", manager, "finance approver", at=LATER, **funds)
    refused(case, "complete", finance, "within the last 24 hours", at=LATER + timedelta(days=2), **funds)
    case = sales.moved(case, "complete", finance, at=LATER, **funds)
    assert case.state == "completed"
    sales.work(at=LATER)
    row.refresh_from_db()
    assert (row.state, row.price_pence) == ("sold", price)
    (given,) = told("final_tape")
    assert given == line
    (deed,) = told("assignment")
    assert (deed["accounts"], deed["owed_pence"], deed["amount_pence"], deed["tape_sha256"]) == (
        "1",
        str(row.balance_pence),
        str(price),
        tape.sha256,
    )
    assert set(ReleasedItem.objects.filter(release__message_kind="final_tape").values_list("category", flat=True)) == {
        *("identity", "address", "date_of_birth", "contact", "financial")
    }
    file = BatchFile.objects.get(kind="final_tape")
    framed = batchformat.read(_whole(file))
    assert (framed.row_count, framed.total_pence) == (1, row.balance_pence)
    assert {each.level for each in verify_stream(case.uid)} <= {"recorded late"}


def _whole(file: BatchFile) -> bytes:
    lines = outbox.open_body(file.message, reader=READER, at=AT)
    return b"".join(files.open_parts(file, lines, reader=READER, at=AT))


def test_a_hold_since_the_last_look_forbids_completion_and_nothing_is_written(people):
    case = sales.ready(people)
    number = sales.newest_number()
    secret = factories.referred(people)
    with ledger.action(secret.uid, "test.held", actor="staff:1", at=LATER):
        quietholds.place(secret, [quietholds.account_token(number)], blocks=["sell"], at=LATER)
    with nothing_written(counted=1), pytest.raises(looking.LookRefused, match="Look at them again"):
        sales.moved(case, "complete", people[sales.FINANCE], at=LATER, **sales.paid(case))
    assert OutboxMessage.objects.filter(kind="final_tape").count() == 0


def test_what_changes_after_the_tape_forbids_completion_until_it_is_built_and_approved_again(people):
    case = sales.approved(people)
    row = DebtSaleAccount.objects.get(sale=case.pk)
    pence = row.balance_pence
    less = {"balance_pence": str(pence - 1800), "default_pence": str(pence)}
    sales.take_in(people, portfolio.row(0, account=sales.newest_number(), as_of="2026-03-02", **less))
    case = sales.looked(case, people, at=LATER)
    funds = {"funds_pence": prices.total(case.debt_sale), "funds_date": AT.date()}
    refused(case, "complete", people[sales.FINANCE], "changed since the tape", at=LATER, **funds)
    case = sales.moved(case, "rebuild", people[sales.MANAGER], at=LATER)
    assert case.state == "cut_off"
    refused(case, "build_tape", people[sales.MANAGER], "not made yet", at=LATER)
    case = sales.taped(case, people, at=LATER)
    case = sales.moved(case, "build_tape", people[sales.MANAGER], at=LATER)
    tape = SaleTape.objects.get(sale=case.pk, kind="final", is_withdrawn=False)
    assert tape.total_pence == pence - 1800
    refused(case, "complete", people[sales.FINANCE], "not open", at=LATER, **funds)


def sale_of(people, account):
    """A sale of one account at the cut-off, whose agreement was signed."""
    sales.enter()
    pence = {"balance_from": account.balance_pence, "balance_to": account.balance_pence}
    case = sales.looked(sales.pool_of(people, **pence), people)
    case = sales.moved(case, "run_exclusions", people[sales.MANAGER])
    case = sales.taped(case, people)
    case = sales.agreed_to(
        sales.moved(case, "publish", people[sales.MANAGER], bidders=[sales.BUYER]), people, sales.PROTECTION
    )
    bids.note(case, sales.BUYER, 950, AT.date(), actor=people[sales.MANAGER], at=AT)
    case = sales.moved(case, "prefer", people[sales.MANAGER], bid="1", **sales.SHOWN)
    case = sales.agreed_to(sales.moved(case, "sign", people[sales.COUNSEL], **sales.SIGNED), people, sales.FINANCE)
    return sales.moved(case, "cut_off", people[sales.MANAGER])


@pytest.mark.parametrize(
    ("story", "stopped"),
    [("preferred", []), ("agreed", ["in_sale"]), ("cut_off", ["in_sale"]), ("approved", ["in_sale"])],
)
def test_an_account_that_is_promised_to_a_buyer_is_handed_to_no_agency(people, story, stopped):
    getattr(sales, story)(people)
    placements.enter()
    number, analyst = sales.newest_number(), people[placements.ANALYST]
    _, (placed,) = placements.build([number], agency_code=placements.CODE, actor=analyst, at=AT)
    assert (placed.state, placed.placement.stopped_by) == ("excluded" if stopped else "in_batch", stopped)


def test_an_account_whose_file_waits_at_the_cut_off_is_taken_out_of_it_and_the_customer_hears_nothing(people):
    placed = placements.released(people)
    sale_of(people, placed.placement.account)
    sales.work()
    sweeps.end_due_clocks(now=AT + timedelta(minutes=2))
    placed = Case.objects.get(pk=placed.pk)
    assert (placed.state, placed.placement.stopped_by) == ("excluded", ["in_sale"])
    assert set(OutboxMessage.objects.filter(kind="dca_place").values_list("state", flat=True)) == {"withdrawn"}
    assert not Letter.objects.filter(case=placed).exclude(state="withdrawn").exists()


def test_an_account_whose_file_left_at_the_cut_off_is_recalled_when_the_tape_is_built_again(people):
    placed = placements.released(people)
    file = placements.file_of(placed)
    OutboxMessage.objects.filter(pk=file.message_id).update(state="sending", lease=uuid4())
    case = sale_of(people, placed.placement.account)
    sales.work()
    placements.batches.sent(file, "delivered", AT)
    case = sales.moved(sales.taped(case, people), "build_tape", people[sales.MANAGER])
    assert Case.objects.get(pk=placed.pk).state == "sent"
    sales.moved(case, "rebuild", people[sales.MANAGER], at=LATER)
    sales.work(at=LATER)
    assert Case.objects.get(pk=placed.pk).state == "recall_requested"


def test_what_an_agency_has_is_recalled_at_the_cut_off_and_nothing_placed_is_sold(people):
    placed = placements.active(people)
    case = sale_of(people, placed.placement.account)
    sales.work()
    assert Case.objects.get(pk=placed.pk).state == "recall_requested"
    assert told("dca_recall") == [{"reference": placed.reference, "reason": "recalled"}]
    case = sales.moved(sales.taped(case, people), "build_tape", people[sales.MANAGER])
    case = sales.agreed_to(sales.moved(case, "approve", people[sales.MANAGER]), people, sales.FINANCE, sales.PROTECTION)
    case = sales.looked(case, people, at=LATER)
    refused(case, "complete", people[sales.FINANCE], "1 of the accounts stand", at=LATER, **sales.paid(case))
    placements.said(placed, "placement.ceased")
    case = sales.moved(case, "complete", people[sales.FINANCE], at=LATER, **sales.paid(case))
    assert case.state == "completed"


@pytest.mark.parametrize(("many", "statements"), [(1, 12), (3, 12)])
def test_the_page_of_tapes_and_bids_asks_as_much_for_three_as_for_one(people, many, statements):
    case = sales.with_bid_tape(people)
    case = sales.agreed_to(
        sales.moved(case, "publish", people[sales.MANAGER], bidders=[sales.BUYER]), people, sales.PROTECTION
    )
    for _ in range(many):
        bids.note(case, sales.BUYER, 950, AT.date(), actor=people[sales.MANAGER], at=AT)
    client = client_of(sales.MANAGER)
    address = f"/debt/sales/{case.uid}/tapes/"
    client.get(address)
    with CaptureQueriesContext(connection) as seen:
        page = client.get(address)
    assert "9.5p for each £1" in page.text
    assert len(seen) == statements


def test_forms_of_the_page_refuse_in_words_and_keep_what_was_typed(people):
    case = sales.exclusions_run(people)
    sales.enter()
    client, address = client_of(sales.MANAGER), f"/debt/sales/{case.uid}/"
    assert client.post(f"{address}tapes/make/").status_code == 302
    assert client.post(f"{address}tapes/make/").status_code == 422
    sales.work()
    page = client.get(f"{address}tapes/")
    assert "What bidders see" in page.text
    manifest = client.get(f"{address}tapes/1/manifest/")
    assert (manifest.status_code, manifest.content.splitlines()[0]) == (200, b"lines,1")
    assert client.get(f"{address}tapes/2/manifest/").status_code == 404
    answer = client.post(f"{address}bids/", {"agency": sales.BUYER, "rate": "9,5", "received": "2026-11-16"})
    assert (answer.status_code, "Nothing was changed" in answer.text) == (422, True)
    assert client_of(sales.FINANCE).post(f"{address}tapes/make/").status_code == 403
    assert looking.under_way(Case.objects.get(pk=case.pk)) is False


def test_the_tape_of_the_buyer_says_of_which_months_there_are_statements(people):
    row = portfolio.row(0, account="8499990001")
    for day in ("2026-10-05", "2026-10-31", "2026-11-02"):
        sales.take_in(people, {**row, "as_of": day, "balance_pence": day.replace("-", "")[3:]})
    account = storing.find("8499990001").pk
    for until, months in (
        (date(2026, 11, 30), "2026-10 2026-11"),
        (date(2026, 10, 31), "2026-10"),
        (date(2028, 9, 30), "2026-10 2026-11"),
        (date(2028, 10, 1), "2026-11"),
    ):
        assert tapes._statements([account], until=until) == {account: months}
    assert tapes._statements([account], until=None) == {}
