"""Signed checkpoints: that the whole ledger was exchanged for another, or for an older copy, shows."""

import io
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from cases import tasks as work
from cases.ledger import api as ledger
from cases.ledger import checkpoints, keys, merkle, notes, offline, readlog, verify
from cases.ledger.chain import Link, link_hash
from cases.ledger.models import AccessEvent, Checkpoint, LedgerEvent, LedgerHead, LedgerLeaf
from cases.ledger.reads import Reader, record_read
from cases.reports import seal as seal_of_reports
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture(autouse=True)
def place(settings, tmp_path):
    """A folder of keys with one that signs, and a log of checkpoints, for each test alone."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    for file in keys.directory().iterdir():
        keys.write(folder / file.name, file.read_bytes())
    settings.KEY_DIR = folder
    settings.CHECKPOINT_LOG = str(tmp_path / "beside" / "checkpoints.txt")
    notes.make_key()
    return tmp_path


def act(stream: UUID, verb: str = "tests.done") -> None:
    with ledger.action(stream, verb, actor="system:tests", at=timezone.now()):
        pass


def seal(minutes: int = 0) -> Checkpoint | None:
    return checkpoints.seal(now=NOW + timedelta(minutes=minutes))


def found(*given: str, public: str = "") -> list[tuple[str, str, str]]:
    known = [public or notes.public_key()]
    return [(each.table, each.column, each.message) for each in checkpoints.faults(given, public=known)]


@contextmanager
def tampering():
    """Switch the triggers off, as only the owner of the tables can. The test undoes it."""
    with connection.cursor() as cursor:
        for table in ("ledgerevent", "ledgerhead", "ledgerleaf", "checkpoint", "accessevent"):
            cursor.execute(f"ALTER TABLE cases_{table} DISABLE TRIGGER USER")
        yield cursor


def naive(leaves: list[bytes]) -> bytes:
    """The root as RFC 6962 defines it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\1" + naive(leaves[:split]) + naive(leaves[split:])).digest()


LEAVES = [sha256(bytes([number])).digest() for number in range(70)]


@pytest.mark.parametrize("size", range(len(LEAVES) + 1))
def test_the_root_is_that_of_the_standard_however_it_grew(size):
    leaves = LEAVES[:size]
    for first in range(size + 1):
        frontier, count = merkle.grow([], 0, leaves[:first])
        frontier, count = merkle.grow(frontier, count, leaves[first:])
        assert (merkle.root_of(frontier), count) == (naive(leaves), size)


def test_of_every_leaf_of_a_log_of_every_size_the_path_leads_to_the_root_and_no_other_does():
    leaves = LEAVES
    for size in range(1, 41):
        root = naive(leaves[:size])
        for index in range(size):
            path = merkle.path(leaves, index, size)
            assert offline.root_through(leaves[index], index, size, path) == root
            assert offline.root_through(leaves[index - 1], index, size, path) != root or size == 1
            for other in ((index + 1, size, path), (index, size, path[:-1]), (index, size, [*path, root])):
                if other[2] != path or size > 1:
                    assert offline.root_through(leaves[index], *other) != root


def test_a_checkpoint_covers_every_stream_that_moved_and_is_signed_and_written_beside(place):
    streams = [uuid4() for _ in range(5)]
    for stream in streams:
        act(stream)
    made = seal()
    heads = {head.stream: (head.seq, bytes(head.hash)) for head in LedgerHead.objects.all()}
    leaves = {row.stream: (row.seq, bytes(row.hash)) for row in LedgerLeaf.objects.all()}
    assert leaves == heads and set(streams) <= set(leaves)
    assert made.size == len(heads)
    said = notes.read(made.note, public=[notes.public_key()])
    assert (said.size, said.root, said.is_signed) == (made.size, bytes(made.root), True)
    assert notes.split((place / "beside" / "checkpoints.txt").read_text()) == [made.note]
    assert found() == []
    with nothing_written():
        assert seal() is None
        assert seal(minutes=6) is None  # nothing moved

    act(streams[0])
    act(other := uuid4())
    with nothing_written():
        assert seal(minutes=4) is None  # too soon
    second = seal(minutes=6)
    assert second.size == made.size + 2
    assert {(row.stream, row.seq) for row in LedgerLeaf.objects.filter(idx__gte=made.size)} == {
        (streams[0], 2),
        (other, 1),
    }
    assert len(notes.split((place / "beside" / "checkpoints.txt").read_text())) == 2
    assert found(made.note, second.note) == []


def test_more_than_one_round_takes_comes_with_the_next_at_once(monkeypatch):
    monkeypatch.setattr(checkpoints, "MOST", 3)
    for _ in range(7):
        act(uuid4())
    heads = LedgerHead.objects.count()
    rounds = 0
    while (made := seal()) is not None:
        rounds += 1
        assert made.size == min(3 * rounds, heads)
    assert LedgerLeaf.objects.count() == heads
    assert found() == []


