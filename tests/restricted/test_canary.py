"""A hidden case leaves no trace outside its compartment: the same crawl, with and without it, by everybody outside.

For every restricted kind. The channels are the routes of the URL configuration; a route whose address cannot be made
here fails the test. A positive control shows that the crawl would find a leak: an insider's finds the tokens all over.
"""

import difflib
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import pytest
from django.conf import settings
from django.core import mail
from django.core.cache import caches
from django.db import connection, reset_queries
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from cases.agencies import application, inbound
from cases.agencies.senders import Sender
from cases.kernel import casetypes, edits, intake, parties, policy, transitions
from cases.kernel.exchange import agencies
from cases.kernel.linking import links
from cases.kernel.models import Agency, Callback, Case, OutboxMessage, Task
from cases.kernel.office import demo_people
from cases.kernel.restricted import quietholds, referrals
from cases.ledger.models import LedgerEvent
from cases.reports import pdf, press, requests
from tests import breaches, disclosures, emergencies, factories, suspicions
from tests.kernel.snapshots import undone
from tests.length import AT_LENGTH, times
from tests.reports import reading
from tests.web import test_routes_by_role as routes
from tests.web.desk import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(times(900, 3600))]  # thousands of requests

# One word that occurs nowhere else, in every field, subject, file name, note and agency reference.
WORDS = (
    "zqreferral zqaccount zqtransactions zqnarrative zqpolice zqforename zqsurname zqalias zqmail zqemployer zqdevice"
    " zqline zqtown zqnote zqfile zqcontent zqunit zqreason zqlink"
)
DISCLOSURE_WORDS = (
    "zqurn zqasked zqauthoriser zqparticulars zqspoken zqforename zqsurname zqmail zqdevice zqaccount zqnote zqfile"
    " zqcontent zqreason"
)
EMERGENCY_WORDS = (
    "zqcaller zqincident zqoperator zqspoken zqsubscriber zqaddress zqcell zqaccount zqnote zqfile zqcontent zqreason"
    " zqforename zqsurname"
)
BREACH_WORDS = (
    "zqwhat zqsecrecy zqconsequences zqmeasures zqdelay zqforename zqsurname zqnote zqfile zqcontent zqreason zqlink"
)
TOKENS = tuple(dict.fromkeys(" ".join((WORDS, DISCLOSURE_WORDS, EMERGENCY_WORDS, BREACH_WORDS)).split()))
PERSON = {
    "role": "subject",
    "values": {
        "forename": "Zqforename",
        "surname": "Zqsurname",
        "alias": "Zqalias",
        "email": "zqmail@example.org",
        "employer": "Zqemployer",
        "device": "zqdevice",
        "phone": factories.VICTIM["values"]["phone"],
    },
    "addresses": [{"kind": "current", "line_1": "1 Zqline", "town": "Zqtown", "postcode": "TR18 0ZZ"}],
}
# The same person as in the parent, so that whatever joins people would join these.
TWIN = {**suspicions.SUBJECT, "values": factories.VICTIM["values"], "addresses": factories.VICTIM["addresses"]}
NOBODY = UUID("00000000-0000-4000-8000-00000000c0de")
NOTHING = UUID("00000000-0000-4000-8000-0000000000ff")
SEARCHES = ("zqsurname", "Zqforename Zqsurname", "zqmail@example.org", "+447700900123", "Tregaskis", "zqunit-7")


