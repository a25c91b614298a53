"""A breach from the report to its end: whoever reports it does not see it, and no Commissioner is told in error."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from cases.agencies import queue, settlement
from cases.disclosure.breach import report
from cases.kernel import edits, intake, outbox, policy, transitions, verdicts
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Case, OutboxMessage, Release, Task
from cases.kernel.restricted import referrals
from cases.kernel.timing import rulebook, sweeps
from cases.ledger import sealing, verify
from cases.ledger.models import LedgerEvent
from tests import breaches, disclosures, emergencies, factories, transfers
from tests.agencies.stage import promise
from tests.breaches import ASSESSED, ENDED, OFFICER, TOLD, after
from tests.factories import AT
from tests.kernel.snapshots import nothing_written, refusal
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
NOT_YET = "The Commissioner does not have the notice yet. If somebody told them instead, say how."


@pytest.fixture
def people():
    return factories.office()


def said(case, *names):
    reader = sealing.Reader(actor="system:tests", verb="view", purpose="tests")
    return sealing.open_rows([Case.objects.get(pk=case.pk).breach], names, reader=reader, at=AT)[0]


def told(case):
    reader = sealing.Reader(actor="system:tests", verb="view", purpose="tests")
    rows = OutboxMessage.objects.filter(case=case).order_by("pk")
    return [(row.kind, json.loads(outbox.open_body(row, reader=reader, at=AT))["data"]) for row in rows]


def is_whole():
    return [each for each in verify.verify_all(is_demo=True) if each.level == "wrong" and each.column != "at"] == []


def clock(case):
    return case.clocks.get(rule="k09_breach")


def test_a_colleague_reports_and_the_officer_notifies_within_72_hours_of_awareness(people):
    case = breaches.suspected(people)
    officer = people[OFFICER]
    assert (clock(case).started_at, clock(case).due_at) == (AT - timedelta(hours=2), AT + timedelta(hours=70))
    assert Case.objects.get(pk=case.pk).due_at == AT + timedelta(hours=70)
    assert not policy.visible_to(people["p.nair"]).filter(pk=case.pk).exists()
    assert policy.visible_to(officer).filter(pk=case.pk).exists()
    after(case, "assess", officer, **ASSESSED)
    after(case, "notify", officer, **TOLD)
    assert told(case) == [
        (
            "ico_breach",
            {
                "nature": "disclosed",
                "aware_at": "2026-11-14T08:00:00Z",
                "what_happened": "A list of addresses went to the wrong shop.",
                "people": 41,
                "consequences": "Unwanted post.",
                "measures": "The shop deleted the list and confirmed it.",
            },
        )
    ]
    assert refusal(case, "close", officer, **ENDED) == NOT_YET
    OutboxMessage.objects.filter(case=case).update(state="delivered", attempts=1, delivered_at=AT + timedelta(hours=1))
    settlement.settle(now=AT + timedelta(hours=2))
    assert (clock(case).state, clock(case).ended_at) == ("met", AT + timedelta(hours=1))
    done = after(case, "close", officer, **ENDED)
    assert (done.state, done.retention_class, done.due_at) == ("closed", "breach", None)
    assert Release.objects.get(case=case).message_kind == "ico_breach"
    assert is_whole()


def test_the_secrecy_test_leads_to_the_other_commissioner_and_by_hand_where_there_is_no_channel(people):
    case, officer = breaches.assessed(people, is_secret="yes", risk="adverse"), people[OFFICER]
    assert not case.tasks.filter(kind="breach_tell_people").exists()  # the secrecy holds against them too
    after(case, "notify", officer, **TOLD)
    assert told(case) == []
    task = case.tasks.get(kind="breach_tell_by_hand")
    assert task.due_at == AT + timedelta(hours=70)
    assert refusal(case, "close", officer, **ENDED) == NOT_YET
    edits.close_task(case.pk, task.pk, actor=officer, at=AT, reason="By secure e-mail.")
    assert clock(case).state == "met"
    breaches.enter("tests-ipc", "oversight", "Test Commissioner")
    other = breaches.assessed(people, is_secret="yes")
    after(other, "notify", officer, **TOLD)
    assert [kind for kind, _ in told(other)] == ["ipc_breach"]


def test_where_the_register_has_two_of_the_kind_a_person_tells_the_right_one(people):
    case, officer = breaches.assessed(people), people[OFFICER]
    breaches.enter("tests-ofcom", "regulator", "Test Regulator")
    after(case, "notify", officer, **TOLD)
    assert told(case) == []
    assert case.tasks.get(kind="breach_tell_by_hand").closed_at is None


def test_people_who_may_come_to_harm_are_told_before_it_ends(people):
    case, officer = breaches.assessed(people, risk="adverse"), people[OFFICER]
    assert refusal(case, "close", officer, **ENDED) == "The people whom it is likely to harm are not told yet."
    task = case.tasks.get(kind="breach_tell_people")
    edits.close_task(case.pk, task.pk, actor=officer, at=AT, reason="Letters went out today.")
    assert after(case, "close", officer, **ENDED).state == "closed"
    assert clock(case).state == "cancelled"


@pytest.mark.parametrize(
    ("build", "name", "changes", "sentence"),
    [
        ("suspected", "assess", {"is_secret": ""}, "Say whether secrecy of the Investigatory Powers Act forbids"),
        ("suspected", "assess", {"secrecy": " "}, "Say how you tested for secrecy."),
        ("suspected", "assess", {"people_count": None}, "Say how many people it touches"),
        ("suspected", "assess", {"risk": "grave"}, "Choose how likely harm is."),
        ("suspected", "assess", {"consequences": ""}, "Write what may come of it for them."),
        ("assessed", "notify", {"measures": ""}, "Write what is done about it."),
        ("assessed", "close", {"measures": ""}, "Write what was done, so that it does not happen again."),
        ("assessed", "close", {"untold": ""}, "Say why no Commissioner is told."),
    ],
)
def test_what_is_missing_is_refused_and_nothing_is_written(people, build, name, changes, sentence):
    case = getattr(breaches, build)(people)
    inputs = {"assess": ASSESSED, "notify": TOLD, "close": ENDED}[name]
    assert sentence in refusal(case, name, people[OFFICER], **{**inputs, **changes})


def test_after_the_72_hours_it_is_told_only_with_the_reasons(people):
    case, late = breaches.assessed(people), AT + timedelta(hours=71)
    sentence = refusal(case, "notify", people[OFFICER], late, **TOLD)
    assert sentence == "The 72 hours ended at 08:00 on 17 November 2026. Say why it is told later."
    after(case, "notify", people[OFFICER], late, **TOLD, delay="Found by an audit of last year.")
    assert told(case)[0][1]["reasons_for_delay"] == "Found by an audit of last year."


def test_the_page_of_a_breach_shows_london_time(people):
    case = breaches.assessed(people)
    case.breach.aware_at = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert ("First known", "1 July 2026 23:30") in report.facts_view(case)


def test_the_72_hours_count_anew_from_when_it_was_first_known_as_it_is_corrected(people):
    case, officer = breaches.assessed(people, is_secret="yes"), people[OFFICER]
    after(case, "notify", officer, **TOLD)
    case = breaches.assessed(people)
    assert clock(case).due_at == AT + timedelta(hours=70)
    for aware_at, due_at in (
        (AT - timedelta(hours=5), AT + timedelta(hours=67)),
        (AT - timedelta(hours=80), AT - timedelta(hours=8)),
        (AT + timedelta(hours=9), AT + timedelta(hours=72)),  # not later than it was reported
    ):
        with edits.change(case.pk, actor=officer, at=AT) as edit:
            edit.facts(aware_at=aware_at)
        assert (clock(case).due_at, Case.objects.get(pk=case.pk).due_at) == (due_at, due_at)
    page = client_of(OFFICER).get(f"/cases/{case.uid}/edit/").content.decode()
    assert "First known at: the 72 hours count from here" in page


def test_a_refused_notice_is_told_by_hand(people):
    case = breaches.assessed(people)
    after(case, "notify", people[OFFICER], **TOLD)
    OutboxMessage.objects.filter(case=case).update(
        state="refused", attempts=1, errors=[{"pointer": "/people", "code": "TOO_MANY"}]
    )
    settlement.settle(now=AT)
    task = Task.objects.get(case=case, kind="breach_tell_by_hand")
    assert task.detail["codes"] == ["TOO_MANY"]
    assert clock(case).ended_at is None


@pytest.mark.parametrize("family", ["emergency", "request"])
def test_what_went_wrong_in_a_compartment_is_reported_one_way(people, family):
    if family == "emergency":
        emergencies.enter(people)
        source = emergencies.written_up(people)
        before = LedgerEvent.objects.filter(stream=source.uid).count()
        emergencies.after(source, "find_over_disclosure", people["e.hallam"], what="The date of birth was read out.")
        what = "The date of birth was read out."
    else:
        source = disclosures.receipted(people)
        before = LedgerEvent.objects.filter(stream=source.uid).count()
        error = {**disclosures.ERROR, "found_at": AT, "is_breach": True}
        transitions.apply(source.pk, "report_error", actor=people["k.mistry"], at=AT, inputs=error)
        what = f"{disclosures.ERROR['how']}\n{disclosures.ERROR['collateral']}"
    case = Case.objects.get(kind="breach")
    assert (case.is_restricted, case.team.code, case.breach.is_from_secrecy) == (True, "data_protection", True)
    kept = {"about_reference": source.reference, "what": None, "told_inside": what}
    assert said(case, "about_reference", "what", "told_inside") == kept
    # One event of the source's own stream, and no word of the breach in it.
    events = LedgerEvent.objects.filter(stream=source.uid)
    assert events.count() == before + 1
    assert case.reference not in str(list(events.values()))
    assert str(case.uid) not in str(list(events.values()))
    seen = [name for name, actor in people.items() if policy.visible_to(actor).filter(pk=case.pk).exists()]
    assert seen == [OFFICER]
    page = client_of("e.hallam", is_stepped_up=True).get(f"/cases/{source.uid}/").content.decode()
    assert case.reference not in page
    # Nothing of it goes to a Commissioner word for word: the officer writes what may be told.
    officer = people[OFFICER]
    after(case, "assess", officer, **ASSESSED)
    assert "write in your own words" in refusal(case, "notify", officer, **TOLD)
    with edits.change(case.pk, actor=officer, at=AT) as edit:
        edit.facts(what="Somebody was told more than was asked.")
    after(case, "notify", officer, **TOLD)
    assert [body["what_happened"] for _, body in told(case)] in ([], ["Somebody was told more than was asked."])
    assert is_whole()


def test_a_colleagues_report_about_a_case_of_a_compartment_is_kept_apart_too(people):
    source = disclosures.received(people)
    facts = {"what": "The fax went astray.", "nature": "disclosed", "once": "1"}
    referrals.refer("breach", facts, about=source, actor=people["k.mistry"], at=AT)
    case = Case.objects.get(kind="breach")
    assert case.breach.is_from_secrecy
    assert said(case, "what", "told_inside") == {"what": None, "told_inside": "The fax went astray."}


def test_a_notice_that_cannot_be_delivered_is_told_by_hand_and_the_breach_ends(people):
    case, officer = breaches.assessed(people), people[OFFICER]
    after(case, "notify", officer, **TOLD)
    notice = OutboxMessage.objects.filter(case=case)
    assert refusal(case, "close", officer, **ENDED) == NOT_YET
    for state in ("dead", "unknown", "skipped"):
        notice.update(state=state, attempts=10)
        assert "say how they were told instead" in refusal(case, "close", officer, **ENDED)
    after(case, "close", officer, **{**ENDED, "told_how": "By telephone, reference 4711."})
    assert (clock(case).state, Case.objects.get(pk=case.pk).state) == ("met", "closed")
    assert said(case, "told_how") == {"told_how": "By telephone, reference 4711."}
    assert Release.objects.filter(case=case, message=None, message_kind="ico_breach").count() == 1


@pytest.mark.django_db(transaction=True)  # due times are those of the statement, not of the test's transaction
def test_a_notice_waits_for_no_transfer_abroad_and_all_else_does(people):
    """UK GDPR Art 33 gives 72 hours: no colleague's proposal keeps the notice back, as no lapsed agreement does."""
    case, waiting = breaches.assessed(people), promise(factories.referred(people), code=breaches.REGULATOR)
    transfers.proposed(people, recipient=breaches.REGULATOR, country="US")
    after(case, "notify", people[OFFICER], **TOLD)
    notice = OutboxMessage.objects.get(case=case)
    assert [one.message_id for one in queue.claim(uuid4())] == [notice.pk]
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts) == ("pending", 0)


