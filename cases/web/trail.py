"""The trail over all cases, for auditors: who did what, when and why, within filters; and a part of it as a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from cases.kernel import casetypes, datacategories, policy, traillists
from cases.kernel.actors import Actor
from cases.kernel.calendars import LONDON
from cases.kernel.casetypes import CaseType
from cases.kernel.errors import CaseError
from cases.kernel.models import Agency, Case, User
from cases.kernel.reading import timeline, trail
from cases.kernel.reading.trail import SYSTEM, Asked
from cases.ledger import checkpoints, sealing
from cases.ledger.models import LedgerEvent
from cases.reports.words import VERBS
from cases.web import addresses, asking, cursors, story
from cases.web.casepage import PURPOSES
from cases.web.documents import table
from cases.web.refusals import Problem, screen
from cases.web.stepup import require as second_factor

__all__ = ["trail_list", "trail_page"]

FIELDS = ("audit", "reason")
LATE = timedelta(hours=1)
MADE = frozenset({"demo", "seed"})
# As many signs of the mark of an address as tell two apart on a page.
MARK = 8
Groups = dict[str, dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the address asks for: as filters, as it was typed, and what of it cannot be answered."""

    asked: Asked
    typed: Mapping[str, str]
    problems: tuple[Problem, ...]

    @property
    def is_asked(self) -> bool:
        return bool(self.typed["why"]) and not self.problems


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), tzinfo=LONDON)


def _read(query: QueryDict, *, actor: Actor, choices: Mapping[str, Groups]) -> Wanted:
    typed = {name: query.get(name, "").replace("\0", "").strip()[:80] for name in NAMES}
    first, last = _day(typed["from"]), _day(typed["to"])
    case = trail.case_named(actor, typed["case"]) if typed["case"] else None
    asked = Asked(
        actor=typed["who"],
        case=case,
        action=typed["what"],
        from_at=_midnight(first) if first else None,
        before_at=_midnight(last + timedelta(days=1)) if last and last < date.max else None,
    )
    problems = [
        Problem(sentence=sentence, anchor=f"t-{name}")
        for name, sentence in (
            ("why", "Choose why you look." if typed["why"] not in PURPOSES and query else ""),
            ("who", "Choose whose acts from the list." if not _is_listed(choices["who"], typed["who"]) else ""),
            ("what", "Choose the act from the list." if not _is_listed(choices["what"], typed["what"]) else ""),
            ("case", "" if case or not typed["case"] else f"You may see no case {typed['case']}."),
            ("from", "Type the first day as a date." if typed["from"] and not first else ""),
            ("to", "Type the last day as a date." if typed["to"] and not last else ""),
            ("to", "The last day is before the first." if first and last and last < first else ""),
        )
        if sentence
    ]
    if not problems and (sentence := trail.too_wide(asked)):
        problems.append(Problem(sentence=sentence, anchor="t-from"))
    return Wanted(asked=asked, typed=typed, problems=tuple(problems))


NAMES = ("why", "who", "what", "case", "from", "to")


def _is_listed(groups: Groups, value: str) -> bool:
    return not value or any(value in group for group in groups.values())


def _choices(actor: Actor) -> dict[str, Groups]:
    """Return whose acts and which acts can be asked for. Two queries."""
    people = User.objects.order_by("display_name", "pk").values_list("pk", "display_name")
    agencies = Agency.objects.order_by("display_name").values_list("code", "display_name")
    who = {
        "The system": {SYSTEM: "Every job of the system"},
        "People": {f"staff:{pk}": name for pk, name in people},
        "Agencies and own systems": {f"agency:{code}": name for code, name in agencies},
    }
    has_sight = bool(actor.compartment_ids | actor.granted_team_ids)
    kinds = map(casetypes.get, policy.kinds(actor, "view_audit"))
    return {"who": who, "what": _acts(each for each in kinds if has_sight or not each.is_restricted)}


def _acts(kinds: Iterable[CaseType]) -> Groups:
    """Return what can be done to a case of any kind, and to one of each of these, by the ledger's names."""
    all_kinds = {each.code for each in casetypes.all_types()}
    common = {verb: words for verb, words in VERBS.items() if verb.partition(".")[0] not in all_kinds}
    found: Groups = {"Any case": _sorted(common)}
    for casetype in kinds:
        own = {f"{casetype.code}.{move.name}": move.label for move in casetype.lifecycle.moves}
        told = {verb: words for verb, words in {**VERBS, **casetype.said}.items() if verb not in common}
        mine = {verb: words for verb, words in told.items() if verb.partition(".")[0] == casetype.code}
        found[casetype.label] = _sorted({**mine, **own})
    return found


def _sorted(acts: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(acts.items(), key=lambda each: each[1]))


@screen
@require_http_methods(["GET", "POST"])
@never_cache
def trail_page(request: HttpRequest) -> HttpResponse:
    """Show a page of the trail (GET), on record with every case on it; ask for what it holds as a file (POST)."""
    actor = asking.actor_of(request)
    policy.require(actor, "view_trail")
    choices = _choices(actor)
    wanted = _read(request.POST if request.method == "POST" else request.GET, actor=actor, choices=choices)
    if request.method == "GET":
        return _show(request, wanted, choices, wanted.problems)
    reason = request.POST.get("reason", "")
    problems = list(wanted.problems)
    if not reason.strip():
        problems.append(Problem(sentence="Say what the file is for.", anchor="t-reason"))
    return _show(request, wanted, choices, problems) if problems else _have_file(request, wanted, choices, reason)


