"""Proposing and deciding in the browser to erase cases whose time is over."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases.kernel import actors, record
from cases.kernel.background import jobrun
from cases.kernel.disposal import disposals
from cases.kernel.models import Case, Disposal
from tests import factories, suspicions
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of
from tests.web.test_queries import statements

pytestmark = pytest.mark.django_db
LAST = timezone.now().date() - timedelta(days=40)
LEAD, OFFICER = "d.osei", "j.merriweather"


def over(people, make=factories.referred):
    """A case that was to be kept until forty days ago."""
    case = make(people)
    with record.act(case, "tests.closed", actor=actors.system("tests"), at=AT):
        case.is_closed, case.closed_date, case.dispose_after_date = True, LAST, LAST
        case.save()
        for person in case.parties.exclude(dispose_after_date=None):
            person.dispose_after_date = LAST
            person.save()
        for clock in case.clocks.filter(ended_at=None):
            clock.state, clock.ended_at = "cancelled", AT
            clock.save()
    return Case.objects.get(pk=case.pk)


def proposed(people, by=LEAD):
    return disposals.propose("fraud_referral", last_date=LAST, actor=people[by], at=timezone.now())


def test_one_proposes_another_agrees_and_the_page_says_what_became_of_them(people):
    case = over(people)
    lead = client_of(LEAD)
    assert "Fraud referral" in lead.get("/disposals/").content.decode()
    page = lead.get("/disposals/fraud_referral/").content.decode()
    assert "or before: 1 case</h2>" in page and "Last date" not in page
    assert case.reference in page and f"/cases/{case.uid}/" in page
    answer = lead.post("/disposals/fraud_referral/", {"last_date": LAST.isoformat()}, follow=True)
    row = Disposal.objects.get()
    assert answer.redirect_chain == [(f"/disposals/{row.uid}/", 302)]
    page = answer.content.decode()
    assert "You proposed this" in page and "Agree: erase them" not in page

    officer = client_of(OFFICER, is_stepped_up=True)
    page = officer.get(f"/disposals/{row.uid}/").content.decode()
    assert "Agree: erase them" in page and case.reference in page
    page = officer.post(f"/disposals/{row.uid}/", {"verdict": "agree"}, follow=True).content.decode()
    assert "They are about to be erased" in page
    jobrun.work(clock=timezone.now, seconds=60)
    page = officer.get(f"/disposals/{row.uid}/").content.decode()
    assert "1 of 1" in page
    assert Case.objects.get(pk=case.pk).is_erased
    assert "All that this case held was erased for good" in lead.get(f"/cases/{case.uid}/").content.decode()
    assert "Nothing is over" in lead.get("/disposals/fraud_referral/").content.decode()


def test_deciding_asks_for_the_second_factor(people):
    over(people)
    row = proposed(people)
    officer = client_of(OFFICER)
    for verdict in ({"verdict": "agree"}, {"verdict": "refuse", "why_not": "not_now"}):
        with nothing_written():
            answer = officer.post(f"/disposals/{row.uid}/", verdict)
        assert (answer.status_code, answer.url) == (302, "/step-up/")
    with nothing_written():  # what is not filled in is said before anybody reaches for their key
        assert officer.post(f"/disposals/{row.uid}/", {"verdict": "refuse", "why_not": ""}).status_code == 422


def test_what_is_refused_says_why_and_nothing_chosen_is_told(people):
    over(people)
    row = proposed(people)
    officer = client_of(OFFICER, is_stepped_up=True)
    with nothing_written():
        answer = officer.post(f"/disposals/{row.uid}/", {"verdict": "refuse", "why_not": ""})
    assert answer.status_code == 422 and "Nothing is chosen beforehand" in answer.content.decode()
    page = officer.post(f"/disposals/{row.uid}/", {"verdict": "refuse", "why_not": "still_needed"}, follow=True)
    assert "Some of them are still needed" in page.content.decode()
    with nothing_written():
        answer = officer.post(f"/disposals/{row.uid}/", {"verdict": "agree"})
    assert answer.status_code == 422 and "It is decided already." in answer.content.decode()


def test_who_proposed_takes_it_back(people):
    over(people)
    row = proposed(people)
    page = client_of(LEAD).post(f"/disposals/{row.uid}/", {"verdict": "withdraw"}, follow=True)
    assert "It is taken back." in page.content.decode()
    assert Disposal.objects.get().state == "withdrawn"


@pytest.mark.parametrize("last_date", ["", "yesterday", "2026-13-01"])
def test_a_day_that_is_none_is_refused(people, last_date):
    over(people)
    lead = client_of(LEAD)
    with nothing_written():
        answer = lead.post("/disposals/fraud_referral/", {"last_date": last_date})
    assert answer.status_code == 422


def test_a_kind_that_is_not_theirs_is_not_there(people):
    over(people, suspicions.dismissed)
    for who in (LEAD, OFFICER, "b.lacombe", "e.hallam"):
        client = client_of(who)
        assert "/disposals/suspicion_report/" not in client.get("/disposals/").content.decode()
        for kind in ("suspicion_report", "no_such_kind", "debt_sale_accounts"):
            assert client.get(f"/disposals/{kind}/").status_code == 404, (who, kind)
    assert "/disposals/suspicion_report/" in client_of("h.castellan").get("/disposals/").content.decode()


def test_the_lists_ask_as_much_for_three_as_for_one(people):
    lead = client_of(LEAD)
    counted = {}
    for rows in (1, 3):
        while Case.objects.filter(is_closed=True).count() < rows:
            over(people)
        counted[rows] = {}
        for path in ("/disposals/", "/disposals/fraud_referral/"):
            lead.get(path)
            counted[rows][path] = len(statements(lead, path))
    assert counted[1] == counted[3] == {"/disposals/": 13, "/disposals/fraud_referral/": 24}
