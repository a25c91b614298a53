"""The copy to take elsewhere: what the person gave us, as plain data that other systems read, UK GDPR Art 20.

It holds what the person said of themselves, of whichever case, what they have with billing and what they chose; nothing
that somebody else said of them, and nothing that we or an agency found out. Nothing of a restricted matter is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from cases.accounts import reading as billing
from cases.kernel import casetypes, money
from cases.kernel.models import Case, CaseParty
from cases.kernel.outputs.papers import Item, Paper, Part, Written, moment, written_day
from cases.ledger import sealing
from cases.ledger.sealing import Reader
from cases.rights import access, chosen, codes, identity
from cases.rights.held import Held, of_person, why_not_all

__all__ = ["COPY", "why_not", "write"]

# Words to a person, not of theirs, in every kind that keeps both.
_OURS = frozenset({"answer"})
_DAYS = frozenset({"date_of_birth"})


def why_not(case: Case) -> str:
    """Return why no copy is made of a request now, or nothing."""
    if case.rights_request.right != codes.PORT:
        return "A copy to take elsewhere is made of a request for that."
    if not identity.is_known(case):
        return "Check first that it is the person who asks."
    return why_not_all(case)


def write(case: Case, reader: Reader, at: datetime) -> Written:
    """Return the copy as it stands at one moment. Writes the access rows of everything opened."""
    held = of_person(case, reader, at=at)
    told, accounts, choices = _told(held, reader, at=at), _accounts(held), _choices(held)
    cover = (("Request", case.reference), ("As of", moment(at)))
    parts = (
        Part(code="told", title="What you told us", items=_items(told, "matter"), nothing="Nothing."),
        Part(code="accounts", title="Your accounts", items=_items(accounts, "number"), nothing="None is yours."),
        Part(code="choices", title="What you chose", items=_items(choices, "purpose"), nothing="Nothing."),
    )
    data = {
        "schema_version": 1,
        "request": case.reference,
        "as_of": _plain(at),
        "told": told,
        "accounts": accounts,
        "choices": choices,
    }
    return Written(title="What you gave us, to take elsewhere", cover=cover, parts=parts, data=data)


def _told(held: Held, reader: Reader, *, at: datetime) -> list[dict[str, Any]]:
    homes: dict[int, list[dict[str, str]]] = defaultdict(list)
    for home, values in held.places:
        homes[home.party_id].append({"kind": home.kind, **_filled(values)})
    return [
        {
            "matter": party.case.reference,
            "kind": party.case.kind,
            **_filled(values),
            **({"addresses": homes[party.pk]} if homes[party.pk] else {}),
            **_said(party, reader, at=at),
        }
        for party, values in held.parties
        if party.role in casetypes.get(party.case.kind).portable
    ]


def _said(party: CaseParty, reader: Reader, *, at: datetime) -> dict[str, Any]:
    """Return what the person said in a case beside who they are: facts that are theirs, and their own words, opened."""
    case, kind = party.case, casetypes.get(party.case.kind)
    facts = kind.facts._default_manager.filter(pk=case.pk).first()
    if facts is None:
        return {}
    found = {name: _plain(getattr(facts, name)) for name in kind.portable[party.role]}
    words = [name for name in kind.own_words.get(party.role, {}) if name not in _OURS]
    if words:
        wide = replace(reader, streams=(case.uid,))
        (opened,) = sealing.open_rows([facts], tuple(words), reader=wide, at=at)
        found |= _filled(opened)
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _accounts(held: Held) -> list[dict[str, Any]]:
    return [
        {"number": number, "product": holder.account.product, **_filled(values)}
        for holder, values, number in held.accounts
    ]


def _choices(held: Held) -> list[dict[str, Any]]:
    return [
        {
            "purpose": row.purpose,
            "channel": row.channel,
            "allowed": row.is_allowed,
            "said_at": _plain(row.said_at),
            **({"wording_version": row.wording_version} if row.wording_version else {}),
        }
        for row in chosen.rows_of(held)
    ]


def _filled(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _plain(value: Any) -> Any:
    """Return a value as other systems read it: moments in UTC and days by ISO 8601, whole pence as they are."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return value.isoformat() if isinstance(value, date) else value


_WORDS = {**billing.PRODUCTS, **dict(codes.PURPOSES), **dict(codes.CHANNELS), **dict(codes.RIGHTS)}


def _items(rows: Sequence[Mapping[str, Any]], head: str) -> tuple[Item, ...]:
    return tuple(
        Item(
            head=_in_words(head, row[head]),
            rows=tuple((access.label_of(name), _in_words(name, value)) for name, value in row.items() if name != head),
        )
        for row in rows
    )


def _in_words(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int) and name.endswith("_pence"):
        return money.pounds(value)
    if isinstance(value, list):
        return "; ".join(_in_words(name, each) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(str(each) for key, each in value.items() if key != "kind")
    if name.endswith("_at"):
        return moment(datetime.fromisoformat(value))
    return written_day(value) if name in _DAYS else _WORDS.get(str(value), str(value))


COPY = Paper(
    label="Copy to take elsewhere",
    act=access.MAKE,
    file_name="own-data",
    purpose="subject_access",
    write=write,
    why_not=why_not,
)
