"""Emergency calls as they are taken in, and what is on record of them."""

from datetime import datetime, timedelta

from cases.kernel import intake
from cases.kernel.models import Case
from cases.ledger import sealing
from tests import emergencies
from tests.emergencies import FACTS, KIND
from tests.factories import AT


def utc(day, clock):
    return datetime.fromisoformat(f"2026-11-{day}T{clock}Z")


def facts(case):
    return Case.objects.get(pk=case.pk).emergency_disclosure


def said(case, *names):
    reader = sealing.Reader(actor="system:tests", verb="view", purpose="tests")
    return sealing.open_rows([facts(case)], names, reader=reader, at=AT)[0]


def clock(case, rule):
    return case.clocks.filter(rule=rule).latest("pk")


def sheet(people, **changes):
    return intake.open_case(
        KIND,
        actor=people["n.okonjo"],
        at=AT + timedelta(hours=6),
        facts={**FACTS, "requested_at": AT, "is_from_sheet": True, **changes},
        people=[emergencies.CALLER],
        occurred_at=AT,
    )


CALL = {
    "control_room": emergencies.ROOM,
    "caller": "07700 900321",
    "call_ended_at": "03:13:55",
    "call_began_at": "0312",
    "risk": "life_now",
    "incident": "SBX-0241",
    "operator": "Op 77",
}
