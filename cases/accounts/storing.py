"""Takes in what billing tells of accounts: new ones by COPY, changed ones with their history, equal ones not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection

from cases.accounts.models import Account, AccountFlag, AccountHolder
from cases.accounts.reading import HOLDER_COLUMNS, Fault, Row
from cases.kernel import casetypes
from cases.kernel.finding import index, terms
from cases.ledger import copying, keys, sealing

__all__ = ["SOURCE", "Outcome", "find", "find_each", "store"]

SOURCE = "own-billing"
TOKEN, CONTENT = "account_number", "account_row"
# Whatever takes accounts in waits for the one before it, so that two feeds never add one account twice.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('cases.accounts'))"
# One parameter of a thousand tokens: a thousand parameters would cost more than the looking up.
_ANY_OF = "cases_account.token = ANY(%s)"
_DEFAULT = ("default_date", "default_pence")
_PLAIN = [
    each.name for each in Account._meta.concrete_fields if each.name not in {"id", "uid", "token", "key", "number"}
]


@dataclass
class Outcome:
    """What became of rows: how many of each, the fault of each refused one by its place, and what was not taken of one
    that was else taken in."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: dict[int, Fault] = field(default_factory=dict)
    kept: dict[int, Fault] = field(default_factory=dict)


@dataclass(frozen=True)
class _Told:
    """A row with the hashes of its number and of all it says, newest key first."""

    place: int
    row: Row
    tokens: tuple[bytes, ...]
    contents: tuple[bytes, ...]


def find(number: str) -> Account | None:
    """Return the account with this number, however it is written. One query."""
    return find_each([number])[0]


def find_each(numbers: Sequence[str]) -> list[Account | None]:
    """Return for each number its account, however it is written, or None. One query, whatever the number."""
    sought = [[bytes(each) for each in sealing.kept_hashes(TOKEN, terms.account(number))] for number in numbers]
    rows = Account.objects.filter(token__in=[token for tokens in sought for token in tokens])
    known = {bytes(row.token): row for row in rows}
    return [next((known[token] for token in tokens if token in known), None) for tokens in sought]


def store(rows: Sequence[Row], *, at: datetime) -> Outcome:
    """Take rows in under the current ledger action. Waits for any other taking in; locks the accounts it changes.

    A row equal to the last one of its account changes nothing. One that is older, or tells another default than is
    known, is refused; the others go in. Of one that tells no default any more the default is kept, and the rest goes
    in: what it says of a payment, a death or a dispute stops the collecting.
    """
    outcome = Outcome()
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)
    told = _told(rows)
    known = {
        bytes(each.token): each
        for each in Account.objects.extra(where=[_ANY_OF], params=[[token for each in told for token in each.tokens]])
        .select_related("key")
        .select_for_update(of=("self",))
        .order_by("pk")
    }
    seen: set[bytes] = set()
    added: list[_Told] = []
    changed: list[tuple[_Told, Account]] = []
    for each in told:
        account = next((known[token] for token in each.tokens if token in known), None)
        if each.tokens[0] in seen:
            outcome.refused[each.place] = Fault("account", "repeated")
            continue
        seen.add(each.tokens[0])
        if account is None:
            added.append(each)
        elif bytes(account.content) in each.contents:
            outcome.unchanged += 1
        elif fault := _why_not(account, each.row):
            outcome.refused[each.place] = fault
        else:
            if any(each.row.account[name] is None and getattr(account, name) is not None for name in _DEFAULT):
                outcome.kept[each.place] = Fault("default_date", "default_kept")
            changed.append((each, account))
    new = _add(added, at=at)
    _change(changed, at=at)
    _tell("accounts_changed", [account.pk for _, account in changed], at=at)
    _tell("accounts_added", new, at=at)
    outcome.added, outcome.changed = len(added), len(changed)
    return outcome


def _tell(what: str, accounts: Sequence[int], *, at: datetime) -> None:
    """Let the families do what follows from changed or new accounts, in the same transaction."""
    for casetype in casetypes.all_types() if accounts else ():
        if follow := casetype.reacts.get(what):
            follow(accounts, at=at)


def _told(rows: Sequence[Row]) -> list[_Told]:
    numbers = _hashes(TOKEN, [terms.account(row.number) for row in rows])
    contents = _hashes(CONTENT, [row.canonical() for row in rows])
    return [
        _Told(place, row, tokens, content)
        for place, (row, tokens, content) in enumerate(zip(rows, numbers, contents, strict=True))
    ]


def _hashes(purpose: str, values: Sequence[str | bytes]) -> list[tuple[bytes, ...]]:
    under = [keys.keyed_hashes(purpose, values, version=name) for name in keys.index_keys()]
    return list(zip(*under, strict=True))


