"""Ten thousand cases whose time is over: proposed, agreed to, and erased by a worker of its own whose pace and peak
memory are printed as it goes on.

`make soak` does 2,000, or BACKOFFICE_ERASED of them; `seed_volume` makes them. Figures are read, never asserted; what
is asserted is that all that may go is gone, that the chains verify, and that memory does not grow with their number.
"""

import json
import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from backoffice.env import BASE_DIR
from cases.fraud import demo
from cases.kernel import actors
from cases.kernel.calendars import london_date
from cases.kernel.disposal import disposals, overdue
from cases.kernel.models import Case, JobRow, User
from cases.ledger.models import DataKey
from cases.ledger.verify import verify_stream
from cases.management.commands import seed_volume

MANY = int(os.environ.get("BACKOFFICE_ERASED", 2000))
MOST_MEGABYTES = 400
# Closed without a filing, refused, and expired: the last have messages, letters and clocks.
ENDED = tuple((1, demo.PLAN[place][1]) for place in (16, 17, 18))
PROGRAM = """
import json, resource, time
import django; django.setup()
from datetime import datetime
from cases.kernel.background import jobrun, jobs
from cases.kernel.models import Job
jobs.install_doorbell(lambda: None)  # there is no broker, and nobody waits
at = datetime.fromisoformat({at!r})
def peak():
    # What getrusage tells as the peak may be that of the process which started this one.
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))) // 1024
began = time.monotonic()
while jobrun.work(clock=lambda: at, seconds=60):
    job = Job.objects.get(kind="erase_what_is_over")
    cpu = resource.getrusage(resource.RUSAGE_SELF)
    said = {{"done": job.done, "skipped": job.skipped, "failed": job.failed, "megabytes": peak()}}
    said |= {{"seconds": round(time.monotonic() - began, 1), "cpu": round(cpu.ru_utime + cpu.ru_stime, 1)}}
    print(json.dumps(said), flush=True)
"""


def timed(what, do):
    began = time.monotonic()
    found = do()
    print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)
    return found


def actor(name):
    return actors.staff(User.objects.get(username=name))


@pytest.mark.timeout(36000)
@pytest.mark.django_db(transaction=True)
def test_ten_thousand_cases_whose_time_is_over_are_erased_in_the_memory_of_a_few(settings, monkeypatch):
    settings.DEMO = True
    monkeypatch.setattr(seed_volume, "WAYS", ENDED)
    monkeypatch.setattr(seed_volume, "PENDING", (0, ()))
    timed("\nseeded", lambda: call_command("seed_volume", cases=MANY, variants=1, workers=0))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does within a minute: the tests' database has none
    at = timezone.now() + timedelta(days=8 * 366)
    kind, today = "fraud_referral", london_date(at)
    due = timed("the page that says what is over", lambda: overdue.next_due(kind, today=today))
    last = {"last_date": due.last_date, "actor": actor("d.osei"), "at": at}
    row = timed("propose it", lambda: disposals.propose(kind, **last))
    officer = {"is_agreed": True, "actor": actor("j.merriweather"), "at": at}
    timed("agree to it", lambda: disposals.decide(row.uid, **officer))

    place = connection.settings_dict
    url = f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}"
    told = []
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.format(at=at.isoformat())],
        env=os.environ | {"DATABASE_URL": url},
        cwd=BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        for line in worker.stdout:
            told.append(json.loads(line))
            pace = told[-1]["done"] / max(told[-1]["seconds"], 0.1)
            print(f"{told[-1]}, {pace:.1f}/s", flush=True)
    assert worker.returncode == 0

    row.refresh_from_db()
    assert (row.job.state, row.job.failed, row.job.done + row.job.skipped) == ("done", 0, due.count + due.people)
    assert JobRow.objects.filter(job=row.job, state="pending").count() == 0
    erased = Case.objects.filter(is_erased=True)
    assert erased.exists() and not DataKey.objects.filter(pk__in=erased.values("key"), destroyed_at=None).exists()
    for case in erased.order_by("?")[:5]:
        # The clock of this test is years ahead of the database's, which is all that may be wrong.
        assert not {each.column for each in verify_stream(case.uid, is_demo=True)} - {"at", "recorded_at"}
    assert told[-1]["megabytes"] < MOST_MEGABYTES
