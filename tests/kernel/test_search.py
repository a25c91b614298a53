"""Search over sealed data: what is typed finds the case, for whoever may know of it, and is on record."""

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.kernel import actors, edits, intake
from cases.kernel.finding import index, reindex, search
from cases.kernel.models import Case, OutboxMessage, SearchEntry, Team
from cases.ledger import api as ledger
from cases.ledger import keys
from cases.ledger.models import AccessEvent
from tests import factories

pytestmark = pytest.mark.django_db


def filed(people):
    """A filed case whose message carries the reference the agency gave it, as an applied callback leaves it."""
    case = factories.filed(people)
    OutboxMessage.objects.filter(case=case, kind="fpa_file").update(agency_reference="SFR-2026-0004417")
    return case


def find(actor, text, **more):
    return search.find(actor, text, purpose="casework", at=factories.AT, **more)


def found(actor, text, **more):
    return [hit.case.reference for hit in find(actor, text, **more).hits]


TYPED = {
    "Morwenna": (("name", "exact"),),
    "morw": (("name", "starts"),),
    "mo": (("name", "starts"),),
    "Tregaskys": (("name", "sounds"),),
    "trégaskis MORWENNA": (("name", "exact"),),
    "07700 900123": (("phone", "exact"),),
    "+44 (0)7700 900 123": (("phone", "exact"),),
    "00447700900123": (("phone", "exact"),),
    "7700900123": (("phone", "exact"),),
    "M.Tregaskis@Example.org": (("email", "exact"),),
    "tr18 0zz": (("postcode", "exact"),),
    "TR18": (("outward", "exact"),),
    "tr180zz tregaskis": (("postcode", "exact"), ("name", "exact")),
    "9 Mar 1984": (("born", "exact"),),
    "09/03/1984": (("born", "exact"),),
    "1984-03-09 tregas": (("born", "exact"), ("name", "starts")),
    "nm 4471": None,
    "NM-4471": (("account", "exact"),),
    "nm4471": (("account", "exact"),),
    "refused courier": (("note", "exact"),),
}


@pytest.mark.parametrize("typed", TYPED)
def test_search_finds_a_case_and_says_why(people, typed):
    case = factories.investigating(people)
    with edits.change(case.pk, actor=people["a.byrne"], at=factories.AT) as edit:
        edit.party(2, date_of_birth="1984-03-09")
    edits.add_note(case.pk, "The courier says it was refused.", actor=people["a.byrne"], at=factories.AT)
    factories.referred(people, account_reference="NM-9999")  # the same people, another account
    hits = {hit.case.reference: hit for hit in find(people["a.byrne"], typed).hits}

    if TYPED[typed] is None:
        assert hits == {}
    else:
        assert TYPED[typed] in [match.kinds for match in hits[case.reference].matches]


def test_references_are_found_whole_and_lead_straight_there(people):
    case = filed(people)

    for typed in (case.reference, case.reference.lower(), f"{case.reference}/3", "SFR-2026-0004417"):
        assert find(people["a.byrne"], typed).straight == case
    assert found(people["a.byrne"], case.reference[:-1]) == found(people["a.byrne"], f"/{case.reference}") == []


def test_only_the_single_case_of_a_number_is_led_to(people):
    case = factories.referred(people)
    assert find(people["a.byrne"], "NM-4471").straight == case
    assert find(people["a.byrne"], "tregaskis").straight is None

    factories.referred(people)
    assert find(people["a.byrne"], "NM-4471").straight is None


def test_exact_comes_before_beginnings_and_sounds(people):
    def referral(surname):
        person = factories.VICTIM | {"values": {"forename": "Ewan", "surname": surname}}
        facts = factories.FACTS | {"account_reference": surname}
        return intake.open_case(
            "fraud_referral", actor=people["a.byrne"], at=factories.AT, facts=facts, people=[person]
        ).reference

    exact, starts, sounds, _other = (referral(each) for each in ("Smith", "Smithson", "Smyth", "Jones"))
    assert found(people["a.byrne"], "smith") == [exact, starts, sounds]


