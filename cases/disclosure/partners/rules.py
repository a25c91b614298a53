"""Who may do what to a partner's query and when: nobody by hand but look, and put right what was opened in error."""

from __future__ import annotations

from django.db.models import Model

from cases.disclosure.partners import effects, guards, simevents
from cases.disclosure.partners.models import PartnerQuery
from cases.kernel.lifecycle import Lifecycle, State, Transition
from cases.kernel.models import Case, CaseParty
from cases.kernel.policy import Rule

__all__ = ["LIFECYCLE", "POLICY", "approval_rows"]

_KIND = "partner_query"
_SYSTEM = frozenset({"system"})
_DESK = frozenset({"disclosure_officer", "disclosure_approver"})
_READERS = _DESK | frozenset({"legal_counsel", "fraud_analyst", "fraud_approver", "rights_officer"})
_OVERSIGHT = frozenset({"auditor", "data_protection_officer"})

POLICY = (
    *(Rule(act=act, kind=_KIND, roles=_READERS, scope="all") for act in ("view", "reveal")),
    *(Rule(act=act, kind=_KIND, roles=_DESK) for act in ("note", "report", "view_audit", "close_task", "assign")),
    Rule(act="match", kind=_KIND, roles=frozenset({"disclosure_officer"})),
    *(
        Rule(act=act, kind=_KIND, roles=_OVERSIGHT, scope="all", needs_reason=True)
        for act in ("view", "report", "view_audit")
    ),
    Rule(act="view_partners", kind=_KIND, roles=_READERS | _OVERSIGHT | {"system_administrator"}, scope="all"),
    Rule(act=simevents.ACT, kind=_KIND, roles=frozenset({"own-network", "disclosure_officer"}), scope="all"),
)


def approval_rows(case: Case) -> list[Model]:
    """Return what is on record of a query."""
    return [PartnerQuery.objects.get(pk=case.pk), *CaseParty.objects.filter(case=case).order_by("number")]


LIFECYCLE = Lifecycle(
    initial="received",
    desk=frozenset({"disclosure_officer"}),
    second="disclosure_approver",
    reopens_to="answered",
    final=frozenset({"refused", "closed"}),
    opening_roles=frozenset({"agency"}),
    steps=(("received", "Received"), ("answered", "Answered"), ("closed", "Closed")),
    states=(
        State(code="received", label="Received", tone="info", step="received"),
        State(code="answered", label="Answered", tone="ok", step="answered", is_dormant=True),
        State(
            code="refused",
            label="Refused",
            tone="warn",
            step="answered",
            is_terminal=True,
            retention_class="partner_query",
        ),
        State(
            code="closed",
            label="Closed",
            tone="hold",
            step="closed",
            is_terminal=True,
            retention_class="partner_query_answered",
        ),
    ),
    transitions=(
        Transition(
            name="answer",
            label="Answer",
            source=frozenset({"received"}),
            target="answered",
            roles=_SYSTEM,
            guards=(guards.is_allowed, guards.is_within_rate),
            effects=(effects.answer,),
            consequence="One field is told, and entered in the register of releases",
        ),
        Transition(
            name="refuse",
            label="Refuse",
            source=frozenset({"received"}),
            target="refused",
            roles=_SYSTEM,
            guards=(guards.has_code,),
            effects=(effects.refuse,),
            consequence="Nothing is told; kept for 12 months",
        ),
        Transition(
            name="feed_back",
            label="Say what came of it",
            source=frozenset({"answered"}),
            target="answered",
            roles=frozenset({"agency"}),
            guards=(guards.is_ones_own, guards.knows_the_outcome, guards.is_first_feedback),
            effects=(effects.feed_back,),
            consequence="A confirmed fraud opens or links a referral, which this case alone shows",
        ),
        Transition(
            name="close",
            label="Close",
            source=frozenset({"answered"}),
            target="closed",
            roles=_SYSTEM,
            effects=(effects.close,),
            consequence="A year has passed",
        ),
    ),
)
