"""Takes one case out of the database whole: its rows in every table, and in clear what is sealed in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection, models

from cases.agencies.application import LABEL as CALLBACK
from cases.kernel.models import Callback, Case, DeliveryAttempt, OutboxMessage, StoredBlob
from cases.kernel.outbox import LABEL as MESSAGE
from cases.ledger import sealing
from cases.ledger.models import DataKey, LedgerEvent, LedgerHead
from cases.ledger.sealed import Sealed, SealedTextField

Model = type[models.Model]
OWNED = (DataKey, StoredBlob)  # reached from a case by a key of its own, and belonging to it alone
READER = sealing.Reader(actor="system:seed_volume", verb="export", purpose="seed")


@dataclass(frozen=True)
class Secret:
    """One sealed value in clear: its ciphertext as stored, its place, and the key it is under."""

    ciphertext: bytes
    plain: bytes
    label: str
    uid: UUID
    field: str
    key_id: int
    is_file: bool


@dataclass
class Captured:
    """One case: its rows by model, and what is sealed in them."""

    case: Case
    rows: dict[Model, dict[Any, models.Model]] = field(default_factory=lambda: defaultdict(dict))
    secrets: dict[bytes, Secret] = field(default_factory=dict)

    def all(self) -> Iterator[models.Model]:
        for rows in self.rows.values():
            yield from rows.values()


def capture(case: Case, *, at: datetime) -> Captured:
    """Return the case with everything that hangs on it; staff, teams, agencies and channels stay where they are."""
    found, filled = Captured(case), _filled()
    waiting: list[models.Model] = [case, *LedgerEvent.objects.filter(stream=case.uid)]
    waiting += LedgerHead.objects.filter(stream=case.uid)
    while waiting:
        fresh: dict[Model, list[models.Model]] = defaultdict(list)
        for row in waiting:
            if row.pk not in found.rows[type(row)]:
                found.rows[type(row)][row.pk] = row
                fresh[type(row)].append(row)
        waiting = [
            other for model, rows in fresh.items() for other in (*_hanging_on(model, rows, filled), *_owned_by(rows))
        ]
    # In the order in which they were made: of two history rows the later number is the later state.
    found.rows = {model: dict(sorted(rows.items())) for model, rows in found.rows.items()}
    for row in found.all():
        for secret in _secrets(row, at=at):
            found.secrets[secret.ciphertext] = secret
    return found


def _filled() -> set[Model]:
    """Return the models of which there is any row: nothing hangs on a case from the others. One query."""
    known = [model for model in apps.get_app_config("cases").get_models() if model._meta.managed]
    parts = [f"EXISTS (SELECT FROM {model._meta.db_table})" for model in known]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}")
        return {model for model, is_filled in zip(known, cursor.fetchone(), strict=True) if is_filled}


def _hanging_on(model: Model, rows: list[models.Model], filled: set[Model]) -> Iterator[models.Model]:
    for relation in model._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ForeignObjectRel) or relation.many_to_many:
            continue
        other = relation.related_model
        is_by_event = relation.field.name == "event"  # history is found by the event that wrote it, which has an index
        if other in filled and (is_by_event or not hasattr(other, "instance_type")):
            values = [getattr(row, relation.field.target_field.attname) for row in rows]
            yield from other._base_manager.filter(**{f"{relation.field.attname}__in": values})


def _owned_by(rows: list[models.Model]) -> Iterator[models.Model]:
    for column in rows[0]._meta.concrete_fields:
        if isinstance(column, models.ForeignKey) and column.related_model in OWNED:
            wanted = {getattr(row, column.attname) for row in rows} - {None}
            found = column.related_model._base_manager.filter(**{f"{column.target_field.attname}__in": wanted})
            yield from (each for each in found if getattr(each, "scope", "") != "inbox")


def _secrets(row: models.Model, *, at: datetime) -> Iterator[Secret]:
    """Yield every sealed value of a row in clear; each reading is on record like any other."""
    live = getattr(row, "instance_type", type(row))
    columns = [each.name for each in row._meta.concrete_fields if isinstance(each, SealedTextField)]
    if columns:
        (values,) = sealing.open_rows([row], columns, reader=READER, at=at)
        for name in (name for name in columns if values[name] is not None):
            sealed: Sealed = getattr(row, name)
            plain = str(values[name]).encode()
            yield Secret(sealed.ciphertext, plain, live._meta.label, row.uid, name, row.key_id, is_file=False)  # type: ignore[attr-defined]  # -- sealed rows have both
    if isinstance(row, LedgerEvent) and row.reason is not None:
        (reason,) = sealing.open_reasons([row], reader=READER, at=at)
        key = DataKey.objects.only("pk").get(uid=str(row.reason_key()))
        plain = str(reason).encode()
        yield Secret(bytes(row.reason), plain, LedgerEvent._meta.label, row.uid, "reason", key.pk, is_file=False)
    for model, (column, where) in FILES.items():
        blob = getattr(row, column) if isinstance(row, model) else None
        if blob is not None:
            yield _file(bytes(blob), *where(row), at=at)


FILES: dict[Model, tuple[str, Callable[[Any], tuple[str, UUID, tuple[str, ...], int]]]] = {
    OutboxMessage: ("sealed_body", lambda row: (MESSAGE, row.public_id, ("body",), row.key_id)),
    Callback: ("sealed_body", lambda row: (CALLBACK, row.uid, ("body",), row.key_id)),
    DeliveryAttempt: (
        "sealed_excerpt",
        lambda row: (MESSAGE, row.message.public_id, ("reply",), row.message.key_id),
    ),
    StoredBlob: ("sealed", lambda row: ("cases.storedblob", row.uid, ("document", "letter", "report"), row.key_id)),
}


def _file(blob: bytes, label: str, uid: UUID, names: tuple[str, ...], key_id: int, *, at: datetime) -> Secret:
    for name in names:
        try:
            plain = sealing.open_bytes(blob, key_id=key_id, label=label, uid=uid, field=name, reader=READER, at=at)
        except sealing.SealBroken:
            continue
        if plain is not None:
            return Secret(blob, plain, label, uid, name, key_id, is_file=True)
    raise sealing.SealBroken(f"{label} {uid} opens under none of {', '.join(names)}.")


def copied_cells(model: Model, pks: list[Any]) -> tuple[list[str], dict[str, list[str]]]:
    """Return the columns of a model that can be written, and of each row its cells as COPY writes them, by pk text."""
    columns = [each for each in model._meta.concrete_fields if not isinstance(each, models.GeneratedField)]
    names = [str(each.column) for each in columns]
    pk = str(model._meta.pk.column)
    listed = ", ".join(f'"{name}"' for name in names)
    query = f"COPY (SELECT {listed} FROM {model._meta.db_table} WHERE {pk} = ANY(%s)) TO STDOUT"
    with connection.cursor() as cursor, cursor.copy(query, [pks]) as copy:
        text = b"".join(bytes(part) for part in copy).decode()
    rows = [line.split("\t") for line in text.splitlines()]
    return names, {row[names.index(pk)]: row for row in rows}
