"""What messages said and what was replied goes when its time is over; what is still needed, owed or held stays."""

import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError, connection

from backoffice.env import BASE_DIR
from cases.kernel import actors, holds, intake, outbox, record, releases, retention, tasks
from cases.kernel.disposal import piles
from cases.kernel.evidence import blobs
from cases.kernel.models import (
    Agency,
    BatchFile,
    Channel,
    DeliveryAttempt,
    OutboxMessage,
    StoredBlob,
    Stream,
    Task,
)
from cases.kernel.restricted import quietholds
from cases.ledger import sealing, verify
from cases.ledger.models import DataKey, LedgerEvent
from tests import disclosures, factories
from tests.agencies.stage import acts, promise
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
READER = sealing.Reader(actor="system:tests", verb="view", purpose="test")
# Answered in London on 15 January 2027, though it is the 14th by the clock of UTC in no season of this date: summer
# time has its own test. The 90 days after that end with 15 April.
ANSWERED = datetime(2027, 1, 15, 10, 0, tzinfo=UTC)
LAST = datetime(2027, 4, 15, 22, 59, tzinfo=UTC)  # 23:59 in London
NEXT = datetime(2027, 4, 15, 23, 1, tzinfo=UTC)  # a minute past midnight there
KIND = "test_message"


@pytest.fixture
def case(people):
    return factories.referred(people)


def ended(case, *, kind=KIND, **changes):
    """Promise a message and have it end as told; as usual it was delivered and answered."""
    message = promise(case, kind=kind, body={"name": "Morwenna Tregaskis"})
    usual = {"state": "acknowledged", "attempts": 1, "settled_at": ANSWERED, "acknowledged_at": ANSWERED}
    OutboxMessage.objects.filter(pk=message.pk).update(**{"delivered_at": ANSWERED, **usual, **changes})
    message.refresh_from_db()
    return message


def replied(message, *, at=ANSWERED, number=1):
    excerpt = sealing.seal_bytes(
        b'{"taken": true}', key=message.key, label=outbox.LABEL, uid=message.public_id, field="reply"
    )
    return DeliveryAttempt.objects.create(
        message=message, number=number, started_at=at, ended_at=at, outcome="ok", sealed_excerpt=excerpt
    )


def is_there(message):
    return outbox.open_body(OutboxMessage.objects.get(pk=message.pk), reader=READER, at=NEXT) is not None


def test_what_a_message_said_goes_after_its_ninetieth_day_and_what_it_was_stays(case):
    message = ended(case)
    with nothing_written():
        assert piles.erase_due(now=LAST) == 0

    assert piles.erase_due(now=NEXT) == 1

    row = OutboxMessage.objects.get(pk=message.pk)
    assert (row.sealed_body, DataKey.objects.get(pk=row.key_id).wrapped) == (None, None)
    assert (row.state, row.kind, row.body_sha256, row.acknowledged_at) == (
        "acknowledged",
        KIND,
        message.body_sha256,
        ANSWERED,
    )
    (event,) = LedgerEvent.objects.filter(stream=case.uid, action="case.messages_erased")
    assert event.actor == "system:disposal" and event.content()["detail"] == {
        "class": "message_body",
        "versions": [1],
        "messages": [str(message.public_id)],
        "hashes": [message.body_sha256],
    }
    assert DataKey.objects.get(pk=row.key_id).destroyed_reason == "retention_over"
    assert {each.column for each in verify.verify_stream(case.uid)} <= {
        "at",
        "recorded_at",
    }  # dated later than the test runs
    with nothing_written():
        assert piles.erase_due(now=NEXT + timedelta(hours=1)) == 0


def test_the_day_of_an_answer_is_londons(case):
    message = ended(case, acknowledged_at=datetime(2027, 6, 30, 23, 30, tzinfo=UTC))  # the 1 July there
    with nothing_written():
        assert piles.erase_due(now=datetime(2027, 9, 29, 22, 59, tzinfo=UTC)) == 0
    assert piles.erase_due(now=datetime(2027, 9, 29, 23, 1, tzinfo=UTC)) == 1
    assert not is_there(message)


