"""The agencies and what is exchanged with each: deliveries, dead letters, callbacks, and what waits for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from cases.agencies import register
from cases.kernel import calendars, casetypes, policy, releases
from cases.kernel.actors import Actor
from cases.kernel.exchange import agencies, agreements, answers, chase, exchanges, files, misfits, service
from cases.kernel.exchange.exchanges import Listed
from cases.kernel.models import AgencyTerms, BatchFile, Callback, Case, ChannelKey, OutboxMessage, Proposal
from cases.kernel.office import policydocs
from cases.web import asking
from cases.web.keyset import pageful
from cases.web.refusals import Problem, screen
from cases.web.wording import words
from cases.web.writing import pounds

__all__ = ["agency", "everyone", "show", "stuck"]

VIEWS = {
    "deliveries": "Deliveries",
    "stuck": "Dead letters",
    "callbacks": "Callbacks",
    "review": "To review",
    "answers": "Answers in time",
    "files": "Files",
}
APART = ("agency_new", "agency_key_end", "agency_partner_key_end")  # changes offered elsewhere
FILE_TONES = {
    "delivered": "ok",
    "answered": "done",
    "taken": "done",
    "refused": "bad",
    "dead": "bad",
    "unknown": "warn",
}
TONES = {"active": "done", "proposed": "wait", "suspended": "warn", "ended": "hold"}


@screen
@require_GET
def everyone(request: HttpRequest) -> HttpResponse:
    """List the register."""
    actor, at = asking.actor_of(request), asking.now()
    rows = [{"listed": each, **_standing(each, at)} for each in exchanges.listed(actor, at=at)]
    return render(request, "cases/agencies/list.html", {"rows": rows})


def _standing(each: Listed, at: datetime) -> dict[str, Any]:
    terms: AgencyTerms | None = getattr(each.agency, "terms", None)
    is_ours = each.agency.kind == agreements.OWN
    refusal = agreements.why_not(each.agency, day=calendars.london_date(at))
    return {
        "terms": terms,
        "state": words(terms.state) if terms else "Our own system" if is_ours else "No terms",
        "tone": TONES.get(terms.state, "hold") if terms else "wait" if is_ours else "warn",
        "is_ours": is_ours,
        "refusal": refusal,
    }


@screen
@require_GET
def agency(request: HttpRequest, code: str) -> HttpResponse:
    """Show one agency."""
    return show(request, code)


def show(
    request: HttpRequest,
    code: str,
    *,
    problems: Iterable[Problem] = (),
    typed: dict[str, str] | None = None,
    view: str = "",
    status: int = 200,
) -> HttpResponse:
    """Draw one agency in one of its views, with the refusal and what was typed if there is one."""
    actor, at = asking.actor_of(request), asking.now()
    found = exchanges.get(actor, code, at=at)
    view = view or request.GET.get("view", "")
    view = view if view in VIEWS else "deliveries"
    shown: dict[str, Any] = {"listed": found, "problems": list(problems), "typed": typed or {}, **_standing(found, at)}
    if not found.is_closed:
        day = calendars.london_date(at)
        shown["refusal"] = shown["refusal"] or policydocs.agreement_refusal(found.agency, day=day)
        shown |= _register_of(actor, found, at) | _rows(request, actor, found, view)
        shown |= {
            "view": view,
            "tabs": [
                {"code": c, "label": each, "is_current": c == view}
                for c, each in VIEWS.items()
                if c != "files" or _has_files(found)
            ],
        }
    response = render(request, "cases/agencies/agency.html", shown, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _has_files(found: Listed) -> bool:
    return any(channel.transport in files.CARRIED for channel in found.channels)


def _register_of(actor: Actor, found: Listed, at: datetime) -> dict[str, Any]:
    terms: AgencyTerms | None = getattr(found.agency, "terms", None)
    channel = found.channel
    return {
        "safeguard": agreements.SAFEGUARDS.get(terms.safeguard) if terms else None,
        "keys": exchanges.live_keys(found.agency, at=at),
        "public_keys": exchanges.public_keys(found.agency, at=at) if _has_files(found) else [],
        "has_files": _has_files(found),
        "now": at,
        "refused_calls": getattr(found.agency, "refused_calls", None),
        "health": channel.health if channel else None,
        "is_paused_by_two": any(agencies.is_paused_by_two(each) for each in found.channels),
        "showable": _showable(actor),
        "may_end_keys": policy.can(actor, "propose.agency_key_end").is_allowed,
        "changes": [
            kind
            for kind in register.KINDS
            if kind.code not in APART and policy.can(actor, f"propose.{kind.code}").is_allowed
        ],
        "can_operate": policy.can(actor, exchanges.OPERATE).is_allowed,
        "is_circuit_open": bool(
            channel and channel.health.circuit_open_until and channel.health.circuit_open_until > at
        ),
    }


def _showable(actor: Actor) -> set[str]:
    """Return the names of the keys that this person asked for and whose secrets they may see, once."""
    if not policy.can(actor, "propose.agency_key_make").is_allowed:
        return set()
    mine = Proposal.objects.filter(kind="agency_key_make", state="agreed", maker_id=actor.user_id)
    names = {register.key_name(row.uid, way) for row in mine for way in register.WAYS}
    return set(
        ChannelKey.objects.filter(key_name__in=names, shown_at=None, revoked_at=None).values_list("key_name", flat=True)
    )


def _rows(request: HttpRequest, actor: Actor, found: Listed, view: str) -> dict[str, Any]:
    """Return one page of the view: one query for the rows, one for which of their cases may be named."""
    if view == "answers":
        months = service.months(found.agency, today=calendars.london_date(asking.now()))
        return {"months": months, "told": service.told(months)}
    if view == "files":
        page = pageful(exchanges.files_of(found.agency), request, is_descending=True)
        return {"page": page, "entries": [_file(row) for row in page.rows]}
    if view in ("deliveries", "stuck"):
        rows: Any = exchanges.messages_of(actor, found.agency, is_stuck=view == "stuck")
    else:
        rows = exchanges.callbacks_of(actor, found.agency, is_review=view == "review")
    page = pageful(rows, request, is_descending=True)
    known = exchanges.may_know(actor, {row.case_id for row in page.rows if row.case_id})
    if view in ("deliveries", "stuck"):
        periods = answers.Periods()
        return {"page": page, "entries": [_message(actor, row, known, periods) for row in page.rows]}
    candidates = exchanges.candidates(actor, found.agency, page.rows) if view == "review" else {}
    return {"page": page, "entries": [_callback(actor, row, known, candidates) for row in page.rows]}


def _file(row: BatchFile) -> dict[str, Any]:
    """A sent file stands as its message does until it is answered."""
    state = row.message.state if row.message is not None and row.state == "promised" else row.state
    return {
        "row": row,
        "label": files.label(row.kind) if row.kind else "Not taken in",
        "state": state,
        "tone": FILE_TONES.get(state, "wait"),
        "total": pounds(row.total_pence) if row.total_pence else "—",
    }


def _message(actor: Actor, row: OutboxMessage, known: set[int], periods: answers.Periods) -> dict[str, Any]:
    return {
        "row": row,
        "label": _label(row),
        "case": row.case if row.case_id in known else None,
        "can_decide": may_decide(actor, row, known),
        "is_stuck": row.state in ("dead", "unknown"),
        "answer_due": periods.due(row) if row.state == "delivered" else None,
    }


def _label(row: OutboxMessage) -> str:
    if row.case is None:
        return files.label(row.kind)
    if row.kind == chase.CHASER.code:
        return chase.CHASER.label
    return casetypes.get(row.case.kind).message_labels.get(row.kind) or releases.label(row.kind)


def may_decide(actor: Actor, row: OutboxMessage, known: set[int]) -> bool:
    """Say whether this person may decide about a stuck message: one of a case they work on, or a file of many cases."""
    if row.case is not None:
        return row.case_id in known and policy.can(actor, "close_task", case=row.case).is_allowed
    return policy.can(actor, exchanges.OPERATE).is_allowed


def _callback(actor: Actor, row: Callback, known: set[int], candidates: Mapping[str, list[Case]]) -> dict[str, Any]:
    return {
        "candidates": candidates.get(row.agency_reference, []) if row.reason == "shared_reference" else [],
        "row": row,
        "why": misfits.why(row.reason),
        "case": row.case if row.case_id in known else None,
        "is_waiting": exchanges.waits_for_people(row),
        "can_review": may_review(actor, row, known),
    }


def may_review(actor: Actor, row: Callback, known: set[int]) -> bool:
    """Say whether this person may decide about a callback: one of a case they work on, or one that matched none."""
    if row.case is not None:
        return row.case_id in known and policy.can(actor, "close_task", case=row.case).is_allowed
    return bool(policy.kinds(actor, "close_task"))


@screen
@require_GET
def stuck(request: HttpRequest) -> HttpResponse:
    """List the dead letters of all agencies that this person may know of."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_agencies")
    page = pageful(exchanges.stuck_for(actor), request, is_descending=True)
    known = exchanges.may_know(actor, {row.case_id for row in page.rows if row.case_id})
    periods = answers.Periods()
    entries = [_message(actor, row, known, periods) for row in page.rows]
    return render(request, "cases/agencies/stuck.html", {"page": page, "entries": entries})
