"""How a referral is opened: faults are named by field, a refusal writes nothing, and the work is few statements."""

from copy import deepcopy

import pytest
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from cases.fraud import intake as fraud_intake
from cases.kernel import actors, intake
from cases.kernel.errors import NotAllowed
from cases.kernel.models import Agency, Case, CaseAddress, CaseParty, ReferenceCounter
from cases.ledger import verify
from tests import factories
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

BODY = fraud_intake.EXAMPLE

# Opening a referral with two people, two addresses and its clock, BEGIN and COMMIT left out. The design allows 30.
STATEMENTS_TO_OPEN = 12


def changed(**values):
    return {**deepcopy(BODY), **values}


def subject(**values):
    return changed(subjects=[{**deepcopy(BODY["subjects"][0]), **values}])


def faults(body):
    with pytest.raises(intake.FieldErrors) as refusal:
        fraud_intake.parse(body)
    return {(pointer, code) for pointer, code, _ in refusal.value.errors}


def test_example_is_accepted_and_becomes_facts_and_people():
    facts, people = fraud_intake.parse(BODY)
    assert (facts["fpa_case_type"], facts["reasons"]) == ("facility_takeover", ["unauth_sim_swap"])
    assert (facts["value_at_risk_pence"], facts["loss_pence"]) == (109900, 0)
    assert facts["incident_reference"] == "DET-88112"
    (person,) = people
    assert (person["role"], person["is_innocent"]) == ("victim_of_takeover", True)
    assert person["values"]["date_of_birth"] == "1984-03-09"
    assert person["addresses"] == [
        {"kind": "current", "line_1": "12 Harbour Row", "town": "Penzance", "postcode": "TR18 0ZZ"}
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (changed(fpa_case_type="theft"), {("/fpa_case_type", "invalid_choice")}),
        (changed(reasons=[]), {("/reasons", "required")}),
        (changed(reasons=["unheard_of"]), {("/reasons", "invalid_choice")}),
        (changed(reasons=["asset_sold"]), {("/reasons", "invalid")}),  # belongs to another kind of fraud
        (changed(product="submarine"), {("/product", "invalid_choice")}),
        (changed(discovered_date="2026-02-30"), {("/discovered_date", "invalid")}),
        (changed(notice_version="v" * 21), {("/notice_version", "max_length")}),
        (changed(narrative="x" * 8001), {("/narrative", "max_length")}),
        (changed(subjects=[], account_reference=""), {("/subjects", "required")}),
        (subject(role="bystander"), {("/subjects/0/role", "invalid_choice")}),
        (subject(is_innocent=False), {("/subjects/0/is_innocent", "invalid")}),
        (subject(date_of_birth="9 March"), {("/subjects/0/date_of_birth", "invalid")}),
        (subject(email="nobody"), {("/subjects/0/email", "invalid")}),
        (subject(ip_address="999.0.2.1"), {("/subjects/0/ip_address", "invalid")}),
        (subject(surname="S" * 81), {("/subjects/0/surname", "max_length")}),
        (
            changed(product="submarine", subjects=[BODY["subjects"][0], {"role": "mule", "email": "nobody"}]),
            {("/product", "invalid_choice"), ("/subjects/1/email", "invalid")},
        ),
    ],
)
def test_faults_are_named_by_pointer_and_code(body, expected):
    assert faults(body) == expected


def test_an_account_stands_for_a_person_nobody_knows():
    facts, people = fraud_intake.parse(changed(subjects=[]))
    assert (facts["account_reference"], people) == ("NM-4471", [])


class OpeningAReferral(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()

    def open(self, actor, **given):
        people = [factories.FRAUDSTER, factories.VICTIM]
        return intake.open_case(
            "fraud_referral", **{"actor": actor, "at": AT, "facts": factories.FACTS, "people": people, **given}
        )

    def own(self, code, kind="own_system"):
        return actors.agency(Agency(pk=1, code=code, kind=kind, display_name=code))

    def test_a_referral_has_its_reference_people_key_and_first_event(self):
        case = self.open(self.people["a.byrne"])
        assert (case.reference, case.state, case.team.code) == ("FRD-2026-000001", "referred", "fraud")
        assert (case.topic, case.amount_pence, case.version) == ("facility_takeover.unauth_sim_swap", 109_900, 1)
        assert CaseParty.objects.filter(case=case).count() == 2
        assert CaseAddress.objects.filter(party__case=case).count() == 2
        keys = {case.key_id, *CaseParty.objects.filter(case=case).values_list("key_id", flat=True)}
        assert len(keys) == 3
        assert {finding.level for finding in verify.verify_stream(case.uid)} <= {"recorded late"}

    def test_a_restricted_kind_has_references_that_tell_nothing(self):
        case = intake.open_case(
            "suspicion_report", actor=self.people["a.byrne"], at=AT, facts={"referral": "Refund to a stranger."}
        )
        assert case.is_restricted
        assert case.reference.startswith("R-") and len(case.reference) == 11
        assert not ReferenceCounter.objects.exists()

    def test_references_follow_the_london_year(self):
        new_year = AT.replace(year=2027, month=1, day=1, hour=0)
        assert self.open(self.people["a.byrne"], at=new_year).reference == "FRD-2027-000001"
        assert self.open(self.people["a.byrne"]).reference == "FRD-2026-000001"
        assert self.open(self.people["a.byrne"]).reference == "FRD-2026-000002"

    def test_who_may_not_open_writes_nothing(self):
        for actor in (
            self.people["o.thackray"],
            self.people["b.lacombe"],
            self.own("own-billing"),
            self.own("sandbox-post", "post"),
            actors.system("tests"),
        ):
            with nothing_written(), pytest.raises(NotAllowed):
                self.open(actor)

    def test_own_systems_and_the_fraud_agency_may_open(self):
        for actor in (self.own("own-orders"), self.own("own-detection"), factories.fpa()):
            assert self.open(actor).state == "referred"

    def test_neither_person_nor_account_writes_nothing(self):
        facts = {**factories.FACTS, "account_reference": ""}
        with nothing_written(), pytest.raises(intake.IntakeRefused, match="Name at least one person or an account."):
            self.open(self.people["a.byrne"], people=[], facts=facts)

    def test_a_fault_halfway_gives_the_number_back(self):
        bad = {**factories.VICTIM, "addresses": [{"kind": "x" * 500}]}
        with nothing_written(), pytest.raises(Exception, match="too long"):
            self.open(self.people["a.byrne"], people=[bad])
        assert self.open(self.people["a.byrne"]).reference == "FRD-2026-000001"
        assert Case.objects.count() == 1

    def test_opening_takes_few_statements(self):
        self.open(self.people["a.byrne"])
        facts = {**factories.FACTS, "incident_reference": "DET-99002"}
        with CaptureQueriesContext(connection) as statements:
            self.open(self.people["a.byrne"], facts=facts)
        sent = [each["sql"] for each in statements if not each["sql"].startswith(("SAVEPOINT", "RELEASE SAVEPOINT"))]
        assert len(sent) == STATEMENTS_TO_OPEN
