"""The register of requests by authority and period, and the export from which inspectors audit in reverse: each
request, when it came, what became of it, how long that took and what went wrong.

What is for the interception unit stands in neither, and nobody whose data was asked for is named. Days are London's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Prefetch

from cases.disclosure import codes, periods
from cases.disclosure.dataitems import label
from cases.disclosure.models import DisclosureError, DisclosureRequest, PackagePart
from cases.disclosure.statistics import ENDS, OUTCOMES
from cases.kernel import calendars, notice, policy
from cases.kernel.actors import Actor
from cases.kernel.models import Agency, Clock
from cases.kernel.outputs import datacategories
from cases.ledger import reads, sealing

__all__ = ["INSPECTION", "KIND", "MOST_LINES", "REGISTER", "Line", "authorities", "inspection", "lines", "table"]

KIND = "le_disclosure"
# More than this is not handed out as one file.
MOST_LINES = 100
REGISTER, INSPECTION = "disclosure_register", "ipco_reverse_audit"
_SHARED = (
    *("authority", "reference", "kind_of_request", "ground", "received_at", "outcome", "answered_at"),
    *("turnaround_minutes", "items_given", "rows_given", "errors_recordable", "errors_reportable"),
)
_INSPECTED = (
    *("urn", "purpose", "grade", "granted_date", "items_asked", "items_refused", "reason_refused", "oral_given_at"),
    *("written_at", "received_by_them_at", "cancelled_at", "package_sha256", "faults"),
)
datacategories.declare(REGISTER, dict.fromkeys(_SHARED, "request"))
datacategories.declare(INSPECTION, dict.fromkeys((*_SHARED, *_INSPECTED), "request"))
_TYPES = dict(codes.TYPES)
LATER = ", cancelled afterwards"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One request. `answered_at` is when data was given, or the request refused or cancelled; times are aware UTC."""

    facts: DisclosureRequest
    authority: str
    kind: str
    ground: str
    outcome: str
    answered_at: datetime | None
    parts: Sequence[PackagePart]
    errors: Counter[str]
    faults: Sequence[str]

    @property
    def minutes(self) -> int | None:
        """How long the answer took, in whole minutes since the request came."""
        if self.answered_at is None:
            return None
        return int((self.answered_at - self.facts.case.opened_at).total_seconds() // 60)

    @property
    def took(self) -> str:
        """How long the answer took, in days, hours and minutes; nothing where there is none yet."""
        if self.minutes is None:
            return ""
        hours, minutes = divmod(self.minutes, 60)
        days, hours = divmod(hours, 24)
        counted = [(days, "d"), (hours, "h"), (minutes, "min")]
        return " ".join(f"{count} {unit}" for count, unit in counted if count) or "0 min"

    @property
    def rows(self) -> int:
        """How many rows were given that a machine can read."""
        return sum(part.row_count or 0 for part in self.parts)

    @property
    def items(self) -> list[str]:
        """The items that were given."""
        return sorted({label(part.item) for part in self.parts})


def authorities() -> dict[str, str]:
    """Return code and name of every authority in the register of agencies, by name. One query."""
    return dict(Agency.objects.filter(kind="lea").order_by("display_name").values_list("code", "display_name"))


def lines(
    actor: Actor, since: date, until: date, *, authority: str = "", names: dict[str, str] | None = None
) -> list[Line]:
    """Return the requests of one authority, or of all, that came between two London days, both included, oldest first:
    those that the actor may see. Four queries, and one more for the names unless they are given; opens nothing."""
    known = authorities() if names is None else names
    rows = (
        DisclosureRequest.objects.filter(
            case__in=policy.visible_to(actor).filter(kind=KIND),
            case__opened_at__gte=_midnight_before(since),
            case__opened_at__lt=_midnight_before(until + timedelta(days=1)),
        )
        .exclude(request_type=codes.INTERCEPTION)
        .exclude(case__state__in=("void", "merged"))
        .select_related("case", "key")
        .prefetch_related(
            Prefetch("case__package_parts", PackagePart.objects.filter(is_removed=False).order_by("number")),
            Prefetch(
                "case__clocks", Clock.objects.filter(rule__in=periods.GRADE_CLOCKS.values(), ended_at__isnull=False)
            ),
            Prefetch("case__disclosure_errors", DisclosureError.objects.order_by("number")),
        )
        .order_by("case__opened_at", "case_id")
    )
    return [_line(each, known) for each in (rows.filter(authority_code=authority) if authority else rows)]


def _midnight_before(day: date) -> datetime:
    return calendars.end_of_day(day - timedelta(days=1)) + timedelta(seconds=1)


def _line(facts: DisclosureRequest, names: dict[str, str]) -> Line:
    case, errors = facts.case, list(facts.case.disclosure_errors.all())
    outcome = "given" if facts.released_at else ENDS.get(case.state, "open")
    ended = (
        [clock.ended_at for clock in case.clocks.all() if clock.ended_at] if outcome in {"refused", "cancelled"} else []
    )
    ground = notice.GATEWAYS.get(facts.gateway)
    return Line(
        facts=facts,
        authority=names.get(facts.authority_code) or facts.authority_code or "Not said",
        kind=_TYPES.get(facts.request_type, facts.request_type),
        ground=ground.label if ground else "Not said",
        outcome=f"{OUTCOMES[outcome]}{LATER}" if facts.released_at and facts.cancelled_at else OUTCOMES[outcome],
        answered_at=facts.released_at or facts.cancelled_at or max(ended, default=None),
        parts=list(case.package_parts.all()) if facts.released_at else [],
        errors=Counter(each.kind or "under_review" for each in errors),
        faults=[codes.FAULT_LABELS.get(each.fault, each.fault) for each in errors],
    )


def table(found: Sequence[Line], *, reader: reads.Reader, at: datetime) -> Iterator[list[str]]:
    """Return the register as rows of a file, the first of which names the columns. Writes one access row."""
    reads.record_read(reader, at=at, result_count=len(found))
    yield datacategories.columns(REGISTER)
    for line in found:
        yield _shared(line)


def inspection(found: Sequence[Line], *, reader: reads.Reader, at: datetime) -> Iterator[list[str]]:
    """Return the export for inspectors as rows of a file, the first of which names the columns. Opens the authority's
    own number of each request, with its access row."""
    opened = sealing.open_rows([line.facts for line in found], ("urn",), reader=reader, at=at)
    yield datacategories.columns(INSPECTION)
    purposes, refusals = dict(codes.PURPOSES), dict(codes.REFUSALS)
    for line, plain in zip(found, opened, strict=True):
        facts = line.facts
        yield [
            *_shared(line),
            plain["urn"] or "",
            purposes.get(facts.purpose, ""),
            str(facts.grade),
            facts.granted_date.isoformat() if facts.granted_date else "",
            "; ".join(label(each) for each in facts.items),
            "; ".join(label(each) for each in sorted(facts.refused_items)),
            refusals.get(facts.refusal_code, ""),
            _time(facts.oral_given_at),
            _time(facts.written_at),
            _time(facts.receipted_at),
            _time(facts.cancelled_at),
            facts.package_sha256,
            "; ".join(line.faults),
        ]


def _shared(line: Line) -> list[str]:
    return [
        line.authority,
        line.facts.case.reference,
        line.kind,
        line.ground,
        _time(line.facts.case.opened_at),
        line.outcome,
        _time(line.answered_at),
        "" if line.minutes is None else str(line.minutes),
        "; ".join(line.items),
        str(line.rows),
        str(line.errors["recordable"]),
        str(line.errors["reportable"]),
    ]


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""
