"""Start the sandbox agencies, a TLS server of its own, in place of this process; or tell a running one what to do."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from backoffice.env import Env
from cases.agencies.sandbox import commander


class Command(BaseCommand):
    """Hands over to a program that knows nothing of this one but its folder."""

    help = (
        "Start the sandbox agencies (demonstration only). With --tell CODE, change how an agency of the running "
        'sandbox behaves, as in: --tell sandbox-fraud-register \'{"slow_ms": 2000}\'. Knobs: slow_ms, down ("503" or '
        '"close"), flaky_percent, duplicate, out_of_order, occurred_at, drop_answer, silent, refuse_with, '
        'callback_delay_ms; and say, a callback to make: {"say": {"type": "fpa.enquiry", "agency_reference": "…"}}; '
        'or a ready-made one by name: {"say": "match", "agency_reference": "…"}. Names: match, enquiry, '
        "removal_instruction, protective_registration, hit."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--port", type=int, help="listen here from now on")
        parser.add_argument("--tell", metavar="CODE", help="give this agency an order, or ask it what it received")
        parser.add_argument("order", nargs="?", default="{}", help="the order, as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Become the sandbox, or give one order. Refused outside a demonstration."""
        if not settings.DEMO:
            raise CommandError("The sandbox agencies belong to a demonstration: set BACKOFFICE_DEMO=1.")
        folder = Path(settings.BACKOFFICE_HOME) / "sandbox"
        if options["tell"]:
            self._tell(folder, options["tell"], options["order"])
            return
        if options["port"]:
            os.environ["SANDBOX_PORT"] = str(options["port"])
        call_command("provision_agencies", verbosity=0)
        os.chdir(settings.BASE_DIR)
        command = [sys.executable, "-m", "cases.agencies.sandbox", str(folder)]
        if not Env().text("CLAMD"):  # nobody named a real one
            command += ["--scanner", settings.CLAMD.removeprefix("unix:")]
        os.execv(sys.executable, command)

    def _tell(self, folder: Path, code: str, order: str) -> None:
        try:
            report = commander.order(folder, code, json.loads(order))
        except ValueError as error:
            raise CommandError("The order is not JSON.") from error
        except OSError as error:
            raise CommandError(f"The sandbox did not take the order: {error}.") from error
        self.stdout.write(json.dumps(report, indent=1))
