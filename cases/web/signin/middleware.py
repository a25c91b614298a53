"""Keeps a session that showed only a password at the setting up of a second factor, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from cases.web.signin import factors

__all__ = ["SecondFactorRequired"]

ENROLMENT = frozenset(
    {
        "account_logout",
        "account_reauthenticate",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_totp_qr",
        "mfa_add_webauthn",
    }
)


class SecondFactorRequired:
    """Sends whoever has no complete session to enrolment; public pages are not its matter."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Return a redirect to enrolment, or nothing when the request may go on."""
        if not request.user.is_authenticated or not getattr(view, "login_required", True):
            return None
        match = request.resolver_match
        if factors.is_complete(request) or (match is not None and match.url_name in ENROLMENT):
            return None
        target = reverse("mfa_index")
        is_fragment = getattr(request, "htmx", False)
        return HttpResponseClientRedirect(target) if is_fragment else HttpResponseRedirect(target)
