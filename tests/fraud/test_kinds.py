"""Every kind of filing, its people and their markers: who may be named in which, how long each is kept."""

from datetime import date

import pytest
from django.test import TestCase

from cases.fraud import codes, forms, party_forms
from cases.fraud import intake as fraud_intake
from cases.kernel import edits, formats, intake, transitions
from cases.kernel.errors import CaseError
from cases.kernel.exchange import letters
from cases.kernel.models import Case, CaseAddress, CaseParty, Clock
from cases.ledger import sealing
from tests import factories
from tests.factories import APPROVED_AT, AT, FILED_AT
from tests.kernel.snapshots import nothing_written, undone

ADVERSE = ["identity_fraud", "facility_takeover", "false_application", "misuse_of_facility", "asset_conversion"]
ADVERSE += ["false_insurance_claim"]
NOT_ADVERSE = ["victim_of_impersonation", "victim_of_takeover", "protective_registration"]
ENDS = {
    "victim_of_impersonation": ("k24_victim", date(2027, 12, 16), "fraud_victim"),
    "victim_of_takeover": ("k24_victim", date(2027, 12, 16), "fraud_victim"),
    "protective_registration": ("k24_protective", date(2028, 11, 16), "fraud_protective"),
}


def typed(**values):
    return {"role": "applicant", "forename": "Tamsin", **values}


