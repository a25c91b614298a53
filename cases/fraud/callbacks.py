"""What the agency's answers mean for a referral."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from cases.fraud import amending, codes, disputes, flags, incoming, messages, removal
from cases.kernel import calendars, casetypes, clocks, record, tasks, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import corrections, datashapes, misfits
from cases.kernel.exchange.misfits import DoesNotFit
from cases.kernel.models import Case, Clock, OutboxMessage
from cases.kernel.prepared import Prepared
from cases.ledger.models import LedgerEvent

__all__ = [
    "EXAMPLES",
    "alert_hit",
    "amended",
    "delivered",
    "disputed",
    "enquiry",
    "expired",
    "filed",
    "match",
    "protective_registration",
    "refused",
    "rejected",
    "removal_instruction",
    "removal_refused",
    "removed",
    "suspended",
    "suspension_refused",
    "SHAPES",
]

_TELLERS = {"fpa": "the fraud prevention agency", "fraud_alert": "the retail alert"}
# Why a case that has ended may still hear of a removal.
_OVER = frozenset({"expired"})
_DOWN = frozenset({"removed", "expired"})
# Where a filing is on file as far as we know; and where we know of its refusal, corrected or given up since.
_ON_FILE = frozenset({"filed", "disputed", "removal_requested"})
_REFUSED = frozenset({"rejected", "investigating", "ready", "no_action", "refused"})
misfits.declare(
    {
        "fraud_filed_twice": "The agency names a second reference: the filing may stand there twice. Ask it.",
        "fraud_filed_of_old": "The agency filed what was replaced or taken back. Ask it to take that down.",
        "fraud_filed_too_early": "The agency says that it filed before the fraud was discovered. Ask it for the day.",
        "fraud_filed_and_refused": "The agency refuses what it said that it had filed. Ask it whether the filing "
        "stands there: until it says so, nobody knows who is marked.",
        "fraud_refused_and_filed": "The agency says that it filed what it had refused. Ask it whether the filing "
        "stands there before it is sent anew.",
        "fraud_refused_anew": "The agency names other errors of the same filing than before. Correct these too.",
        "fraud_refused_and_amended": "The agency says that it holds the amendment that it had refused. Ask it what it "
        "holds.",
        "fraud_filed_again": "The agency says that it filed this after it was down. Ask it to take that down: "
        "nobody of ours stands behind it.",
        "fraud_amended_again": "The agency says that it amended this after it was down. Ask it whether anything stands "
        "there.",
        "fraud_removed_unasked": "The agency took down a filing that nobody of ours asked it to take down. Ask it why; "
        "remove it, or have it put back.",
        "fraud_disputed_by_whom": "A dispute of nobody known is open already: look whether it is this.",
    }
)
_MATCH = {
    "their_reference": "M-2026-0081",
    "search_reference": "S-771",
    "member": "Fictional Bank",
    "summary": "Facility takeover of November 2026.",
    "matched_on": ["name", "date_of_birth"],
    "expires_date": "2027-06-30",
}
# What the data of each type may hold: all of it optional, but for the end of a protective registration.
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "fpa.rejected": {"errors": [{"pointer": "/subjects/1/date_of_birth", "code": "SUBJECT_2_MISSING_DOB_FORMAT"}]},
    "fpa.match": _MATCH,
    "fpa.enquiry": {"their_reference": "E-2026-0007", "member": "Fictional Insurance", "summary": "Does it stand?"},
    "fpa.removal_instruction": {"their_reference": "I-2026-0003", "summary": "The ombudsman found for the person."},
    "fpa.protective_registration": {
        "their_reference": "P-2026-0012",
        "registered_date": "2026-10-05",
        "expires_date": "2028-10-04",
        "summary": "Papers stolen. Ask for the password.",
    },
    "fpa.disputed": {"grounds": "not_me", "subject": 2},
    "alert.hit": {
        "their_reference": "H-2026-0001",
        "code": "SUSPECT",
        "date": "2026-09-18",
        "member": "Fictional Stores",
        "matched_on": ["address"],
    },
}
# What is told of a case without being asked is held against the same table by which it is read.
_NOTICE: Mapping[str, datashapes.Shape] = {
    **{name: datashapes.text(longest) for name, longest in incoming.LENGTHS.items()},
    **dict.fromkeys(("date", "registered_date", "expires_date"), {**datashapes.DAY, "type": ["string", "null"]}),
    "their_reference": datashapes.text(80, pattern=f"^({incoming.REFERENCE.pattern})?$"),
    "matched_on": {"type": "array", "items": datashapes.one_of(codes.MATCHED_ON)},
}
SHAPES: Mapping[str, datashapes.Shape] = {
    "fpa.rejected": datashapes.shape({}, {"errors": datashapes.ERRORS}),
    **dict.fromkeys(
        ("fpa.match", "fpa.enquiry", "fpa.removal_instruction", "alert.hit"), datashapes.shape({}, _NOTICE)
    ),
    "fpa.protective_registration": datashapes.shape({"expires_date": datashapes.DAY}, _NOTICE),
    # A dispute is never turned away for how it is written.
    "fpa.disputed": datashapes.shape(
        {},
        {
            "grounds": {"description": f"{', '.join(dict(codes.GROUNDS))}; anything else is an objection."},
            "subject": {"description": "The number of the person in what we filed; without it we look who it is."},
        },
    ),
}


def _is_overtaken(case: Case, message: OutboxMessage | None) -> bool:
    """Whether a filing was taken back, or another was promised after it. One query."""
    if message is None:
        return False
    return bool(_OVERTAKING.rows(case=case.pk, message=message.pk, kind=message.kind, seq=message.seq))


_OVERTAKING = Prepared(
    lambda case, message, kind, seq: (
        OutboxMessage.objects.filter(Q(pk=message, state="withdrawn") | Q(kind=kind, seq__gt=seq), case=case)
        .order_by()
        .values_list("pk")[:1]
    ),
    case=-(10**15) - 1,
    message=-(10**15) - 2,
    kind="one kind",
    seq=-(10**15) - 3,
)


def _is_after_the_end(case: Case, content: Content) -> bool:
    """Whether what an agency did to a filing was done after that was down, and is no late word of what came before. One
    query at most."""
    if case.state not in _DOWN or content.occurred_at is None:
        return False
    ends = [f"{case.kind}.{name}" for name in ("confirm_removal", "note_removal", "expire")]
    ended = LedgerEvent.objects.filter(stream=case.uid, action__in=ends).order_by("-seq").first()
    return ended is not None and content.occurred_at > ended.at


def _well_formed(errors: object) -> list[dict[str, Any]]:
    """Return the errors that are objects; an answer is not lost because its list is odd."""
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def filed(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency filed it: the marker stands under its reference from the day it says.

    Raises DoesNotFit when it filed what we had replaced or taken back, what it had refused, or what it had taken down,
    names another reference
    than before, so that a second marker may stand there which nobody would take down, or gives a day before the fraud
    was even discovered, from which the marker would expire too soon: somebody must put that right.
    """
    casetypes.have_facts(case)
    known = case.fraud_referral.filing_reference
    if known and content.agency_reference not in ("", known):
        raise DoesNotFit("fraud_filed_twice")
    if _is_overtaken(case, content.message):
        raise DoesNotFit("fraud_filed_of_old")
    if _is_after_the_end(case, content):
        raise DoesNotFit("fraud_filed_again")
    if content.message is not None and case.state in _REFUSED:
        raise DoesNotFit("fraud_refused_and_filed")
    discovered = case.fraud_referral.discovered_date
    if content.occurred_at is not None and calendars.london_date(content.occurred_at) < discovered:
        raise DoesNotFit("fraud_filed_too_early")
    transitions.apply(
        case.pk,
        "file",
        actor=actor,
        at=at,
        occurred_at=content.occurred_at,
        inputs={"agency_reference": content.agency_reference},
        cause=content.callback_uid,
        locked=case,
    )


