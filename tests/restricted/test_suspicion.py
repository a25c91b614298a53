"""A suspicion report from the colleague who refers it to the unit's answer, and what follows when none comes."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from cases.agencies import settlement
from cases.agencies.sandbox import desks
from cases.fraud.suspicion import codes
from cases.kernel import actors, casetypes, edits, outbox, transitions, verdicts
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.models import Approval, Case, CaseParty, Clock, Letter, OutboxMessage, QuietHold, Release, Task
from cases.kernel.restricted import quietholds
from cases.kernel.timing import sweeps
from cases.ledger import sealing, verify
from cases.ledger.models import AccessEvent, LedgerEvent
from tests import factories, suspicions
from tests.factories import AT
from tests.kernel.snapshots import nothing_written, snapshot, tables
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
WROTE = {"referral": "Refund to a stranger's account.", "account_reference": "NM-4471"}
ONCE = "0b9f6f6e-1111-4222-8333-444455556666"


def opened(message):
    reader = sealing.Reader(actor="system:tests", verb="view", purpose="tests")
    return json.loads(outbox.open_body(message, reader=reader, at=AT))["data"]


def traces(case):
    looked = AccessEvent.objects.filter(streams__contains=[case.uid])
    return LedgerEvent.objects.filter(stream=case.uid).count(), looked.count()


def event(case, action):
    return LedgerEvent.objects.get(stream=case.uid, action=f"suspicion_report.{action}").content()


def test_anybody_refers_and_learns_only_that_it_was_received(people):
    parent = factories.investigating(people)
    client = client_of("p.nair")
    before = snapshot([name for name in tables() if name not in {"cases_case", "cases_historicalcase"}])
    told = traces(parent)

    answer = client.post(f"/cases/{parent.uid}/refer/suspicion_report/", {**WROTE, "once": ONCE}, follow=True)

    report = Case.objects.get(kind="suspicion_report")
    page = answer.content.decode()
    assert "Received" in page and report.reference not in page
    assert (report.reference[:2], report.state, report.is_restricted) == ("R-", "draft", True)
    assert report.team.code == "financial_crime"
    assert traces(parent) == told
    after = snapshot(before)
    assert {name for name in before if before[name] != after[name]} == {
        "cases_suspicionreport",
        "cases_historicalsuspicionreport",
        "cases_clock",
        "cases_historicalclock",
        "cases_datakey",
        "cases_ledgerevent",
        "cases_ledgerhead",
        "cases_searchentry",
    }
    assert client.get(f"/cases/{report.uid}/").status_code == 404
    assert report.reference not in client.get("/cases/").content.decode() + client.get("/").content.decode()


def test_a_referral_sent_twice_is_one(people):
    client = client_of("r.penhale")
    for _ in range(2):
        answer = client.post("/refer/suspicion_report/", {**WROTE, "once": ONCE})
        assert answer.url == "/referred/"
    assert Case.objects.filter(kind="suspicion_report").count() == 1


def test_an_empty_referral_is_refused_and_keeps_what_was_typed(people):
    client = client_of("r.penhale")
    with nothing_written():
        answer = client.post("/refer/suspicion_report/", {"referral": "", "account_reference": "NM-1"})
    assert answer.status_code == 422
    assert 'value="NM-1"' in answer.content.decode()


def test_the_officer_finds_it_in_their_queue_with_the_case_it_came_from_sealed(people):
    parent = factories.referred(people)
    client_of("p.nair").post(f"/cases/{parent.uid}/refer/suspicion_report/", {**WROTE, "once": ONCE})
    report = Case.objects.get(kind="suspicion_report")
    officer = client_of("h.castellan")
    assert report.reference in officer.get("/cases/?kind=suspicion_report").content.decode()
    page = officer.get(f"/cases/{report.uid}/").content.decode()
    assert "It came from" in page and parent.reference not in page
    shown = officer.post(f"/cases/{report.uid}/reveal/facts-about_reference/", {"purpose": "prepare_filing"})
    assert parent.reference in shown.content.decode()


def test_submitting_tells_the_unit_writes_unknown_and_notes_the_officer(people):
    case = suspicions.submitted(people)
    (message,) = OutboxMessage.objects.filter(case=case)
    assert (message.kind, message.channel.agency.code) == ("fiu_sar", "sandbox-fiu")
    assert opened(message) == {
        "reason": "defence_money_laundering",
        "glossary_codes": ["UNKNOWN"],
        "accounts": ["NM-7001", "NM-7002"],
        "transactions": "£900.00",
        "narrative": "Three refunds in a week. Why: UNKNOWN.",
        "police_contact": "UNKNOWN",
        "subjects": [
            {
                "number": 1,
                "role": "subject",
                "forename": "Balthazar",
                "surname": "Vellacott",
                "date_of_birth": "UNKNOWN",
                "phone": "+447700900456",
                "addresses": [
                    {"kind": "current", "line_1": "3 Lantern Hill", "town": "Cardiff", "postcode": "CF10 0ZZ"}
                ],
            }
        ],
    }
    assert case.reference not in json.dumps(opened(message))
    assert event(case, "submit")["detail"]["as"] == "nominated_officer"
    assert set(Release.objects.get(case=case).items.values_list("gateway", "clause")) == {
        ("poca_s338", "report_suspicion")
    }
    assert not Letter.objects.filter(case=case).exists()
    assert CaseParty.objects.get(case=case).party_id is None
    assert {finding.level for finding in verify.verify_stream(case.uid)} <= {"recorded late"}


def test_a_deputy_may_submit_and_is_recorded_as_one(people):
    case = suspicions.written(people)
    transitions.apply(case.pk, "submit", actor=people["w.strake"], at=AT)
    assert event(case, "submit")["detail"]["as"] == "deputy"
    assert Case.objects.get(pk=case.pk).suspicion_report.is_by_deputy


def test_without_a_narrative_or_with_too_long_a_one_nothing_is_submitted(people):
    empty = suspicions.referred(people)
    with nothing_written(counted=1), pytest.raises(CaseError, match="Write the narrative first"):
        transitions.apply(empty.pk, "submit", actor=people["h.castellan"], at=AT)
    long = suspicions.written(people)
    with edits.change(long.pk, actor=people["h.castellan"], at=AT) as edit:
        edit.facts(narrative="x" * 8001)
    with nothing_written(counted=1), pytest.raises(CaseError, match="at most 8,000 characters"):
        transitions.apply(long.pk, "submit", actor=people["h.castellan"], at=AT)
    with edits.change(long.pk, actor=people["h.castellan"], at=AT) as edit:
        edit.facts(narrative="x" * 8000)
    assert transitions.apply(long.pk, "submit", actor=people["h.castellan"], at=AT).state == "submitted"


# Friday 18 December 2026: bank holidays on 25 and 28 December.
FRIDAY = datetime(2026, 12, 18, 15, 0, tzinfo=UTC)
REFERENCE = {"agency_reference": "FIU-2026-0001"}


def outcome(case, state, *, at, **changes):
    """Let the report's message end as the post says, and the case take note of it."""
    OutboxMessage.objects.filter(case=case, kind="fiu_sar").update(state=state, **changes)
    assert settlement.settle(now=at) == 1


