"""Two people and two workers at once on what is over, with real commits: one proposal, one decision, each case once."""

from datetime import timedelta

import pytest

from cases.kernel import transitions
from cases.kernel.background import jobrun
from cases.kernel.disposal import disposals
from cases.kernel.models import Case, Disposal, Job
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.factories import AT
from tests.faults.test_races import at_once, refusals
from tests.length import times

pytestmark = pytest.mark.django_db(transaction=True)
KIND, OVER = "fraud_referral", AT + timedelta(days=366)
LAST = (AT + timedelta(days=365)).date()


def closed(people):
    case = factories.investigating(people)
    return transitions.apply(case.pk, "close_no_action", actor=people["a.byrne"], at=AT, reason="A mistake.")


def test_of_two_who_propose_one_does_and_of_agreeing_and_taking_back_one_counts():
    people = factories.office()
    closed(people)
    for _ in range(times(4, 40)):
        results = at_once(
            *(
                lambda who=who: disposals.propose(KIND, last_date=LAST, actor=people[who], at=OVER)
                for who in ("d.osei", "a.byrne")
            )
        )
        assert [str(each) for each in refusals(results)] == ["It is proposed already: another person decides."]
        row = Disposal.objects.get(state="open")
        who = next(each for each in ("d.osei", "a.byrne") if people[each].user_id == row.proposed_by_id)
        said = {"is_agreed": False, "why_not": "not_now", "actor": people["j.merriweather"], "at": OVER}
        results = at_once(
            lambda u=row.uid, said=said: disposals.decide(u, **said),
            lambda u=row.uid, who=who: disposals.withdraw(u, actor=people[who], at=OVER),
        )
        assert [str(each) for each in refusals(results)] == ["It is decided already."]
        assert LedgerEvent.objects.filter(stream=row.uid).count() == 2


def test_two_presses_on_agree_and_two_workers_erase_each_case_once():
    people = factories.office()
    cases = [closed(people) for _ in range(6)]
    row = disposals.propose(KIND, last_date=LAST, actor=people["d.osei"], at=OVER)
    agree = {"is_agreed": True, "actor": people["j.merriweather"], "at": OVER}
    results = at_once(*[lambda: disposals.decide(row.uid, **agree)] * 2)
    assert len(refusals(results)) == 1
    assert Job.objects.filter(kind=disposals.ERASE).count() == 1
    at_once(*[lambda: jobrun.work(clock=lambda: OVER, seconds=30)] * 2)
    assert Case.objects.filter(pk__in=[case.pk for case in cases], is_erased=True).count() == 6
    for case in cases:
        assert LedgerEvent.objects.filter(stream=case.uid, action="case.erased").count() == 1
    assert Job.objects.get(kind=disposals.ERASE).state == "done"
