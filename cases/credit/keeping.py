"""For how long a check is kept: by the rule of a customer, of somebody who became none, of a decision that no person
took or that was contested, or of a fraud on file: filed by us, or by another member and confirmed. Of several the
longest counts. A filing that is removed, and a record that was about somebody else, keep nothing any more.

A customer's check is kept until six years after their contract ends. Nobody tells a check of that end: from its closing
six years are counted, and before they are over it is looked whether the contract went on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet

from cases.accounts import likeness
from cases.credit import codes
from cases.credit.models import CheckDecision, Contest
from cases.kernel import calendars, casetypes, locks, record, retention
from cases.kernel.actors import Actor, system
from cases.kernel.background import jobs
from cases.kernel.finding import matching
from cases.kernel.models import Case, CaseAddress, CaseLink, CaseParty
from cases.kernel.prepared import Prepared
from cases.ledger import sealing
from cases.ledger.reads import Reader

__all__ = [
    "AUTOMATED",
    "CUSTOMER",
    "FRAUD",
    "KEEP",
    "LONGER",
    "OTHER",
    "class_of",
    "contested",
    "filing_removed",
    "fraud_filed",
    "is_kept_on",
    "link_removed",
    "marker_confirmed",
    "marker_taken_back",
]

CUSTOMER, OTHER, AUTOMATED, FRAUD = "check_customer", "check_no_customer", "check_automated", "check_fraud"
KEEP, LONGER, SHORTER = "keep_customer_checks", "keep_checks_longer", "keep_checks_no_longer"
# So long before its last day a customer's check is looked at, and again each day from then on.
AHEAD = timedelta(days=30)


def class_of(case: Case) -> str:
    """Return by which rule a check that closes is kept. Two queries at most."""
    if case.retention_class == FRAUD:
        return FRAUD
    decisions = list(CheckDecision.objects.filter(case=case).order_by("number"))
    if _is_of_customer(case, decisions):
        return CUSTOMER
    is_reviewed = any(row.automated_level == "solely" for row in decisions)
    is_reviewed = is_reviewed or Contest.objects.filter(decision__case=case).exists()
    return AUTOMATED if is_reviewed else OTHER


def _is_of_customer(case: Case, decisions: Sequence[CheckDecision]) -> bool:
    is_accepted = bool(decisions) and decisions[-1].outcome.startswith("accept")
    return case.check_facts.occasion in codes.EXISTING or is_accepted


def contested(check: Case, *, at: datetime) -> None:
    """A check that was closed is contested: it is kept as long as the record of the review. A job does it, so that
    nobody who works on the check keeps the contest from being opened."""
    if check.is_closed and check.retention_class == OTHER:
        _start([check.pk], AUTOMATED, source=check.source, at=at)


def fraud_filed(filing: Case, *, at: datetime) -> None:
    """A fraud is on file: checks that are linked with its case, or of whom it is about, are kept as long as a check
    with a marker. One of somebody innocent is not one. A job does it, so that nobody who works on a check keeps a fraud
    from being filed. Of a restricted filing nothing is written anywhere else."""
    if filing.is_restricted:
        return
    if found := [check for (check,) in _UNMARKED.rows(filing=filing.pk)]:
        _start(found, FRAUD, source=filing.source, at=at)


def _of_filing(filing: Case) -> QuerySet[Case]:
    """Return the checks that are linked with a filing, or of whom it is about, but for the innocent."""
    named = CaseParty.objects.filter(case=filing, is_detached=False, is_innocent=False).exclude(party=None)
    linked = CaseLink.objects.filter(removed_at=None)
    wanted = (
        Q(pk__in=linked.filter(case=filing).values("other"))
        | Q(pk__in=linked.filter(other=filing).values("case"))
        | Q(parties__role="applicant", parties__is_detached=False, parties__party__in=named.values("party"))
    )
    return Case.objects.filter(wanted, kind="check", is_erased=False).distinct().order_by("pk")


_UNMARKED = Prepared(
    lambda filing: _of_filing(filing).exclude(retention_class=FRAUD).values_list("pk"), filing=-(10**15) - 1
)


def filing_removed(filing: Case, *, at: datetime) -> None:
    """A filing of ours is down: what was kept for its sake is kept no longer than without it."""
    if not filing.is_restricted:
        _start_shorter(_of_filing(filing), source=filing.source, at=at)


def marker_confirmed(person: CaseParty, *, at: datetime) -> None:
    """A record that another member filed was confirmed for somebody, whether or not we file anything: checks of whom it
    is about are kept as long as a check with a marker. Of the innocent and of a restricted case nothing follows."""
    if person.case.is_restricted or person.is_innocent or person.role.startswith("victim") or person.party_id is None:
        return
    about = CaseParty.objects.filter(party=person.party_id, role="applicant", is_detached=False, case__kind="check")
    about = about.filter(case__is_erased=False)
    checks = about.exclude(case__retention_class=FRAUD).order_by("case").values_list("case", flat=True).distinct()
    if found := list(checks):
        _start(found, FRAUD, source=person.case.source, at=at)


def marker_taken_back(person: CaseParty, *, at: datetime) -> None:
    """A record that was confirmed for somebody, or a filing of ours, is about somebody else or finds them innocent:
    their checks are kept as if it had not been."""
    if person.case.is_restricted or person.party_id is None:
        return
    about = CaseParty.objects.filter(party=person.party_id, role="applicant", is_detached=False, case__kind="check")
    checks = Case.objects.filter(pk__in=about.values("case"), is_erased=False).order_by("pk")
    _start_shorter(checks, source=person.case.source, at=at)


def link_removed(case: Case, other: Case, *, at: datetime) -> None:
    """Two cases were linked in error: a check that was kept for the sake of the other is kept as if it had not been."""
    if not (case.is_restricted or other.is_restricted):
        checks = Case.objects.filter(pk__in=[case.pk, other.pk], kind="check", is_erased=False)
        _start_shorter(checks, source=case.source, at=at)


def _start_shorter(checks: QuerySet[Case], *, source: str, at: datetime) -> None:
    if found := list(checks.filter(retention_class=FRAUD).values_list("pk", flat=True)):
        jobs.start(SHORTER, actor=system("checks", source=source), at=at, params={"checks": found})


def _shorten(job: jobs.Job, subject: str, at: datetime) -> None:
    """Keep one check as if no fraud were on file, unless another filing or record still is. What is kept as a
    customer's is kept until it was looked whether the contract goes on."""
    check = locks.case_for_update(int(subject))
    applicants = check.parties.filter(role="applicant", is_detached=False).exclude(party=None)
    people = list(applicants.values_list("party_id", flat=True))
    marked = (each.reacts["still_marked"] for each in casetypes.all_types() if "still_marked" in each.reacts)
    if check.retention_class != FRAUD or any(is_marked(check, people) for is_marked in marked):
        raise jobs.Skipped("still_marked")
    detail = {"no_longer": FRAUD}
    with record.act(check, "check.kept_no_longer", actor=jobs.worker_of(job), at=at, detail=detail):
        check.retention_class = casetypes.get(check.kind).retention_class
        if check.is_closed:
            code = check.retention_class = class_of(check)
            until = retention.dispose_after(code, trigger_date=check.closed_date or _last_decided(check))
            until = max(until, calendars.london_date(at) + AHEAD) if code == CUSTOMER else until
            check.dispose_after_date = until
            for party in check.parties.all():
                party.retention_class, party.dispose_after_date = code, until
                party.save(update_fields=["retention_class", "dispose_after_date"])
        check.version += 1
        check.save(update_fields=["retention_class", "dispose_after_date", "version"])


