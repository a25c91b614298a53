"""Keeps a session that showed only a password at the setting up of a second factor, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from cases.web.signin import factors, kept

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
        """Let a fragment of a page whose session ended lead the whole page to sign-in, and back to it afterwards. What
        was posted to such a session is kept for whoever it was."""
        response = self.get_response(request)
        sign_in = reverse("account_login")
        if response.status_code != 302 or not response["Location"].startswith(sign_in):
            kept.posted(request)
            return response
        kept.after_the_end(request)
        if _is_fragment(request):
            page = HtmxDetails(request).current_url_abs_path or "/"
            return HttpResponseClientRedirect(f"{sign_in}?{urlencode({'next': page})}")
        if request.method == "POST" and response["Location"] != sign_in:
            # What only takes a form cannot be opened: the page that it stood on can.
            response["Location"] = f"{sign_in}?{urlencode({'next': _came_from(request)})}"
        return response

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
        return HttpResponseClientRedirect(target) if _is_fragment(request) else HttpResponseRedirect(target)


def _came_from(request: HttpRequest) -> str:
    """Return the page of ours on which a form stood, as the browser names it; the first page where it names none."""
    page = urlsplit(request.headers.get("Referer", ""))
    is_ours = page.netloc == request.get_host() and url_has_allowed_host_and_scheme(page.path, allowed_hosts=None)
    return urlunsplit(("", "", page.path, page.query, "")) if is_ours else "/"


def _is_fragment(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))
