"""A moratorium: the notice is matched, its debts are left alone, agency and adviser are told, charges taken back."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from cases.agencies import application
from cases.agencies.inbound import receive
from cases.agencies.provision import new_inbound_key
from cases.agencies.senders import Sender
from cases.debt.models import Placement
from cases.debt.moratorium import effects, fees, opening, report, searching
from cases.debt.moratorium.intake import EXAMPLE
from cases.debt.moratorium.models import FeeReversal, Moratorium
from cases.kernel import accountholds, actors, calendars, edits, outbox, transitions, verdicts
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies, files
from cases.kernel.intake import FieldErrors
from cases.kernel.models import Agency, BatchFile, Callback, Case, Clock, Hold, Letter, OutboxMessage, Task
from cases.kernel.timing import sweeps
from cases.ledger import sealing
from cases.ledger.reads import Reader
from cases.reports import letters
from tests import moratoria, placements
from tests.accounts import portfolio
from tests.api.caller import call, callback
from tests.debt.test_placement import told
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.reports import reading

pytestmark = pytest.mark.django_db
READER = Reader(actor="tests", verb="read", purpose="tests")
MATCHED = AT + timedelta(minutes=2)


def answers():
    """Return what the register was told, message by message."""
    rows = OutboxMessage.objects.filter(kind="moratorium_answer").order_by("pk")
    return [json.loads(outbox.open_body(row, reader=READER, at=AT))["data"] for row in rows]


def state(case):
    return Case.objects.get(pk=case.pk).state


def placed(people, row, at=AT):
    """The account of a row at a recovery agency."""
    placements.enter()
    batch = placements.build([row["account"]], agency_code=placements.CODE, actor=people[placements.ANALYST], at=at)[0]
    file = placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=at)
    placements.batches.sent(file, "delivered", at)
    return placements.said(placements.case_of(batch), "placement.answered", at=at)


def billed(people, row, day, *, fees_pence, balance_pence, **more):
    """Let billing tell of an account on a later day."""
    at = datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=UTC) + timedelta(hours=20)
    told_now = {**row, "as_of": day, "fees_pence": str(fees_pence), "balance_pence": str(balance_pence), **more}
    placements.accounts(people, told_now, at=at)


def test_a_certain_notice_is_applied_within_minutes_and_everybody_is_told(people):
    row = moratoria.account(people, product="mobile", balance_pence="31246")
    other = moratoria.account(people)
    second = portfolio.row(
        5,
        **{name: row[name] for name in row if name.startswith("holder_1") and name != "holder_1_email"},
        account="8002223342",
        product="broadband",
        jurisdiction="eaw",
        balance_pence="4120",
    )
    placements.accounts(people, second)
    placement = placed(people, row)
    case = moratoria.opened(row, person=moratoria.debtor(row))
    sweeps.end_due_clocks(now=MATCHED)

    case = Case.objects.get(pk=case.pk)
    assert (case.state, told("dca_hold")) == ("applied", [{"reference": placement.reference}])
    debts = [(debt.origin, debt.standing, debt.score) for debt in searching.debts_of(case)]
    assert debts == [("notice", "protected", 150), ("search", "told", 100)]
    hold = Hold.objects.get(case=placement)
    assert (hold.kind, calendars.london_date(hold.began_at), hold.party) == ("breathing_space", moratoria.START, None)
    (answer,) = answers()
    assert {name: answer[name] for name in ("outcome", "debts", "further")} == {
        "outcome": "found",
        "debts": [{"account": row["account"], "amount_pence": 31246}],
        "further": [{"account": "8002223342", "amount_pence": 4120}],
    }
    assert Letter.objects.filter(case=case, template="moratorium_n9").count() == 1
    clocks = dict(Clock.objects.filter(case=case).values_list("rule", "state"))
    assert clocks["moratorium_answer"] == "met"
    assert clocks["k17_hold_message"] == clocks["k17_tell_collectors"] == "running"

    with_factory = BatchFile.objects.get(kind="dca_hold")
    OutboxMessage.objects.filter(pk=with_factory.message_id).update(state="delivered", delivered_at=MATCHED)
    files.tell(BatchFile.objects.get(kind="dca_hold"), "delivered", at=MATCHED)
    clocks = dict(Clock.objects.filter(case=case).values_list("rule", "state"))
    assert clocks["k17_hold_message"] == clocks["k17_tell_collectors"] == "met"
    assert "running" in clocks.values()
    with nothing_written():
        effects.told(placement, at=MATCHED)  # a later stop is nothing that it waits for

    held = accountholds.entered([row["account"], second["account"]], "cra_default", at=MATCHED)
    assert held == {row["account"]: {"breathing_space"}, second["account"]: set()}

    # The account cannot be placed again meanwhile, and somebody else's is none of it.
    _, (again,) = placements.build(
        [second["account"]], agency_code=placements.CODE, actor=people[placements.ANALYST], at=AT
    )
    assert Placement.objects.get(pk=again.pk).stopped_by == []
    assert not searching.debts_of(case).filter(account=placements.account_of(other["account"])).exists()


def test_a_late_notice_counts_from_its_start_and_charges_since_are_taken_back(people):
    row = moratoria.account(people, as_of="2026-11-03")
    billed(people, row, "2026-11-04", fees_pence=500, balance_pence=10_500)
    billed(people, row, "2026-11-09", fees_pence=1700, balance_pence=11_700)
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row), start_date=date(2026, 11, 5)))
    assert case.state == "applied"
    assert list(FeeReversal.objects.values_list("posted_date", "amount_pence")) == [(date(2026, 11, 9), 1200)]
    debt = searching.debts_of(case).get()
    assert fees.owed([debt.account]) == {debt.account_id: 10_500}

    # A later charge is taken back as billing tells of it; what billing has taken back counts no more.
    billed(people, row, "2026-11-15", fees_pence=2000, balance_pence=12_000)
    billed(people, row, "2026-11-16", fees_pence=500, balance_pence=10_500)
    rows = FeeReversal.objects.order_by("posted_date").values_list("amount_pence", "confirmed_date")
    assert list(rows) == [(1200, date(2026, 11, 16)), (300, date(2026, 11, 16))]
    account = searching.debts_of(case).get().account
    assert fees.owed([account]) == {account.pk: 10_500}
    moves = case.clocks.model.objects.filter(case=case, rule="moratorium_answer").count()
    assert (state(case), moves) == ("applied", 1)


def test_the_day_of_a_charge_is_the_one_that_billing_tells_and_is_shown(people):
    row = moratoria.account(people, as_of="2026-11-03")
    # A charge of the eve, and one of the second protected day, each told of on a later day.
    billed(people, row, "2026-11-06", fees_pence=500, balance_pence=10_500, fees_date="2026-11-04")
    billed(people, row, "2026-11-09", fees_pence=1700, balance_pence=11_700, fees_date="2026-11-06")
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row), start_date=date(2026, 11, 5)))
    billed(people, row, "2026-11-15", fees_pence=2000, balance_pence=12_000, fees_date="2026-11-13")
    billed(people, row, "2026-11-16", fees_pence=2100, balance_pence=12_100)
    found = FeeReversal.objects.order_by("posted_date").values_list("posted_date", "amount_pence", "is_day_told")
    assert list(found) == [
        (date(2026, 11, 6), 1200, True),
        (date(2026, 11, 13), 300, True),
        (date(2026, 11, 16), 100, False),
    ]
    (_, table) = report.tables(Case.objects.get(pk=case.pk))
    assert [each[1:4] for each in table.rows] == [
        ("6 November 2026", "Billing tells it", "£12.00"),
        ("13 November 2026", "Billing tells it", "£3.00"),
        ("16 November 2026", "The balance of that day first showed it", "£1.00"),
    ]


def test_a_charge_in_the_first_row_of_an_account_is_taken_back_where_billing_tells_its_day(people):
    row = moratoria.account(people)
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row)))
    late = {**row, "account": LATE, "as_of": "2026-11-17", "fees_pence": "1200", "fees_date": "2026-11-16"}
    other = {**row, "account": "8755500002", "as_of": "2026-11-17", "fees_pence": "1200", "fees_date": ""}
    placements.accounts(people, late, other, at=AT + timedelta(days=4))
    for each in (late, other):
        moratoria.said(
            case,
            "moratorium.debt_added",
            account_reference=each["account"],
            effective_date="2026-11-16",
            at=AT + timedelta(days=4),
        )
    found = FeeReversal.objects.values_list("debt__account", "posted_date", "amount_pence", "is_day_told")
    assert list(found) == [(placements.account_of(LATE).pk, date(2026, 11, 16), 1200, True)]


def test_what_fell_before_a_charge_was_asked_for_is_no_answer_and_a_cancelled_case_still_gets_its_own(people):
    row = moratoria.account(people, as_of="2026-11-03", fees_pence="2500", balance_pence="12500")
    billed(people, row, "2026-11-06", fees_pence=500, balance_pence=10_500)
    billed(people, row, "2026-11-09", fees_pence=1700, balance_pence=11_700)
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row), start_date=date(2026, 11, 5)))
    (reversal,) = FeeReversal.objects.all()
    billed(people, row, "2026-11-17", fees_pence=1700, balance_pence=11_700)
    reversal.refresh_from_db()
    assert (reversal.amount_pence, reversal.confirmed_date) == (1200, None)

    moratoria.said(case, "moratorium.cancelled")
    assert state(case) == "cancelled"
    billed(people, row, "2026-11-19", fees_pence=500, balance_pence=10_500)
    reversal.refresh_from_db()
    assert reversal.confirmed_date == date(2026, 11, 19)
    billed(people, row, "2026-11-20", fees_pence=900, balance_pence=10_900)
    assert FeeReversal.objects.count() == 1


def test_an_uncertain_notice_waits_for_a_person_who_names_the_accounts(people):
    row = moratoria.account(people)
    person = moratoria.debtor(row, addresses=[])  # the address is withheld, and no account is named
    case = moratoria.matched(moratoria.opened(person=person, is_address_withheld=True))
    (debt,) = searching.debts_of(case)
    assert (case.state, debt.standing, debt.score) == ("received", "candidate", 80)
    assert Task.objects.filter(case=case, kind="moratorium_unclear", closed_at=None).count() == 1

    analyst, system = people[moratoria.ANALYST], actors.system("moratoria")
    with nothing_written(counted=4):
        for actor, inputs in (
            (system, {}),
            (system, {"debts": ["1"]}),
            (analyst, {}),
            (analyst, {"debts": ["1", "2"]}),
        ):
            with pytest.raises(CaseError):
                transitions.apply(case.pk, "apply", actor=actor, at=AT, inputs=inputs)
    transitions.apply(case.pk, "apply", actor=analyst, at=AT, inputs={"debts": ["1"]})
    assert (state(case), searching.debts_of(case).get().standing) == ("applied", "protected")
    assert not Task.objects.filter(case=case, kind="moratorium_unclear", closed_at=None).exists()


def test_nobody_found_is_answered_by_a_person(people):
    row = moratoria.account(people)
    stranger = moratoria.debtor({**row, "holder_1_surname": "Quillfeather", "holder_1_date_of_birth": "1950-01-01"})
    case = moratoria.matched(moratoria.opened(person=stranger))
    assert (case.state, searching.debts_of(case).count()) == ("received", 0)
    transitions.apply(case.pk, "not_found", actor=people[moratoria.ANALYST], at=AT)
    (answer,) = answers()
    assert (answer["outcome"], answer.get("debts"), answer.get("further")) == ("not_found", [], [])


def test_a_crisis_moratorium_ends_only_when_we_are_notified(people):
    row = moratoria.account(people)
    placement = placed(people, row)
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row), regime="mental_health_crisis"))
    assert (case.state, Hold.objects.get(case=placement).ends_at) == ("applied", None)
    much_later = AT + timedelta(days=300)
    sweeps.end_due_clocks(now=much_later)
    with nothing_written(counted=1), pytest.raises(CaseError, match="ends only when we are notified"):
        transitions.apply(case.pk, "end", actor=actors.system("moratoria"), at=much_later)

    moratoria.said(case, "moratorium.ended", at=much_later, ends_date=calendars.london_date(much_later).isoformat())
    assert (state(case), told("dca_release")) == ("ended", [])
    sweeps.end_due_clocks(now=much_later + timedelta(days=1))
    assert told("dca_release") == [{"reference": placement.reference}]


@pytest.mark.parametrize("regime", ["breathing_space", "mental_health_crisis"])
def test_an_end_that_is_told_for_a_day_far_away_is_for_people_and_the_debt_stays_held(people, regime):
    row = moratoria.account(people)
    placement = placed(people, row)
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row), regime=regime))
    with nothing_written(counted=1), pytest.raises(CaseError, match="ask the register"):
        moratoria.said(case, "moratorium.ended", ends_date="2062-01-23")
    assert state(case) == "applied"
    moratoria.said(case, "moratorium.ended", ends_date="2026-12-01")
    assert calendars.london_date(Hold.objects.get(case=placement).ends_at - timedelta(seconds=1)) == date(2026, 12, 1)


def test_a_debt_that_is_added_from_a_day_far_away_is_for_people(people):
    case = moratoria.owing_more(people)
    with nothing_written(counted=1), pytest.raises(CaseError, match="Compare the year"):
        moratoria.said(case, "moratorium.debt_added", **moratoria.ADDED | {"effective_date": "2062-11-16"})


def test_a_scottish_moratorium_lasts_six_months_and_knows_no_review(people):
    row = moratoria.account(people)
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row), regime="scottish_moratorium"))
    assert Moratorium.objects.get(pk=case.pk).last_date == date(2027, 5, 14)
    with nothing_written(counted=1), pytest.raises(CaseError, match="^The days in which a review can be asked"):
        transitions.apply(case.pk, "request_review", actor=people[moratoria.MANAGER], at=AT, inputs=moratoria.REVIEW)


def test_of_a_joint_debt_the_other_holder_is_in_no_moratorium(people):
    joint = {"holder_2_forename": "Second", "holder_2_surname": "Holder", "holder_2_date_of_birth": "1970-01-01"}
    row = moratoria.account(people, **joint)
    placement = placed(people, row)
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row)))
    hold = Hold.objects.get(case=placement)
    assert (hold.party.number, hold.party.case_id) == (1, placement.pk)
    billed(people, row, "2026-11-15", fees_pence=1200, balance_pence=20_000)
    assert not FeeReversal.objects.exists()
    assert Task.objects.filter(case=case, kind="moratorium_joint", closed_at=None).count() == 1


def test_a_charge_of_a_joint_debt_is_owed_only_once_somebody_has_decided_who_owes_it(people):
    second = {"forename": "Second", "surname": "Holder", "date_of_birth": "1970-01-01"}
    row = moratoria.account(people, balance_pence="31246", **{f"holder_2_{name}": of for name, of in second.items()})
    placed(people, row)
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row)))
    account = searching.debts_of(case).get().account

    def owed():
        account.refresh_from_db()
        return fees.owed([account])[account.pk]

    billed(people, row, "2026-11-16", fees_pence=1200, balance_pence=32_446)
    assert (owed(), told("dca_update")) == (31_246, [])
    billed(people, row, "2026-11-17", fees_pence=0, balance_pence=31_246)  # billing has taken it back
    assert owed() == 31_246
    billed(people, row, "2026-11-18", fees_pence=900, balance_pence=32_146)
    assert owed() == 31_246
    for task in case.tasks.filter(kind="moratorium_joint", closed_at=None):
        edits.close_task(
            case.pk, task.pk, actor=people[moratoria.ANALYST], at=AT + timedelta(days=5), reason="The other owes it."
        )
    assert owed() == 32_146
    billed(people, row, "2026-11-20", fees_pence=1400, balance_pence=32_646)
    assert (owed(), [each["amount_pence"] for each in told("dca_update")]) == (32_146, ["32146"])
    billed(people, row, "2026-11-23", fees_pence=1400, balance_pence=32_000)
    assert owed() == 31_500


def test_a_review_needs_counsel_a_ground_and_its_20_days(people):
    case = moratoria.applied(people)
    manager = people[moratoria.MANAGER]
    late = datetime(2026, 12, 4, 9, 0, tzinfo=UTC)
    with nothing_written(counted=2):
        for at, inputs in ((AT, {"ground": "dislike", "particulars": "x"}), (late, moratoria.REVIEW)):
            with pytest.raises(CaseError):
                transitions.apply(case.pk, "request_review", actor=manager, at=at, inputs=inputs)
    transitions.apply(case.pk, "request_review", actor=manager, at=AT, inputs=moratoria.REVIEW)
    assert state(case) == "applied"
    verdicts.decide(case.approvals.get(closed_at=None).uid, "agreed", actor=people[moratoria.COUNSEL], at=AT)
    assert state(case) == "review_requested"
    assert Clock.objects.get(case=case, rule="k15_review_decided").due_date == date(2026, 12, 18)
    letter = Letter.objects.get(case=case, template="moratorium_review")
    assert not Task.objects.filter(case=case, kind="moratorium_send_particulars").exists()
    assert letters.write(letter.pk, now=AT)
    letter = Letter.objects.select_related("blob").get(pk=letter.pk)
    text = " ".join(reading.text_of(letters.open_letter(letter, reader=READER, at=AT)).split())
    assert f"What it rests on {moratoria.REVIEW['particulars']}" in text
    moratoria.said(case, "moratorium.review_decided", outcome="granted")
    assert (state(case), Hold.objects.get(case=case).released_at) == ("cancelled", None)


def test_a_debt_that_is_added_is_protected_from_its_day_and_may_be_reviewed_anew(people):
    case = moratoria.owing_more(people)
    before = Clock.objects.filter(case=case, rule="k14_ask_review").count()
    placed_now = placements.account_of(moratoria.ADDED["account_reference"])
    moratoria.said(case, "moratorium.debt_added", **moratoria.ADDED)
    debt = searching.debts_of(case).get(account=placed_now)
    assert (debt.origin, debt.standing, debt.effective_date) == ("added", "protected", date(2026, 11, 16))
    assert Clock.objects.filter(case=case, rule="k14_ask_review").count() == before + 1
    with nothing_written(counted=1), pytest.raises(CaseError, match="protected already"):
        moratoria.said(case, "moratorium.debt_added", **moratoria.ADDED)


def added_by_word(case):
    """Let the register say of a case, by its own reference, that a debt is added; return what became of the word."""
    agency = Agency.objects.get(code=moratoria.enter().agency_code)
    sender = Sender(
        agency=agency, channel=agency.channels.get(direction="in"), message_id=f"added-{case.pk}", key_name="tests"
    )
    facts = Moratorium.objects.get(pk=case.pk)
    (values,) = sealing.open_rows([facts], ["register_reference"], reader=READER, at=AT)
    body = callback(
        type="moratorium.debt_added",
        agency_reference=values["register_reference"],
        reference=...,
        data=moratoria.added_to(case.pk),
    )
    receive(sender, json.dumps(body).encode(), ip_token="", now=AT)
    application.apply_pending(now=AT)
    return Callback.objects.latest("pk")


def test_a_debt_that_is_added_while_a_review_is_asked_for_is_protected_and_the_review_goes_on(people):
    case = moratoria.owing_more_in_review(people)
    assert (added_by_word(case).state, state(case)) == ("applied", "review_requested")
    debt = searching.debts_of(case).get(origin="added")
    assert (debt.standing, debt.effective_date) == ("protected", date(2026, 11, 16))
    moratoria.said(case, "moratorium.review_decided", outcome="refused")
    assert state(case) == "applied"


def test_a_debt_that_is_added_too_early_is_for_people_and_after_the_end_for_nobody(people):
    early, over = moratoria.received(people), moratoria.ended(people)
    said = added_by_word(early)
    assert (said.state, said.case_id) == ("failed", early.pk)
    assert early.tasks.filter(kind="callback_not_applied", closed_at=None).exists()
    said = added_by_word(over)
    assert (said.state, over.tasks.filter(kind="callback_not_applied").exists()) == ("ignored", False)


LATE = "8755500001"
NEXT_DAY = AT + timedelta(hours=20)


def naming_one_unknown(people):
    """A notice that is applied to one account and names another of which billing has not told; the first's row."""
    row = moratoria.account(people)
    case = moratoria.matched(moratoria.opened(row, {**row, "account": LATE}, person=moratoria.debtor(row)))
    assert case.state == "applied"
    assert list(case.tasks.filter(closed_at=None).values_list("kind", flat=True)) == ["moratorium_unknown"]
    return case, row


