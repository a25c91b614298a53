"""What agencies tell of a referral without moving it, and what a person decides about each.

A match never decides anything alone: it is a row, a task and a period; somebody compares and says what it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from cases.fraud import codes, flags, messages
from cases.fraud.models import DerivedFlag, IncomingNotice
from cases.kernel import casetypes, clocks, edits, locks, record, releases, tasks, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.casetypes import Content
from cases.kernel.edits import EditRefused
from cases.kernel.errors import CaseError
from cases.kernel.models import Agency, Case, CaseParty, Clock, Task
from cases.kernel.transitions import AlreadyThere, TransitionRefused
from cases.ledger import api as ledger
from cases.ledger import sealing, security

__all__ = [
    "ELSEWHERE",
    "FLAG_CLOCKS",
    "TASKS",
    "WAITING",
    "accept_instructions",
    "can_be_said",
    "carry",
    "decide",
    "end_flag",
    "end_with_case",
    "receive",
    "said",
    "stand_again",
]

# Referred for manual checks is no decision yet: the checks end with one.
CHECKING = "referred_to_manual"
WAITING = frozenset({"", CHECKING})
# Of a filing that comes down, or is down, nothing else is true; and of no other is it.
COMING_DOWN = frozenset({"removal_requested", "removed", "expired"})
_WHEN_DOWN = {"enquiry": {"removed"}, "removal_instruction": {"accepted"}}
# What put a flag, and what another person may say of it later.
FLAGGED = frozenset({"confirmed", "extra_checks"})
_TAKEN_BACK = {"match": "false_positive", "alert_hit": "false_positive", "protective_registration": "not_ours"}
ELSEWHERE = "fraud_word_of_agency"
TASKS = {
    ELSEWHERE: "An agency said something of a person in the case that became part of this one: look who it is here"
}
REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_-]{0,79}", re.ASCII)
# Until when a flag may stand, by what it was put for; the agency's own date counts where it is earlier.
FLAG_CLOCKS = {"match": "match_seen", "alert_hit": "match_seen", "protective_registration": "protection_seen"}
SAID = {
    "member": "Owned by",
    "search_reference": "Our search",
    "code": "Their code",
    "date": "Dated",
    "registered_date": "Registered",
    "summary": "What they say",
}
LENGTHS = {"member": 120, "search_reference": 80, "code": 40, "summary": 4000}


class NotUnderstood(CaseError):
    """What the agency told lacks something; the callback stays for a person."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """The content of a notice, checked for form."""

    their_reference: str
    expires_date: date | None
    matched_on: tuple[str, ...]
    texts: Mapping[str, str]

    @property
    def is_address_only(self) -> bool:
        return self.matched_on == ("address",)


def _text(data: Mapping[str, Any], name: str, longest: int) -> str:
    value = data.get(name, "")
    if not isinstance(value, str) or len(value) > longest or "\0" in value:
        raise NotUnderstood(f"{name} is no text of at most {longest} characters.")
    return value.strip()


def _day(data: Mapping[str, Any], name: str) -> date | None:
    if data.get(name) is None:
        return None
    try:
        return date.fromisoformat(str(data[name]))
    except ValueError:
        raise NotUnderstood(f"{name} is no date.") from None


def _told(data: Mapping[str, Any]) -> Told:
    reference = _text(data, "their_reference", 80)
    if reference and not REFERENCE.fullmatch(reference):
        raise NotUnderstood("their_reference is no reference.")
    matched = data.get("matched_on", [])
    if not isinstance(matched, list) or not all(each in codes.MATCHED_ON for each in matched):
        raise NotUnderstood("matched_on names something that we do not compare.")
    texts = {name: _text(data, name, longest) for name, longest in LENGTHS.items()}
    days = {name: _day(data, name) for name in ("date", "registered_date")}
    texts |= {name: f"{day:%-d %B %Y}" for name, day in days.items() if day}
    return Told(
        their_reference=reference,
        expires_date=_day(data, "expires_date"),
        matched_on=tuple(sorted(set(matched))),
        texts={name: text for name, text in texts.items() if text},
    )


def receive(case: Case, kind: str, content: Content, *, actor: Actor, at: datetime) -> IncomingNotice:
    """Keep what an agency tells about a locked case as a row, with its task and its period. Moves nothing.

    One act of the case's stream. Raises NotUnderstood, or AlreadyThere when the same waits already.
    """
    # A hit in the alert is one on an address unless it says more.
    told = _told({"matched_on": ["address"], **content.data} if kind == "alert_hit" else content.data)
    if kind == "protective_registration" and told.expires_date is None:
        raise NotUnderstood("A protective registration needs its expires_date.")
    same: dict[str, Any] = {"their_reference": told.their_reference, "agency__code": content.agency_code}
    same |= {"expires_date": told.expires_date, "is_address_only": told.is_address_only}  # else it is put right
    waiting = IncomingNotice.objects.filter(case=case, kind=kind, outcome__in=WAITING, **same)
    if told.their_reference and waiting.exists():
        raise AlreadyThere("The same waits already.")
    last = IncomingNotice.objects.filter(case=case).aggregate(last=Max("number"))["last"]
    row = IncomingNotice(
        case=case,
        number=(last or 0) + 1,
        kind=kind,
        agency=Agency.objects.get(code=content.agency_code),
        their_reference=told.their_reference,
        received_at=content.reached_us(at),
        expires_date=told.expires_date,
        is_address_only=told.is_address_only,
        key=case.key,
    )
    sealing.seal(row, {"summary": json.dumps({**told.texts, "matched_on": told.matched_on})}, key=case.key)
    detail = {"notice": row.number}
    verb = f"{case.kind}.{kind}"
    with record.act(case, verb, actor=actor, at=at, cause=content.callback_uid, detail=detail):
        row.save(force_insert=True)
        clock = clocks.start(case, f"fraud_{kind}", started_at=row.received_at)
        tasks.raise_task(f"fraud_{kind}", case=case, at=at, due_at=clock.due_at, notice=row.number, clock=clock.pk)
        clocks.refresh_due(case)
        case.save()
    return row


def said(row: IncomingNotice, *, reader: sealing.Reader, at: datetime) -> list[tuple[str, str]]:
    """Return label and value of what the agency told, in clear. Writes the reader's access row."""
    text = sealing.open_rows([row], ("summary",), reader=reader, at=at)[0]["summary"] or "{}"
    if text is sealing.ERASED:
        return [(SAID["summary"], str(text))]
    kept = json.loads(text)
    if row.kind != "alert_hit" and kept.get("code") in codes.LEGACY:  # the retail alert has codes of its own
        kept["code"] = f"{kept['code']} ({codes.LEGACY[kept['code']].lower()})"
    found = [(label, kept[name]) for name, label in SAID.items() if kept.get(name)]
    agree = [codes.MATCHED_ON[each].lower() for each in kept.get("matched_on", ())]
    return [*found, ("Agrees in", ", ".join(agree))] if agree else found


