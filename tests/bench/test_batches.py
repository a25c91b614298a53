"""A batch of thousands for one agency: built, released and sent, each by a worker of its own whose pace and peak memory
are printed.

The suite does it with a few accounts; `make soak` with 5,000, or BACKOFFICE_PLACED of them. Figures are read, never
asserted; what is asserted is that all came through, that the page stays as small, and that memory does not grow.
"""

import json
import os
import subprocess
import sys

import pytest
from django.db import connection

from backoffice.env import BASE_DIR
from cases.debt import batches
from cases.kernel.models import BatchFile, Job
from tests import factories, placements
from tests.accounts import portfolio
from tests.factories import AT
from tests.length import times
from tests.web.desk import client_of
from tests.web.test_queries import statements

MANY = int(os.environ.get("BACKOFFICE_PLACED", times(60, 5000)))
MOST_MEGABYTES = 250
PROGRAM = """
import json, resource, time
import django; django.setup()
from datetime import datetime
from django.db import transaction
from cases.debt import batches
from cases.kernel import outbox
from cases.kernel.background import jobrun, jobs
from cases.kernel.models import BatchFile
for ringing in (jobs, outbox):
    ringing.install_doorbell(lambda: None)  # there is no broker, and nobody waits
at, began = datetime.fromisoformat({at!r}), time.monotonic()
if {is_sending}:
    for file in BatchFile.objects.filter(kind="dca_place").order_by("pk"):
        with transaction.atomic():  # as whoever delivers it does
            batches.sent(file, "delivered", at)
else:
    jobrun.work(clock=lambda: at, seconds=36000)
used = resource.getrusage(resource.RUSAGE_SELF)
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({{"seconds": time.monotonic() - began, "megabytes": int(peak) // 1024,
                  "cpu": used.ru_utime + used.ru_stime}}))
"""


def stage(name: str, *, is_sending: bool = False) -> None:
    """Let one worker process do what is to do; print how fast it was, and how much memory it needed."""
    place = connection.settings_dict
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.format(at=AT.isoformat(), is_sending=is_sending)],
        env=os.environ | {"DATABASE_URL": f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}"},
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        timeout=36000,
        check=True,
    )
    told = json.loads(finished.stdout.splitlines()[-1])
    pace = MANY / told["seconds"]
    print(f"{name}: {MANY} in {told['seconds']:.1f} s, {pace:.1f}/s, {told['cpu']:.0f} CPU-s, {told['megabytes']} MB")
    assert told["megabytes"] < MOST_MEGABYTES, name
    assert not Job.objects.exclude(state="done").exists()
    assert not Job.objects.filter(failed__gt=0).exists()


@pytest.mark.timeout(36000)
@pytest.mark.django_db(transaction=True)
def test_a_batch_of_thousands_is_built_released_and_sent_part_by_part():
    people = factories.office()
    placements.enter()
    rows = [portfolio.row(number, account=f"81{30_000_000 + number}") for number in range(MANY)]
    numbers = placements.accounts(people, *rows)
    print()
    batch = batches.build(numbers, agency_code=placements.CODE, actor=people[placements.ANALYST], at=AT)
    stage("build: every exclusion, a case for each")
    batch.refresh_from_db()
    assert placements.by_state(batch)["in_batch"][0] == MANY
    client = client_of("c.adebayo")
    assert len(statements(client, f"/debt/batches/{batch.uid}/")) == 11
    batches.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    stage("release: every exclusion again, files and letters promised")
    files = BatchFile.objects.filter(kind="dca_place")
    assert (files.count(), sum(file.row_count for file in files)) == (-(-MANY // 200), MANY)
    stage("note that the files have left", is_sending=True)
    assert placements.by_state(batch)["sent"] == (MANY, sum(int(row["balance_pence"]) for row in rows))
