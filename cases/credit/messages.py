"""What agencies are asked about an applicant: who they are, where they live, and for what."""

from __future__ import annotations

from collections.abc import Mapping

from cases.kernel import releases

__all__ = ["ALL", "ALERT_SEARCH", "BY_AGENCY", "CRA_SEARCH", "FPA_SEARCH"]

_NAMES = ("title", "forename", "middle_name", "surname", "date_of_birth", "phone", "email")
_PLACE = ("line_1", "line_2", "town", "postcode", "country")
_CATEGORY = {"date_of_birth": "date_of_birth", "phone": "contact", "email": "contact"}
_ABOUT = dict.fromkeys(("search_type", "search_key", "purpose", "product", "notice_version"), "application")
_WHO = {
    **{f"people.{name}": _CATEGORY.get(name, "identity") for name in ("role", *_NAMES)},
    **{f"people.addresses.{name}": "address" for name in ("kind", *_PLACE)},
}
_NEED = "The agency can answer only about the person whom it is asked about."


def _kind(code: str, label: str, recipient: str, categories: Mapping[str, str]) -> releases.MessageKind:
    return releases.MessageKind(
        code=code,
        label=label,
        recipient_kind=recipient,
        purpose="check_applicants",
        necessity=_NEED,
        subjects="people",
        categories=categories,
        lists=frozenset({"people", "people.addresses", "addresses"}),
    )


CRA_SEARCH = _kind("cra_search", "Search at a credit reference agency", "cra", {**_ABOUT, **_WHO})
FPA_SEARCH = _kind("fpa_search", "Search at a fraud prevention agency", "fpa", {**_ABOUT, **_WHO})
ALERT_SEARCH = _kind(
    "alert_search",
    "Question whether an address stands in the retailers' alert",
    "fraud_alert",
    {**dict.fromkeys(("search_type", "search_key"), "application"), "addresses.line_1": "address"}
    | {"addresses.postcode": "address"},
)
ALL = (CRA_SEARCH, FPA_SEARCH, ALERT_SEARCH)
releases.declare(*ALL)
BY_AGENCY = {kind.recipient_kind: kind for kind in ALL}
