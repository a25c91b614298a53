"""Who reads for a reason only says it before anything is handed out, and the log keeps that reason."""

from datetime import timedelta

import pytest

from cases.kernel.models import Case
from cases.ledger.models import AccessEvent
from cases.reports import requests
from tests import factories
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
SAY_WHY = "Say first, on the case&#x27;s page, why you read it."


def downloads(actor):
    return list(AccessEvent.objects.filter(actor=actor.label, verb="download").values_list("purpose", flat=True))


@pytest.mark.parametrize("tail", ["", "page/"])
def test_who_reads_for_a_reason_only_gets_no_document_before_saying_it(people, tail):
    case = factories.investigating(people)
    factories.scan()
    number = Case.objects.get(pk=case.pk).evidence.filter(scan="clean").values_list("number", flat=True)[0]
    client, path = client_of("v.tranter"), f"/cases/{case.uid}/documents/{number}/{tail}"
    assert "Why do you read" in client.get(f"/cases/{case.uid}/").text
    with nothing_written():
        refused = client.get(path)
    assert (refused.status_code, SAY_WHY in refused.text) == (403, True)
    if tail:
        return
    client.post(f"/cases/{case.uid}/purpose/", {"purpose": "legal_advice"})
    given = client.get(path)
    assert (given.status_code, bool(b"".join(given.streaming_content))) == (200, True)
    assert set(downloads(people["v.tranter"])) == {"legal_advice"}
    # Whoever works the case says nothing: it is casework.
    given = client_of("a.byrne").get(path)
    assert (given.status_code, bool(b"".join(given.streaming_content))) == (200, True)
    assert set(downloads(people["a.byrne"])) == {"casework"}


def test_who_reads_for_a_reason_only_opens_no_report_of_others_before_saying_it(people):
    case = factories.referred(people)
    report = requests.request(case, actor=people["d.osei"], at=AT, reason="")
    assert requests.make_due(now=AT + timedelta(minutes=5)) == 1
    client, path = client_of("b.lacombe"), f"/cases/{case.uid}/reports/{report.uid}/"
    for page in (path, f"{path}file/"):
        with nothing_written():
            asked = client.get(page)
        assert (asked.status_code, asked.url) == (302, f"/cases/{case.uid}/")
    report.refresh_from_db()
    with nothing_written(), pytest.raises(requests.NotAllowed):
        requests.open_report(report, actor=people["b.lacombe"], at=AT)
    client.post(f"/cases/{case.uid}/purpose/", {"purpose": "audit_sample"})
    assert client.get(f"{path}file/")["Content-Type"] == "application/pdf"
    assert downloads(people["b.lacombe"]) == ["audit_sample"]
    assert client_of("d.osei").get(f"{path}file/").status_code == 200
    assert downloads(people["d.osei"]) == ["audit_report"]
