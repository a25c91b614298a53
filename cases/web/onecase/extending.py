"""The page that gives a running period of a case its later last day."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from cases.kernel import policy
from cases.kernel.casetypes import Extension
from cases.kernel.errors import NotAllowed, NotVisible
from cases.kernel.models import Case
from cases.kernel.timing import extensions
from cases.web import asking
from cases.web.refusals import Problem, form_problems, screen, status_of

__all__ = ["extend"]

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class ExtensionForm(forms.Form):
    """Until when, on whose word, and when it was given."""

    ground = forms.ChoiceField(label="What gives it", widget=forms.RadioSelect)
    ordered_date = forms.DateField(label="Day of the order or application", widget=_DAY)
    until = forms.DateField(label="New last day", widget=_DAY)
    reason = forms.CharField(
        label="Court and reference",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Which court, under which number. Sealed with the case.",
    )

    def __init__(self, *args: Any, plan: Extension, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ground: Any = self.fields["ground"]
        ground.choices = plan.grounds


@screen
@require_http_methods(["GET", "POST"])
def extend(request: HttpRequest, uid: UUID, code: str) -> HttpResponse:
    """Show when the period ends and ask until when it lasts (GET); extend it (POST)."""
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    plan = extensions.known(case, code)
    policy.require(actor, extensions.ACT, case=case)
    form = ExtensionForm(request.POST if request.method == "POST" else None, plan=plan)
    status = HTTPStatus.OK
    problems: list[Problem] = []
    if request.method == "POST":
        problems, status = _extend(request, case, code, form)
        if not problems:
            return redirect("web:case", uid=uid)
    shown = {"case": case, "plan": plan, "clock": extensions.running(case, code), "form": form, "problems": problems}
    return render(request, "cases/extend.html", shown, status=status)


def _extend(request: HttpRequest, case: Case, code: str, form: ExtensionForm) -> tuple[list[Problem], HTTPStatus]:
    if not form.is_valid():
        return form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY
    typed = form.cleaned_data
    try:
        extensions.extend(
            case.pk, code, **typed, actor=asking.actor_of(request), at=asking.now(), request=asking.info(request)
        )
    except (NotAllowed, NotVisible):
        raise
    except extensions.ExtensionRefused as error:
        for name, sentence in error.errors.items():
            form.add_error(name or None, sentence)
        return form_problems(form), status_of(error)
    messages.success(request, f"It now ends {typed['until']:%-d %B %Y}.")
    return [], HTTPStatus.OK
