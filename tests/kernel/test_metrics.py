"""What a monitor reads of the office, and what it never reads."""

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from cases.kernel.exchange import agencies
from cases.kernel.models import ChannelHealth, OutboxMessage
from cases.kernel.reading import metrics, status
from cases.ledger import checkpoints, security, tombstones
from tests import factories, suspicions
from tests.factories import AT

pytestmark = pytest.mark.django_db
FPA = "sandbox-fraud-register"


def told(now=AT):
    found = {}
    for gauge in metrics.gauges(now=now):
        labels = [gauge.labels[name] for name in ("queue", "agency") if name in gauge.labels]
        found[(gauge.name, *labels)] = gauge.value
    return found


def test_what_waits_and_what_is_stuck_is_told_with_its_age(people):
    factories.approved(people)
    message = OutboxMessage.objects.get(kind="fpa_file")
    later = message.due_at + timedelta(minutes=7)

    found = told(later)
    assert found["outbox_oldest_due_seconds", FPA] == 420
    assert (found["queue_late", "messages"], found["queue_oldest_seconds", "messages"]) == (True, 420)
    assert (found["outbox_stuck", FPA], found["channel_failures", FPA], found["channel_paused", FPA]) == (0, 0, False)

    channel = agencies.channel_of(agencies.get(FPA), "out")
    OutboxMessage.objects.filter(pk=message.pk).update(state="dead")
    ChannelHealth.objects.filter(channel=channel).update(consecutive_failures=4)
    found = told(later)
    assert (found["outbox_oldest_due_seconds", FPA], found["outbox_stuck", FPA]) == (0, 1)
    assert found["channel_failures", FPA] == 4


def test_the_ledger_is_unsealed_and_unchecked_until_it_is_not(people):
    factories.referred(people)
    found = told(timezone.now())
    assert (found["chain_sealed_seconds",], found["chain_checked_seconds",]) == (metrics.NEVER, metrics.NEVER)
    assert (found["chain_unsealed",], found["chain_whole",], found["tombstones_late",]) == (False, False, False)
    assert abs(found["clock_ahead_seconds",]) < 5
    security.note(status.CHECKED, actor="system:verify", at=timezone.now(), events=9, wrong=0)
    found = told(timezone.now())
    assert found["chain_whole",] is True and found["chain_checked_seconds",] < 60


@pytest.mark.parametrize("is_so", [True, False])
def test_what_is_late_is_told_as_the_ledger_says(people, monkeypatch, is_so):
    monkeypatch.setattr(checkpoints, "is_late", lambda: is_so)
    monkeypatch.setattr(tombstones, "is_late", lambda *, now: is_so)
    found = told()
    assert (found["chain_unsealed",], found["tombstones_late",]) == (is_so, is_so)


def test_a_hidden_case_changes_no_number_and_no_name(people):
    before = told()
    suspicions.acknowledged(people)
    after = told()
    assert {name: value for name, value in after.items() if value != before.get(name)}.keys() <= {
        ("clock_ahead_seconds",)
    }
    assert after.keys() == before.keys()


def test_it_asks_as_much_whatever_there_is_and_is_printed_as_prometheus_reads_it(people, django_assert_num_queries):
    for count in (1, 3):
        while OutboxMessage.objects.filter(kind="fpa_file").count() < count:
            factories.approved(people)
        with django_assert_num_queries(21):
            told()
    out = StringIO()
    call_command("metrics", stdout=out)
    lines = out.getvalue().splitlines()
    number = re.compile(r'backoffice_[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? (-?[0-9.e+-]+|\+Inf)')
    assert [line for line in lines if not line.startswith("# ") and not number.fullmatch(line)] == []
    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(types) == len(set(types)) == 17
    assert {line.split("{")[0].split()[0] for line in lines if not line.startswith("#")} == set(types)
