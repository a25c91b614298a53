"""Data keys move to a newer wrapping key while readers, writers and erasure go on; a stop leaves nothing half done."""

import base64
import json
from datetime import UTC, datetime

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from cases.kernel.models import Case, Note
from cases.ledger import api as ledger
from cases.ledger import checks, indexkeys, keys, rotation, sealing
from cases.ledger.models import DataKey, SecurityEvent
from cases.web.signin.secrets import open_secret, seal_secret
from tests import factories
from tests.ledger.rows import ACTOR, AT, STREAM, fresh

READER = sealing.Reader(actor="staff:7", verb="view", purpose="test")
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def folder(settings, tmp_path):
    settings.KEY_DIR = tmp_path / "keys"
    keys.init(settings.KEY_DIR, at=MARCH)
    return settings.KEY_DIR


@pytest.fixture
def notes(folder, db):
    """Seven notes, each under its own key, one of them under a child of its case's key."""
    with ledger.action(STREAM, "rows.made", actor=ACTOR, at=AT):
        case = fresh(Case)
        case.save(force_insert=True)
        made = [_note(case, number, sealing.new_key("note", at=AT)) for number in range(6)]
        parent = sealing.new_key("case", at=AT)
        made.append(_note(case, 6, sealing.new_key("note", at=AT, parent=parent)))
    return made


def _note(case, number, key):
    note = fresh(Note, case=case, key=key)
    sealing.seal(note, {"text": f"note {number}"}, key=key)
    note.save(force_insert=True)
    return note


def _texts(notes):
    found = [Note.objects.get(pk=note.pk) for note in notes]
    return [opened["text"] for opened in sealing.open_rows(found, ["text"], reader=READER, at=AT)]


def _used():
    return set(DataKey.objects.filter(parent=None, destroyed_at=None).values_list("kek_id", flat=True))


def test_after_rotation_the_older_file_can_go_and_everything_still_opens(folder, notes, capsys):
    call_command("keys", "rotate")
    call_command("keys", "status")
    said = capsys.readouterr().out
    (folder / "kek-202603").unlink()

    newest = keys.current_kek()
    assert "kek-202603: sound, nothing needs it any more, remove it" in said
    assert _used() == {newest}
    assert _texts(notes) == [f"note {number}" for number in range(7)]
    assert SecurityEvent.objects.filter(kind="keys_rewrapped", detail__key=newest).count() == 1


def test_a_dump_from_before_does_not_open_without_the_older_key(folder, notes):
    dumped = DataKey.objects.get(pk=notes[0].key_id)
    call_command("keys", "rotate")
    (folder / "kek-202603").unlink()

    with pytest.raises(keys.KeyMissing):
        sealing.seal(notes[0], {"text": "new"}, key=dumped)


