"""The description of the API (OpenAPI 3.1) that agencies and own systems read: bodies, headers, every answer."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view

from cases.agencies import accounts, application, questions
from cases.agencies.callback_body import LARGEST_SEQUENCE, REFERENCE, TYPE
from cases.agencies.signatures import MESSAGE_ID, MOST_SIGNATURES
from cases.api.problems import MEDIA_TYPE, TITLES, document
from cases.kernel import casetypes

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Why the bytes could not be read, or why a partner is refused."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer of the field."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
CALLBACK = {
    "type": "object",
    "additionalProperties": False,
    "required": ["schema_version", "type", "occurred_at"],
    "properties": {
        "schema_version": {"type": "integer", "enum": [1]},
        "type": {"type": "string", "pattern": f"^{TYPE.pattern}$"},
        "occurred_at": {"type": "string", "format": "date-time"},
        "reference": {
            "type": "string",
            "pattern": f"^{REFERENCE.pattern}$",
            "description": "The webhook-id of the message this answers.",
        },
        "agency_reference": {"type": "string", "pattern": f"^{REFERENCE.pattern}$"},
        "agency_sequence": {"type": "integer", "minimum": 0, "maximum": LARGEST_SEQUENCE},
        "data": {"type": "object"},
    },
}
RECEIPT = {
    "type": "object",
    "required": ["id", "status"],
    "properties": {"id": {"type": "string", "format": "uuid"}, "status": {"type": "string", "enum": ["accepted"]}},
}
OPENED = {
    "type": "object",
    "required": ["id", "reference", "state"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "reference": {"type": "string"},
        "state": {"type": "string"},
    },
}
CALLBACK_EXAMPLE = {
    "schema_version": 1,
    "type": "fpa.filed",
    "reference": "2f1f3b0e-5f0c-4f0e-9f57-6f1f0a3f7c11",
    "agency_reference": "SFR-2026-0004417",
    "agency_sequence": 3,
    "occurred_at": "2026-11-16T10:12:00Z",
    "data": {},
}
RECEIPT_EXAMPLE = {"id": "8d3c9a52-0c39-4a1b-8a63-2c1f0a7b9c55", "status": "accepted"}
OPENED_EXAMPLE = {
    "id": "8d3c9a52-0c39-4a1b-8a63-2c1f0a7b9c55",
    "reference": "FRD-2026-000214",
    "state": "referred",
}
ERROR_EXAMPLES = {
    400: document(400, code="duplicate_key"),
    422: document(422, errors=[("/occurred_at", "missing", "occurred_at is needed.")]),
}
SIGNED_HEADERS = [
    OpenApiParameter(
        "webhook-id",
        {"type": "string", "pattern": f"^{MESSAGE_ID.pattern}$"},
        OpenApiParameter.HEADER,
        required=True,
        description="Your id of this call, never used for another: letters, digits, hyphen and underscore alone.",
    ),
    OpenApiParameter(
        "webhook-timestamp", int, OpenApiParameter.HEADER, required=True, description="Unix time; 300 s either way."
    ),
    OpenApiParameter(
        "webhook-signature",
        str,
        OpenApiParameter.HEADER,
        required=True,
        description="v1,<base64 of HMAC-SHA256 over id.timestamp.body>; several, parted by spaces, while keys change. "
        f"At most {MOST_SIGNATURES}.",
    ),
]
SENDER_HEADERS = [
    OpenApiParameter(
        "webhook-sender", str, OpenApiParameter.HEADER, required=True, description="The code of your system."
    ),
    OpenApiParameter(
        "idempotency-key", str, OpenApiParameter.HEADER, description="If sent, it must equal the webhook-id."
    ),
]
REPLAYED = OpenApiParameter(
    "Idempotent-Replayed", str, OpenApiParameter.HEADER, response=[200, 201, 202], description="true on a repeat."
)
RETRY_AFTER = OpenApiParameter(
    "Retry-After", int, OpenApiParameter.HEADER, response=[429], description="Seconds to wait."
)


class SignatureScheme(OpenApiAuthenticationExtension):
    """How the signature stands in the description."""

    target_class = "cases.api.authentication.SignedCall"
    name = "signature"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "webhook-signature",
            "description": "Standard Webhooks, version v1, with the whsec_ secret of your channel.",
        }


def problems_of(*statuses: int) -> dict[Any, OpenApiResponse]:
    return {
        (status, MEDIA_TYPE): OpenApiResponse(
            PROBLEM,
            description=TITLES[status],
            examples=[
                OpenApiExample(
                    f"Problem {status}",
                    value=ERROR_EXAMPLES.get(status, document(status)),
                    media_type=MEDIA_TYPE,
                    response_only=True,
                    status_codes=[str(status)],
                )
            ],
        )
        for status in statuses
    }


def good(status: int, schema: dict[str, Any], example: dict[str, Any], description: str) -> dict[Any, OpenApiResponse]:
    shown = OpenApiExample(
        description, value=example, media_type="application/json", response_only=True, status_codes=[str(status)]
    )
    return {(status, "application/json"): OpenApiResponse(schema, description=description, examples=[shown])}


def asked(name: str, example: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, value=example, request_only=True, media_type="application/json")


CALLBACK_SCHEMA = extend_schema_view(
    post=extend_schema(
        operation_id="agency_callback",
        summary="Tell us something as an agency",
        description=(
            "Stored first, answered at once, applied afterwards. The answer is the same for a repeat, an unknown "
            "reference and a closed case. At most 64 KiB. What was refused with 400 or 422 is kept for a person under "
            "its id: send the corrected body under another."
        ),
        tags=["Agencies"],
        parameters=[
            OpenApiParameter("code", OpenApiTypes.STR, OpenApiParameter.PATH, description="Your code."),
            *SIGNED_HEADERS,
            REPLAYED,
            RETRY_AFTER,
        ],
        request={"application/json": CALLBACK},
        responses={
            **good(202, RECEIPT, RECEIPT_EXAMPLE, "Stored."),
            **problems_of(400, 401, 411, 413, 415, 422, 429),
        },
        examples=[asked("A filing was accepted", CALLBACK_EXAMPLE)],
    )
)
INTAKE_SCHEMA = extend_schema_view(
    post=extend_schema(
        operation_id="intake",
        summary="Open a case as an own system",
        description=(
            "Each kind of case has its own last part of the address and its own body. At most 256 KiB. Of what is "
            "refused nothing is kept: the corrected body may have the same id."
        ),
        tags=["Own systems"],
        parameters=[
            OpenApiParameter("path", OpenApiTypes.STR, OpenApiParameter.PATH, description="The kind of case."),
            *SENDER_HEADERS,
            *SIGNED_HEADERS,
            REPLAYED,
            RETRY_AFTER,
        ],
        request={"application/json": {"type": "object"}},
        responses={
            **good(201, OPENED, OPENED_EXAMPLE, "Opened."),
            **problems_of(400, 401, 403, 404, 411, 413, 415, 422, 429),
        },
    )
)


TAKEN_IN = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "added", "changed", "unchanged"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        **{name: {"type": "integer", "minimum": 0} for name in ("added", "changed", "unchanged")},
    },
}
TAKEN_IN_EXAMPLE = {"id": "8d3c9a52-0c39-4a1b-8a63-2c1f0a7b9c55", "added": 1, "changed": 0, "unchanged": 0}
ACCOUNTS_SCHEMA = extend_schema_view(
    post=extend_schema(
        operation_id="accounts_intake",
        summary="Tell us of customer accounts",
        description=(
            "For billing. Each row says all there is of one account as of a day; the same row again changes nothing. "
            f"All rows go in, or none with every fault. At most {accounts.MOST} rows and 256 KiB."
        ),
        tags=["Own systems"],
        parameters=[*SENDER_HEADERS, *SIGNED_HEADERS, REPLAYED, RETRY_AFTER],
        request={"application/json": accounts.SCHEMA},
        responses={
            **good(200, TAKEN_IN, TAKEN_IN_EXAMPLE, "Taken in."),
            **problems_of(400, 401, 403, 411, 413, 415, 422, 429),
        },
        examples=[asked("An account in arrears", accounts.EXAMPLE)],
    )
)
HOLD_ANSWER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["policy_hold"],
    "properties": {"policy_hold": {"type": "boolean"}},
}
HOLD_SCHEMA = extend_schema_view(
    post=extend_schema(
        operation_id="policy_hold",
        summary="Ask whether a hold stops an act on an account",
        description=(
            "For billing, before money leaves. The answer is yes or no and never says why; ask again before every "
            "payout, since a hold may begin or end at any time. At most 4 KiB."
        ),
        tags=["Own systems"],
        parameters=[SENDER_HEADERS[0], *SIGNED_HEADERS, RETRY_AFTER],
        request={"application/json": questions.SCHEMA},
        responses={
            **good(200, HOLD_ANSWER, {"policy_hold": False}, "Answered."),
            **problems_of(400, 401, 403, 411, 413, 415, 422, 429),
        },
        examples=[asked("May this account be paid out?", questions.EXAMPLE)],
    )
)


def describe_callbacks(result: dict[str, Any]) -> dict[str, Any]:
    """Name every type of callback the families understand, with what it means and an example. No call lacks a body."""
    for methods in result["paths"].values():
        methods["post"]["requestBody"]["required"] = True
    body = result["paths"]["/api/v1/agencies/{code}/callbacks/"]["post"]["requestBody"]
    content = body["content"]["application/json"]
    meanings = _callback_meanings()
    data = {code: shown for each in casetypes.all_types() for code, shown in each.callback_data.items()}
    for code, meaning in meanings.items():
        value = {**CALLBACK_EXAMPLE, "type": code, "data": dict(data.get(code, {}))}
        content["examples"][code] = {"summary": meaning, "value": value}
    listed = "; ".join(f"{code}: {meaning}" for code, meaning in meanings.items())
    shape = content["schema"]["properties"]["type"]
    content["schema"]["properties"]["type"] = {**shape, "description": listed}
    content["schema"]["oneOf"] = [_callback_form(code, meaning) for code, meaning in meanings.items()]
    return result


def _callback_form(code: str, meaning: str) -> dict[str, Any]:
    """Return what a type needs besides: the form of its data, by the very schema that it has to fit to be applied."""
    known = [dict(each.callback_shapes[code]) for each in casetypes.all_types() if code in each.callback_shapes]
    form = known[0] if len(known) == 1 else {"anyOf": known} if known else {}
    needs = ["type", "data"] if any(each["required"] for each in known) else ["type"]
    said = {"type": {"const": code}, **({"data": form} if form else {})}
    return {"title": code, "description": meaning, "required": needs, "properties": said}


def _callback_meanings() -> dict[str, str]:
    """Return each type's meaning: the first line of the function that gives it one, without what is raised to us."""
    known = {code: act for each in casetypes.all_types() for code, act in each.callbacks.items()}
    known[application.RECEIPT] = application.received
    return {code: _first_line(act).partition(" Raises ")[0] for code, act in sorted(known.items())}


