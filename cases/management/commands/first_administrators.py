"""Prints two one-time links for the two people who set up a new installation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from django.utils import timezone

from cases.kernel.models import User
from cases.kernel.office import people


class Command(BaseCommand):
    """Two people, because nobody grants a role to themselves: each needs the other from the first day."""

    help = (
        "Adds the first two system administrators and prints one link for each, once. "
        "Run again before both have signed in, it prints new links for those who have not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help="The two people's names; asked for if left out.")

    def handle(self, *args: Any, names: list[str], **options: Any) -> None:
        at = timezone.now()
        if not User.objects.exists():
            self._add(names or self._ask(), at=at)
            return
        awaited = people.awaited_administrators()
        if not awaited:
            raise CommandError("This installation has its administrators; they add everybody else.")
        for user in awaited:
            self._print(user, people.new_link(user.pk, actor=None, at=at))

    def _add(self, names: list[str], *, at: datetime) -> None:
        if len({name.casefold() for name in names}) != 2 or not all(names):
            raise CommandError("Give the names of two different people.")
        for name in names:
            self._print(*people.add_first_administrator(name, at=at))

    def _ask(self) -> list[str]:
        return [input(f"Name of the {which} administrator: ").strip() for which in ("first", "second")]

    def _print(self, user: User, token: str) -> None:
        self.stdout.write(f"{user.display_name}: {settings.PUBLIC_URL}{reverse('welcome', args=[token])}")
