"""Where a message may go: the host of a channel, resolved once, every address checked, one of them pinned.

A public address passes; any other only if the channel's own ranges name it. Asks the resolver, nothing else.
"""

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
PORTS = {"https": 443, "sftp": 22, "smtp": 25, "smtps": 465}
MAIL = frozenset({"smtp", "smtps"})
MAILBOX = re.compile(r"/[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,255}", re.ASCII)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Exception):
    """The channel's address leads where we do not send. `code` is written to the attempt."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotResolved(Exception):
    """The name has no address just now: worth another try."""


@dataclass(frozen=True)
class Target:
    """A checked place to connect to: the pinned address, and the name that TLS must prove."""

    ip: str
    port: int
    host: str
    path: str
    user: str = ""


def pin(url: str, *, allowed_cidrs: Sequence[str] = (), scheme: str = "https") -> Target:
    """Resolve the host once and return the first address. Raises AddressRefused if any address fails, NotResolved."""
    parts, host, port = _split(url, scheme)
    found = _resolve(host, port)
    for address in found:
        if not is_allowed(address, allowed_cidrs):
            raise AddressRefused("address_not_allowed")
    return Target(str(found[0]), port, host, parts.path or "/", parts.username or "")


def check_form(url: str, *, allowed_cidrs: Sequence[str] = ()) -> None:
    """Refuse what needs no resolver to be seen: an address of no way we carry by, or a number we do not send to. Asks
    nobody, so that it may be called in a transaction; every delivery pins anew. Raises AddressRefused."""
    _, host, _ = _split(url, scheme_of(url))
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return
    if not is_allowed(address, allowed_cidrs):
        raise AddressRefused("address_not_allowed")


def scheme_of(url: str) -> str:
    """Return the way of carrying an address speaks of; https for anything that is none of the others."""
    scheme = url.partition(":")[0].lower()
    return scheme if scheme in PORTS else "https"


def _split(url: str, scheme: str) -> tuple[SplitResult, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[scheme]
    except ValueError as error:
        raise AddressRefused("address_malformed") from error
    if parts.scheme != scheme or not parts.hostname or parts.password or parts.query or parts.fragment:
        raise AddressRefused("address_malformed")
    if bool(parts.username) != (scheme == "sftp") or (scheme in MAIL and not MAILBOX.fullmatch(parts.path)):
        raise AddressRefused("address_malformed")
    return parts, parts.hostname, port


def is_allowed(address: Address, allowed_cidrs: Sequence[str]) -> bool:
    """Say whether we may connect: named by the channel, or plainly public (not multicast, 6to4 or NAT64)."""
    plain = getattr(address, "ipv4_mapped", None) or address
    if any(plain in ipaddress.ip_network(cidr) for cidr in allowed_cidrs):
        return True
    if plain.is_multicast or not plain.is_global:
        return False
    return plain.version == 4 or not any(plain in network for network in (SIX_TO_FOUR, *TRANSLATED))


def _resolve(host: str, port: int) -> list[Address]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise NotResolved(host) from error
    if not answers:
        raise NotResolved(host)
    return [ipaddress.ip_address(str(answer[4][0]).split("%")[0]) for answer in answers]
