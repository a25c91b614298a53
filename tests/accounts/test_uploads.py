"""Accounts come in files: streamed, part by part, each bad row listed, the same file twice changing nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from cases.accounts import storing, uploads
from cases.accounts.models import Account, AccountFault, AccountFlag, AccountHolder, AccountUploadPart
from cases.kernel.background import jobrun, jobs
from cases.kernel.errors import NotAllowed
from cases.kernel.models import Task
from cases.ledger import sealing, verify
from cases.ledger.models import DataKey, LedgerEvent
from cases.ledger.reads import Reader
from tests import factories
from tests.accounts import portfolio
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db
READER = Reader(actor="staff:1", verb="view", purpose="test")


@pytest.fixture
def analyst():
    people = factories.office()
    return next(each for each in people.values() if "collections_analyst" in each.roles)


def take(analyst, content: bytes, size: int = 997):
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    return uploads.take(chunks, actor=analyst, at=AT)


def work() -> None:
    jobrun.work(clock=lambda: AT, seconds=60)


def counts(upload) -> tuple[int, int, int, int]:
    upload.refresh_from_db()
    return upload.added, upload.changed, upload.unchanged, upload.refused


def test_two_hundred_rows_go_in_and_the_bad_ones_are_listed(analyst, monkeypatch):
    monkeypatch.setattr(uploads, "PART", 50)
    rows = [portfolio.row(number) for number in range(1, 201)]
    rows[4] |= {"balance_pence": "12.50", "holder_1_surname": ""}
    rows[77] |= {"default_pence": ""}
    rows[120] |= {"flags": "complaint:2026-02-10;promise:2026-02-20"}

    upload, job, is_new = take(analyst, portfolio.file(rows))
    assert (is_new, upload.lines) == (True, 200)
    assert Account.objects.count() == 0
    work()

    job.refresh_from_db()
    assert (job.state, job.total, job.done) == ("done", 4, 4)
    assert counts(upload) == (198, 0, 0, 2)
    assert uploads.faults(upload) == [
        (6, "balance_pence", "It is not a whole number; money is in whole pence."),
        (6, "holder_1_surname", "It is needed."),
        (79, "default_pence", "A default has a date and a balance."),
    ]
    assert AccountHolder.objects.count() == 198 + 20
    assert DataKey.objects.filter(scope="account").count() == 198 + 218
    assert not AccountUploadPart.objects.exists()
    flags = AccountFlag.objects.order_by("code").values_list("code", "source", "began_date")
    assert list(flags) == [
        ("complaint", "own-billing", date(2026, 2, 10)),
        ("promise", "own-billing", date(2026, 2, 20)),
    ]
    account = storing.find("80-0000-0007")
    assert (account.balance_pence, account.jurisdiction, account.default_date) == (5007, "nir", date(2026, 2, 1))
    holder = account.holders.get()
    assert sealing.open_rows([holder], ["forename", "postcode"], reader=READER, at=AT) == [
        {"forename": "Cerys", "postcode": "SA1 0ZZ"}
    ]
    events = list(LedgerEvent.objects.filter(stream=upload.uid).order_by("seq"))
    assert [each.action for each in events] == ["accounts.imported"] * 4
    assert [each for each in verify.verify_all(is_demo=True) if each.level == verify.WRONG] == []


def test_the_same_file_is_the_same_work_and_the_same_rows_change_nothing(analyst):
    rows = [portfolio.row(number) for number in range(1, 31)]
    first, job, _ = take(analyst, portfolio.file(rows))
    work()
    before = (LedgerEvent.objects.count(), Account.history.count())

    again, same, is_new = take(analyst, portfolio.file(rows), size=50_000)
    assert (again, same, is_new) == (first, job, False)
    assert (LedgerEvent.objects.count(), Account.history.count()) == before
    assert not AccountUploadPart.objects.exists()

    other, _, is_new = take(analyst, portfolio.file(rows[::-1]))
    work()
    assert is_new
    assert counts(other) == (0, 0, 30, 0)
    assert Account.history.count() == before[1]


def test_a_later_row_changes_what_it_says_and_an_older_or_another_default_is_refused(analyst):
    take(analyst, portfolio.file([portfolio.row(number, flags="dispute:2026-02-01") for number in range(1, 6)]))
    work()
    changed = [
        portfolio.row(1, as_of="2026-03-02", balance_pence="-250", holder_1_phone="07700 900999"),
        portfolio.row(2, as_of="2026-02-28"),
        portfolio.row(3, as_of="2026-03-02", default_date="2026-02-15"),
        portfolio.row(4, as_of="2026-03-02", holder_1_surname="Newcomer", holder_1_date_of_birth="1999-09-09"),
        portfolio.row(4, as_of="2026-03-02"),
        portfolio.row(
            5, as_of="2026-03-02", default_date="", default_pence="", balance_pence="0", flags="deceased:2026-03-01"
        ),
    ]
    upload, _, _ = take(analyst, portfolio.file(changed))
    work()

    assert counts(upload) == (0, 3, 0, 3)
    assert [(line, column) for line, column, _ in uploads.faults(upload)] == [
        (3, "as_of"),
        (4, "default_date"),
        (6, "account"),
        (7, "default_date"),
    ]
    fifth = storing.find("8000000005")
    assert (fifth.balance_pence, fifth.default_date is None, fifth.default_pence) == (0, False, 5005)
    assert set(fifth.flags.filter(ended_date=None).values_list("code", flat=True)) == {"deceased"}
    first, fourth = storing.find("8000000001"), storing.find("8000000004")
    assert (first.balance_pence, first.default_pence) == (-250, 5001)
    assert first.flags.get().ended_date == date(2026, 3, 2)
    ended = fourth.holders.order_by("ordinal").values_list("ordinal", "ended_date")
    assert list(ended) == [(1, date(2026, 3, 2)), (2, None)]
    assert [each for each in verify.verify_all(is_demo=True) if each.level == verify.WRONG] == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file has no rows."),
        (b"account,colour\n1,red\n", "These columns are not known: colour."),
        (
            b"account,product\n1,tv\n",
            "These columns are missing: jurisdiction, as_of, balance_pence, holder_1_surname.",
        ),
        ("account\ncafé\n".encode("latin-1"), "From about line 1 on the file is not UTF-8 text. Save it as UTF-8."),
    ],
)
def test_a_file_that_is_none_of_accounts_is_refused_whole(analyst, content, sentence):
    with pytest.raises(uploads.FileUnreadable, match=sentence.replace(".", r"\.")):
        uploads.take([content], actor=analyst, at=AT)
    assert not DataKey.objects.filter(scope="account_upload").exists()
    assert not jobs.Job.objects.exists()


def test_only_collections_brings_files_and_nothing_of_a_person_is_readable(analyst):
    people = factories.office()
    with pytest.raises(NotAllowed):
        uploads.take([portfolio.file([portfolio.row(1)])], actor=people["a.byrne"], at=AT)

    take(analyst, portfolio.file([portfolio.row(1, holder_1_town="Zzyzxville", balance_pence="x")]))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cases_accountuploadpart WHERE position('Zzyzx'::bytea IN rows) > 0")
        assert cursor.fetchone() == (0,)
    work()
    assert list(AccountFault.objects.values_list("line", "column", "code")) == [(2, "balance_pence", "not_pence")]


ENDED = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
LAST, NEXT = datetime(2026, 12, 20, 23, 59, tzinfo=UTC), datetime(2026, 12, 21, 0, 1, tzinfo=UTC)


def test_a_file_goes_thirty_days_after_its_work_and_what_was_not_taken_in_can_be_given_again(analyst, monkeypatch):
    content = portfolio.file([portfolio.row(1), portfolio.row(2)])
    upload, job, _ = take(analyst, content)
    monkeypatch.setattr(storing, "store", lambda *_given, **_more: 1 / 0)
    jobrun.work(clock=lambda: ENDED, seconds=60)
    monkeypatch.undo()
    job.refresh_from_db()
    assert (job.failed, job.ended_at, upload.parts.count()) == (1, ENDED, 1)
    with nothing_written():
        assert uploads.erase_due(now=LAST) == 0

    assert uploads.erase_due(now=NEXT) == 1

    assert (upload.parts.count(), DataKey.objects.get(pk=upload.key_id).wrapped) == (0, None)
    (event,) = LedgerEvent.objects.filter(stream=upload.uid, action="accounts.file_erased")
    assert event.content()["detail"] == {
        "class": "upload",
        "versions": [1],
        "content": bytes(upload.content).hex(),
        "lines": 2,
        "parts_left": 1,
    }
    with nothing_written():
        assert uploads.erase_due(now=NEXT + timedelta(days=1)) == 0
    jobs.resume(job.uid, actor=analyst, at=NEXT)
    jobrun.work(clock=lambda: NEXT, seconds=60)
    assert job.rows.get().reason == "part_missing"
    again, _, is_new = take(analyst, content)
    assert is_new and again.pk != upload.pk
    work()
    assert counts(again) == (2, 0, 0, 0)


def test_a_fault_of_one_file_stops_no_other_and_is_a_task_until_it_goes(analyst, monkeypatch):
    bad, good = (take(analyst, portfolio.file([portfolio.row(number)]))[0] for number in (1, 2))
    jobrun.work(clock=lambda: ENDED, seconds=60)
    jobrun.work(clock=lambda: ENDED, seconds=60)
    destroy = sealing.destroy

    def fails(key, **more):
        if key.pk == bad.key_id:
            raise ValueError("a fault")
        destroy(key, **more)

    monkeypatch.setattr(sealing, "destroy", fails)
    assert uploads.erase_due(now=NEXT) == 1
    assert [DataKey.objects.get(pk=each.key_id).wrapped is None for each in (bad, good)] == [False, True]
    (task,) = Task.objects.filter(kind="not_erased")
    assert (task.team.code, task.detail, task.closed_at) == ("collections", {"of": "upload:import_accounts"}, None)
    with nothing_written():
        assert uploads.erase_due(now=NEXT) == 0
    monkeypatch.undo()
    assert uploads.erase_due(now=NEXT) == 1
    task.refresh_from_db()
    assert task.closed_at == NEXT


def test_a_file_that_was_taken_in_keeps_its_name_when_it_goes_and_work_that_goes_on_keeps_it(analyst):
    content = portfolio.file([portfolio.row(1)])
    upload, _, _ = take(analyst, content)
    with nothing_written():
        assert uploads.erase_due(now=NEXT) == 0  # its work has not ended
    jobrun.work(clock=lambda: ENDED, seconds=60)
    assert uploads.erase_due(now=NEXT) == 1
    assert take(analyst, content)[2] is False
