"""Looks at a whole package before a second person does: reasons, files, rows, whose they are.

What was asked is opened for it, and so is every file that a machine can read; both are on record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cases.disclosure import codes, excess, guards, package
from cases.disclosure.dataitems import ITEMS, label
from cases.disclosure.described import Asked, Holder, Part, address, asked_for, divide, moment
from cases.disclosure.excess import Row
from cases.disclosure.models import DisclosureRequest, ItemGround, PackagePart
from cases.kernel.actors import Actor
from cases.kernel.formats import BadFormat
from cases.kernel.models import Case, CaseParty
from cases.ledger import sealing

__all__ = ["addresses", "asked", "described", "fault", "holders"]

_FIELDS = ("phone", "email", "device", "ip_address")
_MOMENT = timedelta(seconds=1)


def _reader(case: Case, actor: Actor, field: str) -> sealing.Reader:
    return sealing.Reader(
        actor=actor.label, verb="release", purpose="answer_authority", streams=(case.uid,), fields=(field,)
    )


def described(case: Case, *, reader: sealing.Reader, at: datetime) -> dict[str, list[datetime]]:
    """Return every address that a request is about, in its kept form, with the moments at which it was seen where the
    request says them, as of an IP address that many have in turn. Opens them, with one access row."""
    rows = CaseParty.objects.filter(case=case, is_detached=False).order_by("number")
    found: dict[str, list[datetime]] = {}
    for values in sealing.open_rows(rows, _FIELDS, reader=reader, at=at):
        lines = [line for name in _FIELDS for line in (values[name] or "").splitlines()]
        for line in filter(str.strip, lines):
            text, _, seen_at = line.partition(" at ")
            found.setdefault(_kept(text), []).extend(_moments(seen_at))
    return found


def addresses(case: Case, *, reader: sealing.Reader, at: datetime) -> list[str]:
    """Return every address that a request is about, in its kept form. Opens them, with one access row."""
    return list(described(case, reader=reader, at=at))


def _moments(text: str) -> list[datetime]:
    try:
        return [moment(text)] if text else []
    except BadFormat:
        return []


def _kept(line: str) -> str:
    try:
        return address(line)
    except BadFormat:
        return line.strip()


def holders(case: Case, *, reader: sealing.Reader, at: datetime) -> dict[str, list[Holder]]:
    """Return who held each address, as the unit looked it up; "" is nobody. Opens them, with one access row."""
    rows = list(case.address_holders.filter(is_removed=False).order_by("begins_at", "number"))
    found: dict[str, list[Holder]] = {}
    for row, values in zip(rows, sealing.open_rows(rows, ("address",), reader=reader, at=at), strict=True):
        subject = "" if row.subject == codes.NOBODY else row.subject
        holder = Holder(subject=subject, begins_at=row.begins_at, ends_at=row.ends_at)
        found.setdefault(values["address"] or "", []).append(holder)
    return found


def asked(facts: DisclosureRequest, known: Sequence[str]) -> list[Asked]:
    """Return each thing that a request describes and that was not refused."""
    items = [item for item in guards.open_items(facts) if ITEMS[item].opened_by in codes.ADDRESSED]
    return asked_for(items, known, facts.begins_at, facts.ends_at)


def fault(case: Case, *, actor: Actor, at: datetime) -> str | None:
    """Return why a package cannot be sent to be checked, in one sentence fit for staff, or nothing."""
    facts = case.disclosure_request
    parts = package.parts_of(case)
    if missing := _missing(case, facts, parts) or _column_too_many(facts, parts) or _no_exhibit(case, facts, parts):
        return missing
    reader = _reader(case, actor, "package")
    seen = described(case, reader=reader, at=at)
    known = list(seen)
    wanted = asked(facts, known)
    held = holders(case, reader=reader, at=at) if wanted else {}
    if wanted and set(known) - held.keys():
        return "Say of every address who held it, and from when; or that it was nobody's."
    if any(_overlap(rows) for rows in held.values()):
        return "Two subscribers are entered as holding one address at one time: say until when the first one did."
    if held.keys() - set(known):
        return "Somebody is entered as holding an address that nobody asked about."
    shares = {
        item: {of: _shares(item, case, mine, seen.get(of, ())) for of, mine in held.items()}
        for item in {each.item for each in wanted}
    }
    for part in parts:
        if ITEMS[part.item].opened_by not in codes.ADDRESSED:
            continue
        theirs = shares.get(part.item, {})
        if wrong := _of_somebody_else(part, held, theirs) or _wrong(part, wanted, theirs, reader, at):
            return wrong
    return next(filter(None, (_left_out(item, parts, theirs) for item, theirs in sorted(shares.items()))), None)


def _left_out(item: str, parts: Sequence[PackagePart], shares: dict[str, list[Part]]) -> str | None:
    """Where an address changed hands in the time that was asked for, each who held it has a file of what is given:
    without one the authority would believe that there was nothing of them."""
    there = {part.subject for part in parts if part.item == item}
    turns = [{share.subject for share in theirs} - {""} for theirs in shares.values()]
    held = set().union(*(subjects for subjects in turns if len(subjects) > 1))
    if not there or not (missing := sorted(held - there)):
        return None
    return (
        f"{label(item)}: there is no file of subscriber {missing[0]}, who held the address in the time that was asked "
        "for. Put one in; a table without rows says that nothing is held of them."
    )


def _overlap(rows: Sequence[Holder]) -> bool:
    """Say whether one moment of an address is entered for two subscribers: a row of one could pass as the other's."""
    return any(
        one.subject != other.subject and (one.ends_at is None or other.begins_at < one.ends_at)
        for place, one in enumerate(rows)
        for other in rows[place + 1 :]
    )


