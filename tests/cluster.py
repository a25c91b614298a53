"""The tests' PostgreSQL with every migration applied, kept under .pytest_cache so that the next run only copies it."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".pytest_cache" / "cluster"
# What decides which tables, triggers and rows a migrated database has. Another word in any of them makes it anew.
MADE_OF = (
    "backoffice/*.py",
    "cases/**/models.py",
    "cases/kernel/models/*.py",
    "cases/ledger/*.py",
    "cases/migrations/*.py",
    "requirements*.txt",
    "tests/cluster.py",
    "tests/conftest.py",
)


def bring(place: Path, make: Callable[[], None]) -> None:
    """Put a stopped, migrated cluster at `place`: the kept one, or one that `make` makes there, which is then kept.

    Of processes that begin together one makes it and the others wait.
    """
    kept = KEPT / _fingerprint()
    with _alone():
        if not kept.exists():
            make()
            for outdated in (each for each in KEPT.iterdir() if each.is_dir()):
                shutil.rmtree(outdated)
            _copy(place, KEPT / "unfinished")
            (KEPT / "unfinished").rename(kept)
            return
    _copy(kept, place)


def _copy(source: Path, target: Path) -> None:
    """Copy the data and nothing else, with its owner, who is another than we where we are root."""
    target.mkdir(mode=0o711)
    subprocess.run(["cp", "-a", "--reflink=auto", str(source / "data"), str(target)], check=True)


def _fingerprint() -> str:
    digest = hashlib.sha256(f"{os.geteuid()}".encode())
    for path in sorted(path for pattern in MADE_OF for path in ROOT.glob(pattern)):
        digest.update(f"{path.relative_to(ROOT)}:{path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _alone() -> Iterator[None]:
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
