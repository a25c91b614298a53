"""Links that letters show: two people change them, an agency may have its own, each month somebody follows them."""

from datetime import UTC, datetime

import pytest

from cases.kernel.models import CodeEntry, Task
from cases.kernel.office import codelists, proposals, publiclinks
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.factories import AT

pytestmark = pytest.mark.django_db
CRAIN = "https://notices.example.org/information"


@pytest.fixture
def people(settings):
    settings.DEMO = True
    yield factories.office()
    codelists.notice(0, "")  # the rows are taken back


def enter(people, kind, code, label):
    maker = next(each for each in people.values() if "system_administrator" in each.roles)
    checker = next(each for each in people.values() if "data_protection_officer" in each.roles)
    said = {"list_code": "public_link", "code": code, "label": label, "position": 1}
    row = proposals.propose(kind, said, actor=maker, at=AT, reason="They moved.")
    proposals.decide(row.uid, "agreed", actor=checker, at=AT, reason="I followed it.")
    codelists.refresh()


def test_a_changed_address_is_the_one_that_letters_show(people):
    assert publiclinks.link("credit_agencies") == "https://www.example.org/credit-reference-agencies"

    enter(people, "code_entry", "credit_agencies", CRAIN)

    assert publiclinks.link("credit_agencies") == CRAIN


def test_an_address_that_nobody_entered_is_shown_by_a_demonstration_alone(people, settings):
    settings.DEMO = False

    assert publiclinks.link("credit_agencies") == ""

    enter(people, "code_entry", "credit_agencies", CRAIN)

    assert publiclinks.link("credit_agencies") == CRAIN


def test_an_agency_may_have_a_notice_of_its_own(people):
    enter(people, "code_new", "notice_sandbox_bureau_a", CRAIN)

    assert publiclinks.link("credit_agencies", "sandbox-bureau-a") == CRAIN
    assert publiclinks.link("credit_agencies", "sandbox-bureau-b") == publiclinks.LINKS.labels()["credit_agencies"]


@pytest.mark.parametrize("text", ["http://www.example.org/", "javascript:alert(1)", "www.example.org", "see our page"])
def test_what_is_no_address_of_a_safe_page_is_refused_and_nothing_is_written(people, text):
    before = LedgerEvent.objects.count()

    with pytest.raises(proposals.ProposalRefused) as refusal:
        enter(people, "code_entry", "cookie_policy", text)

    assert "https://" in str(refusal.value.errors)
    assert (CodeEntry.objects.count(), LedgerEvent.objects.count()) == (0, before)


def test_each_london_month_one_task_asks_the_desk_to_follow_them(people):
    moments = [datetime(2026, 11, 30, 23, 30, tzinfo=UTC), datetime(2026, 12, 1, 0, 0, tzinfo=UTC)]

    raised = [publiclinks.ask_to_follow(now=moment) for moment in (moments[0], moments[0], moments[1])]

    assert raised == [1, 0, 1]
    rows = list(Task.objects.filter(kind="links_to_follow").order_by("pk"))
    assert [row.detail["month"] for row in rows] == ["2026-11", "2026-12"]
    assert {row.team.code for row in rows} == {"rights"}
