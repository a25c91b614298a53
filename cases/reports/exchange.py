"""What left the firm and what came back, as entries of a report: releases, messages with each try, callbacks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from cases.kernel import notice
from cases.kernel.models import OutboxMessage, Release
from cases.reports.entries import Entry, lines, when
from cases.reports.records import Records
from cases.reports.words import Words, capital, moment, plain

__all__ = ["callbacks", "messages", "released"]


def released(records: Records, words: Words) -> Iterator[Entry]:
    """Yield each release, and below it one part for each category of data."""
    items = defaultdict(list)
    for item, opened in records.items:
        items[item.release_id].append((item, opened))
    for number, row in enumerate(records.releases, 1):
        yield Entry(
            head=f"Release {number}: {_kind(words, row.message_kind)} to {row.recipient.display_name}",
            lines=lines(
                f"{moment(row.released_at)}, by {words.actor(row.released_by)}. {_message(records, row)}".strip(),
            ),
        )
        for place, (item, opened) in enumerate(items[row.pk], 1):
            yield _item(f"{number}.{place}", item, opened["necessity"])


def _message(records: Records, release: Release) -> str:
    places = {message.pk: place for place, message in enumerate(records.messages, 1)}
    return f"Message {places[release.message_id]}." if release.message_id in places else ""


def _item(number: str, item: Any, necessity: str | None) -> Entry:
    category, grounds = notice.CATEGORIES.get(item.category), notice.grounds(item.clause, item.gateway)
    gateways = "; ".join(f"{each.label}, {each.source}" for each in grounds) or plain(item.gateway)
    clause = notice.CLAUSES.get(item.clause)
    people = "1 person" if item.subject_count == 1 else f"{item.subject_count} people"
    return Entry(
        head=f"Item {number}: {category.label if category else plain(item.category)}, about {people}",
        lines=lines(
            f"Fields: {', '.join(item.fields)}.",
            f"Gateway: {gateways}. Necessary because: {necessity}",
            f"Privacy notice, clause {item.clause}, {', '.join(clause.sentences)}: “{clause.quote}”"
            if clause
            else f"Privacy notice, clause {item.clause}",
            f"It stood on {'; '.join(map(_paper, item.documents))}." if item.documents else "",
        ),
        mark=f"Keyed hash of the values {item.sha256}",
        is_part=True,
    )


def _paper(named: Mapping[str, Any]) -> str:
    need = notice.DOCUMENTS.get(named["code"])
    return f"{need.label if need else plain(named['code'])} ({named['code']}, version {named['version']})"


def _kind(words: Words, code: str) -> str:
    return words.labels["cases.release.message_kind"].get(code, capital(plain(code)))


def messages(records: Records, words: Words) -> Iterator[Entry]:
    """Yield each message, and below it one part for each try to deliver it."""
    tries = defaultdict(list)
    for each in records.tries:
        tries[each.message_id].append(each)
    for number, row in enumerate(records.messages, 1):
        yield Entry(
            head=f"Message {number}: {_kind(words, row.kind)} to {row.channel.agency.display_name}, {row.state}",
            lines=lines(
                f"Promised {moment(row.created_at)}, place {row.seq} in its stream. Reference {row.public_id}.",
                _standing(row),
                None if tries[row.pk] else "No try was made.",
            ),
            mark=f"Body SHA-256 {row.body_sha256}",
        )
        yield from (_try(f"{number}.{each.number}", each) for each in tries[row.pk])


def _standing(row: OutboxMessage) -> str:
    named = ", ".join(f"{each.get('code', '')} at {each.get('pointer', '')}" for each in row.errors)
    return " ".join(
        part
        for part in (
            when(row.delivered_at, "Delivered ", "."),
            when(row.acknowledged_at, "Acknowledged ", "."),
            f"Agency’s reference {row.agency_reference}." if row.agency_reference else "",
            f"Refused: {named}." if named else "",
            f"Resolved by {row.resolved_by}." if row.resolved_by else "",
            when(row.key.destroyed_at, "What it said was erased ", "."),
        )
        if part
    )


def _try(number: str, each: Any) -> Entry:
    outcome = plain(each.outcome) if each.outcome else "outcome unknown"
    status = f", HTTP {each.http_status}" if each.http_status else ""
    facts = (
        moment(each.started_at),
        plain(each.error),
        f"{each.duration_ms} ms" if each.duration_ms is not None else "",
        f"address {each.remote_ip}" if each.remote_ip else "",
        f"signed with key {each.key_names}" if each.key_names else "",
    )
    return Entry(
        head=f"Try {number}: {outcome}{status}",
        lines=lines(
            f"{', '.join(fact for fact in facts if fact)}.",
            f"Request SHA-256 {each.request_sha256}" if each.request_sha256 else None,
            f"Response SHA-256 {each.response_sha256}" if each.response_sha256 else None,
        ),
        is_part=True,
    )


def callbacks(records: Records, words: Words) -> Iterator[Entry]:
    for number, row in enumerate(records.callbacks, 1):
        reason = f", {plain(row.reason)}" if row.reason else ""
        yield Entry(
            head=f"Callback {number}: {row.type or 'unread'} from {row.agency.display_name}, {row.state}{reason}",
            lines=lines(
                f"Received {moment(row.received_at)}, signature verified with key {row.key_name}. "
                f"Message id {row.message_id}.",
                " ".join(
                    part
                    for part in (
                        when(row.occurred_at, "Says it happened ", "."),
                        when(row.applied_at, "Applied ", "."),
                        f"Agency’s reference {row.agency_reference}." if row.agency_reference else "",
                        f"Sequence {row.agency_sequence}." if row.agency_sequence is not None else "",
                    )
                    if part
                ),
            ),
            mark=f"Body SHA-256 {row.body_sha256}",
        )
