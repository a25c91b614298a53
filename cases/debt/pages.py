"""The batches: which accounts were put together for which agency, what was stopped and why, and their release."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.accounts import reading, uploads
from cases.accounts.models import AccountUpload
from cases.debt import batches, figures, gate, guards, limitation, performance, recalling, remitting, rules, unfinished
from cases.debt.batches import KIND
from cases.debt.forms import BatchForm
from cases.debt.models import Placement, PlacementBatch, Remittance
from cases.kernel import calendars, holds, policy
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.models import Hold, Job
from cases.kernel.reading.paging import Sort, paged
from cases.web import asking, cursors
from cases.web.onecase.uploads import FORM_BYTES, PackedHandler
from cases.web.refusals import Problem, form_problems, problem, screen, status_of

__all__ = ["urlpatterns"]

NEWEST, PAGE, RECALLS = 50, 50, 5
LARGEST_MB, MEGABYTE = 64, 1024 * 1024
FAULTS = 150  # on a page; more than a line has columns, so that each page ends with a whole line
TOO_LARGE = f"The file is larger than {LARGEST_MB} MB, or your browser did not say how large. Nothing was kept."
BY_TIME = Sort(label="Told", column="told_at", is_descending=True)
BY_NUMBER = Sort(label="Line", column="number")


@screen
@require_http_methods(["GET", "POST"])
def debt_batches(request: HttpRequest) -> HttpResponse:
    """List the newest batches; choose accounts for a new one."""
    actor = asking.actor_of(request)
    policy.require(actor, rules.VIEW_BATCHES, kind=KIND)
    if request.method != "POST":
        return _list(request, BatchForm())
    policy.require(actor, rules.BUILD, kind=KIND)
    form = BatchForm(request.POST)
    if not form.is_valid():
        return _list(request, form, form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        batch = batches.build(
            form.cleaned_data["accounts"],
            agency_code=form.cleaned_data["agency"],
            commission_rate=form.cleaned_data["commission"],
            actor=actor,
            at=asking.now(),
            request=asking.info(request),
        )
    except CaseError as refusal:
        return _list(request, form, [Problem(sentence=str(refusal), anchor="id_accounts")], status_of(refusal))
    return redirect("web:debt_batch", uid=batch.uid)


def _list(
    request: HttpRequest, form: BatchForm, problems: list[Problem] | None = None, status: int = HTTPStatus.OK
) -> HttpResponse:
    rows = PlacementBatch.objects.select_related("agency", "built_by", "released_by").order_by("-built_at", "-pk")
    actor = asking.actor_of(request)
    shown = {
        "rows": list(rows[:NEWEST]),
        "form": form,
        "may_build": policy.can(actor, rules.BUILD, kind=KIND).is_allowed,
        "recalls": list(jobs.visible_to(actor).filter(kind=recalling.JOB).order_by("-pk")[:RECALLS]),
        "recall_at": _entering(recalling.RECALL, "", actor),
        "agreed": _agreed(calendars.london_date(asking.now()), actor),
        "problems": problems or [],
    }
    return render(request, "cases/debt/batches.html", shown, status=status)


def _agreed(today: date, actor: Actor) -> list[dict[str, str]]:
    """Return what counts on a day of each agency, and of VAT, by which source, and what comes. Three queries."""
    known, house = figures.by_agency(), _settles(limitation.limit("settlement_authority"))
    vat = _now(figures.versions(figures.VAT), today, lambda value: f"{value / 100:g} %")
    rows = [{"name": "VAT on commission", "link": _entering("vat_rate", "", actor), **vat}]
    for agency in batches.agencies():
        own = _now(known.get(agency.pk, []), today, _settles)
        link = _entering(figures.AUTHORITY, f"?agency={agency.code}", actor)
        rows.append({"name": agency.display_name, "link": link, **own, "now": own["now"] or house})
    return rows


def _settles(percent: int) -> str:
    return f"Settles by itself from {percent} % of what is owed"


def _now(known: list[figures.Figure], today: date, words: Callable[[int], str]) -> dict[str, str]:
    begun = [each for each in known if each.effective_from <= today][-1:]
    coming = [each for each in known if each.effective_from > today][:1]
    return {
        "now": "".join(words(each.value) for each in begun),
        "source": "".join(f"{each.source}; since {each.effective_from:%-d %B %Y}" for each in begun),
        "coming": "".join(f"{words(each.value)} from {each.effective_from:%-d %B %Y}" for each in coming),
    }


def _entering(kind: str, of: str, actor: Actor) -> str:
    """Return where this person enters another number, or nothing."""
    may = policy.can(actor, f"propose.{kind}").is_allowed
    return f"{reverse('web:propose', args=[kind])}{of}" if may else ""


@screen
@require_GET
def debt_batch(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show one batch: how far its work is, what is owed, and where each account stands, page by page."""
    policy.require(asking.actor_of(request), rules.VIEW_BATCHES, kind=KIND)
    batch = _found(uid)
    if batch is None:
        return problem(request, HTTPStatus.NOT_FOUND)
    return _one(request, batch)


