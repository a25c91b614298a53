"""Encrypts and signs what comes in by its pipe, piece by piece. Runs alone in a child process: imports nothing of ours.

First come the lengths of a certificate and of a key, then the two, then the bytes; out comes one OpenPGP message.
"""

from __future__ import annotations

import os
import sys

from pysequoia import Cert, Tsk, encrypt_file

__all__ = ["begun"]

LENGTHS = 20


def begun(recipient: str, signer: str) -> bytes:
    """Return what is sent before the bytes."""
    keys = (recipient.encode(), signer.encode())
    return b"".join([f"{len(keys[0]):9d} {len(keys[1]):9d}\n".encode(), *keys])


def _exactly(count: int) -> bytes:
    """Read so many bytes and not one more: what follows is for the library, which opens the pipe anew."""
    found = b""
    while len(found) < count and (more := os.read(0, count - len(found))):
        found += more
    return found


def _main() -> None:
    certificate, key = (_exactly(int(length)) for length in _exactly(LENGTHS).split())
    encrypt_file(
        input="/dev/stdin",
        output="/dev/stdout",
        recipients=[Cert.from_bytes(certificate)],
        signer=Tsk.from_bytes(key).signer(),
        armor=False,
    )


if __name__ == "__main__":
    try:
        _main()
    except Exception:  # noqa: BLE001 -- its errors carry the stack of another language
        sys.exit(1)