class KindsOfFiling(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()

    def walk(self, kind, people, **facts):
        """Open a referral of a kind and take it as far as its filing."""
        byrne, osei = self.people["a.byrne"], self.people["d.osei"]
        given = {**factories.FACTS, "fpa_case_type": kind, "reasons": [codes.REASONS[kind][0][0]], **facts}
        case = intake.open_case("fraud_referral", actor=byrne, at=AT, facts=given, people=people)
        for move in ("take", "accept"):
            transitions.apply(case.pk, move, actor=byrne, at=AT)
        edits.attach(case.pk, kind="chat", file_name="a.txt", media_type="text/plain", data=b"a", actor=byrne, at=AT)
        transitions.apply(case.pk, "submit", actor=byrne, at=AT, inputs={"pillars": factories.MAKER_ANSWERS})
        transitions.apply(case.pk, "approve", actor=osei, at=APPROVED_AT, inputs=factories.CHECKER_INPUTS)
        reference = {"agency_reference": "SFR-2026-0004417"}
        return transitions.apply(case.pk, "file", actor=factories.fpa(), at=FILED_AT, inputs=reference)

    def test_kinds_reasons_and_products_are_the_designs(self):
        assert [code for code, _ in codes.CASE_TYPES] == [*ADVERSE, *NOT_ADVERSE]
        assert set(codes.REASONS) == {*ADVERSE, *NOT_ADVERSE}
        assert {code: len(codes.REASONS[code]) for code in ADVERSE} == {
            "identity_fraud": 5,
            "facility_takeover": 6,
            "false_application": 7,
            "misuse_of_facility": 9,
            "asset_conversion": 1,
            "false_insurance_claim": 1,
        }
        # The design's eight parts of people, and our own staff.
        assert [len(list(each)) for each in (codes.PRODUCTS, codes.ROLES, codes.ADDRESS_KINDS)] == [8, 9, 5]
        # Of nine kinds two ask for the same reasons: those stand there once.
        form = forms.FactsForm()
        assert len(list(form.fields["reasons"].choices)) == 8

    def test_each_adverse_kind_is_filed_and_keeps_each_person_their_own_time(self):
        for kind in ADVERSE:
            with undone():
                case = self.walk(kind, [factories.FRAUDSTER, factories.VICTIM])
                clocks = Clock.objects.filter(case=case, rule__startswith="k24_").order_by("party__number")
                assert list(clocks.values_list("rule", "due_date")) == [
                    ("k24_adverse", date(2032, 11, 16)),
                    ("k24_victim", date(2027, 12, 16)),
                ], kind
                assert Case.objects.get(pk=case.pk).retention_class == "fraud_adverse"

    def test_each_kind_that_is_not_adverse_is_filed_for_its_own_time(self):
        for kind, (rule, due, kept) in ENDS.items():
            with undone():
                case = self.walk(kind, [factories.VICTIM])
                clock = Clock.objects.get(case=case, rule__startswith="k24_")
                assert (clock.rule, clock.due_date, case.retention_class) == (rule, due, kept), kind
                assert case.letters.count() == 1

    def test_an_adverse_filing_of_innocent_people_alone_is_refused(self):
        with pytest.raises(transitions.TransitionRefused, match="Everybody named is innocent"):
            self.walk("facility_takeover", [factories.VICTIM])

    def test_a_filing_that_is_not_adverse_names_no_fraudster(self):
        for kind in NOT_ADVERSE:
            with undone(), pytest.raises(transitions.TransitionRefused, match="about innocent people only"):
                self.walk(kind, [factories.FRAUDSTER, factories.VICTIM])

    def test_a_victim_never_gets_an_adverse_marker(self):
        wrong = {**factories.VICTIM, "is_innocent": False}
        with pytest.raises(transitions.TransitionRefused, match="A victim is not marked innocent"):
            self.walk("facility_takeover", [factories.FRAUDSTER, wrong])

    def test_a_product_given_back_is_not_filed(self):
        with pytest.raises(transitions.TransitionRefused, match="fourth pillar does not hold"):
            self.walk("facility_takeover", [factories.FRAUDSTER], is_reinstated=True)

    def test_one_incident_is_filed_once_by_whichever_brand(self):
        first = self.walk("facility_takeover", [factories.FRAUDSTER])
        with pytest.raises(transitions.TransitionRefused, match=f"stands in {first.reference}. Compare them"):
            self.walk("facility_takeover", [factories.FRAUDSTER])
        assert self.walk("facility_takeover", [factories.FRAUDSTER], incident_reference="DET-2").state == "filed"

    def test_a_notice_counts_for_three_years_and_from_before_the_fraud(self):
        for shown, sentence in (
            (date(2023, 11, 13), "shown too long ago"),
            (date(2026, 11, 15), "shown after the fraud was discovered"),
            (None, "Record which version"),
        ):
            with undone(), pytest.raises(transitions.TransitionRefused, match=sentence):
                self.walk("facility_takeover", [factories.FRAUDSTER, factories.VICTIM], notice_shown_date=shown)
        shown = date(2023, 11, 14)
        assert self.walk("facility_takeover", [factories.FRAUDSTER, factories.VICTIM], notice_shown_date=shown)

    def test_nobody_under_18_is_named_by_any_door(self):
        child = {**factories.VICTIM, "values": {**factories.VICTIM["values"], "date_of_birth": "2008-11-15"}}
        facts = factories.FACTS
        with nothing_written(), pytest.raises(CaseError, match="under 18"):
            intake.open_case("fraud_referral", actor=self.people["a.byrne"], at=AT, facts=facts, people=[child])
        case = factories.investigating(self.people)
        for write in (
            lambda edit: edit.party(2, date_of_birth="2008-11-15"),
            lambda edit: edit.add_party(child),
        ):
            with (
                nothing_written(),
                pytest.raises(CaseError, match="under 18"),
                edits.change(case.pk, actor=self.people["a.byrne"], at=AT) as edit,
            ):
                write(edit)

    def test_no_card_number_is_kept_by_any_door(self):
        byrne, card = self.people["a.byrne"], "4111 1111 1111 1111"
        person = {**factories.VICTIM, "values": {"employer": card}}
        facts = {**factories.FACTS, "narrative": f"Paid with {card}."}
        case = factories.investigating(self.people)
        doors = (
            lambda: intake.open_case("fraud_referral", actor=byrne, at=AT, facts=factories.FACTS, people=[person]),
            lambda: intake.open_case("fraud_referral", actor=byrne, at=AT, facts=facts, people=[factories.VICTIM]),
            lambda: edits.add_note(case.pk, f"Card {card}", actor=byrne, at=AT),
            lambda: self.edit(case, lambda edit: edit.facts(narrative=card)),
            lambda: self.edit(case, lambda edit: edit.party(2, identity_document=card)),
            lambda: self.edit(case, lambda edit: edit.add_address(2, "billing", line_1=card)),
        )
        for door in doors:
            with nothing_written(), pytest.raises(formats.CardNumber):
                door()
        with nothing_written(counted=1), pytest.raises(formats.CardNumber):
            transitions.apply(case.pk, "close_no_action", actor=byrne, at=AT, reason=card)

    def edit(self, case, write):
        with edits.change(case.pk, actor=self.people["a.byrne"], at=AT) as edit:
            write(edit)

    def test_a_person_has_several_addresses_with_the_time_of_each_stay(self):
        case = factories.investigating(self.people)
        stays = [("2015-01-01", "2019-04-30", "1 Wren Close"), ("2019-05-01", "2026-11-01", "2 Mill Street")]
        for since, until, line in stays:
            self.edit(
                case, lambda edit, s=since, u=until, n=line: edit.add_address(2, "previous", line_1=n, since=s, until=u)
            )
        self.edit(case, lambda edit: edit.change_address(2, 4, kind="billing", town="Leeds"))
        reader = sealing.Reader(actor="system:tests", verb="read", purpose="test", streams=(case.uid,))
        rows = list(CaseAddress.objects.filter(party__case=case, party__number=2).order_by("pk"))
        opened = sealing.open_rows(rows, ("line_1", "town", "since", "until"), reader=reader, at=AT)
        assert [(row.kind, *values.values()) for row, values in zip(rows, opened, strict=True)] == [
            ("current", "12 Harbour Row", "Penzance", None, None),
            ("previous", "1 Wren Close", None, "2015-01-01", "2019-04-30"),
            ("billing", "2 Mill Street", "Leeds", "2019-05-01", "2026-11-01"),
        ]
        with nothing_written(), pytest.raises(edits.EditRefused, match="no such address"):
            self.edit(case, lambda edit: edit.change_address(1, 2, kind="billing"))
        assert CaseParty.objects.filter(case=case).count() == 2
        assert "n11" in letters.TEMPLATES


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({"role": "victim_of_takeover"}, "is_innocent", "A victim is innocent."),
        ({"phone": "12"}, "phone", "dialled here"),
        ({"postcode": "75001"}, "postcode", "not a postcode"),
        ({"bank_account": "1"}, "bank_account", "six digits"),
        ({"device": "350000000000015"}, "device", "no IMEI"),
        ({"ip_address": "203.0.113.45"}, "ip_address", "offset from UTC"),
        ({"employer": "4111111111111111"}, "employer", "payment card"),
        ({"alias": "\n".join("x" * 3 for _ in range(11))}, "alias", "at most ten lines"),
        ({"date_of_birth": "1850-01-01"}, "date_of_birth", "from 1900 on"),
        ({"date_of_birth": "2099-01-01"}, "date_of_birth", "still to come"),
    ],
)
def test_the_form_says_what_is_wrong_beside_the_field(given, field, sentence):
    form = party_forms.PartyForm(typed(**given))
    assert list(form.errors) == [field]
    assert sentence in form.errors[field][0]


