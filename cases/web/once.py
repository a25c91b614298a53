"""A form that opens a case, or adds a row to one, is good for one: sent again, by a second press, by Back or by a
browser that tries anew, it leads to what it made."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.core import signing
from django.db.models import Model
from django.http import HttpRequest

__all__ = ["FIELD", "SENT", "fresh", "has_made", "token", "uid_of"]

FIELD = "once"
SENT = "This form was sent already. Nothing more was written."


def _signer(request: HttpRequest) -> signing.Signer:
    return signing.Signer(salt=f"once:{request.user.pk}")


def token(request: HttpRequest) -> str:
    """Return what a form of this person carries: the signed uid of what it will open, the same for a form that was
    refused."""
    return _signer(request).sign(str(uid_of(request) or uuid4()))


def fresh(request: HttpRequest) -> str:
    """Return the same for a form that carries nothing on, and look at nothing that was sent: a file may be part of
    it."""
    return _signer(request).sign(str(uuid4()))


def uid_of(request: HttpRequest) -> UUID | None:
    """Return the uid that the form which was sent carries; None where it carries none, or not one of this person's."""
    try:
        return UUID(_signer(request).unsign(request.POST.get(FIELD, "")))
    except (signing.BadSignature, ValueError):
        return None


def has_made(request: HttpRequest, model: type[Model]) -> bool:
    """Say whether the row is there that the form which was sent makes: it was sent before. One query, or none."""
    uid = uid_of(request)
    return uid is not None and model._default_manager.filter(uid=uid).exists()
