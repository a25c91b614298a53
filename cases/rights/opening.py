"""What opening a rights request writes beyond the case itself: a stop counts in the same transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from cases.kernel import calendars, clocks, formats
from cases.kernel.casetypes import Extension
from cases.kernel.intake import FieldErrors, IntakeRefused
from cases.kernel.models import Case, CaseParty, Clock
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.rights import choices, codes, effects, guards, periods
from cases.rights.models import DpComplaint, RightsRequest

__all__ = [
    "EXTENSION",
    "check_people",
    "count_anew",
    "count_from_receipt",
    "has_nobody_beside",
    "names_nobody",
    "open_choices",
    "open_facts",
]

ONE_PERSON = "Name one person whose right it is, and at most one who acts for them."
_PLAIN = ("right", "came_by", "channels", "purposes", "wording_version")


def names_nobody(_facts: Mapping[str, Any]) -> bool:
    """A right is somebody's: without a person there is no request."""
    return False


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case and start its month, inside the current ledger action. It was received when the
    case was opened unless the facts say earlier. Raises formats.CardNumber."""
    formats.refuse_card_numbers([facts.get("wording")])
    received_at = min(facts.get("received_at") or case.opened_at, case.opened_at)
    said = {name: facts[name] for name in _PLAIN if facts.get(name)}
    row = RightsRequest(case=case, key=case.key, received_at=received_at, **said)
    sealing.seal(row, {"wording": facts.get("wording") or None}, key=case.key)
    row.save(force_insert=True)
    clocks.start(case, periods.ANSWER, started_at=received_at)
    if guards.is_stop(row):
        clocks.start(case, periods.ONWARD, started_at=case.opened_at)
    clocks.refresh_due(case)
    case.save(update_fields=["due_at"])


def check_people(people: Sequence[Mapping[str, Any]]) -> None:
    """Raise IntakeRefused unless one person is named whose right it is, with at most one who acts for them: what is
    held about two is never given to one."""
    named = Counter(each.get("role") for each in people)
    if named["person"] != 1 or named["representative"] > 1:
        raise IntakeRefused(ONE_PERSON)


def has_nobody_beside(case: Case) -> bool:
    """Say whether somebody may be named who acts for the person. One query."""
    return not CaseParty.objects.filter(case=case, role__in=codes.BESIDE, is_detached=False).exists()


def open_choices(case: Case, people: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """Let a stop or a consent of a new case count from now, inside the act that opens it. Raises FieldErrors where
    nothing is known by which the person is reached: nobody could honour it. Before a restriction ends, whoever obtained
    it is told (UK GDPR Art 18(3))."""
    facts = case.rights_request
    if facts.right == codes.LIFT:
        effects.write_to_person(case, effects.LIFTING, at=at)
    if guards.is_stop(facts) and not choices.write(case, facts, people, at=at):
        raise FieldErrors([("/person", "required", "Give a telephone number, e-mail, account, or name and address.")])


def count_anew(case: Case, *, at: datetime) -> None:
    """After a correction: what the request says now counts, for whatever the person is reached by now, and the month
    from the day on which it now says that it was received. What became a stop goes on by itself, what is none any more
    does not; of a restriction that is now to end the person is told first."""
    if CaseParty.objects.filter(case=case, role="person", is_detached=False).count() > 1:
        raise IntakeRefused(ONE_PERSON)
    facts = case.rights_request
    count_from_receipt(case, facts, periods.ANSWER, at=at)
    choices.write(case, facts, at=at)
    goes_on = Clock.objects.filter(case=case, rule=periods.ONWARD, ended_at=None).exists()
    if guards.is_stop(facts) and not goes_on and case.state == "received":
        clocks.start(case, periods.ONWARD, started_at=at)
    elif goes_on and not guards.is_stop(facts):
        clocks.end(case, periods.ONWARD, at=at, state="cancelled")
    if facts.right == codes.LIFT and not guards.is_person_told(case):
        effects.write_to_person(case, effects.LIFTING, at=at)
    clocks.refresh_due(case)


def count_from_receipt(case: Case, facts: RightsRequest | DpComplaint, rule: str, *, at: datetime) -> None:
    """Let a period count from when it was received, which is never later than the case was opened."""
    if facts.received_at > case.opened_at:
        facts.received_at = case.opened_at
        facts.save(update_fields=["received_at"])
    clocks.count_from(case, rule, started_at=facts.received_at, at=at)
    clocks.refresh_due(case)


def _why_not(_case: Case, clock: Clock, until: date, ordered_date: date) -> str:
    latest = clocks.plan(periods.EXTENDED, started_at=clock.started_at, jurisdiction=clock.jurisdiction).due_date
    for since, back in clock.stops:
        latest += _london(back) - _london(since)
    if ordered_date < calendars.london_date(clock.started_at):
        return "It cannot be older than the request."
    if until <= clock.due_date:
        return f"The answer is due on {_day(clock.due_date)} already; an extension ends later."
    if until > latest:
        return f"The latest day is {_day(latest)}: two further months (UK GDPR Art 12(3))."
    return ""


def _london(moment: str) -> date:
    return calendars.london_date(datetime.fromisoformat(moment))


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _note(case: Case, until: date) -> None:
    """Keep the later day and tell the person of it and why, within the first month."""
    facts = case.rights_request
    facts.extended_date = until
    facts.save(update_fields=["extended_date"])
    effects.write_to_person(case, effects.EXTENDED, at=ledger.current().at)


EXTENSION = Extension(
    label="Take longer",
    hint="The person is told of it, and why, within the first month.",
    grounds=(("complex", "The request is complex"), ("several", "There are several requests")),
    why_not=_why_not,
    note=_note,
)
