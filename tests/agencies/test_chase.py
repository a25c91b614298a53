"""Delivered, confirmed and answered are three facts; what is delivered and not answered in time is chased, once."""

import dataclasses
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from cases.agencies import application
from cases.agencies.directory import TERMS
from cases.kernel import actors, outbox, releases, transitions
from cases.kernel.exchange import agreements, answers, chase
from cases.kernel.models import Case, ClockRuleVersion, OutboxMessage, Task
from cases.kernel.office import proposals, rulechanges
from cases.ledger import sealing, verify
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.agencies.stage import acts
from tests.agencies.test_application import filed, hear

pytestmark = pytest.mark.django_db
# Delivered on Monday 16 November: five working days end on Monday 23 November at midnight in London.
LAST_MOMENT = datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
TOO_LATE = datetime(2026, 11, 24, 0, 0, 1, tzinfo=UTC)


@pytest.fixture
def filing():
    people = factories.office()
    case = factories.approved(people)
    OutboxMessage.objects.filter(case=case).update(state="delivered", delivered_at=factories.FILED_AT)
    return OutboxMessage.objects.get(case=case)


def late() -> list[Task]:
    return list(Task.objects.filter(kind="acknowledgement_late", closed_at=None))


def reminders() -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(kind="chaser"))


def test_an_answer_is_owed_until_the_end_of_the_last_working_day(filing):
    assert answers.Periods().due(filing) == LAST_MOMENT
    assert chase.chase_late(now=LAST_MOMENT) == 0
    assert (late(), reminders()) == ([], [])


def test_a_late_answer_becomes_one_task_and_one_reminder_without_personal_data(filing):
    assert [chase.chase_late(now=TOO_LATE), chase.chase_late(now=TOO_LATE)] == [1, 0]

    (task,), (reminder,) = late(), reminders()
    assert (task.case_id, task.detail) == (
        filing.case_id,
        {"agency": "sandbox-fraud-register", "message": str(filing.public_id), "message_kind": "fpa_file"},
    )
    reader = sealing.Reader(actor="system:tests", verb="read", purpose="tests", streams=(filing.case.uid,))
    body = outbox.open_body(reminder, reader=reader, at=TOO_LATE)
    assert f'"data":{{"about":"{filing.public_id}","about_type":"fpa_file","delivered_date":"2026-11-16"}}' in str(body)
    assert (reminder.state, reminder.seq) == ("pending", 2)
    assert acts(filing.case, "message.chased") == 1
    assert not [each for each in verify.verify_stream(filing.case.uid) if each.level != "recorded late"]


def test_an_agency_that_takes_no_reminders_gets_none(filing):
    agency = filing.channel.agency
    agreements.enter(agency, replace(TERMS, takes_chasers=False), actor=chase.ACTOR, at=TOO_LATE)

    chase.chase_late(now=TOO_LATE)

    assert (len(late()), reminders()) == (1, [])


@pytest.mark.parametrize("changes", [{"state": "pending"}, {"state": "acknowledged"}, {"state": "refused"}])
def test_what_is_not_delivered_or_is_answered_is_not_chased(filing, changes):
    OutboxMessage.objects.filter(pk=filing.pk).update(**changes)
    events = LedgerEvent.objects.count()

    assert chase.chase_late(now=TOO_LATE) == 0
    assert (late(), reminders(), LedgerEvent.objects.count()) == ([], [], events)


def test_a_receipt_is_no_answer_and_the_answer_ends_the_task(filing):
    case = transitions.apply(filing.case_id, "submitted", actor=application.ACTOR, at=factories.FILED_AT)
    hear(filed(filing, type="message.received", agency_reference=...))
    application.apply_pending(now=factories.FILED_AT)
    filing.refresh_from_db()
    assert (filing.state, filing.receipt_at, filing.acknowledged_at) == ("delivered", factories.FILED_AT, None)
    assert acts(case, "message.received") == 1
    chase.chase_late(now=TOO_LATE)
    assert len(late()) == 1

    answer = hear(filed(filing))
    application.apply_pending(now=TOO_LATE)

    filing.refresh_from_db()
    assert (filing.state, filing.acknowledged_at, late()) == ("acknowledged", answer.received_at, [])
    assert Task.objects.get(kind="acknowledgement_late").outcome == "answered"
    assert Case.objects.get(pk=case.pk).state == "filed"


def test_every_kind_that_is_owed_an_answer_says_by_which_rule():
    periods = {code: (kind.answer_days, bool(kind.answer_source)) for code, kind in releases.KINDS.items()}
    assert periods["fpa_file"] == (5, True)
    assert periods["letter"] == (2, True)
    assert all(bool(days) == has_source for days, has_source in periods.values())


def test_period_of_an_answer_is_a_rule_that_two_people_change_from_a_day_on(filing):
    counsel, officer = (actors.staff(factories.user(name)) for name in ("v.tranter", "j.merriweather"))
    payload = {
        **{name: value for name, value in dataclasses.asdict(rulechanges.newest("answer_fpa_file")).items()},
        "length": 3,
        "source": "Agreement with the agency, schedule 2",
        "effective_from": date(2026, 11, 16),
        "jurisdictions": ["eaw", "sct", "nir"],
    }
    for name in ("label", "clock", "version", "is_work"):
        payload.pop(name)
    at = datetime(2026, 11, 15, 9, 0, tzinfo=UTC)
    row = proposals.propose("clock_rule", payload, actor=counsel, at=at, reason="Agreed with them.")
    proposals.decide(row.uid, "agreed", actor=officer, at=at, reason="Read.")

    periods = answers.Periods()
    assert periods.rule("fpa_file", on=date(2026, 11, 15)).length == 5
    assert periods.due(filing) == datetime(2026, 11, 19, 23, 59, 59, tzinfo=UTC)
    row = ClockRuleVersion.objects.get(code="answer_fpa_file", version=2)
    assert row.source == "Agreement with the agency, schedule 2"
