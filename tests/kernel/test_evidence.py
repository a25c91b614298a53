"""Documents: sealed in chunks under a key of their own, handed out when clean, checked, preserved, erased."""

import hashlib
import io
import os
from datetime import timedelta

import pytest
from django.db import transaction

from cases import tasks as work
from cases.kernel import edits, holds, locks, record
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.evidence import custody, filenames, handing, scanning, store, taking
from cases.kernel.evidence.handing import DocumentDamaged, DocumentErased
from cases.kernel.models import Evidence, StoredBlob, Task
from cases.ledger import sealing, streams
from cases.ledger.models import AccessEvent, DataKey, LedgerEvent
from tests import disclosures, factories
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
LARGE = b"".join(b"%07d\n" % number for number in range(25_000))  # 200 KB, four chunks
READER = sealing.Reader(actor="staff:1", verb="download", purpose="casework")


@pytest.fixture
def case(people):
    return factories.referred(people)


@pytest.fixture
def folder():
    """The store, with what earlier tests left in it removed."""
    place = store.named("folder")
    for uid, _ in list(place.names()):
        place.delete(uid)
    return place


def attach(case, people, data=LARGE, name="log.txt"):
    return edits.attach(
        case.pk, kind="document", file_name=name, media_type="text/plain", data=data, actor=people["a.byrne"], at=AT
    )


def read(document, **more):
    document = Evidence.objects.select_related("blob", "case").get(pk=document.pk)
    return handing.open_document(document, reader=READER, at=AT, **more)


def path_of(document):
    return store.named("folder")._path(document.blob.uid)


# --- taking and opening --------------------------------------------------------------------------------------


def test_small_document_stays_in_its_row_and_large_one_goes_to_the_store(case, people, folder):
    small, large = attach(case, people, b"Words."), attach(case, people)
    assert (small.blob.kept, large.blob.kept) == ("row", "folder")
    assert [uid for uid, _ in folder.names()] == [large.blob.uid]
    for document, data in ((small, b"Words."), (large, LARGE)):
        opened = read(document)
        assert (opened.name, opened.size, b"".join(opened.chunks)) == ("log.txt", len(data), data)
        assert document.sha256 == hashlib.sha256(data).hexdigest()


def test_store_holds_ciphertext_for_its_owner_alone(case, people, folder):
    path = path_of(attach(case, people))
    content = path.read_bytes()
    assert b"0000123" not in content and len(content) > len(LARGE)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_reading_is_on_record_before_the_first_chunk(case, people):
    document = attach(case, people)
    before = AccessEvent.objects.count()
    read(document)
    assert list(AccessEvent.objects.order_by("id").values_list("fields", flat=True)[before:]) == [
        ["file_name"],
        ["document"],
    ]


@pytest.mark.parametrize("size", [1, 32 * 1024, 32 * 1024 + 1, 65_536, 65_537, 131_072, 131_073])
def test_every_size_comes_back_as_it_was(case, people, size):
    data = b"x" * size
    assert b"".join(read(attach(case, people, data)).chunks) == data


CHUNK = 65_536 + 16
HEAD = 8 + 7


@pytest.mark.parametrize(
    "tamper",
    [
        lambda b: b[:-1],
        lambda b: b[: HEAD + CHUNK],  # the last chunks are missing
        lambda b: b[: HEAD + 2 * CHUNK],
        lambda b: b[:HEAD],
        lambda b: b[:5],
        lambda b: b"",
        lambda b: b + b"\0",
        lambda b: b[:HEAD] + b[HEAD + CHUNK :],  # the first is missing
        lambda b: b[:HEAD] + b[HEAD + CHUNK : HEAD + 2 * CHUNK] + b[HEAD : HEAD + CHUNK] + b[HEAD + 2 * CHUNK :],
        lambda b: b[: HEAD + CHUNK] + b[HEAD:],  # one twice
        lambda b: b[:8] + b"\0" + b[9:],
        lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:],
        lambda b: b[:-20] + bytes([b[-20] ^ 1]) + b[-19:],
    ],
)
def test_altered_file_is_never_given_whole(case, people, tamper):
    document = attach(case, people)
    path_of(document).write_bytes(tamper(path_of(document).read_bytes()))
    given = b""
    with pytest.raises(DocumentDamaged):
        for chunk in read(document).chunks:
            given += chunk
    assert len(given) < len(LARGE) and LARGE.startswith(given)


def test_file_of_another_document_does_not_open(case, people):
    first, second = attach(case, people), attach(case, people)
    path_of(first).write_bytes(path_of(second).read_bytes())
    with pytest.raises(DocumentDamaged):
        list(read(first).chunks)


