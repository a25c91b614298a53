"""What is given on a request, while it is put together: reasons for each item, who held an address, files.

Every change is one ledger event under which nobody may check it later. Bytes come from whoever types rows, or from a
document of the case that was taken out for it and found clean (`put_in`). Such a document is our copy too: it goes
with the file that was made of it. A large file is never whole in memory: it lies in the store, and leaves in pieces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet

from cases.disclosure import codes, excess, guards
from cases.disclosure.dataitems import ITEMS
from cases.disclosure.described import address as kept_address
from cases.disclosure.models import AddressHolder, ItemGround, PackagePart
from cases.kernel import edits, holds, policy
from cases.kernel.actors import Actor
from cases.kernel.edits import Edit, EditRefused
from cases.kernel.errors import NotVisible
from cases.kernel.evidence import blobs, custody, damage, handing, scanning, store, taking
from cases.kernel.evidence.filetypes import DOCUMENT_BYTES
from cases.kernel.formats import BadFormat, has_card_number
from cases.kernel.models import Case, Evidence, StoredBlob
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.canonical import canon

__all__ = [
    "LABEL",
    "add_holder",
    "add_part",
    "bytes_of",
    "document_of",
    "erase",
    "is_in_store",
    "manifest",
    "manifest_hash",
    "open_whole",
    "original_of",
    "parts_of",
    "put_in",
    "ready_documents",
    "remove_holder",
    "remove_part",
    "set_ground",
    "unredacted",
]

LABEL = "cases.storedblob"
VERB = "case.package_changed"
CSV = "text/csv"
TOO_LARGE = "What is typed is larger than 25 MB. Attach it as a document, and put that in."
# What goes within the message that has the manifest: small files, until together they are so large. What is larger goes
# before it in messages of their own, in pieces that an agency's server, and a mail of ours, take.
WITHIN_BYTES = 1024 * 1024
ALL_WITHIN_BYTES = 4 * 1024 * 1024
PIECE_BYTES = 4 * 1024 * 1024
# As much as a case keeps of documents (edits.MOST_BYTES): whatever can be attached can be given.
MOST_BYTES = 4 * 1024**3
TOO_MUCH = "Together the files would be larger than 4 GB. Give these first, and the rest on a request of its own."
REDACTED = "There is a redacted copy of this document: put that in."
_LIVING_FIRST = F("blob__key__destroyed_at").asc(nulls_first=True)
_TEXTS = ("necessity", "proportionality", "collateral")


@contextmanager
def _changing(
    case_id: int, what: str, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None, **about: str
) -> Iterator[Edit]:
    """Change the package of a case that is being taken out; `what` is a code of the change. Raises EditRefused,
    NotAllowed."""
    with edits.change(case_id, actor=actor, at=at, verb=VERB, shapes=False, request=request) as edit:
        if edit.case.state != "extracting":
            raise EditRefused("What is given changes only while it is being taken out.")
        ledger.current().detail.update({"what": what, **about})
        yield edit


def _open_item(case: Case, item: str) -> None:
    if item not in guards.open_items(case.disclosure_request):
        raise EditRefused("This item was not asked for, or was refused.")


def set_ground(
    case_id: int,
    item: str,
    *,
    texts: Mapping[str, str],
    minimised: Sequence[str],
    is_nothing_held: bool,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> ItemGround:
    """Write why an item is given, or that nothing is held of it; `texts` are necessity, proportionality and collateral,
    and one that is left empty stays as it was. Raises EditRefused."""
    with _changing(case_id, "reasons", item=item, actor=actor, at=at, request=request) as edit:
        _open_item(edit.case, item)
        if any(has_card_number(text) for text in texts.values()):
            raise EditRefused("This looks like a payment card number. Card numbers are never kept.")
        row = ItemGround.objects.filter(case=edit.case, item=item).first() or ItemGround(
            case=edit.case, item=item, key=edit.case.key
        )
        row.minimised = [code for code in dict(codes.MINIMISED) if code in minimised]
        row.is_nothing_held = is_nothing_held
        typed = {name: texts[name].strip() for name in _TEXTS if texts.get(name, "").strip()}
        sealing.seal(row, typed, key=edit.case.key)
        row.save()
    return row


def add_holder(
    case_id: int,
    *,
    address: str,
    subject: str,
    begins_at: datetime,
    ends_at: datetime | None,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> AddressHolder:
    """Write who held an address from when until when; `subject` is a capital letter, or NOBODY. Raises EditRefused."""
    with _changing(case_id, "holder", actor=actor, at=at, request=request) as edit:
        if ends_at is not None and ends_at <= begins_at:
            raise EditRefused("The time ends before it begins.")
        if subject != codes.NOBODY and (len(subject) != 1 or not "A" <= subject <= "Z"):
            raise EditRefused("Name each subscriber by one capital letter.")
        try:
            kept = kept_address(address)
        except BadFormat as refusal:
            raise EditRefused(str(refusal)) from None
        row = AddressHolder(
            case=edit.case,
            number=edit.case.address_holders.count() + 1,
            key=edit.case.key,
            subject=subject,
            begins_at=begins_at,
            ends_at=ends_at,
        )
        sealing.seal(row, {"address": kept}, key=edit.case.key)
        row.save(force_insert=True)
    return row


def remove_holder(
    case_id: int, number: int, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None
) -> None:
    """Take back who is said to have held an address. Raises EditRefused."""
    with _changing(case_id, "holder_removed", actor=actor, at=at, request=request) as edit:
        row = edit.case.address_holders.filter(number=number, is_removed=False).first()
        if row is None:
            raise EditRefused("There is no such entry.")
        row.is_removed = True
        row.save(update_fields=["is_removed"])


def add_part(
    case_id: int,
    *,
    item: str,
    data: bytes,
    media_type: str,
    subject: str = "",
    document: int | None = None,
    original_sha256: str = "",
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> PackagePart:
    """Add one file of one item, sealed under a key of its own; `document` is the number of what it was made of. Raises
    EditRefused; excess.Unreadable for a table whose first line names no columns, or with a line that cannot be read."""
    with _changing(case_id, "file", item=item, actor=actor, at=at, request=request) as edit:
        if not data.strip():
            raise EditRefused("There is nothing in it.")
        if len(data) > DOCUMENT_BYTES:
            raise EditRefused(TOO_LARGE)
        row = _row(edit.case, item, subject, media_type, len(data), original_sha256, actor=actor, at=at)
        row.sha256 = hashlib.sha256(data).hexdigest()
        if not _goes_within(edit.case, len(data)):
            row.pieces = [
                hashlib.sha256(data[at:][:PIECE_BYTES]).hexdigest() for at in range(0, len(data), PIECE_BYTES)
            ]
        row.blob = blobs.store_blob(data, case=edit.case, field=_field(row), at=at)
        if media_type == CSV:
            row.fields, row.row_count = excess.columns(data)
        if media_type == CSV and ITEMS[item].opened_by in codes.ADDRESSED:
            row.row_count = len(excess.read(data))
        _put(row, document)
    return row


def _row(
    case: Case, item: str, subject: str, media_type: str, size: int, original_sha256: str, *, actor: Actor, at: datetime
) -> PackagePart:
    """Return a file of an item that stands, where there is room for it. Raises EditRefused."""
    _open_item(case, item)
    there = case.package_parts.filter(is_removed=False).values_list("size", flat=True)
    if sum(there) + size > MOST_BYTES:
        raise EditRefused(TOO_MUCH)
    return PackagePart(
        case=case,
        number=case.package_parts.count() + 1,
        item=item,
        subject=subject,
        media_type=media_type[:80],
        size=size,
        made_by_id=actor.user_id,
        made_at=at,
        original_sha256=original_sha256,
    )


def _put(row: PackagePart, document: int | None) -> None:
    row.save(force_insert=True)
    if document is not None:
        ledger.current().detail.update({"document": document, "sha256": row.sha256})


def _goes_within(case: Case, size: int) -> bool:
    """Say whether a file of so many bytes goes within the message that has the manifest."""
    if size > WITHIN_BYTES:
        return False
    within = case.package_parts.filter(is_removed=False, pieces=[]).values_list("size", flat=True)
    return sum(within) + size <= ALL_WITHIN_BYTES


def _field(part: PackagePart) -> str:
    """Return under what name the bytes are sealed: those that go in pieces as whatever the store has."""
    return taking.FIELD if part.pieces else "part"


class _Pieces:
    """Hashes a file piece by piece while it passes."""

    def __init__(self) -> None:
        self.hashes: list[str] = []

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        digest, room = hashlib.sha256(), PIECE_BYTES
        for chunk in chunks:
            rest = memoryview(chunk)
            while len(rest) > room:
                digest.update(rest[:room])
                self.hashes.append(digest.hexdigest())
                rest, digest, room = rest[room:], hashlib.sha256(), PIECE_BYTES
            digest.update(rest)
            room -= len(rest)
            yield chunk
        self.hashes.append(digest.hexdigest())


def ready_documents(case: Case) -> list[Evidence]:
    """Return the documents that may be put in: taken out to be given, found clean, there, and in no file yet, by their
    number. What there is a redacted copy of is not among them. One query."""
    taken = PackagePart.objects.filter(case=case, is_removed=False).values("sha256")
    rows = Evidence.objects.filter(case=case, kind=codes.EXTRACT, scan=scanning.CLEAN, blob__key__destroyed_at=None)
    return list(rows.exclude(sha256__in=taken).exclude(sha256__in=_redacted(case)).order_by("number"))


def _redacted(case: Case, **which: Any) -> QuerySet[Evidence, Any]:
    """Return the hashes of what there is a redacted copy of: one that was erased or found bad, as one that was entered
    against the wrong original and taken out again, is none. One that waits for the scan counts."""
    copies = Evidence.objects.filter(case=case, redacts__isnull=False, blob__key__destroyed_at=None, **which)
    return copies.filter(scan__in=(scanning.CLEAN, *scanning.WAITING)).values("redacts__sha256")


def put_in(
    case_id: int,
    number: int,
    *,
    item: str,
    subject: str = "",
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> PackagePart:
    """Make a file of the package of a clean document of the case, byte for byte.

    It is read before anything is locked, with its access row, and its hash is compared. Raises NotVisible for a number
    that names no document; EditRefused, NotAllowed; DocumentAway, DocumentErased and DocumentDamaged (then on record);
    excess.Unreadable.
    """
    found = (
        Evidence.objects.select_related("blob__key", "case__key", "redacts").filter(case=case_id, number=number).first()
    )
    if found is None:
        raise NotVisible
    policy.require(actor, "edit", case=found.case)
    if found.kind != codes.EXTRACT:
        raise EditRefused("Only a document that was taken out to be given is put in.")
    if _redacted(found.case, redacts__sha256=found.sha256).exists():
        raise EditRefused(REDACTED)
    if refusal := scanning.why_not(found):
        raise EditRefused(refusal)
    if custody.is_erased(found):
        raise handing.DocumentErased
    reader = sealing.Reader(
        actor=actor.label, verb="view", purpose="casework", streams=(found.case.uid,), fields=(f"document-{number}",)
    )
    said: dict[str, Any] = {"item": item, "subject": subject, "actor": actor, "at": at, "request": request}
    said["original_sha256"] = found.redacts.sha256 if found.redacts else ""
    try:
        chunks = handing.open_document(found, reader=reader, at=at, name_too=False).chunks
        if found.size > WITHIN_BYTES and found.media_type != CSV:
            return _put_large(found, chunks, **said)
        data = b"".join(chunks)
    except handing.DocumentDamaged:
        damage.report(found, at=at)
        raise
    return add_part(case_id, data=data, media_type=found.media_type, document=number, **said)


def _put_large(
    document: Evidence,
    chunks: Iterator[bytes],
    *,
    item: str,
    subject: str,
    original_sha256: str,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None,
) -> PackagePart:
    """Copy a document into the store under a key of its own, as it is read, and then enter it. A table is never put in
    so: its rows are compared. Raises as `put_in`; StoreFull."""
    case, pieces = document.case, _Pieces()
    taken = taking.take_again(case, pieces.watch(chunks), file_name="part", media_type=document.media_type, at=at)
    try:
        with _changing(case.pk, "file", item=item, actor=actor, at=at, request=request) as edit:
            row = _row(edit.case, item, subject, document.media_type, taken.size, original_sha256, actor=actor, at=at)
            row.sha256, row.pieces, row.blob = taken.sha256, pieces.hashes, taken.record()
            _put(row, document.number)
    except BaseException:
        taken.drop()
        raise
    return row


def unredacted(case: Case) -> list[PackagePart]:
    """Return the files that were made of a document of which a redacted copy came afterwards. One query."""
    return list(case.package_parts.filter(is_removed=False, sha256__in=_redacted(case)).order_by("number"))


def original_of(part: PackagePart) -> Evidence | None:
    """Return the document of which a file is the redacted copy, of equal ones one that can be opened. One query, none
    for another file."""
    if not part.original_sha256:
        return None
    rows = Evidence.objects.select_related("blob__key", "case__key").filter(case=part.case_id)
    return rows.filter(sha256=part.original_sha256, redacts=None).order_by(_LIVING_FIRST, "number").first()


def document_of(part: PackagePart) -> Evidence | None:
    """Return the living document that a file is byte for byte, or nothing. One query."""
    rows = Evidence.objects.filter(case=part.case_id, sha256=part.sha256, blob__key__destroyed_at=None)
    return rows.order_by("number").first()


def remove_part(
    case_id: int, number: int, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None
) -> None:
    """Take a file out of what is given; its bytes are destroyed, and the document that it was made of, unless a hold
    keeps that, or a redacted copy is compared with it; the hash stays. Raises EditRefused."""
    with _changing(case_id, "file_removed", actor=actor, at=at, request=request) as edit:
        row = edit.case.package_parts.select_related("blob__key").filter(number=number, is_removed=False).first()
        if row is None:
            raise EditRefused("There is no such file.")
        row.is_removed = True
        _destroy(row, actor=actor, reason="removed", at=at)
        is_given = edit.case.package_parts.filter(sha256=row.sha256, is_removed=False).exists()
        if not is_given and not _redacted(edit.case, redacts__sha256=row.sha256).exists():
            _erase_documents(edit.case, actor=actor, reason="removed", at=at, sha256=row.sha256)


def _erase_documents(case: Case, *, actor: Actor, reason: str, at: datetime, **which: Any) -> None:
    """Destroy the documents of a locked case that were taken out to be given; none while a hold keeps them."""
    rows = Evidence.objects.select_related("blob__key").filter(
        case=case, kind=codes.EXTRACT, blob__key__destroyed_at=None, **which
    )
    if (documents := list(rows.order_by("number"))) and not holds.blocks(case, "dispose", at=at):
        custody.erase(case, documents, actor=actor, at=at, reason=reason)


def _destroy(part: PackagePart, *, actor: Actor, reason: str, at: datetime) -> None:
    """Destroy the bytes of a part for good, inside the current ledger action; what it was stays."""
    blob, part.blob = part.blob, None
    part.save(update_fields=["blob", "is_removed"])
    if blob is not None:
        custody.erase_blob(blob, actor=actor, at=at, reason=reason)
        blob.delete()


def erase(case: Case, *, actor: Actor, reason: str, at: datetime) -> int:
    """Destroy the bytes of every part of a locked case, and of every document that was taken out to be given, inside
    the current ledger action; a document that a hold keeps stays. Returns how many parts."""
    rows = list(case.package_parts.select_related("blob__key").defer("blob__sealed").filter(blob__isnull=False))
    for row in rows:
        _destroy(row, actor=actor, reason=reason, at=at)
    _erase_documents(case, actor=actor, reason=reason, at=at)
    return len(rows)


def parts_of(case: Case) -> list[PackagePart]:
    """Return the files that will be, or were, given, in their order. One query."""
    rows = case.package_parts.select_related("blob").defer("blob__sealed")
    return list(rows.filter(is_removed=False).order_by("number"))


def bytes_of(part: PackagePart, *, reader: sealing.Reader, at: datetime) -> bytes | None:
    """Return what a file holds, whole, or nothing once it is destroyed. Writes one access row. One in the store is read
    from there: raises DocumentDamaged, DocumentAway."""
    if part.blob is None:
        return None
    if is_in_store(part):
        return b"".join(open_whole(part, reader=reader, at=at))
    uid, key_id, sealed = StoredBlob.objects.values_list("uid", "key_id", "sealed").get(pk=part.blob.pk)
    return sealing.open_bytes(
        bytes(sealed), key_id=key_id, label=LABEL, uid=uid, field=_field(part), reader=reader, at=at
    )


def open_whole(part: PackagePart, *, reader: sealing.Reader, at: datetime) -> Iterator[bytes]:
    """Return a file that goes in pieces, chunk by chunk, the last only where its hash is the file's. Writes one access
    row. Raises DocumentErased, DocumentDamaged; reading raises DocumentDamaged, and DocumentAway."""
    return handing.open_whole(part, reader=reader, at=at)


def is_in_store(part: PackagePart) -> bool:
    """Say whether a file is not to be had whole."""
    return part.blob is not None and part.blob.kept != store.IN_ROW


def manifest(parts: Sequence[PackagePart]) -> list[dict[str, Any]]:
    """Return what a package says of its files: name, item, subject, kind, rows and hash, of one that goes in pieces how
    many, and of a redacted copy its original's hash. It holds nothing of a person."""
    return [
        {
            "name": part.name,
            "item": part.item,
            "subject": part.subject or "all",
            "media_type": part.media_type,
            "rows": part.row_count,
            "sha256": part.sha256,
            **({"pieces": len(part.pieces)} if part.pieces else {}),
            **({"original_sha256": part.original_sha256} if part.original_sha256 else {}),
        }
        for part in parts
    ]


def manifest_hash(parts: Sequence[PackagePart]) -> str:
    """Return the hex SHA-256 of a package's manifest."""
    return hashlib.sha256(canon(manifest(parts))).hexdigest()
