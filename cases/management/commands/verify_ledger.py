"""manage.py verify_ledger [REF]: is every event, history row and live row as it was written?"""

import argparse
import sys
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from cases.kernel.reading import status
from cases.ledger import security
from cases.ledger.keys import KeyMissing
from cases.ledger.models import LedgerEvent
from cases.ledger.notes import NoteUnreadable, public_key, split
from cases.ledger.verify import WRONG, Finding, sealed_findings, verify_all, verify_stream


class Command(BaseCommand):
    """Exit status 1 when anything is wrong; what was merely recorded late is told and is no fault."""

    help = "Verify the whole ledger, or the stream of one case."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("reference", nargs="?", help="reference of a case; without it, everything is verified")
        parser.add_argument("--checkpoints", metavar="FILE", help="checkpoints of this ledger that were kept elsewhere")
        parser.add_argument(
            "--key", default="", help="the public key they are signed with ('manage.py checkpoint key')"
        )

    def handle(
        self, *args: Any, reference: str | None = None, checkpoints: str | None = None, key: list[str], **options: Any
    ) -> None:
        events = LedgerEvent.objects.all()
        is_demo = bool(getattr(settings, "DEMO", False))
        if reference is None:
            findings = verify_all(is_demo=is_demo) + self._kept(checkpoints, key)
        else:
            stream = self._stream(reference)
            events = events.filter(stream=stream)
            findings = verify_stream(stream, is_demo=is_demo)
        self._print(findings)
        wrong, count = sum(finding.level == WRONG for finding in findings), events.count()
        self.stdout.write(f"{count} events, {wrong} wrong")
        if reference is None:
            self._note(count, wrong)
        if wrong:
            sys.exit(1)

    def _note(self, events: int, wrong: int) -> None:
        """Let the status page and the monitor know. A copy that nobody may write to is verified all the same."""
        try:
            security.note(status.CHECKED, actor="system:verify", at=timezone.now(), events=events, wrong=wrong)
        except DatabaseError:
            self.stderr.write("That the ledger was verified could not be noted in it.")

    def _kept(self, file: str | None, public: list[str]) -> list[Finding]:
        """Compare the ledger with checkpoints of a file."""
        if file is None:
            return []
        try:
            given = split(Path(file).read_text(encoding="utf-8"))
            if not given:
                raise CommandError(f"{file} holds no checkpoint.")
            found = sealed_findings(given, public=public or [public_key()])
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        except (NoteUnreadable, KeyMissing) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{len(given)} checkpoints of {file} compared")
        return found

    def _stream(self, reference: str) -> Any:
        found = apps.get_model("cases", "Case")._default_manager.filter(reference=reference)
        stream = found.values_list("uid", flat=True).first()
        if stream is None:
            raise CommandError(f"There is no case {reference}.")
        return stream

    def _print(self, findings: list[Finding]) -> None:
        for finding in findings:
            self.stdout.write(str(finding))
