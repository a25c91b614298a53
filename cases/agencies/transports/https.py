"""POST over TLS to one checked address: no redirect, no proxy, no plain text, a bounded answer, a bounded time."""

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator

from urllib3.connection import HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError
from urllib3.response import BaseHTTPResponse

from cases.agencies.addresses import AddressRefused, NotResolved, Target, pin
from cases.agencies.transports import trust
from cases.agencies.transports.base import Answer, DeliveryError, Parcel

LARGEST_ANSWER = 64 * 1024
_CHUNK = 8 * 1024
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
    connection = _connection(target, parcel)
    ran_out = threading.Event()
    try:
        connection.connect()
        connection.timeout = parcel.timeout_seconds
        with _deadline(connection.sock, parcel.timeout_seconds, ran_out):
            answer = _exchange(connection, target, parcel)
        if ran_out.is_set():  # what a cut connection leaves may look like a short answer
            raise TimeoutError
        return answer
    except (HTTPError, http.client.HTTPException, OSError) as error:
        raise _failure(error, target, is_late=ran_out.is_set()) from error
    finally:
        connection.close()


def _connection(target: Target, parcel: Parcel) -> HTTPSConnection:
    """Connect to the checked address, yet demand the certificate of the name."""
    return HTTPSConnection(
        target.ip,
        target.port,
        ssl_context=trust.context(parcel.ca_file),
        server_hostname=target.host,
        timeout=parcel.connect_seconds,
    )


@contextlib.contextmanager
def _deadline(connected: socket.socket, seconds: float, ran_out: threading.Event) -> Iterator[None]:
    """End the connection when time is up, however steadily its bytes trickle."""

    def cut() -> None:
        ran_out.set()
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)

    connected.settimeout(seconds)
    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


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
    try:
        return Answer(
            status=response.status,
            body=_read(response),
            media_type=response.headers.get("content-type", ""),
            retry_after=response.headers.get("retry-after", ""),
            remote_ip=target.ip,
        )
    finally:
        response.close()


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
