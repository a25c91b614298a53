"""The audit trail, for auditors: what was done to cases and to the office, by whom, when and why, and who looked; and
a part of it as a file."""

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

from cases.kernel import casetypes, policy
from cases.kernel.actors import Actor
from cases.kernel.calendars import LONDON
from cases.kernel.casetypes import CaseType
from cases.kernel.errors import CaseError
from cases.kernel.models import Agency, User
from cases.kernel.office import proposals
from cases.kernel.outputs import traillists
from cases.kernel.reading import looktrail, officetrail, timeline, trail
from cases.kernel.reading.looktrail import Place
from cases.kernel.reading.trail import CASES, LOOKS, OFFICE, SYSTEM, Asked
from cases.ledger import checkpoints, reads, sealing
from cases.reports import trail as paper
from cases.reports.words import VERBS, moment
from cases.web import asking, cursors
from cases.web.administration import trailrows
from cases.web.onecase.documents import attachment, table
from cases.web.refusals import Problem, screen
from cases.web.stepup import require as second_factor
from cases.web.wording import PURPOSES

__all__ = ["trail_list", "trail_page"]

FIELDS = ("audit", "reason")
TABS = {CASES: "Cases", OFFICE: "The office", LOOKS: "Who looked"}
NAMES = ("why", "who", "what", "case", "from", "to")
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


def _part(query: QueryDict) -> str:
    """Return which part of the trail an address asks for."""
    return query.get("of", "") if query.get("of", "") in TABS else CASES


