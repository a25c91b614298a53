"""People, tries, answers and edits in any order hypothesis thinks of: the code does what the plain model says.

The suite takes a few runs; `make soak` takes 500 (BACKOFFICE_RUNS).
"""

import json
import os
import uuid
from collections import Counter
from datetime import timedelta

from django.db import transaction
from django.test import TestCase
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from cases.agencies import application, delivery, inbound, senders
from cases.agencies.transports.base import Answer, DeliveryError
from cases.kernel import actors, edits, transitions
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies
from cases.kernel.models import Approval, Callback, Case, ChannelHealth, OutboxMessage, Release
from cases.ledger import verify
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.agencies.stage import FPA, now
from tests.api.caller import callback
from tests.fraud.exchange import AFTER_FILING, Exchange
from tests.fraud.model import Person, Referral
from tests.fraud.test_walks import INPUTS

RUNS, STEPS = int(os.environ.get("BACKOFFICE_RUNS", "12")), 60
BY_HAND = (
    *("take", "accept", "close_no_action", "submit", "return", "refuse", "approve", "withdraw", "correct"),
    *("amend", "dispute", "uphold", "remove", "amend_disputed", "report_to_police"),
)
ENDING = {"close_no_action", "refuse", "remove"}
PEOPLE = ("a.byrne", "d.osei", "p.nair", "i.sowande", "judge")
FORWARD = {
    "referred": ("take", "a.byrne"),
    "triage": ("accept", "a.byrne"),
    "investigating": ("submit", "a.byrne"),
    "ready": ("approve", "d.osei"),
    "rejected": ("correct", "a.byrne"),
}
ERRORS = json.dumps({"title": "Refused", "errors": [{"pointer": "/subjects/0", "code": "X"}]}).encode()
ANSWERS = {
    "arrives": Answer(status=202),
    "refused": Answer(status=422, body=ERRORS, media_type="application/problem+json"),
    "again": Answer(status=503),
    "lost": DeliveryError("read_timeout"),
}
SAID = {
    "filed": {"type": "fpa.filed", "agency_reference": "SFR-2026-0004417"},
    "rejected": {"type": "fpa.rejected", "agency_reference": ..., "data": {"errors": [{"pointer": "/x", "code": "X"}]}},
    "enquiry": {"type": "fpa.enquiry", "agency_reference": ...},
    "disputed": {"type": "fpa.disputed", "agency_reference": ..., "data": {"grounds": "not_me"}},
    "removed": {"type": "fpa.removed", "agency_reference": ...},
}
taken, lengths = Counter(), []


