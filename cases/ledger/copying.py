"""Many rows at once by COPY: the rows, their history and their entries in the current action, as `bulk_create` does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from django.db import connection, models

from cases.ledger.recording import current
from cases.ledger.tracking import Tracked, history_of, note_change

__all__ = ["copy_create", "copy_rows"]

Row = TypeVar("Row", bound=Tracked)
Plain = TypeVar("Plain", bound=models.Model)
# The sequence is named once: looked up for each number, it would cost more than the number.
_FRESH = """
SELECT array_agg(nextval(numbers))
FROM (SELECT pg_get_serial_sequence(%s, %s)::regclass AS numbers OFFSET 0) AS of_table, generate_series(1, %s)
"""


def copy_create(model: type[Row], rows: Sequence[Row]) -> list[Row]:
    """Copy `rows` in and their history after them, under the current action. Each row gets its number here."""
    at = current().at
    made = copy_rows(rows)
    told = [history_of(model.history_model, row, "+", at) for row in made]
    copy_rows(told)
    for row, entry in zip(made, told, strict=True):
        note_change(row, entry)
    return made


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
