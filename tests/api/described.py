"""What is sent, held against what the description of the API says of it."""

import functools
import json
from typing import Any

import jsonschema

from cases.api.reader import Generator
from cases.kernel import outbox
from cases.kernel.models import OutboxMessage
from cases.ledger import sealing
from tests.factories import FILED_AT


@functools.lru_cache(maxsize=1)
def _validators() -> dict[str, jsonschema.Draft202012Validator]:
    schema = Generator().get_schema(request=None, public=True)
    bodies = {code: each["post"]["requestBody"]["content"] for code, each in schema["webhooks"].items()}
    return {
        code: jsonschema.Draft202012Validator(
            {**each["application/json"]["schema"], "additionalProperties": False},
            format_checker=jsonschema.FormatChecker(),
        )
        for code, each in bodies.items()
    }


def _unknown(shape: dict[str, Any], value: Any, path: str = "data") -> list[str]:
    """Return the path of every field that the description does not name."""
    if isinstance(value, list):
        return [fault for each in value for fault in _unknown(shape.get("items", {}), each, f"{path}[]")]
    if not isinstance(value, dict):
        return []
    known = shape.get("properties", {})
    lacking = [f"{path}.{name}" for name in value if name not in known]
    inner = [_unknown(known[name], each, f"{path}.{name}") for name, each in value.items() if name in known]
    return [*lacking, *(fault for each in inner for fault in each)]


def faults(message: OutboxMessage) -> list[str]:
    """Return where a message that goes as it is differs from its description."""
    reader = sealing.Reader(actor="system:tests", verb="read", purpose="test", streams=(message.case.uid,))
    body = json.loads(outbox.open_body(message, reader=reader, at=FILED_AT) or b"null")
    if body is None:
        return []
    validator = _validators()[message.kind]
    found = [f"{message.kind} {each.json_path}: {each.message[:120]}" for each in validator.iter_errors(body)]
    return found + [f"{message.kind} {path}" for path in _unknown(validator.schema["properties"]["data"], body["data"])]
