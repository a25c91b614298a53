"""What somebody typed into a form and has not sent. It is kept sealed and for them alone, until it is sent, thrown away
or older than the schedule lets it be; nothing of it is done, and nobody else learns that it is there.

Of a page of a case it lies under the key of the case and dies with it; of any other under a key of that person and day.
A page shows that there is one without asking the database: the query that finds a person's rights says so (`actors`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, QuerySet, TextField, Value
from django.db.models.functions import Cast, JSONObject

from cases.kernel import formats
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.models import Case, Draft, User
from cases.ledger import sealing

if TYPE_CHECKING:
    from cases.kernel.actors import Actor

__all__ = [
    "DraftRefused",
    "SCOPE",
    "Waiting",
    "drop",
    "drop_sent",
    "forget",
    "forget_case",
    "found",
    "keep",
    "of",
    "open_one",
    "rows",
]

KIND, SCOPE = "draft", "draft"
MOST, LONGEST = 30, 100_000
Fields = Sequence[tuple[str, str, bool]]


class DraftRefused(CaseError):
    """This cannot be kept; nothing was."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """That something was typed and not sent: where its form goes, on which page it stands, and since when."""

    id: int
    place: str
    page: str
    case_id: int | None
    saved_at: datetime


def rows(user: int) -> QuerySet[Any, Any]:
    """Return the drafts of a person in the shape of the query of rights."""
    text = JSONObject(place=F("place"), page=F("page"), case_id=F("case_id"), saved_at=F("saved_at"))
    no = Value(False)
    return Draft.objects.filter(owner=user).values_list(Value(KIND), F("pk"), no, no, Cast(text, TextField()))


def found(held: Iterable[tuple[Any, ...]]) -> tuple[Waiting, ...]:
    """Return the drafts among what that query found, the newest first."""
    read = [(number, json.loads(text)) for what, number, _, _, text in held if what == KIND]
    waiting = [
        Waiting(id=number, **{**told, "saved_at": datetime.fromisoformat(told["saved_at"])}) for number, told in read
    ]
    return tuple(sorted(waiting, key=lambda each: each.saved_at, reverse=True))


def of(user: User) -> tuple[Waiting, ...]:
    """Return what this person typed and did not send, as it came with their rights."""
    waiting: tuple[Waiting, ...] = user.__dict__.get("_drafts", ())
    return waiting


@transaction.atomic
def keep(place: str, page: str, fields: Fields, *, case: Case | None, actor: Actor, at: datetime) -> Draft:
    """Keep what was typed into a form, in the place of what was kept of it: name, value and whether it is chosen, of
    each field. What has the number of a card is left out. Writes one row; a key where it is the first of the day.

    Raises DraftRefused for what is too long or too many, KeyDestroyed once the case is erased."""
    kept = [each for each in fields if not formats.has_card_number(each[1])]
    text = json.dumps(kept)
    if actor.user_id is None or not kept or len(text) > LONGEST or max(len(place), len(page)) > 300:
        raise DraftRefused("This is too long to be kept before it is sent.")
    others = Draft.objects.filter(owner=actor.user_id).exclude(place=place)
    if others.count() >= MOST:
        raise DraftRefused(f"At most {MOST} forms are kept before they are sent.")
    row = Draft.objects.select_for_update().filter(owner=actor.user_id, place=place).first()
    row = row or Draft(owner_id=actor.user_id, place=place)
    row.page, row.case, row.saved_at = page, case, at
    row.key = case.key if case is not None else _key_of_day(actor, at)
    sealing.seal(row, {"body": text}, key=row.key)
    row.save()
    return row


def _key_of_day(actor: Actor, at: datetime) -> sealing.DataKey:
    label = f"{actor.user_id}:{at.astimezone(UTC):%Y-%m-%d}"
    key = sealing.DataKey.objects.filter(scope=SCOPE, label=label, destroyed_at=None).first()
    return key or sealing.new_key(SCOPE, at=at, label=label, retention_class="draft")


def open_one(row: Draft, *, actor: Actor, at: datetime, request_id: str = "") -> list[tuple[str, str, bool]]:
    """Return what was typed; one access row. Raises NotVisible for anybody but whoever typed it, and once its key is
    gone."""
    if row.owner_id != actor.user_id:
        raise NotVisible
    streams = (row.case.uid,) if row.case is not None else (row.uid,)
    reader = sealing.Reader(actor=actor.label, verb="view", purpose="own_draft", streams=streams, request_id=request_id)
    ((values),) = sealing.open_rows([row], ("body",), reader=reader, at=at)
    text = values["body"]
    if text is None or isinstance(text, sealing.Erased):
        raise NotVisible
    return [(name, value, is_on) for name, value, is_on in json.loads(text)]


def drop(draft: int, *, actor: Actor) -> None:
    """Throw one's own draft away. Does nothing where there is none."""
    Draft.objects.filter(pk=draft, owner=actor.user_id).delete()


def drop_sent(waiting: Iterable[Waiting], place: str) -> None:
    """Throw away what was kept of a form that has been sent. No statement where nothing was."""
    if sent := [each.id for each in waiting if each.place == place]:
        Draft.objects.filter(pk__in=sent).delete()


def forget(user: int) -> int:
    """Remove all that somebody who left had not sent. Returns how many."""
    return Draft.objects.filter(owner=user).delete()[0]


def forget_case(case: Case) -> int:
    """Remove what anybody typed into a form of a case that is erased, or somebody in it. Returns how many."""
    return Draft.objects.filter(case=case).delete()[0]
