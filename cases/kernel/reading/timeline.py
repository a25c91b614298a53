"""The story of a case as its ledger tells it, newest first, with notes and reasons opened for one reader."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import (
    BigIntegerField,
    CharField,
    Expression,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models import Case as Choice
from django.db.models.functions import Cast, Concat, JSONObject, Substr

from cases.kernel.calendars import LONDON
from cases.kernel.models import Agency, Case, Note, User
from cases.kernel.prepared import Prepared
from cases.kernel.reading.columns import ENDINGS, label_of, says_nothing
from cases.ledger import sealing
from cases.ledger.models import DataKey, LedgerEvent

__all__ = ["PAGE_SIZE", "SHOWS", "Change", "Entry", "last_change", "names", "story"]

PAGE_SIZE = 20
# Rows that keep the books of the act itself; the entry's own words tell of them.
BOOKKEEPING = frozenset(
    {
        "cases.clock",
        "cases.approval",
        "cases.task",
        "cases.letter",
        "cases.auditreport",
        "cases.release",
        "cases.caselink",
    }
)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One field of one row, old and new. Sealed fields say only that they changed."""

    row: str
    key: str
    field: str
    old: object = None
    new: object = None
    is_sealed: bool = False


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One act on the case."""

    seq: int
    uid: UUID
    at: datetime
    recorded_at: datetime
    actor: str
    actor_name: str
    verb: str
    hash: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    added: tuple[str, ...] = ()
    note: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class _Piece:
    """A sealed note or reason in the shape `open_rows` takes: a place, a key, and one sealed value."""

    instance_type: type
    uid: UUID
    key_id: int
    text: sealing.Sealed | None = None
    reason: sealing.Sealed | None = None


class _Text(Func):
    """Bytes as text, which JSON can hold."""

    template, output_field = "encode(%(expressions)s, 'base64')", TextField()


def _decisions(kind: str) -> Q:
    return Q(Q(action__startswith=f"{kind}.") | Q(action__startswith="act."), actor__startswith="staff:")


SHOWS: dict[str, tuple[str, Callable[[str], Q]]] = {
    "": ("All", lambda kind: Q()),
    "decisions": ("Decisions", _decisions),
    "notes": ("Notes", lambda kind: Q(action="case.noted")),
    "changes": ("Changes", lambda kind: Q(action__startswith="case.") & ~Q(action="case.noted")),
    "agency": ("Agency", lambda kind: Q(actor__startswith="agency:")),
}


def _events(case: Case, before: int | None, limit: int, show: str) -> list[Any]:
    """Return events with their note, still sealed, and the name behind their actor."""
    place = {} if before is None else {"before": before}
    return _told(case.kind, limit, show, is_older=before is not None).objects(stream=case.uid, **place)


@lru_cache(maxsize=256)
def _told(kind: str, limit: int, show: str, *, is_older: bool) -> Prepared:
    """Return the query of one page of the story of a case of this kind, the newest or one further down."""

    def build(stream: UUID, before: int | None = None) -> QuerySet[LedgerEvent]:
        events = LedgerEvent.objects.filter(SHOWS[show][1](kind), stream=stream)
        if before is not None:
            events = events.filter(seq__lt=before)
        noted = events.annotate(noted=Subquery(_note()))
        return noted.annotate(actor_shown=_actor_name()).order_by("-seq")[:limit]

    place = {"before": 10**15 + 1} if is_older else {}
    return Prepared(build, stream=UUID(int=1), **place)


def _note() -> QuerySet[Any]:
    """The note that an event wrote, as it is now, since somebody may have been taken out of it; and its key."""
    written = Note.history.model.objects.filter(event=OuterRef(OuterRef("uid")), history_type="+")
    return Note.objects.filter(uid=Subquery(written.values("uid")[:1])).values_list(
        JSONObject(
            uid="uid",
            text=_Text("text"),
            key="key_id",
            key_uid="key__uid",
            scope="key__scope",
            wrapped=_Text("key__wrapped"),
        )
    )[:1]


def _actor_name() -> Expression:
    """The name behind an event's actor label: a person's or an agency's; NULL for a job of the system."""
    person = User.objects.filter(pk=Cast(Substr(OuterRef("actor"), 7), BigIntegerField()))
    agency = Agency.objects.filter(code=Substr(OuterRef("actor"), 8))
    return Choice(
        When(actor__startswith="staff:", then=Subquery(person.values("display_name")[:1])),
        When(actor__startswith="agency:", then=Subquery(agency.values("display_name")[:1])),
        default=Value("System"),
    )


def _pieces(case: Case, events: Iterable[Any]) -> dict[tuple[UUID, str], _Piece]:
    found: dict[tuple[UUID, str], _Piece] = {}
    for event in events:
        if note := event.noted:
            text = sealing.Sealed(b64decode(note["text"]))
            found[event.uid, "note"] = _Piece(Note, UUID(note["uid"]), note["key"], text=text)
        if event.reason is not None:
            sealed = sealing.Sealed(bytes(event.reason))
            found[event.uid, "reason"] = _Piece(LedgerEvent, event.uid, case.key_id, reason=sealed)
    return found


def _note_keys(case: Case, events: Iterable[Any]) -> list[DataKey]:
    """Return the keys of notes that came with their events; an older note lies under the case's."""
    return [
        DataKey(
            **{"id": note["key"], "uid": UUID(note["key_uid"]), "scope": note["scope"]},
            **{"parent": case.key, "kek_id": case.key.kek_id},
            wrapped=b64decode(note["wrapped"]) if note["wrapped"] else None,
        )
        for event in events
        if (note := event.noted) and note["key"] != case.key_id
    ]


