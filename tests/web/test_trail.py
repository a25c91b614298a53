"""The trail over all cases: whose acts, which, on what and when, for auditors; and a part of it as a file."""

from datetime import date, datetime, timedelta

import pytest
from django.db import connection

from cases.kernel import edits, transitions
from cases.kernel.calendars import LONDON
from cases.kernel.models import Case, Proposal
from cases.kernel.outputs import traillists
from cases.kernel.reading import trail
from cases.kernel.reading.trail import SYSTEM, Asked
from cases.kernel.restricted import compartments
from cases.ledger.models import AccessEvent, LedgerEvent
from tests import factories
from tests.kernel.snapshots import nothing_written, undone
from tests.restricted.test_canary import RESTRICTED, plain
from tests.web import desk
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db
AUDITOR = "b.lacombe"
WHY = "?why=audit_sample"


def page(client, query: str = ""):
    answer = client.get(f"/audit-trail/{WHY}{query}")
    assert answer.status_code == 200
    return answer


def shown(client, query: str = "") -> list[tuple[str, str, str]]:
    """Return who did what to which case, as the page says it."""
    found = page(client, query).context.get("entries", [])
    return [(each["who"], each["act"], each["name"]) for each in found]


def problems(client, query: str) -> list[str]:
    with nothing_written():
        return [each.sentence for each in client.get(f"/audit-trail/{query}").context["problems"]]


def test_what_was_done_stands_newest_first_with_its_reason_and_looking_is_on_record(people):
    case, byrne = factories.investigating(people), people["a.byrne"]
    transitions.apply(case.pk, "close_no_action", actor=byrne, at=factories.FILED_AT, reason="A mistake.")
    edits.add_note(case.pk, "A note.", actor=byrne, at=factories.FILED_AT)
    client = desk.client_of(AUDITOR)

    answer = page(client, f"&case={case.reference.lower()}")

    entries = answer.context["entries"]
    events = LedgerEvent.objects.filter(stream=case.uid).order_by("-at", "-id")
    assert [each["event"].uid for each in entries] == list(events.values_list("uid", flat=True))
    assert entries[0]["who"] == "A. Byrne" and entries[0]["act"] == "Wrote a note"
    assert [each["reason"] for each in entries if each["reason"]] == ["A mistake."]
    assert "A note." not in answer.content.decode()
    look = AccessEvent.objects.latest("id")
    assert (look.actor, look.verb, look.purpose) == (people[AUDITOR].label, "list", "audit_sample")
    assert (look.streams, look.fields, look.result_count) == ([case.uid], ["audit", "reason"], len(entries))
    assert "no-store" in answer["cache-control"]


def test_filters_narrow_it_and_a_page_that_finds_nothing_is_on_record_too(people):
    first, second = factories.investigating(people), factories.referred(people)
    client, byrne = desk.client_of(AUDITOR), people["a.byrne"]
    day = factories.AT.astimezone(LONDON).date()

    assert {who for who, _, _ in shown(client, f"&who={byrne.label}")} == {"A. Byrne"}
    opened = shown(client, "&what=case.opened")
    assert {ref for _, act, ref in opened if act == "Opened the case"} == {first.reference, second.reference}
    assert {ref for _, _, ref in shown(client, f"&case={second.reference}")} == {second.reference}
    assert len(shown(client, f"&from={day}&to={day}")) == LedgerEvent.objects.filter(at=factories.AT, **cases()).count()
    assert shown(client, f"&to={day - timedelta(days=30)}") == []
    assert AccessEvent.objects.latest("id").result_count == 0
    both = f"&who={byrne.label}&what=fraud_referral.accept&from={day}&to={day + timedelta(days=9)}"
    assert shown(client, both) == [("A. Byrne", "Accept for investigation", first.reference)]
    system = f"&who={SYSTEM}&from={day}&to={day + timedelta(days=9)}"
    assert {who for who, _, _ in shown(client, system)} <= {"System"}


def cases() -> dict[str, object]:
    return {"stream__in": Case.objects.values("uid")}


def test_what_no_index_answers_is_refused_in_words(people):
    client, label = desk.client_of(AUDITOR), people["a.byrne"].label
    one = "One act of one alone is looked for on one case, or within {} days: say from when until when."
    system = "What the system did is looked for on one case, or within 31 days: say from when until when."
    long, short = "&from=2024-01-01&to=2026-11-30", "&from=2026-11-01&to=2026-11-30"
    assert problems(client, f"{WHY}&who={label}&what=case.noted") == [one.format(366)]
    assert problems(client, f"{WHY}&who={label}&what=case.noted{long}") == [one.format(366)]
    assert problems(client, f"{WHY}&who=agency:sandbox-fraud-register&what=case.noted{long}") == [one.format(31)]
    assert problems(client, f"{WHY}&who={SYSTEM}") == [system]
    page(client, f"&who={SYSTEM}&what=case.noted{short}")
    page(client, f"&who={label}&what=case.noted&from=2026-01-01&to=2026-11-30")


