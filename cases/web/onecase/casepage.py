"""The pages of one case: overview, messages, audit. What was typed survives a refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages as notices
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from cases.kernel import casetypes, holdkinds, policy, releases, retention, tasks, transitions
from cases.kernel.actors import Actor
from cases.kernel.casetypes import CaseType, never
from cases.kernel.exchange.letters import TEMPLATES
from cases.kernel.models import Case
from cases.kernel.outputs import bases
from cases.kernel.reading import queries, records, timeline
from cases.kernel.reading.queries import CaseFile
from cases.kernel.standing import Standing
from cases.kernel.timing import extensions
from cases.kernel.transitions import Offer
from cases.ledger import reads
from cases.web import addresses, asking
from cases.web.context import Command
from cases.web.onecase import decision, once, panels, referring, story
from cases.web.refusals import Problem, screen
from cases.web.wording import PURPOSES, task_label, task_url

__all__ = [
    "SAY_WHY",
    "Typed",
    "ask_purpose",
    "audit",
    "header",
    "messages",
    "note_look",
    "older",
    "overview",
    "purpose",
    "purpose_of",
    "show",
]

CASEWORK = "casework"
LETTER_STATES = {
    "due": "Waits to be written",
    "rendered": "Written, waits for the post",
    "dispatched": "Posted",
    "returned": "Came back",
    "withdrawn": "Withdrawn",
}
SAY_WHY = "Say first, on the case's page, why you read it."


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What somebody typed before a refusal, to be shown again."""

    step: str = ""
    form: Any = None
    reason: str = ""
    note: str = ""


KEYS = {"holds": "h"}


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One page of the case; `key` is the single key that opens it."""

    label: str
    url: str
    count: int
    is_current: bool
    key: str = ""


def purpose_of(request: HttpRequest, file: CaseFile, actor: Actor) -> str:
    """Return why this person reads this case, or nothing when they must say so first."""
    decision = policy.require(actor, "view", case=file.case)
    if decision.purpose:
        return decision.purpose
    given: str = request.session.get("purposes", {}).get(str(file.case.uid), "")
    return given if decision.needs_reason else CASEWORK


def ask_purpose(request: HttpRequest, case: Case, *, problems: Sequence[Problem] = ()) -> HttpResponse:
    shown = {"reference": case.reference, "uid": case.uid, "purposes": PURPOSES.items(), "problems": problems}
    return render(request, "cases/purpose.html", shown, status=422 if problems else 200)


@screen
@require_POST
def purpose(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Keep why I read this case; every reading is recorded under it."""
    case = policy.get_visible(asking.actor_of(request), uid)
    if (given := request.POST.get("purpose", "")) not in PURPOSES:
        anchor = f"pp-{next(iter(PURPOSES))}"
        return ask_purpose(request, case, problems=[Problem(sentence="Say why you read this case.", anchor=anchor)])
    request.session["purposes"] = {**request.session.get("purposes", {}), str(case.uid): given}
    return redirect("web:case", uid=uid)


def header(file: CaseFile, current: str, actor: Actor) -> dict[str, Any]:
    """Return what stands on every page of a case."""
    case, casetype = file.case, casetypes.get(file.case.kind)
    tabs = [("Overview", "case", 0), ("Documents", "documents", file.document_count)]
    tabs += [("Messages", "messages", file.message_count), ("Holds", "holds", len(file.holds))]
    tabs.append(("Linked", "linked", len(file.links)))
    if casetype.incoming is not None:
        tabs.append(("From agencies", "case_incoming", 0))
    if casetype.shows_own_tabs(case):
        tabs += [(label, name, 0) for label, name in casetype.own_tabs]
    if policy.can(actor, "view_audit", case=case).is_allowed:
        tabs.append(("Audit", "audit", 0))
    return {
        "case": case,
        "casetype": casetype,
        "title": casetype.topic_label(case.topic),
        "state": casetype.lifecycle.state(case.state),
        "tabs": [
            Tab(
                label=label,
                url=_address_of(name, case),
                count=count,
                is_current=name == current,
                key=KEYS.get(name, ""),
            )
            for label, name, count in tabs
        ],
        "may": {act: _may_do(case, actor, act) for act in ACTS},
        "held_as": sorted({holdkinds.shown_label(each) for each in file.holds}),
        "is_mine": case.assignee_id == actor.user_id,
        "screen": casetype.screen,
        "papers": [
            (level, paper.label)
            for level, paper in casetype.papers.items()
            if _may_do(case, actor, paper.act) and not paper.why_not(case)
        ],
    }