def test_the_notice_period_is_seven_working_days_after_the_day_on_which_the_unit_has_the_report(people):
    case = suspicions.written(people)
    transitions.apply(case.pk, "submit", actor=people["h.castellan"], at=FRIDAY - timedelta(days=4))
    assert not Clock.objects.filter(case=case, rule="k25_notice_period").exists()
    outcome(case, "delivered", at=FRIDAY + timedelta(hours=1), delivered_at=FRIDAY)
    transitions.apply(case.pk, "acknowledge", actor=suspicions.fiu(), at=FRIDAY + timedelta(days=3), inputs=REFERENCE)
    clock = Clock.objects.get(case=case, rule="k25_notice_period")
    assert clock.due_date.isoformat() == "2026-12-31"

    sweeps.end_due_clocks(now=clock.due_at)
    assert Case.objects.get(pk=case.pk).state == "acknowledged"
    sweeps.end_due_clocks(now=clock.due_at + timedelta(seconds=1))
    assert Case.objects.get(pk=case.pk).state == "consented"
    assert event(case, "deem_consent")["actor"] == "system:deemed_consent"
    assert quietholds.blocked(account="NM-7001") == frozenset()


# tests/data/clock_dates.csv: 1 and 4 January are off in Scotland, 1 January alone in England and Wales.
@pytest.mark.parametrize(("place", "last"), [("eaw", "2027-01-11"), ("sct", "2027-01-12")])
def test_the_notice_period_counts_the_days_of_where_the_officer_reports_from(people, place, last):
    case = suspicions.written(people)
    with edits.change(case.pk, actor=people["h.castellan"], at=AT) as edit:
        edit.facts(submitted_from=place)
    transitions.apply(case.pk, "submit", actor=people["h.castellan"], at=FRIDAY)
    had_it = datetime(2026, 12, 30, 10, 0, tzinfo=UTC)
    outcome(case, "delivered", at=had_it, delivered_at=had_it)
    clock = Clock.objects.get(case=case, rule="k25_notice_period")
    assert (clock.jurisdiction, clock.due_date.isoformat()) == (place, last)


