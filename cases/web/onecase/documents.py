"""Documents of a case: taking them in, listing them, handing one out. A page shows a picture of one, never itself."""

from __future__ import annotations

import csv
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from io import StringIO
from typing import Any, TypeVar
from uuid import UUID

from csp.decorators import csp_update
from django import forms
from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.kernel import casetypes, conflicts, edits, policy
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.evidence import custody, handing, scanning
from cases.kernel.evidence.filetypes import LARGEST, MEGABYTE, accepted
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import Evidence
from cases.kernel.office import codelists
from cases.kernel.reading import queries, records
from cases.kernel.reading.queries import CaseFile
from cases.ledger.sealing import Reader
from cases.reports import pictures
from cases.web import asking
from cases.web.onecase import casepage, once
from cases.web.onecase.uploads import LARGEST_REQUEST, SealingHandler
from cases.web.refusals import Problem, form_problems, problem, screen, status_of

__all__ = [
    "PLAYED",
    "archive",
    "attachment",
    "contained",
    "documents",
    "download",
    "lets_pictures",
    "preview",
    "scan_again",
    "streamed",
    "table",
    "why_handed_out",
    "to_hand_out",
]

TOO_LARGE = f"The file is larger than {LARGEST // MEGABYTE} MB. Nothing was kept."
NO_LENGTH = "Your browser did not say how large the file is. Nothing was kept."
# What browsers play by themselves. What a file is called has no part in it: its own first bytes were read.
PLAYED = frozenset({"audio/wav", "audio/mpeg", "video/mp4"})
SANDBOX = "sandbox; default-src 'none'"
LATE = timedelta(minutes=5)
R = TypeVar("R", bound=HttpResponseBase)
lets_pictures: Any = csp_update({"img-src": "data:"})


