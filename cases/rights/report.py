"""What the case page and the audit report say about a rights request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cases.kernel import calendars
from cases.kernel.casetypes import Check, Table
from cases.kernel.models import Agency, Case
from cases.kernel.outputs.papers import moment
from cases.rights import codes, erasing, guards, held, identity, recipients, restricting, texts

__all__ = ["amount", "checks", "context", "facts_view", "tables", "topic", "topic_label"]

_RIGHTS, _CHANNELS, _PURPOSES = dict(codes.RIGHTS), dict(codes.CHANNELS), dict(codes.PURPOSES)
_IDENTITY, _OUTCOMES, _REFUSALS = dict(codes.IDENTITY), dict(codes.OUTCOMES), dict(codes.REFUSALS)

_BY = {"data_protection": "A restriction", "objection": "An objection"}
_HOW = {
    "notice": "By a notice",
    "family": "By its own message: a task of the matter's team",
    "by_hand": "By hand: a task of the matter's team",
}


def topic(facts: Mapping[str, Any]) -> str:
    return str(facts.get("right") or codes.ACCESS)


def topic_label(code: str) -> str:
    return _RIGHTS.get(code, code)


def amount(_facts: Mapping[str, Any]) -> int | None:
    return None


def _listed(given: list[str], words: Mapping[str, str], *, none: str) -> str:
    return ", ".join(words.get(each, each) for each in given) or none


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed."""
    facts = case.rights_request
    rows = [
        ("Right", _RIGHTS.get(facts.right, facts.right)),
        ("Reached us by", dict(codes.CAME_BY).get(facts.came_by, facts.came_by)),
        ("Received", calendars.spoken(facts.received_at)),
    ]
    if guards.is_stop(facts):
        rows.append(("Channels", _listed(facts.channels, _CHANNELS, none="All")))
    if facts.purposes:
        rows.append(("Purposes", _listed(facts.purposes, _PURPOSES, none="All")))
    if facts.wording_version:
        rows.append(("Wording they saw", facts.wording_version))
    if facts.identity_how:
        rows.append(("Identity", _IDENTITY.get(facts.identity_how, facts.identity_how)))
    if facts.outcome:
        rows.append(("What came of it", _OUTCOMES.get(facts.outcome, facts.outcome)))
    if facts.given_how:
        rows.append(
            (
                "Pack given" if facts.right == codes.ACCESS else "Copy given",
                f"{dict(codes.GIVEN).get(facts.given_how, facts.given_how)}, {facts.given_proof}",
            )
        )
    if facts.refusal_code:
        label = "The rest is not done because" if facts.outcome else "Refused because"
        rows.append((label, _REFUSALS.get(facts.refusal_code, facts.refusal_code)))
    return rows


def tables(case: Case) -> Sequence[Table]:
    """Return what becomes of each matter of a person who asks for erasure, and whoever had been told and heard of a
    change, as the person may ask. One query where there is any, and some for each matter to be erased."""
    return (*_erased(case), *_held(case), *_told(case))


def _erased(case: Case) -> Sequence[Table]:
    if case.rights_request.right != codes.ERASE:
        return ()
    return (
        Table(
            title="What else is held",
            columns=("Matter", "What becomes of it"),
            rows=tuple(erasing.fates(case)),
            empty="Nothing but this request that can be shown here.",
        ),
    )


def _held(case: Case) -> Sequence[Table]:
    """Return where the use of a person's data is restricted now. Three queries."""
    if case.rights_request.right not in {codes.LIFT, *codes.STOPS_USE}:
        return ()
    rows = tuple((each.case.reference, moment(each.began_at), _BY[each.kind]) for each in restricting.holds_of(case))
    nothing = "In no matter that can be shown here."
    return (Table(title="Use is stopped in", columns=("Matter", "Since", "By"), rows=rows, empty=nothing),)


def _told(case: Case) -> Sequence[Table]:
    facts = case.rights_request
    if facts.right not in recipients.CHANGES or not facts.outcome:
        return ()
    names = (
        dict(
            Agency.objects.filter(code__in={each["agency"] for each in facts.told_before}).values_list(
                "code", "display_name"
            )
        )
        if facts.told_before
        else {}
    )
    rows = tuple(
        (names.get(each["agency"], each["agency"]), each["matter"], _HOW.get(each["how"], each["how"]))
        for each in facts.told_before
    )
    return (
        Table(
            title="Whoever was told before",
            columns=("Recipient", "Matter", "How they hear of it"),
            rows=rows,
            empty="Nobody who had to hear of it.",
        ),
    )


def checks(case: Case) -> list[Check]:
    """Return how the request stands; of one for access also why no pack can be made of it yet. Two queries at most,
    and some for each matter of whoever asks for access."""
    facts = case.rights_request
    if guards.is_stop(facts):
        return [Check(label="Counts since it was received", is_clear=True)]
    found = []
    if facts.right in guards.NEEDS_IDENTITY:
        is_known = identity.is_known(case)
        changed = "What is said of them changed since it was checked" if facts.identity_at and not is_known else ""
        found.append(Check(label="It is the person who asks", is_clear=is_known, detail=changed))
    if facts.right in guards.NEEDS_ALL and not case.is_closed:
        unknown = held.why_not_all(case)
        found.append(Check(label="It is known what else is held of them", is_clear=not unknown, detail=unknown))
    if facts.right == codes.ACCESS and not case.is_closed:
        unread, waits = texts.left(case)
        left = f"Still to read: {unread}" if unread else waits
        found.append(Check(label="What may speak of others is read through", is_clear=not left, detail=left))
    return found


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case)}
