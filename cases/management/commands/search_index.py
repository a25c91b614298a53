"""manage.py search_index: how the search index stands, and making it anew under a new key."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from cases.kernel.finding import reindex


class Command(BaseCommand):
    """Search goes on meanwhile: tokens of every key that is there are looked for."""

    help = "Say under which index keys cases are found (status), or make all tokens under the newest one (rebuild)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("act", choices=("status", "rebuild"), nargs="?", default="status")
        parser.add_argument("--here", action="store_true", help="do it now, in this process, not in the background")

    def handle(self, *args: Any, act: str, here: bool, **options: Any) -> None:
        if act == "status":
            self._status()
        elif here:
            done = 0
            for done in reindex.rebuild_here(at=timezone.now()):
                self.stdout.write(f"{done} cases")
            self.stdout.write(f"Done: {done} cases were rebuilt.")
        else:
            job = reindex.start(at=timezone.now())
            self.stdout.write(f"Background work {job.uid} rebuilds the index.")

    def _status(self) -> None:
        for version, count in reindex.entries_by_version().items():
            where = f"index-v{version}" if version else "no key, not found by people or notes"
            self.stdout.write(f"{where}: {count} cases")
        waiting = reindex.stale().count()
        self.stdout.write(f"To rebuild: {waiting} cases." if waiting else "Nothing is to be rebuilt.")
