"""What a link does elsewhere: whose record may be used for whom, what a party page draws, what a letter never says."""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import TestCase

from cases.association import report
from cases.association.models import Association
from cases.credit.models import Search
from cases.kernel import actors, edits, holds, intake, record, transitions
from cases.kernel.background import jobrun
from cases.kernel.errors import CaseError
from cases.kernel.intake import FieldErrors
from cases.kernel.linking import people as linked
from cases.kernel.models import Case, CaseParty, Letter, OutboxMessage, Party, Release, Task
from cases.reports import letters
from cases.web import wording
from tests import associations, checks, factories
from tests.association.test_path import states
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.reports import reading
from tests.web import desk

LONG_AGO = AT - timedelta(days=2000)
SECRETS = ("88 Secret Mews", "TR18", "Penzance", "3 Lantern Court", "LS1 0ZZ")


def join(*rows):
    """Join what several cases say about one person, as somebody decided."""
    with record.act(rows[0].case, "tests.joined", actor=actors.system("tests"), at=AT):
        party = Party.objects.create()
        for row in rows:
            row.party = party
            row.save(update_fields=["party"])
    return party


def printed(letter):
    """The words of a letter, as it went to the post house."""
    content = base64.b64decode(factories.body_of(letter.message)["content_base64"])
    return " ".join(reading.text_of(content).split())


def sides(case):
    return [CaseParty.objects.select_related("case").get(case=case, role=role) for role in ("declarer", "other_person")]


