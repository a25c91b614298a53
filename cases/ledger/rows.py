"""What a row is, in canonical values: its digest, and what a save changed.

The same functions read the row just written and the row found years later, so both give the same digest.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache, partial
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models

from cases.ledger.canonical import canon_of_plain, commitment, plain, writer
from cases.ledger.errors import LedgerError
from cases.ledger.sealed import Sealed, SealedTextField

Reader = Callable[[Any], Any]


class RowNotLoaded(LedgerError):
    """A tracked row was changed without having been loaded, so its old values are unknown."""


def _as_stored_json(field: models.JSONField, value: Any) -> Any:
    return json.loads(json.dumps(value, cls=field.encoder))


def _as_stored_decimal(field: models.DecimalField[Any, Any], value: Any) -> Decimal:
    number: Decimal = field.to_python(value)
    return number.quantize(Decimal(1).scaleb(-field.decimal_places))


def _each(read: Reader, values: Any) -> list[Any]:
    return [None if value is None else read(value) for value in values]


def _reader(field: models.Field[Any, Any]) -> Reader:
    """Return what turns an assigned value into the one PostgreSQL will give back."""
    if isinstance(field, models.GeneratedField):
        raise LedgerError(f"{field} is computed by the database; a tracked model cannot hold it.")
    if isinstance(field, models.ForeignKey):
        return _reader(field.target_field)
    if isinstance(field, ArrayField):
        return partial(_each, _reader(field.base_field))
    if isinstance(field, models.JSONField):
        return partial(_as_stored_json, field)
    if isinstance(field, models.DecimalField):
        return partial(_as_stored_decimal, field)
    if isinstance(field, models.BinaryField) and not isinstance(field, SealedTextField):
        return bytes
    return field.to_python


# What the value of a field of each kind is, where it is in memory as PostgreSQL will give it back.
_AS_STORED: Mapping[str, type] = {
    **dict.fromkeys(("AutoField", "BigAutoField", "IntegerField", "BigIntegerField", "SmallIntegerField"), int),
    **dict.fromkeys(("PositiveIntegerField", "PositiveSmallIntegerField", "PositiveBigIntegerField"), int),
    **dict.fromkeys(("CharField", "TextField"), str),
    "BooleanField": bool,
    "DateField": date,
    "DateTimeField": datetime,
    "UUIDField": UUID,
    "BinaryField": bytes,
}


def kind_as_stored(field: models.Field[Any, Any]) -> type | None:
    """Return of which very type a value of a field is stored as it is; nothing where it may need converting."""
    if isinstance(field, models.ForeignKey):
        return kind_as_stored(field.target_field)
    return Sealed if isinstance(field, SealedTextField) else _AS_STORED.get(field.get_internal_type())


@cache
def _columns(model: type[models.Model]) -> dict[str, Reader]:
    return {field.attname: _reader(field) for field in model._meta.concrete_fields}


@cache
def _names(model: type[models.Model]) -> tuple[tuple[str, ...], Callable[[Mapping[str, Any]], tuple[Any, ...]]]:
    """Return the attributes of all columns in order, and what takes their values out of those of a row."""
    names = tuple(field.attname for field in model._meta.concrete_fields)
    return names, itemgetter(*names)


@lru_cache(maxsize=4096)
def _not_plain(model: type[models.Model], shape: tuple[type, ...]) -> tuple[tuple[str, Reader], ...]:
    """Return of a row whose values have these types which do not stay as they are, and what makes each plain: rows that
    are written at once have few shapes, so a row is looked at as a whole and not value by value."""
    found: list[tuple[str, Reader]] = []
    for field, given in zip(model._meta.concrete_fields, shape, strict=True):
        kind, read = kind_as_stored(field), _columns(model)[field.attname]
        if given is type(None):
            continue
        if given is not kind:
            found.append((field.attname, partial(_read_plain, read)))
        elif write := writer(kind):
            found.append((field.attname, write))
    return tuple(found)


def _read_plain(read: Reader, value: Any) -> object:
    return plain(read(value))


@cache
def _changeable(model: type[models.Model]) -> tuple[tuple[str, str, bool], ...]:
    """Return (name, attribute, sealed) of each field whose old and new values an event tells."""
    untracked = getattr(model, "untracked", ())
    return tuple(
        (field.name, field.attname, isinstance(field, SealedTextField))
        for field in model._meta.concrete_fields
        if not field.primary_key and field.name != "uid" and field.name not in untracked
    )


def stored(row: models.Model, attname: str) -> Any:
    """Return the value of one column as PostgreSQL holds it."""
    value = getattr(row, attname)
    return None if value is None else _columns(type(row))[attname](value)


def remembered(row: models.Model, attnames: Collection[str] | None) -> dict[str, Any]:
    """Return copies of the loaded columns of `row`, or of those named."""
    columns = _columns(type(row))
    return {
        name: _copied(value) if isinstance(value, dict | list) else value
        for name, value in row.__dict__.items()
        if name in columns and (attnames is None or name in attnames)
    }


def _copied(value: dict[Any, Any] | list[Any]) -> object:
    """Return a copy that no later change of the value reaches."""
    if isinstance(value, list) and _FIXED.issuperset(map(type, value)):
        return [*value]
    return copy.deepcopy(value)


_FIXED = frozenset({int, str, bool, type(None)})


def row_values(row: models.Model) -> dict[str, object]:
    """Return every column of a stored row in canonical values; a sealed one as commitment of its ciphertext."""
    return plain_values(type(row), {name: getattr(row, name) for name in _columns(type(row))})


def plain_values(model: type[models.Model], values: Mapping[str, Any]) -> dict[str, object]:
    """Return every column of a row of `model`, given as assigned, in canonical values."""
    names, pick = _names(model)
    cells = pick(values)
    told: dict[str, object] = dict(zip(names, cells, strict=True))
    for name, write in _not_plain(model, tuple(map(type, cells))):
        told[name] = write(told[name])
    return told


def row_digest(row: models.Model) -> str:
    """Return the digest an event carries of a stored history row. Needs no key, before and after erasure."""
    return commitment(canon_of_plain(digested_values(row)))


def digested_values(row: models.Model) -> dict[str, object]:
    """Return what the digest of a row covers.

    A column its model names in `later` counts only where it differs from the value named there: so a row written
    before the column was there keeps its digest, and nobody can change the column unseen.
    """
    return _digested(getattr(row, "instance_type", type(row)), row_values(row))


def _digested(live: type[models.Model], values: dict[str, object]) -> dict[str, object]:
    later: Mapping[str, object] = getattr(live, "later", {})
    return {name: value for name, value in values.items() if not _is_as_added(name, value, later)} if later else values


def _is_as_added(name: str, value: object, later: Mapping[str, object]) -> bool:
    return name in later and value == plain(later[name])


def _changed(source: models.Model, sign: str) -> tuple[dict[str, object], dict[str, object]]:
    """Return what changed: clear fields as [old, new], sealed ones as commitment of the new value."""
    known = getattr(source, "_remembered", None)
    if sign == "~" and known is None:
        raise RowNotLoaded(f"Load {source._meta.label} before changing it.")
    before = {} if sign == "+" or known is None else known
    clear: dict[str, object] = {}
    sealed: dict[str, object] = {}
    for name, attname, is_sealed in _changeable(type(source)):
        old, new = before.get(attname), stored(source, attname)
        if old == new:
            continue
        if is_sealed:
            sealed[name] = plain(new)
        else:
            clear[name] = [plain(old), plain(new)]
    return clear, sealed


def row_entry(source: models.Model, row: models.Model) -> dict[str, object]:
    """Return the entry of one written history row for the body of its event."""
    sign: str = row.history_type  # type: ignore[attr-defined]  # -- a history row
    changed = ({}, {}) if sign == "-" else _changed(source, sign)
    return _entry(source, sign, row.pk, str(row.uid), row_digest(row), *changed)  # type: ignore[attr-defined]  # -- every source is Tracked


def _entry(
    source: models.Model,
    sign: str,
    number: int,
    uid: object,
    digest: str,
    clear: dict[str, object],
    sealed: dict[str, object],
) -> dict[str, object]:
    entry: dict[str, object] = {
        "m": source._meta.label_lower,
        "k": plain(source.pk),
        "u": uid,
        "h": number,
        "op": sign,
        "row": digest,
    }
    return entry | {name: fields for name, fields in (("f", clear), ("s", sealed)) if fields}


def entry_of(
    source: models.Model, history: type[models.Model], values: Mapping[str, Any], sign: str
) -> dict[str, object]:
    """Return what `row_entry` returns, of a history row that is given as the values of its columns."""
    told = plain_values(history, values)
    clear: dict[str, object] = {}
    sealed: dict[str, object] = {}
    if sign == "+":  # nothing was there before: what is new is what is told
        for name, attname, is_sealed in _changeable(type(source)):
            if (new := told[attname]) is not None:
                (sealed if is_sealed else clear)[name] = new if is_sealed else [None, new]
    else:
        clear, sealed = _changed(source, sign)
    digest = commitment(canon_of_plain(_digested(type(source), told)))
    return _entry(source, sign, values["history_id"], told["uid"], digest, clear, sealed)
