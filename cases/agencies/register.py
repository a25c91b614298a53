"""Changes of the register of agencies, each made by one person and agreed to by another: entry, terms, address, keys,
a pause beyond an hour and its end. Whoever made or agreed to one does not release to it for a day (agreements)."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime
from typing import Any

from cases.agencies import signatures
from cases.agencies.addresses import AddressRefused, check_form
from cases.agencies.registerforms import (
    LABELS,
    NOWHERE,
    WAYS,
    AddressForm,
    AgencyForm,
    KeyEndForm,
    KeyForm,
    PauseForm,
    ResumeForm,
    TermsForm,
    agency_of,
    terms_state,
)
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies, agreements
from cases.kernel.exchange.agencies import ChannelPlan, Listing
from cases.kernel.exchange.agreements import Terms
from cases.kernel.models import Channel, ChannelKey
from cases.kernel.office.kinds import Change, Kind, Line, Payload
from cases.kernel.policy import DIRECTORY

__all__ = ["KINDS", "WAYS", "key_name"]

CHECKERS = frozenset({"disclosure_approver"})
KEEPERS = frozenset({"system_administrator"})
MOST_KEYS = 2
NEW = {"code": "Code", "kind": "Kind", "display_name": "Name", "country": "Established in", "address": "Address"}


def _subject(payload: Payload) -> str:
    return f"agency/{payload['code']}"


def _day(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else value or None


def _lines(labels: dict[str, str], before: Payload, payload: Payload) -> list[Line]:
    return [
        Line(label=label, old=_text(before.get(name)), new=_text(payload.get(name))) for name, label in labels.items()
    ]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return "" if value is None else str(value)


def _address_faults(address: str, cidrs: list[str]) -> dict[str, str]:
    """Called in a transaction, so nobody is asked where the name leads: the form did that, and each delivery does."""
    try:
        check_form(address, allowed_cidrs=cidrs)
    except AddressRefused:
        return {"address": NOWHERE}
    return {}


# --- a new agency ------------------------------------------------------------------------------------------------
def _check_new(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if agency_of(payload["code"]) is not None:
        return {"code": "There is an agency with that code already."}
    return _address_faults(payload["address"], [])


def _describe_new(_before: Payload, payload: Payload) -> list[Line]:
    return _lines(NEW, {}, payload)


def _enter(change: Change) -> None:
    said = change.payload
    listing = Listing(
        code=said["code"],
        kind=said["kind"],
        display_name=said["display_name"],
        country=said["country"],
        terms=Terms(state="proposed"),
        channels=(ChannelPlan(direction="in"), ChannelPlan(direction="out", address=said["address"])),
    )
    agencies.register(listing, actor=change.actor, at=change.at)


# --- terms -------------------------------------------------------------------------------------------------------
def _terms(payload: Payload) -> Terms:
    given = {each.name: payload.get(each.name) for each in fields(Terms)}
    return Terms(**{name: _day(value) if name.endswith("_date") else value for name, value in given.items()})  # type: ignore[arg-type]  # -- cleaned by the form


def _check_terms(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if agency_of(payload["code"]) is None:
        return {"code": "There is no such agency."}
    return dict(agreements.faults(_terms(payload)))


def _describe_terms(before: Payload, payload: Payload) -> list[Line]:
    contact = [Line(label="Contact", old="", new="a new one, sealed")] if payload.get("contact") else []
    return [*_lines(LABELS, before, payload), *contact]


def _write_terms(change: Change) -> None:
    contact = change.payload.get("contact") or None
    agency = agencies.get(change.payload["code"])
    agreements.enter(agency, _terms(change.payload), actor=change.actor, at=change.at, contact=contact)


# --- address -----------------------------------------------------------------------------------------------------
def _out(payload: Payload) -> Channel | None:
    agency = agency_of(payload["code"])
    return agencies.channel_of(agency, payload.get("direction", "out")) if agency else None


def _address_state(payload: Payload) -> dict[str, Any]:
    channel = _out(payload)
    return {"address": channel.address} if channel else {}


def _check_address(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    channel = _out(payload)
    if channel is None:
        return {"code": "Nothing is sent to this agency."}
    return _address_faults(payload["address"], list(channel.allowed_cidrs))


def _describe_address(before: Payload, payload: Payload) -> list[Line]:
    return _lines({"address": "Address of its messages"}, before, payload)


def _move(change: Change) -> None:
    channel = _out(change.payload)
    if channel is not None:
        agencies.change_channel(
            channel, "agency.channel_moved", actor=change.actor, at=change.at, address=change.payload["address"]
        )


# --- keys --------------------------------------------------------------------------------------------------------
def key_name(proposal_uid: Any, direction: str) -> str:
    """Return the name of the key that a proposal makes."""
    return f"{direction}-{proposal_uid.hex[:12]}"


def _live(payload: Payload, *, at: datetime) -> list[ChannelKey]:
    channel = _out(payload)
    return agencies.live_keys(channel, at=at) if channel else []


def _check_key(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if _out(payload) is None:
        return {"direction": "This agency has no such channel."}
    if len(_live(payload, at=at)) >= MOST_KEYS:
        return {"direction": "It has two live keys already: end the older one first."}
    return {}


def _describe_key(_before: Payload, payload: Payload) -> list[Line]:
    return [Line(label=WAYS[payload["direction"]], old="", new="one more live key")]


def _make_key(change: Change) -> None:
    channel = _out(change.payload)
    if channel is None:
        raise CaseError("This agency has no such channel.")
    name = key_name(change.proposal.uid, change.payload["direction"])
    agencies.add_key(channel, signatures.new_secret(), name=name, actor=change.actor, at=change.at)


def _named(payload: Payload, *, at: datetime) -> tuple[ChannelKey | None, int]:
    """Return the live key of that name and how many live keys its channel has."""
    for direction in WAYS:
        live = _live({**payload, "direction": direction}, at=at)
        found = next((row for row in live if row.key_name == payload["key_name"]), None)
        if found is not None:
            return found, len(live)
    return None, 0


def _check_end(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    found, count = _named(payload, at=at)
    if found is None:
        return {"key_name": "This agency has no live key of that name."}
    return {"key_name": "It is the only live key: make its successor first."} if count < MOST_KEYS else {}


def _describe_end(_before: Payload, payload: Payload) -> list[Line]:
    return [Line(label="Key", old=str(payload["key_name"]), new="")]


def _end_key(change: Change) -> None:
    found, _ = _named(change.payload, at=change.at)
    if found is not None:
        agencies.revoke_key(found, actor=change.actor, at=change.at)


# --- a pause beyond an hour --------------------------------------------------------------------------------------
def _pause_state(payload: Payload) -> dict[str, Any]:
    channel = _out(payload)
    return {"state": channel.state} if channel else {}


def _check_pause(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if _out(payload) is None:
        return {"code": "Nothing is sent to this agency."}
    until = _day(payload.get("until_date"))
    return {"until_date": "Choose a day to come."} if until and until <= at.date() else {}


def _describe_pause(before: Payload, payload: Payload) -> list[Line]:
    until = _text(payload.get("until_date"))
    return [Line(label="Sending", old=str(before.get("state", "")), new=f"paused until {until or 'it is resumed'}")]


def _pause(change: Change) -> None:
    channel, day = _out(change.payload), _day(change.payload.get("until_date"))
    until = datetime(day.year, day.month, day.day, tzinfo=change.at.tzinfo) if day else None
    if channel is not None:
        agencies.pause(channel, actor=change.actor, at=change.at, cause=agencies.AGREED, until=until)


def _check_resume(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    channel = _out(payload)
    return (
        {} if channel is not None and channel.state == "paused" else {"code": "Sending to this agency is not paused."}
    )


def _describe_resume(before: Payload, _payload: Payload) -> list[Line]:
    return [Line(label="Sending", old=str(before.get("state", "")), new="active")]


def _resume(change: Change) -> None:
    channel = _out(change.payload)
    if channel is not None:
        agencies.resume(channel, actor=change.actor, at=change.at, cause=agencies.AGREED)


KINDS = (
    Kind(
        code="agency_new",
        label="Enter an agency",
        makers=DIRECTORY,
        checkers=CHECKERS,
        subject=_subject,
        check=_check_new,
        describe=_describe_new,
        apply=_enter,
        form=AgencyForm,
    ),
    Kind(
        code="agency_terms",
        label="Change an agency's terms",
        makers=DIRECTORY,
        checkers=CHECKERS,
        subject=_subject,
        state=terms_state,
        check=_check_terms,
        describe=_describe_terms,
        apply=_write_terms,
        sealed=("contact",),
        form=TermsForm,
    ),
    Kind(
        code="agency_address",
        label="Change an agency's address",
        makers=DIRECTORY,
        checkers=CHECKERS,
        subject=_subject,
        state=_address_state,
        check=_check_address,
        describe=_describe_address,
        apply=_move,
        form=AddressForm,
    ),
    Kind(
        code="agency_key_make",
        label="Make a key for an agency",
        makers=KEEPERS,
        checkers=CHECKERS,
        subject=_subject,
        check=_check_key,
        describe=_describe_key,
        apply=_make_key,
        form=KeyForm,
    ),
    Kind(
        code="agency_key_end",
        label="End a key of an agency",
        makers=KEEPERS,
        checkers=CHECKERS,
        subject=_subject,
        check=_check_end,
        describe=_describe_end,
        apply=_end_key,
        form=KeyEndForm,
    ),
    Kind(
        code="agency_pause",
        label="Pause an agency beyond an hour",
        makers=DIRECTORY | KEEPERS,
        checkers=CHECKERS,
        subject=_subject,
        state=_pause_state,
        check=_check_pause,
        describe=_describe_pause,
        apply=_pause,
        form=PauseForm,
    ),
    Kind(
        code="agency_resume",
        label="End an agency's pause",
        makers=DIRECTORY | KEEPERS,
        checkers=CHECKERS,
        subject=_subject,
        state=_pause_state,
        check=_check_resume,
        describe=_describe_resume,
        apply=_resume,
        form=ResumeForm,
    ),
)
