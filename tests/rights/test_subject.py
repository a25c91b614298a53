"""What the pack of access says of each kind of matter, which texts are in it, and of whom it is. UK GDPR Art 15."""

import json
import re
from datetime import timedelta

import pytest
from django.test import TestCase
from django.urls import reverse

from cases.kernel import actors, edits, record, transitions
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.models import AuditReport, Case, CaseParty
from cases.ledger.models import AccessEvent
from cases.reports import requests
from cases.rights import access, texts
from cases.rights import report as rights_report
from tests import associations, checks, factories
from tests import requests_of_people as rights
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.reports import reading
from tests.rights.test_access import join
from tests.web import desk

LATER = AT + timedelta(minutes=5)
NEUTRAL = "Not in this pack: it is about somebody else, or the law lets us keep it."
UNREAD = "Read through first what may speak of others"
CHANGED = "Check first that it is the person who asks."


class Subject(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.officer, cls.dpo = cls.people[rights.OFFICER], cls.people[rights.DPO]

    def asks(self, *rows, **facts):
        """Let the person of these rows ask for what is held, known to be they."""
        case = rights.asked(self.people, "access", **facts)
        join(CaseParty.objects.get(case=case), *rows)
        return rights.identify(case, self.people)

    def decided(self, case, ground=""):
        """Let the officer give every text, or keep each back."""
        factories.scan()
        return rights.read_through(case, self.people, ground)

    def made(self, case):
        """Return what the pack says as data, by part and heading; the pages say the same."""
        report = requests.request(Case.objects.get(pk=case.pk), actor=self.officer, at=AT, level="subject")
        assert requests.make_due(now=LATER) == 1
        report = AuditReport.objects.get(pk=report.pk)
        data = json.loads(requests.open_report(report, actor=self.dpo, at=LATER, is_data=True))
        self.pages = reading.text_of(requests.open_report(report, actor=self.officer, at=LATER))
        pages = reading.squeezed(self.pages)
        for items in data["parts"].values():
            for item in items:
                assert reading.squeezed(item["heading"]) in pages
        return {
            code: [(item["heading"], {each["name"]: each["value"] for each in item["values"]}) for item in items]
            for code, items in data["parts"].items()
        }

    def test_check_says_outcome_level_reasons_triggers_rules_and_what_each_search_said(self):
        check = checks.refused_automatically(self.people)
        case = self.decided(self.asks(CaseParty.objects.get(case=check)))

        matters = self.made(case)["matters"]

        (decision,) = [values for head, values in matters if head == f"{check.reference}, decisions"]
        assert decision == {
            "No.": "1",
            "Decided": "14 November 2026 10:00",
            "Decision": "Declined",
            "How": "Automatically",
            "Reasons": "The details differ from those of earlier applications in the same name; "
            "The score of the credit reference agency is low",
            "On whose word": "A credit reference agency",
            "What the notice names": "Inconsistent with previous submissions",
            "Rules": "cr-2026.11",
        }
        searches = [values for head, values in matters if head == f"{check.reference}, searches and footprints"]
        assert [each["Search"] for each in searches] == [
            "Credit search that others see",
            "Identity",
            "Fraud prevention",
            "Retail alert",
        ]
        assert [each["Footprint"] for each in searches] == ["Others see it", *["Only you see it"] * 3]
        assert (searches[0]["Score"], searches[0]["Details differ from earlier applications"]) == ("512", "Yes")
        assert (searches[1]["Identity"], searches[2]["Record of the fraud prevention agency"]) == ("Confirmed", "None")

    def test_link_says_how_each_agency_has_it_and_what_one_said_oneself_and_not_what_the_other_said(self):
        link = associations.challenged(self.people)
        told = {}
        for role in ("declarer", "other_person"):
            with record.act(link, "tests.parted", actor=actors.system("tests"), at=AT):
                for row in CaseParty.objects.filter(case=link):
                    row.party = None
                    row.save(update_fields=["party"])
            case = self.decided(self.asks(CaseParty.objects.get(case=link, role=role)), "other_people")
            told[role] = self.made(case)
        for pack in told.values():
            agencies = [values for head, values in pack["matters"] if ", how Sandbox Bureau " in head]
            assert [each["Its reference"] for each in agencies] == ["FA-2026-0001", "FA-2026-0002", "FA-2026-0003"]
        # transitions.csv uphold_challenge: the declarer hears only that the link is removed; so no word of a challenge.
        for pack in told.values():
            ((how, uses),) = [
                (values["How it stands"], values.get("May be used in checks"))
                for head, values in pack["matters"]
                if head == f"{link.reference}, financial association"
            ]
            assert (how, uses) == ("Not used at present", None)
        standing = {
            role: ["Since" in values for head, values in pack["matters"] if ", how Sandbox Bureau " in head]
            for role, pack in told.items()
        }
        assert standing == {"declarer": [False] * 3, "other_person": [True] * 3}
        said = {
            role: [values for head, values in pack["matters"] if head == f"{link.reference}, what you said"]
            for role, pack in told.items()
        }
        assert [each["You"] for each in said["declarer"]] == ["Declares the link"]
        assert [each["You"] for each in said["other_person"]] == ["Agrees to it", "Denies ever agreeing"]
        assert said["other_person"][-1]["In your words"] == "I never agreed."
        assert "I never agreed" not in str(told["declarer"])
        assert "We are civil partners." in str(told["declarer"]["matters"])
        assert "We are civil partners." not in str(told["other_person"])

    def test_matter_says_until_when_what_it_says_of_oneself_is_kept(self):
        """Domain 1.7: of a link that is broken evidence goes after 12 months, and the link history after 6 years."""
        link = associations.broken(self.people)
        case = self.decided(self.asks(CaseParty.objects.get(case=link, role="declarer")), "other_people")
        head = f"{link.reference}, financial association"
        (kept,) = [values["Kept until"] for each, values in self.made(case)["matters"] if each == head]
        assert kept == "14 November 2032"

    def test_own_words_and_what_we_answered_are_given_and_what_was_enquired_into_is_read_through_first(self):
        complaint = rights.answered(self.people)
        case = self.asks(CaseParty.objects.get(case=complaint), wording="Send me everything.")
        case = self.decided(case, "not_about_them")

        pack = self.made(case)

        (matter,) = [values for head, values in pack["matters"] if head.startswith(complaint.reference)]
        assert matter["In your words"] == "An advertisement followed me."
        assert matter["What we answered"] == "The advertisement was ours; it is gone."
        (matter,) = [values for head, values in pack["matters"] if head.startswith(case.reference)]
        assert matter["In your words"] == "Send me everything."
        assert pack["notes"] == [(f"{complaint.reference}, text", {"Enquired into": NEUTRAL})]

    def test_notes_are_given_unless_they_are_withheld_and_nothing_is_made_before_they_are_read(self):
        check = checks.refused_automatically(self.people)
        worker = self.people[checks.OFFICER]
        for text in (
            "She rang twice.\nThen she wrote.",
            "Her neighbour Mr Harbottle rang.",
            "Counsel says that we lose.",
        ):
            edits.add_note(check.pk, text, actor=worker, at=AT)
        case = self.asks(CaseParty.objects.get(case=check))
        with nothing_written(), pytest.raises(CaseError, match=f"{UNREAD}: 3 texts"):
            requests.request(case, actor=self.officer, at=AT, level="subject")

        address = reverse("web:texts_to_read", args=[case.uid])
        client = desk.client_of(rights.OFFICER)
        page = client.get(address)
        shown = [(line["words"], line["ground"]) for line in page.context["lines"]]
        assert [words for words, _ in shown] == [
            "She rang twice.\nThen she wrote.",
            "Her neighbour Mr Harbottle rang.",
            "Counsel says that we lose.",
        ]
        look = AccessEvent.objects.filter(purpose="subject_access", verb="view").latest("pk")
        assert (look.actor, look.streams) == (self.officer.label, [check.uid])
        keys = [line["text"].key for line in page.context["lines"]]
        grounds = dict(zip(keys, ("give", "other_people", "legal_advice"), strict=True))
        typed = {"text": keys, **{f"ground-{key}": ground for key, ground in grounds.items()}}
        for wrong in ({f"ground-{keys[0]}": ""}, {f"ground-{keys[0]}": "spite"}, {"text": keys[:2]}):
            before = Case.objects.get(pk=case.pk).rights_request.texts_read
            assert client.post(address, {**typed, **wrong}).status_code in (409, 422)
            assert Case.objects.get(pk=case.pk).rights_request.texts_read == before == {}

        assert client.post(address, typed).status_code == 302
        pack = self.made(case)
        assert [values for head, values in pack["notes"]] == [
            {"Note of 14 November 2026 10:00": "She rang twice.\nThen she wrote."},
            {"Note of 14 November 2026 10:00": NEUTRAL},
            {"Note of 14 November 2026 10:00": NEUTRAL},
        ]
        assert "Harbottle" not in str(pack)
        # A line is a line on paper as well.
        assert re.search(r"She rang twice\.\s*\n\s*Then she wrote\.", self.pages)
        edits.add_note(check.pk, "She rang a third time.", actor=worker, at=AT)
        with nothing_written(), pytest.raises(CaseError, match=f"{UNREAD}: 1 text"):
            requests.request(Case.objects.get(pk=case.pk), actor=self.officer, at=AT, level="subject")

    def test_texts_are_read_by_the_rights_desk_alone_and_of_a_request_for_access_alone(self):
        case = self.asks()
        others = rights.asked(self.people, "rectify")
        with nothing_written(), pytest.raises(NotAllowed):
            texts.decide(case.pk, {}, actor=self.people["a.byrne"], at=AT, act=access.MAKE)
        with nothing_written(), pytest.raises(CaseError, match="Only a request for access"):
            texts.decide(others.pk, {}, actor=self.officer, at=AT, act=access.MAKE)
        assert desk.client_of("a.byrne").get(reverse("web:texts_to_read", args=[case.uid])).status_code == 404
        page = desk.client_of(rights.OFFICER).get(reverse("web:texts_to_read", args=[others.uid]))
        assert page.status_code == 404
        tabs = desk.client_of(rights.OFFICER).get(reverse("web:case", args=[case.uid])).context["tabs"]
        assert "To read through" in [tab.label for tab in tabs]
        tabs = desk.client_of(rights.OFFICER).get(reverse("web:case", args=[others.uid])).context["tabs"]
        assert "To read through" not in [tab.label for tab in tabs]

    def test_who_was_corrected_or_joined_since_has_to_show_again_who_they_are(self):
        def given(case):
            inputs = {**rights.DONE, "given_how": "in_person", "given_proof": "Signed for at the desk"}
            return transitions.apply(case.pk, "act", actor=self.officer, at=LATER, inputs=inputs)

        changes = {
            "name": lambda edit: edit.party(1, surname="Quincey"),
            "home": lambda edit: edit.address(1, "current", line_1="4 Orchard Steps"),
        }
        for what, change in changes.items():
            with self.subTest(what):
                case = self.asks()
                self.made(case)
                with edits.change(case.pk, actor=self.officer, at=LATER) as edit:
                    change(edit)
                case = Case.objects.get(pk=case.pk)
                with nothing_written(), pytest.raises(CaseError, match=CHANGED):
                    requests.request(case, actor=self.officer, at=LATER, level="subject")
                with nothing_written(counted=1), pytest.raises(CaseError, match=CHANGED):
                    given(case)
        with self.subTest("joined"):
            case = self.asks()
            self.made(case)
            join(CaseParty.objects.get(case=case), CaseParty.objects.get(case=rights.complaint(self.people)))
            with nothing_written(counted=1), pytest.raises(CaseError, match=CHANGED):
                given(case)
            page = desk.client_of(rights.OFFICER).get(reverse("web:case", args=[case.uid])).content.decode()
            assert "Record it last: once somebody is joined with them" in page

    def test_who_was_checked_before_it_was_kept_of_whom_counts_as_checked(self):
        case = self.asks()
        with record.act(case, "tests.changed", actor=actors.system("tests"), at=AT):
            case.rights_request.identity_of = ""
            case.rights_request.save(update_fields=["identity_of"])
        case = Case.objects.get(pk=case.pk)
        check, found, read = rights_report.checks(case)
        assert (found.is_clear, found.detail) == (True, "")
        assert (read.is_clear, read.detail) == (True, "")
        assert (check.is_clear, check.detail) == (True, "")
        assert access.why_not(case) == ""
        never = rights.asked(self.people, "erase")
        assert (never.rights_request.identity_of, rights_report.checks(never)[0].is_clear) == ("", False)

    def test_pack_of_before_a_correction_is_not_the_one_that_is_given(self):
        case = self.asks()
        self.made(case)
        with edits.change(case.pk, actor=self.officer, at=LATER) as edit:
            edit.party(1, surname="Quincey")
        for step, inputs in (("ask_identity", {}), ("confirm_identity", rights.IDENTITY)):
            transitions.apply(case.pk, step, actor=self.officer, at=LATER, inputs=inputs)
        inputs = {**rights.DONE, "given_how": "in_person", "given_proof": "Signed for at the desk"}
        with nothing_written(counted=1), pytest.raises(CaseError, match="Make the subject access pack first"):
            transitions.apply(case.pk, "act", actor=self.officer, at=LATER, inputs=inputs)

    def test_pack_that_was_asked_for_before_a_correction_is_not_made(self):
        case = self.asks()
        report = requests.request(case, actor=self.officer, at=AT, level="subject")
        with edits.change(case.pk, actor=self.officer, at=AT) as edit:
            edit.party(1, surname="Quincey")
        assert requests.make_due(now=LATER) == 0
        assert AuditReport.objects.get(pk=report.pk).state == "failed"
        assert case.tasks.filter(kind="report_failed", closed_at=None).count() == 1
