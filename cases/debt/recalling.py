"""Recalling many accounts at once: all that an agency has, all of a batch, or those of a list; a change of the office,
to which a manager agrees first where they are many, and a job that recalls one account after the other.

One account is recalled by the move of its placement, with its message and its clock; nobody is asked one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet

from cases.debt import batches, codes
from cases.debt.limitation import limit
from cases.debt.models import Placement, PlacementBatch
from cases.kernel import actors, casetypes, formats, locks, policy, transitions
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.forms.plainforms import CARD, Chosen
from cases.kernel.models import Agency, Case
from cases.kernel.office.changeforms import ChangeForm
from cases.kernel.office.kinds import Change, Kind, Line, Payload
from cases.kernel.transitions import Context

__all__ = ["JOB", "KINDS", "RECALL", "recall_one"]

RECALL, JOB = "recall_accounts", "recall_accounts"
REASON = "It was asked back with others: the change of the office says why."
MAKERS, CHECKERS = frozenset({"collections_analyst"}), frozenset({"collections_manager"})
_FROM = ("sent", "active")
_ONE = "Name an agency, a batch, or accounts: one of the three."


class RecallForm(ChangeForm):
    """Which accounts: all of an agency, all of a batch, or a list."""

    hints = (
        "Each account that the agency has is recalled in the background; what it has no more, or has not yet, is left "
        "out and listed with the reason. Of more than 100 accounts a manager agrees first.",
    )
    agency = Chosen(label="All that an agency has", required=False, none="No agency")
    batch = forms.CharField(label="All of a batch", max_length=20, required=False, help_text="Such as PL-2026-048.")
    accounts = forms.CharField(
        label="Accounts of a list",
        max_length=150_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Account numbers, one on each line, at most 5,000.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Agency.objects.filter(kind="dca").order_by("display_name")  # also one that is suspended, or has ended
        self.fields["agency"].choices = list(rows.values_list("code", "display_name"))  # type: ignore[attr-defined]  # -- a choice field

    def clean_batch(self) -> str:
        reference: str = self.cleaned_data["batch"].strip().upper()
        if reference and not PlacementBatch.objects.filter(reference=reference).exists():
            raise forms.ValidationError("There is no such batch.")
        return reference

    def clean_accounts(self) -> list[int]:
        """Return the ids of the accounts, each once, in the order of the list."""
        lines = self.cleaned_data["accounts"].splitlines()
        numbers = list(dict.fromkeys(filter(None, map(str.strip, lines))))
        if any(formats.has_card_number(number) for number in numbers):
            raise forms.ValidationError(CARD, code="card_number")
        try:
            return batches.named(numbers) if numbers else []
        except batches.BatchRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        given = [name for name in ("agency", "batch", "accounts") if cleaned.get(name)]
        if not self.errors and len(given) != 1:
            raise forms.ValidationError(_ONE)
        return cleaned


def _at_agency(payload: Payload) -> QuerySet[Placement]:
    """Return what an agency has of what is asked back, and what it is about to have."""
    rows = Placement.objects.filter(case__state__in=("released", *codes.AT_AGENCY))
    if payload["agency"]:
        return rows.filter(batch__agency__code=payload["agency"])
    if payload["batch"]:
        return rows.filter(batch__reference=payload["batch"])
    return rows.filter(account__in=payload["accounts"])


def _subject(payload: Payload) -> str:
    return f"recall/{payload['agency'] or payload['batch'] or 'accounts'}"


def _check(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if len([name for name in ("agency", "batch", "accounts") if payload[name]]) != 1:
        return {"": _ONE}
    is_there = _at_agency(payload).filter(case__state__in=_FROM).exists()
    return {} if is_there else {"": "No agency has any of these accounts, or they are recalled already."}


def _needs(payload: Payload) -> frozenset[str]:
    """Many accounts at once are recalled only where a manager agrees."""
    is_many = _at_agency(payload).filter(case__state__in=_FROM).count() > limit("recall_alone")
    return CHECKERS if is_many else frozenset()


def _describe(_before: Payload, payload: Payload) -> list[Line]:
    if payload["agency"]:
        agency = Agency.objects.filter(code=payload["agency"]).first()
        what = f"all that {agency.display_name if agency else payload['agency']} has"
    else:
        what = f"all of {payload['batch']}" if payload["batch"] else f"{len(payload['accounts']):,} accounts of a list"
    still = _at_agency(payload).filter(case__state__in=_FROM).count()
    return [Line(label="Recall", new=what), Line(label="Still with an agency, and not recalled", new=f"{still:,}")]


def _start(change: Change) -> None:
    """Queue the work for the desk, inside the transaction of the decision."""
    said = change.payload
    params = {name: said[name] for name in ("agency", "batch", "accounts")}
    desk = actors.system("recall", source=change.actor.source)
    uid = str(change.proposal.uid)
    jobs.start(JOB, actor=desk, at=change.at, params={**params, "change": uid}, key=uid)


KINDS = (
    Kind(
        code=RECALL,
        label="Recall many accounts",
        makers=MAKERS,
        checkers=CHECKERS,
        needs=_needs,
        subject=_subject,
        check=_check,
        describe=_describe,
        apply=_start,
        title=lambda row: f"Recall {row.payload['agency'] or row.payload['batch'] or 'accounts of a list'}",
        form=RecallForm,
    ),
)


# The job. A row is a place in the list, or 0, and an account.


def _rows(job: jobs.Job) -> Iterable[str]:
    if job.params["accounts"]:
        return (f"{place}:{account}" for place, account in enumerate(job.params["accounts"], start=1))
    accounts = _at_agency(job.params).order_by("pk").values_list("account_id", flat=True)
    return (f"0:{account}" for account in accounts.iterator())


def _recall(job: jobs.Job, subject: str, at: datetime) -> None:
    """Recall one account. Raises Skipped where no agency has it, it has not left yet, or is recalled already."""
    account = int(subject.partition(":")[2])
    found = Placement.objects.filter(account=account, case__state__in=("released", *codes.AT_AGENCY)).order_by("-pk")
    placement = found.first()
    if placement is None:
        raise jobs.Skipped("not_placed")
    case = locks.case_for_update(placement.pk)
    if case.state not in _FROM:
        raise jobs.Skipped({"released": "not_left", "recall_requested": "is_recalled"}.get(case.state, "not_placed"))
    recall_one(case, reason=REASON, actor=jobs.worker_of(job), at=at, cause=UUID(job.params["change"]))


def recall_one(case: Case, *, reason: str, actor: Actor, at: datetime, cause: UUID | None = None) -> None:
    """Recall one account that an agency has, by the move of its placement, on its locked case. What decided it was an
    act on many, so nobody is asked again."""
    move = casetypes.get(case.kind).lifecycle["recall"]
    context = Context(case=case, transition=move, actor=actor, at=at, occurred_at=at, reason=reason)
    transitions.move(context, cause=cause)


def _names(actor: Actor, subjects: list[str]) -> Mapping[str, str]:
    """Return the place in the list, and the reference of a placement that this person may know of."""
    accounts = {subject: int(subject.partition(":")[2]) for subject in subjects}
    rows = Placement.objects.filter(account__in=accounts.values(), case__in=policy.visible_to(actor)).order_by("pk")
    known = dict(rows.values_list("account_id", "case__reference"))
    named = {}
    for subject, account in accounts.items():
        place = subject.partition(":")[0]
        words = [*([f"Line {place}"] if place != "0" else []), *([known[account]] if account in known else [])]
        if words:
            named[subject] = ", ".join(words)
    return named


jobs.declare(
    jobs.Kind(
        code=JOB,
        label="Recall accounts from an agency",
        rows=_rows,
        do=_recall,
        desk="debt_placement",
        names=_names,
        reasons={
            "not_placed": "No agency has it",
            "not_left": "Its file has not left yet: recall it once the agency has it",
            "is_recalled": "It is recalled already",
        },
    )
)
