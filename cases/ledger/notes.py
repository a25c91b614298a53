"""A checkpoint as a text that anybody can keep and verify: a signed note as C2SP describes it (c2sp.org/signed-note,
c2sp.org/tlog-checkpoint), with Ed25519.

The key is a file like the others of keys.py, `sign-v1`, which only the process that seals needs. Losing it loses
nothing: what was signed is verified with the public key, and a new key goes on.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cases.ledger import keys
from cases.ledger.canonical import timestamp
from cases.ledger.errors import LedgerError

__all__ = ["Note", "NoteUnreadable", "check", "make_key", "public_key", "read", "split", "write"]

NAME = "backoffice-ledger"
KEY = "sign-v1"
ED25519 = b"\1"


class NoteUnreadable(LedgerError):
    """This is no checkpoint, or nobody we know signed it."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """What a checkpoint says: how many leaves there were, their root, and when; and whether the key that was given
    signed it."""

    size: int
    root: bytes
    at: str
    is_signed: bool


def make_key() -> bool:
    """Make the signing key if there is none; say whether it was made. Raises OSError where the folder cannot be
    written."""
    if (keys.directory() / KEY).exists():
        return False
    keys.write(keys.directory() / KEY, secrets.token_bytes(keys.KEY_BYTES))
    return True


def _private() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(keys.load(KEY)[:32])


def _raw(public: Ed25519PublicKey) -> bytes:
    return ED25519 + public.public_bytes_raw()


def _key_id(raw: bytes) -> bytes:
    return sha256(NAME.encode() + b"\n" + raw).digest()[:4]


def public_key() -> str:
    """Return the public key as who verifies writes it: name, number and key, with plus signs between. Raises
    KeyMissing."""
    raw = _raw(_private().public_key())
    return f"{NAME}+{_key_id(raw).hex()}+{base64.b64encode(raw).decode()}"


def write(*, size: int, root: bytes, at: datetime) -> str:
    """Return a signed note of so many leaves with this root. Raises KeyMissing."""
    private = _private()
    text = f"{NAME}\n{size}\n{base64.b64encode(root).decode()}\nat {timestamp(at)}\n"
    signature = _key_id(_raw(private.public_key())) + private.sign(text.encode())
    return f"{text}\n— {NAME} {base64.b64encode(signature).decode()}\n"


def split(text: str) -> list[str]:
    """Return the notes of a file, in their order, whatever stands between them; each begins with the ledger's name."""
    lines = text.replace("\r\n", "\n").split("\n")
    starts = [place for place, line in enumerate(lines) if line == NAME]
    return [
        "\n".join(lines[start:end]).strip() + "\n"
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=False)
    ]


def read(note: str, *, public: Iterable[str]) -> Note:
    """Return what a note says, and whether one of these keys signed it. Raises NoteUnreadable for what is no note or no
    key."""
    text, _, signatures = note.partition("\n\n")
    lines = text.split("\n")
    try:
        name, size, root = lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
    except (IndexError, ValueError, binascii.Error):
        raise NoteUnreadable("This is no checkpoint of a ledger.") from None
    if name != NAME or size < 0 or len(root) != sha256().digest_size:
        raise NoteUnreadable("This is no checkpoint of a ledger.")
    is_signed = any([_is_signed(f"{text}\n", signatures, each) for each in public])  # every key is looked at
    at = next((line.removeprefix("at ") for line in lines[3:] if line.startswith("at ")), "")
    return Note(size=size, root=root, at=at, is_signed=is_signed)


def _key(public: str) -> tuple[bytes, Ed25519PublicKey]:
    """Return a public key from how it is written; its name and number must be its own."""
    try:
        name, number, text = public.split("+", 2)
        raw = base64.b64decode(text, validate=True)
        key = Ed25519PublicKey.from_public_bytes(raw.removeprefix(ED25519))
    except (ValueError, binascii.Error):
        raise NoteUnreadable("This is no public key of a ledger.") from None
    if (name, number) != (NAME, _key_id(raw).hex()):
        raise NoteUnreadable("This public key is mistyped.")
    return raw, key


def check(public: Iterable[str]) -> None:
    """Raise NoteUnreadable for a public key that is none."""
    for each in public:
        _key(each)


def _is_signed(text: str, signatures: str, public: str) -> bool:
    raw, key = _key(public)
    for line in signatures.splitlines():
        try:
            given = base64.b64decode(line.rpartition(" ")[2], validate=True)
            key.verify(given[4:], text.encode())
        except (ValueError, binascii.Error, InvalidSignature):
            continue
        if given[:4] == _key_id(raw):
            return True
    return False
