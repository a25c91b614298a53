"""Many rows at once: by COPY as `bulk_create` does, by one UPDATE as `bulk_update` does; their history by one INSERT
from the rows that were made, and by COPY for those that were changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.base import ModelState

from cases.ledger.cells import ready, values_of
from cases.ledger.errors import LedgerError
from cases.ledger.recording import Action, current
from cases.ledger.rows import entry_of
from cases.ledger.tracking import Tracked

__all__ = ["copy_create", "copy_made", "copy_rows", "copy_update", "draft"]

Row = TypeVar("Row", bound=Tracked)
Plain = TypeVar("Plain", bound=models.Model)
# The sequence is named once: looked up for each number, it would cost more than the number.
_FRESH = """
SELECT array_agg(nextval(numbers))
FROM (SELECT pg_get_serial_sequence(%s, %s)::regclass AS numbers OFFSET 0) AS of_table, generate_series(1, %s)
"""


def copy_create(
    model: type[Row], rows: Iterable[Row], *, many: int | None = None, is_changed_later: bool = True
) -> list[Row]:
    """Copy `rows` in and their history after them, under the current action. Each row gets its number here. Where rows
    are made one by one and `many` says how many, the database stores one while the next is made, which asks it nothing.
    Those that are not changed later keep no copy of their values: whoever changes one loads it first."""
    act, history = current(), model.history_model
    numbers = _fresh(history, len(rows) if isinstance(rows, Sequence) else many or 0)
    same = _same(act, "+")
    entries: list[dict[str, object]] = []

    def note(row: Row) -> None:
        told = {**values_of(row), **same, "history_id": numbers[len(entries)]}
        entries.append(entry_of(row, history, told, "+"))

    made = _copied(model, rows, len(numbers), note)
    _insert_from_rows(model, made, numbers, same)
    act.collect(*entries)
    for row in made if is_changed_later else ():
        row.remember()
    return made


def copy_update(model: type[Row], rows: Sequence[Row], fields: Sequence[str]) -> None:
    """Update `fields` (no arrays) of loaded `rows` in one statement and copy their history, under the current action.
    What the statement weighs does not grow with how Django would put a case for each row together."""
    current()
    if not rows:
        return
    columns = [model._meta.get_field(name) for name in fields]
    values = [[field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows] for field in columns]  # type: ignore[union-attr]  # -- columns only
    key, table = model._meta.pk, model._meta.db_table
    names = [f'"{field.column}"' for field in columns]  # type: ignore[union-attr]
    given = ", ".join(f"%s::{field.db_type(connection)}[]" for field in columns)
    changes = ", ".join(f"{name} = new.{name}" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{table}" AS old SET {changes} FROM unnest(%s::bigint[], {given}) AS new("pk", {", ".join(names)})'  # noqa: S608 -- names of columns
            f' WHERE old."{key.column}" = new."pk"',
            [[row.pk for row in rows], *values],
        )
    _copy_history(model, rows)


def _copy_history(model: type[Row], rows: Sequence[Row]) -> None:
    """Copy in a history row for each row that was changed and note it in the current action."""
    act, history = current(), model.history_model
    same, numbers = _same(act, "~"), _fresh(history, len(rows))
    told = [{**values_of(row), **same, "history_id": each} for row, each in zip(rows, numbers, strict=True)]
    _copy(history, told)
    act.collect(*(entry_of(row, history, values, "~") for row, values in zip(rows, told, strict=True)))
    for row in rows:
        row.remember()


def _same(act: Action, sign: str) -> dict[str, Any]:
    """Return what all history rows of one act have in common."""
    return {"history_date": act.at, "history_type": sign, "event_id": act.uid}


def _insert_from_rows(model: type[Row], rows: Sequence[Row], numbers: Sequence[int], same: Mapping[str, Any]) -> None:
    """Insert a history row for each row that was just copied in, from the rows as they are stored, by one statement."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(_from_rows(model), [*same.values(), [row.pk for row in rows], list(numbers)])


@cache
def _from_rows(model: type[Tracked]) -> str:
    history, key = model.history_model, model._meta.pk
    own = {field.column for field in model._meta.concrete_fields}
    kept = [f'"{field.column}"' for field in history._meta.concrete_fields if field.column in own]
    return (
        f'INSERT INTO "{history._meta.db_table}" ({", ".join(kept)}, "history_id", "history_date", "history_type",'  # noqa: S608 -- names of columns
        f' "event_id") SELECT {", ".join(f"new.{name}" for name in kept)}, made.number, %s, %s, %s FROM'
        f' unnest(%s::bigint[], %s::bigint[]) AS made("row", number) JOIN "{model._meta.db_table}" AS new'
        f' ON new."{key.column}" = made."row"'
    )


def copy_rows(rows: Sequence[Plain]) -> list[Plain]:
    """Copy rows of one model in by COPY, with fresh numbers. Writes no history: for rows that have none."""
    return copy_made(type(rows[0]), rows, len(rows)) if rows else []


def copy_made(model: type[Plain], rows: Iterable[Plain], many: int) -> list[Plain]:
    """Do what `copy_rows` does, of rows that are made one by one: the database stores one while the next is made, which
    asks it nothing."""
    return _copied(model, rows, many, lambda _: None)


def _copied(model: type[Plain], rows: Iterable[Plain], many: int, note: Callable[[Plain], None]) -> list[Plain]:
    """Number `many` rows and copy them in, with a note of each while the database stores the one before."""
    key, numbers = model._meta.pk.attname, _fresh(model, many)
    made: list[Plain] = []

    def written() -> Iterator[Mapping[str, Any]]:
        for row, number in zip(rows, numbers, strict=True):
            setattr(row, key, number)
            note(row)
            made.append(row)
            yield values_of(row)

    if numbers:
        with connection.execute_wrapper(_refuse):  # it would wait for the end of the very COPY that waits for the row
            _copy(model, written())
    for row in made:
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return made


def _refuse(*_: object) -> None:
    raise LedgerError("A row that is copied in asks the database nothing while it is made.")


@cache
def _blank(model: type[models.Model]) -> tuple[dict[str, Any], tuple[tuple[str, Callable[[], Any]], ...]]:
    """Return the defaults that are always the same by attribute, in the order of the columns, and what makes others."""
    fields = model._meta.concrete_fields
    made = tuple((each.attname, each.default) for each in fields if each.has_default() and callable(each.default))
    names = {name for name, _ in made}
    return {each.attname: None if each.attname in names else each.get_default() for each in fields}, made


def draft(model: type[Plain], values: Mapping[str, Any]) -> Plain:
    """Return an unsaved row of which the named columns (`key_id`) are given and the others have their default: what
    `model(**values)` returns, for many rows at once; no signal is sent."""
    row = model.__new__(model)
    told, (same, made) = vars(row), _blank(model)
    told["_state"] = ModelState()
    told.update(same)
    told.update(values)
    for name, make in made:
        if name not in values:
            told[name] = make()
    return row


def _fresh(model: type[models.Model], many: int) -> list[int]:
    """Return so many numbers that no row of the model has."""
    if not many:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FRESH, [model._meta.db_table, model._meta.pk.column, many])
        numbers: list[int] = cursor.fetchone()[0]
    return numbers


def _copy(model: type[models.Model], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows, each given as the values of all its columns, by COPY."""
    columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
    with connection.cursor() as cursor, cursor.copy(f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(ready(model, row))
