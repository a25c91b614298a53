"""Changes of the register of agencies, each made by one person and agreed to by another: entry, terms, address, keys,
a pause beyond an hour and its end; those about files stand in registerfiles. Whoever made or agreed to one does not
release to it for a day (agreements)."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime
from itertools import product
from typing import Any

from cases.agencies import registerfiles, registerparts, signatures
from cases.agencies.registerforms import (
    LABELS,
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
from cases.kernel import calendars
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies, agreements, files
from cases.kernel.exchange.agencies import ChannelPlan, Listing
from cases.kernel.exchange.agreements import Terms
from cases.kernel.models import Channel, ChannelKey
from cases.kernel.office.kinds import Change, Line, Payload
from cases.kernel.policy import DIRECTORY

__all__ = ["KINDS", "WAYS", "key_name"]

NEW = {"code": "Code", "kind": "Kind", "display_name": "Name", "country": "Established in", "address": "Address"}


def _day(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else value or None


# --- a new agency ------------------------------------------------------------------------------------------------
def _check_new(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if agency_of(payload["code"]) is not None:
        return {"code": "There is an agency with that code already."}
    return registerparts.address_faults(payload["address"], [])


def _describe_new(_before: Payload, payload: Payload) -> list[Line]:
    return registerparts.lines(NEW, {}, payload)


def _enter(change: Change) -> None:
    said = change.payload
    listing = Listing(
        code=said["code"],
        kind=said["kind"],
        display_name=said["display_name"],
        country=said["country"],
        terms=Terms(state="proposed"),
        channels=(ChannelPlan(direction="in"), ChannelPlan(direction="out", **registerparts.way(said["address"]))),
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
    return [*registerparts.lines(LABELS, before, payload), *contact]


def _write_terms(change: Change) -> None:
    contact = change.payload.get("contact") or None
    agency = agencies.get(change.payload["code"])
    agreements.enter(agency, _terms(change.payload), actor=change.actor, at=change.at, contact=contact)


# --- address -----------------------------------------------------------------------------------------------------
def _addressed(payload: Payload) -> Channel | None:
    """Return the channel that an address is meant for: of messages or of files its own, else the first."""
    is_carried = registerparts.way(str(payload.get("address") or ""))["transport"] in files.CARRIED
    own = (channel for channel in registerparts.outs(payload) if (channel.transport in files.CARRIED) == is_carried)
    return next(own, registerparts.out(payload))


def _address_state(payload: Payload) -> dict[str, Any]:
    channel = _addressed(payload)
    return {"address": channel.address} if channel else {}


def _check_address(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    channel = _addressed(payload)
    if channel is None:
        return {"code": "Nothing is sent to this agency."}
    return registerparts.address_faults(payload["address"], list(channel.allowed_cidrs))


def _describe_address(before: Payload, payload: Payload) -> list[Line]:
    return registerparts.lines({"address": "Address of its messages"}, before, payload)


def _move(change: Change) -> None:
    channel = _addressed(change.payload)
    if channel is not None:
        agencies.change_channel(
            channel,
            "agency.channel_moved",
            actor=change.actor,
            at=change.at,
            **_moved(channel, change.payload["address"]),
        )


def _moved(channel: Channel, address: str) -> dict[str, Any]:
    """Return what changes with an address: all of how a channel carries when it is another way, else the address."""
    way = registerparts.way(address)
    return way if way["transport"] != channel.transport else {"address": address}


# --- keys --------------------------------------------------------------------------------------------------------
def key_name(proposal_uid: Any, direction: str) -> str:
    """Return the name of the key that a proposal makes."""
    return f"{direction}-{proposal_uid.hex[:12]}"


def _live(payload: Payload, *, at: datetime) -> list[ChannelKey]:
    channel = registerparts.out(payload)
    return agencies.live_keys(channel, at=at) if channel else []


def _check_key(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if registerparts.out(payload) is None:
        return {"direction": "This agency has no such channel."}
    if len(_live(payload, at=at)) >= registerparts.MOST_KEYS:
        return {"direction": "It has two live keys already: end the older one first."}
    return {}


def _describe_key(_before: Payload, payload: Payload) -> list[Line]:
    return [Line(label=WAYS[payload["direction"]], old="", new="one more live key")]


def _make_key(change: Change) -> None:
    channel = registerparts.out(change.payload)
    if channel is None:
        raise CaseError("This agency has no such channel.")
    name = key_name(change.proposal.uid, change.payload["direction"])
    agencies.add_key(channel, signatures.new_secret(), name=name, actor=change.actor, at=change.at)


def _named(payload: Payload, *, at: datetime) -> tuple[ChannelKey | None, int]:
    """Return the live key of that name and how many live keys its channel has."""
    inward = [channel for way in WAYS if way != "out" and (channel := registerparts.out({**payload, "direction": way}))]
    channels = [*registerparts.outs(payload), *inward]
    for channel, kind in product(channels, ("hmac", "openpgp", "ssh")):
        live = agencies.live_keys(channel, at=at, kind=kind)
        found = next((row for row in live if row.key_name == payload["key_name"]), None)
        if found is not None:
            return found, len(live)
    return None, 0


def _check_end(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    found, count = _named(payload, at=at)
    if found is None:
        return {"key_name": "This agency has no live key of that name."}
    return {"key_name": "It is the only live key: make its successor first."} if count < registerparts.MOST_KEYS else {}


def _describe_end(_before: Payload, payload: Payload) -> list[Line]:
    return [Line(label="Key", old=str(payload["key_name"]), new="")]


def _end_key(change: Change) -> None:
    found, _ = _named(change.payload, at=change.at)
    if found is not None:
        agencies.revoke_key(found, actor=change.actor, at=change.at)


# --- a pause beyond an hour --------------------------------------------------------------------------------------
def _pause_state(payload: Payload) -> dict[str, Any]:
    """Messages and files are paused and go on together; where one of them alone is paused, it is paused."""
    states = sorted((channel.state for channel in registerparts.outs(payload)), key=lambda state: state != "paused")
    return {"state": states[0]} if states else {}


def _check_pause(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if not registerparts.outs(payload):
        return {"code": "Nothing is sent to this agency."}
    until = _day(payload.get("until_date"))
    return {"until_date": "Choose a day to come."} if until and until <= calendars.london_date(at) else {}


def _describe_pause(before: Payload, payload: Payload) -> list[Line]:
    until = registerparts.text(payload.get("until_date"))
    return [Line(label="Sending", old=str(before.get("state", "")), new=f"paused until {until or 'it is resumed'}")]


def _pause(change: Change) -> None:
    day = _day(change.payload.get("until_date"))
    until = calendars.start_of_day(day) if day else None
    for channel in registerparts.outs(change.payload):
        agencies.pause(channel, actor=change.actor, at=change.at, cause=agencies.AGREED, until=until)


def _check_resume(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    is_paused = any(channel.state == "paused" for channel in registerparts.outs(payload))
    return {} if is_paused else {"code": "Sending to this agency is not paused."}


def _describe_resume(before: Payload, _payload: Payload) -> list[Line]:
    return [Line(label="Sending", old=str(before.get("state", "")), new="active")]


def _resume(change: Change) -> None:
    for channel in (each for each in registerparts.outs(change.payload) if each.state == "paused"):
        agencies.resume(channel, actor=change.actor, at=change.at, cause=agencies.AGREED)


KINDS = (
    registerparts.change(
        "agency_new",
        "Enter an agency",
        "Enter the agency",
        check=_check_new,
        describe=_describe_new,
        apply=_enter,
        form=AgencyForm,
    ),
    registerparts.change(
        "agency_terms",
        "Change an agency's terms",
        "Change the terms of",
        state=terms_state,
        check=_check_terms,
        describe=_describe_terms,
        apply=_write_terms,
        sealed=("contact",),
        form=TermsForm,
    ),
    registerparts.change(
        "agency_address",
        "Change an agency's address",
        "Change the address of",
        state=_address_state,
        check=_check_address,
        describe=_describe_address,
        apply=_move,
        form=AddressForm,
    ),
    registerparts.change(
        "agency_key_make",
        "Make a key for an agency",
        "Make a key for",
        makers=registerparts.KEEPERS,
        check=_check_key,
        describe=_describe_key,
        apply=_make_key,
        form=KeyForm,
    ),
    registerparts.change(
        "agency_key_end",
        "End a key of an agency",
        "End a key of",
        makers=registerparts.KEEPERS,
        check=_check_end,
        describe=_describe_end,
        apply=_end_key,
        form=KeyEndForm,
    ),
    registerparts.change(
        "agency_pause",
        "Pause an agency beyond an hour",
        "Pause beyond an hour:",
        makers=DIRECTORY | registerparts.KEEPERS,
        state=_pause_state,
        check=_check_pause,
        describe=_describe_pause,
        apply=_pause,
        form=PauseForm,
    ),
    registerparts.change(
        "agency_resume",
        "End an agency's pause",
        "End the pause of",
        makers=DIRECTORY | registerparts.KEEPERS,
        state=_pause_state,
        check=_check_resume,
        describe=_describe_resume,
        apply=_resume,
        form=ResumeForm,
    ),
    *registerfiles.KINDS,
)
