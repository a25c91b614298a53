"""Every page for every role: let in, kept out in words, or told that there is nothing there.

What is expected is written by hand in tests/data/routes.csv. A route that is not in the list fails the test. The
report asked for is not made yet, so that nobody finds its file; who may fetch a made one is tests/reports' matter.
"""

import csv
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import caches
from django.urls import URLPattern, get_resolver, reverse

from cases.kernel import actors, edits, record, tasks, transitions
from cases.kernel.background import jobs
from cases.kernel.evidence.blobs import store_blob
from cases.kernel.exchange import letters
from cases.kernel.finding import joining, matching
from cases.kernel.linking import links
from cases.kernel.models import AccessReview, Disposal, Party, PersonPair, User
from cases.kernel.office import access, demo_people, proposals
from cases.kernel.restricted import breakglass
from cases.kernel.timing import quarters
from cases.ledger import api as ledger
from cases.ledger.models import LedgerHead
from cases.reports import requests
from cases.reports.figures import counting
from tests import factories, uploads
from tests.fraud.told import hear_of
from tests.kernel import walks  # noqa: F401 -- declares the kind of work that is started here
from tests.kernel.snapshots import undone
from tests.web.desk import client_of

DATA = Path(__file__).parents[1] / "data"
ROWS = list(csv.DictReader((DATA / "routes.csv").read_text().splitlines()))
APART = {
    (row["role"], row["route"], row["method"]): row["answer"]
    for row in csv.DictReader((DATA / "routes_apart.csv").read_text().splitlines())
}
COLUMNS = {
    "fraud_analyst": "analyst",
    "fraud_approver": "approver",
    "auditor": "auditor",
    "data_protection_officer": "protection",
    "system_administrator": "administrator",
}
# Doors of sign-in, of one's own account and of machines have tests of their own.
ELSEWHERE = ("account_", "mfa_", "usersessions_", "demo_sign_in", "welcome", "step_up", "healthz", "readyz")
MACHINES = {"accounts_intake", "agency_callback", "intake", "policy_hold"}
KEPT_OUT = {403, 409}
# The doors by which partners and the network ask.
MACHINES |= {"check_intake", "check_status", "record_check", "fee_reversals"}
MACHINES |= {"sim_swap_check", "sim_swap_date", "transaction_verify", "partner_feedback", "sim_events", "may_contact"}
TYPED, FORM = "reason=No+fraud.&purpose=oversight", "application/x-www-form-urlencoded"


def column(person: demo_people.DemoPerson) -> str:
    found = [COLUMNS[role] for role in person.roles if role in COLUMNS]
    return found[0] if found else "others"


def wanted(person: demo_people.DemoPerson, row: dict) -> str:
    apart = [APART.get((role, row["route"], row["method"])) for role in person.roles]
    return next(filter(None, apart), row[column(person)])


def route_names() -> set[str]:
    def walk(patterns):
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                yield pattern.name
            else:
                yield from walk(pattern.url_patterns)

    names = {name for name in walk(get_resolver().url_patterns) if not str(name).startswith(ELSEWHERE)}
    return names - MACHINES


def test_every_route_is_in_the_list():
    assert route_names() == {row["route"] for row in ROWS}


