"""Every ORM write path on every tracked model leaves history and an event, or PostgreSQL refuses it."""

import re
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.core.checks.registry import registry
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from cases.kernel.models import Party
from cases.ledger import api as ledger
from cases.ledger.guards import (
    expected_triggers,
    guards_are_enabled,
    missing_triggers,
    outdated_guards,
    tracked_models,
)
from cases.ledger.models import AccessEvent, LedgerEvent, SecurityEvent
from cases.ledger.verify import verify_stream
from tests.ledger.rows import ACTOR, AT, STREAM, changeable, fresh, saved

EVERY_MODEL = pytest.mark.parametrize("model", tracked_models(), ids=lambda model: model.__name__)

REFUSED = "refused"
KEPT = "kept"


@contextmanager
def committed():
    """Run the deferred guards now, as a commit would, and roll back if they refuse."""
    with transaction.atomic():
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def act():
    return ledger.action(STREAM, "row.changed", actor=ACTOR, at=AT)


def save(row, name, value):
    setattr(row, name, value)
    row.save()


def save_of_one_field(row, name, value):
    setattr(row, name, value)
    row.save(update_fields=[name])


def save_with_another_dirty_field(row, name, value):
    setattr(row, name, value)
    row.save(update_fields=["uid"])


def queryset_update(row, name, value):
    type(row)._default_manager.filter(pk=row.pk).update(**{name: value})


def save_then_queryset_update(row, name, value):
    row.save()
    queryset_update(row, name, value)


def bulk_update(row, name, value):
    setattr(row, name, value)
    type(row)._default_manager.bulk_update([row], [name])


def bulk_update_with_their_history(row, name, value):
    setattr(row, name, value)
    bulk_update_with_history([row], type(row), [name])


def bulk_update_of_a_stale_row(row, name, value):
    setattr(row, name, value)
    bulk_update_with_history([row], type(row), ["uid"])


def bulk_update_of_ours(row, name, value):
    setattr(row, name, value)
    ledger.bulk_update(type(row), [row], [name])


def bulk_create(row, name, value):
    type(row)._default_manager.bulk_create([fresh(type(row))])


def bulk_create_with_their_history(row, name, value):
    bulk_create_with_history([fresh(type(row))], type(row))


def bulk_create_of_ours(row, name, value):
    ledger.bulk_create(type(row), [fresh(type(row))])


def save_without_history(row, name, value):
    setattr(row, name, value)
    row.save_without_historical_record()


def raw_sql(row, name, value):
    with connection.cursor() as cursor:
        pk = row._meta.pk.column
        cursor.execute(f"UPDATE {row._meta.db_table} SET uid = gen_random_uuid() WHERE {pk} = %s", [row.pk])


def raw_sql_delete(row, name, value):
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {row._meta.db_table} WHERE {row._meta.pk.column} = %s", [row.pk])


def raw_save(row, name, value):
    setattr(row, name, value)
    row.save_base(raw=True)


def delete(row, name, value):
    row.delete()


def queryset_delete(row, name, value):
    type(row)._default_manager.filter(pk=row.pk).delete()


def raw_delete(row, name, value):
    type(row)._default_manager.filter(pk=row.pk)._raw_delete("default")


def expression(row, name, value):
    setattr(row, name, models.F(name))
    row.save()


def history_update(row, name, value):
    type(row).history.filter(uid=row.uid).update(history_type="+")


def history_delete(row, name, value):
    type(row).history.filter(uid=row.uid).delete()


WAYS = {
    save: KEPT,
    save_of_one_field: KEPT,
    save_with_another_dirty_field: REFUSED,
    queryset_update: REFUSED,
    save_then_queryset_update: REFUSED,
    bulk_update: REFUSED,
    bulk_update_with_their_history: KEPT,
    bulk_update_of_a_stale_row: REFUSED,
    bulk_update_of_ours: KEPT,
    bulk_create: REFUSED,
    bulk_create_with_their_history: KEPT,
    bulk_create_of_ours: KEPT,
    save_without_history: REFUSED,
    raw_sql: REFUSED,
    raw_sql_delete: REFUSED,
    raw_save: REFUSED,
    delete: KEPT,
    queryset_delete: KEPT,
    raw_delete: REFUSED,
    expression: REFUSED,
    history_update: REFUSED,
    history_delete: REFUSED,
}


@pytest.mark.django_db
@EVERY_MODEL
def test_every_write_path_leaves_history_and_event_or_is_refused(model):
    with act():
        row = saved(model)
        name, value = changeable(row)

    for way, outcome in WAYS.items():
        with transaction.atomic():
            _assert_outcome(model._default_manager.get(pk=row.pk), name, value, way=way, outcome=outcome)
            transaction.set_rollback(True)


