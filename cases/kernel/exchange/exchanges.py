"""What is exchanged with each agency, as much of it as one person may know. Reads only.

Rows of a case are shown to whoever may know of the case. Whoever keeps the directory going sees the rows of other open
cases too, without the case. Of an agency that only restricted kinds use, everybody else learns whether it is up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery

from cases.kernel import casetypes, policy
from cases.kernel.actors import Actor
from cases.kernel.errors import NotVisible
from cases.kernel.exchange import deadletters
from cases.kernel.models import (
    Agency,
    BatchFile,
    Callback,
    Case,
    Channel,
    ChannelKey,
    DeliveryAttempt,
    OutboxMessage,
    PartnerKey,
    Team,
)

__all__ = [
    "NOT_FOR_A_DAY",
    "OPERATE",
    "TO_REVIEW",
    "Listed",
    "callbacks_of",
    "candidates",
    "closed_kinds",
    "files_of",
    "get",
    "is_closed_to",
    "listed",
    "live_keys",
    "may_know",
    "messages_of",
    "public_keys",
    "restricted_kinds",
    "scope",
    "stuck_for",
    "waits_for_people",
]

OPERATE = "operate_agencies"
REVIEWED = ("unmatched", "failed")
NOT_FOR_A_DAY = "not_applied_for_a_day"
# What people decide about: also what nothing can be done with for the time being, while it is tried again.
TO_REVIEW = Q(state__in=REVIEWED) | Q(state="received", reason=NOT_FOR_A_DAY)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One agency of the register. `is_closed`: of it this person learns only whether it is up. `channels`: each way in
    which it is sent anything; `channel` is the first that is paused, else the first."""

    agency: Agency
    is_closed: bool
    is_up: bool
    channels: tuple[Channel, ...]
    channel: Channel | None
    has_stuck: bool = False


def _kinds(*, is_restricted: bool) -> set[str]:
    types = [each for each in casetypes.all_types() if each.is_restricted == is_restricted]
    return set(chain.from_iterable(each.agency_kinds for each in types))


def restricted_kinds() -> set[str]:
    """Return the kinds of agency that only restricted kinds of case use."""
    return _kinds(is_restricted=True) - _kinds(is_restricted=False)


def closed_kinds(actor: Actor) -> set[str]:
    """Return the kinds of agency that only restricted kinds use and of which the actor works in no compartment.

    One query.
    """
    seats = actor.team_ids | actor.granted_team_ids
    teams = set(Team.objects.filter(pk__in=seats, is_restricted=True).values_list("code", flat=True))
    mine = [
        each.agency_kinds
        for each in casetypes.all_types()
        if each.is_restricted and each.team in teams and policy.can(actor, "view", kind=each.code).is_allowed
    ]
    return restricted_kinds() - set(chain.from_iterable(mine))


def is_closed_to(actor: Actor, agency: Agency) -> bool:
    """Say whether the actor may learn of this agency only whether it is up. One query."""
    return agency.kind in closed_kinds(actor)


def scope(actor: Actor) -> Q:
    """Return the filter on rows with a case. Nobody sees a row of a restricted case but by sight of the case."""
    seen = Q(case__in=policy.visible_to(actor))
    if policy.can(actor, OPERATE).is_allowed:
        seen |= Q(case__is_restricted=False) | Q(case=None)
    return seen


def _register() -> QuerySet[Agency]:
    out = Channel.objects.filter(direction="out").exclude(state="disabled").select_related("health").order_by("pk")
    rows = Agency.objects.select_related("terms", "refused_calls").order_by("display_name", "pk")
    return rows.prefetch_related(Prefetch("channels", out, to_attr="outward"))


def _listed(agency: Agency, closed: set[str], *, at: datetime) -> Listed:
    channels: tuple[Channel, ...] = tuple(agency.outward)  # type: ignore[attr-defined]  # -- prefetched
    return Listed(
        agency=agency,
        is_closed=agency.kind in closed,
        is_up=agency.is_active and all(_is_up(channel, at=at) for channel in channels),
        channels=channels,
        channel=next((channel for channel in channels if channel.state == "paused"), next(iter(channels), None)),
        has_stuck=bool(getattr(agency, "has_stuck", False)),
    )


def _is_up(channel: Channel, *, at: datetime) -> bool:
    opens = channel.health.circuit_open_until
    return channel.state == "active" and not channel.health.pause_reason and (opens is None or opens <= at)


def listed(actor: Actor, *, at: datetime) -> list[Listed]:
    """Return the whole register. Three queries. Raises NotAllowed."""
    policy.require(actor, "view_agencies")
    stuck = OutboxMessage.objects.filter(scope(actor), channel__agency=OuterRef("pk"), state__in=deadletters.STATES)
    closed = closed_kinds(actor)
    return [_listed(each, closed, at=at) for each in _register().annotate(has_stuck=Exists(stuck))]


