"""OpenPGP: encrypt and sign what leaves, open and prove what comes. A thin face of Sequoia (pysequoia); no database.

Its errors carry the stack of another language, so none of their text is kept. It encrypts to an expired certificate
without a word, so expiry and revocation are looked at here, at every use.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from pysequoia import Cert, Tsk, encrypt

from cases.agencies import pgpopen, pgppipe

__all__ = [
    "PgpRefused",
    "Public",
    "make_pair",
    "open_signed",
    "read_public",
    "seal_signed",
    "seal_signed_pieces",
    "why_not",
]

PIECE = 64 * 1024
# A file of an agency, opened: the most that one takes of the memory of whoever asks.
LARGEST_OPENED = 256 * 1024 * 1024
# How the child finds its libraries, and nothing secret.
ENVIRONMENT = ("PATH", "LANG", "LD_LIBRARY_PATH")


_ENDED = {pgpopen.SIGNER_UNKNOWN: "signer_unknown", pgpopen.COMPRESSED: "compressed"}


class PgpRefused(Exception):
    """What was given is no such key, or cannot be opened, or is not signed by whom it must be. `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Public:
    """A certificate as the register keeps it."""

    armored: str
    fingerprint: str
    expires_at: datetime | None


def make_pair(name: str) -> tuple[str, Public]:
    """Return a new private key, armored, and its public half. It has no end of its own: people end it."""
    secret = Tsk.generate(name)
    return str(secret), _public(secret.extract_certificate())


def read_public(text: str, *, at: datetime) -> Public:
    """Return the one certificate of an armored text. Raises PgpRefused: none, several, secret, revoked or expired."""
    data = text.strip().encode("utf-8", "replace")
    try:
        found = Cert.split_bytes(data)
    except Exception:  # noqa: BLE001 -- the library raises bare classes of its own for any malformed input
        raise PgpRefused("no_certificate") from None
    if len(found) != 1 or b"PRIVATE KEY" in data:
        raise PgpRefused("no_certificate")
    if refusal := _why_not(found[0], at=at):
        raise PgpRefused(refusal)
    return _public(found[0])


def why_not(armored: str, *, at: datetime) -> str:
    """Return why nothing may be encrypted to a certificate now, or nothing."""
    try:
        return _why_not(Cert.from_bytes(armored.encode()), at=at)
    except Exception:  # noqa: BLE001 -- as above
        return "no_certificate"


def _why_not(cert: Cert, *, at: datetime) -> str:
    if cert.is_revoked:
        return "certificate_revoked"
    return "certificate_expired" if cert.expiration is not None and cert.expiration <= at else ""


def _public(cert: Cert) -> Public:
    return Public(armored=str(cert), fingerprint=cert.fingerprint.upper(), expires_at=cert.expiration)


def seal_signed(data: bytes, *, recipient: str, signer: str, at: datetime) -> bytes:
    """Return `data` encrypted to one certificate and signed with our key, not armored. Raises PgpRefused."""
    if refusal := why_not(recipient, at=at):
        raise PgpRefused(refusal)
    try:
        cert = Cert.from_bytes(recipient.encode())
        return bytes(encrypt(data, recipients=[cert], signer=Tsk.from_bytes(signer.encode()).signer(), armor=False))
    except Exception:  # noqa: BLE001 -- as above
        raise PgpRefused("not_encrypted") from None


def seal_signed_pieces(pieces: Iterable[bytes], *, recipient: str, signer: str, at: datetime) -> Iterator[bytes]:
    """Yield what `seal_signed` returns, piece by piece while pieces are read, so that neither is ever whole in memory.

    A child process does it: the library reads and writes files, and keeps every thread waiting while it does. The key
    goes to it by its pipe. What reading raises is raised; whoever takes the pieces must then drop what they have.
    """
    if refusal := why_not(recipient, at=at):
        raise PgpRefused(refusal)
    with _child(pgppipe.__file__, stderr=subprocess.DEVNULL) as child, ThreadPoolExecutor(1) as aside:
        try:
            fed = aside.submit(_feed, child.stdin, pgppipe.begun(recipient, signer), pieces)  # type: ignore[arg-type]  # -- it is a pipe
            while piece := child.stdout.read(PIECE):  # type: ignore[union-attr]  # -- as above
                yield piece
            fed.result()
            if child.wait():
                raise PgpRefused("not_encrypted")
        except BrokenPipeError:
            raise PgpRefused("not_encrypted") from None
        finally:
            child.kill()


def _child(program: str, *, stderr: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
        cwd="/",
    )


def _feed(pipe: BinaryIO, begun: bytes, pieces: Iterable[bytes]) -> None:
    try:
        pipe.write(begun)
        for piece in pieces:
            pipe.write(piece)
        pipe.flush()
    finally:
        with suppress(BrokenPipeError):
            pipe.close()


def open_signed(
    data: bytes, *, secrets: Iterable[str], signers: Iterable[str], most: int = LARGEST_OPENED
) -> tuple[bytes, str]:
    """Return what was encrypted to one of our keys, and the fingerprint of the certificate that signed it.

    A child process opens it, and nothing of it is kept before its signature counts: anybody can encrypt to a public
    key, and a thousandfold of what they send. Raises PgpRefused: `unreadable` when it was cut off, altered or not meant
    for us, `signer_unknown` when it opens but none of the given certificates has signed it, `compressed` when it is so
    within the encryption, where no signature is looked for, `too_large` when it opens to more than `most` bytes or
    takes more than the child may.
    """
    begun = pgpopen.begun(list(secrets), list(signers))
    with _child(pgpopen.__file__, stderr=subprocess.PIPE) as child, ThreadPoolExecutor(2) as aside:
        try:
            fed = aside.submit(_feed, child.stdin, begun, [data])  # type: ignore[arg-type]  # -- it is a pipe
            counted = aside.submit(_is_larger, child, most)
            signer = child.stdout.readline().decode().strip()  # type: ignore[union-attr]  # -- as above
            plain = child.stdout.read()  # type: ignore[union-attr]  # -- as above
            is_larger = counted.result()
            with suppress(BrokenPipeError):  # it ended early; its code says why
                fed.result()
            ended = child.wait()
        finally:
            child.kill()
    if is_larger or ended < 0:
        raise PgpRefused("too_large")
    if ended or not signer:
        raise PgpRefused(_ENDED.get(ended, "unreadable"))
    return plain, signer


def _is_larger(child: subprocess.Popen[bytes], most: int) -> bool:
    """Count what a child opens, and keep none of it. End the child and say so once it is more than `most`."""
    count = 0
    while piece := child.stderr.read(PIECE):  # type: ignore[union-attr]  # -- it is a pipe
        count += len(piece)
        if count > most:
            child.kill()
            return True
    return False
