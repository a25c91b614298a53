"""A running period gets a later end from outside, by a court say: where its kind of case declares that it can.

What the law lets an order do is the kind's own rule; here it is locked, written down, and counted anew.
"""

from __future__ import annotations

from datetime import date, datetime

from cases.kernel import calendars, casetypes, clocks, edits
from cases.kernel.actors import Actor
from cases.kernel.casetypes import Extension
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.models import Case, Clock
from cases.ledger import api as ledger

__all__ = ["ACT", "ExtensionRefused", "extend", "known", "running"]

ACT = "extend_period"


class ExtensionRefused(CaseError):
    """The period cannot be extended like this; nothing was written. `errors` name the fields."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.errors = {field: sentence}


def known(case: Case, rule: str) -> Extension:
    """Return how a period of a case is extended. Raises NotVisible where it cannot be."""
    found = casetypes.get(case.kind).extensions.get(rule)
    if found is None:
        raise NotVisible
    return found


def running(case: Case, rule: str) -> Clock | None:
    """Return the running clock of a rule, or None."""
    return Clock.objects.filter(case=case, rule=rule, state="running").first()


def extend(
    case_id: int,
    rule: str,
    *,
    ground: str,
    until: date,
    ordered_date: date,
    actor: Actor,
    at: datetime,
    reason: str,
    request: ledger.RequestInfo | None = None,
) -> Case:
    """Give the running clock of a rule its later last day. Locks the case; one ledger event, the reason sealed in it.

    `until` and `ordered_date` are civil dates. A task that had asked for the old end is closed. Raises NotAllowed,
    NotVisible, ExtensionRefused.
    """
    with edits.change(
        case_id, actor=actor, at=at, act=ACT, verb="clock.extended", shapes=False, reason=reason, request=request
    ) as edit:
        case = edit.case
        plan, clock = known(case, rule), running(case, rule)
        if not reason.strip():
            raise ExtensionRefused("Say who gave it and under which reference.", "reason")
        if clock is None:
            raise ExtensionRefused("This period is not running.")
        if ground not in dict(plan.grounds):
            raise ExtensionRefused("Choose what gives the later end.", "ground")
        if ordered_date > calendars.london_date(at):
            raise ExtensionRefused("That day is still to come.", "ordered_date")
        if sentence := plan.why_not(case, clock, until, ordered_date):
            raise ExtensionRefused(sentence, "until")
        before = clock.due_date
        clocks.name_end(case, clock, until=until, at=at)
        plan.note(case, until)
        ledger.current().detail.update(
            {
                "rule": rule,
                "ground": ground,
                "ordered_date": ordered_date.isoformat(),
                "from_date": before.isoformat(),
                "to_date": until.isoformat(),
            }
        )
    return case
