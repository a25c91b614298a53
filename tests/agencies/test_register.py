"""The register from the command line."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from cases.agencies.signatures import new_secret
from cases.kernel import actors, releases
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Channel, ChannelHealth
from cases.ledger import api as ledger
from cases.ledger.models import LedgerEvent
from tests.agencies.stage import now

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command("agencies", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text(new_secret() + "\n")
    return path


def add(secret_file, *more: str, address: str = "https://127.0.0.1/messages") -> str:
    words = ("--kind", "fpa", "--name", "Fraud Register", "--address", address, "--secret-file", str(secret_file))
    return run("add", "fraud-register", *words, *more)


def test_an_agency_is_entered_with_channels_and_the_agreed_key(secret_file):
    add(secret_file, "--cidr", "127.0.0.0/8")

    channel = agencies.channel_of(agencies.get("fraud-register"), "out")
    assert (channel.address, channel.allowed_cidrs, channel.state) == (
        "https://127.0.0.1/messages",
        ["127.0.0.0/8"],
        "active",
    )
    secrets = agencies.open_secrets(channel, purpose="test", at=now())
    assert list(secrets.values()) == [secret_file.read_text().strip()]


@pytest.mark.parametrize("address", ["http://127.0.0.1/", "https://127.0.0.1/", "https://169.254.169.254/"])
def test_an_address_to_which_nothing_would_be_sent_is_refused(secret_file, address):
    with pytest.raises(CommandError, match="Nothing would be sent"):
        add(secret_file, address=address)

    assert Agency.objects.count() == 0


def test_a_file_without_a_secret_is_refused(secret_file):
    secret_file.write_text("secret")

    with pytest.raises(CommandError, match="whsec_"):
        add(secret_file, "--cidr", "127.0.0.0/8")


def test_a_channel_is_paused_and_resumed_on_record(secret_file):
    add(secret_file, "--cidr", "127.0.0.0/8")

    run("pause", "fraud-register")
    assert "fraud-register" in run() and "paused" in run()
    run("resume", "fraud-register")
    run("resume", "fraud-register")

    agency = agencies.get("fraud-register")
    verbs = LedgerEvent.objects.filter(stream=agency.uid).order_by("seq").values_list("action", flat=True)
    assert list(verbs) == [
        "agency.registered",
        "agency.key_added",
        "agency.channel_paused",
        "agency.channel_resumed",
    ]
    assert agencies.channel_of(agency, "out").state == "active"


def test_an_unknown_agency_is_a_sentence():
    with pytest.raises(CommandError, match="no agency called nobody"):
        run("pause", "nobody")


def test_one_person_pauses_for_an_hour_and_ends_no_pause_of_two(secret_file):
    add(secret_file, "--cidr", "127.0.0.0/8")
    channel = agencies.channel_of(agencies.get("fraud-register"), "out")
    run("pause", "fraud-register")
    health = ChannelHealth.objects.get(channel=channel)
    assert timedelta(0) < health.paused_until - now() <= timedelta(hours=1)
    run("resume", "fraud-register")

    channel.refresh_from_db()
    agencies.pause(channel, actor=actors.system("tests"), at=now(), cause=agencies.AGREED, until=None)
    acts = LedgerEvent.objects.filter(stream=channel.agency.uid).count()
    with pytest.raises(CommandError, match="Two people agreed to this pause, so two end it"):
        run("resume", "fraud-register")

    channel.refresh_from_db()
    assert (channel.state, LedgerEvent.objects.filter(stream=channel.agency.uid).count()) == ("paused", acts)


def test_an_agency_that_was_told_by_telephone_is_listed_by_what_is_sent_to_it(secret_file):
    add(secret_file, "--cidr", "127.0.0.0/8")
    before = run()
    with ledger.action(agencies.get("fraud-register").uid, "tests.told", actor="tests", at=now()):
        Channel.objects.create(
            agency=agencies.get("fraud-register"), direction="out", transport=releases.TELEPHONE, state="disabled"
        )

    assert run() == before
    assert before.startswith("fraud-register") and before.count("\n") == 1
