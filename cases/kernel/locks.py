"""The only place that locks a case. Whoever changes a case locks it first."""

from cases.kernel.errors import NotVisible
from cases.kernel.models import Case


def case_for_update(case_id: int) -> Case:
    """Return the case with its row locked until the transaction ends. Raises NotVisible when there is none."""
    case = Case.objects.select_for_update(of=("self",)).select_related("key").filter(pk=case_id).first()
    if case is None:
        raise NotVisible
    return case
