"""Middleware that concerns every page alike: one address in demo mode, session limits, nothing kept by caches."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.common import CommonMiddleware

from cases.web.signin import kept

Answer = Callable[[HttpRequest], HttpResponse]
REFRESH_SECONDS = 60
BACKGROUND_HEADER = "X-Background"
PROBES = ("/healthz", "/readyz")
MACHINE_PATHS = ("/api/", *PROBES)


class OneAddress:
    """In demo mode pages live at localhost alone (passkeys are bound to that name); machines may use either."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host, colon, port = request.META.get("HTTP_HOST", "").partition(":")
        is_plain = not port or port.isdecimal()  # anything else would lead to another host
        if settings.DEMO and host == "127.0.0.1" and is_plain and not request.path.startswith(MACHINE_PATHS):
            return HttpResponseRedirect(f"http://localhost{colon}{port}{request.get_full_path()}")
        return self.get_response(request)


class Addresses(CommonMiddleware):
    """Leads a page without its last slash to the one with it. A machine is told that there is nothing: what it posts
    would arrive at the other address as something that was never posted."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return not request.path.startswith(MACHINE_PATHS) and super().should_redirect_with_slash(request)


class SessionLimits:
    """Ends a session after the idle limit or twelve hours, whichever is first.

    The time of last use is written at most once a minute. A request that the page makes by itself says
    `X-Background: 1` and does not count as use, unless somebody typed since the one before. What is posted to a session
    that has ended is kept for whoever it was: see cases.web.signin.kept.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path not in PROBES and request.user.is_authenticated:
            self._keep_or_end(request, now=time.time())
        return self.get_response(request)

    def _keep_or_end(self, request: HttpRequest, *, now: float) -> None:
        began = request.session.setdefault("began_at", now)
        used = request.session.setdefault("used_at", now)
        if now - used > settings.SESSION_IDLE_SECONDS or now - began > settings.SESSION_LONGEST_SECONDS:
            person = request.user.pk
            logout(request)
            kept.note_the_end(request, person)
        elif now - used > REFRESH_SECONDS and BACKGROUND_HEADER not in request.headers:
            request.session["used_at"] = now


class NoStore:
    """Forbids every cache to keep a page that a signed-in person saw."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_probe = request.path in PROBES
        if not is_probe and getattr(request, "user", None) is not None and request.user.is_authenticated:
            response["Cache-Control"] = "no-store"
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response
