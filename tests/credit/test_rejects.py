"""The page of what was found wrong with a monthly file, and of what agencies did not take of it: account by account."""

from datetime import UTC, date, datetime, timedelta

from django.test import TestCase
from django.urls import reverse

from cases.accounts.models import AccountMonth
from cases.credit.files import rejects
from cases.credit.files.models import CreditFile, CreditFileCopy, CreditFileFault, CreditFileReject
from cases.kernel import actors, edits, record
from cases.kernel.models import Case, Job
from tests import creditfiles, defaults, factories
from tests.credit.test_files import report
from tests.credit.test_files_beside import AT, NEXT, work
from tests.web import desk
from tests.web.test_queries import shortly, statements


class Rejects(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        creditfiles.enter()
        cls.default = defaults.filed(cls.people)
        cls.plain = defaults.told(at=AT, payments_behind="1", balance_pence="3800")
        cls.case = creditfiles.opened(at=AT)
        Job.objects.all().delete()
        steward, approver = cls.people[creditfiles.STEWARD], cls.people[creditfiles.APPROVER]
        creditfiles.step(cls.case, "extract", steward, AT, effective_date=AT.date())
        work()
        creditfiles.step(cls.case, "sign", steward, AT)
        row = CreditFile.objects.get(pk=cls.case.pk)
        given = {"rows": row.taken_rows, "total_pence": row.taken_pence}
        creditfiles.step(cls.case, "approve", approver, NEXT, **given)
        work(NEXT)

    def number(self, account):
        return defaults.number_of(account)

    def rejected(self, *codes, letter="b"):
        """Let the file leave, and an agency not take one account for each code: first the plain, then the default."""
        case = self.case
        for account, code in zip((self.plain, self.default.default.account), codes, strict=False):
            report(case, letter, at=NEXT, outcome="rejected", account=self.number(account), code=code)
        return case

    def locked(self, *codes):
        case = self.rejected(*codes)
        for letter, rows in (("a", 2), ("b", 0), ("c", 2)):
            case = report(case, letter, at=NEXT, outcome="accepted", rows=rows)
        return case

    def page(self, case, who=creditfiles.STEWARD, **asked):
        path = reverse("web:file_rejects", args=[case.uid])
        return desk.client_of(who, is_stepped_up=True).get(path, asked)

    def says(self, case):
        """Return what happens next with each account, the plain one first."""
        rows = list(rejects.among(Case.objects.get(pk=case.pk), "").order_by("-account"))
        lines = rejects.lines(Case.objects.get(pk=case.pk), rows, reader=self.people[creditfiles.STEWARD])
        return [line.next for line in lines]

    def test_each_account_is_listed_with_code_reason_what_was_sent_and_its_correction(self):
        case = self.locked("status_not_allowed", "name_unreadable")
        shown = " ".join(self.page(case).content.decode().split())
        for each in (
            self.number(self.plain),
            "The status may not follow the one before<br><code>status_not_allowed</code>",
            "1 payment behind<br>£38.00",
            "Have billing put it right, then close the task: the agency is told of it at once.",
            self.number(self.default.default.account),
            "The name cannot be read<br><code>name_unreadable</code>",
            "Default<br>£114.00",
            f'<a href="/cases/{self.default.uid}/">{self.default.reference}</a>',
        ):
            assert each in shown
        assert f'href="/credit/files/{case.uid}/not-taken/"' in self.page(case).content.decode()

    def test_what_happens_next_is_said_at_each_step_until_it_is_put_right(self):
        case = self.rejected("status_not_allowed", "name_unreadable")
        later = "It becomes work once every agency has reported, or the days for that are over."
        assert self.says(case) == [later, later]
        for letter, rows in (("a", 2), ("b", 0), ("c", 2)):
            case = report(case, letter, at=NEXT, outcome="accepted", rows=rows)
        assert self.says(case) == [
            "Have billing put it right, then close the task: the agency is told of it at once.",
            "Have billing put its people right: the next file tells of it. A change of one account names nobody.",
        ]
        steward, soon = self.people[creditfiles.STEWARD], NEXT + timedelta(days=1)
        task = case.tasks.get(kind="credit_file_rejected", closed_at=None)
        edits.close_task(case.pk, task.pk, actor=steward, at=soon, reason="Put right.")
        assert self.says(case)[0] == "The agency is about to be told of it."
        work(soon)
        assert self.says(case) == [
            "The agency was told of it by itself: that is on its way.",
            "Have billing put its people right: the next file tells of it, or the task leaves it out.",
        ]
        unread = case.tasks.get(kind="credit_file_unread", closed_at=None)
        edits.close_task(case.pk, unread.pk, actor=steward, at=soon, reason="It cannot be put right.")
        assert self.says(case)[1] == (
            "Left out of every file since 16 January 2027, until billing tells anew whose it is."
        )
        filed = self.default.default.account
        defaults.told(at=soon + timedelta(hours=1), account=self.number(filed), holder_1_line_1="5 Quay Street")
        assert self.says(case)[1] == "Billing has told anew whose it is: the next file tells of it."

    def test_pages_follow_by_place_and_one_agency_is_shown_alone(self):
        case = self.rejected("other")
        copy = CreditFileCopy.objects.get(file=case.pk, agency__code="sandbox-bureau-a")
        accounts = [defaults.told(at=NEXT, account=f"839{number:07d}") for number in range(27)]
        CreditFileReject.objects.bulk_create(
            CreditFileReject(copy=copy, account=account, code="other") for account in accounts
        )
        first = self.page(case, agency="sandbox-bureau-a").context
        assert (len(first["lines"]), first["page"].previous_url) == (25, "")
        following = desk.client_of(creditfiles.STEWARD).get(first["page"].next_url).context
        assert [number for _, number in following["lines"]] == ["8390000025", "8390000026"]
        assert len(self.page(case, agency="sandbox-bureau-b").context["lines"]) == 1
        assert len(self.page(case, agency="nobody").context["lines"]) == 25

    def test_the_page_asks_as_much_for_three_as_for_one(self):
        case = self.locked("status_not_allowed")
        copy = CreditFileCopy.objects.get(file=case.pk, agency__code="sandbox-bureau-b")
        client, path = desk.client_of(creditfiles.STEWARD), reverse("web:file_rejects", args=[case.uid])
        client.get(path)
        found = [statements(client, path)]
        CreditFileReject.objects.bulk_create(
            CreditFileReject(copy=copy, account=account, code="other")
            for account in (self.default.default.account, defaults.told(at=NEXT, payments_behind="1"))
        )
        found.append(statements(client, path))
        assert [len(each) for each in found] == [16, 16], shortly(found[0])

    def test_whoever_may_not_have_values_shown_sees_no_number(self):
        case = self.locked("other")
        client = desk.client_of("b.lacombe", is_stepped_up=True)
        client.post(reverse("web:purpose", args=[case.uid]), {"purpose": "oversight"})
        shown = client.get(reverse("web:file_rejects", args=[case.uid]))
        assert self.number(self.plain) not in shown.content.decode()
        assert "Not shown" in shown.content.decode()

    def with_faults(self):
        """Take the accounts of a file anew among which two have a fault that stops it and one is of a minor."""
        accounts = [defaults.told(at=AT, account=f"81{number}{'0' * 25}") for number in range(2)]
        defaults.told(at=AT, holder_1_date_of_birth="2012-05-05")
        case = creditfiles.opened(at=datetime(2027, 2, 15, 9, tzinfo=UTC))
        steward = self.people[creditfiles.STEWARD]
        creditfiles.step(case, "extract", steward, NEXT + timedelta(days=31), effective_date=date(2027, 2, 15))
        work(NEXT + timedelta(days=31))
        case.refresh_from_db()
        assert case.state == "extracted"
        return case, accounts

    def test_accounts_that_stop_or_leave_the_file_are_listed_by_what_is_wrong_with_their_numbers(self):
        case, accounts = self.with_faults()
        shown = " ".join(self.page(case).content.decode().split())
        assert 'href="?found=number_too_long"' in shown
        assert "Stops the file: 2 accounts" in shown
        assert "Left out: 1 account</li>" in shown
        assert (
            f'href="/credit/files/{case.uid}/not-taken/"'
            in desk.client_of(creditfiles.STEWARD).get(reverse("web:case", args=[case.uid])).content.decode()
        )
        page = self.page(case, found="number_too_long")
        assert [number for _, number in page.context["lines"]] == [self.number(each) for each in accounts]
        assert "£114.00" in page.content.decode()
        assert self.page(case, found="minor").context["wrong"].accounts == 1
        assert self.page(case, found="nothing").context["wrong"] is None

    def test_whoever_looks_at_an_account_sees_what_was_told_last_what_billing_tells_and_our_case(self):
        file = CreditFile.objects.get(pk=self.case.pk)
        ours, known = self.default.default.account, "29 December 2026, £114.00"
        default = {"default_date": "2026-12-29", "default_pence": "11400", "as_of": "2027-01-14"}
        defaults.told(at=AT, account=self.number(ours), **default)
        with record.act(self.case, "tests.told", actor=actors.system("tests"), at=AT):
            for month, status in ((11, "1"), (12, "3")):
                AccountMonth.objects.create(
                    account=ours, month=date(2026, month, 1), status=status, balance_pence=1, file_uid=self.case.uid
                )
        client, path = desk.client_of(creditfiles.STEWARD), reverse("web:file_rejects", args=[self.case.uid])
        counted = []
        for accounts in ([ours], [self.plain, defaults.told(at=AT)]):
            CreditFileFault.objects.bulk_create(
                CreditFileFault(file=file, round=file.round, account=each, level="warn", code="status_jumped")
                for each in accounts
            )
            client.get(path)
            counted.append(statements(client, f"{path}?found=status_jumped"))
        assert len(counted[0]) == len(counted[1]), shortly(counted[0])
        page = self.page(self.case, found="status_jumped")
        lines = {line.account.pk: line for line, _ in page.context["lines"]}
        assert (lines[ours.pk].before, lines[ours.pk].correction.pk) == ("3 payments behind", self.default.pk)
        assert (lines[self.plain.pk].before, lines[self.plain.pk].correction) == ("Nothing", None)
        shown = page.content.decode()
        assert known in shown and self.default.reference in shown

    def test_they_follow_by_place_and_nobody_without_the_right_sees_a_number(self):
        case, accounts = self.with_faults()
        many = [defaults.told(at=NEXT, account=f"838{number:07d}") for number in range(27)]
        file = CreditFile.objects.get(pk=case.pk)
        CreditFileFault.objects.bulk_create(
            CreditFileFault(file=file, round=file.round, account=each, level="warn", code="status_jumped")
            for each in many
        )
        first = self.page(case, found="status_jumped").context
        assert (len(first["lines"]), first["page"].previous_url) == (25, "")
        following = desk.client_of(creditfiles.STEWARD).get(first["page"].next_url).context
        assert [number for _, number in following["lines"]] == ["8380000025", "8380000026"]
        client = desk.client_of("b.lacombe", is_stepped_up=True)
        client.post(reverse("web:purpose", args=[case.uid]), {"purpose": "oversight"})
        shown = client.get(reverse("web:file_rejects", args=[case.uid]), {"found": "number_too_long"}).content.decode()
        assert self.number(accounts[0]) not in shown
        assert "Not shown" in shown

    def test_of_another_kind_of_case_there_is_no_such_page(self):
        answer = desk.client_of(defaults.STEWARD).get(reverse("web:file_rejects", args=[self.default.uid]))
        assert answer.status_code == 404
