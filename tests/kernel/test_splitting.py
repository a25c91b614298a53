"""A case is split by two people: who goes is copied into a new, linked case. What a merge would do is seen first."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.kernel import accountholds, actors, casetypes, edits, holds, record, transitions, verdicts
from cases.kernel.background import jobrun, jobs
from cases.kernel.evidence import handing, store, taking
from cases.kernel.finding import joining, matching
from cases.kernel.linking import mergepreview
from cases.kernel.models import (
    Approval,
    Case,
    CaseAddress,
    CaseLink,
    Evidence,
    Job,
    PersonPair,
    QuietHold,
    SearchEntry,
    StoredBlob,
    Task,
)
from cases.kernel.reading import queries
from cases.kernel.restricted import quietholds
from cases.ledger import sealing, verify
from cases.ledger.models import LedgerEvent
from tests import factories, suspicions
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web import desk

WHY = "Two incidents in one referral."
HOUR = timedelta(hours=1)


def held_quietly(case, people):
    """An open report of suspicion holds a case by its token."""
    hidden = suspicions.acknowledged(people)
    with record.act(hidden, "tests.held", actor=actors.system("tests"), at=AT):
        quietholds.place(hidden, [quietholds.case_token(case.uid)], blocks=["dispose", "pay_out"], at=AT)
    return hidden


def lift(hidden):
    with record.act(hidden, "tests.lifted", actor=actors.system("tests"), at=AT):
        quietholds.lift(hidden, at=AT)


class Splitting(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.case = factories.investigating(cls.people)

    def propose(self, case=None, *, by="a.byrne", reason=WHY, **inputs):
        case = case or self.case
        usual = {"people": [1], "both": [], "documents": [1]}
        return transitions.apply(
            case.pk, "split", actor=self.people[by], at=AT, reason=reason, inputs={**usual, **inputs}
        )

    def agree(self, case=None, by="d.osei", at=AT):
        approval = Approval.objects.get(case=case or self.case, act="split", closed_at=None)
        return verdicts.decide(approval.uid, "agreed", actor=self.people[by], at=at)

    def new(self):
        return Case.objects.exclude(pk=self.case.pk).latest("pk")

    def opened(self, rows, fields):
        reader = sealing.Reader(actor="tests", verb="view", purpose="tests")
        return sealing.open_rows(rows, fields, reader=reader, at=AT)

    def test_nothing_happens_until_a_second_person_agrees(self):
        self.propose()
        assert Case.objects.count() == 1
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match="You asked for this"):
            self.agree(by="a.byrne")

    def test_who_goes_is_copied_into_a_new_linked_case_and_detached_here(self):
        self.propose()
        self.agree()

        new = self.new()
        assert (new.kind, new.state, new.team_id, new.is_restricted) == (
            "fraud_referral",
            "referred",
            self.case.team_id,
            False,
        )
        assert new.reference != self.case.reference and new.clocks.filter(rule="fraud_triage").exists()
        (copy,) = new.parties.all()
        old = self.case.parties.get(number=1)
        assert (copy.role, copy.is_innocent, copy.is_detached, copy.key_id != old.key_id) == (
            old.role,
            False,
            False,
            True,
        )
        assert self.opened([copy], ("alias", "ip_address")) == self.opened([old], ("alias", "ip_address"))
        (home,) = copy.addresses.all()
        assert self.opened([home], ("postcode",)) == [{"postcode": "LS1 0ZZ"}]
        assert (old.is_detached, self.case.parties.get(number=2).is_detached) == (True, False)
        assert set(CaseAddress.objects.filter(party=old).values_list("is_detached", flat=True)) == {True}
        assert not SearchEntry.objects.filter(party=old).exists()
        assert SearchEntry.objects.filter(party=copy).exists()
        link = CaseLink.objects.get()
        assert (link.case_id, link.other_id, link.kind) == (new.pk, self.case.pk, "split_from")
        facts = queries.facts_of(queries.case_file(self.people["a.byrne"], new.uid).case)
        assert (facts.fpa_case_type, facts.value_at_risk_pence) == ("facility_takeover", 109_900)
        assert self.opened([facts], ("account_reference",)) == [{"account_reference": "NM-4471"}]

    def test_a_document_stays_and_is_copied_with_its_hash(self):
        self.propose()
        self.agree()
        here, there = Evidence.objects.get(case=self.case), Evidence.objects.get(case=self.new())
        assert (there.sha256, there.size, there.number, there.kind) == (here.sha256, here.size, 1, here.kind)
        assert there.blob_id != here.blob_id and there.key_id == self.new().key_id
        assert self.opened([there], ("file_name",)) == [{"file_name": "call-13-november.txt"}]

    def test_both_streams_tell_it_and_verify(self):
        self.propose()
        self.agree()
        new = self.new()
        event = LedgerEvent.objects.filter(stream=self.case.uid).latest("seq")
        detail = event.content()["detail"]
        assert event.action == "fraud_referral.split"
        assert (detail["reference"], detail["people"], detail["stay"]) == (new.reference, [1], [])
        first = LedgerEvent.objects.get(stream=new.uid)
        assert (first.action, first.content()["detail"]) == (
            "case.opened",
            {"kind": "fraud_referral", "link": "split_from", "shaped_by": [self.people["a.byrne"].label]},
        )
        for case in (self.case, new):
            assert {each.level for each in verify.verify_stream(case.uid)} == {"recorded late"}

    def test_what_holds_the_case_or_who_goes_holds_the_new_case_too(self):
        maker, ends = self.people["a.byrne"], AT + timedelta(days=30)
        for kind, more in (
            ("legal", {"reference": "HQ-1", "ends_at": ends}),
            ("breathing_space", {"person": 1}),
            ("vulnerable", {"person": 2}),
            ("deceased", {"ends_at": AT + HOUR}),
        ):
            holds.enter(self.case.pk, kind, actor=maker, at=AT, source="customer", **more)
        self.propose()
        self.agree(at=AT + 2 * HOUR)

        new = self.new()
        (person,) = new.parties.all()
        assert [(each.kind, each.party_id, each.ends_at, each.began_at) for each in new.holds.order_by("pk")] == [
            ("legal", None, ends, AT),
            ("breathing_space", person.pk, None, AT),
        ]
        assert self.opened(new.holds.filter(kind="legal"), ("reference",)) == [{"reference": "HQ-1"}]
        assert holds.blocks(new, "contact", person=person, at=AT + 2 * HOUR)
        assert holds.blocks(new, "dispose", at=AT + 2 * HOUR)
        assert new.clocks.filter(rule="k14_ask_review", party=person).exists()
        assert LedgerEvent.objects.get(stream=new.uid).content()["detail"]["holds"] == ["legal", "breathing_space"]
        assert self.case.holds.filter(released_at=None).count() == 4
        for case in (self.case, new):
            assert {each.level for each in verify.verify_stream(case.uid)} == {"recorded late"}

    def test_what_a_compartment_holds_or_needs_goes_on_in_the_new_case_and_nothing_is_written_there(self):
        hidden = held_quietly(self.case, self.people)
        before = (QuietHold.objects.count(), LedgerEvent.objects.filter(stream=hidden.uid).count())
        self.propose()
        self.agree()
        new = self.new()
        with CaptureQueriesContext(connection) as asked:
            assert holds.blocks(new, "pay_out", at=AT) == holds.blocks(new, "dispose", at=AT) == holds.SENTENCE
        assert before == (QuietHold.objects.count(), LedgerEvent.objects.filter(stream=hidden.uid).count())
        assert quietholds.origins([new.pk]) == [(new.pk, self.case.pk, self.case.uid)]
        lift(hidden)
        with CaptureQueriesContext(connection) as without:
            assert holds.blocks(new, "pay_out", at=AT) is holds.blocks(new, "dispose", at=AT) is None
        # One who counts the questions cannot tell, but for those that a held case is spared, as with any other hold.
        assert len(asked) <= len(without)
        about = {"about_reference": self.case.reference, "about_token": quietholds.case_token(self.case.uid)}
        suspicions.referred(self.people, **about, is_from_secrecy=False)
        assert holds.blocks(new, "dispose", at=AT) == holds.SENTENCE

    def test_somebody_may_be_in_both(self):
        self.propose(people=[1], both=[2], documents=[])
        self.agree()
        assert list(self.new().parties.order_by("number").values_list("role", flat=True)) == [
            "third_party_fraudster",
            "victim_of_takeover",
        ]
        assert not self.case.parties.get(number=2).is_detached
        assert not Evidence.objects.filter(case=self.new()).exists()

    def attach(self, case, data):
        return edits.attach(
            case.pk,
            kind="document",
            file_name="log.txt",
            media_type="text/plain",
            data=data,
            actor=self.people["a.byrne"],
            at=AT,
        )

    def test_copies_are_numbered_without_the_erased_and_the_next_document_follows(self):
        erased, last = self.attach(self.case, b"Erased."), self.attach(self.case, b"Last.")
        sealing.destroy(erased.blob.key, actor="system:tests", reason="retention", at=AT)
        self.propose(documents=[1, erased.number, last.number])
        self.agree()
        assert list(self.new().evidence.order_by("number").values_list("number", flat=True)) == [1, 2]
        assert self.attach(self.new(), b"Next.").number == 3

    def test_bad_copy_is_a_task_and_damaged_document_stays_behind_with_one(self):
        bad, damaged = self.attach(self.case, b"Bad."), self.attach(self.case, b"Damaged.")
        factories.scan("infected")
        StoredBlob.objects.filter(pk=damaged.blob_id).update(sealed=b"x" * 40)
        self.propose(documents=[bad.number, damaged.number])
        with self.captureOnCommitCallbacks(execute=True):
            self.agree()
        assert list(self.new().evidence.values_list("number", "sha256")) == [(1, bad.sha256)]
        owed = Task.objects.filter(kind__in=["document_infected", "document_damaged"]).exclude(
            case=self.case, kind="document_infected"
        )
        assert set(owed.values_list("case", "kind", "detail__document")) == {
            (self.new().pk, "document_infected", 1),
            (self.case.pk, "document_damaged", damaged.number),
        }

    def test_documents_of_a_store_follow_when_no_case_is_locked(self):
        data = b"Nine words. " * 4000
        large = self.attach(self.case, data)
        factories.scan()
        self.propose(documents=[1, large.number])
        self.agree()
        assert list(self.new().evidence.values_list("number", flat=True)) == [1]
        assert jobrun.work(clock=lambda: AT) == 1
        copy = self.new().evidence.get(number=2)
        assert (copy.sha256, copy.scan, copy.blob.kept) == (large.sha256, "clean", "folder")
        assert copy.blob_id != large.blob_id and copy.key_id == self.new().key_id
        assert self.opened([copy], ("file_name",)) == [{"file_name": "log.txt"}]
        reader = sealing.Reader(actor="tests", verb="view", purpose="tests")
        assert b"".join(handing.open_document(copy, reader=reader, at=AT).chunks) == data
        assert {each.level for each in verify.verify_stream(self.new().uid)} == {"recorded late"}
        assert not Task.objects.filter(case=self.new()).exists()

    def redacted(self, original, data, **more):
        """Take in a redacted copy of a document."""
        taken = taking.take(self.case, [data], file_name="log.txt", media_type="text/plain", at=AT)
        actor, of = self.people["a.byrne"], original.number if original else None
        return edits.keep(self.case.pk, taken, kind="document", redacts=of, actor=actor, at=AT, **more)

    def test_what_is_said_of_a_document_as_evidence_goes_along_wherever_the_document_lies(self):
        said = ("Given by person 1 of their own accord.", "Recorded with notice.")
        kept = [
            self.redacted(None, b"Ours. " * many, admissibility=text)
            for many, text in zip((1, 6000), said, strict=True)
        ]
        factories.scan()
        self.propose(documents=[row.number for row in kept])
        self.agree()
        jobrun.work(clock=lambda: AT)
        new = list(self.new().evidence.order_by("number"))
        assert [each["admissibility"] for each in self.opened(new, ("admissibility",))] == list(said)
        assert {row.key_id for row in new} == {self.new().key_id}

    def test_which_document_is_the_redacted_copy_is_kept_where_either_comes_along_later(self):
        small, large = b"Small. ", b"Nine words. " * 4000
        pairs = []
        for first, second in ((large, small), (small + small, large + small), (large + large, large[:-1])):
            original = self.attach(self.case, first)
            pairs.append((original, self.redacted(original, second)))
        factories.scan()
        self.propose(documents=[row.number for pair in pairs for row in pair])
        self.agree()
        jobrun.work(clock=lambda: AT)
        new = self.new().evidence.select_related("redacts")
        assert {row.sha256: row.redacts and row.redacts.sha256 for row in new} == {
            **{copy.sha256: original.sha256 for original, copy in pairs},
            **{original.sha256: None for original, _ in pairs},
        }
        assert {each.level for each in verify.verify_stream(self.new().uid)} == {"recorded late"}

    def test_damaged_document_of_a_store_is_a_task_of_both_cases(self):
        rows = [self.attach(self.case, b"Nine words. " * number) for number in (4000, 4001)]
        factories.scan()
        for row in rows:
            store.named(row.blob.kept).delete(row.blob.uid)
        self.propose(documents=[row.number for row in rows])
        self.agree()
        jobrun.work(clock=lambda: AT)
        assert not self.new().evidence.exists()
        assert Task.objects.get(case=self.new(), closed_at=None).kind == "split_document_missing"
        assert Task.objects.filter(case=self.case, kind="document_damaged", closed_at=None).count() == 2

    def test_document_whose_store_is_away_is_a_task_of_the_new_case_and_the_split_stands(self):
        large = self.attach(self.case, b"Nine words. " * 4000)
        StoredBlob.objects.filter(pk=large.blob_id).update(kept="s3")
        self.propose(documents=[large.number])
        self.agree()
        jobrun.work(clock=lambda: AT)
        assert not self.new().evidence.exists()
        assert Task.objects.get(case=self.new(), closed_at=None).kind == "split_document_missing"

    def test_copying_that_is_given_up_is_a_task_of_the_new_case(self):
        for reason in ("no_progress", "rows_unknown"):
            case = factories.investigating(self.people)
            large = self.attach(case, b"Nine words. " * 4000)
            factories.scan()
            self.propose(case, documents=[large.number])
            self.agree(case)
            new, job = Case.objects.latest("pk"), Job.objects.latest("pk")
            if reason == "no_progress":
                Job.objects.filter(pk=job.pk).update(claims=jobs.MOST_CLAIMS)
            else:
                Job.objects.filter(pk=job.pk).update(params={"of": case.pk, "case": new.pk})
            assert jobrun.work(clock=lambda: AT) == 0
            job.refresh_from_db()
            assert (job.state, job.reason) == ("failed", reason)
            assert not new.evidence.exists()
            (task,) = Task.objects.filter(case=new, closed_at=None)
            assert (task.kind, task.team_id) == ("split_document_missing", new.team_id)
            assert task.detail == {"job": str(job.uid), "work": "copy_documents"}
            assert not Task.objects.filter(case=case, kind="split_document_missing").exists()
            assert {each.level for each in verify.verify_stream(new.uid)} == {"recorded late"}

    def test_what_waited_for_approval_is_void(self):
        case = factories.ready(self.people)
        self.propose(case)
        self.agree(case)
        assert Approval.objects.get(case=case, act="approve").voided_at == AT

    def test_what_cannot_be_split_is_refused_and_writes_nothing(self):
        told = factories.approved(self.people)
        refused = (
            (self.case, {"people": [], "both": []}, "Choose at least one person who goes to the new case."),
            (self.case, {"people": [7]}, "The case has no such person or document."),
            (self.case, {"documents": [4]}, "The case has no such person or document."),
            (self.case, {"people": [1, 2]}, "Somebody must stay. Choose who stays here as well."),
            (self.case, {"reason": " "}, "Give a reason."),
            (
                told,
                {},
                "This case can no longer be changed in its present state. "
                "Somebody outside was told of this case. Take that back or correct it first.",
            ),
        )
        for case, given, sentence in refused:
            with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused) as refusal:
                self.propose(case, **given)
            assert str(refusal.value) == sentence
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused):
            self.propose(by="d.osei")

    def test_a_restricted_case_splits_inside_its_compartment(self):
        report = suspicions.written(self.people)
        with edits.change(report.pk, actor=self.people["h.castellan"], at=AT) as edit:
            edit.add_party({**suspicions.SUBJECT, "values": {"forename": "Ada", "surname": "Quill"}})
        self.propose(report, by="h.castellan", documents=[])
        self.agree(report, by="w.strake")
        new = self.new()
        assert new.is_restricted and new.reference.startswith("R-") and new.team_id == report.team_id

    def test_the_page_keeps_what_was_chosen_and_shows_it_to_whoever_agrees(self):
        client = desk.client_of("a.byrne")
        path = reverse("web:split", args=[self.case.uid])
        assert "Copy document 1" in client.get(path).content.decode()
        typed = {"person-1": "goes", "person-2": "goes", "reason": "Two."}
        page = client.post(path, typed)
        assert page.status_code == 409
        assert "Somebody must stay." in page.content.decode() and ">Two.</textarea>" in page.content.decode()
        assert page.content.decode().count('value="goes" selected') == 2
        done = client.post(path, {**typed, "person-2": "both", "document-1": "on"}, follow=True)
        assert "Proposed. It happens when another person agrees." in done.content.decode()
        shown = " ".join(
            desk.client_of("d.osei").get(reverse("web:case", args=[self.case.uid])).content.decode().split()
        )
        for label, value in (("Goes: persons", "1"), ("In both: persons", "2"), ("Copied: documents", "1")):
            assert f"<dt>{label}</dt><dd>{value}</dd>" in shown


class MergeSeenFirst(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.case, cls.other = factories.investigating(cls.people), factories.referred(cls.people, loss_pence=4_200)

    def see(self):
        return mergepreview.preview(self.case, self.other, actor=self.people["a.byrne"], at=AT)

    def test_it_says_what_ends_what_stays_and_how_the_two_differ(self):
        actor = self.people["a.byrne"]
        holds.enter(self.case.pk, "legal", actor=actor, at=AT, source="court", reason="Order.")
        edits.add_note(self.case.pk, "Called.", actor=actor, at=AT)
        matching.compare_due(now=AT)
        pair = PersonPair.objects.filter(first__case=self.case, first__number=2).latest("score")
        joining.decide(pair.pk, "joined", actor=actor, at=AT)

        with nothing_written():
            found = self.see()

        assert found.refusals == ()
        assert found.periods and all(isinstance(each, str) for each in found.periods)
        assert found.holds == ("Legal hold",)
        assert [(each.number, each.there, each.is_certain) for each in found.people][1] == (2, pair.second.number, True)
        assert [(each.number, each.there) for each in found.documents] == [(1, None)]
        assert found.note_count == 1
        assert any("£42.00" in (here, there) for _, here, there in found.differences)

    def merge(self):
        given = {"actor": self.people["a.byrne"], "at": AT, "reason": "Twice.", "inputs": {"into": str(self.other.uid)}}
        transitions.apply(self.case.pk, "merge", **given)
        approval = Approval.objects.get(case=self.case, act="merge", closed_at=None)
        return verdicts.decide(approval.uid, "agreed", actor=self.people["d.osei"], at=AT)

    def hold(self, kind, case=None, **more):
        case = case or self.case
        return holds.enter(case.pk, kind, actor=self.people["a.byrne"], at=AT, source="customer", **more)

    def test_what_held_the_case_that_closes_holds_the_one_that_stays(self):
        self.hold("fraud_victim")
        self.hold("legal")
        self.hold("legal", self.other)
        assert self.see().holds == ("Fraud victim",)
        placing = {"numbers": ["NM-4471"], "block": "place", "at": AT}
        before = accountholds.entered(**placing)

        self.merge()

        assert accountholds.entered(**placing) == before == {"NM4471": frozenset({"fraud_victim"})}
        assert sorted(self.other.holds.values_list("kind", flat=True)) == ["fraud_victim", "legal"]
        told = LedgerEvent.objects.get(stream=self.other.uid, action="case.merged_from")
        assert told.content()["detail"]["holds"] == ["fraud_victim"]

    def test_what_a_compartment_holds_on_the_case_that_closes_stops_the_one_that_stays(self):
        hidden = held_quietly(self.case, self.people)
        assert holds.blocks(self.other, "pay_out", at=AT) is None
        self.merge()
        assert holds.blocks(self.other, "pay_out", at=AT) == holds.SENTENCE
        lift(hidden)
        assert holds.blocks(self.other, "pay_out", at=AT) is None

    def test_a_hold_for_one_person_is_for_whom_they_are_joined_with_else_for_the_whole_case(self):
        self.hold("vulnerable", person=2)
        self.hold("deceased", person=1)
        matching.compare_due(now=AT)
        pairs = PersonPair.objects.filter(first__case=self.case, first__number=2, second__number=2)
        joining.decide(pairs.get(second__case=self.other).pk, "joined", actor=self.people["a.byrne"], at=AT)

        self.merge()

        there = {each.kind: each.party for each in self.other.holds.all()}
        assert there == {"vulnerable": self.other.parties.get(number=2), "deceased": None}

    def test_it_says_why_not(self):
        told = factories.approved(self.people)
        found = mergepreview.preview(told, self.other, actor=self.people["a.byrne"], at=AT)
        assert found.refusals == ("Somebody outside was told of this case. Take that back or correct it first.",)

    def test_the_page_shows_it_before_it_is_proposed_and_before_it_is_agreed(self):
        path = reverse("web:merge", args=[self.case.uid])
        client = desk.client_of("a.byrne")
        page = client.get(path, {"into": self.other.reference}).content.decode()
        assert "How the facts differ" in page and "Propose the merge" in page
        unknown = client.get(path, {"into": "FRD-2026-999999"})
        assert unknown.status_code == 422 and "You see no other case of this kind" in unknown.content.decode()
        step = reverse("web:step", args=[self.case.uid, "merge"])
        client.post(step, {"into": self.other.reference, "reason": "Twice."})
        checker = desk.client_of("d.osei").get(path).content.decode()
        assert self.other.reference in checker and "The merge is proposed." in checker
        assert "Propose the merge" not in checker

    def test_a_case_the_reader_may_not_see_is_as_unknown_as_none(self):
        tied = replace(self.people["a.byrne"], tied_case_ids=frozenset({self.other.pk}))
        assert "merge" in casetypes.get("fraud_referral").lifecycle
        assert not queries.policy.visible_to(tied).filter(pk=self.other.pk).exists()