@pytest.mark.parametrize("attempts", [0, 7], ids=["the channel is paused", "its circuit is open"])
def test_a_notice_that_waits_is_taken_back_when_somebody_told_the_commissioner(people, attempts):
    case, officer = breaches.assessed(people), people[OFFICER]
    after(case, "notify", officer, **TOLD)
    notice = OutboxMessage.objects.filter(case=case)
    notice.update(attempts=attempts)
    spoken = {**ENDED, "told_how": "By telephone, reference 4711."}
    assert refusal(case, "close", officer, **ENDED) == NOT_YET
    notice.update(state="sending", lease=uuid4())
    sentence = "The notice is being sent at this moment. Try again in a few minutes."
    assert refusal(case, "close", officer, **spoken) == sentence
    notice.update(state="pending", lease=None)
    after(case, "close", officer, **spoken)
    assert (notice.get().state, clock(case).state) == ("withdrawn", "met")
    assert said(case, "told_how") == {"told_how": "By telephone, reference 4711."}
    assert Release.objects.filter(case=case, message=None, message_kind="ico_breach").count() == 1
    assert is_whole()


def test_a_notice_that_still_waits_is_asked_for_by_hand_before_the_72_hours_end(people):
    rulebook.load(at=AT)
    soon, officer = AT + timedelta(hours=50), people[OFFICER]
    case, other = breaches.assessed(people), breaches.assessed(people)
    for each in (case, other):
        after(each, "notify", officer, **TOLD)
    sweeps.warn_of_ends(now=soon)
    sweeps.warn_of_ends(now=soon)
    task = case.tasks.get(kind="breach_tell_by_hand")
    assert task.due_at == AT + timedelta(hours=70)
    edits.close_task(case.pk, task.pk, actor=officer, at=soon, reason="By telephone, reference 4711.")
    assert (OutboxMessage.objects.get(case=case).state, clock(case).state) == ("withdrawn", "met")
    assert Release.objects.filter(case=case, message=None, message_kind="ico_breach").count() == 1
    assert after(case, "close", officer, at=soon, **ENDED).state == "closed"
    # What arrives after all is not asked for any more.
    OutboxMessage.objects.filter(case=other).update(state="delivered", attempts=1, delivered_at=soon)
    settlement.settle(now=soon)
    assert other.tasks.get(kind="breach_tell_by_hand").outcome == "delivered"
    assert is_whole()


def reopen(case, people, at):
    row = after(case, "reopen", people[OFFICER], at=at).approvals.get(closed_at=None)
    other = replace(people["v.tranter"], roles=people[OFFICER].roles, team_ids=people[OFFICER].team_ids)
    verdicts.decide(row.uid, "agreed", actor=other, at=at)
    return Case.objects.get(pk=case.pk)


def test_a_breach_that_is_opened_again_is_as_late_as_it_is_and_ends_only_once_it_is_told(people):
    rulebook.load(at=AT)
    case, officer, later = breaches.not_a_breach(people), people[OFFICER], AT + timedelta(days=30)
    case = reopen(case, people, later)
    anew = case.clocks.get(rule="k09_breach", ended_at=None)
    assert (case.state, anew.started_at) == ("suspected", AT - timedelta(hours=2))
    assert case.due_at == anew.due_at == AT + timedelta(hours=70)
    sweeps.end_due_clocks(now=later)
    assert case.tasks.filter(kind="clock_over", closed_at=None).count() == 1
    after(case, "assess", officer, at=later, **ASSESSED)
    assert "Say why it is told later." in refusal(case, "notify", officer, later, **TOLD)
    after(case, "notify", officer, at=later, **TOLD, delay="It was taken for none.")
    OutboxMessage.objects.filter(case=case).update(state="dead", attempts=10)
    assert "say how they were told instead" in refusal(case, "close", officer, later, **ENDED)
    after(case, "close", officer, at=later, **ENDED, told_how="By telephone.")
    assert case.clocks.get(pk=anew.pk).ended_at == later
    assert is_whole()


