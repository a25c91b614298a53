"""A backup that is put back loses again what was erased since it was taken."""

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from backoffice.env import BASE_DIR
from cases import tasks as work
from cases.kernel import edits, holds, locks, outbox, record, transitions
from cases.kernel.disposal import erasing
from cases.kernel.models import Case, CaseParty, Evidence, Note, SearchEntry
from cases.ledger import databases, sealing, tombstones, verify
from cases.ledger.models import DataKey, LedgerEvent, SecurityEvent
from cases.ledger.models import Tombstone as Row
from tests import factories
from tests.agencies.stage import promise
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(days=400)


@pytest.fixture(autouse=True)
def place(settings, tmp_path):
    settings.TOMBSTONES = str(tmp_path / "tombstones")
    return tmp_path / "tombstones"


@pytest.fixture
def people():
    return factories.office()


class Undone(Exception):
    """The backup is put back."""


def lost(act):
    """Do this, write the list, and have the database as it was before: what a restore does."""
    with pytest.raises(Undone), transaction.atomic():
        act()
        assert tombstones.publish(now=LATER) > 0
        raise Undone


def closed(people):
    case = factories.investigating(people)
    return transitions.apply(case.pk, "close_no_action", actor=people["a.byrne"], at=AT, reason="A mistake.")


def erase(case):
    with transaction.atomic(), erasing.erase(locks.case_for_update(case.pk), reason="retention_over", at=LATER):
        pass


def restored(*words):
    out = StringIO()
    call_command("after_restore", *words, stdout=out)
    return out.getvalue().splitlines()


def wrong(case):
    return [found for found in verify.verify_stream(case.uid) if found.level != "recorded late"]


def is_gone(key_id):
    return DataKey.objects.get(pk=key_id).destroyed_at is not None


def test_a_case_that_was_erased_since_the_backup_is_erased_again_and_nothing_starts_before(people, place):
    case = closed(people)
    keys = [case.key_id, *case.parties.values_list("key_id", flat=True)]
    assert SearchEntry.objects.filter(case=case).exists()
    lost(lambda: erase(case))
    assert not any(is_gone(key) for key in keys)
    assert tombstones.is_behind()
    with pytest.raises(tombstones.Behind, match="after_restore"):
        tombstones.require()

    said = restored()

    assert said[2] == "1 cases, 0 people and 0 keys are erased again."
    assert Case.objects.get(pk=case.pk).is_erased and all(is_gone(key) for key in keys)
    assert not SearchEntry.objects.filter(case=case).exists()
    for note in Note.objects.filter(case=case):
        reader = sealing.Reader(actor="staff:1", verb="view", purpose="casework")
        assert sealing.open_rows([note], ("text",), reader=reader, at=LATER)[0]["text"] == sealing.ERASED
    event = LedgerEvent.objects.get(stream=case.uid, action="case.erased")
    assert event.content()["detail"]["erased_at"] == LATER.isoformat()
    assert event.actor == "system:disposal"
    assert wrong(case) == []
    assert not tombstones.is_behind()
    tombstones.require()
    note = SecurityEvent.objects.get(kind="restored")
    assert {name: note.detail[name] for name in ("cases", "people", "keys")} == {"cases": 1, "people": 0, "keys": 0}

    assert restored()[2] == "0 cases, 0 people and 0 keys are erased again."  # and may be run again


def test_a_person_a_document_and_what_a_message_said_are_erased_again_alone(people):
    case = factories.investigating(people)
    edits.attach(
        case.pk, kind="photo", file_name="a.txt", media_type="text/plain", data=b"x", actor=people["a.byrne"], at=AT
    )
    message = promise(factories.referred(people))
    person, other = case.parties.order_by("number")[:2]
    document = Evidence.objects.select_related("blob__key").filter(case=case).latest("pk")

    def act():
        locked = locks.case_for_update(case.pk)
        erasing.erase_person(locked, CaseParty.objects.get(pk=person.pk), reason="retention_over", at=LATER)
        sealing.destroy(document.blob.key, actor="system:disposal", reason="retention_over", at=LATER)
        outbox.forget(message, actor="system:disposal", reason="retention_over", at=LATER)

    lost(act)

    assert restored()[2] == "0 cases, 1 people and 2 keys are erased again."
    assert [each.is_erased for each in CaseParty.objects.filter(pk__in=(person.pk, other.pk)).order_by("number")] == [
        True,
        False,
    ]
    assert is_gone(document.blob.key_id) and is_gone(message.key_id) and not is_gone(case.key_id)
    message.refresh_from_db()
    assert message.sealed_body is None
    key = DataKey.objects.get(pk=message.key_id)
    assert (key.destroyed_by, key.destroyed_reason, key.destroyed_at) == ("system:disposal", "retention_over", LATER)
    assert wrong(case) == []


