"""The entries of a case's story in words: who, did what, with which icon. Codes in, sentences out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from cases.kernel import casetypes, clocks
from cases.kernel.calendars import LONDON
from cases.kernel.casetypes import CaseType
from cases.kernel.linking import links
from cases.kernel.models import Case
from cases.kernel.reading.timeline import Change, Entry
from cases.reports.words import VERBS as REPORTED
from cases.web.onecase.changes import Tongue
from cases.web.wording import words

__all__ = ["Day", "Told", "act_label", "days"]


@dataclass(frozen=True, kw_only=True)
class Said:
    """How one verb reads: what was done, its strong part, its icon and its look."""

    what: str
    strong: str = ""
    icon: str = "circle-dot"
    look: str = "system"


VERBS: Mapping[str, Said] = {
    "case.opened": Said(what="opened the case", icon="plus"),
    "case.edited": Said(what="changed the case", icon="pencil", look="change"),
    "case.package_changed": Said(what="worked on what will be given", icon="pencil", look="change"),
    "case.copy_purged": Said(what="destroyed our copy of what was given", icon="trash-2"),
    "case.noted": Said(what="wrote a note", icon="message-square", look="note-e"),
    "case.assigned": Said(what="assigned the case", icon="user-plus"),
    "case.returned": Said(what="put the case back in the queue", icon="inbox"),
    "case.evidence_added": Said(what="added a document", icon="paperclip"),
    "case.on_call_acknowledged": Said(what="said that they have", strong="what is urgent here", icon="bell-ring"),
    "case.documents_disposed": Said(
        what="erased for good, their time being over,", strong="the documents", icon="trash-2"
    ),
    "case.messages_erased": Said(
        what="erased for good, their time being over,", strong="the words of messages", icon="trash-2"
    ),
    "case.replies_erased": Said(
        what="erased for good, their time being over,", strong="the replies to messages", icon="trash-2"
    ),
    "case.erasure_decided": Said(what="agreed to erase", strong="all that this case holds", icon="trash-2"),
    "case.person_erased": Said(what="erased for good", strong="what the case said of a person", icon="trash-2"),
    "case.erased": Said(what="erased for good", strong="all that this case held", icon="trash-2"),
    "case.erasure_lapsed": Said(what="ended the decision to erase: the case was", strong="opened again", icon="undo-2"),
    "case.erasure_waits": Said(what="noted that", strong="erasing waits for long", icon="alarm-clock"),
    "case.evidence_scan_asked": Said(what="asked for", strong="another virus scan", icon="scan-search"),
    "case.evidence_scanned": Said(what="noted the result of", strong="a virus scan", icon="scan-search"),
    "case.evidence_handed_out": Said(what="downloaded a document", icon="download"),
    "case.evidence_played": Said(what="played a recording", icon="play"),
    "case.evidence_shown": Said(what="looked at a page of a document", icon="eye"),
    "case.evidence_damaged": Said(
        what="found", strong="a stored document damaged", icon="file-exclamation-point", look="change"
    ),
    "person.joined": Said(what="said that a person here is", strong="the same as in another case", icon="link"),
    "person.kept_apart": Said(what="said that a person here is", strong="not the one of another case", icon="unlink"),
    "person.parted": Said(what="separated a person here from", strong="other cases", icon="unlink"),
    "case.party_added": Said(what="added a person", icon="user-plus", look="change"),
    "clock.warned": Said(what="noted that", strong="a period ends soon", icon="alarm-clock"),
    "clock.started": Said(what="began", strong="a period that was missing", icon="alarm-clock"),
    "clock.not_ended": Said(what="noted that", strong="a period could not be ended", icon="calendar-sync"),
    "clock.not_recounted": Said(what="noted that", strong="a period could not be counted anew", icon="calendar-sync"),
    "clock.recounted": Said(what="counted anew", strong="when a period ends", icon="calendar-sync"),
    "hold.entered": Said(what="held the case:", icon="octagon-pause", look="change"),
    "hold.review_due": Said(what="noted that", strong="a hold is to be looked at again", icon="alarm-clock"),
    "case.linked_decision_fell": Said(
        what="noted that", strong="a decision on a linked case does not stand", icon="scale"
    ),
    "case.snoozed": Said(what="put the case aside", icon="bell-off"),
    "case.woken": Said(what="brought the case back", icon="bell-off"),
    "link.made": Said(what="linked this case with another:", icon="link", look="change"),
    "link.removed": Said(what="removed a link with another case:", icon="unlink", look="change"),
    "conflict.declared": Said(what="declared", strong="a conflict of interest", icon="shield-ban"),
    "conflict.ended": Said(what="ended", strong="a conflict of interest", icon="shield-check"),
    "case.merged_from": Said(what="merged another case into this one", icon="merge"),
    "clock.breached": Said(what="noted that", strong="a period is over", icon="alarm-clock"),
    "case.glass_closed": Said(what="ended", strong="an emergency look before its time", icon="siren"),
    "task.closed": Said(what="closed a task", icon="list-checks"),
    "task.taken": Said(what="took a task", icon="user-check"),
    "task.handed_on": Said(what="handed a task on", icon="user-plus"),
    "case.texts_read": Said(what="read through", strong="what may speak of others", icon="book-open-check"),
    "report.requested": Said(what="asked for an audit report", icon="printer"),
    "report.made": Said(what="made an audit report", icon="file-check"),
    "report.erased": Said(what="erased for good, its time being over,", strong="a report", icon="trash-2"),
}


# What some verbs are more exactly, by what their detail says.
PARTS: Mapping[tuple[str, str], Said] = {
    ("case.package_changed", what): Said(what=said, strong=strong, icon=icon, look="change")
    for what, said, strong, icon in (
        ("reasons", "wrote", "why an item is given", "pencil"),
        ("holder", "entered", "who held an address", "pencil"),
        ("holder_removed", "took back", "who held an address", "undo-2"),
        ("file", "put in what will be given:", "a file", "paperclip"),
        ("file_removed", "took out of what will be given:", "a file", "trash-2"),
    )
}


# What is said of an act of several people; its strong part is the act.
ACTS: Mapping[str, Said] = {
    "act.proposed": Said(what="proposed:", icon="git-pull-request-arrow", look="decision-e"),
    "act.agreed": Said(what="agreed, and another must agree too:", icon="badge-check", look="decision-e"),
    "act.declined": Said(what="declined:", icon="circle-slash", look="decision-e"),
    "act.withdrawn": Said(what="took back:", icon="undo-2", look="decision-e"),
    "act.dropped": Said(what="ended the access of whoever had proposed, so it is taken back:", icon="undo-2"),
    "act.confirmed": Said(what="looked at it and confirmed:", icon="badge-check", look="decision-e"),
    "act.not_confirmed": Said(what="did not confirm:", icon="circle-alert", look="decision-e"),
}

# Words with which what somebody did begins: who did it stands before them.
DONE = frozenset(text.partition(" ")[0] for text in REPORTED.values()) - {"A"} | {"Decided"}


@dataclass(frozen=True, kw_only=True)
class Told:
    """One entry as the page shows it; `others` are older ones that read the same."""

    entry: Entry
    said: Said
    sub: str
    changes: tuple[tuple[str, Change, str, str], ...]
    others: tuple[Entry, ...] = ()

    @property
    def times(self) -> int:
        return 1 + len(self.others)


@dataclass(frozen=True, kw_only=True)
class Day:
    """The entries of one London day."""

    date: date
    entries: list[Told]


ACTORS = {
    "staff:": ("chose", "decision-e", "badge-check"),
    "agency:": ("answered:", "agency", "mail"),
    "system:": ("recorded:", "system", "cpu"),
}


def _of_transition(casetype: CaseType, name: str, actor: str) -> Said:
    what, look, icon = next((said for kind, said in ACTORS.items() if actor.startswith(kind)))
    return Said(what=what, strong=casetype.lifecycle[name].label, icon=icon, look=look)


def _said(casetype: CaseType, entry: Entry) -> Said:
    group, _, name = entry.verb.partition(".")
    if group == casetype.code and name in casetype.lifecycle:
        return _of_transition(casetype, name, entry.actor)
    if group == "act" and entry.verb in ACTS:
        known = casetype.lifecycle
        act = str(entry.detail.get("act", ""))
        return replace(ACTS[entry.verb], strong=known[act].label if act in known else words(act))
    if entry.verb in VERBS:
        return PARTS.get((entry.verb, str(entry.detail.get("what", ""))), VERBS[entry.verb])
    look = "agency" if entry.actor.startswith("agency:") else "system"
    icon = "mail" if group in {"message", "callback", "agency", "letter"} else "cpu"
    text = _in_words(casetype, entry.verb)
    if text.partition(" ")[0] in DONE:
        return Said(what=f"{text[:1].lower()}{text[1:]}", icon=icon, look=look)
    return Said(what="recorded:", strong=text, icon=icon, look=look)


def act_label(casetype: CaseType, verb: str) -> str:
    """Return what an act is called: the kind's own step, or the verb in words."""
    group, _, name = verb.partition(".")
    is_move = group == casetype.code and name in casetype.lifecycle
    return casetype.lifecycle[name].label if is_move else _in_words(casetype, verb)


