"""What is listed and what is answered agree, whoever asks: c is in visible_to(u) exactly when can(u, "view", c)."""

from itertools import product
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cases.kernel import policy
from cases.kernel.actors import Actor
from cases.kernel.models import Case, Team
from cases.kernel.roles import HUMAN
from cases.ledger import api as ledger
from cases.ledger import sealing
from tests import factories
from tests.length import times

TEAMS = ("fraud", "credit", "disclosure", "financial_crime")
KINDS = ("fraud_referral", "suspicion_report", "unknown_kind")
RESTRICTED = {"disclosure", "financial_crime"}
ids = st.frozensets(st.sampled_from(range(4)))


class ListedIsAnswered(TestCase):
    """Seventy-two cases against drawn people: roles, teams, compartments, grants to read, broken glass."""

    @classmethod
    def setUpTestData(cls):
        people = factories.office()
        cls.teams = [Team.objects.get(code=code) for code in TEAMS]
        cls.staff = [people["a.byrne"].user_id, people["h.castellan"].user_id]
        key = sealing.new_key("case", at=factories.AT)
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
                product(KINDS, cls.teams, [None, *cls.staff], [False, True])
            )
        ]
        with ledger.action(uuid4(), "tests.cases", actor="system:tests", at=factories.AT):
            cls.cases = ledger.bulk_create(Case, rows)

    def reader(self, roles, teams, granted, opened, who):
        member = frozenset(self.teams[each].pk for each in teams)
        compartments = frozenset(team.pk for team in self.teams if team.code in RESTRICTED and team.pk in member)
        return Actor(
            label="staff:0",
            kind="staff",
            user_id=self.staff[who],
            roles=roles,
            team_ids=member,
            compartment_ids=compartments,
            granted_team_ids=frozenset(self.teams[each].pk for each in granted),
            opened_case_ids=frozenset(self.cases[each].pk for each in opened),
        )

    @settings(
        max_examples=times(400, 2000),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        roles=st.frozensets(st.sampled_from(sorted(HUMAN)), max_size=3),
        teams=ids,
        granted=ids,
        opened=st.frozensets(st.integers(0, 71), max_size=4),
        who=st.integers(0, 1),
    )
    def test_rows_and_answers_agree(self, roles, teams, granted, opened, who):
        actor = self.reader(roles, teams, granted, opened, who)
        shown = set(policy.visible_to(actor).values_list("pk", flat=True))
        answered = {case.pk for case in self.cases if policy.can(actor, "view", case=case).is_allowed}
        assert shown == answered
        hidden = {case.pk for case in self.cases if case.kind == "suspicion_report" and case.is_restricted}
        inside = actor.team_ids if "nominated_officer" in roles else frozenset()
        inside |= actor.granted_team_ids | actor.team_ids if roles & {"auditor", "data_protection_officer"} else inside
        assert {case.team_id for case in self.cases if case.pk in shown & hidden} <= inside
