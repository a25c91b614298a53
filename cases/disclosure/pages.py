"""The package of a request: reasons for every item, who held each address, the files, and one file beside the request.

Whoever puts it together and whoever checks it read the same page. What it opens is on record.
"""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms as django_forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cases.disclosure import checking, codes, guards, inspection, package, packageforms, report
from cases.disclosure.dataitems import ITEMS, label
from cases.disclosure.models import ItemGround, PackagePart
from cases.kernel import conflicts, policy
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.evidence import custody, handing
from cases.kernel.models import Case, Evidence
from cases.kernel.reading import queries
from cases.kernel.reading.queries import CaseFile
from cases.ledger import reads, sealing
from cases.reports import pictures
from cases.web import asking
from cases.web.onecase import casepage
from cases.web.onecase.documents import PLAYED, attachment, lets_pictures, streamed
from cases.web.refusals import Problem, form_problems, problem, screen, status_of

__all__ = ["app_name", "urlpatterns"]

KIND = "le_disclosure"
TEXTS = ("necessity", "proportionality", "collateral")
SHOWN_ROWS = 500
SHOWN_BYTES = 200_000


def _file(actor: Actor, uid: UUID) -> CaseFile:
    """Return a disclosure request that this person may see. Raises NotVisible; Http404 for another kind of case."""
    file = queries.case_file(actor, uid)
    if file.case.kind != KIND:
        raise Http404
    return file


def _may(actor: Actor, act: str, case: Case) -> bool:
    return policy.can(actor, act, case=case).is_allowed


def _opened(request: HttpRequest, case: Case, why: str) -> dict[str, Any]:
    """Return what of the request is sealed and stands beside the package. Opens it, with its access rows."""
    at = asking.now()
    reader = asking.reader(request, "view", why, case.uid, fields=("package",))
    facts = case.disclosure_request
    plain = sealing.open_rows([facts], ("urn", "particulars"), reader=reader, at=at)[0]
    seen = inspection.described(case, reader=reader, at=at)
    holders = list(case.address_holders.filter(is_removed=False).order_by("begins_at", "number"))
    held = sealing.open_rows(holders, ("address",), reader=reader, at=at)
    return {
        "urn": plain["urn"],
        "particulars": plain["particulars"],
        "addresses": list(seen),
        "about": [_about(each, moments) for each, moments in seen.items()],
        "holders": [
            {
                "row": row,
                "address": each["address"],
                "since": report.moment(row.begins_at),
                "until": report.moment(row.ends_at),
            }
            for row, each in zip(holders, held, strict=True)
        ],
    }


def _about(address: str, moments: Sequence[datetime]) -> str:
    """Return an address with the moments at which it was seen: at another it may have been somebody else's."""
    times = " and ".join(f"{each:%-d %B %Y %H:%M:%S} UTC" for each in sorted(moments))
    return f"{address}, seen at {times}" if times else address


def _items(request: HttpRequest, case: Case, why: str, *, may_open: bool, failed: dict[str, Any]) -> list[Any]:
    """Return each standing item with its reasons and, where it may be changed, its form."""
    rows = {row.item: row for row in ItemGround.objects.filter(case=case)}
    standing = guards.open_items(case.disclosure_request)
    shown = [rows[item] for item in standing if item in rows]
    texts: dict[str, Any] = {}
    if may_open and shown:
        reader = asking.reader(request, "view", why, case.uid, fields=TEXTS)
        opened = sealing.open_rows(shown, TEXTS, reader=reader, at=asking.now())
        texts = {row.item: each for row, each in zip(shown, opened, strict=True)}
    minimised = dict(codes.MINIMISED)
    found = []
    for item in standing:
        row = rows.get(item)
        ticked = {"minimised": row.minimised, "is_nothing_held": row.is_nothing_held} if row else {}
        found.append(
            {
                "code": item,
                "label": label(item),
                "row": row,
                "texts": [(name.capitalize(), text) for name, text in texts.get(item, {}).items() if text],
                "minimised": [minimised[code] for code in (row.minimised if row else ())],
                "form": failed.get(item)
                or packageforms.GroundForm(initial={**texts.get(item, {}), **ticked}, auto_id=f"{item}_%s"),
            }
        )
    return found


