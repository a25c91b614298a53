"""Makes tokens anew: for a new index key, for what was written before there was an index, for a case that changed its
space. In batches that lock their cases; it may be stopped and begun again. Both keys are searched meanwhile.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from cases.kernel import actors, casetypes, conflicts
from cases.kernel.background import jobs
from cases.kernel.finding import index
from cases.kernel.finding.index import Blinder
from cases.kernel.models import Case, CaseAddress, CaseParty, Job, Note, SearchEntry
from cases.ledger import keys, sealing

__all__ = [
    "KIND",
    "add_devices",
    "entries_by_version",
    "lacks_devices",
    "rebuild",
    "rebuild_here",
    "retoken",
    "stale",
    "start",
]

KIND = "search_rebuild"
BATCH = 100
# Fields by which people were not found at first.
DEVICES = ("device", "ip_address")
PERSON_FIELDS = (*index.NAMES, *index.VALUES)
Values = dict[int, dict[str, str | None]]


def stale() -> QuerySet[Case]:
    """Return the cases whose tokens are not made under the newest index key, or not at all; of what is erased there are
    none."""
    newest = keys.index_versions()[-1]
    made = SearchEntry.objects.filter(case=OuterRef("pk"), party=None, note=None, version=newest)
    return Case.objects.filter(~Exists(made), is_erased=False).order_by("pk")


def entries_by_version() -> Mapping[int, int]:
    """Return how many cases have their tokens under each version of the index key; 0 stands for none at all."""
    facts = SearchEntry.objects.filter(party=None, note=None)
    found = dict(facts.values_list("version").annotate(Count("pk")).order_by("version"))
    without = Case.objects.filter(is_erased=False).count() - sum(found.values())
    return {0: without, **found} if without else found


def rebuild(case_ids: Iterable[int], *, at: datetime) -> int:
    """Write the tokens of these cases anew, in one transaction that locks them in order. Opens what they are made of,
    on record. What was compared stays so, unless the case's space changed. Returns how many cases there were."""
    with transaction.atomic():
        rows = Case.objects.select_for_update(of=("self",)).filter(pk__in=list(case_ids)).order_by("pk")
        cases = list(rows)
        compared = _compared(cases)
        by_space: dict[str, list[Case]] = defaultdict(list)
        for case in cases:
            by_space[index.space_of(case)].append(case)
        made = [entry for space, group in by_space.items() for entry in _entries(space, group, at=at)]
        for entry in made:
            entry.compared_at = compared.get((entry.party_id, entry.space))
        SearchEntry.objects.filter(case__in=cases).delete()
        SearchEntry.objects.bulk_create(made)
    return len(cases)


def lacks_devices() -> Q:
    """Return the condition of an entry of somebody whose handset, SIM or IP address it does not hold."""
    lacking = [Q(**{f"party__{name}__isnull": False}) & ~Q(layout__contains=f"{name} ") for name in DEVICES]
    return reduce(operator.or_, lacking)


def add_devices(*, at: datetime, most: int = 50 * BATCH) -> int:
    """Write anew the tokens of cases of before people were found by handsets and IP addresses, batch by batch, each in
    a transaction of its own. Returns how many cases, at most `most`."""
    found = SearchEntry.objects.filter(lacks_devices(), case__is_erased=False, party__is_erased=False)
    ids = list(found.order_by("case").values_list("case", flat=True).distinct()[:most])
    return sum(rebuild(ids[begin : begin + BATCH], at=at) for begin in range(0, len(ids), BATCH))


def _compared(cases: Sequence[Case]) -> dict[tuple[int | None, str], datetime | None]:
    entries = SearchEntry.objects.filter(case__in=cases, party__isnull=False)
    return {(party, space): at for party, space, at in entries.values_list("party", "space", "compared_at")}