def _opened(
    case: Case,
    pieces: Mapping[tuple[UUID, str], _Piece],
    *,
    loaded: Iterable[DataKey],
    reader: sealing.Reader,
    at: datetime,
) -> dict[tuple[UUID, str], str | None]:
    rows: Any = pieces.values()
    values = sealing.open_rows(rows, ("text", "reason"), reader=reader, at=at, loaded=(case.key, *loaded))
    return {place: value["text"] or value["reason"] for place, value in zip(pieces, values, strict=True)}


def names(labels: Iterable[str]) -> dict[str, str]:
    """Return who stands behind actor labels, and behind agencies by their row ("agency#7"). One query."""
    wanted = set(labels)
    staff = [int(label[6:]) for label in wanted if label.startswith("staff:")]
    codes = [label[7:] for label in wanted if label.startswith("agency:")]
    rows = [int(label[7:]) for label in wanted if label.startswith("agency#")]
    people = User.objects.filter(pk__in=staff).annotate(
        label=Concat(Value("staff:"), Cast("pk", CharField()), output_field=CharField()), shown=F("display_name")
    )
    agencies = Agency.objects.filter(code__in=codes).annotate(
        label=Concat(Value("agency:"), "code", output_field=CharField()), shown=F("display_name")
    )
    by_row = Agency.objects.filter(pk__in=rows).annotate(
        label=Concat(Value("agency#"), Cast("pk", CharField()), output_field=CharField()), shown=F("display_name")
    )
    found = dict(
        people.values_list("label", "shown").union(
            agencies.values_list("label", "shown"), by_row.values_list("label", "shown")
        )
    )
    return {label: found.get(label, "System" if label.startswith("system:") else label) for label in wanted}


def _known(case: Case, events: Iterable[Any], bodies: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the name of everybody a page of events speaks of; asks only for those who neither acted nor hold it."""
    known = {event.actor: event.actor_shown or event.actor for event in events}
    if case.assignee is not None:
        known[f"staff:{case.assignee_id}"] = case.assignee.display_name
    given = {
        label.format(number)
        for body in bodies
        for change in body.get("changes", ())
        if change["op"] == "~" and change["m"] not in BOOKKEEPING
        for name, values in change.get("f", {}).items()
        if (label := label_of(change["m"], name))
        for number in values
        if number
    }
    missing = given - set(known)
    return known | (names(missing) if missing else {})


def _changes(body: Mapping[str, Any], known: Mapping[str, str]) -> tuple[Change, ...]:
    told = []
    for change in body.get("changes", ()):
        if change["op"] != "~" or change["m"] in BOOKKEEPING:
            continue
        for name, (old, new) in change.get("f", {}).items():
            if label := label_of(change["m"], name):
                old, new = (known.get(label.format(number)) if number else None for number in (old, new))
            if not says_nothing(change["m"], name):
                told.append(Change(row=change["m"], key=str(change["k"]), field=name, old=old, new=new))
        sealed = change.get("s", ())
        told += [Change(row=change["m"], key=str(change["k"]), field=name, is_sealed=True) for name in sealed]
    return tuple(told)


def story(
    case: Case,
    *,
    reader: sealing.Reader,
    at: datetime,
    before: int | None = None,
    limit: int = PAGE_SIZE,
    show: str = "",
) -> tuple[list[Entry], int | None]:
    """Return a page of the case's story, newest first, and the number below which the older part begins, or None.

    Opens the notes and reasons of the page and writes the reader's one access row.
    Three queries at most, when the case was loaded with its key.
    """
    events = _events(case, before, limit + 1, show)
    older = events[limit - 1].seq if len(events) > limit else None
    events = events[:limit]
    bodies = {event.uid: event.content() for event in events}
    known = _known(case, events, bodies.values())
    plain = _opened(case, _pieces(case, events), loaded=_note_keys(case, events), reader=reader, at=at)
    entries = [
        Entry(
            seq=event.seq,
            uid=event.uid,
            at=event.at,
            recorded_at=event.recorded_at,
            actor=event.actor,
            actor_name=known[event.actor],
            verb=event.action,
            hash=bytes(event.hash).hex(),
            detail=bodies[event.uid].get("detail", {}),
            changes=_changes(bodies[event.uid], known),
            added=tuple(change["m"] for change in bodies[event.uid].get("changes", ()) if change["op"] == "+"),
            note=plain.get((event.uid, "note")),
            reason=plain.get((event.uid, "reason")),
        )
        for event in events
    ]
    return entries, older


def last_change(case: Case) -> str:
    """Return the sentence that says who last did something to a case, and when. Names no value."""
    event = LedgerEvent.objects.filter(stream=case.uid).order_by("-seq").first()
    if event is None:
        return ""
    who = names([event.actor])[event.actor]
    told = (name for change in event.content().get("changes", ()) for name in _told_fields(change))
    fields = sorted({ENDINGS.sub("", name).replace("_", " ") for name in told})
    what = f"changed {', '.join(fields)}" if fields else "worked on it"
    return f"{who} {what} at {event.at.astimezone(LONDON):%H:%M}."


def _told_fields(change: Mapping[str, Any]) -> list[str]:
    if change["op"] != "~" or change["m"] in BOOKKEEPING:
        return []
    return [name for name in (*change.get("f", {}), *change.get("s", ())) if not says_nothing(change["m"], name)]
