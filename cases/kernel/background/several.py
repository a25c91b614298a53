"""One act on several cases, each locked, judged and recorded by itself as if it were done on its page; and the same for
all of a view, in the background.

What is asked of a whole view is a change of the office, which keeps who asked, why, and exactly what. Nothing is done
to a restricted case through a view: the change tells others how many they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from typing import Any

from django.db.models import QuerySet

from cases.kernel import actors, casetypes, edits, holdkinds, holds, policy
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.calendars import LONDON, end_of_day
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, User
from cases.kernel.office import proposals
from cases.kernel.office.kinds import Change, Kind, Line, Payload
from cases.kernel.reading import worklist
from cases.kernel.reading.worklist import Filters
from cases.kernel.timing import snoozes
from cases.ledger import api as ledger
from cases.ledger.canonical import plain

__all__ = [
    "HOLDS",
    "KINDS",
    "MANY",
    "MOST",
    "OF_VIEW",
    "SEVERAL",
    "SeveralRefused",
    "Wish",
    "do",
    "of_view",
    "said",
    "start",
]

SEVERAL = "several_cases"
MOST = 100  # at once
MANY = 10_000  # of a view
# The kinds of hold that one event brings on many. The others come with a notice or an order for one named person, or
# from another desk.
HOLDS = ("legal", "dispute", "complaint", "vulnerable", "fraud_victim")


class SeveralRefused(CaseError):
    """What is asked of many cases cannot be done like this; the message is fit to show."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be done to each case. `values` are codes, ids and days; `reason` is on record with each case where the
    act has one."""

    act: str
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


def _give(case_id: int, wish: Wish, was: int | None, **by: Any) -> None:
    to = wish.values["to"]
    edits.assign(case_id, User.objects.get(pk=to) if to else None, was=was, **by)


def _put_aside(case_id: int, wish: Wish, _was: int | None, **by: Any) -> None:
    until = datetime.combine(date.fromisoformat(wish.values["until"]), time(7), tzinfo=LONDON)
    snoozes.snooze(case_id, until, reason=wish.reason, **by)


def _hold(case_id: int, wish: Wish, _was: int | None, **by: Any) -> None:
    ends, kind = wish.values["ends"], wish.values["kind"]
    if kind not in HOLDS:
        raise SeveralRefused("A hold of this kind is entered on the page of its case.")
    ends_at = end_of_day(date.fromisoformat(ends)) if ends else None
    holds.enter(case_id, kind, source=wish.values["source"], ends_at=ends_at, reason=wish.reason, **by)


ACTS: Mapping[str, Callable[..., None]] = {"give": _give, "put_aside": _put_aside, "hold": _hold}
# What is done to all of a view, however many. A hold is lifted case by case by two people, so one press holds few.
OF_VIEW = ("give", "put_aside")


def do(
    case: Case, wish: Wish, *, was: int | None, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None
) -> None:
    """Do it to one case, which was with `was` when whoever asks saw it; writes what the page of the case would.

    Raises what that act raises (EditConflict, EditRefused, SnoozeRefused, HoldRefused, NotAllowed, CaseErased)."""
    ACTS[wish.act](case.pk, wish, was, actor=actor, at=at, request=request)


def said(wish: Wish) -> str:
    """Return what is done, in words that follow "12 cases": "given to P. Nair". One query at most."""
    if wish.act == "put_aside":
        return f"put aside until {date.fromisoformat(wish.values['until']):%-d %B %Y}"
    if wish.act == "hold":
        return f"held: {holdkinds.shown_label(wish.values['kind']).lower()}"
    to = User.objects.filter(pk=wish.values["to"]).first() if wish.values["to"] else None
    return f"given to {to.display_name}" if to else "with nobody now"


# All of a view, in the background


def of_view(actor: Actor, filters: Filters, *, as_of: datetime) -> QuerySet[Case]:
    """Return every case that the view held at a moment, of those the actor may see; none that is restricted."""
    return worklist.all_of(actor, filters, at=as_of).filter(is_restricted=False, opened_at__lte=as_of)


def start(
    wish: Wish,
    filters: Filters,
    *,
    count: int,
    as_of: datetime,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> jobs.Job:
    """Have it done to all of a view, one case after the other, each by the right of whoever asked at that moment.

    Writes a change of the office, which keeps the reason, and the job. Raises SeveralRefused, ProposalRefused,
    NotAllowed; nothing is then written."""
    if wish.act not in OF_VIEW:
        raise SeveralRefused(f"This is done to at most {MOST} cases at once.")
    payload = {
        "act": wish.act,
        "values": dict(wish.values),
        "filters": _kept(filters),
        "as_of": as_of.isoformat(),
        "count": count,
        "maker": actor.user_id,
    }
    row = proposals.propose(SEVERAL, payload, actor=actor, at=at, reason=wish.reason, request=request)
    return jobs.Job.objects.get(kind=SEVERAL, key=str(row.uid))


def _kept(filters: Filters) -> dict[str, Any]:
    """Return what of the filters asks for something, as it is stored."""
    return {name: plain(value) for name, value in asdict(filters).items() if value not in ("", None, False)}


def _asked(kept: Mapping[str, Any]) -> Filters:
    moments = ("due_before", "due_from")
    asked: dict[str, Any] = {
        name: datetime.fromisoformat(value) if name in moments else value for name, value in kept.items()
    }
    return Filters(**asked)


def _describe_several(_before: Payload, payload: Payload) -> list[Line]:
    wish = Wish(act=payload["act"], values=payload["values"])
    return [
        Line(label="Cases of a view", new=f"{payload['count']:,}"),
        Line(label="View", new=_view(payload["filters"])),
        Line(label="Done to each", new=said(wish)),
    ]


def _view(kept: Mapping[str, Any]) -> str:
    """Return what was asked for in words: the view, and the kind where one was chosen."""
    kind = casetypes.get(kept["kind"]).label if kept.get("kind") else "all types"
    more = sorted(set(kept) - {"view", "kind", "sort", "with_snoozed"})
    return ", ".join([worklist.VIEWS[kept.get("view", "open")].label, kind, *(["further filters"] if more else [])])


def _start(change: Change) -> None:
    params = {name: change.payload[name] for name in ("act", "values", "filters", "as_of")}
    uid = str(change.proposal.uid)
    jobs.start(SEVERAL, actor=change.actor, at=change.at, params={**params, "change": uid}, key=uid)


def _asker(job: jobs.Job) -> Actor:
    """Return who asked, with the rights they have now. Raises SeveralRefused for whoever was shut out since."""
    user = User.objects.filter(pk=job.asked_by_id or 0, is_active=True).first()
    if user is None:
        raise SeveralRefused("Whoever asked for this cannot sign in any more.")
    return actors.staff(user, source=job.source)


def _rows(job: jobs.Job) -> Iterable[str]:
    as_of = datetime.fromisoformat(job.params["as_of"])
    found = of_view(_asker(job), _asked(job.params["filters"]), as_of=as_of).order_by("pk")[:MANY]
    return (f"{uid}~{holder or ''}" for uid, holder in found.values_list("uid", "assignee_id").iterator())


def _do_row(job: jobs.Job, subject: str, at: datetime) -> None:
    uid, _, holder = subject.partition("~")
    actor = _asker(job)
    case = policy.visible_to(actor).filter(uid=uid).first()
    if case is None:
        raise jobs.Skipped("not_there")
    reason = f"Done to many at once; the change {job.params['change']} of the office says why."
    wish = Wish(act=job.params["act"], values=job.params["values"], reason=reason)
    do(case, wish, was=int(holder) if holder else None, actor=actor, at=at)


def _names(actor: Actor, subjects: list[str]) -> Mapping[str, str]:
    """Return the references of the cases that this person may know of."""
    uids = {subject: subject.partition("~")[0] for subject in subjects}
    rows = policy.visible_to(actor).filter(uid__in=set(uids.values()))
    known = {str(uid): reference for uid, reference in rows.values_list("uid", "reference")}
    return {subject: known[uid] for subject, uid in uids.items() if uid in known}


jobs.declare(
    jobs.Kind(
        code=SEVERAL,
        label="One act on many cases",
        rows=_rows,
        do=_do_row,
        names=_names,
        reasons={
            "not_there": "It is not there any more, or is not yours to see",
            "not_allowed": "Your roles do not allow it for this case",
            "edit_conflict": "Somebody else had it by then",
            "edit_refused": "It is closed, or it cannot be given to this person",
            "snooze_refused": "It is closed, or the day is too near or too far",
            "several_refused": "Whoever asked for this cannot sign in any more",
        },
    )
)


KINDS = (
    Kind(
        code=SEVERAL,
        label="One act on many cases",
        makers=frozenset({policy.ANY_STAFF}),
        checkers=None,
        subject=lambda payload: f"several/{payload['maker']}/{payload['as_of']}",
        describe=_describe_several,
        apply=_start,
        title=lambda row: f"One act on {row.payload['count']:,} cases",
        is_grave=False,
    ),
)
