"""Which people are linked by this family's cases, and which links may be used in a check now."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from cases.association import codes
from cases.kernel.casetypes import Tie
from cases.kernel.models import Case, CaseParty

__all__ = ["ties"]

# What was never told to anybody ties nobody.
_NEVER = ("declared", "rejected", "void", "merged")


def ties(people: Collection[int]) -> list[Tie]:
    """Return every link, standing or past, that touches one of these joined people. One query.

    A link may be used while its case is active and nothing suspends it, for either of the two.
    """
    touched = Q(parties__party__in=people, parties__is_detached=False)
    cases = Case.objects.filter(touched, kind="association").exclude(state__in=_NEVER)
    rows = CaseParty.objects.filter(case__in=cases.values("pk"), is_detached=False).select_related(
        "case__association", "case__team", "party"
    )
    sides: dict[Case, dict[str, CaseParty]] = {}
    for row in rows.order_by("case_id", "number"):
        sides.setdefault(row.case, {})[row.role] = row
    return [
        Tie(
            case=case,
            one=pair[codes.DECLARER],
            other=pair[codes.OTHER],
            label=dict(codes.BASES).get(case.topic, case.topic),
            is_usable=case.state == "active" and case.association.suspended_at is None,
        )
        for case, pair in sides.items()
        if len(pair) == len(codes.ROLES)
    ]
