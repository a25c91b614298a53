"""Documents of closed cases go when their time is over; what they were stays, and a case without any is left alone."""

from datetime import UTC, datetime, time, timedelta

import pytest

from cases import tasks as work
from cases.accounts import uploads
from cases.agencies import forgetting, oncall
from cases.kernel import edits, holds, record, transitions, verdicts
from cases.kernel.calendars import LONDON
from cases.kernel.disposal import piles
from cases.kernel.evidence import custody, disposal, handing
from cases.kernel.evidence.handing import DocumentErased
from cases.kernel.exchange import chase
from cases.kernel.models import Approval, Evidence, Task
from cases.kernel.office import shutout
from cases.kernel.oncall import alerts
from cases.kernel.personal import olddrafts
from cases.kernel.timing import sweeps
from cases.ledger import checkpoints, sealing, tombstones
from cases.ledger.models import LedgerEvent
from cases.reports import keeping
from tests import disclosures, factories
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db
READER = sealing.Reader(actor="staff:1", verb="download", purpose="casework")


def test_documents_go_when_their_time_is_over_and_what_they_were_stays(people):
    case = disclosures.refused(people)
    known = case.evidence.get()
    last = datetime.combine(case.dispose_after_date, time(23, 59), tzinfo=LONDON)
    with nothing_written():
        assert disposal.dispose_due(now=last) == 0
    assert disposal.dispose_due(now=last + timedelta(minutes=2)) == 1
    assert disposal.dispose_due(now=last + timedelta(minutes=3)) == 0
    row = Evidence.objects.select_related("blob__key", "case__key").get(pk=known.pk)
    assert custody.is_erased(row) and bytes(row.blob.sealed) == b""
    assert (row.number, row.kind, row.size, row.sha256) == (1, "authorisation", 29, known.sha256)
    assert row.blob.key.destroyed_by == "system:disposal"
    (event,) = LedgerEvent.objects.filter(stream=case.uid, action="case.documents_disposed")
    assert event.actor == "system:disposal"
    assert event.content()["detail"]["erased"] == [1] and event.content()["detail"]["hashes"] == [known.sha256]
    with pytest.raises(DocumentErased):
        handing.open_document(row, reader=READER, at=AT)


def test_a_fault_of_one_case_stops_no_other_and_is_a_task_of_its_team_until_it_goes(people, monkeypatch):
    bad, good = disclosures.refused(people), disclosures.refused(people)
    later = datetime.combine(bad.dispose_after_date, time(12), tzinfo=LONDON) + timedelta(days=1)
    erase = custody.erase

    def fails(case, documents, **more):
        if case.pk == bad.pk:
            raise ValueError("a fault")
        return erase(case, documents, **more)

    monkeypatch.setattr(custody, "erase", fails)
    assert disposal.dispose_due(now=later) == 1
    assert not good.evidence.filter(blob__key__destroyed_at=None).exists()
    assert bad.evidence.filter(blob__key__destroyed_at=None).exists()
    (task,) = Task.objects.filter(kind="not_erased")
    assert (task.team.code, task.detail, task.closed_at) == ("disclosure", {"of": "document:le_disclosure"}, None)
    monkeypatch.undo()
    assert disposal.dispose_due(now=later) == 1
    task.refresh_from_db()
    assert task.closed_at == later


def test_a_legal_hold_keeps_documents_until_it_is_lifted(people):
    case = disclosures.received(people)
    holds.enter(case.pk, "legal", actor=people["k.mistry"], at=AT, source="court", reason="Notice of application.")
    case = disclosures.after(case, "refuse", people["k.mistry"], reason_code="no_gateway")
    later = datetime.combine(case.dispose_after_date, time(12), tzinfo=LONDON) + timedelta(days=400)
    with nothing_written():
        assert disposal.dispose_due(now=later) == 0
    assert not custody.is_erased(case.evidence.select_related("blob__key", "case__key").get())


def test_a_day_that_an_agency_names_does_not_end_the_keeping_early(people):
    case = disclosures.received(people)
    moved = transitions.apply(
        case.pk,
        "refuse",
        actor=people["k.mistry"],
        at=AT,
        occurred_at=datetime(1970, 1, 1, tzinfo=UTC),
        inputs={"reason_code": "no_gateway"},
    )
    assert moved.closed_date.year == 1970
    with nothing_written():
        assert disposal.dispose_due(now=AT + timedelta(hours=1)) == 0


