"""Make a claimed message ready to carry, as its channel needs it: signed, or encrypted and signed as a file.

Everything a try needs is opened here, so that the threads that carry never touch the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from django.conf import settings

from cases.agencies import openpgp, signatures
from cases.agencies.openpgp import PgpRefused
from cases.agencies.transports.base import DeliveryError, Parcel
from cases.kernel.exchange import agencies, files
from cases.kernel.models import BatchFile, Channel, OutboxMessage, PartnerKey
from cases.ledger import sealing
from cases.ledger.errors import LedgerError
from cases.ledger.keys import KeyMissing

__all__ = ["Ring", "carrier", "pack"]


@dataclass
class Ring:
    """The live keys of the channels of one batch, each opened once."""

    now: datetime
    secrets: dict[tuple[int, str], dict[str, str]] = field(default_factory=dict)
    partners: dict[tuple[int, str], list[PartnerKey]] = field(default_factory=dict)

    def ours(self, channel: Channel, kind: str) -> dict[str, str]:
        """Return our live secrets of a kind, newest first. Raises DeliveryError: without one, nothing leaves."""
        place = (channel.pk, kind)
        if place not in self.secrets:
            try:
                self.secrets[place] = agencies.open_secrets(channel, purpose="send", at=self.now, kind=kind)
            except LedgerError as error:
                raise DeliveryError("secret_unreadable", is_rejection=True) from error
        if not self.secrets[place]:
            raise DeliveryError("no_live_key", is_rejection=True)
        return self.secrets[place]

    def theirs(self, channel: Channel, kind: str) -> list[PartnerKey]:
        """Return the agency's live public keys of a kind, newest first. Raises DeliveryError when there is none."""
        place = (channel.agency_id, kind)
        if place not in self.partners:
            self.partners[place] = agencies.live_partner_keys(channel.agency, kind=kind, at=self.now)
        if not self.partners[place]:
            raise DeliveryError("no_host_key" if kind == "ssh_host" else "no_partner_key", is_rejection=True)
        return self.partners[place]


def pack(message: OutboxMessage, body: bytes, ring: Ring) -> tuple[Parcel, str]:
    """Return what is carried and the names of the keys used. Raises DeliveryError."""
    packer = PACKERS.get(message.channel.transport)
    if packer is None:
        raise DeliveryError("no_transport")
    return packer(message, body, ring)


def _signed(message: OutboxMessage, body: bytes, ring: Ring) -> tuple[Parcel, str]:
    """Address and sign. The id is the same at every try, the time is not. Raises DeliveryError for a useless secret."""
    channel = message.channel
    live = ring.ours(channel, "hmac")
    timestamp, message_id = int(ring.now.timestamp()), str(message.public_id)
    try:
        signature = signatures.sign(message_id, timestamp, body, live_secrets=list(live.values()))
    except ValueError as error:
        raise DeliveryError("secret_malformed", is_rejection=True) from error
    parcel = Parcel(
        url=channel.address,
        body=body,
        headers={
            "content-type": "application/json",
            "user-agent": "backoffice",
            "idempotency-key": message_id,
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature,
        },
        allowed_cidrs=tuple(channel.allowed_cidrs),
        ca_file=channel.ca_file,
        timeout_seconds=channel.timeout_seconds,
    )
    return parcel, ",".join(live)


def _as_file(message: OutboxMessage, body: bytes, ring: Ring) -> tuple[Parcel, str]:
    file, carried = _encrypted(message, body, ring)
    parcel = carrier(message.channel, message.channel.address, ring, name=file.name, body=carried)
    return parcel, ",".join([*ring.ours(message.channel, "ssh"), file.fingerprint[-16:]])


def carrier(channel: Channel, url: str, ring: Ring, *, name: str = "", body: bytes = b"") -> Parcel:
    """Return a parcel with which to sign in to an agency's server for files. Raises DeliveryError."""
    return Parcel(
        url=url,
        body=body,
        name=name,
        allowed_cidrs=tuple(channel.allowed_cidrs),
        timeout_seconds=channel.timeout_seconds,
        host_keys=tuple(row.public for row in ring.theirs(channel, "ssh_host")),
        client_keys=tuple(ring.ours(channel, "ssh").values()),
    )


