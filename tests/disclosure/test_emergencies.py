"""An emergency from the call to its end: scenario E-1 with its own times, and every refusal of the night desk."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from cases.agencies.directory import TERMS
from cases.disclosure.emergency import report
from cases.kernel import actors, edits, holds, intake, outbox, transitions, verdicts
from cases.kernel.calendars import add_months
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.exchange import agencies, agreements
from cases.kernel.linking import links
from cases.kernel.models import Agency, Case, Channel, OutboxMessage, Release, ReleasedItem
from cases.kernel.timing import sweeps
from cases.ledger import sealing, verify
from cases.ledger.models import LedgerEvent
from tests import disclosures, emergencies, factories
from tests.disclosure.calls import clock, facts, said, sheet, utc
from tests.emergencies import FACTS, GIVEN, KIND, NO, WORDS, after
from tests.factories import AT
from tests.kernel.snapshots import nothing_written, refusal
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    made = factories.office()
    emergencies.enter(made)
    return made


def told(case):
    """Return kind and contents of everything the control room was promised in writing, in order."""
    reader = sealing.Reader(actor="system:tests", verb="view", purpose="tests")
    rows = OutboxMessage.objects.filter(case=case).order_by("pk")
    return [(row.kind, json.loads(outbox.open_body(row, reader=reader, at=AT))["data"]) for row in rows]


def test_scenario_e_1_with_its_own_times(people):
    operator, approver = people["n.okonjo"], people["e.hallam"]
    case = intake.open_case(
        KIND,
        actor=operator,
        at=utc(24, "03:20:00"),
        facts={**FACTS, "call_began_at": utc(24, "03:12:40"), "call_ended_at": utc(24, "03:13:55")},
        people=[emergencies.CALLER],
    )
    assert case.reference.startswith("R-") and case.is_restricted
    assert clock(case, "k05_emergency_period").due_at == utc(24, "04:13:55")
    assert clock(case, "emergency_answer").due_at == utc(24, "03:35:00") == case.due_at

    given = {**GIVEN, "located_at": utc(24, "03:13:20")}
    case = after(case, "disclose", operator, at=utc(24, "03:24:00"), **given)
    assert (case.state, case.due_at) == ("disclosed", utc(24, "04:24:00"))
    assert (facts(case).given_at, facts(case).radius_m, facts(case).contact_code) == (utc(24, "03:24:00"), 18, "night")
    assert said(case, "subscriber", "position") == {"subscriber": "Osian Marchbanks", "position": "50.3720, -4.1420"}
    assert told(case) == [
        (
            "emerg_answer",
            {
                "incident": "SBX-0241",
                "spoken_at": "2026-11-24T03:24:00Z",
                "caller": "+447700900321",
                "subscriber": "Osian Marchbanks",
                "address": "4 Breakwater Cottages, Northmoor NM4 0ZZ",
                "position": "50.3720, -4.1420",
                "radius_m": 18,
                "located_at": "2026-11-24T03:13:20Z",
                "location_source": "aml",
            },
        )
    ]
    grounds = dict(ReleasedItem.objects.filter(release__case=case).values_list("category", "gateway"))
    assert grounds == {
        "identity": "ipa_s11_3a_f",
        "address": "ipa_s11_3a_f",
        "contact": "ipa_s11_3a_f",
        "location": "pecr_16",
        "request": "gdpr_6_1_d",
    }
    (release,) = Release.objects.filter(case=case)
    assert (release.recipient.code, release.released_by) == ("sandbox-999-control", operator.label)

    case = after(case, "write_up", operator, at=utc(24, "03:41:00"), **WORDS)
    assert clock(case, "k06_record").state == "met"
    assert clock(case, "k06_check").due_date == date(2026, 11, 25)

    # At 04:20 the control room asks for where the caller had been before: the hour is over, and it would be too much.
    why = refusal(case, "disclose_more", operator, at=utc(24, "04:20:00"), **given)
    assert why.startswith("The hour after the call ended at 04:13:55 UTC.")
    assert "single point of contact, grade 1" in why
    case = after(case, "refuse_more", operator, at=utc(24, "04:21:00"), reason_code="past_hour")
    assert (case.state, Release.objects.filter(case=case).count()) == ("written_up", 1)
    assert case.tasks.filter(kind="emergency_urgent_route", closed_at=None).count() == 1

    # A disclosure officer opens the request of the urgent route and links it one way.
    urgent = disclosures.received(people, request_type="cd_urgent", grade=1, gateway="ipa_61a")
    links.make(
        urgent.pk, "arose_from", case.reference, actor=people["k.mistry"], at=utc(24, "09:00:00"), reason="Asked."
    )

    case = after(case, "check", approver, at=utc(25, "09:30:00"))
    assert case.state == "checked"
    assert not case.approvals.filter(closed_at=None).exists()
    assert set(case.approvals.values_list("act", "outcome")) == {
        ("disclose", "confirmed"),
        ("refuse_more", "confirmed"),
    }
    assert not case.tasks.filter(kind="check_after", closed_at=None).exists()
    assert clock(case, "k06_check").state == "met"

    sweeps.end_due_clocks(now=utc(26, "12:00:00"))
    assert Case.objects.get(pk=case.pk).state == "checked"
    sweeps.end_due_clocks(now=utc(27, "01:00:00"))
    case = Case.objects.get(pk=case.pk)
    assert (case.state, case.retention_class, case.dispose_after_date) == (
        "closed",
        "emergency_disclosure",
        date(2028, 11, 27),
    )
    # The scenario's last days may still be to come; nothing else may be wrong.
    assert [each for each in verify.verify_all(is_demo=True) if each.level == "wrong" and each.column != "at"] == []


@pytest.mark.parametrize(
    ("ended", "given_at", "goes"),
    [("03:13:55", "04:13:55", True), ("03:13:55", "04:13:56", False), ("03:13:55", "04:14:55", False)],
)
def test_inside_the_hour_nothing_else_is_needed_and_at_61_minutes_it_is_refused(people, ended, given_at, goes):
    case = emergencies.live(people, call_ended_at=utc(14, ended), call_began_at=None)
    given = {**GIVEN, "located_at": utc(14, "03:13:20")}
    if goes:
        assert after(case, "disclose", people["n.okonjo"], at=utc(14, given_at), **given).state == "disclosed"
    else:
        why = refusal(case, "disclose", people["n.okonjo"], at=utc(14, given_at), **given)
        assert "Nothing can be given here any more without an authorisation." in why


def test_while_the_caller_is_on_the_line_the_hour_counts_from_the_opening(people):
    case = emergencies.live(people, call_ended_at=None)
    assert clock(case, "k05_emergency_period").due_at == AT + timedelta(hours=1)
    with edits.change(case.pk, actor=people["n.okonjo"], at=AT) as edit:
        edit.facts(call_ended_at=AT - timedelta(minutes=30))
    live = case.clocks.get(rule="k05_emergency_period", ended_at=None)
    assert live.due_at == AT + timedelta(minutes=30)
    assert "The hour" in refusal(case, "disclose", people["n.okonjo"], at=AT + timedelta(minutes=31), **GIVEN)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"contact": ""}, "Choose the desk that you called, from the directory."),
        ({"contact": "day"}, "Choose the desk that you called, from the directory."),
        ({"is_called_back": False}, "Call the control room back on the number shown, then say so."),
        ({"spoken_to": " "}, "Say whom you spoke to."),
        ({"is_read_back": False}, "Read it aloud, let them repeat it, then say so."),
        ({"radius_m": None}, "Give the position with its radius, its source and the time it was taken."),
        ({"location_source": ""}, "Give the position with its radius, its source and the time it was taken."),
        ({"located_at": None}, "Give the position with its radius, its source and the time it was taken."),
        ({"located_at": AT + timedelta(hours=1)}, "The time of the position is still to come. Write it in UTC."),
        ({"position": ""}, "Give the position or the cell that the radius, source and time belong to."),
        (
            {
                **dict.fromkeys(("subscriber", "address", "position", "location_source"), ""),
                "radius_m": None,
                "located_at": None,
            },
            "Say what you gave: subscriber, address, position or cell.",
        ),
    ],
)
def test_what_is_not_ready_is_not_given_and_nothing_is_written(people, changes, sentence):
    case = emergencies.live(people)
    assert refusal(case, "disclose", people["n.okonjo"], **{**GIVEN, **changes}) == sentence


def test_whoever_changed_the_number_within_a_day_does_not_call_it_back(people):
    case = emergencies.live(people)
    emergencies.desk(people, at=AT - timedelta(hours=2), phone="+441632960098")
    both = replace(people["e.hallam"], roles=frozenset({"emergency_operator", "disclosure_approver"}))
    assert "another person calls it back" in refusal(case, "disclose", both, **GIVEN)
    assert after(case, "disclose", people["n.okonjo"], **GIVEN).state == "disclosed"


def test_a_desk_that_left_the_directory_is_not_called_back(people):
    case = emergencies.live(people)
    emergencies.desk(people, at=AT - timedelta(days=2), is_active=False)
    assert "from the directory" in refusal(case, "disclose", people["n.okonjo"], **GIVEN)


def test_a_refusal_needs_its_reason_and_gives_nothing(people):
    case = emergencies.live(people)
    assert refusal(case, "refuse", people["n.okonjo"]) == "Choose why it is refused."
    assert "Give a reason." in refusal(case, "refuse", people["n.okonjo"], reason="", **NO)
    case = after(case, "refuse", people["n.okonjo"], **NO)
    assert (case.state, told(case), clock(case, "k06_record").due_at) == ("refused", [], AT + timedelta(hours=1))


def test_after_an_answer_only_two_reasons_are_left_and_the_hour_is_checked(people):
    case = emergencies.disclosed(people)
    assert "the hour is over, or it is more" in refusal(case, "refuse_more", people["n.okonjo"], **NO)
    assert "is not over yet" in refusal(case, "refuse_more", people["n.okonjo"], reason_code="past_hour")


def test_nobody_checks_what_they_did_themselves(people):
    both = replace(people["n.okonjo"], roles=frozenset({"emergency_operator", "disclosure_approver"}))
    case = emergencies.written_up(people)
    for name in ("check", "find_over_disclosure"):
        assert "Another person" in refusal(case, name, both, what="Too much.")
    look = case.approvals.get(act="disclose")
    with nothing_written(counted=1), pytest.raises(CaseError):
        verdicts.decide(look.uid, "confirmed", actor=both, at=AT)
    assert after(case, "check", people["e.hallam"]).state == "checked"


@pytest.mark.parametrize("name", ["check", "find_over_disclosure"])
@pytest.mark.parametrize("act", ["opened", "corrected"])
def test_whoever_took_the_call_in_or_corrected_it_does_not_check_it(people, name, act):
    roles = frozenset({"emergency_operator", "disclosure_approver"})
    both, colleague = replace(people["n.okonjo"], roles=roles), replace(people["k.mistry"], roles=roles)
    opens, corrects = (both, colleague) if act == "opened" else (colleague, both)
    emergencies.enter(people)
    case = intake.open_case(KIND, actor=opens, at=AT, facts=FACTS, people=[emergencies.CALLER])
    with edits.change(case.pk, actor=corrects, at=AT) as edit:
        edit.facts(call_ended_at=AT - timedelta(minutes=9))
    after(case, "disclose", colleague, **GIVEN)
    after(case, "write_up", colleague, **WORDS)
    assert "Another person must" in refusal(case, name, both, what="Too much.")
    assert after(case, name, people["e.hallam"], what="Too much.").state in {"checked", "over_disclosed"}


def test_what_was_too_much_is_reported_as_a_breach_of_its_own_and_the_emergency_ends_without_it(people):
    case = emergencies.over_disclosed(people)
    breach = Case.objects.get(kind="breach")
    assert clock(breach, "k09_breach").due_at == AT + timedelta(hours=72)
    assert not case.clocks.filter(rule="k09_breach").exists()
    after(case, "settle", people["e.hallam"], how="Reported.")
    sweeps.end_due_clocks(now=AT + timedelta(days=4))
    assert Case.objects.get(pk=case.pk).state == "closed"
    assert Case.objects.get(pk=breach.pk).state == "suspected"


def test_over_disclosure_opens_an_error_that_another_settles(people):
    case = emergencies.written_up(people)
    finder = emergencies.finder(people)
    assert "Say what was given" in refusal(case, "find_over_disclosure", finder)
    case = after(case, "find_over_disclosure", finder, what="The date of birth was read out.")
    tasks = dict(case.tasks.filter(closed_at=None).values_list("kind", "due_at"))
    assert set(tasks) == {"emergency_over_disclosed"}
    # AT is Saturday 14 November: five working days after it is Friday 20 November.
    assert clock(case, "k04_error_report").due_date == date(2026, 11, 20)
    assert case.approvals.get(act="disclose").outcome == "not_confirmed"
    assert "Another person" in refusal(case, "settle", finder, how="Reported.")
    assert "Say what was reported" in refusal(case, "settle", people["e.hallam"])
    case = after(case, "settle", people["e.hallam"], how="Reported; the control room struck it out.")
    assert (case.state, clock(case, "k04_error_report").state) == ("checked", "met")
    assert told(case)[-1] == (
        "emerg_destroy",
        {"incident": "SBX-0241", "items": ["what_was_named_by_telephone"], "please": "destroy_and_confirm"},
    )


def test_what_is_found_to_be_too_much_after_the_check_is_an_error_all_the_same(people):
    case = emergencies.checked(people)
    assert clock(case, "emergency_rest").state == "running"
    both = replace(people["n.okonjo"], roles=frozenset({"emergency_operator", "disclosure_approver"}))
    at = AT + timedelta(hours=2)
    assert "Another person" in refusal(case, "find_over_disclosure", both, at, what="A name.")
    after(case, "find_over_disclosure", emergencies.finder(people), at=at, what="The date of birth was read out.")
    assert (Case.objects.get(pk=case.pk).state, clock(case, "emergency_rest").state) == ("over_disclosed", "cancelled")
    assert clock(case, "k04_error_report").state == "running"
    assert Case.objects.filter(kind="breach").count() == 1


def test_more_is_given_within_the_hour_and_written_up_again(people):
    case = emergencies.written_up(people)
    later = AT + timedelta(minutes=20)
    only_cell = {**dict.fromkeys(("subscriber", "address", "position", "location_source")), "cell": "234-15-77, 1 km"}
    more = {**GIVEN, **only_cell, "radius_m": None, "located_at": None}
    case = after(case, "disclose_more", people["n.okonjo"], at=later, **more)
    assert (case.state, clock(case, "k06_record").due_at) == ("disclosed", later + timedelta(hours=1))
    assert said(case, "subscriber", "cell") == {"subscriber": "Osian Marchbanks", "cell": "234-15-77, 1 km"}
    assert set(told(case)[-1][1]) == {"incident", "spoken_at", "caller", "cell"}
    assert Release.objects.filter(case=case).count() == 2


def test_it_closes_only_when_nobody_has_to_look_any_more(people):
    case = after(emergencies.checked(people), "refuse_more", people["n.okonjo"], reason_code="more_than_needed")
    sweeps.end_due_clocks(now=AT + timedelta(days=4))
    assert Case.objects.get(pk=case.pk).state == "checked"
    verdicts.decide(case.approvals.get(closed_at=None).uid, "confirmed", actor=people["e.hallam"], at=AT)
    sweeps.end_due_clocks(now=AT + timedelta(days=4))
    assert Case.objects.get(pk=case.pk).state == "closed"


def test_a_lapsed_agreement_stops_nothing_where_a_life_is_at_risk(people):
    case, room = emergencies.live(people), Agency.objects.get(code=emergencies.ROOM)
    over = replace(TERMS, sharing_until_date=date(2026, 11, 1), sharing_review_date=None)
    agreements.enter(room, over, actor=actors.system("tests"), at=AT)
    assert "agreement" in agreements.why_not(Agency.objects.get(code=emergencies.ROOM), day=AT.date())
    assert after(case, "disclose", people["n.okonjo"], at=AT, **GIVEN).state == "disclosed"


def test_where_nothing_can_be_sent_the_call_is_on_record_and_written_by_hand(people):
    case, out = emergencies.live(people), Channel.objects.get(agency__code=emergencies.ROOM, direction="out")
    agencies.change_channel(out, "agency.channel_paused", actor=actors.system("tests"), at=AT, state="disabled")
    case = after(case, "disclose", people["n.okonjo"], **GIVEN)
    (release,) = Release.objects.filter(case=case)
    assert (release.message, release.channel.transport, release.channel.state) == (None, "telephone", "disabled")
    assert ReleasedItem.objects.filter(release=release).count() == 5
    (owed,) = case.tasks.filter(kind="emergency_write_by_hand")
    assert (case.state, told(case), owed.detail) == ("disclosed", [], {"message": "emerg_answer"})
    case = after(after(case, "write_up", people["n.okonjo"], **WORDS), "check", people["e.hallam"])
    client = client_of("e.hallam", is_stepped_up=True)
    assert client.get(f"/cases/{case.uid}/").status_code == 200
    assert "nothing in writing yet" in refusal(case, "close", actors.system("tests"))
    edits.close_task(case.pk, owed.pk, actor=people["n.okonjo"], at=AT, reason="Sent by post.")
    assert after(case, "close", actors.system("tests")).is_closed


def test_only_operators_open_one_and_it_names_a_call(people):
    for name in ("k.mistry", "e.hallam", "a.byrne", "v.tranter"):
        with nothing_written(), pytest.raises(NotAllowed):
            intake.open_case(KIND, actor=people[name], at=AT, facts=FACTS, people=[emergencies.CALLER])
    with nothing_written(), pytest.raises(CaseError):
        intake.open_case(KIND, actor=people["n.okonjo"], at=AT, facts={**FACTS, "caller": ""})


# --- from a sheet of paper ------------------------------------------------------------------------------------------
def test_the_times_of_a_sheet_are_kept_apart_from_when_it_was_typed(people):
    typed = AT + timedelta(hours=3)
    case = intake.open_case(
        KIND,
        actor=people["n.okonjo"],
        at=typed,
        facts={**FACTS, "requested_at": AT, "is_from_sheet": True},
        people=[emergencies.CALLER],
        occurred_at=AT,
    )
    given_at = AT + timedelta(minutes=4)
    case = transitions.apply(
        case.pk, "disclose", actor=people["n.okonjo"], at=typed, occurred_at=given_at, inputs={**GIVEN}
    )
    assert (facts(case).requested_at, facts(case).given_at, case.opened_at) == (AT, given_at, typed)
    event = LedgerEvent.objects.get(stream=case.uid, action=f"{KIND}.disclose").content()
    assert (event["occurred_at"][:16], event["at"][:16]) == ("2026-11-14T10:04", "2026-11-14T13:00")
    assert clock(case, "k06_record").due_at == given_at + timedelta(hours=1)
    late = intake.open_case(
        KIND, actor=people["n.okonjo"], at=typed, facts={**FACTS, "is_from_sheet": True}, people=[emergencies.CALLER]
    )
    with nothing_written(counted=1), pytest.raises(CaseError, match="The hour"):
        transitions.apply(
            late.pk,
            "disclose",
            actor=people["n.okonjo"],
            at=typed,
            occurred_at=AT + timedelta(minutes=53),
            inputs={**GIVEN},
        )


def test_a_claimed_time_counts_only_on_a_sheet(people):
    case = emergencies.live(people)
    with nothing_written(counted=1), pytest.raises(CaseError, match="The hour"):
        transitions.apply(
            case.pk,
            "disclose",
            actor=people["n.okonjo"],
            at=AT + timedelta(hours=2),
            occurred_at=AT,
            inputs={**GIVEN},
        )


def given_on(case, minutes, people):
    return transitions.apply(
        case.pk,
        "disclose",
        actor=people["n.okonjo"],
        at=AT + timedelta(hours=6),
        occurred_at=AT + timedelta(minutes=minutes),
        inputs={**GIVEN},
    )


def why_not_on(case, minutes, people):
    with nothing_written(counted=1), pytest.raises(CaseError) as refused:
        given_on(case, minutes, people)
    return str(refused.value)


@pytest.mark.parametrize("ended", [None, AT + timedelta(hours=5, minutes=30)])
def test_the_hour_of_a_sheet_counts_from_when_it_was_asked_not_from_when_it_was_typed(people, ended):
    case = sheet(people, call_ended_at=ended)
    assert clock(case, "k05_emergency_period").due_at == AT + timedelta(hours=1)
    assert "The hour after the call ended" in why_not_on(case, 61, people)
    with edits.change(case.pk, actor=people["n.okonjo"], at=AT + timedelta(hours=6)) as edit:
        edit.facts(call_ended_at=AT + timedelta(minutes=50))
    assert "The hour after the call ended" in why_not_on(case, 61, people)
    assert given_on(case, 60, people).state == "disclosed"


def test_a_sheet_gives_nothing_before_it_was_asked_or_before_the_call_began(people):
    assert "nothing was given before that" in why_not_on(sheet(people), -1, people)
    case = sheet(people, call_began_at=AT + timedelta(minutes=5), call_ended_at=AT + timedelta(minutes=6))
    assert why_not_on(case, 4, people).startswith("The call began at 10:05:00 UTC")


@pytest.mark.parametrize("named", [AT - timedelta(minutes=8), None])
def test_a_later_end_of_the_call_does_not_bring_the_hour_back(people, named):
    case = emergencies.live(people, call_ended_at=named)
    ends_at = clock(case, "k05_emergency_period").due_at
    late = ends_at + timedelta(minutes=1)
    with edits.change(case.pk, actor=people["n.okonjo"], at=late) as edit:
        edit.facts(call_ended_at=late - timedelta(minutes=5))
    assert clock(case, "k05_emergency_period").due_at == ends_at
    assert "The hour after the call ended" in refusal(case, "disclose", people["n.okonjo"], at=late, **GIVEN)


def test_whoever_hangs_up_within_the_hour_has_an_hour_from_then_and_only_once(people):
    case = emergencies.live(people, call_ended_at=None)
    for minutes, at in ((20, 25), (24, 26)):
        with edits.change(case.pk, actor=people["n.okonjo"], at=AT + timedelta(minutes=at)) as edit:
            edit.facts(call_ended_at=AT + timedelta(minutes=minutes))
    assert clock(case, "k05_emergency_period").due_at == AT + timedelta(minutes=80)
    assert after(case, "disclose", people["n.okonjo"], at=AT + timedelta(minutes=80), **GIVEN).state == "disclosed"
    with edits.change(case.pk, actor=people["n.okonjo"], at=AT + timedelta(minutes=85)) as edit:
        edit.facts(call_ended_at=AT + timedelta(minutes=10))
    over = clock(case, "k05_emergency_period")
    assert (over.due_at, over.state) == (AT + timedelta(minutes=70), "met")
    shown = {each.label: each.is_clear for each in report.checks(Case.objects.get(pk=case.pk))}
    assert shown["Given within the hour after the call"] is False


def test_actors_of_machines_do_nothing_here(people):
    case = emergencies.live(people)
    for machine in (emergencies.room(), actors.system("tests")):
        refusal(case, "disclose", machine, **GIVEN)


def test_who_looked_at_what_was_given_may_check_the_record_and_find_too_much_in_it(people):
    case = emergencies.written_up(people)
    verdicts.decide(case.approvals.get(act="disclose").uid, "confirmed", actor=people["e.hallam"], at=AT)
    checked = emergencies.after(case, "check", people["e.hallam"])
    found = emergencies.after(
        checked, "find_over_disclosure", people["e.hallam"], what="The date of birth was read out."
    )
    assert (checked.state, found.state) == ("checked", "over_disclosed")


@pytest.mark.parametrize("is_ended", [False, True])
def test_what_is_complained_of_is_kept_for_six_years_and_all_else_for_two(people, is_ended):
    other = emergencies.closed(people)
    assert (other.retention_class, other.dispose_after_date) == (KIND, add_months(other.closed_date, 24))
    case = emergencies.closed(people) if is_ended else emergencies.checked(people)
    holds.enter(case.pk, "complaint", actor=people["e.hallam"], at=AT, source="customer", reason="They complain.")
    if not is_ended:
        emergencies.after(case, "close", actors.system("tests"))
    case.refresh_from_db()
    until = add_months(case.closed_date, 72)
    assert (case.retention_class, case.dispose_after_date) == ("emergency_disclosure_complaint", until)
    assert {person.dispose_after_date for person in case.parties.all()} == {until}
    assert [each for each in verify.verify_stream(case.uid) if each.level != "recorded late"] == []


def test_another_hold_keeps_an_emergency_only_as_long_as_it_lasts(people):
    case = emergencies.closed(people)
    holds.enter(case.pk, "legal", actor=people["e.hallam"], at=AT, source="court", reason="A claim.")
    case.refresh_from_db()
    assert (case.retention_class, case.dispose_after_date) == (KIND, add_months(case.closed_date, 24))
