"""What a hold stops does not leave while it is in force, also what was promised before it began."""

import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.test import TestCase
from django.urls import reverse

from cases.agencies import queue
from cases.kernel import holds, transitions, verdicts
from cases.kernel.exchange import held
from cases.kernel.exchange import letters as notices
from cases.kernel.models import Agency, Approval, Hold, Letter, OutboxMessage, Task
from cases.kernel.reading import status
from cases.reports import letters
from tests import factories
from tests.agencies.stage import now, promise
from tests.factories import APPROVED_AT, FILED_AT
from tests.fraud.standing import Stage
from tests.web import desk


def claim():
    OutboxMessage.objects.filter(state="pending").update(due_at=Now() - timedelta(minutes=1))
    return [one.message_id for one in queue.claim(uuid.uuid4())]


class Held(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.case = factories.approved(cls.people)
        cls.filing = OutboxMessage.objects.get(case=cls.case)

    def hold(self, *blocks, **given):
        said = {"actor": self.people["a.byrne"], "at": APPROVED_AT, "source": "legal", "reason": "Not now."}
        return holds.enter(self.case.pk, "legal", blocks=list(blocks), **{**said, **given})

    def counted(self):
        OutboxMessage.objects.update(due_at=Now() - timedelta(minutes=1))
        return next(each.count for each in status.queues(now=now()) if each.label == "Messages to agencies")

    def test_a_filing_waits_for_the_end_of_a_hold_on_reporting_and_then_leaves(self):
        hold = self.hold("report")
        assert (claim(), self.counted()) == ([], 0)
        page = desk.client_of("d.osei").get(reverse("web:messages", args=[self.case.uid])).content.decode()
        assert "A hold stops it: it leaves when the hold ends" in page
        given = {"actor": self.people["a.byrne"], "at": APPROVED_AT, "reason": "It is over."}
        transitions.apply(self.case.pk, "release_hold", inputs={"hold": str(hold.pk)}, **given)
        assert claim() == []
        asked = Approval.objects.get(case=self.case, act="release_hold")
        verdicts.decide(asked.uid, "agreed", actor=self.people["d.osei"], at=FILED_AT)
        assert (self.counted(), claim()) == (1, [self.filing.pk])

    def test_a_hold_on_something_else_or_to_come_or_over_keeps_nothing(self):
        self.hold("dispose")
        self.hold("report", at=now(), began_at=now() + timedelta(days=1))
        self.hold("report", began_at=APPROVED_AT, ends_at=APPROVED_AT + timedelta(hours=1))
        assert (self.counted(), claim()) == (1, [self.filing.pk])

    def test_a_hold_on_reporting_keeps_nothing_else_and_no_other_case(self):
        other = factories.referred(self.people, incident_reference="DET-77")
        removal, elsewhere = promise(other, kind="fpa_remove"), promise(other, kind="fpa_amend")
        self.hold("report")
        assert sorted(claim()) == [removal.pk]
        assert elsewhere.stream_id == removal.stream_id


class Printed(Stage):
    """A letter that is printed and that nobody has tried to send."""

    def setUp(self):
        assert letters.make_due_letters(now=FILED_AT) == 1

    def letter(self):
        row = Letter.objects.select_related("message").get(case=self.filed)
        return row.state, row.message.state

    def hold(self, kind="vulnerable", **given):
        holds.enter(self.filed.pk, kind, actor=self.people["p.nair"], at=FILED_AT, source="customer", **given)

    def detach(self):
        self.do("detach", "p.nair", reason="Somebody else of that name.", person="2")
        asked = Approval.objects.get(case=self.filed, act="detach")
        verdicts.decide(asked.uid, "agreed", actor=self.people["judge"], at=FILED_AT)

    def test_a_hold_on_contact_takes_it_back_and_it_is_written_once_the_hold_ends(self):
        self.hold()
        assert self.letter() == ("due", "withdrawn")
        assert letters.make_due_letters(now=FILED_AT) == 0
        assert self.tasks() == [notices.HELD]
        hold = Hold.objects.get(case=self.filed)
        self.do("release_hold", "p.nair", reason="They are well again.", hold=str(hold.pk))
        assert letters.make_due_letters(now=FILED_AT) == 1
        assert (self.letter(), self.tasks()) == (("rendered", "pending"), [])

    def test_a_hold_for_somebody_else_or_on_something_else_leaves_it_alone(self):
        self.hold(person=1)
        self.hold("dispute")
        assert self.letter() == ("rendered", "pending")

    def test_one_that_somebody_tried_to_send_is_not_taken_back(self):
        OutboxMessage.objects.filter(case=self.filed, kind="letter").update(attempts=1)
        self.hold()
        self.detach()
        assert self.letter() == ("rendered", "pending")

    def test_none_is_posted_to_whoever_was_taken_out_meanwhile(self):
        self.detach()
        assert self.letter() == ("withdrawn", "withdrawn")
        assert not Task.objects.filter(case=self.filed, kind=notices.FAILED).exists()
        self.verified()


class OfOnePerson(Stage):
    def test_a_hold_for_one_person_keeps_what_is_about_that_person(self):
        self.tell(Agency.objects.get(code="sandbox-report-fraud"), self.victim)
        wanted = OutboxMessage.objects.get(case=self.filed, kind="tests_told").pk
        OutboxMessage.objects.filter(pk=wanted).update(
            kind="report_fraud", state="pending", attempts=0, delivered_at=None, settled_at=None
        )
        given = {"actor": self.people["p.nair"], "at": FILED_AT, "source": "legal", "blocks": ["report"]}

        holds.enter(self.filed.pk, "legal", person=1, **given)
        assert not OutboxMessage.objects.filter(held.is_kept(), pk=wanted).exists()
        with transaction.atomic():
            assert wanted in claim()
            transaction.set_rollback(True)
        holds.enter(self.filed.pk, "legal", person=2, **given)
        assert OutboxMessage.objects.filter(held.is_kept(), pk=wanted).exists()
        assert wanted not in claim()
