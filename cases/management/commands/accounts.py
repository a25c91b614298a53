"""manage.py accounts FILE --as NAME: take a file of accounts in. manage.py accounts --measure N: how fast, how much."""

import argparse
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cases.accounts import reading, uploads
from cases.kernel import actors
from cases.kernel.background import jobrun
from cases.kernel.errors import NotAllowed
from cases.kernel.models import User

PIECE = 64 * 1024
FORENAMES = ("Ada", "Bryn", "Cerys", "Dev", "Eilidh", "Farah", "Gethin")
SURNAMES = ("Oyelaran", "Marchbanks", "Strake", "Snape", "Penhale", "Thackray")


class Command(BaseCommand):
    """Queues the file as a job and does it here, part by part; a worker that is running may help."""

    help = "Take a file of accounts (CSV) in for somebody of collections, and list the rows that were not taken."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path)
        parser.add_argument("--as", dest="username", default="", help="who brings the file")
        parser.add_argument("--measure", type=int, default=0, help="make so many fictional rows (demo mode only)")

    def handle(self, *_args: Any, file: Path | None, username: str, measure: int, **_options: Any) -> None:
        if measure and not settings.DEMO:
            raise CommandError("Fictional accounts are made in demo mode only.")
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError("Name who brings the file with --as.")
        if measure:
            began = time.monotonic()
            lines = self._take(fictional(measure), actors.staff(user, source="demo"))
            seconds, peak = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            self.stdout.write(f"{seconds:.1f} s, {lines / seconds:.0f} rows/s, peak {peak} MB")
        elif file is not None and file.is_file():
            self._take(_pieces(file), actors.staff(user))
        else:
            raise CommandError("Name a file of accounts.")

    def _take(self, pieces: Iterator[bytes], actor: actors.Actor) -> int:
        """Take a file in and say what became of its rows. Returns how many there are."""
        try:
            upload, job, is_new = uploads.take(pieces, actor=actor, at=timezone.now())
        except uploads.FileUnreadable as refusal:
            raise CommandError(str(refusal)) from None
        except NotAllowed:
            raise CommandError("Only collections brings accounts.") from None
        while not job.is_over:
            jobrun.work(clock=timezone.now)
            job.refresh_from_db()
        upload.refresh_from_db()
        for line, column, why in uploads.faults(upload):
            self.stdout.write(f"line {line} {column}: {why}")
        counts = f"{upload.added} new, {upload.changed} changed, {upload.unchanged} as before, {upload.refused} refused"
        self.stdout.write(f"{upload.lines} rows: {counts}" + ("" if is_new else "; the file came before"))
        return upload.lines


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece


def fictional(count: int) -> Iterator[bytes]:
    """Yield a CSV file of so many fictional accounts, a hundred lines at a time."""
    columns = list(reading.EXAMPLE)
    yield (",".join(columns) + "\n").encode()
    lines = []
    for number in range(count):
        lines.append(",".join(_row(number)[name] for name in columns))
        if len(lines) == 100 or number == count - 1:
            yield ("\n".join(lines) + "\n").encode()
            lines = []


def _row(number: int) -> dict[str, str]:
    pence = str(2000 + number % 90000)
    return reading.EXAMPLE | {
        "account": f"90{number:08d}",
        "jurisdiction": ("eaw", "eaw", "eaw", "sct", "nir")[number % 5],
        "as_of": "2026-03-01",
        "balance_pence": pence,
        "final_bill_date": "2026-01-31",
        "oldest_unpaid_date": "2025-11-30",
        "default_date": "2026-02-20",
        "default_pence": pence,
        "holder_1_forename": FORENAMES[number % 7],
        "holder_1_surname": f"{SURNAMES[number % 6]}-{SURNAMES[number % 5]}",
        "holder_1_date_of_birth": f"{1950 + number % 50}-{1 + number % 12:02d}-{1 + number % 28:02d}",
        "holder_1_line_1": f"{number} Example Terrace",
        "holder_1_phone": f"07700 900{number % 1000:03d}",
        "holder_1_email": f"holder{number}@example.org",
    }