def rejected(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency refuses what it was sent last and names fields.

    Raises AlreadyThere when another has replaced it, and DoesNotFit when it said that it had filed the same, or names
    more of a filing that nobody has corrected yet.
    """
    if content.message is not None and content.message.kind == messages.FPA_REMOVE.code:
        removal_refused(case, content.message, _well_formed(content.data.get("errors")), at=at)
        return
    if content.message is not None and content.message.kind == messages.FPA_AMEND.code:
        amending.take_note_of_errors(case, content.message, _well_formed(content.data.get("errors")), at=at)
        return
    if _is_overtaken(case, content.message):
        raise transitions.AlreadyThere("The answer is to an earlier filing.")
    if case.state in _ON_FILE:
        raise DoesNotFit("fraud_filed_and_refused")
    if case.state == "rejected" and _names_more(case, _well_formed(content.data.get("errors"))):
        raise DoesNotFit("fraud_refused_anew")
    transitions.apply(
        case.pk,
        "reject_by_agency",
        actor=actor,
        at=at,
        occurred_at=content.occurred_at,
        inputs={"errors": _well_formed(content.data.get("errors"))},
        cause=content.callback_uid,
        locked=case,
    )


def _names_more(case: Case, errors: Sequence[Mapping[str, Any]]) -> bool:
    known = [(error["pointer"], error["code"]) for error in case.fraud_referral.field_errors]
    return any((error["pointer"], error["code"]) not in known for error in amending.errors_kept(errors))


def match(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """Another member's case agrees with ours: moves nothing, somebody compares and decides."""
    _only_from(messages.FPA_FILE.recipient_kind, content)
    incoming.receive(case, "match", content, actor=actor, at=at)


def enquiry(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """Another member asks about the filing: moves nothing, somebody answers."""
    _only_from(messages.FPA_FILE.recipient_kind, content)
    incoming.receive(case, "enquiry", content, actor=actor, at=at)


def removal_instruction(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """You instruct us to remove the filing: moves nothing, an approver accepts or contests."""
    _only_from(messages.FPA_FILE.recipient_kind, content)
    incoming.receive(case, "removal_instruction", content, actor=actor, at=at)


def protective_registration(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """Somebody in the case is protected until a day: moves nothing, somebody says whether it is a person of ours."""
    _only_from(messages.FPA_FILE.recipient_kind, content)
    incoming.receive(case, "protective_registration", content, actor=actor, at=at)


def alert_hit(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """Somebody else has told the same address: moves nothing, somebody compares and decides."""
    _only_from(messages.ALERT_UPLOAD.recipient_kind, content)
    incoming.receive(case, "alert_hit", content, actor=actor, at=at)


def _only_from(kind: str, content: Content) -> None:
    if content.agency_kind != kind:
        raise CaseError(f"Only {_TELLERS[kind]} says this of a filing.")


def disputed(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """A person complained to the agency.

    Grounds it does not name are an objection; whom it does not name, or by a number that nobody of the case has or has
    any more, is left to us to find. Another person's dispute is one of its own; raises AlreadyThere where the same
    person has named the same grounds and waits, and DoesNotFit where nobody can tell whether it is the same. Whoever
    complains of a filing that is down is answered all the same.
    """
    grounds, subject = str(content.data.get("grounds")), content.data.get("subject")
    inputs = {
        "grounds": grounds if grounds in dict(codes.GROUNDS) else "objection",
        "subject": str(subject) if isinstance(subject, int) and disputes.is_of(case, str(subject)) else "",
    }
    if disputes.is_open(case, **inputs):
        if subject is not None and not inputs["subject"]:
            raise DoesNotFit("fraud_disputed_by_whom")
        raise transitions.AlreadyThere("The same dispute is open already.")
    if case.state in _DOWN:
        disputes.note_when_down(
            case, received_at=content.occurred_at or at, cause=content.callback_uid, actor=actor, at=at, **inputs
        )
        return
    transitions.apply(
        case.pk,
        "note_dispute" if case.state == "removal_requested" else "dispute",
        actor=actor,
        at=at,
        occurred_at=content.occurred_at,
        inputs=inputs,
        cause=content.callback_uid,
    )


def amended(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency holds the amended filing.

    Raises DoesNotFit when it had refused this very amendment, or amended what was down.
    """
    _only_from(messages.FPA_FILE.recipient_kind, content)
    if content.message is not None and amending.was_refused(case, content.message):
        raise DoesNotFit("fraud_refused_and_amended")
    if _is_after_the_end(case, content):
        raise DoesNotFit("fraud_amended_again")
    with record.act(case, "amendment.filed", actor=actor, at=at, cause=content.callback_uid):
        pass


def suspended(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency has stopped members from using a disputed marker."""
    _only_from(messages.FPA_FILE.recipient_kind, content)
    with record.act(case, "filing.use_suspended", actor=actor, at=at, cause=content.callback_uid):
        pass


def suspension_refused(case: Case, message: OutboxMessage, errors: Sequence[dict[str, Any]], *, at: datetime) -> None:
    """The agency does not suspend use of a disputed marker; that is its right, and on record."""
    codes_given = [str(error.get("code", ""))[:80] for error in errors]
    with record.act(
        case,
        "filing.use_not_suspended",
        actor=system("delivery", source=case.source),
        at=at,
        detail={"message": str(message.public_id), "codes": codes_given},
    ):
        pass


def removed(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency has taken the filing down: as we asked, or because its time was up.

    Raises DoesNotFit when nobody of ours asked: somebody must find out why.
    """
    _only_from(messages.FPA_FILE.recipient_kind, content)
    if case.state in _ON_FILE - {"removal_requested"}:
        raise DoesNotFit("fraud_removed_unasked")
    if case.state in _OVER:
        with record.act(case, "filing.expiry_confirmed", actor=actor, at=at, cause=content.callback_uid):
            pass
        return
    transitions.apply(
        case.pk, "confirm_removal", actor=actor, at=at, occurred_at=content.occurred_at, cause=content.callback_uid
    )


def removal_refused(case: Case, message: OutboxMessage, errors: Sequence[dict[str, Any]], *, at: datetime) -> None:
    """The agency does not take a filing down: somebody speaks with it today."""
    actor = system("delivery", source=case.source)
    given = [str(error.get("code", ""))[:80] for error in errors]
    with record.act(case, "removal.refused", actor=actor, at=at, detail={"message": str(message.public_id)}):
        tasks.raise_task("fraud_removal_refused", case=case, at=at, codes=given)


def delivered(case: Case, message: OutboxMessage, *, at: datetime) -> None:
    """The agency has our filing. Its answer may have come first; then there is nothing left to note."""
    if case.state == "approved" and not _is_overtaken(case, message):
        transitions.apply(case.pk, "submitted", actor=system("delivery", source=case.source), at=at, locked=case)


def refused(case: Case, message: OutboxMessage, errors: Sequence[dict[str, Any]], *, at: datetime) -> None:
    """The agency answered our filing with field errors at once."""
    if case.state in {"approved", "submitted"} and not _is_overtaken(case, message):
        transitions.apply(
            case.pk,
            "reject_by_agency",
            actor=system("delivery", source=case.source),
            at=at,
            inputs={"errors": list(errors)},
            locked=case,
        )


def expired(case: Case, clock: Clock, *, at: datetime) -> None:
    """A marker's time is up: its clock is met, the warning of that person goes with it, and the retail alert and
    whoever was warned of numbers hear of it. The filing expires once no marker of it is left."""
    actor = system("clocks", source=case.source)
    with record.act(case, "clock.met", actor=actor, at=at, detail={"rule": clock.rule}):
        clock.state, clock.ended_at = "met", at
        clock.save(update_fields=["state", "ended_at"])
        flags.fit(case, at=at)
        left = case.clocks.filter(rule__startswith="k24_", state__in=["running", "paused"])
        if left.exists() and clock.rule == "k24_adverse":
            corrections.send(case, "removed", reason="expired", actor=actor, at=at, party=clock.party, to=removal.ALERT)
            corrections.send(case, "amended", reason="expired", actor=actor, at=at, to=removal.PARTNERS)
            clocks.refresh_due(case)
            case.save()
    if case.state in {"filed", "disputed"} and not left.exists():
        transitions.apply(case.pk, "expire", actor=actor, at=at)
