"""The audit report of a case: everything on record about it, in words, with its chain of hashes attached."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.template.loader import render_to_string

from cases.kernel import actors
from cases.kernel.models import AuditReport, Case, User
from cases.ledger import checkpoints
from cases.ledger.canonical import microseconds, timestamp
from cases.ledger.checkpoints import Proof
from cases.ledger.sealing import Reader
from cases.ledger.verify import WRONG
from cases.reports import chapters, exchange, naming, press, records, related, seal, sender, words
from cases.reports.entries import Chapter, Entry
from cases.reports.pdf import Paper
from cases.reports.records import Records
from cases.reports.words import Words, moment

__all__ = ["Draft", "draft", "take_snapshot"]

LEVELS = {"internal": "Internal"}
HASH_RULE = (
    "hash = sha256(0x00 | prev | seq | id | recorded_us | body): prev is the hash before it (32 zero bytes for the "
    "first), the numbers are 8 bytes each, big-endian, body is the text below in UTF-8"
)
PROOF_RULE = (
    "leaf = sha256(0x00 | stream as 16 bytes | seq as 8 bytes | hash of that event); path leads from the leaf at index "
    "to the root in note as RFC 6962, 2.1.1 has it, nearest first; note is a signed note of c2sp.org/signed-note"
)
Writer = Callable[[Records, Words], Iterator[Entry]]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A report ready for the press, and the place in the chain up to which it speaks."""

    paper: Paper
    head_seq: int
    head_hash: str
    data: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One chapter as planned: its heading, what it says first, and what writes its entries."""

    code: str
    title: str
    writer: Writer
    note: str = ""
    is_dense: bool = False


BEFORE_FACTS = (
    Plan(
        code="decisions",
        title="Who decided what, and why",
        writer=chapters.decisions,
        note="Each step of the case, with the reason typed at the time.",
    ),
    Plan(
        code="approvals",
        title="Approvals",
        writer=chapters.approvals,
        note="An approval binds to a digest of exactly what was approved, and is void once that changes.",
    ),
)
AFTER_FACTS = (
    Plan(
        code="people", title="People, opened", writer=chapters.people, note="Everywhere else these values are masked."
    ),
    Plan(
        code="detached",
        title="People detached",
        writer=related.detached,
        note="Who turned out not to be the person. What was said of them stands above and is used no more.",
    ),
    Plan(
        code="links",
        title="Links with other cases",
        writer=related.links,
        note="Removed ones too. A case that whoever asked for this report may not see is not among them.",
    ),
    Plan(code="periods", title="Periods", writer=chapters.periods),
    Plan(
        code="released",
        title="What left the firm, and on which ground",
        writer=exchange.released,
        note="One item for each category of data, with its legal gateway and the clause of the privacy notice.",
    ),
    Plan(code="messages", title="Messages and every try to deliver them", writer=exchange.messages),
    Plan(code="callbacks", title="What agencies called back with", writer=exchange.callbacks),
    Plan(
        code="documents", title="Documents", writer=chapters.documents, note="The SHA-256 is of the file as received."
    ),
    Plan(code="notes", title="Notes", writer=chapters.notes),
    Plan(code="papers", title="Letters and reports", writer=chapters.papers),
    Plan(code="work", title="Tasks and holds", writer=chapters.work),
    Plan(
        code="looks",
        title="Who looked, and why",
        writer=chapters.looks,
        note="Written before anything was shown. The printing of this report is among them.",
        is_dense=True,
    ),
    Plan(
        code="events",
        title="Every event and every change",
        writer=chapters.events,
        note="Each field old → new. Sealed fields say only that they changed. What only ties rows together, what moves "
        "with every act, and what a chapter above tells in full is left out; the attached ledger.json holds it.",
    ),
)


@transaction.atomic
def draft(report: AuditReport, *, reader: Reader, at: datetime, by: seal.Sealer | None = None) -> Draft:
    """Return a report as it stands at one moment, ready for the press. Writes the reader's access rows. `by` is what
    its pages will be sealed with.

    Reads in one repeatable-read transaction of its own; call it in no other.
    """
    take_snapshot()
    case = Case.objects.select_related("team", "assignee", "key").get(pk=report.case_id)
    asker = User.objects.filter(pk=report.requested_by_id or 0).first()
    found = records.read(
        case, asker=actors.staff(asker) if asker else None, reader=reader, at=at, is_demo=bool(settings.DEMO)
    )
    told = _words(found)
    head_hash = bytes(found.head.hash).hex()
    proof = checkpoints.proof(case.uid, seq=found.head.seq)
    before, after = _written(BEFORE_FACTS, found, told), _written(AFTER_FACTS, found, told)
    context = {
        "report": report,
        "level": LEVELS.get(report.level, report.level),
        "firm": sender.firm(),
        "case": case,
        "title": f"Audit report {case.reference}",
        "made_at": at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "cover": [*_cover(report, found, told, at=at), seal.told(by)],
        "contents": [*before, Chapter(code="facts", title="The case’s facts", entries=()), *after],
        "chain": [*_chain_sentences(found, at=at), _proof_sentence(found, proof)],
        "proof": proof,
        "before": before,
        "after": after,
        "family": found.family,
    }
    paper = Paper(
        html=render_to_string("cases/reports/audit.html", context),
        css=render_to_string("cases/reports/audit.css"),
        identifier=hashlib.sha256(f"{report.uid} {head_hash}".encode()).hexdigest()[:32],
        made_at=at.isoformat(),
        attachment=_ledger(found, proof),
        attachment_note="The case's chain of events with their hashes",
    )
    return Draft(paper=paper, head_seq=found.head.seq, head_hash=head_hash)


def take_snapshot() -> None:
    """Read rows of one moment, unless a caller's transaction decided otherwise."""
    if len(connection.atomic_blocks) == 1:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _written(plans: tuple[Plan, ...], found: Records, told: Words) -> list[Chapter]:
    return [
        Chapter(
            code=plan.code,
            title=plan.title,
            note=plan.note,
            is_dense=plan.is_dense,
            entries=(*plan.writer(found, told), *_left_out(plan.code, found)),
        )
        for plan in plans
    ]


