"""A-1: an automated decline is contested, looked at afresh by somebody without a part in it, and decided again."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import TestCase

from cases.credit import guards
from cases.credit.contests import report
from cases.credit.contests.forms import EXAMPLE, DecideForm, parse
from cases.credit.models import CheckDecision, Search
from cases.kernel import actors, calendars, casetypes, edits, intake, outbox, record, transitions, verdicts
from cases.kernel.background import jobrun
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.intake import FieldErrors
from cases.kernel.linking import links as caselinks
from cases.kernel.models import Agency, Case, Clock, Letter, OutboxMessage, Task
from cases.kernel.transitions import TransitionRefused
from cases.ledger import sealing
from cases.ledger.models import LedgerEvent
from cases.reports import letters
from tests import associations, checks, factories
from tests.kernel.snapshots import nothing_written
from tests.web import desk

AT = factories.AT


def reopened(case, people, at=AT):
    """Let two people of the kind's desk open a case again."""
    lifecycle = casetypes.get(case.kind).lifecycle
    maker = next(one for one in people.values() if set(lifecycle.desk) & one.roles)
    second = next(one for one in people.values() if lifecycle.second in one.roles)
    transitions.apply(case.pk, "reopen", actor=maker, at=at, reason="New evidence.")
    waiting = case.approvals.get(closed_at=None)
    return verdicts.decide(waiting.uid, "agreed", actor=second, at=at, reason="New evidence.")


