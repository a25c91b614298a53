"""The other parts of the audit trail: what was done to the office, and who looked; each of what one may see."""

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from cases.kernel import roles
from cases.kernel.actors import system
from cases.kernel.background import jobs
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Case, Proposal, User
from cases.kernel.office import proposals
from cases.kernel.outputs import traillists
from cases.kernel.reading import looktrail, officetrail, trail
from cases.kernel.reading.trail import SYSTEM, Asked
from cases.ledger import reads
from cases.ledger.models import AccessEvent, LedgerEvent
from tests import factories
from tests.kernel.snapshots import nothing_written, undone
from tests.restricted.test_canary import RESTRICTED, plain
from tests.web import desk
from tests.web.test_queries import shortly, statements
from tests.web.test_trail import AUDITOR, WHY, page, problems, wanted

pytestmark = pytest.mark.django_db
VERB = re.compile(r"[a-z_]+\.[a-z_]+")


def office(client, query: str = "") -> list[tuple[str, str, str, str]]:
    """Return who did what to what of the office, and where that is shown, as the page says it."""
    return [(each["who"], each["act"], each["name"], each["url"]) for each in entries(client, f"&of=office{query}")]


def looked(client, query: str = "") -> list[tuple[str, str, list[str], str]]:
    """Return who looked how at which cases and why, as the page says it."""
    return [
        (each["who"], each["how"], [case.reference for case, _ in each["cases"]], each["why"])
        for each in entries(client, f"&of=looks{query}")
    ]


def entries(client, query: str):
    return page(client, query).context.get("entries", [])


def role_given(people) -> Proposal:
    """Have a role given to one person."""
    payload = {"user": people["p.nair"].user_id, "role": "credit_officer"}
    row = proposals.propose("role_grant", payload, actor=people["o.thackray"], at=factories.AT, reason="To help out.")
    return row


def test_what_was_done_to_the_office_is_told_with_its_page_and_reason(people):
    row = role_given(people)
    agency = Agency.objects.get(code="sandbox-fraud-register")
    channel = agency.channels.filter(direction="out").first()
    agencies.pause(
        channel, actor=people["o.thackray"], at=factories.FILED_AT, cause="by_hand", until=None, reason="Their wish."
    )
    client, nair = desk.client_of(AUDITOR), people["p.nair"].user_id

    told = office(client)

    title, label = proposals.title(Proposal.objects.get(pk=row.pk)), roles.ROLES["credit_officer"].label
    administrator, page_of_row = str(User.objects.get(pk=people["o.thackray"].user_id)), f"/office/changes/{row.uid}/"
    assert told[0] == (administrator, "Stopped sending", agency.display_name, "/agencies/sandbox-fraud-register/")
    assert (administrator, "Proposed a change", title, page_of_row) in told
    assert (administrator, "Gave a role", f"P. Nair, {label}", f"/people/{nair}/") in told
    text = page(client, "&of=office").content.decode()
    assert "Their wish." in text and "To help out." in text
    look = AccessEvent.objects.latest("id")
    assert (look.actor, look.verb, look.purpose) == (people[AUDITOR].label, "list", "audit_sample")
    assert {row.uid, agency.uid} <= set(look.streams)


def test_office_acts_are_asked_for_by_area_by_act_by_whom_and_when(people):
    role_given(people)
    client, day = desk.client_of(AUDITOR), factories.AT.date()
    assert {act for _, act, _, _ in office(client, "&what=changes")} == {"Proposed a change"}
    assert {act for _, act, _, _ in office(client, "&what=role.granted")} == {"Gave a role"}
    byrne, administrator = people["a.byrne"].label, people["o.thackray"].label
    assert office(client, f"&who={byrne}") == []
    assert len({who for who, _, _, _ in office(client, f"&who={administrator}")}) == 1
    assert office(client, f"&to={day - timedelta(days=3000)}") == []
    assert problems(client, f"{WHY}&of=office&what=case.noted") == ["Choose the act from the list."]
    written = "Legitimate interests: writing to the people concerned"
    assert ("System", "Entered a policy document", written, "") in office(client, "&what=rules")


