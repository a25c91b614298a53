"""The Celery application. Tasks are in `cases.tasks`; what is owed to an agency is a row, never a broker message."""

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")

app = Celery("backoffice")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_kwargs: Any) -> None:
    """Leave the loggers as the settings made them; Celery would put its own in their place."""
    logging.config.dictConfig(settings.LOGGING)


@worker_init.connect
def refuse_missing_keys(**_kwargs: Any) -> None:
    """Stop a worker that could open nothing, or what was erased before a restore. Raises KeyMissing, Behind."""
    from cases.ledger import checks, tombstones  # noqa: PLC0415 -- this module is imported before the apps are loaded

    checks.require_keys()
    tombstones.require()
