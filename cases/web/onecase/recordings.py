"""Recordings of a case, played in the page: piece by piece as the browser asks, each opened where it begins.

A browser plays them in its own sandbox. It is told what the first bytes said when the file was taken in, and never to
guess; nothing else of a page may come from a document. A still of a video is not drawn (docs/decisions.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from csp.decorators import csp_update
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.evidence import custody
from cases.kernel.models import Evidence
from cases.kernel.reading import queries
from cases.ledger.sealing import Reader
from cases.web import asking
from cases.web.onecase import casepage
from cases.web.onecase.documents import PLAYED, contained, to_hand_out
from cases.web.refusals import problem, screen

__all__ = ["play", "recording"]

PLAYED_EVENT = "case.evidence_played"
SALT = "recording"
VIEWING_SECONDS = 4 * 60 * 60
# A browser that pauses reads no further, and would keep a thread of the office for as long: it asks on for the rest.
PIECE_BYTES = 4 * 1024 * 1024
RANGE = re.compile(r"bytes=([0-9]{0,12})-([0-9]{0,12})")
_lets_media: Any = csp_update({"media-src": "'self'"})


@screen
@require_GET
@never_cache
@_lets_media
def recording(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Show what plays a recording. That somebody plays it is on record here, once; what the page fetches of it is one
    viewing, by the same person, for four hours."""
    actor = asking.actor_of(request)
    file = queries.case_file(actor, uid)
    document, reader = to_hand_out(request, file, number)
    if document.media_type not in PLAYED:
        raise Http404
    try:
        custody.hand_out(
            document, actor=actor, reader=reader, at=asking.now(), request=asking.info(request), verb=PLAYED_EVENT
        )
    except CaseError as error:
        return problem(request, HTTPStatus.CONFLICT, str(error))
    shown = casepage.header(file, "documents", actor) | {
        "number": number,
        "is_video": document.media_type.startswith("video/"),
        "viewing": signing.dumps(_viewing(request, document), salt=SALT),
    }
    return render(request, "cases/recording.html", shown)


def _viewing(request: HttpRequest, document: Evidence) -> list[str]:
    return [asking.actor_of(request).label, str(document.uid)]


@screen
@require_GET
@never_cache
def play(request: HttpRequest, uid: UUID, number: int) -> Any:
    """Hand out a piece of a recording, within a viewing that is on record. Whoever may no longer see it gets nothing
    more of it."""
    try:
        viewing = signing.loads(request.GET.get("viewing", ""), salt=SALT, max_age=VIEWING_SECONDS)
    except signing.BadSignature:
        raise Http404 from None
    file = queries.case_file(asking.actor_of(request), uid)
    document, reader = to_hand_out(request, file, number)
    if document.media_type not in PLAYED or viewing != _viewing(request, document):
        raise Http404
    piece = _asked(request.headers.get("Range", ""), document.size)
    if piece is None:
        refused = HttpResponse(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        refused["Content-Range"] = f"bytes */{document.size}"
        return contained(refused)
    first, last, is_part = piece
    try:
        found = _read(document, first, last, is_part=is_part, reader=reader, at=asking.now())
    except NotAllowed:
        raise
    except CaseError as error:
        return problem(request, HTTPStatus.CONFLICT, str(error))
    response = StreamingHttpResponse(found, content_type=document.media_type)
    response["Accept-Ranges"] = "bytes"
    response["Content-Length"] = str(last - first + 1)
    response["Content-Disposition"] = "inline"
    if is_part:
        response.status_code = HTTPStatus.PARTIAL_CONTENT
        response["Content-Range"] = f"bytes {first}-{last}/{document.size}"
    return contained(response)


def _asked(header: str, size: int) -> tuple[int, int, bool] | None:
    """Return the first and last byte that are given, and whether that is a part: of a part that is asked for, no more
    than one piece; all of it for a header that asks for several parts or is none, both as RFC 9110 lets us; None for
    what is not there."""
    found = RANGE.fullmatch(header.strip())
    if found is None or not any(found.groups()):
        return 0, size - 1, False
    begins, ends = found.groups()
    first = int(begins) if begins else max(0, size - int(ends))
    last = min(int(ends), size - 1) if begins and ends else size - 1
    return (first, min(last, first + PIECE_BYTES - 1), True) if first <= last else None


def _read(document: Evidence, first: int, last: int, *, is_part: bool, reader: Reader, at: datetime) -> Iterator[bytes]:
    """Return the bytes that were asked for: of a piece what holds it is read alone, and the whole proves its hash."""
    if is_part:
        return custody.open_piece(document, first, last, reader=reader, at=at)
    return custody.open_again(document, reader=reader, at=at).chunks
