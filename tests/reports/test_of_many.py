"""The report of a sale of thousands opens nobody, tells the first of each list, and says how many there are."""

import json
import re

import pytest

from cases.kernel import record
from cases.kernel.actors import system
from cases.kernel.models import AuditReport, Case
from cases.kernel.reading import queries
from cases.ledger import sealing
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.ledger.reads import Reader
from cases.reports import audit, press, requests
from tests import factories, sales
from tests.debt.test_sale_of_many import with_people
from tests.reports import reading

pytestmark = pytest.mark.django_db


def report_of(case: Case, people):
    report = requests.request(case, actor=people[sales.MANAGER], at=sales.LATER, reason="For the file.")
    report = AuditReport.objects.select_related("case").get(pk=report.pk)
    return audit.draft(report, reader=requests._reader(report, requests.PURPOSE), at=sales.LATER)


def test_the_report_of_a_sale_of_many_opens_nobody_and_counts_them():
    people = factories.office()
    case = sales.notices_issued(people)
    few = reading.squeezed(reading.text_of(press.press(report_of(case, people).paper).data))
    assert "too many to be opened" not in few and "ExampleTerrace" in few
    looks = AccessEvent.objects.filter(verb="print")
    assert looks.filter(fields__contains=["surname"]).count() == 1
    with_people(case, 3 * queries.MOST_PEOPLE)
    count = case.parties.count()
    text = reading.squeezed(reading.text_of(press.press(report_of(case, people).paper).data))
    assert reading.squeezed(f"{count:,} people are in this case: too many to be opened here") in text
    assert reading.squeezed(f"Holder of a sold account: {count:,}") in text
    assert "ExampleTerrace" not in text
    assert reading.squeezed("rows more, each of which stands in the attached ledger.json") in text
    assert looks.filter(fields__contains=["surname"]).count() == 1


def test_of_a_list_of_many_the_first_are_told_and_the_others_counted(monkeypatch):
    people = factories.office()
    case = with_people(sales.notices_issued(people), queries.MOST_PEOPLE)
    monkeypatch.setattr("cases.reports.records.MOST_ROWS", 1)
    rows = case.letters.count()
    html = report_of(Case.objects.get(pk=case.pk), people).paper.html
    assert rows > 1 and f"{rows - 1:,} letters more, each of which has its event in the attached chain" in html
    assert ("Letter 1:" in html, "Letter 2:" in html) == (True, False)


def test_of_what_the_office_did_thousands_of_times_the_first_are_told_and_of_people_every_act(monkeypatch):
    """Each account of a sale is an act; the pages of twenty thousand would never be set."""
    people = factories.office()
    case = sales.notices_issued(people)
    monkeypatch.setattr("cases.reports.chapters.MOST_OF_A_KIND", 3)

    def acted(*actors_: str) -> None:
        for each in actors_:
            with record.act(case, "debt_sale_account.moved", actor=people.get(each) or system(each), at=sales.LATER):
                case.version += 1
                case.save(update_fields=["version"])

    acted(*["job_move"] * 5, *[sales.MANAGER] * 5)
    few = report_of(Case.objects.get(pk=case.pk), people).paper.html
    assert "events more" not in few and "looks more" not in few
    with_people(Case.objects.get(pk=case.pk), queries.MOST_PEOPLE)
    reader = Reader(actor="system:letters", verb="select", purpose="inform_person", streams=(case.uid,))
    for _ in range(9):
        sealing.open_rows([case.parties.first()], ["surname"], reader=reader, at=sales.LATER)
    draft = report_of(Case.objects.get(pk=case.pk), people)
    html, chain = draft.paper.html, json.loads(draft.paper.attachment)["events"]
    count = LedgerEvent.objects.filter(stream=case.uid).count()
    assert len(chain) == count == draft.head_seq
    assert "2 events more, each of which stands in the attached ledger.json: An account moved" in html
    own = [row.seq for row in LedgerEvent.objects.filter(stream=case.uid, actor__startswith="staff:")]
    told = re.findall(r"Event (\d+): ", html)
    assert set(map(str, own)) <= set(told) and len(told) < count
    looks = AccessEvent.objects.filter(streams__contains=[case.uid], verb="select", purpose="inform_person")
    count = looks.exclude(actor__startswith="staff:").count()
    assert count >= 9 and f"{count - 3:,} looks more of the office itself: select, " in html
