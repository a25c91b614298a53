"""Billing tells of accounts by a signed call: all rows go in or none, and a repeat changes nothing."""

import pytest

from cases.accounts import reading, storing
from cases.accounts.models import Account
from cases.ledger.models import LedgerEvent
from tests.api.caller import call
from tests.api.conftest import register  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db
PATH = "/api/v1/intake/accounts/"
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
