"""Migrations of the one app."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState


class FirstMigration(migrations.Migration):
    """Creates the tables of an empty database from the state its operations end in.

    Django renders the state anew after each of a hundred operations, which takes most of a minute; the tables are
    the same when they are made once, from the last state.
    """

    def apply(
        self, project_state: ProjectState, schema_editor: BaseDatabaseSchemaEditor, collect_sql: bool = False
    ) -> ProjectState:
        """Create every managed model of the app; indexes, constraints and foreign keys come with it."""
        end = project_state.clone()
        end.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(self.app_label, end)
        for model in end.apps.get_app_config(self.app_label).get_models():
            if model._meta.managed and not model._meta.proxy:
                schema_editor.create_model(model)
        return end