def _entries(space: str, cases: Sequence[Case], *, at: datetime) -> Iterator[SearchEntry]:
    """Yield the unsaved entries of cases of one space; each space's reading is on its own access rows."""
    blinder = Blinder(space, keys.index_versions()[-1])
    streams = tuple(case.uid for case in cases)
    reader = sealing.Reader(actor="system:search_index", verb="index", purpose="rebuild_index", streams=streams)
    facts = _facts(cases, reader, at=at)
    for case in cases:
        yield index.of_facts(blinder, case, facts.get(case.pk, {}))
    people = list(CaseParty.objects.filter(case__in=cases, is_detached=False, is_erased=False))
    places = list(CaseAddress.objects.filter(party__in=people, is_detached=False))
    values = _opened(people, PERSON_FIELDS, reader, at=at)
    postcodes: dict[int, list[tuple[int, str | None]]] = defaultdict(list)
    given = _opened(places, ("postcode",), reader, at=at)
    for place in places:
        postcodes[place.party_id].append((place.pk, given[place.pk]["postcode"]))
    for person in people:
        yield index.of_person(blinder, person, values[person.pk], postcodes[person.pk])
    notes = list(Note.objects.filter(case__in=cases))
    texts = _opened(notes, ("text",), reader, at=at)
    for note in notes:
        yield index.of_note(blinder, note, texts[note.pk]["text"] or "")


def _facts(cases: Sequence[Case], reader: sealing.Reader, *, at: datetime) -> Values:
    found: Values = {}
    for casetype in casetypes.all_types():
        ids = [case.pk for case in cases if case.kind == casetype.code]
        columns = {column.name for column in casetype.facts._meta.concrete_fields}
        names = tuple(name for name in index.FACTS if name in columns)
        if ids and names:
            found |= _opened(list(casetype.facts._default_manager.filter(pk__in=ids)), names, reader, at=at)
    return found


def _opened(rows: Sequence[Any], names: Sequence[str], reader: sealing.Reader, *, at: datetime) -> Values:
    """Return the plain values of sealed rows by their id; what is erased is nothing."""
    opened = sealing.open_rows(rows, names, reader=reader, at=at) if rows else []
    return {
        row.pk: {name: None if isinstance(text, sealing.Erased) else text for name, text in values.items()}
        for row, values in zip(rows, opened, strict=True)
    }


def retoken(*, at: datetime) -> None:
    """Make anew what stands beside the cases and finds people in them: ties, and what a kind keeps of its own."""
    conflicts.retoken(at=at)
    for casetype in casetypes.all_types():
        casetype.retoken(at)


def rebuild_here(*, at: datetime) -> Iterator[int]:
    """Rebuild all that is stale in this process, batch by batch; yields how many cases are done so far."""
    retoken(at=at)
    done = 0
    while ids := list(stale().values_list("pk", flat=True)[:BATCH]):
        done += rebuild(ids, at=at)
        yield done


def start(*, at: datetime) -> Job:
    """Start the rebuild as background work, or return the one that is under way. Tokens that stand beside the cases are
    few: they are made anew at once."""
    retoken(at=at)
    under_way = Job.objects.filter(kind=KIND, ended_at=None).order_by("pk").first()
    return under_way or jobs.start(KIND, actor=actors.system("search_index"), at=at)


def _batches(_job: Job) -> Iterator[str]:
    """List what is stale as ranges of case ids, so that a million cases are ten thousand rows."""
    batch: list[int] = []
    for case_id in stale().values_list("pk", flat=True).iterator():
        batch.append(case_id)
        if len(batch) == BATCH:
            yield f"{batch[0]}-{batch[-1]}"
            batch = []
    if batch:
        yield f"{batch[0]}-{batch[-1]}"


def _do_batch(_job: Job, subject: str, at: datetime) -> None:
    first, _, last = subject.partition("-")
    ids = list(stale().filter(pk__range=(int(first), int(last))).values_list("pk", flat=True))
    if not rebuild(ids, at=at):
        raise jobs.Skipped("is_current")


jobs.declare(
    jobs.Kind(
        code=KIND,
        label="Search index under a new key",
        rows=_batches,
        do=_do_batch,
        reasons={"is_current": "It stands under the newest key already"},
    )
)
