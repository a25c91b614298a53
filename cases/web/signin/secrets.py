"""Seals the secrets of sign-in (authenticator seeds, recovery seeds, drafts) under keys kept outside the database."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cases.ledger import keys

__all__ = ["SecretUnreadable", "open_secret", "seal_secret"]

PURPOSE = b"backoffice sign-in secrets v1"


class SecretUnreadable(Exception):
    """The text was not sealed by us, or the key that sealed it is gone."""


def _fernet(key_name: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(keys.load(key_name))
    return Fernet(base64.urlsafe_b64encode(derived))


def seal_secret(text: str) -> str:
    """Return `text` sealed under the current wrapping key, naming that key. Raises KeyMissing."""
    name = keys.current_kek()
    return f"{name}:{_fernet(name).encrypt(text.encode()).decode()}"


def open_secret(sealed: str, *, ttl: int | None = None) -> str:
    """Return what was sealed, unless it is older than `ttl` seconds. Raises SecretUnreadable or KeyMissing."""
    name, _, token = sealed.partition(":")
    if not name.startswith(keys.KEK_PREFIX) or "/" in name:
        raise SecretUnreadable
    try:
        return _fernet(name).decrypt(token.encode(), ttl=ttl).decode()
    except InvalidToken as error:
        raise SecretUnreadable from error
