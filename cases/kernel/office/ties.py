"""Conflicts of interest: who has a tie to a case neither sees it nor is given it, whatever their role or team.

A tie can be registered before there is a case: to a person, by what they are known by. Then no case in which they are
is taken or decided by whoever has the tie.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet

from cases.kernel import conflicts, locks, policy, record, tasks
from cases.kernel.actors import Actor
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import Case, StaffTie, TieEntry, User
from cases.kernel.office import leaving
from cases.kernel.office.changeforms import ChangeForm
from cases.kernel.office.kinds import Change, Kind, Line, Payload
from cases.kernel.restricted import moving
from cases.ledger import sealing

__all__ = ["KINDS", "register"]

OFFICER = "data_protection_officer"


def _tieable(actor: Actor) -> list[tuple[int, str]]:
    """Return whose ties the actor may declare: their own, the officer everybody's."""
    rows = User.objects.filter(is_active=True).order_by("display_name", "pk")
    rows = rows if OFFICER in actor.roles else rows.filter(pk=actor.user_id or 0)
    return list(rows.values_list("pk", "display_name"))


class TieForm(ChangeForm):
    """Oneself and a case, by its reference; the data protection officer may name a colleague."""

    hints = (
        "Declare it when you are related to somebody in a case, live next door, or are in it yourself.",
        "From then on the case does not exist for you; if it was yours, it goes back to the queue.",
        "It moves to the restricted team for such cases. A case about a member of staff is declared as theirs.",
    )
    user = Chosen(label="Who has the tie", coerce=int)
    reference = forms.CharField(label="Reference of the case", max_length=40)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].choices = _tieable(self.actor)  # type: ignore[attr-defined]  # -- a choice field

    def clean_reference(self) -> str:
        """Return the id of a case the person may know of; one they may not is as unknown as none."""
        asked = self.cleaned_data["reference"].strip().replace("\0", "")
        found = policy.visible_to(self.actor).filter(reference__iexact=asked).values_list("uid", flat=True).first()
        if found is None:
            raise forms.ValidationError("You see no case with that reference.")
        return str(found)

    def payload(self) -> dict[str, Any]:
        return {"user": self.cleaned_data["user"], "case": self.cleaned_data["reference"]}


class PersonTieForm(ChangeForm):
    """Oneself and somebody outside; the data protection officer may name a colleague."""

    hints = (
        "Register somebody whose cases you must never work on: a relative, a neighbour, a former partner.",
        "Cases in which this person is, now or later, are neither taken nor decided by you. What you enter is sealed.",
    )
    user = Chosen(label="Who has the tie", coerce=int)
    phone = forms.CharField(label="Their telephone", max_length=40, required=False)
    email = forms.CharField(label="Their e-mail", max_length=200, required=False)
    account = forms.CharField(label="Their account with us", max_length=80, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].choices = _tieable(self.actor)  # type: ignore[attr-defined]  # -- a choice field


class EndForm(ChangeForm):
    """A tie that is over or was declared by mistake."""

    tie = forms.UUIDField(widget=forms.HiddenInput)


def register() -> QuerySet[StaffTie]:
    """Return every tie with its person, newest first. What case it is stays out of the lists of the office."""
    return StaffTie.objects.select_related("user", "proposal__maker")


def _live(payload: Payload) -> StaffTie | None:
    return StaffTie.objects.filter(user_id=payload["user"], case__uid=payload["case"], ended_at=None).first()


def _refuse_person(payload: Payload, actor: Actor) -> dict[str, str]:
    if payload["user"] != actor.user_id and OFFICER not in actor.roles:
        return {"user": "You declare your own ties; the data protection officer those of others."}
    if not User.objects.filter(pk=payload["user"], is_active=True).exists():
        return {"user": "There is no such person."}
    return {}


