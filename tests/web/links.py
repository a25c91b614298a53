"""Follow the links of the office, as curious newcomers do."""

import re
from html import unescape

from django.conf import settings

from tests.web.desk import client_of

LINK = re.compile(r'href="(/[^"#]*)')
NAMES = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|BG-[A-Z-0-9]+|\d+|(?<==)[^&]+|(?<=periods/)\w+|(?<=letters/)\w+"
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
