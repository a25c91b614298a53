"""What the page of a case says of its people: who is innocent only where somebody says so, and no card of nobody."""

from django.test import TestCase

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
