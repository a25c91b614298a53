"""Seals what is made here and small (letters, reports) into a row of its own."""

import uuid
from datetime import datetime

from cases.kernel.models import Case, StoredBlob
from cases.ledger import sealing

__all__ = ["store_blob"]


def store_blob(data: bytes, *, case: Case, field: str, at: datetime) -> StoredBlob:
    """Seal bytes under a key of their own, wrapped by the case's, so that they can be erased before the case."""
    key = sealing.new_key("blob", at=at, parent=case.key)
    uid = uuid.uuid4()
    sealed = sealing.seal_bytes(data, key=key, label="cases.storedblob", uid=uid, field=field)
    return StoredBlob.objects.create(uid=uid, key=key, sealed=sealed, size=len(data))
