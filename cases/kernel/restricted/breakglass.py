"""Breaking the glass: an emergency look at one case of another team, for thirty minutes, alerted and reviewed.

Never a restricted kind: those have no row for it in the policy table, so to everybody else they do not exist.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from cases.kernel import calendars, casetypes, intake, locks, policy, record, tasks
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.models import BreakGlass, Case, Task, Team
from cases.ledger import api as ledger
from cases.ledger import sealing, security
from cases.ledger.models import AccessEvent

__all__ = [
    "LASTS",
    "OUTCOMES",
    "GlassRefused",
    "alerts",
    "break_glass",
    "close",
    "may_break",
    "of_person",
    "open_reason",
    "review",
    "reviews",
    "used_for",
]

LASTS = timedelta(minutes=30)
REVIEW_DAYS = 2
KEPT_FROM = timedelta(days=30)
SHORTEST_REASON = 20
REVIEW = "break_glass_review"
JUSTIFIED = "justified"
OUTCOMES = {JUSTIFIED: "Justified", "not_justified": "Not justified"}
ALERTS_SHOWN = timedelta(days=30)
tasks.declare({REVIEW: "Review a use of break-glass"})


class GlassRefused(CaseError):
    """The glass cannot be broken by this person, or not for this; the answer never says whether a case exists."""


def _person(actor: Actor) -> int:
    return actor.user_id or 0


def may_break(actor: Actor) -> bool:
    """Say whether this person may break the glass of any kind of case."""
    return bool(policy.kinds(actor, policy.BREAK_GLASS))


def break_glass(
    reference: str, *, reason: str, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None
) -> BreakGlass:
    """Open one case to one person for thirty minutes.

    Locks the case; writes one event of its stream, the row, a review task due in two working days and one line of
    the security log that names the alert alone. Raises GlassRefused: without a reason, while an earlier use waits for
    its review too long, for thirty days after one was found not justified, for a case in plain sight, and, in the same
    words, for one that does not exist.
    """
    if not may_break(actor):
        raise GlassRefused("Your roles do not let you break the glass.")
    if len(reason.strip()) < SHORTEST_REASON:
        raise GlassRefused(f"Say why in at least {SHORTEST_REASON} characters.")
    if is_suspended(actor, at=at):
        raise GlassRefused(
            "An earlier use of yours has not been reviewed in time. Break-glass is suspended until it is."
        )
    if (until := kept_from(actor, at=at)) is not None:
        day = f"{calendars.london_date(until):%-d %B %Y}"
        raise GlassRefused(f"An earlier use of yours was found not justified. Until {day} somebody else opens a case.")
    case = Case.objects.select_related("team").filter(reference__iexact=reference.strip()).first()
    if case is None or not policy.can(actor, policy.BREAK_GLASS, case=case).is_allowed:
        security.note("glass_refused", actor=actor.label, at=at)
        raise GlassRefused("There is no case of that reference that can be opened like this.")
    if policy.can(actor, "view", case=case).is_allowed:
        raise GlassRefused("You can open this case as it is.")
    return _break(case.pk, reason.strip(), actor=actor, at=at, request=request)


def is_suspended(actor: Actor, *, at: datetime) -> bool:
    """Say whether a use by this person was not reviewed in time."""
    return BreakGlass.objects.filter(user_id=_person(actor), reviewed_at=None, review_due_at__lt=at).exists()


def kept_from(actor: Actor, *, at: datetime) -> datetime | None:
    """Return until when this person breaks no glass, since a use of theirs was found not justified; None where none was
    lately."""
    found = BreakGlass.objects.filter(user_id=_person(actor), reviewed_at__gt=at - KEPT_FROM).exclude(outcome=JUSTIFIED)
    last = found.order_by("-reviewed_at").values_list("reviewed_at", flat=True).first()
    return last + KEPT_FROM if last is not None else None


def _review_due(began_at: datetime) -> datetime:
    return calendars.end_of_day(calendars.add_working_days(calendars.london_date(began_at), REVIEW_DAYS))


def waiting() -> QuerySet[BreakGlass]:
    """Return the uses that wait for their review, in the order in which they happened."""
    return BreakGlass.objects.filter(reviewed_at=None).order_by("pk")


@transaction.atomic
def recount(glass_id: int, *, actor: Actor, at: datetime, change: str) -> bool:
    """Count anew until when a use is reviewed, after the calendar of the firm's seat has changed; say if it moved.

    Locks the case; writes one event of its stream, with the row and its task.
    """
    known = BreakGlass.objects.only("case_id").get(pk=glass_id)
    case = locks.case_for_update(known.case_id)
    row = waiting().select_for_update(of=("self",)).filter(pk=glass_id).first()
    due_at = _review_due(row.began_at) if row else None
    if row is None or due_at is None or due_at == row.review_due_at:
        return False
    detail = {"alert": row.alert_reference, "calendar_change": change}
    with record.act(case, "case.glass_review_recounted", actor=actor, at=at, detail=detail):
        row.review_due_at = due_at
        row.save(update_fields=["review_due_at"])
        for task in Task.objects.filter(kind=REVIEW, detail__alert=row.alert_reference, closed_at=None):
            task.due_at = due_at
            task.save(update_fields=["due_at"])
    return True


@transaction.atomic
def _break(case_id: int, reason: str, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None) -> BreakGlass:
    case = locks.case_for_update(case_id)
    running = BreakGlass.objects.filter(case=case, user_id=_person(actor), ends_at__gt=at).first()
    if running is not None:
        return running
    alert = intake.random_reference().replace("R-", "BG-", 1)
    due_at = _review_due(at)
    row = BreakGlass(
        alert_reference=alert,
        case=case,
        user_id=_person(actor),
        key=case.key,
        began_at=at,
        ends_at=at + LASTS,
        review_due_at=due_at,
    )
    detail = {"alert": alert}
    with record.act(case, "case.glass_broken", actor=actor, at=at, reason=reason, request=request, detail=detail):
        sealing.seal(row, {"reason": reason}, key=case.key)
        row.save()
        tasks.raise_task(REVIEW, case=None, at=at, due_at=due_at, alert=alert)
    security.note("glass_broken", actor=actor.label, at=at, alert=alert)
    return row


def close(alert: str, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None) -> BreakGlass:
    """End one's own use before its half hour is over; its review stays due. Locks the case and the row.

    Writes one event of the case's stream with the row. Raises NotAllowed, NotVisible for a use of somebody else, and
    GlassRefused for one that has ended.
    """
    if not may_break(actor):
        raise NotAllowed("Your roles do not let you break the glass.")
    known = BreakGlass.objects.filter(alert_reference=alert, user_id=_person(actor)).only("case_id").first()
    if known is None:
        raise NotVisible
    with transaction.atomic():
        case = locks.case_for_update(known.case_id)
        row = BreakGlass.objects.select_for_update(of=("self",)).get(pk=known.pk)
        if row.ends_at <= at:
            raise GlassRefused("The case is not open to you any more.")
        with record.act(case, "case.glass_closed", actor=actor, at=at, request=request, detail={"alert": alert}):
            row.ends_at = at
            row.save(update_fields=["ends_at"])
        security.note("glass_closed", actor=actor.label, at=at, alert=alert)
    return row


def of_person(actor: Actor) -> list[BreakGlass]:
    """Return what stands open to this person now, with the cases. One query; none for whoever broke nothing."""
    if not actor.opened_case_ids:
        return []
    rows = BreakGlass.objects.filter(user_id=_person(actor), case__in=actor.opened_case_ids).select_related("case")
    latest = {row.case_id: row for row in rows.order_by("ends_at")}
    return list(latest.values())


def alerts(actor: Actor, *, at: datetime) -> list[BreakGlass]:
    """Return the alerts of the last thirty days for whoever leads a team concerned: the case's, or its kind's.

    Their reference and state are all that may be shown. One query; none for whoever leads nothing.
    """
    if not actor.lead_team_ids:
        return []
    led = set(Team.objects.filter(pk__in=actor.lead_team_ids).values_list("code", flat=True))
    kinds = [each.code for each in casetypes.all_types() if each.team in led]
    concerned = Q(case__team_id__in=actor.lead_team_ids) | Q(case__kind__in=kinds)
    rows = BreakGlass.objects.filter(concerned, began_at__gt=at - ALERTS_SHOWN).exclude(user_id=_person(actor))
    return list(rows.defer("reason", "finding").order_by("-began_at", "-pk")[:20])


def reviews(actor: Actor) -> list[BreakGlass]:
    """Return every use, those that wait first, oldest due first. Raises NotAllowed."""
    policy.require(actor, "review_break_glass")
    rows = BreakGlass.objects.select_related("case", "case__team", "user", "reviewed_by")
    waiting = rows.filter(reviewed_at=None).order_by("review_due_at", "pk")
    done = rows.exclude(reviewed_at=None).order_by("-reviewed_at", "-pk")
    return [*waiting[:100], *done[:50]]


def _for_review(alert: str, actor: Actor) -> BreakGlass:
    policy.require(actor, "review_break_glass")
    rows = BreakGlass.objects.select_related("case", "case__team", "case__key", "user", "reviewed_by")
    row = rows.filter(alert_reference=alert).first()
    if row is None:
        raise NotVisible
    return row


def open_reason(
    alert: str, *, actor: Actor, at: datetime, request_id: str = ""
) -> tuple[BreakGlass, dict[str, str | None]]:
    """Return one use with its reason and finding opened; that is on record. Raises NotAllowed, NotVisible."""
    row = _for_review(alert, actor)
    reader = sealing.Reader(
        actor=actor.label, verb="review", purpose=REVIEW, streams=(row.case.uid,), request_id=request_id
    )
    return row, sealing.open_rows([row], ("reason", "finding"), reader=reader, at=at)[0]


def used_for(row: BreakGlass) -> list[AccessEvent]:
    """Return what the person looked at through the broken glass, oldest first. One query."""
    looked = AccessEvent.objects.filter(
        streams__contains=[row.case.uid], actor=f"staff:{row.user_id}", break_glass=True, at__gte=row.began_at
    )
    return list(looked.filter(at__lte=row.ends_at).order_by("at", "id")[:200])


def review(
    alert: str,
    outcome: str,
    *,
    finding: str,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> BreakGlass:
    """Write what the review found, once, and close its task. Locks the case and the row. A use that is found not
    justified ends with that, if it has not ended.

    Raises NotAllowed, NotVisible, and GlassRefused for one's own use, a second review, an outcome without words, or
    one that is found justified while more can be looked at.
    """
    known = _for_review(alert, actor)
    if known.user_id == actor.user_id:
        raise GlassRefused("Another person reviews what you opened.")
    if outcome not in OUTCOMES or not finding.strip():
        raise GlassRefused("Choose what you found and say why.")
    with transaction.atomic():
        case = locks.case_for_update(known.case_id)
        row = BreakGlass.objects.select_for_update(of=("self",)).get(pk=known.pk)
        if row.reviewed_at is not None:
            raise GlassRefused("This use has been reviewed already.")
        if outcome == JUSTIFIED and row.ends_at > at:
            raise GlassRefused(
                f"The case is still open to them, until {row.ends_at.astimezone(calendars.LONDON):%H:%M}. "
                "That it was justified can be said when all that was looked at is known."
            )
        detail = {"alert": alert, "outcome": outcome}
        with record.act(case, "case.glass_reviewed", actor=actor, at=at, request=request, detail=detail):
            row.reviewed_at, row.reviewed_by_id, row.outcome = at, actor.user_id, outcome
            row.ends_at = min(row.ends_at, at)
            sealing.seal(row, {"finding": finding.strip()}, key=case.key)
            row.save(update_fields=["reviewed_at", "reviewed_by", "outcome", "finding", "ends_at"])
            for task in Task.objects.filter(kind=REVIEW, detail__alert=alert, closed_at=None):
                tasks.close(task, actor=actor, at=at, outcome=outcome)
        security.note("glass_reviewed", actor=actor.label, at=at, alert=alert, outcome=outcome)
    return row