def hide_report(people, parent) -> Case:
    """Refer, write up, document and submit a report on the parent case, and let the unit acknowledge it. A move and a
    callback of the unit are refused on the way."""
    officer, at = people["h.castellan"], factories.AT
    facts = {"referral": "Zqreferral.", "account_reference": "ZQACCOUNT-7", "once": NOBODY}
    referrals.refer("suspicion_report", facts, about=parent, actor=people["p.nair"], at=at)
    case = Case.objects.get(kind="suspicion_report")
    with edits.change(case.pk, actor=officer, at=at) as edit:
        edit.facts(
            reason_code="defence_money_laundering",
            transactions="Zqtransactions.",
            narrative="Zqnarrative.",
            police_contact="Zqpolice.",
        )
        edit.add_party(PERSON)
        edit.add_party(TWIN)
    edits.attach(
        case.pk,
        kind="call_recording",
        file_name="zqfile.txt",
        media_type="text/plain",
        data=b"Zqcontent.",
        actor=officer,
        at=at,
    )
    edits.add_note(case.pk, "Zqnote.", actor=officer, at=at)
    links.make(case.pk, "arose_from", parent.reference, actor=officer, at=at, reason="Zqlink.")
    transitions.apply(case.pk, "submit", actor=officer, at=at, reason="Zqreason.")
    with pytest.raises(transitions.TransitionRefused):
        transitions.apply(case.pk, "submit", actor=officer, at=at, reason="Zqreason.")
    promise = OutboxMessage.objects.get(case=case)
    call("sandbox-fiu", "zq-1", type="fpa.filed", reference=str(promise.public_id))
    assert application.apply_pending(now=at).failed == 1
    inputs = {"agency_reference": "ZQUNIT-7"}
    return transitions.apply(case.pk, "acknowledge", actor=suspicions.fiu(), at=at, inputs=inputs)


def hide_request(people, parent) -> Case:
    """Take in, document and authenticate a request about the person of the parent case. A move is refused on the
    way."""
    officer, at = people["k.mistry"], factories.AT
    typed = {
        "urn": "ZQURN/7",
        "asked_by": "Zqasked",
        "authoriser": "Zqauthoriser",
        "particulars": "Zqparticulars.",
    }
    names = ("forename", "surname", "email", "device", "phone")
    target = {"account_reference": "ZQACCOUNT-7", **{name: PERSON["values"][name] for name in names}}
    twin = {"phone": factories.VICTIM["values"]["phone"], "forename": "Morwenna", "surname": "Tregaskis"}
    case = intake.open_case(
        "le_disclosure",
        actor=officer,
        at=at,
        facts={**disclosures.FACTS, **typed, "grade": 1},
        people=[{"role": "target", "values": values} for values in (target, twin)],
    )
    edits.attach(
        case.pk,
        kind="authorisation",
        file_name="zqfile.txt",
        media_type="text/plain",
        data=b"Zqcontent.",
        actor=officer,
        at=at,
    )
    edits.add_note(case.pk, "Zqnote.", actor=officer, at=at)
    with pytest.raises(transitions.TransitionRefused):
        transitions.apply(case.pk, "validate", actor=officer, at=at, reason="Zqreason.")
    call = {**disclosures.CALL, "spoken_to": "Zqspoken"}
    return transitions.apply(case.pk, "verify", actor=officer, at=at, inputs=call, reason="Zqreason.")


def hide_emergency(people, parent) -> Case:
    """Take in, document, answer and write up an emergency about the person of the parent case. A move is refused on the
    way."""
    operator, at = people["n.okonjo"], factories.AT
    typed = {"caller": "Zqcaller", "incident": "Zqincident", "operator": "Zqoperator"}
    twin = {"phone": factories.VICTIM["values"]["phone"], "forename": "Zqforename", "surname": "Zqsurname"}
    case = intake.open_case(
        "emergency_disclosure",
        actor=operator,
        at=at,
        facts={**emergencies.FACTS, **typed},
        people=[{"role": "caller", "values": twin}],
    )
    edits.attach(
        case.pk,
        kind="sheet",
        file_name="zqfile.txt",
        media_type="text/plain",
        data=b"Zqcontent.",
        actor=operator,
        at=at,
    )
    edits.add_note(case.pk, "Zqnote.", actor=operator, at=at)
    with pytest.raises(transitions.TransitionRefused):
        transitions.apply(case.pk, "write_up", actor=operator, at=at, reason="Zqreason.")
    given = {
        **emergencies.GIVEN,
        "spoken_to": "Zqspoken",
        "subscriber": "Zqsubscriber",
        "address": "Zqaddress",
        "cell": "Zqcell",
    }
    transitions.apply(case.pk, "disclose", actor=operator, at=at, inputs=given, reason="Zqreason.")
    return transitions.apply(case.pk, "write_up", actor=operator, at=at, inputs={"account": "Zqaccount."})


