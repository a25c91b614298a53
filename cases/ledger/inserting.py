"""One row, or a few, by a statement that PostgreSQL has planned before; the history of a row by the same statement.

Django puts an INSERT together anew each time, and another for the history. Many rows go by COPY (`copying`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, models

from cases.ledger.cells import ready, ready_value, values_of
from cases.ledger.prepared import Statement
from cases.ledger.recording import Action

__all__ = ["FEW", "insert", "insert_with_history", "update_few_with_history", "update_with_history"]

Row = TypeVar("Row", bound=models.Model)
FEW = 8  # each number of rows is a statement of its own, so more than this go another way


def insert(rows: Sequence[Row]) -> Sequence[Row]:
    """Insert new rows of one model and set their numbers. Sends no signal and writes no history. One statement for each
    `FEW`."""
    for first in range(0, len(rows), FEW):
        some = rows[first : first + FEW]
        for row, (number,) in zip(some, _insert(type(some[0]), len(some)).rows(_cells(some)), strict=True):
            row.pk = number
            row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return rows


def insert_with_history(rows: Sequence[models.Model], act: Action) -> list[tuple[int, int]]:
    """Insert at most `FEW` new rows of one model and the history of each from the row as it is stored, by one
    statement. Return for each its number and that of its history row, in order."""
    made = _insert_with_history(type(rows[0]), len(rows)).rows([*_cells(rows), act.at, "+", act.uid])
    if len(rows) == 1:
        return [made[0][1:]]
    numbers = {uid: (number, history) for uid, number, history in made}
    return [numbers[row.uid] for row in rows]  # type: ignore[attr-defined]  # -- every tracked row has a uid


def update_with_history(row: models.Model, fields: Sequence[models.Field[Any, Any]], act: Action) -> int | None:
    """Update these fields of a row and write its history as it stands in memory, which a guard compares with what is
    stored, by one statement. Return the number of the history row; none where there is no such row."""
    model = type(row)
    cells = [ready_value(field, getattr(row, field.attname)) for field in fields]
    history = model.history_model  # type: ignore[attr-defined]  # -- a tracked model
    told = ready(history, {**dict.fromkeys(_OWN), **values_of(row)})
    kept = [told[place] for place, _ in _kept(model)]
    statement = _update_with_history(model, tuple(field.column for field in fields))
    made = statement.rows([*cells, row.pk, *kept, act.at, "~", act.uid])
    return made[0][0] if made else None


def update_few_with_history(
    rows: Sequence[models.Model], fields: Sequence[models.Field[Any, Any]], act: Action
) -> dict[UUID, int]:
    """Do what `update_with_history` does for at most `FEW` rows of one model, by one statement. Return the number of
    the history row of each that there is, by the row's uid."""
    model = type(rows[0])
    history = model.history_model  # type: ignore[attr-defined]  # -- a tracked model
    cells: list[Any] = []
    for row in rows:
        cells += [row.pk, *(ready_value(field, getattr(row, field.attname)) for field in fields)]
    cells += [act.at, "~", act.uid]
    for row in rows:
        told = ready(history, {**dict.fromkeys(_OWN), **values_of(row)})
        cells += [told[place] for place, _ in _kept(model)]
    statement = _update_few_with_history(model, tuple(fields), len(rows))
    return dict(statement.rows(cells))


def _cells(rows: Sequence[models.Model]) -> list[Any]:
    """Return what is stored of new rows, one after the other, but for their numbers."""
    model = type(rows[0])
    number = _number(model)
    cells: list[Any] = []
    for row in rows:
        own = ready(model, values_of(row))
        if number is not None:
            del own[number]
        cells += own
    return cells


@cache
def _number(model: type[models.Model]) -> int | None:
    """Return the place among the columns of the number that the database gives, if it gives one."""
    number = model._meta.auto_field
    return None if number is None else list(model._meta.concrete_fields).index(number)


_OWN = ("history_id", "history_date", "history_type", "event_id")


