"""A whole portfolio goes through: taken in, taken in changed, looked at, taped, looked at again, completed, each by a
worker of its own, whose pace and peak memory are printed beside raw COPY of the same lines.

The suite does it with a few accounts; `make soak` with 100,000, or BACKOFFICE_ACCOUNTS of them. Figures are read, never
asserted; what is asserted is that everything came through, and that memory does not grow with the portfolio.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection

from backoffice.env import BASE_DIR
from cases.accounts import uploads
from cases.accounts.models import Account
from cases.debt.sale import bids, completing, looking, prices, tapes
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel.models import BatchFile, Case, Job
from tests import factories, sales
from tests.accounts import portfolio
from tests.factories import AT
from tests.length import times
from tests.sales import LATER

MANY = int(os.environ.get("BACKOFFICE_ACCOUNTS", times(300, 100_000)))
# The whole process, Django and all. Whoever completes holds the file of the tape, some two kilobytes of each account.
MOST_MEGABYTES = 250 + MANY // 500
PROGRAM = """
import json, resource, time
import django; django.setup()
from datetime import datetime
from cases.debt.sale import bulk
from cases.kernel.background import jobrun
bulk.AFTER = {{}}  # the notices of a hundred thousand are another hour
at, began = datetime.fromisoformat({at!r}), time.monotonic()
rows = jobrun.work(clock=lambda: at, seconds={seconds})
used = resource.getrusage(resource.RUSAGE_SELF)
# What getrusage tells as the peak may be that of the process which started this one.
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({{"seconds": time.monotonic() - began, "parts": rows, "megabytes": int(peak) // 1024,
                  "cpu": used.ru_utime + used.ru_stime}}))
"""


def stage(name: str, *, at: datetime, seconds: int = 36000, program: str = PROGRAM) -> int:
    """Let one worker process do what is to do, or one part of it where it has no second. Print how fast it was, and how
    much memory it needed; return that in megabytes."""
    place = connection.settings_dict
    url = f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}"
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program.format(at=at.isoformat(), seconds=seconds)],
        env=os.environ | {"DATABASE_URL": url},
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        timeout=36000,
        check=True,
    )
    told = json.loads(finished.stdout.splitlines()[-1])
    failed = list(Job.objects.filter(state="failed").values_list("kind", "reason"))
    tell(name, told["seconds"], f"{told['cpu']:.0f} CPU-s, peak {told['megabytes']} MB, {told['parts']} parts")
    assert told["megabytes"] < MOST_MEGABYTES, name
    assert failed == []
    return int(told["megabytes"])


def tell(name: str, seconds: float, more: str = "") -> None:
    print(f"{name}: {MANY} in {seconds:.1f} s, {MANY / seconds:,.0f} rows/s. {more}", flush=True)


def chunks(**changes: str) -> Iterator[bytes]:
    """Yield the file of a portfolio a thousand rows at a time."""
    for first in range(0, MANY, 1000):
        part = portfolio.file([portfolio.row(number, **changes) for number in range(first, min(first + 1000, MANY))])
        yield part if first == 0 else part.partition(b"\n")[2]


def raw_copy() -> None:
    """Copy as many rows as a sale has lines, with the same columns and without index, key or history."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE raw_lines AS SELECT * FROM cases_debtsaleaccount WITH NO DATA")
        cursor.execute("SELECT * FROM cases_debtsaleaccount ORDER BY id LIMIT 1")
        row = [json.dumps(each) if isinstance(each, list) else each for each in cursor.fetchone()]
        began = time.monotonic()
        with cursor.copy("COPY raw_lines FROM STDIN") as copy:
            for _ in range(MANY):
                copy.write_row(row)
    tell("raw COPY of lines", time.monotonic() - began)


@pytest.mark.timeout(36000)
@pytest.mark.django_db(transaction=True)
def test_a_portfolio_goes_through_part_by_part():
    people = factories.office()
    manager, finance = people[sales.MANAGER], people[sales.FINANCE]
    sales.enter()
    began = time.monotonic()
    uploads.take(chunks(), actor=people[sales.ANALYST], at=AT)
    tell("\nseal the upload", time.monotonic() - began)
    stage("take in", at=AT)
    assert Account.objects.count() == MANY
    uploads.take(chunks(as_of="2026-03-02", fees_pence="100"), actor=people[sales.ANALYST], at=AT)
    stage("take in again, each changed", at=AT)
    assert Account.objects.filter(fees_pence=100).count() == MANY
    case = sales.pool_of(people)
    looking.ask(case, actor=manager, at=AT)
    stage("first look", at=AT)
    case = sales.moved(case, "run_exclusions", manager)
    raw_copy()
    tapes.ask(case, actor=manager, at=AT)
    stage("tape for bidders", at=AT)
    case = sales.agreed_to(sales.moved(case, "publish", manager, bidders=[sales.BUYER]), people, sales.PROTECTION)
    bids.note(case, sales.BUYER, 950, AT.date(), actor=manager, at=AT)
    case = sales.moved(case, "prefer", manager, bid="1", **sales.SHOWN)
    case = sales.agreed_to(sales.moved(case, "sign", people[sales.COUNSEL], **sales.SIGNED), people, sales.FINANCE)
    case = sales.moved(case, "cut_off", manager)
    tapes.ask(case, actor=manager, at=AT)
    stage("tape for the buyer", at=AT)
    case = sales.moved(sales.moved(case, "build_tape", manager), "approve", manager)
    case = sales.agreed_to(case, people, sales.FINANCE, sales.PROTECTION)
    looking.ask(case, actor=manager, at=LATER)
    stage("look again", at=LATER)
    later = LATER + timedelta(minutes=1)
    began = time.monotonic()
    completing.ask(case.pk, "complete", actor=finance, at=later, inputs=sales.paid(case))
    tell("ask for the completion (the page)", time.monotonic() - began)
    stage("complete", at=later, seconds=0)
    stage("mark the lines as sold", at=later)

    case = Case.objects.get(pk=case.pk)
    lines = DebtSaleAccount.objects.filter(sale=case.pk)
    assert (case.state, lines.filter(state="sold").count(), lines.count()) == ("completed", MANY, MANY)
    file = BatchFile.objects.get(kind="final_tape")
    assert (file.row_count, file.total_pence) == (MANY, sum(5000 + number for number in range(MANY)))
    owed = lines.values_list("balance_pence", flat=True)
    assert case.debt_sale.funds_pence == sum(prices.price_of(pence, 950) for pence in owed)
