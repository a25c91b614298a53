"""Billing tells of accounts by a signed call: all rows go in or none, and a repeat changes nothing."""

import pytest

from cases.accounts import reading, storing
from cases.accounts.models import Account
from cases.ledger import sealing
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.api.caller import call
from tests.api.conftest import register  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db
PATH = "/api/v1/intake/accounts/"
READER = sealing.Reader(actor="staff:1", verb="view", purpose="casework")
SENDER = {"webhook-sender": "own-billing"}
# Domain 5A.10: acct 8002223334, Swansea, £312.46 on 22 Nov 2026; here as of a day that no clock has before it.
ROW = reading.EXAMPLE | {
    "as_of": "2026-03-01",
    "final_bill_date": "2026-01-31",
    "oldest_unpaid_date": "2026-01-31",
    "default_date": "2026-02-20",
}


def body(*rows):
    return {"schema_version": 1, "accounts": list(rows)}


def test_rows_go_in_once_and_a_repeat_has_the_same_answer(register):  # noqa: F811 -- the fixture
    secret = register["own-billing"]
    first = call(secret, body(ROW), path=PATH, message_id="acc-1", **SENDER)
    again = call(secret, body(ROW), path=PATH, message_id="acc-1", **SENDER)
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)
    assert again["Idempotent-Replayed"] == "true"
    told = first.json()
    assert {name: told[name] for name in ("added", "changed", "unchanged")} == {
        "added": 1,
        "changed": 0,
        "unchanged": 0,
    }
    assert [each.action for each in LedgerEvent.objects.filter(stream=told["id"])] == ["accounts.told"]

    other = call(secret, body(ROW), path=PATH, message_id="acc-2", **SENDER).json()
    assert (other["added"], other["changed"], other["unchanged"]) == (0, 0, 1)
    account = storing.find("800 222 3334")
    assert (account.balance_pence, account.default_pence, account.holders.count()) == (31246, 31246, 1)


def test_one_bad_row_keeps_all_out_and_is_named(register):  # noqa: F811 -- the fixture
    bad = ROW | {"account": "8002223335", "holder_1_postcode": "nowhere", "balance_pence": "1.5"}
    answer = call(register["own-billing"], body(ROW, bad), path=PATH, **SENDER)
    assert answer.status_code == 422
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        ("/accounts/1/balance_pence", "not_pence"),
        ("/accounts/1/holder_1_postcode", "not_a_postcode"),
    ]
    assert not Account.objects.exists()
    twice = call(register["own-billing"], body(ROW, ROW), path=PATH, **SENDER)
    assert twice.json()["errors"][0]["pointer"] == "/accounts/1/account"
    assert not Account.objects.exists()


def test_another_system_brings_no_accounts(register):  # noqa: F811 -- the fixture
    sender = {"webhook-sender": "own-detection"}
    assert call(register["own-detection"], body(ROW), path=PATH, **sender).status_code == 403
    assert not Account.objects.exists()


def holders(account):
    """The people of an account on record: number, forename, and until when."""
    people = list(account.holders.order_by("ordinal"))
    opened = sealing.open_rows(people, ["forename", "date_of_birth"], reader=READER, at=factories.AT)
    rows = zip(people, opened, strict=True)
    return [(row.ordinal, each["forename"], each["date_of_birth"], row.ended_date) for row, each in rows]


def test_two_people_of_one_surname_never_change_places(register):  # noqa: F811 -- the fixture
    def tell(number, *people, day="2026-03-02"):
        row = {name: value for name, value in ROW.items() if not name.startswith("holder_")} | {"as_of": day}
        for place, person in enumerate(people, 1):
            row |= {f"holder_{place}_{name}": value for name, value in person.items()}
        answer = call(register["own-billing"], body(row), path=PATH, message_id=f"acc-{number}", **SENDER)
        assert answer.status_code == 200, answer.content
        return holders(storing.find("800 222 3334"))

    place = {"surname": "Strake", "line_1": "1 Example Terrace", "town": "Swansea", "postcode": "SA1 0ZZ"}
    he = place | {"forename": "Bryn", "date_of_birth": "1970-01-01"}
    she = place | {"forename": "Ada", "date_of_birth": "1972-02-02"}
    both = [(1, "Bryn", "1970-01-01", None), (2, "Ada", "1972-02-02", None)]
    assert tell(1, he, she) == both
    assert tell(2, she, he, day="2026-03-03") == both
    married = she | {"surname": "Snape"}
    assert tell(3, married, he, day="2026-03-04") == both
    ended = tell(4, married, day="2026-03-05")
    assert [(number, name, until is None) for number, name, _, until in ended] == [(1, "Bryn", False), (2, "Ada", True)]
    unborn = {name: value for name, value in she.items() if name != "date_of_birth"} | {"surname": "Snape"}
    assert [row[:2] for row in tell(5, he, unborn, day="2026-03-06")] == [(1, "Bryn"), (2, "Ada"), (3, "Bryn")]
