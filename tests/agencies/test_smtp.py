"""A file as an attachment, handed to a real mail server: encrypted on the way, nothing personal outside the file."""

import asyncio
import email
import email.policy
import smtplib
import ssl
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from aiosmtpd.controller import Controller

from cases.agencies import delivery, queue
from cases.agencies.retries import judge
from cases.agencies.sandbox import ca
from cases.agencies.transports import smtp
from cases.agencies.transports.base import DeliveryError, Parcel
from cases.kernel.models import DeliveryAttempt, OutboxMessage, Task
from tests.agencies import stage
from tests.agencies.filestage import Partner, promised, registered
from tests.agencies.stage import now

BODY = bytes(range(256)) * 40
HEADERS = {"from": "files@backoffice.example.org", "message-id": "m-1", "date": "Mon, 16 Nov 2026 10:00:00 +0000"}


class Box:
    """What a mail server took, and what it is to answer."""

    def __init__(self):
        self.letters, self.answer, self.at_rcpt, self.hangs_up = [], "250 OK", "250 OK", False

    async def handle_RCPT(self, server, session, envelope, address, options):
        envelope.rcpt_tos.append(address)
        return self.at_rcpt

    async def handle_DATA(self, server, session, envelope):
        self.letters.append(SimpleNamespace(to=envelope.rcpt_tos, raw=envelope.content, is_tls=session.ssl is not None))
        if self.hangs_up:
            server.transport.abort()
        return self.answer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("mail")
    ca.ensure(made, now=datetime.now(UTC))
    return made


def serving(folder, *, is_tls=True):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / ca.CERTIFICATE_FILE, folder / ca.KEY_FILE)
    box = Box()
    more = {"tls_context": context, "require_starttls": True} if is_tls else {}
    return box, Controller(box, hostname="127.0.0.1", port=stage.free_port(), **more)


@pytest.fixture
def server(folder):
    box, controller = serving(folder)
    controller.start()
    yield SimpleNamespace(box=box, url=f"smtp://127.0.0.1:{controller.port}/files@drama-recoveries.example.org")
    controller.stop()


def parcel(server, folder, **more):
    given = {
        "url": server.url,
        "body": BODY,
        "name": "backoffice_drama-recoveries_place_000001.csv.pgp",
        "headers": HEADERS,
        "allowed_cidrs": ("127.0.0.0/8",),
        "ca_file": str(folder / ca.CA_FILE),
        "timeout_seconds": 5,
    }
    return Parcel(**given | more)


def fault(given):
    with pytest.raises(DeliveryError) as caught:
        smtp.send(given)
    return caught.value


def test_the_letter_is_encrypted_on_its_way_and_says_nothing_but_the_name_of_the_file(server, folder):
    assert smtp.send(parcel(server, folder)).status == 250
    (letter,) = server.box.letters
    assert letter.is_tls and letter.to == ["files@drama-recoveries.example.org"]
    read = email.message_from_bytes(letter.raw, policy=email.policy.default)
    assert {name: read[name] for name in ("From", "To", "Subject", "Message-ID")} == {
        "From": "files@backoffice.example.org",
        "To": "files@drama-recoveries.example.org",
        "Subject": "A file for you",
        "Message-ID": "<m-1@backoffice.example.org>",
    }
    text, attached = read.iter_parts()
    assert text.get_content().splitlines() == [
        "The file backoffice_drama-recoveries_place_000001.csv.pgp is attached. "
        "It is encrypted to your OpenPGP key and signed with ours."
    ]
    assert (attached.get_filename(), attached.get_content()) == (parcel(server, folder).name, BODY)


def test_what_the_server_answers_is_for_now_for_good_or_a_fault_of_keys(server, folder):
    for answer, code, is_permanent, is_rejection in (
        ("451 Later", "smtp_451", False, False),
        ("552 Too much", "smtp_552", True, False),
        ("530 Who are you", "smtp_530", False, True),
    ):
        server.box.at_rcpt = answer
        found = fault(parcel(server, folder))
        assert (found.code, found.is_permanent, found.is_rejection) == (code, is_permanent, is_rejection)
    assert server.box.letters == []


