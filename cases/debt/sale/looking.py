"""Looking at the accounts of a sale: who is chosen, what keeps whom out. A job, part by part; each part is one act.

The first look makes the lines of the pool; each later one asks every exclusion again of those that are left and takes
over what is owed today. Whoever is kept out stays out of this sale; what a sale let go of when it was given up is asked
about again once it is reopened.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Q, Sum

from cases.accounts.models import Account
from cases.debt.sale import codes, exclusions, pool
from cases.debt.sale.models import DebtSale, DebtSaleAccount, SaleLook
from cases.kernel import locks, policy, record
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.models import Case
from cases.ledger import api as ledger
from cases.ledger import copying
from cases.ledger.reads import Reader

__all__ = [
    "ACT",
    "KIND",
    "LookRefused",
    "ask",
    "by_rule",
    "by_state",
    "digest_of",
    "left",
    "let_go",
    "newest",
    "person",
    "ranges",
    "require_unchanged",
    "touch",
    "under_way",
]

ACT = "look_at_sale"
SALE_LOOK = "look_at_sale"
PART = 500
FRESH = timedelta(hours=24)
ACCOUNTS, LINES = "accounts", "lines"


class LookRefused(CaseError):
    """The accounts cannot be looked at now; the message is fit to show."""


def newest(sale: DebtSale) -> SaleLook | None:
    """Return the last look, whether or not it has ended. One query."""
    return sale.looks.order_by("-number").first()


def is_running(kind: str, case: Case, number: int) -> bool:
    """Say whether some work on a sale has not ended, and was not stopped. One query."""
    rows = jobs.Job.objects.filter(kind=kind, key=f"{case.uid}:{number}")
    return rows.filter(state__in=["queued", "running", "stopping"]).exists()


def under_way(case: Case) -> bool:
    """Say whether the accounts are being looked at. Two queries."""
    look = newest(case.debt_sale)
    return look is not None and look.ended_at is None and is_running(SALE_LOOK, case, look.number)


@transaction.atomic
def ask(case: Case, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None) -> jobs.Job:
    """Have every account of a sale looked at, in the background. Locks the case; one act, one job.

    Raises NotAllowed, LookRefused.
    """
    policy.require(actor, ACT, case=case)
    case = locks.case_for_update(case.pk)
    sale = DebtSale.objects.get(pk=case.pk)
    if case.state not in codes.LOOKED_AT_IN:
        raise LookRefused("The accounts of this sale are settled.")
    if under_way(case):
        raise LookRefused("The accounts are being looked at already.")
    number = sale.looks.count() + 1
    with record.act(case, "debt_sale.look_asked", actor=actor, at=at, request=request, detail={"look": number}):
        SaleLook.objects.create(sale=sale, number=number, asked_by_id=person(actor), asked_at=at)
        touch(case, at=at)
    is_first = not sale.looks.filter(ended_at__isnull=False).exists()
    params = {"sale": case.pk, "look": number, "is_first": is_first}
    return jobs.start(SALE_LOOK, actor=actor, at=at, params=params, key=f"{case.uid}:{number}", request=request)


def person(actor: Actor) -> int:
    """Return whose hand it was. Raises NotAllowed for a machine."""
    if actor.user_id is None:
        raise NotAllowed("A person does this.")
    return actor.user_id


def touch(case: Case, *, at: datetime) -> None:
    """Write on a locked case that it changed, inside the current ledger action."""
    case.version += 1
    case.changed_at = at
    case.save(update_fields=["version", "changed_at"])


def left(sale: DebtSale) -> Any:
    """Return the lines that nothing keeps out, in order."""
    return sale.lines.filter(state="in_pool").order_by("number")


def let_go(sale: DebtSale) -> Any:
    """Return the lines that a sale let go of when it was given up: no rule keeps them out. A sale that goes on has some
    only after it was reopened, until it is looked at again."""
    return sale.lines.filter(state="excluded", stopped_by=[]).order_by("number")


def digest_of(sale: DebtSale) -> str:
    """Return the hash of the lines that are left: which account, at how much, since when in default."""
    digest = hashlib.sha256()
    columns = ("number", "account_id", "balance_pence", "fees_pence", "default_date")
    for row in left(sale).values_list(*columns).iterator(chunk_size=2000):
        digest.update((",".join(map(str, row)) + "\n").encode())
    return digest.hexdigest()


def by_state(sale: DebtSale) -> dict[str, tuple[int, int]]:
    """Return for each state how many lines stand there and what they owe. One query."""
    rows = sale.lines.values_list("state").annotate(count=Count("pk"), owed=Sum("balance_pence")).order_by("state")
    return {state: (count, owed) for state, count, owed in rows}


def by_rule(sale: DebtSale) -> dict[str, int]:
    """Return how many lines each rule keeps out, the most first; one that two rules stop counts twice. One query."""
    counts: Counter[str] = Counter()
    for stopped_by in sale.lines.filter(state="excluded").values_list("stopped_by", flat=True):
        counts.update(stopped_by)
    return dict(counts.most_common())


# The job.


def _parts(job: jobs.Job) -> Iterator[str]:
    """Return the parts of a sale: ranges of accounts for the first look, of lines for any other."""
    sale = DebtSale.objects.get(pk=job.params["sale"])
    if job.params["is_first"]:
        numbers = pool.selected(sale.selection).order_by("pk").values_list("pk", flat=True)
        return ranges(ACCOUNTS, numbers.iterator(chunk_size=2000), size=PART)
    numbers = (left(sale) | let_go(sale)).values_list("number", flat=True)
    return ranges(LINES, numbers.iterator(chunk_size=2000), size=PART)


def ranges(what: str, numbers: Iterable[int], *, size: int) -> Iterator[str]:
    """Yield numbers in parts, each as what they are, the first and the last."""
    part: list[int] = []
    for number in numbers:
        part.append(number)
        if len(part) == size:
            yield f"{what}:{part[0]}:{part[-1]}"
            part = []
    if part:
        yield f"{what}:{part[0]}:{part[-1]}"


def _look(job: jobs.Job, subject: str, at: datetime) -> None:
    """Look at one part, in one act of the sale's case."""
    what, first, last = subject.split(":")
    case = locks.case_for_update(job.params["sale"])
    sale = DebtSale.objects.get(pk=case.pk)
    if case.state not in codes.LOOKED_AT_IN:
        raise jobs.Skipped("settled")
    worker = jobs.worker_of(job)
    reader = Reader(actor=worker.label, verb="check", purpose="debt_sale", streams=(case.uid,))
    within = int(first), int(last)
    by = "account__pk__range" if what == ACCOUNTS else "number__range"
    with record.act(case, "debt_sale.looked_at", actor=worker, at=at, detail={"look": job.params["look"]}) as act:
        known = list((left(sale) | let_go(sale)).filter(**{by: within}))
        changed = _again(sale, known, reader=reader, at=at)
        new = _first(sale, within, reader=reader, at=at) if what == ACCOUNTS else []
        stopped = Counter(code for row in (*changed, *new) for code in row.stopped_by)
        act.detail |= {"lines": len(known) + len(new), "changed": len(changed) + len(new)}
        act.detail["excluded"] = dict(sorted(stopped.items()))
        touch(case, at=at)


