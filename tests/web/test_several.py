"""Several cases of the queue at once: the same right, the same check and the same record as on the page of each."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from cases.kernel import edits, transitions
from cases.kernel.models import Case, User
from cases.ledger.models import LedgerEvent
from cases.web import rows
from tests import factories, suspicions
from tests.kernel.snapshots import nothing_written
from tests.web import desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.office()


def post(client, cases, **fields):
    return client.post("/cases/several/", {"case": [rows.pick(each) for each in cases], **fields})


def given(case: Case) -> int:
    return LedgerEvent.objects.filter(stream=case.uid, action="case.assigned").count()


def test_the_queue_offers_a_box_for_each_case_that_one_may_give_and_a_bar_for_them(people):
    case = factories.referred(people)
    page = desk.client_of("a.byrne").get("/cases/").content.decode()
    assert f'name="case" form="several" value="{rows.pick(case)}"' in page
    assert 'action="/cases/several/"' in page
    assert f'<option value="{people["p.nair"].user_id}">P. Nair</option>' in page


def test_who_may_give_nothing_has_neither_boxes_nor_bar(people):
    factories.referred(people)
    page = desk.client_of("j.merriweather").get("/cases/?view=open").content.decode()
    assert 'form="several"' not in page and 'id="several"' not in page


def test_each_case_is_given_with_an_event_of_its_own(people):
    cases = [factories.referred(people) for _ in range(3)]
    answer = post(
        desk.client_of("a.byrne"), cases, act="give", to=str(people["p.nair"].user_id), back="/cases/?view=unassigned"
    )
    assert (answer.status_code, answer["location"]) == (302, "/cases/?view=unassigned")
    for case in cases:
        case.refresh_from_db()
        assert (case.assignee_id, given(case)) == (people["p.nair"].user_id, 1)


def test_what_is_refused_is_listed_and_the_rest_is_done(people):
    """One was taken by a colleague after the page was drawn; one is of a team without this person."""
    free, taken = factories.referred(people), factories.referred(people)
    seen = [rows.pick(free), rows.pick(taken)]
    edits.assign(taken.pk, factories.user("d.osei"), actor=people["d.osei"], at=factories.AT)

    answer = desk.client_of("a.byrne").post(
        "/cases/several/", {"case": seen, "act": "give", "to": str(people["p.nair"].user_id)}
    )

    assert answer.status_code == 409
    page = answer.content.decode()
    assert "1 case given to P. Nair." in page
    assert [(line.reference, line.sentence) for line in answer.context["lines"]] == [
        (taken.reference, "D. Osei has this case now.")
    ]
    free.refresh_from_db(), taken.refresh_from_db()
    assert (free.assignee_id, taken.assignee_id) == (people["p.nair"].user_id, people["d.osei"].user_id)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"act": "give"}, "Choose to whom the cases go."),
        ({"act": "give", "to": "999999"}, "Choose to whom the cases go."),
        ({"act": "put_aside", "reason": "x"}, "Choose the day on which the cases come back."),
        ({"act": "put_aside", "until": "2026-12-01", "reason": " "}, "Say why the cases are put aside."),
        ({"act": "release", "to": ""}, "Choose to whom the cases go."),
    ],
)
def test_what_lacks_something_does_nothing_and_keeps_what_was_ticked_and_typed(people, fields, sentence):
    case = factories.referred(people)
    client = desk.client_of("a.byrne")
    with nothing_written():
        answer = post(client, [case], **fields)
    page = answer.content.decode()
    assert answer.status_code == 422 and sentence in page
    assert f'value="{rows.pick(case)}" aria-label="{case.reference}" checked' in page
    assert fields.get("until", "") in page


def test_nothing_goes_to_whoever_was_shut_out_since_nor_of_what_was_closed_since(people):
    """Whoever is shut out keeps their seat in the team until they leave."""
    case, over = factories.referred(people), factories.investigating(people)
    picked, client = [rows.pick(case), rows.pick(over)], desk.client_of("a.byrne")
    transitions.apply(over.pk, "close_no_action", actor=people["a.byrne"], at=factories.AT, reason="A mistake.")
    User.objects.filter(pk=people["p.nair"].user_id).update(is_active=False)

    answer = client.post("/cases/several/", {"case": picked, "act": "give", "to": str(people["p.nair"].user_id)})

    assert [line.sentence for line in answer.context["lines"]] == [
        "That person is not in the case's team, or cannot sign in now.",
        "This case is closed.",
    ]
    assert (given(case), given(over)) == (0, 0)


def test_nothing_ticked_is_said(people):
    client = desk.client_of("a.byrne")
    with nothing_written():
        answer = client.post("/cases/several/", {"act": "give", "to": "nobody"})
    assert answer.status_code == 422 and b"Tick the cases that are meant." in answer.content


def test_cases_are_put_aside_until_the_morning_of_a_day_with_the_reason(people):
    cases = [factories.referred(people) for _ in range(2)]
    day = timezone.now().date() + timedelta(days=9)
    answer = post(desk.client_of("a.byrne"), cases, act="put_aside", until=day.isoformat(), reason="The shop answers.")
    assert answer.status_code == 302
    for case in cases:
        case.refresh_from_db()
        assert case.snoozed_until is not None and case.snoozed_until.date() == day
        assert LedgerEvent.objects.filter(stream=case.uid, action="case.snoozed").count() == 1


def test_who_may_not_gives_nothing_and_a_hidden_case_is_like_none(people):
    """Somebody of another family, and the case of a compartment beside an address that names nothing."""
    case, hidden = factories.referred(people), suspicions.referred(people)
    collector = desk.client_of("c.adebayo")
    analyst = desk.client_of("a.byrne")
    with nothing_written():
        refused = post(collector, [case], act="give", to="nobody")
    assert refused.status_code == 409 and case.reference not in refused.content.decode()
    pages = []
    for uid in (hidden.uid, uuid.uuid4()):
        with nothing_written():
            answer = analyst.post("/cases/several/", {"case": f"{uid}~", "act": "give", "to": "nobody"})
        pages.append((answer.status_code, [line.sentence for line in answer.context["lines"]], len(answer.content)))
        assert str(uid) not in answer.content.decode()
    assert pages[0] == pages[1]


def test_a_back_that_leads_elsewhere_leads_to_the_queue(people):
    case = factories.referred(people)
    answer = post(desk.client_of("a.byrne"), [case], act="give", to="nobody", back="//evil.example.org/")
    assert answer["location"] == "/cases/"
