"""A member of our staff is named: a matter for human resources. Nothing about them goes to the fraud prevention agency,
whose scheme for staff is another; whoever else took part is filed as usual.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from cases.fraud import codes
from cases.kernel import tasks
from cases.kernel.models import Case, CaseParty, Task
from cases.kernel.prepared import Prepared

__all__ = ["TASKS", "hand_on", "others", "people"]

TASK = "fraud_employee"
TASKS = {TASK: "A member of our staff is named: hand that to human resources"}


def others(case: Case) -> QuerySet[CaseParty]:
    """Return the people of a case of whom something may be filed, by number."""
    named = CaseParty.objects.filter(case=case, is_detached=False).exclude(role=codes.EMPLOYEE)
    return named.order_by("number")


def people(case: Case) -> list[CaseParty]:
    """Return what `others` does, read. One query."""
    return _OTHERS.objects(case=case.pk)


_OTHERS = Prepared(others, case=-(10**15) - 1)
_STAFF = Prepared(
    lambda case: CaseParty.objects.filter(case_id=case, role=codes.EMPLOYEE, is_detached=False).values_list("pk")[:1],
    case=-(10**15) - 1,
)


def hand_on(case: Case, *, at: datetime) -> None:
    """Ask once that it be handed on, inside the current ledger action on a locked case."""
    if _STAFF.rows(case=case.pk) and not Task.objects.filter(case=case, kind=TASK).exists():
        tasks.raise_task(TASK, case=case, at=at)