class UploadForm(forms.Form):
    """One document. What it is said to be comes from the kind of case."""

    kind = Chosen(label="What it is")
    redacts = forms.TypedChoiceField(
        label="Redacted copy of",
        coerce=int,
        required=False,
        empty_value=None,
        help_text="Where parts were made unreadable in it. The original stays, and is given to nobody in its place.",
    )
    admissibility = forms.CharField(
        label="As evidence",
        max_length=2000,
        required=False,
        help_text="How it was come by, what it may be used for and by whom, where that is not plain. Whoever decides "
        "reads it; it cannot be changed later. Say “person 1”, not a name.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    document = forms.FileField(
        label="File",
        help_text="PDF, picture, CSV, text, e-mail, Word or Excel up to 25 MB; sound or video up to 200 MB. It is "
        "sealed as it comes in, scanned for viruses, and never opened here as it is.",
        widget=forms.ClearableFileInput(attrs={"accept": accepted()}),
    )

    def __init__(self, *args: Any, file: CaseFile, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind: Any = self.fields["kind"]
        kind.choices = codelists.offered(casetypes.get(file.case.kind).evidence_kinds)
        known = sorted(file.case.evidence.all(), key=lambda each: each.number)  # which the case came with
        kinds, redacts = dict(casetypes.get(file.case.kind).evidence_kinds), self.fields["redacts"]
        redacts.choices = [  # type: ignore[attr-defined]  # -- a choice field
            ("", "It is no redacted copy"),
            *(
                (each.number, f"Document {each.number}: {kinds.get(each.kind, each.kind)}")
                for each in known
                if each.redacts_id is None
            ),
        ]
        if len(redacts.choices) == 1:  # type: ignore[attr-defined]  # -- as above
            del self.fields["redacts"]


@screen
@require_http_methods(["GET", "POST"])
@csrf_exempt  # until the file has its sealed place to go to: the check reads the form, and with it the file
def documents(request: HttpRequest, uid: UUID) -> HttpResponse:
    """List the documents of a case; take one in."""
    actor = asking.actor_of(request)
    file = queries.case_file(actor, uid)
    if request.method != "POST":
        return _show(request, file, UploadForm(file=file))
    policy.require(actor, "attach", case=file.case)
    if refusal := edits.takes_documents(file.case):
        return _show(request, file, UploadForm(file=file), [Problem(sentence=refusal)], HTTPStatus.UNPROCESSABLE_ENTITY)
    length = str(request.META.get("CONTENT_LENGTH") or "")
    if not length.isdecimal():
        return _show(request, file, UploadForm(file=file), [Problem(sentence=NO_LENGTH)], HTTPStatus.LENGTH_REQUIRED)
    if int(length) > LARGEST_REQUEST:
        sentence = Problem(sentence=TOO_LARGE)
        return _show(request, file, UploadForm(file=file), [sentence], HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    handler = SealingHandler(file.case, "document", at=asking.now())
    request.upload_handlers = [handler]
    try:
        return _attach(request, file, handler)
    finally:
        handler.drop()


@csrf_protect
def _attach(request: HttpRequest, file: CaseFile, handler: SealingHandler) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES, file=file)
    if handler.refusal is not None:
        form.is_valid()
        form.errors.pop("document", None)
        form.add_error("document", str(handler.refusal))
    if not form.is_valid():
        return _show(request, file, form, form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    handler.taken = None  # kept or dropped by what follows
    taken = form.cleaned_data["document"].taken
    uid = once.uid_of_sent(request, taken.file_name, taken.sha256)
    try:
        row = edits.keep(
            file.case.pk,
            taken,
            kind=form.cleaned_data["kind"],
            redacts=form.cleaned_data.get("redacts"),
            admissibility=form.cleaned_data["admissibility"],
            actor=asking.actor_of(request),
            at=asking.now(),
            uid=uid,
            request=asking.info(request),
        )
    except CaseError as error:
        return _show(request, file, form, [Problem(sentence=str(error))], status_of(error))
    except IntegrityError:
        if not once.has_made(Evidence, uid):
            raise
        messages.info(request, once.SENT)
        return redirect("web:documents", uid=file.case.uid)
    messages.success(
        request, f"Document {row.number} was taken in and sealed. It can be downloaded once it is scanned."
    )
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
    reader = asking.reader(request, "list", why, file.case.uid, fields=("file_name", "admissibility"))
    kinds = dict(casetypes.get(file.case.kind).evidence_kinds)
    found = records.documents(file.case, reader=reader, at=at)
    shown = casepage.header(file, "documents", actor) | {
        "documents": [_line(each, kinds, file, at) for each in found],
        "form": form,
        "once": once.fresh(request),
        "may_scan": policy.can(actor, "close_task", case=file.case).is_allowed,
        "takes_none": edits.takes_documents(file.case),
        "problems": problems or [],
    }
    return render(request, "cases/documents.html", shown, status=status)


def _line(document: Evidence, kinds: Mapping[str, str], file: CaseFile, at: datetime) -> dict[str, Any]:
    is_waiting = scanning.waits(document)
    return {
        "document": document,
        "kind": kinds.get(document.kind, document.kind),
        "is_erased": bool(document.blob.key.destroyed_at or file.case.key.destroyed_at),
        "is_waiting": is_waiting,
        "is_late": is_waiting and at - document.obtained_at > LATE,
        "is_clean": document.scan == scanning.CLEAN,
        "is_drawn": pictures.may_be_drawn(document.media_type),
        "is_played": document.media_type in PLAYED,
        "why_not": scanning.why_not(document),
        "is_turned_down": document.scan in scanning.WHY_NOT,
    }


@screen
@require_GET
@never_cache
def download(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Hand out a clean document as an attachment, as it was received. Each time is on record, with its hash."""
    file = queries.case_file(asking.actor_of(request), uid)
    try:
        opened = _handed_out(request, file, number)
        first = next(opened.chunks, b"")  # what is short or damaged at its start is refused in a page
    except NotAllowed:
        raise
    except CaseError as error:
        return problem(request, HTTPStatus.CONFLICT, str(error))
    return streamed(opened, first)


@screen
@require_GET
@never_cache
@lets_pictures
def preview(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Show a picture of one page of a clean document: points that we drew, and nothing of the file itself. Each look is
    on record like a download."""
    file = queries.case_file(asking.actor_of(request), uid)
    asked = request.GET.get("page", "1")
    page = max(1, int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else 1
    try:
        opened = _handed_out(request, file, number, page=page)
        drawn = pictures.draw(b"".join(opened.chunks), media_type=opened.media_type, page=page)
    except NotAllowed:
        raise
    except CaseError as error:
        return problem(request, HTTPStatus.CONFLICT, str(error))
    shown = casepage.header(file, "documents", asking.actor_of(request)) | {
        "number": number,
        "drawn": drawn,
        "source": f"data:image/jpeg;base64,{b64encode(drawn.picture).decode()}",
        "before": page - 1,
        "after": page + 1,
    }
    return render(request, "cases/preview.html", shown)


def why_handed_out(request: HttpRequest, file: CaseFile) -> str:
    """Return why a person downloads what a case holds. Raises NotAllowed for whoever may not, has a tie to the case, or
    has to say first why they read it."""
    actor = asking.actor_of(request)
    policy.require(actor, "download", case=file.case)
    if refusal := conflicts.why_not(actor, file.case):
        raise NotAllowed(refusal)
    if not (why := casepage.purpose_of(request, file, actor)):
        raise NotAllowed(casepage.SAY_WHY)
    return why


def to_hand_out(request: HttpRequest, file: CaseFile, number: int) -> tuple[Evidence, Reader]:
    """Return a document for whoever may download it, and in whose name and why it is opened. Raises NotAllowed,
    Http404."""
    why = why_handed_out(request, file)
    document = file.case.evidence.select_related("blob__key", "case__key").filter(number=number).first()
    if document is None:
        raise Http404
    return document, asking.reader(request, "download", why, file.case.uid, fields=(f"document-{number}",))


def _handed_out(request: HttpRequest, file: CaseFile, number: int, *, page: int = 0) -> handing.Opened:
    """Open a document for whoever may download it. Raises NotAllowed, Http404 and what opening raises."""
    document, reader = to_hand_out(request, file, number)
    if page and not pictures.may_be_drawn(document.media_type):
        raise pictures.NotDrawn
    actor, info = asking.actor_of(request), asking.info(request)
    return custody.hand_out(document, actor=actor, reader=reader, at=asking.now(), request=info, page=page)


@screen
@require_POST
def scan_again(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Have a document that was turned down judged once more."""
    actor = asking.actor_of(request)
    case = queries.case_file(actor, uid).case
    try:
        row = scanning.again(case.pk, number, actor=actor, at=asking.now(), request=asking.info(request))
    except scanning.NotClean as error:
        return problem(request, HTTPStatus.CONFLICT, str(error))
    messages.success(request, f"Document {row.number} waits for the scan.")
    return redirect("web:documents", uid=uid)


def streamed(opened: handing.Opened, first: bytes, *, name: str = "") -> Any:
    """Return a file as it is opened, under its own name or another. One that turns out damaged breaks off before its
    end, so that nobody keeps it."""

    def chunks() -> Iterator[bytes]:
        yield first
        yield from opened.chunks

    response = StreamingHttpResponse(chunks(), content_type="application/octet-stream")
    response["Content-Length"] = str(opened.size)
    return _never_shown(response, name or opened.name)


def archive(chunks: Iterator[bytes], name: str) -> Any:
    """Return an archive as it is made; its length is not known before."""
    return _never_shown(StreamingHttpResponse(chunks, content_type="application/zip"), name)


def attachment(data: bytes, name: str, *, media_type: str = "application/octet-stream") -> HttpResponse:
    """Return bytes as a file that no browser shows in the page."""
    return _never_shown(HttpResponse(data, content_type=media_type), name)


def table(rows: Iterable[Sequence[str]], name: str) -> HttpResponse:
    """Return rows as a file of comma-separated values that no spreadsheet reads as formulas."""
    page = StringIO()
    csv.writer(page).writerows([_plain(text) for text in row] for row in rows)
    return attachment(page.getvalue().encode(), name, media_type="text/csv; charset=utf-8")


def _plain(text: str) -> str:
    """Keep a spreadsheet from reading a cell as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _never_shown(response: R, name: str) -> R:
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    return contained(response)


def contained(response: R) -> R:
    """Let a browser take an answer for nothing but what we say it is, and run nothing of it."""
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = SANDBOX
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
