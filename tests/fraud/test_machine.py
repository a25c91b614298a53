"""People, tries, answers and edits in any order hypothesis thinks of: the code does what the plain model says.

The suite takes a few runs; `make soak` takes 500 (BACKOFFICE_RUNS) and prints how often each thing happened.
"""

import json
import os
import time
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import TestCase
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

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
from tests.fraud.test_walks import INPUTS
from tests.kernel.snapshots import prepare, snapshot

RUNS, STEPS = int(os.environ.get("BACKOFFICE_RUNS", "10")), 60
EDITS = ("note", "edit", "attach", "add")
# By a callback, or by delivery: tests/fraud/exchange.py says when.
NOT_BY_HAND = {"open", "submitted", "reject_by_agency", "file", "confirm_removal"}
ACTS = (*(name for name in MOVES if name not in NOT_BY_HAND), *COMMON)
# The first two are final and come late, so that runs are long; the others lead back by reopening.
LAST = {"remove": 30, "expire": 30}
ENDING = {"close_no_action", "refuse", "void", "merge"}
PEOPLE = ("a.byrne", "d.osei", "p.nair", "i.sowande", "v.tranter", "judge")
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
LOOKS = ("confirmed", "not_confirmed")
OUTCOMES = sorted({outcome for each in NOTICES.values() for outcome in each})
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
some_place = some.integers(0, 50)


