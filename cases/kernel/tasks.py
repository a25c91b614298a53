"""Work owed by a team. The words come from `kind` and codes: a task never holds personal data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from cases.kernel.actors import Actor
from cases.kernel.models import Case, Task, Team
from cases.kernel.prepared import Prepared
from cases.ledger import api as ledger

__all__ = [
    "CHECK_AFTER",
    "ENDED_BY",
    "ENDING_WITH_CASE",
    "LABELS",
    "close",
    "close_all",
    "close_with_case",
    "ends_with",
    "label",
    "raise_once",
    "raise_task",
]

CHECK_AFTER = "check_after"
SAY_WHAT = "Say what was done, or why nothing is to be done."
LABELS: dict[str, str] = {
    "callback_not_applied": "A callback could not be applied",
    "callback_ambiguous": "A callback names a reference that several cases share",
    "callback_unmatched": "A callback matched no case",
    "callback_unreadable": "A signed callback could not be read",
    "message_dead": "A message to an agency could not be delivered",
    "clock_over": "A period is over",
    "clock_not_ended": "A period could not be ended by itself",
    CHECK_AFTER: "Look at what was done at once",
    "not_confirmed": "What was done at once was not confirmed",
    "proposal_declined": "What you proposed was declined",
    "proposal_of_leaver": "What somebody who left had proposed was taken back: propose it anew, or say why not",
    "hold_review": "Look at a hold again",
    "link_review": "Somebody proposed a link to this case",
    "conflict": "Reassign: a caseworker declared a conflict of interest",
    "clock_soon": "A period ends soon",
    "document_infected": "A document holds something harmful",
    "document_unscannable": "A document could not be scanned",
    "document_damaged": "A stored document is not as it was taken in",
}

# Kinds that end only by the act they wait for, each with the sentence that says so. Every other kind is closed by hand,
# with a reason.
ENDED_BY: dict[str, str] = {
    "callback_not_applied": "This ends when the callback is decided on the agency's page.",
    "callback_ambiguous": "This ends when the callback is decided on the agency's page.",
    "callback_unmatched": "This ends when the callback is decided on the agency's page.",
    "message_dead": "This ends when the message is sent again or given up on the agency's page.",
    CHECK_AFTER: "This ends when another person than who acted has looked at it.",
}

# Kinds that ask for nothing any more once their case has ended, however it ended. Every other one stays with the ended
# case until somebody did what it asks for, and keeps it from being erased.
ENDING_WITH_CASE: set[str] = {"conflict"}

# What a kind says beyond its label, made of its detail; and the page on which it is done, with the parts of the detail
# that its address names.
MORE: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "hold_review": lambda detail: "its reason is over, release it or say why it stays" if "is_over" in detail else "",
}
PAGES: dict[str, tuple[str, ...]] = {}
# What follows in any case when somebody closes a task of a kind by hand, unless its family says otherwise.
FOLLOWS: dict[str, Callable[..., None]] = {}


def declare(
    labels: Mapping[str, str],
    *,
    ended_by: Mapping[str, str] | None = None,
    more: Mapping[str, Callable[[Mapping[str, Any]], str]] | None = None,
    pages: Mapping[str, tuple[str, ...]] | None = None,
    with_case: Collection[str] = (),
) -> None:
    """Add a family's task kinds; `ended_by` says of those that end only by an act which that is, `more` what one says
    beyond its label, `pages` where it is done, `with_case` which end with their case. Called while families load."""
    LABELS.update(labels)
    ENDED_BY.update(ended_by or {})
    MORE.update(more or {})
    PAGES.update(pages or {})
    ENDING_WITH_CASE.update(with_case)


def ends_with(kind: str) -> str:
    """Return the sentence why a task of this kind is not closed by hand; nothing where it is."""
    return ENDED_BY.get(kind, "")


def label(kind: str) -> str:
    return LABELS.get(kind, kind.replace("_", " ").capitalize())


def raise_task(
    kind: str,
    *,
    case: Case | None,
    at: datetime,
    team: Team | None = None,
    due_at: datetime | None = None,
    assignee_id: int | None = None,
    **detail: object,
) -> Task:
    """Open a task inside the current ledger action; a case that rested or was put aside is work again. `detail` takes
    codes and ids only."""
    if case is not None and (case.is_dormant or (case.snoozed_until is not None and case.snoozed_until > at)):
        case.is_dormant, case.snoozed_until = False, None
        case.save(update_fields=["is_dormant", "snoozed_until"])
    return Task.objects.create(
        kind=kind,
        case=case,
        team=team or (case.team if case else None),
        assignee_id=assignee_id,
        detail=detail,
        raised_by_event=ledger.current().uid,
        opened_at=at,
        due_at=due_at,
    )


def raise_once(
    kind: str,
    *,
    at: datetime,
    about: Mapping[str, Any],
    team: Team | None = None,
    due_at: datetime | None = None,
    **more: Any,
) -> Task | None:
    """Open a task of no case inside the current ledger action, unless one of its kind about the same is open: then
    return None. The caller has locked what it is about. `about` and `more` take codes and ids only."""
    if Task.objects.filter(case=None, kind=kind, closed_at=None, detail__contains=dict(about)).exists():
        return None
    return raise_task(kind, case=None, at=at, team=team, due_at=due_at, **about, **more)


def is_open(kind: str) -> bool:
    """Say whether a task of this kind that is of no case is open. One query."""
    return Task.objects.filter(case=None, kind=kind, closed_at=None).exists()


def codes_of(errors: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the codes of what an agency refused, as a task may hold them: never its text."""
    return [str(error.get("code", ""))[:80] for error in errors]


def close(task: Task, *, actor: Actor, at: datetime, outcome: str = "done") -> None:
    """Close a task inside the current ledger action."""
    task.closed_at, task.closed_by_id, task.outcome = at, actor.user_id, outcome
    task.save(update_fields=["closed_at", "closed_by", "outcome"])


def close_about(case: Case, kind: str, *, actor: Actor, at: datetime, **detail: object) -> None:
    """Close every open task of a kind that is about one thing, on a locked case."""
    for task in Task.objects.filter(case=case, kind=kind, closed_at=None, detail__contains=detail):
        close(task, actor=actor, at=at)


def close_office(kind: str, *, actor: Actor, at: datetime, **detail: object) -> None:
    """Close every open task of the office that is about one thing, inside the current ledger action."""
    for task in Task.objects.filter(case=None, kind=kind, closed_at=None, detail__contains=detail):
        close(task, actor=actor, at=at)


def rests(case: Case) -> bool:
    """Say whether nothing is due and no task is open, so that a case in a dormant state may rest."""
    return case.due_at is None and not _OPEN.rows(case=case.pk)


def open_of(case: Any) -> QuerySet[Task]:
    """Return the open tasks of a case, in no order."""
    return Task.objects.filter(case=case, closed_at=None).order_by()


_OPEN = Prepared(lambda case: open_of(case).values_list("pk")[:1], case=-(10**15) - 1)


def close_all(case: Case, kind: str, *, actor: Actor, at: datetime) -> None:
    """Close every open task of a kind on a locked case."""
    for task in Task.objects.filter(case=case, kind=kind, closed_at=None):
        close(task, actor=actor, at=at)


def close_with_case(case: Case, *, actor: Actor, at: datetime) -> None:
    """Close what asks for nothing any more, now that a locked case has ended, inside the current ledger action."""
    for task in Task.objects.filter(case=case, kind__in=ENDING_WITH_CASE, closed_at=None):
        close(task, actor=actor, at=at, outcome="case_ended")
