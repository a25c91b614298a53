"""A person who is not the person is detached: by two once somebody was told, and everybody told hears of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import TestCase
from django.urls import reverse

from cases.kernel import edits, record, releases, transitions, verdicts
from cases.kernel.exchange import chase, corrections, deadletters
from cases.kernel.finding import joining, matching
from cases.kernel.linking import detaching
from cases.kernel.models import (
    Agency,
    Approval,
    Case,
    CaseParty,
    OutboxMessage,
    PersonPair,
    SearchEntry,
    Task,
)
from cases.ledger import verify
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.factories import AT, FILED_AT
from tests.kernel.snapshots import nothing_written
from tests.kernel.test_corrections import STORY
from tests.web import desk

WHY = "Her namesake."


class Detaching(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()

    def ask(self, case, number=2, *, by="a.byrne", at=AT, reason=WHY):
        actor = self.people[by]
        return transitions.apply(case.pk, "detach", actor=actor, at=at, reason=reason, inputs={"person": number})

    def agree(self, case, *, by="d.osei", at=FILED_AT):
        approval = Approval.objects.get(case=case, act="detach", closed_at=None)
        return verdicts.decide(approval.uid, "agreed", actor=self.people[by], at=at)

    def tell(self, case, agency, *parties):
        with record.act(case, "tests.told", actor=self.people["d.osei"], at=FILED_AT):
            message = releases.send(
                case,
                replace(STORY, recipient_kind=agency.kind),
                agency=agency,
                body={"story": "told"},
                actor=self.people["d.osei"],
                at=FILED_AT,
                subject_count=len(parties),
                parties=parties,
            )
        OutboxMessage.objects.filter(pk=message.pk).update(state="delivered", attempts=1, delivered_at=FILED_AT)
        return message

    def test_one_person_detaches_while_nobody_outside_was_told(self):
        case = factories.investigating(self.people)
        self.ask(case)
        party = CaseParty.objects.get(case=case, number=2)
        assert party.is_detached
        assert set(party.addresses.values_list("is_detached", flat=True)) == {True}
        assert not SearchEntry.objects.filter(party=party).exists()
        event = LedgerEvent.objects.filter(stream=case.uid).latest("seq")
        assert event.action == "fraud_referral.detach" and event.reason is not None
        assert {name: event.content()["detail"][name] for name in ("person", "notices")} == {"person": 2, "notices": 0}
        assert not OutboxMessage.objects.filter(case=case).exists()
        assert {each.level for each in verify.verify_stream(case.uid)} == {"recorded late"}

    def test_two_people_detach_after_tries_that_were_given_up(self):
        case = factories.approved(self.people)
        filing = OutboxMessage.objects.get(case=case)
        for state, attempts, by_two in (
            ("withdrawn", 0, False),
            ("superseded", 0, False),
            ("skipped", 0, False),
            ("withdrawn", 10, True),
            ("superseded", 10, True),
            ("skipped", 10, True),
            ("dead", 10, True),
            ("refused", 1, True),
            ("pending", 0, True),
        ):
            OutboxMessage.objects.filter(pk=filing.pk).update(state=state, attempts=attempts)
            with self.subTest(state=state, attempts=attempts):
                assert detaching.was_told(case) is by_two
        OutboxMessage.objects.filter(pk=filing.pk).update(state="dead", attempts=10)
        filing.refresh_from_db()
        deadletters.skip(filing, actor=self.people["a.byrne"], at=FILED_AT, reason="Their machine is gone.")
        self.ask(case, at=FILED_AT)
        assert not CaseParty.objects.get(case=case, number=2).is_detached

    def test_two_people_detach_once_somebody_was_told(self):
        case = factories.filed(self.people)
        self.ask(case, at=FILED_AT)
        assert not CaseParty.objects.get(case=case, number=2).is_detached
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match="You asked for this"):
            self.agree(case, by="a.byrne")
        self.agree(case)
        assert CaseParty.objects.get(case=case, number=2).is_detached

    def test_every_earlier_recipient_hears_of_it_once_and_is_chased(self):
        case = factories.filed(self.people)
        fraudster, victim = CaseParty.objects.filter(case=case).order_by("number")
        police = Agency.objects.get(code="sandbox-report-fraud")
        alert = Agency.objects.get(code="sandbox-retail-alert")
        self.tell(case, police, victim)
        self.tell(case, alert, fraudster)

        self.ask(case, at=FILED_AT)
        self.agree(case)

        (notice,) = OutboxMessage.objects.filter(case=case, kind=corrections.REMOVED.code)
        assert notice.channel.agency == police
        assert corrections.earlier_recipients(Case.objects.get(pk=case.pk), party=victim) == []
        rules = case.clocks.filter(ended_at=None).values_list("rule", flat=True)
        assert {"removal_transmission", "correction_acknowledgement"} <= set(rules)
        OutboxMessage.objects.filter(pk=notice.pk).update(state="delivered", attempts=1, delivered_at=FILED_AT)
        late = FILED_AT + timedelta(days=8)
        chase.chase_late(now=late)
        (task,) = [
            each
            for each in Task.objects.filter(case=case, kind=chase.TASK)
            if each.detail["message"] == str(notice.public_id)
        ]
        assert task.detail["agency"] == "sandbox-report-fraud"
        chased = OutboxMessage.objects.filter(case=case, kind=chase.CHASER.code, channel__agency=police)
        assert str(notice.public_id) in {factories.body_of(message)["about"] for message in chased}
        assert {each.level for each in verify.verify_stream(case.uid)} == {"recorded late"}

    def test_what_an_agency_filed_about_the_person_becomes_a_task(self):
        case = factories.filed(self.people)
        victim = CaseParty.objects.get(case=case, number=2)
        assert [row.message_kind for row in detaching.told_by_filing(case, victim)] == ["fpa_file"]
        self.ask(case, at=FILED_AT)
        self.agree(case)
        (task,) = Task.objects.filter(case=case, kind="detached_filed")
        assert task.detail == {"agency": "sandbox-fraud-register", "person": 2}
        assert not OutboxMessage.objects.filter(case=case, kind=corrections.REMOVED.code).exists()

    def test_a_join_is_undone_and_what_ran_for_the_person_alone_ends(self):
        case, other = factories.filed(self.people), factories.referred(self.people)
        matching.compare_due(now=AT)
        pair = PersonPair.objects.filter(first__case=case, second__case=other, first__number=2).latest("score")
        joining.decide(pair.pk, "joined", actor=self.people["a.byrne"], at=AT)
        running = case.clocks.filter(party__number=2, ended_at=None).count()
        assert running == 1
        self.ask(case, at=FILED_AT)
        self.agree(case)
        assert CaseParty.objects.get(case=case, number=2).party_id is None
        assert PersonPair.objects.get(pk=pair.pk).state == "rejected"
        assert not case.clocks.filter(party__number=2, ended_at=None).exists()

    def test_what_waited_for_approval_is_void(self):
        case = factories.ready(self.people)
        self.ask(case)
        assert Approval.objects.get(case=case, act="approve").voided_at == AT

    def test_what_cannot_be_detached_is_refused_and_writes_nothing(self):
        case = factories.investigating(self.people)
        for given, sentence in (
            ({"number": 9}, "The case has no such person, or they are detached already."),
            ({"number": "x"}, "The case has no such person, or they are detached already."),
            ({"reason": ""}, "Give a reason."),
        ):
            with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused) as told:
                self.ask(case, **given)
            assert str(told.value) == sentence
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused):
            self.ask(case, by="d.osei")
        self.ask(case)
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match="detached already"):
            self.ask(case)

    def test_the_page_says_who_hears_of_it_and_keeps_what_was_typed(self):
        case = factories.filed(self.people)
        victim = CaseParty.objects.get(case=case, number=2)
        self.tell(case, Agency.objects.get(code="sandbox-report-fraud"), victim)
        client = desk.client_of("a.byrne")
        path = reverse("web:detach", args=[case.uid, 2])
        page = client.get(path).content.decode()
        assert "<li>Sandbox Report Fraud</li>" in page and "<li>Sandbox Fraud Register</li>" in page
        assert "A second person agrees before it happens." in page
        refused = client.post(path, {"reason": " "})
        assert refused.status_code == 409 and "Give a reason." in refused.content.decode()
        done = client.post(path, {"reason": WHY}, follow=True).content.decode()
        assert "Proposed. It happens when another person agrees." in done
        assert desk.client_of("d.osei").get(path).status_code == 403

    def test_who_was_detached_is_not_edited_any_more(self):
        case = factories.investigating(self.people)
        self.ask(case)
        victim = CaseParty.objects.get(case=case, number=2)
        assert victim.is_detached
        client = desk.client_of("a.byrne")
        for name, args in (("edit_person", [2]), ("add_address", [2]), ("edit_address", [2, 1])):
            assert client.get(reverse(f"web:{name}", args=[case.uid, *args])).status_code == 404, name
        writes = (
            lambda edit: edit.party(2, phone="+447700900199"),
            lambda edit: edit.address(2, "current", line_1="1 New Row"),
            lambda edit: edit.add_address(2, "previous", line_1="1 New Row"),
        )
        for write in writes:
            with (
                nothing_written(),
                pytest.raises(edits.EditRefused, match="detached from the case"),
                edits.change(case.pk, actor=self.people["a.byrne"], at=AT) as edit,
            ):
                write(edit)
