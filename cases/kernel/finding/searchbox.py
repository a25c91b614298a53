"""What was typed into the search box, piece by piece: what each piece may be, and the tokens that would answer it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cases.kernel.errors import CaseError
from cases.kernel.finding import terms

__all__ = ["EXACT", "LONGEST", "NOTE", "SOUNDS", "STARTS", "SearchRefused", "Term", "parse"]

LONGEST = 200
MOST_TERMS = 8
# How well something answers: as a whole, by its beginning, by its sound; or in a note.
EXACT, STARTS, SOUNDS, NOTE = range(4)

_PIECES = re.compile(
    r"(?P<email>[^\s@]+@[^\s@]+)"
    r"|(?P<born>\d{1,2}[/.\-]\d{1,2}[/.\-]\d{4}\b|\d{4}-\d{2}-\d{2}\b|\d{1,2} [A-Za-z]{3,9} \d{4}\b)"
    r"|(?P<postcode>\b[A-Za-z]{1,2}\d[A-Za-z\d]?\s*\d[A-Za-z]{2}\b)"
    r"|(?P<phone>[+(]{0,2}\d[\d ().\-]{7,}\d)"
    r"|(?P<chunk>\S+)"
)


class SearchRefused(CaseError):
    """Nothing that was typed can be searched for."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """One thing that was typed: what it may be as a whole (kind, value), or a word of a name."""

    exact: tuple[tuple[str, str], ...] = ()
    name: str = ""
    note: tuple[str, ...] = ()

    def pairs(self, tier: int) -> list[tuple[str, str]]:
        """Return the tokens any of which answers this term in a tier; none when it cannot be answered there."""
        if tier == NOTE:
            return [("note", word) for word in self.note]
        if not self.name:
            return list(self.exact)
        found = [("word", self.name)]
        if tier >= STARTS:
            found.append(("start", self.name[: terms.LONGEST_START]))
        if tier >= SOUNDS:
            found += [("sound", code) for code in terms.sounds(self.name)]
        return found


def parse(text: str) -> list[Term]:
    """Return what was typed, piece by piece. Raises SearchRefused when nothing of it can be found by."""
    found: list[Term] = []
    for match in _PIECES.finditer(text[:LONGEST]):
        found += _terms(match.lastgroup or "chunk", match.group())
    if not found:
        raise SearchRefused("Type a reference, a number, or at least two letters of a name.")
    return found[:MOST_TERMS]


def _terms(group: str, piece: str) -> list[Term]:
    if group != "chunk" or any(letter.isdigit() for letter in piece):
        term = Term(exact=tuple(_wholes(group, piece)), note=tuple(terms.note_words(piece)[:1]))
        return [term] if term.exact or term.note else []
    return [Term(name=word, note=tuple(terms.note_words(word))) for word in terms.parts(piece)]


def _wholes(group: str, piece: str) -> Iterable[tuple[str, str]]:
    """Yield all that a piece may be as a whole: a row of digits is a number and an account alike."""
    kinds = {"email": ("email",), "born": ("born",), "postcode": ("postcode",), "phone": ("phone", "account")}
    for kind in kinds.get(group, ("outward", "phone", "account")):
        if value := terms.EXACT[kind](piece):
            yield kind, value
