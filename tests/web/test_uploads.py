"""What a hostile sender sends: each file ends as tests/data/uploads.csv says, none is ever shown in a page."""

import csv
import os
import resource
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DataError, InterfaceError, OperationalError, transaction
from django.test import Client
from django.urls import reverse

from cases.agencies import clamd
from cases.agencies.sandbox import scanner as sandbox
from cases.kernel.evidence import scanning, store, taking
from cases.kernel.models import Evidence, StoredBlob, Task
from cases.ledger import sealing
from cases.ledger.models import DataKey
from tests import factories, uploads
from tests.web import desk

with (Path(__file__).parent.parent / "data" / "uploads.csv").open(newline="", encoding="utf-8") as file:
    ROWS = list(csv.DictReader(file))

BOUNDARY = "x" * 24
pytestmark = pytest.mark.django_db


@pytest.fixture
def scanner(tmp_path):
    """A peer that speaks the protocol of ClamAV on a real socket."""
    server = sandbox.start(tmp_path / "scanner.sock")
    yield clamd.scanner(f"unix:{tmp_path / 'scanner.sock'}")
    server.shutdown()
    server.server_close()


@pytest.fixture
def case():
    return factories.referred(factories.office())


def at(name, case, *more):
    return reverse(f"web:{name}", args=[case.uid, *more])


