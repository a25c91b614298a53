"""How recovery agencies do: sums by agency and tier, each from what was handed over within the time that is asked."""

from datetime import UTC, datetime, timedelta

import pytest

from cases.debt import callbacks, performance
from cases.debt.models import Placement
from cases.kernel.models import BatchFile, Channel
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.web import asking
from tests import factories, placements
from tests.factories import AT
from tests.web.desk import client_of
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db
# Handed over on 14 November 2026, looked at in the eighth month after.
LOOKED = datetime(2027, 7, 14, 10, tzinfo=UTC)


def paid(case, pence: int, at: datetime) -> None:
    """Let the agency pass on a part, less 18 % and their tax."""
    said = {"amount_pence": pence, "commission_pence": pence * 18 // 100, "vat_pence": pence * 36 // 1000}
    net = said["amount_pence"] - said["commission_pence"] - said["vat_pence"]
    placements.said(case, "placement.remitted", at=at, **said, net_pence=net)


def history(people) -> None:
    """Five accounts of £50.00 that the agency took and one that it rejected, one handed on to the second tier."""
    first = placements.active(people)
    paid(first, 2000, datetime(2026, 12, 14, 10, tzinfo=UTC))
    paid(first, 1000, datetime(2027, 5, 20, 10, tzinfo=UTC))
    placements.recalled(people)
    late = placements.recall_requested(people)
    callbacks.recall_is_late(late, late.clocks.get(rule="placement_recall"), at=AT + timedelta(days=3))
    placements.returned(people)
    placements.rejected(people)
    placements.said(placements.active(people), "placement.reported", code="complaint")
    placements.excluded(people)


def refused(reason: str) -> None:
    key = sealing.new_key("inbox_file", at=AT, retention_class="message_body")
    BatchFile.objects.create(
        channel=Channel.objects.get(agency__code=placements.CODE),
        direction="in",
        name=f"{reason}.csv.pgp",
        key=key,
        state="refused",
        reason=reason,
        created_at=AT,
        ended_at=AT,
    )


def test_what_each_agency_took_and_what_came_of_it():
    people = factories.office()
    history(people)
    for reason in ("commission_differs", "total_differs", "hash_differs"):
        refused(reason)
    (line,) = performance.of_agencies(months=12, at=LOOKED)
    assert (line.agency, line.tier, line.placed, line.placed_pence) == ("Drama Recoveries", 1, 5, 25000)
    # £20.00 came within three months and within six, £10.00 later; nothing has been there for twelve.
    assert (line.recovered_pence, line.rates) == (3000, (80, 80, None))
    assert (line.recalls, line.confirmed, line.late) == (2, 1, 1)
    assert (line.complaints, line.returned, line.refused_files) == (1, 1, 2)
    assert performance.of_agencies(months=12, at=LOOKED + timedelta(days=200)) == []
    (later,) = performance.of_agencies(months=24, at=LOOKED + timedelta(days=200))
    assert later.rates == (80, 80, 120)


def test_what_was_handed_over_stays_what_it_was_when_less_is_owed_later():
    people = factories.office()
    case = placements.active(people)
    paid(case, 1000, datetime(2026, 12, 14, 10, tzinfo=UTC))
    row = Placement.objects.get(pk=case.pk)
    row.balance_pence = 2000
    with ledger.action(case.uid, "test.credited", actor="system:tests", at=datetime(2026, 12, 20, tzinfo=UTC)):
        row.save()
    (line,) = performance.of_agencies(months=12, at=LOOKED)
    assert (line.placed_pence, line.recovered_pence, line.rates) == (5000, 1000, (200, 200, None))


def test_an_account_of_the_second_tier_is_a_line_of_its_own():
    people = factories.office()
    case = placements.transferred(people)
    number = placements.number_of(Placement.objects.select_related("account__key").get(pk=case.pk))
    batch = placements.build([number], agency_code=placements.CODE, actor=people[placements.ANALYST], at=AT)[0]
    placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    assert [(each.tier, each.placed) for each in performance.of_agencies(months=12, at=LOOKED)] == [(1, 1), (2, 1)]


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_says_it_in_a_table_in_as_many_statements_at_any_size(monkeypatch, count):
    people = factories.office()
    for _ in range(count):
        paid(placements.active(people), 1000, AT)
    monkeypatch.setattr(asking, "now", lambda: LOOKED)
    client = client_of("c.adebayo")
    found = statements(client, "/debt/performance/")
    assert len(found) == 8, shortly(found)
    page = client.get("/debt/performance/?months=24").text
    for words in ("Drama Recoveries", f"£{50 * count}.00", f"£{10 * count}.00", "20.0 %", "Not yet"):
        assert words in page
    assert "/debt/performance/" in client.get("/debt/batches/").text


def test_nobody_else_sees_it():
    factories.office()
    for name in ("a.byrne", "g.whitlock"):
        assert client_of(name).get("/debt/performance/").status_code == 403
    assert client_of("j.merriweather").get("/debt/performance/").status_code == 200
