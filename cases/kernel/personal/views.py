"""Views of the queue that somebody keeps, for themselves or for a team of theirs. Whose a view is says who sees it; it
gives no sight of anything: whoever opens one sees what they may see.

The query that finds a person's rights brings their views, so that no page asks for more (`actors`)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, JSONObject

from cases.kernel.errors import CaseError
from cases.kernel.models import SavedView, TeamMembership, User

if TYPE_CHECKING:
    from cases.kernel.actors import Actor

__all__ = ["SavedAs", "ViewRefused", "drop", "forget", "found", "keep", "of", "rows"]

KIND = "view"
MOST, LONGEST_NAME, LONGEST_QUERY = 12, 40, 400


class ViewRefused(CaseError):
    """The view cannot be kept or removed like this; the message is fit to show."""


@dataclass(frozen=True, kw_only=True)
class SavedAs:
    """One view as whoever sees it has it. `team` is the name of the team that shares it, empty for one's own;
    `is_theirs` says whether this person may remove it: they made it, or lead its team."""

    id: int
    name: str
    query: str
    team: str
    is_pinned: bool
    is_theirs: bool


def rows(user: int) -> QuerySet[Any, Any]:
    """Return the views of a person and their teams in the shape of the query of rights: what, id, is pinned, may be
    removed, and the rest as one text."""
    teams = TeamMembership.objects.filter(user=user, ended_at=None)
    seen = SavedView.objects.filter(Q(owner=user, team=None) | Q(team__in=teams.values("team")))
    may_remove = Q(owner=user) | Q(team__in=teams.filter(is_lead=True).values("team"))
    theirs = ExpressionWrapper(may_remove, BooleanField())
    text = Cast(JSONObject(name=F("name"), query=F("query"), team=F("team__name")), TextField())
    return seen.values_list(Value(KIND), F("pk"), F("is_pinned"), theirs, text)


def found(held: Iterable[tuple[Any, ...]]) -> tuple[SavedAs, ...]:
    """Return the views among what that query found: a person's own first, each kind by name."""
    views = [
        SavedAs(id=number, is_pinned=is_pinned, is_theirs=is_theirs, **_read(text))
        for what, number, is_pinned, is_theirs, text in held
        if what == KIND
    ]
    return tuple(sorted(views, key=lambda each: (each.team, each.name.casefold(), each.id)))


def _read(text: str) -> dict[str, str]:
    return {name: value or "" for name, value in json.loads(text).items()}


def of(user: User) -> tuple[SavedAs, ...]:
    """Return the views that this person sees, as they came with their rights."""
    views: tuple[SavedAs, ...] = user.__dict__.get("_views", ())
    return views


@transaction.atomic
def keep(
    name: str, query: str, *, team: int | None = None, is_pinned: bool = False, actor: Actor, at: datetime
) -> SavedView:
    """Keep what the queue is asked, in the place of one of the same name that is theirs. Writes one row and nothing
    else. Raises ViewRefused."""
    name = " ".join(name.split())
    if not name or not query:
        raise ViewRefused("A view has a name, and a filter, a tab or an order.")
    if len(name) > LONGEST_NAME or len(query) > LONGEST_QUERY or "\0" in name + query:
        raise ViewRefused(f"A name has at most {LONGEST_NAME} letters, and what is asked {LONGEST_QUERY}.")
    if actor.user_id is None or (team is not None and team not in actor.team_ids):
        raise ViewRefused("Choose yourself, or a team of yours.")
    User.objects.select_for_update().get(pk=actor.user_id)  # two of one person count each other
    kept = SavedView.objects.filter(team=team) if team else SavedView.objects.filter(owner=actor.user_id, team=None)
    if (same := kept.filter(name=name).first()) is not None and not _is_theirs(same, actor):
        raise ViewRefused("A colleague keeps a view of this name for the team. Choose another name.")
    if same is None and kept.count() >= MOST:
        raise ViewRefused(f"At most {MOST} views are kept. Remove one first.")
    values = {"query": query, "is_pinned": is_pinned}
    if same is None:
        return SavedView.objects.create(owner_id=actor.user_id, team_id=team, name=name, made_at=at, **values)
    SavedView.objects.filter(pk=same.pk).update(**values)
    return same


def drop(view: int, *, actor: Actor) -> str:
    """Remove a view of one's own, or of a team that one leads or shared it with; return its name. Raises
    ViewRefused."""
    found = SavedView.objects.filter(pk=view).first()
    if found is None or not _is_theirs(found, actor):
        raise ViewRefused("This view is not there any more, or is not yours to remove.")
    found.delete()
    return found.name


def _is_theirs(view: SavedView, actor: Actor) -> bool:
    if view.team_id is None:
        return view.owner_id == actor.user_id
    return view.team_id in actor.lead_team_ids or (view.owner_id == actor.user_id and view.team_id in actor.team_ids)


def forget(user: int) -> int:
    """Remove what somebody who left kept for themselves; what they shared stays with its team. Returns how many."""
    return SavedView.objects.filter(owner=user, team=None).delete()[0]
