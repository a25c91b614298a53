"""Makes the agencies' calls: signed, retried until answered, repeated or out of order when told so."""

import http.client
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cases.agencies.sandbox import signing

WAITS = (0.5, 1, 2, 5, 10, 30, 60)
REVERSED_WAIT = 1.5
LONGEST_TRYING = 3600
LINE_SECONDS = 1  # a server hangs up on a caller who says nothing for longer


@dataclass
class Call:
    """One callback on its way."""

    code: str
    message_id: str
    body: bytes
    due: float
    is_reversed: bool
    tries: int = 0
    first_due: float = field(default_factory=time.monotonic)


class Caller:
    """A queue in memory, one thread, and a file of what was answered: the rest is said again after a restart."""

    def __init__(self, base: str, secrets: dict[str, str], folder: Path) -> None:
        self.base, self.secrets = urlsplit(base.rstrip("/")), secrets
        self.line = http.client.HTTPConnection(self.base.hostname or "", self.base.port, timeout=15)
        self.spoke_at = 0.0
        self.file = folder / "answered"
        self.done = set(self.file.read_text().split()) if self.file.exists() else set()
        self.calls: list[Call] = []
        self.answered: list[tuple[str, int]] = []
        self.changed = threading.Condition()
        threading.Thread(target=self._run, daemon=True, name="caller").start()

    def queue(self, code: str, message_id: str, body: bytes, *, delay: float, times: int, is_reversed: bool) -> None:
        """Have a callback made `times` times with one id. Reversed ones are held briefly and go last first."""
        due = time.monotonic() + (max(delay, REVERSED_WAIT) if is_reversed else delay)
        with self.changed:
            self.calls += [Call(code, message_id, body, due, is_reversed) for _ in range(times)]
            self.changed.notify()

    def _run(self) -> None:
        while True:
            call = self._next()
            status = self._make(call)
            self.answered.append((call.message_id, status))
            if 200 <= status < 300 or status in (400, 413, 415, 422):
                self._tick_off(call)
            else:
                self._again(call)

    def _tick_off(self, call: Call) -> None:
        if call.message_id not in self.done:
            self.done.add(call.message_id)
            with self.file.open("a") as file:
                file.write(f"{call.message_id}\n")

    def _next(self) -> Call:
        with self.changed:
            while True:
                now = time.monotonic()
                ready = [call for call in self.calls if call.due <= now]
                if ready:
                    last_first = [call for call in ready if call.is_reversed]
                    call = last_first[-1] if last_first else ready[0]
                    self.calls.remove(call)
                    return call
                nearest = min((call.due for call in self.calls), default=now + 60)
                self.changed.wait(max(nearest - now, 0.01))

    def _again(self, call: Call) -> None:
        call.tries += 1
        call.due = time.monotonic() + WAITS[min(call.tries - 1, len(WAITS) - 1)]
        if call.due - call.first_due < LONGEST_TRYING:
            with self.changed:
                self.calls.append(call)
                self.changed.notify()

    def _make(self, call: Call) -> int:
        """Return the status, or 0 when there was no answer. A line that was used just now is used again; one that was
        closed meanwhile is made anew."""
        headers = signing.headers_for(self.secrets[call.code], call.message_id, call.body)
        path = f"{self.base.path}/api/v1/agencies/{call.code}/callbacks/"
        if time.monotonic() - self.spoke_at > LINE_SECONDS:
            self.line.close()
        while True:
            is_new = self.line.sock is None
            try:
                self.line.request("POST", path, call.body, headers)
                answer = self.line.getresponse()
                answer.read()
                self.spoke_at = time.monotonic()
                return answer.status
            except (OSError, http.client.HTTPException):
                self.line.close()
                if is_new:
                    return 0
