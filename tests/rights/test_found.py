"""Everything that is held of whoever asks is found: their desk decides who of other cases is they, and nothing is
answered before."""

import contextlib
from datetime import timedelta

import pytest
from django.test import TestCase

from cases.kernel import edits, intake, transitions
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.finding import joining, matching
from cases.kernel.models import Case, CaseParty, PersonPair
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.rights import access, choices, held, report
from cases.rights.models import Choice
from tests import checks, factories, suspicions
from tests import requests_of_people as rights
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web import desk

# The applicant of the check; she who asks says less of herself than a referral does.
IDRIS = {
    "role": "person",
    "values": {
        "forename": "Idris",
        "surname": "Fenwick-Okafor",
        "date_of_birth": "1991-07-30",
        "phone": "+447700900456",
    },
}
LATER, NO_WORD = AT + timedelta(days=2), "not_objected"
WAITS = "Decide first whether 1 person of another case is the one who asks"


def may(purpose, channel, **reach):
    (verdict,) = choices.verdicts([choices.reach_of(reach)], purpose=purpose, channel=channel, at=LATER)
    return verdict.may_contact, verdict.reason


class Found(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.officer = cls.people[rights.OFFICER]
        cls.check = checks.refused_automatically(cls.people)

    def asked(self, right="access", person=IDRIS):
        facts = {"right": right, "came_by": "letter"}
        case = intake.open_case(rights.REQUEST, actor=self.officer, at=AT, facts=facts, people=[person])
        transitions.apply(case.pk, "ask_identity", actor=self.officer, at=AT)
        return transitions.apply(case.pk, "confirm_identity", actor=self.officer, at=AT, inputs=rights.IDENTITY)

    def again(self, case):
        return Case.objects.get(pk=case.pk)

    def test_the_desk_joins_a_request_with_a_case_that_it_does_not_see_and_only_then_makes_the_pack(self):
        case = self.asked()
        assert "still looked for" in access.why_not(case)
        matching.compare_due(now=AT)
        pair = PersonPair.objects.get()
        assert access.why_not(case).startswith(WAITS)
        (line,) = (each for each in report.checks(case) if each.label.startswith("It is known what else"))
        assert not line.is_clear and line.detail.startswith(WAITS)
        assert self.officer.roles == {"rights_officer"}

        client = desk.client_of(rights.OFFICER)
        page = client.get(f"/cases/{case.uid}/same-people/").content.decode()
        assert self.check.reference in page and "Same person" in page
        said = client.post(f"/cases/{case.uid}/same-people/{pair.pk}/", {"verdict": "joined"}, follow=True)
        assert "The two are joined as one person." in said.content.decode()
        matching.compare_due(now=AT)
        assert {row.case_id for row in held.rows(case)} == {case.pk, self.check.pk}
        assert WAITS not in access.why_not(self.again(case))

    def test_nothing_is_answered_while_somebody_may_be_the_one_who_asks(self):
        for right in ("portability", "rectify", "erase", "restrict", "object_li"):
            case = self.asked(right) if right not in ("restrict", "object_li") else self.opened(right)
            matching.compare_due(now=AT)
            inputs = {**rights.DONE, "outcome": "nothing_held"}
            with nothing_written(counted=1), pytest.raises(CaseError, match="is the one who asks|are the one who asks"):
                transitions.apply(case.pk, "act", actor=self.officer, at=AT, inputs=inputs)

    def opened(self, right):
        facts = {"right": right, "came_by": "letter"}
        return intake.open_case(rights.REQUEST, actor=self.officer, at=AT, facts=facts, people=[IDRIS])

    def test_a_stop_waits_for_nobody(self):
        case = self.opened("stop_marketing")
        matching.compare_due(now=AT)
        assert transitions.apply(case.pk, "act", actor=self.officer, at=AT).state == "actioned"

    def test_a_stop_counts_for_whatever_a_case_that_is_joined_later_reaches_the_person_by(self):
        """UK GDPR Art 21(3): who objects once is left alone, by whatever we reach them."""
        stop, other = self.opened("stop_marketing"), "i.fenwick@example.org"
        later = intake.open_case(
            rights.REQUEST,
            actor=self.officer,
            at=LATER,
            facts={
                "right": "give_consent",
                "came_by": "shop",
                "purposes": ["own_marketing"],
                "channels": ["email", "sms"],
                "wording_version": "2026-02",
            },
            people=[{**IDRIS, "values": {**IDRIS["values"], "phone": "+447700900457"}}],
        )
        third = intake.open_case(
            rights.REQUEST,
            actor=self.officer,
            at=AT,
            facts={"right": "correction_help", "came_by": "letter"},
            people=[{**IDRIS, "values": {**IDRIS["values"], "email": other}}],
        )
        assert may("own_marketing", "email", email=other) == (False, "no_consent")
        assert may("research", "phone", email=other) == may("own_marketing", "post", email=other) == (True, NO_WORD)
        matching.compare_due(now=AT)
        for pair in PersonPair.objects.order_by("pk"):
            if {pair.first.case_id, pair.second.case_id} <= {stop.pk, later.pk, third.pk}:
                with contextlib.suppress(joining.JoinRefused):  # joined by then: each is with the third
                    joining.decide(pair.pk, "joined", actor=self.officer, at=LATER)
        assert may("own_marketing", "post", email=other) == (False, "stopped")
        assert may("research", "phone", email=other) == (True, NO_WORD)
        # Whoever agreed by another number after the stop agreed; nobody did by the e-mail of another case.
        assert may("own_marketing", "sms", phone="+447700900457") == (True, "consent")
        assert may("own_marketing", "email", email=other) == (False, "consent_withdrawn")
        entered = Choice.objects.filter(case=stop)
        assert {row.said_at for row in entered} == {stop.opened_at}
        event = LedgerEvent.objects.filter(stream=stop.uid, action="person.joined").latest("pk")
        assert AccessEvent.objects.filter(streams__contains=[third.uid], verb="suppress").exists() and event.at == LATER

    def test_a_stop_counts_for_a_number_that_is_added_to_a_case_that_is_joined_already(self):
        """UK GDPR Art 21(3)."""
        stop, number = self.opened("stop_marketing"), "+447700900458"
        other = self.asked("correction_help")
        matching.compare_due(now=AT)
        pair = PersonPair.objects.get(first__case__in=[stop, other], second__case__in=[stop, other])
        joining.decide(pair.pk, "joined", actor=self.officer, at=AT)
        assert may("own_marketing", "phone", phone=number) == (True, NO_WORD)
        with edits.change(other.pk, actor=self.officer, at=LATER) as edit:
            edit.party(1, phone=number)
        assert may("own_marketing", "phone", phone=number) == (False, "stopped")
        with edits.change(other.pk, actor=self.officer, at=LATER) as edit:
            edit.address(1, "current", line_1="9 New Row", postcode="NR2 0ZZ")
        assert (
            may("own_marketing", "post", line_1="9 New Row", postcode="NR2 0ZZ", surname="Fenwick-Okafor")[0] is False
        )
        assert LedgerEvent.objects.filter(stream=stop.uid, action="person.reached_anew").count() == 2

    def test_what_was_joined_leads_to_more_and_what_was_decided_takes_no_place(self):
        """The referral knows the victim by a number that she does not name herself."""
        birth, number = "1984-03-09", "+447700900123"
        values = {"forename": "Morwenna", "surname": "Tregaskis", "date_of_birth": birth}
        first = intake.open_case(
            rights.REQUEST,
            actor=self.officer,
            at=AT,
            facts={"right": "stop_marketing", "came_by": "letter"},
            people=[{"role": "person", "values": {**values, "phone": number}}],
        )
        referral = factories.referred(self.people)
        case = self.asked(person={"role": "person", "values": values})
        matching.compare_due(now=AT)
        (pair,) = joining.offered(self.officer, case)
        assert {pair.first.case_id, pair.second.case_id} == {first.pk, case.pk}
        joining.decide(pair.pk, "joined", actor=self.officer, at=AT)
        matching.compare_due(now=AT)
        assert {row.case_id for row in held.rows(case)} == {first.pk, case.pk}
        (more,) = joining.offered(self.officer, case)
        assert referral.pk in {more.first.case_id, more.second.case_id}
        joining.decide(more.pk, "rejected", actor=self.officer, at=AT)
        matching.compare_due(now=AT)
        assert joining.left(self.again(case)) == (0, False)

    def test_of_a_case_whose_people_are_told_nothing_and_of_a_restricted_one_it_learns_nothing(self):
        referral = factories.investigating(self.people)
        with edits.change(referral.pk, actor=self.people["a.byrne"], at=AT) as edit:
            edit.facts(prejudice_recorded=True)
        suspicions.acknowledged(self.people)
        victim = {
            "role": "person",
            "values": {"forename": "Morwenna", "surname": "Tregaskis", "phone": "+447700900123"},
        }
        case = self.asked(person={**victim, "addresses": [{"kind": "current", "postcode": "TR18 0ZZ"}]})
        matching.compare_due(now=AT)
        pair = PersonPair.objects.get(first__case=referral, second__case=case)
        assert list(joining.offered(self.officer, case)) == []
        assert joining.left(case) == (0, False)
        with nothing_written(), pytest.raises(NotAllowed):
            joining.decide(pair.pk, "joined", actor=self.officer, at=AT + timedelta(days=1))
        assert CaseParty.objects.exclude(party=None).count() == 0

    def test_whoever_may_not_match_a_request_decides_nothing_out_of_their_sight(self):
        self.asked()
        matching.compare_due(now=AT)
        pair = PersonPair.objects.get()
        for name in (rights.DPO, "a.byrne", "m.achterberg"):
            with nothing_written(), pytest.raises(CaseError):
                joining.decide(pair.pk, "joined", actor=self.people[name], at=AT)
