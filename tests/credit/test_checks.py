"""An application is checked once, decided by rules or by a person, and told; journey A-1 with its dates."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import TestCase
from django.utils.html import escape

from cases.agencies.transports.base import DeliveryError
from cases.credit import codes, rulesets
from cases.credit.contests.forms import PartyForm as ContestPartyForm
from cases.credit.forms import DecideForm, PartyForm
from cases.credit.models import Check, CheckDecision, Search
from cases.kernel import actors, casetypes, intake, record, tasks, transitions
from cases.kernel.casetypes import Content
from cases.kernel.intake import FieldErrors, IntakeRefused
from cases.kernel.models import Agency, Case, Clock, DeliveryAttempt, Letter, OutboxMessage, Release, Task
from cases.kernel.office import proposals
from cases.kernel.transitions import TransitionRefused
from cases.ledger.sealing import Reader
from cases.reports import letters as written
from cases.reports import lettertext
from tests import checks, factories
from tests.kernel.snapshots import nothing_written
from tests.reports import reading
from tests.web import desk

AT = factories.AT
APPLIED_AT = datetime(2026, 11, 26, 9, 14, tzinfo=UTC)


class Checks(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        checks.enter()

    def decisions(self, case):
        return list(CheckDecision.objects.filter(case=case).order_by("number"))

    def test_an_application_is_declined_by_the_rules_with_both_letters_and_a_way_to_contest_it(self):
        """A-1: score 512, identity pass, no match; declined by cr-2026.11 alone, N2 and N3 in the same act."""
        case = checks.refused_automatically(self.people)
        assert case.state == "decided"
        (row,) = self.decisions(case)
        assert (row.outcome, row.automated_level, row.is_significant) == ("decline", "solely", True)
        assert row.ruleset == "cr-2026.11"
        assert row.triggers == ["inconsistent_with_previous_submissions"]
        assert row.reasons == ["earlier_applications_differ", "low_score"]
        assert sorted(Letter.objects.filter(case=case).values_list("template", flat=True)) == ["n2", "n3"]
        assert row.automated_notice.template == "n3"
        assert row.contest_route
        assert [agency.code for agency, words in row.searched if words.startswith("others")] == ["sandbox-bureau-a"]
        assert sorted(Search.objects.filter(case=case).values_list("search_type", "is_hard", "state")) == [
            ("credit_hard", True, "answered"),
            ("fraud_prevention", False, "answered"),
            ("identity", False, "answered"),
            ("retail_alert", False, "answered"),
        ]
        assert set(Search.objects.filter(case=case).values_list("footprint", flat=True)) != {""}
        assert Release.objects.filter(case=case, message_kind="cra_search").count() == 2

    def test_each_decision_says_on_whose_word_it_rests(self):
        """R62: we, a credit reference or a fraud prevention agency decide that somebody is a risk."""
        shown = casetypes.get("check").tables(checks.refused_automatically(self.people))[0]
        assert dict(zip(shown.columns, shown.rows[0], strict=True))["On whose word"] == "A credit reference agency"
        for reasons, said in (
            (["fraud_match", "alert_match"], "A fraud prevention agency; The retailers' alert"),
            (["affordability", "low_score"], "We ourselves; A credit reference agency"),
        ):
            assert codes.said_by(reasons) == said
        assert codes._SAID_BY.keys() < dict(codes.REASONS).keys()

    def test_both_letters_warn_that_others_may_refuse_and_say_how_a_decision_is_contested(self):
        """R66, R65."""
        case = checks.refused_automatically(self.people)
        for pk in Letter.objects.filter(case=case).values_list("pk", flat=True):
            assert written.write(pk, now=AT)
            letter = Letter.objects.select_related("blob").get(pk=pk)
            reader = Reader(actor="tests", verb="read", purpose="tests")
            said = " ".join(reading.text_of(written.open_letter(letter, reader=reader, at=AT)).split())
            assert "others to refuse you services, financing or employment" in said, letter.template
            assert f"name the reference {case.reference}" in said.replace("- ", "-")

    def test_a_later_wording_of_both_letters_names_what_was_decided_when_and_by_whose_search(self):
        case = checks.refused_automatically(self.people)
        row = self.decisions(case)[0]
        for code, lines, says in (
            ("n2", "On {decided_at}: {outcome_said}.\n- {searched_words}\n- {reason_words}", row.searched_words),
            ("n3", "On {decided_at}: {outcome_said}.\n- {trigger_words}\n- {reason_words}", row.trigger_words),
        ):
            day = AT.date() + timedelta(days=1)
            payload = {"code": code, "body": f"Dear {{name}}\n{lines}", "effective_from": day}
            asked = proposals.propose("letter_text", payload, actor=self.people["o.thackray"], at=AT, reason="Plainer.")
            proposals.decide(asked.uid, "agreed", actor=self.people["j.merriweather"], at=AT, reason="Read.")
            letter = Letter.objects.select_related("case", "party").get(case=case, template=code)
            letter.template_version = 2
            said = written._paper(letter, written.Addressee(name="Ada Oyelaran", lines={}), now=AT).html
            assert f"On {lettertext.written(row.decided_at)}: declined." in said
            for each in ("; ".join(says), "; ".join(row.reason_words)):
                assert escape(each) in said, code

    def test_letter_names_the_notice_of_each_agency(self):
        case = checks.refused_automatically(self.people)
        letter = Letter.objects.get(case=case, template="n2")
        with self.settings(DEMO=True):  # which shows addresses that nobody entered
            assert written.write(letter.pk, now=AT)
        letter = Letter.objects.select_related("blob").get(pk=letter.pk)
        reader = Reader(actor="tests", verb="read", purpose="tests")
        said = " ".join(reading.text_of(written.open_letter(letter, reader=reader, at=AT)).split()).replace("- ", "-")
        assert "What they do with what they hold: https://www.example.org/credit-reference-agencies" in said

    def test_what_needs_a_person_is_referred_and_decided_with_what_the_person_looked_at(self):
        for surname, reason in (
            ("Hallworthy", "identity_open"),
            ("Penhaligon", "protective_match"),
            ("Quillfeather", "notice_of_correction"),
            ("Thistlewood", "low_score"),
        ):
            case = checks.answer(checks.running(self.people, surname))
            assert (case.state, case.check_facts.referred_for) == ("referred", [reason])
            assert not self.decisions(case)
        assert Task.objects.filter(case=case, kind="check_referred", closed_at=None).count() == 1
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="looked at yourself"):
            transitions.apply(
                case.pk, "decide", actor=self.people[checks.OFFICER], at=AT, inputs={**checks.NO, "involvement": " "}
            )
        with pytest.raises(TransitionRefused):
            transitions.apply(case.pk, "decide", actor=factories.job(), at=AT, inputs=checks.YES)
        case = transitions.apply(case.pk, "decide", actor=self.people[checks.OFFICER], at=AT, inputs=checks.NO)
        (row,) = self.decisions(case)
        assert (row.outcome, row.automated_level) == ("decline", "assisted")
        assert list(Letter.objects.filter(case=case).values_list("template", flat=True)) == ["n2"]
        assert not Task.objects.filter(case=case, kind="check_referred", closed_at=None).exists()

    def test_no_rules_decide_alone_where_basis_or_data_forbid_it(self):
        for facts, reason in (
            ({"basis": "gdpr_6_1_ea"}, "basis_forbids"),
            ({"has_special_category": True}, "special_category"),
        ):
            case = checks.answer(checks.running(self.people, **facts))
            assert case.state == "referred"
            assert reason in case.check_facts.referred_for

    def test_no_rules_decide_against_whoever_no_letter_reaches_at_home(self):
        at_home = {"line_1": "5 Cobbler's Yard", "town": "Norwich"}
        for number, (home, reaches) in enumerate(
            (
                ({}, False),
                ({"country": "GB"}, False),
                ({"town": "Norwich"}, False),
                ({"postcode": "NR2 0ZZ"}, False),
                ({**at_home, "postcode": "NR2 0ZZ", "kind": "previous"}, False),
                (at_home, True),
            )
        ):
            person = {**checks.APPLICANT, "addresses": [{"kind": "current", **home}] if home else []}
            facts = {**checks.FACTS, "application_id": f"ORD-HOME-{number}"}
            officer = self.people[checks.OFFICER]
            case = intake.open_case("check", actor=officer, at=AT, facts=facts, people=[person])
            case = checks.answer(case)
            assert (case.state, case.check_facts.referred_for[-1]) == ("referred", "cannot_write"), home
            case = transitions.apply(case.pk, "decide", actor=officer, at=AT, inputs=checks.NO)
            assert Letter.objects.filter(case=case, template="n2").exists() is reaches, home
            by_hand = Task.objects.filter(case=case, kind="check_write_by_hand", closed_at=None)
            assert by_hand.exists() is not reaches, home

    def test_half_an_address_of_an_applicant_is_asked_for_again_and_of_whoever_contests_is_taken(self):
        typed = {"surname": "Fenwick-Okafor", "date_of_birth": "1991-07-30"}
        sentence = "Give the first line with a town or a postcode, or no address: this finds nobody."
        halves = ({"country": "GB"}, {"town": "Norwich"}, {"postcode": "NR2 0ZZ"}, {"line_1": "5 Cobbler's Yard"})
        for half in halves:
            assert PartyForm({**typed, **half, "role": "applicant"}).errors == {"line_1": [sentence]}
            assert ContestPartyForm({**typed, **half, "role": "person"}).is_valid()
            assert PartyForm({**half, **typed, "role": "applicant"}, initial={"role": "applicant"}).is_valid()
        for home in ({}, {**halves[1], **halves[3]}, {**halves[2], **halves[3]}):
            assert PartyForm({**typed, **home, "role": "applicant"}).is_valid()

    def test_an_automated_decision_against_a_person_cannot_be_written_without_notice_route_and_trigger(self):
        row = self.decisions(checks.refused_automatically(self.people))[0]
        for changes in (
            {"automated_notice": None},
            {"contest_route": ""},
            {"triggers": []},
            {"basis": "gdpr_6_1_ea"},
            {"has_special_category": True},
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                CheckDecision.objects.filter(pk=row.pk).update(**changes)

    def test_each_occasion_names_its_searches_each_search_its_purpose_and_all_are_in_the_register(self):
        """R47: before a product, an upgrade or a renewal, and during use; R49: what for; R68: what was told of whom."""
        fraud = {("fraud_prevention", "prevent_fraud"), ("retail_alert", "")}  # the alert is asked of an address alone
        whole = {("credit_hard", "credit_risk"), ("identity", "credit_risk"), *fraud}
        wanted = {
            "new": whole,
            "handset_loan": whole,
            "upgrade": whole,
            "limit_change": {("credit_hard", "credit_risk"), *fraud},
            "renewal": {("quotation_soft", "credit_risk"), *fraud},
            "in_use": {("account_review", "credit_risk"), *fraud},
        }
        assert set(wanted) == {code for code, _ in codes.OCCASIONS}
        for number, (occasion, searches) in enumerate(wanted.items()):
            case = checks.running(self.people, occasion=occasion, application_id=f"ORD-47-{number}")
            sent = [factories.body_of(each) for each in OutboxMessage.objects.filter(case=case)]
            assert {(each["search_type"], each.get("purpose", "")) for each in sent} == searches, occasion
            released = Release.objects.filter(case=case)
            assert released.count() == len(searches)
            for release in released:
                assert "application" in set(release.items.values_list("category", flat=True))
                assert [each.party.role for each in release.people.all()] == ["applicant"]

    def test_a_search_is_made_once_whatever_fails_in_between(self):
        """Lost answers, broken lines and second workers: the same message again, under the same id, one footprint."""
        bureaus, faults = checks.Bureaus(), iter([True, False, True, True, False, False])

        def unsteady(parcel):
            is_answer_lost, answer = next(faults, False), None
            if not is_answer_lost or parcel.headers["webhook-id"] not in bureaus.answers:
                answer = bureaus(parcel)
            if is_answer_lost or answer is None:
                raise DeliveryError("connection_broken")
            return answer

        case = checks.running(self.people)
        for _ in range(6):
            checks.answer(case, by=unsteady)
        case = Case.objects.get(pk=case.pk)
        assert case.state == "decided"
        assert DeliveryAttempt.objects.filter(message__case=case).count() > 4
        keys = [key for key, _ in bureaus.footprints]
        assert len(keys) == len(set(keys)) == 4
        known = case.check_facts.application_id
        with nothing_written(), pytest.raises(FieldErrors, match="attention"):
            checks.running(self.people, application_id=known)

    def test_the_number_under_which_agencies_were_searched_is_never_corrected_and_never_used_again(self):
        case, other = checks.referred(self.people), checks.referred(self.people)
        client, page = desk.client_of(checks.OFFICER, is_stepped_up=True), f"/cases/{case.uid}/edit/"
        assert "application_id" not in client.get(page).context["form"].fields
        sent = {"application_id": other.check_facts.application_id, "occasion": "new", "channel": "store"}
        sent |= {"product": "sim", "notice_version": "2026-02", "version": case.version}
        assert client.post(page, sent).status_code == 302
        facts = Check.objects.get(pk=case.pk)
        assert (facts.channel, facts.application_id) == ("store", case.check_facts.application_id)
        known = case.check_facts.application_id
        with record.act(case, "tests.renamed", actor=factories.job(), at=AT):
            facts.application_id = "ORD-OTHER"
            facts.save(update_fields=["application_id"])
        with nothing_written(), pytest.raises(FieldErrors, match="attention"):
            checks.running(self.people, application_id=known)

    def test_an_application_written_in_small_letters_is_the_same_one(self):
        case = checks.running(self.people, application_id="ord-77")
        assert case.check_facts.application_id == "ORD-77"
        with nothing_written(), pytest.raises(FieldErrors, match="attention"):
            checks.running(self.people, application_id="Ord-77")

    def test_a_check_needs_the_notice_an_adult_and_one_applicant(self):
        with nothing_written(), pytest.raises(FieldErrors):
            checks.running(self.people, notice_version="")
        child = {**checks.APPLICANT, "values": {**checks.APPLICANT["values"], "date_of_birth": "2010-01-01"}}
        for people in ([child], [checks.APPLICANT, checks.APPLICANT]):
            with pytest.raises(IntakeRefused):
                intake.open_case(
                    "check",
                    actor=self.people[checks.OFFICER],
                    at=AT,
                    facts={**checks.FACTS, "application_id": "ORD-1"},
                    people=people,
                )

    def test_after_an_hour_without_an_answer_a_person_takes_over(self):
        case = checks.running(self.people)
        checks.sweep(AT + timedelta(minutes=61))
        case = Case.objects.get(pk=case.pk)
        assert (case.state, case.check_facts.referred_for) == ("referred", ["searches_missing"])

    def test_without_the_birth_of_the_applicant_nothing_is_searched(self):
        unknown = {**checks.APPLICANT, "values": {"forename": "Idris", "surname": "Fenwick-Okafor"}}
        typed = {"role": "applicant", "forename": "Idris", "surname": "Fenwick-Okafor"}
        sentence = "Give the applicant's date of birth: a search without it may be about somebody else."
        facts = {**checks.FACTS, "application_id": "ORD-7"}
        with nothing_written(), pytest.raises(IntakeRefused, match=sentence):
            intake.open_case("check", actor=self.people[checks.OFFICER], at=AT, facts=facts, people=[unknown])
        assert PartyForm(typed).errors == {"date_of_birth": [sentence]}
        assert PartyForm({**typed, "role": "associate"}).is_valid()

    def test_whoever_takes_over_decides_without_the_agency_that_stays_silent(self):
        """transitions.csv check/decide from referred: nothing else leads out of it."""
        case = checks.running(self.people)
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="still running"):
            transitions.apply(case.pk, "decide", actor=self.people[checks.OFFICER], at=AT, inputs=checks.NO)
        checks.sweep(AT + timedelta(minutes=61))
        later = AT + timedelta(hours=2)

        case = transitions.apply(case.pk, "decide", actor=self.people[checks.OFFICER], at=later, inputs=checks.NO)

        assert set(Search.objects.filter(case=case).values_list("state", flat=True)) == {"asked"}
        (row,) = self.decisions(case)
        assert (case.state, row.outcome, row.automated_level) == ("decided", "decline", "assisted")
        assert list(Letter.objects.filter(case=case).values_list("template", flat=True)) == ["n2"]
        assert not Clock.objects.filter(
            case=case, rule__in=("check_searches", "check_referred"), ended_at=None
        ).exists()
        # An answer that comes after all decides nothing more.
        case = checks.answer(case, at=later)
        assert (case.state, self.decisions(case)) == ("decided", [row])

    def reported(self, case, match):
        register = Agency.objects.get(code="sandbox-fraud-register")
        said = Content(
            type="fpa.match",
            agency_code=register.code,
            agency_kind="fpa",
            agency_reference="",
            agency_sequence=None,
            occurred_at=None,
            data={"match": match},
            message=None,
            callback_uid=None,
        )
        callbacks = casetypes.get("check").callbacks
        callbacks["fpa.match"](Case.objects.get(pk=case.pk), said, actor=actors.agency(register), at=AT)

    def test_match_that_is_reported_while_agencies_are_asked_leaves_the_decision_to_a_person(self):
        """Domain 3.8: with that match present at the time, no decision is made without a person."""
        for match, reason in (
            ("protective", "protective_match"),
            ("adverse", "fraud_match"),
            ("something else", "fraud_match"),
        ):
            case = checks.running(self.people)
            self.reported(case, match)
            case = checks.answer(case)
            assert (case.state, case.check_facts.referred_for) == ("referred", [reason])
            assert not self.decisions(case)
            assert not Letter.objects.filter(case=case).exists()
        case = checks.running(self.people)
        self.reported(case, "none")
        assert checks.answer(case).state == "decided"

    def test_match_in_an_answer_that_comes_after_the_decision_is_a_task(self):
        case = checks.running(self.people, "Penhaligon")
        checks.sweep(AT + timedelta(minutes=61))
        transitions.apply(case.pk, "decide", actor=self.people[checks.OFFICER], at=AT, inputs=checks.NO)
        case = checks.answer(case)
        assert list(Task.objects.filter(case=case, closed_at=None).values_list("kind", flat=True)) == [
            "check_late_match"
        ]

    def test_answer_that_comes_after_the_decision_and_that_no_rules_decide_on_is_a_task(self):
        """Domain 3.2: a notice of correction is read by a human."""
        for surname, reason in (("Quillfeather", "notice_of_correction"), ("Hallworthy", "identity_open")):
            case = checks.running(self.people, surname)
            checks.sweep(AT + timedelta(minutes=61))
            transitions.apply(case.pk, "decide", actor=self.people[checks.OFFICER], at=AT, inputs=checks.NO)
            checks.answer(case)
            (task,) = Task.objects.filter(case=case, closed_at=None)
            assert (task.kind, task.detail["reasons"]) == ("check_late_answer", [reason])
        case = checks.running(self.people, "Thistlewood")
        checks.sweep(AT + timedelta(minutes=61))
        transitions.apply(case.pk, "decide", actor=self.people[checks.OFFICER], at=AT, inputs=checks.NO)
        checks.answer(case)
        assert not Task.objects.filter(case=case, closed_at=None).exists()

    def test_letter_says_of_a_search_that_was_refused_nothing_and_of_one_unanswered_that_others_may_see_it(self):
        unanswered = checks.running(self.people)
        checks.sweep(AT + timedelta(minutes=61))
        refused = checks.answer(checks.running(self.people), by=checks.refuse)
        decide = {"actor": self.people[checks.OFFICER], "at": AT + timedelta(hours=2), "inputs": checks.NO}
        for case, said in (
            (
                unanswered,
                [("sandbox-bureau-a", "it has not answered us; others who look at your file may see this search")],
            ),
            (refused, []),
        ):
            transitions.apply(case.pk, "decide", **decide)
            (row,) = self.decisions(case)
            assert [(agency.code, words) for agency, words in row.searched] == said
        footprints = casetypes.get("check").tables(refused)[1].rows
        assert {each[2] for each in footprints} == {"None"}

    def test_what_counts_of_a_linked_person_is_said_to_staff_and_to_nobody_outside(self):
        """Domain 3.6: one applicant's data is not explained to the other."""
        case = checks.referred(self.people)
        with record.act(case, "tests.referred", actor=factories.job(), at=AT):
            case.check_facts.referred_for = ["associate_adverse"]
            case.check_facts.save(update_fields=["referred_for"])
        inputs = {**checks.NO, "reasons": ["associate_adverse", "affordability"]}
        case = transitions.apply(case.pk, "decide", actor=self.people[checks.OFFICER], at=AT, inputs=inputs)
        letter = Letter.objects.select_related("case", "party").get(case=case, template="n2")
        said = written._paper(letter, written.Addressee(name="Ada Oyelaran", lines={}), now=AT).html
        kind, reader = casetypes.get("check"), Reader(actor="tests", verb="read", purpose="tests")
        pack = [row for row in kind.facts_view(case) if row[0] not in kind.not_for_subject]
        pack += [row for item in kind.for_subject(case, {"applicant"}, reader=reader, at=AT) for row in item.rows]
        words = "Information of a credit reference agency counts against it"
        assert words in said
        assert ("Because", words) in pack
        assert "financially linked" not in said + repr([row for row in pack if row[0] != "Financially linked person"])
        assert "financially linked" in repr(kind.tables(case)) + repr(kind.facts_view(case))

    def test_results_are_kept_by_the_rule_of_customers_or_by_that_of_others(self):
        """12 months from the decision for somebody who became no customer; 6 years for a customer, and for a decision
        that no person took."""
        others = checks.decided(self.people, checks.NO)
        theirs, alone = checks.decided(self.people), checks.refused_automatically(self.people)
        for each in (others, theirs, alone):
            checks.told(each)
        for _ in range(3):
            checks.sweep(AT + timedelta(days=31))
        others, theirs, alone = (Case.objects.get(pk=each.pk) for each in (others, theirs, alone))
        assert (others.state, others.retention_class) == ("closed", "check_no_customer")
        assert (theirs.state, theirs.retention_class) == ("closed", "check_customer")
        assert (alone.state, alone.retention_class) == ("closed", "check_automated")
        kept = {case.pk: dict(casetypes.get("check").facts_view(case))["Kept as"] for case in (others, theirs, alone)}
        assert kept[others.pk].startswith("Check of somebody who became no customer. Retention schedule: ")
        assert kept[others.pk].endswith("helps to prevent and detect fraud")
        assert kept[theirs.pk].startswith("Check of somebody who became a customer.")
        assert "Kept as" not in dict(casetypes.get("check").facts_view(checks.decided(self.people)))
        assert alone.dispose_after_date == theirs.dispose_after_date
        assert theirs.dispose_after_date > others.dispose_after_date

    def test_a_check_waits_until_the_person_was_told_and_30_days_from_then(self):
        """Domain 3: closed 30 days after the last notice; who was not told of a decision cannot contest it."""
        check = checks.refused_automatically(self.people)
        late = AT + timedelta(days=31)
        with (
            nothing_written(counted=1),
            pytest.raises(TransitionRefused, match="has not been told of the decision yet"),
        ):
            transitions.apply(check.pk, "close", actor=actors.system("tests"), at=late)
        checks.sweep(late)
        assert Case.objects.get(pk=check.pk).state == "decided"
        checks.told(check, at=late + timedelta(days=9))
        checks.sweep(late + timedelta(days=31))
        assert Case.objects.get(pk=check.pk).state == "decided"
        checks.sweep(late + timedelta(days=38))
        assert Case.objects.get(pk=check.pk).state == "decided"
        checks.sweep(late + timedelta(days=41))
        assert Case.objects.get(pk=check.pk).state == "closed"
        returned = checks.decided(self.people, checks.NO)
        checks.told(returned)
        with record.act(returned, "tests.returned", actor=actors.system("tests"), at=AT):
            tasks.raise_task("letter_returned", case=returned, at=AT)
        with (
            nothing_written(counted=1),
            pytest.raises(TransitionRefused, match="has not been told of the decision yet"),
        ):
            transitions.apply(returned.pk, "close", actor=actors.system("tests"), at=late)
        held = checks.decided(self.people, checks.NO)
        at = AT + timedelta(days=184)
        assert transitions.apply(held.pk, "close", actor=actors.system("tests"), at=at).state == "closed"

    def test_a_linked_person_counts_only_where_a_link_allows_it(self):
        other = {
            "role": "associate",
            "is_innocent": True,
            "values": {"forename": "Ottilie", "surname": "Snape"},
            "addresses": [],
        }
        case = intake.open_case(
            "check",
            actor=self.people[checks.OFFICER],
            at=AT,
            facts={**checks.FACTS, "application_id": "ORD-2"},
            people=[checks.APPLICANT, other],
        )
        assert case.check_facts.associate_use == "not_used"
        assert not Search.objects.filter(case=case, is_joint=True).exists()


