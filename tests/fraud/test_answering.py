"""Whoever says that a filing is wrong is answered within the month, whoever they prove to be: UK GDPR Art 12(3)."""

from datetime import date

from cases.fraud.models import FraudDispute
from cases.kernel import edits, verdicts
from cases.kernel.models import Approval, Case, Task
from cases.reports import letters
from tests.fraud.standing import NEXT_DAY, Stage

MONTH = ("k10_request", "running", date(2026, 12, 16))


class TheWrongPerson(Stage):
    """Person 1 says rightly that it was somebody else, and two people take them out."""

    def detach(self, *, by="p.nair", agrees="judge", at=NEXT_DAY):
        self.do("detach", by, at=at, reason="Somebody else of that name.", person="1")
        approval = Approval.objects.get(case=self.filed, act="detach", closed_at=None)
        verdicts.decide(approval.uid, "agreed", actor=self.people[agrees], at=at)

    def answer_by_hand(self, *, letter):
        task = Task.objects.get(case=self.filed, kind="fraud_answer_by_hand", closed_at=None)
        assert task.detail == {"letter": letter, "cause": "detached", "person": 1}
        assert task.due_at == self.filed.clocks.get(rule="k10_request").due_at
        edits.close_task(self.filed.pk, task.pk, actor=self.people["d.osei"], at=NEXT_DAY, reason="I wrote to them.")
        assert self.clocks("k10_request") == [("k10_request", "met", date(2026, 12, 16))]

    def test_their_month_runs_on_and_a_person_answers_once_the_filing_is_removed(self):
        self.do("dispute", "i.sowande", grounds="not_me", subject="1")
        self.detach()
        assert self.clocks("k10_request", "k24_adverse") == [("k24_adverse", "cancelled", date(2032, 11, 16)), MONTH]
        self.do("remove", "d.osei", at=NEXT_DAY, reason_code="subject_innocent")
        case = self.say("fpa.removed", message=self.end("fpa_remove", "delivered"), at=NEXT_DAY)
        assert (case.state, FraudDispute.objects.get(case=case).outcome) == ("removed", "removed")
        assert (self.letters(), self.clocks("k10_request")) == ([("n11", 2, "withdrawn")], [MONTH])
        self.answer_by_hand(letter="n19")
        self.verified()

    def test_a_person_answers_where_the_filing_is_amended(self):
        self.do("dispute", "i.sowande", grounds="not_me", subject="1")
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=NEXT_DAY) as edit:
            edit.facts(fpa_case_type="victim_of_takeover")
        self.detach(agrees="d.osei")
        assert self.do("amend_disputed", "judge", at=NEXT_DAY).state == "filed"
        assert self.letters() == [("n11", 2, "due")]
        self.answer_by_hand(letter="n18")

    def test_an_answer_that_waited_to_be_written_is_given_by_a_person(self):
        self.do("dispute", "i.sowande", grounds="not_me", subject="1")
        self.do("uphold", "judge", at=NEXT_DAY, reason="The recording and the log agree.")
        self.detach(agrees="d.osei")
        assert self.letters() == [("n11", 2, "due"), ("n17", 1, "withdrawn")]
        letters.make_due_letters(now=NEXT_DAY)
        assert self.letters() == [("n11", 2, "rendered"), ("n17", 1, "withdrawn")]
        assert Case.objects.get(pk=self.filed.pk).is_dormant is False
        self.answer_by_hand(letter="n17")
