"""Changes of the register of agencies, each made by one person and agreed to by another: entry, terms, address, keys,
a pause beyond an hour and its end. Whoever made or agreed to one does not release to it for a day (agreements)."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

from cases.agencies import openpgp, partnerkeys, signatures
from cases.agencies.addresses import AddressRefused, check_form, scheme_of
from cases.agencies.partnerkeys import KeyRefused, PublicKey
from cases.agencies.registerforms import (
    LABELS,
    NOWHERE,
    WAYS,
    AddressForm,
    AgencyForm,
    FileKeysForm,
    FilesForm,
    FolderForm,
    KeyEndForm,
    KeyForm,
    PartnerKeyEndForm,
    PartnerKeyForm,
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
from cases.kernel.models import Channel, ChannelKey, PartnerKey
from cases.kernel.office.kinds import Change, Kind, Line, Payload
from cases.kernel.policy import DIRECTORY

__all__ = ["KINDS", "WAYS", "key_name"]

CHECKERS = frozenset({"disclosure_approver"})
KEEPERS = frozenset({"system_administrator"})
MOST_KEYS = 2
FILE_SECONDS = 50
NO_FILES = "Files are not exchanged with this agency: its address is no server for files and no mailbox."
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
        channels=(ChannelPlan(direction="in"), ChannelPlan(direction="out", **_way(said["address"]))),
    )
    agencies.register(listing, actor=change.actor, at=change.at)


def _way(address: str) -> dict[str, Any]:
    """Return how a channel to an address carries. Nobody can ask a mailbox whether a file came, nor a folder out of
    which files are taken: nothing is sent twice by itself."""
    scheme = scheme_of(address)
    if scheme == "https":
        return {"address": address, "transport": "https"}
    is_mail = scheme in ("smtp", "smtps")
    return {
        "address": address,
        "transport": "smtp" if is_mail else "sftp",
        "receiver_dedupes": False,
        "retry_profile": "email" if is_mail else "file",
        "timeout_seconds": FILE_SECONDS,
    }


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


def _outs(payload: Payload) -> list[Channel]:
    agency = agency_of(payload["code"])
    return agencies.channels_out(agency) if agency else []


def _addressed(payload: Payload) -> Channel | None:
    """Return the channel that an address is meant for: of messages or of files its own, else the first."""
    is_carried = _way(str(payload.get("address") or ""))["transport"] in files.CARRIED
    own = (channel for channel in _outs(payload) if (channel.transport in files.CARRIED) == is_carried)
    return next(own, _out(payload))


def _address_state(payload: Payload) -> dict[str, Any]:
    channel = _addressed(payload)
    return {"address": channel.address} if channel else {}


def _check_address(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    channel = _addressed(payload)
    if channel is None:
        return {"code": "Nothing is sent to this agency."}
    return _address_faults(payload["address"], list(channel.allowed_cidrs))


def _describe_address(before: Payload, payload: Payload) -> list[Line]:
    return _lines({"address": "Address of its messages"}, before, payload)


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
    way = _way(address)
    return way if way["transport"] != channel.transport else {"address": address}


# --- files beside messages ----------------------------------------------------------------------------------------
def _check_beside(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if not _outs(payload):
        return {"code": "Nothing is sent to this agency."}
    if _files_out(payload) is not None:
        return {"code": "It takes files already: change their address instead."}
    if _way(payload["address"])["transport"] not in files.CARRIED:
        return {"address": "Files go by sftp, smtp or smtps."}
    return _address_faults(payload["address"], [])


def _describe_beside(_before: Payload, payload: Payload) -> list[Line]:
    return _lines({"address": "Address of its files"}, {}, payload)


def _add_files(change: Change) -> None:
    agency, plan = agencies.get(change.payload["code"]), ChannelPlan(direction="out", **_way(change.payload["address"]))
    listing = Listing(code=agency.code, kind=agency.kind, display_name=agency.display_name, channels=(plan,))
    agencies.register(listing, actor=change.actor, at=change.at)


# --- files: our pairs, their folder, their public keys ------------------------------------------------------------
def _files_out(payload: Payload) -> Channel | None:
    return next((channel for channel in _outs(payload) if channel.transport in files.CARRIED), None)


def _check_pairs(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    channel = _files_out(payload)
    if channel is None:
        return {"code": NO_FILES}
    if len(agencies.live_keys(channel, at=at, kind="openpgp")) >= MOST_KEYS:
        return {"code": "It has two live pairs already: end the older ones first."}
    return {}


def _describe_pairs(_before: Payload, _payload: Payload) -> list[Line]:
    return [Line(label="Keys for files", old="", new="one more pair to sign in, one more to sign and to open")]


def _make_pairs(change: Change) -> None:
    channel = _files_out(change.payload)
    if channel is None:
        raise CaseError(NO_FILES)
    secret, public = openpgp.make_pair("Backoffice")
    private, line = partnerkeys.make_ssh_pair()
    for kind, half, other in (("openpgp", secret, public.armored), ("ssh", private, line)):
        name = f"{kind}-{change.proposal.uid.hex[:12]}"
        agencies.add_key(channel, half, name=name, kind=kind, public=other, actor=change.actor, at=change.at)


def _folder_state(payload: Payload) -> dict[str, Any]:
    channel = _files_out(payload)
    return {"folder": channel.answers_folder} if channel else {}


def _check_folder(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    return {} if _files_out(payload) is not None else {"code": NO_FILES}


def _describe_folder(before: Payload, payload: Payload) -> list[Line]:
    return _lines({"folder": "Folder of its files for us"}, before, payload)


def _set_folder(change: Change) -> None:
    channel = _files_out(change.payload)
    if channel is not None:
        folder = change.payload["folder"]
        agencies.change_channel(
            channel, "agency.channel_moved", actor=change.actor, at=change.at, answers_folder=folder
        )


def _public(payload: Payload, at: datetime) -> PublicKey | None:
    try:
        return partnerkeys.read(payload["key_kind"], payload["public"], at=at)
    except KeyRefused:
        return None


def _check_partner_key(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    agency, found = agency_of(payload["code"]), _public(payload, at)
    if agency is None or _files_out(payload) is None:
        return {"code": NO_FILES}
    if found is None:
        return {"public": "This is no such key, or it has ended."}
    live = agencies.live_partner_keys(agency, kind=found.kind, at=at)
    if any(row.fingerprint == found.fingerprint for row in live):
        return {"public": "This key is in the register already."}
    return {"public": "It has two live keys of this kind: end the older one first."} if len(live) >= MOST_KEYS else {}


def _describe_partner_key(_before: Payload, payload: Payload) -> list[Line]:
    """The checker compares the fingerprint with the agency, so it is shown, not the key."""
    try:
        found = partnerkeys.read(payload["key_kind"], payload["public"], at=datetime.min.replace(tzinfo=UTC))
    except KeyRefused:
        return [Line(label=partnerkeys.KINDS[payload["key_kind"]], old="", new="cannot be read")]
    until = calendars.london_date(found.expires_at).isoformat() if found.expires_at else "never"
    return [
        Line(label=partnerkeys.KINDS[found.kind], old="", new=found.fingerprint),
        Line(label="Ends", old="", new=until),
    ]


def _enter_partner_key(change: Change) -> None:
    found = _public(change.payload, change.at)
    if found is None:
        raise CaseError("This is no such key, or it has ended.")
    agencies.add_partner_key(
        agencies.get(change.payload["code"]),
        found.public,
        kind=found.kind,
        fingerprint=found.fingerprint,
        expires_at=found.expires_at,
        actor=change.actor,
        at=change.at,
    )


def _live_partner_key(payload: Payload, at: datetime) -> PartnerKey | None:
    agency = agency_of(payload["code"])
    if agency is None:
        return None
    live = [row for kind in partnerkeys.KINDS for row in agencies.live_partner_keys(agency, kind=kind, at=at)]
    return next((row for row in live if row.fingerprint == payload["fingerprint"]), None)


def _check_partner_end(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    found = _live_partner_key(payload, at)
    return {} if found is not None else {"fingerprint": "This agency has no live public key with this fingerprint."}


def _describe_partner_end(_before: Payload, payload: Payload) -> list[Line]:
    return [Line(label="Public key", old=str(payload["fingerprint"]), new="")]


def _end_partner_key(change: Change) -> None:
    found = _live_partner_key(change.payload, change.at)
    if found is not None:
        agencies.revoke_partner_key(found, actor=change.actor, at=change.at)


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
    inward = [channel for way in WAYS if way != "out" and (channel := _out({**payload, "direction": way}))]
    channels = [*_outs(payload), *inward]
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
    return {"key_name": "It is the only live key: make its successor first."} if count < MOST_KEYS else {}


def _describe_end(_before: Payload, payload: Payload) -> list[Line]:
    return [Line(label="Key", old=str(payload["key_name"]), new="")]


def _end_key(change: Change) -> None:
    found, _ = _named(change.payload, at=change.at)
    if found is not None:
        agencies.revoke_key(found, actor=change.actor, at=change.at)


# --- a pause beyond an hour --------------------------------------------------------------------------------------
def _pause_state(payload: Payload) -> dict[str, Any]:
    """Messages and files are paused and go on together; where one of them alone is paused, it is paused."""
    states = sorted((channel.state for channel in _outs(payload)), key=lambda state: state != "paused")
    return {"state": states[0]} if states else {}


def _check_pause(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if not _outs(payload):
        return {"code": "Nothing is sent to this agency."}
    until = _day(payload.get("until_date"))
    return {"until_date": "Choose a day to come."} if until and until <= at.date() else {}


def _describe_pause(before: Payload, payload: Payload) -> list[Line]:
    until = _text(payload.get("until_date"))
    return [Line(label="Sending", old=str(before.get("state", "")), new=f"paused until {until or 'it is resumed'}")]


def _pause(change: Change) -> None:
    day = _day(change.payload.get("until_date"))
    until = datetime(day.year, day.month, day.day, tzinfo=change.at.tzinfo) if day else None
    for channel in _outs(change.payload):
        agencies.pause(channel, actor=change.actor, at=change.at, cause=agencies.AGREED, until=until)


def _check_resume(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    is_paused = any(channel.state == "paused" for channel in _outs(payload))
    return {} if is_paused else {"code": "Sending to this agency is not paused."}


def _describe_resume(before: Payload, _payload: Payload) -> list[Line]:
    return [Line(label="Sending", old=str(before.get("state", "")), new="active")]


def _resume(change: Change) -> None:
    for channel in (each for each in _outs(change.payload) if each.state == "paused"):
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
        code="agency_files",
        label="Exchange files with an agency beside messages",
        makers=DIRECTORY,
        checkers=CHECKERS,
        subject=_subject,
        check=_check_beside,
        describe=_describe_beside,
        apply=_add_files,
        form=FilesForm,
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
        code="agency_file_keys",
        label="Make our keys for an agency's files",
        makers=KEEPERS,
        checkers=CHECKERS,
        subject=_subject,
        check=_check_pairs,
        describe=_describe_pairs,
        apply=_make_pairs,
        form=FileKeysForm,
    ),
    Kind(
        code="agency_folder",
        label="Change the folder of an agency's files",
        makers=DIRECTORY,
        checkers=CHECKERS,
        subject=_subject,
        state=_folder_state,
        check=_check_folder,
        describe=_describe_folder,
        apply=_set_folder,
        form=FolderForm,
    ),
    Kind(
        code="agency_partner_key",
        label="Enter a public key of an agency",
        makers=KEEPERS,
        checkers=CHECKERS,
        subject=_subject,
        check=_check_partner_key,
        describe=_describe_partner_key,
        apply=_enter_partner_key,
        form=PartnerKeyForm,
    ),
    Kind(
        code="agency_partner_key_end",
        label="End a public key of an agency",
        makers=KEEPERS,
        checkers=CHECKERS,
        subject=_subject,
        check=_check_partner_end,
        describe=_describe_partner_end,
        apply=_end_partner_key,
        form=PartnerKeyEndForm,
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