def _as_mail(message: OutboxMessage, body: bytes, ring: Ring) -> tuple[Parcel, str]:
    channel = message.channel
    file, carried = _encrypted(message, body, ring)
    parcel = Parcel(
        url=channel.address,
        body=carried,
        name=file.name,
        headers={
            "from": settings.FILE_MAIL_FROM,
            "message-id": str(message.public_id),
            "date": format_datetime(ring.now),
        },
        allowed_cidrs=tuple(channel.allowed_cidrs),
        ca_file=channel.ca_file,
        timeout_seconds=channel.timeout_seconds,
    )
    return parcel, file.fingerprint[-16:]


def _encrypted(message: OutboxMessage, body: bytes, ring: Ring) -> tuple[BatchFile, bytes]:
    """Return the file of a message and the bytes under its name, the same at each try: encryption is never the same
    twice, so they are kept before the first. They are made anew only when the key they are for no longer counts.

    Raises DeliveryError.
    """
    file = BatchFile.objects.select_related("key").filter(message=message).first() or _wrap(message, body, ring.now)
    counting = ring.theirs(message.channel, "openpgp")
    wanted = next((row for row in counting if row.fingerprint == file.fingerprint), None)
    if wanted is not None and file.sealed_bytes is not None:
        if refusal := openpgp.why_not(wanted.public, at=ring.now):
            raise DeliveryError(refusal, is_rejection=True)
        return file, _kept(file, ring.now)
    return _encrypt(file, message, body, counting, ring)


def _encrypt(
    file: BatchFile, message: OutboxMessage, body: bytes, counting: list[PartnerKey], ring: Ring
) -> tuple[BatchFile, bytes]:
    refusals = {row.pk: openpgp.why_not(row.public, at=ring.now) for row in counting}
    wanted = next((row for row in counting if not refusals[row.pk]), None)
    if wanted is None:
        raise DeliveryError(refusals[counting[0].pk], is_rejection=True)
    signer = next(iter(ring.ours(message.channel, "openpgp").values()))
    try:
        carried = openpgp.seal_signed(body, recipient=wanted.public, signer=signer, at=ring.now)
    except PgpRefused as error:
        raise DeliveryError(error.code, is_rejection=True) from error
    before = file.carried_sha256
    file.carried_sha256, file.fingerprint = hashlib.sha256(carried).hexdigest(), wanted.fingerprint
    file.sealed_bytes = sealing.seal_bytes(carried, key=file.key, label=files.LABEL, uid=file.uid, field="bytes")
    mine = BatchFile.objects.filter(pk=file.pk, carried_sha256=before)
    if not mine.update(
        carried_sha256=file.carried_sha256, fingerprint=file.fingerprint, sealed_bytes=file.sealed_bytes
    ):
        raise DeliveryError("encrypted_meanwhile")
    return file, carried


def _kept(file: BatchFile, now: datetime) -> bytes:
    reader = sealing.Reader(
        actor="system:delivery", verb="send", purpose="delivery", streams=(file.channel.agency.uid,)
    )
    try:
        kept = sealing.open_bytes(
            bytes(file.sealed_bytes or b""),
            key_id=file.key_id,
            label=files.LABEL,
            uid=file.uid,
            field="bytes",
            reader=reader,
            at=now,
        )
    except KeyMissing as error:
        raise DeliveryError("keys_missing") from error
    except LedgerError as error:
        raise DeliveryError("body_altered", is_permanent=True) from error
    if kept is None:
        raise DeliveryError("body_erased", is_permanent=True)
    return kept


def _wrap(message: OutboxMessage, body: bytes, now: datetime) -> BatchFile:
    """Make a file of a message that is none: its JSON, under its own id."""
    code = message.channel.agency.code
    return BatchFile.objects.create(
        channel=message.channel,
        direction="out",
        kind=message.kind,
        name=f"{settings.FILE_SENDER}_{code}_{message.kind}_{message.public_id}.json.pgp",
        message=message,
        key=message.key,
        sha256=hashlib.sha256(body).hexdigest(),
        row_count=1,
        created_at=now,
        state="promised",
    )


PACKERS: dict[str, Callable[[OutboxMessage, bytes, Ring], tuple[Parcel, str]]] = {
    "https": _signed,
    "sftp": _as_file,
    "smtp": _as_mail,
}
