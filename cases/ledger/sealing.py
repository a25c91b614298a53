"""Sealing and opening: the only way from text to ciphertext and back.

Tracked rows are sealed with AES-SIV (live and history rows must carry equal ciphertext), files with AES-GCM.
Every ciphertext is bound to its place (model, row, field), so it opens nowhere else. A data key is unwrapped for
one call and forgotten. Opening writes the access row first: no log, no data.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from django.db import models, transaction

from cases.ledger import keys
from cases.ledger.copying import copy_made, draft
from cases.ledger.errors import LedgerError
from cases.ledger.inserting import insert
from cases.ledger.keys import kept_hashes, keyed_hash, keyed_hashes
from cases.ledger.models import DataKey, LedgerEvent
from cases.ledger.reads import Reader, record_read, record_reads
from cases.ledger.sealed import Sealed, SealedTextField

__all__ = [
    "ERASED",
    "Blob",
    "DataKey",
    "Erased",
    "Reader",
    "Sealed",
    "Sealer",
    "SealedTextField",
    "destroy",
    "draft_key",
    "kept_hashes",
    "keyed_hash",
    "keyed_hashes",
    "new_key",
    "new_keys",
    "new_sealers",
    "open_blobs",
    "open_bytes",
    "open_noted",
    "open_noted_bytes",
    "open_reasons",
    "open_rows",
    "seal",
    "seal_bytes",
]

NONCE_BYTES = 12


class SealBroken(LedgerError):
    """The ciphertext does not belong to this place, or was altered. Says where, never what."""


class KeyDestroyed(LedgerError):
    """Nothing can be sealed under a key that was destroyed."""


class Erased(str):
    """What stands where a value was, once its key is destroyed. Cannot be sealed again."""


ERASED = Erased("[erased]")


def binding(key: DataKey) -> list[bytes]:
    """Return what ties a wrapped key to its row."""
    return [b"datakey", key.uid.bytes, key.scope.encode()]


def _wrapping_key(key: DataKey, keks: dict[str, bytes]) -> bytes | None:
    """Return what wraps `key`: its parent's key when it has one, else the KEK; None when the parent is gone."""
    if key.parent is not None:
        parent = _unwrap(key.parent, keks)
        return None if parent is None else hmac.digest(parent, b"wrap", "sha512")
    if key.kek_id not in keks:
        keks[key.kek_id] = keys.load(key.kek_id)
    return keks[key.kek_id]


def _unwrap(key: DataKey, keks: dict[str, bytes]) -> bytes | None:
    """Return the data key in clear, or None when it or its parent was destroyed. Raises SealBroken."""
    if key.wrapped is None:
        return None
    wrapping = _wrapping_key(key, keks)
    if wrapping is None:
        return None
    try:
        return AESSIV(wrapping).decrypt(bytes(key.wrapped), binding(key))
    except InvalidTag:
        raise SealBroken(f"The {key} does not open with {key.kek_id}.") from None


def usable(key: DataKey) -> bytes:
    """Return the data key in clear, for the sealing modules of this package alone. Raises KeyDestroyed."""
    plain = _unwrap(key, {})
    if plain is None:
        raise KeyDestroyed(f"The {key} was destroyed; nothing is sealed under it.")
    return plain


def _made(
    scopes: Iterable[str], at: datetime, *, parent: DataKey | None = None, label: str = "", retention_class: str = ""
) -> list[DataKey]:
    if parent is not None and parent.parent_id is not None:
        raise LedgerError("A key is wrapped by the KEK or by one parent, never deeper.")
    kek_id = keys.current_kek() if parent is None else parent.kek_id
    wrapping = keys.load(kek_id) if parent is None else hmac.digest(usable(parent), b"wrap", "sha512")
    wrap = AESSIV(wrapping).encrypt
    made = []
    for scope in scopes:
        key = DataKey(
            scope=scope, label=label, parent=parent, kek_id=kek_id, created_at=at, retention_class=retention_class
        )
        key.wrapped = wrap(secrets.token_bytes(keys.KEY_BYTES), binding(key))
        made.append(key)
    return made


