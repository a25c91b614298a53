"""Letters to the two people. Each is written from its reader's own data: neither learns where the other lives."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from cases.association import codes, periods
from cases.kernel import outbox, tasks
from cases.kernel.exchange import letters
from cases.kernel.models import Case, CaseParty, Letter
from cases.kernel.timing import places

__all__ = ["BY_HAND", "LETTERS", "take_back", "write"]

BY_HAND = "association_write_by_hand"
_LABELS = {
    "n12": "Association recorded: to whoever declared it",
    "n12_other": "Association recorded: to the other person",
    "n13": "How to break an association",
    "n13_refused": "An association is not broken: something joint is open",
    "n13_broken": "What became of a request to break an association",
    "n13_kept": "Every agency refused to break an association",
    "association_stands": "Answer to a challenge: the association stands",
    "association_removed": "Answer to a challenge: the association is removed",
    "association_gone": "An association is removed",
}
_OF_OTHER: dict[str, Any] = {
    "extra": {
        "answer_within": "Within how long we look at what they say, as its rule has it",
        "documents_for": "How long documents are kept after the end, as the schedule has it",
        "history_for": "How long it is kept that there was a link, as the schedule has it",
    },
    "extra_at": {
        "answer_within": f"rules.{periods.ANSWER}.length",
        "documents_for": f"kept.{periods.EVIDENCE}",
        "history_for": f"kept.{periods.HISTORY}",
    },
    "rules": (periods.ANSWER,),
    "kept": (periods.EVIDENCE, periods.HISTORY),
}
LETTERS = tuple(
    letters.Template(
        code=code,
        version=1,
        label=label,
        template=f"cases/association/letters/{code}.html",
        effective_from=date(2026, 1, 1),
        **(_OF_OTHER if code == "n12_other" else {}),
    )
    for code, label in _LABELS.items()
)


def write(case: Case, role: str, template: str, *, at: datetime) -> None:
    """Ask for a letter to one side of the link, inside the current ledger action. Where the case does not know where
    that person lives, somebody writes by hand; so too where the other person is answered who did not say that the
    address in the case is right: the declarer gave it and may live there."""
    party = CaseParty.objects.filter(case=case, role=role, is_detached=False).first()
    is_unsure = role == codes.OTHER and template != "n12_other" and not case.association.other_wants_home
    if party is None or is_unsure or not places.is_reached(party):
        tasks.raise_task(BY_HAND, case=case, at=at, letter=template, side=role)
        return
    letters.request(case, party, template=template, at=at)


def take_back(case: Case, *, at: datetime) -> None:
    """Take back the letters that say that the link is recorded and that nobody has tried to post, printed or not.
    Inside the current ledger action; locks their messages."""
    recorded = Letter.objects.filter(case=case, state__in=("due", "rendered"), template__in=("n12", "n12_other"))
    for letter in recorded.select_related("message"):
        if letter.message is None or outbox.take_back(letter.message, at=at):
            letter.state = "withdrawn"
            letter.save(update_fields=["state"])


def side_of(case: Case, party: CaseParty | None) -> str:
    """Return on which side of the link somebody is."""
    return party.role if party is not None else codes.OTHER