def _start(checks: list[int], code: str, *, source: str, at: datetime) -> None:
    jobs.start(LONGER, actor=system("checks", source=source), at=at, params={"checks": checks, "retention_class": code})


def _lengthen(job: jobs.Job, subject: str, at: datetime) -> None:
    """Keep one check as the job says, unless a longer reason keeps it by now."""
    check, code = locks.case_for_update(int(subject)), job.params["retention_class"]
    is_other = check.is_closed and check.retention_class == OTHER
    is_wanted = is_other if code == AUTOMATED else check.retention_class != FRAUD
    if not is_wanted or not _keep_as(check, code, _last_decided(check), actor=jobs.worker_of(job), at=at):
        raise jobs.Skipped("long_enough")


def _last_decided(check: Case) -> date:
    last = CheckDecision.objects.filter(case=check).order_by("number").last()
    return calendars.london_date(last.decided_at if last else check.opened_at)


def _keep_as(check: Case, code: str, counted_from: date, *, actor: Actor, at: datetime) -> bool:
    """Keep a locked check by another rule, in an act of its own; never shorter than it is. Say whether it changed."""
    last = retention.dispose_after(code, trigger_date=counted_from)
    until = max(last, check.dispose_after_date or last)
    if (check.retention_class, check.dispose_after_date) == (code, until):
        return False
    with record.act(check, "check.kept_longer", actor=actor, at=at, detail={"retention_class": code}):
        check.retention_class = code
        if check.is_closed:
            check.dispose_after_date = until
            for party in check.parties.all():
                party.retention_class, party.dispose_after_date = code, max(until, party.dispose_after_date or until)
                party.save(update_fields=["retention_class", "dispose_after_date"])
        check.version += 1
        check.save(update_fields=["retention_class", "dispose_after_date", "version"])
    return True


