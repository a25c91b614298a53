"""Long walks at random: whatever people, agency and time try, the code does what the plain model says."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from django.test import TestCase

from cases.kernel import actors, casetypes, edits, transitions
from cases.kernel.errors import CaseError
from cases.kernel.models import Approval, Case, OutboxMessage
from cases.ledger import verify
from cases.ledger.models import LedgerEvent, SecurityEvent
from tests import factories
from tests.fraud.model import ENDS, MOVES, NEEDS_ANOTHER, Person, Referral

WALKS, STEPS, FILED_FROM = 22, 42, 18
OTHER_ACTS = ("note", "edit", "attach")
INPUTS = {
    "submit": {"pillars": factories.MAKER_ANSWERS},
    "approve": factories.CHECKER_INPUTS,
    "reject_by_agency": {"errors": [{"pointer": "/subjects/0", "code": "X"}]},
    "file": {"agency_reference": "SFR-2026-0004417"},
    **dict.fromkeys(("dispute", "note_dispute"), {"grounds": "not_me"}),
    "remove": {"reason_code": "error"},
    "report_to_police": {"people": ["1"], "documents": ["1"], "story_holds": "no"},
}
# From here only one end can be reached; walks go there last.
LAST = {*ENDS, "removal_requested"}
STANDING = {"filed", "disputed"}


def distance(state, goal):
    """Return the fewest moves from a state to an end."""
    reached, steps = {state}, 0
    while goal not in reached and steps < len(MOVES):
        reached |= {move.target for move in MOVES.values() if move.sources & reached and move.target != "="}
        steps += 1
    return steps


class Walk:
    """One case in the code and in the model, side by side."""

    def __init__(self, cast, chance, taken, goal):
        self.cast, self.chance, self.taken, self.goal = cast, chance, taken, goal
        self.moves = [move.name for move in casetypes.get("fraud_referral").lifecycle.transitions]
        self.case = factories.referred({"a.byrne": cast["a.byrne"]})
        self.model = Referral(opened_by="a.byrne")
        self.at = factories.AT
        self.steps = 0

    def after(self, act):
        return MOVES[act].target_from(self.model.state)

    def leads_to_the_goal(self, act):
        """Whether this walk's end can be reached after an act, by steps in the right order."""
        return act not in MOVES or distance(self.after(act), self.goal) < len(MOVES)

    def heading(self):
        """Return where the walk is going now: nowhere, to a filing that stands, or to its end."""
        if self.steps >= STEPS - 9:
            return self.goal
        is_after_filing = self.goal in {"removed", "expired"} and self.steps >= FILED_FROM
        return "filed" if is_after_filing and self.model.state not in STANDING else ""

    def too_early(self):
        """What must not be reached yet, so that each part of the way is walked often."""
        return LAST if self.steps >= FILED_FROM else {*LAST, "filed"}

    def choose(self):
        """Mostly something the model allows, of that what was done least, or what leads where the walk is going; else
        anything by anybody."""
        people = [Person(name, self.roles(name)) for name in self.cast]
        heading = self.heading()
        is_late = heading == self.goal or self.chance.random() < 0.5
        if heading and not self.model.documents:
            return "attach", people[0], is_late
        if not heading and self.model.state in STANDING and not self.model.changers and self.chance.random() < 0.5:
            return "edit", people[2], is_late
        allowed = [
            (act, who)
            for act in self.moves
            for who in people
            if self.model.allows(act, who, is_late=is_late)
            and self.leads_to_the_goal(act)
            and (heading == self.goal or self.after(act) not in self.too_early())
            and not (who.name == "judge" and act in NEEDS_ANOTHER)
        ]
        if not allowed or self.chance.random() > (0.9 if heading else 0.7):
            act, who = self.chance.choice([*self.moves, *OTHER_ACTS * 2]), self.chance.choice(people)
            would_end = self.model.allows(act, who, is_late=True) and not self.leads_to_the_goal(act)
            return ("note" if would_end else act), who, is_late
        fewest = min(self.cost(act, heading) for act, _ in allowed)
        return *self.chance.choice([pair for pair in allowed if self.cost(pair[0], heading) == fewest]), is_late

    def cost(self, act, heading):
        if heading:
            return distance(self.after(act), heading)
        stays = self.after(act) == self.model.state and self.taken[act] >= 8  # enough of it; let the case move
        return self.taken[act] + 1000 * stays

    def roles(self, name):
        actor = self.cast[name]
        return actor.roles if actor.kind == "staff" else frozenset({actor.kind})

    def step(self):
        act, who, is_late = self.choose()
        expected = self.model.allows(act, who, is_late=is_late)
        self.steps += 1
        self.at += timedelta(minutes=1)
        at = self.at + timedelta(days=6 * 366) if is_late and act == "expire" else self.at
        refusals = SecurityEvent.objects.count()
        try:
            self.do(act, self.cast[who.name], at)
            happened = True
        except CaseError:
            happened = False
            assert SecurityEvent.objects.count() - refusals == (act in MOVES)
        assert happened == expected, (act, who, self.model, is_late)
        if happened:
            self.model.do(act, who)
            self.taken[act] += 1
        self.compare(act)

    def do(self, act, actor, at):
        pk = self.case.pk
        if act == "note":
            edits.add_note(pk, "Rang the shop.", actor=actor, at=at)
        elif act == "edit":
            with edits.change(pk, actor=actor, at=at) as edit:
                edit.facts(loss_pence=self.steps)
        elif act == "attach":
            edits.attach(pk, kind="chat", file_name="a.txt", media_type="text/plain", data=b"a", actor=actor, at=at)
        else:
            transitions.apply(pk, act, actor=actor, at=at, reason="Because.", inputs=INPUTS.get(act, {}))

    def compare(self, act):
        case = Case.objects.get(pk=self.case.pk)
        messages = OutboxMessage.objects.filter(case=case).order_by("pk").values_list("kind", "state")
        assert (case.state, case.is_closed) == (self.model.state, self.model.state in ENDS), act
        assert case.version == self.model.events
        assert LedgerEvent.objects.filter(stream=case.uid).count() == self.model.events
        assert Approval.objects.filter(case=case, closed_at=None, mode="before").exists() == self.model.waits, act
        assert [state for kind, state in messages if kind == "fpa_file"] == self.model.messages, act
        assert [each for each in messages if each[0] != "fpa_file"] == self.model.words, act


