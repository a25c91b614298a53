"""Files carried to a real SFTP server: written aside and renamed, told apart from others, refused in every way."""

import asyncio
import errno
import os
from dataclasses import replace
from unittest.mock import AsyncMock, Mock

import asyncssh
import pytest

from cases.agencies.transports import sftp
from cases.agencies.transports.base import DeliveryError, Parcel
from cases.agencies.transports.sftp import Found
from tests.agencies.fileserver import FileServer

BODY = bytes(range(256)) * 3000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with FileServer(tmp_path_factory.mktemp("partner")) as made:
        yield made


@pytest.fixture(autouse=True)
def _well_behaved(server):
    yield
    server.fail.clear()


def parcel(server, name="backoffice_them_place_000001.csv.pgp", **more):
    given = {
        "url": server.url,
        "body": BODY,
        "name": name,
        "allowed_cidrs": ("127.0.0.0/8",),
        "host_keys": (server.host_line,),
        "client_keys": (server.client_pem,),
        "timeout_seconds": 10,
    }
    return Parcel(**given | more)


def code(given):
    with pytest.raises(DeliveryError) as caught:
        sftp.send(given)
    return caught.value


def test_a_file_is_written_aside_and_renamed_and_a_repeat_changes_nothing(server):
    given = parcel(server)
    assert sftp.send(given).status == 201
    path = server.root / "in" / given.name
    assert path.read_bytes() == BODY
    assert f"/in/.{given.name}.part" in server.opened
    assert f".{given.name}.part" not in server.names()

    before = path.stat().st_mtime_ns
    assert sftp.send(given).status == 201
    assert path.stat().st_mtime_ns == before


def test_another_file_under_the_same_name_is_left_alone_and_never_tried_again(server):
    given = parcel(server, "taken.pgp")
    sftp.send(given)
    for other in (BODY + b"!", BODY[:-1] + b"!"):
        fault = code(replace(given, body=other))
        assert (fault.code, fault.is_permanent) == ("name_taken", True)
    assert (server.root / "in" / "taken.pgp").read_bytes() == BODY


def test_what_an_earlier_try_left_half_written_is_written_anew(server):
    given = parcel(server, "half.pgp")
    (server.root / "in" / ".half.pgp.part").write_bytes(b"x" * (len(BODY) + 10))
    assert sftp.send(given).status == 201
    assert (server.root / "in" / "half.pgp").read_bytes() == BODY


def test_a_server_that_proves_another_key_gets_nothing_and_the_channel_stops(server):
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    fault = code(parcel(server, "other-host.pgp", host_keys=(other,)))
    assert (fault.code, fault.pause, fault.is_rejection) == ("host_key_refused", "host_key_refused", True)
    assert code(parcel(server, "no-host.pgp", host_keys=())).code == "no_host_key"
    assert "other-host.pgp" not in server.names()


def test_a_key_of_ours_that_the_server_does_not_know_is_a_fault_of_keys(server):
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    fault = code(parcel(server, "x.pgp", client_keys=(other,)))
    assert (fault.code, fault.is_rejection) == ("sign_in_refused", True)


@pytest.mark.parametrize(
    ("operation", "number", "expected", "is_rejection"),
    [
        ("write", errno.ENOSPC, "server_failed", False),  # version 3 of the protocol has no word for a full disk
        ("open", errno.EACCES, "permission_denied", True),
        ("open", errno.ENOENT, "folder_missing", True),
        ("rename", errno.EACCES, "permission_denied", True),
    ],
)
def test_what_the_server_refuses_is_tried_again_and_leaves_no_finished_file(
    server, operation, number, expected, is_rejection
):
    given = parcel(server, f"{expected}-{operation}.pgp")
    server.fail[operation] = number
    fault = code(given)
    assert (fault.code, fault.is_permanent, fault.is_rejection) == (expected, False, is_rejection)
    assert given.name not in server.names()
    server.fail.clear()
    assert sftp.send(given).status == 201


