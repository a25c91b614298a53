"""Schemathesis over our own description: bodies good and bad, correctly signed, and headers as it likes them.

What gets past the signature and what is accepted is counted and asserted, so that the fuzzing cannot become idle.
"""

from __future__ import annotations

import io
from collections import Counter
from datetime import timedelta
from functools import cache
from itertools import count
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
import urllib3
from django.db import connection
from django.test import Client
from requests.adapters import BaseAdapter, HTTPAdapter
from schemathesis import GenerationMode, checks

from cases.agencies.directory import TERMS
from cases.agencies.provision import new_inbound_key
from cases.api.reader import Generator
from cases.credit.models import Check
from cases.disclosure.partners import guessing
from cases.kernel import actors
from cases.kernel.exchange import agreements
from cases.kernel.models import Agency, Callback, Case, IntakeRequest
from cases.ledger import verify
from tests import checks as applications
from tests import disclosures, factories, moratoria, partners
from tests.api.caller import call, signed
from tests.api.conftest import AT
from tests.kernel.snapshots import undone
from tests.length import times

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(times(900, 9000))]
BASE = "http://testserver"
OPERATIONS = {
    "/api/v1/agencies/{code}/callbacks/": "sandbox-fraud-register",
    "/api/v1/fee-reversals/": "own-billing",
    "/api/v1/intake/accounts/": "own-billing",
    "/api/v1/intake/associations/": "own-orders",
    "/api/v1/intake/checks/": "own-orders",
    "/api/v1/intake/checks/status": "own-orders",
    "/api/v1/intake/contests/": "own-website",
    "/api/v1/intake/disclosure-requests/": "sandbox-constabulary",
    "/api/v1/intake/dp-complaints/": "own-website",
    "/api/v1/intake/fraud-referrals/": "own-detection",
    "/api/v1/intake/moratoria/": "sandbox-moratorium",
    "/api/v1/intake/sim-events/": "own-network",
    "/api/v1/partners/{code}/feedback": "sandbox-bank",
    "/api/v1/partners/{code}/may-contact": "own-messaging",
    "/api/v1/partners/{code}/records/check": "sandbox-bank",
    "/api/v1/partners/{code}/sim-swap/check": "sandbox-bank",
    "/api/v1/partners/{code}/sim-swap/retrieve-date": "sandbox-bank",
    "/api/v1/partners/{code}/transactions/verify": "sandbox-bank",
    "/api/v1/intake/rights-requests/": "own-messaging",
    "/api/v1/policy-holds/": "own-billing",
}
NUMBERS = count(1)
# Answered and not kept.
QUESTIONS = {
    "/api/v1/policy-holds/",
    "/api/v1/fee-reversals/",
    "/api/v1/intake/checks/status",
    "/api/v1/partners/{code}/may-contact",
}
# With which bodies each operation is called, how often, whether the signature is ours, and whether what a schema cannot
# say (reasons that belong to the kind of fraud, somebody to name) is taken from the example.
ROUNDS = (
    (GenerationMode.POSITIVE, times(6, 60), True, False),
    (GenerationMode.POSITIVE, times(12, 80), True, True),
    (GenerationMode.NEGATIVE, times(8, 60), True, False),
    (GenerationMode.POSITIVE, times(3, 30), False, False),
)
DRAWN = {
    "declaration",
    "subjects",
    "narrative",
    "data",
    "loss_pence",
    "value_at_risk_pence",
    "incident_reference",
    "agency_sequence",
    "wording",
    "complaint",
}
ONCE = ("application_id", "register_reference")
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


class Office(BaseAdapter):
    """Carries a request to this very process, signed over its exact bytes; counts what came back."""

    def __init__(self, secret: str, sender: str) -> None:
        super().__init__()
        self.secret, self.sender = secret, sender
        self.client, self.is_signing, self.calls = Client(), True, 0
        self.statuses: Counter[int] = Counter()

    def send(self, request: requests.PreparedRequest, **_more: Any) -> requests.Response:
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else body
        self.calls += 1
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ("content-length",)}
        if self.is_signing:
            headers = {
                name: value for name, value in headers.items() if not name.lower().startswith(("webhook-", "idem"))
            }
            headers |= signed(self.secret, f"fuzz-{self.calls}", raw) | {"webhook-sender": self.sender}
        content_type = headers.pop("Content-Type", "application/json")
        answer = self.client.generic("POST", request.path_url, raw, content_type, headers=headers)
        self.statuses[answer.status_code] += 1
        raw_answer = urllib3.HTTPResponse(
            body=io.BytesIO(answer.content),
            headers=dict(answer.headers),
            status=answer.status_code,
            preload_content=False,
        )
        return HTTPAdapter().build_response(request, raw_answer)

    def close(self) -> None:
        """Nothing is open."""


