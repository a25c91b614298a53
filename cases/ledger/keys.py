"""Key files outside the database: what wraps the data keys (`kek-YYYYMM`), what blinds tokens (`index-v1`).

Files of mode 0600 in a folder of mode 0700 (settings.KEY_DIR). Read anew for each call, never cached.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from cases.ledger.errors import LedgerError

KEY_BYTES = 64
INDEX_KEY = "index-v1"
INDEX_PREFIX = "index-v"
KEK_PREFIX = "kek-"


class KeyMissing(LedgerError):
    """A key file is not there, is damaged, or others may read it."""


@dataclass(frozen=True)
class KeyFile:
    """One key file as `manage.py keys status` shows it: never its content."""

    name: str
    is_current: bool
    problem: str


def directory() -> Path:
    return Path(settings.KEY_DIR)


def _write(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())


def init(path: Path, *, at: datetime | None = None) -> list[str]:
    """Make what is missing in `path` and return the names made. Never replaces a file.

    `at` only names the wrapping key's month; without it the machine's clock does, since this is an act of setup.
    """
    at = at or datetime.now(UTC)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = []
    if not any(path.glob(f"{KEK_PREFIX}*")):
        made.append(f"{KEK_PREFIX}{at:%Y%m}")
    if not (path / INDEX_KEY).exists():
        made.append(INDEX_KEY)
    for name in made:
        _write(path / name)
    return made


def _problem(path: Path) -> str:
    """Return what is wrong with a key file, or nothing."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return "missing"
    if stat.S_IMODE(found.st_mode) & 0o077:
        return "others may read it"
    return "" if found.st_size == KEY_BYTES else "damaged"


def _kek_names(path: Path) -> list[str]:
    return sorted(file.name for file in path.glob(f"{KEK_PREFIX}*"))


def status(path: Path) -> list[KeyFile]:
    """Return every key file of `path`, and those that ought to be there."""
    names = _kek_names(path)
    current = names[-1:] or [f"{KEK_PREFIX}(none)"]
    return [
        KeyFile(name, name in (*current, INDEX_KEY), _problem(path / name)) for name in (*(names or current), INDEX_KEY)
    ]


def require() -> None:
    """Refuse to start without sound keys. Raises KeyMissing naming each file and its fault."""
    faults = [f"{file.name}: {file.problem}" for file in status(directory()) if file.problem]
    if faults:
        raise KeyMissing(f"Keys in {directory()} are not usable ({', '.join(faults)}); see 'manage.py keys status'.")


def load(name: str) -> bytes:
    """Return the key called `name`. Raises KeyMissing."""
    path = directory() / name
    problem = _problem(path)
    if problem:
        raise KeyMissing(f"The key {name} is not usable: {problem}.")
    return path.read_bytes()


def current_kek() -> str:
    """Return the name of the newest wrapping key, under which new data keys are wrapped. Raises KeyMissing."""
    names = _kek_names(directory())
    if not names:
        raise KeyMissing("There is no wrapping key; make one with 'manage.py keys init'.")
    return names[-1]


def index_versions() -> list[int]:
    """Return the versions of the index key that are there, the newest last. Raises KeyMissing."""
    names = (file.name.removeprefix(INDEX_PREFIX) for file in directory().glob(f"{INDEX_PREFIX}*"))
    found = sorted(int(name) for name in names if name.isdecimal())
    if not found:
        raise KeyMissing("There is no index key; make one with 'manage.py keys init'.")
    return found


def keyed_hashes(purpose: str, values: Iterable[str | bytes]) -> list[bytes]:
    """Return one HMAC-SHA256 per value under the index key; `purpose` keeps kinds of values apart."""
    key = load(INDEX_KEY)
    prefix = purpose.encode() + b"\0"
    texts = (value.encode() if isinstance(value, str) else value for value in values)
    return [hmac.digest(key, prefix + text, "sha256") for text in texts]


def keyed_hash(purpose: str, value: str | bytes) -> bytes:
    """Return the HMAC-SHA256 of one value the caller has normalised, for blind tokens and guessable content."""
    return keyed_hashes(purpose, (value,))[0]
