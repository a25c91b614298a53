"""The one screen of an emergency, for a telephone at night: its opening, its clocks, what was given; and its sheet of
paper for when nothing of this can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages as notices
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_GET, require_http_methods

from cases.disclosure import authorities
from cases.disclosure.emergency import codes, effects, forms, guards, periods
from cases.disclosure.emergency.casetype import EMERGENCY_DISCLOSURE
from cases.kernel import conflicts, intake, policy, transitions
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.models import Agency, Case, Clock
from cases.kernel.transitions import CaseChanged
from cases.ledger import sealing
from cases.web import asking, stepup
from cases.web.desk.rows import urgent_lines
from cases.web.refusals import Problem, form_problems, screen, status_of

KIND = EMERGENCY_DISCLOSURE.code
CASEWORK = "casework"
# What is done on the screen, in which states. Everything else is done on the case's own page.
ANSWERS = {
    "live": ("disclose", "refuse"),
    "disclosed": ("write_up", "disclose_more", "refuse_more"),
    "refused": ("write_up",),
    "written_up": ("disclose_more", "refuse_more"),
    "checked": ("refuse_more",),
}
_MOVED = "The emergency has moved on. Look at where it stands, then decide again."
_DIGITS = 10
FORMS = EMERGENCY_DISCLOSURE.transition_forms
SHOWN = ("caller", "incident", "operator", "subscriber", "address", "position", "cell", "spoken_to", "written_up")


@dataclass(frozen=True, kw_only=True)
class Timer:
    """One large clock: what runs, until when, how long that is yet, and how pressing."""

    label: str
    ends_at: datetime
    left: str
    tone: str
    is_over: bool


def _may_work(request: HttpRequest, case: Case | None = None) -> None:
    """Raise NotAllowed for everyone but the operators: others read the case's own page."""
    actor = asking.actor_of(request)
    if case is None:
        policy.require(actor, "open_case", kind=KIND)
    else:
        policy.require(actor, "edit", case=case)


@screen
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """Take the call in. Whoever comes here confirms with the second factor now, while there is time for it."""
    return _opening(request, is_from_sheet=False)


@screen
@require_http_methods(["GET", "POST"])
def from_sheet(request: HttpRequest) -> HttpResponse:
    """Enter a sheet of paper afterwards: the call, when the control room asked."""
    return _opening(request, is_from_sheet=True)


def _opening(request: HttpRequest, *, is_from_sheet: bool) -> HttpResponse:
    _may_work(request)
    form_class = forms.SheetForm if is_from_sheet else forms.FactsForm
    if request.method == "GET":
        if (answer := stepup.require(request)) is not None:
            return answer
        return _open_page(request, form_class(), is_from_sheet=is_from_sheet)
    form = form_class(request.POST)
    if not form.is_valid():
        problems = form_problems(form)
        return _open_page(request, form, problems, HTTPStatus.UNPROCESSABLE_ENTITY, is_from_sheet=is_from_sheet)
    at = asking.now()
    try:
        case = intake.open_case(
            KIND,
            actor=asking.actor_of(request),
            at=at,
            facts={**form.cleaned_data, "is_from_sheet": is_from_sheet, "taken_by": asking.actor_of(request).user_id},
            people=form.people(),
            occurred_at=form.cleaned_data.get("requested_at"),
            request=asking.info(request),
        )
    except CaseError as error:
        problems = [Problem(sentence=str(error))]
        return _open_page(request, form, problems, status_of(error), is_from_sheet=is_from_sheet)
    return redirect("web:emergency", uid=case.uid)


def _open_page(
    request: HttpRequest,
    form: Any,
    problems: list[Problem] | None = None,
    status: int = HTTPStatus.OK,
    *,
    is_from_sheet: bool,
) -> HttpResponse:
    shown = {
        "form": form,
        "problems": problems or [],
        "is_from_sheet": is_from_sheet,
        "risks": codes.RISKS,
        "desks": _desks(),
        "urgent": urgent_lines(asking.actor_of(request), at=asking.now()),
        "now_at": asking.now(),
    }
    return render(request, "cases/disclosure/emergency/start.html", shown, status=status)


