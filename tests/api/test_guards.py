"""What each call leaves behind it, whoever calls: the counts of its windows, the record that secrets were opened, and
no more. Guards share statements, so that each is held by itself here."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.agencies import senders
from cases.kernel import actors
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Callback, Case, IntakeRequest, RateBucket
from cases.ledger.models import AccessEvent, DataKey
from tests.api.caller import CALLBACKS, INTAKE, call, callback

WRONG = "whsec_" + "A" * 43 + "="
NOBODY = CALLBACKS.replace("register", "nobody")
ADDRESS = senders.ADDRESS_CALLS_PER_MINUTE


def windows() -> dict[str, int]:
    """Return the counts of agencies and addresses, by what each is of."""
    rows = RateBucket.objects.exclude(name__startswith="refused:").values_list("name", "count")
    return {name if name.startswith("agency:") else name.partition(":")[0]: count for name, count in rows}


def looks() -> list[tuple]:
    rows = AccessEvent.objects.order_by("id")
    return list(rows.values_list("actor", "verb", "purpose", "fields", "streams", "result_count"))


def opened(code: str, count: int = 1) -> tuple:
    return "system:delivery", "sign", "verify", ["secret"], [Agency.objects.get(code=code).uid], count


def full(name: str, count: int) -> None:
    RateBucket.objects.update_or_create(name=name, defaults={"began_at": datetime.now(UTC), "count": count})


def assert_nothing_was_kept() -> None:
    assert not Callback.objects.exists() and not IntakeRequest.objects.exists() and not Case.objects.exists()
    assert not DataKey.objects.filter(scope="inbox").exists()


@pytest.mark.parametrize("repeats", [1, 2])
def test_a_call_counts_once_for_its_address_and_once_for_its_agency_and_says_that_its_secret_was_opened(
    secret, repeats
):
    for _ in range(repeats):
        assert call(secret, callback()).status_code == 202

    assert windows() == {"address": repeats, "agency:sandbox-fraud-register": repeats}
    assert looks() == [opened("sandbox-fraud-register")] * repeats
    assert Callback.objects.count() == 1


def test_a_refused_call_counts_in_no_agencys_window_and_says_whose_secrets_were_tried(secret):
    assert call(WRONG, callback()).status_code == 401

    assert windows() == {"address": 1}
    assert looks() == [opened("sandbox-fraud-register")]
    assert_nothing_was_kept()


@pytest.mark.parametrize("has_keys", [True, False])
def test_an_unknown_sender_and_one_without_a_secret_cost_what_a_known_one_does(register, has_keys):
    known = "sandbox-bank"
    if not has_keys:
        channel = agencies.channel_of(agencies.get(known), "in")
        (key,) = agencies.live_keys(channel, at=datetime.now(UTC))
        agencies.revoke_key(key, actor=actors.system("tests"), at=datetime.now(UTC))
    call(WRONG, callback())  # the first of a minute is noted in the security log
    asked = {}
    for path in (CALLBACKS.replace("sandbox-fraud-register", known), NOBODY):
        with CaptureQueriesContext(connection) as captured:
            assert call(WRONG, callback(), path=path).status_code == 401
        asked[path] = len(captured)

    assert len(set(asked.values())) == 1
    assert [(purpose, count) for _, _, purpose, _, _, count in looks()] == [("verify", 1)] * 3
    assert_nothing_was_kept()


def test_an_agencys_window_is_its_own_and_beyond_it_nothing_is_kept(register):
    full("agency:sandbox-fraud-register", 600)

    assert call(register["sandbox-fraud-register"], callback()).status_code == 429
    assert looks() == [opened("sandbox-fraud-register")]
    assert_nothing_was_kept()
    assert (
        call(register["sandbox-bank"], callback(), path=CALLBACKS.replace("fraud-register", "bank")).status_code == 202
    )


def test_a_repeat_beyond_the_window_waits_like_a_first_call(secret):
    assert call(secret, callback()).status_code == 202
    full("agency:sandbox-fraud-register", 600)

    assert call(secret, callback()).status_code == 429
    assert Callback.objects.count() == 1


def test_an_address_beyond_its_window_opens_no_secret(secret):
    call(secret, callback())
    RateBucket.objects.filter(name__startswith="address:").update(count=ADDRESS, began_at=datetime.now(UTC))

    assert call(secret, callback(), message_id="later").status_code == 429
    assert windows() == {"address": ADDRESS + 1, "agency:sandbox-fraud-register": 1}
    assert looks() == [opened("sandbox-fraud-register")]
    assert Callback.objects.count() == 1


def test_an_own_system_is_counted_and_recorded_alike(register):
    response = call(register["own-detection"], b"{}", path=INTAKE, **{"webhook-sender": "own-detection"})

    assert response.status_code == 422
    assert windows() == {"address": 1, "agency:own-detection": 1}
    assert looks() == [opened("own-detection")]
    assert_nothing_was_kept()


def test_where_nobody_has_a_secret_the_look_is_on_record_all_the_same(db):
    assert call(WRONG, callback()).status_code == 401

    assert looks() == [("system:delivery", "sign", "verify", ["secret"], [], 0)]
    assert_nothing_was_kept()
