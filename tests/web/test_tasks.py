"""The tasks page: what waits for whom, in keyset pages; a task is taken, handed on with a reason, and closed."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.kernel import actors, calendars, clocks, edits, record, tasks
from cases.kernel.models import Case, Task, Team, TeamMembership, User
from cases.kernel.office import access, leaving, proposals
from cases.kernel.personal import taskdesk
from cases.kernel.reading import desk as reading
from cases.kernel.reading import worklist
from cases.kernel.restricted import breakglass
from cases.kernel.timing import rulebook, sweeps
from cases.ledger import api as ledger
from cases.ledger import sealing, verify
from cases.ledger.models import LedgerEvent
from cases.web.desk import tasklist
from tests import factories, suspicions
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web import desk

pytestmark = pytest.mark.django_db


def owe(case: Case, *, kind="fraud_enquiry", due_at=None, to=None) -> Task:
    with record.act(case, "tests.owed", actor=actors.system("tests"), at=AT):
        return tasks.raise_task(kind, case=case, at=AT, due_at=due_at, assignee_id=to)


def owe_team(code: str, **given) -> Task:
    team = Team.objects.get(code=code)
    with ledger.action(team.uid, "tests.owed", actor="system:tests", at=AT):
        return tasks.raise_task("document_review", case=None, team=team, at=AT, **given)


def listed(client, query="") -> list[Task]:
    return [each["task"] for each in client.get(f"/tasks/{query}").context["entries"]]


def do(client, name, task, **typed):
    return client.post(reverse(f"web:task_{name}", args=[task.uid]), {"back": "/tasks/?view=team", **typed})


def test_my_work_has_own_tasks_and_those_of_own_teams_that_nobody_has(people):
    case, other = factories.investigating(people), factories.referred(people)
    edits.assign(case.pk, factories.user("a.byrne"), actor=people["a.byrne"], at=AT)
    mine, free, taken = owe(case), owe(other), owe(other, to=people["p.nair"].user_id)
    far, hidden = owe_team("fraud"), owe_team("rights")

    def work(username):
        return set(reading.my_work(people[username], at=AT).tasks)

    assert {mine, free, far} <= work("a.byrne") and not work("a.byrne") & {taken, hidden}
    assert {free, taken, far} <= work("p.nair") and not work("p.nair") & {mine, hidden}
    # Whoever may look at every referral does not work them.
    assert {mine, free, taken} <= set(taskdesk.open_to(people["j.merriweather"]))
    assert hidden in work("j.merriweather") and not work("j.merriweather") & {mine, free, taken, far}


def test_views_hold_what_they_say(people):
    case, other = factories.investigating(people), factories.referred(people)
    edits.assign(case.pk, factories.user("a.byrne"), actor=people["a.byrne"], at=AT)
    mine, given = owe(case), owe(other, to=people["a.byrne"].user_id)
    free, late = owe(other), owe(other, due_at=timezone.now() - timedelta(hours=1), to=people["p.nair"].user_id)
    far, hidden = owe_team("fraud"), owe_team("rights")
    client = desk.client_of("a.byrne")

    found = {view: set(listed(client, f"?view={view}")) for view in taskdesk.VIEWS}

    assert found == {
        "mine": {mine, given},
        "team": {mine, given, free, late, far},
        "overdue": {late},
        "all": {mine, given, free, late, far},
    }
    assert [tab["count"] for tab in client.get("/tasks/").context["tabs"]] == [2, 5, 1, 5]
    assert worklist.counts(people["a.byrne"], at=timezone.now())["tasks"] == 2
    assert hidden in listed(desk.client_of("j.merriweather"), "?view=team")


def test_what_is_counted_as_ones_own_is_what_the_page_lists(people):
    case, other = factories.investigating(people), factories.referred(people)
    edits.assign(case.pk, factories.user("a.byrne"), actor=people["a.byrne"], at=AT)
    shares = [
        owe(case),
        owe(other, to=people["a.byrne"].user_id),
        owe_team("fraud", assignee_id=people["a.byrne"].user_id),
    ]
    owe(case, to=people["p.nair"].user_id), owe(case, kind=tasks.CHECK_AFTER), owe(other), owe_team("fraud")

    counted = {name: worklist.counts(each, at=timezone.now())["tasks"] for name, each in people.items()}

    shown = {
        name: sum(part.count() for part in taskdesk.listed(each, taskdesk.Asked(), at=AT))
        for name, each in people.items()
    }
    assert counted == shown
    assert (counted["a.byrne"], counted["p.nair"], counted["j.merriweather"]) == (len(shares), 1, 0)


def test_filters_stand_in_the_address_and_nonsense_is_left_out(people):
    case = factories.referred(people)
    enquiry, other = owe(case), owe(case, kind="hold_review")
    client = desk.client_of("a.byrne")
    assert listed(client, "?view=all&kind=fraud_enquiry") == [enquiry]
    assert listed(client, f"?view=all&team={case.team_id}") == [enquiry, other]
    page = client.get("/tasks/?view=nothing&kind=%00&team=x")
    assert page.status_code == 200 and len(page.context["faults"]) == 3
    assert client.get("/tasks/?view=all&after=x~1").status_code == 200


def test_pages_join_without_a_gap_earliest_due_first(people):
    case = factories.referred(people)
    for number in range(30):
        owe(case, due_at=AT + timedelta(days=number % 7) if number % 3 else None)
    client = desk.client_of("a.byrne")
    forwards, path = [], "/tasks/?view=all"
    while path:
        context = client.get(path).context
        forwards.append([each["task"] for each in context["entries"]])
        last, path = path, context["next_url"]
    backwards, path = [], last
    while path:
        context = client.get(path).context
        backwards.insert(0, [each["task"] for each in context["entries"]])
        path = context["previous_url"]
    seen = [task for page in forwards for task in page]
    assert [len(page) for page in forwards] == [25, 5]
    assert len(set(seen)) == 30 and {task for page in backwards for task in page} == set(seen)
    dues = [task.due_at for task in seen]
    assert dues == sorted(dues, key=lambda due: (due is None, due or AT))


def test_what_ends_soon_and_what_is_over_become_tasks_here(people):
    rulebook.load(at=AT)
    case = factories.referred(people)
    with record.act(case, "tests.clock", actor=actors.system("tests"), at=AT):
        clocks.start(case, "k10_request", started_at=AT)
    clock = case.clocks.get(rule="k10_request")
    sweeps.warn_of_ends(now=clock.due_at - timedelta(hours=1))
    labels = [each["label"] for each in desk.client_of("a.byrne").get("/tasks/?view=all").context["entries"]]
    assert any(label.startswith("A period ends soon:") for label in labels)
    sweeps.end_due_clocks(now=clock.due_at + timedelta(hours=1))
    labels = [each["label"] for each in desk.client_of("a.byrne").get("/tasks/?view=all").context["entries"]]
    assert any(label.startswith("A period is over:") for label in labels)
    assert calendars.london_date(clock.due_at) == clock.due_date


def test_a_task_is_taken_handed_on_with_a_reason_and_closed(people):
    case = factories.referred(people)
    task = owe(case)
    client = desk.client_of("a.byrne")

    assert do(client, "take", task)["Location"] == "/tasks/?view=team"
    task.refresh_from_db()
    assert task.assignee_id == people["a.byrne"].user_id
    with nothing_written():
        page = do(client, "hand_on", task, to=str(people["p.nair"].user_id), reason=" ")
    assert page.status_code == 422 and "Say why you hand it on." in page.content.decode()
    do(client, "hand_on", task, to=str(people["p.nair"].user_id), reason="I am away from Monday.")
    task.refresh_from_db()
    assert task.assignee_id == people["p.nair"].user_id
    do(desk.client_of("p.nair"), "done", task, reason="I looked at it.")
    task.refresh_from_db()
    assert (task.closed_by_id, task.outcome) == (people["p.nair"].user_id, "done")
    told = LedgerEvent.objects.filter(stream=case.uid, action__startswith="task.").order_by("seq")
    assert [event.action for event in told] == ["task.taken", "task.handed_on", "task.closed"]
    assert [event.reason is not None for event in told] == [False, True, True]


def test_a_teams_task_is_worked_on_the_teams_own_stream(people):
    task = owe_team("fraud")
    client = desk.client_of("a.byrne")
    do(client, "take", task)
    do(client, "hand_on", task, to="", reason="Back to all of us.")
    do(client, "done", task, reason="I looked at it.")
    task.refresh_from_db()
    assert (task.assignee_id, task.outcome) == (None, "done")
    told = list(LedgerEvent.objects.filter(stream=task.team.uid, action__startswith="task.").order_by("seq"))
    assert [event.action for event in told] == ["task.taken", "task.handed_on", "task.closed"]
    reader = sealing.Reader(actor="tests", verb="view", purpose="tests")
    assert sealing.open_reasons(told, reader=reader, at=AT) == [None, "Back to all of us.", "I looked at it."]


@pytest.mark.parametrize("how", ["leaves the firm", "leaves the team"])
def test_what_a_leaver_held_is_its_teams_again(people, how):
    case, other = factories.referred(people), factories.referred(people, incident_reference="DET-2")
    user = factories.user("a.byrne")
    mine = [owe(case, to=user.pk), owe(case, to=user.pk), owe(other, to=user.pk)]
    theirs, of_the_team = owe(case, to=people["p.nair"].user_id), owe_team("fraud")
    do(desk.client_of("a.byrne"), "take", of_the_team)

    if how == "leaves the firm":
        leaving.leave(user.pk, actor=factories.job(), at=AT)
    else:
        payload = {"user": user.pk, "team": "fraud", "standing": "none"}
        proposals.propose("team_member", payload, actor=people["o.thackray"], at=AT, reason="Moves.")

    held = Task.objects.filter(closed_at=None, assignee__isnull=False)
    assert list(held.values_list("pk", "assignee")) == [(theirs.pk, people["p.nair"].user_id)]
    streams = (case.uid, other.uid, of_the_team.team.uid)
    told = LedgerEvent.objects.filter(action="task.handed_on").values_list("stream", flat=True)
    assert sorted(told) == sorted(streams)
    assert {each.level for stream in streams for each in verify.verify_stream(stream)} <= {"recorded late"}
    assert Task.objects.filter(pk__in=[task.pk for task in mine], assignee=None).count() == 3


def test_what_cannot_be_done_is_refused_and_writes_nothing(people):
    case = factories.referred(people)
    task, taken = owe(case), owe(case, to=people["p.nair"].user_id)
    far = owe_team("rights")
    client, outsider = desk.client_of("a.byrne"), desk.client_of("m.achterberg")
    me, colleague = str(people["a.byrne"].user_id), str(people["p.nair"].user_id)
    stranger = str(people["m.achterberg"].user_id)
    refused = (
        (client, "take", taken, {}, 422, "Somebody has taken this task already."),
        (client, "hand_on", taken, {"to": colleague, "reason": "Why."}, 422, "It is there already."),
        (client, "hand_on", task, {"to": stranger, "reason": "Why."}, 422, "That person cannot be given this task."),
        (client, "take", far, {}, 404, ""),
        (outsider, "done", task, {}, 404, ""),
        (desk.client_of("b.lacombe"), "done", task, {}, 403, ""),
        (desk.client_of("h.castellan"), "hand_on", task, {"to": me, "reason": "Why."}, 403, ""),
    )
    for who, name, about, typed, status, sentence in refused:
        with nothing_written():
            page = do(who, name, about, **typed)
        assert page.status_code == status and sentence in page.content.decode(), (name, sentence)
    do(client, "done", task, reason="I looked at it.")
    with nothing_written():
        assert do(client, "done", task, reason="I looked at it.").status_code == 404


def test_a_refused_hand_on_keeps_what_was_typed(people):
    case = factories.referred(people)
    task = owe(case)
    typed = {"to": str(people["m.achterberg"].user_id), "reason": "She knows the account."}
    page = do(desk.client_of("a.byrne"), "hand_on", task, **typed)
    text = page.content.decode()
    assert page.status_code == 422
    assert "She knows the account." in text and f'<label for="to-{task.uid}">' in text
    assert page.context["tabs"][1]["is_current"]


def test_a_restricted_task_is_seen_in_its_compartment_alone(people):
    report = suspicions.referred(people)
    task = owe(report, kind="hold_review")
    assert task in listed(desk.client_of("h.castellan"), "?view=all")
    for username in ("a.byrne", "j.merriweather", "k.mistry"):
        assert listed(desk.client_of(username), "?view=all") == []


def test_office_tasks_lead_to_their_own_page(people):
    case = factories.referred(people)
    breakglass.break_glass(
        case.reference, reason="Customer at the counter now.", actor=people["m.achterberg"], at=timezone.now()
    )
    (task,) = Task.objects.filter(kind=breakglass.REVIEW)
    reviewer = desk.client_of("j.merriweather")
    (entry,) = [each for each in reviewer.get("/tasks/?view=team").context["entries"] if each["task"] == task]
    assert (entry["url"], entry["may"]) == (reverse("web:glass_reviews"), False)
    with nothing_written():
        page = do(reviewer, "done", task, reason="I looked at it.")
    assert page.status_code == 403 and "ends by what is done on its own page" in page.content.decode()
    assert task not in listed(desk.client_of("a.byrne"), "?view=all")


def test_whoever_has_no_tasks_has_no_page_and_no_link(people):
    assert "/tasks/" in desk.client_of("a.byrne").get("/").content.decode()
    for username in ("b.lacombe", "o.thackray"):
        client = desk.client_of(username)
        assert client.get("/tasks/").status_code == 403
        assert "/tasks/" not in client.get("/").content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_statements(people, count):
    case = factories.referred(people)
    for number in range(count):
        owe(case, due_at=AT + timedelta(days=number))
        owe_team("fraud")
    client = desk.client_of("a.byrne")
    with CaptureQueriesContext(connection) as captured:
        page = client.get("/tasks/?view=all")
    assert len(page.context["entries"]) == 2 * count
    assert len(captured) == 7, "\n".join(each["sql"][:120] for each in captured.captured_queries)


def test_a_task_of_an_agency_names_it_and_leads_to_its_page(people):
    case = factories.referred(people)
    with record.act(case, "tests.owed", actor=actors.system("tests"), at=AT):
        tasks.raise_task("check_after", case=case, at=AT, act="remove")
    with record.act(case, "tests.owed", actor=actors.system("tests"), at=AT):
        tasks.raise_task("access_review", case=None, team=Team.objects.get(code="fraud"), at=AT)
    with ledger.action(case.uid, "tests.owed", actor="system:tests", at=AT):
        tasks.raise_task("channel_paused", case=None, at=AT, agency="sandbox-fraud-register")
    client = desk.client_of("d.osei")

    home, operator = client.get("/"), desk.client_of("o.thackray").get("/")

    assert {entry["label"] for entry in home.context["tasks"]} == {"Look at who holds which right this month"}
    assert "Look at what was done at once: remove the filing" in {
        entry["label"] for entry in client.get("/tasks/?view=all").context["entries"]
    }
    assert "Look at who holds which right this month · Fraud" in " ".join(home.content.decode().split())
    assert b"A channel to an agency was paused: Sandbox Fraud Register</a>" in operator.content
    assert b'href="/agencies/sandbox-fraud-register/"' in operator.content
    assert b"/tasks/?view=all" in home.content
    page = client.get("/tasks/").content.decode()
    assert "No task waits here" in page
    assert 'href="/tasks/?view=team">Show your teams' in page


def test_a_review_of_rights_falls_to_whoever_leads_the_team_or_to_an_administrator_where_nobody_does(people):
    access.open_month(now=AT)

    def reviews(name: str) -> dict[str, str]:
        actor = actors.staff(User.objects.get(username=name))
        rows = taskdesk.page(actor, taskdesk.Asked(view="all", kind=access.TASK), at=AT).rows
        return {row.team.code if row.team else "": tasklist.page_of(row, actor)[1] for row in rows}

    (lead,) = TeamMembership.objects.filter(team__code="fraud", is_lead=True, ended_at=None)
    assert reviews("a.byrne") == {} and list(reviews(lead.user.username)) == ["fraud"]
    client = desk.client_of(lead.user.username)
    assert client.get(reviews(lead.user.username)["fraud"]).status_code == 200
    assert "fraud" not in reviews("o.thackray")
    with ledger.action(uuid4(), "tests.left", actor="system:tests", at=AT):
        lead.is_lead = False
        lead.save()
    assert "fraud" in reviews("o.thackray") and reviews(lead.user.username) == {}
