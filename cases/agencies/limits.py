"""How often one caller may call, counted in rows that every web process shares."""

from datetime import datetime, timedelta

from django.db import connection

from cases.kernel.models import RateBucket

WINDOW_SECONDS = 60
_COUNT = """
INSERT INTO cases_ratebucket AS b (name, began_at, count) VALUES (%(name)s, now(), 1)
ON CONFLICT (name) DO UPDATE
   SET count = CASE WHEN b.began_at <= now() - make_interval(secs => %(window)s) THEN 1 ELSE b.count + 1 END,
       began_at = CASE WHEN b.began_at <= now() - make_interval(secs => %(window)s) THEN now() ELSE b.began_at END
RETURNING b.count, ceil(extract(epoch FROM b.began_at + make_interval(secs => %(window)s) - now()))::int
"""

_LEFT = """
SELECT ceil(extract(epoch FROM began_at + make_interval(secs => %(window)s) - now()))::int
  FROM cases_ratebucket WHERE name = %(name)s AND count >= %(most)s
"""


class TooMany(Exception):
    """The caller must wait."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"{retry_after} s")
        self.retry_after = retry_after


def count(name: str, *, most: int, seconds: int = WINDOW_SECONDS) -> int:
    """Count one call in the caller's window, a minute long unless told; return how many it has now. Raises TooMany past
    `most`."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"name": name, "window": seconds})
        calls, wait = cursor.fetchone()
    if calls > most:
        raise TooMany(min(max(int(wait), 1), seconds))
    return int(calls)


def wait_seconds(name: str, *, most: int, seconds: int = WINDOW_SECONDS) -> int:
    """Return in how many seconds a caller may call again; none where it may now. Counts nothing; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, {"name": name, "window": seconds, "most": most})
        row = cursor.fetchone()
    return min(max(int(row[0]), 0), seconds) if row else 0


def forget(*, now: datetime) -> int:
    """Delete the counts of callers not heard of for a day."""
    deleted, _ = RateBucket.objects.filter(began_at__lt=now - timedelta(days=1)).delete()
    return deleted
