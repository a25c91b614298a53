"""Turns the ledger's codes into words: verbs, names of rows and fields, values old and new. Reads no database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.db import models

from cases.kernel import calendars, clocks, money, notice, releases, retention, tasks
from cases.kernel.casetypes import CaseType
from cases.ledger.models import DataKey

__all__ = ["Words", "capital", "code_lists", "day", "moment", "plain", "spoken"]

NOTHING = "nothing"
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
CODE = re.compile(r"[a-z]+(_[a-z0-9]+)*")
# Columns that only tie rows together, or move with every act; the attachment holds them.
UNSPOKEN = frozenset(
    {"case", "key", "blob", "version", "changed_at", "raised_by_event", "incident_token", "incident_tokens"}
)
# Of a new row these say nothing that its own chapter does not say in full.
UNSPOKEN_WHEN_NEW = frozenset(
    {"sha256", "digest", "explanation", "fields", "clause", "documents", "source", "retention_class"}
)
VERBS: Mapping[str, str] = {
    "case.opened": "Opened the case",
    "case.edited": "Changed the case",
    "case.package_changed": "Worked on what will be given",
    "case.copy_purged": "Destroyed our copy of what was given",
    "case.noted": "Wrote a note",
    "case.texts_read": "Read through what may speak of others",
    "case.assigned": "Assigned the case",
    "case.returned": "Put the case back in the queue",
    "case.evidence_added": "Added a document",
    "case.on_call_acknowledged": "Said that they have what is urgent here",
    "case.documents_disposed": "Erased the documents, their time being over",
    "case.messages_erased": "Erased what messages said, their time being over",
    "case.replies_erased": "Erased what was replied to messages, their time being over",
    "case.erasure_decided": "Agreed to erase all that the case holds",
    "case.erased": "Erased all that the case held",
    "case.person_erased": "Erased what the case said of a person whose time was over",
    "case.erasure_lapsed": "Ended the decision to erase: the case was opened again",
    "case.erasure_waits": "Noted that erasing waits for long",
    "case.evidence_scan_asked": "Asked for another virus scan",
    "case.evidence_scanned": "Noted the result of a virus scan",
    "case.evidence_handed_out": "Downloaded a document",
    "case.evidence_shown": "Looked at a page of a document",
    "case.evidence_played": "Played a recording",
    "case.evidence_damaged": "Found a stored document not as it was taken in",
    "case.party_added": "Added a person",
    "link.made": "Linked the case with another",
    "link.removed": "Removed a link with another case",
    "conflict.declared": "Declared a conflict of interest",
    "conflict.ended": "Ended a conflict of interest",
    "task.closed": "Closed a task",
    "task.taken": "Took a task",
    "task.handed_on": "Handed a task on",
    "clock.breached": "A period ended without what was due",
    "clock.warned": "Noted that a period ends soon",
    "clock.started": "Began a period that was missing",
    "clock.not_ended": "Noted that a period could not be ended by itself",
    "clock.not_recounted": "Noted that a period could not be counted anew when the calendar changed",
    "clock.recounted": "Counted a period anew: the calendar changed",
    "case.glass_closed": "Ended an emergency look before its time",
    "case.glass_review_recounted": "Counted anew until when an emergency look is reviewed: the calendar changed",
    "clock.met": "Met a period",
    "message.dead": "Gave up delivering a message",
    "suspicion_report.delivered": "Noted that the unit has the report",
    "suspicion_report.not_taken": "Noted that the unit did not take the report",
    "breach.delivered": "Noted that the Commissioner has the notice",
    "breach.not_taken": "Noted that the Commissioner's system did not take the notice",
    "breach.acknowledged": "Noted the Commissioner's reference",
    "message.skipped": "Skipped a message",
    "message.tried_again": "Had a message tried again",
    "message.arrived_after_all": "Noted that a message had arrived after all",
    "callback.unreadable": "Could not read a callback",
    "callback.applied_late": "Took note of a late callback",
    "report.requested": "Asked for an audit report",
    "report.started": "Began to make an audit report",
    "report.made": "Made an audit report",
    "report.erased": "Erased a report, its time being over",
    "report.failed": "Could not make an audit report",
    "letter.rendered": "Wrote a letter and gave it to the post",
    "letter.withdrawn": "Withdrew a letter",
    "letter.held": "Kept a letter back while a hold stops contact",
    "letter.failed": "Could not write a letter",
    "letter.dispatched": "Put a letter in the post",
    "letter.returned": "Reported a letter returned",
    "act.proposed": "Proposed an act that another must agree to",
    "act.agreed": "Agreed, and another must agree too",
    "act.declined": "Declined a proposed act",
    "act.withdrawn": "Took a proposal back",
    "act.dropped": "A proposal was taken back, since whoever had made it left",
    "act.confirmed": "Looked at an act and confirmed it",
    "act.not_confirmed": "Looked at an act and did not confirm it",
    "callback.matched": "Matched a callback with the case",
    "case.glass_broken": "Opened the case in an emergency",
    "case.glass_reviewed": "Reviewed an emergency look",
    "case.merged_from": "Merged another case into this one",
    "case.linked_decision_fell": "Noted that a decision on a linked case does not stand",
    "case.snoozed": "Put the case aside",
    "case.woken": "Brought the case back",
    "case.work_not_done": "Noted that work of the case was left undone",
    "case.work_done": "Noted that work of the case was done after all",
    "clock.extended": "Extended a period",
    "correction.acknowledged": "Noted that a recipient has the correction",
    "correction.refused": "Noted that a recipient refused the correction",
    "hold.entered": "Held the case",
    "hold.review_due": "Noted that a hold is to be looked at again",
    "letter.refused": "Noted that the post house did not take a letter",
    "message.answered_late": "Noted a late answer to a message",
    "message.chased": "Asked again for an answer",
    "message.outcome_applied": "Took note of what became of a message",
    "message.received": "Noted that a message has arrived",
    "person.joined": "Said that a person here is the same as in another case",
    "person.kept_apart": "Said that a person here is not the one of another case",
    "person.parted": "Separated a person here from other cases",
    "recipients.told": "Had whoever was told before told of a change",
    "removal.transmitted": "Noted that a removal has arrived",
}


def plain(code: str) -> str:
    """Write a code as words; leave anything else as it is."""
    return code.replace("_", " ") if CODE.fullmatch(code) else code


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def moment(value: datetime) -> str:
    """Write a moment to the second, in London time."""
    local = value.astimezone(calendars.LONDON)
    return f"{day(local.date())} {local:%H:%M:%S}"


def spoken(value: Any) -> str:
    """Write a value that has no column of its own: a date as a day, a list with commas, a code as words."""
    if isinstance(value, list | tuple):
        return ", ".join(spoken(each) for each in value)
    text = str(value)
    return _date(text) if ISO_DATE.fullmatch(text) else plain(text)


def _datetime(text: Any) -> str:
    return moment(datetime.fromisoformat(text))


def _date(text: Any) -> str:
    return day(date.fromisoformat(text))


def _yes_no(value: Any) -> str:
    return "yes" if value else "no"


TYPED: tuple[tuple[type[Any], Callable[[Any], str]], ...] = (
    (models.BooleanField, _yes_no),
    (models.DateTimeField, _datetime),
    (models.DateField, _date),
)


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words of one case: what its kind calls its codes, and who and what stands behind numbers of rows."""

    casetype: CaseType
    people: Mapping[int, str] = field(default_factory=dict)
    actors: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[tuple[str, Any], str] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)

    def actor(self, label: str) -> str:
        """Return who an actor label stands for, with the label itself."""
        name = self.actors.get(label, "")
        return f"{name} ({label})" if name else label

    def verb(self, verb: str) -> str:
        group, _, name = verb.partition(".")
        if group == self.casetype.code and name in self.casetype.lifecycle:
            return self.casetype.lifecycle[name].label
        return self.casetype.said.get(verb) or VERBS.get(verb) or capital(plain(verb.replace(".", " ")))

    def state(self, code: str) -> str:
        return self.casetype.lifecycle.state(code).label

    def row(self, label: str, pk: Any) -> str:
        """Return what a row is called: its own name in this case, or that of its table."""
        return self.rows.get((label, pk)) or apps.get_model(label)._meta.verbose_name or label

    def change(self, entry: Mapping[str, Any]) -> str:
        """Return one changed row as one sentence: what was added, changed or removed, each field old and new."""
        name = capital(self.row(entry["m"], entry["k"]))
        if entry["op"] == "-":
            return f"{name} removed"
        meta = apps.get_model(entry["m"])._meta
        clear = {meta.get_field(column): pair for column, pair in entry.get("f", {}).items() if column not in UNSPOKEN}
        sealed = [self.field(meta.get_field(column)) for column in entry.get("s", ())]
        if entry["op"] == "+":
            return f"{name} added: {'; '.join([*self._new(clear), *(f'{each} (sealed)' for each in sealed)])}"
        told = [
            f"{self.field(column)} {self.value(column, old)} → {self.value(column, new)}"
            for column, (old, new) in clear.items()
        ]
        told += [f"{each} changed (sealed)" for each in sealed]
        return f"{name} changed: {'; '.join(told)}" if told else ""

    def _new(self, clear: Mapping[Any, Any]) -> list[str]:
        """Return what a new row says: no empty value, no plain no, nothing its own chapter tells."""
        return [
            self._said(column, new)
            for column, (_, new) in clear.items()
            if new not in (None, "", [], {}, False) and column.name not in UNSPOKEN_WHEN_NEW
        ]

    def _said(self, column: Any, value: Any) -> str:
        """Return name and value, without saying the name twice: message 1, not message message 1."""
        name, shown = self.field(column), self.value(column, value)
        return shown if shown.startswith(f"{name} ") else f"{name} {shown}"

    def field(self, column: Any) -> str:
        """Return what a column is called: as people who type it know it, else by its own name."""
        label = f"{column.model._meta.label_lower}.{column.name}"
        return self.columns.get(label) or column.verbose_name.replace("_", " ").removesuffix(" pence")

    def value(self, column: Any, value: Any) -> str:
        """Return a stored value in words."""
        if value in (None, "", []):
            return NOTHING
        if column.is_relation:
            return self._related(column.related_model, value)
        for kind, write in TYPED:
            if isinstance(column, kind):
                return write(value)
        if column.name.endswith("_pence"):
            return money.pounds(value)
        return self._coded(column, value)

    def _related(self, model: type[models.Model], pk: Any) -> str:
        if model is DataKey:
            return "key"
        if model._meta.label_lower == "cases.user":
            return self.people.get(pk, f"person {pk} of the staff")
        return self.row(model._meta.label_lower, pk)

    def _coded(self, column: Any, value: Any) -> str:
        known = self.labels.get(f"{column.model._meta.label_lower}.{column.name}", {})
        if isinstance(value, bool):
            return _yes_no(value)
        if isinstance(value, list):
            return ", ".join(self._coded(column, each) for each in value)
        if isinstance(value, Mapping):
            told = ((known.get(str(name)) or plain(str(name)), each) for name, each in value.items())
            return ", ".join(f"{name}: {self._coded(column, each)}" for name, each in told)
        if value in self.actors:
            return self.actor(value)
        return known.get(value) or spoken(value)


