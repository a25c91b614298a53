"""`manage.py policy`: who may do what, as the running code decides it."""

import csv
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cases.kernel import policy
from cases.kernel.policy import Rule

HEADER = ("kind", "act", "roles", "scope", "reason", "step_up")


def _row(rule: Rule) -> tuple[str, ...]:
    return (
        rule.kind,
        rule.act,
        " ".join(sorted(rule.roles)),
        rule.scope,
        "yes" if rule.needs_reason else "",
        "yes" if rule.is_grave else "",
    )


class Command(BaseCommand):
    """Print every row of the policy table. What has no row is denied."""

    help = "Print who may do what: one line for each right. What has no line is denied."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--csv", action="store_true", help="comma-separated values instead of aligned text")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [HEADER, *(_row(rule) for rule in policy.table())]
        if options["csv"]:
            csv.writer(self.stdout, lineterminator="\n").writerows(rows)
            return
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
        for row in rows:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
