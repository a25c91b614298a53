"""What a row of the billing feed may say, in JSON and in CSV. One table of columns; a fault has a column and a code."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from cases.kernel import formats
from cases.kernel.calendars import JURISDICTIONS
from cases.kernel.finding import terms

__all__ = [
    "COLUMNS",
    "EXAMPLE",
    "FAULTS",
    "FLAGS",
    "OF_A_PERSON",
    "HOLDERS",
    "HOLDER_COLUMNS",
    "HOLDER_DAYS",
    "PAID_BY",
    "PRODUCTS",
    "STATUSES",
    "TOLD",
    "Fault",
    "Row",
    "RowRefused",
    "names",
    "needed",
    "read",
    "schema",
    "written",
]

PRODUCTS = {"broadband": "Broadband", "landline": "Landline", "mobile": "Mobile", "tv": "Television"}
PAID_BY = {
    "bank_transfer": "Bank transfer",
    "card": "Card",
    "cash": "Cash or at a counter",
    "direct_debit": "Direct debit",
    "top_up": "Top-up",
}
# How an account was kept in a month, as credit reference agencies are told it.
STATUSES = {
    "0": "Up to date",
    **{str(count): f"{count} payment{'s' if count > 1 else ''} behind" for count in range(1, 6)},
    "6": "Six or more payments behind",
    "8": "Default",
    "U": "Not known",
    "D": "Dormant",
    "S": "Settled",
}
# What an agency may have been told of an account, in a file or by itself.
TOLD = STATUSES | {"off_file": "Off the file"}
# What billing says stands against collecting. Holds of our own cases come beside them.
FLAGS = {
    "adr": "Complaint at the ombudsman",
    "bankruptcy": "Bankruptcy",
    "complaint": "Open complaint",
    "debt_plan": "Debt management plan",
    "debt_relief_order": "Debt relief order",
    "deceased": "Customer has died",
    "dispute": "Bill in dispute",
    "forces": "On operations with the Forces",
    "fraud_suspect": "Fraud suspected, under review",
    "fraud_victim": "Victim of fraud",
    "gone_away": "No longer at the address",
    "hospital": "In hospital",
    "iva": "Individual voluntary arrangement",
    "judgment": "Judgment of a court",
    "minor": "Under 18",
    "payment_arrangement": "Pays by arrangement",
    "prison": "In prison",
    "promise": "Promised to pay",
    "protected_trust_deed": "Protected trust deed",
    "sequestration": "Sequestration",
    "vulnerable": "Needs support",
}
# What is said of one holder, not of the account.
OF_A_PERSON = frozenset(
    {
        *("bankruptcy", "debt_plan", "debt_relief_order", "deceased", "forces", "fraud_victim", "gone_away"),
        *("hospital", "iva", "minor", "prison", "protected_trust_deed", "sequestration", "vulnerable"),
    }
)
HOLDERS = 2
LONGEST, EARLIEST_BIRTH = 120, 1900
_UNWRITTEN = frozenset({"Cc", "Zl", "Zp"})
_AS_TOLD = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)
# Columns that a feed may have since a later release. Where it does not say them, a row hashes as it did before.
_LATER = frozenset({"contract_start_date", "payment_pence", "payments_behind", "fees_date", "paid_by"})
FAULTS = {
    "missing": "It is needed.",
    "too_long": "It is too long.",
    "not_a_date": "It is not a date like 2026-11-22.",
    "not_one_line": "It has a line break, or a sign that nobody sees.",
    "not_of_the_living": "It is before 1900.",
    "before_the_start": "It lies before the start of the contract.",
    "not_pence": "It is not a whole number; money is in whole pence.",
    "negative": "It cannot be below nought.",
    "too_many": "It is more than 999.",
    "not_a_code": "It is none of the codes.",
    "not_yes_or_no": "It is neither yes nor no.",
    "not_a_postcode": "It is not a postcode of the United Kingdom.",
    "not_a_phone": "It is not a telephone number.",
    "not_an_email": "It is not an e-mail address.",
    "has_card_number": "It looks like a card number, which is never kept.",
    "in_the_future": "It lies after the day of the balance, or the balance is of a day to come.",
    "without_the_other": "A default has a date and a balance.",
    "default_is_fixed": "The date and balance of a default never change.",
    "default_kept": "It tells no default, and one is known: that stays, and the rest was taken in.",
    "older_than_known": "A later balance of this account is known.",
    "repeated": "The account stands in this part of the file already.",
    "columns": "The row has another number of columns than the heading.",
}


@dataclass(frozen=True)
class Fault:
    """Why a row cannot be taken in: the column and a code of FAULTS."""

    column: str
    code: str


class RowRefused(Exception):
    """The row cannot be taken in."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__()
        self.faults = faults


