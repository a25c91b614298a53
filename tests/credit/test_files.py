"""The monthly file: every account, faults by named rule, two people and control totals, the same to each agency."""

import csv
import hashlib
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from cases.accounts.models import AccountMonth, BureauTold
from cases.credit.defaults.models import Default
from cases.credit.files import callbacks, sending, taking
from cases.credit.files.models import CreditFile, CreditFileCopy, CreditFileFault, CreditFilePart, CreditFileReject
from cases.kernel import actors, edits, holds, outbox, record, transitions
from cases.kernel.background import jobrun, jobs
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import batchformat, files
from cases.kernel.exchange.files import FileRefused
from cases.kernel.models import Agency, BatchFile, Case, Job, OutboxMessage, Release, ReleasedItem, Task
from cases.kernel.timing import sweeps
from cases.kernel.transitions import TransitionRefused
from cases.ledger import api as ledger
from cases.ledger.reads import Reader
from tests import creditfiles, defaults, factories
from tests.kernel.snapshots import nothing_written

AT = datetime(2027, 1, 15, 9, 0, tzinfo=UTC)
# Copied from the design: active in arrears, arrangement, settled, default, default satisfied, in dispute.
ACCOUNTS = {
    "up_to_date": {"payments_behind": "0", "balance_pence": "3800", "oldest_unpaid_date": ""},
    "in_arrears": {"payments_behind": "2", "balance_pence": "7600"},
    "arranged": {"payments_behind": "4", "balance_pence": "15200", "flags": "payment_arrangement:2026-11-01"},
    "settled": {"payments_behind": "0", "balance_pence": "0", "contract_end_date": "2026-11-30"},
    "billing_default": {"default_date": "2026-09-01", "default_pence": "11400"},
    "disputed": {"flags": "dispute:2026-12-01"},
    "minor": {"holder_1_date_of_birth": "2012-05-05"},
}
STATUS = {
    "up_to_date": ("0", "", "3800"),
    "in_arrears": ("2", "", "7600"),
    "arranged": ("4", "arrangement", "15200"),
    "settled": ("S", "", "0"),
    "billing_default": ("8", "", "11400"),
    "disputed": ("U", "query", "11400"),
    "filed": ("8", "", "11400"),
}
TOTAL = 3800 + 7600 + 15200 + 0 + 11400 + 11400 + 11400
# The control report of billing counts every account, also that of the minor, who is left out.
CONTROL = {"rows": 8, "total_pence": TOTAL + 11400}


def work(at=AT):
    jobrun.work(clock=lambda: at, seconds=120)


def sent():
    """Return what each agency is promised: header recipient and body of its file."""
    reader = Reader(actor="tests", verb="read", purpose="tests")
    framed = []
    for file in BatchFile.objects.filter(kind="cra_file").select_related("message").order_by("pk"):
        lines = outbox.open_body(file.message, reader=reader, at=AT)
        framed.append(batchformat.read(b"".join(files.open_parts(file, lines, reader=reader, at=AT))))
    return framed


def report(case, letter, *, at=AT, **said):
    """Let an agency say one line of its report."""
    agency = Agency.objects.get(code=f"sandbox-bureau-{letter}")
    content = Content(
        type="cra_file.reported",
        agency_code=agency.code,
        agency_kind="cra",
        agency_reference="",
        agency_sequence=None,
        occurred_at=None,
        data={**callbacks.EXAMPLES["cra_file.reported"], **said},
        message=None,
        callback_uid=None,
    )
    callbacks.reported(Case.objects.get(pk=case.pk), content, actor=actors.agency(agency), at=at)
    return Case.objects.get(pk=case.pk)


