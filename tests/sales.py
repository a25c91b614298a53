"""Sales of debts at every state, made by the verbs that the sale's people and the buyer use."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count
from typing import Any

from django.db import transaction

from cases.accounts import uploads
from cases.accounts.models import Account
from cases.agencies.directory import TERMS
from cases.debt.sale import bids, bulk, looking, notices, prices, tapes
from cases.kernel import actors, intake, record, transitions, verdicts
from cases.kernel.actors import Actor
from cases.kernel.background import jobrun, jobs
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Case, Job, Letter
from cases.ledger import sealing
from tests.accounts import portfolio
from tests.factories import AT
from tests.keptstories import story

KIND, BUYER = "debt_sale", "drama-purchase"
LATER = AT + timedelta(hours=1)
MANAGER, FINANCE, PROTECTION = "g.whitlock", "l.forsgren", "j.merriweather"
COUNSEL, ANALYST = "v.tranter", "r.penhale"
STEWARD, DATA_APPROVER = "s.oyelaran", "t.marchetti"
ALL = {"products": ["mobile", "broadband", "landline", "tv"], "jurisdictions": ["eaw", "sct", "nir"]}
_numbers = count()


@story
def take_in(people: dict[str, Actor], *rows: dict[str, str], at: Any = AT) -> None:
    """Let billing tell of accounts."""
    uploads.take([portfolio.file(list(rows))], actor=people[ANALYST], at=at)
    work(at=at)


def work(*, at: Any = AT) -> None:
    """Do what was asked for in the background."""
    jobrun.work(clock=lambda: at, seconds=60)


@story
def pool_of(people: dict[str, Actor], *, at: Any = AT, **selection: Any) -> Case:
    """Open a sale of the accounts of a selection."""
    facts = {**ALL, "balance_from": 1, **selection}
    return intake.open_case(KIND, actor=people[MANAGER], at=at, facts=facts)


def looked(case: Case, people: dict[str, Actor], *, at: Any = AT) -> Case:
    """Have its accounts looked at."""
    looking.ask(case, actor=people[MANAGER], at=at)
    work(at=at)
    return Case.objects.get(pk=case.pk)


@story
def not_looked_at(people: dict[str, Actor]) -> Case:
    """A pool of one account of its own: what is owed on it finds it, and no other."""
    number = next(_numbers)
    pence = 300_000 + number
    take_in(people, portfolio.row(0, account=f"84{number:08d}", balance_pence=str(pence), default_pence=str(pence)))
    return pool_of(people, balance_from=pence, balance_to=pence)


def newest_number() -> str:
    """Return the number of the account that was made last."""
    reader = sealing.Reader(actor="tests", verb="read", purpose="tests")
    return str(sealing.open_rows([Account.objects.latest("pk")], ["number"], reader=reader, at=AT)[0]["number"])


@story
def pool_defined(people: dict[str, Actor]) -> Case:
    return looked(not_looked_at(people), people)


@story
def exclusions_run(people: dict[str, Actor]) -> Case:
    return transitions.apply(pool_defined(people).pk, "run_exclusions", actor=people[MANAGER], at=AT)


@story
def enter() -> Actor:
    """Enter the buyer, which takes files, in the register, once; return it."""
    if not Agency.objects.filter(code=BUYER).exists():
        plan = agencies.ChannelPlan(
            direction="out",
            transport="sftp",
            address="sftp://drama-purchase@127.0.0.1:9/in",
            allowed_cidrs=("127.0.0.0/8",),
            retry_profile="file",
            answers_folder="/out",
        )
        listing = agencies.Listing(
            code=BUYER, kind="purchaser", display_name="Drama Purchase", terms=TERMS, channels=(plan,)
        )
        agencies.register(listing, actor=actors.system("tests"), at=AT - timedelta(days=3))
    return actors.agency(Agency.objects.get(code=BUYER))


def taped(case: Case, people: dict[str, Actor], *, at: Any = AT) -> Case:
    """Have the tape made that it needs next."""
    tapes.ask(case, actor=people[MANAGER], at=at)
    work(at=at)
    return Case.objects.get(pk=case.pk)


def agreed_to(case: Case, people: dict[str, Actor], *who: str, at: Any = AT) -> Case:
    """Let people agree, in turn, to what was proposed."""
    for name in who:
        waiting = Case.objects.get(pk=case.pk).approvals.get(closed_at=None, mode="before")
        verdicts.decide(waiting.uid, "agreed", actor=people[name], at=at)
    return Case.objects.get(pk=case.pk)


def moved(case: Case, name: str, by: Actor, *, at: Any = AT, **inputs: Any) -> Case:
    return transitions.apply(case.pk, name, actor=by, at=at, inputs=inputs, reason="Tried.")


@story
def with_bid_tape(people: dict[str, Actor]) -> Case:
    enter()
    return taped(exclusions_run(people), people)


@story
def bidding(people: dict[str, Actor]) -> Case:
    case = moved(with_bid_tape(people), "publish", people[MANAGER], bidders=[BUYER])
    case = agreed_to(case, people, PROTECTION)
    bids.note(case, BUYER, 950, AT.date(), actor=people[MANAGER], at=AT)
    return Case.objects.get(pk=case.pk)


SHOWN = {
    **dict.fromkeys(("has_permission", "is_member", "is_registered", "has_few_complaints", "is_not_sanctioned"), True),
    "diligence_until": date(2027, 6, 30),
}
SIGNED = {
    "agreement_date": AT.date(),
    "cut_off_date": AT.date(),
    "completion_date": AT.date(),
    "put_back_days": 180,
    "pass_on_days": 5,
}


@story
def preferred(people: dict[str, Actor]) -> Case:
    return moved(bidding(people), "prefer", people[MANAGER], bid="1", **SHOWN)


@story
def agreed(people: dict[str, Actor]) -> Case:
    case = moved(preferred(people), "sign", people[COUNSEL], **SIGNED)
    return agreed_to(case, people, FINANCE)


@story
def cut_off(people: dict[str, Actor]) -> Case:
    return moved(agreed(people), "cut_off", people[MANAGER])


@story
def with_final_tape(people: dict[str, Actor]) -> Case:
    return taped(cut_off(people), people)


@story
def final_tape(people: dict[str, Actor]) -> Case:
    return moved(with_final_tape(people), "build_tape", people[MANAGER])


@story
def approved(people: dict[str, Actor]) -> Case:
    case = moved(final_tape(people), "approve", people[MANAGER])
    return agreed_to(case, people, FINANCE, PROTECTION)


@story
def ready(people: dict[str, Actor]) -> Case:
    """Approved, and looked at again since."""
    return looked(approved(people), people, at=LATER)


def paid(case: Case) -> dict[str, Any]:
    """Return what the buyer pays for a sale: its price."""
    return {"funds_pence": prices.total(case.debt_sale), "funds_date": AT.date()}


@story
def sold(people: dict[str, Actor]) -> Case:
    """Completed, its lines about to be sold."""
    case = ready(people)
    return moved(case, "complete", people[FINANCE], at=LATER, **paid(case))


def _done(kind: jobs.Kind, key: str, *, at: Any) -> None:
    """Do a job's parts and its end by hand, and leave the job to nobody."""
    job = Job.objects.get(kind=kind.code, key=key)
    for part in kind.rows(job):
        with transaction.atomic():
            kind.do(job, part, at)
    if kind.finish is not None and kind is not notices.KIND:
        with transaction.atomic():
            kind.finish(job, at)
    Job.objects.filter(pk=job.pk).update(state="stopped")


