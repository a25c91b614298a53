"""Closed cases are erased when their time is over: one person proposes it, another agrees, a job does it."""

from datetime import date, timedelta

import pytest
from django.db import transaction

from cases.kernel import actors, casetypes, holds, locks, record, tasks
from cases.kernel.disposal import disposals, erasing, overdue
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.models import (
    CaseLink,
    CaseParty,
    Disposal,
    Job,
    Note,
    Party,
    SearchEntry,
    Task,
    Team,
)
from cases.kernel.restricted import moving, quietholds
from cases.ledger import sealing, verify
from cases.ledger.models import LedgerEvent
from cases.reports import requests
from tests import factories, suspicions
from tests.factories import AT
from tests.kernel.ended import (
    ANALYST,
    KEPT_UNTIL,
    KIND,
    LEAD,
    OFFICER,
    ON_THE_DAY,
    OVER,
    READER,
    agreed,
    closed,
    erased,
    fresh,
    left,
    listed,
    proposed,
    work,
)
from tests.kernel.snapshots import nothing_written
from tests.web import desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def over(people):
    return closed(people)


def reopened(case):
    with record.act(case, "tests.reopened", actor=actors.system("tests"), at=OVER):
        case.is_closed, case.closed_date, case.dispose_after_date = False, None, None
        case.save()
        for person in case.parties.all():
            person.closed_date = person.dispose_after_date = None
            person.save()


def test_two_people_erase_what_is_over_and_the_chain_still_verifies(people, over):
    assert over.dispose_after_date == KEPT_UNTIL
    row = proposed(people)
    assert (row.counted, row.state, row.proposed_by_id) == (1, "open", people[LEAD].user_id)
    assert not erased(over)
    row = agreed(row, people)
    assert not erased(over)
    work()

    case = fresh(over)
    assert case.is_erased and case.key.destroyed_at == OVER
    for person in CaseParty.objects.select_related("key").filter(case=case):
        (values,) = sealing.open_rows([person], ("surname", "phone"), reader=READER, at=OVER)
        assert set(values.values()) <= {sealing.ERASED, None}
    for note in Note.objects.filter(case=case):
        assert sealing.open_rows([note], ("text",), reader=READER, at=OVER)[0]["text"] == sealing.ERASED
    assert not SearchEntry.objects.filter(case=case).exists()
    assert (case.kind, case.state, case.reference) == (KIND, "no_action", over.reference)
    (event,) = LedgerEvent.objects.filter(stream=case.uid, action="case.erased")
    assert event.content()["detail"] == {
        "hashes": [each.sha256 for each in case.evidence.order_by("number")],
        "people": [1, 2],
        "erased": [1],
        "disposal": str(row.uid),
        "class": "fraud_not_filed",
        "kept_until": "2027-11-14",
    }
    told = LedgerEvent.objects.filter(stream=row.uid).order_by("seq")
    assert [(each.action, each.actor) for each in told] == [
        ("disposal.proposed", people[LEAD].label),
        ("disposal.agreed", people[OFFICER].label),
    ]
    for stream in (case.uid, row.uid):
        # The clock of these tests is ahead of the database's.
        assert not [each for each in verify.verify_stream(stream) if each.column not in {"at", "recorded_at"}]
    assert left(row) == (1, [])
    assert not overdue.next_due(KIND, today=KEPT_UNTIL + timedelta(days=9))


def test_it_is_kept_on_its_last_day_and_over_on_the_next(people, over):
    assert overdue.next_due(KIND, today=KEPT_UNTIL) is None
    with nothing_written(), pytest.raises(CaseError, match="Nothing is over any more"):
        proposed(people, at=ON_THE_DAY)
    assert overdue.next_due(KIND, today=KEPT_UNTIL + timedelta(days=1)) == overdue.Due(
        count=1, people=0, last_date=KEPT_UNTIL, has_more=False
    )
    # Whatever day is typed, what is kept still is left alone.
    with nothing_written(), pytest.raises(CaseError, match="Nothing is over any more"):
        proposed(people, at=ON_THE_DAY, last=date(2040, 1, 1))