def _desks() -> list[tuple[str, str, str]]:
    """Return control room, desk and number of every entry that may be called back. One query."""
    rows = authorities.AuthorityContact.objects.filter(agency__kind="emergency", is_active=True)
    found = rows.order_by("agency__display_name", "desk").values_list("agency__display_name", "desk", "phone")
    return list(found)


@screen
@require_http_methods(["GET", "POST"])
def work(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show the emergency with its clocks; take what was given, refused or written up. A refusal keeps what was
    typed."""
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    if case.kind != KIND:
        return redirect("web:case", uid=uid)
    _may_work(request, case)
    if refusal := conflicts.why_not(actor, case):
        raise NotAllowed(refusal)
    if request.method == "GET":
        if getattr(request, "htmx", False):
            return render(request, "cases/disclosure/emergency/_clocks.html", _timed(case))
        return _screen(request, case)
    name = request.POST.get("act", "")
    if name not in FORMS or name not in ANSWERS.get(case.state, ()):
        return _screen(request, case, [Problem(sentence=_MOVED)], HTTPStatus.CONFLICT)
    form = _form(name, case, request.POST)
    if not form.is_valid():
        return _screen(request, case, form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY, typed={name: form})
    if policy.can(actor, f"{KIND}.{name}", case=case).is_grave and (answer := stepup.require(request)) is not None:
        return answer
    return _apply(request, case, name, form)


def _apply(request: HttpRequest, case: Case, name: str, form: Any) -> HttpResponse:
    """Make the step on the case as the screen showed it: the same press again finds it changed and does nothing."""
    inputs, reason, version = form.inputs(), request.POST.get("reason", ""), request.POST.get("version", "")
    try:
        moved = transitions.apply(
            case.pk,
            name,
            actor=asking.actor_of(request),
            at=asking.now(),
            occurred_at=inputs.pop("said_at", None),
            reason=reason,
            inputs=inputs,
            version=int(version) if version.isdecimal() and len(version) < _DIGITS else None,
            request=asking.info(request),
        )
    except CaseChanged as error:
        return _screen(request, case, [Problem(sentence=_MOVED)], status_of(error), typed={name: form}, reason=reason)
    except CaseError as error:
        problems = [Problem(sentence=str(error))]
        return _screen(request, case, problems, status_of(error), typed={name: form}, reason=reason)
    notices.success(request, _said(moved, name, inputs))
    return redirect("web:emergency", uid=case.uid)


def _said(case: Case, name: str, inputs: Mapping[str, Any]) -> str:
    if name in {"refuse", "refuse_more"}:
        return f"Refused. Tell the control room: {effects.pointer(str(inputs['reason_code']))}"
    return f"{case.reference}: {EMERGENCY_DISCLOSURE.lifecycle.state(case.state).label.lower()}."


def _form(name: str, case: Case, data: Any = None) -> Any:
    return FORMS[name](data, case=case, auto_id=f"{name}_%s")


def _screen(
    request: HttpRequest,
    case: Case,
    problems: list[Problem] | None = None,
    status: int = HTTPStatus.OK,
    *,
    typed: Mapping[str, Any] | None = None,
    reason: str = "",
) -> HttpResponse:
    """Draw the screen. Opens what is on record of the call, which the access log keeps."""
    typed = typed or {}
    case.refresh_from_db()
    facts, timed = case.emergency_disclosure, _timed(case)
    names = tuple(name for name in SHOWN if getattr(facts, name) is not None)
    reader = asking.reader(request, "view", CASEWORK, case.uid, fields=names)
    opened = sealing.open_rows([facts], names, reader=reader, at=asking.now())[0]
    for name in ("refuse", "refuse_more"):
        if timed["past"] and name in ANSWERS.get(case.state, ()) and name not in typed:
            typed = {**typed, name: _form(name, case)}
            typed[name].initial["reason_code"] = codes.PAST_HOUR
    moves = [
        {
            "move": EMERGENCY_DISCLOSURE.lifecycle[name],
            "form": typed.get(name) or _form(name, case),
            "is_first": number == 0,
            "is_giving": name in {"disclose", "disclose_more"},
            "is_refusing": name in {"refuse", "refuse_more"},
            "is_typed": name in typed,
        }
        for number, name in enumerate(ANSWERS.get(case.state, ()))
    ]
    shown = timed | {
        "room": Agency.objects.filter(code=facts.control_room).values_list("display_name", flat=True).first(),
        "title": EMERGENCY_DISCLOSURE.topic_label(case.topic),
        "state": EMERGENCY_DISCLOSURE.lifecycle.state(case.state),
        "given": [(EMERGENCY_DISCLOSURE.sealed_labels[name], opened[name]) for name in names],
        "moves": moves,
        "desks": authorities.active(facts.control_room),
        "problems": problems or [],
        "reason": reason,
        "urgent": codes.ROUTES[codes.PAST_HOUR],
    }
    return render(request, "cases/disclosure/emergency/screen.html", shown, status=status)


def _timed(case: Case) -> dict[str, Any]:
    """Return the case, its facts and its large clocks: the hour of the call first. Three queries."""
    now, ends_at = asking.now(), periods.hour_ends_at(case)
    labels = {periods.ANSWER: "Answer", periods.RECORD: "Write up", periods.CHECK: "Check"}
    live = Clock.objects.filter(case=case, rule__in=labels, ended_at=None).order_by("due_at", "rule")
    facts = case.emergency_disclosure
    is_asked = case.state not in {"checked", "closed", "over_disclosed"}
    timers = [_timer("Hour after the call", ends_at, now)] if is_asked else []
    timers += [_timer(labels[clock.rule], clock.due_at, now) for clock in live]
    is_past = now > ends_at and not facts.is_from_sheet
    return {
        "case": case,
        "facts": facts,
        "timers": timers,
        "past": guards.past_hour(ends_at, facts, now=now) if is_past and is_asked else "",
        "now_at": now,
    }


def _timer(label: str, ends_at: datetime, now: datetime) -> Timer:
    seconds = int((ends_at - now).total_seconds())
    if seconds < 0:
        return Timer(label=label, ends_at=ends_at, left="over", tone="bad", is_over=True)
    hours, rest = divmod(seconds, 3600)
    left = f"{hours} h {rest // 60:02} min" if hours else f"{rest // 60}:{rest % 60:02}"
    tone = "bad" if seconds < 600 else "warn" if seconds < 1800 else "info"  # noqa: PLR2004 -- ten minutes, half an hour
    return Timer(label=label, ends_at=ends_at, left=left, tone=tone, is_over=False)


@screen
@require_GET
def sheet(request: HttpRequest) -> HttpResponse:
    """Show the sheet of paper, to be printed beforehand: it holds the numbers of the directory."""
    _may_work(request)
    shown = {
        "labels": [
            *("Asked at", "Incident number", "Operator", "Caller's number, or reference of the call"),
            *("Call began, call ended", f"Risk: {', '.join(label.lower() for _, label in codes.RISKS)}"),
        ],
        "given": [
            *("Subscriber's name", "Address", "Position (latitude, longitude), radius in metres"),
            f"Time of the position; source: {', '.join(label[:1].lower() + label[1:] for _, label in codes.SOURCES)}",
            *("Cell and its coverage", "Given at"),
        ],
        "desks": _desks(),
        "refusals": codes.REFUSALS,
        "urgent": codes.ROUTES[codes.PAST_HOUR],
    }
    return render(request, "cases/disclosure/emergency/sheet.html", shown)


urlpatterns = [
    path("emergency/", start, name="emergency_start"),
    path("emergency/from-sheet/", from_sheet, name="emergency_from_sheet"),
    path("emergency/sheet/", sheet, name="emergency_sheet"),
    path("emergency/<uuid:uid>/", work, name="emergency"),
]
