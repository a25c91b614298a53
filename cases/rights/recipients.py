"""Whoever was told of a person before what is held was put right, erased or restricted hears of it, UK GDPR Art 19, and
whoever was told of a restriction hears of its end.

Each matter tells its own recipients by a notice. Where its family puts right what it told by a message of its own, a
task asks for that: the family's step tells everybody, with whoever has to agree to it. What they were told of a
restricted matter is not touched. The request keeps who it was, so that the person can be told.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from cases.kernel import casetypes, clocks, locks, outbox, record, releases, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.exchange import corrections
from cases.kernel.linking import detaching
from cases.kernel.models import Case, CaseParty, Release
from cases.rights import codes
from cases.rights.models import RightsRequest

__all__ = ["CHANGES", "EARLIER", "NONE", "matters", "tell"]

CHANGES = {codes.RECTIFY: "amended", codes.ERASE: "removed", codes.RESTRICT: "restricted", codes.LIFT: "unrestricted"}
REASONS = {"amended": "rectified", "removed": "erased", "restricted": "restricted", "unrestricted": "restriction_ended"}
NONE = "none"
EARLIER = "rights_tell_earlier_recipient"
tasks.declare(
    {EARLIER: "Tell whoever was told of a person what a right of theirs changed, or say why it cannot be done"}
)


def matters(case: Case) -> list[CaseParty]:
    """Return what other matters say about the person who asks, of which somebody outside was told; oldest matter
    first. Two queries; nothing of a restricted one."""
    own = CaseParty.objects.filter(case=case, role="person", is_detached=False).exclude(party=None)
    rows = CaseParty.objects.filter(party__in=own.values("party"), case__is_restricted=False, is_detached=False)
    found = list(rows.exclude(case=case).select_related("case__key").order_by("case_id", "number"))
    silent = [code for code, kind in releases.KINDS.items() if kind.put_right_by == "nobody"]
    told = Release.objects.filter(Q(people=None) | Q(people__party__in=found), case__in=[row.case_id for row in found])
    told = told.exclude(outbox.never_left("message__")).exclude(message_kind__in=[*silent, *corrections.LABELS])
    cases = set(told.values_list("case_id", flat=True)) if found else set()
    known = _restricted(case) if case.rights_request.right == codes.LIFT else None
    return [row for row in found if row.case_id in cases and (known is None or row.case.reference in known)]


def _restricted(case: Case) -> dict[str, set[str]]:
    """Return who was told that the use of what they hold of the person is restricted and not told since that this has
    ended: codes of agencies by the reference of the matter. One query."""
    own = CaseParty.objects.filter(case=case, role="person", is_detached=False).exclude(party=None)
    rows = RightsRequest.objects.filter(
        right__in=[codes.RESTRICT, codes.LIFT], case__parties__party__in=own.values("party")
    )
    found: dict[str, set[str]] = {}
    for row in rows.exclude(case=case).distinct().order_by("pk"):
        for each in row.told_before:
            change = set.add if row.right == codes.RESTRICT else set.discard
            change(found.setdefault(each["matter"], set()), each["agency"])
    return {matter: told for matter, told in found.items() if told}


def tell(case: Case, chosen: Collection[str], *, at: datetime) -> None:
    """Tell whoever was told by the chosen matters, inside the current ledger action on the locked request, which keeps
    who they are. Locks each of those matters in turn and writes one act on its stream."""
    facts = case.rights_request
    actor = system("rights", source=case.source)
    facts.told_before = [
        {"agency": code, "how": how, "matter": row.case.reference}
        for row in matters(case)
        if str(row.case.uid) in chosen
        for code, how in _tell(row, facts, actor=actor, at=at)
    ]


def _tell(row: CaseParty, facts: RightsRequest, *, actor: Actor, at: datetime) -> list[tuple[str, str]]:
    """Return the code of each recipient and how they are told: by a notice, by the family itself, or by hand."""
    case, change = locks.case_for_update(row.case_id), CHANGES[facts.right]
    lifted = _restricted(facts.case).get(case.reference, set()) if facts.right == codes.LIFT else None
    with record.act(case, "recipients.told", actor=actor, at=at, detail={"person": row.number, "change": change}):
        family = {each.recipient.code for each in detaching.told_by_filing(case, row)}
        noticed = {each.agency.code for each in corrections.earlier_recipients(case, party=row)}
        if lifted is not None:
            family, noticed = family & lifted, noticed & lifted
        sent = set()
        hears = corrections.CALLBACKS.keys() <= casetypes.get(case.kind).callbacks.keys()
        if hears and not family:
            promised = corrections.send(
                case, change, reason=REASONS[change], actor=actor, at=at, party=row, only=lifted
            )
            sent = {each.channel.agency.code for each in promised}
        else:
            family, noticed = family | noticed, set[str]()
        for code in sorted(family):
            tasks.raise_task(EARLIER, case=case, at=at, agency=code, change=change, person=row.number)
        case.version += 1
        clocks.refresh_due(case)
        case.save()
    how = [*((code, "notice") for code in sorted(sent)), *((code, "family") for code in sorted(family - sent))]
    return [*how, *((code, "by_hand") for code in sorted(noticed - sent - family))]
