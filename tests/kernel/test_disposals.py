"""Closed cases are erased when their time is over: one person proposes it, another agrees, a job does it."""

from datetime import date, timedelta
from unittest.mock import Mock

import pytest
from django.db import transaction

from cases.credit import keeping
from cases.kernel import (
    actors,
    casetypes,
    disposals,
    edits,
    erasing,
    holds,
    jobrun,
    locks,
    overdue,
    record,
    tasks,
    transitions,
    unnaming,
)
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.linking import links
from cases.kernel.models import (
    Case,
    CaseLink,
    CaseParty,
    Disposal,
    Job,
    Note,
    OutboxMessage,
    Party,
    SearchEntry,
    Task,
    Team,
)
from cases.kernel.office import proposals
from cases.kernel.restricted import moving, quietholds
from cases.kernel.timing import sweeps
from cases.ledger import sealing, verify
from cases.ledger.models import DataKey, LedgerEvent
from cases.reports import requests
from tests import checks, factories, requests_of_people, suspicions
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web import desk

pytestmark = pytest.mark.django_db
KIND, HIDDEN = "fraud_referral", "suspicion_report"
LEAD, OFFICER, ANALYST = "d.osei", "j.merriweather", "p.nair"
KEPT_UNTIL = date(2027, 11, 14)
ON_THE_DAY = AT + timedelta(days=365)
OVER = AT + timedelta(days=366)
READER = sealing.Reader(actor="staff:1", verb="view", purpose="casework")


@pytest.fixture
def people():
    return factories.office()


@pytest.fixture
def over(people):
    return closed(people)


def closed(people, at=AT):
    """A referral that was closed without filing: kept 12 months."""
    case = factories.investigating(people)
    return transitions.apply(case.pk, "close_no_action", actor=people["a.byrne"], at=at, reason="A mistake.")


def reopened(case):
    with record.act(case, "tests.reopened", actor=actors.system("tests"), at=OVER):
        case.is_closed, case.closed_date, case.dispose_after_date = False, None, None
        case.save()
        for person in case.parties.all():
            person.closed_date = person.dispose_after_date = None
            person.save()


def proposed(people, by=LEAD, at=OVER, kind=KIND, last=KEPT_UNTIL, **inputs):
    return disposals.propose(kind, last_date=last, actor=people[by], at=at, **inputs)


def agreed(row, people, by=OFFICER, at=OVER, **inputs):
    return disposals.decide(row.uid, is_agreed=True, actor=people[by], at=at, **inputs)


def work(at=OVER):
    jobrun.work(clock=lambda: at, seconds=60)


def fresh(case):
    return Case.objects.select_related("key").get(pk=case.pk)


def erased(case):
    return fresh(case).key.destroyed_at is not None


def left(row):
    job = Disposal.objects.select_related("job").get(pk=row.pk).job
    return job.done, [(code, count) for _, code, count in disposals.jobs.left_out(job)]


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


def listed(kind=KIND, at=OVER):
    """What the page names, as references."""
    return [case.reference for case in overdue.due(kind, today=at.date(), last_date=at.date(), most=50)]


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