def _rows(job: jobs.Job) -> Iterable[int]:
    """List the checks that are kept as a customer's, or for a fraud and may be a customer's too, and whose time is over
    soon. What is over is not made longer: its documents are gone."""
    today = calendars.london_date(job.asked_at)
    kept = Case.objects.filter(kind="check", is_closed=True, retention_class__in=(CUSTOMER, FRAUD))
    due = kept.filter(dispose_after_date__range=(today, today + AHEAD))
    return due.order_by("pk").values_list("pk", flat=True)


def _look(job: jobs.Job, subject: str, at: datetime) -> None:
    """Count a customer's check from the end of the contract that ended last, or from today while one goes on."""
    check, worker = locks.case_for_update(int(subject)), jobs.worker_of(job)
    ended = _contract_end(check, worker=worker, at=at)
    if ended is None:
        raise jobs.Skipped("no_contract")
    if not _keep_as(check, check.retention_class, ended, actor=worker, at=at):
        raise jobs.Skipped("long_enough")


def _contract_end(check: Case, *, worker: Actor, at: datetime) -> date | None:
    """Return when the contract of a check's customer ended that ended last, today while one goes on, nothing where none
    is known."""
    if not _is_of_customer(check, list(CheckDecision.objects.filter(case=check).order_by("number"))):
        return None
    reader = Reader(actor=worker.label, verb="keep", purpose="check_applicants", streams=(check.uid,))
    today, found = calendars.london_date(at), likeness.likely(_applicant(check, reader=reader, at=at))
    held = [each.holder.account for each in found if each.score.points >= matching.CERTAIN]
    return max((account.contract_end_date or today for account in held), default=None)


def is_kept_on(check: Case, at: datetime) -> bool:
    """Say whether a locked check whose time seems over is of somebody whose contract goes on, or ended so late that its
    years are not over."""
    if check.retention_class not in (CUSTOMER, FRAUD):
        return False
    ended = _contract_end(check, worker=system("disposal", source=check.source), at=at)
    today = calendars.london_date(at)
    return ended is not None and retention.dispose_after(CUSTOMER, trigger_date=ended) >= today


def _applicant(check: Case, *, reader: Reader, at: datetime) -> dict[str, str | None]:
    """Open what is compared of whom a check is about. Two access rows."""
    party = CaseParty.objects.filter(case=check, role="applicant", is_detached=False).order_by("number").first()
    if party is None:
        return {}
    (values,) = sealing.open_rows([party], ["forename", "surname", "date_of_birth"], reader=reader, at=at)
    home = CaseAddress.objects.filter(party=party, is_detached=False).order_by("pk").first()
    if home is not None:
        (place,) = sealing.open_rows([home], ["postcode"], reader=reader, at=at)
        values |= place
    return values


jobs.declare(
    jobs.Kind(
        code=LONGER,
        label="Keep checks longer that were contested, or that a fraud on file is about",
        rows=lambda job: job.params["checks"],
        do=_lengthen,
        desk="check",
        reasons={"long_enough": "It is kept long enough"},
    ),
    jobs.Kind(
        code=SHORTER,
        label="Keep checks no longer of which no fraud is on file any more",
        rows=lambda job: job.params["checks"],
        do=_shorten,
        desk="check",
        reasons={"still_marked": "Another fraud on file is about it"},
    ),
    jobs.Kind(
        code=KEEP,
        label="Keep checks of customers until six years after their contract",
        rows=_rows,
        do=_look,
        desk="check",
        is_daily=True,
        reasons={"no_contract": "No contract of theirs is known", "long_enough": "It is kept long enough"},
    ),
)