def _accounts(rows: Any) -> list[Account]:
    """Return accounts in order, locked until the part is done, so that no two sales take one at once."""
    return list(rows.order_by("pk").select_for_update(no_key=True).prefetch_related("holders", "flags"))


def _first(sale: DebtSale, within: tuple[int, int], *, reader: Reader, at: datetime) -> list[DebtSaleAccount]:
    """Make a line of each account of a part of the selection that has none yet; return them."""
    chosen = pool.selected(sale.selection).filter(pk__range=within).exclude(sale_lines__sale=sale)
    rows = []
    known = exclusions.sellables(_accounts(chosen), sale=sale, reader=reader, at=at)
    for number, one in enumerate(known, start=_last_number(sale) + 1):
        row = DebtSaleAccount(sale=sale, account=one.account, number=number)
        _take_over(row, one)
        rows.append(row)
    return copying.copy_create(DebtSaleAccount, rows)


def _last_number(sale: DebtSale) -> int:
    return sale.lines.aggregate(last=Max("number"))["last"] or 0


def _again(sale: DebtSale, rows: Sequence[DebtSaleAccount], *, reader: Reader, at: datetime) -> list[DebtSaleAccount]:
    """Ask every exclusion again of lines that are left; write and return those that changed."""
    accounts = _accounts(Account.objects.filter(pk__in=[row.account_id for row in rows]))
    known = {one.account.pk: one for one in exclusions.sellables(accounts, sale=sale, reader=reader, at=at)}
    changed = [row for row in rows if _take_over(row, known[row.account_id])]
    copying.copy_update(DebtSaleAccount, changed, _TAKEN_OVER)
    return changed


