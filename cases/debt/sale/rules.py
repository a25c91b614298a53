"""Who may do what to a sale and when: its policy rows and its lifecycle."""

from __future__ import annotations

from django.db.models import Model

from cases.debt.sale import bids, effects, guards, lines, looking, notices, tapes
from cases.debt.sale.models import DebtSale, SaleTape
from cases.kernel.lifecycle import Agreement, Lifecycle, State, Transition
from cases.kernel.models import Case
from cases.kernel.policy import Rule

__all__ = ["LIFECYCLE", "POLICY", "approval_rows"]

_KIND, _CLASS = "debt_sale", "debt_sale"
_MANAGER, _FINANCE = frozenset({"sale_manager"}), frozenset({"finance_approver"})
_DESK = _MANAGER | _FINANCE
_BEFORE = frozenset(
    {"pool_defined", "exclusions_run", "bidding", "preferred", "agreed", "cut_off", "final_tape", "approved"}
)
_READERS = frozenset({"data_protection_officer", "legal_counsel", "credit_data_steward", "credit_data_approver"})

POLICY = (
    *(
        Rule(act=act, kind=_KIND, roles=_DESK)
        for act in ("view", "note", "reveal", "download", "report", "view_audit", "close_task", "assign", "take")
    ),
    *(Rule(act=act, kind=_KIND, roles=_DESK) for act in ("attach", "match")),
    *(Rule(act=act, kind=_KIND, roles=_READERS, scope="all") for act in ("view", "download")),
    *(
        Rule(act=act, kind=_KIND, roles=frozenset({"auditor"}), scope="all", needs_reason=True)
        for act in ("view", "report", "view_audit")
    ),
    *(Rule(act=act, kind=_KIND, roles=_MANAGER) for act in (looking.ACT, tapes.ACT, bids.ACT)),
    *(Rule(act=act, kind=_KIND, roles=_MANAGER) for act in (lines.REFUSE, lines.ACCEPT, lines.BUY_BACK, notices.ACT)),
    Rule(act=lines.AGREE, kind=_KIND, roles=_FINANCE),
)


def approval_rows(case: Case) -> list[Model]:
    """Return the rows an approval is about: the sale as it stands, and its newest tape."""
    tape = SaleTape.objects.filter(sale=case.pk, is_withdrawn=False).order_by("-number")[:1]
    return [DebtSale.objects.get(pk=case.pk), *tape]


