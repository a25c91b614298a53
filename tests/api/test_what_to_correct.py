"""What is refused says by the answer alone which field to correct, by the pointer that leads into the caller's body."""

import copy
import json

import pytest

from cases.accounts import reading as accounts_reading
from cases.agencies import shapes
from cases.association import intake as association_intake
from cases.credit import intake as credit_intake
from cases.credit.contests import forms as contest_forms
from cases.debt.moratorium import intake as moratorium_intake
from cases.kernel.models import Case
from cases.kernel.office import demo_people
from cases.rights import intake as rights_intake
from cases.rights.complaints import forms as complaint_forms
from tests.api.caller import call
from tests.api.conftest import AT

CARD = "4111 1111 1111 1111"
RIGHTS = "/api/v1/intake/rights-requests/"
COMPLAINTS = "/api/v1/intake/dp-complaints/"


@pytest.fixture(autouse=True)
def office(db):
    demo_people.ensure(AT)


def refused(register, sender: str, path: str, body) -> list[tuple[str, str]]:
    """Send a body; return (pointer, code) of each fault, after making sure that nothing was opened."""
    answer = call(register[sender], body, path=path, message_id="own-1", **{"webhook-sender": sender})
    assert answer.status_code == 422, answer.content
    assert not Case.objects.exists()
    return [(each["pointer"], each["code"]) for each in json.loads(answer.content)["errors"]]


@pytest.mark.parametrize(
    ("path", "example", "name"),
    [
        (RIGHTS, rights_intake.EXAMPLE, "wording"),
        (RIGHTS, rights_intake.EXAMPLE, "wording_version"),
        (COMPLAINTS, complaint_forms.EXAMPLE, "complaint"),
    ],
)
def test_a_card_number_in_what_is_told_is_refused_where_it_stands(register, path, example, name):
    told = {**example, name: CARD}

    assert refused(register, "own-website", path, told) == [(f"/{name}", "card_number")]


def test_a_card_number_beside_a_person_is_refused_where_it_stands(register):
    told = {**rights_intake.EXAMPLE, "person": {**rights_intake.EXAMPLE["person"], "account_reference": CARD}}

    assert refused(register, "own-website", RIGHTS, told) == [("/person/account_reference", "card_number")]


def test_everything_that_is_missing_is_named_once_and_hides_nothing_else(register):
    body = {**dict.fromkeys(("monthly_pence", "handset_pence"), -1), "basis": "because", "colour": "red"}

    faults = refused(register, "own-orders", "/api/v1/intake/checks/", body)

    needed = ("application_id", "channel", "notice_version", "occasion", "people", "product", "schema_version")
    assert sorted(faults) == sorted(
        [
            *((f"/{name}", "missing") for name in needed),
            *((f"/{name}", "invalid") for name in ("basis", "handset_pence", "monthly_pence")),
            ("/colour", "unknown_field"),
        ]
    )


@pytest.mark.parametrize(
    ("value", "shape", "sentence"),
    [
        (5, {"type": "string"}, "This must be a text."),
        ("x", {"type": ["integer", "null"]}, "This must be a whole number or null."),
        ("x", {"enum": ["", "yes", "no"]}, "This must be one of an empty text, yes, no."),
        (2, {"enum": [1]}, "This must be 1."),
        ("abc", {"maxLength": 1}, "This is too long: at most 1 character."),
        ("", {"minLength": 2}, "This is too short: at least 2 characters."),
        (0, {"minimum": 1}, "This is too small: 1 is the least."),
        (9, {"maximum": 3}, "This is too large: 3 is the most."),
        ([1, 2], {"maxItems": 1}, "There are too many: at most 1 entry."),
        ([], {"minItems": 2}, "There are too few: at least 2 entries."),
        ({}, {"minProperties": 1}, "Too little is said here: at least 1 field."),
        (["a", "a"], {"uniqueItems": True}, "The same stands here twice."),
        ("2026-02-30", {"format": "date"}, "Write a day that exists, as 2026-11-22."),
        ("7", {"pattern": "^[a-z]$"}, "This is not written as it must be. It must fit ^[a-z]$."),
        ("7", {"pattern": "^[a-z]$", "description": "One letter."}, "This is not written as it must be. One letter."),
    ],
)
def test_a_sentence_says_what_is_asked_and_nothing_of_what_was_sent(value, shape, sentence):

    assert shapes.faults(value, shape) == [("", "invalid", sentence)]


@pytest.mark.parametrize(
    ("sender", "path", "example", "person", "pointer"),
    [
        ("own-orders", "checks", credit_intake.EXAMPLE, ("people", 0), "/people/0/address/postcode"),
        ("own-website", "contests", contest_forms.EXAMPLE, ("person",), "/person/address/postcode"),
        ("own-orders", "associations", association_intake.EXAMPLE, ("people", 0), "/people/0/address/postcode"),
        ("sandbox-moratorium", "moratoria", moratorium_intake.EXAMPLE, ("adviser",), "/adviser/address/postcode"),
        ("own-website", "rights-requests", rights_intake.EXAMPLE, ("person",), "/person/postcode"),
    ],
)
def test_what_is_wrong_with_an_address_is_named_where_it_stands_in_the_body(
    register, sender, path, example, person, pointer
):
    told = copy.deepcopy(example)
    where = told
    for step in person:
        where = where[step]
    (where["address"] if "address" in pointer else where)["postcode"] = "QQ"

    assert refused(register, sender, f"/api/v1/intake/{path}/", told) == [(pointer, "invalid")]


def test_who_cannot_be_reached_is_named_where_the_body_has_the_person(register):
    told = {**rights_intake.EXAMPLE, "person": {"forename": "Bartholomew"}}

    assert refused(register, "own-website", RIGHTS, told) == [("/person", "required")]


def test_billing_is_told_which_codes_there_are_and_how_each_column_is_written(register):
    row = {**accounts_reading.EXAMPLE, "product": "fax", "flags": "sad:2026-11-01", "balance_pence": "312.46"}
    path, sender = "/api/v1/intake/accounts/", "own-billing"
    answer = call(register[sender], {"schema_version": 1, "accounts": [row]}, path=path, **{"webhook-sender": sender})

    said = {each["pointer"]: each["detail"] for each in json.loads(answer.content)["errors"]}
    assert "broadband, landline, mobile, tv" in said["/accounts/0/product"]
    assert "as dispute:2026-11-01, parted by semicolons: adr, bankruptcy" in said["/accounts/0/flags"]
    assert said["/accounts/0/balance_pence"] == "It is not a whole number; money is in whole pence."
    columns = accounts_reading.schema(1)["properties"]["accounts"]["items"]["properties"]
    assert all(each["description"] for each in columns.values())
