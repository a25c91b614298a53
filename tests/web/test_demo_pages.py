"""Nothing that the demonstration links to breaks: each role follows the links, as curious newcomers do."""

import re
from html import unescape

import pytest
from django.conf import settings
from django.core.management import call_command

from cases.agencies import provision
from cases.kernel import actors
from tests import factories
from tests.web.desk import client_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]  # every link of four people
LINK = re.compile(r'href="(/[^"#]*)')
NAMES = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|BG-[A-Z-0-9]+|\d+|(?<==)[^&]+|(?<=periods/)\w+"
)  # what differs between rows and pages
ELSEWHERE = (settings.STATIC_URL, "/accounts/", "/api/")
# One for each sight of the office: a desk with cases, a compartment, audit, administration.
CURIOUS = ("a.byrne", "h.castellan", "b.lacombe", "o.thackray")


def follow(username: str) -> tuple[int, list[tuple[int, str]]]:
    """Open everything that can be reached by links; return how many pages that were, and the answers that are wrong."""
    client, waiting, known, wrong = client_of(username), ["/"], {"/"}, []
    shapes: set[str] = set()
    for path in waiting:
        answer = client.get(path)
        if answer.status_code not in (200, 302):
            wrong.append((answer.status_code, path))
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        for link in map(unescape, LINK.findall(answer.content.decode())):
            shape = NAMES.sub("N", link)
            if link in known or link.startswith(ELSEWHERE) or shape in shapes:
                continue
            known.add(link)
            shapes.add(shape)
            waiting.append(link)
    return len(waiting), wrong


def test_no_link_of_the_demonstration_breaks(settings, tmp_path):
    settings.DEMO = True
    factories.office()
    plan = provision.SandboxPlan(folder=tmp_path, port=9443, callback_base="http://127.0.0.1:8000")
    provision.provision(actor=actors.system("tests"), at=factories.AT, sandbox=plan)
    call_command("seed_demo", share=0.01)

    met = {username: follow(username) for username in CURIOUS}

    assert {username: wrong for username, (_, wrong) in met.items() if wrong} == {}
    assert min(pages for pages, _ in met.values()) > 20