def _have_file(request: HttpRequest, wanted: Wanted, choices: Mapping[str, Groups], reason: str) -> HttpResponse:
    """Put a file on record, and lead to where it is fetched; a long one asks for the second factor first."""
    actor = asking.actor_of(request)
    try:
        uids = traillists.found(actor, wanted.asked)
        if len(uids) > traillists.ALONE and (answer := second_factor(request)) is not None:
            return answer
        row = traillists.ask(
            uids,
            wanted.asked,
            why=wanted.typed["why"],
            actor=actor,
            at=asking.now(),
            reason=reason,
            request=asking.info(request),
        )
    except CaseError as error:
        return _show(request, wanted, choices, [Problem(sentence=str(error), anchor="t-reason")])
    return redirect("web:change", uid=row.uid)


def _show(
    request: HttpRequest, wanted: Wanted, choices: Mapping[str, Groups], problems: Iterable[Problem]
) -> HttpResponse:
    """Draw the page; where something was refused nothing is read for it."""
    found = list(problems)
    is_asked = wanted.is_asked and not found
    shown = {
        "problems": found,
        "typed": {**wanted.typed, "reason": request.POST.get("reason", "")},
        "choices": choices,
        "purposes": PURPOSES.items(),
        "is_asked": is_asked,
        "wants_file": request.method == "POST",
        "is_filtered": any(wanted.typed[name] for name in NAMES if name != "why"),
        "newest_url": cursors.url(request.path, QueryDict(), **wanted.typed),
        "clear_url": cursors.url(request.path, QueryDict(), why=wanted.typed["why"]),
        "sealed": checkpoints.newest(),
        "alone": traillists.ALONE,
        "most": traillists.AT_MOST,
        **(_page(request, wanted) if is_asked else {}),
    }
    return render(request, "cases/trail.html", shown, status=422 if found and request.method == "POST" else 200)


def _page(request: HttpRequest, wanted: Wanted) -> dict[str, Any]:
    """Read one page, with its reasons, which is on record under why it is read."""
    actor, at = asking.actor_of(request), asking.now()
    place = _uuid(request.GET.get("before", ""))
    page = trail.events(actor, wanted.asked, older_than=place, size=trail.PAGE_SIZE)
    streams = dict.fromkeys(case.uid for _, case in page.events)
    reader = asking.reader(request, "list", wanted.typed["why"], *streams, fields=FIELDS)
    reasons = sealing.open_reasons([event for event, _ in page.events], reader=reader, at=at)
    names = timeline.names(event.actor for event, _ in page.events)
    older = cursors.url(request.path, QueryDict(), **wanted.typed, before=str(page.older_than))
    return {
        "entries": [
            _entry(event, case, names, reason) for (event, case), reason in zip(page.events, reasons, strict=True)
        ],
        "older_url": older if page.older_than else "",
        "is_older": place is not None,
    }


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _entry(event: LedgerEvent, case: Case, names: Mapping[str, str], reason: str | None) -> dict[str, Any]:
    casetype, body = casetypes.get(case.kind), event.content()
    is_late = event.recorded_at - event.at > LATE and body.get("source") not in MADE
    is_system = event.actor.startswith(SYSTEM)
    return {
        "event": event,
        "who": names[event.actor],
        "job": event.actor.removeprefix(SYSTEM).replace("_", " ") if is_system else "",
        "act": story.act_label(casetype, event.action),
        "of": _what_of(casetype, body.get("detail", {})),
        "case": case,
        "case_url": addresses.of_case("web:case", case.uid),
        "kind": casetype.label,
        "icon": casetype.icon,
        "mark": _mark(body),
        "reason": reason,
        "recorded": event.recorded_at if is_late else None,
    }


def _what_of(casetype: CaseType, detail: Mapping[str, Any]) -> str:
    """Return which step an act of several people is about."""
    act = str(detail.get("act", ""))
    return casetype.lifecycle[act].label if act in casetype.lifecycle else ""


def _mark(body: Mapping[str, Any]) -> str:
    """Return the beginning of the keyed mark of the address it was done from: the address itself is never kept."""
    return str(body.get("request", {}).get("ip", ""))[:MARK]


@screen
@require_GET
@never_cache
def trail_list(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Hand out a part of the trail to whoever asked for it, within seven days; that is on record with every case it
    names."""
    actor = asking.actor_of(request)
    row, told = traillists.rows_of(uid, actor=actor, at=asking.now(), request_id=asking.request_id(request))
    names = timeline.names(event.actor for event, _ in told)
    lines = [datacategories.columns("trail"), *(_line(event, case, names) for event, case in told)]
    return table(lines, f"acts-{row.made_at:%Y-%m-%d}.csv")


def _line(event: LedgerEvent, case: Case, names: Mapping[str, str]) -> list[str]:
    casetype = casetypes.get(case.kind)
    return [
        event.at.astimezone(LONDON).isoformat(timespec="seconds"),
        event.recorded_at.astimezone(LONDON).isoformat(timespec="seconds"),
        names[event.actor],
        event.actor,
        story.act_label(casetype, event.action),
        event.action,
        casetype.label,
        case.reference,
        _mark(event.content()),
        "yes" if event.reason is not None else "no",
        bytes(event.hash).hex(),
    ]
