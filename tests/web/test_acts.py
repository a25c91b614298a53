"""What people do from the pages: it happens, or it is refused with a sentence and with what they typed."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from cases.kernel import actors, edits, formats, record, tasks
from cases.kernel.evidence import taking
from cases.kernel.models import Approval, Case, CaseParty, Evidence, Hold, Note, StoredBlob
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.reports import requests
from tests import factories
from tests.kernel.snapshots import nothing_written
from tests.reports import reading
from tests.web import desk

pytestmark = pytest.mark.django_db

PILLARS = {f"pillar_{number}": "yes" for number in (1, 2, 3, 4)}
EVIDENCE = {f"evidence_{number}": "1" for number in (1, 2, 3, 4)}


def at(name: str, case: Case, *args: object) -> str:
    return reverse(f"web:{name}", args=[case.uid, *args])


def state_of(case: Case) -> tuple[str, int, int]:
    found = Case.objects.get(pk=case.pk)
    return found.state, found.version, LedgerEvent.objects.filter(stream=case.uid).count()


def test_note_is_written_and_read_back_in_the_story(people):
    case = factories.referred(people)
    client = desk.client_of("a.byrne")

    response = client.post(at("note", case), {"note": "Called the shop back."}, follow=True)

    assert b"Note added." in response.content
    assert b"Called the shop back." in response.content
    assert Note.objects.filter(case=case).count() == 1


def test_empty_note_is_refused_and_nothing_is_written(people):
    case = factories.referred(people)
    before = state_of(case)

    response = desk.client_of("a.byrne").post(at("note", case), {"note": "  "})

    assert response.status_code == 422
    assert b"Write something first." in response.content
    assert state_of(case) == before


def test_case_is_taken_and_given_on(people):
    case = factories.referred(people)
    client = desk.client_of("a.byrne")

    client.post(at("take", case))
    assert Case.objects.get(pk=case.pk).assignee.username == "a.byrne"
    client.post(at("assign", case), {"assignee": factories.user("p.nair").pk})
    assert Case.objects.get(pk=case.pk).assignee.username == "p.nair"


def test_taking_from_the_queue_leads_back_to_it(people):
    case = factories.referred(people)

    response = desk.client_of("a.byrne").post(at("take", case), {"back": "/cases/?view=unassigned"})

    assert response["Location"] == "/cases/?view=unassigned"
    elsewhere = desk.client_of("a.byrne").post(at("take", case), {"back": "https://example.org/"})
    assert elsewhere["Location"] == at("case", case)


def test_most_urgent_unassigned_case_is_taken(people):
    first, _second = factories.referred(people), factories.referred(people)

    response = desk.client_of("a.byrne").post("/cases/take-next/")

    assert response["Location"] == at("case", first)


def test_step_is_made_with_its_own_form(people):
    case = factories.investigating(people)
    answers = {**PILLARS, **EVIDENCE, "exception": "", "version": case.version}

    response = desk.client_of("a.byrne").post(at("step", case, "submit"), answers)

    assert response.status_code == 302
    assert Case.objects.get(pk=case.pk).state == "ready"


def test_refused_form_keeps_what_was_typed(people):
    case = factories.investigating(people)
    before = state_of(case)

    response = desk.client_of("a.byrne").post(
        at("step", case, "submit"), {"pillar_1": "yes", "reason": "The log shows it.", "version": case.version}
    )

    assert response.status_code == 422
    assert b"The log shows it." in response.content
    assert b'id="summary-h"' in response.content
    assert state_of(case) == before


def test_guard_speaks_in_the_page(people):
    case = factories.investigating(people)
    before = state_of(case)

    response = desk.client_of("a.byrne").post(at("step", case, "submit"), {**PILLARS, "version": case.version})

    assert response.status_code == 409
    assert b"link at least one document" in response.content
    assert state_of(case) == before


def test_stale_page_is_told_who_changed_what_and_keeps_the_text(people):
    case = factories.investigating(people)
    edits.add_note(case.pk, "Meanwhile.", actor=people["p.nair"], at=factories.AT)
    before = state_of(case)

    response = desk.client_of("a.byrne").post(
        at("step", case, "close_no_action"), {"reason": "Not worth filing.", "version": case.version}
    )

    assert response.status_code == 409
    assert b"P. Nair worked on it" in response.content
    assert b"Not worth filing." in response.content
    assert state_of(case) == before


def test_grave_step_asks_for_the_second_factor_first(people):
    case = factories.ready(people)
    before = state_of(case)
    answers = {**PILLARS, "has_reviewed_innocent": "on", "version": case.version}

    response = desk.client_of("d.osei").post(at("step", case, "approve"), answers)

    assert response["Location"].startswith(reverse("step_up"))
    assert state_of(case) == before
    desk.client_of("d.osei", is_stepped_up=True).post(at("step", case, "approve"), answers)
    assert Case.objects.get(pk=case.pk).state == "approved"


def test_maker_sees_why_not_and_a_forged_decision_is_refused(people):
    case = factories.ready(people)
    before = state_of(case)
    client = desk.client_of("a.byrne", is_stepped_up=True)

    page = client.get(at("case", case)).content.decode()
    assert "You prepared this case. Another person must decide." in page
    assert at("step", case, "approve") not in page
    response = client.post(at("step", case, "approve"), {**PILLARS, "has_reviewed_innocent": "on"})
    assert response.status_code == 409
    assert state_of(case) == before


@pytest.mark.parametrize("role", ["collections_analyst", "disclosure_officer"])
def test_case_of_another_team_is_not_there(people, role):
    username = next(name for name, each in people.items() if role in each.roles)
    case = factories.referred(people)
    client = desk.client_of(username)
    seen = {client.get(at(name, case)).status_code for name in ("case", "documents", "messages", "audit")}
    done = {client.post(at(name, case), {"note": "x"}).status_code for name in ("note", "take", "assign", "report")}
    assert seen | done == {404}


def test_value_is_shown_after_a_reason_and_the_reading_is_recorded(people):
    case = factories.referred(people)
    client = desk.client_of("a.byrne")
    path = at("reveal", case, "person-2-phone")
    assert b"+447700900123" not in client.get(at("case", case)).content

    assert b"+447700900123" not in client.get(path).content
    refused = client.post(path, {"purpose": ""})
    assert refused.status_code == 422
    assert not AccessEvent.objects.filter(verb="reveal").exists()
    response = client.post(path, {"purpose": "verify_identity"}, headers={"HX-Request": "true"})

    assert b"+447700900123" in response.content
    assert b"<html" not in response.content
    assert response["Cache-Control"] == "no-store"
    read = AccessEvent.objects.get(verb="reveal")
    assert (read.actor, read.fields, read.purpose, read.streams) == (
        people["a.byrne"].label,
        ["person-2-phone"],
        "verify_identity",
        [case.uid],
    )


@pytest.mark.parametrize(
    "code", ["person-9-phone", "person-2-employer", "facts-key", "facts-case", "x-1-y", "person--"]
)
def test_what_the_case_does_not_hold_is_not_shown(people, code):
    case = factories.referred(people)
    response = desk.client_of("a.byrne").post(at("reveal", case, code), {"purpose": "verify_identity"})
    assert response.status_code == 422
    assert not AccessEvent.objects.filter(verb="reveal").exists()


def test_opening_a_case_is_recorded(people):
    case = factories.referred(people)
    desk.client_of("a.byrne").get(at("case", case))
    assert AccessEvent.objects.filter(verb="view", streams=[case.uid], purpose="casework").count() == 1


def test_document_comes_in_is_scanned_and_goes_out_as_an_attachment_alone(people):
    case = factories.investigating(people)
    client = desk.client_of("a.byrne")
    sent = SimpleUploadedFile("talk.txt", b"We spoke at noon.", content_type="text/plain")

    response = client.post(at("documents", case), {"kind": "document", "document": sent}, follow=True)
    assert b"talk.txt" in response.content
    assert b"Waiting for the scan" in response.content
    waiting = client.get(at("download", case, 2))
    assert waiting.status_code == 409
    assert b"This document waits for the virus scan." in waiting.content

    factories.scan()
    got = client.get(at("download", case, 2))

    assert got.getvalue() == b"We spoke at noon."
    assert got["Content-Type"] == "application/octet-stream"
    assert got["Content-Length"] == "17"
    assert got["Content-Disposition"] == 'attachment; filename="talk.txt"'
    assert got["X-Content-Type-Options"] == "nosniff"
    assert got["Content-Security-Policy"].startswith("sandbox")
    assert AccessEvent.objects.filter(verb="download", streams=[case.uid]).exists()
    assert b"Scanned, clean" in client.get(at("documents", case)).content


def test_what_is_said_of_a_document_as_evidence_is_read_by_whoever_decides_and_stands_in_the_report(people):
    case = factories.ready(people)
    client = desk.client_of("a.byrne")
    said = "Recorded with notice of it; may be played to the police, not to the agency."

    def give(**typed):
        sent = SimpleUploadedFile("talk.txt", b"We spoke at noon.", content_type="text/plain")
        return client.post(at("documents", case), {"kind": "document", "document": sent, **typed}, follow=True)

    before, blobs, paid = state_of(case), StoredBlob.objects.count(), "Paid by 4111 1111 1111 1111."
    refused = give(admissibility=paid)
    assert refused.status_code == 422 and b"card number" in refused.content
    assert (state_of(case), Evidence.objects.filter(case=case).count(), StoredBlob.objects.count()) == (
        before,
        1,
        blobs,
    )
    taken = taking.take(case, [b"x"], file_name="a.txt", media_type="text/plain", at=factories.AT)
    given = {"kind": "chat", "actor": people["a.byrne"], "at": factories.AT}
    with nothing_written(), pytest.raises(formats.CardNumber):
        edits.keep(case.pk, taken, admissibility=paid, **given)
    assert give(admissibility=said).status_code == 200
    assert b"As evidence" not in desk.client_of("d.osei").get(at("case", case)).content

    page = desk.client_of("d.osei").get(at("documents", case)).content.decode()
    assert page.count(f"As evidence: {said}") == 1
    row = Evidence.objects.get(case=case, number=2)
    assert said.encode() not in bytes(
        Evidence.objects.values_list("admissibility", flat=True).get(pk=row.pk).ciphertext
    )
    looked = AccessEvent.objects.filter(verb="list", streams=[case.uid]).latest("pk")
    assert "admissibility" in looked.fields
    assert not Approval.objects.filter(case=case, closed_at=None).exists()  # another document: sent for approval anew
    asked = requests.request(case, actor=people["a.byrne"], at=factories.AT)
    requests.make(asked.pk, now=factories.AT)
    asked.refresh_from_db()
    paper = requests.open_report(asked, actor=people["a.byrne"], at=factories.AT)
    text = " ".join(reading.text_of(paper).split())
    assert f"As evidence: {said}" in text


NEW = {
    "fpa_case_type": "facility_takeover",
    "reasons": "unauth_sim_swap",
    "product": "mob_paym",
    "sales_channel": "phone",
    "discovered_date": "2026-11-14",
    "narrative": "Somebody else passed security.",
    "people-TOTAL_FORMS": "1",
    "people-INITIAL_FORMS": "0",
    "people-0-role": "victim_of_takeover",
    "people-0-is_innocent": "on",
    "people-0-surname": "Tregaskis",
}


def test_case_is_opened(people):
    response = desk.client_of("a.byrne").post("/cases/new/fraud_referral/", NEW, follow=True)
    case = Case.objects.get()
    assert response.redirect_chain[-1][0] == at("case", case)
    assert CaseParty.objects.filter(case=case, role="victim_of_takeover").count() == 1


def test_person_of_whom_nothing_is_known_is_not_written_down(people):
    typed = {name: text for name, text in NEW.items() if name != "people-0-surname"}
    desk.client_of("a.byrne").post("/cases/new/fraud_referral/", {**typed, "account_reference": "NM-1"})
    assert CaseParty.objects.filter(case=Case.objects.get()).count() == 0


def test_refused_case_loses_nothing(people):
    response = desk.client_of("a.byrne").post("/cases/new/fraud_referral/", {**NEW, "discovered_date": "soon"})
    page = response.content.decode()
    assert response.status_code == 422
    assert "Somebody else passed security." in page
    assert "Tregaskis" in page
    assert "Date discovered: Enter a valid date." in page
    assert not Case.objects.exists()


def test_one_more_person_is_asked_for_without_script(people):
    response = desk.client_of("a.byrne").post("/cases/new/fraud_referral/", {**NEW, "add_person": "1"})
    page = response.content.decode()
    assert "Person 2" in page
    assert "Tregaskis" in page
    assert 'role="alert"' not in page and "invalid" not in page
    assert '<h2 id="np-2" tabindex="-1" data-focus>' in page


def test_mangled_count_of_people_still_shows_the_form(people):
    typed = {**NEW, "add_person": "1", "people-TOTAL_FORMS": "9" * 5000}
    assert desk.client_of("a.byrne").post("/cases/new/fraud_referral/", typed).status_code == 200


def test_opener_who_may_not_see_the_case_gets_its_reference_alone(people):
    username = next(name for name, each in people.items() if "collections_analyst" in each.roles)
    response = desk.client_of(username).post("/cases/new/fraud_referral/", NEW, follow=True)
    case = Case.objects.get()
    assert response.redirect_chain[-1][0] == "/cases/opened/"
    assert case.reference.encode() in response.content
    assert str(case.uid).encode() not in response.content


def test_correction_of_a_person_keeps_what_is_left_empty_and_voids_the_approval(people):
    case = factories.ready(people)
    client = desk.client_of("a.byrne")
    part = {"role": "victim_of_impersonation", "is_innocent": "on"}
    typed = {**part, "date_of_birth": "1984-03-09", "version": case.version}

    response = client.post(at("edit_person", case, 2), typed)

    assert response.status_code == 302, response.content.decode()[-3000:]
    assert Approval.objects.get(case=case).outcome == "void"
    party = CaseParty.objects.get(case=case, number=2)
    assert (party.role, party.is_innocent) == ("victim_of_impersonation", True)
    assert party.date_of_birth is not None
    assert party.phone is not None


def test_facts_are_corrected(people):
    case = factories.investigating(people)
    client = desk.client_of("a.byrne")
    page = client.get(at("edit_facts", case))
    known = {**page.context["form"].initial, "loss": "12.50", "version": case.version}
    typed = {name: value for name, value in known.items() if value not in (None, False)}

    response = client.post(at("edit_facts", case), typed)

    assert response.status_code == 302, page.context["form"].errors
    facts = Case.objects.get(pk=case.pk).fraud_referral
    assert (facts.loss_pence, facts.value_at_risk_pence, facts.narrative is not None) == (1250, 109_900, True)


def test_auditor_says_why_before_reading(people):
    username = next(name for name, each in people.items() if "auditor" in each.roles)
    case = factories.referred(people)
    client = desk.client_of(username)

    asked = client.get(at("case", case))
    assert b"Why do you read" in asked.content
    assert not AccessEvent.objects.filter(verb="view").exists()
    client.post(at("purpose", case), {"purpose": "audit_sample"})
    assert client.get(at("case", case)).status_code == 200

    read = AccessEvent.objects.get(verb="view")
    assert read.purpose == "audit_sample"
    assert client.post(at("note", case), {"note": "x"}).status_code == 403


def test_administrator_sees_no_case(people):
    username = next(name for name, each in people.items() if "system_administrator" in each.roles)
    case = factories.referred(people)
    client = desk.client_of(username)
    assert client.get(at("case", case)).status_code == 404
    assert case.reference.encode() not in client.get("/cases/").content
    assert client.get("/cases/new/").status_code == 403


def test_what_is_hidden_answers_like_what_is_not_there(people):
    username = next(name for name, each in people.items() if "system_administrator" in each.roles)
    case = factories.referred(people)
    client = desk.client_of(username)
    hidden = client.get(at("case", case))
    nothing = client.get("/cases/00000000-0000-4000-8000-000000000000/")
    assert hidden.status_code == nothing.status_code == 404
    assert _unsigned(hidden) == _unsigned(nothing)


def _unsigned(response) -> str:
    """The page without what differs in every answer: form tokens and the request's reference."""
    return re.sub(r'value="[A-Za-z0-9]{64}"|[0-9a-f]{32}', "", response.content.decode())


