"""Notices of assignment by the thousand: asked for by a job, then set as PDF by a worker of its own, whose pace and
peak memory are printed as it goes on.

The suite writes a few; `make soak` a thousand, or BACKOFFICE_NOTICES of them. Figures are read, never asserted; what is
asserted is that every holder has a letter that says what it must, and that memory does not grow with their number.
"""

import json
import os
import subprocess
import sys
import time

import pytest
from django.db import connection

from backoffice.env import BASE_DIR
from cases.debt.sale import bids
from cases.debt.sale.models import SaleNotice
from cases.kernel.models import Case, Letter
from cases.ledger.reads import Reader
from cases.reports import letters
from tests import factories, sales
from tests.accounts import portfolio
from tests.factories import AT
from tests.length import times
from tests.reports import reading

MANY = int(os.environ.get("BACKOFFICE_NOTICES", times(12, 1000)))
MOST_MEGABYTES = 400
PROGRAM = """
import json, resource, time
import django; django.setup()
from datetime import datetime
from django.conf import settings
from cases.kernel import outbox
from cases.kernel.background import jobrun, jobs
from cases.kernel.models import Letter
from cases.reports import letters
for ringing in (jobs, outbox):
    ringing.install_doorbell(lambda: None)  # there is no broker, and nobody waits
settings.DEMO = True  # which shows addresses that nobody entered
at = datetime.fromisoformat({at!r})
def peak():
    # What getrusage tells as the peak may be that of the process which started this one.
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))) // 1024
def told(what, count, began):
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = round(sum(each.ru_utime + each.ru_stime for each in used), 1)
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({{"what": what, "count": count, "seconds": seconds, "megabytes": peak(), "cpu": cpu}}), flush=True)
began = time.monotonic()
jobrun.work(clock=lambda: at, seconds=36000)
told("ask for the notices", Letter.objects.filter(template__startswith="sale_n7").count(), began)
began, done = time.monotonic(), 0
while made := letters.make_due_letters(now=at):
    done += made
    told("write them", done, began)
"""


def sold(people):
    """Take a pool of all accounts to its completion; the lines are about to be sold."""
    manager, finance = people[sales.MANAGER], people[sales.FINANCE]
    case = sales.looked(sales.pool_of(people), people)
    case = sales.taped(sales.moved(case, "run_exclusions", manager), people)
    case = sales.agreed_to(sales.moved(case, "publish", manager, bidders=[sales.BUYER]), people, sales.PROTECTION)
    bids.note(case, sales.BUYER, 950, AT.date(), actor=manager, at=AT)
    case = sales.moved(case, "prefer", manager, bid="1", **sales.SHOWN)
    case = sales.agreed_to(sales.moved(case, "sign", people[sales.COUNSEL], **sales.SIGNED), people, sales.FINANCE)
    case = sales.taped(sales.moved(case, "cut_off", manager), people)
    case = sales.moved(sales.moved(case, "build_tape", manager), "approve", manager)
    case = sales.looked(sales.agreed_to(case, people, sales.FINANCE, sales.PROTECTION), people, at=sales.LATER)
    return sales.moved(case, "complete", finance, at=sales.LATER, **sales.paid(case))


@pytest.mark.timeout(36000)
@pytest.mark.django_db(transaction=True)
def test_a_thousand_notices_are_written_with_progress_in_the_memory_of_a_few():
    people = factories.office()
    sales.enter()
    rows = [portfolio.row(number, account=f"84{20_000_000 + number}") for number in range(MANY)]
    began = time.monotonic()
    sales.take_in(people, *rows)
    case = sold(people)
    print(f"\nsold: {MANY} accounts in {time.monotonic() - began:.0f} s", flush=True)
    place = connection.settings_dict
    url = f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}"
    told = []
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.format(at=sales.LATER.isoformat())],
        env=os.environ | {"DATABASE_URL": url},
        cwd=BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        for line in worker.stdout:
            each = json.loads(line)
            told.append(each)
            pace = each["count"] / max(each["seconds"], 0.1)
            print(
                f"{each['what']}: {each['count']} in {each['seconds']} s, {pace:.1f}/s, {each['cpu']} CPU-s,", end=" "
            )
            print(f"peak {each['megabytes']} MB", flush=True)
    assert worker.returncode == 0
    case = Case.objects.get(pk=case.pk)
    notices = SaleNotice.objects.filter(line__sale=case.pk).select_related("letter__blob", "letter__party")
    assert notices.count() >= MANY
    assert set(Letter.objects.filter(case=case).values_list("state", flat=True)) == {"rendered"}
    assert told[-1]["megabytes"] < MOST_MEGABYTES
    reader = Reader(actor="tests", verb="read", purpose="tests")
    for notice in notices.order_by("pk")[:2]:
        text = reading.text_of(letters.open_letter(notice.letter, reader=reader, at=sales.LATER))
        assert "assign" in text.casefold()
        assert f"{notice.assigned_date:%-d %B %Y}" in " ".join(text.split())
