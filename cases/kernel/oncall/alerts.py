"""Something urgent waits for a team: its people are rung in order until one of them says that they have it.

Raised inside the act that makes it urgent, so that neither is without the other; sending is not done here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from uuid import UUID

from django.contrib.postgres.functions import TransactionNow
from django.db import transaction
from django.db.models import Max, Q, QuerySet

from cases.kernel import calendars, locks, policy, record
from cases.kernel.actors import Actor, system
from cases.kernel.errors import NotAllowed, NotVisible
from cases.kernel.models import Case, OnCallAlert, OnCallRing, OnCallRoute, Team
from cases.ledger import api as ledger

__all__ = [
    "ESCALATES_AFTER",
    "TEST",
    "acknowledge",
    "answered_by",
    "end",
    "escalate",
    "install_doorbell",
    "may_answer",
    "open_alerts",
    "ring",
    "ring_team",
    "ring_tests",
]

ESCALATES_AFTER = timedelta(minutes=5)
TEST = "test"
# London time, after which the day's test page is sent: somebody is at their desk to look why it did not come.
TESTED_FROM = time(9, 30)
_doorbells: list[Callable[[], None]] = []
_answered_by: dict[str, Callable[[Actor], bool]] = {}


def answered_by(why: str, may: Callable[[Actor], bool]) -> None:
    """Say who of a team can see to what rings for no case. Called while modules load."""
    _answered_by[why] = may


def may_answer(actor: Actor, alert: OnCallAlert) -> bool:
    """Say whether somebody of the team can say that they have it: whoever cannot see to it would silence it for all who
    can. The test page of the day proves that the ring came: whoever reads the page answers that."""
    if alert.why == TEST:
        return policy.can(actor, "view_on_call").is_allowed
    if alert.case_id is None and alert.why in _answered_by:
        return _answered_by[alert.why](actor)
    return policy.can(actor, "answer_on_call").is_allowed


def install_doorbell(ring_bell: Callable[[], None]) -> None:
    """Name what is called after something urgent came in. It only saves waiting for the next round."""
    _doorbells[:] = [ring_bell]


def ring(case: Case, *, why: str, at: datetime) -> OnCallAlert:
    """Have the people on call of the case's team rung, inside the current ledger action; `why` is a code.

    Writes the alert and a ring of the first address. Once for a case and cause, until it is acknowledged.
    """
    known = OnCallAlert.objects.filter(case=case, why=why, acknowledged_at=None).first()
    if known is not None:
        return known
    alert = OnCallAlert.objects.create(team_id=case.team_id, case=case, why=why, raised_at=at)
    _step(alert, 1, at=at)
    for bell in _doorbells:
        transaction.on_commit(bell, robust=True)
    return alert


def ring_team(team: Team, *, why: str, at: datetime) -> OnCallAlert:
    """Have a team's people on call rung for what is no case, inside the current ledger action. Each call rings anew."""
    alert = OnCallAlert.objects.create(team=team, why=why, raised_at=at)
    _step(alert, 1, at=at)
    for bell in _doorbells:
        transaction.on_commit(bell, robust=True)
    return alert


def end(why: str, *, at: datetime) -> None:
    """Ring no more for what is no case and is settled, inside the current ledger action."""
    for alert in OnCallAlert.objects.filter(case=None, why=why, acknowledged_at=None):
        alert.acknowledged_at = at
        alert.save(update_fields=["acknowledged_at"])


def _step(alert: OnCallAlert, step: int, *, at: datetime) -> None:
    """Ring as many addresses as there were steps, in their order; a test rings all. Where an earlier ring of an address
    has not gone out yet, it is not promised twice."""
    routes = list(OnCallRoute.objects.filter(team_id=alert.team_id, ended_at=None).order_by("position"))
    waiting = OnCallRing.objects.filter(alert=alert, state__in=["pending", "sending"]).values_list(
        "route_id", flat=True
    )
    busy = set(waiting)
    rung = routes if alert.why == TEST else routes[:step]
    OnCallRing.objects.bulk_create(
        OnCallRing(alert=alert, route=route, step=step, stepped_at=at, due_at=TransactionNow())
        for route in rung
        if route.pk not in busy
    )


