"""The description of what we send to agencies, for the same document: they build the other side of it.

One entry for each kind of message the families declare: its fields with their data categories, and an example.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cases.api.problems import MEDIA_TYPE
from cases.api.schema import SIGNED_HEADERS
from cases.kernel import notice, releases
from cases.kernel.exchange import chase, datashapes, files
from cases.kernel.releases import MessageKind

REFERENCE = "2f1f3b0e-5f0c-4f0e-9f57-6f1f0a3f7c11"
ENVELOPE: dict[str, Any] = {
    "schema_version": {"type": "integer", "enum": [1]},
    "type": {"type": "string"},
    "reference": {"type": "string", "format": "uuid", "description": "Equal to webhook-id; name it in callbacks."},
    "sequence": {
        "type": "integer",
        "description": "Counts up within one matter. The number of a message that was taken back never comes.",
    },
    "occurred_at": {"type": "string", "format": "date-time"},
    "nonce": {"type": "string", "description": "Random, so that a hash of the body tells nothing."},
}
EXAMPLE = {
    "schema_version": 1,
    "reference": REFERENCE,
    "sequence": 1,
    "occurred_at": "2026-11-16T09:30:00.000Z",
    "nonce": "yk2m4H0nQ1n6mP3m5c1w8A",
}
# What a field of this name looks like, whoever sends it: the type of a value is that of its sample. Invented people and
# numbers reserved for drama.
SAMPLES: dict[str, Any] = {
    **dict.fromkeys(("number", "pages", "hop", "subjects"), 1),
    **dict.fromkeys(("innocent", "facility_granted", "police_share", "is_open"), True),
    "people": 41,
    "radius_m": 18,
    "rows": 24,
    "loss_pence": 0,
    "reason": "error",
    "change": "amended",
    "grounds": "not_me",
    "their_reference": "E-2026-0007",
    "filing_reference": "SFR-2026-0004417",
    "message": REFERENCE,
    "replaced_by": "0d0c3a2e-54a1-4c5e-9a64-8a4f9a1d2c77",
    "urn": "SBX/2026/118803",
    "register_reference": "BSS-2026-0093157",
    "account": "8001234502",
    "call_id": "TRC-2026-000002/1",
    "to": "+441632960111",
    "content_base64": "JVBERi0xLjcK",
    "bank_account": "000000 12345678",
    "incident_key": "4f" * 32,
    "search_key": "ORD-2026-118201:credit_hard",
    "search_type": "credit_hard",
    "piece": 1,
    "pieces": 2,
    "product": "handset_loan",
    "role": "account_holder",
    "reasons": "unauth_sim_swap",
    "forename": "Morwenna",
    "surname": "Tregaskis",
    "name": "Morwenna Tregaskis",
    "date_of_birth": "1984-03-09",
    "phone": "+447700900123",
    "email": "m.tregaskis@example.org",
    "ip_address": "203.0.113.45",
    "line_1": "12 Harbour Row",
    "town": "Penzance",
    "postcode": "TR18 0ZZ",
    "language": "en-GB",
    "title": "Ms",
    "middle_name": "Elowen",
    "line_2": "Flat 2",
    "country": "GB",
    "uprn": "10008315273",
    "since": "2021-04-01",
    "until": "2026-10-31",
    "alias": "Morwenna Quillfeather",
    "employer": "Fictional Fisheries",
    "device": "356938035643809",
    "identity_document": "passport 925665416",
    "vehicle_registration": "ZZ99 ZZZ",
    "names": "Morwenna Tregaskis",
    "joint_name": "Idris Tregaskis",
    "account_reference": "8001234502",
    "account_type": "telecom_mobile",
    "accounts": "8001234502",
    "address": "12 Harbour Row, Penzance TR18 0ZZ",
    "subscriber": "Morwenna Tregaskis",
    "caller": "+447700900123",
    "phone_number": "+447700900123",
    "from": "withheld",
    "kind": "current",
    "class": "first",
    "channel": "all",
    "purpose": "own_marketing",
    "batches": "AUTUMN-2026-17",
    "reference": "PLC-2026-000214",
    "line": "3f9c2a7e6b1d4c08a5e2f7d91b6c4a30",
    "agreement": "recorded_call",
    "basis": "joint_account",
    "side": "declarer",
    "link_reference": "FA-2026-0093157",
    "about": REFERENCE,
    "about_type": "fpa_file",
    "answer": "accurate",
    "ticket": "T-2026-0001",
    "field": "status",
    "old": "3",
    "new": "8",
    "flags": "default_satisfied",
    "status": "3",
    "period": "monthly",
    "case_type": "identity_fraud",
    "sales_channel": "web",
    "event_type": "customer_equipment",
    "attack": "malware",
    "code": "fraud",
    "what_happened": "A handset was ordered after the line was moved to another SIM.",
    "narrative": "A refund was asked for to the account of somebody who is no customer.",
    "glossary_codes": "account_takeover",
    "police_contact": "UNKNOWN",
    "police_reference": "SBX-NC-4",
    "transactions": "12 October 2026: \u00a3412.00 refunded to 00-00-00 12345678.",
    "authority": "sandbox-constabulary",
    "fault": "excess_data",
    "cause": "lookup",
    "how": "The extract had a column that nobody had asked for.",
    "collateral": "The sheet names nobody else.",
    "prevention": "Each column of an extract is compared with the request.",
    "nature": "disclosed",
    "consequences": "Unwanted post, and doorstep callers who know the name.",
    "measures": "The run was stopped; every letter of it is asked back.",
    "reasons_for_delay": "The post house told us on the third day.",
    "item": "subscriber_name",
    "items": "subscriber_name",
    "nothing_held": "payment_method",
    "refused": "sms_text",
    "subject": "all",
    "time_basis": "UTC",
    "media_type": "text/plain",
    "encoding": "text",
    "content": "Morwenna Tregaskis",
    "question": "The request gives no offset. Is the period in UTC?",
    "route": "single_point_of_contact",
    "incident": "SBX-0242",
    "position": "50.3720, -4.1420",
    "cell": "234-15-1203-44871",
    "confidence": 67,
    "location_source": "aml",
    "please": "destroy_and_confirm",
    "indicator": "sim_swap",
    "notice_version": "2026-02",
    "outcome": "found",
    "trace": "TRC-2026-000002",
    "time": "14 calls from a withheld number over three days, all after 22:00 GMT.",
    "calls": "31 calls in one week, each of one ring.",
    "provider": "Sandbox Transit",
    "result": "The calls came from +441632960222.",
    "district": "TR18",
    "jurisdiction": "eaw",
    "owed_band": "200-300",
    "fees_band": "0-50",
    "holders": "1",
    **dict.fromkeys(("has_birth", "has_phone", "has_email"), "yes"),
    "was_placed": "no",
    "statement_months": "2026-02 2026-03 2026-04",
    "passed_on_by": "2026-11-21",
}
# Where a message means something else by a name than the others.
OF_A_KIND: dict[tuple[str, str], Any] = {
    ("assignment", "accounts"): 2,
    ("assignment", "reference"): "SAL-2026-000003",
    ("cra_correct", "reason"): "default",
    ("cra_search", "purpose"): "credit_risk",
    ("emerg_destroy", "items"): "what_was_named_by_telephone",
    ("ipc_error", "fault"): "More than was asked for",
    ("fiu_sar", "reason"): "defence_money_laundering",
    ("final_tape", "reference"): "SAL-2026-000003/1",
    ("sold_account_paid", "reference"): "SAL-2026-000003/1",
    ("sold_account_default", "reference"): "SAL-2026-000003/1",
    ("sold_account_default", "reason"): "satisfied",
    ("fpa_answer", "about"): "enquiry",
    ("fpa_answer", "answer"): "stands",
    ("fpa_remove", "reason"): "new_evidence",
    ("fpa_search", "purpose"): "prevent_fraud",
    ("fpa_search", "search_type"): "fraud_prevention",
    ("fpa_search", "search_key"): "ORD-2026-118201:fraud_prevention",
    ("alert_search", "search_type"): "retail_alert",
    ("alert_search", "search_key"): "ORD-2026-118201:retail_alert",
    ("le_refuse", "reason"): "no_gateway",
    ("rights_stop", "kind"): "phone",
}
# What a value is by how its name ends, where no sample says it: its form and a sample.
_ENDS: tuple[tuple[str, dict[str, Any], Any], ...] = (
    ("_pence", {"type": "integer"}, 109900),
    ("sha256", {"type": "string", "pattern": "^[0-9a-f]{64}$"}, "9f" * 32),
    ("date_of_birth", {"type": "string", "format": "date"}, "1984-03-09"),
    ("date", {"type": "string", "format": "date"}, "2026-11-14"),
    ("_month", {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}, "2026-03"),
    ("_at", {"type": "string", "format": "date-time"}, "2026-11-16T09:30:00Z"),
)
FIELD_ERRORS = {
    "type": "about:blank",
    "title": "Fields to correct.",
    "status": 422,
    "errors": [{"pointer": "/subjects/1/date_of_birth", "code": "SUBJECT_2_MISSING_DOB_FORMAT"}],
}
ANSWER = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": datashapes.ERRORS,
    },
}
COURSE = (
    "Answer within 15 seconds. A repeat carries the same webhook-id and must have no second effect. Messages about one "
    "matter come in order: the next waits for an answer to the one before, but for a removal and for what is urgent, "
    "which wait for nothing. After 401, 403, 408, 425, 429, 5xx or silence we try again after 5 s, "
    "5 min, 30 min, 2, 5, 10, 14, 20 and 24 h, each a fifth sooner or later; a Retry-After is kept, up to a day. Then "
    "a person looks at it, and at any other answer at once. After three 401 or 403 in a row, or a redirect or 410, "
    "sending to you stops until a person resumes it."
)


def describe_messages(result: dict[str, Any]) -> dict[str, Any]:
    """Add every kind of message we send to an agency, and how its answers are taken."""
    kinds = [*(kind for kind in releases.KINDS.values() if not kind.is_reply), chase.CHASER]
    result["webhooks"] = {kind.code: {"post": _operation(kind)} for kind in sorted(kinds, key=lambda kind: kind.code)}
    return result


def _operation(kind: MessageKind) -> dict[str, Any]:
    to = f"To agencies of the kind {kind.recipient_kind}. " if kind.recipient_kind else "To whoever was told before. "
    is_file = files.kind_of(kind.code)
    to += f"It goes as a file of rows, of the kind {kind.code}: each has these columns, as text. " if is_file else ""
    owed = f"We expect your answer within {_days(kind)} ({kind.answer_source}), or as agreed since."
    none = "Your answer is the data of your reply." if kind.reply else "No answer is owed."
    shape, example = _described(kind)
    properties = {**ENVELOPE, "type": {"type": "string", "enum": [kind.code]}, "data": shape}
    return {
        "operationId": f"message_{kind.code}",
        "summary": f"We send: {kind.label}",
        "description": f"{to}{kind.necessity} {owed if kind.answer_days else none} {COURSE}",
        "tags": ["What we send"],
        "parameters": _headers(),
        "requestBody": {
            "required": True,
            "content": _content(
                "application/json",
                {"type": "object", "required": [*EXAMPLE, "type", "data"], "properties": properties},
                {**EXAMPLE, "type": kind.code, "data": example},
            ),
        },
        "responses": _responses(kind),
    }


def _headers() -> list[dict[str, Any]]:
    words = ("The same at every try.", "Unix time of this try.", "v1 signatures, one for each of our live secrets.")
    named = [(each.name, text) for each, text in zip(SIGNED_HEADERS, words, strict=True)]
    return [
        {"in": "header", "name": name, "required": True, "schema": {"type": "string"}, "description": text}
        for name, text in [*named, ("idempotency-key", "Equal to webhook-id.")]
    ]


def _days(kind: MessageKind) -> str:
    return f"{kind.answer_days} working day{'' if kind.answer_days == 1 else 's'}"


def _replies(kind: MessageKind) -> dict[str, Any]:
    """Return the answer that carries what is asked, of a kind that asks."""
    if not kind.reply:
        return {}
    shape = {"type": "object", "required": ["data"], "properties": {"data": dict(kind.reply)}}
    examples = {name: {"value": {"data": dict(said)}} for name, said in kind.replies.items()}
    words = (
        "What we asked, as JSON of at most 64 KiB. Without this data it counts as no answer, and is not asked again."
    )
    return {"200": {"description": words, "content": {"application/json": {"schema": shape, "examples": examples}}}}


def _responses(kind: MessageKind) -> dict[str, Any]:
    return {
        **_replies(kind),
        "202": {"description": "Taken. Any 2xx says so."},
        "410": {"description": "You are gone: nothing more is sent until a person says so."},
        "422": {
            "description": "Fields to correct (400 and 409 likewise), as application/problem+json with errors; "
            "pointers lead into data. In any other form it is no such answer, and a person looks at it.",
            "content": _content(MEDIA_TYPE, ANSWER, FIELD_ERRORS),
        },
        "429": {"description": "Later. So are 408, 425, 5xx and no answer; Retry-After is kept, up to a day."},
        "4XX": {"description": "Anything else: a person looks at it; it is not sent again by itself."},
    }


def _described(kind: MessageKind) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return schema and example of a kind's data, put together from its dotted paths."""
    tree: dict[str, Any] = {}
    for path, category in kind.categories.items():
        here = tree
        *above, last = path.split(".")
        for name in above:
            here = here.setdefault(name, {})
        here[last] = category
    return _object(tree, "", kind)


