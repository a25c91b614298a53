"""The register of disclosures: by authority and period, as a page and as a file, and the export for inspectors."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cases.disclosure.register import lines as listed
from cases.disclosure.register.lines import INSPECTION, KIND, MOST_LINES, REGISTER, Line
from cases.kernel import calendars, policy
from cases.ledger import reads
from cases.web import asking, stepup
from cases.web.onecase.documents import table
from cases.web.refusals import Problem, form_problems, screen

__all__ = ["urlpatterns"]

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
TOO_MANY = f"These are more than {MOST_LINES} requests. Choose a shorter period or one authority for a file."


class PeriodForm(forms.Form):
    """One authority or all, and the London days in which requests came."""

    authority = forms.ChoiceField(label="Authority", required=False)
    since = forms.DateField(label="Came from", widget=_DAY)
    until = forms.DateField(label="Until", widget=_DAY)

    def __init__(self, *args: Any, names: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["authority"].choices = [("", "All"), *names.items()]  # type: ignore[attr-defined]  # -- choices

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "since" in cleaned and "until" in cleaned and cleaned["until"] < cleaned["since"]:
            self.add_error("until", "The last day is before the first.")
        return cleaned


def _asked(request: HttpRequest) -> PeriodForm:
    """Return what is asked for; this month so far, of all, where nothing is."""
    today = calendars.london_date(asking.now())
    usual = {"authority": "", "since": today.replace(day=1).isoformat(), "until": today.isoformat()}
    given = {name: request.GET[name] for name in usual if name in request.GET}
    return PeriodForm({**usual, **given}, names=listed.authorities())


def _lines(request: HttpRequest, form: PeriodForm) -> list[Line]:
    said = form.cleaned_data
    names = {code: name for code, name in form.fields["authority"].choices if code}  # type: ignore[attr-defined]  # -- choices
    actor = asking.actor_of(request)
    return listed.lines(actor, said["since"], said["until"], authority=said["authority"], names=names)


def _reader(request: HttpRequest, verb: str, purpose: str, found: list[Line], field: str) -> reads.Reader:
    streams = (line.facts.case.uid for line in found)
    return asking.reader(request, verb, purpose, *streams, fields=(field,))


@screen
@require_GET
@never_cache
def register(request: HttpRequest) -> HttpResponse:
    """Show the register of a period."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_register", kind=KIND)
    form = _asked(request)
    if not form.is_valid():
        return _show(request, form, [], form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    found = _lines(request, form)
    reads.record_read(_reader(request, "list", "casework", found, "register"), at=asking.now(), result_count=len(found))
    return _show(request, form, found, [])


def _show(
    request: HttpRequest, form: PeriodForm, found: list[Line], problems: list[Problem], status: int = HTTPStatus.OK
) -> HttpResponse:
    actor = asking.actor_of(request)
    asked = urlencode({name: form[name].value() or "" for name in form.fields})
    shown = {
        "form": form,
        "lines": found,
        "problems": problems,
        "too_many": TOO_MANY if len(found) > MOST_LINES else "",
        "file": f"{reverse('web:disclosures_file')}?{asked}",
        "may_inspect": policy.can(actor, "export_inspection", kind=KIND).is_allowed,
        "inspection": f"{reverse('web:disclosures_inspection')}?{asked}",
    }
    return render(request, "cases/disclosure/register.html", shown, status=status)


@screen
@require_GET
@never_cache
def register_file(request: HttpRequest) -> HttpResponse:
    """Hand the register of a period out as a file; that is on record with every request it names."""
    policy.require(asking.actor_of(request), "view_register", kind=KIND)
    form = _asked(request)
    found = _few(request, form)
    if isinstance(found, HttpResponse):
        return found
    reader = _reader(request, "export", "casework", found, "register")
    return table(listed.table(found, reader=reader, at=asking.now()), _name(REGISTER, form))


@screen
@require_GET
@never_cache
def register_inspection(request: HttpRequest) -> HttpResponse:
    """Hand out what inspectors audit in reverse, with the authorities' own numbers. Asks for the second factor first;
    it is on record with every request it names."""
    policy.require(asking.actor_of(request), "export_inspection", kind=KIND)
    if (answer := stepup.require(request)) is not None:
        return answer
    form = _asked(request)
    found = _few(request, form)
    if isinstance(found, HttpResponse):
        return found
    reader = _reader(request, "export", "inspection", found, "urn")
    return table(listed.inspection(found, reader=reader, at=asking.now()), _name(INSPECTION, form))


def _few(request: HttpRequest, form: PeriodForm) -> list[Line] | HttpResponse:
    """Return the lines of a file, or the page that says why there is none."""
    if not form.is_valid():
        return _show(request, form, [], form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    found = _lines(request, form)
    if len(found) > MOST_LINES:
        return _show(request, form, [], [Problem(sentence=TOO_MANY)], HTTPStatus.UNPROCESSABLE_ENTITY)
    return found


def _name(export: str, form: PeriodForm) -> str:
    days: list[date] = [form.cleaned_data["since"], form.cleaned_data["until"]]
    whose = form.cleaned_data["authority"] or "all"
    return f"{export}-{whose}-{days[0].isoformat()}-{days[1].isoformat()}.csv"


_AT = "disclosures/"
urlpatterns = [
    path(_AT, register, name="disclosures"),
    path(f"{_AT}file/", register_file, name="disclosures_file"),
    path(f"{_AT}inspection/", register_inspection, name="disclosures_inspection"),
]
