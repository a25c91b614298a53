"""What every page shows around its content: who I am, where I can go, how much waits there, how it looks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest, QueryDict

from cases.kernel import casetypes, policy, roles
from cases.kernel.actors import Actor
from cases.kernel.calendars import london_date
from cases.kernel.models import BreakGlass
from cases.kernel.personal.drafts import Waiting
from cases.kernel.restricted import breakglass
from cases.reports import sender
from cases.web import addresses, asking, tallies
from cases.web.desk import drafts, views, viewtallies

__all__ = ["ROWS", "Command", "Shell", "rows_of", "shell"]

THEMES = ("system", "light", "dark")
DENSITIES = ("roomy", "compact")
ROWS = ("25", "50", "100")


class Place(NamedTuple):
    """One entry of the rail; `counted` names what is counted for it, and `tone` is its look where that is something."""

    label: str
    icon: str
    url: str
    counted: tuple[str, ...] = ()
    tone: str = ""
    waiting: int | None = None
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
    OfficePlace(label="Operations", icon="chart-line", url="web:operations", act="view_operations"),
    OfficePlace(label="Changes", icon="clipboard-check", url="web:changes", act="view_changes", count="changes"),
    OfficePlace(label="Agencies", icon="building-2", url="web:agencies", act="view_agencies"),
    OfficePlace(label="Figures", icon="layers", url="web:figures", act="view_figures"),
    OfficePlace(label="Records to erase", icon="archive-x", url="web:disposals", act="view_disposals"),
    OfficePlace(label="Audit trail", icon="scroll-text", url="web:trail", act="view_trail"),
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


class Command(NamedTuple):
    """One entry of the command palette: a page to open, or a place or button of this page."""

    label: str
    icon: str
    url: str = ""
    target: str = ""
    key: str = ""


def rows_of(request: HttpRequest) -> int:
    """Return how many rows of a list of cases this person wants on a page."""
    chosen = request.COOKIES.get("rows", "")
    return int(chosen if chosen in ROWS else ROWS[0])


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What of the frame follows from a person's rights alone: nothing here is counted, or knows where they are."""

    places: tuple[Place, ...]
    queues: tuple[Place, ...]
    registers: tuple[Place, ...]
    office: tuple[Place, ...]
    at_once: tuple[Place, ...]
    commands: tuple[Command, ...]


@lru_cache(maxsize=256)
def _frame(actor: Actor, _edition: int) -> Frame:
    """Put the frame together, once for whoever has the same rights under the same table."""
    at_once = tuple(
        Place(f"New {each.label.lower()}", each.icon, addresses.page(each.opens_on))
        for each in map(casetypes.get, policy.kinds(actor, "open_case"))
        if each.screen
    )
    return Frame(
        places=_places(actor),
        queues=_queues(actor),
        registers=_registers(actor),
        office=_office(actor),
        at_once=at_once,
        commands=_commands(actor, at_once),
    )


def _places(actor: Actor) -> tuple[Place, ...]:
    """The pages of everyone, and those of tasks and of what agencies told for whoever has to do with them."""
    told_of = [f"incoming.{each.code}" for each in casetypes.all_types() if each.incoming is not None]
    sees_told = any(f"incoming.{kind}" in told_of for kind in policy.kinds(actor, "view"))
    told = Place("From agencies", "mailbox", addresses.page("web:incoming"), tuple(told_of), "warn")
    tasks = Place("Tasks", "list-checks", addresses.page("web:tasks"), ("tasks",))
    return (
        Place("My work", "inbox", addresses.page("web:my_work"), ("mine",)),
        Place("Team queue", "layers", addresses.page("web:queue"), ("view.open",)),
        Place("Approvals", "badge-check", addresses.page("web:approvals"), ("approvals",), "warn"),
        *([tasks] if policy.can(actor, "view_tasks").is_allowed else []),
        *([told] if sees_told else []),
        Place("Background work", "bell", addresses.page("web:jobs"), ("jobs",), "info"),
    )


def _queues(actor: Actor) -> tuple[Place, ...]:
    """One queue for each kind of case this person may see; a restricted one for its compartment and whom that lets
    read."""
    queue, has_sight = addresses.page("web:queue"), bool(actor.compartment_ids | actor.granted_team_ids)
    return tuple(
        Place(each.label, each.icon, f"{queue}?kind={each.code}", (f"kind.{each.code}",))
        for each in map(casetypes.get, policy.kinds(actor, "view"))
        if has_sight or not each.is_restricted
    )


