"""Public keys of agencies that exchange files: read from what was pasted, in words when they are none. No database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cases.agencies import openpgp
from cases.agencies.openpgp import PgpRefused

__all__ = ["KINDS", "KeyRefused", "PublicKey", "make_ssh_pair", "read"]

KINDS = {"openpgp": "OpenPGP certificate", "ssh_host": "Key of its SFTP server"}
_SENTENCES = {
    "no_certificate": "This is not one public OpenPGP certificate.",
    "certificate_revoked": "This certificate was revoked by its owner.",
    "certificate_expired": "This certificate has ended.",
}


class KeyRefused(Exception):
    """What was pasted is no such key; the message says what is wrong."""


@dataclass(frozen=True, kw_only=True)
class PublicKey:
    """A key as the register keeps it."""

    kind: str
    public: str
    fingerprint: str
    expires_at: datetime | None = None


def read(kind: str, text: str, *, at: datetime) -> PublicKey:
    """Return the one public key of a text. Raises KeyRefused."""
    if kind == "openpgp":
        try:
            found = openpgp.read_public(text, at=at)
        except PgpRefused as refusal:
            raise KeyRefused(_SENTENCES.get(refusal.code, _SENTENCES["no_certificate"])) from refusal
        return PublicKey(kind=kind, public=found.armored, fingerprint=found.fingerprint, expires_at=found.expires_at)
    if kind != "ssh_host":
        raise KeyRefused("Say which kind of key it is.")
    import asyncssh  # noqa: PLC0415 -- slow to load, and few processes read a key

    try:
        key = asyncssh.import_public_key(text.strip())
    except (asyncssh.KeyImportError, ValueError):
        raise KeyRefused("This is not one public SSH key, such as a line that begins with ssh-ed25519.") from None
    return PublicKey(
        kind=kind, public=key.export_public_key().decode("ascii").strip(), fingerprint=key.get_fingerprint()
    )


def make_ssh_pair() -> tuple[str, str]:
    """Return a new private key and its public line."""
    import asyncssh  # noqa: PLC0415 -- as in read

    key = asyncssh.generate_private_key("ssh-ed25519", comment="backoffice")
    return key.export_private_key().decode("ascii"), key.export_public_key().decode("ascii").strip()