def test_a_hold_that_came_back_with_the_backup_keeps_nothing_and_an_open_case_is_named(people):
    held, opened = closed(people), factories.investigating(people)
    with transaction.atomic(), record.act(locks.case_for_update(held.pk), "tests.held", actor=people["a.byrne"], at=AT):
        hold = holds.place(held, "legal", source="court", actor=people["a.byrne"], at=AT)
    assert "dispose" in hold.blocks
    with pytest.raises(Undone), transaction.atomic():
        for case in (held, opened):
            for key in (case.key, *(each.key for each in case.parties.all())):
                sealing.destroy(key, actor="system:disposal", reason="retention_over", at=LATER)
        tombstones.publish(now=LATER)
        raise Undone

    said = restored()

    assert said[2:] == [
        "2 cases, 0 people and 0 keys are erased again.",
        f"{opened.reference} was still open in the backup. It was closed and erased since.",
    ]
    assert is_gone(held.key_id) and is_gone(opened.key_id)


@pytest.mark.parametrize("change", ["key", "at", "by", "why", "mac", "less"])
def test_a_line_that_is_none_of_ours_destroys_nothing_nor_do_those_before_it(people, place, change):
    case, other = closed(people), closed(people)
    lost(lambda: erase(case))
    (file,) = place.iterdir()
    lines = [line for line in file.read_text().splitlines() if line]
    forged = json.loads(lines[-1])
    forged["key"] = str(other.key.uid)
    if change == "less":
        del forged["mac"]
    elif change == "mac":
        forged["mac"] = "00" * 32
    elif change != "key":
        forged |= {"key": json.loads(lines[-1])["key"], change: "2020-01-01T00:00:00+00:00"}
    file.write_text("\n".join([*lines, json.dumps(forged)]) + "\n")

    with (
        nothing_written(),
        pytest.raises(CommandError, match=f"Line {len(lines) + 1} is none of ours. Nothing was done"),
    ):
        restored()
    with nothing_written(), pytest.raises(CommandError, match="cannot be read"):
        restored("--tombstones", str(place / "none.txt"))


def test_half_a_line_that_a_crash_left_is_passed_over(people, place):
    case = closed(people)
    lost(lambda: erase(case))
    (file,) = place.iterdir()
    whole = file.read_text()
    file.write_text(whole.strip().splitlines()[0][:40] + whole)

    assert restored("--tombstones", str(file))[2] == "1 cases, 0 people and 0 keys are erased again."


def test_without_a_list_whoever_restores_says_that_nothing_was_erased(people):
    closed(people)
    with nothing_written(), pytest.raises(CommandError, match="There is no list of destroyed keys"):
        restored()
    assert restored("--nothing-erased")[2] == "0 cases, 0 people and 0 keys are erased again."


def test_every_destroyed_key_is_written_once_by_the_minute_and_stays_while_the_disk_refuses(people, place, caplog):
    case = closed(people)
    erase(case)
    keys = {str(uid) for uid in DataKey.objects.exclude(destroyed_at=None).values_list("uid", flat=True)}
    assert str(case.key.uid) in keys and len(keys) > 2
    assert {str(row.key.uid) for row in Row.objects.select_related("key")} == keys
    place.write_text("a file where the folder should be")
    assert tombstones.publish(now=LATER) == 0
    assert "tombstones_not_written" in caplog.text and Row.objects.count() == len(keys)
    assert tombstones.is_late(now=LATER + timedelta(hours=1)) and not tombstones.is_late(now=LATER)
    place.unlink()

    work.seal_ledger()

    (file,) = place.iterdir()
    assert file.stat().st_mode & 0o077 == 0 and place.stat().st_mode & 0o077 == 0
    written = [stone.key for stone in tombstones.read(file.read_text().splitlines(keepends=True))]
    assert {str(each) for each in written} == keys and len(written) == len(keys)
    assert not Row.objects.exists() and not tombstones.is_late(now=LATER + timedelta(hours=1))
    work.seal_ledger()
    assert len(list(tombstones.read(file.read_text().splitlines(keepends=True)))) == len(keys)