class Office(RuleBasedStateMachine):
    """One referral in the code and in the model, side by side. What a run writes is undone after it."""

    people: dict

    def __init__(self):
        super().__init__()
        self.undone = transaction.atomic()
        self.undone._from_testcase = True
        self.undone.__enter__()
        self.case = factories.referred(self.people)
        self.model = Exchange(Referral(opened_by="a.byrne"))
        self.at, self.steps, self.said = factories.AT, 0, []

    def teardown(self):
        lengths.append(self.steps)
        wrong = [each for each in verify.verify_stream(self.case.uid) if each.level != "recorded late"]
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)
        assert wrong == []

    def act(self, name, username):
        actor = self.people[username]
        who = Person(username, actor.roles)
        expected = self.model.case.allows(name, who, is_late=False)
        self.at += timedelta(minutes=1)
        try:
            self.write(name, actor)
            happened = True
        except CaseError:
            happened = False
        assert happened == expected, (name, username, self.model)
        if happened:
            self.model.case.do(name, who)
            taken[name] += 1
        self.compare()

    def write(self, name, actor):
        if name == "note":
            edits.add_note(self.case.pk, "Rang the shop.", actor=actor, at=self.at)
        elif name == "edit":
            with edits.change(self.case.pk, actor=actor, at=self.at) as edit:
                edit.facts(loss_pence=self.model.case.events)
        elif name == "attach":
            file = {"kind": "chat", "file_name": "a.txt", "media_type": "text/plain", "data": b"a"}
            edits.attach(self.case.pk, **file, actor=actor, at=self.at)
        else:
            given = INPUTS.get(name, {})
            transitions.apply(self.case.pk, name, actor=actor, at=self.at, reason="Because.", inputs=given)

    @rule(name=some.sampled_from(BY_HAND), username=some.sampled_from(PEOPLE))
    def somebody_tries(self, name, username):
        if name not in ENDING or self.steps > 25:  # ends come late, so that runs are long
            self.act(name, username)

    @rule(which=some.integers(0, 50))
    def somebody_does_what_is_open(self, which):
        ends = set() if self.steps > 25 else ENDING
        pairs = [(name, who) for name in BY_HAND for who in PEOPLE if name not in ends and self.may(name, who)]
        if pairs:
            self.act(*pairs[which % len(pairs)])

    def may(self, name, username):
        return self.model.case.allows(name, Person(username, self.people[username].roles), is_late=False)

    @rule(name=some.sampled_from(["note", "edit", "attach"]), username=some.sampled_from(["a.byrne", "p.nair"]))
    def somebody_edits(self, name, username):
        self.act(name, username)

    @precondition(lambda self: self.model.case.state in FORWARD)
    @rule()
    def the_work_goes_on(self):
        name, username = FORWARD[self.model.case.state]
        if name == "submit" and not self.model.case.documents:
            name = "attach"
        self.act(name, username)

    @precondition(lambda self: self.model.filings or self.model.case.words)
    @rule(outcome=some.sampled_from(sorted(ANSWERS)))
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

    @precondition(lambda self: self.model.filings)
    @rule(
        kind=some.sampled_from(["rejected", "rejected", "enquiry", "filed", "disputed", "removed"]),
        back=some.integers(0, 2),
    )
    def the_agency_says(self, kind, back):
        if kind == "filed" and self.steps < 20 and self.model.case.state != "rejected":
            return
        filing, word = max(0, len(self.model.filings) - 1 - back), None
        message = OutboxMessage.objects.filter(case=self.case, kind="fpa_file").order_by("seq")[filing]
        asked = [number for number, (told, _) in enumerate(self.model.case.words) if told == "fpa_remove"]
        if kind == "removed" and asked:
            word = asked[-1]
            message = OutboxMessage.objects.filter(case=self.case, kind="fpa_remove").latest("seq")
        document = callback(**{"data": {}, **SAID[kind]}, reference=str(message.public_id), occurred_at=...)
        document["occurred_at"] = now().isoformat()
        self.said.append((uuid.uuid4().hex, json.dumps(document).encode()))
        self.receive(*self.said[-1])
        application.apply_pending(now=now())
        self.model.hear(kind, filing, word)
        taken[kind] += 1
        self.compare()

    @precondition(lambda self: self.said)
    @rule(which=some.integers(0, 50))
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

    def compare(self):
        self.steps += 1
        case, model = Case.objects.get(pk=self.case.pk), self.model
        filings = OutboxMessage.objects.filter(case=case, kind="fpa_file").order_by("seq")
        heard = Callback.objects.order_by("pk").values_list("state", flat=True)
        assert (case.state, list(filings.values_list("state", flat=True))) == (model.case.state, model.filings)
        assert list(heard) == [one.state for one in model.heard]
        words = OutboxMessage.objects.filter(case=case).exclude(kind="fpa_file").order_by("pk")
        assert list(words.values_list("kind", "state")) == model.case.words
        assert Approval.objects.filter(case=case, closed_at=None, mode="before").exists() == model.case.waits
        assert Release.objects.filter(case=case, message_kind="fpa_file").count() == len(model.filings)
        done = Counter(LedgerEvent.objects.filter(stream=case.uid).values_list("action", flat=True))
        assert done["fraud_referral.file"] == (case.state in AFTER_FILING)
        assert done["fraud_referral.enquiry"] == sum(one.kind == "enquiry" for one in model.heard)


class TheExchange(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.people = factories.office()
        cls.people["judge"] = factories.judge(cls.people)
        for code in (FPA, "sandbox-report-fraud"):
            channel = agencies.channel_of(agencies.get(code), "out")
            secret = "whsec_" + "A" * 43 + "="
            agencies.add_key(channel, secret, name="out-1", actor=actors.system("tests"), at=now())

    def test_any_order_of_acts_tries_and_answers_ends_as_the_model_says(self):
        taken.clear()
        lengths.clear()
        Office.people = self.people
        run_state_machine_as_test(
            Office,
            settings=settings(
                max_examples=RUNS,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
        wanted = {*BY_HAND, *ANSWERS, *SAID, "repeat", "note", "edit", "attach"}
        assert sum(lengths) / len(lengths) >= 30, lengths
        assert RUNS < 100 or {each for each in wanted if taken[each] < 5} == set(), taken
