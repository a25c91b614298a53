"""Moratoria at every state, made by the verbs that the register, collections and the system use."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count
from typing import Any

from cases.accounts.models import AccountFlag
from cases.agencies.directory import TERMS
from cases.debt import title
from cases.debt.moratorium import callbacks, searching
from cases.kernel import actors, calendars, intake, record, transitions, verdicts
from cases.kernel.actors import Actor
from cases.kernel.casetypes import Content
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Case
from cases.ledger import api as ledger
from tests import placements
from tests.accounts import portfolio
from tests.factories import AT
from tests.keptstories import story

KIND, CODE, BUYER = "moratorium", "sandbox-moratorium", "drama-purchase"
ANALYST, MANAGER, COUNSEL = placements.ANALYST, placements.MANAGER, "v.tranter"
START = date(2026, 11, 14)
REVIEW = {"ground": "not_qualifying", "particulars": "The account is that of a business."}
CHOSEN = {"debts": ["1"]}
CHARGE = {"debt": 1, "posted_date": "2026-11-15", "amount_pence": 1200}
AFTER = calendars.end_of_day(date(2027, 1, 13))
ADVISER = {
    "role": "adviser",
    "is_innocent": True,
    "values": {"surname": "Swansea Debt Advice"},
    "addresses": [{"kind": "current", "line_1": "1 Example Street", "town": "Swansea", "postcode": "SA1 0ZZ"}],
}
_numbers = count()


@story
def enter() -> Actor:
    """Enter the register of moratoria among the agencies, once; return it."""
    if not Agency.objects.filter(code=CODE).exists():
        out = agencies.ChannelPlan(
            direction="out", address=f"https://127.0.0.1:9/{CODE}/messages", allowed_cidrs=("127.0.0.0/8",)
        )
        plans = (agencies.ChannelPlan(direction="in"), out)
        listing = agencies.Listing(
            code=CODE, kind="insolvency", display_name="Sandbox Moratorium Service", terms=TERMS, channels=plans
        )
        agencies.register(listing, actor=actors.system("tests"), at=AT - timedelta(days=3))
    return actors.agency(Agency.objects.get(code=CODE))


@story
def account(people: dict[str, Actor], **changes: str) -> dict[str, str]:
    """Take in an account of somebody who is nobody else; return its row."""
    number = next(_numbers)
    row = portfolio.row(
        4 * number + 1,
        account=f"86{number:08d}",
        holder_1_surname=f"Penry{chr(97 + number % 26)}{chr(97 + number // 26)}ough",
        jurisdiction="eaw",
        **changes,
    )
    placements.accounts(people, row)
    return row


def debtor(row: dict[str, str], **changes: Any) -> dict[str, Any]:
    """Return whoever holds an account, as the notice names them."""
    home = {"kind": "current", "line_1": row["holder_1_line_1"], "postcode": row["holder_1_postcode"]}
    values = {name: row[f"holder_1_{name}"] for name in ("forename", "surname", "date_of_birth")}
    person = {"role": "debtor", "is_innocent": True, "values": values, "addresses": [home]}
    return person | changes


def facts(*rows: dict[str, str], **changes: Any) -> dict[str, Any]:
    named = [{"account_reference": row["account"], "amount_pence": int(row["balance_pence"])} for row in rows]
    return {
        "regime": "breathing_space",
        "register_reference": f"BSS-2026-{next(_numbers):07d}",
        "start_date": START,
        "debts": named,
        "notice": '{"schema_version": 1}',
        "agency_code": CODE,
        **changes,
    }


def opened(*rows: dict[str, str], person: dict[str, Any], at: Any = AT, **changes: Any) -> Case:
    """A notice as the register sends it; nobody has looked for the debtor."""
    people = [person, ADVISER]
    return intake.open_case(KIND, actor=enter(), at=at, facts=facts(*rows, **changes), people=people)


def matched(case: Case, *, at: Any = AT) -> Case:
    """Let the system look for the debtor, as the sweep does when the minute is over."""
    callbacks.match(Case.objects.get(pk=case.pk), case.clocks.get(rule="moratorium_match"), at=at)
    return Case.objects.get(pk=case.pk)


@story
def received(people: dict[str, Actor]) -> Case:
    """The debtor was looked for and is certain, and nothing was applied yet."""
    return looked_for(account(people))


def looked_for(row: dict[str, str]) -> Case:
    case = opened(row, person=debtor(row))
    with record.act(case, "moratorium.searched", actor=actors.system("tests"), at=AT):
        searching.look(case, at=AT)
    return case


ADDED = {"account_reference": "8700000001", "effective_date": "2026-11-16"}
IN_REVIEW = "8700000002"


@story
def applied(people: dict[str, Actor]) -> Case:
    return _applied(looked_for(account(people)))


def added_to(case_id: int) -> dict[str, str]:
    """Return what the register says of the debt that is added to a case, by its state."""
    is_reviewed = Case.objects.get(pk=case_id).state == "review_requested"
    return ADDED | ({"account_reference": IN_REVIEW} if is_reviewed else {})


@story
def owing_more(people: dict[str, Actor]) -> Case:
    """Applied; whoever it protects owes on the account that is added, too, which billing told after the search."""
    return _owing(ADDED["account_reference"], people)


def _owing(number: str, people: dict[str, Actor]) -> Case:
    row = account(people)
    case = looked_for(row)
    placements.accounts(people, {**row, "account": number})
    return _applied(case)


def _applied(case: Case) -> Case:
    return transitions.apply(case.pk, "apply", actor=actors.system("moratoria"), at=AT)


@story
def review_requested(people: dict[str, Actor]) -> Case:
    return _in_review(applied(people), people)


@story
def owing_more_in_review(people: dict[str, Actor]) -> Case:
    """As `owing_more`, and a review was asked for."""
    return _in_review(_owing(IN_REVIEW, people), people)


def _in_review(case: Case, people: dict[str, Actor]) -> Case:
    transitions.apply(case.pk, "request_review", actor=people[MANAGER], at=AT, inputs=REVIEW)
    verdicts.decide(case.approvals.get(closed_at=None).uid, "agreed", actor=people[COUNSEL], at=AT)
    return Case.objects.get(pk=case.pk)


@story
def not_found(people: dict[str, Actor]) -> Case:
    return transitions.apply(received(people).pk, "not_found", actor=people[ANALYST], at=AT)


def _sold(accounts: Any) -> dict[int, Agency]:
    rows = AccountFlag.objects.filter(account__in=accounts, code="tests_sold").values_list("account_id", flat=True)
    return {account_id: Agency.objects.get(code=BUYER) for account_id in rows}


title.declare(_sold)


@story
def of_sold(people: dict[str, Actor]) -> Case:
    """A notice about a debt that a buyer owns."""
    if not Agency.objects.filter(code=BUYER).exists():
        plan = agencies.ChannelPlan(
            direction="out",
            transport="sftp",
            address=f"sftp://{BUYER}@127.0.0.1:9/in",
            allowed_cidrs=("127.0.0.0/8",),
            retry_profile="file",
            answers_folder="/out",
        )
        listing = agencies.Listing(
            code=BUYER, kind="purchaser", display_name="Drama Purchase", terms=TERMS, channels=(plan,)
        )
        agencies.register(listing, actor=actors.system("tests"), at=AT - timedelta(days=3))
    case = received(people)
    debt = searching.debts_of(case).get(number=1)
    with ledger.action(case.uid, "tests.sold", actor="tests", at=AT):
        AccountFlag(account=debt.account, code="tests_sold", source="tests", began_date=START).save()
    return case


@story
def forwarded(people: dict[str, Actor]) -> Case:
    return transitions.apply(of_sold(people).pk, "forward", actor=actors.system("moratoria"), at=AT)


@story
def ended(people: dict[str, Actor]) -> Case:
    return transitions.apply(applied(people).pk, "end", actor=actors.system("moratoria"), at=AFTER)


@story
def cancelled(people: dict[str, Actor]) -> Case:
    return transitions.apply(applied(people).pk, "cancel", actor=enter(), at=AT)


def said(case: Case, kind: str, *, at: Any = AT, **data: Any) -> Case:
    """Let the register say something of a case."""
    content = Content(
        type=kind,
        agency_code=CODE,
        agency_kind="insolvency",
        agency_reference="",
        agency_sequence=None,
        occurred_at=at,
        data={**callbacks.EXAMPLES[kind], **data},
        message=None,
        callback_uid=None,
    )
    callbacks.CALLBACKS[kind](Case.objects.get(pk=case.pk), content, actor=enter(), at=at)
    return Case.objects.get(pk=case.pk)


STATES = ("received", "applied", "review_requested", "not_found", "forwarded", "ended", "cancelled")
