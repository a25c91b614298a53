"""The queue: its pages join without a gap, its filters stand in the address, it never says more than it may."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse

from cases.kernel import actors, casetypes, edits, holds, policy, record, transitions
from cases.kernel.models import Case, OutboxMessage, TeamMembership
from cases.kernel.reading import worklist
from cases.ledger.models import AccessEvent
from cases.reports import letters
from cases.web import context, writing
from tests import factories, suspicions
from tests.web import desk

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("count", [25, 51])
def test_queue_is_walked_forwards_and_back_without_a_gap(people, count):
    """Half the cases have no due time; none is shown twice or left out, whatever the order."""
    for number in range(count):
        case = factories.referred(people)
        if number % 2:
            _forget_due(case)
    client = desk.client_of("a.byrne")
    for sort in ("due", "amount", "changed", "opened"):
        forwards, path = [], f"/cases/?sort={sort}"
        while path:
            context = client.get(path).context
            forwards.append([line.reference for line in context["lines"]])
            last, path = path, context["next_url"]
        backwards, path = [], last
        while path:
            context = client.get(path).context
            backwards.append([line.reference for line in context["lines"]])
            path = context["previous_url"]
        seen = [reference for page in forwards for reference in page]
        assert len(seen) == len(set(seen)) == count
        assert sorted(seen) == sorted(reference for page in backwards for reference in page)


def _forget_due(case: Case) -> None:
    with record.act(case, "case.edited", actor=actors.system("tests"), at=factories.AT):
        case.due_at = None
        case.save()


@pytest.mark.parametrize("query", ["after=x~1", "after=2026~", "before=~9", "sort=none", "after=2026-11-01~5", "q=%00"])
def test_mangled_address_still_shows_the_queue(people, query):
    factories.referred(people)
    assert desk.client_of("a.byrne").get(f"/cases/?{query}").status_code == 200


def test_filter_is_part_of_the_address_and_comes_off_again(people):
    case = factories.referred(people)
    client = desk.client_of("a.byrne")
    page = client.get("/cases/?kind=fraud_referral&amount=500000-")
    assert page.context["lines"] == []
    assert b"2 filters are on." in page.content
    chip = next(each for each in page.context["chips"] if each.name == "amount")
    assert chip.off_url == "/cases/?kind=fraud_referral"
    assert case.reference.encode() in client.get(chip.off_url).content


def test_meaningless_filter_is_left_out_and_said(people):
    factories.referred(people)
    page = desk.client_of("a.byrne").get("/cases/?state=nowhere").content.decode()
    assert "The filter “state” in the address means nothing here" in page


def test_reference_leads_straight_to_its_case(people):
    case = factories.referred(people)
    response = desk.client_of("a.byrne").get("/cases/", {"q": case.reference.lower()})
    assert response["Location"] == f"/cases/{case.uid}/"


def test_queue_of_another_team_holds_nothing_of_ours(people):
    factories.referred(people)
    username = next(name for name, each in people.items() if "collections_analyst" in each.roles)
    page = desk.client_of(username).get("/cases/")
    assert page.context["lines"] == []
    assert [tab.count for tab in page.context["tabs"]] == [0] * 8


def test_only_a_case_the_reader_may_take_is_offered_to_them(people):
    """The nominated officer reads fraud referrals; what they take is suspicion reports."""
    case = factories.referred(people)
    own = suspicions.referred(people)

    page = desk.client_of("h.castellan").get("/cases/")

    offered = {line.reference: bool(line.take_url) for line in page.context["lines"]}
    assert offered == {case.reference: False, own.reference: True}
    assert [reverse("web:take", args=[each.uid]) in page.content.decode() for each in (case, own)] == [False, True]


def test_no_case_is_offered_that_is_closed_or_with_somebody(people):
    free, mine = factories.referred(people), factories.investigating(people)
    edits.assign(mine.pk, factories.user("a.byrne"), actor=people["a.byrne"], at=factories.AT)

    lines = desk.client_of("a.byrne").get("/cases/").context["lines"]

    assert {line.reference: bool(line.take_url) for line in lines} == {free.reference: True, mine.reference: False}


def test_what_is_closed_stands_with_the_last_change_first_and_has_any_other_order_on_demand(people):
    first, last = factories.investigating(people), factories.investigating(people)
    for minute, case in enumerate((first, last)):
        at = factories.AT + timedelta(minutes=minute)
        transitions.apply(case.pk, "close_no_action", actor=people["a.byrne"], at=at, reason="No fraud.")
    client = desk.client_of("a.byrne")

    def on(query: str) -> list[str]:
        return [line.reference for line in client.get(f"/cases/?view=closed{query}").context["lines"]]

    assert on("") == on("&sort=changed") == [last.reference, first.reference]
    assert "Cases you may see, the last change first." in client.get("/cases/?view=closed").text
    assert on("&sort=due") == on("&sort=opened") == [first.reference, last.reference]
    sorts = client.get("/cases/?view=closed").context["sorts"]
    assert (sorts["changed"].url, sorts["due"].url) == ("/cases/?view=closed", "/cases/?view=closed&sort=due")


def test_next_case_is_of_a_kind_the_person_may_take(people):
    """In the fraud team, yet no fraud analyst: the older referral is not theirs to take."""
    case = factories.referred(people)
    own = suspicions.referred(people)
    with record.act(case, "case.edited", actor=actors.system("tests"), at=factories.AT):
        TeamMembership.objects.create(user=factories.user("h.castellan"), team=case.team)

    found = worklist.take_next(actors.staff(factories.user("h.castellan")), at=factories.AT)

    assert found == own


def test_counts_follow_the_minute_and_the_rights(people):
    """The query of the counts is kept for the day; what is overdue is not."""
    due, byrne = factories.referred(people).due_at, people["a.byrne"]
    moments = [due - timedelta(minutes=1), due + timedelta(minutes=1), due - timedelta(minutes=1)]
    assert [worklist.counts(byrne, at=at)["view.overdue"] for at in moments] == [0, 1, 0]
    stranger = replace(byrne, roles=frozenset(), team_ids=frozenset())
    assert worklist.counts(stranger, at=moments[1])["view.overdue"] == 0


def test_a_count_past_the_cap_says_only_that_it_is_more():
    assert [writing.capped(count) for count in (None, 0, 500, 501)] == ["", "0", "500", "500+"]


def test_the_agency_of_a_case_is_whom_it_was_told_and_not_the_post(people):
    case = factories.filed(people)
    assert letters.make_due_letters(now=factories.FILED_AT) == 1
    assert OutboxMessage.objects.filter(case=case).order_by("-pk")[0].kind == "letter"
    listed = Case.objects.annotate(**worklist.LISTED).get(pk=case.pk)
    told = OutboxMessage.objects.get(case=case, kind="fpa_file").channel.agency
    assert listed.agency_name == told.display_name


def test_a_row_says_what_holds_the_case_and_opens_nothing_sealed(people):
    """Kinds of hold are words; a quiet one reads as everywhere, and one that has ended is not shown."""
    case, actor = factories.referred(people), people["a.byrne"]
    given = {"actor": actor, "at": factories.AT, "reason": "Told on the phone."}
    for kind, source in (("vulnerable", "customer"), ("staff_account", "staff")):
        holds.enter(case.pk, kind, source=source, **given)
    ended = factories.AT + timedelta(minutes=1)
    holds.enter(case.pk, "dispute", source="customer", ends_at=ended, **given)
    read = AccessEvent.objects.count()

    client = desk.client_of("a.byrne")
    page = client.get("/cases/")

    assert page.context["lines"][0].flags == ("Policy hold", "Vulnerable")
    assert '<span class="flag">Vulnerable</span>' in page.content.decode()
    assert page.context["lines"][0].flags == client.get("/cases/?view=held").context["lines"][0].flags
    assert AccessEvent.objects.count() == read


def _statuses(username, query=""):
    chips = desk.client_of(username).get(f"/cases/{query}").context["chips"]
    return {each.value: each.label for chip in chips if chip.name == "state" for each in chip.choices}


def test_a_filter_that_was_opened_stands_on_nothing(people):
    page = desk.client_of("a.byrne").get("/cases/").content.decode()
    selects = re.findall(r'<select id="f-\w+"[^>]*>(.*?)<option value="[^"]', page)
    assert selects and set(selects) == {'<option value="">Choose'}


def test_the_filter_of_states_has_those_of_the_kind_in_its_own_words(people):
    found = _statuses("a.byrne", "?kind=fraud_referral")
    assert (found["filed"], found["approved"]) == ("Filed", "Approved")
    assert "defaulted" not in found
    ended = set(_statuses("a.byrne", "?kind=fraud_referral&view=closed"))
    assert ended == {"no_action", "refused", "removed", "expired", "void", "merged"}
    assert not ended & set(found)
    every = {state.code for state in casetypes.get("fraud_referral").lifecycle.all_states}
    assert set(found) | ended == every
    # What is chosen already can be taken off again in every view.
    assert set(_statuses("a.byrne", "?kind=fraud_referral&state=refused")) == every


def test_the_filter_of_states_has_no_state_of_a_kind_that_one_does_not_see(people):
    seen = set(_statuses("c.adebayo"))
    for kind in ("suspicion_report", "cra_file", "breach"):
        own = {state.code for state in casetypes.get(kind).lifecycle.states}
        others = {
            state.code
            for each in casetypes.all_types()
            if policy.can(actors.staff(factories.user("c.adebayo")), "view", kind=each.code).is_allowed
            for state in each.lifecycle.all_states
        }
        assert seen.isdisjoint(own - others), kind


def test_a_state_of_another_kind_is_left_out_and_that_is_said(people):
    case = factories.referred(people)
    page = desk.client_of("a.byrne").get("/cases/?kind=fraud_referral&state=result_held")
    assert "The filter “state” in the address means nothing here" in page.content.decode()
    assert [line.reference for line in page.context["lines"]] == [case.reference]


def test_the_page_says_how_many_cases_came_since_it_was_drawn_and_moves_no_row(people):
    old = factories.referred(people)
    client = desk.client_of("a.byrne")
    page = client.get("/cases/?kind=fraud_referral&sort=amount")
    assert f"as of {writing.clock(page.context['since'])}" in page.content.decode()
    nothing = client.get(page.context["newer_url"])
    assert nothing.context["newer"] == 0 and b"Show" not in nothing.content

    early = {"since": (factories.AT - timedelta(days=400)).isoformat(), "kind": "fraud_referral", "sort": "amount"}
    found = client.get("/cases/newer/", early)

    assert found.context["newer"] == 1
    assert "1 new case since" in found.content.decode()
    assert 'href="/cases/?kind=fraud_referral&amp;sort=amount"' in found.content.decode()
    assert client.get("/cases/newer/", {**early, "kind": "trace"}).context["newer"] == 0
    assert client.get("/cases/newer/", {**early, "since": old.opened_at.isoformat()}).context["newer"] == 0
    assert client.get("/cases/newer/?since=x").context["newer"] == 0


def on(client, query: str) -> set[str]:
    """Return the references on a page of the queue."""
    return {line.reference for line in client.get(f"/cases/?{query}").context["lines"]}


def test_it_is_filtered_by_flag_and_what_is_quiet_is_one_flag(people):
    cases = {kind: factories.referred(people) for kind in ("vulnerable", "data_protection", "objection", "")}
    for kind, case in cases.items():
        if kind:
            holds.enter(case.pk, kind, actor=people["a.byrne"], at=factories.AT, source="customer", reason="Told us.")
    client = desk.client_of("a.byrne")

    assert on(client, "flag=vulnerable") == {cases["vulnerable"].reference}
    assert on(client, "flag=policy_hold") == {cases[kind].reference for kind in ("data_protection", "objection")}
    page = client.get("/cases/?flag=data_protection")
    assert "The filter “flag” in the address means nothing here" in page.content.decode()
    (chip,) = [each for each in page.context["chips"] if each.name == "flag"]
    assert {"Policy hold", "Vulnerable"} <= {each.label for each in chip.choices}
    assert not {"Data protection", "Objection to use"} & {each.label for each in chip.choices}


def test_it_is_filtered_by_the_agency_that_was_told(people, monkeypatch):
    told = factories.filed(people)
    factories.referred(people)
    agency = OutboxMessage.objects.filter(case=told).exclude(kind="letter").get().channel.agency
    client = desk.client_of("a.byrne")

    found = [on(client, f"view={view}&agency={agency.pk}") for view in ("open", "waiting", "closed")]
    assert set().union(*found) == {told.reference}
    assert on(client, "agency=999999") == set()
    page = client.get(f"/cases/?agency={agency.pk}")
    assert f"Agency told: {agency.display_name}" in page.content.decode()
    words = "How many this agency was told of in all is not counted"
    told_of = {tab.label: tab.count for tab in page.context["tabs"]}
    assert told_of.pop("Open") == len(page.context["lines"]) and set(told_of.values()) == {None}
    assert words not in page.content.decode()
    again = factories.filed(people)
    view = next(view for view in ("open", "waiting", "closed") if again.reference in on(client, f"view={view}"))
    monkeypatch.setattr(context, "ROWS", ("1",))
    page = client.get(f"/cases/?agency={agency.pk}&view={view}")
    assert {tab.count for tab in page.context["tabs"]} == {None} and words in page.content.decode()


def test_rows_on_a_page_are_as_one_prefers_and_chosen_on_the_page_itself(people):
    for _ in range(3):
        factories.referred(people)
    client = desk.client_of("a.byrne")
    asked = client.get("/cases/?sort=opened&after=2026~1")
    assert asked.context["first_url"] == "/cases/?sort=opened"

    answer = client.post("/preferences/", {"back": "/cases/?sort=opened", "rows": "50", "density": "compact"})

    assert answer["location"] == "/cases/?sort=opened"
    assert {name: answer.cookies[name].value for name in answer.cookies} == {"rows": "50", "density": "compact"}
    assert [each for each, is_on in client.get("/cases/").context["sizes"] if is_on] == ["50"]
    for strange in ({"rows": "1000"}, {"rows": "0"}, {"density": "x"}):
        assert not client.post("/preferences/", strange).cookies
    assert client.post("/preferences/", {"back": "//elsewhere.example/", "rows": "25"})["location"] == "/preferences/"
    client.cookies["rows"] = "7"
    assert [each for each, is_on in client.get("/cases/").context["sizes"] if is_on] == ["25"]


def test_a_page_of_fifty_holds_fifty(people, monkeypatch):
    monkeypatch.setattr(context, "ROWS", ("2", "3"))
    for _ in range(4):
        factories.referred(people)
    client = desk.client_of("a.byrne")
    assert len(client.get("/cases/").context["lines"]) == 2
    client.cookies["rows"] = "3"
    first = client.get("/cases/")
    assert len(first.context["lines"]) == 3
    assert len(client.get(first.context["next_url"]).context["lines"]) == 1
