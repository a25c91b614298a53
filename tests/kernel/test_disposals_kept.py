"""Who is asked to erase what is over, and what else keeps it."""

from datetime import date, timedelta
from unittest.mock import Mock

import pytest

from cases.credit import keeping
from cases.kernel import actors, casetypes, holds, record, tasks
from cases.kernel.disposal import disposals, erasing
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.linking import links
from cases.kernel.models import (
    Job,
    Task,
)
from cases.kernel.office import proposals
from cases.kernel.restricted import quietholds
from cases.ledger.models import LedgerEvent
from tests import checks, requests_of_people, suspicions
from tests.factories import AT
from tests.kernel.ended import (
    HIDDEN,
    KEPT_UNTIL,
    KIND,
    LEAD,
    OFFICER,
    ON_THE_DAY,
    OVER,
    agreed,
    closed,
    erased,
    left,
    listed,
    proposed,
    work,
)
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db


@pytest.fixture
def over(people):
    return closed(people)


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
