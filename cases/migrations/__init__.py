"""Migrations of the one app."""

from collections.abc import Iterator

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from cases.ledger.guards import EnableGuards, RedrawGuards, draw_guards

# What changes tables without asking what another operation of these kinds has left behind.
TOGETHER = (
    migrations.AddConstraint,
    migrations.AddField,
    migrations.AddIndex,
    migrations.AlterField,
    migrations.CreateModel,
    migrations.RemoveConstraint,
)
CHANGES_COLUMNS = (migrations.AddField, migrations.RemoveField, migrations.RenameField)


class Migration(migrations.Migration):
    """Runs operations that do not build upon each other between the same two drawings of all models.

    Django draws the models anew for each of two hundred operations, which takes half a minute of CPU; the tables are
    the same. Every migration from 0003 on derives from this class.
    Guards compare the columns by name, so those of a table that gained or lost one are drawn anew at the end.
    """

    def apply(
        self, project_state: ProjectState, schema_editor: BaseDatabaseSchemaEditor, collect_sql: bool = False
    ) -> ProjectState:
        """Run the operations in their order."""
        state = project_state
        if collect_sql:
            state = super().apply(project_state, schema_editor, collect_sql)
        else:
            for run in _runs(self.operations):
                before, state = state, _after(state, run, self.app_label)
                for operation in run:
                    operation.database_forwards(self.app_label, schema_editor, before, state)
        self._redraw_guards(state, schema_editor)
        return state

    def unapply(
        self, project_state: ProjectState, schema_editor: BaseDatabaseSchemaEditor, collect_sql: bool = False
    ) -> ProjectState:
        """Undo the operations in the opposite order."""
        state = super().unapply(project_state, schema_editor, collect_sql)
        self._redraw_guards(state, schema_editor)
        return state

    def _redraw_guards(self, state: ProjectState, schema_editor: BaseDatabaseSchemaEditor) -> None:
        changed = {each.model_name_lower for each in self.operations if isinstance(each, CHANGES_COLUMNS)}
        if changed:
            live = sorted({name.removeprefix("historical") for name in changed})
            draw_guards(live, state.apps.get_app_config(self.app_label), schema_editor)


class FirstMigration(migrations.Migration):
    """Creates the tables of an empty database from the state its operations end in, then runs its SQL and guards."""

    def apply(
        self, project_state: ProjectState, schema_editor: BaseDatabaseSchemaEditor, collect_sql: bool = False
    ) -> ProjectState:
        """Create every managed model of the app; indexes, constraints and foreign keys come with it."""
        end = _after(project_state, self.operations, self.app_label)
        for model in end.apps.get_app_config(self.app_label).get_models():
            if model._meta.managed and not model._meta.proxy:
                schema_editor.create_model(model)
        for operation in self.operations:
            if not _changes_models(operation):
                operation.database_forwards(self.app_label, schema_editor, end, end)
        return end


def _after(state: ProjectState, operations: list[Operation], app_label: str) -> ProjectState:
    """Return the state that the operations lead to, its models not yet drawn. The given one stays as it is."""
    if not any(_changes_models(operation) for operation in operations):
        return state
    end = ProjectState({key: model.clone() for key, model in state.models.items()}, state.real_apps)
    for operation in operations:
        operation.state_forwards(app_label, end)
    return end


def _changes_models(operation: Operation) -> bool:
    """Say no for SQL and guards, which leave the models as they are."""
    return not isinstance(operation, EnableGuards | RedrawGuards) and getattr(operation, "state_operations", True) != []


def _runs(operations: list[Operation]) -> Iterator[list[Operation]]:
    """Cut around operations of other kinds, and before one that touches what this run has made or changed."""
    run: list[Operation] = []
    touched: set[tuple[str, str]] = set()
    for operation in operations:
        model, thing = _touches(operation)
        builds_upon = (model, "") in touched or (model, thing) in touched
        if run and (builds_upon or not isinstance(operation, TOGETHER) or not isinstance(run[-1], TOGETHER)):
            yield run
            run, touched = [], set()
        run.append(operation)
        touched.add((model, thing))
    if run:
        yield run


def _touches(operation: Operation) -> tuple[str, str]:
    """Return the model and the name of its field, index or constraint; of a new model, an empty name."""
    if isinstance(operation, migrations.CreateModel):
        return operation.name_lower, ""
    named = getattr(operation, "constraint", None) or getattr(operation, "index", None) or operation
    return getattr(operation, "model_name", "").lower(), getattr(named, "name", "")