@story
def completed(people: dict[str, Actor]) -> Case:
    """Completed, every line sold, and nobody writes the notices, whatever other work is done."""
    case = sold(people)
    _done(bulk.KIND, f"{case.debt_sale.uid}:sell", at=LATER)
    Job.objects.filter(kind=notices.KIND.code, key=str(case.debt_sale.uid)).update(state="stopped")
    return Case.objects.get(pk=case.pk)


@story
def noticed(people: dict[str, Actor]) -> Case:
    """Completed, every holder with a notice, as in the middle of the work that says so."""
    case = completed(people)
    _done(notices.KIND, str(case.debt_sale.uid), at=LATER)
    return Case.objects.get(pk=case.pk)


@story
def notices_issued(people: dict[str, Actor]) -> Case:
    case = sold(people)
    work(at=LATER)
    return Case.objects.get(pk=case.pk)


@story
def warranty_open(people: dict[str, Actor]) -> Case:
    case = moved(notices_issued(people), "migrate", people[STEWARD], at=LATER)
    case = agreed_to(case, people, DATA_APPROVER, at=LATER)
    work(at=LATER)
    return Case.objects.get(pk=case.pk)


@story
def came_back(people: dict[str, Actor]) -> Case:
    """Claims may come; the letter to each holder came back."""
    case = warranty_open(people)
    with record.act(case, "test.came_back", actor=actors.system("tests"), at=LATER):
        for letter in Letter.objects.filter(sale_notice__line__sale=case.pk):
            letter.state = "returned"
            letter.save(update_fields=["state"])
    return Case.objects.get(pk=case.pk)


@story
def window_over(people: dict[str, Actor]) -> Case:
    """The time for claims is over; the sale is not closed yet."""
    case = warranty_open(people)
    with record.act(case, "clock.met", actor=actors.system("tests"), at=LATER):
        clock = case.clocks.get(rule="k26_put_back")
        clock.state, clock.ended_at = "met", LATER
        clock.save(update_fields=["state", "ended_at"])
    return Case.objects.get(pk=case.pk)


@story
def closed(people: dict[str, Actor]) -> Case:
    return moved(window_over(people), "close", actors.system("tests"), at=LATER)


@story
def abandoned(people: dict[str, Actor]) -> Case:
    return moved(exclusions_run(people), "abandon", people[MANAGER])


STATES = (
    *("pool_defined", "exclusions_run", "bidding", "preferred", "agreed", "cut_off", "final_tape", "approved"),
    *("completed", "notices_issued", "warranty_open", "closed", "abandoned"),
)
