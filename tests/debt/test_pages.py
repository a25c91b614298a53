"""The pages of batches and the case page of a moratorium: as many statements with three rows as with one."""

import re

import pytest
from django.urls import reverse

from cases.debt import batches, pages
from cases.debt.models import PlacementBatch
from cases.kernel import holds
from cases.kernel.background import jobrun
from tests import factories, moratoria, placements
from tests.accounts import portfolio
from tests.factories import AT
from tests.web.desk import client_of
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_of_batches(count):
    people = factories.office()
    for number in range(count):
        placements.built(people, portfolio.row(number))
    found = statements(client_of("c.adebayo"), "/debt/batches/")
    assert len(found) == 9, shortly(found)


@pytest.mark.parametrize("count", [1, 3])
def test_one_batch(count):
    people = factories.office()
    batch = placements.built(people, *(portfolio.row(number) for number in range(count)))
    found = statements(client_of("c.adebayo"), f"/debt/batches/{batch.uid}/")
    assert len(found) == 11, shortly(found)


def test_one_batch_is_shown_page_by_page_and_says_how_far_its_work_is(monkeypatch):
    people = factories.office()
    placements.enter()
    rows = [portfolio.row(0), portfolio.row(1), portfolio.row(2), portfolio.row(3, flags="complaint:2026-02-10")]
    numbers = placements.accounts(people, *rows)
    batch = batches.build(numbers, agency_code=placements.CODE, actor=people[placements.ANALYST], at=AT)
    manager, address = client_of("c.adebayo"), f"/debt/batches/{batch.uid}/"
    page = manager.get(address).text
    assert "0 of 4 accounts looked at" in page
    assert "Release to" not in page
    jobrun.work(clock=lambda: AT, seconds=60)
    monkeypatch.setattr(pages, "PAGE", 3)
    references = [line.case.reference for line in batches.lines_of(batch)]
    page = manager.get(address).text
    assert "4 of 4 accounts looked at" in page
    assert [reference in page for reference in references] == [True, True, True, False]
    after = re.search(r"after=(\d+)", page)[1]
    page = manager.get(f"{address}?after={after}").text
    assert [reference in page for reference in references] == [False, False, False, True]
    page = manager.get(f"{address}?state=excluded").text
    assert [reference in page for reference in references] == [False, False, False, True]
    assert "A complaint is open." in page
    digest = re.search(r'name="digest" value="(\w+)"', page)[1]
    assert manager.post(f"{address}release/", {"digest": digest}).status_code == 302
    assert "3 of 4 accounts wait to be looked at once more" in manager.get(address).text
    jobrun.work(clock=lambda: AT, seconds=60)
    assert "0 of 4 accounts still wait" in manager.get(address).text


def test_an_analyst_builds_a_batch_at_the_commission_that_was_agreed_and_whoever_releases_it_reads_it():
    """Domain 5A.3: commission is agreed for each placement; remittances are held against it."""
    people = factories.office()
    placements.enter()
    numbers = placements.accounts(people, portfolio.row(0), portfolio.row(1))
    analyst = client_of("r.penhale")
    typed = {"agency": placements.CODE, "accounts": "\n".join(numbers)}
    for commission in ("", "-1", "51", "17.555"):
        wrong = analyst.post("/debt/batches/", {**typed, "commission": commission})
        assert (wrong.status_code, numbers[1] in wrong.text) == (422, True)
    assert not PlacementBatch.objects.exists()
    assert client_of("c.adebayo").post("/debt/batches/", {**typed, "commission": "22.5"}).status_code == 403
    answer = analyst.post("/debt/batches/", {**typed, "commission": "22.5"})
    batch = PlacementBatch.objects.get()
    assert (answer.status_code, answer.url) == (302, f"/debt/batches/{batch.uid}/")
    assert (batch.commission_rate, len(batch.chosen)) == (2250, 2)
    jobrun.work(clock=lambda: AT, seconds=60)
    assert "at a commission of 22.5 % and VAT" in client_of("c.adebayo").get(answer.url).text


def test_until_when_a_debt_can_be_enforced_is_said_in_words_and_warned_of():
    """Limitation Act 1980 s.5, Prescription and Limitation (Scotland) Act 1973 s.6; domain 5A.2."""
    people = factories.office()
    over = portfolio.row(1, account="8100900011", jurisdiction="sct", oldest_unpaid_date="2021-06-01")
    near = portfolio.row(2, account="8100900012", jurisdiction="eaw", oldest_unpaid_date="2021-05-01")
    far = portfolio.row(3, account="8100900013", jurisdiction="eaw")
    batch = placements.built(people, over, near, far)
    words = {
        "8100900011": "Prescribed in Scotland: no payment or acknowledgement for 5 years; it ended on 1 June 2026.",
        "8100900012": "A court may be asked until 1 May 2027.",
    }
    client = client_of("c.adebayo")
    page = client.get(f"/debt/batches/{batch.uid}/").text
    assert [text in page for text in words.values()] == [True, True]
    assert page.count("A court may be asked") == 1
    stopped, warned, clear = (line.case for line in batches.lines_of(batch))
    page = client.get(reverse("web:case", args=[stopped.uid])).text
    assert "The debt is out of time." in page and words["8100900011"] in page
    page = client.get(reverse("web:case", args=[warned.uid])).text
    assert "The debt is nearly out of time." in page and page.count(words["8100900012"]) == 2
    page = client.get(reverse("web:case", args=[clear.uid])).text
    assert "nearly out of time" not in page and "A court may be asked until 30 September 2031." in page


def test_a_batch_shows_what_holds_its_accounts_now_and_a_release_that_went_nowhere_says_so():
    people = factories.office()
    held, quiet = portfolio.row(0, account="8100900001"), portfolio.row(1, account="8100900002")
    batch = placements.built(people, held, quiet)
    manager, address = client_of("c.adebayo"), f"/debt/batches/{batch.uid}/"
    page = manager.get(address).text
    assert page.count("<td>Nothing. <span") == 2
    assert "looked at" in page and "goes to nobody" not in page
    first, second = (line.case_id for line in batches.lines_of(batch))
    analyst = people[placements.ANALYST]
    holds.enter(first, "dispute", actor=analyst, at=AT, source="customer")
    page = manager.get(address).text
    assert "A hold stops it: dispute." in page and page.count("<td>Nothing. <span") == 1
    assert "1 of them is held and goes to nobody: the release takes it out." in page
    holds.enter(second, "staff_account", actor=analyst, at=AT, source="staff")
    holds.enter(second, "legal", actor=analyst, at=AT, source="court")
    page = manager.get(address).text
    assert "A policy hold stops this." in page and "staff" not in page.lower()
    assert "2 of them are held and go to nobody: the release takes them out." in page
    assert placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT) is None
    page = manager.get(address).text
    assert "No account of this batch went to the agency: what stopped each stands below." in page
    assert "go to nobody" not in page


# Three are of three people: a person has to say whose they are, and is shown them to choose.
@pytest.mark.parametrize(("count", "expected"), [(1, 12), (3, 13)])
def test_the_page_of_a_moratorium(count, expected):
    people = factories.office()
    rows = [moratoria.account(people) for _ in range(count)]
    case = moratoria.matched(moratoria.opened(*rows, person=moratoria.debtor(rows[0])))
    found = statements(client_of("r.penhale"), reverse("web:case", args=[case.uid]))
    assert len(found) == expected, shortly(found)
