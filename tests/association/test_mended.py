"""Each end of a link is reached, and nothing is said of one that is not so."""

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
        """Domain 7.3: a link is confirmed by a second person, on evidence of that person's agreement."""
        case = self.after(links.challenged(self.people), "detach", links.OFFICER, person=2)
        if case.approvals.filter(closed_at=None).exists():
            case = links.agree(case, self.people[links.CONFIRMER])
        with edits.change(case.pk, actor=self.people[links.OFFICER], at=AT) as edit:
            edit.add_party({**links.OTHER, "values": {"forename": "Marigold", "surname": "Quarrie"}})
        with nothing_written(counted=1), pytest.raises(CaseError, match="not those whom a second person confirmed"):
            self.after(case, "dismiss_challenge", links.CONFIRMER, evidence="1")
        assert self.after(case, "uphold_challenge", links.CONFIRMER).state == "correcting"

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
