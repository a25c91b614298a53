"""The register of agreements with partners, and the door for a file of SIM changes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django import forms
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from cases.disclosure.partners import codes, simevents
from cases.disclosure.partners.csvevents import COLUMNS, LARGEST, Reading
from cases.disclosure.partners.models import PartnerAgreement
from cases.kernel import calendars, policy
from cases.kernel.errors import CaseError
from cases.kernel.models import Agency
from cases.web import asking
from cases.web.refusals import Problem, screen, status_of

__all__ = ["urlpatterns"]

KIND = "partner_query"
NETWORK = "own-network"
_PURPOSES, _FIELDS = dict(codes.PURPOSES), dict(codes.FIELDS)


class SwapsForm(forms.Form):
    """One file of changes."""

    changes = forms.FileField(
        label="CSV file",
        help_text=f"First line: {','.join(COLUMNS)}. Times in UTC, such as 2026-11-13T10:00:00Z. At most 25 MB.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )


class SwapsHandler(FileUploadHandler):
    """Reads the one file of the form row by row while it arrives; keeps no copy. `refusal` says why it stopped; only
    what `is_kept` stays."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self.reading = reading
        self.refusal: CaseError | None = None
        self.is_read = self.is_kept = False

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        try:
            self.reading.feed(raw_data)
        except CaseError as refusal:
            self.refusal = refusal
            raise StopUpload(connection_reset=False) from refusal

    def file_complete(self, file_size: int) -> None:
        self.is_read = True


@screen
@require_http_methods(["GET", "POST"])
@csrf_exempt  # until the file has somewhere to go to: the check reads the form, and with it the file
def partners(request: HttpRequest) -> HttpResponse:
    """List the agreements; take a file of changes in."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_partners", kind=KIND)
    if request.method != "POST":
        return _show(request)
    policy.require(actor, simevents.ACT, kind=KIND)
    length = str(request.META.get("CONTENT_LENGTH") or "")
    if not length.isdecimal() or int(length) > LARGEST + 1024 * 1024:
        sentence = "The file is larger than 25 MB, or your browser did not say how large. Nothing was kept."
        return _show(request, [Problem(sentence=sentence)], HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    network = Agency.objects.filter(code=NETWORK).first()
    if network is None:
        sentence = "The network is not in the register of agencies, so nobody can have told of these changes."
        return _show(request, [Problem(sentence=sentence)], HTTPStatus.UNPROCESSABLE_ENTITY)
    reading = Reading(stream=network.uid, actor=actor, at=asking.now(), request=asking.info(request))
    handler = SwapsHandler(reading)
    request.upload_handlers = [handler]
    with transaction.atomic():
        answer = _take(request, handler)
        transaction.set_rollback(not handler.is_kept)
    return answer


@csrf_protect
def _take(request: HttpRequest, handler: SwapsHandler) -> HttpResponse:
    """Say what became of the file. Whoever calls keeps nothing where this, or the check before it, refuses."""
    request.FILES  # noqa: B018 -- reads what the check of the token may not have read
    reading, refusal = handler.reading, handler.refusal
    if refusal is None and handler.is_read:
        try:
            reading.finish()
        except CaseError as error:
            refusal = error
    if refusal is not None or not handler.is_read:
        problem = Problem(sentence=str(refusal or "Choose a file."), anchor="id_changes")
        status = status_of(refusal) if refusal else HTTPStatus.UNPROCESSABLE_ENTITY
        return _show(request, [problem], status)
    handler.is_kept = True
    return _show(request, reading=reading)


def _show(
    request: HttpRequest,
    problems: list[Problem] | None = None,
    status: int = HTTPStatus.OK,
    *,
    reading: Reading | None = None,
) -> HttpResponse:
    actor, today = asking.actor_of(request), calendars.london_date(asking.now())
    rows = PartnerAgreement.objects.select_related("agency").order_by("agency__display_name", "-begins_date", "pk")
    shown: dict[str, Any] = {
        "rows": [_line(each, today) for each in rows],
        "may_propose": policy.can(actor, "propose.partner_agreement").is_allowed,
        "may_bring": policy.can(actor, simevents.ACT, kind=KIND).is_allowed,
        "form": SwapsForm(),
        "problems": problems or [],
        "reading": reading,
    }
    return render(request, "cases/disclosure/partners/agreements.html", shown, status=status)


def _line(row: PartnerAgreement, today: Any) -> dict[str, Any]:
    is_open = row.is_live and row.begins_date <= today <= row.ends_date
    return {
        "agreement": row,
        "purposes": [_PURPOSES.get(each, each) for each in row.purposes],
        "told": [_FIELDS.get(each, each) for each in row.allowed_fields],
        "state": "Answered" if is_open else "Refused",
        "tone": "done" if is_open else "hold",
    }


urlpatterns = [path("partners/", partners, name="partners")]
