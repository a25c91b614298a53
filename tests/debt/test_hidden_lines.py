"""A case that somebody may not know of stands on the pages of batches and remittances as a line that is not theirs to
see, and in no list of a job."""

import pytest

from cases.debt import batches
from cases.debt.models import Remittance
from cases.debt.sale import placed
from cases.kernel import actors, policy
from cases.kernel.models import Case, Team, TeamMembership, User
from cases.kernel.office import proposals
from cases.ledger import api as ledger
from tests import factories, placements
from tests.accounts import portfolio
from tests.debt.test_remittances import Sender, row, two_active
from tests.factories import AT
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
HIDDEN = "Not yours to see"


def hide(case, people):
    """R. Penhale declares a conflict; the case goes to the restricted team of conflicts, where J. Merriweather is."""
    team = Team.objects.get(code="conflicts")
    with ledger.action(team.uid, "tests.seated", actor="system:tests", at=AT):
        TeamMembership.objects.create(team=team, user=factories.user("j.merriweather"))
    payload = {"user": people["r.penhale"].user_id, "case": str(case.uid)}
    proposals.propose("tie_add", payload, actor=people["r.penhale"], at=AT, reason="My sister's account.")
    return Case.objects.get(pk=case.pk)


def actor(name):
    return actors.staff(User.objects.get(username=name))


@pytest.mark.parametrize("name", ["r.penhale", "c.adebayo"])
def test_the_page_of_a_batch_tells_nothing_of_a_case_that_is_hidden(people, name):
    batch = placements.built(people, portfolio.row(0), portfolio.row(1, flags="complaint:2026-02-10"))
    seen, hidden = (line.case for line in batches.lines_of(batch))
    assert (seen.state, hidden.state) == ("in_batch", "excluded")
    client, address = client_of(name), f"/debt/batches/{batch.uid}/"
    assert "A complaint is open." in client.get(address).text
    hidden = hide(hidden, people)
    assert hidden.is_restricted and not policy.visible_to(actor(name)).filter(pk=hidden.pk).exists()
    page = client.get(address).text
    assert (seen.reference in page, page.count(HIDDEN)) == (True, 1)
    told = (hidden.reference, str(hidden.uid), "A complaint is open.", "?state=excluded")
    assert [words for words in told if words in page] == []
    owed = seen.placement.balance_pence
    assert f"1 account, £{owed / 100:.2f}" in page
    assert "1 more is not yours to see: no count and no sum here tells of it." in page
    assert hidden.reference not in client.get(f"{address}?state=excluded").text
    assert page.count("<b>2</b>") == 1  # all accounts looked at


@pytest.mark.parametrize("name", ["r.penhale", "c.adebayo"])
def test_the_page_of_a_remittance_tells_nothing_of_a_case_that_is_hidden(people, name):
    seen, hidden = two_active(people)
    Sender().pays([row(seen, 1234, commission_pence=223, net_pence=967), row(hidden, 1111, commission_pence=999)])
    remittance = Remittance.objects.get()
    hidden = hide(hidden, people)
    client, address = client_of(name), f"/debt/remittances/{remittance.uid}/"
    page = client.get(f"{address}?view=all").text
    assert (seen.reference in page, page.count(HIDDEN)) == (True, 1)
    assert [words for words in (hidden.reference, str(hidden.uid), "£11.11", "£9.99") if words in page] == []
    differ = client.get(address).text
    assert (seen.reference in differ, HIDDEN in differ) == (True, False)


def test_the_list_of_what_was_not_recalled_leaves_out_a_case_that_is_hidden(people):
    batch = placements.built(people, portfolio.row(0), portfolio.row(1))
    seen, hidden = (line.case for line in batches.lines_of(batch))
    subjects = [str(seen.pk), str(hidden.pk)]
    assert placed._names(actor("c.adebayo"), subjects) == {
        str(seen.pk): seen.reference,
        str(hidden.pk): hidden.reference,
    }
    hide(hidden, people)
    assert placed._names(actor("c.adebayo"), subjects) == {str(seen.pk): seen.reference}
