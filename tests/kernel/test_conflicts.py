"""A conflict declared on a case takes it off whoever declares it; a registered tie keeps them from deciding on it."""

import json
from datetime import timedelta

import pytest
from django.test import TestCase
from django.urls import reverse

from cases.kernel import actors, conflicts, edits, policy, record, reveals, tasks, transitions, verdicts
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.finding import joining, reindex
from cases.kernel.linking import links
from cases.kernel.models import (
    Approval,
    Case,
    CaseParty,
    Party,
    SearchEntry,
    StaffTie,
    Task,
    Team,
    TeamMembership,
    User,
)
from cases.kernel.office import proposals
from cases.kernel.reading import queries, worklist
from cases.kernel.standing import Standing
from cases.kernel.timing import snoozes
from cases.ledger import api as ledger
from cases.ledger import verify
from cases.ledger.models import LedgerEvent
from cases.reports import requests
from tests import factories, suspicions
from tests.factories import APPROVED_AT as AT
from tests.kernel.snapshots import nothing_written
from tests.web import desk

TIED = "You have a registered tie to somebody in this case. Another person must do this."
PHONE = factories.VICTIM["values"]["phone"]


class Conflicts(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()

    def fresh(self, username):
        return actors.staff(User.objects.get(username=username))

    def declare(self, case, username="a.byrne"):
        payload = {"user": self.people[username].user_id, "case": str(case.uid)}
        return proposals.propose("tie_add", payload, actor=self.fresh(username), at=AT, reason="My neighbour.")

    def register(self, username="a.byrne", *, by=None, **whom):
        payload = {"user": self.people[username].user_id, **(whom or {"phone": "07700 900123"})}
        return proposals.propose("tie_person", payload, actor=self.people[by or username], at=AT, reason="My sister.")

    def test_declaring_on_a_case_takes_it_off_and_asks_the_team_to_give_it_on(self):
        case = factories.investigating(self.people)
        edits.assign(case.pk, factories.user("a.byrne"), actor=self.people["a.byrne"], at=AT)

        self.declare(case)

        case.refresh_from_db()
        actor = self.fresh("a.byrne")
        assert case.assignee is None
        assert not policy.visible_to(actor).filter(pk=case.pk).exists()
        told = LedgerEvent.objects.filter(stream=case.uid).order_by("-seq").values_list("action", flat=True)[:2]
        assert list(told) == ["conflict.declared", "case.returned"]
        (task,) = Task.objects.filter(kind="conflict")
        assert (task.case_id, task.team_id, task.detail) == (case.pk, case.team_id, {})
        for act in ("view", "note", "take", "fraud_referral.submit"):
            assert policy.can(actor, act, case=case).sentence == "You declared a conflict of interest."
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused):
            transitions.apply(case.pk, "close_no_action", actor=actor, at=AT, reason="No fraud.")
        assert {each.level for each in verify.verify_stream(case.uid)} == {"recorded late"}

    def seat(self, *usernames):
        team = Team.objects.get(code="conflicts")
        with ledger.action(team.uid, "tests.seated", actor="system:tests", at=AT):
            for username in usernames:
                TeamMembership.objects.create(team=team, user=factories.user(username))
        return team

    def test_a_declared_conflict_moves_the_case_to_a_restricted_team(self):
        case, other = factories.investigating(self.people), factories.referred(self.people)
        edits.assign(case.pk, factories.user("a.byrne"), actor=self.people["a.byrne"], at=AT)
        with record.act(case, "tests.task", actor=actors.system("tests"), at=AT):
            tasks.raise_task("hold_review", case=case, at=AT, assignee_id=self.people["p.nair"].user_id)
        team = self.seat("d.osei", "i.sowande")

        self.declare(case)

        case.refresh_from_db()
        assert (case.team, case.is_restricted, case.assignee) == (team, True, None)
        assert set(Task.objects.filter(case=case, closed_at=None).values_list("team__code", "assignee")) == {
            ("conflicts", None)
        }
        for username in ("a.byrne", "p.nair", "j.merriweather", "b.lacombe", "v.tranter"):
            assert list(policy.visible_to(self.fresh(username)).filter(pk=case.pk)) == [], username
        assert set(policy.visible_to(self.fresh("d.osei"))) == {case, other}
        assert set(SearchEntry.objects.filter(case=case).values_list("space", flat=True)) == {f"team:{team.pk}"}
        assert set(SearchEntry.objects.filter(case=other).values_list("space", flat=True)) == {"office"}
        last = LedgerEvent.objects.filter(stream=case.uid).latest("seq")
        assert (last.action, json.loads(last.body)["detail"]) == ("conflict.declared", {"team": "conflicts"})
        for username, status in (("p.nair", 404), ("b.lacombe", 404), ("d.osei", 200)):
            assert desk.client_of(username).get(reverse("web:case", args=[case.uid])).status_code == status
        assert {each.level for each in verify.verify_stream(case.uid)} <= {"recorded late"}

    def end(self, tie):
        payload = {"tie": str(tie.uid)}
        row = proposals.propose("tie_end", payload, actor=self.people["j.merriweather"], at=AT, reason="It is over.")
        proposals.decide(row.uid, "agreed", actor=self.people["v.tranter"], at=AT, reason="Checked.")

    def test_a_moved_case_goes_back_when_its_last_tie_has_ended(self):
        case = factories.investigating(self.people)
        self.seat("d.osei", "i.sowande")
        self.declare(case)
        edits.assign(case.pk, factories.user("d.osei"), actor=self.fresh("d.osei"), at=AT)
        spaces = SearchEntry.objects.filter(case=case).values_list("space", flat=True)
        assert "office" not in set(spaces.all())

        self.end(StaffTie.objects.get(user__username="a.byrne"))

        case.refresh_from_db()
        assert (case.team.code, case.is_restricted, case.assignee) == ("fraud", False, None)
        assert set(spaces.all()) == {"office"}
        assert set(
            SearchEntry.objects.filter(case=case, party__isnull=False).values_list("compared_at", flat=True)
        ) == {None}
        assert set(Task.objects.filter(case=case, closed_at=None).values_list("team__code", "assignee")) == {
            ("fraud", None)
        }
        last = LedgerEvent.objects.filter(stream=case.uid).latest("seq")
        assert (last.action, json.loads(last.body)["detail"]) == ("conflict.ended", {"team": "fraud"})
        for username in ("a.byrne", "p.nair", "b.lacombe"):
            assert desk.client_of(username).get(reverse("web:case", args=[case.uid])).status_code == 200, username
        assert {each.level for each in verify.verify_stream(case.uid)} <= {"recorded late"}

    def test_a_moved_case_stays_while_another_tie_is_declared_on_it(self):
        case = factories.investigating(self.people)
        self.seat("d.osei", "i.sowande")
        self.declare(case)
        self.declare(case, "d.osei")
        self.end(StaffTie.objects.get(user__username="a.byrne"))
        case.refresh_from_db()
        assert (case.team.code, case.is_restricted) == ("conflicts", True)

    def test_where_everybody_of_the_restricted_team_has_a_tie_the_case_stays_and_is_not_lost(self):
        case = factories.referred(self.people)
        self.seat("d.osei")
        self.register("d.osei")
        self.declare(case)
        case.refresh_from_db()
        assert (case.team.code, case.is_restricted) == ("fraud", False)

    def test_a_closed_case_moves_and_asks_for_nothing(self):
        case = factories.investigating(self.people)
        transitions.apply(case.pk, "close_no_action", actor=self.people["a.byrne"], at=AT, reason="No fraud.")
        self.seat("d.osei")
        self.declare(case, "p.nair")
        case.refresh_from_db()
        assert case.is_restricted and not Task.objects.filter(kind="conflict").exists()

    def test_a_person_of_the_moved_case_leaves_the_join_they_were_in(self):
        first, second = factories.referred(self.people), factories.referred(self.people)
        with ledger.action(first.uid, "tests.join", actor="system:tests", at=AT):
            shared = Party.objects.create()
        for case in (first, second):
            with record.act(case, "tests.joined", actor=actors.system("tests"), at=AT):
                for row in CaseParty.objects.filter(case=case, role="victim_of_takeover"):
                    row.party = shared
                    row.save(update_fields=["party"])
        events = LedgerEvent.objects.filter(stream=second.uid).count()
        self.seat("d.osei")
        self.declare(first)
        assert set(CaseParty.objects.filter(party=shared).values_list("case", flat=True)) == {second.pk}
        assert LedgerEvent.objects.filter(stream=second.uid).count() == events

    def test_a_conflict_on_a_restricted_case_is_told_inside_its_compartment_alone(self):
        report = suspicions.referred(self.people)
        self.declare(report, "w.strake")
        (task,) = Task.objects.filter(kind="conflict")
        assert task.team.is_restricted
        assert not policy.visible_to(self.fresh("w.strake")).exists()

    def test_a_registered_tie_stops_taking_and_being_given(self):
        case = factories.referred(self.people)
        self.register()
        actor = self.fresh("a.byrne")

        assert policy.can(actor, "view", case=case).is_allowed
        with nothing_written(), pytest.raises(edits.EditRefused) as told:
            edits.assign(case.pk, factories.user("a.byrne"), actor=actor, at=AT)
        assert str(told.value) == TIED
        with nothing_written(), pytest.raises(edits.EditRefused, match="That person cannot be given this case."):
            edits.assign(case.pk, factories.user("a.byrne"), actor=self.people["p.nair"], at=AT)
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused) as refused:
            transitions.apply(case.pk, "take", actor=actor, at=AT)
        assert str(refused.value) == TIED
        assert all(TIED in offer.refusals for offer in transitions.offers(case, actor))
        edits.assign(case.pk, factories.user("p.nair"), actor=self.people["p.nair"], at=AT)

    def test_a_registered_tie_stops_deciding_and_agreeing(self):
        case = factories.ready(self.people)
        void = factories.referred(self.people)
        transitions.apply(void.pk, "void", actor=self.people["p.nair"], at=AT, reason="Opened twice.")
        self.register("d.osei")
        approver = self.fresh("d.osei")

        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match="registered tie"):
            transitions.apply(case.pk, "approve", actor=approver, at=AT, inputs=factories.CHECKER_INPUTS)
        approval = Approval.objects.get(case=void, act="void")
        with nothing_written(counted=1), pytest.raises(transitions.TransitionRefused, match="registered tie"):
            verdicts.decide(approval.uid, "agreed", actor=approver, at=AT)

    def test_what_one_works_on_goes_back_when_the_tie_is_registered(self):
        case, other = factories.referred(self.people), factories.referred(self.people, account_reference="NM-1")
        for each in (case, other):
            edits.assign(each.pk, factories.user("a.byrne"), actor=self.people["a.byrne"], at=AT)
        self.register(account="nm 4471")
        held = dict(Case.objects.values_list("pk", "assignee__username"))
        assert held == {case.pk: None, other.pk: "a.byrne"}

    def test_a_tie_is_found_by_each_kind_of_value_however_it_is_written(self):
        case = factories.referred(self.people)
        for number, whom in enumerate(
            ({"phone": "+44 7700 900123"}, {"email": "M.Tregaskis@example.org"}, {"account": "NM4471"})
        ):
            username = ("a.byrne", "p.nair", "d.osei")[number]
            assert not conflicts.is_tied(self.people[username].user_id, case)
            self.register(username, **whom)
            assert conflicts.is_tied(self.people[username].user_id, case)

    def test_a_restricted_case_knows_the_tie_as_well(self):
        report = suspicions.written(self.people)
        self.register("h.castellan", phone=suspicions.SUBJECT["values"]["phone"])
        assert conflicts.is_tied(self.people["h.castellan"].user_id, report)
        with nothing_written(), pytest.raises(edits.EditRefused, match="registered tie"):
            edits.assign(report.pk, factories.user("h.castellan"), actor=self.fresh("h.castellan"), at=AT)

    def test_what_is_not_a_tie_is_refused_and_writes_nothing(self):
        refused = (
            ({}, "Give at least one: telephone, e-mail or account."),
            ({"phone": "12"}, "This cannot be read. Check it."),
            ({"email": "nobody", "phone": PHONE}, "This cannot be read. Check it."),
        )
        for whom, sentence in refused:
            payload = {"user": self.people["a.byrne"].user_id, **whom}
            with nothing_written(), pytest.raises(proposals.ProposalRefused) as told:
                proposals.propose("tie_person", payload, actor=self.people["a.byrne"], at=AT, reason="Why.")
            assert str(told.value) == sentence
        with nothing_written(), pytest.raises(proposals.ProposalRefused, match="You declare your own ties"):
            self.register("p.nair", by="a.byrne")
        with nothing_written(), pytest.raises(NotAllowed):
            self.register("o.thackray")

    def test_whom_the_tie_is_to_is_sealed_and_found_under_a_new_index_key(self):
        case = factories.referred(self.people)
        row = self.register()
        assert "900123" not in str(LedgerEvent.objects.filter(stream=row.uid).latest("seq").content())
        assert "900123" not in str(row.payload) + row.subject
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(conflicts, "tokens", lambda known: [7, len(known)])
            assert conflicts.retoken(at=AT) == 1
        assert not conflicts.is_tied(self.people["a.byrne"].user_id, case)
        list(reindex.rebuild_here(at=AT))
        assert conflicts.is_tied(self.people["a.byrne"].user_id, case)
        assert conflicts.retoken(at=AT) == 0

    def test_an_ended_tie_stops_nothing(self):
        case = factories.referred(self.people)
        self.register()
        ending = {"tie": str(StaffTie.objects.get().uid)}
        row = proposals.propose("tie_end", ending, actor=self.people["j.merriweather"], at=AT, reason="Mistake.")
        proposals.decide(row.uid, "agreed", actor=self.people["v.tranter"], at=AT, reason="Checked.")
        assert not Standing(case, self.fresh("a.byrne"), is_deciding=False).past.is_tied
        edits.assign(case.pk, factories.user("a.byrne"), actor=self.fresh("a.byrne"), at=AT)

    def test_with_a_registered_tie_one_does_nothing_on_the_case_but_read_it_masked(self):
        case, other = factories.referred(self.people), factories.referred(self.people)
        self.register("a.byrne")
        byrne = self.fresh("a.byrne")
        report = requests.request(case, actor=self.people["d.osei"], at=AT, reason="Complaint.")
        why = "It was said on the telephone."
        acts = {
            "edit": lambda: self._edit(case, byrne),
            "note": lambda: edits.add_note(case.pk, "Seen.", actor=byrne, at=AT),
            "attach": lambda: edits.attach(
                case.pk, kind="document", file_name="a.txt", media_type="text/plain", data=b"a", actor=byrne, at=AT
            ),
            "snooze": lambda: snoozes.snooze(case.pk, AT + timedelta(days=1), actor=byrne, at=AT, reason=why),
            "link": lambda: links.make(case.pk, "related", other.reference, actor=byrne, at=AT, reason=why),
            "part": lambda: joining.part(case.pk, 2, actor=byrne, at=AT),
            "reveal": lambda: queries.reveal(case, "person-2-phone", purpose="casework", actor=byrne, at=AT),
            "ask for a report": lambda: requests.request(case, actor=byrne, at=AT, reason=why),
            "open a report": lambda: requests.open_report(report, actor=byrne, at=AT),
            "reveal_person": lambda: reveals.reveal_person(case, 2, purpose="casework", actor=byrne, at=AT),
        }
        assert policy.get_visible(byrne, case.uid) == case
        for act in acts.values():
            with nothing_written(), pytest.raises(CaseError, match=TIED):
                act()

    def _edit(self, case, actor):
        with edits.change(case.pk, actor=actor, at=AT) as edit:
            edit.party(2, phone="+447700900199")