def _in_words(casetype: CaseType, verb: str) -> str:
    return casetype.said.get(verb) or REPORTED.get(verb) or words(verb)


def _sub(casetype: CaseType, entry: Entry) -> str:
    before, after = entry.detail.get("from"), entry.detail.get("to")
    parts = []
    if before and after and before != after and entry.verb.startswith(f"{casetype.code}."):
        parts.append(f"{casetype.lifecycle.state(before).label} → {casetype.lifecycle.state(after).label}")
    parts += _named(casetype, entry.detail)
    parts += _moved(entry.detail)
    if entry.verb == "case.merged_from" or entry.verb.endswith(".split"):
        parts.append(str(entry.detail.get("reference", "")))
    voided = sum(change.field == "voided_at" and bool(change.new) for change in entry.changes)
    if voided:
        parts.append(f"{'An approval' if voided == 1 else f'{voided} approvals'} became void")
    return ". ".join(parts)


def _named(casetype: CaseType, detail: Mapping[str, object]) -> list[str]:
    """Return what codes of the detail stand for: a period, an item, a paper, a link as either side calls it."""
    places = ("rule", "item", "level", "link", links.BACK)
    rule, item, paper, link, back = (str(detail.get(name, "")) for name in places)
    found = (
        clocks.RULES[rule].label if rule in clocks.RULES else "",
        casetype.stored_codes.get("items", {}).get(item, ""),
        casetype.papers[paper].label if paper in casetype.papers else "",
        links.KINDS[link].label if link in links.KINDS else "",
        links.KINDS[back].back if back in links.KINDS else "",
    )
    return [label for label in found if label]


