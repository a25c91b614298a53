"""A telephone number is passed on to somebody else when its time is over: one of which nobody knew for a year is given
to no agency and no buyer (domain 5A.9), and what is given says since when it is known (5A.3)."""

from datetime import UTC, datetime, timedelta

import pytest

from cases.accounts.models import AccountHolder
from cases.debt import contacts
from cases.kernel import calendars
from cases.kernel.models import Case
from tests import placements, sales
from tests.accounts import portfolio
from tests.debt.test_placement import told
from tests.factories import AT

pytestmark = pytest.mark.django_db
TODAY = AT.date()
YEAR_AGO = calendars.add_months(TODAY, -12)
DAYS = ("phone", "phone_date", "address_date", "line_1")


def handed_over(people, **said: str) -> dict[str, str]:
    batch = placements.built(people, portfolio.row(1, **said))
    placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    return {name: value for name, value in told("dca_place")[-1].items() if name in DAYS}


def known() -> list[tuple[object, object]]:
    return list(AccountHolder.objects.order_by("ordinal").values_list("phone_date", "address_date"))


@pytest.mark.parametrize(("days", "is_given"), [(0, True), (1, False)])
def test_a_number_is_given_for_a_year_after_it_was_last_known(people, days, is_given):
    day = (YEAR_AGO - timedelta(days=days)).isoformat()
    since = (TODAY - timedelta(days=4000)).isoformat()
    said = handed_over(people, holder_1_phone_date=day, holder_1_address_date=since)
    number = ("07700 900001", day) if is_given else ("", "")
    assert said == dict(zip(DAYS, (*number, since, "1 Example Terrace"), strict=True))


def test_what_billing_tells_no_day_of_is_known_since_it_told_it_first(people):
    assert handed_over(people)["phone_date"] == "2026-03-01"
    row = portfolio.row(1)
    placements.accounts(people, {**row, "as_of": "2026-04-01", "balance_pence": "4000"})
    first, moved = datetime(2026, 3, 1, tzinfo=UTC).date(), datetime(2026, 5, 1, tzinfo=UTC).date()
    assert known() == [(first, first)]
    placements.accounts(people, {**row, "as_of": "2026-05-01", "holder_1_phone": "07700 900888"})
    assert known() == [(moved, first)]
    confirmed = {**row, "holder_1_phone": "07700 900888", "holder_1_phone_date": "2026-06-02"}
    placements.accounts(people, {**confirmed, "as_of": "2026-06-03"})
    assert known() == [(datetime(2026, 6, 2, tzinfo=UTC).date(), first)]
    placements.accounts(people, {**row, "as_of": "2026-07-01", "holder_1_phone": "", "holder_1_email": ""})
    assert known() == [(None, first)]


def test_a_day_to_come_is_refused_and_a_number_without_any_is_given_without_a_day(people):
    placements.accounts(people, portfolio.row(7, holder_1_phone_date="2026-03-02"))
    assert not AccountHolder.objects.exists()
    assert (contacts.is_too_old(None, today=TODAY), contacts.is_too_old(TODAY, today=TODAY)) == (False, False)


def test_an_update_leaves_out_what_has_become_too_old(people):
    row = portfolio.row(1, holder_1_phone_date=YEAR_AGO.isoformat())
    batch = placements.built(people, row)
    file = placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    placements.batches.sent(file, "delivered", AT)
    at = AT + timedelta(days=1)
    placements.accounts(people, {**row, "as_of": at.date().isoformat(), "balance_pence": "4000"}, at=at)
    assert (told("dca_place")[0]["phone"], told("dca_update")[0]["phone"]) == ("07700 900001", "")


def test_no_buyer_is_given_a_number_that_is_too_old(people, monkeypatch):
    monkeypatch.setattr(contacts, "limit", lambda _code: 0)
    case = sales.notices_issued(people)
    assert Case.objects.get(pk=case.pk).state == "notices_issued"
    (row,) = told("final_tape")
    assert (row["holder_1_phone"], row["holder_1_line_1"] != "") == ("", True)
