"""manage.py keys: make the key files, or say how they are."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.db.models import Count
from django.utils import timezone

from cases.ledger import keys
from cases.ledger.models import DataKey


class Command(BaseCommand):
    """Key files live outside the database; this never prints what is in them."""

    help = "Make the key files (init) or say how they are and what they wrap (status)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("act", choices=("init", "status"))

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        if act == "init":
            self._init()
        else:
            self._status()

    def _init(self) -> None:
        folder = keys.directory()
        made = keys.init(folder, at=timezone.now())
        for name in made:
            self.stdout.write(f"made {folder / name}")
        if not made:
            self.stdout.write(f"Nothing was made: {folder} has its keys.")

    def _status(self) -> None:
        files = keys.status(keys.directory())
        wrapped = self._wrapped_by_kek()
        for file in files:
            count = wrapped.pop(file.name, 0)
            words = [file.problem or "sound", "in use for new keys" if file.is_current else "kept for older keys"]
            if file.name != keys.INDEX_KEY:
                words.append(f"{count} data keys")
            self.stdout.write(f"{file.name}: {', '.join(words)}")
        for name, count in sorted(wrapped.items()):
            self.stdout.write(f"{name}: missing, {count} data keys cannot be opened")
        if wrapped or any(file.problem for file in files):
            raise CommandError("Keys are missing or unsound.")

    def _wrapped_by_kek(self) -> dict[str, int]:
        """Return how many living data keys each wrapping key wraps; nothing before the first migration."""
        living = DataKey.objects.filter(destroyed_at=None, parent=None)
        try:
            return dict(living.values_list("kek_id").annotate(Count("pk")).order_by())
        except DatabaseError:
            return {}
