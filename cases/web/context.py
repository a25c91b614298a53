"""What every page shows around its content: who I am, where I can go, how much waits there, how it looks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.cache import BaseCache, caches
from django.http import HttpRequest, QueryDict

from cases.kernel import casetypes, policy, roles
from cases.kernel.actors import Actor
from cases.kernel.calendars import london_date
from cases.kernel.models import BreakGlass
from cases.kernel.reading import worklist
from cases.kernel.restricted import breakglass
from cases.reports import sender
from cases.web import addresses, asking, views

__all__ = ["Command", "Shell", "fresh_counts", "shell"]

THEMES = ("system", "light", "dark")
DENSITIES = ("roomy", "compact")
COUNTS_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Place:
    """One entry of the rail."""

    label: str
    icon: str
    url: str
    count: int | None = None
    tone: str = ""
    is_current: bool = False


@dataclass(frozen=True, kw_only=True)
class OfficePlace:
    """One page of the office: shown to whoever may do `act`; `count` names what is counted in worklist.counts."""

    label: str
    icon: str
    url: str
    act: str
    count: str = ""


OFFICE = (
    OfficePlace(label="Changes", icon="clipboard-check", url="web:changes", act="view_changes", count="changes"),
    OfficePlace(label="Agencies", icon="building-2", url="web:agencies", act="view_agencies"),
    OfficePlace(label="Figures", icon="layers", url="web:figures", act="view_figures"),
    OfficePlace(label="Records to erase", icon="archive-x", url="web:disposals", act="view_disposals"),
    OfficePlace(label="Security log", icon="shield", url="web:security_log", act="view_security_log"),
    OfficePlace(label="Ledger check", icon="shield-check", url="web:ledger_checks", act="verify_ledger"),
    OfficePlace(label="Status", icon="activity", url="web:status", act="view_status"),
    OfficePlace(label="On call", icon="bell-ring", url="web:on_call", act="view_on_call"),
    OfficePlace(label="Rules", icon="scale", url="web:clock_rules", act="view_rules"),
    OfficePlace(label="People", icon="users", url="people", act="view_people"),
    OfficePlace(label="Access reviews", icon="user-check", url="web:access_reviews", act="oversee_access"),
    OfficePlace(label="Letters", icon="mail", url="web:letters", act="view_letters"),
    OfficePlace(label="Code lists", icon="list-checks", url="web:codes", act="view_codes"),
    OfficePlace(label="Conflicts", icon="shield-ban", url="web:ties", act="view_ties"),
    OfficePlace(label="Teams", icon="network", url="web:teams", act="view_people"),
    OfficePlace(label="Break-glass reviews", icon="siren", url="web:glass_reviews", act="review_break_glass"),
    OfficePlace(label="Compartment", icon="eye-off", url="web:compartment", act="manage_compartment"),
)


@dataclass(frozen=True, kw_only=True)
class Command:
    """One entry of the command palette: a page to open, or a place or button of this page."""

    label: str
    icon: str
    url: str = ""
    target: str = ""
    key: str = ""


def _cache() -> BaseCache:
    return caches["fast"]


def _counts_key(actor: Actor) -> str:
    """Counts are kept per person and per sight: a changed role or team finds nothing of the old."""
    return f"counts:{actor.user_id}:{actor.sight}"


def fresh_counts(actor: Actor, at: datetime) -> dict[str, int]:
    """Count anew what waits for this person and keep it for half a minute. One query."""
    found = worklist.counts(actor, at=at)
    _cache().set(_counts_key(actor), found, COUNTS_SECONDS)
    return found


class Shell:
    """The frame of one page. Reads the database only for what a template asks."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def firm(self) -> str:
        return sender.firm().name

    @cached_property
    def is_demo(self) -> bool:
        return bool(getattr(settings, "DEMO", False))

    @cached_property
    def now(self) -> datetime:
        return asking.now()

    @cached_property
    def today(self) -> date:
        return london_date(self.now)

    @cached_property
    def theme(self) -> str:
        chosen = self.request.COOKIES.get("theme", "")
        return chosen if chosen in THEMES else "system"

    @cached_property
    def is_compact(self) -> bool:
        return self.request.COOKIES.get("density") == "compact"

    @cached_property
    def has_shortcuts(self) -> bool:
        return self.request.COOKIES.get("shortcuts") != "off"

    @cached_property
    def is_signed_in(self) -> bool:
        user = getattr(self.request, "user", None)
        return bool(user and user.is_authenticated)

    @cached_property
    def actor(self) -> Actor:
        return asking.actor_of(self.request)

    @cached_property
    def roles(self) -> str:
        """The labels of my roles, in one line."""
        return ", ".join(roles.ROLES[code].label for code in sorted(self.actor.roles) if code in roles.ROLES)

    @cached_property
    def counts(self) -> dict[str, int]:
        """What was last counted; nothing when that was too long ago. Never counts by itself."""
        return _cache().get(_counts_key(self.actor)) or {}

    @cached_property
    def path(self) -> str:
        """The page the reader is on, also when only a fragment is asked for."""
        details: Any = getattr(self.request, "htmx", None)
        return (details and details.current_url_abs_path) or self.request.get_full_path()

    def _place(self, label: str, icon: str, url: str, count: str, *, tone: str = "") -> Place:
        found = self.counts.get(count)
        page, _, query = self.path.partition("?")
        here, _, kind = url.partition("?kind=")
        asked = QueryDict(query).get("kind", "") if here == addresses.page("web:queue") else ""
        is_current = page == here and asked == kind
        return Place(label=label, icon=icon, url=url, count=found, tone=tone if found else "", is_current=is_current)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The pages of everyone."""
        return (
            self._place("My work", "inbox", addresses.page("web:my_work"), "mine"),
            self._place("Team queue", "layers", addresses.page("web:queue"), "view.open"),
            self._place("Approvals", "badge-check", addresses.page("web:approvals"), "approvals", tone="warn"),
            *self._tasks(),
            *self._from_agencies(),
            self._place("Background work", "bell", addresses.page("web:jobs"), "jobs", tone="info"),
        )

    def _from_agencies(self) -> list[Place]:
        """What agencies told and somebody has to decide, for whoever may see a kind of case of which they tell."""
        kinds = [each.code for each in casetypes.all_types() if each.incoming is not None]
        if not any(policy.can(self.actor, "view", kind=kind).is_allowed for kind in kinds):
            return []
        place = self._place(
            "From agencies", "mailbox", addresses.page("web:incoming"), f"incoming.{kinds[0]}", tone="warn"
        )
        found = [self.counts[f"incoming.{kind}"] for kind in kinds if f"incoming.{kind}" in self.counts]
        return [replace(place, count=sum(found) if found else None)]

    @cached_property
    def has_tasks(self) -> bool:
        """Whether this person has the page of tasks."""
        return policy.can(self.actor, "view_tasks").is_allowed

    def _tasks(self) -> list[Place]:
        if not self.has_tasks:
            return []
        return [self._place("Tasks", "list-checks", addresses.page("web:tasks"), "tasks")]

    @cached_property
    def office(self) -> tuple[Place, ...]:
        """The pages of the office itself that this person may open."""
        return tuple(
            self._place(each.label, each.icon, addresses.page(each.url), each.count, tone="warn")
            for each in OFFICE
            if policy.can(self.actor, each.act).is_allowed
        )

    @cached_property
    def registers(self) -> tuple[Place, ...]:
        """The pages that kinds of case have beside the register of agencies, which this person may open."""
        return tuple(
            self._place(label, "book-open", addresses.page(url), "")
            for each in casetypes.all_types()
            for label, url, act in each.registers
            if policy.can(self.actor, act, kind=each.code).is_allowed
        )

    @cached_property
    def queues(self) -> tuple[Place, ...]:
        """One queue for each kind of case this person may see."""
        queue = addresses.page("web:queue")
        return tuple(
            self._place(each.label, each.icon, f"{queue}?kind={each.code}", f"kind.{each.code}")
            for each in casetypes.all_types()
            if policy.can(self.actor, "view", kind=each.code).is_allowed and self._has_sight_of(each)
        )

    @cached_property
    def views(self) -> tuple[Place, ...]:
        """The views of the queue that this person and their teams keep."""
        here, _, query = self.path.partition("?")
        asked = views.asked(QueryDict(query)) if here == addresses.page("web:queue") else ""
        return tuple(
            Place(
                label=each.name,
                icon="users" if each.team else "bookmark",
                url=views.address(each.query),
                is_current=each.query == asked,
            )
            for each in views.of(self.request)
        )

    def _has_sight_of(self, casetype: casetypes.CaseType) -> bool:
        """A restricted kind is listed for its compartment and whom that lets read."""
        return not casetype.is_restricted or bool(self.actor.compartment_ids | self.actor.granted_team_ids)

    @cached_property
    def glass(self) -> list[BreakGlass]:
        """The cases that stand open to this person because they broke the glass; shown on every page."""
        return breakglass.of_person(self.actor) if self.is_signed_in else []

    @cached_property
    def may_open(self) -> bool:
        """Whether this person may open a case of any kind."""
        return any(policy.can(self.actor, "open_case", kind=each.code).is_allowed for each in casetypes.all_types())

    @cached_property
    def at_once(self) -> tuple[Place, ...]:
        """The kinds worked at one screen of their own that this person may open, one press away on every page."""
        return tuple(
            Place(label=f"New {each.label.lower()}", icon=each.icon, url=addresses.page(each.opens_on))
            for each in casetypes.all_types()
            if each.screen and policy.can(self.actor, "open_case", kind=each.code).is_allowed
        )

    @cached_property
    def may_search(self) -> bool:
        """Whether this person has the search box."""
        return policy.can(self.actor, "search").is_allowed

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """The palette's entries that every page has."""
        found = [
            Command(label=f"Go to {place.label.lower()}", icon=place.icon, url=place.url)
            for place in (*self.places, *self.registers, *self.office)
        ]
        if self.may_open:
            found.append(Command(label="Open a new case", icon="plus", url=addresses.page("web:new"), key="N"))
        found += [Command(label=place.label, icon=place.icon, url=place.url) for place in self.at_once]
        if breakglass.may_break(self.actor):
            found.append(Command(label="Break the glass", icon="siren", url=addresses.page("web:break_glass")))
        found.append(Command(label="Preferences", icon="settings", url=addresses.page("web:preferences")))
        return tuple(found)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the frame of the page as `shell`."""
    return {"shell": Shell(request)}
