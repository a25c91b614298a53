"""Do history rows and live rows say what the events say? Part of `verify`, which turns the faults into findings."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models

from cases.ledger.canonical import plain
from cases.ledger.guards import tracked_models
from cases.ledger.models import LedgerEvent
from cases.ledger.prepared import Statement
from cases.ledger.rows import row_digest, row_values
from cases.ledger.tracking import HISTORY_COLUMNS, Tracked

Fault = tuple[UUID | None, int, str, str, str]
"""Stream, sequence, table, column, message: the first fields of a Finding."""
Touched = defaultdict[str, set[Any]]
"""Primary keys met so far, by model label."""
Entry = dict[str, Any]
Events = Sequence[tuple[LedgerEvent, dict[str, Any]]]


def history_faults(events: Events, touched: Touched | None) -> Iterator[Fault]:
    """Yield where a chunk of events and the history rows bound to them differ, looking both ways.

    Adds the rows met to `touched`; None when all rows will be looked at anyway.
    """
    entries: dict[str, dict[UUID, dict[int, Entry]]] = defaultdict(lambda: defaultdict(dict))
    for event, body in events:
        for entry in body.get("changes", ()):
            entries[entry["m"]][event.uid][entry["h"]] = entry
            if touched is not None:
                touched[entry["m"]].add(entry["k"])
    by_uid = {event.uid: event for event, _ in events}
    present = _models_with_rows(list(by_uid))
    for model in tracked_models():
        listed = entries.pop(model._meta.label_lower, {})
        if listed or model in present:
            yield from _model_faults(model, by_uid, listed)
    for label, unknown in entries.items():
        for uid in unknown:
            event = by_uid[uid]
            yield event.stream, event.seq, label, "history_id", "The model of this row is unknown."


def _models_with_rows(uids: list[UUID]) -> set[type[Tracked]]:
    """Return the models with history rows bound to any of these events, in one query."""
    models_by_table = {model.history_model._meta.db_table: model for model in tracked_models()}
    return {models_by_table[table] for (table,) in _tables_with_rows(tuple(models_by_table)).rows([uids])}


@cache
def _tables_with_rows(tables: tuple[str, ...]) -> Statement:
    """Return the question which of these tables have rows of some events: planned once for all of them."""
    asked = "WITH asked AS (SELECT %s::uuid[] AS uids) "
    parts = (
        f"SELECT '{table}' FROM asked WHERE EXISTS (SELECT FROM {table} WHERE event_id = ANY(uids))" for table in tables
    )
    return Statement(asked + " UNION ALL ".join(parts), ([],), (0,))


def _model_faults(
    model: type[Tracked], by_uid: dict[UUID, LedgerEvent], entries: dict[UUID, dict[int, Entry]]
) -> Iterator[Fault]:
    history: Any = model.history_model
    table: str = history._meta.db_table
    unseen = {(uid, number): entry for uid, listed in entries.items() for number, entry in listed.items()}
    extra = []
    for row in history._default_manager.filter(event_id__in=list(by_uid)).order_by().iterator():
        event = by_uid[row.event_id]
        entry = unseen.pop((event.uid, row.pk), None)
        if entry is None:
            extra.append(row)
        elif row_digest(row) != entry["row"]:
            column = _changed_column(row, entry, event)
            yield event.stream, event.seq, table, column, f"History row {row.pk} is not as written."
    for (uid, number), entry in unseen.items():
        event = by_uid[uid]
        yield event.stream, event.seq, table, *_absence(history, number, entry, extra)
    for row in extra:
        event = by_uid[row.event_id]
        yield (
            event.stream,
            event.seq,
            table,
            "history_id",
            f"History row {row.pk} was added; its event does not know it.",
        )


def _absence(history: type[models.Model], number: int, entry: Entry, extra: list[Any]) -> tuple[str, str]:
    """Say whether a row that an event lists is gone, renumbered, or bound to another event."""
    for row in extra:
        if plain(getattr(row, row.instance_type._meta.pk.attname)) == entry["k"] and row.history_type == entry["op"]:
            extra.remove(row)
            return "history_id", f"History row {number} is now numbered {row.pk}."
    if history._default_manager.filter(pk=number).exists():
        return "event_id", f"History row {number} is bound to another event."
    return "history_id", f"History row {number} is missing."


def _changed_column(row: Any, entry: Entry, event: LedgerEvent) -> str:
    """Name the column of a history row that was changed: by its event, else by the row before it."""
    values = row_values(row)
    live: type[Tracked] = row.instance_type
    told = {"history_type": entry["op"], "history_date": plain(event.at), live._meta.pk.attname: entry["k"]}
    told |= {"uid": entry["u"]}
    fields = {**{name: change[1] for name, change in entry.get("f", {}).items()}, **entry.get("s", {})}
    told |= {live._meta.get_field(name).attname: value for name, value in fields.items()}  # type: ignore[union-attr]  # -- columns only
    before = _values_before(row, entry)
    expected = {**before, **told}
    wrong = (name for name, value in values.items() if name in expected and expected[name] != value)
    return next(wrong, "row")


def _values_before(row: Any, entry: Entry) -> dict[str, object]:
    """Return the columns the row must have kept: those of the row before it, or nothing but None when it is new."""
    history = type(row)
    kept = [field.attname for field in history._meta.concrete_fields if field.attname not in HISTORY_COLUMNS]
    if entry["op"] == "+":
        return dict.fromkeys(kept)
    pk = row.instance_type._meta.pk.attname
    earlier = history._default_manager.filter(**{pk: entry["k"]}, history_id__lt=row.pk)
    previous = earlier.order_by("-history_id").first()
    return {} if previous is None else {name: value for name, value in row_values(previous).items() if name in kept}


LIVE_SQL = """
WITH latest AS (
    SELECT DISTINCT ON (h.{pk}) h.{pk} AS row_id, h.event_id, h.history_type, to_jsonb(h) - %(columns)s::text[] AS data
    FROM {history} h {only_history} ORDER BY h.{pk}, h.history_id DESC
), live AS (SELECT t.{pk} AS row_id, to_jsonb(t) - %(untracked)s::text[] AS data FROM {live} t {only_live})
SELECT row_id, e.stream, e.seq, live.data, CASE WHEN latest.history_type <> '-' THEN latest.data END
FROM live FULL JOIN latest USING (row_id) LEFT JOIN cases_ledgerevent e ON e.uid = latest.event_id
WHERE live.data IS DISTINCT FROM CASE WHEN latest.history_type <> '-' THEN latest.data END
"""


def live_faults(touched: Touched | None) -> Iterator[Fault]:
    """Yield live rows that are not as their latest history row: of the rows touched, or of all rows for None."""
    for model in tracked_models():
        if touched is None:
            yield from _live_model_faults(model, None)
        elif keys := touched.get(model._meta.label_lower):
            yield from _live_model_faults(model, [model._meta.pk.to_python(key) for key in keys])


def _live_model_faults(model: type[Tracked], keys: list[Any] | None) -> Iterator[Fault]:
    history = model.history_model
    kept = {field.column for field in history._meta.concrete_fields}
    pk = str(model._meta.pk.column)
    sql = LIVE_SQL.format(
        pk=pk,
        live=model._meta.db_table,
        history=history._meta.db_table,
        only_history="" if keys is None else f"WHERE h.{pk} = ANY(%(keys)s)",
        only_live="" if keys is None else f"WHERE t.{pk} = ANY(%(keys)s)",
    )
    untracked = [field.column for field in model._meta.concrete_fields if field.column not in kept]
    with connection.cursor() as cursor:
        cursor.execute(sql, {"keys": keys, "columns": list(HISTORY_COLUMNS), "untracked": untracked})
        for row_id, stream, seq, live, latest in cursor.fetchall():
            column = _differing(live, latest) or pk
            yield stream, seq or 0, model._meta.db_table, column, f"Row {row_id} is not as its latest history."


def _differing(live: str | None, latest: str | None) -> str | None:
    """Name the first column in which two rows (JSON text) differ; None when one is not there at all."""
    if live is None or latest is None:
        return None
    here, there = json.loads(live), json.loads(latest)
    name: str = next(name for name, value in here.items() if name not in there or there[name] != value)
    return name


def events_of_nobody() -> Iterator[Fault]:
    """Yield history rows whose event does not exist."""
    tables = (model.history_model._meta.db_table for model in tracked_models())
    parts = (
        f"(SELECT '{table}', history_id FROM {table} h"
        " WHERE NOT EXISTS (SELECT FROM cases_ledgerevent e WHERE e.uid = h.event_id) ORDER BY history_id)"
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        for table, number in cursor.fetchall():
            yield None, 0, table, "event_id", f"History row {number} belongs to no event."
