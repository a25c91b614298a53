"""The clock rules of the design, K01 to K27: the days on which they end, worked out by hand from the law's wording.

tests/data/clock_dates.csv holds them for each jurisdiction: month ends, leap years, Christmas, Easter, St Andrew's
Day, 12 July, 2 January and the changes of summer time. A date stands for the end of that day in London.
"""

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from cases.kernel import calendars, clocks, record
from cases.kernel.actors import system
from cases.kernel.models import Clock, ClockRuleVersion
from cases.kernel.timing import rulebook
from cases.kernel.timing.counting import in_words
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.factories import AT

DATA = Path(__file__).parents[1] / "data"
DATES = list(csv.DictReader((DATA / "clock_dates.csv").read_text().splitlines()))
WORDS = list(csv.DictReader((DATA / "clock_words.csv").read_text().splitlines()))
# Counted by nobody: a hold until it is released.
OPEN_ENDED = {"k08_preserve", "k18_crisis_moratorium"}


def expected(cell: str) -> datetime:
    moment = datetime.fromisoformat(cell)
    if "T" in cell:
        return moment.astimezone(UTC)
    return datetime(moment.year, moment.month, moment.day, 23, 59, 59, tzinfo=calendars.LONDON).astimezone(UTC)


@pytest.mark.parametrize("row", DATES, ids=lambda row: f"{row['rule']}-{row['jurisdiction']}-{row['started'][:10]}")
def test_each_period_ends_on_the_day_the_law_says(row):
    started = datetime.fromisoformat(row["started"])
    until = date.fromisoformat(row["named"]) if row["named"] else None
    known = [rule for rule in rulebook.shipped() if rule.code == row["rule"]]
    rule = rulebook._in_force(known, calendars.london_date(started))

    moment, day = clocks.due(rule, started_at=started, calendar=calendars.printed(row["jurisdiction"]), until=until)

    assert moment.astimezone(UTC) == expected(row["due"]), row["why"]
    assert day == expected(row["due"]).astimezone(calendars.LONDON).date()
    assert row["jurisdiction"] in rule.jurisdictions


def test_every_clock_of_the_design_is_a_rule_with_its_source_and_its_days():
    rules = [rule for rule in rulebook.shipped() if rule.clock]

    assert {rule.clock for rule in rules} == {f"K{number:02}" for number in range(1, 28)}
    assert {rule.code for rule in rules if rule.code not in OPEN_ENDED} == {row["rule"] for row in DATES}
    assert all(rule.source and rule.label and rule.jurisdictions for rule in rules)


def test_every_clock_has_a_day_worked_out_by_hand_in_each_part_of_the_country_in_which_it_runs():
    rules = [rule for rule in rulebook.shipped() if rule.clock and rule.code not in OPEN_ENDED]

    assert {(row["rule"], row["jurisdiction"]) for row in DATES} == {
        (rule.code, place) for rule in rules for place in rule.jurisdictions
    }


def test_each_rule_is_said_in_words():
    rules = [rule for rule in rulebook.shipped() if rule.clock]

    said = [{"rule": rule.code, "version": str(rule.version), "words": in_words(rule)} for rule in rules]
    assert said == WORDS


@pytest.fixture
def case(db):
    return factories.referred(factories.office())


def act(case):
    return record.act(case, "tests.clock", actor=system("tests"), at=AT)


@pytest.mark.parametrize(
    ("code", "more", "sentence"),
    [
        ("k08_preserve", {}, "Preserve what an order is sought for has no fixed end: enter a hold instead."),
        ("k18_crisis_moratorium", {}, "Mental health crisis moratorium has no fixed end: enter a hold instead."),
        ("k13_breathing_space", {"jurisdiction": "sct"}, "Breathing Space ends does not run in Scotland."),
        (
            "k14_ask_review",
            {"jurisdiction": "nir"},
            "moratorium asked for does not run in Northern Ireland.",
        ),
        ("k19_limitation", {"jurisdiction": "sct"}, "Debt becomes unenforceable does not run in Scotland."),
        ("k19_prescription", {}, "Debt is extinguished does not run in England and Wales."),
        ("k21_default_on_file", {"until": AT.date()}, "ends when the law says; no other end may be named."),
        ("k07_production_order", {"until": date(2026, 11, 13)}, "Production order cannot end before it begins."),
    ],
)
def test_what_the_law_does_not_let_run_is_not_started(case, code, more, sentence):
    before = Clock.objects.count()
    with pytest.raises(clocks.ClockRefused, match=sentence.replace(".", r"\.")), transaction.atomic(), act(case):
        clocks.start(case, code, started_at=AT, **more)

    assert Clock.objects.count() == before
    assert not LedgerEvent.objects.filter(stream=case.uid, action="tests.clock").exists()