@pytest.mark.parametrize("typed", ["", " ", "a", "!!", "'"])
def test_what_cannot_be_searched_is_refused_in_words(people, typed):
    before = AccessEvent.objects.count()
    with pytest.raises(search.SearchRefused, match="Type a reference, a number, or at least two letters of a name."):
        find(people["a.byrne"], typed)
    assert AccessEvent.objects.count() == before


def test_corrections_are_found_and_what_they_replaced_is_not(people):
    case = factories.investigating(people)
    with edits.change(case.pk, actor=people["a.byrne"], at=factories.AT) as edit:
        edit.party(2, surname="Vellacott", phone="+447700900555")
        edit.address(2, "current", postcode="CF10 0ZZ")
        edit.facts(account_reference="NM-7777")
        edit.add_party({"role": "mule", "values": {"alias": "Quentin Strake"}})

    actor = people["a.byrne"]
    for typed in ("vellacott morwenna", "07700900555", "cf10", "NM7777", "strake"):
        assert found(actor, typed) == [case.reference], typed
    for typed in ("tregaskis@example.org", "07700900123", "TR18", "NM-4471"):
        assert found(actor, typed) == [], typed


def test_people_who_are_forgotten_are_not_found(people):
    case = factories.referred(people)
    index.forget_people([case.parties.get(number=2).pk])
    assert found(people["a.byrne"], "TR18") == []
    assert found(people["a.byrne"], "LS1") == [case.reference]

    index.forget_case(case)
    assert found(people["a.byrne"], "LS1") == found(people["a.byrne"], "NM-4471") == []


SIGHT = {
    "a.byrne": True,
    "d.osei": True,
    "b.lacombe": True,
    "j.merriweather": True,
    "h.castellan": True,  # the compartment reads what it may have to report
    "m.achterberg": False,
    "k.mistry": False,
    "r.penhale": False,
    "o.thackray": False,
}


def test_each_role_finds_what_it_may_know_of(people):
    case = filed(people)
    edits.add_note(case.pk, "An unusual word: quixotic.", actor=people["a.byrne"], at=factories.AT)
    for username, sees in SIGHT.items():
        for typed in ("tregaskis", "tre", "tregaskys", "NM-4471", "SFR-2026-0004417", case.reference, "quixotic"):
            result = find(people[username], typed)
            assert [hit.case for hit in result.hits] == ([case] if sees else []), (username, typed)
            assert (result.straight, result.is_capped) == (result.straight if sees else None, False)


def restricted(people):
    """A referral of the same person as a conflict of interest leaves it: in a restricted team, its tokens made anew."""
    case = factories.referred(people)
    with ledger.action(case.uid, "tests.restricted", actor="system:tests", at=factories.AT):
        case.is_restricted, case.team, case.assignee = True, Team.objects.get(code="disclosure"), None
        case.save()
    reindex.rebuild([case.pk], at=factories.AT)
    return case


def insider(people):
    actor = people["a.byrne"]
    return replace(actor, team_ids=actor.team_ids | {Team.objects.get(code="disclosure").pk})


def test_restricted_case_is_found_inside_its_team_alone(people):
    """Who is outside finds the same, in as many rows and statements, with and without the restricted case."""
    case = factories.referred(people)

    def told(actor):
        with CaptureQueriesContext(connection) as captured:
            result = find(actor, "tregaskis")
        seen = [hit.case.reference for hit in result.hits], len(captured.captured_queries)
        return seen, AccessEvent.objects.filter(actor=actor.label).latest("id").result_count

    outside = [people[name] for name in ("a.byrne", "d.osei", "b.lacombe", "j.merriweather")]
    before = [told(actor) for actor in outside]
    hidden = restricted(people)

    assert [told(actor) for actor in outside] == before
    assert {tuple(seen) for (seen, _), _ in before} == {(case.reference,)}
    assert not [actor for actor in outside if found(actor, hidden.reference)]
    assert found(insider(people), "tregaskis") == [hidden.reference, case.reference]
    assert find(insider(people), hidden.reference).straight == hidden