def decide(
    row: IncomingNotice,
    outcome: str,
    *,
    actor: Actor,
    at: datetime,
    reason: str,
    inputs: Mapping[str, Any],
    request: ledger.RequestInfo | None = None,
) -> str:
    """Decide on a notice, with a reason, and do what follows. Returns what is now so, in words. What put a flag another
    person may take back: it was somebody else.

    One act of the case; locks it. Ends the notice's task and period, but for a referral to manual checks. Raises
    NotAllowed, EditRefused, TransitionRefused; nothing is then written. Of a filing that comes down already it is only
    recorded.
    """
    label = dict(codes.INCOMING[row.kind]).get(outcome)
    try:
        with transaction.atomic():
            _record(row, outcome, label, actor=actor, at=at, reason=reason, inputs=inputs, request=request)
            if (row.kind, outcome) == ("removal_instruction", "accepted") and not _comes_down(row):
                # The same person's move, in the same transaction: refused, nothing was decided either.
                given = {"reason_code": inputs.get("reason_code") or ""}
                transitions.apply(
                    row.case_id, "remove", actor=actor, at=at, reason=reason.strip(), inputs=given, request=request
                )
    except TransitionRefused:
        security.note(
            "transition_refused", actor=actor.label, at=at, act="remove", case_id=row.case_id, **record.within(row.case)
        )
        raise
    return f"Recorded: {(label or '').split(':')[0].lower()}."


