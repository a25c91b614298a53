"""A changed calendar counts open clocks anew and says so on each case; warnings and breaches become one task each."""

import threading
from datetime import date, datetime, timedelta

import pytest
from django.db import connection, transaction

from cases.kernel import actors, approvals, calendars, clocks, record, tasks
from cases.kernel.actors import system
from cases.kernel.background import jobrun, jobs
from cases.kernel.models import Case, Clock, HolidayChange, Job, Task
from cases.kernel.restricted import breakglass
from cases.kernel.timing import recounting, rulebook, sweeps
from cases.ledger import api as ledger
from cases.ledger import verify
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

LATE = datetime(2026, 11, 18, 9, 0, tzinfo=AT.tzinfo)


def change(effect: str, day: date, jurisdiction: str = "eaw") -> HolidayChange:
    """Enter a change of a calendar as a decided proposal does, and queue the recount with it."""
    with transaction.atomic(), ledger.action(rulebook.STREAM, "tests.holiday", actor="system:tests", at=AT):
        row, _ = HolidayChange.objects.get_or_create(
            jurisdiction=jurisdiction,
            day=day,
            defaults={"effect": effect, "name": "Tests' Day", "source": "Royal proclamation"},
        )
        if row.effect != effect:
            row.effect = effect
            row.save()
        recounting.begin(jurisdiction, change=row.uid, actor=system("tests"), at=AT)
    return row


def recount() -> None:
    jobrun.work(clock=lambda: AT)


def recounted(case: Case) -> list[dict]:
    events = LedgerEvent.objects.filter(stream=case.uid, action="clock.recounted").order_by("seq")
    return [event.content()["detail"] for event in events]


@pytest.fixture
def people(db):
    return factories.office()


def start(case: Case, code: str, **more) -> Clock:
    with record.act(case, "tests.clock", actor=system("tests"), at=AT):
        return clocks.start(case, code, started_at=AT, **more)


def test_an_added_holiday_moves_open_clocks_of_that_jurisdiction_and_is_recorded_on_the_case(people):
    case = factories.referred(people)  # triage: Monday 16 and Tuesday 17 November
    there = start(case, "k20_notice_of_default", jurisdiction="sct")
    expiry = start(case, "k21_default_on_file")

    row = change("added", date(2026, 11, 16))
    recount()

    triage = Clock.objects.get(case=case, rule="fraud_triage")
    assert (triage.due_date, Case.objects.get(pk=case.pk).due_at) == (date(2026, 11, 18), triage.due_at)
    assert triage.explanation.endswith("England and Wales, so 18 November 2026. Internal target.")
    assert recounted(case) == [
        {
            "rule": "fraud_triage",
            "from_date": "2026-11-17",
            "to_date": "2026-11-18",
            "calendar": "eaw",
            "calendar_change": str(row.uid),
        }
    ]
    assert Clock.objects.get(pk=there.pk).due_date == date(2026, 12, 15)
    assert Clock.objects.get(pk=expiry.pk).due_date == date(2032, 11, 14)
    assert not calendars.is_working_day(date(2026, 11, 16))
    assert calendars.of("sct").is_working_day(date(2026, 11, 16))


def test_a_removed_holiday_moves_the_end_back_and_as_published_undoes_it(people):
    case = factories.referred(people)
    clock = start(case, "k06_check", jurisdiction="sct", until=None)
    with record.act(case, "tests.clock", actor=system("tests"), at=AT):
        clocks.end(case, "k06_check", at=AT, state="cancelled")
        friday = datetime(2026, 11, 27, 12, tzinfo=AT.tzinfo)
        clock = clocks.start(case, "k06_check", started_at=friday, jurisdiction="sct")
    assert clock.due_date == date(2026, 12, 1)  # over St Andrew's Day

    change("removed", date(2026, 11, 30), "sct")
    recount()
    assert Clock.objects.get(pk=clock.pk).due_date == date(2026, 11, 30)
    change("as_published", date(2026, 11, 30), "sct")
    recount()

    assert Clock.objects.get(pk=clock.pk).due_date == date(2026, 12, 1)
    assert [(each["from_date"], each["to_date"]) for each in recounted(case)] == [
        ("2026-12-01", "2026-11-30"),
        ("2026-11-30", "2026-12-01"),
    ]


