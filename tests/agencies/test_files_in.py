"""Files fetched from a partner: kept as they came, taken whole or refused whole, and each row a callback."""

import os
import signal
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import asyncssh
import pytest
from django.core.cache import cache
from django.db import OperationalError
from pysequoia import Cert, Tsk, encrypt

from cases.agencies import application, delivery, fetching, infolder, openpgp
from cases.agencies.transports import sftp
from cases.kernel import tasks
from cases.kernel.exchange import agencies, batchformat, files
from cases.kernel.exchange.files import FileKind, FileRefused, Line
from cases.kernel.models import BatchFile, Callback, ChannelHealth, Task
from cases.ledger.keys import KeyMissing
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.agencies import filestage, stage
from tests.agencies.filestage import ACTOR, ROWS, Partner, channel_of, promised, registered, sha256
from tests.agencies.stage import now
from tests.agencies.test_kills import work
from tests.web import desk
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db(transaction=True)
GNUPG = Path(__file__).parents[1] / "data" / "gnupg"
ACK = b"reference,outcome,amount_pence\nPLC-1,accepted,31246\nPLC-2,rejected,4120\n"
TOLD: list[tuple[str, str]] = []


def line(row):
    if row["outcome"] not in ("accepted", "rejected"):
        raise FileRefused("outcome_unknown")
    return Line(type="message.received", reference=row["reference"], data={"outcome": row["outcome"]})


@pytest.fixture
def partner(tmp_path):
    TOLD.clear()
    note = lambda file, became, at: TOLD.append((file.kind, became))  # noqa: E731
    files.declare(
        FileKind(code="place", label="Placement", after=note),
        FileKind(code="ack", label="Acknowledgement", line=line, is_balanced=True, after=note),
        FileKind(code="activity", label="Activity", line=line),
    )
    made = Partner(tmp_path / "partner")
    with made.server:
        yield made
    for code in ("place", "ack", "activity"):
        del files._kinds[code]


def fetch():
    return fetching.fetch_due(clock=now)


def sent(partner):
    agency = registered(partner)
    file = promised(agency)
    delivery.deliver_due(clock=now)
    return agency, file


def outcome(name):
    row = BatchFile.objects.filter(direction="in", name=name).latest("pk")
    return row.state, row.reason


def test_an_answer_is_taken_whole_each_row_a_callback_and_twice_changes_nothing(partner):
    agency, file = sent(partner)
    name, plain = partner.written(ACK, answers=file.name)
    carried = partner.put(name, plain)

    assert (fetch().stored, outcome(name)) == (1, ("taken", ""))
    row = BatchFile.objects.get(name=name)
    assert (row.row_count, row.total_pence, row.sha256, row.carried_sha256) == (
        2,
        35366,
        sha256(plain),
        sha256(carried),
    )
    assert (row.answers, row.fingerprint) == (file, partner.public.fingerprint)
    file.refresh_from_db()
    assert (file.state, stage.state_of(file.message)) == ("answered", "acknowledged")
    assert TOLD == [("place", "delivered"), ("place", "answered"), ("ack", "taken")]
    assert list(Callback.objects.order_by("pk").values_list("message_id", "type", "state")) == [
        (f"{row.uid}:1", "message.received", "received"),
        (f"{row.uid}:2", "message.received", "received"),
    ]
    events = LedgerEvent.objects.count()

    os.utime(partner.server.root / "out" / name, (1, 1))  # touched, and put there again encrypted anew
    assert fetch() == fetching.Fetched()
    partner.put(name, plain)
    assert fetch() == fetching.Fetched(stored=1, refused=1)
    assert outcome(name) == ("refused", "name_used_again")
    assert Callback.objects.count() == 2
    assert LedgerEvent.objects.count() == events + 2  # kept and refused, nothing taken


def test_a_row_reaches_its_case_as_any_callback_does(partner, case):
    agency = registered(partner)
    message = stage.promise(case, code=filestage.CODE)
    delivery.deliver_due(clock=now)
    body = f"reference,outcome\n{message.public_id},accepted\nPLC-9,accepted\n".encode()
    name, plain = partner.written(body, kind="activity")
    partner.put(name, plain)
    fetch()
    done = application.apply_pending(now=now())
    assert (done.applied, done.unmatched) == (1, 1)
    message.refresh_from_db()
    assert message.receipt_at is not None
    assert Task.objects.filter(kind="callback_unmatched", detail__agency=agency.code).count() == 1


