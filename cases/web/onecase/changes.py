"""A changed field in the words of a case's story: what it is called, and what it was and is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from cases.kernel.calendars import LONDON
from cases.kernel.casetypes import CaseType
from cases.kernel.models import Case
from cases.kernel.reading.columns import ENDINGS, column_of
from cases.kernel.reading.timeline import Change, Entry
from cases.ledger import canonical
from cases.reports.words import CODE, NOTHING, Words, capital, code_lists, column_names
from cases.web.wording import FIELDS, words

__all__ = ["Tongue"]

PERSON = "cases.caseparty"
ISO = re.compile(r"\d{4}-\d{2}-\d{2}(T.*)?")


class Tongue:
    """The words of one case's changes. Builds its tables when the first change asks for them."""

    def __init__(self, casetype: CaseType, people: Mapping[int, int]) -> None:
        """Take the kind, and the number of each person of the case by their row."""
        self.casetype, self.people = casetype, people

    @cached_property
    def _columns(self) -> Mapping[str, str]:
        return column_names(self.casetype)

    @cached_property
    def _words(self) -> Words:
        rows = {(PERSON, row): f"person {number}" for row, number in self.people.items()}
        return Words(casetype=self.casetype, labels=code_lists(self.casetype), rows=rows)

    def label(self, change: Change) -> str:
        """Return what a field is called: as people who type it know it, with the number of the person it is of."""
        typed = self._columns.get(f"{change.row}.{change.field}")
        plain = ENDINGS.sub("", change.field)
        label = typed or self.casetype.sealed_labels.get(change.field) or FIELDS.get(change.field) or words(plain)
        if change.row == PERSON and (number := self.people.get(int(change.key))):
            return f"Person {number}: {label[:1].lower()}{label[1:]}"
        return label

    def value(self, change: Change, value: Any) -> str:
        """Return a stored value as people read it."""
        column = column_of(change.row, change.field)
        if value is None or value in ("", [], {}):
            return NOTHING
        if column is None or isinstance(value, str) and ISO.fullmatch(value):
            return _moment(str(value))
        if column.is_relation and isinstance(value, str):
            return value
        if column.model is Case and column.name == "topic":
            return self.casetype.topic_label(value)
        said = self._words.value(column, value)
        is_coded = not isinstance(value, str) or said != value or CODE.fullmatch(value)
        return capital(said) if is_coded and not isinstance(value, bool) else said

    def told(self, entry: Entry) -> tuple[tuple[str, Change, str, str], ...]:
        """Return label, change, old and new of each field that an entry tells beyond who did it, and when."""
        return tuple(
            (self.label(each), each, self.value(each, each.old), self.value(each, each.new))
            for each in entry.changes
            if not _is_of_the_act(each, entry)
        )


def _is_of_the_act(change: Change, entry: Entry) -> bool:
    """Say of a field that it holds the moment of the act, or for the first time who acts: the entry says both."""
    if change.is_sealed or not isinstance(change.new, str):
        return False
    if change.field.endswith("_by"):
        return change.old is None and change.new == entry.actor_name
    return change.field.endswith("_at") and change.new == canonical.timestamp(entry.at)


def _moment(text: str) -> str:
    """Write a stored moment or day as people read it; any other text as it is."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return text
    local = value.astimezone(LONDON) if value.tzinfo else value
    return f"{local.day} {local:%b %Y %H:%M}" if len(text) > 10 else f"{local.day} {local:%b %Y}"
