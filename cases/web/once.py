"""A form that opens a case is good for one: sent again, by a second press or by Back, it leads to what it opened."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.core import signing
from django.http import HttpRequest

__all__ = ["FIELD", "token", "uid_of"]

FIELD = "once"


def _signer(request: HttpRequest) -> signing.Signer:
    return signing.Signer(salt=f"once:{request.user.pk}")


def token(request: HttpRequest) -> str:
    """Return what a form of this person carries: the signed uid of what it will open, the same for a form that was
    refused."""
    return _signer(request).sign(str(uid_of(request) or uuid4()))


def uid_of(request: HttpRequest) -> UUID | None:
    """Return the uid that the form which was sent carries; None where it carries none, or not one of this person's."""
    try:
        return UUID(_signer(request).unsign(request.POST.get(FIELD, "")))
    except (signing.BadSignature, ValueError):
        return None