class TestWhoIsAsked:
    """The team of the kind hears that something is over, whoever agrees hears that it is proposed."""

    def asked(self, at=OVER):
        return disposals.ask_for_disposals(now=at)

    def open_tasks(self, kind):
        return list(Task.objects.filter(kind=kind, closed_at=None))

    def test_the_team_has_one_task_until_it_is_proposed(self, people, over):
        assert self.asked(ON_THE_DAY) == 0
        assert self.asked() == 1
        with nothing_written():
            assert self.asked() == 0
        (task,) = self.open_tasks(disposals.DUE)
        assert (task.team.code, task.case, task.detail) == ("fraud", None, {"of": KIND})
        row = proposed(people)
        assert not self.open_tasks(disposals.DUE)
        with nothing_written():
            assert self.asked() == 0
        (task,) = self.open_tasks(disposals.TO_AGREE)
        assert (task.team, task.detail) == (None, {"of": KIND, "disposal": str(row.uid)})
        agreed(row, people)
        assert not self.open_tasks(disposals.TO_AGREE)
        work()
        with nothing_written():
            assert self.asked() == 0

    def test_it_ends_by_itself_where_nothing_is_over_any_more(self, people, over):
        self.asked()
        with record.act(over, "tests.kept", actor=actors.system("tests"), at=OVER):
            over.dispose_after_date = OVER.date() + timedelta(days=9)
            over.save()
            for person in over.parties.all():
                person.dispose_after_date = over.dispose_after_date
                person.save()
        assert self.asked() == 0
        assert not self.open_tasks(disposals.DUE)

    def test_what_is_held_is_asked_about_again_after_a_month(self, people, over):
        with record.act(over, "tests.asked", actor=actors.system("tests"), at=AT):
            tasks.raise_task("link_review", case=over, at=AT)
        row = agreed(proposed(people), people)
        work()
        assert left(row) == (0, [("kept", 1)])
        with nothing_written():
            assert self.asked() == 0
            assert self.asked(OVER + timedelta(days=29)) == 0
        assert self.asked(OVER + timedelta(days=30)) == 1

    def test_what_comes_after_what_was_decided_is_asked_about_at_once(self, people, over):
        agreed(proposed(people), people)
        work()
        closed(people, at=AT + timedelta(days=3))
        with nothing_written():
            assert self.asked(OVER + timedelta(days=2)) == 0
        assert self.asked(OVER + timedelta(days=3)) == 1


class TestOfARestrictedKind:
    """Its own people alone propose, agree and know of it."""

    @pytest.fixture
    def hidden(self, people):
        return suspicions.dismissed(people)

    def test_two_of_its_team_erase_it_and_no_list_of_work_names_it(self, people, hidden):
        at = AT + timedelta(days=5 * 366)
        last = hidden.dispose_after_date
        for stranger in (OFFICER, LEAD, "e.hallam", "b.lacombe"):
            with nothing_written(), pytest.raises((NotAllowed, NotVisible)):
                proposed(people, by=stranger, kind=HIDDEN, last=last, at=at)
            assert HIDDEN not in {each.code for each in disposals.kinds_of(people[stranger])}
        assert disposals.ask_for_disposals(now=at) == 1
        (task,) = Task.objects.filter(kind=disposals.DUE, closed_at=None)
        assert task.team.code == "financial_crime"
        row = proposed(people, by="h.castellan", kind=HIDDEN, last=last, at=at)
        (task,) = Task.objects.filter(kind=disposals.TO_AGREE, closed_at=None)
        assert task.team.code == "financial_crime"
        for stranger in (OFFICER, LEAD, "e.hallam"):
            with nothing_written(), pytest.raises(NotVisible):
                agreed(row, people, by=stranger, at=at)
            assert row not in disposals.mine(people[stranger], most=9)
        with nothing_written(), pytest.raises(NotAllowed, match="You proposed this"):
            agreed(row, people, by="h.castellan", at=at)
        agreed(row, people, by="w.strake", at=at)
        work(at)
        assert erased(hidden)
        for everybody in people.values():
            if everybody.kind == "staff":
                assert not disposals.jobs.visible_to(everybody).exists()

    def test_its_own_people_hear_of_what_could_not_be_erased_until_all_of_it_is(self, people, monkeypatch, hidden):
        """A hidden job is on no page: a failed row of it would otherwise be told to nobody."""
        at, last = AT + timedelta(days=5 * 366), hidden.dispose_after_date
        row = agreed(proposed(people, by="h.castellan", kind=HIDDEN, last=last, at=at), people, by="w.strake", at=at)
        with monkeypatch.context() as broken:
            broken.setattr(erasing, "erase", Mock(side_effect=RuntimeError))
            work(at)
        assert not erased(hidden)
        (task,) = Task.objects.filter(kind=disposals.LEFT, closed_at=None)
        assert (task.team.code, task.detail) == ("financial_crime", {"of": HIDDEN, "disposal": str(row.uid)})
        assert LedgerEvent.objects.get(action="job.left_undone").stream == row.uid
        agreed(proposed(people, by="w.strake", kind=HIDDEN, last=last, at=at), people, by="h.castellan", at=at)
        work(at)
        assert erased(hidden) and not Task.objects.filter(kind=disposals.LEFT, closed_at=None).exists()

    def test_what_must_be_so_is_said_by_both(self, people, monkeypatch, hidden):
        at, last = AT + timedelta(days=5 * 366), hidden.dispose_after_date
        kind = casetypes.get(HIDDEN)
        monkeypatch.setattr(disposals.casetypes, "get", lambda _code: needing)
        needing = disposals.casetypes.CaseType(
            **{name: getattr(kind, name) for name in kind.__dataclass_fields__ if name != "disposal_needs"},
            disposal_needs="Inspected.",
        )
        monkeypatch.setattr(disposals.casetypes, "all_types", lambda: (needing,))
        with nothing_written(), pytest.raises(CaseError, match=r"Say that it is so: Inspected\."):
            proposed(people, by="h.castellan", kind=HIDDEN, last=last, at=at)
        row = proposed(people, by="h.castellan", kind=HIDDEN, last=last, at=at, is_confirmed=True)
        with nothing_written(), pytest.raises(CaseError, match=r"Say that it is so: Inspected\."):
            agreed(row, people, by="w.strake", at=at)
        assert agreed(row, people, by="w.strake", at=at, is_confirmed=True).state == "agreed"


