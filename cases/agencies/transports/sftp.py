"""Files over SSH to one checked address with one pinned host key: written under a temporary name, then renamed.

The same name with the same bytes there means that an earlier try arrived; with other bytes it is for people to look.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import asyncssh

from cases.agencies.addresses import AddressRefused, NotResolved, Target, pin
from cases.agencies.transports.base import LARGEST_FILE, Answer, DeliveryError, Found, Load, Parcel

__all__ = ["collect", "look", "send"]

CONNECT_SECONDS = 10
PART = ".part"
# How far a file came: its name was asked for; it has it.
_NAMING, _ANSWERED, _ARRIVED = "naming", "answered", "arrived"
# What is wrong with one file alone and not with its folder.
_UNREADABLE = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure)
_CHUNK = 256 * 1024
# So much is written at once, as many packets under way; for each megabyte a second is added to the time of a file.
_AT_ONCE = 4 * 1024 * 1024
MEGABYTE = 1024 * 1024
_MOST_MORE_SECONDS = 100  # a worker looks into every folder in 300 seconds
_Done = TypeVar("_Done")
# Looked up in order: the first class that fits names the failure. Servers of the usual version 3 say no more of a full
# disk than that they failed. (class, code, is_rejection, pause)
_FAILURES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str, bool, str], ...] = (
    (asyncssh.HostKeyNotVerifiable, "host_key_refused", True, "host_key_refused"),
    (asyncssh.PermissionDenied, "sign_in_refused", True, ""),
    (asyncssh.KeyImportError, "key_unreadable", True, ""),
    (asyncssh.SFTPPermissionDenied, "permission_denied", True, ""),
    ((asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath), "folder_missing", True, ""),
    ((asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost), "connection_broken", False, ""),
    (asyncssh.SFTPError, "server_failed", False, ""),
    (TimeoutError, "read_timeout", False, ""),
    (ConnectionRefusedError, "connect_refused", False, ""),
)


def send(parcel: Parcel) -> Answer:
    """Put one file into the folder of the address. Raises DeliveryError; every failure of network or server is one.

    Once the file was to get its name, a lost answer is undecided: partners take files away, so that its not being there
    later says nothing.
    """
    reached: list[str] = []

    async def put(client: asyncssh.SFTPClient, target: Target) -> Answer:
        await _put(client, target.path, parcel, reached)
        reached.append(_ARRIVED)
        return Answer(status=201, remote_ip=target.ip)

    try:
        return _run(parcel, put)
    except DeliveryError as fault:
        if reached[-1:] == [_ARRIVED]:  # only the parting went wrong
            return Answer(status=201, remote_ip=fault.remote_ip)
        if reached[-1:] == [_NAMING] and not fault.is_permanent:
            raise DeliveryError("answer_lost", is_undecided=True, remote_ip=fault.remote_ip) from fault
        raise


def look(parcel: Parcel) -> list[Found]:
    """List every finished file of the address's folder, by name: who fetches takes MOST_FILES of what is new. Raises
    DeliveryError."""

    async def listed(client: asyncssh.SFTPClient, target: Target) -> list[Found]:
        found = []
        for entry in await client.readdir(target.path):
            name, about = str(entry.filename), entry.attrs
            if name.startswith(".") or name.endswith(PART) or not stat.S_ISREG(about.permissions or stat.S_IFREG):
                continue
            size = LARGEST_FILE if about.size is None else about.size
            found.append(Found(name=name, size=size, changed_at=int(about.mtime or 0)))
        return sorted(found, key=lambda one: one.name)

    return _run(parcel, listed)


def collect(parcel: Parcel, wanted: list[Found]) -> dict[str, bytes | None]:
    """Read files that were listed in the address's folder in one connection: nothing of one that cannot be read or is
    longer than it was listed, or for which alone the time did not suffice, and no word of those behind it. A second is
    added to the time for each megabyte. Raises DeliveryError."""
    found: dict[str, bytes | None] = {}
    begun: list[str] = []

    async def read(client: asyncssh.SFTPClient, target: Target) -> None:
        for one in wanted:
            begun.append(one.name)
            try:
                found[one.name] = await _read(client, _at(target.path, one.name), most=min(one.size, LARGEST_FILE))
            except _UNREADABLE:
                found[one.name] = None
            except DeliveryError:  # too large
                found[one.name] = None

    try:
        _run(parcel, read, more_seconds=min(sum(one.size for one in wanted) // MEGABYTE, _MOST_MORE_SECONDS))
    except DeliveryError as fault:
        if fault.code != "read_timeout" or not begun:
            raise
        if not any(found.values()):  # it had all the time there was
            found[begun[-1]] = None
    return found


def _run(
    parcel: Parcel, act: Callable[[asyncssh.SFTPClient, Target], Awaitable[_Done]], *, more_seconds: int = 0
) -> _Done:
    try:
        target = pin(parcel.url, allowed_cidrs=parcel.allowed_cidrs, scheme="sftp")
    except AddressRefused as error:
        raise DeliveryError(error.code, pause=error.code) from error
    except NotResolved as error:
        raise DeliveryError("name_not_resolved") from error

    seconds = parcel.timeout_seconds + more_seconds + (parcel.load.size // MEGABYTE if parcel.load else 0)

    async def within() -> _Done:
        async with asyncio.timeout(seconds), _client(parcel, target) as client:
            return await act(client, target)

    try:
        with ThreadPoolExecutor(max_workers=1) as aside:  # whoever calls may have a loop in their own thread
            return aside.submit(lambda: asyncio.run(within())).result()
    except (asyncssh.Error, asyncssh.SFTPError, asyncssh.KeyImportError, OSError, TimeoutError) as error:
        raise _failure(error, target) from error


@contextlib.asynccontextmanager
async def _client(parcel: Parcel, target: Target) -> AsyncIterator[asyncssh.SFTPClient]:
    """Sign in with our key, only where the server proves a key that two people entered; read nobody's settings."""
    if not parcel.host_keys:
        raise DeliveryError("no_host_key", is_rejection=True, remote_ip=target.ip)
    trusted = [asyncssh.import_public_key(each) for each in parcel.host_keys]
    async with (
        asyncssh.connect(
            target.ip,
            target.port,
            username=target.user,
            client_keys=[asyncssh.import_private_key(each) for each in parcel.client_keys],
            known_hosts=(trusted, [], []),
            server_host_key_algs=sorted({each.get_algorithm() for each in trusted}),
            preferred_auth="publickey",
            password=None,
            agent_path=None,
            config=None,
            x509_trusted_certs=None,
            connect_timeout=CONNECT_SECONDS,
            login_timeout=CONNECT_SECONDS,
            compression_algs=None,
        ) as connection,
        connection.start_sftp_client(
            path_errors="surrogateescape"
        ) as client,  # a name that is no text is no file of ours
    ):
        yield client