def _comes_down(row: IncomingNotice) -> bool:
    return Case.objects.values_list("state", flat=True).get(pk=row.case_id) in COMING_DOWN


def can_be_said(notice: IncomingNotice, outcome: str, *, state: str) -> bool:
    """Say whether a decision can follow what was decided before, and be true of a filing whose case is in a state."""
    if notice.outcome == outcome or (notice.outcome in FLAGGED and outcome != _TAKEN_BACK[notice.kind]):
        return False
    if state in COMING_DOWN:
        return outcome in _WHEN_DOWN.get(notice.kind, {outcome})
    return outcome != "removed"


def accept_instructions(case: Case, *, actor: Actor, at: datetime) -> None:
    """The filing comes down: whatever the agency instructed us to remove is done. Inside the current ledger action on a
    locked case, by who removes it."""
    for row in IncomingNotice.objects.filter(case=case, kind="removal_instruction", outcome__in=WAITING):
        row.outcome, row.decided_by_id, row.decided_at = "accepted", actor.user_id, at
        row.save(update_fields=["outcome", "decided_by", "decided_at"])
        _end_work(Decision(case=case, notice=row, actor=actor, at=at, inputs={}))


def _record(
    row: IncomingNotice,
    outcome: str,
    label: str | None,
    *,
    actor: Actor,
    at: datetime,
    reason: str,
    inputs: Mapping[str, Any],
    request: ledger.RequestInfo | None,
) -> None:
    with edits.change(
        row.case_id,
        actor=actor,
        at=at,
        act=f"decide_{row.kind}",
        verb=f"{row.case.kind}.{row.kind}_decided",
        shapes=False,
        reason=reason.strip(),
        request=request,
    ) as edit:
        fresh = IncomingNotice.objects.select_related("agency").get(pk=row.pk)
        if label is None or not reason.strip():
            raise EditRefused("Choose what it is and say why, for the record.")
        is_taken_back = fresh.outcome in FLAGGED and outcome == _TAKEN_BACK[fresh.kind]
        if fresh.outcome == outcome or not (fresh.outcome in WAITING or is_taken_back):
            raise EditRefused("Somebody has decided about this already.")
        if is_taken_back and fresh.decided_by_id == actor.user_id:
            raise EditRefused("You decided so yourself. Another person must take it back.")
        if not can_be_said(fresh, outcome, state=edit.case.state):
            raise EditRefused("This is not so of the filing as it now stands.")
        ledger.current().detail.update({"notice": fresh.number, "outcome": outcome})
        fresh.outcome, fresh.decided_by_id, fresh.decided_at = outcome, actor.user_id, at
        fresh.save(update_fields=["outcome", "decided_by", "decided_at"])
        decision = Decision(case=edit.case, notice=fresh, actor=actor, at=at, inputs=inputs)
        if outcome != CHECKING:
            _end_work(decision)
        _FOLLOWS.get((fresh.kind, outcome), _nothing)(decision)
        if is_taken_back:
            _take_back(decision)
        clocks.refresh_due(edit.case)
        edit.case.is_dormant = _rests(edit.case)


def _take_back(decision: Decision) -> None:
    """It was somebody else: their flag goes, and what was kept for its sake is looked at anew."""
    notice, at = decision.notice, decision.at
    people = list(CaseParty.objects.filter(pk__in=DerivedFlag.objects.filter(notice=notice).values("party")))
    flags.purge_heard(decision.case, at=at, notice=notice)
    _take_back_where_they_went(notice, at=at)
    for person in people if notice.kind == "match" else ():
        casetypes.tell("marker_taken_back", person, at=at)


