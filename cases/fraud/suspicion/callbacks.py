"""What the unit's answers, and the end of a period, mean for a report."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cases.kernel import transitions
from cases.kernel.actors import Actor, system
from cases.kernel.casetypes import Content
from cases.kernel.models import Case, Clock

__all__ = ["acknowledged", "consented", "deemed", "moratorium_ended", "refused"]


def acknowledged(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The unit has the report and gave it a reference."""
    _apply(case, "acknowledge", content, actor, at, inputs={"agency_reference": content.agency_reference})


def consented(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The unit gives the defence: the policy hold ends."""
    _apply(case, "consent", content, actor, at)


def refused(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The unit refuses the defence: the moratorium is counted from today, the day on which we learn of it."""
    _apply(case, "refuse", content, actor, at)


def _apply(
    case: Case, name: str, content: Content, actor: Actor, at: datetime, inputs: dict[str, Any] | None = None
) -> None:
    transitions.apply(
        case.pk, name, actor=actor, at=at, occurred_at=content.occurred_at, inputs=inputs, cause=content.callback_uid
    )


def deemed(case: Case, clock: Clock, *, at: datetime) -> None:
    """The notice period is over without a refusal: the law treats the defence as given."""
    transitions.apply(case.pk, "deem_consent", actor=system("deemed_consent", source=case.source), at=at)


def moratorium_ended(case: Case, clock: Clock, *, at: datetime) -> None:
    """The 31 days are over, and no court extended them."""
    transitions.apply(case.pk, "end_moratorium", actor=system("moratorium", source=case.source), at=at)