def test_shipped_rules_are_whole_and_bad_ones_are_refused_in_sentences():
    rules = rulesets.shipped()
    assert rules.judge(
        {"is_complete": True, "score": 512, "applications_differ": True, "identity": "pass"}
    ).outcome == ("decline")
    assert rules.judge({"is_complete": True, "score": 640, "identity": "pass"}).outcome == "accept"
    bad = {
        "code": "x",
        "rules": [{"when": {"score": {"below": "ten"}, "colour": {"is": "red"}}, "outcome": "decline"}],
        "otherwise": {"outcome": "perhaps", "reasons": ["meets_criteria"]},
    }
    found = " ".join(rulesets.faults(bad))
    for words in (
        "colour is no factor",
        "condition on score",
        "names no reason",
        "notice's triggers",
        "outcome is not",
    ):
        assert words in found


# What the law and the notice leave to a person, whatever the rules say.
CLEAN = {"is_complete": True, "identity": "pass", "fraud_match": "none", "alert_match": False}
CLEAN |= {"notice_of_correction": False, "applications_differ": True, "score": 500}
TO_A_PERSON = (
    ({"notice_of_correction": True}, "notice_of_correction"),
    ({"fraud_match": "protective"}, "protective_match"),
    ({"fraud_match": "adverse"}, "fraud_match"),
    ({"alert_match": True}, "alert_match"),
    ({"identity": "refer"}, "identity_open"),
    ({"identity": "fail"}, "identity_open"),
    ({"is_complete": False}, "searches_missing"),
)
CARELESS = {
    "code": "cr-2027.02",
    "rules": [
        {
            "when": {"score": {"below": 520}},
            "outcome": "decline",
            "reasons": ["low_score"],
            "triggers": ["inconsistent_with_previous_submissions"],
        }
    ],
    "otherwise": {"outcome": "accept", "reasons": ["meets_criteria"]},
}