def test_a_holiday_that_moves_nothing_writes_nothing_on_the_case(people):
    case = factories.referred(people)
    before = LedgerEvent.objects.filter(stream=case.uid).count()

    change("added", date(2026, 12, 10))
    recount()

    job = Job.objects.get(kind=recounting.KIND)
    assert (job.state, job.total, job.done, job.skipped) == ("done", 1, 0, 1)
    assert list(jobs.left_out(job)) == [("skipped", "end_stays", 1)]
    assert LedgerEvent.objects.filter(stream=case.uid).count() == before


def test_a_breach_that_is_none_any_more_runs_again_and_its_task_is_closed(people):
    case = factories.referred(people)
    over = datetime(2026, 11, 18, 0, 0, 1, tzinfo=AT.tzinfo)
    sweeps.end_due_clocks(now=over)
    assert Task.objects.get(case=case).closed_at is None

    change("added", date(2026, 11, 16))
    jobrun.work(clock=lambda: over)

    clock = Clock.objects.get(case=case)
    assert (clock.state, clock.due_date) == ("running", date(2026, 11, 18))
    assert Task.objects.get(case=case).outcome == "counted_anew"
    assert {finding.level for finding in verify.verify_stream(case.uid)} <= {"recorded late"}


def test_clocks_of_restricted_cases_are_counted_where_nobody_sees_their_number(people):
    case = factories.referred(people)
    with record.act(case, "tests.hide", actor=system("tests"), at=AT):
        case.is_restricted = True
        case.save()

    change("added", date(2026, 11, 16))
    recount()

    assert Clock.objects.get(case=case).due_date == date(2026, 11, 18)
    shown = Job.objects.get(kind=recounting.KIND)
    assert (shown.total, shown.state) == (0, "done")
    keeper = next(each for each in people.values() if "system_administrator" in each.roles)
    assert set(jobs.visible_to(keeper).values_list("kind", flat=True)) == {recounting.KIND}


def test_a_period_of_a_restricted_case_that_could_not_be_counted_anew_is_its_own_teams_task(people, monkeypatch):
    """The work is on no page, so nobody would hear of a deadline that stayed a day too late."""
    case = factories.referred(people)
    with record.act(case, "tests.hide", actor=system("tests"), at=AT):
        case.is_restricted = True
        case.save()
    was = clocks.recount
    monkeypatch.setattr(clocks, "recount", lambda *_, **__: 1 / 0)
    for _again in range(2):
        change("added", date(2026, 11, 16))
        recount()
    task = Task.objects.get(case=case, kind="clock_not_recounted", closed_at=None)
    assert task.detail == {"rule": "fraud_triage", "clock": Clock.objects.get(case=case).pk}
    assert Job.objects.filter(kind=recounting.HIDDEN_KIND).values_list("failed", flat=True)[0] == 1
    assert not Task.objects.filter(case=None, closed_at=None).exists()
    assert clocks.recount is not was


def test_what_is_due_with_a_clock_moves_with_it_and_what_only_shares_its_day_stays(people):
    case = factories.referred(people)
    monday = datetime(2026, 11, 16, 23, 59, 59, tzinfo=AT.tzinfo)
    clock = start(case, "check_after")  # the act was on Saturday
    assert clock.due_at == monday
    with record.act(case, "tests.checked", actor=system("tests"), at=AT):
        asked = tasks.raise_task("check_after", case=case, at=AT, due_at=monday, act="hurry")
        warned = tasks.raise_task("clock_soon", case=case, at=AT, due_at=monday, rule="check_after")
        named = tasks.raise_task("fraud_notice", case=case, at=AT, due_at=monday, clock=clock.pk)
        others = [
            tasks.raise_task("clock_soon", case=case, at=AT, due_at=monday, rule="k20_notice_of_default"),
            tasks.raise_task("message_dead", case=case, at=AT, due_at=monday),
        ]
        approval = approvals.open_approval(
            case,
            "release_hold",
            maker=people["a.byrne"],
            needs=["fraud_approver"],
            at=AT,
            mode="after",
            due_at=monday,
            given={"by": "a", "reason": "b", "inputs": {}, "occurred_at": AT},
        )

    change("added", date(2026, 11, 16))
    recount()

    tuesday = monday + timedelta(days=1)
    for row in (asked, warned, named, approval, *others):
        row.refresh_from_db()
    assert {each.due_at for each in (asked, warned, named, approval)} == {tuesday}
    assert [each.due_at for each in others] == [monday, monday]
    assert {"rule": "check_after", "to_date": "2026-11-17"}.items() <= recounted(case)[-1].items()
    assert {finding.level for finding in verify.verify_stream(case.uid)} <= {"recorded late"}


