"""Completing a sale in the background: asked for by whoever has the money, done by a job in one transaction.

With a hundred thousand accounts it takes minutes to ask every exclusion once more. In that one transaction their
accounts are locked, the debts become the buyer's and the tape is promised: it happens wholly or not at all, however
often a worker is killed. The lines follow part by part (`bulk`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction

from cases.debt.sale import effects, looking, messages, tapes
from cases.debt.sale.models import DebtSale
from cases.kernel import actors, casetypes, locks, record, transitions
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.errors import CaseError
from cases.kernel.models import Case
from cases.ledger import api as ledger

__all__ = ["COMPLETE", "KIND", "CompletionRefused", "ask"]

COMPLETE = "complete"
SALE_COMPLETE = "complete_sale"


class CompletionRefused(CaseError):
    """The sale cannot be completed now; the message is fit to show."""


@transaction.atomic
def ask(
    case_id: int,
    name: str,
    *,
    actor: Actor,
    at: datetime,
    reason: str = "",
    inputs: Mapping[str, Any] | None = None,
    version: int | None = None,
    request: ledger.RequestInfo | None = None,
) -> Case:
    """Have a sale completed in the background, for the price that came on a day. Locks the case; one act, one job.

    Everything that can be said at once is asked now, and all of it again when it is done, in the name of who asked.
    Raises TransitionRefused, CaseChanged, CompletionRefused.
    """
    case = locks.case_for_update(case_id)
    if version is not None and version != case.version:
        raise transitions.CaseChanged("Somebody changed this case while you were reading it.")
    given = dict(inputs or {})
    context = transitions.Context(
        case=case,
        transition=casetypes.get(case.kind).lifecycle[name],
        actor=actor,
        at=at,
        occurred_at=at,
        reason=reason,
        inputs=given,
        request=request,
    )
    transitions.check(context)
    if is_under_way(case):
        raise CompletionRefused("The sale is being completed already.")
    with record.act(case, "debt_sale.completion_asked", actor=actor, at=at, request=request):
        looking.touch(case, at=at)
    params = {
        "sale": case.pk,
        "funds_pence": given["funds_pence"],
        "funds_date": given["funds_date"].isoformat(),
    }
    jobs.start(SALE_COMPLETE, actor=actor, at=at, params=params, key=f"{case.uid}:{case.version}", request=request)
    return case


def is_under_way(case: Case) -> bool:
    """Say whether a completion was asked for and has not ended. One query."""
    rows = jobs.Job.objects.filter(kind=SALE_COMPLETE, key__startswith=f"{case.uid}:")
    return rows.filter(state__in=["queued", "running", "stopping"]).exists()


def _complete(job: jobs.Job, _subject: str, at: datetime) -> Callable[[], None]:
    """Seal the tape for the buyer while nothing is locked, and return what is left to do under the locks: to complete
    the sale in the name of who asked for it, if they still may. Raises TapeRefused, NoChannel, NoFiles, StoreFull; what
    is left TransitionRefused, LookRefused, Outdated."""
    if job.asked_by is None:
        raise CompletionRefused("A person completes a sale.")
    actor = actors.staff(job.asked_by, source=job.source)
    sale = DebtSale.objects.select_related("case__key", "purchaser").get(case_id=job.params["sale"])
    tape = tapes.newest(sale, "final")
    ready = None  # what is missing is said by the guards
    if sale.case.state == "approved" and sale.purchaser is not None and tape is not None:
        ready = messages.make_ready(sale.case, tape, sale.purchaser, actor=actor, at=at)
    return partial(_apply, job, actor, ready, at=at)


def _apply(job: jobs.Job, actor: Actor, ready: messages.ReadyTape | None, *, at: datetime) -> None:
    inputs = {
        "funds_pence": job.params["funds_pence"],
        "funds_date": date.fromisoformat(job.params["funds_date"]),
        effects.READY: ready,
    }
    try:
        transitions.apply(job.params["sale"], COMPLETE, actor=actor, at=at, inputs=inputs)
    except BaseException:
        if ready is not None:
            ready.file.drop()
        raise


def _finish(job: jobs.Job, _at: datetime) -> None:
    if job.failed:
        raise CompletionRefused("The sale was not completed.")


KIND = jobs.Kind(
    code=SALE_COMPLETE,
    label="Complete a sale",
    rows=lambda _job: [COMPLETE],
    do=_complete,
    finish=_finish,
    reasons={
        "look_refused": "The accounts changed since they were looked at: look at them again",
        "transition_refused": "Something changed since it was asked for: the page of the sale says what is missing",
        "completion_refused": "The sale was not completed",
    },
    names=lambda _actor, subjects: dict.fromkeys(subjects, "The sale"),
    longest=timedelta(minutes=20),
    is_slow=True,
)
jobs.declare(KIND)
