"""Days as the law counts them: working days of three jurisdictions, months, years, London's midnight."""

from datetime import UTC, date, datetime

import pytest

from cases.kernel import calendars, clocks
from cases.kernel.clocks import ClockRule

SINCE = date(2026, 1, 1)
EAW = calendars.printed("eaw")


def rule(length, unit, *, beginning_with=False, label="Period"):
    return ClockRule(
        code="tests",
        label=label,
        length=length,
        unit=unit,
        source="Test",
        effective_from=SINCE,
        counts_first_day=beginning_with,
    )


# Published bank holidays: what is one in one jurisdiction is a working day in another.
@pytest.mark.parametrize(
    ("day", "eaw", "sct", "nir"),
    [
        (date(2026, 1, 1), False, False, False),  # New Year's Day
        (date(2026, 1, 2), True, False, True),  # 2 January
        (date(2026, 3, 17), True, True, False),  # St Patrick's Day
        (date(2026, 4, 3), False, False, False),  # Good Friday
        (date(2026, 4, 6), False, True, False),  # Easter Monday
        (date(2026, 5, 4), False, False, False),  # early May
        (date(2026, 7, 13), True, True, False),  # Battle of the Boyne, observed: 12 July is a Sunday
        (date(2027, 7, 12), True, True, False),  # Battle of the Boyne
        (date(2026, 8, 3), True, False, True),  # summer bank holiday in Scotland
        (date(2026, 8, 31), False, True, False),  # summer bank holiday elsewhere
        (date(2026, 11, 30), True, False, True),  # St Andrew's Day
        (date(2026, 12, 25), False, False, False),
        (date(2026, 12, 28), False, False, False),  # Boxing Day, observed: 26 December is a Saturday
        (date(2027, 1, 4), True, False, True),  # 2 January, observed
        (date(2026, 11, 14), False, False, False),  # a Saturday
        (date(2026, 11, 16), True, True, True),  # a Monday
    ],
)
def test_working_days_differ_by_jurisdiction(day, eaw, sct, nir):
    answers = {place: calendars.printed(place).is_working_day(day) for place in ("eaw", "sct", "nir")}
    assert answers == {"eaw": eaw, "sct": sct, "nir": nir}


@pytest.mark.parametrize(
    ("start", "count", "place", "end"),
    [
        (date(2026, 11, 13), 1, "eaw", date(2026, 11, 16)),  # Friday: the next working day is Monday
        (date(2026, 11, 14), 2, "eaw", date(2026, 11, 17)),  # from a Saturday
        (date(2026, 11, 27), 1, "sct", date(2026, 12, 1)),  # over St Andrew's Day
        (date(2026, 11, 27), 1, "eaw", date(2026, 11, 30)),
        (date(2026, 4, 2), 1, "sct", date(2026, 4, 6)),  # Scotland works on Easter Monday
        (date(2026, 4, 2), 1, "eaw", date(2026, 4, 7)),
        (date(2026, 12, 24), 1, "eaw", date(2026, 12, 29)),
        (date(2025, 12, 31), 1, "eaw", date(2026, 1, 2)),  # over the year's end
        (date(2025, 12, 31), 1, "sct", date(2026, 1, 5)),
        (date(2026, 7, 10), 1, "nir", date(2026, 7, 14)),
        (date(2026, 11, 16), 0, "eaw", date(2026, 11, 16)),
    ],
)
def test_working_days_are_counted_after_the_day(start, count, place, end):
    assert calendars.printed(place).add_working_days(start, count) == end


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 8, 31), 1, date(2026, 9, 30)),
        (date(2026, 11, 16), 13, date(2027, 12, 16)),  # a victim's marker
        (date(2026, 11, 16), 72, date(2032, 11, 16)),  # an adverse marker
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
    ],
)
def test_months_end_on_the_corresponding_day_or_the_months_last(start, months, end):
    assert calendars.add_months(start, months) == end