def test_a_refusal_before_the_first_byte_of_the_letter_is_no_lost_answer(server, folder, monkeypatch):
    monkeypatch.setattr(smtplib.SMTP, "data", Mock(side_effect=smtplib.SMTPDataError(451, b"Later")))
    found = fault(parcel(server, folder))
    assert (found.code, found.is_undecided, found.is_permanent) == ("smtp_451", False, False)


def test_a_lost_answer_is_for_a_person_to_find_out(server, folder):
    server.box.hangs_up = True
    found = fault(parcel(server, folder))
    assert (found.code, found.is_undecided) == ("answer_lost", True)
    verdict = judge(found, profile="email", tries=1, now=now(), spread=lambda low, high: 1.0)
    assert (verdict.state, verdict.outcome) == ("unknown", "unknown")


def test_the_whole_letter_has_one_deadline_however_slowly_each_step_is_answered(server, folder, monkeypatch):
    async def slow_mail(_server, _session, envelope, address, _options):
        await asyncio.sleep(0.7)
        envelope.mail_from = address
        return "250 OK"

    async def slow_rcpt(*_given):
        await asyncio.sleep(0.7)
        return "250 OK"

    monkeypatch.setattr(server.box, "handle_MAIL", slow_mail, raising=False)
    monkeypatch.setattr(server.box, "handle_RCPT", slow_rcpt)
    began = time.monotonic()
    found = fault(parcel(server, folder, timeout_seconds=1))
    assert (found.code, found.is_undecided) == ("read_timeout", False)
    assert time.monotonic() - began < 3
    assert server.box.letters == []


def test_nothing_leaves_in_the_open_or_to_a_server_that_proves_nothing(server, folder):
    box, controller = serving(folder, is_tls=False)
    controller.start()
    try:
        plain = parcel(server, folder, url=f"smtp://127.0.0.1:{controller.port}/files@drama-recoveries.example.org")
        assert fault(plain).code == "not_encrypted"
        assert box.letters == []
    finally:
        controller.stop()
    assert fault(parcel(server, folder, ca_file="")).code == "tls_refused"
    assert fault(parcel(server, folder, body=b"x" * (smtp.LARGEST_ATTACHMENT + 1))).code == "attachment_too_large"
    nobody = parcel(server, folder, url="smtp://127.0.0.1:9/files@drama-recoveries.example.org")
    assert fault(nobody).code == "connect_refused"
    for malformed in (
        "smtp://127.0.0.1/",
        "smtp://u@127.0.0.1/a@b.example.org",
        "smtp://127.0.0.1/a b@c.example.org",
    ):
        assert fault(parcel(server, folder, url=malformed)).code == "address_malformed"
    assert server.box.letters == []


@pytest.mark.django_db(transaction=True)
def test_a_promised_file_goes_by_mail_once_and_after_a_crash_a_person_decides(server, folder, tmp_path):
    partner = Partner(tmp_path / "partner")
    agency = registered(
        partner, transport="smtp", address=server.url, receiver_dedupes=False, ca_file=str(folder / ca.CA_FILE)
    )
    file = promised(agency)
    delivery.deliver_due(clock=now)
    (letter,) = server.box.letters
    assert stage.state_of(file.message) == "delivered"
    for personal in (b"Cerys", b"Oyelaran", b"31246", b"PLC-1"):
        assert personal not in letter.raw
    assert b"Cerys" in opened(partner, letter)

    server.box.hangs_up = True
    second = promised(agency)
    delivery.deliver_due(clock=now)
    delivery.deliver_due(clock=now)
    queue.reclaim()
    assert (stage.state_of(second.message), len(server.box.letters)) == ("unknown", 2)
    assert DeliveryAttempt.objects.get(message=second.message).error == "answer_lost"
    assert Task.objects.filter(kind="message_unknown", case=None).count() == 1
    assert OutboxMessage.objects.count() == 2


def opened(partner, letter):
    from cases.agencies import openpgp  # noqa: PLC0415 -- beside the library, not the models

    _, attached = email.message_from_bytes(letter.raw, policy=email.policy.default).iter_parts()
    return openpgp.open_signed(attached.get_content(), secrets=[partner.secret], signers=[partner.ours.armored])[0]
