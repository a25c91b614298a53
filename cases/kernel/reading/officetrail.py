"""What was done to the office itself: agencies, people and their rights, changes, rules and documents, work in the
background. Knows no case and opens nothing sealed.

Each area names its acts and the things of it whose acts a reader may know: an act that no area names is told nowhere,
since what agencies send, say, may speak of a case that the reader may not know of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from cases.kernel import casetypes, clocks, notice, policy, retention, roles
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.disposal import disposals
from cases.kernel.exchange import exchanges
from cases.kernel.models import Agency, Disposal
from cases.kernel.office import access, people, proposals
from cases.kernel.timing import rulebook
from cases.ledger.models import LedgerEvent

__all__ = ["AREAS", "Area", "Done", "area_of", "declare", "known", "things_of", "told", "within"]

Detail = Mapping[str, Any]
Rows = QuerySet[Any]


@dataclass(frozen=True, kw_only=True)
class Area:
    """One part of the office. `acts` are its verbs in words; `things` are the rows that carry them, by their uid, as
    far as a reader may know of them, `streams` what carries them without a row. `name` says what was acted on, of a
    row or by the codes of an act without one. `page` shows a row, the address naming `by` of it. `act` is the right to
    know of the area at all.
    """

    code: str
    label: str
    act: str
    acts: Mapping[str, str]
    kind: str = policy.OFFICE
    things: Callable[[Actor], Rows] | None = None
    streams: tuple[UUID, ...] = ()
    name: Callable[[Any, Detail], str] = lambda row, _detail: str(row or "")
    page: str = ""
    by: str = "uid"

    @property
    def named(self) -> Mapping[str, str]:
        """What can be asked for of it: all of it, by its code, and each of its acts."""
        return {self.code: f"All: {self.label.lower()}", **self.acts}


@dataclass(frozen=True, kw_only=True)
class Done:
    """One act on the office: what it was done to, in words and as a row where it is one, and to which person, as the
    ledger labels them."""

    event: LedgerEvent
    area: Area
    name: str = ""
    thing: Any = None
    person: str = ""
    detail: Detail = field(default_factory=dict)


AREAS: dict[str, Area] = {}


def declare(*areas: Area) -> None:
    """Add areas. Called while modules load, beside what is done in them."""
    AREAS.update({each.code: each for each in areas})


def known(actor: Actor) -> list[Area]:
    """Return the areas of which the actor may know. Reads nothing."""
    return [each for each in AREAS.values() if policy.can(actor, each.act, kind=each.kind).is_allowed]


def area_of(verb: str) -> Area | None:
    """Return the area to which an act belongs."""
    return next((each for each in AREAS.values() if verb in each.acts), None)


def things_of(actor: Actor, areas: Iterable[Area], is_meant: Any) -> Q:
    """Return the filter of rows that tell of a thing of these areas: `is_meant` says which it is, from within."""
    found = Q(pk__in=[])
    for each in areas:
        if each.things is not None:
            found |= Q(Exists(each.things(actor).filter(is_meant)))
    return found


def within(actor: Actor, action: str) -> QuerySet[LedgerEvent]:
    """Return the acts on the office of which the actor may know, newest first: all, those of one area, or one act.

    They are found by their verbs, of which the ledger has an index, and put in order then: by their time, among all
    that was ever done to cases, the few of them would be far apart.
    """
    areas = [each for each in known(actor) if action in ("", each.code) or action in each.acts]
    verbs = [verb for each in areas for verb in each.acts if action in ("", each.code, verb)]
    streams = [stream for each in areas for stream in each.streams]
    rows = LedgerEvent.objects.filter(action__in=verbs)
    rows = rows.filter(Q(stream__in=streams) | things_of(actor, areas, Q(uid=OuterRef("stream"))))
    return rows.order_by((F("at") + timedelta()).desc(), "-id")


def told(actor: Actor, events: Iterable[LedgerEvent]) -> list[Done]:
    """Return acts with what each was done to. One query for each area that has things."""
    found = list(events)
    rows = named(actor, {each.stream for each in found})
    done = []
    for event in found:
        area = area_of(event.action or "")
        if area is None:
            continue
        detail = event.content().get("detail", {})
        thing = rows.get(event.stream, (None, None))[1]
        person = f"staff:{detail['user']}" if detail.get("user") else ""
        done.append(
            Done(
                event=event,
                area=area,
                thing=thing,
                name=area.name(thing, detail),
                person=person,
                detail=detail,
            )
        )
    return done


def named(actor: Actor, streams: Iterable[UUID]) -> dict[UUID, tuple[Area, Any]]:
    """Return the things of the office behind these streams, each with its area, as far as the actor may know of them.
    One query for each area that has things."""
    wanted = set(streams)
    return {
        row.uid: (area, row)
        for area in known(actor)
        if area.things is not None
        for row in area.things(actor).filter(uid__in=wanted)
    }


def _person_name(row: Any, detail: Detail) -> str:
    """Return which team's review it is, or the role or team that somebody got or lost."""
    if row is not None:
        return f"{row.team.name if row.team else 'People in no team'}, {row.month:%B %Y}"
    held = [roles.ROLES[code].label for code in (detail.get("role"), *detail.get("roles", ())) if code in roles.ROLES]
    return ", ".join(held) or str(detail.get("team", "")).replace("_", " ").capitalize()


