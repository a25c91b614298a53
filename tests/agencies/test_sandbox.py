"""The sandbox agencies: strangers to the rest of the code, who can be told to misbehave."""

import json
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from backoffice.env import BASE_DIR
from cases.agencies import application, delivery
from cases.kernel.models import Callback, Case, DeliveryAttempt, Letter, OutboxMessage
from tests import factories
from tests.agencies import stage
from tests.agencies.stage import FPA, now, promise, state_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_sandbox_imports_neither_django_nor_the_rest_of_ours():
    program = (
        "import sys, cases.agencies.sandbox.server\n"
        "print(sorted(n for n in sys.modules if n.split('.')[0] in ('django', 'rest_framework', 'celery', 'backoffice')"
        " or (n.startswith('cases.') and not n.startswith('cases.agencies.sandbox') and n != 'cases.agencies')))"
    )
    shown = subprocess.run([sys.executable, "-c", program], cwd=BASE_DIR, capture_output=True, check=True, timeout=60)

    assert shown.stdout.decode().strip() == "[]"


def test_an_unsigned_or_wrongly_signed_message_is_not_taken(sandbox):
    context = ssl.create_default_context(cafile=str(sandbox.folder / "ca.pem"))
    request = urllib.request.Request(
        f"https://127.0.0.1:{sandbox.plan.port}/{FPA}/messages", data=b"{}", headers={"webhook-id": "x"}
    )

    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, context=context, timeout=10)

    assert refusal.value.code == 401
    refusal.value.close()
    assert sandbox.received() == []


def test_nobody_commands_it_without_the_token(sandbox):
    context = ssl.create_default_context(cafile=str(sandbox.folder / "ca.pem"))
    address = f"https://127.0.0.1:{sandbox.plan.port}/control/{FPA}"
    for request in (urllib.request.Request(address), urllib.request.Request(address, data=b'{"slow_ms":1}')):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(request, context=context, timeout=10)
        assert refusal.value.code == 404
        refusal.value.close()


def test_the_command_gives_orders_and_asks(sandbox, settings):
    settings.DEMO, settings.BACKOFFICE_HOME = True, sandbox.folder.parent
    out = StringIO()

    call_command("sandbox", "--tell", FPA, '{"slow_ms": 7}', stdout=out)

    assert json.loads(out.getvalue())["knobs"]["slow_ms"] == 7
    for wrong in ("no json", '{"no_such_knob": 1}', '{"slow_ms": "x"}'):
        with pytest.raises(CommandError):
            call_command("sandbox", "--tell", FPA, wrong, stdout=StringIO())


def test_it_can_be_down_flaky_and_slow(sandbox):
    case = factories.referred(factories.office())
    message = promise(case)
    for order, error in (({"down": "503"}, "http_503"), ({"down": "close"}, "connection_broken")):
        sandbox.tell(**order)
        OutboxMessage.objects.update(due_at=now())
        delivery.deliver_due(clock=now)
        assert DeliveryAttempt.objects.filter(message=message).latest("number").error == error
    sandbox.tell(down="", flaky_percent=100)
    OutboxMessage.objects.update(due_at=now())
    delivery.deliver_due(clock=now)
    assert state_of(message) == "pending"

    sandbox.tell(flaky_percent=0, slow_ms=300)
    OutboxMessage.objects.update(due_at=now())
    delivery.deliver_due(clock=now)

    last = DeliveryAttempt.objects.filter(message=message).latest("number")
    assert (state_of(message), last.outcome) == ("delivered", "ok")
    assert last.duration_ms >= 300


def test_it_answers_twice_and_backwards_and_the_case_ends_the_same(speaking_sandbox):
    people = factories.office()
    case = stage.approved(people)
    speaking_sandbox.tell(duplicate=2, out_of_order=True, occurred_at="2026-11-16T10:12:00Z")

    delivery.deliver_due(clock=now)
    enquiry = {"type": "fpa.enquiry", "agency_reference": "SFR-2026-0004417"}
    speaking_sandbox.tell(say=enquiry)
    stage.wait_for(lambda: Callback.objects.count() == 2)
    deadline = time.monotonic() + 10
    while Callback.objects.exclude(state="applied").exists() and time.monotonic() < deadline:
        application.apply_pending(now=now())
        time.sleep(0.2)

    assert Case.objects.get(pk=case.pk).state == "filed"
    assert set(Callback.objects.values_list("state", flat=True)) == {"applied"}
    stage.wait_for(lambda: len(speaking_sandbox.tell()["answered"]) == 6)
    assert {status for _, status in speaking_sandbox.tell()["answered"]} == {202}


def test_what_it_could_not_say_it_says_after_a_restart(speaking_sandbox):
    people = factories.office()
    case = stage.approved(people)
    speaking_sandbox.tell(callback_delay_ms=60_000)
    delivery.deliver_due(clock=now)
    assert Callback.objects.count() == 0

    speaking_sandbox.stop()
    speaking_sandbox.start()
    stage.wait_for(lambda: Callback.objects.exists())

    application.apply_pending(now=now())
    assert Case.objects.get(pk=case.pk).state == "filed"


def test_the_post_house_says_when_a_letter_left(speaking_sandbox):
    people = factories.office()
    case = stage.approved(people)
    promise(case, kind="letter", code="sandbox-post", body={"pages": 1})

    delivery.deliver_due(clock=now)
    stage.wait_for(lambda: Callback.objects.filter(type="letter.dispatched").exists())

    row = Callback.objects.get(type="letter.dispatched")
    said = speaking_sandbox.tell("sandbox-post")["sent"][0]["body"]
    assert (row.agency.code, list(said["data"])) == ("sandbox-post", ["date"])
    assert Letter.objects.filter(case=case).count() == 0
    assert json.loads((speaking_sandbox.folder / "sandbox-post.sent.jsonl").read_text())["body"] == said