def test_an_account_that_the_notice_names_is_protected_once_billing_tells_of_it(people):
    case, row = naming_one_unknown(people)
    moratoria.account(people)  # somebody else's, which nobody waits for
    assert not case.clocks.filter(rule="moratorium_match", ended_at=None).exists()
    placements.accounts(people, {**row, "account": LATE}, at=NEXT_DAY)
    placement = placed(people, {**row, "account": LATE}, at=NEXT_DAY)
    sweeps.end_due_clocks(now=NEXT_DAY + timedelta(minutes=2))

    debt = searching.debts_of(case).get(number=2)
    assert (debt.standing, debt.effective_date, debt.hold.case_id) == ("protected", moratoria.START, placement.pk)
    assert told("dca_hold") == [{"reference": placement.reference}]
    assert [each["account"] for each in answers()[-1]["debts"]] == [row["account"], LATE]
    assert accountholds.entered([LATE], "cra_default", at=NEXT_DAY) == {LATE: {"breathing_space"}}
    assert not case.tasks.filter(closed_at=None).exclude(kind="moratorium_by_hand").exists()


def test_an_account_that_the_notice_names_and_somebody_else_holds_is_for_a_person(people):
    case, _ = naming_one_unknown(people)
    stranger = portfolio.row(2, account=LATE, jurisdiction="eaw")
    placements.accounts(people, stranger, at=NEXT_DAY)
    sweeps.end_due_clocks(now=NEXT_DAY + timedelta(minutes=2))
    assert searching.debts_of(case).get(number=2).standing == "candidate"
    assert case.tasks.get(kind="moratorium_others", closed_at=None).detail == {"debts": [2]}


