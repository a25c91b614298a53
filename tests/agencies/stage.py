"""A register, cases with promises, a transport that answers as told, and the real sandbox process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backoffice.env import BASE_DIR
from cases.agencies import provision
from cases.agencies.sandbox import commander
from cases.kernel import actors, edits, outbox, record, transitions
from cases.kernel.models import Case, OutboxMessage
from cases.ledger.models import LedgerEvent
from tests import factories

AT = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
FPA = "sandbox-fraud-register"


def now() -> datetime:
    return datetime.now(UTC)


def promise(case: Case, *, kind: str = "test_message", code: str = FPA, **more: Any) -> OutboxMessage:
    """Post a message as an act of the case would."""
    body = more.pop("body", {"hello": "world"})
    with record.act(case, "test.promised", actor=actors.system("tests"), at=AT):
        return outbox.post(case, outbox.Message(agency_code=code, kind=kind, body=body, **more), at=AT)


def state_of(message: OutboxMessage) -> str:
    return OutboxMessage.objects.values_list("state", flat=True).get(pk=message.pk)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Sandbox:
    """The sandbox as its commander sees it."""

    folder: Path
    plan: provision.SandboxPlan
    process: subprocess.Popen | None = None

    def start(self) -> None:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(BASE_DIR), "PYTHONWARNINGS": "error"}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cases.agencies.sandbox", str(self.folder)],
                cwd=BASE_DIR,
                env=environment,
                stderr=log,
            )
        until = time.monotonic() + 15
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.plan.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def tell(self, code: str = FPA, **order: Any) -> dict[str, Any]:
        """Command an agency; without an order, ask it what it received."""
        return commander.order(self.folder, code, order)

    def received(self, code: str = FPA) -> list[dict[str, Any]]:
        return list(self.tell(code)["received"])


def provisioned(folder: Path, callback_base: str) -> Sandbox:
    folder.mkdir(mode=0o700)
    port, file_port = free_port(), free_port()
    plan = provision.SandboxPlan(folder=folder, port=port, file_port=file_port, callback_base=callback_base)
    provision.provision(actor=actors.system("tests"), at=AT, sandbox=plan)
    return Sandbox(folder, plan)


def approved(people: dict[str, actors.Actor], number: int = 1) -> Case:
    """A referral whose filing is complete, approved and promised."""
    case = factories.referred(people, incident_reference=f"DET-{number}")
    transitions.apply(case.pk, "take", actor=people["a.byrne"], at=factories.AT)
    transitions.apply(case.pk, "accept", actor=people["a.byrne"], at=factories.AT)
    edits.attach(
        case.pk,
        kind="call_recording",
        file_name="call.txt",
        media_type="text/plain",
        data=b"Recording.",
        actor=people["a.byrne"],
        at=factories.AT,
    )
    with edits.change(case.pk, actor=people["a.byrne"], at=factories.AT) as edit:
        edit.party(2, date_of_birth="1984-03-09")
    inputs = {"pillars": factories.MAKER_ANSWERS}
    transitions.apply(case.pk, "submit", actor=people["a.byrne"], at=factories.AT, inputs=inputs)
    return transitions.apply(
        case.pk, "approve", actor=people["d.osei"], at=factories.APPROVED_AT, inputs=factories.CHECKER_INPUTS
    )


def acts(case: Case, verb: str) -> int:
    """How often the case's ledger says that this was done."""
    return LedgerEvent.objects.filter(stream=case.uid, action=verb).count()


def wait_for(is_so: Callable[[], bool], *, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)