def body(name: str, declared: str, data: bytes, *, field: str = "document") -> bytes:
    """A form as bytes: a browser's own library would clean the name before it is sent."""
    quoted = name.replace('"', "%22")
    lines = [
        f"--{BOUNDARY}",
        'Content-Disposition: form-data; name="kind"',
        "",
        "document",
        f"--{BOUNDARY}",
        f'Content-Disposition: form-data; name="{field}"; filename="{quoted}"',
        *([f"Content-Type: {declared}"] if declared else []),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def send(client: Client, case, content: bytes, **more):
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return client.generic("POST", at("documents", case), content, kind, **more)


def stored_files() -> int:
    return sum(1 for _ in store.named("folder").names())


def outcome(client, case, row) -> tuple[str, str]:
    """Return how the sending of one file ended, and what the page says of it."""
    name = row["name"].format(bidi="\u202e", long="l" * 700)
    before = Evidence.objects.count()
    response = send(client, case, body(name, row["declared"], uploads.FILES[row["content"]]()))
    kept = Evidence.objects.count() - before
    if response.status_code == 422 and not kept:
        page = response.content.decode()
        return "refused", row["says"] if row["says"] in page else page
    return ("kept", "") if (response.status_code, kept) == (302, 1) else (str(response.status_code), str(kept))


def test_corpus_is_large():
    assert len(ROWS) >= 90
    assert {row["content"] for row in ROWS} == set(uploads.FILES)


def test_every_hostile_file_ends_as_the_design_says(case, scanner):
    client, ended, files = desk.client_of("a.byrne"), {}, stored_files()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number, row in enumerate(ROWS):
        ended[number] = outcome(client, case, row)
    refused = [row["state"] == "refused" for row in ROWS]
    expected = {n: ("refused", row["says"]) if refused[n] else ("kept", "") for n, row in enumerate(ROWS)}
    assert {n: (ROWS[n]["name"], *end) for n, end in ended.items() if end != expected[n]} == {}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 64 * 1024  # in KB
    assert stored_files() - files == StoredBlob.objects.filter(kept="folder").count()

    while scanning.scan_due(now=factories.AT, scan=scanner):
        pass

    wanted = [row["state"] for row in ROWS if row["state"] != "refused"]
    kept = list(case.evidence.order_by("number"))
    assert [row.scan for row in kept] == wanted
    assert not [answer for answer in map(lambda row: handed_out(client, case, row), kept) if answer]
    assert sorted(Task.objects.filter(case=case).values_list("kind", flat=True)) == (
        ["document_infected"] * wanted.count("infected") + ["document_unscannable"] * wanted.count("unscannable")
    )


def handed_out(client, case, document) -> str:
    """Return what is wrong with how a document is handed out, or nothing."""
    got = client.get(at("download", case, document.number))
    if document.scan != "clean":
        return (
            "" if got.status_code == 409 and "attachment" not in got.headers.get("Content-Disposition", "") else "given"
        )
    data = got.getvalue()
    safe = (
        got.status_code == 200
        and got["Content-Type"] == "application/octet-stream"
        and got["Content-Disposition"].startswith("attachment; filename")
        and got["X-Content-Type-Options"] == "nosniff"
        and got["Content-Security-Policy"] == "sandbox; default-src 'none'"
        and len(data) == document.size
        and not set("/\\\r\n\0\u202e") & set(got["Content-Disposition"])
    )
    return "" if safe else f"{document.number}: {got.headers}"


def test_names_are_cleaned_and_shown_as_text(case):
    client = desk.client_of("a.byrne")
    for name in ("../../etc/passwd.txt", "CON.txt", "a\u202eb.txt", "<script>x.txt", "l" * 700 + ".txt"):
        assert send(client, case, body(name, "text/plain", b"Words.")).status_code == 302
    page = client.get(at("documents", case)).content.decode()
    for number, shown in enumerate(("passwd.txt", "_CON.txt", "ab.txt", "_script_x.txt", "l" * 116 + ".txt"), 1):
        assert f"<b>{number}. {shown}</b>" in page


def test_form_that_cannot_be_read_is_refused_in_a_page(case):
    client = desk.client_of("a.byrne")
    broken = [
        b"",
        b"--" + BOUNDARY.encode(),
        body("a.txt", "text/plain", b"x").replace(b'filename="a.txt"', b'filename="' + b"n" * 5000 + b'.txt"'),
        body("a\0.txt", "text/plain", b"x"),
        body("a.txt", "text/plain", b"x").replace(b'name="kind"', b"name"),
        body("a.txt", "text/plain", b"x", field="other"),
        body("a.txt", "text/plain", b"x")[:-60],
    ]
    for content in broken:
        response = send(client, case, content)
        assert response.status_code in {302, 400, 411, 422}, content[:80]
    # A name with NUL is cleaned, and a form that is cut off after its file holds the file.
    assert case.evidence.count() <= 2


def test_two_files_at_once_are_refused_and_nothing_is_kept(case):
    client, files = desk.client_of("a.byrne"), stored_files()
    large = b"word " * 20_000
    both = [SimpleUploadedFile(name, large, content_type="text/plain") for name in ("a.txt", "b.txt")]
    response = client.post(at("documents", case), {"kind": "document", "document": both})
    assert (response.status_code, case.evidence.count(), stored_files()) == (422, 0, files)
    assert b"One file at a time." in response.content


def test_refusal_keeps_what_was_chosen(case):
    sent = SimpleUploadedFile("page.html", uploads.HTML, content_type="text/html")
    response = desk.client_of("a.byrne").post(at("documents", case), {"kind": "call_recording", "document": sent})
    assert response.status_code == 422
    assert b'value="call_recording" selected' in response.content


def test_form_from_elsewhere_is_refused_and_leaves_no_file(case):
    client = Client(enforce_csrf_checks=True)
    client.cookies = desk.client_of("a.byrne").cookies
    files = stored_files()
    response = send(client, case, body("a.txt", "text/plain", b"word " * 20_000))
    assert (response.status_code, case.evidence.count(), stored_files()) == (403, 0, files)
    assert b"did not come from this site" in response.content


def test_whoever_may_not_attach_has_nothing_read(case):
    files = stored_files()
    content = body("a.txt", "text/plain", b"word " * 20_000)
    assert send(desk.client_of("d.osei"), case, content).status_code == 403
    assert send(desk.client_of("k.mistry"), case, content).status_code == 404
    assert (case.evidence.count(), stored_files()) == (0, files)


@pytest.mark.parametrize(
    ("verdict", "tag", "sentence"),
    [
        ("infected", "Infected", "It stays sealed and is never handed out."),
        ("unscannable", "Unscannable", "Ask for another copy."),
    ],
)
def test_page_says_why_a_document_is_not_handed_out(case, verdict, tag, sentence):
    client = desk.client_of("a.byrne")
    send(client, case, body("a.txt", "text/plain", b"Words."))
    assert "The scanner has not answered yet" not in client.get(at("documents", case)).content.decode()
    factories.scan(verdict)
    page = client.get(at("documents", case)).content.decode()
    assert tag in page and sentence in page
    assert f'href="{at("download", case, 1)}"' not in page


@pytest.mark.parametrize("ended", ["key", "state"])
def test_case_that_is_over_has_nothing_read(ended, monkeypatch):
    people = factories.office()
    case = factories.referred(people) if ended == "key" else factories.approved(people)
    if ended == "key":
        sealing.destroy(DataKey.objects.get(pk=case.key_id), actor="system:tests", reason="retention", at=factories.AT)
    client, files, known = desk.client_of("a.byrne"), stored_files(), case.evidence.count()
    monkeypatch.setattr(taking.Taking, "feed", None)
    response = send(client, case, body("a.txt", "text/plain", b"word " * 20_000))
    assert (response.status_code, case.evidence.count(), stored_files()) == (422, known, files)
    assert b"can no longer be changed in its present state" in response.content


@pytest.mark.parametrize(("fault", "files"), [(OperationalError, 1), (InterfaceError, 1), (DataError, 0)])
def test_file_whose_recording_is_in_doubt_is_left_to_the_sweep(case, monkeypatch, fault, files):
    def breaks(*_args):
        raise fault

    monkeypatch.setattr(scanning, "ask", breaks)
    before = stored_files()
    with pytest.raises(fault), transaction.atomic():
        send(desk.client_of("a.byrne"), case, body("a.txt", "text/plain", b"word " * 20_000))
    assert (case.evidence.count(), stored_files() - before) == (0, files)


def test_full_disk_is_a_sentence(case, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.FolderFile, "keep", full)
    files = stored_files()
    response = send(desk.client_of("a.byrne"), case, body("a.txt", "text/plain", b"word " * 20_000))
    assert (response.status_code, case.evidence.count(), stored_files()) == (422, 0, files)
    assert b"could not be stored just now" in response.content


def test_disk_that_is_full_while_writing_is_a_sentence_and_leaves_no_file(case, monkeypatch):
    begin = store.FolderFile.__init__

    def on_a_full_disk(self, path):
        begin(self, path)
        self._file.close()
        self._file = open("/dev/full", "wb")  # noqa: SIM115  -- dropped by what is tested

    monkeypatch.setattr(store.FolderFile, "__init__", on_a_full_disk)
    files = stored_files()
    response = send(desk.client_of("a.byrne"), case, body("a.txt", "text/plain", b"word " * 20_000))
    assert (response.status_code, case.evidence.count(), stored_files()) == (422, 0, files)
    assert b"could not be stored just now" in response.content


def test_upload_of_two_hundred_megabytes_stays_small_in_memory(case):
    block = os.urandom(1024 * 1024)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chunks = (uploads.WAV if number == 0 else block for number in range(150))
    taken = taking.take(case, chunks, file_name="call.wav", media_type="audio/wav", at=factories.AT)
    assert taken.size == len(uploads.WAV) + 149 * len(block)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024
    taken.drop()