@pytest.mark.parametrize(
    ("start", "given", "end"),
    [
        (date(2026, 3, 10), rule(1, "months", beginning_with=True), date(2026, 4, 9)),
        (date(2026, 1, 31), rule(1, "months", beginning_with=True), date(2026, 2, 28)),
        (date(2026, 3, 1), rule(1, "months", beginning_with=True), date(2026, 3, 31)),
        (date(2026, 3, 10), rule(3, "days", beginning_with=True), date(2026, 3, 12)),
        (date(2026, 3, 10), rule(3, "days"), date(2026, 3, 13)),
        (date(2028, 2, 29), rule(1, "years", beginning_with=True), date(2029, 2, 28)),
        (date(2026, 11, 16), rule(6, "years"), date(2032, 11, 16)),
        (date(2026, 11, 16), rule(1, "working_days", beginning_with=True), date(2026, 11, 16)),
        (date(2026, 11, 14), rule(1, "working_days", beginning_with=True), date(2026, 11, 16)),
        (date(2026, 11, 16), rule(60, "days", beginning_with=True), date(2027, 1, 14)),
    ],
)
def test_beginning_with_counts_the_first_day(start, given, end):
    noon = datetime(start.year, start.month, start.day, 12, tzinfo=UTC)
    assert clocks.due(given, started_at=noon, calendar=EAW)[1] == end


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 6, 30, 22, 59, tzinfo=UTC), date(2026, 6, 30)),  # 23:59 in London
        (datetime(2026, 6, 30, 23, 0, tzinfo=UTC), date(2026, 7, 1)),  # midnight in London
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), date(2026, 3, 29)),  # the clocks go forward
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), date(2026, 10, 25)),  # the clocks go back
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), date(2026, 10, 25)),
    ],
)
def test_a_day_is_londons(moment, day):
    assert calendars.london_date(moment) == day


def test_days_end_at_londons_midnight_on_both_sides_of_summer_time():
    last = {day: calendars.end_of_day(day).astimezone(UTC) for day in (date(2026, 3, 28), date(2026, 3, 29))}
    assert last == {
        date(2026, 3, 28): datetime(2026, 3, 28, 23, 59, 59, tzinfo=UTC),
        date(2026, 3, 29): datetime(2026, 3, 29, 22, 59, 59, tzinfo=UTC),
    }
    assert calendars.end_of_day(date(2026, 10, 25)).astimezone(UTC).hour == 23


def test_hours_are_counted_in_real_time_over_the_change_of_clocks():
    before = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert clocks.due(rule(1, "hours"), started_at=before, calendar=EAW)[0] == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    late = datetime(2026, 6, 30, 22, 30, tzinfo=UTC)
    assert clocks.due(rule(72, "hours"), started_at=late, calendar=EAW)[1] == date(2026, 7, 3)


@pytest.mark.parametrize(
    ("given", "first", "place", "sentence"),
    [
        (
            rule(2, "working_days", label="Triage"),
            date(2026, 11, 14),
            "eaw",
            "Triage: 2 working days after 14 November 2026, England and Wales, so 17 November 2026. Test.",
        ),
        (
            rule(1, "working_days", label="Check"),
            date(2026, 11, 27),
            "sct",
            "Check: 1 working day after 27 November 2026, Scotland, so 1 December 2026. Test.",
        ),
        (
            rule(1, "working_days", label="Check"),
            date(2026, 7, 10),
            "nir",
            "Check: 1 working day after 10 July 2026, Northern Ireland, so 14 July 2026. Test.",
        ),
        (
            rule(13, "months", label="Victim marker expires"),
            date(2026, 11, 16),
            "eaw",
            "Victim marker expires: 13 months after 16 November 2026, so 16 December 2027. Test.",
        ),
        (
            rule(1, "months", beginning_with=True, label="Authorisation"),
            date(2026, 1, 31),
            "eaw",
            "Authorisation: 1 month beginning with 31 January 2026, so 28 February 2026. Test.",
        ),
    ],
)
def test_sentences_say_how_the_end_was_counted(given, first, place, sentence):
    noon = datetime(first.year, first.month, first.day, 12, tzinfo=UTC)
    calendar = calendars.printed(place)
    last = clocks.due(given, started_at=noon, calendar=calendar)[1]
    assert clocks.explain(given, first=first, last=last, calendar=calendar) == sentence


def test_a_period_of_hours_is_told_to_the_minute_in_london_time():
    given, calendar = rule(4, "hours", label="Answer"), calendars.printed("eaw")
    started = datetime(2026, 7, 1, 21, 30, tzinfo=UTC)  # summer time: 22:30 in London
    ended, last = clocks.due(given, started_at=started, calendar=calendar)
    told = clocks.explain(given, first=last, last=last, calendar=calendar, moments=(started, ended))
    assert told == "Answer: 4 hours after 1 July 2026 at 22:30, so 2 July 2026 at 02:30. Test."


def test_a_day_that_was_typed_is_said_without_a_time_of_day():
    summer = date(2026, 7, 1)
    assert calendars.spoken(calendars.end_of_day(summer)) == "1 July 2026"
    assert calendars.spoken(calendars.start_of_day(summer)) == "1 July 2026"
    assert calendars.spoken(datetime(2026, 7, 1, 22, 59, tzinfo=UTC)) == "1 July 2026 23:59"
