"""Asking for audit reports and kinds' own papers, making the ones asked for, and opening them: acts on record."""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Max, Q

from cases.kernel import actors, calendars, casetypes, conflicts, failpoints, locks, policy, record, retention, tasks
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.evidence import blobs
from cases.kernel.models import AuditReport, Case, StoredBlob
from cases.kernel.outputs.papers import Paper
from cases.ledger import api as ledger
from cases.ledger import checkpoints, sealing
from cases.reports import audit, papers, press, seal
from cases.reports.audit import Draft
from cases.reports.pdf import Printed

__all__ = [
    "INTERNAL",
    "ReportRefused",
    "act_of",
    "file_name",
    "label_of",
    "make",
    "make_due",
    "open_report",
    "paper_of",
    "print_now",
    "request",
]

log = logging.getLogger(__name__)

BATCH = 5
TRIES = 3
# Longer than the press may take; a report still running after it belongs to a worker that died.
LEASE = timedelta(minutes=10)
PURPOSE = "audit_report"
INTERNAL = "internal"
tasks.declare({"report_failed": "An audit report could not be made"})


class ReportRefused(CaseError):
    """The report cannot be asked for or opened like this."""


def paper_of(case: Case, level: str) -> Paper | None:
    """Return the kind's own paper of this level; none for the audit report. Raises ReportRefused for no such paper."""
    found = casetypes.get(case.kind).papers.get(level)
    if found is None and level != INTERNAL:
        raise ReportRefused("There is no such paper of this case.")
    return found


def act_of(case: Case, level: str) -> str:
    """Return the right to ask for a paper of this level and to open it. Raises ReportRefused."""
    paper = paper_of(case, level)
    return paper.act if paper else "report"


def label_of(case: Case, level: str) -> str:
    """Return what people call a paper of this level. Raises ReportRefused."""
    paper = paper_of(case, level)
    return paper.label if paper else "Audit report"


def file_name(report: AuditReport, *, ending: str) -> str:
    paper = paper_of(report.case, report.level)
    return f"{report.case.reference}-{paper.file_name if paper else 'audit-report'}.{ending}"


def request(
    case: Case,
    *,
    actor: Actor,
    at: datetime,
    reason: str = "",
    level: str = INTERNAL,
    request: ledger.RequestInfo | None = None,
) -> AuditReport:
    """Ask for a paper of a case: locks it and writes one ledger event. A task makes it; the face rings on commit.

    Raises NotAllowed, or ReportRefused for a registered tie, when a reason is wanted and missing, and where the kind
    makes no such paper of the case now; nothing is then written.
    """
    paper = paper_of(case, level)
    decision = policy.require(actor, act_of(case, level), case=case)
    if paper and (refusal := paper.why_not(case)):
        raise ReportRefused(refusal)
    if refusal := conflicts.why_not(actor, case):
        raise ReportRefused(refusal)
    if decision.needs_reason and not reason.strip():
        raise ReportRefused("Say why you need this report.")
    return _ask(case, actor=actor, at=at, reason=reason.strip(), level=level, request=request)


@transaction.atomic
def _ask(
    case: Case,
    *,
    actor: Actor,
    at: datetime,
    reason: str = "",
    level: str = INTERNAL,
    request: ledger.RequestInfo | None = None,
) -> AuditReport:
    locked = locks.case_for_update(case.pk)
    with record.act(locked, "report.requested", actor=actor, at=at, reason=reason, request=request) as action:
        report = AuditReport.objects.create(case=locked, level=level, requested_by_id=actor.user_id, requested_at=at)
        action.detail.update({"report": str(report.uid), "level": report.level})
    return report


def make_due(*, now: datetime) -> int:
    """Make the reports that were asked for and return how many were finished. Several workers may run at once."""
    return sum(_make_unless_erased(report_id, now=now) for report_id in _due(now)[:BATCH])


def _make_unless_erased(report_id: int, *, now: datetime) -> int:
    """Make one; of a case that was erased meanwhile none is made, and no other waits for it."""
    try:
        return make(report_id, now=now)
    except locks.CaseErased:
        return 0


def _due(now: datetime) -> list[int]:
    """Return what waits, and what a worker left behind."""
    waiting = AuditReport.objects.filter(Q(state="queued") | Q(state="running", requested_at__lt=now - LEASE))
    waiting = waiting.filter(case__is_erased=False)
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def make(report_id: int, *, now: datetime) -> bool:
    """Make one report: claim it, set its pages outside any transaction, seal them where there is a key for it, keep
    them enciphered. False when another has it.

    A report whose pages cannot be set, or whose kind makes no such paper of the case any more, is failed and becomes a
    task; one whose worker died is taken up again.
    """
    report = _claim(report_id, now=now)
    if report is None:
        return False
    try:
        paper = paper_of(report.case, report.level)
        if paper and paper.why_not(report.case):
            _fail(report, now=now)
            return False
        reader = _reader(report, paper.purpose if paper else PURPOSE)
        by = seal.sealer()
        if paper:
            draft = papers.draft(report, paper, reader=reader, at=now)
        else:
            checkpoints.seal(now=now, is_wanted=True)  # so that what the report tells is in one
            draft = audit.draft(report, reader=reader, at=now, by=by)
        printed = seal.printed(draft.paper, by, now=now)
        failpoints.reach("report_sealed")
    except press.PressFailed:
        _fail(report, now=now)
        return False
    return _finish(report, draft, printed, now=now)


