"""The documents on which clauses of the notice stand: which are in force, entering a version, asking for a review.

A version is entered as a change of the office (docchanges.py); the demonstration enters its own.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from cases.kernel import calendars, notice, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError
from cases.kernel.models import Agency, PolicyDocument, StoredBlob, Team
from cases.kernel.timing.rulebook import STREAM
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.models import DataKey

__all__ = [
    "KINDS",
    "Draft",
    "agreement_code",
    "agreement_refusal",
    "agreements",
    "ask_for_reviews",
    "enter",
    "enter_samples",
    "in_force",
    "need_of",
    "open_file",
    "refusal",
    "versions",
    "why_not",
]

KINDS = {
    "lia": "Legitimate interests assessment",
    "apd": "Appropriate policy document",
    "dpia": "Data protection impact assessment",
    "tra": "Transfer risk assessment",
    "data_sharing_agreement": "Data-sharing agreement",
}
WARNED_AHEAD = timedelta(days=30)
DESK = "rights"
FIELD = "policy_document"
AGREEMENT = "dsa_"
tasks.declare({"document_review": "A policy document must be reviewed soon"})


class DocumentRefused(CaseError):
    """The document cannot be entered or opened like this."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One version to be entered. `valid_from` and `review_by` are civil dates; the day of review still counts."""

    code: str
    title: str
    valid_from: date
    review_by: date
    data: bytes
    media_type: str = "application/pdf"


def agreement_code(agency: Agency) -> str:
    """Return the code under which the data-sharing agreement with an agency is kept."""
    return f"{AGREEMENT}{agency.pk}"


def agreements(*, without: Collection[str] = ()) -> dict[str, notice.Need]:
    """Return one needed document for each agency that is none of our own systems, but of these kinds. One query."""
    rows = Agency.objects.exclude(kind="own_system").exclude(kind__in=without).order_by("display_name", "pk")
    return {agreement_code(row): _agreement(row) for row in rows}


def _agreement(agency: Agency) -> notice.Need:
    label = f"Data-sharing agreement: {agency.display_name}"
    return notice.Need(code=agreement_code(agency), kind="data_sharing_agreement", label=label)


def need_of(code: str) -> notice.Need | None:
    """Return what a document is for: clauses of the notice, or, by one query, the sharing with one agency."""
    number = code.removeprefix(AGREEMENT)
    if code.startswith(AGREEMENT) and number.isdecimal() and len(number) <= 18:
        agency = Agency.objects.filter(pk=int(number)).exclude(kind="own_system").first()
        return _agreement(agency) if agency else None
    return notice.DOCUMENTS.get(code)


def agreement_refusal(agency: Agency, *, day: date) -> str:
    """Return why the agreement with an agency does not let anything go to it on a day, or nothing. One query.

    Once a version of it was entered one must be in force and within its review; until then the dates in the register
    count alone.
    """
    rows = list(PolicyDocument.objects.filter(code=agreement_code(agency)).order_by("valid_from", "version"))
    if not rows:
        return ""
    begun = [row for row in rows if row.valid_from <= day]
    name = f"The data-sharing agreement with {agency.display_name}"
    if not begun:
        return f"{name} is not in force before {_words(rows[0].valid_from)}."
    if begun[-1].review_by < day:
        return f"{name} was due for review on {_words(begun[-1].review_by)}: nothing leaves on it."
    return ""


def _words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def in_force(codes: Collection[str], *, day: date) -> Mapping[str, PolicyDocument]:
    """Return the newest version of each document whose day has come. One query."""
    rows = PolicyDocument.objects.filter(code__in=codes, valid_from__lte=day).order_by("code", "valid_from", "version")
    return {row.code: row for row in rows}


def versions(codes: Collection[str]) -> dict[str, list[PolicyDocument]]:
    """Return every version of these documents, in the order in which they came into force. One query at most."""
    found: dict[str, list[PolicyDocument]] = {code: [] for code in codes}
    for row in PolicyDocument.objects.filter(code__in=codes).order_by("code", "valid_from", "version"):
        found[row.code].append(row)
    return found


def why_not(codes: Collection[str], *, day: date) -> str:
    """Return why a clause that stands on these documents does not count on a day, or nothing. One query at most."""
    return refusal(codes, in_force(codes, day=day) if codes else {}, day=day)


