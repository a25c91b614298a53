"""Never twice: a worker, or the call of the order system itself, killed between a search and its answer makes no second
footprint at an agency. Real processes and the real sandbox."""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from django.db import connection

from backoffice.env import BASE_DIR
from cases.credit.models import CheckDecision, Search
from cases.kernel import intake
from cases.kernel.exchange import agencies
from cases.kernel.models import Case, Channel, OutboxMessage, Task
from tests import checks, factories
from tests.agencies.stage import now
from tests.agencies.test_kills import ends_of_tries, finish, let_leases_end, work
from tests.length import AT_LENGTH

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
SEARCHED = ("sandbox-fraud-register", "sandbox-retail-alert", "sandbox-bureau-a")
# Each way falls once in the suite, at every place at length.
FALLS = (
    [(how, place) for how in ("worker", "call") for place in ("after_claim:1", "after_answer:1", "after_answer:2")]
    if AT_LENGTH
    else [("worker", "after_answer:1"), ("call", "after_claim:1")]
)
AT_ONCE = """
import uuid
from datetime import UTC, datetime
from cases.agencies import delivery
delivery.deliver_now([uuid.UUID(each) for each in {asked!r}], clock=lambda: datetime.now(UTC), seconds=8)
"""


def call(case: Case, failpoint: str) -> int:
    """Make the searches as the order system's call makes them, in a process of its own; return its exit code."""
    place = connection.settings_dict
    url = f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}"
    asked = [str(uid) for uid in Search.objects.filter(case=case).values_list("message_id", flat=True)]
    finished = subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), "shell", "-c", AT_ONCE.format(asked=asked)],
        env=os.environ | {"DATABASE_URL": url, "BACKOFFICE_TEST_MODE": "1", "BACKOFFICE_FAILPOINT": failpoint},
        cwd=BASE_DIR,
        capture_output=True,
        timeout=120,
        check=False,
    )
    if finished.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(finished.stderr.decode())
    return finished.returncode


def opened(people, number: int) -> Case:
    facts = {**checks.FACTS, "application_id": f"ORD-2026-{118204 + number}"}
    return intake.open_case("check", actor=people[checks.OFFICER], at=now(), facts=facts, people=[checks.APPLICANT])


def heard(sandbox) -> list[dict[str, Any]]:
    """Return what every agency that is searched has received, with how often it came."""
    return [each for code in SEARCHED for each in sandbox.received(code)]


def searched(sandbox) -> list[str]:
    """Return the id of each search as the agencies have it, one for each footprint."""
    return sorted(each["id"] for each in heard(sandbox))


@pytest.mark.parametrize(("how", "failpoint"), FALLS)
def test_a_search_cut_off_by_a_kill_leaves_one_footprint(sandbox, how, failpoint):
    case = opened(factories.office(), 1)
    asked = sorted(str(uid) for uid in Search.objects.filter(case=case).values_list("message_id", flat=True))

    assert (work(failpoint) if how == "worker" else call(case, failpoint)) == -signal.SIGKILL
    print(f"{how} fell at {failpoint} with {len(searched(sandbox))} of {len(asked)} searches made")
    finish()
    let_leases_end()
    finish()
    finish()

    assert searched(sandbox) == asked
    rows = list(Search.objects.filter(case=case))
    assert {row.state for row in rows} == {"answered"}
    assert len({(row.agency_id, row.footprint) for row in rows}) == len(rows) == 4
    assert CheckDecision.objects.filter(case=case).count() == 1
    assert any(not all(ends_of_tries(each)) for each in OutboxMessage.objects.filter(case=case))


def test_where_an_agency_cannot_tell_a_repeat_a_person_is_asked_and_nothing_is_sent_again(sandbox):
    case = opened(factories.office(), 9)
    for channel in Channel.objects.filter(direction="out"):
        agencies.change_channel(channel, "tests.changed", actor=factories.job(), at=now(), receiver_dedupes=False)

    assert work("after_answer:1") == -signal.SIGKILL
    made = searched(sandbox)
    let_leases_end()
    finish()

    assert made
    assert all(each["tries"] == 1 for each in heard(sandbox))
    assert Task.objects.filter(case=case, kind="message_unknown", closed_at=None).exists()
    assert Case.objects.get(pk=case.pk).state == "running"
