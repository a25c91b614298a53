"""The key files once more, for the day on which every copy of the folder is lost: one sealed bundle, and a share for
each custodian. Any two of them open it together, none alone.

The bundle is sealed by a key made for it. That key is split for each pair of custodians into one random half and its
exclusive-or with the key: either half alone is noise. No secret-sharing arithmetic of our own is needed for that.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cases.ledger.errors import LedgerError
from cases.ledger.keys import KEY_BYTES, KEY_NAME

FEWEST, MOST = 2, 9
NONCE_BYTES = 12
FORM = "backoffice key escrow 1"


class EscrowBroken(LedgerError):
    """The bundle and the shares do not fit together, or one of them was altered."""


@dataclass(frozen=True)
class Escrow:
    """What leaves the machine: the bundle for anybody's safe, and the text of each custodian's share."""

    bundle: str
    shares: tuple[str, ...]


def make(files: Mapping[str, bytes], *, custodians: int, at: datetime) -> Escrow:
    """Seal `files` for so many custodians. Raises EscrowBroken unless there are from 2 to 9 of them."""
    if not FEWEST <= custodians <= MOST:
        raise EscrowBroken(f"There are from {FEWEST} to {MOST} custodians.")
    name = f"{at:%Y%m%d}-{secrets.token_hex(4)}"
    key, nonce = AESGCM.generate_key(256), secrets.token_bytes(NONCE_BYTES)
    plain = json.dumps({file: _text(content) for file, content in sorted(files.items())}).encode()
    sealed = nonce + AESGCM(key).encrypt(nonce, plain, _bound(name))
    halves: list[dict[str, str]] = [{} for _ in range(custodians)]
    for one, other in combinations(range(custodians), 2):
        half = secrets.token_bytes(len(key))
        halves[one][f"{one + 1}+{other + 1}"] = _text(half)
        halves[other][f"{one + 1}+{other + 1}"] = _text(_xor(half, key))
    shares = tuple(
        json.dumps({"form": FORM, "escrow": name, "custodian": number, "of": custodians, "halves": held}, indent=1)
        for number, held in enumerate(halves, start=1)
    )
    return Escrow(json.dumps({"form": FORM, "escrow": name, "sealed": _text(sealed)}, indent=1), shares)


def open_bundle(bundle: str, one: str, other: str) -> dict[str, bytes]:
    """Return the key files of a bundle, opened by the shares of two custodians. Raises EscrowBroken."""
    held, first, second = (_read(text) for text in (bundle, one, other))
    if not held["escrow"] == first.get("escrow") == second.get("escrow"):
        raise EscrowBroken(
            "Bundle and shares are not of one escrow: the name after 'escrow' must be the same in all three."
        )
    pairs = set(first.get("halves", {})) & set(second.get("halves", {}))
    if len(pairs) != 1:
        raise EscrowBroken("Two shares of two different custodians are needed.")
    (pair,) = pairs
    try:
        sealed = base64.b64decode(held["sealed"], validate=True)
        key = _xor(*(base64.b64decode(share["halves"][pair], validate=True) for share in (first, second)))
        plain = AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound(held["escrow"]))
    except (InvalidTag, ValueError, KeyError):
        raise EscrowBroken("The bundle does not open: it or a share was altered.") from None
    return _files(plain)


def _files(plain: bytes) -> dict[str, bytes]:
    files = {name: base64.b64decode(text) for name, text in json.loads(plain).items()}
    if not all(KEY_NAME.fullmatch(name) and len(content) == KEY_BYTES for name, content in files.items()):
        raise EscrowBroken("The bundle holds something that is no key.")
    return files


def _read(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("form") != FORM:
        raise EscrowBroken("One of the files is no bundle and no share of this program.")
    return content


def _bound(name: str) -> bytes:
    return f"{FORM} {name}".encode()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=True))
