"""Pairs on a case and one person across cases: masked, scoped, on record, in few statements."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.kernel import holds
from cases.kernel.finding import joining, matching, reindex
from cases.kernel.models import CaseParty, PersonPair, Team
from cases.ledger import api as ledger
from cases.ledger.models import AccessEvent, LedgerEvent
from tests import factories
from tests.kernel.snapshots import nothing_written
from tests.web import desk

pytestmark = pytest.mark.django_db


def offered(people, count=2):
    """So many referrals of the same victim, and the pairs of that victim."""
    cases = [factories.referred(people) for _ in range(count)]
    matching.compare_due(now=factories.AT)
    return cases, list(PersonPair.objects.filter(first__number=2, second__number=2).order_by("pk"))


def joined(people, count=2):
    cases, pairs = offered(people, count)
    for pair in pairs[: count - 1]:
        joining.decide(pair.pk, "joined", actor=people["a.byrne"], at=factories.AT)
    return cases, CaseParty.objects.exclude(party=None).first().party


def test_a_case_offers_its_pairs_with_the_score_field_by_field_and_no_value(people):
    (case, other), (pair,) = offered(people)
    client = desk.client_of("a.byrne")
    assert f'href="/cases/{case.uid}/same-people/"' in client.get(f"/cases/{case.uid}/").content.decode()
    page = client.get(f"/cases/{case.uid}/same-people/")
    text = page.content.decode()

    shown = next(each for each in page.context["offers"] if each["id"] == pair.pk)
    assert (shown["score"], shown["row"].case, shown["mine"]) == (90, other, 2)
    assert [(part["label"], part["says"], part["points"]) for part in shown["parts"]] == [
        ("Telephone", "the same", 30),
        ("Last name", "the same", 25),
        ("Postcode", "the same", 20),
        ("First name", "the same", 15),
    ]
    assert not [value for value in ("Morwenna", "Tregaskis", "TR18", "900123") if value in text]


def test_a_person_decides_on_the_page_and_takes_it_back(people):
    (case, other), (pair,) = offered(people)
    client = desk.client_of("a.byrne")
    path = f"/cases/{case.uid}/same-people/"
    told = LedgerEvent.objects.count()
    refused = client.post(f"{path}{pair.pk}/", {"verdict": "perhaps"})
    assert (LedgerEvent.objects.count(), PersonPair.objects.get(pk=pair.pk).state) == (told, "offered")
    assert refused.status_code == 422 and "Say whether they are the same person." in refused.content.decode()

    said = client.post(f"{path}{pair.pk}/", {"verdict": "joined"}, follow=True).content.decode()
    assert "The two are joined as one person." in said and "across 1 other case" in said
    assert "the same as in another case" in client.get(f"/cases/{other.uid}/").content.decode()
    again = client.post(f"{path}{pair.pk}/", {"verdict": "rejected"})
    assert again.status_code == 422 and "Somebody has decided this already." in again.content.decode()

    parted = client.post(f"/cases/{case.uid}/people/2/part/", follow=True).content.decode()
    assert "Person 2 stands alone again." in parted and "Joined already" not in parted


def test_a_person_is_shown_across_cases_masked_and_on_record(people):
    cases, party = joined(people)
    client = desk.client_of("a.byrne")
    last = max(AccessEvent.objects.values_list("id", flat=True), default=0)
    page = client.get(f"/persons/{party.uid}/")
    text = page.content.decode()

    assert {each["row"].case for each in page.context["asserted"]} == set(cases)
    assert "One person in 2 cases" in text and "Telephone" in text and "Innocent" in text
    assert not [value for value in ("Morwenna", "Tregaskis", "TR18", "900123") if value in text]
    row = AccessEvent.objects.get(id__gt=last, actor=f"staff:{factories.user('a.byrne').pk}")
    assert (row.verb, row.purpose, row.fields, set(row.streams)) == (
        "view",
        "casework",
        ["party"],
        {case.uid for case in cases},
    )


def test_a_hold_that_is_over_to_come_or_for_another_person_does_not_hold_the_person_now(people):
    cases, party = joined(people)
    now, day = timezone.now(), timedelta(days=1)
    given = {"actor": people["a.byrne"], "source": "customer", "reason": "They wrote."}
    holds.enter(cases[0].pk, "dispute", at=now - 3 * day, ends_at=now - day, **given)
    holds.enter(cases[0].pk, "dispute", at=now, began_at=now + day, **given)
    holds.enter(cases[0].pk, "deceased", at=now - day, person=1, **given)
    holds.enter(cases[1].pk, "dispute", at=now - day, **given)

    page = desk.client_of("a.byrne").get(f"/persons/{party.uid}/")

    assert {each["row"].case.pk: each["is_held"] for each in page.context["asserted"]} == {
        cases[0].pk: False,
        cases[1].pk: True,
    }


def test_a_person_leads_to_the_check_of_pairs_of_their_cases_where_there_are_any(people):
    cases, party = joined(people, 3)
    first = list(CaseParty.objects.filter(party=party).values_list("case", flat=True))
    page = desk.client_of("a.byrne").get(f"/persons/{party.uid}/")
    text = page.content.decode()
    for case in cases:
        leads = f'href="/cases/{case.uid}/same-people/"' in text
        assert leads == (case.pk in first)
    counts = {each["row"].case.pk: each["pairs"] for each in page.context["asserted"]}
    assert set(counts) == set(first) and all(counts.values())
    for pair in PersonPair.objects.filter(state="offered").select_related("first", "second"):
        is_one = {pair.first.party_id, pair.second.party_id} == {party.pk}
        joining.decide(pair.pk, "joined" if is_one else "rejected", actor=people["a.byrne"], at=factories.AT)
    assert "same-people" not in desk.client_of("a.byrne").get(f"/persons/{party.uid}/").content.decode()


def test_an_auditor_says_why_before_a_person_is_shown(people):
    _cases, party = joined(people)
    client = desk.client_of("b.lacombe")
    path = f"/persons/{party.uid}/"
    with nothing_written():
        asked = client.get(path)
        refused = client.post(path, {"purpose": "curiosity"})
    assert "Why do you read about this person?" in asked.content.decode() and refused.status_code == 422
    shown = client.post(path, {"purpose": "complaint"}, follow=True)
    assert len(shown.context["asserted"]) == 2
    assert (
        AccessEvent.objects.filter(actor=f"staff:{factories.user('b.lacombe').pk}").latest("id").purpose == "complaint"
    )


def test_a_person_shows_nothing_of_cases_the_reader_may_not_see(people):
    cases, party = joined(people, 3)
    hidden = cases[0]
    with ledger.action(hidden.uid, "tests.restricted", actor="system:tests", at=factories.AT):
        hidden.is_restricted, hidden.team = True, Team.objects.get(code="disclosure")
        hidden.save()
    reindex.rebuild([hidden.pk], at=factories.AT)

    page = desk.client_of("d.osei").get(f"/persons/{party.uid}/")
    assert {each["row"].case for each in page.context["asserted"]} == set(cases[1:])
    assert "One person in 2 cases" in page.content.decode() and hidden.reference not in page.content.decode()
    assert desk.client_of("k.mistry").get(f"/persons/{party.uid}/").status_code == 404
    assert desk.client_of("m.achterberg").get(f"/persons/{party.uid}/").status_code == 404


@pytest.mark.parametrize("count", [2, 4])
def test_statements_of_a_person_and_of_pairs_do_not_grow(people, count):
    cases, party = joined(people, count)
    client = desk.client_of("a.byrne")
    for path, expected in ((f"/persons/{party.uid}/", PERSON), (f"/cases/{cases[0].uid}/same-people/", PAIRS)):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        kept = [query["sql"][:100] for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]]
        assert len(kept) == expected, "\n".join(kept)


PERSON, PAIRS = 12, 9
