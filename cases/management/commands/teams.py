"""`manage.py teams`: which teams there are; adds the ones the kinds of case need, or one of one's own."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_slug

from cases.kernel import actors, casetypes
from cases.kernel.models import Team
from cases.kernel.office.people import SYSTEM_STREAM
from cases.kernel.restricted import moving
from cases.ledger import api as ledger


class Command(BaseCommand):
    """A new installation has no team, and a case belongs to one: run it once with --needed."""

    help = "List the teams; --needed adds those that the kinds of case name, --add CODE NAME adds one."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--needed", action="store_true", help="add each kind of case's team, and that for conflicts"
        )
        parser.add_argument("--add", nargs=2, metavar=("CODE", "NAME"), help="add one team")
        parser.add_argument("--restricted", action="store_true", help="its cases are seen by nobody else")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Add what was asked for, then list."""
        if options["needed"]:
            needed = {each.team: each.is_restricted for each in casetypes.all_types()} | {moving.TEAM: True}
            for code, is_restricted in sorted(needed.items()):
                self._add(code, code.replace("_", " ").capitalize(), is_restricted=is_restricted)
        if options["add"]:
            code, name = options["add"]
            validate_slug(code)
            if Team.objects.filter(code=code).exists():
                raise CommandError(f"There is a team {code} already.")
            self._add(code, name, is_restricted=options["restricted"])
        for team in Team.objects.order_by("code"):
            self.stdout.write(f"{team.code:<20} {team.name}{'  (restricted)' if team.is_restricted else ''}")

    def _add(self, code: str, name: str, *, is_restricted: bool) -> None:
        """Write one team as an act of the system's stream; leaves one that stands alone."""
        if Team.objects.filter(code=code).exists():
            return
        actor, at = actors.system("teams"), datetime.now(UTC)
        with ledger.action(SYSTEM_STREAM, "team.added", actor=actor.label, at=at, detail={"team": code}):
            Team.objects.create(code=code, name=name[:80], is_restricted=is_restricted)
