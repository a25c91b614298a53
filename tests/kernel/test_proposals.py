"""Changes of the office: proposed by one, agreed to by another, bound to what stood there; a refusal writes nothing."""

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from cases.kernel import casetypes, policy
from cases.kernel.errors import NotAllowed, NotVisible
from cases.kernel.models import Proposal, RoleGrant
from cases.kernel.office import grants, kinds, proposals
from cases.ledger import api as ledger
from cases.ledger.models import AccessEvent, LedgerEvent
from tests import factories
from tests.kernel.snapshots import nothing_written

AT = factories.APPROVED_AT
WHY = "Cover for Morwenna Tregaskis in August."
pytestmark = pytest.mark.django_db


@pytest.fixture
def office():
    return factories.office()


def ask(office, username="r.penhale", role="collections_manager", *, kind="role_grant", by="o.thackray"):
    payload = {"user": office[username].user_id, "role": role}
    return proposals.propose(kind, payload, actor=office[by], at=AT, reason=WHY)


def agree(office, row, *, by="j.merriweather", verdict="agreed"):
    return proposals.decide(row.uid, verdict, actor=office[by], at=AT, reason="Checked with the team lead.")


def held(office, username):
    return set(
        RoleGrant.objects.filter(user_id=office[username].user_id, revoked_at=None).values_list("role", flat=True)
    )


def test_privileged_role_is_held_only_after_another_person_agreed(office):
    row = ask(office)
    assert (row.state, row.needs, held(office, "r.penhale")) == (
        "open",
        ["data_protection_officer"],
        {"collections_analyst"},
    )

    agree(office, row)

    row.refresh_from_db()
    assert (row.state, row.checker_id) == ("agreed", office["j.merriweather"].user_id)
    assert held(office, "r.penhale") == {"collections_analyst", "collections_manager"}
    grant = RoleGrant.objects.get(user_id=office["r.penhale"].user_id, role="collections_manager")
    assert grant.granted_by_id == office["o.thackray"].user_id
    events = LedgerEvent.objects.filter(stream=row.uid).order_by("seq")
    assert [(event.action, event.actor) for event in events] == [
        ("office.proposed", office["o.thackray"].label),
        ("office.agreed", office["j.merriweather"].label),
    ]


def test_ordinary_role_needs_no_second_person_and_is_on_record_all_the_same(office):
    row = ask(office, "m.achterberg", "fraud_analyst")

    assert (row.state, row.needs, row.checker) == ("agreed", [], None)
    assert held(office, "m.achterberg") == {"credit_officer", "fraud_analyst"}
    assert LedgerEvent.objects.filter(stream=row.uid).count() == 1


def test_reasons_are_sealed_and_so_is_what_may_name_people(office):
    row = ask(office)

    for event in LedgerEvent.objects.filter(stream=row.uid):
        assert "Tregaskis" not in event.body and b"Tregaskis" not in bytes(event.reason)


@pytest.mark.parametrize(
    ("by", "error", "sentence"),
    [
        ("o.thackray", NotAllowed, "You proposed it, so another person decides."),
        ("b.lacombe", NotAllowed, "This needs the role data protection officer or system administrator."),
        ("a.byrne", NotVisible, "There is no such case."),
    ],
)
def test_only_another_person_of_the_right_role_decides(office, by, error, sentence):
    row = ask(office)

    with nothing_written(), pytest.raises(error, match=sentence):
        agree(office, row, by=by)


def test_nobody_decides_about_themselves(office):
    officer = replace(office["p.lindqvist"], roles=frozenset({"data_protection_officer"}))
    grants.grant(officer.user_id, "data_protection_officer", actor=factories.job(), at=AT)
    row = ask(office, "p.lindqvist", "credit_officer")
    about_officer = ask(office, "p.lindqvist", "sale_manager")

    assert row.state == "agreed"
    with nothing_written(), pytest.raises(NotAllowed, match="It is about you, so another person decides."):
        agree(office | {"p.lindqvist": officer}, about_officer, by="p.lindqvist")


@contextmanager
def forging(row):
    with transaction.atomic(), ledger.action(row.uid, "forged", actor="system:test", at=AT):
        row.refresh_from_db()
        yield


def test_database_refuses_maker_and_the_person_themselves_as_checker(office):
    row = ask(office)
    for checker in (row.maker_id, row.about_id):
        with pytest.raises(IntegrityError), forging(row):
            row.checker_id, row.state, row.ended_at = checker, "agreed", AT
            row.save()
    with pytest.raises(IntegrityError, match="proposal_decided_by_somebody"), forging(row):
        row.state, row.ended_at = "agreed", AT
        row.save()


def test_stale_proposal_is_refused_and_named_out_of_date(office):
    row = ask(office)
    grants.grant(office["r.penhale"].user_id, "collections_manager", actor=factories.job(), at=AT)
    before = RoleGrant.objects.count()

    with pytest.raises(proposals.ProposalStale, match="has changed since it was proposed"):
        agree(office, row)

    row.refresh_from_db()
    assert (row.state, row.checker_id, RoleGrant.objects.count()) == ("superseded", None, before)
    with nothing_written(), pytest.raises(proposals.ProposalStale, match="this was superseded already"):
        agree(office, row)


