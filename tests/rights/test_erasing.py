"""What two people decide to erase is erased once nothing of it is on its way, and nobody reads or changes it again."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cases import tasks as work
from cases.kernel import actors, casetypes, clocks, edits, holds, intake, locks, record, tasks, transitions, verdicts
from cases.kernel.disposal import erasing
from cases.kernel.errors import CaseError
from cases.kernel.exchange import chase
from cases.kernel.models import (
    Approval,
    Case,
    CaseParty,
    Erasure,
    Letter,
    Note,
    OutboxMessage,
    PersonPair,
    SearchEntry,
    Task,
)
from cases.kernel.restricted import quietholds
from cases.ledger import sealing, verify
from cases.ledger.models import LedgerEvent
from cases.rights import held, report
from cases.rights.forms import ActForm
from tests import factories, placements, suspicions
from tests import requests_of_people as rights
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.rights.test_access import join
from tests.web import desk
from tests.web.test_acts import state_of

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(minutes=5)
READER = sealing.Reader(actor="staff:1", verb="view", purpose="casework")
PART = {"outcome": "done_in_part", "answer": "The order of May is gone.", "changed_in": ["none"]}


@pytest.fixture
def older(people):
    """A matter of the same person, with a note and a document, that is closed and whose letter is posted."""
    case = rights.closed(people)
    edits.add_note(case.pk, "She rang about it.", actor=people[rights.OFFICER], at=AT)
    with record.act(case, "letter.dispatched", actor=actors.system("tests"), at=AT):
        for letter in Letter.objects.filter(case=case):
            letter.state, letter.dispatched_date = "dispatched", AT.date()
            letter.save()
    return Case.objects.get(pk=case.pk)


@pytest.fixture
def asked(people, older):
    """Somebody asks for erasure who is joined with the older matter."""
    case = rights.asked(people, "erase")
    join(CaseParty.objects.get(case=older), CaseParty.objects.get(case=case))
    return rights.identify(case, people)


def proposed(case, people, **inputs):
    given = {"outcome": "done", "answer": "All is gone.", **inputs}
    return transitions.apply(case.pk, "act", actor=people[rights.OFFICER], at=LATER, inputs=given)


def agreed(case, people, by=rights.DPO):
    waiting = Approval.objects.get(case=case, act="act", closed_at=None)
    return verdicts.decide(waiting.uid, "agreed", actor=people[by], at=LATER)


def erased(older, people, asked):
    proposed(asked, people, erased=[str(older.uid)])
    agreed(asked, people)
    assert erasing.erase_decided(now=LATER) == 1
    return Case.objects.select_related("key").get(pk=older.pk)


def test_two_people_decide_and_then_nobody_reads_it_again_while_the_chain_still_verifies(people, older, asked):
    assert [value for value, _ in ActForm(case=asked).fields["erased"].choices] == [str(older.uid)]
    proposed(asked, people, erased=[str(older.uid)])
    assert Case.objects.get(pk=asked.pk).state == "received"
    assert not Erasure.objects.exists()
    with nothing_written(counted=1), pytest.raises(CaseError, match="You asked for this"):
        agreed(asked, people, by=rights.OFFICER)
    with nothing_written():
        assert erasing.erase_decided(now=LATER) == 0

    assert agreed(asked, people).state == "actioned"
    row = Erasure.objects.get(case=older)
    assert (row.proposed_by_id, row.agreed_by_id) == (people[rights.OFFICER].user_id, people[rights.DPO].user_id)
    work.check_documents()

    older = Case.objects.select_related("key").get(pk=older.pk)
    person = CaseParty.objects.select_related("key").get(case=older)
    assert older.key.destroyed_at and person.key.destroyed_at
    (opened,) = sealing.open_rows([person], ("surname", "phone"), reader=READER, at=LATER)
    assert set(opened.values()) == {sealing.ERASED}
    assert not SearchEntry.objects.filter(case=older).exists()
    assert not PersonPair.objects.filter(first=person).exists()
    (note,) = sealing.open_rows(list(Note.objects.filter(case=older)), ("text",), reader=READER, at=LATER)
    assert note["text"] == sealing.ERASED
    assert (older.kind, older.state) == (rights.REQUEST, "closed")
    (event,) = LedgerEvent.objects.filter(stream=older.uid, action="case.erased")
    assert event.actor == "system:disposal" and event.content()["detail"]["people"] == [1]
    (event,) = LedgerEvent.objects.filter(stream=older.uid, action="case.erasure_decided")
    assert event.content()["detail"] == {"asked_in": asked.reference}
    assert {each.level for each in verify.verify_stream(older.uid)} <= {"recorded late"}
    assert {row.case_id for row in held.rows(asked)} == {asked.pk}


def test_a_fault_of_one_stops_no_round_and_is_a_task_of_its_team_until_it_is_erased(people, older, asked, monkeypatch):
    proposed(asked, people, erased=[str(older.uid)])
    agreed(asked, people)
    monkeypatch.setattr(erasing.index, "forget_case", lambda *_given: 1 / 0)
    assert [erasing.erase_decided(now=LATER), erasing.erase_decided(now=LATER)] == [0, 0]
    assert not Case.objects.get(pk=older.pk).is_erased
    (task,) = Task.objects.filter(kind="not_erased")
    assert (task.team.code, task.detail, task.closed_at) == ("rights", {"of": "erasure:rights_request"}, None)
    monkeypatch.undo()
    assert erasing.erase_decided(now=LATER) == 1
    task.refresh_from_db()
    assert task.closed_at == LATER


def test_what_is_erased_is_changed_by_nobody(people, older, asked):
    older = erased(older, people, asked)
    sentence = f"What {older.reference} held is erased: nothing is changed in it any more."
    officer = people[rights.OFFICER]
    for counted, change in (
        (0, lambda: edits.add_note(older.pk, "Once more.", actor=officer, at=LATER)),
        (0, lambda: holds.enter(older.pk, "legal", actor=officer, at=LATER, source="court", reason="An order.")),
        (1, lambda: transitions.apply(older.pk, "reopen", actor=officer, at=LATER, reason="Once more.")),
    ):
        with nothing_written(counted=counted), pytest.raises(locks.CaseErased, match=sentence):
            change()
    with nothing_written():
        assert erasing.erase_decided(now=LATER) == 0


def test_its_page_says_that_it_is_erased_and_offers_nothing(people, older, asked):
    older = erased(older, people, asked)
    browser = desk.client_of(rights.OFFICER)
    page = browser.get(f"/cases/{older.uid}/").content.decode()
    assert "All that this case held was erased for good." in page
    assert "agreed to erase" in page and "Reveal" not in page and "Add note" not in page
    assert "She rang about it." not in page and "••••" not in page and "make-report" not in page
    for dead_end in ("Wrong person", "Same person elsewhere?", "Reopen", "then erased", "Report a data breach"):
        assert dead_end not in page
    for page in ("messages", "documents", "holds", "linked", "audit"):
        assert browser.get(f"/cases/{older.uid}/{page}/").status_code == 200
    report_asked = browser.post(f"/cases/{older.uid}/report/", follow=True)
    assert "nothing is changed in it any more" in report_asked.content.decode()
    shown = browser.get(f"/cases/{asked.uid}/").content.decode()
    assert f"{older.reference}, rights request" in shown and "Erased on" in shown


def test_who_agrees_reads_which_matters_go_and_why_others_stay(people, older, asked):
    typed = {"outcome": "done", "answer": "All is gone.", "erased": [str(older.uid)]}
    form = ActForm(typed, case=asked)
    assert form.is_valid(), form.errors
    transitions.apply(asked.pk, "act", actor=people[rights.OFFICER], at=LATER, inputs=form.inputs())
    page = desk.client_of(rights.DPO).get(f"/cases/{asked.uid}/").content.decode()
    assert "Erase all of these matters, for good" in page
    assert f"{older.reference}, rights request: kept as rights request until" in page
    assert str(older.uid) not in page.split("Decision and facts")[1]


def test_agreeing_to_erase_asks_for_the_second_factor_and_until_then_nothing_is_agreed(people, older, asked):
    proposed(asked, people, erased=[str(older.uid)])
    waiting = Approval.objects.get(case=asked, act="act", closed_at=None)
    path, typed = f"/cases/{asked.uid}/verdicts/{waiting.uid}/", {"verdict": "agreed"}
    page = desk.client_of(rights.DPO).get(f"/cases/{asked.uid}/").content.decode()
    assert path in page and "Asks for your second factor" in page
    before = state_of(asked)
    assert desk.client_of(rights.DPO).post(path, typed)["Location"].startswith("/step-up/")
    assert (state_of(asked), Erasure.objects.count()) == (before, 0)
    assert desk.client_of(rights.DPO, is_stepped_up=True).post(path, typed).status_code == 302
    assert Erasure.objects.get(case=older).agreed_by_id == people[rights.DPO].user_id


def test_it_waits_for_letters_tasks_agreements_and_holds_and_says_so(people, asked, older):
    proposed(asked, people, erased=[str(older.uid)])
    agreed(asked, people)
    with record.act(older, "tests.asked", actor=actors.system("tests"), at=AT):
        waits = tasks.raise_task("rights_tell_earlier_recipient", case=older, at=AT)
    assert report.tables(asked)[0].rows[0] == (
        f"{older.reference}, rights request",
        "To be erased. It waits: something keeps it: a hold, a task, an agreement, a tie, or another case.",
    )
    with nothing_written():
        assert erasing.erase_decided(now=LATER) == 0
    late = LATER + timedelta(days=14)
    assert erasing.erase_decided(now=late) == 0
    with nothing_written():
        assert erasing.erase_decided(now=late) == 0
    assert Task.objects.filter(case=older, kind="erasure_waits", closed_at=None).count() == 1
    with record.act(older, "tests.asked", actor=actors.system("tests"), at=AT):
        tasks.close(waits, actor=actors.system("tests"), at=AT)
    holds.enter(older.pk, "legal", actor=people[rights.OFFICER], at=LATER, source="court", reason="An order.")
    assert report.tables(asked)[0].rows[0][1] == (
        "To be erased. It waits: something keeps it: a hold, a task, an agreement, a tie, or another case."
    )
    assert erasing.erase_decided(now=late) == 0
    assert not Case.objects.select_related("key").get(pk=older.pk).key.destroyed_at


def test_a_hold_of_a_compartment_keeps_it_and_writes_nothing_of_it(people, older, asked):
    proposed(asked, people, erased=[str(older.uid)])
    agreed(asked, people)
    hidden = suspicions.acknowledged(people)
    with record.act(hidden, "tests.held", actor=actors.system("tests"), at=AT):
        quietholds.place(hidden, [quietholds.case_token(older.uid)], blocks=["dispose"], at=AT)
    for at in (LATER, LATER + timedelta(days=40)):
        with nothing_written():
            assert erasing.erase_decided(now=at) == 0
    with record.act(hidden, "tests.lifted", actor=actors.system("tests"), at=AT):
        quietholds.lift(hidden, at=AT)
    assert erasing.erase_decided(now=LATER) == 1


def test_a_report_of_suspicion_about_a_matter_changes_no_word_of_the_request(people, older, asked):
    """POCA 2002 s.333A: what is told must not say that there is one."""
    before = report.tables(asked)[0].rows
    suspicions.submitted(people, about_reference=older.reference, about_token=quietholds.case_token(older.uid))
    assert report.tables(asked)[0].rows == before
    assert before[0][1] == "Two people can decide to erase it."
    proposed(asked, people, erased=[str(older.uid)])
    agreed(asked, people)
    with nothing_written():
        assert erasing.erase_decided(now=LATER) == 0
    assert report.tables(asked)[0].rows[0][1].startswith("To be erased. It waits: something keeps it")


def test_a_matter_that_is_opened_again_is_kept_and_somebody_tells_the_person(people, asked, older):
    proposed(asked, people, erased=[str(older.uid)])
    agreed(asked, people)
    transitions.apply(older.pk, "reopen", actor=people[rights.OFFICER], at=LATER, reason="They wrote again.")
    verdicts.decide(
        Approval.objects.get(case=older, act="reopen", closed_at=None).uid, "agreed", actor=people[rights.DPO], at=LATER
    )
    assert erasing.erase_decided(now=LATER) == 0
    row = Erasure.objects.get(case=older)
    assert row.ended_at == LATER and row.erased_at is None
    (task,) = Task.objects.filter(case=asked, kind="erasure_lapsed", closed_at=None)
    assert task.detail["matter"] == older.reference
    assert report.tables(asked)[0].rows[0][1] == "Kept: it was opened again before it was erased."


def test_only_a_closed_matter_of_theirs_alone_that_nothing_keeps_is_chosen(people, older, asked):
    other = rights.asked(people, "rectify")
    join(*CaseParty.objects.filter(case__in=[older, asked, other]))
    rows = dict(report.tables(asked)[0].rows)
    assert rows == {
        f"{older.reference}, rights request": "Two people can decide to erase it.",
        f"{other.reference}, rights request": "Kept. It is not closed.",
    }
    asked = again(asked, people)
    for inputs, sentence in (
        ({"erased": [str(other.uid)]}, "Not all of these matters can be erased any more"),
        ({"erased": ["nonsense"], **PART, "kept_because": "legal_duty"}, "Not all of these matters can be erased"),
        ({"erased": [str(older.uid)]}, "This person stands in 1 other matter here that would be kept."),
        ({"erased": [str(older.uid)], "outcome": "nothing_held"}, "Something is held: it is to be erased."),
        ({"erased": [str(older.uid)], **PART}, "Choose why the rest is not done: the person is told."),
        ({"erased": [str(older.uid)], **PART, "kept_because": "unfounded"}, "Choose why the rest is not done"),
    ):
        with nothing_written(counted=1), pytest.raises(CaseError, match=sentence):
            proposed(asked, people, **inputs)
    holds.enter(older.pk, "legal", actor=people[rights.OFFICER], at=AT, source="court", reason="An order.")
    assert report.tables(asked)[0].rows[0][1] == "Kept. A policy hold stops this."
    assert "erased" not in ActForm(case=asked).fields


def again(case, people):
    """Record anew that it is the person: they were joined with another matter since."""
    case = Case.objects.get(pk=case.pk)
    transitions.apply(case.pk, "ask_identity", actor=people[rights.OFFICER], at=LATER)
    return transitions.apply(
        case.pk, "confirm_identity", actor=people[rights.OFFICER], at=LATER, inputs=rights.IDENTITY
    )


def test_a_matter_in_which_somebody_else_stands_is_not_erased_for_one(people, older, asked):
    facts = {"right": "rectify", "came_by": "letter"}
    other = {**rights.PERSON, "role": "representative"}
    shared = intake.open_case(
        rights.REQUEST, actor=people[rights.OFFICER], at=AT, facts=facts, people=[rights.PERSON, other]
    )
    first = CaseParty.objects.filter(case=shared, role="person").get()
    join(first, *CaseParty.objects.filter(case__in=[older, asked]))
    rows = dict(report.tables(asked)[0].rows)
    assert rows[f"{shared.reference}, rights request"] == "Kept. Somebody else stands in it too."


def test_it_may_be_done_in_part_and_the_letter_says_why_the_rest_is_kept(people, older, asked):
    other = rights.asked(people, "rectify")
    join(*CaseParty.objects.filter(case__in=[older, asked, other]))
    asked = again(asked, people)
    proposed(asked, people, **PART, erased=[str(older.uid)], kept_because="legal_claims")
    asked = agreed(asked, people)
    assert asked.rights_request.refusal_code == "legal_claims"
    assert dict(report.facts_view(asked))["The rest is not done because"] == "Needed for legal claims"
    assert erasing.erase_decided(now=LATER) == 1


def test_what_is_on_its_way_to_somebody_leaves_first(people):
    assert erasing.why_waits(rights.propagating(people), at=LATER) == "A message is on its way."
    assert erasing.why_waits(rights.closed(people), at=LATER) == "A letter is not posted yet."
    filed = factories.filed(people)
    OutboxMessage.objects.filter(case=filed).update(state="delivered", settled_at=AT, acknowledged_at=None)
    assert erasing.why_waits(filed, at=LATER) == "An answer to a message is still owed."


def test_an_answer_that_never_comes_keeps_no_case_once_somebody_has_said_what_came_of_it(people):
    filed = factories.filed(people)
    OutboxMessage.objects.filter(case=filed).update(state="delivered", delivered_at=AT, acknowledged_at=None)
    chase.chase_late(now=AT + timedelta(days=30))
    OutboxMessage.objects.filter(case=filed).update(state="delivered", settled_at=AT)
    assert erasing.waits_for(filed, at=LATER) == "answer_owed"
    (task,) = Task.objects.filter(case=filed, kind="acknowledgement_late", closed_at=None)
    edits.close_task(filed.pk, task.pk, actor=people["a.byrne"], at=LATER, reason="They told me by telephone.")
    assert erasing.waits_for(filed, at=LATER) != "answer_owed"


def test_a_period_that_was_missed_keeps_no_case_and_ends_with_it(older):
    case = older
    with record.act(case, "tests.missed", actor=actors.system("tests"), at=AT):
        clock = clocks.start(case, "correction_acknowledgement", started_at=AT)
        clock.state = "breached"
        clock.save(update_fields=["state"])
    assert erasing.waits_for(case, at=LATER) == ""
    with transaction.atomic(), erasing.erase(locks.case_for_update(case.pk), reason="person_asked", at=LATER):
        pass
    clock.refresh_from_db()
    assert (clock.state, clock.ended_at) == ("breached", LATER)


def test_a_matter_to_which_billing_still_tells_is_kept(people):
    kept = {kind.code for kind in casetypes.all_types() if not kind.is_erasable}
    assert kept == {"cra_file", "debt_placement", "debt_sale", "default", "moratorium"}
    placed = placements.excluded(people)
    assert erasing.why_not(placed, at=LATER) == "What billing tells of its account still comes to it."


def test_nobody_is_told_that_all_is_gone_whose_account_stays_with_billing(people, older):
    person = {**rights.PERSON, "values": {**rights.PERSON["values"], "account_reference": "8000000010"}}
    facts = {"right": "erase", "came_by": "letter"}
    case = intake.open_case(rights.REQUEST, actor=people[rights.OFFICER], at=AT, facts=facts, people=[person])
    join(CaseParty.objects.get(case=older), CaseParty.objects.get(case=case))
    case = rights.identify(case, people)
    assert report.tables(case)[0].rows[0][0] == "Their account"
    with nothing_written(counted=1), pytest.raises(CaseError, match="Their account stays with billing."):
        proposed(case, people, erased=[str(older.uid)])
    proposed(case, people, **PART, kept_because="legal_duty", erased=[str(older.uid)])
    assert agreed(case, people).state == "actioned"


def test_the_page_asks_the_database_as_often_however_many_matters_there_are(people, older, asked):
    def asks():
        with CaptureQueriesContext(connection) as captured:
            rows = report.tables(Case.objects.get(pk=asked.pk))[0].rows
            ActForm(case=Case.objects.get(pk=asked.pk))
        return len(captured), len(rows)

    before, one = asks()
    more = [rights.closed(people) for _ in range(3)]
    join(*CaseParty.objects.filter(case__in=[older, asked, *more], role="person"))
    assert asks() == (before, one + 3)
