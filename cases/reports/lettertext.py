"""Sets a worded letter: fills the closed set of placeholders and hands blocks to one template, which escapes them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from html.parser import HTMLParser
from typing import Any

from django.template import Variable, VariableDoesNotExist
from django.template.loader import render_to_string

from cases.kernel import calendars, clocks, money, retention
from cases.kernel.exchange import letters
from cases.kernel.models import Case, Clock
from cases.kernel.office import lettertexts
from cases.kernel.office.lettertexts import Block
from cases.reports import sender
from cases.reports.pdf import Paper

__all__ = ["TEMPLATE", "example", "filled", "kept_until", "lengths", "paper", "source"]

TEMPLATE = "cases/reports/letter_text.html"
SAID = dict.fromkeys(("account_reference", "number"), "8001234567")
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
    received_at = declared_at = decided_at = date(2026, 1, 5)
    default_date = start_date = date(2026, 2, 16)
    first_missed_date, satisfied_date = date(2026, 1, 12), date(2026, 3, 2)
    last_date = extended_date = date(2026, 4, 16)
    default_words = notice_words = "£114.00"
    paid_words: str = "£90.00"
    product_words: str = "home broadband"
    payments_behind: int = 3
    ground_words: str = "The debtor has enough to pay the debt"
    application_id: str = "ORD-2026-000001"
    outcome_words, outcome_said = "Declined", "declined"
    reason_words: tuple[str, ...] = ("The score of the credit reference agency is low",)
    trigger_words: tuple[str, ...] = ("What was said differs from what was said before",)
    searched_words: tuple[str, ...] = ("Sandbox Bureau A: others who look at your file can see this search",)
    buyer: str = "Sandbox Recoveries"
    owed_words: str = "£114.00"
    back_from = ended_by = ""
    reference: str = "EXAMPLE-000001"
    state: str = ""

    @property
    def batch(self) -> Example:
        """Stand for whatever a letter reaches by way of its facts: the firms and amounts are all of this example."""
        return self

    sale_notice = line = case = decision = first = last = batch
    automated_decisions = adverse_decisions = check_decisions = batch

    @property
    def searched(self) -> list[tuple[Example, str]]:
        """Stand for one credit reference agency and who sees that it was searched."""
        return [(Example(display_name=name), seen) for name, seen in (each.split(": ") for each in self.searched_words)]

    @property
    def agency(self) -> Example:
        """Stand for a firm that the facts name, which is not the agency that was told: only the built-in wording can
        name it."""
        return Example(display_name="Sandbox Recoveries")

    purchaser = agency

    @property
    def block(self) -> list[str]:
        return [self.name, *LINES.values()]


def written(value: object) -> str:
    """Write one value as a letter does: a moment as its day in London, several values one after the other."""
    if isinstance(value, list | tuple):
        return "; ".join(map(written, value))
    if isinstance(value, datetime):
        value = calendars.london_date(value)
    if isinstance(value, date):
        return f"{value.day} {value:%B %Y}"
    return "" if value is None else str(value)


def _named(template: letters.Template, context: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands for the placeholders beside the common ones, empty where there is nothing."""
    found = {}
    for name in template.extra:
        try:
            found[name] = written(Variable(template.extra_at.get(name, f"facts.{name}")).resolve(context))
        except VariableDoesNotExist:
            found[name] = ""
    return found


def lengths(template: letters.Template, case: Case | None, *, now: datetime) -> dict[str, Any]:
    """Return in words how long what a letter names is: each period by the version by which its case counts, with how
    long after posting something counts as served; and each class of records as it is kept now."""
    today = calendars.london_date(now)
    rules = {code: clocks.rule_for(case, code, on=today) for code in template.rules}
    return {
        "rules": {code: {"length": clocks.length(rule), "served": clocks.served(rule)} for code, rule in rules.items()},
        "kept": {code: retention.in_force(code, on=today).period for code in template.kept},
    }


def kept_until(template: letters.Template, periods: Mapping[str, Clock]) -> Clock | None:
    """Return the last to end of the periods of a person with which the record about them ends."""
    kept = [clock for rule, clock in periods.items() if rule in template.kept_by]
    return max(kept, key=lambda clock: clock.due_date, default=None)


