"""Each end of a link is reached, and nothing is said of one that is not so."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import TestCase

from cases.association import bureaus
from cases.association import intake as door
from cases.association.models import AgencyLink
from cases.kernel import actors, casetypes, edits, intake, record
from cases.kernel.errors import CaseError
from cases.kernel.evidence import scanning
from cases.kernel.linking import people as linked
from cases.kernel.models import Case, Evidence, Letter, OutboxMessage, Task
from cases.kernel.timing import sweeps
from cases.ledger.models import DataKey
from cases.reports.letters import make_due_letters
from tests import associations as links
from tests import breaches, factories
from tests.association.test_links import join, sides
from tests.association.test_path import states
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web import desk


def by_hand(case, letter):
    """To which sides somebody writes a letter by hand."""
    open_ones = Task.objects.filter(case=case, kind="association_write_by_hand", closed_at=None)
    return [task.detail["side"] for task in open_ones if task.detail["letter"] == letter]


class Mended(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()

    def after(self, case, name, by, at=AT, **inputs):
        return links.after(case, name, self.people[by], at, **inputs)

    def test_letter_that_is_printed_leaves_no_more_once_the_other_person_denies_the_link(self):
        case = links.confirmed(self.people)
        make_due_letters(now=AT)
        letter = Letter.objects.get(case=case, state="rendered")
        self.after(case, "challenge", links.OFFICER, **links.DENIAL)
        letter.refresh_from_db()
        assert (letter.state, letter.message.state) == ("withdrawn", "withdrawn")

    def test_letter_that_the_post_house_may_have_stays_as_it_is(self):
        case = links.confirmed(self.people)
        make_due_letters(now=AT)
        letter = Letter.objects.get(case=case, state="rendered")
        OutboxMessage.objects.filter(pk=letter.message_id).update(attempts=1)
        self.after(case, "challenge", links.OFFICER, **links.DENIAL)
        letter.refresh_from_db()
        assert (letter.state, letter.message.state) == ("rendered", "pending")

    def test_challenge_that_is_upheld_before_anything_left_ends_by_itself(self):
        case = self.after(links.confirmed(self.people), "challenge", links.OFFICER, **links.DENIAL)
        case = self.after(case, "uphold_challenge", links.CONFIRMER)
        assert case.state == "correcting"
        sweeps.end_due_clocks(now=AT + timedelta(minutes=2))
        assert Case.objects.get(pk=case.pk).state == "withdrawn"

    def test_only_a_document_that_shows_the_agreement_dismisses_a_challenge(self):
        case = links.challenged(self.people)
        links.attach(case, self.people[links.OFFICER], kind="identity")
        with nothing_written(counted=1), pytest.raises(CaseError, match="Name the document"):
            self.after(case, "dismiss_challenge", links.CONFIRMER, evidence="2")
        form = casetypes.get("association").transition_forms["dismiss_challenge"]
        assert [code for code, _ in form(case=Case.objects.get(pk=case.pk)).fields["evidence"].choices] == ["", "1"]

    def test_challenge_is_not_dismissed_for_somebody_whom_nobody_confirmed(self):
        """Domain 7.3: a link is confirmed by a second person, on evidence of that person's agreement. What it says and
        of whom stays as it was confirmed; rulings: every four-eyes test uses one who holds both roles."""
        both = replace(self.people[links.OFFICER], roles=frozenset({"credit_officer", "credit_reviewer"}))
        case = self.after(links.confirmed(self.people), "challenge", "i.sowande", **links.DENIAL)
        somebody_else = {"forename": "Marigold", "surname": "Quarrie", "date_of_birth": "1990-05-05"}
        with (
            nothing_written(),
            pytest.raises(edits.EditRefused, match="can no longer be changed"),
            edits.change(case.pk, actor=both, at=AT) as edit,
        ):
            edit.party(2, **somebody_else)
        case = self.after(links.challenged(self.people), "detach", links.OFFICER, person=2)
        case = links.agree(case, self.people[links.CONFIRMER])
        with nothing_written(counted=1), pytest.raises(CaseError, match="not those whom a second person confirmed"):
            self.after(case, "dismiss_challenge", links.CONFIRMER, evidence="1")

    def test_challenge_is_not_dismissed_by_whoever_attached_what_shows_the_agreement(self):
        both = replace(self.people[links.OFFICER], roles=frozenset({"credit_officer", "credit_reviewer"}))
        case = links.challenged(self.people)
        links.attach(case, both)
        with nothing_written(counted=1), pytest.raises(CaseError, match="You attached this document"):
            links.after(case, "dismiss_challenge", both, evidence="2")
        assert self.after(case, "dismiss_challenge", links.CONFIRMER, evidence="2").state == "active"

    def test_link_is_used_only_while_an_agency_holds_it(self):
        """Domain 7.3: a link is active once it is reported. A dismissed challenge may come before any agency has it."""
        case = self.after(links.confirmed(self.people), "challenge", "i.sowande", **links.DENIAL)
        case = self.after(case, "dismiss_challenge", links.CONFIRMER, evidence="1")
        one, other = sides(case)
        join(one), join(other)
        page = desk.client_of(links.OFFICER)
        seen = []
        for kind in ("", "association.refused", "association.recorded", "association.broken"):
            for letter in "abc" if kind == "association.refused" else "b" if kind else "":
                row = AgencyLink.objects.get(case=case, agency__code=f"sandbox-bureau-{letter}")
                if kind == "association.recorded":
                    with record.act(case, "tests.told_again", actor=actors.system("tests"), at=AT):
                        bureaus.turn(row, "told", at=AT)
                case = links.say(letter, case, kind, reference="FA-1")
            said = "Yes, of either for the other" in page.get(f"/cases/{case.uid}/").content.decode()
            assert linked.may_use(one, other).is_allowed == linked.may_use(other, one).is_allowed == said
            seen.append((case.state, kind, said))
        assert seen == [
            ("active", "", False),
            ("active", "association.refused", False),
            ("active", "association.recorded", True),
            ("active", "association.broken", False),
        ]

    def test_link_that_was_void_before_anything_left_and_opened_again_is_confirmed_like_any_other(self):
        case = self.after(links.confirmed(self.people), "challenge", "i.sowande", **links.DENIAL)
        for move in ("void", "reopen"):
            case = links.agree(self.after(case, move, links.OFFICER), links.other_reviewer(self.people))
        case = links.after(case, "confirm", links.other_reviewer(self.people))
        assert (case.state, states(case)) == ("confirmed", ["told"] * 3)
        case = links.say("a", case, "association.recorded", reference="FA-1")
        assert (case.state, case.association.suspended_at) == ("active", None)

    def test_agreement_is_shown_only_by_a_document_that_somebody_can_open(self):
        """Domain 7.2: evidence of the agreement. Nobody looked at what waits for the scan, or is erased."""
        links.enter()
        reviewer, waits = self.people[links.CONFIRMER], "waits for the virus scan"
        case = intake.open_case(
            links.KIND, actor=self.people[links.OFFICER], at=AT, facts=links.FACTS, people=[links.DECLARER, links.OTHER]
        )
        paper = {"kind": "agreement", "file_name": "a.txt", "media_type": "text/plain", "data": b"I agree."}
        edits.attach(case.pk, **paper, actor=self.people[links.OFFICER], at=AT)
        with nothing_written(counted=1), pytest.raises(CaseError, match=waits):
            links.after(case, "confirm", reviewer)
        factories.scan()
        case = links.after(case, "confirm", links.other_reviewer(self.people))
        case = self.after(case, "challenge", "i.sowande", **links.DENIAL)
        edits.attach(case.pk, **paper, actor=self.people[links.OFFICER], at=AT)
        form = casetypes.get("association").transition_forms["dismiss_challenge"]
        for verdict, sentence in (("", waits), ("unscannable", "could not look into"), ("infected", "harmful")):
            if verdict == "infected":
                scanning.again(case.pk, 2, actor=self.people[links.OFFICER], at=AT)
            if verdict:
                factories.scan(verdict)
            with nothing_written(counted=1), pytest.raises(CaseError, match=sentence):
                links.after(case, "dismiss_challenge", reviewer, evidence="2")
            assert [code for code, _ in form(case=Case.objects.get(pk=case.pk)).fields["evidence"].choices] == ["", "1"]
        DataKey.objects.filter(pk=Evidence.objects.get(case=case, number=1).blob.key_id).update(
            destroyed_at=AT, wrapped=None
        )
        with nothing_written(counted=1), pytest.raises(CaseError, match="is erased"):
            links.after(case, "dismiss_challenge", reviewer, evidence="1")

    def test_link_of_which_a_wrong_person_was_detached_ends_by_itself_once_every_agency_took_it_off(self):
        """Rulings: a wrong person is detached, with correction notices to whoever was told. Domain 1.7: kept for 12
        months from the end, which therefore has to come."""
        told = {"confirmed": [], "active": [], "challenged": ["other_person"], "signposted": []}
        for state, asking in told.items():
            case = links.without_other(getattr(links, state))(self.people)
            assert (case.state, states(case)) == (state, ["taken_back" if state == "confirmed" else "removing"] * 3)
            written = Letter.objects.filter(case=case, template="association_gone")
            sweeps.end_due_clocks(now=AT + timedelta(minutes=2))
            assert (written.count(), by_hand(case, "association_gone")) == (1, asking)
            for letter in "abc" if state != "confirmed" else "":
                assert Case.objects.get(pk=case.pk).state == "correcting"
                links.say(letter, case, "association.removed", at=AT + timedelta(days=3))
            case = Case.objects.get(pk=case.pk)
            assert (case.state, case.is_closed) == ("withdrawn", True)
            kinds = {task.kind for task in Task.objects.filter(case=case, closed_at=None)}
            assert "association_review_decisions" in kinds
            assert not kinds & {"association_challenged", "association_decide_break", "detached_filed"}
            assert not case.clocks.filter(ended_at=None, rule__startswith="association").exists()

    def test_whoever_asked_to_break_a_link_hears_that_it_is_gone_though_they_are_the_wrong_person(self):
        asks = {**links.ASKS, "asked_by": "other_person"}
        case = self.after(links.active(self.people), "request_break", links.OFFICER, **asks)
        case = links.without_other(lambda _people: case)(self.people)
        sweeps.end_due_clocks(now=AT + timedelta(minutes=2))
        assert Case.objects.get(pk=case.pk).state == "correcting"
        assert by_hand(case, "association_gone") == ["other_person"]

    def test_link_that_has_both_its_people_is_not_set_aside(self):
        case = links.active(self.people)
        with nothing_written(counted=1), pytest.raises(CaseError, match="has both its people"):
            links.after(case, "set_aside", actors.system("clocks"))

    def test_agency_that_breaks_a_link_after_its_end_raises_no_alarm(self):
        case = links.broken(self.people)
        links.say("b", case, "association.broken", at=AT + timedelta(days=100))
        assert not Task.objects.filter(case=case, kind="association_broken_elsewhere").exists()

    def test_moment_of_no_calendar_is_a_fault_of_the_sender(self):
        errors = []
        assert door._moment("0001-01-01T00:00:00+10:00", errors) is None
        assert [pointer for pointer, _, _ in errors] == ["/declared_at"]

    def test_what_a_kind_must_not_is_not_offered_and_its_codes_are_words(self):
        case = links.declared(self.people)
        page = desk.client_of(links.OFFICER).get(f"/cases/{case.uid}/").content.decode()
        assert "Add a person" not in page
        assert "Split the case" not in page
        with nothing_written(counted=1), pytest.raises(CaseError, match="not divided"):
            self.after(case, "split", links.OFFICER, people=["1"], summary="x")
        breach = breaches.assessed(self.people)
        page = desk.client_of("j.merriweather").get(f"/cases/{breach.uid}/").content.decode()
        assert "Add a person" not in page
        assert ">Ico<" not in page
