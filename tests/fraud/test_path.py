"""One referral, from opening to filing, through the kernel's verbs."""

from datetime import date
from types import SimpleNamespace

import pytest

from cases.fraud import guards
from cases.kernel import edits, transitions
from cases.kernel.models import Approval, Case, Clock, Letter, OutboxMessage, Release, Task, Team
from cases.ledger import api as ledger
from cases.ledger import verify
from cases.ledger.models import LedgerEvent, LedgerHead
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_referral_is_filed_after_a_correction_and_a_second_approval():
    people = factories.office()
    case = factories.rejected(people)
    assert case.state == "rejected"
    assert Task.objects.filter(case=case, kind="fraud_field_errors", closed_at=None).count() == 1

    transitions.apply(case.pk, "correct", actor=people["a.byrne"], at=factories.APPROVED_AT)
    with edits.change(case.pk, actor=people["a.byrne"], at=factories.APPROVED_AT) as edit:
        edit.party(2, date_of_birth="1984-03-09")
    transitions.apply(
        case.pk,
        "submit",
        actor=people["a.byrne"],
        at=factories.APPROVED_AT,
        inputs={"pillars": factories.MAKER_ANSWERS},
    )
    transitions.apply(
        case.pk, "approve", actor=people["d.osei"], at=factories.APPROVED_AT, inputs=factories.CHECKER_INPUTS
    )
    transitions.apply(
        case.pk,
        "file",
        actor=factories.fpa(),
        at=factories.FILED_AT,
        inputs={"agency_reference": "SFR-2026-0004417"},
    )

    case = Case.objects.get(pk=case.pk)
    assert case.state == "filed"
    assert case.fraud_referral.filing_reference == "SFR-2026-0004417"
    assert list(
        Clock.objects.filter(case=case, rule__startswith="k24_")
        .order_by("party__number")
        .values_list("party__number", "rule", "due_date")
    ) == [
        (1, "k24_adverse", date(2032, 11, 16)),
        (2, "k24_victim", date(2027, 12, 16)),
    ]
    assert list(Letter.objects.filter(case=case).values_list("template", "party__number")) == [("n11", 2)]
    assert Release.objects.filter(case=case, message_kind="fpa_file").count() == 2
    assert list(OutboxMessage.objects.filter(case=case).order_by("seq").values_list("kind", "state")) == [
        ("fpa_file", "superseded"),
        ("fpa_file", "pending"),
    ]
    assert list(Approval.objects.filter(case=case).order_by("pk").values_list("outcome", flat=True)) == [
        "agreed",
        "agreed",
    ]
    assert {finding.level for finding in verify.verify_stream(case.uid)} == {"recorded late"}


def test_maker_who_holds_the_checkers_role_is_refused_and_nothing_is_written():
    people = factories.office()
    case = factories.ready(people)
    before = verify_state(case)

    with pytest.raises(transitions.TransitionRefused, match="You prepared this case. Another person must decide."):
        transitions.apply(
            case.pk, "approve", actor=people["a.byrne"], at=factories.APPROVED_AT, inputs=factories.CHECKER_INPUTS
        )

    assert verify_state(case) == before


def test_approval_is_void_when_the_case_changes_after_it_was_sent():
    people = factories.office()
    case = factories.ready(people)

    with edits.change(case.pk, actor=people["a.byrne"], at=factories.APPROVED_AT) as edit:
        edit.facts(loss_pence=1)

    approval = Approval.objects.get(case=case)
    assert (approval.outcome, approval.voided_at) == ("void", factories.APPROVED_AT)
    with pytest.raises(transitions.TransitionRefused, match="changed after it was sent for approval"):
        transitions.apply(
            case.pk, "approve", actor=people["d.osei"], at=factories.APPROVED_AT, inputs=factories.CHECKER_INPUTS
        )


def verify_state(case):
    """Everything a refusal must leave alone."""
    return (
        Case.objects.values().get(pk=case.pk),
        LedgerEvent.objects.filter(stream=case.uid).count(),
        list(LedgerHead.objects.filter(stream=case.uid).values_list("seq", "hash")),
        OutboxMessage.objects.count(),
        list(Approval.objects.values()),
    )


def test_second_referral_of_an_incident_is_offered_for_comparison():
    people = factories.office()
    first = factories.referred(people, incident_reference="DET-88112")

    second = factories.referred(people, incident_reference="DET-88112")
    other = factories.referred(people, incident_reference="DET-99001")

    assert list(Task.objects.filter(case=second).values_list("kind", "detail")) == [
        ("fraud_same_incident", {"reference": first.reference})
    ]
    assert not Task.objects.filter(case__in=[first, other]).exists()


def test_an_earlier_referral_in_a_compartment_is_told_to_no_other_case():
    people = factories.office()
    hidden = factories.referred(people, incident_reference="DET-88112")
    with ledger.action(hidden.uid, "tests.restricted", actor="system:tests", at=factories.AT):
        hidden.is_restricted, hidden.team, hidden.state = True, Team.objects.get(code="disclosure"), "filed"
        hidden.save()
    assert guards.is_not_filed_already(SimpleNamespace(case=hidden)) is None

    later = factories.referred(people, incident_reference="DET-88112")

    assert not Task.objects.filter(kind="fraud_same_incident").exists()
    assert guards.is_not_filed_already(SimpleNamespace(case=later)) is None
    with ledger.action(later.uid, "tests.restricted", actor="system:tests", at=factories.AT):
        later.is_restricted, later.team = True, hidden.team
        later.save()
    assert hidden.reference in guards.is_not_filed_already(SimpleNamespace(case=later))
