"""What opening a request writes beyond the case itself, and what a request may be about instead of a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from cases.disclosure import authorities, codes, dataitems, gates, keeping, periods
from cases.disclosure.models import DisclosureRequest
from cases.kernel import formats, tasks
from cases.kernel.edits import EditRefused
from cases.kernel.models import Agency, Case, CaseParty
from cases.kernel.oncall import alerts
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = ["PRESERVE", "count_anew", "is_about", "named_by", "open_facts", "urn_token", "urn_tokens"]

PRESERVE = "disclosure_preserve"
tasks.declare({PRESERVE: "Preserve the named recordings before they are overwritten"})
# Recordings that routine overwrites after about a month.
_OVERWRITTEN = frozenset({"cctv", "call_recordings"})
_PLAIN = (
    *("request_type", "came_by", "authority_code", "authority_kind", "grade", "gateway", "purpose"),
    *("is_serious_crime", "granted_date", "items", "begins_at", "ends_at", "is_compliance_required"),
    *("has_sensitive_profession", "is_person_at_risk", "may_tell_subject", "are_costs_agreed", "urn_token"),
    *("oral_given_at", "order_until"),
)
# States in which what a request says is still corrected; later only papers are added.
_CORRECTED = frozenset({"received", "on_notice", "authenticated"})
_SEALED = ("urn", "asked_by", "authoriser", "particulars")


def urn_token(authority_code: str, urn: str) -> bytes:
    """Return the keyed hash of an authority's own number of a request, by which a second one is noticed."""
    return urn_tokens(authority_code, urn)[0]


def urn_tokens(authority_code: str, urn: str) -> list[bytes]:
    """Return the same under every index key that there is, the newest first."""
    return sealing.kept_hashes("disclosure_urn", f"{authority_code}:{urn.strip().upper()}")


def named_by(agency_id: int, reference: str, **_said: object) -> Iterable[int]:
    """Return the requests of an authority that it means by its own number: those that are open, else those that ended.
    It has no word of ours before it was called back, and may cancel before. Two queries, three where none is open."""
    code = Agency.objects.filter(pk=agency_id).values_list("code", flat=True).first()
    if not code:
        return []
    named = DisclosureRequest.objects.filter(
        authority_code=code, urn_token__in=urn_tokens(code, reference), case__is_erased=False
    )
    named = named.exclude(case__state__in=("void", "merged"))
    live = list(named.filter(case__is_closed=False).values_list("case_id", flat=True))
    return live or list(named.values_list("case_id", flat=True))


def is_about(facts: Mapping[str, Any]) -> bool:
    """Say whether a request is about something without naming a person: a place and time in its particulars, or what
    may not be named here."""
    is_nameless = facts.get("request_type") == codes.INTERCEPTION
    return is_nameless or bool(facts.get("particulars")) or bool(facts.get("account_reference"))


def count_anew(case: Case, *, at: datetime) -> None:
    """Let the clocks of a locked case follow its facts, after a change of them; shut what was opened by hand, and
    let stand what was refused on another ground.
    Raises EditRefused when another authority is named than the one that was verified, or something is said to be asked
    for by word of mouth later than now."""
    row = DisclosureRequest.objects.get(pk=case.pk)
    _same_authority(case, row)
    if case.state in _CORRECTED:
        _was_said(row, at=at)
    _open_anew(case, row)
    _stand_again(row)
    keeping.follow(case, at=at)
    periods.align(case, periods.Counted.of(row), at=at)
    if case.state in _CORRECTED and _is_more_urgent(row):
        _ring(case, row, at=at)


def _same_authority(case: Case, row: DisclosureRequest) -> None:
    is_verified = row.came_by == codes.PORTAL or (row.contact_code and case.state == "authenticated")
    if is_verified and row.authority_code != authorities.proven(row):
        raise EditRefused(
            "Another authority was verified. Refuse this request, and enter a new one for the authority that asks."
        )


def _was_said(row: DisclosureRequest, *, at: datetime) -> None:
    if row.oral_given_at is not None and row.oral_given_at > at:
        raise EditRefused("It was asked for by word of mouth in the past: correct that time.")


def _is_more_urgent(row: DisclosureRequest) -> bool:
    """Say whether the act that goes on changed what people are rung for: the grade, or that it was asked by word of
    mouth. A paper that is added changes neither."""
    before = DisclosureRequest.history.filter(case_id=row.pk).exclude(event_id=ledger.current().uid)
    known = before.order_by("-history_id").values_list("grade", "oral_given_at").first()
    return known != (row.grade, row.oral_given_at)


def _open_anew(case: Case, row: DisclosureRequest) -> None:
    """What counsel and an approver opened by hand, they opened for what was asked then: of whom, when and why. After a
    change of that nothing is open. A document that is added changes nothing of it."""
    if not row.allowed_items:
        return
    event = ledger.current().uid
    if any(model.history.filter(case_id=case.pk, event_id=event).exists() for model in (DisclosureRequest, CaseParty)):
        row.allowed_items = []
        row.save(update_fields=["allowed_items"])


def _stand_again(row: DisclosureRequest) -> None:
    """What was refused on a ground that is now corrected stands again, where the corrected one does not shut it: it is
    looked at like anything else that is asked for. What was given is over."""
    if row.released_at is not None or not row.refused_items:
        return
    asking = gates.asking_of(row)
    refused = {
        item: code
        for item, code in row.refused_items.items()
        if item not in row.items or gates.class_gate(item, asking).outcome == "refuse"
    }
    if refused != row.refused_items:
        row.refused_items = refused
        row.save(update_fields=["refused_items"])


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case and start its clocks, inside the current ledger action; what would be
    overwritten is asked to be kept at once. Raises formats.CardNumber, EditRefused."""
    formats.refuse_card_numbers(facts.get(name) for name in _SEALED)
    row = DisclosureRequest(
        case=case, key=case.key, **{name: facts[name] for name in _PLAIN if facts.get(name) is not None}
    )
    if row.urn_token is None and facts.get("urn"):
        row.urn_token = urn_token(row.authority_code, str(facts["urn"]))
    sealing.seal(row, {name: facts.get(name) or None for name in _SEALED}, key=case.key)
    _was_said(row, at=case.opened_at)
    row.save(force_insert=True)
    if row.request_type != codes.INTERCEPTION:
        periods.begin(case, periods.Counted.of(row))
        case.save(update_fields=["due_at"])
    _ring(case, row, at=case.opened_at)
    if row.request_type == codes.PRESERVATION or _OVERWRITTEN & set(row.items) & set(dataitems.ITEMS):
        tasks.raise_task(PRESERVE, case=case, at=case.opened_at)


def _ring(case: Case, row: DisclosureRequest, *, at: datetime) -> None:
    """Have the unit's people on call rung for a request of the first grade, or one made by word of mouth because it
    could not wait."""
    if row.oral_given_at is not None:
        alerts.ring(case, why="urgent_oral", at=at)
    elif row.grade == 1:
        alerts.ring(case, why="grade_one", at=at)
