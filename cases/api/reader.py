"""The API's description as a file and as a page of our own: nothing is loaded from elsewhere, no script runs."""

from __future__ import annotations

import functools
import json
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny

from cases.api.outgoing import describe_messages
from cases.api.schema import describe_callbacks, describe_intakes
from cases.kernel.office import codelists


class Generator(SchemaGenerator):
    """Adds one address for each kind of case that can be opened from outside, and what we send ourselves."""

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        described = describe_intakes(super().get_schema(request=request, public=public))
        return describe_messages(describe_callbacks(described))


class SchemaView(SpectacularAPIView):
    """The OpenAPI document; anybody who integrates may read it."""

    generator_class = Generator
    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        """Describe the codes as they stand now."""
        codelists.refresh()
        super().initial(request, *args, **kwargs)


@login_not_required
@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """The same document as a page."""
    codelists.refresh()
    return render(request, "cases/api/docs.html", {"page": _page(codelists.state())})


@functools.lru_cache(maxsize=1)
def _page(_codes: tuple[int, str]) -> dict[str, Any]:
    """Return what the page shows. While a process runs the description changes with the code lists alone."""
    schema = Generator().get_schema(request=None, public=True)
    return {
        "title": schema["info"]["title"],
        "version": schema["info"]["version"],
        "operations": [
            _operation(path, method, operation)
            for path, methods in (*sorted(schema["paths"].items()), *_sent(schema))
            for method, operation in methods.items()
        ],
    }


def _sent(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [("(your address)", methods) for methods in schema["webhooks"].values()]


def _operation(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    parameters = operation.get("parameters", [])
    return {
        "anchor": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "headers": [each for each in parameters if each["in"] == "header"],
        "fields": _fields(body.get("schema", {})),
        "examples": _examples(body),
        "answers": [_answer(status, answer) for status, answer in sorted(operation["responses"].items())],
    }


def _fields(schema: dict[str, Any], prefix: str = "") -> list[dict[str, Any]]:
    """Return one line for each field, inner ones named by their path."""
    lines: list[dict[str, Any]] = []
    required = schema.get("required", [])
    for name, each in schema.get("properties", {}).items():
        path = f"{prefix}/{name}"
        lines.append(
            {
                "path": path,
                "type": _type(each),
                "is_required": name in required,
                "values": ", ".join(str(value) for value in each.get("enum", [])),
                "description": each.get("description", ""),
            }
        )
        lines += _fields(each, path) if "properties" in each else []
        lines += _fields(each["items"], f"{path}/0") if "properties" in each.get("items", {}) else []
    return lines + [line for each in schema.get("oneOf", []) for line in _of_type(each)]


def _of_type(branch: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the lines of what one type needs besides, each said to be of that type."""
    data = branch["properties"].get("data", {})
    lines = [line for each in data.get("anyOf", [data]) for line in _fields(each, "/data")]
    return [{**line, "description": f"Of {branch['title']}. {line['description']}"} for line in lines]


def _type(shape: dict[str, Any]) -> str:
    said = shape.get("format") or shape.get("type", "")
    return said if isinstance(said, str) else " or ".join(said)


def _examples(content: dict[str, Any]) -> list[str]:
    return [json.dumps(each["value"], indent=2, ensure_ascii=False) for each in content.get("examples", {}).values()]


def _answer(status: str, answer: dict[str, Any]) -> dict[str, Any]:
    contents = answer.get("content", {})
    return {
        "status": status,
        "description": answer.get("description", ""),
        "headers": answer.get("headers", {}),
        "media_types": ", ".join(contents),
        "examples": [example for content in contents.values() for example in _examples(content)],
    }
