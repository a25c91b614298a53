"""The files of a release of figures: the table and the paper, made by a task once two people have agreed."""

from __future__ import annotations

import csv
import hashlib
import logging
import uuid
from datetime import UTC, datetime
from io import StringIO

from django.db import OperationalError, transaction
from django.template.loader import render_to_string

from cases.kernel import actors, calendars, tasks
from cases.kernel.models import Figures, FiguresRelease, StoredBlob, Team
from cases.kernel.outputs import datacategories
from cases.kernel.timing import quarters
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.models import DataKey
from cases.reports import press, sender
from cases.reports.figures import tables
from cases.reports.figures.counting import FiguresRefused
from cases.reports.figures.recipients import recipient, use
from cases.reports.pdf import Paper

__all__ = ["EXPORT", "FORMS", "file_name", "make_due", "open_file", "table"]

log = logging.getLogger(__name__)
BATCH = 5
DESK = "rights"
EXPORT = "figures"
# What a file may be asked for as: the column that keeps it, how its name ends, what it is.
FORMS = {"table": ("csv", "text/csv; charset=utf-8"), "paper": ("pdf", "application/pdf")}
tasks.declare({"figures_failed": "The files of a release of figures could not be made"})
datacategories.declare(EXPORT, dict.fromkeys(("kind", "table", "counted", "count"), datacategories.NONE))


def table(figures: Figures, profile: str) -> bytes:
    """Return the figures as comma-separated values. The same figures give the same bytes."""
    page = StringIO()
    csv.writer(page).writerows([datacategories.columns(EXPORT), *tables.lines(figures.tables, profile)])
    return page.getvalue().encode()


def paper(figures: Figures, release: FiguresRelease) -> Paper:
    """Return the figures as a paper for whoever gets them; the same release gives the same bytes."""
    quarter = quarters.of_code(figures.quarter)
    at = release.released_at
    context = {
        "firm": sender.firm(),
        "title": f"Anonymous figures, {quarter.label if quarter else figures.quarter}",
        "made_at": at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "facts": [
            ("For", recipient(release.recipient)),
            ("To be used for", use(release.use)),
            ("As they stood on", f"{calendars.london_date(figures.made_at or at):%-d %B %Y}"),
            ("Released on", f"{calendars.london_date(at):%-d %B %Y}"),
            ("SHA-256 of the table", release.sha256),
        ],
        "tables": list(tables.shown(figures.tables, release.profile)),
    }
    return Paper(
        html=render_to_string("cases/reports/figures.html", context),
        css=render_to_string("cases/reports/paper.css"),
        identifier=hashlib.sha256(f"figures {release.uid} {release.sha256}".encode()).hexdigest()[:32],
        made_at=at.isoformat(),
    )


def make_due(*, now: datetime) -> int:
    """Make the files of the releases that wait and return how many were finished. Several workers may run at once; a
    release whose files cannot be made is failed and becomes a task, and the others go on. Raises OperationalError while
    the database is away: no release is to blame."""
    waiting = FiguresRelease.objects.filter(state="queued").order_by("pk").select_related("figures")[:BATCH]
    return sum(_make(release, now=now) for release in waiting)


def _make(release: FiguresRelease, *, now: datetime) -> bool:
    try:
        data = table(release.figures, release.profile)
        if hashlib.sha256(data).hexdigest() != release.sha256:
            raise FiguresRefused("The figures are not those that were approved.")
        printed = press.press(paper(release.figures, release)).data
    except (press.PressFailed, FiguresRefused):
        return _end(release, None, now=now)
    except OperationalError:
        raise
    except Exception:
        log.exception("figures_fault", extra={"file": str(release.uid)})
        return _end(release, None, now=now)
    return _end(release, {"table": data, "paper": printed}, now=now)


@transaction.atomic
def _end(release: FiguresRelease, made: dict[str, bytes] | None, *, now: datetime) -> bool:
    """Keep the files, or that there are none; one ledger event. Returns whether they were kept: not when another worker
    was first."""
    row = FiguresRelease.objects.select_for_update().get(pk=release.pk)
    if row.state != "queued":
        return False
    actor = actors.system("figures")
    verb = "figures.files_made" if made else "figures.files_failed"
    with ledger.action(release.figures.uid, verb, actor=actor.label, at=now, detail={"release": str(row.uid)}):
        row.state = "done" if made else "failed"
        if made:
            row.key = sealing.new_key("document", at=now, retention_class="office_change")
            row.table, row.paper = (_store(made[form], row.key, form) for form in FORMS)
            row.paper_sha256 = hashlib.sha256(made["paper"]).hexdigest()
        else:
            desk = Team.objects.filter(code=DESK).first()
            tasks.raise_task("figures_failed", case=None, team=desk, at=now, release=str(row.uid))
        row.save()
    return made is not None


def _store(data: bytes, key: DataKey, form: str) -> StoredBlob:
    uid = uuid.uuid4()
    sealed = sealing.seal_bytes(data, key=key, label="cases.storedblob", uid=uid, field=f"figures_{form}")
    return StoredBlob.objects.create(uid=uid, key=key, sealed=sealed, size=len(data))


def file_name(release: FiguresRelease, form: str) -> str:
    return f"figures-{release.figures.quarter}.{FORMS[form][0]}"


def open_file(release: FiguresRelease, form: str, *, reader: sealing.Reader, at: datetime) -> bytes:
    """Return a file of a release that is done; who opens it is on record first. Raises FiguresRefused."""
    blob = getattr(release, form) if form in FORMS else None
    if blob is None:
        raise FiguresRefused("There is no such file.")
    data = sealing.open_bytes(
        bytes(blob.sealed),
        key_id=blob.key_id,
        label="cases.storedblob",
        uid=blob.uid,
        field=f"figures_{form}",
        reader=reader,
        at=at,
    )
    if data is None:
        raise FiguresRefused("This file was erased.")
    return data
