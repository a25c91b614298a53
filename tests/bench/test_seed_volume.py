"""Of the cases that `seed_volume` makes all verify; those drawn at random are found, open, and take their next step.

The suite draws some of four hundred, `make soak` a thousand of three thousand (BACKOFFICE_DRAWN). The test prints the
seed of its draw; BACKOFFICE_DRAW draws the same again.
"""

import os
import random
import secrets
from collections import Counter

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.kernel import actors, transitions, verdicts
from cases.kernel.finding import search
from cases.kernel.models import Case, CaseParty, OutboxMessage, SearchEntry, User
from cases.ledger import sealing
from cases.ledger.verify import verify_all, verify_stream
from tests import factories
from tests.length import times

DRAWN = int(os.environ.get("BACKOFFICE_DRAWN", times(30, 1000)))
MADE = max(times(400, 1000), 3 * DRAWN)
READER = sealing.Reader(actor="system:tests", verb="view", purpose="tests")
# From each state: the next move, and who makes it. A filing that stands is disputed, a case that was closed reopened.
NEXT = {
    "referred": ("take", "a.byrne"),
    "triage": ("accept", "a.byrne"),
    "investigating": ("submit", "a.byrne"),
    "ready": ("approve", "d.osei"),
    "approved": ("submitted", None),
    "submitted": ("file", "agency"),
    "rejected": ("correct", "a.byrne"),
    "filed": ("dispute", "i.sowande"),
    "no_action": ("reopen", "a.byrne"),
    "refused": ("reopen", "a.byrne"),
}
AFTER = {
    "take": "triage",
    "accept": "investigating",
    "submit": "ready",
    "approve": "approved",
    "submitted": "submitted",
    "file": "filed",
    "correct": "investigating",
    "dispute": "disputed",
    "reopen": "investigating",
}
FINAL = {"expired"}  # nothing leads out of it


@pytest.fixture
def seeded(db, settings):
    settings.DEMO = True
    call_command("seed_volume", cases=MADE, variants=1, workers=0)


def _actor(case, name):
    if name is None:
        return actors.system("delivery", source="seed")
    return factories.fpa() if name == "agency" else actors.staff(_other(case, name), source="seed")


def _other(case, name):
    """Return the person, or their colleague where they shaped the case themselves."""
    approval = case.approvals.filter(closed_at=None).first()
    is_maker = name == "d.osei" and approval is not None and approval.maker.username == name
    return User.objects.get(username="a.byrne" if is_maker else name)


def _inputs(case, move):
    if move == "submit":
        numbers = list(case.evidence.values_list("number", flat=True))
        return {"pillars": {n: {"is_met": True, "evidence": numbers, "exception": ""} for n in (1, 2, 3, 4)}}
    return {
        "approve": factories.CHECKER_INPUTS,
        "file": {"agency_reference": "SFR-2026-7777777"},
        "dispute": {"grounds": "not_me"},
    }.get(move, {})


def _found(text):
    office = actors.staff(User.objects.get(username="a.byrne"))
    return search.find(office, text, purpose="casework", at=timezone.now())


@pytest.mark.timeout(3600)
def test_seeded_cases_are_true_and_those_drawn_are_found_opened_and_moved_on(seeded):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    assert Case.objects.count() == len(set(Case.objects.values_list("reference", flat=True))) == MADE
    assert verify_all(is_demo=True) == []

    seed = int(os.environ.get("BACKOFFICE_DRAW") or secrets.randbelow(10**9))
    print(f"\nDrawn with BACKOFFICE_DRAW={seed} BACKOFFICE_DRAWN={DRAWN}")
    drawn = random.Random(seed).sample(list(Case.objects.order_by("pk")), DRAWN)
    for case in drawn:
        _is_found(case)
    _open_pages(drawn)
    _promise_messages_of_their_own()
    # Of every state some, however rare it is.
    some = {case for state in NEXT for case in Case.objects.filter(state=state).order_by("-pk")[:3]}
    moved = [case for case in {*drawn, *some} if case.state not in FINAL]
    print(f"Moved on from: {dict(Counter(case.state for case in moved))}")
    for case in moved:
        _move_on(case)

    assert {case.state for case in moved} == set(NEXT)
    assert [found for case in {*drawn, *moved} for found in verify_stream(case.uid, is_demo=True)] == []


def _move_on(case):
    """Take the next move that is open where the case stands; of one that two agree to, both parts."""
    move, who = NEXT[case.state]
    now, inputs = timezone.now(), _inputs(case, move)
    transitions.apply(case.pk, move, actor=_actor(case, who), at=now, inputs=inputs, reason="Next.")
    asked = case.approvals.filter(act=move, closed_at=None, typed__isnull=False).first()
    if asked is not None:
        verdicts.decide(asked.uid, "agreed", actor=_actor(case, "d.osei"), at=timezone.now())
    assert Case.objects.get(pk=case.pk).state == AFTER[move], case.reference


def _is_found(case):
    """By its reference, and by name and telephone of its last person: together, and each among whoever shares it."""
    assert [hit.case.pk for hit in _found(case.reference).hits] == [case.pk]
    entry = SearchEntry.objects.filter(case=case, party__isnull=False).order_by("-pk").first()
    party = CaseParty.objects.get(pk=entry.party_id)
    (said,) = sealing.open_rows([party], ["forename", "surname", "alias", "phone"], reader=READER, at=timezone.now())
    name = said["surname"] or said["alias"]
    alone = [text for text in (name, said["phone"]) if text]
    for text in {*alone, " ".join(alone)}:
        hits = {hit.case.pk for hit in _found(text).hits}
        is_behind_others = len(hits) >= search.CAP - 1 and text in alone  # a page of newer ones comes before it
        assert case.pk in hits or is_behind_others, (case.reference, text)


def _open_pages(cases):
    client = Client()
    client.force_login(User.objects.get(username="a.byrne"))
    for case in cases:
        response = client.get(reverse("web:case", args=[case.uid]))
        assert response.status_code == 200 and case.reference in response.content.decode()


def _promise_messages_of_their_own():
    messages = OutboxMessage.objects.filter(state="pending").order_by("-pk")
    assert messages.exists()
    for message in messages[:5]:
        body = sealing.open_bytes(
            bytes(message.sealed_body),
            key_id=message.key_id,
            label="cases.OutboxMessage",
            uid=message.public_id,
            field="body",
            reader=READER,
            at=timezone.now(),
        )
        assert str(message.public_id) in body.decode()


def test_volume_is_refused_outside_a_demonstration(db):
    with pytest.raises(CommandError, match="in demo mode only"):
        call_command("seed_volume", cases=1)
    assert not Case.objects.exists()


def test_volume_says_so_where_days_of_its_cases_were_erased(db, settings, monkeypatch):
    def erased(*_args, **_kwargs):
        raise sealing.KeyDestroyed("a key of a day")

    settings.DEMO = True
    monkeypatch.setattr("cases.management.commands.seed_volume._template", erased)
    with pytest.raises(CommandError, match="Add cases before the next morning"):
        call_command("seed_volume", cases=1)
    assert not Case.objects.exists()
