"""A package with an hour of CCTV leaves in pieces over real HTTP and real SFTP, each once, whoever dies meanwhile."""

import base64
import hashlib
import json
import random
import re
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from cases.agencies import delivery, openpgp
from cases.disclosure import checking, messages, package
from cases.kernel import actors, edits, transitions
from cases.kernel.evidence import custody
from cases.kernel.exchange import agencies
from cases.kernel.exchange.agencies import ChannelPlan, Listing
from cases.kernel.models import Agency, BatchFile, DeliveryAttempt, OutboxMessage, Release, StoredBlob
from cases.kernel.timing import sweeps
from cases.ledger import sealing, verify
from tests import disclosures, factories
from tests.agencies import filestage, stage
from tests.agencies.stage import now
from tests.agencies.test_kills import finish, let_leases_end, work
from tests.disclosures import AT, CHECKED, COMPARED, after
from tests.length import times

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
MEGABYTE = 1024 * 1024
RECORDING = b"\x00\x00\x00\x18ftypmp42" + random.Random(7).randbytes(9 * MEGABYTE)
PIECE = "le_piece"


def taken_out(people):
    """A request that may be answered, also where the sandbox entered the authority."""
    if Agency.objects.filter(code=disclosures.AUTHORITY).exists():
        disclosures.desk(people, at=AT - timedelta(days=3))
    return disclosures.taken_out(people, items=["subscriber_name"])


def extracted(people, data=RECORDING):
    """A request on which a recording of the case was put into the package, beside a name."""
    case = taken_out(people)
    actor = people["k.mistry"]
    edits.attach(case.pk, kind="extract", file_name="till.mp4", media_type="video/mp4", data=data, actor=actor, at=AT)
    factories.scan()
    package.put_in(case.pk, 2, item="subscriber_name", actor=actor, at=AT)
    disclosures.add(case, "subscriber_name", b"Osian Marchbanks", people, media_type="text/plain")
    disclosures.say_why(case, "subscriber_name", people)
    disclosures.held_by(case, "A", disclosures.AT.replace(year=2025), None, people)
    return case


def released(people, data=RECORDING):
    case = after(extracted(people, data), "submit", people["k.mistry"], checked=CHECKED)
    return after(case, "release", people["e.hallam"], compared=COMPARED)


def promised(case):
    return list(OutboxMessage.objects.filter(case=case, kind__in=messages.PACKAGE).order_by("seq"))


def state(case):
    return [message.state for message in promised(case)]


def joined(bodies):
    """What an agency makes of the bodies of pieces."""
    pieces = {}
    for body in bodies:
        (piece,) = body["data"]["data"]["subscriber_name"]
        content = base64.b64decode(piece["content"])
        assert hashlib.sha256(content).hexdigest() == piece["sha256"]
        assert len(content) <= package.PIECE_BYTES
        pieces[piece["piece"]] = content
        assert piece["pieces"] == 3
    return b"".join(pieces[number] for number in sorted(pieces))


def test_a_recording_goes_in_pieces_before_the_message_that_has_the_manifest(sandbox):
    case = released(factories.office())
    known = promised(case)
    assert [message.kind for message in known] == [PIECE] * 3 + ["le_result"]
    assert [message.load_bytes for message in known] == [
        4 * MEGABYTE,
        4 * MEGABYTE,
        len(RECORDING) - 8 * MEGABYTE,
        None,
    ]
    assert max(len(message.sealed_body) for message in known) < 4096
    finish()

    assert state(case) == ["delivered"] * 4
    *_, result = [row for row in sandbox.received(disclosures.AUTHORITY) if row["type"] in messages.PACKAGE]
    digest = hashlib.sha256(RECORDING).hexdigest()
    (large, small) = result["body"]["data"]["data"]["subscriber_name"]
    assert large == {"name": "01-subscriber_name.mp4", "encoding": "pieces", "content": digest}
    assert small["content"] == "Osian Marchbanks"
    parts = result["body"]["data"]["manifest"]["parts"]
    assert [(part["sha256"] == digest, part.get("pieces")) for part in parts] == [(True, 3), (False, None)]
    assert result["status"] == 202  # it put the pieces together, and they are what the manifest says
    kept = sorted((sandbox.folder / f"{disclosures.AUTHORITY}.pieces").rglob("01-*"))
    assert b"".join(path.read_bytes() for path in kept) == RECORDING
    assert Release.objects.filter(case=case, message_kind="le_result").count() == 1
    assert not Release.objects.filter(case=case, message_kind=PIECE).exists()


@pytest.mark.parametrize("number", range(1, times(2, 4)))
@pytest.mark.parametrize("place", ["after_claim", "after_answer"])
def test_a_worker_killed_between_pieces_goes_on_where_it_fell(sandbox, place, number):
    case = released(factories.office())
    assert work(f"{place}:{number + 2}")  # first goes word that the request came == -signal.SIGKILL
    fallen = state(case)
    assert fallen.count("delivered") >= 1
    assert fallen[-1] == "pending"
    let_leases_end()
    finish()

    assert state(case) == ["delivered"] * 4
    rows = [row for row in sandbox.received(disclosures.AUTHORITY) if row["type"] in messages.PACKAGE]
    assert [row["type"] for row in rows] == [PIECE] * 3 + ["le_result"]
    assert (rows[-1]["status"], len({row["id"] for row in rows})) == (202, 4)
    tries = DeliveryAttempt.objects.filter(message__in=promised(case)).count()
    assert tries == 5  # the piece in whose middle it fell, once more
    wrong = [each for each in verify.verify_all(is_demo=True) if each.level == "wrong" and each.column != "at"]
    assert wrong == []


