"""What stops something in a matter of a person, in words that they may be told.

Some kinds of hold are told to nobody outside: why they stand would prejudice somebody (`HoldKind.is_told`). One that
names nobody is told only where no other person is in the matter: it may be about them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from cases.kernel import holdkinds
from cases.kernel.models import CaseParty, Hold
from cases.kernel.outputs.papers import moment
from cases.rights import held

__all__ = ["told"]


def told(parties: Sequence[CaseParty]) -> dict[int, list[tuple[str, str]]]:
    """Return, by case, label and words of each hold that the person may be told of, oldest first. Two queries."""
    own = {party.pk for party in parties if not held.is_beside(party)}
    cases = {party.case_id for party in parties if party.pk in own}
    others = CaseParty.objects.filter(case__in=cases, is_detached=False).exclude(pk__in=[each.pk for each in parties])
    shared = set(others.values_list("case", flat=True))
    told_kinds = [kind.code for kind in holdkinds.KINDS.values() if kind.is_told]
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for hold in Hold.objects.filter(case__in=cases, kind__in=told_kinds).order_by("began_at", "pk"):
        if hold.party_id in own or (hold.party_id is None and hold.case_id not in shared):
            found[hold.case_id].append((f"On hold: {holdkinds.shown_label(hold.kind).lower()}", _words(hold)))
    return found


def _words(hold: Hold) -> str:
    end = min((each for each in (hold.released_at, hold.ends_at) if each), default=None)
    asked = holdkinds.SOURCES.get(hold.source, "").lower()
    stops = ", ".join(holdkinds.BLOCKS[each].lower() for each in hold.blocks if each in holdkinds.BLOCKS)
    parts = (
        f"since {moment(hold.began_at)}",
        f" until {moment(end)}" if end else "",
        f"; asked for by {asked}" if asked else "",
        f"; it stops: {stops}" if stops else "",
    )
    return "".join(parts)
