"""What two people do from the pages: propose, see exactly what is proposed, agree, decline, take back."""

from uuid import uuid4

import pytest
from django.urls import reverse

from cases.kernel import transitions
from cases.kernel.models import Approval, Case, RoleGrant, User
from cases.ledger import api as ledger
from cases.ledger.models import AccessEvent, LedgerEvent
from tests import emergencies, factories
from tests.web import desk

pytestmark = pytest.mark.django_db
WHY = "The same call was entered twice."


def at(name: str, case: Case, *args: object) -> str:
    return reverse(f"web:{name}", args=[case.uid, *args])


def proposed(people, *, by="a.byrne") -> tuple[Case, Approval]:
    case = factories.investigating(people)
    transitions.apply(case.pk, "void", actor=people[by], at=factories.FILED_AT, reason=WHY)
    return Case.objects.get(pk=case.pk), Approval.objects.get(case=case)


def answer(username, case, approval, verdict, **typed):
    client = desk.client_of(username, is_stepped_up=True)
    return client.post(at("verdict", case, approval.uid), {"verdict": verdict, **typed}, follow=True)


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_voiding_is_proposed_from_the_page_and_nothing_happens_yet(people):
    case = factories.investigating(people)
    client = desk.client_of("a.byrne")
    assert "Propose: void: opened in error" in text(client.get(at("case", case)))

    response = client.post(at("step", case, "void"), {"reason": WHY}, follow=True)

    assert "Proposed. It happens when another person agrees: fraud approver." in text(response)
    assert Case.objects.get(pk=case.pk).state == "investigating"
    assert WHY in text(response)
    assert "Take it back" in text(response)
    assert "You asked for this. Another person must agree." in text(response)


def test_checker_reads_the_reason_and_agrees(people):
    case, approval = proposed(people)
    page = desk.client_of("d.osei").get(at("case", case))
    assert "Waiting for you" in text(page)
    assert WHY in text(page)
    assert AccessEvent.objects.filter(streams__contains=[case.uid], fields=["typed"], purpose="casework").count() == 1

    response = answer("d.osei", case, approval, "agreed")

    assert f"You agreed. {case.reference}: void." in text(response)
    assert Case.objects.get(pk=case.pk).state == "void"


def test_what_was_done_at_once_is_opened_to_who_looks_at_it_alone(people):
    case = emergencies.disclosed(people)
    pages = {who: text(desk.client_of(who).get(at("case", case))) for who in ("e.hallam", "n.okonjo", "k.mistry")}
    shown = {who: emergencies.GIVEN["address"] in page for who, page in pages.items()}
    assert shown == {"e.hallam": True, "n.okonjo": False, "k.mistry": False}


def test_declining_without_a_reason_is_refused_and_with_one_is_kept(people):
    case, approval = proposed(people)
    refused = answer("d.osei", case, approval, "refused")
    assert refused.status_code == 409
    assert "Give a reason." in text(refused)

    response = answer("d.osei", case, approval, "refused", reason="It is another call.")

    assert "You declined. Nothing was done." in text(response)
    assert (Case.objects.get(pk=case.pk).state, Approval.objects.get().outcome) == ("investigating", "refused")


def test_what_was_typed_survives_a_refusal(people):
    case, approval = proposed(people)
    response = answer("d.osei", case, approval, "agreed", reason="Agreed, twice.", version="1")
    assert response.status_code == 409
    assert "Agreed, twice." in text(response)
    assert Case.objects.get(pk=case.pk).state == "investigating"


def test_who_proposed_takes_it_back_and_nobody_else_does(people):
    case, approval = proposed(people)
    assert answer("d.osei", case, approval, "withdrawn").status_code == 409
    assert "You took it back." in text(answer("a.byrne", case, approval, "withdrawn"))
    assert Approval.objects.get().outcome == "withdrawn"


def test_an_approval_of_another_case_and_an_unknown_verdict_are_nothing(people):
    case, approval = proposed(people)
    other = factories.referred(people)
    before = LedgerEvent.objects.count()
    assert answer("d.osei", other, approval, "agreed").status_code == 404
    assert answer("d.osei", case, approval, "perhaps").status_code == 409
    assert answer("d.osei", case, approval, "").status_code == 409
    assert LedgerEvent.objects.count() == before


