"""Code lists: a stored code never changes; what people read for it, and when it can be chosen, is a row that may.

A list that is open gains codes by a row too; a list on whose codes rules stand is closed. A list is iterable as
(code, label) pairs in its order, so it stands wherever a tuple of pairs did. Rows are kept in the process; the query
that finds a person's rights brings the version and today's date, so that no page asks for more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from django import forms
from django.db.models import CharField, Func, QuerySet, Value

from cases.kernel.forms.choosing import Chosen
from cases.kernel.models import CodeEntry
from cases.kernel.prepared import Prepared

__all__ = [
    "CodeField",
    "CodeList",
    "CodesField",
    "all_lists",
    "entries",
    "get",
    "notice",
    "offered",
    "refresh",
    "state",
    "version",
]

_lists: dict[str, CodeList] = {}
_entries: dict[tuple[str, str], CodeEntry] = {}
_version = 0
_today = ""


class CodeList(Sequence[tuple[str, str]]):
    """One list. Iterating gives every code with its present label, in its present order. `is_open`: it gains codes.
    `why_not` says why a text cannot be a label of it."""

    def __init__(
        self,
        code: str,
        label: str,
        pairs: tuple[tuple[str, str], ...],
        *,
        is_open: bool = False,
        why_not: Callable[[str], str] = lambda _label: "",
    ) -> None:
        self.code, self.label, self.pairs, self.is_open, self.why_not = code, label, pairs, is_open, why_not
        _lists[code] = self

    def _added(self) -> list[CodeEntry]:
        """Return the entries of codes that this list gained, oldest first."""
        declared = {code for code, _ in self.pairs}
        rows = [row for (of, code), row in _entries.items() if of == self.code and code not in declared]
        return sorted(rows, key=lambda row: row.pk)

    def _place(self, code: str, declared: int) -> tuple[int, int, int]:
        """Return where a code stands; one that was moved to a place goes before the one declared there."""
        entry = _entries.get((self.code, code))
        return (entry.position, 0, declared) if entry else (declared, 1, declared)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(_kept(self, _version))

    def __deepcopy__(self, _memo: object) -> CodeList:
        """Stay the one list there is: a form copies its fields, and with a field what tells its choices."""
        return self

    def labels(self) -> dict[str, str]:
        """Return the present label of every code, to be read only."""
        return _labels(self, _version)

    def in_order(self) -> Iterator[tuple[str, str]]:
        """Put the pairs in order anew; `__iter__` reads what was kept of it."""
        pairs = [*self.pairs, *((row.code, row.label) for row in self._added())]
        order = {code: number for number, (code, _) in enumerate(pairs, 1)}
        for code, declared in sorted(pairs, key=lambda pair: self._place(pair[0], order[pair[0]])):
            entry = _entries.get((self.code, code))
            yield code, entry.label if entry else declared

    def __len__(self) -> int:
        return len(self.pairs) + len(self._added())

    def __getitem__(self, place: Any) -> Any:
        return tuple(self)[place]

    def choices(self, *, also: object = None) -> list[tuple[str, str]]:
        """Return what can be chosen today, and the code or codes a row holds already, whether or not they still can."""
        held = set(also) if isinstance(also, list | tuple | set) else {also}
        return [pair for pair in self if pair[0] in held or is_active(_entries.get((self.code, pair[0])))]


@lru_cache(maxsize=256)
def _kept(codes: CodeList, _of_version: int) -> tuple[tuple[str, str], ...]:
    """Every row of a page asks for labels, and lists change a few times a year: kept until there is a newer version."""
    return tuple(codes.in_order())


@lru_cache(maxsize=256)
def _labels(codes: CodeList, of_version: int) -> dict[str, str]:
    return dict(_kept(codes, of_version))


def is_active(entry: CodeEntry | None) -> bool:
    """Say whether a code can be chosen today; one that has no row always can."""
    if entry is None or not _today:
        return True
    begins, ends = str(entry.active_from or ""), str(entry.active_until or "9999")
    return begins <= _today <= ends


def offered(codes: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return what can be chosen today of a list, or of plain pairs."""
    return codes.choices() if isinstance(codes, CodeList) else list(codes)


class CodeField(Chosen):
    """A choice of a code list that nobody made beforehand: what is active, and what the form's row holds already."""

    def __init__(self, *, codes: CodeList, **kwargs: Any) -> None:
        self.codes = codes
        super().__init__(choices=codes.choices, **kwargs)

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> forms.BoundField:
        self.choices = self.codes.choices(also=form.initial.get(field_name))
        return super().get_bound_field(form, field_name)


class CodesField(forms.MultipleChoiceField):
    """Several codes of a list: what is active, and what the form's row holds already."""

    def __init__(self, *, codes: CodeList, **kwargs: Any) -> None:
        self.codes = codes
        super().__init__(choices=codes.choices, **kwargs)

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> forms.BoundField:
        self.choices = self.codes.choices(also=list(form.initial.get(field_name) or ()))
        return super().get_bound_field(form, field_name)


def get(code: str) -> CodeList | None:
    return _lists.get(code)


def all_lists() -> list[CodeList]:
    """Return every list by its label."""
    return sorted(_lists.values(), key=lambda each: each.label)


def version() -> QuerySet[Any, Any]:
    """Return (codes, version, no, no, today in London) in one row, none while no entry was ever changed. For the
    query of a person's rights."""
    today = Func(template="to_char(now() AT TIME ZONE 'Europe/London', 'YYYY-MM-DD')", output_field=CharField())
    rows = CodeEntry.history.order_by("-history_id")
    found: QuerySet[Any, Any] = rows.values_list(Value("codes"), "history_id", Value(False), Value(False), today)[:1]
    return found


def notice(number: int, today: str) -> None:
    """Take note of the version in the database; read the rows anew when it is another than the one kept."""
    global _entries, _version, _today
    _today = today
    if number != _version:
        rows = CodeEntry.objects.all() if number else ()
        _entries = {(row.list_code, row.code): row for row in rows}
        _version = number


def state() -> tuple[int, str]:
    """Return what the kept rows hang on: the version of the table, and the day."""
    return _version, _today


def refresh() -> None:
    """Read version and rows now; for tasks, which ask for nobody's rights."""
    rows = _VERSION.rows()
    notice(rows[0][1], rows[0][4]) if rows else notice(0, "")


_VERSION = Prepared(version)


def entries(codes: CodeList) -> list[dict[str, Any]]:
    """Return every code of a list with its label, from and until when, and whether it can be chosen today."""
    found = []
    for code, label in codes:
        if not code:
            continue
        entry = _entries.get((codes.code, code))
        begins, ends = (entry.active_from, entry.active_until) if entry else (None, None)
        found.append({"code": code, "label": label, "begins": begins, "ends": ends, "is_active": is_active(entry)})
    return found
