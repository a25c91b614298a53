"""Monthly files at every state, made by the desk, the jobs and the agencies."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from cases.accounts.models import Account
from cases.agencies.directory import TERMS
from cases.credit.files import callbacks, sending, taking
from cases.credit.files.models import CreditFile, CreditFileCopy, CreditFilePart, CreditFileReject
from cases.kernel import actors, intake, record, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, BatchFile, Case, Job
from tests import associations
from tests.factories import AT
from tests.keptstories import story

KIND = "cra_file"
STEWARD, APPROVER = "s.oyelaran", "t.marchetti"
DAY = {"effective_date": date(2026, 11, 14)}
TOTALS = {"rows": 0, "total_pence": 0}


@story
def enter() -> None:
    """Enter the three credit reference agencies with a channel for files beside that for messages, once."""
    associations.enter()
    for code in associations.BUREAUS:
        files = agencies.ChannelPlan(
            direction="out",
            transport="sftp",
            address=f"sftp://{code}@127.0.0.1:9/in",
            allowed_cidrs=("127.0.0.0/8",),
            retry_profile="file",
            answers_folder="/out",
        )
        name = Agency.objects.get(code=code).display_name
        listing = agencies.Listing(code=code, kind="cra", display_name=name, terms=TERMS, channels=(files,))
        agencies.register(listing, actor=actors.system("tests"), at=datetime(2026, 11, 1, tzinfo=AT.tzinfo))


def opened(*, at: datetime = AT) -> Case:
    enter()
    return intake.open_case(KIND, actor=system("tests"), at=at, facts={"month": at.date().replace(day=1)})


def step(case: Case, name: str, actor: Actor, at: datetime = AT, **inputs: Any) -> Case:
    return transitions.apply(case.pk, name, actor=actor, at=at, reason="Tried.", inputs=inputs)


@story
def extracted(people: dict[str, Actor], *, at: datetime = AT) -> Case:
    return _undone(step(opened(at=at), "extract", people[STEWARD], at, effective_date=at.date()))


def _undone(case: Case) -> Case:
    """Forget the job that was asked for: whoever does jobs next would go on with it."""
    Job.objects.filter(params__file=case.pk, state="queued").delete()
    return case


@story
def taken(people: dict[str, Actor]) -> Case:
    """A file whose accounts are all taken, none of them by then."""
    case = extracted(people)
    with record.act(case, "cra_file.taken", actor=system("tests"), at=AT):
        row = CreditFile.objects.get(pk=case.pk)
        row.is_taken, row.digest = True, sending.digest_of([])
        row.save()
    return Case.objects.get(pk=case.pk)


@story
def validated(people: dict[str, Actor]) -> Case:
    return step(taken(people), "validate", system("tests"))


@story
def signed(people: dict[str, Actor]) -> Case:
    return step(validated(people), "sign", people[STEWARD])


@story
def approved(people: dict[str, Actor]) -> Case:
    return _undone(step(signed(people), "approve", people[APPROVER], **TOTALS))


def sealed(pk: int) -> dict[str, Any]:
    """Return what the move of an approved file to the agencies is given."""
    file = CreditFile.objects.select_related("case__key", "key").get(pk=pk)
    if file.case.state != "approved":
        return {}
    return {"sealed": sending.seal(file, actor=system("tests"), at=AT)}


@story
def transmitted(people: dict[str, Actor]) -> Case:
    case = approved(people)
    return step(case, "transmit", system("tests"), **sealed(case.pk))


@story
def locked(people: dict[str, Actor]) -> Case:
    return step(transmitted(people), "lock", system("tests"), datetime(2027, 1, 4, tzinfo=AT.tzinfo))


@story
def open(_people: dict[str, Actor]) -> Case:  # noqa: A001 -- the state is called so
    return opened()


def arrive(case: Case, *, letters: str = "abc", at: datetime = AT) -> None:
    """Let the files of agencies arrive; what follows in the background is left to be done."""
    for copy in CreditFileCopy.objects.filter(file=case.pk, agency__code__in=[f"sandbox-bureau-{x}" for x in letters]):
        callbacks.left(BatchFile.objects.get(uid=copy.batch_uid), "delivered", at)


def reject(case: Case, account: Account, *, code: str = "other", letter: str = "b") -> None:
    """Let an agency not take an account of a file that was sent."""
    copy = CreditFileCopy.objects.get(file=case.pk, agency__code=f"sandbox-bureau-{letter}")
    CreditFileReject.objects.create(copy=copy, account=account, code=code)


def parts_of(case: Case) -> list[list[str]]:
    """Return the rows of the newest round of a file, as they will leave."""
    row = CreditFile.objects.get(pk=case.pk)
    parts = CreditFilePart.objects.filter(file=row, round=row.round).select_related("file__case").order_by("number")
    return [cells for part in parts for _, cells in taking.rows_of(part, by="tests", at=AT)]


STATES = ("open", "extracted", "validated", "signed", "approved", "transmitted", "locked")