@pytest.fixture
def standing(db):
    """A case under investigation with a document and a report, and where each route leads on it."""
    people = factories.office()
    case = factories.investigating(people)
    factories.scan()
    edits.attach(
        case.pk,
        kind="document",
        file_name="turned-down.txt",
        media_type="text/plain",
        data=b"harm",
        actor=people["a.byrne"],
        at=factories.APPROVED_AT,
    )
    factories.scan("infected")
    picture = edits.attach(
        case.pk,
        kind="document",
        file_name="photo.png",
        media_type="image/png",
        data=uploads.png(),
        actor=people["a.byrne"],
        at=factories.APPROVED_AT,
    )
    factories.scan()
    report = requests.request(case, actor=people["a.byrne"], at=factories.APPROVED_AT)
    with record.act(case, "tests.letter", actor=actors.system("sweep"), at=factories.APPROVED_AT):
        letter = letters.request(case, case.parties.get(number=1), template="n11", at=factories.APPROVED_AT)
        letter.blob = store_blob(b"%PDF", case=case, field="letter", at=factories.APPROVED_AT)
        letter.save(update_fields=["blob"])
    with edits.change(
        case.pk, actor=people["a.byrne"], at=factories.APPROVED_AT, verb="case.task", shapes=False
    ) as edit:
        task = tasks.raise_task("fraud_enquiry", case=edit.case, at=factories.APPROVED_AT)
        owed = {
            name: tasks.raise_task("fraud_enquiry", case=edit.case, at=factories.APPROVED_AT)
            for name in ("task_take", "task_done", "task_hand_on")
        }
    job = jobs.start("walk", actor=actors.system("sweep"), at=factories.AT)
    transitions.apply(case.pk, "void", actor=people["p.nair"], at=factories.APPROVED_AT, reason="Opened twice.")
    hear_of(case, "fpa.match", their_reference="M-2026-81")
    spare = User.objects.get(username="r.penhale")
    proposal = proposals.propose(
        "role_grant",
        {"user": spare.pk, "role": "collections_manager"},
        actor=people["o.thackray"],
        at=factories.AT,
        reason="Cover for August.",
    )
    glass = breakglass.break_glass(
        case.reference, reason="Customer at the counter now.", actor=people["m.achterberg"], at=factories.AT
    )
    other = factories.referred(people)
    link = links.make(case.pk, "related", other.reference, actor=people["a.byrne"], at=factories.APPROVED_AT)
    disposal = Disposal(kind="fraud_referral", last_date=factories.AT.date(), counted=1, proposed_at=factories.AT)
    disposal.proposed_by_id = people["d.osei"].user_id
    with ledger.action(disposal.uid, "disposal.proposed", actor=people["d.osei"].label, at=factories.AT):
        disposal.save(force_insert=True)
    counting.ask(quarters.Quarter(2026, 3), actor=people["d.osei"], at=factories.AT)
    access.open_month(now=factories.AT)
    review = AccessReview.objects.get(team__code="fraud")
    matching.compare_due(now=factories.AT)
    pair = PersonPair.objects.filter(second__number=1).latest("pk")
    joining.decide(pair.pk, "joined", actor=people["a.byrne"], at=factories.AT)
    joined = Party.objects.get()
    return case, {
        "case": {"uid": case.uid},
        "trail_list": {"uid": proposal.uid},
        **{name: {"number": 1} for name in ("draft", "draft_drop")},
        "detach": {"uid": case.uid, "number": 2},
        "unlink": {"uid": case.uid, "link": link.uid},
        "decide_pair": {"uid": case.uid, "number": pair.pk},
        "part_person": {"uid": case.uid, "number": 2},
        "party": {"uid": joined.uid},
        "search_results": {"uid": case.uid},
        "new_case": {"kind": "fraud_referral"},
        "refer": {"uid": case.uid, "kind": "suspicion_report"},
        "refer_new": {"kind": "suspicion_report"},
        "glass_review": {"alert": glass.alert_reference},
        "glass_close": {"alert": "BG-0000-0000"},  # nobody's: one's own alone is closed
        "compartment_revoke": {"grant": case.uid},
        "on_call_acknowledge": {"item": case.uid},
        **{name: {"task": owed[name].uid} for name in owed},
        "close_task": {"uid": case.uid, "number": task.pk},
        "incoming_notice": {"uid": case.uid, "number": 1},
        **{name: {"uid": case.uid, "number": 1} for name in ("download", "recording", "play")},
        "preview": {"uid": case.uid, "number": picture.number},
        "scan_again": {"uid": case.uid, "number": case.evidence.get(scan="infected").number},
        "verdict": {"uid": case.uid, "approval": case.approvals.get().uid},
        "step": {"uid": case.uid, "name": "close_no_action"},
        "reveal": {"uid": case.uid, "code": "person-1-alias"},
        "extend_period": {"uid": case.uid, "code": "k25_moratorium"},
        "reveal_person": {"uid": case.uid, "number": 1},
        "edit_person": {"uid": case.uid, "number": 1},
        "package_reasons": {"uid": case.uid, "code": "subscriber_name"},
        **{
            name: {"uid": case.uid, "number": 1}
            for name in ("package_holder_remove", "package_part", "package_file_remove")
        },
        **{name: {"uid": case.uid, "number": 1} for name in ("sale_manifest", "sale_line", "sale_line_act")},
        "add_address": {"uid": case.uid, "number": 1},
        "edit_address": {"uid": case.uid, "number": 1, "place": 1},
        "report_progress": {"uid": case.uid, "report": report.uid},
        "report_file": {"uid": case.uid, "report": report.uid},
        "sent_letter": {"uid": case.uid, "letter": letter.uid},
        **{name: {"job": job.uid} for name in ("job", "job_stop", "job_resume", "job_rows")},
        "change": {"uid": proposal.uid},
        "decide": {"uid": proposal.uid},
        "withdraw": {"uid": proposal.uid},
        "propose": {"kind": "team_member"},
        "team": {"code": "fraud"},
        **{name: {"uid": review.uid} for name in ("access_review", "access_sign")},
        "clock_rule": {"code": "k10_request"},
        **{name: {"code": "sandbox-fraud-register"} for name in ("agency", "agency_pause", "agency_resume")},
        "agency_key": {"name": "in-1"},
        "agency_message": {"message": case.uid},
        "agency_callback_review": {"callback": case.uid},
        "policy_document": {"code": "letters_lia", "version": 1},
        **{name: {"code": "n11"} for name in ("letter", "letter_preview", "letter_pdf")},
        "code_list": {"code": "fraud_product"},
        "disposal_due": {"kind": "fraud_referral"},
        "disposal": {"disposal": disposal.uid},
        "figures_quarter": {"quarter": "2026-q3"},
        "figures_file": {"release": case.uid, "form": "table"},
        "person": {"user_id": spare.pk},
        "person_link": {"user_id": spare.pk},
        "person_change": {"user_id": spare.pk, "name": "grant"},
    }


