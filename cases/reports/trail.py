"""A part of the audit trail as a paper: who asked for it, within which filters, each act or look in a line or two, and
the same as a table attached. What is told comes as rows of words; nothing is read here."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from io import StringIO

from django.template.loader import render_to_string

from cases.kernel.models import Proposal
from cases.reports import press, seal, sender
from cases.reports.pdf import Paper, Printed
from cases.reports.words import moment

__all__ = ["printed"]

Lines = Sequence[Sequence[str]]
Facts = Iterable[tuple[str, str]]


def printed(row: Proposal, lines: Lines, *, title: str, facts: Facts, at: datetime) -> Printed:
    """Return what was asked for as PDF/A-3a and PDF/UA-1, sealed where there is a key for it. `lines` begin with the
    names of their columns. Two thousand take seven seconds: call it outside a transaction. Raises PressFailed."""
    by = seal.sealer()
    table = StringIO()
    csv.writer(table).writerows(lines)
    digest = hashlib.sha256(table.getvalue().encode()).hexdigest()
    font_name, font_sha256 = press.font()
    columns, *told = lines
    cover = [
        *facts,
        ("Made", f"{moment(at)}, change {row.uid}"),
        ("SHA-256 of the table", digest),
        seal.told(by),
        ("Type face", f"{font_name}, SHA-256 {font_sha256}"),
    ]
    context = {
        "firm": sender.firm(),
        "title": title,
        "made_at": at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "facts": cover,
        "heading": f"{len(told):,} in all",
        "entries": [_entry(dict(zip(columns, each, strict=True))) for each in told],
    }
    paper = Paper(
        html=render_to_string("cases/reports/trail.html", context),
        css=render_to_string("cases/reports/audit.css"),
        identifier=hashlib.sha256(f"trail {row.uid} {digest} {at.isoformat()}".encode()).hexdigest()[:32],
        made_at=at.isoformat(),
        attachment=table.getvalue(),
        attachment_name="trail.csv",
        attachment_note="The same as a table",
    )
    return seal.printed(paper, by, now=at)


def _entry(row: Mapping[str, str]) -> dict[str, str]:
    """Return one act or look as it is printed: when, who did what to what, and what else there is of it."""
    at = moment(datetime.fromisoformat(row.get("done") or row["looked"]))
    if "how" in row:
        what = ", ".join(filter(None, (row["references"].replace(" ", ", "), row["office"])))
        fields = f"Fields: {row['fields']}. " if row["fields"] else ""
        return {"at": at, "said": f"{row['who']}: {row['how']}. {what}", "more": f"{fields}Why: {row['why']}"}
    place = f"From {row['from']}. " if row["from"] else ""
    reason = "A reason was given." if row["reason_given"] == "yes" else "No reason was given."
    what = ", ".join(filter(None, (row["reference"], row["type"])))
    said = f"{row['who']}: {row['act']}. {what}"
    return {"at": at, "said": said, "more": f"{place}{reason}", "hash": row["hash"]}