class MonthlyFile(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        creditfiles.enter()
        cls.accounts = {name: defaults.told(at=AT, **changes) for name, changes in ACCOUNTS.items()}
        cls.accounts["filed"] = defaults.facts(defaults.filed(cls.people)).account
        jobs.start_daily(now=AT)
        Job.objects.exclude(kind=sending.OPEN).delete()
        work()
        cls.case = Case.objects.get(kind="cra_file")

    def step(self, name, who, at=AT, **inputs):
        return creditfiles.step(self.case, name, self.people[who], at, **inputs)

    def validated(self):
        self.step("extract", creditfiles.STEWARD, effective_date=date(2027, 1, 15))
        work()
        return Case.objects.get(pk=self.case.pk)

    def transmitted(self):
        self.validated()
        self.step("sign", creditfiles.STEWARD)
        self.step("approve", creditfiles.APPROVER, **CONTROL)
        work()
        return Case.objects.get(pk=self.case.pk)

    def test_the_file_of_a_month_is_opened_once(self):
        assert (self.case.reference, self.case.state, self.case.credit_file.month) == (
            "CRF-2027-000001",
            "open",
            date(2027, 1, 1),
        )
        jobs.start_daily(now=AT + timedelta(days=1))
        Job.objects.filter(state="queued").exclude(kind=sending.OPEN).delete()
        work()
        assert Case.objects.filter(kind="cra_file").count() == 1

    def test_a_default_that_nobody_decided_is_left_out_and_one_that_was_taken_off_stays_off(self):
        told, removed = self.accounts["billing_default"], self.accounts["filed"]
        with ledger.action(self.case.uid, "tests.told", actor="tests", at=AT):
            BureauTold.objects.create(
                account=told,
                agency=Agency.objects.get(code="sandbox-bureau-a"),
                told_at=AT,
                status="3",
                balance_pence=1,
            )
            row = Default.objects.get(account=removed)
        case = Case.objects.get(pk=row.pk)
        with record.act(case, "tests.removed", actor=actors.system("tests"), at=AT):
            case.state = "removed"
            case.save(update_fields=["state"])
        defaults.told(at=AT, account=defaults.number_of(removed), default_date="2026-09-01", default_pence="11400")
        self.validated()
        faults = list(CreditFileFault.objects.filter(code="default_undecided").values_list("account", "level"))
        assert faults == [(told.pk, "field")]
        rows = {cells[0]: cells for cells in creditfiles.parts_of(self.case)}
        column = taking.COLUMNS.index("default_date")
        assert defaults.number_of(told) not in rows
        assert rows[defaults.number_of(removed)][column] == ""

    def test_three_agencies_get_the_same_rows_and_what_they_have_of_each_account_is_kept(self):
        assert self.validated().state == "validated"
        row = CreditFile.objects.get(pk=self.case.pk)
        assert (row.rows, row.total_pence) == (7, TOTAL)
        assert list(CreditFileFault.objects.values_list("account", "level", "code").order_by("code")) == [
            (self.accounts["billing_default"].pk, "warn", "default_without_notice"),
            (self.accounts["minor"].pk, "field", "minor"),
            (self.accounts["filed"].pk, "warn", "not_in_feed"),
            (self.accounts["disputed"].pk, "warn", "status_unknown"),
        ]
        self.step("sign", creditfiles.STEWARD)
        approver = self.people[creditfiles.APPROVER]
        both = replace(self.people[creditfiles.STEWARD], roles=approver.roles | {"credit_data_steward"})
        right = CONTROL
        for actor, given, sentence in (
            (both, right, "Another person"),
            (approver, {"rows": 7, "total_pence": TOTAL}, "not those that were taken"),
            (approver, {**right, "total_pence": right["total_pence"] - 1}, "not those that were taken"),
        ):
            with nothing_written(counted=1), pytest.raises(TransitionRefused, match=sentence):
                creditfiles.step(self.case, "approve", actor, AT, **given)
        self.step("approve", creditfiles.APPROVER, **right)
        work()

        case = Case.objects.get(pk=self.case.pk)
        told = sent()
        assert (case.state, len(told)) == ("transmitted", 3)
        assert sorted(file.header.recipient for file in told) == [f"sandbox-bureau-{each}" for each in "abc"]
        assert len({file.body for file in told}) == 1
        assert BatchFile.objects.filter(kind="cra_file").values("rows").distinct().count() == 1
        assert {(file.row_count, file.total_pence) for file in told} == {(7, TOTAL)}
        copies = CreditFileCopy.objects.filter(file=row)
        assert set(copies.values_list("sha256", flat=True)) == {hashlib.sha256(told[0].body).hexdigest()}
        told = {each["account"]: each for each in csv.DictReader(io.StringIO(told[0].body.decode()))}
        by_account = dict(AccountMonth.objects.values_list("account", "status"))
        assert {by_account[self.accounts[name].pk] for name in STATUS} == {said[0] for said in STATUS.values()}
        assert sorted((each["status"], each["flags"], each["amount_pence"]) for each in told.values()) == sorted(
            STATUS.values()
        )
        assert {name: by_account[self.accounts[name].pk] for name in STATUS} == {
            name: said[0] for name, said in STATUS.items()
        }
        assert AccountMonth.objects.filter(month=date(2027, 1, 1)).count() == 7
        assert BureauTold.objects.exclude(account=self.accounts["filed"]).count() == 0
        creditfiles.arrive(case, letters="ab", at=AT)
        work()
        assert BureauTold.objects.filter(agency__code__in=("sandbox-bureau-a", "sandbox-bureau-b")).count() == 14
        assert BureauTold.objects.filter(agency__code="sandbox-bureau-c").count() == 1
        assert Release.objects.filter(case=case, message_kind="cra_file").count() == 3
        assert set(ReleasedItem.objects.filter(release__case=case).values_list("category", "subject_count")) == {
            ("identity", 7),
            ("address", 7),
            ("date_of_birth", 7),
            ("financial", 7),
        }

    def test_reports_lock_the_file_and_what_was_not_taken_is_work(self):
        case = self.transmitted()
        report(case, "a", outcome="accepted", rows=7)
        report(case, "c", outcome="accepted", rows=7)
        assert Case.objects.get(pk=case.pk).state == "transmitted"
        number = creditfiles.parts_of(case)[0][0]
        report(case, "b", outcome="rejected", account=number, code="name_unreadable")
        case = report(case, "b", outcome="accepted", rows=6)
        assert case.state == "locked"
        task = Task.objects.get(case=case, kind="credit_file_rejected")
        assert task.detail == {"agency": "sandbox-bureau-b", "rejected": 1}
        assert list(CreditFileCopy.objects.order_by("agency__code").values_list("accepted", "rejected")) == [
            (7, 0),
            (6, 1),
            (7, 0),
        ]

    def test_an_agency_that_counts_other_rows_than_it_was_sent_is_asked(self):
        case = self.transmitted()
        number = creditfiles.parts_of(case)[0][0]
        for letter, rows in (("a", 7), ("b", 999), ("c", 1)):
            report(case, letter, outcome="rejected", account=number, code="other")
            case = report(case, letter, outcome="accepted", rows=rows - (letter == "a"))
        counted = Task.objects.filter(case=case, kind="credit_file_miscounted").order_by("pk")
        assert [each.detail for each in counted] == [
            {"agency": f"sandbox-bureau-{letter}", "sent": 7, "accepted": rows, "rejected": 1}
            for letter, rows in (("b", 999), ("c", 1))
        ]
        assert case.state == "locked"

    def test_silence_for_ten_working_days_locks_it_too(self):
        case = self.transmitted()
        sweeps.end_due_clocks(now=AT + timedelta(days=10))
        assert Case.objects.get(pk=case.pk).state == "transmitted"
        sweeps.end_due_clocks(now=datetime(2027, 2, 2, 3, tzinfo=UTC))
        assert Case.objects.get(pk=case.pk).state == "locked"

    def test_what_an_agency_says_it_did_not_take_once_the_file_is_locked_is_work_too(self):
        """transitions.csv cra_file/lock: rejected rows become tasks and out-of-cycle corrections."""
        case = self.transmitted()
        late = datetime(2027, 2, 2, 3, tzinfo=UTC)
        sweeps.end_due_clocks(now=late)
        tasks = Task.objects.filter(case=case, kind="credit_file_rejected")
        assert (Case.objects.get(pk=case.pk).state, tasks.count()) == ("locked", 0)
        first, second, *_ = creditfiles.parts_of(case)
        for cells in (first, second, first):
            case = report(case, "b", at=late, outcome="rejected", account=cells[0], code="other")
        report(case, "b", at=late, outcome="accepted", rows=5)
        assert [each.detail["agency"] for each in tasks] == ["sandbox-bureau-b"]

        edits.close_task(case.pk, tasks.get().pk, actor=self.people[creditfiles.STEWARD], at=late, reason="Put right.")
        jobrun.work(clock=lambda: late, seconds=120)
        told = OutboxMessage.objects.filter(case=case, kind="cra_correct")
        assert sorted(factories.body_of(each)["account"] for each in told) == sorted([first[0], second[0]])

        report(case, "b", at=late, outcome="rejected", account=creditfiles.parts_of(case)[2][0], code="other")
        assert tasks.filter(closed_at=None).count() == 1

    def test_no_agency_is_told_of_an_account_that_the_file_does_not_hold_because_it_says_it_did_not_take_it(self):
        """The same to each: one that was left out, is a firm's or came later is told nobody by way of a report."""
        case, later = self.transmitted(), AT + timedelta(hours=2)
        numbers = ["8999999999", defaults.number_of(self.accounts["minor"])]
        numbers += [defaults.number_of(defaults.told(at=later)), defaults.number_of(defaults.told(is_business="yes"))]
        for number in numbers:
            with nothing_written(), pytest.raises(CaseError, match="the file does not hold"):
                report(case, "b", at=later, outcome="rejected", account=number, code="other")
        case = report(case, "b", at=later, outcome="rejected", account=creditfiles.parts_of(case)[0][0], code="other")
        assert CreditFileReject.objects.count() == 1

    def test_the_steps_of_a_file_wait_for_their_day_for_all_accounts_and_for_the_reports(self):
        for day, said in (
            (None, "of which day"),
            (date(2026, 12, 31), "must lie in January"),
            (date(2027, 1, 16), "fut"),
        ):
            with nothing_written(counted=1), pytest.raises(TransitionRefused, match=said):
                self.step("extract", creditfiles.STEWARD, effective_date=day)
        self.step("extract", creditfiles.STEWARD, effective_date=date(2027, 1, 15))
        system = actors.system("tests")
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="Not all accounts are taken"):
            creditfiles.step(self.case, "validate", system, AT)
        work()
        self.step("sign", creditfiles.STEWARD)
        case = self.step("approve", creditfiles.APPROVER, **CONTROL)
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="put into the store first"):
            creditfiles.step(case, "transmit", system, AT)
        work()
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="Not every agency has reported"):
            creditfiles.step(case, "lock", system, AT)

    def test_a_core_fault_stops_the_file_until_the_accounts_are_taken_anew(self):
        long = defaults.told(at=AT, account=f"83{1:020d}")
        self.step("extract", creditfiles.STEWARD, effective_date=date(2027, 1, 15))
        work()
        case = Case.objects.get(pk=self.case.pk)
        assert (case.state, Task.objects.get(case=case, closed_at=None).kind) == ("extracted", "credit_file_faulty")
        core = CreditFileFault.objects.filter(level="core")
        assert list(core.values_list("account", "code")) == [(long.pk, "number_too_long")]
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="fault that stops"):
            transitions.apply(case.pk, "validate", actor=actors.system("tests"), at=AT)
        self.step("reopen", creditfiles.STEWARD)
        assert not CreditFilePart.objects.exists()
        assert not Task.objects.filter(case=case, closed_at=None).exists()

    def test_a_default_that_moved_later_leaves_its_account_out_and_stops_no_other(self):
        late = defaults.told(at=AT, default_date="2027-01-10", default_pence="11400")
        with_told(self.case, late, date(2026, 11, 1))
        assert self.validated().state == "validated"
        found = CreditFileFault.objects.filter(account=late, code="default_moved_later")
        assert found.get().level == "field"
        numbers = [cells[0] for cells in creditfiles.parts_of(self.case)]
        assert (len(numbers), defaults.number_of(late) in numbers) == (7, False)

    def test_a_hold_on_reporting_leaves_an_account_out(self):
        case = defaults.arrears(self.people)
        steward = self.people[creditfiles.STEWARD]
        holds.enter(case.pk, "legal", actor=steward, at=AT - timedelta(days=1), source="legal", blocks=["report"])
        self.validated()
        assert CreditFileFault.objects.filter(code="held").values_list("account", flat=True).get() == (
            case.default.account_id
        )

    def test_a_report_that_answers_no_file_or_speaks_in_unknown_codes_is_refused(self):
        for row, code in (
            ({"outcome": "perhaps"}, "outcome_unknown"),
            ({"outcome": "accepted", "rows": "-1"}, "outcome_unknown"),
            ({"outcome": "rejected", "code": "whatever"}, "code_unknown"),
        ):
            with pytest.raises(FileRefused, match=code):
                callbacks._line(row)
        with pytest.raises(FileRefused, match="answers_unknown_file"):
            callbacks.find(BatchFile(), [{}])

    def test_the_number_of_statements_does_not_depend_on_the_number_of_accounts(self):
        self.step("extract", creditfiles.STEWARD, effective_date=date(2027, 1, 15))
        file = CreditFile.objects.select_related("case", "key").get(pk=self.case.pk)
        ids = sorted(taking.accounts_of(file).values_list("pk", flat=True))
        counts = []
        for number, most in ((1, 1), (2, 3)):
            with CaptureQueriesContext(connection) as asked:
                taking.keep_part(*taking.take_part(file, f"{number}:{ids[0]}:{ids[most - 1]}", by="tests", at=AT))
            counts.append(len(asked))
        assert counts == [14, 14]


def with_told(case, account, day):
    """Keep that an agency was told of a default of an earlier day."""
    with record.act(case, "tests.told", actor=actors.system("tests"), at=AT):
        BureauTold.objects.create(
            account=account,
            agency=Agency.objects.get(code="sandbox-bureau-a"),
            told_at=AT,
            status="8",
            balance_pence=1,
            default_date=day,
        )
