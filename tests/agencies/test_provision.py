"""The register as a demonstration has it, and the commands around it."""

import json
import re
import stat
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from cases.agencies import provision, signatures
from cases.kernel import actors
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Channel, ChannelKey
from cases.ledger.models import LedgerEvent
from tests.agencies.stage import AT, FPA, now

pytestmark = pytest.mark.django_db

# Copied by hand from the agreement on codes.
AGENCIES = {
    "sandbox-fraud-register": ("fpa", "Sandbox Fraud Register"),
    "sandbox-retail-alert": ("fraud_alert", "Sandbox Retail Alert"),
    "sandbox-bureau-a": ("cra", "Sandbox Bureau A"),
    "sandbox-bureau-b": ("cra", "Sandbox Bureau B"),
    "sandbox-bureau-c": ("cra", "Sandbox Bureau C"),
    "sandbox-recoveries": ("dca", "Sandbox Recoveries"),
    "sandbox-debt-purchase": ("purchaser", "Sandbox Debt Purchase"),
    "sandbox-moratorium": ("insolvency", "Sandbox Moratorium Service"),
    "sandbox-constabulary": ("lea", "Sandbox Constabulary SPoC"),
    "sandbox-999-control": ("emergency", "Sandbox 999 Control"),
    "sandbox-regulator": ("regulator", "Sandbox Regulator"),
    "sandbox-fiu": ("fiu", "Sandbox FIU"),
    "sandbox-bank": ("bank", "Sandbox Bank"),
    "sandbox-report-fraud": ("police_report", "Sandbox Report Fraud"),
    "sandbox-post": ("post", "Sandbox Print and Post"),
    "sandbox-tv": ("group_company", "Sandbox TV"),
    "sandbox-transit": ("provider", "Sandbox Transit"),
    "sandbox-partner-ads": ("partner", "Sandbox Partner Ads"),
    "own-orders": ("own_system", "Orders"),
    "own-detection": ("own_system", "Fraud detection"),
    "own-billing": ("own_system", "Billing"),
    "own-website": ("own_system", "Website"),
    "own-network": ("own_system", "Network"),
    "own-messaging": ("own_system", "Messaging"),
}


def run(folder, port: int = 9443) -> list[Agency]:
    plan = provision.SandboxPlan(folder=folder, port=port, callback_base="http://127.0.0.1:8000")
    return provision.provision(actor=actors.system("tests"), at=AT, sandbox=plan)


def test_every_agreed_code_is_entered_with_its_channels_and_a_key_for_each(tmp_path):
    run(tmp_path)

    assert {row.code: (row.kind, row.display_name) for row in Agency.objects.all()} == AGENCIES
    for code in AGENCIES:
        directions = set(Channel.objects.filter(agency__code=code).values_list("direction", flat=True))
        assert directions == ({"in"} if code.startswith("own-") else {"in", "out"})
    beside = {"transport": "sftp", "agency__kind": "cra"}  # files go beside messages, under keys of another kind
    for channel in Channel.objects.filter(**beside):
        assert len(agencies.live_keys(channel, at=AT, kind="openpgp")) == 1
        assert len(agencies.live_keys(channel, at=AT, kind="ssh")) == 1
    for channel in Channel.objects.filter(agency__code__startswith="sandbox-").exclude(**beside):
        assert len(agencies.live_keys(channel, at=AT)) == 1


def test_outbound_channels_lead_to_the_loopback_with_an_authority_of_their_own(tmp_path):
    run(tmp_path)

    channel = agencies.channel_of(agencies.get(FPA), "out")
    assert channel.address == "https://127.0.0.1:9443/sandbox-fraud-register/messages"
    assert (channel.allowed_cidrs, channel.ca_file) == (["127.0.0.0/8"], str(tmp_path / "ca.pem"))
    assert agencies.channel_of(agencies.get("sandbox-999-control"), "out").is_ordered is False


def test_a_second_run_changes_nothing(tmp_path):
    run(tmp_path)
    before = (LedgerEvent.objects.count(), ChannelKey.objects.count(), (tmp_path / "config.json").read_bytes())

    run(tmp_path)

    assert before == (LedgerEvent.objects.count(), ChannelKey.objects.count(), (tmp_path / "config.json").read_bytes())


def test_another_port_moves_the_channels_on_record(tmp_path):
    run(tmp_path)
    run(tmp_path, port=9555)

    channel = agencies.channel_of(agencies.get(FPA), "out")
    assert channel.address.startswith("https://127.0.0.1:9555/")
    assert LedgerEvent.objects.filter(stream=channel.agency.uid, action="agency.channel_moved").count() == 1


def test_what_the_sandbox_is_told_is_readable_by_its_owner_alone(tmp_path):
    run(tmp_path)

    for name in ("config.json", "server.key", "ca.pem"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    config = json.loads((tmp_path / "config.json").read_text())
    secrets = [entry[name] for entry in config["agencies"].values() for name in ("message_secret", "callback_secret")]
    assert len(set(secrets)) == len(secrets) == 36


def test_secrets_are_sealed(tmp_path):
    run(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())["agencies"][FPA]

    stored = b"".join(bytes(row.secret.ciphertext) for row in ChannelKey.objects.all())

    assert config["message_secret"].encode() not in stored
    channel = agencies.channel_of(agencies.get(FPA), "out")
    assert list(agencies.open_secrets(channel, purpose="test", at=AT).values()) == [config["message_secret"]]


def test_outside_a_demonstration_only_own_systems_are_entered(settings):
    settings.DEMO = False

    call_command("provision_agencies", stdout=StringIO())

    assert set(Agency.objects.values_list("kind", flat=True)) == {"own_system"}


def test_a_new_key_is_printed_alone_and_works(tmp_path):
    run(tmp_path)
    out = StringIO()

    call_command("agency_keys", FPA, "--new", stdout=out)

    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", out.getvalue())
    secret = out.getvalue().strip()
    channel = agencies.channel_of(agencies.get(FPA), "in")
    secrets = agencies.open_secrets(channel, purpose="test", at=now())
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": str(int(now().timestamp())),
        "webhook-signature": signatures.sign("m", int(now().timestamp()), b"{}", live_secrets=[secret]),
    }
    assert signatures.verify(signatures.read(headers), b"{}", live_secrets=secrets, now=now()) in secrets
    assert len(secrets) == 2


def test_keys_are_listed_by_name_and_revoked_by_name(tmp_path):
    run(tmp_path)
    out = StringIO()
    call_command("agency_keys", FPA, stdout=out)
    name = out.getvalue().split()[0]
    assert "whsec_" not in out.getvalue()

    call_command("agency_keys", FPA, "--revoke", name, stdout=StringIO())

    channel = agencies.channel_of(agencies.get(FPA), "in")
    assert agencies.live_keys(channel, at=now()) == []


def test_an_unknown_code_is_a_sentence(db):
    with pytest.raises(CommandError, match="The register has no agency called nobody"):
        call_command("agency_keys", "nobody", "--new")


def test_the_sandbox_is_refused_outside_a_demonstration(settings):
    settings.DEMO = False

    with pytest.raises(CommandError, match="belong to a demonstration"):
        call_command("sandbox")
