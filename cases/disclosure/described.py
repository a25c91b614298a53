"""What exactly is asked for: which item, about which address, for which time. Plain functions.

Times are aware UTC; whoever writes one says its offset, since an hour's mistake names the wrong person.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cases.disclosure.dataitems import ITEMS
from cases.kernel import formats
from cases.kernel.formats import BadFormat

__all__ = ["Asked", "Holder", "Part", "address", "asked_for", "divide", "moment", "period_fault"]

_MINUTE = timedelta(minutes=1)
_ADDRESS_WITH_PORT = re.compile(r"(\S+)\s+port\s+(\d{1,5})", re.IGNORECASE)
_MAC = re.compile(r"(?:[0-9A-F]{2}[:-]){5}[0-9A-F]{2}")
_IMEI = re.compile(r"0[1-9][0-9]{13}")  # of many an early handset; no telephone number here has so many digits
HIGHEST_PORT = 65535
LONGEST_LINE = 80
# Nobody means a moment before or after; far from the edge of what a date can say, so that sums of it never fail.
YEARS = range(1900, 2101)
OTHER_YEAR = f"Write a year from {YEARS[0]} to {YEARS[-1]}."


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One thing that is asked for. Entity data is asked for as it is, without a period. The last minute counts whole:
    23:59 ends the day."""

    item: str
    address: str
    begins_at: datetime | None = None
    ends_at: datetime | None = None

    def covers(self, at: datetime) -> bool:
        if self.begins_at is None or self.ends_at is None:
            return True
        return self.begins_at <= at < self.ends_at.replace(second=0, microsecond=0) + _MINUTE


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who held an address from when, until when; no end means still."""

    subject: str
    begins_at: datetime
    ends_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Part:
    """The part of a period in which one subject held the address; nobody, where it was given to none."""

    subject: str
    begins_at: datetime
    ends_at: datetime


def moment(text: str) -> datetime:
    """Return a moment as aware UTC. Raises BadFormat without an offset: the hour would be a guess; and for a year in
    which nobody was a customer."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadFormat("Write the time with its offset from UTC, such as 2026-11-01T00:00Z or 2026-06-01T00:00+01:00.")
    if found.year not in YEARS:
        raise BadFormat(OTHER_YEAR)
    return found.astimezone(UTC)


def address(text: str) -> str:
    """Return a communications address in its kept form: a telephone number, an IP address with its port, an e-mail
    address, or a number of a handset, SIM or network card. Raises BadFormat; many share an IPv4 address without a
    port."""
    line = text.strip()
    if not line or len(line) > LONGEST_LINE:
        raise BadFormat("Write one number, IP address, e-mail address or handset a line.")
    found = _ADDRESS_WITH_PORT.fullmatch(line)
    bare, port = (found[1], int(found[2])) if found else (line, None)
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return _other_address(line)
    if port is None and parsed.version == 4:
        raise BadFormat(f"Write the port too, such as {parsed.compressed} port 41000: many people share one address.")
    if port is not None and not 0 < port <= HIGHEST_PORT:
        raise BadFormat("A port is a number from 1 to 65535.")
    return parsed.compressed if port is None else f"{parsed.compressed} port {port}"


def _other_address(line: str) -> str:
    plain = re.sub(r"[\s\-]", "", line)
    if "@" in line:
        return line.casefold()
    if _MAC.fullmatch(line.upper()) or (plain.isdecimal() and (plain[0] != "0" or _IMEI.fullmatch(plain))):
        return formats.device(plain if plain.isdecimal() else line)
    return formats.phone(line)


def _timed(items: Iterable[str]) -> set[str]:
    return {item for item in items if ITEMS[item].item_class in {"event", "content"}}


ENDS_FIRST = "The period ends before it begins."


def period_fault(items: Iterable[str], begins_at: datetime | None, ends_at: datetime | None) -> str | None:
    """Return why these items cannot be asked for in this period, or nothing."""
    if begins_at is not None and ends_at is not None and ends_at < begins_at:
        return ENDS_FIRST
    if _timed(items) and (begins_at is None or ends_at is None):
        return "Say from when to when: event data is asked for a period."
    return None


def asked_for(
    items: Iterable[str], addresses: Iterable[str], begins_at: datetime | None, ends_at: datetime | None
) -> list[Asked]:
    """Return every thing that a request describes: each item of each address, with the period where its class has one.

    Raises BadFormat where event data is asked for without a period, or the period ends before it begins.
    """
    items = list(items)
    if fault := period_fault(items, begins_at, ends_at):
        raise BadFormat(fault)
    wanted = [(item, each) for item in items for each in addresses]
    timed = _timed(items)
    return [
        Asked(item=item, address=each, begins_at=begins_at, ends_at=ends_at)
        if item in timed
        else Asked(item=item, address=each)
        for item, each in wanted
    ]


def divide(begins_at: datetime, ends_at: datetime, holders: Sequence[Holder]) -> list[Part]:
    """Cut a period where the address changed hands, so that each subject answers only for the time it was theirs.

    A time in which nobody held it belongs to nobody, named "".
    """
    edges = {begins_at, ends_at}
    for holder in holders:
        edges |= {at for at in (holder.begins_at, holder.ends_at) if at is not None and begins_at < at < ends_at}
    cuts = sorted(edges)
    parts: list[Part] = []
    for since, until in zip(cuts, cuts[1:], strict=False):
        subject = next((each.subject for each in holders if _holds(each, since)), "")
        if parts and parts[-1].subject == subject:
            parts[-1] = Part(subject=subject, begins_at=parts[-1].begins_at, ends_at=until)
        else:
            parts.append(Part(subject=subject, begins_at=since, ends_at=until))
    return parts


def _holds(holder: Holder, at: datetime) -> bool:
    return holder.begins_at <= at and (holder.ends_at is None or at < holder.ends_at)
