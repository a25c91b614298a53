"""All states × all moves of every lifecycle in the catalogue, and × all twenty roles, against the design's table."""

from dataclasses import replace

from django.test import TestCase

from cases.kernel import actors, casetypes, transitions, verdicts
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, Team
from cases.kernel.roles import ROLES
from cases.ledger.models import SecurityEvent
from tests import (
    associations,
    checks,
    disclosures,
    factories,
    sales,
)
from tests.kernel.attempts import (
    AGENCY,
    AGREED,
    AGREED_FROM,
    APART,
    ATTEMPTS,
    BY_A_PERSON,
    FROM_OUTSIDE,
    HOME,
    LATE,
    NOT_ANY_STAFF,
    NOT_FROM,
    OWN_ALONE,
    SALE,
    STATES,
    Attempt,
    designed,
)
from tests.kernel.snapshots import nothing_written, undone
from tests.length import AT_LENGTH


class EveryMoveFromEveryState(TestCase):
    """One office, one case in each state; whatever succeeds is undone at once."""

    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.people["judge"] = factories.judge(cls.people)
        cls.people["second"] = disclosures.other_approver(cls.people)
        cls.people["reviewer"] = associations.other_reviewer(cls.people)
        ATTEMPTS["contest"]["assign"] = Attempt(checks.RIGHTS, checks.to_reviewer(cls.people))
        cls.cases = {
            (kind, state): build(cls.people).pk for kind, states in STATES.items() for state, build in states.items()
        }
        cls.apart = {key: build(cls.people).pk for key, build in APART.items()}
        ready = Case.objects.get(pk=cls.apart["debt_sale", "approved", "complete"])
        ATTEMPTS["debt_sale"]["complete"] = replace(SALE["complete"], inputs=sales.paid(ready))
        cls.home = {kind: Team.objects.get(code=code).pk for kind, code in HOME.items()}

    def machines(self, kind):
        return {"system": actors.system("tests"), "agency": AGENCY[kind]()}

    def actor(self, name, kind):
        return self.people.get(name) or self.machines(kind)[name]

    def case_for(self, kind, state, name):
        return self.apart.get((kind, state, name), self.cases[kind, state])

    def attempt(self, kind, state, name, actor):
        """Return the state that the move leads to, or None when it is refused; undo it."""
        how = ATTEMPTS[kind][name]
        with undone():
            try:
                pk = self.case_for(kind, state, name)
                case = transitions.apply(pk, name, actor=actor, at=how.at, inputs=how.given(pk), reason="Tried.")
            except CaseError:
                return None
            for who in AGREED_FROM.get((kind, state, name), AGREED.get((kind, name), ())):
                waiting = case.approvals.get(closed_at=None)
                case = verdicts.decide(waiting.uid, "agreed", actor=self.people[who], at=how.at)
            assert Case.objects.get(pk=case.pk).state == case.state
            return case.state

    def refuse(self, kind, state, name, actor):
        """Return whether the move is refused; the refusal is counted once."""
        before = SecurityEvent.objects.count()
        how = ATTEMPTS[kind][name]
        try:
            pk = self.case_for(kind, state, name)
            transitions.apply(pk, name, actor=actor, at=how.at, inputs=how.given(pk), reason="Tried.")
        except CaseError:
            assert SecurityEvent.objects.count() == before + 1
            return True
        return False

    def test_catalogue_is_covered(self):
        for casetype in casetypes.all_types():
            assert set(STATES[casetype.code]) == {state.code for state in casetype.lifecycle.states}
            assert set(ATTEMPTS[casetype.code]) == {move.name for move in casetype.lifecycle.transitions}
        for (kind, state), pk in self.cases.items():
            assert (Case.objects.get(pk=pk).kind, Case.objects.get(pk=pk).state) == (kind, state)

    def test_allowed_moves_reach_the_designs_target(self):
        wrong = []
        for kind, state in self.cases:
            for name, move in designed(kind).items():
                if state in move.sources and (kind, state, name) not in NOT_FROM:
                    reached = self.attempt(kind, state, name, self.actor(ATTEMPTS[kind][name].by, kind))
                    if reached != move.target_from(state):
                        wrong.append((kind, state, name, reached))
        assert wrong == []

    def test_every_other_move_is_refused_writes_nothing_and_is_counted_once(self):
        for kind in STATES:
            others = [
                (state, name)
                for state in STATES[kind]
                for name, move in designed(kind).items()
                if state not in move.sources or (kind, state, name) in NOT_FROM
            ]
            with nothing_written(counted=len(others)):
                went_through = [
                    (state, name)
                    for state, name in others
                    if not self.refuse(kind, state, name, self.actor(ATTEMPTS[kind][name].by, kind))
                ]
                assert went_through == []

    def pairs(self):
        for kind in STATES:
            for name, move in designed(kind).items():
                for state in sorted(move.sources & set(STATES[kind])):
                    if (kind, state, name) in NOT_FROM:
                        continue
                    yield kind, state, name, move

    def by_turns(self, who):
        """Return each move with each of these from one of its states, so that all of its states come to be tried: a
        right does not hang on the state. At length each from every state."""
        sources: dict[tuple[str, str], list] = {}
        for pair in self.pairs():
            sources.setdefault((pair[0], pair[2]), []).append(pair)
        return [
            (*pair, each)
            for (kind, _), pairs in sources.items()
            for turn, each in enumerate(who(kind, pairs[0][3]))
            for pair in (pairs if AT_LENGTH else [pairs[turn % len(pairs)]])
        ]

    def tried(self, kind, name):
        """Return the role in which a move is made from each of its states by who is to reach the design's target."""
        by = ATTEMPTS[kind][name].by
        actor = self.people.get(by)
        if actor is None:
            return by
        is_alone = len(actor.roles) == 1 and self.home[kind] in actor.team_ids
        return next(iter(actor.roles)) if is_alone else ""

    def person(self, role, *teams, move=None):
        """Somebody of one role; for a move that nobody makes who had a part before, somebody who had none."""
        fitting = next((one for one in self.people.values() if one.roles == {role}), self.people["d.osei"])
        apart = ("neither original maker nor checker", "not the releasing", "not who removed")
        if move is not None and move.check.startswith(apart):
            fitting = self.people["m.achterberg"]
        if move is not None and "not who removed it" in move.guard:
            fitting = self.people["m.achterberg"]
        return replace(fitting, roles=frozenset({role}), team_ids=frozenset(teams))

    def test_each_move_is_open_to_the_designs_roles_alone(self):
        def shut_out(_kind, move):
            return [
                role for role in ROLES if not ((role in move.roles and role != "agency") or _is_any_staff(move, role))
            ]

        refused = [(kind, state, name, role) for kind, state, name, _, role in self.by_turns(shut_out)]
        with nothing_written(counted=len(refused)):
            went_through = [
                each for each in refused if not self.refuse(*each[:3], self.person(each[3], self.home[each[0]]))
            ]
            assert went_through == []
        for kind, state, name, move in self.pairs():
            if (kind, name) in OWN_ALONE:
                continue
            for role in move.roles & set(ROLES) - {"agency", self.tried(kind, name)}:
                person = self.person(role, self.home[kind], move=move)
                assert self.attempt(kind, state, name, person), (state, name, role)

    def test_the_right_role_of_another_team_is_refused(self):
        by_hand = [
            (kind, state, name, role)
            for kind, state, name, move in self.pairs()
            for role in move.roles & set(ROLES) - {"agency"}
            if (kind, name) not in FROM_OUTSIDE
        ]
        away = {team.code: team.pk for team in Team.objects.filter(code__in=("collections", "fraud"))}
        stranger = {"user_id": self.people["m.achterberg"].user_id, "label": self.people["m.achterberg"].label}
        for pk in self.cases.values():  # not reached by being its assignee either
            assert Case.objects.get(pk=pk).assignee_id != stranger["user_id"]
        with nothing_written(counted=len(by_hand)):
            for kind, state, name, role in by_hand:
                other = away["fraud" if HOME[kind] == "collections" else "collections"]
                assert self.refuse(kind, state, name, replace(self.person(role, other), **stranger)), (state, name)

    def test_machines_do_only_what_the_design_gives_them(self):
        other = replace(factories.fpa(), agency_kind="post", agency_code="sandbox-post", label="agency:sandbox-post")
        own = [
            replace(other, agency_kind="own_system", agency_code=code, label=f"agency:{code}")
            for code in ("own-orders", "own-detection", "system", "fraud_approver")
        ]

        def shut_out(kind, move):
            return [*(one for role, one in self.machines(kind).items() if role not in move.roles), other, *own]

        refused = self.by_turns(shut_out)
        with nothing_written(counted=len(refused)):
            for kind, state, name, _, machine in refused:
                assert self.refuse(kind, state, name, machine), (state, name, machine.label)
        for kind, state, name, move in self.pairs():
            machines = self.machines(kind)
            others = move.roles & set(machines) - {self.tried(kind, name)}
            for role in others if (kind, state, name) not in BY_A_PERSON else ():
                assert self.attempt(kind, state, name, machines[role]), (state, name, role)

    def test_an_unknown_move_and_a_missing_reason_are_refused(self):
        kind, state = "fraud_referral", "triage"
        with nothing_written(counted=2):
            for name in ("vanish", "close_no_action"):
                try:
                    transitions.apply(self.cases[kind, state], name, actor=self.people["a.byrne"], at=LATE, reason=" ")
                except transitions.TransitionRefused as refusal:
                    assert str(refusal) in {"This kind of case knows no such step.", "Give a reason."}
                else:
                    raise AssertionError(name)

    def test_offers_say_beforehand_what_apply_will_answer(self):
        asked: dict[tuple, dict] = {}  # one question answers for every move of a case

        def offers(pk, actor):
            case = Case.objects.get(pk=pk)
            return {offer.transition.name: offer for offer in transitions.offers(case, actor)}

        for kind, state, name, move in self.pairs():
            pk = self.case_for(kind, state, name)
            for role in sorted(set(ROLES) - {"agency"}):
                actor = self.person(role, self.home[kind], move=move)
                key = pk, role, actor.user_id
                offered = asked[key] if key in asked else asked.setdefault(key, offers(pk, actor))
                if name not in offered:
                    assert not move.roles & set(ROLES) - {"agency"}, name
                    continue
                may = role in move.roles or _is_any_staff(move, role)
                assert offered[name].is_open == may, (state, name, role, offered[name].refusals)


def _is_any_staff(move, role):
    return "any_staff" in move.roles and role not in NOT_ANY_STAFF
