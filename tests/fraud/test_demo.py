"""Demo data is made by the same verbs as real work, so its ledgers are true."""

import pytest
from django.core.management import CommandError, call_command

from cases.debt.sale.models import DebtSaleAccount
from cases.fraud import demo
from cases.fraud.models import FraudDispute
from cases.kernel import actors
from cases.kernel.exchange import agencies
from cases.kernel.models import BreakGlass, Case, OutboxMessage
from cases.ledger import verify
from tests import factories
from tests.api import described
from tests.web.links import CURIOUS, follow

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]  # every link of four people


@pytest.fixture
def office():
    factories.office()
    agencies.register(
        agencies.Listing(code="own-detection", kind="own_system", display_name="Detection"),
        actor=actors.system("tests"),
        at=factories.AT,
    )


def test_demo_cases_reach_every_state_and_verify_and_no_link_to_them_breaks(office, settings):
    settings.DEMO = True

    call_command("seed_demo", share=0.01)

    sent = OutboxMessage.objects.exclude(case=None).filter(channel__transport="https").select_related("case")
    assert {fault for message in sent for fault in described.faults(message)} == set()
    referrals = Case.objects.filter(kind="fraud_referral")
    # One more was opened because a bank confirmed a fraud.
    assert referrals.count() == len(demo.PLAN) + 1
    asked = Case.objects.filter(kind="partner_query")
    assert sorted(asked.values_list("state", flat=True)) == ["answered"] * 4 + ["refused"]
    assert sorted(Case.objects.filter(is_restricted=True).values_list("state", flat=True)) == [
        "acknowledged",
        "acknowledged",
        "assessed",
        "authenticated",
        "authenticated",
        "cancelled",
        "checked",
        "clarification",
        "consented",
        "dismissed",
        "draft",
        "extracting",
        "live",
        "moratorium",
        "not_a_breach",
        "notified",
        "quality_check",
        "receipted",
        "received",
        "refused",
        "suspected",
        "written_up",
    ]
    assert sorted(Case.objects.filter(kind="association").values_list("state", flat=True)) == [
        "active",
        "break_requested",
        "challenged",
        "declared",
        "rejected",
        "signposted",
    ]
    assert sorted(Case.objects.filter(kind__in=["check", "contest"]).values_list("kind", "state")) == [
        ("check", "decided"),
        ("check", "decided"),
        ("check", "decided"),
        ("check", "decided"),
        ("check", "referred"),
        ("check", "referred"),
        ("contest", "assigned"),
        ("contest", "decided"),
    ]
    assert sorted(Case.objects.filter(kind="default").values_list("state", flat=True)) == [
        "arranged",
        "arrears",
        "due",
        "filed",
        "notice_ready",
        "notice_sent",
        "satisfied",
    ]
    traced = Case.objects.filter(kind="trace")
    assert sorted(traced.values_list("state", flat=True)) == ["declined", "passed", "requested", "result_held"]
    assert list(Case.objects.filter(kind="cra_file").values_list("state", flat=True)) == ["signed"]
    asked = Case.objects.filter(kind__in=["rights_request", "dp_complaint"])
    assert sorted(asked.values_list("state", flat=True)) == ["acknowledged", "closed", "propagating", "received"]
    debts = Case.objects.filter(kind__in=["debt_placement", "moratorium"])
    assert sorted(debts.values_list("kind", "state")) == [
        ("debt_placement", "active"),
        ("debt_placement", "active"),
        ("debt_placement", "excluded"),
        ("debt_placement", "excluded"),
        ("debt_placement", "in_batch"),
        ("debt_placement", "paid"),
        ("moratorium", "applied"),
        ("moratorium", "applied"),
        ("moratorium", "received"),
    ]
    sold = Case.objects.filter(kind="debt_sale").order_by("pk")
    assert list(sold.values_list("state", flat=True)) == ["bidding", "notices_issued"]
    assert sorted(DebtSaleAccount.objects.filter(sale=sold[1].pk).values_list("state", "price_pence")) == [
        ("excluded", None),
        ("sold", 941),
        ("sold", 1710),
        ("sold", 6080),
    ]
    assert sorted(BreakGlass.objects.values_list("outcome", flat=True)) == ["", "justified"]
    assert set(referrals.values_list("state", flat=True)) == {
        "referred",
        "triage",
        "investigating",
        "ready",
        "approved",
        "submitted",
        "rejected",
        "filed",
        "disputed",
        "removal_requested",
        "removed",
        "no_action",
        "refused",
        "expired",
    }
    assert set(FraudDispute.objects.values_list("outcome", flat=True)) == {"", "upheld", "amended", "removed"}
    assert [finding for finding in verify.verify_all(is_demo=True) if finding.level == "wrong"] == []
    met = {username: follow(username) for username in CURIOUS}
    assert {username: wrong for username, (_, wrong) in met.items() if wrong} == {}
    assert min(pages for pages, _ in met.values()) > 20


def test_demo_data_is_refused_outside_a_demonstration(office, settings):
    settings.DEMO = False

    with pytest.raises(CommandError, match="demo mode only"):
        call_command("seed_demo")

    assert Case.objects.count() == 0
