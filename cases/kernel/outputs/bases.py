"""Why cases are kept, and on which ground: what the person is told by UK GDPR Art 13(1)(c), (d) and 15(1)(a).

A kind of case names it; where the ground is our interest, the assessment that weighs it is told by its code and the
version that was in force on the London day on which the case was opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cases.kernel import calendars, casetypes, notice
from cases.kernel.models import Case, PolicyDocument
from cases.kernel.office import policydocs

__all__ = ["ground_of", "label_of", "told", "why_of"]


def why_of(case: Case) -> str:
    """Return what a case is kept for. No query."""
    return casetypes.get(case.kind).basis.why


def ground_of(case: Case) -> str:
    """Return the code of the ground that a case is kept on. Reads its facts where the kind has several."""
    casetype = casetypes.get(case.kind)
    return casetype.basis_of(case) if casetype.basis_of else casetype.basis.gateway


def label_of(case: Case) -> str:
    """Return the ground in words."""
    code = ground_of(case)
    return notice.GATEWAYS[code].label if code in notice.GATEWAYS else code


def told(cases: Sequence[Case]) -> Mapping[int, str]:
    """Return by the id of each case its ground in words, with id and version of the assessment that our interest stands
    on. One query, where one of them stands on an assessment."""
    stands_on = {case.pk: _assessment(case) for case in cases}
    versions = policydocs.versions({code for code in stands_on.values() if code})
    return {case.pk: f"{label_of(case)}{_version(stands_on[case.pk], versions, case)}" for case in cases}


def _assessment(case: Case) -> str:
    basis = casetypes.get(case.kind).basis
    return basis.assessment if ground_of(case) == basis.gateway else ""


def _version(code: str, versions: Mapping[str, Sequence[PolicyDocument]], case: Case) -> str:
    if not code:
        return ""
    day = calendars.london_date(case.opened_at)
    begun = [row.version for row in versions.get(code, ()) if row.valid_from <= day]
    return f", assessment {code}, version {begun[-1]}" if begun else f", assessment {code}, not approved on that day"
