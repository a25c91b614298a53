"""Workers killed in the middle of a part of a batch, built and released: nothing is lost, nobody is handed over twice.

One death among a few accounts in the suite; at length six among 300.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from backoffice.env import BASE_DIR
from cases.debt import batches, limitation
from cases.debt.models import Placement
from cases.kernel.background import jobrun
from cases.kernel.models import BatchFile, Case, Job, Letter, Release, Task
from cases.ledger import verify
from cases.ledger.models import LedgerEvent
from tests import factories, placements
from tests.accounts import portfolio
from tests.debt.test_placement import told
from tests.factories import AT
from tests.length import times

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
MANY, PART = times(4, 300), times(2, 25)
BUILD = times([], ["job_listed:1", "job_row:1", "job_row:6"])
RELEASE = times(["job_row:1"], ["job_listed:1", "job_row:3", "job_row:8"])
PROGRAM = """
import django; django.setup()
from datetime import datetime
from cases.debt import limitation
from cases.kernel import outbox
from cases.kernel.background import jobrun, jobs
for ringing in (jobs, outbox):
    ringing.install_doorbell(lambda: None)  # there is no broker, and nobody waits
limitation._limits().update(batch_part={part}, batch_file={part})
jobrun.work(clock=lambda: datetime.fromisoformat({at!r}), seconds=60)
"""


def die(failpoint):
    """Let a worker process work until it kills itself at its place; let its lease end."""
    place = connection.settings_dict
    url = f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}"
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.format(part=PART, at=AT.isoformat())],
        env=os.environ | {"DATABASE_URL": url, "BACKOFFICE_TEST_MODE": "1", "BACKOFFICE_FAILPOINT": failpoint},
        cwd=BASE_DIR,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == -signal.SIGKILL, finished.stderr.decode()
    job = Job.objects.latest("pk")
    print(f"{job.kind}: fell at {failpoint}, with {job.done} of {job.total} parts done")
    assert job.state == "running"
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def finish(failpoints):
    """Let workers die one after the other; this process, which nobody kills, does what is left."""
    for each in failpoints:
        die(each)
    jobrun.work(clock=lambda: AT, seconds=600)
    job = Job.objects.latest("pk")
    assert (job.state, job.done, job.failed) == ("done", MANY // PART, 0)


def acts(verb):
    """Return how often each case had an act, by how many cases had it so often."""
    events = LedgerEvent.objects.filter(action=f"debt_placement.{verb}").values_list("stream", flat=True)
    return Counter(Counter(events).values())


def test_a_killed_worker_leaves_every_account_in_the_batch_once_and_in_one_file(monkeypatch):
    for name in ("batch_part", "batch_file"):
        monkeypatch.setitem(limitation._limits(), name, PART)
    people = factories.office()
    placements.enter()
    numbers = placements.accounts(people, *(portfolio.row(number) for number in range(20, 20 + MANY)))
    batch = batches.build(numbers, agency_code=placements.CODE, actor=people[placements.ANALYST], at=AT)
    finish(BUILD)
    batch.refresh_from_db()
    assert (placements.by_state(batch)["in_batch"][0], Case.objects.filter(kind="debt_placement").count()) == (
        MANY,
        MANY,
    )
    assert (batch.digest, acts("batch")) == (batches.digest_of(batch), {1: MANY})

    batches.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    finish(RELEASE)
    lines = batches.lines_of(batch)
    assert (placements.by_state(batch)["released"][0], acts("release")) == (MANY, {1: MANY})
    assert sorted(each["reference"] for each in told("dca_place")) == [line.case.reference for line in lines]
    files = list(BatchFile.objects.filter(kind="dca_place").order_by("sequence_no"))
    assert [file.sequence_no for file in files] == list(range(1, MANY // PART + 1))
    for file in files:
        named = set(Placement.objects.filter(file_uid=file.uid).values_list("pk", flat=True))
        assert (len(named), set(Release.objects.filter(message=file.message).values_list("case_id", flat=True))) == (
            file.row_count,
            named,
        )
    assert not Letter.objects.exists()
    assert not Task.objects.filter(kind="batch_not_done").exists()
    assert [each for each in verify.verify_all(is_demo=True) if each.level == "wrong"] == []
