"""A document that is not as it was taken in: an event and a task for people, once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cases.kernel import locks, record, tasks
from cases.kernel.actors import system
from cases.kernel.models import Evidence, Task

__all__ = ["report"]

TASK = "document_damaged"


@transaction.atomic
def report(document: Evidence, *, at: datetime) -> bool:
    """Put on record that a stored document does not match its hash, and raise a task unless one is open. Locks the
    case; returns whether it was news."""
    case = locks.case_for_update(document.case_id)
    if Task.objects.filter(case=case, kind=TASK, closed_at=None, detail__document=document.number).exists():
        return False
    detail = {"document": document.number, "sha256": document.sha256}
    actor = system("custody", source=case.source)
    with record.act(case, "case.evidence_damaged", actor=actor, at=at, detail=detail):
        tasks.raise_task(TASK, case=case, at=at, document=document.number)
    return True
