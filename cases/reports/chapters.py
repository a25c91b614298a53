"""What happened inside the firm, as entries of a report: rows in, words out.

Every row becomes exactly one numbered entry, so that what is printed can be counted against the database.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import datetime
from typing import Any

from cases.kernel import tasks
from cases.kernel.exchange import letters
from cases.kernel.office import datasources
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS
from cases.kernel.reading import lookers, queries
from cases.reports.entries import Entry, lines, on, when
from cases.reports.records import Records
from cases.reports.words import Words, capital, moment, plain, spoken

__all__ = [
    "approvals",
    "decisions",
    "documents",
    "events",
    "looks",
    "notes",
    "papers",
    "people",
    "periods",
    "work",
]


MOST_CHANGES = 200  # of one event, told row by row
# Of a case of thousands of people: how many of each kind of act and look that is no person's are told one by one.
MOST_OF_A_KIND = 200
# Long lists of fields that are always opened together, and what the reader of a report calls them.
CLASSES = {frozenset(PERSON_FIELDS): "every value of people", frozenset(ADDRESS_FIELDS): "addresses"}


def decisions(records: Records, words: Words) -> Iterator[Entry]:
    """Yield each move of the case with its reason, and each approval with its verdicts, in the order of events."""
    for event, reason in zip(records.events, records.reasons, strict=True):
        detail = event.content().get("detail", {})
        if "from" not in detail or "to" not in detail:
            continue
        yield Entry(
            head=words.verb(event.action),
            lines=lines(
                f"{moment(event.at)}, {words.actor(event.actor)}. "
                f"{words.state(detail['from'])} → {words.state(detail['to'])}. Event {event.seq}.",
                f"Reason: {reason}" if reason else None,
            ),
        )


def _maker(user_id: int | None, words: Words) -> str:
    """Return who asked. What an agency or the system asked for has no person behind it; the event says which."""
    return "an agency or the system" if user_id is None else words.people.get(user_id, "")


def approvals(records: Records, words: Words) -> Iterator[Entry]:
    verdicts = defaultdict(list)
    for decision in records.decisions:
        verdicts[decision.approval_id].append(decision)
    for number, row in enumerate(records.approvals, 1):
        yield Entry(
            head=f"Approval {number}: {plain(row.act)}, {plain(row.outcome or 'open')}",
            lines=lines(
                f"Asked for by {_maker(row.maker_id, words)}, {moment(row.opened_at)}. "
                f"Needs: {', '.join(map(plain, row.needs))}, {row.mode} the act.",
                *(
                    f"{capital(each.verdict)} by {words.people.get(each.checker_id, '')} as {plain(each.role)}, "
                    f"{moment(each.decided_at)}."
                    for each in verdicts[row.pk]
                ),
                when(row.voided_at, "Became void ", ": what was to be approved had changed."),
            ),
            mark=f"Digest {row.digest}",
        )


def periods(records: Records, words: Words) -> Iterator[Entry]:
    for number, row in enumerate(records.clocks, 1):
        yield Entry(
            head=f"Period {number}: {words.labels['cases.clock.rule'].get(row.rule, plain(row.rule))}, {row.state}",
            lines=lines(
                row.explanation,
                f"Runs for {words.row('cases.caseparty', row.party_id)}." if row.party_id else None,
                when(row.started_at, "Started ", ".") + when(row.ended_at, " Ended ", "."),
            ),
        )


def documents(records: Records, words: Words) -> Iterator[Entry]:
    for row, opened in records.documents:
        by = f" by {words.people.get(row.obtained_by_id, '')}" if row.obtained_by_id else ""
        yield Entry(
            head=f"{capital(words.row('cases.evidence', row.pk))}: {opened['file_name']}",
            lines=lines(
                f"{row.media_type}, {row.size:,} bytes, {plain(row.scan)}. Obtained {moment(row.obtained_at)}{by}.",
                f"As evidence: {opened['admissibility']}" if opened["admissibility"] else None,
            ),
            mark=f"SHA-256 {row.sha256}",
        )


def notes(records: Records, words: Words) -> Iterator[Entry]:
    for number, (row, opened) in enumerate(records.notes, 1):
        author = words.people.get(row.author_id, "") if row.author_id else "the system"
        corrects = " Corrects an earlier note." if row.corrects_id else ""
        yield Entry(
            head=f"Note {number}, {author}, {moment(row.written_at)}",
            lines=(*str(opened["text"]).splitlines(), *lines(corrects.strip())),
        )


def papers(records: Records, words: Words) -> Iterator[Entry]:
    for number, row in enumerate(records.letters, 1):
        template = letters.TEMPLATES.get(row.template)
        yield Entry(
            head=f"Letter {number}: {template.label if template else row.template}, {row.state}",
            lines=lines(
                f"To {words.row('cases.caseparty', row.party_id)}. Wording {row.template}, version "
                f"{row.template_version}, {row.language}, by {plain(row.channel)}. Asked for "
                f"{moment(row.requested_at)}." + on(row.dispatched_date, " Dispatched "),
            ),
            mark=f"SHA-256 {row.sha256}" if row.sha256 else "",
        )
    for number, paper in enumerate(records.reports, 1):
        asker = words.people.get(paper.requested_by_id, "") if paper.requested_by_id else "the system"
        yield Entry(
            head=f"Report {number}: {paper.level}, {paper.state}",
            lines=lines(
                f"Asked for by {asker}, {moment(paper.requested_at)}." + when(paper.finished_at, " Finished ", "."),
            ),
            mark=f"SHA-256 {paper.sha256}" if paper.sha256 else "",
        )


def work(records: Records, words: Words) -> Iterator[Entry]:
    for number, row in enumerate(records.tasks, 1):
        by = f" by {words.people.get(row.closed_by_id, '')}" if row.closed_by_id else ""
        detail = "; ".join(f"{plain(name)} {spoken(value)}" for name, value in row.detail.items())
        yield Entry(
            head=f"Task {number}: {tasks.label(row.kind)}, {plain(row.outcome) if row.closed_at else 'open'}",
            lines=lines(
                f"Opened {moment(row.opened_at)}."
                + when(row.due_at, " Due ", ".")
                + when(row.closed_at, " Closed ", f"{by}."),
                detail and f"{capital(detail)}.",
            ),
        )
    for number, hold in enumerate(records.holds, 1):
        yield Entry(
            head=f"Hold {number}: {plain(hold.kind)}, {'released' if hold.released_at else 'active'}",
            lines=lines(
                f"Blocks {', '.join(map(plain, hold.blocks))}. Began {moment(hold.began_at)}."
                + when(hold.released_at, " Released ", ".")
            ),
        )


def looks(records: Records, words: Words) -> Iterator[Entry]:
    """Yield each look; of a case of thousands of people each of a person, and the first of each other kind."""
    told, more = _told(records, records.looks, kind=lambda row: (row.verb, row.purpose))
    for number, row in enumerate(records.looks, 1):
        if row.pk not in told:
            continue
        purpose = queries.REVEAL_REASONS.get(row.purpose) or plain(row.purpose)
        names = CLASSES.get(frozenset(row.fields)) or ", ".join(map(plain, row.fields))
        values = f"; {names}" if names else ""
        urgent = "; emergency access" if row.break_glass else ""
        who = words.actor(row.actor) if lookers.is_named(row, at=records.read_at) else lookers.NAMELESS
        count = "1 row" if row.result_count == 1 else f"{row.result_count} rows"
        yield Entry(
            head=f"Look {number}",
            lines=(f"{moment(row.at)}, {who}: {row.verb}, {purpose}; {count}{values}{urgent}",),
        )
    for (verb, why), left in more.items():
        said = queries.REVEAL_REASONS.get(why) or plain(why)
        yield Entry(head=f"{left:,} looks more of the office itself: {verb}, {said}", is_beside=True)


def _told(
    records: Records, rows: Sequence[Any], *, kind: Callable[[Any], Hashable]
) -> tuple[frozenset[int], Counter[Any]]:
    """Return which rows are told one by one, and how many more there are of each kind: every one, but of a case of
    thousands of people, of what machines and agencies did, the first of each kind. Nobody could print the rest."""
    if not records.is_crowd:
        return frozenset(row.pk for row in rows), Counter()
    seen: Counter[Any] = Counter()
    told: set[int] = set()
    for row in rows:
        if row.actor.startswith("staff:"):
            told.add(row.pk)
            continue
        seen[kind(row)] += 1
        if seen[kind(row)] <= MOST_OF_A_KIND:
            told.add(row.pk)
    return frozenset(told), Counter({what: n - MOST_OF_A_KIND for what, n in seen.items() if n > MOST_OF_A_KIND})


def people(records: Records, words: Words) -> Iterator[Entry]:
    if records.is_crowd:
        yield _crowd(records)
        return
    homes = defaultdict(list)
    for home, place in records.addresses:
        homes[home.party_id].append((home, place))
    for row, opened in records.parties:
        standing = ", innocent" if row.is_innocent and records.casetype.asks_who_is_innocent else ""
        detached = ", erased" if row.is_erased else ", detached" if row.is_detached else ""
        fields = {column.name: column for column in row._meta.concrete_fields}
        yield Entry(
            head=f"{capital(words.row('cases.caseparty', row.pk))}{standing}{detached}",
            lines=lines(
                *(f"{capital(words.field(fields[name]))}: {spoken(value)}" for name, value in opened.items() if value),
                *(_address(home, values) for home, values in homes[row.pk]),
                f"Source: {datasources.told(row.source)}. Kept as {plain(row.retention_class)}"
                + on(row.dispose_after_date, " until ")
                + ".",
            ),
        )
    if any(records.sealed_facts.values()):
        labels = records.casetype.sealed_labels
        told = (f"{labels[name]}: {value}" for name, value in records.sealed_facts.items() if value)
        yield Entry(head="Sealed facts of the case", lines=tuple(told), is_beside=True)


def _crowd(records: Records) -> Entry:
    """Return how many people a case has, by what they are, where they are too many to be opened for one report."""
    roles = dict(records.casetype.party_roles)
    counts = Counter(
        (roles.get(row.role, row.role), "erased" if row.is_erased else "detached" if row.is_detached else "")
        for row, _ in records.parties
    )
    return Entry(
        head=f"{len(records.parties):,} people are in this case: too many to be opened here",
        lines=tuple(
            f"{capital(role)}{f', {gone}' if gone else ''}: {n:,}" for (role, gone), n in sorted(counts.items())
        ),
        is_beside=True,
    )


def _address(home: Any, values: dict[str, str | None]) -> str:
    gone = ", detached" if home.is_detached else ""
    source = f" (source: {datasources.told(home.source)})" if home.source else ""
    return f"Address, {plain(home.kind)}{gone}: {', '.join(value for value in values.values() if value)}{source}"


def events(records: Records, words: Words) -> Iterator[Entry]:
    """Yield every event of the chain: who, when, why, every field old and new, and its hash. Of a case of thousands of
    people each act of a person, and the first of each other kind; the attached chain has them all."""
    told, more = _told(records, records.events, kind=lambda event: event.action)
    for event, reason in zip(records.events, records.reasons, strict=True):
        if event.pk not in told:
            continue
        body = event.content()
        detail = body.get("detail", {})
        yield Entry(
            head=f"Event {event.seq}: {words.verb(event.action)}",
            lines=lines(
                f"{moment(event.at)}, {words.actor(event.actor)}. Recorded {moment(event.recorded_at)}."
                + _claimed(body),
                f"Reason: {reason}" if reason else None,
                _detail(detail, words),
                *_changes(body.get("changes", ()), words),
            ),
            mark=f"Hash {bytes(event.hash).hex()}",
        )
    for action, count in more.items():
        head = f"{count:,} events more, each of which stands in the attached ledger.json: {words.verb(action)}"
        yield Entry(head=head, is_beside=True)


def _changes(changes: Sequence[dict[str, Any]], words: Words) -> Iterator[str]:
    """Yield what an event changed, row by row; of one that changed hundreds the first, and how many there are."""
    for each in changes[:MOST_CHANGES]:
        if said := words.change(each):
            yield f"– {said}"
    if len(changes) > MOST_CHANGES:
        yield f"– and {len(changes) - MOST_CHANGES:,} rows more, each of which stands in the attached ledger.json"


def _claimed(body: dict[str, Any]) -> str:
    occurred = body.get("occurred_at")
    said = when(datetime.fromisoformat(occurred), " Said to have happened ", ".") if occurred else ""
    basis = f" Legal basis {body['basis']}." if body.get("basis") else ""
    cause = f" Caused by {body['cause']}." if body.get("cause") else ""
    return f"{said if occurred != body['at'] else ''}{basis}{cause}"


def _detail(detail: dict[str, Any], words: Words) -> str:
    told = [f"{plain(name)} {spoken(value)}" for name, value in detail.items() if name not in {"from", "to"}]
    if "from" in detail and "to" in detail:
        told.insert(0, f"{words.state(detail['from'])} → {words.state(detail['to'])}")
    return capital("; ".join(told))
