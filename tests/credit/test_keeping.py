"""For how long a check is kept, and what makes it longer: a contract that goes on, a contest, a fraud on file."""

from datetime import date, datetime, timedelta

from django.test import TestCase

from cases.credit import keeping
from cases.kernel import actors, jobrun, jobs, record, transitions
from cases.kernel.linking import links
from cases.kernel.models import Case, Job
from tests import checks, defaults, factories

AT = factories.AT
HELD = {
    "holder_1_forename": "Idris",
    "holder_1_surname": "Thistlewood",
    "holder_1_date_of_birth": "1991-07-30",
    "holder_1_line_1": checks.HOME["line_1"],
    "holder_1_town": checks.HOME["town"],
    "holder_1_postcode": checks.HOME["postcode"],
}


def look(at):
    """Let the work of a day be done that keeps customers' checks."""
    job = jobs.start(keeping.KEEP, actor=actors.system("tests"), at=at)
    jobrun.work(clock=lambda: at, seconds=60)
    return Job.objects.get(pk=job.pk)


class Keeping(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        checks.enter()

    def closed(self, check):
        transitions.apply(check.pk, "close", actor=actors.system("tests"), at=checks.AFTER_30)
        return Case.objects.get(pk=check.pk)

    def test_a_check_of_a_customer_is_kept_until_six_years_after_the_contract(self):
        """Six years from its closing; then from the day on which the contract still went on; then from its end."""
        check = self.closed(checks.decided(self.people))
        first = check.dispose_after_date
        assert first == checks.AFTER_30.date().replace(year=2032)
        soon = datetime(2032, 11, 25, 9, 0, tzinfo=AT.tzinfo)
        assert look(soon - timedelta(days=60)).total == 0
        job = look(soon)
        assert jobs.left_out(job) == [("skipped", "no_contract", 1)]
        account = defaults.told(at=soon, payments_behind="0", **HELD)
        assert look(soon).done == 1
        check = Case.objects.get(pk=check.pk)
        assert check.dispose_after_date == date(2038, 11, 25)
        assert set(check.parties.values_list("dispose_after_date", flat=True)) == {date(2038, 11, 25)}
        later = datetime(2038, 11, 1, 9, 0, tzinfo=AT.tzinfo)
        number = defaults.number_of(account)
        defaults.told(at=later, account=number, payments_behind="0", contract_end_date="2033-06-01", **HELD)
        assert look(later).done == 1
        assert Case.objects.get(pk=check.pk).dispose_after_date == date(2039, 6, 1)
        assert look(later).total == 0

    def test_a_check_that_is_contested_after_it_closed_is_kept_as_long_as_the_review(self):
        check = self.closed(checks.decided(self.people, checks.NO))
        assert (check.retention_class, check.dispose_after_date) == ("check_no_customer", date(2027, 11, 15))
        checks.contest(self.people, check, at=checks.AFTER_30)
        check = Case.objects.get(pk=check.pk)
        assert (check.retention_class, check.dispose_after_date) == ("check_automated", date(2032, 11, 14))

    def test_a_check_that_is_contested_while_it_is_open_is_kept_as_long_too(self):
        check = checks.decided(self.people, checks.NO)
        case = checks.contest_decided(self.people, check)
        transitions.apply(case.pk, "notify", actor=actors.system("tests"), at=AT)
        transitions.apply(check.pk, "redecide", actor=self.people[checks.REVIEWER], at=AT, inputs=checks.NO)
        assert self.closed(check).retention_class == "check_automated"

    def test_a_fraud_on_file_keeps_the_checks_that_are_linked_with_it_open_or_closed(self):
        closed, running = self.closed(checks.decided(self.people, checks.NO)), checks.decided(self.people, checks.NO)
        other = self.closed(checks.decided(self.people, checks.NO))
        case = factories.submitted(self.people)
        for check in (closed, running):
            with record.act(case, "tests.linked", actor=actors.system("tests"), at=AT):
                links.join(case, check, "related", actor=self.people["a.byrne"], at=AT)
        answered = {"agency_reference": "SFR-2026-0004417"}
        transitions.apply(case.pk, "file", actor=factories.fpa(), at=factories.FILED_AT, inputs=answered)
        closed, other = (Case.objects.get(pk=each.pk) for each in (closed, other))
        assert (closed.retention_class, closed.dispose_after_date) == ("check_fraud", date(2032, 11, 14))
        assert other.retention_class == "check_no_customer"
        assert self.closed(running).retention_class == "check_fraud"
