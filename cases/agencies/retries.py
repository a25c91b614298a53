"""What an answer means for a message and its channel, and when the next try is due. Tables; no database."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from cases.agencies.transports.base import Answer, DeliveryError

MINUTE, HOUR, DAY = 60, 3600, 86400
JITTER = 0.2
LONGEST_WAIT = DAY
MOST_ERRORS = 100
_POINTER = re.compile(r"(/[A-Za-z0-9_~.-]{1,60}){0,12}", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}", re.ASCII)


@dataclass(frozen=True)
class Profile:
    """Waits before each try, in seconds; the first is the first try's. `then_every` goes on until expiry."""

    waits: tuple[int, ...]
    then_every: int | None = None


PROFILES = {
    "standard": Profile(
        (0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
    ),
    "urgent": Profile((0, 2, 5, 15, 30), then_every=60),
    "file": Profile((0, 2 * MINUTE, 10 * MINUTE, HOUR, 4 * HOUR)),
    "email": Profile((0, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR)),
}
RETRIED_STATUSES = frozenset({408, 425, 429})
REJECTED_STATUSES = frozenset({401, 403})
ANSWERED_STATUSES = frozenset({400, 409, 422})


@dataclass(frozen=True)
class Verdict:
    """What a try comes to. `pause` is the reason to stop the channel, `is_rejection` counts towards such a stop."""

    state: str
    outcome: str
    error: str = ""
    delay_seconds: float = 0.0
    errors: list[dict[str, str]] = field(default_factory=list)
    pause: str = ""
    is_rejection: bool = False
    is_failure: bool = False


def judge(
    result: Answer | DeliveryError, *, profile: str, tries: int, now: datetime, spread: Callable[[float, float], float]
) -> Verdict:
    """Return the verdict on the `tries`-th try. `spread(low, high)` draws the jitter."""
    if isinstance(result, DeliveryError):
        if result.is_undecided:
            return Verdict("unknown", "unknown", result.code, is_failure=True)
        if result.is_permanent:
            return Verdict("dead", "permanent", result.code, pause=result.pause)
        verdict = Verdict(
            "pending", "retryable", result.code, pause=result.pause, is_rejection=result.is_rejection, is_failure=True
        )
        return _again(verdict, profile=profile, tries=tries, asked=0.0, spread=spread)
    verdict = _of_status(result)
    if verdict.state != "pending":
        return verdict
    return _again(verdict, profile=profile, tries=tries, asked=_asked(result.retry_after, now), spread=spread)


def _of_status(answer: Answer) -> Verdict:
    status = answer.status
    if 200 <= status <= 299:
        return Verdict("delivered", "ok")
    if 300 <= status <= 399:
        return Verdict("dead", "permanent", f"http_{status}", pause="redirected")
    if status in REJECTED_STATUSES:
        return Verdict("pending", "retryable", f"http_{status}", is_rejection=True, is_failure=True)
    if status in RETRIED_STATUSES or not 400 <= status <= 499:
        return Verdict("pending", "retryable", f"http_{status}", is_failure=True)
    errors = _answered_errors(answer) if status in ANSWERED_STATUSES else []
    if errors:
        return Verdict("refused", "refused", f"http_{status}", errors=errors)
    return Verdict("dead", "permanent", f"http_{status}", pause="gone" if status == 410 else "")


def _again(
    verdict: Verdict, *, profile: str, tries: int, asked: float, spread: Callable[[float, float], float]
) -> Verdict:
    plan = PROFILES.get(profile, PROFILES["standard"])
    wait = plan.waits[tries] if tries < len(plan.waits) else plan.then_every
    if wait is None:
        return Verdict("dead", "retryable", verdict.error, pause=verdict.pause, is_failure=True)
    delay = max(wait * spread(1 - JITTER, 1 + JITTER), asked)
    return Verdict(
        "pending",
        "retryable",
        verdict.error,
        delay,
        pause=verdict.pause,
        is_rejection=verdict.is_rejection,
        is_failure=True,
    )


def _asked(retry_after: str, now: datetime) -> float:
    """Return the wait a Retry-After asks for, at most a day; nonsense asks for none."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(min(int(retry_after[:9]), LONGEST_WAIT))
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, TypeError):
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return float(min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT))


def _answered_errors(answer: Answer) -> list[dict[str, str]]:
    """Return the codes and pointers of a problem document, nothing of its prose; empty when it is none."""
    if answer.media_type.partition(";")[0].strip().lower() != "application/problem+json":
        return []
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return []
    return errors_of(document.get("errors")) if isinstance(document, dict) else []


def errors_of(listed: object) -> list[dict[str, str]]:
    """Return the codes and pointers that an agency listed, nothing of its prose; empty where it is no list."""
    if not isinstance(listed, list):
        return []
    return [_codes(one) for one in listed[:MOST_ERRORS] if isinstance(one, dict)]


def _codes(one: dict[str, object]) -> dict[str, str]:
    pointer, code = str(one.get("pointer", "")), str(one.get("code", ""))
    return {
        "pointer": pointer if _POINTER.fullmatch(pointer) else "",
        "code": code if _CODE.fullmatch(code) else "unreadable",
    }
