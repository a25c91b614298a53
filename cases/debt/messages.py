"""What recovery agencies are told: files of one row for each account. Contact details and the amount, and no more."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from cases.accounts.models import AccountHolder
from cases.debt import contacts
from cases.debt.models import Placement
from cases.kernel import calendars, outbox, releases, tasks
from cases.kernel.actors import Actor
from cases.kernel.exchange import agreements, files
from cases.kernel.models import Agency, BatchFile, Case, CaseAddress, CaseParty, OutboxMessage, Task
from cases.ledger import sealing

__all__ = ["ALL", "DCA_HOLD", "DCA_PLACE", "DCA_RECALL", "DCA_RELEASE", "DCA_UPDATE", "place", "register", "tell"]

_NAMES = ("title", "forename", "surname")
_CONTACT = ("phone", "email")
_HOME = ("line_1", "line_2", "town", "postcode")
# Since when somebody is known by the number and to live at the address: 5A.3, 5A.9.
_DAYS = {"phone_date": "contact", "address_date": "address"}
DCA_PLACE = releases.MessageKind(
    code="dca_place",
    label="Account handed to a recovery agency",
    recipient_kind="dca",
    purpose="recover_debts",
    necessity="The agency can ask for what is owed only if it knows who owes it, how to reach them and how much.",
    subjects="people",
    categories={
        "reference": "financial",
        "amount_pence": "financial",
        "names": "identity",
        **dict.fromkeys(_CONTACT, "contact"),
        **dict.fromkeys(_HOME, "address"),
        **_DAYS,
    },
    answer_days=1,
    answer_source="Internal target: an agency says within one working day what it accepts",
    put_right_by="family",
)


def _short(code: str, label: str, necessity: str, *fields: str) -> releases.MessageKind:
    """Return a message that speaks of an account the agency has, and names nobody."""
    return releases.MessageKind(
        code=code,
        label=label,
        recipient_kind="dca",
        purpose="correct_recipients",
        necessity=necessity,
        categories=dict.fromkeys(("reference", *fields), "correction"),
        put_right_by="family",
    )


DCA_HOLD = _short("dca_hold", "Stop on an account at a recovery agency", "The agency acts for us and must stop.")
DCA_RELEASE = _short("dca_release", "End of a stop at a recovery agency", "The agency may go on only when it knows.")
DCA_RECALL = _short("dca_recall", "Recall from a recovery agency", "The agency must cease all activity.", "reason")
DCA_UPDATE = replace(
    DCA_PLACE,
    code="dca_update",
    label="Amount or contact details changed at a recovery agency",
    necessity="Nobody is asked for more than they owe, or by way of somebody else.",
    answer_days=0,
    answer_source="",
)
ALL = (DCA_PLACE, DCA_HOLD, DCA_RELEASE, DCA_RECALL, DCA_UPDATE)
releases.declare(*ALL)
# A stop is only ever of an account whose own file has arrived, so it need not wait for what else is on the channel.
_WAITS_FOR_NOTHING = (DCA_HOLD, DCA_RECALL)
# What is no longer so once this is said: it must not come after it.
_TAKES_BACK = {
    DCA_HOLD.code: (DCA_RELEASE,),
    DCA_RELEASE.code: (DCA_HOLD,),
    DCA_RECALL.code: (DCA_RELEASE, DCA_UPDATE),
}


def place(placements: Sequence[Placement], *, actor: Actor, at: datetime) -> list[dict[str, Any]]:
    """Return the row of each placement of a batch, in order; a telephone number that is too old is left out. Opens who
    the people are and where they live: two access rows, five queries."""
    streams = tuple(row.case.uid for row in placements)
    reader = sealing.Reader(actor=actor.label, verb="release", purpose="recover_debts", streams=streams)
    parties = list(CaseParty.objects.filter(case__in=[row.pk for row in placements], is_detached=False).order_by("pk"))
    homes = list(CaseAddress.objects.filter(party__in=parties, kind="current", is_detached=False).order_by("pk"))
    people = sealing.open_rows(parties, (*_NAMES, *_CONTACT), reader=reader, at=at)
    opened = sealing.open_rows(homes, _HOME, reader=reader, at=at) if homes else []
    places = {row.party_id: values for row, values in zip(homes, opened, strict=True)}
    found: dict[int, list[tuple[CaseParty, Mapping[str, str | None]]]] = {}
    for party, values in zip(parties, people, strict=True):
        found.setdefault(party.case_id, []).append((party, values))
    days = _known_since([row.account_id for row in placements])
    today = calendars.london_date(at)
    told = []
    for row in placements:
        who = found.get(row.pk, [])
        held = days.get(row.account_id, [])
        known = held[0] if len(held) == len(who) else {}  # where somebody came or went, it may be another's
        told.append(_row(row, who, places, known, today=today))
    return told


def _known_since(accounts: Sequence[int]) -> dict[int, list[Mapping[str, date | None]]]:
    """Return, by account, since when each holder is known by their number and address, in order. One query."""
    rows = AccountHolder.objects.filter(account__in=accounts, ended_date=None).order_by("account_id", "ordinal")
    found: dict[int, list[Mapping[str, date | None]]] = {}
    for values in rows.values("account_id", *_DAYS):
        found.setdefault(values.pop("account_id"), []).append(values)
    return found


def _row(
    placement: Placement,
    people: Sequence[tuple[CaseParty, Mapping[str, str | None]]],
    places: Mapping[int, Mapping[str, str | None]],
    known: Mapping[str, date | None],
    *,
    today: date,
) -> dict[str, Any]:
    first, values = people[0] if people else (None, {})
    home = places.get(first.pk, {}) if first is not None else {}
    names = "; ".join(" ".join(filter(None, (each[name] for name in _NAMES))) for _, each in people)
    told = {"reference": placement.case.reference, "amount_pence": placement.balance_pence, "names": names}
    reached = {name: values.get(name) or "" for name in _CONTACT}
    if contacts.is_too_old(known.get("phone_date"), today=today):
        reached["phone"] = ""
    lives = {name: home.get(name) or "" for name in _HOME}
    is_told = {"phone_date": bool(reached["phone"]), "address_date": any(lives.values())}
    since = {name: str(known.get(name) or "") if is_told[name] else "" for name in _DAYS}
    return {**told, **reached, **lives, **since}


def written(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return rows as CSV whose first line names the columns."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def register(
    case: Case,
    kind: releases.MessageKind,
    row: Mapping[str, Any],
    *,
    agency: Agency,
    file: BatchFile,
    actor: Actor,
    at: datetime,
) -> None:
    """Enter one row of a promised file in the register of what left, inside the act of its case."""
    people = list(CaseParty.objects.filter(case=case, is_detached=False).order_by("number"))
    releases.record(
        case,
        file.message,
        releases.check(kind, agency, row, at=at),
        channel=file.channel,
        kind=kind,
        recipient=agency,
        actor=actor,
        at=at,
        subject_count=len(people) or 1,
        parties=people if kind in (DCA_PLACE, DCA_UPDATE) else (),
    )


def tell(case: Case, kind: releases.MessageKind, *, actor: Actor, at: datetime, **fields: Any) -> BatchFile:
    """Promise a file of one row about one account to the agency that has it, inside the current ledger action on its
    locked case, and register it. A stop and a recall wait for no other file; what has not left and is no longer so is
    taken back. Raises ReleaseRefused, NoChannel, NoFiles."""
    batch = case.placement.batch
    if batch is None:
        raise outbox.NoChannel("No agency has this account.")
    agency = batch.agency
    if sentence := agreements.too_close(agency, actor, at=at):
        raise releases.ReleaseRefused(sentence)
    row = {"reference": case.reference, **fields}
    releases.check(kind, agency, row, at=at)
    _take_back(case, _TAKES_BACK.get(kind.code, ()), actor=actor, at=at)
    is_ordered = kind not in _WAITS_FOR_NOTHING
    file = files.promise(agency.code, kind.code, written([row]), at=at, case=case, priority=1, is_ordered=is_ordered)
    register(case, kind, row, agency=agency, file=file, actor=actor, at=at)
    return file


def _take_back(case: Case, kinds: Sequence[releases.MessageKind], *, actor: Actor, at: datetime) -> None:
    """Take back files of a case that wait or are stuck, and ask nobody about them any more."""
    for kind in kinds:
        outbox.withdraw(case, kind.code, at=at)
        rows = OutboxMessage.objects.filter(case=case, kind=kind.code, state="withdrawn")
        gone = [str(uid) for uid in rows.values_list("public_id", flat=True)]
        for task in Task.objects.filter(case=case, detail__message__in=gone, closed_at=None):
            tasks.close(task, actor=actor, at=at, outcome="withdrawn")
