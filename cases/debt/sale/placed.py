"""What of a pool an agency still has: recalled when the pool is cut off, each by the recall of its placement, or taken
out of the file that waits to leave."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from cases.debt import codes as placements
from cases.debt import effects, periods, recalling
from cases.debt.models import Placement
from cases.debt.sale import looking
from cases.debt.sale.models import DebtSale
from cases.kernel import clocks, locks, policy, record
from cases.kernel.actors import Actor
from cases.kernel.background import jobs

__all__ = ["KIND", "REASON", "recall_all", "still_placed"]

SALE_RECALL = "recall_for_sale"
REASON = "The debt is about to be sold."
_RECALLED_FROM = ("released", "sent", "active")


def still_placed(sale: DebtSale) -> QuerySet[Placement]:
    """Return the open placements of accounts that are left in a sale: chosen, on their way to an agency, or there."""
    accounts = looking.left(sale).values("account_id")
    return Placement.objects.filter(account__in=accounts, case__is_closed=False, case__state__in=placements.OUT)


def recall_all(sale: DebtSale, *, actor: Actor, at: datetime) -> None:
    """Have every account that an agency has recalled, in the background, if there is one. Within an act of the sale."""
    if still_placed(sale).filter(case__state__in=_RECALLED_FROM).exists():
        jobs.start(SALE_RECALL, actor=actor, at=at, params={"sale": sale.pk}, key=f"{sale.pk}:{at.isoformat()}")


def _rows(job: jobs.Job) -> Iterable[int]:
    sale = DebtSale.objects.get(pk=job.params["sale"])
    rows = still_placed(sale).filter(case__state__in=_RECALLED_FROM)
    return rows.order_by("pk").values_list("pk", flat=True)


def _recall(job: jobs.Job, subject: str, at: datetime) -> None:
    """Recall one account: the move of its placement, with its message and its clock. Whoever cut the pool off decided
    it, so nobody of the collections desk is asked. One whose file waits is taken out of it within a minute."""
    case = locks.case_for_update(int(subject))
    if case.state not in _RECALLED_FROM:
        raise jobs.Skipped("not_placed")
    if case.state == "released":
        with record.act(case, "placement.file_stopped", actor=jobs.worker_of(job), at=at):
            effects.stop_file(case, at=at)
            if not case.clocks.filter(rule=periods.PULL, ended_at=None).exists():
                raise jobs.Skipped("on_its_way")
            clocks.refresh_due(case)
            case.version += 1
            case.save()
        return
    recalling.recall_one(case, reason=REASON, actor=jobs.worker_of(job), at=at)


def _names(actor: Actor, subjects: list[str]) -> dict[str, str]:
    """Return the references of those that this person may know of."""
    rows = Placement.objects.filter(pk__in=[int(each) for each in subjects], case__in=policy.visible_to(actor))
    return {str(pk): reference for pk, reference in rows.values_list("pk", "case__reference")}


KIND = jobs.Kind(
    code=SALE_RECALL,
    label="Recall accounts that are about to be sold",
    rows=_rows,
    do=_recall,
    desk="debt_sale",
    case="sale",
    reasons={
        "not_placed": "The agency has it no more",
        "on_its_way": "Its file is just leaving: build the tape again later, then it is recalled",
    },
    names=_names,
)
jobs.declare(KIND)
