"""What agencies say of invented referrals, and what was decided about some of it, for a demonstration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cases.fraud import incoming
from cases.fraud.models import IncomingNotice
from cases.kernel.actors import Actor
from cases.kernel.models import Case

__all__ = ["STORY", "tell"]

# What is said, and what becomes of it: nothing yet, or a decision with its reason.
STORY: tuple[tuple[str, str, str], ...] = (
    ("match", "confirmed", "Same date of birth and the same handset; the other member read out its file."),
    ("match", "false_positive", "A cousin of the same name; born eleven years later."),
    ("match", "referred_to_manual", "The other member is asked for the account's opening papers."),
    ("match", "", ""),
    ("enquiry", "stands", "Nothing has changed since it was filed."),
    ("enquiry", "", ""),
    ("removal_instruction", "", ""),
    ("protective_registration", "extra_checks", "It is our account holder; the password is asked for from now on."),
    ("protective_registration", "", ""),
    ("hit", "", ""),
)

Say = Callable[[Case, str, datetime], None]


def tell(cases: Sequence[Case], *, say: Say, decider: Actor, now: datetime) -> None:
    """Let each line of the story be said of one of the filed cases in turn, and decided where the story says so."""
    for place, (kind, outcome, reason) in enumerate(STORY):
        case = cases[place % len(cases)]
        at = min(now, max(case.changed_at, now - timedelta(hours=30 - 2 * place)))
        known = set(IncomingNotice.objects.filter(case=case).values_list("pk", flat=True))
        say(case, kind, at)
        row = IncomingNotice.objects.filter(case=case).exclude(pk__in=known).select_related("case").first()
        if row is not None and outcome:
            later = min(now, at + timedelta(hours=1))
            incoming.decide(row, outcome, actor=decider, at=later, reason=reason, inputs=_inputs(case))


def _inputs(case: Case) -> Mapping[str, Any]:
    party = case.parties.order_by("-is_innocent", "number").first()
    return {"person": str(party.number) if party else ""}
