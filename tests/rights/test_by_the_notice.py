"""What the privacy notice says of marketing (R2 to R29, R42, R46), asked of the send gate purpose by purpose."""

from datetime import timedelta
from itertools import product

from django.test import TestCase

from cases.kernel import intake, notice, releases
from cases.rights import choices, codes
from tests import factories
from tests import requests_of_people as rights
from tests.factories import AT

LATER = AT + timedelta(minutes=5)
CHANNELS = ("phone", "post", "email", "sms", "banner", "app", "set_top_box")
# By the notice: which purposes may be followed where nobody has said anything, by which channels.
NOT_BY_TEXT_OR_EMAIL = {"phone", "post", "banner", "app", "set_top_box"}
SILENCE = {
    "own_marketing": NOT_BY_TEXT_OR_EMAIL,  # R7, R10, R21; R22 for text and e-mail
    "spend_advice": NOT_BY_TEXT_OR_EMAIL,  # R11
    "profiling_marketing": set(CHANNELS),  # R9, R12, R39
    "online_ads": set(CHANNELS),  # R13
    "personalise": set(),  # R20, tied to R27
    "usage_data": set(),  # R27
    "third_party_marketing": set(),  # R28
    "research": set(CHANNELS),  # R42
}
PERSON = {"phone": "+447700900654", "email": "b.quince@example.org"}


class ByTheNotice(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()

    def allowed(self):
        """Return by purpose the channels by which the person may be contacted now."""
        reach = choices.reach_of(PERSON)
        found = {purpose: set() for purpose, _ in codes.PURPOSES}
        for purpose, channel in product(found, CHANNELS):
            (said,) = choices.verdicts([reach], purpose=purpose, channel=channel, at=LATER)
            found[purpose] |= {channel} if said.may_contact else set()
        return found

    def ask(self, right, **facts):
        facts = {"right": right, "came_by": "phone", **facts}
        intake.open_case(
            "rights_request", actor=self.people[rights.OFFICER], at=AT, facts=facts, people=[rights.PERSON]
        )

    def test_where_nobody_said_anything_each_purpose_is_on_or_off_as_the_notice_says(self):
        assert tuple(code for code, _ in codes.CHANNELS) == CHANNELS  # R19
        assert self.allowed() == SILENCE

    def test_a_stop_of_profiling_stops_the_profile_what_is_made_of_it_and_nothing_else(self):
        """R46; UK GDPR Art 21(2): the profile for marketing, and never the one that prevents fraud."""
        self.ask("stop_profiling")
        off = dict.fromkeys(("profiling_marketing", "personalise", "online_ads"), set())
        assert self.allowed() == {**SILENCE, **off}
        assert "prevent_fraud" not in dict(codes.PURPOSES)

    def test_a_stop_of_marketing_by_every_way_leaves_research_and_the_service_alone(self):
        self.ask("stop_marketing")
        assert self.allowed() == {**dict.fromkeys(SILENCE, set()), "research": set(CHANNELS)}
        (said,) = choices.verdicts([choices.reach_of(PERSON)], purpose=codes.SERVICE, channel="sms", at=LATER)
        assert said.may_contact

    def test_consent_turns_on_what_it_names_and_each_withdrawal_turns_off_its_own(self):
        purposes = [code for code, _ in codes.PURPOSES]
        self.ask("give_consent", purposes=purposes, wording_version="2026-02")
        assert self.allowed() == dict.fromkeys(SILENCE, set(CHANNELS))
        self.ask("withdraw_usage_data")
        self.ask("withdraw_third_party")
        self.ask("withdraw_sms_email")
        by_text = {"own_marketing": NOT_BY_TEXT_OR_EMAIL, "spend_advice": NOT_BY_TEXT_OR_EMAIL}
        off = dict.fromkeys(("personalise", "usage_data", "third_party_marketing"), set())
        assert self.allowed() == {**dict.fromkeys(SILENCE, set(CHANNELS)), **by_text, **off}

    def test_nothing_of_a_case_goes_to_whoever_markets_but_what_a_person_allowed_or_stopped(self):
        """R2: case data never feeds marketing. A group company or partner gets choices, and corrections of them."""
        marketing = {"group_company", "partner"}
        given = {
            (clause.purpose, category)
            for clause in notice.CLAUSES.values()
            for category in clause.categories
            if clause.recipients & marketing
        }
        assert given == {
            ("honour_choices", "choice"),
            ("honour_choices", "contact"),
            ("correct_recipients", "correction"),
        }
        told = {kind.code for kind in releases.KINDS.values() if kind.recipient_kind in marketing}
        assert told == {"rights_stop"}