def test_until_when_a_use_of_break_glass_is_reviewed_moves_with_the_calendar(people):
    case = factories.investigating(people)
    looker = actors.staff(factories.user("m.achterberg"))
    glass = breakglass.break_glass(case.reference, reason="Customer at the counter in Leeds.", actor=looker, at=AT)
    assert calendars.london_date(glass.review_due_at) == date(2026, 11, 17)

    row = change("added", date(2026, 11, 16))
    recount()

    glass.refresh_from_db()
    wednesday = datetime(2026, 11, 18, 23, 59, 59, tzinfo=AT.tzinfo)
    assert (glass.review_due_at, Task.objects.get(kind="break_glass_review").due_at) == (wednesday, wednesday)
    event = LedgerEvent.objects.get(stream=case.uid, action="case.glass_review_recounted")
    assert event.content()["detail"] == {"alert": glass.alert_reference, "calendar_change": str(row.uid)}
    assert Job.objects.get(kind=recounting.KIND).total == Clock.objects.filter(case=case, ended_at=None).count()


def test_rows_of_the_list_name_only_cases_the_reader_may_see(people):
    case = factories.referred(people)
    clock = Clock.objects.get(case=case)

    assert recounting._names(people["a.byrne"], [str(clock.pk)]) == {str(clock.pk): case.reference}
    assert recounting._names(people["r.penhale"], [str(clock.pk)]) == {}


# --- Warnings ------------------------------------------------------------------------------------------------------


def test_what_ends_soon_becomes_one_task_as_early_as_its_rule_says(people):
    rulebook.load(at=AT)
    case = factories.referred(people)
    clock = start(case, "k10_request")  # due 14 December, 120 hours ahead
    early = clock.due_at - timedelta(hours=120)
    with nothing_written():
        assert sweeps.warn_of_ends(now=early) == 0

    assert sweeps.warn_of_ends(now=early + timedelta(seconds=1)) == 1
    with nothing_written():
        assert sweeps.warn_of_ends(now=early + timedelta(hours=9)) == 0

    task = Task.objects.get(case=case, kind="clock_soon")
    assert (task.detail, task.due_at, task.team.code) == ({"rule": "k10_request"}, clock.due_at, "fraud")
    assert LedgerEvent.objects.filter(stream=case.uid, action="clock.warned").count() == 1
    with record.act(case, "tests.clock", actor=system("tests"), at=AT):
        clocks.meet(case, "k10_request", at=AT)
    assert Task.objects.get(pk=task.pk).outcome == "met"


def test_a_period_that_is_only_recorded_raises_no_task_at_its_end(people):
    case = factories.referred(people)
    clock = start(case, "k02_urgent_authorisation")

    sweeps.end_due_clocks(now=clock.due_at + timedelta(seconds=1))

    assert Clock.objects.get(pk=clock.pk).state == "breached"
    assert not Task.objects.filter(case=case, detail__rule="k02_urgent_authorisation").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("sweep", "verb"), [(sweeps.warn_of_ends, "warned"), (sweeps.end_due_clocks, "breached")])
def test_two_beats_at_once_raise_one_task(sweep, verb):
    case = factories.referred(factories.office())
    rulebook.load(at=AT)
    clock = start(case, "k03_written_notice")  # due Monday 16 November, warned 8 hours ahead
    now = clock.due_at + (timedelta(seconds=1) if verb == "breached" else -timedelta(hours=1))
    together, settled = threading.Barrier(2), []

    def beat() -> None:
        together.wait()
        settled.append(sweep(now=now))
        connection.close()

    threads = [threading.Thread(target=beat) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(settled) == [0, 1]
    assert Task.objects.filter(case=case).count() == 1
    assert LedgerEvent.objects.filter(stream=case.uid, action=f"clock.{verb}").count() == 1