def test_no_set_of_rules_decides_what_a_person_has_to():
    rules = rulesets.read(CARELESS)
    assert rules.judge(CLEAN).outcome == "decline"
    for changes, reason in TO_A_PERSON:
        for score in (500, 700):
            verdict = rules.judge({**CLEAN, "score": score, **changes})
            assert (verdict.outcome, verdict.reasons) == ("refer", (reason,))
    assert rules.judge({"score": 700}).reasons == ("searches_missing",)


def test_odd_rules_are_refused_in_sentences_and_never_break():
    for rule, words in (
        ({"when": {}, "outcome": [], "reasons": ["low_score"]}, "outcome is not known"),
        ({"when": {"score": {"in": 5}}, "outcome": "refer", "reasons": ["low_score"]}, "condition on score"),
        ({"when": {"identity": {"in": None}}, "outcome": "refer", "reasons": ["low_score"]}, "condition on identity"),
        ({"when": {"identity": {"in": "pass"}}, "outcome": "refer", "reasons": ["low_score"]}, "condition on identity"),
        ({"when": {"identity": {"in": []}}, "outcome": "refer", "reasons": ["low_score"]}, "condition on identity"),
        ({"when": {"identity": {"is": "\0"}}, "outcome": "refer", "reasons": ["low_score"]}, "condition on identity"),
        ({"when": {}, "outcome": "refer", "reasons": ["low_score"], "note": "x"}, "note is no part"),
        ({"when": {}, "outcome": "refer", "reasons": {"low_score": 1}}, "under reasons"),
    ):
        assert words in " ".join(rulesets.faults({**CARELESS, "rules": [rule]})), rule
    assert "has no comment" in " ".join(rulesets.faults({**CARELESS, "comment": "x"}))


@pytest.mark.django_db
@pytest.mark.parametrize("outcome", ["suspend_existing", "terminate"])
def test_a_service_is_stopped_only_by_a_check_of_one_that_is_used(outcome):
    people = factories.office()
    case = checks.referred(people)
    with nothing_written(counted=1), pytest.raises(TransitionRefused, match="Choose what is decided"):
        inputs = {**checks.NO, "outcome": outcome}
        transitions.apply(case.pk, "decide", actor=people[checks.OFFICER], at=AT, inputs=inputs)
    assert outcome not in dict(DecideForm(case=case).fields["outcome"].choices)
    with record.act(case, "tests.used", actor=actors.system("tests"), at=AT):
        case.check_facts.occasion = "in_use"
        case.check_facts.save()
    assert outcome in dict(DecideForm(case=case).fields["outcome"].choices)
    case = transitions.apply(case.pk, "decide", actor=people[checks.OFFICER], at=AT, inputs=inputs)
    assert case.state == "decided"
