"""Decisions that wait for the person signed in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from cases.kernel import casetypes, roles
from cases.kernel.models import Approval
from cases.kernel.reading import desk
from cases.web import asking
from cases.web.desk import rows
from cases.web.refusals import screen
from cases.web.wording import words

__all__ = ["entry", "waiting"]


def entry(approval: Approval, others: Iterable[str]) -> dict[str, Any]:
    """Return a decision as lists show it."""
    wanted = [roles.ROLES[code].label if code in roles.ROLES else code for code in approval.needs]
    row = rows.row(approval.case)
    lifecycle = casetypes.get(approval.case.kind).lifecycle
    act = lifecycle[approval.act].label if approval.act in lifecycle else words(approval.act)
    return {"approval": approval, "row": row, "act": act, "needs": wanted, "others": list(others)}


@screen
@require_GET
def waiting(request: HttpRequest) -> HttpResponse:
    """List the decisions that wait for me, oldest due first, and who else could take each."""
    actor = asking.actor_of(request)
    found = desk.approvals_for(actor)
    deciders = desk.deciders(found, actor)
    entries = [entry(each, deciders.get(each.pk, ())) for each in found]
    lists = {mode: [each for each in entries if each["approval"].mode == mode] for mode in ("before", "after")}
    return render(request, "cases/approvals.html", lists)