LIFECYCLE = Lifecycle(
    initial="pool_defined",
    desk=_MANAGER,
    second="finance_approver",
    reopens_to="pool_defined",
    opening_roles=_MANAGER,
    papers=_BEFORE | {"completed", "notices_issued", "warranty_open"},
    final=frozenset({"abandoned", "closed"}),
    steps=(("pool", "Pool"), ("bids", "Bids"), ("agreed", "Agreed"), ("sold", "Sold"), ("closed", "Closed")),
    states=(
        State(code="pool_defined", label="Pool defined", tone="wait", step="pool"),
        State(code="exclusions_run", label="Exclusions run", tone="info", step="pool"),
        State(code="bidding", label="Out for bids", tone="info", step="bids"),
        State(code="preferred", label="A bid is preferred", tone="info", step="bids"),
        State(code="agreed", label="Agreement signed", tone="info", step="agreed"),
        State(code="cut_off", label="Cut off", tone="info", step="agreed"),
        State(code="final_tape", label="Tape built", tone="wait", step="agreed"),
        State(code="approved", label="Approved by three", tone="ok", step="agreed"),
        State(code="completed", label="Completed", tone="done", step="sold"),
        State(code="notices_issued", label="Notices issued", tone="done", step="sold"),
        State(code="warranty_open", label="Claims may come", tone="done", step="sold", is_dormant=True),
        State(code="closed", label="Closed", tone="hold", step="closed", is_terminal=True, retention_class="debt_sale"),
        State(
            code="abandoned",
            label="Abandoned",
            tone="hold",
            step="closed",
            is_terminal=True,
            retention_class="sale_abandoned",
        ),
    ),
    transitions=(
        Transition(
            name="run_exclusions",
            label="Go on with the accounts that are left",
            source=frozenset({"pool_defined"}),
            target="exclusions_run",
            roles=_MANAGER,
            guards=(guards.is_looked_at, guards.something_is_left),
            foreseen=(guards.is_looked_at, guards.something_is_left),
            consequence="Whoever a rule keeps out stays out of this sale",
            tone="primary",
        ),
        Transition(
            name="publish",
            label="Offer it to buyers",
            source=frozenset({"exclusions_run"}),
            target="bidding",
            roles=_MANAGER,
            agreed_by=(Agreement(role="data_protection_officer"),),
            guards=(guards.has_bid_tape, guards.names_bidders),
            foreseen=(guards.has_bid_tape,),
            effects=(effects.offer,),
            consequence="Each buyer is given the tape without names, once the data protection officer has looked at it",
            tone="primary",
        ),
        Transition(
            name="prefer",
            label="Prefer a bid",
            source=frozenset({"bidding"}),
            target="preferred",
            roles=_MANAGER,
            guards=(guards.names_a_bid, guards.buyer_was_looked_at),
            effects=(effects.prefer,),
            consequence="An agreement is made with this buyer",
            tone="primary",
        ),
        Transition(
            name="look_at_buyer",
            label="Look at the buyer again",
            source=frozenset({"preferred", "agreed", "cut_off", "final_tape", "approved"}),
            target=None,
            roles=_MANAGER,
            agreed_by=(Agreement(role="finance_approver", when=guards.has_agreement),),
            guards=(guards.buyer_was_looked_at, guards.holds_until_completion),
            effects=(effects.look_at_buyer,),
            consequence="What is shown of the buyer counts from now on; the tape and who approved it stay",
        ),
        Transition(
            name="sign",
            label="The agreement is signed",
            source=frozenset({"preferred"}),
            target="agreed",
            roles=frozenset({"legal_counsel"}),
            scope="all",
            agreed_by=(Agreement(role="finance_approver"),),
            guards=(guards.has_dates, guards.has_window, guards.passes_payments_on),
            effects=(effects.sign,),
            consequence="Price, cut-off and completion hold from now on",
            tone="primary",
        ),
        Transition(
            name="cut_off",
            label="Cut the pool off",
            source=frozenset({"agreed"}),
            target="cut_off",
            roles=_MANAGER,
            guards=(guards.is_cut_off_day, guards.is_looked_at, guards.something_is_left),
            foreseen=(guards.is_cut_off_day, guards.is_looked_at, guards.something_is_left),
            effects=(effects.recall,),
            consequence="What a recovery agency has is recalled",
            tone="primary",
        ),
        Transition(
            name="build_tape",
            label="Go on with the tape",
            source=frozenset({"cut_off"}),
            target="final_tape",
            roles=_MANAGER,
            guards=(guards.has_final_tape,),
            foreseen=(guards.has_final_tape,),
            consequence="Three people approve exactly this tape",
            tone="primary",
        ),
        Transition(
            name="rebuild",
            label="Build the tape again",
            source=frozenset({"final_tape", "approved"}),
            target="cut_off",
            roles=_MANAGER,
            needs_reason=True,
            effects=(effects.withdraw_tape, effects.recall),
            consequence="What was approved counts no more; what an agency has still is recalled",
        ),
        Transition(
            name="approve",
            label="Approve the tape",
            source=frozenset({"final_tape"}),
            target="approved",
            roles=_MANAGER,
            agreed_by=(Agreement(role="finance_approver"), Agreement(role="data_protection_officer")),
            guards=(guards.has_final_tape,),
            foreseen=(guards.has_final_tape,),
            consequence="It can be completed when the money is here",
            tone="primary",
        ),
        Transition(
            name="complete",
            label="Complete the sale",
            source=frozenset({"approved"}),
            target="completed",
            roles=_FINANCE,
            guards=(
                guards.is_completion_day,
                guards.buyer_holds_still,
                guards.is_looked_at,
                guards.nothing_changed,
                guards.nothing_is_placed,
                guards.funds_are_here,
            ),
            foreseen=(
                guards.is_completion_day,
                guards.buyer_holds_still,
                guards.is_looked_at,
                guards.nothing_changed,
                guards.nothing_is_placed,
            ),
            effects=(effects.complete,),
            consequence="The debts belong to the buyer, who is given all that it takes over; we collect them no more",
            tone="primary",
        ),
        Transition(
            name="issue_notices",
            label="Everybody has notice",
            source=frozenset({"completed"}),
            target="notices_issued",
            roles=frozenset({"system"}),
            guards=(guards.everybody_has_notice,),
        ),
        Transition(
            name="migrate",
            label="Tell the credit agencies",
            source=frozenset({"notices_issued"}),
            target="warranty_open",
            roles=frozenset({"credit_data_steward"}),
            scope="all",
            agreed_by=(Agreement(role="credit_data_approver"),),
            guards=(guards.default_dates_are_kept,),
            foreseen=(guards.default_dates_are_kept,),
            effects=(effects.migrate,),
            consequence="Each account is told as sold, with nothing owed to us and the default date that it has",
            tone="primary",
        ),
        Transition(
            name="close",
            label="The time for claims is over",
            source=frozenset({"warranty_open"}),
            target="closed",
            roles=frozenset({"system"}),
            guards=(guards.window_is_over,),
            effects=(effects.settle,),
        ),
        Transition(
            name="abandon",
            label="Abandon the sale",
            source=_BEFORE,
            target="abandoned",
            roles=_MANAGER,
            agreed_by=(Agreement(role="finance_approver", when=guards.has_agreement),),
            needs_reason=True,
            effects=(effects.let_go,),
            consequence="Its accounts may be sold in another sale",
            tone="danger",
        ),
    ),
)
