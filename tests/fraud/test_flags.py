"""What agencies' words put about people: each flag has a notice and a time of its own, and may be taken back."""

from datetime import UTC, date, datetime

import pytest

from cases.fraud import forms, incoming
from cases.fraud.models import DerivedFlag, IncomingNotice
from cases.kernel import verdicts
from cases.kernel.errors import CaseError
from cases.kernel.models import Approval
from cases.kernel.timing import sweeps
from tests.factories import FILED_AT
from tests.fraud.standing import NEXT_DAY, Stage
from tests.kernel.snapshots import nothing_written


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
