"""Breaking the glass, and reviewing who did. The page that opens a case never says whether there is one."""

from __future__ import annotations

from http import HTTPStatus

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.restricted import breakglass
from cases.web import asking, stepup
from cases.web.refusals import Problem, form_problems, screen, status_of
from cases.web.wording import how, seen

__all__ = ["break_glass", "close", "review", "reviews"]


class GlassForm(forms.Form):
    """Which case, and why."""

    reference = forms.CharField(label="Case reference", max_length=24)
    reason = forms.CharField(
        label="Why you need it now",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="At least 20 characters. The data protection officer reads it.",
    )


class ReviewForm(forms.Form):
    """What the review found."""

    outcome = forms.ChoiceField(label="What you found", choices=breakglass.OUTCOMES.items(), widget=forms.RadioSelect)
    finding = forms.CharField(label="Why", max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))


@screen
@require_http_methods(["GET", "POST"])
@never_cache
def break_glass(request: HttpRequest) -> HttpResponse:
    """Ask for reference and reason; open the case for thirty minutes. Asks for the second factor first."""
    actor = asking.actor_of(request)
    if not breakglass.may_break(actor):
        raise NotAllowed("Your roles do not let you break the glass.")
    if request.method == "GET":
        return _ask(request, GlassForm(initial={"reference": request.GET.get("reference", "")[:24]}))
    form = GlassForm(request.POST)
    if not form.is_valid():
        return _ask(request, form, form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    if (answer := stepup.require(request)) is not None:
        return answer
    try:
        opened = breakglass.break_glass(
            form.cleaned_data["reference"],
            reason=form.cleaned_data["reason"],
            actor=actor,
            at=asking.now(),
            request=asking.info(request),
        )
    except CaseError as error:
        return _ask(request, form, [Problem(sentence=str(error))], status_of(error))
    messages.warning(request, f"The case is open to you for 30 minutes. Alert {opened.alert_reference} was raised.")
    return redirect("web:case", uid=opened.case.uid)


@screen
@require_POST
@never_cache
def close(request: HttpRequest, alert: str) -> HttpResponse:
    """End one's own use before its half hour is over."""
    try:
        breakglass.close(alert, actor=asking.actor_of(request), at=asking.now(), request=asking.info(request))
        messages.success(request, f"The case is closed to you. What you did under {alert} is still reviewed.")
    except breakglass.GlassRefused as error:
        messages.error(request, str(error))
    return redirect("web:my_work")


def _ask(
    request: HttpRequest, form: GlassForm, problems: list[Problem] | None = None, status: int = HTTPStatus.OK
) -> HttpResponse:
    return render(request, "cases/glass.html", {"form": form, "problems": problems or []}, status=status)


@screen
@require_GET
@never_cache
def reviews(request: HttpRequest) -> HttpResponse:
    """List every use, those that wait first. It opens no reason."""
    found = breakglass.reviews(asking.actor_of(request))
    shown = {
        "waiting": [row for row in found if row.reviewed_at is None],
        "done": [{"row": row, "outcome": breakglass.OUTCOMES[row.outcome]} for row in found if row.reviewed_at],
    }
    return render(request, "cases/glass_reviews.html", shown)


@screen
@require_http_methods(["GET", "POST"])
@never_cache
def review(request: HttpRequest, alert: str) -> HttpResponse:
    """Show one use with its reason and what was looked at (GET); write what was found (POST)."""
    actor, at = asking.actor_of(request), asking.now()
    form = ReviewForm(request.POST if request.method == "POST" else None)
    problems: list[Problem] = []
    status = HTTPStatus.OK
    if request.method == "POST":
        try:
            if form.is_valid():
                breakglass.review(alert, **form.cleaned_data, actor=actor, at=at, request=asking.info(request))
                messages.success(request, f"The review of {alert} is on record.")
                return redirect("web:glass_reviews")
            problems, status = form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY
        except breakglass.GlassRefused as error:
            problems, status = [Problem(sentence=str(error))], status_of(error)
    row, opened = breakglass.open_reason(alert, actor=actor, at=at, request_id=asking.request_id(request))
    shown = {
        "row": row,
        "opened": opened,
        "looked": [(each, how(each.verb), seen(each.fields)) for each in breakglass.used_for(row)],
        "is_running": row.ends_at > at,
        "outcome": breakglass.OUTCOMES.get(row.outcome, ""),
        "may_review": row.reviewed_at is None and row.user_id != actor.user_id,
        "form": form,
        "problems": problems,
    }
    return render(request, "cases/glass_review.html", shown, status=status)
