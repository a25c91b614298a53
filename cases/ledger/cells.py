"""The values of a row as the database takes them, with what is like in many rows looked up once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from operator import attrgetter, itemgetter
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import DEFAULT_DB_ALIAS, connections, models

from cases.ledger.rows import kind_as_stored
from cases.ledger.sealed import Sealed

__all__ = ["ready", "ready_value", "values_of"]

Prepare = Callable[[Any], Any]


def values_of(row: models.Model) -> Mapping[str, Any]:
    """Return the values of all columns by attribute, among others; one that was not loaded is read."""
    told = vars(row)
    if not _attributes(type(row)) <= told.keys():
        for name in row.get_deferred_fields():
            getattr(row, name)  # reads it
    return told


def ready(model: type[models.Model], values: Mapping[str, Any]) -> list[Any]:
    """Return what is stored of a row in the order of its columns, of which `values` gives each by attribute."""
    cells = list(_picker(model)(values))
    for place, prepare in _unready(model, tuple(map(type, cells))):
        cells[place] = prepare(cells[place])
    return cells


def ready_value(field: models.Field[Any, Any], value: Any) -> Any:
    """Return what is stored of one value of a field."""
    prepare = _preparation(field, type(value))
    return value if prepare is None else prepare(value)


@cache
def _attributes(model: type[models.Model]) -> frozenset[str]:
    return frozenset(field.attname for field in model._meta.concrete_fields)


@cache
def _picker(model: type[models.Model]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    return itemgetter(*(field.attname for field in model._meta.concrete_fields))


@lru_cache(maxsize=4096)
def _unready(model: type[models.Model], shape: tuple[type, ...]) -> tuple[tuple[int, Prepare], ...]:
    """Return of a row whose values have these types which are not written as they are, and what prepares each: rows of
    a file have few shapes, so a row is looked at as a whole and not value by value."""
    found: list[tuple[int, Prepare]] = []
    for place, (field, given) in enumerate(zip(model._meta.concrete_fields, shape, strict=True)):
        if prepare := _preparation(field, given):
            found.append((place, prepare))
    return tuple(found)


def _preparation(field: models.Field[Any, Any], given: type) -> Prepare | None:
    kind = kind_as_stored(field)
    if given is kind is Sealed:
        return attrgetter("ciphertext")
    if given is not kind and (given is not type(None) or kind is None):
        return _preparing(field)
    return None


def _preparing(field: models.Field[Any, Any]) -> Prepare:
    """Return what makes a value of a field one that the database takes; a list of numbers is written as it reads one,
    and texts of a list are so already."""
    kind = kind_as_stored(field.base_field) if isinstance(field, ArrayField) else None

    def save(value: Any) -> Any:
        return field.get_db_prep_save(value, connections[DEFAULT_DB_ALIAS])

    if kind not in (int, str):
        return save

    def prepared(value: Any) -> Any:
        if type(value) is not list or not {kind}.issuperset(map(type, value)):
            return save(value)
        return value if kind is str else f"{{{','.join(map(str, value))}}}"

    return prepared
