"""A sale is completed in the background: wholly or not at all, then line by line, whoever is killed meanwhile."""

import os
import random
import secrets
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from backoffice.env import BASE_DIR
from cases.accounts import uploads
from cases.accounts.models import BureauTold
from cases.debt import title
from cases.debt.sale import bids, bulk, completing, looking, moving, notices, prices, tapes
from cases.debt.sale.models import DebtSaleAccount, SaleNotice
from cases.kernel import edits
from cases.kernel.background import jobs
from cases.kernel.errors import NotVisible
from cases.kernel.models import BatchFile, Case, Job, JobRow, OutboxMessage
from cases.kernel.restricted import quietholds
from cases.kernel.transitions import CaseChanged, TransitionRefused
from cases.ledger import api as ledger
from cases.ledger.models import LedgerEvent
from cases.ledger.verify import verify_stream
from cases.web import asking
from tests import associations, factories, sales
from tests.accounts import portfolio
from tests.debt.test_placement import told
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.sales import LATER
from tests.web.desk import client_of

DEFAULTED = date(2026, 2, 2)


@pytest.fixture
def people(db):
    return factories.office()


def ask(case: Case, people, *, by=sales.FINANCE, **more) -> Case:
    return completing.ask(case.pk, "complete", actor=people[by], at=LATER, inputs=sales.paid(case) | more)


def job_of(case: Case, kind: str = "complete_sale") -> Job:
    return Job.objects.filter(kind=kind, key__startswith=str(case.uid)).latest("pk")


def stands(case: Case) -> Counter:
    return Counter(DebtSaleAccount.objects.filter(sale=case.pk).values_list("state", flat=True))


def test_whoever_has_the_money_asks_on_the_page_and_it_is_done_in_the_background(people, monkeypatch):
    monkeypatch.setattr(asking, "now", lambda: LATER)
    case = sales.ready(people)
    client, address = client_of(sales.FINANCE), f"/cases/{case.uid}/steps/complete/"
    typed = {"funds_pence": f"{prices.total(case.debt_sale) / 100:.2f}", "funds_date": AT.date().isoformat()}
    wrong = client.post(address, {**typed, "funds_pence": "1.00"})
    assert (wrong.status_code, "The price is" in wrong.text) == (409, True)
    assert not Job.objects.filter(kind="complete_sale").exists()

    page = client.post(address, typed, follow=True)
    assert "being done in the background" in page.text
    assert Case.objects.get(pk=case.pk).state == "approved"
    again = client.post(address, typed)
    assert (again.status_code, "being completed already" in again.text) == (422, True)
    sales.work(at=LATER)
    case = Case.objects.get(pk=case.pk)
    assert (case.state, stands(case)) == ("notices_issued", {"sold": 1})
    assert (case.debt_sale.funds_pence, case.debt_sale.completed_date) == (prices_of(case), LATER.date())
    assert len(told("final_tape")) == 1
    event = LedgerEvent.objects.get(stream=case.uid, action="debt_sale.complete")
    assert event.actor == people[sales.FINANCE].label
    assert {each.level for each in verify_stream(case.uid)} <= {"recorded late"}


def prices_of(case: Case) -> int:
    return sum(DebtSaleAccount.objects.filter(sale=case.pk).values_list("price_pence", flat=True))


def test_what_cannot_be_completed_is_not_asked_for(people):
    case = sales.ready(people)
    with nothing_written(), pytest.raises(TransitionRefused, match="The price is"):
        ask(case, people, funds_pence=1)
    with nothing_written(), pytest.raises(TransitionRefused, match="finance approver"):
        ask(case, people, by=sales.MANAGER)
    with nothing_written(), pytest.raises(CaseChanged):
        completing.ask(case.pk, "complete", actor=people[sales.FINANCE], at=LATER, inputs=sales.paid(case), version=1)
    ask(case, people)
    with nothing_written(), pytest.raises(completing.CompletionRefused, match="already"):
        ask(case, people)


def test_a_hold_after_it_was_asked_for_stops_it_whole(people):
    case = sales.ready(people)
    ask(case, people)
    secret = factories.referred(people)
    with ledger.action(secret.uid, "test.held", actor="staff:1", at=LATER):
        quietholds.place(secret, [quietholds.account_token(sales.newest_number())], blocks=["sell"], at=LATER)
    sales.work(at=LATER)
    job = job_of(case)
    assert (job.state, jobs.left_out(job)) == ("failed", [("failed", "look_refused", 1)])
    case = Case.objects.get(pk=case.pk)
    assert (case.state, case.debt_sale.funds_pence, stands(case)) == ("approved", None, {"in_pool": 1})
    assert OutboxMessage.objects.filter(kind__in=["final_tape", "assignment"]).count() == 0
    assert not Job.objects.filter(kind="move_sale_lines").exists()


