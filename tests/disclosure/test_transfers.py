"""A transfer abroad (scenario T-1): nothing goes to the recipient until the data protection officer has approved it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from cases.agencies import queue
from cases.debt import batches
from cases.disclosure.transfer.forms import FactsForm
from cases.kernel import actors, calendars, edits, intake, releases, transitions, verdicts
from cases.kernel.background import jobrun
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agreements
from cases.kernel.models import Agency, AgencyTerms, BatchFile, Case, OutboxMessage, Release
from cases.kernel.outputs import processing
from cases.kernel.timing import rulebook, sweeps
from cases.ledger import verify
from cases.ledger.models import LedgerEvent
from tests import factories, placements, transfers
from tests.agencies.stage import FPA, promise
from tests.factories import AT
from tests.faults.test_races import at_once
from tests.kernel.snapshots import nothing_written, refusal
from tests.length import times
from tests.transfers import APPROVED, FACTS, OFFICER, PROPOSER, RECIPIENT, REVIEW, after
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
CHOOSE = "Choose the risk assessment itself: who proposes attaches it, and the scanner finds it clean first."
PROPOSED = "A transfer by Sandbox Recoveries to IN is proposed or has lapsed, and is not approved."


@pytest.fixture
def people():
    return factories.office()


def why_not(code=RECIPIENT, at=AT):
    agency = Agency.objects.select_related("terms").get(code=code)
    return agreements.why_not(agency, day=calendars.london_date(at))


def is_whole():
    return [each for each in verify.verify_all(is_demo=True) if each.level == "wrong" and each.column != "at"] == []


def test_a_call_centre_in_india_waits_for_the_agreement_and_the_assessment(people):
    """T-1: a debt collection agency proposes a call centre in India; blocked until IDTA and TRA-2026-07 hold."""
    transfers.enter()
    assert why_not() == ""
    case = transfers.proposed(people)
    officer = people[OFFICER]
    assert why_not() == PROPOSED
    after_approval = {**APPROVED, "review_date": REVIEW}
    for missing, sentence in (
        ({"mechanism": ""}, "Choose the mechanism of the transfer."),
        ({"mechanism": "good_faith"}, "Choose the mechanism of the transfer."),
        ({"assessment": " "}, "This mechanism needs the reference of a transfer risk assessment."),
        ({"document": None}, CHOOSE),
        ({"document": 7}, CHOOSE),
        ({"is_not_lower": False}, "Say that the assessment found the protection not materially lower than here."),
        ({"review_date": None}, "Give a review date that is still to come."),
        ({"review_date": AT.date()}, "Give a review date that is still to come."),
        ({"review_date": date(2029, 11, 15)}, "Give a review date within 3 years."),
        ({"review_date": date(9999, 12, 31)}, "Give a review date within 3 years."),
    ):
        assert refusal(case, "approve", officer, **{**after_approval, **missing}) == sentence
    assert why_not() == PROPOSED
    done = after(case, "approve", officer, **after_approval)
    assert (done.state, done.is_dormant, done.due_at) == ("approved", True, None)
    terms = AgencyTerms.objects.get(agency__code=RECIPIENT)
    assert (terms.safeguard, terms.tra_reference, terms.transfer_until_date) == ("idta", "TRA-2026-07", REVIEW)
    assert (why_not(), why_not(at=datetime(2027, 11, 30, 23, 30, tzinfo=UTC))) == ("", "")
    assert why_not(at=datetime(2027, 12, 1, 9, 0, tzinfo=UTC)) == (
        "The approved transfer abroad of Sandbox Recoveries is past its review."
    )
    assert LedgerEvent.objects.filter(stream=terms.agency.uid, action="agency.transfer").count() == 2
    assert is_whole()


def test_it_stands_on_an_assessment_that_was_read_and_is_named_by_its_hash(people):
    transfers.enter()
    case = intake.open_case("transfer", actor=people[PROPOSER], at=AT, facts=FACTS)
    officer = people[OFFICER]
    assert refusal(case, "approve", officer, **APPROVED) == CHOOSE
    transfers.assess(case, people)
    assert refusal(case, "approve", officer, **APPROVED) == CHOOSE  # nobody can read it yet
    factories.scan("infected")
    assert refusal(case, "approve", officer, **APPROVED) == CHOOSE
    transfers.assess(case, people, data=b"Assessed anew: not lower.")
    factories.scan()
    assert refusal(case, "approve", officer, **APPROVED) == CHOOSE  # that is the first one
    after(case, "approve", officer, **{**APPROVED, "document": 2})
    row = Case.objects.get(pk=case.pk).transfer
    known = case.evidence.get(number=2).sha256
    assert (row.assessment, row.assessment_sha256) == ("TRA-2026-07", known)
    page = client_of(OFFICER).get(f"/cases/{case.uid}/").content.decode()
    assert known in page
    assert is_whole()


def test_who_proposed_it_by_mistake_takes_it_back_and_the_officer_looks_why(people):
    case = transfers.proposed(people, country="IN")
    assert why_not() == PROPOSED
    for other in ("d.osei", OFFICER):
        with nothing_written(counted=1), pytest.raises(CaseError):
            after(case, "take_back", people[other], reason="Not mine.")
    with nothing_written(counted=1), pytest.raises(CaseError, match="Give a reason"):
        after(case, "take_back", people[PROPOSER], reason=" ")
    done = after(case, "take_back", people[PROPOSER], reason="The wrong recipient was chosen.")
    assert (done.state, done.is_closed, done.retention_class) == ("withdrawn", True, "transfer")
    assert why_not() == ""
    tasks = Case.objects.get(pk=case.pk).tasks.filter(closed_at=None)
    assert [task.kind for task in tasks] == ["transfer_taken_back"]
    assert Agency.objects.get(code=RECIPIENT).terms.transfer_waits_for == ""
    assert transfers.proposed(people, country="IN").state == "proposed"
    assert is_whole()


def test_taking_back_what_should_follow_a_lapse_undoes_no_lapse(people):
    transfers.lapsed(people)
    assert why_not() == PROPOSED
    after(transfers.proposed(people, country="IN"), "take_back", people[PROPOSER])
    assert why_not() == PROPOSED


def test_accounts_go_to_the_recovery_agency_only_once_its_call_centre_is_approved(people):
    """T-1: the dispatch itself is blocked, of a batch that was built before."""
    batch = placements.built(people)
    case = transfers.proposed(people, recipient=placements.CODE, country="IN")

    def release():
        return batches.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)

    with nothing_written(), pytest.raises(releases.ReleaseRefused, match="to IN is proposed or has lapsed"):
        release()
    assert placements.case_of(batch).state == "in_batch"
    after(case, "approve", people[OFFICER], **APPROVED)
    release()
    jobrun.work(clock=lambda: AT, seconds=60)
    assert BatchFile.objects.get(kind="dca_place").row_count == 1
    (release_of,) = Release.objects.filter(message_kind="dca_place")
    assert release_of.recipient.code == placements.CODE


def test_who_proposed_it_does_not_approve_it(people):
    one = actors.Actor(**{**vars(people[PROPOSER]), "roles": people[PROPOSER].roles | {"data_protection_officer"}})
    case = transfers.proposed(people)
    with nothing_written(counted=1), pytest.raises(CaseError):
        transitions.apply(case.pk, "approve", actor=one, at=AT, inputs=APPROVED)


def test_what_would_be_sent_to_a_recipient_whose_transfer_waits_is_refused_and_nothing_is_written(people):
    case = factories.ready(people)
    transfers.proposed(people, recipient=FPA, country="IN")
    with nothing_written(counted=1), pytest.raises(releases.ReleaseRefused, match="to IN is proposed or has lapsed"):
        transitions.apply(
            case.pk, "approve", actor=people["d.osei"], at=factories.APPROVED_AT, inputs=factories.CHECKER_INPUTS
        )
    assert (OutboxMessage.objects.count(), Release.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)  # due times are those of the statement, not of the test's transaction
def test_what_was_promised_before_waits_until_the_transfer_is_decided(people):
    waiting = promise(factories.referred(people))
    case = transfers.proposed(people, recipient=FPA, country="IN")
    assert queue.claim(waiting.public_id) == []
    after(case, "approve", people[OFFICER], **APPROVED)
    assert [one.message_id for one in queue.claim(waiting.public_id)] == [waiting.pk]


def test_past_its_review_it_lapses_is_asked_for_before_and_holds_again_when_approved_anew(people):
    rulebook.load(at=AT)
    case = transfers.approved(people)
    soon, over = datetime(2027, 11, 15, 9, 0, tzinfo=UTC), datetime(2027, 12, 1, 0, 5, tzinfo=UTC)
    sweeps.warn_of_ends(now=soon)
    assert case.tasks.get(kind="clock_soon").closed_at is None
    assert not Case.objects.get(pk=case.pk).is_dormant
    renewed = after(case, "renew", people[OFFICER], at=soon, review_date=date(2027, 11, 30))
    assert (renewed.state, renewed.is_dormant) == ("approved", True)
    sweeps.end_due_clocks(now=over)
    case.refresh_from_db()
    assert (case.state, case.retention_class, case.dispose_after_date) == ("lapsed", "transfer", date(2033, 12, 1))
    assert why_not(at=over) == PROPOSED
    task = case.tasks.get(kind="transfer_lapsed")
    edits.close_task(case.pk, task.pk, actor=people[OFFICER], at=over, reason="A new one is proposed.")
    anew = transfers.proposed(people, at=over, country="IN")
    after(anew, "approve", people[OFFICER], at=over, **{**APPROVED, "review_date": date(2028, 11, 30)})
    assert why_not(at=over) == ""


def test_a_refusal_of_what_should_follow_undoes_no_lapse_and_that_it_ended_does(people):
    """Domain 8.1: no valid record, nothing is sent. The recipient may have our data in Pune still; that it has not is
    found by another person than who says so first."""
    case, officer, over = transfers.approved(people), people[OFFICER], datetime(2027, 12, 1, 9, 0, tzinfo=UTC)
    far = date(2030, 12, 2)
    assert refusal(case, "renew", officer, review_date=far) == "Give a review date within 3 years."
    after(case, "lapse", actors.system("clocks"), at=over)
    for _ in range(2):
        anew = transfers.proposed(people, at=over, country="IN")
        after(anew, "refuse", officer, at=over, reason="Protection in India is materially lower.")
        assert why_not(at=over) == PROPOSED
    last = transfers.proposed(people, at=over, country="IN")
    proposer = replace(people[PROPOSER], roles=officer.roles, team_ids=officer.team_ids)
    assert "Another person must decide." in refusal(last, "end", proposer, over)
    assert refusal(last, "end", officer, over, reason=" ") == "Give a reason."
    assert why_not(at=over) == PROPOSED
    done = after(last, "end", officer, at=over, reason="Pune was closed on 30 November 2027; deletion confirmed.")
    assert (done.state, done.retention_class, done.due_at) == ("ended", "transfer", None)
    assert why_not(at=over) == ""
    # Proposed there once more, it waits and may be refused: nothing is there that it could have lapsed for.
    after(transfers.proposed(people, at=over, country="IN"), "refuse", officer, at=over)
    assert why_not(at=over) == ""
    assert is_whole()


def test_an_approved_transfer_ends_before_its_review_and_is_asked_for_no_more(people):
    rulebook.load(at=AT)
    case = transfers.ended(people)
    assert not case.clocks.filter(ended_at=None).exists()
    terms = AgencyTerms.objects.get(agency__code=RECIPIENT)
    assert (terms.safeguard, terms.transfer_until_date, why_not()) == ("", None, "")
    sweeps.end_due_clocks(now=datetime(2027, 12, 1, 9, 0, tzinfo=UTC))
    assert Case.objects.get(pk=case.pk).state == "ended"


@pytest.mark.django_db(transaction=True)
def test_two_decisions_about_two_recipients_at_once_never_wait_for_each_other(people):
    transfers.enter("tests-other", "dca", "Test Collectors")
    recipients, officer = (RECIPIENT, "tests-other"), people[OFFICER]
    for _ in range(times(8, 100)):
        pair = [transfers.proposed(people, recipient=each, country="IN") for each in recipients]
        done = at_once(*(lambda case=case: after(case, "refuse", officer) for case in pair))
        assert [case.state for case in done] == ["refused", "refused"]
        assert [why_not(each) for each in recipients] == ["", ""]


def test_two_countries_hold_until_the_first_review_and_one_that_waits_blocks_both(people):
    transfers.approved(people)
    second = transfers.proposed(people, country="PH")
    assert "to PH is proposed" in why_not()
    after(second, "approve", people[OFFICER], **{**APPROVED, "review_date": date(2027, 2, 1)})
    assert AgencyTerms.objects.get(agency__code=RECIPIENT).transfer_until_date == date(2027, 2, 1)
    third = transfers.proposed(people, country="ZA")
    after(third, "refuse", people[OFFICER])
    assert why_not() == ""


def test_a_recipient_established_abroad_gets_nothing_without_one_and_nothing_for_another_country(people):
    transfers.enter("tests-abroad", "dca", "Test Collectors", "US")
    sentence = "Test Collectors is outside the United Kingdom and no transfer to US is approved for it."
    assert why_not("tests-abroad") == sentence
    other = transfers.proposed(people, recipient="tests-abroad", country="IN")
    after(other, "approve", people[OFFICER], **APPROVED)
    assert why_not("tests-abroad") == sentence
    home = transfers.proposed(people, recipient="tests-abroad", country="US")
    after(home, "approve", people[OFFICER], mechanism="data_bridge", assessment="Test Inc", review_date=REVIEW)
    assert why_not("tests-abroad") == ""


def test_one_opened_in_error_blocks_no_more(people):
    case = transfers.proposed(people)
    with edits.change(case.pk, actor=people[PROPOSER], at=AT) as edit:
        edit.facts(country="PH")
    assert "to PH is proposed" in why_not()
    transfers.enter("tests-abroad", "dca", "Test Collectors")
    with edits.change(case.pk, actor=people[PROPOSER], at=AT) as edit:
        edit.facts(recipient="tests-abroad")
    assert (why_not(), "to PH is proposed" in why_not("tests-abroad")) == ("", True)
    row = after(case, "void", people[OFFICER]).approvals.get(closed_at=None)
    verdicts.decide(row.uid, "agreed", actor=people["v.tranter"], at=AT)
    assert why_not("tests-abroad") == ""


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"recipient": "nobody"}, "This recipient has no terms in the register of agencies."),
        ({"recipient": "own-billing"}, "This recipient has no terms in the register of agencies."),
        ({"country": "gb"}, "Write the country outside the United Kingdom with two letters, such as IN."),
        ({"country": "IND"}, "Write the country outside the United Kingdom with two letters, such as IN."),
        ({"country": "ZZ"}, "Write the country outside the United Kingdom with two letters, such as IN."),
        ({"country": "PH"}, "A transfer to this recipient in this country is proposed or approved already."),
    ],
)
def test_what_cannot_be_proposed_writes_nothing(people, facts, sentence):
    transfers.proposed(people, country="PH")
    with nothing_written(), pytest.raises(CaseError) as refused:
        intake.open_case("transfer", actor=people[PROPOSER], at=AT + timedelta(hours=1), facts={**FACTS, **facts})
    assert str(refused.value) == sentence


def test_the_officer_is_asked_for_a_decision_today_until_there_is_one(people):
    case = transfers.proposed(people)
    task = case.tasks.get(kind="transfer_to_decide", closed_at=None)
    assert task.team.code == "rights" and task.due_at == calendars.end_of_day(calendars.london_date(AT))
    for move, waits in (("void", 0), ("reopen", 1)):
        proposed = after(case, move, people[OFFICER]).approvals.get(closed_at=None)
        verdicts.decide(proposed.uid, "agreed", actor=people["v.tranter"], at=AT)
        assert case.tasks.filter(kind="transfer_to_decide", closed_at=None).count() == waits
    after(case, "refuse", people[OFFICER])
    assert not case.tasks.filter(closed_at=None).exists()


def test_adequacy_is_for_the_countries_of_the_regulations_alone(people):
    case = transfers.proposed(people, country="IN")
    refused = refusal(case, "approve", people[OFFICER], mechanism="adequacy", review_date=REVIEW)
    assert refused == "No adequacy regulations cover India: choose another mechanism."


def test_the_data_bridge_leads_to_whom_the_list_of_the_uk_extension_names(people):
    case = transfers.proposed(people, country="US")
    said = {"mechanism": "adequacy", "review_date": REVIEW}
    refused = refusal(case, "approve", people[OFFICER], **said)
    assert refused == "United States: the regulations cover who stands on a list. Choose the data bridge."
    said["mechanism"] = "data_bridge"
    refused = refusal(case, "approve", people[OFFICER], **said)
    assert refused.startswith("Say under which name the recipient stands on the list of the UK extension")
    after(case, "approve", people[OFFICER], **said, assessment="Sandbox Recoveries Inc, 14 Nov 2026")
    told = [line.transfers for line in processing.record(day=date(2026, 12, 1))]
    assert any("on the list as Sandbox Recoveries Inc, 14 Nov 2026" in each for each in told)
    elsewhere = transfers.proposed(people, country="IN")
    refused = refusal(elsewhere, "approve", people[OFFICER], **said, assessment="Sandbox Recoveries Inc")
    assert refused == "The data bridge does not lead to India: choose another mechanism."


def test_record_of_processing_names_what_is_approved_of_a_recipient_at_home(people):
    def said():
        lines = processing.record(day=date(2026, 12, 1))
        return {line.transfers for line in lines if "debt" in line.recipients.casefold()}

    case = transfers.proposed(people, country="IN")
    assert not any("India" in each for each in said())
    after(case, "approve", people[OFFICER], **APPROVED)
    told = "Sandbox Recoveries, India: International data transfer agreement"
    assert any(told in each and "TRA-2026-07" in each and "30 November 2027" in each for each in said())


def test_who_proposes_one_says_first_that_they_know_what_stops(people):
    transfers.enter()
    typed = {"recipient": RECIPIENT, "country": "IN", "why": "A call centre."}
    form = FactsForm(typed)
    assert form.errors == {"is_known": ["Say that you know what stops, or choose another recipient."]}
    form = FactsForm({**typed, "is_known": "on"})
    assert form.is_valid() and form.cleaned_data == typed
    assert ("IN", "India") in form.fields["country"].choices and "GB" not in dict(form.fields["country"].choices)