def _read(query: QueryDict, *, actor: Actor, choices: Mapping[str, Groups]) -> Wanted:
    of = _part(query)
    typed = {name: query.get(name, "").replace("\0", "").strip()[:80] for name in NAMES} | {"of": of}
    if of == OFFICE:
        typed["case"] = ""
    first, last = _day(typed["from"]), _day(typed["to"])
    case = trail.case_named(actor, typed["case"]) if typed["case"] else None
    asked = Asked(
        of=of,
        actor=typed["who"],
        case=case,
        action=typed["what"],
        from_at=_midnight(first) if first else None,
        before_at=_midnight(last + timedelta(days=1)) if last and last < date.max else None,
    )
    problems = [
        Problem(sentence=sentence, anchor=f"t-{name}")
        for name, sentence in (
            ("why", "Choose why you look." if typed["why"] not in PURPOSES and query.keys() - {"of"} else ""),
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


def _is_listed(groups: Groups, value: str) -> bool:
    return not value or any(value in group for group in groups.values())


def _choices(actor: Actor, of: str) -> dict[str, Groups]:
    """Return whose acts or looks, and which, can be asked for of a part of the trail. Two queries."""
    people = User.objects.order_by("display_name", "pk").values_list("pk", "display_name")
    agencies = Agency.objects.order_by("display_name").values_list("code", "display_name")
    who = {
        "The system": {SYSTEM: "Every job of the system"},
        "People": {f"staff:{pk}": name for pk, name in people},
        "Agencies and own systems": {f"agency:{code}": name for code, name in agencies},
    }
    if of == OFFICE:
        return {"who": who, "what": {each.label: dict(each.named) for each in officetrail.known(actor)}}
    if of == LOOKS:
        return {"who": who, "what": {"How": dict(looktrail.HOW)}}
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
    query = request.POST if request.method == "POST" else request.GET
    choices = _choices(actor, _part(query))
    wanted = _read(query, actor=actor, choices=choices)
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
        names = traillists.found(actor, wanted.asked, at=asking.now())
        if len(names) > traillists.ALONE and (answer := second_factor(request)) is not None:
            return answer
        row = traillists.ask(
            names,
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
        "tabs": [
            {"label": label, "url": _url(request, of=of, why=wanted.typed["why"]), "is_current": of == wanted.asked.of}
            for of, label in TABS.items()
        ],
        "of": wanted.asked.of,
        "newest_url": _url(request, **wanted.typed),
        "clear_url": _url(request, of=wanted.asked.of, why=wanted.typed["why"]),
        "sealed": checkpoints.newest(),
        "alone": traillists.ALONE,
        "most": traillists.AT_MOST,
        **(PAGES[wanted.asked.of](request, wanted) if is_asked else {}),
    }
    return render(request, "cases/trail.html", shown, status=422 if found and request.method == "POST" else 200)


def _url(request: HttpRequest, **asked: str) -> str:
    return cursors.url(request.path, QueryDict(), **asked)


def _acts_page(request: HttpRequest, wanted: Wanted) -> dict[str, Any]:
    """Read one page of acts, with their reasons, which is on record under why it is read."""
    actor, at = asking.actor_of(request), asking.now()
    place = _uuid(request.GET.get("before", ""))
    page = trail.events(actor, wanted.asked, older_than=place, size=trail.PAGE_SIZE)
    streams = dict.fromkeys(event.stream for event in page.events)
    reader = asking.reader(request, "list", wanted.typed["why"], *streams, fields=FIELDS)
    reasons = sealing.open_reasons(page.events, reader=reader, at=at)
    actors = {event.actor or "" for event in page.events}
    if wanted.asked.of == OFFICE:
        done = officetrail.told(actor, page.events)
        names = timeline.names(actors | {each.person for each in done if each.person})
        entries = [trailrows.on_office(each, names, why) for each, why in zip(done, reasons, strict=True)]
    else:
        names, cases = timeline.names(actors), trail.with_cases(page.events)
        entries = [trailrows.on_case(*each, names, why) for each, why in zip(cases, reasons, strict=True)]
    older = _url(request, **wanted.typed, before=str(page.older_than)) if page.older_than else ""
    return {"entries": entries, "older_url": older, "is_older": place is not None}


def _looks_page(request: HttpRequest, wanted: Wanted) -> dict[str, Any]:
    """Read one page of looks, which is itself on record, with every case on it."""
    actor, at = asking.actor_of(request), asking.now()
    place = _place(request.GET.get("before", ""))
    page = looktrail.looks(actor, wanted.asked, at=at, older_than=place, size=trail.PAGE_SIZE)
    told = looktrail.told(actor, page.events, at=at)
    streams = dict.fromkeys(case.uid for each in told for case in each.cases)
    reader = asking.reader(request, "list", wanted.typed["why"], *streams, fields=("audit",))
    reads.record_read(reader, at=at, result_count=len(told))
    last = page.older_than
    older = _url(request, **wanted.typed, before=f"{last.at.isoformat()}~{last.later}") if last else ""
    return {"entries": [trailrows.look(each) for each in told], "older_url": older, "is_older": place is not None}


PAGES = {CASES: _acts_page, OFFICE: _acts_page, LOOKS: _looks_page}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _place(text: str) -> Place | None:
    """Read where a page of looks begins; a mangled place counts as none."""
    moment, _, later = text.partition("~")
    if not later.isdecimal() or len(later) > 4:  # noqa: PLR2004 -- nobody looks as often in one moment
        return None
    try:
        at = cursors.moment(moment)
    except ValueError:
        return None
    return Place(at=at, later=int(later)) if at else None


@screen
@require_GET
@never_cache
def trail_list(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Hand out a part of the trail to whoever asked for it, within seven days, as a table or as a sealed paper; that is
    on record with every case it names."""
    actor, at = asking.actor_of(request), asking.now()
    part = traillists.part_of(uid, actor=actor, at=at, request_id=asking.request_id(request))
    lines, name = trailrows.lines(part), f"audit-trail-{part.row.made_at:%Y-%m-%d}"
    if request.GET.get("as") != "paper":
        return table(lines, f"{name}.csv")
    asked = [(line.label, line.new) for line in proposals.get(part.row.kind).describe({}, part.row.payload)]
    facts = [*asked, ("Asked for", f"{moment(part.row.made_at)} by {part.row.maker}")]
    title = f"Audit trail: {part.what.lower()}"
    made = paper.printed(part.row, lines, title=title, facts=facts, at=at)
    return attachment(made.data, f"{name}.pdf", media_type="application/pdf")
