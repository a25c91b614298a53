"""Delivery against the real sandbox process over TLS: what arrives, in which order, how it is signed and settled."""

import hashlib
import json

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from cases.agencies import delivery
from cases.kernel import outbox
from cases.kernel.models import Case, DeliveryAttempt, OutboxMessage
from cases.ledger import sealing
from cases.ledger.errors import LedgerError
from cases.ledger.models import AccessEvent
from tests import factories
from tests.agencies.stage import FPA, now, promise, state_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_promise_arrives_once_signed_and_is_recorded(sandbox):
    case = factories.referred(factories.office())
    message = promise(case)

    run = delivery.deliver_due(clock=now)

    assert (run.tried, run.delivered, run.settled) == (1, 1, 1)
    (received,) = sandbox.received()
    assert (received["id"], received["type"], received["tries"]) == (str(message.public_id), "test_message", 1)
    assert received["body"]["data"] == {"hello": "world"}
    assert (received["body"]["sequence"], received["body"]["reference"]) == (1, str(message.public_id))
    message.refresh_from_db()
    assert (message.state, message.attempts, message.lease) == ("delivered", 1, None)
    assert message.settled_at is not None
    (attempt,) = DeliveryAttempt.objects.filter(message=message)
    assert (attempt.number, attempt.outcome, attempt.http_status, attempt.remote_ip) == (1, "ok", 202, "127.0.0.1")
    assert attempt.request_sha256 == message.body_sha256
    assert attempt.key_names.startswith("out-")


def test_the_body_is_sealed_and_opens_to_the_bytes_that_were_hashed(case):
    message = promise(case, body={"name": "Morwenna Tregaskis"})

    reader = sealing.Reader(actor="system:tests", verb="view", purpose="test", streams=(case.uid,))
    body = outbox.open_body(message, reader=reader, at=now())

    assert b"Tregaskis" not in bytes(message.sealed_body)
    assert hashlib.sha256(body).hexdigest() == message.body_sha256
    assert json.loads(body)["data"] == {"name": "Morwenna Tregaskis"}


def test_the_bodies_of_a_batch_are_opened_together_each_on_record_and_none_stops_another(people):
    """One row of the read log for each, written before any is opened; a body that was altered is a fault of its own."""
    cases = [factories.referred(people, incident_reference=f"DET-{n}") for n in range(4)]
    well, altered, forgotten, erased = promised = [promise(case, body={"n": 1}) for case in cases]
    OutboxMessage.objects.filter(pk=altered.pk).update(sealed_body=bytes(well.sealed_body))
    sealing.destroy(forgotten.key, actor="system:tests", reason="test", at=now())
    outbox.forget(erased, actor="system:tests", reason="test", at=now())
    rows = list(
        OutboxMessage.objects.select_related("channel__agency", "case", "key__parent")
        .filter(pk__in=[each.pk for each in promised])
        .order_by("pk")
    )
    AccessEvent.objects.all().delete()

    with CaptureQueriesContext(connection) as captured:
        opened = outbox.open_bodies(rows, reader=delivery._reader, at=now())

    assert len([each for each in captured.captured_queries if each["sql"] not in ("BEGIN", "COMMIT")]) == 1
    assert json.loads(opened[well.pk])["data"] == {"n": 1}
    assert isinstance(opened[altered.pk], LedgerError)
    assert (opened[forgotten.pk], opened[erased.pk]) == (None, None)
    looks = AccessEvent.objects.order_by("id").values_list("verb", "purpose", "fields", "streams", "result_count")
    assert list(looks) == [("send", "delivery", ["body"], [case.uid], 1) for case in cases[:3]]


def test_without_the_record_no_body_of_a_batch_is_opened(people, monkeypatch):
    message = promise(factories.referred(people))
    monkeypatch.setattr(sealing, "record_reads", broken)
    monkeypatch.setattr(sealing, "_opened_bytes", lambda _: pytest.fail("It was opened."))

    with pytest.raises(DatabaseError):
        outbox.open_bodies([message], reader=delivery._reader, at=now())


def broken(*_args, **_more):
    raise DatabaseError


