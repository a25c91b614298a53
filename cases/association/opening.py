"""What opening an association writes beyond the case itself, and which two people it may be about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from cases.association import bureaus, codes, periods
from cases.association.models import Association, LinkStatement
from cases.kernel import calendars, casetypes, clocks, formats, tasks
from cases.kernel.actors import system
from cases.kernel.edits import EditRefused
from cases.kernel.intake import FieldErrors, IntakeRefused
from cases.kernel.models import Case, CaseParty
from cases.ledger import sealing

__all__ = ["check_people", "check_person", "lacks_a_side", "open_facts", "state_of", "still_two"]

NOT_AGREED = "A link is declared only with the other person's agreement. Ask for it first."
TO_COME = "Nobody can have agreed on a day to come."
TWO = "Name two people: who declares the link, and the other person."
_PLAIN = ("basis", "channel", "has_agreement", "agreement_kind", "agreed_date", "may_write_to_other")
_SEALED = ("declaration", "account_reference")


def check_person(values: Mapping[str, Any], *, at: datetime) -> None:
    """Raise IntakeRefused when the date of birth given is a child's on the London day of `at`."""
    try:
        born = date.fromisoformat(str(values.get("date_of_birth") or ""))
    except ValueError:
        return
    if formats.is_under_18(born, on=calendars.london_date(at)):
        raise IntakeRefused("This person is under 18. Stop: no link is made with a child.")


def check_people(people: Sequence[Mapping[str, Any]]) -> None:
    """Raise IntakeRefused unless there are exactly two people, one on each side of the link."""
    if Counter(each.get("role") for each in people) != Counter((codes.DECLARER, codes.OTHER)):
        raise IntakeRefused(TWO)


def lacks_a_side(case: Case) -> bool:
    """Say whether a person can be added: a link has one on each side. No query where the people are loaded."""
    return len({each.role for each in case.parties.all() if not each.is_detached}) < len(codes.ROLES)


def still_two(case: Case, *, at: datetime) -> None:
    """Raise EditRefused when a change leaves more than one person on a side of the link. Where one side is empty, what
    has not left is taken back, every agency that may hold the link is asked to take it off, since it was told of a
    wrong person, and the case moves on by itself. One query, then as many as there are agencies."""
    if _is_to_come(case.association.agreed_date, at=at):
        raise EditRefused(TO_COME)
    sides = Counter(CaseParty.objects.filter(case=case, is_detached=False).values_list("role", flat=True))
    if any(count > 1 for count in sides.values()):
        raise EditRefused("A link has two people, one on each side. Detach the wrong one first.")
    if len(sides) < len(codes.ROLES):
        by = system("association", source=case.source)
        bureaus.take_back_unsent(case, at=at)
        bureaus.remove_everywhere(case, reason="wrong_person", actor=by, at=at)
        is_set_aside = case.state in casetypes.get(case.kind).lifecycle["set_aside"].source
        if is_set_aside and not case.clocks.filter(rule=periods.SET_ASIDE, ended_at=None).exists():
            clocks.start(case, periods.SET_ASIDE, started_at=at)
        tasks.close_all(case, "detached_filed", actor=by, at=at)


def _is_to_come(day: date | None, *, at: datetime) -> bool:
    return day is not None and day > calendars.london_date(at)


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case and what each side said, inside the current ledger action.

    Raises FieldErrors without the other person's agreement or with one of a day to come, formats.CardNumber.
    """
    if facts.get("has_agreement") is not True:
        raise FieldErrors([("/has_agreement", "required", NOT_AGREED)])
    formats.refuse_card_numbers(facts.get(name) for name in _SEALED)
    if _is_to_come(facts.get("agreed_date"), at=case.opened_at):
        raise FieldErrors([("/agreed_date", "invalid", TO_COME)])
    declared_at = min(facts.get("declared_at") or case.opened_at, case.opened_at)
    row = Association(
        case=case,
        key=case.key,
        declared_at=declared_at,
        **{name: facts[name] for name in _PLAIN if facts.get(name) is not None},
    )
    sealing.seal(row, {name: facts.get(name) or None for name in _SEALED}, key=case.key)
    row.save(force_insert=True)
    agreed = facts.get("agreed_date")
    agreed_at = calendars.end_of_day(agreed) if agreed else declared_at
    state_of(case, codes.DECLARER, codes.DECLARES, how=row.channel, said_at=declared_at)
    state_of(case, codes.OTHER, codes.AGREES, how=row.agreement_kind, said_at=min(agreed_at, case.opened_at))


def state_of(
    case: Case,
    role: str,
    says: str,
    *,
    how: str,
    said_at: datetime,
    words: str = "",
    taken_by: int | None = None,
) -> LinkStatement:
    """Keep what one side said, inside the current ledger action. Raises formats.CardNumber."""
    formats.refuse_card_numbers([words])
    row = LinkStatement(
        case=case, party_role=role, says=says, how=how, said_at=said_at, taken_by_id=taken_by, key=case.key
    )
    sealing.seal(row, {"words": words.strip() or None}, key=case.key)
    row.save(force_insert=True)
    return row
