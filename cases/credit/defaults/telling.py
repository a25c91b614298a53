"""Whom a default is told, and how: the same to every agency; whoever cannot be told by message becomes a task."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from cases.accounts import bureaus
from cases.accounts.models import BureauTold
from cases.credit.defaults import codes, gate, guards, standing
from cases.credit.files.status import DEFAULT
from cases.kernel import calendars, outbox, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.models import Agency, Case, CaseParty, OutboxMessage, Task
from cases.ledger import sealing

__all__ = ["REFUSED", "everybody", "tell", "tell_again", "told_of"]

REFUSED = "default_refused"
tasks.declare(
    {
        REFUSED: "A credit reference agency has not taken what it was told of a default: look why. "
        "Once this is closed, it is told again how the account stands"
    }
)


def _told(case: Case) -> set[int]:
    """Return the agencies that may have what was sent of the case: also after a withdrawn attempt. One query."""
    left = OutboxMessage.objects.filter(case=case, kind=bureaus.CRA_CORRECT.code).exclude(outbox.never_left())
    return set(left.values_list("channel__agency_id", flat=True))


def told_of(case: Case) -> list[Agency]:
    """Return the agencies that may have what was sent of the case, whether or not they still take part."""
    return list(Agency.objects.select_related("terms").filter(pk__in=_told(case)).order_by("code"))


def everybody(case: Case) -> list[Agency]:
    """Return every agency that takes part, and whoever else may have what was sent of the case."""
    wanted = Q(kind="cra", is_active=True) | Q(pk__in=_told(case))
    return list(Agency.objects.select_related("terms").filter(wanted).order_by("code"))


def tell(
    case: Case,
    reason: str,
    *,
    actor: Actor,
    at: datetime,
    old: str = DEFAULT,
    to: Iterable[Agency] | None = None,
    by_hand: str = "amended",
) -> None:
    """Tell agencies how the account stands now, inside the act that changed it: those named, else everybody.

    One that cannot be told by message does not keep the others from hearing of it: it becomes a task that names
    the change as `by_hand`. Without `by_hand` all are told or, by NoChannel or ReleaseRefused, none. Opens the
    account's number: two access rows.
    """
    row = case.default
    account = guards.account_of(row)
    reader = sealing.Reader(actor=actor.label, verb="release", purpose=bureaus.PURPOSE, streams=(case.uid,))
    (opened,) = sealing.open_rows([account], ["number"], reader=reader, at=at)
    marks = standing.marks_of(account, number=opened["number"] or "", at=at)
    bureaus.tell(
        case,
        account,
        standing.change_of(row, old=old, reason=reason, today=calendars.london_date(at), marks=marks),
        actor=actor,
        at=at,
        to=everybody(case) if to is None else list(to),
        parties=list(CaseParty.objects.filter(case=case, is_detached=False).order_by("number")),
        by_hand=by_hand,
    )


def tell_again(case: Case, task: Task, *, at: datetime) -> None:
    """Tell an agency that refused how the account stands now, in the act that closes the task about it: as it was told
    last, by what it took. A default that a hold stops before the agencies have it is not told: it is taken back. Where
    no default stands and the agency has none, there is nothing to tell."""
    row, actor = case.default, system("arrears", source=case.source)
    agency = Agency.objects.select_related("terms").get(code=task.detail["agency"])
    known = BureauTold.objects.filter(account=row.account_id, agency=agency).first()
    has_default = known is not None and known.status == DEFAULT
    if case.state not in ("approved", *codes.TOLD) and not has_default:
        return
    if case.state == "approved" and not gate.STOPS_FILING.isdisjoint(gate.judge(row, by=actor.label, at=at)):
        return
    old = known.status if known is not None else standing.status_without_default(row)
    tell(case, "told_again", actor=actor, at=at, old=old, to=[agency])
