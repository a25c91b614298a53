"""Letters to whoever complained of calls. None says who called: the trace's result is open to no template."""

from __future__ import annotations

from datetime import date, datetime

from cases.kernel import tasks
from cases.kernel.exchange import letters
from cases.kernel.models import Case, CaseParty
from cases.kernel.timing import places

__all__ = ["BY_HAND", "LETTERS", "write"]

BY_HAND = "trace_write_by_hand"
tasks.declare({BY_HAND: "Write to whoever complained of calls, without any identity"})
_LABELS = {
    "trace_declined": "Trace of calls: not made",
    "trace_nothing": "Trace of calls: nothing was found",
    "trace_passed": "Trace of calls: what was found is passed on",
    "trace_ended": "Trace of calls: ended",
}
LETTERS = tuple(
    letters.Template(
        code=code,
        version=1,
        label=label,
        template=f"cases/fraud/trace/letters/{code}.html",
        effective_from=date(2026, 1, 1),
    )
    for code, label in _LABELS.items()
)
letters.declare(*LETTERS)


def write(case: Case, template: str, *, at: datetime) -> None:
    """Ask for a letter to whoever complained, inside the current ledger action; somebody writes by other means to
    whoever has no name or no home here."""
    party = CaseParty.objects.filter(case=case, is_detached=False).order_by("number").first()
    if party is None or party.surname is None or not places.is_reached(party):
        tasks.raise_task(BY_HAND, case=case, at=at, letter=template)
        return
    letters.request(case, party, template=template, at=at)
