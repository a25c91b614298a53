"""What the agency is told of F-1, field by field, and what the register of releases keeps of it."""

import json

import pytest
from django.test import TestCase

from cases.kernel import edits, outbox, transitions
from cases.kernel.models import Agency, OutboxMessage, Release, ReleasedItem
from cases.ledger import sealing
from cases.ledger.models import AccessEvent
from tests import factories
from tests.factories import APPROVED_AT
from tests.kernel.snapshots import nothing_written, undone

PERSON = ("gdpr_6_1_f", "fraud_filing_person")
# Category, fields, gateway, clause, number of subjects: F-1 after its correction.
ITEMS = [
    (
        "address",
        [
            "subjects.addresses.kind",
            "subjects.addresses.line_1",
            "subjects.addresses.postcode",
            "subjects.addresses.town",
        ],
        *PERSON,
        2,
    ),
    (
        "application",
        [
            "application_date",
            "discovered_date",
            "facility_granted",
            "loss_pence",
            "product",
            "sales_channel",
            "savings_pence",
            "value_at_risk_pence",
        ],
        "gdpr_6_1_f",
        "fraud_filing_application",
        2,
    ),
    ("contact", ["subjects.email", "subjects.phone"], *PERSON, 2),
    ("date_of_birth", ["subjects.date_of_birth"], *PERSON, 2),
    ("device", ["subjects.ip_address"], *PERSON, 2),
    (
        "fraud_allegation",
        ["case_type", "incident_key", "police_share", "reasons"],
        "dpa18_sch1_p14",
        "fraud_filing_allegation",
        2,
    ),
    (
        "identity",
        [
            "subjects.alias",
            "subjects.forename",
            "subjects.innocent",
            "subjects.number",
            "subjects.role",
            "subjects.surname",
        ],
        *PERSON,
        2,
    ),
]
SUBJECTS = [
    {
        "number": 1,
        "role": "third_party_fraudster",
        "innocent": False,
        "alias": "Morwenna Tregaskis",
        "ip_address": "203.0.113.45",
        "addresses": [{"kind": "delivery", "line_1": "Unit 4, 77 Fiction Way", "town": "Leeds", "postcode": "LS1 0ZZ"}],
    },
    {
        "number": 2,
        "role": "victim_of_takeover",
        "innocent": True,
        "forename": "Morwenna",
        "surname": "Tregaskis",
        "date_of_birth": "1984-03-09",
        "phone": "+447700900123",
        "email": "m.tregaskis@example.org",
        "addresses": [{"kind": "current", "line_1": "12 Harbour Row", "town": "Penzance", "postcode": "TR18 0ZZ"}],
    },
]


class FilingOfF1(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.case = factories.rejected(cls.people)
        byrne = cls.people["a.byrne"]
        transitions.apply(cls.case.pk, "correct", actor=byrne, at=APPROVED_AT)
        with edits.change(cls.case.pk, actor=byrne, at=APPROVED_AT) as edit:
            edit.party(2, date_of_birth="1984-03-09")
        transitions.apply(
            cls.case.pk, "submit", actor=byrne, at=APPROVED_AT, inputs={"pillars": factories.MAKER_ANSWERS}
        )
        transitions.apply(
            cls.case.pk, "approve", actor=cls.people["d.osei"], at=APPROVED_AT, inputs=factories.CHECKER_INPUTS
        )
        cls.message = OutboxMessage.objects.get(case=cls.case, state="pending")

    def body(self):
        reader = sealing.Reader(actor="system:tests", verb="test", purpose="test", streams=(self.case.uid,))
        return json.loads(outbox.open_body(self.message, reader=reader, at=APPROVED_AT))

    def test_register_keeps_each_category_with_gateway_and_clause(self):
        release = Release.objects.get(message=self.message)
        assert (release.recipient.code, release.message_kind) == ("sandbox-fraud-register", "fpa_file")
        assert (release.released_by, release.released_at) == (self.people["d.osei"].label, APPROVED_AT)
        assert release.channel == self.message.channel
        rows = ReleasedItem.objects.filter(release=release).order_by("category")
        assert [(row.category, row.fields, row.gateway, row.clause, row.subject_count) for row in rows] == ITEMS
        assert all(len(row.sha256) == 64 and row.sha256 != "0" * 64 for row in rows)

    def test_necessity_is_sealed_and_says_why(self):
        row = ReleasedItem.objects.filter(release__message=self.message).first()
        reader = sealing.Reader(actor="system:tests", verb="test", purpose="test", streams=(self.case.uid,))
        (opened,) = sealing.open_rows([row], ["necessity"], reader=reader, at=APPROVED_AT)
        assert opened["necessity"].startswith("The agency can warn other members only if it knows who was involved")

    def test_message_says_this_and_nothing_more(self):
        body = self.body()
        assert set(body) == {"schema_version", "type", "reference", "sequence", "occurred_at", "nonce", "data"}
        assert (body["type"], body["sequence"]) == ("fpa_file", 2)
        assert body["reference"] == str(self.message.public_id)
        assert body["occurred_at"] == "2026-11-16T09:30:00.000Z"
        data = body["data"]
        assert len(data.pop("incident_key")) == 64
        assert data == {
            "case_type": "facility_takeover",
            "reasons": ["unauth_sim_swap"],
            "product": "mob_paym",
            "sales_channel": "phone",
            "facility_granted": False,
            "application_date": None,
            "discovered_date": "2026-11-14",
            "value_at_risk_pence": 109900,
            "loss_pence": 0,
            "savings_pence": 0,
            "police_share": False,
            "subjects": SUBJECTS,
        }

    def test_stored_message_shows_nothing(self):
        stored = bytes(self.message.sealed_body)
        for token in (b"Tregaskis", b"Harbour", b"203.0.113.45", b"fpa_file"):
            assert token not in stored

    def test_same_incident_has_the_same_key_and_it_is_not_the_reference(self):
        other = factories.referred(self.people, incident_reference="DET-88112")
        keys = {bytes(case.fraud_referral.incident_token) for case in (self.case, other)}
        assert len(keys) == 1 and b"DET-88112" not in keys.pop()
        third = factories.referred(self.people, incident_reference="DET-1")
        assert bytes(third.fraud_referral.incident_token) != bytes(other.fraud_referral.incident_token)

    def test_reading_for_the_filing_is_on_the_access_log(self):
        reads = AccessEvent.objects.filter(verb="release", actor=self.people["d.osei"].label)
        assert reads.count() == 4  # people and addresses, before and after the correction
        assert {tuple(read.streams) for read in reads} == {(self.case.uid,)}

    def test_refused_message_is_superseded_and_counted_in_the_register_too(self):
        states = OutboxMessage.objects.filter(case=self.case).order_by("seq").values_list("seq", "state")
        assert list(states) == [(1, "superseded"), (2, "pending")]
        assert Release.objects.filter(case=self.case).count() == 2

    def test_without_an_agency_or_a_channel_nothing_is_approved(self):
        case = factories.ready(self.people)
        gone = Agency.objects.filter(kind="fpa")
        for change, sentence in (
            ({"is_active": False}, "There is no fraud prevention agency in the register."),
            ({"kind": "bank"}, "There is no fraud prevention agency in the register."),
        ):
            with undone():
                gone.update(**change)
                with nothing_written(counted=1), pytest.raises(outbox.NoChannel, match=sentence):
                    self.approve(case)

    def approve(self, case):
        transitions.apply(
            case.pk, "approve", actor=self.people["d.osei"], at=APPROVED_AT, inputs=factories.CHECKER_INPUTS
        )
