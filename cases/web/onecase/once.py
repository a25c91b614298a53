"""A form that opens a case, or adds a row to one, is good for one: sent again, by a second press, by Back or by a
browser that tries anew, it leads to what it made."""

from __future__ import annotations

from uuid import UUID, uuid4, uuid5

from django.core import signing
from django.db.models import Model
from django.http import HttpRequest

__all__ = ["FIELD", "SENT", "fresh", "has_made", "token", "uid_of", "uid_of_sent"]

FIELD = "once"
NOT_TYPED = frozenset({FIELD, "csrfmiddlewaretoken"})
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


def uid_of_sent(request: HttpRequest, *files: str) -> UUID | None:
    """Return the uid of exactly what was sent by a form that adds a row: the same again is the same row, and what
    somebody types anew into a page that they went back to is another. `files` says what was sent beside the fields."""
    uid = uid_of(request)
    fields = sorted((name, given) for name, given in request.POST.lists() if name not in NOT_TYPED)
    return uuid5(uid, repr((fields, files))) if uid else None


def has_made(model: type[Model], uid: UUID | None) -> bool:
    """Say whether the row is there that a form makes: it was sent before. One query, or none."""
    return uid is not None and model._default_manager.filter(uid=uid).exists()
