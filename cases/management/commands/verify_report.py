"""manage.py verify_report FILE...: whether a report that came back is one that this office made, and still true."""

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from cases.kernel.models import AuditReport
from cases.ledger import offline
from cases.ledger.models import Checkpoint, LedgerEvent
from cases.ledger.offline import Finding, NotAReport

MARKS = {True: "holds", False: "FAILS", None: "unknown"}


class Command(BaseCommand):
    """Opens nothing: hashes and numbers are compared. Who has no office verifies with cases/ledger/offline.py alone."""

    help = "Compare reports, each a PDF or the ledger.json attached to one, with what this office has on record."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Which files."""
        parser.add_argument("files", nargs="+", type=Path)

    def handle(self, *_args: Any, files: list[Path], **_options: Any) -> None:
        """Say of each what holds; the command fails where anything does not."""
        wrong = 0
        for path in files:
            self.stdout.write(str(path))
            try:
                for each in _findings(path.read_bytes()):
                    self.stdout.write(f"  {MARKS[each.is_so]:8}{each.text}")
                    wrong += each.is_so is False
            except (NotAReport, OSError) as fault:
                self.stdout.write(f"  {MARKS[False]:8}{fault}")
                wrong += 1
        if wrong:
            raise CommandError(f"{wrong} of what was looked at is not so.")


def _findings(data: bytes) -> Iterator[Finding]:
    report = offline.attached(data)
    keys = Checkpoint.objects.exclude(public="").order_by("public").values_list("public", flat=True).distinct()
    yield from offline.findings(report, public=list(keys))
    try:
        stream, head = UUID(report["stream"]), report["head"]
        seq, last = int(head["seq"]), bytes.fromhex(head["hash"])
    except (LookupError, TypeError, ValueError, AttributeError):
        raise NotAReport("The data of this report is not written as it should be.") from None
    is_ours = LedgerEvent.objects.filter(stream=stream, seq=seq, hash=last).exists()
    yield Finding(
        is_ours, f"This ledger {'has' if is_ours else 'has no'} event {seq} with the hash that ends the chain."
    )
    if data[:5] == b"%PDF-":
        yield _pages(data, stream)


def _pages(data: bytes, stream: UUID) -> Finding:
    digest = hashlib.sha256(data).hexdigest()
    made = AuditReport.objects.filter(case__uid=stream, sha256=digest).select_related("case").first()
    if made is None or made.finished_at is None:
        return Finding(
            False, "No report of this case was made here with these bytes: a page was changed, or it is a copy."
        )
    return Finding(True, f"These are the bytes of report {made.uid}, made {made.finished_at:%Y-%m-%d %H:%M} UTC.")
