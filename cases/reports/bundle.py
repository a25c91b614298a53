"""A finished paper in one file with the copies of documents that go with it. Nothing is held whole: what is read goes.

Each document is looked at again and opened when its turn comes, and handed out on record, in the stream of its own
case, before its first byte leaves: nothing waits open in a store while what is before it goes down a slow line, and
nothing leaves on what was known an hour ago.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain

from cases.kernel import conflicts
from cases.kernel.actors import Actor
from cases.kernel.errors import NotAllowed
from cases.kernel.evidence import custody
from cases.kernel.models import AuditReport, Evidence
from cases.kernel.outputs.papers import Enclosed, Paper
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.reports import requests
from cases.reports.requests import ReportRefused

__all__ = ["has_copies", "open_bundle"]


class _Pipe:
    """Takes what is written and gives it away again. It cannot be wound back, and a reader of the file knows that."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits anywhere else."""

    def taken(self) -> bytes:
        data = bytes(self._held)
        self._held.clear()
        return data


def has_copies(report: AuditReport) -> bool:
    """Say whether documents go with papers of this kind. Raises ReportRefused."""
    paper = requests.paper_of(report.case, report.level)
    return paper is not None and paper.enclosed is not None and report.data_blob_id is not None


def open_bundle(
    report: AuditReport,
    *,
    actor: Actor,
    at: datetime,
    purpose: str = "",
    request: ledger.RequestInfo | None = None,
) -> Iterator[bytes]:
    """Return a finished paper, the same as plain data, and the copies that go with it as one archive, piece by piece.

    Writes the access rows of all that is opened and, as the turn of each document comes, one event for it. Raises
    NotAllowed, also for a registered tie to the case of a document; ReportRefused; what `enclosed` raises. Reading on
    raises NotAllowed for a tie registered meanwhile, and what `look_again` and `custody.hand_out` do: each breaks the
    archive off.
    """
    paper = requests.paper_of(report.case, report.level)
    if paper is None or paper.enclosed is None:
        raise ReportRefused("No copies go with this paper.")
    request_id = request.id if request else ""
    pages = requests.open_report(report, actor=actor, at=at, purpose=purpose, request_id=request_id)
    data = requests.open_report(report, actor=actor, at=at, is_data=True, purpose=purpose, request_id=request_id)
    papers: list[tuple[str, int, Iterable[bytes]]] = [
        (requests.file_name(report, ending="pdf"), len(pages), (pages,)),
        (requests.file_name(report, ending="json"), len(data), (data,)),
    ]
    found = paper.enclosed(report.case, json.loads(data))
    for each in found:
        _refuse_tied(actor, each.document)
    documents = (_handed_out(each, paper, actor=actor, at=at, request=request) for each in found)
    return _zipped(chain(papers, documents), at=report.finished_at or at)


def _refuse_tied(actor: Actor, document: Evidence) -> None:
    if refusal := conflicts.why_not(actor, document.case):
        raise NotAllowed(refusal)


def _handed_out(
    each: Enclosed, paper: Paper, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None
) -> tuple[str, int, Iterable[bytes]]:
    document = each.look_again()
    _refuse_tied(actor, document)
    reader = sealing.Reader(
        actor=actor.label,
        verb="download",
        purpose=paper.purpose,
        streams=(document.case.uid,),
        fields=(f"document-{document.number}",),
        request_id=request.id if request else "",
    )
    opened = custody.hand_out(document, actor=actor, reader=reader, at=at, request=request)
    return each.name, opened.size, opened.chunks


def _zipped(files: Iterable[tuple[str, int, Iterable[bytes]]], *, at: datetime) -> Iterator[bytes]:
    """Yield an archive of named files. One that turns out damaged breaks it off: without its end nobody opens it."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]  # -- it only writes
        for name, size, chunks in files:
            entry = zipfile.ZipInfo(name, date_time=at.timetuple()[:6])
            entry.file_size = size
            with archive.open(entry, "w") as place:
                for chunk in chunks:
                    place.write(chunk)
                    yield pipe.taken()
    yield pipe.taken()
