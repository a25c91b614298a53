"""How one sold account moves: claimed by its buyer, refused, put back, bought back, sold for good.

A line is a row of its sale and no case: its moves stand in one table, and each is one act of the sale's case. What
comes back comes back for the price that was paid for it, less what of it was paid back already, to the penny, by two
people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from cases.accounts import storing
from cases.accounts.models import Account
from cases.debt import gate, heard
from cases.debt.moratorium import effects
from cases.debt.sale import codes, defaulted, flagged, looking, moving, notices, paid, prices
from cases.debt.sale.ending import close_if_over, has_open_claim
from cases.debt.sale.models import DebtSale, DebtSaleAccount, SaleClaim, SaleNotice
from cases.kernel import calendars, casetypes, holds, locks, money, policy, record, tasks
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.models import Case
from cases.ledger import api as ledger
from cases.ledger.reads import Reader

__all__ = [
    "ACCEPT",
    "AGREE",
    "BUY_BACK",
    "MOVES",
    "REFUSE",
    "LineRefused",
    "agree",
    "chain",
    "claim",
    "find",
    "left_of_price",
    "propose",
    "refuse",
    "want_back",
    "window_ends",
]

REFUSE, ACCEPT, AGREE, BUY_BACK = "refuse_claim", "accept_claim", "agree_claim", "buy_back"
CLAIMED, REFUND = "sale_claimed", "sale_refund"
tasks.declare(
    {
        CLAIMED: "The buyer claims a sold account: propose to take it back, or refuse",
        REFUND: "Somebody proposed to take a sold account back: a finance approver agrees to the refund",
    },
    ended_by={
        CLAIMED: "This ends when it is proposed to take the account back, or the claim is refused.",
        REFUND: "This ends when a finance approver agrees on the page of the account, or the sale manager refuses it.",
    },
    more=dict.fromkeys((CLAIMED, REFUND), lambda detail: f"account {detail['line']}" if "line" in detail else ""),
    pages=dict.fromkeys((CLAIMED, REFUND), ("web:sale_line", "sale", "line")),
)
# What nobody need do any more of an account that is ours again: the buyer collects it no more.
MOOT = (codes.HELD, codes.MOVED, flagged.TASK, defaulted.TASK)
# Working days for each, our own: what is claimed waits for nobody, and the agreement may say less.
ANSWERED_WITHIN = 5


class LineRefused(CaseError):
    """The account cannot move like this; the message is fit to show."""


@dataclass(frozen=True)
class Move:
    """One move of a line: from which states, and to which; none leaves the state."""

    source: frozenset[str]
    target: str


MOVES = {
    "exclude": Move(frozenset({"in_pool"}), "excluded"),
    "sell": Move(frozenset({"in_pool"}), "sold"),
    "release_line": Move(frozenset({"in_pool"}), "excluded"),
    "claim": Move(frozenset({"sold"}), "put_back_requested"),
    "refuse_claim": Move(frozenset({"put_back_requested"}), "sold"),
    "accept_claim": Move(frozenset({"put_back_requested"}), "put_back"),
    "buy_back": Move(frozenset({"sold"}), "bought_back"),
    "settle": Move(frozenset({"sold"}), "transferred"),
    "notice_returned": Move(frozenset({"sold"}), "="),
    "serve_again": Move(frozenset({"sold"}), "="),
    "claim_late": Move(frozenset({"transferred"}), "put_back_requested"),
}


def find(text: str, *, actor: Actor) -> list[DebtSaleAccount]:
    """Return the lines of one account in the sales that a person may see, the newest sale first: by the number of the
    account, however it is written, or by the reference of the line: what bidders have, or what stands on the tape of
    the buyer and on the notice. At most two queries."""
    sale, _, number = text.rpartition("/")
    try:
        named = Q(sale__case__reference=sale.strip().upper(), number=int(number)) if sale else Q(uid=UUID(text))
    except ValueError:
        account = storing.find(text)
        if account is None:
            return []
        named = Q(account=account)
    rows = DebtSaleAccount.objects.filter(named, sale__case__in=policy.visible_to(actor)).select_related("sale__case")
    return list(rows.order_by("-sale_id"))


def _locked(case: Case, number: int) -> tuple[Case, DebtSale, DebtSaleAccount]:
    case = locks.case_for_update(case.pk)
    sale = DebtSale.objects.select_related("purchaser").get(pk=case.pk)
    line = sale.lines.select_related("account").select_for_update(of=("self",)).filter(number=number).first()
    if line is None:
        raise NotVisible
    _catch_up(case, sale, line)
    return case, sale, line


def _catch_up(case: Case, sale: DebtSale, line: DebtSaleAccount) -> None:
    """Let a line stand where its sale has moved it, also while its part of that work is still to come."""
    if line.state == "in_pool" and sale.completed_date is not None:
        line.state, line.price_pence = "sold", prices.price_of(line.balance_pence, sale.price_rate or 0)
    if line.state == "sold" and case.is_closed:
        line.state = "transferred"


def _may(line: DebtSaleAccount, move: str) -> None:
    if line.state not in MOVES[move].source:
        raise LineRefused(f"Line {line.number} is not where this can be done: {codes.LINES[line.state][0].lower()}.")


def window_ends(sale: DebtSale) -> date | None:
    """Return the last day on which a claim is taken for any reason, in London."""
    if sale.completed_date is None or sale.put_back_days is None:
        return None
    return sale.completed_date + timedelta(days=sale.put_back_days)


def _act(case: Case, move: str, line: DebtSaleAccount, *, actor: Actor, at: datetime, **more: Any) -> Any:
    detail = {"line": line.number, "to": MOVES[move].target, **more.pop("detail", {})}
    return record.act(case, f"debt_sale_account.{move}", actor=actor, at=at, detail=detail, **more)


def chain(line: DebtSaleAccount) -> list[tuple[date | None, str]]:
    """Return whose a debt was from which day on, in words: ours, the buyer's, ours again; and where the legal title
    waits for the notice of it. Two queries."""
    sale = line.sale
    rows: list[tuple[date | None, str]] = [(None, "Ours")]
    if line.price_pence is None or sale.completed_date is None or sale.purchaser is None:
        return rows
    back = line.claims.filter(outcome="accepted").order_by("-number").first()
    since = back.decided_at if back is not None else None
    sold: list[SaleNotice] = []
    returned: list[SaleNotice] = []
    for each in line.notices.select_related("letter").order_by("pk"):
        (returned if since is not None and each.letter.requested_at >= since else sold).append(each)
    buyer = f"{sale.purchaser.display_name}, for {money.pounds(line.price_pence)}"
    rows.append((sale.completed_date, buyer + _waits(sold, sold)))
    if back is not None and since is not None:
        ours = f"Ours again, for {money.pounds(back.refund_pence or 0)}"
        rows.append((calendars.london_date(since), ours + _waits(returned, [*sold, *returned])))
    return rows


def _waits(served: Sequence[SaleNotice], everybody: Sequence[SaleNotice]) -> str:
    """Say that the legal title waits, unless the newest notice of each holder was put in the post; takes them in
    order."""
    newest = {**{each.party_id: "" for each in everybody}, **{each.party_id: each.letter.state for each in served}}
    return "" if newest and set(newest.values()) == {"dispatched"} else "; legal title waits for notice"


def left_of_price(line: DebtSaleAccount) -> int:
    """Return what of its price the buyer gets where a line comes back now, in whole pence: not what it has again
    already because less was owed than was sold. One query."""
    return max((line.price_pence or 0) - paid.paid_back(line), 0)


def _ask(kind: str, case: Case, line: DebtSaleAccount, *, at: datetime) -> None:
    """Ask for what a line waits for, inside the current ledger action."""
    due_at = calendars.end_of_day(calendars.add_working_days(calendars.london_date(at), ANSWERED_WITHIN))
    tasks.raise_task(kind, case=case, at=at, due_at=due_at, sale=str(case.uid), line=line.number)


def _answer(case: Case, line: DebtSaleAccount, *kinds: str, actor: Actor, at: datetime) -> None:
    """End what was asked for of a line, inside the current ledger action; a sale of which nothing else is due rests."""
    for kind in kinds:
        tasks.close_about(case, kind, actor=actor, at=at, line=line.number)
    case.is_dormant = casetypes.get(case.kind).lifecycle.state(case.state).is_dormant and tasks.rests(case)
    case.save(update_fields=["is_dormant"])


@transaction.atomic
def claim(
    case: Case,
    number: int,
    reason: str,
    *,
    actor: Actor,
    at: datetime,
    came_at: datetime | None = None,
    collected_pence: int | None = None,
    cause: UUID | None = None,
) -> SaleClaim:
    """Take a claim of the buyer: within the window for any reason, after it only for those that no window ends.

    `came_at` is when it reached us, whatever day it says it is of. `collected_pence` is what the buyer collected, none
    where it does not say. Locks the case; one act, and a task of the sale. Raises LineRefused, NotVisible.
    """
    case, sale, line = _locked(case, number)
    move = "claim_late" if line.state == "transferred" else "claim"
    _may(line, move)
    if reason not in codes.CLAIMS:
        raise LineRefused("This is no reason for a claim.")
    if line.claims.filter(outcome="").exists():
        raise LineRefused("Another claim on this account is not decided yet.")
    came_at, last = min(came_at or at, at), window_ends(sale)
    is_late = move == "claim_late" or last is None or calendars.london_date(came_at) > last
    if reason not in codes.NO_WINDOW and is_late:
        raise LineRefused("The time for such a claim is over.")
    with _act(case, move, line, actor=actor, at=at, cause=cause, detail={"reason": reason}):
        made = SaleClaim.objects.create(
            line=line,
            number=line.claims.count() + 1,
            reason=reason,
            came_at=came_at,
            came_from=line.state,
            collected_pence=collected_pence,
        )
        _go(line, move)
        if case.is_closed:  # nothing of a closed sale is erased while a claim stands
            holds.place(case, "legal", actor=actor, at=at, source="agency")
        _ask(CLAIMED, case, line, at=at)
        looking.touch(case, at=at)
    return made


def _go(line: DebtSaleAccount, move: str, **changes: Any) -> None:
    line.state = MOVES[move].target
    for name, value in changes.items():
        setattr(line, name, value)
    line.save(update_fields=["state", "price_pence", *changes])


def _let_go(case: Case, *, actor: Actor, at: datetime) -> None:
    """Release what kept a closed sale from being erased while a claim stood, once none does, inside the current ledger
    action. A hold that a person entered stays."""
    if case.is_closed and not has_open_claim(case):
        for hold in case.holds.filter(kind="legal", source="agency", entered_by=None, released_at=None):
            hold.released_at, hold.released_by_id = at, actor.user_id
            hold.save(update_fields=["released_at", "released_by"])
            tasks.close_about(case, "hold_review", actor=actor, at=at, hold=hold.pk)


def _open(line: DebtSaleAccount) -> SaleClaim:
    found = line.claims.select_for_update(of=("self",)).filter(outcome="").first()
    if found is None:
        raise LineRefused("Nothing is open on this account.")
    return found


@transaction.atomic
def refuse(
    case: Case,
    number: int,
    *,
    reason: str,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> SaleClaim:
    """Refuse what is open on a line, with a reason: the debt stays the buyer's. Raises NotAllowed, LineRefused."""
    policy.require(actor, REFUSE, case=case)
    case, _, line = _locked(case, number)
    found = _open(line)
    if not reason.strip():
        raise LineRefused("Give a reason.")
    with _act(case, "refuse_claim", line, actor=actor, at=at, reason=reason.strip(), request=request):
        found.outcome, found.decided_by_id, found.decided_at = "refused", looking.person(actor), at
        found.save(update_fields=["outcome", "decided_by", "decided_at"])
        if not found.is_buy_back:
            line.state = found.came_from
            line.save(update_fields=["state"])
        _let_go(case, actor=actor, at=at)
        _answer(case, line, CLAIMED, REFUND, actor=actor, at=at)
        looking.touch(case, at=at)
    close_if_over(case, at=at)
    return found


