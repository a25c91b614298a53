"""Who may do what to a financial association and when: its policy rows and its lifecycle."""

from __future__ import annotations

from django.db.models import Model

from cases.association import effects, guards
from cases.association.models import Association
from cases.kernel import approvals, holdkinds
from cases.kernel.lifecycle import Agreement, Lifecycle, State, Transition
from cases.kernel.models import Case
from cases.kernel.policy import Rule

__all__ = ["LIFECYCLE", "POLICY", "approval_rows"]

_KIND = "association"
_OFFICER = frozenset({"credit_officer"})
_REVIEWER = frozenset({"credit_reviewer"})
_DESK = _OFFICER | _REVIEWER
_ANYBODY = frozenset({"any_staff"})
# Whoever a person speaks to takes in a challenge or a request to break.
_RIGHTS = frozenset({"rights_officer"})
_OVERSIGHT = frozenset({"auditor", "data_protection_officer"})

POLICY = (
    *(
        Rule(act=act, kind=_KIND, roles=_DESK)
        for act in ("view", "note", "reveal", "download", "report", "view_audit", "close_task", "assign", "take")
    ),
    *(Rule(act=act, kind=_KIND, roles=_DESK) for act in ("attach", "match")),
    Rule(act="edit", kind=_KIND, roles=_OFFICER),
    Rule(act="view", kind=_KIND, roles=_RIGHTS, scope="all", needs_reason=True),
    Rule(act="reveal", kind=_KIND, roles=_RIGHTS, scope="all"),
    *(
        Rule(act=act, kind=_KIND, roles=_OVERSIGHT, scope="all", needs_reason=True)
        for act in ("view", "report", "view_audit")
    ),
)


def approval_rows(case: Case) -> list[Model]:
    """Return the rows an approval is about: the link, the two people, where they live, the documents."""
    return [
        Association.objects.get(pk=case.pk),
        *approvals.people_and_documents(case),
    ]


