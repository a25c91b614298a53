"""What exactly is asked for, and that nothing else goes: scenario L-1 and its edges."""

from datetime import UTC, datetime

import pytest

from cases.disclosure import described, excess
from cases.kernel.formats import BadFormat


def utc(month, day, hour=0, minute=0):
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


NUMBER = "+447700900789"
BEGINS, ENDS = utc(11, 1), utc(11, 14, 23, 59)
ASKED = described.asked_for(["subscriber_name", "outgoing_calls"], [NUMBER], BEGINS, ENDS)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("07700 900789", NUMBER),
        ("+44 7700 900789", NUMBER),
        ("203.0.113.45 port 41000", "203.0.113.45 port 41000"),
        ("203.0.113.45 PORT 41000", "203.0.113.45 port 41000"),
        ("2001:DB8::1", "2001:db8::1"),
        ("M.Tregaskis@example.org", "m.tregaskis@example.org"),
        ("350000000000014", "350000000000014"),
        ("01 397700 032387 7", "013977000323877"),  # a handset, whose number begins like a telephone's
        ("aa-bb-cc-dd-ee-0f", "AA:BB:CC:DD:EE:0F"),
        ("00 44 7700 900789", NUMBER),
    ],
)
def test_an_address_is_kept_in_one_form(typed, kept):
    assert described.address(typed) == kept
    assert described.address(kept) == kept


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("203.0.113.45", "many people share one address"),
        ("203.0.113.45 port 70000", "from 1 to 65535"),
        ("350000000000015", "IMEI"),
        ("013977000323878", "IMEI"),
        ("", "one number"),
        ("everything", "as it is dialled"),
    ],
)
def test_an_address_that_may_be_another_persons_is_refused(typed, said):
    with pytest.raises(BadFormat, match=said):
        described.address(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("2026-11-01T00:00Z", utc(11, 1)),
        ("2026-06-01T00:00+01:00", utc(5, 31, 23)),
        ("2026-10-25T01:30+01:00", utc(10, 25, 0, 30)),
        ("2026-10-25T01:30+00:00", utc(10, 25, 1, 30)),
    ],
)
def test_a_time_is_kept_in_utc_also_in_the_hour_that_comes_twice(typed, kept):
    assert described.moment(typed) == kept


@pytest.mark.parametrize("typed", ["2026-11-01T00:00", "2026-11-01", "1 November", ""])
def test_a_time_without_its_offset_is_refused(typed):
    with pytest.raises(BadFormat, match="offset"):
        described.moment(typed)


def test_entity_data_is_asked_for_without_a_period_and_event_data_with_one():
    assert [
        described.Asked(item="subscriber_name", address=NUMBER),
        described.Asked(item="outgoing_calls", address=NUMBER, begins_at=BEGINS, ends_at=ENDS),
    ] == ASKED
    with pytest.raises(BadFormat, match="from when to when"):
        described.asked_for(["outgoing_calls"], [NUMBER], None, None)
    with pytest.raises(BadFormat, match="before it begins"):
        described.asked_for(["outgoing_calls"], [NUMBER], ENDS, BEGINS)


def test_a_number_that_changed_hands_divides_the_period():
    held = [
        described.Holder(subject="A", begins_at=utc(1, 1), ends_at=utc(11, 6)),
        described.Holder(subject="B", begins_at=utc(11, 6)),
    ]
    assert described.divide(BEGINS, ENDS, held) == [
        described.Part(subject="A", begins_at=utc(11, 1), ends_at=utc(11, 6)),
        described.Part(subject="B", begins_at=utc(11, 6), ends_at=ENDS),
    ]


def test_a_time_in_which_nobody_held_the_number_is_nobodys():
    held = [
        described.Holder(subject="A", begins_at=utc(1, 1), ends_at=utc(11, 3)),
        described.Holder(subject="B", begins_at=utc(11, 10)),
    ]
    assert [(part.subject, part.begins_at) for part in described.divide(BEGINS, ENDS, held)] == [
        ("A", utc(11, 1)),
        ("", utc(11, 3)),
        ("B", utc(11, 10)),
    ]
    assert [part.subject for part in described.divide(BEGINS, ENDS, [])] == [""]


def sheet(*lines):
    return "\n".join(["item,address,at,seconds", *lines]).encode()


def too_much(*lines):
    return excess.sentence(excess.outside(excess.read(sheet(*lines)), ASKED))


def test_a_call_file_of_one_day_too_many_is_refused_and_names_the_day():
    assert too_much(
        "outgoing_calls,+447700900789,2026-11-14T23:59:30Z,12",
        "outgoing_calls,+447700900789,2026-11-15T00:00:00Z,12",
        "outgoing_calls,+447700900789,2026-11-15T08:12:00Z,12",
    ) == ("2 rows too many. The file holds days outside the period: 15 November 2026.")


def test_rows_inside_the_description_are_not_too_much():
    assert (
        too_much(
            "subscriber_name,07700 900789,,",
            "outgoing_calls,07700 900789,2026-11-01T00:00:00Z,12",
            "outgoing_calls,+447700900789,2026-11-01T01:00:00+01:00,12",
        )
        is None
    )


def test_an_hour_in_summer_time_falls_out_of_a_period_in_utc():
    assert "31 October 2026" in too_much("outgoing_calls,07700 900789,2026-11-01T00:30:00+01:00,12")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("payment_method,07700 900789,,", "1 row too many. The file holds what nobody asked for: Method of payment."),
        (
            "outgoing_calls,07700 900123,2026-11-02T10:00Z,1",
            "1 row too many. The file holds an address that was not asked about.",
        ),
        ("outgoing_calls,07700 900789,,1", "1 row too many. The file holds rows without a time."),
    ],
)
def test_another_item_or_address_or_a_row_without_time_is_too_much(line, said):
    assert too_much(line) == said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a,b\n1,2", "The first line names the columns item, address, at."),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (sheet("outgoing_calls,07700 900789,2026-11-02 10:00,1"), "Line 2: .*offset"),
        (sheet("outgoing_calls,203.0.113.45,2026-11-02T10:00Z,1"), "Line 2: .*port"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_its_line(data, said):
    with pytest.raises(excess.Unreadable, match=said):
        excess.read(data)


@pytest.mark.parametrize("ends", ["2026-11-14T23:59Z", "2026-11-14T23:59:59Z"])
def test_the_last_minute_counts_whole_and_not_a_second_more(ends):
    asked = described.asked_for(["outgoing_calls"], [NUMBER], BEGINS, described.moment(ends))[0]
    assert asked.covers(described.moment("2026-11-14T23:59:59Z"))
    assert not asked.covers(described.moment("2026-11-15T00:00:00Z"))
    assert not asked.covers(described.moment("2026-11-15T00:00:30Z"))


@pytest.mark.parametrize(
    "typed", ["0001-01-01T00:00+10:00", "9999-12-31T23:59-10:00", "9999-12-31T23:59Z", "1899-12-31T23:59Z"]
)
def test_a_year_that_nobody_means_is_refused_in_words(typed):
    with pytest.raises(BadFormat, match="Write a year from 1900 to 2100"):
        described.moment(typed)
