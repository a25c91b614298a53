"""How often one caller may call, counted in rows that every web process shares."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import connection

from cases.kernel.models import RateBucket
from cases.kernel.prepared import Statement

WINDOW_SECONDS = 60
_COUNT = """
INSERT INTO cases_ratebucket AS b (name, began_at, count) VALUES (%s, now(), 1)
ON CONFLICT (name) DO UPDATE
   SET count = CASE WHEN b.began_at <= now() - make_interval(secs => %s) THEN 1 ELSE b.count + 1 END,
       began_at = CASE WHEN b.began_at <= now() - make_interval(secs => %s) THEN now() ELSE b.began_at END
RETURNING b.count, ceil(extract(epoch FROM b.began_at + make_interval(secs => %s) - now()))::int AS wait
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


class Counting:
    """The count of one call in its caller's window of some seconds, and one row that is asked with it, of the `columns`
    of what `beside` joins: one statement, planned once for each connection."""

    def __init__(self, seconds: int = WINDOW_SECONDS, *, columns: str = "", beside: str = "") -> None:
        self.seconds = seconds
        asked = beside.count("%s")
        self._statement = Statement(
            f"WITH counted AS ({_COUNT}) SELECT {', '.join(filter(None, ['count', 'wait', columns]))}"  # noqa: S608 -- of fixed text alone
            f" FROM counted {beside}",
            ("", *[seconds] * 3, *[""] * asked),
            (0, *range(4, 4 + asked)),
        )

    def count(self, name: str, *values: Any, most: int) -> tuple[int, tuple[Any, ...]]:
        """Count; return how many calls the window has now, and the row. Raises TooMany past `most`."""
        ((calls, wait, *row),) = self._statement.rows([name, *values])
        if calls > most:
            raise TooMany(min(max(int(wait), 1), self.seconds))
        return int(calls), tuple(row)


_counting = cache(Counting)


def count(name: str, *, most: int, seconds: int = WINDOW_SECONDS) -> int:
    """Count one call in the caller's window, a minute long unless told; return how many it has now. Raises TooMany past
    `most`."""
    calls, _ = _counting(seconds).count(name, most=most)
    return calls


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
