"""Standard Webhooks signatures (`v1`, HMAC-SHA256 over `id.timestamp.body`), the same both ways.

A secret belongs to one channel and one direction, since the scheme binds neither host nor path. Knows no database.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

PREFIX = "whsec_"
WINDOW_SECONDS = 300
LONGEST_SIGNATURE_HEADER = 1024
MOST_SIGNATURES = 8
MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_NOBODY = b"a secret that nobody holds, so that an unknown sender costs the same"


class SignatureRefused(Exception):
    """The sender is not shown to be who they say. `reason` is a code for our log, never for the answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Envelope:
    """The three headers of a signed message, checked for form only."""

    message_id: str
    timestamp: int
    signatures: tuple[bytes, ...]


def new_secret() -> str:
    """Return a fresh 32-byte secret in its `whsec_` form."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def sign(message_id: str, timestamp: int, body: bytes, *, live_secrets: list[str]) -> str:
    """Return the `webhook-signature` value: one signature for each live secret, newest first."""
    made = (_digest(_raw(secret), message_id, timestamp, body) for secret in live_secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode('ascii')}" for digest in made)


def read(headers: Mapping[str, str]) -> Envelope:
    """Return the envelope. Raises SignatureRefused for missing, overlong or malformed headers."""
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    value = headers.get("webhook-signature", "")
    if not MESSAGE_ID.fullmatch(message_id):
        raise SignatureRefused("id_malformed")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise SignatureRefused("timestamp_malformed")
    if not value or len(value) > LONGEST_SIGNATURE_HEADER:
        raise SignatureRefused("signature_malformed")
    return Envelope(message_id, int(timestamp), _signatures(value))


def verify(envelope: Envelope, body: bytes, *, live_secrets: Mapping[str, str], now: datetime) -> str:
    """Return the name of the secret that signed `body`. Raises SignatureRefused.

    Every secret is tried against every signature in constant time; with no secret at all the work is the same.
    """
    found = ""
    for name, secret in (live_secrets or {"": ""}).items():
        expected = _digest(_raw(secret) if secret else _NOBODY, envelope.message_id, envelope.timestamp, body)
        for signature in envelope.signatures:
            if hmac.compare_digest(expected, signature):
                found = name
    if not found:
        raise SignatureRefused("no_secret_fits")
    if abs(now.timestamp() - envelope.timestamp) > WINDOW_SECONDS:
        raise SignatureRefused("outside_window")
    return found


def _signatures(value: str) -> tuple[bytes, ...]:
    parts = value.split(" ")
    if len(parts) > MOST_SIGNATURES:
        raise SignatureRefused("too_many_signatures")
    found = []
    for part in parts:
        version, _, encoded = part.partition(",")
        if version != "v1":
            continue
        found.append(_decoded(encoded))
    if not found:
        raise SignatureRefused("no_known_version")
    return tuple(found)


def _decoded(encoded: str) -> bytes:
    """Return the bytes of one signature. Only their one canonical spelling counts: base64 has spare bits at its end."""
    try:
        signature = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise SignatureRefused("signature_malformed") from error
    if base64.b64encode(signature).decode("ascii") != encoded:
        raise SignatureRefused("signature_malformed")
    return signature


def _raw(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)


def _digest(key: bytes, message_id: str, timestamp: int, body: bytes) -> bytes:
    return hmac.new(key, f"{message_id}.{timestamp}.".encode("ascii") + body, hashlib.sha256).digest()