def test_preferences_are_kept_in_cookies(people):
    client = desk.client_of("a.byrne")
    client.post("/preferences/", {"theme": "dark", "density": "compact"})
    page = client.get("/").content
    assert b'data-theme="dark" data-density="compact"' in page
    assert b'data-shortcuts="off"' in page


def test_page_that_only_takes_forms_says_so(people):
    case = factories.referred(people)
    response = desk.client_of("a.byrne").get(at("note", case))
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert b"Use the buttons of the page you came from." in response.content


def test_too_large_a_file_is_refused_in_the_page(people):
    case = factories.investigating(people)
    client = desk.client_of("a.byrne")
    sent = SimpleUploadedFile("log.txt", b"x" * (25 * 1024 * 1024 + 1), content_type="text/plain")
    response = client.post(at("documents", case), {"kind": "document", "document": sent})
    assert response.status_code == 422
    assert b"The file is larger than 25 MB. Nothing was kept." in response.content

    said = client.generic("POST", at("documents", case), b"x", "multipart/form-data; boundary=x", CONTENT_LENGTH=10**10)
    assert said.status_code == 413
    assert b"The file is larger than 200 MB. Nothing was kept." in said.content
    assert case.evidence.count() == 1


def test_task_is_done_once(people):
    case = factories.referred(people)
    with record.act(case, "tests.owed", actor=actors.system("tests"), at=factories.AT):
        task = tasks.raise_task("fraud_enquiry", case=case, at=factories.AT)
    client, typed = desk.client_of("a.byrne"), {"reason": "I wrote back to them."}

    assert b"The task is done." in client.post(at("close_task", case, task.pk), typed, follow=True).content
    again = client.post(at("close_task", case, task.pk), typed)

    assert again.status_code == 422
    assert b"This task is closed already." in again.content
    assert not case.tasks.filter(closed_at=None).exists()


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        ("", ["case.noted", "fraud_referral.submit", "case.evidence_added", "fraud_referral.accept"]),
        ("notes", ["case.noted"]),
        ("decisions", ["fraud_referral.submit", "fraud_referral.accept", "fraud_referral.take"]),
        ("changes", ["case.evidence_added", "case.opened"]),
        ("agency", []),
        ("nothing", ["case.noted", "fraud_referral.submit", "case.evidence_added", "fraud_referral.accept"]),
    ],
)
def test_part_of_the_story_is_shown_on_request(people, show, expected):
    case = factories.ready(people)
    edits.add_note(case.pk, "Ready.", actor=people["a.byrne"], at=factories.AT)
    days = desk.client_of("a.byrne").get(at("case", case), {"show": show}).context["days"]
    verbs = [told.entry.verb for day in days for told in day.entries]
    assert verbs[: len(expected) or 1] == expected