def require_unchanged(case: Case, *, actor: Actor, at: datetime) -> None:
    """Ask every exclusion again of what is left, and what is owed: a hold may have begun since the last look.

    Locks the accounts until the act is done; two access rows for each part of them. Raises LookRefused.
    """
    reader = Reader(actor=actor.label, verb="check", purpose="debt_sale", streams=(case.uid,))
    sale = case.debt_sale
    numbers = left(sale).values_list("number", flat=True)
    for part in list(ranges(LINES, numbers.iterator(chunk_size=2000), size=PART)):
        _, first, last = part.split(":")
        rows = list(left(sale).filter(number__range=(int(first), int(last))))
        accounts = _accounts(Account.objects.filter(pk__in=[row.account_id for row in rows]))
        known = {one.account.pk: one for one in exclusions.sellables(accounts, sale=sale, reader=reader, at=at)}
        if any(_take_over(row, known[row.account_id]) for row in rows):
            raise LookRefused("The accounts changed since they were looked at. Look at them again.")


_TAKEN_OVER = ("state", "stopped_by", "balance_pence", "fees_pence", "default_date")


def _take_over(row: DebtSaleAccount, one: exclusions.Sellable) -> bool:
    """Write on a line what is so today; say whether that is news."""
    before = [getattr(row, name) for name in _TAKEN_OVER]
    row.stopped_by = exclusions.judge(one)
    row.state = "excluded" if row.stopped_by else "in_pool"
    less = one.account.balance_pence - one.owed
    row.balance_pence, row.fees_pence = one.owed, max(one.account.fees_pence - less, 0)
    row.default_date = one.account.default_date
    return before != [getattr(row, name) for name in _TAKEN_OVER]


def _finish(job: jobs.Job, at: datetime) -> None:
    """Write down what is left, once every part is done. Raises LookRefused where a part could not be looked at."""
    if job.failed:
        raise LookRefused("Some accounts could not be looked at.")
    case = locks.case_for_update(job.params["sale"])
    sale = DebtSale.objects.get(pk=case.pk)
    look = sale.looks.get(number=job.params["look"])
    if look.ended_at is not None:
        return
    found = sale.lines.aggregate(
        count=Count("pk", filter=Q(state="in_pool")), owed=Sum("balance_pence", filter=Q(state="in_pool"))
    )
    with record.act(case, "debt_sale.look_ended", actor=jobs.worker_of(job), at=at, detail={"look": look.number}):
        look.left, look.left_pence = found["count"], found["owed"] or 0
        look.digest, look.ended_at = digest_of(sale), at
        look.save(update_fields=["left", "left_pence", "digest", "ended_at"])
        touch(case, at=at)


KIND = jobs.Kind(
    code=SALE_LOOK,
    label="Look at the accounts of a sale",
    rows=_parts,
    do=_look,
    finish=_finish,
    reasons={
        "settled": "The sale went on without it",
        "look_refused": "Some accounts could not be looked at: try what failed again",
    },
    names=lambda _actor, subjects: {each: f"Part from {each.split(':')[1]}" for each in subjects},
)
jobs.declare(KIND)
