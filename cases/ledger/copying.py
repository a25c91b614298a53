"""Many rows at once: by COPY as `bulk_create` does, by one UPDATE as `bulk_update` does, with their history by COPY."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from django.db import connection, models

from cases.ledger.recording import current
from cases.ledger.tracking import Tracked, history_of, note_change

__all__ = ["copy_create", "copy_rows", "copy_update"]

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
    at = current().at
    told = [history_of(model.history_model, row, sign, at) for row in rows]
    copy_rows(told)
    for row, entry in zip(rows, told, strict=True):
        note_change(row, entry)


def copy_rows(rows: Sequence[Plain]) -> list[Plain]:
    """Copy rows of one model in by COPY, with fresh numbers. Writes no history: for rows that have none."""
    if not rows:
        return []
    model = type(rows[0])
    key = model._meta.pk
    fields = list(model._meta.concrete_fields)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(_FRESH, [model._meta.db_table, key.column, len(rows)])
        for row, number in zip(rows, cursor.fetchone()[0], strict=True):
            setattr(row, key.attname, number)
        with cursor.copy(f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row([field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields])
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias
    return list(rows)
