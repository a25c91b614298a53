"""The page of a month's file beside that of every case: with which accounts something is wrong, and what an agency did
not take."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cases.credit.files import rejects
from cases.credit.files.models import CreditFileCopy
from cases.credit.files.sending import KIND
from cases.kernel import policy
from cases.kernel.reading import queries
from cases.ledger import sealing
from cases.web import asking, keyset
from cases.web.onecase import casepage
from cases.web.refusals import screen

__all__ = ["urlpatterns"]


@screen
@require_GET
@never_cache
def file_rejects(request: HttpRequest, uid: UUID) -> HttpResponse:
    """List the accounts of a file that agencies did not take, or one of them, or those with which one thing was found
    wrong; their numbers for whoever may have sealed values shown, on record."""
    actor = asking.actor_of(request)
    file = queries.case_file(actor, uid)
    case = file.case
    if case.kind != KIND:
        raise Http404
    if not (why := casepage.purpose_of(request, file, actor)):
        return casepage.ask_purpose(request, case)
    copies = list(CreditFileCopy.objects.filter(file=case.pk).select_related("agency").order_by("agency__code"))
    given = request.GET.get("agency", "")
    agency = given if given in {copy.agency.code for copy in copies} else ""
    found = rejects.found(case)
    wrong = next((each for each in found if each.code == request.GET.get("found", "")), None)
    rows = rejects.among(case, agency) if wrong is None else rejects.with_fault(case, wrong.code)
    page = keyset.pageful(rows, request)
    shown = rejects.looked_at if wrong else rejects.lines
    lines = shown(case, page.rows, reader=actor)
    numbers = [""] * len(lines)
    if lines and policy.can(actor, "reveal", case=case).is_allowed:
        reader = asking.reader(request, "list", why, case.uid, fields=("account",))
        accounts = [row.account for row in page.rows]
        opened = sealing.open_rows(accounts, ["number"], reader=reader, at=asking.now())
        numbers = [each["number"] or "" for each in opened]
    context = casepage.header(file, "file_rejects", actor) | {
        "found": found,
        "wrong": wrong,
        "lines": list(zip(lines, numbers, strict=True)),
        "copies": [{"copy": copy, "is_current": copy.agency.code == agency} for copy in copies],
        "agency": agency,
        "page": page,
    }
    return render(request, "cases/credit/rejects.html", context)


urlpatterns = [path("credit/files/<uuid:uid>/not-taken/", file_rejects, name="file_rejects")]
