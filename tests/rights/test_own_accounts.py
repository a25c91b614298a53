"""Of the accounts that a person names the pack gives their own, and nothing of whoever shares a name, a telephone or a
home with them, or held one with them: UK GDPR Art 15(4)."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import TestCase

from cases.accounts import uploads
from cases.accounts.models import Account, BureauTold
from cases.kernel import intake, transitions
from cases.kernel.background import jobrun
from cases.kernel.errors import CaseError
from cases.kernel.models import Agency
from cases.ledger import api as ledger
from cases.reports import requests
from tests import associations, factories
from tests import requests_of_people as rights
from tests.accounts import portfolio
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

LATER = AT + timedelta(minutes=5)
NUMBER = "8000000011"
SHARED = "+447700900611"
# She is Leocadia Brathwaite, born on 11 February 1979, of 3 Lantern Court, Leeds LS1 0ZZ.
PERSON = {
    "role": "person",
    "values": {**associations.DECLARER["values"], "account_reference": NUMBER, "phone": SHARED},
    "addresses": associations.DECLARER["addresses"],
}
HERS = {"forename": "Leocadia", "surname": "Brathwaite", "date_of_birth": "1979-02-11"}
HIS = {"forename": "Ambrose", "surname": "Brathwaite", "date_of_birth": "1975-06-01", "phone": SHARED}
HOME = {"line_1": "3 Lantern Court", "town": "Leeds", "postcode": "LS1 0ZZ"}
NOT_SHOWN = {"Not in this pack": "nothing shows that it is yours. Tell us under which name you have it, if it is."}
NOBODY_SAYS = {"phone": "", "email": "", "line_1": "", "town": "", "postcode": ""}


class OwnAccounts(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        associations.enter()

    def tell(self, *holders, **told):
        row = portfolio.row(11) | {"account": NUMBER, "as_of": "2026-11-10"} | told
        for number, holder in enumerate(holders, start=1):
            said = {**NOBODY_SAYS, **holder} if number == 1 else holder
            row |= {f"holder_{number}_{name}": value for name, value in said.items()}
        analyst = next(each for each in self.people.values() if "collections_analyst" in each.roles)
        uploads.take([portfolio.file([row])], actor=analyst, at=AT)
        jobrun.work(clock=lambda: AT, seconds=60)

    def given(self, **values):
        """Return what the pack of her request says of her accounts that it gives."""
        return [each for each in self.said(**values) if "Not in this pack" not in each]

    def said(self, **values):
        """Return what the pack of her request says of the accounts that she names."""
        person = {**PERSON, "values": {**PERSON["values"], **values}}
        facts = {"right": "access", "came_by": "letter"}
        officer = self.people[rights.OFFICER]
        case = intake.open_case(rights.REQUEST, actor=officer, at=AT, facts=facts, people=[person])
        rights.identify(case, self.people)
        factories.scan()
        report = requests.request(rights.read_through(case, self.people), actor=officer, at=AT, level="subject")
        reader = requests._reader(report, "subject_access")
        data = requests.papers.draft(report, requests.paper_of(report.case, "subject"), reader=reader, at=LATER).data
        return [
            {each["name"]: each["value"] for each in item["values"]} for item in json.loads(data)["parts"]["accounts"]
        ]

    def test_account_of_a_husband_is_not_given_whatever_the_two_share(self):
        self.tell({**HIS, **HOME, "email": "home@example.org"}, flags="prison:2026-11-01")
        assert self.given(email="home@example.org") == []

    def test_account_is_not_given_where_one_of_birth_and_first_name_is_said_and_another(self):
        for holder in (
            {**HERS, **HOME, "date_of_birth": "1948-09-02", "phone": SHARED},  # mother and daughter of one name
            {**HERS, **HOME, "forename": "Philippa", "phone": SHARED},  # twins
            {**HERS, **HOME, "forename": "P.", "phone": SHARED},
        ):
            self.tell(holder)
            assert self.given() == []

    def test_account_is_not_given_where_only_a_last_name_and_a_telephone_agree(self):
        self.tell({"forename": "L", "surname": "Brathwaite", "date_of_birth": "", "phone": SHARED})
        assert self.given() == []

    def test_account_is_given_where_it_is_hers_by_birth_or_by_name_and_one_thing_more(self):
        for holder in (
            HERS,
            {**HERS, "forename": "L."},
            {**HERS, "date_of_birth": "", "phone": "07700 900611"},
            {**HERS, "date_of_birth": "", "forename": "LEOCADIA MAY", **HOME},
        ):
            self.tell(holder)
            (account,) = self.given()
            assert account["Balance"] == "£50.11"

    def test_account_that_she_does_not_name_is_given_where_it_is_hers_and_nothing_is_said_of_another(self):
        """UK GDPR Art 15: what is held is given, whoever knows its number."""
        self.tell(HERS)
        (account,) = self.given(account_reference="")
        assert account["Balance"] == "£50.11"
        self.tell({**HERS, **HOME, "date_of_birth": "1948-09-02"})
        assert self.said(account_reference="") == []

    def test_nobody_is_told_that_nothing_is_held_or_all_is_erased_who_has_an_account_that_they_do_not_name(self):
        self.tell(HERS)
        for right, outcome, why in (
            ("portability", "nothing_held", "an account with us is theirs"),
            ("erase", "done", "Their account stays with billing"),
        ):
            person = {**PERSON, "values": HERS}
            facts = {"right": right, "came_by": "letter"}
            officer = self.people[rights.OFFICER]
            case = intake.open_case(rights.REQUEST, actor=officer, at=AT, facts=facts, people=[person])
            rights.identify(case, self.people)
            with nothing_written(counted=1), pytest.raises(CaseError, match=why):
                inputs = {**rights.DONE, "outcome": outcome}
                transitions.apply(case.pk, "act", actor=officer, at=AT, inputs=inputs)

    def test_account_under_a_short_name_is_given_where_the_birth_agrees_and_else_named_as_not_shown(
        self,
    ):
        """A person is given what is theirs (UK GDPR Art 15), and is never left to think that there is nothing more."""
        hers = {**HERS, "forename": "Liz"}
        for known, is_given in (("Elizabeth", True), ("Betty", True), ("Leocadia", False), ("Louisa", False)):
            self.tell(hers)
            assert bool(self.given(forename=known)) == is_given, known
        self.tell({**hers, **HOME, "date_of_birth": "", "phone": SHARED})  # her mother may be called Liz
        assert self.given(forename="Elizabeth") == []
        assert self.said(forename="Elizabeth") == [NOT_SHOWN]

    def test_account_under_another_first_name_is_given_once_a_request_says_that_they_are_called_so(self):
        self.tell({**HERS, "forename": "Blossom"})
        assert self.given() == []
        (account,) = self.given(alias="Blossom")
        assert account["First name"] == "Blossom"

    def test_pack_says_the_same_of_an_account_of_somebody_else_and_of_one_that_is_not_there(self):
        self.tell({**HIS, **HOME})
        there = self.said()
        assert there == [NOT_SHOWN]
        assert self.said(account_reference="8000000099") == there

    def test_whoever_held_an_account_is_given_their_own_entry_and_nothing_of_what_became_of_it(self):
        """Domain 8.4, access by ex-partner: the balance, what is noted and what agencies are told are the other's."""
        other = {"forename": "Zebedee", "surname": "Thirdparty", "date_of_birth": "1970-01-02"}
        self.tell(HERS, other)
        self.tell(other, as_of="2026-11-13", balance_pence="98700", flags="payment_arrangement:2026-11-12")
        account = Account.objects.get()
        bureau = Agency.objects.get(code="sandbox-bureau-a")
        with ledger.action(uuid4(), "tests.told", actor="tests", at=AT):
            BureauTold.objects.create(account=account, agency=bureau, told_at=AT, status="2", balance_pence=98700)
        assert self.given() == [
            {
                "You held it until": "13 November 2026",
                "First name": "Leocadia",
                "Last name": "Brathwaite",
                "Date of birth": "11 February 1979",
            }
        ]