def _moved(detail: Mapping[str, object]) -> list[str]:
    """Return from which day to which the end of a period moved."""
    days = [date.fromisoformat(str(detail[name])) for name in ("from_date", "to_date") if detail.get(name)]
    return [" → ".join(f"{day:%-d %B %Y}" for day in days)] if len(days) == 2 else []  # noqa: PLR2004 -- from and to


def _told(casetype: CaseType, entry: Entry, tongue: Tongue) -> Told:
    return Told(entry=entry, said=_said(casetype, entry), sub=_sub(casetype, entry), changes=tongue.told(entry))


def _reads_like(one: Told, other: Told) -> bool:
    """Say whether two entries read the same but for their time: the second would tell nothing that the first does not.
    What was written by hand is never left out."""
    is_written = any((one.entry.note, one.entry.reason, other.entry.note, other.entry.reason))
    same = (one.entry.actor, one.said, one.sub) == (other.entry.actor, other.said, other.sub)
    shown = [[(label, each.is_sealed, *values) for label, each, *values in told.changes] for told in (one, other)]
    return not is_written and same and shown[0] == shown[1]


def _gathered(told: Iterable[Told]) -> list[Told]:
    """Return entries with a run of equal ones as one, which says how many it stands for and since when."""
    found: list[Told] = []
    for each in told:
        if found and _reads_like(found[-1], each):
            found[-1] = replace(found[-1], others=(*found[-1].others, each.entry))
        else:
            found.append(each)
    return found


def days(case: Case, entries: Iterable[Entry]) -> list[Day]:
    """Return the entries in words, grouped by London day, in the order given. Load the case with its people."""
    casetype = casetypes.get(case.kind)
    tongue = Tongue(casetype, {person.pk: person.number for person in case.parties.all()})
    grouped = groupby(entries, key=lambda entry: entry.at.astimezone(LONDON).date())
    return [
        Day(date=day, entries=_gathered(_told(casetype, entry, tongue) for entry in found)) for day, found in grouped
    ]
