"""Addresses of the public pages that letters and packs name: a code list, since they change and two people change it.

The notice promises a link to the cookie policy and to the information notice of each credit reference agency. Once a
month the desk of people's rights is asked to follow them.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from cases.kernel import calendars, tasks
from cases.kernel.actors import system
from cases.kernel.models import Task, Team
from cases.kernel.office.codelists import CodeList
from cases.kernel.timing.rulebook import STREAM
from cases.ledger import api as ledger

__all__ = ["LINKS", "TASK", "ask_to_follow", "link"]

TASK = "links_to_follow"
DESK, DAYS = "rights", 5
INVENTED = "https://www.example.org/"
OF_AN_AGENCY = "notice_"
tasks.declare({TASK: "Follow the links that letters show"})


def _why_no_address(text: str) -> str:
    """Return why a text is no address to print, or nothing."""
    try:
        URLValidator(schemes=["https"])(text)
    except ValidationError:
        return "Write the whole address of a page, beginning with https://."
    return ""


LINKS = CodeList(
    "public_link",
    "Links that letters show",
    (
        ("cookie_policy", f"{INVENTED}cookies"),
        ("credit_agencies", f"{INVENTED}credit-reference-agencies"),
        ("fraud_agencies", f"{INVENTED}fraud-prevention-agencies"),
    ),
    is_open=True,
    why_not=_why_no_address,
)


def link(code: str, agency: str = "") -> str:
    """Return the present address under a code; that of one agency's own notice, if the list gained one for its code.

    That of `sandbox-bureau-a` is the entry `notice_sandbox_bureau_a`. Nothing where nobody has entered an address yet:
    what the list was declared with is shown by a demonstration alone.
    """
    known = LINKS.labels()
    found = known.get(OF_AN_AGENCY + agency.replace("-", "_"), known[code])
    return found if settings.DEMO or not found.startswith(INVENTED) else ""


@transaction.atomic
def ask_to_follow(*, now: datetime) -> int:
    """Raise this London month's task to follow the links, once. Locks and writes the desk's team. Returns how many."""
    month = f"{calendars.london_date(now):%Y-%m}"
    if Task.objects.filter(kind=TASK, detail__month=month).exists():
        return 0
    desk = Team.objects.select_for_update().filter(code=DESK).first()
    if desk is None or Task.objects.filter(kind=TASK, detail__month=month).exists():
        return 0
    due_at = calendars.end_of_day(calendars.add_working_days(calendars.london_date(now), DAYS))
    with ledger.action(STREAM, "public_links.to_follow", actor=system("documents").label, at=now):
        tasks.raise_task(TASK, case=None, team=desk, at=now, due_at=due_at, month=month)
    return 1