def test_a_debt_is_the_buyers_from_the_completion_on_and_its_line_says_so_once_its_part_is_done(people):
    case = sales.sold(people)
    (line,) = DebtSaleAccount.objects.filter(sale=case.pk)
    assert (line.state, line.price_pence) == ("in_pool", None)
    assert [each.code for each in title.buyers([line.account_id]).values()] == [sales.BUYER]
    assert moving.marks([line.account_id]) == {line.account_id: frozenset({"sold"})}
    assert SaleNotice.objects.count() == 0
    sales.work(at=LATER)
    line.refresh_from_db()
    assert (line.state, line.price_pence) == ("sold", prices.price_of(line.balance_pence, 950))
    assert [each.code for each in title.buyers([line.account_id]).values()] == [sales.BUYER]
    assert moving.marks([line.account_id]) == {line.account_id: frozenset({"sold"})}
    assert SaleNotice.objects.filter(line=line).count() == 2  # it has two holders


def _pool(people, many: int, *, default: date, work: Callable[[], object] = sales.work) -> Case:
    """Return a pool of many accounts that is cut off, chosen by the day of their default; the fourth is stopped, each
    tenth has two holders."""
    sales.enter()
    first = default.toordinal() % 1000 * 1000
    rows = [
        portfolio.row(number, account=f"84{first + number:08d}", default_date=default.isoformat())
        for number in range(1, many + 1)
    ]
    rows[3]["flags"] = "iva:2026-02-10"
    uploads.take([portfolio.file(rows)], actor=people[sales.ANALYST], at=AT)
    work()
    case = sales.looked(sales.pool_of(people, defaulted_from=default, defaulted_until=default), people)
    case = sales.taped(sales.moved(case, "run_exclusions", people[sales.MANAGER]), people)
    case = sales.moved(case, "publish", people[sales.MANAGER], bidders=[sales.BUYER])
    case = sales.agreed_to(case, people, sales.PROTECTION)
    bids.note(case, sales.BUYER, 950, AT.date(), actor=people[sales.MANAGER], at=AT)
    case = sales.moved(case, "prefer", people[sales.MANAGER], bid="1", **sales.SHOWN)
    case = sales.agreed_to(sales.moved(case, "sign", people[sales.COUNSEL], **sales.SIGNED), people, sales.FINANCE)
    return sales.moved(case, "cut_off", people[sales.MANAGER])


def test_it_is_done_in_parts_and_what_was_stopped_goes_on_where_it_stood(people, monkeypatch):
    monkeypatch.setattr(looking, "PART", 3)
    case = _approved(_pool(people, 12, default=DEFAULTED), people)
    ask(case, people)
    completed = []

    def stop_after_two(job, subject, at, do=bulk.KIND.do):
        do(job, subject, at)
        completed.append(subject)
        if len(completed) == 2:
            jobs.stop(job.uid, actor=people[sales.MANAGER], at=at)

    monkeypatch.setitem(jobs.KINDS, "move_sale_lines", replace_do(bulk.KIND, stop_after_two))
    sales.work(at=LATER)
    job = job_of_lines(case)
    assert (job.state, job.done, job.total, stands(case)) == ("stopped", 2, 4, {"sold": 6, "in_pool": 5, "excluded": 1})
    assert SaleNotice.objects.count() == 0
    assert owed(case) == [("move_sale_lines", str(job.uid))]
    monkeypatch.setitem(jobs.KINDS, "move_sale_lines", bulk.KIND)
    with nothing_written(), pytest.raises(NotVisible):
        jobs.resume(job.uid, actor=people[sales.ANALYST], at=LATER)
    jobs.resume(job.uid, actor=people[sales.FINANCE], at=LATER)
    assert len(owed(case)) == 1  # until it has ended well
    sales.work(at=LATER)
    assert owed(case) == []
    assert stands(case) == {"sold": 11, "excluded": 1}
    assert Case.objects.get(pk=case.pk).state == "notices_issued"
    assert SaleNotice.objects.count() == 12


def owed(case: Case) -> list[tuple[str, str]]:
    """Return the work of which a case's team was told that it is not done."""
    found = case.tasks.filter(kind="work_not_done", closed_at=None, team=case.team)
    return [(each.detail["work"], each.detail["job"]) for each in found]


