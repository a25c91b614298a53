"""manage.py checkpoint init|key|seal|show: the signed checkpoints over the whole ledger, and the seal of reports."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cases.ledger import checkpoints, notes
from cases.ledger.keys import KeyMissing
from cases.reports import seal, sender


class Command(BaseCommand):
    """What is shown goes to another machine, and is compared there: 'manage.py verify_ledger --checkpoints FILE'."""

    help = "Make what signs (init), print what verifies it (key), seal now (seal), print the newest (show)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """One word says what to do."""
        parser.add_argument("what", choices=["init", "key", "seal", "show"])

    def handle(self, *_args: Any, what: str, **_options: Any) -> None:
        """Do it, and say what there is."""
        try:
            self.stdout.write({"init": _init, "key": _key, "seal": _seal, "show": _show}[what]().rstrip())
        except KeyMissing as missing:
            told = (
                "Make it with 'manage.py checkpoint init' where the ledger is sealed; one that is damaged goes first."
            )
            raise CommandError(f"{missing} {told}") from None
        except OSError as error:
            raise CommandError(f"The key cannot be written: {error}") from error


def _init() -> str:
    made = "Made the signing key." if notes.make_key() else "There is a signing key."
    own = "Made" if seal.make_key(sender.firm().name, at=timezone.now()) else "There is"
    return f"{made} {own} a key with a certificate that seals reports. Who verifies needs:\n{_key()}"


def _key() -> str:
    by = seal.sealer()
    told = f"Certificate of the seal of reports, SHA-256: {by.fingerprint}" if by else "Nothing seals reports here."
    return f"{notes.public_key()}\n{told}"


def _seal() -> str:
    made = checkpoints.seal(now=timezone.now())
    return made.note if made else "Nothing moved since the last checkpoint, or it is not five minutes old."


def _show() -> str:
    newest = checkpoints.newest()
    return newest.note if newest else "There is no checkpoint yet."
