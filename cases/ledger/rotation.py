"""Moves data keys from older wrapping keys to the newest. What ends old copies of the database is that the older
wrapping key is then removed: whatever a copy holds was wrapped by it.

Data under the data keys is not touched, so readers and writers go on; a stop at any moment leaves every key whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.db import connection, transaction
from django.db.models import Count

from cases.ledger import keys
from cases.ledger.models import DataKey
from cases.ledger.sealing import SealBroken, binding

BATCH = 1000

# A key destroyed or moved meanwhile no longer has the bytes that were read, so it is left alone.
_MOVE = """
UPDATE cases_datakey SET wrapped = moved.fresh, kek_id = %s
FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[]) AS moved (id, stale, fresh)
WHERE cases_datakey.id = moved.id AND cases_datakey.wrapped = moved.stale
"""


def wrapped_by_kek() -> dict[str, int]:
    """Return how many living data keys each wrapping key wraps. Children hang on their parent and count nowhere."""
    living = DataKey.objects.filter(destroyed_at=None, parent=None)
    return dict(living.values_list("kek_id").annotate(Count("pk")).order_by())


def holds_sealed_data() -> bool:
    """Say whether something was sealed in this database."""
    return DataKey._meta.db_table in connection.introspection.table_names() and DataKey.objects.exists()


def missing_keks() -> list[str]:
    """Return the wrapping keys that living data keys need and that are not here."""
    return sorted(set(wrapped_by_kek()) - set(keys.present()))


def rewrap(*, batch: int = BATCH, after_each: Callable[[int], None] = lambda moved: None) -> int:
    """Wrap every living data key anew under the newest wrapping key and return how many were moved.

    One short transaction a batch, no lock held between them; may be stopped and begun again at any time.
    Calls `after_each` with the number moved so far. Raises KeyMissing, and SealBroken naming a key that does not open.
    """
    moved = 0
    kek_id = keys.current_kek()
    for rows in _batches(kek_id, batch):
        moved += _move(rows, kek_id)
        after_each(moved)
    return moved


def _batches(kek_id: str, size: int) -> Iterator[list[DataKey]]:
    """Walk by id, and again from the start until a whole walk finds nothing: others may have used the older key."""
    last = found = 0
    older = DataKey.objects.filter(parent=None, destroyed_at=None).exclude(kek_id=kek_id).order_by("pk")
    while True:
        rows = list(older.filter(pk__gt=last)[:size])
        if not rows and not found:
            return
        found = found + len(rows) if rows else 0
        last = rows[-1].pk if rows else 0
        if rows:
            yield rows


def _move(rows: list[DataKey], kek_id: str) -> int:
    ciphers = {name: AESSIV(keys.load(name)) for name in {kek_id, *(row.kek_id for row in rows)}}
    fresh = []
    for row in rows:
        try:
            plain = ciphers[row.kek_id].decrypt(bytes(row.wrapped or b""), binding(row))
        except InvalidTag:
            raise SealBroken(f"The {row} does not open with {row.kek_id}.") from None
        fresh.append(ciphers[kek_id].encrypt(plain, binding(row)))
    stale = [bytes(row.wrapped or b"") for row in rows]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MOVE, [kek_id, [row.pk for row in rows], stale, fresh])
        return int(cursor.rowcount)
