"""What billing tells of an account's people between its choice and its release: the agency is told of whoever holds it
and where they live on the day on which it is handed over, and nobody is written over somebody else."""

from datetime import timedelta

import pytest

from cases.debt.models import Placement
from cases.kernel.models import Case, CaseParty, Task
from cases.ledger import sealing
from tests import placements
from tests.accounts import portfolio
from tests.debt.test_placement import told
from tests.factories import AT

pytestmark = pytest.mark.django_db
DAY = (AT + timedelta(days=-1)).date().isoformat()
MOVED = {"holder_1_line_1": "9 Other Street", "holder_1_postcode": "SA2 0ZZ", "holder_1_phone": "07700 900999"}


def meanwhile(people, row, **changes) -> Case:
    """Build a batch of one account, let billing tell of it again, and release the batch; return the placement."""
    batch = placements.built(people, row)
    placements.accounts(people, {**row, "as_of": DAY, **changes})
    batch.refresh_from_db()
    placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    return placements.case_of(batch)


def names(case: Case) -> list[str | None]:
    reader = sealing.Reader(actor="tests", verb="read", purpose="tests")
    rows = list(CaseParty.objects.filter(case=case).order_by("number"))
    return [each["forename"] for each in sealing.open_rows(rows, ["forename"], reader=reader, at=AT)]


def test_whoever_moved_before_the_release_is_looked_for_where_they_live(people):
    meanwhile(people, portfolio.row(1), **MOVED)
    (row,) = told("dca_place")
    assert (row["line_1"], row["postcode"], row["phone"]) == ("9 Other Street", "SA2 0ZZ", "07700 900999")


def test_an_account_whose_holders_changed_before_the_release_goes_to_nobody(people):
    row = portfolio.row(1)
    other = {"holder_1_forename": "Quite", "holder_1_surname": "Another", "holder_1_date_of_birth": "1991-02-03"}
    case = meanwhile(people, row, **other)
    assert (case.state, Placement.objects.get(pk=case.pk).stopped_by) == ("excluded", ["holders_changed"])
    assert (told("dca_place"), names(case)) == ([], ["Bryn"])
    # Chosen anew, it names whoever holds it now.
    number = placements.number_of(Placement.objects.select_related("account").get(pk=case.pk))
    _, (new,) = placements.build([number], agency_code=placements.CODE, actor=people[placements.ANALYST], at=AT)
    assert (new.state, names(new)) == ("in_batch", ["Quite"])


def test_nobody_is_written_over_another_person_while_an_agency_has_the_account(people):
    """Two hold it; the first leaves and a third comes: as many as before, and not the same."""
    row = portfolio.row(10)
    batch = placements.built(people, row)
    file = placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    placements.batches.sent(file, "delivered", AT)
    case = placements.said(placements.case_of(batch), "placement.answered")
    before = names(case)
    second = {name.replace("holder_2", "holder_1"): text for name, text in row.items() if name.startswith("holder_2")}
    third = {"holder_2_forename": "Third", "holder_2_surname": "Person", "holder_2_date_of_birth": "1990-01-01"}
    home = {f"holder_1_{name}": "" for name in ("line_1", "town", "postcode", "phone", "email")}
    placements.accounts(people, {**row, "as_of": DAY, **home, **second, **third})
    assert names(case) == before
    assert Task.objects.filter(case=case, kind="placement_update_by_hand", closed_at=None).count() == 1


def test_what_billing_tells_while_the_file_is_on_its_way_is_told_with_its_arrival(people):
    row = portfolio.row(1)
    batch = placements.built(people, row)
    file = placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    placements.accounts(people, {**row, "as_of": DAY, **MOVED})
    assert told("dca_update") == []
    placements.batches.sent(file, "delivered", AT)
    assert told("dca_place")[0]["line_1"] == "1 Example Terrace"
    assert [each["line_1"] for each in told("dca_update")] == ["9 Other Street"]
