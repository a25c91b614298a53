"""What opening a check writes beyond the case itself: its facts, its searches, its hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from cases.credit import searches
from cases.credit.models import Check, Search
from cases.kernel import actors, calendars, formats
from cases.kernel.intake import FieldErrors, IntakeRefused
from cases.kernel.models import Case

__all__ = [
    "HALF_ADDRESS",
    "NO_BIRTH",
    "check_people",
    "check_person",
    "names_nobody",
    "open_facts",
    "search",
    "spellings",
]

_PLAIN = ("application_id", "occasion", "channel", "product", "monthly_pence", "handset_pence", "basis")
_MORE = ("has_special_category", "notice_version")
NO_BIRTH = "Give the applicant's date of birth: a search without it may be about somebody else."
HALF_ADDRESS = "Give the first line with a town or a postcode, or no address: this finds nobody."
KNOWN = "This application was checked before. Ask what was decided; another check needs another application."


def names_nobody(_facts: Mapping[str, Any]) -> bool:
    """A check is of somebody: without a person there is none."""
    return False


def check_person(values: Mapping[str, Any], *, at: datetime) -> None:
    """Raise IntakeRefused when the date of birth given is a child's on the London day of `at`."""
    try:
        born = date.fromisoformat(str(values.get("date_of_birth") or ""))
    except ValueError:
        return
    if formats.is_under_18(born, on=calendars.london_date(at)):
        raise IntakeRefused("This person is under 18. Stop: no credit check is made of a child.")


def check_people(people: Sequence[Mapping[str, Any]]) -> None:
    """Raise IntakeRefused unless one applicant is named, with their birth and at most one financially linked person."""
    named = Counter(each.get("role") for each in people)
    if named["applicant"] != 1 or named["associate"] > 1:
        raise IntakeRefused("Name one applicant, and at most one financially linked person.")
    if not all((each.get("values") or {}).get("date_of_birth") for each in people if each.get("role") == "applicant"):
        raise IntakeRefused(NO_BIRTH)


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case, inside the current ledger action. Raises FieldErrors without the notice that
    the person was shown (N1), and for an application that was checked before."""
    shown_at = facts.get("notice_shown_at") or case.opened_at
    if not facts.get("notice_version"):
        raise FieldErrors([("/notice_version", "required", "Say which notice the person was shown before the check.")])
    row = Check(
        case=case,
        key=case.key,
        notice_shown_at=min(shown_at, case.opened_at),
        **{name: facts[name] for name in (*_PLAIN, *_MORE) if facts.get(name) is not None},
    )
    written = spellings(row.application_id)
    row.application_id = written[0]
    if any(rows.filter(application_id__in=written).exists() for rows in (Check.objects, Search.objects)):
        raise FieldErrors([("/application_id", "known", KNOWN)])
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as fault:
        raise FieldErrors([("/application_id", "known", KNOWN)]) from fault


def spellings(application_id: str) -> tuple[str, ...]:
    """Return how an application may be kept: in capital letters, so that none is searched twice for being written in
    small ones; before that was so, as it was given."""
    return (application_id.upper(), application_id)


def search(case: Case, _people: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """Promise the searches, in the act that opens the check."""
    searches.make(case, actor=actors.system("checks", source=case.source), at=at)