def test_the_disclosure_register_is_inspected_before_it_is_erased():
    needs = {kind.code: kind.disposal_needs for kind in casetypes.all_types() if kind.disposal_needs}
    assert set(needs) == {"le_disclosure"}
    assert "inspectors" in needs["le_disclosure"]


def test_what_somebody_asked_to_erase_is_left_to_that_decision(people, over, monkeypatch):
    row = agreed(proposed(people), people)
    monkeypatch.setattr(erasing, "waiting", lambda _case: object())
    work()
    assert left(row) == (0, [("kept", 1)])


class TestAPersonOfACaseThatIsKeptLonger:
    """A victim is kept 13 months from the filing, whoever did it six years: the filing stands, the victim goes."""

    KEPT_UNTIL = date(2027, 12, 16)
    OVER = factories.FILED_AT + timedelta(days=400)

    @pytest.fixture
    def filed(self, people):
        case = factories.filed(people)
        with record.act(case, "tests.posted", actor=actors.system("tests"), at=AT):
            for letter in case.letters.all():
                letter.state, letter.dispatched_date = "dispatched", AT.date()
                letter.save()
        OutboxMessage.objects.filter(case=case).update(
            state="delivered", settled_at=AT, acknowledged_at=AT, lease=None, lease_until=None
        )
        sweeps.end_due_clocks(now=self.OVER)
        return Case.objects.get(pk=case.pk)

    def erase(self, people):
        row = proposed(people, at=self.OVER, last=self.KEPT_UNTIL)
        agreed(row, people, at=self.OVER)
        work(self.OVER)
        return row

    def test_they_alone_are_erased_and_the_filing_stands(self, people, filed):
        found = overdue.next_due(KIND, today=self.OVER.date())
        assert (found.count, found.people) == (0, 1)
        assert overdue.next_due(KIND, today=self.KEPT_UNTIL) is None
        row = self.erase(people)
        assert (row.counted, row.people) == (0, 1)
        assert left(row) == (1, [])
        fraudster, victim = CaseParty.objects.select_related("key").filter(case=filed).order_by("number")
        assert (victim.is_erased, victim.is_detached, fraudster.is_erased) == (True, True, False)
        (values,) = sealing.open_rows([victim], ("surname", "phone"), reader=READER, at=OVER)
        assert set(values.values()) == {sealing.ERASED}
        (values,) = sealing.open_rows([fraudster], ("alias",), reader=READER, at=OVER)
        assert values["alias"] == "Morwenna Tregaskis"
        case = fresh(filed)
        assert (case.state, case.is_erased, case.key.destroyed_at) == ("filed", False, None)
        assert not SearchEntry.objects.filter(party=victim).exists()
        assert SearchEntry.objects.filter(party=fraudster).exists()
        (event,) = LedgerEvent.objects.filter(stream=case.uid, action="case.person_erased")
        assert event.content()["detail"] == {
            "person": 2,
            "disposal": str(row.uid),
            "class": "fraud_victim",
            "kept_until": "2027-12-16",
        }
        assert not overdue.next_due(KIND, today=self.OVER.date())

    @pytest.mark.parametrize(
        ("text", "is_named"),
        [
            ("She is reached at M.Tregaskis@example.org.", True),
            ("Rang her on 07700 900 123.", True),
            ("Of 12 harbour row.", True),
            ("Morwenna Tregaskis may bill us.", False),  # whoever did it used that name, and stays known by it
            ("They rang from the shop.", False),
        ],
    )
    def test_where_the_facts_of_a_case_name_them_somebody_writes_those_anew(self, people, filed, text, is_named):
        with edits.change(filed.pk, actor=people["p.nair"], at=AT) as edit:
            edit.facts(narrative=text)
        with record.act(filed, "tests.answered", actor=actors.system("tests"), at=AT):
            for task in Task.objects.filter(case=filed, closed_at=None):
                tasks.close(task, actor=actors.system("tests"), at=AT)
        self.erase(people)
        asked = Task.objects.filter(case=filed, kind="text_names_erased", closed_at=None)
        assert list(asked.values_list("detail__person", flat=True)) == [2] * is_named
        assert CaseParty.objects.get(case=filed, number=2).is_erased
        (event,) = LedgerEvent.objects.filter(stream=filed.uid, action="case.person_erased")
        assert event.content()["detail"].get("facts_name_them", False) == is_named

    def test_what_notes_say_of_who_they_are_goes_with_them_and_what_others_are_known_by_stays(self, people, filed):
        """The victim's name is the one that the fraudster used, and stays; the rest of the victim goes."""
        analyst = people["a.byrne"]
        with record.act(filed, "tests.named", actor=actors.system("tests"), at=AT):
            victim = filed.parties.get(number=2)
            sealing.seal(victim, {"middle_name": "Keziah-Jane", "phone": "+447700900123"}, key=victim.key)
            victim.save()
        said = "Rang KEZIAH on 07700 900123 or m.tregaskis@example.org: Morwenna may bill us.\nKeziah, jane keziah."
        first = edits.add_note(filed.pk, said, actor=analyst, at=AT)
        other = edits.add_note(filed.pk, "The parcel went back.", actor=analyst, at=AT)
        (found_by,) = SearchEntry.objects.filter(note=first).values_list("tokens", flat=True)
        said = {"actor": analyst, "at": AT, "act": "note", "shapes": False}
        for verb, reason in (("tests.named", "Keziah asked for it."), ("tests.not_named", "Person 2 asked for it.")):
            with edits.change(filed.pk, verb=verb, reason=reason, **said):
                pass
        named = LedgerEvent.objects.filter(stream=filed.uid, action="tests.named").latest("seq").seq

        self.erase(people)

        (still,) = SearchEntry.objects.filter(note=first).values_list("tokens", flat=True)
        assert len(set(found_by) - set(still)) >= len({"keziah", "jane"})
        notes = [Note.objects.select_related("key").get(pk=each.pk) for each in (first, other)]
        texts = [each["text"] for each in sealing.open_rows(notes, ("text",), reader=READER, at=OVER)]
        assert texts == [
            "Rang [erased] on [erased] or [erased]: Morwenna may bill us.\n[erased], [erased] [erased].",
            "The parcel went back.",
        ]
        assert notes[1].key_id == other.key_id
        assert DataKey.objects.get(pk=first.key_id).destroyed_at
        old = Note.history.filter(id=first.pk).order_by("history_id").first()
        assert sealing.open_rows([old], ("text",), reader=READER, at=OVER) == [{"text": sealing.ERASED}]
        (event,) = LedgerEvent.objects.filter(stream=filed.uid, action="case.person_erased")
        assert (event.content()["detail"]["notes"], event.content()["detail"]["reasons_name_them"]) == (1, [named])
        assert {each.level for each in verify.verify_stream(filed.uid)} <= {"recorded late", "wrong"}
        page = desk.client_of("a.byrne").get(f"/cases/{filed.uid}/").content.decode()
        assert page.count("[erased] or [erased]: Morwenna") == 1
        asked = requests.request(fresh(filed), actor=analyst, at=self.OVER)
        requests.make(asked.pk, now=self.OVER)
        asked.refresh_from_db()
        assert asked.state == "done"

    @pytest.mark.parametrize(
        ("said", "left"),
        [
            ("Marian Whitlock's brother rang of Whitlock’s car.", "[erased] [erased] brother rang of [erased] car."),
            ("(020) 7946 0018, +44 (0) 20 7946 0018, 0044 20 7946-0018", "([erased], [erased], [erased]"),
            ("m_whit.lock@example.com of 12, High Street", "[erased] of [erased]"),
            (
                "Born 09/03/1984, 9.3.84, 9th March 1984 or March 9, 1984.",
                "Born [erased], [erased], [erased] or [erased].",
            ),
            ("Paid from 12345678; lives at 12 High Street, Flat 2.", "Paid from [erased]; lives at [erased], Flat 2."),
            (
                "mrs whitlock or Mr Will of whitlock hall, a will.",
                "mrs [erased] or Mr [erased] of [erased] hall, a will.",
            ),
            ("Will Whitlock came; it will rain, Will he?", "[erased] [erased] came; it will rain, Will he?"),
            ("The Whitlocks came, and the Whitlocks' car.", "The [erased] came, and the [erased]' car."),
            (
                "M. Whitlock and M W Whitlock rang; I met M.W. at 3 P.M.",
                "[erased] and [erased] rang; I met [erased] at 3 P.M.",
            ),
            ("spoke to marian whitlock, then whitlock alone", "spoke to [erased] [erased], then [erased] alone"),
            ("Owes £9,319.84 since 19 March 1984.", "Owes £9,319.84 since 19 March 1984."),
        ],
    )
    def test_what_somebody_is_known_by_is_found_however_it_is_written(self, said, left):
        named = {"forename": "Marian Will", "surname": "Whitlock", "date_of_birth": "1984-03-09"}
        reached = {"phone": "020 7946 0018", "email": "m_whit.lock@example.com", "line_1": "Flat 2, 12 High Street"}
        reached["bank_account"] = "00-00-00 12345678"
        assert unnaming.known_by([named | reached]).taken_out_of(said) == left

    @pytest.mark.parametrize(
        ("said", "left"),
        [
            (
                "The Bank put the price up; our Bank knows the price.",
                "The Bank put the price up; our Bank knows the price.",
            ),
            (
                "Told Price. Price paid by bank, as Price said.",
                "Told [erased]. [erased] paid by bank, as [erased] said.",
            ),
            ("price bank rang; mr price too", "[erased] [erased] rang; mr [erased] too"),
            ("A Price list", "A Price list"),
        ],
    )
    def test_a_name_that_is_a_word_too_stays_where_it_is_one(self, said, left):
        known = unnaming.known_by([{"forename": "Price", "surname": "Bank"}])
        assert known.taken_out_of(said) == left

    def test_first_letters_that_somebody_shares_who_stays_stay(self):
        gone = unnaming.known_by([{"forename": "Jane", "surname": "Stonebridge"}])
        here = unnaming.known_by([{"forename": "John", "surname": "Smythe"}])
        assert gone.without(here).taken_out_of("J.S. rang, Stonebridge did not.") == "J.S. rang, [erased] did not."

    def test_pages_papers_and_the_marker_go_on_without_them(self, people, filed):
        self.erase(people)
        analyst = desk.client_of("a.byrne")
        page = analyst.get(f"/cases/{filed.uid}/").content.decode()
        assert "Erased: the time for which this person is kept was over." in page
        assert "what the case said of a person" in page
        for path in ("edit/", "people/2/edit/", "people/2/", "messages/", "documents/", "linked/", "audit/", "report/"):
            assert analyst.get(f"/cases/{filed.uid}/{path}").status_code in {200, 302, 404, 405}, path
        assert analyst.get(f"/cases/{filed.uid}/people/2/edit/").status_code == 404
        asked = requests.request(fresh(filed), actor=people["a.byrne"], at=self.OVER)
        requests.make(asked.pk, now=self.OVER)
        asked.refresh_from_db()
        assert asked.state == "done"
        # The marker of whoever did it ends in its own time, and says nothing of the victim.
        sweeps.end_due_clocks(now=factories.FILED_AT + timedelta(days=366 * 6))
        assert fresh(filed).state == "expired"

    def test_what_keeps_the_case_keeps_them_too(self, people, filed):
        row = proposed(people, at=self.OVER, last=self.KEPT_UNTIL)
        holds.enter(filed.pk, "legal", actor=people[LEAD], at=self.OVER, source="court", reason="An order.")
        row = agreed(row, people, at=self.OVER)
        with pytest.raises(disposals.jobs.Skipped, match="kept"):
            disposals._do(Job.objects.get(pk=row.job_id), f"{filed.pk}/2", self.OVER)
        work(self.OVER)
        assert left(row) == (0, [])
        assert not CaseParty.objects.filter(is_erased=True).exists()

    def test_a_task_that_says_of_nobody_keeps_everybody(self, people, filed):
        """What an agency says of somebody waits for a person who compares: it may be them."""
        with record.act(filed, "tests.asked", actor=actors.system("tests"), at=OVER):
            tasks.raise_task("fraud_match", case=filed, at=OVER, notice=1)
        assert left(self.erase(people)) == (0, [("kept", 1)])

    def test_a_task_about_them_keeps_them_and_one_about_another_does_not(self, people, filed):
        with record.act(filed, "tests.asked", actor=actors.system("tests"), at=OVER):
            tasks.raise_task("link_review", case=filed, at=OVER, person=1)
            about = tasks.raise_task("link_review", case=filed, at=OVER, person=2)
        assert left(self.erase(people)) == (0, [("kept", 1)])
        with record.act(filed, "tests.done", actor=actors.system("tests"), at=OVER):
            tasks.close(about, actor=actors.system("tests"), at=OVER)
        assert left(self.erase(people)) == (1, [])