class WalksAtRandom(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()

    def cast(self):
        both = frozenset({"fraud_analyst", "fraud_approver"})
        return {
            "a.byrne": self.people["a.byrne"],
            "d.osei": replace(self.people["d.osei"], roles=both),
            "p.nair": self.people["p.nair"],
            "h.castellan": replace(
                self.people["h.castellan"], roles=frozenset({"fraud_approver"}), team_ids=self.people["d.osei"].team_ids
            ),
            "judge": factories.judge({**self.people, "h.castellan": self.people["c.adebayo"]}),
            "i.sowande": self.people["i.sowande"],
            "system": actors.system("tests"),
            "agency": factories.fpa(),
        }

    @pytest.mark.timeout(900)
    def test_walks_agree_with_the_model_and_take_every_move(self):
        chance, taken, lengths = Random(20261113), Counter(), []
        for number in range(WALKS):
            walk = Walk(self.cast(), chance, taken, sorted(ENDS)[number % len(ENDS)])
            while walk.steps < STEPS:
                walk.step()
            lengths.append(walk.steps)
            wrong = [each for each in verify.verify_stream(walk.case.uid) if each.level != "recorded late"]
            assert wrong == [] or walk.model.state == "expired", wrong  # a time to come is itself a finding
        moves = [move.name for move in casetypes.get("fraud_referral").lifecycle.transitions]
        assert sum(lengths) / len(lengths) >= 30
        # On these walks nothing is delivered, so that the agency always waits to be sent the removal; and few come so
        # far that somebody disputes it after that.
        assert {move for move in moves if taken[move] < 5} == {"note_dispute", "note_removal"}, taken
