"""How numbers and codes about people are written, so that one thing is always kept in one form. Plain functions.

Each takes what was typed and returns the kept form, or raises BadFormat with a sentence that says what is wanted.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime

from cases.kernel.errors import CaseError

__all__ = [
    "BadFormat",
    "CardNumber",
    "bank_account",
    "device",
    "has_card_number",
    "is_under_18",
    "network_address",
    "phone",
    "postcode",
    "refuse_card_numbers",
    "vehicle",
]

ADULT_AGE = 18
_GAPS = re.compile(r"[\s().\-/]+")
_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_POSTCODE = re.compile(r"([A-Z]{1,2}\d[A-Z\d]?|GIR)\s*(\d[A-Z]{2})")
_CARD_RUN = re.compile(r"(?<!\d)\d(?:[ \-]?\d){12,18}(?!\d)")
_ACCOUNT = re.compile(r"\d\d-\d\d-\d\d \d{8}")
_MAC = re.compile(r"([0-9A-F]{2}[:\-]){5}[0-9A-F]{2}")
SHORTEST_CARD = 13


class BadFormat(CaseError):
    """What was typed is not written as such a thing is."""


class CardNumber(CaseError):
    """A text holds what looks like the number of a payment card."""

    def __init__(self) -> None:
        super().__init__(
            "This looks like a payment card number. Card numbers are never kept: write the first six and the last "
            "four digits."
        )


def _has_luhn_digit(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _is_something_else(digits: str) -> bool:
    """Handsets (15 digits) have check digits too. Cards begin with 2 to 6, those of 15 digits with 34 or 37, those of
    14 with 3; SIM cards begin with 89."""
    first = {14: ("3",), 15: ("34", "37")}.get(len(digits), ("2", "3", "4", "5", "6"))
    return not digits.startswith(first)


def has_card_number(text: str) -> bool:
    """Say whether a text holds 13 to 19 digits, with or without gaps, that check as a payment card's number."""
    if len(text) < SHORTEST_CARD:
        return False
    rest = _ACCOUNT.sub("", text)
    runs = ("".join(re.findall(r"\d", run)) for run in _CARD_RUN.findall(rest))
    return any(_has_luhn_digit(digits) and not _is_something_else(digits) for digits in runs)


def refuse_card_numbers(texts: Iterable[object]) -> None:
    """Raise CardNumber when one of the texts holds a payment card's number."""
    if any(isinstance(text, str) and has_card_number(text) for text in texts):
        raise CardNumber


def phone(text: str) -> str:
    """Return a telephone number as E.164; a national one is taken to be of the United Kingdom."""
    digits = _GAPS.sub("", text)
    digits = "+" + digits[2:] if digits.startswith("00") else digits
    digits = "+44" + digits[1:] if digits.startswith("0") else digits
    digits = digits.replace("+440", "+44", 1)
    is_british = digits.startswith("+44")
    if not _PHONE.fullmatch(digits) or (is_british and len(digits) not in (12, 13)):
        raise BadFormat("Write the number as it is dialled here, 07700 900123, or with its country code, +33 1 …")
    return digits


def postcode(text: str) -> str:
    """Return a postcode of the United Kingdom in capitals, its two parts apart."""
    found = _POSTCODE.fullmatch(text.strip().upper())
    if found is None:
        raise BadFormat("This is not a postcode of the United Kingdom, such as TR18 0ZZ. Name the country if abroad.")
    return f"{found[1]} {found[2]}"


def bank_account(text: str) -> str:
    """Return sort code and account number as 00-00-00 00000000."""
    digits = _GAPS.sub("", text)
    if not digits.isdecimal() or len(digits) != 14:
        raise BadFormat("Write six digits of sort code and eight of account number: 00-00-00 00000000.")
    return f"{digits[:2]}-{digits[2:4]}-{digits[4:6]} {digits[6:]}"


def vehicle(text: str) -> str:
    """Return a registration mark in capitals without spaces."""
    mark = _GAPS.sub("", text).upper()
    if not re.fullmatch(r"[A-Z0-9]{2,8}", mark):
        raise BadFormat("A registration mark has two to eight letters and digits.")
    return mark


def device(text: str) -> str:
    """Return device identifiers, one a line: IMEI (check digit proved), ICCID, IMSI, MAC address, or a name."""
    return "\n".join(_device(line.strip()) for line in text.splitlines() if line.strip())


def _device(line: str) -> str:
    plain = re.sub(r"[\s\-]", "", line)
    if not plain.isdecimal():
        mac = line.upper().replace("-", ":")
        return mac if _MAC.fullmatch(line.upper()) else line
    is_sim = len(plain) in (19, 20) and plain.startswith("89")
    is_subscriber = len(plain) in (14, 15) and plain.startswith(("234", "235"))
    if not (is_sim or is_subscriber or (len(plain) == 15 and _has_luhn_digit(plain))):
        raise BadFormat("This is no IMEI (15 digits with their check digit) and no ICCID (19 or 20 digits from 89).")
    return plain


def network_address(address: str, port: int | None, seen_at: str) -> str:
    """Return an IP address with the port and the moment at which it was seen, in UTC.

    Many share one address: without port and exact time it points at the wrong person.
    """
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        raise BadFormat("This is not an IP address.") from None
    try:
        moment = datetime.fromisoformat(seen_at.strip().replace("Z", "+00:00"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadFormat("Say when the address was seen, with its offset from UTC, such as 2026-11-13T21:02:00Z.")
    if port is None and parsed.version == 4:
        raise BadFormat("Say at which port the address was seen: many people share one address.")
    place = parsed.compressed if port is None else f"{parsed.compressed} port {port}"
    return f"{place} at {moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def is_under_18(born: date, *, on: date) -> bool:
    """Say whether somebody born on a day has not turned eighteen on another."""
    had_birthday = (on.month, on.day) >= (born.month, born.day)
    return on.year - born.year - (0 if had_birthday else 1) < ADULT_AGE
