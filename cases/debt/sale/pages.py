"""The pages of a sale: its accounts and what keeps whom out; its tapes and bids; one account and its title."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cases.debt.sale import bids, codes, exclusions, forms, lines, looking, notices, prices, tapes
from cases.debt.sale.models import DebtSaleAccount, SaleNotice, SaleTape
from cases.kernel import locks, policy
from cases.kernel.actors import Actor
from cases.kernel.models import Case, Job
from cases.kernel.reading import queries
from cases.kernel.reading.queries import CaseFile
from cases.ledger import sealing
from cases.web import asking
from cases.web.onecase import casepage
from cases.web.onecase.documents import attachment
from cases.web.refusals import Problem, form_problems, screen, status_of

__all__ = ["urlpatterns"]

KIND = "debt_sale"
PAGE = 25
LONGEST = 60  # of what an account is sought by


def _file(actor: Actor, uid: UUID) -> CaseFile:
    """Return a sale that this person may see. Raises NotVisible; Http404 for another kind of case."""
    file = queries.case_file(actor, uid)
    if file.case.kind != KIND:
        raise Http404
    return file


@screen
@require_GET
@never_cache
def sale_accounts(request: HttpRequest, uid: UUID) -> HttpResponse:
    """List the accounts of a sale; those in one state, or that one rule keeps out."""
    return _show(request, _file(asking.actor_of(request), uid))


def _show(
    request: HttpRequest,
    file: CaseFile,
    *,
    typed: str = "",
    problems: list[Problem] | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    actor, case = asking.actor_of(request), file.case
    if not (why := casepage.purpose_of(request, file, actor)):
        return casepage.ask_purpose(request, case)
    sale = case.debt_sale
    state, rule = _among(request, "state", codes.LINES), _among(request, "rule", exclusions.SENTENCES)
    rows = sale.lines.order_by("number").filter(number__gt=_after(request))
    rows = rows.filter(state=state) if state else rows
    rows = rows.filter(state="excluded", stopped_by__contains=[rule]) if rule else rows
    page = list(rows.select_related("account")[: PAGE + 1])
    shown = page[:PAGE]
    look = looking.newest(sale)
    more = urlencode({**({"state": state} if state else {}), **({"rule": rule} if rule else {})})
    context = casepage.header(file, "sale_accounts", actor) | {
        "lines": _lines(request, case, shown, why),
        "states": [
            {"code": code, "label": codes.LINES[code][0], "count": count, "owed": owed, "is_current": code == state}
            for code, (count, owed) in looking.by_state(sale).items()
        ],
        "rules": [
            {"code": code, "label": exclusions.in_words([code]), "count": count, "is_current": code == rule}
            for code, count in looking.by_rule(sale).items()
        ],
        "after": shown[-1].number if len(page) > PAGE else 0,
        "asked": more,
        "look": look,
        "job": _job(actor, case, look),
        "may_look": policy.can(actor, looking.ACT, case=case).is_allowed and case.state in codes.LOOKED_AT_IN,
        "typed": typed,
        "longest": LONGEST,
        "problems": problems or [],
    }
    return render(request, "cases/debt/sale/accounts.html", context, status=status)


def _among(request: HttpRequest, name: str, known: Any) -> str:
    given = request.GET.get(name, "")
    return given if given in known else ""


def _after(request: HttpRequest) -> int:
    given = request.GET.get("after", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0


def _job(actor: Actor, case: Case, look: Any) -> Job | None:
    """Return the work of the newest look, for whoever asked for it."""
    if look is None or look.ended_at is not None or look.asked_by_id != actor.user_id:
        return None
    return Job.objects.filter(kind=looking.KIND.code, key=f"{case.uid}:{look.number}").first()


def _lines(request: HttpRequest, case: Case, rows: list[DebtSaleAccount], why: str) -> list[dict[str, Any]]:
    """Return each line in words; the number of its account for whoever may have sealed values shown, on record."""
    numbers: list[str] = [""] * len(rows)
    if rows and policy.can(asking.actor_of(request), "reveal", case=case).is_allowed:
        reader = asking.reader(request, "list", why, case.uid, fields=("account",))
        accounts = [row.account for row in rows]
        opened = sealing.open_rows(accounts, ["number"], reader=reader, at=asking.now())
        numbers = [each["number"] or "" for each in opened]
    return [
        {
            "row": row,
            "account": number,
            "label": codes.LINES[row.state][0],
            "tone": codes.LINES[row.state][1],
            "why": [exclusions.in_words([code]) for code in row.stopped_by],
        }
        for row, number in zip(rows, numbers, strict=True)
    ]


@screen
@require_POST
@never_cache
def sale_find(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Go to the page of one account: by its number, however it is written, or by the reference that the buyer has of
    it. What is typed stands in no address. An account of another sale that this person may see is named."""
    actor = asking.actor_of(request)
    file = _file(actor, uid)
    if not casepage.purpose_of(request, file, actor):
        return casepage.ask_purpose(request, file.case)
    typed = str(request.POST.get("account") or "").strip()[:LONGEST]
    found = lines.find(typed, actor=actor) if typed else []
    here = next((line for line in found if line.sale_id == file.case.pk), None)
    if here is not None:
        return redirect("web:sale_line", uid=uid, number=here.number)
    elsewhere = "".join(f" It stands in {line.sale.case.reference}, line {line.number}." for line in found)
    said = "No account of this sale is called so." + elsewhere if typed else "Type the number of an account."
    problems = [Problem(sentence=said, anchor="id_account")]
    return _show(request, file, typed=typed, problems=problems, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@screen
@require_POST
def sale_look(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Have the accounts looked at, in the background."""
    actor = asking.actor_of(request)
    file = _file(actor, uid)
    try:
        looking.ask(file.case, actor=actor, at=asking.now(), request=asking.info(request))
    except looking.LookRefused as refusal:
        return _show(request, file, problems=[Problem(sentence=str(refusal))], status=status_of(refusal))
    messages.success(request, "The accounts are being looked at. You may leave this page.")
    return redirect("web:sale_accounts", uid=uid)


SHOWN = 25


@screen
@require_GET
@never_cache
def sale_tapes(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show the tapes of a sale, the first lines of what bidders see, and the bids."""
    return _show_tapes(request, _file(asking.actor_of(request), uid))


def _show_tapes(
    request: HttpRequest,
    file: CaseFile,
    *,
    form: forms.BidForm | None = None,
    problems: list[Problem] | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    actor, case = asking.actor_of(request), file.case
    if case.is_erased:
        raise locks.CaseErased(case)
    if not (why := casepage.purpose_of(request, file, actor)):
        return casepage.ask_purpose(request, case)
    sale = case.debt_sale
    rows = list(sale.tapes.select_related("asked_by").order_by("-number"))
    sample = next((row for row in rows if row.kind == "bid" and row.made_at and not row.erased_at), None)
    may_bid = policy.can(actor, bids.ACT, case=case).is_allowed and case.state == "bidding"
    last = rows[0] if rows else None
    is_being_made = last is not None and not last.made_at and looking.is_running(tapes.ACT, case, last.number)
    context = casepage.header(file, "sale_tapes", actor) | {
        "tapes": rows,
        "sample": _sample(request, case, sample, why) if sample else [],
        "columns": list(tapes.BID),
        "bids": [
            {"row": row, "rate": prices.in_words(row.rate)}
            for row in sale.bids.select_related("agency", "noted_by").order_by("-rate", "number")
        ],
        "makes": tapes.MADE_IN.get(case.state, "") if policy.can(actor, tapes.ACT, case=case).is_allowed else "",
        "is_being_made": is_being_made,
        "form": (form or forms.BidForm(case=case)) if may_bid else None,
        "problems": problems or [],
    }
    return render(request, "cases/debt/sale/tapes.html", context, status=status)


def _sample(request: HttpRequest, case: Case, tape: SaleTape, why: str) -> list[list[str]]:
    """Return the first lines of a bid tape, for whoever checks that it names nobody. On record."""
    reader = asking.reader(request, "list", why, case.uid, fields=("bid_tape",))
    lines = tapes.first_lines(tape, most=SHOWN, reader=reader, at=asking.now())
    return [[line[name] for name in tapes.BID] for line in lines]


@screen
@require_POST
def sale_make_tape(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Have the tape that the sale needs next made, in the background."""
    actor = asking.actor_of(request)
    file = _file(actor, uid)
    try:
        tapes.ask(file.case, actor=actor, at=asking.now(), request=asking.info(request))
    except tapes.TapeRefused as refusal:
        return _show_tapes(request, file, problems=[Problem(sentence=str(refusal))], status=status_of(refusal))
    messages.success(request, "The tape is being made. You may leave this page.")
    return redirect("web:sale_tapes", uid=uid)


@screen
@require_POST
def sale_bid(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Note what a buyer offers."""
    actor = asking.actor_of(request)
    file = _file(actor, uid)
    policy.require(actor, bids.ACT, case=file.case)
    form = forms.BidForm(request.POST, case=file.case)
    if not form.is_valid():
        return _show_tapes(
            request, file, form=form, problems=form_problems(form), status=HTTPStatus.UNPROCESSABLE_ENTITY
        )
    said = form.cleaned_data
    try:
        bids.note(
            file.case,
            said["agency"],
            said["rate"],
            said["received"],
            actor=actor,
            at=asking.now(),
            request=asking.info(request),
        )
    except bids.BidRefused as refusal:
        problems = [Problem(sentence=str(refusal))]
        return _show_tapes(request, file, form=form, problems=problems, status=status_of(refusal))
    return redirect("web:sale_tapes", uid=uid)


@screen
@require_GET
@never_cache
def sale_manifest(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Hand out the manifest of a tape: control totals and a hash for each line, and nothing of any person."""
    actor = asking.actor_of(request)
    file = _file(actor, uid)
    if file.case.is_erased:
        raise locks.CaseErased(file.case)
    if not (why := casepage.purpose_of(request, file, actor)):
        return casepage.ask_purpose(request, file.case)
    tape = file.case.debt_sale.tapes.filter(number=number, made_at__isnull=False, erased_at=None).first()
    if tape is None:
        raise Http404
    reader = asking.reader(request, "export", why, file.case.uid, fields=("manifest",))
    name = f"{file.case.reference}-{tape.kind}-{tape.number}-manifest.csv"
    return attachment(tapes.manifest(tape, reader=reader, at=asking.now()), name, media_type="text/csv; charset=utf-8")


@screen
@require_GET
@never_cache
def sale_line(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Show one account of a sale: whose it was when, who had notice, what the buyer claims."""
    return _show_line(request, _file(asking.actor_of(request), uid), number)


def _show_line(
    request: HttpRequest,
    file: CaseFile,
    number: int,
    *,
    form: forms.AgainForm | None = None,
    buy_back: forms.BuyBackForm | None = None,
    problems: list[Problem] | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    actor, case = asking.actor_of(request), file.case
    if not (why := casepage.purpose_of(request, file, actor)):
        return casepage.ask_purpose(request, case)
    line = case.debt_sale.lines.select_related("account", "sale__purchaser").filter(number=number).first()
    if line is None:
        raise Http404
    claims = list(line.claims.select_related("proposed_by", "decided_by").order_by("number"))
    found = next((row for row in claims if not row.outcome), None)
    is_proposed = found is not None and found.proposed_at is not None
    is_own = found is not None and found.proposed_by_id == actor.user_id
    may = {
        act: policy.can(actor, act, case=case).is_allowed
        for act in (lines.REFUSE, lines.ACCEPT, lines.AGREE, lines.BUY_BACK, notices.ACT)
    }
    back = notices.came_back(line) if line.state in notices.SERVED_IN and may[notices.ACT] else []
    context = casepage.header(file, "sale_accounts", actor) | {
        "line": _lines(request, case, [line], why)[0],
        "chain": lines.chain(line),
        "claims": [{"row": row, "reason": codes.CLAIMS.get(row.reason, "We want it back")} for row in claims],
        "notices": [
            {"row": row, "source": codes.ADDRESS_SOURCES.get(row.address_source, "Billing")}
            for row in line.notices.select_related("letter", "party").order_by("pk")
        ],
        "again": [
            {"row": row, "form": form if form and form.prefix == _prefix(row) else forms.AgainForm(prefix=_prefix(row))}
            for row in back
        ],
        "may_refuse": found is not None and may[lines.REFUSE],
        "may_accept": found is not None and not is_proposed and may[lines.ACCEPT],
        "may_agree": is_proposed and not is_own and may[lines.AGREE],
        "refund": lines.left_of_price(line) if is_proposed else None,
        "may_buy_back": found is None and line.state == "sold" and may[lines.BUY_BACK],
        "buy_back": buy_back or forms.BuyBackForm(),
        "typed": request.POST.get("reason", ""),
        "problems": problems or [],
    }
    return render(request, "cases/debt/sale/line.html", context, status=status)


_PROPOSED = "Proposed. A finance approver has it as a task; the account is ours again once they agree."
DONE = {
    lines.REFUSE: "The account stays the buyer's.",
    lines.BUY_BACK: _PROPOSED,
    lines.ACCEPT: _PROPOSED,
    lines.AGREE: "Agreed. The account is ours again, and its price goes back to the buyer.",
}


def _prefix(notice: SaleNotice) -> str:
    return f"person-{notice.party.number}"


@screen
@require_POST
def sale_line_act(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Refuse, propose, agree to or ask for the return of one account; serve a notice again that came back."""
    actor = asking.actor_of(request)
    file = _file(actor, uid)
    if request.POST.get("act") == notices.ACT:
        return _serve_again(request, file, number)
    reason, act = request.POST.get("reason", ""), request.POST.get("act", "")
    said: dict[str, Any] = {"actor": actor, "at": asking.now(), "request": asking.info(request)}
    form = forms.BuyBackForm(request.POST)
    if act == lines.BUY_BACK and not form.is_valid():
        problems, status = form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY
        return _show_line(request, file, number, buy_back=form, problems=problems, status=status)
    try:
        if act == lines.REFUSE:
            lines.refuse(file.case, number, reason=reason, **said)
        elif act == lines.BUY_BACK:
            collected = form.cleaned_data["collected_pence"]
            lines.want_back(file.case, number, reason=reason, collected_pence=collected, **said)
        elif act == lines.ACCEPT:
            lines.propose(file.case, number, reason=reason, **said)
        elif act == lines.AGREE:
            lines.agree(file.case, number, reason=reason, **said)
        else:
            raise Http404
    except lines.LineRefused as refusal:
        problems = [Problem(sentence=str(refusal))]
        typed = form if act == lines.BUY_BACK else None
        return _show_line(request, file, number, buy_back=typed, problems=problems, status=status_of(refusal))
    messages.success(request, DONE[act])
    return redirect("web:sale_line", uid=uid, number=number)


def _serve_again(request: HttpRequest, file: CaseFile, number: int) -> HttpResponse:
    actor = asking.actor_of(request)
    policy.require(actor, notices.ACT, case=file.case)
    line = file.case.debt_sale.lines.filter(number=number).first()
    back = notices.came_back(line) if line is not None else []
    notice = next((each for each in back if str(each.party.number) == request.POST.get("person")), None)
    if line is None or notice is None:
        return _show_line(
            request,
            file,
            number,
            problems=[Problem(sentence="This notice did not come back, or was served again already.")],
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
        )
    form = forms.AgainForm(request.POST, prefix=_prefix(notice))
    if not form.is_valid():
        problems, status = form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY
        return _show_line(request, file, number, form=form, problems=problems, status=status)
    said = {"source": form.cleaned_data["source"], "actor": actor, "at": asking.now(), "request": asking.info(request)}
    try:
        notices.serve_again(file.case, line, notice, form.address(), **said)
    except notices.NoticeRefused as refusal:
        problems = [Problem(sentence=str(refusal))]
        return _show_line(request, file, number, form=form, problems=problems, status=status_of(refusal))
    messages.success(request, "The notice is served again. The earlier one is kept.")
    return redirect("web:sale_line", uid=file.case.uid, number=number)


urlpatterns = [
    path("debt/sales/<uuid:uid>/accounts/", sale_accounts, name="sale_accounts"),
    path("debt/sales/<uuid:uid>/find/", sale_find, name="sale_find"),
    path("debt/sales/<uuid:uid>/look/", sale_look, name="sale_look"),
    path("debt/sales/<uuid:uid>/tapes/", sale_tapes, name="sale_tapes"),
    path("debt/sales/<uuid:uid>/tapes/make/", sale_make_tape, name="sale_make_tape"),
    path("debt/sales/<uuid:uid>/tapes/<int:number>/manifest/", sale_manifest, name="sale_manifest"),
    path("debt/sales/<uuid:uid>/bids/", sale_bid, name="sale_bid"),
    path("debt/sales/<uuid:uid>/accounts/<int:number>/", sale_line, name="sale_line"),
    path("debt/sales/<uuid:uid>/accounts/<int:number>/act/", sale_line_act, name="sale_line_act"),
]
