"""Refusals as problem documents (RFC 9457). They say what was wrong with the form of a call, nothing else."""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404, HttpResponse
from rest_framework import exceptions

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


def handle(error: Exception, _context: dict[str, Any]) -> HttpResponse | None:
    """Turn what a view raised into a problem document; a fault of ours stays an exception."""
    if isinstance(error, Problem):
        return response(error.status_code, errors=error.errors, headers=error.headers, code=error.code)
    if isinstance(error, Http404):
        return response(404)
    if isinstance(error, exceptions.APIException):
        status = error.status_code if error.status_code in TITLES else 400
        allowed = {"Allow": "POST, OPTIONS"} if status == 405 else {}
        return response(status, headers=allowed)
    return None
