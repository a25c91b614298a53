"""The two commands that operators and readers are pointed to: teams and lifecycle."""

from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError

from cases.kernel import casetypes
from cases.kernel.models import Team
from cases.kernel.office.people import SYSTEM_STREAM
from cases.ledger.models import LedgerEvent


def _said(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_lifecycle_of_an_unknown_kind_is_refused():
    with pytest.raises(CommandError, match="There is no kind of case called parking."):
        _said("lifecycle", "parking")


@pytest.mark.django_db
def test_needed_teams_are_added_once_and_on_record():
    needed = {casetype.team for casetype in casetypes.all_types()} | {"conflicts"}

    _said("teams", "--needed")
    again = _said("teams", "--needed")

    assert set(Team.objects.values_list("code", flat=True)) == needed
    assert LedgerEvent.objects.filter(stream=SYSTEM_STREAM, action="team.added").count() == len(needed)
    assert all(code in again for code in needed)


@pytest.mark.django_db
def test_a_restricted_team_is_added_and_said_to_be():
    said = _said("teams", "--add", "disclosure", "Disclosure", "--restricted")

    assert said == "disclosure           Disclosure  (restricted)\n"


@pytest.mark.django_db
def test_a_team_that_exists_or_has_no_code_is_refused_and_nothing_is_written():
    _said("teams", "--add", "fraud", "Fraud")

    with pytest.raises(CommandError, match="There is a team fraud already."):
        _said("teams", "--add", "fraud", "Another")
    with pytest.raises(ValidationError):
        _said("teams", "--add", "not a code", "Another")

    assert Team.objects.count() == 1
