"""A monthly file and what happens beside it: a change told meanwhile, a row that is refused or left out, a sale, a
sending that fails, and what an agency has in the end."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import TestCase

from cases.accounts.models import Account, AccountMonth, BureauTold
from cases.credit.defaults import standing
from cases.credit.defaults.models import Default
from cases.credit.files import again, correcting, sending, taking
from cases.credit.files import report as pages
from cases.credit.files.models import CreditFile, CreditFileCopy, CreditFileFault, CreditFileReject
from cases.debt.sale import moving
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import actors, edits, holds, record
from cases.kernel.background import jobrun, jobs
from cases.kernel.models import Agency, BatchFile, Case, Channel, Job, OutboxMessage, Task
from cases.kernel.transitions import TransitionRefused
from cases.ledger import api as ledger
from tests import creditfiles, defaults, factories, sales
from tests.credit.test_default_stops import rewrite
from tests.credit.test_files import report, sent
from tests.kernel.snapshots import nothing_written, undone

AT = datetime(2027, 1, 15, 9, 0, tzinfo=UTC)
NEXT = AT + timedelta(hours=5)


def work(at=AT):
    jobrun.work(clock=lambda: at, seconds=120)


def row_of(body, number):
    """Return the cells of an account in the body of a file by their columns, or None."""
    rows = [line.split(",") for line in body.decode().splitlines()]
    found = [dict(zip(rows[0], row, strict=True)) for row in rows[1:] if row[0] == number]
    return found[0] if found else None


class Beside(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        creditfiles.enter()
        cls.default = defaults.filed(cls.people)
        cls.plain = defaults.told(at=AT, payments_behind="1", balance_pence="3800")
        cls.case = creditfiles.opened(at=AT)
        Job.objects.all().delete()

    def step(self, name, who, at=AT, **inputs):
        return creditfiles.step(self.case, name, self.people[who], at, **inputs)

    def signed(self, day=date(2027, 1, 15)):
        self.step("extract", creditfiles.STEWARD, effective_date=day)
        work()
        return self.step("sign", creditfiles.STEWARD)

    def approve(self):
        row = CreditFile.objects.get(pk=self.case.pk)
        self.step("approve", creditfiles.APPROVER, NEXT, rows=row.taken_rows, total_pence=row.taken_pence)
        work(NEXT)
        return Case.objects.get(pk=self.case.pk)

    def expired(self, **changes):
        """Take a default and let six years pass; return its row in the file of the month after, and the fault."""
        at = defaults.OVER + timedelta(days=2250)
        case = defaults.expired(self.people)
        defaults.tell_again(case, at=at, payments_behind="6", **changes)
        file = CreditFile.objects.select_related("case", "key").get(pk=creditfiles.extracted(self.people, at=at).pk)
        account = Account.objects.select_related("key__parent").get(pk=case.default.account_id)
        (row,) = taking.taken_of(file, [account], by="tests", at=at)
        return case, row

    def test_account_whose_default_is_six_years_old_is_left_out_of_every_file(self):
        """K21: whatever is paid, nothing is on file six years after the date of the default."""
        case, row = self.expired()
        assert (row.faults, row.is_left_out, row.cells) == (["over"], True, [])
        told = [factories.body_of(each) for each in OutboxMessage.objects.filter(case=case, kind="cra_correct")]
        last = [each for each in told if each["reason"] == "expired"]
        assert [(each["new"], each["flags"], each["balance_pence"]) for each in last] == [("off_file", [], 0)] * 3

    def test_account_that_goes_on_after_its_default_is_told_by_what_is_newer(self):
        _, row = self.expired(oldest_unpaid_date="2033-01-05")
        assert (row.is_left_out, row.status) == (False, "6")

    def test_default_of_billing_that_is_six_years_old_takes_its_account_out_of_the_file(self):
        default = {"default_date": "2021-01-15", "default_pence": "11400", "oldest_unpaid_date": "2020-09-01"}
        account = defaults.told(at=AT, **default)
        self.signed(date(2027, 1, 15))
        assert CreditFileFault.objects.filter(account=account, code="over", level="field").count() == 1

    def number(self, account):
        return defaults.number_of(account)

    def pay(self, at):
        steward = self.people[defaults.STEWARD]
        return defaults.step(self.default, "part_satisfy", steward, at, amount_pence=400)

    def test_an_account_in_dispute_is_told_as_no_worse_than_what_was_told_by_itself_since_the_last_file(self):
        account = defaults.told(at=AT, payments_behind="4", balance_pence="15200", flags="dispute:2027-01-10")
        with record.act(self.case, "tests.told", actor=actors.system("tests"), at=AT):
            AccountMonth.objects.create(
                account=account, month=date(2026, 12, 1), status="3", balance_pence=1, file_uid=self.case.uid
            )
            for agency in Agency.objects.filter(kind="cra"):
                BureauTold.objects.create(
                    account=account, agency=agency, told_at=AT, status="1", balance_pence=3800, message_id=uuid4()
                )
        self.signed()
        (row,) = [cells for cells in creditfiles.parts_of(self.case) if cells[0] == self.number(account)]
        assert (taking.named(row)["status"], taking.named(row)["flags"]) == ("1", "query")

    def test_an_account_is_marked_as_of_the_dead_by_a_hold_on_its_own_case_alone(self):
        steward, account = self.people[creditfiles.STEWARD], self.default.default.account
        other = factories.referred(self.people, account_reference=self.number(self.plain))
        for case, actor in ((self.default, steward), (other, self.people["a.byrne"])):
            holds.enter(case.pk, "deceased", actor=actor, at=AT - timedelta(hours=1), source="customer")
        self.signed()
        flags = {cells[0]: taking.named(cells)["flags"] for cells in creditfiles.parts_of(self.case)}
        assert flags == {self.number(account): "deceased", self.number(self.plain): ""}
        default = Default.objects.get(pk=self.default.pk)
        assert "deceased" in standing.marks_of(account, number=self.number(account), at=AT)
        with record.act(self.default, "tests.joined", actor=actors.system("tests"), at=AT):
            row = default.case.parties.get()
            one = default.case.holds.get()
            one.party = row
            one.save(update_fields=["party"])
            row.pk, row.uid, row.number, row._state.adding = None, uuid4(), 2, True
            row.save(force_insert=True)
        assert "deceased" not in standing.marks_of(account, number=self.number(account), at=AT)

    def test_what_was_told_between_extract_and_release_is_left_out_and_listed(self):
        self.signed()
        self.pay(AT + timedelta(hours=1))
        case = self.approve()
        assert case.state == "transmitted"
        account = self.default.default.account
        files = sent()
        assert len({file.body for file in files}) == 1
        assert row_of(files[0].body, self.number(account)) is None
        assert row_of(files[0].body, self.number(self.plain))["status"] == "1"
        # The page says what was signed for, and what went.
        said = dict(pages.facts_view(case))
        told = ("Accounts to sign for", "Accounts as the file left", "Left out as it left")
        assert [said[each] for each in told] == ["2", "1", "1"]
        assert said["Total of their balances as it left"] == "£38.00"
        left_out = CreditFileFault.objects.filter(code="told_since").values_list("account", "level")
        assert list(left_out) == [(account.pk, "field")]
        assert list(AccountMonth.objects.values_list("account", flat=True)) == [self.plain.pk]
        defaults.taken(self.default, at=NEXT)
        creditfiles.arrive(case, at=NEXT)
        work(NEXT)
        kept = BureauTold.objects.filter(account=account).values_list("balance_pence", "default_date")
        assert set(kept) == {(11000, date(2026, 12, 29))}

    def test_what_a_hold_entered_between_extract_and_release_stops_is_left_out_and_listed(self):
        self.signed()
        steward, account = self.people[creditfiles.STEWARD], self.default.default.account
        before = set(BureauTold.objects.filter(account=account).values_list("status", "balance_pence", "told_at"))
        holds.enter(self.default.pk, "legal", actor=steward, at=AT, source="legal", blocks=["report"])
        case = self.approve()
        files = sent()
        assert [row_of(file.body, self.number(account)) for file in files] == [None] * 3
        assert row_of(files[0].body, self.number(self.plain))["status"] == "1"
        assert dict(pages.facts_view(case))["Left out as it left"] == "1"
        left_out = CreditFileFault.objects.exclude(level="warn").values_list("account", "level", "code")
        assert list(left_out) == [(account.pk, "field", "held")]
        assert list(AccountMonth.objects.values_list("account", flat=True)) == [self.plain.pk]
        creditfiles.arrive(case, at=NEXT)
        work(NEXT)
        kept = BureauTold.objects.filter(account=account).values_list("status", "balance_pence", "told_at")
        assert set(kept) == before

    def test_what_was_told_after_the_file_left_is_told_again_once_it_has_arrived(self):
        self.signed()
        case = self.approve()
        assert row_of(sent()[0].body, self.number(self.default.default.account))["amount_pence"] == "11400"
        later = NEXT + timedelta(hours=1)
        self.pay(later)
        defaults.taken(self.default, letters_of="a", at=later)
        before = OutboxMessage.objects.latest("pk").pk
        creditfiles.arrive(case, letters="ab", at=later)
        work(later)
        told = OutboxMessage.objects.filter(kind="cra_correct", pk__gt=before)
        assert [(each.channel.agency.code, factories.body_of(each)["balance_pence"]) for each in told] == [
            ("sandbox-bureau-a", 11000)
        ]
        kept = BureauTold.objects.get(account=self.default.default.account, agency__code="sandbox-bureau-a")
        assert kept.balance_pence == 11000
        creditfiles.arrive(case, letters="a", at=later)
        work(later)
        assert OutboxMessage.objects.filter(kind="cra_correct", pk__gt=before).count() == 1

    def test_what_could_not_be_told_again_is_a_task_of_the_desk_until_it_is(self):
        self.signed()
        case = self.approve()
        self.pay(NEXT)
        defaults.taken(self.default, letters_of="a", at=NEXT)
        before = OutboxMessage.objects.latest("pk").pk
        channels = list(Channel.objects.filter(agency__code="sandbox-bureau-a", direction="out"))
        for channel in channels:
            rewrite(channel, state="disabled")
        creditfiles.arrive(case, letters="a", at=NEXT)
        work(NEXT)
        task = Task.objects.get(case=case, kind="work_not_done", closed_at=None)
        job = Job.objects.get(uid=task.detail["job"])
        assert (job.kind, job.failed) == (again.KEEP, 1)
        assert not OutboxMessage.objects.filter(kind="cra_correct", pk__gt=before).exists()
        for channel in channels:
            rewrite(channel, state="active")
        jobs.resume(job.uid, actor=self.people[creditfiles.STEWARD], at=NEXT)
        work(NEXT)
        assert OutboxMessage.objects.filter(kind="cra_correct", pk__gt=before).count() == 1
        assert not Task.objects.filter(case=case, kind="work_not_done", closed_at=None).exists()

    def test_only_the_last_of_several_changes_is_told_again(self):
        self.signed()
        case = self.approve()
        for hours in (1, 2):
            self.pay(NEXT + timedelta(hours=hours))
            defaults.taken(self.default, letters_of="a", at=NEXT + timedelta(hours=hours))
        before = OutboxMessage.objects.latest("pk").pk
        creditfiles.arrive(case, letters="a", at=NEXT + timedelta(hours=3))
        work(NEXT + timedelta(hours=3))
        told = OutboxMessage.objects.filter(kind="cra_correct", pk__gt=before)
        assert [factories.body_of(each)["balance_pence"] for each in told] == [10600]

    def test_a_default_of_a_later_day_than_the_file_is_a_row_left_out_and_listed(self):
        late = defaults.told(at=AT, default_date="2027-01-15", default_pence="11400")
        defaults.told(at=AT - timedelta(days=1))
        case = self.signed(day=date(2027, 1, 14))
        assert case.state == "signed"
        faults = CreditFileFault.objects.filter(account=late).order_by("code").values_list("code", "level")
        assert ("default_in_future", "field") in list(faults)
        assert {level for _, level in faults} <= {"field", "warn"}
        row = CreditFile.objects.get(pk=case.pk)
        assert (row.taken_rows, row.rows) == (4, 2)

    def test_accounts_of_a_later_day_than_the_file_are_left_out_by_name_and_count_in_the_control_total(self):
        self.signed(day=date(2027, 1, 14))
        faults = CreditFileFault.objects.filter(code="as_of_later").values_list("account", "level")
        assert list(faults) == [(self.plain.pk, "field")]
        row = CreditFile.objects.get(pk=self.case.pk)
        assert (row.taken_rows, row.taken_pence, row.rows) == (2, 15200, 1)

    def test_a_sold_account_is_marked_owes_nothing_and_stays_as_it_was(self):
        sale = sales.completed(self.people)
        line = DebtSaleAccount.objects.filter(sale=sale.pk, state="sold").first()
        account = line.account
        with ledger.action(self.case.uid, "tests.month", actor="tests", at=AT):
            AccountMonth.objects.create(
                account=account, month=date(2026, 12, 1), status="4", balance_pence=1, file_uid=self.case.uid
            )
        assert moving.marks([account.pk, self.plain.pk]) == {account.pk: frozenset({"sold"})}
        self.signed()
        (cells,) = [each for each in creditfiles.parts_of(self.case) if each[0] == self.number(account)]
        row = taking.named(cells)
        expected = "8" if account.default_date else "4"
        assert (row["status"], row["flags"], row["amount_pence"]) == (expected, "sold", "0")
        file = CreditFile.objects.get(pk=self.case.pk)
        assert file.taken_pence - file.total_pence >= account.balance_pence > 0

    def test_a_sending_that_fails_becomes_work_and_goes_on_once_it_can(self):
        self.signed()
        channel = Channel.objects.get(agency__code="sandbox-bureau-b", transport="sftp")
        rewrite(channel, state="disabled")
        case = self.approve()
        assert (case.state, CreditFileCopy.objects.count()) == ("approved", 0)
        task = Task.objects.get(case=case, kind="work_not_done", closed_at=None)
        job = Job.objects.get(uid=task.detail["job"])
        assert job.kind == sending.SEND
        rewrite(channel, state="active")
        jobs.resume(job.uid, actor=self.people[creditfiles.STEWARD], at=NEXT)  # not who approved it: the desk
        work(NEXT)
        assert Case.objects.get(pk=case.pk).state == "transmitted"
        assert not Task.objects.filter(case=case, kind="work_not_done", closed_at=None).exists()
        assert BatchFile.objects.filter(kind="cra_file").count() == 3
        assert AccountMonth.objects.count() == 2

    def test_a_row_that_an_agency_did_not_take_is_not_what_it_has(self):
        self.signed()
        case = self.approve()
        account = self.default.default.account
        agency = Agency.objects.get(code="sandbox-bureau-b")
        kept = BureauTold.objects.filter(agency=agency, account=account).values("status", "told_at", "message_id")
        before = kept.get()
        for letters in ("a", "b"):
            creditfiles.arrive(case, letters=letters, at=NEXT)
        work(NEXT)
        assert BureauTold.objects.filter(agency=agency).count() == 2
        for each in (self.plain, account):
            report(case, "b", at=NEXT, outcome="rejected", account=self.number(each), code="name_unreadable")
        assert not BureauTold.objects.filter(agency=agency, account=self.plain).exists()
        assert kept.get() == before
        assert BureauTold.objects.filter(agency__code="sandbox-bureau-a").count() == 2

    def test_a_report_that_comes_before_the_keeping_counts_too(self):
        self.signed()
        case = self.approve()
        report(case, "c", at=NEXT, outcome="rejected", account=self.number(self.plain), code="other")
        report(case, "c", at=NEXT, outcome="accepted", rows=1)
        work(NEXT)
        told = BureauTold.objects.filter(agency__code="sandbox-bureau-c").values_list("account", flat=True)
        assert list(told) == [self.default.default.account_id]

    def rejected_by_b(self, code):
        """Let a file be locked of which agency b did not take two accounts, one of them because of its person."""
        self.signed()
        case = self.approve()
        creditfiles.arrive(case, at=NEXT)
        work(NEXT)
        for account, why in ((self.plain, code), (self.default.default.account, "name_unreadable")):
            report(case, "b", at=NEXT, outcome="rejected", account=self.number(account), code=why)
        for letter, rows in (("a", 2), ("b", 0), ("c", 2)):
            case = report(case, letter, at=NEXT, outcome="accepted", rows=rows)
        assert case.state == "locked"
        return case, Task.objects.get(case=case, kind="credit_file_rejected", closed_at=None)

    def test_what_an_agency_did_not_take_is_told_it_at_once_when_somebody_has_put_it_right(self):
        case, task = self.rejected_by_b("status_not_allowed")
        later = NEXT + timedelta(days=1)
        defaults.told(at=later, account=self.number(self.plain), payments_behind="2", balance_pence="7600")
        before = OutboxMessage.objects.latest("pk").pk
        edits.close_task(case.pk, task.pk, actor=self.people[creditfiles.STEWARD], at=later, reason="Put right.")
        work(later)
        (message,) = OutboxMessage.objects.filter(kind="cra_correct", pk__gt=before)
        body = factories.body_of(message)
        assert (message.channel.agency.code, message.case_id) == ("sandbox-bureau-b", case.pk)
        assert {name: body[name] for name in ("account", "old", "new", "balance_pence", "reason")} == {
            "account": self.number(self.plain),
            "old": "",
            "new": "2",
            "balance_pence": 7600,
            "reason": "row_rejected",
        }
        job = Job.objects.get(kind=correcting.CORRECT)
        assert (job.done, jobs.left_out(job)) == (1, [("skipped", "is_about_people", 1)])
        OutboxMessage.objects.filter(pk=message.pk).update(state="delivered", attempts=1, delivered_at=later)
        correcting.delivered(Case.objects.get(pk=case.pk), OutboxMessage.objects.get(pk=message.pk), at=later)
        kept = BureauTold.objects.get(agency__code="sandbox-bureau-b", account=self.plain)
        assert (kept.status, kept.balance_pence, kept.message_id) == ("2", 7600, message.public_id)

    def test_a_row_told_after_the_next_file_was_taken_is_left_out_of_it(self):
        case, task = self.rejected_by_b("status_not_allowed")
        later = datetime(2027, 2, 15, 9, 0, tzinfo=UTC)
        defaults.told(at=later, account=self.number(self.plain), payments_behind="2", balance_pence="7600")
        following = creditfiles.step(
            creditfiles.opened(at=later),
            "extract",
            self.people[creditfiles.STEWARD],
            later,
            effective_date=later.date(),
        )
        work(later)
        edits.close_task(case.pk, task.pk, actor=self.people[creditfiles.STEWARD], at=later, reason="Put right.")
        work(later)
        message = OutboxMessage.objects.filter(kind="cra_correct").latest("pk")
        reject = CreditFileReject.objects.get(account=self.plain)
        assert (message.case_id, reject.message_id) == (case.pk, message.public_id)
        assert again.told_since(CreditFile.objects.get(pk=following.pk)) == {self.plain.pk}

    def test_accounts_whose_people_an_agency_cannot_read_are_work_and_are_put_right_or_left_out(self):
        case, task = self.rejected_by_b("address_unknown")
        later = datetime(2027, 2, 15, 9, 0, tzinfo=UTC)
        steward, filed = self.people[creditfiles.STEWARD], self.default.default.account
        edits.close_task(case.pk, task.pk, actor=steward, at=later, reason="Looked at.")
        work(later)
        assert not OutboxMessage.objects.filter(case=case, kind="cra_correct").exists()
        unread = Task.objects.get(case=case, kind="credit_file_unread", closed_at=None)
        assert {name: unread.detail[name] for name in ("agency", "accounts")} == {
            "agency": "sandbox-bureau-b",
            "accounts": 2,
        }
        with nothing_written():
            correcting._ask_for_the_unread(Job.objects.get(kind=correcting.CORRECT), later)
        number = self.number(self.plain)
        told = {"payments_behind": "1", "balance_pence": "3800", "holder_1_line_1": "4 Quay Street"}
        defaults.told(at=later, account=number, **told)
        edits.close_task(case.pk, unread.pk, actor=steward, at=later, reason="One was put right, one cannot be.")
        left_out = CreditFileReject.objects.filter(left_out_at__isnull=False)
        assert list(left_out.values_list("account", flat=True)) == [filed.pk]
        following = creditfiles.opened(at=later)
        creditfiles.step(following, "extract", steward, later, effective_date=later.date())
        work(later)
        assert [cells[0] for cells in creditfiles.parts_of(following)] == [number]
        assert CreditFileFault.objects.get(file=following.pk, code="unread").account_id == filed.pk
        again_at = later + timedelta(hours=1)
        defaults.told(at=again_at, account=self.number(filed), holder_1_line_1="5 Quay Street")
        assert taking._unread({"account__gte": 0, "account__lte": filed.pk}) == set()


class InTurn(TestCase):
    """A full snapshot is never nearly empty, and an older month never follows a newer one."""

    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        creditfiles.enter()

    def step(self, case, name, who, at, **inputs):
        return creditfiles.step(case, name, self.people[who], at, **inputs)

    def extracted(self, at, day):
        case = creditfiles.opened(at=datetime(day.year, day.month, 15, 9, tzinfo=UTC))
        Job.objects.filter(state="queued").delete()
        self.step(case, "extract", creditfiles.STEWARD, at, effective_date=day)
        work(at)
        return case

    def totals(self, case):
        row = CreditFile.objects.get(pk=case.pk)
        return {"rows": row.taken_rows, "total_pence": row.taken_pence}

    def approve(self, case, at):
        self.step(case, "approve", creditfiles.APPROVER, at, **self.totals(case))
        work(at)
        return Case.objects.get(pk=case.pk)

    def test_a_file_from_which_most_accounts_are_missing_is_neither_signed_nor_approved(self):
        accounts = [defaults.told(at=AT, payments_behind="1", balance_pence="3800") for _ in range(3)]
        case = self.extracted(AT, date(2026, 12, 31))
        case.refresh_from_db()
        assert (case.state, [each.is_clear for each in pages.checks(case)]) == ("validated", [True, False])
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="More than half"):
            self.step(case, "sign", creditfiles.STEWARD, AT)
        rewrite(CreditFile.objects.get(pk=case.pk), rows=2)
        self.step(case, "sign", creditfiles.STEWARD, AT)
        rewrite(CreditFile.objects.get(pk=case.pk), rows=len(accounts) // 2)
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="More than half"):
            self.step(case, "approve", creditfiles.APPROVER, AT, **self.totals(case))

    def test_an_older_month_neither_follows_a_newer_one_nor_is_overtaken_while_it_is_on_its_way(self):
        before = datetime(2026, 12, 15, 9, tzinfo=UTC)
        account = defaults.told(at=before, payments_behind="4", balance_pence="15200")
        older = self.extracted(before, before.date())
        defaults.told(at=AT, account=defaults.number_of(account), payments_behind="0", balance_pence="0")
        newer = self.extracted(AT, AT.date())
        for case in (older, newer):
            self.step(case, "sign", creditfiles.STEWARD, AT)
        with undone():
            self.step(older, "approve", creditfiles.APPROVER, NEXT, **self.totals(older))
            with nothing_written(counted=1), pytest.raises(TransitionRefused, match="December 2026 is on its way"):
                self.step(newer, "approve", creditfiles.APPROVER, NEXT, **self.totals(newer))
        assert self.approve(newer, NEXT).state == "transmitted"
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="January 2027 is with the agencies"):
            self.step(older, "approve", creditfiles.APPROVER, NEXT, **self.totals(older))
