"""What takes long of a month's file, as jobs: taking the accounts, and sending the same rows to each agency."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from cases.accounts import bureaus
from cases.accounts.models import AccountMonth
from cases.credit.files import again, messages, periods, taking
from cases.credit.files.models import CreditFile, CreditFileCopy, CreditFileFault, CreditFilePart
from cases.kernel import accountholds, calendars, clocks, holdkinds, intake, locks, record, releases, tasks, transitions
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.errors import CaseError
from cases.kernel.exchange import files
from cases.kernel.finding import terms
from cases.kernel.models import Case, Hold
from cases.ledger import api as ledger
from cases.ledger import copying

__all__ = ["FAULTY", "KIND", "OPEN", "SEND", "TAKE", "Sealed", "digest_of", "seal", "send_to_each", "start"]

TAKE, SEND, OPEN = "take_credit_file", "send_credit_file", "open_credit_file"
FAULTY = "credit_file_faulty"
TOLD_SINCE, HELD = "told_since", "held"
_NUMBER = messages.COLUMNS.index("account")
KIND = "cra_file"
tasks.declare(
    {FAULTY: "The monthly file has faults that stop it: put them right at billing, then take the accounts anew"},
    ended_by={FAULTY: "This ends when the accounts are taken anew."},
)


class Overtaken(CaseError):
    """The accounts were taken anew meanwhile, or the file has moved on."""


def start(kind: str, case: Case, *, actor: Actor, at: datetime) -> None:
    """Queue a job on the file as it is now, inside the act that asks for it. It is one job for each round."""
    row = case.credit_file
    key = f"{case.uid}:{row.round}"
    jobs.start(kind, actor=actor, at=at, params={"file": case.pk, "round": row.round}, key=key)


def _file(job: jobs.Job, *states: str) -> CreditFile:
    """Return the file of a job, its case locked. Raises Overtaken where it is not as it was."""
    case = locks.case_for_update(job.params["file"])
    row: CreditFile = CreditFile.objects.select_related("case", "key").get(pk=case.pk)
    if case.state not in states or row.round != job.params["round"]:
        raise Overtaken("The file has moved on.")
    return row


def _slices(job: jobs.Job) -> Iterable[str]:
    return taking.slices(CreditFile.objects.get(pk=job.params["file"]))


def _take(job: jobs.Job, subject: str, at: datetime) -> Callable[[], None]:
    """Read and judge a part of the accounts while the case is free; return how it is frozen."""
    file: CreditFile = CreditFile.objects.select_related("case", "key").get(pk=job.params["file"])
    if file.case.state != "extracted" or file.round != job.params["round"]:
        raise Overtaken("The file has moved on.")
    part, faults = taking.take_part(file, subject, by=jobs.worker_of(job).label, at=at)
    return partial(_freeze, job, part, faults)


def _freeze(job: jobs.Job, part: CreditFilePart, faults: Sequence[CreditFileFault]) -> None:
    _file(job, "extracted")
    taking.keep_part(part, faults)


def digest_of(hashes: Iterable[str]) -> str:
    """Return the hash over the hashes of parts, in their order."""
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def _taken(job: jobs.Job, at: datetime) -> None:
    """All parts are frozen: keep the control totals; without a core fault the file is validated, else people look."""
    file, actor = _file(job, "extracted"), jobs.worker_of(job)
    case = file.case
    parts = list(CreditFilePart.objects.filter(file=file, round=file.round).defer("body").order_by("number"))
    if len(parts) < (job.total or 0):
        raise Overtaken("Parts are missing.")
    file.taken_rows, file.taken_pence = sum(each.taken_rows for each in parts), sum(each.taken_pence for each in parts)
    file.rows, file.total_pence = sum(part.rows for part in parts), sum(part.total_pence for part in parts)
    file.digest, file.is_taken = digest_of(part.sha256 for part in parts), True
    core = CreditFileFault.objects.filter(file=file, round=file.round, level="core").count()
    detail = {"rows": file.rows, "total_pence": file.total_pence, "digest": file.digest, "core": core}
    with record.act(case, "credit_file.taken", actor=actor, at=at, detail=detail):
        file.save(update_fields=["taken_rows", "taken_pence", "rows", "total_pence", "digest", "is_taken"])
        if core:
            tasks.raise_task(FAULTY, case=case, at=at, faults=core)
        case.version += 1
        case.amount_pence = file.total_pence
        case.save(update_fields=["version", "amount_pence"])
    if not core:
        transitions.apply(case.pk, "validate", actor=actor, at=at)


def _parts(job: jobs.Job) -> Iterable[object]:
    """First the whole file to each agency, then part by part the month of each account."""
    parts = CreditFilePart.objects.filter(file=job.params["file"], round=job.params["round"])
    return ["send", *parts.order_by("number").values_list("number", flat=True)]


def _send(job: jobs.Job, subject: str, at: datetime) -> Callable[[], None]:
    """Open and write what is sent or kept while the case is free; return what is left to do under its lock."""
    actor = jobs.worker_of(job)
    file: CreditFile = CreditFile.objects.select_related("case", "key").get(pk=job.params["file"])
    if subject != "send":
        part = CreditFilePart.objects.select_related("file__case").get(
            file=file, round=job.params["round"], number=int(subject)
        )
        return partial(_keep_part, job, part.number, taking.rows_of(part, by=actor.label, at=at), at=at)
    if file.case.state != "approved":
        raise Overtaken("The file has moved on.")
    return partial(_transmit, job, seal(file, actor=actor, at=at), at=at)


def _transmit(job: jobs.Job, sealed: Sealed, *, at: datetime) -> None:
    try:
        file = _file(job, "approved")
        transitions.apply(file.pk, "transmit", actor=jobs.worker_of(job), at=at, inputs={"sealed": sealed})
    except BaseException:
        sealed.ready.drop()
        raise


def _keep_part(job: jobs.Job, number: int, rows: Sequence[tuple[int, list[str]]], *, at: datetime) -> None:
    file = _file(job, "transmitted", "locked")
    with record.act(file.case, "credit_file.kept", actor=jobs.worker_of(job), at=at, detail={"part": number}):
        _keep_months(file, rows)


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """The rows of a file as they will leave, in the store: without the accounts that agencies were told of since, and
    without those that a hold on reporting stops by now. `newest_hold` tells whether another such hold was entered."""

    but: frozenset[int]
    held: frozenset[int]
    newest_hold: int
    agencies: tuple[str, ...]
    ready: files.Ready


def seal(file: CreditFile, *, actor: Actor, at: datetime) -> Sealed:
    """Put the rows that leave into the store, once for all agencies. Nothing is locked, and one part is in memory at a
    time. What the agencies were told of by itself since it was taken is left out, so that the older row does not
    overwrite it, and so is what a hold entered since stops. Raises Overtaken, NoChannel, NoFiles, StoreFull."""
    newest_hold, held = _newest_hold(), set[int]()
    but = frozenset(again.told_since(file))
    codes = tuple(agency.code for agency in bureaus.agencies())
    parts = _parts_of(file, but=but, held=held, by=actor.label, at=at)
    ready = files.make_ready(codes, messages.CRA_FILE.code, parts, at=at, case=file.case)
    return Sealed(but=but, held=frozenset(held), newest_hold=newest_hold, agencies=codes, ready=ready)


def _newest_hold() -> int:
    """Return the newest hold that stops reporting to agencies, whichever case it is of."""
    holds = Hold.objects.filter(blocks__contains=[holdkinds.REPORT]).order_by("-pk")
    return holds.values_list("pk", flat=True).first() or 0


def send_to_each(case: Case, sealed: Sealed, *, actor: Actor, at: datetime) -> None:
    """Promise the sealed rows to every agency and register each release, inside the current ledger action. Raises
    Outdated where an agency was told of an account by itself, or a hold on reporting was entered, since they were
    sealed; ReleaseRefused. Nothing is then promised."""
    file: CreditFile = CreditFile.objects.get(pk=case.pk)
    agencies = bureaus.agencies()
    if (again.told_since(file), tuple(each.code for each in agencies)) != (sealed.but, sealed.agencies):
        raise jobs.Outdated("An agency was told of an account by itself meanwhile.")
    if _newest_hold() != sealed.newest_hold:
        raise jobs.Outdated("A hold on reporting was entered meanwhile.")
    fields = dict.fromkeys(messages.COLUMNS, file.digest)
    allowed = [(each, releases.check(messages.CRA_FILE, each, fields, at=at)) for each in agencies]
    promised = files.promise_to_each(sealed.ready, at=at, case=case, dedupe=_dedupe(file))
    copying.copy_rows(
        [
            CreditFileFault(file=file, round=file.round, account_id=pk, level="field", code=code)
            for code, accounts in ((TOLD_SINCE, sealed.but), (HELD, sealed.held))
            for pk in sorted(accounts)
        ]
    )
    for (agency, items), sent in zip(allowed, promised, strict=True):
        if sent.message is None:
            raise Overtaken("The file is not promised.")
        releases.record(
            case,
            sent.message,
            items,
            channel=sent.channel,
            kind=messages.CRA_FILE,
            recipient=agency,
            actor=actor,
            at=at,
            subject_count=sent.row_count,
        )
        CreditFileCopy.objects.create(file=file, agency=agency, batch_uid=sent.uid, sha256=sealed.ready.rows.sha256)
        ledger.current().detail["left_out_as_told_since"] = file.rows - sent.row_count - len(sealed.held)
        if sealed.held:
            ledger.current().detail["left_out_as_held"] = len(sealed.held)
    clocks.start(case, periods.ANSWERS, started_at=at)


def _dedupe(file: CreditFile) -> str:
    return f"cra_file:{file.case.uid}:{file.round}"


def _parts_of(file: CreditFile, *, but: Collection[int], held: set[int], by: str, at: datetime) -> Iterator[bytes]:
    """Yield the heading, then the rows of each part without those of some accounts, nor those that a hold stops now:
    they are added to `held`. Raises Overtaken where the rows are not those that were approved."""
    yield messages.written([])
    hashes = []
    numbers = CreditFilePart.objects.filter(file=file, round=file.round).order_by("number")
    for pk in list(numbers.values_list("pk", flat=True)):
        part = CreditFilePart.objects.select_related("file__case").get(pk=pk)
        hashes.append(part.sha256)
        left = [row for row in taking.rows_of(part, by=by, at=at) if row[0] not in but]
        stopped = accountholds.entered([cells[_NUMBER] for _, cells in left], holdkinds.REPORT, at=at)
        held |= {account for account, cells in left if stopped[terms.account(cells[_NUMBER])]}
        if rows := [cells for account, cells in left if account not in held]:
            yield messages.written(rows, has_heading=False)
    if digest_of(hashes) != file.digest:
        raise Overtaken("The rows are not those that were approved.")


def _keep_months(file: CreditFile, rows: Sequence[tuple[int, list[str]]]) -> None:
    """Keep the month of each account that was told, by COPY."""
    newer = CreditFileFault.objects.filter(file=file, round=file.round, code__in=(TOLD_SINCE, HELD))
    but = set(newer.filter(account__in=[pk for pk, _ in rows]).values_list("account_id", flat=True))
    told = [(pk, taking.named(cells)) for pk, cells in rows if pk not in but]
    copying.copy_rows(
        [
            AccountMonth(
                account_id=pk,
                month=file.month,
                status=said["status"],
                flags=[flag for flag in said["flags"].split(";") if flag],
                balance_pence=int(said["amount_pence"]),
                file_uid=file.case.uid,
            )
            for pk, said in told
        ]
    )


def _month_of(at: datetime) -> str:
    return calendars.london_date(at).replace(day=1).isoformat()


def _open(job: jobs.Job, subject: str, at: datetime) -> None:
    """Open the file of the month, once."""
    month = date.fromisoformat(subject)
    live = CreditFile.objects.filter(month=month).exclude(case__state__in=("void", "merged"))
    if live.exists():
        raise jobs.Skipped("is_open")
    intake.open_case(KIND, actor=jobs.worker_of(job), at=at, facts={"month": month})


def _today(job: jobs.Job) -> Iterable[object]:
    return [_month_of(job.asked_at)]


_REASONS = {
    "overtaken": "The file has moved on meanwhile",
    "part_missing": "A part of the file is gone",
    "no_channel": "An agency has no channel",
    "no_files": "An agency takes no files",
    "release_refused": "Nothing may be sent to an agency now",
    "store_full": "The store for files has no room, or cannot be reached",
}
jobs.declare(
    jobs.Kind(
        code=TAKE,
        label="Take the accounts of a monthly file",
        rows=_slices,
        do=_take,
        is_slow=True,
        finish=_taken,
        reasons=_REASONS,
    ),
    jobs.Kind(
        code=SEND,
        label="Send a monthly file",
        rows=_parts,
        do=_send,
        is_slow=True,
        desk=KIND,
        case="file",
        reasons=_REASONS,
        longest=timedelta(minutes=10),
    ),
    jobs.Kind(
        code=OPEN,
        label="Open the file of the month",
        rows=_today,
        do=_open,
        desk=KIND,
        is_daily=True,
        reasons={"is_open": "It is open already"},
    ),
)
