"""POST over TLS to one checked address: no redirect, no proxy, no plain text, a bounded answer, a bounded time.

Within `open_lines` a connection that is still open after a whole answer carries the next parcel to the same checked
address, of the same name and under the same authorities.
"""

import contextlib
import http.client
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from urllib3.connection import HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError
from urllib3.response import BaseHTTPResponse
from urllib3.util.wait import wait_for_read

from cases.agencies.addresses import AddressRefused, NotResolved, Target, pin
from cases.agencies.transports import trust
from cases.agencies.transports.base import Answer, DeliveryError, Parcel

LARGEST_ANSWER = 64 * 1024
_CHUNK = 8 * 1024
Place = tuple[str, int, str, ssl.SSLContext]


@dataclass
class _Lines:
    """Connections that are open and carry nothing now, and how many deliver."""

    users: int = 0
    idle: dict[Place, list[HTTPSConnection]] = field(default_factory=dict)


_lines = _Lines()
_lock = threading.Lock()
# Looked up in order: the first class that fits names the failure. (class, code, is_rejection)
_FAILURES: tuple[tuple[type[BaseException], str, bool], ...] = (
    (SSLError, "tls_refused", True),
    (ssl.SSLCertVerificationError, "tls_refused", True),
    (ssl.SSLEOFError, "connection_broken", False),
    (ssl.SSLError, "tls_refused", True),
    (NewConnectionError, "connect_refused", False),
    (ConnectTimeoutError, "connect_timeout", False),
    (TimeoutError, "read_timeout", False),
)


def send(parcel: Parcel) -> Answer:
    """Carry one parcel. Raises DeliveryError; every failure of the network is one."""
    try:
        target = pin(parcel.url, allowed_cidrs=parcel.allowed_cidrs)
    except AddressRefused as error:
        raise DeliveryError(error.code, pause=error.code) from error
    except NotResolved as error:
        raise DeliveryError("name_not_resolved") from error
    place = (target.ip, target.port, target.host, trust.context(parcel.ca_file))
    connection = _open_line(place) or _connection(place, parcel)
    ran_out = threading.Event()
    is_whole = False
    try:
        if connection.sock is None:
            connection.connect()
        connection.timeout = parcel.timeout_seconds
        with _deadline(connection.sock, parcel.timeout_seconds, ran_out):
            answer = _exchange(connection, target, parcel)
        if ran_out.is_set():  # what a cut connection leaves may look like a short answer
            raise TimeoutError
        is_whole = len(answer.body) < LARGEST_ANSWER
        return answer
    except (HTTPError, http.client.HTTPException, OSError) as error:
        raise _failure(error, target, is_late=ran_out.is_set()) from error
    finally:
        if not (is_whole and _keep(place, connection)):
            connection.close()


@contextlib.contextmanager
def open_lines() -> Iterator[None]:
    """Let what is sent meanwhile, in whatever thread, go by connections that are open already; hang up at the end."""
    with _lock:
        _lines.users += 1
    try:
        yield
    finally:
        with _lock:
            _lines.users -= 1
            idle = [] if _lines.users else [each for held in _lines.idle.values() for each in held]
            if not _lines.users:
                _lines.idle.clear()
        for each in idle:
            each.close()


def _keep(place: Place, connection: HTTPSConnection) -> bool:
    """Keep a connection for the next parcel, if it is open and somebody sends more; say whether it is kept."""
    with _lock:
        is_kept = bool(_lines.users) and connection.sock is not None
        if is_kept:
            _lines.idle.setdefault(place, []).append(connection)
    return is_kept


def _open_line(place: Place) -> HTTPSConnection | None:
    """Return a connection to a place that is open and on which nobody speaks; None where there is none."""
    while True:
        with _lock:
            held = _lines.idle.get(place)
            if not held:
                return None
            connection = held.pop()
        if not wait_for_read(connection.sock, timeout=0):
            return connection
        connection.close()  # by the other side, or what it says was not asked for


def _connection(place: Place, parcel: Parcel) -> HTTPSConnection:
    """Connect to the checked address, yet demand the certificate of the name."""
    ip, port, name, context = place
    return HTTPSConnection(ip, port, ssl_context=context, server_hostname=name, timeout=parcel.connect_seconds)


@contextlib.contextmanager
def _deadline(connected: socket.socket, seconds: float, ran_out: threading.Event) -> Iterator[None]:
    """End the connection when time is up, however steadily its bytes trickle."""

    def cut() -> None:
        ran_out.set()
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)

    connected.settimeout(seconds)
    watched = object()
    _watch(watched, time.monotonic() + seconds, cut)
    try:
        yield
    finally:
        with _awake:
            _cuts.pop(watched, None)


# One thread ends whatever is late: one for each parcel would take longer to start than the parcel to pack.
_awake = threading.Condition()
_cuts: dict[object, tuple[float, Callable[[], None]]] = {}
_watcher = threading.Thread()
_looks_at = 0.0


def _watch(watched: object, at: float, cut: Callable[[], None]) -> None:
    """Have what is watched cut at a moment, unless it is taken out of `_cuts` before."""
    global _watcher
    with _awake:
        _cuts[watched] = (at, cut)
        if not _watcher.is_alive():  # nor is it in a process that was forked off
            _watcher = threading.Thread(target=_cut_what_is_late, daemon=True, name="deadlines")
            _watcher.start()
        elif at < _looks_at:
            _awake.notify()


def _cut_what_is_late() -> None:
    global _looks_at
    with _awake:
        while True:
            now = time.monotonic()
            for each in [each for each, (at, _) in _cuts.items() if at <= now]:
                _cuts.pop(each)[1]()
            _looks_at = min((at for at, _ in _cuts.values()), default=math.inf)
            _awake.wait(None if _looks_at == math.inf else _looks_at - now)


def _exchange(connection: HTTPSConnection, target: Target, parcel: Parcel) -> Answer:
    name = f"[{target.host}]" if ":" in target.host else target.host
    host = name if target.port == 443 else f"{name}:{target.port}"
    connection.request(
        "POST",
        target.path,
        body=parcel.body,
        headers={**parcel.headers, "host": host, "accept-encoding": "identity"},
        preload_content=False,
        decode_content=False,
    )
    response = connection.getresponse()
    return Answer(
        status=response.status,
        body=_read(response),
        media_type=response.headers.get("content-type", ""),
        retry_after=response.headers.get("retry-after", ""),
        remote_ip=target.ip,
    )


def _read(response: BaseHTTPResponse) -> bytes:
    """Read at most LARGEST_ANSWER bytes, as sent: nothing is unpacked."""
    parts: list[bytes] = []
    size = 0
    while size < LARGEST_ANSWER:
        part = response.read(min(_CHUNK, LARGEST_ANSWER - size), decode_content=False)
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _failure(error: BaseException, target: Target, *, is_late: bool) -> DeliveryError:
    if is_late:
        return DeliveryError("read_timeout", remote_ip=target.ip)
    for kind, code, is_rejection in _FAILURES:
        if isinstance(error, kind):
            return DeliveryError(code, is_rejection=is_rejection, remote_ip=target.ip)
    return DeliveryError("connection_broken", remote_ip=target.ip)