def test_an_acknowledgement_starts_the_notice_period_where_no_delivery_was_noted(people):
    case = suspicions.written(people)
    transitions.apply(case.pk, "submit", actor=people["h.castellan"], at=FRIDAY - timedelta(days=4))
    transitions.apply(case.pk, "acknowledge", actor=suspicions.fiu(), at=FRIDAY, inputs=REFERENCE)
    assert Clock.objects.get(case=case, rule="k25_notice_period").due_date.isoformat() == "2026-12-31"


@pytest.mark.parametrize(
    ("state", "task"), [("pending", None), ("dead", "message_dead"), ("refused", "suspicion_report_not_taken")]
)
def test_a_report_that_the_unit_does_not_have_is_never_consent(people, state, task):
    case = suspicions.submitted(people)
    if task:
        outcome(case, state, at=AT, errors=[{"pointer": "/narrative", "code": "TOO_LONG"}])
    sweeps.end_due_clocks(now=AT + timedelta(days=90))

    case = Case.objects.get(pk=case.pk)
    assert case.state == "submitted"
    with nothing_written(counted=1), pytest.raises(CaseError, match="not acknowledged the report"):
        transitions.apply(case.pk, "deem_consent", actor=actors.system("tests"), at=AT + timedelta(days=90))
    assert quietholds.blocked(account="NM-7001") == {"pay_out"}
    raised = Task.objects.filter(case=case).exclude(kind__startswith="clock_")
    assert [(each.kind, each.team.code, each.closed_at) for each in raised] == (
        [(task, "financial_crime", None)] if task else []
    )
    assert case.reference in client_of("h.castellan").get("/tasks/?view=all").content.decode()
    for outsider in ("a.byrne", "d.osei", "r.penhale"):
        assert case.reference not in client_of(outsider).get("/tasks/?view=all").content.decode()


def test_a_delivered_report_without_an_acknowledgement_waits_for_it(people):
    case = suspicions.submitted(people)
    outcome(case, "delivered", at=AT, delivered_at=AT)
    late = AT + timedelta(days=90)
    sweeps.end_due_clocks(now=late)
    assert Case.objects.get(pk=case.pk).state == "submitted"
    assert quietholds.blocked(account="NM-7001") == {"pay_out"}

    transitions.apply(case.pk, "acknowledge", actor=suspicions.fiu(), at=late, inputs=REFERENCE)
    sweeps.end_due_clocks(now=late)
    assert Case.objects.get(pk=case.pk).state == "consented"


def test_a_delivery_that_is_noted_after_the_answer_starts_nothing(people):
    case = suspicions.submitted(people)
    transitions.apply(case.pk, "refuse", actor=suspicions.fiu(), at=AT)
    outcome(case, "delivered", at=AT, delivered_at=AT)
    assert not Clock.objects.filter(case=case, rule="k25_notice_period").exists()


