"""C-1 of the design and its variant with their own dates; what stops a default, and who records one."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import TestCase
from django.urls import reverse

from cases.accounts.models import BureauTold
from cases.credit.defaults import forms, gate, looking, standing
from cases.credit.defaults.models import Default
from cases.debt.moratorium.models import MoratoriumDebt
from cases.kernel import actors, calendars, holds, outbox, record, transitions
from cases.kernel.background import jobrun, jobs
from cases.kernel.exchange import batchformat, files
from cases.kernel.models import BatchFile, Case, Clock, Letter, OutboxMessage, Release, Task
from cases.kernel.timing import rulebook, sweeps
from cases.kernel.transitions import TransitionRefused
from cases.ledger.models import LedgerEvent
from cases.ledger.reads import Reader
from cases.reports import letters as written
from tests import associations, creditfiles, defaults, factories, moratoria
from tests.factories import AT
from tests.kernel.snapshots import nothing_written, undone
from tests.reports import reading
from tests.web import desk

NERYS = {
    "account": "8001234567",
    "product": "mobile",
    "balance_pence": "11400",
    "payment_pence": "3800",
    "payments_behind": "3",
    "oldest_unpaid_date": "2026-08-20",
    "holder_1_forename": "Nerys",
    "holder_1_surname": "Abernathy-Cole",
}


def day(month, number, hour=9):
    return datetime(2026, month, number, hour, tzinfo=UTC)


def letters(case):
    return sorted(Letter.objects.filter(case=case).values_list("template", flat=True))


def said(case):
    """Return what each agency was told last of a case, by its code: (old, new, default date, pence)."""
    found = {}
    for message in OutboxMessage.objects.filter(case=case, kind="cra_correct").order_by("pk"):
        body = factories.body_of(message)
        found[message.channel.agency.code[-1]] = (
            body["account"],
            body["old"],
            body["new"],
            body["default_date"],
            body["default_pence"],
            body["reason"],
        )
    return found


class Defaults(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        associations.enter()

    def served(self):
        """C-1 up to the notice: printed Tuesday 3 November, £114.00."""
        case = defaults.notice_sent(self.people, at=day(11, 3), **NERYS)
        row = defaults.facts(case)
        assert (row.notice_pence, row.served_date) == (11400, date(2026, 11, 5))
        assert Clock.objects.get(case=case, rule="k20_notice_of_default").due_date == date(2026, 12, 3)
        assert letters(case) == ["default_n4"]
        return case

    def test_c_1_a_dispute_in_time_stops_the_default_and_its_success_voids_the_notice(self):
        creditfiles.enter()
        case = self.served()
        steward = self.people[defaults.STEWARD]
        hold = holds.enter(case.pk, "dispute", actor=steward, at=day(12, 1), source="customer", reference="SVC-771")
        case = defaults.look(case, day(12, 3))
        assert (case.state, defaults.facts(case).skipped_for) == ("notice_sent", ["hold_dispute"])
        (skip,) = case_events(case, "default.skip")
        assert skip["detail"]["skipped_for"] == ["hold_dispute"]
        page = desk.client_of(defaults.STEWARD).get(reverse("web:case", args=[case.uid])).content.decode()
        read = " ".join(re.sub(r"<[^>]*>", " ", page.partition("Timeline")[2]).split())
        assert "Not due while a hold or a dispute stands 09:00" in read
        assert "No default is recorded because was nothing is now A hold stops it: dispute " in read
        for again in (4, 7, 9):
            case = defaults.look(case, day(12, again))
        assert len(case_events(case, "default.skip")) == 1
        transitions.apply(
            case.pk, "release_hold", actor=steward, at=day(12, 10), reason="Upheld.", inputs={"hold": hold.pk}
        )
        associations.agree(case, self.people[defaults.APPROVER], day(12, 10))
        case = defaults.tell_again(case, at=day(12, 10), balance_pence="7600", payments_behind="2")
        case = defaults.look(case, day(12, 10, 10))
        row = defaults.facts(case)
        assert (case.state, row.payments_behind, row.arrears_pence, row.notice_pence) == ("arrears", 2, 7600, None)
        assert letters(case) == ["default_n4", "default_n4_withdrawn"]
        assert not OutboxMessage.objects.filter(case=case, kind="cra_correct").exists()
        assert BureauTold.objects.count() == 0
        assert december(self.people) == ("8001234567", "2", "", "7600", "")
        assert set(BureauTold.objects.values_list("agency__code", "status", "balance_pence", "default_date")) == {
            (code, "2", 7600, None) for code in associations.BUREAUS
        }

    def test_c_1_variant_without_a_dispute_an_approver_records_the_default_of_3_december_for_six_years(self):
        case = self.served()
        assert defaults.look(case, day(12, 2)).state == "notice_sent"
        case = defaults.look(case, day(12, 3))
        assert (case.state, Task.objects.get(case=case, closed_at=None).kind) == ("due", "default_approve")
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="Another person"):
            defaults.step(case, "approve", self.both(), day(12, 3), default_date=date(2026, 12, 3))
        approver = self.people[defaults.APPROVER]
        case = defaults.step(case, "approve", approver, day(12, 3), default_date=date(2026, 12, 3))
        told = ("8001234567", "3", "8", "2026-12-03", 11400, "default")
        assert said(case) == {"a": told, "b": told, "c": told}
        assert Release.objects.filter(case=case, message_kind="cra_correct").count() == 3
        assert defaults.taken(case, letters_of="ab", at=day(12, 3)).state == "approved"
        case = defaults.taken(case, letters_of="c", at=day(12, 3))
        row = defaults.facts(case)
        assert (case.state, row.default_date, row.default_pence) == ("filed", date(2026, 12, 3), 11400)
        assert Clock.objects.get(case=case, rule="k21_default_on_file").due_date == date(2032, 12, 3)
        assert letters(case) == ["default_n4", "default_n5_filed"]
        assert set(BureauTold.objects.values_list("status", "balance_pence", "default_date")) == {
            ("8", 11400, date(2026, 12, 3))
        }
        sweeps.end_due_clocks(now=datetime(2032, 12, 4, 3, tzinfo=UTC))
        assert Case.objects.get(pk=case.pk).state == "expired"
        # K21: nothing of what was owed is told any more, in no other words either.
        off = ("8001234567", "8", "off_file", "", None, "expired")
        assert said(case) == {"a": off, "b": off, "c": off}
        assert defaults.facts(case).default_date is None

    def test_what_is_paid_or_of_a_victim_is_not_approved_whatever_the_day_of_the_last_look(self):
        case = defaults.look(self.served(), day(12, 3))
        approver = self.people[defaults.APPROVER]
        for changes, sentence in (
            ({"flags": "fraud_victim:2026-12-01"}, "victim of fraud"),
            ({"flags": "", "payments_behind": "0", "balance_pence": "0"}, "It is paid"),
            ({"payments_behind": "1", "balance_pence": "12000"}, "Fewer than three payments"),
        ):
            case = defaults.tell_again(case, at=day(12, 3), **changes)
            with nothing_written(counted=1), pytest.raises(TransitionRefused, match=sentence):
                defaults.step(case, "approve", approver, day(12, 3), default_date=date(2026, 12, 3))
        assert not OutboxMessage.objects.filter(case=case, kind="cra_correct").exists()

    def both(self):
        """The steward who issued the notice, who also holds the approver's role."""
        steward = self.people[defaults.STEWARD]
        return replace(steward, roles=frozenset({"credit_data_steward", "credit_data_approver"}))

    def test_the_day_opens_arrears_once_and_the_next_pay_them_off(self):
        account = defaults.told(payments_behind="1", balance_pence="3800")
        defaults.told(payments_behind="0", balance_pence="0", oldest_unpaid_date="")
        (job, again) = (jobs.start_daily(now=AT), jobs.start_daily(now=AT + timedelta(hours=9)))
        assert ([each.kind for each in job], again) == (
            ["keep_customer_checks", looking.LOOK, "open_credit_file", "fraud_moratoria"],
            [],
        )
        jobrun.work(clock=lambda: AT, seconds=60)
        case = Case.objects.get(kind="default")
        assert (case.state, case.default.account_id, case.parties.count()) == ("arrears", account.pk, 1)
        jobs.start_daily(now=AT + timedelta(days=1))
        jobrun.work(clock=lambda: AT + timedelta(days=1), seconds=60)
        assert Case.objects.filter(kind="default").count() == 1
        defaults.tell_again(case, balance_pence="0", payments_behind="0", oldest_unpaid_date="")
        jobs.start_daily(now=AT + timedelta(days=2))
        jobrun.work(clock=lambda: AT + timedelta(days=2), seconds=60)
        assert Case.objects.get(pk=case.pk).state == "cured"

    def pressed(self, case, template, at):
        """Have the newest letter of a template written; return its text as read back from the PDF, in one line."""
        letter = Letter.objects.filter(case=case, template=template).latest("pk")
        assert written.write(letter.pk, now=at)
        letter = Letter.objects.select_related("blob").get(pk=letter.pk)
        reader = Reader(actor="tests", verb="read", purpose="tests")
        return " ".join(reading.text_of(written.open_letter(letter, reader=reader, at=at)).split())

    def test_the_notice_and_the_letter_of_a_default_say_all_that_they_have_to(self):
        """N4: the amount, the date, how to avoid it, advice, how to dispute. N5: date, balance, six years."""
        case = defaults.notice_written(self.people, at=day(11, 3), **NERYS)
        said = self.pressed(case, "default_n4", day(11, 3))
        for words in (
            "Nerys Abernathy-Cole",
            "3 November 2026",
            "you owe us £114.00 on your mobile account. 3 monthly payments are behind; the first was due on 20 August",
            "28 days after you receive this letter",
            "2 working days after it was posted",
            "Pay £114.00 within the 28 days",
            "ask us for an arrangement",
            "While we look at it, no default is recorded.",
            "MoneyHelper",
            "StepChange",
            "National Debtline",
        ):
            assert words in said, (words, said)
        filed = defaults.filed(self.people)
        with self.settings(DEMO=True):  # which shows addresses that nobody entered
            said = self.pressed(filed, "default_n5_filed", defaults.OVER)
        for words in ("a default of £114.00 on your broadband account, dated 29 December 2026", "for 6 years"):
            assert words in said, (words, said)
        assert "statutory credit report free of charge" in said
        assert "https://www.example.org/credit-reference-agencies" in said.replace("- ", "-")

    def test_notice_and_time_on_file_are_as_long_as_this_office_decided(self):
        """K20, K21: served three working days after posting and not two, and five years on file and not six."""
        for code, changed in (("k20_notice_of_default", {"deemed_working_days": 3}), ("k21_default_on_file", {})):
            later = replace(rulebook.RULES[code], version=2, effective_from=date(2026, 1, 1), **changed)
            later = later if changed else replace(later, length=5)
            rulebook.add_version(later, actor=actors.system("tests"), at=AT)
        case = defaults.notice_sent(self.people)
        row = defaults.facts(case)
        posted, served = row.notice_posted_date, row.served_date
        assert calendars.of("eaw").add_working_days(posted, 3) == served
        filed = defaults.filed(self.people)
        over = filed.clocks.get(rule="k21_default_on_file").due_at
        assert over.date() == date(2031, 12, 29)
        assert sweeps.end_due_clocks(now=over + timedelta(hours=1))
        assert Case.objects.get(pk=filed.pk).state == "expired"

    def test_a_notice_is_entered_as_served_only_with_proof_that_it_was_posted(self):
        case = defaults.notice_written(self.people)
        steward = self.people[defaults.STEWARD]
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="has not said yet"):
            defaults.step(case, "issue", steward)
        case = defaults.posted(case)
        assert Task.objects.filter(case=case, kind="default_issue", closed_at=None).count() == 1
        assert defaults.step(case, "issue", steward).state == "notice_sent"
        assert not Task.objects.filter(case=case, closed_at=None).exists()

    def test_a_hold_takes_back_a_notice_that_is_not_written_yet_and_its_end_asks_anew(self):
        case = defaults.notice_written(self.people)
        steward = self.people[defaults.STEWARD]
        hold = holds.enter(case.pk, "breathing_space", actor=steward, at=AT, source="adviser")
        assert list(Letter.objects.filter(case=case).values_list("state", flat=True)) == ["withdrawn"]
        assert defaults.look(case, AT + timedelta(days=1)).state == "notice_ready"
        assert Letter.objects.filter(case=case).count() == 1
        later = AT + timedelta(days=2)
        transitions.apply(case.pk, "release_hold", actor=steward, at=later, reason="Over.", inputs={"hold": hold.pk})
        associations.agree(case, self.people[defaults.APPROVER], later)
        defaults.look(case, later)
        assert list(Letter.objects.filter(case=case).order_by("pk").values_list("state", flat=True)) == [
            "withdrawn",
            "due",
        ]

    def test_a_moratorium_stops_the_notice_of_an_account_that_it_protects(self):
        account = MoratoriumDebt.objects.get(case=moratoria.applied(self.people), standing="protected").account
        found = gate.judge(Default(account=account), by="tests", at=AT + timedelta(days=1))
        assert set(found) & gate.STOPS_FILING == {"hold_breathing_space"}

    def test_dates_of_a_default(self):
        """First missed 5 August: not before 5 November, of the day until 5 February 2027, then back within it."""
        case = defaults.due(self.people)
        approver = self.people[defaults.APPROVER]
        late = datetime(2027, 3, 1, 9, tzinfo=UTC)
        for at, wanted, sentence in (
            (defaults.OVER, defaults.OVER.date() + timedelta(days=1), "in the future"),
            (defaults.OVER, date(2026, 12, 1), "not dated before the notice is over"),
            (defaults.OVER, None, "Say the date"),
            (late, date(2027, 3, 1), "more than six months ago: date the default by 5 February 2027"),
            (late, date(2026, 11, 4), "not dated before 5 November 2026"),
        ):
            with nothing_written(counted=1), pytest.raises(TransitionRefused, match=sentence):
                defaults.step(case, "approve", approver, at, default_date=wanted)
        case = defaults.step(case, "approve", approver, late, default_date=date(2027, 2, 5))
        assert defaults.facts(case).default_date == date(2027, 2, 5)

    def test_a_default_is_corrected_by_two_people_and_its_date_never_moves_later(self):
        case = defaults.filed(self.people)
        steward = self.people[defaults.STEWARD]
        later = {**defaults.EARLIER, "default_date": date(2026, 12, 30)}
        for given, sentence in ((later, "never moves later"), ({**defaults.EARLIER, "evidence": "9"}, "document")):
            with nothing_written(counted=1), pytest.raises(TransitionRefused, match=sentence):
                defaults.step(case, "correct", steward, defaults.OVER, **given)
        defaults.step(case, "correct", steward, defaults.OVER, **defaults.EARLIER)
        assert defaults.facts(case).default_date == date(2026, 12, 29)
        associations.agree(case, self.people[defaults.APPROVER], defaults.OVER)
        row = defaults.facts(case)
        assert (row.default_date, row.default_pence) == (date(2026, 12, 28), 11000)
        assert {(new, on, reason) for _, _, new, on, _, reason in said(case).values()} == {
            ("8", "2026-12-28", "corrected")
        }
        assert Clock.objects.get(case=case, rule="k21_default_on_file").due_date == date(2032, 12, 28)

    def test_nothing_more_is_asked_for_of_a_default_that_was_paid_in_full(self):
        case, steward = defaults.satisfied(self.people), self.people[defaults.STEWARD]
        more = {**defaults.EARLIER, "default_pence": 14000}
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="its balance is not made higher"):
            defaults.step(case, "correct", steward, defaults.OVER, **more)

    def test_what_was_paid_beyond_a_default_that_is_corrected_is_given_back(self):
        case = defaults.satisfied(self.people)
        steward = self.people[defaults.STEWARD]
        defaults.step(case, "correct", steward, defaults.OVER, **{**defaults.EARLIER, "default_pence": 9000})
        associations.agree(case, self.people[defaults.APPROVER], defaults.OVER)
        row = defaults.facts(case)
        assert (row.default_pence, row.paid_pence, row.left_pence) == (9000, 9000, 0)
        assert Task.objects.get(case=case, kind="default_overpaid").detail == {"pence": 2400}

    def test_less_that_is_accepted_for_all_of_it_is_a_settlement_that_two_people_record_on_a_document(self):
        """Domain 4.3: the flag of a partial settlement. A part payment is none."""
        case, steward = defaults.filed(self.people), self.people[defaults.STEWARD]
        case = defaults.step(case, "part_satisfy", steward, defaults.OVER, amount_pence=5000)
        refused = (
            ({"amount_pence": 6400}, "record that it is paid in full"),
            ({"amount_pence": 0}, "Say how much was paid"),
            ({"satisfied_date": date(2026, 12, 1)}, "Say on which day it was paid"),
            ({"evidence": "9"}, "Name the document"),
        )
        for given, sentence in refused:
            with nothing_written(counted=1), pytest.raises(TransitionRefused, match=sentence):
                defaults.step(case, "settle", steward, defaults.OVER, **{**defaults.SETTLED, **given})
        defaults.step(case, "settle", steward, defaults.OVER, **defaults.SETTLED)
        assert Case.objects.get(pk=case.pk).state == "filed"
        case = associations.agree(case, self.people[defaults.APPROVER], defaults.OVER)
        row = defaults.facts(case)
        assert (case.state, case.amount_pence, row.paid_pence, row.left_pence) == ("satisfied", 0, 9000, 0)
        last = OutboxMessage.objects.filter(case=case, kind="cra_correct").order_by("-pk")[:3]
        names = ("new", "flags", "balance_pence", "default_pence", "satisfied_date", "reason")
        for message in last:
            told = factories.body_of(message)
            assert [told[name] for name in names] == [
                "8",
                ["partial_settlement"],
                0,
                11400,
                "2026-12-29",
                "settled",
            ]
        assert standing.on_file(row.account_id)["flags"] == ("partial_settlement",)
        text = self.pressed(case, "default_n5_settled", defaults.OVER)
        assert "Of the default of £114.00 you paid £90.00" in text and "We ask for nothing more" in text
        # Corrected to less than was paid, it stays a settlement; what is over is given back.
        less = {**defaults.EARLIER, "default_pence": 8000}
        defaults.step(case, "correct", steward, defaults.OVER, **less)
        case = associations.agree(case, self.people[defaults.APPROVER], defaults.OVER)
        assert (defaults.facts(case).paid_pence, defaults.facts(case).left_pence) == (8000, 0)
        assert Task.objects.get(case=case, kind="default_overpaid").detail == {"pence": 1000}

    def test_where_no_document_is_attached_the_form_says_to_attach_one_first(self):
        """It offered an empty list, required, and no word of where a document comes from."""
        first = "Attach the document first, on the tab Documents of this case; then it can be chosen here."
        case = defaults.arrears(self.people)
        for form in (forms.RemoveForm, forms.CorrectForm):
            field = form(case=case).fields["evidence"]
            assert (field.help_text, field.choices) == (first, [("", "None is attached")])
            assert form({}, case=case).errors["evidence"] == [first]
        associations.attach(case, self.people[defaults.STEWARD], kind="decision")
        field = forms.RemoveForm(case=case).fields["evidence"]
        assert (field.help_text, [value for value, _ in field.choices]) == ("", ["", "1"])

    def test_a_document_that_nobody_can_open_shows_nothing_of_a_default(self):
        """Whoever agrees reads it: before it is found clean it shows nothing."""
        case = defaults.filed(self.people)
        for state, sentence in (("pending", "waits for the virus scan"), ("infected", "virus")):
            with record.act(case, "tests.scanned", actor=actors.system("tests"), at=defaults.OVER):
                document = case.evidence.get(number=1)
                document.scan = state
                document.save(update_fields=["scan"])
            with nothing_written(counted=1), pytest.raises(TransitionRefused, match=sentence):
                defaults.step(case, "remove", self.people[defaults.STEWARD], defaults.OVER, evidence="1")

    def test_payments_are_told_and_a_paid_default_stays_on_file(self):
        case = defaults.filed(self.people)
        steward = self.people[defaults.STEWARD]
        case = defaults.step(case, "part_satisfy", steward, defaults.OVER, amount_pence=5000)
        message = OutboxMessage.objects.filter(case=case).latest("pk")
        told = factories.body_of(message)
        assert (told["flags"], told["balance_pence"]) == ([], 6400)  # a part payment settles nothing
        left = {**defaults.PAID, "amount_pence": 6000}
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match="£64.00 is left"):
            defaults.step(case, "satisfy", steward, defaults.OVER, **left)
        case = defaults.step(case, "satisfy", steward, defaults.OVER, **{**left, "amount_pence": 6400})
        told = factories.body_of(OutboxMessage.objects.filter(case=case).latest("pk"))
        assert (case.state, told["new"], told["flags"], told["balance_pence"]) == (
            "satisfied",
            "8",
            ["default_satisfied"],
            0,
        )

    def test_a_default_is_taken_off_also_where_an_agency_may_be_sent_nothing(self):
        case = defaults.filed(self.people)
        late = datetime(2034, 1, 3, 9, tzinfo=UTC)  # past the review of the agreements with the agencies
        case = defaults.step(case, "expire", actors.system("tests"), late)
        assert (case.state, defaults.facts(case).default_date) == ("expired", None)
        by_hand = Task.objects.filter(case=case, kind="correction_by_hand", closed_at=None)
        assert sorted(by_hand.values_list("detail__agency", flat=True)) == [f"sandbox-bureau-{each}" for each in "abc"]

    def test_what_is_held_before_the_agencies_took_it_is_taken_back_from_those_that_have_it(self):
        case = defaults.taken(defaults.approved(self.people), letters_of="a")
        steward = self.people[defaults.STEWARD]
        holds.enter(case.pk, "complaint", actor=steward, at=defaults.OVER, source="customer")
        states = OutboxMessage.objects.filter(case=case, kind="cra_correct").order_by("channel__agency__code")
        assert list(states.values_list("state", flat=True)) == ["delivered", "withdrawn", "withdrawn"]
        case = defaults.look(case, defaults.OVER)
        assert (case.state, defaults.facts(case).default_date) == ("arrears", None)
        last = OutboxMessage.objects.filter(case=case, kind="cra_correct").order_by("pk")[3:]
        assert [(row.channel.agency.code, factories.body_of(row)["new"]) for row in last] == [("sandbox-bureau-a", "U")]


