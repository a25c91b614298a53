"""What the police may be told, and hear again. Expected values by hand from the design."""

import json
from datetime import timedelta

import pytest

from cases.kernel import actors, edits, record, verdicts
from cases.kernel.disposal import piles
from cases.kernel.errors import CaseError
from cases.kernel.models import (
    Approval,
    OutboxMessage,
    ReleasedItem,
    Task,
)
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.factories import APPROVED_AT, AT, CHECKER_INPUTS, FILED_AT, MAKER_ANSWERS
from tests.fraud.standing import NEXT_DAY, Stage
from tests.kernel.snapshots import nothing_written, undone


class Police(Stage):
    REPORT = {"people": ["1"], "documents": ["1"], "story_holds": "no"}

    def test_our_own_evidence_goes_without_communications_data(self):
        case = self.do("report_to_police", "d.osei", **self.REPORT)
        ((_, state, body),) = self.sent("report_fraud")
        assert (case.state, state) == ("filed", "pending")
        assert body["subjects"] == [
            {
                "number": 1,
                "role": "third_party_fraudster",
                "innocent": False,
                "alias": "Morwenna Tregaskis",
                "addresses": [
                    {"kind": "delivery", "line_1": "Unit 4, 77 Fiction Way", "town": "Leeds", "postcode": "LS1 0ZZ"}
                ],
            }
        ]
        assert [(each["number"], each["kind"]) for each in body["documents"]] == [(1, "call_recording")]
        assert body["what_happened"] == "Caller passed security, swapped the SIM and ordered a handset."
        items = ReleasedItem.objects.filter(release__message_kind="report_fraud").order_by("category")
        assert list(items.values_list("category", "clause", "gateway")) == [
            ("address", "report_crime_person", "annex1_p5"),
            ("application", "report_crime_person", "annex1_p5"),
            ("fraud_allegation", "report_crime_allegation", "dpa18_sch1_p10"),
            ("identity", "report_crime_person", "annex1_p5"),
        ]
        self.verified()

    def test_communications_data_goes_when_legal_counsel_agrees(self):
        self.do("report_to_police", "d.osei", has_communications_data=True, **self.REPORT)
        approval = Approval.objects.get(case=self.filed, act="report_to_police")
        assert (approval.needs, self.sent("report_fraud")) == (["legal_counsel"], [])
        with nothing_written(counted=1), pytest.raises(CaseError, match="legal counsel"):
            verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=NEXT_DAY)
        counsel = {"actor": self.people["v.tranter"], "at": NEXT_DAY}
        with nothing_written(counted=1), pytest.raises(CaseError, match="Answer this first: Does the story"):
            verdicts.decide(approval.uid, "agreed", **counsel)
        with undone(), pytest.raises(CaseError, match="Who proposed it says otherwise"):
            verdicts.decide(approval.uid, "agreed", answer="yes", **counsel)
        assert self.sent("report_fraud") == []
        verdicts.decide(approval.uid, "agreed", answer="no", **counsel)
        ((_, _, body),) = self.sent("report_fraud")
        assert body["subjects"][0]["ip_address"] == "203.0.113.45"
        event = LedgerEvent.objects.filter(stream=self.filed.uid, action="fraud_referral.report_to_police").latest(
            "seq"
        )
        said = {
            name: json.loads(event.body)["detail"][name] for name in ("answer", "communications_data", "in_the_story")
        }
        assert said == {"answer": "no", "communications_data": True, "in_the_story": False}

    def change(self, *, by="p.nair", **facts):
        with edits.change(self.filed.pk, actor=self.people[by], at=FILED_AT) as edit:
            edit.facts(**facts)

    def test_the_story_holds_no_communications_data_that_nobody_spoke_of(self):
        mute = {name: value for name, value in self.REPORT.items() if name != "story_holds"}
        self.refused("Say whether the story", "report_to_police", "d.osei", **mute)
        for text in (
            "He rang from 07700 900456.",
            "Called from +44 (0)7700 900-456 twice.",
            "Called from 07700.900.456.",
            "Called from 07700\u00a0900\u2011456.",
            "Called from 7700900456, then 447700900457.",
            "Signed in from 203.0.113.45 at night.",
            "Signed in from 2001:db8::17 at night.",
            "A SIM 8944000000000000020 was put in.",
        ):
            self.change(narrative=text)
            self.refused("The story holds what looks like", "report_to_police", "d.osei", **self.REPORT)
        self.change(narrative="Ordered on 13.11.2026 at 21.02 for £1,099.00, account 8001234502, case NM-4471.")
        with undone():
            self.do("report_to_police", "d.osei", **self.REPORT)
        self.change(narrative="He rang from 07700 900456.")
        self.do("report_to_police", "d.osei", **{**self.REPORT, "story_holds": "yes"})
        approval = Approval.objects.get(case=self.filed, act="report_to_police")
        assert (approval.needs, self.sent("report_fraud")) == (["legal_counsel"], [])
        verdicts.decide(approval.uid, "agreed", actor=self.people["v.tranter"], at=NEXT_DAY, answer="yes")
        ((_, _, body),) = self.sent("report_fraud")
        assert body["what_happened"] == "He rang from 07700 900456." and "ip_address" not in body["subjects"][0]

    def test_communications_data_is_never_said_anew_without_counsel(self):
        self.do("report_to_police", "d.osei", has_communications_data=True, **self.REPORT)
        approval = Approval.objects.get(case=self.filed, act="report_to_police")
        verdicts.decide(approval.uid, "agreed", actor=self.people["v.tranter"], at=FILED_AT, answer="no")
        self.change(loss_pence=500)
        self.do("amend", "d.osei", at=NEXT_DAY)
        assert len(self.sent("report_fraud")) == 1
        ((_, _, notice),) = self.sent("correction_amended")
        assert notice["change"] == "amended" and "replaced_by" not in notice
        task = Task.objects.get(case=self.filed, kind="fraud_police_anew")
        assert task.closed_at is None
        self.do("report_to_police", "d.osei", at=NEXT_DAY, has_communications_data=True, **self.REPORT)
        assert len(self.sent("report_fraud")) == 1
        again = Approval.objects.get(case=self.filed, act="report_to_police", closed_at=None)
        verdicts.decide(again.uid, "agreed", actor=self.people["v.tranter"], at=NEXT_DAY, answer="no")
        assert [body["loss_pence"] for _, _, body in self.sent("report_fraud")] == [0, 500]
        task.refresh_from_db()
        assert task.closed_at == NEXT_DAY
        self.verified()

    def test_another_story_than_the_one_that_was_spoken_of_is_not_said_anew(self):
        self.do("report_to_police", "d.osei", **self.REPORT)
        self.change(narrative="Caller passed security and rang back from a telephone of his own.")
        self.do("amend", "d.osei", at=NEXT_DAY)
        assert len(self.sent("report_fraud")) == 1
        assert Task.objects.filter(case=self.filed, kind="fraud_police_anew", closed_at=None).count() == 1
        self.do("remove", "d.osei", at=NEXT_DAY, reason_code="error")
        assert not Task.objects.filter(case=self.filed, kind="fraud_police_anew", closed_at=None).exists()

    def test_what_is_not_our_own_evidence_stays_and_nothing_is_written(self):
        self.refused("at least one person", "report_to_police", "d.osei", documents=["1"])
        self.refused("at least one person", "report_to_police", "d.osei", people=["9"], documents=["1"])
        self.refused("at least one document", "report_to_police", "d.osei", people=["1"], documents=["9"])
        paper = {"kind": "device_log", "file_name": "a.txt", "media_type": "text/plain", "data": b"a"}
        edits.attach(self.filed.pk, **paper, actor=self.people["p.nair"], at=FILED_AT)
        self.refused(
            "communications data", "report_to_police", "d.osei", people=["1"], documents=["2"], story_holds="no"
        )
        with record.act(self.filed, "tests.source", actor=actors.system("tests"), at=FILED_AT):
            self.fraudster.source = "agency:sandbox-fraud-register"
            self.fraudster.save(update_fields=["source"])
        self.refused("not our own evidence", "report_to_police", "d.osei", **self.REPORT)
        self.refused("needs the role fraud approver", "report_to_police", "p.nair", people=["2"], documents=["1"])

    def test_the_crime_reference_is_kept_and_only_the_police_give_one(self):
        self.do("report_to_police", "d.osei", **self.REPORT)
        message = self.end("report_fraud", "delivered")
        with nothing_written(), pytest.raises(CaseError, match="Only the police"):
            self.say("report_fraud.recorded", reference="RF-1")
        case = self.say(
            "report_fraud.recorded", message=message, agency="sandbox-report-fraud", reference="RF-2026-0002201"
        )
        assert case.fraud_referral.police_reference == "RF-2026-0002201"

    def test_the_longest_reference_is_kept_whole(self):
        self.do("report_to_police", "d.osei", **self.REPORT)
        message = self.end("report_fraud", "delivered")
        longest = "RF-" + "7" * 77
        case = self.say("report_fraud.recorded", message=message, agency="sandbox-report-fraud", reference=longest)
        assert case.fraud_referral.police_reference == longest

    def test_a_report_that_waits_and_names_somebody_who_is_taken_out_does_not_leave(self):
        case = self.do("report_to_police", "d.osei", **self.REPORT)
        self.do("detach", "p.nair", at=NEXT_DAY, reason="Somebody else of that name.", person="1")
        approval = Approval.objects.get(case=case, act="detach", closed_at=None)
        verdicts.decide(approval.uid, "agreed", actor=self.people["judge"], at=NEXT_DAY)
        ((_, state, _),) = self.sent("report_fraud")
        assert state == "withdrawn"
        assert Task.objects.filter(case=case, kind="fraud_police_anew", closed_at=None).count() == 1
        self.verified()

    def test_the_police_hear_of_what_changes_and_of_a_removal(self):
        self.do("report_to_police", "d.osei", **self.REPORT)
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=FILED_AT) as edit:
            edit.facts(loss_pence=500)
        self.do("amend", "d.osei", at=NEXT_DAY)
        first, again = self.sent("report_fraud")
        assert (first[2]["loss_pence"], again[2]["loss_pence"]) == (0, 500)
        assert again[2]["subjects"] == first[2]["subjects"]
        assert [body["change"] for _, _, body in self.sent("correction_amended")] == ["amended"]
        self.do("remove", "d.osei", at=NEXT_DAY, reason_code="error")
        assert [body["change"] for _, _, body in self.sent("correction_removed")] == ["removed"]

    def test_they_hear_of_a_change_long_after_the_words_of_other_messages_were_erased(self):
        self.do("report_to_police", "d.osei", **self.REPORT)
        answered = {"state": "acknowledged", "acknowledged_at": FILED_AT, "settled_at": FILED_AT}
        OutboxMessage.objects.filter(case=self.filed).update(**answered)
        assert piles.erase_due(now=FILED_AT + timedelta(days=400)) > 0
        left = OutboxMessage.objects.filter(case=self.filed, sealed_body__isnull=False)
        assert [row.kind for row in left] == ["report_fraud"]
        with edits.change(self.filed.pk, actor=self.people["p.nair"], at=FILED_AT) as edit:
            edit.facts(loss_pence=500)
        self.do("amend", "d.osei", at=NEXT_DAY)
        assert [body["loss_pence"] for _, _, body in self.sent("report_fraud")] == [0, 500]
        assert [body["change"] for _, _, body in self.sent("correction_amended")] == ["amended"]