def test_an_event_that_was_numbered_before_and_committed_after_has_its_leaf_whenever_the_next_is_made():
    """Also where no checkpoint is made for hours: what counts is the last one, not what time it is."""
    act(stream := uuid4())
    act(uuid4())
    seal()
    with tampering() as cursor:  # as if the transaction of the first had still been open
        cursor.execute("DELETE FROM cases_ledgerleaf")
        cursor.execute("DELETE FROM cases_checkpoint")
    newest = LedgerEvent.objects.order_by("-pk").first()
    root = merkle.root_of([])
    note = notes.write(size=0, root=root, at=NOW)
    Checkpoint.objects.create(size=0, root=root, at=NOW, last_event=newest.pk, note=note)
    seal(minutes=200)
    assert LedgerLeaf.objects.filter(stream=stream).exists()


def test_a_chain_that_was_written_anew_as_a_whole_is_found_by_the_checkpoint_alone():
    act(stream := uuid4())
    seal()
    event = LedgerEvent.objects.get(stream=stream)
    body = event.body.replace("system:tests", "system:other")
    link = Link(event.pk, event.seq, event.recorded_at, bytes(event.prev), b"", body)
    with tampering() as cursor:
        cursor.execute(
            "UPDATE cases_ledgerevent SET body = %s, hash = %s WHERE id = %s",
            [body, link_hash(link, bytes(event.prev)), event.pk],
        )
        cursor.execute(
            "UPDATE cases_ledgerhead SET hash = %s WHERE stream = %s", [link_hash(link, bytes(event.prev)), stream]
        )
    assert verify.verify_stream(stream) == []
    (fault,) = checkpoints.faults()
    assert (fault.stream, fault.sequence, fault.column) == (stream, 1, "hash")
    assert [each.stream for each in verify.verify_all()] == [stream]


@pytest.mark.parametrize(
    ("statement", "column"),
    [
        ("UPDATE cases_ledgerleaf SET seq = seq + 1 WHERE idx = 0", "root"),
        ("DELETE FROM cases_ledgerleaf WHERE idx = 0", "idx"),
        ("UPDATE cases_checkpoint SET root = '\\x00'", "root"),
        ("UPDATE cases_checkpoint SET note = replace(note, 'at 20', 'at 21')", "note"),
    ],
)
def test_what_was_sealed_and_is_another_by_now_is_named(statement, column):
    act(uuid4())
    act(uuid4())
    seal()
    with tampering() as cursor:
        cursor.execute(statement)
    assert column in {each.column for each in checkpoints.faults()}


def test_an_older_copy_of_the_whole_database_shows_to_whoever_kept_a_note():
    act(uuid4())
    old = seal()
    act(stream := uuid4())
    kept = seal(minutes=6)
    with tampering() as cursor:
        for table in ("cases_ledgerleaf WHERE idx >= %s", "cases_checkpoint WHERE size > %s"):
            cursor.execute(f"DELETE FROM {table}", [old.size])
        cursor.execute("DELETE FROM cases_ledgerevent WHERE stream = %s", [stream])
        cursor.execute("DELETE FROM cases_ledgerhead WHERE stream = %s", [stream])
    assert found() == []  # it verifies by itself
    assert found(old.note) == []
    ((table, column, message),) = found(old.note, kept.note)
    assert (table, column) == ("cases_checkpoint", "size")
    assert message.startswith("The ledger is older than the checkpoint of ")


def test_another_ledger_shows_to_whoever_kept_a_note():
    act(uuid4())
    kept = notes.write(size=seal().size, root=sha256(b"another").digest(), at=NOW)
    ((table, column, message),) = found(kept)
    assert (table, column) == ("cases_checkpoint", "root")
    assert message.startswith("This is not the ledger of the checkpoint of ")


def test_a_new_key_goes_on_and_the_old_checkpoints_stand():
    act(uuid4())
    made, first = seal(), notes.public_key()
    (keys.directory() / notes.KEY).unlink()
    notes.make_key()
    act(uuid4())
    second, public = seal(minutes=6), notes.public_key()
    assert public != first
    assert list(checkpoints.faults()) == []
    assert list(checkpoints.faults([made.note, second.note], public=[first, public])) == []
    assert [column for _, column, _ in found(made.note)] == ["note"]


