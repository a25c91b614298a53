"""That nothing was written is seen for what it is: every row that stays, and none that was rolled back."""

import pytest
from django.db import connection

from cases.kernel.models import User
from tests import factories
from tests.kernel.snapshots import nothing_written, undone

pytestmark = pytest.mark.django_db
WRITES = {
    "adds": "INSERT INTO cases_referencecounter (prefix, year, last) VALUES ('ZZZ', 2026, 1)",
    "changes": "UPDATE cases_user SET username = 'another' WHERE username = 'a.byrne'",
    "takes away": "DELETE FROM cases_channelhealth",
}


@pytest.fixture(params=["the office", "a story", "a story once more", "something else"])
def standing(request):
    """Where digests are taken once for all tests, and where one is taken anew."""
    people = factories.office()
    if request.param != "the office":
        factories.referred(people)
    if request.param == "something else":
        User.objects.filter(username="d.osei").update(username="d.other")


@pytest.mark.parametrize("write", WRITES)
def test_what_stays_is_seen_and_what_is_rolled_back_is_not(standing, write):
    with nothing_written():
        User.objects.count()
    with nothing_written(), undone():
        _write(WRITES[write])
    with pytest.raises(AssertionError), nothing_written():
        _write(WRITES[write])
    with nothing_written():
        User.objects.count()


def _write(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount
