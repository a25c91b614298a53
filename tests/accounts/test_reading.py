"""What a row of an account may say; the words are those that billing reads."""

import json
from datetime import date

import pytest

from cases.accounts import reading

TODAY = date(2026, 11, 27)
ROW = {
    "account": "8002223334",
    "product": "mobile",
    "jurisdiction": "eaw",
    "as_of": "2026-11-22",
    "balance_pence": "31246",
    "holder_1_surname": "Oyelaran-Pugh",
}


@pytest.mark.parametrize(
    "name", ["final_bill_date", "oldest_unpaid_date", "last_payment_date", "acknowledged_date", "default_date"]
)
@pytest.mark.parametrize("day", ["2026-11-23", "9999-12-31"])
def test_what_has_happened_lies_not_after_the_day_the_balance_is_of(name, day):
    given = ROW | {name: day} | ({"default_pence": "100"} if name == "default_date" else {})
    with pytest.raises(reading.RowRefused) as refused:
        reading.read(given, today=TODAY)
    assert name in str([vars(each) if hasattr(each, "__dict__") else each for each in refused.value.faults])


def test_a_row_without_dates_is_read():
    assert reading.read(ROW, today=TODAY).account["balance_pence"] == 31246


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"as_of": "2026-W47-1"}, ("as_of", "not_a_date")),
        ({"holder_1_surname": "O\nBrien"}, ("holder_1_surname", "not_one_line")),
        ({"holder_1_line_1": "1 High Street\u2028Town"}, ("holder_1_line_1", "not_one_line")),
        ({"holder_1_date_of_birth": "1850-01-01"}, ("holder_1_date_of_birth", "not_of_the_living")),
        ({"holder_1_date_of_birth": "2026-11-23"}, ("holder_1_date_of_birth", "in_the_future")),
        (
            {"contract_start_date": "2024-01-01", "contract_end_date": "2020-01-01"},
            ("contract_end_date", "before_the_start"),
        ),
    ],
)
def test_what_nobody_can_be_called_born_or_bound_to_is_refused(given, fault):
    with pytest.raises(reading.RowRefused) as refused:
        reading.read(ROW | given, today=TODAY)
    assert refused.value.faults == [reading.Fault(*fault)]


def test_a_name_with_accents_and_hard_spaces_is_read():
    given = {"holder_1_surname": "van\u00a0der\u00a0Pëhl", "contract_end_date": "2020-01-01"}
    assert reading.read(ROW | given, today=TODAY).holders[0]["surname"] == "van\u00a0der\u00a0Pëhl"


@pytest.mark.parametrize("surname", ["Oyelaran-Pugh", "Zoë Ångström", 'Says "so"', "O\u2019Hara"])
def test_a_row_is_hashed_as_rows_were_from_the_first_so_that_what_is_known_is_not_taken_for_changed(surname):
    told = reading.read(ROW | {"holder_1_surname": surname, "flags": "dispute:2026-11-01"}, today=TODAY)
    account = {name: value for name, value in told.account.items() if name not in reading._LATER}
    before = [told.number, account, [dict(each) for each in told.holders], dict(told.flags)]
    assert told.canonical() == json.dumps(before, sort_keys=True, separators=(",", ":"), default=str).encode()
