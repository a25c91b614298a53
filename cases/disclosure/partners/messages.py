"""What a partner is told: one field, in the reply to its question."""

from __future__ import annotations

from cases.kernel import releases

__all__ = ["ALL", "PARTNER_ANSWER"]

PARTNER_ANSWER = releases.MessageKind(
    code="partner_answer",
    label="Answer to a partner's query",
    recipient_kind="bank",  # or a provider
    purpose="check_with_partners",
    necessity="UK GDPR Art 6(1)(f): the partner needs one yes, no or date to stop a fraud on its customer, or to keep "
    "its record of them true.",
    categories={
        **dict.fromkeys(("swapped", "latestSimChange", "verified"), "line_status"),
        "recordMatches": "record_match",
    },
    lists=frozenset(),
    is_reply=True,
)
ALL = (PARTNER_ANSWER,)
releases.declare(*ALL)
