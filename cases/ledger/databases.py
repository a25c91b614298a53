"""Which database this is: one that was restored from a dump, or copied, is another.

The security log names the one that was prepared. A dump carries that name into the database it is put back into, which
so knows that it was restored, on whatever machine and with or without the list of destroyed keys (tombstones.py).
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from cases.ledger import security
from cases.ledger.models import SecurityEvent

__all__ = ["KIND", "identity", "is_another", "note"]

KIND = "database_known"
_IDENTITY = """
SELECT format('%s:%s', c.system_identifier, d.oid), k.timeline_id
  FROM pg_control_system() c, pg_control_checkpoint() k, pg_database d WHERE d.datname = current_database()
"""


def identity() -> tuple[str, int]:
    """Return what no other database has, and how often this one went back to a moment in time or failed over. One
    query. Raises DatabaseError where the role may not ask."""
    with connection.cursor() as cursor:
        cursor.execute(_IDENTITY)
        name, timeline = cursor.fetchone()
    return str(name), int(timeline)


def _known() -> str:
    row = SecurityEvent.objects.filter(kind=KIND).order_by("-pk").values_list("detail__database", flat=True).first()
    return str(row or "")


def note(*, at: datetime, is_taken_over: bool = False) -> bool:
    """Write into the security log which database this is, where it does not say so yet: of one that says another, only
    where that `is_taken_over`. Returns whether it wrote. Two queries."""
    known, (name, _) = _known(), identity()
    if name == known or (known and not is_taken_over):
        return False
    security.note(KIND, actor="system:prepare", at=at, database=name)
    return True


def is_another() -> bool:
    """Say whether the log names another database than this: a fail-over to a standby is none. Two queries."""
    known = _known()
    return bool(known) and known != identity()[0]