def get(actor: Actor, code: str, *, at: datetime) -> Listed:
    """Return one agency of the register. Raises NotAllowed, NotVisible for a code that names none."""
    policy.require(actor, "view_agencies")
    found = _register().filter(code=code).first()
    if found is None:
        raise NotVisible
    return _listed(found, closed_kinds(actor), at=at)


def live_keys(agency: Agency, *, at: datetime) -> list[ChannelKey]:
    """Return the keys of an agency that count now or ended within the last month, newest first, without secrets."""
    rows = ChannelKey.objects.filter(channel__agency=agency).filter(Q(revoked_at=None) | Q(revoked_at__gt=at))
    return list(rows.select_related("channel").defer("secret").order_by("channel__direction", "-active_from", "-pk"))


def messages_of(actor: Actor, agency: Agency, *, is_stuck: bool = False) -> QuerySet[OutboxMessage]:
    """Return what was promised to an agency, each with its latest try; unordered."""
    latest = DeliveryAttempt.objects.filter(message=OuterRef("pk")).order_by("-number")
    rows = OutboxMessage.objects.filter(scope(actor), channel__agency=agency).select_related("case")
    rows = rows.filter(state__in=deadletters.STATES) if is_stuck else rows
    return rows.annotate(
        last_status=Subquery(latest.values("http_status")[:1]),
        last_error=Subquery(latest.values("error")[:1]),
        last_outcome=Subquery(latest.values("outcome")[:1]),
        last_at=Subquery(latest.values("started_at")[:1]),
    )


def files_of(agency: Agency) -> QuerySet[BatchFile]:
    """Return the files exchanged with an agency, but for those of a restricted case; unordered. They name nobody."""
    free = Q(message=None) | Q(message__case=None) | Q(message__case__is_restricted=False)
    found = BatchFile.objects.filter(free, channel__agency=agency).select_related("message", "answers", "key")
    return found.defer("sealed_bytes", "key__wrapped")


def public_keys(agency: Agency, *, at: datetime) -> list[PartnerKey]:
    """Return the public keys of an agency that count now, newest first."""
    live = Q(revoked_at=None) | Q(revoked_at__gt=at)
    return list(PartnerKey.objects.filter(live, agency=agency, active_from__lte=at).order_by("kind", "-active_from"))


def stuck_for(actor: Actor) -> QuerySet[OutboxMessage]:
    """Return every stuck message this person may know of, with case and agency; unordered."""
    rows = deadletters.stuck().filter(scope(actor)).exclude(channel__agency__kind__in=closed_kinds(actor))
    latest = DeliveryAttempt.objects.filter(message=OuterRef("pk")).order_by("-number")
    return rows.annotate(
        last_status=Subquery(latest.values("http_status")[:1]),
        last_error=Subquery(latest.values("error")[:1]),
    )


def callbacks_of(actor: Actor, agency: Agency, *, is_review: bool = False) -> QuerySet[Callback]:
    """Return what an agency told us: of cases this person may know of, and what matched none; unordered."""
    rows = Callback.objects.filter(scope(actor) | Q(case=None), agency=agency).select_related("case")
    return rows.filter(TO_REVIEW) if is_review else rows


def waits_for_people(row: Callback) -> bool:
    """Say of a callback what TO_REVIEW asks of all."""
    return row.state in REVIEWED or (row.state == "received" and row.reason == NOT_FOR_A_DAY)


def candidates(actor: Actor, agency: Agency, callbacks: Iterable[Callback]) -> dict[str, list[Case]]:
    """Return, for each reference of the agency's that several cases share, those of them the actor may know of, by
    reference of ours. None is the first choice. One query; none where nothing is shared."""
    shared = {row.agency_reference for row in callbacks if row.reason == "shared_reference" and row.case_id is None}
    if not shared:
        return {}
    told = OutboxMessage.objects.filter(channel__agency=agency, agency_reference__in=shared)
    rows = told.filter(case__in=policy.visible_to(actor)).values_list("agency_reference", "case_id").distinct()
    named: dict[str, list[Case]] = {}
    cases = Case.objects.in_bulk({case_id for _, case_id in rows})
    for reference, case_id in sorted(rows, key=lambda row: (row[0], cases[row[1]].reference)):
        named.setdefault(reference, []).append(cases[case_id])
    return named


def may_know(actor: Actor, cases: set[int]) -> set[int]:
    """Return which of these cases the actor may know of. One query."""
    return set(policy.visible_to(actor).filter(pk__in=cases).values_list("pk", flat=True)) if cases else set()
