"""The report of a sale of thousands opens nobody, tells the first of each list, and says how many there are."""

import pytest

from cases.kernel.models import AuditReport, Case
from cases.kernel.reading import queries
from cases.ledger.models import AccessEvent
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