def hide_breach(people, parent) -> Case:
    """Report, document, assess and notify a breach that came from the parent case. A move is refused on the way."""
    officer, at = people["j.merriweather"], factories.AT
    facts = {"what": "Zqwhat.", "nature": "disclosed", "once": NOBODY}
    referrals.refer("breach", facts, about=parent, actor=people["p.nair"], at=at)
    case = Case.objects.get(kind="breach")
    twin = {"phone": factories.VICTIM["values"]["phone"], "forename": "Zqforename", "surname": "Zqsurname"}
    with edits.change(case.pk, actor=officer, at=at) as edit:
        twins = [{"role": "affected", "values": twin}]
        parties.add(edit.case, twins, first_number=1, retention_class="breach", at=at)
    edits.attach(
        case.pk,
        kind="log",
        file_name="zqfile.txt",
        media_type="text/plain",
        data=b"Zqcontent.",
        actor=officer,
        at=at,
    )
    edits.add_note(case.pk, "Zqnote.", actor=officer, at=at)
    links.make(case.pk, "arose_from", parent.reference, actor=officer, at=at, reason="Zqlink.")
    with pytest.raises(transitions.TransitionRefused):
        transitions.apply(case.pk, "notify", actor=officer, at=at, reason="Zqreason.")
    assessed = {**breaches.ASSESSED, "secrecy": "Zqsecrecy.", "consequences": "Zqconsequences."}
    transitions.apply(case.pk, "assess", actor=officer, at=at, inputs=assessed, reason="Zqreason.")
    told = {"measures": "Zqmeasures.", "delay": "Zqdelay."}
    return transitions.apply(case.pk, "notify", actor=officer, at=at, inputs=told)


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """One restricted kind: how a case of it is hidden, who is inside, and what an insider's crawl has to find."""

    kind: str
    roles: frozenset[str]
    insider: str
    hide: Callable[..., Case]
    words: str
    move: str
    agency: str
    code: str
    reveals: tuple[str, ...]
    blocks: frozenset[str] = frozenset()
    prepare: Callable[..., object] = lambda _people: None

    @property
    def given(self) -> dict[str, str]:
        """What fills the places of an address that belong to a kind."""
        return {"kind": self.kind, "name": self.move, "code": self.code}


RESTRICTED = (
    Hidden(
        kind="suspicion_report",
        roles=frozenset({"nominated_officer"}),
        insider="h.castellan",
        hide=hide_report,
        words=" ".join(set(WORDS.split()) - {"zqtown", "zqline", "zqemployer"}),
        move="dismiss",
        agency="sandbox-fiu",
        code="facts-narrative",
        reveals=("person-1-forename", "facts-referral", "facts-account_reference"),
        blocks=frozenset({"pay_out"}),
    ),
    Hidden(
        kind="le_disclosure",
        roles=frozenset({"disclosure_officer", "disclosure_approver", "emergency_operator", "legal_counsel"}),
        insider="k.mistry",
        hide=hide_request,
        words=DISCLOSURE_WORDS,
        move="refuse",
        agency=disclosures.AUTHORITY,
        code="facts-particulars",
        reveals=("person-1-forename", "facts-urn", "facts-particulars"),
        prepare=disclosures.enter,
    ),
    Hidden(
        kind="emergency_disclosure",
        roles=frozenset({"disclosure_officer", "disclosure_approver", "emergency_operator", "legal_counsel"}),
        insider="n.okonjo",
        hide=hide_emergency,
        words=EMERGENCY_WORDS,
        move="write_up",
        agency=emergencies.ROOM,
        code="facts-written_up",
        reveals=("person-1-forename", "facts-caller", "facts-written_up"),
        prepare=emergencies.enter,
    ),
    Hidden(
        kind="breach",
        roles=frozenset({"data_protection_officer"}),
        insider="j.merriweather",
        hide=hide_breach,
        words=BREACH_WORDS,
        move="close",
        agency=breaches.REGULATOR,
        code="facts-what",
        reveals=("person-1-forename", "facts-what", "facts-secrecy", "facts-consequences", "facts-measures"),
        prepare=lambda _people: breaches.enter(),
    ),
)