# What the rows of each list are called where only the first of them are told, by the chapter that tells them.
LISTED = {
    "periods": (("clocks", "periods"),),
    "released": (("releases", "releases"),),
    "messages": (("messages", "messages"), ("tries", "tries")),
    "callbacks": (("callbacks", "callbacks"),),
    "papers": (("letters", "letters"),),
    "work": (("tasks", "tasks"),),
}


def _left_out(code: str, found: Records) -> Iterator[Entry]:
    """Yield how much more there is than a chapter tells of a case of thousands of people."""
    for name, word in LISTED.get(code, ()):
        if count := found.left_out.get(name, 0):
            yield Entry(
                head=f"{count:,} {word} more, each of which has its event in the attached chain", is_beside=True
            )


def _words(found: Records) -> Words:
    labels = words.code_lists(found.casetype)
    return Words(
        casetype=found.casetype,
        people=found.people,
        actors={
            **{f"staff:{pk}": name for pk, name in found.people.items()},
            **{f"agency:{code}": name for code, name in found.agencies.items()},
        },
        rows=naming.row_names(found, labels),
        labels=labels,
        columns=words.column_names(found.casetype),
    )


def _cover(report: AuditReport, found: Records, told: Words, *, at: datetime) -> list[tuple[str, str]]:
    case, casetype = found.case, found.casetype
    font_name, font_sha256 = press.font()
    asker = found.people.get(report.requested_by_id or 0, "the system")
    return [
        ("Case", f"{case.reference}, {casetype.label.lower()}"),
        ("About", casetype.topic_label(case.topic)),
        ("State", told.state(case.state)),
        ("Team", f"{case.team.name}, {found.people.get(case.assignee_id or 0, 'nobody assigned')}"),
        ("Level", f"{LEVELS.get(report.level, report.level)}: may name people; not for anyone outside the firm"),
        ("Period", f"{moment(found.events[0].at)} to {moment(found.events[-1].at)}, London time"),
        ("Asked for", f"{moment(report.requested_at)} by {asker}"),
        ("Made", f"{moment(at)}, report {report.uid}"),
        ("Kept until", words.day(case.dispose_after_date) if case.dispose_after_date else "the case is closed"),
        ("Chain head", f"event {found.head.seq}"),
        ("Head hash", bytes(found.head.hash).hex()),
        ("Type face", f"{font_name}, SHA-256 {font_sha256}"),
    ]


def _chain_sentences(found: Records, *, at: datetime) -> list[str]:
    wrong = [finding for finding in found.findings if finding.level == WRONG]
    late = len(found.findings) - len(wrong)
    count = len(found.events)
    if wrong:
        said = [f"FAULTS WERE FOUND when the chain was recomputed on {moment(at)}:", *map(str, wrong)]
    else:
        said = [
            f"On {moment(at)} all {count} hashes of this case’s chain were computed again, from event 1 to event "
            f"{found.head.seq}, and every history row and live row was compared with them. Nothing was missing, "
            "changed, moved or added."
        ]
    if late:
        said.append(f"{late} of the events were recorded more than an hour after the time they speak of.")
    return said


def _proof(proof: Proof | None) -> dict[str, Any] | None:
    if proof is None:
        return None
    return {
        "rule": PROOF_RULE,
        "note": proof.note,
        "seq": proof.seq,
        "index": proof.index,
        "path": [each.hex() for each in proof.path],
    }


def _proof_sentence(found: Records, proof: Proof | None) -> str:
    if proof is None:
        return "No signed checkpoint of the whole ledger covers this case yet."
    later = found.head.seq - proof.seq
    beyond = f" {later} later {'event is' if later == 1 else 'events are'} in no checkpoint yet." if later else ""
    return (
        f"Up to event {proof.seq} the chain is in the signed checkpoint of {moment(proof.at)}, number {proof.size}; "
        f"what proves it is in the attached ledger.json.{beyond}"
    )


def _ledger(found: Records, proof: Proof | None) -> str:
    """Return the chain as data, with what proves that it is in a signed checkpoint (offline.py reads both). Sealed
    values are in it as hashes of their ciphertext alone."""
    return json.dumps(
        {
            "case": found.case.reference,
            "stream": str(found.case.uid),
            "rule": HASH_RULE,
            "head": {"seq": found.head.seq, "hash": bytes(found.head.hash).hex()},
            "checkpoint": _proof(proof),
            "events": [
                {
                    "seq": event.seq,
                    "id": event.id,
                    "recorded_at": timestamp(event.recorded_at),
                    "recorded_us": microseconds(event.recorded_at),
                    "prev": bytes(event.prev).hex(),
                    "hash": bytes(event.hash).hex(),
                    "body": event.body,
                }
                for event in found.events
            ],
        },
        ensure_ascii=False,
        indent=1,
    )
