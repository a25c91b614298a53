"""What a request says about who asks: the acting person, the request's id, a keyed token of its address."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from cases.kernel import actors, policy
from cases.kernel.actors import Actor
from cases.kernel.models import User
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = ["actor_of", "info", "now", "reader", "request_id", "user_of"]


def now() -> datetime:
    """Read the clock. Only faces do."""
    return timezone.now()


def user_of(request: HttpRequest) -> User:
    """Return the person signed in; every page but the entrance requires one. Raises TypeError for nobody."""
    if not isinstance(request.user, User):
        raise TypeError("Nobody is signed in.")
    return request.user


def actor_of(request: HttpRequest) -> Actor:
    """Return the acting identity of the person signed in."""
    return actors.staff(user_of(request))


def request_id(request: HttpRequest) -> str:
    """Return the id under which this request is on record, the same one for the whole request."""
    known: Any = request
    if not hasattr(known, "backoffice_request_id"):
        known.backoffice_request_id = uuid4().hex
    return str(known.backoffice_request_id)


def info(request: HttpRequest) -> ledger.RequestInfo:
    """Return what the ledger keeps of a request: its id and a keyed token of its address, never the address.

    Behind proxies that we trust it is the address that the outermost of them has seen."""
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    trusted = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    address = hops[-trusted] if 0 < trusted <= len(hops) else request.META.get("REMOTE_ADDR", "")
    return ledger.RequestInfo(id=request_id(request), ip_token=sealing.keyed_hash("ip_address", address).hex()[:32])


def reader(
    request: HttpRequest, verb: str, purpose: str, *streams: Any, fields: tuple[str, ...] = ()
) -> sealing.Reader:
    """Return who reads sealed values for a page, how and why."""
    return sealing.Reader(
        actor=actor_of(request).label,
        verb=verb,
        purpose=purpose,
        streams=streams,
        fields=fields,
        request_id=request_id(request),
        break_glass=purpose == policy.BREAK_GLASS,
    )
