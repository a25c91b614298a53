"""Rules of checks are versions: tried on what was decided, proposed by one person, put in force by another."""

import json
from datetime import timedelta

import pytest
from django.test import TestCase

from cases.credit import rulechanges, rulesets
from cases.credit.models import CheckDecision, RuleSetVersion, Search
from cases.kernel import actors, record, transitions
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.models import Case, Proposal
from cases.kernel.office import kinds, proposals
from cases.kernel.transitions import TransitionRefused
from cases.ledger.models import AccessEvent
from tests import checks, factories
from tests.kernel.snapshots import nothing_written
from tests.web import desk

AT = factories.AT
NEW = "cr-2027.01"
PAGE = "/office/changes/new/check_rules/"


# A set that forgets what has to go to a person.
CARELESS = {
    "rules": [],
    "otherwise": {"outcome": "accept", "reasons": ["meets_criteria"]},
}


def stricter(below=700):
    """The rules that are shipped, with everybody below a score referred to a person."""
    rules = rulesets.shipped()
    referred = {"when": {"score": {"below": below}}, "outcome": "refer", "reasons": ["low_score"]}
    return {"rules": [*map(dict, rules.rules), referred], "otherwise": dict(rules.otherwise)}


class Rules(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        checks.enter()
        cls.declined = checks.refused_automatically(cls.people)
        cls.accepted = checks.answer(checks.running(cls.people, "Goodfellow"))

    def payload(self, document=None, code=NEW):
        document = {"code": code, **(document or stricter())}
        found = rulechanges.tried(rulesets.read(document), actor=self.people[checks.OFFICER], at=AT)
        return {"code": code, "document": document, "tried": found}

    def propose(self, by=checks.OFFICER, **changes):
        payload = {**self.payload(), **changes}
        return proposals.propose("check_rules", payload, actor=self.people[by], at=AT, reason="Too many in arrears.")

    def test_new_rules_are_tried_on_what_was_decided_and_decide_once_another_person_agrees(self):
        row = self.propose()
        assert row.payload["tried"]["looked_at"] == 2
        (named,) = row.payload["tried"]["named"]
        assert named["check"] == self.accepted.reference
        assert (named["old"][:6], named["new"][:17]) == ("Accept", "Refer to a person")
        lines = {line.label: line for line in kinds.get("check_rules").describe(row.before, row.payload)}
        assert (lines["Version"].old, lines["Version"].new) == ("cr-2026.11", NEW)
        assert lines["Rule 1"].old == lines["Rule 1"].new
        assert (lines["Rule 12"].old, lines["Rule 12"].new[:18]) == ("", "score is below 700")
        assert lines["Tried"].new == "2 checks, 1 come out otherwise"
        assert self.accepted.reference in lines
        assert rulechanges.current().code == "cr-2026.11"

        with nothing_written(), pytest.raises(NotAllowed):
            proposals.decide(row.uid, "agreed", actor=self.people[checks.OFFICER], at=AT, reason="Mine.")
        before = Search.objects.count()
        proposals.decide(row.uid, "agreed", actor=self.people[checks.REVIEWER], at=AT, reason="Looked at both.")
        assert RuleSetVersion.objects.get().code == rulechanges.current().code == NEW
        assert Search.objects.count() == before

        again = checks.answer(checks.running(self.people, "Goodfellow"))
        assert (again.state, again.check_facts.referred_for) == ("referred", ["low_score"])
        first = CheckDecision.objects.get(case=self.accepted)
        assert (first.ruleset, first.ruleset_sha256) == ("cr-2026.11", rulesets.shipped().sha256)
        by_rules = CheckDecision.objects.get(case=checks.refused_automatically(self.people))
        assert (by_rules.ruleset, by_rules.ruleset_sha256) == (NEW, RuleSetVersion.objects.get().sha256)

    def test_a_decision_names_the_version_that_made_it_though_another_was_activated_meanwhile(self):
        proposals.decide(self.propose().uid, "agreed", actor=self.people[checks.REVIEWER], at=AT, reason="Both.")
        assert rulechanges.of_code("cr-2026.11") == rulesets.shipped()
        assert rulechanges.of_code(NEW).code == rulechanges.of_code("").code == NEW

    def test_who_may_change_them_is_one_table_and_bad_or_same_rules_are_refused(self):
        without_trigger = stricter()
        without_trigger["rules"][-1] = {**without_trigger["rules"][-1], "outcome": "decline"}
        shipped = {"rules": [*map(dict, rulesets.shipped().rules)], "otherwise": dict(rulesets.shipped().otherwise)}
        for by, changes, said in (
            (checks.REVIEWER, {}, "may not|role"),
            (checks.OFFICER, {"document": {"code": NEW, **without_trigger}}, "names one of the notice's triggers"),
            (checks.OFFICER, {"document": {"code": NEW, **shipped}}, "These are the rules that hold"),
            (checks.OFFICER, {"code": "cr-2026.11", "document": {"code": "cr-2026.11", **stricter()}}, "new one"),
            (checks.OFFICER, {"document": {"code": "other", **stricter()}}, "of another version"),
            (checks.OFFICER, {"tried": {}}, "Try the rules"),
        ):
            payload = {**self.payload(), **changes}
            actor = self.people[by]
            with nothing_written(), pytest.raises(CaseError, match=said):
                proposals.propose("check_rules", payload, actor=actor, at=AT, reason="Tried.")

    def test_trying_opens_the_factors_on_record_and_no_restricted_check(self):
        seen = AccessEvent.objects.filter(verb="compare").count()
        with record.act(self.declined, "tests.hidden", actor=actors.system("tests"), at=AT):
            self.declined.is_restricted = True
            self.declined.save(update_fields=["is_restricted"])
        assert self.payload()["tried"]["looked_at"] == 1
        assert AccessEvent.objects.filter(verb="compare").count() == seen + 1

    def test_the_page_shows_who_would_be_decided_otherwise_before_anything_is_proposed(self):
        client = desk.client_of(checks.OFFICER, is_stepped_up=True)
        page = client.get(PAGE)
        assert page.status_code == 200
        assert "earlier_applications_differ" in page.content.decode()
        assert "Seen" not in page.content.decode()
        sent = {"code": NEW, "document": json.dumps(stricter()), "reason": "Too many in arrears."}
        first = client.post(PAGE, sent)
        words = first.content.decode()
        assert (first.status_code, Proposal.objects.count()) == (422, 0)
        assert "Not proposed yet. Of 2 checks that were looked at, 1 would have come out otherwise" in words
        assert self.accepted.reference in words
        token = first.context["form"].data["seen"]
        assert client.post(PAGE, {**sent, "document": json.dumps(stricter(600)), "seen": token}).status_code == 422
        assert client.post(PAGE, {**sent, "document": "{", "seen": token}).status_code == 422
        assert Proposal.objects.count() == 0
        checks.decided(self.people)  # what was tried has changed since; what was proposed has not
        done = client.post(PAGE, {**sent, "seen": token})
        assert done.status_code == 302
        assert Proposal.objects.get().payload["tried"]["differ"] == 1

    def test_careless_rules_that_two_people_agreed_to_still_decide_nothing_that_a_person_has_to(self):
        row = self.propose(document={"code": NEW, **CARELESS})
        proposals.decide(row.uid, "agreed", actor=self.people[checks.REVIEWER], at=AT, reason="Looked at both.")
        for surname, reason in (("Penhaligon", "protective_match"), ("Quillfeather", "notice_of_correction")):
            case = checks.answer(checks.running(self.people, surname))
            assert (case.state, case.check_facts.referred_for) == ("referred", [reason])
        silent = checks.running(self.people)
        checks.sweep(AT + timedelta(minutes=61))
        silent = Case.objects.get(pk=silent.pk)
        assert (silent.state, silent.check_facts.referred_for) == ("referred", ["searches_missing"])

    def test_the_machine_may_not_decide_what_a_person_has_to_even_where_it_is_told_to(self):
        case = checks.answered(self.people)
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="an agency did not answer"):
            transitions.apply(case.pk, "decide", actor=actors.system("tests"), at=AT, inputs=checks.YES)

    def test_odd_rules_are_said_back_to_whoever_typed_them(self):
        client = desk.client_of(checks.OFFICER, is_stepped_up=True)
        for text in ('{"rules": [{"when": {"score": {"in": 5}}, "outcome": []}], "otherwise": {}}', '{"\\ud800": 1}'):
            assert client.post(PAGE, {"code": NEW, "document": text, "reason": "Tried."}).status_code == 422
        assert Proposal.objects.count() == 0
