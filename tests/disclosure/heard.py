"""Requests of an authority as it sends and as it is told of them."""

import json
from datetime import timedelta

from cases.agencies import application, inbound
from cases.agencies.directory import TERMS
from cases.agencies.senders import Sender
from cases.kernel import actors, outbox
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Case, OutboxMessage
from cases.ledger import sealing
from tests import disclosures
from tests.factories import AT


def told(case):
    """Return kind and contents of everything the authority was promised, in order."""
    reader = sealing.Reader(actor="system:tests", verb="view", purpose="tests")
    rows = OutboxMessage.objects.filter(case=case).order_by("seq")
    return [(row.kind, json.loads(outbox.open_body(row, reader=reader, at=AT))["data"]) for row in rows]


def hear(case, kind, *, message_id="", about="", **data):
    """Let the authority say something about what it was told last, or about the word of this kind."""
    agency = Agency.objects.get(code=disclosures.AUTHORITY)
    rows = OutboxMessage.objects.filter(case=case)
    message = (rows.filter(kind=about) if about else rows).latest("seq")
    body = {
        "schema_version": 1,
        "type": kind,
        "reference": str(message.public_id),
        "occurred_at": "2026-11-14T10:30:00Z",
        "data": data,
    }
    sender = Sender(
        agency=agency, channel=agencies.channel_of(agency, "in"), message_id=message_id or kind, key_name="tests"
    )
    inbound.receive(sender, json.dumps(body).encode(), ip_token="0" * 64, now=AT + timedelta(hours=1))
    application.apply_pending(now=AT + timedelta(hours=1))
    return Case.objects.get(pk=case.pk)


# --- who asks stays who was verified ----------------------------------------------------------------------------------
OTHER = "sandbox-borough"


def another_authority(people, **changes):
    """Enter a second authority, whose desk has the same code as the first one's."""
    channels = (
        agencies.ChannelPlan(direction="out", address="https://127.0.0.1:9/other", allowed_cidrs=("127.0.0.0/8",)),
        agencies.ChannelPlan(direction="in"),
    )
    listing = agencies.Listing(code=OTHER, kind="lea", display_name="Sandbox Borough", terms=TERMS, channels=channels)
    at = AT - timedelta(days=3)
    agencies.register(listing, actor=actors.system("tests"), at=at)
    disclosures.desk(people, at=at, agency=OTHER, phone="+441632960012", **changes)
