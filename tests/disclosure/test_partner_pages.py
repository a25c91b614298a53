"""The register of agreements, and a file of SIM changes that is read while it arrives."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cases.disclosure.partners.models import PartnerAgreement, SimEvent
from cases.kernel.office import proposals
from cases.ledger.models import LedgerEvent
from tests import factories, partners

pytestmark = pytest.mark.django_db
FILE = (
    "phone_number,swapped_at\r\n"
    "+447700900123,2026-11-13T10:00:00Z\r\n"
    "07700 900124,2026-11-13T11:00:00+01:00\r\n"
    "not a number,2026-11-13T10:00:00Z\r\n"
    "\r\n"
    "+447700900125,13/11/2026\r\n"
    "+447700900125\r\n"
    "+447700900126,2099-01-01T00:00:00Z\r\n"
    "+447700900123,2026-11-13T10:00:00Z"
)


@pytest.fixture
def people():
    made = factories.office()
    partners.enter(made)
    return made


def signed_in(username, **options):
    client = Client(**options)
    client.force_login(factories.user(username))
    return client


def bring(client, text=FILE, **more):
    upload = SimpleUploadedFile("changes.csv", text if isinstance(text, bytes) else text.encode(), "text/csv")
    return client.post("/partners/", {"changes": upload, **more})


def test_file_keeps_its_good_rows_names_the_bad_and_a_second_time_changes_nothing(people):
    officer = signed_in("k.mistry")

    page = bring(officer).content.decode()

    assert "2 kept, 1 known already, 4 left out." in page
    for line, why in ((4, "Write the number"), (6, "Write the time"), (7, "There must be"), (8, "still to come")):
        assert f'<th scope="row">{line}</th><td>' in page
        assert why in page
    assert SimEvent.objects.count() == 2
    events = LedgerEvent.objects.filter(action="sim_events.kept")
    assert [(event.actor, json.loads(event.body)["detail"]["changes"]) for event in events] == [
        (people["k.mistry"].label, 2)
    ]

    assert "0 kept, 3 known already, 4 left out." in bring(officer).content.decode()
    assert (SimEvent.objects.count(), events.count()) == (2, 1)


def test_file_that_cannot_be_read_and_one_without_the_token_leave_nothing(people):
    officer = signed_in("k.mistry")
    rows = "phone_number,swapped_at\n" + "".join(f"+4477009{n:05},2026-11-13T10:00:00Z\n" for n in range(1200))

    for text, why in (
        (b"", "The file is empty."),
        ("number,when\n", "The first line must be phone_number,swapped_at."),
        (rows.encode() + b"\xff\xfe\n", "not text in UTF-8"),
        (rows + "x" * 300, "longer than such a line"),
    ):
        refused = bring(officer, text)
        assert (refused.status_code, why in refused.content.decode()) == (422, True), text[:40]
    assert officer.post("/partners/", {}).status_code == 422
    forged = signed_in("k.mistry", enforce_csrf_checks=True)
    assert bring(forged, rows).status_code == 403
    assert bring(signed_in("p.nair"), rows).status_code == 403
    assert not SimEvent.objects.exists()


def test_register_says_on_which_terms_and_a_change_needs_another_person(people):
    officer = signed_in("k.mistry")
    with CaptureQueriesContext(connection) as one:
        page = officer.get("/partners/").content.decode()
    assert "SBX-PARTNER-1" in page
    assert "60 a minute, 5000 a day" in page
    assert '<span class="tag done">Answered</span>' in page
    assert "Bring the file" not in signed_in("b.lacombe").get("/partners/").content.decode()

    asked = {**partners.AGREEMENT, "per_day": 9, "reference": "SBX-PARTNER-2", "is_live": False}
    row = proposals.propose("partner_agreement", asked, actor=people["k.mistry"], at=factories.AT, reason="Less.")
    with pytest.raises(proposals.NotAllowed):
        proposals.decide(row.uid, "agreed", actor=people["k.mistry"], at=factories.AT, reason="Mine.")
    assert PartnerAgreement.objects.count() == 1
    proposals.decide(row.uid, "agreed", actor=people["e.hallam"], at=factories.AT, reason="Compared.")
    live = {**asked, "is_live": True}
    with pytest.raises(proposals.ProposalRefused, match="Another agreement with this partner is in use"):
        proposals.propose("partner_agreement", live, actor=people["k.mistry"], at=factories.AT, reason="Both.")
    partners.agree(people, at=factories.AT, reference="SBX-PARTNER-3", is_live=False)

    with CaptureQueriesContext(connection) as three:
        page = officer.get("/partners/").content.decode()
    assert '<span class="tag hold">Refused</span>' in page
    assert (len(one), len(three)) == (len(one), len(one))
