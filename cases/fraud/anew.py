"""What the police were told before a filing stands, and is no longer so, is said anew by whoever may report to them.

Of a filing that stands the amendment says it: see `amending`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cases.fraud import astold, police
from cases.kernel import tasks
from cases.kernel.actors import system
from cases.kernel.exchange import corrections
from cases.kernel.models import Case, Task
from cases.ledger import api as ledger

__all__ = ["ask", "police_know", "say"]

# Where the case may be changed and no filing is on its way.
_BEFORE = frozenset({"investigating", "ready"})
# Taking the last of them out leaves the police nothing that could differ.
_DETACHED = "fraud_referral.detach"
_POLICE = frozenset({police.REPORT_FRAUD.recipient_kind})


def ask(case: Case, *, at: datetime) -> None:
    """After a change: ask once for a report anew where the police have something else, inside the current ledger
    action; what was put back is not owed any more. One query where they were told nothing."""
    if case.state not in _BEFORE:
        return
    is_told = _were_told(case)
    if not is_told and ledger.current().verb != _DETACHED:
        return
    case.fraud_referral.refresh_from_db()
    if is_told and astold.differs_from_police(case):
        _owe(case, at=at)
    else:
        tasks.close_all(case, police.ANEW, actor=system("amending", source=case.source), at=at)


def say(context: Any) -> None:
    """An approver decided on the case as it is now: the police hear that, where they have something else."""
    case, actor, at = context.case, context.actor, context.at
    if not _were_told(case):
        return
    tasks.close_all(case, police.ANEW, actor=actor, at=at)
    if not astold.differs_from_police(case):
        return
    corrections.send(case, "amended", reason="amended", actor=actor, at=at, to=_POLICE)
    if astold.differs_from_police(case):
        _owe(case, at=at)


def police_know(context: Any) -> str | None:
    """Whoever closes a case may not report to the police: first an approver does, or says why it is not needed."""
    if Task.objects.filter(case=context.case, kind=police.ANEW, closed_at=None).exists():
        return "The police have something else than the case says now. Report to them anew first, or close that task."
    return None


def _were_told(case: Case) -> bool:
    return any(recipient.agency.kind in _POLICE for recipient in corrections.earlier_recipients(case))


def _owe(case: Case, *, at: datetime) -> None:
    if not Task.objects.filter(case=case, kind=police.ANEW, closed_at=None).exists():
        tasks.raise_task(police.ANEW, case=case, at=at)
