"""The check of the ledger: the last runs with what they found, and starting one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cases.kernel.background import ledgercheck
from cases.ledger import checkpoints
from cases.web import asking
from cases.web.desk.jobs import STATES
from cases.web.refusals import screen

__all__ = ["checks"]


@screen
@require_http_methods(["GET", "POST"])
@never_cache
def checks(request: HttpRequest) -> HttpResponse:
    """Show the last checks (GET); start one and show how far it is (POST)."""
    actor = asking.actor_of(request)
    if request.method == "POST":
        job = ledgercheck.begin(actor=actor, at=asking.now(), request=asking.info(request))
        is_mine = job.asked_by_id == actor.user_id
        return redirect("web:job", job=job.uid) if is_mine else redirect("web:ledger_checks")
    entries = [{"check": each, "state": STATES[each.job.state][0]} for each in ledgercheck.past(actor)]
    sealed = checkpoints.newest()
    shown = {
        "entries": entries,
        "last": next(iter(entries), None),
        "sealed": sealed,
        "is_unsealed": sealed is None and checkpoints.is_late(),
    }
    return render(request, "cases/office/ledger.html", shown)