def test_a_case_is_kept_as_long_as_anybody_in_it_is(people, over):
    first, other = CaseParty.objects.filter(case=over).order_by("number")
    with record.act(over, "tests.kept", actor=actors.system("tests"), at=AT):
        first.dispose_after_date, other.dispose_after_date = KEPT_UNTIL + timedelta(days=30), None
        first.save(update_fields=["dispose_after_date"])
        other.save(update_fields=["dispose_after_date"])
    assert overdue.next_due(KIND, today=KEPT_UNTIL + timedelta(days=30)) is None
    assert overdue.next_due(KIND, today=KEPT_UNTIL + timedelta(days=31)) is not None


@pytest.mark.parametrize("by", ["a.byrne", ANALYST, "i.sowande", "h.castellan", "b.lacombe", "o.thackray", OFFICER])
def test_only_who_leads_the_work_proposes(people, over, by):
    allowed = by == "a.byrne"  # who is an approver too
    if allowed:
        assert proposed(people, by=by).state == "open"
        return
    with nothing_written(), pytest.raises((NotAllowed, NotVisible)):
        proposed(people, by=by)


@pytest.mark.parametrize("by", [LEAD, "a.byrne", ANALYST, "i.sowande", "h.castellan", "b.lacombe", "o.thackray"])
def test_only_the_officer_agrees_and_never_who_proposed(people, over, by):
    row = proposed(people)
    with nothing_written(), pytest.raises((NotAllowed, NotVisible)):
        agreed(row, people, by=by)
    with nothing_written(), pytest.raises((NotAllowed, NotVisible)):
        disposals.decide(row.uid, is_agreed=False, why_not="not_now", actor=people[by], at=OVER)
    if by != LEAD:
        with nothing_written(), pytest.raises((NotAllowed, NotVisible)):
            disposals.withdraw(row.uid, actor=people[by], at=OVER)
    work()
    assert not erased(over)


def test_it_is_refused_with_a_reason_or_taken_back_and_then_nothing_is_erased(people, over):
    row = proposed(people)
    with nothing_written(), pytest.raises(CaseError, match="Say why not"):
        disposals.decide(row.uid, is_agreed=False, actor=people[OFFICER], at=OVER)
    disposals.decide(row.uid, is_agreed=False, why_not="still_needed", actor=people[OFFICER], at=OVER)
    with nothing_written(), pytest.raises(CaseError, match="decided already"):
        agreed(row, people)
    row = proposed(people)
    disposals.withdraw(row.uid, actor=people[LEAD], at=OVER)
    with nothing_written(), pytest.raises(CaseError, match="decided already"):
        agreed(row, people)
    work()
    assert not erased(over)
    assert not Task.objects.filter(kind=disposals.TO_AGREE, closed_at=None).exists()
    assert [each.action for each in LedgerEvent.objects.filter(stream=row.uid).order_by("seq")] == [
        "disposal.proposed",
        "disposal.withdrawn",
    ]


def test_one_proposal_of_a_kind_waits_at_a_time(people, over):
    row = proposed(people)
    with nothing_written(), pytest.raises(CaseError, match="It is proposed already"):
        proposed(people, by="a.byrne")
    agreed(row, people)
    with nothing_written(), pytest.raises(CaseError, match="Wait until that is done"):
        proposed(people)
    work()
    with nothing_written(), pytest.raises(CaseError, match="Nothing is over any more"):
        proposed(people)


def test_what_keeps_a_case_is_told_and_it_is_over_still(people, over):
    held, busy, again = closed(people), closed(people), closed(people)
    row = proposed(people)
    assert row.counted == 4
    holds.enter(held.pk, "legal", actor=people[LEAD], at=OVER, source="court", reason="An order.")
    with record.act(busy, "tests.asked", actor=actors.system("tests"), at=OVER):
        tasks.raise_task("link_review", case=busy, at=OVER)
    reopened(again)
    row = agreed(row, people)
    work()
    assert [erased(each) for each in (over, held, busy, again)] == [True, False, False, False]
    assert left(row) == (1, [("kept", 1)])  # what was held or opened again before the work began is not listed
    # Which it was is told of nobody: a case that shows nothing that keeps it would tell of a compartment.
    row = Disposal.objects.select_related("job").get(pk=row.pk)
    assert disposals.left(row, people[LEAD], most=9) == []
    assert disposals.jobs.names(row.job, people[OFFICER], [str(busy.pk)]) == {}
    with nothing_written():
        work()
    assert overdue.next_due(KIND, today=OVER.date()).count == 1


