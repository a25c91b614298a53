"""Our own evidence of a fraud against us, given to the police of our own accord (UK GDPR Annex 1 para 5, Art 6(1)(f)).

Only what is ours goes: people as we recorded them, documents our staff obtained. What agencies told us stays here; who
wants that asks them. Communications data goes only when legal counsel agrees, each time anew; content never does. The
story is free text: who reports says whether it holds any, a plain number in it speaks for itself, and counsel answers
the same question.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cases.fraud import astold, codes, messages
from cases.kernel import holdkinds, holds, outbox, record, releases, tasks
from cases.kernel.actors import Actor
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import corrections
from cases.kernel.models import Agency, Case, CaseParty, Evidence, OutboxMessage, Task
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.models import LedgerEvent

__all__ = [
    "ANEW",
    "COMMUNICATIONS_DOCUMENTS",
    "QUESTION",
    "REPORT_FRAUD",
    "TASKS",
    "choices",
    "includes_communications_data",
    "is_own_evidence",
    "recorded",
    "report",
    "restate",
    "says_what_the_story_holds",
    "story_holds_communications_data",
]

# The subscriber of a number or an address of the network is communications data, as is a record of calls or sessions.
COMMUNICATIONS_FIELDS = frozenset({"phone", "ip_address", "device"})
COMMUNICATIONS_DOCUMENTS = frozenset({"cdr_extract", "device_log"})
NEVER = frozenset({"employer"})
QUESTION = "Does the story of the case hold communications data?"
ANEW = "fraud_police_anew"
TASKS = {ANEW: "Report to the police anew: what they have is no longer so"}
# An address of the network; a telephone number, written in any way, a mobile one also without what stands before it;
# the number of a SIM or device.
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{0,4}){3,}")
_NUMBER = re.compile(r"(?<![\d£])(?:\+|0)\d[\d ().\-\u00a0\u2010-\u2013]{7,}\d|(?<!\d)(?:44)?7\d{9}(?!\d)|\d{14,}")
_FEWEST_DIGITS = 10

REPORT_FRAUD = releases.MessageKind(
    code="report_fraud",
    label="Report to the police",
    recipient_kind="police_report",
    purpose="report_crime",
    answer_days=5,
    answer_source="Internal target: the crime reference",
    body_stays="What is put right is said anew from it: it goes with the case",
    necessity="The police can look into a fraud against us only if told what was done, by whom, and what proves it.",
    categories={
        "event_type": "fraud_allegation",
        "attack": "fraud_allegation",
        "case_type": "fraud_allegation",
        "reasons": "fraud_allegation",
        "what_happened": "fraud_allegation",
        "discovered_date": "application",
        "value_at_risk_pence": "application",
        "loss_pence": "application",
        "documents.number": "fraud_allegation",
        "documents.kind": "fraud_allegation",
        "documents.sha256": "fraud_allegation",
        **{
            name: category
            for name, category in messages.FPA_FILE.categories.items()
            if name.startswith("subjects.") and name.rpartition(".")[2] not in NEVER
        },
    },
    lists=frozenset({"subjects", "subjects.addresses", "reasons", "documents"}),
    waits_for=holdkinds.REPORT,
)
releases.declare(REPORT_FRAUD)


def _numbers(context: Any, name: str) -> set[int]:
    return {int(each) for each in context.inputs.get(name, ()) if str(each).isdecimal()}


def includes_communications_data(context: Any) -> bool:
    """Whether the report would hold communications data, in its fields or its story: counsel agrees first."""
    return _has_fields(context) or story_holds_communications_data(context)


def _has_fields(context: Any) -> bool:
    return bool(context.inputs.get("has_communications_data"))


def story_holds_communications_data(context: Any) -> bool:
    """What whoever reports says of the story."""
    return bool(context.inputs.get("story_holds") == "yes")


def says_what_the_story_holds(context: Any) -> str | None:
    """Somebody says it, yes or no; no is not believed where a number or address stands there. Opens the story, which
    the access log keeps."""
    said = context.inputs.get("story_holds")
    if said not in ("yes", "no"):
        return "Say whether the story of the case holds communications data."
    if said == "no" and _shows_numbers(_story(context.case, actor=context.actor, at=context.at)):
        return (
            "The story holds what looks like a telephone number, a device or an IP address. Say that it holds "
            "communications data, or take it out of the story."
        )
    return None


def _shows_numbers(text: str) -> bool:
    long = any(sum(sign.isdecimal() for sign in each) >= _FEWEST_DIGITS for each in _NUMBER.findall(text))
    return long or _ADDRESS.search(text) is not None


def is_own_evidence(context: Any) -> str | None:
    """Only people and documents of this case that we recorded ourselves; at least one of each, and of an attack by
    nobody knows whom a document alone; call and device records only with communications data."""
    people, papers = _numbers(context, "people"), _numbers(context, "documents")
    parties = {each.number: each for each in CaseParty.objects.filter(case=context.case, is_detached=False)}
    documents = {each.number: each for each in Evidence.objects.filter(case=context.case)}
    is_by_nobody_known = bool(context.case.fraud_referral.event_type) and not parties
    if not people <= parties.keys() or not (people or is_by_nobody_known):
        return "Name at least one person of this case."
    if not papers or not papers <= documents.keys():
        return "Choose at least one document of this case."
    if any(_is_from_an_agency(parties[number].source) for number in people):
        return "An agency named one of these people to us: that is not our own evidence. The police ask the agency."
    if any(documents[number].obtained_by_id is None for number in papers):
        return "One of these documents was not obtained by our own staff, so it is not our own evidence."
    is_log = any(documents[number].kind in COMMUNICATIONS_DOCUMENTS for number in papers)
    if is_log and not _has_fields(context):
        return "Call and device records are communications data. Say that it is included; legal counsel then agrees."
    return None


def _is_from_an_agency(source: str) -> bool:
    """Our own systems are ours; what another agency said of a person is not."""
    return source.startswith("agency")


def report(context: Any) -> None:
    """Promise the report to the police, inside the current ledger action, which keeps what was said of it."""
    ledger.current().detail.update(
        {"communications_data": _has_fields(context), "in_the_story": story_holds_communications_data(context)}
    )
    tasks.close_all(context.case, ANEW, actor=context.actor, at=context.at)
    _send(
        context.case,
        people=_numbers(context, "people"),
        documents=_numbers(context, "documents"),
        with_communications=_has_fields(context),
        actor=context.actor,
        at=context.at,
    )


def _send(
    case: Case, *, people: set[int], documents: set[int], with_communications: bool, actor: Actor, at: datetime
) -> OutboxMessage:
    police = Agency.objects.select_related("terms").filter(kind=REPORT_FRAUD.recipient_kind, is_active=True)
    agency = police.order_by("pk").first()
    if agency is None:
        raise outbox.NoChannel("There is no police reporting centre in the register.")
    parties = list(CaseParty.objects.filter(case=case, number__in=people, is_detached=False).order_by("number"))
    astold.note_police(case, people)
    hidden = NEVER if with_communications else NEVER | COMMUNICATIONS_FIELDS
    body = {
        **_what(case, actor=actor, at=at),
        "documents": [
            {"number": row.number, "kind": row.kind, "sha256": row.sha256}
            for row in Evidence.objects.filter(case=case, number__in=documents).order_by("number")
        ],
        "subjects": [
            {name: value for name, value in subject.items() if name not in hidden}
            for subject in messages.subjects(case, parties, actor=actor, at=at, purpose="report_crime")
        ],
    }
    return releases.send(
        case,
        REPORT_FRAUD,
        agency=agency,
        body=body,
        actor=actor,
        at=at,
        subject_count=len(parties),
        parties=parties,
    )


def _what(case: Case, *, actor: Actor, at: datetime) -> dict[str, Any]:
    """Return what was done to us. Opens the story, which the access log keeps."""
    facts = case.fraud_referral
    return {
        **({"event_type": facts.event_type, "attack": facts.attack} if facts.event_type else {}),
        "case_type": facts.fpa_case_type,
        "reasons": list(facts.reasons),
        "what_happened": _story(case, actor=actor, at=at),
        "discovered_date": facts.discovered_date.isoformat(),
        "value_at_risk_pence": facts.value_at_risk_pence,
        "loss_pence": facts.loss_pence,
    }


def _story(case: Case, *, actor: Actor, at: datetime) -> str:
    reader = sealing.Reader(actor=actor.label, verb="release", purpose="report_crime", streams=(case.uid,))
    (opened,) = sealing.open_rows([case.fraud_referral], ("narrative",), reader=reader, at=at)
    return opened["narrative"] if isinstance(opened["narrative"], str) else ""


def restate(case: Case, *, agency: Agency, actor: Actor, at: datetime) -> OutboxMessage | None:
    """Say the last report anew, as the case is now: the same people and documents, as far as they are still part of it.
    None when its words were erased.

    Where it held communications data, or the story is another than the one about which somebody said that it holds
    none, legal counsel is asked anew: raises SaidLater, and a task asks for the report, which counsel agrees to. So it
    is while a hold says that nothing more is reported.
    """
    last = OutboxMessage.objects.filter(case=case, kind=REPORT_FRAUD.code, channel__agency=agency).latest("seq")
    reader = sealing.Reader(actor=actor.label, verb="release", purpose="correct_recipients", streams=(case.uid,))
    raw = outbox.open_body(last, reader=reader, at=at)
    if raw is None:
        return None
    said: Mapping[str, Any] = json.loads(raw)["data"]
    people = {subject["number"] for subject in said["subjects"]}
    had_communications = any(name in subject for subject in said["subjects"] for name in COMMUNICATIONS_FIELDS) or any(
        row["kind"] in COMMUNICATIONS_DOCUMENTS for row in said["documents"]
    )
    is_held = holds.blocks(case, holdkinds.REPORT, at=at) is not None
    if is_held or had_communications or _story_is_unsaid(case, said["what_happened"], actor=actor, at=at):
        if not Task.objects.filter(case=case, kind=ANEW, closed_at=None).exists():
            tasks.raise_task(ANEW, case=case, at=at)
        raise corrections.SaidLater
    documents = {row["number"] for row in said["documents"]}
    return _send(case, people=people, documents=documents, with_communications=False, actor=actor, at=at)


def _story_is_unsaid(case: Case, told: str, *, actor: Actor, at: datetime) -> bool:
    """Say whether nobody said of the story as it is now that it holds no communications data."""
    reports = LedgerEvent.objects.filter(stream=case.uid, action=f"{case.kind}.report_to_police").order_by("-seq")
    event = reports.first()
    was_said_to_hold_none = event is not None and event.content().get("detail", {}).get("in_the_story") is False
    return not was_said_to_hold_none or told != _story(case, actor=actor, at=at)


def recorded(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The police gave it a crime reference."""
    if content.agency_kind != REPORT_FRAUD.recipient_kind:
        raise CaseError("Only the police give a crime reference.")
    with record.act(case, "police.recorded", actor=actor, at=at, cause=content.callback_uid):
        facts = case.fraud_referral
        facts.police_reference = content.agency_reference
        facts.save(update_fields=["police_reference"])


def choices(case: Case) -> list[tuple[str, str]]:
    """Return the documents of a case as choices: number and kind, no name."""
    kinds = dict(codes.EVIDENCE_KINDS)
    rows = sorted(case.evidence.all(), key=lambda each: each.number)
    return [(str(each.number), f"Document {each.number}: {kinds.get(each.kind, each.kind)}") for each in rows]