def test_what_is_added_to_a_notice_that_was_in_time_is_not_late_and_has_to_arrive_too(people):
    case, officer, later = breaches.closed(people), people[OFFICER], AT + timedelta(days=30)
    case = reopen(case, people, later)
    assert (clock(case).state, case.due_at) == ("met", None)
    after(case, "assess", officer, at=later, **ASSESSED)
    after(case, "notify", officer, at=later, **TOLD)
    assert refusal(case, "close", officer, later, **ENDED) == NOT_YET
    OutboxMessage.objects.filter(case=case, state="pending").update(
        state="delivered", attempts=1, delivered_at=later, settled_at=later
    )
    assert after(case, "close", officer, at=later, **ENDED).state == "closed"


def test_a_wrong_secrecy_test_is_put_right_and_the_other_commissioner_told(people):
    case, officer = breaches.assessed(people, risk="adverse"), people[OFFICER]
    after(case, "assess", officer, **{**ASSESSED, "is_secret": "yes", "risk": "adverse"})
    assert case.tasks.get(kind="breach_tell_people").outcome == "not_needed"
    after(case, "assess", officer, **{**ASSESSED, "risk": "adverse"})
    after(case, "assess", officer, **{**ASSESSED, "risk": "adverse"})
    assert case.tasks.filter(kind="breach_tell_people", closed_at=None).count() == 1
    # Where the wrong one was told, the 72 hours of the other run.
    breaches.enter("tests-ipc", "oversight", "Test Commissioner")
    case = reopen(breaches.closed(people), people, AT)
    assert not case.clocks.filter(ended_at=None).exists()
    after(case, "assess", officer, **{**ASSESSED, "is_secret": "yes"})
    assert case.clocks.get(rule="k09_breach", ended_at=None).due_at == AT + timedelta(hours=70)
    after(case, "notify", officer, **TOLD)
    assert [kind for kind, _ in told(case)] == ["ico_breach", "ipc_breach"]
    assert refusal(case, "close", officer, **ENDED) == NOT_YET


