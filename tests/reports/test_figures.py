"""Figures of a quarter: counted by a job, with nobody in them."""

from datetime import UTC, datetime, timedelta

import pytest

from cases.kernel import casetypes, intake, transitions
from cases.kernel.background import jobrun, jobs
from cases.kernel.errors import NotAllowed
from cases.kernel.models import Case, Clock, Figures, FiguresPart, Job, JobRow
from cases.kernel.timing.quarters import Quarter
from cases.ledger import api as ledger
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.reports.figures import counting, tables
from tests import associations, checks, defaults, factories, placements, requests_of_people, suspicions
from tests.factories import AT
from tests.kernel.snapshots import nothing_written, undone
from tests.web.desk import client_of
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db
FOURTH = Quarter(2026, 4)
# The fourth quarter of 2026 is over; the cases were opened on 14 November.
LATER = datetime(2027, 1, 4, 10, tzinfo=UTC)
MANAGER, OFFICER = "d.osei", "j.merriweather"
PERSON = {
    "role": "applicant",
    "is_innocent": False,
    "values": {
        "forename": "Zqforename",
        "surname": "Zqsurname",
        "phone": "+447700900123",
        "email": "zq@example.org",
        "date_of_birth": "1984-11-15",
        "account_reference": "ZQ-4471",
    },
    "addresses": [{"kind": "current", "line_1": "12 Zq Row", "town": "Zqtown", "postcode": "TR18 0ZZ"}],
}


def opened(people, count, named=(PERSON,), **facts):
    """Open some referrals, of one person each, who is 41 years old on the day."""
    made = []
    for number in range(count):
        facts = {**factories.FACTS, **facts, "incident_reference": f"DET-{Case.objects.count()}-{number}"}
        made.append(intake.open_case("fraud_referral", actor=people["a.byrne"], at=AT, facts=facts, people=list(named)))
    return made


def closed(people, cases):
    for case in cases:
        for name in ("take", "accept"):
            transitions.apply(case.pk, name, actor=people["a.byrne"], at=AT)
        transitions.apply(case.pk, "close_no_action", actor=people["a.byrne"], at=AT, reason="Nothing in it.")


def history(people):
    """Twenty-four referrals: 13 open and 11 closed, 14 of mobiles, 6 of broadband, 4 of television."""
    first = opened(people, 11)
    opened(people, 3)
    opened(people, 6, product="broadband", sales_channel="web")
    opened(people, 4, product="tv", sales_channel="web")
    closed(people, first)


def made(people, *, by=MANAGER, at=LATER):
    row, _ = counting.ask(FOURTH, actor=people[by], at=at)
    jobrun.work(clock=lambda: at)
    return Figures.objects.get(pk=row.pk)


def rows_of(figures, code):
    return next((table["rows"], table["pooled"]) for table in figures.tables["tables"] if table["code"] == code)


def test_a_job_counts_the_quarter_and_what_is_small_stands_in_a_sum():
    people = factories.office()
    history(people)
    figures = made(people)
    assert figures.made_at == LATER
    assert figures.tables["kinds"]["rows"] == [["Fraud referral", 24]]
    assert rows_of(figures, "standing") == ([["Still open", 13], ["Closed", 11]], 0)
    assert rows_of(figures, "state") == ([["Referred", 13]], 0)
    assert rows_of(figures, "outcome") == ([["No further action", 11]], 0)
    assert rows_of(figures, "open_month") == ([["November 2026", 13]], 0)
    # Six and four make ten, which could only be so: the next large one would hide them, and nothing would be left.
    assert "product" not in {table["code"] for table in figures.tables["tables"]}
    assert rows_of(figures, "channel") == ([["Web", 10], ["Telephone", 14]], 0)
    assert rows_of(figures, "age") == ([["35 to 44", 24]], 0)
    assert rows_of(figures, "place") == ([["TR18", 24]], 0)
    assert {table["kind"] for table in figures.tables["tables"]} == {"fraud_referral"}
    job = Job.objects.get(kind="figures")
    assert (job.state, job.total, job.done) == ("done", 1, 1)
    assert not FiguresPart.objects.exists()
    assert list(LedgerEvent.objects.filter(stream=figures.uid).order_by("seq").values_list("action", flat=True)) == [
        *("figures.asked", "figures.made")
    ]


def test_how_many_cases_have_two_people_or_none_is_not_the_difference_of_two_tables():
    people = factories.office()
    older = {**PERSON, "values": {**PERSON["values"], "date_of_birth": "1950-01-01"}}
    opened(people, 14)
    opened(people, 2, named=(PERSON, older))
    opened(people, 10, named=())
    figures = made(people)
    assert figures.tables["kinds"]["rows"] == [["Fraud referral", 26]]
    assert {table["total"] for table in figures.tables["tables"]} == {26}
    assert rows_of(figures, "age") == ([["35 to 44", 16], ["Not known", 10]], 0)
    assert sorted(rows_of(figures, "place")[0]) == [["Not known", 10], ["TR18", 16]]


