"""The audit trail as its page shows it and as a file holds it: acts on cases and on the office, and looks, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.urls import reverse

from cases.kernel import casetypes
from cases.kernel.calendars import LONDON
from cases.kernel.casetypes import CaseType
from cases.kernel.models import Case
from cases.kernel.outputs import datacategories
from cases.kernel.outputs.traillists import Part
from cases.kernel.reading import lookers, timeline, trail
from cases.kernel.reading.looktrail import Look
from cases.kernel.reading.officetrail import Done
from cases.kernel.reading.trail import SYSTEM
from cases.ledger.models import LedgerEvent
from cases.web import addresses
from cases.web.onecase import story
from cases.web.wording import how, seen, why

__all__ = ["lines", "look", "on_case", "on_office"]

LATE = timedelta(hours=1)
MADE = frozenset({"demo", "seed"})
# As many signs of the mark of an address as tell two apart on a page.
MARK = 8
NAMED = 3  # as many cases and things of one look are named
Names = Mapping[str, str]


def _act(event: LedgerEvent, body: Mapping[str, Any], names: Names, reason: str | None) -> dict[str, Any]:
    """Return what an act has wherever it was done."""
    is_late = event.recorded_at - event.at > LATE and body.get("source") not in MADE
    actor = event.actor or ""
    return {
        "event": event,
        "who": names[actor],
        "job": actor.removeprefix(SYSTEM).replace("_", " ") if actor.startswith(SYSTEM) else "",
        "mark": _mark(body),
        "reason": reason,
        "recorded": event.recorded_at if is_late else None,
    }


def on_case(event: LedgerEvent, case: Case, names: Names, reason: str | None) -> dict[str, Any]:
    """Return an act on a case as the page shows it."""
    casetype, body = casetypes.get(case.kind), event.content()
    return {
        **_act(event, body, names, reason),
        "act": story.act_label(casetype, event.action or ""),
        "of": _what_of(casetype, body.get("detail", {})),
        "case": case,
        "name": case.reference,
        "url": addresses.of_case("web:case", case.uid),
        "kind": casetype.label,
    }


def _what_of(casetype: CaseType, detail: Mapping[str, Any]) -> str:
    """Return which step an act of several people is about."""
    act = str(detail.get("act", ""))
    return casetype.lifecycle[act].label if act in casetype.lifecycle else ""


def _mark(body: Mapping[str, Any]) -> str:
    """Return the beginning of the keyed mark of the address it was done from: the address itself is never kept."""
    return str(body.get("request", {}).get("ip", ""))[:MARK]


def on_office(done: Done, names: Names, reason: str | None) -> dict[str, Any]:
    """Return an act on the office as the page shows it."""
    return {
        **_act(done.event, done.event.content(), names, reason),
        "act": done.area.acts[done.event.action or ""],
        "name": _name(done, names),
        "url": _url(done),
        "kind": done.area.label,
    }


def _name(done: Done, names: Names) -> str:
    return ", ".join(filter(None, (names.get(done.person, ""), done.name)))


def _url(done: Done) -> str:
    """Return the page of what it was done to, or nothing."""
    if done.thing is not None and done.area.page:
        return reverse(done.area.page, args=[getattr(done.thing, done.area.by)])
    return reverse("person", args=[done.detail["user"]]) if done.person else ""


def look(each: Look) -> dict[str, Any]:
    """Return a look as the page shows it."""
    event = each.event
    return {
        "event": event,
        "who": each.who,
        "job": event.actor.removeprefix(SYSTEM).replace("_", " ") if event.actor.startswith(SYSTEM) else "",
        "how": how(event.verb),
        "cases": [(case, addresses.of_case("web:case", case.uid)) for case in each.cases[:NAMED]],
        "things": each.things[: max(0, NAMED - len(each.cases))],
        "more": len(each.cases) + len(each.things) - NAMED,
        "fields": _fields(each),
        "why": why(event.purpose),
        "is_urgent": event.break_glass,
    }


def _fields(each: Look) -> str:
    """Return what was looked at, by the labels of the one kind of case there is or as pages call it everywhere."""
    kinds = {case.kind for case in each.cases}
    return seen(each.event.fields, casetypes.get(kinds.pop()) if len(kinds) == 1 else None)


def lines(part: Part) -> list[list[str]]:
    """Return what stands in a file, its columns first. One query where there are acts."""
    if part.row.payload.get("of") == trail.LOOKS:
        return [datacategories.columns("looks"), *map(_looked, part.looks)]
    people = [each.person for each in part.office if each.person]
    events = [event for event, _ in part.cases] + [each.event for each in part.office]
    names = timeline.names([*people, *(event.actor or "" for event in events)])
    told = [on_case(event, case, names, None) for event, case in part.cases]
    told += [on_office(each, names, None) for each in part.office]
    return [datacategories.columns("trail"), *map(_done, told)]


def _done(entry: Mapping[str, Any]) -> list[str]:
    event: LedgerEvent = entry["event"]
    return [
        event.at.astimezone(LONDON).isoformat(timespec="seconds"),
        event.recorded_at.astimezone(LONDON).isoformat(timespec="seconds"),
        entry["who"],
        event.actor or "",
        entry["act"],
        event.action or "",
        entry["kind"],
        entry["name"],
        entry["mark"],
        "yes" if event.reason is not None else "no",
        bytes(event.hash).hex(),
    ]


def _looked(each: Look) -> list[str]:
    event = each.event
    is_named = each.who != lookers.NAMELESS
    return [
        event.at.astimezone(LONDON).isoformat(timespec="seconds"),
        each.who,
        event.actor if is_named else "",
        how(event.verb),
        event.verb,
        " ".join(case.reference for case in each.cases),
        ", ".join(each.things),
        _fields(each),
        why(event.purpose),
        event.request_id,
    ]
