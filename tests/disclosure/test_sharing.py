"""Providers under agreement are warned of numbers with which a fraud was confirmed (R95), and of nobody's name."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from cases.agencies.directory import TERMS
from cases.kernel import actors, edits, transitions, verdicts
from cases.kernel.exchange import agreements
from cases.kernel.models import Agency, Approval, Case, OutboxMessage, Release, ReleasedItem
from cases.kernel.timing import sweeps
from tests import factories, partners, traces
from tests.factories import APPROVED_AT, AT, CHECKER_INPUTS, FILED_AT, MAKER_ANSWERS

pytestmark = pytest.mark.django_db
NUMBER = "+447700900777"
AGREEMENT = {
    "agency": traces.TRANSIT,
    "reference": "SBX-PARTNER-2",
    "purposes": ["cp_fraud_share"],
    "allowed_fields": ["fraudNumber"],
}


@pytest.fixture
def people():
    return factories.office()


def agree(people, **changes):
    traces.enter(people)
    partners.agree(people, at=AT - timedelta(days=3), **{**AGREEMENT, **changes})


def submitted(people, phone=NUMBER):
    """A referral whose fraudster used a number, on its way to the agency."""
    case = factories.investigating(people)
    if phone:
        with edits.change(case.pk, actor=people["a.byrne"], at=AT) as edit:
            edit.party(1, phone=phone)
    transitions.apply(case.pk, "submit", actor=people["a.byrne"], at=AT, inputs={"pillars": MAKER_ANSWERS})
    transitions.apply(case.pk, "approve", actor=people["d.osei"], at=APPROVED_AT, inputs=CHECKER_INPUTS)
    return transitions.apply(case.pk, "submitted", actor=actors.system("delivery"), at=APPROVED_AT)


def file(case):
    inputs = {"agency_reference": "SFR-2026-0004417"}
    return transitions.apply(case.pk, "file", actor=factories.fpa(), at=FILED_AT, inputs=inputs)


def warnings(case, kind="cp_fraud_share"):
    return list(OutboxMessage.objects.filter(case=case, kind=kind).order_by("pk"))


def test_a_provider_is_warned_of_the_number_and_of_nobodys_name_when_the_fraud_is_filed(people):
    partners.enter(people)  # the bank's agreement does not name the purpose
    agree(people)
    case = submitted(people)
    assert warnings(case) == []
    file(case)
    (message,) = warnings(case)
    assert message.channel.agency.code == traces.TRANSIT
    assert factories.body_of(message) == {
        "indicator": "facility_takeover.unauth_sim_swap",
        "confirmed_date": "2026-11-16",
        "numbers": [{"phone_number": NUMBER}],
    }
    release = Release.objects.get(message=message)
    assert list(release.people.values_list("party__number", flat=True)) == [1]
    assert list(ReleasedItem.objects.filter(release=release).values_list("category", "clause")) == [
        ("fraud_number", "warn_partners")
    ]

    # A removal of the filing reaches whoever was warned.
    transitions.apply(case.pk, "remove", actor=people["d.osei"], at=FILED_AT, inputs={"reason_code": "error"})
    (notice,) = warnings(case, "correction_removed")
    assert notice.channel.agency.code == traces.TRANSIT
    assert factories.body_of(notice)["told"][0]["message"] == str(message.public_id)


def test_without_a_number_or_an_agreement_that_is_in_force_nobody_is_warned(people):
    agree(people, ends_date=AT.date())
    assert warnings(file(submitted(people))) == []
    agree(people)
    assert warnings(file(submitted(people, phone=""))) == []


def test_who_cannot_be_told_by_a_message_is_a_task_and_the_filing_stands(people):
    agree(people)
    case = submitted(people)
    provider = Agency.objects.get(code=traces.TRANSIT)
    agreements.enter(provider, replace(TERMS, sharing_review_date=AT.date()), actor=actors.system("tests"), at=AT)
    file(case)
    assert Case.objects.get(pk=case.pk).state == "filed"
    waiting = case.tasks.filter(kind="partner_warn_by_hand", closed_at=None)
    assert [task.detail["agency"] for task in waiting] == [traces.TRANSIT]


def test_a_number_that_is_the_victims_too_is_not_shared(people):
    agree(people)
    case = factories.investigating(people)
    with edits.change(case.pk, actor=people["a.byrne"], at=AT) as edit:
        edit.party(1, phone=NUMBER)
        edit.party(2, phone=NUMBER)
    transitions.apply(case.pk, "submit", actor=people["a.byrne"], at=AT, inputs={"pillars": MAKER_ANSWERS})
    transitions.apply(case.pk, "approve", actor=people["d.osei"], at=APPROVED_AT, inputs=CHECKER_INPUTS)
    file(transitions.apply(case.pk, "submitted", actor=actors.system("delivery"), at=APPROVED_AT))
    assert warnings(case) == []


def test_a_number_of_a_member_of_our_staff_is_not_shared(people):
    agree(people)
    case = factories.investigating(people)
    colleague = {"forename": "Ansel", "surname": "Colleague", "phone": "+447700900888"}
    with edits.change(case.pk, actor=people["a.byrne"], at=AT) as edit:
        edit.party(1, phone=NUMBER)
        edit.add_party({"role": "employee", "is_innocent": False, "values": colleague, "addresses": []})
    transitions.apply(case.pk, "submit", actor=people["a.byrne"], at=AT, inputs={"pillars": MAKER_ANSWERS})
    transitions.apply(case.pk, "approve", actor=people["d.osei"], at=APPROVED_AT, inputs=CHECKER_INPUTS)
    file(transitions.apply(case.pk, "submitted", actor=actors.system("delivery"), at=APPROVED_AT))
    (message,) = warnings(case)
    assert factories.body_of(message)["numbers"] == [{"phone_number": NUMBER}]


def test_a_partner_lets_go_of_each_number_with_the_end_of_its_marker(people):
    agree(people, ends_date=date(2033, 1, 31))
    case = file(submitted(people))
    later = FILED_AT + timedelta(days=30)
    with edits.change(case.pk, actor=people["p.nair"], at=later) as edit:
        mule = {"surname": "Strake", "phone": "+447700900666"}
        edit.add_party({"role": "mule", "is_innocent": False, "values": mule, "addresses": []})
    transitions.apply(case.pk, "amend", actor=people["d.osei"], at=later)
    approval = Approval.objects.get(case=case, act="amend", closed_at=None)
    verdicts.decide(approval.uid, "agreed", actor=factories.judge(people), at=later)
    sweeps.end_due_clocks(now=datetime(2032, 11, 20, tzinfo=UTC))
    numbers = [[each["phone_number"] for each in factories.body_of(message)["numbers"]] for message in warnings(case)]
    assert numbers == [[NUMBER], [NUMBER, "+447700900666"], ["+447700900666"]]
    assert [factories.body_of(each)["reason"] for each in warnings(case, "correction_amended")] == [
        "amended",
        "expired",
    ]

    sweeps.end_due_clocks(now=datetime(2033, 1, 20, tzinfo=UTC))
    assert Case.objects.get(pk=case.pk).state == "expired"
    (notice,) = warnings(case, "correction_removed")
    assert (notice.channel.agency.code, factories.body_of(notice)["reason"]) == (traces.TRANSIT, "expired")
