"""Texts about a person that may speak of others too: somebody reads each through before whoever asks is given it.

What was decided of a text counts for its words as they were read: one that is changed afterwards is read again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Model

from cases.kernel import casetypes, edits
from cases.kernel.actors import Actor
from cases.kernel.evidence import scanning
from cases.kernel.models import Case, CaseParty, Note
from cases.kernel.outputs.papers import moment
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.sealing import Reader
from cases.rights import codes, copies, held

__all__ = ["Text", "decide", "left", "opened", "texts"]

READ = "case.texts_read"
WAITS = "A document waits for the virus scan"


@dataclass(frozen=True, kw_only=True)
class Text:
    """One sealed text of a case: what it is, and the key under which it is decided on."""

    case: Case
    what: str
    row: Model
    field: str

    @property
    def key(self) -> str:
        """What names these words and no later ones: equal words of one place are sealed to equal bytes."""
        words = hashlib.sha256(getattr(self.row, self.field).ciphertext).hexdigest()
        return f"{self.row.uid}:{words[:24]}"  # type: ignore[attr-defined]  # -- every sealed row has a uid


def texts(parties: Sequence[CaseParty]) -> list[Text]:
    """Return every text of the matters of a person that is not of their own words, in the order of the cases. Opens
    nothing; three queries for each case."""
    return [text for case, roles in held.matters(parties).items() for text in _of_case(case, roles)]


def _of_case(case: Case, roles: frozenset[str]) -> list[Text]:
    kind = casetypes.get(case.kind)
    own = {"account_reference", *(name for role in roles for name in kind.own_words.get(role, ()))}
    facts = kind.facts._default_manager.filter(pk=case.pk).first()
    found: list[tuple[Model, str, str]] = [
        (facts, name, label)
        for name, label in kind.sealed_labels.items()
        if facts is not None and name not in own and label not in kind.not_for_subject
    ]
    found += [
        (note, "text", f"Note of {moment(note.written_at)}")
        for note in Note.objects.filter(case=case).order_by("written_at", "pk")
    ]
    found += kind.texts(case)
    return [
        Text(case=case, what=what, row=row, field=name) for row, name, what in found if getattr(row, name) is not None
    ]


def opened(found: Sequence[Text], *, reader: Reader, at: datetime) -> list[str]:
    """Return the words of each text, in order. Writes one access row for each kind of text, on every case it is of."""
    words: dict[int, str] = {}
    wide = replace(reader, streams=tuple(dict.fromkeys(each.case.uid for each in found)))
    together: dict[tuple[type[Model], str], list[int]] = defaultdict(list)
    for place, each in enumerate(found):
        together[type(each.row), each.field].append(place)
    for (_, name), places in together.items():
        rows = sealing.open_rows([found[place].row for place in places], (name,), reader=wide, at=at)
        words |= {place: row[name] or "" for place, row in zip(places, rows, strict=True)}
    return [words[place] for place in range(len(found))]


def left(case: Case) -> tuple[str, str]:
    """Return how many texts and documents nobody has read through for this request, in words, and that a document waits
    for the virus scan: nothing of either where it is not so. Goes through all documents once; loads none of them."""
    decided, parties = case.rights_request.texts_read, held.rows(case)
    documents = copies.to_read(parties)
    unread = {
        "text": sum(text.key not in decided for text in texts(parties)),
        "document": sum(not each.is_settled(decided) for each in documents),
    }
    said = " and ".join(f"{count} {what}{'s' if count > 1 else ''}" for what, count in unread.items() if count)
    return said, WAITS if any(scanning.waits(each.row) for each in documents) else ""


def _why_not(case: Case, grounds: Mapping[str, str]) -> str:
    parties = held.rows(case)
    words, documents = texts(parties), copies.to_read(parties)
    if grounds.keys() != {*(each.key for each in words), *(each.key for each in documents)}:
        return "Something is new or gone meanwhile. Read what is new, then decide again."
    if not {grounds[each.key] for each in words} <= {"", *dict(codes.WITHHELD_FOR)}:
        return "Say of each whether it is given, or why not."
    return copies.clash(documents, grounds)


def decide(
    case_id: int,
    grounds: Mapping[str, str],
    *,
    actor: Actor,
    at: datetime,
    act: str,
    version: int | None = None,
    request: ledger.RequestInfo | None = None,
) -> None:
    """Keep which texts and documents are given and which are withheld, and why: by their keys, without a ground for
    what is given. Locks the case; one event. Raises NotAllowed, and EditRefused for a closed request, a ground that is
    none, two versions of one document, or where what there is to be read has changed meanwhile, EditConflict where
    somebody else changed the case since `version`; nothing is then written."""
    with edits.change(
        case_id, actor=actor, at=at, act=act, verb=READ, shapes=False, version=version, request=request
    ) as edit:
        facts = edit.case.rights_request
        if edit.case.is_closed or facts.right != codes.ACCESS:
            raise edits.EditRefused("Only a request for access that is open has texts to read through.")
        if refusal := _why_not(edit.case, grounds):
            raise edits.EditRefused(refusal)
        facts.texts_read = dict(grounds)
        facts.save(update_fields=["texts_read"])