def _may_do(case: Case, actor: Actor, act: str) -> bool:
    """Say whether a person may do something to a case; to one that is erased nobody does anything."""
    return not _is_erased(case) and policy.can(actor, act, case=case).is_allowed


def _is_erased(case: Case) -> bool:
    return case.key.destroyed_at is not None


def _address_of(name: str, case: Case) -> str:
    """Return the address of a page of a case; one of a family's own names its family."""
    return addresses.of_case(name if ":" in name else f"web:{name}", case.uid)


ACTS = (
    "hold",
    "snooze",
    "link",
    "declare_conflict",
    "note",
    "attach",
    "edit",
    "take",
    "assign",
    "reveal",
    "report",
    "download",
    "close_task",
)


def _show(request: HttpRequest) -> str:
    """Return which part of the story is asked for; anything unknown asks for all of it."""
    wanted = request.GET.get("show", "")
    return wanted if wanted in timeline.SHOWS else ""


def _shows(request: HttpRequest) -> dict[str, Any]:
    return {"show": _show(request), "shows": [(code, label) for code, (label, _) in timeline.SHOWS.items()]}


def _commands(offers: Sequence[Offer], file: CaseFile, may: Mapping[str, bool]) -> list[Command]:
    found = []
    if any(offer.is_open for offer in offers):
        found.append(Command(label="Go to the decision", icon="badge-check", target="decision", key="D"))
    if may["note"]:
        found.append(Command(label="Add a note", icon="message-square", target="id_note", key="M"))
    if may["report"]:
        found.append(Command(label="Make the audit report for this case", icon="file-text", target="make-report"))
    following = addresses.of_case("web:next_case", file.case.uid)
    found.append(Command(label="Case before it in the queue", icon="arrow-left", url=f"{following}?way=back", key="["))
    found.append(Command(label="Next case of the queue", icon="arrow-right", url=following, key="]"))
    return found