def test_what_means_nothing_is_said_and_nothing_is_looked_at(people):
    client = desk.client_of(AUDITOR)
    assert problems(client, "") == []
    assert problems(client, "?what=case.noted") == ["Choose why you look."]
    assert problems(client, "?why=curiosity") == ["Choose why you look."]
    assert problems(client, f"{WHY}&who=staff:0") == ["Choose whose acts from the list."]
    assert problems(client, f"{WHY}&what=case.thought") == ["Choose the act from the list."]
    assert problems(client, f"{WHY}&case=FRD-2026-9") == ["You may see no case FRD-2026-9."]
    assert problems(client, f"{WHY}&from=yesterday") == ["Type the first day as a date."]
    assert problems(client, f"{WHY}&from=2026-11-02&to=2026-11-01") == ["The last day is before the first."]
    page(client, "&before=nonsense&from=0001-01-01&to=9999-12-31")


def test_pages_follow_one_another_without_a_gap_and_name_no_number(people, monkeypatch):
    monkeypatch.setattr(trail, "PAGE_SIZE", 3)
    for _ in range(3):
        factories.ready(people)  # many acts of one moment
    client, path, found = desk.client_of(AUDITOR), f"/audit-trail/{WHY}", []
    while path:
        answer = client.get(path)
        found += [each["event"].uid for each in answer.context["entries"]]
        path = answer.context["older_url"]

    rows = LedgerEvent.objects.filter(**cases()).order_by("-at", "-id")
    assert found == list(rows.values_list("uid", flat=True)) and len(found) > 9
    numbers = set(map(str, rows.values_list("id", flat=True)))
    assert not {text for text in answer.context["newest_url"].replace("=", "&").split("&")} & numbers


@pytest.mark.parametrize("secret", RESTRICTED, ids=lambda each: each.kind)
def test_it_is_the_same_with_and_without_a_hidden_case(people, secret, monkeypatch):
    monkeypatch.setattr("cases.web.asking.now", lambda: factories.FILED_AT)
    monkeypatch.setattr(trail, "PAGE_SIZE", 4)
    secret.prepare(people)
    parent = factories.investigating(people)
    edits.add_note(parent.pk, "Later.", actor=people["a.byrne"], at=factories.FILED_AT)
    client, insider = desk.client_of(AUDITOR), people[secret.insider].label
    older = page(client).context["older_url"].partition(WHY)[2]
    asked = ["", older, f"&who={insider}", "&what=case.opened", "&what=case.noted", "&from=2026-11-01&to=2026-11-30"]
    asked.append(f"&who={SYSTEM}&from=2026-11-01&to=2026-11-30")

    def world():
        with undone():
            pages = [plain(page(client, each).content.decode(), parent.uid) for each in asked]
            return pages, [len(statements(client, f"/audit-trail/{WHY}{each}")) for each in asked]

    without = world()
    hidden = secret.hide(people, parent)
    assert world() == without
    assert problems(client, f"{WHY}&case={hidden.reference}") == [f"You may see no case {hidden.reference}."]

    compartments.grant(
        hidden.team_id,
        people[AUDITOR].user_id,
        reason="The yearly audit of the unit.",
        ends_at=factories.FILED_AT + timedelta(days=30),
        actor=keeper(people, hidden),
        at=factories.FILED_AT,
    )
    granted = page(desk.client_of(AUDITOR), f"&case={hidden.reference}")
    assert {each["case"] for each in granted.context["entries"]} == {hidden}


def keeper(people, hidden):
    """Return who may let others read where the case is."""
    managers = {"nominated_officer", "disclosure_approver", "data_protection_officer"}
    return next(each for each in people.values() if hidden.team_id in each.compartment_ids and each.roles & managers)


@pytest.mark.parametrize("count", [1, 3])
def test_statements(people, count):
    for _ in range(count):
        factories.ready(people)
    client = desk.client_of(AUDITOR)
    for query, expected in (("", 10), (f"&case={Case.objects.first().reference}", 11)):
        found = statements(client, f"/audit-trail/{WHY}{query}")
        assert len(found) == expected, shortly(found)


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (Asked(), "ledgerevent_at"),
        (Asked(from_at=datetime(2026, 1, 1, tzinfo=LONDON)), "ledgerevent_at"),
        (Asked(actor="staff:7"), "ledgerevent_actor_at"),
        (Asked(action="case.noted"), "ledgerevent_action_at"),
        (Asked(case=Case(uid="5f3c4a8e-4b1d-4a53-9f0e-2a7b1c9d0e11")), "ledgerevent_stream_seq"),
    ],
)
def test_each_filter_is_answered_by_an_index(people, asked, index):
    rows = trail.within(people[AUDITOR], asked).order_by("-at", "-id")[:26]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        sql, params = rows.query.sql_with_params()
        cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert f"using {index} " in plan, plan