def test_a_hold_that_keeps_no_record_or_has_ended_keeps_nothing(people, over):
    ended = closed(people)
    holds.enter(over.pk, "vulnerable", actor=people[LEAD], at=AT, source="customer", reason="Said so.")
    until = AT + timedelta(days=20)
    holds.enter(ended.pk, "legal", actor=people[LEAD], at=AT, source="court", reason="An order.", ends_at=until)
    agreed(proposed(people), people)
    work()
    assert erased(over) and erased(ended)


def held_quietly(case, people):
    hidden = suspicions.acknowledged(people)
    with record.act(hidden, "tests.held", actor=actors.system("tests"), at=AT):
        quietholds.place(hidden, [quietholds.case_token(case.uid)], blocks=["dispose"], at=AT)


def test_what_a_compartment_keeps_is_nowhere_named_or_counted_before_or_after(people, over):
    other = closed(people)
    assert listed() == [over.reference, other.reference]
    held_quietly(over, people)
    assert listed() == [other.reference]
    assert overdue.next_due(KIND, today=OVER.date()).count == 1
    row = agreed(proposed(people), people)
    assert row.counted == 1
    work()
    assert (erased(over), erased(other)) == (False, True)
    assert left(row) == (1, [])
    for found in (overdue.next_due(KIND, today=OVER.date()), listed(), left_to_ask()):
        assert not found
    with nothing_written(), pytest.raises(CaseError, match="Nothing is over any more"):
        proposed(people)


def left_to_ask():
    """The kinds of which the list and the task say that anything is over."""
    later = OVER + timedelta(days=90)
    since = overdue.since([casetypes.get(KIND)], today=later.date())
    return [*since, *([KIND] if disposals.ask_for_disposals(now=later) else [])]


def test_what_comes_after_what_is_kept_out_of_sight_is_listed_still(people):
    hidden = [closed(people, at=AT + timedelta(days=days)) for days in (0, 1)]
    shown = [closed(people, at=AT + timedelta(days=days)) for days in (2, 3)]
    for case in hidden:
        held_quietly(case, people)
    today = OVER.date() + timedelta(days=30)
    found = overdue.next_due(KIND, today=today, most=1)
    assert found == overdue.Due(count=1, people=0, last_date=KEPT_UNTIL + timedelta(days=2), has_more=True)
    assert overdue.since([casetypes.get(KIND)], today=today) == {KIND: KEPT_UNTIL + timedelta(days=2)}
    assert listed(at=OVER + timedelta(days=30)) == [each.reference for each in shown]


def test_a_hold_of_a_compartment_that_begins_after_the_list_keeps_it_and_the_reason_is_that_of_any(people, over):
    row = agreed(proposed(people), people)
    held_quietly(over, people)
    job = Job.objects.get(pk=row.job_id)
    with pytest.raises(disposals.jobs.Skipped, match="kept"):
        disposals._do(job, str(over.pk), OVER)
    work()
    assert not erased(over)


def test_what_was_merged_into_what_a_compartment_keeps_is_not_named_either(people, over):
    into = closed(people)
    with record.act(over, "tests.merged", actor=actors.system("tests"), at=OVER):
        over.merged_into = into
        over.save()
    assert listed() == [over.reference, into.reference]
    held_quietly(into, people)
    assert listed() == []


def test_what_was_split_from_what_a_compartment_keeps_is_not_named_either(people, over):
    part = closed(people)
    with record.act(part, "tests.split", actor=actors.system("tests"), at=OVER):
        CaseLink(case=part, other=over, kind="split_from", key=part.key, made_at=OVER).save(force_insert=True)
    assert listed() == [over.reference, part.reference]
    held_quietly(over, people)
    assert listed() == [] and overdue.next_due(KIND, today=OVER.date()) is None