def _missing(case: Case, facts: DisclosureRequest, parts: Sequence[PackagePart]) -> str | None:
    grounds = {row.item: row for row in ItemGround.objects.filter(case=case)}
    standing, there = guards.open_items(facts), {part.item for part in parts}
    for item in standing:
        if sentence := _unready(grounds.get(item), has_file=item in there):
            return f"{label(item)}: {sentence}"
    if extra := sorted(there - set(standing)):
        return f"{label(extra[0])}: this item was refused."
    return None if there else "Nothing would be given: refuse the request instead, as no such data is held."


def _column_too_many(facts: DisclosureRequest, parts: Sequence[PackagePart]) -> str | None:
    """A column of an item that nobody asked for is as much too many as a row of it."""
    standing = guards.open_items(facts)
    for part in parts:
        for name, item in excess.of_no_item(part.fields, standing):
            return f"{part.name}: the column {name} holds what nobody asked for: {label(item)}."
    return None


def _no_exhibit(case: Case, facts: DisclosureRequest, parts: Sequence[PackagePart]) -> str | None:
    """What a statement produces is what was given, byte for byte; its hash was kept."""
    if facts.request_type != codes.STATEMENT:
        return None
    given = PackagePart.objects.filter(
        case__disclosure_request__authority_code=facts.authority_code,
        case__disclosure_request__released_at__isnull=False,
        is_removed=False,
        sha256__in=[part.sha256 for part in parts],
    )
    if given.exclude(case=case).exists():
        return None
    return "No file of it is what this authority was given before: an exhibit is the same, byte for byte."


def _unready(ground: ItemGround | None, *, has_file: bool) -> str:
    if ground is None:
        return "say why it is given, or that nothing is held."
    if ground.is_nothing_held:
        return "it is said that nothing is held, and yet there is a file." if has_file else ""
    if not has_file:
        return "there is no file of it yet."
    if ground.necessity is None or ground.proportionality is None or ground.collateral is None:
        return "write necessity, proportionality and collateral intrusion."
    return "" if ground.minimised else "say how it was kept to the least."


def _of_somebody_else(part: PackagePart, held: dict[str, list[Holder]], shares: dict[str, list[Part]]) -> str | None:
    """What is given is of whoever held the address in the time that was asked for, and each has a file of their own."""
    if not part.subject and any(len({mine.subject for mine in rows} - {""}) > 1 for rows in held.values()):
        return f"{part.name}: the address changed hands. Make a file for each subscriber, and say whose it is."
    if part.subject and part.subject not in {mine.subject for rows in held.values() for mine in rows}:
        return f"{part.name}: nobody is entered as subscriber {part.subject}."
    then = {share.subject for rows in shares.values() for share in rows}
    if part.subject and part.subject not in then:
        return f"{part.name}: subscriber {part.subject} did not hold the address in the time that was asked for."
    if not then - {""}:
        return f"{part.name}: nobody is entered as holding the address in the time that was asked for."
    return None


def _wrong(
    part: PackagePart, wanted: Sequence[Asked], shares: dict[str, list[Part]], reader: sealing.Reader, at: datetime
) -> str | None:
    if part.media_type != package.CSV:
        return None
    data = package.bytes_of(part, reader=reader, at=at)
    rows = excess.read(data or b"")
    if other := next((row for row in rows if row.item != part.item), None):
        return f"{part.name}, line {other.line}: it is of another item than the file."
    if sentence := excess.sentence(excess.outside(rows, wanted)):
        return f"{part.name}: {sentence}"
    return _not_theirs(part, rows, shares)


def _shares(item: str, case: Case, mine: Sequence[Holder], seen: Sequence[datetime]) -> list[Part]:
    """Return who held an address in the time that was asked for, each with their share of it. Who and what is asked of
    whoever held it when it was seen, where the request says when; else of the period, and without one of whoever held
    it when the request came in."""
    facts = case.disclosure_request
    if seen and ITEMS[item].item_class == "entity":
        return [share for at in sorted(seen) for share in divide(at, at + _MOMENT, mine)]
    begins_at = facts.begins_at or facts.ends_at or case.opened_at
    return divide(begins_at, max(facts.ends_at or case.opened_at, begins_at + _MOMENT), mine)


def _not_theirs(part: PackagePart, rows: Sequence[Row], shares: dict[str, list[Part]]) -> str | None:
    """A row belongs to whoever held the address at that moment, or in the time that was asked for, and to nobody else's
    file."""
    for row in rows:
        whose = _whose(row, shares.get(row.address, ()))
        if not whose:
            return f"{part.name}, line {row.line}: nobody is entered as holding the address then."
        if part.subject and part.subject not in whose:
            return f"{part.name}, line {row.line}: the address was subscriber {'s and '.join(sorted(whose))}'s then."
    return None


def _whose(row: Row, shares: Sequence[Part]) -> set[str]:
    """Return whose the address of a row was at its moment; without one, in the time that was asked for."""
    if row.at is None:
        return {share.subject for share in shares} - {""}
    of = [share for share in shares if share.begins_at <= row.at] or list(shares[:1])
    return {of[-1].subject} - {""} if of else set()
