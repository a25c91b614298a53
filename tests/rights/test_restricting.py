"""A restriction of use stops what the firm itself does with a matter, UK GDPR Art 18; its end asks for the release."""

from datetime import timedelta

import pytest
from django.test import TestCase

from cases.kernel import actors, edits, holds, record, transitions
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, CaseParty, Hold, Letter, OutboxMessage, Task
from cases.rights import report
from cases.rights.forms import ActForm
from cases.web import wording
from tests import associations, factories
from tests import requests_of_people as rights
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.rights.test_access import hide, join

LATER = AT + timedelta(minutes=5)
NOTHING = "Nothing would stop the use"


class Restricting(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.officer = cls.people[rights.OFFICER]
        cls.link, cls.other = associations.declared(cls.people), rights.asked(cls.people, "rectify")
        cls.case = rights.asked(cls.people, "restrict")
        cls.hers = CaseParty.objects.get(case=cls.link, role="declarer")
        join(cls.hers, *(CaseParty.objects.get(case=each) for each in (cls.other, cls.case)))

    def act(self, case=None, **inputs):
        given = {**rights.DONE, **inputs}
        return transitions.apply((case or self.case).pk, "act", actor=self.officer, at=LATER, inputs=given)

    def refused(self, **inputs):
        with nothing_written(counted=1), pytest.raises(CaseError) as refusal:
            self.act(**inputs)
        return str(refusal.value)

    def test_no_person_is_told_that_use_is_restricted_where_nothing_stops_it(self):
        assert self.refused(changed_in=["none"]).startswith(NOTHING)
        assert self.refused(changed_in=[]).startswith("Say in which matters it was changed")
        assert self.refused(changed_in=[str(self.case.uid)]).startswith("Say in which matters it was changed")
        assert not Hold.objects.exists()
        edits.attach(
            self.case.pk,
            kind="correction",
            file_name="billing.txt",
            media_type="text/plain",
            data=b"Restricted in billing.",
            actor=self.officer,
            at=AT,
        )
        assert self.act(changed_in=["none"]).state == "actioned"
        assert not Hold.objects.exists()

    def test_the_matters_that_are_chosen_are_held_for_the_person_and_do_nothing_with_it(self):
        hide(self.people)
        form = ActForm(case=Case.objects.get(pk=self.case.pk)).fields["changed_in"]
        assert form.label == "Stop the use in these matters"
        assert [value for value, _ in form.choices] == [str(self.link.uid), str(self.other.uid), "none"]
        self.act(changed_in=[str(self.link.uid)])
        hold = Hold.objects.get()
        assert (hold.case_id, hold.party, hold.kind, hold.source) == (
            self.link.pk,
            self.hers,
            "data_protection",
            "customer",
        )
        assert sorted(hold.blocks) == ["cra_default", "dispose", "enforce", "place", "report", "sell"]
        confirmer = associations.other_reviewer(self.people)
        with nothing_written(counted=1), pytest.raises(CaseError, match="A policy hold stops this"):
            associations.after(self.link, "confirm", confirmer, LATER)
        assert holds.blocks(Case.objects.get(pk=self.link.pk), "contact", at=LATER) is None
        (table,) = (each for each in report.tables(Case.objects.get(pk=self.case.pk)) if each.title.startswith("Use"))
        assert [row[0] for row in table.rows] == [self.link.reference]

    def test_an_objection_that_is_upheld_stops_the_use_as_well_and_tells_nobody_of_a_restriction(self):
        """UK GDPR Art 21(1): no longer processed."""
        case = rights.asked(self.people, "object_li")
        join(self.hers, *(CaseParty.objects.get(case=each) for each in (self.other, self.case, case)))
        with nothing_written(counted=1), pytest.raises(CaseError, match=NOTHING):
            self.act(case, changed_in=["none"])
        self.act(case, changed_in=[str(self.link.uid)])
        hold = Hold.objects.get()
        assert (hold.case_id, hold.kind) == (self.link.pk, "objection")
        assert not OutboxMessage.objects.filter(kind__startswith="correction_").exists()

    def test_what_is_restricted_already_is_held_once(self):
        self.act(changed_in=[str(self.link.uid)])
        again = rights.asked(self.people, "restrict")
        join(self.hers, *(CaseParty.objects.get(case=each) for each in (self.other, self.case, again)))
        self.act(again, changed_in=[str(self.link.uid), str(self.other.uid)])
        assert list(Hold.objects.order_by("pk").values_list("case", flat=True)) == [self.link.pk, self.other.pk]

    def test_the_end_of_a_restriction_leaves_an_objection_to_the_same_matter_as_it_is(self):
        objected = rights.asked(self.people, "object_li")
        join(self.hers, *(CaseParty.objects.get(case=each) for each in (self.other, self.case, objected)))
        self.act(objected, changed_in=[str(self.link.uid)])
        self.act(changed_in=[str(self.link.uid)])
        restriction, objection = Hold.objects.get(kind="data_protection"), Hold.objects.get(kind="objection")
        (table,) = (each for each in report.tables(Case.objects.get(pk=self.case.pk)) if each.title.startswith("Use"))
        assert [row[2] for row in table.rows] == ["An objection", "A restriction"]
        self.act(self.lifted(objected))
        asked = Task.objects.filter(case=self.link, kind="hold_review", detail__is_over=True)
        assert [each.detail["hold"] for each in asked] == [restriction.pk]
        assert objection.released_at is None

    def lifted(self, *more):
        lifted = rights.asked(self.people, "lift_restriction")
        rows = (CaseParty.objects.get(case=each) for each in (self.other, self.case, *more, lifted))
        join(self.hers, *rows)
        with record.act(lifted, "tests.posted", actor=actors.system("tests"), at=LATER):
            letter = Letter.objects.get(case=lifted)
            letter.state, letter.dispatched_date = "dispatched", LATER.date()
            letter.save()
        return lifted

    def test_its_end_asks_the_desk_of_each_matter_to_release_the_hold(self):
        self.act(changed_in=[str(self.link.uid)])
        self.act(self.lifted())
        task, hold = Task.objects.get(case=self.link, kind="hold_review"), Hold.objects.get()
        assert task.detail == {"hold": hold.pk, "is_over": True}
        assert "its reason is over" in wording.task_label(task.kind, task.detail)
        assert hold.released_at is None  # two people release it, as any of its kind