def test_a_notice_that_waits_for_a_person_is_looked_at_anew_when_its_account_is_known(people):
    row = portfolio.row(2, account=LATE, jurisdiction="eaw")
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row)))
    assert case.state == "received"
    placements.accounts(people, row, at=NEXT_DAY)
    sweeps.end_due_clocks(now=NEXT_DAY + timedelta(minutes=2))
    assert (state(case), searching.debts_of(case).get(account__isnull=False).standing) == ("applied", "protected")
    assert not case.tasks.filter(kind="moratorium_unclear", closed_at=None).exists()


@pytest.mark.parametrize(("days", "asked"), [(1, 1), (200, 0)])
def test_where_nobody_was_found_a_person_is_asked_once_billing_tells_of_the_account(people, days, asked):
    row = portfolio.row(2, account=LATE, jurisdiction="eaw")
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row)))
    transitions.apply(case.pk, "not_found", actor=people[moratoria.ANALYST], at=AT)
    placements.accounts(people, row, at=AT + timedelta(days=days))
    assert case.tasks.filter(kind="moratorium_open_again", closed_at=None).count() == asked
    if asked:
        case = placements.reopened(case, people)
        sweeps.end_due_clocks(now=AT + timedelta(days=2))
        assert (state(case), searching.debts_of(case).get(account__isnull=False).standing) == ("applied", "protected")
        assert not case.tasks.filter(kind="moratorium_open_again", closed_at=None).exists()


