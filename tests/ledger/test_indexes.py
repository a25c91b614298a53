"""The indexes of every table: each is written with each row, so none may do what another does already."""

import pytest
from django.db import connection

REDUNDANT = """
SELECT short.indrelid::regclass::text, short.indexrelid::regclass::text, long.indexrelid::regclass::text
FROM pg_index short
JOIN pg_index long ON long.indrelid = short.indrelid AND long.indexrelid <> short.indexrelid
JOIN pg_class a ON a.oid = short.indexrelid JOIN pg_class b ON b.oid = long.indexrelid AND b.relam = a.relam
JOIN pg_class of ON of.oid = short.indrelid AND of.relname LIKE 'cases\\_%'
JOIN pg_am kind ON kind.oid = a.relam AND kind.amname = 'btree'
WHERE NOT short.indisunique AND short.indnkeyatts = 1 AND short.indkey[0] = long.indkey[0]
  AND short.indclass[0] = long.indclass[0] AND short.indoption[0] = long.indoption[0]
  AND num_nulls(short.indpred, long.indpred, short.indexprs, long.indexprs) = 4
ORDER BY 2
"""
# Made by Django with the tables of its own that we keep empty.
NOT_OURS = {"cases_user_groups", "cases_user_user_permissions"}


@pytest.mark.django_db
def test_no_index_is_the_beginning_of_another_one():
    with connection.cursor() as cursor:
        cursor.execute(REDUNDANT)
        found = [row for row in cursor.fetchall() if row[0] not in NOT_OURS]
    assert found == []


@pytest.mark.django_db
def test_such_an_index_is_found():
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX again ON cases_caseparty (case_id)")
        cursor.execute(REDUNDANT)
        assert "again" in {row[1] for row in cursor.fetchall()}
