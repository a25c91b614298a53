"""Who may do what: each act by each of the twenty roles, on one's own team's case, another's, and a restricted one."""

import csv
import io
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.test import TestCase

from cases.kernel import edits, intake, policy
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.models import Team
from cases.kernel.roles import ROLES
from tests import factories
from tests.kernel import design
from tests.kernel.snapshots import nothing_written

DUTIES = design.duties()
NOT_ANY_STAFF = {"system_administrator", "auditor"}
SCOPES = {"team", "all", "compartment", "any"}
ACTS = sorted({duty.act for duty in DUTIES if duty.kind == "fraud_referral"})


def named(duty, role):
    """Say whether the design gives the duty to a person of this one role. Nobody is an agency by holding its role."""
    return (role in duty.roles and role != "agency") or ("any_staff" in duty.roles and role not in NOT_ANY_STAFF)


def expected(act, role, *, reaches):
    """Say what the design answers; `reaches` are the scopes that reach the case."""
    found = [duty for duty in DUTIES if duty.kind == "fraud_referral" and duty.act == act and named(duty, role)]
    return any(duty.scope in reaches for duty in found)


def test_printed_policy_is_the_designs():
    out = io.StringIO()
    call_command("policy", "--csv", stdout=out)
    printed = sorted(tuple(row) for row in csv.reader(io.StringIO(out.getvalue())))
    with (design.DATA / "duties.csv").open(newline="", encoding="utf-8") as file:
        assert printed == sorted(tuple(row) for row in csv.reader(file))


def test_policy_is_also_printed_as_aligned_text():
    out = io.StringIO()
    call_command("policy", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["kind", "act", "roles", "scope", "reason", "step_up"]
    assert len(lines) == len(DUTIES) + 1


def test_each_role_of_a_duty_exists():
    own = {f"own-{name}" for name in ("orders", "detection", "billing", "network", "website", "messaging")}
    words = {"any_staff", "system", "agency"} | own
    assert {role for duty in DUTIES for role in duty.roles} - words <= set(ROLES)


class DutiesOfEachRole(TestCase):
    """Twenty roles and everyone else, each with exactly one role."""

    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.case = factories.investigating(cls.people)
        cls.fraud = Team.objects.get(code="fraud")
        cls.credit = Team.objects.get(code="credit")

    def person(self, role, *teams):
        name = next((name for name, actor in self.people.items() if actor.roles == {role}), "d.osei")
        return replace(self.people[name], roles=frozenset({role}), team_ids=frozenset(team.pk for team in teams))

    def answers(self, case, *, teams, reaches):
        wrong = []
        for role in ROLES:
            for act in ACTS:
                given = policy.can(self.person(role, *teams), act, case=case).is_allowed
                if given != expected(act, role, reaches=reaches):
                    wrong.append((role, act, given))
        return wrong

    def test_on_a_case_of_ones_team(self):
        assert self.answers(self.case, teams=[self.fraud], reaches=SCOPES) == []

    def test_on_a_case_of_another_team(self):
        assert self.answers(self.case, teams=[self.credit], reaches=SCOPES - {"team"}) == []
        assert self.answers(self.case, teams=[], reaches=SCOPES - {"team"}) == []

    def test_on_a_restricted_case_nothing_reaches_beyond_the_team(self):
        self.case.is_restricted = True
        assert self.answers(self.case, teams=[self.fraud], reaches=SCOPES) == []
        assert self.answers(self.case, teams=[self.credit], reaches={"any"}) == []

    def test_assignee_of_another_team_may_what_the_team_may(self):
        for role in ("fraud_analyst", "fraud_approver"):
            actor = self.person(role, self.credit)
            self.case.assignee_id = actor.user_id
            for act in ACTS:
                assert policy.can(actor, act, case=self.case).is_allowed == expected(act, role, reaches=SCOPES), (
                    role,
                    act,
                )

    def test_who_reads_with_a_reason_and_what_needs_signing_in_again(self):
        for duty in DUTIES:
            if duty.kind != "fraud_referral":
                continue
            for role in sorted(duty.roles & set(ROLES) - {"agency"}):
                decision = policy.can(self.person(role, self.fraud), duty.act, case=self.case)
                assert (decision.needs_reason, decision.is_grave) == (duty.reason, duty.step_up), (duty.act, role)

    def test_a_refusal_says_whose_task_it_is(self):
        assert policy.can(self.person("rights_officer"), "edit", case=self.case).sentence == (
            "This needs the role fraud analyst."
        )
        assert policy.can(self.people["a.byrne"], "fraud_referral.file", case=self.case).sentence == (
            "Nobody does this by hand."
        )
        assert policy.can(self.person("fraud_analyst", self.credit), "edit", case=self.case).sentence == (
            "This case belongs to a team you are not in."
        )

    def test_what_has_no_row_is_denied_to_everyone(self):
        for role in ROLES:
            for act in ("delete", "fraud_referral.take.check", "", "fraud_referral"):
                assert not policy.can(self.person(role, self.fraud), act, case=self.case).is_allowed
            assert not policy.can(self.person(role, self.fraud), "view", kind="debt_sale_account").is_allowed

    def test_writing_verbs_ask_the_table_and_refuse_without_a_trace(self):
        document = {"kind": "chat", "file_name": "a.txt", "media_type": "text/plain", "data": b"a"}
        verbs = {
            "note": lambda given: edits.add_note(self.case.pk, "Seen.", **given),
            "attach": lambda given: edits.attach(self.case.pk, **document, **given),
            "assign": lambda given: edits.assign(self.case.pk, None, **given),
            "edit": lambda given: self.edit(**given),
            "open_case": lambda given: self.open(**given),
        }
        refused = 0
        with nothing_written():
            for role in ROLES:
                for act, verb in verbs.items():
                    if expected(act, role, reaches={"team", "all"}):
                        continue
                    with pytest.raises(NotAllowed):
                        verb({"actor": self.person(role, self.fraud), "at": factories.AT})
                    refused += 1
        assert refused == 18 + 19 + 18 + 19 + 2

    def edit(self, *, actor, at):
        with edits.change(self.case.pk, actor=actor, at=at) as edit:
            edit.facts(loss_pence=1)

    def open(self, *, actor, at):
        return intake.open_case("fraud_referral", actor=actor, at=at, facts=factories.FACTS, people=[factories.VICTIM])

    def test_any_member_of_staff_opens_a_referral_and_need_not_see_it_afterwards(self):
        case = self.open(actor=self.person("credit_officer", self.credit), at=factories.AT)
        assert not policy.visible_to(self.person("credit_officer", self.credit)).filter(pk=case.pk).exists()
        assert policy.visible_to(self.people["p.nair"]).filter(pk=case.pk).exists()

    def test_a_case_is_given_only_to_somebody_of_its_team(self):
        with nothing_written(), pytest.raises(CaseError, match="That person is not in the case's team, or"):
            edits.assign(self.case.pk, factories.user("m.achterberg"), actor=self.people["a.byrne"], at=factories.AT)
