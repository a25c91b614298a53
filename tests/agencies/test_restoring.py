"""After a restore nothing leaves twice to whoever cannot tell a repeat, and no file has a number that was used."""

from io import StringIO

import pytest
from django.core.management import call_command

from cases.kernel.models import BatchFile, Stream, Task
from cases.ledger.models import SecurityEvent
from tests import factories
from tests.agencies.filestage import CODE, Partner, channel_of, promised, registered
from tests.agencies.stage import promise, state_of
from tests.agencies.test_queue import claim

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people():
    return factories.office()


def test_what_waited_when_the_backup_was_taken_is_for_people_where_a_repeat_is_not_known(people, tmp_path):
    partner = Partner(tmp_path / "partner")
    with partner.server:
        agency = registered(partner, receiver_dedupes=False)
    trying, waiting = promised(agency), promised(agency)
    assert claim()[1] == [trying.message_id]
    by_message = promise(factories.referred(people))
    number = Stream.objects.get(channel=channel_of(agency), case=None).next_seq
    out = StringIO()

    call_command("after_restore", "--nothing-erased", stdout=out)

    assert [state_of(each.message) for each in (waiting, trying)] == ["unknown", "unknown"]
    assert Task.objects.filter(kind="message_unknown", detail__agency=CODE, closed_at=None).count() == 2
    assert claim()[1] == [by_message.pk]  # under its old id, which its receiver knows
    assert promised(agency).sequence_no == number + 1000
    assert out.getvalue().startswith("2 messages may have left since the backup")
    assert SecurityEvent.objects.get(kind="restored").detail == {
        "undecided": 2,
        "streams": 1,
        "cases": 0,
        "people": 0,
        "keys": 0,
    }
    assert BatchFile.objects.filter(sequence_no__lt=1000).count() == 2
