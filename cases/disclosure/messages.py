"""What a requesting authority is told about its own request, and what it is given. But for the package none of it is
about a customer: it names items by code."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from cases.disclosure import codes, guards, package
from cases.disclosure.dataitems import ITEMS
from cases.disclosure.models import DisclosureError, ItemGround, PackagePart
from cases.kernel import outbox, releases, tasks
from cases.kernel.actors import Actor
from cases.kernel.models import Agency, Case, OutboxMessage
from cases.ledger import sealing

__all__ = [
    "ALL",
    "BY_HAND",
    "IPC_ERROR",
    "LE_ACK",
    "LE_CLARIFY",
    "LE_DESTROY",
    "LE_PIECE",
    "LE_REFUSE",
    "LE_RESULT",
    "PACKAGE",
    "acknowledge",
    "ask",
    "ask_to_destroy",
    "give",
    "refuse",
    "report",
]

BY_HAND = "disclosure_tell_by_hand"
tasks.declare({BY_HAND: "Tell the authority by telephone or letter: nothing is sent to it at present"})


def _word(code: str, label: str, necessity: str, *fields: str) -> releases.MessageKind:
    return releases.MessageKind(
        code=code,
        label=label,
        recipient_kind="lea",
        purpose="answer_authorities",
        necessity=necessity,
        categories=dict.fromkeys(("urn", *fields), "request"),
        put_right_by="family",
        lists=frozenset({"items"}),
    )


LE_ACK = _word(
    "le_ack",
    "Word that the request is here",
    "The authority has to know that its request arrived, and by which word of ours it answers or cancels.",
    "received_at",
)
LE_CLARIFY = _word(
    "le_clarify",
    "Question about the request",
    "What is not clear is asked of whoever wrote it; a guess could name the wrong person.",
    "question",
)
LE_REFUSE = _word(
    "le_refuse",
    "Refusal of the request, or of items of it",
    "The authority has to know what it will not get, why, and by which way it may ask.",
    "reason",
    "items",
    "route",
)
LE_DESTROY = _word(
    "le_destroy",
    "Request to destroy what was wrongly given",
    "What an authority was wrongly given it must not keep.",
    "package_sha256",
    "fault",
    "items",
)
_MANIFEST = (
    "sha256",
    *(
        f"parts.{name}"
        for name in ("name", "item", "subject", "media_type", "rows", "pieces", "sha256", "original_sha256")
    ),
)
LE_RESULT = releases.MessageKind(
    code="le_result",
    label="What was asked for, with its manifest",
    recipient_kind="lea",
    body_stays="Our copy goes as a whole, 30 days after the receipt",
    purpose="answer_authorities",
    necessity="An authority that may have it by law asked for exactly this.",
    categories={
        "urn": "request",
        "time_basis": "request",
        "nothing_held": "request",
        "refused": "request",
        **{f"manifest.{name}": "request" for name in _MANIFEST},
        **{
            f"data.{item.code}.{name}": item.category
            for item in ITEMS.values()
            if item.category
            for name in ("name", "encoding", "content")
        },
    },
    put_right_by="family",
    lists=frozenset({"nothing_held", "refused", "manifest.parts", *(f"data.{code}" for code in ITEMS)}),
    unknown=frozenset({"manifest.parts.rows"}),
)
LE_PIECE = releases.MessageKind(
    code="le_piece",
    label="Piece of a large file of what was asked for",
    recipient_kind="lea",
    body_stays="Our copy goes as a whole, 30 days after the receipt",
    purpose="answer_authorities",
    necessity="A file that is too large for one message goes in pieces of 4 MB before the message with the manifest "
    "(le_result), which says of it: encoding pieces, and its SHA-256 as content. Keep each by package_sha256, name and "
    "piece, counted from 1; decode its content from base64, and put them one behind the other.",
    categories={
        "urn": "request",
        "package_sha256": "request",
        **{
            f"data.{item.code}.{name}": item.category
            for item in ITEMS.values()
            if item.category
            for name in ("name", "piece", "pieces", "sha256", "content")
        },
    },
    put_right_by="family",
    lists=frozenset({f"data.{code}" for code in ITEMS}),
)
# What takes a package to an authority.
PACKAGE = (LE_PIECE.code, LE_RESULT.code)
IPC_ERROR = releases.MessageKind(
    code="ipc_error",
    label="Report of an error to the Investigatory Powers Commissioner",
    recipient_kind="oversight",
    purpose="answer_authorities",
    necessity="Whoever oversees these powers is told within five working days of what went wrong.",
    categories=dict.fromkeys(
        ("urn", "authority", "fault", "cause", "found_at", "how", "collateral", "prevention"), "request"
    ),
    put_right_by="family",
)
ALL = (LE_ACK, LE_CLARIFY, LE_REFUSE, LE_RESULT, LE_PIECE, LE_DESTROY, IPC_ERROR)
releases.declare(*ALL)

ROUTES = {
    "no_gateway": "single_point_of_contact",
    "content_requested": "warrant_or_order_for_stored_communications",
    "unverified_requester": "single_point_of_contact",
    "from_abroad": "uk_central_authority",
}


def acknowledge(case: Case, *, actor: Actor, at: datetime) -> None:
    """Promise word that a request is here, inside the current ledger action. Where nothing may be sent to the authority
    now, a task asks for it by hand. Raises ReleaseRefused."""
    _tell(case, LE_ACK, {"received_at": case.opened_at.isoformat()}, actor=actor, at=at)


def ask(case: Case, question: str, *, actor: Actor, at: datetime) -> None:
    """Promise a question about a request. As `acknowledge`."""
    _tell(case, LE_CLARIFY, {"question": question}, actor=actor, at=at)


def refuse(case: Case, *, reason: str, items: list[str], actor: Actor, at: datetime) -> None:
    """Promise word that a request, or the named items of it, is refused, with the way by which it may be asked for. As
    `acknowledge`."""
    said = {"reason": reason, "items": items, "route": ROUTES.get(reason, "none")}
    _tell(case, LE_REFUSE, said, actor=actor, at=at)


def ask_to_destroy(case: Case, error: DisclosureError, *, actor: Actor, at: datetime) -> None:
    """Promise the request to destroy a package that was wrongly given. As `acknowledge`."""
    facts = case.disclosure_request
    said = {"package_sha256": facts.package_sha256, "fault": error.fault, "items": sorted(facts.items)}
    _tell(case, LE_DESTROY, said, actor=actor, at=at)


def give(case: Case, *, reader: sealing.Reader, actor: Actor, at: datetime) -> OutboxMessage:
    """Promise the package itself, with its manifest, and enter each item in the register with its own ground and
    reasons. The pieces of large files go before it, so that whoever has it has all. Nothing is given by hand in its
    place. Raises ReleaseRefused, NoChannel."""
    facts, agency = case.disclosure_request, _agency(case)
    parts = package.parts_of(case)
    standing = guards.open_items(facts)
    grounds = {row.item: row for row in ItemGround.objects.filter(case=case, item__in=standing)}
    held = {item for item, row in grounds.items() if not row.is_nothing_held}
    data: dict[str, list[dict[str, str]]] = {}
    for part in parts:
        data.setdefault(part.item, []).append(_file(part, reader=reader, at=at))
    body = {
        "urn": _urn(case, actor=actor, at=at),
        "time_basis": "UTC",
        "nothing_held": sorted(grounds.keys() - held),
        "refused": sorted(facts.refused_items),
        "manifest": {"sha256": package.manifest_hash(parts), "parts": package.manifest(parts)},
        "data": data,
    }
    reasons = _reasons([grounds[item] for item in data], reader=reader, at=at)
    items = [
        replace(
            found,
            gateway=facts.gateway,
            necessity=reasons[item],
            subject_count=_subjects(case, [part for part in parts if part.item == item]),
        )
        for item, files in sorted(data.items())
        for found in releases.check(LE_RESULT, agency, {"data": {item: files}}, at=at)
    ]
    for part in parts:
        releases.send_pieces(case, LE_PIECE, agency=agency, pieces=_pieces(part, body), at=at)
    subjects = _subjects(case, parts)
    return releases.send(
        case, LE_RESULT, agency=agency, body=body, actor=actor, at=at, subject_count=subjects, items=items
    )


def _subjects(case: Case, parts: Sequence[PackagePart]) -> int:
    """Return of how many people files are: a file that names no subscriber is of all that are entered. One query."""
    named = {part.subject for part in parts}
    if "" not in named:
        return len(named)
    entered = case.address_holders.filter(is_removed=False).exclude(subject=codes.NOBODY)
    return max(1, entered.values("subject").distinct().count())


def _pieces(part: PackagePart, body: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], outbox.Load]]:
    """Yield what takes each piece of a large file, none of another. The content, last, is put in when it is sent."""
    if part.blob is None:
        return
    about = {"urn": body["urn"], "package_sha256": body["manifest"]["sha256"]}
    for place, digest in enumerate(part.pieces):
        first = place * package.PIECE_BYTES
        said = {"name": part.name, "piece": place + 1, "pieces": len(part.pieces), "sha256": digest, "content": ""}
        load = outbox.Load(blob=part.blob, first=first, size=min(package.PIECE_BYTES, part.size - first))
        yield {**about, "data": {part.item: [said]}}, load


def _file(part: PackagePart, *, reader: sealing.Reader, at: datetime) -> dict[str, str]:
    """Return a file as it is told: its very bytes, of which the manifest has the hash, or that hash for one that goes
    in pieces. As text goes only what a reader gets back byte for byte."""
    if part.pieces:
        return {"name": part.name, "encoding": "pieces", "content": part.sha256}
    data = package.bytes_of(part, reader=reader, at=at) or b""
    if part.media_type.startswith("text/") and not data.startswith(codecs.BOM_UTF8):
        with suppress(UnicodeDecodeError):
            return {"name": part.name, "encoding": "text", "content": data.decode()}
    return {"name": part.name, "encoding": "base64", "content": base64.b64encode(data).decode("ascii")}


def _reasons(rows: list[ItemGround], *, reader: sealing.Reader, at: datetime) -> dict[str, str]:
    opened = sealing.open_rows(rows, ("necessity", "proportionality", "collateral"), reader=reader, at=at)
    return {row.item: "\n".join(filter(None, each.values())) for row, each in zip(rows, opened, strict=True)}


def report(case: Case, error: DisclosureError, *, actor: Actor, at: datetime) -> OutboxMessage | None:
    """Promise the report of an error to whoever oversees these powers; None where the register knows nobody of the
    kind, or more than one, so that a person sends it. Raises ReleaseRefused."""
    known = list(Agency.objects.select_related("terms").filter(kind="oversight", is_active=True)[:2])
    if len(known) != 1:
        return None
    agency = known[0]
    reader = _reader(case, actor)
    opened = sealing.open_rows([error], ("how", "collateral", "prevention"), reader=reader, at=at)[0]
    body = {
        "urn": _urn(case, actor=actor, at=at),
        "authority": case.disclosure_request.authority_code,
        "fault": codes.FAULT_LABELS.get(error.fault, error.fault),
        "cause": error.cause,
        "found_at": error.found_at.isoformat(),
        **{name: text or "" for name, text in opened.items()},
    }
    return releases.send(case, IPC_ERROR, agency=agency, body=body, actor=actor, at=at, subject_count=0)


def _tell(case: Case, kind: releases.MessageKind, said: Mapping[str, Any], *, actor: Actor, at: datetime) -> None:
    """Promise a word to the authority, or, where nothing may be sent to it, ask for it by hand."""
    try:
        agency = _agency(case)
    except outbox.NoChannel:
        tasks.raise_task(BY_HAND, case=case, at=at, message=kind.code)
        return
    body = {"urn": _urn(case, actor=actor, at=at), **said}
    releases.send(case, kind, agency=agency, body=body, actor=actor, at=at, subject_count=0)


def _agency(case: Case) -> Agency:
    code = case.disclosure_request.authority_code
    found = Agency.objects.select_related("terms").filter(code=code, kind="lea", is_active=True).first()
    if found is None:
        raise outbox.NoChannel("This authority is not in the register, or nothing may be sent to it.")
    return found


def _reader(case: Case, actor: Actor) -> sealing.Reader:
    return sealing.Reader(actor=actor.label, verb="release", purpose="answer_authority", streams=(case.uid,))


def _urn(case: Case, *, actor: Actor, at: datetime) -> str:
    row = case.disclosure_request
    return sealing.open_rows([row], ("urn",), reader=_reader(case, actor), at=at)[0]["urn"] or "not given"
