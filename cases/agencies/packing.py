"""Make a claimed message ready to carry, as its channel needs it: signed, or encrypted and signed as a file.

Everything a try needs is opened here, so that the threads that carry never touch the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime

from django.conf import settings
from django.db import transaction

from cases.agencies import openpgp, signatures
from cases.agencies.openpgp import PgpRefused
from cases.agencies.transports import smtp
from cases.agencies.transports.base import DeliveryError, Load, Parcel
from cases.kernel.evidence import handing, taking
from cases.kernel.exchange import agencies, files
from cases.kernel.models import BatchFile, Channel, OutboxMessage, PartnerKey
from cases.ledger import sealing
from cases.ledger.errors import LedgerError
from cases.ledger.keys import KeyMissing

__all__ = ["Ring", "carrier", "pack"]

MEGABYTE = 1024 * 1024
SECONDS_PER_MEGABYTE = 3  # of a message over a slow line, beside the channel's own time


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
        timeout_seconds=channel.timeout_seconds + len(body) // MEGABYTE * SECONDS_PER_MEGABYTE,
    )
    return parcel, ",".join(live)


def _as_file(message: OutboxMessage, body: bytes, ring: Ring) -> tuple[Parcel, str]:
    file, load = _encrypted(message, body, ring)
    parcel = replace(carrier(message.channel, message.channel.address, ring, name=file.name), load=load)
    return parcel, ",".join([*ring.ours(message.channel, "ssh"), file.fingerprint[-16:]])


def carrier(channel: Channel, url: str, ring: Ring, *, name: str = "") -> Parcel:
    """Return a parcel with which to sign in to an agency's server for files. Raises DeliveryError."""
    return Parcel(
        url=url,
        body=b"",
        name=name,
        allowed_cidrs=tuple(channel.allowed_cidrs),
        timeout_seconds=channel.timeout_seconds,
        host_keys=tuple(row.public for row in ring.theirs(channel, "ssh_host")),
        client_keys=tuple(ring.ours(channel, "ssh").values()),
    )