def test_the_form_keeps_each_thing_in_its_form():
    form = party_forms.PartyForm(
        typed(
            phone="07700 900123",
            postcode="tr180zz",
            line_1="12 Harbour Row",
            address_kind="current",
            bank_account="00000000000000",
            vehicle_registration="zz00 zzz",
            device="8944000000000000012",
            alias=" T. Tregaskis \n\n Tam ",
            ip_address="203.0.113.45",
            ip_port="51514",
            ip_seen_at="2026-11-13T21:02:00Z",
        )
    )
    assert form.is_valid(), form.errors
    person = form.person()
    assert {name: value for name, value in person["values"].items() if value} == {
        "forename": "Tamsin",
        "alias": "T. Tregaskis\nTam",
        "phone": "+447700900123",
        "bank_account": "00-00-00 00000000",
        "vehicle_registration": "ZZ00ZZZ",
        "device": "8944000000000000012",
        "ip_address": "203.0.113.45 port 51514 at 2026-11-13T21:02:00Z",
    }
    assert person["addresses"][0]["postcode"] == "TR18 0ZZ"


@pytest.mark.parametrize("line", ["line_1", "line_2", "town", "postcode", "country"])
def test_an_address_of_one_line_alone_is_kept(line):
    text = {"postcode": "TR18 0ZZ", "country": "Ireland"}.get(line, "Harbour Row")
    form = party_forms.PartyForm(typed(**{line: text}, address_kind="current"))
    assert form.is_valid(), form.errors
    (address,) = form.person()["addresses"]
    assert {name: value for name, value in address.items() if value} == {line: text, "kind": "current"}


def test_own_systems_send_stays_and_are_told_what_is_wrong_with_them():
    body = {**fraud_intake.EXAMPLE}
    place = {"kind": "previous", "line_1": "1 Wren Close", "postcode": "ls10zz", "since": "2015-01-01"}
    body["subjects"] = [{**body["subjects"][0], "addresses": [place, {**place, "until": "2014-01-01"}]}]
    with pytest.raises(intake.FieldErrors) as refusal:
        fraud_intake.parse(body)
    assert refusal.value.errors == [("/subjects/0/addresses/1/until", "invalid", "This is before the stay began.")]
    body["subjects"][0]["addresses"].pop()
    _, (person,) = fraud_intake.parse(body)
    assert person["addresses"] == [
        {"line_1": "1 Wren Close", "postcode": "LS1 0ZZ", "kind": "previous", "since": "2015-01-01"}
    ]
