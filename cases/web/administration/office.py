"""Changes of the office: what waits, what was decided, one change with old and new side by side, and proposing one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.kernel import policy, roles
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.models import Proposal
from cases.kernel.office import proposals
from cases.kernel.office.proposals import Kind, ProposalRefused, ProposalStale
from cases.kernel.outputs import caselists, traillists
from cases.ledger import sealing
from cases.ledger.models import LedgerEvent
from cases.web import asking, stepup
from cases.web.administration import office_letters
from cases.web.keyset import pageful
from cases.web.refusals import Problem, form_problems, screen, status_of

__all__ = ["change", "changes", "decide", "entry", "outcome", "problems_of", "propose", "withdraw"]

STATES = {
    "open": ("Waiting", "wait"),
    "agreed": ("Done", "done"),
    "refused": ("Refused", "bad"),
    "withdrawn": ("Taken back", "hold"),
    "superseded": ("Out of date", "hold"),
}
VERBS = {
    "office.proposed": "proposed it",
    "office.agreed": "agreed",
    "office.refused": "refused",
    "office.withdrawn": "took it back",
    "office.dropped": "ended it: a person of it left",
    "office.superseded": "wanted to agree, but it was out of date",
}
# Kinds whose text can be looked at as it will look: the page that shows a draft, or what is proposed.
PREVIEWS = {"letter_text": "web:letter_preview"}
# Kinds that are files: what hands each out to whoever asked for it.
FILES = {caselists.KIND: "web:case_list", traillists.KIND: "web:trail_list"}
# Kinds that change one thing of a list, and the page of that list: its form is opened beside what it changes.
BEGUN_AT = {
    "clock_rule": "web:clock_rules",
    "code_entry": "web:codes",
    "letter_text": "web:letters",
    "retention_class": "web:retention",
    "team_change": "web:teams",
    "tie_end": "web:ties",
}
Rows = QuerySet[Proposal]
VIEWS: Mapping[str, tuple[str, Callable[[Actor], Rows]]] = {
    "waiting": ("Waiting for me", proposals.waiting_for),
    "open": ("All that wait", lambda actor: proposals.visible_to(actor).filter(state="open")),
    "mine": ("Proposed by me", lambda actor: Proposal.objects.filter(maker_id=actor.user_id)),
    "past": ("Past", lambda actor: proposals.visible_to(actor).exclude(state="open")),
}


def _labels(codes: Iterable[str]) -> str:
    return " or ".join(roles.ROLES[code].label for code in sorted(codes) if code in roles.ROLES)


def entry(row: Proposal) -> dict[str, Any]:
    """Return a change as lists show it."""
    label, tone = STATES[row.state]
    kind = proposals.known(row.kind)
    return {
        "row": row,
        "title": proposals.title(row),
        "state": label,
        "tone": tone,
        "needs": _labels(row.needs),
        "meanwhile": kind.meanwhile_says if kind is not None and row.state == "open" else "",
    }


def _offered(actor: Actor) -> list[tuple[str, str]]:
    """Return label and address of each kind that has a page and that this person may propose, by name."""
    return sorted(
        (kind.label, _begun_at(kind))
        for kind in proposals.all_kinds()
        if kind.form and policy.can(actor, f"propose.{kind.code}").is_allowed
    )


def _begun_at(kind: Kind) -> str:
    return reverse(BEGUN_AT[kind.code]) if kind.code in BEGUN_AT else reverse("web:propose", args=[kind.code])


def _names_nothing(form: Any) -> bool:
    """Say whether a form that is opened lacks what only the address can tell it: which thing it changes."""
    return not form.is_bound and any(
        field.field.required and not form.initial.get(field.name) for field in form.hidden_fields()
    )


@screen
@require_GET
def changes(request: HttpRequest) -> HttpResponse:
    """List changes, newest first, in four views."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_changes")
    asked = request.GET.get("view", "")
    view = asked if asked in VIEWS else "waiting"
    rows = VIEWS[view][1](actor).select_related("maker", "checker", "about")
    page = pageful(rows, request, is_descending=True)
    shown = {
        "entries": [entry(row) for row in page.rows],
        "page": page,
        "view": view,
        "tabs": [{"code": code, "label": label, "is_current": code == view} for code, (label, _) in VIEWS.items()],
        "kinds": _offered(actor),
    }
    return render(request, "cases/office/changes.html", shown)


def _found(actor: Actor, uid: UUID) -> Proposal:
    rows = proposals.visible_to(actor).select_related("maker", "checker", "about", "key")
    row = rows.filter(Q(uid=uid)).first()
    if row is None:
        raise NotVisible
    return row


def _history(request: HttpRequest, row: Proposal) -> list[dict[str, Any]]:
    """Return what happened to it, oldest first, with the reasons; that they were read is on record."""
    events = list(LedgerEvent.objects.filter(stream=row.uid).order_by("seq"))
    reader = asking.reader(request, "view", "office_change", row.uid)
    reasons = sealing.open_reasons(events, reader=reader, at=asking.now())
    names = {f"staff:{person.pk}": person.display_name for person in (row.maker, row.checker) if person}
    return [
        {
            "at": event.at,
            "who": names.get(event.actor or "", "Somebody else"),
            "verb": VERBS.get(event.action or "", event.action),
            "reason": reason,
        }
        for event, reason in zip(events, reasons, strict=True)
    ]


