"""Models whose every change leaves a history row bound to the ledger event that made it.

Stands on django-simple-history: it copies the models, we write the rows.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from django.db import models
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords

from cases.ledger.errors import LedgerError
from cases.ledger.recording import current, current_event_uid
from cases.ledger.rows import remembered, row_entry

HISTORY_COLUMNS = ("history_id", "history_date", "history_type", "event_id")


class HistoryRow(models.Model):
    """Base of every history model: the event the row belongs to."""

    event = models.ForeignKey(
        "cases.LedgerEvent",
        to_field="uid",
        default=current_event_uid,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self._meta.label} {self.pk}"


class TrackedHistoryManager(HistoryManager):
    """History of one model or one row; collects what it writes in bulk into the current action."""

    def bulk_history_create(
        self,
        objs: Iterable[models.Model],
        batch_size: int | None = None,
        update: bool = False,
        default_user: object = None,
        default_change_reason: str = "",
        default_date: datetime | None = None,
        custom_historical_attrs: dict[str, object] | None = None,
    ) -> list[models.Model]:
        """Write one history row for each of `objs` in one INSERT and add them to the current action."""
        return write_history(self.model.instance_type, list(objs), "~" if update else "+", batch_size=batch_size)


def write_history(
    model: type[Tracked], sources: Sequence[models.Model], sign: str, *, batch_size: int | None = None
) -> list[models.Model]:
    """Write one history row for each of `sources` in one INSERT and add them to the current action."""
    at, history = current().at, model.history_model
    rows = [history_of(history, source, sign, at) for source in sources]
    history.objects.bulk_create(rows, batch_size=batch_size)  # type: ignore[attr-defined]  # -- concrete models have objects
    for source, row in zip(sources, rows, strict=True):
        note_change(source, row)
    return rows


def history_of(history_model: type[models.Model], source: models.Model, sign: str, at: datetime) -> models.Model:
    """Return the unsaved history row of `source` as it stands in memory. Raises LedgerError for an expression."""
    tracked: Sequence[models.Field[Any, Any]] = history_model.tracked_fields  # type: ignore[attr-defined]  # -- by simple-history
    values = {field.attname: getattr(source, field.attname) for field in tracked}
    if any(hasattr(value, "resolve_expression") for value in values.values()):
        raise LedgerError("A tracked row takes values, not expressions: compute the value, then save.")
    return history_model(history_date=at, history_type=sign, **values)


def note_change(source: models.Model, row: models.Model) -> None:
    """Add a written history row to the current action and remember the values as stored."""
    current().collect(row_entry(source, row))
    source.remember()  # type: ignore[attr-defined]  # -- every source is Tracked


class TrackedHistory(HistoricalRecords):
    """History without user and reason columns: the event says who and why, and says it for all rows alike."""

    def __init__(self) -> None:
        super().__init__(
            inherit=True,
            bases=(HistoryRow,),
            history_id_field=models.BigAutoField(),
            history_manager=TrackedHistoryManager,
        )

    def fields_included(self, model: type[models.Model]) -> list[models.Field[Any, Any]]:
        """Return the fields history keeps: all but the model's `untracked` ones."""
        untracked = getattr(model, "untracked", ())
        return [field for field in model._meta.fields if field.name not in untracked]

    def copy_fields(self, model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
        """Copy the fields without their indexes; migration 0002 adds the one index history needs."""
        fields: dict[str, models.Field[Any, Any]] = super().copy_fields(model)
        for field in fields.values():
            field.db_index = False  # type: ignore[attr-defined]  # -- the stubs leave it out
        return fields

    def get_extra_fields(self, model: type[models.Model], fields: dict[str, object]) -> dict[str, object]:
        extra: dict[str, object] = super().get_extra_fields(model, fields)
        for name in ("history_change_reason", "history_user", "history_user_id", "__str__"):
            extra.pop(name, None)
        extra["history_date"] = models.DateTimeField()
        return extra

    def create_history_model(self, model: type[models.Model], inherited: bool) -> type[models.Model]:
        """Make the history model and keep it at hand: asking `Model.history` builds a manager class each time."""
        made: type[models.Model] = super().create_history_model(model, inherited)
        model.history_model = made  # type: ignore[attr-defined]  # -- declared on Tracked
        return made

    def create_historical_record(self, instance: models.Model, history_type: str, using: str | None = None) -> None:
        """Write the history row of one save or delete and add it to the current action."""
        history_model: type[models.Model] = type(instance).history_model  # type: ignore[attr-defined]  # -- of Tracked
        row = history_of(history_model, instance, history_type, current().at)
        row.save(force_insert=True, using=using)
        note_change(instance, row)


class Tracked(models.Model):
    """Base of every model that has history. `untracked` names columns history leaves out (search tokens).

    `later` names each column (as stored: `team_id`) that was added after a release, with the value old rows got.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    history = TrackedHistory()
    history_model: type[models.Model]
    untracked: tuple[str, ...] = ()
    later: Mapping[str, object] = {}

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any) -> Self:
        instance = super().from_db(db, field_names, values, **more)
        instance.remember()
        return instance

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Any] | None = None,
    ) -> None:
        fields = None if fields is None else list(fields)
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        self.remember(fields)

    def remember(self, fields: Iterable[str] | None = None) -> None:
        """Keep column values as stored, so that a later change knows its old ones without a query."""
        opts = self._meta
        names = None if fields is None else {opts.get_field(name).attname for name in fields}  # type: ignore[union-attr]  # -- columns only
        stored = remembered(self, names)
        self._remembered = stored if names is None else {**getattr(self, "_remembered", {}), **stored}
