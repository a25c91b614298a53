"""An encrypted file as an attachment, for partners of few cases. Subject and body name the file and nothing else.

The address is that of a mail server of the firm's and, as its path, the partner's mailbox: smtp://host:25/box@partner
(encryption is then begun on the plain port, always) or smtps://host:465/box@partner.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from email.message import EmailMessage
from email.policy import SMTP

from cases.agencies.addresses import AddressRefused, NotResolved, Target, pin
from cases.agencies.transports import trust
from cases.agencies.transports.base import Answer, DeliveryError, Parcel

__all__ = ["LARGEST_ATTACHMENT", "send"]

LARGEST_ATTACHMENT = 10 * 1024 * 1024
SUBJECT = "A file for you"
BODY = "The file {name} is attached. It is encrypted to your OpenPGP key and signed with ours.\n"
# Looked up in order: the first class that fits names the failure. (class, code, is_rejection)
_FAILURES: tuple[tuple[type[OSError], str, bool], ...] = (
    (ssl.SSLError, "tls_refused", True),
    (smtplib.SMTPNotSupportedError, "not_encrypted", True),
    (TimeoutError, "read_timeout", False),
    (ConnectionRefusedError, "connect_refused", False),
)
_REJECTED = frozenset({530, 534, 535, 538})


class _Deadline:
    """Cuts the connection when the time for the whole letter is up, however steadily answers trickle."""

    def __init__(self, seconds: float) -> None:
        self.ran_out = threading.Event()
        self._watched: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, connected: socket.socket) -> None:
        """Watch a connection, whatever is laid over it later. Raises TimeoutError when it comes too late."""
        self._watched = connected.dup()
        if self.ran_out.is_set():
            raise TimeoutError

    def _cut(self) -> None:
        self.ran_out.set()
        if (watched := self._watched) is not None:
            with contextlib.suppress(OSError):
                watched.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Stop watching."""
        self._timer.cancel()
        if self._watched is not None:
            self._watched.close()


class _Pinned(smtplib.SMTP):
    """Connects to the checked address, yet demands the certificate of the name."""

    def __init__(self, target: Target, *, context: ssl.SSLContext, timeout: float, deadline: _Deadline) -> None:
        self.target, self.context, self.deadline = target, context, deadline
        super().__init__(target.ip, target.port, timeout=timeout)
        self._host = target.host

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]  # -- the seam of the class
        self.deadline.watch(plain)
        return plain


class _PinnedTls(smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""

    def __init__(self, target: Target, *, context: ssl.SSLContext, timeout: float, deadline: _Deadline) -> None:
        self.target, self.deadline = target, deadline
        super().__init__(target.ip, target.port, timeout=timeout, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> ssl.SSLSocket:
        plain = smtplib.SMTP._get_socket(self, host, port, timeout)  # type: ignore[attr-defined]  # noqa: SLF001 -- the seam that the class itself overrides
        self.deadline.watch(plain)
        return self.context.wrap_socket(plain, server_hostname=self.target.host)


def send(parcel: Parcel) -> Answer:
    """Hand one file to the mail server, within the parcel's time for the whole of it. Raises DeliveryError; once the
    last byte left, a lost answer is undecided."""
    if len(parcel.body) > LARGEST_ATTACHMENT:
        raise DeliveryError("attachment_too_large", is_permanent=True)
    scheme = "smtps" if parcel.url.startswith("smtps:") else "smtp"
    try:
        target = pin(parcel.url, allowed_cidrs=parcel.allowed_cidrs, scheme=scheme)
    except AddressRefused as error:
        raise DeliveryError(error.code, pause=error.code) from error
    except NotResolved as error:
        raise DeliveryError("name_not_resolved") from error
    context = trust.context(parcel.ca_file)
    deadline = _Deadline(parcel.timeout_seconds)
    try:
        return _hand_over(scheme, target, context, parcel, deadline)
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, target) from error
    except OSError as error:  # of which those of smtplib and ssl are kinds
        if deadline.ran_out.is_set():
            raise DeliveryError("read_timeout", remote_ip=target.ip) from error
        found = next((each for each in _FAILURES if isinstance(error, each[0])), (OSError, "connection_broken", False))
        raise DeliveryError(found[1], is_rejection=found[2], remote_ip=target.ip) from error
    finally:
        deadline.end()


def _hand_over(scheme: str, target: Target, context: ssl.SSLContext, parcel: Parcel, deadline: _Deadline) -> Answer:
    make = _PinnedTls if scheme == "smtps" else _Pinned
    server = make(target, context=context, timeout=parcel.timeout_seconds, deadline=deadline)
    try:
        if scheme == "smtp":
            server.ehlo()
            server.starttls(context=context)
        server.ehlo()
        _ok(server.mail(parcel.headers["from"]))
        _ok(server.rcpt(target.path.lstrip("/")))
        try:
            code, reply = server.data(_written(target, parcel))
        except smtplib.SMTPDataError:  # refused before anything of the letter was sent
            raise
        except OSError as error:
            raise DeliveryError("answer_lost", is_undecided=True, remote_ip=target.ip) from error
        _ok((code, reply))
        return Answer(status=250, remote_ip=target.ip)
    finally:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()
        server.close()


def _ok(answer: tuple[int, bytes]) -> None:
    if not 200 <= answer[0] <= 299:
        raise smtplib.SMTPResponseException(answer[0], answer[1])


def _refused(code: int, target: Target) -> DeliveryError:
    """4xx is for now, 5xx for good, but for what is a fault of keys and not of the file."""
    if code in _REJECTED:
        return DeliveryError(f"smtp_{code}", is_rejection=True, remote_ip=target.ip)
    return DeliveryError(f"smtp_{code}", is_permanent=500 <= code <= 599, remote_ip=target.ip)


def _written(target: Target, parcel: Parcel) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"] = parcel.headers["from"]
    message["To"] = target.path.lstrip("/")
    message["Subject"] = SUBJECT
    message["Message-ID"] = f"<{parcel.headers['message-id']}@{parcel.headers['from'].rpartition('@')[2]}>"
    message["Date"] = parcel.headers["date"]
    message.set_content(BODY.format(name=parcel.name))
    message.add_attachment(parcel.body, maintype="application", subtype="octet-stream", filename=parcel.name)
    return message.as_bytes()
