"""The default of a sold account (domain 4.5, 5B.7): its buyer hears what becomes of it; the agencies hear what is on
file, and that nothing is owed to us."""

import csv
import io
from datetime import date, timedelta

from django.test import TestCase

from cases.debt.sale import defaulted, moving
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import actors, locks, outbox, record
from cases.kernel.exchange import batchformat
from cases.kernel.models import Case, Channel, OutboxMessage, Release, Task
from cases.ledger.reads import Reader
from tests import associations, defaults, factories, sales
from tests.credit.test_default_stops import rewrite

READER = Reader(actor="tests", verb="read", purpose="tests")
AT = defaults.OVER + timedelta(days=1)


class Sold(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.default = defaults.filed(cls.people)
        cls.sale = sales.completed(cls.people)
        line = DebtSaleAccount.objects.filter(sale=cls.sale.pk, state="sold").first()
        rewrite(line, account=cls.default.default.account)
        cls.line = DebtSaleAccount.objects.get(pk=line.pk)

    def step(self, name, **inputs):
        return defaults.step(self.default, name, self.people[defaults.STEWARD], AT, **inputs)

    def asked(self):
        rows = Task.objects.filter(case=self.sale, kind=defaulted.TASK).order_by("pk")
        return [(row.detail["line"], row.detail["reason"], row.due_at.date()) for row in rows]

    def agree(self):
        associations.agree(self.default, self.people[defaults.APPROVER], AT)

    def told(self):
        """Return the one row of each file in which the buyer was told of the default."""
        rows = []
        for message in OutboxMessage.objects.filter(kind="sold_account_default").order_by("pk"):
            body = batchformat.read(outbox.open_body(message, reader=READER, at=AT)).body
            rows += csv.DictReader(io.StringIO(body.decode()))
        return rows

    def test_whoever_bought_it_is_told_at_once_of_a_payment_a_correction_and_a_removal(self):
        self.step("part_satisfy", amount_pence=400)
        self.step("correct", **defaults.EARLIER)
        self.agree()
        self.step("satisfy", amount_pence=10600, satisfied_date=date(2026, 12, 29))
        self.step("remove", evidence="1")
        self.agree()
        names = ("reason", "default_date", "default_pence", "satisfied_date")
        assert [tuple(row[name] for name in names) for row in self.told()] == [
            ("part_satisfied", "2026-12-29", "11400", ""),
            ("corrected", "2026-12-28", "11000", ""),
            ("satisfied", "2026-12-28", "11000", "2026-12-29"),
            ("removed", "", "", ""),
        ]
        assert {row["reference"] for row in self.told()} == {f"{self.sale.reference}/{self.line.number}"}
        assert Release.objects.filter(case=self.sale, message_kind="sold_account_default").count() == 4
        assert self.asked() == []

    def test_where_no_message_can_go_somebody_tells_the_buyer_that_day(self):
        rewrite(Channel.objects.get(agency=self.line.sale.purchaser, direction="out"), state="disabled")
        self.step("part_satisfy", amount_pence=400)
        assert self.asked() == [(self.line.number, "part_satisfied", AT.date())]
        assert self.told() == []
        assert not Case.objects.get(pk=self.sale.pk).is_dormant

    def test_of_an_account_that_came_back_no_buyer_is_told(self):
        rewrite(self.line, state="put_back")
        self.step("part_satisfy", amount_pence=400)
        assert self.asked() == []

    def moved(self, to):
        before = OutboxMessage.objects.latest("pk").pk
        with record.act(locks.case_for_update(self.sale.pk), "tests.moved", actor=actors.system("tests"), at=AT):
            moving.tell(self.sale, self.line, to=to, actor=actors.system("tests"), at=AT)
        return [factories.body_of(each) for each in OutboxMessage.objects.filter(pk__gt=before, kind="cra_correct")]

    def test_the_agencies_hear_of_the_default_that_is_on_file_with_its_balance_and_flags(self):
        self.step("part_satisfy", amount_pence=400)
        names = ("new", "balance_pence", "default_date", "default_pence", "flags")
        for to, owed, flags in (("sold", 0, ["sold"]), ("ours", 11000, [])):
            bodies = self.moved(to)
            assert len(bodies) == 3
            for body in bodies:
                assert [body[name] for name in names] == ["8", owed, "2026-12-29", 11400, flags]
