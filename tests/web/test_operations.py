"""The page of operations: counts of what its reader may see, each chart with its numbers beside it."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.cache.backends.locmem import LocMemCache

from cases.kernel import holds, transitions
from cases.kernel.models import OutboxMessage, TeamMembership
from cases.kernel.reading import operations, worklist
from cases.ledger import api as ledger
from cases.web import charts
from cases.web.administration import operations as pages
from tests import factories, suspicions
from tests.web import desk
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db
# A Monday: the fourteenth, on which the cases of the factories come in, was a Saturday.
AT = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)


def test_what_came_and_went_is_counted_by_working_day_of_what_one_may_see(people):
    factories.referred(people)
    over = factories.investigating(people)
    suspicions.referred(people)
    transitions.apply(over.pk, "close_no_action", actor=people["a.byrne"], at=AT, reason="A mistake.")

    days = operations.flow(people["a.byrne"], at=AT)

    assert len(days) == 20 and days[-1] == operations.Day(day=date(2026, 11, 16), opened=2, closed=1)
    assert sum(each.opened + each.closed for each in days[:-1]) == 0
    assert all(each.day.weekday() < 5 for each in days)
    later = operations.flow(people["a.byrne"], at=AT + timedelta(days=2))
    assert [(each.opened, each.closed) for each in later[-3:]] == [(2, 1), (0, 0), (0, 0)]
    assert all(each.opened == 0 for each in operations.flow(people["c.adebayo"], at=AT))


def test_what_is_open_is_counted_by_its_time(people):
    case = factories.referred(people)
    factories.referred(people)
    assert case.due_at is not None

    def found(at):
        (row,) = operations.standing(people["a.byrne"], at=at)
        return row.on_track, row.due_soon, row.overdue, row.timeless, row.total

    assert found(case.due_at - timedelta(days=8)) == (2, 0, 0, 0, 2)
    assert found(case.due_at - timedelta(days=1)) == (0, 2, 0, 0, 2)
    assert found(case.due_at + timedelta(days=1)) == (0, 0, 2, 0, 2)


def test_its_page_is_the_same_with_and_without_a_hidden_case(people):
    factories.referred(people)
    client = desk.client_of("a.byrne")
    before = client.get("/operations/").context
    suspicions.referred(people)
    after = client.get("/operations/").context
    for name in ("figures", "days", "standing", "quiet", "decisions", "jobs"):
        assert before[name] == after[name], name


def test_an_empty_office_says_so_and_figures_lead_into_the_queue(people):
    page = desk.client_of("a.byrne").get("/operations/").content.decode()
    assert "Nothing runs against time" in page and "Nothing waits for you." in page and "Nothing runs." in page
    assert 'href="/cases/?view=overdue"' in page
    assert "In twenty working days 0 cases came in and 0 were closed." in page


@pytest.mark.parametrize("count", [1, 3])
def test_statements(people, count):
    for _ in range(count):
        factories.ready(people)
    found = statements(desk.client_of("d.osei"), "/operations/")
    assert len(found) == 19, shortly(found)


@pytest.fixture
def kept(monkeypatch):
    """A second cache that is there; the suite's own is away."""
    cache = LocMemCache("kept-operations", {})
    cache.clear()
    monkeypatch.setattr("cases.web.kept.caches", {"fast": cache})
    return cache


def test_what_takes_long_is_kept_for_each_person_and_sight_until_it_is_counted_anew(people, kept, monkeypatch):
    factories.referred(people)
    client, other = desk.client_of("a.byrne"), desk.client_of("c.adebayo")
    monkeypatch.setattr("cases.web.asking.now", lambda: AT)

    def found(reader) -> tuple[datetime, int]:
        shown = reader.get("/operations/").context
        return shown["as_of"], sum(each.total for each in shown["standing"])

    assert found(client) == (AT, 1) and found(other) == (AT, 0)
    monkeypatch.setattr("cases.web.asking.now", lambda: AT + timedelta(minutes=2))
    factories.referred(people)
    assert found(client) == (AT, 1)
    assert "charts and agencies as of 12:00" in client.get("/operations/").content.decode()
    answer = client.get("/operations/?anew=yes")
    assert answer["location"] == "/operations/"
    assert found(client) == (AT + timedelta(minutes=2), 2)

    with ledger.action(uuid4(), "tests.left", actor="system:tests", at=AT):
        left = TeamMembership.objects.get(user=people["a.byrne"].user_id, team__code="fraud")
        left.ended_at = AT
        left.save()
    assert found(client)[1] == 0


