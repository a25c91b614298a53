"""Putting right what is wrong: a value is not only overwritten but taken away, on record."""

import pytest
from django.urls import reverse

from cases.kernel.models import CaseAddress, CaseParty, SearchEntry
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.kernel.snapshots import nothing_written
from tests.web import desk

pytestmark = pytest.mark.django_db
PERSON = {"role": "victim_of_takeover", "is_innocent": "on"}


@pytest.fixture
def case():
    return factories.investigating(factories.office())


def person(case) -> CaseParty:
    return CaseParty.objects.get(case=case, number=2)


def test_a_wrong_telephone_is_removed_and_the_rest_stays(case):
    client, path = desk.client_of("a.byrne"), reverse("web:edit_person", args=[case.uid, 2])
    page = client.get(path).content.decode()
    assert "Remove what is wrong" in page
    assert 'name="remove" value="phone"' in page and 'name="remove" value="employer"' not in page
    before, tokens = person(case).email, len(SearchEntry.objects.get(party=person(case)).tokens)

    assert client.post(path, {**PERSON, "remove": ["phone", "role", "nothing"]}).status_code == 302

    row = person(case)
    assert row.phone is None and row.email == before and row.role == "victim_of_takeover"
    assert len(SearchEntry.objects.get(party=row).tokens) < tokens
    told = LedgerEvent.objects.filter(stream=case.uid, action="case.edited").last()
    (change,) = (each for each in told.content()["changes"] if "phone" in str(each))
    assert "None" in str(change) or "null" in str(change)


def test_a_value_is_not_typed_and_removed_at_once(case):
    client, path = desk.client_of("a.byrne"), reverse("web:edit_person", args=[case.uid, 2])
    with nothing_written():
        page = client.post(path, {**PERSON, "phone": "+447700900199", "remove": ["phone"]})
    text = page.content.decode()
    assert page.status_code == 422 and "Either type a new value or remove the old one." in text
    assert 'value="phone" aria-describedby="rm-hint" checked' in text and "+447700900199" in text


def test_an_address_of_which_nothing_is_left_is_gone(case):
    row = CaseAddress.objects.get(party=person(case))
    place = list(CaseAddress.objects.filter(party__case=case).order_by("pk")).index(row) + 1
    client, path = desk.client_of("a.byrne"), reverse("web:edit_address", args=[case.uid, 2, place])

    assert client.post(path, {"kind": "current", "remove": ["line_1", "town", "postcode"]}).status_code == 302

    row.refresh_from_db()
    assert (row.line_1, row.town, row.postcode, row.is_detached) == (None, None, None, True)
    assert client.get(path).status_code == 404


def test_the_account_among_the_facts_is_removed(case):
    client, path = desk.client_of("a.byrne"), reverse("web:edit_facts", args=[case.uid])
    form = client.get(path).context["form"]
    assert "account_reference" in form.removable and "narrative" in form.fields
    sent = {name: form[name].value() for name in form.fields if form[name].value() not in (None, "", False)}
    assert client.post(path, {**sent, "remove": ["account_reference"]}).status_code == 302
    case.fraud_referral.refresh_from_db()
    assert case.fraud_referral.account_reference is None