class TestWhatElseKeepsACase:
    """An open matter that needs it, whoever sees that, and a tie of who decides."""

    def kept(self, people):
        row = agreed(proposed(people), people)
        work()
        assert left(row) == (0, [("kept", 1)])

    def not_over(self, people):
        with nothing_written(), pytest.raises(CaseError, match="Nothing is over any more"):
            proposed(people)
        assert listed() == []

    def test_an_open_report_of_suspicion_that_came_from_it(self, people, over):
        token = quietholds.case_token(over.uid)
        report = suspicions.submitted(people, about_reference=over.reference, about_token=token)
        self.not_over(people)
        assert holds.blocks(over, "dispose", at=OVER) == holds.SENTENCE
        assert holds.blocks(over, "place", at=OVER) is None
        with record.act(report, "tests.closed", actor=actors.system("tests"), at=AT):
            report.is_closed, report.closed_date, report.dispose_after_date = True, AT.date(), KEPT_UNTIL
            report.save()
        assert holds.blocks(over, "dispose", at=OVER) is None

    def test_an_open_complaint_that_is_linked_with_it(self, people, over):
        complaint = requests_of_people.complaint(people)
        links.make(complaint.pk, "related", over.reference, actor=people["i.sowande"], at=AT)
        with record.act(over, "tests.done", actor=actors.system("tests"), at=AT):
            for task in Task.objects.filter(case=over, closed_at=None):
                tasks.close(task, actor=actors.system("tests"), at=AT)
        self.not_over(people)

    def test_a_tie_of_who_proposed_or_agreed(self, people, over):
        said = {"user": people[LEAD].user_id, "case": str(over.uid)}
        proposals.propose("tie_add", said, actor=people[LEAD], at=AT, reason="My sister's account.")
        self.kept(people)

    def test_a_contest_of_its_decision(self, people):
        check = checks.closed(people)
        checks.contest_assigned(people, check)
        assert holds.blocks(check, "dispose", at=OVER) == holds.SENTENCE
        assert casetypes.get("contest").needs({check.pk: check.uid, -1: check.uid}) == {check.pk}

    def test_a_contract_of_a_customer_that_goes_on(self, people, monkeypatch):
        check = checks.closed(people)
        with record.act(check, "tests.kept", actor=actors.system("tests"), at=AT):
            check.retention_class, check.dispose_after_date = "check_customer", KEPT_UNTIL
            check.save()
            for person in check.parties.all():
                person.dispose_after_date = KEPT_UNTIL
                person.save()
        ends = [OVER.date()]
        monkeypatch.setattr(keeping, "_contract_end", lambda _check, *, worker, at: ends[0])
        row = disposals.propose("check", last_date=KEPT_UNTIL, actor=people["p.lindqvist"], at=OVER)
        job = Job.objects.get(pk=agreed(row, people).job_id)
        with pytest.raises(disposals.jobs.Skipped, match="kept"):
            disposals._do(job, str(check.pk), OVER)
        ends[0] = date(2019, 1, 1)
        work()
        assert erased(check)


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
