"""Which index keys hashes in the database were made with: of each a hash in the security log, by which it is known.

A wrapping key that is missing opens nothing. A missing index key, or another of its name, fails no more than by finding
nothing: no hold, no choice, no account. So a start compares.
"""

from __future__ import annotations

from datetime import datetime

from cases.ledger import keys, security
from cases.ledger.models import DataKey, SecurityEvent

__all__ = ["faults", "note"]

KIND = "index_key_known"
_PURPOSE = "index_key_check"


def _hash_of(name: str) -> str:
    return keys.keyed_hashes(_PURPOSE, (name,), version=name)[0].hex()[:32]


def _known() -> dict[str, str]:
    """Return by name the hash by which each index key is known, the newest said last."""
    rows = SecurityEvent.objects.filter(kind=KIND).order_by("pk").values_list("detail__key", "detail__hash")
    return dict(rows)


def note(*, at: datetime) -> list[str]:
    """Write into the security log the hash of each index key in use that is not known yet, and return their names.
    Before anything was sealed, of one that was made anew as well. Raises KeyMissing."""
    known, is_empty = _known(), not DataKey.objects.exists()
    files = [file.name for file in keys.status(keys.directory()) if file.name.startswith(keys.INDEX_PREFIX)]
    mine = [name for name in files if not name.endswith(keys.NEXT)]
    unknown = [name for name in mine if name not in known or (is_empty and known[name] != _hash_of(name))]
    for name in unknown:
        security.note(KIND, actor="system:keys", at=at, key=name, hash=_hash_of(name))
    return unknown


def faults() -> list[str]:
    """Return a sentence for each index key with which hashes were made, and that is not here or is another."""
    if not DataKey.objects.exists():
        return []
    mine = set(keys.present())
    found = []
    for name, known in sorted(_known().items()):
        if name not in mine:
            found.append(f"{name}: missing, and nothing that was hashed with it is found")
        elif _hash_of(name) != known:
            found.append(f"{name}: not the key of this name with which the database was written")
    return found