def test_sound_file_of_another_hash_is_not_given_whole(case, people):
    """The key and the seal are right, the bytes are not those that came in."""
    document = attach(case, people)
    place = streams.Place(taking.LABEL, document.blob.uid, taking.FIELD)
    with path_of(document).open("wb") as file:
        sealer = streams.ChunkSealer(file.write, key=document.blob.key, place=place)
        sealer.feed(b"x" * len(LARGE))
        sealer.finish()
    given = b""
    with pytest.raises(DocumentDamaged):
        for chunk in read(document).chunks:
            given += chunk
    assert len(given) < len(LARGE)


def test_refused_case_leaves_no_file(case, people, folder):
    with nothing_written(), pytest.raises(NotAllowed):
        edits.attach(case.pk, kind="chat", file_name="a.txt", media_type="", data=LARGE, actor=people["d.osei"], at=AT)
    assert list(folder.names()) == []


@pytest.mark.parametrize("cut", [0, 1, 40_000, 70_000, 199_999])
def test_upload_that_breaks_off_leaves_nothing(case, folder, cut):
    def chunks():
        yield LARGE[:cut]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        taking.take(case, chunks(), file_name="log.txt", media_type="text/plain", at=AT)
    assert list(folder.names()) == []


def test_case_takes_so_many_documents_and_no_more(case, people, monkeypatch):
    monkeypatch.setattr(edits, "MOST_DOCUMENTS", 1)
    attach(case, people, b"Words.")
    with nothing_written(), pytest.raises(edits.EditRefused, match="as many documents as one may"):
        attach(case, people, b"Words.")
    monkeypatch.setattr(edits, "MOST_DOCUMENTS", 5)
    monkeypatch.setattr(edits, "MOST_BYTES", 10)
    with nothing_written(), pytest.raises(edits.EditRefused, match="as many documents as one may"):
        attach(case, people, b"Words.")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\a.txt", "a.txt"),
        ("a\0b\r\n.txt", "ab.txt"),
        ("\u202egnp.exe", "gnp.exe"),
        ("NUL.txt", "_NUL.txt"),
        ("lpt9", "_lpt9"),
        ("console.txt", "console.txt"),
        ("  two   words .txt ", "two words .txt"),
        ("...", "document"),
        ("", "document"),
        ('a<b>:"c|?*.txt', "a_b___c___.txt"),
        ("e\u0301.txt", "\u00e9.txt"),
        ("n" * 300 + ".pdf", "n" * 116 + ".pdf"),
    ],
)
def test_names(given, expected):
    assert filenames.clean(given) == expected


# --- scanning ------------------------------------------------------------------------------------------------


def events(case, verb):
    return [
        event.content()["detail"] for event in LedgerEvent.objects.filter(stream=case.uid, action=verb).order_by("seq")
    ]


def test_verdict_is_an_event_and_asks_people_when_it_is_bad(case, people):
    for verdict in ("clean", "infected", "unscannable"):
        attach(case, people, b"Words.")
        factories.scan(verdict)
    assert list(case.evidence.order_by("number").values_list("scan", flat=True)) == ["clean", "infected", "unscannable"]
    assert events(case, "case.evidence_scanned") == [
        {"document": 1, "scan": "clean"},
        {"document": 2, "scan": "infected"},
        {"document": 3, "scan": "unscannable"},
    ]
    owed = Task.objects.filter(case=case).order_by("pk").values_list("kind", "detail")
    assert list(owed) == [("document_infected", {"document": 2}), ("document_unscannable", {"document": 3})]


def test_what_was_turned_down_is_scanned_again_when_somebody_asks(case, people):
    attach(case, people, b"Words.")
    factories.scan("infected")
    row = scanning.again(case.pk, 1, actor=people["a.byrne"], at=factories.AT)
    assert scanning.waits(row) and events(case, "case.evidence_scan_asked") == [{"document": 1}]
    with pytest.raises(scanning.NotClean):
        scanning.again(case.pk, 1, actor=people["a.byrne"], at=factories.AT)
    factories.scan("clean")
    assert case.evidence.get().scan == "clean"
    assert not Task.objects.filter(case=case, kind="document_infected", closed_at=None).exists()
    with pytest.raises(scanning.NotClean):
        scanning.again(case.pk, 1, actor=people["a.byrne"], at=factories.AT)
    with pytest.raises(CaseError):
        scanning.again(case.pk, 1, actor=people["h.castellan"], at=factories.AT)