def test_what_the_unit_did_not_take_is_corrected_and_submitted_again(people):
    case = suspicions.submitted(people)
    with nothing_written(counted=1), pytest.raises(CaseError, match="Only a report that the unit did not take"):
        transitions.apply(case.pk, "correct", actor=people["h.castellan"], at=AT)
    offers = {each.transition.name: each.refusals for each in transitions.offers(case, people["h.castellan"], at=AT)}
    assert offers["correct"] == ("Only a report that the unit did not take is corrected.",)
    outcome(case, "refused", at=AT, errors=[{"pointer": "/glossary_codes", "code": "UNKNOWN_CODE"}])

    transitions.apply(case.pk, "correct", actor=people["h.castellan"], at=AT)
    assert quietholds.blocked(account="NM-7001") == {"pay_out"}
    assert not Task.objects.filter(case=case, kind="suspicion_report_not_taken", closed_at=None).exists()
    with edits.change(case.pk, actor=people["h.castellan"], at=AT) as edit:
        edit.facts(glossary_codes=["money_mule"], account_reference="NM-7003")
    transitions.apply(case.pk, "submit", actor=people["h.castellan"], at=AT)

    first, again = OutboxMessage.objects.filter(case=case).order_by("pk")
    assert (first.state, again.state) == ("superseded", "pending")
    assert opened(again)["glossary_codes"] == ["money_mule"]
    assert [quietholds.blocked(account=each) for each in ("NM-7001", "NM-7003")] == [frozenset(), {"pay_out"}]
    with nothing_written(counted=1), pytest.raises(CaseError):
        transitions.apply(case.pk, "correct", actor=people["h.castellan"], at=AT)


def test_a_correction_that_seeks_no_defence_any_more_holds_nothing(people):
    case = suspicions.not_taken(people)
    transitions.apply(case.pk, "correct", actor=people["h.castellan"], at=AT)
    with edits.change(case.pk, actor=people["h.castellan"], at=AT) as edit:
        edit.facts(reason_code=codes.INFORMATION)
    transitions.apply(case.pk, "submit", actor=people["h.castellan"], at=AT)
    assert quietholds.blocked(account="NM-7001") == frozenset()


def test_a_reopened_report_has_a_notice_period_of_its_own(people):
    case = suspicions.closed(people)
    transitions.apply(case.pk, "reopen", actor=people["h.castellan"], at=AT, reason="More came to light.")
    waiting = Approval.objects.get(case=case, act="reopen")
    verdicts.decide(waiting.uid, "agreed", actor=people["w.strake"], at=AT)
    transitions.apply(case.pk, "submit", actor=people["h.castellan"], at=FRIDAY)
    transitions.apply(case.pk, "acknowledge", actor=suspicions.fiu(), at=FRIDAY, inputs=REFERENCE)

    running = Clock.objects.get(case=case, rule="k25_notice_period", ended_at=None)
    assert running.due_date.isoformat() == "2026-12-31"
    sweeps.end_due_clocks(now=running.due_at + timedelta(seconds=1))
    assert Case.objects.get(pk=case.pk).state == "consented"
    assert quietholds.blocked(account="NM-7001") == frozenset()


def test_the_unit_may_give_the_defence_in_the_moratorium(people):
    case = suspicions.moratorium(people)
    done = transitions.apply(case.pk, "consent", actor=suspicions.fiu(), at=AT + timedelta(days=5))
    assert done.state == "consented"
    assert quietholds.blocked(account="NM-7001") == frozenset()
    assert not Clock.objects.filter(case=case, ended_at=None).exists()


def test_a_refusal_holds_for_31_days_beginning_with_the_day(people):
    case = suspicions.acknowledged(people)
    transitions.apply(case.pk, "refuse", actor=suspicions.fiu(), at=FRIDAY)
    clock = Clock.objects.get(case=case, rule="k25_moratorium")
    assert clock.due_date.isoformat() == "2027-01-17"
    assert quietholds.blocked(account="NM-7001") == {"pay_out"}
    sweeps.end_due_clocks(now=clock.due_at + timedelta(seconds=1))
    assert Case.objects.get(pk=case.pk).state == "consented"
    assert quietholds.blocked(account="NM-7001") == frozenset()


def test_a_refusal_counts_from_the_day_on_which_it_reached_us_and_not_from_when_it_was_applied(people):
    """POCA 2002 s.335(6): a moratorium that a day of ours makes longer keeps somebody's money without a ground."""
    case = suspicions.acknowledged(people)
    from_the_unit(case, "fiu.refused", at=FRIDAY + timedelta(days=3), received_at=FRIDAY)
    assert Clock.objects.get(case=case, rule="k25_moratorium").due_date.isoformat() == "2027-01-17"


