"""Models whose every change leaves a history row bound to the ledger event that made it.

Stands on django-simple-history: it copies the models, we write the rows.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Self, TypeVar

from django.db import DEFAULT_DB_ALIAS, models
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords

from cases.ledger.cells import values_of
from cases.ledger.errors import LedgerError
from cases.ledger.inserting import insert_with_history, update_few_with_history, update_with_history
from cases.ledger.recording import current, current_event_uid
from cases.ledger.rows import entry_of, remembered, row_entry

_WRITTEN = "_number_of_history"
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
    refuse_expressions(source)
    values = {field.attname: getattr(source, field.attname) for field in tracked}
    return history_model(history_date=at, history_type=sign, **values)


def refuse_expressions(source: models.Model) -> None:
    """Raise LedgerError where a column holds an expression: nobody knows yet what the database makes of it."""
    if any(hasattr(value, "resolve_expression") for value in vars(source).values()):
        raise LedgerError("A tracked row takes values, not expressions: compute the value, then save.")


def note_change(source: models.Model, row: models.Model) -> None:
    """Add a written history row to the current action and remember the values as stored."""
    current().collect(row_entry(source, row))
    source.remember()  # type: ignore[attr-defined]  # -- every source is Tracked


def note_written(source: models.Model, number: int, sign: str) -> None:
    """Add the history row of this number, written with its row, to the current action and remember what is stored."""
    act, history = current(), type(source).history_model  # type: ignore[attr-defined]  # -- of Tracked
    own = {"history_id": number, "history_date": act.at, "history_type": sign, "event_id": act.uid}
    act.collect(entry_of(source, history, {**values_of(source), **own}, sign))
    source.remember()  # type: ignore[attr-defined]


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
        """Add the history row of one save or delete to the current action, and write it where the save has not."""
        number: int | None = vars(instance).pop(_WRITTEN, None)
        if number is not None and history_type != "-":
            note_written(instance, number, history_type)
            return
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

    def save_base(self, raw: bool = False, **more: Any) -> None:  # type: ignore[override]  # -- save() names all it gives
        """Save the row. Raises LedgerError where it would leave no history: loaded as it is, or simple-history told to
        look away."""
        if raw or hasattr(self, "skip_history_when_saving"):
            raise LedgerError("A tracked row is not written without its history.")
        super().save_base(**more)

    def _do_insert(self, manager: Any, using: str, fields: Any, returning_fields: Any, raw: bool) -> Any:
        """Insert the row and its history by one statement, where Django makes one for each."""
        auto = self._meta.auto_field
        if using != DEFAULT_DB_ALIAS or (auto is not None and self.pk is not None):
            return super()._do_insert(manager, using, fields, returning_fields, raw)  # type: ignore[misc]
        refuse_expressions(self)
        ((number, written),) = insert_with_history([self], current())
        vars(self)[_WRITTEN] = written
        return [tuple(number if field is auto else getattr(self, field.attname) for field in returning_fields)]

    def _do_update(self, base_qs: Any, using: str | None, pk_val: Any, values: Any, *rest: Any) -> Any:
        """Update the row and write its history by one statement, where Django makes one for each."""
        if not values or using != DEFAULT_DB_ALIAS:
            return super()._do_update(base_qs, using, pk_val, values, *rest)
        refuse_expressions(self)
        written = update_with_history(self, [field for field, _, _ in values], current())
        if written is not None:
            vars(self)[_WRITTEN] = written
        return written is not None


Row = TypeVar("Row", bound=Tracked)


def create_few(rows: Sequence[Row]) -> list[Row]:
    """Insert at most `FEW` rows of one model with their history by one statement, under the current action."""
    for row in rows:
        row._prepare_related_fields_for_save(operation_name="bulk_create")  # type: ignore[attr-defined]
        refuse_expressions(row)
    for row, (number, written) in zip(rows, insert_with_history(rows, current()), strict=True):
        row.pk = number
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
        note_written(row, written, "+")
    return list(rows)


def update_few(rows: Sequence[Tracked], fields: Sequence[str]) -> int:
    """Update `fields` of at most `FEW` loaded rows of one model, with their history, by one statement, under the
    current action. Return how many of them there are."""
    model = type(rows[0])
    columns = [model._meta.get_field(name) for name in fields]
    for row in rows:
        row._prepare_related_fields_for_save(operation_name="bulk_update", fields=columns)  # type: ignore[attr-defined]
        refuse_expressions(row)
    numbers = update_few_with_history(rows, columns, current())  # type: ignore[arg-type]  # -- columns only
    for row in rows:
        if row.uid in numbers:
            note_written(row, numbers[row.uid], "~")
    return len(numbers)
