"""Takes what somebody is known by out of the notes of a case, when they alone are erased and the case is kept.

Their row goes with its key. A note lies under a key of its own: it is written anew without them under another, and the
first is destroyed, so that neither it nor its history says who that was (UK GDPR Art 5(1)(e)). Others may have been
told the facts: no machine changes those, and somebody is asked to write them anew. What somebody who stays is known by
as well names nobody who goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import product
from pathlib import Path
from typing import Any

from cases.kernel import casetypes, tasks
from cases.kernel.actors import system
from cases.kernel.finding import index, terms
from cases.kernel.models import Case, CaseAddress, CaseParty, Note
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS
from cases.ledger import sealing
from cases.ledger.models import LedgerEvent
from cases.ledger.reads import Reader
from cases.ledger.sealed import SealedTextField

__all__ = ["NOTE_KEY", "Known", "known_by", "take_out"]

ACTOR = system("disposal")
ERASED = "[erased]"
NAMED = "text_names_erased"
NOTE_KEY = "note"
_NAMES = ("forename", "middle_name", "surname", "alias")
_NOT_THEIRS = ("title", "employer", "town", "country", "since", "until")
_SHORTEST = 5  # letters and digits of a value that is looked for as a whole
_SHORTEST_SMALL = 4  # letters of a name that is found in small letters: et al
_SORT_CODE = 6  # digits before those of the account, which people write alone
_LINE = 8  # letters of a part of an address that tells where somebody lives: 12 High St, not Flat 2
_DIVIDES = r"(?:(?!\n)[\W_])"  # stands between the letters and digits of a value: (020) 7946, 12, High Street
_WORD = re.compile(r"[^\W\d_]+(?:['’‘`-][^\W\d_]+)*")
_ENDS = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "sir", "madam", "mister"})
_POSSESSIVE = re.compile(r"['’‘`]s$", re.I)
tasks.declare(
    {NAMED: "What this case says of itself names a person who is erased: write it anew without them"},
    more={NAMED: lambda detail: f"Person {detail.get('person', '')}"},
)


# Names that are words too: in small letters, or after an article, they name nobody.
_WORDS = frozenset((Path(__file__).parent / "name_words.txt").read_text(encoding="utf-8").split())
_ARTICLE = "a an any each every her his its my no our some that the their these this those which your"
_ARTICLES = frozenset(_ARTICLE.split())


@dataclass(frozen=True)
class Known:
    """What somebody is known by: the words of their names, the first letters of a first and a last name, and whole
    values as letters and digits, with a space where something must divide them."""

    words: frozenset[str]
    values: frozenset[str]
    initials: frozenset[str] = frozenset()

    def without(self, other: Known) -> Known:
        return Known(self.words - other.words, self.values - other.values, self.initials - other.initials)

    def taken_out_of(self, text: str) -> str:
        """Return a text without it. A name counts however it is written, also of several of that name; one that is a
        word too (Price) with a capital letter and no article before it, or beside another name of theirs or a title;
        one that is among the commonest words (Will, May) needs capital and neighbour."""
        for value in sorted(self.values, key=len, reverse=True):
            text = re.sub(rf"(?<![^\W_])\+?{_spread(value)}(?![^\W_])", ERASED, text, flags=re.I)
        found = list(_WORD.finditer(text))
        said = [self._names_in(each[0]) for each in found]
        for at in reversed(range(len(found))):
            before = found[at - 1][0].casefold() if at else ""
            is_beside = before in _TITLES or any(said[max(at - 1, 0) : at]) or any(said[at + 1 : at + 2])
            if said[at] and _is_name(found[at][0], said[at], before=before, is_beside=is_beside):
                text = text[: found[at].start()] + ERASED + text[found[at].end() :]
        return self._without_initials(text)

    def _names_in(self, word: str) -> set[str]:
        """Return which of the names a word is, its possessive, or several of that name: the Whitlocks."""
        said = {*terms.words(_POSSESSIVE.sub("", word))}
        if word[0].isupper():
            said |= {each.removesuffix(end) for each in said for end in ("s", "es") if len(each) > _SHORTEST}
        return said & self.words

    def _without_initials(self, text: str) -> str:
        """Take out first letters that stand for them: before what was taken out, and M. W. for both names."""
        first = "".join(sorted({letter for pair in self.initials for letter in pair}))
        if first:
            text = re.sub(rf"(?<![^\W_])(?:[{first}](?:\.\s?|(?<!I) )){{1,3}}(?={re.escape(ERASED)})", "", text)
        for pair in sorted(self.initials):
            both = rf"{pair[0]}\.\s?(?:[A-Z]\.\s?)?{pair[1]}\b\.?"
            text = re.sub(rf"(?<![^\W_])(?<!\d )(?<!\d){both}", ERASED, text)
        return text


def _is_name(word: str, names: set[str], *, before: str, is_beside: bool) -> bool:
    """Say whether a word that is a name of somebody, in whatever letters, is meant as one."""
    has_capital = word[0].isupper()
    if names <= terms.COMMON:
        return has_capital and is_beside
    if is_beside:
        return True
    if names <= _WORDS:
        return has_capital and before not in _ARTICLES
    return has_capital or len(word) >= _SHORTEST_SMALL


def _spread(value: str) -> str:
    """Return the pattern of a value however it is divided; where it has a space something must divide it."""
    parts = (f"{_DIVIDES}{{0,3}}".join(map(re.escape, part)) for part in value.split(" "))
    return f"{_DIVIDES}{{1,3}}".join(parts)


def known_by(values: Iterable[Mapping[str, str | None]]) -> Known:
    """Return what the opened values of people and their addresses are looked for by."""
    words: set[str] = set()
    whole: set[str] = set()
    initials: set[str] = set()
    for each in values:
        known = {name: value for name, value in each.items() if value and not isinstance(value, sealing.Erased)}
        firsts, lasts = (_letters(known.get(name, "")) for name in ("forename", "surname"))
        initials.update(one + other for one in firsts for other in lasts)
        for name, value in known.items():
            if name in _NOT_THEIRS:
                continue
            if name in _NAMES:
                words.update(terms.words(value))
            else:
                whole.update(_forms(name, value))
    return Known(frozenset(words), frozenset(value for value in whole if len(value) >= _SHORTEST), frozenset(initials))


def _letters(name: str) -> set[str]:
    return {part[0].upper() for part in _WORD.findall(name) if part[0].isascii()}


def _forms(name: str, value: str) -> Iterable[str]:
    """Return a value as it may be written, without what divides its letters and digits."""
    if name == "phone" and (number := terms.phone(value)):
        home = {f"0{number[2:]}", f"440{number[2:]}", f"00440{number[2:]}"} if number.startswith("44") else set()
        return {number, f"00{number}", *home}
    if name == "date_of_birth" and (born := terms.born(value)):
        return _days(date.fromisoformat(born))
    parts = (
        {part for part in value.split(",") if len(part) >= _LINE and re.search(r"\d", part)} if name == "line_1" else ()
    )
    whole = {re.sub(r"[\W_]+", "", line) for line in (*value.splitlines(), *parts)}
    return whole | {each[_SORT_CODE:] for each in whole} if name == "bank_account" else whole


def _days(day: date) -> set[str]:
    """Return a day as people write it, day before month: 09/03/1984, 9.3.84, 9th March 1984, March 9, 1984."""
    which, months = (str(day.day), f"{day:%d}"), (f"{day:%B}", f"{day:%b}")
    both = {f"{each} {month}" for each in which for month in (str(day.month), f"{day:%m}")}
    for each, month in product((*which, f"{day.day}{_ENDS.get(day.day, 'th')}"), months):
        both |= {f"{each}{month}", f"{each}of{month}", f"{month}{each}"}
    return {
        f"{day:%Y%m%d}",
        f"{day:%d%m%Y}",
        *(f"{each} {year}" for each in both for year in (f"{day:%Y}", f"{day:%y}")),
    }


def take_out(case: Case, person: CaseParty, *, at: datetime) -> dict[str, Any]:
    """Write the notes of a locked case anew without whom is about to be erased, inside the current ledger action, and
    raise a task where the facts of an open case name them. Returns what the record of it says: how many notes were
    changed, and what names them still until the case goes: the acts, by number, whose reasons do, since what the chain
    holds is written once, and whether the facts do. Opens the people, notes, reasons and facts of the case, which the
    access log keeps."""
    reader = Reader(actor=ACTOR.label, verb="view", purpose="erasure", streams=(case.uid,))
    known = _of_people([person], reader, at=at).without(
        _of_people(case.parties.filter(is_erased=False).exclude(pk=person.pk), reader, at=at)
    )
    found: dict[str, Any] = {"facts_name_them": True} if _is_named_in_facts(case, known, reader, at=at) else {}
    if found and not case.is_closed:
        tasks.raise_task(NAMED, case=case, at=at, person=person.number)
    if reasons := _reasons_naming(case, known, reader, at=at):
        found["reasons_name_them"] = reasons
    notes = sum(_rewritten(note, text, known, at=at) for note, text in _notes(case, reader, at=at))
    return {**found, **({"notes": notes} if notes else {})}


def _reasons_naming(case: Case, known: Known, reader: Reader, *, at: datetime) -> list[int]:
    """Return by number the acts of a case whose reasons name somebody."""
    events = list(LedgerEvent.objects.filter(stream=case.uid, reason__isnull=False).order_by("seq"))
    opened = sealing.open_reasons(events, reader=reader, at=at)
    told = {event.seq: text or "" for event, text in zip(events, opened, strict=True)}
    return [seq for seq, text in told.items() if known.taken_out_of(text) != text]


def _notes(case: Case, reader: Reader, *, at: datetime) -> list[tuple[Note, str]]:
    notes = list(Note.objects.select_related("key", "case__key").filter(case=case).order_by("pk"))
    opened = sealing.open_rows(notes, ("text",), reader=reader, at=at) if notes else []
    read = [(note, values["text"]) for note, values in zip(notes, opened, strict=True)]
    return [(note, text) for note, text in read if text is not None and not isinstance(text, sealing.Erased)]


def _rewritten(note: Note, text: str, known: Known, *, at: datetime) -> bool:
    """Write a note anew where it names them, and destroy the key of what it was. One written before notes had keys of
    their own lies under the case's: its history goes with the case."""
    without = known.taken_out_of(text)
    if without == text:
        return False
    before = note.key
    note.key = sealing.new_key(NOTE_KEY, at=at, parent=note.case.key)
    sealing.seal(note, {"text": without}, key=note.key)
    note.save()
    index.change_note(note, without)
    if before.scope == NOTE_KEY:
        sealing.destroy(before, actor=ACTOR.label, reason="retention_over", at=at)
    return True


def _of_people(people: Iterable[CaseParty], reader: Reader, *, at: datetime) -> Known:
    rows = list(people)
    places = list(CaseAddress.objects.filter(party__in=rows))
    opened = sealing.open_rows(rows, PERSON_FIELDS, reader=reader, at=at) if rows else []
    return known_by([*opened, *(sealing.open_rows(places, ADDRESS_FIELDS, reader=reader, at=at) if places else [])])


def _is_named_in_facts(case: Case, known: Known, reader: Reader, *, at: datetime) -> bool:
    facts = casetypes.get(case.kind).facts._default_manager.select_related("key").get(pk=case.pk)
    fields = [each.name for each in facts._meta.concrete_fields if isinstance(each, SealedTextField)]
    if not fields:
        return False
    (values,) = sealing.open_rows([facts], fields, reader=reader, at=at)
    texts = [text for text in values.values() if text is not None and not isinstance(text, sealing.Erased)]
    return any(known.taken_out_of(text) != text for text in texts)
