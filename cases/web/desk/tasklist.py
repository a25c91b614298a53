"""The tasks page: what waits for me, my teams and everybody I see the cases of; taking, handing on, closing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from cases.kernel import casetypes, policy, tasks
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.models import Task, User
from cases.kernel.personal import taskdesk
from cases.kernel.personal.taskdesk import Asked
from cases.kernel.reading import desk, worklist
from cases.kernel.restricted import breakglass
from cases.web import asking, cursors
from cases.web.desk import filters
from cases.web.refusals import Problem, screen, status_of
from cases.web.wording import task_label, task_url

__all__ = ["done", "hand_on", "label_of", "listed", "page_of", "take"]


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= 18 else None


def _asked(query: QueryDict) -> tuple[Asked, list[str]]:
    """Return what the address asks for, and a sentence for each part of it that means nothing."""
    view, kind, team = (query.get(name, "") for name in ("view", "kind", "team"))
    sound = {"view": view in taskdesk.VIEWS, "kind": kind in tasks.LABELS, "team": _number(team) is not None}
    faults = [
        f"The filter “{name}” in the address means nothing here and was left out."
        for name, is_sound in sound.items()
        if query.get(name) and not is_sound
    ]
    return Asked(view=view if sound["view"] else "mine", kind=kind if sound["kind"] else "", team=_number(team)), faults


def label_of(task: Task) -> str:
    """Return what a task of a list asks for. Reads nothing that the list did not bring."""
    casetype = casetypes.get(task.case.kind) if task.case else None
    return task_label(task.kind, task.detail, casetype=casetype, agency=vars(task).get("agency_name") or "")


def page_of(task: Task, actor: Actor) -> tuple[str, str]:
    """Return where a task is done that has a page of its own: what the link says and its address."""
    if task.case is not None and "notice" in task.detail:
        return "Decide", reverse("web:incoming_notice", args=[task.case.uid, task.detail["notice"]])
    if task.kind == breakglass.REVIEW:
        return "Review it", reverse("web:glass_reviews")
    if task.case is None and task.kind in taskdesk.OF_AGENCIES:
        view = "" if task.kind == "channel_paused" else "?view=review"
        return "Open the agency", reverse("web:agency", args=[task.detail["agency"]]) + view
    url = task_url(task.kind, task.detail) if task.case is None or taskdesk.may_work(task, actor) else ""
    return ("Open it", url) if url else ("", "")


def _people(task: Task, people: Sequence[desk.Colleague], actor: Actor) -> list[tuple[int, str]]:
    """Return whom a task could be handed to: the others of its team."""
    return [
        (each.user_id, each.name)
        for each in people
        if each.team_id == task.team_id and each.user_id != task.assignee_id
    ]


def _shown(task: Task, actor: Actor, people: Sequence[desk.Colleague]) -> dict[str, Any]:
    said, url = page_of(task, actor)
    casetype = casetypes.get(task.case.kind) if task.case else None
    return {
        "task": task,
        "label": label_of(task),
        "about": casetype.topic_label(task.case.topic) if casetype and task.case else "",
        "kind": casetype.label if casetype else "",
        "may": not url and taskdesk.may_work(task, actor),
        "ends": tasks.ends_with(task.kind),
        "people": _people(task, people, actor),
        "said": said,
        "url": url,
    }


def _tabs(actor: Actor, asked: Asked, query: QueryDict, at: Any) -> list[dict[str, Any]]:
    counted = worklist.task_counts(actor, asked, at=at)
    here = reverse("web:tasks")
    return [
        {
            "code": code,
            "label": label,
            "url": cursors.url(here, query, view="" if code == "mine" else code),
            "count": counted[code],
            "is_current": code == asked.view,
        }
        for code, (label, _) in taskdesk.VIEWS.items()
    ]


def _chips(query: QueryDict, people: Sequence[desk.Colleague]) -> list[filters.Chip]:
    here = reverse("web:tasks")
    kinds: Mapping[str, str] = dict(sorted(tasks.LABELS.items(), key=lambda entry: entry[1]))
    teams = {str(each.team_id): each.team for each in people}
    options = [("kind", "What to do", kinds), ("team", "Team", teams)]
    return [filters.chip(query, name, label, known, here=here) for name, label, known in options if known]


@screen
@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    """Show one page of the open tasks I may see, earliest due first."""
    return _page(request)


def _page(
    request: HttpRequest,
    *,
    problems: Sequence[Problem] = (),
    handing: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    """Draw the page; after a refusal with what was typed, in the view that the form came from."""
    actor, at = asking.actor_of(request), asking.now()
    policy.require(actor, "view_tasks")
    query = request.GET if request.method == "GET" else QueryDict(_here(request).partition("?")[2])
    asked, faults = _asked(query)
    people = desk.colleagues(actor)
    page = taskdesk.page(actor, asked, cursors.read(query, cursors.moment), at=at)
    chips, tabs = _chips(query, people), _tabs(actor, asked, query, at)
    here = reverse("web:tasks")
    shown = {
        "entries": [_shown(task, actor, people) for task in page.rows],
        "tabs": tabs,
        "of_teams": next(
            (tab for tab in tabs if tab["code"] == "team" and not tab["is_current"] and tab["count"]), None
        ),
        "chips": chips,
        "chips_on": [chip for chip in chips if chip.is_on],
        "faults": faults,
        "problems": problems,
        "handing": handing,
        "typed": typed or {},
        "here": here,
        "back": cursors.url(here, query),
        "clear_url": f"{here}?view={asked.view}",
        **cursors.neighbours(here, query, page),
    }
    return render(request, "cases/tasks.html", shown, status=status)


def _here(request: HttpRequest) -> str:
    """Return the list a form came from; anything else is the list itself."""
    target = request.POST.get("back", "")
    here = reverse("web:tasks")
    is_ours = target.startswith(here) and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return target if is_ours else here


def _do(
    request: HttpRequest, act: Callable[[], Any], said: str, *, task: UUID, typed: bool = False, anchor: str = ""
) -> HttpResponse:
    try:
        act()
    except (NotVisible, NotAllowed):
        raise
    except CaseError as error:
        anchor = f"to-{task}" if typed else anchor
        kept = {name: request.POST.get(name, "") for name in ("to", "reason")} if typed else {}
        return _page(
            request,
            problems=[Problem(sentence=str(error), anchor=anchor)],
            handing=str(task) if typed else "",
            typed=kept,
            status=status_of(error),
        )
    messages.success(request, said)
    return HttpResponseRedirect(_here(request))


@screen
@require_POST
def take(request: HttpRequest, task: UUID) -> HttpResponse:
    """Make a task mine."""
    actor, info = asking.actor_of(request), asking.info(request)
    return _do(
        request,
        lambda: taskdesk.take(task, actor=actor, at=asking.now(), request=info),
        "The task is yours.",
        task=task,
    )


@screen
@require_POST
def done(request: HttpRequest, task: UUID) -> HttpResponse:
    """Say that a task is done, and what was done."""
    actor, info = asking.actor_of(request), asking.info(request)
    reason = request.POST.get("reason", "")
    return _do(
        request,
        lambda: taskdesk.done(task, actor=actor, at=asking.now(), reason=reason, request=info),
        "The task is done.",
        task=task,
        anchor=f"what-{task}",
    )


@screen
@require_POST
def hand_on(request: HttpRequest, task: UUID) -> HttpResponse:
    """Give a task to a colleague of its team, or back to the team, with a reason."""
    actor, info = asking.actor_of(request), asking.info(request)
    number = _number(request.POST.get("to", ""))
    user = User.objects.filter(pk=number).first() if number else None
    if request.POST.get("to") and user is None:
        return redirect("web:tasks")
    reason = request.POST.get("reason", "")
    return _do(
        request,
        lambda: taskdesk.hand_on(task, user, actor=actor, at=asking.now(), reason=reason, request=info),
        f"The task is with {user.display_name} now." if user else "The task is with its team now.",
        task=task,
        typed=True,
    )
