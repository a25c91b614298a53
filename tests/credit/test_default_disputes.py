"""A dispute that a credit reference agency passes on: its clock, what it stops, and the answer."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import TestCase

from cases.accounts.models import BureauTold
from cases.agencies import application
from cases.credit.defaults import disputes, report
from cases.kernel import accountholds, actors, edits, holds, record, transitions
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.finding import terms
from cases.kernel.models import Agency, Callback, Case, Clock, OutboxMessage, Release, Task
from cases.kernel.transitions import AlreadyThere, TransitionRefused
from cases.ledger import api as ledger
from tests import associations, defaults, factories
from tests.agencies.test_application import hear
from tests.credit.test_default_stops import lose_channel
from tests.kernel.snapshots import nothing_written
from tests.web import desk

OVER = defaults.OVER
CAME = datetime(2026, 12, 28, 9, tzinfo=UTC)


class Disputes(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        associations.enter()

    def dispute(self, case, letter="b", *, at=OVER, **said):
        agency = Agency.objects.get(code=f"sandbox-bureau-{letter}")
        content = Content(
            type="cra.disputed",
            agency_code=agency.code,
            agency_kind="cra",
            agency_reference="",
            agency_sequence=None,
            occurred_at=CAME,
            data={"ticket": "T-2026-0001", "field": "default", **said},
            message=None,
            callback_uid=None,
        )
        disputes.disputed(Case.objects.get(pk=case.pk), content, actor=actors.agency(agency), at=at)
        return Task.objects.filter(case=case, kind="default_disputed", closed_at=None).latest("pk")

    def close(self, case, task, at=OVER + timedelta(days=3)):
        steward = self.people[defaults.STEWARD]
        edits.close_task(case.pk, task.pk, actor=steward, at=at, reason="Compared with the bills.")

    def answers(self, case):
        rows = OutboxMessage.objects.filter(case=case, kind="cra_answer").order_by("pk")
        return [(each.channel.agency.code[-1], factories.body_of(each)) for each in rows]

    def test_it_has_fourteen_days_marks_the_account_and_is_answered_once_as_accurate(self):
        case = defaults.filed(self.people)
        task = self.dispute(case)
        clock = Clock.objects.get(case=case, rule="k22_file_dispute")
        assert (clock.due_date, task.due_at) == (date(2027, 1, 11), clock.due_at)
        number = defaults.number_of(defaults.facts(case).account)
        assert accountholds.entered([number], "cra_default", at=OVER)[terms.account(number)] == {"dispute"}
        with nothing_written(), pytest.raises(AlreadyThere):
            self.dispute(case)
        self.close(case, task)
        assert self.answers(case) == [("b", {"account": number, "ticket": "T-2026-0001", "answer": "accurate"})]
        assert Release.objects.filter(case=case, message_kind="cra_answer").count() == 1
        assert Clock.objects.get(pk=clock.pk).state == "met"

    def test_the_page_says_before_the_press_what_the_agency_is_told(self):
        steward, approver = self.people[defaults.STEWARD], self.people[defaults.APPROVER]
        case = defaults.filed(self.people)
        self.dispute(case)
        with nothing_written():
            checks = report.checks(Case.objects.get(pk=case.pk))
        nothing = "Closing the task tells the agency: accurate, since nothing was changed."
        assert checks[0].detail == nothing
        assert nothing in desk.client_of(defaults.STEWARD).get(f"/cases/{case.uid}/").content.decode()
        defaults.step(case, "correct", steward, OVER + timedelta(days=1), **defaults.EARLIER)
        associations.agree(case, approver, OVER + timedelta(days=1))
        assert report.checks(Case.objects.get(pk=case.pk))[0].detail == "Closing the task tells the agency: amended."

    def test_no_check_says_clear_beside_a_hold(self):
        case = defaults.filed(self.people)
        self.close(case, self.dispute(case))
        hold = case.holds.get()
        with record.act(Case.objects.get(pk=case.pk), "tests.began", actor=actors.system("tests"), at=OVER):
            hold.began_at = factories.AT
            hold.save(update_fields=["began_at"])
        case = Case.objects.get(pk=case.pk)
        assert case.default.stopped_by == []
        checks = [(each.label, each.is_clear) for each in report.checks(case)]
        assert checks == [("A hold stops it: dispute.", False)]

    def test_an_answered_dispute_asks_for_the_release_of_its_hold_which_the_page_goes_on_naming(self):
        (pk,) = self.named(self.reported())
        case, at = Case.objects.get(pk=pk), factories.AT
        first, second = self.dispute(case, at=at), self.dispute(case, "c", ticket="T-2026-0002", at=at)
        self.close(case, first)
        assert not case.tasks.filter(kind="default_dispute_over").exists()
        self.close(case, second)
        task = case.tasks.get(kind="default_dispute_over", closed_at=None)
        hold = case.holds.get()
        assert task.detail == {"hold": hold.pk}
        checks = report.checks(Case.objects.get(pk=case.pk))
        assert ("A hold stops it: dispute.", False) in [(each.label, each.is_clear) for each in checks]
        assert all(not each.is_clear for each in checks)
        page = desk.client_of(defaults.STEWARD).get(f"/cases/{case.uid}/").content.decode()
        assert "on Holds, propose to release it" in page and "Nothing stops a notice or a default" not in page

        at, inputs = OVER + timedelta(days=4), {"hold": str(hold.pk)}
        steward, approver = self.people[defaults.STEWARD], self.people[defaults.APPROVER]
        transitions.apply(case.pk, "release_hold", actor=steward, at=at, reason="It is answered.", inputs=inputs)
        assert case.tasks.get(pk=task.pk).closed_at is None
        associations.agree(case, approver, at)
        assert case.tasks.get(pk=task.pk).closed_at == at
        assert case.holds.get().released_at == at

    def test_what_was_corrected_or_taken_off_meanwhile_is_the_answer(self):
        steward, approver = self.people[defaults.STEWARD], self.people[defaults.APPROVER]
        for step, inputs, answer in (
            ("correct", defaults.EARLIER, "amended"),
            ("remove", {"evidence": "1"}, "deleted"),
        ):
            case = defaults.filed(self.people)
            task = self.dispute(case)
            defaults.step(case, step, steward, OVER + timedelta(days=1), **inputs)
            associations.agree(case, approver, OVER + timedelta(days=1))
            self.close(case, task)
            assert [said["answer"] for _, said in self.answers(case)] == [answer]
            told = OutboxMessage.objects.filter(case=case, kind="cra_correct", created_at__gt=OVER)
            assert sorted(each.channel.agency.code[-1] for each in told) == ["a", "b", "c"]

    def test_it_stops_a_default_that_is_not_on_file_yet(self):
        case = defaults.due(self.people)
        self.dispute(case)
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="hold"):
            defaults.step(case, "approve", self.people[defaults.APPROVER], OVER, **defaults.DATED)

    def test_page_and_queue_say_at_once_that_it_stops_a_default_and_until_when_it_is_answered(self):
        """Also of an account of which nothing is behind, whose case reads as one of arrears; until the hold ends."""
        account = self.reported(status="0", payments_behind="0", oldest_unpaid_date="", balance_pence="3800")
        (pk,) = self.named(account)
        case = Case.objects.get(pk=pk)
        task = self.dispute(case, field="balance", at=factories.AT)
        title, steward = "In dispute, which stops a default: broadband", defaults.STEWARD
        client = desk.client_of(steward, is_stepped_up=True)
        assert title in client.get("/cases/").content.decode()
        shown = client.get(f"/cases/{case.uid}/").content.decode()
        for each in (
            title,
            '<span class="tag hold">Dispute</span>',
            "A customer disputes the balance at an agency: to be answered by 28 November 2026. "
            "Nothing gets worse before.",
            "A hold stops it: dispute.",
            "Since 14 November 2026; looked at again by 14 December 2026.",
            "Answer to a dispute of a credit file",
        ):
            assert each in shown, each
        self.close(case, task)
        assert title in client.get("/cases/?view=held").content.decode()  # until two people release the hold
        hold = case.holds.get()
        with record.act(Case.objects.get(pk=pk), "tests.released", actor=actors.system("tests"), at=OVER):
            hold.released_at = OVER + timedelta(days=4)
            hold.save(update_fields=["released_at"])
        case = defaults.look(case, OVER + timedelta(days=5))
        assert (case.state, case.topic) == ("cured", "broadband")

    def test_a_dispute_that_the_customer_brings_to_us_is_said_at_once_too_and_no_longer_once_it_is_over(self):
        case = defaults.disputed(defaults.arrears)(self.people)
        assert (case.topic, case.default.stopped_by) == ("disputed_broadband", ["hold_dispute"])
        hold = case.holds.get()
        with record.act(case, "tests.released", actor=actors.system("tests"), at=OVER):
            hold.released_at = OVER
            hold.save(update_fields=["released_at"])
        case = defaults.look(case, OVER + timedelta(days=1))
        assert (case.state, case.topic) == ("notice_ready", "broadband")

    def test_an_agency_that_cannot_be_answered_becomes_work(self):
        case = defaults.filed(self.people)
        task = self.dispute(case)
        lose_channel("b")
        self.close(case, task)
        by_hand = Task.objects.get(case=case, kind="correction_by_hand")
        assert by_hand.detail == {"agency": "sandbox-bureau-b", "change": "answer", "cause": "NoChannel"}
        assert self.answers(case) == []

    def test_one_without_a_ticket_or_about_no_field_is_refused(self):
        case = defaults.filed(self.people)
        for said in ({"ticket": ""}, {"ticket": "T 1"}, {"field": "whatever"}):
            with nothing_written(), pytest.raises(CaseError, match="needs its ticket"):
                self.dispute(case, **said)

    def test_an_agency_means_the_case_by_the_number_of_the_account(self):
        case = defaults.filed(self.people)
        number = defaults.number_of(defaults.facts(case).account)
        agency = Agency.objects.get(code="sandbox-bureau-a")
        post = Agency.objects.exclude(kind="cra").first()
        assert list(disputes.named_by(agency.pk, number, at=OVER)) == [case.pk]
        assert list(disputes.named_by(agency.pk, "8399999999", at=OVER)) == []
        assert post is None or list(disputes.named_by(post.pk, number, at=OVER)) == []

    def reported(self, status="2", told_a="", **changes):
        """Return an account without a case of which agencies a and b were told, a another status where that is said."""
        account = defaults.told(at=OVER, **changes)
        with ledger.action(uuid4(), "tests.told", actor="tests", at=OVER):
            for letter in "ab":
                agency = Agency.objects.get(code=f"sandbox-bureau-{letter}")
                said = (told_a if letter == "a" else "") or status
                BureauTold.objects.create(account=account, agency=agency, told_at=OVER, status=said, balance_pence=7600)
        return account

    def named(self, account, letter="b", **changes):
        return self.meant(defaults.number_of(account), letter, **changes)

    def meant(self, number, letter="b", kind="cra.disputed", **changes):
        """Return the cases that an agency means by a number in a callback."""
        agency = Agency.objects.get(code=f"sandbox-bureau-{letter}")
        said = {"ticket": "T-2026-0001", "field": "balance", **changes}
        return list(disputes.named_by(agency.pk, number, type=kind, data=said, at=OVER))

    def test_what_an_agency_has_of_an_account_without_a_case_can_be_disputed_too(self):
        account = self.reported(status="0", payments_behind="0", oldest_unpaid_date="", balance_pence="3800")
        assert self.named(account, "c") == []
        assert not Case.objects.filter(kind="default").exists()
        (pk,) = self.named(account)
        assert self.named(account) == [pk]
        case = Case.objects.get(pk=pk)
        task = self.dispute(case, field="balance")
        assert Clock.objects.get(case=case, rule="k22_file_dispute").due_date == date(2027, 1, 11)
        number = defaults.number_of(account)
        assert accountholds.entered([number], "cra_default", at=OVER)[terms.account(number)] == {"dispute"}
        assert defaults.look(case, OVER).state == "arrears"
        self.close(case, task)
        assert self.answers(case) == [("b", {"account": number, "ticket": "T-2026-0001", "answer": "accurate"})]
        assert defaults.look(case, OVER + timedelta(days=4)).state == "cured"

    def test_what_was_put_right_at_billing_is_told_every_agency_that_has_something_else(self):
        account = self.reported(status="2", payments_behind="0", oldest_unpaid_date="", balance_pence="3800")
        (pk,) = self.named(account)
        case = Case.objects.get(pk=pk)
        task = self.dispute(case, field="status")
        self.close(case, task)
        rows = OutboxMessage.objects.filter(case=case, kind="cra_correct").order_by("pk")
        told = [(each.channel.agency.code[-1], factories.body_of(each)) for each in rows]
        assert [(letter, said["old"], said["new"], said["balance_pence"]) for letter, said in told] == [
            ("a", "2", "0", 3800),
            ("b", "2", "0", 3800),
        ]
        assert [said["answer"] for _, said in self.answers(case)] == ["amended"]

    def test_what_is_on_its_way_to_an_agency_is_not_told_it_again_with_the_answer_to_another(self):
        """The answer to one that disputes what was right tells nobody else what they are being told already."""
        account = self.reported(status="2", payments_behind="0", oldest_unpaid_date="", balance_pence="3800")
        with ledger.action(uuid4(), "tests.told", actor="tests", at=OVER):
            agency = Agency.objects.get(code="sandbox-bureau-c")
            BureauTold.objects.create(account=account, agency=agency, told_at=OVER, status="0", balance_pence=3800)
        (pk,) = self.named(account)
        case = Case.objects.get(pk=pk)
        first, second = self.dispute(case, "b"), self.dispute(case, "c", ticket="T-c")
        self.close(case, first)
        told = OutboxMessage.objects.filter(case=case, kind="cra_correct").order_by("pk")
        assert [each.channel.agency.code[-1] for each in told] == ["a", "b"]
        assert "Each agency that has" not in disputes.foretold(Case.objects.get(pk=pk), second)
        self.close(case, second)
        assert [each.channel.agency.code[-1] for each in told.all()] == ["a", "b"]
        assert [(letter, said["answer"]) for letter, said in self.answers(case)] == [
            ("b", "amended"),
            ("c", "accurate"),
        ]
        # One that refused what it was told has still to hear of it.
        OutboxMessage.objects.filter(pk=told[0].pk).update(state="refused")
        third = self.dispute(case, "c", ticket="T-d")
        self.close(case, third)
        assert [each.channel.agency.code[-1] for each in told.all()] == ["a", "b", "a"]

    def test_each_agency_of_two_is_answered_as_amended_where_no_default_was_on_file(self):
        """K22: the second one's entry was put right with the first one's; it is not gone."""
        account = self.reported(status="2", payments_behind="0", oldest_unpaid_date="", balance_pence="3800")
        (pk,) = self.named(account)
        case = Case.objects.get(pk=pk)
        for task in [self.dispute(case, letter, ticket=f"T-{letter}") for letter in "ab"]:
            self.close(case, task)
        assert [(letter, said["answer"]) for letter, said in self.answers(case)] == [("a", "amended"), ("b", "amended")]

    def test_what_is_told_between_two_files_bears_the_flags_of_the_file(self):
        """Domain 4.3: deceased and dispute are mandatory; 4.2: the same content as the file."""
        case = defaults.filed(self.people)
        defaults.tell_again(case, at=OVER, payments_behind="3", flags="deceased:2026-12-20;dispute:2026-12-21")
        case = defaults.step(case, "part_satisfy", self.people[defaults.STEWARD], OVER, amount_pence=5000)
        told = factories.body_of(OutboxMessage.objects.filter(case=case, kind="cra_correct").latest("pk"))
        assert (told["new"], told["flags"]) == ("8", ["deceased", "query"])

    def test_default_that_is_taken_back_for_a_dispute_is_told_as_in_dispute_and_as_no_worse(self):
        """Domain 4.5: mark Q, freeze worsening. Nothing was told before it, so that it is not known (4.3: U)."""
        case = defaults.taken(defaults.approved(self.people), letters_of="a")
        holds.enter(case.pk, "dispute", actor=self.people[defaults.STEWARD], at=OVER, source="customer")
        defaults.tell_again(case, at=OVER, payments_behind="4", balance_pence="15200")
        defaults.look(case, OVER)
        told = factories.body_of(OutboxMessage.objects.filter(case=case, kind="cra_correct").latest("pk"))
        assert (told["old"], told["new"], told["flags"], told["reason"]) == ("8", "U", ["query"], "withdrawn")

    def test_what_got_worse_since_is_told_nobody_when_a_dispute_is_closed(self):
        """Told one payment behind, two are behind by now: nobody decided that, and the dispute freezes it."""
        account = self.reported(status="1", payments_behind="2", balance_pence="7600")
        (pk,) = self.named(account)
        case = Case.objects.get(pk=pk)
        task = self.dispute(case, field="status")
        self.close(case, task)
        assert not OutboxMessage.objects.filter(case=case, kind="cra_correct").exists()
        assert [said["answer"] for _, said in self.answers(case)] == ["accurate"]

    def test_an_agency_whose_own_status_stands_is_answered_as_accurate(self):
        account = self.reported(status="1", told_a="2", payments_behind="1", balance_pence="3800")
        (pk,) = self.named(account)
        case = Case.objects.get(pk=pk)
        task = self.dispute(case, field="status")
        self.close(case, task)
        told = OutboxMessage.objects.filter(case=case, kind="cra_correct")
        assert [each.channel.agency.code[-1] for each in told] == ["a"]
        assert [said["answer"] for _, said in self.answers(case)] == ["accurate"]

    def test_dispute_of_an_account_whose_case_is_closed_marks_it_and_stops_a_default(self):
        """Domain 4.4 and 4.5: in a case of its own, of which no default comes once the dispute is over."""
        for build in (defaults.removed, defaults.expired):
            closed = build(self.people)
            account = defaults.facts(closed).account
            (pk,) = self.named(account)
            assert pk != closed.pk
            case = Case.objects.get(pk=pk)
            assert self.named(account) == [pk]
            task = self.dispute(case, field="balance")
            number = defaults.number_of(account)
            assert accountholds.entered([number], "cra_default", at=OVER)[terms.account(number)] == {"dispute"}
            assert defaults.look(case, OVER).default.stopped_by == ["hold_dispute", "decided_before"]
            self.close(case, task)
            hold = case.holds.get()
            with record.act(Case.objects.get(pk=pk), "tests.released", actor=actors.system("tests"), at=OVER):
                hold.released_at = OVER + timedelta(days=4)
                hold.save(update_fields=["released_at"])
            case = defaults.look(case, OVER + timedelta(days=5))
            assert (case.state, case.default.stopped_by) == ("arrears", ["decided_before"])

    def test_dispute_that_waits_on_a_case_that_closed_meanwhile_is_the_same_dispute(self):
        case = defaults.filed(self.people)
        self.dispute(case, field="balance")
        defaults.step(case, "remove", self.people[defaults.STEWARD], OVER, evidence="1")
        associations.agree(case, self.people[defaults.APPROVER], OVER)
        account = defaults.facts(case).account
        assert self.named(account) == [case.pk]
        assert self.named(account, ticket="T-2026-0002") != [case.pk]

    def test_what_is_no_sound_dispute_opens_no_case(self):
        account = self.reported(status="0", payments_behind="0", oldest_unpaid_date="", balance_pence="3800")
        number = defaults.number_of(account)
        for said in ({"ticket": ""}, {"ticket": "T 1"}, {"field": "whatever"}, {"kind": "cra.answered"}):
            with nothing_written():
                assert self.meant(number, **said) == []

    def test_a_callback_that_is_no_sound_dispute_is_left_unmatched(self):
        account = self.reported(status="0", payments_behind="0", oldest_unpaid_date="", balance_pence="3800")
        for ticket, state, count in (("", "unmatched", 0), ("T-2026-0001", "applied", 1)):
            said = {
                "schema_version": 1,
                "type": "cra.disputed",
                "occurred_at": "2026-12-28T09:00:00Z",
                "agency_reference": defaults.number_of(account),
                "data": {"ticket": ticket, "field": "balance"},
            }
            row = hear(said, code="sandbox-bureau-b")
            application.apply_pending(now=OVER)
            assert Callback.objects.get(pk=row.pk).state == state
            assert Case.objects.filter(kind="default").count() == count
