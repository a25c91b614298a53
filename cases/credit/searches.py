"""Searches at agencies: made once, kept as footprints, their answers reduced to what a decision needs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cases.credit import codes, messages
from cases.credit.models import Check, Search
from cases.kernel import outbox, releases, tasks
from cases.kernel.actors import Actor
from cases.kernel.linking import people as linked
from cases.kernel.models import Agency, Case, CaseAddress, CaseParty, DeliveryAttempt, OutboxMessage, Task
from cases.ledger import sealing
from cases.ledger.canonical import canon

__all__ = ["LATE", "NOT_MADE", "TO_READ", "factors", "keep_answer", "least_of", "make", "of_message", "results"]

NOT_MADE, LATE, TO_READ = "check_search_not_made", "check_late_match", "check_late_answer"
tasks.declare(
    {
        NOT_MADE: "A search could not be made: look why, then decide without it",
        LATE: "An agency reported a match after the check: look whether the decision still stands",
        TO_READ: "An agency answered after the decision what a person reads: look whether the decision still stands",
    }
)
_NAMES = ("title", "forename", "middle_name", "surname", "date_of_birth", "phone", "email")
_PLACE = ("line_1", "line_2", "town", "postcode", "country")
_PURPOSES = {"fpa": "prevent_fraud", "fraud_alert": "prevent_fraud", "cra": "credit_risk"}


def make(case: Case, *, actor: Actor, at: datetime) -> None:
    """Promise every search of the plan, inside the act that opens a check. Nobody asks an agency twice: one row and
    one message for each application, agency and type, whatever else happens.

    The financially linked person is asked about only where a link allows it, and only of credit. What cannot be
    promised is a task.
    """
    facts: Check = case.check_facts
    everybody = list(CaseParty.objects.filter(case=case, is_detached=False).order_by("number"))
    uses = {each.pk: _use(everybody, each) for each in everybody if each.role != "applicant"}
    parties = [each for each in everybody if each.pk not in uses or uses[each.pk].is_allowed]
    facts.associate_use = _use_of(everybody, parties)
    facts.links_used = [str(tie.case.uid) for use in uses.values() if use.is_allowed for tie in use.ties]
    facts.save(update_fields=["associate_use", "links_used"])
    people = _people(case, parties, at=at)
    own = [place for place, each in enumerate(parties) if each.role == "applicant"]
    register = Agency.objects.select_related("terms").filter(is_active=True).order_by("code")
    for agency_kind, search_type in codes.PLAN[facts.occasion]:
        agency = register.filter(kind=agency_kind).first()
        try:
            if agency is None:
                raise outbox.NoChannel("There is no such agency in the register.")
            about = range(len(parties)) if search_type in codes.OF_LINKED else own
            asked = [people[place] for place in about], [parties[place] for place in about]
            _ask(case, facts, agency, search_type, *asked, actor=actor, at=at)
        except (outbox.NoChannel, releases.ReleaseRefused):
            tasks.raise_task(NOT_MADE, case=case, at=at, agency_kind=agency_kind, search=search_type)


def _use_of(everybody: Sequence[CaseParty], asked: Sequence[CaseParty]) -> str:
    if all(each.role == "applicant" for each in everybody):
        return ""
    return "used" if len(asked) > 1 else "not_used"


def _use(everybody: Sequence[CaseParty], other: CaseParty) -> linked.Use:
    """Say whether a link lets the applicant's check ask about another person, and by which."""
    applicant = next((each for each in everybody if each.role == "applicant"), None)
    return linked.Use(is_allowed=False) if applicant is None else linked.may_use(applicant, other)


def _ask(
    case: Case,
    facts: Check,
    agency: Agency,
    search_type: str,
    people: list[dict[str, Any]],
    parties: Sequence[CaseParty],
    *,
    actor: Actor,
    at: datetime,
) -> None:
    key = f"{facts.application_id}:{search_type}"
    about: dict[str, Any] = {"search_type": search_type, "search_key": key}
    if agency.kind == "fraud_alert":
        homes = [place for person in people for place in person["addresses"]]
        body = about | {"addresses": [{name: each.get(name, "") for name in ("line_1", "postcode")} for each in homes]}
    else:
        purpose = _PURPOSES[agency.kind]
        body = about | {"purpose": purpose, "product": facts.product, "notice_version": facts.notice_version}
        body["people"] = people
    message = releases.send(
        case,
        messages.BY_AGENCY[agency.kind],
        agency=agency,
        body=body,
        actor=actor,
        at=at,
        subject_count=len(parties),
        parties=parties,
        dedupe=f"search:{key}",
    )
    Search(
        case=case,
        key=case.key,
        agency=agency,
        application_id=facts.application_id,
        search_type=search_type,
        is_hard=search_type in codes.HARD,
        is_joint=len(parties) > 1,
        notice_version=facts.notice_version,
        subject_sha256=sealing.keyed_hash("search_subject", canon(people)).hex(),
        message_id=message.public_id,
        asked_at=at,
    ).save(force_insert=True)


