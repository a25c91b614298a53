"""People, tries, answers and edits in any order hypothesis thinks of: the code does what the plain model says.

The suite takes a few runs; `make soak` takes 500 (BACKOFFICE_RUNS) and prints how often each thing happened.
"""

import json
import os
import uuid
from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from django.db import connection, transaction
from django.test import TestCase
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cases.agencies import application, delivery, inbound, senders
from cases.agencies.transports.base import Answer, DeliveryError
from cases.fraud import incoming
from cases.fraud.models import IncomingNotice
from cases.kernel import actors, edits, holds, transitions, verdicts
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies, deadletters
from cases.kernel.models import Approval, Case, CaseLink, ChannelHealth, Hold, OutboxMessage, User
from cases.ledger import verify
from tests import factories
from tests.agencies.stage import FPA, now
from tests.api.caller import callback
from tests.fraud.casework import ALL_ENDS, COMMON, NOTICES, Casework
from tests.fraud.exchange import AFTER_FILING, Exchange
from tests.fraud.model import MOVES, Person
from tests.fraud.test_walks import INPUTS, STANDING
from tests.kernel.snapshots import snapshot
from tests.length import times

RUNS, STEPS = int(os.environ.get("BACKOFFICE_RUNS", times(6, 500))), 60
# From its tenth run on hypothesis mostly varies what it did before, and what is rare stays rare: it begins anew sooner.
TOGETHER = 5
EDITS = ("note", "edit", "attach", "add")
# By a callback, or by delivery: tests/fraud/exchange.py says when.
NOT_BY_HAND = {"open", "submitted", "reject_by_agency", "file", "confirm_removal"}
ACTS = (*(name for name in MOVES if name not in NOT_BY_HAND), *COMMON)
# The first two are final and come late, so that runs are long; the others lead back by reopening.
LAST = {"remove": 30, "expire": 30}
ENDING = {"close_no_action", "refuse", "void", "merge"}
TAKING_OUT = {"detach", "split"}
PEOPLE = ("a.byrne", "d.osei", "p.nair", "i.sowande", "v.tranter", "judge", "second judge")
# What is open to few people or for a short while is chosen the more often where it is.
LIKELIER = {
    "refuse": 8,
    "withdraw": 8,
    "return": 4,
    "void": 9,
    "merge": 12,
    "split": 5,
    "note_removal": 6,
    "note_dispute": 6,
    "amend": 4,
    "close_no_action": 4,
}
RARELY_ASKED = {"void", "amend", "split", "merge", "report_to_police"}
# What happens seldom: runs lean towards one of these at a time.
LOOKS = ("confirmed", "not_confirmed")
OUTCOMES = sorted({outcome for each in NOTICES.values() for outcome in each})
AIMS = (*LIKELIER, "amend_disputed", "correct", "report_to_police", "reopen", "not_confirmed", *OUTCOMES)
UNTOLD = {"split", "merge", "void", "close_no_action", "refuse", "withdraw"}  # before the agency is told
AFTER_THE_LAST = {"note_removal", "note_dispute", *LOOKS}
BEFORE_FILING = {"correct", "return", "withdraw", "refuse"}
LEANS = 4  # each how many acts
SOON = 10  # acts before which a run does not end
FORWARD = {
    "referred": ("take", "a.byrne"),
    "triage": ("accept", "a.byrne"),
    "investigating": ("submit", "a.byrne"),
    "ready": ("approve", "d.osei"),
    "rejected": ("correct", "a.byrne"),
    **dict.fromkeys(("no_action", "refused", "void", "merged"), ("reopen", "p.nair")),
}
ERRORS = json.dumps({"title": "Refused", "errors": [{"pointer": "/subjects/0", "code": "X"}]}).encode()
ANSWERS = {
    "arrives": Answer(status=202),
    "refused": Answer(status=422, body=ERRORS, media_type="application/problem+json"),
    "again": Answer(status=503),
    "lost": DeliveryError("read_timeout"),
    "never": Answer(status=404),
}
SAID = {
    "filed": {"agency_reference": "SFR-2026-0004417"},
    "rejected": {"data": {"errors": [{"pointer": "/x", "code": "X"}]}},
    "disputed": {"data": {"grounds": "not_me"}},
    "removed": {},
    **{kind: {"data": {"expires_date": "2028-10-04"}} for kind in NOTICES},
}
HOLDS = {"vulnerable": {}, "legal": {"blocks": ["report"]}}
VERDICTS = ("agreed", "refused", "withdrawn")
WHAT_HAPPENS = {
    *(*ACTS, *EDITS, *ANSWERS, *SAID, *VERDICTS, *LOOKS, *OUTCOMES, "repeat", "hold", "give", "try_again", "skip"),
    *(f"{act} by two" for act in (*COMMON, "amend", "report_to_police")),
    *(f"{act} alone" for act in ("detach", "release_hold", "amend", "report_to_police")),
}
WHAT_IS_REFUSED = {*ACTS, *EDITS, *VERDICTS, *LOOKS, *OUTCOMES, "hold", "give"}
STANDS = """
SELECT json_build_object(
  'case', (SELECT json_build_array(c.state, c.is_closed, u.username) FROM cases_case c
             LEFT JOIN cases_user u ON u.id = c.assignee_id WHERE c.id = %(case)s),
  'filings', (SELECT coalesce(json_agg(state ORDER BY seq), '[]') FROM cases_outboxmessage
               WHERE case_id = %(case)s AND kind = 'fpa_file'),
  'words', (SELECT coalesce(json_agg(json_build_array(kind, state) ORDER BY id), '[]') FROM cases_outboxmessage
             WHERE case_id = %(case)s AND kind <> 'fpa_file'),
  'heard', (SELECT coalesce(json_agg(state ORDER BY id), '[]') FROM cases_callback),
  'waiting', (SELECT coalesce(json_agg(json_build_array(mode, act)), '[]') FROM cases_approval
               WHERE case_id = %(case)s AND closed_at IS NULL),
  'people', (SELECT coalesce(json_agg(json_build_array(number, NOT is_innocent) ORDER BY number), '[]')
               FROM cases_caseparty WHERE case_id = %(case)s AND NOT is_detached),
  'notices', (SELECT coalesce(json_agg(json_build_array(kind, their_reference, outcome) ORDER BY number), '[]')
                FROM cases_incomingnotice WHERE case_id = %(case)s),
  'holds', (SELECT count(*) FROM cases_hold WHERE case_id = %(case)s AND released_at IS NULL),
  'parts', (SELECT count(*) FROM cases_caselink WHERE other_id = %(case)s AND kind = 'split_from'),
  'releases', (SELECT count(*) FROM cases_release WHERE case_id = %(case)s AND message_kind = 'fpa_file'),
  'files', (SELECT count(*) FROM cases_ledgerevent
             WHERE stream = %(stream)s AND action = 'fraud_referral.file'))::text
"""
taken, refused, lengths = Counter(), Counter(), []
somebody = some.sampled_from(PEOPLE)
some_seed = some.integers(0, 2**32 - 1)