@cache
def _kept(model: type[models.Model]) -> list[tuple[int, str]]:
    """Return (place, name) of each column of the history of a model that is one of the model's own."""
    fields = model.history_model._meta.concrete_fields  # type: ignore[attr-defined]  # -- a tracked model
    return [(place, f'"{field.column}"') for place, field in enumerate(fields) if field.attname not in _OWN]


def _into_history(model: type[models.Model]) -> str:
    """Return the INSERT into the history of a model up to its SELECT, of which date, type and event come last."""
    names = [*(name for _, name in _kept(model)), "history_date", "history_type", "event_id"]
    return f'INSERT INTO "{model.history_model._meta.db_table}" ({", ".join(names)})'  # type: ignore[attr-defined]


_SAME = "%s::timestamptz, %s::varchar, %s::uuid"


@lru_cache(maxsize=1024)
def _insert(model: type[models.Model], many: int) -> Statement:
    return Statement.of(f'{_into(model, many)} RETURNING "{model._meta.pk.column}"')


def _into(model: type[models.Model], many: int) -> str:
    columns = [f'"{field.column}"' for field in model._meta.concrete_fields if field is not model._meta.auto_field]
    row = f"({', '.join(['%s'] * len(columns))})"
    return f'INSERT INTO "{model._meta.db_table}" ({", ".join(columns)}) VALUES {", ".join([row] * many)}'  # noqa: S608 -- names of columns


@lru_cache(maxsize=1024)
def _insert_with_history(model: type[models.Model], many: int) -> Statement:
    names = ", ".join(f"made.{name}" for _, name in _kept(model))
    return Statement.of(
        f"WITH made AS ({_into(model, many)} RETURNING *) {_into_history(model)} SELECT {names}, {_SAME} FROM made"
        f' RETURNING uid, "{model._meta.pk.column}", history_id'
    )


@lru_cache(maxsize=1024)
def _update_with_history(model: type[models.Model], columns: tuple[str, ...]) -> Statement:
    fields = model.history_model._meta.concrete_fields  # type: ignore[attr-defined]  # -- a tracked model
    changes = ", ".join(f'"{each}" = %s' for each in columns)
    kept = ", ".join(f"%s::{fields[place].db_type(connection)}" for place, _ in _kept(model))
    return Statement.of(
        f'WITH made AS (UPDATE "{model._meta.db_table}" SET {changes} WHERE "{model._meta.pk.column}" = %s RETURNING 1)'  # noqa: S608
        f" {_into_history(model)} SELECT {kept}, {_SAME} FROM made RETURNING history_id"
    )


@lru_cache(maxsize=1024)
def _update_few_with_history(
    model: type[models.Model], fields: tuple[models.Field[Any, Any], ...], many: int
) -> Statement:
    key, columns = model._meta.pk, model.history_model._meta.concrete_fields  # type: ignore[attr-defined]
    names = [f'"{field.column}"' for field in fields]
    kept = [name for _, name in _kept(model)]
    changes = ", ".join(f"{name} = given.{name}" for name in names)
    given = _values((key.rel_db_type(connection), *(str(field.db_type(connection)) for field in fields)), many)
    told = _values([str(columns[place].db_type(connection)) for place, _ in _kept(model)], many)
    return Statement.of(
        f'WITH made AS (UPDATE "{model._meta.db_table}" old SET {changes}'  # noqa: S608 -- names of columns
        f' FROM ({given}) given("pk", {", ".join(names)})'
        f' WHERE old."{key.column}" = given."pk" RETURNING old."{key.column}")'
        f" {_into_history(model)} SELECT {', '.join(f'told.{name}' for name in kept)}, {_SAME}"
        f' FROM ({told}) told({", ".join(kept)}) JOIN made USING ("{key.column}") RETURNING "uid", "history_id"'
    )


def _values(types: Sequence[str | None], many: int) -> str:
    """Return a list of so many rows of values of these types."""
    row = f"({', '.join(f'%s::{each}' for each in types)})"
    return f"VALUES {', '.join([row] * many)}"
