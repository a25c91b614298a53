"""Whoever was told hears that it is no longer so: once, only if they were told, and until they confirm."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.test import TestCase

from cases.kernel import actors, casetypes, locks, record, releases
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import corrections
from cases.kernel.models import Agency, Case, CaseParty, Channel, OutboxMessage, Release, ReleasedPerson, Task
from cases.kernel.timing import sweeps
from cases.ledger import verify
from tests import factories
from tests.factories import FILED_AT
from tests.kernel.snapshots import nothing_written

STORY = releases.MessageKind(
    code="tests_story",
    label="A story",
    recipient_kind="",
    purpose="correct_recipients",
    necessity="The tests need it.",
    categories={"story": "correction"},
)


class Corrections(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.case = factories.filed(cls.people)
        cls.police = Agency.objects.get(code="sandbox-report-fraud")
        cls.alert = Agency.objects.get(code="sandbox-retail-alert")
        cls.fraudster, cls.victim = CaseParty.objects.filter(case=cls.case).order_by("number")

    def setUp(self):
        self.case = Case.objects.get(pk=self.case.pk)
        self.actor = self.people["d.osei"]
        self.casetype = casetypes.get(self.case.kind)

    def tell(self, agency, *parties, state="delivered", attempts=1):
        with record.act(self.case, "tests.told", actor=self.actor, at=FILED_AT):
            message = releases.send(
                self.case,
                replace(STORY, recipient_kind=agency.kind),
                agency=agency,
                body={"story": "told"},
                actor=self.actor,
                at=FILED_AT,
                subject_count=len(parties),
                parties=parties,
            )
        OutboxMessage.objects.filter(pk=message.pk).update(
            state=state, attempts=attempts, delivered_at=FILED_AT if state == "delivered" else None
        )
        return message

    def correct(self, change="removed", party=None, at=FILED_AT):
        case = locks.case_for_update(self.case.pk)
        with record.act(case, "tests.corrected", actor=self.actor, at=at):
            sent = corrections.send(case, change, reason="error", actor=self.actor, at=at, party=party)
            case.save()
        return sent

    def who(self, party=None):
        return [each.agency.code for each in corrections.earlier_recipients(self.case, party=party)]

    def answer(self, message, kind="correction.acknowledged"):
        agency = message.channel.agency
        content = Content(
            type=kind,
            agency_code=agency.code,
            agency_kind=agency.kind,
            agency_reference="",
            agency_sequence=None,
            occurred_at=FILED_AT,
            data={},
            message=message,
            callback_uid=uuid4(),
        )
        case = locks.case_for_update(self.case.pk)
        self.casetype.callbacks[kind](case, content, actor=actors.agency(agency), at=FILED_AT)
        OutboxMessage.objects.filter(pk=message.pk).update(acknowledged_at=FILED_AT, state="acknowledged")

    def deliver(self, message):
        OutboxMessage.objects.filter(pk=message.pk).update(state="delivered", delivered_at=FILED_AT)
        message.refresh_from_db()
        self.casetype.delivered[message.kind](locks.case_for_update(self.case.pk), message, at=FILED_AT)

    def clocks(self):
        rules = ["removal_transmission", "correction_acknowledgement"]
        return list(self.case.clocks.filter(rule__in=rules).order_by("-rule").values_list("rule", "state", "due_date"))

    def test_the_filing_and_the_persons_own_letter_are_not_put_right_here(self):
        assert Release.objects.filter(case=self.case).exists()
        assert self.who() == []

    def test_whoever_may_have_got_it_is_a_recipient_and_who_never_did_is_not(self):
        never = {("withdrawn", 0), ("superseded", 0), ("skipped", 0)}
        got = {("pending", 0), ("refused", 1), ("superseded", 1), ("dead", 3), ("unknown", 2), ("acknowledged", 1)}
        for state, attempts in sorted(never | got):
            self.tell(self.police, state=state, attempts=attempts)
            assert self.who() == (["sandbox-report-fraud"] if (state, attempts) in got else []), state
            OutboxMessage.objects.filter(case=self.case, kind="tests_story").update(state="withdrawn", attempts=0)

    def test_one_persons_recipients_are_those_told_of_that_person_or_of_all(self):
        self.tell(self.police, self.victim)
        self.tell(self.alert)
        assert self.who(self.victim) == ["sandbox-report-fraud", "sandbox-retail-alert"]
        assert self.who(self.fraudster) == ["sandbox-retail-alert"]

    def test_each_recipient_gets_one_notice_of_everything_it_was_told(self):
        first, second = self.tell(self.police, self.victim), self.tell(self.police, self.fraudster)
        self.tell(self.alert, self.fraudster)
        sent = self.correct()
        assert [(each.kind, each.channel.agency.code) for each in sent] == [
            ("correction_removed", "sandbox-report-fraud"),
            ("correction_removed", "sandbox-retail-alert"),
        ]
        body = factories.body_of(sent[0])
        assert body == {
            "change": "removed",
            "reason": "error",
            "told": [
                {"date": "2026-11-16", "message": str(first.public_id)},
                {"date": "2026-11-16", "message": str(second.public_id)},
            ],
            "subjects": [1, 2],
        }
        release = Release.objects.get(message=sent[0])
        assert list(release.items.values_list("category", "clause")) == [("correction", "keep_records_accurate")]
        assert ReleasedPerson.objects.filter(release=release).count() == 2
        assert self.clocks() == [
            ("removal_transmission", "running", date(2026, 11, 17)),
            ("correction_acknowledgement", "running", date(2026, 11, 23)),
        ]
        assert {each.level for each in verify.verify_stream(self.case.uid)} == {"recorded late"}

    def test_who_was_told_to_remove_it_is_not_told_again_until_told_anew(self):
        self.tell(self.police, self.victim, self.fraudster)
        assert len(self.correct(party=self.victim)) == 1
        assert self.correct(party=self.victim) == []
        assert self.who(self.fraudster) == ["sandbox-report-fraud"]
        assert len(self.correct()) == 1
        assert self.correct() == []
        self.tell(self.police, self.victim)
        assert len(self.correct()) == 1

    def test_nobody_told_means_nobody_corrected(self):
        before = OutboxMessage.objects.count()
        assert self.correct() == []
        assert (OutboxMessage.objects.count(), self.clocks()) == (before, [])

    def test_an_amendment_is_said_anew_first(self):
        self.tell(self.police, self.victim)

        def restate(case, *, agency, actor, at):
            return self.tell(agency, self.victim, state="pending", attempts=0)

        corrections.declare(restate={"tests_story": restate})
        self.addCleanup(corrections._restate.pop, "tests_story")
        (notice,) = self.correct("amended")
        anew = OutboxMessage.objects.filter(case=self.case, kind="tests_story").latest("pk")
        assert anew.seq < notice.seq
        assert factories.body_of(notice)["replaced_by"] == str(anew.public_id)
        assert [rule for rule, _, _ in self.clocks()] == ["correction_acknowledgement"]
        assert self.who() == ["sandbox-report-fraud"]

    def test_who_cannot_be_told_by_message_becomes_a_task_and_stops_nothing(self):
        self.tell(self.police, self.victim)
        self.tell(self.alert, self.victim)
        with record.act(self.case, "tests.disabled", actor=self.actor, at=FILED_AT):
            channel = Channel.objects.get(agency=self.police, direction="out")
            channel.state = "disabled"
            channel.save()
        sent = self.correct()
        assert [each.channel.agency.code for each in sent] == ["sandbox-retail-alert"]
        task = Task.objects.get(case=self.case, kind="correction_by_hand")
        assert task.detail == {"agency": "sandbox-report-fraud", "change": "removed", "cause": "NoChannel"}

    def test_the_clocks_end_with_the_last_delivery_and_the_last_confirmation(self):
        self.tell(self.police, self.victim)
        self.tell(self.alert, self.victim)
        first, second = self.correct()
        self.deliver(first)
        self.answer(first)
        assert [state for _, state, _ in self.clocks()] == ["running", "running"]
        self.deliver(second)
        assert [state for _, state, _ in self.clocks()] == ["met", "running"]
        self.answer(second)
        assert [state for _, state, _ in self.clocks()] == ["met", "met"]
        assert Case.objects.get(pk=self.case.pk).due_at is None

    def test_late_removal_and_late_confirmation_become_tasks(self):
        self.tell(self.police, self.victim)
        self.correct()
        sweeps.end_due_clocks(now=FILED_AT + timedelta(days=8))
        over = Task.objects.filter(case=self.case, kind="clock_over").order_by("pk")
        assert [task.detail for task in over] == [
            {"rule": "removal_transmission"},
            {"rule": "correction_acknowledgement"},
        ]

    def test_a_recipient_that_refuses_becomes_a_task(self):
        self.tell(self.police, self.victim)
        (message,) = self.correct()
        case = locks.case_for_update(self.case.pk)
        self.casetype.refused[message.kind](case, message, [{"pointer": "", "code": "UNKNOWN_CASE"}], at=FILED_AT)
        task = Task.objects.get(case=self.case, kind="correction_refused")
        assert task.detail == {
            "agency": "sandbox-report-fraud",
            "change": "correction_removed",
            "codes": ["UNKNOWN_CASE"],
        }

    def test_a_confirmation_of_something_else_is_refused_and_writes_nothing(self):
        message = self.tell(self.police, self.victim)
        with nothing_written(), pytest.raises(CaseError, match="confirms no correction"):
            self.answer(message)
