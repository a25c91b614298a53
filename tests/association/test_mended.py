"""Each end of a link is reached, and nothing is said of one that is not so."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import TestCase

from cases.association import intake
from cases.kernel import casetypes, edits
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, Task
from cases.kernel.timing import sweeps
from tests import associations as links
from tests import breaches, factories
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web import desk


class Mended(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()

    def after(self, case, name, by, at=AT, **inputs):
        return links.after(case, name, self.people[by], at, **inputs)

    def test_challenge_that_is_upheld_before_anything_left_ends_by_itself(self):
        case = self.after(links.confirmed(self.people), "challenge", links.OFFICER, **links.DENIAL)
        case = self.after(case, "uphold_challenge", links.CONFIRMER)
        assert case.state == "correcting"
        sweeps.end_due_clocks(now=AT + timedelta(minutes=2))
        assert Case.objects.get(pk=case.pk).state == "withdrawn"

    def test_only_a_document_that_shows_the_agreement_dismisses_a_challenge(self):
        case = links.challenged(self.people)
        links.attach(case, self.people[links.OFFICER], kind="identity")
        with nothing_written(counted=1), pytest.raises(CaseError, match="Name the document"):
            self.after(case, "dismiss_challenge", links.CONFIRMER, evidence="2")
        form = casetypes.get("association").transition_forms["dismiss_challenge"]
        assert [code for code, _ in form(case=Case.objects.get(pk=case.pk)).fields["evidence"].choices] == ["1"]

    def test_challenge_is_not_dismissed_for_somebody_whom_nobody_confirmed(self):
        """Domain 7.3: a link is confirmed by a second person, on evidence of that person's agreement. What it says and
        of whom stays as it was confirmed; rulings: every four-eyes test uses one who holds both roles."""
        both = replace(self.people[links.OFFICER], roles=frozenset({"credit_officer", "credit_reviewer"}))
        case = self.after(links.confirmed(self.people), "challenge", "i.sowande", **links.DENIAL)
        somebody_else = {"forename": "Marigold", "surname": "Quarrie", "date_of_birth": "1990-05-05"}
        with (
            nothing_written(),
            pytest.raises(edits.EditRefused, match="can no longer be changed"),
            edits.change(case.pk, actor=both, at=AT) as edit,
        ):
            edit.party(2, **somebody_else)
        case = self.after(links.challenged(self.people), "detach", links.OFFICER, person=2)
        case = links.agree(case, self.people[links.CONFIRMER])
        with nothing_written(counted=1), pytest.raises(CaseError, match="not those whom a second person confirmed"):
            self.after(case, "dismiss_challenge", links.CONFIRMER, evidence="1")

    def test_challenge_is_not_dismissed_by_whoever_attached_what_shows_the_agreement(self):
        both = replace(self.people[links.OFFICER], roles=frozenset({"credit_officer", "credit_reviewer"}))
        case = links.challenged(self.people)
        links.attach(case, both)
        with nothing_written(counted=1), pytest.raises(CaseError, match="You attached this document"):
            links.after(case, "dismiss_challenge", both, evidence="2")
        assert self.after(case, "dismiss_challenge", links.CONFIRMER, evidence="2").state == "active"

    def test_agency_that_breaks_a_link_after_its_end_raises_no_alarm(self):
        case = links.broken(self.people)
        links.say("b", case, "association.broken", at=AT + timedelta(days=100))
        assert not Task.objects.filter(case=case, kind="association_broken_elsewhere").exists()

    def test_moment_of_no_calendar_is_a_fault_of_the_sender(self):
        errors = []
        assert intake._moment("0001-01-01T00:00:00+10:00", errors) is None
        assert [pointer for pointer, _, _ in errors] == ["/declared_at"]

    def test_what_a_kind_must_not_is_not_offered_and_its_codes_are_words(self):
        case = links.declared(self.people)
        page = desk.client_of(links.OFFICER).get(f"/cases/{case.uid}/").content.decode()
        assert "Add a person" not in page
        assert "Split the case" not in page
        with nothing_written(counted=1), pytest.raises(CaseError, match="not divided"):
            self.after(case, "split", links.OFFICER, people=["1"], summary="x")
        breach = breaches.assessed(self.people)
        page = desk.client_of("j.merriweather").get(f"/cases/{breach.uid}/").content.decode()
        assert "Add a person" not in page
        assert ">Ico<" not in page
