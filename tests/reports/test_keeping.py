"""Reports go a year after they were made; what they were stays, and their pages say when they went."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from cases.kernel import actors, holds, record
from cases.kernel.models import AuditReport, Case, StoredBlob, Task
from cases.ledger.models import AccessEvent, DataKey, LedgerEvent
from cases.reports import keeping, press, requests
from cases.reports.pdf import Printed
from tests import factories
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
MADE = datetime(2027, 1, 15, 10, 0, tzinfo=UTC)
LAST = datetime(2028, 1, 15, 23, 59, tzinfo=UTC)
NEXT = datetime(2028, 1, 16, 0, 1, tzinfo=UTC)


@pytest.fixture
def case(people, monkeypatch):
    monkeypatch.setattr(press, "press", lambda _paper: Printed(data=b"%PDF-1.7 of a test", pages=3))
    return factories.referred(people)


def made(case, people, *, at=MADE):
    requests.request(case, actor=people["a.byrne"], at=at)
    assert requests.make_due(now=at) == 1
    return AuditReport.objects.filter(case=case).latest("pk")


def pages(report):
    names = ("web:report_progress", "web:report_file")
    return [reverse(name, args=[report.case.uid, report.uid]) for name in names]


def test_a_report_goes_after_its_year_and_what_it_was_stays(case, people):
    report = made(case, people)
    with nothing_written():
        assert keeping.erase_due(now=LAST) == 0

    assert keeping.erase_due(now=NEXT) == 1

    row = AuditReport.objects.select_related("blob__key").get(pk=report.pk)
    assert (row.state, row.erased_at, row.pages, row.sha256, row.head_hash) == (
        "done",
        NEXT,
        3,
        report.sha256,
        report.head_hash,
    )
    assert (bytes(row.blob.sealed), row.blob.key.wrapped, row.blob.key.destroyed_by) == (b"", None, "system:disposal")
    (event,) = LedgerEvent.objects.filter(stream=case.uid, action="report.erased")
    assert event.content()["detail"] == {
        "class": "report",
        "versions": [1],
        "report": str(report.uid),
        "sha256": report.sha256,
        "kept_until": "2028-01-15",
    }
    with nothing_written():
        assert keeping.erase_due(now=NEXT + timedelta(days=1)) == 0
    with pytest.raises(requests.ReportRefused, match="was erased"):
        requests.open_report(row, actor=people["a.byrne"], at=NEXT)


def test_a_hold_keeps_a_report_until_it_is_lifted(case, people):
    made(case, people)
    hold = holds.enter(case.pk, "legal", actor=people["a.byrne"], at=factories.AT, source="court", reason="Notice.")
    with nothing_written():
        assert keeping.erase_due(now=NEXT) == 0
    with record.act(case, "tests.lift", actor=people["a.byrne"], at=NEXT):
        hold.released_at = NEXT
        hold.save(update_fields=["released_at"])
    assert keeping.erase_due(now=NEXT) == 1


def test_a_paper_of_the_kinds_own_stays_while_its_case_is_open(case, people):
    report = made(case, people)
    with record.act(case, "tests.paper", actor=actors.system("tests"), at=MADE):
        report.level = "pack"
        report.save(update_fields=["level"])
    with nothing_written():
        assert keeping.erase_due(now=NEXT) == 0
    with record.act(case, "tests.close", actor=actors.system("tests"), at=MADE):
        case = Case.objects.get(pk=case.pk)
        case.is_closed, case.closed_date, case.dispose_after_date = True, MADE.date(), NEXT.date()
        case.save(update_fields=["is_closed", "closed_date", "dispose_after_date"])
    assert keeping.erase_due(now=NEXT) == 1


def test_a_fault_of_one_report_stops_no_other_and_is_one_task_until_it_goes_well(case, people, monkeypatch):
    bad, good = made(case, people), made(factories.referred(people), people)
    erase_blob = keeping.custody.erase_blob

    def fails(blob, **more):
        if blob.pk == bad.blob_id:
            raise ValueError("a fault")
        erase_blob(blob, **more)

    monkeypatch.setattr(keeping.custody, "erase_blob", fails)
    assert [keeping.erase_due(now=NEXT), keeping.erase_due(now=NEXT)] == [1, 0]
    left = DataKey.objects.filter(pk__in=[bad.key_id, good.key_id], destroyed_at=None)
    assert [row.pk for row in left] == [bad.key_id]
    (task,) = Task.objects.filter(kind="not_erased")
    assert (task.detail, task.closed_at) == ({"of": "report:fraud_referral"}, None)
    monkeypatch.setattr(keeping.custody, "erase_blob", erase_blob)
    assert keeping.erase_due(now=NEXT) == 1
    task.refresh_from_db()
    assert task.closed_at == NEXT


def test_a_round_erases_so_many_and_the_next_goes_on(people, case):
    for _ in range(3):
        made(case, people)
    assert [keeping.erase_due(now=NEXT, most=2) for _ in range(3)] == [2, 1, 0]


def test_its_pages_say_when_it_was_erased_and_hand_nothing_out(case, people):
    report = made(case, people)
    desk, (progress, file) = client_of("a.byrne"), pages(report)
    assert "Download the PDF" in desk.get(progress).content.decode()
    keeping.erase_due(now=NEXT)

    page = desk.get(progress)
    assert page.status_code == 200 and "Erased on 16 Jan 2028 00:01" in page.content.decode()
    assert report.sha256 in page.content.decode() and "Download" not in page.content.decode()
    looks = AccessEvent.objects.filter(verb="download").count()
    for form in ("", "?form=data", "?form=copies"):
        answer = desk.get(file + form)
        assert (answer.status_code, answer.headers["Location"]) == (302, progress)
    assert AccessEvent.objects.filter(verb="download").count() == looks
    assert "audit report, erased" in desk.get(f"/cases/{case.uid}/").content.decode()


def test_what_cannot_be_opened_any_more_is_said_and_is_no_fault(case, people):
    report = made(case, people)
    custody_key = StoredBlob.objects.select_related("key").get(pk=report.blob_id).key
    keeping.custody.sealing.destroy(custody_key, actor="system:tests", reason="tests", at=NEXT)
    answer = client_of("a.byrne").get(pages(report)[1])
    assert answer.status_code == 409 and "This report was erased." in answer.content.decode()