def test_how_many_cases_have_two_periods_or_none_is_not_the_difference_of_two_tables():
    people = factories.office()
    cases = opened(people, 36)
    for number, case in enumerate(cases):
        states = ("met",) * (1 + (number < 3)) if number < 13 else ("met", "breached") if number < 25 else ("running",)
        with ledger.action(case.uid, "tests.put", actor="system:tests", at=AT):
            for place, state in enumerate(states):
                ended = None if state == "running" else AT
                said = {"explanation": "Tests.", "state": state, "ended_at": ended, "due_date": AT.date()}
                Clock.objects.create(case=case, rule=f"tests_{place}", started_at=AT, due_at=AT, **said)
    figures = made(people)
    assert rows_of(figures, "deadline") == (
        [["All were kept", 13], ["One or more were missed", 12], ["None has ended", 11]],
        0,
    )
    assert {table["total"] for table in figures.tables["tables"]} == {36}


def test_what_was_read_of_people_is_on_record_of_their_cases():
    people = factories.office()
    case = opened(people, 1)[0]
    made(people)
    seen = AccessEvent.objects.filter(purpose="anonymous_figures").order_by("pk")
    assert [(each.actor, each.verb, each.fields, each.streams) for each in seen] == [
        ("system:job_figures", "count", ["date_of_birth"], [case.uid]),
        ("system:job_figures", "count", ["postcode"], [case.uid]),
    ]


def test_large_counts_are_made_some_at_a_time(monkeypatch):
    monkeypatch.setattr(counting, "AT_ONCE", 5)
    people = factories.office()
    history(people)
    figures = made(people)
    assert JobRow.objects.filter(job__kind="figures", state="done").count() == 5
    assert rows_of(figures, "standing") == ([["Still open", 13], ["Closed", 11]], 0)


def test_too_few_cases_give_no_table_at_all():
    people = factories.office()
    opened(people, 9)
    figures = made(people)
    assert figures.tables == {"kinds": None, "tables": []}
    page = client_of(MANAGER).get(f"/figures/{FOURTH.code}/").text
    assert "Too few cases" in page


def test_restricted_matters_and_cases_opened_in_error_count_nowhere():
    people = factories.office()
    history(people)
    with undone():
        without = made(people).tables
    suspicions.acknowledged(people)
    hidden, void = opened(people, 2, product="landline")
    with ledger.action(hidden.uid, "tests.put", actor="system:tests", at=AT):
        hidden.is_restricted, void.state = True, "void"
        hidden.save()
        void.save()
    assert made(people).tables == without


