"""Many rows at once: by COPY as `bulk_create` does, by one UPDATE as `bulk_update` does, with their history by COPY."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models.base import ModelState

from cases.ledger.recording import current
from cases.ledger.rows import entry_of, kind_as_stored
from cases.ledger.sealed import Sealed
from cases.ledger.tracking import Tracked

__all__ = ["copy_create", "copy_rows", "copy_update", "draft"]

Row = TypeVar("Row", bound=Tracked)
Plain = TypeVar("Plain", bound=models.Model)
# The sequence is named once: looked up for each number, it would cost more than the number.
_FRESH = """
SELECT array_agg(nextval(numbers))
FROM (SELECT pg_get_serial_sequence(%s, %s)::regclass AS numbers OFFSET 0) AS of_table, generate_series(1, %s)
"""


def copy_create(model: type[Row], rows: Sequence[Row]) -> list[Row]:
    """Copy `rows` in and their history after them, under the current action. Each row gets its number here."""
    current()
    made = copy_rows(rows)
    _copy_history(model, made, "+")
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
    _copy_history(model, rows, "~")


def _copy_history(model: type[Row], rows: Sequence[Row], sign: str) -> None:
    """Copy in a history row for each row and note it in the current action."""
    act, history = current(), model.history_model
    same = {"history_date": act.at, "history_type": sign, "event_id": act.uid}
    numbers = _fresh(history, len(rows))
    told = [{**_values(row), **same, "history_id": each} for row, each in zip(rows, numbers, strict=True)]
    _copy(history, told)
    act.collect(*(entry_of(row, history, values, sign) for row, values in zip(rows, told, strict=True)))
    for row in rows:
        row.remember()


def copy_rows(rows: Sequence[Plain]) -> list[Plain]:
    """Copy rows of one model in by COPY, with fresh numbers. Writes no history: for rows that have none."""
    if not rows:
        return []
    model = type(rows[0])
    key = model._meta.pk.attname
    for row, number in zip(rows, _fresh(model, len(rows)), strict=True):
        setattr(row, key, number)
    _copy(model, map(_values, rows))
    for row in rows:
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return list(rows)


def _values(row: models.Model) -> Mapping[str, Any]:
    """Return the values of all columns by attribute, among others."""
    for name in row.get_deferred_fields():
        getattr(row, name)  # reads it
    return vars(row)


@cache
def _blank(model: type[models.Model]) -> tuple[tuple[str, Callable[[], Any] | None, Any], ...]:
    """Return of each column its attribute, and what makes its default or the default itself."""
    return tuple(
        (each.attname, each.default, None)
        if each.has_default() and callable(each.default)
        else (each.attname, None, each.get_default())
        for each in model._meta.concrete_fields
    )


def draft(model: type[Plain], values: Mapping[str, Any]) -> Plain:
    """Return an unsaved row of which the named columns (`key_id`) are given and the others have their default: what
    `model(**values)` returns, for many rows at once; no signal is sent."""
    row = model.__new__(model)
    told = vars(row)
    told["_state"] = ModelState()
    for name, make, same in _blank(model):
        told[name] = values[name] if name in values else same if make is None else make()
    return row


def _fresh(model: type[models.Model], many: int) -> list[int]:
    """Return so many numbers that no row of the model has."""
    if not many:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FRESH, [model._meta.db_table, model._meta.pk.column, many])
        numbers: list[int] = cursor.fetchone()[0]
    return numbers


@cache
def _cells(model: type[models.Model]) -> tuple[tuple[str, type | None, Callable[..., Any]], ...]:
    """Return of each column its attribute, the type whose values are written as they are, and what prepares others."""
    return tuple((field.attname, kind_as_stored(field), _preparing(field)) for field in model._meta.concrete_fields)


def _preparing(field: models.Field[Any, Any]) -> Callable[..., Any]:
    """Return what makes a value of a field one that the database takes; numbers and texts of a list are so already."""
    kind = kind_as_stored(field.base_field) if isinstance(field, ArrayField) else None
    if kind not in (int, str):
        return field.get_db_prep_save

    def prepared(value: Any, database: Any) -> Any:
        is_so = type(value) is list and all(type(each) is kind for each in value)
        return value if is_so else field.get_db_prep_save(value, database)

    return prepared


def _copy(model: type[models.Model], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows, each given as the values of all its columns, by COPY."""
    columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
    cells, database = _cells(model), connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor, cursor.copy(f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(
                [
                    (value.ciphertext if kind is Sealed and value is not None else value)  # type: ignore[attr-defined]  # -- its kind says so
                    if type(value) is kind or (value is None and kind is not None)
                    else prepared(value, database)
                    for name, kind, prepared in cells
                    for value in (row[name],)
                ]
            )
