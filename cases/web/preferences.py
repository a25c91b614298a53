"""How pages look, how close rows stand, whether single keys act: three cookies. And what changed of one's access."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from cases.kernel.office import securitynotices
from cases.web import asking
from cases.web.context import DENSITIES, THEMES
from cases.web.refusals import screen

__all__ = ["preferences", "styleguide"]

SHOWN = timedelta(days=90)
YEAR = 365 * 24 * 3600
THEME_LABELS = {"system": "As this device", "light": "Light", "dark": "Dark"}


@screen
@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Show and keep theme, rows and shortcuts."""
    if request.method == "GET":
        notices = securitynotices.told(asking.actor_of(request), since=asking.now() - SHOWN)
        return render(request, "cases/preferences.html", {"themes": THEME_LABELS.items(), "notices": notices})
    response = redirect("web:preferences")
    chosen = {
        "theme": request.POST.get("theme", ""),
        "density": request.POST.get("density", ""),
        "shortcuts": "on" if request.POST.get("shortcuts") == "on" else "off",
    }
    for name, known in (("theme", THEMES), ("density", DENSITIES)):
        if chosen[name] not in known:
            chosen.pop(name)
    for name, value in chosen.items():
        response.set_cookie(name, value, max_age=YEAR, samesite="Strict", httponly=True, secure=request.is_secure())
    return response


@require_GET
def styleguide(request: HttpRequest) -> HttpResponse:
    """Show every component once; only where DEBUG is on."""
    return render(request, "cases/styleguide.html", {"tones": ["info", "warn", "bad", "done", "wait", "hold"]})
