"""What an action writes, when it refuses, and that writers never lose or double a number."""

import threading
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from cases.kernel.models import Party
from cases.ledger import api as ledger
from cases.ledger.canonical import canon, commitment
from cases.ledger.models import LedgerEvent, LedgerHead
from cases.ledger.recording import open_actions
from cases.ledger.rows import RowNotLoaded, row_digest
from cases.ledger.sealing import new_key
from cases.ledger.verify import verify_all
from tests.ledger.rows import ACTOR, AT, OTHER_STREAM, STREAM, saved

pytestmark = pytest.mark.django_db


def act(stream=STREAM, verb="party.changed", **more):
    return ledger.action(stream, verb, actor=ACTOR, at=AT, **more)


def bodies(stream=STREAM):
    return [event.content() for event in LedgerEvent.objects.filter(stream=stream).order_by("seq")]


def assert_nothing_wrong():
    assert [finding for finding in verify_all() if finding.level == "wrong"] == []


def test_event_says_who_what_when_why_and_what_changed():
    key, cause = new_key("case", at=AT), uuid4()
    request = ledger.RequestInfo(id="req-1", ip_token="token")
    with act():
        party = saved(Party, kind="person")
    party = Party.objects.get(pk=party.pk)

    with act(
        verb="party.corrected",
        occurred_at=AT - timedelta(days=3),
        reason="It is a firm.",
        key=key,
        basis="dpa2018-sch2-p2",
        cause=cause,
        request=request,
        detail={"task": 4},
        source="seed",
    ) as action:
        party.kind = "organisation"
        party.save()
        action.detail["offer"] = "correct"

    row = Party.history.latest("history_id")
    event = LedgerEvent.objects.get(seq=2)
    assert event.content() == {
        "v": 1,
        "id": str(action.uid),
        "stream": str(STREAM),
        "at": "2026-03-02T09:30:00.000000Z",
        "occurred_at": "2026-02-27T09:30:00.000000Z",
        "actor": ACTOR,
        "action": "party.corrected",
        "reason": commitment(bytes(event.reason)),
        "reason_key": str(key.uid),
        "basis": "dpa2018-sch2-p2",
        "cause": str(cause),
        "request": {"id": "req-1", "ip": "token"},
        "detail": {"task": 4, "offer": "correct"},
        "source": "seed",
        "changes": [
            {
                "m": "cases.party",
                "k": party.pk,
                "u": str(party.uid),
                "h": row.pk,
                "op": "~",
                "f": {"kind": ["person", "organisation"]},
                "row": row_digest(row),
            }
        ],
    }
    assert event.body.encode() == canon(event.content())
    assert (event.uid, event.actor, event.action, event.at) == (action.uid, ACTOR, "party.corrected", AT)
    assert row.event_id == action.uid


def test_action_costs_one_statement_more_than_row_and_history(django_assert_num_queries):
    with act():
        party = saved(Party)
    party.kind = "other"

    with django_assert_num_queries(4) as captured, act():  # savepoint and its release are the test's own
        party.save()

    assert [query["sql"].split()[0] for query in captured] == ["SAVEPOINT", "WITH", "SELECT", "RELEASE"]


def test_bulk_rows_cost_one_insert_and_one_for_history(django_assert_num_queries):
    rows = [Party(kind="person") for _ in range(20)]

    with django_assert_num_queries(5), act():
        ledger.bulk_create(Party, rows)

    assert len(bodies()[0]["changes"]) == 20
    assert_nothing_wrong()


def test_bulk_update_tells_old_and_new():
    with act():
        ledger.bulk_create(Party, [Party(kind="person") for _ in range(3)])
    rows = list(Party.objects.order_by("pk"))
    for row in rows:
        row.kind = "firm"

    with act():
        ledger.bulk_update(Party, rows, ["kind"])

    assert [change["f"] for change in bodies()[1]["changes"]] == [{"kind": ["person", "firm"]}] * 3
    assert_nothing_wrong()


def test_few_rows_are_updated_with_their_history_by_one_statement(django_assert_num_queries):
    with act():
        ledger.bulk_create(Party, [Party(kind="person") for _ in range(3)])
    rows = list(Party.objects.order_by("pk"))
    for row in rows:
        row.kind = "firm"

    with django_assert_num_queries(4), act():  # a savepoint and its end, the update, the event
        changed = ledger.bulk_update(Party, rows, ["kind"])

    assert changed == 3
    assert {row.kind for row in Party.objects.all()} == {"firm"}
    assert_nothing_wrong()


def test_of_few_rows_one_that_is_gone_is_told_nothing_of():
    with act():
        ledger.bulk_create(Party, [Party(kind="person") for _ in range(2)])
    rows = list(Party.objects.order_by("pk"))
    with act():
        Party.objects.get(pk=rows[0].pk).delete()
    for row in rows:
        row.kind = "firm"

    with act():
        changed = ledger.bulk_update(Party, rows, ["kind"])

    assert changed == 1
    assert [change["k"] for change in bodies()[2]["changes"]] == [rows[1].pk]
    assert_nothing_wrong()


