"""Who may do what to a month's file and when: its policy rows and its lifecycle."""

from __future__ import annotations

from django.db.models import Model

from cases.credit.files import effects, guards
from cases.credit.files.models import CreditFile
from cases.kernel.lifecycle import Lifecycle, State, Transition
from cases.kernel.models import Case
from cases.kernel.policy import Rule

__all__ = ["LIFECYCLE", "POLICY", "approval_rows"]

_KIND = "cra_file"
_STEWARD, _APPROVER = frozenset({"credit_data_steward"}), frozenset({"credit_data_approver"})
_DESK = _STEWARD | _APPROVER
_SYSTEM = frozenset({"system"})

POLICY = (
    *(
        Rule(act=act, kind=_KIND, roles=_DESK)
        for act in ("view", "note", "reveal", "download", "report", "view_audit", "close_task", "assign", "take")
    ),
    *(Rule(act=act, kind=_KIND, roles=_DESK) for act in ("attach", "match")),
    *(
        Rule(
            act=act, kind=_KIND, roles=frozenset({"auditor", "data_protection_officer"}), scope="all", needs_reason=True
        )
        for act in ("view", "report", "view_audit")
    ),
)


def approval_rows(case: Case) -> list[Model]:
    """Return what an act of two people is about: the file with its totals and the hash of its rows."""
    return [CreditFile.objects.get(pk=case.pk)]


LIFECYCLE = Lifecycle(
    initial="open",
    desk=_STEWARD,
    second="credit_data_approver",
    reopens_to="open",
    final=frozenset({"locked"}),
    opening_roles=_SYSTEM,
    papers=frozenset({"open", "extracted", "validated", "signed", "approved", "transmitted"}),
    steps=(("open", "Open"), ("validated", "Validated"), ("approved", "Approved"), ("transmitted", "Sent")),
    states=(
        State(code="open", label="Open", tone="wait", step="open"),
        State(code="extracted", label="Accounts are taken", tone="info", step="open"),
        State(code="validated", label="Validated", tone="info", step="validated"),
        State(code="signed", label="Signed", tone="warn", step="validated"),
        State(code="approved", label="Approved", tone="info", step="approved", is_dormant=True),
        State(code="transmitted", label="Sent to the agencies", tone="done", step="transmitted", is_dormant=True),
        State(
            code="locked",
            label="Locked",
            tone="hold",
            step="transmitted",
            is_terminal=True,
            retention_class="credit_file",
        ),
    ),
    transitions=(
        Transition(
            name="extract",
            label="Take the accounts",
            source=frozenset({"open"}),
            target="extracted",
            roles=_STEWARD,
            guards=(guards.effective_date_is_right,),
            effects=(effects.extract,),
            consequence="Every account is taken as billing tells of it now; that runs in the background",
            tone="primary",
        ),
        Transition(
            name="validate",
            label="No fault stops it",
            source=frozenset({"extracted"}),
            target="validated",
            roles=_SYSTEM,
            guards=(guards.is_taken, guards.has_no_core_fault),
        ),
        Transition(
            name="sign",
            label="Sign the file",
            source=frozenset({"validated"}),
            target="signed",
            roles=_STEWARD,
            guards=(guards.tells_most,),
            effects=(effects.sign,),
            consequence="Somebody else compares it with billing and approves it",
            tone="primary",
        ),
        Transition(
            name="reopen",
            label="Open it again",
            source=frozenset({"extracted", "validated", "signed"}),
            target="open",
            roles=_STEWARD,
            needs_reason=True,
            effects=(effects.reopen,),
            consequence="What was taken is dropped, and with it whatever was signed",
            tone="quiet",
        ),
        Transition(
            name="approve",
            label="Approve the file",
            source=frozenset({"signed"}),
            target="approved",
            roles=_APPROVER,
            distinct=frozenset({"extract", "sign"}),
            is_grave=True,
            guards=(guards.control_totals_agree, guards.tells_most, guards.comes_in_its_turn),
            effects=(effects.approve,),
            consequence="The same file goes to every credit reference agency",
            tone="danger",
        ),
        Transition(
            name="transmit",
            label="The files are made",
            source=frozenset({"approved"}),
            target="transmitted",
            roles=_SYSTEM,
            guards=(guards.is_sealed,),
            effects=(effects.transmit,),
        ),
        Transition(
            name="lock",
            label="Lock the file",
            source=frozenset({"transmitted"}),
            target="locked",
            roles=_SYSTEM | {"agency"},
            guards=(guards.is_answered_or_over,),
            effects=(effects.lock,),
        ),
    ),
)
