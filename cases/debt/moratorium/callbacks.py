"""What the register tells of a moratorium, what follows when a period is over, and when an account changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from cases.debt.moratorium import codes, effects, fees, messages, opening, periods, searching
from cases.debt.moratorium.models import Moratorium, MoratoriumDebt
from cases.kernel import clocks, locks, record, tasks, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.casetypes import Content
from cases.kernel.exchange import datashapes, files
from cases.kernel.exchange.files import FileKind
from cases.kernel.models import BatchFile, Case, Clock

__all__ = ["CALLBACKS", "EXAMPLES", "accounts_added", "accounts_changed", "is_over", "match", "pass_by", "SHAPES"]


def _move(case: Case, move: str, content: Content, *, actor: Actor, at: datetime) -> None:
    transitions.apply(
        case.pk,
        move,
        actor=actor,
        at=at,
        inputs=dict(content.data),
        occurred_at=content.occurred_at,
        cause=content.callback_uid,
    )


def debt_added(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """One more debt of the debtor is protected from a day on."""
    _move(case, "add_debt", content, actor=actor, at=at)


def ended(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The moratorium ended, or ends, with a day."""
    _move(case, "end", content, actor=actor, at=at)


def cancelled(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The moratorium is taken back."""
    _move(case, "cancel", content, actor=actor, at=at)


def review_decided(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The adviser has decided the review that we asked for."""
    move = "review_granted" if content.data.get("outcome") == "granted" else "review_refused"
    _move(case, move, content, actor=actor, at=at)


CALLBACKS = {
    "moratorium.debt_added": debt_added,
    "moratorium.ended": ended,
    "moratorium.cancelled": cancelled,
    "moratorium.review_decided": review_decided,
}
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "moratorium.debt_added": {
        "account_reference": "8002223342",
        "amount_pence": 4120,
        "effective_date": "2026-11-27",
    },
    "moratorium.ended": {"ends_date": "2027-01-23"},
    "moratorium.cancelled": {},
    "moratorium.review_decided": {"outcome": "refused"},
}
SHAPES: Mapping[str, datashapes.Shape] = {
    "moratorium.debt_added": datashapes.shape(
        {"account_reference": datashapes.text(40), "effective_date": datashapes.DAY},
        {"amount_pence": {**datashapes.PENCE, "type": ["integer", "null"]}},
    ),
    "moratorium.ended": datashapes.shape({}, {"ends_date": {**datashapes.DAY, "type": ["string", "null"]}}),
    "moratorium.review_decided": datashapes.shape({"outcome": datashapes.one_of(("granted", "refused"))}),
}


def match(case: Case, clock: Clock, *, at: datetime) -> None:
    """Look for the debtor; apply the notice or pass it on where that is certain, else ask a person. In a moratorium
    that is applied, protect what it names and billing has told of since. Raises locks.CaseBusy: it is tried again."""
    actor = system("moratoria", source=case.source)
    with record.act(case, "moratorium.searched", actor=actor, at=at) as action:
        clocks.end_one(case, clock, at=at, state="met")
        debts: list[MoratoriumDebt] = []
        if case.state == "received":
            searching.look(case, at=at)
            debts = list(searching.debts_of(case))
            action.detail["scores"] = [debt.score for debt in debts]
        is_certain = searching.is_certain(debts)
        asked = case.tasks.filter(kind=effects.UNCLEAR, closed_at=None)
        if case.state == "received" and not is_certain and not asked.exists():
            tasks.raise_task(effects.UNCLEAR, case=case, at=at)
        clocks.refresh_due(case)
        case.version += 1
        case.save()
    if case.state in codes.IN_FORCE:
        effects.protect_known(case, actor=actor, at=at)
    elif is_certain:
        transitions.apply(case.pk, "forward" if searching.is_sold(debts) else "apply", actor=actor, at=at)


def is_over(case: Case, clock: Clock, *, at: datetime) -> None:
    """The last protected day is over."""
    if case.state in codes.IN_FORCE:
        transitions.apply(case.pk, "end", actor=system("moratoria", source=case.source), at=at)
    else:
        pass_by(case, clock, at=at)


def pass_by(case: Case, clock: Clock, *, at: datetime) -> None:
    """A period is over, and nothing follows from it."""
    actor = system("moratoria", source=case.source)
    with record.act(case, "clock.met", actor=actor, at=at, detail={"rule": clock.rule}):
        clocks.end_one(case, clock, at=at, state="met")
        clocks.refresh_due(case)
        case.save()


