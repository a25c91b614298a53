"""Enter agencies and own systems in the register; in a demonstration also what the sandbox process needs."""

import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from cases.agencies.provision import SandboxPlan, provision, read_config
from cases.kernel import actors


class Command(BaseCommand):
    """Safe to run at every start."""

    help = "Enter agencies and own systems in the register (in a demonstration: with sandbox channels and keys)."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Provision; say how many there are."""
        plan = _sandbox_plan(Path(settings.BACKOFFICE_HOME) / "sandbox") if settings.DEMO else None
        actor = actors.system("provision", source="demo" if settings.DEMO else "")
        rows = provision(actor=actor, at=datetime.now(UTC), sandbox=plan)
        self.stdout.write(f"{len(rows)} agencies and own systems are in the register.")


def _sandbox_plan(folder: Path) -> SandboxPlan:
    web_port = int(os.environ.get("PORT") or 8000)
    config = read_config(folder)
    said, files_said = os.environ.get("SANDBOX_PORT") or config.get("port"), config.get("file_port")
    return SandboxPlan(
        folder=folder,
        port=int(said) if said else _free_port(web_port + 1),
        file_port=int(files_said) if files_said else _free_port(web_port + 1001),
        callback_base=f"http://127.0.0.1:{web_port}",
    )


def _free_port(wanted: int) -> int:
    """Return the wanted port, or one the system picks where another process has it."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return wanted