def refused_files(partner, file):
    """Every way in which a file is wrong: reason, name and what lies there."""
    number = iter(range(2, 30))

    def of(data, **more):
        return partner.written(data, number=next(number), **{"answers": file.name} | more)

    def put(reason, name, text, **more):
        partner.put(name, text, **more)
        return reason, name

    evil, _ = openpgp.make_pair("Somebody else")
    yield put("signer_unknown", *of(ACK), signer=evil)
    their, text = of(ACK)
    carried = partner.put(their, text)
    (partner.server.root / "out" / their).write_bytes(carried[: len(carried) // 2])
    yield "unreadable", their
    their, text = of(ACK)
    carried = partner.put(their, text)
    (partner.server.root / "out" / their).write_bytes(carried[:400] + bytes([carried[400] ^ 1]) + carried[401:])
    yield "unreadable", their
    their, text = of(ACK)
    yield put("trailer_missing", their, text[:-70])
    their, text = of(ACK)
    yield put("hash_differs", their, text.replace(b"31246", b"31247"))
    wrong = ACK.replace(b"31246", b"31247")
    their, text = of(ACK)
    yield put("total_differs", their, text.replace(ACK, wrong).replace(sha256(ACK).encode(), sha256(wrong).encode()))
    their, text = of(ACK)
    yield put("count_differs", their, text.replace(b"END,2,", b"END,3,"))
    yield put("differs_from_sent", *of(wrong))
    yield put("answers_nothing", *of(ACK, answers=""))
    yield put("answers_unknown_file", *of(ACK, answers="backoffice_them_place_000099.csv.pgp"))
    yield put("kind_unknown", *of(ACK, kind="surprise"))
    yield put("outcome_unknown", *of(ACK.replace(b"rejected", b"perhaps")))
    their, text = of(ACK)
    yield put("name_differs", "renamed.csv.pgp", text)
    their, text = of(ACK)
    yield put("sender_differs", their, text.replace(b",drama-recoveries,", b",drama-purchase,", 1))
    their, text = of(ACK)
    yield put("not_for_us", their, text.replace(b",backoffice,", b",somebody,", 1))
    their, text = of(ACK)
    yield put("header_malformed", their, b"\n" + text)


def test_a_family_says_in_one_look_which_case_each_row_speaks_of(partner, case):
    agency = registered(partner)
    asked = []

    def find(file, rows):
        asked.append((file.channel.agency.code, [row["reference"] for row in rows]))
        return [case.pk if row["reference"] == "PLC-1" else None for row in rows]

    files.declare(
        FileKind(
            code="activity",
            label="Activity",
            line=lambda row: Line(type="message.received", data={"outcome": row["outcome"]}),
            find=find,
        )
    )
    name, plain = partner.written(b"reference,outcome\nPLC-1,called\nPLC-2,called\n", kind="activity")
    partner.put(name, plain)
    fetch()
    assert asked == [(agency.code, ["PLC-1", "PLC-2"])]
    assert list(Callback.objects.order_by("pk").values_list("case_id", flat=True)) == [case.pk, None]
    done = application.apply_pending(now=now())
    assert (done.failed, done.unmatched) == (1, 1)  # a receipt names a message, and this one names none
    assert Callback.objects.get(state="failed").case_id == case.pk


def test_a_file_that_is_wrong_in_any_way_is_refused_whole_with_its_reason_and_a_task(partner):
    _, file = sent(partner)
    wrong = list(refused_files(partner, file))
    run = fetch()
    assert [(outcome(name)[1], name) for _, name in wrong] == wrong
    assert (run.stored, run.refused, run.taken) == (len(wrong), len(wrong), 0)
    assert not Callback.objects.exists()
    assert sorted(Task.objects.filter(kind="file_refused").values_list("detail__reason", flat=True)) == sorted(
        reason for reason, _ in wrong
    )
    file.refresh_from_db()
    assert file.state == "promised"
    assert fetch() == fetching.Fetched()

    reason, name = wrong[1]  # the half of it comes whole at last, under the same name
    assert reason == "unreadable"
    number = int(name.split("_")[-1].partition(".")[0])
    partner.put(name, partner.written(ACK, number=number, answers=file.name)[1])
    assert fetch().taken == 1
    assert not Task.objects.filter(kind="file_refused", detail__name=name, closed_at=None).exists()
    assert Task.objects.filter(kind="file_gap").count() == 1


def test_a_name_of_an_agencys_own_making_stands_in_no_task_and_no_event(partner):
    agency, file = sent(partner)
    own, _ = partner.written(ACK, answers=file.name)
    for name in ("Smith_John_1985.csv", own, own.replace("_ack_", "_jane_smith_")):
        partner.put(name, b"no file of ours")
    assert fetch().refused == 3
    raised = Task.objects.filter(kind="file_refused").order_by("pk")
    told = sorted(tasks.MORE[task.kind](task.detail) for task in raised)
    assert told == [*["a file under another name than agreed (header malformed)"] * 2, f"{own} (header malformed)"]
    assert not any("smith" in str(task.detail).lower() for task in raised)
    events = LedgerEvent.objects.filter(stream=agency.uid)
    assert [body for body in events.values_list("body", flat=True) if "smith" in body.lower()] == []
    # A task that was raised before names it no more.
    assert tasks.MORE["file_gap"]({"agency": filestage.CODE, "name": "Smith_1985.csv"}) == (
        "the one before a file under another name than agreed"
    )


def test_files_of_several_kinds_are_taken_in_the_order_of_their_numbers(partner):
    _, file = sent(partner)
    for kind, number, answers in (("activity", 1, ""), ("ack", 2, file.name)):
        partner.put(*partner.written(ACK, kind=kind, number=number, answers=answers))
    assert fetch().taken == 2
    assert not Task.objects.filter(kind="file_gap").exists()


def test_nothing_signed_with_a_key_that_ended_is_believed(partner):
    agency, file = sent(partner)
    name, plain = partner.written(ACK, answers=file.name)
    partner.put(name, plain)
    (live,) = agencies.live_partner_keys(agency, kind="openpgp", at=now())
    agencies.revoke_partner_key(live, actor=ACTOR, at=filestage.AT)
    fetch()
    assert outcome(name) == ("refused", "no_live_key")
    filestage.know(agency, "openpgp", partner.public.armored, partner.public.fingerprint)
    assert (fetch().taken, outcome(name)) == (1, ("taken", ""))


@pytest.mark.faults
@pytest.mark.parametrize("place", ["after_fetch", "inside_take"])
def test_a_worker_killed_between_fetching_and_taking_loses_and_doubles_nothing(partner, place):
    _, file = sent(partner)
    name, plain = partner.written(ACK, answers=file.name)
    partner.put(name, plain)
    assert work(f"{place}:1") == -signal.SIGKILL
    assert not Callback.objects.exists()
    assert fetch().taken == 1
    assert (outcome(name), Callback.objects.count()) == (("taken", ""), 2)


@pytest.mark.faults
def test_a_file_that_ends_its_worker_three_times_is_refused_and_the_next_is_taken(partner):
    """No file holds up what comes after it, of whichever agency (T11, T12): a person hears of it instead."""
    _, file = sent(partner)
    deadly, _ = partner.written(ACK, answers=file.name, number=1)
    name, plain = partner.written(ACK, answers=file.name, number=2)
    partner.put(deadly, plain)  # of another name than it says, if anybody came to read it
    partner.put(name, plain)
    for _ in range(3):
        assert work("inside_take:1") == -signal.SIGKILL
        assert outcome(deadly) == ("stored", "")
    assert fetch() == fetching.Fetched(refused=1, taken=1)
    assert (outcome(deadly), outcome(name)) == (("refused", "tried_too_often"), ("taken", ""))
    assert Task.objects.filter(kind="file_refused", detail__reason="tried_too_often", closed_at=None).count() == 1


def test_new_files_are_found_however_many_lie_there(partner, monkeypatch):
    monkeypatch.setattr(infolder, "MOST_FILES", 1)
    registered(partner)
    for name in ("a", "b"):
        partner.put(name, b"no file of ours")
    assert [fetch().stored, fetch().stored, fetch().stored] == [1, 1, 0]


def test_a_passing_fault_of_ours_refuses_no_file(partner, monkeypatch):
    _, file = sent(partner)
    name, plain = partner.written(ACK, answers=file.name)
    partner.put(name, plain)
    for fault in (OperationalError("deadlock detected"), KeyMissing("master-1")) * 2:  # oftener than a file may end one
        with monkeypatch.context() as broken:
            broken.setattr(files, "tell", Mock(side_effect=fault))
            assert (fetch().refused, outcome(name)) == (0, ("stored", ""))
    assert (fetch().taken, outcome(name)) == (1, ("taken", ""))


def test_one_file_that_cannot_be_read_is_told_and_stops_no_other(partner, monkeypatch):
    _, file = sent(partner)
    name, plain = partner.written(ACK, answers=file.name)
    partner.put(name, plain)
    partner.put("aaa", b"away before it is read")
    read = sftp._read

    async def away(client, path, *, most):
        if path.endswith("/aaa"):
            raise asyncssh.SFTPPermissionDenied("no")
        return await read(client, path, most=most)

    with monkeypatch.context() as broken:
        broken.setattr(sftp, "_read", away)
        assert fetch().taken == 1
        fetch()
    assert Task.objects.get(kind="files_not_fetched", closed_at=None).detail["reason"] == "file_unreadable"
    fetch()
    assert not Task.objects.filter(kind="files_not_fetched", closed_at=None).exists()


@pytest.mark.parametrize("wrong", ["too_large", "many", "heavy"])
def test_no_file_that_is_never_read_keeps_those_behind_it(partner, monkeypatch, wrong):
    cache.clear()
    _, file = sent(partner)
    name, plain = partner.written(ACK, answers=file.name)
    partner.put(name, plain)
    for each in ("aaa", "aab") if wrong == "many" else ("aaa",):
        (partner.server.root / "out" / each).write_bytes(bytes(4000))
    monkeypatch.setattr(infolder, "MOST_FILES", {"many": 2}.get(wrong, 50))
    monkeypatch.setattr(infolder, "MOST_BYTES", {"many": 10**6}.get(wrong, 3990))
    monkeypatch.setattr(infolder, "LARGEST_FILE", {"too_large": 3990}.get(wrong, 10**6))
    read = sftp._read

    async def away(client, path, *, most):
        if "/aa" in path:
            raise asyncssh.SFTPPermissionDenied("no")
        return await read(client, path, most=most)

    monkeypatch.setattr(sftp, "_read", away)
    runs = [fetch().taken for _ in range(3)]
    assert sum(runs) == 1
    assert Task.objects.get(kind="files_not_fetched", closed_at=None).detail["reason"] == "file_unreadable"


def test_a_name_that_we_read_never_is_told_and_ends_with_the_file(partner):
    _, file = sent(partner)
    name, plain = partner.written(ACK, answers=file.name)
    partner.put(name, plain)
    odd = partner.server.root / "out" / "drama-recoveries_backoffice_ack_000012 (1).csv.pgp"
    odd.write_bytes(b"under a name that nobody agreed to")
    assert (fetch().taken, fetch().taken) == (1, 0)
    assert Task.objects.get(kind="files_not_fetched", closed_at=None).detail["reason"] == "file_name_not_agreed"
    odd.unlink()
    fetch()
    assert not Task.objects.filter(kind="files_not_fetched", closed_at=None).exists()


def test_a_fault_with_one_agency_keeps_nothing_of_another(partner, monkeypatch):
    _, file = sent(partner)
    name, plain = partner.written(ACK, answers=file.name)
    partner.put(name, plain)
    assert fetching.fetch_due(clock=now).stored == 1
    partner.put("later", b"no file of ours")
    BatchFile.objects.filter(direction="in").update(state="stored", ended_at=None)
    with monkeypatch.context() as broken:
        broken.setattr(sftp, "look", Mock(side_effect=ValueError("a key of a kind that nobody knows")))
        fetch()
    assert outcome(name)[0] != "stored"


def test_refused_bytes_that_are_put_again_are_looked_at_again(partner):
    _, file = sent(partner)
    name, plain = partner.written(ACK, answers=file.name)
    partner.put(name, plain)
    fetching._fetch(channel_of(file.channel.agency), now=now())
    BatchFile.objects.filter(direction="in").update(state="refused", reason="fault")
    assert fetch().stored == 0
    os.utime(partner.server.root / "out" / name, (1, 1))
    assert (fetch().taken, outcome(name), BatchFile.objects.filter(direction="in").count()) == (1, ("taken", ""), 1)


def test_what_was_altered_while_it_lay_here_is_fetched_again(partner):
    _, file = sent(partner)
    name, plain = partner.written(ACK, answers=file.name)
    partner.put(name, plain)
    fetching._fetch(channel_of(file.channel.agency), now=now())
    BatchFile.objects.filter(direction="in").update(sealed_bytes=b"\x00" * 80)
    assert (fetch().refused, outcome(name)) == (1, ("refused", "kept_altered"))
    assert (fetch().taken, outcome(name)) == (1, ("taken", ""))
    assert not Task.objects.filter(kind="file_refused", closed_at=None).exists()


def test_a_folder_that_cannot_be_read_is_told_once_and_a_wrong_host_key_stops_the_channel(partner):
    agency, _ = sent(partner)
    channel = channel_of(agency)
    agencies.change_channel(channel, "agency.channel_moved", actor=ACTOR, at=filestage.AT, answers_folder="/nowhere")
    fetch(), fetch()
    task = Task.objects.get(kind="files_not_fetched")
    assert task.detail["reason"] == "folder_missing"
    agencies.change_channel(channel, "agency.channel_moved", actor=ACTOR, at=filestage.AT, answers_folder="/out")
    fetch()
    task.refresh_from_db()
    assert task.closed_at is not None

    (live,) = agencies.live_partner_keys(agency, kind="ssh_host", at=now())
    agencies.revoke_partner_key(live, actor=ACTOR, at=filestage.AT)
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    filestage.know(agency, "ssh_host", other, "SHA256:other")
    fetch()
    assert ChannelHealth.objects.get(channel=channel).pause_reason == "host_key_refused"


def test_what_opens_to_more_than_a_file_may_hold_is_refused_without_being_kept(partner, monkeypatch):
    """Limits come before reading (S30), and what reads is a child with limits of its own (S33). Anybody can encrypt to
    a public key."""
    _, file = sent(partner)
    most = 4 * 1024 * 1024
    monkeypatch.setitem(openpgp.open_signed.__kwdefaults__, "most", most)
    ours, signer = Cert.from_bytes(partner.ours.armored.encode()), Tsk.from_bytes(partner.secret.encode()).signer()
    large = {
        "aaa": encrypt(bytes(most + 1), recipients=[ours], armor=False),
        "bbb": encrypt(bytes(most + 1), recipients=[ours], armor=False, signer=signer),
    }
    name, plain = partner.written(ACK, answers=file.name)
    for each, carried in large.items():
        (partner.server.root / "out" / each).write_bytes(carried)
    partner.put(name, plain)
    assert fetch() == fetching.Fetched(stored=3, taken=1, refused=2)
    assert [outcome(each) for each in (*large, name)] == [("refused", "too_large")] * 2 + [("taken", "")]
    assert Task.objects.filter(kind="file_refused", detail__reason="too_large").count() == 2


def test_nothing_of_an_unsigned_file_is_kept_while_it_is_opened():
    secret, ours = openpgp.make_pair("Backoffice")
    plain = bytes(8 * 1024 * 1024)
    carried = encrypt(plain, recipients=[Cert.from_bytes(ours.armored.encode())], armor=False)
    tracemalloc.start()
    try:
        with pytest.raises(openpgp.PgpRefused) as refused:
            openpgp.open_signed(carried, secrets=[secret], signers=[ours.armored])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.value.code == "signer_unknown"
    assert peak < len(plain) / 4


def test_what_gnupg_makes_is_opened_and_what_it_compressed_is_refused_as_that():
    """An agency's engineers have GnuPG, which compresses unless told otherwise. Its messages were kept (tests/data)."""
    secret, theirs = ((GNUPG / name).read_text() for name in ("ours_secret.asc", "theirs.asc"))
    plain, signer = openpgp.open_signed((GNUPG / "plain.asc").read_bytes(), secrets=[secret], signers=[theirs])
    assert (plain, signer) == (b"rows", openpgp.read_public(theirs, at=datetime.now(UTC)).fingerprint)
    with pytest.raises(openpgp.PgpRefused) as refused:
        openpgp.open_signed((GNUPG / "compressed.asc").read_bytes(), secrets=[secret], signers=[theirs])
    assert refused.value.code == "compressed"


def test_a_file_says_what_it_is_and_its_trailer_what_it_holds():
    header = batchformat.Header(
        kind="place", sequence_no=7, sender="backoffice", recipient="them", created_at=filestage.AT
    )
    framed = batchformat.read(batchformat.write(header, ROWS))
    assert (framed.header, framed.body, framed.row_count, framed.total_pence) == (header, ROWS, 2, 35366)
    assert batchformat.name_of(header) == "backoffice_them_place_000007.csv.pgp"
    assert [row["name"] for row in batchformat.rows(ROWS)] == ["Cerys", "Oyelaran, Pugh"]


def test_the_page_of_an_agency_shows_its_files_and_its_keys(partner):
    agency, file = sent(partner)
    name, plain = partner.written(ACK, answers=file.name)
    partner.put(name, plain)
    partner.put("half.csv.pgp", plain[:-80])
    fetch()
    factories.office()
    path = f"/agencies/{agency.code}/?view=files"
    client = desk.client_of("a.byrne")
    found = statements(client, path)
    assert len(found) == 9, shortly(found)
    page = " ".join(client.get(path).content.decode().split())
    for shown in (name, file.name, "half.csv.pgp", "Trailer missing", "£353.66", sha256(plain), file.sha256):
        assert shown in page, shown
    assert "Cerys" not in page
    assert partner.public.fingerprint in page
    promised(agency)
    assert len(statements(client, path)) == len(found)
