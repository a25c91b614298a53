"""Figures of a quarter: counted by a job, with nobody in them, and given to others by the word of two people."""

import csv
import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cases.kernel import intake, jobrun, jobs, transitions
from cases.kernel.errors import NotAllowed
from cases.kernel.models import Case, Figures, FiguresPart, FiguresRelease, Job, JobRow, Task
from cases.kernel.office import kinds, proposals
from cases.kernel.timing.quarters import Quarter
from cases.ledger import api as ledger
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.reports import press
from cases.reports.figures import counting, files, releasing, tables
from tests import factories, suspicions
from tests.factories import AT
from tests.kernel.snapshots import nothing_written, undone
from tests.reports import reading
from tests.web.desk import client_of
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db
FOURTH = Quarter(2026, 4)
# The fourth quarter of 2026 is over; the cases were opened on 14 November.
LATER = datetime(2027, 1, 4, 10, tzinfo=UTC)
STATISTICS = "The office of national statistics"
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
TELL_OF_SOMEBODY = (
    *("zqforename", "zqsurname", "zqtown", "zq row", "zq-4471", "zq@example", "447700900123", "1984-11-15", "tr18 0zz"),
    *("det-", "frd-", "caller passed"),
)


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


def proposed(people, *, by="d.osei", recipient="statistics_office", use="yearly_report"):
    said = {"quarter": FOURTH.code, "recipient": recipient, "use": use}
    return proposals.propose("figures_release", said, actor=people[by], at=LATER, reason="They asked for it.")


def agreed(people, row, *, by=OFFICER):
    return proposals.decide(row.uid, "agreed", actor=people[by], at=LATER, reason="Nobody is in it.")


def test_figures_go_to_others_when_a_second_person_agrees_and_a_task_has_made_the_files():
    people = factories.office()
    history(people)
    figures = made(people)
    row = proposed(people)
    assert not FiguresRelease.objects.exists()
    agreed(people, row)
    release = FiguresRelease.objects.get()
    assert (release.profile, release.recipient, release.state) == (*("EXTERNAL_ANON", "statistics_office", "queued"),)
    assert (release.maker_id, release.approver_id) == (people["d.osei"].user_id, people[OFFICER].user_id)
    event = LedgerEvent.objects.get(stream=figures.uid, action="figures.released")
    assert event.content()["detail"]["recipient"] == "statistics_office"

    assert files.make_due(now=LATER) == 1

    release.refresh_from_db()
    assert release.state == "done"
    client = client_of(OFFICER)
    sent = client.get(f"/figures/releases/{release.uid}/table/").content.decode()
    lines = list(csv.reader(io.StringIO(sent)))
    assert lines[:2] == [
        ["kind", "table", "counted", "count"],
        ["All kinds", "Cases opened, by kind", "Fraud referral", "24"],
    ]
    assert ["Fraud referral", "How it was ordered", "Telephone", "14"] in lines
    # How the office itself works is for nobody else.
    assert {line[1] for line in lines[1:]} & {"Where open cases stand", "Periods that ended"} == set()
    words = reading.text_of(client.get(f"/figures/releases/{release.uid}/paper/").content)
    for text in (STATISTICS, "A yearly report", "October to December 2026", "How it was ordered", "In all"):
        assert reading.squeezed(text) in reading.squeezed(words)
    assert AccessEvent.objects.filter(streams__contains=[figures.uid], verb="download").count() == 2
    page = client.get(f"/figures/{FOURTH.code}/").text
    assert STATISTICS in page
    for text in (json.dumps(figures.tables), sent, words, page):
        known = [*TELL_OF_SOMEBODY, *(str(uid) for uid in Case.objects.values_list("uid", flat=True))]
        assert [each for each in known if each in text.lower()] == []


def test_who_proposes_decides_nothing_and_nobody_else_does_either():
    people = factories.office()
    history(people)
    made(people)
    both = replace(people["d.osei"], roles=people["d.osei"].roles | {"data_protection_officer"})
    row = proposed(people | {"d.osei": both})
    with nothing_written(), pytest.raises(NotAllowed, match="another person decides"):
        proposals.decide(row.uid, "agreed", actor=both, at=LATER, reason="Fine.")
    with nothing_written(), pytest.raises(NotAllowed):
        agreed(people, row, by="c.adebayo")
    with nothing_written(), pytest.raises(NotAllowed):
        proposed(people, by="p.nair", recipient="public")


def test_what_is_not_made_or_too_few_is_given_to_nobody():
    people = factories.office()
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="There are no figures"):
        proposed(people)
    opened(people, 3)
    made(people)
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="too few"):
        proposed(people)


