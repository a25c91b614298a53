"""Pages that hold a case, release a hold, and put a case aside until a day."""

from __future__ import annotations

from datetime import date, datetime, time
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from cases.kernel import calendars, holdkinds, holds, policy
from cases.kernel.calendars import LONDON
from cases.kernel.errors import CaseError
from cases.kernel.forms.numberfields import Whole
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import Case, Hold
from cases.kernel.reading import queries
from cases.kernel.timing import snoozes
from cases.ledger import reads
from cases.web import asking
from cases.web.onecase import casepage, once
from cases.web.refusals import Problem, form_problems, screen, status_of

__all__ = ["case_holds", "snooze", "wake"]

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class HoldForm(forms.Form):
    """A hold as somebody enters it. What it stops, beside reports, and when it is looked at again come from its
    kind."""

    kind = Chosen(label="Kind", choices=[(kind.code, kind.label) for kind in holdkinds.KINDS.values()])
    source = Chosen(label="Who asked for it", choices=list(holdkinds.SOURCES.items()))
    reference = forms.CharField(
        label="Their reference", max_length=80, required=False, help_text="Sealed with the case. May be empty."
    )
    began = forms.DateField(label="Holds from", required=False, widget=_DAY, help_text="Empty: from now.")
    ends = forms.DateField(label="Last day", required=False, widget=_DAY, help_text="Empty: until released.")
    review = forms.DateField(
        label="Look at it again on", required=False, widget=_DAY, help_text="Empty: after the usual period."
    )
    document = Whole(label="Document that shows it", required=False, min_value=1)
    person = Whole(label="Only for person", required=False, min_value=1)
    stops_reports = forms.BooleanField(label="Also stops reporting to agencies", required=False)
    reason = forms.CharField(label="Reason", widget=forms.Textarea(attrs={"rows": 2}))

    def entered(self) -> dict[str, Any]:
        """Return what holds.enter takes."""
        cleaned = self.cleaned_data
        usual = holdkinds.KINDS[cleaned["kind"]].blocks
        return {
            "blocks": [*usual, holdkinds.REPORT] if cleaned["stops_reports"] else None,
            **{name: cleaned[name] for name in ("source", "reference", "document", "person", "reason")},
            "began_at": _start(cleaned["began"]),
            "ends_at": _end(cleaned["ends"]),
            "review_at": _end(cleaned["review"]),
        }


class SnoozeForm(forms.Form):
    """Until when a case is put aside, and why."""

    until = forms.DateField(label="Until", widget=_DAY)
    reason = forms.CharField(label="Reason", widget=forms.Textarea(attrs={"rows": 2}))


def _start(day: date | None) -> datetime | None:
    return datetime.combine(day, time(0), tzinfo=LONDON) if day else None


def _end(day: date | None) -> datetime | None:
    return calendars.end_of_day(day) if day else None


def _shown(hold: Hold, at: datetime, *, may: bool) -> dict[str, Any]:
    kind = holdkinds.KINDS.get(hold.kind)
    is_over = hold.released_at is not None or (hold.ends_at is not None and hold.ends_at <= at)
    return {
        "hold": hold,
        "label": holdkinds.shown_label(hold.kind),
        "blocks": [] if kind and kind.is_quiet else [holdkinds.BLOCKS.get(each, each) for each in hold.blocks],
        "source": holdkinds.SOURCES.get(hold.source, hold.source),
        "is_over": is_over,
        "is_to_come": not is_over and hold.began_at > at,
        "may_release": may and not is_over,
        "by_two": kind is None or kind.is_released_by_two,
    }


@screen
@require_http_methods(["GET", "POST"])
def case_holds(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show what holds a case or held it (GET); enter a hold (POST)."""
    actor, at = asking.actor_of(request), asking.now()
    file = queries.case_file(actor, uid)
    if not (why := casepage.purpose_of(request, file, actor)):
        return casepage.ask_purpose(request, file.case)
    form, status = HoldForm(), int(HTTPStatus.OK)
    problems: list[Problem] = []
    if request.method == "POST":
        policy.require(actor, "hold", case=file.case)
        form = HoldForm(request.POST)
        problems, status = _enter(request, file.case, form)
        if not problems:
            return redirect("web:holds", uid=uid)
    reads.record_read(asking.reader(request, "view", why, file.case.uid, fields=("holds",)), at=at, result_count=1)
    head = casepage.header(file, "holds", actor)
    may = policy.can(actor, f"{file.case.kind}.release_hold", case=file.case).is_allowed
    waiting = any(each["act"] == "release_hold" and each["mode"] == "before" for each in file.approvals)
    shown = {
        "form": form,
        "once": once.token(request),
        "problems": problems,
        "listed": [_shown(each, at, may=may and not waiting) for each in holds.listed(file.case)],
        "is_waiting": waiting,
    }
    return render(request, "cases/holds.html", head | shown, status=status)


def _enter(request: HttpRequest, case: Case, form: HoldForm) -> tuple[list[Problem], int]:
    if not form.is_valid():
        return form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY
    at = asking.now()
    try:
        hold = holds.enter(
            case.pk,
            form.cleaned_data["kind"],
            actor=asking.actor_of(request),
            at=at,
            uid=once.uid_of_sent(request),
            request=asking.info(request),
            **form.entered(),
        )
    except CaseError as error:
        return [Problem(sentence=str(error))], status_of(error)
    except IntegrityError:
        if not once.has_made(Hold, once.uid_of_sent(request)):
            raise
        messages.info(request, once.SENT)
        return [], HTTPStatus.OK
    messages.success(request, _said(hold, at))
    return [], HTTPStatus.OK


def _said(hold: Hold, at: datetime) -> str:
    """Return what is now true of a hold that was entered: it may be one to come, or one that is over."""
    if hold.began_at > at:
        day = calendars.london_date(hold.began_at)
        return f"It will hold the case from {day:%-d %B %Y}. Until then it stops nothing."
    if hold.ends_at is not None and hold.ends_at <= at:
        return "The hold is on record. It is over, and stops nothing now."
    return "The case is held."


@screen
@require_http_methods(["GET", "POST"])
def snooze(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Ask until when and why (GET); put the case aside (POST)."""
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    policy.require(actor, "snooze", case=case)
    form = SnoozeForm(request.POST if request.method == "POST" else None)
    problems: list[Problem] = []
    status = HTTPStatus.OK
    if request.method == "POST":
        problems, status = form_problems(form) if not form.is_valid() else [], HTTPStatus.UNPROCESSABLE_ENTITY
        if not problems:
            try:
                until = datetime.combine(form.cleaned_data["until"], time(7), tzinfo=LONDON)
                snoozes.snooze(
                    case.pk,
                    until,
                    actor=actor,
                    at=asking.now(),
                    reason=form.cleaned_data["reason"],
                    request=asking.info(request),
                )
            except CaseError as error:
                problems, status = [Problem(sentence=str(error))], status_of(error)
        if not problems:
            messages.success(request, f"{case.reference} is put aside until {until:%-d %B %Y}.")
            return redirect("web:case", uid=uid)
    return render(request, "cases/snooze.html", {"case": case, "form": form, "problems": problems}, status=status)


@screen
@require_POST
def wake(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Bring a case back before its day."""
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    snoozes.wake(case.pk, actor=actor, at=asking.now(), request=asking.info(request))
    messages.success(request, f"{case.reference} is back in the queue.")
    return redirect("web:case", uid=uid)
