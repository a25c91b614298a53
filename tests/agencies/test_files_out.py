"""Files promised to a partner: carried once, encrypted and signed, the same bytes at each try."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from unittest.mock import Mock

import asyncssh
import pytest
from django.db import OperationalError, connection, transaction

from cases import tasks
from cases.agencies import delivery, openpgp, queue, registerparts
from cases.agencies.transports import sftp
from cases.kernel.evidence import store
from cases.kernel.exchange import agencies, batchformat, deadletters, files
from cases.kernel.exchange.agencies import ChannelPlan, Listing
from cases.kernel.exchange.files import FileKind, FileRefused
from cases.kernel.models import BatchFile, ChannelHealth, DeliveryAttempt, OutboxMessage, Task
from cases.ledger import api as ledger
from cases.ledger.models import LedgerEvent
from tests.agencies import filestage, stage
from tests.agencies.filestage import ACTOR, AT, ROWS, Partner, channel_of, promised, registered, sha256
from tests.agencies.stage import now
from tests.agencies.test_kills import let_leases_end, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def partner(tmp_path):
    made = Partner(tmp_path / "partner")
    with made.server:
        yield made


def deliver():
    return delivery.deliver_due(clock=now)


def due_again():
    OutboxMessage.objects.filter(state="pending").update(due_at=now() - timedelta(minutes=1))


def last_error(file):
    return DeliveryAttempt.objects.filter(message=file.message).latest("number").error


def test_a_file_arrives_encrypted_signed_numbered_and_summed(partner):
    agency = registered(partner)
    told = []
    files.declare(FileKind(code="place", label="Placement", after=lambda file, became, at: told.append(became)))
    first, second = promised(agency, dedupe="batch-1"), promised(agency)
    assert promised(agency, dedupe="batch-1") == first
    assert (first.row_count, first.total_pence, first.sequence_no, second.sequence_no) == (2, 35366, 1, 2)

    deliver(), deliver()  # one of a stream at a time
    assert partner.server.names() == [
        "backoffice_drama-recoveries_place_000001.csv.pgp",
        "backoffice_drama-recoveries_place_000002.csv.pgp",
    ]
    plain = partner.opened(first.name)
    lines = plain.decode().splitlines()
    assert lines[0] == "FILE,1,place,1,backoffice,drama-recoveries,2026-11-16T10:00:00Z,"
    assert lines[-1] == f"END,2,35366,{sha256(ROWS)}"
    assert b"".join(each + b"\n" for each in plain.split(b"\n")[1:-2]) == ROWS
    first.refresh_from_db()
    carried = (partner.server.root / "in" / first.name).read_bytes()
    assert (first.sha256, first.carried_sha256) == (sha256(plain), sha256(carried))
    assert b"Cerys" not in bytes(first.sealed_bytes) + bytes(first.message.sealed_body) + carried
    assert told == ["delivered", "delivered"]
    assert LedgerEvent.objects.filter(stream=agency.uid, action="file.delivered").count() == 2
    del files._kinds["place"]


def many(rows=12_000):
    """Yield the heading and three parts of rows, which are more than lies in a row of the database."""
    yield b"reference,name,amount_pence\n"
    for first in range(0, rows, rows // 3):
        yield b"".join(b"PLC-%d,Cerys,%d\n" % (number, number) for number in range(first, first + rows // 3))


def other_agency():
    """Enter a second agency that is promised the same, and cannot be reached."""
    plan = ChannelPlan(direction="out", transport="sftp", address="sftp://x@127.0.0.1:9/in", retry_profile="file")
    listing = Listing(code="drama-bureau", kind="cra", display_name="Drama Bureau", channels=(plan,))
    return agencies.register(listing, actor=ACTOR, at=AT)


def promised_to_each(case, codes, parts=None):
    ready = files.make_ready(codes, "place", parts or many(), at=AT, case=case)
    with ledger.action(case.uid, "test.promised", actor=ACTOR.label, at=AT):
        return files.promise_to_each(ready, at=AT, case=case, dedupe="month")


def test_large_rows_are_sealed_once_for_all_and_carried_piece_by_piece(partner, case):
    codes = [registered(partner).code, other_agency().code]
    first, second = promised_to_each(case, codes)
    assert first.rows == second.rows
    assert (first.rows.kept, first.row_count, first.total_pence) == ("folder", 12_000, sum(range(12_000)))
    body = b"".join(many())
    deliver()
    plain = partner.opened(first.name)
    lines = plain.split(b"\n")
    assert lines[0].startswith(b"FILE,1,place,1,backoffice,drama-recoveries,2026-11-16")
    assert lines[-2].decode() == f"END,12000,{sum(range(12_000))},{sha256(body)}"
    assert b"".join(each + b"\n" for each in lines[1:-2]) == body
    first.refresh_from_db()
    carried = (partner.server.root / "in" / first.name).read_bytes()
    assert (first.sha256, first.carried_sha256) == (sha256(plain), sha256(carried))
    assert (first.message.body_sha256, first.sealed_bytes, first.carried.kept) == (sha256(plain), None, "folder")
    for blob in (first.rows, first.carried):
        with store.named("folder").open(blob.uid) as kept:
            assert b"Cerys" not in kept.read()
    assert stage.state_of(first.message) == "delivered"
    assert promised_to_each(case, codes) == [first, second]


def test_a_large_file_is_held_for_as_long_as_it_takes_to_make_it_ready(partner, case, monkeypatch):
    (file,) = promised_to_each(case, [registered(partner).code])
    monkeypatch.setattr(delivery, "MEGABYTE", 1000)
    held, renew = [], queue.renew

    def renewing(*given, more_seconds=0):
        held.append(more_seconds)
        return renew(*given, more_seconds=more_seconds)

    monkeypatch.setattr(queue, "renew", renewing)
    deliver()
    assert (stage.state_of(file.message), held) == ("delivered", [file.rows.size * 2 // 1000])


def test_a_large_file_that_arrived_before_its_answer_was_lost_is_known_by_its_hash(partner, case):
    agency = registered(partner)
    (file,) = promised_to_each(case, [agency.code])
    deliver()
    written_at = os.stat(partner.server.root / "in" / file.name).st_mtime_ns
    OutboxMessage.objects.filter(pk=file.message_id).update(state="pending", settled_at=None, delivered_at=None)
    due_again(), deliver()
    assert stage.state_of(file.message) == "delivered"
    assert os.stat(partner.server.root / "in" / file.name).st_mtime_ns == written_at


def test_no_worker_is_ended_before_the_largest_file_has_left():
    """Five million accounts at 131 bytes each: a second for each megabyte, beside what a run and a channel may take."""
    megabytes = 5_000_000 * 131 // sftp.MEGABYTE
    seconds = delivery.LONGEST_RUN_SECONDS + registerparts.FILE_SECONDS + megabytes
    assert seconds < tasks.deliver_outbox.time_limit


def test_nobody_waits_for_a_channel_while_the_parts_of_a_large_file_are_read(partner, case):
    """Another worker can have the place on the channel at each part, and has not the one that the file then takes."""
    agency = registered(partner)
    promised(agency)
    free = []

    def parts():
        for part in many():
            with ThreadPoolExecutor(1) as aside:
                free.append(aside.submit(is_free, channel_of(agency).pk).result())
            yield part

    (file,) = promised_to_each(case, [agency.code], parts=parts())
    assert (free, file.sequence_no) == ([True] * 4, 2)


def is_free(channel):
    """Say whether the stream of a channel can be locked at once, from a connection of its own."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT id FROM cases_stream WHERE channel_id = %s FOR UPDATE NOWAIT", [channel])
            return True
    except OperationalError:
        return False
    finally:
        connection.close()