def test_what_oversight_says_of_no_known_case_is_read_by_the_disclosure_unit(people):
    breaches.enter("tests-ipc", "oversight", "Test Commissioner")
    breaches.enter()
    seen = {
        each.kind: agencies.compartment(each).code
        for each in Agency.objects.filter(kind__in=["oversight", "regulator"])
    }
    assert (seen["oversight"], seen["regulator"]) == ("disclosure", "data_protection")


def test_a_report_that_is_sent_twice_is_one_and_the_page_says_nothing_of_it(people):
    parent = factories.investigating(people)
    client = client_of("p.nair")
    assert "Report a data breach" in client.get(f"/cases/{parent.uid}/").content.decode()
    page = client.get(f"/cases/{parent.uid}/refer/breach/").content.decode()
    assert "Saying so can be a crime" not in page
    typed = {"what": "A list went astray.", "nature": "lost", "once": "00000000-0000-4000-8000-000000000001"}
    for _ in range(2):
        assert client.post(f"/cases/{parent.uid}/refer/breach/", typed).status_code == 302
    case = Case.objects.get(kind="breach")
    assert said(case, "about_reference", "what") == {
        "about_reference": parent.reference,
        "what": "A list went astray.",
    }
    late = client.post("/refer/breach/", {**typed, "aware_at": "yesterday"})
    assert (late.status_code, Case.objects.filter(kind="breach").count()) == (422, 1)
    assert "A list went astray." in late.content.decode()
    assert referrals.kind("breach").code == "breach"


def test_the_officer_works_a_breach_in_the_browsers_own_pages(people):
    case, client = breaches.suspected(people), client_of(OFFICER, is_stepped_up=True)
    assert case.reference in client.get("/cases/?kind=breach").content.decode()
    page = client.get(f"/cases/{case.uid}/").content.decode()
    assert "Does secrecy of the Investigatory Powers Act forbid" in page
    version = Case.objects.get(pk=case.pk).version
    done = client.post(f"/cases/{case.uid}/steps/assess/", {**ASSESSED, "version": version})
    assert done.status_code == 302, done.content.decode()[:2000]
    assert Case.objects.get(pk=case.pk).state == "assessed"


def test_nobody_but_staff_reports(people):
    for name in ("o.thackray", "b.lacombe"):
        with nothing_written(), pytest.raises(CaseError):
            intake.open_case("breach", actor=people[name], at=AT, facts=breaches.FACTS)
