"""Pairs are offered on both cases, decided by a person on record in both, and undone."""

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.kernel import edits, intake, transitions
from cases.kernel.errors import NotAllowed, NotVisible
from cases.kernel.finding import index, joining, matching
from cases.kernel.models import Case, CaseParty, Party, PersonPair, SearchEntry
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.ledger.verify import verify_stream
from tests import factories
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db

AT = factories.AT
VICTIM = {**factories.VICTIM, "values": {**factories.VICTIM["values"], "date_of_birth": "1984-03-09"}}


def referral(people, *persons, account=""):
    facts = factories.FACTS | {"account_reference": account, "incident_reference": ""}
    return intake.open_case("fraud_referral", actor=people["a.byrne"], at=AT, facts=facts, people=list(persons))


def offered():
    matching.compare_due(now=AT)
    return list(PersonPair.objects.order_by("pk"))


def join(people, pair, verdict="joined", by="a.byrne"):
    return joining.decide(pair.pk, verdict, actor=people[by], at=AT)


def faults():
    findings = [finding for case in Case.objects.all() for finding in verify_stream(case.uid)]
    return [finding for finding in findings if finding.level != "recorded late"]


def test_new_people_are_compared_and_offered_once(people):
    one, other = referral(people, factories.FRAUDSTER, VICTIM), referral(people, VICTIM)
    looked = AccessEvent.objects.count()
    (pair,) = offered()

    assert {pair.first.case_id, pair.second.case_id} == {one.pk, other.pk}
    assert (pair.score, pair.state) == (130, "offered")
    assert pair.parts == {
        "date_of_birth": ["same", 40],
        "surname": ["same", 25],
        "forename": ["same", 15],
        "postcode": ["same", 20],
        "phone": ["same", 30],
    }
    assert offered() == [pair] and matching.compare_due(now=AT) == 0
    assert AccessEvent.objects.count() == looked  # nobody's values were opened
    assert not Party.objects.exists()


def test_people_of_one_case_and_strangers_are_not_offered(people):
    referral(people, VICTIM, {**VICTIM, "role": "mule"})
    referral(people, {**VICTIM, "values": {"forename": "Ottilie", "phone": "+447700900123"}, "addresses": []})
    assert offered() == []


def test_a_correction_is_compared_again(people):
    case, _other = referral(people, VICTIM), referral(people, VICTIM)
    (pair,) = offered()
    with edits.change(case.pk, actor=people["a.byrne"], at=AT) as edit:
        edit.party(1, forename="Ottilie", date_of_birth="1999-01-01", phone="")
    assert offered() == []
    with edits.change(case.pk, actor=people["a.byrne"], at=AT) as edit:
        edit.party(1, date_of_birth="1984-03-09")
    (again,) = offered()
    assert again.pk != pair.pk and again.score == 40 + 25 + 20


def test_a_person_joins_two_and_both_cases_say_so(people):
    one, other = referral(people, factories.FRAUDSTER, VICTIM), referral(people, VICTIM)
    (pair,) = offered()
    join(people, pair)

    parties = CaseParty.objects.filter(pk__in=(pair.first_id, pair.second_id))
    assert len({row.party_id for row in parties}) == 1 and Party.objects.count() == 1
    pair.refresh_from_db()
    assert (pair.state, pair.decided_by_id) == ("joined", people["a.byrne"].user_id)
    told = LedgerEvent.objects.filter(action="person.joined")
    assert {event.stream for event in told} == {one.uid, other.uid}
    assert {event.stream: event.content()["detail"]["people"] for event in told} == {one.uid: [2], other.uid: [1]}
    assert str(one.uid) not in told.get(stream=other.uid).body  # an event names no other case
    changed = {event.stream: [change["m"] for change in event.content()["changes"]] for event in told}
    assert all("cases.caseparty" in models for models in changed.values())
    assert faults() == []


def three(people):
    """One person in three cases, as far as the matching can tell; two of them are twins."""
    cases = [referral(people, VICTIM) for _ in range(3)]
    pairs = {(pair.first.case_id, pair.second.case_id): pair for pair in offered()}
    first, second, third = (case.pk for case in cases)
    return pairs[first, second], pairs[first, third], pairs[second, third]


def test_two_who_were_kept_apart_are_not_joined_by_way_of_a_third(people):
    twins, one, other = three(people)
    join(people, twins, "rejected")
    join(people, one)
    with nothing_written(), pytest.raises(joining.JoinRefused, match="kept apart from somebody"):
        join(people, other, by="p.nair")
    parties = list(CaseParty.objects.order_by("pk").values_list("party_id", flat=True))
    assert parties[0] == parties[2] and parties[1] is None
    join(people, other, "rejected")
    assert faults() == []


