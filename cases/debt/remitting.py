"""What agencies say they collected, beside what we booked: line by line and in total, to the penny.

A file of which one line is wrong is taken in no part, and what it said is kept. A line that was taken and cannot be
booked is kept with why. Either is a task of the desk, which ends when a manager says what becomes of the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Sum

from cases.debt import codes, figures
from cases.debt.models import Placement, PlacementBatch, Remittance, RemittanceLine
from cases.kernel import calendars, casetypes, money, policy, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError
from cases.kernel.models import Agency, Approval, BatchFile, Callback, Case, Task, Team
from cases.ledger import api as ledger
from cases.ledger import copying

__all__ = [
    "CLOSE",
    "OUTCOMES",
    "Said",
    "WHYS",
    "book",
    "callback_ignored",
    "close",
    "day_of",
    "differs",
    "keep",
    "keep_refused",
    "lines_of",
    "listed",
    "not_agreed",
    "remittances",
    "wait",
    "why_not",
]

KIND, CLOSE, DIFFERS = "debt_placement", "close_remittance", "remittance_differs"
SETTLE = "settle"
ACTOR = system("remittances")
LINES_IN_A_TASK = 3
# An agency remits at least monthly (domain 5A.4): what it says of a day long before is reckoned as of this quarter.
LONGEST_AGO = timedelta(days=92)
# Nothing was agreed for an account that is none of ours.
AGREED, AGREED_LINES = Q(case__isnull=False), Q(lines__case__isnull=False)
WHYS = {
    "account_unknown": "This agency has no such account of ours",
    "not_an_amount": "It names nothing that was collected, or less than nothing",
    "amounts_do_not_add_up": "What it passes on is not what it collected less commission and VAT",
    "commission_differs": "Commission or VAT is not what was agreed for the batch",
    "not_with_agency": "The agency did not have the account any more",
    "more_than_owed": "More was collected than was owed",
    "settlement_refused": "A manager did not agree to the settlement",
    "settlement_overtaken": "The account changed before a manager agreed to the settlement",
    "nothing_follows": "Somebody said that nothing follows from what the agency told",
}
OUTCOMES = {
    "agency_corrects": "The agency says it again, put right",
    "agency_pays_back": "The agency pays it back to the customer",
    "billing_books": "Billing books it on the account itself",
    "written_off": "The difference is not worth asking for",
}
PUT_RIGHT = "put_right"
WORDS = {**OUTCOMES, PUT_RIGHT: "The agency sent the file again, and it was taken"}


class RemittanceRefused(CaseError):
    """The remittance cannot be closed, or says nothing that could be read. The message is fit to show."""


class Said:
    """What an agency says of one account, in whole pence, and what was agreed for it: its rate of commission and the
    VAT of the day on which it says so, both in hundredths of a percent."""

    __slots__ = ("amount", "commission", "due_commission", "due_vat", "net", "vat")

    def __init__(self, told: Mapping[str, Any], rate: int, *, vat_rate: int) -> None:
        self.amount = _pence(told.get("amount_pence"))
        self.commission, self.vat = _pence(told.get("commission_pence", 0)), _pence(told.get("vat_pence", 0))
        self.net = _pence(told.get("net_pence", self.amount - self.commission - self.vat))
        self.due_commission = share(self.amount, rate, 10_000)
        self.due_vat = share(self.due_commission, vat_rate, 10_000)

    @property
    def why(self) -> str:
        """Return the code of what is wrong with the sums, or nothing."""
        if min(self.amount, self.commission, self.vat, self.net) < 0:
            return "not_an_amount"
        if self.amount - self.commission - self.vat != self.net:
            return "amounts_do_not_add_up"
        is_agreed = (self.commission, self.vat) == (self.due_commission, self.due_vat)
        return "" if is_agreed else "commission_differs"


def _pence(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or abs(given) > 10**12:
        raise RemittanceRefused("An amount is whole pence.")
    return given


def share(pence: int, part: int, of: int) -> int:
    """Return a part of an amount, a half penny rounded up."""
    return (2 * pence * part + of) // (2 * of)


def batch_of(case: Case) -> PlacementBatch:
    """Return the batch in which an account was handed over. Raises RemittanceRefused where no agency has it."""
    batch: PlacementBatch | None = case.placement.batch
    if batch is None:
        raise RemittanceRefused("No agency has this account.")
    return batch


def day_of(said_at: datetime | None, *, came_at: datetime) -> date:
    """Return the day (Europe/London) whose rate of VAT counts: that on which the agency says what it collected, not
    after we had it and no more than a quarter before."""
    last = calendars.london_date(came_at)
    said = last if said_at is None else min(calendars.london_date(said_at), last)
    return max(said, last - LONGEST_AGO)


def said_of(case: Case, told: Mapping[str, Any], *, day: date) -> Said:
    """Return what is said of a placement on a day, with what was agreed for its batch. Raises RemittanceRefused."""
    return Said(told, batch_of(case).commission_rate, vat_rate=figures.vat_rate(on=day))


def why_not(case: Case, said: Said) -> str:
    """Return the code of why what was collected cannot be booked on a locked placement, or nothing."""
    placement = case.placement
    if said.why:
        return said.why
    if said.amount == 0:
        return "not_an_amount"
    if case.is_closed:
        return "not_with_agency"
    is_more = placement.collected_pence + said.amount > placement.balance_pence
    return "more_than_owed" if is_more and case.state in codes.AT_AGENCY else ""


def _lines(
    remittance: Remittance, told: Sequence[Said], cases: Sequence[int | None], whys: Sequence[str]
) -> list[RemittanceLine]:
    return [
        RemittanceLine(
            remittance=remittance,
            number=number,
            case_id=case_id,
            why=why,
            amount_pence=said.amount,
            commission_pence=said.commission,
            vat_pence=said.vat,
            net_pence=said.net,
            due_commission_pence=said.due_commission,
            due_vat_pence=said.due_vat,
        )
        for number, (said, case_id, why) in enumerate(zip(told, cases, whys, strict=True), start=1)
    ]


def keep(
    file: BatchFile, told: Sequence[Said], cases: Sequence[int | None], callbacks: Sequence[UUID], *, at: datetime
) -> Remittance:
    """Keep what a taken file says, each line with its callback, inside the current ledger action; one that was refused
    under the same name is put right by it."""
    agency = file.channel.agency
    made = Remittance.objects.create(agency=agency, file_uid=file.uid, name=file.name, told_at=at)
    rows = _lines(made, told, cases, [""] * len(told))
    for row, callback in zip(rows, callbacks, strict=True):
        row.callback_uid = callback
    copying.copy_create(RemittanceLine, rows)
    earlier = Remittance.objects.select_for_update().filter(agency=agency, name=file.name, is_refused=True)
    for refused in earlier.filter(closed_at=None):
        _close(refused, PUT_RIGHT, actor=ACTOR, at=at)
    return made


def keep_refused(
    file: BatchFile, told: Sequence[Said], cases: Sequence[int | None], whys: Sequence[str], *, at: datetime
) -> None:
    """Keep what a refused file said, and have somebody look at it: one ledger event of its own. What is kept of it and
    not closed yet is not kept again."""
    if Remittance.objects.filter(file_uid=file.uid, closed_at=None).exists():
        return
    made = Remittance(agency=file.channel.agency, file_uid=file.uid, name=file.name, told_at=at, is_refused=True)
    with ledger.action(made.uid, "remittance.refused", actor=ACTOR.label, at=at, detail={"file": str(file.uid)}):
        made.save(force_insert=True)
        copying.copy_create(RemittanceLine, _lines(made, told, cases, whys))
        _tell_people(made, at=at)


def _line_of(case: Case, said: Said, callback: str, *, at: datetime) -> RemittanceLine:
    """Return the line of a callback with its remittance, both locked; one that came as a message is a line of what its
    agency says on that day."""
    rows = RemittanceLine.objects.select_for_update().select_related("remittance")
    if callback and (found := rows.filter(callback_uid=callback).first()):
        return found
    agency = batch_of(case).agency
    day = calendars.london_date(at)
    Agency.objects.select_for_update(of=("self",), no_key=True).get(pk=agency.pk)
    of_day, _ = Remittance.objects.get_or_create(agency=agency, day=day, defaults={"told_at": at})
    (line,) = _lines(of_day, [said], [case.pk], [""])
    line.number, line.callback_uid = of_day.lines.count() + 1, UUID(callback) if callback else None
    line.save(force_insert=True)
    return line


def book(case: Case, said: Said, callback: str, *, at: datetime) -> None:
    """Note that a line was booked on its placement, inside the current ledger action on the locked case."""
    line = _line_of(case, said, callback, at=at)
    line.booked_pence, line.booked_at, line.why = said.amount, at, ""
    line.save(update_fields=["booked_pence", "booked_at", "why"])


def wait(case: Case, said: Said, callback: str, *, at: datetime) -> None:
    """Keep the line of a settlement to which a manager has to agree first, inside the current ledger action on the
    locked case."""
    _line_of(case, said, callback, at=at)


def differs(case: Case, said: Said, callback: str, why: str, *, at: datetime) -> None:
    """Keep why a line is not booked, and have somebody look at it, inside the current ledger action on the locked
    case. What was closed before is open again."""
    _differ(_line_of(case, said, callback, at=at), why, at=at)


def not_agreed(case: Case, *, is_refused: bool, at: datetime) -> None:
    """A settlement that waited for a manager will not be booked: its line differs, inside the current ledger action on
    the locked case. What the agency said and nobody has applied yet still may be."""
    coming = Callback.objects.filter(uid=OuterRef("callback_uid"), state__in=("received", "failed"))
    for line in _unbooked().filter(~Exists(coming), case=case).order_by("pk"):
        _differ(line, "settlement_refused" if is_refused else "settlement_overtaken", at=at)


def callback_ignored(callback: Callback, *, at: datetime) -> None:
    """A person said that nothing follows from a callback: its line will not be booked, inside the current ledger
    action."""
    for line in _unbooked().filter(callback_uid=callback.uid):
        _differ(line, "nothing_follows", at=at)


def _unbooked() -> QuerySet[RemittanceLine]:
    """Return the lines that are neither booked nor said to differ, to be locked."""
    rows = RemittanceLine.objects.filter(booked_at=None, why="", remittance__is_refused=False)
    return rows.select_for_update(of=("self",))


def _differ(line: RemittanceLine, why: str, *, at: datetime) -> None:
    line.why = why
    line.save(update_fields=["why"])
    remittance = Remittance.objects.select_for_update(of=("self",)).select_related("agency").get(pk=line.remittance_id)
    if remittance.closed_at is not None:
        remittance.closed_at, remittance.closed_by, remittance.outcome = None, None, ""
        remittance.save(update_fields=["closed_at", "closed_by", "outcome"])
    _tell_people(remittance, at=at)


def _tell_people(remittance: Remittance, *, at: datetime) -> None:
    """Raise the task of a remittance, or bring it up to date."""
    rows = remittance.lines.order_by("number") if remittance.is_refused else remittance.lines.exclude(why="")
    sums = rows.aggregate(said=Sum("amount_pence"), booked=Sum("booked_pence"), short=Sum(_short(), filter=AGREED))
    wrong = list(rows.exclude(why="").order_by("number").values_list("number", "amount_pence", "booked_pence", "why"))
    detail: dict[str, Any] = {
        "agency": remittance.agency.code,
        "remittance": str(remittance.uid),
        "said_pence": sums["said"] or 0,
        "booked_pence": sums["booked"] or 0,
        "short_pence": sums["short"] or 0,
        "lines": [[number, said - booked, why] for number, said, booked, why in wrong[:LINES_IN_A_TASK]],
        "wrong": len(wrong),
    }
    task = Task.objects.filter(kind=DIFFERS, closed_at=None, detail__remittance=str(remittance.uid)).first()
    if task is None:
        team = Team.objects.filter(code=casetypes.get(KIND).team).first()
        tasks.raise_task(DIFFERS, case=None, team=team, at=at, **detail)
    else:
        task.detail = detail
        task.save(update_fields=["detail"])


def _short() -> Any:
    """By how much less reaches us than was agreed, of what the agency says it collected: of lines of which something
    was."""
    return F("amount_pence") - F("due_commission_pence") - F("due_vat_pence") - F("net_pence")


def in_words(detail: Mapping[str, Any]) -> str:
    """Return what a task says of a remittance: what was said and booked, and by how much each line differs."""
    if "said_pence" not in detail:
        return ""
    apart = money.pounds(detail["said_pence"] - detail["booked_pence"])
    each = [f"line {number} {money.pounds(pence)}" for number, pence, _ in detail["lines"]]
    if detail["wrong"] > len(each):
        each.append(f"{detail['wrong'] - len(each)} more")
    short = f", {money.pounds(detail['short_pence'])} short of what was agreed" if detail["short_pence"] else ""
    said, booked = money.pounds(detail["said_pence"]), money.pounds(detail["booked_pence"])
    return f"{said} said, {booked} booked, {apart} apart{short} ({', '.join(each)})"


tasks.declare(
    {DIFFERS: "What a recovery agency says it collected differs from what we booked"},
    ended_by={DIFFERS: "This ends when a manager says on the page of the remittance what becomes of the difference."},
    more={DIFFERS: in_words},
    pages={DIFFERS: ("web:debt_remittance", "remittance")},
)


def remittances() -> QuerySet[Remittance]:
    """Return every remittance without its sums, to be sorted and cut into pages; unordered."""
    return Remittance.objects.only("pk", "told_at")


def listed() -> QuerySet[Any]:
    """Return every remittance with its sums: what was said, what reaches us, what was booked; unordered. Name which:
    all lines of those are added up."""
    amounts = ("amount_pence", "commission_pence", "vat_pence", "net_pence", "booked_pence")
    sums = {f"total_{name}": Sum(f"lines__{name}") for name in amounts}
    return (
        Remittance.objects.select_related("agency", "closed_by")
        .annotate(
            **sums,
            total_due_commission_pence=Sum("lines__due_commission_pence"),
            total_due_vat_pence=Sum("lines__due_vat_pence"),
            agreed_commission_pence=Sum("lines__commission_pence", filter=AGREED_LINES, default=0),
            agreed_vat_pence=Sum("lines__vat_pence", filter=AGREED_LINES, default=0),
            agreed_net_pence=Sum("lines__net_pence", filter=AGREED_LINES, default=0),
            agreed_amount_pence=Sum("lines__amount_pence", filter=AGREED_LINES, default=0),
            line_count=Count("lines"),
            wrong_count=Count("lines", filter=~Q(lines__why="")),
            waiting_count=Count("lines", filter=Q(_waits("lines__case"), lines__booked_at=None, lines__why="")),
        )
        .annotate(
            due_net_pence=F("agreed_amount_pence") - F("total_due_commission_pence") - F("total_due_vat_pence"),
            apart_pence=F("total_amount_pence") - F("total_booked_pence"),
            foreign_pence=F("total_amount_pence") - F("agreed_amount_pence"),
            commission_apart_pence=F("agreed_commission_pence") - F("total_due_commission_pence"),
            vat_apart_pence=F("agreed_vat_pence") - F("total_due_vat_pence"),
            net_apart_pence=F("agreed_net_pence") - F("due_net_pence"),
        )
    )


def lines_of(remittance: Remittance, reader: Actor) -> QuerySet[Any]:
    """Return the lines of a remittance, each with whether a manager has to agree to it first, and whether this reader
    may know of its case, if it has one; unordered."""
    known = Exists(policy.visible_to(reader).filter(pk=OuterRef("case_id")))
    rows = remittance.lines.select_related("case")
    return rows.annotate(waits=_waits("case"), is_seen=ExpressionWrapper(Q(case=None) | known, BooleanField()))


def _waits(case: str) -> Exists:
    return Exists(Approval.objects.filter(case=OuterRef(case), act=SETTLE, mode="before", closed_at=None))


@transaction.atomic
def close(
    uid: UUID, outcome: str, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None
) -> Remittance:
    """Say what becomes of what differs; its task ends. Locks the remittance. Raises NotAllowed, RemittanceRefused."""
    policy.require(actor, CLOSE, kind=KIND)
    row = Remittance.objects.select_for_update().get(uid=uid)
    if outcome not in OUTCOMES:
        raise RemittanceRefused("Choose what becomes of the difference.")
    if row.closed_at is not None or not row.lines.exclude(why="").exists():
        raise RemittanceRefused("Nothing of it is open.")
    with ledger.action(
        row.uid,
        "remittance.closed",
        actor=actor.label,
        at=at,
        detail={"outcome": outcome},
        source=actor.source,
        request=request,
    ):
        _close(row, outcome, actor=actor, at=at)
    return row


def _close(row: Remittance, outcome: str, *, actor: Actor, at: datetime) -> None:
    row.outcome, row.closed_at, row.closed_by_id = outcome, at, actor.user_id
    row.save(update_fields=["outcome", "closed_at", "closed_by"])
    tasks.close_office(DIFFERS, actor=actor, at=at, remittance=str(row.uid))


def rates_of(placements: Iterable[int]) -> dict[int | None, int]:
    """Return the agreed rate of commission by placement, in hundredths of a percent. One query."""
    rows = Placement.objects.filter(pk__in=list(placements))
    return dict(rows.values_list("pk", "batch__commission_rate"))