def test_the_page_offers_to_scan_again_what_was_turned_down_and_to_attach_nothing_once_closed(case, people):
    attach(case, people, b"Words.")
    factories.scan("unscannable")
    desk, page = client_of("a.byrne"), f"/cases/{case.uid}/documents/"
    shown = desk.get(page).content.decode()
    assert "Scan again" in shown and "Attach a document" in shown
    assert "waits for the scan" in desk.post(f"{page}1/scan/", follow=True).content.decode()
    assert "Scan again" not in desk.get(page).content.decode()
    closed = disclosures.refused(people)
    shown = client_of("k.mistry").get(f"/cases/{closed.uid}/documents/").content.decode()
    assert "Documents" in shown and "Attach a document" not in shown


def test_scanner_that_is_away_changes_nothing_and_is_asked_again(case, people):
    document = attach(case, people, b"Words.")

    def away(_chunks):
        raise scanning.ScannerAway

    looks, known = AccessEvent.objects.count(), LedgerEvent.objects.count()
    assert scanning.scan_due(now=AT, scan=away) == 0
    assert (AccessEvent.objects.count(), LedgerEvent.objects.count()) == (looks, known)
    blob = StoredBlob.objects.get(pk=document.blob_id)
    assert (Evidence.objects.get().scan, blob.scan_tries) == ("pending", 0)
    assert blob.scan_due_at is not None
    assert scanning.scan_due(now=AT, scan=away) == 0  # not due again yet

    StoredBlob.objects.update(scan_due_at=AT)
    factories.scan()
    assert Evidence.objects.get().scan == "clean"
    assert StoredBlob.objects.get(pk=document.blob_id).scan_due_at is None


def test_document_that_breaks_the_scanner_five_times_is_unscannable(case, people):
    attach(case, people, b"Words.")

    def breaks(_chunks):
        raise scanning.ScannerBroke

    for tries in range(1, 6):
        assert Evidence.objects.get().scan == "pending", tries
        StoredBlob.objects.update(scan_due_at=AT)
        scanning.scan_due(now=AT, scan=breaks)
    assert Evidence.objects.get().scan == "unscannable"
    assert events(case, "case.evidence_scanned") == [{"document": 1, "scan": "unscannable", "found": "no-answer"}]


def test_document_that_breaks_the_scanner_ends_the_round_and_the_next_one_takes_what_waits(case, people):
    bad, _ = attach(case, people, b"Bad."), attach(case, people, b"Words.")
    StoredBlob.objects.filter(pk=bad.blob_id).update(scan_due_at=AT)
    asked = []

    def breaks(chunks):
        asked.append(b"".join(chunks))
        if asked[-1] == b"Bad.":
            raise scanning.ScannerBroke
        return scanning.Verdict(state="clean")

    assert scanning.scan_due(now=AT, scan=breaks) == 0
    assert asked == [b"Bad."]
    assert scanning.scan_due(now=AT, scan=breaks) == 1
    assert asked == [b"Bad.", b"Words."]


def test_scan_leaves_an_approval_and_the_version_as_they_are(people):
    case = factories.ready(people)
    version = case.version
    factories.scan()
    case.refresh_from_db()
    assert case.version == version
    assert case.approvals.get().voided_at is None
    factories.transitions.apply(
        case.pk, "approve", actor=people["d.osei"], at=factories.APPROVED_AT, inputs=factories.CHECKER_INPUTS
    )


def test_verdict_is_recorded_once(case, people):
    document = attach(case, people, b"Words.")
    factories.scan()
    StoredBlob.objects.update(scan_due_at=AT)
    factories.scan()
    assert len(events(case, "case.evidence_scanned")) == 1
    assert Evidence.objects.get(pk=document.pk).scan == "clean"


# --- custody -------------------------------------------------------------------------------------------------


def hand_out(document, people):
    document = Evidence.objects.select_related("blob", "case").get(pk=document.pk)
    return custody.hand_out(document, actor=people["a.byrne"], reader=READER, at=AT)


@pytest.mark.parametrize("state", ["pending", "infected", "unscannable"])
def test_only_what_is_clean_is_handed_out(case, people, state):
    document = attach(case, people)
    if state != "pending":
        factories.scan(state)
    with nothing_written(), pytest.raises(scanning.NotClean):
        hand_out(document, people)


