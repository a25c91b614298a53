"""Decisions that wait for the person signed in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from cases.kernel import desk, roles
from cases.kernel.models import Approval
from cases.web import asking, rows
from cases.web.refusals import screen


def _entry(approval: Approval, others: Iterable[str]) -> dict[str, Any]:
    wanted = [roles.ROLES[code].label if code in roles.ROLES else code for code in approval.needs]
    return {"approval": approval, "row": rows.row(approval.case), "needs": wanted, "others": list(others)}


@screen
@require_GET
def waiting(request: HttpRequest) -> HttpResponse:
    """List the decisions that wait for me, oldest due first, and who else could take each."""
    actor = asking.actor_of(request)
    found = desk.approvals_for(actor)
    deciders = desk.deciders(found, actor)
    return render(
        request, "cases/approvals.html", {"entries": [_entry(each, deciders.get(each.pk, ())) for each in found]}
    )