def _why_not(account: Account, row: Row) -> Fault | None:
    """Return why a row does not follow what is known of its account."""
    told = row.account
    if told["as_of"] < account.as_of:
        return Fault("as_of", "older_than_known")
    for name in _DEFAULT:
        before = getattr(account, name)
        if None not in (before, told[name]) and told[name] != before:
            return Fault(name, "default_is_fixed")
    return None


def _add(told: Sequence[_Told], *, at: datetime) -> list[int]:
    """Copy in accounts that are new, with a key for each of them and for each of their holders; return their ids."""
    if not told:
        return []
    people = sum(len(each.row.holders) for each in told)
    own = iter(sealing.new_sealers(len(told) + people, "account", at=at))
    accounts = copying.copy_create(
        Account, (_account(each, next(own)) for each in told), many=len(told), is_changed_later=False
    )
    blind = Blind()
    holders = (
        _holder(account, ordinal, values, as_of=each.row.account["as_of"], sealer=next(own), blind=blind)
        for each, account in zip(told, accounts, strict=True)
        for ordinal, values in enumerate(each.row.holders, start=1)
    )
    copying.copy_create(AccountHolder, holders, many=people, is_changed_later=False)
    flags = [
        _flag(account, *flag) for each, account in zip(told, accounts, strict=True) for flag in each.row.flags.items()
    ]
    copying.copy_create(AccountFlag, flags)
    return [account.pk for account in accounts]


def _account(told: _Told, sealer: sealing.Sealer) -> Account:
    given = {"token": told.tokens[0], "content": told.contents[0], "key_id": sealer.key.pk}
    account = copying.draft(Account, {**told.row.account, **given})
    sealer.seal(account, {"number": told.row.number})
    return account


def _holder(
    account: Account,
    ordinal: int,
    values: Mapping[str, Any],
    *,
    as_of: date,
    sealer: sealing.Sealer,
    blind: Blind,
) -> AccountHolder:
    given = {"account_id": account.pk, "ordinal": ordinal, "key_id": sealer.key.pk, "index_version": blind.version}
    holder = copying.draft(AccountHolder, {**given, "tokens": blind.tokens(values)})
    sealer.seal(holder, {name: values.get(name) for name in HOLDER_COLUMNS})
    for day, told in _DATED.items():
        if any(values.get(name) for name in told):
            setattr(holder, day, values.get(day, as_of))
    return holder


# What each day of a holder is about. Where billing tells none, it is known since billing told it first.
_DATED = {"phone_date": ("phone",), "address_date": ("line_1", "town", "postcode")}


def _date(holder: AccountHolder, values: Mapping[str, Any], before: Mapping[str, object], *, as_of: date) -> None:
    """Write of what a holder is known by since when: as billing tells it, or since it told it first."""
    for day, told in _DATED.items():
        is_new = any(getattr(holder, name) != before[name] for name in told)
        if not any(values.get(name) for name in told):
            setattr(holder, day, None)
        elif is_new or day in values:
            setattr(holder, day, values.get(day, as_of))


def _change(told: Sequence[tuple[_Told, Account]], *, at: datetime) -> None:
    """Bring known accounts up to what was told: their columns, their people, their flags."""
    if not told:
        return
    accounts = [account for _, account in told]
    for each, account in told:
        account.content = each.contents[0]
        for name, value in each.row.account.items():
            if name not in _DEFAULT or value is not None:
                setattr(account, name, value)
    copying.copy_update(Account, accounts, _PLAIN)
    people = AccountHolder.objects.filter(account__in=accounts).select_related("key").order_by("ordinal")
    flags = AccountFlag.objects.filter(account__in=accounts, source=SOURCE, ended_date=None)
    held: dict[int, list[AccountHolder]] = {each.pk: [] for each in accounts}
    for person in people.select_for_update(of=("self",)):
        held[person.account_id].append(person)
    open_flags: dict[int, list[AccountFlag]] = {each.pk: [] for each in accounts}
    for flag in flags.select_for_update():
        open_flags[flag.account_id].append(flag)
    blind = Blind()
    for each, account in told:
        _change_people(account, each.row, held[account.pk], blind, at=at)
        _change_flags(account, each.row, open_flags[account.pk])


