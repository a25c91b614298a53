"""The record of processing as a paper: the same lines as the page, set by the same press as the audit report."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

from django.template.loader import render_to_string

from cases.kernel import calendars
from cases.kernel.outputs import processing
from cases.kernel.outputs.processing import Line
from cases.reports import press, sender
from cases.reports.pdf import Paper, Printed
from cases.reports.words import moment

__all__ = ["paper", "printed"]


def paper(lines: list[Line], *, at: datetime) -> Paper:
    """Return the record as a paper; the same record at the same moment gives the same bytes. Reads nothing."""
    rows = processing.rows(lines)
    names = processing.headings()
    digest = hashlib.sha256(json.dumps([names, *rows]).encode()).hexdigest()
    context = {
        "firm": sender.firm(),
        "title": "Record of processing",
        "made_at": at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "day": calendars.london_date(at),
        "cover": [
            ("Controller", sender.firm().name),
            ("Law", "UK GDPR Art 30(1)"),
            ("As it stands on", f"{calendars.london_date(at):%-d %B %Y}"),
            ("Made", moment(at)),
            ("Activities", str(len(rows))),
            ("SHA-256 of the record", digest),
        ],
        "entries": [
            {"code": f"activity-{number}", "title": row[0], "cells": list(zip(names[1:], row[1:], strict=True))}
            for number, row in enumerate(rows, 1)
        ],
    }
    return Paper(
        html=render_to_string("cases/reports/processing.html", context),
        css=render_to_string("cases/reports/audit.css"),
        identifier=hashlib.sha256(f"processing {digest} {at.isoformat()}".encode()).hexdigest()[:32],
        made_at=at.isoformat(),
    )


def printed(lines: list[Line], *, at: datetime) -> Printed:
    """Return the record as PDF/A-3a and PDF/UA-1. Takes a second or two; call it outside a transaction."""
    return press.press(paper(lines, at=at))