def test_who_is_joined_by_way_of_a_third_is_parted_before_they_are_kept_apart(people):
    twins, one, other = three(people)
    join(people, one)
    join(people, other)
    with nothing_written(), pytest.raises(joining.JoinRefused, match="joined with the same person"):
        join(people, twins, "rejected")
    joining.part(twins.first.case_id, 1, actor=people["a.byrne"], at=AT)
    join(people, twins, "rejected")
    assert PersonPair.objects.get(pk=twins.pk).state == "rejected"


def test_a_rejected_pair_is_never_offered_again(people):
    one, _other = referral(people, VICTIM), referral(people, VICTIM)
    (pair,) = offered()
    join(people, pair, "rejected")
    assert LedgerEvent.objects.filter(action="person.kept_apart").count() == 2

    with edits.change(one.pk, actor=people["a.byrne"], at=AT) as edit:
        edit.party(1, email="other@example.org")
    assert [each.state for each in offered()] == ["rejected"]
    assert not CaseParty.objects.exclude(party=None).exists()


def test_two_joins_become_one_and_a_person_is_taken_out_again(people):
    cases = [referral(people, VICTIM) for _ in range(4)]
    pairs = {frozenset((pair.first.case_id, pair.second.case_id)): pair for pair in offered()}
    ids = [case.pk for case in cases]
    join(people, pairs[frozenset(ids[:2])])
    join(people, pairs[frozenset(ids[2:])])
    assert Party.objects.count() == 2
    join(people, pairs[frozenset((ids[1], ids[2]))])

    joined = CaseParty.objects.exclude(party=None)
    assert {row.case_id for row in joined} == set(ids) and len({row.party_id for row in joined}) == 1
    events = LedgerEvent.objects.filter(action="person.joined", stream__in=[case.uid for case in cases])
    assert events.count() == 2 + 2 + 4

    joining.part(ids[0], 1, actor=people["d.osei"], at=AT)
    assert {row.case_id for row in CaseParty.objects.exclude(party=None)} == set(ids[1:])
    assert LedgerEvent.objects.filter(action="person.parted").count() == 4
    assert PersonPair.objects.get(pk=pairs[frozenset(ids[:2])].pk).state == "rejected"
    assert faults() == []


def test_a_join_leaves_an_open_approval_standing(people):
    case, _other = factories.ready(people), factories.referred(people)
    pairs = offered()
    assert pairs
    for pair in pairs:
        if PersonPair.objects.get(pk=pair.pk).state == "offered":
            join(people, pair)
    done = transitions.apply(
        case.pk, "approve", actor=people["d.osei"], at=factories.APPROVED_AT, inputs=factories.CHECKER_INPUTS
    )
    assert done.state == "approved"


def test_refusals_write_nothing(people):
    referral(people, VICTIM), referral(people, VICTIM)
    (pair,) = offered()
    with nothing_written(), pytest.raises(NotVisible):
        join(people, pair, by="m.achterberg")
    with nothing_written(), pytest.raises(NotAllowed):
        join(people, pair, by="b.lacombe")
    with nothing_written(), pytest.raises(joining.JoinRefused, match="Say whether"):
        join(people, pair, "perhaps")
    join(people, pair)
    for verdict in ("joined", "rejected"):
        with nothing_written(), pytest.raises(joining.JoinRefused, match="Somebody has decided this already."):
            join(people, pair, verdict, by="d.osei")
    with nothing_written(), pytest.raises(NotVisible):
        joining.decide(0, "joined", actor=people["a.byrne"], at=AT)
    apart = referral(people, factories.FRAUDSTER)
    with nothing_written(), pytest.raises(joining.JoinRefused, match="joined with nobody"):
        joining.part(apart.pk, 1, actor=people["a.byrne"], at=AT)


def test_who_sees_one_case_alone_is_not_offered_the_pair(people):
    one, _other = referral(people, VICTIM), referral(people, VICTIM)
    (pair,) = offered()
    actor = people["a.byrne"]
    assert list(joining.offered(actor, one)) == [pair]
    apart = replace(actor, team_ids=frozenset(), user_id=-1)
    assert list(joining.offered(apart, one)) == []


def test_forgotten_people_leave_no_offer(people):
    referral(people, VICTIM), referral(people, VICTIM)
    (pair,) = offered()
    index.forget_people([pair.first_id])
    assert offered() == []


@pytest.mark.parametrize("count", [1, 3])
def test_comparing_takes_one_search_for_each_person(people, count):
    for _ in range(count):
        referral(people, VICTIM)
    with CaptureQueriesContext(connection) as captured:
        assert matching.compare_due(now=AT) == count
    searches = [query for query in captured.captured_queries if "&&" in query["sql"]]
    assert len(searches) == count and Case.objects.count() == SearchEntry.objects.filter(party=None).count()