_SECOND = (Agreement(role="credit_reviewer"),)
_NOT_THE_CONFIRMER = frozenset({"confirm"})
_REPORT = frozenset({holdkinds.REPORT})
LIFECYCLE = Lifecycle(
    initial="declared",
    desk=_OFFICER,
    second="credit_reviewer",
    reopens_to="declared",
    final=frozenset({"broken", "withdrawn"}),
    opening_roles=_ANYBODY | {"own-orders"},
    editable=frozenset({"declared"}),
    papers=frozenset({"confirmed", "active", "challenged", "break_requested", "signposted", "correcting"}),
    steps=(
        ("declared", "Declared"),
        ("confirmed", "Confirmed"),
        ("active", "Active"),
        ("ended", "Ended"),
    ),
    states=(
        State(code="declared", label="Declared", tone="wait", step="declared"),
        State(code="confirmed", label="Confirmed, agencies told", tone="info", step="confirmed"),
        State(code="active", label="Active", tone="done", step="active", is_dormant=True),
        State(code="challenged", label="Challenged: not used", tone="bad", step="active"),
        State(code="break_requested", label="Break requested: not used", tone="warn", step="active"),
        State(code="signposted", label="Agencies decide: not used", tone="wait", step="active", is_dormant=True),
        State(code="correcting", label="Being removed", tone="warn", step="active"),
        State(
            code="rejected",
            label="Rejected",
            tone="hold",
            is_terminal=True,
            retention_class="association_evidence",
        ),
        State(
            code="broken",
            label="Broken",
            tone="hold",
            step="ended",
            is_terminal=True,
            retention_class="association_evidence",
        ),
        State(
            code="withdrawn",
            label="Removed",
            tone="hold",
            step="ended",
            is_terminal=True,
            retention_class="association_evidence",
        ),
    ),
    transitions=(
        Transition(
            name="confirm",
            label="Confirm and tell the agencies",
            source=frozenset({"declared"}),
            target="confirmed",
            roles=_REVIEWER,
            distinct=frozenset({"maker"}),
            blocked_by=_REPORT,
            guards=(guards.has_two_people, guards.is_agreed_to, guards.no_other_is_open_to_question),
            foreseen=(guards.has_two_people, guards.is_agreed_to, guards.no_other_is_open_to_question),
            effects=(effects.confirm,),
            consequence="Every credit reference agency is told of both people; the declarer gets a letter",
            tone="primary",
        ),
        Transition(
            name="reject",
            label="Reject",
            source=frozenset({"declared"}),
            target="rejected",
            roles=_REVIEWER,
            distinct=frozenset({"maker"}),
            needs_reason=True,
            effects=(effects.end_confirming,),
            consequence="Nobody is told; kept for 12 months",
            tone="danger",
        ),
        Transition(
            name="activate",
            label="Record that an agency holds the link",
            source=frozenset({"confirmed"}),
            target="active",
            roles=frozenset({"agency", "system"}),
            guards=(guards.has_agency_reference,),
            effects=(effects.note_recorded,),
        ),
        Transition(
            name="challenge",
            label="The other person denies it",
            source=frozenset({"confirmed", "active"}),
            target="challenged",
            roles=_ANYBODY,
            scope="all",
            guards=(guards.denies,),
            effects=(effects.challenge,),
            consequence="The link is used no more from now on; answered within a month",
            tone="danger",
        ),
        Transition(
            name="dismiss_challenge",
            label="Dismiss the challenge",
            source=frozenset({"challenged"}),
            target="active",
            roles=_REVIEWER,
            distinct=_NOT_THE_CONFIRMER,
            guards=(guards.has_evidence, guards.are_those_confirmed),
            effects=(effects.dismiss_challenge,),
            consequence="The link is used again; the other person gets an answer with where to complain",
        ),
        Transition(
            name="uphold_challenge",
            label="Uphold the challenge and remove the link",
            source=frozenset({"challenged"}),
            target="correcting",
            roles=_REVIEWER,
            distinct=_NOT_THE_CONFIRMER,
            needs_reason=True,
            effects=(effects.uphold_challenge,),
            consequence="Every agency is asked to remove it; the declarer learns only that the link is removed",
            tone="primary",
        ),
        Transition(
            name="request_break",
            label="One of the two asks to break it",
            source=frozenset({"active"}),
            target="break_requested",
            roles=_ANYBODY,
            scope="all",
            guards=(guards.is_asked_by_one_of_them,),
            effects=(effects.request_break,),
            consequence="The link is used no more from now on; decided within a month",
        ),
        Transition(
            name="refuse_break",
            label="Refuse: something joint is open",
            source=frozenset({"break_requested"}),
            target="active",
            roles=_OFFICER,
            agreed_by=_SECOND,
            guards=(guards.is_joint_open,),
            effects=(effects.refuse_break,),
            consequence="The link is used again; whoever asked is told what to close first",
            tone="danger",
        ),
        Transition(
            name="signpost",
            label="Tell them how to ask the agencies",
            source=frozenset({"break_requested"}),
            target="signposted",
            roles=_OFFICER,
            agreed_by=_SECOND,
            guards=(guards.nothing_joint_is_open,),
            effects=(effects.signpost,),
            consequence="The link stays unused; each agency decides, and silent ones are asked again",
            tone="primary",
        ),
        Transition(
            name="break",
            label="Record the link as broken",
            source=frozenset({"signposted"}),
            target="broken",
            roles=_OFFICER | {"agency"},
            guards=(guards.is_answered_everywhere,),
            foreseen=(guards.is_answered_everywhere,),
            effects=(effects.end_broken,),
            consequence="The link is never used again; evidence is kept for 12 months",
            tone="primary",
        ),
        Transition(
            name="restore",
            label="Restore: every agency refused",
            source=frozenset({"signposted"}),
            target="active",
            roles=_OFFICER,
            agreed_by=_SECOND,
            guards=(guards.is_refused_everywhere,),
            foreseen=(guards.is_refused_everywhere,),
            effects=(effects.restore,),
            consequence="The link is used again; whoever asked gets a letter",
        ),
        Transition(
            name="set_aside",
            label="Set aside: one of its people was wrong",
            source=frozenset({"confirmed", "active", "challenged", "break_requested", "signposted"}),
            target="correcting",
            roles=frozenset({"system"}),
            guards=(guards.lacks_a_person,),
            effects=(effects.set_aside,),
            consequence="Every agency that was told is asked to remove it; it is declared anew with the right person",
        ),
        Transition(
            name="corrected",
            label="Record the link as removed",
            source=frozenset({"correcting"}),
            target="withdrawn",
            roles=_OFFICER | {"agency", "system"},
            guards=(guards.is_removed_everywhere,),
            effects=(effects.end_removed,),
            consequence="The link is never used again; evidence is kept for 12 months",
            tone="primary",
        ),
    ),
)
