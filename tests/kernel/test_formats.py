"""One thing is kept in one form; what is not written as such a thing is, is refused with a sentence."""

from datetime import date

import pytest

from cases.kernel import formats

KEPT = [
    (formats.phone, "07700 900123", "+447700900123"),
    (formats.phone, "+44 (0)7700 900123", "+447700900123"),
    (formats.phone, "0044 7700-900123", "+447700900123"),
    (formats.phone, "(0161) 496 0000", "+441614960000"),
    (formats.phone, "01632 96000", "+44163296000"),
    (formats.phone, "+33 1 99 00 12 34", "+33199001234"),
    (formats.postcode, "tr180zz", "TR18 0ZZ"),
    (formats.postcode, " LS1  0zz ", "LS1 0ZZ"),
    (formats.postcode, "ec1a 1bb", "EC1A 1BB"),
    (formats.bank_account, "00-00-00 00000000", "00-00-00 00000000"),
    (formats.bank_account, "00000012345678", "00-00-00 12345678"),
    (formats.vehicle, "zz00 zzz", "ZZ00ZZZ"),
    (formats.device, "35-000000-000001-4", "350000000000014"),
    (formats.device, "8944000000000000012\n\n 89440000000000000129 ", "8944000000000000012\n89440000000000000129"),
    (formats.device, "234150999999999", "234150999999999"),
    (formats.device, "00-00-5e-00-53-af", "00:00:5E:00:53:AF"),
    (formats.device, "a rooted handset", "a rooted handset"),
]
REFUSED = [
    (formats.phone, "12345", "dialled here"),
    (formats.phone, "+44 7700 9001", "dialled here"),
    (formats.phone, "+447700900123456", "dialled here"),
    (formats.phone, "07700 90O123", "dialled here"),
    (formats.postcode, "TR18", "not a postcode"),
    (formats.postcode, "75001", "not a postcode"),
    (formats.bank_account, "00-00-00 0000000", "six digits"),
    (formats.bank_account, "00-00-00 0000000X", "six digits"),
    (formats.vehicle, "Z", "two to eight"),
    (formats.device, "350000000000015", "no IMEI"),
    (formats.device, "12345", "no IMEI"),
    (formats.device, "7944000000000000012", "no IMEI"),
]
# Numbers that card schemes publish for tests.
CARDS = ("4111111111111111", "4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005", "6011000990139424")
CARDS += ("4222222222222", "30569309025904", "pays with 4111111111111111.")
NO_CARDS = ("4111111111111112", "350000000000014", "8944000000000000012", "+447700900123", "NM-4471", "", "0" * 22)
NO_CARDS += ("00-00-00 00000000", "89440000000000000004", "2026-11-13 21:02")


@pytest.mark.parametrize(("tidy", "typed", "kept"), KEPT)
def test_what_is_typed_is_kept_in_one_form(tidy, typed, kept):
    assert tidy(typed) == kept
    assert tidy(kept) == kept


@pytest.mark.parametrize(("tidy", "typed", "sentence"), REFUSED)
def test_what_is_written_otherwise_is_refused(tidy, typed, sentence):
    with pytest.raises(formats.BadFormat, match=sentence):
        tidy(typed)


@pytest.mark.parametrize("text", CARDS)
def test_card_numbers_are_seen(text):
    assert formats.has_card_number(text)
    with pytest.raises(formats.CardNumber, match="first six and the last four"):
        formats.refuse_card_numbers(["a", None, text])


@pytest.mark.parametrize("text", NO_CARDS)
def test_other_numbers_are_not_taken_for_cards(text):
    assert not formats.has_card_number(text)


def test_an_ip_address_has_its_port_and_its_moment_in_utc():
    kept = "203.0.113.45 port 51514 at 2026-11-13T21:02:00Z"
    assert formats.network_address("203.0.113.45", 51514, "2026-11-13T21:02:00Z") == kept
    assert formats.network_address("203.0.113.45", 51514, "2026-11-13T22:02:00+01:00") == kept
    assert formats.network_address("2001:DB8::0:1", None, "2026-11-13T21:02:00Z") == (
        "2001:db8::1 at 2026-11-13T21:02:00Z"
    )


@pytest.mark.parametrize(
    ("address", "port", "moment", "sentence"),
    [
        ("203.0.113.45", 1, "2026-11-13 21:02", "offset from UTC"),
        ("203.0.113.45", 1, "yesterday", "offset from UTC"),
        ("203.0.113.45", 1, "", "offset from UTC"),
        ("203.0.113.45", None, "2026-11-13T21:02:00Z", "at which port"),
        ("203.0.113.999", 1, "2026-11-13T21:02:00Z", "not an IP address"),
    ],
)
def test_an_ip_address_alone_is_refused(address, port, moment, sentence):
    with pytest.raises(formats.BadFormat, match=sentence):
        formats.network_address(address, port, moment)


def test_eighteen_is_reached_on_the_birthday_and_from_a_leap_day_on_the_first_of_march():
    assert formats.is_under_18(date(2008, 11, 15), on=date(2026, 11, 14))
    assert not formats.is_under_18(date(2008, 11, 14), on=date(2026, 11, 14))
    assert formats.is_under_18(date(2008, 2, 29), on=date(2026, 2, 28))
    assert not formats.is_under_18(date(2008, 2, 29), on=date(2026, 3, 1))
