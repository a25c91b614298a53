"""Print the record of processing (UK GDPR Art 30), generated from the privacy notice as it stands."""

import csv as tables
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from cases.kernel import calendars
from cases.kernel.outputs import processing


class Command(BaseCommand):
    """A table on standard output, or one activity after another to read."""

    help = "Print the record of processing: purposes, categories, recipients, transfers, retention, security."

    def add_arguments(self, parser: Any) -> None:
        """`--csv` prints a table for other programs."""
        parser.add_argument("--csv", action="store_true", help="as comma-separated values")

    def handle(self, *_args: Any, csv: bool, **_options: Any) -> None:
        """Print it."""
        lines = processing.record(day=calendars.london_date(timezone.now()))
        if csv:
            self._table(lines)
            return
        for cells in processing.rows(lines):
            for name, value in zip(processing.headings(), cells, strict=True):
                self.stdout.write(f"{name}: {value}")
            self.stdout.write("")

    def _table(self, lines: list[processing.Line]) -> None:
        tables.writer(self.stdout).writerows(processing.table(lines))
