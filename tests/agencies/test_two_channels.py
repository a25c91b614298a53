"""An agency with a channel for messages and one for files is paused and resumed as a whole; either can be changed."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from cases.agencies import openpgp, settlement
from cases.agencies.directory import FILES, IN, OUT, TERMS
from cases.kernel import actors
from cases.kernel.exchange import agencies
from cases.kernel.models import ChannelHealth, ChannelKey, Task
from cases.kernel.office import proposals
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.agencies import test_register_changes as changes
from tests.agencies.stage import FPA, now
from tests.kernel.snapshots import nothing_written
from tests.web import desk

pytestmark = pytest.mark.django_db
CODE = "drama-bureau"


@pytest.fixture
def people():
    return factories.office()


@pytest.fixture
def bureau(people):
    listing = agencies.Listing(
        code=CODE, kind="cra", display_name="Drama Bureau", terms=TERMS, channels=(IN, OUT, FILES)
    )
    return agencies.register(listing, actor=actors.system("tests"), at=changes.AT)


def states(bureau):
    return {channel.transport: channel.state for channel in agencies.channels_out(bureau)}


def its_files_failed(bureau):
    health = ChannelHealth.objects.filter(channel__agency=bureau, channel__transport="sftp")
    health.update(pause_reason="host_key")
    assert settlement.pause_failing(now=now()) == 1
    assert states(bureau) == {"https": "active", "sftp": "paused"}


def asked():
    return Task.objects.filter(kind="channel_paused", detail__agency=CODE, closed_at=None).count()


def said(*words):
    out = StringIO()
    call_command("agencies", *words, stdout=out)
    return out.getvalue()


def test_a_pause_of_its_files_alone_is_ended_by_the_command(bureau):
    its_files_failed(bureau)
    assert asked() == 1
    assert "is active" in said("resume", CODE)
    assert (states(bureau), asked()) == ({"https": "active", "sftp": "active"}, 0)


def test_a_pause_of_its_files_alone_is_shown_and_ended_on_its_page(people, bureau):
    its_files_failed(bureau)
    client, page = desk.client_of("o.thackray"), f"/agencies/{CODE}/"
    shown = client.get(page).content.decode()
    assert "Reason to resume" in shown and "?view=files" in shown
    assert "Open until" not in shown

    assert client.post(reverse("web:agency_resume", args=[CODE]), {"reason": "Their new key is in."}).status_code == 302
    assert states(bureau) == {"https": "active", "sftp": "active"}
    assert client.post(reverse("web:agency_resume", args=[CODE]), {"reason": "Again."}).status_code == 422


def test_a_pause_stops_messages_and_files_and_the_task_stays_while_one_is_paused(bureau):
    its_files_failed(bureau)
    assert "is paused" in said("pause", CODE)
    assert states(bureau) == {"https": "paused", "sftp": "paused"}
    https, sftp = agencies.channels_out(bureau)
    agencies.resume(https, actor=actors.system("tests"), at=now(), cause="operator")
    assert asked() == 1
    agencies.resume(sftp, actor=actors.system("tests"), at=now(), cause="operator")
    assert asked() == 0


def test_what_fails_on_both_at_once_is_one_task_until_both_go_on(bureau):
    ChannelHealth.objects.filter(channel__agency=bureau).update(pause_reason="failing_for_a_day")
    assert settlement.pause_failing(now=now()) == 2
    assert (states(bureau), asked()) == ({"https": "paused", "sftp": "paused"}, 1)
    said("resume", CODE)
    assert asked() == 0


def test_two_people_pause_and_end_both_and_a_later_fault_of_one_lets_nobody_end_the_other_alone(people, bureau):
    changes.agree(people, changes.propose(people, "agency_pause", {"code": CODE}))
    assert states(bureau) == {"https": "paused", "sftp": "paused"}
    https, sftp = agencies.channels_out(bureau)
    agencies.resume(sftp, actor=actors.system("tests"), at=now(), cause="pause_is_over")
    its_files_failed_again = ChannelHealth.objects.filter(channel=sftp)
    its_files_failed_again.update(pause_reason="host_key")
    assert settlement.pause_failing(now=now()) == 1
    acts = LedgerEvent.objects.filter(stream=bureau.uid).count()

    client = desk.client_of("o.thackray")
    alone = client.post(reverse("web:agency_resume", args=[CODE]), {"reason": "Over."})
    assert alone.status_code == 422 and b"so two end it" in alone.content
    assert LedgerEvent.objects.filter(stream=bureau.uid).count() == acts
    changes.agree(people, changes.propose(people, "agency_resume", {"code": CODE}))
    assert states(bureau) == {"https": "active", "sftp": "active"}


def test_keys_folder_and_address_of_its_files_are_changed_by_two(people, bureau):
    public = openpgp.make_pair("Drama Bureau")[1].armored
    keeping = {"code": CODE, "key_kind": "openpgp", "public": public}
    changes.agree(people, changes.propose(people, "agency_partner_key", keeping, role="system_administrator"))
    changes.agree(people, changes.propose(people, "agency_file_keys", {"code": CODE}, role="system_administrator"))
    changes.agree(people, changes.propose(people, "agency_folder", {"code": CODE, "folder": "/theirs"}))
    address = "sftp://backoffice@files.drama-bureau.example.org/in"
    changes.agree(people, changes.propose(people, "agency_address", {"code": CODE, "address": address}))

    https, sftp = agencies.channels_out(bureau)
    assert (https.address, https.transport) == ("", "https")
    assert (sftp.address, sftp.transport, sftp.answers_folder) == (address, "sftp", "/theirs")
    assert set(ChannelKey.objects.filter(channel=sftp).values_list("kind", flat=True)) == {"openpgp", "ssh"}
    assert len(agencies.live_partner_keys(bureau, kind="openpgp", at=changes.AT)) == 1


def test_files_are_exchanged_beside_messages_once_two_agree(people):
    address = "sftp://backoffice@files.drama-register.example.org/in"
    asked_for = {"code": FPA, "address": address}
    for wrong in ("https://files.example.org/in", "sftp://127.0.0.1/in"):
        with (
            nothing_written(),
            pytest.raises(proposals.ProposalRefused, match="Files go by sftp|Nothing would be sent"),
        ):
            changes.propose(people, "agency_files", {**asked_for, "address": wrong})
    proposal = changes.propose(people, "agency_files", asked_for)
    assert states(agencies.get(FPA)) == {"https": "active"}
    changes.agree(people, proposal)

    https, sftp = agencies.channels_out(agencies.get(FPA))
    assert (https.transport, sftp.transport, sftp.address) == ("https", "sftp", address)
    assert (sftp.receiver_dedupes, sftp.retry_profile, sftp.state) == (False, "file", "active")
    assert ChannelHealth.objects.filter(channel=sftp).count() == 1
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="It takes files already"):
        changes.propose(people, "agency_files", asked_for)
