"""How a monthly file leaves: its rows are put into the store while the case is free, then promised in one act."""

import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from cases.credit.files import sending, taking
from cases.credit.files.models import CreditFile, CreditFileCopy
from cases.kernel import actors, holds, locks
from cases.kernel.background import jobrun
from cases.kernel.background.jobs import Outdated
from cases.kernel.exchange import files
from cases.kernel.models import BatchFile, Case, Job, Release, StoredBlob, User
from cases.ledger import api as ledger
from tests import creditfiles, defaults, factories
from tests.agencies.stage import wait_for
from tests.credit.test_files import report
from tests.credit.test_files_beside import AT, NEXT
from tests.kernel.snapshots import nothing_written
from tests.kernel.test_jobs import worker

pytestmark = pytest.mark.django_db(transaction=True)


def work(at=NEXT):
    jobrun.work(clock=lambda: at, seconds=120)


@pytest.fixture
def approved():
    """A file of two accounts that is approved and waits for a worker."""
    people = factories.office()
    creditfiles.enter()
    case = creditfiles.opened(at=AT)
    for number in (1, 2):
        defaults.told(at=AT, payments_behind="1", balance_pence=str(3800 * number))
    Job.objects.all().delete()
    creditfiles.step(case, "extract", people[creditfiles.STEWARD], AT, effective_date=AT.date())
    work(AT)
    creditfiles.step(case, "sign", people[creditfiles.STEWARD], AT)
    given = {"rows": 2, "total_pence": 11400}
    return creditfiles.step(case, "approve", people[creditfiles.APPROVER], NEXT, **given)


def is_free(pk):
    """Say whether the case can be locked at once, from a connection of its own."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT id FROM cases_case WHERE id = %s FOR UPDATE NOWAIT", [pk])
            return True
    except OperationalError:
        return False
    finally:
        connection.close()


def test_the_case_is_free_while_its_parts_are_read_and_put_into_the_store(approved, monkeypatch):
    free, read = [], taking.rows_of

    def rows_of(part, **named):
        with ThreadPoolExecutor(1) as aside:
            free.append((aside.submit(is_free, approved.pk).result(), connection.in_atomic_block))
        return read(part, **named)

    monkeypatch.setattr(taking, "rows_of", rows_of)
    work()
    assert Case.objects.get(pk=approved.pk).state == "transmitted"
    assert free == [(True, False)] * 2  # once to send it, once to keep the month of each account


def test_a_worker_that_ends_between_the_store_and_the_promise_sends_the_file_once(approved):
    assert worker("job_made_ready:1") == -signal.SIGKILL
    assert (Case.objects.get(pk=approved.pk).state, BatchFile.objects.count()) == ("approved", 0)
    assert not Release.objects.filter(message_kind="cra_file").exists()
    Job.objects.filter(kind=sending.SEND).update(lease_until=timezone.now() - timedelta(seconds=1))
    work()
    assert Case.objects.get(pk=approved.pk).state == "transmitted"
    assert Release.objects.filter(message_kind="cra_file").count() == 3
    assert BatchFile.objects.values("rows").distinct().count() == 1
    assert StoredBlob.objects.filter(pk__in=BatchFile.objects.values("rows")).count() == 1


def test_what_was_sealed_fits_no_longer_once_an_agency_was_told_by_itself(approved, monkeypatch):
    file = CreditFile.objects.select_related("case__key", "key").get(pk=approved.pk)
    actor = creditfiles.system("tests")
    sealed = sending.seal(file, actor=actor, at=NEXT)
    told = {file.pk}
    monkeypatch.setattr(sending.again, "told_since", lambda _file: told)
    with (
        nothing_written(),
        pytest.raises(Outdated),
        transaction.atomic(),
        ledger.action(file.case.uid, "tests.sent", actor="tests", at=NEXT),
    ):
        sending.send_to_each(locks.case_for_update(file.pk), sealed, actor=actor, at=NEXT)


def test_what_was_sealed_fits_no_longer_once_a_hold_on_reporting_was_entered(approved):
    file = CreditFile.objects.select_related("case__key", "key").get(pk=approved.pk)
    actor, steward = creditfiles.system("tests"), actors.staff(User.objects.get(username=creditfiles.STEWARD))
    sealed = sending.seal(file, actor=actor, at=NEXT)
    holds.enter(file.pk, "legal", actor=steward, at=AT, source="legal", blocks=["report"])
    with (
        nothing_written(),
        pytest.raises(Outdated, match="hold"),
        transaction.atomic(),
        ledger.action(file.case.uid, "tests.sent", actor="tests", at=NEXT),
    ):
        sending.send_to_each(locks.case_for_update(file.pk), sealed, actor=actor, at=NEXT)


def test_a_file_whose_place_another_took_is_made_ready_anew(approved, monkeypatch):
    seal, codes = sending.seal, []

    def seal_slowly(file, **named):
        sealed = seal(file, **named)
        if not codes:
            codes.extend(sealed.agencies)
            with transaction.atomic(), ledger.action(file.case.uid, "tests.sent", actor="tests", at=NEXT):
                files.promise(codes[1], "place", b"reference\nPLC-1\n", at=NEXT)
        return sealed

    monkeypatch.setattr(sending, "seal", seal_slowly)
    work()
    assert Case.objects.get(pk=approved.pk).state == "transmitted"
    sent = BatchFile.objects.filter(kind="cra_file").order_by("pk")
    assert [file.sequence_no for file in sent] == [1, 2, 1]
    assert Job.objects.get(kind=sending.SEND).state == "done"


def is_somebody_kept_waiting():
    """Say whether a connection waits for what another has locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


def test_a_report_that_comes_while_its_delivery_is_noted_is_kept(approved):
    work()
    first, *_ = creditfiles.parts_of(approved)

    def note():
        try:
            with transaction.atomic():
                creditfiles.arrive(approved, letters="a", at=NEXT)
        finally:
            connection.close()

    for said in ({"outcome": "rejected", "account": first[0], "code": "other"}, {"outcome": "accepted", "rows": 1}):
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                report(approved, "a", at=NEXT, **said)
                noting = pool.submit(note)
                wait_for(is_somebody_kept_waiting)
            noting.result(60)
    copy = CreditFileCopy.objects.get(file=approved.pk, agency__code="sandbox-bureau-a")
    assert (copy.state, copy.accepted, copy.rejected) == ("answered", 1, 1)
