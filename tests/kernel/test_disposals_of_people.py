"""Whose own time is over in a case that is kept longer is erased alone."""

from datetime import date, timedelta

import pytest

from cases.kernel import actors, edits, holds, record, tasks
from cases.kernel.disposal import disposals, overdue, unnaming
from cases.kernel.models import (
    Case,
    CaseParty,
    Job,
    Note,
    OutboxMessage,
    SearchEntry,
    Task,
)
from cases.kernel.timing import sweeps
from cases.ledger import sealing, verify
from cases.ledger.models import DataKey, LedgerEvent
from cases.reports import requests
from tests import factories
from tests.factories import AT
from tests.kernel.ended import KIND, LEAD, OVER, READER, agreed, fresh, left, proposed, work
from tests.web import desk

pytestmark = pytest.mark.django_db


class TestAPersonOfACaseThatIsKeptLonger:
    """A victim is kept 13 months from the filing, whoever did it six years: the filing stands, the victim goes."""

    KEPT_UNTIL = date(2027, 12, 16)
    OVER = factories.FILED_AT + timedelta(days=400)

    @pytest.fixture
    def filed(self, people):
        case = factories.filed(people)
        with record.act(case, "tests.posted", actor=actors.system("tests"), at=AT):
            for letter in case.letters.all():
                letter.state, letter.dispatched_date = "dispatched", AT.date()
                letter.save()
        OutboxMessage.objects.filter(case=case).update(
            state="delivered", settled_at=AT, acknowledged_at=AT, lease=None, lease_until=None
        )
        sweeps.end_due_clocks(now=self.OVER)
        return Case.objects.get(pk=case.pk)

    def erase(self, people):
        row = proposed(people, at=self.OVER, last=self.KEPT_UNTIL)
        agreed(row, people, at=self.OVER)
        work(self.OVER)
        return row

    def test_they_alone_are_erased_and_the_filing_stands(self, people, filed):
        found = overdue.next_due(KIND, today=self.OVER.date())
        assert (found.count, found.people) == (0, 1)
        assert overdue.next_due(KIND, today=self.KEPT_UNTIL) is None
        row = self.erase(people)
        assert (row.counted, row.people) == (0, 1)
        assert left(row) == (1, [])
        fraudster, victim = CaseParty.objects.select_related("key").filter(case=filed).order_by("number")
        assert (victim.is_erased, victim.is_detached, fraudster.is_erased) == (True, True, False)
        (values,) = sealing.open_rows([victim], ("surname", "phone"), reader=READER, at=OVER)
        assert set(values.values()) == {sealing.ERASED}
        (values,) = sealing.open_rows([fraudster], ("alias",), reader=READER, at=OVER)
        assert values["alias"] == "Morwenna Tregaskis"
        case = fresh(filed)
        assert (case.state, case.is_erased, case.key.destroyed_at) == ("filed", False, None)
        assert not SearchEntry.objects.filter(party=victim).exists()
        assert SearchEntry.objects.filter(party=fraudster).exists()
        (event,) = LedgerEvent.objects.filter(stream=case.uid, action="case.person_erased")
        assert event.content()["detail"] == {
            "person": 2,
            "disposal": str(row.uid),
            "class": "fraud_victim",
            "kept_until": "2027-12-16",
        }
        assert not overdue.next_due(KIND, today=self.OVER.date())

    @pytest.mark.parametrize(
        ("text", "is_named"),
        [
            ("She is reached at M.Tregaskis@example.org.", True),
            ("Rang her on 07700 900 123.", True),
            ("Of 12 harbour row.", True),
            ("Morwenna Tregaskis may bill us.", False),  # whoever did it used that name, and stays known by it
            ("They rang from the shop.", False),
        ],
    )
    def test_where_the_facts_of_a_case_name_them_somebody_writes_those_anew(self, people, filed, text, is_named):
        with edits.change(filed.pk, actor=people["p.nair"], at=AT) as edit:
            edit.facts(narrative=text)
        with record.act(filed, "tests.answered", actor=actors.system("tests"), at=AT):
            for task in Task.objects.filter(case=filed, closed_at=None):
                tasks.close(task, actor=actors.system("tests"), at=AT)
        self.erase(people)
        asked = Task.objects.filter(case=filed, kind="text_names_erased", closed_at=None)
        assert list(asked.values_list("detail__person", flat=True)) == [2] * is_named
        assert CaseParty.objects.get(case=filed, number=2).is_erased
        (event,) = LedgerEvent.objects.filter(stream=filed.uid, action="case.person_erased")
        assert event.content()["detail"].get("facts_name_them", False) == is_named

    def test_what_notes_say_of_who_they_are_goes_with_them_and_what_others_are_known_by_stays(self, people, filed):
        """The victim's name is the one that the fraudster used, and stays; the rest of the victim goes."""
        analyst = people["a.byrne"]
        with record.act(filed, "tests.named", actor=actors.system("tests"), at=AT):
            victim = filed.parties.get(number=2)
            sealing.seal(victim, {"middle_name": "Keziah-Jane", "phone": "+447700900123"}, key=victim.key)
            victim.save()
        said = "Rang KEZIAH on 07700 900123 or m.tregaskis@example.org: Morwenna may bill us.\nKeziah, jane keziah."
        first = edits.add_note(filed.pk, said, actor=analyst, at=AT)
        other = edits.add_note(filed.pk, "The parcel went back.", actor=analyst, at=AT)
        (found_by,) = SearchEntry.objects.filter(note=first).values_list("tokens", flat=True)
        said = {"actor": analyst, "at": AT, "act": "note", "shapes": False}
        for verb, reason in (("tests.named", "Keziah asked for it."), ("tests.not_named", "Person 2 asked for it.")):
            with edits.change(filed.pk, verb=verb, reason=reason, **said):
                pass
        named = LedgerEvent.objects.filter(stream=filed.uid, action="tests.named").latest("seq").seq

        self.erase(people)

        (still,) = SearchEntry.objects.filter(note=first).values_list("tokens", flat=True)
        assert len(set(found_by) - set(still)) >= len({"keziah", "jane"})
        notes = [Note.objects.select_related("key").get(pk=each.pk) for each in (first, other)]
        texts = [each["text"] for each in sealing.open_rows(notes, ("text",), reader=READER, at=OVER)]
        assert texts == [
            "Rang [erased] on [erased] or [erased]: Morwenna may bill us.\n[erased], [erased] [erased].",
            "The parcel went back.",
        ]
        assert notes[1].key_id == other.key_id
        assert DataKey.objects.get(pk=first.key_id).destroyed_at
        old = Note.history.filter(id=first.pk).order_by("history_id").first()
        assert sealing.open_rows([old], ("text",), reader=READER, at=OVER) == [{"text": sealing.ERASED}]
        (event,) = LedgerEvent.objects.filter(stream=filed.uid, action="case.person_erased")
        assert (event.content()["detail"]["notes"], event.content()["detail"]["reasons_name_them"]) == (1, [named])
        assert {each.level for each in verify.verify_stream(filed.uid)} <= {"recorded late", "wrong"}
        page = desk.client_of("a.byrne").get(f"/cases/{filed.uid}/").content.decode()
        assert page.count("[erased] or [erased]: Morwenna") == 1
        asked = requests.request(fresh(filed), actor=analyst, at=self.OVER)
        requests.make(asked.pk, now=self.OVER)
        asked.refresh_from_db()
        assert asked.state == "done"

    @pytest.mark.parametrize(
        ("said", "left"),
        [
            ("Marian Whitlock's brother rang of Whitlock’s car.", "[erased] [erased] brother rang of [erased] car."),
            ("(020) 7946 0018, +44 (0) 20 7946 0018, 0044 20 7946-0018", "([erased], [erased], [erased]"),
            ("m_whit.lock@example.com of 12, High Street", "[erased] of [erased]"),
            (
                "Born 09/03/1984, 9.3.84, 9th March 1984 or March 9, 1984.",
                "Born [erased], [erased], [erased] or [erased].",
            ),
            ("Paid from 12345678; lives at 12 High Street, Flat 2.", "Paid from [erased]; lives at [erased], Flat 2."),
            (
                "mrs whitlock or Mr Will of whitlock hall, a will.",
                "mrs [erased] or Mr [erased] of [erased] hall, a will.",
            ),
            ("Will Whitlock came; it will rain, Will he?", "[erased] [erased] came; it will rain, Will he?"),
            ("The Whitlocks came, and the Whitlocks' car.", "The [erased] came, and the [erased]' car."),
            (
                "M. Whitlock and M W Whitlock rang; I met M.W. at 3 P.M.",
                "[erased] and [erased] rang; I met [erased] at 3 P.M.",
            ),
            ("spoke to marian whitlock, then whitlock alone", "spoke to [erased] [erased], then [erased] alone"),
            ("Owes £9,319.84 since 19 March 1984.", "Owes £9,319.84 since 19 March 1984."),
        ],
    )
    def test_what_somebody_is_known_by_is_found_however_it_is_written(self, said, left):
        named = {"forename": "Marian Will", "surname": "Whitlock", "date_of_birth": "1984-03-09"}
        reached = {"phone": "020 7946 0018", "email": "m_whit.lock@example.com", "line_1": "Flat 2, 12 High Street"}
        reached["bank_account"] = "00-00-00 12345678"
        assert unnaming.known_by([named | reached]).taken_out_of(said) == left

    @pytest.mark.parametrize(
        ("said", "left"),
        [
            (
                "The Bank put the price up; our Bank knows the price.",
                "The Bank put the price up; our Bank knows the price.",
            ),
            (
                "Told Price. Price paid by bank, as Price said.",
                "Told [erased]. [erased] paid by bank, as [erased] said.",
            ),
            ("price bank rang; mr price too", "[erased] [erased] rang; mr [erased] too"),
            ("A Price list", "A Price list"),
        ],
    )
    def test_a_name_that_is_a_word_too_stays_where_it_is_one(self, said, left):
        known = unnaming.known_by([{"forename": "Price", "surname": "Bank"}])
        assert known.taken_out_of(said) == left

    def test_first_letters_that_somebody_shares_who_stays_stay(self):
        gone = unnaming.known_by([{"forename": "Jane", "surname": "Stonebridge"}])
        here = unnaming.known_by([{"forename": "John", "surname": "Smythe"}])
        assert gone.without(here).taken_out_of("J.S. rang, Stonebridge did not.") == "J.S. rang, [erased] did not."

    def test_pages_papers_and_the_marker_go_on_without_them(self, people, filed):
        self.erase(people)
        analyst = desk.client_of("a.byrne")
        page = analyst.get(f"/cases/{filed.uid}/").content.decode()
        assert "Erased: the time for which this person is kept was over." in page
        assert "what the case said of a person" in page
        for path in ("edit/", "people/2/edit/", "people/2/", "messages/", "documents/", "linked/", "audit/", "report/"):
            assert analyst.get(f"/cases/{filed.uid}/{path}").status_code in {200, 302, 404, 405}, path
        assert analyst.get(f"/cases/{filed.uid}/people/2/edit/").status_code == 404
        asked = requests.request(fresh(filed), actor=people["a.byrne"], at=self.OVER)
        requests.make(asked.pk, now=self.OVER)
        asked.refresh_from_db()
        assert asked.state == "done"
        # The marker of whoever did it ends in its own time, and says nothing of the victim.
        sweeps.end_due_clocks(now=factories.FILED_AT + timedelta(days=366 * 6))
        assert fresh(filed).state == "expired"

    def test_what_keeps_the_case_keeps_them_too(self, people, filed):
        row = proposed(people, at=self.OVER, last=self.KEPT_UNTIL)
        holds.enter(filed.pk, "legal", actor=people[LEAD], at=self.OVER, source="court", reason="An order.")
        row = agreed(row, people, at=self.OVER)
        with pytest.raises(disposals.jobs.Skipped, match="kept"):
            disposals._do(Job.objects.get(pk=row.job_id), f"{filed.pk}/2", self.OVER)
        work(self.OVER)
        assert left(row) == (0, [])
        assert not CaseParty.objects.filter(is_erased=True).exists()

    def test_a_task_that_says_of_nobody_keeps_everybody(self, people, filed):
        """What an agency says of somebody waits for a person who compares: it may be them."""
        with record.act(filed, "tests.asked", actor=actors.system("tests"), at=OVER):
            tasks.raise_task("fraud_match", case=filed, at=OVER, notice=1)
        assert left(self.erase(people)) == (0, [("kept", 1)])

    def test_a_task_about_them_keeps_them_and_one_about_another_does_not(self, people, filed):
        with record.act(filed, "tests.asked", actor=actors.system("tests"), at=OVER):
            tasks.raise_task("link_review", case=filed, at=OVER, person=1)
            about = tasks.raise_task("link_review", case=filed, at=OVER, person=2)
        assert left(self.erase(people)) == (0, [("kept", 1)])
        with record.act(filed, "tests.done", actor=actors.system("tests"), at=OVER):
            tasks.close(about, actor=actors.system("tests"), at=OVER)
        assert left(self.erase(people)) == (1, [])
