"""A link between two people that was wrong: whoever was decided on by it is decided on anew by a person, where that was
against them.

The desk of each check looks by a task: a job raises it, so that nobody at work on a check keeps a challenge from being
upheld.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cases.credit.models import Check, CheckDecision
from cases.kernel import jobs, locks, record, tasks
from cases.kernel.actors import system
from cases.kernel.models import Case

__all__ = ["AGAIN", "LOOK", "withdrawn"]

AGAIN, LOOK = "check_link_was_wrong", "look_at_checks_of_a_link"
tasks.declare({AGAIN: "A financial link that this check used was wrong: look whether the decision stands"})


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
    if check.state in ("void", "merged") or (last is not None and last.outcome == "accept"):
        raise jobs.Skipped("for_them")
    with record.act(check, "check.link_was_wrong", actor=jobs.worker_of(job), at=at):
        tasks.raise_task(AGAIN, case=check, at=at)
        check.version += 1
        check.save(update_fields=["version", "is_dormant"])


jobs.declare(
    jobs.Kind(
        code=LOOK,
        label="Have checks looked at that used a financial link which was wrong",
        rows=_rows,
        do=_ask,
        desk="check",
        reasons={"for_them": "It was decided for the applicant, or set aside"},
    )
)
