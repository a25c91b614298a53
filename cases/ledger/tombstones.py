"""The list of destroyed keys that stands beside the database, so that a backup which is put back loses them again.

A restored database has the keys as they were: what was erased since could be read once more. A trigger keeps a row of
each key that is destroyed, `publish()` appends it to a file of the month, on the disk before the row goes, and another
machine copies the files. `read()` takes what it can prove to be ours: whoever could add a line could destroy a case.
Until everything in it is destroyed again nothing starts (`require()`), nor on a restored database beside which no list
is.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from cases.ledger import databases, keys
from cases.ledger.errors import LedgerError
from cases.ledger.models import DataKey
from cases.ledger.models import Tombstone as Row

__all__ = ["Behind", "NotOurs", "Tombstone", "files", "folder", "is_behind", "is_late", "publish", "read", "require"]

CHUNK = 2000
LAST_BYTES = 4096  # some ten lines
LATE = timedelta(minutes=15)
log = logging.getLogger(__name__)


class NotOurs(LedgerError):
    """A line of the list is none that we wrote."""


class Behind(LedgerError):
    """The database was restored, and what was destroyed since its backup was not destroyed again."""


@dataclass(frozen=True, kw_only=True)
class Tombstone:
    """A key that was destroyed: when (UTC), by whom and why, in codes."""

    key: UUID
    at: datetime
    by: str
    why: str


def folder() -> Path:
    """Return where the list is written."""
    return Path(settings.TOMBSTONES)


def files() -> list[Path]:
    """Return the files of the list here, the oldest month first."""
    return sorted(folder().glob("*.txt"))


def publish(*, now: datetime) -> int:
    """Append every key destroyed since to the file of this month (UTC). Returns how many; one that a crash left written
    and marked by nobody stands there twice. A fault of the disk is told to the log, and the rows stay for the next."""
    count = 0
    try:
        while written := _publish_some(folder() / f"{now:%Y-%m}.txt"):
            count += written
    except OSError:
        log.exception("tombstones_not_written", extra={"path": str(folder())})
    return count


@transaction.atomic
def _publish_some(path: Path) -> int:
    waiting = Row.objects.select_for_update(of=("self",), skip_locked=True).select_related("key").order_by("pk")
    rows = [row.key for row in waiting[:CHUNK]]
    if not rows:
        return 0
    told = [_told(str(key.uid), key.destroyed_at, key.destroyed_by, key.destroyed_reason) for key in rows]
    macs = _macs(told, keys.index_keys()[0])
    lines = [_line({**each, "mac": mac.hex()}) for each, mac in zip(told, macs, strict=True)]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8", opener=_private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # what two workers write at once would run into each other
        file.write("".join(f"{line}\n" for line in ("", *lines)))  # half a line that a crash left stays by itself
        file.flush()
        os.fsync(file.fileno())
    Row.objects.filter(pk__in=[key.pk for key in rows]).delete()
    return len(rows)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _line(told: dict[str, str]) -> str:
    return json.dumps(told, separators=(",", ":"))


def _told(key: str, at: datetime | None, by: str, why: str) -> dict[str, str]:
    return {"key": key, "at": at.isoformat() if at else "", "by": by, "why": why}


def _macs(told: list[dict[str, str]], version: str) -> list[bytes]:
    return keys.keyed_hashes("tombstone", ["\0".join(each.values()) for each in told], version=version)


def read(lines: Iterable[str]) -> Iterator[Tombstone]:
    """Yield what the lines of a list say. What a crash left of a line is passed over, since it was written once more,
    and told to the log. Raises NotOurs, naming the line, for one not written under an index key of ours, and
    KeyMissing."""
    versions = keys.index_keys()
    for number, line in enumerate(lines, start=1):
        try:
            said = json.loads(line or "null")
        except ValueError:
            if line.strip():
                log.warning("tombstone_unreadable", extra={"line": number})
            continue
        found = _parsed(said)
        if found is None or not any(hmac.compare_digest(_macs([found[0]], name)[0], found[1]) for name in versions):
            raise NotOurs(f"Line {number} is none of ours.")
        yield _stone(found[0])


def _parsed(said: Any) -> tuple[dict[str, str], bytes] | None:
    """Return what a line says and its seal; None for another form."""
    try:
        told = {name: str(said[name]) for name in ("key", "at", "by", "why")}
        _stone(told)
        return told, bytes.fromhex(said["mac"])
    except (ValueError, KeyError, TypeError):
        return None


def _stone(told: dict[str, str]) -> Tombstone:
    return Tombstone(key=UUID(told["key"]), at=datetime.fromisoformat(told["at"]), by=told["by"], why=told["why"])


def is_behind() -> bool:
    """Say whether the database still has a key of the newest lines of the list here. One query; reads a few lines."""
    named = []
    for line in _newest():
        with suppress(ValueError):
            if (found := _parsed(json.loads(line))) is not None:
                named.append(_stone(found[0]).key)
    return DataKey.objects.filter(uid__in=named, destroyed_at=None).exists() if named else False


def _newest() -> list[str]:
    for path in files()[::-1]:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LAST_BYTES))
            if lines := file.read().decode("utf-8", "replace").split():
                return lines
    return []


def is_late(*, now: datetime) -> bool:
    """Say whether a key that was destroyed a quarter of an hour ago is not in the list yet. One query."""
    return Row.objects.filter(key__destroyed_at__lt=now - LATE).exists()


def require() -> None:
    """Refuse to start on a database that was restored and has not lost again what was destroyed: by the list here, and
    by what the database knows of itself. Raises Behind.

    A database that does not answer yet is no reason not to start: readiness tells of it.
    """
    try:
        behind = is_behind() or databases.is_another()
    except DatabaseError:
        behind = False
    finally:
        if not connection.in_atomic_block:
            connection.close()  # before a server forks
    if behind:
        raise Behind(
            "This database was restored or copied: what was destroyed since its backup may be here again. Run "
            f"'manage.py after_restore' first, with the list of destroyed keys (here: {folder()})."
        )
