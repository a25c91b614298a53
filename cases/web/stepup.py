"""Confirming a grave act with the second factor, at most five minutes before it; typed content is kept.

`if (answer := stepup.require(request)) is not None: return answer` stands in the view of such an act before it is done,
and after its form: what is not filled in is said before anybody reaches for their key; where the act alone knows what
it refuses, `stepup.confirmed(request, act)` stands for both;
`stepup.method(request)` is the factor that was used, for the record.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import begin_authentication
from django.conf import settings
from django.db import transaction
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
from cases.web import asking
from cases.web.signin import factors, kept
from cases.web.signin.forms import StepUpForm, StepUpKeyForm

__all__ = ["confirmed", "method", "require", "resume", "step_up"]


def method(request: HttpRequest) -> str:
    """Return the factor shown in the last five minutes ("totp", "webauthn", "demo"), or nothing."""
    return factors.stepped_up(request)


def require(request: HttpRequest) -> HttpResponse | None:
    """Return nothing when the person confirmed within five minutes, else a redirect to do so.

    What was posted is kept sealed in the session and offered again afterwards; files have to be chosen anew.
    """
    if method(request):
        kept.drop(request, kept.STEP_UP)
        return None
    return _ask(request)


def _ask(request: HttpRequest) -> HttpResponse:
    target = reverse("step_up")
    if request.method == "POST":
        kept.keep(request, kept.STEP_UP, asking.user_of(request).pk)
    else:
        kept.drop(request, kept.STEP_UP)
        target = f"{target}?{urlencode({'next': request.get_full_path()})}"
    return HttpResponseClientRedirect(target) if getattr(request, "htmx", False) else HttpResponseRedirect(target)


Done = TypeVar("Done")


class _NotYetConfirmed(Exception):
    """The act would be done, and is undone: the person confirms it first."""


def confirmed(
    request: HttpRequest, act: Callable[[], Done], *, unless: tuple[type[Exception], ...] = ()
) -> Done | HttpResponse:
    """Do a grave act that writes to the database alone, or return the redirect to confirm it. What it refuses it
    refuses before anybody is asked: without the factor it is tried, and nothing of it stays. `unless` names what it
    raises once it has written something that is to stay: of that too the person is asked first."""
    if not method(request):
        return _tried(request, act, unless)
    kept.drop(request, kept.STEP_UP)
    return act()


def _tried(request: HttpRequest, act: Callable[[], object], unless: tuple[type[Exception], ...]) -> HttpResponse:
    with suppress(_NotYetConfirmed, *unless), transaction.atomic():
        act()
        raise _NotYetConfirmed
    return _ask(request)


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
        "keeps_draft": kept.STEP_UP in request.session,
    }


def _onward(request: HttpRequest) -> str:
    """Return where to go after the factor was shown: back to what was typed, or to the page that asked."""
    if kept.typed(request, kept.STEP_UP) is not None:
        return reverse("step_up_resume")
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, allowed_hosts=None, require_https=request.is_secure())
    return target if is_ours and target.startswith("/") else "/"


@require_GET
@never_cache
def resume(request: HttpRequest) -> HttpResponse:
    """Offer once more what was typed before the second factor or signing in again was asked for; nothing is done before
    the person presses the button."""
    draft = kept.typed(request, kept.STEP_UP) if method(request) else None
    draft = draft or kept.typed(request, kept.SIGN_IN)
    if draft is None:
        return redirect("/")
    return render(request, "account/step_up_resume.html", {"draft": draft})
