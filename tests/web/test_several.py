"""Several cases of the queue at once: the same right, the same check and the same record as on the page of each."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from cases.kernel import edits, intake, transitions
from cases.kernel.background import jobrun, jobs, several
from cases.kernel.models import Case, Hold, Job, JobRow, Proposal, User
from cases.kernel.office import proposals
from cases.kernel.outputs import caselists
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.web.desk import rows
from tests import factories, suspicions
from tests.kernel.snapshots import nothing_written
from tests.web import desk

pytestmark = pytest.mark.django_db


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
        ({"act": "hold", "source": "court", "hold_reason": "x"}, "Choose what kind of hold it is."),
        ({"act": "hold", "hold": "breathing_space", "source": "court"}, "Choose what kind of hold it is."),
        ({"act": "hold", "hold": "legal", "hold_reason": "x"}, "Choose who asked for the hold."),
        ({"act": "hold", "hold": "legal", "source": "court", "hold_reason": " "}, "Say why the cases are held."),
        ({"act": "hold", "hold": "legal", "source": "court", "ends": "soon"}, "Choose the last day of the hold"),
        ({"act": "list", "list_reason": "\n"}, "Say what the list is for."),
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


def test_cases_are_held_for_one_reason_each_with_its_own_hold_and_event(people):
    """Who may not hold one of them leaves it as it is; a hold stops what it stops on each page."""
    cases = [factories.referred(people) for _ in range(2)]
    over = factories.investigating(people)
    given_up = suspicions.referred(people)
    fields = {"act": "hold", "hold": "dispute", "source": "customer", "hold_reason": "The shop's till was wrong."}

    answer = post(desk.client_of("a.byrne"), [*cases, over, given_up], **fields)

    assert answer.status_code == 409 and "3 cases held: dispute." in answer.content.decode()
    assert [line.sentence for line in answer.context["lines"]] == [
        "One of the cases is not there any more, or is not yours to see."
    ]
    for case in (*cases, over):
        (hold,) = Hold.objects.filter(case=case)
        assert (hold.kind, hold.source, hold.entered_by_id) == ("dispute", "customer", people["a.byrne"].user_id)
        assert LedgerEvent.objects.filter(stream=case.uid, action="hold.entered").count() == 1
    assert not Hold.objects.filter(case=given_up).exists()


# All of a view


@pytest.fixture
def few(monkeypatch):
    """Two at once and in a list without a second person, so that three cases are many."""
    monkeypatch.setattr(several, "MOST", 2)
    monkeypatch.setattr(caselists, "ALONE", 2)


def whole(client, *, back="/cases/", **fields):
    return client.post("/cases/several/", {"all": "yes", "back": back, **fields})


def opened_later(people) -> Case:
    return intake.open_case(
        "fraud_referral",
        actor=people["a.byrne"],
        at=factories.AT + timedelta(hours=2),
        facts={**factories.FACTS, "incident_reference": "DET-90001"},
        people=[factories.FRAUDSTER, factories.VICTIM],
    )


def holders(cases) -> set[int | None]:
    return set(Case.objects.filter(pk__in=[each.pk for each in cases]).values_list("assignee_id", flat=True))


def test_all_of_a_view_is_offered_where_it_has_more_than_one_page(people, monkeypatch):
    for _ in range(3):
        factories.referred(people)
    client = desk.client_of("a.byrne")
    assert "in this view" not in client.get("/cases/").content.decode()
    monkeypatch.setattr("cases.web.context.ROWS", ("2",))
    page = client.get("/cases/").content.decode()
    assert "All 3 in this view" in page and "2 cases on this page, of 3 in this view, as of" in page


def test_all_of_a_view_is_asked_about_with_its_number_before_anything_is_done(people):
    cases, other = [factories.referred(people) for _ in range(3)], factories.investigating(people)
    hidden = suspicions.referred(people)
    fields = {"act": "give", "to": str(people["p.nair"].user_id), "back": "/cases/?view=unassigned"}
    client = desk.client_of("a.byrne")

    with nothing_written():
        answer = whole(client, **fields)

    page = answer.content.decode()
    assert answer.status_code == 200 and "3 cases: given to P. Nair" in page and "Give 3 cases" in page
    kept = dict(answer.context["kept"])
    with nothing_written():
        refused = client.post("/cases/several/", {**kept, "sure": "yes", "why": " "})
    assert refused.status_code == 422 and "Say why this is done to all of them." in refused.content.decode()
    done = client.post("/cases/several/", {**kept, "sure": "yes", "why": "She has the shop."})
    assert (done.status_code, done["location"]) == (302, "/cases/?view=unassigned")
    assert holders(cases) == {people["p.nair"].user_id}
    assert people["p.nair"].user_id not in holders([other, hidden])


def test_many_are_done_in_the_background_each_by_the_right_of_whoever_asked(people, few):
    """One of the view was taken meanwhile, one is restricted and one came later: none of these is touched."""
    cases = [factories.referred(people) for _ in range(4)]
    suspicions.referred(people)
    later = opened_later(people)
    as_of = (factories.AT + timedelta(hours=1)).isoformat()
    fields = {"act": "give", "to": str(people["p.nair"].user_id), "as_of": as_of, "sure": "yes"}

    answer = whole(desk.client_of("a.byrne"), why="A new shop desk.", **fields)

    job = Job.objects.get(kind=several.SEVERAL)
    assert (answer.status_code, answer["location"]) == (302, f"/jobs/{job.uid}/")
    row = Proposal.objects.get(kind=several.SEVERAL)
    assert (row.state, row.maker_id, row.payload["count"]) == ("agreed", people["a.byrne"].user_id, 4)
    assert "A new shop desk." not in str(row.payload) + str(job.params)
    jobrun.work(clock=timezone.now, seconds=0)  # lists, and does the first
    edits.assign(cases[2].pk, factories.user("d.osei"), actor=people["d.osei"], at=timezone.now())

    jobrun.work(clock=timezone.now, seconds=60)

    job.refresh_from_db()
    assert (job.state, job.total, job.done, job.failed) == ("done", 4, 3, 1)
    assert holders([cases[0], cases[1], cases[3]]) == {people["p.nair"].user_id}
    assert holders([cases[2]]) == {people["d.osei"].user_id} and holders([later]) == {None}
    event = LedgerEvent.objects.get(stream=cases[0].uid, action="case.assigned")
    assert event.actor == f"staff:{people['a.byrne'].user_id}"
    page = desk.client_of("a.byrne").get(answer["location"]).content.decode()
    assert "Somebody else had it by then" in page and cases[2].reference in page and cases[0].reference not in page
    listed = desk.client_of("a.byrne").get(f"{answer['location']}rows/").content.decode()
    assert cases[2].reference in listed and cases[0].reference not in listed


def test_what_was_asked_for_stops_with_whoever_asked(people, few):
    cases = [factories.referred(people) for _ in range(3)]
    day = (timezone.now() + timedelta(days=9)).date().isoformat()
    whole(desk.client_of("a.byrne"), act="put_aside", until=day, reason="The agency is away.", sure="yes")
    jobrun.work(clock=timezone.now, seconds=0)
    User.objects.filter(pk=people["a.byrne"].user_id).update(is_active=False)

    jobrun.work(clock=timezone.now, seconds=60)

    job = Job.objects.get(kind=several.SEVERAL)
    assert (job.done, job.failed) == (1, 2)
    assert set(JobRow.objects.filter(state="failed").values_list("reason", flat=True)) == {"several_refused"}
    assert Case.objects.filter(pk__in=[each.pk for each in cases], snoozed_until=None).count() == 2
    assert jobs.KINDS[several.SEVERAL].reasons["several_refused"]


def test_a_hold_of_many_is_not_entered_at_one_press_and_an_empty_view_is_said(people, few):
    for _ in range(3):
        factories.referred(people)
    client = desk.client_of("a.byrne")
    hold = {"act": "hold", "hold": "legal", "source": "court", "hold_reason": "An order.", "sure": "yes"}
    with nothing_written():
        answer = whole(client, **hold)
        empty = whole(client, back="/cases/?view=closed", act="give", to="nobody", sure="yes", why="x")
    assert answer.status_code == 422 and "at most 2 cases at once" in answer.content.decode()
    assert empty.status_code == 422 and "Nothing in this view is done like this" in empty.content.decode()


# A list as a file


def listed(client, cases, reason="For the shop's manager."):
    return post(client, cases, act="list", list_reason=reason)


def test_a_list_is_a_file_of_what_one_sees_on_record_with_every_case(people):
    cases = [factories.referred(people) for _ in range(2)]
    client = desk.client_of("a.byrne")

    answer = listed(client, cases)

    row = Proposal.objects.get(kind=caselists.KIND)
    assert answer["location"] == f"/office/changes/{row.uid}/" and row.state == "agreed"
    page = client.get(answer["location"]).content.decode()
    assert f'href="/cases/lists/{row.uid}/"' in page and "For the shop" in page
    file = client.get(f"/cases/lists/{row.uid}/")
    assert file["content-disposition"].startswith("attachment") and "no-store" in file["cache-control"]
    lines = file.content.decode().splitlines()
    assert lines[0] == "reference,type,status,opened,due,closed,agency,amount,team,assignee"
    assert [line.split(",")[0] for line in lines[1:]] == [each.reference for each in cases]
    assert cases[0].reference in lines[1] and "Fraud referral,Referred" in lines[1]
    read = AccessEvent.objects.filter(verb="export").get()
    assert (set(read.streams), read.result_count) == ({each.uid for each in cases}, 2)


def test_a_list_is_for_whoever_asked_alone_and_for_seven_days(people, monkeypatch):
    case = factories.referred(people)
    listed(desk.client_of("a.byrne"), [case])
    row = Proposal.objects.get(kind=caselists.KIND)
    others = [desk.client_of(who) for who in ("d.osei", "b.lacombe", "j.merriweather")]
    with nothing_written():
        assert [each.get(f"/cases/lists/{row.uid}/").status_code for each in others] == [404] * 3
    client = desk.client_of("a.byrne")
    monkeypatch.setattr(caselists, "KEPT", timedelta(0))
    with nothing_written():
        assert client.get(f"/cases/lists/{row.uid}/").status_code == 404
    assert "Fetch the list" not in client.get(f"/office/changes/{row.uid}/").content.decode()


def test_no_restricted_case_goes_into_a_list_nor_one_that_is_hidden_by_now(people):
    case, hidden = factories.referred(people), suspicions.referred(people)
    keeper = desk.client_of("h.castellan")
    with nothing_written():
        answer = listed(keeper, [hidden])
    assert answer.status_code == 422 and "none that is restricted" in answer.content.decode()
    client = desk.client_of("a.byrne")
    listed(client, [case])
    row = Proposal.objects.get(kind=caselists.KIND)
    tie = {"user": people["a.byrne"].user_id, "case": str(case.uid)}
    proposals.propose("tie_add", tie, actor=people["a.byrne"], at=factories.AT, reason="My sister's account.")
    assert client.get(f"/cases/lists/{row.uid}/").content.decode().splitlines()[1:] == []


def test_a_long_list_asks_for_the_second_factor_and_a_second_person(people, few):
    cases = [factories.referred(people) for _ in range(3)]
    asked = {"act": "list", "list_reason": "For the regulator.", "sure": "yes"}
    answer = whole(desk.client_of("a.byrne"), **asked)
    assert answer["location"].startswith("/step-up/") and not Proposal.objects.exists()

    answer = whole(desk.client_of("a.byrne", is_stepped_up=True), **asked)

    row = Proposal.objects.get(kind=caselists.KIND)
    assert (row.state, row.needs) == ("open", ["fraud_approver"]) and len(row.payload["cases"]) == 3
    assert desk.client_of("a.byrne").get(f"/cases/lists/{row.uid}/").status_code == 404
    decided = {"verdict": "agreed", "reason": "They asked for it."}
    own = desk.client_of("a.byrne", is_stepped_up=True).post(f"/office/changes/{row.uid}/decide/", decided)
    assert own.status_code == 403
    desk.client_of("d.osei", is_stepped_up=True).post(f"/office/changes/{row.uid}/decide/", decided)
    file = desk.client_of("a.byrne").get(f"/cases/lists/{row.uid}/").content.decode()
    assert len(file.splitlines()) == 1 + len(cases)
    assert desk.client_of("d.osei").get(f"/cases/lists/{row.uid}/").status_code == 404


def test_a_long_list_of_several_kinds_is_agreed_to_by_the_officer(people, few):
    payload = {"cases": ["a", "b", "c"], "kinds": {"fraud_referral": 2, "association": 1}, "maker": 1}
    (kind,) = caselists.KINDS
    assert kind.needs is not None
    assert kind.needs(payload) == {"data_protection_officer"}
    assert kind.needs({**payload, "kinds": {"association": 3}}) == {"credit_reviewer"}
    assert kind.needs({**payload, "cases": ["a", "b"]}) == frozenset()
