"""A part of a release takes its place on the agency's channel last: what stops an account there waits for no part."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

from cases.debt import batches, takeout
from cases.debt.models import PlacementBatch
from cases.kernel import holds, transitions
from cases.kernel.background import jobrun
from cases.kernel.exchange import files
from cases.kernel.models import BatchFile, Case, Channel, OutboxMessage, Release, Stream
from cases.kernel.timing import sweeps
from cases.ledger import verify
from tests import placements
from tests.accounts import portfolio
from tests.debt.test_flow import SOON
from tests.debt.test_placement import told
from tests.factories import AT

pytestmark = pytest.mark.django_db(transaction=True)


def is_free(model, pk):
    """Say whether a row can be locked at once, from a connection of its own."""
    try:
        with transaction.atomic():
            model.objects.select_for_update(nowait=True, of=("self",)).get(pk=pk)
            return True
    except OperationalError:
        return False
    finally:
        connection.close()


def watch(monkeypatch, place, name, *rows):
    """Note, each time a function is called, which of these rows somebody else could lock."""
    seen, real = [], getattr(place, name)

    def watched(*given, **named):
        with ThreadPoolExecutor(1) as aside:
            seen.append(tuple(aside.submit(is_free, *row).result(timeout=30) for row in rows))
        return real(*given, **named)

    monkeypatch.setattr(place, name, watched)
    return seen


def stream():
    channel = Channel.objects.get(agency__code=placements.CODE, direction="out")
    return Stream.objects.get(channel=channel, case=None)


def test_the_place_on_the_channel_is_taken_when_every_line_of_the_part_was_released(people, monkeypatch):
    placements.released(people)  # the channel has a place that can be locked
    batch = placements.built(people, *(portfolio.row(number) for number in (0, 1, 2)))
    batches.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    rows = ((Stream, stream().pk), (PlacementBatch, batch.pk))
    moves = watch(monkeypatch, transitions, "apply", *rows)
    written = watch(monkeypatch, files, "_keep", *rows)
    jobrun.work(clock=lambda: AT, seconds=60)

    assert moves == [(True, True)] * 3
    assert written == [(False, True)]
    assert placements.by_state(batch)["released"][0] == 3
    file = BatchFile.objects.latest("pk")
    assert (file.row_count, Release.objects.filter(message=file.message).count()) == (3, 3)
    assert {line.file_uid for line in batches.lines_of(batch)} == {file.uid}
    assert [each for each in verify.verify_all(is_demo=True) if each.level == "wrong"] == []


def test_the_rest_of_a_file_that_was_taken_back_takes_its_place_last(people, monkeypatch):
    batch = placements.built(people, *(portfolio.row(number) for number in (0, 1, 2)))
    placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    holds.enter(placements.case_of(batch).pk, "dispute", actor=people[placements.ANALYST], at=AT, source="customer")
    registered = watch(monkeypatch, takeout.messages, "register", (Stream, stream().pk))
    sweeps.end_due_clocks(now=SOON)

    assert registered == [(True,)] * 2
    messages = OutboxMessage.objects.filter(kind="dca_place").order_by("pk")
    assert [each.state for each in messages] == ["withdrawn", "pending"]
    assert Release.objects.filter(message=messages[1]).count() == 2
    assert len(told("dca_place")) == 3 + 2


@pytest.mark.parametrize("moment", ["_still_clear", "_promise"])
def test_a_hold_on_a_line_waits_for_its_part_and_neither_ends_the_other(people, monkeypatch, moment):
    """Whoever enters a hold locks the case and then its stream; the part does so too, before it writes anything."""
    batch = placements.built(people, *(portfolio.row(number) for number in (0, 1, 2)))
    batches.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    last, real, entered = batches.lines_of(batch)[-1].pk, getattr(batches, moment), []

    def hold():
        try:
            return holds.enter(last, "dispute", actor=people[placements.ANALYST], at=AT, source="customer")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as aside:

        def meanwhile(*given, **named):
            entered.append(aside.submit(hold))
            with pytest.raises(TimeoutError):  # it waits, as it should, and no longer than the part
                entered[0].result(timeout=0.5)
            assert not is_free_aside(Case, last)
            return real(*given, **named)

        monkeypatch.setattr(batches, moment, meanwhile)
        jobrun.work(clock=lambda: AT, seconds=60)
        assert entered[0].result(timeout=30).kind == "dispute"

    assert (batches.work_of(batch).state, batches.work_of(batch).failed) == ("done", 0)
    assert placements.by_state(batch)["released"][0] == 3
    assert Case.objects.get(pk=last).holds.get().kind == "dispute"
    assert [each for each in verify.verify_all(is_demo=True) if each.level == "wrong"] == []


def is_free_aside(model, pk):
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(is_free, model, pk).result(timeout=30)
