"""A letter that was written to somebody about a case, as it was written."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cases.kernel.reading import queries
from cases.reports.letters import open_letter
from cases.web import asking
from cases.web.onecase.documents import attachment, why_handed_out
from cases.web.refusals import problem, screen

__all__ = ["sent_letter"]


@screen
@require_GET
@never_cache
def sent_letter(request: HttpRequest, uid: UUID, letter: UUID) -> HttpResponse:
    """Hand out one letter as an attachment, to whoever may download documents of the case; each time is on record."""
    file = queries.case_file(asking.actor_of(request), uid)
    why = why_handed_out(request, file)
    row = file.case.letters.select_related("blob__key").filter(uid=letter).first()
    if row is None:
        raise Http404
    reader = asking.reader(request, "download", why, file.case.uid, fields=(f"letter-{row.uid}",))
    if (data := open_letter(row, reader=reader, at=asking.now())) is None:
        said = "It is erased." if row.blob_id else "It is not written yet."
        return problem(request, HTTPStatus.CONFLICT, f"This letter cannot be opened. {said}")
    return attachment(
        data, f"{file.case.reference}-{row.template}-{row.party.number}.pdf", media_type="application/pdf"
    )