@pytest.mark.parametrize("state", ["delivered", "refused", "withdrawn", "superseded", "skipped"])
def test_where_no_answer_comes_it_counts_from_the_day_the_case_took_note(case, state):
    message = ended(case, state=state, acknowledged_at=None, settled_at=ANSWERED + timedelta(days=1))
    with nothing_written():
        assert piles.erase_due(now=NEXT) == 0
    assert piles.erase_due(now=NEXT + timedelta(days=1)) == 1
    assert not is_there(message)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (KIND, {"state": "pending", "acknowledged_at": None, "settled_at": None}),
        (KIND, {"state": "sending", "lease": uuid4(), "acknowledged_at": None, "settled_at": None}),
        (KIND, {"state": "dead", "acknowledged_at": None}),
        (KIND, {"state": "unknown", "acknowledged_at": None}),
        (KIND, {"settled_at": None}),
        ("fpa_file", {"state": "delivered", "acknowledged_at": None}),
        ("report_fraud", {}),
        ("le_result", {}),
    ],
    ids=["waits", "on_its_way", "dead", "unknown", "unsettled", "answer_owed", "said_again", "goes_as_a_whole"],
)
def test_what_may_still_leave_is_owed_an_answer_or_is_said_again_is_never_touched(case, kind, changes):
    message = ended(case, kind=kind, **changes)
    with nothing_written():
        assert piles.erase_due(now=NEXT + timedelta(days=4000)) == 0
    assert is_there(message)


def test_kinds_whose_words_stay_say_why():
    staying = {kind.code for kind in releases.KINDS.values() if kind.body_stays}
    assert staying == {"report_fraud", "le_result", "le_piece"}


def test_an_answer_that_came_late_counts_from_when_it_came(case):
    message = ended(case, kind="fpa_file", acknowledged_at=ANSWERED + timedelta(days=200))
    with nothing_written():
        assert piles.erase_due(now=NEXT + timedelta(days=100)) == 0
    assert piles.erase_due(now=NEXT + timedelta(days=201)) == 1
    assert not is_there(message)


def test_a_message_about_which_somebody_is_asked_stays_until_they_answered(case, people):
    message = ended(case, state="refused", acknowledged_at=None)
    with record.act(case, "tests.asked", actor=actors.system("tests"), at=ANSWERED):
        task = tasks.raise_task("message_refused", case=case, at=ANSWERED, message=str(message.public_id))
    with nothing_written():
        assert piles.erase_due(now=NEXT) == 0
    with record.act(case, "tests.answered", actor=actors.system("tests"), at=ANSWERED):
        tasks.close(task, actor=people["a.byrne"], at=ANSWERED)
    assert piles.erase_due(now=NEXT) == 1


def test_a_hold_keeps_what_was_said_and_replied_until_it_is_lifted(case, people):
    message = ended(case)
    replied(message)
    hold = holds.enter(case.pk, "legal", actor=people["a.byrne"], at=factories.AT, source="court", reason="Notice.")
    with nothing_written():
        assert piles.erase_due(now=NEXT) == 0
    with record.act(case, "tests.lift", actor=people["a.byrne"], at=NEXT):
        hold.released_at = NEXT
        hold.save(update_fields=["released_at"])
    assert piles.erase_due(now=NEXT) == 2


def test_a_hold_of_a_compartment_keeps_it_and_a_hold_on_the_case_it_was_merged_into_too(case, people):
    ended(case)
    other = factories.referred(people)
    with record.act(other, "tests.hold", actor=people["a.byrne"], at=factories.AT):
        quietholds.place(other, [quietholds.case_token(case.uid)], blocks=["dispose"], at=factories.AT)
    with nothing_written():
        assert piles.erase_due(now=NEXT) == 0
    with record.act(other, "tests.lift", actor=people["a.byrne"], at=factories.AT):
        quietholds.lift(other, at=factories.AT)
    holds.enter(other.pk, "legal", actor=people["a.byrne"], at=factories.AT, source="court", reason="Notice.")
    with record.act(case, "tests.merge", actor=people["a.byrne"], at=factories.AT):
        case.merged_into = other
        case.save(update_fields=["merged_into"])
    with nothing_written():
        assert piles.erase_due(now=NEXT) == 0


def test_what_was_replied_goes_ninety_days_after_it_came_while_the_answer_is_still_owed(case):
    message = ended(case, kind="fpa_file", state="delivered", acknowledged_at=None)
    attempt = replied(message)
    unnoted = replied(ended(case, settled_at=None))
    with nothing_written():
        assert piles.erase_due(now=LAST) == 0

    assert piles.erase_due(now=NEXT) == 1

    attempt.refresh_from_db()
    unnoted.refresh_from_db()
    assert attempt.sealed_excerpt is None and (attempt.outcome, attempt.number) == ("ok", 1)
    assert unnoted.sealed_excerpt is not None and is_there(message)
    (event,) = LedgerEvent.objects.filter(stream=case.uid, action="case.replies_erased")
    assert event.content()["detail"] == {
        "class": "excerpt",
        "versions": [1],
        "tries": [f"{message.public_id}/1"],
        "hashes": [""],
    }


