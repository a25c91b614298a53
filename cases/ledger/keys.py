"""Key files outside the database: what wraps the data keys (`kek-YYYYMM`), what blinds tokens (`index-v1`).

Files of mode 0600 in a folder of mode 0700 (settings.KEY_DIR). A key is read anew for each call, never kept. A file
`NAME.next` opens what NAME wraps and is not used for anything new: so a key reaches every machine before it is used.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from cases.ledger.errors import LedgerError

KEY_BYTES = 64
INDEX_KEY = "index-v1"
INDEX_PREFIX = "index-v"
KEK_PREFIX = "kek-"
NEXT = ".next"
KEY_NAME = re.compile(r"(kek-\d{6}(-\d+)?|index-v\d+)(\.next)?")


class KeyMissing(LedgerError):
    """A key file is not there, is damaged, or others may read it."""


@dataclass(frozen=True)
class KeyFile:
    """One key file as `manage.py keys status` shows it: never its content."""

    name: str
    is_current: bool
    problem: str


def directory() -> Path:
    return _place(settings.KEY_DIR)


@lru_cache(maxsize=256)
def _place(folder: str | Path, name: str = "") -> Path:
    """Return a path; putting one together takes longer than asking for the file."""
    return Path(folder, name)


def write(path: Path, content: bytes) -> None:
    """Make one file that only its owner reads, on the disk before this returns. Raises FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def lacking(path: Path, *, at: datetime | None = None) -> list[str]:
    """Return the names of the keys that `init` would make in `path`."""
    at = at or datetime.now(UTC)
    wanted = ((KEK_PREFIX, f"{KEK_PREFIX}{at:%Y%m}"), (INDEX_PREFIX, INDEX_KEY))
    return [name for prefix, name in wanted if not any(path.glob(f"{prefix}*"))]


def init(path: Path, *, at: datetime | None = None) -> list[str]:
    """Make what is missing in `path` and return the names made. Never replaces a file.

    `at` only names the wrapping key's month; without it the machine's clock does, since this is an act of setup.
    """
    made = lacking(path, at=at)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in made:
        write(path / name, secrets.token_bytes(KEY_BYTES))
    return made


def add(prefix: str, *, at: datetime, announce: bool = False) -> str:
    """Make the key after the newest of its kind and return its name; `announce` makes it as `NAME.next`.

    A key that was announced is put to use instead. Raises KeyMissing where the folder cannot be written.
    """
    folder = directory()
    announced = _names(folder, prefix, ending=NEXT)
    try:
        if announced and not announce:
            name = announced[-1].removesuffix(NEXT)
            (folder / announced[-1]).rename(folder / name)
            return name
        name = announced[-1] if announced else _next_name(folder, prefix, at=at) + (NEXT if announce else "")
        if not announced:
            write(folder / name, secrets.token_bytes(KEY_BYTES))
    except OSError as error:
        raise KeyMissing(f"No key can be made in {folder} ({error.strerror}); add its file by hand.") from None
    return name


def _next_name(folder: Path, prefix: str, *, at: datetime) -> str:
    names = _names(folder, prefix)
    if prefix == INDEX_PREFIX:
        return f"{prefix}{_order(names[-1])[1] + 1 if names else 1}"
    month = f"{prefix}{at:%Y%m}"
    newest = names[-1] if names else ""
    if _order(newest) < _order(month):
        return month
    stem, _, number = newest.removeprefix(prefix).partition("-")
    return f"{prefix}{stem}-{int(number or 1) + 1}"


def _order(name: str) -> tuple[str, int, int]:
    """Sort names of one kind by their numbers: index-v10 comes after index-v9, kek-202611-2 after kek-202611."""
    first, second = [*(int(number) for number in re.findall(r"\d+", name)), 0, 0][:2]
    return name[:3], first, second


def is_credentials(folder: Path) -> bool:
    """Say whether systemd made the folder for this service alone; it grants by ACL, which shows as a group bit."""
    return os.environ.get("CREDENTIALS_DIRECTORY", "") == str(folder)


