"""What every transport takes and gives: an addressed, signed parcel in; an answer or a DeliveryError out."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """Bytes to carry and where to. The headers are complete; the transport adds none that matter."""

    url: str
    body: bytes
    headers: dict[str, str]
    allowed_cidrs: tuple[str, ...] = ()
    ca_file: str = ""
    timeout_seconds: float = 15.0


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

    `is_rejection` marks a fault of keys or certificates, which is every message's fault.
    """

    def __init__(
        self, code: str, *, is_permanent: bool = False, is_rejection: bool = False, pause: str = "", remote_ip: str = ""
    ) -> None:
        super().__init__(code)
        self.code = code
        self.is_permanent = is_permanent
        self.is_rejection = is_rejection
        self.pause = pause
        self.remote_ip = remote_ip


Transport = Callable[[Parcel], Answer]