def test_figures_are_made_once_and_only_of_a_quarter_that_is_over():
    people = factories.office()
    with nothing_written(), pytest.raises(counting.FiguresRefused, match="not over yet"):
        counting.ask(FOURTH, actor=people[MANAGER], at=datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    first = made(people)
    with nothing_written():
        again, job = counting.ask(FOURTH, actor=people[OFFICER], at=LATER)
    assert (again.pk, job.pk) == (first.pk, Job.objects.get(kind="figures").pk)
    assert counting.offered(LATER)[0] == Quarter(2026, 3)
    for name in ("p.nair", "r.penhale", "o.thackray"):
        with nothing_written(), pytest.raises(NotAllowed):
            counting.ask(Quarter(2026, 3), actor=people[name], at=LATER)


def test_a_job_that_missed_something_makes_no_figures(monkeypatch):
    people = factories.office()
    history(people)
    monkeypatch.setattr(counting, "_people", lambda *_args, **_more: 1 / 0)
    figures = made(people)
    job = Job.objects.get(kind="figures")
    assert (figures.made_at, job.state, job.reason) == (None, "failed", "figures_refused")
    assert not LedgerEvent.objects.filter(stream=figures.uid, action="figures.made").exists()


def half_counted(people, monkeypatch):
    """Have a manager ask for figures of which two parts are counted and a third cannot be."""
    monkeypatch.setattr(counting, "AT_ONCE", 10)
    history(people)
    real, calls = counting._people, []

    def people_of(cases, **more):
        calls.append(1)
        return real(cases, **more) if len(calls) < 3 else 1 / 0

    with monkeypatch.context() as broken:
        broken.setattr(counting, "_people", people_of)
        row = made(people)
    assert (row.made_at, FiguresPart.objects.count()) == (None, 2)
    return row, Job.objects.get(kind="figures")


def test_figures_that_were_not_made_are_made_anew_for_whoever_asks(monkeypatch):
    people = factories.office()
    row, first = half_counted(people, monkeypatch)
    assert counting.offered(LATER)[0] == FOURTH
    client = client_of(OFFICER)
    assert "Not made" in client.get("/figures/").text
    assert "can ask for them anew" in client.get(f"/figures/{FOURTH.code}/").text
    again, second = counting.ask(FOURTH, actor=people[OFFICER], at=LATER)
    assert (again.pk, second.asked_by_id, FiguresPart.objects.count()) == (row.pk, people[OFFICER].user_id, 0)
    assert second.pk != first.pk
    assert FOURTH not in counting.offered(LATER)
    # Whoever asked first goes on meanwhile: what that counts is not taken.
    jobs.resume(first.uid, actor=people[MANAGER], at=LATER)
    jobrun.work(clock=lambda: LATER)
    row.refresh_from_db()
    first.refresh_from_db()
    assert (first.state, row.made_at) == ("failed", LATER)
    assert rows_of(row, "standing") == ([["Still open", 13], ["Closed", 11]], 0)
    assert not FiguresPart.objects.exists()
    with nothing_written():
        assert counting.ask(FOURTH, actor=people[MANAGER], at=LATER)[1].pk == second.pk


def test_what_was_counted_in_vain_is_forgotten_after_a_day_and_makes_no_figures(monkeypatch):
    people = factories.office()
    row, job = half_counted(people, monkeypatch)
    assert counting.sweep(now=LATER + timedelta(hours=23)) == 0
    assert FiguresPart.objects.count() == 2
    assert counting.sweep(now=LATER + timedelta(hours=24)) == 1
    assert not FiguresPart.objects.exists()
    jobs.resume(job.uid, actor=people[MANAGER], at=LATER)
    jobrun.work(clock=lambda: LATER)
    row.refresh_from_db()
    job.refresh_from_db()
    assert (row.made_at, row.tables, job.state, job.failed) == (None, {}, "failed", 0)
    counting.ask(FOURTH, actor=people[MANAGER], at=LATER)
    jobrun.work(clock=lambda: LATER)
    row.refresh_from_db()
    assert row.tables["kinds"]["rows"] == [["Fraud referral", 24]]


@pytest.mark.parametrize("count", [1, 3])
def test_the_pages_count_no_case_and_ask_as_much_at_any_size(count):
    people = factories.office()
    for number in range(count):
        counting.ask(Quarter(2025 - number, 4), actor=people[MANAGER], at=LATER)
    jobrun.work(clock=lambda: LATER)
    client = client_of(OFFICER)
    listed, page = statements(client, "/figures/"), statements(client, "/figures/2025-q4/")
    assert (len(listed), len(page)) == (5, 5), shortly([*listed, *page])
    assert not any('FROM "cases_case"' in each for each in (*listed, *page))


def test_no_table_takes_apart_what_another_does_but_whole_and_the_two_halves():
    """Where a case stands says whether it is open: so what is open and what is closed are taken apart by themselves."""
    assert {(plan.code, plan.of) for plan in tables.COMMON} == {
        ("standing", ""),
        ("outcome", "closed"),
        ("closed_month", "closed"),
        ("state", "open"),
        ("open_month", "open"),
        ("deadline", ""),
        ("age", ""),
        ("place", ""),
    }


def test_each_kind_is_counted_by_what_is_bought_asked_and_paid_and_what_has_no_word_is_not_known():
    """R36: what somebody buys, how they order it and how they pay; R33: what work comes in, and by which way."""
    people = factories.office()
    account = {"paid_by": "direct_debit"}
    cases = {
        "default": defaults.arrears(people, **account),
        "debt_placement": placements.in_batch(people),
        "check": checks.running(people),
        "contest": checks.contest(people),
        "association": associations.declared(people),
        "rights_request": requests_of_people.asked(people, "erase"),
        "dp_complaint": requests_of_people.complaint(people),
    }
    found = {}
    for code, case in cases.items():
        kind = casetypes.get(code)
        for each in kind.dimensions:
            (cell,) = counting._by(each, kind, [case.pk])
            found[code, each.code] = each.words().get(cell, tables.NOT_KNOWN)
    assert found == {
        ("default", "product"): "Broadband",
        ("default", "paid_by"): "Direct debit",
        ("debt_placement", "product"): "Mobile",
        ("debt_placement", "paid_by"): "Not known",
        ("check", "occasion"): "New contract",
        ("check", "channel"): "Online",
        ("contest", "level"): "By a person, with a proposal",
        ("association", "basis"): "Declared: married or civil partners",
        ("rights_request", "right"): "Erase",
        ("rights_request", "came_by"): "Letter",
        ("dp_complaint", "about"): "Marketing",
    }