def _show(
    request: HttpRequest, uid: UUID, problems: list[Problem] | None = None, *, typed: str = "", status: int = 200
) -> HttpResponse:
    actor = asking.actor_of(request)
    row = _found(actor, uid)
    kind = proposals.known(row.kind)
    payload = proposals.contents(row, actor=actor, at=asking.now())
    refusal = proposals.refusal(row, actor) if row.state == "open" else ""
    shown = {
        **entry(row),
        "kind": kind,
        "lines": kind.describe(row.before, payload) if kind else [],
        "history": _history(request, row),
        "refusal": refusal,
        "can_decide": row.state == "open" and not refusal,
        "can_withdraw": row.state == "open" and row.maker_id == actor.user_id,
        "preview_url": f"{_preview(row.kind, payload)}?change={row.uid}" if row.kind in PREVIEWS else "",
        "list_url": reverse(FILES[row.kind], args=[row.uid]) if _may_fetch(row, actor) else "",
        "has_paper": row.kind == traillists.KIND,
        "problems": problems or [],
        "typed": typed,
    }
    return render(request, "cases/office/change.html", shown, status=status)


def _may_fetch(row: Proposal, actor: Actor) -> bool:
    return row.kind in FILES and caselists.may_fetch(row, actor, at=asking.now(), kind=row.kind)


def _preview(kind: str, payload: Mapping[str, Any]) -> str:
    """Return the address of the preview of a kind's text, or nothing."""
    code = str(payload.get("code", ""))
    try:
        return reverse(PREVIEWS[kind], args=[code]) if kind in PREVIEWS else ""
    except NoReverseMatch:
        return ""


@screen
@require_GET
def change(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show one change: what is there, what would be, who proposed and why, and the decision."""
    policy.require(asking.actor_of(request), "view_changes")
    return _show(request, uid)


def _end(request: HttpRequest, uid: UUID, act: Callable[..., Proposal], **more: Any) -> HttpResponse:
    """Do one act on an open change after confirmation; a refusal comes back with what was typed."""
    actor = asking.actor_of(request)
    _found(actor, uid)
    reason, at, info = request.POST.get("reason", ""), asking.now(), asking.info(request)
    try:
        row = stepup.confirmed(
            request,
            lambda: act(uid, actor=actor, at=at, reason=reason, request=info, **more),
            unless=(ProposalStale,),  # it is superseded, which stays
        )
    except CaseError as error:
        return _show(request, uid, problems_of(error), typed=reason, status=status_of(error))
    if isinstance(row, HttpResponse):
        return row
    messages.success(request, outcome(row))
    return redirect("web:change", uid=uid)


def problems_of(error: CaseError) -> list[Problem]:
    """Return a refusal as lines of an error summary."""
    faults = getattr(error, "errors", {})
    return [Problem(sentence=text, anchor="reason" if name == "reason" else "") for name, text in faults.items()] or [
        Problem(sentence=str(error))
    ]


@screen
@require_POST
def decide(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Agree or refuse, with a reason."""
    return _end(request, uid, proposals.decide, verdict=request.POST.get("verdict", ""))


@screen
@require_POST
def withdraw(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Take one's own proposal back, with a reason."""
    return _end(request, uid, proposals.withdraw)


def outcome(row: Proposal) -> str:
    """Return in a sentence what became of a change."""
    shown = entry(row)
    if row.state == "open":
        return f"Proposed. It waits for the {shown['needs'].lower()}. {shown['meanwhile']}".rstrip()
    return f"{shown['state']}: {shown['title']}."


@screen
@require_http_methods(["GET", "POST"])
def propose(request: HttpRequest, kind: str) -> HttpResponse:
    """Fill in the form of a kind of change and put it on record. The address may fill fields in advance."""
    actor, declared = asking.actor_of(request), proposals.get(kind)
    policy.require(actor, f"propose.{kind}")
    if declared.form is None:
        raise NotVisible
    initial = {name: str(value).replace("\0", "") for name, value in request.GET.items()}
    initial = {**office_letters.begun(kind, initial), **initial}
    form = declared.form(request.POST or None, request.FILES or None, initial=initial, actor=actor)
    if kind in BEGUN_AT and _names_nothing(form):
        messages.info(request, "Choose in this list what is to change.")
        return redirect(BEGUN_AT[kind])
    if declared.is_grave and form.is_valid() and (answer := stepup.require(request)) is not None:
        return answer
    problems: list[Problem] = []
    status = 200
    if form.is_valid():
        try:
            row = _proposed(request, declared, form, actor)
        except ProposalRefused as refused:
            problems, status = _put(form, refused), status_of(refused)
        else:
            messages.success(request, outcome(row))
            return redirect("web:change", uid=row.uid)
    elif form.is_bound:
        problems, status = form_problems(form), 422
    given = form.data if form.is_bound else form.initial
    always = declared.checkers if declared.needs is None else ()
    shown = {
        "kind": declared,
        "needs": _labels(always or ()).lower(),
        "form": form,
        "problems": problems,
        "preview_url": _preview(kind, given),
    }
    return render(request, "cases/office/propose.html", shown, status=status)


def _proposed(request: HttpRequest, kind: Kind, form: Any, actor: Actor) -> Proposal:
    return proposals.propose(
        kind.code,
        form.payload(),
        actor=actor,
        at=asking.now(),
        reason=form.cleaned_data["reason"],
        request=asking.info(request),
    )


def _put(form: Any, refused: ProposalRefused) -> list[Problem]:
    """Put each sentence on the field it speaks of; what speaks of none stands above the form."""
    if not refused.errors:
        return [Problem(sentence=str(refused))]
    for name, sentence in refused.errors.items():
        form.add_error(name if name in form.fields else None, sentence)
    return form_problems(form)