def _assert_outcome(row, name, value, *, way, outcome):
    model = type(row)
    before = _counts(model)
    if outcome == REFUSED:
        with pytest.raises((DatabaseError, ledger.LedgerError)), committed(), act():
            way(row, name, value)
        assert _counts(model) == before, way.__name__
        return
    with committed(), act():
        way(row, name, value)
    history, events, _ = _counts(model)
    assert (history, events) == (before[0] + 1, before[1] + 1), way.__name__
    assert [finding for finding in verify_stream(STREAM) if finding.level == "wrong"] == [], way.__name__


def _counts(model):
    """Return the number of history rows, events and live rows."""
    return model.history_model._default_manager.count(), LedgerEvent.objects.count(), model._default_manager.count()


@pytest.mark.django_db
@EVERY_MODEL
def test_write_outside_an_action_is_refused_at_once(model):
    with act():
        row = fresh(model)
    before = model._default_manager.count()

    with pytest.raises(ledger.NoAction), transaction.atomic():
        row.save()

    assert model._default_manager.count() == before


@pytest.mark.django_db(transaction=True)
def test_autocommit_save_is_refused_before_history_is_missed():
    model = next(model for model in tracked_models() if model.__name__ == "Party")

    with pytest.raises(ledger.NoAction):
        fresh(model).save()

    assert model._default_manager.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("model", [LedgerEvent, AccessEvent, SecurityEvent], ids=lambda model: model.__name__)
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_append_only_table_refuses_change(model, statement, truncation_refused):
    with act():
        LedgerEvent.objects.count()
    AccessEvent.objects.create(at=AT, actor=ACTOR, verb="view", purpose="casework", result_count=1)
    SecurityEvent.objects.create(at=AT, actor=ACTOR, kind="refusal")
    before = model.objects.count()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(model._meta.db_table))

    assert model.objects.count() == before > 0


@pytest.fixture
def truncation_refused(db):
    """Switch the truncation guards on again, which the suite's own flush needs off."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('ALTER TABLE %s ENABLE TRIGGER %I', tgrelid::regclass, tgname) "
            "FROM pg_trigger WHERE tgname LIKE '%\\_no\\_truncate' AND tgparentid = 0"
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)


@pytest.mark.django_db
@EVERY_MODEL
def test_live_and_history_table_refuse_truncation(model, truncation_refused):
    for table in (model._meta.db_table, model.history.model._meta.db_table):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {table} CASCADE")


@pytest.mark.django_db
def test_every_tracked_model_has_its_guard():
    assert len(tracked_models()) >= 20
    assert missing_triggers() == []
    assert guards_are_enabled(["default"]) == []
    assert guards_are_enabled in registry.deployment_checks


@pytest.mark.django_db
def test_check_names_a_guard_that_is_switched_off():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE cases_party DISABLE TRIGGER cases_party_guard")

    messages = guards_are_enabled(["default"])

    assert [message.msg for message in messages] == [
        "The guard cases_party_guard on cases_party is missing or disabled."
    ]
    assert ("cases_party", "cases_party_guard") in expected_triggers()


@pytest.mark.django_db
def test_check_names_a_guard_that_does_not_know_a_column():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('cases_note_guard'::regproc)")
        (drawn,) = cursor.fetchone()
        cursor.execute(re.sub(r"(t|h|NEW)\.case_id, ", "", drawn))

    assert outdated_guards() == ["cases_note"]
    assert [message.msg for message in guards_are_enabled(["default"])] == [
        "The guard of cases_note does not compare the columns it has now."
    ]


@pytest.mark.django_db
def test_row_saved_and_then_deleted_behind_the_ledgers_back_is_refused():
    with act():
        row = saved(Party)
    with pytest.raises(IntegrityError, match="differs from its history"), committed():
        with act():
            row.save()
        Party.objects.filter(pk=row.pk)._raw_delete("default")


@pytest.mark.django_db
def test_event_whose_body_begins_otherwise_is_refused():
    with pytest.raises(IntegrityError, match="begins with action, actor and at"), connection.cursor() as cursor:
        body = '{"about":"x","action":"a","actor":"b","at":"2026-01-01T00:00:00Z"}'
        cursor.execute("SELECT ledger_append(%s, %s, %s, NULL)", [STREAM, uuid4(), body])


@pytest.mark.django_db
@EVERY_MODEL
def test_latest_history_row_is_found_by_index(model):
    table = model.history.model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = %s AND indexname = %s", [table, f"{table}_latest"]
        )
        (definition,) = cursor.fetchone()

    assert definition.endswith(f"({model._meta.pk.column}, history_id DESC)")
