"""Putting right what others were told: who was told of a case or of one person in it, and a notice to each of them.

Reads the register of releases. A removal has to be on its way within one working day; whoever does not confirm in
time becomes a task. What the data is worth saying anew is the family's to say: see `restate`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from cases.kernel import calendars, clocks, outbox, record, releases, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import held
from cases.kernel.models import Agency, Case, CaseParty, IntakeRequest, OutboxMessage, Release, ReleasedPerson, Task
from cases.kernel.prepared import Prepared, have
from cases.ledger import api as ledger

__all__ = [
    "AMENDED",
    "CALLBACKS",
    "DELIVERED",
    "LABELS",
    "REFUSED",
    "REMOVED",
    "RESTRICTED",
    "UNRESTRICTED",
    "Recipient",
    "SaidLater",
    "are_on_their_way",
    "by_hand",
    "change_of",
    "declare",
    "delivered",
    "earlier_recipients",
    "send",
    "start_transmission",
]

_CATEGORIES = {
    "change": "correction",
    "reason": "correction",
    "told.message": "correction",
    "told.their_reference": "correction",
    "told.date": "correction",
    "replaced_by": "correction",
    "subjects": "correction",
}
_NECESSITY = "Whoever was told something that is no longer so must hear of it, or harm goes on being done with it."


def _kind(code: str, label: str) -> releases.MessageKind:
    return releases.MessageKind(
        code=code,
        label=label,
        recipient_kind="",  # whoever was told
        purpose="correct_recipients",
        answer_days=5,
        answer_source="Internal target; UK GDPR Art 19",
        necessity=_NECESSITY,
        categories=_CATEGORIES,
    )


AMENDED = _kind("correction_amended", "Notice that what was told has changed")
REMOVED = _kind("correction_removed", "Notice to remove what was told")
RESTRICTED = _kind("correction_restricted", "Notice that the use of what was told is restricted")
UNRESTRICTED = _kind("correction_unrestricted", "Notice that a restriction of the use of what was told has ended")
KINDS = {"amended": AMENDED, "removed": REMOVED, "restricted": RESTRICTED, "unrestricted": UNRESTRICTED}
LABELS = {kind.code: kind.label for kind in KINDS.values()}
BY_HAND = "correction_by_hand"
releases.declare(*KINDS.values())

clocks.declare(
    clocks.ClockRule(
        code="removal_transmission",
        label="Removal on its way to everybody told",
        length=1,
        unit="working_days",
        source="UK GDPR Art 19; removals are urgent: one working day",
        effective_from=date(2018, 5, 25),
    ),
    clocks.ClockRule(
        code="correction_acknowledgement",
        label="Recipients confirm the correction",
        length=5,
        unit="working_days",
        source="Internal target",
        effective_from=date(2026, 1, 1),
    ),
)
tasks.declare(
    {
        BY_HAND: "Somebody told before must be corrected by hand",
        "correction_refused": "A recipient refuses a correction",
    }
)


class SaidLater(CaseError):
    """What was told is said anew by an act of its own, which needs more people than this one: the notice goes alone."""


Restate = Callable[..., OutboxMessage | None]
_restate: dict[str, Restate] = {}
_removals: set[str] = {REMOVED.code}


def declare(*, restate: Mapping[str, Restate] | None = None, removals: Iterable[str] = ()) -> None:
    """Add what a family knows. Called while families load.

    `restate` maps a kind of message to the function that says it anew, as the case is now:
    (case, *, agency, actor, at) -> the promised message, or None; it may raise SaidLater. `removals` are the family's
    own messages that count towards the one working day of a removal.
    """
    _restate.update(restate or {})
    _removals.update(removals)


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Somebody who may hold data of ours, and the releases by which they got it, oldest first."""

    agency: Agency
    releases: tuple[Release, ...]


def earlier_recipients(case: Case, *, party: CaseParty | None = None) -> list[Recipient]:
    """Return whoever was told of the case, or of one person in it, and not yet told to remove it. Two queries; one
    where nobody was whom a notice of this kind would reach.

    What was taken back before any try, what tells a person about themselves, and what a family puts right by its
    own messages is left out.
    """
    rows = [row for row in _TOLD.objects(case=case.pk) if _put_right_by(row.message_kind) == "correction"]
    people: dict[int, list[ReleasedPerson]] = {row.pk: [] for row in rows}
    for named in _NAMED.objects(case=case.pk) if rows else ():
        people.get(named.release_id, []).append(named)
    by_agency: dict[Agency, list[Release]] = {}
    for row in rows:
        have(row, "people", people[row.pk])
        by_agency.setdefault(row.recipient, []).append(row)
    found = [Recipient(agency=agency, releases=_held(told, party)) for agency, told in by_agency.items()]
    return [recipient for recipient in found if recipient.releases]


