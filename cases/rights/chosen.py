"""What a person chose, in words: for the pack of access and for the page of a person."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from cases.kernel.casetypes import Table
from cases.kernel.models import CaseParty
from cases.kernel.outputs.papers import filled, moment
from cases.rights import choices, codes
from cases.rights.held import Held, is_beside, own_reaches
from cases.rights.models import Choice

__all__ = ["person_tables", "rows_of", "told_choices"]


def person_tables(people: Collection[CaseParty]) -> list[Table]:
    """Return what a person allowed and stopped in the requests among these rows: what for, by which way, when, how, to
    which wording, and whether it still counts. One query; opens no sealed value."""
    cases = {row.case_id for row in people if row.role == "person" and not row.is_detached}
    rows = Choice.objects.filter(case__in=cases).exclude(is_allowed=True, case__state="void").select_related("case")
    if not cases:
        return []
    return [
        Table(
            title="Choices",
            columns=("What for", "By", "They said", "Since", "How", "Wording they saw", "Case", "Counts"),
            rows=tuple(
                (said.purpose, said.channel, "Yes" if said.is_allowed else "No", *_of_choice(row), _counts(said))
                for row, said in _in_words(rows)
            ),
            empty="They chose nothing: text, e-mail, records of use and others' products are off.",
        )
    ]


def _of_choice(row: Choice) -> tuple[str, str, str, str]:
    how = dict(codes.CAME_BY).get(row.source, row.source)
    return (moment(row.said_at), how, row.wording_version or "None named", row.case.reference)


def _counts(said: Said) -> str:
    return "Yes" if said.is_newest else "No, a later one does"


@dataclass(frozen=True, kw_only=True)
class Said:
    """One choice in words: what for, by which way, yes or no, when, how, and whether it still counts."""

    purpose: str
    channel: str
    is_allowed: bool
    is_newest: bool
    rows: tuple[tuple[str, str], ...]


def told_choices(held: Held) -> list[Said]:
    """Return every choice of a person in words, the newest first. One query."""
    return [said for _, said in _in_words(_of(held))]


def rows_of(held: Held) -> list[Choice]:
    """Return every choice of a person, the newest first, each once however many of their ways it is kept by."""
    return [row for row, _ in _in_words(_of(held))]


def _of(held: Held) -> QuerySet[Choice]:
    """Return what a person said in requests of theirs, and what was said by their telephone or e-mail. A home and an
    account may be another's too."""
    hashes = [token for each in own_reaches(held) for token in choices.tokens(each)]
    own = [party.case_id for party, _ in held.parties if not is_beside(party)]
    rows = Choice.objects.filter(Q(token__in=hashes) | Q(case__in=own)).exclude(is_allowed=True, case__state="void")
    return rows.select_related("case")


def _in_words(rows: QuerySet[Choice]) -> list[tuple[Choice, Said]]:
    ordered = rows.order_by("-said_at", "is_allowed", "-pk")
    once = {(row.case_id, row.purpose, row.channel, row.is_allowed, row.said_at): row for row in ordered}
    seen: set[tuple[str, str]] = set()
    return [(row, _said(row, seen)) for row in once.values()]


def _said(row: Choice, seen: set[tuple[str, str]]) -> Said:
    is_newest = seen.isdisjoint({(row.purpose, row.channel), (row.purpose, codes.ALL)})
    seen.add((row.purpose, row.channel))
    return Said(
        purpose=dict(codes.PURPOSES).get(row.purpose, row.purpose),
        channel=dict(codes.CHANNELS).get(row.channel, "every way"),
        is_allowed=row.is_allowed,
        is_newest=is_newest,
        rows=filled(
            ("You said", "Yes" if row.is_allowed else "No"),
            ("Since", moment(row.said_at)),
            ("How", dict(codes.CAME_BY).get(row.source, row.source)),
            ("Wording you saw", row.wording_version),
            ("On record in", row.case.reference),
            ("Counts", "Yes" if is_newest else "No, a later one does"),
        ),
    )
