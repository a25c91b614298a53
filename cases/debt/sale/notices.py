"""Notices of assignment (N7): one letter to each person who holds a sold account, by the law of where they live.

A job, part by part. The wording is locked: a wrong day may spoil a notice. Joint debtors each get their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from cases.accounts.models import Account
from cases.accounts.people import people_of
from cases.debt.sale import codes, looking
from cases.debt.sale.models import DebtSale, DebtSaleAccount, SaleNotice
from cases.kernel import calendars, locks, parties, policy, record, tasks, transitions
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import letters
from cases.kernel.models import Case, CaseParty
from cases.ledger import api as ledger
from cases.ledger.reads import Reader

__all__ = [
    "ACT",
    "KIND",
    "LETTERS",
    "SERVED_IN",
    "NoticeRefused",
    "came_back",
    "missing",
    "returned",
    "serve_again",
    "start",
    "write",
    "write_back",
]

ACT = "serve_again"
SALE_NOTICES = "write_sale_notices"
PART = 50
RETENTION = "debt_sale"
# Where a line stands of which a notice that came back is served again: sold, or ours again.
SERVED_IN = ("sold", "transferred", "put_back", "bought_back")
# What a later wording may name. Where the debt came back there is no buyer to pay, and the reverse: such lines are left
# out.
_MAY_NAME = {
    "assigned_date": "Day of the assignment",
    "buyer": "Name of the buyer, where the debt was sold to it",
    "owed_words": "What was sold, in pounds",
    "line_reference": "Reference of the account in the sale",
    "back_from": "Name of the buyer, where it assigned back to us what is owed to us again",
    "ended_by": "Name of the buyer, where it assigned back to us what nobody is asked to pay",
}
_FOUND_AT = {name: f"letter.sale_notice.{name}" for name in _MAY_NAME} | {
    "line_reference": "letter.sale_notice.line.reference"
}
LETTERS = tuple(
    letters.Template(
        code=f"sale_n7_{jurisdiction}",
        version=1,
        label=f"Notice of assignment ({place})",
        template=f"cases/debt/letters/n7_{jurisdiction}.html",
        effective_from=date(2026, 1, 1),
        says=("number",),
        says_of=lambda letter: letter.sale_notice.line.account,
        extra=_MAY_NAME,
        extra_at=_FOUND_AT,
    )
    for jurisdiction, place in (("eaw", "England and Wales"), ("sct", "Scotland"), ("nir", "Northern Ireland"))
)


class NoticeRefused(CaseError):
    """The notice cannot be served as asked; the message is fit to show."""


def missing(sale: DebtSale) -> QuerySet[DebtSaleAccount]:
    """Return the lines of a completed sale of which nobody was given notice yet, in order; also those that are about to
    be marked as sold."""
    told = SaleNotice.objects.filter(line=OuterRef("pk"))
    return sale.lines.filter(~Exists(told), state__in=("in_pool", *codes.SOLD)).order_by("number")


def start(sale: DebtSale, *, actor: Actor, at: datetime) -> None:
    """Have the notices of a completed sale written in the background, within the act that completes it."""
    jobs.start(SALE_NOTICES, actor=actor, at=at, params={"sale": sale.pk}, key=str(sale.uid))


def write(
    case: Case, found: Sequence[tuple[DebtSaleAccount, CaseParty]], *, day: date, at: datetime, source: str = ""
) -> list[SaleNotice]:
    """Ask for one letter to each of the people, inside the current ledger action on a locked case."""
    wanted = [(party, f"sale_n7_{line.account.jurisdiction}") for line, party in found]
    made = letters.request_each(case, wanted, at=at)
    rows = [
        SaleNotice(line=line, party=party, letter=letter, assigned_date=day, address_source=source)
        for (line, party), letter in zip(found, made, strict=True)
    ]
    return ledger.bulk_create(SaleNotice, rows)


def write_back(case: Case, line: DebtSaleAccount, *, actor: Actor, at: datetime) -> None:
    """Ask for a notice that a debt is ours again to each holder, inside the current ledger action on a locked case. To
    an address from which the last one came back nothing is written: somebody else lives there. A person finds another,
    and the notice is served again."""
    newest = line.notices.order_by("party_id", "-pk").distinct("party_id").select_related("party", "letter")
    found = [(each, each.letter.state == "returned") for each in newest]
    write(case, [(line, each.party) for each, is_back in found if not is_back], day=calendars.london_date(at), at=at)
    for each, is_back in found:
        letter = str(each.letter.uid)
        asked = case.tasks.filter(kind=letters.RETURNED, closed_at=None, detail__letter=letter)
        if is_back and not asked.exists():
            tasks.raise_task(letters.RETURNED, case=case, at=at, letter=letter)


def _parts(job: jobs.Job) -> Iterator[str]:
    sale = DebtSale.objects.get(pk=job.params["sale"])
    numbers = missing(sale).values_list("number", flat=True)
    return looking.ranges("lines", numbers.iterator(chunk_size=2000), size=PART)


def _give(job: jobs.Job, subject: str, at: datetime) -> None:
    """Enter the people of some lines in the case and ask for their letters, in one act."""
    _, first, last = subject.split(":")
    case = locks.case_for_update(job.params["sale"])
    sale = case.debt_sale
    worker = jobs.worker_of(job)
    lines = list(missing(sale).filter(number__range=(int(first), int(last))).select_related("account"))
    accounts = list(
        Account.objects.filter(pk__in=[line.account_id for line in lines]).order_by("pk").prefetch_related("holders")
    )
    reader = Reader(actor=worker.label, verb="select", purpose="inform_person", streams=(case.uid,))
    known = people_of(accounts, reader=reader, at=at)
    people = [(line, person) for line in lines for person in _housed(known[line.account_id])]
    with record.act(case, "debt_sale.notices_written", actor=worker, at=at, detail={"lines": len(lines)}) as act:
        made = parties.add(
            case,
            [person for _, person in people],
            first_number=case.parties.count() + 1,
            retention_class=RETENTION,
            at=at,
        )
        pairs = [(line, party) for (line, _), party in zip(people, made, strict=True)]
        write(case, pairs, day=_assigned(sale), at=at)
        act.detail["notices"] = len(pairs)
        looking.touch(case, at=at)


def _assigned(sale: DebtSale) -> date:
    if sale.completed_date is None:
        raise NoticeRefused("The sale is not completed.")
    return sale.completed_date


def _housed(people: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the holders of one account, each with an address: who has none of their own lives where the first does."""
    rows = [dict(each) for each in people]
    home: list[dict[str, str]] = next((each["addresses"] for each in rows if each["addresses"]), [])
    return [{**each, "addresses": each["addresses"] or home} for each in rows]


