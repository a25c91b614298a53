"""Whoever asks is called back on a number of the directory, and nobody else is given anything."""

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from cases.disclosure import guards
from cases.disclosure.models import AuthorityContact
from cases.kernel import edits
from cases.kernel.edits import EditRefused
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, Release
from cases.kernel.office import proposals
from cases.kernel.office.proposals import ProposalRefused
from cases.ledger.models import LedgerEvent
from tests import disclosures
from tests.disclosure.heard import OTHER, another_authority, told
from tests.disclosures import CALL, after, facts
from tests.factories import AT
from tests.kernel.snapshots import nothing_written, refusal
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db


# --- who asks -------------------------------------------------------------------------------------------------------
def test_a_call_back_on_the_directorys_number_authenticates_and_is_on_record(people):
    case = disclosures.authenticated(people)

    assert (facts(case).contact_code, facts(case).called_back_at) == ("spoc", AT)
    assert told(case) == [("le_ack", {"urn": told(case)[0][1]["urn"], "received_at": "2026-11-14T10:00:00+00:00"})]
    assert Release.objects.get(case=case).items.get().clause == "answer_authorities"
    event = LedgerEvent.objects.get(stream=case.uid, action="le_disclosure.verify").content()
    assert "Duty officer" not in json.dumps(event, default=str)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"contact": "stranger"}, "Choose the desk that you called from the directory."),
        ({"contact": ""}, "Choose the desk that you called from the directory."),
        ({"called_back_at": None}, "Say when you called the desk back."),
        ({"called_back_at": AT + timedelta(minutes=1)}, "Say when you called the desk back."),
        ({"called_back_at": AT - timedelta(days=8)}, "That call was long before the request came in. Call again."),
        ({"spoken_to": " "}, "Say whom you spoke to."),
    ],
)
def test_without_a_call_back_nothing_is_authentic(people, changes, said):
    case = disclosures.received(people)
    assert refusal(case, "verify", people["k.mistry"], **{**CALL, **changes}) == said


def test_whoever_entered_a_desk_within_a_day_does_not_verify_on_it(people):
    case = disclosures.received(people)
    disclosures.desk(people, at=AT - timedelta(hours=23), phone="+441632960011")
    assert "another person calls it back" in refusal(case, "verify", people["k.mistry"], **CALL)
    assert after(case, "verify", people["n.okonjo"], **CALL).state == "authenticated"


def test_a_desk_that_was_set_apart_verifies_nobody(people):
    case = disclosures.received(people)
    disclosures.desk(people, at=AT - timedelta(days=2), is_active=False)
    assert "from the directory" in refusal(case, "verify", people["k.mistry"], **CALL)


def test_a_desk_is_entered_by_two_people(people):
    row = proposals.propose(
        "authority_contact",
        {**disclosures.DESK, "code": "night", "desk": "Night desk"},
        actor=people["k.mistry"],
        at=AT,
        reason="National list.",
    )
    assert not AuthorityContact.objects.filter(code="night").exists()
    for name in ("k.mistry", "n.okonjo", "o.thackray", "v.tranter"):
        with nothing_written(), pytest.raises(CaseError):
            proposals.decide(row.uid, "agreed", actor=people[name], at=AT, reason="Fine.")
    proposals.decide(row.uid, "agreed", actor=people["e.hallam"], at=AT, reason="Compared.")
    assert AuthorityContact.objects.get(code="night").phone == "+441632960010"


def test_a_desk_of_an_agency_that_asks_for_nothing_is_refused(people):
    with nothing_written(), pytest.raises(ProposalRefused, match="no such authority"):
        proposals.propose(
            "authority_contact",
            {**disclosures.DESK, "agency": "sandbox-post"},
            actor=people["k.mistry"],
            at=AT,
            reason="No.",
        )


def test_the_authority_that_was_called_back_is_not_changed_for_another_with_a_desk_of_that_code(people):
    another_authority(people)
    case = disclosures.authenticated(people)
    with (
        nothing_written(),
        pytest.raises(EditRefused, match="Another authority was verified"),
        edits.change(case.pk, actor=people["k.mistry"], at=AT) as edit,
    ):
        edit.facts(authority_code=OTHER)
    assert after(case, "validate", people["k.mistry"], is_ours=True).state == "validated"


def test_before_anybody_was_called_back_the_authority_is_corrected_and_called_itself(people):
    another_authority(people)
    case = disclosures.received(people)
    with edits.change(case.pk, actor=people["k.mistry"], at=AT) as edit:
        edit.facts(authority_code=OTHER)
    after(case, "verify", people["k.mistry"], **CALL)
    assert after(case, "validate", people["k.mistry"], is_ours=True).state == "validated"


def test_what_the_portal_signed_is_not_given_to_another_authority(people):
    another_authority(people, method="portal_identity")
    case = disclosures.received(people, came_by="portal")
    with (
        nothing_written(),
        pytest.raises(EditRefused, match="Another authority was verified"),
        edits.change(case.pk, actor=people["k.mistry"], at=AT) as edit,
    ):
        edit.facts(authority_code=OTHER)


