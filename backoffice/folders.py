"""Folders for servers: who may pass through them, who owns them, and how long a socket's path may be."""

import hashlib
import os
import pwd
import stat
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

SOCKET_PATH_LIMIT = 107


class EmbeddedError(ImproperlyConfigured):
    """The embedded servers cannot be set up here; the sentence says why."""


def is_traversable(folder: Path) -> bool:
    """Say whether every other user may pass through the folder and all folders above it."""
    known = [each for each in (folder, *folder.parents) if each.exists()]
    return all(each.stat().st_mode & stat.S_IXOTH for each in known)


def socket_folder(wanted: Path, *, longest_name: str) -> Path:
    """Return the wanted folder, or a short private one where the socket's path would pass the kernel's limit."""
    if len(os.fsencode(wanted / longest_name)) <= SOCKET_PATH_LIMIT:
        return wanted
    return Path(tempfile.gettempdir()) / f"backoffice-{mark(wanted)}"


def private_folder(folder: Path, *, owner: str | None, mode: int = 0o700) -> None:
    """Make a folder of one owner. Raises EmbeddedError if it is there and belongs to somebody else."""
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    wanted = pwd.getpwnam(owner).pw_uid if owner else os.geteuid()
    if folder.is_symlink() or folder.stat().st_uid not in {wanted, os.geteuid()}:
        raise EmbeddedError(f"{folder} belongs to somebody else; remove it or choose another BACKOFFICE_HOME.")
    if owner:
        os.chown(folder, wanted, pwd.getpwnam(owner).pw_gid)
    folder.chmod(mode)


def mark(path: Path) -> str:
    """Return a short name for a path of this user."""
    return hashlib.sha256(f"{os.geteuid()}:{path}".encode()).hexdigest()[:12]
