"""What may not leave any more does not, and does not wait for ever: an agency that ended, an agreement or lease that
lapsed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from cases.agencies import delivery, packing, queue, settlement
from cases.agencies.directory import TERMS
from cases.agencies.transports.base import Answer
from cases.kernel import actors, calendars, record, releases
from cases.kernel.exchange import agencies, agreements, deadletters
from cases.kernel.models import DeliveryAttempt, Letter, OutboxMessage, Task
from tests import factories
from tests.agencies.stage import FPA, now, promise, state_of
from tests.agencies.test_queue import answering, change, claim

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = actors.system("tests")
POST = "sandbox-post"
UNDER, FREE = "letter", "test_message"


@pytest.fixture
def people():
    return factories.office()


def enter(code, **changes):
    agreements.enter(agencies.get(code), replace(TERMS, **changes), actor=ACTOR, at=now())


def day(days):
    return calendars.london_date(now()) + timedelta(days=days)


def of_today(*messages):
    OutboxMessage.objects.filter(pk__in=[each.pk for each in messages]).update(created_at=Now())


@pytest.mark.parametrize("column", ["sharing_until_date", "sharing_review_date"])
def test_what_waited_past_the_agreement_does_not_leave_and_is_for_people_after_a_day(people, column):
    assert releases.KINDS[UNDER].needs_agreement and FREE not in releases.KINDS
    under, free = promise(factories.referred(people), kind=UNDER), promise(factories.referred(people), kind=FREE)
    of_today(under, free)
    enter(FPA, **{column: day(-1)})
    assert claim()[1] == [free.pk]
    queue.reclaim()
    assert state_of(under) == "pending"

    OutboxMessage.objects.filter(pk=under.pk).update(created_at=now() - timedelta(hours=25))
    queue.reclaim()
    settlement.settle(now=now())
    assert (state_of(under), state_of(free)) == ("dead", "sending")
    assert Task.objects.filter(kind="message_dead", case=under.case, closed_at=None).count() == 1


def test_the_last_day_of_an_agreement_still_counts(people):
    under = promise(factories.referred(people), kind=UNDER)
    of_today(under)
    enter(FPA, sharing_until_date=day(0), sharing_review_date=day(0))
    queue.reclaim()
    assert claim()[1] == [under.pk]


@pytest.mark.parametrize(
    ("state", "hours", "became"), [("ended", 0, "dead"), ("suspended", 23, "pending"), ("suspended", 25, "dead")]
)
def test_what_was_promised_to_an_agency_that_takes_no_part_is_for_people(people, state, hours, became):
    message = promise(factories.referred(people), kind=FREE)
    OutboxMessage.objects.filter(pk=message.pk).update(created_at=now() - timedelta(hours=hours))
    enter(FPA, state=state)
    queue.reclaim()
    settlement.settle(now=now())
    assert (claim()[1], state_of(message)) == ([], became)
    assert Task.objects.filter(kind="message_dead", case=message.case).count() == (became == "dead")


@pytest.mark.parametrize(
    ("state", "attempts", "became"), [("ended", 0, "due"), ("ended", 1, "rendered"), ("active", 0, "rendered")]
)
def test_a_letter_that_an_ended_post_house_never_had_is_written_anew_once_it_is_given_up(
    people, state, attempts, became
):
    case = factories.filed(people)
    message = promise(case, kind="letter", code=POST)
    with record.act(case, "tests.given", actor=ACTOR, at=now()):
        letter = Letter.objects.get(case=case)
        letter.state, letter.message = "rendered", message
        letter.save()
    enter(POST, state=state)
    OutboxMessage.objects.filter(pk=message.pk).update(state="dead", attempts=attempts, settled_at=now())

    deadletters.skip(message, actor=people["a.byrne"], at=now(), reason="Another house posts it.")

    letter.refresh_from_db()
    assert (state_of(message), letter.state) == ("skipped", became)


def test_what_was_reclaimed_while_it_was_made_ready_is_not_sent(people, monkeypatch):
    change(receiver_dedupes=False)
    channel = agencies.channel_of(agencies.get(FPA), "out")
    agencies.add_key(channel, "whsec_" + "A" * 43 + "=", name="out-1", actor=ACTOR, at=now())
    lost, held = promise(factories.referred(people)), promise(factories.referred(people))
    monkeypatch.setattr(queue, "RENEW_SECONDS", 0)
    pack = packing.pack

    def slowly(message, *given):
        if message.pk == lost.pk:
            OutboxMessage.objects.filter(pk=lost.pk).update(lease_until=now() - timedelta(seconds=1))
            queue.reclaim()
        return pack(message, *given)

    monkeypatch.setattr(packing, "pack", slowly)
    transports, seen = answering(Answer(status=202))

    delivery.deliver_due(clock=now, transports=transports)

    assert [parcel.headers["webhook-id"] for parcel in seen] == [str(held.public_id)]
    assert (state_of(lost), state_of(held)) == ("unknown", "delivered")
    attempt = DeliveryAttempt.objects.get(message=lost)
    assert (attempt.error, attempt.ended_at is None) == ("lease_lost", False)
