"""The agencies' pages: what each person may know, what they may do, and what a refusal leaves."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cases.agencies import application, settlement
from cases.agencies.directory import TERMS
from cases.kernel import actors
from cases.kernel.exchange import agencies, agreements
from cases.kernel.models import Agency, AgencyTerms, Callback, ChannelHealth, OutboxMessage, RefusedCalls
from cases.kernel.office import proposals
from cases.ledger.models import LedgerEvent, SecurityEvent
from tests import factories
from tests.agencies.stage import FPA, now, promise
from tests.agencies.test_application import hear
from tests.api.caller import callback, post, signed
from tests.web import desk
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db
PAGE = f"/agencies/{FPA}/"
EMPTY_HANDED = "Not yours to see"


@pytest.fixture
def stuck(people) -> OutboxMessage:
    message = promise(factories.referred(people), kind="fpa_file")
    OutboxMessage.objects.filter(pk=message.pk).update(state="dead", attempts=3)
    return OutboxMessage.objects.get(pk=message.pk)


def page(username: str, path: str = PAGE) -> str:
    answer = desk.client_of(username).get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("path", "username", "expected"),
    [
        ("/agencies/", "a.byrne", 6),
        (PAGE, "a.byrne", 12),
        (f"{PAGE}?view=stuck", "a.byrne", 12),
        (f"{PAGE}?view=callbacks", "a.byrne", 9),
        (f"{PAGE}?view=review", "a.byrne", 9),
        ("/agencies/stuck/", "a.byrne", 8),
        ("/security-log/", "b.lacombe", 7),
    ],
)
def test_pages_take_the_same_statements_for_more_rows(people, path, username, expected, count):
    for number in range(count):
        message = promise(factories.referred(people, incident_reference=f"DET-{number}"))
        OutboxMessage.objects.filter(pk=message.pk).update(state="dead")
        hear(callback(type="fpa.enquiry", reference=...), message_id=f"m-{number}")
        SecurityEvent.objects.create(kind="sign_in", actor=people["a.byrne"].label, at=now())
    application.apply_pending(now=now())
    found = statements(desk.client_of(username), path)
    assert len(found) == expected, shortly(found)


def test_a_case_is_named_to_whoever_may_see_it_alone(people, stuck):
    reference = stuck.case.reference

    assert reference in page("a.byrne")
    administrator = page("o.thackray")
    assert reference not in administrator and EMPTY_HANDED in administrator
    outsider = page("r.penhale")
    assert reference not in outsider and "No message that you may see stands in this view." in outsider


def test_an_agency_of_restricted_kinds_is_up_or_down_to_everybody_else(people):
    actor = actors.system("tests")
    plan = agencies.ChannelPlan(direction="out", address="https://127.0.0.1:9/fiu", allowed_cidrs=("127.0.0.0/8",))
    row = agencies.register(
        agencies.Listing(code="sandbox-fiu", kind="fiu", display_name="Sandbox FIU", terms=TERMS, channels=(plan,)),
        actor=actor,
        at=factories.AT,
    )
    officers = {name for name, each in people.items() if "nominated_officer" in each.roles}
    shown = {username: page(username, "/agencies/sandbox-fiu/") for username in people}
    closed = "You can see whether this agency can be reached, and nothing else."
    assert {username for username, text in shown.items() if closed not in text} == officers
    assert {username for username, text in shown.items() if "Failures in a row" in text} == officers
    before = page("a.byrne", "/agencies/sandbox-fiu/")
    ChannelHealth.objects.filter(channel__agency=row).update(consecutive_failures=2)
    assert page("a.byrne", "/agencies/sandbox-fiu/").count("tag") == before.count("tag")


@pytest.mark.parametrize(("kind", "said"), [("own_system", "Our own system"), ("dca", "No terms")])
def test_whose_terms_were_never_entered_is_listed_as_such_and_an_own_system_needs_none(people, kind, said):
    listing = agencies.Listing(code="new-one", kind=kind, display_name="New one")
    agencies.register(listing, actor=actors.system("tests"), at=factories.AT)

    register = page("a.byrne", "/agencies/")
    assert "New one" in register and said in register
    assert said in page("o.thackray", "/agencies/new-one/")


@pytest.mark.parametrize(
    ("act", "state", "said"), [("again", "pending", "sent again"), ("skip", "skipped", "given up")]
)
def test_a_dead_letter_is_decided_about_with_a_reason(people, stuck, act, state, said):
    client = desk.client_of("a.byrne")
    path = reverse("web:agency_message", args=[stuck.public_id])
    events = LedgerEvent.objects.count()

    refused = client.post(path, {"act": act, "reason": "  "})
    assert refused.status_code == 422 and b"needs a reason" in refused.content
    assert (OutboxMessage.objects.get(pk=stuck.pk).state, LedgerEvent.objects.count()) == ("dead", events)

    done = client.post(path, {"act": act, "reason": "They mended it."}, follow=True)
    assert said in done.content.decode()
    assert OutboxMessage.objects.get(pk=stuck.pk).state == state
    twice = client.post(path, {"act": act, "reason": "They mended it."})
    assert twice.status_code == 422 and LedgerEvent.objects.count() == events + 1


@pytest.mark.parametrize(("username", "status"), [("o.thackray", 404), ("r.penhale", 404), ("b.lacombe", 403)])
def test_nobody_else_decides_about_it(people, stuck, username, status):
    answer = desk.client_of(username).post(
        reverse("web:agency_message", args=[stuck.public_id]), {"act": "skip", "reason": "x"}
    )
    assert answer.status_code == status
    assert OutboxMessage.objects.get(pk=stuck.pk).state == "dead"


def test_a_callback_is_matched_or_ignored_from_the_page(people):
    cases = [factories.referred(people, incident_reference=f"DET-{number}") for number in range(2)]
    for case in cases:
        promise(case)
    OutboxMessage.objects.update(state="acknowledged", agency_reference="SFR-2026-0004417")
    rows = [hear(callback(type="fpa.enquiry", reference=...), message_id=f"m-{number}") for number in range(2)]
    application.apply_pending(now=now())
    client = desk.client_of("a.byrne")
    path, other = (reverse("web:agency_callback_review", args=[row.uid]) for row in rows)

    refused = client.post(path, {"act": "match", "reference": "FRD-1999-1", "reason": "Same name."})
    assert refused.status_code == 422
    assert b"You see no case with this reference." in refused.content
    assert b"FRD-1999-1" in refused.content and b"Same name." in refused.content
    client.post(path, {"act": "match", "reference": cases[1].reference.lower(), "reason": "Same name."})
    client.post(other, {"act": "ignore", "reason": "A repeat."})
    application.apply_pending(now=now())

    found = list(Callback.objects.order_by("pk").values_list("state", "case"))
    assert found == [("applied", cases[1].pk), ("ignored", None)]


def test_whoever_may_not_see_a_case_does_not_read_by_which_reference_the_agency_calls_it(people):
    case = factories.referred(people)
    hear(callback(type="fpa.enquiry", reference=...), message_id="m-1")
    Callback.objects.update(case=case, agency_reference="SFR-2026-0004417")

    shown = {each: "SFR-2026-0004417" in page(each, f"{PAGE}?view=callbacks") for each in ("a.byrne", "o.thackray")}

    assert shown == {"a.byrne": True, "o.thackray": False}


def test_a_pause_that_two_agreed_to_is_ended_by_two(people):
    officer, approver, at = people["k.mistry"], people["e.hallam"], now()

    def agree(kind):
        row = proposals.propose(kind, {"code": FPA}, actor=officer, at=at, reason="Their fault.")
        proposals.decide(row.uid, "agreed", actor=approver, at=at, reason="Read.")
        return agencies.channel_of(agencies.get(FPA), "out").state

    with pytest.raises(proposals.ProposalRefused, match="Sending to this agency is not paused."):
        agree("agency_resume")
    assert agree("agency_pause") == "paused"
    client, path = desk.client_of("o.thackray"), reverse("web:agency_resume", args=[FPA])

    alone = client.post(path, {"reason": "They say it is over."})

    assert alone.status_code == 422
    assert b"Two people agreed to this pause, so two end it" in alone.content
    assert agencies.channel_of(agencies.get(FPA), "out").state == "paused"
    assert b"/office/changes/new/agency_resume/?code=" in client.get(PAGE).content
    assert agree("agency_resume") == "active"
    client.post(reverse("web:agency_pause", args=[FPA]), {"reason": "Their change window."})
    assert client.post(path, {"reason": "It is over."}).status_code == 302
    assert agencies.channel_of(agencies.get(FPA), "out").state == "active"


def test_an_operator_pauses_for_an_hour_and_it_ends_by_itself(people):
    client = desk.client_of("o.thackray")
    path = reverse("web:agency_pause", args=[FPA])
    assert client.post(path, {"reason": ""}).status_code == 422
    channel = agencies.channel_of(agencies.get(FPA), "out")
    assert channel.state == "active"

    assert client.post(path, {"reason": "Their change window."}).status_code == 302
    channel.refresh_from_db()
    until = channel.health.paused_until
    assert channel.state == "paused" and timedelta(0) < until - now() <= timedelta(hours=1)
    assert client.post(path, {"reason": "Again."}).status_code == 422
    assert settlement.resume_due(now=until - timedelta(seconds=1)) == 0
    assert settlement.resume_due(now=until) == 1
    channel.refresh_from_db()
    assert channel.state == "active"

    for username in ("a.byrne", "b.lacombe"):
        assert desk.client_of(username).post(path, {"reason": "x"}).status_code == 403


def test_refused_signatures_are_counted_and_nothing_of_them_is_kept(people):
    headers = signed("whsec_" + "B" * 43 + "=", "msg-1", b"{}")
    for _ in range(2):
        answer = post(f"/api/v1/agencies/{FPA}/callbacks/", b"{}", headers)
        assert answer.status_code == 401
    post("/api/v1/agencies/nobody/callbacks/", b"{}", headers)

    row = RefusedCalls.objects.get()
    assert (row.agency.code, row.count, row.last_reason) == (FPA, 2, "no_secret_fits")
    assert "2 calls in its name refused for the signature" in page("a.byrne")
    assert Callback.objects.count() == 0


def test_an_agency_past_its_review_says_that_it_gets_nothing(people):
    agency = Agency.objects.get(code=FPA)
    past = replace(TERMS, sharing_review_date=factories.AT.date() - timedelta(days=1))
    agreements.enter(agency, past, actor=actors.system("tests"), at=factories.AT)

    assert "is past its review. No personal data is sent to it." in page("a.byrne")
    assert AgencyTerms.objects.get(agency=agency).state == "active"
    assert "Gets no personal data" in page("a.byrne", "/agencies/")


def test_an_answer_that_is_owed_says_by_when_and_one_that_is_late_since_when(people, stuck):
    for ago, said in ((timedelta(hours=1), "owed by"), (timedelta(days=30), "owed since")):
        OutboxMessage.objects.filter(pk=stuck.pk).update(state="delivered", delivered_at=timezone.now() - ago)
        shown = page("a.byrne")
        assert [words for words in ("owed by", "owed since") if words in shown] == [said]