def test_a_debt_of_somebody_else_is_not_added(people):
    case = moratoria.applied(people)
    stranger = moratoria.account(people)
    with nothing_written(counted=1), pytest.raises(CaseError, match="Nobody who holds this account is the debtor"):
        moratoria.said(
            case, "moratorium.debt_added", account_reference=stranger["account"], effective_date="2026-11-16"
        )


def corrected(people, case, **facts):
    with edits.change(case.pk, actor=people[moratoria.ANALYST], at=AT) as edit:
        edit.facts(**facts)


def test_what_was_typed_wrong_is_put_right_and_the_debtor_looked_for_anew(people):
    row = moratoria.account(people)
    wrong = moratoria.debtor({**row, "holder_1_date_of_birth": "1950-01-01"}, addresses=[])
    case = moratoria.matched(moratoria.opened(person=wrong))
    assert (case.state, searching.debts_of(case).count()) == ("received", 0)
    with edits.change(case.pk, actor=people[moratoria.ANALYST], at=AT) as edit:
        edit.party(1, date_of_birth=row["holder_1_date_of_birth"])
        edit.facts(register_reference="BSS-2026-7777777")
    sweeps.end_due_clocks(now=MATCHED)
    assert [debt.score for debt in searching.debts_of(case)] == [80]
    assert list(opening.named_by(moratoria.enter().agency_id, "bss 2026 7777777", at=AT)) == [case.pk]
    assert Task.objects.filter(case=case, kind="moratorium_unclear", closed_at=None).count() == 1


