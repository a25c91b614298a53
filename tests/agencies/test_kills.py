"""Workers killed at the worst moments, three times each, aimed: nothing is lost, nothing is applied twice.

Each round starts a real process, has it kill itself at the named place, says where it fell, and lets another finish.
"""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection

from backoffice.env import BASE_DIR
from cases.agencies import application, delivery
from cases.kernel.models import Callback, Case, DeliveryAttempt, OutboxMessage
from cases.ledger import verify
from tests import factories
from tests.agencies import stage
from tests.agencies.stage import acts, now
from tests.agencies.test_application import filed, filing, hear
from tests.length import times

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
ROUNDS = range(1, times(1, 3) + 1)


def work(failpoint: str = "") -> int:
    """Run a whole worker process once; return its exit code."""
    place = connection.settings_dict
    url = f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}"
    environment = os.environ | {"DATABASE_URL": url, "BACKOFFICE_TEST_MODE": "1", "BACKOFFICE_FAILPOINT": failpoint}
    finished = subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), "deliver", "--once"],
        env=environment,
        cwd=BASE_DIR,
        capture_output=True,
        timeout=120,
        check=False,
    )
    if finished.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(finished.stderr.decode())
    return finished.returncode


def finish() -> None:
    """Let a worker that nobody kills, this process, do what is left."""
    delivery.deliver_due(clock=now)
    application.apply_pending(now=now())


def let_leases_end() -> None:
    OutboxMessage.objects.filter(state="sending").update(lease_until=now() - timedelta(seconds=1))


def ends_of_tries(message: OutboxMessage) -> list[bool]:
    """Of each try in turn, whether its end was written down."""
    rows = DeliveryAttempt.objects.filter(message=message).order_by("number")
    return [ended is not None for ended in rows.values_list("ended_at", flat=True)]


@pytest.mark.parametrize("number", ROUNDS)
def test_a_worker_killed_after_its_claim_loses_nothing(sandbox, number):
    people = factories.office()
    case = stage.approved(people, number)
    message = filing(case)

    assert work("after_claim:1") == -signal.SIGKILL
    message.refresh_from_db()
    assert (message.state, sandbox.received()) == ("sending", [])
    print(f"round {number}: fell after the claim, before anything was sent; the try stands without an end")
    finish()
    message.refresh_from_db()
    assert message.state == "sending"  # another worker respects the lease until it ends
    let_leases_end()
    finish()

    (received,) = sandbox.received()
    message.refresh_from_db()
    assert (received["id"], received["tries"], message.state) == (str(message.public_id), 1, "delivered")
    assert ends_of_tries(message) == [False, True]
    assert acts(case, "fraud_referral.submitted") == 1
    assert Case.objects.get(pk=case.pk).state == "submitted"


@pytest.mark.parametrize("number", ROUNDS)
def test_a_worker_killed_after_the_agencys_answer_repeats_it_without_a_second_effect(sandbox, number):
    people = factories.office()
    case = stage.approved(people, number)
    message = filing(case)

    assert work("after_answer:1") == -signal.SIGKILL
    message.refresh_from_db()
    assert (message.state, len(sandbox.received())) == ("sending", 1)
    print(f"round {number}: fell after the agency's answer, before our mark; the agency has the message")
    let_leases_end()
    finish()

    (received,) = sandbox.received()
    message.refresh_from_db()
    assert (received["id"], received["tries"], message.state) == (str(message.public_id), 2, "delivered")
    assert ends_of_tries(message) == [False, True]
    assert acts(case, "fraud_referral.submitted") == 1
    assert len([row for row in sandbox.tell()["sent"]]) == 1


@pytest.mark.parametrize("number", ROUNDS)
def test_a_worker_killed_inside_the_application_of_a_callback_applies_it_once(sandbox, number):
    people = factories.office()
    case = stage.approved(people, number)
    finish()
    row = hear(filed(filing(case)))

    assert work("inside_apply:1") == -signal.SIGKILL
    row.refresh_from_db()
    assert (row.state, Case.objects.get(pk=case.pk).state) == ("received", "submitted")
    assert acts(case, "fraud_referral.file") == 0
    print(f"round {number}: fell inside the application, before its commit; the case had not moved")
    finish()

    row.refresh_from_db()
    assert (row.state, Case.objects.get(pk=case.pk).state) == ("applied", "filed")
    assert acts(case, "fraud_referral.file") == 1
    assert Callback.objects.count() == 1
    assert {finding.level for finding in verify.verify_stream(case.uid)} <= {"recorded late"}


def test_failpoints_are_inert_outside_test_mode(sandbox, monkeypatch):
    people = factories.office()
    case = stage.approved(people)
    monkeypatch.setenv("BACKOFFICE_TEST_MODE", "0")
    place = connection.settings_dict
    url = f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}"

    finished = subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), "deliver", "--once"],
        env=os.environ | {"DATABASE_URL": url, "BACKOFFICE_FAILPOINT": "after_claim:1"},
        cwd=BASE_DIR,
        capture_output=True,
        timeout=120,
        check=False,
    )

    assert finished.returncode == 0
    assert filing(case).state == "delivered"


def test_a_wiped_broker_loses_nothing(sandbox, broker):
    """The table is the queue: whatever the broker forgot, the next sweep finds."""
    import redis

    people = factories.office()
    case = stage.approved(people)
    server = redis.Redis(unix_socket_path=broker.split("://", 1)[1])
    server.flushall()
    server.close()

    assert work() == 0

    assert filing(case).state == "delivered"
    assert len(sandbox.received()) == 1
