"""Seals the secrets of sign-in (authenticator seeds, recovery seeds, drafts) under keys kept outside the database."""

from __future__ import annotations

import base64
from collections import Counter

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import transaction

from cases.ledger import keys

__all__ = ["SecretUnreadable", "open_secret", "reseal", "seal_secret", "sealed_by_kek"]

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
    except keys.KeyMissing as error:
        if ttl is None:
            raise
        raise SecretUnreadable from error  # it was to die within minutes; its key was rotated away


def _sealed_items(authenticator: Authenticator) -> list[tuple[str, str]]:
    """Return the items of one second factor that are sealed, each with the name of its key."""
    texts = ((item, value) for item, value in authenticator.data.items() if isinstance(value, str))
    return [(item, text.partition(":")[0]) for item, text in texts if text.startswith(keys.KEK_PREFIX)]


def sealed_by_kek() -> Counter[str]:
    """Return how many secrets of second factors each wrapping key seals."""
    found = Authenticator.objects.iterator()
    return Counter(name for authenticator in found for _, name in _sealed_items(authenticator))


def reseal() -> int:
    """Seal every secret of a second factor anew under the newest wrapping key; return how many factors were changed.

    Locks one row at a time. Raises KeyMissing.
    """
    newest = keys.current_kek()
    changed = 0
    for pk in Authenticator.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            authenticator = Authenticator.objects.select_for_update().filter(pk=pk).first()
            older = [item for item, name in _sealed_items(authenticator) if name != newest] if authenticator else []
            if authenticator and older:
                authenticator.data |= {item: seal_secret(open_secret(authenticator.data[item])) for item in older}
                authenticator.save(update_fields=["data"])
                changed += 1
    return changed
