"""A question to an authority is chased; what was refused on a ground that is corrected since stands again."""

from datetime import timedelta

import pytest

from cases.disclosure import guards
from cases.kernel import edits
from cases.kernel.models import Task
from cases.kernel.timing import rulebook, sweeps
from tests import disclosures, factories
from tests.disclosures import AT, after, facts
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.office()


def asked(people, grade=3):
    return after(disclosures.authenticated(people, grade=grade), "clarify", people["k.mistry"], question="In UTC?")


def chased(case):
    return [task.closed_at for task in Task.objects.filter(case=case, kind="disclosure_chase_answer")]


@pytest.mark.parametrize(
    ("grade", "rule"),
    [(1, "disclosure_question_urgent"), (2, "disclosure_question_urgent"), (3, "disclosure_question")],
)
def test_a_question_that_nobody_answers_is_chased_and_its_answer_ends_that(people, grade, rule):
    case = asked(people, grade)
    clock = case.clocks.get(rule=rule)
    assert case.due_at == clock.due_at  # our own stands still
    with nothing_written():
        sweeps.end_due_clocks(now=clock.due_at)
    late = clock.due_at + timedelta(minutes=1)
    assert sweeps.end_due_clocks(now=late) >= 1
    clock.refresh_from_db()
    assert (clock.state, clock.ended_at, chased(case)) == ("breached", None, [None])
    sweeps.end_due_clocks(now=late + timedelta(days=1))
    assert chased(case) == [None]

    after(case, "answer", people["k.mistry"], late + timedelta(hours=1), answer="In UTC.")
    clock.refresh_from_db()
    assert (clock.state, chased(case)) == ("breached", [late + timedelta(hours=1)])
    assert clock.ended_at is not None


def test_it_is_asked_for_before_the_time_is_over(people):
    rulebook.load(at=AT)
    case = asked(people)
    clock = case.clocks.get(rule="disclosure_question")
    sweeps.warn_of_ends(now=clock.due_at - timedelta(hours=2))
    assert Task.objects.filter(case=case, kind="clock_soon", detail__rule=clock.rule, closed_at=None).count() == 1
    after(case, "answer", people["k.mistry"], AT + timedelta(hours=1), answer="In UTC.")
    clock.refresh_from_db()
    assert (clock.state, chased(case)) == ("met", [])
    assert not Task.objects.filter(case=case, kind="clock_soon", detail__rule=clock.rule, closed_at=None).exists()


@pytest.mark.parametrize(
    ("name", "by", "inputs"),
    [("refuse", "k.mistry", {"reason_code": "manifest_error"}), ("cancel", "k.mistry", {"notice": "By e-mail."})],
)
def test_nobody_is_asked_any_more_once_the_request_is_over(people, name, by, inputs):
    case = asked(people)
    late = case.clocks.get(rule="disclosure_question").due_at + timedelta(minutes=1)
    sweeps.end_due_clocks(now=late)
    after(case, name, people[by], late, **inputs)
    assert case.clocks.filter(rule="disclosure_question", ended_at=None).count() == 0
    assert None not in chased(case)


def test_what_was_refused_on_a_ground_that_is_corrected_stands_again(people):
    case = disclosures.authenticated(people, gateway="gdpr_6_1_f", items=["cctv", "subscriber_name"])
    after(case, "refuse_items", people["k.mistry"])
    assert list(facts(case).refused_items) == ["subscriber_name"]
    with edits.change(case.pk, actor=people["k.mistry"], at=AT) as edit:
        edit.facts(grade=2)
    assert list(facts(case).refused_items) == ["subscriber_name"]  # another correction opens nothing

    with edits.change(case.pk, actor=people["k.mistry"], at=AT) as edit:
        edit.facts(gateway="other_order", authoriser="County Court")
    assert facts(case).refused_items == {}
    assert guards.open_items(facts(case)) == ["cctv", "subscriber_name"]
