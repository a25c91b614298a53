"""Work on a batch that ended before all was done: the desk hears of it, and a colleague goes on in their own name."""

import threading
from dataclasses import replace

import pytest
from django.db import connection

from cases.debt import batches, limitation
from cases.debt.models import Placement
from cases.kernel import actors, tasks
from cases.kernel.background import jobrun, jobs
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.models import BatchFile, Job, Release, RoleGrant, Task, Team, User
from cases.kernel.office import demo_people
from cases.kernel.office.demo_people import DemoPerson
from cases.ledger import api as ledger
from cases.ledger.models import LedgerEvent
from tests import placements
from tests.accounts import portfolio
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db


def colleague(name, *roles):
    """A further member of the desk."""
    teams = {team.code: team for team in Team.objects.all()}
    with ledger.action(teams["collections"].uid, "tests.joined", actor="tests", at=AT):
        return actors.staff(demo_people._person(DemoPerson(name, roles, ("collections",)), teams, at=AT))


def loses_role(username):
    user = User.objects.get(username=username)
    with ledger.action(user.uid, "tests.removed", actor="tests", at=AT):
        for held in RoleGrant.objects.filter(user=user, revoked_at=None):
            held.revoked_at = AT
            held.save()


def work():
    return jobrun.work(clock=lambda: AT, seconds=60)


def open_tasks():
    return list(Task.objects.filter(kind="batch_not_done", closed_at=None))


def chosen(people, count, monkeypatch, *, part=2):
    """A batch of which the work is asked for and not begun, in parts of so many."""
    for name in ("batch_part", "batch_file"):
        monkeypatch.setitem(limitation._limits(), name, part)
    placements.enter()
    numbers = placements.accounts(people, *(portfolio.row(number) for number in (0, 1, 2, 3, 5, 6)[:count]))
    return batches.build(numbers, agency_code=placements.CODE, actor=people[placements.ANALYST], at=AT)


def half_released(people, monkeypatch):
    """A batch of four, of which whoever released it lost the role after the first of two parts."""
    batch = chosen(people, 4, monkeypatch)
    work()
    batch.refresh_from_db()
    batches.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    assert jobrun.work(clock=lambda: AT, seconds=-1) == 1
    loses_role(placements.MANAGER)
    work()
    return batch


def test_a_part_that_was_not_released_is_a_task_and_another_manager_goes_on_in_their_own_name(people, monkeypatch):
    batch = half_released(people, monkeypatch)
    (task,) = open_tasks()
    assert (task.team.code, task.detail["batch"]) == ("collections", str(batch.uid))
    assert tasks.MORE[task.kind](task.detail) == "PL-2026-001 (Whoever asked for it may not do it any more)"
    assert (placements.by_state(batch)["released"][0], batches.waiting(batch).count()) == (2, 2)

    manager, digest = colleague("T. Iwu", "collections_manager"), batches.digest_of(batch)
    both = colleague("Q. Bramwell", "collections_analyst", "collections_manager")
    with nothing_written(), pytest.raises(NotAllowed):
        batches.go_on(batch, digest=digest, actor=people[placements.ANALYST], at=AT)
    with nothing_written(), pytest.raises(NotAllowed):
        batches.go_on(batch, digest=digest, actor=actors.staff(User.objects.get(username=placements.MANAGER)), at=AT)
    with nothing_written(), pytest.raises(batches.BatchRefused, match="Somebody else"):
        batches.go_on(batch, digest=digest, actor=placements.other_manager(people), at=AT)
    with nothing_written(), pytest.raises(batches.BatchRefused, match="changed while you were reading"):
        batches.go_on(batch, digest="0" * 64, actor=manager, at=AT)
    batches.go_on(batch, digest=digest, actor=manager, at=AT)
    with nothing_written(), pytest.raises(batches.BatchRefused, match="not ended yet"):
        batches.go_on(batch, digest=digest, actor=both, at=AT)
    work()

    assert placements.by_state(batch)["released"][0] == 4
    assert (BatchFile.objects.filter(kind="dca_place").count(), Release.objects.count()) == (2, 4)
    assert open_tasks() == []
    released = LedgerEvent.objects.filter(action="debt_placement.release").order_by("pk")
    assert [event.actor for event in released] == [people[placements.MANAGER].label] * 2 + [manager.label] * 2
    with nothing_written(), pytest.raises(jobs.JobRefused, match="Nothing is left"):
        batches.go_on(batch, digest=batches.digest_of(batch), actor=both, at=AT)