@pytest.mark.parametrize("kind", [bulk.KIND, notices.KIND, moving.KIND], ids=lambda kind: kind.code)
def test_what_follows_and_fails_is_the_whole_desks_to_go_on_with_and_told_once(people, monkeypatch, kind):
    case = sales.ready(people)
    case = sales.moved(case, "complete", people[sales.FINANCE], at=LATER, **sales.paid(case))

    def broken(_job, _subject, _at):
        raise ValueError("a fault")

    monkeypatch.setitem(jobs.KINDS, kind.code, replace_do(kind, broken))
    sales.work(at=LATER)
    if kind is moving.KIND:
        case = sales.moved(Case.objects.get(pk=case.pk), "migrate", people[sales.STEWARD], at=LATER)
        _told_of(case)
        case = sales.agreed_to(case, people, sales.DATA_APPROVER, at=LATER)
        sales.work(at=LATER)
    (job,) = Job.objects.filter(kind=kind.code, key__startswith=str(case.debt_sale.uid))
    assert (job.asked_by, job.failed) == (None, 1)
    assert owed(case) == [(kind.code, str(job.uid))]
    jobs.resume(job.uid, actor=people[sales.MANAGER], at=LATER)
    sales.work(at=LATER)
    assert owed(case) == [(kind.code, str(job.uid))]  # it failed again: one task still

    page = client_of(sales.FINANCE).get(f"/cases/{case.uid}/").text
    assert f"/jobs/{job.uid}/" in page
    assert "Try what failed again" in client_of(sales.FINANCE).get(f"/jobs/{job.uid}/").text
    assert client_of(sales.COUNSEL).get(f"/jobs/{job.uid}/").status_code == 404
    task = case.tasks.get(kind="work_not_done", closed_at=None)
    with nothing_written(), pytest.raises(edits.EditRefused, match="gone on with"):
        edits.close_task(case.pk, task.pk, actor=people[sales.MANAGER], at=LATER, reason="Away with it.")

    monkeypatch.setitem(jobs.KINDS, kind.code, kind)
    jobs.resume(job.uid, actor=people[sales.FINANCE], at=LATER)
    sales.work(at=LATER)
    case = Case.objects.get(pk=case.pk)
    assert (case.state, owed(case)) == ("warranty_open" if kind is moving.KIND else "notices_issued", [])
    assert SaleNotice.objects.filter(line__sale=case.pk).count() == 2
    assert case.is_dormant == (kind is moving.KIND)


def _told_of(case: Case) -> None:
    """Let a credit agency have the account of a sale."""
    associations.enter()
    (line,) = DebtSaleAccount.objects.filter(sale=case.pk).select_related("account")
    with ledger.action(case.uid, "test.told", actor="system:tests", at=LATER):
        BureauTold.objects.create(
            account=line.account,
            agency_id=associations.bureau().agency_id,
            status="8",
            balance_pence=line.balance_pence,
            told_at=LATER,
            default_date=line.account.default_date,
        )


def replace_do(kind: jobs.Kind, do) -> jobs.Kind:
    return replace(kind, do=do)


def job_of_lines(case: Case) -> Job:
    return Job.objects.get(kind="move_sale_lines", key=f"{case.debt_sale.uid}:sell")


def _approved(case: Case, people) -> Case:
    """Give a pool that is cut off its tape, three approvals and its last look."""
    case = sales.moved(sales.taped(case, people), "build_tape", people[sales.MANAGER])
    case = sales.moved(case, "approve", people[sales.MANAGER])
    case = sales.agreed_to(case, people, sales.FINANCE, sales.PROTECTION)
    return sales.looked(case, people, at=LATER)


# --- With real processes -------------------------------------------------------------------------------------------

MANY = 23
PROGRAM = """
import django; django.setup()
from datetime import datetime
from cases.debt.sale import looking, notices, tapes
from cases.kernel.background import jobrun
looking.PART = tapes.PART = notices.PART = 4
jobrun.work(clock=lambda: datetime.fromisoformat({at!r}), seconds=60)
"""


def worker(failpoint: str, *, at: datetime) -> int:
    """Run a whole worker process until nothing is to do; return its exit code."""
    place = connection.settings_dict
    url = f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}"
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.format(at=at.isoformat())],
        env=os.environ | {"DATABASE_URL": url, "BACKOFFICE_TEST_MODE": "1", "BACKOFFICE_FAILPOINT": failpoint},
        cwd=BASE_DIR,
        capture_output=True,
        timeout=300,
        check=False,
    )
    if finished.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(finished.stderr.decode())
    return finished.returncode


def done(failpoints: Sequence[str], *, at: datetime) -> None:
    """Let workers do what is to do, each killed at its place; this process, which nobody kills, does what is left."""
    for place in failpoints:
        assert worker(place, at=at) == -signal.SIGKILL, place
        rows = JobRow.objects.filter(job__state="running").values_list("job__kind", "state")
        print(f"fell at {place}: {dict(Counter(rows))}")
        Job.objects.filter(state="running").update(lease_until=timezone.now() - timedelta(seconds=1))
    sales.work(at=at)


