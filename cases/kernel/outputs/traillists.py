"""Parts of the audit trail that leave as a file: which acts or looks, why and for whom is a change of the office, to
which a second person agrees where they are many.

Nothing sealed is opened for it: of a reason it says whether one was given. Nothing of a restricted case stands in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cases.kernel.actors import Actor
from cases.kernel.calendars import LONDON
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.models import Case, Proposal
from cases.kernel.office import proposals
from cases.kernel.office.kinds import Change, Kind, Line, Payload
from cases.kernel.outputs import caselists, datacategories
from cases.kernel.reading import looktrail, officetrail, timeline, trail
from cases.kernel.reading.looktrail import Look
from cases.kernel.reading.officetrail import Done
from cases.kernel.roles import DATA_PROTECTION_OFFICER
from cases.ledger import api as ledger
from cases.ledger import reads
from cases.ledger.models import LedgerEvent

__all__ = ["ALONE", "AT_MOST", "KIND", "KINDS", "WHAT", "Part", "ask", "found", "part_of"]

KIND = "export_trail"
ALONE = caselists.ALONE
AT_MOST = caselists.AT_MOST
TIMES = {"from": "From", "before": "Before"}
WHAT = {trail.CASES: "Acts on cases", trail.OFFICE: "Acts on the office", trail.LOOKS: "Looks"}


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
datacategories.declare(
    "looks",
    {
        "looked": "case_record",
        "who": datacategories.NONE,
        "actor": datacategories.NONE,
        "how": "case_record",
        "code": datacategories.NONE,
        "references": "case_record",
        "office": datacategories.NONE,
        "fields": "case_record",
        "why": "case_record",
        "request": datacategories.NONE,
    },
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """What stands in a file, newest first: acts on cases, acts on the office, or looks."""

    row: Proposal
    cases: Sequence[tuple[LedgerEvent, Case]] = ()
    office: Sequence[Done] = ()
    looks: Sequence[Look] = ()

    @property
    def what(self) -> str:
        """What it holds, in words."""
        return _what(self.row.payload)

    @property
    def streams(self) -> tuple[UUID, ...]:
        """Whatever it tells of."""
        told = [case.uid for _, case in self.cases] + [each.event.stream for each in self.office]
        told += [case.uid for each in self.looks for case in each.cases]
        return tuple(dict.fromkeys(told))

    def __len__(self) -> int:
        return len(self.cases) + len(self.office) + len(self.looks)


def found(actor: Actor, asked: trail.Asked, *, at: datetime) -> list[str]:
    """Return what of an answer may go into a file, newest first, by uid, a look by its number. Raises TrailListRefused
    for nothing, and for more than `AT_MOST`. One query."""
    if asked.of == trail.LOOKS:
        looks = looktrail.within(actor, asked, at=at, is_open_alone=True)
        names = [str(pk) for pk in looks.values_list("pk", flat=True)[: AT_MOST + 1]]
    else:
        acts = trail.within(actor, asked, is_open_alone=True)
        names = [str(uid) for uid in acts.values_list("uid", flat=True)[: AT_MOST + 1]]
    if not 1 <= len(names) <= AT_MOST:
        what = "looks, and none at" if asked.of == trail.LOOKS else "acts, and none on"
        raise TrailListRefused(
            f"A file holds from 1 to {AT_MOST:,} {what} a restricted case. Choose a shorter time, or whose."
        )
    return names


def ask(
    names: Sequence[str],
    asked: trail.Asked,
    *,
    why: str,
    actor: Actor,
    at: datetime,
    reason: str,
    request: ledger.RequestInfo | None = None,
) -> Proposal:
    """Ask for these acts or looks as a file: a change of the office, to which the data protection officer agrees first
    where they are more than `ALONE`. `why` is the code of what they are read for. Raises ProposalRefused,
    NotAllowed."""
    told = {
        "who": asked.actor,
        "case": asked.case.reference if asked.case else "",
        "act": asked.action,
        "from": asked.from_at.isoformat() if asked.from_at else "",
        "before": asked.before_at.isoformat() if asked.before_at else "",
    }
    payload = {"events": sorted(names), "of": asked.of, "why": why, "maker": actor.user_id, "asked": told}
    return proposals.propose(KIND, payload, actor=actor, at=at, reason=reason, request=request)


def _second(payload: Payload) -> frozenset[str]:
    return frozenset({DATA_PROTECTION_OFFICER} if len(payload["events"]) > ALONE else ())


def _describe(_before: Payload, payload: Payload) -> list[Line]:
    asked = payload["asked"]
    who = timeline.names([asked["who"]])[asked["who"]] if asked["who"] else ""
    times = {label: datetime.fromisoformat(asked[name]) for name, label in TIMES.items() if asked[name]}
    lines = {"Who": who, "Case": asked["case"], "Act": _act(payload.get("of", trail.CASES), asked["act"])}
    lines |= {label: f"{moment.astimezone(LONDON):%-d %b %Y %H:%M}" for label, moment in times.items()}
    number = Line(label=f"{_what(payload)} in the file", new=f"{len(payload['events']):,}")
    return [number, *(Line(label=label, new=text) for label, text in lines.items() if text)]


def _act(of: str, action: str) -> str:
    """Return in words which act was asked for."""
    if of == trail.OFFICE:
        return {verb: text for each in officetrail.AREAS.values() for verb, text in each.named.items()}.get(action, "")
    return looktrail.HOW.get(action, action.replace("_", " ").replace(".", ": "))


def _what(payload: Payload) -> str:
    return WHAT[payload.get("of", trail.CASES)]


def _subject(payload: Payload) -> str:
    digest = hashlib.sha256(" ".join(payload["events"]).encode()).hexdigest()
    return f"trail/{payload['maker']}/{digest[:32]}"


def part_of(uid: UUID, *, actor: Actor, at: datetime, request_id: str = "") -> Part:
    """Return what stands in a file, newest first, of what whoever asked may still know. One access row names every
    case. Raises NotVisible for anybody else, and once it is over."""
    row = Proposal.objects.select_related("maker").filter(uid=uid, kind=KIND).first()
    if row is None or not caselists.may_fetch(row, actor, at=at, kind=KIND):
        raise NotVisible
    part = _part(row, actor, at=at)
    reader = reads.Reader(
        actor=actor.label,
        verb="export",
        purpose=row.payload["why"],
        streams=part.streams,
        fields=("audit",),
        request_id=request_id,
    )
    reads.record_read(reader, at=at, result_count=len(part))
    return part


def _part(row: Proposal, actor: Actor, *, at: datetime) -> Part:
    names, asked = row.payload["events"], trail.Asked(of=row.payload.get("of", trail.CASES))
    if asked.of == trail.LOOKS:
        looks = looktrail.seen(actor, is_open_alone=True).filter(pk__in=names).order_by("-pk")
        return Part(row=row, looks=looktrail.told(actor, looks, at=at, is_open_alone=True))
    events = list(trail.within(actor, asked, is_open_alone=True).filter(uid__in=names))
    if asked.of == trail.OFFICE:
        return Part(row=row, office=officetrail.told(actor, events))
    return Part(row=row, cases=trail.with_cases(events))


def _nothing_follows(_change: Change) -> None:
    """A file is made when it is fetched."""


KINDS = (
    Kind(
        code=KIND,
        label="A part of the audit trail as a file",
        makers=frozenset({"auditor"}),
        checkers=frozenset({DATA_PROTECTION_OFFICER}),
        needs=_second,
        subject=_subject,
        describe=_describe,
        apply=_nothing_follows,
        title=lambda row: f"{len(row.payload['events']):,} {_what(row.payload).lower()} as a file",
        is_grave=False,
    ),
)
