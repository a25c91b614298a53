"""What an agency refuses never vanishes: the case's own way to take note, or a task of its team with the codes."""

from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.db import InterfaceError, OperationalError

from cases.agencies import filesin, settlement
from cases.kernel import actors, casetypes, outbox, record, releases, tasks
from cases.kernel.exchange import agencies, chase, letters
from cases.kernel.models import Agency, Case, ChannelHealth, Letter, OutboxMessage, Task
from cases.kernel.personal import taskdesk
from cases.ledger import api as ledger
from cases.ledger.keys import KeyMissing
from cases.ledger.models import LedgerEvent
from tests import factories, placements

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


@pytest.mark.parametrize("of_case", [True, False])
def test_a_fault_of_ours_is_told_once_and_tried_again(monkeypatch, of_case):
    case = factories.referred(factories.office())
    message = refuse(case, "chaser")
    if not of_case:
        OutboxMessage.objects.filter(pk=message.pk).update(case=None)
    step = "take_note" if of_case else "_tell_of_file"
    whole = getattr(settlement, step)

    broken = Mock()
    monkeypatch.setattr(settlement, step, broken)
    for passing in (OperationalError("away"), InterfaceError("away")):  # nobody's work
        broken.side_effect = passing
        assert settlement.settle(now=AT) == 0
        assert not Task.objects.filter(kind="message_outcome_not_applied").exists()
    broken.side_effect = ValueError("broken")
    assert (settlement.settle(now=AT), settlement.settle(now=AT)) == (0, 0)
    task = Task.objects.get(kind="message_outcome_not_applied")
    assert (task.case_id, task.detail["cause"]) == (case.pk if of_case else None, "fault")
    message.refresh_from_db()
    assert message.settled_at is None

    monkeypatch.setattr(settlement, step, whole)
    assert settlement.settle(now=AT) == 1
    task.refresh_from_db()
    assert (task.outcome, task.closed_at) == ("applied_later", AT)


def test_what_cannot_be_noted_for_a_day_is_told_once_and_keeps_no_other_waiting(monkeypatch):
    case = factories.referred(factories.office())
    stuck, other = refuse(case, "chaser"), refuse(case, "search_request")
    whole = settlement.take_note

    def note(case, message, **given):
        if message.pk == stuck.pk:
            raise KeyMissing("master-1")
        return whole(case, message, **given)

    monkeypatch.setattr(settlement, "take_note", note)
    assert settlement.settle(now=AT, most=1) == 1
    other.refresh_from_db()
    assert other.settled_at == AT
    assert not Task.objects.filter(kind="message_outcome_not_applied").exists()
    later = AT + timedelta(days=1, minutes=1)
    assert (settlement.settle(now=later), settlement.settle(now=later)) == (0, 0)
    assert Task.objects.get(kind="message_outcome_not_applied").detail["cause"] == "waits_for_a_day"


def test_what_goes_wrong_with_an_agency_and_has_no_case_is_on_the_list_of_a_desk():
    people = factories.office()
    placements.enter()
    agency = Agency.objects.get(code=placements.CODE)
    assert agencies.desk_of(agency).code == "collections"
    filesin.raise_task("file_refused", agency.channels.first(), now=AT, name="a.csv.pgp", reason="hash_differs")
    task = Task.objects.get(kind="file_refused")
    analyst = people[placements.ANALYST]
    assert task in taskdesk.open_to(analyst)
    assert taskdesk.may_work(task, analyst)
    assert task not in taskdesk.open_to(people["a.byrne"])


def test_a_pause_of_the_agency_of_a_compartment_is_a_task_of_that_compartment_alone():
    people = factories.office()
    plan = agencies.ChannelPlan(direction="out", address="https://127.0.0.1:9/x", allowed_cidrs=("127.0.0.0/8",))
    listing = agencies.Listing(code="tests-unit", kind="fiu", display_name="Unit", channels=(plan,))
    agency = agencies.register(listing, actor=actors.system("tests"), at=AT)
    ChannelHealth.objects.filter(channel__agency=agency).update(pause_reason="host_key")

    assert settlement.pause_failing(now=AT) == 1

    task = Task.objects.get(kind="channel_paused")
    assert (task.team.code, task.detail["agency"]) == ("financial_crime", "tests-unit")
    assert {name for name, each in people.items() if task in taskdesk.open_to(each)} == {"h.castellan", "w.strake"}


@pytest.mark.parametrize("code", [placements.CODE, "sandbox-post"])
def test_a_task_that_was_nobodys_is_given_the_desk_of_its_agency_once(code):
    people = factories.office()
    placements.enter()
    agency = Agency.objects.get(code=code)
    with ledger.action(agency.uid, "tests.raised", actor="system:tests", at=AT):
        for kind in ("files_not_fetched", "channel_paused"):
            tasks.raise_task(kind, case=None, at=AT, agency=code)

    assert (taskdesk.give_desks(at=AT), taskdesk.give_desks(at=AT)) == (1, 0)

    task = Task.objects.get(kind="files_not_fetched")
    assert task.team == agencies.desk_of(agency)
    assert any(
        task in taskdesk.open_to(each) and taskdesk.may_work(task, each)
        for each in people.values()
        if task.team_id in each.team_ids
    )
    assert Task.objects.get(kind="channel_paused").team is None  # whoever operates agencies sees it
    assert LedgerEvent.objects.filter(stream=agency.uid, action="task.given_desk").count() == 1


def test_every_agency_has_a_desk_and_a_secret_one_its_own_alone():
    factories.office()
    for kind in ("post", "own_system", "police_report", "nobody_knows"):
        team = agencies.desk_of(Agency(kind=kind))
        assert team is not None and not team.is_restricted
    assert agencies.desk_of(Agency(kind="fiu")).code == "financial_crime"
