"""What an audit report says, read back from the finished PDF and counted against the database."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cases.kernel import edits, notice, transitions
from cases.kernel.linking import links
from cases.kernel.models import (
    Approval,
    AuditReport,
    Callback,
    CaseLink,
    Clock,
    DeliveryAttempt,
    Evidence,
    OutboxMessage,
    Release,
    ReleasedItem,
    Team,
    TeamMembership,
)
from cases.kernel.office import proposals
from cases.kernel.reading import queries
from cases.ledger import api as ledger
from cases.ledger.chain import Chain, Link
from cases.ledger.models import AccessEvent, LedgerEvent, LedgerHead
from cases.reports import audit, press, requests
from tests import creditfiles, defaults, factories, suspicions
from tests.reports import reading

pytestmark = pytest.mark.django_db(transaction=True)

MADE_AT = factories.FILED_AT + timedelta(minutes=1)


def told(people):
    """A filed case on which people wrote, looked, tried and answered."""
    case = factories.filed(people)
    edits.add_note(case.pk, "Rang back.\nShe made no order.", actor=people["a.byrne"], at=factories.FILED_AT)
    queries.reveal(case, "person-2-phone", purpose="verify_identity", actor=people["d.osei"], at=factories.FILED_AT)
    message = OutboxMessage.objects.get(case=case)
    for number, (outcome, status) in enumerate([("retry", 503), ("delivered", 202)], 1):
        DeliveryAttempt.objects.create(
            message=message,
            number=number,
            started_at=factories.APPROVED_AT + timedelta(minutes=number),
            outcome=outcome,
            http_status=status,
            key_names="out-1",
            request_sha256=message.body_sha256,
        )
    Callback.objects.create(
        agency=message.channel.agency,
        message_id="msg_2f81",
        received_at=factories.FILED_AT,
        key=case.key,
        body_sha256="5d" * 32,
        key_name="in-7",
        type="fpa.filed",
        agency_reference="SFR-2026-0004417",
        agency_sequence=1,
        state="applied",
        case=case,
        applied_at=factories.FILED_AT,
    )
    return case


def drafted(case, people):
    report = requests.request(case, actor=people["d.osei"], at=factories.FILED_AT)
    report = AuditReport.objects.select_related("case").get(pk=report.pk)
    return audit.draft(report, reader=requests._reader(report, requests.PURPOSE), at=MADE_AT)


def test_report_tells_everything_on_record():
    people = factories.office()
    case = told(people)

    draft = drafted(case, people)
    data = press.press(draft.paper).data
    text = reading.text_of(data)
    squeezed = reading.squeezed(text)

    events = LedgerEvent.objects.filter(stream=case.uid).order_by("seq")
    assert reading.numbers(text, "Event") == [str(event.seq) for event in events]
    assert all(bytes(event.hash).hex() in squeezed for event in events)
    for word, rows in {
        "Release": Release.objects.filter(case=case),
        "Item": ReleasedItem.objects.filter(release__case=case),
        "Message": OutboxMessage.objects.filter(case=case),
        "Try": DeliveryAttempt.objects.filter(message__case=case),
        "Callback": Callback.objects.filter(case=case),
        "Approval": Approval.objects.filter(case=case),
        "Period": Clock.objects.filter(case=case),
        "Document": Evidence.objects.filter(case=case),
        "Look": AccessEvent.objects.filter(streams__contains=[case.uid]),
    }.items():
        assert len(reading.numbers(text, word)) == rows.count() > 0, word
    for item in ReleasedItem.objects.filter(release__case=case):
        clause, gateway = notice.CLAUSES[item.clause], notice.GATEWAYS[item.gateway]
        assert reading.squeezed(f"“{clause.quote}”") in squeezed
        assert reading.squeezed(f"{gateway.label}, {gateway.source}") in squeezed
        assert item.sha256 in squeezed
    for row in Evidence.objects.filter(case=case):
        assert row.sha256 in squeezed
    for row in Clock.objects.filter(case=case):
        assert reading.squeezed(row.explanation) in squeezed
    assert reading.squeezed("Try 1.1: retry, HTTP 503") in squeezed
    assert reading.squeezed("signed with key out-1") in squeezed
    assert reading.squeezed("signature verified with key in-7") in squeezed
    assert reading.squeezed("D. Osei (staff:") in squeezed
    assert reading.squeezed("reveal, Verify who somebody is; 1 row; person-2-phone") in squeezed
    assert reading.squeezed("Rang back. She made no order.") in squeezed


def test_a_sheet_is_filled_before_the_next_begins():
    """A long table of facts was kept in one piece: the sheet before it stood empty below a few lines."""
    people = factories.office()
    paper = drafted(told(people), people).paper
    lines = '<p class="dense">A line.</p>' * 18
    longer = replace(paper, html=paper.html.replace('<h2 id="facts">', f'{lines}<h2 id="facts">'))

    pages = reading.text_of(press.press(longer).data).split("\f")

    (before,) = (number for number, page in enumerate(pages) if "A line." in page and "Approval 1" in page)
    assert "\nThe case’s facts\n" in pages[before]


def test_report_shows_people_once_and_masks_them_elsewhere():
    people = factories.office()
    case = factories.investigating(people)
    with edits.change(case.pk, actor=people["a.byrne"], at=factories.AT) as edit:
        edit.party(2, phone="+447700900456")
        edit.facts(loss_pence=120_000)

    paper = drafted(case, people).paper
    text = reading.text_of(press.press(paper).data)
    squeezed = reading.squeezed(text)

    assert '<a href="#people">People, opened</a></th><td>2</td>' in paper.html
    assert text.count("+447700900456") == 1
    assert "+447700900123" not in text
    assert text.count("12 Harbour Row") == 1
    assert squeezed.count(reading.squeezed(factories.FACTS["narrative"])) == 1
    assert reading.squeezed("Person 2 (Victim of takeover) changed: Telephone changed (sealed)") in squeezed
    assert reading.squeezed("Fraud referral changed: loss £0.00 → £1,200.00") in squeezed


def test_report_tells_of_links_and_of_who_was_detached():
    people = factories.office()
    case, other, third = (factories.investigating(people) for _ in range(3))
    byrne = people["a.byrne"]
    links.make(case.pk, "arose_from", other.reference, actor=byrne, at=factories.AT, reason="One order, two lines.")
    links.make(third.pk, "related", case.reference, actor=byrne, at=factories.AT)
    row = CaseLink.objects.get(case=third)
    links.remove(case.pk, row.uid, actor=people["p.nair"], at=factories.APPROVED_AT, reason="Another household.")
    transitions.apply(
        case.pk, "detach", actor=byrne, at=factories.APPROVED_AT, reason="Her twin sister.", inputs={"person": "2"}
    )

    squeezed = reading.squeezed(reading.text_of(press.press(drafted(case, people).paper).data))

    for said in (
        f"Link 1: Arose from {other.reference}",
        "Made by A. Byrne, 14 Nov 2026 10:00:00. Reason: One order, two lines.",
        f"Link 2: Related to {third.reference}, removed",
        "Removed by P. Nair, 16 Nov 2026 09:30:00. Reason: Another household.",
        "Person 2 (Victim of takeover) Detached 16 Nov 2026 09:30:00 by A. Byrne",
        "Reason: Her twin sister. Nobody outside had to be told.",
    ):
        assert reading.squeezed(said) in squeezed, said
    back = reading.squeezed(reading.text_of(press.press(drafted(other, people).paper).data))
    assert reading.squeezed(f"Link 1: Led to {case.reference} Made by A. Byrne, 14 Nov 2026 10:00:00.") in back


def test_report_names_no_case_that_its_readers_may_not_see():
    people = factories.office()
    case, hidden = factories.investigating(people), factories.investigating(people)
    report = suspicions.referred(people)
    links.make(case.pk, "related", hidden.reference, actor=people["a.byrne"], at=factories.AT)
    links.make(report.pk, "arose_from", case.reference, actor=people["h.castellan"], at=factories.AT)
    team = Team.objects.get(code="conflicts")
    with ledger.action(team.uid, "tests.seated", actor="system:tests", at=factories.AT):
        TeamMembership.objects.create(team=team, user=factories.user("d.osei"))
    tie = {"user": people["a.byrne"].user_id, "case": str(hidden.uid)}
    proposals.propose("tie_add", tie, actor=people["a.byrne"], at=factories.AT, reason="My neighbour.")

    text = reading.text_of(press.press(drafted(case, people).paper).data)
    assert hidden.reference not in text and report.reference not in text
    assert reading.numbers(text, "Link") == []
    inside = requests.request(report, actor=people["h.castellan"], at=factories.AT)
    inside = AuditReport.objects.select_related("case").get(pk=inside.pk)
    draft = audit.draft(inside, reader=requests._reader(inside, requests.PURPOSE), at=MADE_AT)
    squeezed = reading.squeezed(reading.text_of(press.press(draft.paper).data))
    assert reading.squeezed(f"Link 1: Arose from {case.reference}") in squeezed
    assert reading.squeezed("One way: the other case shows nothing of it.") in squeezed


def test_attached_chain_can_be_recomputed_without_us():
    people = factories.office()
    case = factories.ready(people)

    draft = drafted(case, people)
    attached = json.loads(draft.paper.attachment)

    chain, faults = Chain(), []
    for event in attached["events"]:
        recorded_at = requests.datetime.fromisoformat(event["recorded_at"].replace("Z", "+00:00"))
        prev, own = bytes.fromhex(event["prev"]), bytes.fromhex(event["hash"])
        faults += chain.add(Link(event["id"], event["seq"], recorded_at, prev, own, event["body"]))
    faults += chain.finish(attached["head"]["seq"], bytes.fromhex(attached["head"]["hash"]))
    head = LedgerHead.objects.get(stream=case.uid)
    assert faults == []
    assert (draft.head_seq, draft.head_hash) == (head.seq, bytes(head.hash).hex())
    assert factories.VICTIM["values"]["surname"] not in draft.paper.attachment


def test_report_says_when_the_chain_does_not_hold():
    people = factories.office()
    case = factories.referred(people)
    report = requests.request(case, actor=people["d.osei"], at=factories.FILED_AT)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE cases_ledgerevent DISABLE TRIGGER USER")
            cursor.execute("UPDATE cases_ledgerevent SET body = body || ' ' WHERE stream = %s AND seq = 1", [case.uid])

        html = audit.draft(report, reader=requests._reader(report, requests.PURPOSE), at=MADE_AT).paper.html

        transaction.set_rollback(True)
    assert "FAULTS WERE FOUND when the chain was recomputed" in html
    assert f"stream {case.uid} sequence 1 cases_ledgerevent.body" in html
    assert "Nothing was missing" not in html


def test_report_is_the_same_when_made_again_from_the_same_rows():
    people = factories.office()
    case = factories.referred(people)

    paper = drafted(case, people).paper

    assert press.press(paper) == press.press(paper)


def test_report_reads_with_the_same_queries_however_long_the_case():
    people = factories.office()
    case = factories.referred(people)
    edits.add_note(case.pk, "One.", actor=people["a.byrne"], at=factories.AT)
    report = requests.request(case, actor=people["d.osei"], at=factories.AT)
    counts = []

    for text in ("Two.", "Three.", "Four."):
        with CaptureQueriesContext(
            connection,
        ) as queries_made:
            audit.draft(report, reader=requests._reader(report, requests.PURPOSE), at=MADE_AT)
        counts.append(len(queries_made))
        edits.add_note(case.pk, text, actor=people["a.byrne"], at=factories.AT)

    assert len(set(counts)) == 1
    assert counts[0] <= 85


@pytest.mark.parametrize(
    ("build", "title", "row"),
    [
        (defaults.filed, "What the agencies have of the account", ("Sandbox Bureau C", "Default", "£114.00")),
        (creditfiles.locked, "At the agencies", ("Sandbox Bureau C", "On its way", "0")),
    ],
)
def test_report_holds_the_tables_of_a_kind_that_has_any(people, build, title, row):
    case = build(people)
    report = requests.request(case, actor=people["j.merriweather"], at=defaults.OVER, reason="An audit.")
    report = AuditReport.objects.select_related("case").get(pk=report.pk)
    html = audit.draft(report, reader=requests._reader(report, requests.PURPOSE), at=defaults.OVER).paper.html

    assert f"<h3>{title}</h3>" in html
    told = html[html.index(f"<h3>{title}</h3>") :]
    assert "".join(f"<td>{value}</td>" for value in row) in told[: told.index("</table>")]
