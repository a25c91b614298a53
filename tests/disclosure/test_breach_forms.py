"""When a breach was first known, of what kind it is and how many it touches, as a colleague types it."""

from datetime import UTC, datetime
from unittest.mock import patch

import pytest

from cases.disclosure.breach.forms import FactsForm as BreachFacts
from cases.disclosure.breach.models import Breach
from cases.kernel.calendars import LONDON
from tests import breaches, factories
from tests.breaches import OFFICER
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.office()


TYPED = {"what": "A list went astray.", "nature": "lost"}


@pytest.mark.parametrize(
    ("typed", "aware_at"),
    [
        ("2026-11-27T15:00", datetime(2026, 11, 27, 15, tzinfo=UTC)),
        ("27/11/2026 15:00", datetime(2026, 11, 27, 15, tzinfo=UTC)),
        ("2026-07-01T15:00", datetime(2026, 7, 1, 14, tzinfo=UTC)),  # summer time
        ("2026-10-25T01:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # twice that night: the first of them
        ("2026-11-14T08:00:00Z", datetime(2026, 11, 14, 8, tzinfo=UTC)),
    ],
)
def test_when_it_was_first_known_is_typed_as_londons_day_and_time(people, typed, aware_at):
    with patch("cases.disclosure.breach.forms._now", return_value=datetime(2026, 11, 28, 9, tzinfo=UTC)):
        assert client_of("p.nair").post("/refer/breach/", {**TYPED, "aware_at": typed}).status_code == 302
    assert Breach.objects.get().aware_at == aware_at
    page = client_of("p.nair").get("/refer/breach/").content.decode()
    assert 'type="datetime-local"' in page


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("2027-11-27T15:00", "That is still to come. Look at the day and the year."),
        ("2026-11-28T09:03", "That is still to come. Look at the day and the year."),
        ("2020-01-01T00:00", "That is more than a year ago. Look at the year; if it is right, leave this empty"),
        ("2025-11-26T15:00", "That is more than a year ago."),
        ("yesterday 3pm", "Write the day and the time in London, such as 27/11/2026 15:00."),
        ("2026-11-27", "Write the day and the time in London, such as 27/11/2026 15:00."),
    ],
)
def test_a_time_that_cannot_be_is_refused_and_nothing_is_reported(people, typed, sentence):
    client = client_of("p.nair")
    now = patch("cases.disclosure.breach.forms._now", return_value=datetime(2026, 11, 28, 9, tzinfo=UTC))
    with now, nothing_written():
        answer = client.post("/refer/breach/", {**TYPED, "aware_at": typed})
    assert (answer.status_code, Breach.objects.exists()) == (422, False)
    assert sentence in answer.content.decode()


def test_a_breach_is_reported_with_a_kind_that_somebody_chose_and_a_count_that_can_be(people):
    client = client_of("p.nair")
    with nothing_written():
        answer = client.post("/refer/breach/", {"what": TYPED["what"], "people_count": "-5"})
    page = answer.content.decode()
    assert "Choose one. Nothing is chosen beforehand." in page
    assert "Enter 0 or more." in page and "Ensure this value" not in page


def test_the_second_in_which_it_was_known_stays_where_its_minute_is_left_as_it_is(people):
    case = breaches.suspected(people)
    known = datetime(2026, 7, 14, 8, 0, 37, 250, tzinfo=UTC)
    form = BreachFacts({**TYPED, "aware_at": "2026-07-14T09:00"}, initial={"aware_at": known})
    assert form.is_valid() and form.cleaned_data["aware_at"] == known
    moved = BreachFacts({**TYPED, "aware_at": "2026-07-14T09:01"}, initial={"aware_at": known})
    assert moved.is_valid() and moved.cleaned_data["aware_at"] == datetime(2026, 7, 14, 8, 1, tzinfo=UTC)
    page = client_of(OFFICER).get(f"/cases/{case.uid}/edit/").content.decode()
    assert f'value="{case.breach.aware_at.astimezone(LONDON):%Y-%m-%dT%H:%M}"' in page
    late = BreachFacts({**TYPED, "aware_at": "2010-07-14T09:01"}, initial={"aware_at": known})
    assert late.errors["aware_at"] == ["That is more than ten years ago. Look at the year."]
