"""Keys with which agencies and own systems sign their calls to us."""

import argparse
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.agencies.provision import new_inbound_key
from cases.kernel import actors
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies


class Command(BaseCommand):
    """Prints a fresh secret once, alone on standard output; without --new the names of the live ones."""

    help = "List the live keys of an agency's calls to us, or make a new one with --new and print it this once."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("code")
        parser.add_argument("--new", action="store_true", help="make a further key; the earlier ones stay live")
        parser.add_argument("--revoke", metavar="NAME", help="end the key of this name")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run one of the three."""
        actor, at = actors.system("agency_keys"), datetime.now(UTC)
        try:
            if options["new"]:
                self.stdout.write(new_inbound_key(options["code"], actor=actor, at=at))
                return
            self._list_or_revoke(options["code"], options["revoke"], at=at)
        except CaseError as error:
            raise CommandError(str(error)) from error

    def _list_or_revoke(self, code: str, name: str | None, *, at: datetime) -> None:
        channel = agencies.channel_of(agencies.get(code), "in")
        for row in agencies.live_keys(channel, at=at) if channel else []:
            if row.key_name == name:
                agencies.revoke_key(row, actor=actors.system("agency_keys"), at=at)
                self.stdout.write(f"{row.key_name} is revoked.")
            elif name is None:
                self.stdout.write(f"{row.key_name} since {row.active_from:%Y-%m-%d %H:%M}")