def _first_line(act: Any) -> str:
    return (act.__doc__ or "").strip().split("\n")[0]


def describe_intakes(result: dict[str, Any]) -> dict[str, Any]:
    """Replace the generic intake address by one for each kind of case that can be opened from outside."""
    generic = result["paths"].pop("/api/v1/intake/{path}/", None)
    for casetype in casetypes.all_types() if generic else ():
        plan = casetype.intake
        if plan is not None:
            post = generic["post"]
            result["paths"][f"/api/v1/intake/{plan.path}/"] = {"post": {**post, **_intake_of(casetype, plan, post)}}
    return result


def _answers_of(casetype: casetypes.CaseType, answers: dict[str, Any]) -> dict[str, Any]:
    """Return the answers to a request; of a restricted kind no reference is given out."""
    if casetype.intake and casetype.intake.answers:
        own = {
            status: {
                "description": said["description"],
                "content": {
                    "application/json": {
                        "schema": said["schema"],
                        "examples": {"Example": {"value": said["example"]}},
                    }
                },
            }
            for status, said in casetype.intake.answers.items()
        }
        return {**own, **{status: each for status, each in answers.items() if status != "201"}}
    if not casetype.is_restricted:
        return answers
    example = {"id": OPENED_EXAMPLE["id"], "status": "accepted"}
    shape = {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "status"],
        "properties": {"id": {"type": "string", "format": "uuid"}, "status": {"type": "string", "enum": ["accepted"]}},
    }
    content = {"application/json": {"schema": shape, "examples": {"Accepted": {"value": example}}}}
    others = {status: each for status, each in answers.items() if status != "201"}
    return {"202": {"description": "Accepted.", "content": content}, **others}


def _intake_of(casetype: casetypes.CaseType, plan: casetypes.Intake, post: dict[str, Any]) -> dict[str, Any]:
    senders = ", ".join(
        (*sorted(plan.senders), *(f"agencies of the kind {each}" for each in sorted(plan.sender_kinds)))
    )
    return {
        "operationId": f"open_{casetype.code}",
        "summary": f"Open a case: {casetype.label.lower()}",
        "description": f"{casetype.summary} Senders: {senders}. {post['description'].partition('own body. ')[2]}",
        "parameters": [each for each in post["parameters"] if each["name"] != "path"],
        "responses": _answers_of(casetype, post["responses"]),
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": dict(plan.schema()),
                    "examples": {"Example": {"summary": "Example", "value": dict(plan.example)}},
                }
            },
        },
    }
