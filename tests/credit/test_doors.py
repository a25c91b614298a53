"""The order system hands an application in and is answered with the decision, or told where to ask."""

from datetime import timedelta
from uuid import UUID

import pytest

from cases.agencies import delivery
from cases.agencies.provision import new_inbound_key
from cases.agencies.transports.base import DeliveryError
from cases.credit import endpoints
from cases.credit.intake import EXAMPLE
from cases.credit.models import Check, Search
from cases.kernel import actors
from cases.kernel.models import Case, OutboxMessage
from tests import checks, factories
from tests.api.caller import call

pytestmark = pytest.mark.django_db
CHECKS, STATUS = "/api/v1/intake/checks/", "/api/v1/intake/checks/status"


@pytest.fixture
def secret():
    factories.office()
    checks.enter()
    checks.orders("own-orders")
    return new_inbound_key("own-orders", actor=actors.system("tests"), at=factories.AT)


@pytest.fixture
def lines(monkeypatch):
    """Agencies at the end of the line, `up` or not; the queue's own clock stands still in a test."""
    bureaus, real = checks.Bureaus(), delivery.deliver_now
    bureaus.is_up = True

    def carry(parcel):
        if not bureaus.is_up:
            raise DeliveryError("connect_refused")
        return bureaus(parcel)

    def now(messages, **how):
        assert how["seconds"] == 8
        OutboxMessage.objects.filter(public_id__in=messages).update(due_at=factories.AT - timedelta(days=400))
        real(messages, **{"transports": {"https": carry}, **how})

    monkeypatch.setattr(endpoints.delivery, "deliver_now", now)
    return bureaus


def hand_in(secret, message_id, **changes):
    return call(secret, {**EXAMPLE, **changes}, message_id=message_id, path=CHECKS, **{"webhook-sender": "own-orders"})


def ask(secret, application_id, message_id="ask-1"):
    body = {"schema_version": 1, "application_id": application_id}
    return call(secret, body, message_id=message_id, path=STATUS, **{"webhook-sender": "own-orders"})


def test_an_application_is_decided_in_the_same_call_and_a_repeat_gets_the_same_bytes(secret, lines):
    first = hand_in(secret, "app-1")
    said = first.json()
    assert first.status_code == 200
    assert (said["state"], said["outcome"], said["automated"]) == ("decided", "decline", True)
    again = hand_in(secret, "app-1")
    assert (again.status_code, again.content, again["Idempotent-Replayed"]) == (200, first.content, "true")
    assert Case.objects.filter(kind="check").count() == 1
    assert Case.objects.get(uid=UUID(said["id"])).reference == said["reference"]
    other = hand_in(secret, "app-2")
    assert (other.status_code, other.json()["errors"][0]["code"]) == (422, "known")
    assert sorted(key for key, _ in lines.footprints) == sorted({key for key, _ in lines.footprints})
    assert ask(secret, EXAMPLE["application_id"]).json() == said


def test_what_an_application_costs_is_kept_as_the_order_system_says_it(secret, lines):
    hand_in(secret, "app-1", handset_pence=129_950)
    facts = Check.objects.get()
    assert (facts.monthly_pence, facts.handset_pence) == (4500, 129_950)


def test_agencies_that_do_not_answer_in_time_are_asked_again_by_the_queue_under_the_same_key(secret, lines):
    lines.is_up = False
    first = hand_in(secret, "app-1")
    assert (first.status_code, first.json()["status_address"]) == (202, STATUS)
    assert first.json()["state"] == "running"
    lines.is_up = True
    case = Case.objects.get(kind="check")
    assert set(OutboxMessage.objects.filter(case=case).values_list("state", flat=True)) == {"pending"}
    checks.answer(case, by=lines)
    told = ask(secret, EXAMPLE["application_id"])
    assert (told.status_code, told.json()["outcome"]) == (200, "decline")
    assert hand_in(secret, "app-1").content == first.content
    assert len(lines.footprints) == Search.objects.count() == 4


def test_only_the_order_system_is_let_in_and_what_is_wrong_is_named(secret, lines):
    assert hand_in(secret, "bad-1", occasion="birthday").status_code == 422
    assert hand_in(secret, "bad-2", people=[{"role": "associate", "surname": "Snape"}]).status_code == 422
    assert ask(secret, "ORD-unknown").status_code == 422
    checks.orders("own-website")
    website = new_inbound_key("own-website", actor=actors.system("tests"), at=factories.AT)
    headers = {"webhook-sender": "own-website"}
    assert call(website, EXAMPLE, message_id="w-1", path=CHECKS, **headers).status_code == 403
    question = {"schema_version": 1, "application_id": "ORD-1"}
    assert call(website, question, message_id="w-2", path=STATUS, **headers).status_code == 403
    assert not Case.objects.filter(kind="check").exists()
