"""Background work: started once, done row by row, stopped between rows, taken up again, never done twice."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from django.db import connection
from django.utils import timezone

from backoffice.env import BASE_DIR
from cases import tasks
from cases.kernel.background import jobrun, jobs
from cases.kernel.errors import NotAllowed, NotVisible
from cases.kernel.models import Job, JobRow, Team
from cases.ledger import verify
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.factories import AT
from tests.kernel import walks

ROWS = [f"row-{number}" for number in range(1, 7)]


@pytest.fixture
def people(db):
    return factories.office()


def begin(people, *rows: str, by: str = "a.byrne", **params) -> Job:
    return jobs.start("walk", actor=people[by], at=AT, params={"rows": list(rows), **params})


def work(seconds: float = 30) -> int:
    return jobrun.work(clock=lambda: AT, seconds=seconds)


def told(job: Job) -> list[str]:
    return list(LedgerEvent.objects.filter(stream=job.uid).order_by("seq").values_list("action", flat=True))


def rows_of(job: Job) -> list[tuple[str, str, str]]:
    return list(JobRow.objects.filter(job=job).order_by("number").values_list("subject", "state", "reason"))


def stands(job: Job) -> tuple:
    job.refresh_from_db()
    return job.state, job.total, job.done, job.skipped, job.failed, job.reason


def opened() -> set[str]:
    return set(Team.objects.filter(code__regex="^(row|refuse|break|stop)-").values_list("code", flat=True))


def test_each_row_is_done_skipped_or_failed_with_its_reason(people):
    job = begin(people, "row-1", "skip-1", "refuse-1", "break-1", "row-2", "row-1")

    assert work() == 5

    assert rows_of(job) == [
        ("row-1", "done", ""),
        ("skip-1", "skipped", "is_there"),
        ("refuse-1", "failed", "walk_refused"),
        ("break-1", "failed", "unexpected_error"),
        ("row-2", "done", ""),
    ]
    assert stands(job) == ("done", 5, 2, 1, 2, "")
    assert opened() == {"row-1", "row-2"}  # what a failed row wrote is undone
    assert told(job) == ["job.started", "walk.step", "walk.step", "job.finished", "job.left_undone"]
    assert work() == 0


def test_a_second_start_with_the_same_key_is_the_same_job(people):
    first = jobs.start("walk", actor=people["a.byrne"], at=AT, key="form-1", params={"rows": ["row-1"]})
    again = jobs.start("walk", actor=people["a.byrne"], at=AT, key="form-1", params={"rows": ["row-2"]})

    assert (again.pk, again.params) == (first.pk, {"rows": ["row-1"]})
    assert told(first) == ["job.started"]
    assert Job.objects.count() == 1


def test_whoever_may_not_do_the_work_starts_nothing(people):
    with pytest.raises(NotAllowed):
        begin(people, "row-1", by="b.lacombe")

    assert (Job.objects.count(), LedgerEvent.objects.filter(action="job.started").count()) == (0, 0)


def test_a_stop_is_heeded_after_the_row_and_the_rest_is_done_later(people):
    job = begin(people, "row-1", "stop-1", "row-2")

    work()
    assert stands(job) == ("stopped", 3, 2, 0, 0, "")
    assert opened() == {"row-1", "stop-1"}
    jobs.resume(job.uid, actor=people["a.byrne"], at=AT)
    work()

    assert stands(job) == ("done", 3, 3, 0, 0, "")
    assert told(job) == [
        "job.started",
        "walk.step",
        "walk.step",
        "job.stopped",
        "job.resumed",
        "walk.step",
        "job.finished",
    ]


def test_a_job_that_was_stopped_after_its_last_row_is_ended_by_going_on(people):
    job = begin(people, "stop-1")
    work()
    assert stands(job) == ("stopped", 1, 1, 0, 0, "")
    jobs.resume(job.uid, actor=people["a.byrne"], at=AT)
    work()
    assert (stands(job), told(job)[-2:]) == (("done", 1, 1, 0, 0, ""), ["job.resumed", "job.finished"])


def test_a_job_stopped_before_a_worker_came_does_nothing(people):
    job = begin(people, "row-1")
    jobs.stop(job.uid, actor=people["a.byrne"], at=AT)
    jobs.stop(job.uid, actor=people["a.byrne"], at=AT)

    work()

    assert stands(job) == ("stopped", None, 0, 0, 0, "")
    assert told(job) == ["job.started", "job.stop_asked", "job.stopped"]


def test_failed_rows_are_tried_again_and_done_ones_are_not(people):
    job = begin(people, "row-1", "refuse-1")
    work()

    jobs.resume(job.uid, actor=people["a.byrne"], at=AT)
    work()

    assert rows_of(job) == [("row-1", "done", ""), ("refuse-1", "failed", "walk_refused")]
    assert stands(job) == ("done", 2, 1, 0, 1, "")
    assert told(job).count("walk.step") == 1


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"is_unlistable": True}, ("failed", None, 0, 0, 0, "rows_unknown")),
        ({"rows": ["row-1"], "ends_badly": True}, ("failed", 1, 1, 0, 0, "walk_refused")),
        ({"rows": []}, ("done", 0, 0, 0, 0, "")),
    ],
)
def test_a_job_that_cannot_be_listed_or_ended_fails_with_its_reason(people, params, expected):
    job = jobs.start("walk", actor=people["a.byrne"], at=AT, params=params)

    work()

    assert stands(job) == expected


def test_a_job_that_kills_its_worker_each_time_ends_as_failed(people):
    job = begin(people, "row-1")
    Job.objects.filter(pk=job.pk).update(claims=jobs.MOST_CLAIMS)

    work()

    assert stands(job) == ("failed", None, 0, 0, 0, "no_progress")


def test_work_that_is_not_finished_in_time_takes_its_turn_after_the_others(people):
    long, short = begin(people, *ROWS), begin(people, "row-7")

    work(0.000001)
    assert stands(long)[:3] == ("running", 6, 1)
    assert Job.objects.get(pk=long.pk).lease is None
    assert jobrun._claim(now=AT).job == short


def test_others_see_and_steer_no_job_but_their_own(people):
    job = begin(people, "row-1")
    swept = jobs.start("walk", actor=jobs.worker_of(job), at=AT)

    for name in ("d.osei", "b.lacombe", "r.penhale"):
        with pytest.raises(NotVisible):
            jobs.stop(job.uid, actor=people[name], at=AT)
    viewer = next(each for each in people.values() if "auditor" in each.roles)
    keeper = next(each for each in people.values() if "system_administrator" in each.roles)
    assert jobs.get_visible(viewer, swept.uid) == swept
    with pytest.raises(NotAllowed):
        jobs.stop(swept.uid, actor=viewer, at=AT)
    assert (stands(job)[0], told(job)) == ("queued", ["job.started"])
    assert jobs.stop(swept.uid, actor=keeper, at=AT).state == "stopping"


def test_nothing_is_resumed_that_has_not_ended_or_has_nothing_left(people):
    job = begin(people, "row-1")
    with pytest.raises(jobs.JobRefused, match="has not ended"):
        jobs.resume(job.uid, actor=people["a.byrne"], at=AT)
    work()
    with pytest.raises(jobs.JobRefused, match="Nothing is left"):
        jobs.resume(job.uid, actor=people["a.byrne"], at=AT)
    with pytest.raises(jobs.JobRefused, match="over already"):
        jobs.stop(job.uid, actor=people["a.byrne"], at=AT)

    assert stands(job) == ("done", 1, 1, 0, 0, "")


def test_the_bell_rings_until_whoever_asked_has_looked(people):
    actor, other = people["a.byrne"], people["d.osei"]
    job = begin(people, "row-1")
    assert jobs.unseen(actor).count() == 0
    work()
    assert (jobs.unseen(actor).count(), jobs.unseen(other).count()) == (1, 0)

    job.refresh_from_db()
    jobs.mark_seen(job, actor=actor, at=AT)

    assert jobs.unseen(actor).count() == 0


# --- With real processes -------------------------------------------------------------------------------------------


def worker(failpoint: str) -> int:
    """Run a whole worker process once; return its exit code."""
    place = connection.settings_dict
    url = f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}"
    program = "import django; django.setup(); from tests.kernel import walks; walks.main()"
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=os.environ | {"DATABASE_URL": url, "BACKOFFICE_TEST_MODE": "1", "BACKOFFICE_FAILPOINT": failpoint},
        cwd=BASE_DIR,
        capture_output=True,
        timeout=120,
        check=False,
    )
    if finished.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(finished.stderr.decode())
    return finished.returncode


def let_lease_end(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("failpoint", "done"), [("job_listed:1", 0), ("job_row:1", 0), ("job_row:4", 3)])
def test_a_killed_worker_loses_nothing_and_nothing_is_done_twice(failpoint, done):
    job = begin(factories.office(), *ROWS)

    assert worker(failpoint) == -signal.SIGKILL
    print(f"fell at {failpoint}, with {done} rows done and one undone")
    assert stands(job) == ("running", 6, done, 0, 0, "")
    assert opened() == set(ROWS[:done])
    assert work() == 0  # the lease is respected until it ends
    let_lease_end(job)
    assert work() == 6 - done

    assert stands(job) == ("done", 6, 6, 0, 0, "")
    assert opened() == set(ROWS)
    assert told(job) == [
        "job.started",
        *["walk.step"] * done,
        "job.taken_up",
        *["walk.step"] * (6 - done),
        "job.finished",
    ]
    assert {finding.level for finding in verify.verify_stream(job.uid)} == {"recorded late"}


@pytest.mark.django_db(transaction=True)
def test_what_takes_long_of_a_row_is_done_outside_any_transaction():
    walks.seen.clear()
    actor = factories.office()["a.byrne"]
    rows = ["row-1", "skip-1", "refuse-1", "break-1", "row-2"]
    job = jobs.start("climb", actor=actor, at=AT, params={"rows": rows})
    work()
    assert rows_of(job) == [
        ("row-1", "done", ""),
        ("skip-1", "skipped", "is_there"),
        ("refuse-1", "failed", "walk_refused"),
        ("break-1", "failed", "unexpected_error"),
        ("row-2", "done", ""),
    ]
    assert walks.seen == [("row-1", False), ("refuse-1", False), ("row-2", False)]
    assert opened() == {"row-1", "row-2"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("pause", "expected", "there"),
    [
        (timedelta(minutes=5), ("done", 1, 1, 0, 0, ""), {"late-1"}),
        (timedelta(hours=2), ("failed", 1, 0, 0, 0, "outdated"), set()),
    ],
)
def test_a_row_for_which_others_were_quicker_is_made_ready_anew_for_twelve_hours(pause, expected, there):
    walks.seen.clear()
    actor = factories.office()["a.byrne"]
    job = jobs.start("climb", actor=actor, at=AT, params={"rows": ["late-1"], "late": 9})
    times = count()
    jobrun.work(clock=lambda: AT + next(times) * pause)
    assert stands(job) == expected
    assert set(Team.objects.filter(code="late-1").values_list("code", flat=True)) == there
    assert (len(walks.seen) == 10) == bool(there)


def test_no_worker_is_ended_before_the_longest_row_of_a_job_may_be_done():
    longest = max(kind.longest for kind in jobs.KINDS.values())
    assert timedelta(minutes=20) == longest < timedelta(seconds=tasks.run_jobs.time_limit)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_lost_its_lease_undoes_what_it_was_doing(monkeypatch):
    job = begin(factories.office(), *ROWS[:2])
    taken: list[int] = []

    def another_worker_takes_the_job() -> None:
        let_lease_end(job)
        assert jobrun._claim(now=AT) is not None
        connection.close()

    def reach(place: str) -> None:
        if place == "job_listed" and not taken:
            taken.append(1)
            thread = threading.Thread(target=another_worker_takes_the_job)
            thread.start()
            thread.join()

    monkeypatch.setattr(jobrun.failpoints, "reach", reach)
    work()

    assert taken == [1]
    assert stands(job) == ("running", 2, 0, 0, 0, "")
    assert opened() == set()


def test_what_one_work_of_a_case_left_undone_another_of_it_does_not_make_done(people, monkeypatch):
    monkeypatch.setitem(jobs.KINDS, "walk", replace(jobs.KINDS["walk"], case="case"))
    case = factories.referred(people)
    first, second, third = (begin(people, row, case=case.pk) for row in ("refuse-1", "row-2", "refuse-3"))
    work()

    left = case.tasks.filter(kind="work_not_done", closed_at=None)
    assert [Job.objects.get(pk=each.pk).failed for each in (first, second, third)] == [1, 0, 1]
    assert sorted(each.detail["job"] for each in left) == sorted([str(first.uid), str(third.uid)])


def test_work_begun_before_it_named_its_case_ends(people, monkeypatch):
    job = begin(people, "row-1")
    monkeypatch.setitem(jobs.KINDS, "walk", replace(jobs.KINDS["walk"], case="case"))
    work()

    assert Job.objects.get(pk=job.pk).state == "done"
