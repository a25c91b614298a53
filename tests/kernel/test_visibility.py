"""What a person may know of is one answer: as rows of SQL and case by case."""

from itertools import combinations, product
from uuid import uuid4

import pytest
from django.test import TestCase

from cases.kernel import policy
from cases.kernel.actors import Actor, system
from cases.kernel.errors import NotVisible
from cases.kernel.models import Case, Team
from cases.kernel.roles import HUMAN
from cases.ledger import api as ledger
from cases.ledger import sealing
from tests import factories

PEOPLE = ("a.byrne", "d.osei", "m.achterberg")
TEAMS = ("fraud", "credit", "disclosure")
READERS = ("fraud_analyst", "fraud_approver", "auditor", "data_protection_officer", "credit_officer")
ROLE_SETS = (
    [frozenset()] + [frozenset({role}) for role in HUMAN] + [frozenset(pair) for pair in combinations(READERS, 2)]
)


class WhatAPersonMayKnowOf(TestCase):
    """Every team, assignee and restriction against every reader: 48 cases, 1,000 readers."""

    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.teams = [Team.objects.get(code=code) for code in TEAMS]
        cls.staff = [cls.people[name].user_id for name in PEOPLE]
        key = sealing.new_key("case", at=factories.AT)
        kinds = ("fraud_referral", "unknown_kind")
        rows = [
            Case(
                kind=kind,
                reference=f"TST-{number}",
                state="referred",
                team=team,
                assignee_id=assignee,
                is_restricted=is_restricted,
                opened_at=factories.AT,
                changed_at=factories.AT,
                retention_class="fraud_not_filed",
                key=key,
            )
            for number, (kind, team, assignee, is_restricted) in enumerate(
                product(kinds, cls.teams, [None, *cls.staff], [False, True])
            )
        ]
        with ledger.action(uuid4(), "tests.cases", actor="system:tests", at=factories.AT):
            cls.cases = ledger.bulk_create(Case, rows)

    def readers(self):
        ids = [team.pk for team in self.teams]
        subsets = [frozenset(each) for size in range(4) for each in combinations(ids, size)]
        for roles, teams, user_id in product(ROLE_SETS, subsets, self.staff):
            yield Actor(label=f"staff:{user_id}", kind="staff", user_id=user_id, roles=roles, team_ids=teams)

    def test_rows_and_answers_agree_for_every_reader(self):
        compared, seen = 0, 0
        for actor in self.readers():
            shown = set(policy.visible_to(actor).values_list("pk", flat=True))
            answered = {case.pk for case in self.cases if policy.can(actor, "view", case=case).is_allowed}
            assert shown == answered, actor
            compared, seen = compared + len(self.cases), seen + len(shown)
        assert compared > 30_000 and 0 < seen < compared

    def test_the_design_in_words(self):
        def shown(roles, teams):
            ids = frozenset(team.pk for team in self.teams if team.code in teams)
            actor = Actor(label="staff:0", kind="staff", user_id=0, roles=frozenset(roles), team_ids=ids)
            rows = policy.visible_to(actor).filter(assignee=None)
            return {(case.team.code, case.is_restricted) for case in rows.select_related("team")}

        assert shown({"fraud_analyst"}, {"fraud"}) == {("fraud", False), ("fraud", True)}
        assert shown({"fraud_analyst"}, {"credit"}) == {("credit", False), ("credit", True)}
        assert shown({"auditor"}, {"audit"}) == {("fraud", False), ("credit", False), ("disclosure", False)}
        assert shown({"credit_officer"}, {"fraud"}) == set()
        assert shown({"system_administrator"}, {"fraud"}) == set()
        assert shown(set(), {"fraud"}) == set()

    def test_machines_see_no_case_page(self):
        for actor in (system("delivery"), factories.fpa()):
            assert not policy.visible_to(actor).exists()
            assert not any(policy.can(actor, "view", case=case).is_allowed for case in self.cases)

    def test_what_one_may_not_know_of_does_not_exist(self):
        hidden = next(case for case in self.cases if case.team.code == "credit" and case.assignee_id is None)
        for uid in (hidden.uid, uuid4()):
            with pytest.raises(NotVisible, match="There is no such case."):
                policy.get_visible(self.people["a.byrne"], uid)
        assert policy.get_visible(self.people["b.lacombe"], hidden.uid) == hidden

    def test_without_a_rule_nobody_sees_anything(self):
        table, policy._table = policy._table, {}
        try:
            assert not policy.visible_to(self.people["a.byrne"]).exists()
            assert not policy.can(self.people["a.byrne"], "view", case=self.cases[0]).is_allowed
        finally:
            policy._table = table
