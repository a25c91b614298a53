"""The last line of defence: PostgreSQL itself refuses, whatever the code above it does."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import TestCase

from cases.kernel.models import Approval, ApprovalDecision, Case, CaseParty, Letter, RoleGrant, User
from tests import factories

VERDICT = """
INSERT INTO cases_approvaldecision (uid, approval_id, maker_id, checker_id, role, verdict, digest, decided_at)
VALUES (gen_random_uuid(), {approval}, {maker}, {checker}, '{role}', '{verdict}', 'x', now())
"""
AGREED = {"role": "fraud_approver", "verdict": "agreed"}


def run(statement):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


class WhatTheDatabaseRefuses(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.ready = factories.ready(cls.people)
        cls.filed = factories.filed(cls.people)

    def setUp(self):
        self.open = Approval.objects.get(case=self.ready)
        self.closed = ApprovalDecision.objects.get(approval__case=self.filed)
        self.ids = {name: actor.user_id for name, actor in self.people.items()}

    def refused(self, constraint, statement):
        with pytest.raises(IntegrityError) as refusal:
            run(statement)
        assert f'"{constraint}"' in str(refusal.value)

    def verdict(self, approval, **given):
        return VERDICT.format(**{"approval": approval, "maker": self.ids["a.byrne"], **AGREED, **given})

    def test_a_maker_as_checker(self):
        self.refused("checker_is_not_maker", self.verdict(self.open.pk, checker=self.ids["a.byrne"]))

    def test_a_verdict_that_names_somebody_else_as_maker(self):
        self.refused(
            "verdict_names_the_maker",
            self.verdict(self.open.pk, maker=self.ids["d.osei"], checker=self.ids["a.byrne"]),
        )

    def test_a_second_verdict_of_the_same_person(self):
        self.refused(
            "one_verdict_per_checker",
            self.verdict(self.closed.approval_id, checker=self.ids["d.osei"], role="legal_counsel"),
        )

    def test_a_second_verdict_of_the_same_role(self):
        self.refused("one_verdict_per_role", self.verdict(self.closed.approval_id, checker=self.ids["p.nair"]))

    def test_a_verdict_that_is_none(self):
        self.refused("approval_verdict", self.verdict(self.open.pk, checker=self.ids["d.osei"], verdict="maybe"))

    def test_a_second_open_approval_of_one_act(self):
        self.refused(
            "one_open_approval_per_act",
            "INSERT INTO cases_approval (uid, case_id, act, digest, maker_id, needs, mode, opened_at, outcome) SELECT "
            f"gen_random_uuid(), case_id, act, digest, maker_id, needs, mode, now(), '' FROM cases_approval "
            f"WHERE id = {self.open.pk}",
        )

    def test_values_that_mean_nothing(self):
        party = CaseParty.objects.filter(case=self.ready).first()
        letter = Letter.objects.get(case=self.filed)
        grant = RoleGrant.objects.first()
        for constraint, statement in (
            ("approval_mode", f"UPDATE cases_approval SET mode = 'never' WHERE id = {self.open.pk}"),
            ("closed_case_has_its_dates", f"UPDATE cases_case SET is_closed = true WHERE id = {self.ready.pk}"),
            ("cases_case_reference", f"UPDATE cases_case SET reference = '{self.filed.reference}'"),
            ("clock_state", f"UPDATE cases_clock SET state = 'late' WHERE case_id = {self.ready.pk}"),
            ("fraud_money_is_not_negative", "UPDATE cases_fraudreferral SET loss_pence = -1"),
            ("pillars_are_four", "UPDATE cases_pillaranswer SET pillar = 5"),
            ("pillar_side", "UPDATE cases_pillaranswer SET side = 'judge'"),
            (
                "one_party_per_number",
                f"UPDATE cases_caseparty SET number = {party.number} WHERE case_id = {party.case_id}",
            ),
            ("letter_state", f"UPDATE cases_letter SET state = 'lost' WHERE id = {letter.pk}"),
            ("message_state", "UPDATE cases_outboxmessage SET state = 'somewhere'"),
            ("lease_while_sending", "UPDATE cases_outboxmessage SET state = 'sending'"),
            ("nobody_grants_to_oneself", f"UPDATE cases_rolegrant SET granted_by_id = user_id WHERE id = {grant.pk}"),
            (
                "one_live_grant",
                "UPDATE cases_rolegrant SET role = 'fraud_analyst', revoked_at = NULL"
                f" WHERE user_id = {self.ids['a.byrne']}",
            ),
        ):
            with self.subTest(constraint), pytest.raises(IntegrityError) as refusal:
                run(statement)
            assert constraint in str(refusal.value)

    def test_a_row_changed_without_history(self):
        for statement in (
            f"UPDATE cases_case SET state = 'filed' WHERE id = {self.ready.pk}",
            f"UPDATE cases_approval SET digest = repeat('0', 64) WHERE id = {self.open.pk}",
            f"UPDATE cases_clock SET due_at = now() WHERE case_id = {self.ready.pk}",
        ):
            with self.subTest(statement), pytest.raises(IntegrityError, match="the row differs from its history"):
                run(f"{statement}; SET CONSTRAINTS ALL IMMEDIATE")

    def test_no_person_or_case_of_record_is_deleted(self):
        for model, pk in ((Case, self.ready.pk), (User, self.ids["a.byrne"])):
            with pytest.raises(IntegrityError), transaction.atomic():
                run(f"DELETE FROM {model._meta.db_table} WHERE id = {pk}; SET CONSTRAINTS ALL IMMEDIATE")