def test_nobody_there_and_addresses_we_do_not_send_to(server):
    free = parcel(server, url=f"sftp://backoffice@127.0.0.1:{9}/in")
    assert code(free).code == "connect_refused"
    assert code(parcel(server, allowed_cidrs=())).pause == "address_not_allowed"
    for malformed in ("sftp://127.0.0.1/in", "https://127.0.0.1/in", "sftp://u:secret@127.0.0.1/in"):
        assert code(parcel(server, url=malformed)).code == "address_malformed"


def test_only_finished_files_are_listed_and_read(server):
    folder = server.root / "out"
    (folder / "answer.csv.pgp").write_bytes(b"abc")
    (folder / ".hidden").write_bytes(b"")
    (folder / "unfinished.part").write_bytes(b"")
    (folder / "inner").mkdir()
    given = parcel(server, url=server.url.replace("/in", "/out"))
    (found,) = sftp.look(given)
    assert (found.name, found.size) == ("answer.csv.pgp", 3)
    assert sftp.collect(given, [found]) == {"answer.csv.pgp": b"abc"}


def test_a_file_longer_than_its_server_says_is_read_no_further(server):
    """Limits count what is read: a server states 1 byte of each of fifty files and sends 256 MB of each (S30)."""
    folder = server.root / "out"
    for name in ("long.pgp", "whole.pgp"):
        (folder / name).write_bytes(b"four")
    given = parcel(server, url=server.url.replace("/in", "/out"))
    wanted = [Found(name="long.pgp", size=3, changed_at=1), Found(name="whole.pgp", size=4, changed_at=1)]
    assert sftp.collect(given, wanted) == {"long.pgp": None, "whole.pgp": b"four"}


def test_one_file_that_cannot_be_read_keeps_no_other(server, monkeypatch):
    folder = server.root / "out"
    for name in ("a.pgp", "c.pgp", "d.pgp"):
        (folder / name).write_bytes(name.encode())
    monkeypatch.setattr(sftp, "LARGEST_FILE", 5)
    (folder / "d.pgp").write_bytes(b"too large")
    (folder.parent / "out" / os.fsdecode(b"no text \xff")).write_bytes(b"")
    given = parcel(server, url=server.url.replace("/in", "/out"))
    assert {"a.pgp", "c.pgp"} <= {each.name for each in sftp.look(given)}
    wanted = [Found(name=f"{letter}.pgp", size=9, changed_at=1) for letter in "abcd"]
    read = sftp.collect(given, wanted)
    assert read == {"a.pgp": b"a.pgp", "b.pgp": None, "c.pgp": b"c.pgp", "d.pgp": None}


def test_a_file_that_takes_all_the_time_is_named_and_one_that_began_late_is_not(server, monkeypatch):
    folder = server.root / "out"
    for name in ("quick.pgp", "slow.pgp"):
        (folder / name).write_bytes(b"four")
    read = sftp._read

    async def slow(client, path, *, most):
        if path.endswith("slow.pgp"):
            await asyncio.Event().wait()
        return await read(client, path, most=most)

    monkeypatch.setattr(sftp, "_read", slow)
    given = parcel(server, url=server.url.replace("/in", "/out"), timeout_seconds=1)
    quick, late = (Found(name=f"{each}.pgp", size=4, changed_at=1) for each in ("quick", "slow"))
    assert sftp.collect(given, [late, quick]) == {"slow.pgp": None}
    assert sftp.collect(given, [quick, late]) == {"quick.pgp": b"four"}


def test_an_answer_that_is_lost_when_the_file_gets_its_name_is_for_a_person_to_find_out(server, monkeypatch):
    lost = AsyncMock(side_effect=asyncssh.SFTPConnectionLost("gone"))
    monkeypatch.setattr(asyncssh.SFTPClient, "rename", lost)
    found = code(parcel(server, name="lost_000001.csv.pgp"))
    assert (found.code, found.is_undecided, found.is_permanent) == ("answer_lost", True, False)
    monkeypatch.setattr(asyncssh.SFTPClient, "open", Mock(side_effect=asyncssh.SFTPConnectionLost("gone")))
    assert not code(parcel(server, name="lost_000002.csv.pgp")).is_undecided
