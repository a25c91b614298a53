"""One person in several cases: pairs offered on a case, what a person decides about them, and the joined person."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.kernel import casetypes, policy
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.finding import joining, matching
from cases.kernel.office import datasources
from cases.kernel.reading import persons, queries
from cases.kernel.reading.persons import Assertion, Offer
from cases.ledger import reads
from cases.web import asking
from cases.web.desk import rows
from cases.web.onecase import tiegraph
from cases.web.onecase.casepage import CASEWORK, ask_purpose, header, purpose_of
from cases.web.refusals import Problem, screen, status_of
from cases.web.wording import PURPOSES, field_label, how, role_label, why

__all__ = ["decide", "pairs", "part", "person"]

PARTS = {
    "date_of_birth": "Date of birth",
    "surname": "Last name",
    "forename": "First name",
    "postcode": "Postcode",
    "phone": "Telephone",
    "account": "Account",
}
VERDICTS = {
    "same": ("the same", "ok"),
    "alike": ("sounds alike", "warn"),
    "different": ("differs", "bad"),
}
SAID = {"joined": "The two are joined as one person.", "rejected": "The two are kept apart."}


def _offer(offer: Offer, actor: Actor) -> dict[str, Any]:
    casetype = casetypes.get(offer.other.case.kind)
    return {
        "is_seen": policy.can(actor, "view", case=offer.other.case).is_allowed,
        "id": offer.pair.pk,
        "score": offer.pair.score,
        "is_candidate": offer.pair.score >= matching.CERTAIN,
        "mine": offer.mine.number,
        "my_role": role_label(casetypes.get(offer.mine.case.kind), offer.mine.role),
        "other": offer.other.number,
        "other_role": role_label(casetype, offer.other.role),
        "row": rows.row(offer.other.case),
        "parts": [
            {"label": PARTS[code], "points": points, "says": VERDICTS[verdict][0], "tone": VERDICTS[verdict][1]}
            for code, (verdict, points) in sorted(offer.pair.parts.items(), key=lambda part: -part[1][1])
        ],
    }


@screen
@require_GET
def pairs(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show which people of a case may be people of other cases, and who is joined already."""
    return _pairs(request, uid)


def _pairs(
    request: HttpRequest, uid: UUID, *, problems: tuple[Problem, ...] = (), status: int = HTTPStatus.OK
) -> HttpResponse:
    actor = asking.actor_of(request)
    file = queries.case_file(actor, uid)
    if not (why := purpose_of(request, file, actor)):
        return ask_purpose(request, file.case)
    reader = asking.reader(request, "view", why, file.case.uid, fields=("same_people",))
    reads.record_read(reader, at=asking.now(), result_count=1)
    casetype = casetypes.get(file.case.kind)
    shown = header(file, "", actor) | {
        "problems": problems,
        "offers": [_offer(offer, actor) for offer in persons.offers(actor, file.case)],
        "joined": [{"row": row, "role": role_label(casetype, row.role)} for row in persons.joined_in(actor, file.case)],
        "may_match": policy.can(actor, "match", case=file.case).is_allowed,
        "certain": matching.CERTAIN,
    }
    return render(request, "cases/pairs.html", shown, status=status)


@screen
@require_POST
def decide(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Join the two people of a pair, or keep them apart."""
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    verdict = request.POST.get("verdict", "")
    try:
        policy.require(actor, "match", case=case)
        joining.decide(number, verdict, actor=actor, at=asking.now(), request=asking.info(request))
    except (NotVisible, NotAllowed):
        raise
    except CaseError as error:
        return _pairs(request, uid, problems=(Problem(sentence=str(error)),), status=status_of(error))
    messages.success(request, SAID[verdict])
    return redirect("web:pairs", uid=uid)


@screen
@require_POST
def part(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Take one person of a case out of the join they are in."""
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    try:
        joining.part(case.pk, number, actor=actor, at=asking.now(), request=asking.info(request))
    except (NotVisible, NotAllowed):
        raise
    except CaseError as error:
        return _pairs(request, uid, problems=(Problem(sentence=str(error)),), status=status_of(error))
    messages.success(request, f"Person {number} stands alone again.")
    return redirect("web:pairs", uid=uid)


def _asserted(each: Assertion) -> dict[str, Any]:
    casetype = casetypes.get(each.case.kind)
    return {
        "row": rows.row(each.case),
        "person": each.row,
        "is_innocent": each.row.is_innocent and casetype.asks_who_is_innocent,
        "role": role_label(casetype, each.row.role),
        "fields": [field_label(casetype, name) for name in each.fields],
        "source": datasources.told(each.row.source),
        "is_held": each.is_held,
        "open_tasks": each.open_tasks,
        "pairs": each.pairs,
    }


@screen
@require_http_methods(["GET", "POST"])
def person(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show one joined person across the cases I may see. Who reads for a reason says it first, by POST."""
    actor = asking.actor_of(request)
    kept: dict[str, str] = request.session.get("purposes", {})
    reasoned = persons.needs_reason(actor, uid)
    if request.method == "POST" and reasoned and (given := request.POST.get("purpose", "")) in PURPOSES:
        request.session["purposes"] = {**kept, str(uid): given}
        return redirect("web:party", uid=uid)
    file = persons.person_file(
        actor,
        uid,
        purpose=kept.get(str(uid), "") if reasoned else CASEWORK,
        reasons=frozenset(PURPOSES),
        at=asking.now(),
        request_id=asking.request_id(request),
    )
    if file is None:
        is_wrong = request.method == "POST"
        problems = [Problem(sentence="Say why you read about this person.")] if is_wrong else []
        asked = {"purposes": PURPOSES.items(), "problems": problems}
        return render(request, "cases/person_purpose.html", asked, status=422 if is_wrong else 200)
    shown: dict[str, Any] = {
        "asserted": [_asserted(each) for each in file.assertions],
        "open_count": sum(not each.case.is_closed for each in file.assertions),
        "tables": file.tables,
        "graph": tiegraph.draw(file.links),
        "looks": [{"look": each, "verb": how(each.verb), "why": why(each.purpose)} for each in file.looks],
    }
    return render(request, "cases/person.html", shown)
