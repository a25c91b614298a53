"""Moving every line of a sale at once: a job, part by part; each part is one act of the sale's case.

What decides it is a move of the sale, and it holds from then on: a line of a completed sale is the buyer's before its
part is done (`report.buyers`). A part that was done is not done again, whoever is killed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from cases.accounts.models import AccountHolder
from cases.debt.sale import codes, exclusions, lines, looking, notices, prices, tapes
from cases.debt.sale.models import DebtSale, DebtSaleAccount
from cases.kernel import accountholds, calendars, locks, record, tasks
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.errors import CaseError
from cases.kernel.models import Case
from cases.ledger import copying, sealing

__all__ = ["KIND", "start"]

SALE_LINES, HELD, MOVED = "move_sale_lines", codes.HELD, codes.MOVED
tasks.declare(
    {
        HELD: "An account was held when it was sold: buy it back",
        MOVED: "Who holds a sold account, or how to reach them, changed after the tape was made: tell the buyer today",
    },
    more=dict.fromkeys((HELD, MOVED), lambda detail: f"line {detail.get('line', '')}"),
)
# In which states of its sale each move is made, and what follows when all lines have made it.
STANDS = {"sell": {"completed"}, "release_line": {"abandoned", "void", "merged"}, "settle": {"closed"}}
AFTER: Mapping[str, Callable[..., None]] = {"sell": notices.start}


class LinesRefused(CaseError):
    """Some lines did not move; the message is fit to show."""


def start(sale: DebtSale, move: str, *, actor: Actor, at: datetime) -> None:
    """Have every line that stands where a move begins make it, in the background, within the act that decides it."""
    params = {"sale": sale.pk, "move": move}
    again = f":{sale.case.version}" if move == "release_line" else ""  # a sale that was given up may be reopened
    jobs.start(SALE_LINES, actor=actor, at=at, params=params, key=f"{sale.uid}:{move}{again}")


def _parts(job: jobs.Job) -> Iterator[str]:
    sale = DebtSale.objects.get(pk=job.params["sale"])
    rows = sale.lines.filter(state__in=lines.MOVES[job.params["move"]].source).order_by("number")
    return looking.ranges("lines", rows.values_list("number", flat=True).iterator(chunk_size=2000), size=looking.PART)


def _move(job: jobs.Job, subject: str, at: datetime) -> None:
    """Move the lines of one part; a sold one gets its price."""
    _, first, last = subject.split(":")
    move = job.params["move"]
    case = locks.case_for_update(job.params["sale"])
    if case.state not in STANDS[move]:
        raise jobs.Skipped("went_on")
    sale = DebtSale.objects.get(pk=case.pk)
    rows = list(
        sale.lines.filter(number__range=(int(first), int(last)), state__in=lines.MOVES[move].source)
        .select_related("account")
        .order_by("number")
    )
    detail = {"first": int(first), "last": int(last), "lines": len(rows)}
    with record.act(case, f"debt_sale_account.{move}", actor=jobs.worker_of(job), at=at, detail=detail):
        for row in rows:
            row.state = lines.MOVES[move].target
            if move == "sell":
                row.price_pence = prices.price_of(row.balance_pence, sale.price_rate or 0)
        copying.copy_update(DebtSaleAccount, rows, ["state", "price_pence"])
        if move == "sell":
            _look_for_holds(case, rows, actor=jobs.worker_of(job), at=at)
            _look_for_moved(case, rows, at=at)
        looking.touch(case, at=at)


def _look_for_holds(case: Case, rows: Sequence[DebtSaleAccount], *, actor: Actor, at: datetime) -> None:
    """Ask once more which accounts are held, after the sale is complete: whoever entered a hold while it was being
    completed waited for nobody. One access row."""
    accounts = [row.account for row in rows]
    reader = sealing.Reader(actor=actor.label, verb="check", purpose="debt_sale", streams=(case.uid,))
    opened = sealing.open_rows(accounts, ["number"], reader=reader, at=at)
    numbers = {account.pk: values["number"] or "" for account, values in zip(accounts, opened, strict=True)}
    held = accountholds.blocking(numbers, exclusions.SELL, at=at)
    for row in rows:
        if held[row.account_id]:
            tasks.raise_task(HELD, case=case, at=at, line=row.number)


def _look_for_moved(case: Case, rows: Sequence[DebtSaleAccount], *, at: datetime) -> None:
    """Have the buyer told of accounts whose holders, or what is known of them, are not those of the tape any more: it
    would ask somebody else, or write to where they lived. Two queries."""
    tape, numbers = tapes.standing(case.debt_sale, "final"), {row.account_id: row.number for row in rows}
    changed = AccountHolder.history.filter(account__in=numbers, history_date__gt=tape.asked_at)
    ids = set(changed.values_list("id", flat=True))
    if not ids:
        return
    seen = ("account_id", "ended_date", *tapes.PERSON)
    now = {pk: told for pk, *told in AccountHolder.objects.filter(pk__in=ids).values_list("pk", *seen)}
    told = AccountHolder.history.filter(id__in=ids, history_date__lte=tape.asked_at).order_by("id", "-history_id")
    then = {pk: said for pk, *said in told.distinct("id").values_list("id", *seen)}
    moved = {numbers[values[0]] for pk, values in now.items() if values != then.get(pk)}
    due_at = calendars.end_of_day(calendars.london_date(at))
    for number in sorted(moved):
        tasks.raise_task(MOVED, case=case, at=at, due_at=due_at, line=number)


def _finish(job: jobs.Job, at: datetime) -> None:
    """Go on, once every line has moved. Raises LinesRefused where one has not."""
    sale, move = DebtSale.objects.get(pk=job.params["sale"]), job.params["move"]
    if job.failed:
        raise LinesRefused("Some lines did not move.")
    if move in AFTER:
        AFTER[move](sale, actor=jobs.worker_of(job), at=at)


KIND = jobs.Kind(
    code=SALE_LINES,
    label="Move the accounts of a sale",
    rows=_parts,
    do=_move,
    desk="debt_sale",
    case="sale",
    finish=_finish,
    reasons={"went_on": "The sale went on without it", "lines_refused": "Some accounts did not move: try them again"},
    names=lambda _actor, subjects: {each: f"Part from {each.split(':')[1]}" for each in subjects},
)
jobs.declare(KIND)
