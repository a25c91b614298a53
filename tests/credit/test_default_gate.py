"""What no default comes of, whoever asks: an account that has one, one that owes nothing, arrears that are too old."""

from datetime import date
from uuid import uuid4

import pytest
from django.test import TestCase

from cases.accounts.models import Account, BureauTold
from cases.credit.defaults import disputes
from cases.kernel import actors, edits, transitions
from cases.kernel.casetypes import Content
from cases.kernel.models import Agency, Case, Letter, OutboxMessage, Task
from cases.kernel.transitions import TransitionRefused
from cases.ledger import api as ledger
from tests import associations, defaults, factories
from tests.credit.test_default_stops import rewrite
from tests.kernel.snapshots import nothing_written

OVER = defaults.OVER
KNOWN = {"default_date": "2026-11-01", "default_pence": "11400"}


class Refused(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        associations.enter()

    def refused(self, case, words, at=OVER, **inputs):
        approver = self.people[defaults.APPROVER]
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match=words):
            defaults.step(case, "approve", approver, at, **{**defaults.DATED, **inputs})

    def no_notice(self, code, **changes):
        """Let an account come into arrears of which no notice may be written; return its case."""
        case = defaults.look(defaults.arrears(self.people, **changes))
        assert (case.state, defaults.facts(case).stopped_by) == ("arrears", [code])
        assert not Letter.objects.filter(case=case).exists()
        with nothing_written(counted=1), pytest.raises(TransitionRefused):
            defaults.step(case, "flag", actors.system("tests"))
        return case

    def test_an_account_whose_default_billing_tells_of_gets_no_second_one_when_a_dispute_about_it_is_over(self):
        """One default of an account, and its date never moves later."""
        steward, at = self.people[defaults.STEWARD], factories.AT
        account = defaults.told(**KNOWN)
        agency = Agency.objects.get(code="sandbox-bureau-b")
        with ledger.action(uuid4(), "tests.told", actor="tests", at=at):
            has = {"told_at": at, "status": "8", "balance_pence": 11400, "default_date": date(2026, 11, 1)}
            BureauTold.objects.create(account=account, agency=agency, **has)
        data = {"ticket": "T-1", "field": "default"}
        (pk,) = disputes.named_by(agency.pk, defaults.number_of(account), at=at, type="cra.disputed", data=data)
        case = Case.objects.get(pk=pk)
        content = Content(
            type="cra.disputed",
            agency_code=agency.code,
            agency_kind="cra",
            agency_reference="",
            agency_sequence=None,
            occurred_at=at,
            data=data,
            message=None,
            callback_uid=None,
        )
        disputes.disputed(case, content, actor=actors.agency(agency), at=at)
        edits.close_task(
            pk, Task.objects.get(case=case, kind="default_disputed").pk, actor=steward, at=at, reason="So."
        )
        over = {"hold": case.holds.get().pk}
        transitions.apply(pk, "release_hold", actor=steward, at=at, reason="Over.", inputs=over)
        associations.agree(case, self.people[defaults.APPROVER], at)
        case = defaults.look(case, OVER)
        assert (case.state, defaults.facts(case).stopped_by) == ("arrears", ["has_default"])
        assert not Letter.objects.filter(case=case).exists()
        assert not OutboxMessage.objects.filter(case=case, kind="cra_correct").exists()

    def test_a_default_that_billing_tells_of_while_ours_is_due_stops_ours(self):
        case = defaults.tell_again(defaults.due(self.people), at=OVER, **KNOWN)
        self.refused(case, "a default of the account already")
        assert defaults.look(case, OVER).state == "due"

    def test_no_notice_and_no_default_where_nothing_is_owed(self):
        for pence in ("0", "-500"):
            self.no_notice("nothing_owed", balance_pence=pence)
        case = defaults.due(self.people)
        rewrite(defaults.facts(case), notice_pence=0)
        self.refused(case, "names nothing that is owed")

    def test_no_notice_where_it_is_not_known_since_when_anything_is_unpaid(self):
        self.no_notice("first_missed_unknown", oldest_unpaid_date="")

    def test_no_notice_and_no_default_of_arrears_whose_six_years_on_file_would_be_over(self):
        """The last day on which such a default could be dated is six months after the first missed payment."""
        self.no_notice("too_old", oldest_unpaid_date="2019-01-05")
        case = defaults.due(self.people)
        rewrite(Account.objects.get(pk=case.default.account_id), oldest_unpaid_date=date(2020, 7, 20))
        rewrite(defaults.facts(case), first_missed_date=date(2020, 7, 20))
        self.refused(case, "six years on file would be over", default_date=date(2020, 12, 29))
        case = defaults.step(case, "approve", self.people[defaults.APPROVER], OVER, default_date=date(2020, 12, 30))
        assert case.state == "approved"
