"""Asking for a report, making it and opening it: each on record, the bytes sealed, no report lost or made twice."""

import hashlib
import stat
from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command

from cases.kernel.errors import NotAllowed
from cases.kernel.models import AuditReport, Case, StoredBlob, Task
from cases.ledger import verify
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.reports import press, requests
from tests import factories
from tests.reports import reading

pytestmark = pytest.mark.django_db(transaction=True)

ASKED_AT = factories.AT + timedelta(minutes=1)
MADE_AT = factories.AT + timedelta(minutes=2)


def verbs(case) -> list[str]:
    return list(
        LedgerEvent.objects.filter(stream=case.uid, action__startswith="report.")
        .order_by("seq")
        .values_list("action", flat=True)
    )


def looks(case):
    return AccessEvent.objects.filter(streams__contains=[case.uid])


def test_report_is_made_sealed_and_opened_on_record():
    people = factories.office()
    case = factories.referred(people)

    asked = requests.request(case, actor=people["a.byrne"], at=ASKED_AT, reason="Complaint.")
    assert requests.make_due(now=MADE_AT) == 1
    assert requests.make_due(now=MADE_AT) == 0

    report = AuditReport.objects.get(pk=asked.pk)
    data = requests.open_report(report, actor=people["d.osei"], at=MADE_AT, request_id="r1")
    assert data.startswith(b"%PDF-1.7")
    assert (report.state, report.finished_at, report.dispose_after_date) == ("done", MADE_AT, date(2027, 11, 14))
    assert report.sha256 == hashlib.sha256(data).hexdigest()
    assert report.pages == len(reading.opened(data).pages)
    assert verbs(case) == ["report.requested", "report.started", "report.made"]
    made = LedgerEvent.objects.get(stream=case.uid, action="report.made")
    assert made.content()["detail"] == {
        "report": str(report.uid),
        "sha256": report.sha256,
        "pages": report.pages,
        "head_seq": report.head_seq,
    }
    assert report.head_hash == bytes(LedgerEvent.objects.get(stream=case.uid, seq=report.head_seq).hash).hex()
    opened = looks(case).get(verb="download")
    assert (opened.actor, opened.purpose, opened.request_id) == (people["d.osei"].label, "audit_report", "r1")
    assert {row.level for row in verify.verify_stream(case.uid)} <= {"recorded late"}


def test_report_lies_sealed():
    people = factories.office()
    case = factories.referred(people)
    requests.request(case, actor=people["a.byrne"], at=ASKED_AT)

    requests.make_due(now=MADE_AT)

    report = AuditReport.objects.get(case=case)
    sealed = bytes(StoredBlob.objects.get(pk=report.blob_id).sealed)
    assert b"%PDF" not in sealed
    assert b"Tregaskis" not in sealed
    assert report.key_id not in {None, case.key_id}
    assert report.key.parent_id == case.key_id


def test_report_is_refused_to_who_may_not_ask():
    people = factories.office()
    case = factories.referred(people)
    before = LedgerEvent.objects.count()

    with pytest.raises(NotAllowed):
        requests.request(case, actor=people["r.penhale"], at=ASKED_AT, reason="Curious.")

    assert (AuditReport.objects.count(), LedgerEvent.objects.count()) == (0, before)


def test_oversight_says_why_it_wants_a_report():
    people = factories.office()
    case = factories.referred(people)
    officer = people["j.merriweather"]
    before = LedgerEvent.objects.count()

    with pytest.raises(requests.ReportRefused, match="Say why you need this report."):
        requests.request(case, actor=officer, at=ASKED_AT, reason="  ")
    assert (AuditReport.objects.count(), LedgerEvent.objects.count()) == (0, before)

    requests.request(case, actor=officer, at=ASKED_AT, reason="Yearly sample.")
    assert verbs(case) == ["report.requested"]


def test_unfinished_report_cannot_be_opened():
    people = factories.office()
    case = factories.referred(people)
    report = requests.request(case, actor=people["a.byrne"], at=ASKED_AT)

    with pytest.raises(requests.ReportRefused, match="This report is not finished."):
        requests.open_report(report, actor=people["a.byrne"], at=MADE_AT)

    assert not looks(case).exists()


def test_report_whose_pages_cannot_be_set_becomes_a_task(monkeypatch):
    people = factories.office()
    case = factories.referred(people)
    requests.request(case, actor=people["a.byrne"], at=ASKED_AT)
    monkeypatch.setattr(press, "WALL_SECONDS", 0)

    assert requests.make_due(now=MADE_AT) == 0

    report = AuditReport.objects.get(case=case)
    assert (report.state, report.blob_id) == ("failed", None)
    assert verbs(case) == ["report.requested", "report.started", "report.failed"]
    assert Task.objects.get(case=case, kind="report_failed").detail == {"report": str(report.uid)}


def test_report_of_a_dead_worker_is_taken_up_again_but_not_for_ever():
    people = factories.office()
    case = factories.referred(people)
    report = requests.request(case, actor=people["a.byrne"], at=ASKED_AT)
    died_at = MADE_AT

    for _ in range(requests.TRIES):
        assert requests._claim(report.pk, now=died_at) is not None
        assert requests._claim(report.pk, now=died_at + timedelta(minutes=9)) is None
        died_at += timedelta(minutes=11)
    assert requests.make_due(now=died_at) == 0

    assert AuditReport.objects.get(pk=report.pk).state == "failed"
    assert verbs(case) == ["report.requested", *["report.started"] * 3, "report.failed"]


def test_report_of_a_dead_worker_is_made_by_the_next():
    people = factories.office()
    case = factories.referred(people)
    report = requests.request(case, actor=people["a.byrne"], at=ASKED_AT)
    requests._claim(report.pk, now=MADE_AT)

    assert requests.make_due(now=MADE_AT + timedelta(minutes=11)) == 1

    assert AuditReport.objects.get(pk=report.pk).state == "done"


def test_command_prints_a_report_on_record(tmp_path, capsys):
    people = factories.office()
    case = factories.referred(people)
    path = tmp_path / "report.pdf"

    call_command("audit_report", case.reference, "-o", str(path))

    report = AuditReport.objects.get(case=case)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == report.sha256
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert report.sha256 in capsys.readouterr().out
    asked = LedgerEvent.objects.get(stream=case.uid, action="report.requested")
    assert asked.actor == "system:audit_report"
    assert set(looks(case).values_list("actor", flat=True)) == {"system:audit_report"}


def test_command_knows_no_other_case(tmp_path):
    with pytest.raises(CommandError, match="There is no case FRD-2026-999999."):
        call_command("audit_report", "FRD-2026-999999", "-o", str(tmp_path / "none.pdf"))

    assert not (tmp_path / "none.pdf").exists()
    assert Case.objects.count() == 0