def test_a_notice_about_a_sold_debt_goes_on_to_the_buyer(people):
    case = moratoria.forwarded(people)
    (row,) = told("moratorium_forward")
    assert (sorted(row), row["start_date"]) == (["account", "register_reference", "start_date"], "2026-11-14")
    (answer,) = answers()
    assert (answer["outcome"], state(case)) == ("sold", "forwarded")


def test_a_hold_stands_even_where_the_agency_cannot_be_told(people):
    row = moratoria.account(people)
    placement = placed(people, row)
    channel = Agency.objects.get(code=placements.CODE).channels.get(direction="out")
    agencies.change_channel(channel, "agency.channel_off", actor=actors.system("tests"), at=AT, state="disabled")
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row)))
    assert (case.state, told("dca_hold")) == ("applied", [])
    assert Hold.objects.filter(case=placement, released_at=None).count() == 1
    assert Task.objects.filter(case=placement, kind="placement_tell_by_hand", closed_at=None).count() == 1


MORATORIA = "/api/v1/intake/moratoria/"


def test_the_register_opens_a_case_keeps_its_words_and_means_it_by_its_own_reference(people):
    service = moratoria.enter()
    secret = new_inbound_key(moratoria.CODE, actor=actors.system("tests"), at=AT)
    sender = {"webhook-sender": moratoria.CODE}
    answer = call(secret, EXAMPLE, message_id="notice-1", path=MORATORIA, **sender)
    assert (answer.status_code, answer.json()["state"]) == (201, "received")
    facts = Moratorium.objects.get()
    (values,) = sealing.open_rows([facts], ["notice", "register_reference"], reader=READER, at=AT)
    assert values == {"notice": json.dumps(EXAMPLE), "register_reference": "BSS-2026-0093157"}

    again = call(secret, EXAMPLE, message_id="notice-2", path=MORATORIA, **sender)
    assert (again.status_code, again.json()["errors"][0]["pointer"]) == (422, "/register_reference")
    nobody = {name: value for name, value in EXAMPLE.items() if name != "debtor"}
    assert call(secret, nobody, message_id="notice-3", path=MORATORIA, **sender).status_code == 422
    other = call(
        new_inbound_key("sandbox-fraud-register", actor=actors.system("tests"), at=AT),
        EXAMPLE,
        message_id="notice-4",
        path=MORATORIA,
        **{"webhook-sender": "sandbox-fraud-register"},
    )
    assert (other.status_code, Case.objects.filter(kind="moratorium").count()) == (403, 1)

    body = callback(type="moratorium.cancelled", agency_reference="BSS-2026-0093157", reference=...)
    agency = Agency.objects.get(code=service.agency_code)
    channel = agency.channels.get(direction="in")
    said = Sender(agency=agency, channel=channel, message_id="word-1", key_name="tests")
    receive(said, json.dumps(body).encode(), ip_token="", now=AT)
    application.apply_pending(now=AT)
    assert (Callback.objects.get().state, state(facts.case)) == ("applied", "cancelled")