def test_work_of_other_people_stands_in_no_trail_and_hidden_work_neither(people):
    code = next(code for code, kind in jobs.KINDS.items() if not kind.is_hidden and not kind.act)
    hidden = next(code for code, kind in jobs.KINDS.items() if kind.is_hidden)
    seen = jobs.start(code, actor=system("sweep"), at=factories.AT)
    jobs.start(hidden, actor=system("sweep"), at=factories.AT)
    jobs.start(code, actor=people["a.byrne"], at=factories.AT)
    told = office(desk.client_of(AUDITOR), "&what=jobs")
    assert told == [("System", "Started work", jobs.label(seen), f"/jobs/{seen.uid}/")]


def test_of_an_agency_that_restricted_kinds_alone_use_nothing_is_told(people):
    closed = officetrail.exchanges.closed_kinds(people[AUDITOR])
    found = set(LedgerEvent.objects.filter(action__startswith="agency.").values_list("stream", flat=True))
    kinds = dict(Agency.objects.values_list("uid", "kind"))
    assert {kinds[uid] for uid in found} & closed
    told = trail.within(people[AUDITOR], Asked(of="office", action="agencies")).values_list("stream", flat=True)
    assert {kinds[uid] for uid in told} == {kinds[uid] for uid in found} - closed


def verbs_of_the_office() -> set[str]:
    """Return what the office's own modules call the acts they write."""
    files = [*Path("cases/kernel/office").glob("*.py"), Path("cases/kernel/exchange/agencies.py")]
    files += [
        Path(f"cases/kernel/{name}.py")
        for name in ("background/jobs", "background/jobrun", "background/undone", "retention")
    ]
    files += [Path("cases/kernel/timing/rulebook.py"), Path("cases/kernel/exchange/agreements.py")]
    files += [*Path("cases/debt").glob("*.py"), *Path("cases/reports/figures").glob("*.py")]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text()))]
    return {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if VERB.fullmatch(node.value)
    }


def test_every_act_on_the_office_is_in_its_area_and_no_area_names_another(people):
    known = {verb for each in officetrail.AREAS.values() for verb in each.acts}
    groups = {verb.partition(".")[0] for verb in known}
    written = {verb for verb in verbs_of_the_office() if verb.partition(".")[0] in groups}
    assert {verb for verb in written - known if not verb.endswith(".csv")} == set()
    sources = "".join(path.read_text() for path in Path("cases").rglob("*.py") if path.name != "officetrail.py")
    told = {f'"{verb}": "' for verb in known}
    sources = "".join(line for line in sources.splitlines() if not line.strip().startswith(tuple(told)))
    made = {f"office.{state}" for state in ("proposed", "agreed", "refused", "withdrawn", "dropped", "superseded")}
    made |= {f"disposal.{state}" for state in ("agreed", "refused")} | {"figures.files_made"}
    assert {verb for verb in known if f'"{verb}"' not in sources} - made == set()


@pytest.mark.parametrize("count", [1, 3])
def test_statements_of_the_office(people, count):
    for agency in Agency.objects.filter(kind="fraud")[:1]:
        for _ in range(count):
            channel = agency.channels.filter(direction="out").first()
            agencies.pause(channel, actor=people["o.thackray"], at=factories.AT, cause="by_hand", until=None)
    found = statements(desk.client_of(AUDITOR), f"/audit-trail/{WHY}&of=office")
    assert len(found) == 19, shortly(found)


# Who looked


def test_who_looked_how_at_what_and_why_stands_newest_first(people):
    case = factories.investigating(people)
    desk.client_of("a.byrne").get(f"/cases/{case.uid}/")
    client = desk.client_of(AUDITOR)

    told = looked(client)

    assert told[0] == ("A. Byrne", "Looked at", [case.reference], "Casework")
    assert {who for who, *_ in told} <= {str(user) for user in User.objects.all()}
    assert entries(client, "&of=looks")[1]["fields"].startswith("The case's page: facts,")
    look = AccessEvent.objects.latest("id")
    assert (look.verb, look.purpose, look.fields) == ("list", "audit_sample", ["audit"])
    assert case.uid in look.streams
    assert looked(client)[0][:2] == ("B. Lacombe", "Looked through")


