"""A restricted team's own page: whom it lets read from outside, until when, and what it looked at itself."""

from __future__ import annotations

from datetime import UTC, datetime, time
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from cases.kernel.actors import Actor
from cases.kernel.calendars import LONDON
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.restricted import compartments
from cases.web import asking, stepup
from cases.web.refusals import Problem, form_problems, screen, status_of

__all__ = ["compartment", "revoke"]


class GrantForm(forms.Form):
    """Whom to let in, until when, and why."""

    team = Chosen(label="Team", coerce=int)
    reader = Chosen(label="Who may read", coerce=int)
    until = forms.DateField(label="Until the end of", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    reason = forms.CharField(
        label="Why", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), help_text="At least 20 characters."
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields
        choices["team"].choices = [(team.pk, team.name) for team in compartments.mine(actor)]
        choices["reader"].choices = [(user.pk, user.display_name) for user in compartments.possible_readers(actor)]


@screen
@require_http_methods(["GET", "POST"])
@never_cache
def compartment(request: HttpRequest) -> HttpResponse:
    """Show whom my restricted teams let read; let one more person in. Letting in asks for the second factor."""
    actor, at = asking.actor_of(request), asking.now()
    if not compartments.mine(actor):
        raise NotVisible
    if request.method == "GET":
        return _show(request, actor, GrantForm(actor=actor), at)
    form = GrantForm(request.POST, actor=actor)
    if not form.is_valid():
        return _show(request, actor, form, at, form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    if (answer := stepup.require(request)) is not None:
        return answer
    typed = form.cleaned_data
    try:
        row = compartments.grant(
            typed["team"],
            typed["reader"],
            reason=typed["reason"],
            ends_at=datetime.combine(typed["until"], time(23, 59, 59), tzinfo=LONDON).astimezone(UTC),
            actor=actor,
            at=at,
            request=asking.info(request),
        )
    except CaseError as error:
        return _show(request, actor, form, at, [Problem(sentence=str(error))], status_of(error))
    messages.success(request, f"{row.reader.display_name} may read until {typed['until']:%-d %B %Y}.")
    return redirect("web:compartment")


def _show(
    request: HttpRequest,
    actor: Actor,
    form: GrantForm,
    at: datetime,
    problems: list[Problem] | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    found = compartments.grants(actor)
    live = [row for row in found if row.revoked_at is None and row.ends_at > at]
    shown = {
        "teams": compartments.mine(actor),
        "live": live,
        "past": [row for row in found if row not in live],
        "looked": compartments.looked_outside(actor, at=at),
        "form": form,
        "problems": problems or [],
    }
    return render(request, "cases/compartment.html", shown, status=status)


@screen
@require_POST
def revoke(request: HttpRequest, grant: UUID) -> HttpResponse:
    """Take the right to read back at once."""
    row = compartments.revoke(grant, actor=asking.actor_of(request), at=asking.now(), request=asking.info(request))
    messages.success(request, f"{row.reader.display_name} may no longer read.")
    return redirect("web:compartment")