def show(
    request: HttpRequest,
    uid: UUID,
    *,
    problems: Sequence[Problem] = (),
    typed: Typed | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    """Draw the overview of a case, with what was typed and refused. Writes the reader's access row."""
    actor, at = asking.actor_of(request), asking.now()
    file = queries.case_file(actor, uid)
    if not (why := purpose_of(request, file, actor)):
        return ask_purpose(request, file.case)
    case, casetype = file.case, casetypes.get(file.case.kind)
    if (stays := _stays(request, case, actor)) is not None:
        return stays
    reader = asking.reader(request, "view", why, case.uid, fields=("note", "reason"))
    entries, older_than = timeline.story(case, reader=reader, at=at, show=_show(request))
    standing = Standing(case, actor, is_deciding=False)
    offers = [] if _is_erased(case) else transitions.offers(case, actor, standing=standing, at=at)
    asked = decision.panel(file, offers, entries, standing=standing, typed=typed or Typed(), reader=reader, at=at)
    head = header(file, "case", actor)
    shown = head | {
        "problems": problems,
        "typed": typed or Typed(),
        "once": once.token(request),
        "steps": panels.steps(casetype, case.state, entries, case.opened_at),
        "facts": casetype.facts_view(case),
        "tables": casetype.tables(case),
        "sealed_facts": []
        if _is_erased(case)
        else panels.masked(casetype, queries.sealed_facts(queries.facts_of(case))),
        "subjects": panels.subjects(file),
        "unlisted": 0 if file.subjects else file.people_count,
        "days": story.days(case, entries),
        "older_than": older_than,
        **_shows(request),
        "decision": asked,
        "checks": [] if _is_erased(case) else casetype.checks(case),
        "kept_for": bases.why_of(case),
        "ground": bases.label_of(case),
        "kept_as": retention.name_of(case.retention_class),
        "clocks": panels.running(file, may_extend=policy.can(actor, extensions.ACT, case=case).is_allowed),
        "tasks": [
            {
                **task,
                "label": task_label(task["kind"], task["detail"], casetype=casetype),
                "url": task_url(task["kind"], task["detail"]),
                "ends": tasks.ends_with(task["kind"]),
            }
            for task in file.tasks
        ],
        "reports": [{**each, "label": _paper_label(casetype, each["level"])} for each in file.reports],
        "referrals": [] if _is_erased(case) else referring.offers(case, actor),
        "commands": _commands(offers, file, head["may"]),
        "pair_count": file.pair_count,
        "links": file.links,
        "may_split": casetype.is_divisible and _may(case, actor, "split") and case.state in casetype.lifecycle.editable,
        "may_detach": not _is_erased(case) and _may(case, actor, "detach"),
        "may_add_address": casetype.address_form is not None,
        "may_edit": head["may"]["edit"] and case.state in casetype.lifecycle.editable,
        "may_add_person": casetype.may_add_person(case),
        "has_people": bool(file.people_count) or casetype.may_add_person is not never,
    }
    return render(request, "cases/case.html", shown, status=status)


def _paper_label(casetype: CaseType, level: str) -> str:
    paper = casetype.papers.get(level)
    return paper.label if paper else "Audit report"


def _may(case: Case, actor: Actor, move: str) -> bool:
    return policy.can(actor, f"{case.kind}.{move}", case=case).is_allowed


@screen
@require_GET
def overview(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show a case."""
    return show(request, uid)


def _stays(request: HttpRequest, case: Case, actor: Actor) -> HttpResponse | None:
    """Lead from the reference of a merged case to the one that stays, unless the old record itself is asked for."""
    if case.merged_into is None or request.method != "GET" or "old" in request.GET:
        return None
    if not policy.can(actor, "view", case=case.merged_into).is_allowed:
        return None
    notices.info(request, f"{case.reference} was merged into this case.")
    return redirect("web:case", uid=case.merged_into.uid)


def _before(request: HttpRequest) -> int | None:
    """Return the number of the event before which a page of events ends, or None for the newest."""
    number = request.GET.get("before", "")
    return int(number) if number.isdecimal() and len(number) <= 18 else None


@screen
@require_GET
def older(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show an older part of the story: a fragment for the page, a page of its own without script."""
    actor, at = asking.actor_of(request), asking.now()
    file = queries.case_file(actor, uid)
    if not (why := purpose_of(request, file, actor)):
        return ask_purpose(request, file.case)
    reader = asking.reader(request, "view", why, file.case.uid, fields=("note", "reason"))
    entries, older_than = timeline.story(file.case, reader=reader, at=at, before=_before(request), show=_show(request))
    shown = {"days": story.days(file.case, entries), "older_than": older_than, "case": file.case} | _shows(request)
    if getattr(request, "htmx", False):
        return render(request, "cases/_story.html", shown)
    return render(request, "cases/older.html", header(file, "case", actor) | shown)


def note_look(request: HttpRequest, case: Case, why: str, at: datetime) -> None:
    """Put it on record that a page of a case was looked at that opens no sealed value."""
    reads.record_read(asking.reader(request, "view", why, case.uid, fields=("overview",)), at=at, result_count=1)


@screen
@require_GET
def messages(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show what was promised to agencies, each try, what they called back with, and the letters to people. Opens no
    sealed value."""
    actor, at = asking.actor_of(request), asking.now()
    file = queries.case_file(actor, uid)
    if not (why := purpose_of(request, file, actor)):
        return ask_purpose(request, file.case)
    reads.record_read(asking.reader(request, "view", why, file.case.uid, fields=("messages",)), at=at, result_count=1)
    sent, tries, heard = records.messages(file.case)
    casetype = casetypes.get(file.case.kind)
    labels, roles = casetype.message_labels, dict(casetype.party_roles)
    shown = {
        "sent": [
            {
                "message": message,
                "label": labels.get(message.kind) or releases.label(message.kind),
                "tries": [each for each in tries if each.message_id == message.pk],
            }
            for message in sent
        ],
        "heard": heard,
        "letters": [
            {
                "letter": row,
                "label": TEMPLATES[row.template].label if row.template in TEMPLATES else row.template,
                "role": roles.get(row.party.role, row.party.role),
                "state": LETTER_STATES[row.state],
            }
            for row in records.letters(file.case)
        ],
    }
    return render(request, "cases/messages.html", header(file, "messages", actor) | shown)


@screen
@require_GET
def audit(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show the case's chain of events and who looked at it."""
    actor, at = asking.actor_of(request), asking.now()
    file = queries.case_file(actor, uid)
    policy.require(actor, "view_audit", case=file.case)
    if not (why := purpose_of(request, file, actor)):
        return ask_purpose(request, file.case)
    reads.record_read(asking.reader(request, "view", why, file.case.uid, fields=("audit",)), at=at, result_count=1)
    trail = records.audit_trail(file.case, at=at, before=_before(request))
    return render(request, "cases/audit.html", header(file, "audit", actor) | trail | {"before": _before(request)})
