"""One act on several cases of a list: each is locked, judged and recorded by itself, as if it were done on its page.
What is asked of a whole view is shown with its number first, and is work in the background where it is large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cases.kernel import holdkinds, policy
from cases.kernel.background import several as acts
from cases.kernel.background.several import Wish
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.models import Case, User
from cases.kernel.outputs import caselists
from cases.kernel.reading import desk
from cases.kernel.reading.worklist import Filters
from cases.web import addresses, asking, cursors, stepup
from cases.web.desk import filters, rows
from cases.web.onecase.documents import table
from cases.web.refusals import Problem, screen, status_of

__all__ = ["case_list", "offered", "people", "several"]

NOBODY = "nobody"
LIST = "list"
NOT_YOURS = "One of the cases is not there any more, or is not yours to see."
# What is shown of an act before it is done to all of a view; the number stands before it.
BUTTONS = {"give": "Give", "put_aside": "Put aside", "hold": "Hold", LIST: "List"}


@dataclass(frozen=True, kw_only=True)
class Picked:
    """A case that was ticked, and who had it on the page where it was."""

    uid: UUID
    holder: int | None


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


def _give(request: HttpRequest) -> Wish | Problem:
    to = request.POST.get("to", "")
    user = User.objects.filter(pk=int(to)).first() if to.isdecimal() and len(to) < 10 else None
    if user is None and to != NOBODY:
        return Problem(sentence="Choose to whom the cases go.", anchor="several-to")
    return Wish(act="give", values={"to": user.pk if user else None})


def _put_aside(request: HttpRequest) -> Wish | Problem:
    until, reason = _day(request, "until"), request.POST.get("reason", "")
    if until is None:
        return Problem(sentence="Choose the day on which the cases come back.", anchor="several-until")
    if not reason.strip():
        return Problem(sentence="Say why the cases are put aside.", anchor="several-reason")
    return Wish(act="put_aside", values={"until": until.isoformat()}, reason=reason)


def _hold(request: HttpRequest) -> Wish | Problem:
    kind, source, reason = (request.POST.get(name, "") for name in ("hold", "source", "hold_reason"))
    ends = _day(request, "ends")
    if kind not in acts.HOLDS:
        return Problem(sentence="Choose what kind of hold it is.", anchor="several-hold")
    if source not in holdkinds.SOURCES:
        return Problem(sentence="Choose who asked for the hold.", anchor="several-source")
    if request.POST.get("ends") and ends is None:
        return Problem(sentence="Choose the last day of the hold, or none.", anchor="several-ends")
    if not reason.strip():
        return Problem(sentence="Say why the cases are held.", anchor="several-hold-reason")
    values = {"kind": kind, "source": source, "ends": ends.isoformat() if ends else ""}
    return Wish(act="hold", values=values, reason=reason)


def _list(request: HttpRequest) -> Wish | Problem:
    reason = request.POST.get("list_reason", "")
    if not reason.strip():
        return Problem(sentence="Say what the list is for.", anchor="several-list-reason")
    return Wish(act=LIST, reason=reason)


def _day(request: HttpRequest, name: str) -> date | None:
    try:
        return date.fromisoformat(request.POST.get(name, ""))
    except ValueError:
        return None


ACTS: dict[str, Callable[[HttpRequest], Wish | Problem]] = {
    "give": _give,
    "put_aside": _put_aside,
    "hold": _hold,
    LIST: _list,
}


def offered() -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the choices of the bar beside the colleagues."""
    return {
        "hold_kinds": tuple((code, holdkinds.KINDS[code].label) for code in acts.HOLDS),
        "hold_sources": tuple(holdkinds.SOURCES.items()),
    }


def _each(request: HttpRequest, wish: Wish, chosen: list[Picked]) -> tuple[int, list[Refused]]:
    """Do it to one case after the other, each in a transaction of its own; what is refused leaves nothing."""
    actor, info = asking.actor_of(request), asking.info(request)
    done, refused = 0, []
    for picked in chosen:
        case, sentence = _seen(request, picked), NOT_YOURS
        if case is not None:
            try:
                acts.do(case, wish, was=picked.holder, actor=actor, at=asking.now(), request=info)
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
    """Do one act to the ticked cases, or to all of the view: give them to a colleague or to nobody, put them aside,
    hold them, or have them as a list. Writes what the page of each case would: one event for each. Says how many were
    done, and of each that was not why."""
    found = {picked.uid: picked for text in request.POST.getlist("case") if (picked := _picked(text))}
    chosen = list(found.values())
    wish = ACTS.get(request.POST.get("act", ""), _give)(request)
    if "all" in request.POST:
        return _whole_view(request, wish, chosen)
    if not chosen:
        wish = Problem(sentence="Tick the cases that are meant.")
    elif len(chosen) > acts.MOST:
        wish = Problem(sentence=f"At most {acts.MOST} cases at once.")
    return _refuse(request, wish, chosen) if isinstance(wish, Problem) else _done(request, wish, chosen)


def _refuse(request: HttpRequest, problem: Problem, chosen: list[Picked], *, status: int = 422) -> HttpResponse:
    ticked = [_line(_seen(request, each), each, "") for each in chosen[: acts.MOST]]
    return _show(request, [line for line in ticked if line.pick], [problem], status=status)


