"""Pages of sign-in that are ours or differ from allauth's. Each makes one call and decides nothing about cases."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import qrcode
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView, PasswordChangeView
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import flows as totp_flows
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from allauth.socialaccount.views import ConnectionsView
from allauth.usersessions.views import ListUserSessionsView
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from qrcode.image.svg import SvgPathImage

from cases.kernel.models import User
from cases.kernel.office import demo_people, people
from cases.kernel.roles import ROLES
from cases.ledger import security
from cases.web.signin import appcodes, factors, kept
from cases.web.signin.forms import PENDING, SetUpForm, pending_secret

__all__ = [
    "AddKeyView",
    "ChangePasswordView",
    "RemoveKeyView",
    "SessionsView",
    "SetUpAppView",
    "SignInView",
    "demo_sign_in",
    "qr",
    "welcome",
]


def demo_roster() -> list[dict[str, Any]]:
    """Return the demo people who may sign in, with what each may do, in words."""
    gone = set(User.objects.filter(is_active=False).values_list("username", flat=True))
    return [
        {
            "username": person.username,
            "name": person.name,
            "labels": [ROLES[code].label for code in person.roles],
            "may": [ROLES[code].may for code in person.roles],
        }
        for person in demo_people.PEOPLE
        if person.username not in gone
    ]


def company_sign_in() -> dict[str, str]:
    """Return the name and address of sign-in by OpenID Connect, when it is set up."""
    if not settings.OIDC_ENABLED:
        return {}
    provider: dict[str, Any] = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]  # type: ignore[index]
    address = reverse("openid_connect_login", kwargs={"provider_id": provider["provider_id"]})
    return {"oidc_name": provider["name"], "oidc_url": address}


class SignInView(LoginView):
    """User name and password, passkey or company sign-in; in demo mode also the list of demo people."""

    def get_context_data(self, **kwargs: Any) -> Mapping[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context |= {"is_kept": kept.is_waiting(self.request), "demo_people": demo_roster() if settings.DEMO else []}
        return context | company_sign_in()


@login_not_required
@require_POST
@never_cache
def demo_sign_in(request: HttpRequest, username: str) -> HttpResponse:
    """Sign in as a demo person. There is no such page outside demo mode, nor for anybody who has a password."""
    if not settings.DEMO or username not in {person.username for person in demo_people.PEOPLE}:
        raise Http404
    user = get_object_or_404(User, username=username, is_active=True)
    if user.has_usable_password():
        raise Http404
    return _enter(request, user, "mfa", type=factors.DEMO)


@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@never_cache
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """Follow a one-time link: take a user name and a password, then go on to the second factor."""
    at = timezone.now()
    try:
        link = people.find_link(token, at=at)
    except people.LinkRefused as refusal:
        return render(request, "account/welcome_refused.html", {"refusal": refusal}, status=404)
    form = SetUpForm(request.POST or None, user=link.user)
    if form.is_valid():
        try:
            user = people.follow_link(
                token, username=form.cleaned_data["username"], password=form.cleaned_data["password"], at=at
            )
        except people.PeopleRefused as refusal:
            form.add_error("username", str(refusal))
        else:
            return _enter(request, user, "password")
    return render(request, "account/welcome.html", {"form": form, "person": link.user})


def _enter(request: HttpRequest, user: User, method: str, **proof: str) -> HttpResponse:
    """Open a new session for `user` in which `method` was shown, and end the one that was open."""
    if request.user.is_authenticated:
        logout(request)
    record_authentication(request, user, method, **proof)
    adapter = get_adapter()
    adapter.login(request, user)
    response: HttpResponse = adapter.post_login(
        request,
        user,
        email_verification="none",
        signal_kwargs=None,
        email=None,
        signup=False,
        redirect_url=get_next_redirect_url(request),
    )
    return response


class SetUpAppView(ActivateTOTPView):
    """Sets up an authenticator app; the code that proved it cannot be used a second time."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super(ActivateTOTPView, self).get_context_data(**kwargs)
        secret = context["form"].secret
        groups = [secret[start : start + 4] for start in range(0, len(secret), 4)]
        return context | {"seed": " ".join(groups), "is_complete": factors.is_complete(self.request)}

    def form_valid(self, form: Any) -> HttpResponse:
        app, codes = totp_flows.activate_totp(self.request, form)
        self.did_generate_recovery_codes = bool(codes)
        appcodes.mark_used(app, form.cleaned_data["code"])
        self.request.session.pop(PENDING, None)
        _enrolled(self.request, Authenticator.Type.TOTP)
        return HttpResponseRedirect(self.get_success_url())


class AddKeyView(AddWebAuthnView):
    """Adds a security key or passkey."""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        _enrolled(self.request, Authenticator.Type.WEBAUTHN)
        return response


def _enrolled(request: HttpRequest, factor: str) -> None:
    """The new factor was shown just now: the session is complete, and gets a new key."""
    user = request.user
    if isinstance(user, User):
        factors.record(request, user, factor, reauthenticated=True)
        factors.rotate(request)
        security.note("factor_added", actor=f"staff:{user.pk}", at=timezone.now(), act=factor)


class RemoveKeyView(RemoveWebAuthnView):
    """Removes a security key, but never the last second factor."""

    def form_valid(self, form: Any) -> HttpResponse:
        if not get_mfa_adapter().can_delete_authenticator(self.get_object()):
            form.add_error(None, get_mfa_adapter().validation_error("cannot_delete_authenticator"))
            return self.render_to_response(self.get_context_data(form=form))
        response: HttpResponse = super().form_valid(form)
        security.note("factor_removed", actor=f"staff:{self.request.user.pk}", at=timezone.now(), act="webauthn")
        return response


class CompanyView(ConnectionsView):
    """Connects one's account with company sign-in, and takes the connection away."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | company_sign_in()


class ChangePasswordView(PasswordChangeView):
    """Changes the password; every session of the person ends, this one too."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not isinstance(request.user, User) or not request.user.has_usable_password():
            return redirect("mfa_index")
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        label = f"staff:{self.request.user.pk}"
        response: HttpResponse = super().form_valid(form)
        security.note("password_changed", actor=label, at=timezone.now())
        return response


class SessionsView(ListUserSessionsView):
    """Lists where one is signed in, and ends every session but this one."""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        security.note("sessions_ended", actor=f"staff:{self.request.user.pk}", at=timezone.now())
        return response


@require_GET
@never_cache
def qr(request: HttpRequest) -> HttpResponse:
    """Draw the code of the authenticator app that is being set up in this session."""
    secret = pending_secret(request)
    if not secret:
        raise Http404
    drawing = BytesIO()
    qrcode.make(get_mfa_adapter().build_totp_url(request.user, secret), image_factory=SvgPathImage).save(drawing)
    return HttpResponse(drawing.getvalue(), content_type="image/svg+xml")
