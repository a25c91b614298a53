"""What credit reference agencies are told of a link, that it was wrong, and asked: whether they broke it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cases.association import codes
from cases.association.models import AgencyLink
from cases.kernel import calendars, outbox, releases
from cases.kernel.actors import Actor
from cases.kernel.models import Agency, Case, CaseAddress, CaseParty, OutboxMessage
from cases.kernel.office import datasources
from cases.ledger import sealing

__all__ = ["ALL", "CRA_ASSOC", "CRA_ASSOC_QUERY", "CRA_ASSOC_REMOVE", "ask_result", "bureaus", "remove", "report"]

_NAMES = ("title", "forename", "middle_name", "surname", "date_of_birth")
_PLACE = ("line_1", "line_2", "town", "postcode", "country")
_BODY = {
    "basis": "association",
    "declared_date": "association",
    "agreement": "association",
    "people.side": "association",
    **{f"people.{name}": "date_of_birth" if name == "date_of_birth" else "identity" for name in _NAMES},
    **{f"people.address.{name}": "address" for name in _PLACE},
}
CRA_ASSOC = releases.MessageKind(
    code="cra_assoc",
    label="Financial association told to the credit reference agency",
    recipient_kind="cra",
    purpose="link_records",
    answer_days=5,
    answer_source="Internal target",
    necessity="The agency can link the two files only if it knows who the two people are and on which basis.",
    subjects="people",
    categories=_BODY,
    put_right_by="family",
    lists=frozenset({"people"}),
)
CRA_ASSOC_REMOVE = releases.MessageKind(
    code="cra_assoc_remove",
    label="Removal of a financial association",
    recipient_kind="cra",
    purpose="correct_recipients",
    answer_days=5,
    answer_source="Internal target: silent agencies are chased after 5 working days; UK GDPR Art 19",
    necessity="The link should never have been made, and only the agency can take it off both files.",
    categories=dict.fromkeys(("link_reference", "about", "reason"), "correction"),
    put_right_by="family",
)
CRA_ASSOC_QUERY = releases.MessageKind(
    code="cra_assoc_query",
    label="Question whether the agency broke a financial association",
    recipient_kind="cra",
    purpose="correct_recipients",
    necessity="A person asked the agency to break the link; our own record must say what the agency did.",
    categories=dict.fromkeys(("link_reference", "about"), "correction"),
    put_right_by="family",
)
ALL = (CRA_ASSOC, CRA_ASSOC_REMOVE, CRA_ASSOC_QUERY)
releases.declare(*ALL)


def bureaus() -> list[Agency]:
    """Return every credit reference agency that takes part. Raises NoChannel where there is none."""
    rows = list(Agency.objects.select_related("terms").filter(kind="cra", is_active=True).order_by("pk"))
    if not rows:
        raise outbox.NoChannel("There is no credit reference agency in the register.")
    return rows


def report(case: Case, agency: Agency, *, actor: Actor, at: datetime) -> OutboxMessage:
    """Promise the link of a locked case to one agency, inside the current ledger action.

    Opens both people's values, which the access log keeps. Raises ReleaseRefused, NoChannel.
    """
    parties = list(CaseParty.objects.filter(case=case, is_detached=False).order_by("number"))
    facts = case.association
    body = {
        "basis": facts.basis,
        "declared_date": calendars.london_date(facts.declared_at).isoformat(),
        "agreement": facts.agreement_kind,
        "people": _people(case, parties, actor=actor, at=at),
    }
    return _send(case, CRA_ASSOC, agency, body, actor=actor, at=at, parties=parties)


def remove(case: Case, link: AgencyLink, *, reason: str, actor: Actor, at: datetime) -> OutboxMessage:
    """Promise the removal of the link at one agency. It names nobody. As `report`."""
    return _send(case, CRA_ASSOC_REMOVE, link.agency, {**_named(link), "reason": reason}, actor=actor, at=at)


def ask_result(case: Case, link: AgencyLink, *, actor: Actor, at: datetime) -> OutboxMessage:
    """Promise the question whether one agency broke the link. It names nobody. As `report`."""
    return _send(case, CRA_ASSOC_QUERY, link.agency, _named(link), actor=actor, at=at)


def _named(link: AgencyLink) -> dict[str, str]:
    """Name the link by the agency's reference and by our own message about it."""
    names = {"link_reference": link.agency_reference, "about": str(link.message_id or "")}
    return {name: text for name, text in names.items() if text}


def _send(
    case: Case,
    kind: releases.MessageKind,
    agency: Agency,
    body: dict[str, Any],
    *,
    actor: Actor,
    at: datetime,
    parties: list[CaseParty] | None = None,
) -> OutboxMessage:
    told = parties or []
    return releases.send(
        case, kind, agency=agency, body=body, actor=actor, at=at, subject_count=len(told) or 2, parties=told
    )


def _people(case: Case, parties: list[CaseParty], *, actor: Actor, at: datetime) -> list[dict[str, Any]]:
    """Return who each of the two is and where they live now, as far as no agency told us."""
    homes = CaseAddress.objects.filter(party__in=parties, kind="current", is_detached=False)
    places = {row.party_id: row for row in homes.exclude(source__in=datasources.GOES_NO_FURTHER).order_by("pk")}
    reader = sealing.Reader(actor=actor.label, verb="release", purpose="link_records", streams=(case.uid,))
    people = sealing.open_rows(parties, _NAMES, reader=reader, at=at)
    opened = sealing.open_rows(list(places.values()), _PLACE, reader=reader, at=at) if places else []
    homes_of = dict(zip(places, opened, strict=True))
    return [
        {
            "side": "declarer" if party.role == codes.DECLARER else "other",
            **_filled(person),
            **({"address": _filled(homes_of[party.pk])} if party.pk in homes_of else {}),
        }
        for party, person in zip(parties, people, strict=True)
    ]


def _filled(values: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