def test_words_that_are_forgotten_take_what_was_replied_and_what_the_store_has_with_them(case):
    messages = [ended(case), ended(case)]
    attempt = replied(messages[0], at=ANSWERED + timedelta(days=60))
    rows, *carried = (blobs.store_blob(b"reference\n", case=case, field="file", at=factories.AT) for _ in range(3))
    for number, (message, blob) in enumerate(zip(messages, carried, strict=True)):
        BatchFile.objects.create(
            channel=message.channel,
            direction="out",
            name=f"{number}.csv.pgp",
            message=message,
            key=message.key,
            sealed_bytes=b"carried",
            rows=rows,
            carried=blob,
            created_at=ANSWERED,
            state="promised",
        )
    OutboxMessage.objects.filter(pk=messages[1].pk).update(acknowledged_at=ANSWERED + timedelta(days=1))

    assert piles.erase_due(now=NEXT) == 1
    attempt.refresh_from_db()
    assert attempt.sealed_excerpt is None
    assert BatchFile.objects.get(message=messages[0]).sealed_bytes is None
    left = StoredBlob.objects.filter(pk__in=[rows.pk, *(blob.pk for blob in carried)], key__destroyed_at=None)
    assert set(left) == {rows, carried[1]}  # the other file has the same rows

    assert piles.erase_due(now=NEXT + timedelta(days=1)) == 1
    assert not left.all().exists()


def test_what_was_told_while_a_file_is_under_way_stays_until_that_has_arrived(case):
    message = ended(case)
    file = promise(case, kind="monthly")
    OutboxMessage.objects.filter(pk=file.pk).update(created_at=message.created_at - timedelta(days=1))
    BatchFile.objects.create(
        channel=file.channel,
        direction="out",
        name="f",
        message=file,
        key=file.key,
        created_at=ANSWERED,
        state="promised",
    )
    with nothing_written():
        assert piles.erase_due(now=NEXT) == 0
    arrived = {"state": "acknowledged", "settled_at": NEXT, "acknowledged_at": NEXT, "delivered_at": NEXT}
    OutboxMessage.objects.filter(pk=file.pk).update(**arrived)
    with nothing_written():
        assert piles.erase_due(now=NEXT + timedelta(days=6)) == 0
    assert piles.erase_due(now=NEXT + timedelta(days=8)) == 1
    assert not is_there(message)


def file_of_many(told):
    """A file that belongs to no case and tells of these, on the stream of its channel."""
    channel = Channel.objects.get(agency__code="sandbox-post", direction="out")
    stream = Stream.objects.create(channel=channel)
    key = sealing.new_key("message", at=ANSWERED)
    row = OutboxMessage(
        stream=stream, channel=channel, seq=1, kind=KIND, key=key, dedupe_key="file:1", body_sha256="0" * 64
    )
    row.sealed_body = sealing.seal_bytes(b"x", key=key, label=outbox.LABEL, uid=row.public_id, field="body")
    row.state, row.created_at, row.settled_at, row.acknowledged_at = "acknowledged", ANSWERED, ANSWERED, ANSWERED
    row.save(force_insert=True)
    kind = releases.KINDS["letter"]
    for case in told:
        with record.act(case, "tests.told", actor=actors.system("tests"), at=ANSWERED):
            releases.record(
                case,
                row,
                [],
                channel=channel,
                kind=kind,
                recipient=channel.agency,
                actor=actors.system("tests"),
                at=ANSWERED,
                subject_count=1,
            )
    return row


def test_a_file_of_many_cases_stays_while_a_hold_keeps_one_of_them(case, people):
    message = file_of_many([case, factories.referred(people)])
    hold = holds.enter(case.pk, "legal", actor=people["a.byrne"], at=factories.AT, source="court", reason="Notice.")
    with nothing_written():
        assert piles.erase_due(now=NEXT) == 0
    with record.act(case, "tests.lift", actor=people["a.byrne"], at=NEXT):
        hold.released_at = NEXT
        hold.save(update_fields=["released_at"])
    assert piles.erase_due(now=NEXT) == 1
    agency = Agency.objects.get(code="sandbox-post")
    (event,) = LedgerEvent.objects.filter(stream=agency.uid, action="case.messages_erased")
    assert event.content()["detail"]["messages"] == [str(message.public_id)]


def test_a_file_of_many_cases_stays_while_an_authority_asks_about_somebody_in_one_of_them(case, people):
    file_of_many([case, factories.referred(people)])
    disclosures.enter(people)
    request = intake.open_case(
        disclosures.KIND,
        actor=people["k.mistry"],
        at=factories.AT,
        facts=disclosures.FACTS,
        people=[{"role": "target", "values": {"phone": factories.VICTIM["values"]["phone"]}}],
    )
    with nothing_written():
        assert piles.erase_due(now=NEXT) == 0
    disclosures.after(request, "refuse", people["k.mistry"], reason_code="expired")
    assert piles.erase_due(now=NEXT) == 1


