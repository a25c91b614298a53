"""Work about many cases that ended before all was done is a task of the desk whose work it is, until it is done."""

from dataclasses import replace

import pytest
from django.urls import reverse

from cases.kernel import actors, casetypes, jobrun, jobs, taskdesk, undone
from cases.kernel.models import Job, JobRow, Task
from cases.ledger import verify
from tests import factories
from tests.factories import AT
from tests.kernel import walks  # noqa: F401 -- declares the kind of work
from tests.web import desk

pytestmark = pytest.mark.django_db
OFFICER = "m.achterberg"


@pytest.fixture
def people():
    return factories.office()


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
        "look_at_checks_of_a_link",
        "open_credit_file",
    ],
)
def test_work_that_no_person_asked_for_has_a_desk(code):
    assert casetypes.get(jobs.KINDS[code].desk).team == "credit"
