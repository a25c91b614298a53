"""The Celery application. Tasks are in `cases.tasks`; what is owed to an agency is a row, never a broker message."""

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_prerun, worker_init
from django.conf import settings
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")

app = Celery("backoffice")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_kwargs: Any) -> None:
    """Leave the loggers as the settings made them; Celery would put its own in their place."""
    logging.config.dictConfig(settings.LOGGING)


@task_prerun.connect
def keep_sound_connection(**_kwargs: Any) -> None:
    """Let a task go on with the connection of the one before it, for which the database has planned what is asked again
    and again: unless that one failed, or the connection is older than CONN_MAX_AGE or no longer answers. Celery itself
    would make a new one for each task."""
    for each in connections.all(initialized_only=True):
        each.close_if_unusable_or_obsolete()
        each.close_if_health_check_failed()


@worker_init.connect
def refuse_missing_keys(**_kwargs: Any) -> None:
    """Stop a worker that could open nothing, or what was erased before a restore. Raises KeyMissing, Behind."""
    from cases.ledger import checks, tombstones  # noqa: PLC0415 -- this module is imported before the apps are loaded

    checks.require_keys()
    tombstones.require()
    connections.close_all()  # what is forked off shall not share it