def _registers(actor: Actor) -> tuple[Place, ...]:
    """The pages that kinds of case have beside the register of agencies, which this person may open."""
    return tuple(
        Place(label, "book-open", addresses.page(url))
        for each in casetypes.all_types()
        for label, url, act in each.registers
        if policy.can(actor, act, kind=each.code).is_allowed
    )


def _office(actor: Actor) -> tuple[Place, ...]:
    """The pages of the office itself that this person may open."""
    return tuple(
        Place(each.label, each.icon, addresses.page(each.url), (each.count,) if each.count else (), "warn")
        for each in OFFICE
        if policy.can(actor, each.act).is_allowed
    )


def _commands(actor: Actor, at_once: Iterable[Place]) -> tuple[Command, ...]:
    """The palette's entries that every page has, beside the places of the rail, which the script enters there."""
    found = []
    if policy.kinds(actor, "open_case"):
        found.append(Command(label="Open a new case", icon="plus", url=addresses.page("web:new"), key="N"))
    found += [Command(label=place.label, icon=place.icon, url=place.url) for place in at_once]
    if breakglass.may_break(actor):
        found.append(Command(label="Break the glass", icon="siren", url=addresses.page("web:break_glass")))
    found.append(Command(label="Preferences", icon="settings", url=addresses.page("web:preferences")))
    return tuple(found)


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
        """What waits, as it was last counted. Never counts."""
        return tallies.known(self.request)

    @cached_property
    def path(self) -> str:
        """The page the reader is on, also when only a fragment is asked for."""
        details: Any = getattr(self.request, "htmx", None)
        return (details and details.current_url_abs_path) or self.request.get_full_path()

    @cached_property
    def frame(self) -> Frame:
        return _frame(self.actor, policy.edition())

    @cached_property
    def _here(self) -> str:
        """The address of the place that the reader is at: of the queue with its kind, of any other page alone."""
        page, _, query = self.path.partition("?")
        kind = QueryDict(query).get("kind", "") if page == addresses.page("web:queue") else ""
        return f"{page}?kind={kind}" if kind else page

    def _told(self, places: Iterable[Place]) -> tuple[Place, ...]:
        """Return places with what waits there."""
        return tuple(self._with_count(place) for place in places)

    def _with_count(self, place: Place) -> Place:
        found = [self.counts[name] for name in place.counted if name in self.counts]
        waiting = sum(found) if found else None
        return place._replace(waiting=waiting, tone=place.tone if waiting else "", is_current=place.url == self._here)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        return self._told(self.frame.places)

    @cached_property
    def queues(self) -> tuple[Place, ...]:
        return self._told(self.frame.queues)

    @cached_property
    def registers(self) -> tuple[Place, ...]:
        return self._told(self.frame.registers)

    @cached_property
    def office(self) -> tuple[Place, ...]:
        return self._told(self.frame.office)

    @cached_property
    def drafts_here(self) -> list[Waiting]:
        """What this person typed on this page and did not send."""
        here = self.request.get_full_path() if self.is_signed_in and self.request.method == "GET" else ""
        return [each for each in drafts.of(self.request) if each.page == here] if here else []

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
                waiting=viewtallies.known(self.request).get(each.query),
                is_current=each.query == asked,
            )
            for each in views.of(self.request)
        )

    @cached_property
    def glass(self) -> list[BreakGlass]:
        """The cases that stand open to this person because they broke the glass; shown on every page."""
        return breakglass.of_person(self.actor) if self.is_signed_in else []

    @cached_property
    def may_open(self) -> bool:
        """Whether this person may open a case of any kind."""
        return bool(policy.kinds(self.actor, "open_case"))

    @cached_property
    def at_once(self) -> tuple[Place, ...]:
        """The kinds worked at one screen of their own that this person may open, one press away on every page."""
        return self.frame.at_once

    @cached_property
    def has_tasks(self) -> bool:
        """Whether this person has the page of tasks."""
        return policy.can(self.actor, "view_tasks").is_allowed

    @cached_property
    def may_search(self) -> bool:
        """Whether this person has the search box."""
        return policy.can(self.actor, "search").is_allowed

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        return self.frame.commands


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the frame of the page as `shell`."""
    return {"shell": Shell(request)}
