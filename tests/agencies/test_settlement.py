"""What an agency refuses never vanishes: the case's own way to take note, or a task of its team with the codes."""

import pytest

from cases.agencies import settlement
from cases.kernel import actors, casetypes, outbox, record, releases
from cases.kernel.exchange import chase, letters
from cases.kernel.models import Case, Letter, OutboxMessage, Task
from cases.ledger.models import LedgerEvent
from tests import factories

pytestmark = pytest.mark.django_db

AT = factories.FILED_AT
# What the fraud family takes note of in its own way; copied from its table.
OWN_WAY = {
    "fpa_file",
    "fpa_amend",
    "fpa_dispute",
    "fpa_remove",
    "correction_amended",
    "correction_removed",
    "correction_restricted",
    "correction_unrestricted",
    "letter",
}
KINDS = sorted(releases.KINDS.keys() | {chase.CHASER.code})


def refuse(case: Case, kind: str) -> OutboxMessage:
    """Post a message of a kind and let the agency refuse it."""
    with record.act(case, "tests.promised", actor=actors.system("tests"), at=AT):
        promise = outbox.Message(agency_code="sandbox-post", kind=kind, body={"hello": "world"}, dedupe=f"tests:{kind}")
        message = outbox.post(case, promise, at=AT)
    OutboxMessage.objects.filter(pk=message.pk).update(
        state="refused", errors=[{"code": "ADDRESS_UNKNOWN", "pointer": "/a", "text": "Mrs Tregaskis"}]
    )
    return message


def test_every_kind_of_message_is_taken_note_of_when_it_is_refused():
    case = factories.referred(factories.office())
    ours = {**letters.REFUSED, **casetypes.get(case.kind).refused}
    assert ours.keys() == OWN_WAY
    for kind in KINDS:
        if kind in OWN_WAY:
            continue
        message = refuse(case, kind)
        assert settlement.settle(now=AT) == 1
        task = Task.objects.get(case=case, kind="message_refused", detail__message=str(message.public_id))
        assert task.team_id == case.team_id
        assert task.detail == {
            "message": str(message.public_id),
            "message_kind": kind,
            "agency": "sandbox-post",
            "codes": ["ADDRESS_UNKNOWN"],
        }
        message.refresh_from_db()
        assert message.settled_at == AT
    assert settlement.settle(now=AT) == 0


def test_a_refused_letter_is_due_again_and_waits_for_its_task():
    case = factories.filed(factories.office())
    letter = Letter.objects.get(case=case)
    message = refuse(case, "letter")
    with record.act(case, "tests.given", actor=actors.system("tests"), at=AT):
        letter.state, letter.message = "rendered", message
        letter.save()

    while settlement.settle(now=AT):
        pass

    letter.refresh_from_db()
    assert letter.state == "due"
    task = Task.objects.get(case=case, kind="letter_failed")
    assert task.detail == {"letter": str(letter.uid), "problem": "refused", "codes": ["ADDRESS_UNKNOWN"]}
    told = LedgerEvent.objects.get(stream=case.uid, action="letter.refused").content()["detail"]
    assert told == {"message": str(message.public_id), "codes": ["ADDRESS_UNKNOWN"]}
