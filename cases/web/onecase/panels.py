"""The parts of a case's page that only rearrange what was read: progress, people, periods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cases.kernel import casetypes, clocks
from cases.kernel.casetypes import CaseType
from cases.kernel.office import datasources
from cases.kernel.reading.queries import CaseFile, SealedItem
from cases.kernel.reading.timeline import Entry
from cases.reports.words import capital
from cases.web.wording import field_label, role_label, words

__all__ = ["masked", "running", "steps", "subjects"]


def steps(
    casetype: CaseType, state: str, entries: Sequence[Entry], opened_at: datetime | None = None
) -> list[dict[str, Any]]:
    """Return the progress line: what is behind, where the case stands, what is ahead. The first step is dated by the
    opening of the case, the others as far as `entries` tell of them."""
    lifecycle = casetype.lifecycle
    codes = [code for code, _ in lifecycle.steps]
    here = lifecycle.state(state).step
    at = codes.index(here) if here in codes else -1
    is_off = here not in codes
    reached = dict.fromkeys(codes[:1], opened_at) if opened_at else {}
    reached |= {
        lifecycle.state(entry.detail["to"]).step: entry.at
        for entry in reversed(entries)
        if entry.detail.get("to") and entry.verb.startswith(f"{casetype.code}.")
    }
    # A case that left the line, withdrawn or over, keeps what was done of it.
    last = max((codes.index(code) for code in reached if code in codes), default=-1) if is_off else at
    return [
        {
            "label": label,
            "look": "now" if place == at else "done" if place <= last else "",
            "at": reached.get(code) if place <= last else None,
        }
        for place, (code, label) in enumerate(lifecycle.steps)
    ]


def masked(casetype: CaseType, items: Sequence[SealedItem]) -> list[dict[str, str]]:
    """Return sealed values by what they are called."""
    return [{"code": item.code, "label": field_label(casetype, item.field)} for item in items]


def subjects(file: CaseFile) -> list[dict[str, Any]]:
    """Return the people of a case with their masked values."""
    casetype = casetypes.get(file.case.kind)
    return [
        {
            "number": person.number,
            "role": role_label(casetype, person.role),
            "is_innocent": person.is_innocent and casetype.asks_who_is_innocent,
            "is_detached": person.is_detached and not person.is_erased,
            "is_erased": person.is_erased,
            "source": datasources.told(person.source),
            "values": [] if person.is_erased else masked(casetype, person.items),
            "addresses": [
                {
                    "number": place.number,
                    "kind": words(place.kind),
                    "values": masked(casetype, place.items),
                    "source": datasources.told(place.source),
                }
                for place in ([] if person.is_erased else person.addresses)
            ],
        }
        for person in file.subjects
    ]


def running(file: CaseFile, *, may_extend: bool = False) -> list[dict[str, Any]]:
    """Return the periods that are not over, with their names, and how one is extended where the reader may."""
    plans = casetypes.get(file.case.kind).extensions if may_extend else {}
    found = []
    for clock in file.clocks:
        if clock["ended_at"] is None:
            rule = clock["rule"]
            label = clocks.RULES[rule].label if rule in clocks.RULES else rule
            # It begins with the label, which stands above it.
            told = clock["explanation"].removeprefix(f"{label}: ")
            extension = plans[rule].label if rule in plans else ""
            found.append({**clock, "label": label, "explanation": capital(told), "extension": extension})
    return found
