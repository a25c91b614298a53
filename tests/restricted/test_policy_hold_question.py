"""Billing asks whether money may leave an account, and learns yes or no, never why."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.agencies.provision import new_inbound_key
from cases.kernel import holds, transitions
from cases.kernel.exchange import agencies
from cases.kernel.restricted import quietholds, referrals
from cases.ledger.models import AccessEvent
from tests import factories, suspicions
from tests.api.caller import call

PATH = "/api/v1/policy-holds/"
SENDER = {"webhook-sender": "own-billing"}
QUESTION = {"schema_version": 1, "account": "NM-4471", "act": "pay_out"}


@pytest.fixture
def people(db):
    return factories.office()


@pytest.fixture
def secrets(people):
    """Return the incoming secret of each caller."""
    actor = factories.job()
    for code, kind in (("own-billing", "own_system"), ("own-detection", "own_system"), ("sandbox-bank", "bank")):
        plan = agencies.ChannelPlan(direction="in")
        listing = agencies.Listing(code=code, kind=kind, display_name=code, channels=(plan,))
        agencies.register(listing, actor=actor, at=factories.AT)
    codes = ("own-billing", "own-detection", "sandbox-bank", "sandbox-fraud-register")
    return {code: new_inbound_key(code, actor=actor, at=factories.AT) for code in codes}


@pytest.fixture
def secret(secrets):
    return secrets["own-billing"]


def ask(secret, question=QUESTION, **headers):
    """Return all that the system can tell one answer from another by, and what it cost."""
    with CaptureQueriesContext(connection) as captured:
        answer = call(secret, question, path=PATH, **(SENDER | headers))
    said = {name: value for name, value in answer.items() if name not in {"X-Request-ID", "Date"}}
    return answer.status_code, json.loads(answer.content), said, len(captured)


def test_account_under_a_defence_that_is_sought_is_held_and_one_reported_for_information_is_not(people, secret):
    assert ask(secret)[:2] == (200, {"policy_hold": False})

    suspicions.submitted(people, account_reference="NM-4471")

    assert ask(secret)[:2] == (200, {"policy_hold": True})
    assert ask(secret, QUESTION | {"account": " nm-4471 "})[1] == {"policy_hold": True}
    assert ask(secret, QUESTION | {"account": "NM-4472"})[1] == {"policy_hold": False}


def test_accounts_that_the_case_names_from_which_a_report_came_are_held_as_well(people, secret):
    parent = factories.referred(people, account_reference="NM-0004")
    before = ask(secret, QUESTION | {"account": "NM-0004"})
    token = quietholds.case_token(parent.uid)
    report = suspicions.submitted(people, account_reference="UNKNOWN", about_token=token)

    held = ask(secret, QUESTION | {"account": "NM-0004"})

    assert (before[1], held[1]) == ({"policy_hold": False}, {"policy_hold": True})
    assert (before[0], before[3]) == (held[0], held[3])
    assert ask(secret, QUESTION | {"account": "NM-0005"})[1] == {"policy_hold": False}
    transitions.apply(report.pk, "consent", actor=people["h.castellan"], at=factories.AT)
    assert ask(secret, QUESTION | {"account": "NM-0004"}) == before


def test_hidden_hold_a_colleagues_account_and_a_dead_customers_answer_alike(people, secret):
    answers = []
    for kind, account in (("staff_account", "NM-0001"), ("deceased", "NM-0002")):
        case = factories.referred(people, account_reference=account)
        holds.enter(case.pk, kind, actor=people["a.byrne"], at=factories.AT, source="staff", reason="Known.")
        answers.append(ask(secret, QUESTION | {"account": account}))
    suspicions.submitted(people, account_reference="NM-0003")
    answers.append(ask(secret, QUESTION | {"account": "NM-0003"}))

    assert answers[0][1] == {"policy_hold": True}
    assert answers[0] == answers[1] == answers[2]


def test_parents_answers_are_the_same_with_and_without_a_hidden_report_that_holds_nothing(people, secret):
    parent = factories.investigating(people)
    account = "NM-7304"
    without = ask(secret, QUESTION | {"account": account})
    facts = {"referral": "Seen.", "account_reference": account, "once": str(parent.uid)}
    referrals.refer("suspicion_report", facts, about=parent, actor=people["p.nair"], at=factories.AT)

    assert ask(secret, QUESTION | {"account": account}) == without


def test_question_is_on_record_without_its_answer_and_without_the_account(people, secret):
    suspicions.submitted(people, account_reference="NM-4471")

    for account in ("NM-4471", "NM-4472"):
        ask(secret, QUESTION | {"account": account})

    rows = AccessEvent.objects.filter(purpose="policy_hold", verb="ask").values_list(
        "actor", "streams", "fields", "result_count", "query_hash"
    )
    assert list(rows) == [("agency:own-billing", [], ["pay_out"], 1, None)] * 2


def test_hold_that_ended_and_case_that_closed_hold_nothing(people, secret):
    suspicions.consented(people)

    assert ask(secret, QUESTION | {"account": "NM-7001"})[1] == {"policy_hold": False}


@pytest.mark.parametrize(
    ("question", "status"),
    [
        (QUESTION | {"act": "sell"}, 422),
        (QUESTION | {"account": ""}, 422),
        (QUESTION | {"account": "  "}, 422),
        (QUESTION | {"why": True}, 422),
        (b"{", 400),
    ],
)
def test_question_of_another_shape_is_refused(people, secret, question, status):
    assert call(secret, question, path=PATH, **SENDER).status_code == status


def test_no_other_system_and_no_agency_may_ask(secrets):
    for code in ("own-detection", "sandbox-fraud-register", "sandbox-bank"):
        answer = call(secrets[code], QUESTION, path=PATH, **{"webhook-sender": code})
        assert answer.status_code == 403
    assert not AccessEvent.objects.filter(purpose="policy_hold", verb="ask").exists()
