"""Messages that are stuck: list them, try one again, or skip one so that its stream goes on."""

import argparse
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.kernel import actors
from cases.kernel.errors import CaseError
from cases.kernel.exchange import deadletters


class Command(BaseCommand):
    """Each decision is an act of the case, with a reason."""

    help = "List stuck messages; --again ID or --skip ID with --reason decides about one."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--again", metavar="ID", help="make this message due once more")
        choice.add_argument("--skip", metavar="ID", help="give this message up")
        parser.add_argument("--reason", default="", help="why; it is kept sealed with the case")

    def handle(self, *_args: Any, **options: Any) -> None:
        """List, or decide about one."""
        wanted = options["again"] or options["skip"]
        rows = {str(row.public_id): row for row in deadletters.stuck()}
        if not wanted:
            for public_id, row in rows.items():
                about = row.case.reference if row.case else "-"
                self.stdout.write(f"{public_id}  {about}  {row.kind}  {row.channel.agency.code}  {row.state}")
            return
        if wanted not in rows:
            raise CommandError("No stuck message has this id.")
        decide = deadletters.try_again if options["again"] else deadletters.skip
        try:
            decide(rows[wanted], actor=actors.system("dead_letters"), at=datetime.now(UTC), reason=options["reason"])
        except CaseError as error:
            raise CommandError(str(error)) from error
