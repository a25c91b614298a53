"""What is computed for each repeat of a case, in the order in which it is computed."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import models

from cases.management.volume.capture import Secret
from cases.management.volume.text import Text

Model = type[models.Model]
NOWHERE = -1


@dataclass(frozen=True)
class Person:
    """A value of a person: its blank, what it is, and which person of the case says it."""

    blank: int
    field: str
    ordinal: int


@dataclass(frozen=True)
class Key:
    """A data key to be made: its row's number, what wraps it, the blanks of its uid and of its wrapped bytes."""

    pk: int
    scope: str
    parent_pk: int | None
    uid: int
    wrapped: int


@dataclass(frozen=True)
class Token:
    """A keyed hash of something of this case: what is hashed, and the blanks of the hash as it is met."""

    purpose: str
    text: Text
    hex: int
    cell: int = NOWHERE
    committed: int = NOWHERE


@dataclass(frozen=True)
class Sealing:
    """A value to be sealed: in clear, where it belongs, and the blanks of what follows from its bytes."""

    secret: Secret
    plain: Text
    encoding: str
    uid: int
    stored: int
    committed: int
    hashes: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Event:
    """An event to be chained: what its hash covers, and the blanks of body and hash as COPY takes them."""

    body: Text
    seq: int
    recorded: int
    id: int
    cell: int
    hash: int


@dataclass(frozen=True)
class Found:
    """What a person is found by: the blank of their number, values in the order of the search index, postcodes."""

    party_id: int
    values: tuple[tuple[str, Text], ...]
    postcodes: tuple[tuple[int, Text], ...]


@dataclass
class Template:
    """One case with blanks for everything that is another's in a repeat."""

    ids: dict[Model, list[int]]
    uuids: list[int]
    people: list[Person]
    reference: int
    year: int
    case_id: int
    numbered: list[tuple[int, str]]
    keys: list[Key] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    sealings: list[Sealing] = field(default_factory=list)
    digests: list[tuple[int, Text, bool]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    account: Text | None = None
    lines: dict[Model, tuple[list[str], Text]] = field(default_factory=dict)
    count: int = 0
