"""The read log and the security log: what they take, what they refuse, where it is kept."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import connection

from cases.ledger import security
from cases.ledger.models import AccessEvent, SecurityEvent
from cases.ledger.reads import Reader, record_read
from tests.ledger.rows import ACTOR, AT, STREAM

pytestmark = pytest.mark.django_db


def _partition_of(event):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM cases_accessevent WHERE id = %s", [event.pk])
        return cursor.fetchone()[0]


def test_access_row_is_one_insert(django_assert_num_queries):
    reader = Reader(ACTOR, "list", "casework", (STREAM,), fields=("identity",), request_id="r1", break_glass=True)

    with django_assert_num_queries(1):
        event = record_read(reader, at=AT, result_count=50, fields=["surname"])

    kept = AccessEvent.objects.filter(streams__contains=[STREAM])
    assert kept.get() == event
    assert kept.values_list("fields", "request_id", "break_glass", "result_count").get() == (
        ["identity"],
        "r1",
        True,
        50,
    )


def test_access_rows_lie_in_the_partition_of_their_month_or_in_the_default_one():
    now = datetime.now(UTC)
    reader = Reader(ACTOR, "view", "casework")

    this_month = record_read(reader, at=now, result_count=1)
    long_ago = record_read(reader, at=datetime(2020, 5, 5, tzinfo=UTC), result_count=1)

    assert _partition_of(this_month) == f"cases_accessevent_{now:%Y%m}"
    assert _partition_of(long_ago) == "cases_accessevent_other"


def test_months_ahead_are_made_once():
    assert [_months_made(ahead) for ahead in (3, 5, 5)] == [0, 2, 0]


def _months_made(ahead):
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_access_months(%s)", [ahead])
        return cursor.fetchone()[0]


def test_security_note_takes_codes_and_ids():
    security.note("refusal", actor=ACTOR, at=AT, act="approve", case=UUID(int=1), state="draft", tries=2, final=False)

    assert SecurityEvent.objects.values_list("kind", "actor", "act", "at", "detail").get() == (
        "refusal",
        ACTOR,
        "approve",
        AT,
        {"case": str(UUID(int=1)), "state": "draft", "tries": 2, "final": False},
    )


@pytest.mark.parametrize("value", ["x" * 121, "two\nlines", b"bytes", {"a": 1}, 1.5], ids=repr)
def test_security_note_refuses_what_is_not_a_code(value):
    with pytest.raises(security.NotACode):
        security.note("refusal", actor=ACTOR, at=AT, value=value)

    assert SecurityEvent.objects.count() == 0
