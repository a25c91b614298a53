"""Batches of accounts for one agency: built by an analyst, released by a manager, sent in files of a few hundred.

Both are work in the background, part by part, each part in one transaction: a batch is of thousands. The gate is asked
when a part is built and again when it is released. Whoever it stops is taken out by a named rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet

from cases.accounts import storing
from cases.accounts.models import Account
from cases.accounts.people import people_of
from cases.debt import guards, looking, opening, rules, takeout, unfinished, updates
from cases.debt.limitation import limit
from cases.debt.models import Placement, PlacementBatch
from cases.kernel import actors, calendars, casetypes, intake, locks, policy, record, releases, tasks, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.background import jobs
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agreements
from cases.kernel.models import Agency, BatchFile, Job, Team
from cases.kernel.reading import officetrail
from cases.ledger import api as ledger
from cases.ledger.reads import Reader

__all__ = [
    "BatchRefused",
    "agencies",
    "build",
    "digest_of",
    "go_on",
    "lines_of",
    "may_go_on",
    "named",
    "release",
    "sent",
    "work_of",
]

KIND, BUILD_JOB, RELEASE_JOB, BACK_JOB = "debt_placement", "build_batch", "release_batch", "draw_back_file"
FILE_GIVEN_UP = "placement_file_given_up"
LONGEST = timedelta(minutes=10)
ACTS = {BUILD_JOB: rules.BUILD, RELEASE_JOB: rules.RELEASE}
STILL = "This batch is still being built."
NOT_BUILT = "The building of this batch ended before all was done: an analyst goes on with it first."
officetrail.declare(
    officetrail.Area(
        code="batches",
        label="Batches of debts",
        act=rules.VIEW_BATCHES,
        kind=KIND,
        acts={
            "batch.chosen": "Chose accounts for a batch",
            "batch.built": "Built a batch",
            "batch.released": "Released a batch",
            "batch.gone_on": "Went on with a batch",
            "batch.handed_over": "Handed a file of a batch over",
            "batch.file_given_up": "Gave a file of a batch up",
            "batch.not_done": "Noted that a batch was left undone",
            "batch.all_done": "Noted that all of a batch is done",
        },
        things=lambda _actor: PlacementBatch.objects.all(),
        page="web:debt_batch",
    )
)


class BatchRefused(CaseError):
    """The batch cannot be built or released as asked; the message is fit to show."""


def agencies() -> list[Agency]:
    """Return the recovery agencies in the register. One query."""
    return list(Agency.objects.filter(kind="dca", is_active=True).order_by("display_name"))


def lines_of(batch: PlacementBatch) -> list[Placement]:
    """Return the accounts of a batch, those that were stopped too, in the order of their references. One query."""
    rows = Placement.objects.filter(batch=batch).select_related("case__key", "case__team", "account")
    return list(rows.order_by("case__reference"))


def waiting(batch: PlacementBatch) -> QuerySet[Placement]:
    """Return the accounts of a batch that wait for its release, by id."""
    return Placement.objects.filter(batch=batch, case__state="in_batch").order_by("pk")


def digest_of(batch: PlacementBatch) -> str:
    """Return the hash of what waits for release, sorted: which account, at how much. One query."""
    rows = waiting(batch).values_list("case__reference", "account_id", "balance_pence")
    text = "\n".join(sorted(f"{reference},{account},{pence}" for reference, account, pence in rows))
    return hashlib.sha256(text.encode()).hexdigest()


def work_of(batch: PlacementBatch) -> Job | None:
    """Return the newest work on a batch. One query."""
    return Job.objects.filter(kind__in=[BUILD_JOB, RELEASE_JOB], key=str(batch.uid)).order_by("-pk").first()


@transaction.atomic
def build(
    numbers: Sequence[str],
    *,
    agency_code: str,
    actor: Actor,
    at: datetime,
    commission_rate: int = 1800,
    request: ledger.RequestInfo | None = None,
) -> PlacementBatch:
    """Choose accounts by number for a new batch; in the background each is asked of the gate, and those that pass are
    put in. `commission_rate` is what was agreed with the agency, in hundredths of a percent. Returns the batch, which
    has no digest until that is done. One event. Raises NotAllowed, BatchRefused."""
    policy.require(actor, rules.BUILD, kind=KIND)
    if actor.user_id is None:
        raise BatchRefused("A batch is built by a person.")
    chosen = sorted(named(numbers))
    agency = next((each for each in agencies() if each.code == agency_code), None)
    if agency is None:
        raise BatchRefused("Choose a recovery agency of the register.")
    batch = PlacementBatch(
        reference=_next_reference(at=at),
        agency=agency,
        commission_rate=commission_rate,
        chosen=chosen,
        built_at=at,
        built_by_id=actor.user_id,
    )
    detail: dict[str, object] = {"reference": batch.reference, "agency": agency.code, "accounts": len(chosen)}
    detail["commission_rate"] = commission_rate
    with ledger.action(
        batch.uid, "batch.chosen", actor=actor.label, at=at, detail=detail, source=actor.source, request=request
    ):
        batch.save(force_insert=True)
    jobs.start(BUILD_JOB, actor=actor, at=at, params={"batch": batch.pk}, key=str(batch.uid), request=request)
    return batch


def named(numbers: Sequence[str]) -> list[int]:
    """Return the ids of the accounts of these numbers, each once, in their order. One query. Raises BatchRefused for
    none, for too many, and for one that billing has not told us of."""
    most = limit("batch_at_most")
    if not numbers or len(numbers) > most:
        raise BatchRefused(f"Name at least one account and at most {most:,}, one on each line.")
    found = storing.find_each(numbers)
    unknown = [number for number, account in zip(numbers, found, strict=True) if account is None]
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise BatchRefused(f"Billing has not told us of these accounts: {', '.join(unknown[:5])}{more}.")
    return list(dict.fromkeys(account.pk for account in found if account is not None))


def _next_reference(*, at: datetime) -> str:
    number = int(intake.next_reference("PL", at=at).rsplit("-", 1)[1])
    return f"PL-{calendars.london_date(at).year}-{number:03d}"


def _locked(batch_id: int) -> PlacementBatch:
    return PlacementBatch.objects.select_for_update(of=("self",)).select_related("agency").get(pk=batch_id)


def _worker(job: Job) -> Actor:
    """Return who asked for the work, as they stand now: whoever lost the role since does it no more."""
    if job.asked_by is None:
        raise BatchRefused("A person builds and releases a batch.")
    return actors.staff(job.asked_by, source=job.source)


def _batch_of(job: Job) -> PlacementBatch:
    """Return the batch of a job, locked."""
    return _locked(job.params["batch"])


def _parts_to_choose(job: Job) -> Iterator[str]:
    chosen = PlacementBatch.objects.get(pk=job.params["batch"]).chosen
    for first in range(0, len(chosen), limit("batch_part")):
        part = chosen[first : first + limit("batch_part")]
        yield f"{part[0]}:{part[-1]}"


def _choose(job: Job, subject: str, at: datetime) -> None:
    """Ask the gate about one part of what was chosen, and put those that pass in the batch. Raises NotAllowed,
    IntakeRefused; then nothing of the part is written."""
    batch, actor = _batch_of(job), _worker(job)
    if batch.released_at is not None:
        raise jobs.Skipped("released")
    first, last = (int(each) for each in subject.split(":"))
    rows = Account.objects.filter(pk__in=[each for each in batch.chosen if first <= each <= last]).order_by("pk")
    accounts = list(rows.prefetch_related("holders", "flags"))
    known = _take_in(accounts, batch, at=at)
    taken = {row.account_id for row in known}
    fresh = [account for account in accounts if account.pk not in taken]
    cases = [row.case for row in known] + opening.select(fresh, batch=batch, actor=actor, at=at)
    for case in (each for each in cases if each.state == "gated"):
        transitions.apply(case.pk, "batch", actor=actor, at=at, inputs={"batch": str(batch.uid)})


def _take_in(accounts: Sequence[Account], batch: PlacementBatch, *, at: datetime) -> list[Placement]:
    """Put the accounts of which a placement waits for a batch, or was opened again, into this one, with the gate asked
    again; return them."""
    waiting = Placement.objects.filter(account__in=accounts, batch=None, case__state__in=("selected", "gated"))
    known = _locked_lines(waiting)
    gate_keeper = system("gate")
    found = opening.look_again(known, actor=gate_keeper, at=at) if known else []
    for row, stopped in zip(known, found, strict=True):
        kept = Placement.objects.get(pk=row.pk)
        with record.act(row.case, "placement.batched", actor=gate_keeper, at=at):
            kept.batch = batch
            kept.save(update_fields=["batch"])
        if stopped:
            row.case = transitions.apply(row.pk, "exclude", actor=gate_keeper, at=at)
        elif row.case.state == "selected":
            row.case = transitions.apply(row.pk, "pass_gate", actor=gate_keeper, at=at)
    return known


def _locked_lines(lines: QuerySet[Placement]) -> list[Placement]:
    """Lock the cases of these lines in the order of their ids, as whoever stops an account does, before anything of
    them is written; return those that are still among the lines then."""
    for case_id in list(lines.order_by("pk").values_list("pk", flat=True)):
        locks.case_for_update(case_id)
    return list(lines.select_related("case__key", "case__team", "account").order_by("pk"))


def _built(job: Job, at: datetime) -> None:
    """The batch may be released from now on, without what could not be built."""
    batch = _batch_of(job)
    if batch.released_at is not None:
        return
    detail = {"reference": batch.reference, "accounts": waiting(batch).count()}
    with ledger.action(batch.uid, "batch.built", actor=jobs.worker_of(job).label, at=at, detail=detail):
        batch.digest = digest_of(batch)
        batch.save(update_fields=["digest"])


@transaction.atomic
def release(
    batch: PlacementBatch,
    *,
    digest: str,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> PlacementBatch:
    """Decide that what waits in a batch goes to its agency: in the background the gate is asked again, whom it stops
    is taken out, and the rest is promised in files of a few hundred, each line released.

    The person who built it may not. `digest` is that of the lines as they were shown. Locks the batch. One event.
    Raises NotAllowed, BatchRefused, ReleaseRefused; nothing is then written.
    """
    policy.require(actor, rules.RELEASE, kind=KIND)
    batch = _locked(batch.pk)
    if batch.released_at is not None:
        raise BatchRefused("This batch is released already.")
    if not batch.digest:
        work = work_of(batch)
        raise BatchRefused(STILL if work is not None and not work.is_over else NOT_BUILT)
    _check_hand_over(batch, actor, at=at)
    _check_shown(batch, digest)
    detail = {"reference": batch.reference, "accounts": waiting(batch).count()}
    with ledger.action(
        batch.uid, "batch.released", actor=actor.label, at=at, detail=detail, source=actor.source, request=request
    ):
        batch.released_at, batch.released_by_id, batch.digest = at, actor.user_id, digest
        batch.save(update_fields=["released_at", "released_by", "digest"])
        unfinished.end(batch, BUILD_JOB, actor=actor, at=at)
    jobs.start(RELEASE_JOB, actor=actor, at=at, params={"batch": batch.pk}, key=str(batch.uid), request=request)
    return batch


def _check_hand_over(batch: PlacementBatch, actor: Actor, *, at: datetime) -> None:
    """Raise NotAllowed, BatchRefused or ReleaseRefused where this person may not hand a batch over to its agency."""
    policy.require(actor, rules.RELEASE, kind=KIND)
    if actor.user_id in {None, batch.built_by_id, *jobs.asked_by(BUILD_JOB, str(batch.uid))}:
        raise BatchRefused("Somebody else than whoever built it releases a batch.")
    if sentence := agreements.too_close(batch.agency, actor, at=at):
        raise releases.ReleaseRefused(sentence)
    releases.check_agreement(batch.agency, day=calendars.london_date(at))  # each file is asked it again


def _check_shown(batch: PlacementBatch, digest: str) -> None:
    if digest_of(batch) != digest:
        raise BatchRefused("The batch changed while you were reading it. Look at it again.")


def may_go_on(work: Job | None, actor: Actor) -> bool:
    """Say whether the actor's role goes on with work on a batch that ended before all was done: whoever builds with a
    building, whoever releases with a release."""
    if work is None or not work.is_over or not jobs.has_more(work):
        return False
    return policy.can(actor, ACTS[work.kind], kind=KIND).is_allowed


@transaction.atomic
def go_on(
    batch: PlacementBatch,
    *,
    digest: str,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> Job:
    """Go on, in one's own name, with what of a batch was not built or not released when its work ended: the rules are
    asked again of whoever goes on, and of each part as it is done. Of a release `digest` is that of what still waits.

    Locks the batch and its work, so that of two people one goes on. Two events. Raises NotAllowed, BatchRefused,
    ReleaseRefused, JobRefused; nothing is then written.
    """
    work = work_of(batch)
    if work is None:
        raise BatchRefused("Nothing of this batch is left to do.")
    policy.require(actor, ACTS[work.kind], kind=KIND)
    if not work.is_over:  # asked before the batch is locked: work that ends locks it after itself
        raise BatchRefused("This work has not ended yet.")
    batch = _locked(batch.pk)
    if actor.user_id is None:
        raise BatchRefused("A person goes on with a batch.")
    if work.kind == BUILD_JOB and batch.released_at is not None:
        raise BatchRefused("This batch is released already.")
    if work.kind == RELEASE_JOB:
        _check_hand_over(batch, actor, at=at)
        _check_shown(batch, digest)
    detail = {"reference": batch.reference, "work": work.kind}
    with ledger.action(
        batch.uid, "batch.gone_on", actor=actor.label, at=at, detail=detail, source=actor.source, request=request
    ):
        return jobs.take_over(work, actor=actor, at=at, request=request)


def _parts_to_release(job: Job) -> Iterator[str]:
    ids = list(waiting(PlacementBatch.objects.get(pk=job.params["batch"])).values_list("pk", flat=True))
    for first in range(0, len(ids), limit("batch_file")):
        part = ids[first : first + limit("batch_file")]
        yield f"{part[0]}:{part[-1]}"


def _hand_over(job: Job, subject: str, at: datetime) -> None:
    """Ask the gate about one part again, take out whom it stops, and promise the rest as one file; where nobody is
    left none goes. Raises NotAllowed, BatchRefused, ReleaseRefused, NoChannel, NoFiles; then nothing of it is written.
    """
    batch, actor = PlacementBatch.objects.select_related("agency").get(pk=job.params["batch"]), _worker(job)
    _check_hand_over(batch, actor, at=at)
    first, last = (int(each) for each in subject.split(":"))
    left = _still_clear(_locked_lines(waiting(batch).filter(pk__gte=first, pk__lte=last)), at=at)
    accounts = Account.objects.filter(pk__in=[line.account_id for line in left]).prefetch_related("holders")
    reader = Reader(actor=actor.label, verb="release", purpose="recover_debts")
    people = people_of(list(accounts), reader=reader, at=at)
    if still := [line for line in left if _names(line, people[line.account_id], at=at)]:
        digests = {line.pk: opening.digest_of(people[line.account_id]) for line in still}
        _promise(batch, still, digests, part=subject, actor=actor, at=at)


def _still_clear(lines: Sequence[Placement], *, at: datetime) -> list[Placement]:
    """Return the lines that nothing stops now; exclude the others."""
    gate_keeper = system("gate")
    found = opening.look_again(lines, actor=gate_keeper, at=at)
    for row, stopped in zip(lines, found, strict=True):
        if stopped:
            transitions.apply(row.pk, "exclude", actor=gate_keeper, at=at)
    clear = [row.pk for row, stopped in zip(lines, found, strict=True) if not stopped]
    rows = Placement.objects.filter(pk__in=clear).select_related("case__key", "case__team", "account")
    return list(rows.order_by("case__reference"))


def _names(line: Placement, people: Sequence[Mapping[str, Any]], *, at: datetime) -> bool:
    """See that the case of an account names whoever holds it today, where they live today, before anybody is told of
    them; where its holders are others by now, exclude it: it is chosen anew."""
    if line.told_digest == opening.digest_of(people):
        return True
    case, gate_keeper = line.case, system("gate", source=line.case.source)
    with record.act(case, "placement.people_changed", actor=gate_keeper, at=at):
        is_written = updates.rewrite(case, people, actor=gate_keeper, at=at)
        case.version += 1
        case.save(update_fields=["version"])
    if not is_written:
        opening.note(case, [guards.OTHER_HOLDERS], actor=gate_keeper, at=at)
        transitions.apply(case.pk, "exclude", actor=gate_keeper, at=at)
    return is_written


def _promise(
    batch: PlacementBatch,
    lines: Sequence[Placement],
    digests: Mapping[int, str],
    *,
    part: str,
    actor: Actor,
    at: datetime,
) -> None:
    file, rows = takeout.draw(batch, lines, actor=actor, at=at)
    for line, row in zip(lines, rows, strict=True):
        told = {"file": file, "row": row, "people": digests[line.pk]}
        transitions.apply(line.pk, "release", actor=actor, at=at, inputs=told)
    takeout.promise(batch, file, rows, dedupe=f"batch:{batch.uid}:{part}", at=at)


def _handed_over(job: Job, at: datetime) -> None:
    """Note how many accounts went out, and in how many files."""
    batch = _batch_of(job)
    rows = Placement.objects.filter(batch=batch, file_uid__isnull=False).exclude(case__state="excluded")
    told = rows.aggregate(accounts=Count("pk"), files=Count("file_uid", distinct=True))
    detail = {"reference": batch.reference, **told}
    with ledger.action(batch.uid, "batch.handed_over", actor=jobs.worker_of(job).label, at=at, detail=detail):
        pass


def sent(file: BatchFile, became: str, at: datetime) -> None:
    """A file has left, or has been answered: every line of it that was released is with the agency, which is told at
    once what changed while the file was on its way, and to stop where something stops it by now. Of one that was given
    up each line is drawn back in the background."""
    if became in {"skipped", "lost"}:
        params = {"file": str(file.uid), "is_lost": became == "lost"}
        jobs.start(BACK_JOB, actor=system("delivery"), at=at, params=params, key=str(file.uid))
    if became not in {"delivered", "answered"}:
        return
    lines = Placement.objects.filter(file_uid=file.uid, case__state="released").order_by("pk")
    for case_id in list(lines.values_list("pk", flat=True)):
        transitions.apply(case_id, "send", actor=system("delivery"), at=at)
    there = Placement.objects.filter(file_uid=file.uid, case__state="sent")
    updates.bring_up_to_date(list(there.values_list("account_id", flat=True)), at=at)


def _lines_to_draw_back(job: Job) -> Iterator[int]:
    rows = Placement.objects.filter(file_uid=job.params["file"], case__state="released").order_by("pk")
    return rows.values_list("pk", flat=True).iterator()


def _draw_back(job: Job, subject: str, at: datetime) -> None:
    """Take one account out of a file that nobody has; of one that the agency may have it counts as sent, so that the
    agency is told to stop where it must, and the account is recalled."""
    case = locks.case_for_update(int(subject))
    if case.state != "released":
        raise jobs.Skipped("not_released")
    worker = jobs.worker_of(job)
    transitions.apply(case.pk, "send" if job.params["is_lost"] else "pull", actor=worker, at=at)
    looking.look_at_held(Placement.objects.filter(pk=case.pk, case__state="sent"), at=at)


def _drawn_back(job: Job, at: datetime) -> None:
    """Tell the desk what became of the accounts of a file that was given up."""
    file = Placement.objects.filter(file_uid=job.params["file"]).select_related("batch").first()
    if file is None or file.batch is None:
        return
    batch, team = file.batch, Team.objects.filter(code=casetypes.get(KIND).team).first()
    told = {
        "batch": str(batch.uid),
        "reference": batch.reference,
        "accounts": job.done,
        "is_lost": job.params["is_lost"],
    }
    with ledger.action(batch.uid, "batch.file_given_up", actor=jobs.worker_of(job).label, at=at, detail=told):
        tasks.raise_task(FILE_GIVEN_UP, case=None, team=team, at=at, **told)


def _given_up_in_words(detail: Mapping[str, Any]) -> str:
    if "reference" not in detail:
        return ""
    after = (
        "the agency may have them: ask it, and recall them"
        if detail["is_lost"]
        else "nobody has them, and no letter says so: choose them anew"
    )
    return f"{detail['reference']}, {detail['accounts']} accounts; {after}"


tasks.declare(
    {FILE_GIVEN_UP: "A file of accounts to a recovery agency was given up"},
    more={FILE_GIVEN_UP: _given_up_in_words},
    pages={FILE_GIVEN_UP: ("web:debt_batch", "batch")},
)


def _parts(_actor: Actor, subjects: list[str]) -> dict[str, str]:
    return dict.fromkeys(subjects, "A part of the batch")


def _references(actor: Actor, subjects: list[str]) -> dict[str, str]:
    """Return the references of those that this person may know of."""
    rows = Placement.objects.filter(pk__in=[int(each) for each in subjects], case__in=policy.visible_to(actor))
    return {str(pk): reference for pk, reference in rows.values_list("pk", "case__reference")}


_REASONS = {
    "released": "The batch was released without it",
    "intake_refused": "A case could not be opened",
    "not_allowed": "Whoever asked for it may not do it any more",
    "batch_refused": "Whoever asked for it had a part in building it",
    "release_refused": "The agency may be sent nothing by whoever asked for it",
    "no_channel": "The agency has no open channel",
    "no_files": "The agency takes no files",
}
jobs.declare(
    jobs.Kind(
        code=BUILD_JOB,
        label="Build a batch of debts",
        rows=_parts_to_choose,
        do=_choose,
        finish=_built,
        ended=unfinished.note,
        names=_parts,
        reasons=_REASONS,
        longest=LONGEST,
    ),
    jobs.Kind(
        code=RELEASE_JOB,
        label="Release a batch of debts",
        rows=_parts_to_release,
        do=_hand_over,
        finish=_handed_over,
        ended=unfinished.note,
        names=_parts,
        reasons=_REASONS,
        longest=LONGEST,
    ),
    jobs.Kind(
        code=BACK_JOB,
        label="Draw back the accounts of a file that was given up",
        rows=_lines_to_draw_back,
        do=_draw_back,
        finish=_drawn_back,
        desk=KIND,
        names=_references,
        reasons={"not_released": "It stands elsewhere by now"},
    ),
)