def _take_back_where_they_went(notice: IncomingNotice, *, at: datetime) -> None:
    """The same where it went along with somebody. Locks those cases without waiting. Raises CaseBusy."""
    went = DerivedFlag.objects.filter(notice=notice, purged_at=None).exclude(case=notice.case_id)
    for pk in sorted(set(went.values_list("case", flat=True))):
        other = locks.another_for_update(pk)
        actor, detail = system("incoming", source=other.source), {"kind": notice.kind}
        with record.act(other, "flag.purged", actor=actor, at=at, detail=detail):
            flags.purge_heard(other, at=at, notice=notice)
            clocks.refresh_due(other)
            other.version += 1
            other.save()


def _rests(case: Case) -> bool:
    state = casetypes.get(case.kind).lifecycle.state(case.state)
    return state.is_dormant and tasks.rests(case)


def carry(case: Case, other: Case, there: Mapping[int, CaseParty | None], *, at: datetime) -> None:
    """What agencies said of somebody goes with them where a case is split or merged, for as long as it still may stand,
    inside the current ledger action on the case that they go to. Where nobody there is known to be them, somebody looks
    who it is."""
    heard = DerivedFlag.objects.filter(case=case, kind="warning", agency__isnull=False, purged_at=None)
    for flag in heard.filter(party__in=there).select_related("clock", "notice").order_by("pk"):
        person = there[flag.party_id]
        if person is None or flag.clock is None or flag.notice is None:
            tasks.raise_task(ELSEWHERE, case=other, at=at, reference=case.reference)
            continue
        known = DerivedFlag.objects.filter(case=other, party=person, code=flag.code, agency=flag.agency_id)
        if known.filter(notice__their_reference=flag.notice.their_reference, purged_at=None).exists():
            continue
        until, started_at = flag.clock.due_date, flag.notice.received_at
        clock = clocks.start(other, flag.clock.rule, started_at=started_at, party=person, until=until)
        DerivedFlag.objects.create(
            case=other,
            party=person,
            kind="warning",
            code=flag.code,
            agency_id=flag.agency_id,
            raised_at=flag.raised_at,
            notice=flag.notice,
            clock=clock,
        )


def end_with_case(context: Any) -> None:
    """It is closed as another one, or as opened in error: what agencies said of its people stands here no more."""
    flags.purge_heard(context.case, at=context.at)


def stand_again(case: Case, *, at: datetime) -> None:
    """It was closed in error and is opened again: what agencies said of its people, and nobody took back, stands as
    long as it would have, inside the current ledger action on a locked case. One query where there is none."""
    ended = DerivedFlag.objects.filter(
        case=case,
        kind="warning",
        notice__outcome__in=FLAGGED,
        party__is_detached=False,
        clock__state="cancelled",
        clock__due_at__gt=at,
    )
    standing = Q(party=OuterRef("party"), notice=OuterRef("notice"), purged_at=None)
    ended = ended.exclude(Exists(DerivedFlag.objects.filter(standing, case=case)))
    for flag in ended.order_by("party", "notice", "-pk").distinct("party", "notice").select_related("clock", "party"):
        was = flag.clock
        if was is None:  # never, by what is asked for above
            continue
        clock = clocks.start(case, was.rule, started_at=was.started_at, party=flag.party, until=was.due_date)
        DerivedFlag.objects.create(
            case=case,
            party=flag.party,
            kind=flag.kind,
            code=flag.code,
            agency_id=flag.agency_id,
            raised_at=at,
            notice_id=flag.notice_id,
            clock=clock,
        )


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided about which notice, by whom, with what was typed. The case is locked."""

    case: Case
    notice: IncomingNotice
    actor: Actor
    at: datetime
    inputs: Mapping[str, Any]


def _nothing(_decision: Decision) -> None:
    """Nothing follows."""


def _end_work(decision: Decision) -> None:
    """Close the notice's tasks and end its period, as met; a breach stays one."""
    for task in Task.objects.filter(case=decision.case, detail__notice=decision.notice.number, closed_at=None):
        tasks.close(task, actor=decision.actor, at=decision.at, outcome=decision.notice.outcome)
        for clock in Clock.objects.filter(pk=task.detail.get("clock"), case=decision.case, ended_at=None):
            clock.state = clock.state if clock.state == "breached" else "met"
            clock.ended_at = decision.at
            clock.save(update_fields=["state", "ended_at"])


