"""A kind's own paper of a case: what the kind wrote, set in pages, with the same as plain data."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

from django.db import transaction
from django.template.loader import render_to_string

from cases.kernel.models import AuditReport, Case
from cases.kernel.outputs.papers import Paper as Plan
from cases.ledger.models import LedgerHead
from cases.ledger.sealing import Reader
from cases.reports import sender
from cases.reports.audit import Draft, take_snapshot
from cases.reports.pdf import Paper

__all__ = ["draft"]


@transaction.atomic
def draft(report: AuditReport, plan: Plan, *, reader: Reader, at: datetime) -> Draft:
    """Return a kind's paper as it stands at one moment, ready for the press. Writes the reader's access rows.

    Reads in one repeatable-read transaction of its own; call it in no other.
    """
    take_snapshot()
    case = Case.objects.select_related("key").get(pk=report.case_id)
    head = LedgerHead.objects.get(stream=case.uid)
    written = plan.write(case, reader, at)
    made_at = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    context = {"firm": sender.firm(), "case": case, "written": written, "label": plan.label, "made_at": made_at}
    data = json.dumps(written.data, ensure_ascii=False, indent=1)
    identity = f"{report.uid} {hashlib.sha256(data.encode()).hexdigest()}"
    paper = Paper(
        html=render_to_string("cases/reports/paper.html", context),
        css=render_to_string("cases/reports/paper.css"),
        identifier=hashlib.sha256(identity.encode()).hexdigest()[:32],
        made_at=at.isoformat(),
        attachment=data,
        attachment_name="data.json",
        attachment_note="The same as plain data",
    )
    return Draft(paper=paper, head_seq=head.seq, head_hash=bytes(head.hash).hex(), data=data.encode())