def accounts_added(accounts: Collection[int], *, at: datetime) -> None:
    """Billing told of accounts for the first time: a moratorium that names one of them looks for it within a minute; of
    one that was answered as not found a person is asked. Inside the caller's transaction; locks those cases."""
    for case_id in searching.waiting_for(accounts, at=at):
        case = locks.case_for_update(case_id)
        is_answered, looks = case.state == "not_found", case.clocks.filter(rule=periods.MATCH, ended_at=None)
        is_asked = is_answered and case.tasks.filter(kind=effects.AGAIN, closed_at=None).exists()
        if is_asked or looks.exists() or not (is_answered or case.state in ("received", *codes.IN_FORCE)):
            continue
        with record.act(case, "moratorium.account_known", actor=system("moratoria", source=case.source), at=at):
            facts = Moratorium.objects.get(pk=case.pk)
            begins, place = max(at, opening.midnight(facts.start_date)), opening.jurisdiction(facts.regime)
            if is_answered:
                tasks.raise_task(effects.AGAIN, case=case, at=at)
            else:
                clocks.start(case, periods.MATCH, started_at=begins, jurisdiction=place)
                clocks.refresh_due(case)
            case.version += 1
            case.save()


def accounts_changed(accounts: Collection[int], *, at: datetime) -> None:
    """Billing told of accounts: what it charged a protected debt for a day inside the period is taken back, and what it
    has taken back is noted. Inside the caller's transaction."""
    debts = MoratoriumDebt.objects.filter(account__in=accounts, standing="protected").select_related("case", "account")
    debts = debts.filter(case__is_erased=False)
    for debt in debts.exclude(case__state__in=["void", "merged"]).order_by("case_id", "number"):
        _look_at_charges(debt, at=at)


def _look_at_charges(debt: MoratoriumDebt, *, at: datetime) -> None:
    case, actor = debt.case, system("moratoria", source=debt.case.source)
    last = Moratorium.objects.get(pk=case.pk).last_date
    # Up to the last protected day, also once it has ended or was cancelled: that day is known then.
    for charge in fees.charges(debt, until=last):
        typed = {
            "debt": debt.number,
            "posted_date": charge.posted_date.isoformat(),
            "amount_pence": charge.amount_pence,
            "is_day_told": charge.is_day_told,
        }
        if debt.is_joint:
            if debt.account is not None and charge.seen_date == debt.account.as_of:
                _ask_about(debt, actor=actor, at=at)
        elif case.state in codes.IN_FORCE:
            transitions.apply(case.pk, "reverse_fee", actor=actor, at=at, inputs=typed)
        else:  # for a day inside the period, told after its end: it stays written off
            with record.act(
                locks.case_for_update(case.pk), "moratorium.fee_reversed", actor=actor, at=at, detail=typed
            ):
                fees.reverse(debt, charge, at=at)
    for row, day in fees.confirmed(debt):
        detail = {"debt": debt.number, "amount_pence": row.amount_pence}
        with record.act(locks.case_for_update(case.pk), "moratorium.fee_confirmed", actor=actor, at=at, detail=detail):
            row.confirmed_date = day
            row.save(update_fields=["confirmed_date"])


def forward_given_up(file: BatchFile, became: str, at: datetime) -> None:
    """Nobody will send the notice to the buyer of the debt: a person tells it at once (SI 2020/1311 reg 12)."""
    if became not in {"skipped", "lost"} or file.message is None or file.message.case_id is None:
        return
    case = locks.case_for_update(file.message.case_id)
    with record.act(case, "moratorium.forward_given_up", actor=system("delivery", source=case.source), at=at):
        tasks.raise_task(effects.BY_HAND, case=case, at=at, message=messages.FORWARD.code)
        case.version += 1
        case.save(update_fields=["version", "is_dormant"])


files.declare(FileKind(code=messages.FORWARD.code, label=messages.FORWARD.label, after=forward_given_up))


def _ask_about(debt: MoratoriumDebt, *, actor: Actor, at: datetime) -> None:
    """A charge of a joint debt: one task at a time for each debt asks what of it the other holder owes."""
    case = locks.case_for_update(debt.case_id)
    if case.is_closed or case.tasks.filter(kind=effects.JOINT, closed_at=None, detail__debt=debt.number).exists():
        return
    with record.act(case, "moratorium.joint_charge", actor=actor, at=at):
        tasks.raise_task(effects.JOINT, case=case, at=at, debt=debt.number)
        case.version += 1
        case.save()
