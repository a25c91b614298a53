"""A callback goes to the case it names. One that names several goes to a person, who says which, or ignores it."""

import re

import pytest

from cases.agencies import application, matching
from cases.kernel.models import Callback, Case, OutboxMessage, Task
from cases.kernel.office import proposals
from cases.ledger import verify
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.agencies.stage import acts, now, promise
from tests.agencies.test_application import hear
from tests.api.caller import callback
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.office()


@pytest.fixture
def cases(people):
    """Two cases whose messages the agency knows under one reference, and a third it was told of under none."""
    found = [factories.referred(people, incident_reference=f"DET-{number}") for number in range(3)]
    for case in found:
        promise(case)
    OutboxMessage.objects.filter(case__in=found[:2]).update(state="acknowledged", agency_reference="SFR-2026-0004417")
    return found


@pytest.fixture
def enquiry(cases) -> Callback:
    row = hear(callback(type="fpa.enquiry", reference=...))
    application.apply_pending(now=now())
    row.refresh_from_db()
    return row


def test_a_reference_that_two_cases_share_goes_to_neither(cases, enquiry):
    assert (enquiry.state, enquiry.reason, enquiry.case) == ("unmatched", "shared_reference", None)
    assert [acts(case, "fraud_referral.enquiry") for case in cases] == [0, 0, 0]
    task = Task.objects.get(kind="callback_ambiguous")
    assert (task.case, task.detail["callback"], task.closed_at) == (None, str(enquiry.uid), None)


def test_two_messages_of_one_case_under_one_reference_name_that_case(people, cases):
    OutboxMessage.objects.filter(case=cases[1]).update(agency_reference="")
    promise(cases[0])
    OutboxMessage.objects.filter(case=cases[0]).update(agency_reference="SFR-2026-0004417")
    row = hear(callback(type="fpa.enquiry", reference=...))

    application.apply_pending(now=now())

    row.refresh_from_db()
    assert (row.state, row.case_id) == ("applied", cases[0].pk)


def test_a_person_says_which_case_and_it_is_applied_there_once(people, cases, enquiry):
    matching.match(enquiry, cases[1], actor=people["a.byrne"], at=now(), reason="Same surname.")
    application.apply_pending(now=now())
    application.apply_pending(now=now())

    enquiry.refresh_from_db()
    assert (enquiry.state, enquiry.case_id) == ("applied", cases[1].pk)
    assert [acts(case, "fraud_referral.enquiry") for case in cases] == [0, 1, 0]
    assert Task.objects.get(kind="callback_ambiguous").outcome == "matched"
    assert not [each for each in verify.verify_stream(cases[1].uid) if each.level != "recorded late"]


def test_a_person_says_which_case_though_the_agency_named_a_message_of_another(people, cases):
    meant, named = factories.submitted(people), cases[2]
    row = hear(callback(reference=str(OutboxMessage.objects.get(case=named).public_id)))
    application.apply_pending(now=now())
    row.refresh_from_db()
    assert (row.state, row.reason, row.case_id) == ("failed", "refused:TransitionRefused", named.pk)

    matching.match(row, meant, actor=people["a.byrne"], at=now(), reason="They took the wrong line.")
    application.apply_pending(now=now())

    row.refresh_from_db()
    assert (row.state, row.case_id) == ("applied", meant.pk)
    states = dict(Case.objects.filter(pk__in=[meant.pk, named.pk]).values_list("pk", "state"))
    assert states == {meant.pk: "filed", named.pk: "referred"}
    assert OutboxMessage.objects.get(case=named).state == "pending"
    assert not Task.objects.filter(detail__callback=str(row.uid), closed_at=None).exists()


def test_a_person_says_that_nothing_follows(people, cases, enquiry):
    matching.ignore(enquiry, actor=people["a.byrne"], at=now(), reason="They meant somebody else.")

    enquiry.refresh_from_db()
    assert (enquiry.state, enquiry.reason) == ("ignored", "by_a_person")
    assert Task.objects.get(kind="callback_ambiguous").outcome == "ignored"
    event = LedgerEvent.objects.get(stream=enquiry.agency.uid, action="callback.ignored")
    assert event.reason is not None and "somebody else" not in event.body


def test_what_people_may_not_decide_is_refused_and_changes_nothing(people, cases, enquiry):
    actor = people["a.byrne"]
    stranger = factories.referred(people, incident_reference="DET-9")
    events = LedgerEvent.objects.count()

    for act, sentence in (
        (lambda: matching.match(enquiry, stranger, actor=actor, at=now(), reason="x"), "was never told of"),
        (lambda: matching.match(enquiry, cases[0], actor=actor, at=now(), reason=" "), "Say why"),
        (lambda: matching.ignore(enquiry, actor=actor, at=now(), reason=""), "Say why"),
    ):
        with pytest.raises(matching.NotWaiting, match=sentence):
            act()
    enquiry.refresh_from_db()
    assert (enquiry.state, LedgerEvent.objects.count()) == ("unmatched", events)
    assert Task.objects.get(kind="callback_ambiguous").closed_at is None

    matching.ignore(enquiry, actor=actor, at=now(), reason="Nothing.")
    with pytest.raises(matching.NotWaiting, match="waits for nobody"):
        matching.match(enquiry, cases[0], actor=actor, at=now(), reason="Late.")


def test_whoever_has_a_tie_to_the_case_decides_nothing_about_its_callbacks(people, cases, enquiry):
    actor = people["a.byrne"]
    tie = {"user": actor.user_id, "phone": factories.VICTIM["values"]["phone"]}
    proposals.propose("tie_person", tie, actor=actor, at=factories.APPROVED_AT, reason="My sister.")

    with nothing_written(), pytest.raises(matching.NotWaiting, match="registered tie"):
        matching.match(enquiry, cases[1], actor=actor, at=now(), reason="Same surname.")
    Callback.objects.filter(pk=enquiry.pk).update(case=cases[0], state="failed")
    with nothing_written(), pytest.raises(matching.NotWaiting, match="registered tie"):
        matching.ignore(enquiry, actor=actor, at=now(), reason="They meant somebody else.")
    matching.ignore(enquiry, actor=people["p.nair"], at=now(), reason="They meant somebody else.")


def test_review_offers_the_cases_that_share_the_reference_and_prefers_none(people, cases, enquiry):
    client = client_of("a.byrne")
    page = client.get("/agencies/sandbox-fraud-register/?view=review").content.decode()

    offered = re.findall(r'name="candidate" value="([\w-]+)"( checked)?', page)
    assert offered == [(case.reference, "") for case in cases[:2]]

    typed = {"act": "match", "candidate": cases[1].reference, "reference": "", "reason": "Same surname."}
    client.post(f"/agencies/callbacks/{enquiry.uid}/", typed)
    application.apply_pending(now=now())
    enquiry.refresh_from_db()
    assert (enquiry.state, enquiry.case_id) == ("applied", cases[1].pk)


def test_whoever_may_not_see_a_sharing_case_is_not_offered_it(cases, enquiry):
    page = client_of("o.thackray").get("/agencies/sandbox-fraud-register/?view=review").content.decode()

    assert "candidate" not in page and all(case.reference not in page for case in cases)
