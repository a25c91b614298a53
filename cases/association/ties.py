"""Which people are linked by this family's cases, and which links may be used in a check now."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Exists, OuterRef, Q

from cases.association import bureaus, codes
from cases.association.models import AgencyLink
from cases.kernel import holdkinds, holds
from cases.kernel.casetypes import Tie
from cases.kernel.models import Case, CaseParty, Hold

__all__ = ["ties"]

# What was never told to anybody ties nobody.
_NEVER = ("declared", "rejected", "void", "merged")


def ties(people: Collection[int], sides: Collection[int] = ()) -> list[Tie]:
    """Return every link, standing or past, that touches one of these joined people or rows of a case. One query.

    A link may be used for either of the two while its case is active, an agency holds it, nothing suspends it and no
    hold for a person's data stands on it, UK GDPR Art 18(2).
    """
    touched = Q(Q(parties__party__in=people) | Q(parties__in=sides), parties__is_detached=False)
    cases = Case.objects.filter(touched, kind="association").exclude(state__in=_NEVER)
    held = AgencyLink.objects.filter(case=OuterRef("case"), state=bureaus.HELD)
    restricted = Hold.objects.filter(holds.in_force(), case=OuterRef("case"), kind__in=holdkinds.STOPS_USE)
    rows = CaseParty.objects.filter(case__in=cases.values("pk"), is_detached=False).select_related(
        "case__association", "case__team", "party"
    )
    pairs: dict[Case, dict[str, CaseParty]] = {}
    is_free: dict[int, bool] = {}
    for row in rows.annotate(is_free=Exists(held) & ~Exists(restricted)).order_by("case_id", "number"):
        pairs.setdefault(row.case, {})[row.role] = row
        is_free[row.case_id] = row.is_free
    return [
        Tie(
            case=case,
            one=pair[codes.DECLARER],
            other=pair[codes.OTHER],
            label=dict(codes.BASES).get(case.topic, case.topic),
            is_usable=case.state == "active" and is_free[case.pk] and case.association.suspended_at is None,
        )
        for case, pair in pairs.items()
        if len(pair) == len(codes.ROLES)
    ]