def rights_of(person) -> tuple[bool, frozenset[tuple[str, str, str]]]:
    """Return whether this person leads a team, and in which rows of the policy table their roles stand."""
    rows = frozenset((rule.kind, rule.act, rule.scope) for rule in policy.table() if rule.roles & set(person.roles))
    return any(code.endswith("*") for code in person.teams), rows


@dataclass(frozen=True)
class Outside:
    """People who are outside of the same compartments: cases of all of these are hidden from them at once."""

    kinds: tuple[Hidden, ...]
    usernames: list[str]


def outsiders() -> list[Outside]:
    """Return everybody by what they are outside of; of people with the very same rights one, unless all are asked
    for."""
    found: dict[tuple[Hidden, ...], dict[object, str]] = {}
    for person in reversed(demo_people.PEOPLE):
        kinds = tuple(each for each in RESTRICTED if not each.roles & set(person.roles))
        rights = person.username if AT_LENGTH else rights_of(person)
        found.setdefault(kinds, {})[rights] = person.username
    return [Outside(kinds, list(usernames.values())) for kinds, usernames in found.items() if kinds]


# A session notes once a minute that it is in use, in a savepoint of its own, and sends its cookie anew: that hangs on
# the clock alone.
_OWN_SESSION = re.compile(r"SAVEPOINT|^(UPDATE|INSERT INTO|SELECT 1).*django_session")


@dataclass(frozen=True)
class Channel:
    """One route and method, and the names of what its address needs."""

    route: str
    method: str
    pattern: str
    needs: tuple[str, ...]


def channels() -> list[Channel]:
    """Return every channel of the URL configuration that is a page. Each must have its methods in routes.csv."""
    methods: dict[str, list[str]] = {}
    for row in routes.ROWS:
        methods.setdefault(row["route"], []).append(row["method"])
    found = []

    def walk(patterns, before=""):
        for pattern in patterns:
            path = before + str(pattern.pattern)
            if not isinstance(pattern, URLPattern):
                walk(pattern.url_patterns, path)
            elif not str(pattern.name).startswith(routes.ELSEWHERE) and pattern.name not in routes.MACHINES:
                needs = tuple(re.findall(r"<\w+:(\w+)>", path))
                found.extend(Channel(pattern.name, method, path, needs) for method in methods[pattern.name])

    walk(get_resolver().url_patterns)
    return found


# What fills the other places of an address. A new name here is decided by whoever adds the route.
ARGUMENTS = {
    "place": 1,
    "kind": "suspicion_report",
    "number": 1,
    "name": "dismiss",
    "code": "facts-narrative",
    "report": NOTHING,
    "job": NOTHING,
    "user_id": 1,
    "team_id": 1,
    "alert": "BG-0000-0000",
    "grant": NOTHING,
    "item": NOTHING,
    "version": 1,
    "approval": NOTHING,
    "message": NOTHING,
    "callback": NOTHING,
    "letter": NOTHING,
    "link": NOTHING,
    "task": NOTHING,
    "quarter": "2026-q3",
    "disposal": NOTHING,
    "release": NOTHING,
    "form": "table",
}
TYPED = "reason=No+fraud.&purpose=compare_evidence&note=Seen.&referral=Seen.&q=zqsurname&text=zqsurname"


def address(channel: Channel, uid: UUID, **given) -> str:
    values = {**ARGUMENTS, **given, "uid": uid}
    missing = [name for name in channel.needs if name not in values]
    assert not missing, f"{channel.route}: say what {missing} is, so that this route is crawled too"
    path = re.sub(r"<\w+:(\w+)>", lambda match: str(values[match[1]]), channel.pattern)
    return "/" + path.replace("\\Z", "")