_TOLD = Prepared(
    lambda case: (
        Release.objects.filter(case=case)
        .exclude(outbox.never_left("message__"))
        .select_related("recipient", "message")
        .order_by("pk")
    ),
    case=-(10**15) - 1,
)
_NAMED = Prepared(lambda case: ReleasedPerson.objects.filter(release__case=case).order_by("pk"), case=-(10**15) - 1)


def _put_right_by(code: str) -> str:
    """A kind nobody declared is put right by a notice: better one too many than one too few."""
    return releases.KINDS[code].put_right_by if code in releases.KINDS else "correction"


def _held(told: Sequence[Release], party: CaseParty | None) -> tuple[Release, ...]:
    """Return the releases of one recipient that no later notice removed, in whole or for everybody asked about."""
    held: dict[Release, set[int]] = {}
    for row in told:
        people = {entry.party_id for entry in row.people.all()}
        if row.message_kind in (AMENDED.code, RESTRICTED.code, UNRESTRICTED.code):
            continue
        if row.message_kind != REMOVED.code:
            held[row] = people or {0}
        elif not people:
            held.clear()
        else:
            held = {release: left for release, names in held.items() if (left := names - people)}
    wanted = None if party is None else {0, party.pk}
    return tuple(release for release, names in held.items() if wanted is None or names & wanted)


def send(
    case: Case,
    change: str,
    *,
    reason: str,
    actor: Actor,
    at: datetime,
    party: CaseParty | None = None,
    to: frozenset[str] | None = None,
    only: Collection[str] | None = None,
) -> list[OutboxMessage]:
    """Promise one notice to each earlier recipient, inside the current ledger action on a locked case.

    `change` is one of KINDS, `reason` a code; `party` names the one person it is about, `to` the kinds of recipient and
    `only` their codes when not all. An amended recipient first gets what it was told said anew. Writes releases and
    starts the clocks; whoever cannot be told by message becomes a task. What a hold keeps and nobody tried to send is
    taken back instead when all of it is removed at its receiver: it would leave after the hold only to be put right.
    The caller refreshes the case's due time and saves it.
    """
    if change == "removed" and party is None:
        _take_back_kept(case, to=to, only=only, at=at)
    promised = []
    for recipient in earlier_recipients(case, party=party):
        agency = recipient.agency
        if (to is not None and agency.kind not in to) or (only is not None and agency.code not in only):
            continue
        try:
            promised.append(_notify(case, recipient, change, reason=reason, actor=actor, at=at, party=party))
        except (releases.ReleaseRefused, outbox.NoChannel) as refusal:
            by_hand(case, agency.code, change, refusal=refusal, at=at)
    if promised:
        clocks.start(case, "correction_acknowledgement", started_at=at)
        if change == "removed":
            start_transmission(case, at=at)
    return promised


def _take_back_kept(case: Case, *, to: frozenset[str] | None, only: Collection[str] | None, at: datetime) -> None:
    waiting = OutboxMessage.objects.filter(held.is_kept(), case=case, state="pending", attempts=0)
    if to is not None:
        waiting = waiting.filter(channel__agency__kind__in=to)
    if only is not None:
        waiting = waiting.filter(channel__agency__code__in=list(only))
    for message in list(waiting.order_by("pk")):
        outbox.take_back(message, at=at)


def by_hand(case: Case, agency_code: str, change: str, *, refusal: CaseError, at: datetime, **about: Any) -> None:
    """Ask somebody to tell by another way what no message may tell, inside the current ledger action."""
    cause = type(refusal).__name__
    tasks.raise_task(BY_HAND, case=case, at=at, agency=agency_code, change=change, cause=cause, **about)


def change_of(kind: str) -> str:
    """Return what a kind of message puts right, one of KINDS; nothing for one that puts nothing right."""
    own = next((change for change, each in KINDS.items() if each.code == kind), "")
    return own or ("removed" if kind in _removals else "")


def told_by_hand(case: Case, task: Task, *, at: datetime) -> None:
    """Somebody was told of a removal by another way: once nobody is left to be told, the working day is met."""
    if task.detail.get("change") == "removed" and not are_on_their_way(case):
        clocks.meet(case, "removal_transmission", at=at)
        clocks.refresh_due(case)


tasks.FOLLOWS[BY_HAND] = told_by_hand


def start_transmission(case: Case, *, at: datetime) -> None:
    """Start the one working day in which a removal must be on its way, unless it runs already."""
    if not case.clocks.filter(rule="removal_transmission", ended_at=None).exists():
        clocks.start(case, "removal_transmission", started_at=at)


