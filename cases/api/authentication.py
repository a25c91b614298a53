"""Who is calling: gates before a byte is read, then the signature over the raw bytes. No cookie counts here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.request import RawPostDataException, UnreadablePostError
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from cases.agencies import limits, senders
from cases.agencies.senders import Sender
from cases.agencies.signatures import SignatureRefused
from cases.api.problems import Problem
from cases.ledger import security
from cases.ledger.sealing import keyed_hash

LONGEST_CODE = 40
NOTED = (1, 10, 100, 1000)
CHALLENGE = {"WWW-Authenticate": 'Signature realm="api"'}


@dataclass(frozen=True)
class Call:
    """A call whose sender is proven. Stands where DRF expects a user."""

    sender: Sender
    raw: bytes
    ip_token: str
    at: datetime
    is_authenticated: bool = True


class SignedCall(BaseAuthentication):
    """Standard Webhooks over the raw body. A view names its `largest_body` and says who claims to call."""

    def authenticate(self, request: Request) -> tuple[Call, str]:
        """Return the call. Raises Problem: 400, 401, 411, 413, 415 or 429, in the order of what costs least."""
        view: Any = request.parser_context["view"]
        plain: HttpRequest = request._request
        _gate(plain, largest=view.largest_body)
        at = datetime.now(UTC)
        ip_token = _ip_token(plain)
        with _limited():
            limits.count(f"address:{ip_token}", most=senders.ADDRESS_CALLS_PER_MINUTE)
        raw = _body(plain)
        code = view.sender_code(request)[: LONGEST_CODE + 1]
        try:
            sender = senders.authenticate(code, _headers(plain), raw, now=at)
        except SignatureRefused as refusal:
            _note_refusal(refusal.reason, ip_token, at=at)
            senders.count_refusal(code, refusal.reason, now=at)
            raise Problem(401, headers=CHALLENGE) from refusal
        with _limited():
            sender = view.counted(sender, now=at)
        return Call(sender, raw, ip_token, at), sender.key_name

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE["WWW-Authenticate"]


def _note_refusal(reason: str, ip_token: str, *, at: datetime) -> None:
    """Put a refused call in the security log, where nothing is ever removed: of each address and reason the first, the
    tenth, the hundredth of a minute, so that nobody fills it or hides another call among theirs."""
    count = limits.count(f"refused:{reason}:{ip_token}", most=NOTED[-1] ** 3)
    if count in NOTED:
        security.note("signature_refused", actor="anonymous", at=at, act=reason, address=ip_token, count=count)


def _gate(request: HttpRequest, *, largest: int) -> None:
    """Look at the headers alone: type, encoding, length."""
    media_type, _, parameters = request.META.get("CONTENT_TYPE", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise Problem(415)
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise Problem(415)
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length or request.META.get("HTTP_TRANSFER_ENCODING"):
        raise Problem(411)
    if not (length.isascii() and length.isdigit()):
        raise Problem(400)
    if len(length) > 12 or int(length) > largest:
        raise Problem(413)


def _body(request: HttpRequest) -> bytes:
    try:
        raw = request.body
    except (UnreadablePostError, RawPostDataException) as error:
        raise Problem(400) from error
    if len(raw) != int(request.META["CONTENT_LENGTH"]):
        raise Problem(400)
    return raw


def _headers(request: HttpRequest) -> dict[str, str]:
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return {name: request.headers.get(name, "") for name in names}


def _ip_token(request: HttpRequest) -> str:
    """Return a token of the caller's address: of the hop that the outermost proxy we trust has seen."""
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    trusted = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    address = hops[-trusted] if 0 < trusted <= len(hops) else request.META.get("REMOTE_ADDR", "")
    return keyed_hash("remote_address", address).hex()[:32]


@contextmanager
def _limited() -> Iterator[None]:
    try:
        yield
    except limits.TooMany as error:
        raise Problem(429, headers={"Retry-After": str(error.retry_after)}) from error
