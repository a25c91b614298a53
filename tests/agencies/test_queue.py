"""The queue in the database: who may claim what, budgets, order, leases as fences, circuits and pauses."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F

from cases.agencies import delivery, queue, retries, settlement
from cases.agencies.queue import Ended
from cases.agencies.transports.base import Answer, DeliveryError, Parcel
from cases.kernel import actors, outbox
from cases.kernel.exchange import agencies
from cases.kernel.models import Case, ChannelHealth, DeliveryAttempt, OutboxMessage, Task
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.agencies.stage import FPA, now, promise, state_of
from tests.api.caller import signed

pytestmark = pytest.mark.django_db(transaction=True)
OK = retries.Verdict("delivered", "ok")


@pytest.fixture
def cases(people) -> list[Case]:
    channel = agencies.channel_of(agencies.get(FPA), "out")
    agencies.add_key(channel, "whsec_" + "A" * 43 + "=", name="out-1", actor=actors.system("tests"), at=now())
    return [factories.referred(people, incident_reference=f"DET-{n}") for n in range(3)]


def change(**values: object) -> None:
    channel = agencies.channel_of(agencies.get(FPA), "out")
    agencies.change_channel(channel, "agency.channel_changed", actor=actors.system("tests"), at=now(), **values)


def claim(most: int = 50) -> tuple[uuid.UUID, list[int]]:
    lease = uuid.uuid4()
    return lease, [one.message_id for one in queue.claim(lease, most=most)]


def end(lease: uuid.UUID, message: OutboxMessage, verdict: retries.Verdict = OK, number: int = 1) -> set[int]:
    message.refresh_from_db()
    claimed = queue.Claimed(message.pk, number)
    return queue.finish(lease, [Ended(claimed=claimed, channel_id=message.channel_id, verdict=verdict)])


def answering(answer: Answer | DeliveryError):
    """Return transports that always give one answer, and the parcels they saw."""
    seen: list[Parcel] = []

    def send(parcel: Parcel) -> Answer:
        seen.append(parcel)
        if isinstance(answer, DeliveryError):
            raise answer
        return answer

    return {"https": send}, seen


def make_due() -> None:
    OutboxMessage.objects.filter(state="pending").update(due_at=datetime(2026, 1, 1, tzinfo=UTC))
    ChannelHealth.objects.exclude(circuit_open_until=None).update(circuit_open_until=datetime(2026, 1, 1, tzinfo=UTC))


def test_only_the_head_of_an_ordered_stream_is_claimed_and_the_next_follows_it(cases):
    first, second = promise(cases[0]), promise(cases[0])

    lease, claimed = claim()
    assert claimed == [first.pk]
    assert claim()[1] == []
    end(lease, first)
    assert claim()[1] == [second.pk]


@pytest.mark.parametrize("state", ["dead", "unknown"])
def test_a_stuck_head_blocks_its_stream_alone(cases, state):
    head, _, other = promise(cases[0]), promise(cases[0]), promise(cases[1])
    OutboxMessage.objects.filter(pk=head.pk).update(state=state)

    assert claim()[1] == [other.pk]


@pytest.mark.parametrize("state", ["delivered", "acknowledged", "refused", "withdrawn", "superseded", "skipped"])
def test_an_ended_head_lets_its_stream_go_on(cases, state):
    head, follower = promise(cases[0]), promise(cases[0])
    OutboxMessage.objects.filter(pk=head.pk).update(state=state)

    assert claim()[1] == [follower.pk]


def test_an_unordered_channel_never_waits_for_its_head(cases):
    change(is_ordered=False)

    promised = [promise(cases[0]).pk for _ in range(3)]

    assert sorted(claim()[1]) == promised


def test_priority_comes_before_age(cases):
    promise(cases[0])
    urgent = promise(cases[1], priority=1)

    assert claim(most=1)[1] == [urgent.pk]


def test_the_claim_writes_the_try_before_it_is_made(cases):
    message = promise(cases[0])

    claim()

    attempt = DeliveryAttempt.objects.get(message=message)
    assert (attempt.number, attempt.ended_at, attempt.outcome) == (1, None, "")


def test_a_channel_has_only_so_many_in_flight(cases):
    change(max_in_flight=2)
    for case in cases:
        promise(case)

    assert len(claim()[1]) == 2
    assert claim()[1] == []


def test_a_channel_has_only_so_many_tries_a_minute(cases):
    change(rate_per_minute=2, max_in_flight=9)
    for case in cases:
        promise(case)

    assert len(claim()[1]) == 2
    assert claim()[1] == []
    ChannelHealth.objects.update(minute_began_at=now() - timedelta(minutes=2))
    assert len(claim()[1]) == 1


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_a_channel_that_is_not_active_sends_nothing(cases, state):
    promise(cases[0])
    change(state=state)

    assert claim()[1] == []


def test_two_workers_never_hold_one_message(cases):
    change(max_in_flight=50, is_ordered=False)
    promised = {promise(case).pk for case in cases for _ in range(1)}
    claimed: list[int] = []

    def work() -> None:
        try:
            for _ in range(5):
                claimed.extend(claim(most=1)[1])
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    claimed += claim()[1]  # one that passed a busy channel by comes again with the next sweep
    assert sorted(claimed) == sorted(promised)


def test_a_promise_that_is_rolled_back_was_never_made(cases):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        promise(cases[0])
        raise ZeroDivisionError

    assert OutboxMessage.objects.count() == 0


def test_a_promise_survives_a_broken_doorbell(cases):
    def broken() -> None:
        raise ConnectionError

    kept = list(outbox._doorbells)
    outbox.install_doorbell(broken)
    try:
        message = promise(cases[0])
    finally:
        outbox._doorbells[:] = kept

    assert claim()[1] == [message.pk]


def test_one_promise_is_made_once(cases):
    first = promise(cases[0], dedupe="letter:7")
    second = promise(cases[0], dedupe="letter:7", body={"other": 1})

    assert first.pk == second.pk
    assert promise(cases[0]).seq == 2


def test_a_lease_is_a_fence_and_a_late_result_only_completes_its_try(cases):
    message = promise(cases[0])
    late, _ = claim()
    OutboxMessage.objects.update(lease_until=now() - timedelta(seconds=1))
    assert queue.reclaim() == 1
    fresh, claimed = claim()
    assert claimed == [message.pk]

    assert end(late, message, retries.Verdict("dead", "permanent", "http_400"), number=1) == set()
    assert state_of(message) == "sending"
    assert end(fresh, message, number=2) == {message.pk}
    assert state_of(message) == "delivered"
    assert list(DeliveryAttempt.objects.order_by("number").values_list("outcome", flat=True)) == ["permanent", "ok"]


def test_the_lease_of_a_slow_try_lasts_as_long_as_its_worker(cases, monkeypatch):
    message = promise(cases[0])
    renewed, renew = threading.Event(), queue.renew

    def renewing(lease: uuid.UUID, message_ids: list[int], **more: int) -> set[int]:
        OutboxMessage.objects.update(lease_until=now() - timedelta(seconds=1))
        held = renew(lease, message_ids, **more)
        assert queue.reclaim() == 0
        renewed.set()
        return held

    def slow(_parcel: Parcel) -> Answer:
        assert renewed.wait(20)
        return Answer(status=200)

    monkeypatch.setattr(queue, "RENEW_SECONDS", 0.05)
    monkeypatch.setattr(queue, "renew", renewing)
    delivery.deliver_due(clock=now, transports={"https": slow})

    assert (state_of(message), DeliveryAttempt.objects.filter(message=message).count()) == ("delivered", 1)


def test_where_a_repeat_would_be_taken_twice_a_lost_lease_is_left_to_people(cases):
    change(receiver_dedupes=False)
    message = promise(cases[0])
    claim()
    OutboxMessage.objects.update(lease_until=now() - timedelta(seconds=1))

    delivery.deliver_due(clock=now, transports=answering(Answer(status=200))[0])

    assert state_of(message) == "unknown"
    assert list(Task.objects.values_list("kind", flat=True)) == ["message_unknown"]


def test_every_try_is_signed_anew_under_one_id(cases):
    message = promise(cases[0])
    transports, seen = answering(Answer(status=503))
    times = iter([now(), now() + timedelta(seconds=90)])

    for at in times:
        make_due()
        delivery.deliver_due(clock=lambda at=at: at, transports=transports)

    assert {parcel.headers["webhook-id"] for parcel in seen} == {str(message.public_id)}
    assert {parcel.headers["idempotency-key"] for parcel in seen} == {str(message.public_id)}
    for parcel in seen:
        stamp = int(parcel.headers["webhook-timestamp"])
        expected = signed("whsec_" + "A" * 43 + "=", str(message.public_id), parcel.body, at=stamp)
        assert parcel.headers["webhook-signature"] == expected["webhook-signature"]
    assert len({parcel.headers["webhook-timestamp"] for parcel in seen}) == 2
    assert len({parcel.body for parcel in seen}) == 1


def test_an_expired_promise_is_not_sent(cases):
    message = promise(cases[0], expires_at=now() - timedelta(seconds=1))
    transports, seen = answering(Answer(status=200))

    delivery.deliver_due(clock=now, transports=transports)

    assert (state_of(message), seen) == ("dead", [])


def test_after_its_last_try_a_message_is_dead_and_its_team_has_a_task(cases):
    message = promise(cases[0])
    transports, seen = answering(Answer(status=500))

    for _ in range(11):
        make_due()
        delivery.deliver_due(clock=now, transports=transports)

    message.refresh_from_db()
    assert (message.state, message.attempts, len(seen)) == ("dead", 10, 10)
    task = Task.objects.get()
    assert (task.kind, task.case_id, task.team_id) == ("message_dead", cases[0].pk, cases[0].team_id)
    assert len({parcel.headers["webhook-id"] for parcel in seen}) == 1


def test_five_failures_open_the_circuit_and_one_probe_closes_it(cases):
    change(max_in_flight=50)
    bad, _ = answering(DeliveryError("connect_refused"))
    good, seen = answering(Answer(status=202))
    for case in cases:
        promise(case)
    for _ in range(2):
        make_due()
        delivery.deliver_due(clock=now, transports=bad)
    health = ChannelHealth.objects.get(channel__agency__code=FPA)
    assert health.consecutive_failures == 6
    assert timedelta(seconds=50) < health.circuit_open_until - now() <= timedelta(seconds=60)

    OutboxMessage.objects.filter(state="pending").update(due_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert claim()[1] == []
    ChannelHealth.objects.update(circuit_open_until=now() - timedelta(seconds=1))
    assert len(claim()[1]) == 1
    OutboxMessage.objects.filter(state="sending").update(state="pending", lease=None)
    delivery.deliver_due(clock=now, transports=good)

    health.refresh_from_db()
    assert (health.consecutive_failures, health.circuit_open_until, len(seen)) == (0, None, 3)


def test_three_rejections_pause_the_channel_on_record_and_nothing_is_lost(cases):
    message = promise(cases[0])
    transports, seen = answering(Answer(status=401))

    for _ in range(5):
        make_due()
        delivery.deliver_due(clock=now, transports=transports)

    channel = agencies.channel_of(agencies.get(FPA), "out")
    assert (channel.state, len(seen), state_of(message)) == ("paused", 3, "pending")
    assert LedgerEvent.objects.filter(stream=channel.agency.uid, action="agency.channel_paused").count() == 1
    assert Task.objects.get().detail == {"agency": FPA, "cause": "rejected"}
    agencies.change_channel(channel, "agency.channel_resumed", actor=actors.system("tests"), at=now(), state="active")
    make_due()
    delivery.deliver_due(clock=now, transports=answering(Answer(status=202))[0])
    assert state_of(message) == "delivered"


@pytest.mark.parametrize(
    ("answer", "state", "cause"),
    [
        (Answer(status=302), "dead", "redirected"),
        (DeliveryError("address_not_allowed", pause="address_not_allowed"), "pending", "address_not_allowed"),
        (Answer(status=410), "dead", "gone"),
    ],
)
def test_a_wrong_address_pauses_the_channel_at_once(cases, answer, state, cause):
    message = promise(cases[0])

    delivery.deliver_due(clock=now, transports=answering(answer)[0])

    assert (state_of(message), agencies.channel_of(agencies.get(FPA), "out").state) == (state, "paused")
    assert Task.objects.get(kind="channel_paused").detail["cause"] == cause


def test_a_channel_that_fails_for_a_day_is_paused(cases):
    ChannelHealth.objects.filter(channel__agency__code=FPA).update(failing_since=now() - timedelta(hours=25))

    assert settlement.pause_failing(now=now()) == 1
    assert agencies.channel_of(agencies.get(FPA), "out").state == "paused"


def test_a_fault_of_ours_is_a_try_on_record(cases):
    message = promise(cases[0])

    def broken(_parcel: Parcel) -> Answer:
        raise ZeroDivisionError

    delivery.deliver_due(clock=now, transports={"https": broken})

    assert state_of(message) == "pending"
    assert DeliveryAttempt.objects.get().error == "fault_ZeroDivisionError"


def test_what_cannot_be_opened_stops_nothing_else(cases):
    altered, erased, fine = promise(cases[0]), promise(cases[1]), promise(cases[2])
    OutboxMessage.objects.filter(pk=altered.pk).update(sealed_body=b"\0" * 64)
    OutboxMessage.objects.filter(pk=erased.pk).update(sealed_body=None)
    transports, seen = answering(Answer(status=202))

    delivery.deliver_due(clock=now, transports=transports)

    assert [state_of(row) for row in (altered, erased, fine)] == ["dead", "dead", "delivered"]
    errors = DeliveryAttempt.objects.order_by("message_id").values_list("error", flat=True)
    assert (list(errors), len(seen)) == (["body_altered", "body_erased", ""], 1)


def test_a_channel_without_a_transport_is_a_try_on_record(cases):
    promise(cases[0])
    change(transport="pigeon")

    delivery.deliver_due(clock=now, transports=answering(Answer(status=202))[0])

    assert DeliveryAttempt.objects.get().error == "no_transport"


def test_without_a_live_key_nothing_leaves_unsigned(cases):
    promise(cases[0])
    channel = agencies.channel_of(agencies.get(FPA), "out")
    for row in agencies.live_keys(channel, at=now()):
        agencies.revoke_key(row, actor=actors.system("tests"), at=now())
    transports, seen = answering(Answer(status=202))

    delivery.deliver_due(clock=now, transports=transports)

    assert seen == []
    assert DeliveryAttempt.objects.get().error == "no_live_key"


def test_the_reply_is_kept_sealed_and_short(cases):
    message = promise(cases[0])

    delivery.deliver_due(clock=now, transports=answering(Answer(status=500, body=b"Tregaskis " * 1000))[0])

    excerpt = bytes(DeliveryAttempt.objects.get(message=message).sealed_excerpt)
    assert len(excerpt) == 2048 + 28
    assert b"Tregaskis" not in excerpt


def test_what_was_not_sent_can_be_withdrawn_and_what_was_refused_superseded(cases):
    waiting, gone, refused = promise(cases[0]), promise(cases[1]), promise(cases[2])
    OutboxMessage.objects.filter(pk=gone.pk).update(state="delivered")
    OutboxMessage.objects.filter(pk=refused.pk).update(state="refused")

    with transaction.atomic():
        counts = [outbox.withdraw(case, "test_message", at=now()) for case in cases[:2]]
        counts.append(outbox.supersede(cases[2], "test_message", at=now()))

    assert counts == [1, 0, 1]
    assert [state_of(row) for row in (waiting, gone, refused)] == ["withdrawn", "delivered", "superseded"]


def test_promises_made_at_once_take_places_without_a_gap(cases):
    def post() -> None:
        try:
            for _ in range(5):
                promise(cases[0])
        finally:
            connection.close()

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    rows = OutboxMessage.objects.filter(case=cases[0]).order_by("seq")
    assert list(rows.values_list("seq", flat=True)) == list(range(1, 21))
    assert rows.filter(body_sha256=F("dedupe_key")).count() == 0