def test_whoever_decides_reads_every_count_that_would_leave_as_it_leaves():
    people = factories.office()
    history(people)
    figures = made(people)
    row = proposed(people)

    page = client_of(OFFICER).get(f"/office/changes/{row.uid}/")

    lines = {line.label: line.new for line in page.context["lines"]}
    table = files.table(figures, tables.EXTERNAL_ANON)
    assert lines["SHA-256 of the table"] == hashlib.sha256(table).hexdigest()
    assert (lines["To"], lines["To be used for"]) == (STATISTICS, "A yearly report")
    assert lines["All kinds: Cases opened, by kind"] == "Fraud referral: 24"
    assert lines["Fraud referral: How it was ordered"] == "Web: 10\nTelephone: 14"
    read = [
        [*label.split(": ", 1), *count.rsplit(": ", 1)]
        for label, counts in lines.items()
        if ": " in label
        for count in counts.splitlines()
    ]
    assert read == list(csv.reader(io.StringIO(table.decode())))[1:]
    assert "Telephone: 14" in page.text and "Where open cases stand" not in page.text
    agreed(people, row)
    files.make_due(now=LATER)
    release = FiguresRelease.objects.get()
    sent = client_of(OFFICER).get(f"/figures/releases/{release.uid}/table/").content
    assert (sent, release.sha256) == (table, lines["SHA-256 of the table"])


def test_figures_go_to_an_organisation_of_a_list_and_no_name_that_somebody_typed_is_kept():
    people = factories.office()
    history(people)
    made(people)
    for given, fault in (
        ({"recipient": "Zqforename Zqsurname"}, "Choose an organisation of the list."),
        ({"use": "For Zqforename Zqsurname."}, "Choose what they are for."),
    ):
        with nothing_written(), pytest.raises(proposals.ProposalRefused, match=fault):
            proposed(people, **given)
        typed = {"quarter": FOURTH.code, "recipient": "public", "use": "press", "reason": "They asked.", **given}
        assert set(releasing.ReleaseForm(typed, actor=people["d.osei"]).errors) == set(given)
    row = proposed(people)
    assert (row.subject, row.payload) == (
        "figures/2026-q4/statistics_office",
        {"quarter": "2026-q4", "recipient": "statistics_office", "use": "yearly_report"},
    )


def test_a_release_to_whom_somebody_typed_is_read_as_before_and_one_that_waits_is_not_agreed_to(monkeypatch):
    people = factories.office()
    history(people)
    made(people)
    typed = {"recipient": "Drama Office of Statistics", "use": "A yearly report on fraud."}
    with monkeypatch.context() as of_old:
        unchecked = replace(kinds.get("figures_release"), check=lambda *_args, **_more: {})
        of_old.setitem(kinds._kinds, "figures_release", unchecked)
        agreed(people, proposed(people, **typed))
        waiting = proposed(people, **typed)
    assert files.make_due(now=LATER) == 1
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="Choose an organisation of the list"):
        agreed(people, waiting)
    client, release = client_of(OFFICER), FiguresRelease.objects.get()
    words = reading.text_of(client.get(f"/figures/releases/{release.uid}/paper/").content)
    for text in (words, client.get(f"/figures/{FOURTH.code}/").text):
        for each in typed.values():
            assert reading.squeezed(each) in reading.squeezed(text)
    change = client.get(f"/office/changes/{waiting.uid}/")
    assert {line.label: line.new for line in change.context["lines"]}["To"] == typed["recipient"]
    proposals.decide(waiting.uid, "refused", actor=people[OFFICER], at=LATER, reason="To nobody of the list.")


def test_files_that_cannot_be_made_are_a_task_and_not_handed_out(monkeypatch):
    people = factories.office()
    history(people)
    made(people)
    agreed(people, proposed(people))

    def broken(_paper, **_more):
        raise press.PressFailed("The pages could not be set.")

    monkeypatch.setattr(press, "press", broken)
    assert files.make_due(now=LATER) == 0
    release = FiguresRelease.objects.get()
    assert release.state == "failed"
    assert Task.objects.get(kind="figures_failed").detail == {"release": str(release.uid)}
    assert client_of(OFFICER).get(f"/figures/releases/{release.uid}/table/").status_code == 404
    assert files.make_due(now=LATER) == 0


def test_only_whoever_may_give_them_away_opens_the_files():
    people = factories.office()
    history(people)
    made(people)
    agreed(people, proposed(people))
    files.make_due(now=LATER)
    release = FiguresRelease.objects.get()
    answers = {
        name: client_of(name).get(f"/figures/releases/{release.uid}/table/").status_code
        for name in ("d.osei", "j.merriweather", "l.forsgren", "p.nair")
    }
    assert answers == {"d.osei": 200, "j.merriweather": 200, "l.forsgren": 403, "p.nair": 403}
    page = client_of("l.forsgren").get(f"/figures/{FOURTH.code}/").text
    assert STATISTICS in page
    assert "/figures/releases/" not in page


def test_no_table_takes_apart_what_another_does_but_whole_and_the_two_halves():
    """Where a case stands says whether it is open: so what is open and what is closed are taken apart by themselves."""
    assert {(plan.code, plan.of) for plan in tables.COMMON} == {
        ("standing", ""),
        ("outcome", "closed"),
        ("closed_month", "closed"),
        ("state", "open"),
        ("open_month", "open"),
        ("deadline", "deadlines"),
        ("age", ""),
        ("place", ""),
    }