def _unanswered() -> QuerySet[OnCallAlert]:
    """Return the alerts that still ring: nobody has them, and the case they are about, if any, is open."""
    open_ones = Q(case=None) | Q(case__is_closed=False)
    return OnCallAlert.objects.filter(open_ones, acknowledged_at=None).exclude(why=TEST)


def escalate(*, now: datetime) -> int:
    """Ring again, and one address more, for each alert that nobody has acknowledged for five minutes. Returns how
    many. Locks each alert; a worker that is killed in between has promised nothing."""
    found = _unanswered().annotate(last=Max("rings__stepped_at"))
    due = found.filter(Q(last=None, raised_at__lte=now - ESCALATES_AFTER) | Q(last__lte=now - ESCALATES_AFTER))
    done = 0
    for pk in due.values_list("pk", flat=True):
        with transaction.atomic():
            alert = _unanswered().select_for_update(of=("self",), skip_locked=True).filter(pk=pk).first()
            if alert is None:
                continue
            last = alert.rings.aggregate(step=Max("step"), at=Max("stepped_at"))
            if (last["at"] or alert.raised_at) > now - ESCALATES_AFTER:
                continue
            _step(alert, (last["step"] or 0) + 1, at=now)
            done += 1
    return done


def ring_tests(*, now: datetime) -> int:
    """Send the test page of the day to every address of every team that has a route, once a day. Returns how many
    teams."""
    local = now.astimezone(calendars.LONDON)
    if local.time() < TESTED_FROM:
        return 0
    today = local.date()
    teams = Team.objects.filter(pk__in=OnCallRoute.objects.filter(ended_at=None).values("team"))
    tested = OnCallAlert.objects.filter(test_date=today).values("team")
    done = 0
    for team in teams.exclude(pk__in=tested):
        done += _test(team, now=now)
    return done


@transaction.atomic
def _test(team: Team, *, now: datetime) -> int:
    Team.objects.select_for_update().get(pk=team.pk)
    today = calendars.london_date(now)
    if OnCallAlert.objects.filter(team=team, test_date=today).exists():
        return 0
    actor = system("on_call")
    with ledger.action(team.uid, "on_call.tested", actor=actor.label, at=now, detail={"team": team.code}):
        alert = OnCallAlert.objects.create(team=team, why=TEST, test_date=today, raised_at=now)
        _step(alert, 1, at=now)
    return 1


def open_alerts(actor: Actor) -> QuerySet[OnCallAlert]:
    """Return what rings for the teams of this person and of what they may know, oldest first, the day's test too."""
    mine = OnCallAlert.objects.filter(team_id__in=actor.team_ids, acknowledged_at=None)
    known = Q(case__in=policy.visible_to(actor), case__is_closed=False) | Q(case=None)
    return mine.filter(known).select_related("case", "team").order_by("raised_at", "pk")


def acknowledge(
    uid: UUID, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None
) -> tuple[OnCallAlert, bool]:
    """Record that this person has it; nobody is rung for it any more. Returns whether it was they: a second click, of
    anybody, changes nothing.

    Locks the case, or the team of a test; writes one event. Raises NotAllowed for whoever cannot see to it, and
    NotVisible for whoever is not of the team or may not know of the case.
    """
    policy.require(actor, "view_on_call")
    known = OnCallAlert.objects.filter(uid=uid, team_id__in=actor.team_ids).select_related("team").first()
    if known is None:
        raise NotVisible
    if not may_answer(actor, known):
        raise NotAllowed("Somebody of the team who can see to it answers.")
    with transaction.atomic():
        case = locks.case_for_update(known.case_id) if known.case_id else None
        if case is not None and not policy.can(actor, "view", case=case).is_allowed:
            raise NotVisible
        row = OnCallAlert.objects.select_for_update(of=("self",)).get(pk=known.pk)
        if row.acknowledged_at is not None:
            return row, False
        detail = {"alert": row.code, "why": row.why}
        with (
            record.act(case, "case.on_call_acknowledged", actor=actor, at=at, request=request, detail=detail)
            if case is not None
            else ledger.action(
                known.team.uid,
                "on_call.acknowledged",
                actor=actor.label,
                at=at,
                detail=detail,
                request=request,
                source=actor.source,
            )
        ):
            row.acknowledged_at, row.acknowledged_by_id = at, actor.user_id
            row.save(update_fields=["acknowledged_at", "acknowledged_by"])
        OnCallRing.objects.filter(alert=row, state="pending").update(state="dropped")
    return row, True
