"""Sealed files in an S3-compatible object store: ciphertext under random names, in a bucket that others make.

A file on its way in lies sealed in the temporary folder until it is whole, since such a store is told the length first.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit
from uuid import UUID

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from cases.kernel.evidence.store import MARKER, FileMissing, StoreAway

__all__ = ["CODE", "Bucket", "ObjectStore", "faults"]

CODE = "s3"
SPOOLED_BYTES = 8 * 1024 * 1024
PART_BYTES = 16 * 1024 * 1024
CONNECT_SECONDS, READ_SECONDS = 5, 60
TRIES = 3  # for each piece that is read of a file
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_AWAY = (MinioException, HTTPError, OSError, ValueError)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Where the store is, and by what we sign in. `url` is that of the service; `ca_file` of a private authority."""

    url: str
    name: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = ""
    ca_file: str = ""


def faults(bucket: Bucket) -> str:
    """Return in a sentence what is wrong with the settings, or nothing: in the clear only on this machine."""
    parts = urlsplit(bucket.url)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.path.strip("/"):
        return "EVIDENCE_S3_URL is the address of the service alone, such as https://objects.example.org."
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        return "EVIDENCE_S3_URL begins with https://, except on this machine itself."
    if not bucket.name or not bucket.access_key or not bucket.secret_key:
        return "An object store needs EVIDENCE_S3_BUCKET, EVIDENCE_S3_KEY and EVIDENCE_S3_SECRET as well."
    return ""


class ObjectFile:
    """One file on its way in."""

    def __init__(self, store: ObjectStore, uid: UUID) -> None:
        self._store, self._uid = store, uid
        self._file = tempfile.SpooledTemporaryFile(max_size=SPOOLED_BYTES)  # noqa: SIM115 -- closed by keep and drop
        self._is_kept = False

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def keep(self) -> None:
        length = self._file.tell()
        self._file.seek(0)
        self._store.put(self._uid, cast(BinaryIO, self._file), length)
        self._is_kept = True
        self._file.close()

    def drop(self) -> None:
        # What cannot be removed now, the sweep removes.
        with suppress(OSError):
            self._file.close()
        if self._is_kept:
            with suppress(OSError):
                self._store.delete(self._uid)


class _Reading(io.RawIOBase):
    """What is being fetched. A store ends a line on which nobody reads for a while, as when whoever downloads pauses:
    the rest is then asked for anew, from where reading stopped. Raises FileMissing once the store no longer has it,
    StoreAway when it gives no more of it."""

    def __init__(self, uid: UUID, fetch: Callable[[int], Any], *, offset: int) -> None:
        self._uid, self._fetch, self._read = uid, fetch, offset
        self._response = fetch(offset)

    def read(self, size: int = -1) -> bytes:
        for tries_left in range(TRIES - 1, -1, -1):
            try:
                data = bytes(self._response.read(size if size >= 0 else None))
            except (HTTPError, OSError) as error:
                if not tries_left:
                    raise StoreAway(f"{self._uid} ({type(error).__name__})") from None
            else:
                self._read += len(data)
                return data
            self._let_go()
            self._response = self._fetch(self._read)
        raise AssertionError("The last try returns or raises.")

    def _let_go(self) -> None:
        self._response.close()
        self._response.release_conn()

    def close(self) -> None:
        if not self.closed:
            self._let_go()
        super().close()


_NOBODY = "documents"


class ObjectStore:
    """Files in a bucket. Raises OSError for what the network or the service cannot do."""

    def __init__(self, bucket: Bucket) -> None:
        parts = urlsplit(bucket.url)
        self._bucket = bucket.name
        self._client = Minio(
            parts.netloc,
            access_key=bucket.access_key,
            secret_key=bucket.secret_key,
            region=bucket.region or "us-east-1",
            secure=parts.scheme == "https",
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
                retries=urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
                cert_reqs="CERT_REQUIRED",
                ca_certs=bucket.ca_file or None,
            ),
        )

    def prepare(self, owner: str = "") -> None:
        """Put the marker into the bucket, which others made."""
        said = (owner or _NOBODY).encode()
        self._put(MARKER, io.BytesIO(said), len(said))

    def owner(self) -> str:
        try:
            response = self._client.get_object(self._bucket, MARKER)
            said = bytes(response.read()).decode()
            response.close()
            response.release_conn()
        except _AWAY as error:
            raise OSError(f"the store does not say whose it is ({type(error).__name__})") from None
        return "" if said == _NOBODY else said

    def is_there(self) -> bool:
        try:
            self._client.stat_object(self._bucket, MARKER)
        except _AWAY:
            return False
        return True

    def writing(self, uid: UUID) -> ObjectFile:
        if not self.is_there():
            raise FileMissing(f"{uid} (the store is away)")
        return ObjectFile(self, uid)

    def put(self, uid: UUID, file: BinaryIO, length: int) -> None:
        """Make a whole file there for good."""
        self._put(_name(uid), file, length)

    def _put(self, name: str, file: BinaryIO, length: int) -> None:
        try:
            self._client.put_object(self._bucket, name, file, length, part_size=PART_BYTES)
        except _AWAY as error:
            raise OSError(f"{name} was not kept ({type(error).__name__})") from None

    def open(self, uid: UUID, *, offset: int = 0) -> BinaryIO:
        return cast(BinaryIO, _Reading(uid, lambda at: self._fetch(uid, at), offset=offset))

    def _fetch(self, uid: UUID, offset: int) -> Any:
        """Ask for a file from a byte on. Raises FileMissing for what the store refuses, StoreAway for what it does not
        answer, and where it gives the whole instead of the rest."""
        try:
            response = self._client.get_object(self._bucket, _name(uid), offset=offset)
        except S3Error as error:
            kind = FileMissing if error.response.status < HTTPStatus.INTERNAL_SERVER_ERROR else StoreAway
            raise kind(f"{uid} ({error.code})") from None
        except _AWAY as error:
            raise StoreAway(f"{uid} ({type(error).__name__})") from None
        if offset and response.status != HTTPStatus.PARTIAL_CONTENT:
            response.close()
            response.release_conn()
            raise StoreAway(f"{uid} (gives no part of a file)")
        return response

    def delete(self, uid: UUID) -> None:
        try:
            self._client.remove_object(self._bucket, _name(uid))
        except _AWAY as error:
            raise OSError(f"{uid} was not removed ({type(error).__name__})") from None

    def names(self) -> Iterator[tuple[UUID, datetime]]:
        try:
            for each in self._client.list_objects(self._bucket, recursive=True):
                with suppress(ValueError):
                    uid = UUID(hex=str(each.object_name).rpartition("/")[2])
                    if each.last_modified is not None:
                        yield uid, each.last_modified
        except _AWAY as error:
            raise OSError(f"the store cannot be listed ({type(error).__name__})") from None


def _name(uid: UUID) -> str:
    return f"{uid.hex[:2]}/{uid.hex}"
