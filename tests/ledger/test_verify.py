"""Any single changed, removed, reordered or inserted row of ledger, history or live table is found and named.

Exhaustive: every column of every such table of every tracked model, with the triggers switched off.
"""

import re
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from cases.ledger import api as ledger
from cases.ledger.chain import HASHED
from cases.ledger.guards import tracked_models
from cases.ledger.models import LedgerEvent, LedgerHead
from cases.ledger.sealing import new_key
from cases.ledger.verify import Finding, verify_all, verify_stream
from tests.ledger.rows import ACTOR, OTHER_STREAM, STREAM, changeable, saved

EVERY_MODEL = pytest.mark.parametrize("model", tracked_models(), ids=lambda model: model.__name__)
BOTH_ROWS = ("Case", "CaseParty")  # the first history row too, for which nothing but the event is a witness
EVENTS = "cases_ledgerevent"
HEADS = "cases_ledgerhead"

# How a value becomes another one of its type.
OTHER_VALUE = {
    "bigint": "coalesce({0}, 0) + 1000000",
    "integer": "coalesce({0}, 0) + 1000000",
    "smallint": "coalesce({0}, 0) + 7",
    "boolean": "NOT coalesce({0}, false)",
    "character varying": "CASE WHEN {0} = 'x' THEN 'y' ELSE 'x' END",
    "text": "coalesce({0}, '') || ' '",
    "timestamp with time zone": "coalesce({0}, '2020-01-01') + interval '1 microsecond'",
    "date": "coalesce({0}, '2020-01-01') + 1",
    "uuid": "'7d9f1c1e-1111-4222-8333-444455556666'",
    "bytea": "coalesce({0}, '') || '\\x00'",
    "jsonb": "'[\"changed\"]'",
    "ARRAY": "coalesce({0}, '{{}}') || 7::bigint",
}


_unguarded: set[str] = set()


