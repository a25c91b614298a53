"""What the page of a case says of its people: who is innocent only where somebody says so, and no card of nobody."""

from django.test import TestCase

from cases.credit.forms import FactsForm
from tests import checks, creditfiles, factories
from tests.web import desk

MARK, CARD = '<span class="tag ok plain">Innocent</span>', '<h2 id="sj-h">People</h2>'


class Pages(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()

    def page(self, case, who):
        answer = desk.client_of(who, is_stepped_up=True).get(f"/cases/{case.uid}/")
        assert answer.status_code == 200
        return answer.content.decode()

    def test_nobody_is_marked_as_innocent_where_nobody_is_accused(self):
        check = checks.decided(self.people)
        assert check.parties.get().is_innocent
        shown = self.page(check, checks.OFFICER)
        assert CARD in shown
        assert MARK not in shown
        referral = factories.investigating(self.people)
        assert MARK in self.page(referral, "a.byrne")

    def test_a_kind_that_never_has_people_has_no_card_of_them(self):
        case = creditfiles.opened()
        assert CARD not in self.page(case, creditfiles.STEWARD)

    def test_money_of_a_check_is_typed_in_pounds_and_kept_in_pence(self):
        typed = {"application_id": "A-77", "occasion": "new", "channel": "web", "product": "mob_paym"}
        form = FactsForm({**typed, "monthly": "45", "handset": "£1,299.50", "notice_version": "2026-02"})
        assert form.is_valid(), form.errors
        assert (form.cleaned_data["monthly_pence"], form.cleaned_data["handset_pence"]) == (4500, 129950)
        shown = desk.client_of(checks.OFFICER).get("/cases/new/check/").content.decode()
        assert "in pounds" in shown and "pence" not in shown
