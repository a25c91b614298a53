"""What a monthly file says of an account whose default is on its way, is in dispute, or is partly paid."""

from datetime import UTC, datetime, timedelta

from django.test import TestCase

from cases.accounts.models import BureauTold
from cases.credit.defaults import report
from cases.credit.files import taking
from cases.credit.files.models import CreditFile, CreditFileFault
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import holds
from cases.kernel.background import jobrun
from cases.kernel.models import Case, Job, OutboxMessage
from tests import associations, creditfiles, defaults, factories, sales
from tests.credit.test_default_stops import rewrite
from tests.credit.test_files import sent
from tests.credit.test_files_beside import row_of

AT = datetime(2027, 1, 15, 9, 0, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
NEXT = AT + timedelta(hours=5)


def work(at=AT):
    jobrun.work(clock=lambda: at, seconds=120)


class OfADefault(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        creditfiles.enter()
        cls.plain = [defaults.told(at=AT, payments_behind="1", balance_pence="3800") for _ in range(2)]

    def opened(self):
        file = creditfiles.opened(at=AT)
        Job.objects.all().delete()
        return file

    def extracted(self):
        file = self.opened()
        steward = self.people[creditfiles.STEWARD]
        creditfiles.step(file, "extract", steward, AT, effective_date=AT.date())
        work()
        return file

    def approve(self, file):
        creditfiles.step(file, "sign", self.people[creditfiles.STEWARD], NEXT)
        row = CreditFile.objects.get(pk=file.pk)
        totals = {"rows": row.taken_rows, "total_pence": row.taken_pence}
        creditfiles.step(file, "approve", self.people[creditfiles.APPROVER], NEXT, **totals)
        work(NEXT)
        return Case.objects.get(pk=file.pk)

    def cells_of(self, file, account):
        """Return the row of an account in a file that was taken, by its columns, or None."""
        number = defaults.number_of(account)
        rows = [taking.named(cells) for cells in creditfiles.parts_of(file)]
        return next((row for row in rows if row["account"] == number), None)

    def faults_of(self, file, account):
        return set(CreditFileFault.objects.filter(file=file.pk, account=account).values_list("code", flat=True))

    def hold(self, case, at=AT):
        holds.enter(case.pk, "dispute", actor=self.people[defaults.STEWARD], at=at, source="customer")

    def test_a_default_on_its_way_is_in_no_file_so_that_a_dispute_or_a_payment_after_it_was_taken_stops_it(self):
        paid = {"balance_pence": "0", "payments_behind": "0", "oldest_unpaid_date": ""}
        stops = (lambda case: self.hold(case, LATER), lambda case: defaults.tell_again(case, at=LATER, **paid))
        cases = [defaults.approved(self.people) for _ in stops]
        file = self.extracted()
        for case, stop in zip(cases, stops, strict=True):
            assert "default_under_way" in self.faults_of(file, case.default.account)
            stop(case)
            looked = defaults.look(case, LATER)
            assert (looked.state, defaults.facts(looked).default_date) == ("arrears", None)
        file = self.approve(file)
        bodies = [each.body for each in sent()]
        for case in cases:
            assert [row_of(body, defaults.number_of(case.default.account)) for body in bodies] == [None] * 3
        creditfiles.arrive(file, at=NEXT)
        work(NEXT)
        assert set(BureauTold.objects.values_list("account", flat=True)) == {account.pk for account in self.plain}

    def test_a_default_that_a_hold_stops_is_in_no_file_before_anybody_has_looked(self):
        case = defaults.approved(self.people)
        self.hold(case)
        file = self.extracted()
        assert self.cells_of(file, case.default.account) is None
        assert defaults.look(case, LATER).state == "arrears"
        file = self.approve(file)
        assert [row_of(each.body, defaults.number_of(case.default.account)) for each in sent()] == [None] * 3

    def test_a_default_that_billing_tells_of_waits_for_the_case_of_ours_that_has_yet_to_decide(self):
        case = defaults.notice_sent(self.people)
        self.hold(case, defaults.OVER)
        defaults.tell_again(case, at=AT, default_date="2026-12-20", default_pence="11400")
        file = self.extracted()
        assert "default_undecided" in self.faults_of(file, case.default.account)
        assert self.cells_of(file, case.default.account) is None

    def told_of(self, case):
        row = OutboxMessage.objects.filter(case=case, kind="cra_correct").latest("pk")
        return factories.body_of(row)["balance_pence"]

    def test_page_message_and_file_say_the_same_of_what_is_left_of_a_default(self):
        """The balance of a default excludes what fell due after it."""
        steward = self.people[defaults.STEWARD]
        part, whole = defaults.filed(self.people), defaults.filed(self.people)
        part = defaults.step(part, "part_satisfy", steward, defaults.OVER, amount_pence=5000)
        whole = defaults.step(whole, "satisfy", steward, defaults.OVER, **defaults.PAID)
        for case in (part, whole):
            defaults.tell_again(case, at=AT, balance_pence="15200", payments_behind="4")
        file = self.extracted()
        for case, left in ((part, 6400), (whole, 0)):
            row = self.cells_of(file, case.default.account)
            assert (row["status"], row["amount_pence"], row["default_pence"]) == ("8", str(left), "11400")
            assert (self.told_of(case), case.amount_pence) == (left, left)
            assert dict(report.facts_view(case))["Left of the default"] == f"£{left / 100:.2f}"
            assert "Owed" not in dict(report.facts_view(case))
        totals = CreditFile.objects.get(pk=file.pk)
        assert (totals.taken_pence, totals.total_pence) == (2 * 3800 + 2 * 15200, 2 * 3800 + 6400)

    def test_of_a_default_that_is_sold_nothing_is_owed_to_us_in_whatever_is_told_of_it(self):
        case = defaults.filed(self.people)
        line = DebtSaleAccount.objects.filter(sale=sales.completed(self.people).pk, state="sold").first()
        rewrite(line, account=case.default.account)
        steward = self.people[defaults.STEWARD]
        case = defaults.step(case, "part_satisfy", steward, AT, amount_pence=5000)
        assert (self.told_of(case), case.amount_pence) == (0, 6400)
        case = defaults.step(case, "remove", steward, AT, evidence="1")
        associations.agree(case, self.people[defaults.APPROVER], AT)
        assert self.told_of(case) == 0
