"""How many statements a page takes, all told: session, person, roles, the page. At one row and at three."""

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.kernel import actors, edits, outbox
from cases.kernel.exchange import letters
from cases.kernel.linking import links
from cases.kernel.models import User
from cases.kernel.personal import views
from tests import factories
from tests.web import desk

pytestmark = pytest.mark.django_db


def statements(client, path: str) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(path)
    assert response.status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def shortly(found: list[str]) -> str:
    return "\n".join(statement[:100] for statement in found)


@pytest.mark.parametrize("count", [1, 3])
def test_queue(people, count):
    for _ in range(count):
        factories.referred(people)
    found = statements(desk.client_of("a.byrne"), "/cases/")
    assert len(found) == 7, shortly(found)


@pytest.mark.parametrize("count", [1, 3])
def test_my_work(people, count):
    for _ in range(count):
        factories.investigating(people)
    found = statements(desk.client_of("a.byrne"), "/")
    assert len(found) == 7, shortly(found)


@pytest.mark.parametrize("count", [1, 3])
def test_approvals(people, count):
    for _ in range(count):
        factories.ready(people)
    found = statements(desk.client_of("d.osei"), "/approvals/")
    assert len(found) == 5, shortly(found)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("state", "username", "expected"),
    [("referred", "a.byrne", 12), ("investigating", "a.byrne", 12), ("ready", "d.osei", 12), ("filed", "d.osei", 12)],
)
def test_case_page(people, state, username, expected, count):
    case = getattr(factories, state)(people)
    for number in range(count):
        edits.add_note(case.pk, f"Note {number}", actor=people["a.byrne"], at=factories.FILED_AT)
    found = statements(desk.client_of(username), reverse("web:case", args=[case.uid]))
    assert len(found) == expected, shortly(found)


def with_rows(people, count: int):
    """A filed case with so many more documents, messages and events than it came with."""
    case = factories.investigating(people)
    for number in range(count - 1):
        edits.attach(
            case.pk,
            kind="chat",
            file_name=f"chat-{number}.txt",
            media_type="text/plain",
            data=b"Chat.",
            actor=people["a.byrne"],
            at=factories.AT,
        )
    with edits.change(case.pk, actor=people["a.byrne"], at=factories.AT, shapes=False, verb="case.told") as edit:
        for _ in range(count):
            outbox.post(edit.case, outbox.Message(agency_code="sandbox-post", kind="letter", body={}), at=factories.AT)
            letters.request(edit.case, edit.case.parties.get(number=2), template="n11", at=factories.AT)
    for _ in range(count):
        other = factories.referred(people)
        links.make(case.pk, "related", other.reference, actor=people["a.byrne"], at=factories.AT)
    return case


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("documents", {}, 9),
        ("messages", {}, 11),
        ("audit", {}, 11),
        ("older", {}, 8),
        ("assign", {}, 5),
        ("linked", {}, 9),
        ("split", {}, 6),
        ("merge", {}, 7),
        ("detach", {"number": 2}, 8),
        ("edit_facts", {}, 6),
        ("edit_person", {"number": 1}, 6),
        ("add_person", {}, 5),
    ],
)
def test_other_pages_of_a_case(people, name, arguments, expected, count):
    case = with_rows(people, count)
    found = statements(desk.client_of("a.byrne"), reverse(f"web:{name}", kwargs={"uid": case.uid, **arguments}))
    assert len(found) == expected, shortly(found)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("path", "expected"),
    [("/cases/new/", 3), ("/cases/new/fraud_referral/", 3), ("/preferences/", 5), ("/counts/", 4)],
)
def test_pages_of_no_case(people, path, expected, count):
    for _ in range(count):
        factories.referred(people)
    found = statements(desk.client_of("a.byrne"), path)
    assert len(found) == expected, shortly(found)


