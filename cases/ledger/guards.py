"""What PostgreSQL itself refuses: a tracked row that differs from its history, a change of anything append-only.

`EnableGuards` writes the SQL of each tracked model as fixed text when it is migrated; the system check below
compares what the database holds with the models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.db import connections, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState, StateApps
from django.utils.connection import ConnectionDoesNotExist

from cases.ledger.tracking import HISTORY_COLUMNS, Tracked

APPEND_ONLY = ("ledgerevent", "accessevent", "securityevent")

TRACKED_SQL = """
CREATE INDEX {history}_latest ON {history} ({pk}, history_id DESC);

CREATE FUNCTION {live}_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    row_id {live}.{pk}%TYPE := coalesce(NEW.{pk}, OLD.{pk});
    live jsonb;
    latest jsonb;
BEGIN
    SELECT to_jsonb(t) - '{{{untracked}}}'::text[] INTO live FROM {live} t WHERE t.{pk} = row_id;
    SELECT to_jsonb(h) INTO latest FROM {history} h WHERE h.{pk} = row_id ORDER BY h.history_id DESC LIMIT 1;
    IF (live IS NULL AND latest ->> 'history_type' = '-')
        OR (latest ->> 'history_type' <> '-' AND live = latest - '{{{history_columns}}}'::text[]) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '{live} %: the row differs from its history', row_id USING ERRCODE = 'check_violation';
END $$;

CREATE CONSTRAINT TRIGGER {live}_guard AFTER INSERT OR UPDATE OR DELETE ON {live}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {live}_guard();
CREATE TRIGGER {live}_no_truncate BEFORE TRUNCATE ON {live}
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
"""

TRACKED_REVERSE_SQL = """
DROP TRIGGER {live}_no_truncate ON {live};
DROP TRIGGER {live}_guard ON {live};
DROP FUNCTION {live}_guard();
DROP INDEX {history}_latest;
"""

APPEND_ONLY_SQL = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
"""

APPEND_ONLY_REVERSE_SQL = """
DROP TRIGGER {table}_no_truncate ON {table};
DROP TRIGGER {table}_append_only ON {table};
"""

Model = type[models.Model]


def _columns(model: Model) -> list[Any]:
    return [field.column for field in model._meta.concrete_fields]


def _names(live: Model, history: Model) -> dict[str, Any]:
    kept = set(_columns(history))
    return {
        "live": live._meta.db_table,
        "history": history._meta.db_table,
        "pk": live._meta.pk.column,
        "untracked": ",".join(column for column in _columns(live) if column not in kept),
        "history_columns": ",".join(HISTORY_COLUMNS),
    }


class EnableGuards(Operation):
    """Guard the named tracked models and their history; without names, every model that has history.

    The functions of the first ledger migration must exist.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, *names: str) -> None:
        self.names = names

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return (type(self).__qualname__, self.names, {})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing of the models."""

    def _tables(self, app_label: str, state_apps: StateApps) -> Iterator[dict[str, Any]]:
        known = {str(model._meta.model_name): model for model in state_apps.get_app_config(app_label).get_models()}
        names = self.names or tuple(sorted(name for name in known if f"historical{name}" in known))
        for name in names:
            yield _names(known[name], known[f"historical{name}"])

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for names in self._tables(app_label, to_state.apps):
            schema_editor.execute(TRACKED_SQL.format(**names), params=None)
            schema_editor.execute(APPEND_ONLY_SQL.format(table=names["history"]), params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for names in self._tables(app_label, to_state.apps):
            schema_editor.execute(APPEND_ONLY_REVERSE_SQL.format(table=names["history"]), params=None)
            schema_editor.execute(TRACKED_REVERSE_SQL.format(**names), params=None)

    def describe(self) -> str:
        return f"Guard {', '.join(self.names) or 'every tracked model'}"


def tracked_models() -> list[type[Tracked]]:
    """Return every concrete model that has history."""
    return [model for model in apps.get_models() if issubclass(model, Tracked)]


def expected_triggers() -> set[tuple[str, str]]:
    """Return (table, trigger) of every guard that must be there and enabled."""
    expected = {("cases_datakey", "cases_datakey_guard")}
    for model in tracked_models():
        live, history = model._meta.db_table, model.history_model._meta.db_table
        expected |= {(live, f"{live}_guard"), (history, f"{history}_append_only")}
    return expected | {(f"cases_{name}", f"cases_{name}_append_only") for name in APPEND_ONLY}


def missing_triggers(using: str = "default") -> list[tuple[str, str]]:
    """Return the guards that the database lacks or has switched off, sorted."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
        )
        present = set(cursor.fetchall())
    return sorted(expected_triggers() - present)


def guards_are_enabled(databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """Name each guard missing from a migrated database (`check --deploy --database default`)."""
    messages: list[CheckMessage] = []
    for using in databases or ():
        if not is_migrated(using):
            continue
        messages += [
            Error(f"The guard {trigger} on {table} is missing or disabled.", id="ledger.E001")
            for table, trigger in missing_triggers(using)
        ]
    return messages


def is_migrated(using: str) -> bool:
    """Say whether the ledger's tables are there."""
    try:
        return "cases_ledgerevent" in connections[using].introspection.table_names()
    except ConnectionDoesNotExist:
        return False
