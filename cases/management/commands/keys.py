"""manage.py keys: make the key files, say how they are, move to new ones, keep them in escrow."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from cases.kernel.finding import reindex
from cases.ledger import escrow, indexkeys, keys, rotation, security
from cases.web.signin import secrets

ACTOR = "system:keys"


class Command(BaseCommand):
    """Key files live outside the database; this never prints what is in them."""

    help = "Make key files, say how they are and what needs them, rotate them, put them in escrow."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("init", help="make what is missing; never replaces a file")
        acts.add_parser("status", help="say how each key is, and what still needs it")
        rotate = acts.add_parser("rotate", help="make the next wrapping key and wrap every data key anew under it")
        rotate.add_argument("--index", action="store_true", help="make the next index key instead")
        rotate.add_argument("--announce", action="store_true", help="only make it, as NAME.next, to be copied first")
        kept = acts.add_parser("escrow", help="seal the keys for custodians, any two of whom open them")
        kept.add_argument("folder", type=Path, help="an empty or new folder, to be carried away")
        kept.add_argument("--custodians", type=int, default=2)
        for name, words in (("check", "say whether a bundle holds the keys in use"), ("restore", "put the keys back")):
            act = acts.add_parser(name, help=f"{words}: bundle and two shares")
            act.add_argument("files", type=Path, nargs=3, metavar="FILE")

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        try:
            getattr(self, f"_{act}")(**options)
        except (keys.KeyMissing, escrow.EscrowBroken, OSError) as error:
            raise CommandError(str(error)) from error

    def _init(self, **_: Any) -> None:
        folder = keys.directory()
        if (lacking := keys.lacking(folder, at=timezone.now())) and _holds_sealed_data():
            raise CommandError(
                f"{folder} has no {', no '.join(lacking)}, and the database was written with one: a new one is no "
                "answer. Copy it from another machine or restore it; nothing was made."
            )
        made = keys.init(folder, at=timezone.now())
        for name in made:
            self.stdout.write(f"made {folder / name}")
        if not made:
            self.stdout.write(f"Nothing was made: {folder} has its keys.")

    def _status(self, **_: Any) -> None:
        files = keys.status(keys.directory())
        needed = _needed()
        for file in files:
            count = needed.pop(file.name, 0)
            self.stdout.write(f"{file.name}: {', '.join(_words(file, count))}")
        for name, count in sorted(needed.items()):
            self.stdout.write(f"{name}: missing, {count} data keys cannot be opened")
        faults = _faults()
        for words in faults:
            self.stdout.write(words)
        if needed or faults or any(file.problem for file in files):
            raise CommandError("Keys are missing or unsound.")

    def _rotate(self, *, index: bool, announce: bool, **_: Any) -> None:
        prefix = keys.INDEX_PREFIX if index else keys.KEK_PREFIX
        keys.require()
        unfinished = not index and set(_needed()) - {keys.current_kek()}
        if unfinished and not announce:
            self.stdout.write(f"Going on with what {', '.join(sorted(unfinished))} wrapped; no new key is made.")
        else:
            name = keys.add(prefix, at=timezone.now(), announce=announce)
            self.stdout.write(f"made {keys.directory() / name}" if announce else f"{name} is in use for new keys")
            indexkeys.note(at=timezone.now())
            security.note(
                "keys_rotated", actor=ACTOR, at=timezone.now(), act="announce" if announce else "use", key=name
            )
        if not index and not announce:
            self._rewrap()

    def _rewrap(self) -> None:
        moved = rotation.rewrap(after_each=lambda count: self.stdout.write(f"{count} data keys"))
        factors = secrets.reseal()
        security.note(
            "keys_rewrapped", actor=ACTOR, at=timezone.now(), key=keys.current_kek(), data_keys=moved, factors=factors
        )
        self.stdout.write(f"{moved} data keys and {factors} second factors moved to {keys.current_kek()}.")
        self.stdout.write("Put the new key in escrow, then remove the older file once 'keys status' says so.")

    def _escrow(self, *, folder: Path, custodians: int, **_: Any) -> None:
        keys.require()
        files = _key_files()
        made = escrow.make(files, custodians=custodians, at=timezone.now())
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys.write(folder / "keys.escrow", made.bundle.encode())
        for number, share in enumerate(made.shares, start=1):
            keys.write(folder / f"custodian-{number}.share", share.encode())
        for one in range(1, custodians):
            self._compare([folder / "keys.escrow", *(folder / f"custodian-{n}.share" for n in (one, one + 1))])
        security.note("keys_escrowed", actor=ACTOR, at=timezone.now(), keys=len(files), custodians=custodians)
        self.stdout.write(f"{len(files)} keys sealed in {folder / 'keys.escrow'}, opened again and compared.")
        self.stdout.write("Give each custodian one share, keep the bundle apart from the database, empty the folder.")

    def _check(self, *, files: list[Path], **_: Any) -> None:
        self._compare(files)
        self.stdout.write("The bundle opens and holds every key in use.")

    def _compare(self, files: list[Path]) -> None:
        held = escrow.open_bundle(*(file.read_text() for file in files))
        lacking = sorted(name for name, content in _key_files().items() if held.get(name) != content)
        if lacking:
            raise CommandError(f"The bundle does not hold what is in use now: {', '.join(lacking)}.")

    def _restore(self, *, files: list[Path], **_: Any) -> None:
        folder = keys.directory()
        held = escrow.open_bundle(*(file.read_text() for file in files))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        different = [name for name, content in held.items() if (folder / name).exists() and keys.load(name) != content]
        if different:
            raise CommandError(
                f"{folder} holds other keys of these names: {', '.join(different)}. Nothing was written."
            )
        for name in (name for name in held if not (folder / name).exists()):
            keys.write(folder / name, held[name])
            self.stdout.write(f"restored {folder / name}")
        self.stdout.write("Now run 'keys status': it says whether the database needs any other.")


def _key_files() -> dict[str, bytes]:
    folder = keys.directory()
    return {file.name: (folder / file.name).read_bytes() for file in keys.status(folder) if not file.problem}


def _needed() -> Counter[str]:
    """Return what each wrapping key wraps or seals; nothing before the first migration."""
    try:
        return Counter(rotation.wrapped_by_kek()) + secrets.sealed_by_kek()
    except DatabaseError:
        return Counter()


def _faults() -> list[str]:
    """Return what is wrong with index keys that the database was written with; nothing before the first migration."""
    try:
        return indexkeys.faults()
    except DatabaseError:
        return []


def _holds_sealed_data() -> bool:
    """Say whether something was sealed already; not where no database answers, since keys may be made before it is."""
    try:
        return rotation.holds_sealed_data()
    except DatabaseError:
        return False


def _entries(file: keys.KeyFile) -> int:
    """Return how many cases have search tokens of an index key: rebuilding brings it to none."""
    return reindex.entries_by_version().get(int(file.name.removeprefix(keys.INDEX_PREFIX)), 0)


def _words(file: keys.KeyFile, count: int) -> list[str]:
    words = [file.problem or "sound"]
    if file.name.endswith(keys.NEXT):
        return [*words, "announced, not in use"]
    if file.is_current:
        words.append("in use for new keys")
    if file.name.startswith(keys.INDEX_PREFIX):
        return (
            words
            if file.is_current
            else [*words, f"kept for hashes made with it and the search tokens of {_entries(file)} cases"]
        )
    if count or file.is_current:
        return [*words, f"{count} data keys"] if file.is_current else [*words, f"still needed by {count} data keys"]
    return [*words, "nothing needs it any more, remove it"]
