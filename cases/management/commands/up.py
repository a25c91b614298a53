"""Start everything on this machine under one supervisor. `manage.py` runs it before Django; see backoffice.stack."""

from typing import Any

from django.core.management.base import BaseCommand

from backoffice import stack


class Command(BaseCommand):
    """The way in for whoever calls the command by name."""

    help = "Start database, broker, web, workers and sandbox agencies; Ctrl-C stops them."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run until told to stop."""
        stack.main([])
