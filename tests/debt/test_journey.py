"""Domain 5A.10, scenario D-1: dates and figures copied by hand from the design."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from cases.accounts.models import Account
from cases.debt import batches, callbacks, gate
from cases.debt.models import Placement
from cases.debt.moratorium import fees, guards
from cases.debt.moratorium.models import FeeReversal, Moratorium
from cases.kernel.exchange import files
from cases.kernel.exchange.files import FileRefused
from cases.kernel.models import BatchFile, Case, Clock, Hold, Letter, OutboxMessage, ReferenceCounter, Task
from cases.kernel.timing import sweeps
from cases.ledger.reads import Reader
from tests import factories, moratoria, placements
from tests.accounts import portfolio
from tests.debt.test_moratorium import answers
from tests.debt.test_placement import told

pytestmark = pytest.mark.django_db
BUILT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CERYS = portfolio.row(
    1,
    account="8002223334",
    jurisdiction="eaw",
    as_of="2026-11-22",
    balance_pence="31246",
    final_bill_date="2026-06-30",
    oldest_unpaid_date="2026-04-30",
    holder_1_forename="Cerys",
    holder_1_surname="Oyelaran-Pugh",
)
COMPLAINT = portfolio.row(2, jurisdiction="eaw", as_of="2026-11-22", flags="complaint:2026-11-02")
# Last payment 2021-10-02, no acknowledgement: the five years of Scotland are over on 2 October 2026.
ABERDEEN = portfolio.row(
    3,
    jurisdiction="sct",
    as_of="2026-11-22",
    oldest_unpaid_date="2021-06-01",
    last_payment_date="2021-10-02",
    last_payment_pence="1500",
    holder_1_town="Aberdeen",
    holder_1_postcode="AB10 1ZZ",
)


def test_d_1_from_the_batch_to_the_day_after_the_moratorium():
    people = factories.office()
    ReferenceCounter.objects.create(prefix="PL", year=2026, last=47)
    batch = placements.built(people, CERYS, COMPLAINT, ABERDEEN, at=BUILT)
    assert (batch.reference, batch.commission_rate) == ("PL-2026-048", 1800)
    lines = batches.lines_of(batch)
    assert [(line.case.state, line.stopped_by) for line in lines] == [
        ("in_batch", []),
        ("excluded", ["complaint"]),
        ("excluded", ["out_of_time"]),
    ]
    prescribed = "Prescribed in Scotland: no payment or acknowledgement for 5 years; it ended on 2 October 2026."
    account = Account.objects.filter(pk=lines[2].account_id).prefetch_related("holders", "flags").get()
    (aberdeen,) = gate.candidates([account], reader=Reader(actor="tests", verb="check", purpose="tests"), at=BUILT)
    assert [each.sentence for each in gate.judge(aberdeen)] == [prescribed]
    file = placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=BUILT)
    assert (file.row_count, file.total_pence) == (1, 31246)
    batches.sent(file, "delivered", BUILT)
    case = placements.said(lines[0].case, "placement.answered", at=BUILT)
    assert case.state == "active"
    assert [each.template for each in Letter.objects.filter(case=case)] == ["placement_n6"]

    # Tue 24 Nov 16:10 the register entry; the notice is here on Wed 25 Nov at 08:05, its start is that day.
    placements.accounts(people, SECOND, at=BUILT)
    received = datetime(2026, 11, 25, 8, 5, tzinfo=UTC)
    moratorium = moratoria.opened(CERYS, person=moratoria.debtor(CERYS), at=received, start_date=date(2026, 11, 25))
    sweeps.end_due_clocks(now=datetime(2026, 11, 25, 8, 6, 10, tzinfo=UTC))
    assert told("dca_hold") == [{"reference": case.reference}]
    assert BatchFile.objects.get(kind="dca_hold").created_at - received < timedelta(minutes=15)
    assert Case.objects.get(pk=moratorium.pk).state == "applied"
    (hold,) = Hold.objects.filter(case=case)
    assert hold.began_at == datetime(2026, 11, 25, 0, 0, tzinfo=UTC)
    ends = dict(Clock.objects.filter(case=moratorium).values_list("rule", "due_date"))
    assert {rule: ends[rule] for rule in ENDS} == ENDS
    assert Moratorium.objects.get(pk=moratorium.pk).last_date == date(2027, 1, 23)
    (answer,) = answers()
    assert answer["debts"] == [{"account": "8002223334", "amount_pence": 31246}]
    assert answer["further"] == [{"account": "8002223342", "amount_pence": 4120}]
    hold_file = BatchFile.objects.get(kind="dca_hold")
    OutboxMessage.objects.filter(pk=hold_file.message_id).update(state="acknowledged")
    files.tell(hold_file, "answered", at=datetime(2026, 11, 25, 8, 20, tzinfo=UTC))
    met = Clock.objects.get(case=moratorium, rule="k17_hold_message")
    assert (met.state, met.ended_at) == ("met", datetime(2026, 11, 25, 8, 20, tzinfo=UTC))

    # The late fee of £12.00 that billing posts on 26 Nov is taken back by itself.
    late_fee = {**CERYS, "as_of": "2026-11-26", "fees_pence": "1200", "balance_pence": "32446"}
    placements.accounts(people, late_fee, at=datetime(2026, 11, 26, 20, 0, tzinfo=UTC))
    assert list(FeeReversal.objects.values_list("posted_date", "amount_pence")) == [(date(2026, 11, 26), 1200)]
    account = placements.account_of("8002223334")
    assert (account.balance_pence, fees.owed([account])) == (32446, {account.pk: 31246})

    assert told("dca_update") == []  # the agency hears of no fee
    assert [each.template for each in Letter.objects.filter(case=moratorium)] == ["moratorium_n9"]

    # Billing takes it back; what is owed stays £312.46, and the agency has nothing to be told.
    taken_back = {**CERYS, "as_of": "2026-11-28"}
    placements.accounts(people, taken_back, at=datetime(2026, 11, 28, 20, 0, tzinfo=UTC))
    assert FeeReversal.objects.get().confirmed_date == date(2026, 11, 28)
    account = placements.account_of("8002223334")
    assert (account.balance_pence, fees.owed([account])) == (31246, {account.pk: 31246})
    assert told("dca_update") == []

    placements.said(case, "placement.reported", code="call", at=datetime(2026, 11, 27, 10, 0, tzinfo=UTC))
    assert [each.detail for each in Task.objects.filter(kind="placement_complaint", case=case)] == [{"code": "call"}]
    moratorium_case = Case.objects.get(pk=moratorium.pk)
    for day, is_open in ((14, True), (15, False)):  # to Mon 14 Dec a review may be asked for
        at = datetime(2026, 12, day, 12, 0, tzinfo=UTC)
        context = SimpleNamespace(case=moratorium_case, at=at)
        assert (guards.is_within_review(context) is None) == is_open

    sweeps.end_due_clocks(now=datetime(2027, 1, 23, 23, 59, tzinfo=UTC))
    assert (told("dca_release"), Case.objects.get(pk=moratorium.pk).state) == ([], "applied")
    sweeps.end_due_clocks(now=datetime(2027, 1, 24, 0, 1, tzinfo=UTC))
    assert told("dca_release") == [{"reference": case.reference}]
    assert Case.objects.get(pk=moratorium.pk).state == "ended"
    assert Case.objects.get(pk=case.pk).state == "active"
    assert Placement.objects.get(pk=case.pk).balance_pence == 31246


ENDS = {
    "k13_breathing_space": date(2027, 1, 23),
    "k14_ask_review": date(2026, 12, 14),
    "k16_midway_opens": date(2026, 12, 19),
    "k16_midway_closes": date(2026, 12, 29),
}
SECOND = portfolio.row(
    5,
    **{name: CERYS[name] for name in CERYS if name.startswith("holder_1")},
    account="8002223342",
    product="broadband",
    jurisdiction="eaw",
    as_of="2026-11-22",
    balance_pence="4120",
)


def test_a_remittance_is_reconciled_to_the_penny_or_refused_whole():
    people = factories.office()
    case = placements.active(people)
    file = BatchFile.objects.get(kind="dca_place")
    # 18 % of £12.34 is £2.22, and VAT of 20 % on that £0.44.
    good = {"reference": case.reference, "amount_pence": "1234", "commission_pence": "222", "vat_pence": "44"}
    good["net_pence"] = "968"
    assert callbacks.find_paid(file, [good]) == [case.pk]
    assert callbacks._pay(good).data["net_pence"] == 968
    for row, why in (
        ({**good, "commission_pence": "223", "net_pence": "967"}, "commission_differs"),
        ({**good, "vat_pence": "45", "net_pence": "967"}, "commission_differs"),
        ({**good, "net_pence": "967"}, "amounts_do_not_add_up"),
        ({**good, "amount_pence": "12.34"}, "amount_malformed"),
        ({**good, "reference": "PLC-2026-999999"}, "account_unknown"),
    ):
        with pytest.raises(FileRefused, match=why):
            callbacks.find_paid(file, [good, row])
