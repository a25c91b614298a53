"""Changes of SIMs, as the network tells them: kept once, found by a keyed hash of the number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from cases.disclosure.codes import TO_KEEP
from cases.disclosure.models import DisclosureRequest
from cases.disclosure.partners.models import SimEvent, SimFeed
from cases.kernel import calendars, formats, policy, retention, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError
from cases.kernel.models import Agency, Team
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.models import DataKey

__all__ = [
    "ACT",
    "BadEvent",
    "Swap",
    "erase_due",
    "hear",
    "is_heard",
    "keep",
    "latest",
    "moment",
    "read",
    "tell_silence",
    "tokens_of",
]

ACT = "bring_sim_events"
KEPT = "sim_event"
NETWORK = "own-network"
ACTOR = system("disposal")
FEED = system("partner_answers")
_PURPOSE = "sim_number"
_LABEL = "cases.simevent"
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# After so long without a word of the network nobody says that a SIM was not changed: SIMs are changed every hour of the
# day, so its silence is a fault. Internal rule.
LONGEST_SILENCE = timedelta(hours=24)
SILENT = "partner_network_silent"
tasks.declare(
    {SILENT: "The network tells no changes of SIMs any more: partners hear that nothing is known. Have it looked into"},
    ended_by={SILENT: "This ends when the network tells of changes again, or that there were none."},
)
SWAP, LEFT = "swap", "left"
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


def moment(text: str) -> datetime | None:
    """Return a time of ISO 8601 with its zone, in UTC; None for what is none."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def tokens_of(number: str) -> list[str]:
    """Return the hashes of a number in hexadecimal, one for each index key, the newest first."""
    return [token.hex() for token in sealing.kept_hashes(_PURPOSE, number)]


def latest(tokens: Iterable[str], *, at: datetime) -> tuple[datetime | None, bool]:
    """Return when the SIM of a number was last changed before `at`, in UTC, or None where none is known; and whether
    the number has left for another network since, so that nobody here knows of its SIM any more. One query."""
    rows = SimEvent.objects.filter(token__in=[bytes.fromhex(each) for each in tokens], swapped_at__lte=at)
    found = list(rows.order_by("-swapped_at", "kind").values_list("kind", "swapped_at"))
    changed_at = next((moment for kind, moment in found if kind == SWAP), None)
    return changed_at, bool(found) and found[0][0] == LEFT


def keep(
    swaps: Sequence[Swap],
    *,
    stream: UUID,
    actor: Actor,
    at: datetime,
    left: Sequence[Swap] = (),
    complete_until: datetime | None = None,
    request: ledger.RequestInfo | None = None,
) -> int:
    """Keep the changes that are not known yet and return how many; one ledger event on `stream` says so.

    `left` are numbers that went to another network. Raises NotAllowed. The same change told again changes nothing, and
    writes no event when there is nothing else. That the network spoke is kept as `hear` says.
    """
    policy.require(actor, ACT, kind="partner_query")
    told = [(number, when, SWAP) for number, when in swaps] + [(number, when, LEFT) for number, when in left]
    hashes = {number: sealing.kept_hashes(_PURPOSE, number) for number in {number for number, _, _ in told}}
    hear(stream=stream, at=at, complete_until=complete_until)
    every = [token for tokens in hashes.values() for token in tokens]
    with transaction.atomic():
        known = {
            (bytes(token), when, kind)
            for token, when, kind in SimEvent.objects.filter(token__in=every).values_list("token", "swapped_at", "kind")
        }
        new = {
            (hashes[number][0], when, kind): number
            for number, when, kind in told
            if not any((token, when, kind) in known for token in hashes[number])
        }
        if not new:
            return 0
        key = _key_of_month(at)
        rows = []
        for (token, when, kind), number in new.items():
            row = SimEvent(token=token, kind=kind, swapped_at=when, received_at=at, key=key)
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


@transaction.atomic
def hear(*, stream: UUID, at: datetime, complete_until: datetime | None = None) -> None:
    """Keep until when the network has told every change: until it says, else until it spoke. It never goes back. Where
    people were asked to look why it was silent, that ends, with one event on `stream`."""
    told_until = min(complete_until or at, at)
    network = Agency.objects.select_for_update(no_key=True).get(code=NETWORK)
    known, is_new = SimFeed.objects.get_or_create(agency=network, defaults={"told_until": told_until})
    if not is_new and known.told_until < told_until:
        known.told_until = told_until
        known.save(update_fields=["told_until"])
    if is_heard(at=at) and tasks.is_open(SILENT):
        with ledger.action(stream, "sim_events.told_again", actor=FEED.label, at=at):
            tasks.close_office(SILENT, actor=FEED, at=at)


def is_heard(*, at: datetime) -> bool:
    """Say whether the network told of every change until a moment ago, so that of a number without one it can be said
    that its SIM was not changed. One query; two where it never spoke since there is such a word."""
    told_until = SimFeed.objects.filter(agency__code=NETWORK).values_list("told_until", flat=True).first()
    if told_until is None:
        told_until = SimEvent.objects.order_by("-received_at").values_list("received_at", flat=True).first()
    return told_until is not None and told_until >= at - LONGEST_SILENCE


@transaction.atomic
def tell_silence(*, team_id: int, at: datetime) -> None:
    """Raise a task of the unit that the network is silent, unless one is open. Locks the network, where there is one;
    writes one event in its stream."""
    network = Agency.objects.select_for_update(no_key=True).filter(code=NETWORK).first()
    if network is None or tasks.is_open(SILENT):
        return
    with ledger.action(network.uid, "sim_events.silent", actor=FEED.label, at=at):
        tasks.raise_once(SILENT, at=at, about={"agency": NETWORK}, team=Team.objects.get(pk=team_id))


def erase_due(now: datetime) -> int:
    """Erase the changes whose time is over, each by the London day on which it came, and the key of a month of which
    nothing is left; one event on the network's stream says how many. What an open request of an authority is about
    stays. Returns how many."""
    today = calendars.london_date(now)
    oldest = SimEvent.objects.order_by("received_at").values_list("received_at", flat=True).first()
    last = retention.last_over(KEPT, first=calendars.london_date(oldest), today=today) if oldest else None
    if last is None:
        return 0
    with transaction.atomic():
        rows = SimEvent.objects.filter(received_at__lt=calendars.end_of_day(last) + timedelta(seconds=1))
        asked_about = _asked_about()
        if asked_about is None:
            return 0
        rows = rows.exclude(token__in=asked_about)
        if not rows.exists():
            return 0
        keys = set(rows.values_list("key_id", flat=True))
        network = Agency.objects.get(code=NETWORK)
        with ledger.action(network.uid, "sim_events.erased", actor=ACTOR.label, at=now) as action:
            erased, _ = rows.delete()
            action.detail["changes"] = erased
            for key in _emptied(keys, now):
                sealing.destroy(key, actor=ACTOR.label, reason="retention_over", at=now)
    return erased


def _asked_about() -> list[bytes] | None:
    """Return the hashes of the numbers that open requests of authorities are about; None where one asks to keep what is
    held of somebody of whom it names no number (K08), or cannot be compared yet. One query."""
    open_ones = DisclosureRequest.objects.filter(case__is_closed=False).values_list(
        "request_type", "case__request_entry__numbers", "case__request_entry__all_numbers"
    )
    found: set[str] = set()
    for kind, numbers, all_numbers in open_ones:
        if numbers is None or (kind in TO_KEEP and not all_numbers):
            return None
        found |= set(numbers)
    return [bytes.fromhex(token) for token in sorted(found)]


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
