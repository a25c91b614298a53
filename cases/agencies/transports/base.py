"""What every transport takes and gives: an addressed, signed parcel in; an answer or a DeliveryError out."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

# Of files that are fetched: how large one may be, and how many one run reads.
LARGEST_FILE = 256 * 1024 * 1024
MOST_FILES = 50


@dataclass(frozen=True, kw_only=True)
class Load:
    """The bytes of a file as they are read, once, piece by piece. Reading may raise DeliveryError."""

    size: int
    sha256: str
    pieces: Iterable[bytes] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """Bytes to carry and where to. The headers are complete; the transport adds none that matter.

    A file has a `name`, and what is large of it is a `load` instead of a body; of a server for files one of `host_keys`
    must be proved, and `client_keys` prove us.
    """

    url: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    allowed_cidrs: tuple[str, ...] = ()
    ca_file: str = ""
    timeout_seconds: float = 15.0
    connect_seconds: float = 5.0
    name: str = ""
    host_keys: tuple[str, ...] = ()
    client_keys: tuple[str, ...] = field(default=(), repr=False)
    load: Load | None = None

    @property
    def loaded(self) -> Load:
        """The load, or the body as one."""
        whole = Load(size=len(self.body), sha256=hashlib.sha256(self.body).hexdigest(), pieces=[self.body])
        return self.load or whole


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back. `body` is cut at the reading limit; `remote_ip` is the pinned address."""

    status: int
    body: bytes = b""
    media_type: str = ""
    retry_after: str = ""
    remote_ip: str = field(default="")


class DeliveryError(Exception):
    """No answer. `code` is written to the attempt; `pause` names why the channel must stop, if it must.

    `is_rejection` marks a fault of keys or certificates, which is every message's fault. `is_undecided`: it may have
    arrived, and nobody can be asked, so that it is never tried again by itself.
    """

    def __init__(
        self,
        code: str,
        *,
        is_permanent: bool = False,
        is_rejection: bool = False,
        is_undecided: bool = False,
        pause: str = "",
        remote_ip: str = "",
    ) -> None:
        super().__init__(code)
        self.code = code
        self.is_permanent = is_permanent
        self.is_rejection = is_rejection
        self.is_undecided = is_undecided
        self.pause = pause
        self.remote_ip = remote_ip


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file in a folder as its server states it: name, bytes (the most, where it states none) and the second of its
    last change, on the server's clock."""

    name: str
    size: int
    changed_at: int


Transport = Callable[[Parcel], Answer]
