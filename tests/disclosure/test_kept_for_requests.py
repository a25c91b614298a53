"""What we hold of whom an open request is about is disposed of nowhere, and nobody outside learns why (K08)."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cases.disclosure import keeping
from cases.disclosure.models import RequestEntry
from cases.kernel import edits, erasing, holds, intake, locks, piles, transitions
from cases.kernel.evidence import disposal
from cases.kernel.finding import index, reindex
from cases.kernel.models import Case
from cases.kernel.timing import sweeps
from cases.ledger import keys
from cases.ledger.models import AccessEvent
from tests import disclosures, factories
from tests.disclosures import AT
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(days=500)
PHONE, ACCOUNT = factories.VICTIM["values"]["phone"], factories.FACTS["account_reference"]


def over(people) -> Case:
    """A closed referral with one document, whose year is over."""
    case = factories.investigating(people)
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
        ({"forename": "Morwenna", "surname": "Tregaskis"}, False),  # two people share a name too easily
    ],
)
def test_a_case_is_kept_by_what_is_one_persons_own(people, values, is_kept):
    over(people)
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
