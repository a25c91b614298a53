"""Copies of documents that go with a pack of access: which there are, what was decided of each, and their names.

Where others were made unreadable in a document, the redacted copy alone stands in its place. Only what was found clean
is given, and only after somebody read it through: a document may speak of others as any text may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cases.kernel import casetypes
from cases.kernel.errors import CaseError
from cases.kernel.evidence import custody, scanning
from cases.kernel.evidence.filetypes import TYPES
from cases.kernel.models import Case, CaseParty, Evidence
from cases.kernel.papers import Enclosed, Item, moment
from cases.rights import codes, held

__all__ = ["CopiesChanged", "Document", "data", "documents", "enclosed", "items", "to_read", "waits"]

ERASED = "It was erased."
NOT_SAFE = "Not in this pack: it could not be opened safely."
_ENDINGS = {each.media_type: each.endings[0] for each in TYPES}


class CopiesChanged(CaseError):
    """Something that went with a pack is erased, withheld or replaced since."""

    def __init__(self) -> None:
        super().__init__("What goes with this pack is no longer as it was. Make the pack anew.")


@dataclass(frozen=True, kw_only=True)
class Document:
    """One document of a matter, what it is called there, and the redacted copy that stands in its place."""

    row: Evidence
    what: str
    instead: Evidence | None

    @property
    def key(self) -> str:
        """What names it in what was decided: these bytes and no others."""
        return f"{self.row.uid}:{self.row.sha256[:24]}"

    @property
    def name(self) -> str:
        """The name it is given under; the one it came with may name others."""
        ending = _ENDINGS.get(self.row.media_type, "bin")
        return f"{self.row.case.reference}-document-{self.row.number}.{ending}"

    @property
    def may_be_given(self) -> bool:
        """Whether a person decides on it: it is there, it stands for itself, and the scanner has not turned it down."""
        is_there = self.instead is None and not custody.is_erased(self.row)
        return is_there and (self.row.scan == scanning.CLEAN or scanning.waits(self.row))

    def fate(self, decided: Mapping[str, str]) -> str:
        """Return in words what becomes of it, as whoever asked is told."""
        if self.instead is not None:
            return f"In its place stands document {self.instead.number}, in which parts were made unreadable."
        if custody.is_erased(self.row):
            return ERASED
        if self.row.scan != scanning.CLEAN:
            return NOT_SAFE
        return f"A copy goes with this pack: {self.name}" if self.is_given(decided) else codes.WITHHELD

    def is_given(self, decided: Mapping[str, str]) -> bool:
        return self.may_be_given and self.row.scan == scanning.CLEAN and decided.get(self.key) == ""


def documents(parties: Sequence[CaseParty]) -> list[Document]:
    """Return every document of the matters of a person, by case and number. Opens nothing; one query for each case."""
    return [document for case in held.matters(parties) for document in _of_case(case)]


def _of_case(case: Case) -> list[Document]:
    kinds = dict(casetypes.get(case.kind).evidence_kinds)
    joined = Evidence.objects.select_related("blob__key", "case__key", "redacts").defer("blob__sealed")
    rows = joined.filter(case=case).order_by("number")
    stand = {
        row.redacts.sha256: row
        for row in rows
        if row.redacts and not custody.is_erased(row) and row.scan not in scanning.WHY_NOT
    }
    return [
        Document(
            row=row, what=str(kinds.get(row.kind, row.kind)), instead=None if row.redacts else stand.get(row.sha256)
        )
        for row in rows
    ]


def to_read(parties: Sequence[CaseParty]) -> list[Document]:
    """Return the documents that somebody reads through before a pack is made."""
    return [each for each in documents(parties) if each.may_be_given]


def waits(case: Case) -> bool:
    """Say whether a document of the person of a request waits for the virus scan: nobody can have read it through."""
    return any(scanning.waits(each.row) for each in to_read(held.rows(case)))


def items(found: Sequence[Document], decided: Mapping[str, str]) -> list[Item]:
    """Return what a pack says of each document: what it is, when it came, and whether a copy goes with it."""
    rows: dict[str, list[tuple[str, str]]] = {}
    for each in found:
        head = f"{each.row.case.reference}, documents"
        said = f"Received {moment(each.row.obtained_at)}. {each.fate(decided)}"
        rows.setdefault(head, []).append((f"Document {each.row.number}, {each.what.lower()}", said))
    return [Item(head=head, rows=tuple(lines)) for head, lines in rows.items()]


def data(found: Sequence[Document], decided: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the copies that go with a pack as plain data; `size` is in bytes."""
    return [
        {
            "file": each.name,
            "matter": each.row.case.reference,
            "document": each.row.number,
            "media_type": each.row.media_type,
            "size": each.row.size,
            "sha256": each.row.sha256,
        }
        for each in found
        if each.is_given(decided)
    ]


def enclosed(case: Case, said: Mapping[str, Any]) -> list[Enclosed]:
    """Return the copies that a pack names, while each may still be given. Raises CopiesChanged."""
    decided = case.rights_request.texts_read
    known = {each.name: each for each in documents(held.rows(case)) if each.is_given(decided)}
    named = [(known.get(each["file"]), each["sha256"]) for each in said.get("copies", ())]
    found = [document for document, sha256 in named if document is not None and document.row.sha256 == sha256]
    if len(found) != len(named):
        raise CopiesChanged
    return [Enclosed(document=each.row, name=each.name) for each in found]
