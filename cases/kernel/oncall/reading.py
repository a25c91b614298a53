"""What pages show of who is on call. It never writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q, QuerySet

from cases.kernel import casetypes, policy
from cases.kernel.actors import Actor
from cases.kernel.models import OnCallAlert, OnCallRoute, Team
from cases.kernel.oncall import alerts

__all__ = ["Alert", "TestState", "routes", "state_of_tests", "tests", "waiting"]

WHY = {
    "grade_one": "A request of the first grade",
    "urgent_oral": "An urgent request by word of mouth",
    "emergency_follow_up": "An emergency goes on by the urgent route",
    "shut_out": "A colleague was shut out for a day, and nobody has decided",
    alerts.TEST: "Test page of the day",
}
# A test page has come a day ago or less; its rings have a few tries, people an hour.
SILENT_AFTER = timedelta(hours=26)
DELIVERED_WITHIN = timedelta(minutes=5)
ANSWERED_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert as its people see it: how many addresses were rung, what went wrong last, and whether the reader can
    say that they have it."""

    row: OnCallAlert
    why: str
    rung: int
    delivered: int
    error: str
    may_answer: bool = False


@dataclass(frozen=True, kw_only=True)
class TestState:
    """How the newest test page of every team fared: of no team is said which it was."""

    word: str
    is_well: bool | None
    tested_at: datetime | None = None


def _shown(rows: QuerySet[OnCallAlert], actor: Actor) -> list[Alert]:
    told = rows.annotate(
        rung=Count("rings"),
        delivered=Count("rings", filter=Q(rings__state="delivered")),
        error=Max("rings__error", filter=~Q(rings__state="delivered")),
    )
    return [
        Alert(
            row=row,
            why=WHY.get(row.why, row.why),
            rung=row.rung,
            delivered=row.delivered,
            error=row.error or "",
            may_answer=alerts.may_answer(actor, row),
        )
        for row in told
    ]


def waiting(actor: Actor) -> list[Alert]:
    """Return what rings for this person's teams, oldest first. One query, and one for each that is about no case."""
    return _shown(alerts.open_alerts(actor), actor)


def tests(actor: Actor) -> list[Alert]:
    """Return the last test pages of this person's teams, newest first. One query."""
    rows = OnCallAlert.objects.filter(team_id__in=actor.team_ids, why=alerts.TEST).exclude(acknowledged_at=None)
    return _shown(rows.select_related("team", "acknowledged_by").order_by("-raised_at", "-pk"), actor)[:10]


def routes(actor: Actor) -> list[OnCallRoute]:
    """Return who is rung, in order: of one's own teams; for whoever manages people or oversees changes, of all."""
    rows = OnCallRoute.objects.filter(ended_at=None).select_related("team")
    if not (policy.can(actor, "manage_people").is_allowed or policy.can(actor, "oversee_changes").is_allowed):
        rows = rows.filter(team_id__in=actor.team_ids)
    return list(rows.order_by("team__name", "position"))


def state_of_tests(*, now: datetime) -> TestState:
    """Return how the test pages fared, the worst of all teams that have a route, once no team that is rung is without
    one. Three queries."""
    teams = Team.objects.filter(pk__in=OnCallRoute.objects.filter(ended_at=None).values("team")).count()
    if not teams:
        return TestState(word="Not set up", is_well=None)
    rung = {each.team for each in casetypes.all_types() if each.is_rung}
    with_route = OnCallRoute.objects.filter(ended_at=None).values("team")
    if Team.objects.filter(code__in=rung).exclude(pk__in=with_route).exists():
        return TestState(word="A team that is rung at night has no address", is_well=False)
    newest = OnCallAlert.objects.filter(why=alerts.TEST, raised_at__gt=now - SILENT_AFTER)
    rows = newest.filter(team__in=OnCallRoute.objects.filter(ended_at=None).values("team")).annotate(
        away=Count("rings", filter=~Q(rings__state__in=["delivered", "dropped"]))
    )
    found = {row.team_id: row for row in rows.order_by("raised_at", "pk")}
    at = max((row.raised_at for row in found.values()), default=None)
    if len(found) < teams:
        return TestState(word="No test page came", is_well=False, tested_at=at)
    if any(row.away and row.raised_at < now - DELIVERED_WITHIN for row in found.values()):
        return TestState(word="A test page was not delivered", is_well=False, tested_at=at)
    if any(row.acknowledged_at is None and row.raised_at < now - ANSWERED_WITHIN for row in found.values()):
        return TestState(word="Nobody answered a test page", is_well=False, tested_at=at)
    return TestState(word="In order", is_well=True, tested_at=at)
