"""Defaults at every state, made by what billing tells, the post house, the desk and the agencies."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from cases.accounts import reading, storing
from cases.accounts.models import Account
from cases.credit.defaults import callbacks, letters, looking, opening
from cases.credit.defaults.models import Default
from cases.kernel import calendars, holds, record, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.models import Case, OutboxMessage
from cases.ledger import api as ledger
from cases.ledger import sealing
from tests import associations
from tests.accounts import portfolio
from tests.factories import AT
from tests.keptstories import story

KIND = "default"
STEWARD, APPROVER, ANALYST = "s.oyelaran", "t.marchetti", "r.penhale"
# 28 days after service are over, and the first payment was missed three to six months ago.
OVER = AT + timedelta(days=45)
PLAN = {"plan_pence": 1000, "plan_until_date": date(2027, 12, 1)}
DATED = {"default_date": date(2026, 12, 29)}
PAID = {"amount_pence": 11400, "satisfied_date": date(2026, 12, 29)}
SETTLED = {**PAID, "amount_pence": 4000, "evidence": "1"}
EARLIER = {"default_date": date(2026, 12, 28), "default_pence": 11000, "evidence": "1"}
_numbers = count()


def told(*, at: datetime = AT, **changes: str) -> Account:
    """Let billing tell of an account that is three payments behind, or as is said; return it."""
    row = portfolio.row(
        1,
        **{
            "account": f"83{next(_numbers):08d}",
            "jurisdiction": "eaw",
            "as_of": calendars.london_date(at).isoformat(),
            "balance_pence": "11400",
            "payment_pence": "3800",
            "payments_behind": "3",
            "oldest_unpaid_date": "2026-08-05",
            "final_bill_date": "",
            "default_date": "",
            "default_pence": "",
            **changes,
        },
    )
    with ledger.action(uuid4(), "accounts.told", actor="tests", at=at):
        found = storing.store([reading.read(row, today=calendars.london_date(at))], at=at)
    assert not found.refused, found.refused
    account = storing.find(row["account"])
    assert account is not None
    return account


def number_of(account: Account) -> str:
    reader = sealing.Reader(actor="tests", verb="read", purpose="tests")
    return str(sealing.open_rows([account], ["number"], reader=reader, at=AT)[0]["number"])


def tell_again(case: Case, *, at: datetime = AT, **changes: str) -> Case:
    """Let billing tell something else of the account of a case."""
    told(at=at, account=number_of(Account.objects.get(pk=case.default.account_id)), **changes)
    return Case.objects.get(pk=case.pk)


@story
def arrears(_people: dict[str, Actor], *, at: datetime = AT, **changes: str) -> Case:
    return opening.open_arrears(told(at=at, **changes).pk, at=at)


def look(case: Case, at: datetime = AT) -> Case:
    looking.look(case.pk, at=at)
    return Case.objects.get(pk=case.pk)


@story
def notice_written(people: dict[str, Actor], *, at: datetime = AT, **changes: str) -> Case:
    return look(arrears(people, at=at, **changes), at)


def posted(case: Case, *, at: datetime = AT, state: str = "dispatched") -> Case:
    """Let the post house say that the notice is in the post."""
    case = Case.objects.get(pk=case.pk)
    with record.act(case, "letter.dispatched", actor=system("tests"), at=at):
        for letter in letters.of_notice(case.default):
            letter.state, letter.dispatched_date = state, calendars.london_date(at)
            letter.save()
    looking.ask_to_issue(case, at=at)
    return Case.objects.get(pk=case.pk)


@story
def notice_ready(people: dict[str, Actor], *, at: datetime = AT, **changes: str) -> Case:
    return posted(notice_written(people, at=at, **changes), at=at)


def step(case: Case, name: str, actor: Actor, at: datetime = AT, **inputs: Any) -> Case:
    return transitions.apply(case.pk, name, actor=actor, at=at, reason="Tried.", inputs=inputs)


@story
def notice_sent(people: dict[str, Actor], *, at: datetime = AT, **changes: str) -> Case:
    return step(notice_ready(people, at=at, **changes), "issue", people[STEWARD], at)


@story
def arranged(people: dict[str, Actor]) -> Case:
    return step(notice_sent(people), "arrange", people[ANALYST], **PLAN)


@story
def due(people: dict[str, Actor]) -> Case:
    return look(notice_sent(people), OVER)


@story
def approved(people: dict[str, Actor]) -> Case:
    associations.enter()
    case = due(people)
    associations.attach(case, people[STEWARD], kind="decision")
    return step(case, "approve", people[APPROVER], OVER, **DATED)


def taken(case: Case, *, letters_of: str = "abc", at: datetime = OVER) -> Case:
    """Let agencies take what they were told last."""
    for letter in letters_of:
        rows = OutboxMessage.objects.filter(case=case, channel__agency__code=f"sandbox-bureau-{letter}")
        message = rows.latest("pk")
        OutboxMessage.objects.filter(pk=message.pk).update(state="delivered", delivered_at=at)
        callbacks.delivered(Case.objects.get(pk=case.pk), OutboxMessage.objects.get(pk=message.pk), at=at)
    return Case.objects.get(pk=case.pk)


@story
def approved_and_taken(people: dict[str, Actor]) -> Case:
    case = approved(people)
    OutboxMessage.objects.filter(case=case, kind="cra_correct").update(state="delivered", delivered_at=OVER)
    return case


@story
def filed(people: dict[str, Actor]) -> Case:
    return taken(approved(people))


@story
def satisfied(people: dict[str, Actor]) -> Case:
    return step(filed(people), "satisfy", people[STEWARD], OVER, **PAID)


@story
def settled(people: dict[str, Actor]) -> Case:
    case = step(filed(people), "settle", people[STEWARD], OVER, **SETTLED)
    return associations.agree(case, people[APPROVER], OVER)


@story
def cured(people: dict[str, Actor]) -> Case:
    return look(paid(arrears)(people))


@story
def removed(people: dict[str, Actor]) -> Case:
    case = step(filed(people), "remove", people[STEWARD], OVER, evidence="1")
    return associations.agree(case, people[APPROVER], OVER)


@story
def expired(people: dict[str, Actor]) -> Case:
    return step(filed(people), "expire", system("tests"), OVER + timedelta(days=2200))


def paid(build: Any) -> Any:
    """The same case, whose arrears billing says are paid."""

    def builder(people: dict[str, Actor]) -> Case:
        return tell_again(build(people), at=OVER, balance_pence="0", payments_behind="0", oldest_unpaid_date="")

    return builder


@story
def missed(people: dict[str, Actor]) -> Case:
    return tell_again(arranged(people), at=OVER, balance_pence="15200", payments_behind="4")


def disputed(build: Any) -> Any:
    """The same case, which the customer disputes."""

    def builder(people: dict[str, Actor]) -> Case:
        case = build(people)
        holds.enter(case.pk, "dispute", actor=people[STEWARD], at=AT, source="customer", reference="SVC-771")
        return Case.objects.get(pk=case.pk)

    return builder


def facts(case: Case) -> Default:
    return Default.objects.get(pk=case.pk)


STATES = (
    *("arrears", "notice_ready", "notice_sent", "arranged", "due", "approved", "filed", "satisfied"),
    *("cured", "removed", "expired"),
)