async def _put(client: asyncssh.SFTPClient, folder: str, parcel: Parcel, reached: list[str]) -> None:
    final, load = _at(folder, parcel.name), parcel.loaded
    if await client.exists(final):
        return await _compare(client, final, load)
    part = _at(folder, f".{parcel.name}{PART}")
    async with client.open(part, "wb") as file:
        for piece in _gathered(load.pieces):
            await file.write(piece)
        with contextlib.suppress(asyncssh.SFTPOpUnsupported):
            await file.fsync()
    if (await client.stat(part)).size != load.size:
        raise DeliveryError("size_differs")
    reached.append(_NAMING)
    try:
        await client.rename(part, final)  # the plain rename: it replaces nothing
    except (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost):
        raise
    except asyncssh.SFTPError:
        reached.append(_ANSWERED)
        if not await client.exists(final):
            raise
        await _compare(client, final, load)
        await client.remove(part)
    return None


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces joined: each write waits for its answer, and is many packets while it does."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= _AT_ONCE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


async def _compare(client: asyncssh.SFTPClient, path: str, load: Load) -> None:
    """Return if the file there is ours. Raises DeliveryError, for good, if it is another."""
    size = (await client.stat(path)).size
    if size != load.size or await _hash(client, path) != load.sha256:
        raise DeliveryError("name_taken", is_permanent=True)


async def _hash(client: asyncssh.SFTPClient, path: str) -> str:
    digest = hashlib.sha256()
    async with client.open(path, "rb") as file:
        while part := await file.read(_CHUNK):
            digest.update(part if isinstance(part, bytes) else part.encode())
    return digest.hexdigest()


async def _read(client: asyncssh.SFTPClient, path: str, *, most: int) -> bytes:
    """Read a file of at most so many bytes: what its server says of its size is a word like any other."""
    parts: list[bytes] = []
    size = 0
    async with client.open(path, "rb") as file:
        while part := await file.read(_CHUNK):
            size += len(part)
            if size > most:
                raise DeliveryError("file_too_large", is_permanent=True)
            parts.append(part if isinstance(part, bytes) else part.encode())
    return b"".join(parts)


def _at(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


def _failure(error: BaseException, target: Target) -> DeliveryError:
    for kind, code, is_rejection, pause in _FAILURES:
        if isinstance(error, kind):
            return DeliveryError(code, is_rejection=is_rejection, pause=pause, remote_ip=target.ip)
    return DeliveryError("connection_broken", remote_ip=target.ip)