def test_a_killed_rotation_goes_on_where_it_stopped_and_makes_no_third_key(folder, notes, monkeypatch, capsys):
    keys.add(keys.KEK_PREFIX, at=AT)

    def die(_count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotation.rewrap(batch=3, after_each=die)
    between = rotation.wrapped_by_kek()
    still_open = _texts(notes)
    call_command("keys", "rotate")

    assert sorted(between.values()) == [3, len(DataKey.objects.filter(parent=None)) - 3]
    assert still_open == [f"note {number}" for number in range(7)]
    assert "Going on with what kek-202603 wrapped; no new key is made." in capsys.readouterr().out
    assert [file.name for file in keys.status(folder) if file.name.startswith("kek")] == ["kek-202603", "kek-202603-2"]
    assert _used() == {"kek-202603-2"}


def test_work_between_two_batches_is_neither_lost_nor_left_behind(folder, notes):
    keys.add(keys.KEK_PREFIX, at=AT)
    seen = []

    def live(_count):
        if seen:
            return
        seen.append(_texts(notes))
        sealing.destroy(DataKey.objects.get(pk=notes[5].key_id), actor=ACTOR, reason="test", at=AT)
        late = sealing.new_key("note", at=AT)
        DataKey.objects.filter(pk=late.pk).update(**_wrapped_by(late, "kek-202603"))

    rotation.rewrap(batch=2, after_each=live)

    assert seen == [[f"note {number}" for number in range(7)]]
    assert _used() == {"kek-202603-2"}
    assert _texts(notes) == [*(f"note {number}" for number in range(5)), "[erased]", "note 6"]


def _wrapped_by(key, name):
    """Return what a writer that began before the new key appeared would have stored."""
    plain = sealing._unwrap(key, {})
    return {"kek_id": name, "wrapped": sealing.AESSIV(keys.load(name)).encrypt(plain, sealing.binding(key))}


def test_a_key_destroyed_while_its_batch_was_wrapped_stays_destroyed(folder, notes):
    read_before = list(DataKey.objects.filter(pk=notes[0].key_id))
    sealing.destroy(DataKey.objects.get(pk=notes[0].key_id), actor=ACTOR, reason="test", at=AT)

    assert rotation._move(read_before, keys.add(keys.KEK_PREFIX, at=AT)) == 0
    assert DataKey.objects.get(pk=notes[0].key_id).wrapped is None


def test_secrets_of_second_factors_move_too_and_are_counted(folder, db, capsys):
    factories.office()
    person = factories.user("a.byrne")
    factor = Authenticator.objects.create(user=person, type="totp", data={"secret": seal_secret("JBSWY3DP"), "n": 1})
    keys.add(keys.KEK_PREFIX, at=AT)

    call_command("keys", "status")
    before = capsys.readouterr().out
    call_command("keys", "rotate")
    factor.refresh_from_db()
    (folder / "kek-202603").unlink()

    assert "kek-202603: sound, still needed by" in before
    assert factor.data["secret"].startswith("kek-202603-2:")
    assert open_secret(factor.data["secret"]) == "JBSWY3DP"


def test_an_announced_key_opens_on_other_machines_before_anything_uses_it(folder, notes):
    call_command("keys", "rotate", "--announce")
    assert keys.current_kek() == "kek-202603"
    announced = next(folder.glob("*.next"))
    elsewhere = announced.read_bytes()

    call_command("keys", "rotate")
    renamed = announced.with_suffix("")
    renamed.rename(announced)

    assert renamed.name == announced.name.removesuffix(".next")
    assert keys.load(renamed.name) == elsewhere
    assert keys.current_kek() == "kek-202603"
    assert _texts(notes)[0] == "note 0"


def test_rotated_index_key_still_finds_what_the_older_one_made(folder, db, capsys):
    before = keys.keyed_hash("name", "vale")

    call_command("keys", "rotate", "--index")
    call_command("keys", "status")

    assert "index-v1: sound, kept for hashes made with it and the search tokens of 0 cases" in capsys.readouterr().out
    assert keys.index_keys() == ["index-v2", "index-v1"]
    assert keys.keyed_hash("name", "vale") != before
    assert keys.kept_hashes("name", "vale") == [keys.keyed_hash("name", "vale"), before]


def test_names_of_keys_sort_by_their_numbers(folder):
    for _ in range(10):
        keys.add(keys.INDEX_PREFIX, at=MARCH)
        keys.add(keys.KEK_PREFIX, at=MARCH)

    assert keys.index_keys()[0] == "index-v11"
    assert keys.current_kek() == "kek-202603-11"
    assert keys.add(keys.KEK_PREFIX, at=AT.replace(year=2027)) == "kek-202703"


# --- escrow ------------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(folder, tmp_path, db):
    call_command("keys", "escrow", str(tmp_path / "safe"), "--custodians", "3")
    return tmp_path / "safe"


def _files(kept, *numbers):
    return [str(kept / "keys.escrow"), *(str(kept / f"custodian-{number}.share") for number in numbers)]


@pytest.mark.parametrize("pair", [(1, 2), (3, 1), (2, 3)])
def test_any_two_custodians_put_the_keys_back_after_the_folder_is_lost(folder, kept, pair):
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    for file in folder.iterdir():
        file.unlink()

    call_command("keys", "restore", *_files(kept, *pair))

    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    keys.require()


def test_one_custodian_alone_opens_nothing_and_no_share_holds_the_key(folder, kept):
    with pytest.raises(CommandError, match="Two shares of two different custodians are needed."):
        call_command("keys", "check", *_files(kept, 1, 1))

    secret = (folder / "kek-202603").read_bytes()
    texts = b"".join(file.read_bytes() for file in kept.iterdir())
    assert base64.b64encode(secret).strip(b"=") not in texts


def test_an_altered_bundle_or_share_is_refused(kept):
    bundle = json.loads((kept / "keys.escrow").read_text())
    (kept / "keys.escrow").write_text(json.dumps(bundle | {"sealed": "A" + bundle["sealed"][1:]}))

    with pytest.raises(CommandError, match="altered"):
        call_command("keys", "check", *_files(kept, 1, 2))


def test_a_bundle_from_before_a_rotation_is_named_as_out_of_date(folder, kept):
    call_command("keys", "rotate")

    with pytest.raises(CommandError, match=f"does not hold what is in use now: {keys.current_kek()}"):
        call_command("keys", "check", *_files(kept, 1, 2))


def test_restore_never_replaces_a_key(folder, kept):
    (folder / "kek-202603").write_bytes(b"x" * 64)

    with pytest.raises(CommandError, match="Nothing was written"):
        call_command("keys", "restore", *_files(kept, 1, 2))
    assert (folder / "kek-202603").read_bytes() == b"x" * 64


# --- what a start and a deployment ask --------------------------------------------------------------------------


def test_start_and_check_name_a_wrapping_key_that_data_needs_and_that_is_not_here(folder, notes):
    keys.add(keys.KEK_PREFIX, at=AT)
    checks.require_keys()
    assert checks.keys_are_here(["default"]) == []
    (folder / "kek-202603").unlink()

    with pytest.raises(keys.KeyMissing, match="Data is sealed under kek-202603, whose files are not in"):
        checks.require_keys()
    assert [message.msg for message in checks.keys_are_here(["default"])] == [
        "Data is sealed under kek-202603, whose file is not here."
    ]


def test_start_check_and_status_name_an_index_key_that_is_missing_or_is_another(folder, notes, capsys):
    assert indexkeys.note(at=AT) == ["index-v1"]
    assert (indexkeys.note(at=AT), indexkeys.faults()) == ([], [])
    checks.require_keys()
    path = folder / "index-v1"
    own = path.read_bytes()
    for content, words in (
        (b"x" * 64, "index-v1: not the key of this name with which the database was written"),
        (None, "index-v1: missing, and nothing that was hashed with it is found"),
    ):
        keys.add(keys.INDEX_PREFIX, at=AT)
        path.unlink()
        if content is not None:
            keys.write(path, content)
        with pytest.raises(keys.KeyMissing, match=f"{words}\\): restore them."):
            checks.require_keys()
        assert [message.msg for message in checks.keys_are_here(["default"])] == [f"{words}."]
        with pytest.raises(CommandError, match="missing or unsound"):
            call_command("keys", "status")
        assert words in capsys.readouterr().out
    keys.write(path, own)
    checks.require_keys()


def test_an_index_key_that_another_machine_uses_is_known_once_and_missed_where_it_is_not(folder, notes):
    indexkeys.note(at=AT)
    call_command("keys", "rotate", "--index", "--announce")
    assert indexkeys.note(at=AT) == []
    call_command("keys", "rotate", "--index")
    (folder / "index-v2").rename(folder / "index-v2.next")
    checks.require_keys()  # it is here, announced
    (folder / "index-v2.next").unlink()
    with pytest.raises(keys.KeyMissing, match="index-v2: missing"):
        checks.require_keys()


def test_what_another_machine_hashed_with_an_announced_index_key_is_found(folder, db):
    call_command("keys", "rotate", "--index")
    theirs = keys.keyed_hash("name", "vale")
    (folder / "index-v2").rename(folder / "index-v2.next")

    assert keys.keyed_hash("name", "vale") != theirs
    assert keys.kept_hashes("name", "vale") == [keys.keyed_hash("name", "vale"), theirs]
    assert keys.index_versions() == [2, 1]


def test_before_anything_is_sealed_the_index_key_may_be_made_anew(folder, db):
    indexkeys.note(at=AT)
    (folder / "index-v1").unlink()
    keys.init(folder, at=AT)
    assert indexkeys.faults() == []
    assert indexkeys.note(at=AT) == ["index-v1"]
    sealing.new_key("case", at=AT)
    assert indexkeys.faults() == []


@pytest.mark.parametrize("lost", ["index-v1", "kek-202603"])
def test_no_key_is_made_beside_data_that_was_written_with_another(folder, notes, lost):
    (folder / lost).unlink()
    before = sorted(file.name for file in folder.iterdir())
    with pytest.raises(CommandError, match=f"has no {lost[:5].rstrip('-')}.*a new one is no answer"):
        call_command("keys", "init")
    assert sorted(file.name for file in folder.iterdir()) == before


def test_a_credential_of_systemd_may_show_the_bit_of_its_group(folder, monkeypatch):
    (folder / "index-v1").chmod(0o440)
    with pytest.raises(keys.KeyMissing, match="others may read it"):
        keys.require()

    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    keys.require()
    (folder / "index-v1").chmod(0o444)
    with pytest.raises(keys.KeyMissing, match="others may read it"):
        keys.require()


def test_a_folder_that_cannot_be_written_takes_its_key_by_hand(folder, notes, monkeypatch):
    def read_only(*_):
        raise PermissionError(13, "Read-only file system")

    monkeypatch.setattr(keys, "write", read_only)

    with pytest.raises(CommandError, match="add its file by hand"):
        call_command("keys", "rotate")
