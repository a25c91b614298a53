"""Erases reports once their time is over: what the paper was (number of pages, hash, head of the chain) stays."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from cases.kernel import calendars, holds, locks, record, retention
from cases.kernel.actors import system
from cases.kernel.evidence import custody, disposal
from cases.kernel.models import AuditReport, Case
from cases.reports.requests import INTERNAL

__all__ = ["erase_due"]

CLASS, REASON = "report", "retention_over"
MOST = 500
ACTOR = system("disposal")
log = logging.getLogger(__name__)


def erase_due(*, now: datetime, most: int = MOST) -> int:
    """Erase the reports that were to be kept until before today, in London, at most `most` in one round; a paper of the
    kind's own, such as a pack of access, stays while its case is open.

    Each is one transaction that locks its case and writes one event; a hold that keeps the case keeps its reports. A
    fault of one is `disposal.one_by_one`'s; a killed worker leaves the rest to the next round. Returns how many. Raises
    OperationalError while the database is away.
    """
    due = AuditReport.objects.filter(erased_at=None, dispose_after_date__lt=calendars.london_date(now))
    due = due.filter(Q(level=INTERNAL) | Q(case__is_closed=True), case__key__destroyed_at=None)
    rows = list(due.order_by("dispose_after_date", "pk").values_list("pk", "case__kind", "case_id"))
    erased = disposal.one_by_one(
        CLASS, rows, lambda pk, _kind, case: _erase(pk, case, now=now), disposal.team_of_kind, now=now, most=most
    )
    if erased:
        log.info("reports_erased", extra={"count": erased})
    return erased


@transaction.atomic
def _erase(report_id: int, case_id: int, *, now: datetime) -> int:
    """Erase one report; none where another worker was first, its case is held, or a paper of a case that is open
    again."""
    case = locks.case_for_update(case_id)
    rows = AuditReport.objects.select_for_update(of=("self",)).select_related("blob__key", "data_blob__key")
    row = rows.filter(pk=report_id, erased_at=None).first()
    if row is None or row.finished_at is None or _is_needed(row, case) or holds.keeps(case, at=now):
        return 0
    rule = retention.in_force(CLASS, on=calendars.london_date(row.finished_at))
    detail = {
        "class": CLASS,
        "versions": [rule.version],
        "report": str(row.uid),
        "sha256": row.sha256,
        "kept_until": row.dispose_after_date,
    }
    with record.act(case, "report.erased", actor=ACTOR, at=now, detail=detail):
        for blob in filter(None, (row.blob, row.data_blob)):
            custody.erase_blob(blob, actor=ACTOR, at=now, reason=REASON)
        row.erased_at = now
        row.save(update_fields=["erased_at"])
    return 1


def _is_needed(row: AuditReport, case: Case) -> bool:
    return row.level != INTERNAL and not case.is_closed
