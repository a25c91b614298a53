"""Codes as words, where no declaration has a better one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.urls import reverse

from cases.kernel import clocks, tasks
from cases.kernel.casetypes import CaseType
from cases.kernel.reading.looktrail import HOW
from cases.kernel.reading.queries import REVEAL_REASONS

__all__ = ["PURPOSES", "field_label", "how", "role_label", "seen", "task_label", "task_url", "why", "words"]

# Why somebody reads who does not work on the case.
PURPOSES = {
    "oversight": "Oversight of casework",
    "complaint": "A complaint or a request by the person",
    "legal_advice": "Legal advice, an order or a claim",
    "audit_sample": "Sample drawn for an audit",
    "incident": "A security or data protection incident",
}

FIELDS = {
    "date_of_birth": "Date of birth",
    "email": "E-mail",
    "ip_address": "IP address",
    "phone": "Telephone",
    "forename": "First name",
    "surname": "Last name",
    "alias": "Names used",
    "since": "At this address from",
    "until": "At this address until",
    "uprn": "Property number (UPRN)",
    "device": "Devices and SIMs",
    "bank_account": "Sort code and account",
    "line_1": "Address",
    "line_2": "Address, second line",
    "is_innocent": "Innocent",
    "is_detached": "Detached",
    "is_closed": "Closed",
    "closed_date": "Closed on",
    "dispose_after_date": "Keep until",
    "retention_class": "Kept as",
    "scan": "Virus scan",
    "amount_pence": "Amount",
    "is_facility_granted": "Product was provided",
}

# What was looked at, as the access log has it. A code that is no class of fields names the one value of one person,
# document or letter.
SEEN = {
    "note": "The case's page: facts, people behind a mask, timeline with notes",
    "reason": "reasons given",
    "typed": "What was typed for a step that waits for another person",
    "overview": "The case's page",
    "messages": "Messages and letters: what was sent and answered",
    "audit": "Audit: the chain of events and who looked",
    "file_name": "Documents: their names",
    "admissibility": "what is said of them as evidence",
    "holds": "Holds",
    "links": "Linked cases",
    "same_people": "People who may be the same in other cases",
    "incoming": "Notices that came in",
}


def words(code: str) -> str:
    """Write a code as words."""
    return code.replace("_", " ").replace(".", " ").capitalize()


def how(verb: str) -> str:
    """Return in words how somebody looked."""
    return HOW.get(verb) or words(verb)


def why(purpose: str) -> str:
    """Return in words what somebody looked for."""
    return PURPOSES.get(purpose) or REVEAL_REASONS.get(purpose) or words(purpose)


def seen(codes: Iterable[str], casetype: CaseType | None = None) -> str:
    """Return what was looked at, separated by commas; fields of one kind of case by its own labels."""
    return ", ".join(SEEN.get(code) or (field_label(casetype, code) if casetype else _plain(code)) for code in codes)


def _plain(code: str) -> str:
    return FIELDS.get(code) or words(code.replace("-", " "))


def field_label(casetype: CaseType, name: str) -> str:
    """Return the label of a field: the kind's own, the office's, or the code in words."""
    plain = name.removesuffix("_pence")
    return casetype.sealed_labels.get(name) or FIELDS.get(name) or words(plain)


def role_label(casetype: CaseType, code: str) -> str:
    """Return what a kind calls a person's part in it."""
    return dict(casetype.party_roles).get(code, words(code))


# Tasks that are done on a page of their own: the page, and which part of the task's detail its address names.
TASK_PAGES: dict[str, tuple[str, ...]] = {
    "access_review": ("web:access_review", "review"),
    "access_removal": ("person", "user"),
    "access_shut_out": ("web:change", "change"),
    "access_undecided": ("web:change", "change"),
    "person_to_confirm": ("person", "user"),
    "work_not_done": ("web:job", "job"),
    "own_work_not_done": ("web:job", "job"),
    "office_work_not_done": ("web:job", "job"),
}


def task_url(kind: str, detail: Mapping[str, object]) -> str:
    """Return the page on which a task is done, or nothing."""
    page, *names = TASK_PAGES.get(kind) or tasks.PAGES.get(kind, ("",))
    return reverse(page, args=[detail[name] for name in names]) if page and detail.keys() >= set(names) else ""


def task_label(kind: str, detail: Mapping[str, object], *, casetype: CaseType | None = None, agency: str = "") -> str:
    """Return what a task asks for, with the period, the act or the agency it speaks of, or what else its kind says."""
    rule = clocks.RULES.get(str(detail.get("rule", "")))
    more = rule.label.lower() if rule else tasks.MORE[kind](detail) if kind in tasks.MORE else ""
    act = str(detail.get("act", ""))
    if not more and casetype is not None and act in casetype.lifecycle:
        more = casetype.lifecycle[act].label.lower()
    if agency and more in {"", detail.get("agency")}:
        more = agency
    return f"{tasks.label(kind)}: {more}" if more else tasks.label(kind)
