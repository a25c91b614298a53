"""What people decide about stuck messages."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from cases.kernel import actors, edits
from cases.kernel.exchange import deadletters
from cases.kernel.models import OutboxMessage, Task
from cases.kernel.office import proposals
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.agencies.stage import acts, now, promise, state_of
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dead(case) -> OutboxMessage:
    message = promise(case)
    OutboxMessage.objects.filter(pk=message.pk).update(state="dead", settled_at=now(), attempts=10)
    return message


def test_a_dead_message_is_made_due_again_under_its_id_and_on_record(case, people, dead):
    deadletters.try_again(dead, actor=people["a.byrne"], at=now(), reason="The agency mended its door.")

    row = OutboxMessage.objects.get(pk=dead.pk)
    assert (row.state, row.public_id, row.settled_at) == ("pending", dead.public_id, None)
    assert row.resolved_by == people["a.byrne"].label
    assert acts(case, "message.tried_again") == 1


def test_a_skipped_message_lets_its_stream_go_on(case, people, dead):
    from cases.agencies import queue

    follower = promise(case)
    deadletters.skip(dead, actor=people["a.byrne"], at=now(), reason="Told by telephone.")

    assert [one.message_id for one in queue.claim(dead.public_id)] == [follower.pk]


def test_whoever_works_on_the_case_is_asked_to_tell_what_another_gave_up(case, people, dead):
    with transaction.atomic():
        deadletters.skip(dead, actor=people["a.byrne"], at=now(), reason="Told by telephone.")
        assert not Task.objects.filter(case=case, kind="message_given_up").exists()
        transaction.set_rollback(True)

    deadletters.skip(dead, actor=actors.system("dead_letters"), at=now(), reason="Their machine is gone.")

    task = Task.objects.get(case=case, kind="message_given_up", closed_at=None)
    assert (task.team_id, task.detail) == (
        case.team_id,
        {"agency": "sandbox-fraud-register", "message": str(dead.public_id), "message_kind": dead.kind},
    )
    edits.close_task(case.pk, task.pk, actor=people["a.byrne"], at=now(), reason="I rang them.")


@pytest.mark.parametrize("reason", ["", "  "])
def test_without_a_reason_nothing_is_decided(case, people, dead, reason):
    before = LedgerEvent.objects.count()

    with pytest.raises(deadletters.NotStuck):
        deadletters.skip(dead, actor=people["a.byrne"], at=now(), reason=reason)

    assert (state_of(dead), LedgerEvent.objects.count()) == ("dead", before)


@pytest.mark.parametrize("decide", [deadletters.try_again, deadletters.skip])
def test_whoever_has_a_tie_to_somebody_in_the_case_decides_nothing(case, people, dead, decide):
    actor = people["a.byrne"]
    tie = {"user": actor.user_id, "phone": factories.VICTIM["values"]["phone"]}
    proposals.propose("tie_person", tie, actor=actor, at=factories.APPROVED_AT, reason="My sister.")

    with nothing_written(), pytest.raises(deadletters.NotStuck, match="registered tie"):
        decide(dead, actor=actor, at=now(), reason="The agency mended its door.")

    decide(dead, actor=people["p.nair"], at=now(), reason="The agency mended its door.")


def test_a_message_on_its_way_is_left_alone(case, people):
    message = promise(case)

    with pytest.raises(deadletters.NotStuck):
        deadletters.try_again(message, actor=people["a.byrne"], at=now(), reason="Hurry.")


def test_the_command_lists_and_decides(case, dead):
    out = StringIO()
    call_command("dead_letters", stdout=out)
    assert out.getvalue().split()[:3] == [str(dead.public_id), case.reference, "test_message"]

    call_command("dead_letters", "--skip", str(dead.public_id), "--reason", "Told by telephone.", stdout=StringIO())

    assert state_of(dead) == "skipped"
    with pytest.raises(CommandError, match="No stuck message"):
        call_command("dead_letters", "--again", str(dead.public_id), "--reason", "Again.")
