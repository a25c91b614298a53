"""Two cases are linked by type and both show it; a compartment's link is seen from its inside alone."""

from dataclasses import replace
from uuid import uuid4

import pytest
from django.test import TestCase

from cases.kernel import edits, policy
from cases.kernel.errors import NotAllowed, NotVisible
from cases.kernel.linking import links
from cases.kernel.models import Case, CaseLink, Task
from cases.kernel.reading import queries
from cases.ledger import verify
from cases.ledger.models import AccessEvent, LedgerEvent, LedgerHead
from cases.ledger.sealing import Reader
from tests import factories, suspicions
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

# What each type is called at its two ends, and which a person makes by hand.
KINDS = {
    "related": ("Related to", "Related to", True),
    "same_incident": ("Same incident as", "Same incident as", True),
    "arose_from": ("Arose from", "Led to", True),
    "split_from": ("Split from", "Split into", False),
}


def test_types_are_the_table():
    assert {each.code: (each.label, each.back, each.is_by_hand) for each in links.KINDS.values()} == KINDS


class Links(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.case, cls.other = factories.investigating(cls.people), factories.referred(cls.people)
        cls.report, cls.second = suspicions.referred(cls.people), suspicions.referred(cls.people)

    def setUp(self):
        self.byrne, self.officer = self.people["a.byrne"], self.people["h.castellan"]

    def make(self, kind="arose_from", *, case=None, other=None, actor=None, **given):
        case, other = case or self.case, other or self.other
        return links.make(case.pk, kind, other.reference, actor=actor or self.byrne, at=AT, **given)

    def listed(self, case, actor=None):
        actor = actor or self.byrne
        reader = Reader(actor=actor.label, verb="view", purpose="casework", streams=(case.uid,), fields=("links",))
        found = links.listed(Case.objects.get(pk=case.pk), actor, reader=reader, at=AT)
        return [(each.label, each.other.reference, each.is_one_way, each.may_remove) for each in found]

    def told(self, case):
        rows = LedgerEvent.objects.filter(stream=case.uid, action__startswith="link.").order_by("seq")
        return [(row.action, row.content()["detail"]) for row in rows]

    def test_both_cases_show_a_link_each_from_its_end(self):
        self.make()
        assert self.listed(self.case) == [("Arose from", self.other.reference, False, True)]
        assert self.listed(self.other) == [("Led to", self.case.reference, False, True)]
        assert self.told(self.case) == [("link.made", {"link": "arose_from"})]
        assert self.told(self.other) == [("link.made", {"link_from": "arose_from"})]
        assert not Task.objects.filter(kind="link_review").exists()
        for case in (self.case, self.other):
            assert {each.level for each in verify.verify_stream(case.uid)} == {"recorded late"}

    def test_a_case_page_brings_its_links_along(self):
        self.make()
        for case, label, other in ((self.case, "Arose from", self.other), (self.other, "Led to", self.case)):
            (found,) = queries.case_file(self.byrne, case.uid).links
            assert (found["label"], found["reference"], found["uid"]) == (label, other.reference, str(other.uid))

    def test_two_cases_are_linked_once_by_a_type(self):
        self.make("related")
        self.make("arose_from")
        self.make("arose_from", case=self.other, other=self.case)
        again = {"kind": "related", "case": self.other, "other": self.case}
        for given in ({"kind": "related"}, again, {"kind": "arose_from"}):
            with nothing_written(), pytest.raises(links.LinkRefused, match="linked like this already"):
                self.make(**given)

    def test_what_cannot_be_linked_is_refused_and_writes_nothing(self):
        refused = (
            ({"kind": "split_from"}, "Choose what kind of link it is."),
            ({"kind": "cousin"}, "Choose what kind of link it is."),
            ({"other": self.case}, "A case is not linked with itself."),
            ({"other": self.report}, "You see no case with that reference."),
            ({"other": Case(reference="FRD-2026-999999")}, "You see no case with that reference."),
        )
        for given, sentence in refused:
            with nothing_written(), pytest.raises(links.LinkRefused) as told:
                self.make(**given)
            assert str(told.value) == sentence
        with nothing_written(), pytest.raises(NotVisible):
            self.make(actor=self.people["m.achterberg"])
        with nothing_written(), pytest.raises(NotAllowed):
            self.make(actor=self.people["b.lacombe"])

    def test_the_team_of_a_case_one_may_only_read_is_asked_to_look(self):
        """The officer of a mixed desk may link their own kind, and reads the other."""
        reader = replace(self.byrne, roles=frozenset({"fraud_analyst"}), team_ids=frozenset())
        edits.assign(self.case.pk, factories.user("a.byrne"), actor=self.byrne, at=AT)
        edits.assign(self.other.pk, factories.user("a.byrne"), actor=self.byrne, at=AT)
        real = policy.can

        def only_own(actor, act, *, case=None, **given):
            found = real(actor, act, case=case, **given)
            return replace(found, is_allowed=found.is_allowed and not (act == "link" and case == self.other))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(policy, "can", only_own)
            self.make(actor=reader)
        (task,) = Task.objects.filter(kind="link_review")
        assert (task.case_id, task.detail) == (self.other.pk, {"link": "arose_from"})

    def test_a_link_is_removed_with_a_reason_from_either_end(self):
        for end, other in ((self.case, self.other), (self.other, self.case)):
            link = self.make()
            with nothing_written(), pytest.raises(links.LinkRefused, match=r"^Give a reason\.$"):
                links.remove(end.pk, link.uid, actor=self.byrne, at=AT, reason=" ")
            links.remove(end.pk, link.uid, actor=self.byrne, at=AT, reason="Typed wrongly.")
            assert self.listed(end) == self.listed(other) == []
            assert [self.told(each)[-1][0] for each in (end, other)] == ["link.removed", "link.removed"]
            reasons = [LedgerEvent.objects.filter(stream=each.uid).latest("seq").reason for each in (end, other)]
            assert [reason is not None for reason in reasons] == [True, False]
            with nothing_written(), pytest.raises(NotVisible):
                links.remove(end.pk, link.uid, actor=self.byrne, at=AT, reason="Again.")
        assert CaseLink.objects.filter(removed_by=self.byrne.user_id).count() == 2
        assert {each.level for each in verify.verify_stream(self.case.uid)} == {"recorded late"}

    def test_a_link_is_removed_by_whoever_may_link_alone(self):
        link = self.make()
        with nothing_written(), pytest.raises(NotAllowed):
            links.remove(self.case.pk, link.uid, actor=self.people["b.lacombe"], at=AT, reason="No.")
        for case_id, uid in ((self.case.pk, uuid4()), (self.report.pk, link.uid)):
            with nothing_written(), pytest.raises(NotVisible):
                links.remove(case_id, uid, actor=self.byrne, at=AT, reason="No.")

    def test_a_link_to_a_case_the_reader_may_not_see_is_not_shown(self):
        self.make()
        tied = replace(self.byrne, tied_case_ids=frozenset({self.other.pk}))
        assert self.listed(self.case, tied) == []
        assert queries.case_file(tied, self.case.uid).links == ()
        link = CaseLink.objects.get()
        with nothing_written(), pytest.raises(NotVisible):
            links.remove(self.case.pk, link.uid, actor=tied, at=AT, reason="No.")

    def test_a_restricted_case_shows_its_link_and_the_other_nothing(self):
        streams = [self.case.uid]
        before = list(LedgerHead.objects.filter(stream__in=streams).values_list("seq", "hash"))
        row = Case.objects.filter(pk=self.case.pk).values().get()

        link = self.make(case=self.report, other=self.case, actor=self.officer)

        assert (link.other_id, link.outside is None) == (None, False)
        assert self.listed(self.report, self.officer) == [("Arose from", self.case.reference, True, True)]
        assert self.listed(self.case) == self.listed(self.case, self.officer) == []
        assert queries.case_file(self.officer, self.case.uid).links == ()
        assert list(LedgerHead.objects.filter(stream__in=streams).values_list("seq", "hash")) == before
        assert Case.objects.filter(pk=self.case.pk).values().get() == row
        assert not Task.objects.filter(case=self.case).exists()
        assert self.told(self.report) == [("link.made", {"link": "arose_from"})]
        assert str(self.case.uid) not in str(LedgerEvent.objects.filter(stream=self.report.uid).latest("seq").content())
        assert AccessEvent.objects.filter(streams__contains=[self.case.uid], fields=["links"]).count() == 2
        with nothing_written(), pytest.raises(links.LinkRefused, match="linked like this already"):
            self.make(case=self.report, other=self.case, actor=self.officer)

        links.remove(self.report.pk, link.uid, actor=self.officer, at=AT, reason="Another customer.")

        assert self.listed(self.report, self.officer) == []
        assert list(LedgerHead.objects.filter(stream__in=streams).values_list("seq", "hash")) == before
        assert {each.level for each in verify.verify_stream(self.report.uid)} == {"recorded late"}

    def test_a_link_to_a_restricted_case_is_entered_there(self):
        both = replace(
            self.officer,
            roles=self.officer.roles | {"fraud_analyst"},
            team_ids=self.officer.team_ids | {self.case.team_id},
        )
        with nothing_written(), pytest.raises(links.LinkRefused, match="Enter this link on the restricted case"):
            self.make(other=self.report, actor=both)

    def test_two_cases_of_one_compartment_show_each_other(self):
        self.make("related", case=self.report, other=self.second, actor=self.officer)
        assert self.listed(self.second, self.officer) == [("Related to", self.report.reference, False, True)]
        with nothing_written(), pytest.raises(NotVisible):
            self.make(case=self.report)