def test_a_note_that_nobody_signed_proves_nothing():
    act(uuid4())
    made, public = seal(), notes.public_key()
    changed = made.note.replace(f"\n{made.size}\n", f"\n{made.size + 1}\n")
    assert [column for _, column, _ in found(changed)] == ["note"]
    assert found("nonsense", made.note) == [
        ("cases_checkpoint", "note", "A checkpoint that was kept elsewhere cannot be read.")
    ]
    for nonsense in ("", "x", "backoffice-ledger\nmany\nAAAA\n\n— x y\n", made.note.replace("backoffice", "other")):
        with pytest.raises(notes.NoteUnreadable):
            notes.read(nonsense, public=[public])
    for mistyped in ("nonsense", "x+y+" + public.split("+", 2)[2], public[:-4]):
        with pytest.raises(notes.NoteUnreadable):
            list(checkpoints.faults([made.note], public=[mistyped]))


def test_notes_in_one_file_stand_each_alone_however_they_were_put_there():
    act(uuid4())
    first = seal()
    act(uuid4())
    second = seal(minutes=6)
    expected = [first.note, second.note]
    for between in ("", "\n", "\n\n\n"):
        assert notes.split(between.join(expected)) == expected
        assert notes.split(between.join(expected).replace("\n", "\r\n")) == expected
    for cut in (5, 40, len(first.note) - 10):
        half = notes.split(first.note[:cut] + "\n" + second.note)
        assert half[-1] == second.note
    assert notes.split("nothing of the kind") == []


def test_what_happened_last_and_was_never_sealed_is_named_a_day_later():
    act(stream := uuid4())
    seal()
    with tampering() as cursor:
        cursor.execute("DELETE FROM cases_ledgerleaf WHERE idx = (SELECT max(idx) FROM cases_ledgerleaf)")
        cursor.execute("UPDATE cases_checkpoint SET at = at + interval '25 hours'")
    assert "seq" in {each.column for each in checkpoints.faults()}
    assert stream is not None


def test_a_clock_that_was_ahead_stops_nothing_for_longer_than_it_is_put_right():
    act(uuid4())
    seal(minutes=60 * 24 * 30)
    act(stream := uuid4())
    assert seal() is not None
    assert LedgerLeaf.objects.filter(stream=stream).exists()


def test_a_key_that_cannot_be_used_stops_sealing_alone(caplog):
    act(uuid4())
    seal()
    path = keys.directory() / notes.KEY
    path.chmod(0o644)
    act(uuid4())
    with nothing_written():
        assert seal(minutes=6) is None
    assert "checkpoint_key_unusable" in caplog.text
    assert verify.verify_rows_alone() == []
    with pytest.raises(CommandError, match="one that is damaged goes first"):
        call_command("checkpoint", "key")


def test_it_is_late_once_something_happened_a_quarter_of_an_hour_after_it():
    act(uuid4())
    assert not checkpoints.is_late()  # the first minutes of an office
    with tampering() as cursor:
        cursor.execute("UPDATE cases_ledgerevent SET recorded_at = recorded_at - interval '16 minutes'")
    assert checkpoints.is_late()
    checkpoints.seal(now=timezone.now())
    assert not checkpoints.is_late()
    with tampering() as cursor:
        cursor.execute("UPDATE cases_checkpoint SET at = at - interval '40 minutes'")
    assert checkpoints.is_late()


def test_nobody_changes_or_removes_what_was_sealed():
    act(uuid4())
    seal()
    for table in ("cases_ledgerleaf", "cases_checkpoint"):
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
    with pytest.raises(DatabaseError), transaction.atomic():
        Checkpoint.objects.update(note="Another.")


def test_who_has_no_key_seals_nothing_and_goes_on():
    (keys.directory() / notes.KEY).unlink()
    act(uuid4())
    with nothing_written():
        assert seal() is None
    assert list(checkpoints.faults()) == []


def test_a_log_that_cannot_be_written_stops_no_checkpoint(settings, place):
    (place / "beside").write_text("a file stands where the folder should be")
    act(uuid4())
    assert seal() is not None
    (place / "beside").unlink()
    act(uuid4())
    second = seal(minutes=6)
    assert notes.split((place / "beside" / "checkpoints.txt").read_text()) == [second.note]


def test_the_background_seals():
    act(uuid4())
    work.seal_ledger()
    assert Checkpoint.objects.count() == 1


def mark() -> str:
    return seal_of_reports.sealer().fingerprint