class Contests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        checks.enter()

    def tasks(self, case):
        return sorted(Task.objects.filter(case=case, closed_at=None).values_list("kind", flat=True))

    def test_a_victim_of_impersonation_contests_an_automated_decline_and_is_accepted_without_another_search(self):
        """Applied 26 November 2026 09:14, contested 29 November, due 29 December, overturned 1 December."""
        applied_at = datetime(2026, 11, 26, 9, 14, tzinfo=UTC)
        check = intake.open_case(
            "check",
            actor=self.people[checks.OFFICER],
            at=applied_at,
            facts={**checks.FACTS, "application_id": "ORD-2026-118204"},
            people=[checks.APPLICANT],
        )
        bureaus = checks.Bureaus()
        check = checks.answer(check, by=bureaus, at=applied_at + timedelta(minutes=1))
        assert check.check_decisions.get().automated_level == "solely"
        register = Agency.objects.get(code="sandbox-fraud-register")
        late = Content(
            type="fpa.match",
            agency_code=register.code,
            agency_kind="fpa",
            agency_reference="",
            agency_sequence=None,
            occurred_at=None,
            data={"match": "protective"},
            message=None,
            callback_uid=uuid4(),
        )
        at = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
        casetypes.get("check").callbacks["fpa.match"](check, late, actor=actors.agency(register), at=at)
        assert self.tasks(check) == ["check_late_match"]
        contested_at = datetime(2026, 11, 29, 18, 0, tzinfo=UTC)
        case = checks.contest_assigned(self.people, check, contested_at)
        assert Clock.objects.get(case=case, rule="k10_request").due_date == date(2026, 12, 29)
        decided_at = datetime(2026, 12, 1, 11, 0, tzinfo=UTC)
        reviewer = self.people[checks.REVIEWER]
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="No contest of this decision"):
            transitions.apply(check.pk, "redecide", actor=reviewer, at=decided_at, inputs=checks.AGAIN)
        case = transitions.apply(
            case.pk, "decide", actor=reviewer, at=decided_at, reason="Seen on video.", inputs=checks.WON
        )
        assert self.tasks(check) == ["check_decide_again", "check_late_match", "check_rules_to_look_at"]
        # Whoever was asked about him hears, once, that what was decided does not stand.
        notices = OutboxMessage.objects.filter(case=check, kind="correction_amended").select_related("channel__agency")
        searched = Search.objects.filter(case=check).values_list("agency__code", flat=True).distinct()
        assert sorted(each.channel.agency.code for each in notices) == sorted(searched)
        reader = sealing.Reader(actor="tests", verb="view", purpose="test", streams=(check.uid,))
        said = [json.loads(outbox.open_body(each, reader=reader, at=decided_at))["data"] for each in notices]
        assert {each["reason"] for each in said} == {"decision_overturned"}
        assert Clock.objects.get(case=check, rule="correction_acknowledgement").state == "running"
        check = transitions.apply(check.pk, "redecide", actor=reviewer, at=decided_at, inputs=checks.AGAIN)
        first, second = CheckDecision.objects.filter(case=check).order_by("number")
        assert (first.outcome, first.automated_level, first.ruleset) == ("decline", "solely", "cr-2026.11")
        assert (second.outcome, second.automated_level) == ("accept", "none")
        assert second.decided_by == reviewer.label
        assert sorted(Letter.objects.filter(case=check).values_list("template", flat=True)) == ["n2", "n2_again", "n3"]
        again = Letter.objects.select_related("case", "party").get(case=check, template="n2_again")
        written = letters._paper(again, letters.Addressee(name="Ada Oyelaran", lines={}), now=decided_at).html
        assert "ORD-2026-118204" in written
        assert "Our decision of 1 December 2026 is: accepted." in written
        assert "No agency was searched again" in written
        assert self.tasks(check) == ["check_late_match", "check_rules_to_look_at"]
        assert len(bureaus.footprints) == Search.objects.filter(case=check).count() == 4
        checks.sweep(decided_at + timedelta(minutes=2))
        case = Case.objects.get(pk=case.pk)
        assert (case.state, case.retention_class) == ("closed", "contest")
        assert sorted(Letter.objects.filter(case=case).values_list("template", flat=True)) == [
            "n3_contest",
            "n3_outcome",
        ]
        with pytest.raises(TransitionRefused, match="No contest of this decision"):
            transitions.apply(check.pk, "redecide", actor=reviewer, at=decided_at, inputs=checks.AGAIN)

    def test_a_check_that_has_closed_is_decided_again_once_two_people_have_opened_it(self):
        """The design decides again what is decided: what is closed is opened first, and closes 30 days later anew."""
        check = checks.closed(self.people)
        checks.contest_decided(self.people, check, checks.AFTER_30)
        reviewer, at = self.people[checks.REVIEWER], checks.AFTER_30
        with nothing_written(counted=1), pytest.raises(TransitionRefused):
            transitions.apply(check.pk, "redecide", actor=reviewer, at=at, inputs=checks.AGAIN)
        assert reopened(check, self.people, at).state == "decided"
        check = transitions.apply(check.pk, "redecide", actor=reviewer, at=at, inputs=checks.AGAIN)
        assert CheckDecision.objects.filter(case=check).order_by("number").last().outcome == "accept"
        assert Letter.objects.filter(case=check, template="n2_again").count() == 1
        assert "check_decide_again" not in self.tasks(check)
        checks.told(check, at=at)
        checks.sweep(at + timedelta(days=32))
        assert Case.objects.get(pk=check.pk).state == "closed"

    def test_second_contest_of_one_decision_that_is_won_is_carried_out_too(self):
        """transitions.csv check/redecide, linked contest overturned: also where the first has been followed already."""
        check = checks.refused_automatically(self.people)
        first, second = (checks.contest_assigned(self.people, check) for _ in range(2))
        reviewer = self.people[checks.REVIEWER]
        won = {"actor": reviewer, "reason": "Seen on video.", "inputs": checks.WON}
        transitions.apply(first.pk, "decide", at=AT, **won)
        other = associations.other_reviewer(self.people)
        transitions.apply(check.pk, "redecide", actor=other, at=AT, inputs=checks.AGAIN)
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="No contest of this decision"):
            transitions.apply(check.pk, "redecide", actor=reviewer, at=AT, inputs=checks.AGAIN)
        at = AT + timedelta(hours=1)

        transitions.apply(second.pk, "decide", at=at, **won)
        check = transitions.apply(check.pk, "redecide", actor=reviewer, at=at, inputs=checks.AGAIN)

        assert CheckDecision.objects.filter(case=check).count() == 3
        assert "check_decide_again" not in self.tasks(check)
        assert not Clock.objects.filter(case=check, rule="check_referred", ended_at=None).exists()

    def test_nobody_who_took_part_in_the_decision_reviews_it(self):
        check = checks.decided(self.people)
        CheckDecision.objects.filter(case=check)
        case = checks.contest(self.people, check)
        officer = self.people[checks.OFFICER]
        for reviewer in (str(officer.user_id), "0", ""):
            with pytest.raises(TransitionRefused, match="Choose somebody|took part"):
                transitions.apply(
                    case.pk, "assign", actor=self.people[checks.RIGHTS], at=AT, inputs={"reviewer": reviewer}
                )
        case = checks.contest_decided(self.people, check)
        reviewer = self.people[checks.REVIEWER]
        transitions.apply(check.pk, "redecide", actor=reviewer, at=AT, inputs=checks.NO)
        again = checks.contest(self.people, check)
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="took part"):
            transitions.apply(
                again.pk, "assign", actor=self.people[checks.RIGHTS], at=AT, inputs=checks.to_reviewer(self.people)
            )

    def test_nobody_who_shaped_the_check_before_the_decision_or_let_it_stand_reviews_it(self):
        reviewer = self.people[checks.REVIEWER]
        both = replace(reviewer, roles=frozenset({"credit_officer", "credit_reviewer"}))
        given = {"application_id": "ORD-BOTH", **checks.FACTS}
        check = intake.open_case("check", actor=both, at=AT, facts=given, people=[checks.applicant("Thistlewood")])
        check = checks.answer(check)
        decide = {"actor": self.people[checks.OFFICER], "at": AT, "inputs": checks.NO}
        check = transitions.apply(check.pk, "decide", **decide)
        to, rights = checks.to_reviewer(self.people), self.people[checks.RIGHTS]
        opened = checks.contest(self.people, check)
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="took part"):
            transitions.apply(opened.pk, "assign", actor=rights, at=AT, inputs=to)

        check = checks.referred(self.people)
        check = transitions.apply(check.pk, "decide", **decide)
        edits.add_note(check.pk, "Rang after the decision.", actor=reviewer, at=AT)  # which shapes nothing
        first, second = (checks.contest_assigned(self.people, check) for _ in range(2))
        stands = {"actor": reviewer, "at": AT, "reason": "Seen.", "inputs": {**checks.WON, "outcome": "upheld"}}
        transitions.apply(first.pk, "decide", **stands)
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="took part"):
            transitions.apply(second.pk, "decide", **stands)

    def test_our_month_stands_still_while_identity_is_checked(self):
        case = checks.contest_identity_check(self.people)
        before = Clock.objects.get(case=case, rule="k10_request")
        later = AT + timedelta(days=5)
        transitions.apply(
            case.pk, "confirm_identity", actor=self.people[checks.RIGHTS], at=later, inputs=checks.IDENTITY
        )
        after = Clock.objects.get(case=case, rule="k10_request")
        assert after.due_date > before.due_date or before.due_date is None

    def test_a_check_does_not_close_while_it_is_contested_and_an_unknown_reference_is_refused(self):
        check = checks.decided(self.people)
        checks.contest(self.people, check)
        checks.sweep(checks.AFTER_30)
        assert Case.objects.get(pk=check.pk).state == "decided"
        facts = {**checks.CONTESTED, "check_reference": "CHK-1999-000001"}
        with nothing_written(), pytest.raises(FieldErrors):
            intake.open_case("contest", actor=self.people[checks.RIGHTS], at=AT, facts=facts, people=[checks.PERSON])

    def test_the_desks_of_cases_that_are_linked_with_an_overturned_check_look_whether_what_followed_stands(self):
        """Domain 3.5: amend what was filed, remove local flags. What is hidden is not written to."""
        check, other = checks.decided(self.people, checks.NO), checks.decided(self.people, checks.NO)
        filed, hidden, apart = factories.filed(self.people), factories.filed(self.people), factories.filed(self.people)
        for case in (filed, hidden):
            with record.act(case, "tests.linked", actor=actors.system("tests"), at=AT):
                caselinks.join(case, check, "related", actor=self.people["a.byrne"], at=AT)
        with record.act(hidden, "tests.hidden", actor=actors.system("tests"), at=AT):
            hidden.is_restricted = True
            hidden.save(update_fields=["is_restricted"])
        checks.contest_decided(self.people, check)
        jobrun.work(clock=lambda: AT, seconds=60)
        asked = Task.objects.filter(kind="check_was_overturned", closed_at=None)
        assert list(asked.values_list("case", flat=True)) == [filed.pk]
        assert apart.pk != filed.pk and not asked.filter(case=other).exists()

    def test_a_decision_that_stands_is_told_to_nobody(self):
        case = checks.contest_assigned(self.people)
        inputs = {**checks.WON, "outcome": "upheld"}
        transitions.apply(case.pk, "decide", actor=self.people[checks.REVIEWER], at=AT, reason="Seen.", inputs=inputs)
        assert not OutboxMessage.objects.filter(kind="correction_amended").exists()

    def test_what_no_person_had_decided_is_never_answered_with_a_persons_decision(self):
        case = checks.contest_assigned(self.people, checks.refused_automatically(self.people))
        inputs = {**checks.WON, "outcome": "not_automated"}
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="No person had decided"):
            transitions.apply(
                case.pk, "decide", actor=self.people[checks.REVIEWER], at=AT, reason="Seen.", inputs=inputs
            )
        assert "not_automated" not in dict(DecideForm(case=case).fields["outcome"].choices)
        other = checks.contest_assigned(self.people)
        assert "not_automated" in dict(DecideForm(case=other).fields["outcome"].choices)
        other = transitions.apply(
            other.pk, "decide", actor=self.people[checks.REVIEWER], at=AT, reason="Seen.", inputs=inputs
        )
        assert other.contest.outcome == "not_automated"

    def test_a_contest_of_a_reviewer_who_left_goes_to_another_and_both_are_named(self):
        case = checks.contest_with_another_reviewer(self.people)
        reviewer, gone = self.people[checks.REVIEWER], self.people["h.castellan"]
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="Somebody else"):
            transitions.apply(case.pk, "decide", actor=reviewer, at=AT, reason="Seen.", inputs=checks.WON)
        to = checks.to_reviewer(self.people)
        transitions.apply(case.pk, "assign", actor=self.people[checks.RIGHTS], at=AT, inputs=to)
        assert Case.objects.get(pk=case.pk).assignee_id == int(to["reviewer"])
        said = LedgerEvent.objects.filter(stream=case.uid, action="contest.assign").latest("seq").body
        assert f'"instead_of":"{gone.label}"' in said
        assert f'"reviewer":"{reviewer.label}"' in said
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="has it already"):
            transitions.apply(case.pk, "assign", actor=self.people[checks.RIGHTS], at=AT, inputs=to)
        case = transitions.apply(case.pk, "decide", actor=reviewer, at=AT, reason="Seen.", inputs=checks.WON)
        assert case.state == "decided"

    def test_what_was_overturned_is_decided_again_within_the_day_of_whatever_was_referred(self):
        check = checks.contested(self.people)
        clock = Clock.objects.get(case=check, rule="check_referred", ended_at=None)
        task = Task.objects.get(case=check, kind="check_decide_again")
        assert check.due_at == clock.due_at == task.due_at
        check = transitions.apply(check.pk, "redecide", actor=self.people[checks.REVIEWER], at=AT, inputs=checks.AGAIN)
        clock.refresh_from_db()
        assert clock.state == "met"
        closed = checks.closed(self.people)
        checks.contest_decided(self.people, closed, checks.AFTER_30)
        assert Task.objects.get(case=closed, kind="check_decide_again").due_at > checks.AFTER_30
        assert not Clock.objects.filter(case=closed, rule="check_referred", ended_at=None).exists()

    def test_what_a_decision_that_does_not_stand_did_besides_is_looked_at(self):
        """R66: others refuse services, credit or work by what the agencies hold; somebody sees what is put right."""

        def decide(case, **more):
            return transitions.apply(
                case.pk,
                "decide",
                actor=self.people[checks.REVIEWER],
                at=AT,
                reason="Seen.",
                inputs={**checks.WON, **more},
            )

        case = checks.contest_assigned(self.people)
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="from the list"):
            decide(case, harm=["nonsense"])
        case = decide(case, harm=["refused_elsewhere", "work"])
        assert case.tasks.filter(kind="contest_harm", closed_at=None).count() == 1
        assert dict(report.facts_view(case))["What the decision did besides"] == (
            "Somebody else refused them a service or credit; They lost work, or were not taken on"
        )
        stood = checks.contest_assigned(self.people)
        stood = decide(stood, outcome="upheld", harm=["money"])
        assert (stood.contest.harm, stood.tasks.filter(kind="contest_harm").count()) == (["money"], 0)

    def test_nobody_has_anothers_decision_looked_at(self):
        """References are numbers in a row: a stranger who names one shows who they are, or is joined, before."""
        stranger = {**checks.PERSON, "values": {"forename": "Ottilie", "surname": "Snape"}}
        facts = {**checks.CONTESTED, "check_reference": checks.decided(self.people).reference}
        officer = self.people[checks.RIGHTS]
        case = intake.open_case("contest", actor=officer, at=AT, facts=facts, people=[stranger])
        to = checks.to_reviewer(self.people)
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="Nothing shows"):
            transitions.apply(case.pk, "assign", actor=officer, at=AT, inputs=to)
        transitions.apply(case.pk, "confirm_identity", actor=officer, at=AT, inputs=checks.IDENTITY)  # came with proof
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="on record already"):
            transitions.apply(case.pk, "confirm_identity", actor=officer, at=AT, inputs=checks.IDENTITY)
        # It is Ottilie, and it was never she who was decided on.
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="Nothing shows"):
            transitions.apply(case.pk, "assign", actor=officer, at=AT, inputs=to)

    def test_whoever_is_named_like_the_applicant_and_shows_who_they_are_has_it_looked_at(self):
        values = {name: checks.APPLICANT["values"][name] for name in ("forename", "surname")}
        facts = {**checks.CONTESTED, "check_reference": checks.refused_automatically(self.people).reference}
        officer, to = self.people[checks.RIGHTS], checks.to_reviewer(self.people)
        case = intake.open_case(
            "contest", actor=officer, at=AT, facts=facts, people=[{**checks.PERSON, "values": values}]
        )
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="Nothing shows"):
            transitions.apply(case.pk, "assign", actor=officer, at=AT, inputs=to)
        transitions.apply(case.pk, "confirm_identity", actor=officer, at=AT, inputs=checks.IDENTITY)
        assert transitions.apply(case.pk, "assign", actor=officer, at=AT, inputs=to).state == "assigned"

    def test_a_contest_of_somebody_who_never_shows_who_they_are_is_chased_and_refused_for_that_alone(self):
        check = checks.decided(self.people)
        case = checks.contest(self.people, check)
        officer, protection = self.people[checks.RIGHTS], self.people["j.merriweather"]
        with nothing_written(counted=1), pytest.raises(TransitionRefused):
            transitions.apply(case.pk, "refuse", actor=protection, at=AT, reason="Not now.")
        case = transitions.apply(case.pk, "ask_identity", actor=officer, at=AT)
        clock = Clock.objects.get(case=case, rule="contest_identity")
        assert clock.due_date == (AT + timedelta(days=14)).date()
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="until 28 November 2026"):
            transitions.apply(case.pk, "refuse", actor=protection, at=AT, reason="Not now.")
        checks.sweep(clock.due_at - timedelta(minutes=1))
        assert not Task.objects.filter(case=case, closed_at=None).exists()
        late = clock.due_at + timedelta(minutes=1)
        checks.sweep(late)
        assert Task.objects.get(case=case, closed_at=None).kind == "contest_identity_not_shown"
        assert Clock.objects.get(case=case, rule="k10_request").state == "paused"
        with nothing_written(counted=1), pytest.raises(CaseError, match="data protection officer"):
            transitions.apply(case.pk, "refuse", actor=officer, at=late, reason="Never came.")
        case = transitions.apply(case.pk, "refuse", actor=protection, at=late, reason="Never came.")
        assert (case.state, case.contest.outcome, case.contest.identity_how) == ("closed", "identity_not_proved", "")
        assert not Clock.objects.filter(case=case, ended_at=None).exists()
        assert not Task.objects.filter(case=case, closed_at=None).exists()
        letter = Letter.objects.select_related("case", "party").get(case=case, template="n3_unproved")
        addressee = letters.Addressee(name="Ada Oyelaran", lines={"line_1": "3 Orchard Steps"})
        words = letters._paper(letter, addressee, now=late).html
        assert "We could not be sure that it was you" in words
        assert check.reference in words
        assert not guards.is_contested(check)
        assert ("What came of it", "Nobody showed who they are") in casetypes.get("contest").facts_view(case)

    def test_a_contest_under_a_wrong_reference_or_day_is_put_right(self):
        wrong, right = checks.decided(self.people), checks.decided(self.people)
        case = checks.contest(self.people, wrong)
        client = desk.client_of(checks.RIGHTS, is_stepped_up=True)
        page = f"/cases/{case.uid}/edit/"
        shown = client.get(page).content.decode()
        assert wrong.reference in shown
        assert f'value="{calendars.london_date(case.contest.received_at).isoformat()}"' in shown
        assert "Empty: today" not in shown
        sent = {"check_reference": "CHK-1999-000001", "came_by": "letter", "received_date": "", "version": case.version}
        assert client.post(page, sent).status_code == 422
        day = (AT - timedelta(days=7)).date()
        done = client.post(page, {**sent, "check_reference": right.reference, "received_date": day.isoformat()})
        assert done.status_code == 302
        case = Case.objects.get(pk=case.pk)
        assert case.contest.decision.case == right
        assert Clock.objects.get(case=case, rule="k10_request").due_date == date(2026, 12, 7)
        assert not guards.is_contested(wrong)
        assert guards.is_contested(right)

    def test_the_month_counts_from_receipt_never_later_than_the_opening(self):
        check = checks.decided(self.people)
        for received_at, started_at in ((AT - timedelta(days=7), AT - timedelta(days=7)), (AT + timedelta(days=1), AT)):
            facts = {**checks.CONTESTED, "check_reference": check.reference, "received_at": received_at}
            case = intake.open_case(
                "contest", actor=self.people[checks.RIGHTS], at=AT, facts=facts, people=[checks.PERSON]
            )
            assert case.contest.received_at == started_at
            assert Clock.objects.get(case=case, rule="k10_request").started_at == started_at
        facts, _ = parse(EXAMPLE)
        assert facts["received_at"] == datetime(2026, 11, 29, 18, 0, tzinfo=UTC)
        with pytest.raises(FieldErrors):
            parse({**EXAMPLE, "received_at": "2026-11-29T18:00:00"})

    def test_a_second_contest_of_the_same_check_names_the_first(self):
        first = checks.contest(self.people)
        (line,) = [each for each in casetypes.get("contest").checks(first) if "No other" in each.label]
        assert line.is_clear
        second = checks.contest(self.people, check=first.contest.decision.case)
        (line,) = [each for each in casetypes.get("contest").checks(second) if "No other" in each.label]
        assert (line.is_clear, line.detail) == (False, first.reference)

    def test_what_is_opened_again_has_its_period_again(self):
        for build, rule in ((checks.contest_closed, "k10_request"), (checks.closed, "check_close")):
            case = build(self.people)
            assert not Clock.objects.filter(case=case, rule=rule, ended_at=None).exists()
            case = reopened(case, self.people)
            assert Clock.objects.filter(case=case, rule=rule, state="running").count() == 1
