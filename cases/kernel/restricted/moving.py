"""Takes a case out of the sight of its team: on a declared conflict of interest it goes to a restricted team.

From then on it is as any other restricted case: seen by that team and whom it lets read, found in its space alone,
joined with no person outside. It goes back to the team of its kind when the last tie declared on it has ended.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from cases.kernel import casetypes, conflicts
from cases.kernel.finding import reindex
from cases.kernel.models import Case, CaseParty, PersonPair, StaffTie, Task, Team, TeamMembership
from cases.ledger import api as ledger

__all__ = ["TEAM", "destination", "home", "move", "move_back"]

TEAM = "conflicts"


def destination(case: Case) -> Team | None:
    """Return the restricted team to which a case would go; none where it is restricted already, or where everybody in
    the team has a tie to it, or nobody is in it: then it would be lost to all."""
    team = None if case.is_restricted else Team.objects.filter(code=TEAM, is_restricted=True).first()
    if team is None:
        return None
    return team if _members(team, case) else None


def _members(team: Team, case: Case) -> set[int]:
    live = TeamMembership.objects.filter(team=team, ended_at=None, user__is_active=True)
    return {user for user in live.values_list("user_id", flat=True) if not conflicts.is_tied(user, case)}


def home(case: Case) -> Team | None:
    """Return the team to which a case that was moved goes back: that of its kind, once no tie on it is live;
    none before, and for a case that was never moved."""
    if case.team.code != TEAM or StaffTie.objects.filter(case=case, ended_at=None).exists():
        return None
    casetype = casetypes.get(case.kind)
    return None if casetype.is_restricted else Team.objects.filter(code=casetype.team).first()


def move(case: Case, team: Team, *, at: datetime) -> None:
    """Move a locked case with its open tasks, inside the current ledger action; the caller saves the case.

    Who works on it and is not of the team gives it back. Its people leave the joins they are in, and what it is found
    by is made anew in the team's own space, which is read on record.
    """
    keeps = case.assignee_id in _members(team, case)
    _give(case, team, is_restricted=True, keeps=keeps, at=at)
    people = list(CaseParty.objects.filter(case=case))
    for person in people:
        if person.party_id is not None:
            person.party = None
            person.save(update_fields=["party"])
    PersonPair.objects.filter(Q(first__in=people) | Q(second__in=people), state="offered").delete()
    reindex.retoken(at=at)
    _tell(case, team, at=at)


def move_back(case: Case, team: Team, *, at: datetime) -> None:
    """Give a locked case with its open tasks to the team of its kind, inside the current ledger action; the case is
    saved. Nobody works on it yet. What it is found by is made anew in everybody's space, which is read on record; its
    people are compared with others again."""
    _give(case, team, is_restricted=False, keeps=False, at=at)
    _tell(case, team, at=at)


def _give(case: Case, team: Team, *, is_restricted: bool, keeps: bool, at: datetime) -> None:
    case.team, case.is_restricted = team, is_restricted
    case.assignee = case.assignee if keeps else None
    case.version += 1
    case.changed_at = at
    case.save()
    for task in Task.objects.filter(case=case, closed_at=None):
        task.team, task.assignee = team, None
        task.save(update_fields=["team", "assignee"])


def _tell(case: Case, team: Team, *, at: datetime) -> None:
    reindex.rebuild([case.pk], at=at)
    ledger.current().detail["team"] = team.code