def _found(uid: UUID) -> PlacementBatch | None:
    rows = PlacementBatch.objects.select_related("agency", "built_by", "released_by")
    return rows.filter(uid=uid).first()


def _one(
    request: HttpRequest,
    batch: PlacementBatch,
    *,
    problems: list[Problem] | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    actor = asking.actor_of(request)
    (counted, hidden, held), work = _counted(batch, actor), batches.work_of(batch)
    waiting = counted.get("in_batch", (0, 0))[0]
    kept = [counts for state, counts in counted.items() if state not in {"selected", "excluded"}]
    states = {state.code: state for state in rules.LIFECYCLE.all_states}
    asked = request.GET.get("state", "")
    lines, after = _lines(batch, actor, asked if asked in counted else "", _number(request.GET.get("after", "")))
    today = calendars.london_date(asking.now())
    years = limitation.years_on(today, limitation.RULES)
    periods = {row.pk: limitation.of_account(row.account, years=years) for row in lines}
    shown = {
        "batch": batch,
        "commission": f"{batch.commission_rate / 100:g} %",
        "lines": [
            {"row": row, "state": states[row.case.state], "why": _stops(row), **_in_time(periods[row.pk], row, today)}
            if row.is_seen
            else {}
            for row in lines
        ],
        "states": [
            {"state": state, "count": counted[code][0], "owed": counted[code][1], "is_current": code == asked}
            for code, state in states.items()
            if code in counted
        ],
        "asked": asked if asked in counted else "",
        "after": after,
        "total": sum(owed for _, owed in kept),
        "count": sum(count for count, _ in kept),
        "looked_at": hidden + sum(count for count, _ in counted.values()),
        "hidden": hidden,
        "held": held,
        "went_nowhere": bool(batch.released_at and work and work.is_over) and not (kept or hidden),
        "waiting": waiting,
        "recall_at": _entering(recalling.RECALL, f"?batch={batch.reference}", actor)
        if counted.keys() & {"sent", "active"}
        else "",
        "problems": problems or [],
    }
    acts = _work_on(batch, work, actor) | _release_of(batch, actor, has_lines=bool(waiting or hidden))
    return render(request, "cases/debt/batch.html", shown | acts, status=status)


def _work_on(batch: PlacementBatch, work: Job | None, actor: Actor) -> dict[str, Any]:
    """How far the newest work on a batch is, and whether this person may have it go on."""
    is_own_release = batch.built_by_id == actor.user_id and bool(batch.released_at)
    return {
        "work": work,
        "may_go_on": batches.may_go_on(work, actor) and not is_own_release,
        "whys": [jobs.reason(work, code) for code in unfinished.failures(work)] if work and work.is_over else [],
        "is_asker": work is not None and work.asked_by_id == actor.user_id,
    }


def _release_of(batch: PlacementBatch, actor: Actor, *, has_lines: bool) -> dict[str, Any]:
    """Whether this person may release a batch, or would if they had not built it themselves."""
    may = policy.can(actor, rules.RELEASE, kind=KIND).is_allowed and batch.released_at is None and has_lines
    own = batch.built_by_id == actor.user_id
    return {
        "digest": batches.digest_of(batch),
        "may_release": may and not own and bool(batch.digest),
        "is_own": may and own,
    }


def _is_seen(actor: Actor) -> Exists:
    """Return the condition of a row of an outer query whose case this person may know of."""
    return Exists(policy.visible_to(actor).filter(pk=OuterRef("case_id")))


def _in_force() -> QuerySet[Hold]:
    """Return the holds in force that stop placing the case of a row of an outer query."""
    return Hold.objects.filter(holds.in_force(), case=OuterRef("case_id"), blocks__contains=[gate.PLACE])


def _stops(row: Any) -> str:
    """Return what stopped an account when it was looked at last, and which holds of its case stop it now."""
    return guards.in_words(list(dict.fromkeys([*row.stopped_by, *gate.codes_of_holds(row.held_as)])))


def _in_time(period: limitation.Period | None, row: Any, today: date) -> dict[str, str]:
    """Return in words until when a debt can be enforced, where that stops it or is near."""
    if period is None or not ("out_of_time" in row.stopped_by or period.is_near(today)):
        return {}
    return {"in_time": period.in_words(today)}


def _counted(batch: PlacementBatch, actor: Actor) -> tuple[dict[str, tuple[int, int]], int, int]:
    """Return how many accounts of a batch that this person may see stand in each state with what is owed on them, in
    pence; how many are not theirs to see: of those no state and no sum is told; and how many of the first wait for the
    release though a hold of their case stops it. One query."""
    seen = {"is_seen": _is_seen(actor), "is_held": Exists(_in_force())}
    rows = Placement.objects.filter(batch=batch).annotate(**seen).values("case__state", *seen)
    counted: dict[str, tuple[int, int]] = {}
    hidden = held = 0
    for row in rows.order_by().annotate(count=Count("pk"), owed=Sum("balance_pence")):
        if not row["is_seen"]:
            hidden += row["count"]
            continue
        count, owed = counted.get(row["case__state"], (0, 0))
        counted[row["case__state"]] = (count + row["count"], owed + row["owed"])
        held += row["count"] if row["is_held"] and row["case__state"] == "in_batch" else 0
    return counted, hidden, held


def _lines(batch: PlacementBatch, actor: Actor, state: str, after: int) -> tuple[list[Any], int]:
    """Return one page of accounts of a batch, each with whether this person may know of its case, and after which the
    next begins, if there is one. In one state stand only those that may be known of. One query."""
    rows = Placement.objects.filter(batch=batch, pk__gt=after).select_related("case", "account").order_by("pk")
    rows = rows.annotate(is_seen=_is_seen(actor), held_as=ArraySubquery(_in_force().values("kind")))
    page = list((rows.filter(case__state=state, is_seen=True) if state else rows)[: PAGE + 1])
    return page[:PAGE], page[PAGE - 1].pk if len(page) > PAGE else 0


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0


@screen
@require_POST
def release_batch(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Release a batch: in the background the gate is asked again, and the rest goes to the agency."""
    actor = asking.actor_of(request)
    policy.require(actor, rules.RELEASE, kind=KIND)
    batch = _found(uid)
    if batch is None:
        return problem(request, HTTPStatus.NOT_FOUND)
    try:
        batches.release(
            batch,
            digest=str(request.POST.get("digest") or ""),
            actor=actor,
            at=asking.now(),
            request=asking.info(request),
        )
    except CaseError as refusal:
        return _one(request, batch, problems=[Problem(sentence=str(refusal))], status=status_of(refusal))
    return redirect("web:debt_batch", uid=batch.uid)


@screen
@require_POST
def go_on_with_batch(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Go on with what of a batch was not built, or not released, in one's own name."""
    actor = asking.actor_of(request)
    may_release = policy.can(actor, rules.RELEASE, kind=KIND).is_allowed
    policy.require(actor, rules.RELEASE if may_release else rules.BUILD, kind=KIND)
    batch = _found(uid)
    if batch is None:
        return problem(request, HTTPStatus.NOT_FOUND)
    digest = str(request.POST.get("digest") or "")
    try:
        batches.go_on(batch, digest=digest, actor=actor, at=asking.now(), request=asking.info(request))
    except NotAllowed:
        raise
    except CaseError as refusal:
        return _one(request, batch, problems=[Problem(sentence=str(refusal))], status=status_of(refusal))
    return redirect("web:debt_batch", uid=batch.uid)


@screen
@require_GET
def debt_performance(request: HttpRequest) -> HttpResponse:
    """Show how each recovery agency does, tier by tier, with what it was handed in the months that are asked for."""
    policy.require(asking.actor_of(request), rules.VIEW_BATCHES, kind=KIND)
    spans = {str(months): months for months in performance.SPANS}
    months = spans.get(request.GET.get("months", ""), performance.SPANS[0])
    rows = performance.of_agencies(months=months, at=asking.now())
    shown = {
        "rows": [{"line": row, "rates": [_percent(rate) for rate in row.rates]} for row in rows],
        "months": months,
        "spans": performance.SPANS,
        "vintages": performance.VINTAGES,
    }
    return render(request, "cases/debt/performance.html", shown)


def _percent(rate: int | None) -> str:
    return "" if rate is None else f"{rate // 10}.{rate % 10} %"


@screen
@require_GET
def debt_remittances(request: HttpRequest) -> HttpResponse:
    """List what agencies said they collected, the newest first, with what of it was booked."""
    policy.require(asking.actor_of(request), rules.VIEW_BATCHES, kind=KIND)
    page = paged(remitting.remittances(), BY_TIME, cursors.read(request.GET, cursors.moment))
    sums = {row.pk: row for row in remitting.listed().filter(pk__in=[row.pk for row in page.rows])}
    here = reverse("web:debt_remittances")
    shown = {
        "rows": [sums[row.pk] for row in page.rows],
        "outcomes": remitting.WORDS,
        **cursors.neighbours(here, request.GET, page),
    }
    return render(request, "cases/debt/remittances.html", shown)


@screen
@require_GET
def debt_remittance(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show one remittance line by line: what was said, agreed and booked, and by how much they differ."""
    policy.require(asking.actor_of(request), rules.VIEW_BATCHES, kind=KIND)
    return _remittance(request, uid)


def _remittance(
    request: HttpRequest, uid: UUID, *, problems: list[Problem] | None = None, status: int = HTTPStatus.OK
) -> HttpResponse:
    row = remitting.listed().filter(uid=uid).first()
    if row is None:
        return problem(request, HTTPStatus.NOT_FOUND)
    actor = asking.actor_of(request)
    is_all = request.GET.get("view") == "all" or not row.wrong_count
    lines = remitting.lines_of(row, actor).order_by("number")
    page = paged(
        lines if is_all else lines.exclude(Q(why="") | Q(is_seen=False)), BY_NUMBER, cursors.read(request.GET, int)
    )
    here = reverse("web:debt_remittance", args=[uid])
    shown = {
        "remittance": row,
        "lines": [{"row": line, "why": remitting.WHYS.get(line.why, "")} for line in page.rows],
        "is_all": is_all,
        "outcome": remitting.WORDS.get(row.outcome, ""),
        "may_close": row.closed_at is None
        and bool(row.wrong_count)
        and policy.can(actor, remitting.CLOSE, kind=KIND).is_allowed,
        "outcomes": remitting.OUTCOMES.items(),
        "problems": problems or [],
        **cursors.neighbours(here, request.GET, page),
    }
    return render(request, "cases/debt/remittance.html", shown, status=status)


@screen
@require_POST
def close_remittance(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Say what becomes of what differs."""
    actor = asking.actor_of(request)
    policy.require(actor, remitting.CLOSE, kind=KIND)
    outcome = str(request.POST.get("outcome") or "")
    try:
        remitting.close(uid, outcome, actor=actor, at=asking.now(), request=asking.info(request))
    except Remittance.DoesNotExist:
        return problem(request, HTTPStatus.NOT_FOUND)
    except CaseError as refusal:
        problems = [Problem(sentence=str(refusal), anchor="outcome")]
        return _remittance(request, uid, problems=problems, status=status_of(refusal))
    return redirect("web:debt_remittance", uid=uid)


class AccountsForm(forms.Form):
    """One file of accounts. It is read where it is taken out of the form."""

    accounts = forms.FileField(
        label="CSV file",
        help_text=f"UTF-8, with a heading. It has to have: {', '.join(reading.needed())}. At most "
        f"{LARGEST_MB} MB, a hundred thousand rows and more. The same file twice changes nothing.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )


@screen
@require_http_methods(["GET", "POST"])
@csrf_exempt  # until the file has somewhere to go to: the check reads the form, and with it the file
def debt_accounts(request: HttpRequest) -> HttpResponse:
    """List the newest files of accounts and what became of each; take one in."""
    actor = asking.actor_of(request)
    policy.require(actor, rules.VIEW_BATCHES, kind=KIND)
    if request.method != "POST":
        return _files(request)
    policy.require(actor, uploads.ACT)
    length = str(request.META.get("CONTENT_LENGTH") or "")
    if not length.isdecimal() or int(length) > LARGEST_MB * MEGABYTE + FORM_BYTES:
        return _files(request, TOO_LARGE, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    handler = PackedHandler("accounts", most=LARGEST_MB * MEGABYTE)
    request.upload_handlers = [handler]
    return _take(request, handler)


@csrf_protect
def _take(request: HttpRequest, handler: PackedHandler) -> HttpResponse:
    request.FILES  # noqa: B018 -- reads what the check of the token may not have read
    if handler.too_large or not handler.is_whole:
        said, status = (TOO_LARGE, 413) if handler.too_large else ("Choose a file.", 422)
        return _files(request, said, status)
    said_by: dict[str, Any] = {"actor": asking.actor_of(request), "at": asking.now(), "request": asking.info(request)}
    try:
        upload, _, is_new = uploads.take(handler.chunks(), **said_by)
    except uploads.FileUnreadable as refusal:
        return _files(request, str(refusal), status_of(refusal))
    if not is_new:
        messages.info(request, "This very file came before: it changes nothing.")
    return redirect("web:debt_accounts_file", uid=upload.uid)


def _files(request: HttpRequest, refusal: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
    rows = list(AccountUpload.objects.select_related("given_by").order_by("-pk")[:NEWEST])
    work = {job.key: job for job in Job.objects.filter(kind=uploads.ACT, key__in=[str(row.uid) for row in rows])}
    may = policy.can(asking.actor_of(request), uploads.ACT).is_allowed
    shown = {
        "rows": [{"file": row, "job": work.get(str(row.uid))} for row in rows],
        "form": AccountsForm() if may else None,
        "problems": [Problem(sentence=refusal, anchor="id_accounts")] if refusal else [],
    }
    return render(request, "cases/debt/accounts.html", shown, status=status)


@screen
@require_GET
def debt_accounts_file(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show what became of one file: how far it is, how many rows went in, and each that did not, with its reason."""
    actor = asking.actor_of(request)
    policy.require(actor, rules.VIEW_BATCHES, kind=KIND)
    row = AccountUpload.objects.select_related("given_by").filter(uid=uid).first()
    if row is None:
        return problem(request, HTTPStatus.NOT_FOUND)
    after = _number(request.GET.get("after", ""))
    job = Job.objects.filter(kind=uploads.ACT, key=str(row.uid)).first()
    faults = uploads.faults(row, after=after, most=FAULTS)
    lines = [line for line, _, _ in faults]
    is_cut = len(faults) == FAULTS
    last = max((line for line in lines if line < lines[-1]), default=lines[-1]) if is_cut else 0
    shown = {
        "file": row,
        "job": job,
        "is_mine": job is not None and jobs.visible_to(actor).filter(pk=job.pk).exists(),
        "faults": [fault for fault in faults if not is_cut or fault[0] <= last],
        "after": last,
    }
    return render(request, "cases/debt/accounts_file.html", shown)


urlpatterns = [
    path("debt/accounts/", debt_accounts, name="debt_accounts"),
    path("debt/accounts/<uuid:uid>/", debt_accounts_file, name="debt_accounts_file"),
    path("debt/batches/", debt_batches, name="debt_batches"),
    path("debt/performance/", debt_performance, name="debt_performance"),
    path("debt/remittances/", debt_remittances, name="debt_remittances"),
    path("debt/remittances/<uuid:uid>/", debt_remittance, name="debt_remittance"),
    path("debt/remittances/<uuid:uid>/close/", close_remittance, name="close_remittance"),
    path("debt/batches/<uuid:uid>/", debt_batch, name="debt_batch"),
    path("debt/batches/<uuid:uid>/release/", release_batch, name="release_batch"),
    path("debt/batches/<uuid:uid>/go-on/", go_on_with_batch, name="go_on_with_batch"),
]
