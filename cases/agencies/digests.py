"""Sends people the mail of the morning that they chose: numbers alone, no word about a case.

May be called at any time, by anybody, as often as one likes: what is due stands in the table.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from cases.agencies.oncall import tried
from cases.agencies.transports.base import DeliveryError
from cases.kernel import failpoints
from cases.kernel.personal import digests
from cases.kernel.personal.digests import Claimed

__all__ = ["send_due"]

MOST = 500
ENDS = "\n\nThis mail holds numbers alone. You chose it under Preferences, where it is turned off as well."


def send_due(*, clock: Callable[[], datetime]) -> int:
    """Send the mails that are due, one after the other, and write how each ended; the rest waits where the mail server
    is away. Returns how many were sent. No transaction is open while one is sent."""
    sent = 0
    for _ in range(MOST if settings.EMAIL_HOST else 0):
        one = digests.claim(now=clock())
        if one is None:
            break
        failpoints.reach("after_digest_claim")
        error = tried(partial(_mail, one)) if one.text else ""
        failpoints.reach("after_digest_sent")
        digests.finish(one, error=error, now=clock())
        sent += bool(one.text and not error)
        if error.startswith("mail_server_away"):
            break
    return sent


def _mail(one: Claimed) -> None:
    headers = {
        "Message-ID": f"<{one.uid}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2]}>",
        "Auto-Submitted": "auto-generated",
    }
    with get_connection() as connection:
        letter = EmailMessage(
            digests.SUBJECT, f"{one.text}{ENDS}", to=[one.address], headers=headers, connection=connection
        )
        if not letter.send():
            raise DeliveryError("not_sent")