def test_large_rows_that_were_altered_or_lost_are_never_carried(partner, case):
    agency = registered(partner)
    (file,) = promised_to_each(case, [agency.code])
    path = store.named("folder")._path(file.rows.uid)
    whole = path.read_bytes()
    path.write_bytes(whole[:100_000] + bytes([whole[100_000] ^ 1]) + whole[100_001:])
    deliver()
    assert (stage.state_of(file.message), last_error(file)) == ("dead", "body_altered")
    OutboxMessage.objects.filter(pk=file.message_id).update(state="pending", settled_at=None)
    path.unlink()
    due_again(), deliver()
    assert (stage.state_of(file.message), last_error(file)) == ("pending", "store_away")
    assert partner.server.names() == []
    file.refresh_from_db()
    assert (file.carried, file.carried_sha256) == (None, "")


def test_what_cannot_be_made_ready_stops_no_other_message(partner, case, monkeypatch):
    """No process can be begun, then a fault of ours: each is a failed try on record, and what else is due leaves."""
    agency = registered(partner)
    (large,) = promised_to_each(case, [agency.code])
    other = stage.promise(case)
    for fault, code in ((OSError(12, "no memory"), "store_away"), (ValueError("ours"), "fault_ValueError")):
        with monkeypatch.context() as broken:
            broken.setattr(openpgp.subprocess, "Popen", Mock(side_effect=fault))
            run = deliver()
        assert run.tried == 2
        assert (stage.state_of(large.message), last_error(large)) == ("pending", code)
        assert not DeliveryAttempt.objects.filter(message=other, ended_at=None).exists()
        due_again()
    deliver()
    assert stage.state_of(large.message) == "delivered"


def test_parts_that_are_no_whole_lines_are_refused_and_nothing_is_kept(partner, case):
    agency = registered(partner)
    before = sum(1 for _ in store.named("folder").names())
    with pytest.raises(FileRefused, match="line_not_whole"):
        promised_to_each(case, [agency.code], parts=[*many(), b"PLC-1,Cerys,"])
    assert not BatchFile.objects.exists()
    assert sum(1 for _ in store.named("folder").names()) == before