class BeforeAFiling(Stage):
    """Told before a filing stands; then the person is found to be innocent."""

    REPORT = {"people": ["1"], "documents": ["1"], "story_holds": "no"}
    INNOCENT = {"role": "victim_of_impersonation", "is_innocent": True}

    def setUp(self):
        self.case = factories.investigating(self.people)
        self.do("report_to_police", "d.osei", case=self.case, at=AT, **self.REPORT)

    def find_innocent(self):
        with edits.change(self.case.pk, actor=self.people["a.byrne"], at=AT) as edit:
            edit.party(1, **self.INNOCENT)
            edit.facts(fpa_case_type="victim_of_impersonation", reasons=["current_address_impersonation"])

    def heard(self):
        rows = OutboxMessage.objects.filter(case=self.case, kind__in=("report_fraud", "correction_amended"))
        return [(row.kind, factories.body_of(row)) for row in rows.order_by("pk")]

    def innocence(self):
        return [body["subjects"][0]["innocent"] for kind, body in self.heard() if kind == "report_fraud"]

    def test_what_is_no_longer_so_is_asked_for_until_it_is_put_back(self):
        assert self.tasks(self.case) == []
        with edits.change(self.case.pk, actor=self.people["a.byrne"], at=AT) as edit:
            edit.party(1, **self.INNOCENT)
        assert self.tasks(self.case) == ["fraud_police_anew"]
        with edits.change(self.case.pk, actor=self.people["a.byrne"], at=AT) as edit:
            edit.party(1, role="third_party_fraudster", is_innocent=False)
        assert self.tasks(self.case) == []

    def test_somebody_whom_they_were_not_told_of_is_nothing_to_say_anew(self):
        with edits.change(self.case.pk, actor=self.people["a.byrne"], at=AT) as edit:
            edit.party(2, title="Ms")
        assert self.tasks(self.case) == []

    def test_approving_tells_them(self):
        self.find_innocent()
        self.do("submit", "a.byrne", case=self.case, at=AT, pillars=MAKER_ANSWERS)
        self.do("approve", "d.osei", case=self.case, at=APPROVED_AT, **CHECKER_INPUTS)
        assert (self.innocence(), self.tasks(self.case)) == ([False, True], [])
        notice = self.heard()[-1]
        assert (notice[0], notice[1]["change"], notice[1]["subjects"]) == ("correction_amended", "amended", [1])

    def test_refusing_to_file_tells_them(self):
        self.find_innocent()
        self.do("submit", "a.byrne", case=self.case, at=AT, pillars=MAKER_ANSWERS)
        self.do("refuse", "d.osei", case=self.case, at=APPROVED_AT, reason="He is innocent.")
        assert (self.innocence(), self.tasks(self.case)) == ([False, True], [])

    def test_what_is_still_so_is_not_said_anew(self):
        self.do("submit", "a.byrne", case=self.case, at=AT, pillars=MAKER_ANSWERS)
        self.do("approve", "d.osei", case=self.case, at=APPROVED_AT, **CHECKER_INPUTS)
        assert [kind for kind, _ in self.heard()] == ["report_fraud"]

    def test_a_case_is_not_closed_before_an_approver_told_them(self):
        self.find_innocent()
        given = {"case": self.case, "at": AT, "reason": "He is innocent."}
        self.refused("The police have something else", "close_no_action", "a.byrne", **given)
        self.do("report_to_police", "d.osei", case=self.case, at=AT, **self.REPORT)
        assert (self.innocence(), self.tasks(self.case)) == ([False, True], [])
        assert self.do("close_no_action", "a.byrne", **given).state == "no_action"