def december(people):
    """Send the file of December 2026 and let it arrive; return what every agency reads of the one account in it."""
    at, reader = day(12, 15), Reader(actor="tests", verb="read", purpose="tests")
    file = creditfiles.opened(at=at)
    creditfiles.step(file, "extract", people[creditfiles.STEWARD], at, effective_date=at.date())
    jobrun.work(clock=lambda: at, seconds=60)
    creditfiles.step(file, "sign", people[creditfiles.STEWARD], at)
    creditfiles.step(file, "approve", people[creditfiles.APPROVER], at, rows=1, total_pence=7600)
    jobrun.work(clock=lambda: at, seconds=60)
    creditfiles.arrive(file, at=at)
    jobrun.work(clock=lambda: at, seconds=60)
    found = set()
    for sent in BatchFile.objects.filter(kind="cra_file"):
        lines = outbox.open_body(sent.message, reader=reader, at=at)
        body = batchformat.read(b"".join(files.open_parts(sent, lines, reader=reader, at=at))).body.decode()
        (row,) = csv.DictReader(io.StringIO(body))
        found.add(tuple(row[name] for name in ("account", "status", "flags", "amount_pence", "default_date")))
    (told,) = found
    return told


def case_events(case, verb):
    rows = LedgerEvent.objects.filter(stream=case.uid, action=verb).order_by("seq")
    return [json.loads(row.body) for row in rows]