@pytest.mark.parametrize(
    ("code", "more", "sentence"),
    [
        (
            "k13_breathing_space",
            {},
            "Breathing Space ends: 60 days beginning with 15 November 2026 (the day after 14 November 2026), so "
            "13 January 2027. Debt Respite Scheme Regulations 2020 reg 26: it starts the day after the entry in the "
            "register.",
        ),
        (
            "k20_notice_of_default",
            {"jurisdiction": "sct"},
            "Notice before a default is filed: 28 days after 17 November 2026 (served 2 working days after 14 November "
            "2026), Scotland, so 15 December 2026. Principles for the reporting of arrears, arrangements and defaults: "
            "28 days after service, which is deemed two working days after posting.",
        ),
        (
            "k07_production_order",
            {"until": date(2026, 12, 1)},
            "Production order: ends on the day that was named, 1 December 2026. Police and Criminal Evidence Act 1984 "
            "Sch 1 para 4: seven days from the order, or the longer period it names.",
        ),
        (
            "k10_request",
            {},
            "Answer to a request: 1 month after 14 November 2026, England and Wales, so 14 December 2026. UK GDPR art "
            "12(3): one month from receipt.",
        ),
        (
            "k10_extended",
            {},
            "Answer to a complex request: 3 months after 14 November 2026, England and Wales, so 15 February 2027. "
            "14 February 2027 is not a working day. UK GDPR art 12(3): one month from receipt and two further months.",
        ),
        (
            "k17_tell_collectors",
            {},
            "Collectors told of a moratorium: the same working day as 14 November 2026, England and Wales, so "
            "16 November 2026. Debt Respite Scheme Regulations 2020 reg 12: as soon as reasonably practicable. "
            "Internal target: the same working day.",
        ),
    ],
)
def test_a_clock_says_how_it_was_counted(case, code, more, sentence):
    with act(case):
        clock = clocks.start(case, code, started_at=AT, **more)

    assert clock.explanation == sentence


def test_the_shipped_rules_are_loaded_once_and_on_record(db):
    first = rulebook.load(at=AT)
    again = rulebook.load(at=AT)

    assert (first, again) == (len(rulebook.shipped()), 0)
    assert ClockRuleVersion.objects.count() == first
    assert LedgerEvent.objects.filter(stream=rulebook.STREAM, action="clock_rules.loaded").count() == 1


def test_a_running_clock_keeps_the_version_it_began_with(case):
    rulebook.load(at=AT)
    shorter = clocks.ClockRule(
        code="k10_request",
        label="Answer to a request",
        length=14,
        unit="days",
        is_pausable=True,
        source="An Act of 2027",
        effective_from=date(2027, 1, 1),
        version=2,
    )
    before, after = datetime(2026, 12, 31, 12, tzinfo=UTC), datetime(2027, 1, 1, 12, tzinfo=UTC)
    with act(case):
        old = clocks.start(case, "k10_request", started_at=before)
    rulebook.add_version(shorter, actor=system("tests"), at=AT)

    with act(case):
        new = clocks.start(case, "k10_request", started_at=after)
        clocks.pause(case, "k10_request", at=after)
        clocks.resume(case, "k10_request", at=datetime(2027, 1, 4, 12, tzinfo=UTC))

    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.version, old.due_date) == (1, date(2027, 2, 3))  # 31 January, three days later, is no Sunday any more
    assert (new.version, new.due_date) == (2, date(2027, 1, 18))
    assert "An Act of 2027" in new.explanation


@pytest.mark.parametrize(
    "statement", ["UPDATE cases_clockruleversion SET length = 9", "DELETE FROM cases_clockruleversion"]
)
def test_the_database_refuses_to_change_a_version_by_which_a_clock_was_counted(case, statement):
    rulebook.load(at=AT)

    with pytest.raises(DatabaseError, match="clocks count by fraud_triage 1"), transaction.atomic():
        connection.cursor().execute(f"{statement} WHERE code = 'fraud_triage'")

    assert ClockRuleVersion.objects.get(code="fraud_triage").length == 2
