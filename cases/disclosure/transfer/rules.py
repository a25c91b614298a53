"""Who may do what to a transfer and when: its policy rows and its lifecycle."""

from __future__ import annotations

from django.db.models import Model

from cases.disclosure.transfer import effects, guards
from cases.disclosure.transfer.models import Transfer
from cases.kernel.lifecycle import Lifecycle, State, Transition
from cases.kernel.models import Case, CaseParty, Evidence
from cases.kernel.policy import Rule

__all__ = ["LIFECYCLE", "POLICY", "approval_rows"]

_KIND = "transfer"
_OFFICER = frozenset({"data_protection_officer"})
_PROPOSERS = frozenset(
    {"fraud_approver", "collections_manager", "sale_manager", "credit_data_approver", "disclosure_approver"}
)
_COUNSEL = frozenset({"legal_counsel"})
POLICY = (
    *(
        Rule(act=act, kind=_KIND, roles=_OFFICER)
        for act in ("note", "take", "assign", "download", "close_task", "match", "reveal", "view", "report")
    ),
    *(Rule(act=act, kind=_KIND, roles=_PROPOSERS, scope="all") for act in ("edit", "attach")),
    Rule(act="view_audit", kind=_KIND, roles=_OFFICER),
    *(Rule(act=act, kind=_KIND, roles=_PROPOSERS | _COUNSEL, scope="all") for act in ("view", "reveal", "download")),
    *(
        Rule(act=act, kind=_KIND, roles=frozenset({"auditor"}), scope="all", needs_reason=True)
        for act in ("view", "report", "view_audit")
    ),
)


def approval_rows(case: Case) -> list[Model]:
    """Return what is proposed."""
    return [
        Transfer.objects.get(pk=case.pk),
        *CaseParty.objects.filter(case=case).order_by("number"),
        *Evidence.objects.filter(case=case).order_by("number"),
    ]


LIFECYCLE = Lifecycle(
    initial="proposed",
    desk=_OFFICER,
    second="legal_counsel",
    reopens_to="proposed",
    opening_roles=_PROPOSERS,
    editable=frozenset({"proposed"}),
    papers=frozenset({"approved"}),
    final=frozenset({"refused", "lapsed", "ended", "withdrawn"}),
    steps=(("proposed", "Proposed"), ("approved", "Approved"), ("lapsed", "Lapsed")),
    states=(
        State(code="proposed", label="Proposed", tone="wait", step="proposed"),
        State(code="approved", label="Approved", tone="ok", step="approved", is_dormant=True),
        State(code="refused", label="Refused", tone="hold", is_terminal=True, retention_class="transfer"),
        State(code="withdrawn", label="Taken back", tone="hold", is_terminal=True, retention_class="transfer"),
        State(code="ended", label="Ended", tone="hold", is_terminal=True, retention_class="transfer"),
        State(code="lapsed", label="Lapsed", tone="bad", step="lapsed", is_terminal=True, retention_class="transfer"),
    ),
    transitions=(
        Transition(
            name="approve",
            label="Approve the transfer",
            source=frozenset({"proposed"}),
            target="approved",
            roles=_OFFICER,
            distinct=frozenset({"maker", "requester"}),
            guards=(
                guards.has_mechanism,
                guards.has_assessment,
                guards.stands_on_the_list,
                guards.has_review_date,
            ),
            effects=(effects.approve,),
            consequence="Messages go to the recipient until the review date, and then no more",
            tone="primary",
        ),
        Transition(
            name="refuse",
            label="Refuse the transfer",
            source=frozenset({"proposed"}),
            target="refused",
            roles=_OFFICER,
            needs_reason=True,
            effects=(effects.refuse,),
            consequence="It waits for this no more; one that lapsed in this country before still blocks the recipient",
            tone="danger",
        ),
        Transition(
            name="take_back",
            label="Take it back: proposed by mistake",
            source=frozenset({"proposed"}),
            target="withdrawn",
            roles=_PROPOSERS,
            scope="all",
            needs_reason=True,
            guards=(guards.is_ones_own,),
            foreseen=(guards.is_ones_own,),
            effects=(effects.take_back,),
            consequence="The recipient waits for it no more; the data protection officer looks why",
            tone="quiet",
        ),
        Transition(
            name="end",
            label="Find that it has ended",
            source=frozenset({"proposed", "approved"}),
            target="ended",
            roles=_OFFICER,
            distinct=frozenset({"maker", "requester"}),
            needs_reason=True,
            effects=(effects.end,),
            consequence="The recipient has nothing of ours in this country any more, and waits for it no more",
            tone="quiet",
        ),
        Transition(
            name="renew",
            label="Renew: a new review date",
            source=frozenset({"approved"}),
            target="approved",
            roles=_OFFICER,
            guards=(guards.has_review_date,),
            effects=(effects.renew,),
            consequence="Messages go to the recipient until the new date",
        ),
        Transition(
            name="lapse",
            label="Lapse",
            source=frozenset({"approved"}),
            target="lapsed",
            roles=frozenset({"system"}),
            guards=(guards.review_has_passed,),
            effects=(effects.lapse,),
            consequence="Nothing goes to the recipient any more; kept for 6 years",
        ),
    ),
)