def _people(case: Case, parties: Sequence[CaseParty], *, at: datetime) -> list[dict[str, Any]]:
    """Return who is asked about and where they live or lived."""
    reader = sealing.Reader(actor="system:checks", verb="release", purpose="check_applicants", streams=(case.uid,))
    homes = list(CaseAddress.objects.filter(party__in=parties, is_detached=False).order_by("pk"))
    people = sealing.open_rows(list(parties), _NAMES, reader=reader, at=at)
    places = sealing.open_rows(homes, _PLACE, reader=reader, at=at) if homes else []
    return [
        {
            "role": party.role,
            **_filled(person),
            "addresses": [
                {"kind": home.kind, **_filled(place)}
                for home, place in zip(homes, places, strict=True)
                if home.party_id == party.pk
            ],
        }
        for party, person in zip(parties, people, strict=True)
    ]


def _filled(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str) and value}


def of_message(message: OutboxMessage) -> Search | None:
    """Return the search that a message makes."""
    return Search.objects.select_related("agency").filter(message_id=message.public_id).first()


def keep_answer(search: Search, message: OutboxMessage, *, at: datetime) -> dict[str, Any]:
    """Keep and return the least of what the agency answered, inside the current ledger action. What nobody can read
    counts as no answer."""
    search.answered_at = at
    said = _said(message, at=at)
    least = least_of(search, said)
    search.state = "unreadable" if least is None else "answered"
    if least is not None:
        search.footprint = str(said.get("footprint") or "")[:80]
        sealing.seal(search, {"result": json.dumps(least, sort_keys=True)}, key=search.key)
    search.save(update_fields=["state", "answered_at", "footprint", "result"])
    return least or {}


def _said(message: OutboxMessage, *, at: datetime) -> dict[str, Any]:
    tries = DeliveryAttempt.objects.filter(message=message, outcome="ok").exclude(sealed_excerpt=None)
    attempt = tries.order_by("-number").first()
    if attempt is None or attempt.sealed_excerpt is None:
        return {}
    stream = message.case.uid if message.case else message.public_id
    raw = sealing.open_bytes(
        bytes(attempt.sealed_excerpt),
        key_id=message.key_id,
        label=outbox.LABEL,
        uid=message.public_id,
        field="reply",
        reader=sealing.Reader(actor="system:checks", verb="view", purpose="check_applicants", streams=(stream,)),
        at=at,
    )
    try:
        document = json.loads(raw or b"null")
    except (ValueError, RecursionError):
        return {}
    data = document.get("data") if isinstance(document, dict) else None
    return data if isinstance(data, dict) else {}


def least_of(search: Search, said: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a decision needs of an answer, or None where the answer does not say it."""
    if search.search_type == "identity":
        return {"identity": said["identity"]} if said.get("identity") in messages.IDENTITIES else None
    if search.agency.kind == "fpa":
        match = said.get("match")
        return {"fraud_match": match} if match in messages.MATCHES else None
    if search.agency.kind == "fraud_alert":
        return {"alert_match": said["hit"]} if isinstance(said.get("hit"), bool) else None
    score, listed = said.get("score"), said.get("indicators")
    if type(score) is not int or not isinstance(listed, list):
        return None
    return {"score": score, **{name: name in listed for name in messages.INDICATORS}}


def results(case: Case, *, at: datetime) -> list[tuple[Search, dict[str, Any]]]:
    """Return the searches of a check with what each said, oldest first. Opens what they said."""
    rows = list(Search.objects.select_related("agency").filter(case=case).order_by("pk"))
    kept = [row for row in rows if row.result is not None]
    reader = sealing.Reader(actor="system:checks", verb="view", purpose="check_applicants", streams=(case.uid,))
    opened = sealing.open_rows(kept, ("result",), reader=reader, at=at) if kept else []
    said = {
        row.pk: json.loads(values["result"])
        for row, values in zip(kept, opened, strict=True)
        if isinstance(values["result"], str)
    }
    return [(row, said.get(row.pk, {})) for row in rows]


def factors(case: Case, *, at: datetime) -> dict[str, Any]:
    """Return what the rules look at. Of a financially linked person nothing counts unless a link allows it now; a match
    that the fraud agency reported beside its answer counts like one in it."""
    found = results(case, at=at)
    merged = {name: value for _, said in found for name, value in said.items()}
    if merged.get("fraud_match", "none") == "none" and (match := _late_match(case)):
        merged["fraud_match"] = match
    planned = len(codes.PLAN[case.check_facts.occasion])
    merged["is_complete"] = planned == sum(row.state == "answered" for row, _ in found)
    if merged.get("associate_adverse"):
        everybody = list(CaseParty.objects.filter(case=case, is_detached=False).order_by("number"))
        merged["associate_adverse"] = any(
            _use(everybody, each).is_allowed for each in everybody if each.role == "associate"
        )
    return merged


def _late_match(case: Case) -> str:
    """Return the newest match that the fraud agency reported by itself, or nothing."""
    told = Task.objects.filter(case=case, kind=LATE).exclude(detail__match="none").order_by("-pk")
    return str(told[0].detail.get("match", "unknown")) if told else ""
