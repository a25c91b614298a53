"""An office with a filing that stands, for tests of what becomes of it."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import TestCase

from cases.agencies import settlement
from cases.kernel import actors, casetypes, locks, record, releases, transitions
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.models import (
    Agency,
    Case,
    CaseParty,
    Channel,
    Letter,
    OutboxMessage,
    Task,
)
from cases.ledger import verify
from tests import factories
from tests.factories import FILED_AT
from tests.kernel.snapshots import nothing_written

NEXT_DAY = FILED_AT + timedelta(days=1)
PRESENT = {"grounds": "innocent", "subject": "2"}
TOLD = releases.MessageKind(
    code="tests_told",
    label="A story",
    recipient_kind="",
    purpose="correct_recipients",
    necessity="The tests need it.",
    categories={"story": "correction"},
)


class Stage(TestCase):
    """One office with filed cases; whatever a test does is undone after it."""

    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.people["judge"] = factories.judge(cls.people)
        cls.filed = factories.filed(cls.people)
        cls.fraudster, cls.victim = CaseParty.objects.filter(case=cls.filed).order_by("number")

    def do(self, name, by, *, case=None, at=FILED_AT, reason="", **inputs):
        actor = self.people.get(by) or {"agency": factories.fpa(), "system": actors.system("tests")}[by]
        return transitions.apply((case or self.filed).pk, name, actor=actor, at=at, reason=reason, inputs=inputs)

    def refused(self, why, name, by, *, error=CaseError, **given):
        with nothing_written(counted=1), pytest.raises(error) as refusal:
            self.do(name, by, **given)
        assert why in str(refusal.value), str(refusal.value)

    def sent(self, *kinds):
        rows = OutboxMessage.objects.filter(case=self.filed, kind__in=kinds).order_by("pk")
        return [(row.kind, row.state, factories.body_of(row)) for row in rows]

    def tasks(self, case=None):
        rows = Task.objects.filter(case=case or self.filed, closed_at=None).order_by("pk")
        return list(rows.values_list("kind", flat=True))

    def clocks(self, *rules):
        rows = self.filed.clocks.filter(rule__in=rules).order_by("pk")
        return list(rows.values_list("rule", "state", "due_date"))

    def letters(self):
        rows = Letter.objects.filter(case=self.filed).order_by("pk")
        return list(rows.values_list("template", "party__number", "state"))

    def say(self, kind, *, message=None, agency="sandbox-fraud-register", at=FILED_AT, occurred_at=None, **data):
        row = Agency.objects.get(code=agency)
        content = Content(
            type=kind,
            agency_code=row.code,
            agency_kind=row.kind,
            agency_reference=data.pop("reference", "SFR-2026-0004417"),
            agency_sequence=1,
            occurred_at=occurred_at,
            data=data,
            message=message,
            callback_uid=uuid4(),
        )
        case = locks.case_for_update(self.filed.pk)
        casetypes.get(case.kind).callbacks[kind](case, content, actor=actors.agency(row), at=at)
        return Case.objects.get(pk=case.pk)

    def end(self, kind, state, *, at=NEXT_DAY, **columns):
        """Let the last message of a kind end as delivery would, and the case take note."""
        message = OutboxMessage.objects.filter(case=self.filed, kind=kind).latest("pk")
        if state == "delivered":
            columns["delivered_at"] = at
        OutboxMessage.objects.filter(pk=message.pk).update(state=state, attempts=1, **columns)
        settlement.settle(now=at)
        message.refresh_from_db()
        return message

    def tell_police(self):
        return self.tell(Agency.objects.get(code="sandbox-report-fraud"), self.fraudster, self.victim)

    def tell(self, agency, *parties):
        """Have told an agency of people of the case, on record."""
        case = locks.case_for_update(self.filed.pk)
        osei = self.people["d.osei"]
        with record.act(case, "tests.told", actor=osei, at=FILED_AT):
            message = releases.send(
                case,
                replace(TOLD, recipient_kind=agency.kind),
                agency=agency,
                body={"story": "told"},
                actor=osei,
                at=FILED_AT,
                subject_count=len(parties),
                parties=parties,
            )
        OutboxMessage.objects.filter(pk=message.pk).update(state="delivered", attempts=1, delivered_at=FILED_AT)
        return message

    def close_the_channel(self):
        with record.act(self.filed, "tests.disabled", actor=actors.system("tests"), at=FILED_AT):
            for channel in Channel.objects.filter(agency__kind="fpa", direction="out"):
                channel.state = "disabled"
                channel.save()

    def verified(self):
        assert {each.level for each in verify.verify_stream(self.filed.uid)} <= {"recorded late"}