def _change_people(account: Account, row: Row, known: list[AccountHolder], blind: Blind, *, at: datetime) -> None:
    """Give each person told the row of the one who is the same; a new one gets a key, one who is gone an end.

    Equal texts are equal ciphertexts under one key, so nothing is opened to compare.
    """
    live = [each for each in known if each.ended_date is None]
    last = max((each.ordinal for each in known), default=0)
    same_as = _paired(live, row.holders)
    for place, values in enumerate(row.holders):
        same = same_as.get(place)
        if same is None:
            last += 1
            (sealer,) = sealing.new_sealers(1, "account", at=at)
            made = _holder(account, last, values, as_of=row.account["as_of"], sealer=sealer, blind=blind)
            made.save(force_insert=True)
            continue
        live.remove(same)
        before = {name: getattr(same, name) for name in (*HOLDER_COLUMNS, *_DATED)}
        sealing.seal(same, {name: values.get(name) for name in HOLDER_COLUMNS}, key=same.key)
        _date(same, values, before, as_of=row.account["as_of"])
        if before != {name: getattr(same, name) for name in before}:
            same.tokens, same.index_version = blind.tokens(values), blind.version
            same.save()
    for gone in live:
        gone.ended_date, gone.tokens = row.account["as_of"], []
        gone.save()


# Who is the same person, the surest first: what is equal, what may at most be missing on one side.
_SAME: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (frozenset({"surname", "date_of_birth", "forename"}), frozenset()),
    (frozenset({"surname", "date_of_birth"}), frozenset()),
    (frozenset({"date_of_birth", "forename"}), frozenset()),
    (frozenset({"surname", "forename"}), frozenset({"date_of_birth"})),
    (frozenset({"date_of_birth"}), frozenset({"forename"})),
    (frozenset({"surname"}), frozenset({"date_of_birth", "forename"})),
)


def _paired(live: Sequence[AccountHolder], told: Sequence[Mapping[str, str]]) -> dict[int, AccountHolder]:
    """Return who of the people on record is whom of those told, by place: the surest pairs first, so that two of one
    surname never change places. A surname alone, with two different dates of birth or forenames, is another person;
    but who is the only one on record and the only one told, by surname and without another birth, is the same."""
    equal = {(place, each.pk): _compared(each, values) for place, values in enumerate(told) for each in live}
    found: dict[int, AccountHolder] = {}
    alone = len(live) == len(told) == 1
    rules = (*_SAME, (frozenset({"surname"}), frozenset({"date_of_birth"}))) if alone else _SAME
    for same, missing in rules:
        for place in range(len(told)):
            if place in found:
                continue
            for each in live:
                if each in found.values():
                    continue
                compared = equal[place, each.pk]
                if all(compared[name] for name in same) and all(compared[name] is None for name in missing):
                    found[place] = each
                    break
    return found


def _compared(holder: AccountHolder, values: Mapping[str, str]) -> dict[str, bool | None]:
    """Say of each name whether it is equal; nothing where one side does not say it."""
    names = ("surname", "forename", "date_of_birth")
    told = AccountHolder(uid=holder.uid)
    sealing.seal(told, {name: values.get(name) for name in names}, key=holder.key)
    pairs = {name: (getattr(holder, name), getattr(told, name)) for name in names}
    return {name: None if None in pair else pair[0] == pair[1] for name, pair in pairs.items()}


def _change_flags(account: Account, row: Row, known: list[AccountFlag]) -> None:
    """End what billing no longer says, with the day of its balance; begin what is new."""
    told = dict(row.flags)
    for flag in known:
        if told.pop(flag.code, None) != flag.began_date:
            flag.ended_date = row.account["as_of"]
            flag.save()
            if flag.code in row.flags:
                told[flag.code] = row.flags[flag.code]
    for code, day in told.items():
        _flag(account, code, day).save(force_insert=True)


def _flag(account: Account, code: str, day: date) -> AccountFlag:
    return AccountFlag(account=account, code=code, source=SOURCE, began_date=day)


class Blind:
    """Makes the tokens by which holders are found, under the newest index key, in the office's space."""

    def __init__(self) -> None:
        self.version = keys.index_versions()[-1]
        self._blinder = index.Blinder(index.OFFICE, self.version)
        self._made: dict[tuple[str, str], list[int]] = {}

    def tokens(self, values: Mapping[str, str]) -> list[int]:
        """Return the tokens of one person. Names, days and postcodes come again and again: each is hashed once."""
        found: set[int] = set()
        for name in _FOUND_BY:
            if text := values.get(name):
                if (known := self._made.get((name, text))) is None:
                    known = [self._blinder.token(*pair) for pair in _found_by(name, text)]
                    self._made[name, text] = known
                found.update(known)
        return sorted(found)


# What a holder is found by, and as what kind of value; names by their words and sounds.
_FOUND_BY = {
    "forename": "",
    "surname": "",
    "date_of_birth": "born",
    "postcode": "postcode",
    "phone": "phone",
    "email": "email",
}


def _found_by(name: str, text: str) -> Iterable[tuple[str, str]]:
    """Yield each kind and value by which one field of a holder is found."""
    if kind := _FOUND_BY[name]:
        if value := terms.EXACT[kind](text):
            yield kind, value
        return
    for word in terms.words(text, as_one=name == "surname"):
        yield f"{name}.word", word
        yield from ((f"{name}.sound", sound) for sound in terms.sounds(word))
