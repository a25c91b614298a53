"""What agencies' words put about people: each flag has a notice and a time of its own, and may be taken back."""

from datetime import UTC, date, datetime

import pytest
from django.db import transaction

from cases.fraud import forms, incoming
from cases.fraud.models import DerivedFlag, IncomingNotice
from cases.kernel import actors, clocks, locks, record, verdicts
from cases.kernel.disposal import erasing
from cases.kernel.errors import CaseError
from cases.kernel.models import Approval, Case, Letter, OutboxMessage, Task
from cases.kernel.timing import sweeps
from cases.ledger import verify
from cases.reports import letters
from tests.factories import FILED_AT
from tests.fraud.standing import NEXT_DAY, Stage
from tests.kernel.snapshots import nothing_written

AFTER = datetime(2027, 11, 18, 9, 0, tzinfo=UTC)


class Heard(Stage):
    def hear(self, kind, outcome, person, **data):
        self.say(f"fpa.{kind}", **data)
        self.decide(outcome, "p.nair", at=FILED_AT, person=person)

    def decide(self, outcome, by, *, at=NEXT_DAY, **inputs):
        row = IncomingNotice.objects.filter(case=self.filed).latest("number")
        return incoming.decide(row, outcome, actor=self.people[by], at=at, reason="Compared both.", inputs=inputs)

    def heard(self):
        rows = DerivedFlag.objects.filter(case=self.filed, notice__isnull=False).order_by("pk")
        return list(rows.values_list("code", "party__number", "purged_at"))

    def detach(self, person):
        self.do("detach", "p.nair", at=NEXT_DAY, reason="Somebody else of that name.", person=person)
        approval = Approval.objects.get(case=self.filed, act="detach", closed_at=None)
        verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=NEXT_DAY)

    def test_each_flag_ends_with_its_own_record(self):
        for reference, day in (("P-1", "2027-06-30"), ("P-2", "2028-10-04")):
            told = {"their_reference": reference, "expires_date": day}
            self.hear("protective_registration", "extra_checks", "2", **told)
        first_over = datetime(2027, 7, 1, 12, tzinfo=UTC)
        sweeps.end_due_clocks(now=first_over)
        assert self.heard() == [("protective_registration", 2, first_over), ("protective_registration", 2, None)]
        assert self.clocks("protection_seen") == [
            ("protection_seen", "met", date(2027, 6, 30)),
            ("protection_seen", "running", date(2028, 10, 4)),
        ]

    def test_another_person_takes_back_what_was_confirmed_of_somebody_else(self):
        self.hear("match", "confirmed", "1", their_reference="M-1", matched_on=["name"], expires_date="2027-06-30")
        with nothing_written(), pytest.raises(CaseError, match="You decided so yourself"):
            self.decide("false_positive", "p.nair")
        row = IncomingNotice.objects.get(case=self.filed)
        assert [code for code, _ in forms.NoticeForm(notice=row).fields["outcome"].choices] == ["false_positive"]
        assert self.decide("false_positive", "d.osei") == "Recorded: false positive."
        assert self.heard() == [("match", 1, NEXT_DAY)]
        assert self.clocks("match_seen") == [("match_seen", "cancelled", date(2027, 6, 30))]
        with nothing_written(), pytest.raises(CaseError, match="decided about this already"):
            self.decide("confirmed", "p.nair", person="1")
        self.verified()

    def test_whoever_is_taken_out_bears_no_flag_any_more(self):
        self.hear("match", "confirmed", "1", their_reference="M-1", matched_on=["name"], expires_date="2027-06-30")
        self.detach("1")
        assert self.heard() == [("match", 1, NEXT_DAY)]
        assert self.clocks("match_seen") == [("match_seen", "cancelled", date(2027, 6, 30))]
        self.verified()

    def test_what_an_agency_says_keeps_no_case_longer_than_its_own_time(self):
        self.hear("match", "confirmed", "1", their_reference="M-1", matched_on=["name"], expires_date=None)
        self.do("remove", "d.osei", reason_code="error")
        for kind in ("fpa_remove", "fpa_file"):
            self.end(kind, "acknowledged", acknowledged_at=NEXT_DAY)
        self.say("fpa.removed", at=NEXT_DAY)
        case = Case.objects.get(pk=self.filed.pk)
        letters.make_due_letters(now=NEXT_DAY)
        with record.act(case, "tests.answered", actor=actors.system("tests"), at=NEXT_DAY):
            OutboxMessage.objects.filter(case=case).update(state="acknowledged", settled_at=NEXT_DAY)
            for letter in Letter.objects.filter(case=case, state__in=["due", "rendered"]):
                letter.state = "dispatched"
                letter.save()
            for row in [*Task.objects.filter(case=case, closed_at=None), *case.approvals.filter(closed_at=None)]:
                row.closed_at = NEXT_DAY
                row.save()
            for clock in case.clocks.filter(ended_at=None).exclude(rule="match_seen"):
                clocks.end_one(case, clock, at=NEXT_DAY, state="met")
        assert self.clocks("match_seen") == [("match_seen", "running", date(2032, 11, 16))]
        assert (case.state, str(case.dispose_after_date)) == ("removed", "2027-11-17")

        assert erasing.waits_for(case, at=AFTER) == ""
        with transaction.atomic(), erasing.erase(locks.case_for_update(case.pk), reason="retention_over", at=AFTER):
            pass

        assert self.heard() == [("match", 1, AFTER)]
        assert self.clocks("match_seen") == [("match_seen", "cancelled", date(2032, 11, 16))]
        # The test's day is to come, which verifying says; nothing else is wrong.
        assert {each.level for each in verify.verify_stream(case.uid)} <= {"recorded late", "wrong"}
