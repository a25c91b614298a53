"""Stories that many tests begin with, told once in each process by the kernel's own functions and copied from then on.

A case that is filed, released or sold takes up to a second of sealing, chaining and statements, some thousand times
over; copying its rows takes a hundredth. The first time that a story is told at a place (the kept office, or where
another kept story ended) the rows it leaves are written down, far from the office the second time; from then on they
are copied. A story is told anew wherever that place is not certain: something else was written before it, the test
patches or sets something, somebody in the office is not as the office has them, or the suite runs at length. Each test
of a class begins where what its class made for all of them ended.
"""

from __future__ import annotations

import functools
import pickle
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from django.conf import UserSettingsHolder, settings
from django.db import connection, transaction
from django.test import TestCase

from tests import length

# Some two stories from the office others will come again; where more were told, one waits for the second time.
NEAR = 11

P = ParamSpec("P")
R = TypeVar("R")

# What a test changes without a row, and where these fixtures remember it: who changed something hears every story told.
CHANGERS = (("monkeypatch", "_setattr"), ("monkeypatch", "_setitem"), ("settings", "_to_restore"))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a test stands: nothing was written in its transaction since the last story of `path` ended, nor was that
    undone with one of the savepoints inside which it ended."""

    transaction: str
    written: int
    savepoints: tuple[str | None, ...]
    path: tuple[Any, ...]
    is_kept: bool


@dataclass(frozen=True, slots=True)
class _Story:
    function: str
    returned: bytes
    files: dict[Path, bytes]


@dataclass(slots=True)
class _Memory:
    superuser: Any = None
    test: Any = None
    place: _Place | None = None
    of_class: tuple[Any, _Place | None] = (None, None)
    heard: Counter[Any] = field(default_factory=Counter)
    stories: dict[Any, _Story] = field(default_factory=dict)
    tables: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    losing: set[str] = field(default_factory=set)
    people: Any = None
    globals: dict[str, dict[str, Any]] = field(default_factory=dict)


_MEMORY = _Memory()

_MAKE = """
CREATE TABLE kept.scratch ();
GRANT INSERT, SELECT ON kept.scratch TO PUBLIC;
CREATE TABLE kept.tables AS
    SELECT oid, oid::regclass::text AS name FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace;
GRANT SELECT ON kept.tables TO PUBLIC;
CREATE FUNCTION kept.place(OUT transaction text, OUT written bigint) LANGUAGE sql AS $body$
    SELECT pg_current_xact_id()::text, sum(pg_stat_get_xact_tuples_inserted(oid)
        + pg_stat_get_xact_tuples_updated(oid) + pg_stat_get_xact_tuples_deleted(oid))::bigint
    FROM kept.tables
$body$;
"""
# Of each table, how many rows were written and how many taken away in this transaction so far.
_TOUCHED = """
SELECT name, pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid),
    pg_stat_get_xact_tuples_deleted(oid) FROM kept.tables
"""
_TABLES = """
SELECT c.oid::regclass::text,
    (SELECT array_agg(quote_ident(attname) ORDER BY attnum) FROM pg_attribute
     WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''),
    (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_index JOIN pg_attribute
     ON attrelid = indrelid AND attnum = ANY(indkey) WHERE indrelid = c.oid AND indisprimary)
FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'django_migrations'
ORDER BY 1
"""


def begin(superuser: Any) -> None:
    """Keep stories beside the kept office from now on. `superuser` is a connection that may write as a replica."""
    superuser.execute(_MAKE)
    _MEMORY.superuser = superuser
    _MEMORY.tables = {
        table: (key or ", ".join(columns), tuple(columns))
        for table, columns, key in superuser.execute(_TABLES).fetchall()
    }


def test_begins(item: Any) -> None:
    """Say which test asks from now on."""
    _MEMORY.test, _MEMORY.place = item, None


def class_was_made(item: Any) -> None:
    """Say that what the class of this test makes for all its tests is there, and nothing else."""
    cls = getattr(item, "cls", None)
    if not (isinstance(cls, type) and issubclass(cls, TestCase) and connection.in_atomic_block):
        return
    transaction_id, written = _now()
    of, place = _MEMORY.of_class
    if (of, place and place.transaction) != (cls, transaction_id):
        place = _MEMORY.place
        if place and (place.transaction, place.written) != (transaction_id, written):
            place = None
        _MEMORY.of_class = cls, place
    if place:
        _MEMORY.place = replace(place, written=written, savepoints=tuple(connection.savepoint_ids))


def stands_at_office(people: dict[str, Any]) -> None:
    """Say that the kept office was just copied, and nothing else is there."""
    _MEMORY.people = dict(people)
    _arrive(("office",), is_kept=True)


def where() -> tuple[Any, ...] | None:
    """Return the kept stories whose rows, and no others, are there; None where that is not certain."""
    place = _MEMORY.place
    if place is None or not place.is_kept or not _may_keep() or not _stands_at(place):
        return None
    return (*place.path, str(settings.EVIDENCE_DIR))


def story(tell: Callable[P, R]) -> Callable[P, R]:
    """Mark a function whose rows may be kept: it is given the people of the office and plain values, and writes rows
    and documents alone."""

    _MEMORY.globals.setdefault(tell.__module__, tell.__globals__)

    @functools.wraps(tell)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        place = _MEMORY.place
        words = _words((args, kwargs)) if place and _may_keep() else None
        if words is None or place is None or not _stands_at(place):
            _MEMORY.place = None
            return tell(*args, **kwargs)
        path = (*place.path, tell.__module__, tell.__qualname__, words, _set(), str(settings.EVIDENCE_DIR))
        kept = _MEMORY.stories.get(path) if place.is_kept else None
        if kept:
            returned = _copy(kept)
        elif place.is_kept and (len(place.path) <= NEAR or _MEMORY.heard[path]):
            returned, is_kept = _write_down(path, lambda: tell(*args, **kwargs))
            return _arrive(path, is_kept=is_kept) or returned
        else:
            _MEMORY.heard[path] += 1
            returned = tell(*args, **kwargs)
        _arrive(path, is_kept=bool(kept))
        return returned

    return told


def _may_keep() -> bool:
    return (
        not length.AT_LENGTH
        and _MEMORY.superuser is not None
        and connection.in_atomic_block
        and not isinstance(settings._wrapped, UserSettingsHolder)
        and not any(_changed(*each) for each in CHANGERS)
    )


def _changed(fixture: str, memory: str) -> bool:
    return fixture in _MEMORY.test.funcargs and bool(getattr(_MEMORY.test.funcargs[fixture], memory))


def _words(value: Any) -> str | None:
    """Return what a story was given, in words that are the same for the same; None where that cannot be said."""
    if isinstance(value, dict):
        if value == _MEMORY.people:
            return "people"
        value = tuple(sorted(value.items(), key=lambda each: str(each[0])))
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        words = [_words(each) for each in value]
        return None if None in words else f"({', '.join(str(each) for each in words)})"
    plain = (str, int, float, bytes, bool, date, time, timedelta, type(None))
    return repr(value) if isinstance(value, plain) else None


def _set() -> int:
    """Return the digest of what the modules of stories have set down, which a test may set otherwise for itself."""
    return hash(
        repr(
            [
                value
                for names in _MEMORY.globals.values()
                for name, value in names.items()
                if name.isupper() and isinstance(value, (str, int, tuple, list, dict, date, time))
            ]
        )
    )


def _now() -> tuple[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM kept.place()")
        return cursor.fetchone()


def _stands_at(place: _Place) -> bool:
    inside = tuple(connection.savepoint_ids)
    return inside[: len(place.savepoints)] == place.savepoints and _now() == (place.transaction, place.written)


def _arrive(path: tuple[Any, ...], *, is_kept: bool) -> None:
    if connection.in_atomic_block and _MEMORY.superuser is not None:
        _MEMORY.place = _Place(*_now(), tuple(connection.savepoint_ids), path, is_kept)


def _copy(kept: _Story) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {kept.function}()")
    for path, data in kept.files.items():
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return pickle.loads(kept.returned)


def _documents() -> set[Path]:
    return {path for path in Path(settings.EVIDENCE_DIR).rglob("*") if path.is_file()}


def _rows() -> dict[str, set[tuple[Any, ...]]]:
    return {table: set(_ask(f"SELECT {_MEMORY.tables[table][0]} FROM {table}")) for table in _MEMORY.losing}


def _touched() -> dict[str, tuple[int, int]]:
    return {table: (written, lost) for table, written, lost in _ask(_TOUCHED) if table in _MEMORY.tables}


def _ask(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def _write_down(path: tuple[Any, ...], tell: Callable[[], R]) -> tuple[R, bool]:
    """Tell a story once more and keep what it wrote; return what it returned, and whether it could be kept.

    A table that loses rows is compared with what was in it, from the next time on.
    """
    before, touched, files = _rows(), _touched(), _documents()
    with transaction.atomic():
        first = _ask("INSERT INTO kept.scratch DEFAULT VALUES RETURNING xmin::text::bigint")[0][0]
        returned = tell()
    now = _touched()
    losing = {table for table, (_, lost) in now.items() if lost > touched[table][1]}
    if losing - set(before):
        _MEMORY.losing |= losing
        return returned, False
    try:
        answer = pickle.dumps(returned)
    except (pickle.PicklingError, TypeError, AttributeError):
        return returned, False
    body = []
    for table in (each for each in now if now[each] != touched[each]):
        key, columns = _MEMORY.tables[table]
        written = f"{table} WHERE xmin::text::bigint >= {first}"
        rows = _ask(f"SELECT {_texts(key.split(', '))}, {_texts(columns)} FROM {written}")
        lost = before[table] - set(_ask(f"SELECT {key} FROM {table}")) if table in losing else set()
        if changed := [*(_literal(each) for each in lost), *(each[0] for each in rows)]:
            body.append(f"DELETE FROM {table} WHERE ({key}) IN ({', '.join(f'({each})' for each in changed)});")
        if rows:
            listed = ", ".join(f"({each[1]})" for each in rows)
            body.append(f"INSERT INTO {table} ({', '.join(columns)}) OVERRIDING SYSTEM VALUE VALUES {listed};")
    name = f"kept.story_{len(_MEMORY.stories)}"
    told = " ".join(body)
    _MEMORY.superuser.execute(
        f"CREATE FUNCTION {name}() RETURNS void LANGUAGE plpgsql SECURITY DEFINER"
        f" SET session_replication_role = replica SET search_path = public AS $story$ BEGIN {told} END $story$"
    )
    added = {each: each.read_bytes() for each in _documents() - files}
    _MEMORY.stories[path] = _Story(name, answer, added)
    return returned, True


def _texts(columns: Iterable[str]) -> str:
    return " || ', ' || ".join(f"quote_nullable({column}::text)" for column in columns)


def _literal(row: tuple[Any, ...]) -> str:
    return ", ".join("'" + str(each).replace("'", "''") + "'" for each in row)
