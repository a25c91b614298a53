"""Asks a ClamAV daemon about a file, over its own socket and its own protocol (INSTREAM). It gets bytes, never names.

The daemon may be away, hang, or talk nonsense: only a whole answer that is understood is a verdict.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from cases.kernel.evidence.scanning import Scanner, ScannerAway, ScannerBroke, Verdict

__all__ = ["scanner"]

CONNECT_SECONDS = 5
ANSWER_SECONDS = 120
PROBE_SECONDS = 10
PROBE = b"Words that no scanner minds."
LONGEST_ANSWER = 4096
_FOUND = re.compile(r"stream: ([\w.+:()/-]{1,120}) FOUND")
# What it could not look into is not clean, whatever its name for that.
_NOT_LOOKED_INTO = ("Heuristics.Limits.", "Heuristics.Encrypted", "Heuristics.OLE2.ContainsMacros.Encrypted")
_TOO_LARGE = "size limit exceeded"


def scanner(address: str) -> Scanner:
    """Return a scanner behind an address, `unix:/path` or `tcp:host:port`; without one, a scanner that is away."""
    return partial(_scan_or_say_why, address=address)


def _connect(address: str) -> socket.socket:
    kind, _, rest = address.partition(":")
    host, _, port = rest.rpartition(":")
    try:
        if kind == "unix":
            link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            link.settimeout(CONNECT_SECONDS)
            try:
                link.connect(rest)
            except OSError:
                link.close()
                raise
            return link
        if kind == "tcp":
            return socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise ScannerAway(f"No scanner answers at {kind} ({type(error).__name__}).") from None
    raise ScannerAway("No scanner is set up.")


def _scan_or_say_why(chunks: Iterator[bytes], *, address: str) -> Verdict:
    """Send one file and return the verdict. Raises ScannerAway when it gives no verdict about harmless words either,
    ScannerBroke when it does, and what `chunks` raises."""
    try:
        return _scan(chunks, address=address, seconds=ANSWER_SECONDS)
    except ScannerBroke:
        if not _works(address):
            raise ScannerAway("The scanner judges nothing just now.") from None
        raise


def _works(address: str) -> bool:
    with suppress(ScannerBroke):
        return _scan(iter([PROBE]), address=address, seconds=PROBE_SECONDS).state == "clean"
    return False


def _scan(chunks: Iterator[bytes], *, address: str, seconds: float) -> Verdict:
    with _connect(address) as link:
        link.settimeout(seconds)
        try:
            # A daemon that has seen enough stops reading; what it said still counts.
            with suppress(BrokenPipeError, ConnectionResetError):
                link.sendall(b"zINSTREAM\0")
                for chunk in chunks:
                    link.sendall(struct.pack(">I", len(chunk)) + chunk)
                link.sendall(struct.pack(">I", 0))
            return _verdict(_answer(link))
        except OSError as error:
            raise ScannerBroke(type(error).__name__) from None


def _answer(link: socket.socket) -> str:
    answer = b""
    while not answer.endswith(b"\0"):
        more = link.recv(LONGEST_ANSWER)
        if not more or len(answer) > LONGEST_ANSWER:
            raise ScannerBroke("The answer broke off.")
        answer += more
    return answer.rstrip(b"\0").decode("ascii", "replace")


def _verdict(answer: str) -> Verdict:
    if answer == "stream: OK":
        return Verdict(state="clean")
    if found := _FOUND.fullmatch(answer):
        is_unknown = found[1].startswith(_NOT_LOOKED_INTO)
        return Verdict(state="unscannable" if is_unknown else "infected", found=found[1])
    if answer.endswith("ERROR") and _TOO_LARGE in answer:
        return Verdict(state="unscannable", found="too-large")
    raise ScannerBroke("The answer was not understood.")
