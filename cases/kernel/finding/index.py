"""The only writer of blind tokens: what people, notes and accounts are found by, without being readable.

A token is 64 bits of a keyed hash of one comparable value. The key is the index key's newest version, narrowed to a
space: the office, or one restricted team. Who is not of a space cannot even make its tokens. Tokens lie beside the
sealed rows, never in their history, and are written in the transaction that writes the rows.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from cases.kernel.actors import Actor
from cases.kernel.finding import terms
from cases.kernel.models import Case, CaseAddress, CaseParty, Note, PersonPair, SearchEntry
from cases.ledger import keys

__all__ = [
    "OFFICE",
    "Blinder",
    "add_note",
    "change_address",
    "change_facts",
    "change_note",
    "change_person",
    "forget_case",
    "forget_people",
    "laid",
    "of_facts",
    "of_note",
    "of_person",
    "runs_of",
    "runs_of_place",
    "runs_of_value",
    "searched",
    "space_of",
    "spaces_of",
]

OFFICE = "office"
TOKEN_BYTES = 8
Pair = tuple[str, str]
Runs = dict[str, list[Pair]]

# Fields of a person by what makes their value comparable; a name is found by word, by beginning and by sound.
NAMES: Mapping[str, bool] = {"forename": False, "middle_name": False, "surname": True, "alias": False}
VALUES: Mapping[str, str] = {
    "date_of_birth": "born",
    "phone": "phone",
    "email": "email",
    "account_reference": "account",
    "bank_account": "account",
    "device": "device",
    "ip_address": "ip",
}
# The kernel's one convention about facts: an account is called so in every kind, as intake has it.
FACTS: Mapping[str, str] = {"account_reference": "account"}


def space_of(case: Case) -> str:
    """Return the space in which a case's tokens are made: a restricted case has its team's own."""
    return f"team:{case.team_id}" if case.is_restricted else OFFICE


def spaces_of(actor: Actor) -> list[str]:
    """Return the spaces an actor can search: the office, their teams', and restricted teams' that let them read."""
    return [OFFICE, *(f"team:{team_id}" for team_id in sorted(actor.team_ids | actor.granted_team_ids))]


class Blinder:
    """Makes the tokens of one space under one version of the index key. Lives for one call."""

    def __init__(self, space: str, version: int) -> None:
        self.space, self.version = space, version
        key = hmac.digest(keys.load(f"{keys.INDEX_PREFIX}{version}"), f"search\0{space}".encode(), "sha256")
        self._mac = keys.Mac(key)

    def token(self, kind: str, value: str) -> int:
        """Return the token of one comparable value."""
        digest = self._mac.digest(f"{kind}\0{value}".encode())
        return int.from_bytes(digest[:TOKEN_BYTES], "big", signed=True)

    def entry(self, runs: Runs, **of: Any) -> SearchEntry:
        """Return an unsaved entry that holds the tokens of `runs`."""
        entry = SearchEntry(space=self.space, version=self.version, **of)
        _lay(entry, self.blind(runs))
        return entry

    def blind(self, runs: Runs) -> dict[str, list[int]]:
        """Return the tokens of `runs`."""
        return {name: [self.token(*pair) for pair in pairs] for name, pairs in runs.items()}


def current(case: Case) -> Blinder:
    """Return what blinds new values of a case."""
    return Blinder(space_of(case), keys.index_versions()[-1])


def laid(runs: Mapping[str, Sequence[int]]) -> tuple[list[int], str]:
    """Return the tokens of an entry in one row, and the layout that says which of them is what."""
    held = {name: tokens for name, tokens in runs.items() if tokens}
    layout = " ".join(f"{name} {len(tokens)}" for name, tokens in held.items())
    return list(chain.from_iterable(held.values())), layout


def _lay(entry: SearchEntry, runs: Mapping[str, Sequence[int]]) -> None:
    entry.tokens, entry.layout = laid(runs)


def runs_of(entry: SearchEntry) -> dict[str, list[int]]:
    """Return the tokens of an entry by the name of their run."""
    found, at = {}, 0
    parts = entry.layout.split()
    for name, length in zip(parts[::2], map(int, parts[1::2]), strict=True):
        found[name] = entry.tokens[at : at + length]
        at += length
    return found


def runs_of_value(field: str, text: str | None) -> Runs:
    """Return what one field of a person is found by; empty runs where the value is gone."""
    if field in NAMES:
        runs: Runs = {f"{field}.{kind}": [] for kind in ("word", "start", "sound")}
        for kind, value in terms.of_name(text or "", as_one=NAMES[field]):
            runs[f"{field}.{kind}"].append((kind, value))
        return runs
    return {field: _exact(VALUES[field], text)}


def _exact(kind: str, text: str | None) -> list[Pair]:
    """Return what a field is found by: one value, or one on each line of it."""
    values = (terms.EXACT[kind](line) for line in (text or "").splitlines())
    return [(kind, value) for value in dict.fromkeys(values) if value]


def runs_of_place(number: int, postcode: str | None) -> Runs:
    """Return what an address of this id is found by."""
    return {f"{kind}-{number}": _exact(kind, postcode) for kind in ("postcode", "outward")}


def searched(values: Mapping[str, Any]) -> list[str]:
    """Return the fields among `values` that a person is found by, in the order of their runs."""
    return [name for name in (*NAMES, *VALUES) if name in values]


def of_person(
    blinder: Blinder, party: CaseParty, values: Mapping[str, str | None], postcodes: Iterable[tuple[int, str | None]]
) -> SearchEntry:
    """Return the unsaved entry of a person: values as text, postcodes by the id of their address."""
    runs: Runs = {}
    for name in searched(values):
        runs |= runs_of_value(name, values[name])
    for number, postcode in postcodes:
        runs |= runs_of_place(number, postcode)
    return blinder.entry(runs, case_id=party.case_id, party_id=party.pk)


def of_note(blinder: Blinder, note: Note, text: str) -> SearchEntry:
    """Return the unsaved entry of a note: its whole words."""
    return blinder.entry(
        {"note": [("note", word) for word in terms.note_words(text)]}, case_id=note.case_id, note_id=note.pk
    )


def of_facts(blinder: Blinder, case: Case, facts: Mapping[str, Any]) -> SearchEntry:
    """Return the unsaved entry of a case's own facts. Every case has one, if only to say under which key it stands."""
    runs = {name: _exact(kind, facts.get(name)) for name, kind in FACTS.items()}
    return blinder.entry(runs, case_id=case.pk)


