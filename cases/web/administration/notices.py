"""The documents that the notice stands on, and the record of processing that is generated from it."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cases.kernel import calendars, casetypes, notice, policy
from cases.kernel.exchange import exchanges
from cases.kernel.models import PolicyDocument, User
from cases.kernel.office import policydocs
from cases.kernel.outputs import processing
from cases.kernel.timing.rulebook import STREAM
from cases.reports import processing as record_paper
from cases.web import asking
from cases.web.administration.rules import shown
from cases.web.onecase.documents import attachment
from cases.web.refusals import screen

__all__ = ["document_file", "documents", "processing_file", "processing_page", "processing_pdf"]

SUFFIXES = {"application/pdf": "pdf", "text/plain": "txt"}


def _approver(label: str, names: dict[str, str]) -> str:
    return names.get(label, "The system" if label.startswith("system") else "Somebody who left")


def _clauses(code: str) -> list[str]:
    return [each.code.replace("_", " ") for each in notice.CLAUSES.values() if code in each.documents]


@screen
@require_GET
def documents(request: HttpRequest) -> HttpResponse:
    """List each document that a clause needs: how it stands today, its versions, and what stands on it."""
    page, today = shown(request, "web:policy_documents"), calendars.london_date(asking.now())
    versions: dict[str, list[PolicyDocument]] = {}
    for row in PolicyDocument.objects.order_by("code", "-version"):
        versions.setdefault(row.code, []).append(row)
    makers = {row.approved_by for rows in versions.values() for row in rows}
    ids = [int(label.partition(":")[2]) for label in makers if label.startswith("staff:")]
    names = {f"staff:{person.pk}": person.display_name for person in User.objects.filter(pk__in=ids)}
    closed = exchanges.closed_kinds(page["actor"])
    agreed = {code: need for code, need in policydocs.agreements(without=closed).items() if code in versions}
    needed = {**notice.DOCUMENTS, **agreed}
    entries = [_entry(need, versions.get(code, []), names, today) for code, need in needed.items()]
    may = policy.can(page["actor"], "propose.policy_document").is_allowed
    return render(request, "cases/rules/documents.html", page | {"entries": entries, "may_propose": may})


def _entry(need: notice.Need, rows: list[PolicyDocument], names: dict[str, str], today: Any) -> dict[str, Any]:
    current = next((row for row in rows if row.valid_from <= today), None)
    state = ("Missing", "bad")
    if current is not None:
        state = ("Past its review", "bad") if current.review_by < today else ("In force", "done")
        if state[1] == "done" and current.review_by <= today + policydocs.WARNED_AHEAD:
            state = ("Review soon", "warn")
    return {
        "need": need,
        "kind": policydocs.KINDS[need.kind],
        "state": state[0],
        "tone": state[1],
        "clauses": _clauses(need.code),
        "versions": [{"row": row, "approver": _approver(row.approved_by, names)} for row in rows],
        "current": current,
    }


@screen
@require_GET
@never_cache
def document_file(request: HttpRequest, code: str, version: int) -> HttpResponse:
    """Hand out the file of a version; opening it is on record."""
    page = shown(request, "web:policy_documents")
    if code.startswith(policydocs.AGREEMENT):
        closed = exchanges.closed_kinds(page["actor"])
        if code not in policydocs.agreements(without=closed):
            raise Http404
    row = PolicyDocument.objects.select_related("blob").filter(code=code, version=version).first()
    if row is None:
        raise Http404
    reader = asking.reader(request, "download", "policy_document", STREAM, fields=(f"{code}-{version}",))
    data = policydocs.open_file(row, reader=reader, at=asking.now())
    return attachment(data, f"{code}-{version}.{SUFFIXES.get(row.media_type, 'bin')}", media_type=row.media_type)


def _hidden_kinds() -> frozenset[str]:
    """Return the kinds of agency that only restricted kinds of case use: of those no single agency is told."""
    used = [(kind, each.is_restricted) for each in casetypes.all_types() for kind in each.agency_kinds]
    return frozenset({kind for kind, _ in used} - {kind for kind, is_restricted in used if not is_restricted})


def _record() -> list[processing.Line]:
    return processing.record(day=calendars.london_date(asking.now()), hidden_kinds=_hidden_kinds())


@screen
@require_GET
def processing_page(request: HttpRequest) -> HttpResponse:
    """Show the record of processing as the notice and the register of agencies give it today."""
    page = shown(request, "web:processing")
    names = processing.headings()
    found = [list(zip(names, cells, strict=True)) for cells in processing.rows(_record())]
    may = policy.can(page["actor"], "print_processing").is_allowed
    return render(request, "cases/rules/processing.html", page | {"entries": found, "may_print": may})


@screen
@require_GET
@never_cache
def processing_pdf(request: HttpRequest) -> HttpResponse:
    """Hand out the record as a paper to be kept or sent."""
    page = shown(request, "web:processing")
    policy.require(page["actor"], "print_processing")
    paper = record_paper.printed(_record(), at=asking.now())
    return attachment(paper.data, "record-of-processing.pdf", media_type="application/pdf")


@screen
@require_GET
def processing_file(request: HttpRequest) -> HttpResponse:
    """Hand out the record as a table for other programs."""
    shown(request, "web:processing")
    table = StringIO()
    csv.writer(table).writerows(processing.table(_record()))
    return attachment(table.getvalue().encode(), "record-of-processing.csv", media_type="text/csv; charset=utf-8")