def test_a_notice_that_names_an_account_with_blanks_or_a_line_break_is_taken(people):
    moratoria.enter()
    secret = new_inbound_key(moratoria.CODE, actor=actors.system("tests"), at=AT)
    spellings = ("8002223334 ", " 8002223334", "8002223334\n", "8002\n223334", "80 0222-3334", "8002\u2028223334")
    for place, spelled in enumerate((*spellings, "---")):
        twice = [{"account_reference": spelled, "amount_pence": 7}, {"account_reference": f"{spelled}\t"}, {}]
        notice = {**EXAMPLE, "register_reference": f"BSS-9{place}", "debts": twice}
        answer = call(secret, notice, message_id=f"n{place}", path=MORATORIA, **{"webhook-sender": moratoria.CODE})
        assert answer.status_code == 201, (spelled, answer.content)
        named = searching.debts_of(Case.objects.latest("pk"))
        assert list(named.values_list("claimed_pence", flat=True)) == ([] if spelled == "---" else [7])


def test_another_debt_that_is_probably_the_debtors_waits_for_a_person_and_is_not_said_to_be_none(people):
    """Rulings: from 60 to 89 points a person decides. Forename 15, last name 25 and postcode 20 make 60."""
    row = moratoria.account(people)
    placements.accounts(people, {**row, "account": "8600998877", "holder_1_date_of_birth": ""})
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row)))
    assert [(debt.standing, debt.score) for debt in searching.debts_of(case)] == [("protected", 150), ("candidate", 60)]
    (answer,) = answers()
    assert (answer["outcome"], answer["further"]) == ("found", [])
    assert Task.objects.get(case=case, kind="moratorium_others", closed_at=None).detail == {"debts": [2]}
    letter = Letter.objects.get(case=case, template="moratorium_n9")
    assert letters.write(letter.pk, now=AT)
    letter = Letter.objects.select_related("blob").get(pk=letter.pk)
    said = " ".join(reading.text_of(letters.open_letter(letter, reader=READER, at=AT)).split())
    assert "we tell you when we know" in said
    assert "found none" not in said


