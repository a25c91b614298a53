"""Every page of a case worker answers, in the words of the case."""

import pytest
from django.urls import reverse

from tests import factories
from tests.web import desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.office()


def test_every_page_answers(people):
    case = factories.ready(people)
    client = desk.client_of("a.byrne")
    paths = ["/", "/counts/", "/cases/", "/approvals/", "/preferences/", "/cases/new/", "/cases/new/fraud_referral/"]
    paths += [reverse(f"web:{name}", args=[case.uid]) for name in ("case", "documents", "messages", "audit", "older")]
    paths += [reverse("web:edit_facts", args=[case.uid]), reverse("web:add_person", args=[case.uid])]
    paths += [reverse("web:edit_person", args=[case.uid, 2])]
    for path in paths:
        response = client.get(path)
        assert response.status_code == 200, (path, response.content[:500])