def test_a_receipt_for_the_whole_comes_back_and_our_copy_goes_with_its_pieces(speaking_sandbox):
    people = factories.office()
    case = released(people)
    finish()
    stage.wait_for(lambda: speaking_sandbox.tell(disclosures.AUTHORITY)["answered"] != [])
    finish()
    case.refresh_from_db()
    assert case.state == "receipted"

    (blob,) = StoredBlob.objects.filter(pk__in=case.package_parts.exclude(pieces=[]).values("blob"))
    store = custody.store.named(blob.kept)
    store.open(blob.uid).close()
    assert sweeps.end_due_clocks(now=now().replace(year=now().year + 1)) > 0
    assert all(message.sealed_body is None and message.load is None for message in promised(case))
    assert not StoredBlob.objects.filter(pk=blob.pk).exists()
    with pytest.raises(OSError, match=str(blob.uid)):
        store.open(blob.uid)


def test_what_is_cancelled_between_pieces_is_sent_no_further(sandbox):
    people = factories.office()
    case = released(people)
    assert work("after_claim:3") == -signal.SIGKILL
    let_leases_end()
    delivery.queue.reclaim()
    after(case, "note_cancellation", people["k.mistry"], notice="By e-mail, today.")
    finish()
    assert state(case) == ["delivered", "withdrawn", "withdrawn", "withdrawn"]
    assert [row["type"] for row in sandbox.received(disclosures.AUTHORITY)].count("le_result") == 0


def test_a_file_that_is_lost_is_never_sent_in_part_as_if_it_were_whole(sandbox):
    case = released(factories.office())
    blob = promised(case)[0].load
    custody.store.named(blob.kept).delete(blob.uid)
    finish()
    assert state(case) == ["dead", "pending", "pending", "pending"]
    assert case.tasks.filter(kind="message_dead", closed_at=None).exists()
    assert not any(row["type"] in messages.PACKAGE for row in sandbox.received(disclosures.AUTHORITY))


@pytest.fixture
def partner(tmp_path):
    made = filestage.Partner(tmp_path / "partner")
    with made.server:
        yield made


def over_files(partner, people):
    """Enter an authority that takes files instead of messages, and its desk."""
    plan = ChannelPlan(
        direction="out",
        transport="sftp",
        address=partner.server.url,
        allowed_cidrs=("127.0.0.0/8",),
        retry_profile="file",
    )
    by = {"actor": actors.system("tests"), "at": AT - timedelta(days=3)}
    listing = Listing(
        code=disclosures.AUTHORITY, kind="lea", display_name="Constabulary", terms=disclosures.TERMS, channels=(plan,)
    )
    agency = agencies.register(listing, **by)
    channel = filestage.channel_of(agency)
    secret, partner.ours = openpgp.make_pair("Backoffice")
    agencies.add_key(channel, secret, name="openpgp-1", kind="openpgp", public=partner.ours.armored, **by)
    agencies.add_key(channel, partner.server.client_pem, name="ssh-1", kind="ssh", public="x", **by)
    filestage.know(agency, "ssh_host", partner.server.host_line, "SHA256:host")
    filestage.know(agency, "openpgp", partner.public.armored, partner.public.fingerprint)


@pytest.mark.parametrize("place", ["after_claim:3", "after_answer:3"])
def test_over_sftp_each_piece_is_a_file_and_one_whose_worker_died_is_sent_once(people, partner, place):
    over_files(partner, people)
    case = released(people)
    assert work(place) == -signal.SIGKILL
    let_leases_end()
    finish()

    assert state(case) == ["delivered"] * 4
    names = sorted(path.name for path in (partner.server.root / "in").iterdir())
    found = [json.loads(partner.opened(name)) for name in names]
    pieces = [body for body in found if body["type"] == PIECE]
    assert sorted(body["type"] for body in found) == ["le_ack", PIECE, PIECE, PIECE, "le_result"]
    assert joined(pieces) == RECORDING
    assert BatchFile.objects.filter(message__in=promised(case)).count() == 4


def peak():
    """The most memory that this process had since it was last asked, in MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    Path("/proc/self/clear_refs").write_text("5")
    assert found is not None
    return int(found[1]) // 1024


def test_memory_does_not_grow_with_the_recording(sandbox):
    """Put in, released and sent: of 64 MB at most half are ever in memory at once."""
    people = factories.office()
    data = RECORDING + bytes(55 * MEGABYTE)
    case = taken_out(people)
    actor = people["k.mistry"]
    edits.attach(case.pk, kind="extract", file_name="t.mp4", media_type="video/mp4", data=data, actor=actor, at=AT)
    factories.scan()
    size = len(data)
    del data
    peak()
    before = peak()
    part = package.put_in(case.pk, 2, item="subscriber_name", actor=actor, at=AT)
    disclosures.say_why(case, "subscriber_name", people)
    disclosures.held_by(case, "A", disclosures.AT.replace(year=2025), None, people)
    case = after(case, "submit", actor, checked=CHECKED)
    approver, about = people["e.hallam"], {"streams": (case.uid,), "fields": (checking.PART.format(part.number),)}
    reader = sealing.Reader(actor=approver.label, verb="view", purpose="casework", **about)
    assert sum(len(chunk) for chunk in package.open_whole(part, reader=reader, at=AT)) == size
    transitions.apply(case.pk, "release", actor=approver, at=AT, inputs={"compared": COMPARED})
    given = peak() - before
    assert len(promised(case)) == 1 + -(-size // package.PIECE_BYTES)
    peak()
    before = peak()
    finish()
    sent = peak() - before
    print(f"put in and released: {given} MB; sent: {sent} MB")
    assert (given < 24, sent < 80) == (True, True), f"{given} MB, {sent} MB"
    assert set(state(case)) == {"delivered"}