class TheEffectOfALink(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()

    def use(self, one, other):
        """Ask in both directions; the answers are one."""
        with self.assertNumQueries(1):
            there = linked.may_use(one, other)
        back = linked.may_use(other, one)
        assert (there.is_allowed, there.sentence) == (back.is_allowed, back.sentence)
        return there

    def test_a_link_is_used_in_both_directions_only_while_it_is_active(self):
        cases = {
            "declared": associations.declared,
            "confirmed": associations.confirmed,
            "active": associations.active,
            "challenged": associations.challenged,
            "correcting": associations.correcting,
            "break_requested": associations.break_requested,
            "signposted": associations.signposted,
            "withdrawn": associations.withdrawn,
            "broken": associations.broken,
        }
        allowed = {}
        for state, build in cases.items():
            one, other = sides(build(self.people))
            assert not linked.may_use(one, other).is_allowed  # nobody knows yet that they are people of other cases
            join(one), join(other)
            allowed[state] = self.use(one, other).is_allowed
        assert [state for state, is_allowed in allowed.items() if is_allowed] == ["active"]

    def test_one_disputed_link_forbids_use_whatever_another_says(self):
        (one, other), (again, other_again) = (sides(associations.active(self.people)) for _ in range(2))
        join(one, again), join(other, other_again)
        assert self.use(one, other).is_allowed
        associations.after(again.case, "challenge", self.people["i.sowande"], **associations.DENIAL)
        assert self.use(one, other).sentence == "The link between these two people is not used at present."
        assert not self.use(other_again, again).is_allowed

    def test_a_link_that_is_held_for_a_persons_data_is_kept_and_not_used(self):
        """UK GDPR Art 18(2): stored, and nothing else, until the hold is released."""
        one, other = sides(associations.active(self.people))
        join(one), join(other)
        hold = {"at": LONG_AGO, "source": "customer", "review_at": AT}
        for kind, is_allowed, said in (
            ("dispute", True, "Yes, of either for the other"),
            ("data_protection", False, "No, a policy hold stops it"),
            ("objection", False, "No, a policy hold stops it"),
        ):
            with record.act(one.case, "hold.entered", actor=actors.system("tests"), at=AT):
                placed = holds.place(one.case, kind, actor=actors.system("tests"), **hold)
            assert self.use(one, other).is_allowed is is_allowed, kind
            assert ("May be used in checks", said) in report.facts_view(Case.objects.get(pk=one.case.pk))
            with record.act(one.case, "hold.released", actor=actors.system("tests"), at=AT):
                placed.released_at = AT
                placed.save(update_fields=["released_at"])
            assert self.use(one, other).is_allowed

    def test_whoever_makes_or_ends_a_link_hears_that_another_of_the_same_two_stands(self):
        def told(case):
            rows = Task.objects.filter(case=case, kind="association_linked_twice", closed_at=None)
            return [task.detail["others"] for task in rows]

        first = associations.active(self.people)
        assert told(first) == []
        # The same names, births and postcode; joined by nobody.
        second = associations.active(self.people, are_the_same=True)
        assert told(second) == [[first.reference]]
        (task,) = Task.objects.filter(case=second, kind="association_linked_twice")
        assert wording.task_label(task.kind, task.detail).endswith(f": {first.reference}")
        third = associations.declared(self.people, are_the_same=True)  # heard by whoever confirms it
        assert told(third) == [[first.reference, second.reference]]
        self.hide(second, is_hidden=True)
        fourth = associations.declared(self.people, are_the_same=True)
        assert told(fourth) == [[first.reference]]  # of a restricted case nobody hears
        self.hide(second, is_hidden=False)
        associations.after(first, "challenge", self.people["i.sowande"], **associations.DENIAL)
        associations.after(first, "uphold_challenge", self.people[associations.CONFIRMER])
        assert told(first) == [[second.reference]]  # the third and the fourth were told to nobody

    def hide(self, case, *, is_hidden):
        case = Case.objects.get(pk=case.pk)
        with record.act(case, "tests.hidden", actor=actors.system("tests"), at=AT):
            case.is_restricted = is_hidden
            case.save(update_fields=["is_restricted"])

    def test_nobody_declares_a_link_anew_while_the_first_is_denied_nor_on_a_day_to_come(self):
        first = associations.active(self.people)
        associations.after(first, "challenge", self.people["i.sowande"], **associations.DENIAL)
        with nothing_written(), pytest.raises(CaseError, match=f"used at present: {first.reference}"):
            associations.declared(self.people, are_the_same=True)
        with nothing_written(), pytest.raises(FieldErrors) as refused:
            associations.declared(self.people, agreed_date=AT.date() + timedelta(days=1))
        assert refused.value.errors == [("/agreed_date", "invalid", "Nobody can have agreed on a day to come.")]
        agreed_today = associations.declared(self.people, agreed_date=AT.date())
        assert agreed_today.state == "declared"
        officer = self.people[associations.OFFICER]
        with (
            nothing_written(),
            pytest.raises(CaseError, match="day to come"),
            edits.change(agreed_today.pk, actor=officer, at=AT) as edit,
        ):
            edit.facts(agreed_date=AT.date() + timedelta(days=1))

    def test_nobody_is_linked_anew_by_a_second_declaration_while_the_first_is_denied_or_to_be_broken(self):
        first = associations.active(self.people)
        second = associations.declared(self.people, are_the_same=True)
        reviewer = associations.other_reviewer(self.people)
        associations.after(first, "challenge", self.people["i.sowande"], **associations.DENIAL)
        told = OutboxMessage.objects.filter(kind="cra_assoc").count()
        with nothing_written(counted=1), pytest.raises(CaseError, match=f"used at present: {first.reference}"):
            associations.after(second, "confirm", reviewer)
        associations.after(first, "uphold_challenge", self.people[associations.CONFIRMER])
        with nothing_written(counted=1), pytest.raises(CaseError, match="Decide about that first"):
            associations.after(second, "confirm", reviewer)
        assert OutboxMessage.objects.filter(kind="cra_assoc").count() == told
        for letter in "abc":
            first = associations.say(letter, first, "association.removed")
        assert first.state == "withdrawn"
        assert associations.after(second, "confirm", reviewer).state == "confirmed"

    def test_the_party_page_draws_the_links_and_says_them_in_words_without_the_other_persons_name_or_home(self):
        used, past = associations.active(self.people), associations.broken(self.people)
        party = join(sides(used)[0], sides(past)[0])
        other = join(sides(used)[1])
        page = desk.client_of("m.achterberg").get(f"/persons/{party.uid}/").content.decode()
        assert page.count('<svg class="ties"') == 1
        assert (page.count('<line class="used"'), page.count('<line class="unused"')) == (1, 1)
        assert f"/persons/{other.uid}/" in page
        assert "May be used in checks of either." in page and "Not used." in page
        assert not [text for text in (*SECRETS, "Ottilie", "Snape", "style=") if text in page]

    def test_no_letter_says_where_or_who_the_other_is(self):
        case = associations.declared(self.people, may_write_to_other=True)
        case = associations.after(case, "confirm", self.people["p.lindqvist"])
        letters.make_due_letters(now=AT)
        for letter in ("a", "b", "c"):
            case = associations.say(letter, case, "association.recorded", reference=f"FA-{letter}")
        denial = {**associations.DENIAL, "wants_home": True}
        case = associations.after(case, "challenge", self.people["i.sowande"], **denial)
        case = associations.after(case, "uphold_challenge", associations.other_reviewer(self.people))
        letters.make_due_letters(now=AT)
        written = Letter.objects.filter(case=case).select_related("party", "message").order_by("pk")
        assert [(row.template, row.party.role) for row in written] == [
            ("n12", "declarer"),
            ("n12_other", "other_person"),
            ("association_removed", "other_person"),
            ("association_gone", "declarer"),
        ]
        for row in written:
            text = printed(row)
            own, others = ("Lantern", ("Secret Mews", "TR18", "Ottilie", "Snape"))
            if row.party.role == "other_person":
                own, others = ("Secret Mews", ("Lantern", "LS1", "Leocadia", "Brathwaite"))
            assert own in text and not [each for each in others if each in text], row.template
        gone = printed(written[3])
        assert "removed" in gone and "agreed" not in gone and "denie" not in gone

    def test_an_answer_to_the_other_person_is_not_posted_to_an_address_that_only_the_declarer_gave(self):
        case = associations.correcting(self.people)
        assert set(Letter.objects.filter(case=case).values_list("party__role", flat=True)) == {"declarer"}
        assert Task.objects.filter(case=case, kind="association_write_by_hand", closed_at=None).count() == 1

    def test_a_wrong_person_that_is_detached_is_unlinked_at_every_agency(self):
        case = associations.active(self.people)
        case = associations.after(case, "detach", self.people["m.achterberg"], person=2)
        case = associations.agree(case, associations.other_reviewer(self.people))
        assert states(case) == ["removing"] * 3
        assert OutboxMessage.objects.filter(case=case, kind="cra_assoc_remove").count() == 3
        assert not Task.objects.filter(case=case, kind="detached_filed", closed_at=None).exists()

    def test_a_removal_and_a_question_name_nobody_and_all_is_in_the_register(self):
        case = associations.correcting(self.people)
        bodies = [factories.body_of(row) for row in OutboxMessage.objects.filter(case=case, kind="cra_assoc_remove")]
        assert [sorted(body) for body in bodies] == [["about", "link_reference", "reason"]] * 3
        assert {body["link_reference"] for body in bodies} == {"FA-2026-0001", "FA-2026-0002", "FA-2026-0003"}
        told = Release.objects.filter(case=case, message_kind="cra_assoc").order_by("pk")
        assert [row.people.count() for row in told] == [2, 2, 2]


class WhatIsRefused(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        associations.enter()
        cls.bare = intake.open_case(
            "association",
            actor=cls.people["m.achterberg"],
            at=AT,
            facts=associations.FACTS,
            people=[associations.DECLARER, associations.OTHER],
        )

    def opens(self, people=(associations.DECLARER, associations.OTHER), **facts):
        facts = {**associations.FACTS, **facts}
        return intake.open_case("association", actor=self.people["i.sowande"], at=AT, facts=facts, people=people)

    def test_without_agreement_two_people_or_their_age_nothing_is_opened(self):
        child = {**associations.OTHER, "values": {"surname": "Young", "date_of_birth": "2015-01-01"}}
        for people, facts in (
            ((associations.DECLARER, associations.OTHER), {"has_agreement": False}),
            ((associations.DECLARER,), {}),
            ((associations.DECLARER, associations.DECLARER), {}),
            ((associations.DECLARER, associations.OTHER, associations.OTHER), {}),
            ((associations.DECLARER, child), {}),
        ):
            with nothing_written(), pytest.raises(CaseError):
                self.opens(people, **facts)

    def test_a_third_person_is_not_added(self):
        with (
            nothing_written(),
            pytest.raises(edits.EditRefused, match="Nobody more can be added"),
            edits.change(self.bare.pk, actor=self.people["m.achterberg"], at=AT) as edit,
        ):
            edit.add_party(associations.OTHER)

    def test_nobody_confirms_what_they_entered_or_what_no_document_shows(self):
        both = replace(self.people["m.achterberg"], roles=frozenset({"credit_officer", "credit_reviewer"}))
        with nothing_written(counted=2):
            with pytest.raises(transitions.TransitionRefused, match="Attach the document"):
                associations.after(self.bare, "confirm", self.people["p.lindqvist"])
            with pytest.raises(transitions.TransitionRefused, match="You prepared this case"):
                associations.after(self.bare, "confirm", both)
        said_only = associations.declared(self.people, agreement_kind="declared_only")
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match="Nothing but the decl"):
            associations.after(said_only, "confirm", self.people["p.lindqvist"])

    def test_whoever_confirmed_does_not_judge_the_challenge(self):
        case = associations.confirmed(self.people, by="p.lindqvist")
        case = associations.after(case, "challenge", self.people["i.sowande"], **associations.DENIAL)
        for name, inputs in (("uphold_challenge", {}), ("dismiss_challenge", {"evidence": "1"})):
            with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match="You took part"):
                associations.after(case, name, self.people["p.lindqvist"], **inputs)

    def test_a_challenge_before_anything_left_keeps_it_from_leaving_and_a_dismissal_sends_it(self):
        case = associations.confirmed(self.people)
        case = associations.after(case, "challenge", self.people["i.sowande"], **associations.DENIAL)
        assert states(case) == ["taken_back"] * 3
        assert set(OutboxMessage.objects.filter(case=case).values_list("state", flat=True)) == {"withdrawn"}
        assert Association.objects.get(pk=case.pk).suspended_at == AT
        case = associations.after(case, "dismiss_challenge", self.people["p.lindqvist"], evidence="1")
        assert (case.state, states(case)) == ("active", ["told"] * 3)
        assert Association.objects.get(pk=case.pk).suspended_at is None

    def test_a_break_is_refused_while_something_joint_is_open_and_every_agency_may_refuse_it(self):
        case = associations.break_requested(self.people)
        officer, reviewer = self.people["m.achterberg"], self.people["p.lindqvist"]
        with nothing_written(counted=2):
            with pytest.raises(transitions.TransitionRefused, match="Look whether anything joint"):
                associations.after(case, "signpost", officer, exposure="joint_loan")
            with pytest.raises(transitions.TransitionRefused, match="Nothing joint is open"):
                associations.after(case, "refuse_break", officer, exposure="none")
        case = associations.after(case, "refuse_break", officer, exposure="other_brand")
        case = associations.agree(case, reviewer)
        assert (case.state, Association.objects.get(pk=case.pk).suspended_at) == ("active", None)
        case = associations.after(
            case, "request_break", officer, **{**associations.ASKS, "asked_by": "other_person", "wants_home": True}
        )
        case = associations.agree(associations.after(case, "signpost", officer, exposure="none"), reviewer)
        for letter in "abc":
            case = associations.say(letter, case, "association.kept")
        assert (case.state, states(case)) == ("signposted", ["kept"] * 3)
        assert Task.objects.filter(case=case, kind="association_decide_break", closed_at=None).count() == 1
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match="restore it instead"):
            associations.after(case, "break", officer)
        case = associations.agree(associations.after(case, "restore", officer), reviewer)
        assert (case.state, states(case)) == ("active", ["recorded"] * 3)
        letters_sent = Letter.objects.filter(case=case).order_by("pk").values_list("template", "party__role")
        assert list(letters_sent) == [
            ("n12", "declarer"),
            ("n13_refused", "declarer"),
            ("n13", "other_person"),
            ("n13_kept", "other_person"),
        ]
        assert Case.objects.get(pk=case.pk).is_dormant


