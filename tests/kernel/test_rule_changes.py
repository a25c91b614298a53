"""Periods and bank holidays change by two people, from a source; what is open is counted anew, and on record."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from cases.kernel import calendars, clocks, record
from cases.kernel.actors import system
from cases.kernel.background import jobrun
from cases.kernel.errors import NotAllowed
from cases.kernel.models import Clock, ClockRuleVersion, HolidayChange, Job, Proposal
from cases.kernel.office import proposals, rulechanges
from cases.kernel.office.proposals import ProposalRefused
from cases.kernel.timing import recounting, rulebook
from cases.ledger import api as ledger
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.factories import AT
from tests.web import desk
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db
MAKER, CHECKER = "v.tranter", "j.merriweather"
SHORTER = {
    "code": "k22_file_dispute",
    "length": 10,
    "unit": "days",
    "counts_first_day": False,
    "starts_after_days": 0,
    "deemed_working_days": 0,
    "roll": "none",
    "is_pausable": False,
    "may_name_end": False,
    "on_breach": "task",
    "warn_hours": 24,
    "jurisdictions": ["eaw", "sct", "nir"],
    "source": "FCA Policy Statement",
    "effective_from": date(2027, 1, 1),
}
PROCLAIMED = {
    "jurisdiction": "eaw",
    "day": date(2026, 11, 16),
    "effect": "added",
    "name": "Day of rest",
    "source": "Royal proclamation",
}


@pytest.fixture
def people():
    rulebook.load(at=AT)
    return factories.office()


def propose(people, kind, payload, *, by=MAKER):
    return proposals.propose(kind, payload, actor=people[by], at=AT, reason="The law changes.")


def agree(people, row, *, by=CHECKER):
    return proposals.decide(row.uid, "agreed", actor=people[by], at=AT, reason="Checked against the source.")


def test_a_period_changes_by_two_people_and_from_its_day_on(people):
    case = factories.referred(people)
    row = propose(people, "clock_rule", SHORTER)
    assert ClockRuleVersion.objects.filter(code="k22_file_dispute").count() == 1
    agree(people, row)

    kept = ClockRuleVersion.objects.get(code="k22_file_dispute", version=2)
    assert (kept.length, kept.source, kept.label, kept.clock, kept.is_shipped) == (
        10,
        "FCA Policy Statement",
        "Answer to a dispute of a credit file",
        "K22",
        False,
    )
    with record.act(case, "tests.clock", actor=system("tests"), at=AT):
        old = clocks.start(case, "k22_file_dispute", started_at=AT)
        new = clocks.start(case, "k22_file_dispute", started_at=AT + timedelta(days=60))
    assert [(old.version, old.due_date), (new.version, new.due_date)] == [
        (1, date(2026, 11, 28)),
        (2, date(2027, 1, 23)),
    ]
    event = LedgerEvent.objects.get(stream=rulebook.STREAM, action="clock_rule.changed")
    assert event.actor == people[CHECKER].label
    assert [(line.label, line.old, line.new) for line in rulechanges._describe_rule(row.before, row.payload)][:2] == [
        ("Rule", "Answer to a dispute of a credit file", "Answer to a dispute of a credit file"),
        ("Counts", "14 days after the day of the start", "10 days after the day of the start"),
    ]


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"code": "unheard_of"}, "code", "There is no such rule."),
        ({"code": "k08_preserve"}, "code", "This rule has no length: it is a hold until it is released."),
        (
            {"effective_from": AT.date()},
            "effective_from",
            "A version takes effect in the future, after the one before it.",
        ),
        ({"length": 0}, "length", "Only working days may be none: then it ends the same working day."),
    ],
)
def test_a_period_that_makes_no_sense_is_not_proposed(people, change, field, sentence):
    with pytest.raises(ProposalRefused) as refused:
        propose(people, "clock_rule", {**SHORTER, **change})

    assert refused.value.errors == {field: sentence}
    assert (Proposal.objects.count(), ClockRuleVersion.objects.filter(is_shipped=False).count()) == (0, 0)


def test_a_holiday_changes_by_two_people_and_moves_open_periods(people):
    case = factories.referred(people)
    row = propose(people, "holiday", PROCLAIMED, by="o.thackray")
    assert HolidayChange.objects.count() == 0
    agree(people, row)
    jobrun.work(clock=lambda: AT)

    kept = HolidayChange.objects.get()
    job = Job.objects.get(kind=recounting.KIND)
    assert (kept.day, kept.effect, kept.source) == (date(2026, 11, 16), "added", "Royal proclamation")
    assert (job.state, job.done, job.asked_by_id) == ("done", 1, people[CHECKER].user_id)
    assert Clock.objects.get(case=case).due_date == date(2026, 11, 18)
    event = LedgerEvent.objects.get(stream=case.uid, action="clock.recounted")
    assert event.content()["detail"]["calendar_change"] == str(kept.uid)
    assert not calendars.is_working_day(date(2026, 11, 16))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"day": date(2026, 12, 25)}, "That day is a published holiday already."),
        ({"effect": "removed"}, "That day is no published holiday."),
        ({"effect": "as_published"}, "That day is as published already."),
        ({"day": date(2026, 11, 15)}, "That day is a Saturday or Sunday, so no period counts it."),
        *(
            ({"day": day}, "Choose a day from 2025 to 2028: the list of holidays shows no other year.")
            for day in (date(2020, 12, 24), date(2024, 12, 31), date(2029, 1, 2))
        ),
    ],
)
def test_a_holiday_that_changes_nothing_is_not_proposed(people, change, sentence):
    with pytest.raises(ProposalRefused) as refused:
        propose(people, "holiday", {**PROCLAIMED, **change})

    assert refused.value.errors == {"day": sentence}
    assert (Proposal.objects.count(), HolidayChange.objects.count(), Job.objects.count()) == (0, 0, 0)


def test_a_holiday_of_a_year_that_the_list_does_not_show_is_taken_back_all_the_same(people):
    said = {**PROCLAIMED, "day": date(2020, 12, 24)}
    with ledger.action(rulebook.STREAM, "tests.before", actor="system:tests", at=AT):
        HolidayChange.objects.create(**said)
    agree(people, propose(people, "holiday", {**said, "effect": "as_published"}))
    assert HolidayChange.objects.get().effect == "as_published"


@pytest.mark.parametrize(("kind", "payload"), [("clock_rule", SHORTER), ("holiday", PROCLAIMED)])
def test_nobody_agrees_to_a_rule_they_proposed(people, kind, payload):
    row = propose(people, kind, payload)
    with pytest.raises(NotAllowed, match="another person decides"):
        agree(people, row, by=MAKER)
    with pytest.raises(NotAllowed):
        propose(people, kind, payload, by="a.byrne")

    assert (HolidayChange.objects.count(), ClockRuleVersion.objects.filter(is_shipped=False).count()) == (0, 0)


def test_the_pages_show_versions_changes_and_sources(people):
    agree(people, propose(people, "clock_rule", SHORTER))
    agree(people, propose(people, "holiday", PROCLAIMED))
    client = desk.client_of("a.byrne")

    periods = client.get(reverse("web:clock_rules")).content.decode()
    one = client.get(reverse("web:clock_rule", args=["k22_file_dispute"])).content.decode()
    days = client.get(reverse("web:calendars") + "?where=eaw&year=2026").content.decode()
    kept = client.get(reverse("web:retention")).content.decode()

    assert "UK GDPR art 12(3): one month from receipt" in periods and "Changes 1 Jan 2027" in periods
    assert "FCA Policy Statement" in one and "Version 2" in one and "From 1 Jan 2027" in one
    assert "Royal proclamation" in days and "Holiday, added" in days
    assert "90 days, hash and fields stay" in kept
    assert "Propose a change" not in one + days  # a caseworker reads
    assert "Propose a change" in desk.client_of(MAKER).get(reverse("web:calendars")).content.decode()
    assert client.get(reverse("web:clock_rule", args=["unheard_of"])).status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_pages_of_rules_take_few_statements(people, count):
    for number in range(count):
        factories.referred(people)
        agree(people, propose(people, "holiday", {**PROCLAIMED, "day": date(2026, 12, 7 + number)}))
    client = desk.client_of("a.byrne")
    expected = {"clock_rules": 5, "calendars": 4, "retention": 5}

    for name, most in expected.items():
        found = statements(client, reverse(f"web:{name}"))
        assert len(found) == most, f"{name}\n{shortly(found)}"
