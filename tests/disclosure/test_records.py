"""A partner asks whether its record of a customer is as ours, and is told one word (domain 6C)."""

import json
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from cases.accounts import comparing, reading, storing
from cases.agencies.provision import new_inbound_key
from cases.disclosure.partners.models import PartnerQuery
from cases.kernel.models import Case, RateBucket, Release, ReleasedItem, Task
from cases.ledger import api as ledger
from tests import factories, partners
from tests.accounts.test_intake import ROW
from tests.api.caller import call

pytestmark = pytest.mark.django_db
CHECK = "/api/v1/partners/sandbox-bank/records/check"
HOLDER = {
    "final_bill_date": "",
    "holder_1_surname": "Strake-Pugh",
    "holder_1_date_of_birth": "1970-01-01",
    "holder_1_postcode": "SA1 0ZZ",
    "holder_1_phone": "07700 900123",
}
ASKED = {"phoneNumber": "+447700900123", "surname": "Strake-Pugh"}


@pytest.fixture
def people():
    return factories.office()


@pytest.fixture
def secret(people):
    partners.enter(people)
    tell_of_account()
    return new_inbound_key("sandbox-bank", actor=factories.job(), at=factories.AT)


def tell_of_account(**changes):
    row = reading.read(ROW | HOLDER | changes, today=factories.AT.date())
    with ledger.action(uuid4(), "accounts.told", actor="system:tests", at=factories.AT):
        storing.store([row], at=factories.AT)


def said(secret, number, **more):
    answer = call(secret, {**ASKED, **more}, message_id=f"rec-{number}", path=CHECK)
    return answer.status_code, json.loads(answer.content)


def test_a_partner_is_told_whether_its_details_of_a_customer_are_ours_and_no_more(secret):
    for number, (more, told) in enumerate(
        (
            ({"postcode": "SA1 0ZZ"}, "yes"),
            ({"dateOfBirth": "1970-01-01", "postcode": "sa10zz"}, "yes"),
            ({"surname": "STRAKE-PUGH", "dateOfBirth": "1970-01-01"}, "yes"),
            ({"postcode": "SA1 1AA"}, "no"),
            ({"surname": "Snape", "postcode": "SA1 0ZZ"}, "no"),
            ({"phoneNumber": "+447700900999", "postcode": "SA1 0ZZ"}, "unknown"),
        )
    ):
        assert said(secret, number, **more) == (200, {"recordMatches": told})
    facts = PartnerQuery.objects.order_by("pk").first()
    assert (facts.question, facts.answer, facts.latest_change_at, facts.max_age_hours) == ("record", "yes", None, None)
    item = ReleasedItem.objects.get(release=Release.objects.get(case_id=facts.pk))
    assert (item.category, item.fields, item.clause) == ("record_match", ["recordMatches"], "check_with_partners")


def test_of_a_contract_that_is_over_nothing_is_compared(secret):
    """The day on which a contract ends is the first on which nobody holds it; a final bill ends it too."""
    number, details, ends = "+447700900123", {"surname": "Strake-Pugh", "postcode": "SA1 0ZZ"}, date(2026, 10, 1)
    tell_of_account(contract_end_date="2026-10-01")
    assert comparing.agrees(number, details, today=ends - timedelta(days=1)) is True
    assert comparing.agrees(number, details, today=ends) is None
    assert said(secret, 1, postcode="SA1 0ZZ") == (200, {"recordMatches": "unknown"})
    tell_of_account(final_bill_date="2026-02-27")
    assert comparing.agrees(number, details, today=ends) is None


def test_what_cannot_be_compared_is_said_and_what_no_agreement_allows_is_refused_and_kept(people, secret):
    assert said(secret, 1)[0] == 422
    for wrong in ({"dateOfBirth": "1970-02-30"}, {"postcode": "nowhere"}):
        assert said(secret, str(wrong)[2:9], **wrong)[0] == 422
    assert not Case.objects.filter(kind="partner_query").exists()
    partners.agree(people, at=factories.AT, purposes=["sim_swap_check"])
    status, problem = said(secret, 9, postcode="SA1 0ZZ")
    assert (status, problem["code"]) == (403, "purpose_not_allowed")
    assert PartnerQuery.objects.get().answer == ""
    assert not Release.objects.exists()


def test_nobody_guesses_a_detail_five_comparisons_a_day_are_answered_about_one_number_and_a_person_hears_of_more(
    secret,
):
    for number in range(5):
        wrong = {"dateOfBirth": f"1969-{number + 1:02}-15", "postcode": "SA1 0ZZ"}
        assert said(secret, number, **wrong) == (200, {"recordMatches": "no"})
    # The right one comes too late: nothing is said of it.
    for number in (5, 6):
        answer = call(secret, {**ASKED, "dateOfBirth": "1970-01-01"}, message_id=f"rec-{number}", path=CHECK)
        assert (answer.status_code, json.loads(answer.content)["code"]) == (429, "rate_exceeded")
        assert 60 * 60 < int(answer["Retry-After"]) <= 24 * 60 * 60
    assert PartnerQuery.objects.filter(answer="").count() == 2 and Release.objects.count() == 5
    task = Task.objects.get(kind="partner_guesses")
    refused = Case.objects.filter(kind="partner_query", state="refused").order_by("pk").first()
    assert (task.team.code, task.detail) == ("disclosure", {"agency": "sandbox-bank", "query": str(refused.uid)})
    assert not RateBucket.objects.filter(name__contains="7700900123").exists()
    # Of another number it is answered, and of this one again the day after.
    assert said(secret, 7, phoneNumber="+447700900999", postcode="SA1 0ZZ") == (200, {"recordMatches": "unknown"})
    RateBucket.objects.filter(name__contains=":about:").update(began_at=Now() - timedelta(hours=25))
    assert said(secret, 8, dateOfBirth="1970-01-01") == (200, {"recordMatches": "yes"})