def test_pair_that_became_toxic_is_refused_at_the_decision(office):
    row = ask(office, "l.forsgren", "legal_counsel")
    grants.revoke(office["l.forsgren"].user_id, "finance_approver", actor=factories.job(), at=AT)
    grants.grant(office["l.forsgren"].user_id, "auditor", actor=factories.job(), at=AT)

    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="An auditor does not take part"):
        agree(office, row)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"username": "o.thackray"}, "Nobody changes their own rights"),
        ({"username": "b.lacombe", "role": "fraud_analyst"}, "An auditor does not take part"),
        ({"role": "collections_analyst"}, "This person holds that role already."),
        ({"role": "superuser"}, "There is no such role for a person."),
        ({"kind": "role_revoke"}, "This person does not hold that role."),
    ],
)
def test_faulty_proposal_is_refused_with_its_field(office, change, sentence):
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match=sentence) as refused:
        ask(office, **change)

    assert list(refused.value.errors) == ["role"]


def test_no_reason_no_change(office):
    payload = {"user": office["r.penhale"].user_id, "role": "collections_manager"}
    with nothing_written(), pytest.raises(proposals.ProposalRefused) as refused:
        proposals.propose("role_grant", payload, actor=office["o.thackray"], at=AT, reason="  ")

    assert refused.value.errors == {"reason": "Say why."}


def test_same_change_waits_once(office):
    ask(office)

    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="waits for a decision already"):
        ask(office)


@pytest.mark.parametrize("username", ["a.byrne", "j.merriweather", "b.lacombe"])
def test_only_makers_propose(office, username):
    with nothing_written(), pytest.raises(NotAllowed, match="This needs the role system administrator."):
        ask(office, by=username)


def test_maker_takes_it_back_and_nobody_else(office):
    row = ask(office)
    with nothing_written(), pytest.raises(NotAllowed, match="Only the person who proposed it"):
        proposals.withdraw(row.uid, actor=office["j.merriweather"], at=AT, reason="No.")

    proposals.withdraw(row.uid, actor=office["o.thackray"], at=AT, reason="Asked for by mistake.")

    row.refresh_from_db()
    assert (row.state, row.checker) == ("withdrawn", None)
    assert ask(office).state == "open"


def test_refused_change_stays_undone_and_names_who_refused(office):
    row = agree(office, ask(office), verdict="refused")

    assert (row.state, row.checker_id) == ("refused", office["j.merriweather"].user_id)
    assert held(office, "r.penhale") == {"collections_analyst"}


def test_while_nobody_is_data_protection_officer_a_second_administrator_decides(office):
    other = replace(office["m.achterberg"], roles=frozenset({"system_administrator"}))
    grants.revoke(office["j.merriweather"].user_id, "data_protection_officer", actor=factories.job(), at=AT)
    row = ask(office, "j.merriweather", "data_protection_officer")
    assert row.needs == ["system_administrator"]

    with nothing_written(), pytest.raises(NotAllowed, match="You proposed it"):
        agree(office, row, by="o.thackray")
    agree(office | {"m.achterberg": other}, row, by="m.achterberg")

    assert held(office, "j.merriweather") == {"data_protection_officer"}


def test_no_member_of_staff_gives_or_takes_a_role_without_a_proposal(office):
    target = office["r.penhale"].user_id
    for write, role in ((grants.grant, "collections_manager"), (grants.revoke, "collections_analyst")):
        with nothing_written(), pytest.raises(NotAllowed, match="which is proposed first"):
            write(target, role, actor=office["o.thackray"], at=AT)


@pytest.fixture
def letter_kind(office):
    """A kind with sealed words and no second person."""
    known = kinds.all_kinds()
    written = []
    kind = kinds.Kind(
        code="test_words",
        label="Change the words",
        makers=frozenset({"any_staff"}),
        checkers=None,
        subject=lambda payload: f"words/{payload['code']}",
        apply=lambda change: written.append(change.payload["text"]),
        describe=lambda before, payload: [kinds.Line(label="Text", new=payload["text"])],
        sealed=("text",),
    )
    kinds.install((*known, kind))
    policy.install(casetypes.all_types(), kinds.rules())
    yield written
    kinds.install(known)
    policy.install(casetypes.all_types(), kinds.rules())


def test_sealed_words_reach_apply_and_their_reader_is_on_record(office, letter_kind):
    row = proposals.propose(
        "test_words", {"code": "n1", "text": "Dear Morwenna"}, actor=office["a.byrne"], at=AT, reason="Clearer."
    )

    assert (letter_kind, row.payload) == (["Dear Morwenna"], {"code": "n1"})
    stored = json.dumps(Proposal.objects.values("payload", "before").get(pk=row.pk))
    assert "Morwenna" not in stored
    row = Proposal.objects.select_related("key").get(pk=row.pk)
    opened = proposals.contents(row, actor=office["a.byrne"], at=AT + timedelta(hours=1))
    assert opened == {"code": "n1", "text": "Dear Morwenna"}
    read = AccessEvent.objects.get(streams=[row.uid])
    assert (read.actor, read.verb) == (office["a.byrne"].label, "view")


def test_what_any_staff_may_propose_is_read_by_its_maker_and_by_oversight_alone(office, letter_kind):
    proposals.propose("test_words", {"code": "n1", "text": "x"}, actor=office["a.byrne"], at=AT, reason="Clearer.")

    seen = {name for name, actor in office.items() if proposals.visible_to(actor).exists()}
    assert seen == {"a.byrne", "b.lacombe", "j.merriweather"}