def once_of(client) -> str:
    page = client.get("/cases/new/fraud_referral/").content.decode()
    return re.search(r'name="once" value="([^"]+)"', page)[1]


def test_a_form_that_is_sent_again_leads_to_what_it_opened(people):
    client = desk.client_of("a.byrne")
    typed = {**NEW, "once": once_of(client)}
    first = client.post("/cases/new/fraud_referral/", typed)
    with nothing_written():
        again = client.post("/cases/new/fraud_referral/", typed)
    assert (again.status_code, again.url) == (302, first.url)
    assert "This form had opened" in client.get(again.url).content.decode()
    assert client.post("/cases/new/fraud_referral/", {**NEW, "once": once_of(client)}).url != first.url


@pytest.mark.parametrize(
    ("page", "target", "typed", "made"),
    [
        ("case", "note", {"note": "The courier rang back."}, Note),
        ("holds", "holds", {"kind": "dispute", "source": "customer", "reason": "They say so."}, Hold),
        ("documents", "documents", {"kind": "call_recording"}, Evidence),
    ],
)
def test_what_a_form_adds_is_added_once_however_often_it_is_sent(people, page, target, typed, made):
    """A second press, Back, or a browser that tries anew: each would hold, tell or keep the same twice."""
    case = factories.investigating(people)
    client, before = desk.client_of("a.byrne"), made.objects.filter(case=case).count()
    once = re.search(r'name="once" value="([^"]+)"', client.get(at(page, case)).content.decode())[1]

    def send(once):
        files = (
            {"document": SimpleUploadedFile("note.txt", b"What the courier wrote.", "text/plain")}
            if made is Evidence
            else {}
        )
        return client.post(at(target, case), {**typed, **files, "once": once})

    first = send(once)
    assert first.status_code == 302 and made.objects.filter(case=case).count() == before + 1
    with nothing_written():
        again = send(once)
    assert (again.status_code, again.url) == (302, first.url)
    assert "This form was sent already. Nothing more was written." in client.get(again.url).content.decode()
    other = re.search(r'name="once" value="([^"]+)"', client.get(at(page, case)).content.decode())[1]
    assert send(other).status_code == 302 and made.objects.filter(case=case).count() == before + 2
    typed |= {"note": "And he came.", "reason": "And so do they.", "admissibility": "As he wrote it."}
    assert send(once).status_code == 302 and made.objects.filter(case=case).count() == before + 3


def test_a_refused_form_is_still_good_for_one_and_another_persons_for_nothing(people):
    client, other = desk.client_of("a.byrne"), desk.client_of("p.nair")
    once = once_of(client)
    refused = client.post("/cases/new/fraud_referral/", {**NEW, "discovered_date": "soon", "once": once})
    assert f'value="{once}"' in refused.content.decode()
    first = client.post("/cases/new/fraud_referral/", {**NEW, "once": once})
    theirs = other.post("/cases/new/fraud_referral/", {**NEW, "once": once})
    assert theirs.url != first.url
    assert Case.objects.count() == 2


def test_what_is_too_long_is_refused_and_not_cut_by_the_browser(people):
    client = desk.client_of("a.byrne")
    assert (
        "maxlength" not in client.get("/cases/new/fraud_referral/").content.decode().partition('<form class="stack"')[2]
    )
    page = client.post("/cases/new/fraud_referral/", {**NEW, "people-0-surname": "X" * 92})
    assert page.status_code == 422 and "it has 92" in page.content.decode()
