"""An empty database that is made in one step has what it gets step by step: tables, rules, functions, triggers."""

import os

import pytest
from django.db import connections, migrations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from cases.ledger.recording import current_event_uid

# What makes two databases the same to us; the order of columns does not: every statement names them.
LOOKS = (
    "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default, is_identity"
    " FROM information_schema.columns WHERE table_name LIKE 'cases\\_%'",
    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'cases\\_%'",
    # One is left out: it came before its column could be null, and refuses the same rows with fewer words.
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE conrelid::regclass::text LIKE 'cases\\_%' AND conname <> 'checker_is_not_maker'",
    "SELECT proname, prosrc, pg_get_function_arguments(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT app, name FROM django_migrations WHERE name NOT LIKE '%\\_squashed\\_%'",
)


@pytest.mark.skipif(not os.environ.get("BACKOFFICE_AT_LENGTH"), reason="takes a minute: part of `make soak`")
@pytest.mark.django_db(transaction=True)
def test_one_step_makes_what_all_steps_make() -> None:
    """Two empty databases of one server, one by the squashed migration and one by those it replaces."""
    ours = connections["default"]
    with ours.cursor() as cursor:
        cursor.execute("CREATE DATABASE step_by_step")
    name, ours.settings_dict["NAME"] = ours.settings_dict["NAME"], "step_by_step"
    ours.close()
    try:
        executor = MigrationExecutor(ours)
        executor.loader = MigrationLoader(ours, replace_migrations=False)
        executor.migrate([leaf for leaf in executor.loader.graph.leaf_nodes() if "_squashed_" not in leaf[1]])
        by_steps = _looks(ours)
    finally:
        ours.close()
        ours.settings_dict["NAME"] = name
        with ours.cursor() as cursor:
            cursor.execute("DROP DATABASE step_by_step")
    differing = [sorted(map(str, steps ^ once)) for steps, once in zip(by_steps, _looks(ours), strict=True)]
    assert not any(differing), differing


def _looks(connection) -> list[set[tuple[object, ...]]]:
    found = []
    with connection.cursor() as cursor:
        for look in LOOKS:
            cursor.execute(look)
            found.append(set(cursor.fetchall()))
    return found


def test_no_step_adds_the_event_of_a_history_row_by_itself() -> None:
    """Its default asks for the act that is going on, and a migration is none: it stands where its table is made."""
    steps = MigrationLoader(None, replace_migrations=False).disk_migrations.items()
    added = [
        (name, operation.model_name)
        for (app, name), step in steps
        if app == "cases" and "_squashed_" not in name
        for operation in step.operations
        if isinstance(operation, migrations.AddField) and operation.field.default is current_event_uid
    ]
    assert added == []
