"""What a session has proved: which factors were used in it and how long ago. Reads the session before the database."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest

from cases.kernel.models import User

__all__ = [
    "DEMO",
    "has_second_factor",
    "is_complete",
    "others",
    "record",
    "rotate",
    "signed_in_recently",
    "stepped_up",
]

DEMO = "demo"
STRONG = ("totp", "webauthn")


def has_second_factor(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether the person has an authenticator app or a security key."""
    return user.is_authenticated and Authenticator.objects.filter(user_id=user.pk, type__in=STRONG).exists()


def others(authenticator: Authenticator) -> QuerySet[Authenticator]:
    """Return the person's other authenticator apps and keys."""
    strong = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=STRONG)
    return strong.exclude(pk=authenticator.pk)


def is_complete(request: HttpRequest) -> bool:
    """Whether this session was opened with a second factor, or by one click in demo mode. No query."""
    return any(_is_second(record) for record in get_authentication_records(request, _person(request)))


def signed_in_recently(request: HttpRequest) -> bool:
    """Whether the last proof of this session, of whatever kind, is fresh enough to set up a second factor."""
    records = get_authentication_records(request, _person(request))
    return bool(records) and _is_fresh(records[-1])


def stepped_up(request: HttpRequest) -> str:
    """Return the factor with which this session was confirmed in the last five minutes, or nothing."""
    for entry in reversed(get_authentication_records(request, _person(request))):
        if entry.get("reauthenticated") and _is_second(entry) and entry.get("type") != "recovery_codes":
            return str(entry["type"]) if _is_fresh(entry) else ""
    return ""


def record(request: HttpRequest, user: User, factor: str, *, reauthenticated: bool) -> None:
    """Remember in the session that `factor` was just shown."""
    record_authentication(request, user, "mfa", type=factor, reauthenticated=reauthenticated)


def rotate(request: HttpRequest) -> None:
    """Give the session a new key, and keep it in the list of the person's sessions."""
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


def _person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _is_second(entry: dict[str, Any]) -> bool:
    factor = entry.get("type")
    return entry["method"] == "mfa" and (factor != DEMO or settings.DEMO)


def _is_fresh(entry: dict[str, Any]) -> bool:
    return 0 <= time.time() - float(entry["at"]) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