def test_looks_are_asked_for_by_whom_how_at_which_case_and_when(people):
    first, second = factories.investigating(people), factories.referred(people)
    worker = desk.client_of("a.byrne")
    worker.get(f"/cases/{first.uid}/")
    worker.get(f"/cases/{second.uid}/messages/")
    worker.get("/search/?q=%2B447700900123")
    client, byrne = desk.client_of(AUDITOR), people["a.byrne"].label
    assert {who for who, *_ in looked(client, f"&who={byrne}")} == {"A. Byrne"}
    assert {ref for *_, refs, _ in looked(client, f"&who={byrne}&case={second.reference}") for ref in refs} >= {
        second.reference
    }
    assert {how for _, how, *_ in looked(client, f"&what=search{month()}")} <= {"Searched"}
    assert all(who == "System" for who, *_ in looked(client, f"&who={SYSTEM}&case={first.reference}"))
    one = "Who looked is found for one person, on one case, or within 31 days: say which."
    system = "What the system did is looked for on one case, or within 31 days: say from when until when."
    assert problems(client, f"{WHY}&of=looks&what=reveal") == [one]
    assert problems(client, f"{WHY}&of=looks&from=2026-01-01&to=2026-11-30") == [one]
    assert problems(client, f"{WHY}&of=looks&who={SYSTEM}") == [system]


def month() -> str:
    first = AccessEvent.objects.earliest("at").at.date()
    return f"&from={first}&to={first + timedelta(days=29)}"


def test_what_a_compartment_looks_at_outside_itself_stands_in_no_trail(people):
    case = factories.investigating(people)
    reads.record_read(
        reads.Reader(actor=people["h.castellan"].label, verb="view", purpose="compartment:7", streams=(case.uid,)),
        at=factories.AT,
        result_count=1,
    )
    assert looked(desk.client_of(AUDITOR), f"&who={people['h.castellan'].label}") == []


def test_nobody_is_found_by_name_two_years_after_they_looked(people, monkeypatch):
    case, byrne = factories.investigating(people), people["a.byrne"].label
    reads.record_read(
        reads.Reader(actor=byrne, verb="view", purpose="casework", streams=(case.uid,)),
        at=factories.AT,
        result_count=1,
    )
    client = desk.client_of(AUDITOR)
    now = factories.AT + timedelta(days=732)
    assert looktrail.within(people[AUDITOR], Asked(of="looks", actor=byrne), at=now).count() == 0
    monkeypatch.setattr("cases.web.asking.now", lambda: now)
    assert ("Somebody of the staff", "Looked at", [case.reference], "Casework") in looked(client)


