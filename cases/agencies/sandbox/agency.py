"""One agency of the sandbox: what it received, what it said, and how it was told to misbehave."""

import datetime as dt
import json
import os
import random
import threading
from pathlib import Path
from typing import Any

from cases.agencies.sandbox import desks
from cases.agencies.sandbox.caller import Caller

# name: (kind of value, value when well behaved)
KNOBS: dict[str, tuple[type, Any]] = {
    "slow_ms": (int, 0),
    "down": (str, ""),  # "503" answers so, "close" hangs up unread
    "flaky_percent": (int, 0),
    "duplicate": (int, 0),
    "out_of_order": (bool, False),
    "occurred_at": (str, ""),
    "drop_answer": (int, 0),
    "silent": (bool, False),
    "refuse_with": (int, 0),
    "callback_delay_ms": (int, 200),
}
Answer = tuple[int, dict[str, Any]]


class Agency:
    """An agency with a memory on disk: one line for each message, one for each callback."""

    def __init__(self, code: str, kind: str, *, secret: str, folder: Path, caller: Caller) -> None:
        self.code, self.kind, self.secret = code, kind, secret
        self.folder, self.caller = folder, caller
        self.lock = threading.Lock()
        self.knobs = {name: value for name, (_, value) in KNOBS.items()}
        self.received = _lines(folder / f"{code}.received.jsonl")
        self.sent = _lines(folder / f"{code}.sent.jsonl")
        self.answers: dict[str, Answer] = {row["id"]: (row["status"], row["answer"]) for row in self.received}
        self.tries: dict[str, int] = {}
        for row in self.sent:
            if row["id"] not in caller.done:
                self._queue(row)

    def receive(self, message_id: str, body: bytes) -> Answer:
        """Take a genuine message: a repeat gets the first answer and has no further effect."""
        with self.lock:
            self.tries[message_id] = self.tries.get(message_id, 0) + 1
            if message_id in self.answers:
                return self.answers[message_id]
            if self.knobs["refuse_with"]:
                return self.knobs["refuse_with"], {}
            message = json.loads(body)
            accepted = sum(row["status"] == 202 and row["type"] == message.get("type") for row in self.received)
            reply = desks.reply(
                self.kind, desks.Visit(message, accepted, self.now(), self.folder / f"{self.code}.pieces")
            )
            answer = self._keep(message_id, message, reply)
            if not self.knobs["silent"]:
                for callback in reply.callbacks:
                    self._say(callback | {"reference": message_id})
            return answer

    def say(self, callback: dict[str, Any] | str, *, about: dict[str, Any] | None = None) -> str:
        """Send a callback on demand, or one of the named sayings about a case; return its id."""
        with self.lock:
            if isinstance(callback, str):
                callback = desks.saying(callback, about or {}, number=len(self.sent) + 1)
            return self._say(callback)

    def set(self, changes: dict[str, Any]) -> None:
        """Change knobs. Raises ValueError for one that is not there or of another kind."""
        for name, value in changes.items():
            if name not in KNOBS or not isinstance(value, KNOBS[name][0]):
                raise ValueError(name)
        with self.lock:
            self.knobs.update(changes)

    def use_up(self, name: str) -> bool:
        """Say whether a counted knob still has a use left, and take one."""
        with self.lock:
            if self.knobs[name] <= 0:
                return False
            self.knobs[name] -= 1
            return True

    def is_flaky_now(self) -> bool:
        return random.randrange(100) < self.knobs["flaky_percent"]

    def now(self) -> dt.datetime:
        """The time this agency goes by: the real one, unless told another."""
        said = self.knobs["occurred_at"]
        return dt.datetime.fromisoformat(said.replace("Z", "+00:00")) if said else dt.datetime.now(dt.UTC)

    def _keep(self, message_id: str, message: dict[str, Any], reply: desks.Reply) -> Answer:
        answer: dict[str, Any] = {"status": "accepted", **reply.said}
        if reply.errors:
            answer = {"type": "about:blank", "title": "Fields to correct.", "status": 422, "errors": reply.errors}
        row = {"id": message_id, "type": message.get("type"), "status": reply.status, "answer": answer, "body": message}
        self.received.append(row)
        _append(self.folder / f"{self.code}.received.jsonl", row)
        self.answers[message_id] = (reply.status, answer)
        return reply.status, answer

    def _say(self, callback: dict[str, Any]) -> str:
        sequence = len(self.sent) + 1
        body = {
            "schema_version": 1,
            "occurred_at": self.now().astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "agency_sequence": sequence,
            **callback,
        }
        message_id = str(callback.get("id") or f"{self.code}-{sequence}-{os.urandom(6).hex()}")
        body.pop("id", None)
        row = {"id": message_id, "body": body}
        self.sent.append(row)
        _append(self.folder / f"{self.code}.sent.jsonl", row)
        self._queue(row)
        return message_id

    def _queue(self, row: dict[str, Any]) -> None:
        self.caller.queue(
            self.code,
            row["id"],
            json.dumps(row["body"], separators=(",", ":")).encode(),
            delay=self.knobs["callback_delay_ms"] / 1000,
            times=1 + self.knobs["duplicate"],
            is_reversed=self.knobs["out_of_order"],
        )


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def _append(path: Path, row: dict[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a") as file:
        file.write(json.dumps(row, separators=(",", ":")) + "\n")
