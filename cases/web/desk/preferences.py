"""How pages look, how close rows stand and how many there are, whether single keys act: four cookies. On which
mornings one is told by mail how much waits, and what changed of one's access."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods

from cases.kernel.errors import CaseError
from cases.kernel.office import securitynotices
from cases.kernel.personal import digests
from cases.web import addresses, asking, context
from cases.web.context import DENSITIES, ROWS, THEMES
from cases.web.refusals import Problem, screen

__all__ = ["preferences", "styleguide"]

SHOWN = timedelta(days=90)
YEAR = 365 * 24 * 3600
CHOICES = {"theme": THEMES, "density": DENSITIES, "rows": ROWS}
THEME_LABELS = {"system": "As this device", "light": "Light", "dark": "Dark"}


@screen
@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Show and keep theme, rows and shortcuts, or those alone that a list asks for."""
    if request.method == "GET":
        return _show(request)
    if "digest" in request.POST and (refused := _choose_digest(request)):
        return _show(request, [Problem(sentence=refused, anchor="address")])
    response = HttpResponseRedirect(_back(request))
    posted = {name: request.POST[name] for name in CHOICES if name in request.POST}
    chosen = {name: value for name, value in posted.items() if value in CHOICES[name]}
    if "theme" in request.POST:  # the whole form: a box that is not ticked sends nothing
        chosen["shortcuts"] = "on" if request.POST.get("shortcuts") == "on" else "off"
    for name, value in chosen.items():
        response.set_cookie(name, value, max_age=YEAR, samesite="Strict", httponly=True, secure=request.is_secure())
    return response


def _show(request: HttpRequest, problems: Sequence[Problem] = ()) -> HttpResponse:
    """Show the page: as it is kept, or with the mail of the morning as it was typed and why it was refused."""
    notices = securitynotices.told(asking.actor_of(request), since=asking.now() - SHOWN)
    size, kept = context.rows_of(request), digests.chosen(asking.user_of(request))
    typed = {"digest": kept.days if kept else "", "address": kept.address if kept else ""}
    shown = {
        "themes": THEME_LABELS.items(),
        "sizes": [(each, each == str(size)) for each in ROWS],
        "notices": notices,
        "typed": {name: request.POST.get(name, "") for name in typed} if problems else typed,
        "problems": problems,
        "digest_days": digests.DAYS.items(),
        "domain": _domain(),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK
    return render(request, "cases/preferences.html", shown, status=status)


def _domain() -> str:
    """Return where the firm's own mailboxes are: no mail goes elsewhere."""
    return str(settings.DEFAULT_FROM_EMAIL).rpartition("@")[2].rstrip("> ")


def _choose_digest(request: HttpRequest) -> str:
    """Keep on which mornings this person is told by mail, and say so; or return why that is refused."""
    days = request.POST["digest"]
    try:
        address = request.POST.get("address", "")
        digests.choose(asking.user_of(request), days, address=address, domain=_domain(), at=asking.now())
    except CaseError as error:
        return str(error)
    messages.success(request, f"Mail of the morning: {digests.DAYS[days].lower()}.")
    return ""


def _back(request: HttpRequest) -> str:
    """Return to the list where it was chosen how its rows look, at its first page, or here."""
    target = request.POST.get("back", "")
    is_ours = target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return target if is_ours else addresses.page("web:preferences")


@require_GET
def styleguide(request: HttpRequest) -> HttpResponse:
    """Show every component once; only where DEBUG is on."""
    return render(request, "cases/styleguide.html", {"tones": ["info", "warn", "bad", "done", "wait", "hold"]})
