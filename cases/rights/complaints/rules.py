"""Who may do what to a complaint and when, and what follows: its policy rows and its lifecycle."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Model

from cases.kernel import approvals, clocks, tasks
from cases.kernel.exchange import letters
from cases.kernel.lifecycle import Lifecycle, State, Transition
from cases.kernel.models import Case
from cases.kernel.policy import Rule
from cases.ledger import sealing
from cases.rights import effects, periods
from cases.rights.complaints import codes
from cases.rights.models import DpComplaint

__all__ = ["CLOCK", "LIFECYCLE", "POLICY", "TO_ANSWER", "approval_rows"]

_KIND = "dp_complaint"
_OFFICER = frozenset({"rights_officer"})
_DPO = frozenset({"data_protection_officer"})
CLOCK = "k11_acknowledge"
TO_ANSWER = "complaint_to_answer"
tasks.declare(
    {TO_ANSWER: "Answer a complaint about data: it is acknowledged"},
    ended_by={TO_ANSWER: "This ends when the data protection officer answers the complaint."},
)
ACKNOWLEDGED, OUTCOME = "n15", "n15_outcome"
letters.declare(
    *(
        letters.Template(
            code=code,
            version=1,
            label=label,
            template=f"cases/rights/letters/{code}.html",
            effective_from=date(2026, 1, 1),
            says=("answer",) if code == OUTCOME else (),
        )
        for code, label in (
            (ACKNOWLEDGED, "A complaint about data is acknowledged"),
            (OUTCOME, "Answer to a complaint about data"),
        )
    )
)

POLICY = (
    *(
        Rule(act=act, kind=_KIND, roles=_OFFICER | _DPO)
        for act in ("view", "note", "reveal", "download", "report", "view_audit", "close_task", "assign", "take")
    ),
    *(Rule(act=act, kind=_KIND, roles=_OFFICER) for act in ("edit", "attach", "match")),
    *(
        Rule(act=act, kind=_KIND, roles=frozenset({"auditor"}), scope="all", needs_reason=True)
        for act in ("view", "report", "view_audit")
    ),
)


def approval_rows(case: Case) -> list[Model]:
    """Return what a complaint says; an act of two people is bound to it."""
    return [
        DpComplaint.objects.get(pk=case.pk),
        *approvals.people_and_documents(case),
    ]


def says_what_was_found(context: Any) -> str | None:
    inputs = context.inputs
    if inputs.get("outcome") not in dict(codes.OUTCOMES):
        return "Choose what came of it."
    if not str(inputs.get("enquiries") or "").strip():
        return "Record what was enquired into."
    return None if str(inputs.get("answer") or "").strip() else "Write the answer to the person."


def acknowledge(context: Any) -> None:
    """The person is told in writing that the complaint is here (N15): the 30 days are met; those of the answer begin,
    which the data protection officer owes."""
    facts = context.case.dp_complaint
    facts.acknowledged_at = context.at
    facts.save(update_fields=["acknowledged_at"])
    clocks.meet(context.case, CLOCK, at=context.at)
    running = clocks.start(context.case, periods.COMPLAINT, started_at=context.at)
    tasks.raise_task(TO_ANSWER, case=context.case, at=context.at, due_at=running.due_at)
    effects.write_to_person(context.case, ACKNOWLEDGED, at=context.at)


def answer(context: Any) -> None:
    facts, inputs = context.case.dp_complaint, context.inputs
    facts.outcome = str(inputs["outcome"])
    texts = {name: str(inputs[name]).strip() for name in ("enquiries", "answer")}
    sealing.seal(facts, texts, key=facts.key)
    facts.save(update_fields=["outcome", *texts])
    clocks.meet(context.case, periods.COMPLAINT, at=context.at)
    tasks.close_all(context.case, TO_ANSWER, actor=context.actor, at=context.at)
    effects.write_to_person(context.case, OUTCOME, at=context.at)


LIFECYCLE = Lifecycle(
    initial="received",
    desk=_OFFICER,
    second="data_protection_officer",
    reopens_to="acknowledged",
    opening_roles=frozenset({"any_staff", "own-website"}),
    editable=frozenset({"received", "acknowledged"}),
    steps=(("received", "Received"), ("acknowledged", "Acknowledged"), ("closed", "Answered")),
    states=(
        State(code="received", label="Received", tone="wait", step="received"),
        State(code="acknowledged", label="Acknowledged", tone="info", step="acknowledged"),
        State(
            code="closed",
            label="Answered",
            tone="done",
            step="closed",
            is_terminal=True,
            retention_class="dp_complaint",
        ),
    ),
    transitions=(
        Transition(
            name="acknowledge",
            label="Acknowledge",
            source=frozenset({"received"}),
            target="acknowledged",
            roles=_OFFICER,
            effects=(acknowledge,),
            consequence="The person is told that the complaint is here and what follows",
            tone="primary",
        ),
        Transition(
            name="close",
            label="Answer",
            source=frozenset({"acknowledged"}),
            target="closed",
            roles=_DPO,
            guards=(says_what_was_found,),
            effects=(answer,),
            consequence="The person is told what was found, and that they can go to the Information Commissioner",
            tone="primary",
        ),
    ),
)