def _show(
    request: HttpRequest,
    file: CaseFile,
    *,
    problems: list[Problem] | None = None,
    status: int = HTTPStatus.OK,
    failed: dict[str, Any] | None = None,
) -> HttpResponse:
    actor, case, failed = asking.actor_of(request), file.case, failed or {}
    if not (why := casepage.purpose_of(request, file, actor)):
        return redirect("web:case", uid=case.uid)
    is_tied = bool(conflicts.why_not(actor, case))
    may_open = _may(actor, "reveal", case) and not is_tied
    if may_open:
        beside = _opened(request, case, why)
    else:
        reads.record_read(
            asking.reader(request, "view", why, case.uid, fields=("package",)), at=asking.now(), result_count=1
        )
        beside = {}
    may_change = case.state == "extracting" and _may(actor, "edit", case) and not is_tied
    parts = package.parts_of(case)
    shown = casepage.header(file, "disclosure:package", actor) | beside
    shown |= {
        "problems": problems or [],
        "facts": report.facts_view(case),
        "items": _items(request, case, why, may_open=may_open, failed=failed),
        "parts": parts,
        "part_labels": {part.number: label(part.item) for part in parts},
        "row_count": sum(part.row_count or 0 for part in parts),
        "manifest_sha256": package.manifest_hash(parts) if parts else "",
        "checklist": [text for code, text in checking.checklist(case.disclosure_request)],
        "may_open": may_open,
        "may_change": may_change,
        "errors": [
            {"row": each, "fault": codes.FAULT_LABELS.get(each.fault, each.fault)}
            for each in case.disclosure_errors.order_by("number")
        ],
    }
    if may_change:
        shown["holder_form"] = failed.get("holder") or packageforms.HolderForm(
            addresses=beside.get("addresses", []), auto_id="holder_%s"
        )
        documents = package.ready_documents(case)
        shown["document_form"] = failed.get("document") or packageforms.DocumentForm(
            items=guards.open_items(case.disclosure_request), documents=documents, auto_id="document_%s"
        )
        shown["has_documents"] = bool(documents) or "document" in failed
        shown["part_form"] = failed.get("part") or packageforms.PartForm(
            items=guards.open_items(case.disclosure_request), auto_id="part_%s"
        )
    return render(request, "cases/disclosure/package.html", shown, status=status)


