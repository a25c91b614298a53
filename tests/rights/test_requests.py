"""A right is asked for, carried out, passed on and confirmed; a complaint is acknowledged and answered."""

import hashlib
import json
import random
from datetime import UTC, date, datetime, timedelta
from unittest import mock

import pytest
from django.test import TestCase
from django.utils import timezone

from cases.kernel import actors, calendars, casetypes, edits, intake, outbox, record, transitions, verdicts
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agreements
from cases.kernel.intake import FieldErrors
from cases.kernel.models import Case, Clock, Letter, OutboxMessage, Task
from cases.kernel.reading import timeline
from cases.kernel.timing import missing, sweeps
from cases.ledger import api as ledger
from cases.ledger import keys, sealing
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.reports import letters, lettertext
from cases.rights import choices, gate, identity, report
from cases.rights.forms import FactsForm
from cases.rights.models import Choice, ContactAnswer
from tests import factories
from tests import requests_of_people as rights
from tests.kernel.snapshots import nothing_written

AT = factories.AT
TEXTED_AT = datetime(2026, 11, 26, 18, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def may(purpose, channel, **reach):
    (verdict,) = choices.verdicts([choices.reach_of(reach)], purpose=purpose, channel=channel, at=AT)
    return verdict.may_contact, verdict.reason


def sweep(at):
    return sweeps.end_due_clocks(now=at)


class Rights(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()

    def again(self, case):
        return Case.objects.get(pk=case.pk)

    def due(self, case, rule="k10_request"):
        return Clock.objects.filter(case=case, rule=rule).latest("pk").due_date

    def test_who_never_shows_who_they_are_is_refused_for_that_alone(self):
        case, dpo = rights.identity_check(self.people), self.people[rights.DPO]
        with nothing_written(counted=1), pytest.raises(CaseError, match="still open"):
            transitions.apply(case.pk, "refuse", actor=dpo, at=AT, reason="Never came.", inputs=rights.NO)
        inputs = {"reason_code": "identity_not_proved"}
        case = transitions.apply(case.pk, "refuse", actor=dpo, at=AT, reason="Never came.", inputs=inputs)
        assert (case.state, case.rights_request.identity_at) == ("refused", None)
        assert not Clock.objects.filter(case=case, ended_at=None).exists()
        assert Letter.objects.filter(case=case, template="n16_refused").count() == 1

    def test_who_does_not_show_who_they_are_is_chased_after_fourteen_days_while_the_month_stands_still(self):
        case, kind = rights.identity_check(self.people), "rights_identity_not_shown"
        due = Clock.objects.get(case=case, rule="rights_identity").due_at
        assert self.due(case, "rights_identity") == date(2026, 11, 28)
        assert sweep(due - MINUTE) == 0
        assert sweep(due + MINUTE) == 1
        assert Task.objects.get(case=case, closed_at=None).kind == kind
        assert Clock.objects.get(case=case, rule="k10_request").state == "paused"
        self.again(case)
        officer = self.people[rights.OFFICER]
        transitions.apply(case.pk, "confirm_identity", actor=officer, at=due + MINUTE, inputs=rights.IDENTITY)
        assert not Task.objects.filter(case=case, closed_at=None).exists()
        shown = rights.identify(rights.asked(self.people), self.people)
        assert sweep(due + MINUTE) == 0
        assert not Task.objects.filter(case=shown).exists()

    def test_what_changed_meanwhile_is_said_in_words(self):
        case = rights.received(self.people)
        assert timeline.last_change(case) == "I. Sowande changed identity, identity how at 10:00."

    def test_who_was_asked_before_there_was_a_reminder_has_one_from_the_day_they_were_asked(self):
        kind, rule = "rights_identity_not_shown", "rights_identity"
        case, other = rights.identity_check(self.people), rights.asked(self.people)
        rights.received(self.people)
        with record.act(case, "tests.before", actor=actors.system("tests"), at=AT):
            Clock.objects.filter(case=case, rule=rule).delete()
        late = AT + timedelta(days=20)
        assert missing.start_missing(at=late) == 1
        clock = Clock.objects.get(case=case, rule=rule)
        assert (clock.started_at, clock.due_date, clock.state) == (AT, date(2026, 11, 28), "running")
        assert LedgerEvent.objects.filter(stream=case.uid).latest("seq").content()["detail"] == {"rule": rule}
        with nothing_written():
            assert missing.start_missing(at=late) == 0
        assert sweep(late) == 1
        assert list(Task.objects.filter(kind=kind, closed_at=None).values_list("case", flat=True)) == [case.pk]
        assert not Clock.objects.filter(case=other, rule=rule).exists()
        with nothing_written():
            assert missing.start_missing(at=late) == 0

    def test_what_is_opened_again_has_its_period_again_and_a_stop_goes_on_by_itself(self):
        for build, rules in (
            (rights.refused, {"k10_request"}),
            (rights.answered, {"complaint_answer"}),
            (lambda people: self.confirmed(rights.propagating(people)), {"k10_request", "rights_onward"}),
        ):
            case = build(self.people)
            transitions.apply(case.pk, "reopen", actor=self.people[rights.OFFICER], at=AT, reason="The ICO wrote.")
            waiting = case.approvals.get(closed_at=None)
            case = verdicts.decide(waiting.uid, "agreed", actor=self.people[rights.DPO], at=AT, reason="The ICO wrote.")
            running = Clock.objects.filter(case=case, state="running")
            assert set(running.values_list("rule", flat=True)) == rules

    def confirmed(self, case):
        return transitions.apply(case.pk, "confirm", actor=actors.system("tests"), at=rights.AFTER_28)

    def test_stop_by_text_counts_at_once_and_goes_on_by_itself_until_all_confirmed(self):
        """P-1: prize-draw entrant, STOP by text, group company at once, ad partner at its weekly sync."""
        television, advertiser = rights.enter(), rights.enter("sandbox-partner-ads", "partner", "Sandbox Partner Ads")
        case = intake.open_case(
            "rights_request",
            actor=rights.own("own-messaging"),
            at=TEXTED_AT + timedelta(seconds=4),
            facts={"right": "stop_marketing", "came_by": "text_message", "received_at": TEXTED_AT},
            people=[rights.PERSON],
        )
        # The campaign by e-mail at 18:05 skips him, whichever way it knows him.
        assert may("own_marketing", "email", email="B.Quince@example.org") == (False, "consent_withdrawn")
        assert may("own_marketing", "post", phone="07700 900654") == (False, "stopped")
        assert may("online_ads", "banner", phone="+447700900654") == (False, "stopped")
        assert may("service", "sms", phone="+447700900654") == (True, "service_message")
        assert self.due(case) == date(2026, 12, 29)
        assert case.retention_class == "rights_request"

        assert sweep(TEXTED_AT + 2 * MINUTE) == 1
        assert self.again(case).state == "actioned"
        assert sweep(TEXTED_AT + 4 * MINUTE) == 1
        assert self.again(case).state == "propagating"
        told = OutboxMessage.objects.filter(case=case, kind="rights_stop").select_related("channel__agency")
        by_code = {message.channel.agency.code: message for message in told}
        assert set(by_code) == {"sandbox-tv", "sandbox-partner-ads"}
        assert self.due(case, "rights_passed_on") == date(2026, 12, 24)

        self.confirm(case, by_code["sandbox-tv"], television, at=datetime(2026, 11, 27, 9, 0, tzinfo=UTC))
        assert self.again(case).state == "propagating"
        self.confirm(case, by_code["sandbox-partner-ads"], advertiser, at=datetime(2026, 12, 1, 6, 0, tzinfo=UTC))
        assert self.again(case).state == "closed"
        assert list(Letter.objects.filter(case=case).values_list("template", flat=True)) == ["n16"]
        assert self.again(case).dispose_after_date == date(2029, 12, 1)

    def confirm(self, case, message, agency, *, at):
        content = Content(
            type="rights.stopped",
            agency_code=agency.agency_code,
            agency_kind=agency.agency_kind,
            agency_reference="",
            agency_sequence=None,
            occurred_at=at,
            data={},
            message=message,
            callback_uid=None,
        )
        casetypes.get("rights_request").callbacks["rights.stopped"](self.again(case), content, actor=agency, at=at)
        OutboxMessage.objects.filter(pk=message.pk).update(acknowledged_at=at)

    def test_complaint_of_1_december_is_acknowledged_by_30_december(self):
        received = datetime(2026, 12, 1, 10, 20, tzinfo=UTC)
        case = intake.open_case(
            "dp_complaint",
            actor=rights.own("own-website"),
            at=received,
            facts={"about": "marketing", "came_by": "web_form", "received_at": received},
            people=[rights.PERSON],
        )
        assert self.due(case, "k11_acknowledge") == date(2026, 12, 30)
        transitions.apply(case.pk, "acknowledge", actor=self.people[rights.OFFICER], at=received)
        assert Clock.objects.get(case=case, rule="k11_acknowledge").state == "met"
        assert self.due(case, "complaint_answer") == date(2026, 12, 31)
        task = Task.objects.get(case=case, closed_at=None)
        assert (task.kind, task.due_at) == ("complaint_to_answer", self.again(case).due_at)
        with nothing_written(counted=1), pytest.raises(CaseError):
            transitions.apply(case.pk, "close", actor=self.people[rights.DPO], at=received, inputs={})
        transitions.apply(case.pk, "close", actor=self.people[rights.DPO], at=received, inputs=rights.FOUND)
        assert sorted(Letter.objects.filter(case=case).values_list("template", flat=True)) == ["n15", "n15_outcome"]
        assert not Task.objects.filter(case=case, closed_at=None).exists()
        assert set(Clock.objects.filter(case=case).values_list("state", flat=True)) == {"met"}

    def test_a_complaint_acknowledged_before_there_was_a_period_has_one_and_the_task_with_it(self):
        case = rights.acknowledged(self.people)
        with record.act(case, "tests.before", actor=actors.system("tests"), at=AT):
            Clock.objects.filter(case=case, rule="complaint_answer").delete()
            Task.objects.filter(case=case).delete()
        at = AT + timedelta(days=5)
        assert missing.start_missing(at=at) == 1
        assert self.due(case, "complaint_answer") == date(2026, 12, 19)
        task = Task.objects.get(case=case, closed_at=None)
        assert (task.kind, task.due_at) == ("complaint_to_answer", self.again(case).due_at)
        with nothing_written():
            assert missing.start_missing(at=at) == 0

    def test_whoever_did_not_confirm_in_28_days_is_a_task_and_the_person_is_told(self):
        case = rights.propagating(self.people)
        sweep(AT + timedelta(days=29))
        assert self.again(case).state == "closed"
        assert Task.objects.filter(case=case, kind="rights_not_confirmed", closed_at=None).count() == 1

    def test_month_stands_still_while_identity_is_asked(self):
        case = rights.asked(self.people, "access")
        assert self.due(case) == date(2026, 12, 14)
        transitions.apply(case.pk, "ask_identity", actor=self.people[rights.OFFICER], at=AT)
        later = AT + timedelta(days=5)
        transitions.apply(
            case.pk, "confirm_identity", actor=self.people[rights.OFFICER], at=later, inputs=rights.IDENTITY
        )
        assert self.due(case) == date(2026, 12, 21)

    def test_a_day_that_was_typed_is_written_as_a_day_and_a_moment_as_one(self):
        typed = FactsForm({"right": "access", "came_by": "letter", "received_date": "2026-11-10"})
        assert typed.is_valid(), typed.errors
        case = rights.asked(self.people, "access", received_at=typed.cleaned_data["received_at"])
        assert dict(report.facts_view(case))["Received"] == "10 November 2026"
        sent = rights.asked(self.people, "access", received_at=datetime(2026, 7, 1, 18, 2, tzinfo=UTC))
        assert dict(report.facts_view(sent))["Received"] == "1 July 2026 19:02"

    def test_nobody_is_asked_who_they_are_who_came_with_proof(self):
        """UK GDPR Art 12(6): more is asked only where there is a reasonable doubt."""
        case = rights.asked(self.people, "access")
        officer = self.people[rights.OFFICER]
        later = AT + timedelta(days=1)
        case = transitions.apply(case.pk, "confirm_identity", actor=officer, at=later, inputs={"how": "document"})
        assert (case.state, identity.is_known(case), self.due(case)) == ("received", True, date(2026, 12, 14))
        assert not case.clocks.filter(rule="rights_identity").exists()

    def test_refusals_write_nothing(self):
        stop = rights.asked(self.people, "stop_marketing")
        case = rights.asked(self.people, "erase")
        officer, dpo = self.people[rights.OFFICER], self.people[rights.DPO]
        tries = (
            (stop, "ask_identity", officer, {}, "", "nobody has to prove"),
            (stop, "refuse", dpo, rights.NO, "No.", "nobody has to prove"),
            (case, "act", officer, rights.DONE, "", "Check first"),
            (case, "act", self.people["a.byrne"], rights.DONE, "", "team you are not in|rights officer"),
            (case, "refuse", officer, rights.NO, "No.", "data protection officer"),
            (case, "refuse", dpo, {}, "No.", "Choose why"),
            (case, "refuse", dpo, rights.NO, "", "reason"),
            (case, "confirm_identity", officer, {}, "", "Say how the person showed"),
            (stop, "confirm_identity", officer, rights.IDENTITY, "", "nobody has to prove"),
            (rights.received(self.people), "confirm_identity", officer, rights.IDENTITY, "", "on record already"),
        )
        for subject, move, actor, inputs, reason, said in tries:
            with nothing_written(counted=1), pytest.raises(CaseError, match=said):
                transitions.apply(subject.pk, move, actor=actor, at=AT, inputs=inputs, reason=reason)
        nobody = {"role": "person", "values": {"forename": "Bartholomew"}}
        with nothing_written(), pytest.raises(CaseError):
            intake.open_case(
                "rights_request",
                actor=officer,
                at=AT,
                facts={"right": "stop_marketing", "came_by": "phone"},
                people=[nobody],
            )

    def test_refusal_tells_the_person_where_to_complain(self):
        case = rights.refused(self.people)
        assert case.state == "refused"
        assert Letter.objects.get(case=case).template == "n16_refused"

    def test_person_without_address_is_told_by_hand(self):
        person = {**rights.PERSON, "addresses": []}
        case = intake.open_case(
            "rights_request",
            actor=self.people[rights.OFFICER],
            at=AT,
            facts={"right": "withdraw_sms_email", "came_by": "phone"},
            people=[person],
        )
        transitions.apply(case.pk, "act", actor=self.people[rights.OFFICER], at=AT)
        transitions.apply(case.pk, "confirm", actor=actors.system("tests"), at=AT)
        assert Task.objects.get(case=case).kind == "rights_tell_person_by_hand"

    def test_stop_of_somebody_known_by_name_and_address_alone_is_told_by_the_hash_of_their_home(self):
        rights.enter()
        person = {**rights.PERSON, "values": {"forename": "Bartholomew", "surname": "Quince"}}
        facts = {"right": "stop_marketing", "came_by": "letter"}
        case = intake.open_case(rights.REQUEST, actor=self.people[rights.OFFICER], at=AT, facts=facts, people=[person])
        transitions.apply(case.pk, "act", actor=self.people[rights.OFFICER], at=AT)
        transitions.apply(case.pk, "propagate", actor=actors.system("tests"), at=AT)
        message = OutboxMessage.objects.get(case=case, kind="rights_stop")
        reader = sealing.Reader(actor="tests", verb="view", purpose="test", streams=(case.uid,))
        said = json.loads(outbox.open_body(message, reader=reader, at=AT))["data"]["reached_by"]
        assert said == [{"kind": "home", "sha256": hashlib.sha256(b"quince|3orchardsteps|nr20zz").hexdigest()}]
        assert not Task.objects.filter(case=case, kind="rights_tell_recipient_by_hand").exists()

    def test_consent_counts_where_the_notice_asks_for_it_and_ends_when_withdrawn(self):
        phone = rights.PERSON["values"]["phone"]
        assert may("usage_data", "app", phone=phone) == (False, "no_consent")
        assert may("third_party_marketing", "post", phone=phone) == (False, "no_consent")
        assert may("own_marketing", "sms", phone=phone) == (False, "no_consent")
        assert may("own_marketing", "post", phone=phone) == (True, "not_objected")
        rights.asked(self.people, "give_consent", purposes=["usage_data", "personalise"], wording_version="2026-02")
        assert may("usage_data", "app", phone=phone) == (True, "consent")
        assert may("personalise", "app", phone=phone) == (True, "consent")
        rights.asked(self.people, "withdraw_usage_data")
        assert may("usage_data", "app", phone=phone) == (False, "consent_withdrawn")
        rows = Choice.objects.filter(purpose="usage_data", reach="phone").order_by("pk")
        assert [(row.is_allowed, row.source, row.wording_version) for row in rows] == [
            (True, "letter", "2026-02"),
            (False, "letter", ""),
        ]

    def test_corrected_stop_counts_as_it_is_corrected(self):
        reach = {"email": "b.quince@example.org"}
        rights.asked(self.people, "give_consent", purposes=["own_marketing"], channels=["email"])
        stop = rights.asked(self.people, "stop_marketing", channels=["sms"])
        assert may("own_marketing", "email", **reach) == (True, "consent")
        with edits.change(stop.pk, actor=self.people[rights.OFFICER], at=AT) as edit:
            edit.facts(channels=["sms", "email"])
        assert may("own_marketing", "email", **reach) == (False, "consent_withdrawn")

    def test_consent_of_a_wrong_number_or_a_void_case_counts_no_more(self):
        case = rights.asked(self.people, "give_consent", purposes=["own_marketing"], channels=["sms"])
        assert may("own_marketing", "sms", phone="+447700900654") == (True, "consent")
        with edits.change(case.pk, actor=self.people[rights.OFFICER], at=AT + MINUTE) as edit:
            edit.party(1, phone="+447700900111")
        assert may("own_marketing", "sms", phone="+447700900654") == (False, "consent_withdrawn")
        assert may("own_marketing", "sms", phone="+447700900111") == (True, "consent")
        transitions.apply(case.pk, "void", actor=self.people[rights.OFFICER], at=AT + MINUTE, reason="Opened twice.")
        waiting = self.again(case).approvals.get(closed_at=None)
        verdicts.decide(waiting.uid, "agreed", actor=self.people[rights.DPO], at=AT + MINUTE)
        assert self.again(case).state == "void"
        assert may("own_marketing", "sms", phone="+447700900111") == (False, "no_consent")

    def test_corrected_day_of_receipt_moves_the_month_and_lies_not_after_the_opening(self):
        officer = self.people[rights.OFFICER]
        case = rights.asked(self.people, "rectify")
        complaint = rights.complaint(self.people)
        assert (self.due(case), self.due(complaint, "k11_acknowledge")) == (date(2026, 12, 14), date(2026, 12, 13))
        for each in (case, complaint):
            with edits.change(each.pk, actor=officer, at=AT + MINUTE) as edit:
                edit.facts(received_at=datetime(2026, 11, 2, 23, 59, tzinfo=UTC))
        assert (self.due(case), self.due(complaint, "k11_acknowledge")) == (date(2026, 12, 2), date(2026, 12, 1))
        assert self.again(case).due_at.date() == date(2026, 12, 2)
        with edits.change(case.pk, actor=officer, at=AT + MINUTE) as edit:
            edit.facts(received_at=datetime(2026, 11, 14, 23, 59, tzinfo=UTC))
        assert self.again(case).rights_request.received_at == case.opened_at
        assert self.due(case) == date(2026, 12, 14)

    def test_consent_names_the_wording_that_was_seen(self):
        form = FactsForm({"right": "give_consent", "came_by": "shop", "purposes": ["usage_data"]})
        assert list(form.errors) == ["wording_version"]

    def test_stop_of_one_channel_leaves_the_others(self):
        rights.asked(self.people, "stop_marketing", channels=["phone"])
        phone = rights.PERSON["values"]["phone"]
        assert may("own_marketing", "phone", phone=phone) == (False, "stopped")
        assert may("own_marketing", "post", phone=phone) == (True, "not_objected")
        assert may("profiling_marketing", "app", phone=phone) == (True, "not_objected")

    def test_consent_of_one_says_nothing_of_whoever_shares_the_home_or_the_account(self):
        """PECR reg 22: the subscriber of a number or address agrees to what is sent there, nobody else does."""
        home = {"surname": "Quince", "line_1": "3 Orchard Steps", "postcode": "NR2 0ZZ"}
        rights.asked(
            self.people, "give_consent", purposes=["own_marketing"], channels=["sms"], wording_version="2026-02"
        )
        assert may("own_marketing", "sms", phone="+447700900654", **home) == (True, "consent")
        for shared in (home, {"account": "8009990001"}, {"email": "b.quince@example.org"}):
            assert may("own_marketing", "sms", phone="+447700900655", **shared) == (False, "no_consent")
        assert Choice.objects.filter(reach="home").count() == 0
        # What stops counts for whoever shares it.
        rights.asked(self.people, "stop_marketing")
        assert may("own_marketing", "post", phone="+447700900655", **home) == (False, "stopped")

    def test_stop_on_a_screen_stops_its_advertising_and_one_of_every_channel_the_profile_too(self):
        email = {"email": "b.quince@example.org"}
        rights.asked(self.people, "stop_marketing", channels=["banner"])
        assert may("online_ads", "banner", **email) == (False, "stopped")
        assert may("online_ads", "app", **email) == (True, "not_objected")
        assert may("profiling_marketing", "app", **email) == (True, "not_objected")
        every = ["phone", "post", "email", "sms", "banner", "app", "set_top_box"]
        rights.asked(self.people, "stop_marketing", channels=every)
        for purpose in ("online_ads", "profiling_marketing"):
            assert may(purpose, "app", **email) == (False, "stopped")

    def test_consent_of_a_day_loses_against_a_stop_of_that_day(self):
        yesterday = calendars.london_date(timezone.now()) - timedelta(days=1)
        typed = {"received_date": yesterday, "came_by": "shop", "purposes": ["own_marketing"], "wording_version": "2"}
        consent = FactsForm({"right": "give_consent", **typed})
        stop = FactsForm({"right": "stop_marketing", **typed})
        assert consent.is_valid(), consent.errors
        assert stop.is_valid(), stop.errors
        assert consent.cleaned_data["received_at"] == calendars.start_of_day(yesterday)
        assert stop.cleaned_data["received_at"] == calendars.end_of_day(yesterday)

    def test_request_is_of_one_person(self):
        """What is held about two people is never given to one of them."""
        facts, other = {"right": "access", "came_by": "letter"}, {**rights.PERSON, "role": "representative"}
        for people in ([rights.PERSON, rights.PERSON], [other], [rights.PERSON, other, other]):
            with nothing_written(), pytest.raises(CaseError, match="Name one person whose right it is"):
                intake.open_case("rights_request", actor=self.people[rights.OFFICER], at=AT, facts=facts, people=people)
        case, officer = rights.asked(self.people, "access"), self.people[rights.OFFICER]
        refused = pytest.raises(CaseError, match="Name one person whose right it is")
        with nothing_written(), refused, edits.change(case.pk, actor=officer, at=AT) as edit:
            edit.add_party(rights.PERSON)

    def corrected(self, case, right):
        with edits.change(case.pk, actor=self.people[rights.OFFICER], at=AT + MINUTE) as edit:
            edit.facts(right=right)
        return list(Clock.objects.filter(case=case, rule="rights_onward", ended_at=None))

    def test_request_that_is_corrected_to_a_stop_goes_on_by_itself_and_one_from_a_stop_does_not(self):
        rights.enter()
        case = rights.asked(self.people, "access")
        assert len(self.corrected(case, "stop_marketing")) == 1
        sweep(AT + 3 * MINUTE)
        assert self.again(case).state == "actioned"
        other = rights.asked(self.people, "stop_profiling")
        assert self.corrected(other, "access") == []
        assert sweep(AT + 10 * MINUTE) == 1  # the first goes on
        assert self.again(other).state == "received"
        assert self.corrected(rights.asked(self.people, "restrict"), "lift_restriction") == []
        assert Letter.objects.filter(template="n16_lifting", state="due").count() == 1

    def test_research_is_a_purpose_of_its_own_that_is_stopped_by_itself(self):
        phone = rights.PERSON["values"]["phone"]
        rights.asked(self.people, "stop_marketing")
        assert may("research", "phone", phone=phone) == (True, "not_objected")
        rights.asked(self.people, "stop_research")
        assert may("research", "phone", phone=phone) == (False, "stopped")

    def test_nobody_is_contacted_in_our_interest_once_its_assessment_is_overdue(self):
        """UK GDPR Art 6(1)(f): what nobody has to agree to stands on an assessment, and only while it is in force."""
        overdue = datetime(2033, 4, 1, 12, tzinfo=UTC)  # the office's own is to be reviewed by 31 March 2033
        somebody = [choices.reach_of({"phone": "+447700900777"})]

        def answer(purpose, at):
            (verdict,) = choices.verdicts(somebody, purpose=purpose, channel="phone", at=at)
            return verdict.may_contact, verdict.reason

        for purpose in ("own_marketing", "spend_advice", "profiling_marketing", "online_ads", "research"):
            assert answer(purpose, overdue - timedelta(days=1)) == (True, "not_objected")
            assert answer(purpose, overdue) == (False, "not_assessed")
        assert answer("service", overdue) == (True, "service_message")
        assert answer("usage_data", overdue) == (False, "no_consent")

    def test_partner_is_told_yes_or_no_alone_and_asks_only_for_what_partners_advertise(self):
        rights.asked(self.people, "stop_profiling")
        television, advertiser = rights.enter(), rights.enter("sandbox-partner-ads", "partner", "Sandbox Partner Ads")

        def ask(actor, purpose):
            question = {"purpose": purpose, "channel": "banner", "people": [{"phone": "+447700900654"}], "batch": "b1"}
            return gate.answer(question, actor=actor, message_id=f"q-{purpose}", at=AT)

        ended = mock.patch.object(agreements, "why_not", return_value="The agreement has ended.")
        with ended, nothing_written(), pytest.raises(CaseError, match="ended"):
            ask(television, "online_ads")
        for actor, purpose in ((advertiser, "usage_data"), (advertiser, "service"), (television, "service")):
            with nothing_written(), pytest.raises(CaseError):
                ask(actor, purpose)
        assert ask(advertiser, "online_ads") == {"answers": [{"may_contact": False}]}
        assert ask(television, "online_ads") == {"answers": [{"may_contact": False}]}
        assert ask(rights.own("own-messaging"), "online_ads") == {
            "answers": [{"may_contact": False, "reason": "stopped"}]
        }
        rows = ContactAnswer.objects.order_by("pk").values_list("agency__code", "reason", "clause")
        assert list(rows) == [
            ("sandbox-partner-ads", "stopped", "honour_choices"),
            ("sandbox-tv", "stopped", "honour_choices"),
            ("own-messaging", "stopped", ""),
        ]

    def test_a_stop_names_the_batches_from_which_a_partner_takes_the_person(self):
        """R24 to R26: whoever was matched, or stands for others who are alike, is taken out by the batch."""
        television, advertiser = rights.enter(), rights.enter("sandbox-partner-ads", "partner", "Sandbox Partner Ads")
        people = [{"phone": "+447700900654"}, {"phone": "+447700900111"}]

        def ask(actor, **more):
            question = {"purpose": "online_ads", "channel": "banner", "people": people, **more}
            number = ContactAnswer.objects.count()
            return gate.answer(question, actor=actor, message_id=f"q-{number}", at=AT)

        with nothing_written(), pytest.raises(FieldErrors):
            ask(advertiser)
        for batch in ("seed-1", "match-2", "seed-1"):
            ask(advertiser, batch=batch)
        ask(television)
        case = rights.asked(self.people, "stop_profiling")
        transitions.apply(case.pk, "act", actor=self.people[rights.OFFICER], at=AT)
        ask(advertiser, batch="after-3")
        transitions.apply(case.pk, "propagate", actor=actors.system("tests"), at=AT)
        said = {
            row.channel.agency.code: factories.body_of(row)
            for row in OutboxMessage.objects.filter(case=case, kind="rights_stop").select_related("channel__agency")
        }
        assert said["sandbox-partner-ads"]["batches"] == ["seed-1", "match-2"]
        assert "batches" not in said["sandbox-tv"]

    def test_text_or_email_that_markets_needs_a_way_to_opt_out_of_more_and_the_answer_keeps_it_and_the_batch(self):
        """R23: each message has the option to opt out; R25: which partner, which batch."""
        consent = {"purposes": ["own_marketing", "third_party_marketing"], "wording_version": "2026-02"}
        rights.asked(self.people, "give_consent", **consent)
        sender, people = rights.own("own-messaging"), [{"phone": "+447700900654", "email": "b.quince@example.org"}]
        asked = (
            ({"purpose": "own_marketing", "channel": "sms"}, "no_opt_out"),
            ({"purpose": "own_marketing", "channel": "sms", "opt_out": "reply", "batch": "b-7"}, "consent"),
            ({"purpose": "third_party_marketing", "channel": "email"}, "no_opt_out"),
            ({"purpose": "own_marketing", "channel": "post"}, "not_objected"),
            ({"purpose": "service", "channel": "sms"}, "service_message"),
            ({"purpose": "personalise", "channel": "sms"}, "no_consent"),
        )
        for number, (question, reason) in enumerate(asked):
            said = gate.answer({**question, "people": people}, actor=sender, message_id=f"q-{number}", at=AT + MINUTE)
            assert said["answers"][0]["reason"] == reason, question
        kept = ContactAnswer.objects.order_by("pk").values_list("opt_out", "batch", "may_contact")
        assert list(kept) == [
            ("", "", False),
            ("reply", "b-7", True),
            ("", "", False),
            ("", "", True),
            ("", "", True),
            ("", "", False),
        ]

    def test_answer_to_a_complaint_is_in_the_letter_as_it_was_typed_and_opened_on_record(self):
        """Data Protection Act 2018 s.164A(4): the person is told of the outcome."""
        case = rights.answered(self.people)
        letter = Letter.objects.select_related("case", "party").get(case=case, template="n15_outcome")
        addressee = letters.Addressee(name="Bartholomew Quince", lines={"line_1": "3 Orchard Steps"})
        looked = set(AccessEvent.objects.values_list("pk", flat=True))
        assert "<p>The advertisement was ours; it is gone.</p>" in letters._paper(letter, addressee, now=AT).html
        opened = AccessEvent.objects.exclude(pk__in=looked)
        assert list(opened.values_list("verb", "purpose", "streams")) == [("letter", "inform_person", [case.uid])]
        acknowledged = Letter.objects.select_related("case", "party").get(case=case, template="n15")
        assert "it is gone" not in letters._paper(acknowledged, addressee, now=AT).html
        worded = lettertext.paper("n15_outcome", "Dear {name},", now=AT).html
        assert "What was typed for the person stands here." in worded

    def test_letter_says_that_others_were_told_only_where_they_were(self):
        def words(case):
            letter = Letter.objects.select_related("case", "party").get(case=case, template="n16")
            addressee = letters.Addressee(name="Bartholomew Quince", lines={"line_1": "3 Orchard Steps"})
            return letters._paper(letter, addressee, now=AT).html

        alone = transitions.apply(rights.stop(self.people).pk, "act", actor=self.people[rights.OFFICER], at=AT)
        transitions.apply(alone.pk, "confirm", actor=actors.system("tests"), at=AT)
        put_right = rights.closed(self.people)
        told = rights.propagating(self.people)
        sweep(AT + timedelta(days=29))
        assert "we told the companies" in words(told)
        for case in (alone, put_right):
            assert "we told the companies" not in words(case)
        assert "It counted from the moment" in words(alone)
        assert "counted" not in words(put_right)

    def test_stop_of_a_home_counts_however_a_name_is_marked_and_also_as_it_was_kept_before(self):
        """A stop that is spelt otherwise is a stop all the same."""
        for number, names in enumerate((("Siân-Llŷr", "Sian Llyr"), ("Sian Llyr", "Siân-Llŷr"))):
            (said, asked) = (
                {"surname": name, "line_1": f"{number} Heol y Dŵr", "postcode": "CF10 0ZZ"} for name in names
            )
            place = {name: said[name] for name in ("line_1", "postcode")}
            person = {
                "role": "person",
                "values": {"surname": said["surname"]},
                "addresses": [{"kind": "current", **place}],
            }
            facts, officer = {"right": "stop_marketing", "came_by": "letter"}, self.people[rights.OFFICER]
            case = intake.open_case("rights_request", actor=officer, at=AT, facts=facts, people=[person])
            asked |= {"line_1": f"{number} Heol y Dwr", "postcode": "cf100zz"}
            reaches = [choices.reach_of(each) for each in (asked, said)]
            found = choices.verdicts(reaches, purpose="own_marketing", channel="post", at=AT + MINUTE)
            assert [each.may_contact for each in found] == [False, False]
        old = {"surname": "Siân", "line_1": "9 Heol y Dŵr", "postcode": "CF10 0ZZ"}
        token, *_ = keys.kept_hashes("contact_choice", f"home:{choices.reach_of(old)['home']}")
        kept = {"purpose": "own_marketing", "channel": "all", "is_allowed": False, "said_at": AT, "source": "letter"}
        with record.act(case, "tests.kept", actor=actors.system("tests"), at=AT):
            Choice.objects.create(case=case, reach="home", token=token, **kept)
        (found,) = choices.verdicts([choices.reach_of(old)], purpose="own_marketing", channel="post", at=AT + MINUTE)
        assert not found.may_contact

    def test_whoever_objected_is_in_no_audience(self):
        """Sixty people choose at random; whoever said no last is in no audience, whichever way they are known."""
        chance, sender = random.Random(65), rights.own("own-messaging")
        purposes, channels = ("own_marketing", "third_party_marketing", "online_ads"), ("sms", "post", "all")
        case = rights.asked(self.people, "access")
        people, newest, rows = [], {}, []
        for number in range(60):
            reach = {"phone": f"+4477009{number:05d}", "email": f"p{number}@example.org"}
            people.append(reach)
            for minute in range(chance.randrange(8)):
                kind = chance.choice(("phone", "email"))
                purpose, channel, is_allowed = chance.choice(purposes), chance.choice(channels), chance.random() < 0.5
                at = AT + timedelta(minutes=minute)
                newest[number, kind, purpose, channel] = (at, is_allowed)
                token = choices.tokens({kind: reach[kind]})[0]
                said = {"purpose": purpose, "channel": channel, "is_allowed": is_allowed, "said_at": at}
                rows.append(Choice(case=case, reach=kind, token=token, source="letter", **said))
        with record.act(case, "tests.chose", actor=actors.system("tests"), at=AT):
            ledger.bulk_create(Choice, rows)
        objections = 0
        for purpose in purposes:
            for channel in ("sms", "post"):
                asked = {"purpose": purpose, "channel": channel, "opt_out": "link", "people": people}
                said = gate.answer(asked, actor=sender, message_id=f"{purpose}-{channel}", at=AT)["answers"]
                found = [reach for reach, each in zip(people, said, strict=True) if each["may_contact"]]
                for number, reach in enumerate(people):
                    for kind in ("phone", "email"):
                        said = [newest.get((number, kind, purpose, each)) for each in (channel, "all")]
                        last = max((each for each in said if each), key=lambda each: each[0], default=None)
                        if last is not None and not last[1]:
                            objections += 1
                            assert reach not in found, (number, purpose, channel)
        assert objections > 60