def tell():
    """Print how many runs there were, how long they are, and how often each thing happened and was refused."""
    print(f"\n{len(lengths)} runs, {sum(lengths) / len(lengths):.1f} steps each")
    print("Taken:", {name: taken[name] for name in sorted(WHAT_HAPPENS)})
    print("Refused:", {name: refused[name] for name in sorted(WHAT_IS_REFUSED)}, flush=True)


class Office(RuleBasedStateMachine):
    """One referral in the code and in the model, side by side. What a run writes is undone after it."""

    people: dict
    case: Case
    other: Case
    aim: str

    def __init__(self):
        super().__init__()
        self.undone = transaction.atomic()
        self.undone._from_testcase = True
        self.undone.__enter__()
        self.model = Exchange(Casework(opened_by="a.byrne"))
        self.at, self.steps, self.said, self.told_of = factories.AT, 0, [], []
        self.has_expired, self.leaned = False, 0

    def teardown(self):
        lengths.append(self.steps)
        if len(lengths) % 50 == 0:
            tell()
        streams = [self.case.uid, self.other.uid, *self.parts().values_list("case__uid", flat=True)]
        found = [each for uid in streams for each in verify.verify_stream(uid)]
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)
        # A time to come is itself a finding, and an expiry lies years ahead.
        assert self.has_expired or [each for each in found if each.level != "recorded late"] == []

    def parts(self):
        return CaseLink.objects.filter(other=self.case, kind="split_from")

    def chance(self, seed):
        """Chooses evenly; what hypothesis draws leans towards ends and repeats."""
        return Random(f"{seed} {self.steps}")

    def person(self, username):
        return Person(username, frozenset({"system"}) if username == "system" else self.people[username].roles)

    def tried(self, name, expected, write):
        """Do what the model allows or refuses; what is refused writes nothing. Returns whether it happened."""
        self.at += timedelta(minutes=1)
        before = None if expected else snapshot()
        try:
            write()
            happened = True
        except CaseError:
            happened = False
        assert happened == expected, (name, self.model)
        if not happened:
            after = snapshot()
            assert {each for each in after if before[each] != after[each]} == set(), name
        (taken if happened else refused)[name] += 1
        return happened

    def act(self, name, username, given=None):
        who, case = self.person(username), self.model.case
        actor = actors.system("tests") if username == "system" else self.people[username]
        at = timedelta(days=6 * 366 + 30) if name == "expire" else timedelta()
        is_alone = not case.needs_another(name, given)
        expected = case.allows(name, who, is_late=bool(at), given=given)
        if self.tried(name, expected, lambda: self.write(name, actor, given, self.at + at)):
            case.do(name, who, given)
            self.has_expired |= name == "expire"
            taken[f"{name} alone"] += is_alone
        self.compare()

    def write(self, name, actor, given, at):
        if name == "note":
            edits.add_note(self.case.pk, "Rang the shop.", actor=actor, at=at)
        elif name == "edit":
            with edits.change(self.case.pk, actor=actor, at=at) as edit:
                edit.facts(loss_pence=self.steps + 1)
        elif name == "add":
            with edits.change(self.case.pk, actor=actor, at=at) as edit:
                edit.add_party(factories.FRAUDSTER)
        elif name == "attach":
            file = {"kind": "chat", "file_name": "a.txt", "media_type": "text/plain", "data": b"a"}
            edits.attach(self.case.pk, **file, actor=actor, at=at)
        else:
            inputs = self.inputs(name, given)
            transitions.apply(self.case.pk, name, actor=actor, at=at, reason="Because.", inputs=inputs)

    def inputs(self, name, given):
        papers = ["1"] if self.model.case.documents else []
        if name == "report_to_police":
            people = [str(number) for number in sorted(self.model.case.people)[:1]]
            said = {"has_communications_data": given == "calls", "story_holds": "no"}
            return {"people": people, "documents": papers or ["1"], **said}
        if name == "release_hold":
            pks = list(Hold.objects.filter(case=self.case).order_by("pk").values_list("pk", flat=True))
            return {"hold": str(pks[given] if given < len(pks) else 0)}
        return {
            "merge": {"into": str(self.other.uid)},
            "split": {"people": [given], "both": [], "documents": papers},
            "detach": {"person": str(given)},
        }.get(name, INPUTS.get(name, {}))

    def choices(self, name):
        """What such an act could be about, in this case."""
        case = self.model.case
        return {
            "release_hold": sorted(case.holds) or [case.entered],
            "split": sorted(case.people) or [1],
            "detach": sorted(case.people) or [1],
            "report_to_police": [None, "calls"],
        }.get(name, [None])

    def comes_early(self, name):
        """What ends a run comes late, and what leaves little to do not often."""
        is_rare = name in ENDING or (name in TAKING_OUT and len(self.model.case.people) < 3)
        ahead = LAST.get(name, 0)
        is_early = self.steps < (min(ahead, SOON) if self.aim in AFTER_THE_LAST else ahead)
        return is_early if name == self.aim else is_early or (is_rare and self.steps % 3 > 0)

    @initialize(ahead=some.sampled_from((0, 1, 3, 4, 5, 6, 7, 7, 8, 8, 8, 8)))
    def it_stands_somewhere(self, ahead):
        for _ in range(min(ahead, 3) if self.aim in UNTOLD else ahead):
            self.go_on()

    @rule(seed=some_seed)
    def somebody_tries(self, seed):
        chance = self.chance(seed)
        name = chance.choice([name for name in ACTS if not self.comes_early(name)])
        choices = [*self.choices(name), *([7] if name in {"release_hold", "split", "detach"} else [])]
        self.act(name, chance.choice((*PEOPLE, "system")), chance.choice(choices))

    @rule(seed=some_seed)
    def somebody_does_what_is_open(self, seed):
        self.do_what_is_open(self.chance(seed))

    @precondition(lambda self: self.model.case.state in STANDING)
    @rule(seed=some_seed)
    def a_filing_that_stands_is_worked_on(self, seed):
        chance = self.chance(seed)
        if chance.random() < 0.7:
            self.do_what_is_open(chance)
        else:
            self.act(chance.choice(("edit", "add")), "p.nair")

    def do_what_is_open(self, chance):
        if found := self.open_acts(ACTS):
            names = sorted(found)
            [name] = chance.choices(names, [LIKELIER.get(each, 1) for each in names])
            self.act(name, *chance.choice(found[name]))

    def open_acts(self, names):
        """Which of these acts somebody may do now, with who and about what."""
        case, found = self.model.case, {}
        for name in (name for name in names if name in ACTS and not self.comes_early(name)):
            for username in ("system",) if name == "expire" else PEOPLE:
                for given in self.choices(name):
                    if case.allows(name, self.person(username), is_late=True, given=given):
                        found.setdefault(name, []).append((username, given))
        return found

    @invariant()
    def it_leans_towards_what_is_rare(self):  # noqa: C901 -- one line for each way
        """Rules may be switched off for a run; this is not. It draws nothing: a run that is told again goes the same
        way."""
        if self.steps % LEANS or self.steps == self.leaned:
            return
        self.leaned, chance = self.steps, self.chance(self.aim)
        if self.aim in self.model.case.asked:
            able = [each for each in PEOPLE if self.model.case.allows_answer(self.aim, "agreed", self.person(each))]
            self.answer(self.aim, "agreed", chance.choice(able or PEOPLE))
        elif open_ones := self.open_acts([self.aim]):
            self.act(self.aim, *chance.choice(open_ones[self.aim]))
        elif able := self.possible_decisions([self.aim]):
            self.decide(*chance.choice(able))
        elif self.aim in OUTCOMES and self.model.filings:
            kind = next(kind for kind, outcomes in NOTICES.items() if self.aim in outcomes)
            self.say(kind, 0, chance.randint(1, 3))
        elif self.aim in AFTER_THE_LAST and (removal := self.open_acts(["remove"])):
            self.act("remove", *chance.choice(removal["remove"]))
        elif self.aim == "note_removal" and self.model.case.state == "removal_requested":
            self.send("refused")
        elif self.aim == "amend" and self.model.case.state == "filed":
            self.act("add", "p.nair")
        elif self.aim == "amend_disputed" and self.model.case.state == "disputed":
            self.act("edit", "p.nair")
        elif self.aim in BEFORE_FILING and self.model.case.state in {*FORWARD, "approved", "submitted"}:
            self.go_on()

    @rule(name=some.sampled_from(EDITS), username=some.sampled_from(["a.byrne", "p.nair", "i.sowande"]))
    def somebody_edits(self, name, username):
        self.act(name, username)

    @precondition(lambda self: self.model.case.state in {*FORWARD, "approved", "submitted"})
    @rule(is_more=some.booleans())
    def the_work_goes_on(self, is_more):
        for _ in range(1 + 2 * is_more):
            self.go_on()

    def go_on(self):
        """Take the next step towards a filing that stands."""
        case = self.model.case
        if case.state == "approved":
            self.send("arrives")
        if case.state in {"approved", "submitted"}:
            is_rejected = self.aim == "correct" and len(self.model.filings) == 1
            self.say("rejected" if is_rejected else "filed", 0, 1)
        if case.state not in FORWARD:
            return
        name, username = FORWARD[case.state]
        if name in {"submit", "approve"} and "legal" in case.holds.values():
            self.release_what_holds_it()
        elif name in case.asked:
            self.answer(name, "agreed", "d.osei")
        else:
            if name == "submit":
                name = "attach" if not case.documents else name if case.adverse else "add"
            is_free = username != "d.osei" or case.allows(name, self.person(username))
            self.act(name, username if is_free else "judge")

    @precondition(lambda self: self.model.case.state == "ready")
    @rule(name=some.sampled_from(("refuse", "return", "withdraw")), seed=some_seed)
    def what_waits_for_agreement_is_turned_down(self, name, seed):
        able = [each for each in PEOPLE if self.model.case.allows(name, self.person(each))]
        self.act(name, self.chance(seed).choice(able or PEOPLE))

    @precondition(lambda self: RARELY_ASKED & {*self.model.case.asked} and self.steps > SOON)
    @rule(seed=some_seed)
    def what_is_rarely_asked_is_agreed(self, seed):
        name = min(RARELY_ASKED & {*self.model.case.asked})
        able = [each for each in PEOPLE if self.model.case.allows_answer(name, "agreed", self.person(each))]
        self.answer(name, "agreed", self.chance(seed).choice(able or PEOPLE))

    def release_what_holds_it(self):
        case = self.model.case
        held, asked = next(place for place, kind in case.holds.items() if kind == "legal"), case.asked
        if "release_hold" not in asked:
            self.act("release_hold", "p.nair", held)
        else:
            self.answer("release_hold", "agreed" if asked["release_hold"].given == held else "refused", "judge")

    @precondition(lambda self: self.model.case.asked)
    @rule(seed=some_seed)
    def somebody_answers(self, seed):
        chance = self.chance(seed)
        name, verdict = chance.choice(sorted(self.model.case.asked)), chance.choice((*VERDICTS, "agreed", "agreed"))
        able = [each for each in PEOPLE if self.model.case.allows_answer(name, verdict, self.person(each))]
        self.answer(name, verdict, chance.choice(able if able and chance.random() < 0.7 else PEOPLE))

    @rule(verdict=some.sampled_from(VERDICTS), username=somebody)
    def somebody_answers_too_late(self, verdict, username):
        closed = Approval.objects.filter(case=self.case, typed__isnull=False, mode="before").exclude(closed_at=None)
        last = closed.order_by("pk").last()
        if last is not None:
            actor, at = self.people[username], self.at
            self.tried(
                verdict, False, lambda: verdicts.decide(last.uid, verdict, actor=actor, at=at, reason="Because.")
            )
            self.compare()

    def answer(self, name, verdict, username):
        who, case = self.person(username), self.model.case
        uid = Approval.objects.get(case=self.case, act=name, closed_at=None, mode="before", typed__isnull=False).uid
        expected = case.allows_answer(name, verdict, who)
        given = {"actor": self.people[username], "reason": "Because.", "answer": "no"}
        if self.tried(verdict, expected, lambda: verdicts.decide(uid, verdict, at=self.at, **given)):
            case.answer(name, verdict, who)
            taken[f"{name} by two"] += verdict == "agreed"
        self.compare()

    @precondition(lambda self: self.model.case.looks_after)
    @rule(seed=some_seed)
    def somebody_looks_afterwards(self, seed):
        case, chance = self.model.case, self.chance(seed)
        verdict, able = chance.choice(LOOKS), [each for each in PEOPLE if case.allows_look(self.person(each))]
        unable = [each for each in PEOPLE if each not in able]
        username = chance.choice(able if able and chance.random() < 0.6 else unable)
        who = self.person(username)
        uid = Approval.objects.get(case=self.case, closed_at=None, mode="after").uid
        given = {"actor": self.people[username], "reason": "Because."}
        if self.tried(verdict, case.allows_look(who), lambda: verdicts.decide(uid, verdict, at=self.at, **given)):
            case.look(who)
        self.compare()

    @precondition(lambda self: len(self.model.case.holds) < 2)
    @rule(kind=some.sampled_from(sorted(HOLDS)), username=some.sampled_from(("a.byrne", "p.nair", "i.sowande")))
    def somebody_holds(self, kind, username):
        actor, expected = self.people[username], username != "i.sowande"
        if self.tried(
            "hold",
            expected,
            lambda: holds.enter(self.case.pk, kind, actor=actor, at=self.at, source="customer", **HOLDS[kind]),
        ):
            self.model.case.hold(kind)
        self.compare()

    @rule(username=somebody, to=some.sampled_from((None, "a.byrne", "d.osei", "p.nair", "i.sowande")))
    def somebody_gives_it_to(self, username, to):
        actor, user = self.people[username], User.objects.get(username=to) if to else None
        expected = self.model.case.allows_to_give(self.person(username), to)
        if self.tried("give", expected, lambda: edits.assign(self.case.pk, user, actor=actor, at=self.at)):
            self.model.case.assignee = to
        self.compare()

    @precondition(lambda self: self.model.case.notices)
    @rule(seed=some_seed)
    def somebody_decides_on_what_was_told(self, seed):
        case, chance = self.model.case, self.chance(seed)
        number, outcome = chance.randrange(len(case.notices)), chance.choice(OUTCOMES)
        username, person = chance.choice(PEOPLE), chance.randint(1, 4)
        able = self.possible_decisions(OUTCOMES)
        if able and chance.random() < 0.7:
            outcome = chance.choice(sorted({said for said, *_ in able}))
            _, number, username, person = chance.choice([each for each in able if each[0] == outcome])
        if outcome != "accepted" or not self.comes_early("remove"):
            self.decide(outcome, number, username, person)

    def possible_decisions(self, outcomes):
        """What the desk may answer to what it was told: outcome, number, who, and about which person."""
        case = self.model.case
        person = min(case.people, default=1)
        return [
            (outcome, number, name, person)
            for outcome in outcomes
            for number in range(len(case.notices))
            for name in ("a.byrne", "d.osei")
            if case.allows_decision(number, outcome, self.person(name), person)
        ]

    def decide(self, outcome, number, username, person):
        case, who = self.model.case, self.person(username)
        row = IncomingNotice.objects.get(case=self.case, number=number + 1)
        inputs = {"person": str(person), "agrees_in": ["name"], "reason_code": "error"}
        given = {"actor": self.people[username], "reason": "Because.", "inputs": inputs}
        expected = case.allows_decision(number, outcome, who, person)
        if self.tried(outcome, expected, lambda: incoming.decide(row, outcome, at=self.at, **given)):
            case.decide(number, outcome, who)
        self.compare()

    @precondition(lambda self: self.model.filings or self.model.case.words)
    @rule(seed=some_seed)
    def a_try_is_made(self, seed):
        self.send(self.chance(seed).choice((*sorted(ANSWERS), "arrives", "never")))

    def send(self, outcome):
        def answer(_parcel):
            if isinstance(ANSWERS[outcome], DeliveryError):
                raise ANSWERS[outcome]
            return ANSWERS[outcome]

        ChannelHealth.objects.update(circuit_open_until=None, minute_count=0)  # time passes
        OutboxMessage.objects.filter(state="pending").update(due_at=factories.AT)
        delivery.deliver_due(clock=now, transports={"https": answer})
        self.model.deliver("again" if outcome == "lost" else outcome)
        taken[outcome] += 1
        self.compare()

    @precondition(lambda self: "dead" in self.model.case.told)
    @rule(seed=some_seed, is_given_up=some.booleans())
    def somebody_resolves_what_failed(self, seed, is_given_up):
        case = self.model.case
        failed = [("filing", number) for number, state in enumerate(case.messages) if state == "dead"]
        failed += [("word", number) for number, (_, state) in enumerate(case.words) if state == "dead"]
        what, number = self.chance(seed).choice(failed)
        message = (self.filings() if what == "filing" else self.words())[number]
        act = deadletters.skip if is_given_up else deadletters.try_again
        act(message, actor=self.people["d.osei"], at=self.at, reason="Because.")
        self.model.resolve(what, number, "skipped" if is_given_up else "pending")
        taken["skip" if is_given_up else "try_again"] += 1
        self.compare()

    @precondition(lambda self: self.model.filings)
    @rule(seed=some_seed)
    def the_agency_says(self, seed):
        chance = self.chance(seed)
        kinds = (*sorted(NOTICES), "rejected", "rejected", "filed", "disputed", "removed")
        self.say(chance.choice(kinds), chance.randint(0, 2), chance.randint(1, 2))

    @precondition(lambda self: self.model.case.state in {"approved", "submitted"})
    @rule()
    def the_agency_files_it(self):
        self.say("filed", 0, 1)

    def say(self, kind, back, number):
        filing, word, reference = max(0, len(self.model.filings) - 1 - back), None, ""
        message = self.filings()[filing]
        asked = [number for number, (told, _) in enumerate(self.model.case.words) if told == "fpa_remove"]
        if kind == "removed" and asked:
            word = asked[-1]
            message = OutboxMessage.objects.filter(case=self.case, kind="fpa_remove").latest("seq")
        said = {"type": f"fpa.{kind}", "agency_reference": ..., "data": {}} | SAID[kind]
        if kind in NOTICES:
            reference = f"{kind}-{number}"
            said["data"] = said["data"] | {"their_reference": reference, "matched_on": ["name"]}
        document = callback(**said, reference=str(message.public_id), occurred_at=...)
        document["occurred_at"] = now().isoformat()
        self.said.append((uuid.uuid4().hex, json.dumps(document).encode()))
        self.receive(*self.said[-1])
        application.apply_pending(now=now())
        self.model.hear(kind, filing, word, reference)
        taken[kind] += 1
        self.compare()

    @precondition(lambda self: self.said and self.steps % 4 == 0)
    @rule(seed=some_seed)
    def the_agency_repeats_itself(self, seed):
        self.receive(*self.chance(seed).choice(self.said))
        application.apply_pending(now=now())
        taken["repeat"] += 1
        self.compare()

    def receive(self, message_id, raw):
        agency = agencies.get(FPA)
        channel = agencies.channel_of(agency, "in")
        sender = senders.Sender(agency=agency, channel=channel, message_id=message_id, key_name="k")
        inbound.receive(sender, raw, ip_token="", now=now())

    def filings(self):
        return OutboxMessage.objects.filter(case=self.case, kind="fpa_file").order_by("seq")

    def words(self):
        return OutboxMessage.objects.filter(case=self.case).exclude(kind="fpa_file").order_by("pk")

    def compare(self):
        self.steps += 1
        case, stands = self.model.case, self.read()
        waiting = [["before", "approve"]] * case.waits + [["before", act] for act in case.asked]
        assert stands == {
            "case": [case.state, case.state in ALL_ENDS, case.assignee],
            "filings": case.messages,
            "words": [list(each) for each in case.words],
            "heard": [one.state for one in self.model.heard],
            "waiting": sorted(waiting + [["after", "remove"]] * bool(case.looks_after)),
            "people": [[number, is_adverse] for number, is_adverse in sorted(case.people.items())],
            "notices": [[one.kind, one.reference, one.outcome] for one in case.notices],
            "holds": len(case.holds),
            "parts": case.parts,
            "releases": len(case.messages),
            "files": int(case.state in AFTER_FILING),
        }

    def read(self):
        """What the database says, in one question: a run asks sixty times."""
        with connection.cursor() as cursor:
            cursor.execute(STANDS, {"case": self.case.pk, "stream": self.case.uid})
            found = json.loads(cursor.fetchone()[0])
        return found | {"waiting": sorted(found["waiting"])}


