"""The transport against real TLS peers: what it proves, what it refuses, where it stops."""

import contextlib
import datetime as dt
import http.server
import ipaddress
import os
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from urllib3.util.wait import wait_for_read

from cases.agencies import addresses
from cases.agencies.addresses import AddressRefused, pin
from cases.agencies.sandbox import ca
from cases.agencies.transports import https, trust
from cases.agencies.transports.base import DeliveryError, Parcel
from cases.agencies.transports.https import open_lines, send

LOOPBACK = ("127.0.0.0/8",)


class Peer(http.server.BaseHTTPRequestHandler):
    """Answers by path."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, dict[str, str], bytes]] = []
    callers: list[int] = []
    wbufsize = -1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.seen.append((self.path, dict(self.headers.items()), body))
        self.callers.append(self.client_address[1])
        getattr(self, f"answer_{self.path.strip('/')}")()

    def reply(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def answer_fine(self) -> None:
        self.reply(202, b"{}", content_type="application/json", retry_after="7")

    def answer_elsewhere(self) -> None:
        self.reply(302, location="https://127.0.0.1/fine")

    def answer_huge(self) -> None:
        self.reply(200, b"x" * (3 * 64 * 1024))

    def answer_gzip(self) -> None:
        self.reply(200, b"\x1f\x8b" + b"\0" * 50, content_encoding="gzip")

    def answer_silent(self) -> None:
        time.sleep(3)
        self.close_connection = True

    def answer_trickle(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(60):
            try:
                self.wfile.write(b"x-a: b\r\n")
                self.wfile.flush()
            except OSError:
                break
            time.sleep(0.1)
        self.close_connection = True

    def answer_leaving(self) -> None:
        self.answer_fine()
        self.wfile.flush()
        self.answer_hangup()

    def answer_hangup(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_args: object) -> None: ...


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args: object) -> None: ...


def serve(folder: Path, certificate: str, key: str):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / certificate, folder / key)
    server = Server(("127.0.0.1", 0), Peer)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("tls")
    ca.ensure(made, now=dt.datetime.now(dt.UTC))
    return made


@pytest.fixture(scope="module")
def peer(folder):
    server = serve(folder, ca.CERTIFICATE_FILE, ca.KEY_FILE)
    yield server
    server.shutdown()
    server.server_close()


def parcel(peer, path: str, folder: Path, **more: object) -> Parcel:
    given = {"allowed_cidrs": LOOPBACK, "ca_file": str(folder / ca.CA_FILE), "timeout_seconds": 1.0, **more}
    host = given.pop("host", "127.0.0.1")
    return Parcel(url=f"https://{host}:{peer.server_port}/{path}", body=b"{}", headers={"webhook-id": "m"}, **given)


def code_of(bad: Parcel) -> DeliveryError:
    with pytest.raises(DeliveryError) as refusal:
        send(bad)
    return refusal.value


def test_an_answer_comes_back_with_the_pinned_address(peer, folder):
    answer = send(parcel(peer, "fine", folder))

    assert (answer.status, answer.body, answer.media_type) == (202, b"{}", "application/json")
    assert (answer.retry_after, answer.remote_ip) == ("7", "127.0.0.1")
    assert Peer.seen[-1][1]["webhook-id"] == "m"


def test_the_name_is_proved_by_the_certificate_while_the_address_is_pinned(peer, folder):
    answer = send(parcel(peer, "fine", folder, host="localhost"))

    assert answer.status == 202
    assert Peer.seen[-1][1]["host"] == f"localhost:{peer.server_port}"


def test_a_certificate_for_another_name_is_refused(peer, folder, monkeypatch):
    monkeypatch.setattr(addresses, "_resolve", lambda host, port: [ipaddress.ip_address("127.0.0.1")])

    fault = code_of(parcel(peer, "fine", folder, host="register.example.org"))

    assert (fault.code, fault.is_rejection) == ("tls_refused", True)


def test_a_certificate_of_an_unknown_authority_is_refused(peer):
    assert code_of(parcel(peer, "fine", Path("/"), ca_file="")).code == "tls_refused"


def test_authorities_are_read_once_and_again_when_their_file_was_replaced(peer, folder, tmp_path):
    trusted, other = tmp_path / "trusted.pem", tmp_path / "other"
    trusted.write_bytes((folder / ca.CA_FILE).read_bytes())
    sent = parcel(peer, "fine", folder, ca_file=str(trusted))
    assert send(sent).status == 202
    assert trust.context(str(trusted)) is trust.context(str(trusted))

    other.mkdir()
    ca.ensure(other, now=dt.datetime.now(dt.UTC))
    trusted.write_bytes((other / ca.CA_FILE).read_bytes())
    os.utime(trusted, ns=(1, 1))

    assert code_of(sent).code == "tls_refused"


def test_the_systems_store_is_read_again_when_it_was_changed(peer, folder, tmp_path, monkeypatch):
    store = tmp_path / "store.pem"
    store.write_bytes((folder / ca.CA_FILE).read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(store))
    sent = parcel(peer, "fine", folder, ca_file="")
    assert send(sent).status == 202

    store.write_bytes(b"")
    os.utime(store, ns=(1, 1))

    assert code_of(sent).code == "tls_refused"


def callers(*parcels: Parcel) -> list[int]:
    """Send these one after the other; return by which of our ports each came."""
    before = len(Peer.callers)
    for each in parcels:
        send(each)
    return Peer.callers[before:]


def test_who_delivers_several_goes_by_one_connection_and_hangs_up(peer, folder):
    fine = parcel(peer, "fine", folder)
    with open_lines():
        first, second = callers(fine, fine)
    (after,) = callers(fine)

    assert first == second != after
    assert len(set(callers(fine, fine))) == 2  # who sends one at a time shakes hands each time


def test_another_name_or_another_authority_is_asked_for_its_certificate(peer, folder, tmp_path):
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes((folder / ca.CA_FILE).read_bytes())
    with open_lines():
        ports = callers(
            parcel(peer, "fine", folder),
            parcel(peer, "fine", folder, host="localhost"),
            parcel(peer, "fine", folder, ca_file=str(trusted)),
        )

    assert len(set(ports)) == 3


@pytest.mark.parametrize("path", ["huge", "silent", "hangup"])
def test_a_connection_that_is_not_at_its_end_carries_nothing_more(peer, folder, path):
    with open_lines():
        (first,) = callers(parcel(peer, "fine", folder))
        with contextlib.suppress(DeliveryError):
            send(parcel(peer, path, folder))
        broken = Peer.callers[-1]
        (after,) = callers(parcel(peer, "fine", folder))

    assert first == broken != after


def test_a_connection_that_the_other_side_closed_meanwhile_is_left(peer, folder):
    with open_lines():
        (first,) = callers(parcel(peer, "leaving", folder))
        ((line,),) = https._lines.idle.values()
        assert wait_for_read(line.sock, timeout=5)
        (after,) = callers(parcel(peer, "fine", folder))

    assert first != after


def test_a_self_signed_certificate_is_refused(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime.now(dt.UTC) - dt.timedelta(days=1))
        .not_valid_after(dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    (folder / "self.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "self.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = serve(folder, "self.pem", "self.key")
    try:
        assert code_of(parcel(server, "fine", folder)).code == "tls_refused"
    finally:
        server.shutdown()
        server.server_close()


def test_a_redirect_is_reported_and_not_followed(peer, folder):
    before = len(Peer.seen)

    assert send(parcel(peer, "elsewhere", folder)).status == 302
    assert [path for path, _, _ in Peer.seen[before:]] == ["/elsewhere"]


def test_proxies_of_the_environment_are_ignored(peer, folder, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert send(parcel(peer, "fine", folder)).status == 202


def test_a_long_answer_is_cut(peer, folder):
    assert len(send(parcel(peer, "huge", folder)).body) == 64 * 1024


def test_a_packed_answer_is_not_unpacked(peer, folder):
    assert send(parcel(peer, "gzip", folder)).body.startswith(b"\x1f\x8b")


@pytest.mark.parametrize(("path", "code"), [("silent", "read_timeout"), ("trickle", "read_timeout")])
def test_the_whole_exchange_has_a_time(peer, folder, path, code):
    began = time.monotonic()

    assert code_of(parcel(peer, path, folder)).code == code
    assert time.monotonic() - began < 2.5


def test_a_hang_up_is_worth_another_try(peer, folder):
    fault = code_of(parcel(peer, "hangup", folder))

    assert (fault.code, fault.is_permanent) == ("connection_broken", False)


def test_a_closed_port_is_worth_another_try(folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    bad = Parcel(url=f"https://127.0.0.1:{port}/", body=b"", headers={}, allowed_cidrs=LOOPBACK)

    assert code_of(bad).code == "connect_refused"


def test_without_a_range_of_its_own_a_channel_cannot_reach_the_loopback(peer, folder):
    before = len(Peer.seen)

    fault = code_of(parcel(peer, "fine", folder, allowed_cidrs=()))

    assert (fault.code, fault.pause) == ("address_not_allowed", "address_not_allowed")
    assert len(Peer.seen) == before


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "fc00::1",
        "fe80::1",
        "ff0e::1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "::",
    ],
)
def test_addresses_that_are_not_plainly_public_are_refused(address):
    assert not addresses.is_allowed(ipaddress.ip_address(address), ())


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_public_addresses_pass(address):
    assert addresses.is_allowed(ipaddress.ip_address(address), ())


def test_one_bad_address_among_good_ones_refuses_them_all(monkeypatch):
    answers = [ipaddress.ip_address("8.8.8.8"), ipaddress.ip_address("10.0.0.1")]
    monkeypatch.setattr(addresses, "_resolve", lambda host, port: answers)

    with pytest.raises(AddressRefused, match="address_not_allowed"):
        pin("https://register.example.org/")


@pytest.mark.parametrize(
    "url",
    [
        "http://register.example.org/",
        "ftp://register.example.org/",
        "https://user:secret@register.example.org/",
        "https://register.example.org/?to=x",
        "https://register.example.org/#x",
        "https:///path",
        "https://register.example.org:99999/",
        "register.example.org",
        "",
    ],
)
def test_other_forms_of_address_are_refused(url):
    with pytest.raises(AddressRefused, match="address_malformed"):
        pin(url)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
def test_disguised_loopback_addresses_are_refused(host):
    with pytest.raises((AddressRefused, addresses.NotResolved)):
        pin(f"https://{host}/")


def test_the_name_is_resolved_once_so_that_a_second_answer_cannot_lead_elsewhere(peer, folder, monkeypatch):
    asked = []

    def rebind(host: str, port: int) -> list[addresses.Address]:
        asked.append(host)
        return [ipaddress.ip_address("127.0.0.1" if len(asked) == 1 else "10.0.0.1")]

    monkeypatch.setattr(addresses, "_resolve", rebind)

    assert send(parcel(peer, "fine", folder, host="localhost")).status == 202
    assert asked == ["localhost"]