def _notify(
    case: Case,
    recipient: Recipient,
    change: str,
    *,
    reason: str,
    actor: Actor,
    at: datetime,
    party: CaseParty | None,
) -> OutboxMessage:
    agency, latest = recipient.agency, recipient.releases[-1]
    again = _restate.get(latest.message_kind) if change == "amended" else None
    try:
        anew = again(case, agency=agency, actor=actor, at=at) if again else None
    except SaidLater:
        again = anew = None
    if again and anew is None:  # nothing of it may be said any more: the recipient must let go of what it has
        change = "removed"
        start_transmission(case, at=at)
    parties = [party] if party else _people_of(recipient)
    body: dict[str, Any] = {
        "change": change,
        "reason": reason,
        "told": [_told(release) for release in recipient.releases],
        "subjects": [each.number for each in parties],
    }
    if anew is not None:
        body["replaced_by"] = str(anew.public_id)
    return releases.send(
        case,
        replace(KINDS[change], recipient_kind=agency.kind),
        agency=agency,
        body=body,
        actor=actor,
        at=at,
        subject_count=len(parties),
        dedupe=f"correction:{ledger.current().uid}:{party.number if party else 'all'}",
        parties=parties,
    )


def _people_of(recipient: Recipient) -> list[CaseParty]:
    named = CaseParty.objects.filter(releases__release__in=recipient.releases)
    return list(named.distinct().order_by("number"))


def _told(release: Release) -> dict[str, str]:
    told = {"date": calendars.london_date(release.released_at).isoformat()}
    if release.message is not None:
        told["message"] = str(release.message.public_id)
        told |= {"their_reference": release.message.agency_reference} if release.message.agency_reference else {}
    elif (
        asked := IntakeRequest.objects.filter(case=release.case_id, agency=release.recipient_id).order_by("pk").first()
    ):
        told["their_reference"] = asked.message_id  # it was an answer: by its own word the recipient knows which
    return told


def _waiting(case: Case, kinds: Iterable[str], **column: None) -> Any:
    gone = ["withdrawn", "superseded", "skipped"]
    return OutboxMessage.objects.filter(case=case, kind__in=kinds, **column).exclude(state__in=gone)


def delivered(case: Case, message: OutboxMessage, *, at: datetime) -> None:
    """A removal has arrived. Once every one of the case has, the working day for them is met."""
    running = case.clocks.filter(rule="removal_transmission", ended_at=None)
    if not running.exists() or are_on_their_way(case, but=message):
        return
    with record.act(case, "removal.transmitted", actor=system("delivery", source=case.source), at=at):
        _meet(case, "removal_transmission", at=at)


def are_on_their_way(case: Case, *, but: OutboxMessage | None = None) -> bool:
    """Say whether some removal of the case, other than `but`, has not arrived, or somebody is still to tell it."""
    left = _waiting(case, _removals, delivered_at=None).exclude(pk=but.pk if but else None)
    to_tell = Task.objects.filter(case=case, kind=BY_HAND, closed_at=None, detail__change="removed")
    return bool(left.exists() or to_tell.exists())


def acknowledged(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """A recipient confirms that it has put its records right. The clock ends with the last of them."""
    message = content.message
    if message is None or message.kind not in LABELS:
        raise CaseError("This confirms no correction of the case.")
    with record.act(case, "correction.acknowledged", actor=actor, at=at, cause=content.callback_uid) as action:
        action.detail["message"] = str(message.public_id)
        if not _waiting(case, LABELS, acknowledged_at=None).exclude(pk=message.pk).exists():
            _meet(case, "correction_acknowledgement", at=at)


def refused(case: Case, message: OutboxMessage, errors: Sequence[dict[str, Any]], *, at: datetime) -> None:
    """A recipient did not take the correction: somebody speaks with it."""
    codes = [str(error.get("code", ""))[:80] for error in errors]
    actor = system("delivery", source=case.source)
    with record.act(case, "correction.refused", actor=actor, at=at, detail={"message": str(message.public_id)}):
        tasks.raise_task(
            "correction_refused", case=case, at=at, agency=message.channel.agency.code, change=message.kind, codes=codes
        )


def _meet(case: Case, rule: str, *, at: datetime) -> None:
    clocks.meet(case, rule, at=at)
    clocks.refresh_due(case)
    case.save()


CALLBACKS = {"correction.acknowledged": acknowledged}
DELIVERED = {REMOVED.code: delivered}
REFUSED = dict.fromkeys(LABELS, refused)
