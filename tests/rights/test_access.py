"""The subject access pack: everything about the person, nobody else, and no trace of what is restricted."""

import json
from datetime import timedelta

import pytest
from django.test import TestCase

from cases.accounts import uploads
from cases.kernel import actors, edits, intake, record, transitions
from cases.kernel.background import jobrun
from cases.kernel.errors import CaseError
from cases.kernel.models import AuditReport, Case, CaseParty, Letter, OutboxMessage, Party, Task
from cases.ledger.models import AccessEvent
from cases.reports import requests
from cases.rights import recipients, report
from cases.rights.forms import ActForm
from cases.rights.models import Choice
from tests import associations, checks, factories, suspicions, traces
from tests import requests_of_people as rights
from tests.accounts import portfolio
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.reports import reading
from tests.web import desk

LATER = AT + timedelta(minutes=5)
NUMBER = "8000000010"
PERSON = {
    "role": "person",
    "values": {**associations.DECLARER["values"], "account_reference": NUMBER, "phone": "+447700900611"},
    "addresses": associations.DECLARER["addresses"],
}
# Two hold this account: she, and somebody who is a third party to her request.
ACCOUNT = portfolio.row(10) | {
    "account": NUMBER,
    "holder_1_forename": "Leocadia",
    "holder_1_surname": "Brathwaite",
    "holder_1_date_of_birth": "1979-02-11",
    "holder_2_forename": "Zebedee",
    "holder_2_surname": "Thirdparty",
    "holder_2_date_of_birth": "1970-01-02",
}
NEVER = ("Ottilie", "Snape", "88 Secret Mews", "Zebedee", "Thirdparty", "suspicion", "Suspicion", "I never agreed")


def join(*rows):
    """Join what several cases say about one person, as somebody decided."""
    with record.act(rows[0].case, "tests.joined", actor=actors.system("tests"), at=AT):
        party = Party.objects.create()
        for row in rows:
            row.party = party
            row.save(update_fields=["party"])


def hide(people) -> None:
    """Let there be a restricted matter about the same person, known by the same account and joined with her."""
    case = suspicions.acknowledged(people, account_reference=NUMBER)
    row = CaseParty.objects.filter(case=case).first()
    party = CaseParty.objects.filter(case__kind=rights.REQUEST).first().party
    with record.act(case, "tests.joined", actor=actors.system("tests"), at=AT):
        row.party = party
        row.save(update_fields=["party"])