def _check(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if refused := _refuse_person(payload, actor):
        return refused
    if not policy.visible_to(actor).filter(uid=payload["case"]).exists():
        return {"reference": "You see no case with that reference."}
    return {"reference": "That tie is on record already."} if _live(payload) else {}


def _describe(before: Payload, payload: Payload) -> list[Line]:
    person = str(User.objects.filter(pk=payload["user"]).first())
    return [
        Line(label="Person", old=person, new=person),
        Line(label="One case", old="may be seen and given to them", new="hidden from them and never given to them"),
        Line(label="Team of the case", old="as it is", new="the restricted team for conflicts, if somebody is in it"),
    ]


def _apply(change: Change) -> None:
    user = User.objects.get(pk=change.payload["user"])
    case = Case.objects.get(uid=UUID(change.payload["case"]))
    StaffTie.objects.create(user=user, case=case, began_at=change.at, proposal=change.proposal)
    leaving.give_back(user, case=case, actor=change.actor, at=change.at, request=change.request)
    row = locks.case_for_update(case.pk)
    team = moving.destination(row)
    if team is None and row.is_closed:
        return
    with record.act(row, "conflict.declared", actor=change.actor, at=change.at, request=change.request):
        if team is not None:
            moving.move(row, team, at=change.at)
        if not row.is_closed:
            tasks.raise_task("conflict", case=row, at=change.at)


def _check_whom(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if refused := _refuse_person(payload, actor):
        return refused
    given = conflicts.comparable(payload)
    wrong = [kind for kind in conflicts.KINDS if payload.get(kind) and kind not in given]
    if wrong:
        return dict.fromkeys(wrong, "This cannot be read. Check it.")
    return {} if given else {"phone": "Give at least one: telephone, e-mail or account."}


def _describe_whom(before: Payload, payload: Payload) -> list[Line]:
    person = str(User.objects.filter(pk=payload["user"]).first())
    return [
        Line(label="Person", old=person, new=person),
        Line(label="Cases of somebody they have a tie to", old="may be given to them", new="never theirs to decide"),
        *(Line(label=label, new=str(payload[kind])) for kind, label in conflicts.KINDS.items() if payload.get(kind)),
    ]


def _whom(payload: Payload) -> str:
    """Return a name for a tie to a person that gives nothing away."""
    text = json.dumps(conflicts.comparable(payload), sort_keys=True)
    return f"tie/{payload['user']}/person/{sealing.keyed_hash('tie', text).hex()[:16]}"


def _apply_whom(change: Change) -> None:
    """Register the tie, and put back in the queue what the person works on and may no longer."""
    user, known = User.objects.get(pk=change.payload["user"]), conflicts.comparable(change.payload)
    key = sealing.new_key("tie", at=change.at)
    row = StaffTie(user=user, began_at=change.at, proposal=change.proposal, key=key)
    sealing.seal(row, {"whom": json.dumps(known, sort_keys=True)}, key=key)
    row.save(force_insert=True)
    TieEntry.objects.create(tie=row, tokens=conflicts.tokens(known))
    for case in Case.objects.filter(conflicts.of_person(user.pk), assignee=user, is_closed=False).order_by("pk"):
        leaving.give_back(user, case=case, actor=change.actor, at=change.at, request=change.request)


def _tie(payload: Payload) -> StaffTie | None:
    return StaffTie.objects.filter(uid=payload["tie"], ended_at=None).select_related("user").first()


def _check_end(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    tie = _tie(payload)
    if tie is None:
        return {"tie": "There is no such tie."}
    return {"tie": "Nobody ends a tie of their own."} if tie.user_id == actor.user_id else {}


def _describe_end(before: Payload, payload: Payload) -> list[Line]:
    tie = StaffTie.objects.select_related("user").filter(uid=payload["tie"]).first()
    person = str(tie.user) if tie else ""
    return [
        Line(label="Person", old=person, new=person),
        Line(label="Tie", old="yes", new="ended"),
        Line(label="Team of the case", old="as it is", new="the team of its kind, if no other tie is declared on it"),
    ]


def _apply_end(change: Change) -> None:
    tie = StaffTie.objects.select_for_update().get(uid=change.payload["tie"])
    tie.ended_at = change.at
    tie.save(update_fields=["ended_at"])
    if tie.case_id is None or Case.objects.filter(pk=tie.case_id, is_erased=True).exists():
        return
    row = locks.case_for_update(tie.case_id)
    team = moving.home(row)
    if team is not None:
        with record.act(row, "conflict.ended", actor=change.actor, at=change.at, request=change.request):
            moving.move_back(row, team, at=change.at)


def _about_end(payload: Payload) -> int | None:
    tie = _tie(payload)
    return tie.user_id if tie else None


KINDS = (
    Kind(
        code="tie_add",
        label="Declare a conflict of interest",
        makers=frozenset({policy.ANY_STAFF}),
        checkers=None,
        subject=lambda payload: f"tie/{payload['user']}/{payload['case']}",
        about=lambda payload: int(payload["user"]),
        state=lambda payload: {"is_tied": _live(payload) is not None},
        check=_check,
        describe=_describe,
        apply=_apply,
        title=lambda row: f"Conflict of interest of {row.about}",
        form=TieForm,
        is_grave=False,
    ),
    Kind(
        code="tie_person",
        label="Register a tie to a person",
        makers=frozenset({policy.ANY_STAFF}),
        checkers=None,
        subject=_whom,
        about=lambda payload: int(payload["user"]),
        check=_check_whom,
        describe=_describe_whom,
        apply=_apply_whom,
        title=lambda row: f"Tie of {row.about} to a person",
        sealed=tuple(conflicts.KINDS),
        form=PersonTieForm,
        is_grave=False,
    ),
    Kind(
        code="tie_end",
        label="End a conflict of interest",
        makers=frozenset({OFFICER}),
        checkers=frozenset({"legal_counsel"}),
        subject=lambda payload: f"tie/{payload['tie']}",
        about=_about_end,
        state=lambda payload: {"is_tied": _tie(payload) is not None},
        check=_check_end,
        describe=_describe_end,
        apply=_apply_end,
        title=lambda row: f"End a conflict of interest of {row.about}",
        form=EndForm,
    ),
)
