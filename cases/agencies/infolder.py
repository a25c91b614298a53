"""Which files of an agency's folder are read next. None that cannot be read keeps another waiting."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.core.cache import cache

from cases.agencies.transports.base import LARGEST_FILE, MOST_FILES, Found
from cases.kernel.models import BatchFile, Channel

__all__ = ["is_named", "is_of_size", "next_to_read", "not_seen", "note_unread"]

MOST_BYTES = 64 * 1024 * 1024
KNOWN_UNREADABLE_SECONDS = 24 * 60 * 60
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", re.ASCII)


def not_seen(channel: Channel, found: Sequence[Found]) -> list[Found]:
    """Return what is new or has changed. What is known counts for nothing: partners leave old files where they are."""
    rows = BatchFile.objects.filter(channel=channel, direction="in")
    seen = set(rows.values_list("name", "remote_size", "remote_changed_at"))
    return [one for one in found if _as_listed(one) not in seen]


def _as_listed(one: Found) -> tuple[str, int, int]:
    return one.name, one.size, one.changed_at


def is_named(one: Found) -> bool:
    """Say whether a file has a name that we read at all."""
    return _NAME.fullmatch(one.name) is not None


def is_of_size(one: Found) -> bool:
    """Say whether a file is not too large to be read at all."""
    return 0 <= one.size <= LARGEST_FILE


def next_to_read(channel: Channel, found: Sequence[Found]) -> list[Found]:
    """Return at most so much as fits into memory and so many as one run reads, last what could not be read lately; the
    rest is for the next run. What is too large to be read at all counts for nothing."""
    unread: set[tuple[str, int, int]] = cache.get(_key(channel)) or set()
    wanted: list[Found] = []
    size = 0
    for one in sorted(filter(is_of_size, found), key=lambda one: _as_listed(one) in unread):
        size += one.size
        if wanted and (size > MOST_BYTES or len(wanted) >= MOST_FILES):
            break
        wanted.append(one)
    return wanted


def note_unread(channel: Channel, unread: Sequence[Found]) -> None:
    """Remember for a day which files could not be read, if there are any."""
    if unread:
        known: set[tuple[str, int, int]] = cache.get(_key(channel)) or set()
        cache.set(_key(channel), known | set(map(_as_listed, unread)), KNOWN_UNREADABLE_SECONDS)


def _key(channel: Channel) -> str:
    return f"unread_files:{channel.pk}"