def filled(code: str, body: str, context: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of a wording with the values of one letter's context."""
    firm, agency = context["firm"], context["agency"]
    template = letters.TEMPLATES.get(code)
    kept = kept_until(template, context["periods"]) if template else None
    values = {
        "name": context["addressee"].name,
        "reference": context["reference"],
        "date": written(context["date"]),
        "firm": firm.name,
        "desk": firm.desk.name,
        "matter": context["matter"],
        "told": ", ".join(context["told"]),
        "agency": agency.display_name if agency else "",
        "keep_for": context["keep_for"],
        "keep_until": written(kept.due_date) if kept else "",
        **(_named(template, context) if template else {}),
    }
    return lettertexts.blocks(body, values)


def example(code: str, *, now: datetime) -> dict[str, Any]:
    """Return a context of invented values for a preview."""
    sample, firm = Example(), sender.firm()
    kept = [clocks.length(clocks.RULES[rule]) for rule in letters.TEMPLATES[code].kept_by]
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
        **lengths(letters.TEMPLATES[code], None, now=now),
        "keep_for": next(iter(kept), ""),
        "agency": sample,
        "agency_contact": next(iter(firm.agencies.values()), None),
    }


# What a built-in wording says that no placeholder stands for: whoever proposes words anew has to decide about it.
OPEN = "{?}"
SIGNS = {"h1": "# ", "h2": "## ", "li": "- ", "p": ""}
# What stands around the words, and is set for every letter.
AROUND = frozenset({"firm", "desk", "addressee", "when"})


class _Lines(HTMLParser):
    """Gathers the headings, paragraphs and items of a letter as lines, with the class of each."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._sign = self._class = self._text = ""
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SIGNS:
            self._sign, self._class, self._text, self._is_open = SIGNS[tag], dict(attrs).get("class") or "", "", True
        elif tag == "br":
            self._text += "\n"

    def handle_data(self, data: str) -> None:
        if self._is_open:
            self._text += " " * (data[:1].isspace()) + " ".join(data.split()) + " " * (data[-1:].isspace())

    def handle_endtag(self, tag: str) -> None:
        if tag in SIGNS and self._is_open:
            self._is_open = False
            if self._class not in AROUND and self._text.strip():
                self.found.append((self._class, self._sign + self._text.strip()))


def source(code: str, *, now: datetime) -> str:
    """Return the built-in wording of a letter as the lines in which a new one is typed: values as their placeholders,
    the blocks that every letter has as theirs. Where nothing stands for a value the line says {?}, which no wording may
    hold."""
    context = example(code, now=now)
    reader = _Lines()
    reader.feed(render_to_string(letters.TEMPLATES[code].template, context))
    found: list[str] = []
    for looks, text in reader.found:
        for line in _block(looks, text, context) or _sentences(code, text, context):
            if line not in found or not line.startswith("{"):
                found.append(line)
    return "\n\n".join(found) + "\n"


def _block(looks: str, text: str, context: Mapping[str, Any]) -> list[str]:
    """Return the placeholder of a block that every letter has, or nothing for a sentence."""
    firm = context["firm"]
    if looks == "contact":
        return ["{contact}" if text.startswith(firm.desk.name) else "{agency_contact}"]
    ours = (
        "Complain to us.",
        f"Take it to {firm.adjudicator.name}",
        f"Complain to {firm.regulator.name}",
        "You can also go",
    )
    return ["{complaints}"] if text.startswith(tuple(f"- {each}" for each in ours)) else []


def _sentences(code: str, text: str, context: Mapping[str, Any]) -> list[str]:
    """Return a piece of a letter line by line, with placeholders for its values."""
    sample, firm = context["letter"], context["firm"]
    template = letters.TEMPLATES[code]
    named = {
        ", ".join(context["told"]): "{told}",
        sample.name: "{name}",
        context["reference"]: "{reference}",
        written(context["date"]): "{date}",
        context["matter"]: "{matter}",
        **({context["keep_for"]: "{keep_for}"} if context["keep_for"] else {}),
        sample.display_name: "{agency}",
        firm.desk.name: "{desk}",
        firm.name: "{firm}",
    }
    known = {value: f"{{{name}}}" for name, value in _named(template, context).items() if value}
    unnamed = dict.fromkeys([*_values(sample), *(said for said in context["said"])], OPEN)
    stands = {**unnamed, **named, **known}
    for value in sorted(stands, key=len, reverse=True):  # a number is a value only where it stands by itself
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", stands[value].replace("\\", r"\\"), text)
    return [line.strip() for line in text.split("\n") if line.strip() and line.strip() != OPEN]


def _values(sample: Example) -> list[str]:
    """Return what the invented facts look like in a letter."""
    given = {name: getattr(sample, name) for name in dir(sample) if not name.startswith("_")}
    shown = [written(value) for value in given.values() if isinstance(value, date)]
    shown += [value for value in given.values() if isinstance(value, str) and len(value) > len("en-GB")]
    return [
        *shown,
        *sample.reason_words,
        *sample.trigger_words,
        *sample.searched_words,
        sample.agency.display_name,
        money.pounds(sample.balance_pence),
        sample.outcome_words.lower(),
    ]


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
