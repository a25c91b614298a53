"""manage.py after_restore: lose again what was erased since the backup, and let nothing leave twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cases.agencies import restoring
from cases.ledger import databases, tombstones


class Command(BaseCommand):
    """For whoever restored a backup, before any worker is started."""

    help = (
        "After a restore: erase again what the list of destroyed keys names, leave to people what waited and may have "
        "left since, and number files above those sent since."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--tombstones", type=Path, nargs="+", metavar="FILE", help="the list as another machine keeps it"
        )
        parser.add_argument("--nothing-erased", action="store_true", help="nothing was erased since the backup")
        parser.add_argument(
            "--moved", action="store_true", help="nothing happened since: it stood still while PostgreSQL was replaced"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it and say how much there was."""
        if options["moved"]:
            self._moved()
            return
        lists = options["tombstones"] or tombstones.files()
        if not lists and not options["nothing_erased"]:
            raise CommandError(
                f"There is no list of destroyed keys in {tombstones.folder()}, and what was erased since the backup is "
                "here again: name the files that another machine keeps (--tombstones FILE ...), or say that nothing "
                "was erased (--nothing-erased)."
            )
        done = restoring.after_restore(self._stones(lists), now=timezone.now())
        again = done.again
        self.stdout.write(f"{done.undecided} messages may have left since the backup: people decide ('dead_letters').")
        self.stdout.write(f"{done.streams} agencies get their next file under a number {restoring.SKIPPED} higher.")
        self.stdout.write(f"{again.cases} cases, {again.people} people and {again.keys} keys are erased again.")
        for reference in again.were_open:
            self.stdout.write(f"{reference} was still open in the backup. It was closed and erased since.")

    def _moved(self) -> None:
        if tombstones.is_behind():
            raise CommandError(
                f"The list in {tombstones.folder()} names keys that are here again: it is an older copy. "
                "Nothing was done."
            )
        databases.note(at=timezone.now(), is_taken_over=True)
        self.stdout.write("Noted: this is the database that is served from now on. Nothing else was done.")

    def _stones(self, lists: list[Path]) -> Iterator[tombstones.Tombstone]:
        for path in lists:
            try:
                with path.open(encoding="utf-8") as lines:
                    yield from tombstones.read(lines)
            except tombstones.NotOurs as fault:
                raise CommandError(f"{path}: {fault} Nothing was done.") from fault
            except (OSError, UnicodeDecodeError) as fault:
                raise CommandError(f"{path} cannot be read. Nothing was done.") from fault