def _done(request: HttpRequest, wish: Wish, chosen: list[Picked]) -> HttpResponse:
    if wish.act == LIST:
        return _have_listed(request, [each.uid for each in chosen], wish.reason, chosen)
    done, refused = _each(request, wish, chosen)
    said = f"{done} case{'' if done == 1 else 's'} {acts.said(wish)}."
    if not refused:
        messages.success(request, said)
        return HttpResponseRedirect(_back(request))
    return _show(request, refused, [], said=said if done else "Nothing was done.", status=HTTPStatus.CONFLICT)


# All of a view


def _whole_view(request: HttpRequest, wish: Wish | Problem, ticked: list[Picked]) -> HttpResponse:
    """Say to how many cases it would be done, and why it is asked for; once that is said, do it."""
    if isinstance(wish, Problem):
        return _refuse(request, wish, ticked)
    asked, as_of = _view(request)
    actor, most = asking.actor_of(request), _at_most(wish)
    found = acts.of_view(actor, asked, as_of=as_of).order_by("pk")
    count = found[: most + 1].count()
    if not 1 <= count <= most:
        few = "Nothing in this view is done like this: what is restricted is ticked case by case."
        many = f"This is done to at most {most:,} cases at once. Narrow the view by its filters."
        return _refuse(request, Problem(sentence=few if not count else many), ticked)
    reason = request.POST.get("why", wish.reason)
    is_sure = "sure" in request.POST
    if not is_sure or not reason.strip():
        return _ask(request, wish, count, as_of, reason, is_faulty=is_sure)
    wish = Wish(act=wish.act, values=wish.values, reason=reason)
    if wish.act in acts.OF_VIEW and count > acts.MOST:
        info = asking.info(request)
        job = acts.start(wish, asked, count=count, as_of=as_of, actor=actor, at=asking.now(), request=info)
        messages.success(request, "It is done in the background, one case after the other.")
        return redirect("web:job", job=job.uid)
    pairs = found.values_list("uid", "assignee_id")
    return _done(request, wish, [Picked(uid=uid, holder=holder) for uid, holder in pairs])


def _at_most(wish: Wish) -> int:
    if wish.act == LIST:
        return caselists.AT_MOST
    return acts.MANY if wish.act in acts.OF_VIEW else acts.MOST


def _view(request: HttpRequest) -> tuple[Filters, datetime]:
    """Return what the list asked for that the bar stood under, and when it was drawn."""
    at = asking.now()
    try:
        drawn = cursors.moment(request.POST.get("as_of", "")) or at
    except ValueError:
        drawn = at
    as_of = min(drawn, at)
    asked, _ = filters.read(QueryDict(_back(request).partition("?")[2]), actor=asking.actor_of(request), at=as_of)
    return asked, as_of


def _ask(
    request: HttpRequest, wish: Wish, count: int, as_of: datetime, reason: str, *, is_faulty: bool
) -> HttpResponse:
    """Show what would be done to how many, before anything is."""
    given = [(name, text) for name, texts in request.POST.lists() for text in texts]
    left_out = {"csrfmiddlewaretoken", "case", "why", "sure", "as_of"}
    shown = {
        "count": count,
        "number": f"{count:,}",
        "said": "in a list that you can fetch as a file" if wish.act == LIST else acts.said(wish),
        "button": BUTTONS[wish.act],
        "kept": [(name, text) for name, text in given if name not in left_out],
        "as_of": as_of,
        "reason": reason,
        "is_later": wish.act in acts.OF_VIEW and count > acts.MOST,
        "by_two": wish.act == LIST and count > caselists.ALONE,
        "problems": [Problem(sentence="Say why this is done to all of them.", anchor="why")] if is_faulty else [],
        "back": _back(request),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if is_faulty else HTTPStatus.OK
    return render(request, "cases/several_all.html", shown, status=status)


# A list as a file


def _have_listed(request: HttpRequest, uids: list[UUID], reason: str, ticked: list[Picked]) -> HttpResponse:
    """Put a list on record, and lead to where it is fetched; a long one asks for the second factor first."""
    if len(uids) > caselists.ALONE and (answer := stepup.require(request)) is not None:
        return answer
    actor, info = asking.actor_of(request), asking.info(request)
    try:
        row = caselists.ask(uids, actor=actor, at=asking.now(), reason=reason, request=info)
    except NotAllowed:
        raise
    except CaseError as error:
        return _refuse(request, Problem(sentence=str(error)), ticked, status=status_of(error))
    return redirect("web:change", uid=row.uid)


@screen
@require_GET
@never_cache
def case_list(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Hand out a list to whoever asked for it, within seven days; that is on record with every case it names."""
    actor = asking.actor_of(request)
    row, lines = caselists.rows_of(uid, actor=actor, at=asking.now(), request_id=asking.request_id(request))
    return table(lines, f"cases-{row.made_at:%Y-%m-%d}.csv")


def _show(
    request: HttpRequest,
    lines: list[Refused],
    problems: list[Problem],
    *,
    said: str = "",
    status: int,
) -> HttpResponse:
    """Show what was not done, with the same bar below it and what was typed."""
    shown = {
        "lines": lines,
        "problems": problems,
        "said": said,
        "people": people(desk.colleagues(asking.actor_of(request))),
        **offered(),
        "typed": request.POST,
        "is_all": "all" in request.POST,
        "back": _back(request),
    }
    return render(request, "cases/several.html", shown, status=status)


def people(found: list[desk.Colleague]) -> tuple[tuple[str, str], ...]:
    """Return the colleagues of one's teams by name, each once."""
    return tuple(sorted({str(each.user_id): each.name for each in found}.items(), key=lambda each: each[1]))
