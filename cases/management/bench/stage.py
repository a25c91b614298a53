"""Sets the stage: tables of the other arms as full as ours, somebody signed in, a key to sign with."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from cases.agencies.sandbox.signing import headers_for
from cases.kernel import actors
from cases.kernel.exchange import agencies
from cases.kernel.models import Case, Channel, ChannelKey, RateBucket, User
from cases.management.bench.rows import TABLES
from cases.management.bench.views import SECRET

FILL = """
INSERT INTO bench_refagency (name) SELECT 'Agency ' || n FROM generate_series(1, 20) n;
INSERT INTO bench_refcase
    (reference, kind, state, topic, account, summary, agency_id, version, assignee_id, opened_at, due_at,
    amount_pence, is_closed)
SELECT 'BEN-' || n, 'fraud_referral', CASE WHEN n %% 10 = 0 THEN 'referred' ELSE 'no_action' END,
       'Facility takeover', 'NM-' || n, 'Told by telephone.', 1 + n %% 20, 1,
       CASE WHEN n %% 3 = 0 THEN %(user)s END, now() - n * interval '1 minute',
       now() + n * interval '1 minute', n, n %% 10 <> 0
FROM generate_series(1, %(cases)s) n;
INSERT INTO bench_refperson (case_id, role, forename, surname, phone)
SELECT n, 'victim_of_takeover', 'Jory' || n %% 200, 'Tre' || n %% 4864 || 'kis', '+447700900' || n %% 18000
FROM generate_series(1, %(cases)s) n;
INSERT INTO bench_reffacts SELECT n, 'mob_paym', 'phone', now()::date, 'Told by telephone.', 'NM-' || n
FROM generate_series(1, %(cases)s) n;
INSERT INTO bench_refevent (case_id, verb, actor, at, data)
SELECT n, 'step', 'staff:1', now(), '{}' FROM generate_series(1, %(cases)s) n, generate_series(1, 10);
INSERT INTO bench_refmessage (case_id, body, state, attempts)
SELECT n, '{}', 'pending', 0 FROM generate_series(1, 1000) n;
"""


@dataclass
class Stage:
    """Who calls, and with what."""

    client: Client
    machine: Client
    user: User
    secrets: dict[str, str]

    def call(self, path: str, document: Any, *, sender: str, message_id: str = "") -> None:
        """Post a signed document as an agency or an own system would. Raises AssertionError unless it is taken."""
        body = json.dumps(document).encode()
        signed = headers_for(self.secrets[sender], message_id or str(uuid4()), body)
        del signed["Content-Type"]
        answer = self.machine.post(
            path,
            data=body,
            content_type="application/json",
            headers={**signed, "webhook-sender": sender, "X-Token": self.user.username},
        )
        assert answer.status_code in (200, 201, 202), (path, answer.status_code, answer.content[:300])

    def get(self, path: str) -> bytes:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return bytes(answer.content)

    def post(self, path: str, **fields: Any) -> None:
        """Post a form and follow where it leads within our own pages once."""
        answer = self.client.post(path, fields)
        assert answer.status_code in (200, 302), (path, answer.status_code)


@contextmanager
def staged(*, username: str) -> Iterator[Stage]:
    """Make the tables of the other arms and drop them again, whatever happens; what a killed run left goes first."""
    user = User.objects.get(username=username)
    left = set(connection.introspection.table_names())
    with connection.schema_editor() as editor:
        for model in reversed([each for each in TABLES if each._meta.db_table in left]):
            editor.delete_model(model)
        for model in TABLES:
            editor.create_model(model)
    try:
        with connection.cursor() as cursor:
            cursor.execute(FILL, {"user": user.pk, "cases": max(Case.objects.count(), 1000)})
            cursor.execute("ANALYZE")
        RateBucket.objects.all().delete()
        keys = _keys()
        try:
            yield Stage(_signed_in(user), Client(SERVER_NAME="localhost"), user, _secrets(keys))
        finally:
            for row, _ in keys.values():
                agencies.revoke_key(row, actor=actors.system("bench"), at=timezone.now())
    finally:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # where a caller holds a transaction, checks are waiting
        with connection.schema_editor() as editor:
            for model in reversed(TABLES):
                editor.delete_model(model)


def _signed_in(user: User) -> Client:
    """Return a browser whose session has shown both factors."""
    client = Client(SERVER_NAME="localhost", raise_request_exception=True)
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "at": timezone.now().timestamp()}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def _keys() -> dict[str, tuple[ChannelKey, str]]:
    """Give the callers a key of this run each; it ends with the run, or the next would have more keys to open."""
    found = {}
    for code in ("own-detection", "sandbox-fraud-register"):
        channel = agencies.channel_of(agencies.get(code), "in")
        assert isinstance(channel, Channel)
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        name = f"bench-{uuid4().hex[:12]}"
        row = agencies.add_key(channel, secret, name=name, actor=actors.system("bench"), at=timezone.now())
        found[code] = (row, secret)
    return found


def _secrets(keys: dict[str, tuple[ChannelKey, str]]) -> dict[str, str]:
    known = {code: secret for code, (_, secret) in keys.items()}
    return {"bench": "whsec_" + base64.b64encode(SECRET).decode(), **known}