# A part of it as a file


def wanted(client, **typed):
    asked = {"why": "audit_sample", "who": "", "what": "", "case": "", "from": "", "to": "", "reason": "For the board."}
    return client.post("/audit-trail/", {**asked, **typed})


def test_a_part_of_it_is_a_file_for_whoever_asked_on_record_with_every_case(people):
    case = factories.investigating(people)
    transitions.apply(case.pk, "close_no_action", actor=people["a.byrne"], at=factories.FILED_AT, reason="A mistake.")
    client = desk.client_of(AUDITOR)

    answer = wanted(client, case=case.reference)

    row = Proposal.objects.get(kind=traillists.KIND)
    assert answer["location"] == f"/office/changes/{row.uid}/" and (row.state, row.needs) == ("agreed", [])
    told = client.get(answer["location"]).content.decode()
    assert f'href="/audit-trail/files/{row.uid}/"' in told and "For the board." in told and case.reference in told
    file = client.get(f"/audit-trail/files/{row.uid}/")
    lines = file.content.decode().splitlines()
    assert lines[0] == "done,recorded,who,actor,act,code,type,reference,from,reason_given,hash"
    events = LedgerEvent.objects.filter(stream=case.uid)
    assert {line.split(",")[-1] for line in lines[1:]} == {bytes(each.hash).hex() for each in events}
    assert sum(",yes," in line for line in lines) == events.filter(reason__isnull=False).count() > 0
    assert "no-store" in file["cache-control"]
    look = AccessEvent.objects.filter(verb="export").get()
    assert (look.streams, look.purpose, look.result_count) == ([case.uid], "audit_sample", len(events))
    others = [desk.client_of(who) for who in ("a.byrne", "d.osei", "j.merriweather")]
    with nothing_written():
        assert [each.get(f"/audit-trail/files/{row.uid}/").status_code for each in others] == [404] * 3


def test_a_long_file_asks_for_the_second_factor_and_the_officer(people, monkeypatch):
    monkeypatch.setattr(traillists, "ALONE", 2)
    case = factories.ready(people)
    client = desk.client_of(AUDITOR)
    with nothing_written():
        answer = wanted(client, case=case.reference)
    assert answer["location"].startswith("/step-up/")

    wanted(desk.client_of(AUDITOR, is_stepped_up=True), case=case.reference)

    row = Proposal.objects.get(kind=traillists.KIND)
    assert (row.state, row.needs) == ("open", ["data_protection_officer"])
    client = desk.client_of(AUDITOR, is_stepped_up=True)
    assert client.get(f"/audit-trail/files/{row.uid}/").status_code == 404
    decided = {"verdict": "agreed", "reason": "The board asked."}
    assert client.post(f"/office/changes/{row.uid}/decide/", decided).status_code == 403
    desk.client_of("j.merriweather", is_stepped_up=True).post(f"/office/changes/{row.uid}/decide/", decided)
    lines = client.get(f"/audit-trail/files/{row.uid}/").content.decode().splitlines()
    assert len(lines) == 1 + LedgerEvent.objects.filter(stream=case.uid).count()


def test_no_file_without_a_reason_of_nothing_of_too_much_or_of_what_is_restricted(people, monkeypatch):
    case = factories.ready(people)
    client = desk.client_of(AUDITOR, is_stepped_up=True)
    day = date(2020, 1, 1)

    def refused(**typed) -> list[str]:
        with nothing_written():
            answer = wanted(client, **typed)
        assert answer.status_code == 422
        return [each.sentence for each in answer.context["problems"]]

    most = "A file holds from 1 to {} acts, and none on a restricted case. Choose a shorter time, or whose."
    assert refused(reason=" ") == ["Say what the file is for."]
    assert refused(why="") == ["Choose why you look."]
    assert refused(to=str(day)) == [most.format("2,000")]
    monkeypatch.setattr(traillists, "AT_MOST", 1)
    assert refused(case=case.reference) == [most.format(1)]


def test_a_restricted_case_stands_in_no_file_of_whom_its_compartment_lets_read(people):
    secret = RESTRICTED[0]
    hidden = secret.hide(people, factories.investigating(people))
    compartments.grant(
        hidden.team_id,
        people[AUDITOR].user_id,
        reason="The yearly audit of the unit.",
        ends_at=factories.AT + timedelta(days=30),
        actor=keeper(people, hidden),
        at=factories.AT,
    )
    client = desk.client_of(AUDITOR)
    with nothing_written():
        assert wanted(client, case=hidden.reference).status_code == 422
    wanted(client, **{"from": "2026-11-01", "to": "2026-11-30"})
    row = Proposal.objects.get(kind=traillists.KIND)
    inside = set(map(str, LedgerEvent.objects.filter(stream=hidden.uid).values_list("uid", flat=True)))
    assert inside and not inside & set(row.payload["events"])
