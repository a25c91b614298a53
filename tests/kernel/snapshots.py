"""Everything a refusal must leave alone: the whole content of every table but the one that counts refusals."""

from contextlib import contextmanager
from functools import cache

import pytest
from django.db import connection, transaction

from cases.kernel import transitions
from cases.kernel.errors import CaseError
from cases.ledger.models import SecurityEvent
from cases.ledger.prepared import Statement
from tests import keptstories
from tests.factories import AT

NOT_COMPARED = {"cases_securityevent"}


def tables():
    """Return the names of all our tables, partitions left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace AND relname LIKE 'cases\\_%' ORDER BY relname"
        )
        return [name for (name,) in cursor.fetchall() if name not in NOT_COMPARED]


def _digests(names):
    return " UNION ALL ".join(
        f"SELECT '{name}', coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM {name} t" for name in names
    )


def snapshot(names=None):
    """Return a digest of the rows of each table, or of those named."""
    with connection.cursor() as cursor:
        if names:
            cursor.execute(_digests(names))
            return dict(cursor.fetchall())
    return dict(_everything().rows([]))


@cache
def _everything():
    """Return what asks for every table: the database plans that longer than it answers it, so it is planned once."""
    return Statement.of(_digests(tables()).replace("%", "%%"))


# Digests of the kept office and where kept stories end: their rows are the same in every test.
_OF_PLACES = {}


def _written():
    """Return how many rows were inserted, changed or deleted in this transaction so far, also if that was rolled back
    since; None in a test that commits, of which this says nothing."""
    if not (connection.in_atomic_block and connection.atomic_blocks[0]._from_testcase):
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)"
            " + pg_stat_get_xact_tuples_deleted(oid)) FROM kept.tables WHERE name LIKE 'cases\\_%%'"
            " AND name <> ALL(%s)",
            [list(NOT_COMPARED)],
        )
        return cursor.fetchone()[0]


def _digest_here():
    """Return a digest of the rows of each table, which is taken once for all tests that stand at a kept story's end."""
    path = keptstories.where()
    if path is None:
        return snapshot()
    if path not in _OF_PLACES:
        _OF_PLACES[path] = snapshot()
    return _OF_PLACES[path]


@contextmanager
def nothing_written(*, counted=0):
    """Assert that the block writes no row anywhere, but `counted` lines of the security log.

    Where the database counted no row that was written, not even one that was rolled back, nothing else is asked.
    """
    before, written, refusals = _digest_here(), _written(), SecurityEvent.objects.count()
    yield
    if written is None or written != _written():
        after = snapshot()
        assert {name for name in before if before[name] != after[name]} == set()
    assert SecurityEvent.objects.count() - refusals == counted


@contextmanager
def undone():
    """Undo whatever the block wrote."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def refusal(case, name, actor, at=AT, reason="Tried.", **inputs):
    """Return why a move is refused, once it was seen that nothing is written but that it was."""
    with nothing_written(counted=1), pytest.raises(CaseError) as refused:
        transitions.apply(case.pk, name, actor=actor, at=at, reason=reason, inputs=inputs)
    return str(refused.value)