def said(of, role, **values):
    """Return a person as an application names them."""
    return {"role": role, "is_innocent": True, "values": {**of["values"], **values}, "addresses": of["addresses"]}


class AnApplicationThatNamesTheOther(TestCase):
    """An application is opened and searched at once: nobody has joined its people with those of a link."""

    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        checks.enter()
        cls.link = associations.active(cls.people)

    def check(self, applicant, other, number="ORD-9"):
        return intake.open_case(
            "check",
            actor=self.people[checks.OFFICER],
            at=AT,
            facts={**checks.FACTS, "application_id": number},
            people=[applicant, other],
        )

    def test_the_other_is_asked_about_with_either_of_the_two(self):
        declarer, other = associations.DECLARER, associations.OTHER
        for number, (one, two) in enumerate(((declarer, other), (other, declarer))):
            case = self.check(said(one, "applicant"), said(two, "associate"), f"ORD-{number}")
            assert case.check_facts.associate_use == "used"
            sent = OutboxMessage.objects.filter(case=case).select_related("channel__agency", "key")
            about = {factories.body_of(each)["search_type"]: factories.body_of(each).get("people", []) for each in sent}
            assert {search: len(people) for search, people in about.items()} == {
                "credit_hard": 2,  # a link is of credit alone
                "identity": 1,
                "fraud_prevention": 1,
                "retail_alert": 0,  # asked by address
            }
            (alert,) = [factories.body_of(each) for each in sent if "addresses" in factories.body_of(each)]
            assert len(alert["addresses"]) == 1
            assert Search.objects.filter(case=case, is_joint=True).exists()
            assert not case.parties.exclude(party=None).exists()

    def test_a_namesake_or_somebody_of_whom_only_the_name_is_known_is_not(self):
        declarer, other = associations.DECLARER, associations.OTHER
        away = [{**declarer["addresses"][0], "postcode": "M1 0ZZ"}]
        elsewhere = {**said(declarer, "applicant"), "addresses": away}
        nowhere = {**said(other, "associate"), "addresses": []}
        for number, (one, two) in enumerate(
            (
                (said(declarer, "applicant", date_of_birth="1979-02-12"), said(other, "associate")),
                (said(declarer, "applicant", forename="Leonora"), said(other, "associate")),
                (said(declarer, "applicant"), said(other, "associate", surname="Snape-Ward")),
                (said(declarer, "applicant"), {**said(other, "associate"), "values": {"surname": "Snape"}}),
                (elsewhere, nowhere),
            )
        ):
            case = self.check(one, two, f"ORD-{number}")
            assert case.check_facts.associate_use == "not_used", number
            assert not Search.objects.filter(case=case, is_joint=True).exists()

    def worked(self):
        jobrun.work(clock=lambda: AT, seconds=60)

    def looked_at(self):
        rows = Task.objects.filter(kind="check_link_was_wrong", closed_at=None).order_by("case_id")
        return list(rows.values_list("case__reference", flat=True))

    def upheld(self):
        associations.after(self.link, "challenge", self.people["i.sowande"], **associations.DENIAL)
        return associations.after(self.link, "uphold_challenge", self.people[associations.CONFIRMER])

    def test_each_check_that_used_a_link_which_was_wrong_is_looked_at_again(self):
        """Domain 7.2 and the step's own effect: decisions that used it are reviewed."""
        pair = said(associations.DECLARER, "applicant"), said(associations.OTHER, "associate")
        used, accepted, hidden = (self.check(*pair, f"ORD-{number}") for number in range(3))
        alone = self.check(checks.APPLICANT, said(associations.OTHER, "associate"), "ORD-3")
        assert used.check_facts.links_used == [str(self.link.uid)]
        assert alone.check_facts.links_used == []
        assert checks.answer(accepted).check_decisions.get().outcome == "accept"
        with record.act(Case.objects.get(pk=hidden.pk), "tests.hidden", actor=actors.system("tests"), at=AT):
            hidden = Case.objects.get(pk=hidden.pk)
            hidden.is_restricted = True
            hidden.save(update_fields=["is_restricted"])
        case = self.upheld()
        task = Task.objects.get(case=case, kind="association_review_decisions")
        assert task.detail == {"used": [used.reference, accepted.reference]}
        assert wording.task_label(task.kind, task.detail).endswith(f": {used.reference}, {accepted.reference}")
        self.worked()
        assert self.looked_at() == [used.reference, hidden.reference]

    def test_where_no_check_used_it_the_task_says_so(self):
        case = self.upheld()
        task = Task.objects.get(case=case, kind="association_review_decisions")
        assert task.detail == {"used": []}
        assert wording.task_label(task.kind, task.detail).endswith(": no check on record used it")
        self.worked()
        assert self.looked_at() == []

    def test_a_link_that_is_challenged_is_not_used_in_a_check_that_waits(self):
        """X-1: suspended the same day, not used in her pending check."""
        case = self.check(said(associations.DECLARER, "applicant"), said(associations.OTHER, "associate"))
        row, other = case.parties.get(number=1), case.parties.get(number=2)
        assert linked.may_use(row, other).is_allowed
        associations.after(self.link, "challenge", self.people["i.sowande"], **associations.DENIAL)
        assert not linked.may_use(row, other).is_allowed
        later = self.check(said(associations.DECLARER, "applicant"), said(associations.OTHER, "associate"), "ORD-2")
        assert later.check_facts.associate_use == "not_used"
