"""The example an agency's engineers copy accepts our signature and refuses anything else."""

import inspect
import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from cases.agencies import signatures, strict_json
from cases.agencies.provision import new_inbound_key
from cases.credit import messages
from cases.credit.codes import PLAN
from cases.credit.files.codes import REJECTS
from cases.kernel import actors
from cases.kernel.exchange import agencies, files
from tests import factories
from tests.api.caller import callback, signed
from tests.docs.pages import ROOT


def test_the_python_example_accepts_what_we_sign_and_nothing_else():
    block = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "agencies.md").read_text(), re.DOTALL)[1]
    space: dict = {}
    exec(block, space)  # noqa: S102 -- the page's own example
    is_genuine = space["is_genuine"]
    secret, other = signatures.new_secret(), signatures.new_secret()
    stamp = int(time.time())
    headers = {
        "webhook-id": "msg-1",
        "webhook-timestamp": str(stamp),
        "webhook-signature": signatures.sign("msg-1", stamp, b"{}", live_secrets=[other, secret]),
    }

    assert is_genuine(headers, b"{}", secret)
    assert not is_genuine(headers, b"{ }", secret)
    assert not is_genuine(headers, b"{}", signatures.new_secret())
    assert not is_genuine({**headers, "webhook-timestamp": str(stamp - 400)}, b"{}", secret)


@pytest.fixture
def secrets():
    """The incoming secret of each caller."""
    factories.office()
    given = {"actor": actors.system("tests"), "at": factories.AT}
    callers = {"sandbox-fraud-register": "fpa", "sandbox-bank": "bank"}
    for code, kind in callers.items():
        plan = agencies.ChannelPlan(direction="in")
        agencies.register(agencies.Listing(code=code, kind=kind, display_name=code, channels=(plan,)), **given)
    return {code: new_inbound_key(code, **given) for code in callers}


def _blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / "agencies.md").read_text(), re.DOTALL)


@pytest.mark.django_db(transaction=True)
def test_the_examples_that_call_us_are_taken_word_for_word(live_server, secrets):
    """Each is run as it stands, but for the address."""
    secret = secrets["sandbox-fraud-register"]
    space: dict = {}
    exec(next(each for each in _blocks("python") if "def call_back" in each), space)  # noqa: S102 -- the page's own
    address = f"{live_server.url}/api/v1/agencies/sandbox-fraud-register/callbacks/"
    body = {"schema_version": 1, "type": "message.received", "occurred_at": "2026-11-16T10:12:00Z"}
    first = space["call_back"](address, secret, body, "once")
    assert first == space["call_back"](address, secret, body, "once")
    assert (first[0], first[1]["status"]) == (202, "accepted")

    callers = {"agencies/": secrets["sandbox-fraud-register"], "partners/": secrets["sandbox-bank"]}
    calls = [each for each in _blocks("sh") if "curl" in each]
    assert len(calls) == len(callers)
    answers = []
    for block, (path, given) in zip(sorted(calls, key=lambda each: "partners/" in each), callers.items(), strict=True):
        assert f"/api/v1/{path}" in block
        script = block.replace("https://backoffice.example.org", live_server.url)
        ran = subprocess.run(
            ["bash", "-euc", script], env={**os.environ, "SECRET": given}, capture_output=True, text=True, check=True
        )
        answers.append(json.loads(ran.stdout))
    assert answers[0]["status"] == "accepted"
    assert answers[1]["code"] == "no_agreement"  # proven who asks, and nobody has agreed with this bank


@pytest.mark.django_db(transaction=True)
def test_what_the_table_of_answers_says_is_so(live_server, secrets):
    secret, path = secrets["sandbox-fraud-register"], "/api/v1/agencies/sandbox-fraud-register/callbacks/"
    good = json.dumps(callback()).encode()

    def ask(address, body, message_id, **headers):
        given = {"content-type": "application/json", **signed(secret, message_id, body), **headers}
        request = urllib.request.Request(live_server.url + address, body, given)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                assert refused.headers["content-type"] == "application/problem+json"
                return refused.code, json.load(refused)

    assert ask(path, b"{", "a")[1]["code"] == "not_json"
    assert ask(path, good, "a")[1]["errors"][0]["code"] == "webhook_id_reused"
    status, said = ask(path, b"{}", "b")
    assert (status, {each["pointer"] for each in said["errors"]}) == (422, {"/schema_version", "/type", "/occurred_at"})
    assert ask(path, good, "b")[1]["errors"][0]["code"] == "webhook_id_reused"
    for message_id in ("a.b", "urn:uuid:1", "x" * 129):
        assert ask(path, good, message_id)[0] == 401
    assert ask(path, good, "x" * 128)[0] == 202
    for address in (path.rstrip("/"), "/api/v1/nothing/", "/api/"):
        status, said = ask(address, good, "c")
        assert (status, "last slash" in said["detail"]) == (404, True)
    assert ask(path, json.dumps(callback(type="fpa.unheard_of")).encode(), "d")[0] == 202


def test_every_kind_of_file_is_named_with_what_a_row_may_say():
    """Whoever builds the other side reads which files come, which are read, and every code that a report may have."""
    page = (ROOT / "docs" / "agencies.md").read_text()
    section = page[page.index("## Exchange files") : page.index("## Stop marketing")]

    assert [code for code in [*files.kinds(), *REJECTS] if f"`{code}`" not in section] == []
    (name,) = re.findall(r"`(backoffice_\S+\.csv\.pgp)`", section)
    assert re.fullmatch(rf"backoffice_drama-recoveries_({'|'.join(files.kinds())})_\d{{6}}\.csv\.pgp", name)


def test_every_search_of_a_credit_agency_is_named_with_its_answer():
    page = (ROOT / "docs" / "agencies.md").read_text()
    section = page[page.index("### Answer a search") : page.index("### In order")]

    asked = {search for plan in PLAN.values() for kind, search in plan if kind == "cra"}
    named = {*asked, *messages.IDENTITIES, *messages.MATCHES, *messages.INDICATORS}
    assert [each for each in sorted(named) if f"`{each}`" not in section] == []


def test_every_reason_for_unreadable_bytes_is_named():
    code = inspect.getsource(strict_json)

    page = (ROOT / "docs" / "agencies.md").read_text()
    assert [each for each in re.findall(r'Unreadable\("(\w+)"\)', code) if f"`{each}`" not in page] == []
