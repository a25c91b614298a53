"""The client of the virus scanner, against peers on real sockets that answer, refuse, hang, lie and break off."""

import socket
import socketserver
import struct
import threading
from contextlib import contextmanager

import pytest

from cases.agencies import clamd
from cases.agencies.sandbox import scanner as sandbox
from cases.kernel.evidence.scanning import ScannerAway, ScannerBroke, Verdict
from tests.uploads import LOCKED


@contextmanager
def peer(answer, *, reads=True, probed=b"stream: OK\0"):
    """A daemon on a TCP port that says this, having read the file or not, and that of harmless words."""

    class Talk(socketserver.StreamRequestHandler):
        def handle(self):
            heard = b""
            if reads:
                assert self.rfile.read(10) == b"zINSTREAM\0"
                while size := struct.unpack(">I", self.rfile.read(4))[0]:
                    heard += self.rfile.read(size)
            self.server.heard.append(heard)
            self.wfile.write(probed if heard == clamd.PROBE else answer)

    with socketserver.TCPServer(("127.0.0.1", 0), Talk) as server:
        server.heard = []
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server, f"tcp:127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"stream: OK\0", Verdict(state="clean")),
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", Verdict(state="infected", found="Win.Test.EICAR_HDB-1")),
        (
            b"stream: Heuristics.Limits.Exceeded.MaxScanSize FOUND\0",
            Verdict(state="unscannable", found="Heuristics.Limits.Exceeded.MaxScanSize"),
        ),
        (b"stream: Heuristics.Encrypted.PDF FOUND\0", Verdict(state="unscannable", found="Heuristics.Encrypted.PDF")),
        (b"INSTREAM size limit exceeded. ERROR\0", Verdict(state="unscannable", found="too-large")),
    ],
)
def test_answers_are_verdicts(answer, expected):
    with peer(answer) as (server, address):
        assert clamd.scanner(address)(iter([b"one ", b"two"])) == expected
        assert server.heard == [b"one two"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"stream: OK",  # broken off before its end
        b"stream: O\0",
        b"stream: OK \0",
        b"OK\0",
        b"stream: FOUND\0",
        b"stream: x\ny FOUND\0",
        b"stream: OK\0stream: Eicar FOUND\0",
        b"Can't allocate memory ERROR\0",
        b"\xff\xfe\0",
        b"x" * 10_000 + b"\0",
    ],
)
def test_what_is_not_understood_is_no_verdict(answer):
    with peer(answer) as (server, address):
        with pytest.raises(ScannerBroke):
            clamd.scanner(address)(iter([b"word"]))
        assert server.heard == [b"word", clamd.PROBE]


@pytest.mark.parametrize(
    "answer",
    [b"", b"Can't allocate memory ERROR\0", b"stream: Everything FOUND\0", b"INSTREAM size limit exceeded. ERROR\0"],
)
def test_scanner_that_judges_harmless_words_no_better_is_away(answer):
    with peer(b"", probed=answer) as (_, address), pytest.raises(ScannerAway, match="judges nothing just now"):
        clamd.scanner(address)(iter([b"word"]))


def test_daemon_that_stops_reading_may_still_say_why():
    with peer(b"INSTREAM size limit exceeded. ERROR\0", reads=False) as (_, address):
        try:
            verdict = clamd.scanner(address)(b"x" * 65536 for _ in range(400))
        except (ScannerAway, ScannerBroke):
            return  # the connection was reset before its answer came: asked again later
        assert verdict.state == "unscannable"


def test_daemon_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(clamd, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(clamd, "PROBE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp:127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ScannerAway):
            clamd.scanner(address)(iter([b"word"]))


@pytest.mark.parametrize("address", ["", "unix:/nowhere/clamd.ctl", "tcp:127.0.0.1:1", "tcp:127.0.0.1:x", "other:1"])
def test_no_daemon_is_said_to_be_away(address):
    with pytest.raises(ScannerAway):
        clamd.scanner(address)(iter([b"word"]))


def test_sandbox_speaks_the_protocol_on_a_private_socket(tmp_path):
    path = tmp_path / "scanner.sock"
    server = sandbox.start(path)
    scan = clamd.scanner(f"unix:{path}")
    assert path.stat().st_mode & 0o777 == 0o600
    assert scan(iter([b"words"])).state == "clean"
    assert scan(iter([sandbox.EICAR[:20], sandbox.EICAR[20:]])) == Verdict(
        state="infected", found="Eicar-Test-Signature"
    )
    assert scan(iter([LOCKED])).state == "unscannable"
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(path))
        link.sendall(b"zPING\0")
        assert link.recv(20) == b"PONG\0"
    server.shutdown()
    server.server_close()
