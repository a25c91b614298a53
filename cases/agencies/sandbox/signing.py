"""Standard Webhooks as an agency would write it for itself: check what comes, sign what goes."""

import base64
import hashlib
import hmac
import time

PREFIX = "whsec_"
WINDOW_SECONDS = 300


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return one `v1,…` signature."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def is_genuine(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Say whether one of the signatures fits and the time is near."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isdigit() or abs(time.time() - int(timestamp)) > WINDOW_SECONDS:
        return False
    wanted = signature(secret, message_id, int(timestamp), body)
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(wanted.encode(), one.encode()) for one in given)


def headers_for(secret: str, message_id: str, body: bytes) -> dict[str, str]:
    """Return the headers of a signed call."""
    timestamp = int(time.time())
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