def test_where_no_other_debt_may_be_the_debtors_the_adviser_reads_that_there_is_none(people):
    row = moratoria.account(people)
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row)))
    assert (case.moratorium.further, case.moratorium.undecided) == ([], [])
    assert not Task.objects.filter(case=case, kind="moratorium_others").exists()


def test_a_charge_of_a_protected_day_is_taken_back_also_when_billing_tells_it_after_the_cancellation(people):
    """Domain 5A.6: charges may not be made for the period, however it ended. 14 November is the last protected day."""
    row = moratoria.account(people, as_of="2026-11-03", fees_pence="500", balance_pence="12500")
    start = date(2026, 11, 5)
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row), start_date=start))
    moratoria.said(case, "moratorium.cancelled")
    assert state(case) == "cancelled"
    billed(people, row, "2026-11-16", fees_pence=1700, balance_pence=13_700, fees_date="2026-11-10")
    # What is charged for a day after it stays.
    billed(people, row, "2026-11-18", fees_pence=2000, balance_pence=14_000, fees_date="2026-11-17")
    assert list(FeeReversal.objects.values_list("posted_date", "amount_pence")) == [(date(2026, 11, 10), 1200)]


@pytest.mark.parametrize("day", [date(2025, 11, 13), date(2026, 9, 15), date(2026, 12, 16), date(2062, 11, 14)])
def test_a_typed_first_protected_day_that_no_notice_can_mean_is_refused(people, day):
    row = moratoria.account(people)
    moratoria.enter()
    with nothing_written(), pytest.raises(FieldErrors) as refused:
        moratoria.opened(row, person=moratoria.debtor(row), start_date=day, agency_code=None)
    assert [pointer for pointer, _, _ in refused.value.errors] == ["/start_date"]


