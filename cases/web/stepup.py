"""Confirming a grave act with the second factor, at most five minutes before it; typed content is kept.

`if (answer := stepup.require(request)) is not None: return answer` stands first in the view of such an act;
`stepup.method(request)` is the factor that was used, for the record.
"""

from __future__ import annotations

import json
from typing import Any

from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import begin_authentication
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from cases.kernel.models import User
from cases.ledger import security
from cases.web.signin import factors
from cases.web.signin.forms import StepUpForm, StepUpKeyForm
from cases.web.signin.secrets import SecretUnreadable, open_secret, seal_secret

__all__ = ["method", "require", "resume", "step_up"]

DRAFT = "step_up_draft"
DRAFT_SECONDS = 900
LONGEST_DRAFT = 200_000


def method(request: HttpRequest) -> str:
    """Return the factor shown in the last five minutes ("totp", "webauthn", "demo"), or nothing."""
    return factors.stepped_up(request)


def require(request: HttpRequest) -> HttpResponse | None:
    """Return nothing when the person confirmed within five minutes, else a redirect to do so.

    What was posted is kept sealed in the session and offered again afterwards; files have to be chosen anew.
    """
    if method(request):
        request.session.pop(DRAFT, None)
        return None
    path = request.get_full_path()
    target = reverse("step_up")
    if request.method == "POST":
        _keep(request, path)
    else:
        request.session.pop(DRAFT, None)
        target = f"{target}?{urlencode({'next': path})}"
    return HttpResponseClientRedirect(target) if getattr(request, "htmx", False) else HttpResponseRedirect(target)


def _keep(request: HttpRequest, path: str) -> None:
    fields = [[name, value] for name, values in request.POST.lists() for value in values]
    draft = {
        "path": path,
        "fields": [pair for pair in fields if pair[0] != "csrfmiddlewaretoken"],
        "had_files": bool(request.FILES),
        "user": request.user.pk,
    }
    request.session.pop(DRAFT, None)  # an older act is not offered as what was typed now
    text = json.dumps(draft)
    if len(text) <= LONGEST_DRAFT:
        request.session[DRAFT] = seal_secret(text)


def _draft(request: HttpRequest) -> dict[str, Any] | None:
    """Return what this person had posted, unless it is too old or somebody else's."""
    try:
        draft: dict[str, Any] = json.loads(open_secret(request.session.get(DRAFT, ""), ttl=DRAFT_SECONDS))
    except (SecretUnreadable, ValueError):
        return None
    return draft if draft["user"] == request.user.pk else None


@require_http_methods(["GET", "POST"])
@never_cache
def step_up(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor; in demo mode a labelled button stands in for it."""
    if not isinstance(request.user, User):
        return redirect("account_login")
    if request.method == "POST" and not ratelimit.consume(request, action="reauthenticate", user=request.user):
        return ratelimit.respond_429(request)
    form = StepUpForm(user=request.user)
    key_form = StepUpKeyForm(user=request.user)
    if request.method == "POST":
        form, key_form, factor = _check(request, request.user)
        if factor:
            factors.rotate(request)
            security.note("step_up", actor=f"staff:{request.user.pk}", at=timezone.now(), act=factor)
            return HttpResponseRedirect(_onward(request))
    return render(request, "account/step_up.html", _context(request, request.user, form, key_form))


def _check(request: HttpRequest, user: User) -> tuple[StepUpForm, StepUpKeyForm, str]:
    """Return both forms and the factor that was shown, or no factor."""
    form, key_form = StepUpForm(user=user), StepUpKeyForm(user=user)
    if "demo" in request.POST and _is_demo(request):
        factors.record(request, user, factors.DEMO, reauthenticated=True)
        return form, key_form, factors.DEMO
    if "credential" in request.POST:
        key_form = StepUpKeyForm(request.POST, user=user)
        posted, factor = key_form, str(Authenticator.Type.WEBAUTHN)
    else:
        form = StepUpForm(request.POST, user=user)
        posted, factor = form, str(Authenticator.Type.TOTP)
    if posted.is_valid():
        posted.save()
        return form, key_form, factor
    return form, key_form, ""


def _is_demo(request: HttpRequest) -> bool:
    return bool(settings.DEMO and not factors.has_second_factor(request.user))


def _context(request: HttpRequest, user: User, form: StepUpForm, key_form: StepUpKeyForm) -> dict[str, Any]:
    kinds = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    has_key = Authenticator.Type.WEBAUTHN in kinds
    return {
        "form": form,
        "key_form": key_form,
        "has_app": Authenticator.Type.TOTP in kinds,
        "has_key": has_key,
        "is_demo": _is_demo(request),
        "key_options": {"request_options": begin_authentication(user)} if has_key else None,
        "next": request.POST.get("next") or request.GET.get("next", ""),
        "keeps_draft": DRAFT in request.session,
    }


def _onward(request: HttpRequest) -> str:
    """Return where to go after the factor was shown: back to what was typed, or to the page that asked."""
    if _draft(request) is not None:
        return reverse("step_up_resume")
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, allowed_hosts=None, require_https=request.is_secure())
    return target if is_ours and target.startswith("/") else "/"


@require_GET
@never_cache
def resume(request: HttpRequest) -> HttpResponse:
    """Offer what was typed once more; nothing is done before the person presses the button."""
    draft = _draft(request)
    if draft is None or not method(request):
        return redirect("/")
    return render(request, "account/step_up_resume.html", {"draft": draft})
