"""Refusals as problem documents (RFC 9457). They say what was wrong with the form of a call, nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from rest_framework import exceptions

from cases.agencies.callback_body import FormRefused
from cases.agencies.inbound import IdReused
from cases.agencies.requests import NotASender
from cases.agencies.strict_json import Unreadable
from cases.kernel.errors import NotAllowed
from cases.kernel.intake import FieldErrors, IntakeRefused

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "The request cannot be read.",
    401: "The signature is not valid.",
    403: "This sender may not do this.",
    404: "There is nothing here.",
    405: "This method is not used here.",
    406: "Only JSON is answered here.",
    411: "The length of the body must be given.",
    413: "The body is too large.",
    415: "Only application/json without content encoding is read.",
    422: "The request cannot be accepted as it stands.",
    429: "Too many requests.",
}


class Problem(exceptions.APIException):
    """A refusal with its status, headers and, where a form is to be corrected, its errors by JSON pointer."""

    def __init__(
        self,
        status: int,
        *,
        errors: list[tuple[str, str, str]] | None = None,
        headers: dict[str, str] | None = None,
        code: str = "",
    ) -> None:
        super().__init__(TITLES[status])
        self.status_code = status
        self.errors = errors or []
        self.headers = headers or {}
        self.code = code


def document(status: int, *, errors: list[tuple[str, str, str]] | None = None, code: str = "") -> dict[str, Any]:
    """Return the members of a problem document."""
    members: dict[str, Any] = {"type": "about:blank", "title": TITLES[status], "status": status}
    if code:
        members["code"] = code
    if errors:
        members["errors"] = [{"pointer": p, "code": c, "detail": d} for p, c, d in errors]
    return members


def response(
    status: int,
    *,
    errors: list[tuple[str, str, str]] | None = None,
    headers: dict[str, str] | None = None,
    code: str = "",
) -> HttpResponse:
    """Return the answer for a refusal."""
    content = json.dumps(document(status, errors=errors, code=code), ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(content.encode("utf-8"), content_type=MEDIA_TYPE, status=status, headers=headers or {})


_REUSED = ("", "webhook_id_reused", "This webhook-id came before with another body.")
# What the one call of a view refuses, in the words of HTTP: the first that fits counts.
REFUSALS: tuple[tuple[type[Exception], Callable[[Any], Problem]], ...] = (
    (Unreadable, lambda fault: Problem(400, code=fault.code)),
    (FormRefused, lambda fault: Problem(422, errors=fault.faults)),
    (FieldErrors, lambda fault: Problem(422, errors=fault.errors)),
    (IntakeRefused, lambda fault: Problem(422, errors=[("", "refused", str(fault))])),
    (IdReused, lambda _fault: Problem(422, errors=[_REUSED])),
    (NotASender, lambda _fault: Problem(403)),
    (NotAllowed, lambda _fault: Problem(403)),
)


def handle(error: Exception, _context: dict[str, Any]) -> HttpResponse | None:
    """Turn what a view raised into a problem document; a fault of ours stays an exception."""
    error = next((said(error) for refusal, said in REFUSALS if isinstance(error, refusal)), error)
    if isinstance(error, Problem):
        return response(error.status_code, errors=error.errors, headers=error.headers, code=error.code)
    if isinstance(error, Http404):
        return response(404)
    if isinstance(error, exceptions.APIException):
        status = error.status_code if error.status_code in TITLES else 400
        allowed = {"Allow": "POST, OPTIONS"} if status == 405 else {}
        return response(status, headers=allowed)
    return None