def _as_mail(message: OutboxMessage, body: bytes, ring: Ring) -> tuple[Parcel, str]:
    channel = message.channel
    file, load = _encrypted(message, body, ring)
    if load.size > smtp.LARGEST_ATTACHMENT:
        raise DeliveryError("attachment_too_large", is_permanent=True)
    parcel = Parcel(
        url=channel.address,
        body=b"".join(load.pieces),
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


def _encrypted(message: OutboxMessage, body: bytes, ring: Ring) -> tuple[BatchFile, Load]:
    """Return the file of a message and the bytes under its name, the same at each try: encryption is never the same
    twice, so they are kept before the first. They are made anew only when the key they are for no longer counts.

    Raises DeliveryError.
    """
    known = BatchFile.objects.select_related("key", "rows", "carried").filter(message=message).first()
    file = known or _wrap(message, body, ring.now)
    counting = ring.theirs(message.channel, "openpgp")
    wanted = next((row for row in counting if row.fingerprint == file.fingerprint), None)
    if wanted is not None and (file.sealed_bytes is not None or file.carried is not None):
        if refusal := openpgp.why_not(wanted.public, at=ring.now):
            raise DeliveryError(refusal, is_rejection=True)
    else:
        _encrypt(file, message, body, counting, ring)
    return file, _kept(file, ring.now)


def _encrypt(file: BatchFile, message: OutboxMessage, body: bytes, counting: list[PartnerKey], ring: Ring) -> None:
    refusals = {row.pk: openpgp.why_not(row.public, at=ring.now) for row in counting}
    wanted = next((row for row in counting if not refusals[row.pk]), None)
    if wanted is None:
        raise DeliveryError(refusals[counting[0].pk], is_rejection=True)
    signer = next(iter(ring.ours(message.channel, "openpgp").values()))
    before, file.fingerprint = file.carried_sha256, wanted.fingerprint
    keep = _keep_whole if file.rows is None else _keep_pieces
    try:
        keep(file, message, body, recipient=wanted.public, signer=signer, before=before, now=ring.now)
    except PgpRefused as error:
        raise DeliveryError(error.code, is_rejection=True) from error


def _keep_whole(
    file: BatchFile,
    _message: OutboxMessage,
    body: bytes,
    *,
    recipient: str,
    signer: str,
    before: str,
    now: datetime,
) -> None:
    carried = openpgp.seal_signed(body, recipient=recipient, signer=signer, at=now)
    file.carried_sha256 = hashlib.sha256(carried).hexdigest()
    file.sealed_bytes = sealing.seal_bytes(carried, key=file.key, label=files.LABEL, uid=file.uid, field="bytes")
    _note(file, before, sealed_bytes=file.sealed_bytes)


def _keep_pieces(
    file: BatchFile,
    message: OutboxMessage,
    body: bytes,
    *,
    recipient: str,
    signer: str,
    before: str,
    now: datetime,
) -> None:
    """Encrypt what the store has piece by piece and keep it there. What was carried before goes with the sweep."""
    if message.case is None:
        raise DeliveryError("no_case", is_permanent=True)
    plain = _opened(lambda: files.open_parts(file, body, reader=_reader(file), at=now))
    sealed = openpgp.seal_signed_pieces(_proved(plain, file), recipient=recipient, signer=signer, at=now)
    try:
        taken = taking.take_again(message.case, sealed, file_name=file.name, media_type="text/csv", at=now)
    except (taking.StoreFull, OSError) as error:
        raise DeliveryError("store_away") from error
    try:
        with transaction.atomic():
            old, file.carried, file.carried_sha256 = file.carried, taken.record(), taken.sha256
            _note(file, before, carried=file.carried)
            if old is not None:
                old.delete()
    except BaseException:
        taken.drop()
        raise


def _note(file: BatchFile, before: str, **changes: object) -> None:
    """Write what is carried, once: of two who encrypt at a time one has it to do again."""
    mine = BatchFile.objects.filter(pk=file.pk, carried_sha256=before)
    if not mine.update(carried_sha256=file.carried_sha256, fingerprint=file.fingerprint, **changes):
        raise DeliveryError("encrypted_meanwhile")


def _proved(pieces: Iterable[bytes], file: BatchFile) -> Iterator[bytes]:
    """Yield what is the file as it was promised, and raise DeliveryError at its end where it is not."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        yield piece
    if digest.hexdigest() != file.sha256:
        raise DeliveryError("body_altered", is_permanent=True)


def _reader(file: BatchFile) -> sealing.Reader:
    return sealing.Reader(actor="system:delivery", verb="send", purpose="delivery", streams=(file.channel.agency.uid,))


def _kept(file: BatchFile, now: datetime) -> Load:
    reader = _reader(file)
    if (carried := file.carried) is not None:
        pieces = _opened(lambda: handing.open_blob(carried, reader=reader, at=now))
        return Load(size=carried.size, sha256=file.carried_sha256, pieces=pieces)
    with _faults():
        kept = sealing.open_bytes(
            bytes(file.sealed_bytes or b""),
            key_id=file.key_id,
            label=files.LABEL,
            uid=file.uid,
            field="bytes",
            reader=reader,
            at=now,
        )
    if kept is None:
        raise DeliveryError("body_erased", is_permanent=True)
    return Load(size=len(kept), sha256=file.carried_sha256, pieces=[kept])


def _opened(find: Callable[[], Iterator[bytes] | None]) -> Iterator[bytes]:
    """Return what the store has, piece by piece. Raises DeliveryError, now or while it is read."""
    with _faults():
        pieces = find()
    if pieces is None:
        raise DeliveryError("body_erased", is_permanent=True)
    return _watched(pieces)


def _watched(pieces: Iterator[bytes]) -> Iterator[bytes]:
    with _faults():
        yield from pieces


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except KeyMissing as error:
        raise DeliveryError("keys_missing") from error
    except (LedgerError, handing.DocumentDamaged) as error:
        raise DeliveryError("body_altered", is_permanent=True) from error
    except OSError as error:
        raise DeliveryError("store_away") from error


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