def _reader(report: AuditReport, purpose: str) -> sealing.Reader:
    """Return whoever asked: the values are opened for that person."""
    label = f"staff:{report.requested_by_id}" if report.requested_by_id else "system:audit_report"
    return sealing.Reader(
        actor=label, verb="print", purpose=purpose, streams=(report.case.uid,), request_id=str(report.uid)
    )


def _maker(case: Case) -> Actor:
    return actors.system("reports", source=case.source)


@transaction.atomic
def _claim(report_id: int, *, now: datetime) -> AuditReport | None:
    """Take a report for this worker: locks its case and its row, one ledger event. None when it is not to be had."""
    found = AuditReport.objects.filter(pk=report_id, state__in=["queued", "running"])
    case_id = found.values_list("case_id", flat=True).first()
    if case_id is None:
        return None
    case = locks.case_for_update(case_id)
    report = found.select_for_update(skip_locked=True).first()
    if report is None:
        return None
    starts = report.history.filter(state="running").aggregate(last=Max("history_date"), times=Count("pk"))
    if report.state == "running" and starts["last"] > now - LEASE:
        return None
    report.case = case
    if starts["times"] >= TRIES:
        _fail(report, now=now)
        return None
    with record.act(case, "report.started", actor=_maker(case), at=now, detail={"report": str(report.uid)}):
        report.state = "running"
        report.save(update_fields=["state"])
    return report


@transaction.atomic
def _finish(report: AuditReport, draft: Draft, printed: Printed, *, now: datetime) -> bool:
    """Keep the pages sealed under their own key and write what they are. False when another worker was first."""
    case = locks.case_for_update(report.case_id)
    row = AuditReport.objects.select_for_update().get(pk=report.pk)
    if row.state != "running":
        return False
    row.state, row.finished_at = "done", now
    row.sha256, row.pages = hashlib.sha256(printed.data).hexdigest(), printed.pages
    row.head_seq, row.head_hash = draft.head_seq, draft.head_hash
    row.dispose_after_date = retention.dispose_after("report", trigger_date=calendars.london_date(now))
    detail = {"report": str(row.uid), "sha256": row.sha256, "pages": row.pages, "head_seq": row.head_seq}
    with record.act(case, "report.made", actor=_maker(case), at=now, detail=detail):
        row.blob = blobs.store_blob(printed.data, case=case, field="report", at=now)
        row.key = row.blob.key
        if draft.data:
            row.data_blob = blobs.store_blob(draft.data, case=case, field="report_data", at=now)
        row.save()
    failpoints.reach("report_kept")
    return True


@transaction.atomic
def _fail(report: AuditReport, *, now: datetime) -> None:
    case = locks.case_for_update(report.case_id)
    row = AuditReport.objects.select_for_update().get(pk=report.pk)
    if row.state not in {"queued", "running"}:
        return
    with record.act(case, "report.failed", actor=_maker(case), at=now, detail={"report": str(row.uid)}):
        row.state, row.finished_at = "failed", now
        row.save(update_fields=["state", "finished_at"])
        tasks.raise_task("report_failed", case=case, at=now, report=str(row.uid))
    log.error("report %s could not be made", row.uid)


def open_report(
    report: AuditReport,
    *,
    actor: Actor,
    at: datetime,
    is_data: bool = False,
    purpose: str = "",
    request_id: str = "",
) -> bytes:
    """Return the bytes of a finished report, or the same as plain data; who opens it is on record first, for what the
    paper is for, or for the purpose that whoever needs a reason said. Raises NotAllowed, also for a registered tie and
    where a reason is needed and none was said, and ReportRefused."""
    decision = policy.require(actor, act_of(report.case, report.level), case=report.case)
    if decision.needs_reason and not purpose:
        raise NotAllowed("Say first why you read this case.")
    if refusal := conflicts.why_not(actor, report.case):
        raise NotAllowed(refusal)
    said = purpose if decision.needs_reason else ""
    return _opened(report, label=actor.label, at=at, is_data=is_data, purpose=said, request_id=request_id)


def _opened(
    report: AuditReport, *, label: str, at: datetime, is_data: bool = False, purpose: str = "", request_id: str = ""
) -> bytes:
    blob: StoredBlob | None = report.data_blob if is_data else report.blob
    if blob is None:
        raise ReportRefused("This report is not finished.")
    paper = paper_of(report.case, report.level)
    why = purpose or (paper.purpose if paper else PURPOSE)
    reader = sealing.Reader(
        actor=label, verb="download", purpose=why, streams=(report.case.uid,), request_id=request_id
    )
    data = sealing.open_bytes(
        bytes(blob.sealed),
        key_id=blob.key_id,
        label="cases.storedblob",
        uid=blob.uid,
        field="report_data" if is_data else "report",
        reader=reader,
        at=at,
    )
    if data is None:
        raise ReportRefused("This report was erased.")
    return data


def print_now(case: Case, *, at: datetime) -> tuple[AuditReport, bytes]:
    """Make a report at once for whoever operates this machine, with the same acts on record. Raises ReportRefused."""
    operator = actors.system("audit_report", source=case.source)
    report = _ask(case, actor=operator, at=at)
    if not make(report.pk, now=at):
        raise ReportRefused("The report could not be made.")
    report = AuditReport.objects.select_related("case", "blob").get(pk=report.pk)
    return report, _opened(report, label=operator.label, at=at)
