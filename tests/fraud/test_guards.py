"""What stops a referral on its way: each guard in turn, with the sentence that people read."""

import shutil
import tempfile
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.test import TestCase
from django.utils import timezone

from cases.fraud import codes, opening, report
from cases.fraud.forms import FactsForm, SubmitForm
from cases.fraud.models import PillarAnswer
from cases.kernel import actors, calendars, edits, intake, record, transitions
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, Hold, Letter, OutboxMessage, Task
from cases.ledger import keys
from tests import factories
from tests.factories import APPROVED_AT, AT, FILED_AT
from tests.kernel.snapshots import nothing_written, undone

PILLARS = factories.MAKER_ANSWERS


def answers(**changes):
    given = deepcopy(PILLARS)
    for number, change in changes.items():
        given[int(number[-1])].update(change)
    return given


class GuardsOfAReferral(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.investigating = factories.investigating(cls.people)
        cls.approved = factories.approved(cls.people)

    def apply(self, case, name, by="a.byrne", at=AT, **given):
        actor = self.people[by] if isinstance(by, str) else by
        return transitions.apply(case.pk, name, actor=actor, at=at, **given)

    def refused(self, sentence, case, name, **given):
        with nothing_written(counted=1), pytest.raises(CaseError) as refusal:
            self.apply(case, name, **given)
        assert str(refusal.value) == sentence

    def submit(self, case, pillars=PILLARS):
        return self.apply(case, "submit", inputs={"pillars": pillars})

    def open(self, *, people=(), **facts):
        case = intake.open_case(
            "fraud_referral",
            actor=self.people["a.byrne"],
            at=AT,
            facts={**factories.FACTS, **facts},
            people=list(people),
        )
        for name in ("take", "accept"):
            self.apply(case, name)
        edits.attach(
            case.pk,
            kind="chat",
            file_name="a.txt",
            media_type="text/plain",
            data=b"a",
            actor=self.people["a.byrne"],
            at=AT,
        )
        return case

    def test_somebody_must_be_named(self):
        case = self.open()
        self.refused("Add at least one person first.", case, "submit", inputs={"pillars": PILLARS})

    def test_each_pillar_needs_a_yes(self):
        for number in (1, 2, 3, 4):
            self.refused(
                f"Pillar {number}: answer yes, or close the referral without filing.",
                self.investigating,
                "submit",
                inputs={"pillars": answers(**{f"p{number}": {"is_met": False}})},
            )
        self.refused(
            "Pillar 1, 2, 3, 4: answer yes, or close the referral without filing. "
            "Pillar 1, 2, 3, 4: link at least one document.",
            self.investigating,
            "submit",
        )

    def test_only_the_fourth_pillar_knows_exceptions(self):
        exception = {"is_met": False, "exception": "obliged_to_provide"}
        with undone():
            assert self.submit(self.investigating, answers(p4=exception)).state == "ready"
        self.refused(
            "Pillar 2: answer yes, or close the referral without filing.",
            self.investigating,
            "submit",
            inputs={"pillars": answers(p2=exception)},
        )

    def test_the_checker_may_agree_to_the_exception_instead_of_saying_yes_to_what_is_not_so(self):
        for exception in ("obliged_to_provide", "full_benefit_received"):
            with undone():
                self.submit(self.investigating, answers(p4={"is_met": False, "exception": exception}))
                checked = {
                    number: {"is_met": number != 4, "exception": exception if number == 4 else ""}
                    for number in (1, 2, 3, 4)
                }
                inputs = {**factories.CHECKER_INPUTS, "pillars": checked}
                case = self.apply(self.investigating, "approve", by="d.osei", at=APPROVED_AT, inputs=inputs)
                answer = PillarAnswer.objects.get(case=case, side="checker", pillar=4)
                assert (case.state, answer.is_met, answer.exception) == ("approved", False, exception)
        with undone():
            self.submit(self.investigating)
            self.refused(
                "Pillar 2: you must agree with every pillar to approve; else return it.",
                self.investigating,
                "approve",
                by="d.osei",
                at=APPROVED_AT,
                inputs={
                    **factories.CHECKER_INPUTS,
                    "pillars": {
                        number: {"is_met": number != 2, "exception": "obliged_to_provide"} for number in (1, 2, 3, 4)
                    },
                },
            )

    def test_the_same_incident_is_found_whichever_index_key_was_the_newest(self):
        older = keys.directory()
        with tempfile.TemporaryDirectory() as folder:
            rotated = shutil.copytree(older, Path(folder) / "keys")
            with self.settings(KEY_DIR=rotated):
                keys.add(keys.INDEX_PREFIX, at=AT)
            for order in ((older, rotated), (rotated, older)):
                with undone():
                    cases = []
                    for directory in order:
                        with self.settings(KEY_DIR=directory):
                            cases.append(self.open(people=[factories.FRAUDSTER], incident_reference="DET-7"))
                            self.submit(cases[-1])
                    assert len({bytes(case.fraud_referral.incident_token) for case in cases}) == 2
                    with self.settings(KEY_DIR=rotated):
                        self.apply(cases[0], "approve", by="d.osei", at=APPROVED_AT, inputs=factories.CHECKER_INPUTS)
                        with pytest.raises(CaseError, match=f"The same incident stands in {cases[0].reference}"):
                            self.apply(
                                cases[1], "approve", by="d.osei", at=APPROVED_AT, inputs=factories.CHECKER_INPUTS
                            )

    def test_two_referrals_typed_by_hand_name_their_incident(self):
        typed = {
            "fpa_case_type": "facility_takeover",
            "reasons": ["unauth_sim_swap"],
            "product": "mob_paym",
            "sales_channel": "phone",
            "discovered_date": "2026-11-14",
            "account_reference": "NM-4471",
        }
        for written in (" DET-9 ", "det - 9"):
            form = FactsForm({**typed, "incident_reference": written})
            assert form.is_valid(), form.errors
            case = intake.open_case(
                "fraud_referral", actor=self.people["a.byrne"], at=AT, facts=form.cleaned_data, people=[]
            )
        assert Task.objects.filter(case=case, kind="fraud_same_incident").count() == 1

    def test_the_incident_is_named_when_the_facts_are_corrected(self):
        first = self.open(people=[factories.FRAUDSTER], incident_reference="DET-10")
        self.submit(first)
        self.apply(first, "approve", by="d.osei", at=APPROVED_AT, inputs=factories.CHECKER_INPUTS)
        with edits.change(self.investigating.pk, actor=self.people["a.byrne"], at=AT) as edit:
            edit.facts(**opening.incident_columns("det-10"))
        with pytest.raises(CaseError, match=f"The same incident stands in {first.reference}"):
            self.submit(self.investigating)

    def test_an_incident_whose_time_on_file_is_up_is_not_filed_anew(self):
        first = self.open(people=[factories.FRAUDSTER], incident_reference="DET-11")
        with record.act(first, "tests.expired", actor=actors.system("tests"), at=AT):
            first.state, first.is_closed, first.is_erased = "expired", True, True
            first.closed_date = first.dispose_after_date = AT.date()
            first.save()
        case = self.open(people=[factories.FRAUDSTER], incident_reference="det -11")
        assert not Task.objects.filter(case=case, kind="fraud_same_incident").exists()
        self.refused(
            f"The same incident was on file in {first.reference} until its time was up. It is not filed again.",
            case,
            "submit",
            inputs={"pillars": PILLARS},
        )

    def test_page_and_paper_say_what_was_answered_and_count_who_is_part_of_the_case(self):
        with edits.change(self.investigating.pk, actor=self.people["a.byrne"], at=AT) as edit:
            edit.facts(fpa_case_type="protective_registration", reasons=["details_exposed"])
            edit.party(1, is_innocent=True)
        given = answers(p4={"is_met": False, "exception": "full_benefit_received"})
        case = self.submit(self.investigating, given)
        asked = dict(codes.pillars_of("protective_registration"))
        said = dict(report.facts_view(case))
        assert said["Pillar 1"] == f"Yes: {asked[1].lower()} (documents: 1)"
        shown = report.context(case)
        assert shown["pillars"] == codes.pillars_of("protective_registration")
        assert {exception for _, exception in shown["answers"]} == {"", "The full benefit had been received"}
        self.apply(case, "detach", reason="Another of that name.", inputs={"person": "1"})
        assert report.checks(Case.objects.get(pk=case.pk))[0].detail == "1, of whom 1 innocent"

    def test_what_holds_something_harmful_bears_out_no_pillar(self):
        factories.scan("infected")
        self.refused(
            "Document 1: nobody may open it, so it bears out no pillar.",
            self.investigating,
            "submit",
            inputs={"pillars": answers()},
        )
        form = SubmitForm(case=Case.objects.get(pk=self.investigating.pk))
        assert form.fields["evidence_1"].choices == []

    def test_each_pillar_needs_a_document_of_this_case(self):
        self.refused(
            "Pillar 3: link at least one document.",
            self.investigating,
            "submit",
            inputs={"pillars": answers(p3={"evidence": []})},
        )
        self.refused(
            "One of the linked documents is not part of this case.",
            self.investigating,
            "submit",
            inputs={"pillars": answers(p3={"evidence": [1, 2]})},
        )

    def test_whoever_is_named_as_customer_must_have_seen_the_notice(self):
        sentence = "Record which version of the privacy notice the applicant or account holder was shown, and when."
        case = self.open(people=[factories.FRAUDSTER, factories.VICTIM], notice_version="")
        self.refused(sentence, case, "submit", inputs={"pillars": PILLARS})

    def test_what_the_page_says_of_the_notice_is_what_the_guard_says(self):
        day, people = date(2026, 11, 14), [factories.FRAUDSTER, factories.VICTIM]
        for shown, sentence in (
            (date(2023, 11, 13), "shown too long ago"),
            (date(2026, 11, 15), "shown after the fraud was discovered"),
            (None, "Record which version"),
        ):
            case = self.open(people=people, discovered_date=day, notice_shown_date=shown)
            (check,) = (each for each in report.checks(case) if each.label == "Privacy notice on record")
            assert (check.is_clear, sentence in check.detail) == (False, True)
            self.refused(check.detail, case, "submit", inputs={"pillars": PILLARS})
        found = [report.checks(case)[2] for case in (self.investigating, self.open(people=[factories.FRAUDSTER]))]
        assert [(each.is_clear, each.detail) for each in found] == [(True, "2026-02"), (True, "2026-02")]

    def test_no_day_of_a_referral_is_to_come(self):
        tomorrow = calendars.london_date(timezone.now()) + timedelta(days=1)
        for name in ("application_date", "discovered_date", "notice_shown_date"):
            form = FactsForm({name: tomorrow.isoformat()})
            assert form.errors[name] == ["That day is still to come."]
            assert name not in FactsForm({name: (tomorrow - timedelta(days=1)).isoformat()}).errors

    def test_an_unknown_fraudster_need_not_have_seen_it(self):
        case = self.open(people=[factories.FRAUDSTER], notice_version="")
        assert self.submit(case).state == "ready"

    def test_answers_of_a_second_round_replace_the_first(self):
        self.submit(self.investigating)
        self.apply(self.investigating, "return", by="d.osei", reason="Pillar 4?")
        self.submit(self.investigating, answers(p4={"is_met": False, "exception": "full_benefit_received"}))
        rows = PillarAnswer.objects.filter(case=self.investigating, side="maker").order_by("pillar")
        assert [(row.is_met, row.exception) for row in rows] == [
            (True, ""),
            (True, ""),
            (True, ""),
            (False, "full_benefit_received"),
        ]

    def test_what_the_agency_may_have_is_not_taken_back(self):
        message = OutboxMessage.objects.filter(case=self.approved)
        for state in ("delivered", "acknowledged", "unknown"):
            with undone():
                message.update(state=state)
                self.refused(
                    "The agency may have received the filing already.",
                    self.approved,
                    "withdraw",
                    by="d.osei",
                    reason="Wrong account.",
                )

    def test_a_filing_without_the_agencys_reference_is_no_filing(self):
        self.refused("The agency gave no reference.", self.approved, "file", by=factories.fpa(), at=FILED_AT)

    def test_a_marker_that_runs_keeps_the_filing(self):
        case = factories.filed(self.people)
        self.refused(
            "A marker of this filing has not expired yet.",
            case,
            "expire",
            by=actors.system("clocks"),
            at=FILED_AT + timedelta(days=366),
        )

    def test_a_hold_stops_the_move_it_names_and_says_only_that(self):
        with record.act(self.investigating, "tests.hold", actor=actors.system("tests"), at=AT):
            hold = Hold.objects.create(
                case=self.investigating, kind="restricted", blocks=["submit"], source="tests", began_at=AT
            )
        self.refused("A policy hold stops this.", self.investigating, "submit", inputs={"pillars": PILLARS})
        with undone():
            assert self.apply(self.investigating, "close_no_action", reason="Enough.").state == "no_action"
        with record.act(self.investigating, "tests.hold", actor=actors.system("tests"), at=AT):
            hold.released_at = AT
            hold.save()
        assert self.submit(self.investigating).state == "ready"

    def test_nobody_is_written_to_while_it_would_prejudice_an_investigation(self):
        case = self.open(people=[factories.FRAUDSTER, factories.VICTIM], prejudice_recorded=True)
        self.submit(case)
        self.apply(case, "approve", by="d.osei", at=APPROVED_AT, inputs=factories.CHECKER_INPUTS)
        self.apply(case, "file", by=factories.fpa(), at=FILED_AT, inputs={"agency_reference": "SFR-1"})
        assert not Letter.objects.filter(case=case).exists()

    def test_nothing_is_posted_to_a_dead_person_who_was_impersonated(self):
        case = self.open(
            people=[factories.FRAUDSTER, {**factories.VICTIM, "role": "victim_of_impersonation"}],
            fpa_case_type="identity_fraud",
            reasons=["deceased_impersonation"],
        )
        self.submit(case)
        self.apply(case, "approve", by="d.osei", at=APPROVED_AT, inputs=factories.CHECKER_INPUTS)
        self.apply(case, "file", by=factories.fpa(), at=FILED_AT, inputs={"agency_reference": "SFR-1"})
        assert not Letter.objects.filter(case=case).exists()
        assert [task.detail for task in Task.objects.filter(case=case, kind="fraud_dead_victim")] == [{"person": 2}]

    def test_field_errors_become_one_task_that_the_correction_closes(self):
        case = factories.rejected(self.people)
        task = Task.objects.get(case=case, kind="fraud_field_errors")
        assert task.detail == {"codes": ["SUBJECT_2_MISSING_DOB_FORMAT"]}
        self.apply(case, "correct", at=APPROVED_AT)
        task.refresh_from_db()
        assert (task.closed_at, task.outcome) == (APPROVED_AT, "done")

    def test_content_changes_only_where_the_lifecycle_says(self):
        for case in (self.approved, factories.submitted(self.people)):  # a filing that stands is changed to amend it
            change = edits.change(case.pk, actor=self.people["a.byrne"], at=AT)
            with nothing_written(), pytest.raises(edits.EditRefused, match="can no longer be changed"), change as edit:
                edit.facts(loss_pence=1)
            with nothing_written(), pytest.raises(edits.EditRefused):
                edits.attach(
                    case.pk,
                    kind="chat",
                    file_name="a.txt",
                    media_type="text/plain",
                    data=b"a",
                    actor=self.people["a.byrne"],
                    at=AT,
                )

    def test_what_the_queue_shows_changes_with_the_facts(self):
        with edits.change(self.investigating.pk, actor=self.people["a.byrne"], at=AT) as edit:
            edit.facts(fpa_case_type="identity_fraud", reasons=["synthetic"], value_at_risk_pence=500)
        case = Case.objects.get(pk=self.investigating.pk)
        assert (case.topic, case.amount_pence) == ("identity_fraud.synthetic", 500)