class TestTheCommands:
    def call(self, *words):
        out = io.StringIO()
        call_command(*words, stdout=out)
        return out.getvalue()

    def test_the_key_is_made_once_and_the_public_one_is_shown(self):
        told = self.call("checkpoint", "init")
        assert told.startswith("There is a signing key. Made a key with a certificate that seals reports.")
        assert told.endswith(f"{notes.public_key()}\nCertificate of the seal of reports, SHA-256: {mark()}\n")
        (keys.directory() / notes.KEY).unlink()
        with pytest.raises(CommandError, match="manage.py checkpoint init"):
            self.call("checkpoint", "key")
        assert self.call("checkpoint", "init").startswith("Made the signing key. There is a key with a certificate")
        before = mark()
        assert self.call("checkpoint", "key") == (
            f"{notes.public_key()}\nCertificate of the seal of reports, SHA-256: {before}\n"
        )
        seal_of_reports.file().chmod(0o640)
        assert self.call("checkpoint", "key") == f"{notes.public_key()}\nNothing seals reports here.\n"

    def test_what_was_kept_elsewhere_is_compared(self, place):
        assert self.call("checkpoint", "show") == "There is no checkpoint yet.\n"
        act(uuid4())
        note = self.call("checkpoint", "seal")
        assert self.call("checkpoint", "show") == note
        kept = place / "kept.txt"
        kept.write_text((place / "beside" / "checkpoints.txt").read_text())
        assert "1 checkpoints of" in self.call("verify_ledger", "--checkpoints", str(kept))
        kept.write_text(notes.write(size=10**6, root=bytes(32), at=NOW))
        with pytest.raises(SystemExit):
            self.call("verify_ledger", "--checkpoints", str(kept))
        for text in ("", "nonsense"):
            kept.write_text(text)
            with pytest.raises(CommandError, match="holds no checkpoint"):
                self.call("verify_ledger", "--checkpoints", str(kept))
        kept.write_text(note[:60])
        with pytest.raises(SystemExit):
            self.call("verify_ledger", "--checkpoints", str(kept))
        with pytest.raises(CommandError, match="cannot be read"):
            self.call("verify_ledger", "--checkpoints", str(place / "nowhere.txt"))


PUT_IN = (
    "INSERT INTO cases_accessevent SELECT {id}, {at}, actor, streams, verb, fields, purpose, note, break_glass,"
    " request_id, result_count, query_hash FROM cases_accessevent WHERE id = %(id)s"
)


class TestTheReadLog:
    """Who looked is sealed an hour later, when nobody can still be writing a lower number."""

    def look(self, actor: str = "staff:1") -> AccessEvent:
        reader = Reader(actor=actor, verb="view", purpose="casework", streams=(uuid4(),), query_hash=b"\1" * 8)
        return record_read(reader, at=timezone.now(), result_count=1)

    def sealed(self) -> list[AccessEvent]:
        looks = [self.look() for _ in range(3)]
        act(uuid4())
        seal()
        late = self.look()  # after the first checkpoint
        act(uuid4())
        seal(70)
        act(uuid4())
        seal(80)
        leaf = LedgerLeaf.objects.get(stream=readlog.STREAM)
        assert looks[-1].pk <= leaf.seq < late.pk
        return [*looks, late]

    def wrong(self) -> list[tuple[str, str, str]]:
        return [each for each in found() if each[0] == "cases_accessevent"]

    def test_it_is_in_the_next_checkpoint_after_an_hour_and_holds(self):
        self.sealed()
        assert found() == []
        for minutes in (150, 160):
            act(uuid4())
            seal(minutes)
        assert LedgerLeaf.objects.filter(stream=readlog.STREAM).count() == 2
        assert found() == []

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM cases_accessevent WHERE id = %(id)s",
            "UPDATE cases_accessevent SET actor = 'staff:2' WHERE id = %(id)s",
            "UPDATE cases_accessevent SET purpose = 'audit' WHERE id = %(id)s",
            "UPDATE cases_accessevent SET streams = '{}' WHERE id = %(id)s",
            "UPDATE cases_accessevent SET at = at + interval '1 second' WHERE id = %(id)s",
            "UPDATE cases_accessevent SET query_hash = NULL WHERE id = %(id)s",
            PUT_IN.format(id="id", at="at + interval '1 second'"),
            PUT_IN.format(id="-1", at="at"),
        ],
    )
    def test_a_look_that_was_taken_out_changed_or_put_in_shows(self, statement):
        looks = self.sealed()
        with tampering() as cursor:
            cursor.execute(statement, {"id": looks[1].pk})
        (fault,) = self.wrong()
        assert "is not as it was sealed" in fault[2]

    def test_what_was_dropped_when_its_time_was_over_is_not_looked_for(self, monkeypatch):
        looks = self.sealed()
        monkeypatch.setattr(readlog, "KEPT", timedelta())
        with tampering() as cursor:
            cursor.execute("DELETE FROM cases_accessevent WHERE id = %s", [looks[1].pk])
        act(uuid4())
        seal(90)
        assert self.wrong() == []

    def test_more_than_one_round_takes_comes_with_the_next(self, monkeypatch):
        monkeypatch.setattr(readlog, "MOST", 2)
        before = self.look().pk
        [self.look() for _ in range(3)]
        act(uuid4())
        for minutes in (0, 70, 80, 90, 100):
            act(uuid4())
            seal(minutes)
        leaves = list(LedgerLeaf.objects.filter(stream=readlog.STREAM).order_by("seq").values_list("seq", flat=True))
        assert before + 3 in leaves and len(leaves) > 1
        assert found() == []
