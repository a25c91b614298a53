"""Start the sandbox agencies: a TLS server of its own, in place of this process."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Hands over to a program that knows nothing of this one but its folder."""

    help = "Start the sandbox agencies (demonstration only); see docs for telling them to be slow, down or flaky."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--port", type=int, help="listen here from now on")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Bring register and configuration up to date, then become the sandbox. Refused outside a demonstration."""
        if not settings.DEMO:
            raise CommandError("The sandbox agencies belong to a demonstration: set BACKOFFICE_DEMO=1.")
        if options["port"]:
            os.environ["SANDBOX_PORT"] = str(options["port"])
        call_command("provision_agencies", verbosity=0)
        folder = Path(settings.BACKOFFICE_HOME) / "sandbox"
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", "cases.agencies.sandbox", str(folder)])
