"""Bring database, keys and static files up to date; safe to run at every start. Demo data on request."""

import gc
import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from cases.kernel import retention
from cases.kernel.evidence import custody, store
from cases.kernel.models import Case
from cases.kernel.personal import taskdesk
from cases.kernel.timing import missing, rulebook
from cases.ledger import checks, databases, indexkeys, keys, notes, rotation
from cases.reports import seal, sender
from cases.web import icons

# What packages carry for other versions and other uses; each would be compressed twice.
UNUSED_STATIC = ["rest_framework", "htmax*", "*-4.js", "*-4.min.js", "hx-ws*"]


class Command(BaseCommand):
    """One process for all steps: loading Django for each would double the time of a start."""

    help = "Migrate, make missing keys, enter the shipped rules, collect static files if they changed."

    def add_arguments(self, parser: Any) -> None:
        """`--demo` makes the demo data and nothing else."""
        parser.add_argument("--demo", action="store_true", help="make demo data if there is no case yet")

    def handle(self, *_args: Any, demo: bool, **_options: Any) -> None:
        """Run every step that has something to do."""
        if demo:
            self._seed()
            return
        self._make_keys()
        self._migrate()
        indexkeys.note(at=timezone.now())
        databases.note(at=timezone.now())
        rulebook.load(at=timezone.now())
        retention.load(at=timezone.now())
        missing.start_missing(at=timezone.now())
        taskdesk.give_desks(at=timezone.now())
        self._prepare_documents()
        self._collect_static()

    def _prepare_documents(self) -> None:
        """Make the store ready. A folder that is not mounted is an answer for whoever starts the office; another store
        may come back at any time, and everything but documents works meanwhile."""
        if custody.prepare_store():
            if not custody.is_ours(store.current()):
                self.stderr.write(
                    "The stored documents are of another database, or of this one before it was restored."
                )
                self.stderr.write("Nothing is removed there before 'manage.py documents --adopt'.")
            return
        if store.current() == store.FOLDER:
            raise CommandError(
                f"The documents are not in {settings.EVIDENCE_DIR}. Mount or restore the folder that holds them."
            )
        self.stderr.write(
            f"The documents' store {store.current()} cannot be reached, or is not the one that held them. "
            "Until it can, documents can neither be taken in nor opened."
        )

    def _make_keys(self) -> None:
        """Make keys for a new installation alone: to data that was sealed under lost keys no new key is an answer."""
        if not settings.KEY_DIR.exists() and not rotation.holds_sealed_data():
            self.stdout.write(f"Making keys in {settings.KEY_DIR}.")
            call_command("keys", "init")
            notes.make_key()
            seal.make_key(sender.firm().name, at=timezone.now())
        try:
            checks.require_keys()
        except keys.KeyMissing as missing:
            raise CommandError(f"{missing} Restore {settings.KEY_DIR} from where it is kept.") from missing

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("Bringing the database up to date.")
            gc.disable()  # the models drawn on the way are cycles without end; this process ends soon
            call_command("migrate", interactive=False, verbosity=0)
        if settings.CACHES["default"]["LOCATION"] not in connection.introspection.table_names():
            call_command("createcachetable", verbosity=0)

    def _collect_static(self) -> None:
        stamp = settings.STATIC_ROOT / ".collected"
        made_of = [*map(Path, settings.STATICFILES_DIRS), Path(icons.__file__), icons.LISTED]
        wanted = _fingerprint([*made_of, settings.BASE_DIR / "requirements.txt"])
        if stamp.exists() and stamp.read_text() == wanted:
            return
        self.stdout.write("Collecting static files.")
        call_command("collectstatic", interactive=False, clear=True, verbosity=0, ignore_patterns=UNUSED_STATIC)
        stamp.write_text(wanted)

    def _seed(self) -> None:
        if Case.objects.exists():
            self.stdout.write(f"There are cases already, so no demo data is made; remove {settings.BACKOFFICE_HOME}")
            self.stdout.write("to begin anew.")
            return
        call_command("seed_demo", share=settings.DEMO_SHARE)


def _fingerprint(roots: list[Path]) -> str:
    found = sorted(path for root in roots for path in ([root] if root.is_file() else root.rglob("*")) if path.is_file())
    digest = hashlib.sha256()
    for path in found:
        digest.update(f"{path}:{path.stat().st_size}:{path.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()