def test_the_page_declares_it_and_the_case_is_gone(db):
    people = factories.office()
    case = factories.referred(people)
    client, path = desk.client_of("a.byrne"), reverse("web:conflict", args=[case.uid])
    assert path in client.get(reverse("web:case", args=[case.uid])).content.decode()
    with nothing_written():
        refused = client.post(path, {"reason": " "})
    assert refused.status_code == 422 and "Say why." in refused.content.decode()
    done = client.post(path, {"reason": "My neighbour."}, follow=True)
    assert "It is on record." in done.content.decode()
    assert done.redirect_chain == [("/cases/", 302)]
    assert client.get(path).status_code == 404
    assert (
        "Reassign: a caseworker declared a conflict"
        in desk.client_of("p.nair").get("/tasks/?view=all").content.decode()
    )
    reader = desk.client_of("b.lacombe")
    with nothing_written():
        assert reader.post(path, {"reason": "No."}).status_code == 403


def test_the_next_case_is_one_to_which_there_is_no_tie(db):
    people = factories.office()
    factories.referred(people)
    other = factories.referred(people, account_reference="NM-1")
    payload = {"user": people["a.byrne"].user_id, "account": "NM-4471"}
    proposals.propose("tie_person", payload, actor=people["a.byrne"], at=AT, reason="My sister.")
    assert worklist.take_next(actors.staff(User.objects.get(username="a.byrne")), at=AT) == other