def outcome(case: Case) -> dict:
    """Return everything that a sale has come to: lines, files, letters, holders, acts."""
    lines = DebtSaleAccount.objects.filter(sale=case.pk).order_by("number")
    return {
        "state": Case.objects.get(pk=case.pk).state,
        "lines": list(lines.values_list("number", "state", "stopped_by", "balance_pence", "price_pence")),
        "history": DebtSaleAccount.history.filter(sale=case.pk).count(),
        "notices": list(
            SaleNotice.objects.filter(line__sale=case.pk)
            .order_by("line__number", "party__number")
            .values_list("line__number", "party__number", "letter__template", "assigned_date")
        ),
        "people": case.parties.count(),
        "files": list(
            BatchFile.objects.filter(message__case=case).order_by("pk").values_list("kind", "row_count", "total_pence")
        ),
        "tapes": list(case.debt_sale.tapes.order_by("number").values_list("kind", "row_count", "total_pence")),
        "acts": Counter(LedgerEvent.objects.filter(stream=case.uid).values_list("action", flat=True)),
    }


def to_the_end(people, default: date, kills: dict[str, list[str]]) -> Case:
    """Take a pool in and sell it; each stage is done by processes that are killed as it says."""
    case = _pool(people, MANY, default=default, work=partial(done, kills.get("import", ()), at=AT))
    tapes.ask(case, actor=people[sales.MANAGER], at=LATER)
    done(kills.get("tape", ()), at=LATER)
    case = sales.moved(Case.objects.get(pk=case.pk), "build_tape", people[sales.MANAGER], at=LATER)
    case = sales.moved(case, "approve", people[sales.MANAGER], at=LATER)
    case = sales.agreed_to(case, people, sales.FINANCE, sales.PROTECTION, at=LATER)
    later = LATER + timedelta(minutes=1)
    looking.ask(case, actor=people[sales.MANAGER], at=later)
    done(kills.get("look", ()), at=later)
    case = Case.objects.get(pk=case.pk)
    completing.ask(case.pk, "complete", actor=people[sales.FINANCE], at=later, inputs=sales.paid(case))
    done(kills.get("complete", ()), at=later)
    return Case.objects.get(pk=case.pk)


@pytest.mark.faults
@pytest.mark.timeout(1200)
@pytest.mark.django_db(transaction=True)
def test_workers_killed_at_six_random_points_of_a_sale_leave_the_very_same_sale(monkeypatch):
    seed = int(os.environ.get("BACKOFFICE_DRAW") or secrets.randbelow(10**9))
    chance = random.Random(seed)  # noqa: S311 -- a draw that can be made again
    print(f"\ndrawn with BACKOFFICE_DRAW={seed}")
    people = factories.office()
    for module in (uploads, looking, tapes, notices):
        monkeypatch.setattr(module, "PART", 4)
    # Each stage has six rows of work; the completion one, and after it six parts of lines and six of notices. What was
    # done before a kill is not done again, so that the last one finds fewer parts of lines.
    in_lines = chance.randint(2, 6)
    kills = {
        **{stage: [f"job_row:{chance.randint(1, 5)}"] for stage in ("import", "tape", "look")},
        "complete": ["job_row:1", f"job_row:{in_lines}", f"job_row:{chance.randint(9 - in_lines, 13 - in_lines)}"],
    }
    killed = outcome(to_the_end(people, DEFAULTED, kills))
    left_alone = outcome(to_the_end(people, DEFAULTED + timedelta(days=1), {}))
    assert killed == left_alone
    assert killed["state"] == "notices_issued"
    assert Counter(state for _, state, *_ in killed["lines"]) == {"sold": MANY - 1, "excluded": 1}
    assert len(killed["notices"]) == MANY - 1 + 2  # of the twenty-two sold two have two holders
    assert [kind for kind, *_ in killed["files"]] == ["bid_tape", "final_tape", "assignment"]


def test_a_tape_that_was_made_anew_while_it_was_sealed_is_not_what_the_buyer_is_given(people, monkeypatch):
    case = sales.ready(people)
    ask(case, people)
    make, held = completing.messages.make_ready, []

    def overtaken(*args, **kwargs):
        ready = make(*args, **kwargs)
        if not held:
            held.append(ready)
            return completing.messages.ReadyTape(ready.tape - 1, ready.file)
        return ready

    monkeypatch.setattr(completing.messages, "make_ready", overtaken)
    sales.work(at=LATER)
    assert stands(Case.objects.get(pk=case.pk)) == {"sold": 1}
    assert len(held) == 1 and len(told("final_tape")) == 1
