"""Enter the agencies of the directory, give their channels addresses and keys, and tell the sandbox process.

Safe to repeat: what stands is left alone, but the sandbox's port is followed when it changes.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cases.agencies import directory, openpgp, partnerkeys, signatures
from cases.agencies.sandbox import ca, filedesk
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies
from cases.kernel.exchange.agencies import ChannelPlan, Listing
from cases.kernel.models import Agency, Channel

LOOPBACK = "127.0.0.0/8"
CONFIG_FILE = "config.json"


class NoInboundChannel(CaseError):
    """The agency may not call us."""


@dataclass(frozen=True, kw_only=True)
class SandboxPlan:
    """Where the sandbox keeps its things, where it listens (for files too), and where it finds us."""

    folder: Path
    port: int
    callback_base: str
    file_port: int = 0


def provision(*, actor: Actor, at: datetime, sandbox: SandboxPlan | None = None) -> list[Agency]:
    """Enter the own systems; with a sandbox plan its agencies too, with channels, keys and configuration."""
    rows = [agencies.register(listing, actor=actor, at=at) for listing in directory.OWN_SYSTEMS]
    if sandbox is not None:
        sandbox.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority = ca.ensure(sandbox.folder, now=at)
        for listing in directory.SANDBOX:
            row = agencies.register(_placed(listing, sandbox, authority), actor=actor, at=at)
            _follow(row, sandbox, authority, actor=actor, at=at)
            rows.append(row)
        _write_config(sandbox, _keyed(actor=actor, at=at), _file_keys(sandbox, actor=actor, at=at))
    return rows


def new_inbound_key(code: str, *, actor: Actor, at: datetime) -> str:
    """Add a secret with which an agency signs its calls to us, and return it: it is shown this once.

    Raises UnknownAgency or NoInboundChannel.
    """
    channel = agencies.channel_of(agencies.get(code), "in")
    if channel is None:
        raise NoInboundChannel(f"{code} has no channel for calls to us.")
    return _new_key(channel, actor=actor, at=at)


def _new_key(channel: Channel, *, actor: Actor, at: datetime) -> str:
    secret = signatures.new_secret()
    name = f"{channel.direction}-{at:%Y%m%d}-{secrets.token_hex(3)}"
    agencies.add_key(channel, secret, name=name, actor=actor, at=at)
    return secret


def _address(code: str, transport: str, sandbox: SandboxPlan) -> str:
    if transport == "sftp":
        return f"sftp://{code}@127.0.0.1:{sandbox.file_port}/in"
    return f"https://127.0.0.1:{sandbox.port}/{code}/messages"


def _placed(listing: Listing, sandbox: SandboxPlan, authority: Path) -> Listing:
    """Return the listing with its outbound channel leading to the sandbox."""
    channels = tuple(_place(plan, listing.code, sandbox, authority) for plan in listing.channels)
    return replace(listing, channels=channels)


def _place(plan: ChannelPlan, code: str, sandbox: SandboxPlan, authority: Path) -> ChannelPlan:
    if plan.direction == "in":
        return plan
    return replace(
        plan, address=_address(code, plan.transport, sandbox), allowed_cidrs=(LOOPBACK,), ca_file=str(authority)
    )


def _follow(row: Agency, sandbox: SandboxPlan, authority: Path, *, actor: Actor, at: datetime) -> None:
    """Move the outbound channels when the sandbox listens elsewhere than it did."""
    for channel in row.channels.filter(direction="out").exclude(state="disabled").order_by("pk"):
        wanted = {"address": _address(row.code, channel.transport, sandbox), "ca_file": str(authority)}
        if any(getattr(channel, name) != value for name, value in wanted.items()):
            agencies.change_channel(channel, "agency.channel_moved", actor=actor, at=at, **wanted)


def _keyed(*, actor: Actor, at: datetime) -> dict[str, dict[str, str]]:
    """Return kind and both secrets of every sandbox agency, making the ones that are missing."""
    return {
        listing.code: {
            "kind": listing.kind,
            "message_secret": _secret(listing.code, "out", actor=actor, at=at),
            "callback_secret": _secret(listing.code, "in", actor=actor, at=at),
        }
        for listing in directory.SANDBOX
    }


def _secret(code: str, direction: str, *, actor: Actor, at: datetime) -> str:
    """Return the oldest live secret: further ones belong to whoever asked for them."""
    channel = agencies.channel_of(agencies.get(code), direction)
    if channel is None:
        return ""
    known = list(agencies.open_secrets(channel, purpose="provision", at=at).values())
    return known[-1] if known else _new_key(channel, actor=actor, at=at)


def _file_keys(sandbox: SandboxPlan, *, actor: Actor, at: datetime) -> dict[str, dict[str, str]]:
    """Make the keys of the agencies that exchange files, theirs and ours, where they are missing; return our halves."""
    ours = {}
    for listing in directory.SANDBOX:
        agency = agencies.get(listing.code)
        channel = agencies.channel_of(agency, "out", transport="sftp")
        if channel is None:
            continue
        theirs = filedesk.ensure(sandbox.folder, listing.code)
        for kind, text in (("ssh_host", theirs.host_key), ("openpgp", theirs.certificate)):
            key = partnerkeys.read(kind, text, at=at)
            live = agencies.live_partner_keys(agency, kind=kind, at=at)
            if key.fingerprint not in {row.fingerprint for row in live}:
                agencies.add_partner_key(
                    agency,
                    key.public,
                    kind=kind,
                    fingerprint=key.fingerprint,
                    expires_at=key.expires_at,
                    actor=actor,
                    at=at,
                )
        ours[listing.code] = {
            "ssh_key": _pair(channel, "ssh", actor=actor, at=at),
            "certificate": _pair(channel, "openpgp", actor=actor, at=at),
        }
    return ours


def _pair(channel: Channel, kind: str, *, actor: Actor, at: datetime) -> str:
    """Return the public half of our oldest live pair of a kind, made if there is none."""
    live = agencies.live_keys(channel, at=at, kind=kind)
    if live:
        return live[-1].public
    if kind == "ssh":
        secret, public = partnerkeys.make_ssh_pair()
    else:
        secret, made = openpgp.make_pair("Backoffice")
        public = made.armored
    name = f"{kind}-{at:%Y%m%d}-{secrets.token_hex(3)}"
    agencies.add_key(channel, secret, name=name, kind=kind, public=public, actor=actor, at=at)
    return public


def _write_config(
    sandbox: SandboxPlan, entries: dict[str, dict[str, str]], file_agencies: dict[str, dict[str, str]]
) -> None:
    path = sandbox.folder / CONFIG_FILE
    token = read_config(sandbox.folder).get("control_token") or secrets.token_urlsafe(32)
    config = {
        "port": sandbox.port,
        "callback_base": sandbox.callback_base,
        "control_token": token,
        "agencies": entries,
        "file_port": sandbox.file_port,
        "file_agencies": file_agencies,
    }
    fresh = path.with_name(f".{CONFIG_FILE}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(config, file, indent=1)
    fresh.replace(path)


def read_config(folder: Path) -> dict[str, Any]:
    """Return what the sandbox of a folder was told, or nothing."""
    try:
        return dict(json.loads((folder / CONFIG_FILE).read_text()))
    except FileNotFoundError:
        return {}
