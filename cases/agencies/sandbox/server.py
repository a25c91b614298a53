"""The TLS server of the sandbox: messages come to /<code>/messages, orders to /control/<code>, pages to /pager."""

import hmac
import http.server
import json
import signal
import socket
import ssl
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cases.agencies.sandbox import ca, filedesk, signing
from cases.agencies.sandbox.agency import Agency
from cases.agencies.sandbox.caller import Caller

LARGEST_BODY = 32 * 1024 * 1024
HANDSHAKE_SECONDS = 10
CONFIG_FILE = "config.json"
PAGER = "pager"  # takes whatever it is told


class Sandbox:
    """All agencies and how to command them, from one folder."""

    def __init__(self, folder: Path) -> None:
        config = json.loads((folder / CONFIG_FILE).read_text())
        self.port = int(config["port"])
        self.file_port = int(config.get("file_port", 0))
        self.file_agencies = dict(config.get("file_agencies", {}))
        self.token = str(config["control_token"])
        secrets = {code: entry["callback_secret"] for code, entry in config["agencies"].items()}
        self.caller = Caller(config["callback_base"], secrets, folder)
        self.agencies = {
            code: Agency(code, entry["kind"], secret=entry["message_secret"], folder=folder, caller=self.caller)
            for code, entry in config["agencies"].items()
        }


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection. Whatever is not understood is answered 404 without a word."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "sandbox", ""
    sandbox: Sandbox
    timeout = 60
    wbufsize = -1  # an answer leaves as one: the second half of it would wait until the first was acknowledged

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return self._answer(411, {})
        body = self.rfile.read(int(length))
        first, _, second = self.path.strip("/").partition("/")
        if first == "control" and second in self.sandbox.agencies:
            return self._control(self.sandbox.agencies[second], body)
        if second == "messages" and first in self.sandbox.agencies:
            return self._message(self.sandbox.agencies[first], body)
        return self._answer(202 if (first, second) == (PAGER, "") else 404, {})

    def do_GET(self) -> None:
        first, _, second = self.path.strip("/").partition("/")
        if first != "control" or second not in self.sandbox.agencies or not self._is_commander():
            return self._answer(404, {})
        return self._answer(200, _report(self.sandbox.agencies[second]))

    def _message(self, agency: Agency, body: bytes) -> None:
        time.sleep(agency.knobs["slow_ms"] / 1000)
        if agency.knobs["down"] == "close":
            return self._hang_up()
        if agency.knobs["down"] or agency.is_flaky_now():
            return self._answer(503, {})
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not signing.is_genuine(headers, body, agency.secret):
            return self._answer(401, {})
        status, answer = agency.receive(headers["webhook-id"], body)
        if agency.use_up("drop_answer"):
            return self._hang_up()
        return self._answer(status, answer)

    def _control(self, agency: Agency, body: bytes) -> None:
        if not self._is_commander():
            return self._answer(404, {})
        try:
            order = json.loads(body)
            says = order.pop("say", None)
            about = {name: order.pop(name) for name in ("reference", "agency_reference") if name in order}
            agency.set(order)
            said = None if says is None else agency.say(says, about=about)
        except (ValueError, AttributeError):
            return self._answer(422, {})
        report = _report(agency)
        if said is not None:
            report["said"] = said
        return self._answer(200, report)

    def _is_commander(self) -> bool:
        given = self.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {self.sandbox.token}".encode())

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        kind = "application/problem+json" if status >= 400 and document else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: messages hold people's names."""


def _report(agency: Agency) -> dict[str, Any]:
    return {
        "knobs": agency.knobs,
        "received": [{**row, "tries": agency.tries.get(row["id"], 0)} for row in agency.received],
        "sent": agency.sent,
        "answered": [pair for pair in agency.caller.answered if pair[0] in {row["id"] for row in agency.sent}],
    }


class TlsServer(http.server.ThreadingHTTPServer):
    """Shakes hands in the connection's own thread, so that a slow caller holds up nobody."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[Handler], context: ssl.SSLContext) -> None:
        super().__init__(address, handler)
        self.context = context

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(HANDSHAKE_SECONDS)
        try:
            secured = self.context.wrap_socket(request, server_side=True)
        except OSError:
            return
        try:
            super().finish_request(secured, client_address)
        except OSError:
            pass
        finally:
            secured.close()


def serve(folder: Path, *, port: int | None = None) -> int:
    """Serve on the loopback until SIGTERM or SIGINT."""
    ca.ensure(folder, now=datetime.now(UTC))
    sandbox = Sandbox(folder)
    if sandbox.file_agencies:
        filedesk.start(folder, port=sandbox.file_port, agencies=sandbox.file_agencies)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder / ca.CERTIFICATE_FILE, folder / ca.KEY_FILE)
    handler = type("BoundHandler", (Handler,), {"sandbox": sandbox})
    server = TlsServer(("127.0.0.1", sandbox.port if port is None else port), handler, context)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"Sandbox agencies answer on https://127.0.0.1:{server.server_port}/", file=sys.stderr, flush=True)
    server.serve_forever(poll_interval=0.2)
    server.server_close()
    return 0
