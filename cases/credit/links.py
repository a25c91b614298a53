"""What hangs together with a check is looked at again: a check, where the financial link by which it asked was wrong;
and the cases that people linked with a check, where its decision does not stand.

The desk of each case looks by a task. A job raises it, so that nobody at work on a case keeps a challenge from being
upheld, or a contest from being decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from cases.credit.models import Check, CheckDecision
from cases.kernel import locks, record, tasks
from cases.kernel.actors import system
from cases.kernel.background import jobs
from cases.kernel.models import Case, CaseLink

__all__ = ["AGAIN", "FOLLOWED", "LOOK", "LOOK_AROUND", "overturned", "withdrawn"]

AGAIN, FOLLOWED = "check_link_was_wrong", "check_was_overturned"
_UNDONE = ("void", "merged")
LOOK, LOOK_AROUND = "look_at_checks_of_a_link", "look_at_cases_of_a_check"
tasks.declare(
    {
        AGAIN: "A financial link that this check used was wrong: look whether the decision stands",
        FOLLOWED: "A decision on a check that this case is linked with does not stand: look whether what was filed or "
        "noted here because of it does",
    }
)


def withdrawn(link: Case, *, at: datetime) -> list[str]:
    """Return the references of the checks that asked about somebody by a link which was wrong, oldest first, and have
    the desk look at each, inside the current ledger action. Of a check that is hidden nothing is said elsewhere."""
    used = Check.objects.filter(links_used__contains=[str(link.uid)], case__is_erased=False).select_related("case")
    rows = list(used.order_by("case_id"))
    if rows:
        params = {"checks": [row.case_id for row in rows]}
        jobs.start(LOOK, actor=system("checks", source=link.source), at=at, params=params)
    return [row.case.reference for row in rows if not row.case.is_restricted]


def _rows(job: jobs.Job) -> Iterable[int]:
    return [int(each) for each in job.params["checks"]]


def _ask(job: jobs.Job, subject: str, at: datetime) -> None:
    """Have one check looked at whose newest decision is not simply for the applicant, or that is not decided yet."""
    check = locks.case_for_update(int(subject))
    last = CheckDecision.objects.filter(case=check).order_by("number").last()
    if check.state in _UNDONE or (last is not None and last.outcome == "accept"):
        raise jobs.Skipped("for_them")
    with record.act(check, "check.link_was_wrong", actor=jobs.worker_of(job), at=at):
        tasks.raise_task(AGAIN, case=check, at=at)
        check.version += 1
        check.save(update_fields=["version", "is_dormant"])


def overturned(check: Case, *, at: datetime) -> None:
    """Have the desks of the cases that are linked with a check look whether what followed from its decision stands,
    inside the current ledger action. Of a case that is hidden nothing is asked, for nothing leads to it."""
    live = CaseLink.objects.filter(Q(case=check) | Q(other=check), removed_at=None, other__isnull=False)
    around = {pk for pair in live.values_list("case", "other") for pk in pair} - {check.pk}
    rows = Case.objects.filter(pk__in=around, is_restricted=False, is_erased=False).exclude(state__in=_UNDONE)
    if found := list(rows.order_by("pk").values_list("pk", flat=True)):
        jobs.start(LOOK_AROUND, actor=system("checks", source=check.source), at=at, params={"cases": found})


def _ask_around(job: jobs.Job, subject: str, at: datetime) -> None:
    case = locks.case_for_update(int(subject))
    if case.is_restricted:
        raise jobs.Skipped("hidden")
    with record.act(case, "case.linked_decision_fell", actor=jobs.worker_of(job), at=at):
        tasks.raise_task(FOLLOWED, case=case, at=at)
        case.version += 1
        case.save(update_fields=["version", "is_dormant"])


jobs.declare(
    jobs.Kind(
        code=LOOK_AROUND,
        label="Have cases looked at that are linked with a check whose decision does not stand",
        rows=lambda job: [int(each) for each in job.params["cases"]],
        do=_ask_around,
        desk="check",
        reasons={"hidden": "It was moved out of sight meanwhile"},
    ),
    jobs.Kind(
        code=LOOK,
        label="Have checks looked at that used a financial link which was wrong",
        rows=_rows,
        do=_ask,
        desk="check",
        reasons={"for_them": "It was decided for the applicant, or set aside"},
    ),
)
