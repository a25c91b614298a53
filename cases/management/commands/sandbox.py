"""Start the sandbox agencies: a TLS server of its own, in place of this process."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cases.agencies.provision import CONFIG_FILE


class Command(BaseCommand):
    """Hands over to a program that knows nothing of this one but its folder."""

    help = "Start the sandbox agencies (demonstration only)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--port", type=int, help="listen here instead of where the channels lead")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Replace this process by the sandbox. Raises CommandError outside a demonstration."""
        folder = Path(settings.BACKOFFICE_HOME) / "sandbox"
        if not (folder / CONFIG_FILE).exists():
            raise CommandError("There is no sandbox here: it belongs to a demonstration (see provision_agencies).")
        command = [sys.executable, "-m", "cases.agencies.sandbox", str(folder)]
        command += ["--port", str(options["port"])] if options["port"] else []
        os.chdir(settings.BASE_DIR)
        os.execv(command[0], command)
