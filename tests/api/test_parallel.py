"""Equal intake requests at once: one case, one answer."""

import json
import threading
from datetime import UTC, datetime

import pytest
from django.db import connection

from cases.agencies import provision
from cases.fraud.intake import EXAMPLE
from cases.kernel import actors
from cases.kernel.models import Case, IntakeRequest, ReferenceCounter
from cases.kernel.office import demo_people
from tests.api.caller import INTAKE, call

pytestmark = pytest.mark.django_db(transaction=True)


def test_fifty_equal_requests_open_one_case_and_get_one_answer():
    at, actor = datetime.now(UTC), actors.system("tests")
    demo_people.ensure(at)
    provision.provision(actor=actor, at=at)
    secret = provision.new_inbound_key("own-detection", actor=actor, at=at)
    answers: list[tuple[int, bytes]] = []
    start = threading.Barrier(50)

    def send() -> None:
        try:
            start.wait()
            response = call(secret, EXAMPLE, message_id="det-1", path=INTAKE, **{"webhook-sender": "own-detection"})
            answers.append((response.status_code, response.content))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 50
    ((status, content),) = set(answers)
    case = Case.objects.get()
    assert (status, json.loads(content)["reference"]) == (201, case.reference)
    assert IntakeRequest.objects.get().case_id == case.pk
    assert ReferenceCounter.objects.get().last == 1
