"""Where what is known of a person comes from: a code of one list, chosen on the form, shown to staff and the person."""

import contextlib

import pytest
from django.urls import reverse

from cases.association import intake as declarations
from cases.kernel import actors, edits, intake, notice, releases
from cases.kernel.errors import CaseError
from cases.kernel.models import Agency, Case, CaseAddress, CaseParty, OutboxMessage
from cases.kernel.office import datasources
from tests import associations, factories
from tests import requests_of_people as rights
from tests.kernel.snapshots import nothing_written
from tests.web import desk
from tests.web.test_acts import NEW

pytestmark = pytest.mark.django_db


def test_the_list_has_each_source_that_the_notice_names():
    assert set(datasources.SOURCES.labels()) == {
        *("person", "staff", "api", "billing", "third_party", "agency", "partner", "authority"),
        *("electoral_roll", "directory", "public_record", "data_broker", "demographic"),
    }
    assert datasources.SOURCES.is_open


def test_whoever_takes_a_person_down_says_where_it_comes_from_and_everybody_reads_it(people):
    client = desk.client_of("a.byrne")
    client.post("/cases/new/fraud_referral/", {**NEW, "people-0-source": "electoral_roll"})
    case = Case.objects.get()
    assert case.parties.get().source == "electoral_roll"
    assert "Where from: The electoral roll." in client.get(f"/cases/{case.uid}/").content.decode()

    version = Case.objects.get(pk=case.pk).version
    typed = {"kind": "previous", "line_1": "1 New Row", "town": "Truro", "source": "data_broker", "version": version}
    client.post(reverse("web:add_address", args=[case.uid, 1]), typed)
    assert set(CaseAddress.objects.values_list("source", flat=True)) == {"data_broker"}
    page = client.get(f"/cases/{case.uid}/").content.decode()
    assert "The previous address: A data broker." in page

    path = reverse("web:edit_person", args=[case.uid, 1])
    form = client.get(path).context["form"]
    assert form.initial["source"] == "electoral_roll"
    typed = {**form.initial, "source": "directory", "version": Case.objects.get(pk=case.pk).version}
    assert client.post(path, {name: value for name, value in typed.items() if value}).status_code == 302
    assert CaseParty.objects.get().source == "directory"


def test_a_source_that_is_in_no_list_is_refused(people):
    client = desk.client_of("a.byrne")
    with nothing_written():
        refused = client.post("/cases/new/fraud_referral/", {**NEW, "people-0-source": "hearsay"})
    assert refused.status_code == 422


def test_what_a_system_of_ours_hands_in_comes_from_it_and_what_staff_take_down_from_them(people):
    associations.enter()
    rights.own("own-orders")
    facts, two = declarations.parse(declarations.EXAMPLE)
    case = intake.open_case(
        "association",
        actor=actors.agency(Agency.objects.get(code="own-orders")),
        at=factories.AT,
        facts=facts,
        people=two,
    )
    assert set(case.parties.values_list("source", flat=True)) == {"api"}
    other = associations.declared(people)
    assert set(other.parties.values_list("source", flat=True)) == {"staff"}


def test_whom_we_know_from_an_agency_is_passed_on_to_no_other_in_our_interest(people):
    case = associations.declared(people)
    with edits.change(case.pk, actor=people[associations.OFFICER], at=factories.AT) as edit:
        edit.party(2, source="agency")
    reviewer = associations.other_reviewer(people)
    with (
        nothing_written(counted=1),
        pytest.raises(CaseError, match="person 2 came from an agency, and goes no further"),
    ):
        associations.after(case, "confirm", reviewer)
    with edits.change(case.pk, actor=people[associations.OFFICER], at=factories.AT) as edit:
        edit.party(2, source="person")
    assert associations.after(case, "confirm", reviewer).state == "confirmed"


def test_a_link_is_told_without_the_address_that_an_agency_told_us(people):
    case = associations.declared(people)
    with edits.change(case.pk, actor=people[associations.OFFICER], at=factories.AT):
        for row in CaseAddress.objects.filter(party__case=case, party__number=2):
            row.source = "agency"
            row.save()
    associations.after(case, "confirm", associations.other_reviewer(people))
    message = OutboxMessage.objects.filter(case=case, kind="cra_assoc").first()
    assert message is not None
    body = factories.body_of(message)
    assert ["address" in each for each in body["people"]] == [True, False]


@pytest.mark.parametrize(
    ("gateway", "kind", "may"),
    [("gdpr_6_1_f", "cra", False), ("gdpr_6_1_c", "cra", True), ("gdpr_6_1_f", "post", True)],
)
def test_what_the_law_asks_for_and_letters_to_the_person_still_leave(gateway, kind, may):
    item = releases.Item(
        category="identity", clause=notice.CLAUSES["link_records"], fields=("surname",), values=("A",), gateway=gateway
    )
    told = Agency(pk=0, code=kind, kind=kind, display_name=kind)
    with contextlib.nullcontext() if may else pytest.raises(releases.ReleaseRefused):
        releases._check_onward(told, [item], [CaseParty(number=1, source="agency")])


@pytest.mark.parametrize(
    ("kind", "of", "code"),
    [
        ("staff", "", "staff"),
        ("system", "", "staff"),
        ("agency", "own_system", "api"),
        ("agency", "bank", "partner"),
        ("agency", "cra", "agency"),
        ("agency", "lea", "authority"),
        ("agency", "insolvency", "authority"),
    ],
)
def test_unless_it_is_said_it_is_whoever_acts(kind, of, code):
    assert datasources.unless_said(kind, of) == code
