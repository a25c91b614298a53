"""A report that left the house: its seal, read by other people's programs, and its chain, verified without ours."""

import contextlib
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from backoffice.env import BASE_DIR
from cases.kernel import edits, transitions
from cases.kernel.models import AuditReport, Proposal, StoredBlob
from cases.kernel.outputs import traillists
from cases.ledger import checkpoints, keys, notes, offline, verify
from cases.ledger.models import AccessEvent, Checkpoint, DataKey, LedgerEvent
from cases.reports import requests, seal
from tests import factories
from tests.reports import reading
from tests.web import desk
from tests.web.test_trail import wanted

pytestmark = pytest.mark.django_db(transaction=True)
MADE_AT = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def folder(settings, tmp_path):
    """Keys that seal, for each test alone."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    for file in keys.directory().iterdir():
        keys.write(folder / file.name, file.read_bytes())
    settings.KEY_DIR = folder
    settings.CHECKPOINT_LOG = str(tmp_path / "checkpoints.txt")
    return folder


@pytest.fixture
def keyed(folder):
    notes.make_key()
    seal.make_key("Northmoor", at=MADE_AT)
    return folder


def made(case, *, at=MADE_AT) -> bytes:
    people = factories.office()
    requests.request(case, actor=people["b.lacombe"], at=at, reason="The regulator asked.")
    assert requests.make_due(now=at) == 1
    report = AuditReport.objects.select_related("case", "blob", "data_blob").latest("pk")
    return requests.open_report(report, actor=people["b.lacombe"], at=at, purpose="audit")


def signature(data: bytes, folder) -> str:
    """What poppler's own tool says of the signatures of a file."""
    path = folder / "signed.pdf"
    path.write_bytes(data)
    return subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True).stdout


def said(data: bytes, *, public=None) -> dict[str, bool | None]:
    found = offline.findings(offline.attached(data), public=[notes.public_key()] if public is None else public)
    return {each.text: each.is_so for each in found}