def _problem(path: Path, *, size: int | None = KEY_BYTES) -> str:
    """Return what is wrong with a key file, or nothing. Without `size` it may be of any."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return "missing"
    if stat.S_IMODE(found.st_mode) & (0o037 if is_credentials(path.parent) else 0o077):
        return "others may read it"
    return "" if size is None or found.st_size == size else "damaged"


def _names(path: Path, prefix: str, *, ending: str = "") -> list[str]:
    return [*_sorted(_listed(path), prefix, ending)]


@lru_cache(maxsize=64)
def _sorted(listed: tuple[str, ...], prefix: str, ending: str) -> tuple[str, ...]:
    found = (name for name in listed if name.startswith(prefix) and name.endswith(ending))
    return tuple(sorted((name for name in found if name.endswith(NEXT) == (ending == NEXT)), key=_order))


_known: dict[Path, tuple[int, tuple[str, ...]]] = {}
_SURE = 2 * 10**9  # nanoseconds: a folder that changed just now may change again within the same tick of its clock


def _listed(path: Path) -> tuple[str, ...]:
    """Return the names in a folder, none where it is not there. They are read when its time of change is another."""
    try:
        changed = os.stat(path).st_mtime_ns
        known = _known.get(path)
        if known is not None and known[0] == changed:
            return known[1]
        names = tuple(os.listdir(path))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    if time.time_ns() - changed > _SURE:
        _known[path] = (changed, names)
    return names


def present() -> list[str]:
    """Return the names under which keys can be opened here, announced ones among them."""
    folder = directory()
    kinds = [(prefix, ending) for prefix in (KEK_PREFIX, INDEX_PREFIX) for ending in ("", NEXT)]
    return [name.removesuffix(NEXT) for kind, ending in kinds for name in _names(folder, kind, ending=ending)]


def status(path: Path) -> list[KeyFile]:
    """Return every key file of `path`, and those that ought to be there."""
    found = []
    for prefix, wanted in ((KEK_PREFIX, f"{KEK_PREFIX}(none)"), (INDEX_PREFIX, INDEX_KEY)):
        names = _names(path, prefix) or [wanted]
        announced = _names(path, prefix, ending=NEXT)
        found += [KeyFile(name, name == names[-1], _problem(path / name)) for name in (*names, *announced)]
    return found


def require() -> None:
    """Refuse to start without sound keys. Raises KeyMissing naming each file and its fault."""
    faults = [f"{file.name}: {file.problem}" for file in status(directory()) if file.problem]
    if faults:
        raise KeyMissing(f"Keys in {directory()} are not usable ({', '.join(faults)}); see 'manage.py keys status'.")


def read(name: str) -> bytes:
    """Return a file that lies beside the keys, of whatever size. Raises KeyMissing for none, or one that others may
    read."""
    path = directory() / name
    if problem := _problem(path, size=None):
        raise KeyMissing(f"The file {name} is not usable: {problem}.")
    return path.read_bytes()


def load(name: str) -> bytes:
    """Return the key called `name`. Raises KeyMissing."""
    path = _place(settings.KEY_DIR, name)
    problem = _problem(path)
    if problem == "missing" and not _problem(path.with_name(name + NEXT)):
        path, problem = path.with_name(name + NEXT), ""
    if problem:
        raise KeyMissing(f"The key {name} is not usable: {problem}.")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, KEY_BYTES)
    finally:
        os.close(descriptor)


def current_kek() -> str:
    """Return the name of the newest wrapping key, under which new data keys are wrapped. Raises KeyMissing."""
    names = _names(directory(), KEK_PREFIX)
    if not names:
        raise KeyMissing("There is no wrapping key; restore it, or make the first with 'manage.py keys init'.")
    return names[-1]


def index_keys() -> list[str]:
    """Return the names of the index keys, newest first: the first makes tokens, any may have made one that is kept.
    One that was announced comes last, since another machine may make tokens with it already."""
    names = _names(directory(), INDEX_PREFIX)
    if not names:
        raise KeyMissing("There is no index key; restore it, or make the first with 'manage.py keys init'.")
    announced = (name.removesuffix(NEXT) for name in _names(directory(), INDEX_PREFIX, ending=NEXT))
    return [*names[::-1], *(name for name in announced if name not in names)]


def index_versions() -> list[int]:
    """Return the versions of the index key that are there, the one that makes tokens last. Raises KeyMissing."""
    return [int(name.removeprefix(INDEX_PREFIX)) for name in reversed(index_keys())]


def keyed_hashes(purpose: str, values: Iterable[str | bytes], *, version: str = "") -> list[bytes]:
    """Return one HMAC-SHA256 per value under the newest index key, or the one called `version`.

    `purpose` keeps kinds of values apart.
    """
    mac = Mac(load(version or index_keys()[0]), purpose.encode() + b"\0")
    return [mac.digest(value.encode() if isinstance(value, str) else value) for value in values]


class Mac:
    """HMAC-SHA256 of many texts that begin alike, under one key: what key and beginning make of the hash is kept, which
    halves what a short text costs (RFC 2104, section 4)."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes, prefix: bytes = b"") -> None:
        block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER) + prefix)
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def digest(self, text: bytes) -> bytes:
        """Return the HMAC of the beginning and `text`."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()


_BLOCK = 64
_INNER, _OUTER = (bytes(byte ^ mask for byte in range(256)) for mask in (0x36, 0x5C))


def keyed_hash(purpose: str, value: str | bytes) -> bytes:
    """Return the HMAC-SHA256 of one value the caller has normalised, for blind tokens and guessable content."""
    return keyed_hashes(purpose, (value,))[0]


def kept_hashes(purpose: str, value: str | bytes) -> list[bytes]:
    """Return the hashes that a row kept from any time may hold for this value: one for each index key, newest first."""
    return [hashed for name in index_keys() for hashed in keyed_hashes(purpose, (value,), version=name)]
