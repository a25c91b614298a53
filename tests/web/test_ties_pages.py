"""Whoever has a registered tie to somebody in a case reads it masked on every page: the pages of families that open
what is sealed ask for the tie before they open anything."""

import pytest

from cases.kernel import edits
from cases.kernel.models import CaseParty
from cases.kernel.office import proposals
from cases.ledger import sealing
from tests import disclosures, emergencies
from tests import requests_of_people as rights
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.rights.test_access import join
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
TIED = "You have a registered tie to somebody in this case. Another person must do this."


def tie(people, name, phone):
    payload = {"user": people[name].user_id, "phone": phone}
    proposals.propose("tie_person", payload, actor=people[name], at=AT, reason="My brother.")


@pytest.fixture
def opened(monkeypatch):
    """Which sealed fields were opened in the name of whom."""
    found, real = [], sealing.open_rows

    def noting(rows, fields, *, reader, at):
        found.append((reader.actor, *fields))
        return real(rows, fields, reader=reader, at=at)

    monkeypatch.setattr(sealing, "open_rows", noting)
    return found


def refuse(client, path, data=None):
    with nothing_written():
        answer = client.get(path) if data is None else client.post(path, data)
    assert (answer.status_code, TIED in answer.content.decode()) == (403, True), path


def test_with_a_tie_a_package_is_read_masked_and_no_file_of_it_is_shown(people, opened):
    case = disclosures.quality_check(people)
    tie(people, "e.hallam", "+447700900789")
    client, path = client_of("e.hallam", is_stepped_up=True), f"/cases/{case.uid}/package/"
    opened.clear()
    page = client.get(path)
    assert page.status_code == 200 and not any(
        sealed in page.content.decode() for sealed in ("Calls to the complainant.", "900789", "Who rang", "SBX/2026/")
    )
    for tail in ("files/1/", "files/2/", "files/2/?as=file"):
        refuse(client, path + tail)
    assert [each for each in opened if each[0] == people["e.hallam"].label] == []
    # Without a tie the same page opens what is asked, and its files.
    other = client_of("k.mistry")
    assert "Calls to the complainant." in other.get(path).content.decode()
    assert "+447700900111" in other.get(path + "files/2/").content.decode()


def test_with_a_tie_nobody_opens_an_address_by_the_form_that_says_who_held_it(people, opened):
    case = disclosures.extracting(people)
    tie(people, "k.mistry", "+447700900789")
    client, path = client_of("k.mistry"), f"/cases/{case.uid}/package/"
    opened.clear()
    assert 'name="necessity"' not in client.get(path).content.decode()
    typed = {"address": "+447700900789", "subject": "B", "begins_at": "2025-03-01T00:00Z", "ends_at": ""}
    refuse(client, path + "holders/", typed)
    assert [each for each in opened if each[0] == people["k.mistry"].label] == []


def test_with_a_tie_to_the_caller_the_screen_of_an_emergency_opens_nothing(people, opened):
    emergencies.enter(people)
    case = emergencies.disclosed(people)
    tie(people, "n.okonjo", "+447700900321")
    client = client_of("n.okonjo", is_stepped_up=True)
    opened.clear()
    refuse(client, f"/emergency/{case.uid}/")
    refuse(client, f"/emergency/{case.uid}/", {"act": "write_up", "account": "Given."})
    assert [each for each in opened if each[0] == people["n.okonjo"].label] == []


@pytest.mark.parametrize("phone", ["+447700900654", "+447700900222"])
def test_with_a_tie_to_the_person_or_to_anybody_in_a_matter_no_text_of_a_request_for_access_is_shown(
    people, opened, phone
):
    matter = rights.asked(people, "rectify")
    edits.add_note(matter.pk, "Lives with the new partner at Orchard Steps.", actor=people["i.sowande"], at=AT)
    case = rights.asked(people, "access")
    join(*(CaseParty.objects.get(case=each) for each in (matter, case)))
    path = f"/rights/{case.uid}/texts/"
    assert "new partner" in client_of("i.sowande").get(path).content.decode()
    if phone == "+447700900222":
        with edits.change(matter.pk, actor=people["i.sowande"], at=AT) as edit:
            edit.add_party({"role": "representative", "values": {"phone": phone}, "addresses": []})
    tie(people, "i.sowande", phone)
    client = client_of("i.sowande")
    opened.clear()
    refuse(client, path)
    refuse(client, path, {"text": "note-1", "ground-note-1": "give"})
    assert [each for each in opened if each[0] == people["i.sowande"].label] == []
