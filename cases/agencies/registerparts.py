"""What the changes of the register share: who makes and who agrees to them, their lines, and how an address carries."""

from __future__ import annotations

from typing import Any

from cases.agencies.addresses import AddressRefused, check_form, scheme_of
from cases.agencies.registerforms import NOWHERE, agency_of
from cases.kernel.exchange import agencies
from cases.kernel.models import Channel, Proposal
from cases.kernel.office.kinds import Kind, Line, Payload
from cases.kernel.policy import DIRECTORY

__all__ = [
    "KEEPERS",
    "MOST_KEYS",
    "address_faults",
    "change",
    "lines",
    "out",
    "outs",
    "subject",
    "text",
    "way",
]

_CHECKERS = frozenset({"disclosure_approver"})
KEEPERS = frozenset({"system_administrator"})
MOST_KEYS = 2
FILE_SECONDS = 50


def subject(payload: Payload) -> str:
    """Return what a change of an agency's entry is about."""
    return f"agency/{payload['code']}"


def change(code: str, label: str, title: str, *, makers: frozenset[str] = DIRECTORY, **how: Any) -> Kind:
    """Return a kind of change of one agency; `how` is what else Kind takes. Its title says what is done, and to which
    agency: whoever agrees to a key or an address has to read whose it is."""

    def titled(row: Proposal) -> str:
        return f"{title} {row.payload['code']}"

    about = {"subject": subject, **how}
    return Kind(code=code, label=label, title=titled, makers=makers, checkers=_CHECKERS, **about)


def lines(labels: dict[str, str], before: Payload, payload: Payload) -> list[Line]:
    """Return old and new of each labelled field."""
    return [
        Line(label=label, old=text(before.get(name)), new=text(payload.get(name))) for name, label in labels.items()
    ]


def text(value: Any) -> str:
    """Return a value as a line shows it."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return "" if value is None else str(value)


def address_faults(address: str, cidrs: list[str]) -> dict[str, str]:
    """Return what is wrong with an address. Called in a transaction, so nobody is asked where the name leads: the form
    did that, and each delivery does."""
    try:
        check_form(address, allowed_cidrs=cidrs)
    except AddressRefused:
        return {"address": NOWHERE}
    return {}


def way(address: str) -> dict[str, Any]:
    """Return how a channel to an address carries. Nobody can ask a mailbox whether a file came, nor a folder out of
    which files are taken: nothing is sent twice by itself."""
    scheme = scheme_of(address)
    if scheme == "https":
        return {"address": address, "transport": "https"}
    is_mail = scheme in ("smtp", "smtps")
    return {
        "address": address,
        "transport": "smtp" if is_mail else "sftp",
        "receiver_dedupes": False,
        "retry_profile": "email" if is_mail else "file",
        "timeout_seconds": FILE_SECONDS,
    }


def out(payload: Payload) -> Channel | None:
    """Return the channel that a payload speaks of, the first on which the agency is told things unless it says so."""
    agency = agency_of(payload["code"])
    return agencies.channel_of(agency, payload.get("direction", "out")) if agency else None


def outs(payload: Payload) -> list[Channel]:
    """Return every channel on which an agency is told things."""
    agency = agency_of(payload["code"])
    return agencies.channels_out(agency) if agency else []