def test_documents_of_a_merged_case_stay_while_the_other_case_needs_them(people):
    other, merged = disclosures.received(people), disclosures.received(people)
    transitions.apply(
        merged.pk, "merge", actor=people["k.mistry"], at=AT, reason="Twice.", inputs={"into": str(other.uid)}
    )
    merged = verdicts.decide(
        Approval.objects.get(case=merged, act="merge").uid, "agreed", actor=people["e.hallam"], at=AT
    )
    later = datetime.combine(merged.dispose_after_date, time(12), tzinfo=LONDON) + timedelta(days=4000)
    with nothing_written():
        assert disposal.dispose_due(now=later) == 0  # the other is open
    holds.enter(other.pk, "legal", actor=people["k.mistry"], at=AT, source="court", reason="Notice of application.")
    disclosures.after(other, "refuse", people["k.mistry"], reason_code="no_gateway")
    with nothing_written():
        assert disposal.dispose_due(now=later) == 0  # a hold keeps the other
    hold = other.holds.get()
    with record.act(other, "tests.lift", actor=people["k.mistry"], at=AT):
        hold.released_at = AT
        hold.save(update_fields=["released_at"])
    assert disposal.dispose_due(now=later) == 2


def test_a_case_that_has_no_document_left_gains_no_event_when_its_time_is_over(people):
    actor = people["a.byrne"]
    bare, emptied = (transitions.apply(factories.referred(people).pk, "take", actor=actor, at=AT) for _ in range(2))
    edits.attach(emptied.pk, kind="document", file_name="a.txt", media_type="text/plain", data=b"x", actor=actor, at=AT)
    for case in (bare, emptied):
        case = transitions.apply(case.pk, "close_no_action", actor=actor, at=AT, reason="No fraud.")
    with record.act(case, "tests.empty", actor=actor, at=AT):
        custody.erase(case, list(case.evidence.all()), actor=actor, at=AT, reason="tests")
    later = datetime.combine(case.dispose_after_date, time(12), tzinfo=LONDON) + timedelta(days=1)
    with nothing_written():
        assert disposal.dispose_due(now=later) == 0
        assert disposal._dispose(emptied.pk, now=later) == 0  # as where another worker was first


@pytest.mark.parametrize(
    ("task", "fails", "goes_on"),
    [
        (work.sweep, (sweeps, "end_due_clocks"), (chase, "chase_late")),
        (work.seal_ledger, (checkpoints, "seal"), (tombstones, "publish")),
        (work.ring_on_call, (alerts, "escalate"), (oncall, "ring_due")),
    ],
)
def test_what_fails_in_a_round_keeps_nothing_that_comes_after_it_from_being_done(monkeypatch, task, fails, goes_on):
    done = []
    monkeypatch.setattr(*fails, lambda **_given: 1 / 0)
    monkeypatch.setattr(*goes_on, lambda **_given: done.append(goes_on[1]))
    with pytest.raises(ZeroDivisionError):
        task()
    assert goes_on[1] in done


def test_what_fails_in_the_hour_keeps_nothing_that_comes_after_it_from_being_done(monkeypatch):
    done = []

    def step(name, error=None):
        def run(now):
            done.append(name)
            if error:
                raise error

        return run

    monkeypatch.setattr(shutout, "forget_sessions", step("forget_sessions"))
    monkeypatch.setattr(olddrafts, "forget_due", step("drafts"))
    monkeypatch.setattr(disposal, "dispose_due", step("dispose_due", ValueError("first")))
    monkeypatch.setattr(disposal, "dispose_beside", step("dispose_beside"))
    monkeypatch.setattr(piles, "erase_due", step("piles"))
    monkeypatch.setattr(keeping, "erase_due", step("reports"))
    monkeypatch.setattr(uploads, "erase_due", step("uploads"))
    monkeypatch.setattr(forgetting, "erase_due", step("agencies"))
    monkeypatch.setattr(custody, "check_sample", step("check_sample", OSError("away")))
    monkeypatch.setattr(custody, "sweep", step("sweep"))
    with pytest.raises(OSError, match="away"):
        work.check_documents()
    assert done == [
        "forget_sessions",
        "drafts",
        "dispose_due",
        "dispose_beside",
        "piles",
        "reports",
        "uploads",
        "agencies",
        "check_sample",
        "sweep",
    ]
