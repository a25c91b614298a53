"""A stop and a recall reach the agency whatever else lies on its channel; where they do not, somebody rings."""

import uuid
from datetime import timedelta

import pytest

from cases.agencies import queue, settlement
from cases.debt import messages
from cases.kernel import holds, record, tasks, transitions
from cases.kernel.actors import system
from cases.kernel.models import Case, Clock, OutboxMessage, Task
from cases.kernel.timing import sweeps
from tests import placements
from tests.debt.test_placement import told
from tests.factories import AT

pytestmark = pytest.mark.django_db
LATE = AT + timedelta(minutes=16)


def hold(case, people):
    return holds.enter(case.pk, "vulnerable", actor=people[placements.ANALYST], at=AT, source="customer")


def leaving():
    """Return the kinds of the messages that a worker takes now, what was promised in this transaction among them."""
    OutboxMessage.objects.filter(state="pending", attempts=0).update(due_at=AT)
    ids = [one.message_id for one in queue.claim(uuid.uuid4())]
    return list(OutboxMessage.objects.filter(pk__in=ids).values_list("kind", flat=True))


def all_arrived():
    OutboxMessage.objects.filter(state="pending").update(state="delivered", delivered_at=AT, settled_at=AT)


def of_kind(kind):
    return OutboxMessage.objects.get(kind=kind)


def ring(case):
    return Task.objects.filter(case=case, kind="placement_tell_by_hand", closed_at=None)


@pytest.mark.parametrize("before", ["unknown", "dead", "pending"])
@pytest.mark.parametrize("kind", ["dca_hold", "dca_recall", "dca_release"])
def test_a_stop_and_a_recall_wait_for_no_file_of_anybody_else(people, before, kind):
    case = placements.active(people)
    all_arrived()
    placements.released(people)  # a file of another account, which nobody could send
    later = AT + timedelta(days=9999)
    OutboxMessage.objects.filter(state="pending").update(state=before, attempts=1, due_at=later, settled_at=AT)
    if kind == "dca_hold":
        hold(case, people)
    elif kind == "dca_recall":
        transitions.apply(case.pk, "recall", actor=people[placements.ANALYST], at=AT, reason="Tried.")
    else:
        with record.act(case, "test.told", actor=system("tests"), at=AT):
            messages.tell(case, messages.DCA_RELEASE, actor=system("tests"), at=AT)

    assert leaving() == ([] if kind == "dca_release" else [kind])


def test_the_end_of_a_stop_that_has_not_left_does_not_come_after_the_next_stop(people):
    case = placements.active(people)
    first = hold(case, people)
    all_arrived()
    actor = people[placements.ANALYST]
    transitions.apply(case.pk, "release_hold", actor=actor, at=AT, reason="Over.", inputs={"hold": first.pk})
    sweeps.end_due_clocks(now=AT + timedelta(days=1, hours=16))
    OutboxMessage.objects.filter(kind="dca_release").update(state="unknown", attempts=1)
    settlement.settle(now=AT)
    assert Task.objects.filter(case=case, kind="message_unknown", closed_at=None).count() == 1

    hold(case, people)
    assert (of_kind("dca_release").state, leaving()) == ("withdrawn", ["dca_hold"])
    assert not Task.objects.filter(case=case, kind="message_unknown", closed_at=None).exists()


def test_nothing_new_of_a_person_follows_a_recall(people):
    case = placements.active(people)
    all_arrived()
    with record.act(case, "test.told", actor=system("tests"), at=AT):
        (row,) = messages.place([case.placement], actor=system("tests"), at=AT)
        messages.tell(case, messages.DCA_UPDATE, actor=system("tests"), at=AT, **row)
    transitions.apply(case.pk, "recall", actor=people[placements.ANALYST], at=AT, reason="Tried.")
    assert (of_kind("dca_update").state, leaving()) == ("withdrawn", ["dca_recall"])


def test_a_stop_that_has_not_arrived_after_a_quarter_of_an_hour_is_rung_about_until_it_has(people):
    case = placements.active(people)
    hold(case, people)
    sweeps.end_due_clocks(now=AT + timedelta(minutes=14))
    assert not ring(case).exists()
    sweeps.end_due_clocks(now=LATE)
    assert (ring(case).count(), len(told("dca_hold"))) == (1, 1)

    OutboxMessage.objects.filter(kind="dca_hold").update(state="delivered", delivered_at=LATE)
    settlement.settle(now=LATE)
    assert not ring(case).exists()


def test_a_stop_that_arrives_in_time_or_was_told_by_telephone_asks_nobody(people):
    arrived, rung = placements.active(people), placements.active(people)
    hold(arrived, people)
    OutboxMessage.objects.filter(kind="dca_hold").update(state="delivered", delivered_at=AT)
    settlement.settle(now=AT)
    hold(rung, people)
    sweeps.end_due_clocks(now=LATE)
    assert (ring(arrived).count(), ring(rung).count()) == (0, 1)
    assert Clock.objects.get(case=arrived, rule="placement_stop").state == "met"

    tasks_page_closes(ring(rung).get(), people)
    assert Clock.objects.get(case=rung, rule="placement_stop").state == "breached"
    assert Case.objects.get(pk=rung.pk).placement.is_told_of_hold


def tasks_page_closes(task, people):
    actor = people[placements.ANALYST]
    with record.act(task.case, "test.closed", actor=actor, at=LATE):
        tasks.close(task, actor=actor, at=LATE)
