"""Says how alike two people of two cases are, from their blind tokens alone: nobody's values are opened.

The table is the whole rule. What it finds is offered to a person and never acted upon.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from cases.kernel import casetypes
from cases.kernel.finding import index
from cases.kernel.models import PersonPair, SearchEntry
from cases.ledger import keys

__all__ = ["ASKED", "CERTAIN", "TABLE", "Marks", "Part", "Score", "compare", "compare_due", "marks_of"]

# From CERTAIN on two people are a candidate for one; from ASKED on a person looks whether they are.
CERTAIN, ASKED = 90, 60
# What both state and differ in speaks against one person, whatever else agrees: the highest score with so many.
CEILINGS = (255, CERTAIN - 1, ASKED - 1)
BATCH = 100
LONGEST_RUN_SECONDS = 8
MOST_COMPARED = 300
MOST_OFFERED = 10


@dataclass(frozen=True, kw_only=True)
class Part:
    """One line of the score table: points for the same value and for one that sounds alike, whether a different value
    speaks against one person, and whether one that only sounds alike leaves the answer to people: twins are often named
    so."""

    code: str
    points: int
    alike: int = 0
    speaks_against: bool = False
    asks_when_alike: bool = False


TABLE = (
    Part(code="date_of_birth", points=40, speaks_against=True),
    Part(code="surname", points=25, alike=20, speaks_against=True),
    Part(code="forename", points=15, alike=10, speaks_against=True, asks_when_alike=True),
    Part(code="postcode", points=20),
    Part(code="phone", points=30),
    Part(code="account", points=50),
)


@dataclass(frozen=True, kw_only=True)
class Marks:
    """The tokens of one person by line of the table: whole values, and how they sound."""

    whole: Mapping[str, frozenset[int]]
    sound: Mapping[str, frozenset[int]]


@dataclass(frozen=True, kw_only=True)
class Score:
    """How alike two people are. `parts` says of each line that both state same, alike or different, with its points."""

    points: int
    parts: Mapping[str, tuple[str, int]] = field(default_factory=dict)


def marks_of(entry: SearchEntry) -> Marks:
    """Return what the table looks at in one person's tokens. Who is known by an alias alone is compared by it: its
    first word is taken for the forename, the rest for the surname."""
    runs = index.runs_of(entry)
    alias = runs.get("alias.word", [])
    has_name = "forename.word" in runs or "surname.word" in runs
    spare = ([], []) if has_name else (alias[:1], alias[1:])
    whole = {
        "date_of_birth": runs.get("date_of_birth", []),
        "forename": runs.get("forename.word", spare[0]),
        "surname": runs.get("surname.word", spare[1]),
        "phone": runs.get("phone", []),
        "account": [*runs.get("account_reference", []), *runs.get("bank_account", [])],
        "postcode": [token for name, tokens in runs.items() if name.startswith("postcode-") for token in tokens],
    }
    return Marks(
        whole={code: frozenset(tokens) for code, tokens in whole.items()},
        sound={name: frozenset(runs.get(f"{name}.sound", [])) for name in ("forename", "surname")},
    )


def compare(one: Marks, other: Marks) -> Score:
    """Score two people by the table. The score does not depend on which is named first."""
    parts = {part.code: verdict for part in TABLE if (verdict := _verdict(part, one, other))}
    found = {code: verdict for code, (verdict, _) in parts.items()}
    against = sum(part.speaks_against and found.get(part.code) == "different" for part in TABLE)
    is_doubtful = any(part.asks_when_alike and found.get(part.code) == "alike" for part in TABLE)
    points = sum(points for _, points in parts.values())
    ceiling = CEILINGS[min(max(against, is_doubtful), len(CEILINGS) - 1)]
    return Score(points=min(points, ceiling), parts=parts)


def _verdict(part: Part, one: Marks, other: Marks) -> tuple[str, int] | None:
    """Return how two people stand in one line; nothing when either does not state it."""
    mine, theirs = one.whole[part.code], other.whole[part.code]
    if not mine or not theirs:
        return None
    if mine & theirs:
        return "same", part.points
    if part.alike and one.sound[part.code] & other.sound[part.code]:
        return "alike", part.alike
    return "different", 0


def compare_due(*, now: datetime, seconds: float = LONGEST_RUN_SECONDS) -> int:
    """Compare people who are new or changed with those of other cases of their space, and offer the pairs that a person
    should look at. Returns how many were compared until nothing is due or the time is up; another worker's are skipped.
    Tokens under two keys cannot be compared, so this waits while the index is being rebuilt."""
    newest = keys.index_versions()[-1]
    if SearchEntry.objects.filter(party=None, note=None, version__lt=newest).exists():
        return 0
    stop_at, compared = time.monotonic() + seconds, 0
    while batch := _compare_batch(now=now):
        compared += batch
        if time.monotonic() >= stop_at:
            break
    return compared


def _compare_batch(*, now: datetime) -> int:
    with transaction.atomic():
        due = SearchEntry.objects.select_for_update(skip_locked=True, of=("self",)).select_related("case", "party")
        entries = list(due.filter(compared_at=None, party__isnull=False).order_by("pk")[:BATCH])
        for entry in entries:
            _offer(entry, now=now)
        SearchEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(compared_at=now)
    return len(entries)


def _offer(entry: SearchEntry, *, now: datetime) -> None:
    """Offer the pairs of one person that nobody has decided; one that is offered already stays the pair that it is."""
    mine = _known(entry)
    pairs = {(pair.first_id, pair.second_id): pair for pair in _pairs_of(entry)}
    decided = {key for key, pair in pairs.items() if pair.state != "offered"}
    scored = [(compare(mine, marks_of(other)), other) for other in _alike(entry, mine)]
    able = [(score, other) for score, other in scored if score.points >= ASKED and _key(entry, other) not in decided]
    best = {_key(entry, other): score for score, other in sorted(able, key=_best_first)[:MOST_OFFERED]}
    gone = [pair.pk for key, pair in pairs.items() if key not in best and key not in decided]
    PersonPair.objects.filter(pk__in=gone, state="offered").delete()
    PersonPair.objects.bulk_create(
        (_pair(key, score, now=now) for key, score in best.items()),
        update_conflicts=True,
        unique_fields=["first", "second"],
        update_fields=["score", "parts"],
    )


def _known(entry: SearchEntry) -> Marks:
    """Return what is compared of a person. Of whom everything is looked for, that is what all say with whom they are
    joined."""
    rows = [entry]
    if casetypes.get(entry.case.kind).finds_people and entry.party and entry.party.party_id:
        joined = SearchEntry.objects.filter(party__party=entry.party.party_id, space=entry.space, version=entry.version)
        rows += joined.exclude(pk=entry.pk)
    marks = [marks_of(row) for row in rows]
    none: frozenset[int] = frozenset()
    return Marks(
        whole={code: none.union(*(each.whole[code] for each in marks)) for code in marks[0].whole},
        sound={code: none.union(*(each.sound[code] for each in marks)) for code in marks[0].sound},
    )


def _best_first(found: tuple[Score, SearchEntry]) -> tuple[int, int]:
    return -found[0].points, -found[1].pk


def _pairs_of(entry: SearchEntry) -> QuerySet[PersonPair]:
    return PersonPair.objects.filter(Q(first=entry.party_id) | Q(second=entry.party_id))


def _alike(entry: SearchEntry, mine: Marks) -> Iterable[SearchEntry]:
    """Return the people of other cases who could reach a score worth asking about: whoever shares a date of birth,
    telephone or account, or a name and a postcode. One statement over the token index, or none."""
    strong = [token for code in ("date_of_birth", "phone", "account") for token in mine.whole[code]]
    names = [*mine.whole["surname"], *mine.sound["surname"]]
    shares = Q(pk__in=[])
    if strong:
        shares |= Q(tokens__overlap=strong)
    if names and mine.whole["postcode"]:
        shares |= Q(tokens__overlap=names) & Q(tokens__overlap=list(mine.whole["postcode"]))
    others = SearchEntry.objects.filter(
        shares, space=entry.space, version=entry.version, party__isnull=False, party__is_detached=False
    )
    apart = others.exclude(case_id=entry.case_id)
    joined = SearchEntry.objects.filter(pk=entry.pk, party__party__isnull=False).values("party__party")
    return apart.exclude(party__party__in=joined).order_by("-pk")[:MOST_COMPARED]


def _key(entry: SearchEntry, other: SearchEntry) -> tuple[int, int]:
    """Return the pair of two people, the lower key first."""
    first, second = sorted((entry.party_id or 0, other.party_id or 0))
    return first, second


def _pair(key: tuple[int, int], score: Score, *, now: datetime) -> PersonPair:
    parts = {code: list(verdict) for code, verdict in score.parts.items()}
    return PersonPair(first_id=key[0], second_id=key[1], score=score.points, parts=parts, offered_at=now)
