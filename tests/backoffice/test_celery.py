"""A worker goes on with its connection to the database as long as that is sound."""

import pytest
from celery.fixups.django import DjangoWorkerFixup
from celery.signals import task_prerun
from django.db import OperationalError, connection, connections

from backoffice.celery import app

pytestmark = pytest.mark.django_db(transaction=True)


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
    return pid


def between_tasks() -> None:
    """Do what Celery does after one task and before the next."""
    fixup = DjangoWorkerFixup(app)
    fixup.close_database()
    task_prerun.send(sender=None)
    fixup.close_database()


def test_the_next_task_has_the_connection_of_the_one_before() -> None:
    before = backend()

    between_tasks()

    assert backend() == before


def test_a_task_finds_no_connection_that_the_database_closed_while_nobody_worked() -> None:
    before = backend()
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [before])
    other.close()

    between_tasks()

    assert backend() != before


def test_after_a_task_that_lost_its_connection_the_next_has_another() -> None:
    before = backend()
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    between_tasks()

    assert backend() != before


def test_a_connection_that_is_old_enough_is_not_kept() -> None:
    before = backend()
    connection.close_at = 0.0

    between_tasks()

    assert backend() != before
