"""What is refused says by the answer alone which field to correct, by the pointer that leads into the caller's body."""

import json

import pytest

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
