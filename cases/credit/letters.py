"""Letters about a decision, each made from the decision's own record."""

from __future__ import annotations

from datetime import date, datetime

from cases.credit import periods
from cases.kernel import tasks
from cases.kernel.exchange import letters
from cases.kernel.models import Case, CaseParty, Letter
from cases.kernel.timing import places

__all__ = ["ADVERSE", "AGAIN", "ANSWERED", "AUTOMATED", "BY_HAND", "LETTERS", "RECEIVED", "UNPROVED", "ask"]

BY_HAND = "check_write_by_hand"
tasks.declare({BY_HAND: "Tell the applicant of a decision by hand: no letter can go to them"})
ADVERSE, AGAIN, AUTOMATED = "n2", "n2_again", "n3"
RECEIVED, ANSWERED, UNPROVED = "n3_contest", "n3_outcome", "n3_unproved"
# What a later wording may name of a decision: that of the letter (N2, N3), or the one made again.
_MAY_NAME = {
    "application_id": "Number of the application",
    "decided_at": "Day of the decision",
    "outcome_said": "What was decided",
    "reason_words": "The main reasons",
    "trigger_words": "What counted, in the words of the notice",
    "searched_words": "Which credit reference agencies were searched, and who sees that",
    "answer_within": "Within how long we answer, as its rule has it",
}
_DECISION = {
    ADVERSE: "letter.adverse_decisions.first",
    AUTOMATED: "letter.automated_decisions.first",
    AGAIN: "letter.case.check_decisions.last",
}
_NAMED = {
    ADVERSE: ("decided_at", "outcome_said", "reason_words", "searched_words"),
    AUTOMATED: ("decided_at", "outcome_said", "reason_words", "trigger_words"),
    AGAIN: ("decided_at", "outcome_said"),
}
_PROMISE = frozenset({ADVERSE, AUTOMATED, RECEIVED})  # when somebody looks at it again


def _names(code: str) -> list[str]:
    """Return the placeholders of a letter."""
    of_decision = ("application_id", *_NAMED[code]) if code in _NAMED else ()
    return [*of_decision, *(("answer_within",) if code in _PROMISE else ())]


LETTERS = tuple(
    letters.Template(
        code=code,
        version=1,
        label=label,
        template=f"cases/credit/letters/{code}.html",
        effective_from=date(2026, 1, 1),
        says=("answer",) if code == ANSWERED else (),
        extra={name: _MAY_NAME[name] for name in _names(code)},
        extra_at={
            **{name: f"{_DECISION[code]}.{name}" for name in _NAMED.get(code, ())},
            "answer_within": f"rules.{periods.ANSWER}.length",
        },
        rules=(periods.ANSWER,) if code in _PROMISE else (),
    )
    for code, label in (
        (ADVERSE, "A decision against an applicant, and which agency was searched"),
        (AGAIN, "A check was decided again for an applicant who had contested it"),
        (AUTOMATED, "A decision was taken automatically"),
        (RECEIVED, "A contest of a decision is received"),
        (ANSWERED, "What came of a contest of a decision"),
        (UNPROVED, "A contest is not looked at: nobody showed who they are"),
    )
)
letters.declare(*LETTERS)


def ask(case: Case, template: str, *, at: datetime, role: str = "applicant") -> Letter | None:
    """Ask for a letter to the person in a role, inside the current ledger action. Where no letter can reach them there
    is none, and somebody writes by hand."""
    party = CaseParty.objects.filter(case=case, role=role, is_detached=False).order_by("number").first()
    if party is None or not places.is_reached(party):
        tasks.raise_task(BY_HAND, case=case, at=at, letter=template)
        return None
    return letters.request(case, party, template=template, at=at)