def test_each_handing_out_is_an_event_with_the_hash(case, people):
    document = attach(case, people)
    factories.scan()
    version = type(case).objects.get(pk=case.pk).version
    assert b"".join(hand_out(document, people).chunks) == LARGE
    assert events(case, "case.evidence_handed_out") == [{"document": 1, "sha256": document.sha256}]
    assert type(case).objects.get(pk=case.pk).version == version


def test_damage_found_while_handing_out_is_an_event_and_one_task(case, people):
    document = attach(case, people)
    factories.scan()
    path_of(document).write_bytes(b"")
    for _ in range(2):
        with pytest.raises(DocumentDamaged):
            hand_out(document, people)
    assert events(case, "case.evidence_handed_out") == []
    assert events(case, "case.evidence_damaged") == [{"document": 1, "sha256": document.sha256}]
    assert Task.objects.filter(case=case, kind="document_damaged").count() == 1


def test_check_finds_what_is_altered_and_what_is_gone(case, people):
    sound, altered, gone = (attach(case, people) for _ in range(3))
    assert custody.check_sample(now=AT) == 0
    content = path_of(altered).read_bytes()
    path_of(altered).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    path_of(gone).unlink()
    assert custody.check_sample(now=AT + timedelta(days=1)) == 2
    found = Task.objects.filter(case=case, kind="document_damaged").order_by("pk").values_list("detail", flat=True)
    assert list(found) == [{"document": 2}, {"document": 3}]
    assert StoredBlob.objects.get(pk=sound.blob_id).checked_at == AT + timedelta(days=1)
    assert AccessEvent.objects.filter(actor="system:custody", verb="check").count() == 6


@pytest.mark.parametrize("data", [b"Words.", LARGE])
def test_document_whose_key_does_not_open_is_damaged_and_stops_nothing(case, people, data):
    broken, sound = attach(case, people, data), attach(case, people)
    wrapped = bytes(broken.blob.key.wrapped)
    DataKey.objects.filter(pk=broken.blob.key_id).update(wrapped=wrapped[:-1] + bytes([wrapped[-1] ^ 1]))
    assert custody.check_sample(now=AT) == 1
    assert Task.objects.get(case=case, kind="document_damaged").detail == {"document": 1}
    assert StoredBlob.objects.get(pk=sound.blob_id).checked_at == AT
    factories.scan()
    assert list(case.evidence.order_by("number").values_list("scan", flat=True)) == ["pending", "clean"]
    with pytest.raises(DocumentDamaged):
        read(broken)


def test_check_takes_those_first_that_waited_longest(case, people, monkeypatch):
    monkeypatch.setattr(custody, "LEAST_CHECKED", 1)
    documents = [attach(case, people, b"Words.") for _ in range(3)]
    for hour in range(3):
        custody.check_sample(now=AT + timedelta(hours=hour))
    checked = StoredBlob.objects.filter(pk__in=[row.blob_id for row in documents]).order_by("pk")
    assert [row.checked_at for row in checked] == [AT + timedelta(hours=hour) for hour in range(3)]


def erase(case, documents, people):
    with transaction.atomic():
        locked = locks.case_for_update(case.pk)
        with record.act(locked, "tests.erased", actor=people["a.byrne"], at=AT):
            return custody.erase(locked, documents, actor=people["a.byrne"], at=AT, reason="retention")


@pytest.mark.django_db(transaction=True)
def test_erased_document_is_gone_for_everybody_and_its_hash_stays(case, people):
    small, large = attach(case, people, b"Words."), attach(case, people)
    factories.scan()
    path = path_of(large)
    assert erase(case, [small, large], people) == 2
    assert not path.exists()
    for document in (small, large):
        row = Evidence.objects.select_related("blob__key", "case__key").get(pk=document.pk)
        assert row.sha256 == document.sha256
        assert custody.is_erased(row)
        with pytest.raises(DocumentErased):
            read(document)
        with pytest.raises(DocumentErased):
            hand_out(document, people)
    assert bytes(StoredBlob.objects.get(pk=small.blob_id).sealed) == b""
    assert events(case, "tests.erased") == [{"erased": [1, 2]}]
    assert custody.check_sample(now=AT) == 0


def test_hold_preserves_documents(case, people):
    document = attach(case, people)
    holds.enter(case.pk, "legal", actor=people["a.byrne"], at=AT, source="court", reason="Notice of application.")
    with nothing_written(), pytest.raises(custody.Preserved, match="A policy hold stops this."):
        erase(case, [document], people)
    assert path_of(document).exists()


def test_document_of_another_case_is_not_erased_with_this_one(case, people):
    document = attach(factories.referred(people), people)
    assert erase(case, [document], people) == 0
    assert path_of(document).exists()