def draft_key(scope: str, *, at: datetime, **more: Any) -> DataKey:
    """Make one data key, wrapped by `parent` or by the newest KEK, and insert nothing: what is sealed under it and
    never recorded opens nowhere. Takes `parent`, `label`, `retention_class`. Raises KeyMissing, KeyDestroyed."""
    return _made([scope], at, **more)[0]


def new_key(scope: str, *, at: datetime, **more: Any) -> DataKey:
    """Make one data key as `draft_key` does and insert it. Raises KeyMissing, KeyDestroyed."""
    key = draft_key(scope, at=at, **more)
    insert([key])
    return key


def new_keys(scopes: Sequence[str], *, at: datetime) -> list[DataKey]:
    """Make a data key of each scope under the newest KEK and insert them in one statement."""
    made = _made(scopes, at)
    insert(made)
    return made


class Sealer:
    """A key just made, and what seals rows under it without unwrapping it again. Lives for one call."""

    __slots__ = ("_cipher", "key")

    def __init__(self, key: DataKey, secret: bytes) -> None:
        self.key, self._cipher = key, AESSIV(secret)

    def seal(self, row: models.Model, values: Mapping[str, str | None]) -> None:
        """Set each named field of `row` to its sealed value, as `seal` does."""
        _seal(row, values, self._cipher)


def new_sealers(count: int, scope: str, *, at: datetime) -> list[Sealer]:
    """Make `count` keys under the newest KEK, for many rows at once, and copy them in. The KEK is read once."""
    kek_id = keys.current_kek()
    wrap = AESSIV(keys.load(kek_id)).encrypt
    made: list[Sealer] = []
    given = {"scope": scope, "kek_id": kek_id, "created_at": at}

    def drafted() -> Iterator[DataKey]:
        for _ in range(count):
            key, secret = draft(DataKey, given), secrets.token_bytes(keys.KEY_BYTES)
            key.wrapped = wrap(secret, binding(key))
            made.append(Sealer(key, secret))
            yield key

    copy_made(DataKey, drafted(), count)
    return made


def destroy(key: DataKey, *, actor: str, reason: str, at: datetime) -> None:
    """Destroy one key for good: what it sealed, and what its children sealed, cannot be read again.

    Records it on the key alone; whoever decides to destroy writes the event. Does nothing when it is gone already.
    """
    DataKey.objects.filter(pk=key.pk, destroyed_at=None).update(
        wrapped=None, destroyed_at=at, destroyed_by=actor, destroyed_reason=reason
    )
    key.refresh_from_db()


def _live_label(row: models.Model) -> str:
    """Return the label of the live model, for a live row and for its history row alike."""
    model: type[models.Model] = getattr(row, "instance_type", type(row))
    return model._meta.label


def _place(label: str, uid: UUID, field: str) -> list[bytes]:
    return [label.encode(), uid.bytes, field.encode()]


def seal(row: models.Model, values: Mapping[str, str | None], *, key: DataKey) -> None:
    """Set each named field of `row` to its sealed value (None stays None). Saves nothing.

    Raises KeyDestroyed, TypeError for what is not text, and LedgerError for a value read as erased.
    """
    _seal(row, values, AESSIV(usable(key)))


def _seal(row: models.Model, values: Mapping[str, str | None], cipher: AESSIV) -> None:
    label, uid, _ = _place(_live_label(row), row.uid, "")  # type: ignore[attr-defined]  # -- every sealed row has a uid
    for field, value in values.items():
        if value is None:
            setattr(row, field, None)
            continue
        if isinstance(value, Erased):
            raise LedgerError(f"{field} was erased and is not written again.")
        if not isinstance(value, str):
            raise TypeError(f"{field} is sealed from text, not from {type(value).__name__}.")
        setattr(row, field, Sealed(cipher.encrypt(value.encode(), [label, uid, field.encode()])))


