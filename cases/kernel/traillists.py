"""Parts of the trail over all cases that leave as a file: which events, why and for whom is a change of the office, to
which a second person agrees where they are many.

Nothing sealed is opened for it: of a reason it says whether one was given. No event of a restricted case stands in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from cases.kernel import caselists, datacategories
from cases.kernel.actors import Actor
from cases.kernel.calendars import LONDON
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.models import Case, Proposal
from cases.kernel.office import proposals
from cases.kernel.office.kinds import Change, Kind, Line, Payload
from cases.kernel.reading import timeline, trail
from cases.kernel.roles import DATA_PROTECTION_OFFICER
from cases.ledger import api as ledger
from cases.ledger import reads
from cases.ledger.models import LedgerEvent

__all__ = ["ALONE", "AT_MOST", "KIND", "KINDS", "ask", "found", "rows_of"]

KIND = "export_trail"
ALONE = caselists.ALONE
AT_MOST = caselists.AT_MOST
TIMES = {"from": "From", "before": "Before"}


class TrailListRefused(CaseError):
    """There can be no such file; the message is fit to show."""


datacategories.declare(
    "trail",
    {
        "done": "case_record",
        "recorded": datacategories.NONE,
        "who": datacategories.NONE,
        "actor": datacategories.NONE,
        "act": "case_record",
        "code": datacategories.NONE,
        "type": datacategories.NONE,
        "reference": "case_record",
        "from": datacategories.NONE,
        "reason_given": datacategories.NONE,
        "hash": datacategories.NONE,
    },
)


def found(actor: Actor, asked: trail.Asked) -> list[UUID]:
    """Return the events of a question that may go into a file, newest first. Raises TrailListRefused for none, and for
    more than `AT_MOST`. One query."""
    rows = trail.within(actor, asked, is_open_alone=True)
    uids = list(rows.values_list("uid", flat=True)[: AT_MOST + 1])
    if not 1 <= len(uids) <= AT_MOST:
        raise TrailListRefused(
            f"A file holds from 1 to {AT_MOST:,} acts, and none on a restricted case. Choose a shorter time, or whose."
        )
    return uids


def ask(
    uids: Sequence[UUID],
    asked: trail.Asked,
    *,
    why: str,
    actor: Actor,
    at: datetime,
    reason: str,
    request: ledger.RequestInfo | None = None,
) -> Proposal:
    """Ask for these events as a file: a change of the office, to which the data protection officer agrees first where
    they are more than `ALONE`. `why` is the code of what they are read for. Raises ProposalRefused, NotAllowed."""
    told = {
        "who": asked.actor,
        "case": asked.case.reference if asked.case else "",
        "act": asked.action,
        "from": asked.from_at.isoformat() if asked.from_at else "",
        "before": asked.before_at.isoformat() if asked.before_at else "",
    }
    payload = {"events": sorted(map(str, uids)), "why": why, "maker": actor.user_id, "asked": told}
    return proposals.propose(KIND, payload, actor=actor, at=at, reason=reason, request=request)


def _second(payload: Payload) -> frozenset[str]:
    return frozenset({DATA_PROTECTION_OFFICER} if len(payload["events"]) > ALONE else ())


def _describe(_before: Payload, payload: Payload) -> list[Line]:
    asked = payload["asked"]
    who = timeline.names([asked["who"]])[asked["who"]] if asked["who"] else ""
    times = {label: datetime.fromisoformat(asked[name]) for name, label in TIMES.items() if asked[name]}
    lines = {"Who": who, "Case": asked["case"], "Act": asked["act"].replace("_", " ").replace(".", ": ")}
    lines |= {label: f"{moment.astimezone(LONDON):%-d %b %Y %H:%M}" for label, moment in times.items()}
    number = Line(label="Acts in the file", new=f"{len(payload['events']):,}")
    return [number, *(Line(label=label, new=text) for label, text in lines.items() if text)]


def _subject(payload: Payload) -> str:
    digest = hashlib.sha256(" ".join(payload["events"]).encode()).hexdigest()
    return f"trail/{payload['maker']}/{digest[:32]}"


def rows_of(
    uid: UUID, *, actor: Actor, at: datetime, request_id: str = ""
) -> tuple[Proposal, list[tuple[LedgerEvent, Case]]]:
    """Return the events of a file, newest first, of those cases of which whoever asked may still know. One access row
    names every case. Raises NotVisible for anybody else, and once it is over."""
    row = Proposal.objects.filter(uid=uid, kind=KIND).first()
    if row is None or not caselists.may_fetch(row, actor, at=at, kind=KIND):
        raise NotVisible
    told = trail.named(row.payload["events"], actor=actor)
    reader = reads.Reader(
        actor=actor.label,
        verb="export",
        purpose=row.payload["why"],
        streams=tuple({case.uid: None for _, case in told}),
        fields=("audit",),
        request_id=request_id,
    )
    reads.record_read(reader, at=at, result_count=len(told))
    return row, told


def _nothing_follows(_change: Change) -> None:
    """A file is made when it is fetched."""


KINDS = (
    Kind(
        code=KIND,
        label="Acts on cases as a file",
        makers=frozenset({"auditor"}),
        checkers=frozenset({DATA_PROTECTION_OFFICER}),
        needs=_second,
        subject=_subject,
        describe=_describe,
        apply=_nothing_follows,
        title=lambda row: f"{len(row.payload['events']):,} acts on cases as a file",
        is_grave=False,
    ),
)