def test_whoever_records_a_refusal_by_hand_says_when_it_came_in(people):
    case, officer = suspicions.acknowledged(people), people["h.castellan"]
    at, days = FRIDAY + timedelta(days=3), (date(2026, 12, 22), date(2026, 11, 13))
    for day, why in zip(days, ("a day to come", "cannot be older"), strict=True):
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match=why):
            transitions.apply(case.pk, "refuse", actor=officer, at=at, inputs={"received_date": day})
    given = {"received_date": date(2026, 12, 18)}
    transitions.apply(case.pk, "refuse", actor=officer, at=at, inputs=given)
    assert Clock.objects.get(case=case, rule="k25_moratorium").due_date.isoformat() == "2027-01-17"


def test_the_notice_period_counts_from_when_the_acknowledgement_reached_us(people):
    case = suspicions.submitted(people)
    from_the_unit(case, "fiu.acknowledged", at=AT + timedelta(days=6), received_at=AT)
    assert Clock.objects.get(case=case, rule="k25_notice_period").started_at == AT


def test_a_report_for_information_holds_nothing_and_is_closed_once_acknowledged(people):
    case = suspicions.acknowledged(people, reason_code=codes.INFORMATION)
    assert not QuietHold.objects.exists()
    assert not Clock.objects.filter(case=case, rule__startswith="k25").exists()
    with nothing_written(counted=1), pytest.raises(CaseError, match="sought no defence"):
        transitions.apply(case.pk, "consent", actor=suspicions.fiu(), at=AT)
    done = transitions.apply(case.pk, "close", actor=people["h.castellan"], at=AT)
    assert (done.is_closed, done.dispose_after_date.isoformat()) == (True, "2031-11-14")


def test_the_hold_acts_by_token_on_account_and_case_and_shows_nowhere(people):
    parent = factories.referred(people)
    token = quietholds.case_token(parent.uid)
    case = suspicions.submitted(people, about_token=token, about_reference=parent.reference)
    assert quietholds.blocked(account="nm-7001 ") == {"pay_out"}
    assert quietholds.blocked(case_uid=parent.uid) == {"pay_out"}
    assert quietholds.blocked(case_uid=case.uid, account="NM-9999") == frozenset()
    assert not parent.holds.exists()
    assert "Policy hold" not in client_of("a.byrne").get(f"/cases/{parent.uid}/").content.decode()
    transitions.apply(case.pk, "consent", actor=people["h.castellan"], at=AT)
    assert quietholds.blocked(case_uid=parent.uid) == frozenset()


@pytest.mark.parametrize(
    "typed", ["NM-7001; NM-7002", "NM-7001 and NM-7002", "nm-7001\nnm-7002", "NM-7001 & NM-7002", "NM-7001 NM-7002"]
)
def test_accounts_are_held_and_told_each_however_they_are_divided(people, typed):
    case = suspicions.submitted(people, account_reference=typed)

    assert len(opened(OutboxMessage.objects.get(case=case))["accounts"]) == 2
    assert [quietholds.blocked(account=each) for each in ("NM-7001", "NM-7002")] == [{"pay_out"}] * 2


def test_an_account_written_with_a_space_is_one(people):
    case = suspicions.submitted(people, account_reference="NM 7001")

    assert opened(OutboxMessage.objects.get(case=case))["accounts"] == ["NM 7001"]
    assert quietholds.blocked(account="NM-7001") == {"pay_out"}


def test_account_that_stands_on_a_person_of_the_report_is_held(people):
    case = suspicions.written(people, account_reference="")
    with edits.change(case.pk, actor=people["h.castellan"], at=AT) as edit:
        edit.party(1, account_reference="NM-4471")

    transitions.apply(case.pk, "submit", actor=people["h.castellan"], at=AT)

    assert opened(OutboxMessage.objects.get(case=case))["accounts"] == ["UNKNOWN"]
    assert quietholds.blocked(account="NM-4471") == {"pay_out"}