def test_a_case_that_is_reopened_after_the_agreement_is_kept(people, over):
    row = agreed(proposed(people), people)
    reopened(over)
    # The worker listed it before.
    job = Job.objects.get(pk=row.job_id)
    with pytest.raises(disposals.jobs.Skipped, match="kept"):
        disposals._do(job, str(over.pk), OVER)
    work()
    assert not erased(over)


def test_a_merged_case_is_kept_while_the_other_needs_it(people, over):
    other = factories.investigating(people)
    with record.act(over, "tests.merged", actor=actors.system("tests"), at=OVER):
        over.merged_into = other
        over.save()
    row = agreed(proposed(people), people)
    work()
    assert left(row) == (0, [("merged", 1)])
    assert not erased(over)


def test_of_more_than_one_proposal_takes_whole_days_are_taken(people):
    for days in (0, 0, 1, 2):
        closed(people, at=AT + timedelta(days=days))
    today = OVER.date() + timedelta(days=30)
    assert overdue.next_due(KIND, today=today, most=3) == overdue.Due(
        count=3, people=0, last_date=KEPT_UNTIL + timedelta(days=1), has_more=True
    )
    assert overdue.next_due(KIND, today=today, most=1) == overdue.Due(
        count=2, people=0, last_date=KEPT_UNTIL, has_more=True
    )


def test_what_somebody_asked_to_erase_is_left_to_that_decision(people, over, monkeypatch):
    row = agreed(proposed(people), people)
    monkeypatch.setattr(erasing, "waiting", lambda _case: object())
    work()
    assert left(row) == (0, [("kept", 1)])


def test_a_case_that_was_moved_out_of_sight_is_known_to_nobody_outside(people, over):
    team = Team.objects.get(code="conflicts")
    with record.act(over, "tests.moved", actor=actors.system("tests"), at=AT):
        moving.move(over, team, at=AT)
    assert fresh(over).is_restricted
    assert overdue.next_due(KIND, today=OVER.date()) is None
    with nothing_written(), pytest.raises(CaseError, match="Nothing is over any more"):
        proposed(people)
    with nothing_written():
        assert disposals.ask_for_disposals(now=OVER) == 0


def test_a_day_to_come_takes_only_what_is_over_when_it_is_proposed(people, over):
    row = proposed(people, last=date(2040, 1, 1))
    assert (row.counted, row.last_date) == (1, OVER.date() - timedelta(days=1))
    later = closed(people, at=AT + timedelta(days=200))
    agreed(row, people, at=OVER + timedelta(days=400))
    work(OVER + timedelta(days=400))
    assert (erased(over), erased(later)) == (True, False)


def test_what_is_held_keeps_no_other_from_being_proposed(people):
    for _ in range(2):
        held = closed(people)
        holds.enter(held.pk, "legal", actor=people[LEAD], at=AT, source="court", reason="An order.")
    closed(people, at=AT + timedelta(days=3))
    found = overdue.next_due(KIND, today=OVER.date() + timedelta(days=30), most=1)
    assert (found.count, found.has_more) == (1, False)


def test_a_report_that_was_asked_for_is_made_first_and_no_other_waits_for_one_of_an_erased_case(people, over):
    requests.request(over, actor=people["a.byrne"], at=AT)
    assert erasing.waits_for(fresh(over), at=OVER) == "report_made"
    other = closed(people)
    requests.request(other, actor=people["a.byrne"], at=AT)
    with transaction.atomic(), erasing.erase(locks.case_for_update(over.pk), reason="retention_over", at=OVER):
        pass
    assert requests.make_due(now=OVER) == 1


def test_the_page_of_a_person_knows_nothing_of_an_erased_case(people, over):
    party, living = Party(), factories.referred(people)
    with record.act(over, "tests.joined", actor=actors.system("tests"), at=AT):
        party.save()
        person = over.parties.first()
        person.party = party
        person.save()
    with record.act(living, "tests.joined", actor=actors.system("tests"), at=AT):
        person = living.parties.first()
        person.party = party
        person.save()
    agreed(proposed(people), people)
    work()
    page = desk.client_of("a.byrne").get(f"/persons/{party.uid}/").content.decode()
    assert living.reference in page and over.reference not in page