def test_no_key_is_destroyed_past_the_list(people):
    case = closed(people)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases_datakey SET wrapped = NULL, destroyed_at = now(), destroyed_by = 'x' WHERE id = %s",
            [case.key_id],
        )
    assert Row.objects.filter(key=case.key_id).exists()
    with pytest.raises(DatabaseError), transaction.atomic():
        DataKey.objects.filter(pk=case.key_id).update(destroyed_at=None)


OTHER = ("7000000000000000001:5", 1)


def test_a_restored_database_beside_which_no_list_is_knows_it_by_itself_and_nothing_starts(people, place, monkeypatch):
    closed(people)
    databases.note(at=AT)
    tombstones.require()
    with nothing_written():
        assert not databases.note(at=LATER)
    monkeypatch.setattr(databases, "identity", lambda: OTHER)  # the dump of it, put back elsewhere
    assert not place.exists() and not tombstones.is_behind()
    for start in (tombstones.require, lambda: call_command("deliver", "--once")):
        with nothing_written(), pytest.raises((tombstones.Behind, CommandError), match="after_restore"):
            start()
    with nothing_written():  # preparing it for a new version is no answer
        assert not databases.note(at=LATER)
    with nothing_written(), pytest.raises(CommandError, match="There is no list of destroyed keys"):
        restored()

    restored("--nothing-erased")

    tombstones.require()
    call_command("deliver", "--once", stdout=StringIO())


def test_a_fail_over_stops_nothing_and_a_database_that_moved_while_all_stood_still_is_said_to_have(
    people, place, monkeypatch
):
    databases.note(at=AT)
    name, timeline = databases.identity()
    monkeypatch.setattr(databases, "identity", lambda: (name, timeline + 1))
    tombstones.require()
    monkeypatch.setattr(databases, "identity", lambda: OTHER)
    message = promise(factories.referred(people))

    assert restored("--moved") == ["Noted: this is the database that is served from now on. Nothing else was done."]

    tombstones.require()
    message.refresh_from_db()
    assert message.state == "pending" and not SecurityEvent.objects.filter(kind="restored").exists()
    case = closed(people)
    lost(lambda: erase(case))
    with nothing_written(), pytest.raises(CommandError, match="an older copy. Nothing was done"):
        restored("--moved")


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_that_write_the_list_at_once_each_writes_what_the_other_does_not(people, place, monkeypatch):
    for _ in range(3):
        erase(closed(people))
    keys = {str(uid) for uid in Row.objects.values_list("key__uid", flat=True)}
    monkeypatch.setattr(tombstones, "CHUNK", 2)
    both = threading.Barrier(2)

    def write(_number):
        both.wait(timeout=30)
        try:
            return tombstones.publish(now=LATER)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        written = sum(pool.map(write, range(2)))

    (file,) = place.iterdir()
    stones = list(tombstones.read(file.read_text().splitlines(keepends=True)))
    assert written == len(stones) == len(keys) and {str(stone.key) for stone in stones} == keys
    assert not Row.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.faults
def test_what_a_worker_wrote_that_was_killed_before_it_marked_it_stands_twice_and_is_erased_once(people, place):
    case = closed(people)
    erase(case)
    count = Row.objects.count()
    dies = "import os, signal; os.fsync = lambda _file: os.kill(os.getpid(), signal.SIGKILL)"
    at = connection.settings_dict
    finished = subprocess.run(
        [
            sys.executable,
            str(BASE_DIR / "manage.py"),
            "shell",
            "-c",
            f"{dies}; from cases.tasks import *; seal_ledger()",
        ],
        env=os.environ
        | {"DATABASE_URL": f"postgresql://{at['USER']}@/{at['NAME']}?host={at['HOST']}", "TOMBSTONES": str(place)},
        cwd=BASE_DIR,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == -signal.SIGKILL, finished.stderr.decode()
    assert Row.objects.count() == count
    (file,) = place.iterdir()
    before = list(tombstones.read(file.read_text().splitlines(keepends=True)))
    assert len(before) == count

    assert tombstones.publish(now=datetime.now(UTC)) == count

    stones = list(tombstones.read(file.read_text().splitlines(keepends=True)))
    assert stones == before * 2 and not Row.objects.exists()
    assert restored()[2] == "0 cases, 0 people and 0 keys are erased again."
