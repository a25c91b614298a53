"""What we hold of whom an open request is about is disposed of nowhere, and nobody outside learns why (K08)."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cases.disclosure import keeping
from cases.disclosure.models import RequestEntry
from cases.disclosure.partners import simevents
from cases.disclosure.partners.models import SimEvent
from cases.kernel import edits, holds, intake, locks, transitions
from cases.kernel.disposal import erasing, piles
from cases.kernel.evidence import disposal
from cases.kernel.finding import index, reindex
from cases.kernel.models import Case, SearchEntry
from cases.kernel.timing import sweeps
from cases.ledger import keys
from cases.ledger.models import AccessEvent
from tests import disclosures, factories, partners
from tests.disclosures import AT
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(days=500)
PHONE, ACCOUNT = factories.VICTIM["values"]["phone"], factories.FACTS["account_reference"]


KNOWN = {"device": "490154203237518\niPhone", "ip_address": "203.0.113.45 port 41000 at 2026-11-13T21:02:00Z"}


def over(people, **known) -> Case:
    """A closed referral with one document, whose year is over."""
    case = factories.investigating(people)
    if known:
        with edits.change(case.pk, actor=people["a.byrne"], at=AT) as edit:
            edit.party(1, **known)
    return transitions.apply(case.pk, "close_no_action", actor=people["a.byrne"], at=AT, reason="Nothing in it.")


def asked(people, *values, **facts) -> Case:
    """A request about these people: notice that an order is applied for, as it came in."""
    disclosures.enter(people)
    said = {**disclosures.FACTS, "request_type": "order_application_notice", **facts}
    about = [{"role": "target", "values": each} for each in values]
    return intake.open_case(disclosures.KIND, actor=people["k.mistry"], at=AT, facts=said, people=about)


def erased() -> int:
    return disposal.dispose_due(now=LATER)


def test_from_the_notice_of_an_application_on_nothing_of_the_person_is_destroyed_in_any_case(people):
    case = over(people)
    request = asked(people, {"phone": "07700 900123"})
    assert request.state == "received"  # nobody has read it yet
    with nothing_written():
        assert erased() == 0
        assert piles.erase_due(now=LATER) == 0
    assert holds.blocks(case, "dispose", at=LATER) == holds.SENTENCE
    disclosures.after(request, "refuse", people["k.mistry"], LATER, reason_code="expired")
    assert erased() == 1


@pytest.mark.parametrize(
    ("values", "is_kept"),
    [
        ({"account_reference": "nm 4471"}, True),
        ({"email": "M.Tregaskis@example.org"}, True),
        ({"phone": "+447700900124"}, False),
        ({"forename": "Morwenna Jane", "surname": "Tregaskis"}, True),  # nothing else is known of them
        ({"forename": "Morwenna", "surname": "Tregaskis", "phone": "+447700900124"}, False),  # somebody of that name
        ({"forename": "Jago", "surname": "Tregaskis"}, False),
        ({"surname": "Tregaskis"}, False),
        ({"device": "490154203237518"}, True),
        ({"device": "iPhone"}, False),  # the name of a device is everybody's
        ({"device": "356938035643809"}, False),
        ({"ip_address": "203.0.113.45 port 51000 at 2026-11-14T09:00:00Z"}, True),  # whoever had it when
        ({"ip_address": "203.0.113.46 port 51000 at 2026-11-14T09:00:00Z"}, False),
    ],
)
def test_a_case_is_kept_by_what_its_people_are_known_by(people, values, is_kept):
    over(people, **KNOWN)
    asked(people, values)
    assert erased() == (0 if is_kept else 1)


def test_whoever_is_added_corrected_or_detached_later_counts(people):
    over(people)
    request = asked(people, {"phone": "+447700900124"})
    with edits.change(request.pk, actor=people["k.mistry"], at=AT) as edit:
        edit.party(1, phone=PHONE)
    with nothing_written():
        assert erased() == 0
    with edits.change(request.pk, actor=people["k.mistry"], at=AT) as edit:
        edit.party(1, phone="+447700900124")
        edit.add_party({"role": "target", "values": {"account_reference": ACCOUNT}})
    with nothing_written():
        assert erased() == 0


def test_a_document_that_is_attached_opens_nobody_again(people):
    request = disclosures.received(people)
    before = AccessEvent.objects.filter(purpose="rebuild_index").count()
    edits.attach(
        request.pk,
        kind="request_letter",
        file_name="letter.txt",
        media_type="text/plain",
        data=b"Letter.",
        actor=people["k.mistry"],
        at=AT,
    )
    assert AccessEvent.objects.filter(purpose="rebuild_index").count() == before


def test_one_request_keeps_no_other_and_our_copy_goes_on_its_day(people):
    first = disclosures.receipted(people)
    disclosures.received(people)
    assert keeping.needs({first.pk: first.uid}) == frozenset()
    sweeps.end_due_clocks(now=AT + timedelta(days=40))
    assert disclosures.facts(first).purged_at is not None


def test_a_request_of_an_earlier_release_keeps_everything_until_its_people_are_comparable(people):
    over(people)
    request = asked(people, {"phone": "+447700900124"})
    RequestEntry.objects.all().delete()
    with nothing_written():
        assert erased() == 0
    disposal.dispose_beside(now=LATER)
    assert RequestEntry.objects.filter(case=request).exists()
    assert erased() == 1


def test_another_index_key_finds_them_all_the_same(people, monkeypatch):
    case = over(people)
    request = asked(people, {"phone": PHONE})
    known = RequestEntry.objects.get(case=request).tokens
    versions = keys.index_versions()
    newer = (*versions, versions[-1] + 1)
    monkeypatch.setattr(keys, "index_versions", lambda: newer)
    load = keys.load
    monkeypatch.setattr(keys, "load", lambda name: b"n" * 32 if name.endswith(str(newer[-1])) else load(name))
    reindex.retoken(at=AT)
    assert set(known) < set(RequestEntry.objects.get(case=request).tokens)
    reindex.rebuild([case.pk], at=AT)
    assert keeping.needs({case.pk: case.uid}) == {case.pk}
    assert index.space_of(request) != index.OFFICE


def test_asking_about_many_cases_takes_as_many_queries_as_about_one(people):
    cases = {case.pk: case.uid for case in (over(people), over(people))}
    asked(people, {"phone": PHONE})
    for some in (dict([*cases.items()][:1]), cases):
        with CaptureQueriesContext(connection) as found:
            assert keeping.needs(some) == set(some)
        assert len(found) == 2


def test_of_interception_nobody_is_known_and_nothing_is_kept(people):
    over(people)
    disclosures.bare(people)
    assert RequestEntry.objects.get().tokens == []
    assert erased() == 1


def test_the_tokens_of_an_erased_request_go_and_those_of_others_stay(people):
    request, other = disclosures.refused(people), disclosures.refused(people)
    with transaction.atomic(), erasing.erase(locks.case_for_update(request.pk), reason="retention_over", at=LATER):
        pass
    assert keeping.erase_beside(LATER) == 1
    assert [entry.case_id for entry in RequestEntry.objects.all()] == [other.pk]


def test_a_case_of_before_people_were_found_by_handsets_is_kept_until_it_can_be_compared(people):
    case = over(people, **KNOWN)
    asked(people, {"device": "356938035643809"})
    entry = SearchEntry.objects.get(case=case, party__number=1)
    runs = {name: tokens for name, tokens in index.runs_of(entry).items() if name not in reindex.DEVICES}
    entry.tokens, entry.layout = index.laid(runs)
    entry.save()
    with nothing_written():
        assert erased() == 0
    disposal.dispose_beside(now=LATER)
    assert set(reindex.DEVICES) < set(index.runs_of(SearchEntry.objects.get(case=case, party__number=1)))
    assert reindex.add_devices(at=LATER) == 0
    assert erased() == 1


# --- changes of SIMs ------------------------------------------------------------------------------------------------
def swapped(people, *numbers):
    """Changes that the network told more than a year ago."""
    partners.enter(people)
    for number in numbers:
        partners.swap(number, AT)


def left() -> int:
    return SimEvent.objects.count()


@pytest.mark.parametrize(
    ("values", "kind", "kept"),
    [
        ({"phone": "07700 900123"}, "cd_authorised", 1),
        ({"account_reference": ACCOUNT}, "cd_authorised", 0),
        ({"phone": "07700 900123"}, "order_application_notice", 1),
        ({"account_reference": ACCOUNT}, "order_application_notice", 2),  # whose number that is, nobody says
        ({"phone": "07700 900123"}, "preservation", 1),
    ],
)
def test_changes_of_a_sim_that_an_open_request_is_about_are_not_erased(people, values, kind, kept):
    swapped(people, PHONE, "+447700900124")
    request = asked(people, values, request_type=kind)
    simevents.erase_due(LATER)
    assert left() == kept
    with nothing_written():
        assert simevents.erase_due(LATER) == 0
    disclosures.after(request, "refuse", people["k.mistry"], LATER, reason_code="expired")
    simevents.erase_due(LATER)
    assert left() == 0
