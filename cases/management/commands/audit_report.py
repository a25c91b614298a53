"""manage.py audit_report REF -o FILE: print the audit report of a case, on record like any other."""

import argparse
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cases.kernel.models import Case
from cases.reports.requests import ReportRefused, print_now


class Command(BaseCommand):
    """Writes the file for its owner alone; it holds personal data in clear."""

    help = "Print the audit report of a case as PDF/A-3a."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("reference", help="reference of the case, for example FRD-2026-000017")
        parser.add_argument("-o", "--output", required=True, type=Path, help="file to write")

    def handle(self, *args: Any, reference: str, output: Path, **options: Any) -> None:
        case = Case.objects.filter(reference=reference).first()
        if case is None:
            raise CommandError(f"There is no case {reference}.")
        try:
            report, data = print_now(case, at=timezone.now())
        except ReportRefused as refused:
            raise CommandError(str(refused)) from None
        with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
        self.stdout.write(f"{output}: {report.pages} pages, event {report.head_seq}, SHA-256 {report.sha256}")