def _opened(cipher: AESSIV, ciphertext: bytes, place: list[bytes], what: str) -> str:
    try:
        return cipher.decrypt(ciphertext, place).decode()
    except InvalidTag:
        raise SealBroken(f"{what} was altered or belongs elsewhere.") from None


def _key_id(row: models.Model, key_attr: str) -> int | None:
    """Follow a dotted path (`key`, `case.key`) to the id of a key without loading the key."""
    *path, last = key_attr.split(".")
    holder: object = row
    for name in path:
        holder = getattr(holder, name)
    key_id: int | None = getattr(holder, f"{last}_id")
    return key_id


def _ciphers(key_ids: Iterable[int | None], loaded: Iterable[DataKey] = ()) -> dict[int | None, AESSIV | None]:
    """Unwrap keys, with their parents, from one query or as loaded; None stands for a destroyed one."""
    keks: dict[str, bytes] = {}
    found = list(loaded)
    wanted = {key_id for key_id in key_ids if key_id is not None} - {key.pk for key in found}
    if wanted:
        found += DataKey.objects.select_related("parent").filter(pk__in=wanted)
    plain = {key.pk: _unwrap(key, keks) for key in found}
    return {key_id: None if secret is None else AESSIV(secret) for key_id, secret in plain.items()}


def open_rows(
    rows: Iterable[models.Model],
    fields: Sequence[str],
    *,
    key_attr: str = "key",
    reader: Reader,
    at: datetime,
    loaded: Iterable[DataKey] = (),
) -> list[dict[str, str | None]]:
    """Return the plain values of `fields` for each row, in order; ERASED where the key is destroyed.

    Live or history rows. Writes one access row, in the same transaction and before anything is opened, and
    fetches all keys but those `loaded` with the page in one query. `key_attr` may be a path such as `case.key`
    (load it with select_related).
    Raises SealBroken when a ciphertext was altered or moved.
    """
    wanted = list(rows)
    with transaction.atomic(savepoint=False):
        record_read(reader, fields=fields, at=at, result_count=len(wanted))
        ciphers = _ciphers((_key_id(row, key_attr) for row in wanted), loaded)
    return _open_fields(wanted, fields, key_attr, ciphers)


def open_noted(rows: Sequence[models.Model], fields: Sequence[str]) -> list[dict[str, str | None]]:
    """Return what `open_rows` does for rows that came by the very statement which wrote the access row
    (`kernel.prepared.PreparedOpening`), each with its `key` and the parent of that. No query."""
    keys_there = [row.key for row in rows]  # type: ignore[attr-defined]  # -- every sealed row of these has a key
    return _open_fields(rows, fields, "key", _ciphers((), keys_there))


def _open_fields(
    rows: Sequence[models.Model], fields: Sequence[str], key_attr: str, ciphers: Mapping[int | None, AESSIV | None]
) -> list[dict[str, str | None]]:
    return [{field: _open_field(row, field, ciphers.get(_key_id(row, key_attr))) for field in fields} for row in rows]


def _open_field(row: models.Model, field: str, cipher: AESSIV | None) -> str | None:
    value: Sealed | None = getattr(row, field)
    if value is None:
        return None
    if cipher is None:
        return ERASED
    label = _live_label(row)
    uid: UUID = row.uid  # type: ignore[attr-defined]  # -- every sealed row has a uid
    return _opened(cipher, value.ciphertext, _place(label, uid, field), f"{label} {uid} {field}")


def seal_reason(reason: str, *, event: UUID, key: DataKey) -> bytes:
    """Return the ciphertext of an event's reason."""
    return AESSIV(usable(key)).encrypt(reason.encode(), _place(LedgerEvent._meta.label, event, "reason"))


