"""A restriction of use, or an objection to it, holds the matters in which it is granted: what they hold is kept and not
used, UK GDPR Art 18 and 21(1). Each is a hold of its own kind: an objection stands when a restriction ends.

The end of a restriction asks the desk of each matter to have the hold released, which takes two people as with any of
its kind. Nothing of a restricted matter is touched.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from cases.kernel import casetypes, clocks, holds, locks, record, tasks
from cases.kernel.actors import system
from cases.kernel.models import Case, CaseParty, Hold
from cases.rights import codes, held, recipients

__all__ = ["ask_for_release", "holds_of", "matters", "name_of", "offered", "restrict"]

KINDS = {codes.RESTRICT: "data_protection", codes.OBJECT: "objection"}
# All that a matter may be used for; the person may still be written to.
BLOCKS = ("cra_default", "dispose", "enforce", "place", "report", "sell")


def matters(case: Case) -> list[CaseParty]:
    """Return what other matters say of the person who asks, one row of each, oldest matter first; not those in which
    they only act for somebody. Two queries."""
    found: dict[int, CaseParty] = {}
    for row in held.rows(case):
        if row.case_id != case.pk and not held.is_beside(row):
            found.setdefault(row.case_id, row)
    return list(found.values())


def offered(case: Case) -> list[CaseParty]:
    """Return the matters among which an officer says where something was changed: of what stops the use all of the
    person's, of any other change those of which somebody outside was told."""
    right = case.rights_request.right
    if right in codes.STOPS_USE:
        return matters(case)
    return recipients.matters(case) if right in recipients.CHANGES else []


def holds_of(case: Case, right: str = "", *, at: datetime | None = None) -> list[Hold]:
    """Return the holds in force by which a right of whoever asks stops the use of their matters, oldest first; of one
    right where it is named. Three queries."""
    people, kinds = [row.pk for row in matters(case)], [KINDS[right]] if right else [*KINDS.values()]
    rows = Hold.objects.filter(holds.in_force(at), kind__in=kinds, source="customer", party__in=people)
    return list(rows.select_related("case").order_by("case_id", "pk"))


def restrict(case: Case, chosen: Collection[str], *, at: datetime) -> None:
    """Hold each chosen matter for the person who asks, inside the current ledger action on the locked request. Locks
    each of them in turn and writes one act on its stream; one that is held by the same right stays as it is."""
    right = case.rights_request.right
    standing = {hold.case_id for hold in holds_of(case, right, at=at)}
    for row in matters(case):
        if str(row.case.uid) not in chosen or row.case_id in standing:
            continue
        matter, actor = locks.case_for_update(row.case_id), system("rights", source=case.source)
        with record.act(matter, "hold.entered", actor=actor, at=at):
            more = {"blocks": sorted(BLOCKS), "party": row, "received_at": case.rights_request.received_at}
            holds.place(matter, KINDS[right], actor=actor, at=at, source="customer", reference=case.reference, **more)
            matter.version += 1
            clocks.refresh_due(matter)
            matter.save()


def ask_for_release(case: Case, *, at: datetime) -> None:
    """Have the desk of each matter that a restriction holds for the person asked to release that, inside the current
    ledger action on the locked request. Locks each of them in turn."""
    for hold in holds_of(case, codes.RESTRICT, at=at):
        matter, actor = locks.case_for_update(hold.case_id), system("rights", source=case.source)
        with record.act(matter, "hold.review_due", actor=actor, at=at):
            tasks.raise_task("hold_review", case=matter, at=at, hold=hold.pk, is_over=True)
            matter.version += 1
            clocks.refresh_due(matter)
            matter.save()


def name_of(row: CaseParty) -> str:
    """Return what a matter is called where it is chosen."""
    return f"{row.case.reference}, {casetypes.get(row.case.kind).label.lower()}"