# What stops a default at every step: holds of the design that block one, and what billing says of a dispute.
HOLDS = (
    *("dispute", "complaint", "breathing_space", "mental_health_crisis", "scottish_moratorium", "insolvency"),
    *("deceased", "fraud_victim"),
)
FLAGS = ("dispute", "complaint", "adr")
EARLIER = ("arrears", "notice_ready", "notice_sent", "approved")


class NoDefaultWhileHeldOrDisputed(TestCase):
    """Each hold and each dispute, begun at each state on the way: whatever is tried then, no default comes of it."""

    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        associations.enter()
        cls.cases = {state: getattr(defaults, state)(cls.people) for state in (*EARLIER, "due")}

    def test_from_every_state_and_by_every_stop(self):
        stops = [*(("hold", kind) for kind in HOLDS), *(("flag", code) for code in FLAGS)]
        # Every stop when a default is due; on each other state some, so that each is tried twice.
        tried = [("due", stop) for stop in stops]
        tried += [(state, stop) for place, state in enumerate(EARLIER) for stop in stops[place :: len(EARLIER)]]
        for state, (how, code) in tried:
            with undone():
                case = Case.objects.get(pk=self.cases[state].pk)
                at = defaults.OVER
                if how == "hold":
                    holds.enter(case.pk, code, actor=self.people[defaults.STEWARD], at=at, source="customer")
                else:
                    defaults.tell_again(case, at=at, flags=f"{code}:2026-12-01")
                self.press(case, at)
                told = OutboxMessage.objects.filter(case=case, kind="cra_correct")
                left = told.exclude(state="withdrawn")
                assert Case.objects.get(pk=case.pk).state not in {"approved", "filed"}, (state, code)
                assert Default.objects.get(pk=case.pk).default_date is None, (state, code)
                assert {factories.body_of(each)["new"] for each in left} <= {"3"}, (state, code)

    def press(self, case, at):
        """Try everything that leads on, as often as it may."""
        for _ in range(2):
            looking.look(case.pk, at=at)
            for name, actor, inputs in (
                ("flag", actors.system("tests"), {}),
                ("issue", self.people[defaults.STEWARD], {}),
                ("notice_over", actors.system("tests"), {}),
                ("approve", self.people[defaults.APPROVER], defaults.DATED),
                ("file", actors.system("tests"), {}),
            ):
                try:
                    transitions.apply(case.pk, name, actor=actor, at=at, reason="Tried.", inputs=inputs)
                except TransitionRefused:
                    continue


def test_every_stop_of_the_design_is_a_rule_of_the_gate():
    assert {f"hold_{kind}" for kind in HOLDS} | set(FLAGS) | {"policy_hold", "hold_other"} == gate.STOPS_FILING
