"""Verifies an audit report away from the office that made it. This file runs alone: copy it, and give it the report.

    python3 offline.py REPORT.pdf --key 'backoffice-ledger+...'

REPORT.pdf may be the ledger.json that is attached to the report as well. The public key is given by whoever runs the
office, once, by another way than the report. Needs Python 3.11 and, for the signature, the package `cryptography`.

What is proven: the events attached are one chain in which none was changed, left out or put in; and the office's signed
checkpoint, of the time that is shown, covers that chain up to the event that is shown. Whoever kept the checkpoints of
the office compares its number and root with theirs. That the pages are those that were printed is what the seal of the
PDF proves, which every reader of PDF files shows.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

__all__ = ["Finding", "attached", "findings", "main", "root_through"]

EMPTY = bytes(32)
LARGEST = 512 * 1024 * 1024


class NotAReport(Exception):
    """The file is no audit report, or its data cannot be read."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: whether it is so, None where it could not be told, and what, in words."""

    is_so: bool | None
    text: str


def attached(data: bytes) -> dict[str, Any]:
    """Return the chain that a report carries, from the PDF or from its ledger.json. Raises NotAReport."""
    texts = [data] if data.lstrip()[:1] == b"{" else _streams(data)
    for text in texts:
        try:
            found = json.loads(text)
        except ValueError:
            continue
        if isinstance(found, dict) and {"stream", "head", "events"} <= found.keys():
            return found
    raise NotAReport("No chain of events is attached to this file.")


def _streams(data: bytes) -> Iterator[bytes]:
    """Yield what is embedded in a PDF, the last first: what was added later counts."""
    starts = [found.end() for found in re.finditer(rb"/EmbeddedFile\b.{0,1000}?>>\s*stream\r?\n", data, re.DOTALL)]
    for start in reversed(starts):
        opened = zlib.decompressobj()
        try:
            yield opened.decompress(data[start:], LARGEST)
        except zlib.error:
            continue


def findings(report: Mapping[str, Any], *, public: Sequence[str] = ()) -> list[Finding]:
    """Return what holds of a report's chain and of the checkpoint it names, with the public keys that are trusted.
    Raises NotAReport where its data is not written as ours."""
    try:
        events = list(report["events"])
        return [_chain(report, events), *_sealed(report, events, public)]
    except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as fault:
        raise NotAReport(f"The data of this report is not written as it should be: {type(fault).__name__}.") from None


def _hash(event: Mapping[str, Any]) -> bytes:
    numbers = (int(event[name]).to_bytes(8, "big", signed=True) for name in ("seq", "id", "recorded_us"))
    return sha256(b"\0" + bytes.fromhex(event["prev"]) + b"".join(numbers) + str(event["body"]).encode()).digest()


def _chain(report: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Finding:
    before = EMPTY
    for place, event in enumerate(events, 1):
        own = _hash(event)
        is_next = event["seq"] == place and bytes.fromhex(event["prev"]) == before
        if not is_next or own != bytes.fromhex(event["hash"]):
            return Finding(False, f"Event {place} is not as it was written, or one before it is missing.")
        before = own
    head = report["head"]
    if not events or (head["seq"], bytes.fromhex(head["hash"])) != (len(events), before):
        return Finding(False, "The chain does not end where the report says.")
    return Finding(True, f"All {len(events)} events of the case are one chain; it ends with {before.hex()}.")


def _sealed(report: Mapping[str, Any], events: Sequence[Mapping[str, Any]], public: Sequence[str]) -> Iterator[Finding]:
    proof = report.get("checkpoint")
    if not proof:
        yield Finding(None, "No signed checkpoint is named: the chain alone proves that nothing in it was changed.")
        return
    size, root, at = _said(proof["note"])
    seq = int(proof["seq"])
    if not 0 < seq <= len(events):
        yield Finding(False, "The checkpoint is of an event that is not in the chain.")
        return
    leaf = sha256(b"\0" + UUID(report["stream"]).bytes + seq.to_bytes(8, "big") + _hash(events[seq - 1])).digest()
    led = root_through(leaf, int(proof["index"]), size, [bytes.fromhex(each) for each in proof["path"]])
    if led != root:
        yield Finding(False, "The chain is not in the checkpoint that the report names.")
        return
    later = len(events) - seq
    beyond = f"; {later} later events are in no checkpoint yet" if later else ""
    yield Finding(True, f"Up to event {seq} it is in the checkpoint of {at}, number {size}, root {root.hex()}{beyond}.")
    yield _signed(proof["note"], public)


def _said(note: str) -> tuple[int, bytes, str]:
    """Return the number of leaves, their root and the moment that a checkpoint states."""
    lines = note.partition("\n\n")[0].split("\n")
    at = next((line.removeprefix("at ") for line in lines[3:] if line.startswith("at ")), "")
    return int(lines[1]), base64.b64decode(lines[2], validate=True), at


def root_through(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root to which the hashes beside a leaf lead, nearest first (RFC 6962, 2.1.1); None where they are not
    of a log of this size."""
    if not 0 <= index < size:
        return None
    root, last, beside = leaf, size - 1, list(path)
    while last:
        if index & 1 or index != last:  # a last one without a neighbour goes up as it is
            if not beside:
                return None
            other = beside.pop(0)
            root = sha256(b"\1" + (other + root if index & 1 else root + other)).digest()
        index, last = index >> 1, last >> 1
    return None if beside else root


def _signed(note: str, public: Sequence[str]) -> Finding:
    """Verify a C2SP signed note (c2sp.org/signed-note) by Ed25519."""
    if not public:
        return Finding(None, "Who signed the checkpoint was not looked at: no public key was given.")
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 -- the chain is verified without it
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 -- as above
    except ImportError:
        return Finding(None, "Who signed the checkpoint cannot be told here: the package cryptography is missing.")
    text, _, signatures = note.partition("\n\n")
    for each in public:
        name, _, written = each.strip().split("+", 2)
        raw = base64.b64decode(written, validate=True)
        number = sha256(name.encode() + b"\n" + raw).digest()[:4]
        for line in signatures.splitlines():
            given = base64.b64decode(line.rpartition(" ")[2])
            if given[:4] != number or not line.startswith(f"— {name} "):
                continue
            try:
                Ed25519PublicKey.from_public_bytes(raw[1:]).verify(given[4:], f"{text}\n".encode())
            except InvalidSignature:
                continue
            return Finding(True, "The key that was given signed the checkpoint.")
    return Finding(False, "None of the keys that were given signed the checkpoint.")


def main(given: Sequence[str] | None = None) -> int:
    """Say of one file what holds. Returns 0 where all does that could be told, 1 where something does not, 2 where
    the file is no report."""
    asked = argparse.ArgumentParser(description="Verify an audit report.")
    asked.add_argument("file", type=Path, help="the report as PDF, or the ledger.json attached to it")
    asked.add_argument("--key", action="append", default=[], help="the public key of the office's checkpoints")
    said = asked.parse_args(given)
    try:
        report = attached(said.file.read_bytes())
        found = findings(report, public=said.key)
    except (NotAReport, OSError) as fault:
        print(fault, file=sys.stderr)
        return 2
    print(f"Case {report.get('case', '')}, stream {report['stream']}")
    for each in found:
        print({True: "holds   ", False: "FAILS   ", None: "unknown "}[each.is_so] + each.text)
    return int(any(each.is_so is False for each in found))


if __name__ == "__main__":
    sys.exit(main())