@screen
@require_GET
@never_cache
def package_page(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show what is, or was, given beside what was asked for."""
    return _show(request, _file(asking.actor_of(request), uid))


def _change(
    request: HttpRequest, file: CaseFile, act: Callable[[], Any], *, said: str, failed: dict[str, Any] | None = None
) -> HttpResponse:
    """Make one change of the package; a refusal comes back with what was typed."""
    try:
        act()
    except NotAllowed:
        raise
    except CaseError as error:
        return _show(request, file, problems=[Problem(sentence=str(error))], status=status_of(error), failed=failed)
    messages.success(request, said)
    return redirect("disclosure:package", uid=file.case.uid)


def _invalid(request: HttpRequest, file: CaseFile, name: str, form: django_forms.Form) -> HttpResponse:
    return _show(
        request, file, problems=form_problems(form), status=HTTPStatus.UNPROCESSABLE_ENTITY, failed={name: form}
    )


def _changeable(request: HttpRequest, uid: UUID) -> CaseFile:
    """Return a request whose package this person may change. Raises NotAllowed, also for whoever has a tie."""
    return _untied(request, uid, "edit")


def _untied(request: HttpRequest, uid: UUID, act: str) -> CaseFile:
    """Return a request on which this person may do this and has no tie. Raises NotAllowed before anything is opened."""
    actor = asking.actor_of(request)
    file = _file(actor, uid)
    policy.require(actor, act, case=file.case)
    if refusal := conflicts.why_not(actor, file.case):
        raise NotAllowed(refusal)
    return file


def _by(request: HttpRequest) -> dict[str, Any]:
    return {"actor": asking.actor_of(request), "at": asking.now(), "request": asking.info(request)}


@screen
@require_POST
def reasons(request: HttpRequest, uid: UUID, code: str) -> HttpResponse:
    """Write why an item is given."""
    file = _changeable(request, uid)
    form = packageforms.GroundForm(request.POST, auto_id=f"{code}_%s")
    if not form.is_valid():
        return _invalid(request, file, code, form)
    said = form.cleaned_data
    return _change(
        request,
        file,
        lambda: package.set_ground(
            file.case.pk,
            code,
            texts={name: said[name] for name in TEXTS},
            minimised=said["minimised"],
            is_nothing_held=said["is_nothing_held"],
            **_by(request),
        ),
        said=f"Kept: {label(code)}.",
        failed={code: form},
    )


@screen
@require_POST
def holder(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Write who held an address."""
    file = _changeable(request, uid)
    reader = asking.reader(request, "view", casepage.CASEWORK, file.case.uid, fields=("package",))
    known = inspection.addresses(file.case, reader=reader, at=asking.now())
    form = packageforms.HolderForm(request.POST, addresses=known, auto_id="holder_%s")
    if not form.is_valid():
        return _invalid(request, file, "holder", form)
    return _change(
        request,
        file,
        lambda: package.add_holder(file.case.pk, **form.cleaned_data, **_by(request)),
        said="Kept: who held the address.",
        failed={"holder": form},
    )


@screen
@require_POST
def remove_holder(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Take back who is said to have held an address."""
    file = _changeable(request, uid)
    return _change(
        request, file, lambda: package.remove_holder(file.case.pk, number, **_by(request)), said="Taken back."
    )


@screen
@require_POST
def add_file(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Put typed rows, or a sheet, into the package."""
    file = _changeable(request, uid)
    form = packageforms.PartForm(request.POST, items=guards.open_items(file.case.disclosure_request), auto_id="part_%s")
    if not form.is_valid():
        return _invalid(request, file, "part", form)
    said = form.cleaned_data
    return _change(
        request,
        file,
        lambda: package.add_part(
            file.case.pk,
            item=said["item"],
            subject=said["subject"],
            media_type=said["media_type"],
            data=form.data_typed(),
            **_by(request),
        ),
        said="It is in the package, sealed.",
        failed={"part": form},
    )


@screen
@require_POST
def add_document(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Make a file of the package of a clean document of the case."""
    file = _changeable(request, uid)
    form = packageforms.DocumentForm(
        request.POST,
        items=guards.open_items(file.case.disclosure_request),
        documents=package.ready_documents(file.case),
        auto_id="document_%s",
    )
    if not form.is_valid():
        return _invalid(request, file, "document", form)
    said = form.cleaned_data
    return _change(
        request,
        file,
        lambda: package.put_in(
            file.case.pk, said["document"], item=said["item"], subject=said["subject"], **_by(request)
        ),
        said="It is in the package, sealed.",
        failed={"document": form},
    )


@screen
@require_POST
def remove_file(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Take a file out of the package; its bytes are destroyed."""
    file = _changeable(request, uid)
    return _change(request, file, lambda: package.remove_part(file.case.pk, number, **_by(request)), said="Taken out.")


@screen
@require_GET
@never_cache
@lets_pictures
def part_page(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Show one file beside the request: the rows, the text, the pictures of its pages, or what plays it. What cannot be
    shown, and what is asked for whole (`as=file`), is handed out as an attachment. Each time is on record."""
    actor, file = asking.actor_of(request), _untied(request, uid, "reveal")
    case = file.case
    part = next((each for each in package.parts_of(case) if each.number == number), None)
    if part is None:
        raise Http404
    if not (why := casepage.purpose_of(request, file, actor)):
        return redirect("web:case", uid=case.uid)
    reader = asking.reader(request, "view", why, case.uid, fields=(checking.PART.format(number),))
    is_whole, original, played = request.GET.get("as") == "file", package.original_of(part), _played(part)
    if package.is_in_store(part) and (is_whole or not (original or played or _is_shown(part.media_type))):
        return _handed_out(request, part, reader)
    if original and part.blob is not None and not is_whole:
        return _both(request, file, part, reader, original, why)
    data = None if played and not is_whole else package.bytes_of(part, reader=reader, at=asking.now())
    if data is not None and (is_whole or not _is_shown(part.media_type)):
        return attachment(data, part.name)
    try:
        side = _side(data, part.media_type, _page(request)) if data and not part.media_type.startswith("text/") else {}
    except CaseError as refusal:
        whole = attachment(data or b"", part.name)
        return whole if _page(request) == 1 else problem(request, HTTPStatus.CONFLICT, str(refusal))
    shown = (
        casepage.header(file, "disclosure:package", actor) | _opened(request, case, why) | side | _turn([side], request)
    )
    shown |= {"facts": report.facts_view(case), "part": part, "part_label": label(part.item), "plays": played}
    shown |= {"is_gone": part.blob is None}
    return render(request, "cases/disclosure/part.html", shown | (_table(part, data or b"") if not side else {}))


def _page(request: HttpRequest) -> int:
    asked = request.GET.get("page", "1")
    return max(1, int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else 1


def _turn(sides: Sequence[dict[str, Any]], request: HttpRequest) -> dict[str, Any]:
    """Return which page is shown, and which come before and after it."""
    page = _page(request)
    after = page + 1 if any(each.get("pages", 1) > page for each in sides) else None
    return {"page": page, "before": page - 1, "after": after}


def _played(part: PackagePart) -> int | None:
    """Return the number of the document that plays what a file of the package holds, or nothing. One query, none for
    what is no recording."""
    document = package.document_of(part) if part.blob is not None and part.media_type in PLAYED else None
    return document.number if document else None


def _handed_out(request: HttpRequest, part: PackagePart, reader: sealing.Reader) -> HttpResponse:
    """Hand out a large file as it is read; one that is damaged breaks off before its end."""
    try:
        chunks = package.open_whole(part, reader=reader, at=asking.now())
        first = next(chunks, b"")  # what is damaged at its start is refused in a page
    except CaseError as error:
        return problem(request, HTTPStatus.CONFLICT, str(error))
    opened = handing.Opened(
        name=part.name, size=part.size, sha256=part.sha256, media_type=part.media_type, chunks=chunks
    )
    return streamed(opened, first)


def _both(
    request: HttpRequest, file: CaseFile, part: PackagePart, opener: sealing.Reader, original: Evidence, why: str
) -> HttpResponse:
    """Show a redacted copy beside its original, page by page: pictures that we draw, or the text. Looking at the
    original is on record like any look at a document; what cannot be shown is not opened, and nobody looked at it."""
    case, page = file.case, _page(request)
    reader = asking.reader(request, "view", why, case.uid, fields=(f"document-{original.number}",))
    problems: list[Problem] = []
    sides = []
    try:
        first = data = b""
        if _is_shown(part.media_type):
            data = package.bytes_of(part, reader=opener, at=asking.now()) or b""
        if _is_shown(original.media_type):
            first = b"".join(custody.hand_out(original, reader=reader, page=page, **_by(request)).chunks)
        is_there = original.blob.key.destroyed_at is None
        plays = original.number if is_there and original.media_type in PLAYED else None
        for head, media_type, found, played in (
            (f"Original, document {original.number}", original.media_type, first, plays),
            (f"Redacted copy, {part.name}", part.media_type, data, _played(part)),
        ):
            sides.append({"head": head, "plays": played} | _side(found, media_type, page))
    except CaseError as refusal:
        problems = [Problem(sentence=str(refusal))]
    shown = casepage.header(file, "disclosure:package", asking.actor_of(request)) | {
        "part": part,
        "original": original,
        "sides": sides,
        "problems": problems,
        **_turn(sides, request),
    }
    return render(request, "cases/disclosure/redacted.html", shown, status=HTTPStatus.CONFLICT if problems else 200)


def _is_shown(media_type: str) -> bool:
    return pictures.may_be_drawn(media_type) or media_type.startswith("text/")


def _side(data: bytes, media_type: str, page: int) -> dict[str, Any]:
    if pictures.may_be_drawn(media_type):
        drawn = pictures.draw(data, media_type=media_type, page=page)
        return {"source": f"data:image/jpeg;base64,{b64encode(drawn.picture).decode()}", "pages": drawn.pages}
    if media_type.startswith("text/"):
        text = data[:SHOWN_BYTES].decode("utf-8-sig", errors="replace")
        return {"text": text, "is_cut": len(data) > SHOWN_BYTES}
    return {}


def _table(part: PackagePart, data: bytes) -> dict[str, Any]:
    text = data.decode("utf-8-sig", errors="replace")
    if part.media_type != package.CSV:
        return {"text": text[:SHOWN_BYTES], "is_cut": len(text) > SHOWN_BYTES}
    rows = list(csv.reader(io.StringIO(text, newline="")))
    is_compared = ITEMS[part.item].opened_by in codes.ADDRESSED
    shown = {"columns": rows[0] if rows else [], "rows": rows[1 : SHOWN_ROWS + 1], "is_compared": is_compared}
    return shown | {"more": len(rows) - 1 - SHOWN_ROWS}


app_name = "disclosure"
_PACKAGE = "cases/<uuid:uid>/package/"
urlpatterns: list[URLPattern] = [
    path(_PACKAGE, package_page, name="package"),
    path(f"{_PACKAGE}reasons/<slug:code>/", reasons, name="package_reasons"),
    path(f"{_PACKAGE}holders/", holder, name="package_holder"),
    path(f"{_PACKAGE}holders/<int:number>/remove/", remove_holder, name="package_holder_remove"),
    path(f"{_PACKAGE}files/", add_file, name="package_file"),
    path(f"{_PACKAGE}documents/", add_document, name="package_document"),
    path(f"{_PACKAGE}files/<int:number>/", part_page, name="package_part"),
    path(f"{_PACKAGE}files/<int:number>/remove/", remove_file, name="package_file_remove"),
]
