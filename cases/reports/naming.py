"""What the rows of one case are called in its report: person 2, document 1, period Triage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Model

from cases.kernel import clocks
from cases.reports.records import Records

__all__ = ["row_names"]

Place = tuple[str, Any]
# Lists whose rows are called by their place in it, as the chapters number them.
COUNTED = {
    "approvals": "approval",
    "releases": "release",
    "messages": "message",
    "letters": "letter",
    "reports": "report",
    "tasks": "task",
    "holds": "hold",
}


def row_names(found: Records, labels: Mapping[str, Mapping[str, str]]) -> dict[Place, str]:
    """Return the name of every row the events of a case may speak of, by model and primary key."""
    return {
        ("cases.case", found.case.pk): "case",
        **{("cases.team", pk): name for pk, name in found.teams.items()},
        **dict(_people(found, labels["cases.caseparty.role"])),
        **dict(_papers(found, labels["cases.evidence.kind"])),
        **dict(_counted(found)),
        **dict(_correspondents(found)),
        **dict(_of_the_family(found.family.values())),
    }


def _place(row: Model) -> Place:
    return row._meta.label_lower, row.pk


def _people(found: Records, roles: Mapping[str, str]) -> Iterator[tuple[Place, str]]:
    names = {}
    for party, _ in found.parties:
        names[party.pk] = f"person {party.number} ({roles.get(party.role, party.role)})"
        yield _place(party), names[party.pk]
    for address, _ in found.addresses:
        yield _place(address), f"address of {names[address.party_id]}"


def _papers(found: Records, kinds: Mapping[str, str]) -> Iterator[tuple[Place, str]]:
    for document, _ in found.documents:
        yield _place(document), f"document {document.number} ({kinds.get(document.kind, document.kind)})"
    for number, (note, _) in enumerate(found.notes, 1):
        yield _place(note), f"note {number}"
    for clock in found.clocks:
        rule = clocks.RULES.get(clock.rule)
        yield _place(clock), f"period {rule.label if rule else clock.rule}"


def _counted(found: Records) -> Iterator[tuple[Place, str]]:
    for attribute, word in COUNTED.items():
        for number, row in enumerate(getattr(found, attribute), 1):
            yield _place(row), f"{word} {number}"


def _correspondents(found: Records) -> Iterator[tuple[Place, str]]:
    for release in found.releases:
        yield ("cases.agency", release.recipient_id), release.recipient.display_name
    for message in found.messages:
        yield ("cases.channel", message.channel_id), f"channel to {message.channel.agency.display_name}"


def _of_the_family(told: Iterable[Any]) -> Iterator[tuple[Place, str]]:
    """Yield what the family's own rows call themselves; it hands them over for its part of the report."""
    for listed in told:
        if isinstance(listed, list):
            yield from ((_place(row), str(row)) for row in listed if isinstance(row, Model))
