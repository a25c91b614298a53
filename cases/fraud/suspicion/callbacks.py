"""What the unit's answers, and the end of a period, mean for a report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cases.fraud.suspicion import effects
from cases.kernel import clocks, record, tasks, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.casetypes import Content
from cases.kernel.models import Case, Clock, OutboxMessage

__all__ = ["acknowledged", "consented", "deemed", "delivered", "moratorium_ended", "not_taken", "refused"]

_GIVEN = frozenset({"consented", "closed"})
tasks.declare({effects.NOT_TAKEN: "The unit did not take the report; nothing is disclosed and payouts wait"})


def acknowledged(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The unit has the report and gave it a reference. Raises TransitionRefused where it gave another before."""
    known = case.suspicion_report.unit_reference
    if case.state != "submitted" and known and content.agency_reference not in ("", known):
        raise transitions.TransitionRefused("The unit names a second reference: it may have the report twice.")
    _apply(case, "acknowledge", content, actor, at, inputs={"agency_reference": content.agency_reference})


def consented(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The unit gives the defence: the policy hold ends."""
    _apply(case, "consent", content, actor, at)


def refused(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The unit refuses the defence: the moratorium is counted from the day on which that reached us.

    Raises TransitionRefused where the defence was given already, or its time was over: payouts may go out then, and the
    nominated officer must hear of it.
    """
    if case.state in _GIVEN:
        raise transitions.TransitionRefused("The unit refuses a defence that was given, or taken as given, before.")
    _apply(case, "refuse", content, actor, at)


def _apply(
    case: Case, name: str, content: Content, actor: Actor, at: datetime, inputs: dict[str, Any] | None = None
) -> None:
    transitions.apply(
        case.pk,
        name,
        actor=actor,
        at=at,
        occurred_at=content.occurred_at,
        inputs={**(inputs or {}), "received_at": content.reached_us(at)},
        cause=content.callback_uid,
    )


def deemed(case: Case, clock: Clock, *, at: datetime) -> None:
    """The notice period is over without a refusal: the law treats the defence as given."""
    transitions.apply(case.pk, "deem_consent", actor=system("deemed_consent", source=case.source), at=at)


def moratorium_ended(case: Case, clock: Clock, *, at: datetime) -> None:
    """The 31 days are over, and no court extended them."""
    transitions.apply(case.pk, "end_moratorium", actor=system("moratorium", source=case.source), at=at)


def delivered(case: Case, message: OutboxMessage, *, at: datetime) -> None:
    """The unit has the report: from its delivery the notice period is counted, unless the answer came first."""
    if case.state not in {"submitted", "acknowledged"}:
        return
    disclosed_at = message.delivered_at or at
    with record.act(case, "suspicion_report.delivered", actor=_delivery(case), at=at, occurred_at=disclosed_at):
        effects.start_notice_period(case, disclosed_at=disclosed_at)
        clocks.refresh_due(case)
        case.save()


def not_taken(case: Case, message: OutboxMessage, errors: Sequence[dict[str, Any]], *, at: datetime) -> None:
    """The unit refused the message itself: nothing is disclosed, no period runs, and the nominated officer acts."""
    given = [str(error.get("code", ""))[:80] for error in errors if isinstance(error, dict)]
    with record.act(
        case, "suspicion_report.not_taken", actor=_delivery(case), at=at, detail={"message": str(message.public_id)}
    ):
        tasks.raise_task(effects.NOT_TAKEN, case=case, at=at, message=str(message.public_id), codes=given)


def _delivery(case: Case) -> Actor:
    return system("delivery", source=case.source)
