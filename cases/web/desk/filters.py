"""The queue's filters: read from the address, written back as chips. A filter that makes no sense is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.http import QueryDict

from cases.kernel import casetypes, holdkinds, policy
from cases.kernel.actors import Actor
from cases.kernel.calendars import LONDON
from cases.kernel.casetypes import CaseType
from cases.kernel.reading import desk
from cases.kernel.reading.worklist import SORTS, VIEWS, Filters
from cases.web import addresses, cursors

__all__ = ["Chip", "chip", "chips", "read", "sort_value"]

DUE = {
    "overdue": "Overdue",
    "week": "Within 7 days",
    "month": "Within 30 days",
}
AMOUNTS = {
    "0-50000": "Below £500",
    "50000-500000": "£500 to £5,000",
    "500000-": "£5,000 and more",
}
SNOOZED = {"with": "Included"}
# Kinds of hold by how they read: what reads the same is one flag, so that nobody tells one quiet kind from another.
FLAGS = {
    words.lower().replace(" ", "_"): (
        words,
        tuple(code for code in holdkinds.KINDS if holdkinds.shown_label(code) == words),
    )
    for words in sorted({holdkinds.shown_label(code) for code in holdkinds.KINDS})
}
DUE_DAYS = {"week": 7, "month": 30}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One value a filter can take."""

    value: str
    label: str
    is_on: bool


@dataclass(frozen=True, kw_only=True)
class Chip:
    """One filter as a small form: its choices, the other parameters it keeps, and how to take it off."""

    name: str
    label: str
    shown: str
    choices: tuple[Choice, ...]
    kept: tuple[tuple[str, str], ...]
    off_url: str

    @property
    def is_on(self) -> bool:
        return bool(self.shown)


def _id(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= 18 else None


def _due(text: str, at: datetime) -> dict[str, Any]:
    if text == "overdue":
        return {"due_before": at}
    if text not in DUE_DAYS:
        return {}
    last = at.astimezone(LONDON).date() + timedelta(days=DUE_DAYS[text] + 1)
    return {"due_from": at, "due_before": datetime.combine(last, time(0), tzinfo=LONDON)}


def _amount(text: str) -> dict[str, Any]:
    if text not in AMOUNTS:
        return {}
    low, _, high = text.partition("-")
    return {"amount_from_pence": int(low)} | ({"amount_below_pence": int(high)} if high else {})


def _known(value: str, known: Mapping[str, Any] | Sequence[str], default: str = "") -> str:
    return value if value in known else default


def read(query: QueryDict, *, actor: Actor, at: datetime) -> tuple[Filters, list[str]]:
    """Return what the address asks for, and a sentence for each part of it that means nothing."""
    kinds = [each.code for each in casetypes.all_types()]
    states = _states(actor, query.get("kind", ""))
    view = _known(query.get("view", "open"), VIEWS, "open")
    asked = Filters(
        view=view,
        kind=_known(query.get("kind", ""), kinds),
        state=_known(query.get("state", ""), states),
        team=_id(query.get("team", "")),
        assignee=_id(query.get("assignee", "")),
        reference=query.get("q", "").replace("\0", "").strip()[:40],
        with_snoozed=query.get("snoozed", "") in SNOOZED,
        holds=FLAGS.get(query.get("flag", ""), ("", ()))[1],
        agency=_id(query.get("agency", "")),
        sort=_known(query.get("sort", ""), SORTS, VIEWS[view].sort),
        **_due(query.get("due", ""), at),
        **_amount(query.get("amount", "")),
    )
    tests: dict[str, Callable[[str], bool]] = {
        "view": lambda text: text in VIEWS,
        "kind": lambda text: text in kinds,
        "state": lambda text: text in states,
        "team": lambda text: _id(text) is not None,
        "assignee": lambda text: _id(text) is not None,
        "due": lambda text: text in DUE,
        "amount": lambda text: text in AMOUNTS,
        "snoozed": lambda text: text in SNOOZED,
        "flag": lambda text: text in FLAGS,
        "agency": lambda text: _id(text) is not None,
        "sort": lambda text: text in SORTS,
    }
    faults = [
        f"The filter “{name}” in the address means nothing here and was left out."
        for name, is_sound in tests.items()
        if query.get(name) and not is_sound(str(query[name]))
    ]
    return asked, faults


def _seen(actor: Actor) -> list[CaseType]:
    return [casetypes.get(kind) for kind in policy.kinds(actor, "view")]


def _states(actor: Actor, kind: str, *, view: str = "") -> dict[str, str]:
    """Return the states of the kind that was chosen, else of every kind that this person sees, each with its label: one
    that several kinds call otherwise has the words of each. Of a view, those alone that a case in it can have."""
    seen = _seen(actor)
    labels: dict[str, list[str]] = {}
    for each in [each for each in seen if each.code == kind] or seen:
        for state in each.lifecycle.all_states:
            if view and state.is_terminal != (view == "closed"):
                continue
            known = labels.setdefault(state.code, [])
            if state.label not in known:
                known.append(state.label)
    return {code: " / ".join(words) for code, words in labels.items()}


def sort_value(sort: str, text: str) -> datetime | int | None:
    """Read the value half of a cursor. Raises ValueError."""
    if sort == "amount":
        return int(text) if text else None
    return cursors.moment(text)


def chips(
    query: QueryDict,
    asked: Filters,
    *,
    actor: Actor,
    people: Sequence[desk.Colleague],
    agencies: Mapping[int, str],
    counted: Mapping[str, int],
) -> list[Chip]:
    """Return every filter with its choices."""
    kinds = {each.code: each.label for each in _seen(actor)}
    staff = {str(each.user_id): each.name for each in people}
    mine = {str(actor.user_id): "Me"} if str(actor.user_id) in staff else {}
    options: list[tuple[str, str, Mapping[str, str]]] = [
        ("kind", "Type", kinds),
        ("state", "Status", _states(actor, query.get("kind", ""), view="" if asked.state else asked.view)),
        ("team", "Team", {str(each.team_id): each.team for each in people}),
        ("assignee", "Assignee", {**mine, **{key: name for key, name in staff.items() if key not in mine}}),
        ("due", "Due", DUE),
        ("amount", "Amount", AMOUNTS),
        ("agency", "Agency told", {str(code): name for code, name in agencies.items()}),
        ("flag", "Flag", {code: words for code, (words, _) in FLAGS.items()}),
        ("snoozed", "Snoozed", SNOOZED),
    ]
    return [
        chip(query, name, label, known, here=addresses.page("web:queue")) for name, label, known in options if known
    ]


def chip(query: QueryDict, name: str, label: str, known: Mapping[str, str], *, here: str) -> Chip:
    """Return one filter of the list at `here`."""
    value = query.get(name, "")
    kept = tuple((key, str(text)) for key, text in query.items() if key not in {name, "after", "before"} and text)
    rest = QueryDict(mutable=True)
    rest.update(dict(kept))
    return Chip(
        name=name,
        label=label,
        shown=known.get(value, ""),
        choices=tuple(Choice(value=code, label=words, is_on=code == value) for code, words in known.items()),
        kept=kept,
        off_url=f"{here}?{rest.urlencode()}" if kept else here,
    )
