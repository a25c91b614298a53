"""The demonstration office, made once in each process and copied into every test that asks for it.

Making it takes a third of a second of sealing, chaining and statements, a thousand times over; copying its rows a
hundredth. The copy is the same rows, so every test still begins with an office that the kernel itself made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.db import connection

_KEPT: dict[str, Any] = {}
# Django's own and the schema's: they are there before any office.
_GIVEN = "('django_migrations', 'django_content_type', 'auth_permission')"
# Runs as the superuser who made it and as a replica, so that no guard asks who wrote rows that were written before.
_MAKE = """
CREATE SCHEMA kept;
CREATE FUNCTION kept.restore() RETURNS boolean LANGUAGE plpgsql
    SECURITY DEFINER SET session_replication_role = replica SET search_path = public AS $body$
BEGIN
    IF EXISTS (SELECT FROM cases_user) OR EXISTS (SELECT FROM {events}) THEN RETURN false; END IF;
    {copies}
    RETURN true;
END $body$;
GRANT USAGE ON SCHEMA kept TO PUBLIC;
"""


def keep(superuser: Any, make: Callable[[], Mapping[str, Any]]) -> None:
    """Make the office for good, keep its rows in a schema of their own and leave the tables as empty as before.

    The caller empties them. `superuser` is a connection that may write as a replica.
    """
    _KEPT["people"], _KEPT["keys"] = dict(make()), settings.KEY_DIR
    named = superuser.execute(
        "SELECT c.oid::regclass::text, (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)"
        " FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '')"
        " FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        f" AND relname NOT IN {_GIVEN} ORDER BY 1"
    ).fetchall()
    filled = [each for each in named if superuser.execute(f"SELECT EXISTS (SELECT FROM {each[0]})").fetchone()[0]]
    copies = "".join(
        f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM kept.{table};\n"
        for table, columns in filled
    )
    from cases.ledger.models import LedgerEvent  # noqa: PLC0415 -- models load after the settings

    superuser.execute(_MAKE.format(copies=copies, events=LedgerEvent._meta.db_table))
    for table, columns in filled:
        superuser.execute(f"CREATE TABLE kept.{table} AS SELECT {columns} FROM {table}")


def restore() -> dict[str, Any] | None:
    """Copy the kept office into an empty database and return its people; None where there is none or something else
    is there already, so that it has to be made."""
    if _KEPT.get("keys") != settings.KEY_DIR:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT kept.restore()")
        is_restored = cursor.fetchone()[0]
    return dict(_KEPT["people"]) if is_restored else None