class Office(RuleBasedStateMachine):
    """One referral in the code and in the model, side by side. What a run writes is undone after it."""

    people: dict
    case: Case
    other: Case

    def __init__(self):
        super().__init__()
        self.undone = transaction.atomic()
        self.undone._from_testcase = True
        self.undone.__enter__()
        self.model = Exchange(Casework(opened_by="a.byrne"))
        self.at, self.steps, self.said, self.told_of = factories.AT, 0, [], []
        self.has_expired = False

    def teardown(self):
        lengths.append(self.steps)
        streams = [self.case.uid, self.other.uid, *self.parts().values_list("case__uid", flat=True)]
        found = [each for uid in streams for each in verify.verify_stream(uid)]
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)
        # A time to come is itself a finding, and an expiry lies years ahead.
        assert self.has_expired or [each for each in found if each.level != "recorded late"] == []

    def parts(self):
        return CaseLink.objects.filter(other=self.case, kind="split_from")

    def person(self, username):
        return Person(username, frozenset({"system"}) if username == "system" else self.people[username].roles)

    def tried(self, name, expected, write):
        """Do what the model allows or refuses; what is refused writes nothing. Returns whether it happened."""
        self.at += timedelta(minutes=1)
        before = None if expected else snapshot(prepared="everything")
        try:
            write()
            happened = True
        except CaseError:
            happened = False
        assert happened == expected, (name, self.model)
        if not happened:
            after = snapshot(prepared="everything")
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
            return {"people": people, "documents": papers or ["1"], "has_communications_data": given == "calls"}
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
        return self.steps < LAST.get(name, 0) or (name in ENDING and self.steps % 3 > 0)

    @rule(name=some.sampled_from(ACTS), username=some.sampled_from((*PEOPLE, "system")), which=some_place)
    def somebody_tries(self, name, username, which):
        choices = [*self.choices(name), *([7] if name in {"release_hold", "split", "detach"} else [])]
        if not self.comes_early(name):
            self.act(name, username, choices[which % len(choices)])

    @rule(which=some_place, more=some_place)
    def somebody_does_what_is_open(self, which, more):
        case, found = self.model.case, {}
        for name in (name for name in ACTS if not self.comes_early(name)):
            for username in ("system",) if name == "expire" else PEOPLE:
                for given in self.choices(name):
                    if case.allows(name, self.person(username), is_late=True, given=given):
                        found.setdefault(name, []).append((username, given))
        if found:
            name = sorted(found)[which % len(found)]
            self.act(name, *found[name][more % len(found[name])])

    @rule(name=some.sampled_from(EDITS), username=some.sampled_from(["a.byrne", "p.nair", "i.sowande"]))
    def somebody_edits(self, name, username):
        self.act(name, username)

    @precondition(lambda self: self.model.case.state in FORWARD)
    @rule(is_more=some.booleans())
    def the_work_goes_on(self, is_more):
        for _ in range(1 + 2 * is_more):
            self.go_on()

    def go_on(self):
        case = self.model.case
        if case.state not in FORWARD:
            return
        name, username = FORWARD[case.state]
        if name in case.asked:
            self.answer(name, "agreed", "d.osei")
            return
        if name == "submit":
            name = "attach" if not case.documents else name if case.adverse else "add"
        if username == "d.osei" and not case.allows(name, self.person(username)):
            username = "judge"
        self.act(name, username)

    @precondition(lambda self: self.model.case.asked)
    @rule(
        which=some_place,
        verdict=some.sampled_from((*VERDICTS, "agreed", "agreed")),
        username=somebody,
        helps=some_place,
    )
    def somebody_answers(self, which, verdict, username, helps):
        asked = sorted(self.model.case.asked)
        name = asked[which % len(asked)]
        able = [each for each in PEOPLE if self.model.case.allows_answer(name, verdict, self.person(each))]
        self.answer(name, verdict, able[helps % len(able)] if able and helps % 3 else username)

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
        given = {"actor": self.people[username], "reason": "Because."}
        if self.tried(verdict, expected, lambda: verdicts.decide(uid, verdict, at=self.at, **given)):
            case.answer(name, verdict, who)
            taken[f"{name} by two"] += verdict == "agreed"
        self.compare()

    @precondition(lambda self: self.model.case.looks_after)
    @rule(verdict=some.sampled_from(LOOKS), username=some.sampled_from(("a.byrne", "d.osei", "judge", "p.nair")))
    def somebody_looks_afterwards(self, verdict, username):
        who, case = self.person(username), self.model.case
        uid = Approval.objects.get(case=self.case, closed_at=None, mode="after").uid
        given = {"actor": self.people[username], "reason": "Because."}
        if self.tried(verdict, case.allows_look(who), lambda: verdicts.decide(uid, verdict, at=self.at, **given)):
            case.look(who)
        self.compare()

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
    @rule(
        which=some_place,
        outcome=some.sampled_from(OUTCOMES),
        username=some.sampled_from((*PEOPLE, *("d.osei",) * 3)),
        person=some.integers(1, 4),
        fits=some.booleans(),
    )
    def somebody_decides_on_what_was_told(self, which, outcome, username, person, fits):
        case, who = self.model.case, self.person(username)
        number = which % len(case.notices)
        if fits:
            fitting = sorted(NOTICES[case.notices[number].kind])
            outcome = fitting[which % len(fitting)]
        if outcome == "accepted" and self.comes_early("remove"):
            return
        row = IncomingNotice.objects.get(case=self.case, number=number + 1)
        inputs = {"person": str(person), "agrees_in": ["name"], "reason_code": "error"}
        given = {"actor": self.people[username], "reason": "Because.", "inputs": inputs}
        expected = case.allows_decision(number, outcome, who, person)
        if self.tried(outcome, expected, lambda: incoming.decide(row, outcome, at=self.at, **given)):
            case.decide(number, outcome, who)
        self.compare()

    @precondition(lambda self: self.model.filings or self.model.case.words)
    @rule(outcome=some.sampled_from((*sorted(ANSWERS), "arrives")))
    def a_try_is_made(self, outcome):
        def send(_parcel):
            answer = ANSWERS[outcome]
            if isinstance(answer, DeliveryError):
                raise answer
            return answer

        ChannelHealth.objects.update(circuit_open_until=None, minute_count=0)  # time passes
        OutboxMessage.objects.filter(state="pending").update(due_at=factories.AT)
        delivery.deliver_due(clock=now, transports={"https": send})
        self.model.deliver("again" if outcome == "lost" else outcome)
        taken[outcome] += 1
        self.compare()

    @precondition(lambda self: "dead" in self.model.case.told)
    @rule(which=some_place, is_given_up=some.booleans())
    def somebody_resolves_what_failed(self, which, is_given_up):
        case = self.model.case
        failed = [("filing", number) for number, state in enumerate(case.messages) if state == "dead"]
        failed += [("word", number) for number, (_, state) in enumerate(case.words) if state == "dead"]
        what, number = failed[which % len(failed)]
        message = (self.filings() if what == "filing" else self.words())[number]
        act = deadletters.skip if is_given_up else deadletters.try_again
        act(message, actor=self.people["d.osei"], at=self.at, reason="Because.")
        self.model.resolve(what, number, "skipped" if is_given_up else "pending")
        taken["skip" if is_given_up else "try_again"] += 1
        self.compare()

    @precondition(lambda self: self.model.filings)
    @rule(
        kind=some.sampled_from([*sorted(NOTICES), "rejected", "rejected", "filed", "disputed", "removed"]),
        back=some.integers(0, 2),
        number=some.integers(1, 2),
    )
    def the_agency_says(self, kind, back, number):
        self.say(kind, back, number)

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

    @precondition(lambda self: self.said)
    @rule(which=some_place)
    def the_agency_repeats_itself(self, which):
        self.receive(*self.said[which % len(self.said)])
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
        began = time.monotonic()
        how = settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        with prepare("everything"):
            run_state_machine_as_test(Office, settings=how)
        mean = sum(lengths) / len(lengths)
        print(f"\n{len(lengths)} runs in {time.monotonic() - began:.0f} s, {mean:.1f} steps each")
        print("Taken:", {name: taken[name] for name in sorted(WHAT_HAPPENS)})
        print("Refused:", {name: refused[name] for name in sorted(WHAT_IS_REFUSED)})
        assert mean >= 30, lengths
        if RUNS >= 100:
            assert {name for name in WHAT_HAPPENS if taken[name] < 5} == set()
            assert {name for name in WHAT_IS_REFUSED if refused[name] < 5} == set()