def test_nested_action_on_the_same_stream_joins_the_outer():
    with act(verb="outer", detail={"a": 1}) as outer:
        saved(Party)
        with act(verb="inner", detail={"b": 2}) as inner:
            saved(Party)
        assert inner is outer
        assert ledger.current() is outer

    (body,) = bodies()
    assert (body["action"], body["detail"], len(body["changes"])) == ("outer", {"a": 1, "b": 2}, 2)


def test_nested_action_on_another_stream_writes_its_own_event():
    with act(verb="outer"):
        saved(Party)
        with act(OTHER_STREAM, verb="inner"):
            saved(Party)
            with act(verb="innermost"):
                saved(Party)

    assert [(body["action"], len(body["changes"])) for body in bodies()] == [("outer", 2)]
    assert [(body["action"], len(body["changes"])) for body in bodies(OTHER_STREAM)] == [("inner", 1)]
    assert_nothing_wrong()


def test_two_actions_in_one_transaction_follow_each_other():
    with transaction.atomic():
        with act(verb="first"):
            saved(Party)
        with act(verb="second"):
            saved(Party)

    assert [body["action"] for body in bodies()] == ["first", "second"]


def test_action_that_fails_leaves_nothing():
    with pytest.raises(ZeroDivisionError), act():
        saved(Party)
        raise ZeroDivisionError

    assert (LedgerEvent.objects.count(), LedgerHead.objects.count(), Party.objects.count()) == (0, 0, 0)
    assert open_actions() == ()
    with pytest.raises(ledger.NoAction):
        ledger.current()


def test_row_of_a_rolled_back_savepoint_is_not_told():
    with act():
        kept = saved(Party)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            saved(Party)
            with act(OTHER_STREAM):
                saved(Party)
            raise ZeroDivisionError

    (body,) = bodies()
    assert [change["k"] for change in body["changes"]] == [kept.pk]
    assert bodies(OTHER_STREAM) == []
    assert_nothing_wrong()


def test_commit_hooks_of_others_are_left_alone(django_capture_on_commit_callbacks):
    rung = []
    with django_capture_on_commit_callbacks() as hooks, act():
        saved(Party)
        transaction.on_commit(lambda: rung.append("bell"))
        saved(Party)

    assert len(hooks) == 1


def test_row_must_be_loaded_before_it_is_changed():
    with act():
        party = saved(Party)

    with pytest.raises(RowNotLoaded), transaction.atomic(), act():
        Party(pk=party.pk, uid=party.uid, kind="unloaded").save()

    assert len(bodies()) == 1


def test_old_values_are_those_stored_though_the_row_is_changed_in_steps():
    with act():
        party = saved(Party, kind="first")
        party.kind = "second"
        party.save()
        party.kind = "never saved"
        party.refresh_from_db()
        party.kind = "third"
        party.save()
        Party.objects.only("uid").get(pk=party.pk).delete()

    (body,) = bodies()
    assert [(change["op"], change.get("f")) for change in body["changes"]] == [
        ("+", {"kind": [None, "first"]}),
        ("~", {"kind": ["first", "second"]}),
        ("~", {"kind": ["second", "third"]}),
        ("-", None),
    ]
    assert_nothing_wrong()


def test_event_without_changes_is_an_event():
    with act(verb="report.made", detail={"sha256": "ab" * 32}):
        pass

    assert [(body["action"], body["changes"]) for body in bodies()] == [("report.made", [])]


@pytest.mark.parametrize("value", [1.5, float("nan"), {2: "two"}, {"é": 1}], ids=repr)
def test_detail_without_one_text_is_refused(value):
    with pytest.raises(ledger.LedgerError), act(detail={"value": value}):
        saved(Party)

    assert Party.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_history_without_its_event_does_not_commit():
    with pytest.raises(IntegrityError), transaction.atomic():
        with act():
            party = saved(Party)
            row = Party.history.get()
        row.pk, row.event_id = None, UUID(int=5)
        row.save(force_insert=True)

    assert not Party.objects.filter(pk=party.pk).exists()


def _in_threads(work, count):
    failures = []

    def run(number):
        try:
            work(number)
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.django_db(transaction=True)
def test_eight_writers_on_one_stream_leave_no_gap():
    def write(number):
        for _ in range(25):
            with act(verb=f"writer.{number}"):
                saved(Party)

    _in_threads(write, 8)

    assert list(LedgerEvent.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, 201))
    assert LedgerHead.objects.get().seq == 200
    assert Party.objects.count() == 200
    assert_nothing_wrong()


@pytest.mark.django_db(transaction=True)
def test_actions_on_two_streams_in_opposite_order_never_wait_for_each_other():
    def write(number):
        first, second = (STREAM, OTHER_STREAM) if number % 2 else (OTHER_STREAM, STREAM)
        for _ in range(20):
            with act(first), act(second):
                pass

    _in_threads(write, 8)

    assert sorted(LedgerHead.objects.values_list("seq", flat=True)) == [160, 160]
    assert_nothing_wrong()