def _object(tree: Mapping[str, Any], prefix: str, kind: MessageKind) -> tuple[dict[str, Any], dict[str, Any]]:
    properties: dict[str, Any] = {}
    example: dict[str, Any] = {}
    for name, inner in tree.items():
        path = f"{prefix}{name}"
        is_group = isinstance(inner, dict)
        shape, sample = _object(inner, f"{path}.", kind) if is_group else _leaf(name, inner, kind, path)
        is_list = path in kind.lists
        properties[name] = {"type": "array", "items": shape} if is_list else shape
        example[name] = [sample] if is_list else sample
    return {"type": "object", "properties": properties}, example


def _leaf(name: str, category: str, kind: MessageKind, path: str) -> tuple[dict[str, Any], Any]:
    known = notice.CATEGORIES.get(category)
    words = f"Data category: {known.label}." if known else "No personal data."
    form, sample = _form(name, OF_A_KIND.get((kind.code, name)))
    if files.kind_of(kind.code):  # a column of a file is text
        form, sample = {"type": "string"}, str(sample)
    elif path in kind.unknown:  # then null, an empty text or a word says that there is none
        form = {"type": [form["type"], "null"]}
        words += " It may be missing: then it is null, empty or UNKNOWN."
    return {**form, "description": words, "x-data-category": category}, sample


def _form(name: str, sample: Any = None) -> tuple[dict[str, Any], Any]:
    """Return form and sample of a value by its name: the sample of the kind, if there is one, or of all."""
    for end, form, usual in _ENDS:
        if name.endswith(end):
            return form, SAMPLES.get(name, usual)
    found = SAMPLES[_plainly(name)] if sample is None else sample
    of_type = "boolean" if isinstance(found, bool) else "integer" if isinstance(found, int) else "string"
    return {"type": of_type}, found


def _plainly(name: str) -> str:
    """Return the name of a column that stands once for each holder as that of one."""
    return re.sub(r"^holder_\d_", "", name)


def _content(media_type: str, schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {media_type: {"schema": schema, "examples": {"Example": {"value": example}}}}
