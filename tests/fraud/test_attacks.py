"""Attacks on the network or on a customer's equipment: a kind of event of a referral, with a kind of attack.

The design names the two kinds of event; the kinds of attack are a list of our own.
"""

from copy import deepcopy

import pytest

from cases.fraud import codes, forms
from cases.fraud import intake as fraud_intake
from cases.kernel import casetypes, edits, intake, transitions
from cases.kernel.models import Case, OutboxMessage
from tests import factories
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

ATTACK = {
    "schema_version": 1,
    "event_type": "network_attack",
    "attack": "denial_of_service",
    "product": "broadband",
    "sales_channel": "web",
    "discovered_date": "2026-11-14",
    "narrative": "A flood of requests to the name servers, 40 minutes.",
}


def changed(**values):
    return {name: value for name, value in {**deepcopy(ATTACK), **values}.items() if value is not None}


def faults(body):
    with pytest.raises(intake.FieldErrors) as refusal:
        fraud_intake.parse(body)
    return {(pointer, code) for pointer, code, _ in refusal.value.errors}


def test_the_two_kinds_of_event_are_the_designs():
    assert [code for code, _ in codes.EVENT_TYPES] == ["", "network_attack", "customer_equipment"]
    assert [code for code, _ in codes.ATTACKS] == ["malware", "intrusion", "denial_of_service", "toll_fraud"]


def test_an_attack_on_the_network_needs_no_kind_of_fraud_no_person_and_no_account():
    facts, people = fraud_intake.parse(ATTACK)
    assert (facts["event_type"], facts["attack"], facts["fpa_case_type"], facts["reasons"], people) == (
        *("network_attack", "denial_of_service", ""),
        [],
        [],
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (changed(attack=None), {("/attack", "required")}),
        (changed(attack="phishing"), {("/attack", "invalid_choice")}),
        (changed(event_type="elsewhere", account_reference="NM-1"), {("/event_type", "invalid_choice")}),
        # Without the event it is a fraud, and says of which kind.
        (
            changed(event_type=None, account_reference="NM-1"),
            {("/attack", "invalid"), ("/fpa_case_type", "required"), ("/reasons", "required")},
        ),
        (changed(reasons=["irsf_ait_traffic"]), {("/fpa_case_type", "required")}),
        (changed(fpa_case_type="misuse_of_facility"), {("/reasons", "required")}),
        # Whose equipment it was must be said.
        (changed(event_type="customer_equipment", attack="toll_fraud"), {("/subjects", "required")}),
    ],
)
def test_what_does_not_fit_is_named_by_pointer_and_code(body, expected):
    assert faults(body) == expected


def test_toll_fraud_by_hacked_equipment_may_have_its_kind_of_fraud_at_once():
    body = changed(
        event_type="customer_equipment",
        attack="toll_fraud",
        fpa_case_type="misuse_of_facility",
        reasons=["irsf_ait_traffic"],
        account_reference="NM-4471",
    )
    facts, _ = fraud_intake.parse(body)
    assert (facts["attack"], facts["fpa_case_type"], facts["reasons"]) == (
        *("toll_fraud", "misuse_of_facility"),
        ["irsf_ait_traffic"],
    )


@pytest.mark.django_db
def test_staff_refer_an_attack_from_the_page_and_its_title_says_what_it_is():
    factories.office()
    typed = {
        **{name: value for name, value in ATTACK.items() if name != "schema_version"},
        "people-TOTAL_FORMS": "0",
        "people-INITIAL_FORMS": "0",
    }
    client = client_of("a.byrne")
    response = client.post("/cases/new/fraud_referral/", typed, follow=True)
    case = Case.objects.get()
    assert case.topic == "network_attack.denial_of_service"
    assert casetypes.get(case.kind).topic_label(case.topic) == "Attack on our network: denial of service"
    page = " ".join(response.content.decode().split())
    for words in ("Attack on our network: denial of service", "Kind of attack", "Denial of service"):
        assert words in page
    with nothing_written():
        refused = client.post("/cases/new/fraud_referral/", {**typed, "attack": ""})
    assert refused.status_code == 422
    assert "Kind of attack: This field is required." in refused.content.decode()


@pytest.mark.django_db
def test_an_attack_is_filed_only_once_it_is_a_kind_of_fraud():
    people = factories.office()
    case = factories.investigating(people)
    with edits.change(case.pk, actor=people["a.byrne"], at=AT, verb="case.edited") as edit:
        edit.facts(event_type="customer_equipment", attack="intrusion", fpa_case_type="", reasons=[])
    assert Case.objects.get(pk=case.pk).topic == "customer_equipment.intrusion"
    sentence = "Say of which kind of fraud this is. An attack that is none of them is not filed."
    with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match=sentence):
        transitions.apply(
            case.pk, "submit", actor=people["a.byrne"], at=AT, inputs={"pillars": factories.MAKER_ANSWERS}
        )
    with edits.change(case.pk, actor=people["a.byrne"], at=AT, verb="case.edited") as edit:
        edit.facts(fpa_case_type="facility_takeover", reasons=["address_or_credential_change"])
    case = transitions.apply(
        case.pk, "submit", actor=people["a.byrne"], at=AT, inputs={"pillars": factories.MAKER_ANSWERS}
    )
    assert (case.state, case.topic) == ("ready", "customer_equipment.intrusion")


@pytest.mark.django_db
def test_the_police_are_told_of_an_attack_by_nobody_knows_whom():
    people = factories.office()
    facts, _ = fraud_intake.parse(ATTACK)
    case = intake.open_case("fraud_referral", actor=people["a.byrne"], at=AT, facts=facts)
    for name in ("take", "accept"):
        transitions.apply(case.pk, name, actor=people["a.byrne"], at=AT)
    document = {"kind": "document", "file_name": "a.txt", "media_type": "text/plain", "data": b"a"}
    edits.attach(case.pk, **document, actor=people["a.byrne"], at=AT)
    factories.scan()
    assert not forms.PoliceForm(case=case).fields["people"].required
    said = {"people": [], "documents": ["1"], "story_holds": "no"}
    transitions.apply(case.pk, "report_to_police", actor=people["d.osei"], at=AT, inputs=said)
    body = factories.body_of(OutboxMessage.objects.get(case=case, kind="report_fraud"))
    assert {name: body[name] for name in ("event_type", "attack", "case_type", "reasons", "subjects")} == {
        "event_type": "network_attack",
        "attack": "denial_of_service",
        "case_type": "",
        "reasons": [],
        "subjects": [],
    }
    fraud = factories.investigating(people)
    with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match="at least one person"):
        transitions.apply(fraud.pk, "report_to_police", actor=people["d.osei"], at=AT, inputs=said)


def test_a_form_without_an_event_asks_for_the_kind_of_fraud_as_before():
    form = forms.FactsForm({"product": "tv", "sales_channel": "web", "discovered_date": "2026-11-14"})
    assert set(form.errors) == {"fpa_case_type", "reasons"}