def add_note(note: Note, text: str) -> None:
    """Write the tokens of a new note. One statement."""
    of_note(current(note.case), note, text).save(force_insert=True)


def change_note(note: Note, text: str) -> None:
    """Replace the tokens of a note. Two statements."""
    SearchEntry.objects.filter(note=note).delete()
    add_note(note, text)


def change_person(party: CaseParty, values: Mapping[str, str | None]) -> None:
    """Replace the tokens of what changed about a person whose case is locked. Two statements, or none."""
    runs: Runs = {}
    for name in searched(values):
        runs |= runs_of_value(name, values[name])
    _replace(runs, party=party)


def change_address(address: CaseAddress, values: Mapping[str, str | None]) -> None:
    """Replace the tokens of an address, or add those of a new one, when its postcode is given."""
    if "postcode" in values:
        _replace(runs_of_place(address.pk, values["postcode"]), party_id=address.party_id)


def change_facts(case: Case, values: Mapping[str, Any]) -> None:
    """Replace the tokens of what changed in a locked case's facts."""
    runs = {name: _exact(kind, values[name]) for name, kind in FACTS.items() if name in values}
    _replace(runs, case=case, party=None, note=None)


def _replace(runs: Runs, **of: Any) -> None:
    """Rewrite some runs of one entry under its own key. What was written before there was an index awaits a rebuild."""
    entry = SearchEntry.objects.select_for_update().filter(**of).first() if runs else None
    if entry is None:
        return
    blinder = Blinder(entry.space, entry.version)
    _lay(entry, runs_of(entry) | blinder.blind(runs))
    entry.compared_at = None
    entry.save(update_fields=["tokens", "layout", "compared_at"])


def forget_people(party_ids: Iterable[int]) -> None:
    """Remove every token of people who are detached or erased, and pairs nobody has decided."""
    ids = list(party_ids)
    SearchEntry.objects.filter(party__in=ids).delete()
    undecided = PersonPair.objects.filter(state="offered")
    (undecided.filter(first__in=ids) | undecided.filter(second__in=ids)).delete()


def forget_case(case: Case) -> None:
    """Remove every token of a case that is erased: its facts, people and notes."""
    forget_people(case.parties.values_list("pk", flat=True))
    SearchEntry.objects.filter(case=case).delete()
