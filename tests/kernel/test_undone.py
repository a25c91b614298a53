"""Work about many cases that ended before all was done is a task of the desk whose work it is, until it is done."""

from dataclasses import replace

import pytest
from django.urls import reverse

from cases.kernel import actors, casetypes
from cases.kernel.background import jobrun, jobs, undone
from cases.kernel.models import Job, JobRow, Task
from cases.kernel.personal import taskdesk
from cases.ledger import verify
from tests.factories import AT
from tests.kernel import walks  # noqa: F401 -- declares the kind of work
from tests.web import desk

pytestmark = pytest.mark.django_db
OFFICER = "m.achterberg"


@pytest.fixture(autouse=True)
def of_a_desk(monkeypatch):
    monkeypatch.setitem(jobs.KINDS, "walk", replace(jobs.KINDS["walk"], act="", desk="check"))


def begin(*rows: str, key: str = "") -> Job:
    return jobs.start("walk", actor=actors.system("tests"), at=AT, params={"rows": list(rows)}, key=key)


def work() -> None:
    jobrun.work(clock=lambda: AT, seconds=30)


def waiting() -> list[str]:
    found = Task.objects.filter(kind=undone.UNDONE, closed_at=None)
    return list(found.order_by("pk").values_list("detail__job", flat=True))


def test_what_is_left_undone_is_one_task_of_the_desk_until_it_is_done(people):
    job, other = begin("row-1", "refuse-1"), begin("row-2")
    work()

    task = Task.objects.get(kind=undone.UNDONE)
    team = casetypes.get("check").team
    assert (task.case, task.team.code, task.detail) == (None, team, {"job": str(job.uid), "work": "walk"})
    seen = {name for name, each in people.items() if taskdesk.open_to(each).filter(pk=task.pk)}
    assert seen == {name for name, each in people.items() if task.team_id in each.team_ids}
    page = desk.client_of(OFFICER).get(reverse("web:tasks") + "?view=team").text
    assert reverse("web:job", args=[job.uid]) in page and str(other.uid) not in page

    jobs.resume(job.uid, actor=people[OFFICER], at=AT)
    work()
    assert waiting() == [str(job.uid)]  # it failed once more: one task
    JobRow.objects.filter(job=job, state="failed").update(subject="row-3")
    jobs.resume(job.uid, actor=people[OFFICER], at=AT)
    work()
    assert waiting() == []
    assert {each.level for each in verify.verify_stream(job.uid)} <= {"recorded late"}


def test_of_what_is_done_each_day_one_task_stands_until_a_day_is_all_done(people, monkeypatch):
    monkeypatch.setitem(jobs.KINDS, "walk", replace(jobs.KINDS["walk"], is_daily=True))
    first = begin("refuse-1", key="2026-11-16")
    work()
    begin("refuse-2", key="2026-11-17")
    work()
    assert waiting() == [str(first.uid)]
    begin("row-3", key="2026-11-18")
    work()
    assert waiting() == []


@pytest.mark.parametrize(
    "code",
    [
        "keep_checks_longer",
        "keep_customer_checks",
        "look_at_arrears",
        "look_at_cases_of_a_check",
        "look_at_checks_of_a_link",
        "open_credit_file",
    ],
)
def test_work_that_no_person_asked_for_has_a_desk(code):
    assert casetypes.get(jobs.KINDS[code].desk).team == "credit"


def asked_for(people, *rows: str) -> Job:
    return jobs.start("walk", actor=people[OFFICER], at=AT, params={"rows": list(rows)})


def of_whoever_asked() -> list[tuple[str, int]]:
    rows = Task.objects.filter(kind=undone.OWN, closed_at=None).order_by("pk")
    return [(row.detail["job"], row.assignee_id) for row in rows]


@pytest.fixture
def of_nobody(monkeypatch):
    monkeypatch.setitem(jobs.KINDS, "walk", replace(jobs.KINDS["walk"], act="", desk=""))


@pytest.mark.usefixtures("of_nobody")
def test_what_is_left_undone_of_work_that_a_person_asked_for_is_their_task_until_it_is_done(people):
    job, other = asked_for(people, "row-1", "refuse-1"), asked_for(people, "row-2")
    work()
    assert of_whoever_asked() == [(str(job.uid), people[OFFICER].user_id)]
    page = desk.client_of(OFFICER).get(reverse("web:tasks")).text
    assert reverse("web:job", args=[job.uid]) in page and str(other.uid) not in page
    assert "Work that you asked for ended before all was done" in page

    jobs.resume(job.uid, actor=people[OFFICER], at=AT)
    work()
    assert len(of_whoever_asked()) == 1
    JobRow.objects.filter(job=job, state="failed").update(subject="row-3")
    jobs.resume(job.uid, actor=people[OFFICER], at=AT)
    work()
    assert of_whoever_asked() == []
    assert {each.level for each in verify.verify_stream(job.uid)} <= {"recorded late"}


@pytest.mark.usefixtures("of_nobody")
def test_whoever_stops_their_own_work_or_says_that_nothing_is_to_be_done_is_asked_no_more(people):
    stopped, job = asked_for(people, "row-1"), asked_for(people, "refuse-1")
    jobs.stop(stopped.uid, actor=people[OFFICER], at=AT)
    work()
    assert of_whoever_asked() == [(str(job.uid), people[OFFICER].user_id)]
    task = Task.objects.get(kind=undone.OWN)
    taskdesk.done(task.uid, actor=people[OFFICER], at=AT, reason="I asked for it anew.")
    assert of_whoever_asked() == []


@pytest.mark.usefixtures("of_nobody")
def test_work_that_the_office_began_itself_is_a_task_of_whoever_manages_such_work(people):
    job = begin("row-1", "refuse-1")
    work()
    task = Task.objects.get(kind=undone.OFFICE, closed_at=None)
    assert (task.case, task.team, task.detail["job"]) == (None, None, str(job.uid))
    keepers = {name for name, each in people.items() if "system_administrator" in each.roles}
    assert {name for name, each in people.items() if taskdesk.open_to(each).filter(pk=task.pk)} == keepers
    keeper = sorted(keepers)[0]
    assert reverse("web:job", args=[job.uid]) in desk.client_of(keeper).get("/").text
    JobRow.objects.filter(job=job, state="failed").update(subject="row-3")
    jobs.resume(job.uid, actor=people[keeper], at=AT)
    work()
    assert not Task.objects.filter(kind=undone.OFFICE, closed_at=None).exists()


@pytest.mark.usefixtures("of_nobody")
@pytest.mark.parametrize("change", [{"is_hidden": True}, {"ended": lambda _job, _at: None}])
def test_work_that_is_on_no_page_or_tells_by_itself_is_nobodys_task(people, monkeypatch, change):
    monkeypatch.setitem(jobs.KINDS, "walk", replace(jobs.KINDS["walk"], **change))
    asked_for(people, "refuse-1")
    work()
    assert of_whoever_asked() == []


@pytest.mark.parametrize("code", ["look_at_sale", "make_sale_tape", "complete_sale", "import_accounts"])
def test_the_long_work_of_debts_that_a_person_asks_for_is_told_to_them(code):
    kind = jobs.KINDS[code]
    assert not (kind.is_hidden or kind.desk or kind.case or kind.ended)
