"""What a row of an account may say; the words are those that billing reads."""

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