WHOLE_OFFICE = {"my_work", "counts", "tasks", "approvals", "preferences", "queue", "take_next", "new", "opened"}
WHOLE_OFFICE |= {"several", "views", "newer", "drafts", "operations"}
WHOLE_OFFICE |= {
    "status",
    "on_call",
    "on_call_waiting",
    "incoming",
    "emergency_start",
    "emergency_from_sheet",
    "emergency_sheet",
}
WHOLE_OFFICE |= {
    "debt_accounts",
    "debt_batches",
    "debt_performance",
    "debt_remittances",
    "partners",
    "disclosures",
    "disclosures_file",
    "disclosures_inspection",
}
WHOLE_OFFICE |= {"figures", "figures_make", "disposals"}
WHOLE_OFFICE |= {"jobs", "changes", "search", "teams", "letters", "codes", "ties"}
WHOLE_OFFICE |= {"referred", "break_glass", "glass_reviews", "compartment"}
WHOLE_OFFICE |= {"access_reviews", "ledger_checks", "agencies", "stuck_messages", "security_log", "trail"}
WHOLE_OFFICE |= {
    "clock_rules",
    "calendars",
    "retention",
    "policy_documents",
    "processing",
    "processing_file",
    "processing_pdf",
}


def address(name: str, places: dict) -> str:
    plain = {"people", "person_new", "api_schema", "api_docs"}
    if name in WHOLE_OFFICE:
        return reverse(f"web:{name}")
    if name in plain:
        return reverse(name)
    arguments = places.get(name, places["case"])
    space = "" if name.startswith("person") else "disclosure:" if name.startswith("package") else "web:"
    return reverse(f"{space}{name}", kwargs=arguments)


def verdict(method: str, answer) -> str:
    """What the answer means. Whoever must first say why they look is asked instead of obeyed."""
    if answer.status_code == 404:
        return "hidden"
    is_asked_why = method == "POST" and "cases/purpose.html" in {template.name for template in answer.templates}
    return "out" if answer.status_code in KEPT_OUT or is_asked_why else "in"


@pytest.mark.timeout(900)  # every page and form for everybody
def test_routes_let_in_whom_the_design_lets_in(standing):
    differing = []
    for person in demo_people.PEOPLE:
        caches["fast"].clear()
        with undone():
            differing += _walk(person, *standing)
    assert differing == []


def _walk(person, case, places) -> list[tuple[str, ...]]:
    """Ask for every page and send every form as one person; return what was answered otherwise than the table says."""
    client = client_of(person.username, is_stepped_up=True)
    heads = LedgerHead.objects.filter(stream=case.uid).values_list("seq", "hash")
    differing = []
    for row in ROWS:
        expected = wanted(person, row)
        before = [] if expected == "in" else list(heads.all())
        case.refresh_from_db(fields=["assignee"])
        typed = f"{TYPED}&was={case.assignee_id or ''}"  # as a page that was opened just now says
        answer = client.generic(row["method"], address(row["route"], places), typed, FORM)
        cell = person.username, row["route"], row["method"]
        found = verdict(row["method"], answer)
        if found != expected:
            location = answer.get("location", "")
            differing.append((*cell, f"{found} for {expected}: {answer.status_code} {location}"))
        assert answer.status_code < 500, cell
        assert not (answer.status_code == 302 and answer.url.startswith(settings.LOGIN_URL)), cell
        if expected != "in":
            assert list(heads.all()) == before, cell
    return differing
