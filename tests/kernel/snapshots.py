"""Everything a refusal must leave alone: the whole content of every table but the one that counts refusals."""

from contextlib import contextmanager

from django.db import connection, transaction

from cases.ledger.models import SecurityEvent

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


def snapshot(names=None, *, prepared=""):
    """Return a digest of the rows of each table. Whoever asks very often prepares the question first."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXECUTE {prepared}" if prepared else _digests(names or tables()))
        return dict(cursor.fetchall())


@contextmanager
def prepare(name):
    """Let the database plan the question for every table once, for as long as the block lasts."""
    with connection.cursor() as cursor:
        cursor.execute(f"PREPARE {name} AS {_digests(tables())}")
        try:
            yield
        finally:
            cursor.execute(f"DEALLOCATE {name}")


@contextmanager
def nothing_written(*, counted=0):
    """Assert that the block writes no row anywhere, but `counted` lines of the security log."""
    before, refusals = snapshot(), SecurityEvent.objects.count()
    yield
    after = snapshot()
    assert {name for name in before if before[name] != after[name]} == set()
    assert SecurityEvent.objects.count() - refusals == counted


@contextmanager
def undone():
    """Undo whatever the block wrote."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
