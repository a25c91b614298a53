"""The status of an account in a month, against a table that was written from the design."""

import csv
from pathlib import Path

from cases.accounts.reading import FLAGS as BILLED
from cases.credit.files.status import FLAGS, MARKS, STATUSES, Month, flags_of, status_of

TABLE = Path(__file__).parent.parent / "data" / "credit_status.csv"


def rows():
    with TABLE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def month(row):
    return Month(
        payments_behind=int(row["behind"]) if row["behind"] else None,
        balance_pence=int(row["balance"]),
        is_closed=row["closed"] == "yes",
        is_dormant=row["dormant"] == "yes",
        has_default=row["default"] == "yes",
        before=row["before"],
        marks=frozenset(filter(None, row["marks"].split(";"))),
    )


def test_each_row_of_the_table_has_its_status_and_flags():
    told = [(row["why"], status_of(month(row)), ";".join(flags_of(month(row)))) for row in rows()]
    assert told == [(row["why"], row["status"], row["flags"]) for row in rows()]


def test_the_table_shows_every_status_and_every_flag_and_there_is_no_seven():
    assert {row["status"] for row in rows()} == set(STATUSES)
    assert "7" not in STATUSES
    assert {flag for row in rows() for flag in filter(None, row["flags"].split(";"))} == set(FLAGS)


def test_every_mark_is_one_that_billing_may_give_or_that_comes_of_a_default_or_a_sale():
    assert set(MARKS) - set(BILLED) == {"default_satisfied", "default_settled", "sold"}
    assert set(MARKS.values()) == set(FLAGS)
