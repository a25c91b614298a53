"""What an applicant who asks is told of a check: decisions with reasons and rules, searches and what they said.

UK GDPR Art 15(1)(h) and 22C. What an agency answered about two people together is not given to one of them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Model

from cases.credit import codes
from cases.credit.models import CheckDecision, Search
from cases.kernel.models import Case
from cases.kernel.outputs.papers import Item, filled, moment
from cases.ledger import sealing
from cases.ledger.sealing import Reader

__all__ = ["for_subject", "texts"]

_OUTCOMES, _LEVELS, _SEARCHES = dict(codes.OUTCOMES), dict(codes.LEVELS), dict(codes.SEARCHES)
_SEEN_BY = {
    "others": "Others see it",
    "perhaps_others": "Others may see it",
    "person": "Only you see it",
    "nobody": "None",
}
_STATES = {
    "asked": "Asked, no answer yet",
    "answered": "Answered",
    "refused": "Refused by the agency",
    "unreadable": "The answer could not be read",
}
_SAID = {
    "score": "Score",
    "notice_of_correction": "Notice of correction",
    "applications_differ": "Details differ from earlier applications",
    "insolvent": "Insolvency",
    "identity": "Identity",
    "fraud_match": "Record of the fraud prevention agency",
    "alert_match": "Address in the retailers' alert",
}
_WORDS = {
    "pass": "Confirmed",
    "refer": "Not confirmed, a person looks",
    "fail": "Not confirmed",
    "none": "None",
    "adverse": "One speaks against the application",
    "protective": "One protects against impersonation",
    "True": "Yes",
    "False": "No",
}


def for_subject(case: Case, _roles: Collection[str], *, reader: Reader, at: datetime) -> Sequence[Item]:
    """Return the decisions and the searches of a check, opened. Two queries, and one access row where a search has an
    answer."""
    return [*_referral(case), *_decisions(case), *_searches(case, reader, at=at)]


def _referral(case: Case) -> list[Item]:
    reasons = codes.outward(case.check_facts.referred_for)
    return [Item(head="referred to a person", rows=filled(("Because", "; ".join(reasons))))] if reasons else []


def _decisions(case: Case) -> list[Item]:
    return [
        Item(
            head="decisions",
            rows=filled(
                ("No.", str(row.number)),
                ("Decided", moment(row.decided_at)),
                ("Decision", _OUTCOMES.get(row.outcome, row.outcome)),
                ("How", _LEVELS.get(row.automated_level, row.automated_level)),
                ("Reasons", "; ".join(row.reason_words)),
                ("On whose word", codes.said_by(row.reasons)),
                ("What the notice names", "; ".join(row.trigger_words)),
                ("Rules", row.ruleset),
            ),
        )
        for row in CheckDecision.objects.filter(case=case).order_by("number")
    ]


def _searches(case: Case, reader: Reader, *, at: datetime) -> list[Item]:
    rows = list(Search.objects.filter(case=case).select_related("agency").order_by("pk"))
    kept = [row for row in rows if row.result is not None and not row.is_joint]
    opened = sealing.open_rows(kept, ("result",), reader=reader, at=at) if kept else []
    said = {row.pk: _said(values["result"]) for row, values in zip(kept, opened, strict=True)}
    return [
        Item(
            head="searches and footprints",
            rows=(
                *filled(
                    ("Agency", row.agency.display_name),
                    ("Search", _SEARCHES.get(row.search_type, row.search_type)),
                    ("Footprint", _SEEN_BY[row.seen_by]),
                    ("Asked", moment(row.asked_at)),
                    ("Notice shown", row.notice_version),
                    ("State", _STATES.get(row.state, row.state)),
                    ("Agency's reference", row.footprint),
                ),
                *said.get(row.pk, ()),
            ),
        )
        for row in rows
    ]


def _said(result: str | None) -> list[tuple[str, str]]:
    """Return what an agency answered, in words. An erased answer says nothing."""
    try:
        known: dict[str, Any] = json.loads(result or "{}")
    except ValueError:
        return []
    return [(label, _WORDS.get(str(known[name]), str(known[name]))) for name, label in _SAID.items() if name in known]


def texts(case: Case) -> Sequence[tuple[Model, str, str]]:
    """Return how a person took part in each decision, as they wrote it. One query."""
    rows = CheckDecision.objects.filter(case=case, involvement__isnull=False).order_by("number")
    return [(row, "involvement", f"How a person took part in decision {row.number}") for row in rows]
