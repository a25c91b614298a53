"""Of a thousand cases that `seed_volume` makes, all verify; those drawn are found, open, and take their next step."""

import random

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.kernel import actors, transitions
from cases.kernel.finding import search
from cases.kernel.models import Case, CaseParty, OutboxMessage, SearchEntry, User
from cases.ledger import sealing
from cases.ledger.verify import verify_all, verify_stream
from tests import factories

SMALL = 1000
DRAWN = 40
READER = sealing.Reader(actor="system:tests", verb="view", purpose="tests")
# From each state: the next move, who makes it, and what is typed. What is filed or closed waits for years.
NEXT = {
    "referred": ("take", "a.byrne"),
    "triage": ("accept", "a.byrne"),
    "investigating": ("submit", "a.byrne"),
    "ready": ("approve", "d.osei"),
    "approved": ("submitted", None),
    "submitted": ("file", "agency"),
    "rejected": ("correct", "a.byrne"),
}


@pytest.fixture
def seeded(db, settings):
    settings.DEMO = True
    call_command("seed_volume", cases=SMALL, variants=1, workers=0)


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
    return {"approve": factories.CHECKER_INPUTS, "file": {"agency_reference": "SFR-2026-7777777"}}.get(move, {})


def _found(text):
    office = actors.staff(User.objects.get(username="a.byrne"))
    return search.find(office, text, purpose="casework", at=timezone.now())


def test_a_thousand_cases_are_true_found_opened_and_moved_on(seeded, settings):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    assert Case.objects.count() == len(set(Case.objects.values_list("reference", flat=True))) == SMALL
    assert verify_all(is_demo=True) == []

    drawn = random.Random(1).sample(list(Case.objects.order_by("pk")), DRAWN)
    for case in drawn:
        _is_found(case)
    _open_pages(drawn)
    _promise_messages_of_their_own()
    moved = [case for state in NEXT for case in Case.objects.filter(state=state).order_by("-pk")[:3]]
    for case in moved:
        move, who = NEXT[case.state]
        transitions.apply(
            case.pk, move, actor=_actor(case, who), at=timezone.now(), inputs=_inputs(case, move), reason="Next."
        )

    assert {case.state for case in moved} == set(NEXT)
    assert [found for case in moved for found in verify_stream(case.uid, is_demo=True)] == []


def _is_found(case):
    """By the name and the telephone of its last person, among whoever shares them."""
    entry = SearchEntry.objects.filter(case=case, party__isnull=False).order_by("-pk").first()
    party = CaseParty.objects.get(pk=entry.party_id)
    (said,) = sealing.open_rows([party], ["forename", "surname", "alias", "phone"], reader=READER, at=timezone.now())
    name = said["surname"] or said["alias"]
    for text in filter(None, (name, said["phone"])):
        assert case.pk in {hit.case.pk for hit in _found(text).hits}


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
