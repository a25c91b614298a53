"""Opens what came encrypted, in memory that does not grow with it. Runs alone in a child process: imports nothing of
ours.

In come one line of JSON with our keys and the certificates that count, then the bytes. They are opened twice: first
into the error pipe, where the parent counts and keeps nothing; only what one of the certificates signed is opened once
more, into the output, after a line with that certificate's fingerprint. The exit code says what is wrong.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
from collections.abc import Callable

from pysequoia import Cert, Tsk, decrypt_file

__all__ = ["COMPRESSED", "SIGNER_UNKNOWN", "UNREADABLE", "begun"]

UNREADABLE, SIGNER_UNKNOWN, COMPRESSED = 3, 4, 5
# What the library says of a message whose signature does not stand directly within the encryption: it is compressed, as
# GnuPG does unless told otherwise, and the library looks for no signature there.
_OTHERWISE_BUILT = "Unexpected message structure"
CPU_SECONDS = 60
MEMORY_BYTES = 1024 * 1024 * 1024


def begun(secrets: list[str], signers: list[str]) -> bytes:
    """Return what is sent before the bytes."""
    return json.dumps([secrets, signers]).encode() + b"\n"


def _opened(path: str, output: str, secret: str, store: Callable[[object], list[Cert]] | None) -> str | None:
    """Write what opens with a key to a path; return who signed it, "" if nobody that counts did, None if none opens.
    Raises ValueError for a message that is compressed."""
    try:
        decryptor = Tsk.from_bytes(secret.encode()).decryptor()
        found = decrypt_file(input=path, output=output, decryptor=decryptor, store=store)
    except Exception as error:  # noqa: BLE001 -- the library raises bare classes of its own for any malformed input
        if _OTHERWISE_BUILT in str(error):
            raise ValueError from error
        return None
    return str(found.valid_sigs[0].certificate).upper() if found.valid_sigs else ""


def _main() -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    secrets, signers = json.loads(sys.stdin.buffer.readline())
    known = [Cert.from_bytes(each.encode()) for each in signers]
    is_readable = False
    with os.fdopen(os.memfd_create("carried"), "w+b") as carried:
        shutil.copyfileobj(sys.stdin.buffer, carried)
        carried.flush()
        path = f"/proc/self/fd/{carried.fileno()}"
        for secret in secrets:
            try:
                signer = _opened(path, "/dev/stderr", secret, lambda _wanted: known)
            except ValueError:
                return COMPRESSED
            if signer:
                os.write(1, f"{signer}\n".encode())
                return 0 if _opened(path, "/dev/stdout", secret, lambda _wanted: known) == signer else UNREADABLE
            is_readable = is_readable or signer == "" or _opened(path, "/dev/stderr", secret, None) is not None
    return SIGNER_UNKNOWN if is_readable else UNREADABLE


if __name__ == "__main__":
    sys.exit(_main())