def test_defence_is_not_sought_before_somebody_says_which_account_waits(people):
    case = suspicions.written(people, account_reference="")
    with nothing_written(counted=1), pytest.raises(CaseError, match="Name the account whose payouts wait"):
        transitions.apply(case.pk, "submit", actor=people["h.castellan"], at=AT)

    with edits.change(case.pk, actor=people["h.castellan"], at=AT) as edit:
        edit.facts(account_reference="UNKNOWN")
    transitions.apply(case.pk, "submit", actor=people["h.castellan"], at=AT)

    assert not QuietHold.objects.filter(case=case).exists()
    assert suspicions.submitted(people, reason_code=codes.INFORMATION, account_reference="").state == "submitted"


def test_a_void_report_holds_nothing_and_needs_two_officers(people):
    case = suspicions.written(people)
    transitions.apply(case.pk, "void", actor=people["h.castellan"], at=AT, reason="Opened in error.")
    waiting = Approval.objects.get(case=case, act="void")
    with nothing_written(counted=1), pytest.raises(CaseError):
        verdicts.decide(waiting.uid, "agreed", actor=people["d.osei"], at=AT)
    assert verdicts.decide(waiting.uid, "agreed", actor=people["w.strake"], at=AT).state == "void"


def test_a_dismissed_report_is_kept_for_five_years(people):
    done = suspicions.dismissed(people)
    assert (done.retention_class, done.dispose_after_date.isoformat()) == ("suspicion_dismissed", "2031-11-14")
    assert not OutboxMessage.objects.filter(case=done).exists()


def test_the_sandbox_unit_acknowledges_and_decides_where_an_account_says_so():
    def said(reason, *accounts, kind="fiu_sar"):
        message = {"type": kind, "data": {"reason": reason, "accounts": list(accounts)}}
        return [each["type"] for each in desks.reply("fiu", desks.Visit(message, 0, FRIDAY)).callbacks]

    assert said("information", "NM-1C") == ["fiu.acknowledged"]
    assert said("defence_money_laundering", "NM-1") == ["fiu.acknowledged"]
    assert said("defence_money_laundering", "NM-1C") == ["fiu.acknowledged", "fiu.consented"]
    assert said("defence_terrorist_financing", "NM-1", "NM-2R") == ["fiu.acknowledged", "fiu.refused"]
    assert said("information", kind="other") == []


def from_the_unit(case, kind, *, reference="FIU-2026-0000901", at=AT, received_at=None):
    content = Content(
        type=kind,
        agency_code="sandbox-fiu",
        agency_kind="fiu",
        agency_reference=reference,
        agency_sequence=1,
        occurred_at=None,
        data={},
        message=None,
        callback_uid=None,
        received_at=received_at,
    )
    casetypes.get("suspicion_report").callbacks[kind](case, content, actor=suspicions.fiu(), at=at)


def test_a_refusal_after_the_defence_was_given_or_taken_as_given_is_not_passed_over(people):
    for case in (suspicions.consented(people), suspicions.closed(people)):
        with nothing_written(), pytest.raises(transitions.TransitionRefused, match="given, or taken as given") as why:
            from_the_unit(case, "fiu.refused", at=AT + timedelta(days=3))
        assert not isinstance(why.value, transitions.AlreadyThere)
    case = suspicions.moratorium(people)
    with nothing_written(counted=1), pytest.raises(transitions.AlreadyThere):
        from_the_unit(case, "fiu.refused")


def test_a_second_reference_of_the_unit_is_left_to_the_officer(people):
    case = suspicions.acknowledged(people)
    with nothing_written(), pytest.raises(transitions.TransitionRefused, match="may have the report twice") as why:
        from_the_unit(case, "fiu.acknowledged", reference="FIU-2026-0009999")
    assert not isinstance(why.value, transitions.AlreadyThere)
    with nothing_written(counted=1), pytest.raises(transitions.AlreadyThere):
        from_the_unit(case, "fiu.acknowledged", reference="FIU-2026-0001")


def test_callbacks_of_the_unit_move_the_report(people):
    case = suspicions.submitted(people)
    for name, state in (("acknowledged", "acknowledged"), ("consented", "consented")):
        from_the_unit(case, f"fiu.{name}")
        case = Case.objects.get(pk=case.pk)
        assert case.state == state
    assert case.suspicion_report.unit_reference == "FIU-2026-0000901"
    assert actors.staff(factories.user("h.castellan")).roles == {"nominated_officer"}