def sensible(body: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """Return the drawn body with the example's codes and dates; texts, amounts, people and data stay as drawn."""
    drawn = {name: value for name, value in body.items() if not name.endswith("_date")}
    said = drawn | {name: value for name, value in example.items() if name not in DRAWN}
    # An application is checked once, a notice of the register is taken once: each is another. Whoever asks what was
    # decided names one that is known.
    if set(example) == {"schema_version", "application_id"}:
        return said | {"application_id": Check.objects.earliest("pk").application_id}
    return said | {name: f"ORD-{next(NUMBERS)}" for name in ONCE if name in example}


def fuzz(operation: Any, office: Office, path_parameters: dict[str, str]) -> None:
    session = requests.Session()
    session.trust_env = False
    session.mount(BASE, office)
    for mode, most, is_signing, is_sensible in ROUNDS:
        office.is_signing = is_signing
        cases = operation.as_strategy(generation_mode=mode, path_parameters=path_parameters)
        call_each(cases, session, most=most, example=_example(operation) if is_sensible else None)


def _example(operation: Any) -> dict[str, Any]:
    examples = operation.definition.raw["requestBody"]["content"]["application/json"]["examples"]
    return next(iter(examples.values()))["value"]


def call_each(cases: Any, session: requests.Session, *, most: int, example: dict[str, Any] | None) -> None:
    @hypothesis.settings(
        max_examples=most,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=cases)
    def one(case: Any) -> None:
        if example is not None:
            case.body = sensible(case.body, example)
        response = case.call(base_url=BASE, session=session)
        case.validate_response(response, checks=CHECKS)

    one()


@pytest.fixture
def secrets(register) -> dict[str, str]:
    """What each sender signs with; the authority has a desk whose portal we trust."""
    made = factories.office()
    disclosures.enter(made)
    disclosures.desk(made, at=AT - timedelta(days=2), method="portal_identity")
    authority, actor = disclosures.AUTHORITY, actors.system("tests")
    agreements.enter(Agency.objects.get(code="sandbox-bank"), TERMS, actor=actor, at=AT)
    partners.enter(made, per_minute=6000)
    partners.swap()
    # The contest that the description shows is of this check.
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO cases_referencecounter (prefix, year, last) VALUES ('CHK', 2026, 17)")
    applications.decided(made)
    moratoria.enter()
    made_keys = {code: new_inbound_key(code, actor=actor, at=AT) for code in (authority, "own-network", moratoria.CODE)}
    secret = register["sandbox-bank"]
    asked = {"phoneNumber": "+447700900123"}
    call(secret, asked, message_id="pay-20261202-1", path="/api/v1/partners/sandbox-bank/sim-swap/check")
    return register | made_keys


@cache
def described() -> dict[str, Any]:
    """Return our description, drawn up once."""
    return Generator().get_schema(request=None, public=True)


@cache
def read() -> Any:
    """Return what schemathesis makes of it."""
    return schemathesis.openapi.from_dict(described())


def test_nothing_that_schemathesis_sends_breaks_us(secrets, monkeypatch, subtests):
    """One office for all operations, which each find it as it was made."""
    monkeypatch.setattr(guessing, "MOST_A_DAY", 1000)  # every question is about the number of the example
    for path in OPERATIONS:
        with subtests.test(path=path), undone():
            _assert_nothing_breaks_us(path, secrets[OPERATIONS[path]])


def _assert_nothing_breaks_us(path: str, secret: str) -> None:
    office = Office(secret, OPERATIONS[path])
    parameters = {"code": OPERATIONS[path]} if "{code}" in path else {}

    fuzz(read()[path]["POST"], office, parameters)

    calls = sum(office.statuses.values())
    past = calls - office.statuses[401] - office.statuses[429]
    good = sum(count for status, count in office.statuses.items() if 200 <= status < 300)
    print(
        f"{path}: {calls} calls, {past / calls:.0%} past authentication, {good / calls:.0%} accepted", office.statuses
    )
    assert calls >= times(24, 150)
    assert past / calls >= 0.7, office.statuses
    assert good / calls >= 0.2, office.statuses
    assert not [status for status in office.statuses if status >= 500]
    kept = (
        Callback.objects.exclude(state="failed").count()
        + IntakeRequest.objects.exclude(message_id="pay-20261202-1").count()
    )
    # A partner's question in the name of somebody its agreement does not name, or of a number of which nothing is on
    # record, is refused, and kept as one.
    refused = office.statuses[403] if "/partners/" in path else 0
    refused += Case.objects.filter(partner_query__refusal_code="number_unknown").count()
    assert kept == (0 if path in QUESTIONS else good + refused)
    for case in Case.objects.order_by("pk")[:3]:
        assert not [each for each in verify.verify_stream(case.uid) if each.level != "recorded late"]


def test_every_operation_of_the_description_is_fuzzed():
    assert sorted(described()["paths"]) == sorted(OPERATIONS)