def _ask_for_checks(decision: Decision) -> None:
    tasks.raise_task("fraud_manual_checks", case=decision.case, at=decision.at, notice=decision.notice.number)


def _put_flag(decision: Decision) -> None:
    """Flag the person for extra checks until the agency's date, at most as long as such a flag may stand."""
    notice, at = decision.notice, decision.at
    party = _person(decision)
    if notice.is_address_only and not set(decision.inputs.get("agrees_in", ())) - {"address"}:
        raise EditRefused("Only the address agrees, and others live there too. Name what else agrees, or say no.")
    rule = FLAG_CLOCKS[notice.kind]
    longest = clocks.plan(rule, started_at=notice.received_at)
    until = min(notice.expires_date or longest.due_date, longest.due_date)
    clock = clocks.start(decision.case, rule, started_at=notice.received_at, party=party, until=until)
    DerivedFlag.objects.create(
        case=decision.case,
        party=party,
        kind="warning",
        code=notice.kind,
        agency=notice.agency,
        raised_at=at,
        notice=notice,
        clock=clock,
    )
    ledger.current().detail.update({"person": party.number, "until": clock.due_date.isoformat()})


def _confirm(decision: Decision) -> None:
    """Flag the person, and let whoever keeps checks know that another member's record is about them."""
    _put_flag(decision)
    casetypes.tell("marker_confirmed", _person(decision), at=decision.at)


def _person(decision: Decision) -> CaseParty:
    number = str(decision.inputs.get("person", ""))
    people = CaseParty.objects.filter(case=decision.case, is_detached=False)
    party = people.filter(number=int(number)).first() if number.isdecimal() else None
    if party is None:
        raise EditRefused("Name the person of this case whom it is about.")
    return party


def _answer(decision: Decision) -> None:
    """Tell whoever asked how the filing stands: what the clause of the notice allows, and nothing of the people.

    Raises ReleaseRefused, NoChannel.
    """
    case, notice = decision.case, decision.notice
    if notice.outcome == "stands" and case.state != "filed":
        raise EditRefused("The filing does not stand unquestioned now. Say that it is under review or being amended.")
    body = {"about": notice.kind, "answer": notice.outcome}
    body |= {"their_reference": notice.their_reference} if notice.their_reference else {}
    reference = case.fraud_referral.filing_reference
    body |= {"filing_reference": reference} if reference else {}
    releases.send(
        case,
        messages.FPA_ANSWER,
        agency=notice.agency,
        body=body,
        actor=decision.actor,
        at=decision.at,
        subject_count=0,
    )


_FOLLOWS: Mapping[tuple[str, str], Callable[[Decision], None]] = {
    ("match", "confirmed"): _confirm,
    ("match", CHECKING): _ask_for_checks,
    ("alert_hit", "confirmed"): _put_flag,
    ("alert_hit", CHECKING): _ask_for_checks,
    ("protective_registration", "extra_checks"): _put_flag,
    ("enquiry", "stands"): _answer,
    ("enquiry", "under_review"): _answer,
    ("enquiry", "being_amended"): _answer,
    ("enquiry", "removed"): _answer,
    ("removal_instruction", "contested"): _answer,
}


def end_flag(case: Case, clock: Clock, *, at: datetime) -> None:
    """What an agency told of a person has had its time: the clock is met and its own flag purged."""
    kinds = [kind for kind, rule in FLAG_CLOCKS.items() if rule == clock.rule]
    # Of a flag that is older than this link only person and kind are known.
    own = Q(clock=clock) | Q(clock=None, agency__isnull=False, party=clock.party, code__in=kinds)
    actor = system("clocks", source=case.source)
    with record.act(case, "flag.purged", actor=actor, at=at, detail={"rule": clock.rule}):
        clock.state, clock.ended_at = "met", at
        clock.save(update_fields=["state", "ended_at"])
        for flag in DerivedFlag.objects.filter(own, case=case, purged_at=None):
            flag.purged_at = at
            flag.save(update_fields=["purged_at"])