def test_erasing_the_case_key_erases_its_files(case, people, folder):
    document = attach(case, people)
    sealing.destroy(DataKey.objects.get(pk=case.key_id), actor="system:tests", reason="retention", at=AT)
    with pytest.raises(DocumentErased):
        read(document, name_too=False)
    assert custody.check_sample(now=AT) == 0
    assert custody.sweep(now=AT) == 1
    assert list(folder.names()) == []


def test_sweep_removes_what_was_never_recorded_after_a_day_and_nothing_else(case, people, folder):
    document = attach(case, people)
    torn = taking.Taking(case, file_name="log.txt", media_type="text/plain", at=AT)
    torn.feed(LARGE)
    lost = taking.take(case, [LARGE], file_name="log.txt", media_type="text/plain", at=AT)
    written = dict(folder.names())
    assert set(written) == {document.blob.uid, torn.uid, lost.uid}

    assert custody.sweep(now=max(written.values()) + timedelta(hours=23)) == 0
    assert custody.sweep(now=max(written.values()) + timedelta(hours=25)) == 2
    assert list(dict(folder.names())) == [document.blob.uid]
    assert b"".join(read(document).chunks) == LARGE
    torn.drop()


class Away:
    """A store that cannot be reached."""

    def owner(self):
        raise OSError("away")

    names = owner


def test_a_store_that_is_away_keeps_no_other_from_being_swept_and_documents_are_checked_first(
    case, people, folder, monkeypatch, caplog
):
    document = attach(case, people)
    sealing.destroy(document.blob.key, actor="system:tests", reason="retention", at=AT)
    monkeypatch.setattr(store, "STORES", {"away": Away, **store.STORES})
    assert custody.sweep(now=AT) == 1
    assert list(folder.names()) == []
    assert [each.message for each in caplog.records] == ["documents_unreachable", "documents_swept"]

    done = []
    for name in ("check_sample", "sweep"):
        monkeypatch.setattr(custody, name, lambda now, name=name: done.append(name))
    work.check_documents()
    assert done == ["check_sample", "sweep"]


def test_every_open_file_is_closed(case, people):
    before = len(os.listdir("/proc/self/fd"))
    document = attach(case, people)
    list(read(document).chunks)
    opened = read(document)
    next(opened.chunks)
    opened.chunks.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_small_reads_of_a_network_make_whole_chunks():
    class Slow(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 1000))

    assert len(streams._read_full(Slow(b"x" * 100_000))) == streams.CHUNK_BYTES + streams.TAG_BYTES


# --- a store that is away ------------------------------------------------------------------------------------


@pytest.fixture
def unmounted(folder):
    """Call it to take the folder away, leaving the empty place where it was mounted, and to bring it back."""
    aside = folder.folder.with_name("aside")

    def away():
        folder.folder.rename(aside)
        folder.folder.mkdir()

    def back():
        folder.folder.rmdir()
        aside.rename(folder.folder)

    yield away, back
    if aside.exists():
        back()


def test_document_in_a_store_that_is_away_is_neither_damaged_nor_forgotten(case, people, unmounted):
    document = attach(case, people)
    away, back = unmounted
    away()
    known = LedgerEvent.objects.count()
    scanning.scan_due(now=AT, scan=lambda chunks: list(chunks))
    assert custody.check_sample(now=AT) == 0
    blob = StoredBlob.objects.get(pk=document.blob_id)
    assert (blob.scan_tries, blob.checked_at, blob.scan_due_at is None) == (0, None, False)
    assert (LedgerEvent.objects.count(), Task.objects.filter(kind="document_damaged").count()) == (known, 0)
    with pytest.raises(handing.DocumentAway, match="does not answer just now"):
        list(read(document).chunks)

    back()
    StoredBlob.objects.update(scan_due_at=AT)
    factories.scan()
    assert Evidence.objects.get().scan == "clean"
    assert b"".join(hand_out(document, people).chunks) == LARGE


def test_nothing_is_taken_into_the_empty_place_of_a_store_that_is_away(case, people, folder, unmounted):
    unmounted[0]()
    with nothing_written(), pytest.raises(taking.StoreFull):
        attach(case, people)
    assert list(folder.folder.iterdir()) == []


def test_store_is_prepared_where_its_files_are_and_nowhere_else(case, people, folder, unmounted):
    attach(case, people)
    (folder.folder / store.MARKER).unlink()
    assert custody.prepare_store()
    unmounted[0]()
    assert not custody.prepare_store()
    assert list(folder.folder.iterdir()) == []
