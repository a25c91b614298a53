"""How well an agency keeps the periods in which it owes us answers, month by month. Restricted cases are not counted:
a count would tell of them. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import Case, Count, When
from django.db.models.functions import TruncDate

from cases.kernel.calendars import LONDON
from cases.kernel.exchange import answers
from cases.kernel.models import Agency, OutboxMessage

__all__ = ["Month", "months", "told"]

SHOWN_MONTHS = 12
# A refusal is the agency's answer, and came with the delivery.
_ANSWERED = Case(When(state="refused", then="delivered_at"), default="acknowledged_at")


@dataclass(frozen=True, kw_only=True)
class Month:
    """What was delivered in one London month and is owed an answer, by what became of it."""

    first: date
    within: int = 0
    after: int = 0
    late: int = 0
    waiting: int = 0

    @property
    def owed(self) -> int:
        return self.within + self.after + self.late + self.waiting

    @property
    def sentence(self) -> str:
        """The month in words, for whoever does not read tables."""
        decided = self.within + self.after + self.late
        words = f"{self.first:%B %Y}: {self.within} of {decided} answered in time" if decided else f"{self.first:%B %Y}"
        more = [
            f"{count} {label}"
            for count, label in ((self.after, "answered late"), (self.late, "late and not answered"))
            if count
        ]
        more += [f"{self.waiting} still in time"] if self.waiting else []
        return f"{words}{', ' if decided and more else ': ' if more else ''}{', '.join(more)}."


def months(agency: Agency, *, today: date) -> list[Month]:
    """Return the last twelve months in which something was owed an answer, newest first. Three queries."""
    since = datetime.combine(_months_before(today, SHOWN_MONTHS - 1), time(0), tzinfo=LONDON)
    rows = (
        OutboxMessage.objects.filter(
            channel__agency=agency, kind__in=answers.owed(), delivered_at__gte=since, case__is_restricted=False
        )
        .annotate(arrived=TruncDate("delivered_at", tzinfo=LONDON), answered=TruncDate(_ANSWERED, tzinfo=LONDON))
        .values_list("kind", "arrived", "answered")
        .annotate(count=Count("pk"))
    )
    periods = answers.Periods()
    found: dict[date, dict[str, int]] = {}
    for kind, arrived, answered, count in rows:
        last = periods.last_day(kind, delivered=arrived)
        if last is not None:
            counts = found.setdefault(arrived.replace(day=1), {})
            name = _became(answered, last, today)
            counts[name] = counts.get(name, 0) + count
    return [Month(first=first, **found[first]) for first in sorted(found, reverse=True)]


def _became(answered: date | None, last: date, today: date) -> str:
    if answered is not None:
        return "within" if answered <= last else "after"
    return "late" if today > last else "waiting"


def _months_before(day: date, count: int) -> date:
    month = day.year * 12 + day.month - 1 - count
    return date(month // 12, month % 12 + 1, 1)


def told(rows: Sequence[Month]) -> str:
    """Return all of it in one sentence."""
    within, after, late = (sum(getattr(row, name) for row in rows) for name in ("within", "after", "late"))
    decided = within + after + late
    if not decided:
        return "Nothing that is owed an answer has come due."
    return f"{within} of {decided} answers came in time ({round(100 * within / decided)} %)."
