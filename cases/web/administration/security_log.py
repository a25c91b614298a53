"""The security log as a page: refusals, sign-ins and the like, in codes. For auditors and data protection officers."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from cases.kernel import policy
from cases.kernel.models import User
from cases.kernel.restricted import compartments
from cases.ledger import security
from cases.ledger.models import SecurityEvent
from cases.web import asking
from cases.web.keyset import pageful
from cases.web.refusals import screen

__all__ = ["security_log"]

LONGEST_KIND = 60


@screen
@require_GET
def security_log(request: HttpRequest) -> HttpResponse:
    """Show one page of the log, newest first, of one kind if asked."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_security_log")
    kind = request.GET.get("kind", "").replace("\0", "")[:LONGEST_KIND]
    known = compartments.security_log(actor)
    rows = known.filter(kind=kind) if kind else known
    page = pageful(rows, request, is_descending=True)
    shown = {
        "page": page,
        "kind": kind,
        "kinds": _kinds(known),
        "entries": [{"row": row, "who": who} for row, who in _named(page.rows)],
    }
    return render(request, "cases/security_log.html", shown)


def _kinds(known: QuerySet[SecurityEvent]) -> list[str]:
    """Return the kinds of which there is an event that the reader may know of. Two queries, whatever there is, which
    read one row of each."""
    found = security.kinds() or [""]
    first = [known.filter(kind=kind).order_by().values_list("kind", flat=True)[:1] for kind in found]
    return sorted(first[0].union(*first[1:], all=True))


def _named(rows: list[SecurityEvent]) -> list[tuple[SecurityEvent, str]]:
    """Return each event with the name of the member of staff it is about, or the actor's label. One query."""
    numbers = {row.actor: row.actor.removeprefix("staff:") for row in rows if row.actor.startswith("staff:")}
    wanted = [int(number) for number in set(numbers.values()) if number.isdecimal()]
    names = {str(user.pk): str(user) for user in User.objects.filter(pk__in=wanted)}
    return [(row, names.get(numbers.get(row.actor, ""), row.actor or "—")) for row in rows]
