"""The search page: nothing typed reaches an address, every state says what it is, and few statements do it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.kernel import edits, transitions
from cases.kernel.finding import search
from cases.kernel.models import Case
from cases.kernel.office import shutout
from cases.ledger.models import AccessEvent
from tests import factories, suspicions
from tests.kernel.snapshots import undone
from tests.web import desk

pytestmark = pytest.mark.django_db


def searches(username):
    return AccessEvent.objects.filter(actor=f"staff:{factories.user(username).pk}", verb="search")


def test_what_is_typed_is_posted_and_stays_out_of_addresses_and_of_the_session_in_clear(people):
    case = factories.referred(people)
    client = desk.client_of("a.byrne")
    answer = client.post("/search/", {"q": "Tregaskis"})
    page = client.get(answer.url)

    assert answer.status_code == 302 and "regaskis" not in answer.url
    assert [hit["row"].case for hit in page.context["hits"]] == [case]
    assert "Name: exact" in page.content.decode() and "no-store" in page["Cache-Control"]
    kept = [each.get_decoded() for each in Session.objects.all()]
    assert any("searches" in each for each in kept) and "regaskis" not in str(kept)
    assert client.get("/search/?q=Tregaskis").context["typed"] == ""


def test_what_was_typed_goes_with_its_session_though_the_browser_was_closed(people):
    factories.referred(people)
    client, other = desk.client_of("a.byrne"), desk.client_of("d.osei")
    client.post("/search/", {"q": "Tregaskis"})
    now = timezone.now()
    ended, live = client.session.session_key, other.session.session_key
    for key in (ended, live, "being-begun"):
        began = now - timedelta(hours=0 if key == "being-begun" else 13)
        UserSession.objects.create(
            user=factories.user("a.byrne"), session_key=key, ip="192.0.2.1", user_agent="Browser", created_at=began
        )
    Session.objects.filter(session_key=ended).update(expire_date=now - timedelta(seconds=1))

    assert shutout.forget_sessions(now=now) == 1

    assert list(Session.objects.values_list("session_key", flat=True)) == [live]
    assert set(UserSession.objects.values_list("session_key", flat=True)) == {live, "being-begun"}
    assert other.get("/search/").status_code == 200


def test_a_number_of_one_case_leads_straight_there(people):
    case = factories.referred(people)
    client = desk.client_of("a.byrne")
    for typed in ("07700 900123", "NM-4471", case.reference):
        assert client.get(client.post("/search/", {"q": typed}).url).url == f"/cases/{case.uid}/"
    assert searches("a.byrne").count() == 3


def test_the_page_masks_what_it_found(people):
    factories.referred(people)
    client = desk.client_of("a.byrne")
    page = client.get(client.post("/search/", {"q": "LS1"}).url).content.decode()
    assert "Postcode area: exact" in page and "Person 1, " in page
    assert not [value for value in ("Morwenna", "Tregaskis", "Fiction", "0ZZ", "203.0") if value in page]


@pytest.mark.parametrize(("typed", "status"), [("", 422), ("a", 422), ("tre\0gaskis", 302), ("x" * 500, 302)])
def test_odd_searches_get_their_answer(people, typed, status):
    answer = desk.client_of("a.byrne").post("/search/", {"q": typed})
    assert answer.status_code == status
    if status == 422:
        assert "at least two letters of a name" in answer.content.decode()
        assert answer.context["typed"] == typed and not searches("a.byrne").exists()


def test_an_auditor_says_why_first_and_keeps_what_was_typed(people):
    case = factories.referred(people)
    client = desk.client_of("b.lacombe")
    refused = client.post("/search/", {"q": "tregaskis"})
    assert (refused.status_code, refused.context["typed"]) == (422, "tregaskis")
    assert "Say why you search." in refused.content.decode() and not searches("b.lacombe").exists()

    page = client.get(client.post("/search/", {"q": "tregaskis", "purpose": "complaint"}).url)
    assert [hit["row"].case for hit in page.context["hits"]] == [case]
    assert searches("b.lacombe").get().purpose == "complaint"


def test_a_search_is_its_owners_and_ends(people):
    factories.referred(people)
    client, other = desk.client_of("a.byrne"), desk.client_of("d.osei")
    mine = client.post("/search/", {"q": "tregaskis"}).url
    for each in (other.get(mine), client.get(f"/search/{uuid4()}/")):
        assert (each.status_code, each.url) == (302, "/search/")
    for _ in range(5):
        client.post("/search/", {"q": "another"})
    assert client.get(mine).url == "/search/"


def test_filters_narrow_what_was_found(people):
    closed, case = factories.filed(people), factories.referred(people)
    client = desk.client_of("a.byrne")
    url = client.post("/search/", {"q": "tregaskis"}).url

    def shown(query):
        return {hit["row"].case.reference for hit in client.get(url + query).context["hits"]}

    assert shown("") == shown("?kind=fraud_referral") == shown("?kind=nonsense") == {closed.reference, case.reference}
    assert shown("?standing=open") == shown("")
    page = client.get(f"{url}?standing=closed")
    assert "No case matches within these filters" in page.content.decode()


def test_nothing_found_says_so(people):
    client = desk.client_of("k.mistry")
    factories.referred(people)
    page = client.get(client.post("/search/", {"q": "tregaskis"}).url)
    assert "Nothing you may see matches" in page.content.decode() and page.status_code == 200


def test_a_slow_search_is_said_in_a_sentence(people, monkeypatch):
    def slow(*_args, **_more):
        raise search.SearchTooSlow

    monkeypatch.setattr(search, "find", slow)
    client = desk.client_of("a.byrne")
    page = client.get(client.post("/search/", {"q": "tregaskis"}).url)
    assert page.status_code == 422 and "This search takes too long." in page.content.decode()
    assert page.context["typed"] == "tregaskis"


def test_administrators_have_no_search_box(people):
    client = desk.client_of("o.thackray")
    assert 'role="search"' not in client.get("/preferences/").content.decode()
    assert client.post("/search/", {"q": "tregaskis"}).status_code == 403


@pytest.mark.parametrize("count", [1, 3])
def test_results_take_seven_statements(people, count):
    for _ in range(count):
        factories.referred(people)
    client = desk.client_of("a.byrne")
    url = client.post("/search/", {"q": "tregaskis"}).url
    with CaptureQueriesContext(connection) as captured:
        assert len(client.get(url).context["hits"]) == count
    kept = [query["sql"][:90] for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]]
    assert len(kept) == 7, kept  # session, person, roles; the time limit, tokens, cases and access row of search


FORM = {"people-TOTAL_FORMS": "1", "people-INITIAL_FORMS": "0", "look": "1", "narrative": "Typed so far."}


def test_a_new_case_is_compared_with_what_is_there_and_loses_nothing(people):
    case = factories.referred(people)
    typed = FORM | {"account_reference": "nm 4471", "people-0-phone": "07700900123", "people-0-surname": "Nobody"}
    page = desk.client_of("a.byrne").post("/cases/new/fraud_referral/", typed)
    text = page.content.decode()

    assert page.status_code == 200 and [hit["row"].case for hit in page.context["similar"]] == [case]
    assert "Person 2, " in text and "Telephone: exact" in text and "Typed so far." in text and "nm 4471" in text
    assert searches("a.byrne").count() == 2

    blind = desk.client_of("m.achterberg").post("/cases/new/fraud_referral/", typed)
    assert blind.context["similar"] == [] and case.reference not in blind.content.decode()


def typing(client, **typed):
    """Send what is typed so far as the page does when somebody goes on to the next field."""
    return client.post("/cases/new/fraud_referral/", FORM | {"look": "typing"} | typed)


def test_while_it_is_typed_a_new_case_is_compared_once_for_what_is_typed(people):
    case = factories.referred(people)
    client = desk.client_of("a.byrne")
    empty = typing(client)
    assert empty.status_code == 200 and case.reference not in empty.content.decode()
    assert searches("a.byrne").count() == 0

    found = typing(client, account_reference="NM-4471")

    text = found.content.decode()
    assert [hit["row"].case for hit in found.context["similar"]] == [case]
    assert "Check first: 1 case" in text and "<html" not in text and "data-focus" not in text
    assert searches("a.byrne").count() == 1
    looked = found.context["looked"]
    assert f'name="looked" value="{looked}"' in text and "4471" not in looked
    again = typing(client, account_reference="NM-4471", narrative="Typed on.", looked=looked)
    assert again.status_code == 204 and searches("a.byrne").count() == 1
    more = {"people-0-phone": "07700900123"}
    assert typing(client, account_reference="NM-4471", looked=looked, **more).status_code == 200
    assert Case.objects.count() == 1
    page = client.get("/cases/new/fraud_referral/").content.decode()
    assert 'hx-trigger="change delay:400ms from:[name$=&#x27;reference&#x27;], ' in page


def test_what_is_typed_tells_nothing_of_a_case_that_is_hidden(people):
    client = desk.client_of("a.byrne")
    values = factories.VICTIM["values"]
    typed = {f"people-0-{name}": values[name] for name in ("phone", "forename", "surname")}

    def answer() -> tuple[int, str]:
        with CaptureQueriesContext(connection) as captured, undone():
            found = typing(client, account_reference="NM-4471", **typed)
        return len(captured.captured_queries), found.content.decode()

    without = answer()
    suspicions.referred(people)
    for report in Case.objects.filter(is_restricted=True):
        with edits.change(report.pk, actor=people["h.castellan"], at=factories.AT) as edit:
            edit.add_party({**suspicions.SUBJECT, "values": values, "addresses": factories.VICTIM["addresses"]})
    assert Case.objects.filter(is_restricted=True).exists()
    assert answer() == without


def test_a_new_case_of_an_incident_that_is_there_is_to_be_checked_first(people):
    case = factories.referred(people, incident_reference="DET-70001")
    other = factories.referred(people, incident_reference="DET-70002")
    transitions.apply(case.pk, "take", actor=people["a.byrne"], at=factories.AT)
    transitions.apply(case.pk, "close_no_action", actor=people["a.byrne"], at=factories.AT, reason="No fraud.")
    typed = FORM | {"incident_reference": "DET-70001", "account_reference": "NM-4471"}
    page = desk.client_of("a.byrne").post("/cases/new/fraud_referral/", typed)
    text = page.content.decode()

    found = [(hit["row"].case.pk, bool(hit.get("is_of_incident"))) for hit in page.context["similar"]]
    assert found == [(case.pk, True), (other.pk, False)]
    assert "Check first: 2 cases" in text and text.count("Same incident") == 1
    assert reverse("web:case", args=[case.uid]) in text
    assert searches("a.byrne").count() == 2

    blind = desk.client_of("m.achterberg").post("/cases/new/fraud_referral/", typed)
    assert blind.context["similar"] == [] and case.reference not in blind.content.decode()
    empty = desk.client_of("a.byrne").post("/cases/new/fraud_referral/", FORM | {"incident_reference": "DET-9"})
    assert "Nothing you may see has the same incident" in empty.content.decode()
