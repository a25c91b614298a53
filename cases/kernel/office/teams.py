"""Teams and who is in them, as changes of the office. Joining a restricted team, or lifting its mark, needs two."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms

from cases.kernel import tasks
from cases.kernel.actors import Actor
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import Team, TeamMembership, User
from cases.kernel.office import grants, leaving, people
from cases.kernel.office.changeforms import ChangeForm, PersonField
from cases.kernel.office.kinds import Change, Kind, Line, Payload

__all__ = ["KINDS"]

STANDINGS = {"member": "Member", "lead": "Lead", "none": "Not in the team"}
YES = {True: "yes", False: "no"}
CHECKERS = grants.OFFICERS | grants.ADMINISTRATORS


class TeamForm(ChangeForm):
    """A new team."""

    code = forms.SlugField(label="Code", max_length=40, help_text="Small letters and underscores. Never changes.")
    name = forms.CharField(label="Name", max_length=80)
    is_restricted = forms.BooleanField(
        label="Restricted: nobody outside it sees its cases, and joining it needs two people", required=False
    )


class TeamChangeForm(TeamForm):
    """Name and mark of a team that exists."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget = forms.HiddenInput()
        team = Team.objects.filter(code=self.initial.get("code", "")).first()
        if team is not None:
            self.initial = {**self.initial, "name": team.name, "is_restricted": team.is_restricted}


def _team_choices() -> list[tuple[str, str]]:
    return list(Team.objects.order_by("name").values_list("code", "name"))


class MemberForm(ChangeForm):
    """One person's standing in one team."""

    user = PersonField(label="Person")
    team = Chosen(label="Team", choices=_team_choices)
    standing = forms.ChoiceField(
        label="Standing",
        choices=list(STANDINGS.items()),
        widget=forms.RadioSelect,
        help_text="Leading is a mark for colleagues; it gives no right.",
    )


def _team(code: str) -> Team | None:
    return Team.objects.filter(code=code).first()


def _team_state(payload: Payload) -> dict[str, Any]:
    team = _team(payload["code"])
    return {"name": team.name, "is_restricted": team.is_restricted} if team else {}


def _describe_team(before: Payload, payload: Payload) -> list[Line]:
    was = YES[before["is_restricted"]] if before else ""
    return [
        Line(label="Code", old=payload["code"] if before else "", new=payload["code"]),
        Line(label="Name", old=before.get("name", ""), new=payload["name"]),
        Line(label="Restricted", old=was, new=YES[bool(payload["is_restricted"])]),
    ]


def _check_new(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    return {"code": "There is a team with that code already."} if _team(payload["code"]) else {}


def _check_change(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    return {} if _team(payload["code"]) else {"code": "There is no such team."}


def _needs_for_mark(payload: Payload) -> frozenset[str]:
    team = _team(payload["code"])
    is_same = team is None or team.is_restricted == bool(payload["is_restricted"])
    return frozenset() if is_same else grants.second_hand(None)


def _add(change: Change) -> None:
    said = change.payload
    with people.act("team.added", actor=change.actor, at=change.at, request=change.request, team=said["code"]):
        Team.objects.create(code=said["code"], name=said["name"], is_restricted=bool(said["is_restricted"]))


def _change(change: Change) -> None:
    team = Team.objects.select_for_update().get(code=change.payload["code"])
    with people.act("team.changed", actor=change.actor, at=change.at, request=change.request, team=team.code):
        team.name, team.is_restricted = change.payload["name"], bool(change.payload["is_restricted"])
        team.save(update_fields=["name", "is_restricted"])


def _membership(payload: Payload) -> TeamMembership | None:
    rows = TeamMembership.objects.select_related("team")
    return rows.filter(user_id=payload["user"], team__code=payload["team"], ended_at=None).first()


def _standing(payload: Payload) -> dict[str, str]:
    row = _membership(payload)
    return {"standing": "none" if row is None else "lead" if row.is_lead else "member"}


def _check_member(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if sentence := grants.person_refusal(payload["user"], actor):
        return {"user": sentence}
    if _team(payload["team"]) is None:
        return {"team": "There is no such team."}
    return {} if payload["standing"] in STANDINGS else {"standing": "Choose one."}


def _needs_for_joining(payload: Payload) -> frozenset[str]:
    team = _team(payload["team"])
    joins = payload["standing"] != "none" and _membership(payload) is None
    return grants.second_hand(payload["user"]) if team and team.is_restricted and joins else frozenset()


def _describe_member(before: Payload, payload: Payload) -> list[Line]:
    person, team = str(User.objects.filter(pk=payload["user"]).first()), str(_team(payload["team"]))
    return [
        Line(label="Person", old=person, new=person),
        Line(label=team, old=STANDINGS[before["standing"]], new=STANDINGS[payload["standing"]]),
    ]


def _seat(change: Change) -> None:
    said, at = change.payload, change.at
    user = people.another_for_update(said["user"], change.actor, is_agreed=True)
    team = Team.objects.get(code=said["team"])
    row = _membership(said)
    verb = "team.left" if said["standing"] == "none" else "team.joined" if row is None else "team.standing"
    with people.act(verb, actor=change.actor, at=at, request=change.request, user=user.pk, team=team.code):
        if row is None:
            TeamMembership.objects.create(team=team, user=user, is_lead=said["standing"] == "lead")
        else:
            row.is_lead = said["standing"] == "lead"
            row.ended_at = at if said["standing"] == "none" else None
            row.save(update_fields=["is_lead", "ended_at"])
        if said["standing"] == "none":
            tasks.close_office("access_removal", actor=change.actor, at=at, user=user.pk, right=f"team:{team.code}")
    if said["standing"] == "none":
        leaving.give_back(user, team=team, actor=change.actor, at=at, request=change.request)
    people.note(verb.replace(".", "_"), actor=change.actor, at=at, user=user.pk, team=team.code)


KINDS = (
    Kind(
        code="team_add",
        label="Make a team",
        makers=grants.ADMINISTRATORS,
        checkers=None,
        subject=lambda payload: f"team/{payload['code']}",
        check=_check_new,
        state=_team_state,
        describe=_describe_team,
        apply=_add,
        title=lambda row: f"Make the team {row.payload['name']}",
        form=TeamForm,
    ),
    Kind(
        code="team_change",
        label="Rename or mark a team",
        makers=grants.ADMINISTRATORS,
        checkers=CHECKERS,
        needs=_needs_for_mark,
        subject=lambda payload: f"team/{payload['code']}",
        check=_check_change,
        state=_team_state,
        describe=_describe_team,
        apply=_change,
        title=lambda row: f"Change the team {row.before.get('name', row.payload['code'])}",
        form=TeamChangeForm,
    ),
    Kind(
        code="team_member",
        label="Change who is in a team",
        makers=grants.ADMINISTRATORS,
        checkers=CHECKERS,
        needs=_needs_for_joining,
        subject=lambda payload: f"person/{payload['user']}/team/{payload['team']}",
        about=lambda payload: int(payload["user"]),
        check=_check_member,
        state=_standing,
        describe=_describe_member,
        apply=_seat,
        title=lambda row: f"{STANDINGS[row.payload['standing']]} of {row.payload['team']}: {row.about}",
        form=MemberForm,
    ),
)
