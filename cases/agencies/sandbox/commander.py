"""Gives orders to a running sandbox: how an agency is to behave, what it is to say; asks what it received."""

import json
import ssl
import urllib.request
from pathlib import Path
from typing import Any


def order(folder: Path, code: str, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the agency's knobs, what it received and what it sent, after changing its knobs.

    `changes` may hold any knob (slow_ms, down, flaky_percent, duplicate, out_of_order, occurred_at, drop_answer,
    silent, refuse_with, callback_delay_ms) and `say`: a callback to make now, or the name of a ready-made one (match,
    enquiry, removal_instruction, protective_registration, hit) with the case's `reference` or `agency_reference`.
    Raises OSError when nobody answers.
    """
    config = json.loads((folder / "config.json").read_text())
    request = urllib.request.Request(
        f"https://127.0.0.1:{config['port']}/control/{code}",
        data=json.dumps(changes).encode() if changes else None,
        headers={"Authorization": f"Bearer {config['control_token']}"},
    )
    trusted = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(folder / "ca.pem")))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), trusted)
    with opener.open(request, timeout=10) as answer:
        return dict(json.loads(answer.read()))
