"""An authority cancels what was released already: what it does not have it never gets, and what it may have it is asked
about (Investigatory Powers Act 2016 s.65).

A cancellation before the release is a plain end of the request.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from cases.disclosure import messages
from cases.kernel import outbox, tasks
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, OutboxMessage
from cases.ledger import sealing

__all__ = ["StillLeaving", "has_arrived", "keep_from_leaving", "note", "take_back", "tried"]

ASK = "disclosure_kept_back"
tasks.declare({ASK: "The authority cancelled after the release: ask whether it has the package, and say how it ended"})


class StillLeaving(CaseError):
    """The package is being sent at this moment."""

    def __init__(self) -> None:
        super().__init__("The package is being sent at this moment. Try again in a few minutes.")


def tried(case: Case) -> bool:
    """Say whether the package of a case was tried to be sent, so that the authority may have it. One query."""
    untried = outbox.never_left() | Q(state="pending", attempts=0)
    return _packages(case).exclude(untried).exists()


def has_arrived(case: Case) -> bool:
    """Say whether the authority has the package, or is getting it at this moment. One query."""
    return _packages(case).filter(state__in=("sending", "delivered", "acknowledged")).exists()


def keep_from_leaving(case: Case) -> None:
    """Lock the messages that take the package until the transaction ends, so that no worker takes one meanwhile."""
    list(_packages(case).select_for_update().order_by("pk").values_list("pk"))


def _packages(case: Case) -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(case=case, kind__in=messages.PACKAGE)


def _try_no_more(case: Case, *, actor: Actor, at: datetime) -> None:
    """Nobody sends the package again: what waits or failed is withdrawn, with what asked somebody to see to it; what is
    under way at this moment is its last try. It need not, and may not, be complied with any more (IPA 2016 s.65)."""
    stuck = [str(each.public_id) for each in _packages(case).filter(state__in=("dead", "unknown"))]
    for kind in messages.PACKAGE:
        outbox.withdraw(case, kind, at=at)
    _packages(case).filter(state="sending").update(expires_at=at)
    for task in case.tasks.filter(kind__in=("message_dead", "message_unknown"), closed_at=None):
        if task.detail.get("message") in stuck:
            tasks.close(task, actor=actor, at=at, outcome="withdrawn")


def take_back(context: Any) -> None:
    """The authority does not have what was released, and will not get it: nothing counts as given. Raises StillLeaving
    where a worker has it at this moment."""
    case, actor, at = context.case, context.actor, context.at
    keep_from_leaving(case)
    if has_arrived(case):
        raise StillLeaving
    _try_no_more(case, actor=actor, at=at)
    for message in _packages(case).select_related("key").filter(sealed_body__isnull=False):
        outbox.forget(message, actor=actor.label, reason="cancelled", at=at)
    facts = case.disclosure_request
    facts.released_at = None
    facts.save(update_fields=["released_at"])


def note(context: Any) -> None:
    """Keep that the authority cancelled what it may have, and let somebody ask it."""
    case, at = context.case, context.at
    keep_from_leaving(case)
    facts = case.disclosure_request
    facts.cancelled_at = at
    facts.save(update_fields=["cancelled_at"])
    if notice := str(context.inputs.get("notice") or "").strip():
        sealing.seal(facts, {"cancellation": notice}, key=facts.key)
        facts.save(update_fields=["cancellation"])
    _try_no_more(case, actor=context.actor, at=at)
    tasks.raise_task(ASK, case=case, at=at)
