"""Whoever says that a filing is wrong is answered within the month, whoever they prove to be: UK GDPR Art 12(3)."""

from datetime import UTC, date, datetime

import pytest

from cases.fraud import incoming, report
from cases.fraud.models import FraudDispute, IncomingNotice
from cases.kernel import clocks, edits, record, transitions, verdicts
from cases.kernel.models import Approval, Case, Letter, OutboxMessage, Task
from cases.ledger import sealing
from cases.reports import letters, lettertext
from tests import factories
from tests.factories import FILED_AT
from tests.fraud.standing import NEXT_DAY, PRESENT, Stage
from tests.kernel.snapshots import nothing_written, undone
from tests.reports import reading

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


class Letters(Stage):
    """The answers as people read them, from the person's own rows alone."""

    NOT_HERS = ("203.0.113.45", "Unit 4", "Fiction Way", "Leeds", "NM-4471", "Caller passed")
    ROUTES = ("Complain to us", "Communications Ombudsman or CISAS", "Information Commissioner’s Office", "court")

    def printed(self, template):
        letters.make_due_letters(now=NEXT_DAY)
        letter = Letter.objects.get(case=self.filed, template=template)
        assert (letter.state, letter.template_version, letter.language) == ("rendered", 1, "en-GB")
        assert letter.message.channel.agency.code == "sandbox-post"
        reader = sealing.Reader(actor="system:tests", verb="view", purpose="test", streams=(self.filed.uid,))
        return " ".join(reading.text_of(letters.open_letter(letter, reader=reader, at=NEXT_DAY)).split())

    def read(self, template):
        text = self.printed(template)
        for said in ("Dear Morwenna Tregaskis,", self.filed.reference, "consumers@example.org", *self.ROUTES):
            assert said in text, said
        for secret in self.NOT_HERS:
            assert secret not in text, secret
        return text

    def test_the_filing_stands(self):
        self.do("dispute", "i.sowande", **PRESENT)
        self.do("uphold", "judge", reason="The recording and the log agree.")
        text = self.read("n17")
        assert "It stands." in text
        assert "Until 16 December 2027." in text
        assert "The recording and the log agree" not in text

    def test_whoever_has_no_marker_any_more_is_answered_by_a_person(self):
        """No letter says how long something stands about somebody of whom nothing does."""
        self.do("dispute", "i.sowande", **PRESENT)
        with record.act(self.filed, "tests.ended", actor=factories.job(), at=FILED_AT):
            clocks.end(self.filed, "k24_victim", at=FILED_AT, state="met")
        self.do("uphold", "judge", reason="The recording and the log agree.")
        assert not Letter.objects.filter(case=self.filed, template="n17").exists()
        task = self.filed.tasks.get(kind="fraud_answer_by_hand", closed_at=None)
        assert task.detail == {"letter": "n17", "cause": "no_marker", "person": 2}

    def test_the_filing_was_amended(self):
        self.do("dispute", "i.sowande", **PRESENT)
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=FILED_AT) as edit:
            edit.facts(reasons=["call_divert"])
        self.do("amend_disputed", "judge")
        text = self.read("n18")
        assert "corrected it." in text
        assert "calls diverted" in text

    def test_whoever_was_found_innocent_reads_the_end_of_the_marker_they_have_now(self):
        """K24: of a victim 13 months, and not the six years of the adverse marker that ended with the amendment."""
        self.do("dispute", "i.sowande", grounds="innocent", subject="1")
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=FILED_AT) as edit:
            edit.facts(fpa_case_type="victim_of_impersonation", reasons=["current_address_impersonation"])
            edit.party(1, is_innocent=True, role="victim_of_impersonation", surname="Quarrie")
            edit.add_address(1, "current", line_1="3 Drama Street", town="Leeds", postcode="LS1 0ZZ")
        self.do("amend_disputed", "judge")
        assert self.clocks("k24_adverse", "k24_victim") == [
            ("k24_adverse", "cancelled", date(2032, 11, 16)),
            ("k24_victim", "running", date(2027, 12, 16)),
            ("k24_victim", "running", date(2027, 12, 16)),
        ]
        assert "Until 16 December 2027." in self.printed("n18")

    def test_a_wording_of_our_own_names_the_end_of_the_marker_and_of_nothing_else(self):
        """The month of the dispute runs until January, and a warning after another member's match for years."""
        self.do("dispute", "i.sowande", at=datetime(2027, 12, 1, tzinfo=UTC), **PRESENT)
        self.say("fpa.match", their_reference="M-1", matched_on=["name"], expires_date="2031-06-30")
        row = IncomingNotice.objects.get(case=self.filed)
        incoming.decide(
            row, "confirmed", actor=self.people["d.osei"], at=FILED_AT, reason="Hers.", inputs={"person": "2"}
        )
        letter = Letter.objects.get(case=self.filed, template="n11")
        context = {
            **lettertext.example("n11", now=FILED_AT),
            "periods": {clock.rule: clock for clock in self.filed.clocks.filter(party=letter.party)},
        }
        assert set(context["periods"]) == {"k10_request", "k24_victim", "match_seen"}
        (block,) = lettertext.filled("n11", "Until {keep_until}.", context)
        assert block.text == "Until 16 December 2027."

    def test_the_filing_was_removed_and_the_post_proves_the_letter(self):
        self.do("dispute", "i.sowande", **PRESENT)
        self.do("remove", "d.osei", reason_code="subject_innocent")
        self.say("fpa.removed", message=self.end("fpa_remove", "delivered"))
        text = self.read("n19")
        assert "it has confirmed that it did" in text
        assert "SFR-2026-0004417" in text
        letter = Letter.objects.get(case=self.filed, template="n19")
        self.say("letter.dispatched", message=letter.message, agency="sandbox-post", at=NEXT_DAY)
        letter.refresh_from_db()
        assert (letter.state, letter.dispatched_date) == ("dispatched", date(2026, 11, 17))
        assert self.filed.clocks.get(rule="k10_request").state == "met"

    def test_whoever_is_named_in_two_filings_is_not_told_that_nothing_stands_any_more(self):
        self.do("dispute", "i.sowande", **PRESENT)
        self.do("remove", "d.osei", reason_code="duplicate")
        self.say("fpa.removed", message=self.end("fpa_remove", "delivered"))
        text = self.read("n19")
        assert "The other record of the same matter stands" in text
        assert "nobody may hold it against you" not in text and "no longer stands" not in text

    def test_a_letter_that_went_to_somebody_who_was_the_wrong_person_is_asked_about(self):
        def detached():
            self.do("detach", "p.nair", at=NEXT_DAY, reason="Another of that name.", person="2")
            waiting = Approval.objects.get(case=self.filed, act="detach", closed_at=None)
            verdicts.decide(waiting.uid, "agreed", actor=self.people["judge"], at=NEXT_DAY)
            return self.tasks()

        letters.make_due_letters(now=FILED_AT)
        letter = Letter.objects.get(case=self.filed, template="n11")
        with undone():  # nobody has tried to send it
            assert "letter_to_detached" not in detached()
        OutboxMessage.objects.filter(pk=letter.message_id).update(state="delivered", attempts=1, settled_at=NEXT_DAY)
        self.say("letter.dispatched", message=letter.message, agency="sandbox-post", at=NEXT_DAY)
        assert "letter_to_detached" in detached()
        assert Task.objects.get(case=self.filed, kind="letter_to_detached").detail == {"person": 2}
        self.verified()


