"""Domain 5A.10, scenario D-1: dates and figures copied by hand from the design."""

from datetime import UTC, date, datetime

import pytest

from cases.debt import batches, callbacks
from cases.debt.models import Placement
from cases.kernel import calendars, clocks, holds
from cases.kernel.exchange.files import FileRefused
from cases.kernel.models import BatchFile, Case, ReferenceCounter, Task
from cases.kernel.timing import sweeps
from tests import factories, placements
from tests.accounts import portfolio
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
ABERDEEN = portfolio.row(3, jurisdiction="sct", as_of="2026-11-22", oldest_unpaid_date="2021-10-02")


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
    file = batches.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=BUILT)
    assert (file.row_count, file.total_pence) == (1, 31246)
    batches.sent(file, "delivered", BUILT)
    case = placements.said(lines[0].case, "placement.answered", at=BUILT)
    assert case.state == "active"

    # Tue 24 Nov 16:10 the register entry; the notice is here on Wed 25 Nov at 08:05, its start is that day.
    start = datetime(2026, 11, 25, 0, 0, tzinfo=UTC)
    entered = datetime(2026, 11, 24, 16, 10, tzinfo=UTC)
    ends = clocks.plan("k13_breathing_space", started_at=entered, jurisdiction="eaw").due_at
    assert calendars.london_date(ends) == date(2027, 1, 23)
    review = clocks.plan("k14_ask_review", started_at=start, jurisdiction="eaw").due_at
    assert calendars.london_date(review) == date(2026, 12, 14)
    midway = [clocks.plan(rule, started_at=start, jurisdiction="eaw").due_at for rule in MIDWAY]
    assert [calendars.london_date(each) for each in midway] == [date(2026, 12, 19), date(2026, 12, 29)]
    holds.enter(
        case.pk,
        "breathing_space",
        actor=people[placements.ANALYST],
        at=datetime(2026, 11, 25, 8, 6, tzinfo=UTC),
        source="adviser",
        began_at=start,
        ends_at=ends,
    )
    assert told("dca_hold") == [{"reference": case.reference}]

    placements.said(case, "placement.reported", code="call", at=datetime(2026, 11, 27, 10, 0, tzinfo=UTC))
    assert Task.objects.filter(kind="placement_complaint", case=case).count() == 1

    sweeps.end_due_clocks(now=datetime(2027, 1, 23, 22, 0, tzinfo=UTC))
    assert told("dca_release") == []
    sweeps.end_due_clocks(now=datetime(2027, 1, 25, 1, 0, tzinfo=UTC))
    assert told("dca_release") == [{"reference": case.reference}]
    assert Case.objects.get(pk=case.pk).state == "active"
    assert Placement.objects.get(pk=case.pk).balance_pence == 31246


MIDWAY = ("k16_midway_opens", "k16_midway_closes")


def test_a_remittance_is_reconciled_to_the_penny_or_refused_whole():
    people = factories.office()
    case = placements.active(people)
    file = BatchFile.objects.get(kind="dca_place")
    # 18 % of £12.34 is £2.22, and VAT of 20 % on that £0.44.
    good = {"reference": case.reference, "amount_pence": "1234", "commission_pence": "222", "vat_pence": "44"}
    assert callbacks.find_paid(file, [good]) == [case.pk]
    assert callbacks._pay({**good, "net_pence": "968"}).data["net_pence"] == 968
    for row, why in (
        ({**good, "commission_pence": "223"}, "commission_differs"),
        ({**good, "vat_pence": "45"}, "commission_differs"),
        ({**good, "amount_pence": "12.34"}, "amount_malformed"),
        ({**good, "reference": "PLC-2026-999999"}, "account_unknown"),
    ):
        with pytest.raises(FileRefused, match=why):
            callbacks.find_paid(file, [good, row])
    with pytest.raises(FileRefused, match="amounts_do_not_add_up"):
        callbacks._pay({**good, "net_pence": "967"})