def test_a_building_that_was_stopped_is_gone_on_with_by_a_colleague_and_never_reads_as_going_on(people, monkeypatch):
    batch = chosen(people, 4, monkeypatch)
    jobrun.work(clock=lambda: AT, seconds=-1)
    jobs.stop(batches.work_of(batch).uid, actor=people[placements.ANALYST], at=AT)
    work()
    (task,) = open_tasks()
    assert tasks.MORE[task.kind](task.detail) == "PL-2026-001 (It was stopped)"
    manager = people[placements.MANAGER]
    with nothing_written(), pytest.raises(batches.BatchRefused, match="ended before all was done"):
        batches.release(batch, digest=batches.digest_of(batch), actor=manager, at=AT)
    with nothing_written(), pytest.raises(NotAllowed):
        batches.go_on(batch, digest="", actor=manager, at=AT)

    other = colleague("T. Iwu", "collections_analyst", "collections_manager")
    batches.go_on(batch, digest="", actor=other, at=AT)
    work()
    batch.refresh_from_db()
    assert (placements.by_state(batch)["in_batch"][0], open_tasks()) == (4, [])
    assert batch.digest == batches.digest_of(batch)
    # Whoever went on with the building had a part in it.
    with nothing_written(), pytest.raises(batches.BatchRefused, match="Somebody else"):
        batches.release(batch, digest=batch.digest, actor=other, at=AT)
    assert placements.release(batch, digest=batch.digest, actor=manager, at=AT) is not None


def test_of_three_who_built_a_batch_none_releases_it(people, monkeypatch):
    """One person may hold a maker's and a checker's role: the second of three does."""
    batch = chosen(people, 6, monkeypatch)
    both = ("collections_analyst", "collections_manager")
    builders = [people[placements.ANALYST], colleague("T. Iwu", *both), colleague("B. Okri", *both)]
    for builder, following in zip(builders, builders[1:], strict=False):
        jobrun.work(clock=lambda: AT, seconds=-1)
        jobs.stop(batches.work_of(batch).uid, actor=builder, at=AT)
        work()
        batches.go_on(batch, digest="", actor=following, at=AT)
    work()
    batch.refresh_from_db()
    assert placements.by_state(batch)["in_batch"][0] == 6
    for builder in builders[1:]:
        with nothing_written(), pytest.raises(batches.BatchRefused, match="Somebody else"):
            batches.release(batch, digest=batch.digest, actor=builder, at=AT)
    assert placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT) is not None


def test_a_building_that_was_stopped_after_its_last_part_is_ended_by_going_on(people, monkeypatch):
    batch = chosen(people, 2, monkeypatch)
    kind = jobs.KINDS["build_batch"]

    def stopping(job, subject, at):
        kind.do(job, subject, at)
        Job.objects.filter(pk=job.pk).update(state="stopping")

    monkeypatch.setitem(jobs.KINDS, "build_batch", replace(kind, do=stopping))
    work()
    job = batches.work_of(batch)
    assert (job.state, job.done, job.total) == ("stopped", 1, 1)
    batches.go_on(batch, digest="", actor=people[placements.ANALYST], at=AT)
    work()
    batch.refresh_from_db()
    assert (batches.work_of(batch).state, batch.digest) == ("done", batches.digest_of(batch))


def test_what_could_not_be_built_is_a_task_until_a_manager_releases_without_it(people, monkeypatch):
    batch = chosen(people, 4, monkeypatch)
    jobrun.work(clock=lambda: AT, seconds=-1)
    loses_role(placements.ANALYST)
    work()
    batch.refresh_from_db()
    assert (batches.work_of(batch).failed, len(open_tasks())) == (1, 1)
    placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    assert (open_tasks(), placements.by_state(batch)["released"][0]) == ([], 2)


def test_the_page_of_a_batch_says_why_and_offers_to_go_on(people, monkeypatch):
    batch = half_released(people, monkeypatch)
    colleague("T. Iwu", "collections_manager")
    address, manager = f"/debt/batches/{batch.uid}/", client_of("t.iwu")
    page = manager.get(address).text
    assert "Whoever asked for it may not do it any more." in page
    assert "Go on with what is left" in page
    assert "Go on with what is left" not in client_of("r.penhale").get(address).text
    assert (
        "A batch of debts was not built, or not released, to its end: PL-2026-001"
        in manager.get("/tasks/?view=team").text
    )
    assert manager.post(f"{address}go-on/", {"digest": "0" * 64}).status_code == 422
    assert manager.post(f"{address}go-on/", {"digest": batches.digest_of(batch)}).status_code == 302
    work()
    assert "Go on with what is left" not in manager.get(address).text


@pytest.mark.django_db(transaction=True)
def test_of_two_managers_at_once_one_goes_on_and_two_workers_release_each_part_once(people, monkeypatch):
    batch = half_released(people, monkeypatch)
    digest = batches.digest_of(batch)
    both = [colleague(name, "collections_manager") for name in ("T. Iwu", "Q. Bramwell")]
    start, ended = threading.Barrier(2), []

    def go_on(actor):
        try:
            start.wait(20)
            batches.go_on(batch, digest=digest, actor=actor, at=AT)
            ended.append(actor.label)
        except CaseError as refusal:
            ended.append(type(refusal))
        finally:
            connection.close()

    def finish(_actor):
        try:
            start.wait(20)
            work()
        finally:
            connection.close()

    for each in (go_on, finish):
        threads = [threading.Thread(target=each, args=(actor,)) for actor in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sum(label in ended for label in (actor.label for actor in both)) == 1
    assert LedgerEvent.objects.filter(stream=batch.uid, action="batch.gone_on").count() == 1
    assert placements.by_state(batch) == {"released": (4, placements.by_state(batch)["released"][1])}
    assert (BatchFile.objects.filter(kind="dca_place").count(), Release.objects.count()) == (2, 4)
    assert Placement.objects.values("file_uid").distinct().count() == 2
