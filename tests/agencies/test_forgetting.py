"""Fetched files and callbacks of no case go after 90 days; what belongs to a case is sealed anew under it and stays."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from cases.agencies import application, forgetting, inbound, senders
from cases.kernel import actors, tasks
from cases.kernel.exchange import agencies
from cases.kernel.exchange import files as exchanged
from cases.kernel.models import BatchFile, Callback, Task
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.models import DataKey, LedgerEvent
from tests import factories
from tests.agencies.stage import FPA, approved
from tests.api.caller import callback
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
# Both are of 1 July 2027 in London, and so under the key of 30 June.
CAME = datetime(2027, 6, 30, 23, 30, tzinfo=UTC)
LAST, NEXT = datetime(2027, 9, 29, 22, 59, tzinfo=UTC), datetime(2027, 9, 29, 23, 1, tzinfo=UTC)


@pytest.fixture
def people():
    return factories.office()


def hear(document, *, at=CAME):
    agency = agencies.get(FPA)
    sender = senders.Sender(
        agency=agency, channel=agencies.channel_of(agency, "in"), message_id=uuid.uuid4().hex, key_name="k"
    )
    inbound.receive(sender, json.dumps(document).encode(), ip_token="", now=at)
    row = Callback.objects.get(agency=agency, message_id=sender.message_id)
    application.apply_pending(now=at)
    row.refresh_from_db()
    return row


def unmatched(**more):
    return hear(callback(reference=str(uuid.uuid4()), agency_reference="SFR-2027-1", **more))


def opened(row):
    row = Callback.objects.get(pk=row.pk)
    reader = sealing.Reader(actor="system:tests", verb="view", purpose="test")
    place = {"label": application.LABEL, "uid": row.uid, "field": "body"}
    return sealing.open_bytes(bytes(row.sealed_body), key_id=row.key_id, reader=reader, at=NEXT, **place)


def acts(verb):
    return LedgerEvent.objects.filter(stream=agencies.get(FPA).uid, action=verb)


def test_a_callback_that_matched_nothing_goes_with_the_key_of_its_day_and_ends_its_task(people):
    row = unmatched()
    assert (row.state, row.case_id) == ("unmatched", None)
    with nothing_written():
        assert forgetting.erase_due(now=LAST) == 0

    assert forgetting.erase_due(now=NEXT) == 1

    row.refresh_from_db()
    assert (row.state, row.reason, row.sealed_body) == ("ignored", "erased", None)
    assert DataKey.objects.get(pk=row.key_id).destroyed_reason == "retention_over"
    (event,) = acts("callback.erased")
    assert event.content()["detail"] == {
        "class": "callback_inbox",
        "versions": [1],
        "callback": str(row.uid),
        "type": row.type,
        "sha256": row.body_sha256,
    }
    assert [task.outcome for task in Task.objects.filter(detail__callback=str(row.uid))] == ["erased"]
    with nothing_written():
        assert forgetting.erase_due(now=NEXT + timedelta(days=1)) == 0
    application.apply_pending(now=NEXT)
    row.refresh_from_db()
    assert row.state == "ignored"


def test_what_belongs_to_a_case_is_sealed_anew_under_it_and_can_still_be_applied(people):
    case = factories.referred(people)
    waiting, gone = unmatched(), unmatched()
    Callback.objects.filter(pk=waiting.pk).update(case=case, state="failed", reason="refused:CaseError")
    before = opened(waiting)

    assert forgetting.erase_due(now=NEXT) == 1

    waiting.refresh_from_db()
    assert (waiting.state, waiting.key.scope, waiting.key.parent_id) == ("failed", "callback", case.key_id)
    assert opened(waiting) == before and before
    assert DataKey.objects.get(pk=gone.key_id).wrapped is None
    with nothing_written():
        assert forgetting.erase_due(now=NEXT) == 0


def test_what_is_still_to_be_applied_keeps_the_key_of_its_day(people):
    row = unmatched()
    Callback.objects.filter(pk=row.pk).update(state="received")
    with nothing_written():
        assert forgetting.erase_due(now=NEXT) == 0
    assert opened(row)


def test_what_was_for_a_case_that_is_erased_goes(people):
    case = factories.referred(people)
    row = unmatched()
    Callback.objects.filter(pk=row.pk).update(case=case, state="failed")
    sealing.destroy(case.key, actor="system:tests", reason="tests", at=NEXT)
    assert forgetting.erase_due(now=NEXT) == 1
    assert DataKey.objects.get(pk=row.key_id).wrapped is None


def test_a_callback_that_was_applied_leaves_an_empty_day_whose_key_goes(people):
    case = approved(people)
    message = case.messages.get(kind="fpa_file")
    row = hear(callback(reference=str(message.public_id)), at=CAME)
    assert (row.state, row.key.scope) == ("applied", "callback")
    day = DataKey.objects.get(scope="inbox", label="2027-06-30")
    assert forgetting.erase_due(now=NEXT) == 0
    day.refresh_from_db()
    assert day.wrapped is None and opened(row)


def fetched(*, state="taken", ended_at=CAME):
    key = sealing.new_key("inbox_file", at=CAME, retention_class="message_body")
    channel = agencies.channel_of(agencies.get(FPA), "out")
    row = BatchFile(channel=channel, direction="in", name=f"{state}.csv.pgp", key=key, created_at=CAME)
    row.state, row.ended_at, row.carried_sha256 = state, ended_at, "a" * 64
    row.sealed_bytes = sealing.seal_bytes(b"rows", key=key, label=exchanged.LABEL, uid=row.uid, field="bytes")
    row.save(force_insert=True)
    return row


def test_a_fetched_file_goes_ninety_days_after_it_was_taken_and_its_hash_stays(people):
    row, waiting = fetched(), fetched(state="stored", ended_at=None)
    with nothing_written():
        assert forgetting.erase_due(now=LAST) == 0
    assert forgetting.erase_due(now=NEXT) == 1
    row.refresh_from_db()
    waiting.refresh_from_db()
    assert (row.sealed_bytes, row.key.wrapped, row.state, row.carried_sha256) == (None, None, "taken", "a" * 64)
    assert waiting.sealed_bytes is not None
    (event,) = acts("file.erased")
    assert event.content()["detail"] == {
        "class": "message_body",
        "versions": [1],
        "file": str(row.uid),
        "carried_sha256": "a" * 64,
    }
    with nothing_written():
        assert forgetting.erase_due(now=NEXT) == 0
    page = client_of("a.byrne").get(f"/agencies/{FPA}/", {"view": "files"})
    assert page.status_code == 200 and "What it held: erased on 30 Sep 2027 00:01" in page.content.decode()


def test_a_refused_file_stays_while_somebody_is_asked_about_it(people):
    row = fetched(state="refused")
    stream = agencies.get(FPA).uid
    with ledger.action(stream, "tests.asked", actor="system:tests", at=CAME):
        task = tasks.raise_task("file_refused", case=None, at=CAME, file=str(row.uid), agency=FPA)
    with nothing_written():
        assert forgetting.erase_due(now=NEXT) == 0
    with ledger.action(stream, "tests.answered", actor="system:tests", at=CAME):
        tasks.close(task, actor=actors.system("tests"), at=CAME)
    assert forgetting.erase_due(now=NEXT) == 1


def asked_to_look():
    return list(Task.objects.filter(kind="not_erased", closed_at=None).values_list("team__code", "detail__of"))


def test_a_fault_of_one_file_stops_no_other_and_is_a_task_until_it_goes(people, monkeypatch):
    bad, good = fetched(), fetched(state="refused")
    destroy = sealing.destroy

    def fails(key, **more):
        if key.pk == bad.key_id:
            raise ValueError("a fault")
        destroy(key, **more)

    monkeypatch.setattr(forgetting.sealing, "destroy", fails)
    assert forgetting.erase_due(now=NEXT) == 1
    assert BatchFile.objects.get(pk=bad.pk).sealed_bytes is not None
    assert BatchFile.objects.get(pk=good.pk).sealed_bytes is None
    assert asked_to_look() == [("fraud", f"fetched_file:{FPA}")]
    with nothing_written():
        assert forgetting.erase_due(now=NEXT) == 0
    monkeypatch.undo()
    assert forgetting.erase_due(now=NEXT) == 1
    assert asked_to_look() == []


def test_a_fault_of_one_callback_stops_no_other_and_is_a_task_until_it_goes(people, monkeypatch):
    bad, good = unmatched(), unmatched()
    close = tasks.close

    def fails(task, **more):
        if task.detail["callback"] == str(bad.uid):
            raise ValueError("a fault")
        close(task, **more)

    monkeypatch.setattr(forgetting.tasks, "close", fails)
    assert forgetting.erase_due(now=NEXT) == 1
    assert opened(bad) and Callback.objects.get(pk=good.pk).sealed_body is None
    assert asked_to_look() == [("fraud", f"callback_inbox:{FPA}")]
    monkeypatch.undo()
    assert forgetting.erase_due(now=NEXT) == 1
    assert asked_to_look() == []
    assert DataKey.objects.get(pk=bad.key_id).wrapped is None
