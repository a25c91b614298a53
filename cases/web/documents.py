"""Documents of a case: taking them in, listing them, handing one out. Never shown in the page."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from cases.kernel import casetypes, conflicts, edits, policy
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.office import codelists
from cases.kernel.reading import queries, records
from cases.kernel.reading.queries import CaseFile
from cases.web import asking, casepage
from cases.web.refusals import Problem, form_problems, screen, status_of

__all__ = ["attachment", "documents", "download"]

TOO_LARGE = "The file is larger than 20 MB. Nothing was kept."
SANDBOX = "sandbox; default-src 'none'"


class UploadForm(forms.Form):
    """One document. What it is said to be comes from the kind of case."""

    kind = forms.ChoiceField(label="What it is")
    document = forms.FileField(label="File", help_text="Up to 20 MB. It is sealed at once and only ever downloaded.")

    def __init__(self, *args: Any, file: CaseFile, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind: Any = self.fields["kind"]
        kind.choices = codelists.offered(casetypes.get(file.case.kind).evidence_kinds)


@screen
@require_http_methods(["GET", "POST"])
def documents(request: HttpRequest, uid: UUID) -> HttpResponse:
    """List the documents of a case; take one in."""
    actor = asking.actor_of(request)
    file = queries.case_file(actor, uid)
    if request.method == "POST":
        policy.require(actor, "attach", case=file.case)
        return _attach(request, file)
    return _show(request, file, UploadForm(file=file))


def _attach(request: HttpRequest, file: CaseFile) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES, file=file)
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
        form.errors.clear()
        return _show(request, file, form, [Problem(sentence=TOO_LARGE)], HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if not form.is_valid():
        return _show(request, file, form, form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    sent = form.cleaned_data["document"]
    try:
        row = edits.attach(
            file.case.pk,
            kind=form.cleaned_data["kind"],
            file_name=sent.name,
            media_type=(sent.content_type or "application/octet-stream").replace("\0", ""),
            data=sent.read(),
            actor=asking.actor_of(request),
            at=asking.now(),
            request=asking.info(request),
        )
    except CaseError as error:
        return _show(request, file, form, [Problem(sentence=str(error))], status_of(error))
    messages.success(request, f"Document {row.number} was taken in and sealed.")
    return redirect("web:documents", uid=file.case.uid)


def _show(
    request: HttpRequest,
    file: CaseFile,
    form: UploadForm,
    problems: list[Problem] | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    actor, at = asking.actor_of(request), asking.now()
    if not (why := casepage.purpose_of(request, file, actor)):
        return redirect("web:case", uid=file.case.uid)
    reader = asking.reader(request, "list", why, file.case.uid, fields=("file_name",))
    kinds = dict(casetypes.get(file.case.kind).evidence_kinds)
    found = records.documents(file.case, reader=reader, at=at)
    shown = casepage.header(file, "documents", actor) | {
        "documents": [{"document": each, "kind": kinds.get(each.kind, each.kind)} for each in found],
        "form": form,
        "problems": problems or [],
    }
    return render(request, "cases/documents.html", shown, status=status)


@screen
@require_GET
@never_cache
def download(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Hand out a document as an attachment, as it was received. Each time is on record."""
    actor, at = asking.actor_of(request), asking.now()
    file = queries.case_file(actor, uid)
    policy.require(actor, "download", case=file.case)
    if refusal := conflicts.why_not(actor, file.case):
        raise NotAllowed(refusal)
    document = file.case.evidence.select_related("blob").filter(number=number).first()
    if document is None:
        raise Http404
    why = casepage.purpose_of(request, file, actor) or casepage.CASEWORK
    reader = asking.reader(request, "download", why, file.case.uid, fields=(f"document-{number}",))
    name, data = records.download(document, reader=reader, at=at)
    if data is None:
        raise Http404
    return attachment(data, name)


def attachment(data: bytes, name: str, *, media_type: str = "application/octet-stream") -> HttpResponse:
    """Return bytes as a file that no browser shows in the page."""
    response = HttpResponse(data, content_type=media_type)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = SANDBOX
    return response
