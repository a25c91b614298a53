"""A link from its declaration to its end: who may, what leaves, what the agencies' answers do."""

from datetime import date

from django.test import TestCase

from cases.association import report
from cases.association.models import AgencyLink
from cases.kernel import casetypes
from cases.kernel.models import Case, OutboxMessage, Task
from tests import associations, factories
from tests.factories import AT


def states(case):
    rows = AgencyLink.objects.filter(case=case).order_by("agency__code")
    return [row.state for row in rows]


class ThePathOfALink(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()

    def test_a_link_is_told_to_every_agency_and_active_with_the_first_reference(self):
        case = associations.confirmed(self.people)
        told = OutboxMessage.objects.filter(case=case, kind="cra_assoc").order_by("pk")
        bodies = [factories.body_of(message) for message in told]
        assert len(bodies) == 3
        assert bodies[0] == bodies[1] == bodies[2]
        assert [each["side"] for each in bodies[0]["people"]] == ["declarer", "other"]
        assert states(case) == ["told", "told", "told"]
        case = associations.say("b", case, "association.recorded", reference="FA-2026-77")
        assert case.state == "active"
        assert states(case) == ["told", "recorded", "told"]
        case = associations.say("a", case, "association.refused", errors=[{"pointer": "/people/1", "code": "NO_FILE"}])
        assert (case.state, states(case)) == ("active", ["refused", "recorded", "told"])
        assert Task.objects.filter(case=case, kind="association_not_recorded", closed_at=None).count() == 1

    def test_an_upheld_challenge_is_removed_everywhere_and_ends_with_the_last_answer(self):
        case = associations.correcting(self.people)
        assert states(case) == ["removing"] * 3
        for letter, left in (("a", 2), ("c", 1)):
            case = associations.say(letter, case, "association.removed")
            assert (case.state, states(case).count("removing")) == ("correcting", left)
        case = associations.say("b", case, "association.removed")
        assert (case.state, case.is_closed, case.retention_class) == ("withdrawn", True, "association_evidence")

    def test_documents_of_a_link_go_after_a_year_and_between_whom_it_was_is_kept_for_six(self):
        """Domain 1.7: evidence 12 months after the break, link history 6 years. Nobody was linked by one rejected."""
        ended = {}
        for build in (associations.broken, associations.withdrawn, associations.rejected):
            case = build(self.people)
            kept = case.parties.values_list("retention_class", "dispose_after_date").distinct()
            ended[case.state] = [(case.retention_class, case.dispose_after_date), *kept]
        year, history = ("association_evidence", date(2027, 11, 14)), ("association_history", date(2032, 11, 14))
        assert ended == {"broken": [year, history], "withdrawn": [year, history], "rejected": [year, year]}

    def test_a_break_ends_when_every_agency_has_answered(self):
        case = associations.signposted(self.people)
        assert case.association.suspended_at == AT
        shown = dict(report.facts_view(case))
        assert shown[report.ASKER] == "Signed in to their account"
        assert report.ASKER in casetypes.get("association").not_for_subject  # the other does not hear who asked
        for letter, kind in (("a", "broken"), ("b", "kept")):
            case = associations.say(letter, case, f"association.{kind}")
            assert case.state == "signposted"
        case = associations.say("c", case, "association.broken")
        assert (case.state, states(case)) == ("broken", ["broken", "kept", "broken"])
        assert Case.objects.get(pk=case.pk).is_closed

    def test_a_link_that_every_agency_broke_already_waits_for_a_person_and_not_for_ever(self):
        case = associations.active(self.people)
        for letter in "abc":
            case = associations.say(letter, case, "association.broken")
        officer, reviewer = self.people["m.achterberg"], self.people["p.lindqvist"]
        case = associations.after(case, "request_break", officer, **associations.ASKS)
        case = associations.agree(associations.after(case, "signpost", officer, exposure="none"), reviewer)
        assert (case.state, states(case), case.is_dormant) == ("signposted", ["broken"] * 3, False)
        assert Task.objects.filter(case=case, kind="association_decide_break", closed_at=None).count() == 1
        assert not case.clocks.filter(rule="association_break_result").exists()
        assert associations.after(case, "break", officer).state == "broken"
        assert not Task.objects.filter(case=case, kind="association_decide_break", closed_at=None).exists()
