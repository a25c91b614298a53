"""How values are made comparable before they are blinded: names, telephone numbers, postcodes, accounts, handsets, IP
addresses, dates, words.

Knows no row and no key. What is indexed and what is typed into the search box pass through the same functions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from ipaddress import ip_address

from doublemetaphone import doublemetaphone

__all__ = [
    "EXACT",
    "account",
    "born",
    "device",
    "email",
    "ip",
    "note_words",
    "of_name",
    "outward",
    "parts",
    "phone",
    "postcode",
    "sounds",
    "starts",
    "words",
]

SHORTEST_NAME = 2
LONGEST_START = 12
UK_DIGITS = 10  # of a number without its leading nought
SHORTEST_NOTE_WORD = 3
# Letters that NFKD leaves whole.
_WHOLE = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i", "ħ": "h"})
_APOSTROPHES = re.compile(r"['’‘ʼʻ`´]")
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_NOT_WORD = re.compile(r"[\W_]+")
_POSTCODE = re.compile(r"^[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}$")
_OUTWARD = re.compile(r"^[A-Z]{1,2}\d[A-Z\d]?$")
_DAY_FIRST = re.compile(r"^(\d{1,2})[/.\- ](\d{1,2}|[a-z]{3,9})[/.\- ](\d{4})$")
_YEAR_FIRST = re.compile(r"^(\d{4})-(\d{2})-(\d{2})$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Words that stand in every note tell nothing and would fill every search.
_COMMON = """
about after all also and any are been but can did does for from had has have her him his how into its may not now off
one our out said she that the their them then there they this was were what when who will with you
"""
COMMON = frozenset(_COMMON.split())


def _plain(text: str) -> str:
    """Return small letters without marks, apostrophes taken out."""
    folded = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text).casefold()).translate(_WHOLE)
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


def words(text: str, *, as_one: bool = False) -> list[str]:
    """Return the words of a name, of two letters and more, each once. The parts of a double-barrelled name come with
    the whole of it as one word, so that it is found however it is typed; O'Brien is obrien, and brien as well.
    `as_one` adds a spaced name as one word: vanderberg."""
    found: list[str] = []
    for chunk in text.split():
        parts = [part for part in _NOT_LETTERS.split(_plain(chunk)) if part]
        found += [*parts, "".join(parts)]
        found += [_plain(tail) for tail in _APOSTROPHES.split(chunk)[1:]]
    if as_one:
        found.append(_plain(text))
    clean = (_NOT_LETTERS.sub("", word) for word in found)
    return list(dict.fromkeys(word for word in clean if len(word) >= SHORTEST_NAME))


def parts(text: str) -> list[str]:
    """Return the words that were typed to find a name: a double-barrelled one is two of them, O'Brien is one."""
    found = (_NOT_LETTERS.split(_plain(chunk)) for chunk in text.split())
    return [word for chunk in found for word in chunk if len(word) >= SHORTEST_NAME]


def starts(word: str) -> list[str]:
    """Return the beginnings of a word from two letters on, the word itself among them."""
    return [word[:length] for length in range(SHORTEST_NAME, min(len(word), LONGEST_START) + 1)]


def sounds(word: str) -> list[str]:
    """Return how a word may sound, by Double Metaphone; nothing for letters it does not know."""
    if not word.isascii():
        return []
    return list(dict.fromkeys(code for code in doublemetaphone(word) if code))


def phone(text: str) -> str:
    """Return a telephone number as digits with its country, however it is written; nothing for less than 7 digits."""
    digits = re.sub(r"\D", "", text.replace("(0)", "") if text.strip().startswith(("+", "00")) else text)
    if digits.startswith("00"):
        digits = digits[2:]
    elif digits.startswith("0") or (len(digits) == UK_DIGITS and digits[0] in "127" and "+" not in text):
        digits = f"44{digits.removeprefix('0')}"
    return digits if len(digits) >= 7 else ""


def email(text: str) -> str:
    """Return an e-mail address in small letters; nothing for what is none."""
    found = text.strip().casefold()
    return found if "@" in found[1:-1] else ""


def account(text: str) -> str:
    """Return an account or reference as capital letters and digits, without what divides them."""
    return re.sub(r"[\W_]+", "", text.upper())


def device(text: str) -> str:
    """Return a handset, a SIM or the name of a device as capital letters and digits, without what divides them."""
    return re.sub(r"[\W_]+", "", text.upper())


def ip(text: str) -> str:
    """Return an IP address in its shortest form, without the port and the moment that stand after it; what is none, as
    it is."""
    found = (text.split() or [""])[0].casefold()
    try:
        return ip_address(found).compressed
    except ValueError:
        return found


def postcode(text: str) -> str:
    """Return a full postcode without space; nothing for what is none."""
    found = re.sub(r"\s+", "", text.upper())
    return found if _POSTCODE.match(found) else ""


def outward(text: str) -> str:
    """Return the outward half of a full postcode, or of what is an outward half; nothing for what is neither."""
    full = postcode(text)
    found = full[:-3] if full else re.sub(r"\s+", "", text.upper())
    return found if _OUTWARD.match(found) else ""


def born(text: str) -> str:
    """Return a date of birth as in 1984-03-09, however it is written, day before month; nothing for what is none."""
    found = text.strip().casefold()
    if match := _YEAR_FIRST.match(found):
        return _day(*match.groups())
    if match := _DAY_FIRST.match(found):
        return _day(*reversed(match.groups()))
    return ""


def _day(year: str, month: str, day: str) -> str:
    number = _MONTHS.index(month[:3]) + 1 if month[:3] in _MONTHS else int(month) if month.isdecimal() else 0
    try:
        return date(int(year), number, int(day)).isoformat()
    except ValueError:
        return ""


def note_words(text: str) -> list[str]:
    """Return the words of a note, each once, of three letters or digits and more, without the commonest."""
    found = (word for chunk in text.split() for word in _NOT_WORD.split(_plain(chunk)))
    return list(dict.fromkeys(word for word in found if len(word) >= SHORTEST_NOTE_WORD and word not in COMMON))


# The kinds of value that are found only as a whole, and what makes one of them comparable.
EXACT: Mapping[str, Callable[[str], str]] = {
    "born": born,
    "phone": phone,
    "email": email,
    "account": account,
    "device": device,
    "ip": ip,
    "postcode": postcode,
    "outward": outward,
}


def of_name(text: str, *, as_one: bool = False) -> Iterable[tuple[str, str]]:
    """Yield (kind, value) of all that a name is found by: whole words, beginnings, sounds."""
    found = words(text, as_one=as_one)
    yield from (("word", word) for word in found)
    yield from dict.fromkeys(("start", start) for word in found for start in starts(word))
    yield from dict.fromkeys(("sound", sound) for word in found for sound in sounds(word))
