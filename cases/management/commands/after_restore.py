"""manage.py after_restore: keep what may have left since the backup from leaving twice."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from cases.agencies import restoring


class Command(BaseCommand):
    """For whoever restored a backup, before any worker is started."""

    help = (
        "After a restore: leave to people what waited and may have left since, and number files above those sent since."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Do it and say how much there was."""
        done = restoring.after_restore(now=timezone.now())
        self.stdout.write(f"{done.undecided} messages may have left since the backup: people decide ('dead_letters').")
        self.stdout.write(f"{done.streams} agencies get their next file under a number {restoring.SKIPPED} higher.")
