"""One act on several cases of a list: each is locked, judged and recorded by itself, as if it were done on its page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from cases.kernel import edits, policy
from cases.kernel.calendars import LONDON
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, User
from cases.kernel.reading import desk
from cases.kernel.timing import snoozes
from cases.web import addresses, asking, rows
from cases.web.refusals import Problem, screen

__all__ = ["MOST", "people", "several"]

MOST = 100
NOBODY = "nobody"
NOT_YOURS = "One of the cases is not there any more, or is not yours to see."


@dataclass(frozen=True, kw_only=True)
class Picked:
    """A case that was ticked, and who had it on the page where it was."""

    uid: UUID
    holder: int | None


@dataclass(frozen=True, kw_only=True)
class Act:
    """What is done to each case, and how it is told once it is done to `count` of them."""

    do: Callable[[Case, Picked], Any]
    said: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A case to which it was not done, and why; ticked still, so that something else can be done to it."""

    pick: str
    reference: str
    url: str
    sentence: str


def _picked(text: str) -> Picked | None:
    uid, _, holder = text.partition("~")
    try:
        return Picked(uid=UUID(uid), holder=int(holder) if holder.isdecimal() and len(holder) < 10 else None)
    except ValueError:
        return None


def _give(request: HttpRequest) -> Act | Problem:
    actor, to = asking.actor_of(request), request.POST.get("to", "")
    user = User.objects.filter(pk=int(to)).first() if to.isdecimal() and len(to) < 10 else None
    if user is None and to != NOBODY:
        return Problem(sentence="Choose to whom the cases go.", anchor="several-to")

    def do(case: Case, picked: Picked) -> None:
        edits.assign(case.pk, user, actor=actor, at=asking.now(), was=picked.holder, request=asking.info(request))

    return Act(do=do, said=f"given to {user.display_name}" if user else "with nobody now")


def _put_aside(request: HttpRequest) -> Act | Problem:
    actor, reason = asking.actor_of(request), request.POST.get("reason", "")
    try:
        until = datetime.combine(date.fromisoformat(request.POST.get("until", "")), time(7), tzinfo=LONDON)
    except ValueError:
        return Problem(sentence="Choose the day on which the cases come back.", anchor="several-until")
    if not reason.strip():
        return Problem(sentence="Say why the cases are put aside.", anchor="several-reason")

    def do(case: Case, _picked: Picked) -> None:
        snoozes.snooze(case.pk, until, actor=actor, at=asking.now(), reason=reason, request=asking.info(request))

    return Act(do=do, said=f"put aside until {until:%-d %B %Y}")


ACTS: dict[str, Callable[[HttpRequest], Act | Problem]] = {"give": _give, "put_aside": _put_aside}


def _each(request: HttpRequest, act: Act, chosen: list[Picked]) -> tuple[int, list[Refused]]:
    """Do it to one case after the other, each in a transaction of its own; what is refused leaves nothing."""
    done, refused = 0, []
    for picked in chosen:
        case, sentence = _seen(request, picked), NOT_YOURS
        if case is not None:
            try:
                act.do(case, picked)
            except CaseError as error:
                sentence = str(error)
            else:
                done += 1
                continue
        refused.append(_line(case, picked, sentence))
    return done, refused


def _seen(request: HttpRequest, picked: Picked) -> Case | None:
    return policy.visible_to(asking.actor_of(request)).filter(uid=picked.uid).first()


def _line(case: Case | None, picked: Picked, sentence: str) -> Refused:
    return Refused(
        pick=rows.pick(case) if case else "",
        reference=case.reference if case else "",
        url=addresses.of_case("web:case", picked.uid) if case else "",
        sentence=sentence,
    )


def _back(request: HttpRequest) -> str:
    target = request.POST.get("back", "")
    is_ours = target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return target if is_ours else addresses.page("web:queue")


@screen
@require_POST
def several(request: HttpRequest) -> HttpResponse:
    """Give the ticked cases to a colleague or to nobody, or put them aside. Writes what the page of each case would:
    one event for each. Says how many were done, and of each that was not why."""
    found = {picked.uid: picked for text in request.POST.getlist("case") if (picked := _picked(text))}
    chosen = list(found.values())
    act: Act | Problem = ACTS.get(request.POST.get("act", ""), _give)(request)
    if not chosen:
        act = Problem(sentence="Tick the cases that are meant.")
    elif len(chosen) > MOST:
        act = Problem(sentence=f"At most {MOST} cases at once.")
    if isinstance(act, Problem):
        ticked = [_line(_seen(request, each), each, "") for each in chosen[:MOST]]
        return _show(request, [line for line in ticked if line.pick], [act])
    done, refused = _each(request, act, chosen)
    said = f"{done} case{'' if done == 1 else 's'} {act.said}."
    if not refused:
        messages.success(request, said)
        return HttpResponseRedirect(_back(request))
    return _show(request, refused, [], said=said if done else "Nothing was done.")


def _show(request: HttpRequest, lines: list[Refused], problems: list[Problem], *, said: str = "") -> HttpResponse:
    """Show what was not done, with the same bar below it and what was typed."""
    shown = {
        "lines": lines,
        "problems": problems,
        "said": said,
        "people": people(desk.colleagues(asking.actor_of(request))),
        "typed": request.POST,
        "back": _back(request),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.CONFLICT
    return render(request, "cases/several.html", shown, status=status)


def people(found: list[desk.Colleague]) -> list[tuple[str, str]]:
    """Return the colleagues of one's teams by name, each once."""
    return sorted({str(each.user_id): each.name for each in found}.items(), key=lambda each: each[1])
