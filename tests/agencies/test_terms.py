"""The terms of an agency: what contradicts itself is refused whole; a suspended agency takes no part."""

from dataclasses import replace
from datetime import date

import pytest

from cases.agencies import queue, senders
from cases.agencies.directory import TERMS
from cases.agencies.signatures import SignatureRefused
from cases.kernel import actors, outbox, transitions
from cases.kernel.exchange import agencies, agreements
from cases.kernel.models import AgencyTerms, Case, OutboxMessage, Release
from cases.kernel.releases import ReleaseRefused
from cases.ledger import sealing, verify
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.agencies.stage import AT, FPA, now, promise
from tests.api.caller import signed

pytestmark = pytest.mark.django_db
ACTOR = actors.system("tests")
REFUSED = [
    ({"sharing_from_date": None}, "Say from when it holds."),
    ({"contract_until_date": date(2023, 1, 1)}, "It cannot end before it begins."),
    ({"sharing_review_date": date(2023, 1, 1)}, "The review cannot be before it begins."),
]


@pytest.fixture
def people():
    return factories.office()


def enter(contact=None, **changes):
    return agreements.enter(agencies.get(FPA), replace(TERMS, **changes), actor=ACTOR, at=AT, contact=contact)


@pytest.mark.parametrize(("changes", "sentence"), REFUSED)
def test_terms_that_contradict_themselves_are_refused_whole(people, changes, sentence):
    stream, before = agencies.get(FPA).uid, AgencyTerms.objects.get(agency__code=FPA)
    events = LedgerEvent.objects.filter(stream=stream).count()

    with pytest.raises(agreements.TermsRefused, match=sentence):
        enter(state="ended", **changes)

    after = AgencyTerms.objects.get(pk=before.pk)
    assert (after.state, after.sharing_review_date) == (before.state, before.sharing_review_date)
    assert LedgerEvent.objects.filter(stream=stream).count() == events


def test_a_contact_that_names_a_person_is_sealed_and_on_record_without_the_name(people):
    row = enter(contact="Morwenna Tregaskis, telephone 01632 960123")

    assert "Tregaskis" not in "".join(LedgerEvent.objects.filter(stream=row.agency.uid).values_list("body", flat=True))
    reader = sealing.Reader(actor="system:tests", verb="read", purpose="tests", streams=(row.agency.uid,))
    (opened,) = sealing.open_rows([AgencyTerms.objects.get(pk=row.pk)], ["contact"], reader=reader, at=AT)
    assert opened["contact"] == "Morwenna Tregaskis, telephone 01632 960123"
    assert {finding.level for finding in verify.verify_stream(row.agency.uid)} <= {"recorded late"}


def test_an_approval_that_would_send_without_an_agreement_is_refused_and_nothing_is_promised(people):
    case = factories.ready(people)
    enter(sharing_until_date=date(2026, 11, 15))
    events = LedgerEvent.objects.filter(stream=case.uid).count()

    with pytest.raises(ReleaseRefused, match="The data-sharing agreement with Sandbox Fraud Register has ended."):
        transitions.apply(
            case.pk,
            "approve",
            actor=people["d.osei"],
            at=factories.APPROVED_AT,
            inputs=factories.CHECKER_INPUTS,
        )

    assert Case.objects.get(pk=case.pk).state == case.state
    assert (OutboxMessage.objects.count(), Release.objects.count()) == (0, 0)
    assert LedgerEvent.objects.filter(stream=case.uid).count() == events


@pytest.mark.django_db(transaction=True)  # due times are those of the statement, not of the test's transaction
@pytest.mark.parametrize("state", ["proposed", "suspended", "ended"])
def test_an_agency_that_takes_no_part_is_neither_sent_to_nor_believed(people, state):
    secret = "whsec_" + "A" * 43 + "="
    agency = agencies.get(FPA)
    for channel in agency.channels.all():
        agencies.add_key(channel, secret, name=channel.direction, actor=ACTOR, at=AT)
    waiting = promise(factories.referred(people))
    headers = signed(secret, "msg-1", b"{}")
    assert senders.authenticate(FPA, headers, b"{}", now=now()).agency == agency
    enter(state=state)

    assert queue.claim(waiting.public_id) == []
    with pytest.raises(SignatureRefused):
        senders.authenticate(FPA, headers, b"{}", now=now())
    with pytest.raises(outbox.NoChannel):
        promise(waiting.case)

    enter(state="active")
    assert [one.message_id for one in queue.claim(waiting.public_id)] == [waiting.pk]
