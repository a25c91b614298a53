"""Prints how many disclosure requests came and what became of them, for the public: small counts are not shown."""

import csv
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases.disclosure import statistics


class Command(BaseCommand):
    help = "Print counts of disclosure requests as CSV, by kind of authority and request; small counts are not shown."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("since", type=date.fromisoformat, help="first day, such as 2026-01-01")
        parser.add_argument("until", type=date.fromisoformat, help="last day")

    def handle(self, *args: Any, since: date, until: date, **options: Any) -> None:
        if until < since:
            raise CommandError("The last day is before the first.")
        csv.writer(self.stdout, lineterminator="\n").writerows(statistics.table(statistics.count(since, until)))