def _rule_name(_row: Any, detail: Detail) -> str:
    """Return which rule or document. An agreement with one agency is not named: of some agencies nobody else knows."""
    rule, document, kept = (str(detail.get(name, "")) for name in ("rule", "document", "class"))
    if rule:
        return clocks.RULES[rule].label if rule in clocks.RULES else rule
    if document:
        need = notice.DOCUMENTS.get(document)
        return need.label if need else "Agreement with an agency"
    return retention.name_of(kept) if kept else ""


def _disposals(actor: Actor) -> Rows:
    kinds = [each.code for each in disposals.kinds_of(actor)]
    return Disposal.objects.filter(kind__in=kinds)


declare(
    Area(
        code="agencies",
        label="Agencies",
        act="view_agencies",
        acts={
            "agency.registered": "Entered an agency",
            "agency.terms": "Entered what was agreed with an agency",
            "agency.transfer": "Entered how data may be sent abroad",
            "agency.key_added": "Made a key",
            "agency.key_shown": "Looked at a key, once",
            "agency.key_revoked": "Ended a key",
            "agency.partner_key_added": "Entered a key of the agency",
            "agency.partner_key_revoked": "Ended a key of the agency",
            "agency.channel_moved": "Changed where messages go",
            "agency.channel_paused": "Stopped sending",
            "agency.channel_resumed": "Went on sending",
        },
        things=lambda actor: Agency.objects.exclude(kind__in=exchanges.closed_kinds(actor)),
        name=lambda row, _detail: row.display_name,
        page="web:agency",
        by="code",
    ),
    Area(
        code="people",
        label="People and rights",
        act="view_people",
        acts={
            "demo.people": "Entered the people of a demonstration",
            "person.added": "Added a person",
            "person.confirmed": "Said that it was they who set up their sign-in",
            "person.deactivated": "Ended somebody's access for good",
            "person.shut_out": "Shut somebody out",
            "person.shut_out_undecided": "Noted that nobody decided whether somebody stays shut out",
            "person.let_in": "Let somebody in again",
            "role.granted": "Gave a role",
            "role.revoked": "Took a role away",
            "team.added": "Added a team",
            "team.changed": "Changed a team",
            "team.joined": "Put somebody in a team",
            "team.left": "Took somebody out of a team",
            "team.standing": "Changed what somebody is in a team",
            "access.review_opened": "Opened a review of rights",
            "access.answered": "Answered for somebody's rights",
            "access.removal_asked": "Asked for a right to be taken away",
            "access.signed": "Signed a review of rights",
        },
        things=access.reviews,
        streams=(people.SYSTEM_STREAM,),
        name=_person_name,
        page="web:access_review",
    ),
    Area(
        code="changes",
        label="Changes of the office",
        act="view_changes",
        acts={
            "office.proposed": "Proposed a change",
            "office.agreed": "Agreed to a change",
            "office.refused": "Refused a change",
            "office.withdrawn": "Took a change back",
            "office.dropped": "Ended a change: a person of it left",
            "office.superseded": "Wanted to agree to a change that was out of date",
        },
        things=lambda actor: proposals.visible_to(actor).select_related("about"),
        name=lambda row, _detail: proposals.title(row),
        page="web:change",
    ),
    Area(
        code="rules",
        label="Rules and documents",
        act="view_rules",
        acts={
            "clock_rules.loaded": "Entered the periods that came with a release",
            "clock_rule.changed": "Changed a period",
            "calendar.changed": "Changed a calendar of working days",
            "retention.loaded": "Entered how long records are kept, as a release brought it",
            "retention.changed": "Changed how long records are kept",
            "policy_document.entered": "Entered a policy document",
            "policy_document.review_due": "Noted that a policy document is due for review",
            "public_links.to_follow": "Asked for public links to be followed",
        },
        streams=(rulebook.STREAM,),
        name=_rule_name,
    ),
    Area(
        code="jobs",
        label="Work in the background",
        act="view_jobs",
        acts={
            "job.started": "Started work",
            "job.taken_up": "Took work up again",
            "job.stop_asked": "Asked for work to be stopped",
            "job.resumed": "Went on with work",
            "job.finished": "Finished work",
            "job.stopped": "Stopped work",
            "job.failed": "Could not do work",
            "job.left_undone": "Noted that work was left undone",
            "job.done_after_all": "Noted that work was done after all",
        },
        things=jobs.visible_to,
        name=lambda row, _detail: jobs.label(row),
        page="web:job",
    ),
    Area(
        code="disposals",
        label="Records to erase",
        act="view_disposals",
        acts={
            "disposal.proposed": "Proposed to erase records",
            "disposal.agreed": "Agreed to erase records",
            "disposal.refused": "Refused to have records erased",
            "disposal.withdrawn": "Took the proposal back",
        },
        things=_disposals,
        name=lambda row, _detail: casetypes.get(row.kind).label,
        page="web:disposal",
    ),
)
