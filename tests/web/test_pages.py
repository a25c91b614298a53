"""Every page of a case worker answers, in the words of the case."""

import re

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


PERSONAL = ["Tregaskis", "Morwenna", "+447700900123", "m.tregaskis", "203.0.113.45", "Harbour Row", "Fiction Way"]
PERSONAL += ["Penzance", "TR18", "LS1 0ZZ", "NM-4471", "passed security", "Recording of the call"]


@pytest.mark.parametrize("state", ["ready", "rejected", "filed"])
def test_no_page_holds_a_personal_value_before_it_is_revealed(people, state):
    case = getattr(factories, state)(people)
    client = desk.client_of("a.byrne")
    paths = ["/", "/cases/", "/approvals/"]
    paths += [reverse(f"web:{name}", args=[case.uid]) for name in ("case", "documents", "messages", "audit", "older")]
    if state == "ready":
        paths += [reverse("web:edit_facts", args=[case.uid]), reverse("web:edit_person", args=[case.uid, 2])]
    for path in paths:
        response = client.get(path)
        assert response.status_code == 200
        assert [word for word in PERSONAL if word in response.content.decode()] == [], path


def test_pages_forbid_inline_script_and_style_and_hold_none(people):
    case = factories.ready(people)
    client = desk.client_of("d.osei")
    for path in ("/", "/cases/", reverse("web:case", args=[case.uid]), "/cases/new/fraud_referral/"):
        response = client.get(path)
        policy = response["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        page = response.content.decode()
        assert "<style" not in page
        assert " style=" not in page
        assert not re.search(r"<script(?![^>]* src=)", page)
        assert not re.search(r" on[a-z]+=", page)