class _Wrong(Exception):
    """One value cannot be read; the message is a code of FAULTS."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One account as told: plain columns of the account, its holders as text, and its flags with their days."""

    number: str
    account: Mapping[str, Any]
    holders: tuple[Mapping[str, Any], ...]
    flags: Mapping[str, date]

    def canonical(self) -> bytes:
        """Return all that was told in one fixed form, to be hashed under a key."""
        account = {name: value for name, value in self.account.items() if name not in _LATER or value is not None}
        told = [self.number, account, [dict(each) for each in self.holders], dict(self.flags)]
        written = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
        return written if written.isascii() else _AS_TOLD.encode(told).encode()  # as it was hashed from the first


def _text(value: str) -> str:
    if len(value) > LONGEST:
        raise _Wrong("too_long")
    if not value.isprintable() and any(unicodedata.category(sign) in _UNWRITTEN for sign in value):
        raise _Wrong("not_one_line")
    if formats.has_card_number(value):
        raise _Wrong("has_card_number")
    return value


def _number(value: str) -> str:
    if len(value) > 40:
        raise _Wrong("too_long")
    if not terms.account(value):
        raise _Wrong("missing")
    return value.upper()


def _day(value: str) -> date:
    try:
        if len(value) != 10 or value[4] + value[7] != "--":  # nor a week of a year
            raise ValueError
        return date.fromisoformat(value)
    except ValueError:
        raise _Wrong("not_a_date") from None


def _pence(value: str) -> int:
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 12:
        raise _Wrong("not_pence")
    return int(value)


def _not_negative(value: str) -> int:
    if (found := _pence(value)) < 0:
        raise _Wrong("negative")
    return found


def _count(value: str) -> int:
    if (found := _not_negative(value)) > 999:
        raise _Wrong("too_many")
    return found


def _yes(value: str) -> bool:
    if value.lower() not in {"yes", "no"}:
        raise _Wrong("not_yes_or_no")
    return value.lower() == "yes"


def _one_of(codes: Mapping[str, object]) -> Callable[[str], str]:
    def read_code(value: str) -> str:
        if value not in codes:
            raise _Wrong("not_a_code")
        return value

    return read_code


def _birth(value: str) -> str:
    if (found := _day(value)).year < EARLIEST_BIRTH:
        raise _Wrong("not_of_the_living")
    return found.isoformat()


def _postcode(value: str) -> str:
    if not terms.postcode(value):
        raise _Wrong("not_a_postcode")
    return value.upper()


def _phone(value: str) -> str:
    if len(value) > 24 or not terms.phone(value):
        raise _Wrong("not_a_phone")
    return value


def _email(value: str) -> str:
    if len(value) > LONGEST or not terms.email(value):
        raise _Wrong("not_an_email")
    return value


def _flags(value: str) -> dict[str, date]:
    """Read `code:day` parted by semicolons."""
    found = {}
    for each in value.split(";"):
        code, _, day = each.strip().partition(":")
        if code not in FLAGS:
            raise _Wrong("not_a_code")
        found[code] = _day(day)
    return found


@dataclass(frozen=True)
class Column:
    """One column: how its text is read, whether a row needs it, and how it is written where its reader does not say."""

    read: Callable[[str], Any]
    is_needed: bool = False
    written: str = ""


def _of(codes: Mapping[str, object], **more: Any) -> Column:
    return Column(_one_of(codes), written=f"One of {', '.join(codes)}.", **more)