@pytest.mark.parametrize("day", [date(2026, 9, 16), date(2026, 12, 15)])
def test_a_late_notice_and_one_that_comes_before_its_first_day_are_taken(people, day):
    """The 60th day from 16 September is 14 November, the day on which it comes."""
    row = moratoria.account(people)
    case = moratoria.opened(row, person=moratoria.debtor(row), start_date=day, agency_code=None)
    assert case.state == "received"


@pytest.mark.parametrize("day", [date(2026, 9, 15), date(2026, 12, 16), date(2027, 5, 5)])
def test_a_first_protected_day_that_no_notice_can_mean_is_refused_of_a_correction_too(people, day):
    row = moratoria.account(people)
    case = moratoria.opened(row, person=moratoria.debtor(row))
    with nothing_written(), pytest.raises(FieldErrors) as refused:
        corrected(people, case, start_date=day)
    assert [pointer for pointer, _, _ in refused.value.errors] == ["/start_date"]


def test_a_correction_may_not_name_a_notice_that_is_here_already(people):
    row, other = moratoria.account(people), moratoria.account(people)
    moratoria.opened(row, person=moratoria.debtor(row), register_reference="BSS-2026-7777770")
    case = moratoria.opened(other, person=moratoria.debtor(other), register_reference="BSS-2026-7777771")
    with nothing_written(), pytest.raises(FieldErrors) as refused:
        corrected(people, case, register_reference="bss 2026 7777770")
    assert [pointer for pointer, _, _ in refused.value.errors] == ["/register_reference"]
    corrected(people, case, register_reference="BSS 2026 7777771")


def test_what_the_register_sent_stays_while_something_else_is_corrected(people):
    row = moratoria.account(people)
    case = moratoria.opened(row, person=moratoria.debtor(row), start_date=date(2027, 5, 5))
    corrected(people, case, is_address_withheld=True)
    assert Moratorium.objects.get(pk=case.pk).start_date == date(2027, 5, 5)
