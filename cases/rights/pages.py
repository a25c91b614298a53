"""The page on which somebody reads through the texts and documents that may speak of others, before a person is given a
copy of them."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cases.kernel import conflicts, edits, policy
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.evidence import custody, scanning
from cases.kernel.models import Case
from cases.kernel.reading import queries, timeline
from cases.kernel.reading.queries import CaseFile
from cases.rights import access, codes, copies, held, texts
from cases.rights.models import RightsRequest
from cases.web import asking
from cases.web.onecase import casepage
from cases.web.onecase.documents import streamed
from cases.web.refusals import Problem, problem, screen, status_of

__all__ = ["urlpatterns"]

GIVE = "give"
KNOWN = {GIVE, *dict(codes.WITHHELD_FOR), codes.COPY_WITHHELD_FOR[0]}
CHOOSE = "Say of each whether it is given."


@screen
@require_http_methods(["GET", "POST"])
@never_cache
def texts_to_read(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show every text and document about the person that a pack may hold, opened on record; keep which of them are
    given. One document is handed out by its key (`?document=`)."""
    actor = asking.actor_of(request)
    file = queries.case_file(actor, uid)
    if file.case.kind != "rights_request" or file.case.rights_request.right != codes.ACCESS:
        raise Http404
    policy.require(actor, access.MAKE, case=file.case)
    _require_no_tie(actor, file.case)
    if key := request.GET.get("document"):
        return _hand_out(request, file, key)
    if request.method != "POST":
        return _show(request, file, _decided(file))
    typed = {key: request.POST.get(f"ground-{key}", "") for key in request.POST.getlist("text")}
    if not set(typed.values()) <= KNOWN:
        first = next((key for key, ground in typed.items() if ground not in KNOWN), "")
        unsaid = Problem(sentence=CHOOSE, anchor=f"id_{first}" if first else "")
        return _show(request, file, typed, [unsaid], HTTPStatus.UNPROCESSABLE_ENTITY)
    return _keep(request, file, typed)


def _require_no_tie(actor: Actor, case: Case) -> None:
    """Raise NotAllowed for whoever has a tie to the request, or to anybody in a matter whose texts are shown."""
    matters = {case.pk, *(party.case_id for party in held.rows(case))}
    if actor.user_id and Case.objects.filter(conflicts.of_person(actor.user_id), pk__in=matters).exists():
        raise NotAllowed(conflicts.SENTENCE)


def _keep(request: HttpRequest, file: CaseFile, typed: dict[str, str]) -> HttpResponse:
    """Keep what was decided; of two people who decide at once the second is told, and the same press again is none."""
    actor, version = asking.actor_of(request), request.POST.get("version", "")
    grounds = {key: "" if ground == GIVE else ground for key, ground in typed.items()}
    try:
        texts.decide(
            file.case.pk,
            grounds,
            actor=actor,
            at=asking.now(),
            act=access.MAKE,
            version=int(version) if version.isdecimal() and len(version) < 10 else None,
            request=asking.info(request),
        )
    except NotAllowed:
        raise
    except edits.EditConflict as conflict:
        if RightsRequest.objects.get(pk=file.case.pk).texts_read != grounds:
            file.case.refresh_from_db(fields=["version"])
            said = f"{conflict} {timeline.last_change(file.case)} Read it, then decide again; what you typed is kept."
            return _show(request, file, typed, [Problem(sentence=said)], status_of(conflict))
    except CaseError as refusal:
        return _show(request, file, typed, [Problem(sentence=str(refusal))], status_of(refusal))
    messages.success(request, "Kept. The pack gives what you chose to give.")
    return redirect("web:case", uid=file.case.uid)


def _decided(file: CaseFile) -> dict[str, str]:
    return {key: ground or GIVE for key, ground in file.case.rights_request.texts_read.items()}


def _choices(grounds: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(GIVE, "Give it"), *((code, f"Keep it back: {label[0].lower()}{label[1:]}") for code, label in grounds)]


def _hand_out(request: HttpRequest, file: CaseFile, key: str) -> HttpResponse:
    """Give one document to whoever reads it through, on record in its own case. Raises NotAllowed, Http404."""
    actor = asking.actor_of(request)
    found = next((each for each in copies.to_read(held.rows(file.case)) if each.key == key), None)
    if found is None:
        raise Http404
    row = found.row
    fields = (f"document-{row.number}",)
    reader = asking.reader(request, "download", access.PACK.purpose, row.case.uid, fields=fields)
    try:
        opened = custody.hand_out(row, actor=actor, reader=reader, at=asking.now(), request=asking.info(request))
        first = next(opened.chunks, b"")
    except CaseError as error:
        return problem(request, HTTPStatus.CONFLICT, str(error))
    return streamed(opened, first, name=found.name)


def _show(
    request: HttpRequest,
    file: CaseFile,
    typed: dict[str, str],
    problems: list[Problem] | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    actor, case = asking.actor_of(request), file.case
    parties = held.rows(case)
    found = texts.texts(parties)
    reader = asking.reader(request, "view", access.PACK.purpose, case.uid, fields=("texts_to_read",))
    words = texts.opened(found, reader=reader, at=asking.now())
    lines: list[dict[str, Any]] = [
        {"text": text, "words": said, "ground": typed.get(text.key, ""), "choices": _choices(codes.WITHHELD_FOR)}
        for text, said in zip(found, words, strict=True)
    ]
    shown = casepage.header(file, "texts_to_read", actor) | {
        "lines": lines,
        "documents": [
            {
                "document": each,
                "ground": typed.get(each.key, ""),
                "why_not": scanning.why_not(each.row),
                "choices": _choices(each.grounds),
            }
            for each in copies.to_read(parties)
        ],
        "takes_none": case.is_closed,
        "problems": problems or [],
    }
    return render(request, "cases/rights/texts.html", shown, status=status)


urlpatterns = [path("rights/<uuid:uid>/texts/", texts_to_read, name="texts_to_read")]
