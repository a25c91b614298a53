"""What a deployment must be able to say of its database: it cannot alter the ledger, its keys are here, and it has the
same time.

`manage.py check --deploy --database default` asks; a web process or worker that lacks keys does not start.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.db import DatabaseError, connection, connections

from cases.ledger import indexkeys, keys, rotation
from cases.ledger.guards import APPEND_ONLY, is_migrated, tracked_models

MOST_APART = 1.0  # seconds
HINT = "Serve with a role that has the grants of docs/deploy/grants.sql and nothing else."
# Each question gives back what the answer is yes for. Whoever owns a table may switch its triggers off.
QUESTIONS = (
    (
        "is a superuser, whom no trigger stops",
        "SELECT rolname FROM pg_roles WHERE rolname = current_user AND rolsuper",
    ),
    (
        "may switch every trigger off by session_replication_role",
        "SELECT 'session' WHERE has_parameter_privilege(current_user, 'session_replication_role', 'SET')",
    ),
    (
        "owns {count} guarded tables ({first} the first), or may act for their owner",
        "SELECT c.relname FROM pg_class c WHERE c.oid = ANY(%(guarded)s::regclass[])"
        " AND pg_has_role(current_user, c.relowner, 'MEMBER') ORDER BY 1",
    ),
    (
        "may change or empty {count} append-only tables ({first} the first)",
        "SELECT c.relname FROM pg_class c WHERE c.oid = ANY(%(append_only)s::regclass[])"
        " AND has_table_privilege(current_user, c.oid, 'UPDATE, DELETE, TRUNCATE') ORDER BY 1",
    ),
)


def role_cannot_alter(databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """Name what lets the application's role alter the ledger, or switch off what guards it."""
    found: list[CheckMessage] = []
    for using in databases or ():
        if is_migrated(using):
            with connections[using].cursor() as cursor:
                found += [Error(words, hint=HINT, id="ledger.E002") for words in role_faults(cursor)]
    return found


def role_faults(cursor: Any) -> list[str]:
    """Return one sentence for each power that the role of this cursor has and must not have."""
    history = [model.history_model._meta.db_table for model in tracked_models()]
    append_only = [f"cases_{name}" for name in APPEND_ONLY] + history
    live = [model._meta.db_table for model in tracked_models()]
    tables = {"append_only": append_only, "guarded": [*append_only, *live, "cases_datakey", "cases_ledgerhead"]}
    faults = []
    for words, question in QUESTIONS:
        cursor.execute(question, tables)
        if found := [name for (name,) in cursor.fetchall()]:
            faults.append(f"The database role {words.format(first=found[0], count=len(found))}.")
    return faults


def keys_are_here(databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """Name each wrapping key that living data needs, and each index key, that is not among the key files."""
    if not databases or not is_migrated("default"):
        return []
    sentences = [f"Data is sealed under {name}, whose file is not here." for name in rotation.missing_keks()]
    return [Error(words, id="ledger.E003") for words in (*sentences, *(f"{each}." for each in indexkeys.faults()))]


def clock_difference(using: str = "default") -> float:
    """Return by how many seconds this machine's clock is ahead of the database's, as near as one question tells."""
    with connections[using].cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        (there,) = cursor.fetchone()
        return (before + time.time()) / 2 - float(there)


def clocks_agree(databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """Say so where this machine's clock and the database's are apart: acts are dated by the one and recorded by the
    other, and an agency refuses what is signed five minutes off."""
    found: list[CheckMessage] = []
    for using in databases or ():
        if abs(ahead := clock_difference(using)) > MOST_APART:
            words = f"This machine's clock is {ahead:+.1f} s from the database's."
            found.append(Warning(words, hint="Have both follow the same time servers.", id="ledger.W001"))
    return found


def require_keys() -> None:
    """Refuse to start without sound keys, or without one that data is sealed under or hashed with. Raises KeyMissing.

    A database that does not answer yet is no reason not to start: readiness tells of it.
    """
    keys.require()
    try:
        missing, faults = rotation.missing_keks(), indexkeys.faults()
    except DatabaseError:
        missing = faults = []
    finally:
        if not connection.in_atomic_block:
            connection.close()  # before a server forks
    if missing:
        raise keys.KeyMissing(f"Data is sealed under {', '.join(missing)}, whose files are not in {keys.directory()}.")
    if faults:
        raise keys.KeyMissing(f"Index keys in {keys.directory()} are not usable ({', '.join(faults)}): restore them.")