def _forms(casetype: CaseType) -> Iterator[tuple[str, str, Any]]:
    """Yield model, column and typed field for what people type about a case of this kind, and with its steps."""
    facts = casetype.facts._meta.label_lower
    steps = [(facts, each) for each in casetype.transition_forms.values()]
    for model, form in (*steps, (facts, casetype.facts_form), ("cases.caseparty", casetype.party_form)):
        for name, typed in getattr(form, "base_fields", {}).items():
            yield model, name, typed


def column_names(casetype: CaseType) -> dict[str, str]:
    """Return what people call the columns they type, by model and column."""
    typed = {f"{model}.{name}": str(each.label).removesuffix(", in pounds") for model, name, each in _forms(casetype)}
    named = {**casetype.sealed_labels, **casetype.column_labels}
    return typed | {_full(casetype, name): label for name, label in named.items()}


def _full(casetype: CaseType, name: str) -> str:
    """Return a column's name with its row's: that of the facts where it names none."""
    return name if "." in name else f"{casetype.facts._meta.label_lower}.{name}"


def code_lists(casetype: CaseType) -> dict[str, Mapping[str, str]]:
    """Return the labels of stored codes, by model and column: the kernel's tables and the kind's own lists."""
    typed = ((f"{model}.{name}", _choices(each)) for model, name, each in _forms(casetype) if hasattr(each, "choices"))
    return {
        **{column: known for column, known in typed if known},
        **{_full(casetype, name): known for name, known in casetype.stored_codes.items()},
        **dict.fromkeys(("cases.case.retention_class", "cases.caseparty.retention_class"), _kept_as()),
        "cases.case.state": {state.code: state.label for state in casetype.lifecycle.all_states},
        "cases.clock.rule": {rule.code: rule.label for rule in clocks.RULES.values()},
        "cases.suspicionreport.submitted_from": {code: label for code, (_, label) in calendars.JURISDICTIONS.items()},
        "cases.clock.jurisdiction": {code: label for code, (_, label) in calendars.JURISDICTIONS.items()},
        "cases.caseparty.role": dict(casetype.party_roles),
        "cases.evidence.kind": dict(casetype.evidence_kinds),
        "cases.task.kind": dict(tasks.LABELS),
        "cases.release.message_kind": {code: releases.label(code) for code in releases.KINDS}
        | dict(casetype.message_labels),
        "cases.releaseditem.category": {each.code: each.label for each in notice.CATEGORIES.values()},
        "cases.releaseditem.gateway": {each.code: each.label for each in notice.GATEWAYS.values()},
    }


def _kept_as() -> Mapping[str, str]:
    return {row.code: row.name for row in retention.CLASSES.values()}


def _choices(typed: Any) -> Mapping[str, str]:
    """Return the choices of a form's field, groups taken apart."""
    flat: dict[str, str] = {}
    for code, label in typed.choices:
        flat |= dict(label) if isinstance(label, list | tuple) else {code: label}
    return flat