class TheExchange(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.people["judge"] = factories.judge(cls.people)
        cls.people["second judge"] = factories.judge(cls.people, "g.whitlock")
        cls.case, cls.other = factories.referred(cls.people), factories.referred(cls.people)
        for code in (FPA, "sandbox-report-fraud"):
            channel = agencies.channel_of(agencies.get(code), "out")
            secret = "whsec_" + "A" * 43 + "="
            agencies.add_key(channel, secret, name="out-1", actor=actors.system("tests"), at=now())

    @pytest.mark.timeout(7200)
    def test_any_order_of_acts_tries_and_answers_ends_as_the_model_says(self):
        for kept in (taken, refused, lengths):
            kept.clear()
        Office.people, Office.case, Office.other = self.people, self.case, self.other
        how = settings(
            max_examples=min(RUNS, TOGETHER),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        number = 0
        while len(lengths) < RUNS:
            Office.aim = AIMS[number % len(AIMS)]
            run_state_machine_as_test(seed(number)(Office), settings=how, _min_steps=STEPS * 3 // 4)
            number += 1
        tell()
        assert sum(lengths) / len(lengths) >= 30, lengths
        if RUNS >= 100:
            assert {name for name in WHAT_HAPPENS if taken[name] < 5} == set()
            assert {name for name in WHAT_IS_REFUSED if refused[name] < 5} == set()
