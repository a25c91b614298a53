"""The retail alert: where goods went that fraud ordered. An address and a code, never where an innocent person lives.

Told when the filing stands, if its people said so beforehand. It hears of a removal, an expiry and an amendment as
whoever was told does: see kernel.corrections. What a hold on reporting keeps from it is told when that has ended.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from django.db.models import Max

from cases.fraud import expiry, messages
from cases.fraud.models import DerivedFlag
from cases.kernel import clocks, holdkinds, holds, outbox, releases, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.clocks import ClockRule
from cases.kernel.models import Agency, Case, CaseAddress, CaseParty, OutboxMessage, Task
from cases.kernel.office import datasources
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = ["CLOCKS", "HELD", "TASK", "take_back", "tell", "tell_anew", "tell_held", "tell_undisputed"]

KINDS = ("delivery", "used_by_fraudster")
FIELDS = ("line_1", "postcode")
NUMBER = re.compile(r"\d+[a-z]?\b")  # of a house or flat
TASK, HELD, IS_HELD = "fraud_alert_not_told", "fraud_alert_held", "a_hold_stops_it"
_NOT_THERE = ("pending", "dead", "withdrawn", "superseded", "skipped", "refused")
CLOCKS = (
    ClockRule(
        code=HELD,
        label="A hold is over: the retail alert is told",
        length=1,
        unit="minutes",
        source="Internal rule: what a machine can do waits for nobody",
        effective_from=date(2026, 1, 1),
        is_work=False,
    ),
)


def tell(context: Any) -> None:
    """Tell the alert of the addresses that the fraud used, where the approved facts name a code for it.

    What cannot be told becomes a task, as what a hold stops does: a filing is not lost for it.
    """
    case = context.case
    if not case.fraud_referral.alert_code:
        return
    if holds.blocks(case, holdkinds.REPORT, at=context.at):
        _wait(case, at=context.at)
    elif cause := _why_not_told(case, at=context.at):
        tasks.raise_task(TASK, case=case, at=context.at, cause=cause)


def _why_not_told(case: Case, *, at: datetime) -> str:
    """Tell the alert, or return by a code why it could not be told."""
    agency = _agency()
    if agency is None:
        return "nobody_to_tell"
    try:
        told = _send(case, agency, actor=system("alerts", source=case.source), at=at)
    except (releases.ReleaseRefused, outbox.NoChannel) as refusal:
        return type(refusal).__name__
    return "" if told else "no_address_to_tell"


def _wait(case: Case, *, at: datetime) -> None:
    """Have somebody know that a hold keeps it from the alert, and ask again when the last of them ends by itself."""
    tasks.raise_task(TASK, case=case, at=at, cause=IS_HELD)
    _ask_again(case, at=at)


def _ask_again(case: Case, *, at: datetime) -> None:
    held = holds.active(case, at=at).filter(blocks__contains=[holdkinds.REPORT])
    clocks.end(case, HELD, at=at, state="cancelled")
    last = None if held.filter(ends_at=None).exists() else held.aggregate(last=Max("ends_at"))["last"]
    if last is not None:
        clocks.start(case, HELD, started_at=last)


def tell_held(case: Case, *, actor: Actor, at: datetime) -> None:
    """Tell what a hold kept from the alert, once none does and while the filing stands undisputed, inside the current
    ledger action on a locked case. What cannot be told stays with the person who was asked."""
    waiting = Task.objects.filter(case=case, kind=TASK, closed_at=None, detail__cause=IS_HELD)
    if not waiting.exists():
        return
    if holds.blocks(case, holdkinds.REPORT, at=at):
        _ask_again(case, at=at)
    elif case.state == "filed" and not _why_not_told(case, at=at):
        tasks.close_about(case, TASK, actor=actor, at=at, cause=IS_HELD)


def tell_undisputed(context: Any) -> None:
    """The filing stands again: what a hold kept from the alert, and a dispute after it, is told."""
    tell_held(context.case, actor=context.actor, at=context.at)


def take_back(case: Case, *, at: datetime) -> None:
    """A hold begins that stops reporting: what the alert was to be told and has nothing of yet waits too, inside the
    current ledger action on a locked case. What puts right what it has is not stopped."""
    uploads = OutboxMessage.objects.filter(case=case, kind=messages.ALERT_UPLOAD.code)
    if uploads.exclude(state__in=_NOT_THERE).exists():
        return
    if outbox.withdraw(case, messages.ALERT_UPLOAD.code, at=at, states=("pending", "dead")):
        for flag in DerivedFlag.objects.filter(case=case, kind="alert", purged_at=None):
            flag.purged_at = at
            flag.save(update_fields=["purged_at"])
        _wait(case, at=at)


def tell_anew(case: Case, *, agency: Agency, actor: Actor, at: datetime) -> OutboxMessage | None:
    """Say to the alert what is now to be said, inside the current ledger action; None where nothing is."""
    return _send(case, agency, actor=actor, at=at) if case.fraud_referral.alert_code else None


def _agency() -> Agency | None:
    kind = messages.ALERT_UPLOAD.recipient_kind
    return Agency.objects.select_related("terms").filter(kind=kind, is_active=True).order_by("pk").first()


def _send(case: Case, agency: Agency, *, actor: Actor, at: datetime) -> OutboxMessage | None:
    told = _addresses(case, actor=actor, at=at)
    if not told:
        return None
    facts = case.fraud_referral
    people = list({party.pk: party for party, _ in told}.values())
    message = releases.send(
        case,
        messages.ALERT_UPLOAD,
        agency=agency,
        body={
            "code": facts.alert_code,
            "date": facts.discovered_date.isoformat(),
            "entries": [dict(zip(FIELDS, place, strict=True)) for place in sorted({place for _, place in told})],
        },
        actor=actor,
        at=at,
        subject_count=len(people),
        parties=people,
    )
    flagged = set(
        DerivedFlag.objects.filter(case=case, kind="alert", purged_at=None).values_list("party_id", flat=True)
    )
    ledger.bulk_create(
        DerivedFlag,
        [
            DerivedFlag(
                case=case,
                party=party,
                kind="alert",
                code=facts.alert_code,
                agency=agency,
                message_id=message.public_id,
                raised_at=at,
            )
            for party in people
            if party.pk not in flagged
        ],
    )
    return message


def _addresses(case: Case, *, actor: Actor, at: datetime) -> list[tuple[CaseParty, tuple[str, str]]]:
    """Return whom and which address to tell: where fraud had goods sent, unless an innocent person has it too, or an
    agency told us of it."""
    rows = list(
        CaseAddress.objects.filter(party__case=case, party__is_detached=False, is_detached=False)
        .select_related("party")
        .order_by("pk")
    )
    if not rows:
        return []
    reader = sealing.Reader(actor=actor.label, verb="release", purpose="tell_retail_alert", streams=(case.uid,))
    values = sealing.open_rows(rows, FIELDS, reader=reader, at=at)
    places = [
        (row, (str(place["line_1"] or ""), str(place["postcode"] or "")))
        for row, place in zip(rows, values, strict=True)
    ]
    innocent = [place for row, place in places if row.party.is_innocent]
    marked = set(expiry.of_the_filing(case, at=at).values_list("pk", flat=True))
    return [
        (row.party, place)
        for row, place in places
        if row.party_id in marked
        and not row.party.is_innocent
        and row.kind in KINDS
        and row.source not in datasources.GOES_NO_FURTHER
        and all(place)
        and not any(_may_be_one(place, home) for home in innocent)
    ]


def _may_be_one(place: tuple[str, str], home: tuple[str, str]) -> bool:
    """Say whether two addresses may be one home, however they are written: one postcode, and no house or flat number of
    the one that speaks against the other. In doubt they are one: an address branded in error is somebody's home."""
    if "".join(place[1].split()).casefold() != "".join(home[1].split()).casefold():
        return False
    here, there = set(NUMBER.findall(place[0].casefold())), set(NUMBER.findall(home[0].casefold()))
    return here <= there or there <= here