def test_a_message_of_a_case_is_carried_as_a_file_too(partner, case):
    registered(partner)
    message = stage.promise(case, code=filestage.CODE)
    deliver()
    (name,) = partner.server.names()
    assert name == f"backoffice_drama-recoveries_test_message_{message.public_id}.json.pgp"
    assert sha256(partner.opened(name)) == message.body_sha256
    assert stage.state_of(message) == "delivered"


@pytest.mark.faults
def test_a_worker_killed_between_upload_and_commit_sends_nothing_twice(partner):
    file = promised(registered(partner))
    assert work("after_answer:1") == -signal.SIGKILL
    (name,) = partner.server.names()
    written_at = os.stat(partner.server.root / "in" / name).st_mtime_ns
    assert stage.state_of(file.message) == "sending"

    let_leases_end()
    deliver()
    assert stage.state_of(file.message) == "delivered"
    assert partner.server.names() == [name]
    assert os.stat(partner.server.root / "in" / name).st_mtime_ns == written_at
    assert DeliveryAttempt.objects.filter(message=file.message).count() == 2


def test_another_file_under_its_name_is_dead_and_a_task_and_what_follows_waits_for_a_person(partner):
    agency = registered(partner)
    file, behind = promised(agency), promised(agency)
    (partner.server.root / "in" / file.name).write_bytes(b"something else")
    deliver()
    assert (stage.state_of(file.message), last_error(file)) == ("dead", "name_taken")
    assert stage.state_of(behind.message) == "pending"
    task = Task.objects.get(kind="message_dead")
    assert (task.case, task.detail["agency"]) == (None, filestage.CODE)

    deadletters.skip(file.message, actor=ACTOR, at=now(), reason="Agreed by telephone.")
    task.refresh_from_db()
    assert task.closed_at is not None
    deliver()
    assert stage.state_of(behind.message) == "delivered"


def test_a_server_with_another_host_key_pauses_the_channel_at_once(partner):
    agency = registered(partner)
    file = promised(agency)
    partner.server.__exit__()
    partner.server.host_key = asyncssh.generate_private_key("ssh-ed25519")
    with partner.server:
        deliver()
    channel = channel_of(agency)
    assert (channel.state, last_error(file), stage.state_of(file.message)) == ("paused", "host_key_refused", "pending")


def test_nothing_is_encrypted_to_a_key_that_expired_or_is_not_there(partner):
    agency = registered(partner)
    file = promised(agency)
    (live,) = agencies.live_partner_keys(agency, kind="openpgp", at=now())
    agencies.revoke_partner_key(live, actor=ACTOR, at=AT)
    deliver()
    assert last_error(file) == "no_partner_key"

    from pysequoia import Tsk  # noqa: PLC0415 -- a certificate that has ended: the library dates it a minute back

    ended = Tsk.generate("Them", validity_seconds=1).extract_certificate()
    filestage.know(agency, "openpgp", str(ended), ended.fingerprint)
    due_again()
    deliver()
    assert last_error(file) == "certificate_expired"
    assert ChannelHealth.objects.get(channel=channel_of(agency)).consecutive_rejections == 2
    assert partner.server.names() == []

    fresh_secret, fresh = openpgp.make_pair("Them")
    filestage.know(agency, "openpgp", fresh.armored, fresh.fingerprint)
    due_again()
    deliver()
    partner.secret = fresh_secret
    assert partner.opened(file.name).startswith(b"FILE,1,place")


def test_a_full_disk_is_tried_again_with_the_very_same_bytes(partner):
    file = promised(registered(partner))
    partner.server.fail["write"] = 28
    deliver()
    assert (stage.state_of(file.message), last_error(file)) == ("pending", "server_failed")
    before = BatchFile.objects.get(pk=file.pk).carried_sha256
    partner.server.fail.clear()
    due_again()
    deliver()
    carried = (partner.server.root / "in" / file.name).read_bytes()
    assert (stage.state_of(file.message), sha256(carried)) == ("delivered", before)


def test_an_agency_of_messages_is_promised_no_file_and_no_file_is_made_of_what_is_no_csv(partner):
    agency = registered(partner)
    agencies.change_channel(channel_of(agency), "agency.channel_moved", actor=ACTOR, at=AT, transport="https")
    with pytest.raises(files.NoFiles):
        promised(agency)
    agencies.change_channel(channel_of(agency), "agency.channel_moved", actor=ACTOR, at=AT, transport="sftp")
    for body, code in (
        (b"", "columns_missing"),
        (b"a,b\n1\n", "row_of_another_width"),
        (b"amount_pence\n1.50\n", "amount_malformed"),
        (b"a\n\xff\n", "not_utf_8"),
    ):
        with pytest.raises(FileRefused) as caught:
            promised(agency, body)
        assert caught.value.code == code
    assert not BatchFile.objects.exists()
    assert batchformat.measure(b"a\n") == (0, 0)