def test_what_was_open_lately_follows_from_what_came_and_went():
    days = tuple(
        operations.Day(day=AT.date() + timedelta(days=place), opened=opened, closed=closed)
        for place, (opened, closed) in enumerate([(9, 9), (5, 0), (0, 2), (1, 1), (0, 3)])
    )
    row = {
        "kind": "fraud_referral",
        "label": "Fraud referral",
        "on_track": 3,
        "due_soon": 1,
        "overdue": 0,
        "timeless": 0,
    }
    found = operations.Counted(
        at=AT, days=days, standing=(operations.Standing(**row),), traffic={}, lines={"held": (1, 2)}
    )
    kept = replace(found, traffic={7: operations.Traffic(sent=2, acknowledged=1, median=timedelta(minutes=3))})
    assert operations.of_plain(json.loads(json.dumps(operations.as_plain(kept)))) == kept
    assert operations.open_lately(days[-4:], 4) == (9, 7, 7, 4)
    assert pages._lately([9, 7, 7, 4]) == "5 fewer than 3 working days ago"
    assert pages._lately([4, 5, 4]) == "As many as 2 working days ago"
    assert pages._since([0, 2, 3]) == "None of them for 2 working days or more" and pages._since([0, 0, 0]) == ""
    assert pages._ahead([7, 1000, 200]) == "1,200 in the next 2 working days"
    assert charts.spark([9, 7, 7, 4]).startswith("2.0,2.0 ") and charts.spark([0]) == "2.0,26.0"
    lengths = [timedelta(seconds=4), timedelta(seconds=95), timedelta(hours=5), timedelta(days=1), timedelta(days=3)]
    assert [pages._length(each) for each in lengths] == ["4 s", "2 min", "5 h", "1 day", "3 days"]
    assert pages._length(None) == ""
    near = [timedelta(milliseconds=40), timedelta(seconds=59.7)]
    assert [pages._length(each) for each in near] == ["under 1 s", "1 min"]


def test_each_figure_has_its_line_of_what_one_may_see_and_they_end_where_the_queue_counts(people):
    byrne = people["a.byrne"]
    early, late = factories.referred(people), factories.referred(people)
    ready = factories.ready(people)
    holds.enter(early.pk, "dispute", actor=byrne, at=AT, began_at=AT, source="customer", reason="A letter.")
    later = max(early.due_at, late.due_at) + timedelta(days=3)
    days = [each.day for each in operations.flow(byrne, at=later)][-7:]

    found = operations.lines(byrne, days, at=later)

    counted = worklist.counts(byrne, at=later)
    ends = {name: values[-1] for name, values in found.items() if name != "today"}
    assert ends == {name: counted[f"view.{name}"] for name in ends} and len(found["today"]) == 7
    assert found["overdue"][0] == 0 < found["overdue"][-1]
    assert set(operations.lines(people["c.adebayo"], days, at=later)["overdue"]) == {0}
    soon = operations.lines(byrne, days, at=ready.due_at - timedelta(days=2))["today"]
    assert sum(soon) == 3 and soon[0] == 0


def test_half_of_what_an_agency_answered_took_this_long_at_most(people):
    for number in range(3):
        factories.filed(people)
        message = OutboxMessage.objects.latest("pk")
        taken = None if number == 2 else AT - timedelta(hours=2) + timedelta(minutes=10 + 20 * number)
        with ledger.action(message.case.uid, "tests.sent", actor="system:tests", at=AT):
            message.state, message.delivered_at, message.acknowledged_at = "delivered", AT - timedelta(hours=2), taken
            message.save()
    (found,) = operations.traffic(people["a.byrne"], at=AT).values()
    assert found == operations.Traffic(sent=3, acknowledged=2, median=timedelta(minutes=20))


def test_a_chart_stands_within_its_frame_and_no_two_words_on_each_other():
    drawn = charts.lines(["1 Nov", "2 Nov", "3 Nov"], {"Opened": [0, 7, 12], "Closed": [3, 0, 12]})
    assert [mark.text for mark in drawn.rulers] == ["0", "5", "10", "15"]
    ends = [line.end.y for line in drawn.lines]
    assert abs(ends[0] - ends[1]) >= charts.APART and drawn.lines[0].points.startswith(f"{charts.LEFT}.0,206.0 ")
    flat = charts.lines(["1 Nov"], {"Opened": [0]})
    assert flat.lines[0].points == f"{charts.LEFT}.0,206.0"
    (bar, none) = charts.bars([("Fraud", {"on-track": 10, "overdue": 1}), ("None", {"on-track": 0})])
    assert [part.code for part in bar.parts] == ["on-track", "overdue"] and bar.total.text == "11"
    assert none.parts == () and bar.parts[-1].x + bar.parts[-1].width < charts.BARS_WIDTH
    assert charts.bars([]) == []