@pytest.mark.parametrize("who", ["", "a.byrne"])
def test_pages_of_looks_follow_one_another_without_a_gap_and_name_no_number(people, monkeypatch, who):
    monkeypatch.setattr(trail, "PAGE_SIZE", 3)
    case = factories.investigating(people)
    for number in range(11):  # some of one moment
        reads.record_read(
            reads.Reader(actor=people["a.byrne"].label, verb="view", purpose="casework", streams=(case.uid,)),
            at=factories.AT + timedelta(minutes=number // 4),
            result_count=1,
        )
    client, found = desk.client_of(AUDITOR), []
    asked = f"&who={people[who].label}" if who else f"&case={case.reference}"
    path = f"/audit-trail/{WHY}&of=looks{asked}"
    while path:
        answer = client.get(path)
        found += [each["event"].pk for each in answer.context["entries"] if each["who"] == "A. Byrne"]
        path = answer.context["older_url"]
        assert not any(f"={pk}" in path for pk in found)
    rows = AccessEvent.objects.filter(actor=people["a.byrne"].label)
    assert sorted(found) == sorted(rows.values_list("pk", flat=True)) and len(set(found)) == len(found)


@pytest.mark.parametrize("secret", RESTRICTED, ids=lambda each: each.kind)
def test_the_parts_are_the_same_with_and_without_a_hidden_case(people, secret, monkeypatch):
    monkeypatch.setattr("cases.web.asking.now", lambda: factories.FILED_AT)
    monkeypatch.setattr(trail, "PAGE_SIZE", 4)
    secret.prepare(people)
    parent = factories.investigating(people)
    desk.client_of("a.byrne").get(f"/cases/{parent.uid}/")
    desk.client_of("a.byrne").get("/search/?q=%2B447700900123")
    client, insider = desk.client_of(AUDITOR), people[secret.insider]
    older = page(client, "&of=looks").context["older_url"].partition(WHY)[2]
    asked = ["&of=office", "&of=looks", older, f"&of=looks&who={insider.label}", f"&of=looks&case={parent.reference}"]
    asked += [f"&of=office&who={insider.label}", "&of=office&what=agencies", "&of=office&what=changes"]
    asked += [f"&of=looks&who={SYSTEM}&from=2026-11-01&to=2026-11-30", "&of=office&what=jobs"]

    def world():
        with undone():
            pages = [plain(page(client, each).content.decode(), parent.uid) for each in asked]
            return pages, [len(statements(client, f"/audit-trail/{WHY}{each}")) for each in asked]

    without = world()
    hidden = secret.hide(people, parent)
    desk.client_of(insider_name(people, insider)).get(f"/cases/{hidden.uid}/")
    assert world() == without
    assert problems(client, f"{WHY}&of=looks&case={hidden.reference}") == [f"You may see no case {hidden.reference}."]


def insider_name(people, insider) -> str:
    return next(name for name, each in people.items() if each is insider)


@pytest.mark.parametrize("count", [1, 3])
def test_statements_of_looks(people, count):
    for _ in range(count):
        desk.client_of("a.byrne").get(f"/cases/{factories.ready(people).uid}/")
    client = desk.client_of(AUDITOR)
    for query, expected in (("", 21), (f"&case={Case.objects.first().reference}", 22)):
        found = statements(client, f"/audit-trail/{WHY}&of=looks{query}")
        assert len(found) == expected, shortly(found)


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (Asked(of="looks"), "_pkey"),
        (Asked(of="looks", actor="staff:7"), "_actor_at_idx"),
    ],
)
def test_looks_are_found_by_an_index(people, asked, index):
    rows = looktrail.within(people[AUDITOR], asked, at=factories.AT)[:26]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
        sql, params = rows.query.sql_with_params()
        cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert index in plan, plan


def test_acts_on_the_office_and_looks_are_files_too(people):
    row = role_given(people)
    case = factories.investigating(people)
    desk.client_of("a.byrne").get(f"/cases/{case.uid}/")
    client = desk.client_of(AUDITOR)

    wanted(client, of="office", what="changes")
    asked = Proposal.objects.get(kind=traillists.KIND)
    assert f"{len(asked.payload['events'])} acts on the office as a file" == proposals.title(asked)
    lines = client.get(f"/audit-trail/files/{asked.uid}/").content.decode().splitlines()
    assert lines[0].startswith("done,recorded,who,") and len(lines) == 1 + len(asked.payload["events"])
    assert any(proposals.title(row) in line for line in lines)

    wanted(client, of="looks", who=people["a.byrne"].label, reason="For the union.")
    asked = Proposal.objects.filter(kind=traillists.KIND).latest("pk")
    lines = client.get(f"/audit-trail/files/{asked.uid}/").content.decode().splitlines()
    assert lines[0] == "looked,who,actor,how,code,references,office,fields,why,request"
    assert len(lines) > 1 and all(",A. Byrne," in line for line in lines[1:])
    assert any(case.reference in line for line in lines)
    other = desk.client_of("d.osei")
    with nothing_written():
        assert other.get(f"/audit-trail/files/{asked.uid}/").status_code == 404
