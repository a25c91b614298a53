"""Who signed a call to us. One question for callbacks and intake, answered in equal time for known and unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from cases.agencies import signatures
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Channel
from cases.kernel.prepared import Prepared

ADDRESS_CALLS_PER_MINUTE = 3000


_REFUSED = """
INSERT INTO cases_refusedcalls AS r (agency_id, count, last_at, last_reason)
SELECT id, 1, %(at)s, %(reason)s FROM cases_agency WHERE code = %(code)s
ON CONFLICT (agency_id) DO UPDATE SET count = r.count + 1, last_at = %(at)s, last_reason = %(reason)s
"""


@dataclass(frozen=True, kw_only=True)
class Sender:
    """A proven sender: the agency, the id its signature covers, and the name of the secret that fitted."""

    agency: Agency
    channel: Channel
    message_id: str
    key_name: str


def _inbound() -> QuerySet[Channel]:
    return Channel.objects.filter(direction="in").exclude(state="disabled").select_related("agency")


_KNOWN = Prepared(
    lambda code: _inbound().filter(agency__code=code, agency__is_active=True).order_by("pk")[:1], code="one code"
)


def authenticate(code: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Sender:
    """Return who signed `body`. Raises SignatureRefused; for an unknown code only after the work of a known one."""
    envelope = signatures.read(headers)
    channel = next(iter(_KNOWN.objects(code=code)), None)
    decoy = channel or _inbound().order_by("pk").first()
    secrets = agencies.open_secrets(decoy, purpose="verify", at=now) if decoy else {}
    key_name = signatures.verify(envelope, body, live_secrets=secrets, now=now)
    if channel is None:
        raise signatures.SignatureRefused("unknown_sender")
    return Sender(agency=channel.agency, channel=channel, message_id=envelope.message_id, key_name=key_name)


def count_refusal(code: str, reason: str, *, now: datetime) -> None:
    """Count a refused call in the name of an agency, when there is such an agency. Keeps nothing of what it said."""
    with connection.cursor() as cursor:
        cursor.execute(_REFUSED, {"code": code, "reason": reason[:40], "at": now})
