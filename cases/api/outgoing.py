"""The description of what we send to agencies, for the same document: they build the other side of it."""

from __future__ import annotations

from typing import Any

from cases.api.problems import MEDIA_TYPE
from cases.api.schema import SIGNED_HEADERS

MESSAGE = {
    "type": "object",
    "required": ["schema_version", "type", "reference", "sequence", "occurred_at", "nonce", "data"],
    "properties": {
        "schema_version": {"type": "integer", "enum": [1]},
        "type": {"type": "string"},
        "reference": {"type": "string", "format": "uuid", "description": "Equal to webhook-id; name it in callbacks."},
        "sequence": {"type": "integer", "description": "Counts our messages to you about one matter, without a gap."},
        "occurred_at": {"type": "string", "format": "date-time"},
        "nonce": {"type": "string", "description": "Random, so that a hash of the body tells nothing."},
        "data": {"type": "object", "description": "The content agreed for this type."},
    },
}
MESSAGE_EXAMPLE = {
    "schema_version": 1,
    "type": "fpa_file",
    "reference": "2f1f3b0e-5f0c-4f0e-9f57-6f1f0a3f7c11",
    "sequence": 1,
    "occurred_at": "2026-11-16T09:30:00.000Z",
    "nonce": "yk2m4H0nQ1n6mP3m5c1w8A",
    "data": {"case_type": "facility_takeover", "subjects": [{"number": 1, "role": "third_party_fraudster"}]},
}
FIELD_ERRORS = {
    "type": "about:blank",
    "title": "Fields to correct.",
    "status": 422,
    "errors": [{"pointer": "/subjects/1/date_of_birth", "code": "SUBJECT_2_MISSING_DOB_FORMAT"}],
}


def describe_messages(result: dict[str, Any]) -> dict[str, Any]:
    """Add what we send to an agency, and how its answers are taken."""
    headers = [
        {"in": "header", "name": each.name, "required": True, "schema": {"type": "string"}, "description": text}
        for each, text in zip(
            SIGNED_HEADERS,
            ("The same at every try.", "Unix time of this try.", "v1 signatures, one for each of our live secrets."),
            strict=True,
        )
    ]
    result["webhooks"] = {
        "message": {
            "post": {
                "operationId": "message_to_agency",
                "summary": "What we send to an agency",
                "description": (
                    "Answer within 15 seconds. A repeat carries the same webhook-id and must have no second effect. "
                    "Messages about one matter come in order: the next waits for an answer to the one before."
                ),
                "parameters": headers,
                "requestBody": {"content": _content("application/json", MESSAGE, MESSAGE_EXAMPLE)},
                "responses": {
                    "202": {"description": "Taken. Any 2xx says so."},
                    "422": {
                        "description": "Fields to correct (400 and 409 likewise); pointers lead into data.",
                        "content": _content(MEDIA_TYPE, {"type": "object"}, FIELD_ERRORS),
                    },
                    "429": {
                        "description": "Later. So are 408, 425, 5xx and no answer; Retry-After is kept, up to a day."
                    },
                    "4XX": {"description": "Anything else: a person looks at it; it is not sent again by itself."},
                },
            }
        }
    }
    return result


def _content(media_type: str, schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {media_type: {"schema": schema, "examples": {"Example": {"value": example}}}}
