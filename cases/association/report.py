"""What the case page and the audit report say about a financial association."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.association import bureaus, codes, proof
from cases.association.models import LinkStatement
from cases.kernel import calendars, holdkinds, holds
from cases.kernel.casetypes import Check, Table
from cases.kernel.models import Case

__all__ = ["ASKER", "amount", "checks", "context", "facts_view", "tables", "topic", "topic_label"]

ASKER = "Whoever asked to break it showed who they are by"
_BASES, _AGREEMENTS = dict(codes.BASES), dict(codes.AGREEMENTS)
_HOW = {**dict(codes.CHANNELS), **_AGREEMENTS, "shown_by_document": "Shown by a document"}


def topic(facts: Mapping[str, Any]) -> str:
    return str(facts["basis"])


def topic_label(code: str) -> str:
    text = _BASES.get(code, code)
    return f"Association: {text[:1].lower()}{text[1:]}"


def amount(_facts: Mapping[str, Any]) -> int | None:
    return None


def _day(moment: Any) -> str:
    return f"{calendars.london_date(moment):%-d %B %Y}" if moment else ""


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed. Two queries of an active link, else none."""
    facts = case.association
    rows = [
        ("Basis", _BASES.get(facts.basis, facts.basis)),
        ("Declared", f"{_day(facts.declared_at)}, {_HOW.get(facts.channel, facts.channel).lower()}"),
        ("Other person agrees", _AGREEMENTS.get(facts.agreement_kind, facts.agreement_kind)),
        ("Other person may be written to", "Yes" if facts.may_write_to_other else "No"),
        ("May be used in checks", _use(case)),
    ]
    if facts.asker_shown_by:
        shown = dict(codes.IDENTITY_CHECKS).get(facts.asker_shown_by, facts.asker_shown_by)
        rows.append((ASKER, shown))
    if facts.exposure:
        found = dict(codes.EXPOSURES).get(facts.exposure, facts.exposure)
        rows.append(("Jointly open", f"{found}, looked at {_day(facts.exposure_checked_at)}"))
    return rows


def _use(case: Case) -> str:
    facts = case.association
    if facts.suspended_at is not None:
        return f"No, since {_day(facts.suspended_at)}"
    sides = {each.role for each in case.parties.all() if not each.is_detached}
    if case.state != "active" or len(sides) < len(codes.ROLES):
        return "No"
    if not bureaus.is_held(case):
        return "No, no agency holds it"
    is_restricted = holds.active(case).filter(kind__in=holdkinds.STOPS_USE).exists()
    return "No, a policy hold stops it" if is_restricted else "Yes, of either for the other"


def checks(case: Case) -> list[Check]:
    """Return what has to be in order before the link is told. Uses the people and documents fetched for the page."""
    facts = case.association
    people = [each for each in case.parties.all() if not each.is_detached]
    shown = bool(proof.shown(case.evidence.all()))
    return [
        Check(
            label="Two people, one on each side",
            is_clear=sorted(each.role for each in people) == sorted((codes.DECLARER, codes.OTHER)),
            detail=f"{len(people)} named",
        ),
        Check(
            label="The other person's agreement is shown",
            is_clear=shown and facts.agreement_kind != "declared_only",
            detail=_AGREEMENTS.get(facts.agreement_kind, ""),
        ),
        Check(
            label="The link is not disputed",
            is_clear=facts.suspended_at is None,
            detail="" if facts.suspended_at is None else "It is not used in any check",
        ),
    ]


def tables(case: Case) -> list[Table]:
    """Return how each agency has the link, and what each side said. Two queries."""
    rows = bureaus.links(case)
    agencies = Table(
        title="Agencies",
        columns=("Agency", "How it stands", "Its reference", "Since"),
        rows=tuple(
            (
                row.agency.display_name,
                codes.LINK_STATES.get(row.state, row.state) + (", asked again" if row.chased_at else ""),
                row.agency_reference or "None",
                _day(row.changed_at),
            )
            for row in rows
        ),
        empty="No agency was told yet.",
    )
    said = LinkStatement.objects.filter(case=case).order_by("said_at", "pk")
    sides, words = dict(codes.ROLES), dict(codes.STATEMENTS)
    statements = Table(
        title="What each side said",
        columns=("When", "Who", "Says", "How"),
        rows=tuple(
            (_day(row.said_at), sides[row.party_role], words.get(row.says, row.says), _HOW.get(row.how, row.how))
            for row in said
        ),
    )
    return [agencies, statements]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case), "tables": tables(case)}
