"""manage.py keys and manage.py verify_ledger, as an operator sees them."""

import stat
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from cases.kernel.models import Case
from cases.ledger import api as ledger
from cases.ledger import keys
from cases.ledger.sealing import new_key
from tests.ledger.rows import ACTOR, STREAM, saved


def at_once():
    return datetime.now(UTC)


@pytest.fixture
def folder(settings, tmp_path):
    settings.KEY_DIR = tmp_path / "new" / "keys"
    return settings.KEY_DIR


@pytest.mark.django_db
def test_keys_init_makes_files_only_their_owner_reads(folder, capsys):
    call_command("keys", "init")
    first = {file.name: file.read_bytes() for file in folder.iterdir()}
    call_command("keys", "init")

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert sorted(first) == ["index-v1", f"kek-{at_once():%Y%m}"]
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == first
    assert {len(secret) for secret in first.values()} == {64}
    assert "has its keys" in capsys.readouterr().out


@pytest.mark.django_db
def test_keys_status_counts_what_each_key_wraps(folder, capsys):
    keys.init(folder, at=datetime(2026, 3, 1, tzinfo=UTC))
    new_key("case", at=at_once())

    call_command("keys", "status")

    assert capsys.readouterr().out.splitlines() == [
        "kek-202603: sound, in use for new keys, 1 data keys",
        "index-v1: sound, in use for new keys",
    ]


@pytest.mark.django_db
def test_keys_status_names_a_missing_wrapping_key(folder, capsys):
    keys.init(folder, at=datetime(2026, 3, 1, tzinfo=UTC))
    new_key("case", at=at_once())
    (folder / "kek-202603").rename(folder / "kek-202604")

    with pytest.raises(CommandError):
        call_command("keys", "status")

    assert "kek-202603: missing, 1 data keys cannot be opened" in capsys.readouterr().out


def test_start_refuses_missing_readable_or_damaged_keys(folder):
    with pytest.raises(keys.KeyMissing, match="missing"):
        keys.require()

    keys.init(folder, at=datetime(2026, 3, 1, tzinfo=UTC))
    keys.require()

    (folder / "index-v1").chmod(0o640)
    with pytest.raises(keys.KeyMissing, match="index-v1: others may read it"):
        keys.require()
    (folder / "index-v1").chmod(0o600)
    (folder / "kek-202603").write_bytes(b"short")
    with pytest.raises(keys.KeyMissing, match="kek-202603: damaged"):
        keys.require()


@pytest.fixture
def case(db):
    with ledger.action(STREAM, "fixture.made", actor=ACTOR, at=at_once()):
        row = saved(Case)
    with ledger.action(row.uid, "case.opened", actor=ACTOR, at=at_once()):
        row.topic = "topic"
        row.save()
    return row


def test_verify_ledger_says_how_many_events_are_sound(case, capsys):
    call_command("verify_ledger")
    call_command("verify_ledger", case.reference)

    assert capsys.readouterr().out.splitlines() == ["2 events, 0 wrong", "1 events, 0 wrong"]


def test_verify_ledger_names_what_is_wrong_and_exits_with_1(case, capsys):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE cases_historicalcase DISABLE TRIGGER USER")
        cursor.execute("UPDATE cases_historicalcase SET topic = 'forged' WHERE topic = 'topic'")

    with pytest.raises(SystemExit) as left:
        call_command("verify_ledger", case.reference)

    assert left.value.code == 1
    output = capsys.readouterr().out
    assert f"wrong: stream {case.uid} sequence 1 cases_historicalcase.topic: " in output
    assert "1 events, 2 wrong" in output


def test_verify_ledger_refuses_an_unknown_reference(case):
    with pytest.raises(CommandError, match="There is no case NOPE-1."):
        call_command("verify_ledger", "NOPE-1")
