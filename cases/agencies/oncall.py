"""Rings the people on call: an e-mail, or a POST to a pager. What is said holds no more than a short code.

May be called at any time, by anybody, as often as one likes: the table is the queue.
"""

from __future__ import annotations

import json
import smtplib
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from cases.agencies.transports import https
from cases.agencies.transports.base import DeliveryError, Parcel
from cases.kernel import failpoints
from cases.kernel.oncall import ringing
from cases.kernel.oncall.ringing import Claimed

__all__ = ["ring_due", "tried"]

THREADS = 10
ROUNDS = 10
HTTPS_SECONDS = 10.0


def ring_due() -> int:
    """Send the rings that are due and write how each ended, as soon as it has. Returns how many were tried.

    No transaction is open while anything is sent. One address that hangs keeps none of the others waiting.
    """
    tried = 0
    for _ in range(ROUNDS):
        lease = uuid.uuid4()
        claimed = ringing.claim(lease)
        if not claimed:
            break
        failpoints.reach("after_ring_claim")
        tried += len(claimed)
        with ThreadPoolExecutor(THREADS, thread_name_prefix="on-call") as pool:
            waiting = {pool.submit(_try, one): one for one in claimed}
            for done in as_completed(waiting):
                failpoints.reach("after_ring_sent")
                ringing.finish(lease, waiting[done].ring_id, error=done.result())
    return tried


def _try(one: Claimed) -> str:
    return tried(lambda: _SENDERS[one.method](one))


def tried(send: Callable[[], None]) -> str:
    """Send, and return the code of what went wrong, or nothing. Touches no database."""
    try:
        send()
    except DeliveryError as error:
        return error.code
    except smtplib.SMTPException as error:
        return f"mail_{type(error).__name__}"
    except OSError as error:
        return f"mail_server_away_{type(error).__name__}"
    except Exception as error:  # noqa: BLE001 -- a fault of ours must end as a try on record, not as a lost lease
        return f"fault_{type(error).__name__}"
    return ""


def _mail(one: Claimed) -> None:
    if not settings.EMAIL_HOST:
        raise DeliveryError("no_mail_server")
    headers = {"Message-ID": f"<{one.uid}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2]}>"}
    with get_connection() as connection:
        letter = EmailMessage(one.text, f"{one.text}.", to=[one.address], headers=headers, connection=connection)
        letter.send()


def _page(one: Claimed) -> None:
    answer = https.send(
        Parcel(
            url=one.address,
            body=json.dumps({"text": one.text}).encode(),
            headers={"content-type": "application/json", "user-agent": "backoffice", "idempotency-key": one.uid},
            allowed_cidrs=tuple(settings.ON_CALL_CIDRS),
            ca_file=settings.ON_CALL_CA_FILE,
            timeout_seconds=HTTPS_SECONDS,
        )
    )
    if not 200 <= answer.status < 300:
        raise DeliveryError(f"http_{answer.status}")


_SENDERS = {"e_mail": _mail, "https": _page}
