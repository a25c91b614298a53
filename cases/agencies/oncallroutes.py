"""The register of who is rung for which team, in which order. Every change of it needs two people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from cases.agencies import addresses
from cases.kernel.actors import Actor
from cases.kernel.forms.numberfields import Whole
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import OnCallRing, OnCallRoute, Team
from cases.kernel.office import grants
from cases.kernel.office.changeforms import ChangeForm
from cases.kernel.office.kinds import Change, Kind, Line, Payload

__all__ = ["KINDS", "METHODS"]

METHODS = {"e_mail": "E-mail", "https": "Pager, by HTTPS"}
MOST_POSITIONS = 9
_LABELS = {"label": "Who answers", "method": "How", "address": "Address", "is_rung": "Is rung"}


def _teams() -> list[tuple[str, str]]:
    return list(Team.objects.filter(is_restricted=True).order_by("name").values_list("code", "name"))


class RouteForm(ChangeForm):
    """One address in a team's order: entered, changed, or no longer rung."""

    team = Chosen(label="Restricted team", choices=_teams)
    position = Whole(
        label="Place in the order",
        min_value=1,
        max_value=MOST_POSITIONS,
        help_text="The first is rung at once, each next one after five minutes in which nobody answered.",
    )
    label = forms.CharField(label=_LABELS["label"], max_length=60, help_text="A duty, such as: first on call.")
    method = forms.ChoiceField(label=_LABELS["method"], choices=list(METHODS.items()), widget=forms.RadioSelect)
    address = forms.CharField(
        label=_LABELS["address"],
        max_length=200,
        help_text="An e-mail address, or an https address of a pager service. It is told a short code, nothing else.",
    )
    is_rung = forms.BooleanField(label="This address is rung", required=False, initial=True)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("method") and said.get("address") and (sentence := _wrong(said["method"], said["address"])):
            self.add_error("address", sentence)
        return said


def _wrong(method: str, address: str) -> str:
    """Return the sentence why an address is none of its method, or nothing. Asks no resolver."""
    if method == "e_mail":
        try:
            forms.EmailField().clean(address)
        except forms.ValidationError:
            return "Enter an e-mail address, such as duty@example.org."
        return ""
    try:
        addresses.check_form(address, allowed_cidrs=settings.ON_CALL_CIDRS)
    except addresses.AddressRefused:
        return "Enter an https address that others can be reached at, without a question mark or a user in it."
    return ""


def _subject(payload: Payload) -> str:
    return f"on_call/{payload['team']}/{payload['position']}"


def _row(payload: Payload) -> OnCallRoute | None:
    rows = OnCallRoute.objects.filter(team__code=payload["team"], position=payload["position"])
    return rows.filter(ended_at=None).first()


def _state(payload: Payload) -> dict[str, Any]:
    row = _row(payload)
    if row is None:
        return {}
    return {"label": row.label, "method": row.method, "address": row.address, "is_rung": True}


def _check(payload: Payload, *, actor: Actor, at: Any) -> dict[str, str]:
    if not Team.objects.filter(code=payload["team"], is_restricted=True).exists():
        return {"team": "There is no such restricted team."}
    if payload["method"] not in METHODS:
        return {"method": "Choose one."}
    if sentence := _wrong(payload["method"], payload["address"]):
        return {"address": sentence}
    if not payload["is_rung"] and _row(payload) is None:
        return {"is_rung": "Nobody is rung at this place."}
    return {}


def _said(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return METHODS.get(value, value) if name == "method" else str(value)


def _describe(before: Payload, payload: Payload) -> list[Line]:
    """Show old and new; whoever is no longer rung has nothing new but that."""
    lines = [
        Line(label=label, old=_said(name, before[name]) if before else "", new=_said(name, payload[name]))
        for name, label in _LABELS.items()
    ]
    if payload["is_rung"]:
        return lines
    return [*(Line(label=each.label, old=each.old, new=each.old) for each in lines[:-1]), lines[-1]]


def _write(change: Change) -> None:
    """End what stands at the place, with the rings that wait for it, and enter what is to stand there."""
    said = change.payload
    team = Team.objects.select_for_update().get(code=said["team"])
    row = _row(said)
    if row is not None:
        row.ended_at = change.at
        row.save(update_fields=["ended_at"])
        OnCallRing.objects.filter(route=row, state="pending").update(state="dropped")
    if said["is_rung"]:
        OnCallRoute.objects.create(
            team=team,
            position=said["position"],
            label=said["label"].strip(),
            method=said["method"],
            address=said["address"].strip(),
        )


KINDS = (
    Kind(
        code="on_call_route",
        label="Change who is rung when something urgent waits",
        makers=grants.ADMINISTRATORS,
        checkers=grants.OFFICERS | grants.ADMINISTRATORS,
        subject=_subject,
        state=_state,
        check=_check,
        describe=_describe,
        apply=_write,
        title=lambda row: f"Who is rung for {row.payload['team']}, place {row.payload['position']}",
        form=RouteForm,
    ),
)
