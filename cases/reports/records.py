"""Reads everything a case's audit report tells: a fixed number of queries, and one access row for each kind of value
it opens. Decides no wording."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from cases.kernel import casetypes
from cases.kernel.actors import Actor
from cases.kernel.casetypes import CaseType
from cases.kernel.linking import links
from cases.kernel.models import (
    Agency,
    Approval,
    ApprovalDecision,
    AuditReport,
    Callback,
    Case,
    CaseAddress,
    CaseParty,
    Clock,
    DeliveryAttempt,
    Evidence,
    Hold,
    Letter,
    Note,
    OutboxMessage,
    Release,
    ReleasedItem,
    Task,
    Team,
    User,
)
from cases.kernel.outputs import datacategories
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS
from cases.kernel.reading import queries
from cases.kernel.reading import records as case_records
from cases.ledger import sealing, verify
from cases.ledger.models import AccessEvent, LedgerEvent, LedgerHead
from cases.ledger.sealing import Reader

__all__ = ["Records", "read"]

Opened = dict[str, str | None]
# Of a case of thousands of people each has some of these: a report tells the first, and how many there are.
MANY = frozenset({"callbacks", "clocks", "letters", "messages", "releases", "tasks", "tries"})
MOST_ROWS = 200


@dataclass(frozen=True, kw_only=True)
class Records:
    """The rows of one case, oldest first, with what was sealed opened beside them."""

    case: Case
    casetype: CaseType
    head: LedgerHead
    findings: list[verify.Finding]
    events: list[LedgerEvent]
    reasons: list[str | None]
    approvals: list[Approval]
    decisions: list[ApprovalDecision]
    parties: list[tuple[CaseParty, Opened]]
    addresses: list[tuple[CaseAddress, Opened]]
    is_crowd: bool
    left_out: dict[str, int]
    sealed_facts: Opened
    clocks: list[Clock]
    tasks: list[Task]
    holds: list[Hold]
    notes: list[tuple[Note, Opened]]
    documents: list[tuple[Evidence, Opened]]
    letters: list[Letter]
    reports: list[AuditReport]
    releases: list[Release]
    items: list[tuple[ReleasedItem, Opened]]
    messages: list[OutboxMessage]
    tries: list[DeliveryAttempt]
    callbacks: list[Callback]
    looks: list[AccessEvent]
    read_at: datetime
    links: list[links.Listed]
    people: dict[int, str]
    agencies: dict[str, str]
    teams: dict[int, str]
    family: dict[str, Any]


def read(case: Case, *, asker: Actor | None, reader: Reader, at: datetime, is_demo: bool) -> Records:
    """Return everything on record about a case. Writes the reader's access rows first, so that they are told too.
    Other cases are named as far as `asker` may see them; none for nobody. Of a case with more people than its own page
    lists, a sale of thousands of debts, nobody is opened.

    Call it inside one repeatable-read transaction, so that all rows are of one moment.
    """
    casetype = casetypes.get(case.kind)
    mine = {"case": case}
    findings = verify.verify_stream(case.uid, is_demo=is_demo)
    events = list(LedgerEvent.objects.filter(stream=case.uid).order_by("seq"))
    reasons = sealing.open_reasons(events, reader=reader, at=at)

    def opened(rows: Any, *fields: str) -> list[tuple[Any, Opened]]:
        found = list(rows)
        if not found:
            return []
        datacategories.require(found[0]._meta.model_name, fields, casetype=casetype)
        return list(zip(found, sealing.open_rows(found, fields, reader=reader, at=at), strict=True))

    linked = links.on_record(case, asker, reader=reader, at=at) if asker else []
    facts = casetype.facts._default_manager.filter(pk=case.pk)
    sealed_facts = opened(facts, *casetype.sealed_labels) if casetype.sealed_labels else []
    everybody = CaseParty.objects.filter(**mine).order_by("number")
    is_crowd = everybody.count() > queries.MOST_PEOPLE
    told = everybody.only("number", "role", "is_detached", "is_erased") if is_crowd else everybody
    items = ReleasedItem.objects.filter(release__case=case)
    if is_crowd:
        items = items.filter(release__in=list(_first(Release.objects.filter(case=case)).values_list("pk", flat=True)))
    places = CaseAddress.objects.filter(party__case=case).order_by("pk")
    sealed: dict[str, Any] = {
        "parties": [(each, {}) for each in told.iterator()] if is_crowd else opened(told, *PERSON_FIELDS),
        "addresses": [] if is_crowd else opened(places, *ADDRESS_FIELDS),
        "is_crowd": is_crowd,
        "sealed_facts": sealed_facts[0][1] if sealed_facts else {},
        "notes": opened(Note.objects.filter(**mine).order_by("pk"), "text"),
        "documents": opened(Evidence.objects.filter(**mine).order_by("number"), "file_name", "admissibility"),
        "items": opened(items.order_by("release", "pk"), "necessity"),
    }
    return Records(
        case=case,
        casetype=casetype,
        head=LedgerHead.objects.get(stream=case.uid),
        findings=findings,
        events=events,
        reasons=reasons,
        links=linked,
        read_at=at,
        **sealed,
        **_open_rows(case, is_crowd=is_crowd),
        **_names(),
        family=casetype.report(case),
    )


def _open_rows(case: Case, *, is_crowd: bool) -> dict[str, Any]:
    """Return the rows that hold nothing sealed, or whose sealed bytes the report only counts by hash."""
    rows = {
        "approvals": Approval.objects.filter(case=case),
        "decisions": ApprovalDecision.objects.filter(approval__case=case),
        "clocks": Clock.objects.filter(case=case).select_related("party"),
        "tasks": Task.objects.filter(case=case),
        "holds": Hold.objects.filter(case=case),
        "letters": Letter.objects.filter(case=case).select_related("party"),
        "reports": AuditReport.objects.filter(case=case),
        "releases": Release.objects.filter(case=case).select_related("recipient"),
        "messages": OutboxMessage.objects.filter(case=case)
        .select_related("channel__agency", "key")
        .defer("sealed_body", "key__wrapped"),
        "tries": DeliveryAttempt.objects.filter(message__case=case).defer("sealed_excerpt"),
        "callbacks": Callback.objects.filter(case=case).select_related("agency").defer("sealed_body"),
        "looks": case_records.looks_at(case),
    }
    many = MANY & rows.keys() if is_crowd else frozenset()
    told = {name: list(_first(found) if name in many else found.order_by("pk")) for name, found in rows.items()}
    return {**told, "left_out": {name: rows[name].count() - len(told[name]) for name in sorted(many)}}


def _first(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by("pk")[:MOST_ROWS]


def _names() -> dict[str, Any]:
    people = User.objects.values_list("pk", "display_name", "username")
    return {
        "people": {pk: name or username for pk, name, username in people},
        "agencies": dict(Agency.objects.values_list("code", "display_name")),
        "teams": dict(Team.objects.values_list("pk", "name")),
    }