def test_a_decided_period_counts_for_what_is_answered_from_its_day_on(case):
    retention.load(at=factories.AT)
    old, new = ended(case), ended(case, acknowledged_at=ANSWERED + timedelta(days=30))
    shorter = retention.RetentionClass(
        code="message_body",
        trigger="acknowledged",
        months=0,
        days=10,
        source="Decided",
        version=2,
        effective_from=date(2027, 2, 1),
    )
    retention.add_version(shorter, actor=actors.system("tests"), at=factories.AT)

    assert piles.erase_due(now=ANSWERED + timedelta(days=41)) == 1
    assert (is_there(old), is_there(new)) == (True, False)
    assert piles.erase_due(now=NEXT) == 1
    events = LedgerEvent.objects.filter(stream=case.uid, action="case.messages_erased").order_by("seq")
    assert [event.content()["detail"]["versions"] for event in events] == [[2], [1]]


def test_a_fault_of_one_case_stops_no_other_and_is_one_task_until_it_goes_well(case, people, monkeypatch):
    bad, good = ended(case), ended(factories.referred(people))
    forget = outbox.forget

    def fails(message, **more):
        if message.pk == bad.pk:
            raise ValueError("a fault")
        forget(message, **more)

    monkeypatch.setattr(outbox, "forget", fails)
    assert [piles.erase_due(now=NEXT), piles.erase_due(now=NEXT)] == [1, 0]
    assert (is_there(bad), is_there(good)) == (True, False)
    (task,) = Task.objects.filter(kind="not_erased")
    assert (task.team.code, task.detail, task.closed_at) == ("fraud", {"of": "message_body:fraud_referral"}, None)
    monkeypatch.undo()
    assert piles.erase_due(now=NEXT) == 1
    task.refresh_from_db()
    assert task.closed_at == NEXT


def test_a_database_that_is_away_ends_the_round(case, monkeypatch):
    ended(case)

    def away(*_given, **_more):
        raise OperationalError("away")

    monkeypatch.setattr(outbox, "forget", away)
    with nothing_written(), pytest.raises(OperationalError):
        piles.erase_due(now=NEXT)


def test_a_round_takes_up_no_further_case_once_it_did_so_much(people):
    cases = [factories.referred(people) for _ in range(3)]
    for each in cases:
        ended(each)
        ended(each)
    assert [piles.erase_due(now=NEXT, most=3) for _ in range(3)] == [4, 2, 0]
    assert [acts(each, "case.messages_erased") for each in cases] == [1, 1, 1]


def test_what_is_left_of_an_erased_case_is_emptied_without_an_act(case):
    message = ended(case)
    replied(message)
    sealing.destroy(case.key, actor="system:tests", reason="tests", at=NEXT)
    heads = LedgerEvent.objects.count()
    assert piles.erase_due(now=NEXT) == 2
    assert OutboxMessage.objects.get(pk=message.pk).sealed_body is None
    assert LedgerEvent.objects.count() == heads


def test_pages_say_when_it_was_erased(case):
    message = ended(case)
    piles.erase_due(now=NEXT)
    desk = client_of("a.byrne")
    page = desk.get(f"/cases/{case.uid}/messages/")
    assert page.status_code == 200 and "What it said: erased on 16 Apr 2027 00:01" in page.content.decode()
    assert str(message.public_id) in page.content.decode()
    assert "the words of messages" in desk.get(f"/cases/{case.uid}/").content.decode()


def test_what_is_due_is_found_by_an_index(case):
    ended(case)
    replied(ended(case))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    for pile, index in zip(piles.PILES, ("excerpt_to_erase", "message_to_erase"), strict=True):
        first = pile.rows(NEXT).order_by("over_at", "pk").values_list("over_at", flat=True)[:1]
        assert index in first.explain()


@pytest.mark.django_db(transaction=True)
@pytest.mark.faults
def test_a_worker_killed_while_it_erases_leaves_all_of_a_case_to_the_next(people):
    case = factories.referred(people)
    long_ago = datetime.now(UTC) - timedelta(days=100)
    messages = [ended(case, acknowledged_at=long_ago, settled_at=long_ago) for _ in range(2)]
    place = connection.settings_dict
    url = f"postgresql://{place['USER']}@/{place['NAME']}?host={place['HOST']}"
    finished = subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), "shell", "-c", "from cases.tasks import *; check_documents()"],
        env=os.environ | {"DATABASE_URL": url, "BACKOFFICE_TEST_MODE": "1", "BACKOFFICE_FAILPOINT": "inside_erase:1"},
        cwd=BASE_DIR,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == -signal.SIGKILL, finished.stderr.decode()
    assert [is_there(each) for each in messages] == [True, True] and acts(case, "case.messages_erased") == 0

    assert piles.erase_due(now=datetime.now(UTC)) == 2
    assert [is_there(each) for each in messages] == [False, False] and acts(case, "case.messages_erased") == 1
