"""Erases what agencies left with us once its time is over: fetched files, and callbacks that belong to no case.

What belongs to a case lives and dies with it: a callback that could not be applied yet is sealed anew under its case
before the key of its day is destroyed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.models import F

from cases.agencies import application
from cases.kernel import calendars, locks, retention, tasks
from cases.kernel.actors import system
from cases.kernel.disposal import piles
from cases.kernel.evidence import disposal
from cases.kernel.exchange import agencies
from cases.kernel.models import BatchFile, Callback, Task
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.models import DataKey

__all__ = ["erase_due"]

FILE, INBOX, FETCHED = "message_body", "callback_inbox", "fetched_file"
REASON, ERASED = "retention_over", "erased"
MOST = 500
ACTOR = system("disposal")


def erase_due(*, now: datetime, most: int = MOST) -> int:
    """Erase fetched files that were taken or refused so long ago, and what came into the inbox so long ago and matched
    nothing; at most `most` files in one round. Each file and each callback is a transaction of its own with one event
    on its agency's stream; a fault of one is `disposal.one_by_one`'s. Returns how many. Raises OperationalError while
    the database is away."""
    files = BatchFile.objects.filter(direction="in", state__in=["taken", "refused"], sealed_bytes__isnull=False)
    due = piles.due_of(FILE, files.annotate(over_at=F("ended_at")), now=now)
    found = list(due.order_by("over_at", "pk").values_list("pk", "channel__agency__code")[:most])
    erased = disposal.one_by_one(FETCHED, found, lambda pk, _agency: _erase_file(pk, now), _of_agency, now=now)
    return erased + _empty_days(now=now)


def _of_agency(_pk: int, code: str) -> dict[str, str]:
    desk = agencies.desk_of(agencies.get(code))
    return {code: desk.code if desk else ""}


@transaction.atomic
def _erase_file(file_id: int, now: datetime) -> int:
    """Erase one fetched file; none while a task about it is open, or where it is looked at again. Locks it."""
    rows = BatchFile.objects.select_for_update(of=("self",)).select_related("key", "channel__agency")
    row = rows.filter(pk=file_id, state__in=["taken", "refused"], sealed_bytes__isnull=False).first()
    asked = Task.objects.filter(kind="file_refused", closed_at=None, detail__file=str(row.uid) if row else "")
    if row is None or row.ended_at is None or asked.exists():
        return 0
    detail = {
        "class": FILE,
        "versions": [_version(FILE, calendars.london_date(row.ended_at))],
        "file": str(row.uid),
        "carried_sha256": row.carried_sha256,
    }
    with ledger.action(row.channel.agency.uid, "file.erased", actor=ACTOR.label, at=now, detail=detail):
        sealing.destroy(row.key, actor=ACTOR.label, reason=REASON, at=now)
        BatchFile.objects.filter(pk=row.pk).update(sealed_bytes=None)
    return 1


def _version(code: str, day: date) -> int:
    return retention.in_force(code, on=day).version


def _day_of(key: DataKey) -> date:
    """Return the last London day on which something may have come under the key of a day, which is one of UTC."""
    return calendars.london_date(
        datetime.fromisoformat(key.label).replace(tzinfo=UTC) + timedelta(hours=23, minutes=59)
    )


def _keys_over(now: datetime) -> list[DataKey]:
    """Return the living keys of days whose callbacks are kept no more where they belong to no case. One query, and one
    for each living key."""
    today = calendars.london_date(now)
    living = DataKey.objects.filter(scope="inbox", destroyed_at=None).order_by("label")
    return [key for key in living if retention.dispose_after(INBOX, trigger_date=_day_of(key)) < today]


def _empty_days(*, now: datetime) -> int:
    """Erase what came on days that are over and belongs to no case, seal anew what does, and destroy the key of a day
    once nothing is left under it. What is still to be applied keeps it, as long as it is."""
    keys = _keys_over(now)
    left = Callback.objects.filter(key__in=keys).exclude(state="received", case=None).exclude(sealed_body=None)
    rows = list(left.order_by("key", "pk").values_list("pk", "agency__code"))
    erased = disposal.one_by_one(INBOX, rows, lambda pk, _agency: _erase_or_keep(pk, now), _of_agency, now=now)
    for key in keys:
        _destroy(key, now=now)
    return erased


@transaction.atomic
def _destroy(key: DataKey, *, now: datetime) -> None:
    if not Callback.objects.filter(key=key).exclude(sealed_body=None).exists():
        sealing.destroy(key, actor=ACTOR.label, reason=REASON, at=now)


def _erase_or_keep(callback_id: int, now: datetime) -> int:
    """Seal a callback anew under its case, or erase one of no case, or of a case that is erased. Returns how many were
    erased."""
    case_id = Callback.objects.values_list("case_id", flat=True).get(pk=callback_id)
    if case_id is None:
        return _erase(callback_id, now=now)
    try:
        return _keep(callback_id, case_id, now=now)
    except locks.CaseErased:
        return _erase(callback_id, now=now)


@transaction.atomic
def _keep(callback_id: int, case_id: int, *, now: datetime) -> int:
    case = locks.case_for_update(case_id)
    row = _locked(callback_id)
    if row.key.scope != "inbox" or row.sealed_body is None or row.case_id != case_id:  # somebody was first
        return 0
    reader = sealing.Reader(actor=ACTOR.label, verb="keep", purpose="callback", streams=(case.uid,))
    raw = sealing.open_bytes(
        bytes(row.sealed_body),
        key_id=row.key_id,
        label=application.LABEL,
        uid=row.uid,
        field="body",
        reader=reader,
        at=now,
    )
    row.key = sealing.new_key("callback", at=now, parent=case.key, retention_class="callback_body")
    row.sealed_body = sealing.seal_bytes(raw or b"", key=row.key, label=application.LABEL, uid=row.uid, field="body")
    row.save(update_fields=["key", "sealed_body"])
    return 0


def _locked(callback_id: int) -> Callback:
    return Callback.objects.select_for_update(of=("self",)).select_related("key", "agency").get(pk=callback_id)


@transaction.atomic
def _erase(callback_id: int, *, now: datetime) -> int:
    """Erase one callback and end what people were asked about it: nobody can say any more what it said."""
    row = _locked(callback_id)
    if row.sealed_body is None or row.state == "received":
        return 0
    detail = {
        "class": INBOX,
        "versions": [_version(INBOX, _day_of(row.key))] if row.key.scope == "inbox" else [],
        "callback": str(row.uid),
        "type": row.type,
        "sha256": row.body_sha256,
    }
    with ledger.action(row.agency.uid, "callback.erased", actor=ACTOR.label, at=now, detail=detail):
        for task in Task.objects.filter(detail__callback=str(row.uid), closed_at=None):
            tasks.close(task, actor=ACTOR, at=now, outcome=ERASED)
    row.state, row.reason, row.sealed_body = "ignored", ERASED, None
    row.save(update_fields=["state", "reason", "sealed_body"])
    return 1