VOLATILE = (
    re.compile(r'name="csrfmiddlewaretoken" value="\w+"'),
    re.compile(r'name="once" value="[\w:-]+"'),
    re.compile(r"hx-headers=\S+"),
    re.compile(r"\b[0-9a-f]{32}\b"),
    re.compile(r"csrf=[^;]+|session=[^;]+|expires=[^;]+"),
)


@dataclass(frozen=True)
class Answer:
    """What somebody outside can tell one answer from another by."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    statements: int


def plain(text: str, uid: UUID) -> str:
    for volatile in VOLATILE:
        text = volatile.sub("*", text)
    return text.replace(str(uid), "UID").replace(uid.hex, "UID")


def ask(client: Client, channel: Channel, uid: UUID, **given) -> Answer:
    reset_queries()
    with CaptureQueriesContext(connection) as captured:
        if channel.method == "GET":
            answer = client.get(address(channel, uid, **given))
        else:
            answer = client.post(address(channel, uid, **given), TYPED, "application/x-www-form-urlencoded")
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    headers = tuple(sorted((name, plain(value, uid)) for name, value in answer.items() if name != "Expires"))
    cookies = tuple(sorted((name, "") for name in answer.cookies if name != settings.SESSION_COOKIE_NAME))
    return Answer(
        status=answer.status_code,
        headers=headers + cookies,
        body=plain(body.decode("utf-8", "replace"), uid),
        statements=sum(not _OWN_SESSION.search(each["sql"]) for each in captured.captured_queries),
    )


@pytest.fixture
def still(monkeypatch):
    """Let every page read the same moment."""
    now = timezone.now()
    monkeypatch.setattr("cases.web.asking.now", lambda: now)
    return now


@pytest.fixture(params=RESTRICTED, ids=lambda each: each.kind)
def secret(request):
    return request.param


@pytest.fixture(params=outsiders(), ids=lambda each: " ".join(secret.kind for secret in each.kinds))
def outside(request):
    return request.param


def test_every_restricted_kind_is_crawled():
    for secret in RESTRICTED:
        assert sum(len(each.usernames) for each in outsiders() if secret in each.kinds) >= 12, secret.kind
    assert {each.code for each in casetypes.all_types() if each.is_restricted} == {each.kind for each in RESTRICTED}


@pytest.fixture
def people(still):
    made = factories.office()
    for each in RESTRICTED:
        each.prepare(made)
    return made


@pytest.fixture
def parent(people):
    return factories.investigating(people)


@pytest.fixture
def clients(people, outside):
    """Everybody outside, and nobody; whoever must say why they look has said it."""
    return {username: client_of(username, is_stepped_up=True) for username in outside.usernames} | {"": Client()}


@pytest.fixture
def unpressed(monkeypatch):
    """Let a paper be read as it goes to the press: a PDF packs its words, so that no token would be seen in it."""
    monkeypatch.setattr(press, "press", lambda paper, **_limits: pdf.Printed(data=pdf.packed(paper), pages=1))


def say_why(clients, *cases):
    for client in clients.values():
        for case in cases:
            client.post(f"/cases/{case.uid}/purpose/", {"purpose": "oversight"})


def has_token(text: str, *more: str) -> list[str]:
    return [token for token in (*TOKENS, *(each.lower() for each in more)) if token in text.lower()]


def test_a_hidden_case_answers_as_one_that_does_not_exist(people, parent, clients, caplog, outside, unpressed):
    hidden = {secret: secret.hide(people, parent) for secret in outside.kinds}
    tasks = dict(Task.objects.filter(case__in=hidden.values()).values_list("case", "pk"))
    references = [case.reference for case in hidden.values()]
    about = [channel for channel in channels() if "uid" in channel.needs]
    assert len(about) > 25
    differing, found = [], []

    def fresh(client, channel, uid, given) -> Answer:
        caches["fast"].clear()
        with undone():
            return ask(client, channel, uid, **given)

    with caplog.at_level(logging.DEBUG):
        for place, (username, client) in enumerate(clients.items()):
            for turn, channel in enumerate(about):
                if (place + turn) % times(4, 1):
                    continue
                nowhere: dict[str, Answer] = {}
                for secret, case in at_turn(list(hidden.items()), place + turn):
                    task = {"number": tasks.get(case.pk, 1)} if channel.route == "close_task" else {}
                    given = secret.given | task
                    there, same = fresh(client, channel, case.uid, given), address(channel, NOBODY, **given)
                    if same not in nowhere:
                        nowhere[same] = fresh(client, channel, NOBODY, given)
                    if there != nowhere[same]:
                        differing.append((username, channel.route, channel.method, there.status, nowhere[same].status))
                    found += [(username, channel.route, token) for token in has_token(there.body, *references)]
    assert differing == []
    assert found == []
    assert has_token(caplog.text, *references) == []
    assert mail.outbox == []


def at_turn(choices: list, turn: int) -> list:
    """Return which of several things are asked for now: all at length, else one after the other by turns, so that each
    comes to everybody and through every channel, though not to each of them through each."""
    return choices if AT_LENGTH else [choices[turn % len(choices)]]


def told(differing, without, within) -> str:
    """Say of each channel that differs how it does."""
    lines = []
    for key in differing:
        one, other = without[key], within[key]
        if not isinstance(one, Answer):
            one, other = Answer(one[0], (), one[1], 0), Answer(other[0], (), other[1], 0)
        lines.append(f"{key}: {one.status}/{other.status}, {one.statements}/{other.statements} statements")
        lines += list(difflib.unified_diff(one.body.split("<"), other.body.split("<"), lineterm="", n=0))[3:9]
        lines += [f"{each}" for each in set(one.headers) ^ set(other.headers)]
    return "\n".join(lines)


def the_world(clients, parent, kinds) -> dict:
    """Return what everybody outside sees of lists, counts, searches and the parent's own pages.

    At length each of them looks through every channel; else every channel is looked through by a sixth of them.
    """
    seen = {}
    for place, (username, client) in enumerate(clients.items()):
        for turn, channel in enumerate(channels()):
            if (place + turn) % times(6, 1):
                continue
            is_list = "uid" not in channel.needs
            if channel.method == "GET":
                for kind in kinds if "kind" in channel.needs else kinds[:1]:
                    caches["fast"].clear()
                    given = {"code": "person-1-alias", "kind": kind}
                    with undone():
                        seen[username, channel.route, kind] = ask(client, channel, parent.uid, **given)
            elif channel.route == "search" and is_list:
                for text in SEARCHES:
                    with undone():
                        answer = client.post(address(channel, parent.uid), {"text": text, "q": text}, follow=True)
                        body = plain(answer.content.decode(), parent.uid)
                        body = re.sub(r"/search/[\w-]+/", "/search/*/", body)
                        seen[username, channel.route, text] = (answer.status_code, body)
    return seen


def chain_of(case) -> list[tuple[int, bytes]]:
    return [(row.seq, bytes(row.hash)) for row in LedgerEvent.objects.filter(stream=case.uid).order_by("seq")]


def test_everybody_outside_sees_the_same_world_with_and_without_it(people, parent, clients, outside, unpressed):
    kinds = [secret.kind for secret in outside.kinds]
    factories.filed(people)
    say_why(clients, parent)
    without, before = the_world(clients, parent, kinds), chain_of(parent)

    references = [secret.hide(people, parent).reference for secret in outside.kinds]

    within = the_world(clients, parent, kinds)
    assert sorted(within) == sorted(without)
    assert len(without) > times(12, 75) * len(clients)
    differing = sorted(key for key in without if without[key] != within[key])
    assert not differing, told(differing, without, within)
    found = [
        (key, token)
        for key, each in within.items()
        for token in has_token(each.body if isinstance(each, Answer) else each[1], *references)
        if token not in key[2].lower()
    ]
    assert found == []
    assert chain_of(parent) == before
    assert factories.referred(people).reference == "FRD-2026-000003"
    blocks = frozenset().union(*(secret.blocks for secret in outside.kinds))
    assert quietholds.blocked(case_uid=parent.uid) == blocks


def paper_of(parent, people, still) -> str:
    """Return the words of the parent's audit report, made anew and undone."""
    with undone():
        row = requests.request(parent, actor=people["a.byrne"], at=still)
        assert requests.make_due(now=still) == 1
        data = requests.open_report(
            parent.reports.get(uid=row.uid), actor=people["a.byrne"], at=still, request_id="tests"
        )
    text = reading.text_of(data)
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{8,}|\d\d:\d\d:\d\d(\.\d+)?", "*", text)