def refusal(codes: Collection[str], known: Mapping[str, PolicyDocument], *, day: date) -> str:
    """Return why nothing leaves on these documents on a day, of which these are in force, or nothing. No query."""
    for code in sorted(codes):
        need = notice.DOCUMENTS.get(code)
        if need is None or code not in known:
            name = need.label if need else code.replace("_", " ")
            return f"The document “{name}” is not approved, so nothing may leave that stands on it."
        if known[code].review_by < day:
            day = known[code].review_by
            return f"The document “{need.label}” was due for review on {day.day} {day:%B %Y}: nothing leaves on it."
    return ""


@transaction.atomic
def enter(draft: Draft, *, approved_by: str, actor: Actor, at: datetime) -> PolicyDocument:
    """Write the next version of a document down, its file sealed under a key of its own; one ledger event."""
    need = need_of(draft.code)
    if need is None:
        raise DocumentRefused("No clause of the notice and no agency stands on such a document.")
    last = PolicyDocument.objects.filter(code=draft.code).order_by("-version").first()
    key = sealing.new_key("document", at=at, retention_class=FIELD)
    digest = hashlib.sha256(draft.data).hexdigest()
    version = last.version + 1 if last else 1
    detail = {"document": draft.code, "version": version, "sha256": digest}
    with ledger.action(STREAM, "policy_document.entered", actor=actor.label, at=at, detail=detail, source=actor.source):
        return PolicyDocument.objects.create(
            code=draft.code,
            kind=need.kind,
            version=version,
            title=draft.title,
            approved_by=approved_by,
            valid_from=draft.valid_from,
            review_by=draft.review_by,
            sha256=digest,
            size=len(draft.data),
            media_type=draft.media_type,
            key=key,
            blob=_store(draft.data, key),
        )


def _store(data: bytes, key: DataKey) -> StoredBlob:
    uid = uuid.uuid4()
    sealed = sealing.seal_bytes(data, key=key, label="cases.storedblob", uid=uid, field=FIELD)
    return StoredBlob.objects.create(uid=uid, key=key, sealed=sealed, size=len(data))


def open_file(row: PolicyDocument, *, reader: sealing.Reader, at: datetime) -> bytes:
    """Return the file of a version; who opens it is on record first. Raises DocumentRefused once it is erased."""
    data = sealing.open_bytes(
        bytes(row.blob.sealed),
        key_id=row.blob.key_id,
        label="cases.storedblob",
        uid=row.blob.uid,
        field=FIELD,
        reader=reader,
        at=at,
    )
    if data is None:
        raise DocumentRefused("This document was erased.")
    return data


def ask_for_reviews(*, now: datetime) -> int:
    """Raise one task for each document in force whose review is at most 30 days away. Returns how many."""
    today = calendars.london_date(now)
    codes = PolicyDocument.objects.values_list("code", flat=True).distinct()
    due = [row.pk for row in in_force(set(codes), day=today).values() if row.review_by <= today + WARNED_AHEAD]
    return sum(_ask(pk, now=now) for pk in due)


@transaction.atomic
def _ask(pk: int, *, now: datetime) -> int:
    row = PolicyDocument.objects.select_for_update().filter(pk=pk, warned_at=None).first()
    if row is None:
        return 0
    detail = {"document": row.code, "version": row.version}
    with ledger.action(STREAM, "policy_document.review_due", actor=system("documents").label, at=now, detail=detail):
        row.warned_at = now
        row.save(update_fields=["warned_at"])
        desk = Team.objects.filter(code=DESK).first()
        review = calendars.end_of_day(row.review_by)
        tasks.raise_task("document_review", case=None, team=desk, at=now, due_at=review, document=row.code)
    return 1


def enter_samples(*, approved_by: str, actor: Actor, at: datetime) -> None:
    """Enter an invented version of each document of the notice that has none: for a demonstration alone."""
    known = set(PolicyDocument.objects.values_list("code", flat=True))
    for code, need in notice.DOCUMENTS.items():
        if code in known:
            continue
        text = f"{need.label}\n\nAn invented {KINDS[need.kind].lower()} of the demonstration.\n"
        draft = Draft(
            code=code,
            title=need.label,
            valid_from=date(2024, 4, 1),
            review_by=date(2033, 3, 31),
            data=text.encode(),
            media_type="text/plain",
        )
        enter(draft, approved_by=approved_by, actor=actor, at=at)
