"""What PostgreSQL itself refuses: a tracked row that differs from its history, a change of anything append-only.

`EnableGuards` writes the SQL of each tracked model as fixed text when it is migrated, and a migration that changes its
columns writes it anew; the system check below compares what the database holds with the models.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error
from django.db import connections, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils.connection import ConnectionDoesNotExist

from cases.ledger.tracking import HISTORY_COLUMNS, Tracked

APPEND_ONLY = ("ledgerevent", "accessevent", "securityevent", "ledgerleaf", "checkpoint")

# Compared column by column, a row costs a third of what it does when both become JSON. Each version of a row has a
# check of its own; only one that is past, or gone, needs the row itself to be read.
GUARD_SQL = """
CREATE OR REPLACE FUNCTION {live}_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    row_id {live}.{pk}%TYPE;
    is_as_written boolean;
BEGIN
    SELECT h.history_type <> '-' AND ({new_columns}) IS NOT DISTINCT FROM ({latest_columns}) INTO is_as_written
        FROM {history} h WHERE h.{pk} = NEW.{pk} ORDER BY h.history_id DESC LIMIT 1;
    IF is_as_written THEN
        RETURN NULL;
    END IF;
    row_id := coalesce(NEW.{pk}, OLD.{pk});
    SELECT CASE WHEN t.{pk} IS NULL THEN h.history_type = '-'
                ELSE h.history_type <> '-' AND ({live_columns}) IS NOT DISTINCT FROM ({latest_columns}) END
        INTO is_as_written
        FROM (SELECT * FROM {history} WHERE {pk} = row_id ORDER BY history_id DESC LIMIT 1) h
        LEFT JOIN {live} t ON t.{pk} = row_id;
    IF is_as_written THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '{live} %: the row differs from its history', row_id USING ERRCODE = 'check_violation';
END $$;
"""

TRACKED_SQL = """
CREATE INDEX {history}_latest ON {history} ({pk}, history_id DESC);
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
    kept = sorted(set(_columns(history)) - set(HISTORY_COLUMNS))
    return {
        "live": live._meta.db_table,
        "history": history._meta.db_table,
        "pk": live._meta.pk.column,
        "new_columns": ", ".join(f"NEW.{column}" for column in kept),
        "live_columns": ", ".join(f"t.{column}" for column in kept),
        "latest_columns": ", ".join(f"h.{column}" for column in kept),
    }


def draw_guards(names: Iterable[str], app: AppConfig, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Write the function that compares a row with its history anew, for each named model that has history."""
    known = {str(model._meta.model_name): model for model in app.get_models()}
    for name in names:
        if name in known and f"historical{name}" in known:
            drawn = GUARD_SQL.format(**_names(known[name], known[f"historical{name}"]))
            schema_editor.execute(drawn, params=None)


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

    def _tables(self, app: AppConfig) -> Iterator[dict[str, Any]]:
        known = {str(model._meta.model_name): model for model in app.get_models()}
        names = self.names or tuple(sorted(name for name in known if f"historical{name}" in known))
        for name in names:
            yield _names(known[name], known[f"historical{name}"])

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for names in self._tables(to_state.apps.get_app_config(app_label)):
            schema_editor.execute(GUARD_SQL.format(**names), params=None)
            schema_editor.execute(TRACKED_SQL.format(**names), params=None)
            schema_editor.execute(APPEND_ONLY_SQL.format(table=names["history"]), params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for names in self._tables(to_state.apps.get_app_config(app_label)):
            schema_editor.execute(APPEND_ONLY_REVERSE_SQL.format(table=names["history"]), params=None)
            schema_editor.execute(TRACKED_REVERSE_SQL.format(**names), params=None)

    def describe(self) -> str:
        return f"Guard {', '.join(self.names) or 'every tracked model'}"


class RedrawGuards(Operation):
    """Write the comparing function of every guard anew, as `GUARD_SQL` has it now. There is nothing to undo."""

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing of the models."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        app = to_state.apps.get_app_config(app_label)
        draw_guards([str(model._meta.model_name) for model in app.get_models()], app, schema_editor)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Leave the functions: they say what the former ones said."""

    def describe(self) -> str:
        return "Redraw every guard"


def tracked_models() -> list[type[Tracked]]:
    """Return every concrete model that has history."""
    return [model for model in apps.get_models() if issubclass(model, Tracked)]


def expected_triggers() -> set[tuple[str, str]]:
    """Return (table, trigger) of every guard that must be there and enabled."""
    expected = {("cases_datakey", "cases_datakey_guard"), ("cases_datakey", "cases_datakey_tombstone")}
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


def outdated_guards(using: str = "default") -> list[str]:
    """Return the live tables whose guard compares other columns than the model has, sorted."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
        present = dict(cursor.fetchall())
    outdated = []
    for model in tracked_models():
        names = _names(model, model.history_model)
        drawn = GUARD_SQL.format(**names).split("$$")[1]
        if present.get(f"{names['live']}_guard") != drawn:
            outdated.append(names["live"])
    return sorted(outdated)


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
        messages += [
            Error(f"The guard of {table} does not compare the columns it has now.", id="ledger.E009")
            for table in outdated_guards(using)
        ]
    return messages


def is_migrated(using: str) -> bool:
    """Say whether the ledger's tables are there."""
    try:
        return "cases_ledgerevent" in connections[using].introspection.table_names()
    except ConnectionDoesNotExist:
        return False