def _finish(job: jobs.Job, at: datetime) -> None:
    """Once everybody has notice, the sale goes on. Raises NoticeRefused where somebody has none."""
    case = Case.objects.get(pk=job.params["sale"])
    if case.state == "completed":
        transitions.apply(case.pk, "issue_notices", actor=jobs.worker_of(job), at=at)


KIND = jobs.Kind(
    code=SALE_NOTICES,
    label="Write the notices of a sale",
    rows=_parts,
    do=_give,
    desk="debt_sale",
    case="sale",
    finish=_finish,
    names=lambda _actor, subjects: {each: f"Part from {each.split(':')[1]}" for each in subjects},
)
jobs.declare(KIND)


def returned(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """A letter came back: of a notice, title to the debt waits for it to be served again."""
    letters.returned(case, content, actor=actor, at=at)
    notice = SaleNotice.objects.select_related("line").filter(letter__message=content.message).first()
    if notice is None:
        return
    with record.act(
        case,
        "debt_sale_account.notice_returned",
        actor=actor,
        at=at,
        cause=content.callback_uid,
        detail={"line": notice.line.number},
    ):
        looking.touch(case, at=at)


def came_back(line: DebtSaleAccount) -> list[SaleNotice]:
    """Return of each person's newest notice on a line those whose letter came back, with letter and person. One
    query."""
    newest = line.notices.order_by("party_id", "-pk").distinct("party_id").values("pk")
    rows = SaleNotice.objects.filter(pk__in=newest, letter__state="returned")
    return list(rows.select_related("letter", "party__key").order_by("party__number"))


@transaction.atomic
def serve_again(
    case: Case,
    line: DebtSaleAccount,
    notice: SaleNotice,
    address: Mapping[str, str],
    *,
    source: str,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> SaleNotice:
    """Write a person's new address, and where it comes from, and serve the notice again; the earlier one is kept.

    Locks the case; one act. Raises NotAllowed, NoticeRefused.
    """
    policy.require(actor, ACT, case=case)
    case = locks.case_for_update(case.pk)
    line = DebtSaleAccount.objects.select_related("account").get(pk=line.pk)
    if line.state not in SERVED_IN:
        raise NoticeRefused("Only of an account that is sold, or came back, notice is served again.")
    if notice.pk not in {each.pk for each in came_back(line)}:
        raise NoticeRefused("This notice did not come back, or was served again already.")
    if not all(address.get(name, "").strip() for name in ("line_1", "town", "postcode")):
        raise NoticeRefused("Give the new address.")
    if source not in codes.ADDRESS_SOURCES:
        raise NoticeRefused("Say where the address comes from.")
    with record.act(
        case,
        "debt_sale_account.serve_again",
        actor=actor,
        at=at,
        request=request,
        detail={"line": line.number, "source": source},
    ):
        parties.add_address(notice.party, {**address, "kind": "current"})
        back = line.claims.filter(outcome="accepted").order_by("-number").values_list("decided_at", flat=True).first()
        day = calendars.london_date(back) if back is not None else notice.assigned_date
        (made,) = write(case, [(line, notice.party)], day=day, at=at, source=source)
        for earlier in line.notices.filter(party=notice.party).select_related("letter"):
            tasks.close_about(case, letters.RETURNED, actor=actor, at=at, letter=str(earlier.letter.uid))
        looking.touch(case, at=at)
    return made
