"""Sets a worded letter: fills the closed set of placeholders and hands blocks to one template, which escapes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.template.loader import render_to_string

from cases.kernel import calendars
from cases.kernel.exchange import letters
from cases.kernel.office import lettertexts
from cases.kernel.office.lettertexts import Block
from cases.reports import sender
from cases.reports.pdf import Paper

__all__ = ["TEMPLATE", "example", "filled", "paper"]

TEMPLATE = "cases/reports/letter_text.html"
SAID = {"account_reference": "8001234567"}
LINES = {"line_1": "12 Harbour Row", "town": "Penzance", "postcode": "TR18 0ZZ"}


@dataclass(frozen=True, kw_only=True)
class Example:
    """Invented people and facts, so that a preview reads like a letter."""

    name: str = "Morwenna Tregaskis"
    display_name: str = "Sandbox Fraud Register"
    language: str = "en-GB"
    role: str = "victim_of_takeover"
    filing_reference: str = "SFR-2026-0000001"
    filed_date: date = date(2026, 1, 5)
    assigned_date: date = date(2026, 12, 10)
    balance_pence: int = 11_400
    back: None = None

    @property
    def batch(self) -> Example:
        """Stand for whatever a letter reaches by way of its facts: the firms and amounts are all of this example."""
        return self

    agency = purchaser = sale_notice = line = batch

    @property
    def block(self) -> list[str]:
        return [self.name, *LINES.values()]


def written(value: object) -> str:
    """Write one value as a letter does."""
    if isinstance(value, date):
        return f"{value.day} {value:%B %Y}"
    return "" if value is None else str(value)


def filled(code: str, body: str, context: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of a wording with the values of one letter's context."""
    firm, agency, facts = context["firm"], context["agency"], context["facts"]
    template = letters.TEMPLATES.get(code)
    kept = template.kept_by if template else ()
    ends = [clock.due_date for rule, clock in context["periods"].items() if rule in kept]
    values = {
        "name": context["addressee"].name,
        "reference": context["reference"],
        "date": written(context["date"]),
        "firm": firm.name,
        "desk": firm.desk.name,
        "matter": context["matter"],
        "told": ", ".join(context["told"]),
        "agency": agency.display_name if agency else "",
        "keep_until": written(max(ends)) if ends else "",
        **{name: written(getattr(facts, name, None)) for name in (template.extra if template else ())},
    }
    return lettertexts.blocks(body, values)


def example(code: str, *, now: datetime) -> dict[str, Any]:
    """Return a context of invented values for a preview."""
    sample, firm = Example(), sender.firm()
    return {
        "firm": firm,
        "letter": sample,
        "title": f"Preview of letter {code.upper()}",
        "made_at": now.isoformat(timespec="seconds"),
        "date": calendars.london_date(now),
        "addressee": sample,
        "reference": "EXAMPLE-000001",
        "role": sample.role,
        "told": ["your name", "your address", "your telephone number"],
        "facts": sample,
        "matter": "an example",
        "said": [SAID.get(name, "What was typed for the person stands here.") for name in letters.TEMPLATES[code].says],
        "periods": {},
        "agency": sample,
        "agency_contact": next(iter(firm.agencies.values()), None),
    }


def paper(code: str, body: str | None, *, now: datetime) -> Paper:
    """Return the preview of a wording (None: the built-in one) ready for the press."""
    context = example(code, now=now)
    if body is None:
        template = letters.TEMPLATES[code].template
    else:
        template, context = TEMPLATE, {**context, "blocks": filled(code, body, context)}
    return Paper(
        html=render_to_string(template, context),
        css=render_to_string("cases/reports/letter.css"),
        identifier=hashlib.sha256(f"preview {code} {body}".encode()).hexdigest()[:32],
        made_at=now.isoformat(),
    )
