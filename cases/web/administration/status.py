"""How the office itself is: what it depends on, what waits and since when, the state of the ledger. Staff only."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cases.kernel import policy
from cases.kernel.evidence import custody, store
from cases.kernel.oncall import reading as on_call
from cases.kernel.reading import status as states
from cases.ledger import checkpoints, checks, tombstones
from cases.web import asking
from cases.web.refusals import screen

__all__ = ["status"]

PATIENCE_SECONDS = 1.0
# The sweep runs every thirty seconds: after three minutes without one nobody works in the background.
SILENT_AFTER = timedelta(minutes=3)
SWEPT_AT = "swept_at"
MAKING_SAMPLES = "samples_are_being_made"


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """One thing the office leans on. `is_up` is None where it is not set up."""

    label: str
    is_up: bool | None
    without: str


@screen
@require_GET
@never_cache
def status(request: HttpRequest) -> HttpResponse:
    """Show it. That the page is here says that the database answers."""
    policy.require(asking.actor_of(request), "view_status")
    now = asking.now()
    documents = custody.how_is(store.current())
    shown = {
        "dependencies": _dependencies(documents),
        "documents_are_foreign": documents == "another",
        "is_making_samples": bool(settings.DEMO and caches["default"].get(MAKING_SAMPLES)),
        "background": _background(now),
        "on_call": on_call.state_of_tests(now=now),
        "queues": states.queues(now=now),
        "ledger": states.ledger_state(),
        "sealed": checkpoints.newest(),
        "is_unsealed": checkpoints.is_late(),
        "is_unlisted": tombstones.is_late(now=now),
        "clocks_agree": abs(checks.clock_difference()) <= checks.MOST_APART,
    }
    return render(request, "cases/status.html", shown)


def _dependencies(documents: str) -> list[Dependency]:
    issuer = urlsplit(getattr(settings, "OIDC_SERVER_URL", ""))
    return [
        Dependency(label="Database", is_up=True, without="Nothing works without it."),
        Dependency(
            label="Broker and second cache",
            is_up=_fast_cache_answers(),
            without="Background work starts up to half a minute later; nothing is lost.",
        ),
        Dependency(
            label="Mail server",
            is_up=_answers(settings.EMAIL_HOST, settings.EMAIL_PORT),
            without="No e-mail leaves; nothing else waits for one.",
        ),
        Dependency(
            label="Store of documents",
            is_up=documents != "away",
            without="Documents are neither taken in nor opened, and what is erased goes from it once it answers.",
        ),
        Dependency(
            label="Virus scanner",
            is_up=_scanner_answers(settings.CLAMD),
            without="Documents wait and nobody downloads them; an emergency needs none.",
        ),
        Dependency(
            label="Company sign-in",
            is_up=_answers(issuer.hostname or "", issuer.port or 443),
            without="People sign in with password and second factor, or a passkey.",
        ),
    ]


def _fast_cache_answers() -> bool | None:
    if settings.CACHES["fast"]["BACKEND"].endswith("DummyCache"):
        return None
    caches["fast"].set("probe", 1, 10)
    return bool(caches["fast"].get("probe") == 1)


def _answers(host: str, port: int) -> bool | None:
    """Say whether somebody listens there; None where no host is set."""
    if not host:
        return None
    try:
        with socket.create_connection((host, port), timeout=PATIENCE_SECONDS):
            return True
    except OSError:
        return False


def _scanner_answers(address: str) -> bool | None:
    """Say whether somebody listens at `unix:/path` or `tcp:host:port`; None where no scanner is set."""
    kind, _, rest = address.partition(":")
    if kind == "tcp":
        host, _, port = rest.rpartition(":")
        return _answers(host, int(port)) if port.isdecimal() else False
    if kind != "unix":
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(PATIENCE_SECONDS)
        try:
            link.connect(rest)
        except OSError:
            return False
    return True


@dataclass(frozen=True, kw_only=True)
class Background:
    """When background work last gave a sign of life."""

    seen_at: datetime | None
    is_silent: bool


def _background(now: datetime) -> Background:
    said = caches["default"].get(SWEPT_AT)
    seen_at = datetime.fromisoformat(said) if said else None
    return Background(seen_at=seen_at, is_silent=seen_at is None or now - seen_at > SILENT_AFTER)
