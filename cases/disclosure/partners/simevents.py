"""Changes of SIMs, as the network tells them: kept once, found by a keyed hash of the number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from cases.disclosure.partners.models import SimEvent
from cases.kernel import calendars, formats, policy, retention
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError
from cases.kernel.models import Agency
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.models import DataKey

__all__ = ["ACT", "BadEvent", "Swap", "erase_due", "keep", "latest", "read", "tokens_of"]

ACT = "bring_sim_events"
KEPT = "sim_event"
NETWORK = "own-network"
ACTOR = system("disposal")
_PURPOSE = "sim_number"
_LABEL = "cases.simevent"
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# A number as it is kept (E.164) and when its SIM was changed, in UTC.
Swap = tuple[str, datetime]


class BadEvent(CaseError):
    """A number or a time that cannot be; `field` says which."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def read(number: str, moment: str, *, now: datetime) -> Swap:
    """Return one change from its texts. Raises BadEvent, also for a time that is still to come."""
    try:
        kept = formats.phone(number)
    except formats.BadFormat as fault:
        raise BadEvent("phone_number", str(fault)) from fault
    try:
        when = datetime.fromisoformat(moment.strip())
    except ValueError as fault:
        raise BadEvent("swapped_at", "Write the time as 2026-11-13T10:00:00Z.") from fault
    if when.tzinfo is None:
        raise BadEvent("swapped_at", "Say in which zone the time is: 2026-11-13T10:00:00Z.")
    if not EARLIEST <= when <= now:
        raise BadEvent("swapped_at", "The time is still to come, or too long ago.")
    return kept, when.astimezone(UTC)


def tokens_of(number: str) -> list[str]:
    """Return the hashes of a number in hexadecimal, one for each index key, the newest first."""
    return [token.hex() for token in sealing.kept_hashes(_PURPOSE, number)]


def latest(tokens: Iterable[str], *, at: datetime) -> datetime | None:
    """Return when the SIM of a number was last changed before `at`, in UTC, or None where none is known. One query."""
    rows = SimEvent.objects.filter(token__in=[bytes.fromhex(each) for each in tokens], swapped_at__lte=at)
    found: datetime | None = rows.order_by("-swapped_at").values_list("swapped_at", flat=True).first()
    return found


def keep(
    swaps: Sequence[Swap],
    *,
    stream: UUID,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> int:
    """Keep the changes that are not known yet and return how many; one ledger event on `stream` says so.

    Raises NotAllowed. The same change told again changes nothing, and writes no event when there is nothing else.
    """
    policy.require(actor, ACT, kind="partner_query")
    hashes = {number: sealing.kept_hashes(_PURPOSE, number) for number in {number for number, _ in swaps}}
    every = [token for tokens in hashes.values() for token in tokens]
    with transaction.atomic():
        known = {
            (bytes(token), when)
            for token, when in SimEvent.objects.filter(token__in=every).values_list("token", "swapped_at")
        }
        new = {
            (hashes[number][0], when): number
            for number, when in swaps
            if not any((token, when) in known for token in hashes[number])
        }
        if not new:
            return 0
        key = _key_of_month(at)
        rows = []
        for (token, when), number in new.items():
            row = SimEvent(token=token, swapped_at=when, received_at=at, key=key)
            row.sealed_number = sealing.seal_bytes(
                number.encode(), key=key, label=_LABEL, uid=row.uid, field="sealed_number"
            )
            rows.append(row)
        detail = {"changes": len(rows)}
        with ledger.action(
            stream, "sim_events.kept", actor=actor.label, at=at, detail=detail, request=request, source=actor.source
        ):
            SimEvent.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def erase_due(now: datetime) -> int:
    """Erase the changes whose time is over, each by the London day on which it came, and the key of a month of which
    nothing is left; one event on the network's stream says how many. Returns how many."""
    today = calendars.london_date(now)
    oldest = SimEvent.objects.order_by("received_at").values_list("received_at", flat=True).first()
    last = retention.last_over(KEPT, first=calendars.london_date(oldest), today=today) if oldest else None
    if last is None:
        return 0
    with transaction.atomic():
        rows = SimEvent.objects.filter(received_at__lt=calendars.end_of_day(last) + timedelta(seconds=1))
        keys = set(rows.values_list("key_id", flat=True))
        network = Agency.objects.get(code=NETWORK)
        with ledger.action(network.uid, "sim_events.erased", actor=ACTOR.label, at=now) as action:
            erased, _ = rows.delete()
            action.detail["changes"] = erased
            for key in _emptied(keys, now):
                sealing.destroy(key, actor=ACTOR.label, reason="retention_over", at=now)
    return erased


def _emptied(keys: set[int], now: datetime) -> list[DataKey]:
    """Return the keys of earlier months under which nothing is left."""
    month = now.astimezone(UTC).strftime("%Y-%m")
    rows = DataKey.objects.filter(pk__in=keys, destroyed_at=None, label__lt=month)
    return list(rows.exclude(pk__in=SimEvent.objects.filter(key__in=keys).values("key")))


def _key_of_month(at: datetime) -> DataKey:
    """Return the key of the month, which dies with what came in it."""
    label = at.astimezone(UTC).strftime("%Y-%m")
    found = DataKey.objects.filter(scope=KEPT, label=label).select_related("parent").order_by("pk").first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return sealing.new_key(KEPT, at=at, label=label, retention_class=KEPT)
    except IntegrityError:
        return DataKey.objects.get(scope=KEPT, label=label)
