"""Asks the register of ties whether a person must not work on a case: declared for it, or on somebody in it.

A tie to a person is kept as blind tokens of their telephone, e-mail or account, made in every space a case can have.
Who has it may read the masked case where their team does, but neither takes, changes nor decides it, nor is shown
what it masks, and learns why.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from cases.kernel.actors import Actor
from cases.kernel.finding import index, terms
from cases.kernel.finding.index import Blinder
from cases.kernel.models import Case, SearchEntry, StaffTie, Team
from cases.ledger import keys, sealing

__all__ = [
    "KINDS",
    "SENTENCE",
    "comparable",
    "groups_of",
    "is_tied",
    "of_person",
    "retoken",
    "tokens",
    "tokens_of",
    "why_not",
]

SENTENCE = "You have a registered tie to somebody in this case. Another person must do this."
# What a person is known by in the register: only what is one person's own.
KINDS: Mapping[str, str] = {"phone": "Telephone", "email": "E-mail", "account": "Account"}


def comparable(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is given of a person in its comparable form, without what is none."""
    found = {kind: terms.EXACT[kind](values.get(kind) or "") for kind in KINDS}
    return {kind: value for kind, value in found.items() if value}


def tokens(values: Mapping[str, str]) -> list[int]:
    """Return the tokens of comparable values in every space and under every version of the index key. One query."""
    return tokens_of(sorted(values.items()))


def tokens_of(pairs: Iterable[tuple[str, str]]) -> list[int]:
    """Return the same of values that are given with their kinds, of one person or of several. One query."""
    return [token for group in groups_of(pairs) for token in group]


def groups_of(pairs: Iterable[tuple[str, str]]) -> list[list[int]]:
    """Return the same, those of one space and one version of the index key together: who has all of a group has every
    value. One query."""
    restricted = Team.objects.filter(is_restricted=True).order_by("pk").values_list("pk", flat=True)
    spaces = [index.OFFICE, *(f"team:{team_id}" for team_id in restricted)]
    blinders = [Blinder(space, version) for space in spaces for version in keys.index_versions()]
    known = list(pairs)
    return [[blinder.token(kind, value) for kind, value in known] for blinder in blinders]


def of_person(user_id: int) -> Exists:
    """Return the condition of a case, in an outer query of cases, to which a person has a live tie."""
    met = SearchEntry.objects.filter(case=OuterRef(OuterRef("pk")), tokens__overlap=OuterRef("entry__tokens"))
    ties = StaffTie.objects.filter(Q(case=OuterRef("pk")) | Exists(met), user_id=user_id, ended_at=None)
    return Exists(ties)


def is_tied(user_id: int, case: Case) -> bool:
    """Say whether a person has a live tie to a case or to somebody in it. One query."""
    return Case.objects.filter(of_person(user_id), pk=case.pk).exists()


def why_not(actor: Actor, case: Case) -> str:
    """Return the sentence why somebody with a live tie does nothing on a case; nothing where they have none. One query
    for staff, none for others."""
    return SENTENCE if actor.user_id is not None and is_tied(actor.user_id, case) else ""


@transaction.atomic
def retoken(*, at: datetime) -> int:
    """Make the tokens of every live tie to a person anew, for the versions of the index key there are now. Returns how
    many changed. What they are made of is read on record."""
    rows = StaffTie.objects.select_for_update(of=("self",)).select_related("entry").filter(case=None, ended_at=None)
    ties, changed = list(rows.order_by("pk")), 0
    reader = sealing.Reader(actor="system:search_index", verb="index", purpose="rebuild_index")
    opened = sealing.open_rows(ties, ("whom",), reader=reader, at=at) if ties else []
    for tie, each in zip(ties, opened, strict=True):
        made = tokens(json.loads(each["whom"] or "{}"))
        if made != tie.entry.tokens:
            tie.entry.tokens = made
            tie.entry.save(update_fields=["tokens"])
            changed += 1
    return changed
