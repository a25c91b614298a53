"""Who has to know of what a person stopped: companies of the group, and partners who advertise with us. They are told
hashes of what the person is reached by, never a name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cases.kernel import outbox, releases, tasks
from cases.kernel.actors import Actor
from cases.kernel.models import Agency, Case, CaseParty, OutboxMessage
from cases.rights import choices
from cases.rights.models import ContactAnswer

__all__ = ["BY_HAND", "GROUP", "OF_PARTNERS", "PARTNER", "STOP", "recipients", "stop", "unconfirmed"]

GROUP, PARTNER = "group_company", "partner"
STOP = releases.MessageKind(
    code="rights_stop",
    label="Stop: a person is no longer marketed to",
    recipient_kind=GROUP,
    purpose="honour_choices",
    answer_days=5,
    answer_source="Internal target; UK GDPR Art 21(3): at most 28 days for what is in flight",
    necessity="Whoever markets with us must know whom to leave alone, and needs a hash of how they are reached for it.",
    put_right_by="nobody",
    categories={
        "received_at": "choice",
        "stops.purpose": "choice",
        "stops.channel": "choice",
        "reached_by.kind": "contact",
        "reached_by.sha256": "contact",
        "batches": "choice",
    },
    lists=frozenset({"stops", "reached_by", "batches"}),
)
releases.declare(STOP)
MOST_BATCHES = 500
BY_HAND = "rights_tell_recipient_by_hand"
# Partners advertise; what they need to know is about advertising and others' products (R13, R24 to R26, R28).
OF_PARTNERS = frozenset({"online_ads", "third_party_marketing"})


def recipients(case: Case) -> list[Agency]:
    """Return whoever has to be told of what a request stops, by name. No query where it stops nothing, else one."""
    stopped = {purpose for purpose, _, is_allowed in choices.changed(case.rights_request) if not is_allowed}
    kinds = [GROUP, *([PARTNER] if stopped & OF_PARTNERS else [])] if stopped else []
    rows = Agency.objects.select_related("terms").filter(kind__in=kinds, is_active=True)
    return list(rows.order_by("display_name", "pk")) if kinds else []


def unconfirmed(case: Case, *, but: OutboxMessage | None = None) -> int:
    """Return how many recipients have not confirmed a stop of this case."""
    rows = OutboxMessage.objects.filter(case=case, kind=STOP.code, acknowledged_at=None)
    rows = rows.exclude(pk=but.pk) if but else rows
    return rows.exclude(state="withdrawn").count()


def stop(case: Case, told: Sequence[Agency], *, actor: Actor, at: datetime) -> None:
    """Promise a stop to each recipient, inside the current ledger action on a locked case. Whoever cannot be told by a
    message becomes a task; so does everybody where nothing is known by which the person is reached."""
    people = list(CaseParty.objects.filter(case=case, role="person", is_detached=False).order_by("number"))
    reaches = choices.reach_of_case(case, at=at, verb="release")
    stopped = _body(case, reaches)
    for agency in told:
        batches = _batches(case, agency, reaches)
        body = {**stopped, **({"batches": batches} if batches else {})}
        if not body["reached_by"]:
            tasks.raise_task(BY_HAND, case=case, at=at, agency=agency.code)
            continue
        kind = replace(STOP, recipient_kind=agency.kind)
        try:
            releases.send(
                case,
                kind,
                agency=agency,
                body=body,
                actor=actor,
                at=at,
                subject_count=len(people),
                parties=people,
                dedupe=f"rights_stop:{case.uid}:{agency.code}:{case.version}",
            )
        except (outbox.NoChannel, releases.ReleaseRefused):
            tasks.raise_task(BY_HAND, case=case, at=at, agency=agency.code)


def _batches(case: Case, agency: Agency, reaches: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the batches for which the agency asked about the person and was told yes, the newest first: it takes them
    out of each, also where they stand for others who are alike (R24, R26). One query."""
    stopped = {purpose for purpose, _, is_allowed in choices.changed(case.rights_request) if not is_allowed}
    hashes = [token for reach in reaches for token in choices.tokens(reach)]
    rows = ContactAnswer.objects.filter(agency=agency, may_contact=True, purpose__in=stopped, tokens__overlap=hashes)
    found = rows.exclude(batch="").order_by("-asked_at", "-pk").values_list("batch", flat=True)
    return list(dict.fromkeys(found))[:MOST_BATCHES]


def _body(case: Case, reaches: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    known = {pair for reach in reaches for pair in reach.items()}
    reached = [{"kind": kind, "sha256": hashlib.sha256(value.encode()).hexdigest()} for kind, value in sorted(known)]
    facts = case.rights_request
    return {
        "received_at": f"{facts.received_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "stops": [
            {"purpose": purpose, "channel": channel}
            for purpose, channel, is_allowed in choices.changed(facts)
            if not is_allowed
        ],
        "reached_by": reached,
    }