class Several(Stage):
    """More than one person disputes the same filing: each has a month of their own, and an answer."""

    def second(self):
        self.say("fpa.disputed", grounds="innocent", subject=2)
        return self.say("fpa.disputed", grounds="not_me", subject=1, at=NEXT_DAY)

    def test_another_persons_dispute_is_one_of_its_own(self):
        case = self.second()
        assert case.state == "disputed"
        disputes = FraudDispute.objects.filter(case=case, closed_at=None).order_by("pk")
        assert list(disputes.values_list("party__number", "grounds")) == [(2, "innocent"), (1, "not_me")]
        clocks = case.clocks.filter(rule="k10_request").order_by("pk")
        assert list(clocks.values_list("party__number", "state", "due_date")) == [
            (2, "running", date(2026, 12, 16)),
            (1, "running", date(2026, 12, 17)),
        ]
        assert self.tasks() == ["fraud_dispute", "fraud_dispute"]
        assert [line for line in report.facts_view(case) if line[0] in {"Disputed by", "Grounds"}] == [
            ("Disputed by", "Person 2"),
            ("Grounds", "I was deceived, coerced or impersonated"),
            ("Disputed by", "Person 1"),
            ("Grounds", "It was not me"),
        ]
        self.verified()

    def test_the_same_words_again_are_there_already(self):
        self.second()
        with nothing_written(), pytest.raises(transitions.AlreadyThere):
            self.say("fpa.disputed", grounds="not_me", subject=1)
        self.refused("on these grounds already", "dispute", "i.sowande", grounds="innocent", subject="2")

    def test_whoever_decides_answers_each_of_them(self):
        self.second()
        case = self.do("uphold", "judge", at=NEXT_DAY, reason="The recording and the log agree.")
        assert (case.state, self.tasks()) == ("filed", [])
        assert self.letters() == [("n11", 2, "due"), ("n17", 2, "due"), ("n17", 1, "due")]
        told = [(body["is_open"], body["grounds"], body["subjects"]) for _, _, body in self.sent("fpa_dispute")]
        assert told == [(False, "innocent", [2]), (False, "not_me", [1])]

    def test_a_removal_answers_each_of_them_and_each_of_nobody_named(self):
        self.second()
        self.do("dispute", "i.sowande", at=NEXT_DAY, grounds="objection")
        self.do("dispute", "i.sowande", at=NEXT_DAY, grounds="paid")
        self.do("remove", "d.osei", at=NEXT_DAY, reason_code="error")
        assert set(FraudDispute.objects.values_list("outcome", flat=True)) == {"removed"}
        self.say("fpa.removed", message=self.end("fpa_remove", "delivered"), at=NEXT_DAY)
        assert self.letters() == [("n11", 2, "withdrawn"), ("n19", 1, "due"), ("n19", 2, "due")]
        by_hand = Task.objects.filter(case=self.filed, kind="fraud_answer_by_hand", closed_at=None)
        assert [task.detail["cause"] for task in by_hand] == ["nobody_named", "nobody_named"]
        for task in by_hand:
            edits.close_task(self.filed.pk, task.pk, actor=self.people["d.osei"], at=NEXT_DAY, reason="Answered.")
        unnamed = self.filed.clocks.filter(rule="k10_request", party=None)
        assert list(unnamed.values_list("state", flat=True)) == ["met", "met"]

    def test_other_grounds_of_the_same_person_are_answered_with_the_first(self):
        self.do("dispute", "i.sowande", **PRESENT)
        case = self.do("dispute", "i.sowande", at=NEXT_DAY, grounds="facts_wrong", subject="2")
        assert FraudDispute.objects.filter(case=case, closed_at=None).count() == 2
        assert self.clocks("k10_request") == [("k10_request", "running", date(2026, 12, 16))]
        self.do("uphold", "judge", at=NEXT_DAY, reason="The recording and the log agree.")
        assert self.letters() == [("n11", 2, "due"), ("n17", 2, "due")]
        letters.make_due_letters(now=NEXT_DAY)
        answer = Letter.objects.get(case=self.filed, template="n17")
        self.say("letter.dispatched", message=answer.message, agency="sandbox-post", at=NEXT_DAY)
        assert self.clocks("k10_request") == [("k10_request", "met", date(2026, 12, 16))]