@contextmanager
def unguarded(*tables):
    """Switch the triggers of tables off, once for many changes: after each such order everything is planned anew."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        _unguarded.update(tables)
        try:
            yield
        finally:
            _unguarded.difference_update(tables)
        transaction.set_rollback(True)


@contextmanager
def tampered(sql, *params):
    """Do to the database what no application may, with the triggers of the tables off; undo it afterwards."""
    tables = set(re.findall(r"(?:UPDATE|DELETE FROM|INSERT INTO) (cases_\w+)", sql)) - _unguarded
    with unguarded(*tables) if tables else nullcontext(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            assert cursor.rowcount > 0
        yield
        transaction.set_rollback(True)


def settle():
    """Run the deferred guards now, so that none is due when a table is altered."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def columns(table):
    """Return (name, type) of each stored column that can be written at all."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
            [table],
        )
        return cursor.fetchall()


def change(table, column, kind, condition):
    quoted = f'"{column}"'
    return f"UPDATE {table} SET {quoted} = {OTHER_VALUE[kind].format(quoted)} WHERE {condition}"


def first_wrong(findings):
    """Return where the first finding points."""
    assert findings, "the change was not found"
    return findings[0].stream, findings[0].sequence, findings[0].table, findings[0].column


@pytest.fixture
def now(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() - interval '1 minute'")
        return cursor.fetchone()[0]


@pytest.fixture
def streams(now):
    """Two streams, of five and three events, each about one row that it opens and changes."""
    model = next(model for model in tracked_models() if model.__name__ == "Party")
    key = new_key("case", at=now)
    for stream, length in ((STREAM, 5), (OTHER_STREAM, 3)):
        with ledger.action(stream, "party.opened", actor=ACTOR, at=now, reason="Opened by post.", key=key):
            row = saved(model)
        for number in range(2, length + 1):
            row.kind = f"kind-{number}"
            with ledger.action(stream, "party.changed", actor=ACTOR, at=now, reason=f"Reason {number}", key=key):
                row.save()
    assert verify_all() == []
    settle()
    return STREAM, OTHER_STREAM


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_changed_event_column_is_found_and_named(streams, seq):
    for column, kind in columns(EVENTS):
        condition = f"stream = '{STREAM}' AND seq = {seq}"
        with tampered(change(EVENTS, column, kind, condition)):
            for findings in (verify_all(), verify_stream(STREAM)):
                if column in ("stream", "seq"):  # the event is gone from its place
                    assert (STREAM, seq, EVENTS, "seq") in {place(finding) for finding in findings}
                else:
                    _assert_event_column_named(findings, seq, column)


def place(finding):
    return finding.stream, finding.sequence, finding.table, finding.column


def _assert_event_column_named(findings, seq, column):
    stream, sequence, _, _ = first_wrong(findings)
    assert (stream, sequence) == (STREAM, seq)
    named = {finding.column for finding in findings if finding.table == EVENTS and finding.sequence == seq}
    assert named == {HASHED} if column in HASHED.split("|") else column in named


def test_columns_of_the_event_that_cannot_be_written_are_derived_from_the_body(streams):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_generated = 'ALWAYS'",
            [EVENTS],
        )
        assert {name for (name,) in cursor.fetchall()} == {"actor", "action"}


@pytest.mark.parametrize("column", ["seq", "hash", "stream"])
def test_changed_head_is_found_and_named(streams, column):
    kind = dict(columns(HEADS))[column]
    with tampered(change(HEADS, column, kind, f"stream = '{STREAM}'")):
        assert first_wrong(verify_stream(STREAM)) == (STREAM, 5, HEADS, column)
        assert (STREAM, 5, HEADS, column) in {place(finding) for finding in verify_all()}


def test_every_column_of_the_head_was_tried():
    assert {name for name, _ in LedgerHead._meta.fields_map.items()} == set()
    assert [field.name for field in LedgerHead._meta.fields] == ["stream", "seq", "hash"]


@pytest.mark.parametrize("seq", [1, 2, 5])
def test_removed_event_is_found_and_named(streams, seq):
    with tampered(f"DELETE FROM {EVENTS} WHERE stream = '{STREAM}' AND seq = {seq}"):
        assert first_wrong(verify_stream(STREAM)) == (STREAM, seq, EVENTS, "seq")
        assert (STREAM, seq, EVENTS, "seq") in {place(finding) for finding in verify_all()}


def test_removed_last_event_with_its_head_turned_back_is_found(streams):
    sql = (
        f"WITH gone AS (DELETE FROM {EVENTS} WHERE stream = '{STREAM}' AND seq = 5 RETURNING prev)"
        f" UPDATE {HEADS} SET seq = 4, hash = (SELECT prev FROM gone) WHERE stream = '{STREAM}'"
    )
    with tampered(sql):
        assert "cases_historicalparty" in {finding.table for finding in verify_all()}


@pytest.mark.parametrize(("one", "two"), [(1, 2), (2, 4), (4, 5)])
def test_reordered_events_are_found_and_named(streams, one, two):
    swap = (
        f"UPDATE {EVENTS} SET seq = CASE seq WHEN {one} THEN -{two} ELSE -{one} END"
        f" WHERE stream = '{STREAM}' AND seq IN ({one}, {two})"
    )
    with tampered(swap), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {EVENTS} SET seq = -seq WHERE seq < 0")

        assert first_wrong(verify_stream(STREAM)) == (STREAM, one, EVENTS, "seq")


def test_events_exchanged_between_streams_are_found(streams):
    swap = (
        f"UPDATE {EVENTS} SET stream = CASE stream WHEN '{STREAM}' THEN '{OTHER_STREAM}'::uuid"
        f" ELSE '{STREAM}'::uuid END WHERE seq = 2"
    )
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE cases_ledgerevent DROP CONSTRAINT ledgerevent_stream_seq")
    with tampered(swap):
        for stream in streams:
            assert first_wrong(verify_stream(stream))[:3] == (stream, 2, EVENTS)


@pytest.mark.parametrize("seq", [6, 9])
def test_inserted_event_is_found_and_named(streams, seq):
    sql = (
        f"INSERT INTO {EVENTS} (uid, stream, seq, at, recorded_at, body, prev, hash)"
        f" SELECT '{uuid4()}', stream, {seq}, at, recorded_at, body, hash, hash FROM {EVENTS}"
        f" WHERE stream = '{STREAM}' AND seq = 5"
    )
    with tampered(sql):
        assert first_wrong(verify_stream(STREAM)) == (STREAM, 6, EVENTS, "seq")


def test_stream_without_head_and_head_without_stream_are_found(streams):
    with tampered(f"DELETE FROM {HEADS} WHERE stream = '{STREAM}'"):
        assert first_wrong(verify_stream(STREAM)) == (STREAM, 5, HEADS, "stream")
    lonely = UUID("00000000-0000-4000-8000-000000000001")
    with tampered(f"INSERT INTO {HEADS} VALUES ('{lonely}', 3, '\\x00')"):
        assert first_wrong(verify_all()) == (lonely, 1, EVENTS, "seq")


@pytest.fixture
def story(now, request):
    """One row of a model: created (event 1), changed (event 2) and, where it may, deleted (event 3)."""
    model = request.getfixturevalue("model")
    with ledger.action(OTHER_STREAM, "fixture.made", actor=ACTOR, at=now):
        spare = saved(model)
        name, value = changeable(spare)
        spare.delete()
        row = saved(model)
        changed = changeable(row)
    with ledger.action(STREAM, "row.changed", actor=ACTOR, at=now):
        setattr(row, *changed)
        row.save()
    assert verify_stream(STREAM) == verify_stream(OTHER_STREAM) == []
    settle()
    return row


@pytest.mark.django_db
@EVERY_MODEL
def test_whatever_is_done_to_rows_of_a_model_is_found_and_named(model, story):
    """Each change is undone at once, so one story is enough for all of them."""
    _assert_history_columns_are_named(model, story)
    _assert_live_columns_are_named(model, story)
    _assert_removed_and_inserted_rows_are_named(model, story)


def _assert_history_columns_are_named(model, story):
    table = model.history.model._meta.db_table
    first, last = model.history.filter(uid=story.uid).order_by("history_id")
    rows = ((first, OTHER_STREAM), (last, STREAM)) if model.__name__ in BOTH_ROWS else ((last, STREAM),)
    for row, stream in rows:
        with unguarded(table):
            for column, kind in columns(table):
                condition = f"history_id = {row.history_id}"
                with tampered(change(table, column, kind, condition)):
                    assert (stream, 1, table, column) in {place(finding) for finding in verify_stream(stream)}, column
                    if column == "event_id" and row == last:
                        assert (None, 0, table, column) in {place(finding) for finding in verify_all()}


def _assert_live_columns_are_named(model, story):
    table, pk = model._meta.db_table, model._meta.pk.column
    untracked = {model._meta.get_field(name).column for name in model.untracked}
    tried = 0
    with unguarded(table):
        for column, kind in columns(table):
            try:
                with tampered(change(table, column, kind, f"{pk} = {story.pk}")):
                    tried += 1
                    found = {place(finding) for finding in verify_stream(STREAM)}
                    assert column in untracked or (STREAM, 1, table, column) in found, column
            except DatabaseError:
                continue  # a check constraint, which no role switches off, refuses this value
    assert tried >= len(columns(table)) - 4


def _assert_removed_and_inserted_rows_are_named(model, story):
    live, pk, history = model._meta.db_table, model._meta.pk.column, model.history.model._meta.db_table
    last = model.history.filter(uid=story.uid).latest("history_id").history_id
    others = [f'"{name}"' for name, _ in columns(history) if name != "history_id"]
    copy = f"INSERT INTO {history} (history_id, {', '.join(others)}) SELECT 999999, {', '.join(others)} FROM {history}"

    with tampered(f"DELETE FROM {history} WHERE history_id = {last}"):
        assert (STREAM, 1, history, "history_id") in {place(finding) for finding in verify_stream(STREAM)}
    with tampered(f"{copy} WHERE history_id = {last}"):
        assert (STREAM, 1, history, "history_id") in {place(finding) for finding in verify_stream(STREAM)}
    with tampered(f"DELETE FROM {live} WHERE {pk} = {story.pk}"):
        assert (STREAM, 1, live, pk) in {place(finding) for finding in verify_stream(STREAM)}


@pytest.mark.django_db
def test_live_row_without_any_history_is_found(streams):
    with tampered("INSERT INTO cases_party (id, uid, kind) VALUES (999, gen_random_uuid(), 'person')"):
        assert first_wrong(verify_all()) == (None, 0, "cases_party", "id")


@pytest.mark.django_db
def test_exchanged_history_rows_are_found(streams):
    rows = LedgerEvent.objects.filter(stream=STREAM).order_by("seq").values_list("uid", flat=True)
    two, three = rows[1], rows[2]
    swap = (
        f"UPDATE cases_historicalparty SET event_id = CASE event_id WHEN '{two}' THEN '{three}'::uuid"
        f" ELSE '{two}'::uuid END WHERE event_id IN ('{two}', '{three}')"
    )
    with tampered(swap):
        assert first_wrong(verify_stream(STREAM))[:3] == (STREAM, 2, "cases_historicalparty")


@pytest.mark.django_db
def test_act_dated_after_its_recording_is_a_finding_and_late_recording_is_not(now):
    with ledger.action(STREAM, "party.opened", actor=ACTOR, at=now + timedelta(hours=2)):
        pass
    with ledger.action(OTHER_STREAM, "party.opened", actor=ACTOR, at=now - timedelta(hours=2)):
        pass

    future, late = verify_all()

    assert place(future) == (STREAM, 1, EVENTS, "at") and future.level == "wrong"
    assert place(late) == (OTHER_STREAM, 1, EVENTS, "recorded_at") and late.level == "recorded late"


@pytest.mark.django_db
@pytest.mark.parametrize(("ahead", "findings"), [(0.2, 0), (4, 0), (60, 1)])
def test_a_clock_a_little_ahead_of_the_database_s_makes_no_act_wrong(now, ahead, findings):
    with ledger.action(STREAM, "party.opened", actor=ACTOR, at=now + timedelta(minutes=1, seconds=ahead)):
        pass

    assert [each.level for each in verify_stream(STREAM)] == ["wrong"] * findings


@pytest.mark.django_db
def test_demonstration_event_is_a_finding_only_outside_demo_mode(now):
    with ledger.action(STREAM, "party.opened", actor=ACTOR, at=now - timedelta(days=60), source="demo"):
        pass

    assert verify_stream(STREAM, is_demo=True) == []
    assert [place(finding) for finding in verify_stream(STREAM)] == [(STREAM, 1, EVENTS, "body")]


def test_finding_reads_as_one_line():
    finding = Finding(STREAM, 4, EVENTS, "prev", "The hash before this event was changed.")

    assert str(finding) == (
        f"wrong: stream {STREAM} sequence 4 cases_ledgerevent.prev: The hash before this event was changed."
    )
