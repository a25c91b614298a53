"""Lists of cases that leave as a file: who asked, why and for exactly which is a change of the office, to which a
second person agrees where they are many.

No title and no hold stands in a list: what a case is about, and why it is held, may say something of somebody's health.
No restricted case stands in one, and nothing sealed is opened for it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from cases.kernel import casetypes, policy
from cases.kernel.actors import Actor
from cases.kernel.calendars import LONDON
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.models import Case, Proposal
from cases.kernel.office import proposals
from cases.kernel.office.kinds import Change, Kind, Line, Payload
from cases.kernel.outputs import datacategories
from cases.kernel.reading import worklist
from cases.kernel.roles import DATA_PROTECTION_OFFICER
from cases.ledger import api as ledger
from cases.ledger import reads

__all__ = ["ALONE", "AT_MOST", "KIND", "KINDS", "ask", "may_fetch", "rows_of"]

KIND = "export_cases"
ALONE = 100  # as many go into a list that nobody else agrees to
AT_MOST = 2_000
KEPT = timedelta(days=7)


class ListRefused(CaseError):
    """There can be no such list; the message is fit to show."""


datacategories.declare(
    "cases",
    {
        "reference": "case_record",
        "type": datacategories.NONE,
        "status": "case_record",
        "opened": "case_record",
        "due": "case_record",
        "closed": "case_record",
        "agency": datacategories.NONE,
        "amount": "case_record",
        "team": datacategories.NONE,
        "assignee": datacategories.NONE,
    },
)


def ask(
    uids: Sequence[UUID], *, actor: Actor, at: datetime, reason: str, request: ledger.RequestInfo | None = None
) -> Proposal:
    """Ask for a list of cases as a file: a change of the office, to which a second person agrees first where they are
    more than `ALONE`. Whoever asked has it for seven days. Raises ListRefused, ProposalRefused, NotAllowed."""
    found = dict(policy.visible_to(actor).filter(uid__in=uids, is_restricted=False).values_list("uid", "kind"))
    if not found or len(found) > AT_MOST:
        raise ListRefused(f"A list holds from 1 to {AT_MOST:,} cases, and none that is restricted.")
    payload = {
        "cases": sorted(map(str, found)),
        "kinds": dict(sorted(Counter(found.values()).items())),
        "maker": actor.user_id,
    }
    return proposals.propose(KIND, payload, actor=actor, at=at, reason=reason, request=request)


def _second(payload: Payload) -> frozenset[str]:
    """Return who agrees to a long list: whoever leads the work on its one kind, for several the officer."""
    if len(payload["cases"]) <= ALONE:
        return frozenset()
    leads = {casetypes.get(kind).lifecycle.second for kind in payload["kinds"]}
    return frozenset(leads if len(leads) == 1 and "" not in leads else {DATA_PROTECTION_OFFICER})


def _describe(_before: Payload, payload: Payload) -> list[Line]:
    kinds = [Line(label=casetypes.get(kind).label, new=f"{count:,}") for kind, count in payload["kinds"].items()]
    return [Line(label="Cases in the list", new=f"{len(payload['cases']):,}"), *kinds]


def _subject(payload: Payload) -> str:
    digest = hashlib.sha256(" ".join(payload["cases"]).encode()).hexdigest()
    return f"list/{payload['maker']}/{digest[:32]}"


def may_fetch(row: Proposal, actor: Actor, *, at: datetime, kind: str = KIND) -> bool:
    """Say whether a change is a list of this kind that this person asked for and may still fetch."""
    is_theirs = row.kind == kind and row.maker_id == actor.user_id and row.state == "agreed"
    return is_theirs and row.ended_at is not None and at < row.ended_at + KEPT


def rows_of(uid: UUID, *, actor: Actor, at: datetime, request_id: str = "") -> tuple[Proposal, list[list[str]]]:
    """Return the rows of a list, as they are now, of those cases that whoever asked may still see; the first names the
    columns. One access row names every case. Raises NotVisible for anybody else, and once it is over."""
    row = Proposal.objects.filter(uid=uid, kind=KIND).first()
    if row is None or not may_fetch(row, actor, at=at):
        raise NotVisible
    found = policy.visible_to(actor).filter(uid__in=row.payload["cases"], is_restricted=False)
    shown = list(found.select_related("team").annotate(**worklist.LISTED).order_by("pk"))
    reader = reads.Reader(
        actor=actor.label,
        verb="export",
        purpose="casework",
        streams=tuple(case.uid for case in shown),
        fields=("list",),
        request_id=request_id,
    )
    reads.record_read(reader, at=at, result_count=len(shown))
    return row, [datacategories.columns("cases"), *map(_listed, shown)]


def _listed(case: Case) -> list[str]:
    casetype, named = casetypes.get(case.kind), vars(case)
    return [
        case.reference,
        casetype.label,
        casetype.lifecycle.state(case.state).label,
        _moment(case.opened_at),
        _moment(None if case.is_closed else case.due_at),
        case.closed_date.isoformat() if case.closed_date else "",
        named["agency_name"] or "",
        "" if case.amount_pence is None else _pounds(case.amount_pence),
        case.team.name,
        named["assignee_name"] or "",
    ]


def _moment(at: datetime | None) -> str:
    return at.astimezone(LONDON).isoformat(timespec="minutes") if at else ""


def _pounds(pence: int) -> str:
    return f"{pence // 100}.{pence % 100:02d}"


def _nothing_follows(_change: Change) -> None:
    """A list is made when it is fetched."""


KINDS = (
    Kind(
        code=KIND,
        label="A list of cases as a file",
        makers=frozenset({policy.ANY_STAFF}),
        checkers=frozenset(policy.MANAGEMENT | {"credit_reviewer"}),
        needs=_second,
        subject=_subject,
        describe=_describe,
        apply=_nothing_follows,
        title=lambda row: f"A list of {len(row.payload['cases']):,} cases as a file",
        is_grave=False,
    ),
)