def test_the_parents_audit_report_says_the_same(people, parent, still, secret):
    without = paper_of(parent, people, still)
    hidden = secret.hide(people, parent)
    within = paper_of(parent, people, still)
    assert without == within
    assert has_token(within, hidden.reference) == []
    assert "Morwenna" in within


def call(code: str, message_id: str, **changes):
    """Take in a callback as the door for machines does, once the signature is proved; return the answer's bytes."""
    agency = Agency.objects.get(code=code)
    channel = agencies.channel_of(agency, "in")
    body = {"schema_version": 1, "occurred_at": "2026-11-16T10:12:00Z", "data": {}, **changes}
    sender = Sender(agency=agency, channel=channel, message_id=message_id, key_name="tests")
    receipt = inbound.receive(sender, json.dumps(body).encode(), ip_token="0" * 64, now=factories.AT)
    return re.sub(rb'"id":"[^"]+"', b"", receipt.content)


def test_another_agency_learns_nothing_from_naming_it(people, parent, secret):
    hidden = secret.hide(people, parent)
    promise = OutboxMessage.objects.get(case=hidden)
    events = LedgerEvent.objects.filter(stream=hidden.uid).count()
    said = {
        call("sandbox-fraud-register", f"tests-{number}", type="fpa.filed", reference=reference, agency_reference=their)
        for number, (reference, their) in enumerate(
            [(str(promise.public_id), "ZQUNIT-7"), (str(NOBODY), "NONE-7"), (hidden.reference, hidden.reference)]
        )
    }
    assert len(said) == 1
    application.apply_pending(now=factories.AT)
    told = Callback.objects.filter(agency__code="sandbox-fraud-register")
    assert set(told.values_list("state", "reason")) == {("unmatched", "no_case")}
    assert LedgerEvent.objects.filter(stream=hidden.uid).count() == events
    assert not OutboxMessage.objects.exclude(channel__agency__code=secret.agency).exists()


