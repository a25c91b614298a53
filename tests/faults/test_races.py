"""Two people at once, with real commits: exactly one effect, and nobody approves what was changed meanwhile."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Barrier

import pytest
from django.db import connections

from cases.kernel import edits, intake, transitions
from cases.kernel.errors import CaseError
from cases.kernel.models import Approval, ApprovalDecision, Case, OutboxMessage, ReferenceCounter, Release
from cases.ledger import verify
from cases.ledger.models import LedgerEvent, SecurityEvent
from tests import factories
from tests.factories import APPROVED_AT, AT
from tests.length import times

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = times(8, 200)


@contextmanager
def crowd(size):
    """Give a function that runs `size` acts at once, each in a thread with its own connection."""
    start = Barrier(size)

    def one(act):
        start.wait(60)
        try:
            return act()
        except CaseError as refusal:
            return refusal

    with ThreadPoolExecutor(size) as pool:
        yield lambda *acts: list(pool.map(one, acts))
        list(pool.map(one, [connections.close_all] * size))


def at_once(*acts):
    """Run the acts in threads that start together; return what each gave or raised."""
    with crowd(len(acts)) as run:
        return run(*acts)


def refusals(results):
    return [each for each in results if isinstance(each, CaseError)]


@pytest.fixture
def office():
    """The office, in which P. Nair may approve as well."""
    known = factories.office()
    known["p.nair"] = replace(known["p.nair"], roles=frozenset({"fraud_approver"}))
    return known


def approve(case, actor, **given):
    return transitions.apply(case.pk, "approve", actor=actor, at=APPROVED_AT, inputs=factories.CHECKER_INPUTS, **given)


def submit(case, actor):
    transitions.apply(case.pk, "submit", actor=actor, at=AT, inputs={"pillars": factories.MAKER_ANSWERS})


def counts(case):
    """What one approval leaves behind, each kind counted."""
    return {
        "decisions": ApprovalDecision.objects.filter(approval__case=case, verdict="agreed").count(),
        "messages": OutboxMessage.objects.filter(case=case, kind="fpa_file").count(),
        "releases": Release.objects.filter(case=case).count(),
        "events": LedgerEvent.objects.filter(stream=case.uid, action="fraud_referral.approve").count(),
        "refused": SecurityEvent.objects.filter(kind="transition_refused", act="approve").count(),
    }


def test_two_approvers_at_once_have_one_effect_in_every_round(office):
    case = factories.investigating(office)
    winners = Counter()
    with crowd(2) as run:
        for number in range(1, ROUNDS + 1):
            submit(case, office["a.byrne"])
            results = run(lambda: approve(case, office["d.osei"]), lambda: approve(case, office["p.nair"]))
            assert [type(each) for each in refusals(results)] == [transitions.AlreadyThere]
            winners[isinstance(results[0], Case)] += 1
            if number % 20 == 0:
                assert counts(case) == dict.fromkeys(counts(case), number)
            transitions.apply(case.pk, "withdraw", actor=office["d.osei"], at=APPROVED_AT, reason="Again.")
    assert counts(case) == dict.fromkeys(counts(case), ROUNDS)
    assert Approval.objects.filter(case=case, closed_at=None).count() == 0
    assert OutboxMessage.objects.filter(case=case).exclude(state="withdrawn").count() == 0
    assert not [finding for finding in verify.verify_stream(case.uid) if finding.level != "recorded late"]
    assert sum(winners.values()) == ROUNDS


def test_two_referrals_of_one_incident_approved_at_once_are_filed_once(office):
    for number in range(8):
        pair = []
        for _ in range(2):
            case = factories.referred(office, incident_reference=f"DET-PAIR-{number}")
            for name in ("take", "accept"):
                transitions.apply(case.pk, name, actor=office["a.byrne"], at=AT)
            paper = {"kind": "chat", "file_name": "a.txt", "media_type": "text/plain", "data": b"a"}
            edits.attach(case.pk, **paper, actor=office["a.byrne"], at=AT)
            submit(case, office["a.byrne"])
            pair.append(case)
        results = at_once(
            lambda p=pair: approve(p[0], office["d.osei"]), lambda p=pair: approve(p[1], office["p.nair"])
        )
        (refused,) = refusals(results)
        assert "The same incident stands in" in str(refused)
        assert OutboxMessage.objects.filter(case__in=pair, kind="fpa_file").count() == 1


def test_an_approval_and_an_edit_at_once_never_send_what_nobody_approved(office):
    case = factories.ready(office)
    outcomes = Counter()
    for number in range(20):
        results = at_once(
            lambda: approve(case, office["d.osei"]), lambda n=number: edit(case, office, loss_pence=n + 1)
        )
        (refused,) = refusals(results)
        approval = Approval.objects.filter(case=case).latest("pk")
        if isinstance(results[0], Case):
            assert isinstance(refused, edits.EditRefused) and approval.outcome == "agreed"
            assert ApprovalDecision.objects.get(approval=approval).digest == approval.digest
            transitions.apply(case.pk, "withdraw", actor=office["d.osei"], at=APPROVED_AT, reason="Again.")
        else:
            assert "changed after it was sent for approval" in str(refused) and approval.outcome == "void"
            transitions.apply(case.pk, "return", actor=office["d.osei"], at=APPROVED_AT, reason="Again.")
        outcomes[approval.outcome] += 1
        submit(case, office["a.byrne"])
    assert OutboxMessage.objects.filter(case=case).count() == outcomes["agreed"]


def edit(case, office, **facts):
    with edits.change(case.pk, actor=office["a.byrne"], at=APPROVED_AT) as change:
        change.facts(**facts)


def test_two_edits_of_one_page_at_once_keep_the_first(office):
    case = factories.referred(office)
    for _ in range(20):
        version = Case.objects.get(pk=case.pk).version

        def write(pence, version=version):
            with edits.change(case.pk, actor=office["a.byrne"], at=AT, version=version) as change:
                change.facts(loss_pence=pence)
            return pence

        results = at_once(lambda: write(1), lambda: write(2))
        (refused,) = refusals(results)
        (kept,) = (each for each in results if not isinstance(each, CaseError))
        assert isinstance(refused, edits.EditConflict)
        now = Case.objects.select_related("fraud_referral").get(pk=case.pk)
        assert (now.version, now.fraud_referral.loss_pence) == (version + 1, kept)


def test_two_edits_without_a_version_both_happen_one_after_the_other(office):
    case = factories.referred(office)
    at_once(*[lambda n=n: edits.add_note(case.pk, f"Note {n}.", actor=office["a.byrne"], at=AT) for n in range(8)])
    assert case.notes.count() == 8
    assert Case.objects.get(pk=case.pk).version == case.version + 8
    events = LedgerEvent.objects.filter(stream=case.uid).order_by("seq")
    assert list(events.values_list("seq", flat=True)) == list(range(1, 10))


def test_two_documents_at_once_get_two_numbers(office):
    case = factories.referred(office)
    document = {"kind": "chat", "file_name": "a.txt", "media_type": "text/plain", "actor": office["a.byrne"], "at": AT}
    at_once(*[lambda n=n: edits.attach(case.pk, data=b"%d" % n, **document) for n in range(4)])
    assert sorted(case.evidence.values_list("number", flat=True)) == [1, 2, 3, 4]


def test_a_case_is_taken_by_one_person(office):
    analyst = replace(office["p.nair"], roles=frozenset({"fraud_analyst"}))
    for _ in range(10):
        case = factories.referred(office)
        results = at_once(
            lambda pk=case.pk: transitions.apply(pk, "take", actor=office["a.byrne"], at=AT),
            lambda pk=case.pk: transitions.apply(pk, "take", actor=analyst, at=AT),
        )
        (winner,) = (each for each in results if isinstance(each, Case))
        assert len(refusals(results)) == 1
        assert Case.objects.get(pk=case.pk).assignee_id == winner.assignee_id


def test_two_who_click_take_it_at_once_get_it_once_and_the_other_hears_who_has_it(office):
    for _ in range(5):
        case = factories.referred(office)
        results = at_once(
            *(
                lambda pk=case.pk, who=who: edits.assign(pk, factories.user(who), actor=office[who], at=AT, was=None)
                for who in ("a.byrne", "p.nair")
            )
        )
        (winner,) = (each for each in results if isinstance(each, Case))
        (refusal,) = refusals(results)
        assert Case.objects.get(pk=case.pk).assignee_id == winner.assignee_id
        assert str(refusal) == f"{winner.assignee.display_name} has this case now."
        assert LedgerEvent.objects.filter(stream=case.uid, action="case.assigned").count() == 1


def test_references_have_no_gaps_and_no_twins_under_eight_threads(office):
    def open_five(number):
        for each in range(5):
            facts = factories.FACTS if (number + each) % 4 else {**factories.FACTS, "account_reference": ""}
            try:
                intake.open_case(
                    "fraud_referral",
                    actor=office["a.byrne"],
                    at=AT,
                    facts=facts,
                    people=[factories.VICTIM] if facts["account_reference"] else [],
                )
            except intake.IntakeRefused:
                continue

    at_once(*[lambda number=number: open_five(number) for number in range(8)])
    given = sorted(Case.objects.values_list("reference", flat=True))
    assert given == [f"FRD-2026-{number:06d}" for number in range(1, 31)]
    assert ReferenceCounter.objects.get(prefix="FRD", year=2026).last == 30
