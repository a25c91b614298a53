"""Copies of documents that go with a pack of access: which there are, what was decided of each, and their names.

Only what was found clean is given, and only after somebody read it through: a document may speak of others as any text
may. A document and its redacted copies are versions of one: whoever reads them through chooses which is given, one or
none. A copy may have been redacted for somebody else, so none stands for its original by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import QuerySet

from cases.kernel import casetypes
from cases.kernel.errors import CaseError
from cases.kernel.evidence import custody, scanning
from cases.kernel.evidence.filetypes import TYPES
from cases.kernel.models import Case, CaseParty, Evidence
from cases.kernel.outputs.papers import Enclosed, Item, moment
from cases.rights import codes, held
from cases.rights.models import RightsRequest

__all__ = ["CopiesChanged", "Document", "clash", "data", "documents", "enclosed", "items", "to_read"]

ERASED = "It was erased."
UNREADABLE, WHOLE = ", in which parts were made unreadable", ", in which nothing was made unreadable"
NOT_SAFE = "Not in this pack: it could not be opened safely."
_ENDINGS = {each.media_type: each.endings[0] for each in TYPES}


class CopiesChanged(CaseError):
    """Something that went with a pack is erased, not clean or withheld since."""

    def __init__(self) -> None:
        super().__init__("What goes with this pack is no longer as it was. Make the pack anew.")


@dataclass(frozen=True, kw_only=True)
class Document:
    """One document of a matter, what it is called there, and its versions that a person decides on, by number: the
    original and its redacted copies, itself among them where somebody decides on it."""

    row: Evidence
    what: str
    versions: Sequence[Evidence]

    @property
    def key(self) -> str:
        """What names it in what was decided: these bytes and no others."""
        return _key(self.row)

    @property
    def name(self) -> str:
        """The name it is given under; the one it came with may name others."""
        ending = _ENDINGS.get(self.row.media_type, "bin")
        return f"{self.row.case.reference}-document-{self.row.number}.{ending}"

    @property
    def others(self) -> list[int]:
        """The numbers of its other versions."""
        return [each.number for each in self.versions if each.pk != self.row.pk]

    @property
    def grounds(self) -> tuple[tuple[str, str], ...]:
        """Why it may be kept back: what concerns a copy alone is no ground for an original."""
        return (*codes.WITHHELD_FOR, codes.COPY_WITHHELD_FOR) if self.row.redacts_id else codes.WITHHELD_FOR

    @property
    def may_be_given(self) -> bool:
        """Whether a person decides on it."""
        return _may_be_given(self.row)

    def given(self, decided: Mapping[str, str]) -> Sequence[Evidence]:
        """Return what of its versions is given: nothing while one of them is undecided. Of equal bytes each counts."""
        said = [decided.get(_key(each)) for each in self.versions]
        return [] if None in said else [each for each, why in zip(self.versions, said, strict=True) if why == ""]

    def is_settled(self, decided: Mapping[str, str]) -> bool:
        """Say whether it was decided on, and no other version is given beside the one that is."""
        return self.key in decided and len({each.sha256 for each in self.given(decided)}) < 2

    def is_given(self, decided: Mapping[str, str]) -> bool:
        is_chosen = self.row in self.given(decided) and self.is_settled(decided)
        return is_chosen and self.row.scan == scanning.CLEAN

    def fate(self, decided: Mapping[str, str]) -> str:
        """Return in words what becomes of it, as whoever asked is told."""
        if self.is_given(decided):
            return f"A copy goes with this pack{_parts(self.row)}: {self.name}"
        if instead := self.given(decided):
            return f"In its place stands document {instead[0].number}{_parts(instead[0]) or WHOLE}."
        if custody.is_erased(self.row):
            return ERASED
        return codes.WITHHELD if self.row.scan == scanning.CLEAN else NOT_SAFE


def _key(row: Evidence) -> str:
    return f"{row.uid}:{row.sha256[:24]}"


def _parts(row: Evidence) -> str:
    return UNREADABLE if row.redacts_id else ""


def _may_be_given(row: Evidence) -> bool:
    """Say whether it is there, and the scanner has not turned it down."""
    return row.scan not in scanning.WHY_NOT and not custody.is_erased(row)


def documents(parties: Sequence[CaseParty]) -> list[Document]:
    """Return every document of the matters of a person, by case and number. Opens nothing; one query for each case."""
    return [document for case in held.matters(parties) for document in _of_case(case)]


def _rows() -> QuerySet[Evidence]:
    return Evidence.objects.select_related("blob__key", "case__key", "redacts").defer("blob__sealed")


def _of_case(case: Case) -> list[Document]:
    kinds = dict(casetypes.get(case.kind).evidence_kinds)
    rows = _rows().filter(case=case).order_by("number")
    versions: dict[str, list[Evidence]] = defaultdict(list)
    for row in rows:
        if _may_be_given(row):
            versions[_original(row)].append(row)
    return [
        Document(row=row, what=str(kinds.get(row.kind, row.kind)), versions=versions[_original(row)]) for row in rows
    ]


def _original(row: Evidence) -> str:
    """Return the hash of the original: the same bytes may have been taken in twice."""
    return row.redacts.sha256 if row.redacts else row.sha256


def to_read(parties: Sequence[CaseParty]) -> list[Document]:
    """Return the documents that somebody reads through before a pack is made, the versions of one together."""
    found = [each for each in documents(parties) if each.may_be_given]
    cases = {pk: place for place, pk in enumerate(dict.fromkeys(each.row.case_id for each in found))}
    return sorted(found, key=lambda each: (cases[each.row.case_id], each.versions[0].number, each.row.number))


def clash(found: Sequence[Document], grounds: Mapping[str, str]) -> str:
    """Return why what is decided of documents cannot be kept, in words: two versions of one are given, or a ground is
    none for it. Nothing where it can."""
    for each in found:
        if not each.is_settled(grounds):
            return f"Give one version of document {each.row.number} of {each.row.case.reference}, or none."
        if grounds[each.key] not in {"", *dict(each.grounds)}:
            return f"Say why document {each.row.number} of {each.row.case.reference} is kept back: it is an original."
    return ""


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
    """Return the copies that a pack names, while each is there, clean and not kept back by a later decision: a pack
    that was made stays as it went, whatever versions came since. Raises CopiesChanged."""
    decided = case.rights_request.texts_read
    known = {each.name: each.row for each in documents(held.rows(case))}
    named = [(each["file"], each["sha256"], known.get(each["file"])) for each in said.get("copies", ())]
    found = [(name, row) for name, sha256, row in named if row is not None and _still_goes(row, sha256, decided)]
    if len(found) != len(named):
        raise CopiesChanged
    return [Enclosed(document=row, name=name, look_again=partial(_again, case, row)) for name, row in found]


def _again(case: Case, row: Evidence) -> Evidence:
    """Load a document that goes with a pack anew. Two queries. Raises CopiesChanged where it goes no more."""
    decided = RightsRequest.objects.values_list("texts_read", flat=True).get(case=case)
    now = _rows().get(pk=row.pk)
    if not _still_goes(now, row.sha256, decided):
        raise CopiesChanged
    return now


def _still_goes(row: Evidence, sha256: str, decided: Mapping[str, str]) -> bool:
    is_there = row.sha256 == sha256 and row.scan == scanning.CLEAN and not custody.is_erased(row)
    return is_there and decided.get(_key(row), "") == ""