# How a value is written, by what reads it.
_WRITTEN: dict[Callable[[str], Any], str] = {
    _day: "A day, as 2026-11-22.",
    _birth: "A day, as 1988-04-17.",
    _pence: "Whole pence, as 31246; below nought where the firm owes.",
    _not_negative: "Whole pence, as 31246.",
    _count: "A whole number, at most 999.",
    _yes: "yes or no; no where nothing is said.",
    _flags: f"Each with the day since when, as dispute:2026-11-01, parted by semicolons: {', '.join(FLAGS)}.",
    _number: "At most 40 characters.",
    _phone: "A telephone number, as 07700 900734 or +447700900734.",
    _email: "An e-mail address.",
    _postcode: "A postcode of the United Kingdom.",
    _text: f"One line of at most {LONGEST} characters.",
}


def written(called: str) -> str:
    """Return how the value of a column of the file or the call is written."""
    column = _BY_NAME[called]
    return column.written or _WRITTEN.get(column.read, "")


COLUMNS: dict[str, Column] = {
    "account": Column(_number, is_needed=True),
    "product": _of(PRODUCTS, is_needed=True),
    "jurisdiction": _of(JURISDICTIONS, is_needed=True),
    "as_of": Column(_day, is_needed=True),
    "balance_pence": Column(_pence, is_needed=True),
    "fees_pence": Column(_not_negative),
    "final_bill_date": Column(_day),
    "oldest_unpaid_date": Column(_day),
    "last_payment_date": Column(_day),
    "last_payment_pence": Column(_not_negative),
    "acknowledged_date": Column(_day),
    "contract_end_date": Column(_day),
    "default_date": Column(_day),
    "default_pence": Column(_not_negative),
    "is_regulated_credit": Column(_yes),
    "is_business": Column(_yes),
    "contract_start_date": Column(_day),
    "payment_pence": Column(_not_negative),
    "payments_behind": Column(_count),
    "fees_date": Column(_day),
    "paid_by": _of(PAID_BY),
    "flags": Column(_flags),
}
HOLDER_COLUMNS: dict[str, Column] = {
    "forename": Column(_text),
    "surname": Column(_text, is_needed=True),
    "date_of_birth": Column(_birth),
    "line_1": Column(_text),
    "town": Column(_text),
    "postcode": Column(_postcode),
    "phone": Column(_phone),
    "email": Column(_email),
}
# Days that are said of a holder beside what is sealed of them.
HOLDER_DAYS: dict[str, Column] = {
    "phone_date": Column(
        _day,
        written="The day on which the number was last known to be theirs, as 2026-11-22. Where nothing is said, that "
        "of the balance with which it came first; after a year the number is given to nobody who collects.",
    ),
    "address_date": Column(_day, written="The day since which they live there, as 2026-11-22."),
}
# These cannot lie after the day the balance is of. A contract may well end later.
_PAST = ("final_bill_date", "oldest_unpaid_date", "last_payment_date", "acknowledged_date", "default_date", "fees_date")
_UNTOLD = {name: None for name in COLUMNS if name not in {"account", "flags"}} | {
    "fees_pence": 0,
    "is_regulated_credit": False,
    "is_business": False,
}


def read(texts: Mapping[str, str], *, today: date) -> Row:
    """Return what a row of texts says, by column; those of the first holder are called `holder_1_surname` and so on.

    `today` is the day in London; no balance is of a later one. Raises RowRefused with every fault.
    """
    faults: list[Fault] = []
    texts = {called: text.strip() for called, text in texts.items() if text}
    told = _values(_OF_ACCOUNT, texts, faults)
    holders = []
    for number, columns in enumerate(_OF_HOLDER, start=1):
        if number == 1 or any(texts.get(called) for called, _, _ in columns):
            holders.append(_values(columns, texts, faults))
    if not faults:
        faults += _together(told, holders, today)
    if faults:
        raise RowRefused(faults)
    number, flags = told.pop("account"), told.pop("flags", None)
    return Row(number=number, account={**_UNTOLD, **told}, holders=tuple(holders), flags=flags or {})


def _named(columns: Mapping[str, Column], prefix: str) -> tuple[tuple[str, str, Column], ...]:
    """Return of each column what the file calls it, and what we do."""
    return tuple((f"{prefix}{name}", name, column) for name, column in columns.items())


