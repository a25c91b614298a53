"""A caller as an agency or an own system would be: signs bytes and posts them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from django.test import Client

CALLBACKS = "/api/v1/agencies/sandbox-fraud-register/callbacks/"
INTAKE = "/api/v1/intake/fraud-referrals/"


def signed(secret: str, message_id: str, body: bytes, *, at: float | None = None) -> dict[str, str]:
    """Return the three headers, made without any code of ours."""
    timestamp = int(time.time() if at is None else at)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def post(path: str, body: bytes, headers: dict[str, str], content_type: str = "application/json") -> Any:
    return Client(raise_request_exception=True).post(path, data=body, content_type=content_type, headers=headers)


def call(secret: str, document: Any, *, message_id: str = "msg-1", path: str = CALLBACKS, **headers: str) -> Any:
    """Sign and post a document (or bytes as they are)."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return post(path, body, signed(secret, message_id, body) | headers)


def callback(**changes: Any) -> dict[str, Any]:
    """Return a well-formed callback that matches nothing."""
    document = {
        "schema_version": 1,
        "type": "fpa.filed",
        "reference": "2f1f3b0e-5f0c-4f0e-9f57-6f1f0a3f7c11",
        "agency_reference": "SFR-2026-0004417",
        "agency_sequence": 3,
        "occurred_at": "2026-11-16T10:12:00Z",
        "data": {},
    }
    return {name: value for name, value in (document | changes).items() if value is not ...}
