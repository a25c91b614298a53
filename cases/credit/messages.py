"""What agencies are asked about an applicant: who they are, where they live, and for what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.kernel import releases

__all__ = ["ALL", "ALERT_SEARCH", "BY_AGENCY", "CRA_SEARCH", "FPA_SEARCH", "IDENTITIES", "INDICATORS", "MATCHES"]

_NAMES = ("title", "forename", "middle_name", "surname", "date_of_birth", "phone", "email")
_PLACE = ("line_1", "line_2", "town", "postcode", "country")
_CATEGORY = {"date_of_birth": "date_of_birth", "phone": "contact", "email": "contact"}
_ABOUT = dict.fromkeys(("search_type", "search_key", "purpose", "product", "notice_version"), "application")
_WHO = {
    **{f"people.{name}": _CATEGORY.get(name, "identity") for name in ("role", *_NAMES)},
    **{f"people.addresses.{name}": "address" for name in ("kind", *_PLACE)},
}
_NEED = "The agency can answer only about the person whom it is asked about."


# What a decision needs of an answer; of anything else it says nothing is kept. searches.py reads it.
INDICATORS = ("notice_of_correction", "applications_differ", "insolvent", "associate_adverse")
IDENTITIES, MATCHES = ("pass", "refer", "fail"), ("none", "adverse", "protective")


def _reply(properties: Mapping[str, Any], *needed: str) -> dict[str, Any]:
    footprint = {"type": "string", "description": "Your reference of this search. The first 80 characters are kept."}
    return {"type": "object", "required": needed, "properties": {"footprint": footprint, **properties}}


def _kind(
    code: str,
    label: str,
    recipient: str,
    categories: Mapping[str, str],
    *,
    reply: Mapping[str, Any],
    replies: Mapping[str, Mapping[str, Any]],
) -> releases.MessageKind:
    return releases.MessageKind(
        code=code,
        label=label,
        recipient_kind=recipient,
        purpose="check_applicants",
        necessity=_NEED,
        subjects="people",
        categories=categories,
        lists=frozenset({"people", "people.addresses", "addresses"}),
        reply=reply,
        replies=replies,
    )


CRA_SEARCH = _kind(
    "cra_search",
    "Search at a credit reference agency",
    "cra",
    {**_ABOUT, **_WHO},
    reply=_reply(
        {
            "identity": {
                "type": "string",
                "enum": [*IDENTITIES],
                "description": "Needed where search_type is identity.",
            },
            "score": {"type": "integer", "description": "Needed for every other search_type, with indicators."},
            "indicators": {
                "type": "array",
                "items": {"type": "string"},
                "description": f"What stands in the file; read are {', '.join(INDICATORS)}. Empty where none does.",
            },
        }
    ),
    replies={
        "Credit": {"footprint": "FP-2026-0007001", "score": 640, "indicators": ["notice_of_correction"]},
        "Identity": {"footprint": "FP-2026-0007002", "identity": "pass"},
    },
)
FPA_SEARCH = _kind(
    "fpa_search",
    "Search at a fraud prevention agency",
    "fpa",
    {**_ABOUT, **_WHO},
    reply=_reply({"match": {"type": "string", "enum": [*MATCHES]}}, "match"),
    replies={"NoMatch": {"footprint": "FP-2026-0007003", "match": "none"}},
)
ALERT_SEARCH = _kind(
    "alert_search",
    "Question whether an address stands in the retailers' alert",
    "fraud_alert",
    {**dict.fromkeys(("search_type", "search_key"), "application"), "addresses.line_1": "address"}
    | {"addresses.postcode": "address"},
    reply=_reply({"hit": {"type": "boolean"}}, "hit"),
    replies={"NoHit": {"footprint": "FP-2026-0007004", "hit": False}},
)
ALL = (CRA_SEARCH, FPA_SEARCH, ALERT_SEARCH)
releases.declare(*ALL)
BY_AGENCY = {kind.recipient_kind: kind for kind in ALL}