@transaction.atomic
def propose(
    case: Case,
    number: int,
    *,
    reason: str = "",
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> SaleClaim:
    """Propose to take an account back as the buyer claims; the finance approver is asked to agree. A reason that is
    given is kept. Raises NotAllowed, LineRefused."""
    policy.require(actor, ACCEPT, case=case)
    case, _, line = _locked(case, number)
    _may(line, "accept_claim")
    found = _open(line)
    if found.proposed_at is not None:
        raise LineRefused("It is proposed already and waits for the finance approver.")
    with record.act(
        case,
        "debt_sale_account.proposed",
        actor=actor,
        at=at,
        reason=reason.strip(),
        request=request,
        detail={"line": line.number},
    ):
        found.proposed_by_id, found.proposed_at = looking.person(actor), at
        found.save(update_fields=["proposed_by", "proposed_at"])
        _answer(case, line, CLAIMED, actor=actor, at=at)
        _ask(REFUND, case, line, at=at)
        looking.touch(case, at=at)
    return found


@transaction.atomic
def want_back(
    case: Case,
    number: int,
    *,
    reason: str,
    collected_pence: int | None = None,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> SaleClaim:
    """Propose to buy an account back, with a reason, and with what the buyer says that it collected, if it does; the
    finance approver agrees. Raises NotAllowed, LineRefused."""
    policy.require(actor, BUY_BACK, case=case)
    case, _, line = _locked(case, number)
    _may(line, "buy_back")
    if line.claims.filter(outcome="").exists():
        raise LineRefused("It is proposed already and waits for the finance approver.")
    if not reason.strip():
        raise LineRefused("Give a reason.")
    with record.act(
        case,
        "debt_sale_account.proposed",
        actor=actor,
        at=at,
        reason=reason.strip(),
        request=request,
        detail={"line": line.number},
    ):
        made = SaleClaim.objects.create(
            line=line,
            number=line.claims.count() + 1,
            reason="buy_back",
            is_buy_back=True,
            came_at=at,
            came_from=line.state,
            collected_pence=collected_pence,
            proposed_by_id=looking.person(actor),
            proposed_at=at,
        )
        _ask(REFUND, case, line, at=at)
        looking.touch(case, at=at)
    return made


def _say_what_stops(case: Case, line: DebtSaleAccount, found: SaleClaim, *, actor: Actor, at: datetime) -> None:
    """What stopped the buyer stops us: a moratorium in force protects the debt again, and why it came back stands until
    billing has noted it. Whether anything stops the debt now is kept: then its notice asks nobody to pay. Nobody else
    gets the debt before what the buyer collected is booked, or asked for where it did not say."""
    stops = {codes.STOPS[found.reason]} if found.reason in codes.STOPS else set()
    if effects.came_back(line.account, at=at):
        stops.add("moratorium")
    for what in sorted(stops):
        heard.ask_billing(case, what, account=line.account, at=at)
    account = Account.objects.filter(pk=line.account_id).prefetch_related("holders", "flags").get()
    reader = Reader(actor=actor.label, verb="check", purpose="placement", streams=(case.uid,))
    (known,) = gate.candidates([account], reader=reader, at=at)
    found.is_stopped = bool(gate.judge(known))
    found.save(update_fields=["is_stopped"])
    if found.collected_pence is None:
        heard.ask_billing(case, "collected", account=account, at=at)
    elif found.collected_pence:
        heard.ask_billing(case, "collected", account=account, at=at, pence=found.collected_pence)


@transaction.atomic
def agree(
    case: Case,
    number: int,
    *,
    reason: str = "",
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> SaleClaim:
    """Agree to take an account back: what is left of its price is refunded to the penny, the credit agencies are told
    that the debt is ours again with the same default date, and its holders have a new notice, or are looked for where
    the last one came back. What stopped the buyer stops us; what it was still to be told of the account is asked of
    nobody any more.

    Raises NotAllowed, LineRefused, NoChannel, CaseBusy."""
    policy.require(actor, AGREE, case=case)
    case, sale, line = _locked(case, number)
    found = _open(line)
    move = "buy_back" if found.is_buy_back else "accept_claim"
    _may(line, move)
    if found.proposed_by_id is None:
        raise LineRefused("The sale manager proposes it first.")
    if found.proposed_by_id == looking.person(actor):
        raise LineRefused("You proposed this. Another person must agree.")
    refund = left_of_price(line)
    said = {"reason": reason.strip(), "request": request, "detail": {"refund_pence": refund}}
    with _act(case, move, line, actor=actor, at=at, **said):
        found.outcome, found.refund_pence = "accepted", refund
        found.decided_by_id, found.decided_at = looking.person(actor), at
        found.save(update_fields=["outcome", "refund_pence", "decided_by", "decided_at"])
        _go(line, move, refund_pence=refund)
        _let_go(case, actor=actor, at=at)
        moving.tell(case, line, to="ours", actor=actor, at=at)
        _say_what_stops(case, line, found, actor=actor, at=at)
        paid.came_back(line)
        notices.write_back(case, line, actor=actor, at=at)
        _answer(case, line, CLAIMED, REFUND, paid.LESS, *MOOT, actor=actor, at=at)  # that part is in the refund
        looking.touch(case, at=at)
    close_if_over(case, at=at)
    return found
