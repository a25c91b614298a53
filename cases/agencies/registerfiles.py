"""Changes of the register about files: that they are exchanged beside messages, our pairs of keys, the folder in which
an agency leaves its own, and its public keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cases.agencies import openpgp, partnerkeys, registerparts
from cases.agencies.partnerkeys import KeyRefused, PublicKey
from cases.agencies.registerforms import (
    FileKeysForm,
    FilesForm,
    FolderForm,
    PartnerKeyEndForm,
    PartnerKeyForm,
    agency_of,
)
from cases.kernel import calendars
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies, files
from cases.kernel.exchange.agencies import ChannelPlan, Listing
from cases.kernel.models import Channel, PartnerKey
from cases.kernel.office.kinds import Change, Line, Payload

__all__ = ["KINDS"]

NO_FILES = "Files are not exchanged with this agency: its address is no server for files and no mailbox."


# --- files beside messages ----------------------------------------------------------------------------------------
def _check_beside(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if not registerparts.outs(payload):
        return {"code": "Nothing is sent to this agency."}
    if _files_out(payload) is not None:
        return {"code": "It takes files already: change their address instead."}
    if registerparts.way(payload["address"])["transport"] not in files.CARRIED:
        return {"address": "Files go by sftp, smtp or smtps."}
    return registerparts.address_faults(payload["address"], [])


def _describe_beside(_before: Payload, payload: Payload) -> list[Line]:
    return registerparts.lines({"address": "Address of its files"}, {}, payload)


def _add_files(change: Change) -> None:
    agency, plan = (
        agencies.get(change.payload["code"]),
        ChannelPlan(direction="out", **registerparts.way(change.payload["address"])),
    )
    listing = Listing(code=agency.code, kind=agency.kind, display_name=agency.display_name, channels=(plan,))
    agencies.register(listing, actor=change.actor, at=change.at)


# --- files: our pairs, their folder, their public keys ------------------------------------------------------------
def _files_out(payload: Payload) -> Channel | None:
    return next((channel for channel in registerparts.outs(payload) if channel.transport in files.CARRIED), None)


def _check_pairs(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    channel = _files_out(payload)
    if channel is None:
        return {"code": NO_FILES}
    if len(agencies.live_keys(channel, at=at, kind="openpgp")) >= registerparts.MOST_KEYS:
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
    return registerparts.lines({"folder": "Folder of its files for us"}, before, payload)


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


def _key_subject(payload: Payload) -> str:
    """A partner brings a server and a certificate on one day: the one does not wait for the other."""
    return f"{registerparts.subject(payload)}/{payload['key_kind']}"


def _check_partner_key(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    agency, found = agency_of(payload["code"]), _public(payload, at)
    if agency is None or _files_out(payload) is None:
        return {"code": NO_FILES}
    if found is None:
        return {"public": "This is no such key, or it has ended."}
    live = agencies.live_partner_keys(agency, kind=found.kind, at=at)
    if any(row.fingerprint == found.fingerprint for row in live):
        return {"public": "This key is in the register already."}
    return (
        {"public": "It has two live keys of this kind: end the older one first."}
        if len(live) >= registerparts.MOST_KEYS
        else {}
    )


def _describe_partner_key(_before: Payload, payload: Payload) -> list[Line]:
    """The checker compares the fingerprint with the agency, so it is shown, not the key."""
    try:
        found = partnerkeys.read(payload["key_kind"], payload["public"], at=datetime.min.replace(tzinfo=UTC))
    except KeyRefused:
        return [Line(label=partnerkeys.KINDS[payload["key_kind"]], old="", new="cannot be read")]
    until = f"{calendars.london_date(found.expires_at):%-d %B %Y}" if found.expires_at else "never"
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


KINDS = (
    registerparts.change(
        "agency_files",
        "Exchange files with an agency beside messages",
        "Exchange files beside messages with",
        check=_check_beside,
        describe=_describe_beside,
        apply=_add_files,
        form=FilesForm,
    ),
    registerparts.change(
        "agency_file_keys",
        "Make our keys for an agency's files",
        "Make our keys for the files of",
        makers=registerparts.KEEPERS,
        check=_check_pairs,
        describe=_describe_pairs,
        apply=_make_pairs,
        form=FileKeysForm,
    ),
    registerparts.change(
        "agency_folder",
        "Change the folder of an agency's files",
        "Change the folder of the files of",
        state=_folder_state,
        check=_check_folder,
        describe=_describe_folder,
        apply=_set_folder,
        form=FolderForm,
    ),
    registerparts.change(
        "agency_partner_key",
        "Enter a public key of an agency",
        "Enter a public key of",
        makers=registerparts.KEEPERS,
        subject=_key_subject,
        check=_check_partner_key,
        describe=_describe_partner_key,
        apply=_enter_partner_key,
        form=PartnerKeyForm,
    ),
    registerparts.change(
        "agency_partner_key_end",
        "End a public key of an agency",
        "End a public key of",
        makers=registerparts.KEEPERS,
        check=_check_partner_end,
        describe=_describe_partner_end,
        apply=_end_partner_key,
        form=PartnerKeyEndForm,
    ),
)