def test_the_same_crawl_finds_it_all_over_with_the_right_role(people, parent, still, secret):
    hidden = secret.hide(people, parent)
    factories.scan()
    row = requests.request(hidden, actor=people[secret.insider], at=still)
    assert requests.make_due(now=still) == 1
    officer = client_of(secret.insider, is_stepped_up=True)
    found: dict[str, set[str]] = {}
    for channel in channels():
        caches["fast"].clear()
        with undone():
            answer = ask(officer, channel, hidden.uid, **secret.given, report=row.uid)
        if tokens := has_token(answer.body, hidden.reference):
            found[f"{channel.route} {channel.method}"] = set(tokens)
    pdf = requests.open_report(hidden.reports.get(uid=row.uid), actor=people[secret.insider], at=still, request_id="t")
    found["report in words"] = set(has_token(reading.text_of(pdf)))
    for code in secret.reveals:
        shown = officer.post(f"/cases/{hidden.uid}/reveal/{code}/", {"purpose": "compare_evidence"})
        found[f"reveal {code}"] = set(has_token(shown.content.decode()))
    assert {name for name, tokens in found.items() if not tokens} == set()
    assert len(found) >= 10, sorted(found)
    assert set().union(*found.values()) >= set(secret.words.split())
    assert settings.DEMO is False
