"""Prints how many disclosure requests came and what became of them, for the public: no small count is to be had.

The first printing of a quarter is kept, and a later one prints the same."""

import csv
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cases.disclosure import statistics
from cases.kernel.timing import quarters


class Command(BaseCommand):
    help = "Print counts of a quarter's disclosure requests as CSV, by kind of authority and request; none below ten."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("quarter", help="a quarter that is over, such as 2026-q3")

    def handle(self, *args: Any, quarter: str, **options: Any) -> None:
        asked = quarters.of_code(quarter)
        if asked is None:
            raise CommandError("Name a quarter, such as 2026-q3.")
        try:
            lines = statistics.kept(asked, at=timezone.now())
        except statistics.QuarterNotOver as refusal:
            raise CommandError(str(refusal)) from refusal
        csv.writer(self.stdout, lineterminator="\n").writerows(lines)
