"""Two people at one request at once, with real commits: what is given is given once, and what is cancelled is not."""

import pytest

from cases.kernel import transitions
from cases.kernel.models import ApprovalDecision, Case, OutboxMessage, Release
from cases.ledger import verify
from cases.ledger.models import LedgerEvent
from tests import disclosures, emergencies, factories
from tests.disclosures import AT, CHECKED, COMPARED
from tests.faults.test_races import at_once, refusals
from tests.length import times

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = times(3, 50)


def step(case, name, actor, **inputs):
    return lambda: transitions.apply(case.pk, name, actor=actor, at=AT, inputs=inputs, reason="Tried.")


def given(case):
    """What one release leaves behind, each kind counted."""
    return {
        "decisions": ApprovalDecision.objects.filter(approval__case=case, verdict="agreed").count(),
        "packages": OutboxMessage.objects.filter(case=case, kind="le_result").count(),
        "register": Release.objects.filter(case=case, message_kind="le_result").count(),
        "events": LedgerEvent.objects.filter(stream=case.uid, action="le_disclosure.release").count(),
        "receipts": case.clocks.filter(rule="disclosure_receipt").count(),
    }


def is_sound(case):
    return not [finding for finding in verify.verify_stream(case.uid) if finding.level != "recorded late"]


def test_two_approvers_who_release_one_package_at_once_give_it_once():
    people = factories.office()
    second = disclosures.other_approver(people)
    for _ in range(ROUNDS):
        case = disclosures.quality_check(people)
        disclosures.look(case, second)
        results = at_once(*(step(case, "release", who, compared=COMPARED) for who in (people["e.hallam"], second)))
        assert [type(each) for each in refusals(results)] == [transitions.AlreadyThere]
        assert given(case) == dict.fromkeys(given(case), 1)
        assert is_sound(case)


def test_of_one_who_releases_and_one_who_returns_at_once_one_is_heard():
    people = factories.office()
    second = disclosures.other_approver(people)
    found = {"fault": "excess_data", "difference": "A column too many."}
    for _ in range(ROUNDS):
        case = disclosures.quality_check(people)
        disclosures.look(case, second)
        results = at_once(
            step(case, "release", people["e.hallam"], compared=COMPARED), step(case, "return", second, **found)
        )
        assert len(refusals(results)) == 1
        is_given = Case.objects.get(pk=case.pk).state == "released"
        assert given(case) == dict.fromkeys(given(case), int(is_given))
        assert case.disclosure_errors.count() == int(not is_given)
        assert is_sound(case)


def test_what_the_authority_cancels_as_it_is_released_is_never_both_given_and_ended():
    people = factories.office()
    for _ in range(ROUNDS):
        case = disclosures.quality_check(people)
        at_once(
            step(case, "release", people["e.hallam"], compared=COMPARED),
            step(case, "cancel", people["k.mistry"], notice="Letter of 14 November."),
        )
        case = Case.objects.get(pk=case.pk)
        has_left = OutboxMessage.objects.filter(case=case, kind="le_result").exists()
        assert (case.state, has_left) in {("released", True), ("cancelled", False)}
        assert case.package_parts.filter(blob__isnull=False).exists() == has_left
        assert is_sound(case)


def test_one_press_twice_at_once_gives_once_at_night():
    people = factories.office()
    for _ in range(ROUNDS):
        urgent, live = disclosures.urgent(people), emergencies.live(people)
        officer, operator = people["k.mistry"], people["n.okonjo"]
        for case, name, kind, press in (
            (urgent, "release_urgent", "le_result", step(urgent, "release_urgent", officer, checked=CHECKED)),
            (live, "disclose", "emerg_answer", step(live, "disclose", operator, **emergencies.GIVEN)),
        ):
            results = at_once(press, press)
            assert [type(each) for each in refusals(results)] == [transitions.AlreadyThere]
            assert Release.objects.filter(case=case, message_kind=kind).count() == 1
            assert case.approvals.filter(mode="after", act=name).count() == 1
            assert is_sound(case)


def test_two_who_take_a_file_out_and_send_the_package_at_once_never_send_what_is_not_in_it():
    people = factories.office()
    for _ in range(ROUNDS):
        case = disclosures.extracting(people)
        officer = people["k.mistry"]
        at_once(
            step(case, "submit", officer, checked=CHECKED),
            lambda: disclosures.package.remove_part(case.pk, 2, actor=officer, at=AT),  # noqa: B023 -- called at once
        )
        case = Case.objects.get(pk=case.pk)
        parts = disclosures.package.parts_of(case)
        if case.state == "quality_check":
            said = disclosures.facts(case).package_sha256
            assert (len(parts), said) == (2, disclosures.package.manifest_hash(parts))
        else:
            assert (case.state, len(parts)) == ("extracting", 1)
