"""What is asked again and again is planned once for each connection, whatever the values are."""

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest
from django.db import connection
from psycopg.types.json import Jsonb

from cases.ledger.prepared import Statement

KINDS = [
    ("text", "a 100 % 'quoted' \\ text with %s and é"),
    ("text", ""),
    ("bigint", 2**40),
    ("smallint", 7),
    ("boolean", False),
    ("bytea", b"\x00\xff\\"),
    ("uuid", uuid.UUID("5f3c4a8e-4b1d-4a53-9f0e-2a7b1c9d0e11")),
    ("timestamptz", datetime(2026, 3, 29, 0, 59, 59, 999999, tzinfo=UTC)),
    ("date", date(2028, 2, 29)),
    ("numeric", Decimal("0.10")),
    ("bigint[]", [1, 2**40]),
    ("bigint[]", []),
    ("text[]", ["a,b", 'c"d', ""]),
    ("uuid[]", [uuid.UUID("5f3c4a8e-4b1d-4a53-9f0e-2a7b1c9d0e11")]),
    ("bytea[]", [b"\x00", b"'"]),
]


def _prepared(like):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE strpos(statement, %s) > 0", [like])
        return cursor.fetchone()[0]


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "value"), KINDS, ids=[f"{kind} {value!r}"[:30] for kind, value in KINDS])
def test_value_comes_back_as_it_was_given_and_so_does_none(kind, value):
    asked = Statement.of(f"SELECT %s::{kind}")

    assert asked.rows([value]) == [(value,)]
    assert asked.rows([None]) == [(None,)]


@pytest.mark.django_db
def test_json_is_given_as_json():
    assert Statement.of("SELECT %s::jsonb ->> 'a'").rows([Jsonb({"a": "b"})]) == [("b",)]


@pytest.mark.django_db
def test_statement_is_planned_once_for_values_of_every_size_and_for_none():
    asked = Statement.of("SELECT 'planned once', %s::bigint")
    for value in (1, 2**20, 2**40, None):
        asked.rows([value])

    assert _prepared("planned once") == 1


@pytest.mark.django_db
def test_behind_a_pooler_of_transactions_nothing_is_prepared():
    connection.ensure_connection()
    driver = connection.connection
    driver.prepare_threshold, before = None, driver.prepare_threshold
    try:
        assert Statement.of("SELECT 'never planned', %s::bigint").rows([7]) == [("never planned", 7)]
        assert _prepared("never planned") == 0
    finally:
        driver.prepare_threshold = before


@pytest.mark.django_db
def test_what_is_always_the_same_is_part_of_the_statement():
    asked = Statement("SELECT %s, %s::bigint, '100 %%'", ("it's 50 %", 0), (1,))

    assert asked.rows([3]) == [("it's 50 %", 3, "100 %")]
    assert Statement("SELECT %s, '100 %%'", ("it's 50 %",), ()).rows([]) == [("it's 50 %", "100 %")]


@pytest.mark.django_db
def test_error_is_the_one_that_django_raises(django_assert_num_queries):
    with pytest.raises(Exception, match="division by zero") as raised, django_assert_num_queries(1):
        Statement.of("SELECT 1 / %s::int").rows([0])

    assert isinstance(raised.value.__cause__, psycopg.errors.DivisionByZero)
