"""The only place that locks a case. Whoever changes a case locks it first."""

from typing import cast

from django.db import connection
from django.db.transaction import TransactionManagementError

from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.models import Case
from cases.kernel.prepared import Prepared


class CaseBusy(CaseError):
    """Somebody else is writing to the other case at this moment."""

    def __init__(self) -> None:
        super().__init__("Somebody is working on the other case at this moment. Try again.")


class CaseErased(CaseError):
    """All that the case held is erased."""

    def __init__(self, case: Case) -> None:
        super().__init__(f"What {case.reference} held is erased: nothing is changed in it any more.")


def case_for_update(case_id: int) -> Case:
    """Return the case with its row locked until the transaction ends. Raises NotVisible when there is none,
    CaseErased when its key was destroyed."""
    if not connection.in_atomic_block:
        raise TransactionManagementError("A lock outside a transaction holds nothing.")
    for case in _LOCKED.objects(case=case_id):
        return _unerased(cast(Case, case))
    raise NotVisible


def _unerased(case: Case) -> Case:
    if case.key.destroyed_at is not None:
        raise CaseErased(case)
    return case


_LOCKED = Prepared(
    lambda case: Case.objects.select_for_update(of=("self",)).select_related("key").filter(pk=case), case=-(10**15) - 1
)


def another_for_update(case_id: int) -> Case:
    """Lock a second case while one is locked, without waiting: two people who join two cases crosswise would wait for
    each other for ever. Raises CaseBusy, CaseErased, NotVisible."""
    rows = Case.objects.select_for_update(of=("self",), skip_locked=True).select_related("key")
    case = rows.filter(pk=case_id).first()
    if case is not None:
        return _unerased(case)
    raise CaseBusy if Case.objects.filter(pk=case_id).exists() else NotVisible