@pytest.mark.parametrize("count", [1, 3])
def test_the_counts_of_kept_views_are_one_statement(people, count):
    for number in range(count):
        views.keep(f"View {number}", f"sort=amount&view=held&kind={number}", actor=people["a.byrne"], at=factories.AT)
    found = statements(desk.client_of("a.byrne"), "/counts/")
    assert len(found) == 5, shortly(found)
    assert len(statements(desk.client_of("a.byrne"), "/cases/")) == 7


@pytest.fixture
def kept(monkeypatch):
    """A second cache that is there; the suite's own is away, so that every page shows what it costs without."""
    cache = LocMemCache("kept", {})
    cache.clear()
    monkeypatch.setattr("cases.web.kept.caches", {"fast": cache})
    return cache


def shown(client) -> int | None:
    return client.get("/").context["shell"].counts.get("view.open")


def test_counts_are_kept_for_each_person_and_their_sight_alone(people, kept):
    analyst, collector = (
        desk.client_of(next(name for name, each in people.items() if role in each.roles))
        for role in ("fraud_analyst", "collections_analyst")
    )
    factories.referred(people)
    for client in (analyst, collector):
        client.get("/counts/")
    factories.referred(people)

    assert (shown(analyst), shown(collector)) == (1, 0)
    analyst.get("/counts/")
    assert shown(analyst) == 2


def tab(client) -> int | None:
    return next(each.count for each in client.get("/cases/").context["tabs"] if each.is_current)


def test_the_queue_counts_anew_after_what_one_did_oneself_and_otherwise_twice_a_minute(people, kept):
    analyst, other = desk.client_of("a.byrne"), desk.client_of("d.osei")
    case = factories.referred(people)
    assert (tab(analyst), tab(other)) == (1, 1)
    factories.referred(people)

    again = statements(analyst, "/cases/")
    assert not any("AS held" in each for each in again), shortly(again)
    assert (tab(analyst), tab(other)) == (1, 1)
    analyst.post(f"/cases/{case.uid}/notes/", {"text": "Rang back."})
    assert (tab(analyst), tab(other)) == (2, 1)
    assert (tab(analyst), tab(other)) == (2, 1)


def sight_of(actor) -> str:
    return f"{actor.user_id}:{actors.staff(User.objects.get(pk=actor.user_id)).sight}"


def test_counts_of_kept_views_are_counted_with_the_rails_and_kept_for_a_sight_alone(people, kept):
    factories.referred(people)
    views.keep("Free", "view=unassigned", actor=people["a.byrne"], at=factories.AT, is_pinned=True)
    views.keep("Of an agency", "agency=1", actor=people["a.byrne"], at=factories.AT)
    client = desk.client_of("a.byrne")

    def counted() -> list[tuple[int | None, ...]]:
        page = client.get("/cases/").context
        pinned = [tab.count for tab in page["tabs"] if tab.label == "Free"]
        return [tuple(place.waiting for place in page["shell"].views), tuple(pinned)]

    assert counted() == [(None, None), (None,)]
    client.get("/counts/")
    assert counted() == [(1, None), (1,)]
    factories.referred(people)
    client.get("/counts/")
    assert counted() == [(1, None), (1,)]  # for five minutes
    assert [name for name in kept._cache if "views:" in name] == [f":1:views:{sight_of(people['a.byrne'])}"]
    for key in [name for name in kept._cache if "views:" in name]:
        del kept._cache[key], kept._expire_info[key]
    client.get("/counts/")
    assert counted() == [(2, None), (2,)]


def test_my_work_counts_the_kept_views_for_whoever_has_no_script(people, kept):
    factories.referred(people)
    views.keep("Free", "view=unassigned", actor=people["a.byrne"], at=factories.AT)
    client = desk.client_of("a.byrne")
    first, again = statements(client, "/"), statements(client, "/")
    assert len(first) == len(again) + 1, shortly(first)
    for page in ("/", "/cases/"):
        assert [place.waiting for place in client.get(page).context["shell"].views] == [1]
