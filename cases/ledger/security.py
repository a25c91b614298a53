"""The security log: refusals, sign-ins and the like, in codes and ids. Never what a case says."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import connection

from cases.ledger.errors import LedgerError
from cases.ledger.models import SecurityEvent

LONGEST_CODE = 120

Code = str | int | bool | None | UUID


class NotACode(LedgerError):
    """A security event takes codes and ids; this is neither."""


def _code(name: str, value: Code) -> str | int | bool | None:
    if value is None or isinstance(value, bool | int):
        return value
    text = str(value)
    if not isinstance(value, str | UUID) or len(text) > LONGEST_CODE or not text.isprintable():
        raise NotACode(f"{name} is not a code.")
    return text


def kinds() -> list[str]:
    """Return every kind of which there is an event, in their order. One query, which reads one row of each."""
    with connection.cursor() as cursor:
        cursor.execute(_KINDS)
        return [kind for (kind,) in cursor.fetchall()]


_TABLE = SecurityEvent._meta.db_table
_KINDS = f"""
WITH RECURSIVE found AS (
    (SELECT kind FROM {_TABLE} ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT (SELECT kind FROM {_TABLE} WHERE kind > found.kind ORDER BY kind LIMIT 1) FROM found
    WHERE found.kind IS NOT NULL
)
SELECT kind FROM found WHERE kind IS NOT NULL"""


def note(kind: str, *, actor: str, at: datetime, act: str = "", **codes: Code) -> SecurityEvent:
    """Insert one security event. Joins the open transaction, so note a refusal after its rollback.

    Raises NotACode for long text and for values that are neither text, number nor id; `act` is a code as well.
    """
    _code("act", act)
    detail = {name: _code(name, value) for name, value in codes.items()}
    return SecurityEvent.objects.create(kind=kind, actor=actor, at=at, act=act, detail=detail)