def test_a_request_is_accepted_only_from_the_authority_that_was_verified(people):
    another_authority(people)
    case = disclosures.authenticated(people)
    moved = Case.objects.get(pk=case.pk)
    assert guards.who_asked_is_who_was_verified(SimpleNamespace(case=moved)) is None
    moved.disclosure_request.authority_code = OTHER
    said = guards.who_asked_is_who_was_verified(SimpleNamespace(case=moved))
    assert said.startswith("The desk that was called back is not one of this authority.")


# --- the directory says what kind of authority asks -------------------------------------------------------------------
RECORDS = {"items": ["internet_connection_records"]}


def test_a_council_that_calls_itself_police_is_not_verified(people):
    disclosures.desk(people, at=AT - timedelta(days=2), kind="council")
    case = disclosures.received(people, **RECORDS)
    said = refusal(case, "verify", people["k.mistry"], **CALL)
    assert said == "The directory says of this desk: Local authority. Correct the kind of authority."


def test_a_kind_that_the_request_does_not_say_is_the_directorys_and_bars_what_is_not_for_councils(people):
    disclosures.desk(people, at=AT - timedelta(days=2), kind="council")
    case = disclosures.received(people, authority_kind="", **RECORDS)
    assert "say what kind of authority asks" in guards.findings(facts(case))[RECORDS["items"][0]].sentence
    after(case, "verify", people["k.mistry"], **CALL)
    assert facts(case).authority_kind == "council"
    said = refusal(case, "validate", people["k.mistry"], is_ours=True)
    assert "a local authority may not have them (s.62)" in said


def test_a_kind_that_is_changed_after_the_call_is_not_accepted(people):
    disclosures.desk(people, at=AT - timedelta(days=2), kind="council")
    case = disclosures.authenticated(people, authority_kind="council", **RECORDS)
    for kind in ("police", ""):
        with edits.change(case.pk, actor=people["k.mistry"], at=AT) as edit:
            edit.facts(authority_kind=kind)
        said = refusal(case, "validate", people["k.mistry"], is_ours=True)
        assert said.startswith("The directory says of this desk: Local authority.")


def test_a_desk_of_a_control_room_verifies_no_request(people):
    disclosures.desk(people, at=AT - timedelta(days=2), kind="control_room")
    case = disclosures.received(people, authority_kind="")
    assert "but help in an emergency" in refusal(case, "verify", people["k.mistry"], **CALL)


# --- corrections by the page ------------------------------------------------------------------------------------------
def test_a_request_of_the_portal_is_corrected_by_the_page_and_stays_the_portals(people):
    disclosures.desk(people, at=AT - timedelta(days=2), method="portal_identity")
    case = disclosures.received(people, came_by="portal")
    after(case, "verify", people["k.mistry"], contact="spoc")
    client, address = client_of("k.mistry"), f"/cases/{case.uid}/edit/"
    page = client.get(address).content.decode()
    assert 'name="came_by"' not in page
    assert 'name="purpose"' in page
    typed = {
        **{name: disclosures.FACTS[name] for name in ("request_type", "authority_code", "authority_kind", "gateway")},
        **{"grade": "2", "purpose": "public_safety", "granted_date": "2026-11-13", "items": ["subscriber_name"]},
    }
    assert client.post(address, typed).status_code == 302
    assert (facts(case).came_by, facts(case).grade, facts(case).purpose) == ("portal", 2, "public_safety")


def test_the_page_says_in_words_that_another_authority_was_verified(people):
    another_authority(people)
    case = disclosures.authenticated(people)
    typed = {"request_type": "cd_authorised", "authority_code": OTHER, "grade": "3", "urn": "SBX/2026/9"}
    answer = client_of("k.mistry").post(f"/cases/{case.uid}/edit/", typed)
    page = answer.content.decode()
    assert answer.status_code in {409, 422}
    assert "Another authority was verified." in page
    assert "SBX/2026/9" in page
    assert facts(case).authority_code == disclosures.AUTHORITY


def test_who_typed_a_request_in_corrects_how_it_came(people):
    case = disclosures.received(people)
    assert 'name="came_by"' in client_of("k.mistry").get(f"/cases/{case.uid}/edit/").content.decode()


@pytest.mark.parametrize(
    ("build", "name", "by", "typed"),
    [
        (disclosures.extracting, "submit", "k.mistry", {"checked": disclosures.CHECKED}),
        (disclosures.urgent, "release_urgent", "k.mistry", {"checked": disclosures.CHECKED}),
        (disclosures.quality_check, "release", "e.hallam", {"compared": disclosures.COMPARED}),
    ],
)
def test_a_desk_that_was_set_apart_since_it_was_called_gets_nothing(people, build, name, by, typed):
    case = build(people)
    disclosures.desk(people, at=AT, is_active=False)
    said = refusal(case, name, people[by], **typed)
    assert said.startswith("The desk that was called back may not ask any more")
    disclosures.desk(people, at=AT + timedelta(minutes=1), is_active=True)
    assert after(case, name, people[by], **typed).state in {"quality_check", "released"}