def test_approvals_page_names_the_act(people):
    proposed(people)
    page = text(desk.client_of("d.osei").get("/approvals/"))
    assert "Void: opened in error" in page
    assert "Void: opened in error" not in text(desk.client_of("a.byrne").get("/approvals/"))


def test_a_merged_reference_leads_to_the_case_that_stays(people):
    stays, case = factories.referred(people), factories.referred(people)
    client = desk.client_of("a.byrne")
    nowhere = client.post(at("step", case, "merge"), {"into": "FRD-2026-999999", "reason": WHY})
    assert "Name the case it is merged into." in text(nowhere)
    client.post(at("step", case, "merge"), {"into": stays.reference.lower(), "reason": WHY})
    approval = Approval.objects.get(case=case)
    assert f"<dd>{stays.reference}</dd>" in text(desk.client_of("d.osei").get(at("case", case)))

    answer("d.osei", case, approval, "agreed")

    for start in (at("case", case), f"{reverse('web:queue')}?q={case.reference}"):
        page = client.get(start, follow=True)
        assert page.redirect_chain[-1][0] == at("case", stays)
        assert f"{case.reference} was merged into this case." in text(page)
    old = text(client.get(at("case", case), {"old": ""}))
    assert f'It was merged into <a class="mono" href="{at("case", stays)}">{stays.reference}</a>.' in old
    assert "merged another case into this one" in text(client.get(at("case", stays)))


def test_a_void_case_is_reopened_from_its_page(people):
    case, approval = proposed(people)
    answer("d.osei", case, approval, "agreed")
    client = desk.client_of("a.byrne")
    assert "Propose: reopen" in text(client.get(at("case", case)))
    client.post(at("step", case, "reopen"), {"reason": "It was another call after all."}, follow=True)

    response = answer("d.osei", case, Approval.objects.get(case=case, act="reopen"), "agreed")

    assert f"You agreed. {case.reference}: investigating." in text(response)


def test_counsel_says_what_the_story_holds_before_agreeing(people):
    case = factories.filed(people)
    osei = desk.client_of("d.osei", is_stepped_up=True)
    page = text(osei.get(at("case", case)))
    assert "Does the story of the case hold communications data?" in page
    given = {"people": ["1"], "documents": ["1"], "has_communications_data": "on"}
    mute = osei.post(at("step", case, "report_to_police"), given)
    assert mute.status_code == 422 and not Approval.objects.filter(case=case, act="report_to_police").exists()
    osei.post(at("step", case, "report_to_police"), given | {"story_holds": "no"})
    approval = Approval.objects.get(case=case, act="report_to_police")

    counsel = desk.client_of("v.tranter", is_stepped_up=True)
    counsel.post(at("purpose", case), {"purpose": "legal_advice"})
    read = text(counsel.get(at("case", case)))
    assert "Does the story of the case hold communications data? </dt>" in read or "<dd>No</dd>" in read
    assert 'name="answer" value="yes"' in read and "(needed to agree)" in read
    refused = counsel.post(at("verdict", case, approval.uid), {"verdict": "agreed"})
    assert refused.status_code == 409 and "Answer this first" in text(refused)
    counsel.post(at("verdict", case, approval.uid), {"verdict": "agreed", "answer": "no"})
    approval.refresh_from_db()
    assert approval.outcome == "agreed"


def test_whoever_is_on_both_sides_is_told_when_nobody_else_could_decide(people):
    case, alone = factories.disputed(people), "Nobody else can decide this: ask an administrator for a further fraud"
    for approver in ("a.byrne", "d.osei"):
        assert text(desk.client_of(approver).get(at("case", case))).count(f"{alone} approver.") == 1
    assert alone not in text(desk.client_of("p.nair").get(at("case", case)))

    with ledger.action(uuid4(), "tests.granted", actor="system:tests", at=factories.AT):
        RoleGrant.objects.create(user_id=people["p.nair"].user_id, role="fraud_approver", granted_at=factories.AT)

    for approver in ("a.byrne", "d.osei", "p.nair"):
        assert alone not in text(desk.client_of(approver).get(at("case", case)))


def test_who_proposes_what_nobody_could_agree_to_is_told_so(people):
    case, _ = proposed(people)
    alone = "Nobody else can decide this: ask an administrator for a further fraud approver."
    assert alone not in text(desk.client_of("a.byrne").get(at("case", case)))

    User.objects.filter(username="d.osei").update(is_active=False)

    assert alone in text(desk.client_of("a.byrne").get(at("case", case)))
