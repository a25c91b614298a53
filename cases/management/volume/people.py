"""Invented people without end: the same number gives the same person. Telephone numbers are of the drama ranges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import product

__all__ = ["FIELDS", "account", "surname"]

_FORENAMES = (  # noqa: SIM905 -- names read as words
    "Morwenna Rhodri Tamsin Osian Wilhelmina Leocadia Ottilie Jago Perpetua Caradoc Ishbel Fergal Anwen Lowenna "
    "Thaddeus Zennor Idris Marigold Quentin Saoirse Balthazar Eirlys Hamish Nerys Cosmo Drusilla Ewan Freya Gwilym "
    "Harriet Ivo Jemima Kenver Linnet Merryn Nolwenn Oswin Piran Rosenwyn Sidwell Talan Urith Veryan Winnow Ysella"
).split()
_ROOTS = [
    first + middle + last
    for first, middle, last in product(
        "Tre Pen Pol Lan Ros Car Bos Nan Hal Wen Gol Mor Ker Zel Tol Vel".split(),  # noqa: SIM905 -- as above
        "gas war der mel vor zan hal win bur ken dro lis nar tho pea cra mul fen".split(),  # noqa: SIM905 -- as above
        "kis nick thy ven dow rick sal ton ley gan quist mere worth bray nock dale".split(),  # noqa: SIM905 -- as above
    )
]
_STREETS = ("Harbour Row", "Fiction Way", "Lantern Hill", "Copper Lane", "Saltmarsh Road", "Wren Close", "Mill Street")
_PHONES = [
    prefix + f"{number:03d}"
    for number in range(1000)
    for prefix in (  # noqa: SIM905 -- as above
        "+447700900 +441632960 +442079460 +441134960 +441144960 +441154960 +441164960 +441174960 +441184960 "
        "+441214960 +441314960 +441414960 +441514960 +441614960 +441914980 +442896496 +442920180 +448081570"
    ).split()
]
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"


def forename(number: int) -> str:
    return _FORENAMES[number * 7 % len(_FORENAMES)]


def surname(number: int) -> str:
    return _ROOTS[number * 1009 % len(_ROOTS)]


def _email(number: int) -> str:
    return f"{forename(number)[0]}.{surname(number)}.{number}@example.org".lower()


def _postcode(number: int) -> str:
    """Return a postcode of an area that does not exist."""
    return f"ZZ{1 + number % 97} {number // 97 % 10}{_INWARD[number // 7 % 20]}{_INWARD[number // 140 % 20]}"


def account(number: int) -> str:
    return f"NM-{1_000_000 + number}"


FIELDS: dict[str, Callable[[int], str]] = {
    "forename": forename,
    "surname": surname,
    "alias": lambda number: f"{forename(number)} {surname(number)}",
    "date_of_birth": lambda number: (date(1940, 1, 1) + timedelta(days=number * 37 % 24000)).isoformat(),
    "phone": lambda number: _PHONES[number * 11 % len(_PHONES)],
    "email": _email,
    "ip_address": lambda number: f"203.0.113.{1 + number % 254}",
    "line_1": lambda number: f"{1 + number % 240} {_STREETS[number % len(_STREETS)]}",
    "postcode": _postcode,
    "account_reference": account,
}
"""What each sealed field of a person says for the person of this number; a field that is not here stays as it is."""