def test_messages_of_a_case_arrive_in_order_and_cases_do_not_wait_for_each_other(sandbox):
    people = factories.office()
    cases = [factories.referred(people, incident_reference=f"DET-{n}") for n in range(3)]
    promised = [promise(case, body={"n": n}) for n in range(4) for case in cases]

    run = delivery.deliver_due(clock=now)

    assert run.delivered == len(promised)
    arrived = [row["id"] for row in sandbox.received()]
    for case in cases:
        own = [str(row.public_id) for row in OutboxMessage.objects.filter(case=case).order_by("seq")]
        assert [message_id for message_id in arrived if message_id in own] == own


def test_field_errors_are_the_agencys_answer_and_the_case_takes_note(sandbox):
    people = factories.office()
    case = factories.approved(people)

    run = delivery.deliver_due(clock=now)

    assert (run.refused, run.settled) == (1, 1)
    message = OutboxMessage.objects.get(case=case, kind="fpa_file")
    assert (message.state, message.errors) == (
        "refused",
        [{"pointer": "/subjects/1/date_of_birth", "code": "SUBJECT_2_MISSING_DOB_FORMAT"}],
    )
    assert Case.objects.get(pk=case.pk).state == "rejected"


def test_the_stream_goes_on_after_a_refusal(sandbox):
    people = factories.office()
    case = factories.approved(people)
    later = promise(case)

    delivery.deliver_due(clock=now)

    assert state_of(later) == "delivered"


def test_two_keys_sign_while_one_replaces_the_other(sandbox):
    from cases.agencies import signatures
    from cases.kernel import actors
    from cases.kernel.exchange import agencies

    channel = agencies.channel_of(agencies.get(FPA), "out")
    agencies.add_key(channel, signatures.new_secret(), name="newer", actor=actors.system("tests"), at=now())
    case = factories.referred(factories.office())
    message = promise(case)

    delivery.deliver_due(clock=now)

    assert state_of(message) == "delivered"
    assert DeliveryAttempt.objects.get(message=message).key_names.startswith("newer,out-")


def test_a_dropped_answer_is_tried_again_under_the_same_id_and_has_one_effect(sandbox):
    sandbox.tell(drop_answer=1)
    case = factories.referred(factories.office())
    message = promise(case)

    first = delivery.deliver_due(clock=now)
    OutboxMessage.objects.filter(pk=message.pk).update(due_at=now())
    second = delivery.deliver_due(clock=now)

    assert (first.again, second.delivered) == (1, 1)
    (received,) = sandbox.received()
    assert received["tries"] == 2
    assert list(DeliveryAttempt.objects.filter(message=message).order_by("number").values_list("outcome", "error")) == [
        ("retryable", "connection_broken"),
        ("ok", ""),
    ]


def test_nothing_is_lost_while_the_agency_is_really_stopped(sandbox):
    people = factories.office()
    cases = [factories.referred(people, incident_reference=f"DET-{n}") for n in range(3)]
    promised = [promise(case) for case in cases for _ in range(2)]
    sandbox.stop()

    down = delivery.deliver_due(clock=now)
    sandbox.start()
    OutboxMessage.objects.filter(state="pending").update(due_at=now())
    up = delivery.deliver_due(clock=now)

    assert (down.delivered, down.again) == (0, 3)
    assert set(DeliveryAttempt.objects.exclude(error="").values_list("error", flat=True)) == {"connect_refused"}
    assert up.delivered == len(promised)
    assert sorted(row["id"] for row in sandbox.received()) == sorted(str(row.public_id) for row in promised)
    assert {row["tries"] for row in sandbox.received()} == {1}


def test_a_dead_head_stops_its_own_stream_and_raises_one_task(sandbox):
    people = factories.office()
    head_case, other_case = (factories.referred(people, incident_reference=f"DET-{n}") for n in range(2))
    head, follower, other = promise(head_case), promise(head_case), promise(other_case)
    sandbox.tell(refuse_with=404)
    OutboxMessage.objects.filter(pk__in=[other.pk]).update(due_at="2099-01-01T00:00Z")

    delivery.deliver_due(clock=now)
    sandbox.tell(refuse_with=0)
    OutboxMessage.objects.filter(pk=other.pk).update(due_at=now())
    delivery.deliver_due(clock=now)
    delivery.deliver_due(clock=now)

    assert (state_of(head), state_of(follower), state_of(other)) == ("dead", "pending", "delivered")
    assert list(head_case.tasks.values_list("kind", "detail__message_kind")) == [("message_dead", "test_message")]
