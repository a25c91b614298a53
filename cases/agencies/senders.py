"""Who signed a call to us. One question for callbacks and intake, answered in equal time for known and unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from cases.agencies import signatures
from cases.agencies.limits import Counting
from cases.kernel.models import Agency, Channel, ChannelKey
from cases.kernel.prepared import PreparedOpening
from cases.ledger import sealing

ADDRESS_CALLS_PER_MINUTE = 3000


_REFUSED = """
INSERT INTO cases_refusedcalls AS r (agency_id, count, last_at, last_reason)
SELECT id, 1, %(at)s, %(reason)s FROM cases_agency WHERE code = %(code)s
ON CONFLICT (agency_id) DO UPDATE SET count = r.count + 1, last_at = %(at)s, last_reason = %(reason)s
"""


@dataclass(frozen=True, kw_only=True)
class Sender:
    """A proven sender: the agency, the id its signature covers, and the name of the secret that fitted; and what was
    found `before` with the count of the call."""

    agency: Agency
    channel: Channel
    message_id: str
    key_name: str
    before: object = None

    def count(self, counting: Counting, *values: Any) -> tuple[Any, ...]:
        """Count the call in its sender's window and return the row that is asked with it. Raises TooMany."""
        return counting.count(f"agency:{self.agency.code}", *values, most=self.channel.rate_per_minute)[1]


def _live_secrets(*, code: str, at: datetime) -> QuerySet[ChannelKey]:
    """Return the live secrets of who claims to call; where nobody is called so, or has none, those of the first that
    has, so that both cost the same."""
    live = Q(active_from__lte=at) & (Q(revoked_at=None) | Q(revoked_at__gt=at))
    rows = ChannelKey.objects.filter(live, kind="hmac", channel__direction="in").exclude(channel__state="disabled")
    theirs = rows.filter(channel__agency__code=code, channel__agency__is_active=True)
    channels = (Subquery(each.order_by("channel").values("channel")[:1]) for each in (theirs, rows))
    found = rows.filter(channel=Coalesce(*channels)).annotate(stream=F("channel__agency__uid"))
    return found.select_related("channel__agency", "key__parent").order_by("-active_from", "-pk")


_LIVE_SECRETS = PreparedOpening(
    _live_secrets,
    reader=sealing.Reader(actor="system:delivery", verb="sign", purpose="verify"),
    fields=["secret"],
    code="one code",
    at=datetime(1900, 1, 1, tzinfo=UTC),
)


def authenticate(code: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Sender:
    """Return who signed `body`. Raises SignatureRefused; for an unknown code only after the work of a known one. One
    query, which puts on record that the secrets were opened."""
    envelope = signatures.read(headers)
    opened = [(row, values["secret"]) for row, values in _LIVE_SECRETS.opened(code=code, at=now)]
    secrets = {row.key_name: secret for row, secret in opened if secret is not None and secret is not sealing.ERASED}
    key_name = signatures.verify(envelope, body, live_secrets=secrets, now=now)
    channel = opened[0][0].channel
    if channel.agency.code != code or not channel.agency.is_active:
        raise signatures.SignatureRefused("unknown_sender")
    return Sender(agency=channel.agency, channel=channel, message_id=envelope.message_id, key_name=key_name)


def count_refusal(code: str, reason: str, *, now: datetime) -> None:
    """Count a refused call in the name of an agency, when there is such an agency. Keeps nothing of what it said."""
    with connection.cursor() as cursor:
        cursor.execute(_REFUSED, {"code": code, "reason": reason[:40], "at": now})
