"""Finds what a case says of somebody who is about to be erased alone, while the case is kept.

Their row goes with its key. What the case says of itself lies under the case's key, and others may have been told it:
so no machine changes it, and somebody is asked to write it anew without them (UK GDPR Art 5(1)(e)). What somebody who
stays is known by as well names nobody who goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cases.kernel import casetypes, tasks
from cases.kernel.actors import system
from cases.kernel.finding import terms
from cases.kernel.models import Case, CaseAddress, CaseParty
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS
from cases.ledger import sealing
from cases.ledger.reads import Reader
from cases.ledger.sealed import SealedTextField

__all__ = ["Known", "ask"]

ACTOR = system("disposal")
NAMED = "text_names_erased"
_NAMES = ("forename", "middle_name", "surname", "alias")
_NOT_THEIRS = ("title", "employer", "town", "country", "since", "until")
_SHORTEST = 5  # letters and digits of a value that is looked for as a whole
_SPREAD = r"[^\w\n]?"  # what may divide the letters and digits of a value
_WORD = re.compile(r"[^\W\d_]+(?:['’‘`-][^\W\d_]+)*")
tasks.declare(
    {NAMED: "What this case says of itself names a person who is erased: write it anew without them"},
    more={NAMED: lambda detail: f"Person {detail.get('person', '')}"},
)


@dataclass(frozen=True)
class Known:
    """What somebody is known by: the words of their names, and whole values as letters and digits."""

    words: frozenset[str]
    values: frozenset[str]

    def without(self, other: Known) -> Known:
        return Known(self.words - other.words, self.values - other.values)

    def is_in(self, text: str) -> bool:
        """Say whether a text names them. A name counts with a capital letter, or beside another name of theirs: the
        same word may mean a bill, or a month."""
        for value in self.values:
            if re.search(rf"(?<![^\W_])\+?{_SPREAD.join(map(re.escape, value))}(?![^\W_])", text, flags=re.I):
                return True
        found = [each[0] for each in _WORD.finditer(text)]
        named = [bool(self.words & {*terms.words(word)}) for word in found]
        return any(is_named and word[0].isupper() for word, is_named in zip(found, named, strict=True)) or any(
            both == (True, True) for both in pairwise(named)
        )


def _known(values: Iterable[Mapping[str, str | None]]) -> Known:
    words: set[str] = set()
    whole: set[str] = set()
    for each in values:
        for name, value in each.items():
            if not value or isinstance(value, sealing.Erased) or name in _NOT_THEIRS:
                continue
            if name in _NAMES:
                words.update(terms.words(value))
            else:
                whole.update(_forms(name, value))
    return Known(frozenset(words - terms.COMMON), frozenset(value for value in whole if len(value) >= _SHORTEST))


def _forms(name: str, value: str) -> Iterable[str]:
    """Return a value as it may be written, without what divides its letters and digits."""
    if name == "phone" and (number := terms.phone(value)):
        return {number, f"0{number[2:]}", f"440{number[2:]}"} if number.startswith("44") else {number}
    return {re.sub(r"[\W_]+", "", line) for line in value.splitlines()}


def ask(case: Case, person: CaseParty, *, at: datetime) -> None:
    """Raise a task where the facts of a locked open case name whom is about to be erased, inside the current ledger
    action. Opens the people and the facts of the case, which the access log keeps."""
    if case.is_closed:
        return
    reader = Reader(actor=ACTOR.label, verb="view", purpose="erasure", streams=(case.uid,))
    known = _of_people([person], reader, at=at).without(
        _of_people(case.parties.filter(is_erased=False).exclude(pk=person.pk), reader, at=at)
    )
    if _is_named_in_facts(case, known, reader, at=at):
        tasks.raise_task(NAMED, case=case, at=at, person=person.number)


def _of_people(people: Iterable[CaseParty], reader: Reader, *, at: datetime) -> Known:
    rows = list(people)
    places = list(CaseAddress.objects.filter(party__in=rows))
    opened = sealing.open_rows(rows, PERSON_FIELDS, reader=reader, at=at) if rows else []
    return _known([*opened, *(sealing.open_rows(places, ADDRESS_FIELDS, reader=reader, at=at) if places else [])])


def _is_named_in_facts(case: Case, known: Known, reader: Reader, *, at: datetime) -> bool:
    facts = casetypes.get(case.kind).facts._default_manager.select_related("key").get(pk=case.pk)
    fields = [each.name for each in facts._meta.concrete_fields if isinstance(each, SealedTextField)]
    if not fields:
        return False
    (values,) = sealing.open_rows([facts], fields, reader=reader, at=at)
    texts = [text for text in values.values() if text is not None and not isinstance(text, sealing.Erased)]
    return any(known.is_in(text) for text in texts)