def open_reasons(events: Iterable[LedgerEvent], *, reader: Reader, at: datetime) -> list[str | None]:
    """Return the reason of each event, in order; None where none was given, ERASED where its key is gone.

    Writes one access row and fetches all keys in one query. Raises SealBroken.
    """
    wanted = [(event, event.reason_key()) for event in events]
    with transaction.atomic(savepoint=False):
        record_read(reader, fields=("reason",), at=at, result_count=len(wanted))
        uids = {uid for _, uid in wanted if uid is not None}
        found = list(DataKey.objects.select_related("parent").filter(uid__in=uids)) if uids else []
    keks: dict[str, bytes] = {}
    secrets_by_uid = {key.uid: _unwrap(key, keks) for key in found}
    return [_open_reason(event, secrets_by_uid.get(uid) if uid else None) for event, uid in wanted]


def _open_reason(event: LedgerEvent, secret: bytes | None) -> str | None:
    if event.reason is None:
        return None
    if secret is None:
        return ERASED
    label = LedgerEvent._meta.label
    place = _place(label, event.uid, "reason")
    return _opened(AESSIV(secret), bytes(event.reason), place, f"{label} {event.uid} reason")


def seal_bytes(data: bytes, *, key: DataKey, label: str, uid: UUID, field: str) -> bytes:
    """Return `data` sealed for one place (AES-GCM, fresh nonce first). For files and bodies, never tracked fields."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _file_cipher(usable(key)).encrypt(nonce, data, b"\0".join(_place(label, uid, field)))


def _file_cipher(secret: bytes) -> AESGCM:
    return AESGCM(hmac.digest(secret, b"file", "sha256"))


def open_bytes(
    blob: bytes, *, key_id: int, label: str, uid: UUID, field: str, reader: Reader, at: datetime
) -> bytes | None:
    """Return what `seal_bytes` sealed, or None when its key is destroyed. Writes one access row first.

    Raises SealBroken when the blob was altered or belongs elsewhere.
    """
    with transaction.atomic(savepoint=False):
        record_read(reader, fields=(field,), at=at, result_count=1)
        key = DataKey.objects.select_related("parent").get(pk=key_id)
    return _opened_bytes(Blob(bytes(blob), key, label, uid, field, reader))


@dataclass(frozen=True)
class Blob:
    """What `seal_bytes` sealed, its key loaded with the parent of that, and who opens it."""

    data: bytes
    key: DataKey
    label: str
    uid: UUID
    field: str
    reader: Reader


def open_blobs(blobs: Sequence[Blob], *, at: datetime) -> list[bytes | LedgerError | None]:
    """Return of each what `open_bytes` does, or what it raises, so that one stops no other. Writes an access row for
    each first, a few by one statement. No other query."""
    record_reads([(blob.reader, (blob.field,)) for blob in blobs], at=at)
    return [_opened_or_not(blob) for blob in blobs]


def open_noted_bytes(blob: bytes, *, key: DataKey, label: str, uid: UUID, field: str) -> bytes | None:
    """Return what `open_bytes` does of a blob that came by the very statement which wrote the access row
    (`kernel.prepared.PreparedOpening`), with its key and the parent of that. No query. Raises SealBroken."""
    return _unsealed(blob, key, label, uid, field)


def _opened_or_not(blob: Blob) -> bytes | LedgerError | None:
    try:
        return _opened_bytes(blob)
    except LedgerError as error:
        return error


def _opened_bytes(blob: Blob) -> bytes | None:
    return _unsealed(blob.data, blob.key, blob.label, blob.uid, blob.field)


def _unsealed(data: bytes, key: DataKey, label: str, uid: UUID, field: str) -> bytes | None:
    secret = _unwrap(key, {})
    if secret is None:
        return None
    try:
        place = b"\0".join(_place(label, uid, field))
        return _file_cipher(secret).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], place)
    except InvalidTag:
        raise SealBroken(f"{label} {uid} {field} was altered or belongs elsewhere.") from None