def test_every_reader_of_pdf_files_sees_that_a_report_is_whole_and_any_change_of_it(keyed, tmp_path):
    data = made(factories.filed(factories.office()))
    told = signature(data, tmp_path)
    assert "Signature Validation: Signature is Valid." in told
    assert "Total document signed" in told and "Reports of the case office" in told
    reading.check_with_qpdf(data, tmp_path)
    with reading.opened(data) as file:
        assert file.Root.AcroForm.SigFlags == 3
        assert file.Root.Perms.DocMDP.SubFilter == "/adbe.pkcs7.detached"
        assert 'pdfaid:part="3"' in file.Root.Metadata.read_bytes().decode()
    pages = reading.squeezed(reading.text_of(data))
    assert f"Certificate,SHA-256{seal.sealer().fingerprint}" in pages
    after = data.rindex(b"/ByteRange")
    for at in (200, len(data) // 3, len(data) // 2, after + 90, len(data) - 20):
        other = bytearray(data)
        other[at] ^= 1
        assert "Signature is Valid" not in signature(bytes(other), tmp_path), at
    added = data + b"% something more\n"
    assert "Total document signed" not in signature(added, tmp_path)


def test_the_chain_of_a_report_is_proven_by_a_file_that_runs_alone(keyed, tmp_path):
    case = factories.filed(factories.office())
    data = made(case)
    path, alone = tmp_path / "report.pdf", tmp_path / "offline.py"
    path.write_bytes(data)
    with open(offline.__file__, "rb") as source:
        alone.write_bytes(source.read())
    done = subprocess.run(
        [sys.executable, "-I", str(alone), str(path), "--key", notes.public_key()],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={},
    )
    assert (done.returncode, done.stderr) == (0, "")
    newest = Checkpoint.objects.latest("size")
    chain, proof, signed = done.stdout.splitlines()[1:]
    assert chain.startswith("holds   All ") and "are one chain" in chain
    assert (
        proof.startswith("holds   Up to event ") and f"number {newest.size}, root {bytes(newest.root).hex()}" in proof
    )
    assert "in no checkpoint yet" not in proof
    assert signed == "holds   The key that was given signed the checkpoint."
    attached = json.dumps(offline.attached(data))
    path.write_text(attached)  # as a reader of PDF files saves what is attached
    again = subprocess.run(
        [sys.executable, "-I", str(alone), str(path), "--key", notes.public_key()], capture_output=True, text=True
    )
    assert again.stdout == done.stdout
    assert "signedcheckpointof" in reading.squeezed(reading.text_of(data))


def test_what_was_changed_in_the_chain_or_its_proof_does_not_hold(keyed):
    report = offline.attached(made(factories.filed(factories.office())))

    def fails(change) -> str:
        copy = json.loads(json.dumps(report))
        change(copy)
        (wrong, *_) = [each.text for each in offline.findings(copy, public=[notes.public_key()]) if each.is_so is False]
        return wrong

    middle = len(report["events"]) // 2
    assert "is not as it was written" in fails(lambda copy: copy["events"].pop(middle))
    assert "is not as it was written" in fails(lambda copy: copy["events"][middle].update(body="{}"))
    assert "is not as it was written" in fails(lambda copy: copy["events"][middle].update(recorded_us=1))
    assert "does not end where" in fails(lambda copy: copy["events"].pop())
    assert "not in the checkpoint" in fails(lambda copy: copy["checkpoint"]["path"].pop())
    assert "not in the checkpoint" in fails(lambda copy: copy["checkpoint"].update(seq=middle))
    assert "an event that is not in the chain" in fails(lambda copy: copy["checkpoint"].update(seq=10_000))
    note = report["checkpoint"]["note"]
    at = note.index("\nat ") + 6
    other = f"{note[:at]}{(int(note[at]) + 1) % 10}{note[at + 1 :]}"
    assert "None of the keys" in fails(lambda copy: copy["checkpoint"].update(note=other))


def test_without_the_public_key_the_signature_is_told_to_be_unknown_and_of_another_key_wrong(keyed):
    data = made(factories.filed(factories.office()))
    assert said(data, public=[])["Who signed the checkpoint was not looked at: no public key was given."] is None
    known = notes.public_key()
    (keyed / notes.KEY).unlink()
    notes.make_key()
    assert said(data, public=[notes.public_key()])["None of the keys that were given signed the checkpoint."] is False
    assert said(data, public=[notes.public_key(), known])["The key that was given signed the checkpoint."] is True


def test_an_office_without_these_keys_makes_its_reports_and_says_so(folder, tmp_path):
    data = made(factories.filed(factories.office()))
    assert "does not contain any signatures" in signature(data, tmp_path) or "Signature" not in signature(
        data, tmp_path
    )
    pages = reading.squeezed(reading.text_of(data))
    assert "Sealed" in pages and "thisofficehasnokeythatsealsreports" in pages
    assert "Nosignedcheckpointofthewholeledgercoversthiscaseyet." in pages
    found = said(data, public=[])
    assert list(found.values()) == [True, None]


@pytest.mark.parametrize("fault", ["nonsense", "open", "another"])
def test_a_key_that_cannot_be_used_is_told_to_the_log_and_stops_no_report(keyed, caplog, fault):
    path = seal.file()
    if fault == "nonsense":
        path.write_bytes(b"nonsense")
    if fault == "open":
        path.chmod(0o644)
    if fault == "another":
        first = path.read_bytes()
        path.unlink()
        seal.make_key("Another", at=MADE_AT)
        path.write_bytes(
            first[: first.index(b"-----BEGIN CERT")] + path.read_bytes()[path.read_bytes().index(b"-----BEGIN CERT") :]
        )
    assert seal.sealer() is None
    assert "seal_key_unusable" in caplog.text
    assert offline.attached(made(factories.filed(factories.office())))["checkpoint"]


def test_the_first_checkpoint_that_has_a_case_is_what_proves_it(keyed):
    case = factories.filed(factories.office())
    first = checkpoints.seal(now=MADE_AT)
    assert checkpoints.proof(case.uid, seq=0) is None
    edits.add_note(case.pk, "Later.", actor=factories.office()["a.byrne"], at=MADE_AT)
    second = checkpoints.seal(now=MADE_AT + timedelta(minutes=6))
    checkpoints.seal(now=MADE_AT + timedelta(minutes=6), is_wanted=True)
    head = checkpoints.proof(case.uid, seq=10_000)
    before = checkpoints.proof(case.uid, seq=head.seq - 1)
    assert (before.note, head.note) == (first.note, second.note)
    assert before.seq < head.seq


@pytest.mark.parametrize("data", [b"", b"{}", b'{"events": 1}', b"%PDF-1.7 nothing", b"\x00" * 90, b"{"])
def test_what_is_no_report_is_said_to_be_none(data, tmp_path, capsys):
    path = tmp_path / "file"
    path.write_bytes(data)
    assert offline.main([str(path)]) == 2
    assert capsys.readouterr().err
    assert offline.main([str(tmp_path / "nowhere")]) == 2


def test_data_that_is_written_otherwise_is_refused_in_words(keyed):
    report = offline.attached(made(factories.filed(factories.office())))
    for change in ({"events": 1}, {"events": [{}]}, {"head": None}, {"checkpoint": {"note": "x"}}, {"stream": "x"}):
        with pytest.raises(offline.NotAReport):
            offline.findings(report | change)


class TestTheCommand:
    """What came back, compared with what is on record."""

    def call(self, *files):
        out = io.StringIO()
        with contextlib.suppress(CommandError):
            call_command("verify_report", *map(str, files), stdout=out)
        return [line.split(None, 1) for line in out.getvalue().splitlines() if line.startswith("  ")]

    def test_a_report_of_ours_is_known_by_its_bytes_and_its_chain(self, keyed, tmp_path):
        path = tmp_path / "report.pdf"
        path.write_bytes(made(factories.filed(factories.office())))
        found = self.call(path)
        assert [mark for mark, _ in found] == ["holds"] * 5
        assert found[3][1].startswith("This ledger has event")
        assert str(AuditReport.objects.get().uid) in found[4][1]

    def test_a_changed_page_another_ledger_and_another_file_fail(self, keyed, tmp_path):
        data = made(factories.filed(factories.office()))
        page, other, none = (tmp_path / name for name in ("page.pdf", "other.json", "none.pdf"))
        page.write_bytes(data + b"%")
        assert [mark for mark, _ in self.call(page)] == ["holds"] * 4 + ["FAILS"]
        report = offline.attached(data)
        other.write_text(json.dumps(report | {"stream": "00000000-0000-4000-8000-000000000001"}))
        marks = [mark for mark, _ in self.call(other)]
        assert marks[0] == "holds" and marks[-1] == "FAILS"
        none.write_bytes(b"%PDF-1.7")
        assert self.call(none) == [["FAILS", "No chain of events is attached to this file."]]
        with pytest.raises(CommandError, match="is not so"):
            call_command("verify_report", str(none), stdout=io.StringIO())


DYING = """
import django; django.setup()
from datetime import datetime
from pathlib import Path
from django.conf import settings
settings.KEY_DIR, settings.CHECKPOINT_LOG = Path({keys!r}), {log!r}
from cases.reports import requests
requests.make_due(now=datetime.fromisoformat({at!r}))
"""


@pytest.mark.faults
@pytest.mark.parametrize("place", ["report_sealed", "report_kept"])
def test_a_worker_killed_while_it_seals_or_keeps_a_report_leaves_one_whole_one(keyed, tmp_path, settings, place):
    """Nothing of its pages is left, and another worker makes it once its lease is over: one event, one set of keys."""
    case = factories.filed(factories.office())
    auditor = factories.office()["b.lacombe"]
    requests.request(case, actor=auditor, at=MADE_AT, reason="The regulator asked.")
    where = connection.settings_dict
    url = f"postgresql://{where['USER']}@/{where['NAME']}?host={where['HOST']}"
    program = DYING.format(keys=str(keyed), log=settings.CHECKPOINT_LOG, at=MADE_AT.isoformat())
    before = (StoredBlob.objects.count(), DataKey.objects.count())
    died = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=os.environ | {"DATABASE_URL": url, "BACKOFFICE_TEST_MODE": "1", "BACKOFFICE_FAILPOINT": place},
        cwd=BASE_DIR,
        capture_output=True,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    report = AuditReport.objects.get()
    assert (report.state, report.blob) == ("running", None)
    assert (StoredBlob.objects.count(), DataKey.objects.count()) == before
    assert requests.make_due(now=MADE_AT) == 0

    later = MADE_AT + requests.LEASE + timedelta(minutes=1)
    assert [requests.make_due(now=later), requests.make_due(now=later)] == [1, 0]
    report = AuditReport.objects.get()
    data = requests.open_report(report, actor=auditor, at=later, purpose="audit")
    assert hashlib.sha256(data).hexdigest() == report.sha256
    assert "Signature Validation: Signature is Valid." in signature(data, tmp_path)
    told = LedgerEvent.objects.filter(stream=case.uid, action__startswith="report.").order_by("seq")
    acts = ["report.requested", "report.started", "report.started", "report.made"]
    assert list(told.values_list("action", flat=True)) == acts
    # What was done ten minutes ahead of the database's clock says so; all else is as it was written.
    assert {each.column for each in verify.verify_stream(case.uid)} <= {"at", "recorded_at"}


def test_a_part_of_the_trail_is_a_sealed_paper_too_with_the_table_attached(keyed, tmp_path):
    people = factories.office()
    case = factories.investigating(people)
    transitions.apply(case.pk, "close_no_action", actor=people["a.byrne"], at=factories.FILED_AT, reason="A mistake.")
    client = desk.client_of("b.lacombe")
    wanted(client, case=case.reference, reason="For the board.")
    row = Proposal.objects.get(kind=traillists.KIND)
    path = f"/audit-trail/files/{row.uid}/"
    assert f'href="{path}?as=paper"' in client.get(f"/office/changes/{row.uid}/").content.decode()

    answer = client.get(f"{path}?as=paper")

    assert answer["content-type"] == "application/pdf" and "no-store" in answer["cache-control"]
    look = AccessEvent.objects.filter(verb="export").latest("id")
    assert (look.streams, look.purpose) == ([case.uid], "audit_sample")
    told, events = signature(answer.content, tmp_path), LedgerEvent.objects.filter(stream=case.uid)
    assert "Signature Validation: Signature is Valid." in told and "Total document signed" in told
    reading.check_with_qpdf(answer.content, tmp_path)
    text = reading.squeezed(reading.text_of(answer.content))
    assert "Audittrail:actsoncases" in text and "byB.Lacombe" in text
    assert f"Certificate,SHA-256{seal.sealer().fingerprint}" in text and "Amistake." not in text
    assert {bytes(each.hash).hex() for each in events} <= {text[at : at + 64] for at in range(len(text) - 63)}
    with reading.opened(answer.content) as file:
        table = file.attachments["trail.csv"].get_file().read_bytes()
    assert table == client.get(path).content
    assert desk.client_of("d.osei").get(f"{path}?as=paper").status_code == 404


def test_looks_and_acts_on_the_office_are_printed_too_without_a_key_as_well(folder):
    people = factories.office()
    case = factories.investigating(people)
    desk.client_of("a.byrne").get(f"/cases/{case.uid}/")
    client = desk.client_of("b.lacombe")
    for of, shown in (("looks", "A.Byrne:Lookedat."), ("office", "System:Enteredapolicydocument.")):
        wanted(client, of=of, reason=f"For the board: {of}.")
        row = Proposal.objects.filter(kind=traillists.KIND).latest("pk")
        text = reading.squeezed(reading.text_of(client.get(f"/audit-trail/files/{row.uid}/?as=paper").content))
        assert shown in text and "No:thisofficehasnokeythatsealsreports" in text
