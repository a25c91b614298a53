"""The register of disclosures and the export for inspectors: by authority and period, inside the unit alone."""

import csv
import io
from datetime import date, timedelta

import pytest

from cases.disclosure.register import lines as register
from cases.kernel import casetypes, notice, releases
from cases.kernel.models import Team
from cases.kernel.outputs import datacategories
from cases.ledger.models import AccessEvent, LedgerEvent
from tests import disclosures, factories
from tests.disclosures import AT, after
from tests.web.desk import client_of

USE = "communications"
pytestmark = pytest.mark.django_db
DAYS = "?since=2026-11-01&until=2026-11-30"
SHARED = [
    *("authority", "reference", "kind_of_request", "ground", "received_at", "outcome", "answered_at"),
    *("turnaround_minutes", "items_given", "rows_given", "errors_recordable", "errors_reportable"),
]
INSPECTED = [
    *("urn", "purpose", "grade", "granted_date", "items_asked", "items_refused", "reason_refused", "oral_given_at"),
    *("written_at", "received_by_them_at", "cancelled_at", "package_sha256", "faults"),
]


@pytest.fixture
def people():
    return factories.office()


def rows(answer):
    return list(csv.reader(io.StringIO(answer.content.decode())))


def test_register_says_what_became_of_each_request_of_the_days(people):
    given = disclosures.quality_check(people)
    after(given, "release", people["e.hallam"], AT + timedelta(minutes=95), compared=disclosures.COMPARED)
    wrong = disclosures.error_review(people)
    refused = disclosures.refused(people)
    waits = disclosures.received(people, authority_code="other-force")
    disclosures.bare(people)
    lines = register.lines(people["k.mistry"], date(2026, 11, 1), date(2026, 11, 30))
    assert [(line.facts.case_id, line.outcome, line.minutes, line.rows) for line in lines] == [
        (given.pk, "Something was given", 95, 2),
        (wrong.pk, "Something was given", 0, 2),
        (refused.pk, "Refused", 0, 0),
        (waits.pk, "Not decided yet", None, 0),
    ]
    assert [line.took for line in lines] == ["1 h 35 min", "0 min", "0 min", ""]
    assert [list(line.faults) for line in lines] == [[], ["More than was asked for"], [], []]
    day = AT.date()
    one = {"authority": disclosures.AUTHORITY}
    assert len(register.lines(people["k.mistry"], day, day, **one)) == 3
    for since, until in ((day - timedelta(days=9), day - timedelta(days=1)), (day + timedelta(days=1), day)):
        assert register.lines(people["k.mistry"], since, until) == []
    # Whoever sees no request sees no line, whatever they may ask.
    assert register.lines(people["a.byrne"], day, day) == []


def test_page_and_files_are_the_units_alone_and_on_record(people):
    case = disclosures.released(people)
    officer, events = client_of("k.mistry"), LedgerEvent.objects.count()
    page = officer.get(f"/disclosures/{DAYS}").content.decode()
    assert case.reference in page and "Sandbox Constabulary SPoC" in page and "SBX/2026" not in page
    table = rows(officer.get(f"/disclosures/file/{DAYS}"))
    assert (table[0], table[1][1], table[1][5]) == (SHARED, case.reference, "Something was given")
    assert officer.get(f"/disclosures/inspection/{DAYS}").status_code == 302  # the second factor first
    answer = client_of("e.hallam", is_stepped_up=True).get(
        f"/disclosures/inspection/{DAYS}&authority={disclosures.AUTHORITY}"
    )
    assert "ipco_reverse_audit-sandbox-constabulary-2026-11-01-2026-11-30.csv" in answer["Content-Disposition"]
    (head, line) = rows(answer)
    assert head == [*SHARED, *INSPECTED]
    named = dict(zip(head, line, strict=True))
    facts = case.disclosure_request
    assert named["urn"].startswith("SBX/2026/")
    assert (named["granted_date"], named["grade"], named["package_sha256"]) == ("2026-11-13", "3", facts.package_sha256)
    looked = AccessEvent.objects.filter(streams=[case.uid], verb="export").order_by("pk")
    assert [(row.purpose, row.fields) for row in looked] == [("casework", ["register"]), ("inspection", ["urn"])]
    # Nothing of it stands in a stream that others read.
    assert LedgerEvent.objects.count() == events
    for name in ("a.byrne", "m.achterberg", "d.osei"):
        for place in ("", "file/", "inspection/"):
            assert client_of(name, is_stepped_up=True).get(f"/disclosures/{place}{DAYS}").status_code == 403


def test_bad_days_and_too_many_requests_get_a_sentence(people, monkeypatch):
    disclosures.received(people)
    disclosures.received(people)
    officer = client_of("k.mistry", is_stepped_up=True)
    for place in ("", "file/", "inspection/"):
        answer = officer.get(f"/disclosures/{place}?since=2026-11-30&until=2026-11-01")
        assert (answer.status_code, "The last day is before the first." in answer.content.decode()) == (422, True)
    assert 'value="soon"' in officer.get("/disclosures/?since=soon").content.decode()
    monkeypatch.setattr("cases.disclosure.register.pages.MOST_LINES", 1)
    for place in ("file/", "inspection/"):
        answer = officer.get(f"/disclosures/{place}{DAYS}")
        assert (answer.status_code, "Choose a shorter period" in answer.content.decode()) == (422, True)


@pytest.mark.parametrize("count", [1, 3])
def test_statements_do_not_grow_with_the_requests(people, count, django_assert_num_queries):
    for _ in range(count):
        disclosures.released(people)
    client = client_of("k.mistry", is_stepped_up=True)
    client.get(f"/disclosures/{DAYS}")
    for place, statements in (("", 9), ("file/", 9), ("inspection/", 10)):
        with django_assert_num_queries(statements):
            client.get(f"/disclosures/{place}{DAYS}")


def test_columns_have_categories():
    assert datacategories.columns("disclosure_register") == SHARED
    assert datacategories.columns("ipco_reverse_audit") == [*SHARED, *INSPECTED]


def test_records_of_use_leave_for_a_public_authority_alone_and_stand_in_no_table_that_is_handed_out(people):
    """Calls, sessions and what was watched (R18): whoever buys, collects, scores or markets never gets them."""
    allowing = {clause.code: clause.recipients for clause in notice.CLAUSES.values() if USE in clause.categories}
    assert allowing == {"answer_authorities_data": frozenset({"lea"})}
    assert {kind.code for kind in releases.KINDS.values() if USE in kind.categories.values()} == {
        "le_result",
        "le_piece",
    }
    assert not [name for name, table in datacategories.EXPORTS.items() if USE in table.values()]
    assert Team.objects.get(code=casetypes.get("le_disclosure").team).is_restricted