def test_tokens_of_a_restricted_case_are_of_its_own_space(people):
    case, hidden = factories.referred(people), restricted(people)
    tokens = {each.pk: set() for each in (case, hidden)}
    for entry in SearchEntry.objects.all():
        tokens[entry.case_id] |= set(entry.tokens)
    assert tokens[case.pk] and tokens[hidden.pk] and not tokens[case.pk] & tokens[hidden.pk]


def test_search_is_on_record_before_anything_is_shown(people):
    case, hidden = factories.referred(people), restricted(people)
    actor = insider(people)
    before = AccessEvent.objects.latest("id").pk if AccessEvent.objects.exists() else 0
    search.find(actor, "Tregaskis TR18", purpose="casework", at=factories.AT, request_id="r-1")

    rows = list(AccessEvent.objects.filter(actor=actor.label, id__gt=before).order_by("id"))
    assert [(row.verb, row.purpose, row.request_id, row.result_count, row.streams, row.fields) for row in rows] == [
        ("search", "casework", "r-1", 1, [uid], ["account", "name", "outward"]) for uid in (case.uid, hidden.uid)
    ]
    told = "account=TR18\0name=tregaskis\0outward=TR18"
    assert {bytes(row.query_hash) for row in rows} == {keys.keyed_hash("search", told)}


def test_a_search_that_cannot_be_recorded_shows_nothing(people, monkeypatch):
    factories.referred(people)

    def no_log(*_args, **_more):
        raise OSError("no log")

    monkeypatch.setattr(search, "record_read", no_log)
    with pytest.raises(OSError, match="no log"):
        find(people["a.byrne"], "tregaskis")


def test_search_ends_when_it_takes_too_long(people, monkeypatch):
    monkeypatch.setattr(
        search, "_by_tokens", lambda *_: list(Case.objects.extra(select={"slept": "pg_sleep(5)::text"}))
    )
    monkeypatch.setattr(search, "SECONDS", 0.05)
    factories.referred(people)
    with pytest.raises(search.SearchTooSlow, match="takes too long"):
        find(people["a.byrne"], "tregaskis")


@pytest.mark.parametrize("count", [1, 3])
def test_search_takes_four_statements_however_much_it_finds(people, count):
    for _ in range(count):
        factories.referred(people)
    actor = actors.staff(factories.user("a.byrne"))
    with CaptureQueriesContext(connection) as captured:
        assert len(found(actor, "tregaskis")) == count
    kept = [query["sql"] for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]]
    assert len(kept) == 4, kept  # the time limit, the tokens, the cases, the access row


def test_no_more_than_fifty_cases_are_shown(people, monkeypatch):
    newest = [factories.referred(people).reference for _ in range(3)][::-1]
    assert (len(find(people["a.byrne"], "m.tregaskis@example.org").hits), search.CAP) == (3, 51)

    monkeypatch.setattr(search, "CAP", 3)
    result = find(people["a.byrne"], "m.tregaskis@example.org")
    assert ([hit.case.reference for hit in result.hits], result.is_capped) == (newest[:2], True)


def test_history_and_events_hold_no_token(people):
    """Tokens lie in one table alone: no history row, event or access row repeats one."""
    case = factories.investigating(people)
    edits.add_note(case.pk, "Quixotic remark.", actor=people["a.byrne"], at=factories.AT)
    tokens = {str(token) for entry in SearchEntry.objects.all() for token in entry.tokens}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            " AND relname LIKE 'cases\\_%' AND relname <> 'cases_searchentry'"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"SELECT t::text FROM {name} t")
            rows = "\n".join(row for (row,) in cursor.fetchall())
            assert not [token for token in tokens if token in rows], name
    assert len(tokens) > 25