class Access(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = people = factories.office()
        cls.officer, cls.dpo = people[rights.OFFICER], people[rights.DPO]
        link = associations.active(people)
        analyst = next(each for each in people.values() if "collections_analyst" in each.roles)
        uploads.take([portfolio.file([ACCOUNT])], actor=analyst, at=AT)
        jobrun.work(clock=lambda: AT, seconds=60)
        facts = {"right": "stop_marketing", "came_by": "phone", "channels": ["sms"]}
        intake.open_case(rights.REQUEST, actor=cls.officer, at=AT, facts=facts, people=[PERSON])
        facts = {"right": "access", "came_by": "letter"}
        cls.case = intake.open_case(rights.REQUEST, actor=cls.officer, at=AT, facts=facts, people=[PERSON])
        join(
            CaseParty.objects.get(case=link, role="declarer"),
            *CaseParty.objects.filter(case__kind=rights.REQUEST).order_by("pk"),
        )

    def identified(self):
        rights.identify(self.case, self.people)
        factories.scan()
        return rights.read_through(self.case, self.people)

    def ask(self):
        return requests.request(self.identified(), actor=self.officer, at=AT, level="subject")

    def drafted(self, report):
        """Return the words and the data of a pack, as they go to the press."""
        case = report.case
        reader = requests._reader(report, "subject_access")
        draft = requests.papers.draft(report, requests.paper_of(case, "subject"), reader=reader, at=LATER)
        return draft.paper.html, draft.data

    def test_pack_says_the_same_with_and_without_a_restricted_matter(self):
        report = self.ask()
        before = self.drafted(report)
        hide(self.people)
        looked = AccessEvent.objects.latest("pk").pk
        assert self.drafted(report) == before
        hidden = set(CaseParty.objects.filter(case__is_restricted=True).values_list("case__uid", flat=True))
        assert hidden
        opened = AccessEvent.objects.filter(pk__gt=looked, verb="print")
        assert opened.exists()
        assert not hidden & {stream for each in opened for stream in each.streams}
        for each in before:
            text = each if isinstance(each, str) else each.decode()
            assert [word for word in NEVER if word in text] == []

    def test_pack_says_why_each_matter_is_held_and_on_which_version_of_the_assessment(self):
        """UK GDPR Art 13(1)(c) and (d), 15(1)(a)."""
        html, data = self.drafted(self.ask())
        for said in (
            "To link the records of two people who are linked by money",
            "Legitimate interests, assessment association_lia, version 1",
            "association_lia version 1",
        ):
            assert said in html and said in data.decode()

    def test_pack_says_where_each_person_and_address_came_from(self):
        """UK GDPR Art 15(1)(g)."""
        with edits.change(self.case.pk, actor=self.officer, at=AT) as edit:
            edit.party(1, source="electoral_roll")
            edit.add_address(1, kind="previous", line_1="1 Old Row", source="data_broker")
        html, data = self.drafted(self.ask())
        for said in ("The electoral roll", "A data broker", "Our own people"):
            assert said in html and said in data.decode()

    def test_pack_says_nothing_of_a_matter_of_which_telling_would_prejudice_an_enquiry(self):
        """Data Protection Act 2018 Sch 2 para 2, as the letters of the fraud desk."""
        report = self.ask()
        before = self.drafted(report)
        case = factories.investigating(self.people)
        with edits.change(case.pk, actor=self.people["a.byrne"], at=AT) as edit:
            edit.facts(prejudice_recorded=True)
        join(CaseParty.objects.get(case=self.case), CaseParty.objects.filter(case=case).earliest("number"))
        join(*CaseParty.objects.filter(case__kind="association", role="declarer"), *self.all_hers(case))
        assert self.drafted(report) == before
        with edits.change(case.pk, actor=self.people["a.byrne"], at=AT) as edit:
            edit.facts(prejudice_recorded=False)
        assert case.reference in self.drafted(report)[0]

    def all_hers(self, *cases):
        rows = CaseParty.objects.filter(case__in=cases).order_by("number")[:1]
        return [*CaseParty.objects.filter(case__kind=rights.REQUEST).order_by("pk"), *rows]

    def test_pack_says_how_she_was_decided_on_and_nothing_of_a_matter_in_which_she_is_named_beside_another(self):
        """UK GDPR Art 15(1)(h), (3) and (4)."""
        own, others = checks.refused_automatically(self.people), checks.referred(self.people)
        representative = rights.asked(self.people, "rectify")
        with record.act(others, "tests.changed", actor=actors.system("tests"), at=AT):
            beside = CaseParty.objects.get(case=others)
            beside.role = "associate"
            beside.save(update_fields=["role"])
        with record.act(representative, "tests.changed", actor=actors.system("tests"), at=AT):
            acting = CaseParty.objects.get(case=representative)
            acting.role = "representative"
            acting.save(update_fields=["role"])
        join(*self.all_hers(own), beside, acting)

        data = json.loads(self.drafted(self.ask())[1])["parts"]

        matters = {each["heading"]: dict((v["name"], v["value"]) for v in each["values"]) for each in data["matters"]}
        assert {name.partition(",")[0] for name in matters} >= {own.reference}
        assert not [name for name in matters if others.reference in name or representative.reference in name]
        decision = matters[f"{own.reference}, decisions"]
        assert (decision["Decision"], decision["How"]) == ("Declined", "Automatically")
        assert matters[f"{own.reference}, searches and footprints"]["Agency"].startswith("Sandbox ")
        said = json.dumps(data)
        assert "Financially linked person" not in json.dumps(data["matters"])
        assert f"{others.reference}, credit and fraud check: financially linked person" in said

    def test_pack_says_nothing_that_was_said_by_or_of_another_of_the_household(self):
        father = {**PERSON, "values": {**PERSON["values"], "phone": "+447700900699", "email": "father@example.org"}}
        facts = {"right": "stop_marketing", "came_by": "phone", "channels": ["post"]}
        before = self.drafted(report := self.ask())
        case = intake.open_case(rights.REQUEST, actor=self.officer, at=AT, facts=facts, people=[father])
        assert Choice.objects.filter(case=case, reach__in=("home", "account")).exists()
        assert self.drafted(report) == before

    def test_pack_says_of_a_joint_account_what_is_noted_of_it_and_not_of_one_holder(self):
        analyst = next(each for each in self.people.values() if "collections_analyst" in each.roles)
        told = {"flags": "hospital:2026-11-01;complaint:2026-11-01", "as_of": "2026-11-14"}
        uploads.take([portfolio.file([ACCOUNT | told])], actor=analyst, at=AT)
        jobrun.work(clock=lambda: AT, seconds=60)
        words = self.drafted(self.ask())[0]
        assert "open complaint" in words
        assert "in hospital" not in words

    def test_pack_names_what_is_kept_elsewhere_and_the_policy_of_it(self):
        report = self.ask()
        with self.settings(DEMO=True):  # which shows addresses that nobody entered
            assert requests.make_due(now=LATER) == 1
        report = AuditReport.objects.get(pk=report.pk)
        data = json.loads(requests.open_report(report, actor=self.dpo, at=LATER, is_data=True))
        ((said,),) = [item["values"] for item in data["parts"]["elsewhere"]]
        assert said["name"] == "Cookies and tags"
        assert said["value"].endswith("not here. Our cookie policy: https://www.example.org/cookies")

    def test_pack_holds_everything_about_the_person_and_is_opened_on_record(self):
        report = self.ask()
        assert requests.make_due(now=LATER) == 1
        report = AuditReport.objects.get(pk=report.pk)
        assert report.state == "done"
        data = json.loads(requests.open_report(report, actor=self.dpo, at=LATER, is_data=True))
        parts = data["parts"]
        assert {code: len(items) for code, items in parts.items()} == {
            "person": 3,
            "matters": 7,
            "accounts": 1,
            "choices": 3,
            "links": 1,
            "told": 3,
            "letters": 1,
            "notes": 1,
            "elsewhere": 1,
            "rights": 2,
        }
        account = {each["name"]: each["value"] for each in parts["accounts"][0]["values"]}
        assert (account["Last name"], account["Balance"]) == ("Brathwaite", "£50.10")
        choice = {each["name"]: each["value"] for each in parts["choices"][0]["values"]}
        assert (choice["You said"], choice["How"], choice["Counts"]) == ("No", "Telephone", "Yes")
        told = sorted(each["heading"] for each in parts["told"])
        assert told == ["Sandbox Bureau A", "Sandbox Bureau B", "Sandbox Bureau C"]
        printed = requests.open_report(report, actor=self.officer, at=LATER)
        text = reading.squeezed(reading.text_of(printed))
        assert "WhatweholdaboutyouRTS-" in text
        for item in parts["matters"] + parts["told"]:
            assert reading.squeezed(item["heading"]) in text
        opened = AccessEvent.objects.filter(streams=[self.case.uid], verb="download", purpose="subject_access")
        assert set(opened.values_list("actor", flat=True)) == {self.dpo.label, self.officer.label}

    def test_pack_is_refused_to_others_and_before_it_is_known_who_asks(self):
        with nothing_written(), pytest.raises(CaseError, match="Check first"):
            requests.request(self.case, actor=self.officer, at=AT, level="subject")
        case = self.identified()
        with nothing_written(), pytest.raises(CaseError, match="no such paper"):
            requests.request(case, actor=self.officer, at=AT, level="external")
        with nothing_written(), pytest.raises(CaseError):
            requests.request(case, actor=self.people["a.byrne"], at=AT, level="subject")
        stop = rights.received(self.people)
        with nothing_written(), pytest.raises(CaseError, match="request for access"):
            requests.request(stop, actor=self.officer, at=AT, level="subject")

    def test_access_is_carried_out_with_the_pack_and_proof_that_it_was_given(self):
        report = self.ask()
        given = {**rights.DONE, "given_how": "recorded_post", "given_proof": "RX 0000 0000 9GB"}

        def act(**inputs):
            return transitions.apply(self.case.pk, "act", actor=self.officer, at=LATER, inputs={**given, **inputs})

        with nothing_written(counted=1), pytest.raises(CaseError, match="Make the subject access pack first"):
            act()
        requests.make_due(now=LATER)
        for inputs, said in (({"given_how": "pigeon"}, "how the copy"), ({"given_proof": " "}, "what proves")):
            with nothing_written(counted=1), pytest.raises(CaseError, match=said):
                act(**inputs)
        facts = act().rights_request
        assert (facts.pack, facts.given_how, facts.given_proof) == (report, "recorded_post", "RX 0000 0000 9GB")

    def test_page_of_a_person_says_what_they_chose_why_it_is_held_and_whom_we_told(self):
        party = CaseParty.objects.get(case=self.case).party
        client = desk.client_of(rights.OFFICER)
        page = client.post(f"/persons/{party.uid}/", {"purpose": "complaint"}, follow=True)
        tables = {table.title: table for table in page.context["tables"]}
        assert list(tables) == ["Why it is held, and until when", "Whom we told", "Choices"]
        first, *_ = tables["Choices"].rows
        assert first == (
            "Marketing other organisations' products",
            "Text message",
            "No",
            "14 November 2026 10:00",
            "Telephone",
            "None named",
            "RTS-2026-000001",
            "Yes",
        )
        assert {row[-1] for row in tables["Choices"].rows} == {"Yes"}
        assert sorted(row[1] for row in tables["Whom we told"].rows) == [
            "Sandbox Bureau A",
            "Sandbox Bureau B",
            "Sandbox Bureau C",
        ]
        kept = {row[0]: row[1:] for row in tables["Why it is held, and until when"].rows}
        why = "To do what the law gives people a right to ask of us"
        assert kept[self.case.reference] == (why, "Legal obligation", "3 years after it is closed")
        link = Case.objects.get(kind="association").reference
        assert kept[link][1] == "Legitimate interests, assessment association_lia, version 1"
        assert "Ottilie" not in page.content.decode()

    def tried(self, case, **inputs):
        with nothing_written(counted=1), pytest.raises(CaseError) as refused:
            transitions.apply(case.pk, "act", actor=self.officer, at=LATER, inputs={**rights.DONE, **inputs})
        return str(refused.value)

    def test_whoever_was_told_before_hears_what_was_put_right_and_the_person_hears_who(self):
        """UK GDPR Art 19: by its family's own message at the agencies that hold a link, by a notice at a provider."""
        traces.enter(self.people)
        trace = traces.accepted(self.people)
        traces.after(trace, "start", self.people[traces.ANALYST], agency=traces.TRANSIT)
        case = rights.asked(self.people, "erase")
        link = CaseParty.objects.get(case__kind="association", role="declarer")
        join(link, CaseParty.objects.get(case=case), CaseParty.objects.get(case=trace))
        rights.identify(case, self.people)
        hide(self.people)
        where = "Say in which matters it was changed, or that it was in none, so that whoever was told hears of it."
        uids = [str(link.case.uid), str(trace.uid)]
        for chosen in ([], [*uids, "none"], [str(case.uid)]):
            assert self.tried(case, changed_in=chosen, outcome="done_in_part", kept_because="legal_duty") == where
        offered = ActForm(case=case).fields["changed_in"].choices
        assert [value for value, _ in offered] == [*uids, "none"]

        untrue = "This person stands in 2 other matters here that would be kept."
        assert self.tried(case, changed_in=uids).startswith(untrue)
        assert self.tried(case, changed_in=uids, outcome="nothing_held") == (
            "Something is held: this person stands in 2 other matters here."
        )
        given = {**rights.DONE, "outcome": "done_in_part", "kept_because": "legal_duty", "changed_in": uids}
        transitions.apply(case.pk, "act", actor=self.officer, at=LATER, inputs=given)
        case = rights.agree(case, self.people, at=LATER)
        told = [(each["agency"], each["how"], each["matter"]) for each in case.rights_request.told_before]
        assert told == [
            *((code, "family", link.case.reference) for code in associations.BUREAUS),
            (traces.TRANSIT, "notice", trace.reference),
        ]
        (notice,) = OutboxMessage.objects.filter(case=trace, kind="correction_removed")
        assert notice.channel.agency.code == traces.TRANSIT
        asked = Task.objects.filter(case=link.case, kind="rights_tell_earlier_recipient", closed_at=None)
        assert [each.detail["agency"] for each in asked.order_by("pk")] == list(associations.BUREAUS)
        names = ["Sandbox Bureau A", "Sandbox Bureau B", "Sandbox Bureau C", "Sandbox Transit"]
        assert case.rights_request.told_others == names
        kept, table = report.tables(case)
        assert [row[0] for row in table.rows] == names
        assert len(kept.rows) == 2

    def test_restriction_is_told_and_what_stands_as_it_was_is_not(self):
        traces.enter(self.people)
        trace = traces.accepted(self.people)
        traces.after(trace, "start", self.people[traces.ANALYST], agency=traces.TRANSIT)
        first, other = rights.asked(self.people, "restrict"), rights.asked(self.people, "restrict")
        join(*(CaseParty.objects.get(case=each) for each in (trace, first, other)))
        shown = {"kind": "correction", "file_name": "billing.txt", "media_type": "text/plain", "data": b"In billing."}
        edits.attach(first.pk, actor=self.officer, at=AT, **shown)
        transitions.apply(first.pk, "act", actor=self.officer, at=LATER, inputs={**rights.DONE, "changed_in": ["none"]})
        assert Case.objects.get(pk=first.pk).rights_request.told_before == []
        chosen = {**rights.DONE, "changed_in": [str(trace.uid)]}
        transitions.apply(other.pk, "act", actor=self.officer, at=LATER, inputs=chosen)
        (notice,) = OutboxMessage.objects.filter(case=trace, kind__startswith="correction_")
        assert notice.kind == "correction_restricted"

    def test_whoever_was_told_of_a_restriction_hears_of_its_end_after_the_person_does(self):
        """UK GDPR Art 18(3) and 19: first the person, by a letter that is posted, then whoever was told, once."""
        traces.enter(self.people)
        trace = traces.accepted(self.people)
        traces.after(trace, "start", self.people[traces.ANALYST], agency=traces.TRANSIT)
        restricted = rights.asked(self.people, "restrict")
        join(*(CaseParty.objects.get(case=each) for each in (trace, restricted)))
        chosen = {**rights.DONE, "changed_in": [str(trace.uid)]}
        transitions.apply(restricted.pk, "act", actor=self.officer, at=LATER, inputs=chosen)
        case = rights.asked(self.people, "lift_restriction")
        join(*(CaseParty.objects.get(case=each) for each in (trace, restricted, case)))

        letter = Letter.objects.get(case=case)
        assert (letter.template, letter.state) == ("n16_lifting", "due")
        first = "The person has to be told before a restriction ends"
        assert self.tried(case, changed_in=[str(trace.uid)]).startswith(first)
        with record.act(case, "tests.posted", actor=actors.system("tests"), at=LATER):
            letter.state, letter.dispatched_date = "dispatched", LATER.date()
            letter.save()
        transitions.apply(case.pk, "act", actor=self.officer, at=LATER, inputs=chosen)
        told = OutboxMessage.objects.filter(case=trace, kind__startswith="correction_").order_by("pk")
        assert [each.kind for each in told] == ["correction_restricted", "correction_unrestricted"]
        assert Case.objects.get(pk=case.pk).rights_request.told_before == [
            {"agency": traces.TRANSIT, "how": "notice", "matter": trace.reference}
        ]
        again = rights.asked(self.people, "lift_restriction")
        join(*(CaseParty.objects.get(case=each) for each in (trace, restricted, case, again)))
        assert recipients.matters(again) == []