_OF_ACCOUNT = _named(COLUMNS, "")
_OF_HOLDER = tuple(_named(HOLDER_COLUMNS | HOLDER_DAYS, f"holder_{number}_") for number in range(1, HOLDERS + 1))
_BY_NAME = {called: column for columns in (_OF_ACCOUNT, *_OF_HOLDER) for called, _, column in columns}


def _values(
    columns: Iterable[tuple[str, str, Column]], texts: Mapping[str, str], faults: list[Fault]
) -> dict[str, Any]:
    found = {}
    for called, name, column in columns:
        if not (text := texts.get(called)):
            if column.is_needed:
                faults.append(Fault(called, "missing"))
            continue
        try:
            found[name] = column.read(text)
        except _Wrong as wrong:
            faults.append(Fault(called, str(wrong)))
    return found


def _together(told: Mapping[str, Any], holders: Sequence[Mapping[str, Any]], today: date) -> list[Fault]:
    """Return what is wrong with values that can each be read."""
    if told["as_of"] > today:
        return [Fault("as_of", "in_the_future")]
    found = [Fault(name, "in_the_future") for name in _PAST if name in told and told[name] > told["as_of"]]
    if any(day > told["as_of"] for day in told.get("flags", {}).values()):
        found.append(Fault("flags", "in_the_future"))
    for number, holder in enumerate(holders, start=1):
        if holder.get("date_of_birth", "") > told["as_of"].isoformat():
            found.append(Fault(f"holder_{number}_date_of_birth", "in_the_future"))
        late = [name for name in HOLDER_DAYS if holder.get(name, told["as_of"]) > told["as_of"]]
        found += [Fault(f"holder_{number}_{name}", "in_the_future") for name in late]
    if "contract_end_date" in told and told["contract_end_date"] < told.get("contract_start_date", date.min):
        found.append(Fault("contract_end_date", "before_the_start"))
    for name, other in (("default_date", "default_pence"), ("default_pence", "default_date")):
        if name in told and other not in told:
            found.append(Fault(other, "without_the_other"))
    return found


EXAMPLE: dict[str, str] = {
    "account": "8002223334",
    "product": "mobile",
    "jurisdiction": "eaw",
    "as_of": "2026-11-22",
    "balance_pence": "31246",
    "fees_pence": "0",
    "final_bill_date": "2026-06-30",
    "oldest_unpaid_date": "2026-04-30",
    "default_date": "2026-09-01",
    "default_pence": "31246",
    "contract_start_date": "2024-06-01",
    "payment_pence": "3800",
    "payments_behind": "6",
    "holder_1_forename": "Cerys",
    "holder_1_surname": "Oyelaran-Pugh",
    "holder_1_date_of_birth": "1988-04-17",
    "holder_1_line_1": "4 Example Terrace",
    "holder_1_town": "Swansea",
    "holder_1_postcode": "SA1 0ZZ",
    "holder_1_phone": "07700 900734",
    "holder_1_email": "cerys.op@example.org",
}


def names() -> list[str]:
    """Return every column a file may have."""
    own = (*HOLDER_COLUMNS, *HOLDER_DAYS)
    return [*COLUMNS, *(f"holder_{number}_{name}" for number in range(1, HOLDERS + 1) for name in own)]


def needed() -> list[str]:
    """Return the columns that a file must have."""
    own = [name for name, column in COLUMNS.items() if column.is_needed]
    return own + [f"holder_1_{name}" for name, column in HOLDER_COLUMNS.items() if column.is_needed]


def schema(most: int) -> dict[str, Any]:
    """Return the shape of the body that brings at most so many accounts: every value is text, as in a file."""
    must = needed()
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["schema_version", "accounts"],
        "properties": {
            "schema_version": {"type": "integer", "enum": [1]},
            "accounts": {
                "type": "array",
                "minItems": 1,
                "maxItems": most,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": must,
                    "properties": {
                        name: {
                            "type": "string",
                            "minLength": 1 if name in must else 0,
                            "maxLength": 400,
                            "description": written(name),
                        }
                        for name in names()
                    },
                },
            },
        },
    }
