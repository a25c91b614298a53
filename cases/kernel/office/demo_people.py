"""The invented people of a demonstration and their teams: one of each role, one who both proposes and decides, and a
second reviewer of credit, since whoever confirmed a link or decided a contest never judges what is said against that.

None has a password; they are signed in by one click, which exists in demo mode alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cases.kernel import actors
from cases.kernel.models import RoleGrant, Team, TeamMembership, User
from cases.kernel.office import people, policydocs
from cases.ledger import api as ledger

__all__ = ["PEOPLE", "TEAMS", "DemoPerson", "ensure"]


@dataclass(frozen=True)
class DemoPerson:
    """One invented person: name, roles and teams. A team code with a star is one they lead."""

    name: str
    roles: tuple[str, ...]
    teams: tuple[str, ...]

    @property
    def username(self) -> str:
        return self.name.lower().replace(". ", ".")


TEAMS: tuple[tuple[str, str, bool], ...] = (
    ("fraud", "Fraud", False),
    ("credit", "Credit", False),
    ("collections", "Collections", False),
    ("disclosure", "Disclosure", True),
    ("rights", "Rights", False),
    ("financial_crime", "Financial crime", True),
    ("data_protection", "Data protection", True),
    ("conflicts", "Conflicts of interest", True),
    ("administration", "Administration", False),
    ("audit", "Audit", False),
)

PEOPLE: tuple[DemoPerson, ...] = (
    DemoPerson("A. Byrne", ("fraud_analyst", "fraud_approver"), ("fraud",)),
    DemoPerson("D. Osei", ("fraud_approver",), ("fraud*",)),
    DemoPerson("P. Nair", ("fraud_analyst",), ("fraud",)),
    DemoPerson("H. Castellan", ("nominated_officer",), ("financial_crime*",)),
    DemoPerson("W. Strake", ("nominated_officer",), ("financial_crime",)),
    DemoPerson("M. Achterberg", ("credit_officer",), ("credit",)),
    DemoPerson("P. Lindqvist", ("credit_reviewer",), ("credit*",)),
    DemoPerson("F. Aldersey", ("credit_reviewer",), ("credit",)),
    DemoPerson("S. Oyelaran", ("credit_data_steward",), ("credit",)),
    DemoPerson("T. Marchetti", ("credit_data_approver",), ("credit",)),
    DemoPerson("R. Penhale", ("collections_analyst",), ("collections",)),
    DemoPerson("C. Adebayo", ("collections_manager",), ("collections*",)),
    DemoPerson("G. Whitlock", ("sale_manager",), ("collections",)),
    DemoPerson("L. Forsgren", ("finance_approver",), ("collections",)),
    DemoPerson("K. Mistry", ("disclosure_officer",), ("disclosure",)),
    DemoPerson("E. Hallam", ("disclosure_approver",), ("disclosure*",)),
    DemoPerson("N. Okonjo", ("emergency_operator",), ("disclosure",)),
    DemoPerson("V. Tranter", ("legal_counsel",), ("disclosure",)),
    DemoPerson("I. Sowande", ("rights_officer",), ("rights",)),
    DemoPerson("J. Merriweather", ("data_protection_officer",), ("rights*", "data_protection*")),
    DemoPerson("B. Lacombe", ("auditor",), ("audit",)),
    DemoPerson("O. Thackray", ("system_administrator",), ("administration",)),
)


def ensure(at: datetime) -> list[User]:
    """Make the teams, people and policy documents that are missing, as acts of source demo; return all demo people in
    order."""
    known = {user.username: user for user in User.objects.filter(username__in=[each.username for each in PEOPLE])}
    missing = [each for each in PEOPLE if each.username not in known]
    if missing:
        actor = actors.system("demo_people", source="demo")
        with ledger.action(people.SYSTEM_STREAM, "demo.people", actor=actor.label, at=at, source=actor.source):
            teams = _teams()
            for each in missing:
                known[each.username] = _person(each, teams, at=at)
    papers = actors.system("demo_documents", source="demo")
    policydocs.enter_samples(approved_by=f"staff:{known['j.merriweather'].pk}", actor=papers, at=at)
    return [known[each.username] for each in PEOPLE]


def _teams() -> dict[str, Team]:
    teams = {team.code: team for team in Team.objects.all()}
    for code, name, is_restricted in TEAMS:
        if code not in teams:
            teams[code] = Team.objects.create(code=code, name=name, is_restricted=is_restricted)
    return teams


def _person(each: DemoPerson, teams: dict[str, Team], *, at: datetime) -> User:
    user = User(username=each.username, display_name=each.name, date_joined=at)
    user.set_unusable_password()
    user.save()
    for role in each.roles:
        RoleGrant.objects.create(user=user, role=role, granted_at=at)
    for code in each.teams:
        TeamMembership.objects.create(user=user, team=teams[code.rstrip("*")], is_lead=code.endswith("*"))
    return user
