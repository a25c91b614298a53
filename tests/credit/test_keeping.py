"""For how long a check is kept, and what makes it longer: a contract that goes on, a contest, a fraud on file."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from unittest.mock import patch

from django.test import TestCase

from cases.credit import keeping
from cases.fraud import incoming
from cases.fraud.models import IncomingNotice
from cases.kernel import actors, edits, locks, record, transitions, verdicts
from cases.kernel.background import jobrun, jobs
from cases.kernel.finding import joining
from cases.kernel.linking import links
from cases.kernel.models import Approval, Case, CaseLink, Job, Party
from tests import checks, defaults, factories
from tests.fraud.told import hear_of
from tests.kernel.snapshots import nothing_written

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


def work(at=AT):
    """Let the jobs be done that were asked for."""
    jobrun.work(clock=lambda: at, seconds=60)


class Keeping(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        checks.enter()

    def closed(self, check):
        checks.told(check)
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
        work(checks.AFTER_30)
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
        work(factories.FILED_AT)
        closed, other = (Case.objects.get(pk=each.pk) for each in (closed, other))
        assert (closed.retention_class, closed.dispose_after_date) == ("check_fraud", date(2032, 11, 14))
        assert other.retention_class == "check_no_customer"
        assert self.closed(running).retention_class == "check_fraud"

    def linked(self, case, check):
        with record.act(case, "tests.linked", actor=actors.system("tests"), at=AT):
            links.join(case, check, "related", actor=self.people["a.byrne"], at=AT)
        return case

    def test_a_restricted_filing_writes_nothing_of_the_checks_that_are_linked_with_it(self):
        case = self.linked(factories.submitted(self.people), checks.decided(self.people))
        case.is_restricted = True
        with nothing_written():
            keeping.fraud_filed(case, at=AT)

    def test_another_members_record_that_was_confirmed_keeps_the_checks_of_its_person_though_nothing_is_filed(self):
        """A match on a referral that is still investigated: of the fraudster's check, not of a victim's, nor of one of
        somebody who is not known to be the same."""
        mine, victims, others = (self.closed(checks.decided(self.people, checks.NO)) for _ in range(3))
        case = factories.investigating(self.people)
        fraudster, victim = case.parties.order_by("number")
        for check, person in ((mine, fraudster), (victims, victim)):
            with record.act(case, "tests.joined", actor=actors.system("tests"), at=AT):
                party = Party.objects.create()
                for each in (check.parties.get(), person):
                    each.party = party
                    each.save(update_fields=["party"])
        for number, person in (("M-1", fraudster), ("M-2", victim)):
            hear_of(case, "fpa.match", at=AT, their_reference=number, matched_on=["name", "date_of_birth"])
            notice = IncomingNotice.objects.get(case=case, their_reference=number)
            given = {"person": str(person.number), "agrees_in": ["name"]}
            actor = self.people["a.byrne"]
            incoming.decide(notice, "confirmed", actor=actor, at=AT, reason="The same person.", inputs=given)
        work(AT)
        kept = [Case.objects.get(pk=each.pk).retention_class for each in (mine, victims, others)]
        assert kept == ["check_fraud", "check_no_customer", "check_no_customer"]
        assert Case.objects.get(pk=mine.pk).dispose_after_date == date(2032, 11, 14)
        assert Case.objects.get(pk=case.pk).state == "investigating"
        fraudster.case.is_restricted = True
        with nothing_written():
            keeping.marker_confirmed(fraudster, at=AT)

    def test_a_record_that_was_about_somebody_else_keeps_nothing_any_more_unless_another_does(self):
        """Kept as a fraudster's for six years, on a word that somebody has taken back: UK GDPR Art 5(1)(d), (e)."""
        mine, also = (self.closed(checks.decided(self.people, checks.NO)) for _ in range(2))
        before = [(each.retention_class, each.dispose_after_date) for each in (mine, also)]
        case = factories.investigating(self.people)
        fraudster = case.parties.order_by("number").first()
        with record.act(case, "tests.joined", actor=actors.system("tests"), at=AT):
            party = Party.objects.create()
            for each in (mine.parties.get(), also.parties.get(), fraudster):
                each.party = party
                each.save(update_fields=["party"])
        hear_of(case, "fpa.match", at=AT, their_reference="M-1", matched_on=["name", "date_of_birth"])
        notice = IncomingNotice.objects.get(case=case)
        given = {"at": AT, "reason": "The same person.", "inputs": {"person": "1", "agrees_in": ["name"]}}
        incoming.decide(notice, "confirmed", actor=self.people["a.byrne"], **given)
        work(AT)
        self.linked(factories.filed(self.people), also)
        notice.refresh_from_db()
        incoming.decide(notice, "false_positive", actor=self.people["d.osei"], **{**given, "reason": "Her namesake."})
        work(AT)
        now = [Case.objects.get(pk=each.pk) for each in (mine, also)]
        assert now[0].retention_class == before[0][0] and now[1].retention_class == "check_fraud"
        assert now[0].dispose_after_date == before[0][1] == now[0].parties.get().dispose_after_date
        assert Job.objects.get(kind=keeping.SHORTER).skipped == 1

    def test_a_filing_that_is_removed_keeps_no_check_any_more(self):
        mine, running = self.closed(checks.decided(self.people)), checks.decided(self.people)
        before = mine.dispose_after_date
        case = self.linked(self.linked(factories.removal_requested(self.people), mine), running)
        keeping.fraud_filed(case, at=AT)
        work(AT)
        assert {Case.objects.get(pk=each.pk).retention_class for each in (mine, running)} == {"check_fraud"}
        transitions.apply(case.pk, "confirm_removal", actor=factories.fpa(), at=AT)
        work(AT)
        mine, running = (Case.objects.get(pk=each.pk) for each in (mine, running))
        assert (mine.retention_class, mine.dispose_after_date) == ("check_customer", before)
        assert self.closed(running).retention_class == "check_customer"

    def of_the_fraudster(self, case):
        """A check, closed, of whom a filing is about, and kept for its sake."""
        check, fraudster = self.closed(checks.decided(self.people, checks.NO)), case.parties.get(number=1)
        before = (check.retention_class, check.dispose_after_date)
        with record.act(case, "tests.joined", actor=actors.system("tests"), at=AT):
            party = Party.objects.create()
            for each in (check.parties.get(), fraudster):
                each.party = party
                each.save(update_fields=["party"])
        with record.act(case, "tests.filed", actor=actors.system("tests"), at=AT):
            keeping.fraud_filed(case, at=AT)
        work(AT)
        assert Case.objects.get(pk=check.pk).retention_class == "check_fraud"
        return check, before

    def kept(self, check):
        work(AT)
        check = Case.objects.get(pk=check.pk)
        return check.retention_class, check.dispose_after_date

    def agreed(self, case, name, **inputs):
        given = {"at": factories.FILED_AT, "reason": "Somebody else.", "inputs": inputs}
        transitions.apply(case.pk, name, actor=self.people["p.nair"], **given)
        approval = Approval.objects.get(case=case, act=name, closed_at=None)
        verdicts.decide(approval.uid, "agreed", actor=self.people["d.osei"], at=factories.FILED_AT)

    def test_a_filing_that_was_about_somebody_else_keeps_no_check_of_theirs(self):
        case = factories.filed(self.people)
        check, before = self.of_the_fraudster(case)
        self.agreed(case, "detach", person="1")
        assert self.kept(check) == before

    def test_a_filing_that_finds_somebody_innocent_keeps_no_check_of_theirs(self):
        case = factories.filed(self.people)
        check, before = self.of_the_fraudster(case)
        with edits.change(case.pk, actor=self.people["p.nair"], at=factories.FILED_AT) as edit:
            edit.party(1, is_innocent=True)
            edit.facts(fpa_case_type="victim_of_takeover")
        transitions.apply(case.pk, "amend", actor=self.people["d.osei"], at=factories.FILED_AT)
        assert self.kept(check) == before

    def test_whoever_is_parted_from_the_person_of_a_filing_is_kept_for_it_no_more(self):
        case = factories.filed(self.people)
        check, before = self.of_the_fraudster(case)
        joining.part(case.pk, 1, actor=self.people["a.byrne"], at=AT)
        assert self.kept(check) == before

    def test_a_check_that_was_linked_with_a_filing_in_error_is_kept_for_it_no_more(self):
        check = self.closed(checks.decided(self.people, checks.NO))
        before = (check.retention_class, check.dispose_after_date)
        case = self.linked(factories.filed(self.people), check)
        with record.act(case, "tests.filed", actor=actors.system("tests"), at=AT):
            keeping.fraud_filed(case, at=AT)
        assert self.kept(check)[0] == "check_fraud"
        link = CaseLink.objects.get(case=case)
        one, other = self.people["a.byrne"], self.people["m.achterberg"]
        both = replace(one, roles=one.roles | other.roles, team_ids=one.team_ids | other.team_ids)
        links.remove(case.pk, link.uid, actor=both, at=AT, reason="Another customer's.")
        assert self.kept(check) == before

    def test_another_filing_about_the_same_person_keeps_it_still(self):
        case, other = factories.filed(self.people), factories.filed(self.people)
        check, _ = self.of_the_fraudster(case)
        same = other.parties.get(number=1)
        with record.act(other, "tests.joined", actor=actors.system("tests"), at=AT):
            same.party = check.parties.get().party
            same.save(update_fields=["party"])
        self.agreed(case, "detach", person="1")
        assert self.kept(check)[0] == "check_fraud"

    def test_somebody_at_work_on_a_check_keeps_no_fraud_from_being_filed(self):
        """Neither a filing nor a contest asks for the lock of the check: a job waits for it."""
        check = checks.decided(self.people)
        case = self.linked(factories.submitted(self.people), check)
        contested = self.closed(checks.decided(self.people, checks.NO))
        with patch("cases.kernel.locks.another_for_update", side_effect=locks.CaseBusy):
            keeping.fraud_filed(case, at=AT)
            checks.contest(self.people, contested, at=checks.AFTER_30)
        work(checks.AFTER_30)
        assert Case.objects.get(pk=check.pk).retention_class == "check_fraud"
        assert Case.objects.get(pk=contested.pk).retention_class == "check_automated"

    def test_a_check_whose_time_is_over_is_made_no_longer(self):
        check = self.closed(checks.decided(self.people))
        over = datetime(2032, 12, 30, 9, 0, tzinfo=AT.tzinfo)
        assert check.dispose_after_date < over.date()
        defaults.told(at=over, payments_behind="0", **HELD)
        assert look(over).total == 0

    def test_a_customers_check_with_a_fraud_on_file_is_kept_six_years_after_the_contract_too(self):
        """Of several reasons the longest counts. Of somebody who became no customer a contract says nothing."""
        mine, refused = self.closed(checks.decided(self.people)), self.closed(checks.decided(self.people, checks.NO))
        case = self.linked(self.linked(factories.submitted(self.people), mine), refused)
        keeping.fraud_filed(case, at=AT)
        work(AT)
        first, soon = (datetime(2032, 11, day, 9, 0, tzinfo=AT.tzinfo) for day in (14, 25))
        defaults.told(at=first, payments_behind="0", **HELD)
        assert jobs.left_out(look(first)) == [("skipped", "no_contract", 1)]
        assert look(soon).done == 1
        mine, refused = (Case.objects.get(pk=each.pk) for each in (mine, refused))
        assert (mine.retention_class, mine.dispose_after_date) == ("check_fraud", date(2038, 11, 25))
        assert (refused.retention_class, refused.dispose_after_date) == ("check_fraud", date(2032, 11, 14))
