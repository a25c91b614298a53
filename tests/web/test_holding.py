"""Holding, releasing, putting aside and revealing a whole person, from the pages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from cases.kernel import calendars, edits, holds, tasks
from cases.kernel.models import Approval, Case, Hold
from cases.kernel.reading import worklist
from cases.kernel.timing import snoozes
from cases.ledger import verify
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.web.onecase.commonforms import ReleaseForm
from tests import factories
from tests.web import desk
from tests.web.desk import at, text

pytestmark = pytest.mark.django_db
WHY = "They dispute the date."


def test_a_hold_is_entered_shown_in_the_head_and_released_by_two(people):
    case = factories.investigating(people)
    client = desk.client_of("a.byrne")
    assert "Nothing holds this case" in text(client.get(at("holds", case)))

    typed = {"kind": "dispute", "source": "customer", "reference": "SVC-771", "reason": WHY, "document": "1"}
    page = client.post(at("holds", case), typed, follow=True)

    assert "The case is held." in text(page)
    assert '<span class="tag hold">Dispute</span>' in text(page)
    assert "Enforcement" in text(page)
    hold = Hold.objects.get()
    case.refresh_from_db()
    page = client.post(
        at("step", case, "release_hold"), {"hold": hold.pk, "reason": WHY, "version": case.version}, follow=True
    )
    assert "Proposed. It happens when another person agrees: fraud approver." in text(page)
    assert "<dt>Hold</dt><dd>Dispute</dd>" in text(desk.client_of("d.osei").get(at("case", case)))
    desk.client_of("d.osei").post(at("verdict", case, Approval.objects.get().uid), {"verdict": "agreed"})
    hold.refresh_from_db()
    assert hold.released_by.username == "d.osei"
    assert "Released" in text(client.get(at("holds", case)))


def test_a_hold_may_stop_reports_beside_what_its_kind_stops(people):
    case = factories.investigating(people)
    typed = {"kind": "legal", "source": "legal", "reason": WHY, "stops_reports": "on"}
    page = desk.client_of("a.byrne").post(at("holds", case), typed, follow=True)
    assert Hold.objects.get().blocks == ["dispose", "report"]
    assert "Reporting to an agency" in text(page)


def test_a_refused_hold_keeps_what_was_typed(people):
    case = factories.investigating(people)
    typed = {"kind": "legal", "source": "court", "reason": WHY, "document": "7"}
    page = desk.client_of("a.byrne").post(at("holds", case), typed)
    assert page.status_code == 422
    assert "The case has no such person or document." in text(page)
    assert WHY in text(page)
    assert not Hold.objects.exists()


@pytest.mark.parametrize("days", [-3654, 33])
def test_a_hold_from_a_day_of_another_year_is_refused(people, days):
    case = factories.investigating(people)
    day = calendars.london_date(timezone.now()) + timedelta(days=days)
    client, typed = desk.client_of("a.byrne"), {"kind": "vulnerable", "source": "customer", "reason": WHY}
    before = LedgerEvent.objects.count()
    page = client.post(at("holds", case), {**typed, "began": day.isoformat()})
    assert page.status_code == 422
    assert "It holds from a day of the last ten years, or at most 31 days ahead. Compare the year." in text(page)
    assert (Hold.objects.count(), LedgerEvent.objects.count()) == (0, before)


def test_a_hold_to_come_and_one_that_is_over_are_said_to_stop_nothing_now(people):
    case = factories.investigating(people)
    client, typed = desk.client_of("a.byrne"), {"kind": "vulnerable", "source": "customer", "reason": WHY}
    today = calendars.london_date(timezone.now())
    soon, gone = today + timedelta(days=3), today - timedelta(days=9)
    page = client.post(at("holds", case), {**typed, "began": soon.isoformat()}, follow=True)
    assert f"It will hold the case from {soon:%-d %B %Y}. Until then it stops nothing." in text(page)
    last = {"began": (gone - timedelta(days=1)).isoformat(), "ends": gone.isoformat()}
    page = client.post(at("holds", case), {**typed, **last}, follow=True)
    assert "The hold is on record. It is over, and stops nothing now." in text(page)
    assert '<span class="tag hold">Vulnerable</span>' not in text(page)


def test_a_quiet_hold_reads_policy_hold(people):
    case = factories.investigating(people)
    holds.enter(case.pk, "staff_account", actor=people["a.byrne"], at=factories.AT, source="staff", reason=WHY)
    page = text(desk.client_of("d.osei").get(at("holds", case)))
    assert "Policy hold" in page
    assert "<h3>Staff account" not in page


def test_a_case_put_aside_leaves_the_open_queue_and_comes_back_by_itself(people):
    case, other = factories.referred(people), factories.referred(people)
    at_now = timezone.now()
    with edits.change(case.pk, actor=people["a.byrne"], at=at_now, act="note", verb="tests.due", shapes=False) as edit:
        edit.case.due_at = at_now + timedelta(days=60)
    client = desk.client_of("a.byrne")
    day = (at_now + timedelta(days=3)).date()
    refused = client.post(at("snooze", case), {"until": "2020-01-01", "reason": WHY})
    assert "Choose a day from tomorrow on, at most three months away." in text(refused)
    assert WHY in text(refused)

    page = client.post(at("snooze", case), {"until": day.isoformat(), "reason": WHY}, follow=True)

    assert "is put aside until" in text(page)
    assert case.reference not in text(client.get("/cases/"))
    assert case.reference in text(client.get("/cases/?snoozed=with"))
    later = at_now + timedelta(days=5)
    assert set(worklist.queue(people["a.byrne"], worklist.Filters(), at=later).rows) == {case, other}
    client.post(at("wake", case))
    assert case.reference in text(client.get("/cases/"))


def test_an_overdue_case_is_never_hidden(people):
    case = factories.referred(people)
    when = case.due_at - timedelta(hours=1)
    snoozes.snooze(case.pk, when + timedelta(days=9), actor=people["a.byrne"], at=when, reason=WHY)
    assert worklist.queue(people["a.byrne"], worklist.Filters(), at=when).rows == []
    overdue = when + timedelta(hours=2)
    assert worklist.queue(people["a.byrne"], worklist.Filters(), at=overdue).rows == [case]


def test_a_case_put_aside_comes_back_when_something_new_is_to_be_done_about_it(people):
    case = factories.referred(people)
    byrne, when = people["a.byrne"], case.due_at - timedelta(hours=1)
    snoozes.snooze(case.pk, when + timedelta(days=9), actor=byrne, at=when, reason=WHY)
    with edits.change(case.pk, actor=byrne, at=when, act="note", verb="tests.task", shapes=False) as edit:
        tasks.raise_task("fraud_same_incident", case=edit.case, at=when)
    assert worklist.queue(byrne, worklist.Filters(), at=when).rows == [case]
    assert Case.objects.get(pk=case.pk).snoozed_until is None
    assert {each.level for each in verify.verify_stream(case.uid)} <= {"recorded late"}


def test_a_filed_case_waits_for_time_until_it_is_work_again(people):
    case = factories.filed(people)
    byrne, now = people["a.byrne"], factories.FILED_AT
    assert Case.objects.get(pk=case.pk).is_dormant
    assert worklist.queue(byrne, worklist.Filters(), at=now).rows == []
    assert worklist.queue(byrne, worklist.Filters(view="waiting"), at=now).rows == [case]
    with edits.change(case.pk, actor=byrne, at=now, act="note", verb="tests.task", shapes=False) as edit:
        task = tasks.raise_task("fraud_enquiry", case=edit.case, at=now)
    assert worklist.queue(byrne, worklist.Filters(), at=now).rows == [case]
    edits.close_task(case.pk, task.pk, actor=byrne, at=now, reason=WHY)
    assert worklist.queue(byrne, worklist.Filters(), at=now).rows == []


def test_a_whole_person_is_revealed_with_one_reason_and_one_entry(people):
    case = factories.referred(people)
    client = desk.client_of("a.byrne")
    refused = client.post(at("reveal_person", case, 2), {"purpose": "curiosity"})
    assert "Choose why you need to see this." in text(refused)
    assert "Penzance" not in text(refused)

    page = client.post(at("reveal_person", case, 2), {"purpose": "verify_identity"})

    for value in ("Morwenna", "Tregaskis", "+447700900123", "12 Harbour Row", "Penzance"):
        assert value in text(page)
    (looked,) = AccessEvent.objects.filter(streams__contains=[case.uid], verb="reveal")
    assert looked.purpose == "verify_identity"
    assert sum(field.startswith("person-2-") for field in looked.fields) == 4
    assert sum(field.startswith("address-") for field in looked.fields) == 3
    assert client.get(at("reveal_person", case, 9)).status_code == 200
    assert client.post(at("reveal_person", case, 9), {"purpose": "verify_identity"}).status_code == 422


def test_whoever_agrees_to_a_release_reads_the_london_day_since_when_the_hold_is_in_force():
    said = ReleaseForm.shown({"label": "Legal hold", "since": datetime(2026, 6, 30, 23, 0, tzinfo=UTC)})
    assert said == [("Hold", "Legal hold"), ("In force since", "1 July 2026")]
