"""The rings as a queue: which are due, who holds them, how a try ended. SQL only; sends nothing.

Due times and leases are read on the database's clock. A lease is a fence: only its holder writes the outcome.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import connection

from cases.kernel.models import OnCallAlert, OnCallRing
from cases.kernel.oncall.alerts import TEST

__all__ = ["Claimed", "claim", "finish", "words"]

LEASE_SECONDS = 60
BATCH = 20
# With waits of at most five minutes a ring is tried for about an hour.
MOST_TRIES = 18

_CLAIM = """
WITH due AS MATERIALIZED (
  SELECT r.id FROM cases_oncallring r
   WHERE (r.state = 'pending' AND r.due_at <= now()) OR (r.state = 'sending' AND r.lease_until < now())
   ORDER BY r.due_at, r.id LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE cases_oncallring r
   SET state = 'sending', tries = r.tries + 1, lease = %s, lease_until = now() + make_interval(secs => %s)
  FROM due WHERE r.id = due.id
RETURNING r.id
"""
# Somebody has it, the address is off the list, or the case is closed: a try that failed meanwhile is the last.
_OVER = """
UPDATE cases_oncallring r
   SET state = 'dropped', lease = NULL, lease_until = NULL
  FROM cases_oncallalert a LEFT JOIN cases_case k ON k.id = a.case_id, cases_oncallroute o
 WHERE a.id = r.alert_id AND o.id = r.route_id
   AND ((r.state = 'pending' AND r.due_at <= now()) OR (r.state = 'sending' AND r.lease_until < now()))
   AND (a.acknowledged_at IS NOT NULL OR o.ended_at IS NOT NULL OR k.is_closed)
"""
_FINISH = """
UPDATE cases_oncallring
   SET state = CASE WHEN %(error)s = '' THEN 'delivered' WHEN tries >= %(most)s THEN 'failed' ELSE 'pending' END,
       error = %(error)s, lease = NULL, lease_until = NULL,
       delivered_at = CASE WHEN %(error)s = '' THEN now() END,
       due_at = now() + make_interval(secs => LEAST(15 * power(2, LEAST(tries - 1, 6)), 300))
 WHERE id = %(ring)s AND lease = %(lease)s AND state = 'sending'
"""


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """One ring that this worker holds, with all its sending needs; `uid` is the same at every try of an alert."""

    ring_id: int
    uid: str
    method: str
    address: str
    text: str


def words(alert: OnCallAlert) -> str:
    """Return all that is ever said outside of an alert."""
    return f"Test {alert.code}: nothing waits" if alert.why == TEST else f"Urgent item {alert.code} waiting"


def claim(lease: uuid.UUID, *, most: int = BATCH) -> list[Claimed]:
    """Lease the rings that are due, also those whose worker died; drop those that nobody needs any more."""
    with connection.cursor() as cursor:
        cursor.execute(_OVER)
        cursor.execute(_CLAIM, [most, lease, LEASE_SECONDS])
        ids = [row[0] for row in cursor.fetchall()]
    rows = OnCallRing.objects.select_related("alert", "route").filter(pk__in=ids).order_by("pk")
    return [
        Claimed(
            ring_id=row.pk,
            uid=f"{row.alert.uid}-{row.route_id}-{row.step}",
            method=row.route.method,
            address=row.route.address,
            text=words(row.alert),
        )
        for row in rows
    ]


def finish(lease: uuid.UUID, ring_id: int, *, error: str = "") -> None:
    """Write how a try ended, if it is still ours: delivered, or due again after 15 s, doubling up to 5 minutes."""
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, {"error": error[:80], "most": MOST_TRIES, "ring": ring_id, "lease": lease})
